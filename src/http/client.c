/*
 * One curl multi and a pool of easy handles per loop. Sockets stay registered with the loop from
 * the first request on a connection until it is closed, because taking them out and in again for
 * every request costs more than anything else here; an idle connection that becomes readable (the
 * server closed it) is taken out then. What curl wants done "now" runs once per turn of the loop,
 * as a task, so that many fetches share one pass.
 *
 * curl calls us from inside curl_multi_socket_action and may not be called back from there; so
 * starting, resuming and cancelling are queued, and done is called from the task that collects
 * finished transfers.
 */
#include "http/client.h"
#include "base/buf.h"
#include "base/env.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/str.h"
#include "loop/deadline.h"
#include "loop/worker.h"

#include <curl/curl.h>
#include <errno.h>
#include <sys/socket.h>
#include <uv.h>

enum {
    CLIENT_MAGIC = 0x434c4954,
    FETCH_MAGIC = 0x46455443,
    USES_MAX = 256,
    POOL_MAX = 512,             /* idle easy handles kept */
    EXACT_BODY_MAX = 64 * 1024, /* Content-Length trusted for an allocation up to here */
};

enum fetch_state {
    FETCH_POOLED,
    FETCH_QUEUED,  /* started, not yet with curl */
    FETCH_RUNNING, /* curl has it */
    FETCH_OVER     /* cancelled or finished, still with curl until the next task */
};

struct rac_fetch {
    uint32_t magic;
    struct rac_http_client *client;
    CURL *easy;
    struct rac_fetch *next, **link; /* on the pool or the list of those in flight */
    struct rac_fetch *todo_next;    /* to resume or to drop */
    bool todo;
    enum fetch_state state;

    struct rac_arena *a;
    struct rac_fetch_events ev;
    const struct rac_body_source *source;
    rac_str method, url;
    struct rac_deadline deadline;
    int64_t timeout_ms, connect_timeout_ms;
    uint64_t started_ms;
    size_t bytes_max;
    bool connecting; /* the deadline is that of connecting */
    bool via_proxy, is_head;
    bool cert_set;
    bool worn;     /* the easy handle must be reset before its next use, see handle_worn */
    unsigned uses; /* of the easy handle since then */

    struct rac_fetch_res res;
    size_t head_bytes;
    bool head_done, encoded;
    char *exact; /* body of known length, in a */
    size_t exact_n, exact_cap;
    struct rac_buf body;
    bool resume;           /* wanted */
    rac_err why;           /* our reason when curl reports that a callback stopped it */
    const char *denied_as; /* what the guard said */
    char denied_addr[64];
    char error[CURL_ERROR_SIZE];
};

struct sock {
    uv_poll_t poll;
    struct rac_http_client *client;
    int fd, events;
    bool ours; /* a connection (kept registered), not one of curl's internal sockets */
    bool idle; /* no transfer uses it */
};

struct rac_http_client {
    uint32_t magic;
    struct rac_loop *loop;
    CURLM *multi;
    const struct rac_http_guard *guard;
    struct rac_arena a; /* copied options */
    struct rac_http_client_options o;
    const char *proxy, *ca_file;
    struct curl_slist *resolve;
    struct sock **socks; /* by descriptor */
    size_t socks_n;
    struct rac_fetch *pool, *active; /* active: queued and running */
    struct rac_fetch *todo, **todo_end;
    size_t pool_n, active_n;
    struct rac_deadline timer; /* what curl asked for */
    struct rac_task task;
    bool in_curl, expired;
    struct rac_fetch *calling; /* whose callback is running inside curl */
};

static struct rac_http_client *client_of(void *arg)
{
    return RAC_CAST(arg, struct rac_http_client, CLIENT_MAGIC);
}

static struct rac_fetch *fetch_of(void *arg)
{
    return RAC_CAST(arg, struct rac_fetch, FETCH_MAGIC);
}

#define MUST(call) RAC_ASSERT((call) == CURLE_OK)

/* ---- sockets ---- */

static void on_sock_event(uv_poll_t *h, int status, int events);

static void on_sock_closed(uv_handle_t *h)
{
    rac_mem_free(h->data);
}

static void sock_watch(struct sock *s, int events)
{
    if (s->events == events)
        return;
    s->events = events;
    if (events == 0)
        uv_poll_stop(&s->poll);
    else
        RAC_ASSERT(uv_poll_start(&s->poll, events, on_sock_event) == 0);
}

static struct sock *sock_get(struct rac_http_client *c, int fd)
{
    return fd >= 0 && (size_t)fd < c->socks_n ? c->socks[fd] : NULL;
}

static struct sock *sock_new(struct rac_http_client *c, int fd, bool ours)
{
    if ((size_t)fd >= c->socks_n) {
        size_t n = c->socks_n ? c->socks_n : 64;
        while (n <= (size_t)fd)
            n *= 2;
        c->socks = rac_mem_realloc(c->socks, n * sizeof *c->socks);
        memset(c->socks + c->socks_n, 0, (n - c->socks_n) * sizeof *c->socks);
        c->socks_n = n;
    }
    struct sock *s = rac_mem_alloc(sizeof *s);
    s->client = c;
    s->fd = fd;
    s->ours = ours;
    RAC_ASSERT(uv_poll_init(rac_loop_uv(c->loop), &s->poll, fd) == 0);
    s->poll.data = s;
    c->socks[fd] = s;
    return s;
}

