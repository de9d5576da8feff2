/* A client and the fetches it has in flight, whichever way they go; see client_priv.h. */
#include "http/client.h"
#include "base/env.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/str.h"
#include "http/client_priv.h"

enum { POOL_MAX = 512 /* idle fetches kept, most with an easy handle */ };

/* ---- lists ---- */

static void list_del(struct rac_fetch *f)
{
    *f->link = f->next;
    if (f->next != NULL)
        f->next->link = f->link;
    f->link = NULL;
    f->next = NULL;
}

static void list_put(struct rac_fetch **head, struct rac_fetch *f)
{
    f->next = *head;
    f->link = head;
    if (f->next != NULL)
        f->next->link = &f->next;
    *head = f;
}

void rac_http_client_soon(struct rac_http_client *c)
{
    rac_loop_soon(c->loop, &c->task);
}

void rac_fetch_todo(struct rac_fetch *f)
{
    struct rac_http_client *c = f->client;
    if (!f->todo) {
        f->todo = true;
        f->todo_next = NULL;
        *c->todo_end = f;
        c->todo_end = &f->todo_next;
    }
    rac_http_client_soon(c);
}

static void todo_forget(struct rac_fetch *f)
{
    if (!f->todo)
        return;
    struct rac_http_client *c = f->client;
    struct rac_fetch **at = &c->todo;
    while (*at != f)
        at = &(*at)->todo_next;
    *at = f->todo_next;
    if (c->todo_end == &f->todo_next)
        c->todo_end = at;
    f->todo = false;
}

/* ---- life of a fetch ---- */

static struct rac_fetch *fetch_take(struct rac_http_client *c)
{
    struct rac_fetch *f = c->pool;
    if (f != NULL) {
        list_del(f);
        c->pool_n--;
        memset(f, 0, offsetof(struct rac_fetch, easy));
        f->error[0] = '\0';
    } else {
        f = rac_mem_alloc(sizeof *f);
    }
    f->magic = RAC_FETCH_MAGIC;
    f->client = c;
    list_put(&c->active, f);
    c->active_n++;
    return f;
}

static void fetch_free(struct rac_fetch *f)
{
    if (f->easy != NULL)
        curl_easy_cleanup(f->easy);
    f->magic = 0;
    rac_mem_free(f);
}

/* Back to the pool; nobody has it any more. */
static void fetch_release(struct rac_fetch *f)
{
    struct rac_http_client *c = f->client;
    todo_forget(f);
    f->worn |= f->res.err != RAC_OK || !f->head_done; /* cut off: nobody looked */
    rac_fetch_curl_forget(f);
    rac_deadline_cancel(&f->deadline);
    rac_buf_fini(&f->collected);
    rac_buf_fini(&f->in_head);
    rac_buf_fini(&f->held);
    rac_inflate_free(f->inflate);
    f->inflate = NULL;
    list_del(f);
    c->active_n--;
    if (c->pool_n >= POOL_MAX) {
        fetch_free(f);
        return;
    }
    f->state = FETCH_POOLED;
    list_put(&c->pool, f);
    c->pool_n++;
}

void rac_fetch_finish(struct rac_fetch *f)
{
    struct rac_fetch_res res = f->res;
    struct rac_fetch_events ev = f->ev;
    if (res.err != RAC_OK)
        rac_metric_add(RAC_METRIC_FETCH_ERRORS, 1);
    rac_metric_observe_ns(RAC_METRIC_FETCH_SECONDS, res.total_ns);
    fetch_release(f);
    ev.done(ev.arg, &res);
}

/* Takes f from whoever has it. */
static void fetch_drop(struct rac_fetch *f)
{
    rac_fetch_curl_remove(f);
    rac_fetch_direct_drop(f);
}

static void on_refused(void *arg)
{
    rac_fetch_finish(rac_fetch_of(arg));
}

static bool is_connected(struct rac_fetch *f)
{
    return f->direct ? f->state == FETCH_DIRECT
                     : f->state == FETCH_RUNNING && rac_fetch_curl_connected(f);
}

static void on_late(void *arg)
{
    struct rac_fetch *f = rac_fetch_of(arg);
    struct rac_http_client *c = f->client;
    RAC_ASSERT(!c->in_curl && f->state != FETCH_OVER);
    if (f->connecting && is_connected(f)) {
        f->connecting = false;
        int64_t gone = (int64_t)(rac_loop_now_ms(c->loop) - f->started_ms);
        if (gone < f->timeout_ms) {
            rac_deadline_arm(c->loop, &f->deadline, f->timeout_ms - gone);
            return;
        }
    }
    rac_fetch_fail_late(f, f->connecting);
    f->res.total_ns = rac_env_mono_ns(&rac_env_system) - f->started_ns;
    fetch_drop(f);
    rac_fetch_finish(f);
}

