/*
 * server_priv - the inside of the server, for server.c (daemon and connections), exchange.c
 * (requests) and reply.c.
 *
 * How an exchange waits. libmicrohttpd offers two ways to wait for an answer: suspend the
 * connection (takes it out of its epoll set and puts it back: several system calls), or return
 * from the handler without an answer and be called again on every pass. The second is free when
 * the answer comes after a few passes, which is the common case of a fast backend. So an exchange
 * first waits "in place", and is suspended when it has been visited VISITS_MAX times; the cost is
 * at most about twice that of the better choice.
 *
 * Passes. A pass is one MHD_run. While exchanges wait in place the library believes that it always
 * has work, so its own timeout of 0 means nothing; what is left to do is then known from what the
 * callbacks of the pass did (server.active), with a slow fallback timer behind it.
 */
#ifndef RAC_HTTP_SERVER_PRIV_H
#define RAC_HTTP_SERVER_PRIV_H

#include "base/buf.h"
#include "http/server.h"
#include "loop/deadline.h"
#include "loop/worker.h"

#include <microhttpd.h>
#include <uv.h>

enum {
    RAC_HTTP_SERVER_MAGIC = 0x53525652,
    RAC_HTTP_CONN_MAGIC = 0x434f4e4e,
    VISITS_MAX = 96,
    HEADERS_MAX = 256,
    HEADER_COST = 64, /* of the library's memory, beside the text */
    HEAD_BYTES_LEAST = 4096,
    STREAM_BODY_BUFFER = 64 * 1024,
    STATUS_CLASSES = 5,
    DISCARD_BYTES_MAX = 64 * 1024 * 1024, /* of a body nobody wants, to deliver the reply */
};

/* What becomes of the request's body. */
enum body_mode { BODY_NONE, BODY_BUFFER, BODY_STREAM, BODY_DISCARD };

/* Where the exchange is. IDLE: between requests, or its head is still arriving. */
enum exchange_state {
    EXCHANGE_IDLE,
    EXCHANGE_BODY,    /* head handled, body arriving */
    EXCHANGE_WAITING, /* request complete, no reply handed to the library */
    EXCHANGE_SENDING  /* the library has the reply */
};

struct rac_http_conn {
    struct rac_http_exchange x; /* first: the public face is the same object */
    uint32_t magic;
    struct rac_http_server *server;
    struct MHD_Connection *mhd;
    struct rac_http_conn *next, **link;
    int fd;

    struct rac_deadline deadline; /* fires at or before due_ms, then looks again */
    uint64_t due_ms;
    uint64_t acked_bytes; /* by the client, when a sending exchange was last looked at */
    uint64_t seen_ms;     /* request head complete */
    rac_ns began_ns;

    struct rac_arena arena;
    enum exchange_state state;
    bool killed;         /* cut at the next chance */
    bool suspended;      /* libmicrohttpd knows it as suspended */
    bool waiting;        /* counted in server->waiting */
    bool in_handler;     /* inside server->handle for this exchange */
    bool in_callback;    /* inside a library callback for this connection */
    bool handled;        /* server->handle was called */
    bool expects_100;    /* the client waits for 100 Continue */
    bool must_close;     /* reply with Connection: close */
    bool queued_in_pass; /* reply handed over during the pass under way */
    unsigned visits;

    char *uri; /* raw target, in the arena */
    size_t uri_n;
    const char *uri_lib; /* the library's copy, to find bytes it cut off */
    struct rac_headers headers;

    enum body_mode body_mode;
    uint64_t body_bytes_max, body_bytes; /* cap; received so far */
    struct rac_buf body;                 /* BUFFER: all of it; STREAM: what waits for the reader */
    size_t body_read;                    /* STREAM: bytes of body already pulled */
    bool body_eof, body_over;
    void (*on_body)(void *arg, struct rac_http_exchange *x, rac_err err, rac_str body);
    void (*on_ready)(void *arg);
    void *body_arg;

    struct MHD_Response *response; /* made, not yet handed over; owned unless shared */
    bool response_shared;          /* a constant reply's */
    int status;
    bool replied; /* a reply was made */
    bool streaming, stream_ended, stream_aborted, stream_full;
    bool stream_starved;  /* the library asked and got nothing */
    bool stream_bodyless; /* no byte of body will be sent: HEAD, 204, 304, length 0 */
    int64_t stream_length;
    /* Begun and not yet given to the library: a small answer that ends within the turn goes out in
     * one piece, head and body in one send. */
    bool held;
    struct rac_headers held_headers;
    int held_status;
    struct rac_task flush;
    bool flush_next;
    struct rac_buf out; /* streamed reply: written, not yet taken */
    size_t out_read;
    void (*on_drained)(void *arg);
    void *drained_arg;

    void (*on_closed)(void *arg, bool replied);
    void *closed_arg;
    rac_str request_id;
};

struct rac_http_server {
    uint32_t magic;
    struct rac_loop *loop;
    struct rac_http_server_options o;
    struct MHD_Daemon *daemon;
    uv_poll_t poll; /* on the daemon's epoll descriptor */
    struct rac_task pass;
    struct rac_deadline fallback, sweep, grace;
    int64_t fallback_ms;
    struct rac_http_conn *conns;
    size_t conns_n, exchanges_n;
    size_t waiting;  /* exchanges waiting in place */
    bool running;    /* inside MHD_run */
    bool active;     /* the pass did something that may need another */
    unsigned queued; /* replies handed over in this pass and not yet sent whole */
    unsigned passes; /* passes wanted at least */
    bool again;      /* a pass is wanted whatever the library thinks */
    unsigned status_labels[STATUS_CLASSES]; /* 1xx to 5xx, of the metric */
    uint16_t port;
    int listen_fd;
    bool stopping, closed;
    void (*stopped)(void *arg);
    void *stopped_arg;
    struct rac_task stopped_task;
};

static inline struct rac_http_conn *rac_http_conn_of(const struct rac_http_exchange *x)
{
    return RAC_CAST(x, struct rac_http_conn, RAC_HTTP_CONN_MAGIC);
}

/* server.c */
void rac_http_server_kick(struct rac_http_server *s, unsigned passes); /* run soon */
void rac_http_conn_due(struct rac_http_conn *c, int64_t after_ms);
void rac_http_conn_kill(struct rac_http_conn *c);
void rac_http_conn_wake(struct rac_http_conn *c);      /* something it waited for is there */
void rac_http_conn_wait(struct rac_http_conn *c);      /* in a callback: nothing to do now */
void rac_http_conn_suspend(struct rac_http_conn *c);   /* the same, for long */
void rac_http_conn_wait_over(struct rac_http_conn *c); /* not waiting in place any more */

/* exchange.c: libmicrohttpd's callbacks */
void *rac_http_on_uri(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result rac_http_on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version, const char *data,
                                    size_t *data_n, void **ctx);
void rac_http_on_completed(void *cls, struct MHD_Connection *mhd, void **ctx,
                           enum MHD_RequestTerminationCode why);

/* reply.c */
bool rac_http_conn_queue(struct rac_http_conn *c); /* hands c->response over; false: refused */
void rac_http_conn_drop_replies(struct rac_http_conn *c); /* what was made and not handed over */
void rac_http_conn_refuse(struct rac_http_conn *c, int status, const char *why);

#endif
