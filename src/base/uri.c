/* The generic syntax of RFC 3986 appendix B, followed by hand: it never backtracks. */
#include "base/uri.h"

static bool is_escape(rac_str s, size_t i)
{
    return s.n - i >= 3 && s.p[i] == '%' && rac_hex_value(s.p[i + 1]) >= 0 &&
           rac_hex_value(s.p[i + 2]) >= 0;
}

/* --- percent-encoding ------------------------------------------------------------------------ */

static bool decode(struct rac_arena *a, rac_str s, bool form, bool strict, rac_str *out)
{
    char *p = rac_arena_alloc_dirty(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%' && is_escape(s, i)) {
            p[n++] = (char)(rac_hex_value(s.p[i + 1]) << 4 | rac_hex_value(s.p[i + 2]));
            i += 2;
        } else if (s.p[i] == '%' && strict) {
            return false;
        } else {
            p[n++] = s.p[i] == '+' && form ? ' ' : s.p[i];
        }
    }
    p[n] = '\0';
    *out = (rac_str){p, n};
    return true;
}

rac_str rac_url_decode(struct rac_arena *a, rac_str s, bool form)
{
    rac_str out = RAC_STR_NULL;
    (void)decode(a, s, form, false, &out);
    return out;
}

bool rac_url_decode_strict(struct rac_arena *a, rac_str s, bool form, rac_str *out)
{
    return decode(a, s, form, true, out);
}

/* --- parts ----------------------------------------------------------------------------------- */

static bool is_scheme(rac_str s)
{
    if (s.n == 0 || !rac_is_alpha(s.p[0]))
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!rac_is_alnum(s.p[i]) && s.p[i] != '+' && s.p[i] != '-' && s.p[i] != '.')
            return false;
    return true;
}

static size_t find_any(rac_str s, const char *chars)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\0' && strchr(chars, s.p[i]) != NULL)
            return i;
    return s.n;
}

static bool is_port(rac_str s)
{
    uint64_t port;
    return s.n == 0 || (rac_is_digit(s.p[0]) && rac_str_to_u64(s, &port) && port <= 65535);
}

/* host, port and user of an authority. */
static bool split_authority(rac_str s, struct rac_url *u)
{
    size_t at = rac_str_rfind_char(s, '@');
    if (at != RAC_STR_NPOS) {
        u->userinfo = rac_str_sub(s, 0, at);
        if (find_any(u->userinfo, "\\[]") < at) /* what some readers take for a slash */
            return false;
        s = rac_str_from(s, at + 1);
    }
    size_t host_end;
    if (s.n > 0 && s.p[0] == '[') {
        size_t close = rac_str_find_char(s, ']');
        if (close == RAC_STR_NPOS)
            return false;
        u->host = rac_str_sub(s, 1, close - 1);
        u->host_is_ipv6 = true;
        host_end = close + 1;
        for (size_t i = 0; i < u->host.n; i++)
            if (rac_hex_value(u->host.p[i]) < 0 && u->host.p[i] != ':' && u->host.p[i] != '.')
                return false;
    } else {
        host_end = find_any(s, ":");
        u->host = rac_str_sub(s, 0, host_end);
        if (find_any(u->host, "[]<>\"\\^`{|}") < u->host.n)
            return false;
    }
    if (host_end == s.n)
        return true;
    if (s.p[host_end] != ':')
        return false;
    u->port = rac_str_from(s, host_end + 1);
    return is_port(u->port);
}

bool rac_url_split(rac_str url, struct rac_url *out)
{
    struct rac_url u = {0};
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 0x7f)
            return false;
    rac_str s = {url.p ? url.p : "", url.n};
    size_t i = rac_str_find_char(s, '#');
    if (i != RAC_STR_NPOS) {
        u.fragment = rac_str_from(s, i + 1);
        s.n = i;
    }
    i = rac_str_find_char(s, '?');
    if (i != RAC_STR_NPOS) {
        u.query = rac_str_from(s, i + 1);
        s.n = i;
    }
    i = find_any(s, ":/");
    if (i < s.n && s.p[i] == ':') {
        u.scheme = rac_str_sub(s, 0, i);
        if (!is_scheme(u.scheme))
            return false;
        s = rac_str_from(s, i + 1);
    }
    if (rac_str_starts(s, RAC_S("//"))) {
        rac_str authority = rac_str_from(s, 2);
        i = find_any(authority, "/");
        s = rac_str_from(authority, i);
        authority.n = i;
        u.has_authority = true;
        if (!split_authority(authority, &u))
            return false;
    }
    u.path = s;
    *out = u;
    return true;
}

bool rac_url_split_http(rac_str url, struct rac_url *out)
{
    struct rac_url u;
    if (!rac_url_split(url, &u) || u.host.n == 0 ||
        !(rac_str_eqi(u.scheme, RAC_S("http")) || rac_str_eqi(u.scheme, RAC_S("https"))))
        return false;
    *out = u;
    return true;
}

