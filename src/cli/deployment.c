#include "cli/deployment.h"

#include "cli/output.h"
#include "connector/providers.h"
#include "connector/variables.h"
#include "workflow/definition/access.h"

enum { FILE_BYTES_MAX = 4 << 20 };

/* The file a setting names; absent when it names none. */
static int read_named(struct rac_cli *cli, enum rac_conf setting, rac_str *name, rac_str *text)
{
    rac_str why;
    *name = rac_config_str(cli->config, setting);
    *text = RAC_STR_NULL;
    if (name->n == 0)
        return RAC_EXIT_OK;
    rac_err e =
        rac_cli_read(cli, rac_arena_cstr(cli->a, *name), FILE_BYTES_MAX, cli->a, text, &why);
    return e == RAC_OK ? RAC_EXIT_OK
                       : rac_cli_fail(cli, rac_cli_status_of(e), "setting %s: %.*s",
                                      rac_config_info(setting).key, RAC_FMT(why));
}

static int read_issuers(struct rac_cli *cli)
{
    rac_str why;
    if (rac_access_issuers_read(rac_config_str(cli->config, RAC_CONF_WORKFLOW_ISSUERS), cli->a,
                                &why) == RAC_OK)
        return RAC_EXIT_OK;
    return rac_cli_fail(cli, RAC_EXIT_USAGE, "setting workflow.issuers: %.*s", RAC_FMT(why));
}

int rac_cli_deployment(struct rac_cli *cli)
{
    rac_str name, text;
    struct rac_diags d;
    rac_diags_init(&d, cli->a, 100);
    int status = read_issuers(cli);
    if (status == RAC_EXIT_OK)
        status = read_named(cli, RAC_CONF_VARIABLES_FILE, &name, &text);
    if (status != RAC_EXIT_OK)
        return status;
    rac_err e = rac_variables_read(text, name, cli->environment, cli->a, &d);
    rac_cli_diags(cli, name, &d);
    if (e != RAC_OK)
        return RAC_EXIT_USAGE;
    status = read_named(cli, RAC_CONF_PROVIDERS_FILE, &name, &text);
    if (status != RAC_EXIT_OK || text.p == NULL)
        return status;
    rac_diags_init(&d, cli->a, 100);
    e = rac_providers_read(text, name, cli->a, &d);
    rac_cli_diags(cli, name, &d);
    return e == RAC_OK ? RAC_EXIT_OK : RAC_EXIT_USAGE;
}