static void sock_drop(struct sock *s)
{
    s->client->socks[s->fd] = NULL;
    uv_poll_stop(&s->poll);
    uv_close((uv_handle_t *)&s->poll, on_sock_closed);
}

/* curl says which events of a socket it waits for now. */
static int on_curl_socket(CURL *easy RAC_UNUSED, curl_socket_t fd, int what, void *arg,
                          void *socketp RAC_UNUSED)
{
    struct rac_http_client *c = client_of(arg);
    struct sock *s = sock_get(c, fd);
    if (what == CURL_POLL_REMOVE) {
        if (s == NULL)
            return 0;
        if (!s->ours) {
            sock_drop(s);
            return 0;
        }
        s->idle = true;
        sock_watch(s, s->events & UV_READABLE);
        return 0;
    }
    if (s == NULL)
        s = sock_new(c, fd, false);
    s->idle = false;
    sock_watch(s,
               (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0));
    return 0;
}

static void tasks_soon(struct rac_http_client *c)
{
    rac_loop_soon(c->loop, &c->task);
}

static void action(struct rac_http_client *c, curl_socket_t fd, int flags)
{
    int running;
    c->in_curl = true;
    CURLMcode m = curl_multi_socket_action(c->multi, fd, flags, &running);
    c->in_curl = false;
    RAC_ASSERT(m == CURLM_OK);
}

static void on_sock_event(uv_poll_t *h, int status, int events)
{
    struct sock *s = h->data;
    struct rac_http_client *c = s->client;
    if (s->idle) { /* closed by the server, or it talks without being asked: curl finds out */
        sock_watch(s, 0);
        return;
    }
    int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    if (status < 0) { /* libuv has stopped watching; curl shall meet the error in its own call,
                         which lets it try a kept connection's request on a fresh one */
        s->events = 0;
        flags = CURL_CSELECT_IN | CURL_CSELECT_OUT;
    }
    action(c, s->fd, flags);
    tasks_soon(c);
}

/* Every new outbound connection passes here, its address resolved. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *addr)
{
    struct rac_fetch *f = fetch_of(arg);
    if (purpose != CURLSOCKTYPE_IPCXN)
        return CURL_SOCKET_BAD;
    const char *what = f->via_proxy ? NULL : rac_http_guard_refuses(f->client->guard, &addr->addr);
    if (what != NULL) {
        f->denied_as = what;
        rac_http_addr_text(&addr->addr, f->denied_addr);
        rac_metric_add(RAC_METRIC_FETCH_DENIED, 1);
        return CURL_SOCKET_BAD;
    }
    int fd = socket(addr->family, addr->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, addr->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    sock_new(f->client, fd, true);
    return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct sock *s = sock_get(client_of(arg), fd);
    if (s != NULL)
        sock_drop(s);
    return close(fd);
}

static void on_timer(void *arg)
{
    struct rac_http_client *c = client_of(arg);
    c->expired = true;
    tasks_soon(c);
}

static int on_curl_timer(CURLM *multi RAC_UNUSED, long ms, void *arg)
{
    struct rac_http_client *c = client_of(arg);
    if (ms < 0) {
        rac_deadline_cancel(&c->timer);
    } else if (ms == 0) {
        c->expired = true;
        tasks_soon(c);
    } else {
        rac_deadline_arm(c->loop, &c->timer, ms);
    }
    return 0;
}

/* ---- what a transfer receives and sends ---- */

static bool stopped(struct rac_fetch *f, rac_err why)
{
    f->why = why;
    return false;
}

static int64_t content_length(const struct rac_headers *h)
{
    int64_t n;
    rac_str v = rac_headers_get(h, RAC_S("Content-Length"));
    return v.p != NULL && rac_str_to_i64(v, &n) && n >= 0 ? n : -1;
}

static bool head_end(struct rac_fetch *f)
{
    f->head_done = true;
    int64_t length = content_length(&f->res.headers);
    rac_str encoding = rac_headers_get(&f->res.headers, RAC_S("Content-Encoding"));
    f->encoded = encoding.n > 0 && !rac_str_eqi(encoding, RAC_S("identity"));
    if (f->encoded && !f->is_head) {
        rac_headers_del(&f->res.headers, RAC_S("Content-Encoding"));
        rac_headers_del(&f->res.headers, RAC_S("Content-Length"));
        length = -1;
    }
    if (f->ev.on_data == NULL && !f->is_head) {
        if (length > 0 && (uint64_t)length > f->bytes_max)
            return stopped(f, RAC_E_LIMIT);
        if (length > 0 && length <= EXACT_BODY_MAX) {
            f->exact_cap = (size_t)length;
            f->exact = rac_arena_alloc_dirty(f->a, f->exact_cap + 1);
        }
    }
    if (f->ev.on_headers != NULL && !f->ev.on_headers(f->ev.arg, &f->res))
        return stopped(f, RAC_E_CANCELLED);
    return f->state == FETCH_RUNNING;
}

static bool head_line(struct rac_fetch *f, rac_str line)
{
    f->head_bytes += line.n;
    if (f->head_bytes > f->client->o.response_head_bytes_max)
        return stopped(f, RAC_E_LIMIT);
    while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    if (f->head_done && !rac_str_starts(line, RAC_S("HTTP/")))
        return true;                            /* trailers */
    if (rac_str_starts(line, RAC_S("HTTP/"))) { /* the answer's, or after an interim 1xx */
        long status = 0;
        curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
        f->res.status = (int)status;
        f->res.headers = (struct rac_headers){0};
        return true;
    }
    if (line.n == 0)
        return f->res.status / 100 == 1 ? true : head_end(f);
    rac_str value, name = rac_str_trim(rac_str_cut(line, ':', &value));
    if (name.n > 0)
        rac_headers_add(&f->res.headers, f->a, rac_arena_str(f->a, name),
                        rac_arena_str(f->a, rac_str_trim(value)));
    return true;
}

