/* Lists and objects. */
#include "base/str.h"
#include "workflow/template/template_priv.h"

struct rac_json tf_create_array(struct resolver *r, const struct arguments *x)
{
    struct rac_json out = rac_json_new_array(r->a);
    for (size_t i = 0; i < x->n; i++)
        rac_json_add(r->a, &out, x->v[i]);
    return out;
}

struct rac_json tf_create_object(struct resolver *r, const struct arguments *x)
{
    struct rac_json out = rac_json_new_object(r->a);
    if (x->n % 2 != 0)
        return unknown_because(r, "createObject() takes names and values in turn");
    for (size_t i = 0; i + 1 < x->n; i += 2)
        rac_json_put(r->a, &out, template_text(r, &x->v[i]), x->v[i + 1]);
    return out;
}

struct rac_json tf_array(struct resolver *r, const struct arguments *x)
{
    return x->v[0].type == RAC_JSON_ARRAY ? x->v[0] : tf_create_array(r, x);
}

/* --- both ------------------------------------------------------------------------------------- */

/* The properties of from put into a copy of into; objects in both are merged, to any depth. */
static struct rac_json merged(struct resolver *r, const struct rac_json *into,
                              const struct rac_json *from)
{
    struct rac_json out = rac_json_new_object(r->a);
    if (!affordable_bytes(r, (rac_json_len(into) + rac_json_len(from)) * 8) ||
        r->levels >= TEMPLATE_LEVELS_MAX)
        return unknown_because(r, "the value is too large");
    r->levels++;
    RAC_JSON_EACH_MEMBER(m, into)
    rac_json_put(r->a, &out, rac_json_key(m), m->value);
    RAC_JSON_EACH_MEMBER(m, from)
    {
        const struct rac_json *there = rac_json_get(&out, rac_json_key(m));
        struct rac_json v = m->value;
        if (rac_json_is_object(there) && v.type == RAC_JSON_OBJECT)
            v = merged(r, there, &v);
        rac_json_put(r->a, &out, rac_json_key(m), v);
    }
    r->levels--;
    return out;
}

struct rac_json tf_union(struct resolver *r, const struct arguments *x)
{
    struct rac_json out = x->v[0];
    if (out.type != RAC_JSON_OBJECT) {
        for (size_t i = 0; i < x->n; i++) {
            struct rac_json missing = template_missing(r, &x->v[i]);
            if (missing.type != RAC_JSON_NONE)
                return missing;
        }
        return template_shared(r, "union", x->v, x->n);
    }
    for (size_t i = 1; i < x->n; i++) {
        if (x->v[i].type != RAC_JSON_OBJECT)
            return unknown_because(r, "union() takes lists, or objects, and not both");
        out = merged(r, &out, &x->v[i]);
    }
    return out;
}

struct rac_json tf_contains(struct resolver *r, const struct arguments *x)
{
    const struct rac_json *v = &x->v[0];
    if (v->type == RAC_JSON_OBJECT)
        return rac_json_of_bool(rac_json_geti(v, template_text(r, &x->v[1])) != NULL);
    for (size_t i = 0; i < x->n; i++) {
        struct rac_json missing = template_missing(r, &x->v[i]);
        if (missing.type != RAC_JSON_NONE)
            return missing;
    }
    if (v->type != RAC_JSON_STRING)
        return template_shared(r, "contains", x->v, 2);
    return rac_json_of_bool(rac_str_find(template_text(r, v), template_text(r, &x->v[1])) !=
                            RAC_STR_NPOS);
}

struct rac_json tf_length(struct resolver *r, const struct arguments *x)
{
    const struct rac_json *v = &x->v[0];
    if (v->type == RAC_JSON_STRING)
        return rac_json_of_int((int64_t)template_length(r, v));
    return v->type == RAC_JSON_ARRAY || v->type == RAC_JSON_OBJECT
               ? rac_json_of_int((int64_t)rac_json_len(v))
               : unknown_because(r, "length() takes a text, a list or an object");
}

struct rac_json tf_empty(struct resolver *r, const struct arguments *x)
{
    struct rac_json n = tf_length(r, x);
    if (x->v[0].type == RAC_JSON_NULL)
        return rac_json_of_bool(true);
    return value_is_unknown(&n) ? unknown_because(r, "empty() takes a text, a list or an object")
                                : rac_json_of_bool(n.i == 0);
}

/* --- parts of lists and texts ----------------------------------------------------------------- */

static struct rac_json part_of(struct resolver *r, const struct rac_json *v, size_t from, size_t n)
{
    if (v->type == RAC_JSON_STRING)
        return template_part(r, v, from, n);
    if (v->type != RAC_JSON_ARRAY || !affordable_bytes(r, rac_json_len(v) * 8))
        return unknown_because(r, "take() and skip() take a text or a list, not too long");
    struct rac_json out = rac_json_new_array(r->a);
    for (size_t i = from; i < rac_json_len(v) && i - from < n; i++)
        rac_json_add(r->a, &out, *rac_json_at(v, i));
    return out;
}

