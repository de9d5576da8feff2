/* Collections (spec expressions §16.2). */
#include "base/dec.h"
#include "base/map.h"
#include "expr/functions_priv.h"

static bool array_contains(struct call *c, const struct rac_json *array,
                           const struct rac_json *what, struct rac_json *out)
{
    bool found = false;
    for (size_t i = 0; !found && i < rac_json_len(array); i++)
        if (!equal_values(c, rac_json_at(array, i), what, &found))
            return false;
    return answer_bool(out, found);
}

bool fn_contains(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                 struct rac_json *out)
{
    rac_str what;
    switch (v[0].type) {
    case RAC_JSON_STRING:
        return arg_str(c, v, 1, &what) &&
               answer_bool(out, rac_str_find(str_of(&v[0]), what) != RAC_STR_NPOS);
    case RAC_JSON_OBJECT:
        return arg_str(c, v, 1, &what) && answer_bool(out, rac_json_get(&v[0], what) != NULL);
    case RAC_JSON_ARRAY:
        return array_contains(c, &v[0], &v[1], out);
    default:
        return fail_type(c, &v[0], 0, "an object, an array or a string");
    }
}

bool fn_empty(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    switch (v[0].type) {
    case RAC_JSON_NULL:
        return answer_bool(out, true);
    case RAC_JSON_STRING:
        return answer_bool(out, v[0].n == 0);
    case RAC_JSON_ARRAY:
    case RAC_JSON_OBJECT:
        return answer_bool(out, rac_json_len(&v[0]) == 0);
    default:
        return fail_type(c, &v[0], 0, "an object, an array or a string");
    }
}

static bool end_of(struct call *c, const struct rac_json *v, bool last, struct rac_json *out)
{
    if (v[0].type == RAC_JSON_ARRAY) {
        size_t len = rac_json_len(&v[0]);
        *out = len == 0 ? rac_json_of_null() : *rac_json_at(&v[0], last ? len - 1 : 0);
        return true;
    }
    if (v[0].type != RAC_JSON_STRING)
        return fail_type(c, &v[0], 0, "an array or a string");
    size_t units = u16_length(str_of(&v[0]));
    *out = str_value(u16_slice(c->a, str_of(&v[0]), last && units > 0 ? units - 1 : 0, 1));
    return true;
}

bool fn_first(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    return end_of(c, v, false, out);
}

bool fn_last(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    return end_of(c, v, true, out);
}

static bool copy_range(struct call *c, const struct rac_json *array, size_t from, size_t to,
                       struct rac_json *out)
{
    if (!charge(c, to - from))
        return false;
    *out = rac_json_new_array(c->a);
    for (size_t i = from; i < to; i++)
        rac_json_add(c->a, out, *rac_json_at(array, i));
    return true;
}

static bool count_arg(struct call *c, const struct rac_json *v, int64_t *count)
{
    if (!arg_int(c, v, 1, count))
        return false;
    return *count >= 0 || fail(c, RAC_EXPR_ARGUMENT,
                               "The template language function '%s' expects a count of at least 0.",
                               c->node->fn->info.name);
}

bool fn_take(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    int64_t count;
    if (v[0].type != RAC_JSON_ARRAY && v[0].type != RAC_JSON_STRING)
        return fail_type(c, &v[0], 0, "an array or a string");
    if (!count_arg(c, v, &count))
        return false;
    if (v[0].type == RAC_JSON_ARRAY) {
        size_t len = rac_json_len(&v[0]);
        return copy_range(c, &v[0], 0, (uint64_t)count < len ? (size_t)count : len, out);
    }
    *out = str_value(u16_slice(c->a, str_of(&v[0]), 0, (size_t)count));
    return true;
}

bool fn_skip(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    int64_t count;
    if (!arg_array(c, v, 0) || !count_arg(c, v, &count))
        return false;
    size_t len = rac_json_len(&v[0]);
    return copy_range(c, &v[0], (uint64_t)count < len ? (size_t)count : len, len, out);
}

bool fn_join(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    rac_str delimiter;
    if (!arg_array(c, v, 0) || !arg_str(c, v, 1, &delimiter))
        return false;
    size_t len = rac_json_len(&v[0]);
    if (!charge(c, len))
        return false;
    rac_str *parts = RAC_NEW_N(c->a, rac_str, len);
    for (size_t i = 0; i < len; i++)
        if (!text_of(c, rac_json_at(&v[0], i), &parts[i]))
            return false;
    return join_text(c, parts, len, delimiter, out) && charge(c, out->n / 64);
}

bool fn_reverse(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    if (!arg_array(c, v, 0) || !charge(c, rac_json_len(&v[0])))
        return false;
    *out = rac_json_new_array(c->a);
    for (size_t i = rac_json_len(&v[0]); i-- > 0;)
        rac_json_add(c->a, out, *rac_json_at(&v[0], i));
    return true;
}

