/* net - a client on a loop of its own, fetches waited for. */
#ifndef RAC_TEST_HTTP_NET_H
#define RAC_TEST_HTTP_NET_H

#include "rig.h"

extern struct rac_arena net_arena; /* of the whole test program */
int net_setup(void **state);
int net_teardown(void **state);

struct rac_http_guard net_loopback(void);

struct net {
    struct rac_loop *loop;
    struct rac_http_client *client;
    struct rac_fetcher f;
    struct rac_http_guard guard;
};
void net_open(struct net *n, struct rac_http_client_options o); /* loopback allowed by default */
void net_close(struct net *n);

struct wait {
    struct rac_fetch_res res;
    bool done;
    int done_n;
};
void net_done(void *arg, const struct rac_fetch_res *res); /* arg: a struct wait */
struct rac_fetch *net_begin(struct net *n, const struct rac_fetch_req *req, struct wait *w);
struct rac_fetch_res net_await(struct net *n, struct wait *w);
struct rac_fetch_res net_fetch(struct net *n, const struct rac_fetch_req *req);
rac_str net_url(uint16_t port, const char *path);
struct rac_fetch_res net_get(struct net *n, uint16_t port, const char *path);
void net_fails(struct rac_fetch_res r, rac_err err, const char *part);

#endif