static size_t on_curl_header(char *p, size_t size, size_t n, void *arg)
{
    struct rac_fetch *f = fetch_of(arg);
    if (f->state != FETCH_RUNNING)
        return 0;
    f->client->calling = f;
    bool go = head_line(f, (rac_str){p, size * n});
    f->client->calling = NULL;
    return go ? size * n : 0;
}

static bool body_add(struct rac_fetch *f, rac_str bytes)
{
    if (f->exact != NULL && bytes.n <= f->exact_cap - f->exact_n) {
        memcpy(f->exact + f->exact_n, bytes.p, bytes.n);
        f->exact_n += bytes.n;
        return true;
    }
    if (f->exact != NULL || f->body.n + bytes.n > f->bytes_max)
        return stopped(f, RAC_E_LIMIT);
    rac_buf_add(&f->body, bytes);
    return true;
}

static size_t on_curl_body(char *p, size_t size, size_t n, void *arg)
{
    struct rac_fetch *f = fetch_of(arg);
    rac_str bytes = {p, size * n};
    if (f->state != FETCH_RUNNING)
        return 0;
    if (f->ev.on_data == NULL)
        return body_add(f, bytes) ? bytes.n : 0;
    f->client->calling = f;
    bool more = f->ev.on_data(f->ev.arg, bytes);
    f->client->calling = NULL;
    if (f->state != FETCH_RUNNING)
        return 0; /* cancelled from inside */
    if (!more && !f->resume)
        curl_easy_pause(f->easy, CURLPAUSE_RECV); /* these bytes count as taken */
    return bytes.n;
}

static size_t on_curl_read(char *p, size_t size, size_t n, void *arg)
{
    struct rac_fetch *f = fetch_of(arg);
    if (f->state != FETCH_RUNNING || f->source == NULL)
        return CURL_READFUNC_ABORT;
    size_t got = 0;
    bool eof = false;
    f->client->calling = f;
    rac_err e = f->source->read(f->source->self, p, size * n, &got, &eof);
    f->client->calling = NULL;
    if (e != RAC_OK) {
        f->why = e;
        return CURL_READFUNC_ABORT;
    }
    return got == 0 && !eof ? CURL_READFUNC_PAUSE : got;
}

/* ---- errors as sentences ---- */

static rac_str host_port(struct rac_fetch *f)
{
    CURLU *u = curl_url();
    char *host = NULL, *port = NULL;
    char *url = rac_arena_cstr(f->a, f->url);
    rac_str out = RAC_S("the host");
    if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
        out = rac_arena_printf(f->a, "%s:%s", host, port);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    return out;
}

static void failed(struct rac_fetch *f, rac_err err, rac_str sentence)
{
    f->res.err = err;
    f->res.error = sentence;
}

#define FAILED(f, err, ...) failed((f), (err), rac_arena_printf((f)->a, __VA_ARGS__))

static void fail_connect(struct rac_fetch *f, rac_str at)
{
    long os = 0;
    char *ip = NULL;
    curl_easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &os);
    curl_easy_getinfo(f->easy, CURLINFO_PRIMARY_IP, &ip);
    if (f->denied_as != NULL)
        FAILED(f, RAC_E_DENIED,
               "%.*s is at %s, %s, which may not be called; an administrator can allow the "
               "network with the setting egress.allow",
               RAC_FMT(at), f->denied_addr, f->denied_as);
    else if (os == ECONNREFUSED)
        FAILED(f, RAC_E_UNREACHABLE, "connection refused by %.*s%s%s%s", RAC_FMT(at),
               ip && *ip ? " (" : "", ip ? ip : "", ip && *ip ? ")" : "");
    else
        FAILED(f, RAC_E_UNREACHABLE, "cannot connect to %.*s: %s", RAC_FMT(at),
               os            ? strerrordesc_np((int)os)
               : f->error[0] ? f->error
                             : "no address answers");
}

static void fail_ours(struct rac_fetch *f, rac_str at)
{
    switch (f->why) {
    case RAC_E_LIMIT:
        if (!f->head_done)
            FAILED(f, RAC_E_LIMIT, "the answer of %.*s has more than %zu bytes of headers",
                   RAC_FMT(at), f->client->o.response_head_bytes_max);
        else
            FAILED(f, RAC_E_LIMIT, "the answer of %.*s is larger than %zu bytes", RAC_FMT(at),
                   f->bytes_max);
        break;
    case RAC_E_CANCELLED:
        failed(f, RAC_E_CANCELLED, RAC_S("the receiver stopped the answer"));
        break;
    default:
        FAILED(f, f->why, "the request body could not be read: %s", rac_err_text(f->why));
    }
}

