/*
 * client - outbound HTTP: the struct rac_fetcher (base/fetch.h) made of one libcurl multi per loop.
 *
 * Connections are kept and reused; every new one passes the egress guard after name resolution.
 * http and https only; redirects are never followed; TLS 1.2 or newer, verified; HTTP/2 where the
 * server offers it. gzip and deflate bodies (br too, except on plain http) arrive decoded: then
 * Content-Encoding and Content-Length are left out of the answer's headers, and size caps count
 * decoded bytes. Not so where a request asks for what was sent (keep_encoded).
 * A request's own Host, Content-Length, Transfer-Encoding, Connection and Accept-Encoding headers
 * are ignored; names and values that could split the request are refused (RAC_E_INVALID).
 * Names are resolved on curl's own threads, nothing blocks the loop. Loop thread only.
 *
 * With a proxy the guard judges the proxy's address (the administrator named it) and literal
 * addresses in the URL; what a name resolves to is then known to the proxy alone, which must
 * refuse private networks itself.
 *
 * What err of an answer means: INVALID the request or its URL, DENIED the guard (or a proxy),
 * UNREACHABLE no connection, TLS handshake or certificate, TIMEOUT, LIMIT the answer is larger
 * than the cap or its head is, IO the connection broke or what came is not HTTP, CANCELLED the
 * receiver said stop.
 */
#ifndef RAC_HTTP_CLIENT_H
#define RAC_HTTP_CLIENT_H

#include "base/fetch.h"
#include "http/guard.h"

struct rac_loop;
struct rac_http_client;

struct rac_http_client_options {        /* zero gives each default; strings are copied */
    const struct rac_http_guard *guard; /* borrowed until free; NULL: nothing is allowed */
    rac_str ca_file;     /* egress.ca_file: PEM, trusted besides the system's authorities */
    rac_str proxy;       /* "http://proxy:3128"; absent: none. The environment is never read */
    rac_str no_proxy;    /* hosts reached directly, comma-separated */
    rac_str user_agent;  /* sent when a request has none; absent: none */
    const char *resolve; /* tests: one CURLOPT_RESOLVE entry "name:port:address" */
    size_t connections_max, connections_per_host_max; /* kept and open, of plain http and of
                                                          the rest each; 512, 0 (no limit) */
    int64_t connect_timeout_ms, timeout_ms;           /* 10,000, 120,000 */
    size_t response_bytes_max;                        /* of a buffered body; 100 MB */
    size_t response_head_bytes_max;                   /* 64 KiB */
    bool http1_only;
};

rac_err rac_http_client_new(struct rac_loop *loop, const struct rac_http_client_options *o,
                            struct rac_http_client **out) RAC_MUST_CHECK; /* owned */
void rac_http_client_free(struct rac_http_client *c); /* fetches in flight are cancelled */
struct rac_fetcher rac_http_client_fetcher(struct rac_http_client *c); /* valid until free */
size_t rac_http_client_active(const struct rac_http_client *c);        /* fetches in flight */

/* For commands: a private loop and client, one exchange, everything closed again. *res in a. */
void rac_http_fetch_blocking(const struct rac_http_client_options *o,
                             const struct rac_fetch_req *req, struct rac_arena *a,
                             struct rac_fetch_res *res);

#endif
