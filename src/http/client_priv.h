/*
 * client_priv - the inside of the client:
 *
 *   client.c         a client, its fetches from start to done, the task that runs once per turn
 *   client_request.c what is checked and decided before a request goes out
 *   client_answer.c  what comes back, by either way, on its way to the owner
 *   client_error.c   failures as sentences
 *   client_socket.c  sockets on the loop; what curl wants of them
 *   client_curl.c    the way of most requests: libcurl
 *   client_direct.c  the way of plain http requests: kept connections of our own
 *
 * Two ways. libcurl does names, proxies, TLS, HTTP/2 and streamed uploads, at a price of some
 * 80,000 instructions for a small exchange on a kept connection. A plain http request to a plain
 * host needs none of that but the connection, so there libcurl makes the connection (resolver,
 * egress guard, several addresses) and hands it over; requests then go over it directly.
 *
 * curl calls us from inside curl_multi_socket_action and may not be called back from there; so
 * starting, resuming and cancelling are queued, and done is called from the task that collects
 * finished transfers. Fetches that go directly follow the same path.
 */
#ifndef RAC_HTTP_CLIENT_PRIV_H
#define RAC_HTTP_CLIENT_PRIV_H

#include "base/buf.h"
#include "http/client.h"
#include "http/http1.h"
#include "http/inflate.h"
#include "loop/deadline.h"
#include "loop/worker.h"

#include <curl/curl.h>
#include <uv.h>

enum {
    RAC_HTTP_CLIENT_MAGIC = 0x434c4954,
    RAC_FETCH_MAGIC = 0x46455443,
    RAC_ORIGIN_BUCKETS = 64,
    RAC_DIRECT_READ_BYTES = 64 * 1024,
};

enum fetch_state {
    FETCH_POOLED,
    FETCH_QUEUED,     /* started; the task has not seen it */
    FETCH_RUNNING,    /* curl has it */
    FETCH_WAITING,    /* direct: every connection is taken */
    FETCH_CONNECTING, /* direct: curl makes the connection */
    FETCH_DIRECT,     /* direct: on its connection */
    FETCH_OVER        /* cancelled or finished, not yet let go */
};

struct rac_direct_conn;
struct rac_direct_origin;

/* One exchange; pooled. Loop thread. */
struct rac_fetch {
    uint32_t magic;
    struct rac_http_client *client;
    struct rac_fetch *next, **link; /* on the pool or the list of those in flight */
    struct rac_fetch *todo_next;    /* to begin, to resume or to drop */
    bool todo;
    enum fetch_state state;

    struct rac_arena *a;
    struct rac_fetch_events ev;
    const struct rac_body_source *source;
    rac_str method, url, body;
    struct rac_deadline deadline;
    int64_t timeout_ms, connect_timeout_ms;
    uint64_t started_ms;
    rac_ns started_ns;
    size_t bytes_max;
    bool connecting; /* the deadline is that of connecting */
    bool is_head, keep_encoded;
    bool resume; /* wanted */

    struct rac_fetch_res res;
    size_t head_bytes;
    bool head_done, encoded;
    char *exact; /* body of known length, in a */
    size_t exact_n, exact_cap;
    struct rac_buf collected;
    rac_err why;           /* our own reason to stop, whatever curl makes of it */
    const char *denied_as; /* what the guard said */
    char denied_addr[64];

    /* curl */
    bool added; /* with the multi */
    bool via_proxy;

    /* direct; see client_direct.c */
    struct rac_direct_origin *origin;
    struct rac_direct_conn *conn;
    struct rac_fetch *wait_next;
    bool direct;      /* goes this way */
    rac_str key;      /* of the origin, in a */
    rac_str out_head; /* the request's head, in a */
    size_t sent;      /* of head and body */
    bool fresh;       /* kept connections have failed it: only a new one will do */
    bool paused, unpack_more;
    struct rac_http1_body framing;
    bool keep;              /* what the answer says of the connection */
    struct rac_buf in_head; /* of an answer whose head came in pieces */
    struct rac_buf held;    /* received and not yet looked at, while paused */
    struct rac_inflate *inflate;

    /* From here on kept while pooled. */
    CURL *easy;    /* NULL: not needed so far */
    bool worn;     /* it must be reset before its next use */
    bool cert_set; /* it knows a client certificate */
    unsigned uses; /* since it was reset */
    char error[CURL_ERROR_SIZE];
};

/* A socket registered with the loop, from its first request until it is closed. */
struct sock {
    uv_poll_t poll;
    struct rac_http_client *client;
    int fd, events;
    bool ours; /* a connection (kept registered), not one of curl's internal sockets */
    bool idle; /* curl's, and no transfer uses it */
    struct rac_direct_conn *direct; /* not curl's any more */
};

