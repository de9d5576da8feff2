/* raccord serve: the server in the foreground. */
#include "cli/output.h"
#include "main/commands.h"
#include "main/server.h"

#include <sys/socket.h>
#include <sys/un.h>

static const struct rac_option options[] = {
    {"data", 'd', "DIR", "data directory (default ./raccord-data); created at the first start"},
    {"listen", 'l', "HOST:PORT",
     "address to listen on (default 127.0.0.1:8080); port 0: a free one"},
    {NULL, 0, NULL, NULL},
};

/* Tells systemd, where it started us and waits to be told (Type=notify; sd_notify(3)). */
static void notify(const struct rac_cli *cli, const char *state)
{
    const char *path = rac_cli_env(cli, "NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = path != NULL ? strlen(path) : 0;
    if (n < 2 || n >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, n);
    if (path[0] == '@') /* of the abstract namespace */
        to.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
        rac_log(RAC_WARN, "systemd.not_told", RAC_F_CSTR("socket", path));
    close(fd);
}

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
    notify(cli, "READY=1");
    rac_server_wait(s);
    notify(cli, "STOPPING=1");
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
