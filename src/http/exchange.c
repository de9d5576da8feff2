/*
 * One request: checks on its head, the handler's call, its body. The library calls on_uri with
 * the raw target, on_request when the head is complete, for each piece of body, and on every pass
 * while no reply was given, and on_completed at the end.
 */
#include "base/env.h"
#include "base/metrics.h"
#include "base/str.h"
#include "http/server_priv.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum { OLD_LIBRARY = MHD_VERSION < 0x01000000 }; /* see check_line_end */

static bool is_field_value(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
            return false;
    return true;
}

/* ---- beginning ---- */

void *rac_http_on_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct rac_http_conn *c =
        RAC_CAST(info->socket_context, struct rac_http_conn, RAC_HTTP_CONN_MAGIC);
    RAC_ASSERT(c->server == cls && c->state == EXCHANGE_IDLE);
    c->uri_lib = uri;
    c->uri_n = uri ? strlen(uri) : 0;
    c->uri = rac_arena_cstr(&c->arena, (rac_str){uri, c->uri_n});
    return c;
}

struct head_check {
    struct rac_http_conn *c;
    int status; /* 0: fine so far */
    const char *why;
    unsigned hosts, lengths, encodings;
    bool chunked;
    uint64_t length;
    size_t bytes;
    const char *line_end; /* of the line before */
};

static void bad(struct head_check *k, int status, const char *why)
{
    if (k->status == 0) {
        k->status = status;
        k->why = why;
    }
}

static void check_framing(struct head_check *k, rac_str name, rac_str value)
{
    switch (name.n) {
    case 4:
        k->hosts += rac_str_eqi(name, RAC_S("Host"));
        break;
    case 6:
        if (rac_str_eqi(name, RAC_S("Expect"))) {
            if (rac_str_eqi(value, RAC_S("100-continue")))
                k->c->expects_100 = true;
            else
                bad(k, 417, "unknown expectation");
        }
        break;
    case 14:
        if (rac_str_eqi(name, RAC_S("Content-Length"))) {
            k->lengths++;
            if (value.n == 0 || !rac_is_digit(value.p[0]) || !rac_str_to_u64(value, &k->length) ||
                k->length > INT64_MAX)
                bad(k, 400, "Content-Length is not a number");
        }
        break;
    case 17:
        if (rac_str_eqi(name, RAC_S("Transfer-Encoding"))) {
            k->encodings++;
            k->chunked = rac_str_eqi(value, RAC_S("chunked"));
        }
        break;
    default:
        break;
    }
}

/*
 * The library cuts lines at NUL bytes, joins folded lines, takes a bare LF for an end of line and a
 * line that begins with ':' for the end of the head: ways to make two servers see two different
 * requests. Version 0.9.75 leaves the head where it was received and writes zeros over each CR LF,
 * so every value must be followed by two zeros and then by the next name, and the last one by the
 * end of the head. Later versions are strict by themselves.
 */
