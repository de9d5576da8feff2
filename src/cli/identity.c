/* Users, tokens and tenants of a server: what their rows of resources.def need beyond the table. */
#include "cli/output.h"
#include "cli/resource.h"

/* ROLE, or ROLE@GROUP; --group is for those without one of their own. */
int rac_user_fill_grants(struct rac_cli *cli, struct rac_json *body)
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
    return RAC_EXIT_OK;
}

int rac_token_shown(struct rac_cli *cli, struct rac_remote *r, const struct rac_json *v)
{
    (void)r;
    if (cli->format == RAC_FORMAT_JSON) {
        rac_cli_print_json(cli, v);
        return RAC_EXIT_OK;
    }
    rac_cli_say(cli, "%.*s", RAC_FMT(rac_json_str(RAC_JSON_GET(v, "token"), RAC_S(""))));
    rac_cli_note(cli, "Token %.*s for %.*s. It is not shown again.",
                 RAC_FMT(rac_json_str(RAC_JSON_GET(v, "id"), RAC_S("?"))),
                 RAC_FMT(rac_json_str(RAC_JSON_GET(v, "user"), RAC_S("?"))));
    return RAC_EXIT_OK;
}
