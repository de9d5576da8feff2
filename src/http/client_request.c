/* What is checked before anything is sent, and which way a request can go. */
#include "base/metrics.h"
#include "base/str.h"
#include "http/client_priv.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum { METHOD_MAX = 32, HOST_MAX = 253 };

bool rac_fetch_header_is_ours(rac_str name)
{
    static const rac_str ours[] = {
        RAC_S_INIT("Host"),       RAC_S_INIT("Content-Length"),  RAC_S_INIT("Transfer-Encoding"),
        RAC_S_INIT("Connection"), RAC_S_INIT("Accept-Encoding"), RAC_S_INIT("Expect")};
    for (size_t i = 0; i < RAC_COUNT(ours); i++)
        if (rac_str_eqi(name, ours[i]))
            return true;
    return false;
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

static bool check_proxy(struct rac_fetch *f)
{
    struct rac_http_client *c = f->client;
    if (c->proxy == NULL)
        return true;
    CURLU *u = curl_url();
    char *host = NULL;
    bool ok = u != NULL && curl_url_set(u, CURLUPART_URL, f->url.p, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    if (ok)
        f->via_proxy = !listed(c->o.no_proxy, rac_str_of(host));
    if (ok && f->via_proxy && literal_refused(f, host)) {
        rac_fetch_fail_denied(f);
        ok = false;
    } else if (!ok) {
        rac_fetch_fail(f, RAC_E_INVALID, RAC_S("the URL is malformed"));
    }
    curl_free(host);
    curl_url_cleanup(u);
    return ok;
}

static bool check_headers(struct rac_fetch *f, const struct rac_headers *h)
{
    for (size_t i = 0; h != NULL && i < h->n; i++)
        if (!rac_header_is_name(h->v[i].name) || !rac_header_is_value(h->v[i].value)) {
            RAC_FETCH_FAIL(f, RAC_E_INVALID,
                           "the header \"%.*s\" has a name or value HTTP does not allow",
                           RAC_FMT(rac_str_sub(h->v[i].name, 0, 64)));
            return false;
        }
    return true;
}

bool rac_fetch_check(struct rac_fetch *f, const struct rac_fetch_req *req)
{
    static const rac_str with_body[] = {RAC_S_INIT("POST"), RAC_S_INIT("PUT"), RAC_S_INIT("PATCH")};
    if (!rac_str_startsi(req->url, RAC_S("http://")) &&
        !rac_str_startsi(req->url, RAC_S("https://"))) {
        rac_fetch_fail(f, RAC_E_INVALID, RAC_S("only http and https URLs are called"));
        return false;
    }
    if (memchr(req->url.p, 0, req->url.n) != NULL) {
        rac_fetch_fail(f, RAC_E_INVALID, RAC_S("the URL is malformed"));
        return false;
    }
    if (!rac_header_is_name(req->method) || req->method.n > METHOD_MAX) {
        rac_fetch_fail(f, RAC_E_INVALID, RAC_S("the method is not one HTTP allows"));
        return false;
    }
    f->url = rac_arena_str(f->a, req->url);
    f->method = rac_arena_str(f->a, req->method);
    f->is_head = rac_str_eq(f->method, RAC_S("HEAD"));
    f->source = req->source;
    f->body = req->body;
    for (size_t i = 0; i < RAC_COUNT(with_body) && f->body.p == NULL && f->source == NULL; i++)
        if (rac_str_eq(f->method, with_body[i]))
            f->body = RAC_S(""); /* says Content-Length: 0, which some servers insist on */
    return check_proxy(f) && check_headers(f, req->headers);
}

/* ---- the plain form of a URL ---- */

/* A name, an address as four decimal numbers, or an address in brackets. Other spellings of an
 * address are curl's to read. */
static bool plain_host(rac_str host)
{
    struct rac_cidr literal;
    if (host.n == 0 || host.n > HOST_MAX)
        return false;
    if (host.p[0] == '[')
        return host.n > 2 && host.p[host.n - 1] == ']' &&
               rac_cidr_parse(rac_str_sub(host, 1, host.n - 2), &literal) && literal.bits == 128;
    for (size_t i = 0; i < host.n; i++)
        if (!rac_is_alnum(host.p[i]) && host.p[i] != '-' && host.p[i] != '_' && host.p[i] != '.')
            return false;
    size_t dot = rac_str_rfind_char(host, '.');
    rac_str last = dot == RAC_STR_NPOS ? host : rac_str_from(host, dot + 1);
    if (last.n == 0)
        return false;
    return !rac_is_digit(last.p[0]) || rac_cidr_parse(host, &literal);
}

static bool plain_port(rac_str port, unsigned *out)
{
    uint64_t n;
    if (port.n == 0 || port.n > 5 || port.p[0] < '1' || port.p[0] > '9' ||
        !rac_str_to_u64(port, &n) || n > UINT16_MAX)
        return false;
    *out = (unsigned)n;
    return true;
}

static bool plain_target(struct rac_fetch *f, rac_str rest, rac_str *target)
{
    for (size_t i = 0; i < rest.n; i++)
        if ((unsigned char)rest.p[i] <= ' ' || (unsigned char)rest.p[i] >= 0x7f)
            return false;
    size_t fragment = rac_str_find_char(rest, '#');
    if (fragment != RAC_STR_NPOS)
        rest.n = fragment;
    *target = rest.n > 0 && rest.p[0] == '/' ? rest : rac_str_concat(f->a, RAC_S("/"), rest);
    return true;
}

bool rac_fetch_plain_url(struct rac_fetch *f, rac_str *key, rac_str *host, rac_str *target)
{
    enum { SCHEME = sizeof "http://" - 1 };
    if (!rac_str_startsi(f->url, RAC_S("http://")))
        return false;
    rac_str rest = rac_str_from(f->url, SCHEME);
    size_t end = 0;
    while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?' && rest.p[end] != '#')
        end++;
    rac_str authority = rac_str_sub(rest, 0, end), name = authority;
    size_t colon = rac_str_rfind_char(authority, ':');
    unsigned port = 80;
    if (colon != RAC_STR_NPOS && authority.p[authority.n - 1] != ']') {
        name = rac_str_sub(authority, 0, colon);
        if (!plain_port(rac_str_from(authority, colon + 1), &port))
            return false;
    }
    if (!plain_host(name) || !plain_target(f, rac_str_from(rest, end), target))
        return false;
    *host = port == 80 ? name : authority;
    rac_str lower = rac_str_lower(f->a, name);
    *key = port == 80 ? lower : rac_arena_printf(f->a, "%.*s:%u", RAC_FMT(lower), port);
    return true;
}