static void check_line_end(struct head_check *k, const char *next)
{
    if (OLD_LIBRARY && k->line_end != NULL && next != k->line_end + 2)
        bad(k, 400, "malformed header line");
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind RAC_UNUSED, const char *key,
                                 size_t key_n, const char *value, size_t value_n)
{
    struct head_check *k = cls;
    rac_str name = {key, key_n}, v = {value ? value : "", value ? value_n : 0};
    k->bytes += key_n + value_n + 4 + HEADER_COST;
    if (!rac_header_is_name(name))
        bad(k, 400, "malformed header name");
    if (!is_field_value(v))
        bad(k, 400, "control character in a header");
    if (k->c->headers.n >= HEADERS_MAX)
        bad(k, 431, "too many headers");
    if (value == NULL)
        bad(k, 400, "header without a value");
    check_line_end(k, key);
    k->line_end = v.p + v.n;
    if (k->status != 0)
        return MHD_NO;
    check_framing(k, name, v);
    while (v.n > 0 && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t'))
        v.n--;
    rac_headers_add(&k->c->headers, &k->c->arena, name, v);
    return MHD_YES;
}

static void check_framing_whole(struct head_check *k, const char *version)
{
    if (k->encodings > 0 && k->lengths > 0)
        bad(k, 400, "both Content-Length and Transfer-Encoding");
    if (k->encodings > 0 && strcmp(version, "HTTP/1.1") != 0)
        bad(k, 400, "Transfer-Encoding needs HTTP/1.1");
    if (k->encodings > 1 || (k->encodings == 1 && !k->chunked))
        bad(k, 501, "unknown transfer coding");
    if (k->lengths > 1)
        bad(k, 400, "more than one Content-Length");
    if (k->hosts > 1 || (k->hosts == 0 && strcmp(version, "HTTP/1.1") == 0))
        bad(k, 400, "exactly one Host is needed");
}

/* Splits the raw target; absolute form loses scheme and authority. */
static bool target_split(struct rac_http_conn *c)
{
    rac_str t = {c->uri, c->uri_n};
    for (size_t i = 0; i < t.n; i++)
        if ((unsigned char)t.p[i] <= ' ' || t.p[i] == 0x7f)
            return false;
    if (rac_str_startsi(t, RAC_S("http://")) || rac_str_startsi(t, RAC_S("https://"))) {
        t = rac_str_from(t, rac_str_find(t, RAC_S("//")) + 2);
        size_t end = 0;
        while (end < t.n && t.p[end] != '/' && t.p[end] != '?')
            end++;
        t = rac_str_from(t, end);
    }
    size_t fragment = rac_str_find_char(t, '#'); /* has no business here; not part of the path */
    if (fragment != RAC_STR_NPOS)
        t.n = fragment;
    c->x.path = rac_str_cut(t, '?', &c->x.query);
    if (c->x.path.n == 0)
        c->x.path = RAC_S("/");
    return c->x.path.p[0] == '/' || rac_str_eq(c->x.path, RAC_S("*"));
}

/* 0, or the status of the refusal and why. */
static int check_head(struct rac_http_conn *c, const char *method, const char *version,
                      const char **why)
{
    struct head_check k = {.c = c, .bytes = c->uri_n + 32, .line_end = version + strlen(version)};
    c->headers = (struct rac_headers){0};
    MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, on_header, &k);
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    check_line_end(&k, method + size->header_size - 2);
    check_framing_whole(&k, version);
    c->x.method = rac_str_of(method);
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        bad(&k, 505, "HTTP/1.0 and HTTP/1.1 are spoken here");
    if (!rac_header_is_name(c->x.method) || c->x.method.n > 32 || !target_split(c) ||
        version != c->uri_lib + c->uri_n + 1)
        bad(&k, 400, "malformed request line");
    if (k.bytes > c->server->o.head_bytes_max)
        bad(&k, 431, "request head too large");
    c->x.content_length = k.encodings > 0 ? -1 : (int64_t)k.length;
    c->x.has_body = c->x.content_length != 0;
    /* It takes a bare LF in chunk framing, and a trailer line that begins with ':' for the end:
     * what follows a chunked body cannot be trusted to be the next request. */
    c->must_close |= OLD_LIBRARY && c->x.content_length < 0;
    *why = k.why;
    return k.status;
}

static void exchange_begin(struct rac_http_conn *c)
{
    struct rac_http_server *s = c->server;
    c->x.arena = &c->arena;
    c->x.loop = s->loop;
    c->seen_ms = rac_loop_now_ms(s->loop);
    c->began_ns = rac_env_mono_ns(&rac_env_system);
    s->exchanges_n++;
    rac_http_conn_due(c, c->x.has_body ? s->o.body_idle_timeout_ms : s->o.reply_timeout_ms);
}

/* ---- body ---- */

