/* Character classes are one table of bits; the rest is slicing. */
#include "text/url.h"

#include "base/secret.h"

enum {
    KEEP_COMPONENT = 1,
    KEEP_FORM = 2,
    KEEP_STRICT = 4,
    KEEP_PATH = 8,
    KEEP_QUERY = 16,
    KEEP_WHOLE = 32
};

static const unsigned char set_bits[] = {
    [RAC_URL_COMPONENT] = KEEP_COMPONENT, [RAC_URL_FORM] = KEEP_FORM,
    [RAC_URL_STRICT] = KEEP_STRICT,       [RAC_URL_PATH] = KEEP_PATH,
    [RAC_URL_QUERY] = KEEP_QUERY,         [RAC_URL_WHOLE] = KEEP_WHOLE,
};

#define KEEP_ALL  (KEEP_COMPONENT | KEEP_FORM | KEEP_STRICT | KEEP_URI)
#define KEEP_MARK (KEEP_COMPONENT | KEEP_URI)
#define KEEP_URI  (KEEP_PATH | KEEP_QUERY | KEEP_WHOLE)
#define KEEP_PART (KEEP_PATH | KEEP_QUERY) /* "%" stands only where it escapes */

static const unsigned char classes[256] = {
    ['0' ... '9'] = KEEP_ALL,
    ['A' ... 'Z'] = KEEP_ALL,
    ['a' ... 'z'] = KEEP_ALL,
    ['-'] = KEEP_ALL,
    ['_'] = KEEP_ALL,
    ['.'] = KEEP_ALL,
    ['~'] = KEEP_MARK | KEEP_STRICT,
    ['*'] = KEEP_MARK | KEEP_FORM,
    ['!'] = KEEP_MARK,
    ['\''] = KEEP_MARK,
    ['('] = KEEP_MARK,
    [')'] = KEEP_MARK,
    ['/'] = KEEP_URI,
    [':'] = KEEP_URI,
    ['@'] = KEEP_URI,
    ['$'] = KEEP_URI,
    ['&'] = KEEP_URI,
    ['+'] = KEEP_URI,
    [','] = KEEP_URI,
    [';'] = KEEP_URI,
    ['='] = KEEP_URI,
    ['?'] = KEEP_QUERY | KEEP_WHOLE,
    ['#'] = KEEP_WHOLE,
    ['['] = KEEP_WHOLE,
    [']'] = KEEP_WHOLE,
    ['%'] = KEEP_WHOLE,
};

/* --- percent-encoding ------------------------------------------------------------------------ */

static bool is_escape(rac_str s, size_t i)
{
    return s.n - i >= 3 && s.p[i] == '%' && rac_hex_value(s.p[i + 1]) >= 0 &&
           rac_hex_value(s.p[i + 2]) >= 0;
}

size_t rac_url_encode_into(char *out, rac_str s, enum rac_url_set set)
{
    static const char hex[] = "0123456789ABCDEF";
    unsigned keep = set_bits[set];
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((classes[c] & keep) != 0 || ((keep & KEEP_PART) != 0 && is_escape(s, i))) {
            out[n++] = (char)c;
        } else if (c == ' ' && set == RAC_URL_FORM) {
            out[n++] = '+';
        } else {
            out[n++] = '%';
            out[n++] = hex[c >> 4];
            out[n++] = hex[c & 15];
        }
    }
    return n;
}

rac_str rac_url_encode_set(struct rac_arena *a, rac_str s, enum rac_url_set set)
{
    size_t room;
    RAC_ASSERT(rac_size_mul(s.n, 3, &room));
    char *p = rac_arena_alloc_dirty(a, room + 1);
    size_t n = rac_url_encode_into(p, s, set);
    p[n] = '\0';
    return (rac_str){p, n};
}

rac_str rac_url_encode(struct rac_arena *a, rac_str s)
{
    return rac_url_encode_set(a, s, RAC_URL_COMPONENT);
}

void rac_url_encode_to(struct rac_buf *b, rac_str s, enum rac_url_set set)
{
    while (s.n > 0) {
        char chunk[3 * 256];
        rac_str part = rac_str_sub(s, 0, 256);
        if (part.n < s.n && (set_bits[set] & KEEP_PART) != 0) /* no escape is cut in two */
            for (size_t back = 1; back <= 2; back++)
                if (s.p[part.n - back] == '%') {
                    part.n -= back;
                    break;
                }
        size_t n = rac_url_encode_into(chunk, part, set);
        rac_buf_add(b, (rac_str){chunk, n});
        if (b->secret)
            rac_secret_wipe(chunk, n);
        s = rac_str_from(s, part.n);
    }
}

/* --- origins --------------------------------------------------------------------------------- */