/* CURLcode -> ours. The sentence is "WHAT HOST:PORT", with curl's own words where they help. */
static const struct {
    CURLcode code;
    rac_err err;
    const char *what;
    bool detail;
} table[] = {
    {CURLE_URL_MALFORMAT, RAC_E_INVALID, "the URL is malformed:", true},
    {CURLE_COULDNT_RESOLVE_HOST, RAC_E_UNREACHABLE, "the name cannot be resolved:", false},
    {CURLE_COULDNT_RESOLVE_PROXY, RAC_E_UNREACHABLE, "the proxy's name cannot be resolved, for",
     false},
    {CURLE_GOT_NOTHING, RAC_E_IO, "no answer before the connection closed, from", false},
    {CURLE_PARTIAL_FILE, RAC_E_IO, "the connection closed in the middle of the answer of", false},
    {CURLE_RECV_ERROR, RAC_E_IO, "reading the answer failed, from", true},
    {CURLE_SEND_ERROR, RAC_E_IO, "sending the request failed, to", true},
    {CURLE_SEND_FAIL_REWIND, RAC_E_IO, "the connection broke while the body was sent to", false},
    {CURLE_WEIRD_SERVER_REPLY, RAC_E_IO, "the answer is not HTTP, from", true},
    {CURLE_UNSUPPORTED_PROTOCOL, RAC_E_IO, "the answer is not HTTP, from", true},
    {CURLE_BAD_CONTENT_ENCODING, RAC_E_IO, "the answer's compression is damaged, from", true},
    {CURLE_HTTP2, RAC_E_IO, "HTTP/2 failed with", true},
    {CURLE_HTTP2_STREAM, RAC_E_IO, "HTTP/2 failed with", true},
    {CURLE_OUT_OF_MEMORY, RAC_E_LIMIT, "out of memory talking to", true},
    {CURLE_PROXY, RAC_E_UNREACHABLE, "the proxy refused to connect to", true},
    {CURLE_SSL_CONNECT_ERROR, RAC_E_TLS, "the TLS handshake failed with", true},
    {CURLE_PEER_FAILED_VERIFICATION, RAC_E_TLS, "the TLS certificate is not trusted, of", true},
    {CURLE_SSL_CERTPROBLEM, RAC_E_TLS, "our client certificate cannot be used, for", true},
    {CURLE_SSL_CIPHER, RAC_E_TLS, "the TLS handshake failed with", true},
    {CURLE_SSL_CACERT_BADFILE, RAC_E_TLS, "the file of egress.ca_file cannot be read, for", true},
    {CURLE_SSL_ISSUER_ERROR, RAC_E_TLS, "the TLS certificate is not trusted, of", true},
    {CURLE_SSL_INVALIDCERTSTATUS, RAC_E_TLS, "the TLS certificate is not trusted, of", true},
};

static void fail_curl(struct rac_fetch *f, CURLcode code)
{
    rac_str at = host_port(f);
    if (f->why != RAC_OK) {
        fail_ours(f, at);
        return;
    }
    if (code == CURLE_COULDNT_CONNECT || (f->denied_as != NULL && f->res.status == 0)) {
        fail_connect(f, at);
        return;
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        FAILED(f, RAC_E_TIMEOUT, "no connection to %.*s in time", RAC_FMT(at));
        return;
    }
    for (size_t i = 0; i < RAC_COUNT(table); i++)
        if (table[i].code == code) {
            bool detail = table[i].detail && f->error[0] != '\0';
            FAILED(f, table[i].err, "%s %.*s%s%s%s", table[i].what, RAC_FMT(at), detail ? " (" : "",
                   detail ? f->error : "", detail ? ")" : "");
            return;
        }
    FAILED(f, RAC_E_IO, "the exchange with %.*s failed: %s", RAC_FMT(at),
           f->error[0] ? f->error : curl_easy_strerror(code));
}

/* ---- life of a fetch ---- */

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

static void todo_add(struct rac_fetch *f)
{
    struct rac_http_client *c = f->client;
    if (!f->todo) {
        f->todo = true;
        f->todo_next = NULL;
        *c->todo_end = f;
        c->todo_end = &f->todo_next;
    }
    tasks_soon(c);
}

/* Back to the pool; curl has let go of it. */
static void fetch_release(struct rac_fetch *f)
{
    struct rac_http_client *c = f->client;
    RAC_ASSERT(!f->todo);
    f->worn |= f->res.err != RAC_OK || !f->head_done; /* cut off: nobody looked */
    rac_deadline_cancel(&f->deadline);
    rac_buf_fini(&f->body);
    list_del(f);
    if (c->pool_n >= POOL_MAX) {
        curl_easy_cleanup(f->easy);
        f->magic = 0;
        rac_mem_free(f);
        return;
    }
    f->state = FETCH_POOLED;
    list_put(&c->pool, f);
    c->pool_n++;
}

static void times(struct rac_fetch *f)
{
    static const struct {
        CURLINFO info;
        size_t at;
    } wanted[] = {
        {CURLINFO_NAMELOOKUP_TIME_T, offsetof(struct rac_fetch_res, dns_ns)},
        {CURLINFO_CONNECT_TIME_T, offsetof(struct rac_fetch_res, connect_ns)},
        {CURLINFO_APPCONNECT_TIME_T, offsetof(struct rac_fetch_res, tls_ns)},
        {CURLINFO_STARTTRANSFER_TIME_T, offsetof(struct rac_fetch_res, first_byte_ns)},
        {CURLINFO_TOTAL_TIME_T, offsetof(struct rac_fetch_res, total_ns)},
    };
    for (size_t i = 0; i < RAC_COUNT(wanted); i++) {
        curl_off_t us = 0;
        curl_easy_getinfo(f->easy, wanted[i].info, &us);
        *(rac_ns *)(void *)((char *)&f->res + wanted[i].at) = (rac_ns)us * 1000;
    }
}

