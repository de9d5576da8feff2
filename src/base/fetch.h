/*
 * fetch - the port for outbound HTTP: declared here, implemented by http/client, faked in tests.
 *
 * Async contract: start never calls back before it returns; then on_headers at most once,
 * on_data any number of times, done exactly once. After cancel returns, nothing more is called.
 * All callbacks come from the loop of the thread that started the fetch.
 *
 * The implementation applies the egress guard on every connection, never follows redirects by
 * itself (the call pipeline does, one guarded hop at a time), decodes what it offered to (gzip,
 * deflate, over TLS br as well), verifies TLS.
 */
#ifndef RAC_BASE_FETCH_H
#define RAC_BASE_FETCH_H

#include "base/arena.h"
#include "base/base.h"

struct rac_header {
    rac_str name, value;
};

struct rac_headers {
    struct rac_header *v;
    size_t n, cap;
};
/* What may stand in a header (RFC 9110 §5.1, §5.5): one or more tchar; no CR, LF or NUL. */
bool rac_header_is_name(rac_str s);
bool rac_header_is_value(rac_str s);
/* First value of name (letter case ignored), or the absent slice. */
rac_str rac_headers_get(const struct rac_headers *h, rac_str name);
void rac_headers_add(struct rac_headers *h, struct rac_arena *a, rac_str name, rac_str value);
void rac_headers_set(struct rac_headers *h, struct rac_arena *a, rac_str name, rac_str value);
void rac_headers_del(struct rac_headers *h, rac_str name);

/* Where a request body comes from when it is not in memory. The consumer pulls; 0 bytes and
 * *eof false means "nothing yet": the producer calls rac_fetcher.resume when there is more. */
struct rac_body_source {
    rac_err (*read)(void *self, char *p, size_t cap, size_t *n, bool *eof);
    int64_t length; /* -1 unknown: chunked */
    void *self;
};

struct rac_fetch_req {
    rac_str method, url;                  /* url is absolute http(s) */
    const struct rac_headers *headers;    /* sent as given; Host, Content-Length are the client's */
    rac_str body;                         /* absent: none, unless source is set */
    const struct rac_body_source *source; /* streaming body, or NULL */
    int64_t connect_timeout_ms, timeout_ms; /* 0: the client's defaults (10 s, 120 s) */
    size_t response_bytes_max; /* of a buffered body; 0: the client's default (100 MB) */
    rac_str client_cert_pem, client_key_pem; /* mutual TLS, or absent */
    bool keep_encoded; /* the body as it was sent, with its Content-Encoding */
};

/* What came back. In the arena given to start, except body when on_data streamed it (absent). */
struct rac_fetch_res {
    rac_err err;   /* RAC_OK: an HTTP answer of any status was received completely */
    rac_str error; /* sentence when err is not RAC_OK: "connection refused by 127.0.0.1:9" */
    int status;    /* HTTP status, 0 without one */
    struct rac_headers headers;
    rac_str body;
    rac_ns dns_ns, connect_ns, tls_ns, first_byte_ns, total_ns; /* since start */
};

struct rac_fetch; /* one exchange; owned by the fetcher until done or cancel */

struct rac_fetch_events {
    /* Streaming: called when status and headers are there. Return false to abort. May be NULL. */
    bool (*on_headers)(void *arg, const struct rac_fetch_res *res);
    /* Streaming: body bytes. Return false to pause until rac_fetcher.resume; the bytes have been
     * taken all the same. NULL: the body is buffered into res->body. */
    bool (*on_data)(void *arg, rac_str bytes);
    void (*done)(void *arg, const struct rac_fetch_res *res);
    void *arg;
};

struct rac_fetcher {
    /* Copies what it needs of req except body bytes and source, which it borrows until done. */
    struct rac_fetch *(*start)(void *self, const struct rac_fetch_req *req, struct rac_arena *a,
                               const struct rac_fetch_events *ev);
    void (*resume)(void *self, struct rac_fetch *f); /* more body to send or room to receive */
    void (*cancel)(void *self, struct rac_fetch *f);
    void *self;
};

#endif