/* ---- the fetcher ---- */

static struct rac_fetch *start(void *self, const struct rac_fetch_req *req, struct rac_arena *a,
                               const struct rac_fetch_events *ev)
{
    struct rac_http_client *c = rac_http_client_of(self);
    struct rac_fetch *f = fetch_take(c);
    f->a = a;
    f->ev = *ev;
    f->state = FETCH_QUEUED;
    f->started_ms = rac_loop_now_ms(c->loop);
    f->started_ns = rac_env_mono_ns(&rac_env_system);
    f->timeout_ms = req->timeout_ms > 0 ? req->timeout_ms : c->o.timeout_ms;
    f->connect_timeout_ms =
        req->connect_timeout_ms > 0 ? req->connect_timeout_ms : c->o.connect_timeout_ms;
    f->bytes_max = req->response_bytes_max ? req->response_bytes_max : c->o.response_bytes_max;
    f->connecting = f->connect_timeout_ms < f->timeout_ms;
    f->keep_encoded = req->keep_encoded;
    rac_buf_init(&f->collected, f->bytes_max < SIZE_MAX / 2 ? f->bytes_max + 1 : f->bytes_max);
    rac_metric_add(RAC_METRIC_FETCHES, 1);
    bool fine = rac_fetch_check(f, req);
    f->direct = fine && rac_fetch_direct_set_up(f, req);
    if (!fine || (!f->direct && !rac_fetch_curl_set_up(f, req))) {
        rac_deadline_init(&f->deadline, on_refused, f); /* told on the next turn */
        rac_deadline_arm(c->loop, &f->deadline, 0);
        return f;
    }
    rac_deadline_init(&f->deadline, on_late, f);
    rac_deadline_arm(c->loop, &f->deadline, f->connecting ? f->connect_timeout_ms : f->timeout_ms);
    rac_fetch_todo(f);
    return f;
}

static void resume(void *self RAC_UNUSED, struct rac_fetch *f)
{
    RAC_ASSERT(f->magic == RAC_FETCH_MAGIC);
    f->resume = true;
    rac_fetch_todo(f);
}

static void cancel(void *self, struct rac_fetch *f)
{
    struct rac_http_client *c = rac_http_client_of(self);
    RAC_ASSERT(f->magic == RAC_FETCH_MAGIC && f->state != FETCH_POOLED && f->state != FETCH_OVER);
    rac_deadline_cancel(&f->deadline);
    if (c->calling == f) { /* from a callback of its own: whoever calls is told to stop */
        f->state = FETCH_OVER;
        rac_fetch_todo(f);
        return;
    }
    RAC_ASSERT(!c->in_curl);
    fetch_drop(f);
    fetch_release(f);
}

/* ---- the task: everything that may not happen inside curl ---- */

static void todo_one(struct rac_fetch *f)
{
    switch (f->state) {
    case FETCH_QUEUED:
        if (f->direct)
            rac_fetch_direct_begin(f);
        else
            rac_fetch_curl_begin(f);
        break;
    case FETCH_OVER: /* cancelled from a callback */
        fetch_drop(f);
        fetch_release(f);
        break;
    case FETCH_RUNNING:
    case FETCH_DIRECT:
        if (!f->resume)
            break;
        f->resume = false;
        if (f->direct)
            rac_fetch_direct_resume(f);
        else
            rac_fetch_curl_resume(f);
        break;
    case FETCH_POOLED:
    case FETCH_WAITING:
    case FETCH_CONNECTING:
        break;
    }
}

static void on_task(void *arg)
{
    struct rac_http_client *c = rac_http_client_of(arg);
    while (c->todo != NULL) {
        struct rac_fetch *f = c->todo;
        todo_forget(f);
        todo_one(f);
    }
    if (c->expired) {
        c->expired = false;
        rac_http_curl_action(c, CURL_SOCKET_TIMEOUT, 0);
    }
    rac_http_curl_collect(c);
    if (c->todo != NULL || c->expired)
        rac_http_client_soon(c);
}

static void on_timer(void *arg)
{
    struct rac_http_client *c = rac_http_client_of(arg);
    c->expired = true;
    rac_http_client_soon(c);
}

/* ---- client ---- */

static void *curl_malloc(size_t n)
{
    return rac_mem_block_alloc(n);
}

static void *curl_calloc(size_t n, size_t size)
{
    size_t bytes;
    RAC_ASSERT(rac_size_mul(n, size, &bytes));
    return memset(rac_mem_block_alloc(bytes), 0, bytes);
}

static char *curl_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(rac_mem_block_alloc(n), s, n);
}