struct rac_json tf_take(struct resolver *r, const struct arguments *x)
{
    int64_t n = rac_json_int(&x->v[1], 0);
    return part_of(r, &x->v[0], 0, n < 0 ? 0 : (size_t)n);
}

struct rac_json tf_skip(struct resolver *r, const struct arguments *x)
{
    int64_t n = rac_json_int(&x->v[1], 0);
    return part_of(r, &x->v[0], n < 0 ? 0 : (size_t)n, SIZE_MAX);
}

static struct rac_json end_of(struct resolver *r, const struct rac_json *v, bool last)
{
    size_t n = v->type == RAC_JSON_STRING ? template_length(r, v) : rac_json_len(v);
    if (v->type == RAC_JSON_STRING)
        return template_part(r, v, last && n > 0 ? n - 1 : 0, 1);
    if (v->type != RAC_JSON_ARRAY)
        return unknown_because(r, "first() and last() take a text or a list");
    return n > 0 ? *rac_json_at(v, last ? n - 1 : 0) : rac_json_of_null();
}

struct rac_json tf_first(struct resolver *r, const struct arguments *x)
{
    return end_of(r, &x->v[0], false);
}

struct rac_json tf_last(struct resolver *r, const struct arguments *x)
{
    return end_of(r, &x->v[0], true);
}

/* The n-th from the end, the last is 1; NULL: there is none. */
static const struct rac_json *from_end(const struct rac_json *list, const struct rac_json *n)
{
    size_t length = rac_json_len(list);
    return list->type == RAC_JSON_ARRAY && n->type == RAC_JSON_INT && n->i >= 1 &&
                   (uint64_t)n->i <= length
               ? rac_json_at(list, length - (size_t)n->i)
               : NULL;
}

struct rac_json tf_index_from_end(struct resolver *r, const struct arguments *x)
{
    const struct rac_json *v = from_end(&x->v[0], &x->v[1]);
    return v != NULL ? *v : unknown_because(r, "the list has no element so far from its end");
}

/* A step of tryGet(): a name, a place, or {value, fromEnd}. */
static const struct rac_json *step_of(const struct rac_json *v, const struct rac_json *key)
{
    if (key->type == RAC_JSON_OBJECT) {
        const struct rac_json *value = rac_json_geti(key, RAC_S("value"));
        if (value == NULL)
            return NULL;
        if (rac_json_bool(rac_json_geti(key, RAC_S("fromEnd")), false))
            return from_end(v, value);
        key = value;
    }
    if (key->type == RAC_JSON_INT)
        return key->i >= 0 ? rac_json_at(v, (size_t)key->i) : NULL;
    return rac_json_geti(v, rac_json_str(key, RAC_S("")));
}

/* The rest of the way from v, which the first step led to and may be NULL: then all is null. */
static struct rac_json rest_of_way(struct resolver *r, const struct rac_json *v,
                                   const struct arguments *x)
{
    if (v == NULL || v->type == RAC_JSON_NULL)
        return v != NULL ? *v : rac_json_of_null();
    for (size_t i = 2; i < x->n; i++) {
        if (value_is_unknown(v))
            return *v;
        v = step_of(v, &x->v[i]);
        if (v == NULL)
            return unknown_because(r, "a value has no such property or element");
    }
    return *v;
}

struct rac_json tf_try_get(struct resolver *r, const struct arguments *x)
{
    return rest_of_way(r, step_of(&x->v[0], &x->v[1]), x);
}

struct rac_json tf_try_index_from_end(struct resolver *r, const struct arguments *x)
{
    return rest_of_way(r, from_end(&x->v[0], &x->v[1]), x);
}

/* --- lists ------------------------------------------------------------------------------------ */

static struct rac_json place_of(struct resolver *r, const struct arguments *x, bool last)
{
    const struct rac_json *v = &x->v[0];
    if (v->type == RAC_JSON_STRING)
        return template_shared(r, last ? "lastIndexOf" : "indexOf", x->v, 2);
    if (v->type != RAC_JSON_ARRAY)
        return unknown_because(r, "indexOf() and lastIndexOf() search a text or a list");
    for (size_t n = rac_json_len(v), k = 0; k < n; k++) {
        size_t i = last ? n - 1 - k : k;
        if (!affordable(r, &x->v[1]))
            return unknown_because(r, "the value is too large");
        if (rac_json_equal(rac_json_at(v, i), &x->v[1]))
            return rac_json_of_int((int64_t)i);
    }
    return rac_json_of_int(-1);
}

struct rac_json tf_index_of(struct resolver *r, const struct arguments *x)
{
    return place_of(r, x, false);
}

struct rac_json tf_last_index_of(struct resolver *r, const struct arguments *x)
{
    return place_of(r, x, true);
}

