/* raccord connection ...: make, test, use and delete connections of a server. */
#include "cli/manage.h"
#include "cli/output.h"
#include "text/url.h"

static rac_str path_of(struct rac_cli *cli, const char *verb)
{
    return rac_remote_path(cli->a, "connections/", cli->args[0], verb);
}

/* One line about a connection; why, where it is not ready. */
static void print_status(struct rac_cli *cli, const struct rac_json *v)
{
    if (cli->format == RAC_FORMAT_JSON) {
        rac_cli_print_json(cli, v);
        return;
    }
    rac_str id = rac_json_str(RAC_JSON_GET(v, "id"), RAC_S("?"));
    fprintf(cli->out, "%.*s  %.*s\n", RAC_FMT(id),
            RAC_FMT(rac_json_str(RAC_JSON_GET(v, "overallStatus"), RAC_S("?"))));
    const struct rac_json *message = rac_json_pointer_get(v, RAC_S("/statuses/0/error/message"));
    if (message != NULL)
        fprintf(cli->err, "%.*s\n", RAC_FMT(rac_json_str(message, RAC_S(""))));
}

/* --- create, update --------------------------------------------------------------------------- */

/* NAME=VALUE arguments and --file, as parameterValues. */
static bool put_values(struct rac_cli *cli, size_t from, struct rac_json *body)
{
    struct rac_json values, file;
    const char *path = rac_cli_opt(cli, "file"), *set = rac_cli_opt(cli, "parameter-set");
    rac_str bytes, why;
    if (!rac_manage_values(cli, from, &values))
        return false;
    if (path != NULL) {
        struct rac_json_error where;
        if (rac_cli_read(cli, path, 1 << 20, cli->a, &bytes, &why) != RAC_OK) {
            rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%.*s", RAC_FMT(why));
            return false;
        }
        if (rac_json_parse(bytes, cli->a, 0, &file, &where) != RAC_OK) {
            rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%s:%u:%u: %s", path, where.line, where.column,
                         where.message);
            return false;
        }
        const struct rac_json *inner = RAC_JSON_GET(&file, "values");
        if (inner != NULL && RAC_JSON_GET(&file, "set") != NULL && set == NULL)
            RAC_JSON_PUT(cli->a, body, "parameterSet", *RAC_JSON_GET(&file, "set"));
        RAC_JSON_EACH_MEMBER(m, inner != NULL ? inner : &file)
        if (rac_json_get(&values, rac_json_key(m)) == NULL)
            rac_json_put(cli->a, &values, rac_json_key(m), m->value);
    }
    if (set != NULL)
        RAC_JSON_PUT_STR(cli->a, body, "parameterSet", rac_str_of(set));
    if (rac_json_len(&values) > 0)
        RAC_JSON_PUT(cli->a, body, "parameterValues", values);
    return true;
}

static int create(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_json body = rac_json_new_object(cli->a), v;
    const char *name = rac_cli_opt(cli, "name"), *group = rac_cli_opt(cli, "group");
    RAC_JSON_PUT_STR(cli->a, &body, "connectorId", rac_str_of(cli->args[0]));
    if (name != NULL)
        RAC_JSON_PUT_STR(cli->a, &body, "displayName", rac_str_of(name));
    if (group != NULL)
        RAC_JSON_PUT_STR(cli->a, &body, "group", rac_str_of(group));
    if (!put_values(cli, 1, &body))
        return RAC_EXIT_USAGE;
    int status = rac_remote_json(r, "POST", RAC_S("/api/v1/connections"), &body, &v);
    if (status == RAC_EXIT_OK)
        print_status(cli, &v);
    return status;
}

static int run_create(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 1, SIZE_MAX, &status) ? rac_manage(cli, create) : status;
}

static const struct rac_option create_options[] = {
    {"name", 0, "NAME", "display name (default: the connector's)"},
    {"group", 'g', "GROUP", "resource group (default: the connector's)"},
    {"parameter-set", 0, "SET", "way of signing in, where the connector has several"},
    {"file", 'f', "FILE", "JSON file with the values, or - (keeps secrets out of the shell)"},
    {NULL, 0, NULL, NULL},
};

const struct rac_command rac_command_connection_create = {
    .words = "connection create",
    .synopsis = "CONNECTOR [NAME=VALUE...] [options]",
    .summary = "Make a connection with a connector",
    .details =
        "NAME is a connection parameter, for example api_key. VALUE may be @FILE. An OAuth\n"
        "connection is made first and signed in to afterwards: raccord connection consent.\n",
    .options = create_options,
    .run = run_create,
};

static int update(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_json body = rac_json_new_object(cli->a), v;
    const char *name = rac_cli_opt(cli, "name");
    if (name != NULL)
        RAC_JSON_PUT_STR(cli->a, &body, "displayName", rac_str_of(name));
    if (!put_values(cli, 1, &body))
        return RAC_EXIT_USAGE;
    int status = rac_remote_json(r, "PATCH", path_of(cli, ""), &body, &v);
    if (status == RAC_EXIT_OK)
        print_status(cli, &v);
    return status;
}