/* curl allocates a hundred times for every request (see base/mem.h), for headers and bodies with
 * credentials in them as well. */
static void global_init(void)
{
    RAC_ASSERT(curl_global_init_mem(CURL_GLOBAL_ALL, curl_malloc, rac_mem_block_free_wiping,
                                    rac_mem_block_realloc_wiping, curl_strdup,
                                    curl_calloc) == CURLE_OK);
}

static void options_copy(struct rac_http_client *c, const struct rac_http_client_options *o)
{
    c->o = *o;
    c->guard = o->guard;
    c->ca_file = o->ca_file.n > 0 ? rac_arena_cstr(&c->a, o->ca_file) : NULL;
    c->proxy = o->proxy.n > 0 ? rac_arena_cstr(&c->a, o->proxy) : NULL;
    c->o.no_proxy = rac_arena_str(&c->a, o->no_proxy);
    c->o.user_agent = rac_arena_str(&c->a, o->user_agent);
    if (o->resolve != NULL)
        c->resolve = curl_slist_append(NULL, o->resolve);
#define DEFAULT(field, value)                                                                      \
    if (c->o.field == 0)                                                                           \
    c->o.field = (value)
    DEFAULT(connections_max, 512);
    DEFAULT(connect_timeout_ms, 10 * 1000);
    DEFAULT(timeout_ms, 120 * 1000);
    DEFAULT(response_bytes_max, 100 * 1000 * 1000);
    DEFAULT(response_head_bytes_max, 64 * 1024);
#undef DEFAULT
}

rac_err rac_http_client_new(struct rac_loop *loop, const struct rac_http_client_options *o,
                            struct rac_http_client **out)
{
    static uv_once_t once = UV_ONCE_INIT;
    uv_once(&once, global_init);
    struct rac_http_client *c = rac_mem_alloc(sizeof *c);
    c->magic = RAC_HTTP_CLIENT_MAGIC;
    c->loop = loop;
    rac_arena_init(&c->a, 1 << 20);
    options_copy(c, o);
    c->multi = curl_multi_init();
    RAC_ASSERT(c->multi != NULL);
    c->todo_end = &c->todo;
    c->task.fn = on_task;
    c->task.arg = c;
    rac_deadline_init(&c->timer, on_timer, c);
    rac_http_socks_setup(c);
    rac_http_direct_setup(c);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)c->o.connections_max);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)c->o.connections_max);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)c->o.connections_per_host_max);
    *out = c;
    return RAC_OK;
}

void rac_http_client_free(struct rac_http_client *c)
{
    if (c == NULL)
        return;
    RAC_ASSERT(!c->in_curl && c->calling == NULL);
    while (c->active != NULL) {
        struct rac_fetch *f = c->active;
        fetch_drop(f);
        fetch_release(f);
    }
    rac_http_direct_close_all(c);
    while (c->pool != NULL) {
        struct rac_fetch *f = c->pool;
        list_del(f);
        fetch_free(f);
    }
    curl_multi_cleanup(c->multi);
    rac_deadline_cancel(&c->timer);
    rac_loop_soon_cancel(c->loop, &c->task);
    for (size_t i = 0; i < c->socks_n; i++)
        if (c->socks[i] != NULL)
            rac_http_sock_drop(c->socks[i]);
    rac_mem_free(c->socks);
    curl_slist_free_all(c->resolve);
    rac_arena_fini(&c->a);
    c->magic = 0;
    rac_mem_free(c);
}

struct rac_fetcher rac_http_client_fetcher(struct rac_http_client *c)
{
    return (struct rac_fetcher){start, resume, cancel, c};
}

size_t rac_http_client_active(const struct rac_http_client *c)
{
    return c->active_n;
}

/* ---- blocking, for commands ---- */

struct blocking {
    struct rac_fetch_res *res;
    bool done;
};

static void on_blocking_done(void *arg, const struct rac_fetch_res *res)
{
    struct blocking *b = arg;
    *b->res = *res;
    b->done = true;
}

void rac_http_fetch_blocking(const struct rac_http_client_options *o,
                             const struct rac_fetch_req *req, struct rac_arena *a,
                             struct rac_fetch_res *res)
{
    struct rac_loop *loop = rac_loop_new();
    struct rac_http_client *c = NULL;
    struct blocking b = {.res = res};
    *res = (struct rac_fetch_res){.err = RAC_E_INTERNAL};
    res->err = rac_http_client_new(loop, o, &c);
    if (res->err == RAC_OK) {
        struct rac_fetch_events ev = {.done = on_blocking_done, .arg = &b};
        start(c, req, a, &ev);
        RAC_ASSERT(rac_loop_run_until(loop, &b.done));
        rac_http_client_free(c);
    }
    rac_loop_free(loop);
}
