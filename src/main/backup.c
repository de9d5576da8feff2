/*
 * raccord backup: a consistent copy of a data directory's database, also while a server uses it.
 */
#include "base/str.h"
#include "cli/output.h"
#include "main/commands.h"
#include "main/stream.h"
#include "store/store.h"

#include <sys/stat.h>

static const struct rac_option options[] = {
    {"data", 'd', "DIR", "data directory (default: ./raccord-data)"},
    {"output", 'o', "FILE", "where the backup goes; must not exist; - is standard output"},
    {0},
};

static void print_result(struct rac_cli *cli, const char *file, int64_t bytes, rac_str key)
{
    struct rac_arena *a = cli->a;
    if (cli->format == RAC_FORMAT_JSON) {
        struct rac_json out = rac_json_new_object(a), left = rac_json_new_array(a);
        RAC_JSON_PUT_STR(a, &out, "file", rac_str_of(file));
        RAC_JSON_PUT(a, &out, "bytes", rac_json_of_int(bytes));
        rac_json_add(a, &left, rac_json_of_str(key));
        rac_json_add(a, &left, rac_json_of_str(RAC_S("raccord.conf")));
        RAC_JSON_PUT(a, &out, "leftOut", left);
        rac_cli_print_json(cli, &out);
        return;
    }
    fprintf(cli->out, "%s: %lld bytes\n", file, (long long)bytes);
    fprintf(cli->err,
            "The master key (%.*s) is not in it: keep a copy of that file in another place.\n"
            "Without it the secrets in this backup cannot be opened. Settings (raccord.conf) are\n"
            "not in it either.\n",
            RAC_FMT(key));
}

/* "-": the file is made where temporary files go, then passed on. A backup is built at random
 * places of its file, so it cannot go into a pipe directly. */
static int to_stdout(struct rac_cli *cli, const char *dir)
{
    rac_str temp, why = RAC_STR_NULL;
    if (!rac_temp_dir(cli, &temp))
        return rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "no temporary directory");
    rac_str file = rac_arena_printf(cli->a, "%.*s/backup", RAC_FMT(temp));
    rac_err e = rac_store_backup(rac_str_of(dir), file, cli->a, &why);
    FILE *in = e == RAC_OK ? fopen(file.p, "rb") : NULL;
    bool ok = in != NULL && rac_copy_stream(in, cli->out);
    if (in != NULL)
        fclose(in);
    unlink(file.p);
    rmdir(temp.p);
    if (e != RAC_OK)
        return rac_cli_fail(cli, rac_cli_status_of(e), "%.*s", RAC_FMT(why));
    return ok ? RAC_EXIT_OK
              : rac_cli_fail(cli, RAC_EXIT_UNREACHABLE, "the backup could not be written");
}

static int run(struct rac_cli *cli)
{
    const char *dir = rac_cli_opt(cli, "data"), *file = rac_cli_opt(cli, "output");
    if (cli->args_n != 0 || file == NULL)
        return rac_cli_usage(cli, "a backup needs --data DIR and -o FILE");
    if (dir == NULL)
        dir = "raccord-data";
    if (strcmp(file, "-") == 0)
        return cli->format == RAC_FORMAT_JSON
                   ? rac_cli_usage(cli, "-o - and --format json both want standard output")
                   : to_stdout(cli, dir);
    int status = rac_cli_data_config(cli, dir); /* it may name the key's file */
    if (status != RAC_EXIT_OK)
        return status;
    rac_str why = RAC_STR_NULL, key = rac_config_str(cli->config, RAC_CONF_KEY_FILE);
    if (key.n == 0)
        key = rac_arena_printf(cli->a, "%s/master.key", dir);
    rac_err e = rac_store_backup(rac_str_of(dir), rac_str_of(file), cli->a, &why);
    if (e != RAC_OK)
        return rac_cli_fail(cli, rac_cli_status_of(e), "%.*s", RAC_FMT(why));
    struct stat st;
    print_result(cli, file, stat(file, &st) == 0 ? (int64_t)st.st_size : 0, key);
    return RAC_EXIT_OK;
}

const struct rac_command rac_command_backup = {
    .words = "backup",
    .synopsis = "--data DIR -o FILE",
    .summary = "Copy a data directory's database while it is in use",
    .details =
        "Writes one file that holds connectors, connections, users, tokens and the audit log as\n"
        "they are at one moment. The server may go on. The master key and raccord.conf are left\n"
        "out: secrets in the backup stay sealed, and cannot be opened without that key.\n"
        "\n"
        "  raccord backup --data /var/lib/raccord -o raccord-2026-11-23.db\n",
    .options = options,
    .run = run,
};
