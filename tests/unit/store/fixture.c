#include "fixture.h"

#include <dirent.h>

void fixture_remove(const char *dir)
{
    DIR *d = opendir(dir);
    if (d == NULL)
        return;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] != '.')
            unlink(path);
    }
    closedir(d);
    rmdir(dir);
}

rac_err fixture_open(struct fixture *f, const char *vfs)
{
    const struct rac_store_options o = {.dir = rac_str_of(f->dir),
                                        .env = &rac_env_system,
                                        .writer_cache_kib = f->cache_kib,
                                        .vfs = vfs};
    rac_err e = rac_store_open(&o, &f->a, &f->store, &f->why);
    if (e == RAC_OK)
        e = rac_store_session_new(f->store, NULL, &f->ses);
    if (e != RAC_OK)
        return e;
    f->c = rac_store_connectors(f->ses);
    f->i = rac_store_iam(f->ses);
    f->w = rac_store_flows(f->ses);
    return RAC_OK;
}

void fixture_close(struct fixture *f)
{
    rac_store_session_free(f->ses);
    rac_store_close(f->store);
    f->ses = NULL;
    f->store = NULL;
}

int fixture_setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    rac_arena_init(&f.a, 256 << 20);
    snprintf(f.dir, sizeof f.dir, "/tmp/raccord-store-XXXXXX");
    if (mkdtemp(f.dir) == NULL)
        return 1;
    *state = &f;
    rac_err e = fixture_open(&f, NULL);
    if (e != RAC_OK)
        print_error("open: %s: %.*s\n", rac_err_name(e), RAC_FMT(f.why));
    return e != RAC_OK;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    fixture_remove(f->dir);
    rac_arena_fini(&f->a);
    return 0;
}

void fixture_done(void *arg, const struct rac_commit *c)
{
    struct fixture *f = arg;
    f->commit = *c;
    f->commit.id = c->id.p ? rac_arena_str(&f->a, c->id) : c->id;
    f->commit.error = c->error.p ? rac_arena_str(&f->a, c->error) : c->error;
    f->answers++;
}

rac_err fixture_wait(struct fixture *f)
{
    while (rac_store_session_wait(f->ses))
        ;
    return f->commit.err;
}

rac_err fixture_connector(struct fixture *f, const char *id, const char *definition)
{
    const struct rac_file files[] = {{.kind = RAC_FILE_DEFINITION,
                                      .name = RAC_S("apiDefinition.swagger.json"),
                                      .bytes = rac_str_of(definition)},
                                     {.kind = RAC_FILE_PROPERTIES,
                                      .name = RAC_S("apiProperties.json"),
                                      .bytes = RAC_S("{\"properties\":{}}")}};
    const struct rac_connector_save r = {.create = true,
                                         .id = rac_str_of(id),
                                         .group = GROUP,
                                         .owner = RAC_DEFAULT_ID,
                                         .display_name = rac_str_of(id),
                                         .files = files,
                                         .files_n = 2,
                                         .operations_n = 3,
                                         .triggers_n = 1,
                                         .actor = {.user = RAC_DEFAULT_ID, .at_ms = 1000}};
    f->c->connector_save(f->c->self, TENANT, &r, fixture_done, f);
    return fixture_wait(f);
}

rac_err fixture_connection(struct fixture *f, const char *id, const char *connector,
                           const char *owner, const char *secrets)
{
    const struct rac_connection_save r = {.create = true,
                                          .id = rac_str_of(id),
                                          .connector = rac_str_of(connector),
                                          .group = GROUP,
                                          .owner = rac_str_of(owner),
                                          .display_name = rac_str_of(id),
                                          .values = RAC_S("{\"region\":\"eu\"}"),
                                          .secrets = rac_str_of(secrets),
                                          .shareable = -1,
                                          .actor = {.user = RAC_DEFAULT_ID, .at_ms = 2000}};
    f->c->connection_save(f->c->self, TENANT, &r, fixture_done, f);
    return fixture_wait(f);
}

rac_err fixture_user(struct fixture *f, const char *id, const char *name, const char *group,
                     unsigned roles)
{
    const struct rac_role_grant g = {.group = rac_str_of(group), .roles = roles};
    const struct rac_user_save r = {.create = true,
                                    .id = rac_str_of(id),
                                    .name = rac_str_of(name),
                                    .disabled = -1,
                                    .grants = &g,
                                    .grants_n = roles != 0,
                                    .actor = {.user = RAC_DEFAULT_ID, .at_ms = 3000}};
    f->i->user_save(f->i->self, TENANT, &r, fixture_done, f);
    return fixture_wait(f);
}
