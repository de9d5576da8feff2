/*
 * Replies: buffered, constant, streamed. A reply is made at any time and handed to the library
 * when the request is complete: from the callback that is running, or at once when the exchange
 * waits, or on the pass after a resume.
 */
#include "base/mem.h"
#include "base/str.h"
#include "http/server_priv.h"

enum { HELD_BYTES_MAX = 16 * 1024, STREAM_BLOCK = 32 * 1024, COMPACT_FROM = 64 * 1024 };

struct rac_http_fixed {
    int status;
    struct MHD_Response *keep, *close; /* the second says Connection: close */
};

/* ---- handing over ---- */

bool rac_http_conn_queue(struct rac_http_conn *c)
{
    struct rac_http_server *s = c->server;
    struct MHD_Response *response = c->response;
    c->response = NULL;
    c->state = EXCHANGE_SENDING;
    c->visits = 0;
    rac_http_conn_wait_over(c);
    rac_http_conn_due(c, s->o.body_idle_timeout_ms);
    if (s->running) {
        c->queued_in_pass = true;
        s->queued++;
    }
    bool ok = MHD_queue_response(c->mhd, (unsigned)c->status, response) == MHD_YES;
    if (!c->response_shared)
        MHD_destroy_response(response);
    return ok;
}

void rac_http_conn_drop_replies(struct rac_http_conn *c)
{
    if (c->response != NULL && !c->response_shared)
        MHD_destroy_response(c->response);
    c->response = NULL;
    rac_loop_soon_cancel(c->server->loop, &c->flush);
}

static void reply_made(struct rac_http_conn *c, int status, struct MHD_Response *response)
{
    struct rac_http_server *s = c->server;
    RAC_ASSERT(c->response == NULL && c->state != EXCHANGE_IDLE && c->state != EXCHANGE_SENDING);
    c->status = status;
    c->response = response;
    if (c->state == EXCHANGE_BODY) { /* nobody reads the rest */
        c->body_mode = BODY_DISCARD;
        rac_buf_fini(&c->body);
        c->body_read = 0;
        if (c->waiting || c->suspended)
            rac_http_conn_wake(c);
        return;
    }
    if (c->in_callback)
        return; /* call() hands it over */
    if (s->running || c->suspended) {
        rac_http_conn_wake(c); /* the next pass calls us, and that hands it over */
        rac_http_server_kick(s, 2);
        return;
    }
    if (c->killed || !rac_http_conn_queue(c))
        rac_http_conn_kill(c);
    rac_http_server_kick(s, 1);
}

/* ---- making ---- */

static bool header_is_ours(rac_str name)
{
    static const rac_str ours[] = {RAC_S_INIT("Content-Length"), RAC_S_INIT("Transfer-Encoding"),
                                   RAC_S_INIT("Connection"), RAC_S_INIT("Keep-Alive"),
                                   RAC_S_INIT("Date")};
    for (size_t i = 0; i < RAC_COUNT(ours); i++)
        if (rac_str_eqi(name, ours[i]))
            return true;
    return false;
}

/* The library wants NUL-terminated text; buf serves the short ones. */
static const char *cstr(struct rac_http_conn *c, rac_str s, char *buf, size_t cap)
{
    if (s.n >= cap)
        return rac_arena_cstr(&c->arena, s);
    if (s.n > 0)
        memcpy(buf, s.p, s.n);
    buf[s.n] = '\0';
    return buf;
}

static void headers_add(struct rac_http_conn *c, struct MHD_Response *r,
                        const struct rac_headers *headers)
{
    char name[128], value[512];
    size_t bytes = 0, head_room = c->server->o.head_bytes_max - 512;
    for (size_t i = 0; headers != NULL && i < headers->n; i++) {
        const struct rac_header *h = &headers->v[i];
        if (h->name.n == 0 || memchr(h->name.p, 0, h->name.n) != NULL ||
            (h->value.n > 0 && memchr(h->value.p, 0, h->value.n) != NULL) ||
            header_is_ours(h->name))
            continue;
        size_t cost = h->name.n + h->value.n + 4;
        if (cost > head_room - bytes)
            continue; /* the reply's head must fit the connection's memory */
        bytes += cost;
        /* MHD_NO: a control character or a space in the name; dropped, as the header says. */
        (void)MHD_add_response_header(r, cstr(c, h->name, name, sizeof name),
                                      cstr(c, h->value, value, sizeof value));
    }
    if (c->server->stopping || c->must_close)
        MHD_add_response_header(r, "Connection", "close");
}

static struct MHD_Response *from_bytes(rac_str body)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        body.n, (void *)(uintptr_t)(body.n ? body.p : ""), MHD_RESPMEM_PERSISTENT);
    RAC_ASSERT(r != NULL);
    return r;
}

