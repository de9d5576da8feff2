/*
 * raccord restore: a backup becomes the database of a new data directory.
 */
#include "base/str.h"
#include "cli/output.h"
#include "main/commands.h"
#include "main/stream.h"
#include "store/store.h"

static const struct rac_option options[] = {
    {"data", 'd', "DIR", "data directory to fill: empty or absent (default: ./raccord-data)"},
    {0},
};

/* "-": a backup is read at random places, so what comes through a pipe becomes a file first. */
static rac_err from_stdin(struct rac_cli *cli, const char *dir, rac_str *why)
{
    rac_str temp;
    *why = RAC_S("standard input could not be kept in a temporary file");
    if (!rac_temp_dir(cli, &temp))
        return RAC_E_IO;
    rac_str file = rac_arena_printf(cli->a, "%.*s/backup", RAC_FMT(temp));
    FILE *out = fopen(file.p, "wb");
    rac_err e = out != NULL && rac_copy_stream(stdin, out) ? RAC_OK : RAC_E_IO;
    if (out != NULL && fclose(out) != 0)
        e = RAC_E_IO;
    if (e == RAC_OK)
        e = rac_store_restore(file, rac_str_of(dir), cli->a, why);
    unlink(file.p);
    rmdir(temp.p);
    return e;
}

static int run(struct rac_cli *cli)
{
    const char *dir = rac_cli_opt(cli, "data");
    if (cli->args_n != 1)
        return rac_cli_usage(cli, "restore takes one backup file");
    if (dir == NULL)
        dir = "raccord-data";
    rac_str why = RAC_STR_NULL, key = rac_config_str(cli->config, RAC_CONF_KEY_FILE);
    rac_err e = strcmp(cli->args[0], "-") == 0
                    ? from_stdin(cli, dir, &why)
                    : rac_store_restore(rac_str_of(cli->args[0]), rac_str_of(dir), cli->a, &why);
    if (e != RAC_OK)
        return rac_cli_fail(cli, rac_cli_status_of(e), "%.*s", RAC_FMT(why));
    if (key.n == 0)
        key = rac_arena_printf(cli->a, "%s/master.key", dir);
    bool has_key = access(rac_arena_cstr(cli->a, key), R_OK) == 0;
    if (cli->format == RAC_FORMAT_JSON) {
        struct rac_json out = rac_json_new_object(cli->a);
        RAC_JSON_PUT_STR(cli->a, &out, "data", rac_str_of(dir));
        RAC_JSON_PUT_STR(cli->a, &out, "masterKey", key);
        RAC_JSON_PUT(cli->a, &out, "masterKeyPresent", rac_json_of_bool(has_key));
        rac_cli_print_json(cli, &out);
        return RAC_EXIT_OK;
    }
    fprintf(cli->out, "%s: restored\n", dir);
    if (!has_key)
        fprintf(cli->err,
                "Put the master key back as %.*s (mode 0600) before the first start; without it\n"
                "the server refuses to open the data.\n",
                RAC_FMT(key));
    return RAC_EXIT_OK;
}

const struct rac_command rac_command_restore = {
    .words = "restore",
    .synopsis = "FILE --data DIR",
    .summary = "Fill a new data directory from a backup",
    .details = "Checks the whole backup first, and refuses a directory that holds anything but a\n"
               "master key. The key is not part of a backup: put it back beside the data.\n"
               "\n"
               "  raccord restore raccord-2026-11-23.db --data /var/lib/raccord\n",
    .options = options,
    .run = run,
};
