/* raccord token ...: tokens of a server. */
#include "cli/manage.h"
#include "cli/output.h"

static int create(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_arena *a = cli->a;
    struct rac_json body = rac_json_new_object(a), roles = rac_json_new_array(a), v;
    const char *user = rac_cli_opt(cli, "user"), *group = rac_cli_opt(cli, "group");
    const char *expires = rac_cli_opt(cli, "expires"), *role;
    if (user != NULL)
        RAC_JSON_PUT_STR(a, &body, "user", rac_str_of(user));
    for (size_t i = 0; (role = rac_cli_opt_at(cli, "role", i)) != NULL; i++)
        rac_json_add(a, &roles, rac_json_of_str(rac_str_of(role)));
    if (rac_json_len(&roles) > 0)
        RAC_JSON_PUT(a, &body, "roles", roles);
    if (group != NULL)
        RAC_JSON_PUT_STR(a, &body, "group", rac_str_of(group));
    if (expires != NULL)
        RAC_JSON_PUT_STR(a, &body, "expires", rac_str_of(expires));
    int status = rac_remote_json(r, "POST", RAC_S("/api/v1/tokens"), &body, &v);
    if (status != RAC_EXIT_OK)
        return status;
    if (cli->format == RAC_FORMAT_JSON) {
        rac_cli_print_json(cli, &v);
        return status;
    }
    fprintf(cli->out, "%.*s\n", RAC_FMT(rac_json_str(RAC_JSON_GET(&v, "token"), RAC_S(""))));
    fprintf(cli->err, "Token %.*s for %.*s. It is not shown again.\n",
            RAC_FMT(rac_json_str(RAC_JSON_GET(&v, "id"), RAC_S("?"))),
            RAC_FMT(rac_json_str(RAC_JSON_GET(&v, "user"), RAC_S("?"))));
    return status;
}

static int run_create(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 0, 0, &status) ? rac_manage(cli, create) : status;
}

static const struct rac_option create_options[] = {
    {"user", 0, "NAME", "whom it acts for (default: yourself)"},
    {"role", 0, "ROLE", "narrowed to this role; may be repeated (default: all the user holds)"},
    {"group", 'g', "GROUP", "narrowed to this resource group"},
    {"expires", 0, "P30D", "how long it is good, or until when"},
    {NULL, 0, NULL, NULL},
};

const struct rac_command rac_command_token_create = {
    .words = "token create",
    .synopsis = "[--user NAME] [--role ROLE] [--group GROUP] [--expires P30D]",
    .summary = "Make a token; it is printed once",
    .options = create_options,
    .run = run_create,
};

static int list(struct rac_cli *cli, struct rac_remote *r)
{
    static const struct rac_column columns[] = {
        {"ID", "/id"},       {"USER", "/user"},           {"ROLES", "/roles"},
        {"GROUP", "/group"}, {"EXPIRES", "/expiresTime"}, {"REVOKED", "/revoked"},
    };
    struct rac_json v;
    int status = rac_remote_list(r, RAC_S("/api/v1/tokens?$top=250"), &v);
    if (status == RAC_EXIT_OK)
        rac_remote_print_list(cli, &v, columns, RAC_COUNT(columns));
    return status;
}

static int run_list(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 0, 0, &status) ? rac_manage(cli, list) : status;
}

const struct rac_command rac_command_token_list = {
    .words = "token list",
    .synopsis = "",
    .summary = "List tokens: your own, or everybody's for an administrator",
    .run = run_list,
};

static int revoke_one(struct rac_cli *cli, struct rac_remote *r)
{
    int status = rac_remote_json(r, "DELETE", rac_remote_path(cli->a, "tokens/", cli->args[0], ""),
                                 NULL, NULL);
    if (status == RAC_EXIT_OK && cli->format != RAC_FORMAT_JSON)
        fprintf(cli->out, "%s revoked\n", cli->args[0]);
    return status;
}

static int run_revoke(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 1, 1, &status) ? rac_manage(cli, revoke_one) : status;
}

const struct rac_command rac_command_token_revoke = {
    .words = "token revoke",
    .synopsis = "ID",
    .summary = "Revoke a token; it is refused from that moment on",
    .run = run_revoke,
};
