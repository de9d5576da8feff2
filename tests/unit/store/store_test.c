/* What the ports promise, on the real store. */
#include "fixture.h"

#include <time.h>

#include "crypto/digest.h"

static const struct rac_actor actor = {.user = RAC_S_INIT("00000000-0000-0000-0000-000000000001"),
                                       .at_ms = 5000};

static void test_fresh(void **state)
{
    struct fixture *f = *state;
    struct rac_tenant_row t;
    struct rac_subscription_row s;
    struct rac_group_row g;
    struct rac_user_row u;
    assert_true(rac_store_is_fresh(f->store));
    assert_int_equal(f->i->tenant_get(f->i->self, RAC_S("DEFAULT"), &f->a, &t), RAC_OK);
    assert_true(rac_str_eq(t.id, RAC_DEFAULT_ID));
    assert_int_equal(f->i->subscription_get(f->i->self, t.id, RAC_S("default"), &f->a, &s), RAC_OK);
    assert_int_equal(f->i->group_get(f->i->self, t.id, RAC_DEFAULT_ID, &f->a, &g), RAC_OK);
    assert_str(g.name, "default");
    assert_int_equal(f->i->user_get(f->i->self, t.id, RAC_S("Admin"), &f->a, &u), RAC_OK);
    struct rac_role_grant *v;
    size_t n;
    assert_int_equal(f->i->user_grants(f->i->self, t.id, u.id, &f->a, &v, &n), RAC_OK);
    assert_int_equal(n, 1);
    assert_null(v[0].group.p);
    assert_int_equal(v[0].roles, RAC_ROLE_ADMINISTRATOR | RAC_ROLE_OPERATOR);
    assert_int_equal(f->i->tenant_get(f->i->self, RAC_S("nobody"), &f->a, &t), RAC_E_NOT_FOUND);

    fixture_close(f); /* the second start finds it all */
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    assert_false(rac_store_is_fresh(f->store));
    assert_int_equal(f->i->user_get(f->i->self, RAC_DEFAULT_ID, RAC_S("admin"), &f->a, &u), RAC_OK);
}

static void test_second_process(void **state)
{
    struct fixture *f = *state;
    struct rac_store *second;
    rac_str why = RAC_STR_NULL;
    const struct rac_store_options o = {.dir = rac_str_of(f->dir), .env = &rac_env_system};
    assert_int_equal(rac_store_open(&o, &f->a, &second, &why), RAC_E_BUSY);
    char pid[24];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_true(rac_str_find(why, rac_str_of(pid)) != RAC_STR_NPOS);
}