static void body_over(struct rac_http_conn *c)
{
    if (c->body_over)
        return;
    c->body_over = true;
    enum body_mode mode = c->body_mode;
    c->body_mode = BODY_DISCARD;
    rac_buf_fini(&c->body);
    if (mode == BODY_BUFFER)
        c->on_body(c->body_arg, &c->x, RAC_E_LIMIT, RAC_STR_NULL);
    else if (mode == BODY_STREAM && c->on_ready != NULL)
        c->on_ready(c->body_arg);
}

/* Takes what it can of data; the rest stays with the library. */
static size_t body_take(struct rac_http_conn *c, const char *data, size_t n)
{
    size_t take = n;
    if (c->body_mode == BODY_STREAM) {
        size_t waiting = c->body.n - c->body_read;
        size_t room = waiting < STREAM_BODY_BUFFER ? STREAM_BODY_BUFFER - waiting : 0;
        take = n < room ? n : room;
        if (take == 0)
            return 0;
    }
    c->body_bytes += take;
    if (c->body_mode == BODY_DISCARD || c->body_mode == BODY_NONE) {
        if (c->body_bytes > DISCARD_BYTES_MAX)
            rac_http_conn_kill(c);
        return take;
    }
    if (c->body_bytes > c->body_bytes_max) {
        body_over(c);
        return take;
    }
    if (c->body_mode == BODY_STREAM && c->body_read > 0) { /* make room at the front */
        memmove(c->body.p, c->body.p + c->body_read, c->body.n - c->body_read);
        c->body.n -= c->body_read;
        c->body_read = 0;
    }
    rac_buf_add(&c->body, (rac_str){data, take});
    return take;
}

static void on_body_data(struct rac_http_conn *c, const char *data, size_t *n)
{
    size_t took = body_take(c, data, *n);
    *n -= took;
    if (took > 0) {
        c->server->active = true;
        rac_http_conn_due(c, c->server->o.body_idle_timeout_ms);
        if (c->body_mode == BODY_STREAM && c->on_ready != NULL)
            c->on_ready(c->body_arg);
    }
    /* The reader is slow, which is not the client's fault. The library visits a connection with
     * unread data only when more arrives, so there is no waiting in place here. (The reader may
     * have made room meanwhile; then it is wakened at once.) */
    if (*n > 0 && !c->killed) {
        rac_http_conn_due(c, c->server->o.reply_timeout_ms);
        rac_http_conn_suspend(c);
        if (c->body_mode != BODY_STREAM || c->body.n - c->body_read < STREAM_BODY_BUFFER)
            rac_http_conn_wake(c);
    }
}

static void on_body_end(struct rac_http_conn *c)
{
    c->state = EXCHANGE_WAITING;
    c->body_eof = true;
    rac_http_conn_due(c, c->server->o.reply_timeout_ms);
    if (c->body_mode == BODY_BUFFER) {
        rac_str body = rac_arena_str(&c->arena, rac_buf_str(&c->body));
        rac_buf_fini(&c->body);
        c->on_body(c->body_arg, &c->x, RAC_OK, body);
    } else if (c->body_mode == BODY_STREAM && c->on_ready != NULL) {
        c->on_ready(c->body_arg);
    }
}

void rac_http_read_body(struct rac_http_exchange *x, size_t bytes_max,
                        void (*on_body)(void *arg, struct rac_http_exchange *x, rac_err err,
                                        rac_str body),
                        void *arg)
{
    struct rac_http_conn *c = rac_http_conn_of(x);
    RAC_ASSERT(c->in_handler && c->body_mode == BODY_NONE);
    if (!x->has_body) {
        on_body(arg, x, RAC_OK, RAC_S(""));
        return;
    }
    if (x->content_length > 0 && (uint64_t)x->content_length > bytes_max) {
        c->body_mode = BODY_DISCARD;
        on_body(arg, x, RAC_E_LIMIT, RAC_STR_NULL);
        return;
    }
    c->body_mode = BODY_BUFFER;
    c->body_bytes_max = bytes_max;
    c->on_body = on_body;
    c->body_arg = arg;
    rac_buf_init(&c->body, bytes_max + 1);
}