struct rac_json tf_range(struct resolver *r, const struct arguments *x)
{
    int64_t from = rac_json_int(&x->v[0], INT64_MAX), n = rac_json_int(&x->v[1], -1), end;
    struct rac_json out = rac_json_new_array(r->a);
    if (n < 0 || n > TEMPLATE_LIST_MAX || __builtin_add_overflow(from, n, &end) ||
        !affordable_bytes(r, (size_t)n * 8))
        return unknown_because(r, "range() has a start or a count it cannot have");
    for (int64_t i = from; i < end; i++)
        rac_json_add(r->a, &out, rac_json_of_int(i));
    return out;
}

struct rac_json tf_flatten(struct resolver *r, const struct arguments *x)
{
    struct rac_json out = rac_json_new_array(r->a);
    RAC_JSON_EACH(list, &x->v[0])
    {
        if (value_is_unknown(list))
            return *list;
        if (list->type != RAC_JSON_ARRAY || !affordable_bytes(r, rac_json_len(list) * 8))
            return unknown_because(r, "flatten() takes a list of lists, not too long");
        RAC_JSON_EACH(e, list)
        rac_json_add(r->a, &out, *e);
    }
    return out;
}

static struct rac_json least_or_most(struct resolver *r, const struct arguments *x, int sign)
{
    const struct rac_json *best = NULL;
    bool list = x->n == 1 && x->v[0].type == RAC_JSON_ARRAY;
    size_t n = list ? rac_json_len(&x->v[0]) : x->n;
    for (size_t i = 0; i < n; i++) {
        const struct rac_json *v = list ? rac_json_at(&x->v[0], i) : &x->v[i];
        if (!rac_json_is_number(v))
            return unknown_because(r, "a value is no number");
        if (best == NULL || rac_json_number_cmp(v, best) * sign > 0)
            best = v;
    }
    return best != NULL ? *best : unknown_because(r, "the list is empty");
}

struct rac_json tf_min(struct resolver *r, const struct arguments *x)
{
    return least_or_most(r, x, -1);
}

struct rac_json tf_max(struct resolver *r, const struct arguments *x)
{
    return least_or_most(r, x, 1);
}

/* --- objects ---------------------------------------------------------------------------------- */

static int by_key(const void *x, const void *y)
{
    const struct rac_json_member *const *a = x, *const *b = y;
    rac_str k = rac_json_key(*a), l = rac_json_key(*b);
    for (size_t i = 0; i < k.n && i < l.n; i++)
        if (rac_lower(k.p[i]) != rac_lower(l.p[i]))
            return (unsigned char)rac_lower(k.p[i]) - (unsigned char)rac_lower(l.p[i]);
    return k.n != l.n ? (k.n < l.n ? -1 : 1) : rac_str_cmp(k, l);
}

/* [{key, value}], by the alphabet. */
struct rac_json tf_items(struct resolver *r, const struct arguments *x)
{
    struct rac_json out = rac_json_new_array(r->a);
    size_t n = rac_json_len(&x->v[0]);
    if (x->v[0].type != RAC_JSON_OBJECT || !affordable_bytes(r, n * 16))
        return unknown_because(r, "items() takes an object, not too large");
    const struct rac_json_member **v = RAC_NEW_N(r->a, const struct rac_json_member *, n);
    for (size_t i = 0; i < n; i++)
        v[i] = rac_json_member_at(&x->v[0], i);
    if (n > 1)
        qsort(v, n, sizeof *v, by_key);
    for (size_t i = 0; i < n; i++) {
        struct rac_json o = rac_json_new_object(r->a);
        RAC_JSON_PUT_STR(r->a, &o, "key", rac_json_key(v[i]));
        RAC_JSON_PUT(r->a, &o, "value", v[i]->value);
        rac_json_add(r->a, &out, o);
    }
    return out;
}

struct rac_json tf_object_keys(struct resolver *r, const struct arguments *x)
{
    struct rac_json out = rac_json_new_array(r->a);
    if (x->v[0].type != RAC_JSON_OBJECT || !affordable_bytes(r, rac_json_len(&x->v[0]) * 8))
        return unknown_because(r, "objectKeys() takes an object, not too large");
    RAC_JSON_EACH_MEMBER(m, &x->v[0])
    rac_json_add(r->a, &out, rac_json_of_str(rac_json_key(m)));
    return out;
}

struct rac_json tf_shallow_merge(struct resolver *r, const struct arguments *x)
{
    struct rac_json out = rac_json_new_object(r->a);
    RAC_JSON_EACH(e, &x->v[0])
    {
        if (value_is_unknown(e))
            return *e;
        if (e->type != RAC_JSON_OBJECT || !affordable_bytes(r, rac_json_len(e) * 8))
            return unknown_because(r, "shallowMerge() takes a list of objects, not too large");
        RAC_JSON_EACH_MEMBER(m, e)
        rac_json_put(r->a, &out, rac_json_key(m), m->value);
    }
    return out;
}
