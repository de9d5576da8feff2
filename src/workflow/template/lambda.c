/* Functions that take a lambda: it is read anew for each element it is applied to. */
#include "workflow/template/template_priv.h"

enum { NAMES_MAX = 3 };

struct lambda {
    rac_str names[NAMES_MAX], body;
    size_t n;
};

/* UNKNOWN: v is no lambda of that many names; else NONE. */
static struct rac_json lambda_of(struct resolver *r, const struct rac_json *v, size_t least,
                                 size_t most, struct lambda *out)
{
    rac_str text = {v->s, v->n};
    if (v->type != RAC_JSON_STRING || (v->flags & TEMPLATE_LAMBDA) == 0)
        return unknown_because(r, "a function needs a lambda");
    for (out->n = 0; out->n < most && template_take_name(r, &text, &out->names[out->n]);)
        out->n++;
    out->body = text;
    return out->n >= least ? rac_json_none
                           : unknown_because(r, "a lambda has too few names for its values");
}

static struct rac_json apply(struct resolver *r, const struct lambda *l, const struct rac_json *v)
{
    struct binding b[NAMES_MAX];
    const struct binding *outer = r->bound;
    if (!affordable_bytes(r, l->body.n))
        return unknown_because(r, "the value is too large");
    for (size_t i = 0; i < l->n; i++) {
        b[i] = (struct binding){r->bound, l->names[i], &v[i]};
        r->bound = &b[i];
    }
    struct rac_json out = template_value_of(r, l->body);
    r->bound = outer;
    return out;
}

/* Of element i of a list, whose place the lambda may ask for. */
static struct rac_json apply_at(struct resolver *r, const struct lambda *l,
                                const struct rac_json *list, size_t i)
{
    struct rac_json v[2] = {*rac_json_at(list, i), rac_json_of_int((int64_t)i)};
    return apply(r, l, v);
}

/* UNKNOWN: the first argument is no list, or the lambda is none; else NONE. */
static struct rac_json list_and_lambda(struct resolver *r, const struct arguments *x, size_t at,
                                       size_t least, size_t most, struct lambda *l)
{
    if (x->v[0].type != RAC_JSON_ARRAY)
        return unknown_becausef(r, "%.*s() takes a list", RAC_FMT(x->name));
    return lambda_of(r, &x->v[at], least, most, l);
}

struct rac_json tf_map(struct resolver *r, const struct arguments *x)
{
    struct lambda l;
    struct rac_json bad = list_and_lambda(r, x, 1, 1, 2, &l), out = rac_json_new_array(r->a);
    for (size_t i = 0; i < rac_json_len(&x->v[0]) && bad.type == RAC_JSON_NONE; i++) {
        if (r->budget <= 0)
            return unknown_because(r, "the value is too large");
        rac_json_add(r->a, &out, apply_at(r, &l, &x->v[0], i));
    }
    return bad.type != RAC_JSON_NONE ? bad : out;
}

struct rac_json tf_map_values(struct resolver *r, const struct arguments *x)
{
    struct lambda l;
    struct rac_json bad = lambda_of(r, &x->v[1], 1, 1, &l), out = rac_json_new_object(r->a);
    if (x->v[0].type != RAC_JSON_OBJECT)
        return unknown_because(r, "mapValues() takes an object");
    RAC_JSON_EACH_MEMBER(m, &x->v[0])
    {
        if (bad.type != RAC_JSON_NONE || r->budget <= 0)
            break;
        rac_json_put(r->a, &out, rac_json_key(m), apply(r, &l, &m->value));
    }
    return bad.type != RAC_JSON_NONE ? bad
           : r->budget <= 0          ? unknown_because(r, "the value is too large")
                                     : out;
}

struct rac_json tf_filter(struct resolver *r, const struct arguments *x)
{
    struct lambda l;
    struct rac_json bad = list_and_lambda(r, x, 1, 1, 2, &l), out = rac_json_new_array(r->a);
    for (size_t i = 0; i < rac_json_len(&x->v[0]) && bad.type == RAC_JSON_NONE; i++) {
        struct rac_json keep = apply_at(r, &l, &x->v[0], i);
        if (value_is_unknown(&keep))
            return keep;
        if (keep.type != RAC_JSON_BOOL)
            return unknown_because(r, "the lambda of filter() is neither true nor false");
        if (keep.b)
            rac_json_add(r->a, &out, *rac_json_at(&x->v[0], i));
    }
    return bad.type != RAC_JSON_NONE ? bad : out;
}

struct rac_json tf_reduce(struct resolver *r, const struct arguments *x)
{
    struct lambda l;
    struct rac_json bad = list_and_lambda(r, x, 2, 2, 3, &l), v[3] = {x->v[1]};
    if (bad.type != RAC_JSON_NONE)
        return bad;
    for (size_t i = 0; i < rac_json_len(&x->v[0]) && !value_is_unknown(&v[0]); i++) {
        v[1] = *rac_json_at(&x->v[0], i);
        v[2] = rac_json_of_int((int64_t)i);
        v[0] = apply(r, &l, v);
    }
    return v[0];
}

