/*
 * Plain http requests over connections of our own: one request, one answer, the next request. An
 * origin is a host and port; its unused connections wait in it, newest first, registered with the
 * loop so that a close by the server is seen at once.
 *
 * A kept connection may die under a request. When it fails before the first byte of an answer, the
 * request is sent once more, on a new connection (as libcurl does it).
 *
 * After a callback a fetch may be gone: functions that can end it say so by returning false.
 */
#include "base/env.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "http/client_priv.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    IDLE_MS_MAX = 90 * 1000, /* an unused connection is kept so long */
    SWEEP_MS = 15 * 1000,
    UNPACK_BYTES = 16 * 1024,
};

/* Lives while it has connections or fetches waiting, and until the sweep after that. */
struct rac_direct_origin {
    struct rac_direct_origin *next; /* in the bucket */
    struct rac_http_client *client;
    uint64_t hash;
    size_t conns_n; /* open, or being opened */
    struct rac_direct_conn *idle;
    struct rac_fetch *waiting, **waiting_end;
    rac_str key; /* behind the struct */
};

struct rac_direct_conn {
    struct rac_direct_origin *origin;
    struct rac_direct_conn *next, **link; /* on the origin's idle list */
    struct sock *sock;
    struct rac_fetch *f; /* NULL: unused */
    uint64_t idle_ms;    /* since when */
    bool used;           /* it has served a request before this one */
    bool cut;            /* sending failed; an answer may be there all the same */
};

static void exchange(struct rac_fetch *f, struct rac_direct_conn *conn);

/* ---- origins ---- */

static struct rac_direct_origin *origin_get(struct rac_http_client *c, rac_str key)
{
    uint64_t hash = rac_str_hash(key);
    struct rac_direct_origin **bucket = &c->origins[hash % RAC_ORIGIN_BUCKETS], *o;
    for (o = *bucket; o != NULL; o = o->next)
        if (o->hash == hash && rac_str_eq(o->key, key))
            return o;
    o = rac_mem_alloc(sizeof *o + key.n);
    memcpy(o + 1, key.p, key.n);
    o->key = (rac_str){(char *)(o + 1), key.n};
    o->client = c;
    o->hash = hash;
    o->waiting_end = &o->waiting;
    o->next = *bucket;
    *bucket = o;
    if (c->origins_n++ == 0)
        rac_deadline_arm(c->loop, &c->sweep, SWEEP_MS);
    return o;
}

static void wait_put(struct rac_direct_origin *o, struct rac_fetch *f)
{
    f->state = FETCH_WAITING;
    f->wait_next = NULL;
    *o->waiting_end = f;
    o->waiting_end = &f->wait_next;
    o->client->waiting_n++;
}

static void wait_del(struct rac_direct_origin *o, struct rac_fetch *f)
{
    struct rac_fetch **at = &o->waiting;
    while (*at != f)
        at = &(*at)->wait_next;
    *at = f->wait_next;
    if (o->waiting_end == &f->wait_next)
        o->waiting_end = at;
    o->client->waiting_n--;
}

static bool has_room(const struct rac_direct_origin *o)
{
    size_t per_host = o->client->o.connections_per_host_max;
    return per_host == 0 || o->conns_n < per_host;
}

/* A connection was closed or is unused now: somebody who waits may open one, at o or elsewhere. */
static void wake_one(struct rac_direct_origin *o)
{
    struct rac_http_client *c = o->client;
    for (size_t i = 0; o->waiting == NULL && c->waiting_n > 0 && i < RAC_ORIGIN_BUCKETS; i++)
        for (struct rac_direct_origin *at = c->origins[i]; at != NULL; at = at->next)
            if (at->waiting != NULL && has_room(at))
                o = at;
    struct rac_fetch *f = o->waiting;
    if (f == NULL)
        return;
    wait_del(o, f);
    f->origin = NULL;
    f->state = FETCH_QUEUED;
    rac_fetch_todo(f);
}

/* ---- connections ---- */

static void idle_del(struct rac_direct_conn *conn)
{
    *conn->link = conn->next;
    if (conn->next != NULL)
        conn->next->link = conn->link;
    conn->link = NULL;
}

/* The place of a connection that is closed now, or never came to be. */
static void slot_release(struct rac_direct_origin *o)
{
    o->conns_n--;
    o->client->direct_n--;
    wake_one(o);
}

static void conn_close(struct rac_direct_conn *conn)
{
    struct rac_direct_origin *o = conn->origin;
    int fd = conn->sock->fd;
    if (conn->link != NULL)
        idle_del(conn);
    if (conn->f != NULL)
        conn->f->conn = NULL;
    conn->sock->direct = NULL;
    rac_http_sock_drop(conn->sock);
    close(fd);
    rac_mem_free(conn);
    slot_release(o);
}