static unsigned scheme_port(rac_str scheme)
{
    return rac_str_eqi(scheme, RAC_S("https")) ? 443 : rac_str_eqi(scheme, RAC_S("http")) ? 80 : 0;
}

unsigned rac_url_port(const struct rac_url *u)
{
    uint64_t port;
    if (u->port.n > 0 && rac_str_to_u64(u->port, &port))
        return (unsigned)port;
    return scheme_port(u->scheme);
}

rac_str rac_url_origin(struct rac_arena *a, const struct rac_url *u)
{
    unsigned port = rac_url_port(u);
    const char *open = u->host_is_ipv6 ? "[" : "", *close = u->host_is_ipv6 ? "]" : "";
    rac_str scheme = rac_str_lower(a, u->scheme), host = rac_str_lower(a, u->host);
    if (port == scheme_port(u->scheme))
        return rac_arena_printf(a, "%.*s://%s%.*s%s", RAC_FMT(scheme), open, RAC_FMT(host), close);
    return rac_arena_printf(a, "%.*s://%s%.*s%s:%u", RAC_FMT(scheme), open, RAC_FMT(host), close,
                            port);
}

rac_str rac_url_plain(rac_str url)
{
    size_t n = 0;
    while (n < url.n && url.p[n] != '?' && url.p[n] != '#')
        n++;
    return rac_str_sub(url, 0, n);
}

/* --- query strings --------------------------------------------------------------------------- */

bool rac_url_query_next(rac_str *rest, rac_str *name, rac_str *value)
{
    while (rest->p != NULL && rest->n > 0) {
        rac_str pair = rac_str_cut(*rest, '&', rest);
        if (pair.n == 0)
            continue;
        *name = rac_str_cut(pair, '=', value);
        return true;
    }
    return false;
}

rac_str rac_url_query_get(struct rac_arena *a, rac_str query, rac_str name)
{
    rac_str n, v;
    while (rac_url_query_next(&query, &n, &v))
        if (rac_str_eq(rac_url_decode(a, n, true), name))
            return v.p == NULL ? RAC_S("") : rac_url_decode(a, v, true);
    return RAC_STR_NULL;
}

/* url cut into what stands before "?", the query (absent when none), and "#..." */
static void cut_query(rac_str url, rac_str *before, rac_str *query, rac_str *fragment)
{
    size_t i = rac_str_find_char(url, '#');
    *fragment = i == RAC_STR_NPOS ? RAC_S("") : rac_str_from(url, i);
    if (i != RAC_STR_NPOS)
        url.n = i;
    *before = rac_str_cut(url, '?', query);
}

rac_str rac_url_query_add(struct rac_arena *a, rac_str url, rac_str name, rac_str value)
{
    rac_str before, query, fragment, n = rac_url_encode(a, name), v = rac_url_encode(a, value);
    cut_query(url, &before, &query, &fragment);
    bool amp = query.n > 0 && query.p[query.n - 1] != '&';
    return rac_arena_printf(a, "%.*s?%.*s%s%.*s=%.*s%.*s", RAC_FMT(before), RAC_FMT(query),
                            amp ? "&" : "", RAC_FMT(n), RAC_FMT(v), RAC_FMT(fragment));
}

rac_str rac_url_query_set(struct rac_arena *a, rac_str url, rac_str name, rac_str value)
{
    rac_str before, query, fragment, n, v;
    struct rac_buf b;
    bool done = value.p == NULL;
    cut_query(url, &before, &query, &fragment);
    rac_buf_init(&b, SIZE_MAX / 2);
    b.secret = a->secret;
    for (rac_str rest = query; rac_url_query_next(&rest, &n, &v);) {
        bool same = rac_str_eq(rac_url_decode(a, n, true), name);
        if (same && done)
            continue;
        if (b.n > 0)
            rac_buf_add_char(&b, '&');
        rac_buf_add(&b, n);
        if (same) {
            rac_buf_add_char(&b, '=');
            rac_url_encode_to(&b, value, RAC_URL_COMPONENT);
            done = true;
        } else if (v.p != NULL) {
            rac_buf_add_char(&b, '=');
            rac_buf_add(&b, v);
        }
    }
    if (!done) {
        if (b.n > 0)
            rac_buf_add_char(&b, '&');
        rac_url_encode_to(&b, name, RAC_URL_COMPONENT);
        rac_buf_add_char(&b, '=');
        rac_url_encode_to(&b, value, RAC_URL_COMPONENT);
    }
    rac_str changed = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return rac_arena_printf(a, "%.*s%s%.*s%.*s", RAC_FMT(before), changed.n > 0 ? "?" : "",
                            RAC_FMT(changed), RAC_FMT(fragment));
}