/* --- objects ---------------------------------------------------------------------------------- */

/* The key that a lambda gives for element i; absent, and *bad says why. */
static rac_str key_of(struct resolver *r, const struct lambda *l, const struct rac_json *list,
                      size_t i, struct rac_json *bad)
{
    struct rac_json key = apply_at(r, l, list, i);
    if (value_is_unknown(&key))
        *bad = key;
    else if (key.type == RAC_JSON_STRING)
        return (rac_str){key.s, key.n};
    else
        *bad = unknown_because(r, "a lambda that names properties gives no text");
    return RAC_STR_NULL;
}

struct rac_json tf_to_object(struct resolver *r, const struct arguments *x)
{
    struct lambda l, value;
    struct rac_json bad = list_and_lambda(r, x, 1, 1, 2, &l), out = rac_json_new_object(r->a);
    if (bad.type == RAC_JSON_NONE && x->n > 2)
        bad = lambda_of(r, &x->v[2], 1, 2, &value);
    for (size_t i = 0; i < rac_json_len(&x->v[0]) && bad.type == RAC_JSON_NONE; i++) {
        rac_str key = key_of(r, &l, &x->v[0], i, &bad);
        if (key.p != NULL)
            rac_json_put(r->a, &out, key,
                         x->n > 2 ? apply_at(r, &value, &x->v[0], i) : *rac_json_at(&x->v[0], i));
    }
    return bad.type != RAC_JSON_NONE ? bad : out;
}

struct rac_json tf_group_by(struct resolver *r, const struct arguments *x)
{
    struct lambda l;
    struct rac_json bad = list_and_lambda(r, x, 1, 1, 2, &l), out = rac_json_new_object(r->a);
    for (size_t i = 0; i < rac_json_len(&x->v[0]) && bad.type == RAC_JSON_NONE; i++) {
        rac_str key = key_of(r, &l, &x->v[0], i, &bad);
        if (key.p == NULL)
            break;
        struct rac_json *group = rac_json_get(&out, key);
        if (group == NULL)
            group = rac_json_put(r->a, &out, key, rac_json_new_array(r->a));
        rac_json_add(r->a, group, *rac_json_at(&x->v[0], i));
    }
    return bad.type != RAC_JSON_NONE ? bad : out;
}

/* --- sort: equal elements keep their order ---------------------------------------------------- */

struct sorting {
    struct resolver *r;
    const struct lambda *l;
    struct rac_json bad; /* UNKNOWN: why it cannot be done */
};

static bool stands_before(struct sorting *s, const struct rac_json *x, const struct rac_json *y)
{
    struct rac_json pair[2] = {*x, *y}, less = apply(s->r, s->l, pair);
    if (value_is_unknown(&less))
        s->bad = less;
    else if (less.type != RAC_JSON_BOOL)
        s->bad = unknown_because(s->r, "the lambda of sort() is neither true nor false");
    return less.type == RAC_JSON_BOOL && less.b;
}

static void merge_sort(struct sorting *s, struct rac_json *v, struct rac_json *spare, size_t n)
{
    size_t half = n / 2, i = 0, j = half, w = 0;
    if (n < 2)
        return;
    merge_sort(s, v, spare, half);
    merge_sort(s, v + half, spare, n - half);
    while (i < half && j < n && s->bad.type == RAC_JSON_NONE)
        spare[w++] = stands_before(s, &v[j], &v[i]) ? v[j++] : v[i++];
    while (i < half)
        spare[w++] = v[i++];
    memcpy(v, spare, w * sizeof *v); /* what is left of the second half stands already */
}

struct rac_json tf_sort(struct resolver *r, const struct arguments *x)
{
    struct lambda l;
    struct sorting s = {.r = r, .l = &l};
    s.bad = list_and_lambda(r, x, 1, 2, 2, &l);
    size_t n = rac_json_len(&x->v[0]);
    struct rac_json out = rac_json_new_array(r->a);
    if (s.bad.type != RAC_JSON_NONE || n == 0)
        return s.bad.type != RAC_JSON_NONE ? s.bad : out;
    if (!affordable_bytes(r, n * 16))
        return unknown_because(r, "the list is too long");
    struct rac_json *v = RAC_NEW_N(r->a, struct rac_json, n),
                    *spare = RAC_NEW_N(r->a, struct rac_json, n);
    for (size_t i = 0; i < n; i++)
        v[i] = *rac_json_at(&x->v[0], i);
    merge_sort(&s, v, spare, n);
    for (size_t i = 0; i < n; i++)
        rac_json_add(r->a, &out, v[i]);
    return s.bad.type != RAC_JSON_NONE ? s.bad : out;
}