/* --- sort: a stable merge sort over places, since qsort is not stable ------------------------- */

struct sorted {
    struct rac_json *value, *key;
};

/* 1, 0: whether they can be compared; -1: that costs too much. */
static int comparable(struct call *c, const struct rac_json *x, const struct rac_json *y,
                      int *order)
{
    bool texts = x->type == RAC_JSON_STRING && y->type == RAC_JSON_STRING;
    if (!charge(c, 1 + (texts ? (x->n < y->n ? x->n : y->n) / 64 : 0)))
        return -1;
    if (x->type == RAC_JSON_BOOL && y->type == RAC_JSON_BOOL) {
        *order = x->b - y->b;
        return 1;
    }
    return compare_ordered(x, y, order);
}

static int merge_sort(struct call *c, struct sorted *v, struct sorted *spare, size_t n)
{
    size_t half = n / 2, i = 0, j = half, w = 0;
    int ok = 1;
    if (n < 2 || (ok = merge_sort(c, v, spare, half)) != 1 ||
        (ok = merge_sort(c, v + half, spare, n - half)) != 1)
        return ok;
    while (i < half && j < n) {
        int order;
        if ((ok = comparable(c, v[i].key, v[j].key, &order)) != 1)
            return ok;
        spare[w++] = order <= 0 ? v[i++] : v[j++];
    }
    while (i < half)
        spare[w++] = v[i++];
    memcpy(v, spare, w * sizeof *v); /* what is left of the second half stands already */
    return 1;
}

bool fn_sort(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    rac_str key = RAC_STR_NULL;
    if (!arg_array(c, v, 0) || (n > 1 && !arg_str(c, v, 1, &key)))
        return false;
    size_t len = rac_json_len(&v[0]);
    if (!charge(c, len))
        return false;
    struct sorted *list = RAC_NEW_N(c->a, struct sorted, len),
                  *spare = RAC_NEW_N(c->a, struct sorted, len);
    for (size_t i = 0; i < len; i++) {
        list[i].value = list[i].key = rac_json_at(&v[0], i);
        if (n > 1)
            list[i].key = member_lookup(list[i].value, key);
        if (list[i].key == NULL ||
            (list[i].key->type != RAC_JSON_BOOL && list[i].key->type != RAC_JSON_STRING &&
             !rac_json_is_number(list[i].key)))
            return fail(c, RAC_EXPR_TYPE,
                        "The template language function 'sort' orders numbers, strings or "
                        "booleans%s; element %zu has none.",
                        n > 1 ? " found under the key" : "", i);
    }
    int ok = merge_sort(c, list, spare, len);
    if (ok < 0)
        return false;
    if (ok == 0)
        return fail(c, RAC_EXPR_TYPE,
                    "The template language function 'sort' expects elements of one type: all "
                    "numbers, all strings or all booleans.");
    *out = rac_json_new_array(c->a);
    for (size_t i = 0; i < len; i++)
        rac_json_add(c->a, out, *list[i].value);
    return true;
}

/* --- union, intersection ---------------------------------------------------------------------- */

/* A set of values by deep equality. Strings go through a hash map, other scalars through one by
 * their canonical text; what has parts is compared with the others that have parts. */
struct set {
    struct rac_map strings, scalars;
    const struct rac_json **deep;
    size_t deep_n, deep_cap;
    struct call *c;
};

/* 1, 1.0 and 1.00 are the same element; what a double cannot hold is told apart by its digits. */
static rac_str canonical_number(struct set *s, const struct rac_json *v)
{
    char num[RAC_DEC_TEXT];
    double d = rac_json_double(v, 0);
    if (v->type == RAC_JSON_INT && (v->i > (1LL << 53) || v->i < -(1LL << 53)))
        return rac_arena_printf(s->c->a, "n%lld", (long long)v->i);
    struct rac_dec exact, rounded;
    if (is_decimal(v) && rac_dec_parse(str_of(v), &exact) && rac_dec_of_double(d, &rounded) &&
        rac_dec_cmp(exact, rounded) != 0) {
        rac_str text = {num, rac_dec_print(exact, num)};
        while (exact.scale > 0 && text.p[text.n - 1] == '0') {
            text.n--;
            exact.scale--;
        }
        if (text.p[text.n - 1] == '.')
            text.n--;
        return rac_arena_printf(s->c->a, "n%.*s", RAC_FMT(text));
    }
    return rac_arena_printf(s->c->a, "n%.*s", (int)double_text(d, false, num), num);
}

static rac_str canonical(struct set *s, const struct rac_json *v)
{
    if (v->type == RAC_JSON_STRING)
        return str_of(v);
    if (rac_json_is_number(v))
        return canonical_number(s, v);
    return v->type == RAC_JSON_NULL ? RAC_S("null") : v->b ? RAC_S("true") : RAC_S("false");
}

