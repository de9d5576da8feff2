/*
 * Routes are sorted once by preference, so the first that matches wins. A call looks only at those
 * of its number of segments and method; a literal first segment is compared before anything else.
 * Templates are at most a few hundred per connector.
 */
#include "connector/route.h"

#include "base/str.h"
#include "connector/text_priv.h"

struct piece { /* of a segment: literal text, then a parameter (name absent: none) */
    rac_str literal, name;
};
struct segment {
    struct piece *pieces;
    uint32_t pieces_n;
    bool literal;
};
struct entry {
    const struct rac_op *op;
    struct segment *segments;
    uint32_t segments_n, literal_segments, literal_prefix, captures_n;
};
struct rac_route {
    struct entry *v; /* by number of segments, then preference */
    size_t n;
};

static void segment_cut(rac_str text, struct segment *s, struct rac_arena *a, uint32_t *captures_n)
{
    size_t holes = 0;
    for (size_t i = 0; i < text.n; i++)
        holes += text.p[i] == '{';
    s->pieces = RAC_NEW_N(a, struct piece, holes + 1);
    s->literal = true;
    for (;;) {
        struct piece *p = &s->pieces[s->pieces_n++];
        size_t open = rac_str_find_char(text, '{');
        size_t close =
            open == RAC_STR_NPOS ? RAC_STR_NPOS : rac_str_find_char(rac_str_from(text, open), '}');
        if (close == RAC_STR_NPOS) { /* as it stands in a URL: paths arrive encoded */
            p->literal = rac_url_encode_set(a, text, RAC_URL_PATH);
            return;
        }
        p->literal = rac_url_encode_set(a, rac_str_sub(text, 0, open), RAC_URL_PATH);
        p->name = rac_str_sub(text, open + 1, close - 1);
        s->literal = false;
        ++*captures_n;
        text = rac_str_from(text, open + close + 1);
    }
}

static int by_preference(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;
    if (a->segments_n != b->segments_n)
        return a->segments_n < b->segments_n ? -1 : 1;
    if (a->literal_segments != b->literal_segments)
        return a->literal_segments > b->literal_segments ? -1 : 1;
    if (a->literal_prefix != b->literal_prefix)
        return a->literal_prefix > b->literal_prefix ? -1 : 1;
    return a->op < b->op ? -1 : a->op > b->op;
}

const struct rac_route *rac_route_build(const struct rac_connector *c, struct rac_arena *a)
{
    struct rac_route *r = RAC_NEW(a, struct rac_route);
    r->v = RAC_NEW_N(a, struct entry, c->ops_n);
    for (size_t i = 0; i < c->ops_n; i++) {
        struct entry *e = &r->v[r->n++];
        e->op = &c->ops[i];
        rac_str path = rac_str_from(e->op->path, rac_str_starts(e->op->path, RAC_S("/")));
        uint32_t n = 1;
        for (size_t k = 0; k < path.n; k++)
            n += path.p[k] == '/';
        e->segments = RAC_NEW_N(a, struct segment, n);
        bool prefix = true;
        for (rac_str rest = path; e->segments_n < n;) {
            struct segment *s = &e->segments[e->segments_n++];
            segment_cut(rac_str_cut(rest, '/', &rest), s, a, &e->captures_n);
            e->literal_segments += s->literal;
            if (prefix)
                e->literal_prefix += (uint32_t)s->pieces[0].literal.n;
            prefix = prefix && s->literal;
        }
    }
    if (r->n > 1)
        qsort(r->v, r->n, sizeof *r->v, by_preference);
    return r;
}

/* Pieces from k on against text: a capture is the shortest text the rest still matches after. */
static bool pieces_match(const struct segment *s, uint32_t k, rac_str text,
                         struct rac_capture *captures, size_t *steps)
{
    const struct piece *p = &s->pieces[k];
    if (text.n < p->literal.n || !rac_str_eqi(rac_str_sub(text, 0, p->literal.n), p->literal))
        return false;
    text = rac_str_from(text, p->literal.n);
    if (k + 1 == s->pieces_n)
        return text.n == 0;
    bool last = k + 2 == s->pieces_n;
    const struct piece *next = &s->pieces[k + 1];
    if (last) { /* the rest is one literal: no search */
        if (text.n <= next->literal.n ||
            !rac_str_eqi(rac_str_from(text, text.n - next->literal.n), next->literal))
            return false;
        captures[k] = (struct rac_capture){p->name, rac_str_sub(text, 0, text.n - next->literal.n)};
        return true;
    }
    for (size_t n = 1; n <= text.n; n++) {
        if (++*steps > 4096) /* hostile text against many holes in one segment */
            return false;
        if (pieces_match(s, k + 1, rac_str_from(text, n), captures, steps)) {
            captures[k] = (struct rac_capture){p->name, rac_str_sub(text, 0, n)};
            return true;
        }
    }
    return false;
}

static bool entry_match(const struct entry *e, rac_str path, struct rac_route_match *out)
{
    size_t captures_n = 0, steps = 0;
    rac_str rest = path;
    for (uint32_t i = 0; i < e->segments_n; i++) {
        const struct segment *s = &e->segments[i];
        if (rest.p == NULL)
            return false;
        rac_str text = rac_str_cut(rest, '/', &rest);
        if (s->literal ? !rac_str_eqi(text, s->pieces[0].literal)
                       : !pieces_match(s, 0, text, out->captures + captures_n, &steps))
            return false;
        captures_n += s->pieces_n - 1;
    }
    out->op = e->op;
    out->captures_n = captures_n;
    return rest.p == NULL;
}

bool rac_route_find(const struct rac_route *r, rac_str method, rac_str path,
                    struct rac_route_match *out)
{
    if (path.n == 0 || path.p[0] != '/')
        return false;
    path = rac_str_from(path, 1);
    if (path.p == NULL)
        path = RAC_S("");
    uint32_t n = 1;
    for (size_t k = 0; k < path.n; k++)
        n += path.p[k] == '/';
    size_t lo = 0, hi = r->n; /* the first entry of that many segments */
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (r->v[mid].segments_n < n)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < r->n && r->v[lo].segments_n == n; lo++) {
        const struct entry *e = &r->v[lo];
        if (e->captures_n <= RAC_CAPTURES_MAX && rac_str_eqi(e->op->method, method) &&
            entry_match(e, path, out))
            return true;
    }
    return false;
}
