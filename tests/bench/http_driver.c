/*
 * The cost floor of the HTTP rooms: a server without a product behind it.
 *     http_driver PORT WORKERS [BACKEND_URL]
 * GET /healthz answers a constant; anything else is fetched from BACKEND_URL and passed on.
 */
#include "base/arena.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/client.h"
#include "http/server.h"
#include "loop/worker.h"

struct driver {
    uint16_t port;
    const char *backend;
};

struct worker {
    struct driver *driver;
    struct rac_loop *loop;
    struct rac_http_server *server;
    struct rac_http_client *client;
    struct rac_fetcher fetcher;
    struct rac_http_fixed *ok;
};

struct passing {
    struct rac_http_exchange *x;
    struct worker *w;
    struct rac_fetch *fetch;
};

static void on_closed(void *arg, bool replied RAC_UNUSED)
{
    struct passing *p = arg;
    if (p->fetch != NULL)
        p->w->fetcher.cancel(p->w->fetcher.self, p->fetch);
}

static void on_answer(void *arg, const struct rac_fetch_res *res)
{
    struct passing *p = arg;
    p->fetch = NULL;
    if (res->err != RAC_OK)
        rac_http_reply_text(p->x, 502, "text/plain", res->error);
    else
        rac_http_reply(p->x, res->status, &res->headers, res->body);
}

static void on_body(void *arg, struct rac_http_exchange *x, rac_err err, rac_str body)
{
    struct worker *w = arg;
    if (err != RAC_OK) {
        rac_http_reply_text(x, 413, "text/plain", RAC_S("too large\n"));
        return;
    }
    struct passing *p = RAC_NEW(x->arena, struct passing);
    *p = (struct passing){x, w, NULL};
    rac_http_on_closed(x, on_closed, p);
    const struct rac_fetch_req req = {
        .method = x->method,
        .url = rac_str_concat(x->arena, rac_str_of(w->driver->backend), x->path),
        .headers = &(struct rac_headers){0},
        .body = x->has_body ? body : RAC_STR_NULL,
    };
    const struct rac_fetch_events ev = {.done = on_answer, .arg = p};
    p->fetch = w->fetcher.start(w->fetcher.self, &req, x->arena, &ev);
}

static void handle(void *arg, struct rac_http_exchange *x)
{
    struct worker *w = arg;
    if (rac_str_eq(x->path, RAC_S("/healthz")))
        rac_http_reply_fixed(x, w->ok);
    else if (w->driver->backend == NULL)
        rac_http_reply_text(x, 404, "text/plain", RAC_S("no backend\n"));
    else
        rac_http_read_body(x, 1 << 20, on_body, w);
}

static rac_err start(void *arg, struct rac_loop *loop, unsigned index RAC_UNUSED, void **state)
{
    struct driver *d = arg;
    static struct rac_cidr loopback;
    static struct rac_http_guard guard = {&loopback, 1};
    rac_cidr_parse(RAC_S("127.0.0.0/8"), &loopback);
    struct worker *w = rac_mem_alloc(sizeof *w);
    struct rac_arena a;
    rac_arena_init(&a, 1 << 16);
    rac_str error = RAC_STR_NULL;
    w->driver = d;
    w->loop = loop;
    w->ok = rac_http_fixed_new(200, "text/plain", RAC_S("ok\n"));
    const struct rac_http_client_options co = {.guard = &guard};
    rac_err e = rac_http_client_new(loop, &co, &w->client);
    if (e == RAC_OK) {
        w->fetcher = rac_http_client_fetcher(w->client);
        e = rac_http_server_start(
            loop,
            &(struct rac_http_server_options){
                .port = d->port, .reuse_port = true, .handle = handle, .arg = w},
            &a, &w->server, &error);
    }
    if (e != RAC_OK)
        fprintf(stderr, "%.*s\n", RAC_FMT(error));
    else
        d->port = rac_http_server_port(w->server);
    rac_arena_fini(&a);
    *state = w;
    return e;
}

static void on_server_stopped(void *arg)
{
    rac_loop_stop(arg);
}

static void stop(void *state, struct rac_loop *loop)
{
    rac_http_server_stop(((struct worker *)state)->server, 2000, on_server_stopped, loop);
}

static void fini(void *state, struct rac_loop *loop RAC_UNUSED)
{
    struct worker *w = state;
    rac_http_server_free(w->server);
    rac_http_client_free(w->client);
    rac_http_fixed_free(w->ok);
    rac_mem_free(w);
}

static void on_signal(void *arg, int signum RAC_UNUSED)
{
    rac_loop_stop(arg);
}

int main(int argc, char **argv)
{
    uint64_t port = 0, n = 1;
    if (argc < 3 || !rac_str_to_u64(rac_str_of(argv[1]), &port) ||
        !rac_str_to_u64(rac_str_of(argv[2]), &n) || n == 0 || n > 64)
        return 2;
    struct driver d = {(uint16_t)port, argc > 3 ? argv[3] : NULL};
    struct rac_loop *loop = rac_loop_new();
    rac_loop_on_stop_signal(loop, on_signal, loop);
    const struct rac_worker_hooks hooks = {start, stop, fini, &d};
    struct rac_workers *w = NULL;
    if (rac_workers_start((unsigned)n, &hooks, &w) != RAC_OK)
        return 1;
    printf("ready http://127.0.0.1:%u\n", d.port);
    fflush(stdout);
    rac_loop_run(loop);
    rac_workers_stop(w);
    rac_workers_join(w);
    rac_loop_free(loop);
    return 0;
}
