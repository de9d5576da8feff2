/*
 * server - a whole Raccord server inside this process: store, workers, listener, first token.
 * `raccord serve` runs one until a signal; `raccord demo` runs one and talks to it. Main thread.
 *
 *     struct rac_server *s;
 *     int status = rac_server_start(cli, &options, &s);    prints why when it is not OK
 *     rac_server_wait(s);                                   until SIGTERM or SIGINT
 *     rac_server_stop(s);                                   finishes what is in flight, frees
 */
#ifndef RAC_MAIN_SERVER_H
#define RAC_MAIN_SERVER_H

#include "api/service.h"
#include "cli/command.h"

struct rac_server;

struct rac_server_options {
    const char *data;   /* data directory, created when it is not there */
    const char *listen; /* "HOST:PORT"; NULL: setting listen */
    bool any_port;      /* another port where that of the setting is taken, with a note */
    const char *allow;  /* networks allowed besides egress.allow, or NULL */
    unsigned workers;   /* 0: setting workers */
    bool (*extra)(void *arg, struct rac_api_worker *w, struct rac_http_exchange *x);
    void *extra_arg;
};

/* RAC_EXIT_OK, or the exit status of a command that could not start, said on stderr. */
int rac_server_start(struct rac_cli *cli, const struct rac_server_options *o,
                     struct rac_server **out);
rac_str rac_server_url(const struct rac_server *s);  /* "http://127.0.0.1:8080" */
rac_str rac_server_data(const struct rac_server *s); /* absolute */
/* The administrator's token of the first start, read from its file; absent: revoked by now. */
rac_str rac_server_admin_token(struct rac_server *s, struct rac_arena *a);
void rac_server_wait(struct rac_server *s);
void rac_server_stop(struct rac_server *s);

#endif