static int run_update(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 1, SIZE_MAX, &status) ? rac_manage(cli, update) : status;
}

const struct rac_command rac_command_connection_update = {
    .words = "connection update",
    .synopsis = "ID [NAME=VALUE...] [options]",
    .summary = "Give a connection new values; workflows that use it go on working",
    .options = create_options,
    .run = run_update,
};

/* --- list, show ------------------------------------------------------------------------------- */

static int list(struct rac_cli *cli, struct rac_remote *r)
{
    static const struct rac_column columns[] = {
        {"ID", "/id"},       {"NAME", "/displayName"},     {"CONNECTOR", "/connectorId"},
        {"GROUP", "/group"}, {"STATUS", "/overallStatus"},
    };
    struct rac_json v;
    const char *connector = rac_cli_opt(cli, "connector"), *group = rac_cli_opt(cli, "group");
    rac_str path = connector != NULL
                       ? rac_remote_path(cli->a, "connectors/", connector, "/connections?$top=250")
                       : RAC_S("/api/v1/connections?$top=250");
    if (group != NULL)
        path = rac_arena_printf(cli->a, "%.*s&group=%.*s", RAC_FMT(path),
                                RAC_FMT(rac_url_encode(cli->a, rac_str_of(group))));
    int status = rac_remote_list(r, path, &v);
    if (status == RAC_EXIT_OK)
        rac_remote_print_list(cli, &v, columns, RAC_COUNT(columns));
    return status;
}

static int run_list(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 0, 0, &status) ? rac_manage(cli, list) : status;
}

static const struct rac_option list_options[] = {
    {"connector", 0, "ID", "only those made with this connector"},
    {"group", 'g', "GROUP", "only those of this resource group"},
    {NULL, 0, NULL, NULL},
};

const struct rac_command rac_command_connection_list = {
    .words = "connection list",
    .synopsis = "[--connector ID] [--group GROUP]",
    .summary = "List the connections you may see",
    .options = list_options,
    .run = run_list,
};

static int show(struct rac_cli *cli, struct rac_remote *r)
{
    return rac_manage_show(cli, r, path_of(cli, ""));
}

static int run_show(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 1, 1, &status) ? rac_manage(cli, show) : status;
}

const struct rac_command rac_command_connection_show = {
    .words = "connection show",
    .synopsis = "ID",
    .summary = "Show a connection; secrets are never shown",
    .run = run_show,
};

/* --- test, consent ---------------------------------------------------------------------------- */

static int test(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_json v;
    int status = rac_remote_json(r, "POST", path_of(cli, ":test"), NULL, &v);
    if (status != RAC_EXIT_OK)
        return status;
    if (cli->format == RAC_FORMAT_JSON)
        rac_cli_print_json(cli, &v);
    else
        fprintf(cli->out, "%s  %.*s\n", cli->args[0],
                RAC_FMT(rac_json_str(RAC_JSON_GET(&v, "message"), RAC_S(""))));
    return rac_json_bool(RAC_JSON_GET(&v, "ok"), false) ? RAC_EXIT_OK : RAC_EXIT_FINDINGS;
}

static int run_test(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 1, 1, &status) ? rac_manage(cli, test) : status;
}

const struct rac_command rac_command_connection_test = {
    .words = "connection test",
    .synopsis = "ID",
    .summary = "Test a connection with the operation its connector names",
    .run = run_test,
};

static int consent(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_json body = rac_json_new_object(cli->a), v;
    const char *parameter = rac_cli_opt(cli, "parameter");
    if (parameter != NULL)
        RAC_JSON_PUT_STR(cli->a, &body, "parameter", rac_str_of(parameter));
    int status = rac_remote_json(r, "POST", path_of(cli, ":consent"), &body, &v);
    if (status != RAC_EXIT_OK)
        return status;
    if (cli->format == RAC_FORMAT_JSON) {
        rac_cli_print_json(cli, &v);
        return RAC_EXIT_OK;
    }
    const struct rac_json *code = RAC_JSON_GET(&v, "userCode");
    fprintf(cli->out, "%.*s\n", RAC_FMT(rac_json_str(RAC_JSON_GET(&v, "link"), RAC_S(""))));
    if (code != NULL)
        fprintf(cli->err, "Open it in a browser and type %.*s there.\n",
                RAC_FMT(rac_json_str(code, RAC_S(""))));
    else
        fprintf(cli->err,
                "Open it in a browser and sign in; it is good for ten minutes and once.\n");
    return RAC_EXIT_OK;
}

static int run_consent(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 1, 1, &status) ? rac_manage(cli, consent) : status;
}