static rac_err stream_read(void *self, char *p, size_t cap, size_t *n, bool *eof)
{
    struct rac_http_conn *c = RAC_CAST(self, struct rac_http_conn, RAC_HTTP_CONN_MAGIC);
    *n = 0;
    *eof = false;
    if (c->body_over)
        return RAC_E_LIMIT;
    size_t have = c->body.n - c->body_read;
    *n = have < cap ? have : cap;
    if (*n > 0)
        memcpy(p, c->body.p + c->body_read, *n);
    c->body_read += *n;
    *eof = c->body_eof && c->body_read == c->body.n;
    if (*n > 0 && !c->body_eof && (c->waiting || c->suspended))
        rac_http_conn_wake(c); /* there is room again */
    return RAC_OK;
}

void rac_http_stream_body(struct rac_http_exchange *x, uint64_t bytes_max, void (*ready)(void *arg),
                          void *arg, struct rac_body_source *src)
{
    struct rac_http_conn *c = rac_http_conn_of(x);
    RAC_ASSERT(c->in_handler && c->body_mode == BODY_NONE);
    c->body_mode = BODY_STREAM;
    c->body_bytes_max = bytes_max;
    c->on_ready = ready;
    c->body_arg = arg;
    c->body_eof = !x->has_body;
    c->body_over = x->content_length > 0 && (uint64_t)x->content_length > bytes_max;
    rac_buf_init(&c->body, 2 * STREAM_BODY_BUFFER);
    *src = (struct rac_body_source){stream_read, x->content_length, c};
}

/* ---- the library's calls ---- */

static void handle(struct rac_http_conn *c)
{
    c->handled = true;
    c->in_handler = true;
    c->server->o.handle(c->server->o.arg, &c->x);
    c->in_handler = false;
}

static enum MHD_Result first_call(struct rac_http_conn *c, const char *method, const char *version)
{
    const char *why = NULL;
    int status = check_head(c, method, version, &why);
    exchange_begin(c);
    if (status != 0) {
        rac_http_conn_refuse(c, status, why);
        c->must_close = true;
        return rac_http_conn_queue(c) ? MHD_YES : MHD_NO;
    }
    c->state = c->x.has_body ? EXCHANGE_BODY : EXCHANGE_WAITING;
    if (!c->x.has_body)
        return MHD_YES; /* the library calls again at once, and then a reply keeps the connection */
    c->server->active = true;
    handle(c);
    if (c->body_mode == BODY_NONE)
        c->body_mode = BODY_DISCARD;
    /* A body that has not begun, or is too long to be read for nothing: reply now and close. */
    if (c->response != NULL && (c->expects_100 || c->x.content_length > DISCARD_BYTES_MAX)) {
        c->must_close = true;
        return rac_http_conn_queue(c) ? MHD_YES : MHD_NO;
    }
    return MHD_YES;
}

static enum MHD_Result call(struct rac_http_conn *c, const char *method, const char *version,
                            const char *data, size_t *data_n)
{
    if (c->killed)
        return MHD_NO;
    if (c->state == EXCHANGE_IDLE)
        return first_call(c, method, version);
    if (*data_n > 0) {
        on_body_data(c, data, data_n);
        return c->killed ? MHD_NO : MHD_YES;
    }
    if (c->state == EXCHANGE_BODY)
        on_body_end(c);
    if (!c->handled)
        handle(c);
    if (c->killed)
        return MHD_NO;
    if (c->response != NULL)
        return rac_http_conn_queue(c) ? MHD_YES : MHD_NO;
    rac_http_conn_wait(c);
    return MHD_YES;
}

enum MHD_Result rac_http_on_request(void *cls RAC_UNUSED, struct MHD_Connection *mhd RAC_UNUSED,
                                    const char *url RAC_UNUSED, const char *method,
                                    const char *version, const char *data, size_t *data_n,
                                    void **ctx)
{
    struct rac_http_conn *c = RAC_CAST(*ctx, struct rac_http_conn, RAC_HTTP_CONN_MAGIC);
    c->in_callback = true;
    enum MHD_Result r = call(c, method, version, data, data_n);
    c->in_callback = false;
    return r;
}

