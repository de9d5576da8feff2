/*
 * raccord key rotate: new keys for the secrets in a data directory.
 */
#include "base/str.h"
#include "cli/output.h"
#include "main/commands.h"
#include "store/store.h"

static const struct rac_option options[] = {
    {"data", 'd', "DIR", "data directory (default: ./raccord-data)"},
    {"master", 0, NULL, "a new master key as well; it replaces the file"},
    {0},
};

static int run(struct rac_cli *cli)
{
    const char *dir = rac_cli_opt(cli, "data");
    if (cli->args_n != 0)
        return rac_cli_usage(cli, "key rotate takes no arguments");
    if (dir == NULL)
        dir = "raccord-data";
    bool master = rac_cli_has(cli, "master");
    rac_str why = RAC_STR_NULL;
    int64_t n = 0;
    if (access(rac_arena_printf(cli->a, "%s/raccord.db", dir).p, F_OK) != 0)
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "%s is not a data directory", dir);
    int status = rac_cli_data_config(cli, dir); /* it may name the key's file */
    if (status != RAC_EXIT_OK)
        return status;
    const struct rac_store_options o = {.dir = rac_str_of(dir),
                                        .key_file = rac_config_str(cli->config, RAC_CONF_KEY_FILE),
                                        .env = cli->env};
    rac_err e = rac_store_rotate(&o, master, cli->a, &n, &why);
    if (e != RAC_OK)
        return rac_cli_fail(cli, rac_cli_status_of(e), "%.*s", RAC_FMT(why));
    if (cli->format == RAC_FORMAT_JSON) {
        struct rac_json out = rac_json_new_object(cli->a);
        RAC_JSON_PUT_STR(cli->a, &out, "data", rac_str_of(dir));
        RAC_JSON_PUT(cli->a, &out, "records", rac_json_of_int(n));
        RAC_JSON_PUT(cli->a, &out, "masterKeyReplaced", rac_json_of_bool(master));
        rac_cli_print_json(cli, &out);
        return RAC_EXIT_OK;
    }
    fprintf(cli->out, "%s: %lld secrets sealed under new keys\n", dir, (long long)n);
    if (master)
        fprintf(cli->err, "The master key was replaced: keep a copy of the new one. Backups made "
                          "before need the old one.\n");
    return RAC_EXIT_OK;
}

const struct rac_command rac_command_key_rotate = {
    .words = "key rotate",
    .synopsis = "--data DIR [--master]",
    .summary = "Seal all secrets of a data directory under new keys",
    .details = "Every tenant gets a new data key and every secret is sealed anew, all or nothing.\n"
               "With --master the master key is replaced too. Stop the server first.\n"
               "\n"
               "  raccord key rotate --data /var/lib/raccord --master\n",
    .options = options,
    .run = run,
};
