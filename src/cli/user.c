/* raccord user ...: users of a server and their roles. */
#include "cli/manage.h"
#include "cli/output.h"

/* ROLE, or ROLE@GROUP; --group is for those without one of their own. */
static void put_grants(struct rac_cli *cli, struct rac_json *body)
{
    struct rac_arena *a = cli->a;
    struct rac_json grants = rac_json_new_array(a);
    const char *group = rac_cli_opt(cli, "group"), *role;
    size_t i = 0;
    for (; (role = rac_cli_opt_at(cli, "role", i)) != NULL; i++) {
        struct rac_json g = rac_json_new_object(a);
        rac_str at;
        RAC_JSON_PUT_STR(a, &g, "role", rac_str_cut(rac_str_of(role), '@', &at));
        if (at.p != NULL || group != NULL)
            RAC_JSON_PUT_STR(a, &g, "group", at.p != NULL ? at : rac_str_of(group));
        rac_json_add(a, &grants, g);
    }
    if (i > 0)
        RAC_JSON_PUT(a, body, "grants", grants);
}

static int create(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_json body = rac_json_new_object(cli->a), v;
    RAC_JSON_PUT_STR(cli->a, &body, "name", rac_str_of(cli->args[0]));
    put_grants(cli, &body);
    int status = rac_remote_json(r, "POST", RAC_S("/api/v1/users"), &body, &v);
    if (status == RAC_EXIT_OK)
        rac_manage_print(cli, &v);
    return status;
}

static int run_create(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 1, 1, &status) ? rac_manage(cli, create) : status;
}

static const struct rac_option create_options[] = {
    {"role", 0, "ROLE[@GROUP]",
     "reader, maker, certifier, administrator or operator; may be repeated"},
    {"group", 'g', "GROUP", "resource group of the roles (default: the whole tenant)"},
    {NULL, 0, NULL, NULL},
};

const struct rac_command rac_command_user_create = {
    .words = "user create",
    .synopsis = "NAME --role ROLE [--group GROUP]",
    .summary = "Create a user",
    .options = create_options,
    .run = run_create,
};

static int list(struct rac_cli *cli, struct rac_remote *r)
{
    static const struct rac_column columns[] = {
        {"NAME", "/name"}, {"ROLES", "/grants"}, {"DISABLED", "/disabled"}, {"ID", "/id"}};
    struct rac_json v;
    int status = rac_remote_list(r, RAC_S("/api/v1/users?$top=250"), &v);
    if (status == RAC_EXIT_OK)
        rac_remote_print_list(cli, &v, columns, RAC_COUNT(columns));
    return status;
}

static int run_list(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 0, 0, &status) ? rac_manage(cli, list) : status;
}

const struct rac_command rac_command_user_list = {
    .words = "user list",
    .synopsis = "",
    .summary = "List users and their roles",
    .run = run_list,
};

static int show(struct rac_cli *cli, struct rac_remote *r)
{
    return rac_manage_show(cli, r, rac_remote_path(cli->a, "users/", cli->args[0], ""));
}

static int run_show(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 1, 1, &status) ? rac_manage(cli, show) : status;
}

const struct rac_command rac_command_user_show = {
    .words = "user show",
    .synopsis = "NAME",
    .summary = "Show a user",
    .run = run_show,
};

static int update(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_json body = rac_json_new_object(cli->a), v;
    put_grants(cli, &body);
    if (rac_cli_has(cli, "disable") || rac_cli_has(cli, "enable"))
        RAC_JSON_PUT(cli->a, &body, "disabled", rac_json_of_bool(rac_cli_has(cli, "disable")));
    if (rac_json_len(&body) == 0)
        return rac_cli_usage(cli, "say what to change: --role, --disable or --enable");
    int status =
        rac_remote_json(r, "PATCH", rac_remote_path(cli->a, "users/", cli->args[0], ""), &body, &v);
    if (status == RAC_EXIT_OK)
        rac_manage_print(cli, &v);
    return status;
}

static int run_update(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 1, 1, &status) ? rac_manage(cli, update) : status;
}

static const struct rac_option update_options[] = {
    {"role", 0, "ROLE[@GROUP]", "role to hold from now on; may be repeated, replaces all"},
    {"group", 'g', "GROUP", "resource group of the roles (default: the whole tenant)"},
    {"disable", 0, NULL, "refuse its tokens"},
    {"enable", 0, NULL, "accept its tokens again"},
    {NULL, 0, NULL, NULL},
};

const struct rac_command rac_command_user_update = {
    .words = "user update",
    .synopsis = "NAME [--role ROLE...] [--disable | --enable]",
    .summary = "Change the roles of a user, or disable it",
    .options = update_options,
    .run = run_update,
};

static int delete_(struct rac_cli *cli, struct rac_remote *r)
{
    int status = rac_remote_json(r, "DELETE", rac_remote_path(cli->a, "users/", cli->args[0], ""),
                                 NULL, NULL);
    if (status == RAC_EXIT_OK && cli->format != RAC_FORMAT_JSON)
        fprintf(cli->out, "%s deleted\n", cli->args[0]);
    return status;
}

static int run_delete(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 1, 1, &status) ? rac_manage(cli, delete_) : status;
}

const struct rac_command rac_command_user_delete = {
    .words = "user delete",
    .synopsis = "NAME",
    .summary = "Delete a user and its tokens",
    .run = run_delete,
};

/* --- tenants ---------------------------------------------------------------------------------- */

static int tenant_list(struct rac_cli *cli, struct rac_remote *r)
{
    static const struct rac_column columns[] = {
        {"NAME", "/name"}, {"ID", "/id"}, {"CREATED", "/createdTime"}};
    struct rac_json v;
    int status = rac_remote_list(r, RAC_S("/api/v1/tenants?$top=250"), &v);
    if (status == RAC_EXIT_OK)
        rac_remote_print_list(cli, &v, columns, RAC_COUNT(columns));
    return status;
}

static int run_tenant_list(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 0, 0, &status) ? rac_manage(cli, tenant_list) : status;
}

const struct rac_command rac_command_tenant_list = {
    .words = "tenant list",
    .synopsis = "",
    .summary = "List the tenants of the installation (operator)",
    .run = run_tenant_list,
};

static int tenant_create(struct rac_cli *cli, struct rac_remote *r)
{
    struct rac_json body = rac_json_new_object(cli->a), v;
    const char *administrator = rac_cli_opt(cli, "administrator");
    RAC_JSON_PUT_STR(cli->a, &body, "name", rac_str_of(cli->args[0]));
    if (administrator != NULL)
        RAC_JSON_PUT_STR(cli->a, &body, "administrator", rac_str_of(administrator));
    int status = rac_remote_json(r, "POST", RAC_S("/api/v1/tenants"), &body, &v);
    if (status == RAC_EXIT_OK)
        rac_manage_print(cli, &v);
    return status;
}

static int run_tenant_create(struct rac_cli *cli)
{
    int status;
    return rac_manage_args(cli, 1, 1, &status) ? rac_manage(cli, tenant_create) : status;
}

static const struct rac_option tenant_options[] = {
    {"administrator", 0, "NAME", "its first user (default: admin)"},
    {NULL, 0, NULL, NULL},
};

const struct rac_command rac_command_tenant_create = {
    .words = "tenant create",
    .synopsis = "NAME [--administrator USER]",
    .summary =
        "Create a tenant and its first administrator, whose token is printed once (operator)",
    .options = tenant_options,
    .run = run_tenant_create,
};