static const struct rac_option consent_options[] = {
    {"parameter", 0, "NAME", "OAuth parameter (default: the first)"},
    {NULL, 0, NULL, NULL},
};

const struct rac_command rac_command_connection_consent = {
    .words = "connection consent",
    .synopsis = "ID [--parameter NAME]",
    .summary = "Print the link at which a person signs in for a connection",
    .options = consent_options,
    .run = run_consent,
};

/* --- invoke ----------------------------------------------------------------------------------- */

static int invoke(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_json body = rac_json_new_object(cli->a), parameters, v;
    const char *file = rac_cli_opt(cli, "parameters");
    if (!rac_manage_values(cli, 2, &parameters))
        return RAC_EXIT_USAGE;
    if (file != NULL) {
        struct rac_json_error where;
        rac_str bytes, why;
        if (rac_cli_read(cli, file, 64 << 20, cli->a, &bytes, &why) != RAC_OK)
            return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%.*s", RAC_FMT(why));
        if (rac_json_parse(bytes, cli->a, 0, &v, &where) != RAC_OK || !rac_json_is_object(&v))
            return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%s is not a JSON object", file);
        RAC_JSON_EACH_MEMBER(m, &v)
        if (rac_json_get(&parameters, rac_json_key(m)) == NULL)
            rac_json_put(cli->a, &parameters, rac_json_key(m), m->value);
    }
    RAC_JSON_PUT_STR(cli->a, &body, "operationId", rac_str_of(cli->args[1]));
    RAC_JSON_PUT(cli->a, &body, "parameters", parameters);
    int status = rac_remote_json(r, "POST", path_of(cli, ":invoke"), &body, &v);
    if (status != RAC_EXIT_OK)
        return status;
    int64_t code = rac_json_int(RAC_JSON_GET(&v, "statusCode"), 0);
    const struct rac_json *answer = RAC_JSON_GET(&v, "body");
    if (cli->format == RAC_FORMAT_JSON)
        rac_cli_print_json(cli, &v);
    else if (rac_json_is_string(answer))
        fprintf(cli->out, "%.*s\n", RAC_FMT(rac_json_str(answer, RAC_S(""))));
    else if (answer != NULL)
        rac_cli_print_json(cli, answer);
    if (code < 400)
        return RAC_EXIT_OK;
    return rac_cli_fail(cli, RAC_EXIT_FINDINGS, "the service answered %lld", (long long)code);
}

static int run_invoke(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 2, SIZE_MAX, &status) ? rac_manage(cli, invoke) : status;
}

static const struct rac_option invoke_options[] = {
    {"parameters", 'p', "FILE", "JSON file with the parameters, or -"},
    {NULL, 0, NULL, NULL},
};

const struct rac_command rac_command_connection_invoke = {
    .words = "connection invoke",
    .synopsis = "ID OPERATION [NAME=VALUE... | JSON] [--parameters FILE]",
    .summary = "Call an operation through a connection",
    .details = "Prints the body of the answer; with --format json status and headers as well.\n",
    .options = invoke_options,
    .run = run_invoke,
};

/* --- keys, delete ----------------------------------------------------------------------------- */

static int key(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_json body = rac_json_new_object(cli->a), v;
    const char *expires = rac_cli_opt(cli, "expires");
    if (rac_cli_has(cli, "revoke"))
        return rac_remote_json(r, "POST", path_of(cli, ":revokeKeys"), NULL, NULL);
    if (expires != NULL)
        RAC_JSON_PUT_STR(cli->a, &body, "expires", rac_str_of(expires));
    int status = rac_remote_json(r, "POST", path_of(cli, ":keys"), &body, &v);
    if (status == RAC_EXIT_OK)
        rac_manage_print(cli, &v);
    return status;
}

static int run_key(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 1, 1, &status) ? rac_manage(cli, key) : status;
}

static const struct rac_option key_options[] = {
    {"expires", 0, "P30D", "how long it is good (default: until revoked)"},
    {"revoke", 0, NULL, "revoke every key of the connection instead"},
    {NULL, 0, NULL, NULL},
};

const struct rac_command rac_command_connection_key = {
    .words = "connection key",
    .synopsis = "ID [--expires P30D | --revoke]",
    .summary = "Make a key for the runtime URL of a connection; it is shown once",
    .options = key_options,
    .run = run_key,
};

static int delete_(struct rac_cli *cli, struct rac_remote *r)
{
    int status = rac_remote_json(r, "DELETE", path_of(cli, ""), NULL, NULL);
    if (status == RAC_EXIT_OK && cli->format != RAC_FORMAT_JSON)
        fprintf(cli->out, "%s deleted\n", cli->args[0]);
    return status;
}

static int run_delete(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 1, 1, &status) ? rac_manage(cli, delete_) : status;
}

const struct rac_command rac_command_connection_delete = {
    .words = "connection delete",
    .synopsis = "ID",
    .summary = "Delete a connection and its secrets",
    .run = run_delete,
};