static void exchange_count(struct rac_http_conn *c)
{
    rac_metric_add(RAC_METRIC_HTTP_REQUESTS, 1);
    rac_metric_observe_ns(RAC_METRIC_HTTP_SECONDS, rac_env_mono_ns(&rac_env_system) - c->began_ns);
    unsigned class = (unsigned)(c->status / 100);
    if (class >= 1 && class <= STATUS_CLASSES)
        rac_metric_add_at(RAC_METRIC_HTTP_RESPONSES, c->server->status_labels[class - 1], 1);
}

/* Ready for the next request of the connection: everything of this exchange goes. */
static void exchange_reset(struct rac_http_conn *c)
{
    rac_buf_fini(&c->body);
    rac_buf_fini(&c->out);
    rac_http_conn_drop_replies(c);
    rac_arena_reset(&c->arena);
    memset(&c->x, 0, sizeof c->x);
    /* From killed on all fields are the exchange's, but for what the connection needs. */
    bool killed = c->killed;
    size_t from = offsetof(struct rac_http_conn, state);
    memset((char *)c + from, 0, sizeof *c - from);
    c->killed = killed;
}

void rac_http_on_completed(void *cls RAC_UNUSED, struct MHD_Connection *mhd RAC_UNUSED, void **ctx,
                           enum MHD_RequestTerminationCode why)
{
    if (*ctx == NULL)
        return;
    struct rac_http_conn *c = RAC_CAST(*ctx, struct rac_http_conn, RAC_HTTP_CONN_MAGIC);
    struct rac_http_server *s = c->server;
    *ctx = NULL;
    if (c->queued_in_pass && s->queued > 0)
        s->queued--;
    rac_http_conn_wait_over(c);
    if (c->state != EXCHANGE_IDLE) {
        bool whole = why == MHD_REQUEST_TERMINATED_COMPLETED_OK && c->state == EXCHANGE_SENDING;
        exchange_count(c);
        s->exchanges_n--;
        c->state = EXCHANGE_IDLE;
        if (c->on_closed != NULL)
            c->on_closed(c->closed_arg, whole && !c->stream_aborted);
    }
    exchange_reset(c);
    if (!c->killed)
        rac_http_conn_due(c, s->o.idle_timeout_ms);
}

/* ---- what handlers ask ---- */

rac_str rac_http_header(struct rac_http_exchange *x, const char *name)
{
    return rac_headers_get(&rac_http_conn_of(x)->headers, rac_str_of(name));
}

void rac_http_headers(struct rac_http_exchange *x, struct rac_headers *h)
{
    const struct rac_headers *all = &rac_http_conn_of(x)->headers;
    *h = (struct rac_headers){0};
    for (size_t i = 0; i < all->n; i++)
        rac_headers_add(h, x->arena, all->v[i].name, all->v[i].value);
}

rac_str rac_http_peer(struct rac_http_exchange *x)
{
    struct rac_http_conn *c = rac_http_conn_of(x);
    const struct sockaddr *sa =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    char text[INET6_ADDRSTRLEN] = "";
    if (sa != NULL && sa->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr, text, sizeof text);
    else if (sa != NULL && sa->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)sa)->sin6_addr, text, sizeof text);
    return rac_arena_str(x->arena, rac_str_of(text));
}

rac_str rac_http_request_id(struct rac_http_exchange *x)
{
    struct rac_http_conn *c = rac_http_conn_of(x);
    if (c->request_id.p == NULL) {
        char text[37];
        rac_env_uuid(&rac_env_system, text);
        c->request_id = rac_arena_str(x->arena, rac_str_of(text));
    }
    return c->request_id;
}

void rac_http_on_closed(struct rac_http_exchange *x, void (*fn)(void *arg, bool replied), void *arg)
{
    struct rac_http_conn *c = rac_http_conn_of(x);
    c->on_closed = fn;
    c->closed_arg = arg;
}