/* Calls fn for every unused connection; fn may close it. */
static void idle_each(struct rac_http_client *c,
                      void (*fn)(struct rac_direct_conn *conn, void *arg), void *arg)
{
    for (size_t i = 0; i < RAC_ORIGIN_BUCKETS; i++)
        for (struct rac_direct_origin *o = c->origins[i]; o != NULL; o = o->next)
            for (struct rac_direct_conn *conn = o->idle, *next; conn != NULL; conn = next) {
                next = conn->next;
                fn(conn, arg);
            }
}

static void close_if_old(struct rac_direct_conn *conn, void *arg)
{
    uint64_t now = *(const uint64_t *)arg;
    if (now - conn->idle_ms >= IDLE_MS_MAX)
        conn_close(conn);
}

/* Origins without connections and without fetches that wait. */
static void origins_tidy(struct rac_http_client *c)
{
    for (size_t i = 0; i < RAC_ORIGIN_BUCKETS; i++)
        for (struct rac_direct_origin **at = &c->origins[i], *o; (o = *at) != NULL;) {
            if (o->conns_n > 0 || o->waiting != NULL) {
                at = &o->next;
                continue;
            }
            *at = o->next;
            c->origins_n--;
            rac_mem_free(o);
        }
}

static void on_sweep(void *arg)
{
    struct rac_http_client *c = rac_http_client_of(arg);
    uint64_t now = rac_loop_now_ms(c->loop);
    idle_each(c, close_if_old, &now);
    origins_tidy(c);
    if (c->origins_n > 0)
        rac_deadline_arm(c->loop, &c->sweep, SWEEP_MS);
}

static void find_oldest(struct rac_direct_conn *conn, void *arg)
{
    struct rac_direct_conn **oldest = arg;
    if (*oldest == NULL || conn->idle_ms < (*oldest)->idle_ms)
        *oldest = conn;
}

/* May one more connection be opened? Closes an unused one of another origin for it if need be. */
static bool slot_take(struct rac_direct_origin *o)
{
    struct rac_http_client *c = o->client;
    if (!has_room(o))
        return false;
    if (c->direct_n >= c->o.connections_max) {
        struct rac_direct_conn *oldest = NULL;
        idle_each(c, find_oldest, &oldest);
        if (oldest == NULL)
            return false;
        conn_close(oldest); /* may wake somebody, who will find the place taken and wait on */
    }
    o->conns_n++;
    c->direct_n++;
    return true;
}

static void close_it(struct rac_direct_conn *conn, void *arg RAC_UNUSED)
{
    conn_close(conn);
}

void rac_http_direct_setup(struct rac_http_client *c)
{
    c->read_buf = rac_mem_alloc_dirty(RAC_DIRECT_READ_BYTES);
    rac_deadline_init(&c->sweep, on_sweep, c);
}

void rac_http_direct_close_all(struct rac_http_client *c)
{
    rac_deadline_cancel(&c->sweep);
    idle_each(c, close_it, NULL);
    origins_tidy(c);
    RAC_ASSERT(c->direct_n == 0 && c->waiting_n == 0 && c->origins_n == 0);
    rac_mem_free(c->read_buf);
}

/* Ready for the next request: of somebody who waits, or later. */
static void conn_free_now(struct rac_direct_conn *conn)
{
    struct rac_direct_origin *o = conn->origin;
    struct rac_fetch *f = o->waiting;
    conn->used = true;
    if (f != NULL && f->fresh) { /* its place is more use to it than this connection */
        conn_close(conn);
        return;
    }
    if (f != NULL) {
        wait_del(o, f);
        exchange(f, conn);
        return;
    }
    conn->f = NULL;
    conn->idle_ms = rac_loop_now_ms(o->client->loop);
    conn->next = o->idle;
    conn->link = &o->idle;
    if (conn->next != NULL)
        conn->next->link = &conn->next;
    o->idle = conn;
    if (o->client->waiting_n > 0)
        wake_one(o); /* it may be closed in favour of another origin */
}

/* ---- ending ---- */

void rac_fetch_direct_drop(struct rac_fetch *f)
{
    struct rac_direct_origin *o = f->origin;
    if (o == NULL)
        return;
    f->origin = NULL;
    if (f->conn != NULL) {
        conn_close(f->conn);
    } else if (f->state == FETCH_WAITING) {
        wait_del(o, f);
    } else if (f->state == FETCH_CONNECTING) {
        slot_release(o);
    }
}