/*
 * curl counts how often it replaced a kept connection that had died, gives up at five, and forgets
 * the count only when the handle is reset. So a handle that made a connection or failed is reset
 * before it is used again, and any other after a while.
 */
static void handle_worn(struct rac_fetch *f, CURLcode code)
{
    long connects = 1;
    curl_easy_getinfo(f->easy, CURLINFO_NUM_CONNECTS, &connects);
    f->worn = code != CURLE_OK || connects > 0 || ++f->uses >= USES_MAX;
}

static void free_body(void *p)
{
    rac_mem_free(p);
}

/* The body moves to the arena by reference: the arena frees it. */
static void body_give(struct rac_fetch *f)
{
    if (f->ev.on_data != NULL)
        return;
    if (f->exact != NULL) {
        f->res.body = (rac_str){f->exact, f->exact_n};
    } else if (f->body.n > 0) {
        f->res.body = rac_buf_str(&f->body);
        rac_arena_cleanup(f->a, free_body, f->body.p);
        f->body.p = NULL;
        f->body.n = f->body.cap = 0;
    } else {
        f->res.body = RAC_S("");
    }
}

/* Everything is known: tells the owner and lets go. curl has removed the handle, or never had it.
 */
static void fetch_done(struct rac_fetch *f)
{
    struct rac_fetch_res res = f->res;
    struct rac_fetch_events ev = f->ev;
    f->client->active_n--;
    if (res.err != RAC_OK)
        rac_metric_add(RAC_METRIC_FETCH_ERRORS, 1);
    rac_metric_observe_ns(RAC_METRIC_FETCH_SECONDS, res.total_ns);
    fetch_release(f);
    ev.done(ev.arg, &res);
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

static void fetch_end(struct rac_fetch *f, CURLcode code)
{
    times(f);
    if (code == CURLE_OK && f->head_done)
        body_give(f);
    else
        fail_curl(f, code == CURLE_OK ? CURLE_GOT_NOTHING : code);
    f->state = FETCH_OVER;
    todo_forget(f);
    handle_worn(f, code);
    curl_multi_remove_handle(f->client->multi, f->easy);
    fetch_done(f);
}

static void on_fetch_deadline(void *arg)
{
    struct rac_fetch *f = fetch_of(arg);
    struct rac_http_client *c = f->client;
    RAC_ASSERT(!c->in_curl);
    curl_off_t pretransfer = 0;
    if (f->state == FETCH_RUNNING)
        curl_easy_getinfo(f->easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer);
    if (f->connecting && pretransfer > 0) {
        f->connecting = false;
        int64_t gone = (int64_t)(rac_loop_now_ms(c->loop) - f->started_ms);
        if (gone < f->timeout_ms) {
            rac_deadline_arm(c->loop, &f->deadline, f->timeout_ms - gone);
            return;
        }
    }
    rac_str at = host_port(f);
    if (f->connecting && f->connect_timeout_ms < f->timeout_ms)
        FAILED(f, RAC_E_TIMEOUT, "no connection to %.*s within %lld ms", RAC_FMT(at),
               (long long)f->connect_timeout_ms);
    else
        FAILED(f, RAC_E_TIMEOUT, "no complete answer of %.*s within %lld ms", RAC_FMT(at),
               (long long)f->timeout_ms);
    times(f);
    if (f->state == FETCH_RUNNING)
        curl_multi_remove_handle(c->multi, f->easy);
    f->state = FETCH_OVER;
    todo_forget(f);
    fetch_done(f);
}

/* ---- setting up a transfer ---- */

static const rac_str ours[] = {
    RAC_S_INIT("Host"),       RAC_S_INIT("Content-Length"),  RAC_S_INIT("Transfer-Encoding"),
    RAC_S_INIT("Connection"), RAC_S_INIT("Accept-Encoding"), RAC_S_INIT("Expect")};

static bool is_ours(rac_str name)
{
    for (size_t i = 0; i < RAC_COUNT(ours); i++)
        if (rac_str_eqi(name, ours[i]))
            return true;
    return false;
}

static bool is_name(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_alnum(s.p[i]) && (s.p[i] == '\0' || strchr("!#$%&'*+-.^_`|~", s.p[i]) == NULL))
            return false;
    return s.n > 0;
}

static bool is_value(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
            return false;
    return true;
}

struct header_list {
    struct curl_slist *first, **end;
    struct rac_arena *a;
};

static void header_put(struct header_list *l, char *line)
{
    struct curl_slist *node = rac_arena_alloc_dirty(l->a, sizeof *node);
    *node = (struct curl_slist){line, NULL};
    *l->end = node;
    l->end = &node->next;
}

/* curl's own way to say things: "Name: value", "Name;" for an empty value, "Name:" for none. */
static char *header_line(struct rac_arena *a, rac_str name, rac_str value)
{
    char *p = rac_arena_alloc_dirty(a, name.n + value.n + 3), *at = p;
    memcpy(at, name.p, name.n);
    at += name.n;
    if (value.n == 0) {
        *at++ = ';';
    } else {
        *at++ = ':';
        *at++ = ' ';
        memcpy(at, value.p, value.n);
        at += value.n;
    }
    *at = '\0';
    return p;
}

