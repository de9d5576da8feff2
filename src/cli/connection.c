/* Connections of a server: what their rows of resources.def need beyond the table. */
#include "cli/output.h"
#include "cli/resource.h"

/* One line about a connection; why, where it is not ready. */
int rac_connection_status(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v)
{
    (void)r;
    if (cli->format == RAC_FORMAT_JSON) {
        rac_cli_print_json(cli, v);
        return RAC_EXIT_OK;
    }
    rac_str id = rac_json_str(RAC_JSON_GET(v, "id"), RAC_S("?"));
    rac_cli_say(cli, "%.*s  %.*s", RAC_FMT(id),
                RAC_FMT(rac_json_str(RAC_JSON_GET(v, "overallStatus"), RAC_S("?"))));
    const struct rac_json *message = rac_json_pointer_get(v, RAC_S("/statuses/0/error/message"));
    if (message != NULL)
        rac_cli_note(cli, "%.*s", RAC_FMT(rac_json_str(message, RAC_S(""))));
    return RAC_EXIT_OK;
}

/* NAME=VALUE arguments and --file ({name: value}, or {"set", "values"}), as parameterValues. */
int rac_connection_fill(struct rac_cli *cli, struct rac_json *body)
{
    struct rac_json values, file = rac_json_new_object(cli->a);
    const char *path = rac_cli_opt(cli, "file"), *set = rac_cli_opt(cli, "parameter-set");
    int status = rac_resource_values(cli, 1, &values);
    if (status == RAC_EXIT_OK && path != NULL)
        status = rac_resource_add_file(cli, path, &file);
    if (status != RAC_EXIT_OK)
        return status;
    const struct rac_json *inner = RAC_JSON_GET(&file, "values");
    if (inner != NULL && RAC_JSON_GET(&file, "set") != NULL && set == NULL)
        RAC_JSON_PUT(cli->a, body, "parameterSet", *RAC_JSON_GET(&file, "set"));
    RAC_JSON_EACH_MEMBER(m, inner != NULL ? inner : &file)
    if (rac_json_get(&values, rac_json_key(m)) == NULL)
        rac_json_put(cli->a, &values, rac_json_key(m), m->value);
    if (set != NULL)
        RAC_JSON_PUT_STR(cli->a, body, "parameterSet", rac_str_of(set));
    if (rac_json_len(&values) > 0)
        RAC_JSON_PUT(cli->a, body, "parameterValues", values);
    return RAC_EXIT_OK;
}

int rac_connection_tested(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v)
{
    (void)r;
    if (cli->format == RAC_FORMAT_JSON)
        rac_cli_print_json(cli, v);
    else
        rac_cli_say(cli, "%s  %.*s", cli->args[0],
                    RAC_FMT(rac_json_str(RAC_JSON_GET(v, "message"), RAC_S(""))));
    return rac_json_bool(RAC_JSON_GET(v, "ok"), false) ? RAC_EXIT_OK : RAC_EXIT_FINDINGS;
}

int rac_connection_link(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v)
{
    (void)r;
    if (cli->format == RAC_FORMAT_JSON) {
        rac_cli_print_json(cli, v);
        return RAC_EXIT_OK;
    }
    const struct rac_json *code = RAC_JSON_GET(v, "userCode");
    rac_cli_say(cli, "%.*s", RAC_FMT(rac_json_str(RAC_JSON_GET(v, "link"), RAC_S(""))));
    if (code != NULL)
        rac_cli_note(cli, "Open it in a browser and type %.*s there.",
                     RAC_FMT(rac_json_str(code, RAC_S(""))));
    else
        rac_cli_note(cli, "Open it in a browser and sign in; it is good for ten minutes and once.");
    return RAC_EXIT_OK;
}

int rac_connection_fill_invoke(struct rac_cli *cli, struct rac_json *body)
{
    struct rac_json parameters;
    const char *file = rac_cli_opt(cli, "parameters");
    int status = rac_resource_values(cli, 2, &parameters);
    if (status == RAC_EXIT_OK && file != NULL)
        status = rac_resource_add_file(cli, file, &parameters);
    RAC_JSON_PUT(cli->a, body, "parameters", parameters);
    return status;
}

int rac_connection_invoked(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v)
{
    (void)r;
    int64_t code = rac_json_int(RAC_JSON_GET(v, "statusCode"), 0);
    const struct rac_json *answer = RAC_JSON_GET(v, "body");
    if (cli->format == RAC_FORMAT_JSON)
        rac_cli_print_json(cli, v);
    else if (rac_json_is_string(answer) && isatty(1) != 1) /* data, to the letter */
        fwrite(answer->s, 1, answer->n, cli->out), fputc('\n', cli->out);
    else if (rac_json_is_string(answer))
        rac_cli_say(cli, "%.*s", RAC_FMT(rac_json_str(answer, RAC_S(""))));
    else if (answer != NULL)
        rac_cli_print_json(cli, answer);
    if (code < 400)
        return RAC_EXIT_OK;
    return rac_cli_fail(cli, RAC_EXIT_FINDINGS, "the service answered %lld", (long long)code);
}

int rac_connection_key(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_json body = rac_json_new_object(cli->a), v;
    const char *expires = rac_cli_opt(cli, "expires");
    if (rac_cli_has(cli, "revoke")) {
        int status = rac_remote_json(
            r, "POST", rac_resource_path(cli, "connections/{0}:revokeKeys"), NULL, NULL);
        if (status == RAC_EXIT_OK)
            rac_resource_done(cli, "revoked");
        return status;
    }
    if (expires != NULL)
        RAC_JSON_PUT_STR(cli->a, &body, "expires", rac_str_of(expires));
    int status =
        rac_remote_json(r, "POST", rac_resource_path(cli, "connections/{0}:keys"), &body, &v);
    if (status == RAC_EXIT_OK)
        rac_resource_print(cli, &v);
    return status;
}