static void times(struct rac_fetch *f)
{
    f->res.total_ns = rac_env_mono_ns(&rac_env_system) - f->started_ns;
}

static bool fail(struct rac_fetch *f, CURLcode code, const char *detail)
{
    snprintf(f->error, sizeof f->error, "%s", detail);
    rac_fetch_fail_curl(f, code);
    rac_fetch_direct_drop(f);
    times(f);
    rac_fetch_finish(f);
    return false;
}

/* Once more, on a new connection. */
static bool again(struct rac_fetch *f)
{
    rac_fetch_direct_drop(f);
    f->fresh = true;
    f->state = FETCH_QUEUED;
    rac_fetch_todo(f);
    return false;
}

static bool complete(struct rac_fetch *f, size_t left_over)
{
    if (f->inflate != NULL && !rac_inflate_whole(f->inflate))
        return fail(f, CURLE_BAD_CONTENT_ENCODING, "it ends too early");
    struct rac_direct_conn *conn = f->conn;
    bool sent = f->sent == f->out_head.n + f->body.n && !conn->cut;
    rac_fetch_body_give(f);
    times(f);
    f->origin = NULL;
    f->conn = NULL;
    conn->f = NULL;
    if (f->keep && sent && left_over == 0)
        conn_free_now(conn);
    else
        conn_close(conn);
    rac_fetch_finish(f);
    return false;
}

/* ---- receiving ---- */

/* A callback or a rule of ours said stop. */
static bool halted(struct rac_fetch *f)
{
    return f->state == FETCH_OVER ? false /* cancelled: the task lets go */
                                  : fail(f, CURLE_WRITE_ERROR, "");
}

/* The head of an answer, interim ones included, off the front of *in. */
static bool take_head(struct rac_fetch *f, rac_str *in)
{
    struct rac_http1_head head;
    size_t before = f->in_head.n, max = f->client->o.response_head_bytes_max;
    rac_str all = *in;
    const char *why = "";
    if (before > 0) {
        rac_buf_add(&f->in_head, *in);
        all = rac_buf_str(&f->in_head);
    }
    if (!rac_http1_may_be_answer(all))
        return fail(f, CURLE_WEIRD_SERVER_REPLY, "");
    size_t n = rac_http1_head_end(all, before);
    if (f->head_bytes + (n > 0 ? n : all.n) > max) {
        f->why = RAC_E_LIMIT;
        return halted(f);
    }
    if (n == 0) {
        if (before == 0)
            rac_buf_add(&f->in_head, *in);
        in->n = 0;
        return true;
    }
    if (rac_http1_head_parse(rac_str_sub(all, 0, n), f->is_head, f->a, &head, &why) != RAC_OK ||
        head.status == 101)
        return fail(f, CURLE_WEIRD_SERVER_REPLY, head.status == 101 ? "it changes protocol" : why);
    *in = rac_str_from(*in, n - before);
    f->head_bytes += n;
    rac_buf_clear(&f->in_head);
    if (head.status / 100 == 1)
        return true;
    f->res.status = head.status;
    f->res.headers = head.headers;
    f->keep = head.keep;
    rac_http1_body_init(&f->framing, &head);
    rac_str coding = rac_headers_get(&head.headers, RAC_S("Content-Encoding"));
    if (!rac_fetch_head_end(f))
        return halted(f);
    if (f->encoded && head.framing != RAC_HTTP1_NONE) {
        f->inflate = rac_inflate_new(coding);
        if (f->inflate == NULL)
            return fail(f, CURLE_BAD_CONTENT_ENCODING, "it is not one that was asked for");
    }
    return true;
}

/* A piece of an encoded body. */
static enum rac_taken unpack(struct rac_fetch *f, rac_str *in, rac_str piece, bool *damaged)
{
    char out[UNPACK_BYTES];
    rac_str rest = piece;
    size_t n;
    *damaged = rac_inflate_step(f->inflate, &rest, out, sizeof out, &n) != RAC_OK;
    if (*damaged)
        return RAC_TAKEN_STOP;
    if (rest.n < piece.n)
        rac_http1_body_took(&f->framing, in, piece.n - rest.n);
    f->unpack_more = n == sizeof out;
    return n > 0 ? rac_fetch_take(f, (rac_str){out, n}) : RAC_TAKEN;
}

static void hold(struct rac_fetch *f, rac_str rest)
{
    f->paused = true;
    rac_buf_init(&f->held, RAC_DIRECT_READ_BYTES + 1);
    rac_buf_add(&f->held, rest);
    rac_http_sock_watch(f->conn->sock, f->conn->sock->events & ~UV_READABLE);
}