static bool set_headers(struct rac_fetch *f, const struct rac_fetch_req *req)
{
    static char no_accept[] = "Accept:", no_expect[] = "Expect:", no_type[] = "Content-Type:";
    struct header_list l = {.a = f->a};
    bool accept = false, type = false, has_body = req->body.p != NULL || req->source != NULL;
    l.end = &l.first;
    for (size_t i = 0; req->headers != NULL && i < req->headers->n; i++) {
        const struct rac_header *h = &req->headers->v[i];
        if (!is_name(h->name) || !is_value(h->value)) {
            FAILED(f, RAC_E_INVALID, "the header \"%.*s\" has a name or value HTTP does not allow",
                   RAC_FMT(rac_str_sub(h->name, 0, 64)));
            return false;
        }
        if (is_ours(h->name))
            continue;
        accept |= rac_str_eqi(h->name, RAC_S("Accept"));
        type |= rac_str_eqi(h->name, RAC_S("Content-Type"));
        header_put(&l, header_line(f->a, h->name, h->value));
    }
    if (!accept)
        header_put(&l, no_accept);
    if (has_body) {
        header_put(&l, no_expect);
        if (!type)
            header_put(&l, no_type);
    }
    MUST(curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, l.first));
    return true;
}

static bool set_method(struct rac_fetch *f, const struct rac_fetch_req *req)
{
    static const rac_str with_body[] = {RAC_S_INIT("POST"), RAC_S_INIT("PUT"), RAC_S_INIT("PATCH")};
    CURL *e = f->easy;
    if (!is_name(req->method) || req->method.n > 32) {
        failed(f, RAC_E_INVALID, RAC_S("the method is not one HTTP allows"));
        return false;
    }
    f->method = rac_arena_str(f->a, req->method);
    f->is_head = rac_str_eq(f->method, RAC_S("HEAD"));
    rac_str body = req->body;
    for (size_t i = 0; i < RAC_COUNT(with_body) && body.p == NULL && req->source == NULL; i++)
        if (rac_str_eq(f->method, with_body[i]))
            body = RAC_S(""); /* says Content-Length: 0, which some servers insist on */
    MUST(curl_easy_setopt(e, CURLOPT_HTTPGET, 1L));
    const char *plain = "GET";
    if (f->is_head) {
        MUST(curl_easy_setopt(e, CURLOPT_NOBODY, 1L));
        plain = "HEAD";
    } else if (req->source != NULL) {
        MUST(curl_easy_setopt(e, CURLOPT_UPLOAD, 1L));
        MUST(curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)req->source->length));
        plain = "PUT";
    } else if (body.p != NULL) {
        MUST(curl_easy_setopt(e, CURLOPT_POST, 1L));
        MUST(curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n));
        MUST(curl_easy_setopt(e, CURLOPT_POSTFIELDS, body.n ? body.p : ""));
        plain = "POST";
    }
    bool custom = strcmp(plain, f->method.p) != 0;
    MUST(curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, custom ? f->method.p : NULL));
    return true;
}

static bool set_cert(struct rac_fetch *f, const struct rac_fetch_req *req)
{
    if (req->client_cert_pem.n == 0 && !f->cert_set)
        return true;
    f->cert_set = req->client_cert_pem.n > 0;
    struct curl_blob cert = {(void *)(uintptr_t)req->client_cert_pem.p, req->client_cert_pem.n,
                             CURL_BLOB_COPY};
    struct curl_blob key = {(void *)(uintptr_t)req->client_key_pem.p, req->client_key_pem.n,
                            CURL_BLOB_COPY};
    if (key.len == 0)
        key = cert; /* one PEM with both */
    MUST(curl_easy_setopt(f->easy, CURLOPT_SSLCERT_BLOB, f->cert_set ? &cert : NULL));
    MUST(curl_easy_setopt(f->easy, CURLOPT_SSLKEY_BLOB, f->cert_set ? &key : NULL));
    return true;
}

/* Is host one of the comma-separated names (or below one of them)? */
static bool listed(rac_str list, rac_str host)
{
    while (list.p != NULL) {
        rac_str one = rac_str_trim(rac_str_cut(list, ',', &list));
        if (rac_str_eq(one, RAC_S("*")))
            return true;
        if (rac_str_starts(one, RAC_S(".")))
            one = rac_str_from(one, 1);
        if (one.n == 0 || !rac_str_endsi(host, one))
            continue;
        if (host.n == one.n || host.p[host.n - one.n - 1] == '.')
            return true;
    }
    return false;
}

/* Judges a literal address in a URL that a proxy will connect to. */
static bool literal_refused(struct rac_fetch *f, const char *host)
{
    struct rac_cidr literal;
    rac_str h = rac_str_of(host);
    if (h.n > 2 && h.p[0] == '[')
        h = (rac_str){h.p + 1, h.n - 2};
    if (rac_str_eqi(h, RAC_S("localhost")) || rac_str_endsi(h, RAC_S(".localhost")))
        h = RAC_S("127.0.0.1");
    if (!rac_cidr_parse(h, &literal) || literal.bits != 128)
        return false;
    struct sockaddr_in6 sa = {.sin6_family = AF_INET6};
    memcpy(&sa.sin6_addr, literal.addr, 16);
    const char *what = rac_http_guard_refuses(f->client->guard, (struct sockaddr *)&sa);
    if (what == NULL)
        return false;
    f->denied_as = what;
    snprintf(f->denied_addr, sizeof f->denied_addr, "%.*s", (int)(h.n < 63 ? h.n : 63), h.p);
    rac_metric_add(RAC_METRIC_FETCH_DENIED, 1);
    return true;
}

