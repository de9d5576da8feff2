/*
 * server - HTTP/1.1 in: one libmicrohttpd daemon per loop behind this header.
 *
 * Each worker has its own listener (SO_REUSEPORT) and answers what it accepted. The handler is
 * called once per request, when its head is complete and passed the strict checks (no ambiguous
 * framing, names and sizes within limits; what fails is answered here: 400, 413, 414, 431, 501).
 * It either replies at once (cheapest) or keeps the exchange and replies later from the same loop.
 * TLS and HTTP/2 are a front proxy's business. Loop thread only.
 *
 *     static void handle(void *arg, struct rac_http_exchange *x)
 *     {
 *         if (rac_str_eq(x->path, RAC_S("/healthz")))
 *             rac_http_reply_text(x, 200, "text/plain", RAC_S("ok\n"));
 *         else
 *             rac_http_read_body(x, 1 << 20, got_body, arg);   // or start a fetch, ...
 *     }
 *
 * Life of an exchange: handle -> (body) -> reply -> closed. rac_http_on_closed is called exactly
 * once: after the reply was handed to the network, or when the client left or a deadline cut the
 * exchange before that. Work in flight for an exchange must be cancelled there; afterwards the
 * exchange and its arena are gone. Until then it stays valid, however late the reply comes.
 */
#ifndef RAC_HTTP_SERVER_H
#define RAC_HTTP_SERVER_H

#include "base/arena.h"
#include "base/base.h"
#include "base/fetch.h"

struct rac_loop;
struct rac_http_server;

struct rac_http_exchange {
    rac_str method;          /* as sent, upper case by convention */
    rac_str path;            /* raw, not decoded, starts with '/' (or is "*") */
    rac_str query;           /* raw, without '?'; absent when there is none */
    struct rac_arena *arena; /* this exchange's; ends with it */
    struct rac_loop *loop;   /* the worker's */
    int64_t content_length;  /* of the request; -1 chunked, 0 none */
    bool has_body;           /* content_length is not 0 */
    void *user;              /* the handler's own */
};

struct rac_http_server_options { /* zero gives each default */
    const char *host;            /* IPv4, IPv6 or name of this machine; NULL: 127.0.0.1 */
    uint16_t port;               /* 0: any free one; see rac_http_server_port */
    bool reuse_port;             /* several servers share the port, one per worker */
    bool alone; /* fails when anybody listens there already, sharing or not: for the first of
                   several servers, so that two programs do not share by mistake */
    void (*handle)(void *arg, struct rac_http_exchange *x);
    void *arg;
    size_t connections_max;       /* 4096 */
    size_t head_bytes_max;        /* request line and headers; 8 KiB. More costs CPU on every
                                     request, see docs/internals/http.md */
    size_t arena_bytes_max;       /* of one exchange; 256 MiB (holds a buffered body) */
    int64_t idle_timeout_ms;      /* until a request's head is complete, also between
                                     requests; 60,000 */
    int64_t body_idle_timeout_ms; /* without a byte of an expected body, or without the client
                                     taking a byte of the reply; 60,000 */
    int64_t reply_timeout_ms;     /* from the head to the reply's beginning; 300,000 */
};

/* Binds and listens before it returns. Failure: *error (in a) says host, port and why. */
rac_err rac_http_server_start(struct rac_loop *loop, const struct rac_http_server_options *o,
                              struct rac_arena *a, struct rac_http_server **out,
                              rac_str *error) RAC_MUST_CHECK;
uint16_t rac_http_server_port(const struct rac_http_server *s);
/* Stops accepting, closes idle connections, lets exchanges in flight finish (their replies say
 * Connection: close), cuts what is left after grace_ms; then calls done(arg) once. */
void rac_http_server_stop(struct rac_http_server *s, int64_t grace_ms, void (*done)(void *arg),
                          void *arg);
void rac_http_server_free(struct rac_http_server *s); /* cuts whatever is still open */

