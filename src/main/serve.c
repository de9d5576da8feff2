/* raccord serve: the server in the foreground. */
#include "cli/output.h"
#include "main/commands.h"
#include "main/server.h"

static const struct rac_option options[] = {
    {"data", 'd', "DIR", "data directory (default ./raccord-data); created at the first start"},
    {"listen", 'l', "HOST:PORT",
     "address to listen on (default 127.0.0.1:8080); port 0: a free one"},
    {NULL, 0, NULL, NULL},
};

static int run(struct rac_cli *cli)
{
    struct rac_server *s;
    struct rac_server_options o = {.data = rac_cli_opt(cli, "data"),
                                   .listen = rac_cli_opt(cli, "listen")};
    if (cli->args_n > 0)
        return rac_cli_usage(cli, "unexpected argument: %s", cli->args[0]);
    if (o.data == NULL)
        o.data = "raccord-data";
    int status = rac_server_start(cli, &o, &s);
    if (status != RAC_EXIT_OK)
        return status;
    if (cli->format == RAC_FORMAT_JSON) {
        struct rac_json v = rac_json_new_object(cli->a);
        RAC_JSON_PUT_STR(cli->a, &v, "url", rac_server_url(s));
        RAC_JSON_PUT_STR(cli->a, &v, "data", rac_server_data(s));
        rac_cli_print_json_line(cli, &v);
    } else {
        fprintf(cli->out, "ready url=%.*s data=%.*s\n", RAC_FMT(rac_server_url(s)),
                RAC_FMT(rac_server_data(s)));
    }
    fflush(cli->out);
    rac_server_wait(s);
    rac_server_stop(s);
    return RAC_EXIT_OK;
}

const struct rac_command rac_command_serve = {
    .words = "serve",
    .synopsis = "[--data DIR] [--listen HOST:PORT]",
    .summary = "Run the server: management API, gateway, callbacks",
    .details =
        "Prints one line on standard output once it is ready, and goes on in the foreground:\n"
        "    ready url=http://127.0.0.1:8080 data=DIR\n"
        "The first start writes an administrator's token to DIR/admin.token. SIGTERM or Ctrl-C\n"
        "stops it: what is in flight gets ten seconds to finish.\n",
    .options = options,
    .run = run,
};
