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
        if (ch > 0x20 && ch < 0x7f && strchr("\"<>\\^`{|}", ch) == NULL) {
            *w++ = (char)ch;
        } else {
            *w++ = '%';
            *w++ = hex[ch >> 4];
            *w++ = hex[ch & 15];
        }
    }
    return (rac_str){p, (size_t)(w - p)};
}

static bool absolute(struct call *c, const struct rac_json *v, struct rac_url *u)
{
    rac_str s;
    if (!arg_str(c, v, 0, &s))
        return false;
    s = escaped(c, trim_white(s));
    if (!rac_url_split(s, u) || u->scheme.n == 0 || u->host.n == 0)
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function '%s' expects an absolute URI; '%.*s' is none.",
                    c->node->fn->info.name, RAC_FMT(rac_str_sub(s, 0, 200)));
    return true;
}

static rac_str path_of(struct call *c, const struct rac_url *u)
{
    return u->path.n == 0 ? RAC_S("/") : rac_url_remove_dots(c->a, u->path);
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
    *out = str_value(rac_str_lower(c->a, u.host));
    return true;
}

bool fn_uri_port(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                 struct rac_json *out)
{
    struct rac_url u;
    uint64_t port = 0;
    if (!absolute(c, v, &u))
        return false;
    if (u.port.n > 0) {
        if (!rac_str_to_u64(u.port, &port) || port > 65535)
            return fail(c, RAC_EXPR_ARGUMENT,
                        "The template language function 'uriPort' found no port in '%.*s'.",
                        RAC_FMT(u.port));
    } else if (rac_str_eqi(u.scheme, RAC_S("http"))) {
        port = 80;
    } else if (rac_str_eqi(u.scheme, RAC_S("https"))) {
        port = 443;
    } else if (rac_str_eqi(u.scheme, RAC_S("ftp"))) {
        port = 21;
    }
    return answer_int(out, port > 0 ? (int64_t)port : -1);
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