static bool take_body(struct rac_fetch *f, rac_str in)
{
    const char *why = "";
    rac_str piece;
    bool damaged = false;
    for (;;) {
        if (rac_http1_body_next(&f->framing, &in, &piece, &why) != RAC_OK)
            return fail(f, CURLE_WEIRD_SERVER_REPLY, why);
        if (piece.n == 0 && !f->unpack_more)
            return f->framing.over ? complete(f, in.n) : true;
        enum rac_taken t;
        if (f->inflate != NULL) {
            t = unpack(f, &in, piece, &damaged);
        } else {
            t = rac_fetch_take(f, piece);
            rac_http1_body_took(&f->framing, &in, piece.n);
        }
        if (damaged)
            return fail(f, CURLE_BAD_CONTENT_ENCODING, "");
        if (t == RAC_TAKEN_STOP)
            return halted(f);
        if (t == RAC_TAKEN_PAUSE && (!f->framing.over || f->unpack_more)) {
            hold(f, in);
            return true;
        }
    }
}

static bool take(struct rac_fetch *f, rac_str in)
{
    if (f->res.first_byte_ns == 0)
        f->res.first_byte_ns = rac_env_mono_ns(&rac_env_system) - f->started_ns;
    while (!f->head_done && in.n > 0)
        if (!take_head(f, &in))
            return false;
    return f->head_done ? take_body(f, in) : true;
}

/* The server closed the connection, or it broke (os). */
static bool closed(struct rac_fetch *f, int os)
{
    bool heard = f->head_done || f->head_bytes > 0 || f->in_head.n > 0;
    if (!heard && f->conn->used)
        return again(f);
    if (!heard && f->conn->cut)
        return fail(f, CURLE_SEND_ERROR, os != 0 ? strerrordesc_np(os) : "");
    if (os != 0)
        return fail(f, CURLE_RECV_ERROR, strerrordesc_np(os));
    if (!f->head_done)
        return fail(f, CURLE_GOT_NOTHING, "");
    if (rac_http1_body_at_end(&f->framing))
        return complete(f, 0);
    return fail(f, CURLE_PARTIAL_FILE, "");
}

static bool receive(struct rac_fetch *f)
{
    char *buf = f->client->read_buf;
    /* an answer that is read whole by somebody with secrets: tokens, mostly */
    bool secret = f->a->secret && f->ev.on_data == NULL;
    ssize_t n = recv(f->conn->sock->fd, buf, RAC_DIRECT_READ_BYTES, 0);
    if (n > 0) {
        bool goes_on = take(f, (rac_str){buf, (size_t)n});
        if (secret)
            rac_secret_wipe(buf, (size_t)n);
        return goes_on;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    return closed(f, n < 0 ? errno : 0);
}

/* ---- sending ---- */

static bool transmit(struct rac_fetch *f)
{
    struct rac_direct_conn *conn = f->conn;
    size_t head_n = f->out_head.n, total = head_n + f->body.n;
    while (f->sent < total) {
        struct iovec v[2];
        int v_n = 0;
        if (f->sent < head_n)
            v[v_n++] = (struct iovec){(char *)(uintptr_t)f->out_head.p + f->sent, head_n - f->sent};
        if (f->body.n > 0) {
            size_t at = f->sent > head_n ? f->sent - head_n : 0;
            v[v_n++] = (struct iovec){(char *)(uintptr_t)f->body.p + at, f->body.n - at};
        }
        struct msghdr m = {.msg_iov = v, .msg_iovlen = (size_t)v_n};
        ssize_t n = sendmsg(conn->sock->fd, &m, MSG_NOSIGNAL);
        if (n >= 0) {
            f->sent += (size_t)n;
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            if (conn->used && !f->head_done && f->in_head.n == 0)
                return again(f);
            conn->cut = true; /* the server may have answered before it closed: see */
            break;
        }
    }
    bool more = f->sent < total && !conn->cut;
    rac_http_sock_watch(conn->sock, (f->paused ? 0 : UV_READABLE) | (more ? UV_WRITABLE : 0));
    return true;
}

static void exchange(struct rac_fetch *f, struct rac_direct_conn *conn)
{
    conn->f = f;
    f->conn = conn;
    f->state = FETCH_DIRECT;
    f->sent = 0;
    (void)transmit(f);
}

void rac_http_direct_event(struct rac_direct_conn *conn, int events)
{
    struct rac_fetch *f = conn->f;
    if (f == NULL) { /* closed by the server, or it talks without being asked */
        conn_close(conn);
        return;
    }
    if (f->state != FETCH_DIRECT)
        return;
    if ((events & UV_WRITABLE) != 0 && !transmit(f))
        return;
    if ((events & UV_READABLE) != 0 && !f->paused)
        (void)receive(f);
}

/* ---- beginning ---- */

void rac_fetch_direct_begin(struct rac_fetch *f)
{
    struct rac_direct_origin *o = f->origin = origin_get(f->client, f->key);
    struct rac_direct_conn *conn = o->idle;
    if (conn != NULL && !f->fresh) {
        idle_del(conn);
        exchange(f, conn);
    } else if (slot_take(o)) {
        rac_fetch_curl_connect(f);
    } else {
        wait_put(o, f);
    }
}

void rac_fetch_direct_connected(struct rac_fetch *f, CURLcode code)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    rac_fetch_curl_times(f);
    if (code == CURLE_OK)
        curl_easy_getinfo(f->easy, CURLINFO_ACTIVESOCKET, &fd);
    struct sock *s = rac_http_sock_get(f->client, fd);
    if (s == NULL) {
        rac_fetch_fail_curl(f, code == CURLE_OK ? CURLE_COULDNT_CONNECT : code);
        rac_fetch_curl_remove(f);
        rac_fetch_direct_drop(f);
        rac_fetch_finish(f);
        return;
    }
    struct rac_direct_conn *conn = rac_mem_alloc(sizeof *conn);
    conn->origin = f->origin;
    conn->sock = s;
    s->direct = conn;
    rac_fetch_curl_remove(f); /* closes the connection, but for its socket */
    f->res.first_byte_ns = 0;
    exchange(f, conn);
}