static bool set_proxy(struct rac_fetch *f)
{
    struct rac_http_client *c = f->client;
    f->via_proxy = false;
    if (c->proxy == NULL)
        return true;
    CURLU *u = curl_url();
    char *host = NULL;
    bool ok = u != NULL && curl_url_set(u, CURLUPART_URL, f->url.p, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    if (ok)
        f->via_proxy = !listed(c->o.no_proxy, rac_str_of(host));
    if (ok && f->via_proxy && literal_refused(f, host)) {
        fail_connect(f, host_port(f));
        ok = false;
    } else if (!ok) {
        failed(f, RAC_E_INVALID, RAC_S("the URL is malformed"));
    }
    curl_free(host);
    curl_url_cleanup(u);
    MUST(curl_easy_setopt(f->easy, CURLOPT_PROXY, f->via_proxy ? c->proxy : ""));
    return ok;
}

static bool set_up(struct rac_fetch *f, const struct rac_fetch_req *req)
{
    if (!rac_str_startsi(req->url, RAC_S("http://")) &&
        !rac_str_startsi(req->url, RAC_S("https://"))) {
        failed(f, RAC_E_INVALID, RAC_S("only http and https URLs are called"));
        return false;
    }
    if (memchr(req->url.p, 0, req->url.n) != NULL) {
        failed(f, RAC_E_INVALID, RAC_S("the URL is malformed"));
        return false;
    }
    f->url = rac_arena_str(f->a, req->url);
    if (curl_easy_setopt(f->easy, CURLOPT_URL, f->url.p) != CURLE_OK) {
        failed(f, RAC_E_INVALID, RAC_S("the URL is too long"));
        return false;
    }
    return set_proxy(f) && set_method(f, req) && set_headers(f, req) && set_cert(f, req);
}

/* ---- easy handles ---- */

/* What is the same for every request of this client. */
static void easy_options(struct rac_http_client *c, struct rac_fetch *f)
{
    CURL *e = f->easy;
    MUST(curl_easy_setopt(e, CURLOPT_PRIVATE, f));
    MUST(curl_easy_setopt(e, CURLOPT_ERRORBUFFER, f->error));
    MUST(curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L));
    MUST(curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L)); /* a cancel never waits for a resolver */
    MUST(curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https"));
    MUST(curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L));
    MUST(curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L));
    MUST(curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
                          c->o.http1_only ? (long)CURL_HTTP_VERSION_1_1
                                          : (long)CURL_HTTP_VERSION_2TLS));
    MUST(curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip, deflate, br"));
    MUST(curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
    MUST(curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L));
    MUST(curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L));
    MUST(curl_easy_setopt(e, CURLOPT_SSLCERTTYPE, "PEM"));
    MUST(curl_easy_setopt(e, CURLOPT_SSLKEYTYPE, "PEM"));
    if (c->ca_file != NULL) /* CAPATH keeps its default: the system's authorities */
        MUST(curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file));
    MUST(curl_easy_setopt(e, CURLOPT_PROXY, "")); /* also: no proxy from the environment */
    MUST(curl_easy_setopt(e, CURLOPT_NOPROXY, ""));
    MUST(curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L));
    MUST(curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L));
    MUST(curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)c->o.connect_timeout_ms));
    MUST(curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open));
    MUST(curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, f));
    MUST(curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, on_close));
    MUST(curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, c));
    MUST(curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_curl_header));
    MUST(curl_easy_setopt(e, CURLOPT_HEADERDATA, f));
    MUST(curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_curl_body));
    MUST(curl_easy_setopt(e, CURLOPT_WRITEDATA, f));
    MUST(curl_easy_setopt(e, CURLOPT_READFUNCTION, on_curl_read));
    MUST(curl_easy_setopt(e, CURLOPT_READDATA, f));
    if (c->resolve != NULL)
        MUST(curl_easy_setopt(e, CURLOPT_RESOLVE, c->resolve));
    if (c->o.user_agent.n > 0)
        MUST(curl_easy_setopt(e, CURLOPT_USERAGENT, c->o.user_agent.p));
}

static struct rac_fetch *fetch_take(struct rac_http_client *c)
{
    struct rac_fetch *f = c->pool;
    if (f != NULL) {
        list_del(f);
        c->pool_n--;
        CURL *easy = f->easy;
        bool cert_set = f->cert_set, worn = f->worn;
        unsigned uses = f->uses;
        memset(f, 0, offsetof(struct rac_fetch, error));
        f->easy = easy;
        f->client = c;
        f->error[0] = '\0';
        if (worn) {
            curl_easy_reset(easy);
            easy_options(c, f);
        } else {
            f->cert_set = cert_set;
            f->uses = uses;
        }
    } else {
        f = rac_mem_alloc(sizeof *f);
        f->easy = curl_easy_init();
        RAC_ASSERT(f->easy != NULL);
        f->client = c;
        easy_options(c, f);
    }
    f->magic = FETCH_MAGIC;
    f->client = c;
    list_put(&c->active, f);
    c->active_n++;
    return f;
}

static void on_refused(void *arg)
{
    struct rac_fetch *f = fetch_of(arg);
    f->state = FETCH_OVER;
    todo_forget(f);
    fetch_done(f);
}

