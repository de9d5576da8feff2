#include "main/admin_token.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/secret.h"
#include "base/str.h"
#include "cli/output.h"
#include "iam/iam.h"
#include "main/commands.h"

struct written {
    bool done;
    rac_err err;
};

static void on_written(void *arg, const struct rac_commit *c)
{
    *(struct written *)arg = (struct written){true, c->err};
}

static rac_err wait_for(struct rac_store_session *session, struct written *w)
{
    while (!w->done && rac_store_session_wait(session))
        ;
    return w->err;
}

rac_str rac_admin_token_path(struct rac_arena *a, rac_str dir)
{
    return rac_arena_printf(a, "%.*s/admin.token", RAC_FMT(dir));
}

/* Written and synced before the token is: a crash in between leaves a file that opens nothing, and
 * the next start, which finds no token, writes it anew. */
static bool write_file(rac_str path, const char *text, struct rac_arena *a, rac_str *why)
{
    int fd = open(path.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = fd >= 0 && fchmod(fd, 0600) == 0 &&
              dprintf(fd, "%s\n", text) == (int)strlen(text) + 1 && fdatasync(fd) == 0;
    int error = errno;
    if (fd >= 0 && close(fd) != 0 && ok) {
        ok = false;
        error = errno;
    }
    if (!ok)
        *why = rac_arena_printf(a, "cannot write %.*s: %s", RAC_FMT(path), strerror(error));
    return ok;
}

rac_err rac_admin_token_make(struct rac_store_session *session, const struct rac_env *env,
                             rac_str path, rac_str note, struct rac_arena *a, rac_str *id,
                             rac_str *why)
{
    const struct rac_iam_store *is = rac_store_iam(session);
    struct rac_token_text text;
    struct written w = {0};
    rac_token_new(env, &text);
    struct rac_token_save r = {.id = rac_str_of(text.id),
                               .name = note,
                               .user = RAC_DEFAULT_ID,
                               .actor = {.at_ms = rac_env_wall_ms(env), .note = note}};
    memcpy(r.digest, text.digest, sizeof r.digest);
    if (!write_file(path, text.text, a, why)) {
        rac_secret_wipe(&text, sizeof text);
        return RAC_E_IO;
    }
    *id = rac_arena_str(a, r.id);
    rac_secret_wipe(&text.text, sizeof text.text);
    is->token_create(is->self, RAC_DEFAULT_ID, &r, on_written, &w);
    rac_err e = wait_for(session, &w);
    if (e != RAC_OK)
        *why = rac_arena_printf(a, "cannot make the token: %s", rac_err_text(e));
    return e;
}

/* --- raccord token recover -------------------------------------------------------------------- */

static const struct rac_option options[] = {
    {"data", 'd', "DIR", "data directory (default: ./raccord-data)"},
    {NULL, 0, NULL, NULL},
};

/* The first administrator, there, enabled, and with every role it began with. */
static rac_err revive(struct rac_store_session *session, const struct rac_env *env,
                      struct rac_arena *a, rac_str *name)
{
    static const struct rac_role_grant all = {.roles = RAC_ROLE_ADMINISTRATOR | RAC_ROLE_OPERATOR};
    const struct rac_iam_store *is = rac_store_iam(session);
    struct rac_user_row row;
    struct written w = {0};
    rac_err e = is->user_get(is->self, RAC_DEFAULT_ID, RAC_DEFAULT_ID, a, &row);
    if (e != RAC_OK && e != RAC_E_NOT_FOUND)
        return e;
    struct rac_user_save r = {
        .create = e == RAC_E_NOT_FOUND,
        .id = RAC_DEFAULT_ID,
        .name = e == RAC_OK ? RAC_STR_NULL : RAC_S("admin"),
        .grants = &all,
        .grants_n = 1,
        .actor = {.at_ms = rac_env_wall_ms(env), .note = RAC_S("recovered at the shell")}};
    *name = e == RAC_OK ? row.name : RAC_S("admin");
    is->user_save(is->self, RAC_DEFAULT_ID, &r, on_written, &w);
    return wait_for(session, &w);
}

static rac_err recover(struct rac_cli *cli, struct rac_store *store, rac_str path, rac_str *name,
                       rac_str *why)
{
    struct rac_store_session *session;
    rac_str id;
    rac_err e = rac_store_session_new(store, NULL, &session);
    if (e != RAC_OK)
        return e;
    e = revive(session, cli->env, cli->a, name);
    if (e == RAC_OK)
        e = rac_admin_token_make(session, cli->env, path, RAC_S("recovered token"), cli->a, &id,
                                 why);
    rac_store_session_free(session);
    return e;
}

static int run(struct rac_cli *cli)
{
    const char *dir = rac_cli_opt(cli, "data");
    rac_str why = RAC_STR_NULL, name = RAC_S("admin"), key;
    struct rac_store *store;
    if (cli->args_n != 0)
        return rac_cli_usage(cli, "unexpected argument: %s", cli->args[0]);
    if (dir == NULL)
        dir = "raccord-data";
    if (access(rac_arena_printf(cli->a, "%s/raccord.db", dir).p, F_OK) != 0)
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%s is not a data directory", dir);
    int status = rac_cli_data_config(cli, dir);
    if (status != RAC_EXIT_OK)
        return status;
    key = rac_config_str(cli->config, RAC_CONF_KEY_FILE);
    struct rac_store_options o = {
        .dir = rac_str_of(dir), .key_file = key.n > 0 ? key : RAC_STR_NULL, .env = cli->env};
    rac_err e = rac_store_open(&o, cli->a, &store, &why);
    if (e != RAC_OK)
        return rac_cli_fail(cli, rac_cli_status_of(e), "cannot open %s: %.*s", dir, RAC_FMT(why));
    rac_str path = rac_admin_token_path(cli->a, rac_str_of(dir));
    e = recover(cli, store, path, &name, &why);
    rac_store_close(store);
    if (e != RAC_OK)
        return rac_cli_fail(cli, rac_cli_status_of(e), "%.*s",
                            RAC_FMT(why.n > 0 ? why : rac_str_of(rac_err_text(e))));
    if (cli->format == RAC_FORMAT_JSON) {
        struct rac_json v = rac_json_new_object(cli->a);
        RAC_JSON_PUT_STR(cli->a, &v, "user", name);
        RAC_JSON_PUT_STR(cli->a, &v, "file", path);
        rac_cli_print_json(cli, &v);
    } else {
        rac_cli_say(cli, "%.*s has a new token of %.*s, administrator and operator", RAC_FMT(path),
                    RAC_FMT(name));
    }
    return RAC_EXIT_OK;
}

const struct rac_command rac_command_token_recover = {
    .words = "token recover",
    .synopsis = "[--data DIR]",
    .summary = "Make a new first token where every token is lost; the server is stopped",
    .details = "Writes DIR/admin.token anew, for the first administrator of the installation, who\n"
               "gets back its roles and is enabled. Whoever may write the data directory may do\n"
               "this; tokens of others stay as they are.\n",
    .options = options,
    .run = run,
};
