/*
 * The request under construction: pairs, headers, URL. Lists are short (a dozen), so lookups are
 * linear; growth is by arena, never freed one by one.
 */
#include "connector/request.h"

#include "base/base64.h"
#include "connector/text_priv.h"

void rac_request_init(struct rac_request *r, struct rac_arena *a)
{
    memset(r, 0, sizeof *r);
    r->a = a;
    r->method = RAC_S("GET");
    r->base_path = r->path = RAC_S("");
}

static void pairs_add(struct rac_arena *a, struct rac_request_pairs *p, struct rac_request_pair v)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 8;
        p->v = rac_arena_grow(a, p->v, p->cap * sizeof *p->v, cap * sizeof *p->v);
        p->cap = cap;
    }
    p->v[p->n++] = v;
}

struct rac_request_pair *rac_request_header(struct rac_request *r, rac_str name)
{
    for (size_t i = 0; i < r->headers.n; i++)
        if (rac_str_eqi(r->headers.v[i].name, name))
            return &r->headers.v[i];
    return NULL;
}

void rac_request_del_header(struct rac_request *r, rac_str name)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->headers.n; i++)
        if (!rac_str_eqi(r->headers.v[i].name, name))
            r->headers.v[kept++] = r->headers.v[i];
    r->headers.n = kept;
}

void rac_request_add_header(struct rac_request *r, rac_str name, rac_str value, unsigned flags)
{
    pairs_add(r->a, &r->headers, (struct rac_request_pair){name, value, (uint8_t)flags});
}

void rac_request_set_header(struct rac_request *r, rac_str name, rac_str value, unsigned flags)
{
    rac_request_del_header(r, name);
    rac_request_add_header(r, name, value, flags);
}

static bool pair_is(const struct rac_request *r, const struct rac_request_pair *p, rac_str name)
{
    if (rac_str_eq(p->name, name))
        return true;
    bool escaped =
        (p->flags & RAC_REQUEST_ENCODED) && (rac_str_find_char(p->name, '%') != RAC_STR_NPOS ||
                                             rac_str_find_char(p->name, '+') != RAC_STR_NPOS);
    return escaped && rac_str_eq(rac_url_decode(r->a, p->name, true), name);
}

struct rac_request_pair *rac_request_query(struct rac_request *r, rac_str name)
{
    for (size_t i = 0; i < r->query.n; i++)
        if (pair_is(r, &r->query.v[i], name))
            return &r->query.v[i];
    return NULL;
}

void rac_request_add_query(struct rac_request *r, rac_str name, rac_str value, unsigned flags)
{
    pairs_add(r->a, &r->query, (struct rac_request_pair){name, value, (uint8_t)flags});
}

void rac_request_set_query(struct rac_request *r, rac_str name, rac_str value, unsigned flags)
{
    size_t kept = 0;
    bool put = false;
    for (size_t i = 0; i < r->query.n; i++) {
        struct rac_request_pair p = r->query.v[i];
        if (pair_is(r, &p, name)) {
            if (put)
                continue;
            put = true;
            p = (struct rac_request_pair){name, value, (uint8_t)flags};
        }
        r->query.v[kept++] = p;
    }
    r->query.n = kept;
    if (!put)
        rac_request_add_query(r, name, value, flags);
}

void rac_request_add_query_string(struct rac_request *r, rac_str query)
{
    for (rac_str rest = query; rest.p != NULL && rest.n > 0;) {
        rac_str pair = rac_str_cut(rest, '&', &rest);
        if (pair.n == 0)
            continue;
        rac_str value, name = rac_str_cut(pair, '=', &value);
        rac_request_add_query(r, name, value, RAC_REQUEST_ENCODED);
    }
}

static void url_pair(struct rac_cat *c, const struct rac_request_pair *p, bool masked)
{
    bool encoded = p->flags & RAC_REQUEST_ENCODED;
    if (encoded)
        rac_cat_add(c, p->name);
    else
        rac_cat_url(c, p->name, RAC_URL_COMPONENT);
    if (p->value.p == NULL) /* "?flag": there was no '=' */
        return;
    rac_cat_char(c, '=');
    if (masked && (p->flags & RAC_REQUEST_SECRET))
        rac_cat_add(c, RAC_S("***"));
    else if (encoded)
        rac_cat_add(c, p->value);
    else
        rac_cat_url(c, p->value, RAC_URL_COMPONENT);
}

enum url_form { URL_SENT, URL_SHOWN, URL_BASE };

static rac_str url_text(const struct rac_request *r, enum url_form form)
{
    bool shown = form == URL_SHOWN, first = true;
    struct rac_cat c = rac_cat_new(r->a, r->scheme.n + r->host.n + r->base_path.n + r->path.n + 64);
    rac_cat_add(&c, r->scheme);
    rac_cat_add(&c, RAC_S("://"));
    rac_cat_add(&c, shown && r->shown_host.p != NULL ? r->shown_host : r->host);
    rac_cat_add(&c, shown && r->shown_base_path.p != NULL ? r->shown_base_path : r->base_path);
    rac_cat_add(&c, shown && r->shown_path.p != NULL ? r->shown_path : r->path);
    for (size_t i = 0; i < r->query.n; i++) {
        if (form == URL_BASE && (r->query.v[i].flags & RAC_REQUEST_SECRET))
            continue;
        rac_cat_char(&c, first ? '?' : '&');
        url_pair(&c, &r->query.v[i], shown);
        first = false;
    }
    return rac_cat_str(&c);
}

rac_str rac_request_url(const struct rac_request *r, bool masked)
{
    return url_text(r, masked ? URL_SHOWN : URL_SENT);
}

rac_str rac_request_base_url(const struct rac_request *r)
{
    return url_text(r, URL_BASE);
}