void rac_fetch_direct_resume(struct rac_fetch *f)
{
    if (f->state != FETCH_DIRECT || !f->paused)
        return;
    struct rac_buf held = f->held;
    f->paused = false;
    f->held = (struct rac_buf){0};
    bool goes_on = take_body(f, rac_buf_str(&held));
    rac_buf_fini(&held);
    if (goes_on && !f->paused)
        rac_http_sock_watch(f->conn->sock, f->conn->sock->events | UV_READABLE);
}

/* ---- the request's head ---- */

static char *put(char *at, rac_str s)
{
    memcpy(at, s.p, s.n);
    return at + s.n;
}

static char *put_header(char *at, rac_str name, rac_str value)
{
    at = put(put(at, name), RAC_S(": "));
    if (value.n > 0)
        at = put(at, value);
    return put(at, RAC_S("\r\n"));
}

static void head_build(struct rac_fetch *f, rac_str host, rac_str target,
                       const struct rac_headers *h)
{
    static const rac_str codings = RAC_S_INIT("gzip, deflate");
    rac_str agent = f->client->o.user_agent;
    size_t n = f->method.n + target.n + host.n + agent.n + 160; /* our own words and a length */
    for (size_t i = 0; h != NULL && i < h->n; i++)
        n += h->v[i].name.n + h->v[i].value.n + 4;
    char *p = rac_arena_alloc_dirty(f->a, n), *at = p;
    at = put(put(at, f->method), RAC_S(" "));
    at = put(put(at, target), RAC_S(" HTTP/1.1\r\n"));
    at = put_header(at, RAC_S("Host"), host);
    if (agent.n > 0 && (h == NULL || rac_headers_get(h, RAC_S("User-Agent")).p == NULL))
        at = put_header(at, RAC_S("User-Agent"), agent);
    at = put_header(at, RAC_S("Accept-Encoding"), codings);
    for (size_t i = 0; h != NULL && i < h->n; i++)
        if (!rac_fetch_header_is_ours(h->v[i].name))
            at = put_header(at, h->v[i].name, h->v[i].value);
    if (f->body.p != NULL && !f->is_head) {
        char length[24];
        int digits = snprintf(length, sizeof length, "%zu", f->body.n);
        at = put_header(at, RAC_S("Content-Length"), (rac_str){length, (size_t)digits});
    }
    at = put(at, RAC_S("\r\n"));
    RAC_ASSERT((size_t)(at - p) <= n);
    f->out_head = (rac_str){p, (size_t)(at - p)};
}

bool rac_fetch_direct_set_up(struct rac_fetch *f, const struct rac_fetch_req *req)
{
    rac_str host, target;
    if (f->via_proxy || f->source != NULL || rac_str_eq(f->method, RAC_S("CONNECT")) ||
        !rac_fetch_plain_url(f, &f->key, &host, &target))
        return false;
    if (f->is_head)
        f->body = RAC_STR_NULL;
    rac_buf_init(&f->in_head, f->client->o.response_head_bytes_max + RAC_DIRECT_READ_BYTES + 1);
    head_build(f, host, target, req->headers);
    return true;
}