/* Loop thread. */
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
    struct rac_fetch *pool, *active; /* active: started and not over */
    struct rac_fetch *todo, **todo_end;
    size_t pool_n, active_n;
    struct rac_deadline timer; /* what curl asked for */
    struct rac_task task;
    bool in_curl, expired;
    struct rac_fetch *calling; /* whose on_headers, on_data or source is running */

    struct rac_direct_origin *origins[RAC_ORIGIN_BUCKETS];
    size_t origins_n, direct_n, waiting_n; /* origins, connections, fetches that wait for one */
    struct rac_deadline sweep;             /* of what is not used any more */
    char *read_buf;                        /* RAC_DIRECT_READ_BYTES, shared by all */
};

static inline struct rac_http_client *rac_http_client_of(void *arg)
{
    return RAC_CAST(arg, struct rac_http_client, RAC_HTTP_CLIENT_MAGIC);
}

static inline struct rac_fetch *rac_fetch_of(void *arg)
{
    return RAC_CAST(arg, struct rac_fetch, RAC_FETCH_MAGIC);
}

#define RAC_CURL_MUST(call) RAC_ASSERT((call) == CURLE_OK)

/* client.c */
void rac_fetch_todo(struct rac_fetch *f); /* the task shall look at it */
void rac_http_client_soon(struct rac_http_client *c);
/* Over: tells the owner and lets go; whichever way had it has let go already. */
void rac_fetch_finish(struct rac_fetch *f);

/* client_request.c. False: f->res says why. */
bool rac_fetch_check(struct rac_fetch *f, const struct rac_fetch_req *req);
bool rac_fetch_header_is_ours(rac_str name); /* set by the client, never by the caller */
/* The URL as the direct way needs it: *key "host:port", *host as it stands in Host, *target. False:
 * it is not so plain, and libcurl's. */
bool rac_fetch_plain_url(struct rac_fetch *f, rac_str *key, rac_str *host, rac_str *target);

/* client_answer.c */
enum rac_taken { RAC_TAKEN, RAC_TAKEN_PAUSE, RAC_TAKEN_STOP };
bool rac_fetch_head_end(struct rac_fetch *f); /* head is complete; false: stop */
enum rac_taken rac_fetch_take(struct rac_fetch *f, rac_str bytes);
void rac_fetch_body_give(struct rac_fetch *f);            /* collected body into res */
bool rac_fetch_stopped(struct rac_fetch *f, rac_err why); /* false, for return */

/* client_error.c: res.err and res.error */
void rac_fetch_fail(struct rac_fetch *f, rac_err err, rac_str sentence);
void rac_fetch_fail_curl(struct rac_fetch *f, CURLcode code);
void rac_fetch_fail_denied(struct rac_fetch *f);
void rac_fetch_fail_late(struct rac_fetch *f, bool connecting);
#define RAC_FETCH_FAIL(f, err, ...)                                                                \
    rac_fetch_fail((f), (err), rac_arena_printf((f)->a, __VA_ARGS__))

/* client_socket.c */
void rac_http_sock_watch(struct sock *s, int events); /* UV_READABLE | UV_WRITABLE */
struct sock *rac_http_sock_get(struct rac_http_client *c, int fd);
void rac_http_sock_drop(struct sock *s); /* unregisters; does not close the descriptor */
void rac_http_socks_setup(struct rac_http_client *c); /* curl's multi callbacks */
void rac_http_sock_options(struct rac_fetch *f);      /* curl's easy callbacks */
void rac_http_curl_action(struct rac_http_client *c, curl_socket_t fd, int flags);

/* client_curl.c */
bool rac_fetch_curl_set_up(struct rac_fetch *f,
                           const struct rac_fetch_req *req); /* false: res says */
void rac_fetch_curl_begin(struct rac_fetch *f);
void rac_fetch_curl_remove(struct rac_fetch *f); /* if it is with curl */
void rac_fetch_curl_forget(struct rac_fetch *f); /* no secret stays in a pooled handle */
void rac_fetch_curl_resume(struct rac_fetch *f);
void rac_fetch_curl_connect(struct rac_fetch *f); /* only a connection, for the direct way */
void rac_http_curl_collect(struct rac_http_client *c);
bool rac_fetch_curl_connected(struct rac_fetch *f);
void rac_fetch_curl_times(struct rac_fetch *f);

/* client_direct.c */
/* False: this request goes through curl. */
bool rac_fetch_direct_set_up(struct rac_fetch *f, const struct rac_fetch_req *req);
void rac_fetch_direct_begin(struct rac_fetch *f);
void rac_fetch_direct_connected(struct rac_fetch *f, CURLcode code);
void rac_fetch_direct_resume(struct rac_fetch *f);
void rac_fetch_direct_drop(struct rac_fetch *f); /* gives up its place, its connection is closed */
void rac_http_direct_event(struct rac_direct_conn *conn, int events);
void rac_http_direct_setup(struct rac_http_client *c);
void rac_http_direct_close_all(struct rac_http_client *c);

#endif