static void test_connector_life(void **state)
{
    struct fixture *f = *state;
    const struct rac_connector_store *c = f->c;
    uint64_t before = c->counter(c->self, RAC_STORE_CONNECTORS);
    assert_int_equal(fixture_connector(f, "shared_a-1", "{\"swagger\":\"2.0\"}"), RAC_OK);
    assert_int_equal(f->commit.version, 1);
    assert_int_equal(f->commit.revision, 1);
    assert_true(c->counter(c->self, RAC_STORE_CONNECTORS) > before);
    assert_int_equal(fixture_connector(f, "shared_a-1", "{}"), RAC_E_EXISTS);

    struct rac_connector_row row;
    assert_int_equal(c->connector_get(c->self, TENANT, RAC_S("shared_a-1"), &f->a, &row), RAC_OK);
    assert_int_equal(row.operations_n, 3);
    assert_int_equal(row.audience, RAC_AUDIENCE_AUTHOR);
    assert_str(row.state, "draft");
    assert_int_equal(row.created_ms, 1000);
    assert_int_equal(c->connector_get(c->self, RAC_S("other"), RAC_S("shared_a-1"), &f->a, &row),
                     RAC_E_NOT_FOUND);

    /* a new icon makes revision 2 with the files of revision 1 */
    const struct rac_file icon = {
        .kind = RAC_FILE_ICON, .name = RAC_S("icon.png"), .bytes = {"\x89PNG\0x", 6}};
    struct rac_connector_save r = {.id = RAC_S("shared_a-1"),
                                   .if_version = 1,
                                   .files = &icon,
                                   .files_n = 1,
                                   .operations_n = -1,
                                   .triggers_n = -1,
                                   .actor = actor};
    c->connector_save(c->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(f->commit.version, 2);
    assert_int_equal(f->commit.revision, 2);
    c->connector_save(c->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);
    assert_int_equal(f->commit.version, 2);

    struct rac_revision_row rev;
    assert_int_equal(c->revision_get(c->self, TENANT, RAC_S("shared_a-1"), 0, &f->a, &rev), RAC_OK);
    assert_int_equal(rev.revision, 2);
    assert_int_equal(rev.files_n, 3);
    assert_int_equal(rev.operations_n, 3);
    assert_int_equal(c->revision_get(c->self, TENANT, RAC_S("shared_a-1"), 1, &f->a, &rev), RAC_OK);
    assert_int_equal(rev.files_n, 2);
    struct rac_file file;
    assert_int_equal(c->file_get(c->self, TENANT, RAC_S("shared_a-1"), 0, RAC_FILE_ICON,
                                 RAC_STR_NULL, &f->a, &file),
                     RAC_OK);
    assert_int_equal(file.bytes.n, 6);
    assert_memory_equal(file.bytes.p, "\x89PNG\0x", 6);
    assert_true(rac_str_eq(file.digest, rac_sha256_hex(&f->a, icon.bytes)));
    assert_int_equal(c->file_get(c->self, TENANT, RAC_S("shared_a-1"), 1, RAC_FILE_ICON,
                                 RAC_STR_NULL, &f->a, &file),
                     RAC_E_NOT_FOUND);

    /* names alone make no revision; an absent file is removed */
    r = (struct rac_connector_save){.id = RAC_S("shared_a-1"),
                                    .display_name = RAC_S("Renamed"),
                                    .audience = RAC_AUDIENCE_ENVIRONMENT,
                                    .actor = actor};
    c->connector_save(c->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(f->commit.revision, 2);
    const struct rac_file none = {.kind = RAC_FILE_ICON};
    r.files = &none;
    r.files_n = 1;
    r.operations_n = 5;
    c->connector_save(c->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(c->file_get(c->self, TENANT, RAC_S("shared_a-1"), 0, RAC_FILE_ICON,
                                 RAC_STR_NULL, &f->a, &file),
                     RAC_E_NOT_FOUND);
    assert_int_equal(c->connector_get(c->self, TENANT, RAC_S("shared_a-1"), &f->a, &row), RAC_OK);
    assert_str(row.display_name, "Renamed");
    assert_int_equal(row.operations_n, 5);
    assert_int_equal(row.audience, RAC_AUDIENCE_ENVIRONMENT);
    struct rac_revision_row *list;
    size_t n;
    assert_int_equal(c->revision_list(c->self, TENANT, RAC_S("shared_a-1"), 0, 0, &f->a, &list, &n),
                     RAC_OK);
    assert_int_equal(n, 3);
    assert_int_equal(list[0].revision, 3);
}

static void test_delete(void **state)
{
    struct fixture *f = *state;
    const struct rac_connector_store *c = f->c;
    assert_int_equal(fixture_connector(f, "shared_d-1", "{}"), RAC_OK);
    assert_int_equal(fixture_connection(f, "d-1", "shared_d-1", "u1", "{\"key\":\"s3cret\"}"),
                     RAC_OK);
    assert_int_equal(fixture_connection(f, "d-2", "shared_d-1", "u2", NULL), RAC_OK);
    assert_int_equal(fixture_connection(f, "d-3", "shared_none", "u2", NULL), RAC_E_NOT_FOUND);
    c->secret_save(c->self, TENANT, RAC_S("shared_d-1"), RAC_S("token.clientSecret"),
                   RAC_S("oauth!"), &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    rac_str secret;
    assert_int_equal(c->secret_get(c->self, TENANT, RAC_S("shared_d-1"),
                                   RAC_S("token.clientSecret"), &f->a, &secret),
                     RAC_OK);
    assert_str(secret, "oauth!");

    struct rac_impact impact;
    assert_int_equal(c->connector_impact(c->self, TENANT, RAC_S("shared_d-1"), &impact), RAC_OK);
    assert_int_equal(impact.connections_n, 2);
    struct rac_connector_delete r = {.id = RAC_S("shared_d-1"), .confirm = -1, .actor = actor};
    c->connector_delete(c->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);
    assert_int_equal(f->commit.impact.connections_n, 2);
    r.confirm = 1;
    c->connector_delete(c->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);
    r.confirm = 2;
    c->connector_delete(c->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);

    struct rac_connector_row row, *rows;
    struct rac_connection_row con;
    size_t n;
    bool more;
    assert_int_equal(c->connector_get(c->self, TENANT, r.id, &f->a, &row), RAC_E_NOT_FOUND);
    assert_int_equal(c->connection_get(c->self, TENANT, RAC_S("d-1"), &f->a, &con),
                     RAC_E_NOT_FOUND);
    struct rac_connector_query q = {0};
    assert_int_equal(c->connector_list(c->self, TENANT, &q, &f->a, &rows, &n, &more), RAC_OK);
    assert_int_equal(n, 0);
    q.deleted = true;
    assert_int_equal(c->connector_list(c->self, TENANT, &q, &f->a, &rows, &n, &more), RAC_OK);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].deleted_ms, 5000);

    c->connector_restore(c->self, TENANT, r.id, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(c->connector_get(c->self, TENANT, r.id, &f->a, &row), RAC_OK);
    assert_int_equal(
        c->secret_get(c->self, TENANT, r.id, RAC_S("token.clientSecret"), &f->a, &secret),
        RAC_E_NOT_FOUND);
    c->connector_restore(c->self, TENANT, r.id, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_EXISTS);
}

static void test_connection(void **state)
{
    struct fixture *f = *state;
    const struct rac_connector_store *c = f->c;
    assert_int_equal(fixture_connector(f, "shared_c-1", "{}"), RAC_OK);
    assert_int_equal(fixture_connection(f, "c-1", "shared_c-1", "u1", "{\"k\":\"v\"}"), RAC_OK);
    struct rac_connection_row row;
    assert_int_equal(c->connection_get(c->self, TENANT, RAC_S("c-1"), &f->a, &row), RAC_OK);
    assert_true(row.has_secrets && row.shareable);
    assert_str(row.values, "{\"region\":\"eu\"}");
    assert_null(row.set.p);
    assert_int_equal(row.status.status, RAC_CONNECTION_UNAUTHENTICATED);
    rac_str secrets;
    assert_int_equal(c->connection_secrets(c->self, TENANT, RAC_S("c-1"), &f->a, &secrets), RAC_OK);
    assert_str(secrets, "{\"k\":\"v\"}");

    const struct rac_status ok = {.status = RAC_CONNECTION_CONNECTED};
    struct rac_connection_save r = {.id = RAC_S("c-1"),
                                    .set = RAC_S("basic"),
                                    .shareable = 0,
                                    .status = &ok,
                                    .if_version = 1,
                                    .actor = actor};
    c->connection_save(c->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(c->connection_get(c->self, TENANT, RAC_S("c-1"), &f->a, &row), RAC_OK);
    assert_int_equal(row.version, f->commit.version);
    assert_true(row.has_secrets && !row.shareable);
    assert_str(row.set, "basic");
    assert_int_equal(row.status.status, RAC_CONNECTION_CONNECTED);
    c->connection_save(c->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);

    r.if_version = 0;
    r.set = RAC_S("");
    r.secrets = RAC_S("");
    c->connection_save(c->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(c->connection_get(c->self, TENANT, RAC_S("c-1"), &f->a, &row), RAC_OK);
    assert_false(row.has_secrets);
    assert_null(row.set.p);

    struct rac_connection_mark m = {.id = RAC_S("c-1"),
                                    .status = {.status = RAC_CONNECTION_ERROR,
                                               .target = RAC_S("token"),
                                               .code = RAC_S("Unauthorized"),
                                               .message = RAC_S("sign in again")},
                                    .tested = true,
                                    .actor = actor};
    c->connection_mark(c->self, TENANT, &m, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(c->connection_get(c->self, TENANT, RAC_S("c-1"), &f->a, &row), RAC_OK);
    assert_str(row.status.code, "Unauthorized");
    assert_int_equal(row.tested_ms, 5000);
    /* what was found out about values, or tokens, that are gone */
    m.status.code = RAC_S("Late");
    m.if_version = row.version - 1;
    c->connection_mark(c->self, TENANT, &m, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);
    m.if_version = 0;
    m.if_generation = 1;
    c->connection_mark(c->self, TENANT, &m, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);
    assert_int_equal(c->connection_get(c->self, TENANT, RAC_S("c-1"), &f->a, &row), RAC_OK);
    assert_str(row.status.code, "Unauthorized");
    m.if_version = row.version;
    m.if_generation = -1;
    c->connection_mark(c->self, TENANT, &m, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);

    /* the way of signing in changed */
    struct rac_connector_save s = {
        .id = RAC_S("shared_c-1"), .authentication_changed = true, .actor = actor};
    c->connector_save(c->self, TENANT, &s, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(f->commit.impact.connections_n, 1);
    assert_int_equal(c->connection_get(c->self, TENANT, RAC_S("c-1"), &f->a, &row), RAC_OK);
    assert_str(row.status.code, "AuthenticationChanged");

    struct rac_connection_delete d = {.id = RAC_S("c-1"), .actor = actor};
    c->connection_delete(c->self, TENANT, &d, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    c->connection_delete(c->self, TENANT, &d, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_NOT_FOUND);
}

static rac_err oauth_save(struct fixture *f, int64_t if_generation, const char *access,
                          const char *refresh)
{
    const struct rac_status ok = {.status = RAC_CONNECTION_CONNECTED};
    const struct rac_oauth_save r = {.tokens = {.connection = RAC_S("o-1"),
                                                .parameter = RAC_S("token"),
                                                .access = rac_str_of(access),
                                                .refresh = rac_str_of(refresh),
                                                .type = RAC_S("Bearer"),
                                                .expires_ms = 9000},
                                     .if_generation = if_generation,
                                     .status = &ok,
                                     .actor = actor};
    f->c->oauth_save(f->c->self, TENANT, &r, fixture_done, f);
    return fixture_wait(f);
}

static void test_oauth(void **state)
{
    struct fixture *f = *state;
    const struct rac_connector_store *c = f->c;
    struct rac_oauth_row row;
    assert_int_equal(fixture_connector(f, "shared_o-1", "{}"), RAC_OK);
    assert_int_equal(oauth_save(f, -1, "a0", NULL), RAC_E_NOT_FOUND);
    assert_int_equal(fixture_connection(f, "o-1", "shared_o-1", "u1", NULL), RAC_OK);
    assert_int_equal(oauth_save(f, 3, "a0", NULL), RAC_E_CONFLICT);
    assert_int_equal(oauth_save(f, -1, "a1", "r1"), RAC_OK);
    assert_int_equal(f->commit.version, 1);
    assert_int_equal(oauth_save(f, -1, "a1", "r1"), RAC_E_CONFLICT);
    struct rac_connection_mark refused = {
        .id = RAC_S("o-1"), .status.target = RAC_S("token"), .if_generation = -1, .actor = actor};
    c->connection_mark(c->self, TENANT, &refused, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);
    refused.if_generation = 1;
    c->connection_mark(c->self, TENANT, &refused, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);

    struct rac_oauth_intent in = {.connection = RAC_S("o-1"),
                                  .parameter = RAC_S("token"),
                                  .if_generation = 1,
                                  .actor = actor};
    c->oauth_intent(c->self, TENANT, &in, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    fixture_close(f); /* the process ends in the middle of a refresh */
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    c = f->c;
    struct rac_oauth_pending *v;
    size_t n;
    assert_int_equal(c->oauth_intents(c->self, &f->a, &v, &n), RAC_OK);
    assert_int_equal(n, 1);
    assert_str(v[0].connection, "o-1");
    assert_int_equal(v[0].generation, 1);
    assert_int_equal(v[0].intent_ms, 5000);
    assert_int_equal(oauth_save(f, 1, "a2", "r2"), RAC_OK);
    assert_int_equal(f->commit.version, 2);
    assert_int_equal(oauth_save(f, 1, "a3", "r3"), RAC_E_CONFLICT);
    assert_int_equal(c->oauth_get(c->self, TENANT, RAC_S("o-1"), RAC_S("token"), &f->a, &row),
                     RAC_OK);
    assert_str(row.access, "a2");
    assert_str(row.refresh, "r2");
    assert_null(row.id_token.p);
    assert_int_equal(row.intent_ms, 0);
    in.if_generation = 1;
    c->oauth_intent(c->self, TENANT, &in, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);

    /* a 401 that was found before a sign-in says nothing about what it brought, though the status
     * was Connected before and after */
    struct rac_connection_row before, after;
    assert_int_equal(c->connection_get(c->self, TENANT, RAC_S("o-1"), &f->a, &before), RAC_OK);
    assert_int_equal(oauth_save(f, 2, "a2", "r2"), RAC_OK);
    assert_int_equal(c->connection_get(c->self, TENANT, RAC_S("o-1"), &f->a, &after), RAC_OK);
    assert_int_equal(after.version, before.version + 1);
    struct rac_connection_mark late = {.id = RAC_S("o-1"),
                                       .status = {.status = RAC_CONNECTION_UNAUTHENTICATED},
                                       .if_version = before.version,
                                       .actor = actor};
    c->connection_mark(c->self, TENANT, &late, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);

    struct rac_connection_save forget = {
        .id = RAC_S("o-1"), .shareable = -1, .forget_tokens = true, .actor = actor};
    c->connection_save(c->self, TENANT, &forget, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(c->oauth_get(c->self, TENANT, RAC_S("o-1"), RAC_S("token"), &f->a, &row),
                     RAC_E_NOT_FOUND);

    /* what a refresh knows from before cannot be taken for what comes after */
    struct rac_oauth_row *rows;
    assert_int_equal(c->oauth_list(c->self, TENANT, RAC_S("o-1"), &f->a, &rows, &n), RAC_OK);
    assert_int_equal(n, 0);
    in.if_generation = 0;
    c->oauth_intent(c->self, TENANT, &in, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_NOT_FOUND);
    assert_int_equal(oauth_save(f, 3, "late", "late"), RAC_E_CONFLICT);
    assert_int_equal(oauth_save(f, -1, "a4", "r4"), RAC_OK);
    assert_int_equal(f->commit.version, 5);
    for (int64_t old = 1; old < 5; old++)
        assert_int_equal(oauth_save(f, old, "late", "late"), RAC_E_CONFLICT);
    assert_int_equal(c->oauth_get(c->self, TENANT, RAC_S("o-1"), RAC_S("token"), &f->a, &row),
                     RAC_OK);
    assert_str(row.access, "a4");
    c->connection_save(c->self, TENANT, &forget, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(oauth_save(f, 0, "a5", NULL), RAC_OK); /* a sign-in asks for no generation */
    assert_int_equal(f->commit.version, 7);
}

struct taken {
    struct fixture *f;
    rac_err err;
    struct rac_consent c;
};

static void on_consent(void *arg, rac_err err, const struct rac_consent *c)
{
    struct taken *t = arg;
    t->err = err;
    if (c != NULL)
        t->c = (struct rac_consent){.connection = rac_arena_str(&t->f->a, c->connection),
                                    .verifier = rac_arena_str(&t->f->a, c->verifier),
                                    .tenant = rac_arena_str(&t->f->a, c->tenant),
                                    .return_url = c->return_url};
}

static void test_consent(void **state)
{
    struct fixture *f = *state;
    const struct rac_connector_store *c = f->c;
    struct rac_consent begin = {.state = RAC_S("stateAAAAAAAAAAAAAAAAA"),
                                .tenant = TENANT,
                                .user = RAC_S("u1"),
                                .connection = RAC_S("x-1"),
                                .parameter = RAC_S("token"),
                                .redirect_url = RAC_S("http://127.0.0.1/cb"),
                                .verifier = RAC_S("pkce"),
                                .expires_ms = 6000};
    struct taken t = {.f = f};
    c->consent_begin(c->self, &begin, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    c->consent_take(c->self, RAC_S("another"), &actor, on_consent, &t);
    fixture_wait(f);
    assert_int_equal(t.err, RAC_E_NOT_FOUND);
    c->consent_take(c->self, begin.state, &actor, on_consent, &t);
    fixture_wait(f);
    assert_int_equal(t.err, RAC_OK);
    assert_str(t.c.connection, "x-1");
    assert_str(t.c.verifier, "pkce");
    assert_null(t.c.return_url.p);
    assert_true(rac_str_eq(t.c.tenant, TENANT));
    c->consent_take(c->self, begin.state, &actor, on_consent, &t); /* once */
    fixture_wait(f);
    assert_int_equal(t.err, RAC_E_NOT_FOUND);

    begin.expires_ms = 4000; /* late */
    c->consent_begin(c->self, &begin, &actor, fixture_done, f);
    c->consent_take(c->self, begin.state, &actor, on_consent, &t);
    fixture_wait(f);
    assert_int_equal(t.err, RAC_E_NOT_FOUND);
}

static size_t list_for(struct fixture *f, const struct rac_connector_query *q)
{
    struct rac_connector_row *rows;
    size_t n;
    bool more;
    assert_int_equal(f->c->connector_list(f->c->self, TENANT, q, &f->a, &rows, &n, &more), RAC_OK);
    return n;
}

static enum rac_connection_status status_of(struct fixture *f, const char *id)
{
    struct rac_connection_row row;
    assert_int_equal(f->c->connection_get(f->c->self, TENANT, rac_str_of(id), &f->a, &row), RAC_OK);
    return row.status.status;
}

static void mark(struct fixture *f, const char *id, enum rac_connection_status to, const char *code)
{
    struct rac_connection_mark m = {
        .id = rac_str_of(id), .status = {.status = to, .code = rac_str_of(code)}, .actor = actor};
    f->c->connection_mark(f->c->self, TENANT, &m, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
}

static void test_list_and_shares(void **state)
{
    struct fixture *f = *state;
    const struct rac_connector_store *c = f->c;
    assert_int_equal(fixture_user(f, "u1", "ann", NULL, RAC_ROLE_MAKER), RAC_OK);
    assert_int_equal(fixture_user(f, "t1", "team", NULL, 0), RAC_OK);
    f->i->member_save(f->i->self, TENANT, RAC_S("t1"), RAC_S("u1"), true, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    for (int i = 0; i < 5; i++) {
        char id[32];
        snprintf(id, sizeof id, "shared_l-%d", i);
        assert_int_equal(fixture_connector(f, id, "{}"), RAC_OK);
    }
    const rac_str group = GROUP, team = RAC_S("t1");
    struct rac_connector_query all = {0},
                               ann = {.visible_to = RAC_S("u1"), .teams = &team, .teams_n = 1},
                               admin = {.visible_to = RAC_S("u9"), .all_of = &group, .all_of_n = 1};
    assert_int_equal(list_for(f, &all), 5);
    assert_int_equal(list_for(f, &ann), 0);
    assert_int_equal(list_for(f, &admin), 5);
    all.search = RAC_S("L-3");
    assert_int_equal(list_for(f, &all), 1);

    /* by share to a team, by audience */
    struct rac_share_save sh = {.kind = RAC_SHARED_CONNECTOR,
                                .resource = RAC_S("shared_l-1"),
                                .grantee = RAC_S("t1"),
                                .level = RAC_LEVEL_VIEW,
                                .actor = actor};
    c->share_save(c->self, TENANT, &sh, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(list_for(f, &ann), 1);
    struct rac_connector_save r = {
        .id = RAC_S("shared_l-2"), .audience = RAC_AUDIENCE_ENVIRONMENT, .actor = actor};
    c->connector_save(c->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(list_for(f, &ann), 1);
    ann.groups = &group;
    ann.groups_n = 1;
    assert_int_equal(list_for(f, &ann), 2);
    enum rac_level level;
    const rac_str grantees[] = {RAC_S("u1"), RAC_S("t1")};
    assert_int_equal(
        c->share_level(c->self, TENANT, RAC_SHARED_CONNECTOR, sh.resource, grantees, 2, &level),
        RAC_OK);
    assert_int_equal(level, RAC_LEVEL_VIEW);

    /* losing the share breaks the member's connection, getting it back mends it */
    assert_int_equal(fixture_connection(f, "l-1", "shared_l-1", "u1", NULL), RAC_OK);
    mark(f, "l-1", RAC_CONNECTION_CONNECTED, NULL);
    sh.level = RAC_LEVEL_NONE;
    c->share_save(c->self, TENANT, &sh, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(f->commit.impact.connections_n, 1);
    struct rac_connection_row con;
    assert_int_equal(c->connection_get(c->self, TENANT, RAC_S("l-1"), &f->a, &con), RAC_OK);
    assert_str(con.status.code, "ConnectorAccessRevoked");
    sh.level = RAC_LEVEL_EDIT;
    c->share_save(c->self, TENANT, &sh, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(c->connection_get(c->self, TENANT, RAC_S("l-1"), &f->a, &con), RAC_OK);
    assert_int_equal(con.status.status, RAC_CONNECTION_CONNECTED);

    /* so do leaving the team, a narrower audience, another owner; a wider audience mends */
    f->i->member_save(f->i->self, TENANT, team, RAC_S("u1"), false, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(status_of(f, "l-1"), RAC_CONNECTION_ERROR);
    r.id = RAC_S("shared_l-1");
    c->connector_save(c->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(status_of(f, "l-1"), RAC_CONNECTION_CONNECTED);
    r.audience = RAC_AUDIENCE_AUTHOR;
    c->connector_save(c->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(status_of(f, "l-1"), RAC_CONNECTION_ERROR);
    f->i->member_save(f->i->self, TENANT, team, RAC_S("u1"), true, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    sh.grantee = RAC_S("nobody");
    c->share_save(c->self, TENANT, &sh, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_NOT_FOUND);

    /* pages */
    struct rac_connector_query page = {.n_max = 2};
    struct rac_connector_row *rows;
    size_t n, total = 0, pages = 0;
    bool more = true;
    while (more) {
        assert_int_equal(c->connector_list(c->self, TENANT, &page, &f->a, &rows, &n, &more),
                         RAC_OK);
        total += n;
        pages++;
        page.after = rows[n - 1].id;
    }
    assert_int_equal(total, 5);
    assert_int_equal(pages, 3);

    const struct rac_connection_query mine = {.visible_to = RAC_S("u1")},
                                      other = {.visible_to = RAC_S("u2")};
    struct rac_connection_row *cons;
    assert_int_equal(c->connection_list(c->self, TENANT, &mine, &f->a, &cons, &n, &more), RAC_OK);
    assert_int_equal(n, 1);
    assert_int_equal(c->connection_list(c->self, TENANT, &other, &f->a, &cons, &n, &more), RAC_OK);
    assert_int_equal(n, 0);
}

static void test_iam(void **state)
{
    struct fixture *f = *state;
    const struct rac_iam_store *i = f->i;
    struct rac_group_save g = {.create = true,
                               .id = RAC_S("6f2c0000-0000-0000-0000-00000000000A"),
                               .name = RAC_S("Team-One"),
                               .actor = actor};
    i->group_save(i->self, TENANT, &g, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    struct rac_group_row group;
    assert_int_equal(i->group_get(i->self, TENANT, RAC_S("TEAM-one"), &f->a, &group), RAC_OK);
    assert_str(group.id, "6f2c0000-0000-0000-0000-00000000000a");
    g.id = RAC_S("6f2c0000-0000-0000-0000-00000000000b");
    i->group_save(i->self, TENANT, &g, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_EXISTS);

    assert_int_equal(fixture_user(f, "u7", "Zoe", group.id.p, RAC_ROLE_MAKER | RAC_ROLE_READER),
                     RAC_OK);
    assert_int_equal(fixture_user(f, "u8", "ZOE", NULL, RAC_ROLE_MAKER), RAC_E_EXISTS);
    assert_int_equal(fixture_user(f, "u8", "Yan", "nowhere", RAC_ROLE_MAKER), RAC_E_NOT_FOUND);
    struct rac_user_row u;
    assert_int_equal(i->user_get(i->self, TENANT, RAC_S("Yan"), &f->a, &u), RAC_E_NOT_FOUND);

    uint64_t before = i->counter(i->self);
    struct rac_token_save t = {.id = RAC_S("tok1"), .user = RAC_S("u7"), .actor = actor};
    memset(t.digest, 7, sizeof t.digest);
    i->token_create(i->self, TENANT, &t, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_true(i->counter(i->self) > before);
    struct rac_token_row row;
    assert_int_equal(i->token_find(i->self, t.digest, &f->a, &row), RAC_OK);
    assert_str(row.user_name, "Zoe");
    assert_int_equal(row.grants_n, 1);
    assert_int_equal(row.grants[0].roles, RAC_ROLE_MAKER | RAC_ROLE_READER);
    i->token_revoke(i->self, RAC_S("other-tenant"), t.id, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_NOT_FOUND);
    i->token_revoke(i->self, TENANT, t.id, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(i->token_find(i->self, t.digest, &f->a, &row), RAC_OK);
    assert_int_equal(row.revoked_ms, 5000);

    i->user_delete(i->self, TENANT, RAC_S("u7"), 0, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(i->user_get(i->self, TENANT, RAC_S("u7"), &f->a, &u), RAC_E_NOT_FOUND);
    assert_int_equal(fixture_user(f, "u9", "zoe", NULL, 0), RAC_OK); /* the name is free */

    /* settings, plain and sealed, of a tenant and of the installation */
    rac_str value;
    i->setting_save(i->self, RAC_STR_NULL, RAC_S("a"), RAC_S("plain"), false, &actor, fixture_done,
                    f);
    i->setting_save(i->self, RAC_STR_NULL, RAC_S("b"), RAC_S("hidden"), true, &actor, fixture_done,
                    f);
    i->setting_save(i->self, TENANT, RAC_S("b"), RAC_S("ours"), true, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(i->setting_get(i->self, RAC_STR_NULL, RAC_S("a"), &f->a, &value), RAC_OK);
    assert_str(value, "plain");
    assert_int_equal(i->setting_get(i->self, RAC_STR_NULL, RAC_S("b"), &f->a, &value), RAC_OK);
    assert_str(value, "hidden");
    assert_int_equal(i->setting_get(i->self, TENANT, RAC_S("b"), &f->a, &value), RAC_OK);
    assert_str(value, "ours");

    /* a second tenant has its own default group and nothing of the first one */
    i->tenant_create(i->self, RAC_S("00000000-0000-0000-0000-0000000000ff"), RAC_S("Other"), &actor,
                     fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    struct rac_tenant_row tenant;
    assert_int_equal(i->tenant_get(i->self, RAC_S("other"), &f->a, &tenant), RAC_OK);
    assert_int_equal(i->group_get(i->self, tenant.id, RAC_S("default"), &f->a, &group), RAC_OK);
    assert_int_equal(i->user_get(i->self, tenant.id, RAC_S("zoe"), &f->a, &u), RAC_E_NOT_FOUND);
    i->setting_save(i->self, tenant.id, RAC_S("b"), RAC_S("theirs"), true, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);

    struct rac_audit_row *log;
    size_t n;
    const struct rac_audit_query q = {.kind = RAC_S("user"), .resource = RAC_S("u7")};
    assert_int_equal(i->audit_list(i->self, TENANT, &q, &f->a, &log, &n), RAC_OK);
    assert_int_equal(n, 2);
    assert_str(log[0].action, "user.deleted");
    assert_str(log[1].action, "user.created");
}

static void expect_code(struct fixture *f, const char *id, enum rac_connection_status status,
                        const char *code)
{
    struct rac_connection_row row;
    assert_int_equal(f->c->connection_get(f->c->self, TENANT, rac_str_of(id), &f->a, &row), RAC_OK);
    assert_int_equal(row.status.status, status);
    if (code == NULL)
        assert_null(row.status.code.p);
    else
        assert_str(row.status.code, code);
}

static void share(struct fixture *f, const char *connector, const char *grantee,
                  enum rac_level level)
{
    const struct rac_share_save sh = {.kind = RAC_SHARED_CONNECTOR,
                                      .resource = rac_str_of(connector),
                                      .grantee = rac_str_of(grantee),
                                      .level = level,
                                      .actor = actor};
    f->c->share_save(f->c->self, TENANT, &sh, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
}

/* What becomes of a sign-in says nothing about whether the connector may be used at all. */
static void test_revoked_stays_revoked(void **state)
{
    struct fixture *f = *state;
    const struct rac_connector_store *c = f->c;
    assert_int_equal(fixture_user(f, "u1", "ann", NULL, RAC_ROLE_MAKER), RAC_OK);
    assert_int_equal(fixture_connector(f, "shared_r-1", "{}"), RAC_OK);
    share(f, "shared_r-1", "u1", RAC_LEVEL_VIEW);
    assert_int_equal(fixture_connection(f, "r-1", "shared_r-1", "u1", NULL), RAC_OK);
    mark(f, "r-1", RAC_CONNECTION_CONNECTED, NULL);
    share(f, "shared_r-1", "u1", RAC_LEVEL_NONE);
    expect_code(f, "r-1", RAC_CONNECTION_ERROR, "ConnectorAccessRevoked");

    /* a test that ends now, a refresh that succeeds, new values, another way of signing in */
    mark(f, "r-1", RAC_CONNECTION_CONNECTED, NULL);
    expect_code(f, "r-1", RAC_CONNECTION_ERROR, "ConnectorAccessRevoked");
    const struct rac_status ok = {.status = RAC_CONNECTION_CONNECTED};
    const struct rac_oauth_save o = {
        .tokens = {.connection = RAC_S("r-1"), .parameter = RAC_S("token"), .access = RAC_S("at")},
        .status = &ok,
        .actor = actor};
    c->oauth_save(c->self, TENANT, &o, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    expect_code(f, "r-1", RAC_CONNECTION_ERROR, "ConnectorAccessRevoked");
    const struct rac_connection_save save = {
        .id = RAC_S("r-1"), .shareable = -1, .status = &ok, .actor = actor};
    c->connection_save(c->self, TENANT, &save, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    expect_code(f, "r-1", RAC_CONNECTION_ERROR, "ConnectorAccessRevoked");
    const struct rac_connector_save changed = {
        .id = RAC_S("shared_r-1"), .authentication_changed = true, .actor = actor};
    c->connector_save(c->self, TENANT, &changed, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    expect_code(f, "r-1", RAC_CONNECTION_ERROR, "ConnectorAccessRevoked");

    /* given back, it has the status that came about meanwhile */
    share(f, "shared_r-1", "u1", RAC_LEVEL_VIEW);
    expect_code(f, "r-1", RAC_CONNECTION_ERROR, "AuthenticationChanged");

    /* both at once */
    const struct rac_connector_save both = {.id = RAC_S("shared_r-1"),
                                            .authentication_changed = true,
                                            .audience = RAC_AUDIENCE_PUBLISHED,
                                            .actor = actor};
    share(f, "shared_r-1", "u1", RAC_LEVEL_NONE);
    c->connector_save(c->self, TENANT, &both, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    expect_code(f, "r-1", RAC_CONNECTION_ERROR, "AuthenticationChanged");
}

static void set_user(struct fixture *f, const char *id, int disabled,
                     const struct rac_role_grant *grants, size_t n)
{
    const struct rac_user_save r = {.id = rac_str_of(id),
                                    .disabled = disabled,
                                    .grants = grants,
                                    .grants_n = n,
                                    .actor = actor};
    f->i->user_save(f->i->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
}

/* A disabled team gives its members nothing, neither by a share nor by a role. */
static void test_access_of_teams(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_user(f, "u1", "ann", NULL, RAC_ROLE_MAKER), RAC_OK);
    assert_int_equal(fixture_user(f, "t1", "team", NULL, 0), RAC_OK);
    assert_int_equal(fixture_connector(f, "shared_t-1", "{}"), RAC_OK);
    f->i->member_save(f->i->self, TENANT, RAC_S("t1"), RAC_S("u1"), true, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    share(f, "shared_t-1", "t1", RAC_LEVEL_VIEW);
    assert_int_equal(fixture_connection(f, "t-1", "shared_t-1", "u1", NULL), RAC_OK);
    mark(f, "t-1", RAC_CONNECTION_CONNECTED, NULL);
    set_user(f, "t1", 1, NULL, 0);
    expect_code(f, "t-1", RAC_CONNECTION_ERROR, "ConnectorAccessRevoked");
    set_user(f, "t1", 0, NULL, 0);
    expect_code(f, "t-1", RAC_CONNECTION_CONNECTED, NULL);

    /* the same by membership: leaving takes, coming back gives */
    for (int back = 0; back < 2; back++) {
        f->i->member_save(f->i->self, TENANT, RAC_S("t1"), RAC_S("u1"), back, &actor, fixture_done,
                          f);
        assert_int_equal(fixture_wait(f), RAC_OK);
        expect_code(f, "t-1", back ? RAC_CONNECTION_CONNECTED : RAC_CONNECTION_ERROR,
                    back ? NULL : "ConnectorAccessRevoked");
    }

    /* an administrator sees the connector without a share, as long as the team is enabled */
    const struct rac_role_grant admin = {.group = GROUP, .roles = RAC_ROLE_ADMINISTRATOR};
    set_user(f, "t1", -1, &admin, 1);
    share(f, "shared_t-1", "t1", RAC_LEVEL_NONE);
    expect_code(f, "t-1", RAC_CONNECTION_CONNECTED, NULL);
    set_user(f, "t1", 1, NULL, 0);
    expect_code(f, "t-1", RAC_CONNECTION_ERROR, "ConnectorAccessRevoked");
    share(f, "shared_t-1", "t1", RAC_LEVEL_VIEW); /* a share to a disabled team gives nothing */
    expect_code(f, "t-1", RAC_CONNECTION_ERROR, "ConnectorAccessRevoked");
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Who sees what is asked of the index: the writer has everybody else behind it meanwhile. */
static void test_access_of_many(void **state)
{
    struct fixture *f = *state;
    enum { USERS = 1000, EACH = 4 };
    const struct rac_role_grant maker = {.roles = RAC_ROLE_MAKER};
    assert_int_equal(fixture_connector(f, "shared_m-1", "{}"), RAC_OK);
    double start = cpu_s();
    for (int i = 0; i < USERS; i++) {
        char id[16], connection[16];
        snprintf(id, sizeof id, "u%d", i);
        const struct rac_user_save u = {.create = true,
                                        .id = rac_str_of(id),
                                        .name = rac_str_of(id),
                                        .disabled = -1,
                                        .grants = &maker,
                                        .grants_n = 1,
                                        .actor = actor};
        f->i->user_save(f->i->self, TENANT, &u, fixture_done, f);
        for (int k = 0; k < EACH; k++) {
            snprintf(connection, sizeof connection, "m%d-%d", i, k);
            const struct rac_connection_save c = {.create = true,
                                                  .id = rac_str_of(connection),
                                                  .connector = RAC_S("shared_m-1"),
                                                  .group = GROUP,
                                                  .owner = rac_str_of(id),
                                                  .shareable = -1,
                                                  .actor = actor};
            f->c->connection_save(f->c->self, TENANT, &c, fixture_done, f);
        }
    }
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_true(cpu_s() - start < 2.5 * RAC_UNIT_SLOWER);
    start = cpu_s();
    struct rac_connector_save r = {
        .id = RAC_S("shared_m-1"), .audience = RAC_AUDIENCE_AUTHOR, .actor = actor};
    f->c->connector_save(f->c->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(f->commit.impact.connections_n, USERS * EACH);
    r.audience = RAC_AUDIENCE_ENVIRONMENT;
    f->c->connector_save(f->c->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(f->commit.impact.connections_n, USERS * EACH);
    set_user(f, "u7", -1, NULL, 0);
    set_user(f, "u7", -1, &maker, 0); /* no role is left: nothing is seen any more */
    assert_int_equal(f->commit.impact.connections_n, EACH);
    expect_code(f, "m7-0", RAC_CONNECTION_ERROR, "ConnectorAccessRevoked");
    expect_code(f, "m8-0", RAC_CONNECTION_UNAUTHENTICATED, NULL);
    assert_true(cpu_s() - start < 1.0 * RAC_UNIT_SLOWER);
}

static void test_last_administrator(void **state)
{
    struct fixture *f = *state;
    const struct rac_iam_store *i = f->i;
    const struct rac_role_grant reader = {.roles = RAC_ROLE_READER};
    const struct rac_user_save lose = {.id = RAC_DEFAULT_ID,
                                       .disabled = -1,
                                       .grants = &reader,
                                       .grants_n = 1,
                                       .actor = actor},
                               disable = {.id = RAC_DEFAULT_ID, .disabled = 1, .actor = actor};
    i->user_save(i->self, TENANT, &lose, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);
    i->user_save(i->self, TENANT, &disable, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);
    i->user_delete(i->self, TENANT, RAC_DEFAULT_ID, 0, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);
    assert_true(rac_str_find(f->commit.error, RAC_S("without an administrator")) != RAC_STR_NPOS);

    /* somebody who is one by a team is enough, until the team goes */
    assert_int_equal(fixture_user(f, "ann", "ann", NULL, 0), RAC_OK);
    struct rac_user_save team = {.create = true,
                                 .id = RAC_S("team"),
                                 .name = RAC_S("team"),
                                 .kind = RAC_USER_TEAM,
                                 .disabled = -1,
                                 .actor = actor};
    const struct rac_role_grant admin = {.roles = RAC_ROLE_ADMINISTRATOR};
    team.grants = &admin;
    team.grants_n = 1;
    i->user_save(i->self, TENANT, &team, fixture_done, f);
    i->member_save(i->self, TENANT, team.id, RAC_S("ann"), true, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    i->user_delete(i->self, TENANT, RAC_DEFAULT_ID, 0, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    i->member_save(i->self, TENANT, team.id, RAC_S("ann"), false, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);
    i->user_delete(i->self, TENANT, team.id, 0, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);
}

/* Nothing that was handed in as a secret may be found in the files of the directory. */
static void test_no_secret_on_disk(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_connector(f, "shared_s-1", "{}"), RAC_OK);
    assert_int_equal(fixture_connection(f, "s-1", "shared_s-1", "u1", "{\"k\":\"PLAINSECRET1\"}"),
                     RAC_OK);
    fixture_close(f);
    char file[128];
    snprintf(file, sizeof file, "%s/raccord.db", f->dir);
    FILE *in = fopen(file, "rb");
    assert_non_null(in);
    char *bytes = rac_arena_alloc(&f->a, 8 << 20);
    size_t n = fread(bytes, 1, 8 << 20, in);
    fclose(in);
    assert_true(n > 4096);
    assert_true(rac_str_find((rac_str){bytes, n}, RAC_S("shared_s-1")) != RAC_STR_NPOS);
    assert_int_equal(rac_str_find((rac_str){bytes, n}, RAC_S("PLAINSECRET1")), RAC_STR_NPOS);
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
}

static void test_wrong_key(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    char key[128], other[128];
    snprintf(key, sizeof key, "%s/master.key", f->dir);
    snprintf(other, sizeof other, "%s/kept.key", f->dir);
    assert_int_equal(rename(key, other), 0);
    assert_int_equal(fixture_open(f, NULL), RAC_E_DENIED); /* not made anew */
    assert_true(rac_str_find(f->why, RAC_S("missing")) != RAC_STR_NPOS);
    assert_int_equal(access(key, F_OK), -1);
    FILE *out = fopen(key, "w");
    fputs("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", out);
    fclose(out);
    assert_int_equal(fixture_open(f, NULL), RAC_E_DENIED);
    unlink(key);
    assert_int_equal(rename(other, key), 0);
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
}

static void check_opens(struct fixture *f)
{
    const struct rac_connector_store *c = f->c;
    struct rac_oauth_row row;
    rac_str v;
    assert_int_equal(c->connection_secrets(c->self, TENANT, RAC_S("o-1"), &f->a, &v), RAC_OK);
    assert_str(v, "{\"k\":1}");
    assert_int_equal(c->oauth_get(c->self, TENANT, RAC_S("o-1"), RAC_S("token"), &f->a, &row),
                     RAC_OK);
    assert_str(row.refresh, "r1");
    assert_int_equal(c->secret_get(c->self, TENANT, RAC_S("shared_r-1"), RAC_S("s"), &f->a, &v),
                     RAC_OK);
    assert_str(v, "client");
    assert_int_equal(f->i->setting_get(f->i->self, RAC_STR_NULL, RAC_S("k"), &f->a, &v), RAC_OK);
    assert_str(v, "installation");
}

static void test_rotation(void **state)
{
    struct fixture *f = *state;
    const struct rac_store_options o = {.dir = rac_str_of(f->dir), .env = &rac_env_system};
    char key[128], kept[128], next[128];
    snprintf(key, sizeof key, "%s/master.key", f->dir);
    snprintf(kept, sizeof kept, "%s/kept", f->dir);
    snprintf(next, sizeof next, "%s/master.key.new", f->dir);
    assert_int_equal(fixture_connector(f, "shared_r-1", "{}"), RAC_OK);
    assert_int_equal(fixture_connection(f, "o-1", "shared_r-1", "u1", "{\"k\":1}"), RAC_OK);
    assert_int_equal(oauth_save(f, -1, "a1", "r1"), RAC_OK);
    f->c->secret_save(f->c->self, TENANT, RAC_S("shared_r-1"), RAC_S("s"), RAC_S("client"), &actor,
                      fixture_done, f);
    f->i->setting_save(f->i->self, RAC_STR_NULL, RAC_S("k"), RAC_S("installation"), true, &actor,
                       fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    int64_t n = 0;
    assert_int_equal(rac_store_rotate(&o, false, &f->a, &n, &f->why), RAC_E_BUSY); /* in use */
    fixture_close(f);
    assert_int_equal(rac_store_rotate(&o, false, &f->a, &n, &f->why), RAC_OK);
    assert_int_equal(n, 4);
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    check_opens(f);
    fixture_close(f);

    assert_int_equal(link(key, kept), 0);
    assert_int_equal(rac_store_rotate(&o, true, &f->a, &n, &f->why), RAC_OK);
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    check_opens(f);
    fixture_close(f);

    /* cut off before the new key took the old one's name: the next start does it */
    assert_int_equal(rename(key, next), 0);
    assert_int_equal(rename(kept, key), 0);
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    check_opens(f);
    assert_int_equal(access(next, F_OK), -1);
    fixture_close(f);
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
}

static void test_purge(void **state)
{
    struct fixture *f = *state;
    const struct rac_connector_store *c = f->c;
    assert_int_equal(fixture_connector(f, "shared_p-1", "{\"only\":1}"), RAC_OK);
    assert_int_equal(fixture_connector(f, "shared_p-2", "{\"both\":2}"), RAC_OK);
    struct rac_connector_delete r = {.id = RAC_S("shared_p-1"), .confirm = -1, .actor = actor};
    c->connector_delete(c->self, TENANT, &r, fixture_done, f); /* in 1970: long ago */
    assert_int_equal(fixture_wait(f), RAC_OK);
    fixture_close(f);
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    c = f->c;
    rac_err e = RAC_E_EXISTS; /* until the last bite of it is gone, a moment after the start */
    for (int i = 0; i < 100000 && e == RAC_E_EXISTS; i++)
        e = fixture_connector(f, "shared_p-1", "{\"only\":1}");
    assert_int_equal(e, RAC_OK); /* the id is free */
    struct rac_file file;
    assert_int_equal(c->file_get(c->self, TENANT, RAC_S("shared_p-2"), 0, RAC_FILE_PROPERTIES,
                                 RAC_STR_NULL, &f->a, &file),
                     RAC_OK); /* contents shared with the removed one are still there */
}

static void test_ids(void **state)
{
    struct fixture *f = *state;
    const uint8_t tail[8] = {0, 1, 2, 3, 4, 5, 6, 255};
    assert_str(rac_connector_id(&f->a, RAC_S("My API 2"), tail),
               "shared_my-20api-202-00010203040506ff");
    assert_str(rac_connection_id(&f->a, RAC_S("shared_my-20api-202-00010203040506ff"), tail),
               "my-20api-202-00010203040506ff");
    char *big = rac_arena_alloc(&f->a, 5000);
    memset(big, '!', 5000);
    rac_str id = rac_connector_id(&f->a, (rac_str){big, 5000}, tail);
    assert_true(id.n <= 128 && rac_str_ends(id, RAC_S("-21-00010203040506ff")));
    assert_str(rac_connector_id(&f->a, RAC_S(""), tail), "shared_-00010203040506ff");
    assert_str(rac_etag(&f->a, 42), "\"42\"");
    assert_int_equal(rac_etag_version(RAC_STR_NULL), 0);
    assert_int_equal(rac_etag_version(RAC_S("*")), 0);
    assert_int_equal(rac_etag_version(RAC_S(" \"42\" , \"43\"")), 42);
    assert_int_equal(rac_etag_version(RAC_S("W/\"42\"")), -1);
    assert_int_equal(rac_etag_version(RAC_S("42")), -1);
    assert_int_equal(rac_etag_version(RAC_S("\"-1\"")), -1);
    enum rac_level level;
    assert_true(rac_level_parse(RAC_S("Use"), &level) && level == RAC_LEVEL_VIEW);
    assert_false(rac_level_parse(RAC_S("god"), &level));
    enum rac_audience audience;
    assert_true(rac_audience_parse(RAC_S("environment"), &audience));
    assert_false(rac_audience_parse(RAC_S(""), &audience));
}

static void test_backup(void **state)
{
    struct fixture *f = *state;
    rac_str why = RAC_STR_NULL;
    assert_int_equal(fixture_connector(f, "shared_b-1", "{}"), RAC_OK);
    assert_int_equal(fixture_connection(f, "b-1", "shared_b-1", "u1", "{\"k\":1}"), RAC_OK);
    rac_str file = rac_arena_printf(&f->a, "%s/copy", f->dir);
    rac_str dir = rac_str_of(f->dir);
    assert_int_equal(rac_store_backup(dir, file, &f->a, &why), RAC_OK); /* while it is in use */
    assert_int_equal(rac_store_backup(dir, file, &f->a, &why), RAC_E_EXISTS);
    assert_int_equal(rac_store_restore(file, dir, &f->a, &why), RAC_E_EXISTS); /* not empty */
    assert_int_equal(rac_store_backup(RAC_S("/nonexistent"), file, &f->a, &why), RAC_E_NOT_FOUND);

    char two[] = "/tmp/raccord-store-XXXXXX";
    assert_non_null(mkdtemp(two));
    struct rac_store *store;
    const struct rac_store_options o = {.dir = rac_str_of(two), .env = &rac_env_system};
    assert_int_equal(rac_store_restore(file, rac_str_of(two), &f->a, &why), RAC_OK);
    assert_int_equal(rac_store_open(&o, &f->a, &store, &why), RAC_E_DENIED); /* needs the key */
    assert_true(rac_str_find(why, RAC_S("master key")) != RAC_STR_NPOS);
    const char *key = rac_arena_printf(&f->a, "%s/master.key", two).p;
    assert_int_equal(link(rac_arena_printf(&f->a, "%s/master.key", f->dir).p, key), 0);
    assert_int_equal(rac_store_open(&o, &f->a, &store, &why), RAC_OK);
    struct rac_store_session *ses;
    assert_int_equal(rac_store_session_new(store, NULL, &ses), RAC_OK);
    const struct rac_connector_store *c = rac_store_connectors(ses);
    rac_str secrets;
    assert_int_equal(c->connection_secrets(c->self, TENANT, RAC_S("b-1"), &f->a, &secrets), RAC_OK);
    assert_str(secrets, "{\"k\":1}");
    rac_store_session_free(ses);
    rac_store_close(store);
    fixture_remove(two);

    /* a damaged copy, a file that is none */
    FILE *out = fopen(file.p, "r+");
    fseek(out, 3 * 4096, SEEK_SET);
    for (int i = 0; i < 8192; i++)
        fputc(0xAA, out);
    fclose(out);
    rac_str fresh = rac_arena_printf(&f->a, "%s-new", two);
    assert_int_equal(rac_store_restore(file, fresh, &f->a, &why), RAC_E_CORRUPT);
    assert_int_equal(access(fresh.p, F_OK), -1);
    out = fopen(file.p, "w");
    fputs("not a database, but long enough to look like something", out);
    fclose(out);
    assert_int_equal(rac_store_restore(file, fresh, &f->a, &why), RAC_E_INVALID);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_fresh),
        T(test_second_process),
        T(test_connector_life),
        T(test_delete),
        T(test_connection),
        T(test_oauth),
        T(test_consent),
        T(test_list_and_shares),
        T(test_iam),
        T(test_no_secret_on_disk),
        T(test_revoked_stays_revoked),
        T(test_access_of_teams),
        T(test_access_of_many),
        T(test_last_administrator),
        T(test_wrong_key),
        T(test_rotation),
        T(test_purge),
        T(test_ids),
        T(test_backup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