/* ---- the request ---- */
/* First header of that name (letter case ignored), absent if there is none; not copied, valid
 * until the exchange is closed. */
rac_str rac_http_header(struct rac_http_exchange *x, const char *name);
/* All headers in order, into h (in the exchange's arena; names and values not copied). */
void rac_http_headers(struct rac_http_exchange *x, struct rac_headers *h);
/* Address of the other end without port ("192.0.2.7"), in the exchange's arena. */
rac_str rac_http_peer(struct rac_http_exchange *x);
/* A UUID for this request, made on first use; in the exchange's arena. */
rac_str rac_http_request_id(struct rac_http_exchange *x);

/* Called once when the exchange is over; replied false: the client left (or was cut) before a
 * reply was complete. Set before the handler returns or not at all. */
void rac_http_on_closed(struct rac_http_exchange *x, void (*fn)(void *arg, bool replied),
                        void *arg);

/* Body, buffered: on_body once, from the loop, with RAC_OK and the whole body in the exchange's
 * arena (empty when there was none), or RAC_E_LIMIT (more than bytes_max; reply 413). Not called
 * when the client leaves first. Call from the handler. Without a body it is called from inside. */
void rac_http_read_body(struct rac_http_exchange *x, size_t bytes_max,
                        void (*on_body)(void *arg, struct rac_http_exchange *x, rac_err err,
                                        rac_str body),
                        void *arg);
/* Body, streamed: a source to pull from (for struct rac_fetch_req) with a small buffer behind it;
 * the client is held back while it is full. ready(arg): a pull that found nothing may be repeated.
 * bytes_max: past it read answers RAC_E_LIMIT. Call from the handler. src valid until closed. */
void rac_http_stream_body(struct rac_http_exchange *x, uint64_t bytes_max, void (*ready)(void *arg),
                          void *arg, struct rac_body_source *src);

/* ---- the reply: one of these, once ---- */
/* Content-Length, Date, Connection are added here (headers of those names, and
 * Transfer-Encoding, are dropped). body is borrowed until closed: static or in x->arena.
 * An unread request body is discarded. Header values with control characters are dropped, and
 * headers for which a head of head_bytes_max has no room. */
void rac_http_reply(struct rac_http_exchange *x, int status, const struct rac_headers *headers,
                    rac_str body);
void rac_http_reply_text(struct rac_http_exchange *x, int status, const char *content_type,
                         rac_str body);
/* A constant answer made once per server and sent many times: the cheapest of all. */
struct rac_http_fixed;
struct rac_http_fixed *rac_http_fixed_new(int status, const char *content_type, rac_str body);
/* The same with any headers, for an answer made at run time and sent more than once: body is
 * copied; replies under way outlive fixed_free. */
struct rac_http_fixed *rac_http_fixed_new_with(struct rac_http_exchange *x, int status,
                                               const struct rac_headers *headers, rac_str body);
void rac_http_fixed_free(struct rac_http_fixed *f);
void rac_http_reply_fixed(struct rac_http_exchange *x, struct rac_http_fixed *f);

/* Streamed: start, write any number of times, end. length -1: chunked. write copies; false means
 * "enough for now": hold the producer until drained(arg) is called (bytes were taken all the
 * same). Memory stays within RAC_HTTP_STREAM_HIGH plus one write. abort cuts the connection so
 * that the client can tell the body is not whole. */
enum { RAC_HTTP_STREAM_HIGH = 256 * 1024 };
void rac_http_reply_start(struct rac_http_exchange *x, int status,
                          const struct rac_headers *headers, int64_t length,
                          void (*drained)(void *arg), void *arg);
bool rac_http_reply_write(struct rac_http_exchange *x, rac_str bytes);
void rac_http_reply_end(struct rac_http_exchange *x);
void rac_http_reply_abort(struct rac_http_exchange *x);

#endif