static bool has_parts(const struct rac_json *v)
{
    return v->type == RAC_JSON_ARRAY || v->type == RAC_JSON_OBJECT;
}

static struct rac_map *map_of(struct set *s, const struct rac_json *v)
{
    return v->type == RAC_JSON_STRING ? &s->strings : &s->scalars;
}

/* False: it costs too much. */
static bool set_has(struct set *s, const struct rac_json *v, bool *has)
{
    *has = false;
    if (!charge(s->c, 1 + (v->type == RAC_JSON_STRING ? v->n / 32 : 0)))
        return false;
    if (!has_parts(v)) {
        *has = rac_map_has(map_of(s, v), canonical(s, v));
        return true;
    }
    for (size_t i = 0; i < s->deep_n && !*has; i++)
        if (!equal_values(s->c, s->deep[i], v, has))
            return false;
    return true;
}

/* *added: it was not there. */
static bool set_add(struct set *s, const struct rac_json *v, bool *added)
{
    bool has;
    if (!set_has(s, v, &has))
        return false;
    *added = !has;
    if (has)
        return true;
    if (!has_parts(v)) {
        rac_map_put(map_of(s, v), canonical(s, v), s);
        return true;
    }
    if (s->deep_n == s->deep_cap) {
        size_t cap = s->deep_cap ? s->deep_cap * 2 : 8;
        s->deep =
            rac_arena_grow(s->c->a, s->deep, s->deep_cap * sizeof *s->deep, cap * sizeof *s->deep);
        s->deep_cap = cap;
    }
    s->deep[s->deep_n++] = v;
    return true;
}

static void set_init(struct set *s, struct call *c)
{
    *s = (struct set){.c = c};
    rac_map_init(&s->strings, c->a);
    rac_map_init(&s->scalars, c->a);
}

static bool same_kind(struct call *c, const struct rac_json *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (v[i].type != RAC_JSON_ARRAY && v[i].type != RAC_JSON_OBJECT)
            return fail_type(c, &v[i], i, "an array or an object");
        if (v[i].type != v[0].type)
            return fail_type(c, &v[i], i,
                             v[0].type == RAC_JSON_ARRAY ? "an array, as the first one"
                                                         : "an object, as the first one");
    }
    return true;
}

bool fn_union(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    struct set seen;
    bool added;
    set_init(&seen, c);
    if (!same_kind(c, v, n))
        return false;
    if (v[0].type == RAC_JSON_ARRAY) {
        *out = rac_json_new_array(c->a);
        for (size_t i = 0; i < n; i++)
            RAC_JSON_EACH(e, &v[i])
            {
                if (!set_add(&seen, e, &added))
                    return false;
                if (added)
                    rac_json_add(c->a, out, *e);
            }
        return true;
    }
    *out = rac_json_new_object(c->a);
    for (size_t i = 0; i < n; i++) {
        if (!charge_members(c, &v[i]))
            return false;
        RAC_JSON_EACH_MEMBER(m, &v[i])
        rac_json_put(c->a, out, rac_json_key(m), m->value);
    }
    return true;
}

static bool intersection_of_arrays(struct call *c, const struct rac_json *v, size_t n,
                                   struct rac_json *out)
{
    struct set *sets = RAC_NEW_N(c->a, struct set, n), taken;
    bool all, added;
    set_init(&taken, c);
    for (size_t i = 1; i < n; i++) {
        set_init(&sets[i], c);
        RAC_JSON_EACH(e, &v[i])
        if (!set_add(&sets[i], e, &added))
            return false;
    }
    *out = rac_json_new_array(c->a);
    RAC_JSON_EACH(e, &v[0])
    {
        all = true;
        for (size_t i = 1; i < n && all; i++)
            if (!set_has(&sets[i], e, &all))
                return false;
        if (!all)
            continue;
        if (!set_add(&taken, e, &added))
            return false;
        if (added)
            rac_json_add(c->a, out, *e);
    }
    return true;
}

bool fn_intersection(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    if (!same_kind(c, v, n))
        return false;
    if (v[0].type == RAC_JSON_ARRAY)
        return intersection_of_arrays(c, v, n, out);
    *out = rac_json_new_object(c->a);
    RAC_JSON_EACH_MEMBER(m, &v[0])
    {
        bool all = true;
        for (size_t i = 1; i < n && all; i++) {
            const struct rac_json *other = rac_json_get(&v[i], rac_json_key(m));
            all = other != NULL;
            if (all && !equal_values(c, &m->value, other, &all))
                return false;
        }
        if (!charge(c, n * (1 + m->key_n / 64)))
            return false;
        if (all)
            rac_json_put(c->a, out, rac_json_key(m), m->value);
    }
    return true;
}