static struct rac_fetch *start(void *self, const struct rac_fetch_req *req, struct rac_arena *a,
                               const struct rac_fetch_events *ev)
{
    struct rac_http_client *c = client_of(self);
    struct rac_fetch *f = fetch_take(c);
    f->a = a;
    f->ev = *ev;
    f->source = req->source;
    f->state = FETCH_QUEUED;
    f->started_ms = rac_loop_now_ms(c->loop);
    f->timeout_ms = req->timeout_ms > 0 ? req->timeout_ms : c->o.timeout_ms;
    f->connect_timeout_ms =
        req->connect_timeout_ms > 0 ? req->connect_timeout_ms : c->o.connect_timeout_ms;
    f->bytes_max = req->response_bytes_max ? req->response_bytes_max : c->o.response_bytes_max;
    f->connecting = f->connect_timeout_ms < f->timeout_ms;
    rac_buf_init(&f->body, f->bytes_max < SIZE_MAX / 2 ? f->bytes_max + 1 : f->bytes_max);
    rac_metric_add(RAC_METRIC_FETCHES, 1);
    if (!set_up(f, req)) {
        rac_deadline_init(&f->deadline, on_refused, f); /* told on the next turn */
        rac_deadline_arm(c->loop, &f->deadline, 0);
        return f;
    }
    rac_deadline_init(&f->deadline, on_fetch_deadline, f);
    rac_deadline_arm(c->loop, &f->deadline, f->connecting ? f->connect_timeout_ms : f->timeout_ms);
    todo_add(f);
    return f;
}

static void resume(void *self RAC_UNUSED, struct rac_fetch *f)
{
    RAC_ASSERT(f->magic == FETCH_MAGIC);
    f->resume = true;
    todo_add(f);
}

static void cancel(void *self, struct rac_fetch *f)
{
    struct rac_http_client *c = client_of(self);
    RAC_ASSERT(f->magic == FETCH_MAGIC && f->state != FETCH_POOLED && f->state != FETCH_OVER);
    rac_deadline_cancel(&f->deadline);
    if (c->in_curl) { /* from a callback of its own: curl is told to stop, and lets go soon */
        RAC_ASSERT(c->calling == f);
        f->state = FETCH_OVER;
        todo_add(f);
        return;
    }
    if (f->state == FETCH_RUNNING)
        curl_multi_remove_handle(c->multi, f->easy);
    f->state = FETCH_OVER;
    todo_forget(f);
    c->active_n--;
    fetch_release(f);
}

/* ---- the task: everything that may not happen inside curl ---- */

static void todo_run(struct rac_http_client *c)
{
    while (c->todo != NULL) {
        struct rac_fetch *f = c->todo;
        c->todo = f->todo_next;
        if (c->todo == NULL)
            c->todo_end = &c->todo;
        f->todo = false;
        if (f->state == FETCH_QUEUED) {
            f->state = FETCH_RUNNING;
            RAC_ASSERT(curl_multi_add_handle(c->multi, f->easy) == CURLM_OK);
        } else if (f->state == FETCH_OVER) { /* cancelled inside curl */
            curl_multi_remove_handle(c->multi, f->easy);
            c->active_n--;
            fetch_release(f);
        } else if (f->resume) {
            f->resume = false;
            c->in_curl = true;
            curl_easy_pause(f->easy, CURLPAUSE_CONT); /* may deliver what curl held back */
            c->in_curl = false;
        }
    }
}

static void collect(struct rac_http_client *c)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
        if (m->msg != CURLMSG_DONE)
            continue;
        char *private = NULL;
        CURLcode code = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
        struct rac_fetch *f = fetch_of(private);
        if (f->state == FETCH_RUNNING)
            fetch_end(f, code);
    }
}

static void on_task(void *arg)
{
    struct rac_http_client *c = client_of(arg);
    todo_run(c);
    if (c->expired) {
        c->expired = false;
        action(c, CURL_SOCKET_TIMEOUT, 0);
    }
    collect(c);
    if (c->todo != NULL || c->expired)
        tasks_soon(c);
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

/* curl allocates a hundred times for every request; see base/mem.h. */
static void global_init(void)
{
    RAC_ASSERT(curl_global_init_mem(CURL_GLOBAL_ALL, curl_malloc, rac_mem_block_free,
                                    rac_mem_block_realloc, curl_strdup, curl_calloc) == CURLE_OK);
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
    c->magic = CLIENT_MAGIC;
    c->loop = loop;
    rac_arena_init(&c->a, 1 << 20);
    options_copy(c, o);
    c->multi = curl_multi_init();
    RAC_ASSERT(c->multi != NULL);
    c->todo_end = &c->todo;
    c->task.fn = on_task;
    c->task.arg = c;
    rac_deadline_init(&c->timer, on_timer, c);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
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
    RAC_ASSERT(!c->in_curl);
    while (c->active != NULL) {
        struct rac_fetch *f = c->active;
        todo_forget(f);
        if (f->state == FETCH_RUNNING || f->state == FETCH_OVER)
            curl_multi_remove_handle(c->multi, f->easy);
        c->active_n--;
        fetch_release(f);
    }
    while (c->pool != NULL) {
        struct rac_fetch *f = c->pool;
        list_del(f);
        curl_easy_cleanup(f->easy);
        f->magic = 0;
        rac_mem_free(f);
    }
    curl_multi_cleanup(c->multi);
    rac_deadline_cancel(&c->timer);
    rac_loop_soon_cancel(c->loop, &c->task);
    for (size_t i = 0; i < c->socks_n; i++)
        if (c->socks[i] != NULL)
            sock_drop(c->socks[i]);
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
