#include "net.h"

struct rac_arena net_arena;

int net_setup(void **state RAC_UNUSED)
{
    rac_arena_init(&net_arena, (size_t)1 << 30);
    return 0;
}

int net_teardown(void **state RAC_UNUSED)
{
    rac_arena_fini(&net_arena);
    return 0;
}

struct rac_http_guard net_loopback(void)
{
    struct rac_http_guard g = {0};
    rac_str error;
    assert_int_equal(rac_http_guard_parse(RAC_S("127.0.0.0/8,::1"), &net_arena, &g, &error),
                     RAC_OK);
    return g;
}

void net_open(struct net *n, struct rac_http_client_options o)
{
    n->loop = rac_loop_new();
    n->guard = net_loopback();
    if (o.guard == NULL)
        o.guard = &n->guard;
    assert_int_equal(rac_http_client_new(n->loop, &o, &n->client), RAC_OK);
    n->f = rac_http_client_fetcher(n->client);
}

void net_close(struct net *n)
{
    rac_http_client_free(n->client);
    rac_loop_free(n->loop);
}

void net_done(void *arg, const struct rac_fetch_res *res)
{
    struct wait *w = arg;
    w->res = *res;
    w->done = true;
    w->done_n++;
}

struct rac_fetch *net_begin(struct net *n, const struct rac_fetch_req *req, struct wait *w)
{
    struct rac_fetch_events ev = {.done = net_done, .arg = w};
    *w = (struct wait){0};
    struct rac_fetch *f = n->f.start(n->f.self, req, &net_arena, &ev);
    assert_false(w->done); /* never from inside */
    return f;
}

struct rac_fetch_res net_await(struct net *n, struct wait *w)
{
    assert_true(rac_loop_run_until(n->loop, &w->done));
    assert_int_equal(w->done_n, 1);
    return w->res;
}

struct rac_fetch_res net_fetch(struct net *n, const struct rac_fetch_req *req)
{
    struct wait w;
    net_begin(n, req, &w);
    return net_await(n, &w);
}

rac_str net_url(uint16_t port, const char *path)
{
    return rac_arena_printf(&net_arena, "http://127.0.0.1:%u%s", port, path);
}

struct rac_fetch_res net_get(struct net *n, uint16_t port, const char *path)
{
    return net_fetch(n,
                     &(struct rac_fetch_req){.method = RAC_S("GET"), .url = net_url(port, path)});
}

void net_fails(struct rac_fetch_res r, rac_err err, const char *part)
{
    if (r.err != err || rac_str_find(r.error, rac_str_of(part)) == RAC_STR_NPOS)
        fail_msg("%s \"%.*s\" instead of %s with \"%s\"", rac_err_name(r.err), RAC_FMT(r.error),
                 rac_err_name(err), part);
}