void rac_http_reply(struct rac_http_exchange *x, int status, const struct rac_headers *headers,
                    rac_str body)
{
    struct rac_http_conn *c = rac_http_conn_of(x);
    RAC_ASSERT(!c->replied && status >= 200 && status <= 999);
    c->replied = true;
    struct MHD_Response *r = from_bytes(body);
    headers_add(c, r, headers);
    reply_made(c, status, r);
}

void rac_http_reply_text(struct rac_http_exchange *x, int status, const char *content_type,
                         rac_str body)
{
    struct rac_header h = {RAC_S("Content-Type"), rac_str_of(content_type)};
    rac_http_reply(x, status, &(struct rac_headers){&h, 1, 1}, body);
}

void rac_http_conn_refuse(struct rac_http_conn *c, int status, const char *why)
{
    static const struct {
        int status;
        const char *code;
    } codes[] = {{400, "BadRequest"},
                 {417, "ExpectationFailed"},
                 {431, "HeaderTooLarge"},
                 {501, "NotImplemented"},
                 {505, "VersionUnsupported"}};
    const char *code = "BadRequest";
    for (size_t i = 0; i < RAC_COUNT(codes); i++)
        if (codes[i].status == status)
            code = codes[i].code;
    c->replied = true;
    c->must_close = true;
    c->status = status;
    c->response = from_bytes(rac_arena_printf(
        &c->arena, "{\"error\":{\"code\":\"%s\",\"message\":\"The request is refused: %s.\"}}\n",
        code, why));
    struct rac_header h = {RAC_S("Content-Type"), RAC_S("application/json")};
    headers_add(c, c->response, &(struct rac_headers){&h, 1, 1});
}

/* ---- constant ---- */

struct rac_http_fixed *rac_http_fixed_new(int status, const char *content_type, rac_str body)
{
    struct rac_http_fixed *f = rac_mem_alloc(sizeof *f);
    f->status = status;
    f->keep = from_bytes(body);
    f->close = from_bytes(body);
    MHD_add_response_header(f->keep, "Content-Type", content_type);
    MHD_add_response_header(f->close, "Content-Type", content_type);
    MHD_add_response_header(f->close, "Connection", "close");
    return f;
}

static struct MHD_Response *copy_of(struct rac_http_conn *c, const struct rac_headers *headers,
                                    rac_str body)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        body.n, (void *)(uintptr_t)(body.n ? body.p : ""), MHD_RESPMEM_MUST_COPY);
    RAC_ASSERT(r != NULL);
    headers_add(c, r, headers);
    return r;
}

struct rac_http_fixed *rac_http_fixed_new_with(struct rac_http_exchange *x, int status,
                                               const struct rac_headers *headers, rac_str body)
{
    struct rac_http_conn *c = rac_http_conn_of(x);
    struct rac_http_fixed *f = rac_mem_alloc(sizeof *f);
    f->status = status;
    f->keep = copy_of(c, headers, body);
    f->close = copy_of(c, headers, body);
    MHD_add_response_header(f->close, "Connection", "close");
    return f;
}

void rac_http_fixed_free(struct rac_http_fixed *f)
{
    if (f == NULL)
        return;
    MHD_destroy_response(f->keep);
    MHD_destroy_response(f->close);
    rac_mem_free(f);
}

void rac_http_reply_fixed(struct rac_http_exchange *x, struct rac_http_fixed *f)
{
    struct rac_http_conn *c = rac_http_conn_of(x);
    RAC_ASSERT(!c->replied);
    c->replied = true;
    struct MHD_Response *r = c->server->stopping || c->must_close ? f->close : f->keep;
    c->response_shared = true;
    reply_made(c, f->status, r);
}

/* ---- streamed ---- */

static void drained(struct rac_http_conn *c)
{
    if (c->stream_full && c->out.n - c->out_read <= RAC_HTTP_STREAM_HIGH / 2) {
        c->stream_full = false;
        if (c->on_drained != NULL)
            c->on_drained(c->drained_arg);
    }
}

static size_t stream_take(struct rac_http_conn *c, uint64_t pos, char *p, size_t cap)
{
    size_t n = c->out.n - c->out_read;
    if (n > cap)
        n = cap;
    /* The last byte of a known length waits for rac_http_reply_end: the exchange must not be over
     * before its producer says so. */
    if (!c->stream_ended && c->stream_length >= 0 && pos + n >= (uint64_t)c->stream_length)
        n = (size_t)c->stream_length > pos ? (size_t)((uint64_t)c->stream_length - pos - 1) : 0;
    if (n > 0)
        memcpy(p, c->out.p + c->out_read, n);
    c->out_read += n;
    return n;
}

