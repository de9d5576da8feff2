/* raccord config, raccord version. */
#include "cli/command.h"
#include "cli/deployment.h"
#include "cli/output.h"

static const struct rac_option config_options[] = {
    {"explain", 0, NULL, "every setting with its meaning, default and range"},
    {"data", 0, "DIR", "read DIR/raccord.conf as well"},
    {NULL, 0, NULL, NULL},
};

int rac_cli_data_config(struct rac_cli *cli, const char *dir)
{
    rac_str path = rac_arena_printf(cli->a, "%s/raccord.conf", dir), bytes, why;
    rac_err e = rac_cli_read(cli, path.p, 1 << 20, cli->a, &bytes, &why);
    if (e == RAC_E_NOT_FOUND)
        return RAC_EXIT_OK;
    if (e != RAC_OK)
        return rac_cli_fail(cli, rac_cli_status_of(e), "%.*s", RAC_FMT(why));
    struct rac_config merged;
    struct rac_diags d;
    rac_diags_init(&d, cli->a, 100);
    rac_config_init(&merged, cli->a);
    e = rac_config_read_file(&merged, bytes, RAC_STR_NULL, &d);
    rac_cli_diags(cli, path, &d);
    for (int k = 0; k < RAC_CONF_N; k++) /* the file is the weakest source after the defaults */
        if (strcmp(cli->config->v[k].from, "default") == 0)
            cli->config->v[k] = merged.v[k];
    return e == RAC_OK ? rac_cli_deployment(cli) : RAC_EXIT_USAGE;
}

static void explain(struct rac_cli *cli, const struct rac_conf_info *i)
{
    fprintf(cli->out, "%s (%s, default %s%s%s)\n    %s\n", i->key, i->kind,
            i->value[0] ? i->value : "empty", strcmp(i->reload, "LIVE") == 0 ? "" : ", at start",
            "", i->text);
}

static int run_config(struct rac_cli *cli)
{
    const char *dir = rac_cli_opt(cli, "data");
    if (cli->args_n > 1)
        return rac_cli_usage(cli, "unexpected argument: %s", cli->args[1]);
    int status = dir == NULL ? RAC_EXIT_OK : rac_cli_data_config(cli, dir);
    if (status != RAC_EXIT_OK)
        return status;
    bool only_key = cli->args_n > 0, found = !only_key;
    struct rac_json all = rac_json_new_object(cli->a);
    for (int k = 0; k < RAC_CONF_N; k++) {
        struct rac_conf_info i = rac_config_info((enum rac_conf)k);
        if (only_key && strcmp(cli->args[0], i.key) != 0)
            continue;
        found = true;
        rac_str value = cli->config->v[k].text;
        if (cli->format == RAC_FORMAT_JSON) {
            struct rac_json o = rac_json_new_object(cli->a);
            RAC_JSON_PUT_STR(cli->a, &o, "value", value);
            RAC_JSON_PUT_STR(cli->a, &o, "from", rac_str_of(cli->config->v[k].from));
            RAC_JSON_PUT_STR(cli->a, &o, "default", rac_str_of(i.value));
            RAC_JSON_PUT_STR(cli->a, &o, "description", rac_str_of(i.text));
            rac_json_put(cli->a, &all, rac_str_of(i.key), o);
        } else if (rac_cli_has(cli, "explain")) {
            explain(cli, &i);
        } else {
            fprintf(cli->out, "%s = %.*s  # %s\n", i.key, RAC_FMT(value), cli->config->v[k].from);
        }
    }
    if (!found) {
        struct rac_diags d;
        rac_diags_init(&d, cli->a, 1);
        (void)!rac_config_set(cli->config, rac_str_of(cli->args[0]), RAC_S(""), "", &d);
        rac_cli_diags(cli, RAC_S("settings"), &d); /* with the nearest there is */
        return RAC_EXIT_USAGE;
    }
    if (cli->format == RAC_FORMAT_JSON)
        rac_cli_print_json(cli, &all);
    return RAC_EXIT_OK;
}

const struct rac_command rac_command_config = {
    .words = "config",
    .synopsis = "[KEY] [--explain] [--data DIR]",
    .summary = "Show the settings in force and where each comes from",
    .details =
        "Settings come from DIR/raccord.conf (`key = value` lines), then RACCORD_<KEY> in the\n"
        "environment (egress.allow is RACCORD_EGRESS_ALLOW), then --set KEY=VALUE; the last wins.",
    .options = config_options,
    .run = run_config,
};

static int run_version(struct rac_cli *cli)
{
    if (cli->args_n > 0)
        return rac_cli_usage(cli, "unexpected argument: %s", cli->args[0]);
    if (cli->format == RAC_FORMAT_JSON) {
        struct rac_json o = rac_json_new_object(cli->a);
        RAC_JSON_PUT_STR(cli->a, &o, "version", RAC_S(RAC_VERSION));
        rac_cli_print_json(cli, &o);
    } else {
        fputs("raccord " RAC_VERSION "\n", cli->out);
    }
    return RAC_EXIT_OK;
}

static const struct rac_option no_options[] = {{NULL, 0, NULL, NULL}};

const struct rac_command rac_command_version = {
    .words = "version",
    .synopsis = "",
    .summary = "Print the version",
    .options = no_options,
    .run = run_version,
};