rac_str rac_url_join(struct rac_arena *a, const struct rac_url *u)
{
    size_t n = u->scheme.n + u->userinfo.n + u->host.n + u->port.n + u->path.n + u->query.n +
               u->fragment.n + 16;
    char *p = rac_arena_alloc_dirty(a, n), *out = p;
#define PUT(s) out = (s).n == 0 ? out : (char *)memcpy(out, (s).p, (s).n) + (s).n
    if (u->scheme.p != NULL) {
        PUT(u->scheme);
        *out++ = ':';
    }
    if (u->has_authority) {
        PUT(RAC_S("//"));
        if (u->userinfo.p != NULL) {
            PUT(u->userinfo);
            *out++ = '@';
        }
        if (u->host_is_ipv6)
            *out++ = '[';
        PUT(u->host);
        if (u->host_is_ipv6)
            *out++ = ']';
        if (u->port.p != NULL) {
            *out++ = ':';
            PUT(u->port);
        }
    }
    PUT(u->path);
    if (u->query.p != NULL) {
        *out++ = '?';
        PUT(u->query);
    }
    if (u->fragment.p != NULL) {
        *out++ = '#';
        PUT(u->fragment);
    }
#undef PUT
    *out = '\0';
    return (rac_str){p, (size_t)(out - p)};
}

/* --- references (RFC 3986 §5.2) -------------------------------------------------------------- */

/* Length of a segment that is "." or ".." (also percent-encoded dots), 0 when it is neither; how
 * many dots in *dots. */
static unsigned segment_dots(rac_str segment)
{
    unsigned dots = 0;
    for (size_t i = 0; i < segment.n; dots++) {
        if (segment.p[i] == '.')
            i++;
        else if (segment.n - i >= 3 && segment.p[i] == '%' && segment.p[i + 1] == '2' &&
                 rac_lower(segment.p[i + 2]) == 'e')
            i += 3;
        else
            return 0;
        if (dots == 2)
            return 0;
    }
    return dots;
}

rac_str rac_url_remove_dots(struct rac_arena *a, rac_str path)
{
    char *p = rac_arena_alloc_dirty(a, path.n + 1);
    size_t n = 0;
    bool rooted = path.n > 0 && path.p[0] == '/';
    rac_str rest = rooted ? rac_str_from(path, 1) : path;
    if (path.n == 0)
        return path;
    if (rooted)
        p[n++] = '/';
    size_t floor = n;
    while (rest.p != NULL) {
        rac_str segment = rac_str_cut(rest, '/', &rest);
        unsigned dots = segment_dots(segment);
        bool last = rest.p == NULL;
        if (dots == 2) { /* drop the segment before */
            if (n > floor)
                n--;
            while (n > floor && p[n - 1] != '/')
                n--;
        }
        if (dots > 0)
            continue;
        memcpy(p + n, segment.p, segment.n);
        n += segment.n;
        if (!last)
            p[n++] = '/';
    }
    p[n] = '\0';
    return (rac_str){p, n};
}

/* The path of a reference behind the folder of the base's path. */
static rac_str merge_paths(struct rac_arena *a, const struct rac_url *base, rac_str path)
{
    if (base->has_authority && base->path.n == 0)
        return rac_str_concat(a, RAC_S("/"), path);
    size_t slash = rac_str_rfind_char(base->path, '/');
    return slash == RAC_STR_NPOS ? path
                                 : rac_str_concat(a, rac_str_sub(base->path, 0, slash + 1), path);
}

rac_err rac_url_resolve(rac_str base, rac_str ref, struct rac_arena *a, rac_str *out)
{
    struct rac_url b, r;
    if (!rac_url_split(base, &b) || b.scheme.p == NULL || !rac_url_split(ref, &r))
        return RAC_E_SYNTAX;
    struct rac_url t = r;
    if (r.scheme.p != NULL) {
        t.path = rac_url_remove_dots(a, r.path);
    } else {
        t.scheme = b.scheme;
        if (r.has_authority) {
            t.path = rac_url_remove_dots(a, r.path);
        } else {
            t.has_authority = b.has_authority;
            t.userinfo = b.userinfo;
            t.host = b.host;
            t.port = b.port;
            t.host_is_ipv6 = b.host_is_ipv6;
            if (r.path.n == 0) {
                t.path = b.path;
                t.query = r.query.p != NULL ? r.query : b.query;
            } else {
                rac_str path = r.path.p[0] == '/' ? r.path : merge_paths(a, &b, r.path);
                t.path = rac_url_remove_dots(a, path);
            }
        }
    }
    *out = rac_url_join(a, &t);
    return RAC_OK;
}