static ssize_t on_reader(void *cls, uint64_t pos, char *p, size_t cap)
{
    struct rac_http_conn *c = RAC_CAST(cls, struct rac_http_conn, RAC_HTTP_CONN_MAGIC);
    if (c->killed || c->stream_aborted)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t n = stream_take(c, pos, p, cap);
    if (n > 0) {
        c->server->active = true;
        c->visits = 0;
        c->stream_starved = false;
        rac_http_conn_wait_over(c);
        drained(c);
        return (ssize_t)n;
    }
    if (c->stream_ended)
        return c->stream_length >= 0 ? MHD_CONTENT_READER_END_WITH_ERROR
                                     : MHD_CONTENT_READER_END_OF_STREAM;
    c->stream_starved = true;
    c->in_callback = true;
    rac_http_conn_wait(c);
    c->in_callback = false;
    drained(c);
    return 0;
}

/* Gives the stream to the library, which will pull from it. */
static void stream_begin(struct rac_http_conn *c)
{
    rac_loop_soon_cancel(c->server->loop, &c->flush);
    c->held = false;
    struct MHD_Response *r = MHD_create_response_from_callback(
        c->stream_length < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)c->stream_length, STREAM_BLOCK,
        on_reader, c, NULL);
    RAC_ASSERT(r != NULL);
    if (c->stream_bodyless && c->stream_length < 0)
        /* chunked, the library would send the last chunk */
        MHD_set_response_options(r, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    headers_add(c, r, &c->held_headers);
    reply_made(c, c->held_status, r);
}

/* Runs after the tasks that were queued when it was, so that a fetch which ended in this turn has
 * said so. */
static void on_flush(void *arg)
{
    struct rac_http_conn *c = RAC_CAST(arg, struct rac_http_conn, RAC_HTTP_CONN_MAGIC);
    if (c->flush_next) {
        c->flush_next = false;
        rac_loop_soon(c->server->loop, &c->flush);
    } else if (c->held && !c->stream_bodyless) {
        stream_begin(c);
    }
}

void rac_http_reply_start(struct rac_http_exchange *x, int status,
                          const struct rac_headers *headers, int64_t length,
                          void (*on_drained)(void *arg), void *arg)
{
    struct rac_http_conn *c = rac_http_conn_of(x);
    RAC_ASSERT(!c->replied && status >= 200 && status <= 999);
    c->replied = true;
    c->streaming = true;
    c->stream_length = length;
    c->on_drained = on_drained;
    c->drained_arg = arg;
    /* Without a body it would be over at once: such an answer is held until its end. */
    c->stream_bodyless =
        length == 0 || status == 204 || status == 304 || rac_str_eq(x->method, RAC_S("HEAD"));
    rac_buf_init(&c->out, SIZE_MAX / 4);
    c->held = true;
    c->held_status = status;
    for (size_t i = 0; headers != NULL && i < headers->n; i++)
        rac_headers_add(&c->held_headers, x->arena, rac_arena_str(x->arena, headers->v[i].name),
                        rac_arena_str(x->arena, headers->v[i].value));
    c->flush = (struct rac_task){.fn = on_flush, .arg = c};
    c->flush_next = true;
    if (!c->stream_bodyless)
        rac_loop_soon(c->server->loop, &c->flush);
}

bool rac_http_reply_write(struct rac_http_exchange *x, rac_str bytes)
{
    struct rac_http_conn *c = rac_http_conn_of(x);
    RAC_ASSERT(c->streaming && !c->stream_ended);
    if (c->stream_bodyless || c->killed || c->stream_aborted)
        return true;
    if (c->out_read == c->out.n) {
        c->out.n = c->out_read = 0;
    } else if (c->out_read >= COMPACT_FROM && c->out_read >= c->out.n / 2) {
        memmove(c->out.p, c->out.p + c->out_read, c->out.n - c->out_read);
        c->out.n -= c->out_read;
        c->out_read = 0;
    }
    rac_buf_add(&c->out, bytes);
    if (c->held && c->out.n > HELD_BYTES_MAX)
        stream_begin(c);
    if (c->stream_starved && bytes.n > 0) {
        c->stream_starved = false;
        rac_http_conn_wake(c);
    }
    c->stream_full = c->out.n - c->out_read >= RAC_HTTP_STREAM_HIGH;
    return !c->stream_full;
}

void rac_http_reply_end(struct rac_http_exchange *x)
{
    struct rac_http_conn *c = rac_http_conn_of(x);
    RAC_ASSERT(c->streaming && !c->stream_ended);
    c->stream_ended = true;
    if (c->held) {
        if (c->stream_bodyless ||
            (c->stream_length >= 0 && (uint64_t)c->stream_length != c->out.n)) {
            stream_begin(c);
            return;
        }
        rac_loop_soon_cancel(c->server->loop, &c->flush);
        c->held = false;
        struct MHD_Response *r = from_bytes(rac_buf_str(&c->out));
        headers_add(c, r, &c->held_headers);
        reply_made(c, c->held_status, r);
        return;
    }
    c->stream_starved = false;
    if (c->state == EXCHANGE_SENDING)
        rac_http_conn_wake(c);
}

void rac_http_reply_abort(struct rac_http_exchange *x)
{
    struct rac_http_conn *c = rac_http_conn_of(x);
    c->stream_aborted = true;
    rac_http_conn_kill(c);
}
