/* Why there is no answer: one error of ours and a sentence that names the host. */
#include "http/client_priv.h"

#include <errno.h>

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

void rac_fetch_fail(struct rac_fetch *f, rac_err err, rac_str sentence)
{
    f->res.err = err;
    f->res.error = sentence;
}

void rac_fetch_fail_denied(struct rac_fetch *f)
{
    RAC_FETCH_FAIL(f, RAC_E_DENIED,
                   "%.*s is at %s, %s, which may not be called; an administrator can allow the "
                   "network with the setting egress.allow",
                   RAC_FMT(host_port(f)), f->denied_addr, f->denied_as);
}

static void fail_connect(struct rac_fetch *f, rac_str at)
{
    long os = 0;
    char *ip = NULL;
    curl_easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &os);
    curl_easy_getinfo(f->easy, CURLINFO_PRIMARY_IP, &ip);
    if (os == ECONNREFUSED)
        RAC_FETCH_FAIL(f, RAC_E_UNREACHABLE, "connection refused by %.*s%s%s%s", RAC_FMT(at),
                       ip && *ip ? " (" : "", ip ? ip : "", ip && *ip ? ")" : "");
    else
        RAC_FETCH_FAIL(f, RAC_E_UNREACHABLE, "cannot connect to %.*s: %s", RAC_FMT(at),
                       os            ? strerrordesc_np((int)os)
                       : f->error[0] ? f->error
                                     : "no address answers");
}

static void fail_ours(struct rac_fetch *f, rac_str at)
{
    switch (f->why) {
    case RAC_E_LIMIT:
        if (!f->head_done)
            RAC_FETCH_FAIL(f, RAC_E_LIMIT, "the answer of %.*s has more than %zu bytes of headers",
                           RAC_FMT(at), f->client->o.response_head_bytes_max);
        else
            RAC_FETCH_FAIL(f, RAC_E_LIMIT, "the answer of %.*s is larger than %zu bytes",
                           RAC_FMT(at), f->bytes_max);
        break;
    case RAC_E_CANCELLED:
        rac_fetch_fail(f, RAC_E_CANCELLED, RAC_S("the receiver stopped the answer"));
        break;
    default:
        RAC_FETCH_FAIL(f, f->why, "the request body could not be read: %s", rac_err_text(f->why));
    }
}

/* CURLcode -> ours. The sentence is "WHAT HOST:PORT", with the details where they help. */
static const struct {
    CURLcode code;
    rac_err err;
    const char *what;
    bool detail;
} codes[] = {
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

void rac_fetch_fail_curl(struct rac_fetch *f, CURLcode code)
{
    if (f->denied_as != NULL && f->why == RAC_OK && f->res.status == 0) {
        rac_fetch_fail_denied(f);
        return;
    }
    rac_str at = host_port(f);
    if (f->why != RAC_OK) {
        fail_ours(f, at);
        return;
    }
    if (code == CURLE_COULDNT_CONNECT) {
        fail_connect(f, at);
        return;
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        RAC_FETCH_FAIL(f, RAC_E_TIMEOUT, "no connection to %.*s in time", RAC_FMT(at));
        return;
    }
    for (size_t i = 0; i < RAC_COUNT(codes); i++)
        if (codes[i].code == code) {
            bool detail = codes[i].detail && f->error[0] != '\0';
            RAC_FETCH_FAIL(f, codes[i].err, "%s %.*s%s%s%s", codes[i].what, RAC_FMT(at),
                           detail ? " (" : "", detail ? f->error : "", detail ? ")" : "");
            return;
        }
    RAC_FETCH_FAIL(f, RAC_E_IO, "the exchange with %.*s failed: %s", RAC_FMT(at),
                   f->error[0] ? f->error : curl_easy_strerror(code));
}

void rac_fetch_fail_late(struct rac_fetch *f, bool connecting)
{
    rac_str at = host_port(f);
    if (connecting && f->connect_timeout_ms < f->timeout_ms)
        RAC_FETCH_FAIL(f, RAC_E_TIMEOUT, "no connection to %.*s within %lld ms", RAC_FMT(at),
                       (long long)f->connect_timeout_ms);
    else
        RAC_FETCH_FAIL(f, RAC_E_TIMEOUT, "no complete answer of %.*s within %lld ms", RAC_FMT(at),
                       (long long)f->timeout_ms);
}
