/* Parts of absolute URIs (spec expressions §16.8). */
#include "expr/functions_priv.h"
#include "text/url.h"

/* Characters a URI cannot hold, escaped; escapes that stand there are kept. */
static rac_str escaped(struct call *c, rac_str s)
{
    static const char hex[] = "0123456789ABCDEF";
    char *p = rac_arena_alloc_dirty(c->a, s.n * 3 + 1), *w = p;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        bool stray = ch == '%' && (i + 2 >= s.n || rac_hex_value(s.p[i + 1]) < 0 ||
                                   rac_hex_value(s.p[i + 2]) < 0);
        if (ch > 0x20 && ch < 0x7f && !stray && strchr("\"<>\\^`{|}", ch) == NULL) {
            *w++ = (char)ch;
        } else {
            *w++ = '%';
            *w++ = hex[ch >> 4];
            *w++ = hex[ch & 15];
        }
    }
    return (rac_str){p, (size_t)(w - p)};
}

/* Schemes with a port of their own; all but mailto need a host. */
static const struct {
    rac_str scheme;
    int port;
} ports[] = {{RAC_S_INIT("http"), 80}, {RAC_S_INIT("https"), 443}, {RAC_S_INIT("ftp"), 21},
             {RAC_S_INIT("ws"), 80},   {RAC_S_INIT("wss"), 443},   {RAC_S_INIT("mailto"), 25}};

static int own_port(rac_str scheme)
{
    for (size_t i = 0; i < RAC_COUNT(ports); i++)
        if (rac_str_eqi(scheme, ports[i].scheme))
            return ports[i].port;
    return -1;
}

/* "mailto:a@b", "urn:x:y", "file:///x": a scheme and no host. */
static bool without_host(rac_str s, struct rac_url *u)
{
    rac_str rest;
    *u = (struct rac_url){.scheme = rac_str_cut(s, ':', &rest)};
    if (rest.p == NULL || u->scheme.n < 2 || !rac_is_alpha(u->scheme.p[0]))
        return false;
    for (size_t i = 1; i < u->scheme.n; i++)
        if (!rac_is_alnum(u->scheme.p[i]) && strchr("+-.", u->scheme.p[i]) == NULL)
            return false;
    bool file = rac_str_eqi(u->scheme, RAC_S("file")),
         mail = rac_str_eqi(u->scheme, RAC_S("mailto"));
    if (own_port(u->scheme) >= 0 && !mail)
        return false;
    if (rac_str_starts(rest, RAC_S("//"))) { /* others need a host there */
        if (!file || !rac_str_starts(rest, RAC_S("///")))
            return false;
        rest = rac_str_from(rest, 2);
    }
    rest = rac_str_sub(rest, 0, rac_str_find_char(rest, '#'));
    u->path = rac_str_cut(rest, '?', &u->query);
    if (mail) {
        size_t at = rac_str_rfind_char(u->path, '@');
        u->host = at != RAC_STR_NPOS ? rac_str_from(u->path, at + 1) : RAC_S("");
        u->path = at != RAC_STR_NPOS ? rac_str_sub(u->path, 0, at) : u->path;
    }
    return u->path.n > 0;
}

/* Where hosts are those of the net: labels of letters (of any language), digits, "-" and "_". */
static bool sound_host(const struct rac_url *u)
{
    bool label = false, named = own_port(u->scheme) >= 0 && !u->host_is_ipv6;
    for (size_t i = 0; i < u->host.n && named; i++) {
        unsigned char ch = (unsigned char)u->host.p[i];
        bool point = ch == '.';
        if (point ? !label : ch < 0x80 && !rac_is_alnum((char)ch) && ch != '-' && ch != '_')
            return false;
        label = !point;
    }
    return true;
}

/* Scheme and authority, as they are written. */
static rac_str without_path(rac_str s)
{
    size_t at = rac_str_find(s, RAC_S("://"));
    if (at == RAC_STR_NPOS)
        return s;
    for (at += 3; at < s.n && (s.p[at] == '\0' || strchr("/?#", s.p[at]) == NULL);)
        at++;
    return rac_str_sub(s, 0, at);
}

static bool absolute(struct call *c, const struct rac_json *v, struct rac_url *u)
{
    rac_str s;
    if (!arg_str(c, v, 0, &s))
        return false;
    s = trim_white(s);
    struct rac_url plain; /* a host may hold letters of any language, and is shown with them */
    rac_str text = escaped(c, s);
    bool with_host = rac_url_split(text, u) && u->scheme.n > 0 && u->host.n > 0;
    if (with_host && !is_ascii(s) && rac_url_split(without_path(s), &plain))
        u->host = plain.host;
    if (with_host ? !sound_host(u) : !without_host(text, u))
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function '%s' expects an absolute URI; '%.*s' is none.",
                    c->node->fn->info.name, RAC_FMT(rac_str_sub(s, 0, 200)));
    return true;
}

static rac_str path_of(struct call *c, const struct rac_url *u)
{
    if (u->path.n == 0 || u->path.p[0] != '/')
        return u->path.n == 0 && u->host.n > 0 ? RAC_S("/") : u->path;
    return rac_url_remove_dots(c->a, u->path);
}

static rac_str query_of(struct call *c, const struct rac_url *u)
{
    return u->query.p == NULL || u->query.n == 0 ? RAC_S("")
                                                 : rac_str_concat(c->a, RAC_S("?"), u->query);
}

bool fn_uri_scheme(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                   struct rac_json *out)
{
    struct rac_url u;
    if (!absolute(c, v, &u))
        return false;
    *out = str_value(rac_str_lower(c->a, u.scheme));
    return true;
}

bool fn_uri_host(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                 struct rac_json *out)
{
    struct rac_url u;
    if (!absolute(c, v, &u))
        return false;
    rac_str host = rac_str_lower(c->a, u.host);
    *out = str_value(u.host_is_ipv6 ? rac_arena_printf(c->a, "[%.*s]", RAC_FMT(host)) : host);
    return true;
}

bool fn_uri_port(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                 struct rac_json *out)
{
    struct rac_url u;
    uint64_t port;
    if (!absolute(c, v, &u))
        return false;
    if (u.port.n > 0 && rac_str_to_u64(u.port, &port)) /* at most 65535, or it had not split */
        return answer_int(out, (int64_t)port);
    return answer_int(out, own_port(u.scheme));
}

bool fn_uri_path(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                 struct rac_json *out)
{
    struct rac_url u;
    if (!absolute(c, v, &u))
        return false;
    *out = str_value(path_of(c, &u));
    return true;
}

bool fn_uri_query(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                  struct rac_json *out)
{
    struct rac_url u;
    if (!absolute(c, v, &u))
        return false;
    *out = str_value(query_of(c, &u));
    return true;
}

bool fn_uri_path_and_query(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                           struct rac_json *out)
{
    struct rac_url u;
    if (!absolute(c, v, &u))
        return false;
    *out = str_value(rac_str_concat(c->a, path_of(c, &u), query_of(c, &u)));
    return true;
}
