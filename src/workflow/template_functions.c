/* The functions of template expressions whose values need no deployment. */
#include "base/base64.h"
#include "base/str.h"
#include "base/uri.h"
#include "base/utf8.h"
#include "text/url.h"
#include "workflow/template_priv.h"

enum { RANGE_MAX = 10000, PAD_MAX = 10000 };
#define FIRST_GUID "00000000-0000-0000-0000-000000000001"

static rac_str text_of(struct resolver *r, const struct rac_json *v)
{
    if (v->type == RAC_JSON_STRING)
        return (rac_str){v->s, v->n};
    if (v->type == RAC_JSON_BOOL)
        return v->b ? RAC_S("True") : RAC_S("False");
    if (v->type == RAC_JSON_NULL)
        return RAC_S("");
    return affordable(r, v) ? rac_json_print_str(v, 0, r->a) : RAC_S("");
}

static struct rac_json string_of(struct resolver *r, rac_str s)
{
    return affordable_bytes(r, s.n) ? rac_json_of_str(s)
                                    : unknown_because(r, "the text is too long");
}

typedef struct rac_json (*function)(struct resolver *r, const struct arguments *x);

/* --- names ------------------------------------------------------------------------------------ */

static struct rac_json parameter_value(struct resolver *r, struct scope *s, rac_str name)
{
    const struct rac_json *p = rac_json_geti(s->declared, name),
                          *given = rac_json_geti(s->given, name),
                          *value = rac_json_geti(given, RAC_S("value"));
    if (value != NULL) { /* of a nested deployment: said outside of it */
        struct scope *own = r->scope;
        r->scope = s->outer;
        struct rac_json v = resolve(r, value, RAC_STR_NULL);
        r->scope = own;
        return v;
    }
    if (given != NULL)
        return unknown_because(r, "the value of the parameter is kept elsewhere");
    if (p == NULL)
        return unknown_because(r, "there is no such template parameter");
    value = rac_json_geti(p, RAC_S("defaultValue"));
    if (value == NULL)
        return unknown_because(r, "the template parameter has no default value");
    return resolve(r, value, RAC_STR_NULL);
}

/* Looks up or makes the value of a name, once. */
static struct rac_json remembered(struct resolver *r, const char *prefix, rac_str name,
                                  struct rac_json (*make)(struct resolver *r, struct scope *s,
                                                          rac_str name))
{
    struct scope *s = r->scope;
    rac_str key = rac_str_lower(r->a, rac_arena_printf(r->a, "%s%.*s", prefix, RAC_FMT(name)));
    struct rac_json *v = rac_map_get(&s->values, key);
    if (v == NULL) {
        v = RAC_NEW(r->a, struct rac_json);
        *v = unknown_because(r, "its expressions refer to each other in a circle");
        rac_map_put(&s->values, key, v);
        *v = make(r, s, name);
    } else if (value_is_unknown(v)) {
        r->why = "a name it uses has no value that can be known";
    }
    return *v;
}

static struct rac_json fn_parameters(struct resolver *r, const struct arguments *x)
{
    rac_str name = rac_json_str(&x->v[0], RAC_S(""));
    if (r->scope->arguments.type != RAC_JSON_NONE) {
        const struct rac_json *v = rac_json_geti(&r->scope->arguments, name);
        return v != NULL ? *v : unknown_because(r, "the function has no such parameter");
    }
    return remembered(r, "p:", name, parameter_value);
}

struct rac_json template_copy(struct resolver *r, const struct rac_json *copy)
{
    const struct rac_json *count = rac_json_geti(copy, RAC_S("count")),
                          *input = rac_json_geti(copy, RAC_S("input"));
    struct rac_json n = count != NULL ? resolve(r, count, RAC_STR_NULL) : rac_json_of_null(),
                    list = rac_json_new_array(r->a);
    if (n.type != RAC_JSON_INT || n.i < 0 || n.i > RANGE_MAX || input == NULL ||
        r->copies == RAC_COUNT(r->copy))
        return unknown_because(r, "the count of a copy cannot be known");
    size_t at = r->copies++;
    r->copy_name[at] = rac_json_str(rac_json_geti(copy, RAC_S("name")), RAC_S(""));
    for (int64_t i = 0; i < n.i && r->budget > 0; i++) {
        r->copy[at] = i;
        rac_json_add(r->a, &list, resolve(r, input, RAC_STR_NULL));
    }
    r->copies = at;
    return list;
}

static struct rac_json variable_value(struct resolver *r, struct scope *s, rac_str name)
{
    const struct rac_json *variables = rac_json_geti(s->root, RAC_S("variables")),
                          *v = rac_json_geti(variables, name);
    RAC_JSON_EACH(copy, rac_json_geti(variables, RAC_S("copy")))
    if (rac_str_eqi(rac_json_str(rac_json_geti(copy, RAC_S("name")), RAC_S("")), name))
        return template_copy(r, copy);
    return v != NULL ? resolve(r, v, RAC_STR_NULL)
                     : unknown_because(r, "there is no such template variable");
}

static struct rac_json fn_variables(struct resolver *r, const struct arguments *x)
{
    return remembered(r, "v:", rac_json_str(&x->v[0], RAC_S("")), variable_value);
}

static struct rac_json fn_copy_index(struct resolver *r, const struct arguments *x)
{
    bool named = x->n > 0 && x->v[0].type == RAC_JSON_STRING;
    int64_t offset = x->n > 0 ? rac_json_int(&x->v[x->n - 1], 0) : 0;
    for (size_t i = r->copies; i-- > 0;)
        if (!named || rac_str_eqi(rac_json_str(&x->v[0], RAC_S("")), r->copy_name[i]))
            return rac_json_of_int(r->copy[i] + offset);
    return unknown_because(r, "copyIndex() stands outside of a copy");
}

/* --- text ------------------------------------------------------------------------------------- */

static struct rac_json fn_concat(struct resolver *r, const struct arguments *x)
{
    struct rac_buf b;
    if (x->n > 0 && x->v[0].type == RAC_JSON_ARRAY) {
        struct rac_json out = rac_json_new_array(r->a);
        for (size_t i = 0; i < x->n; i++)
            RAC_JSON_EACH(e, &x->v[i])
        rac_json_add(r->a, &out, *e);
        return out;
    }
    rac_buf_init(&b, 1 << 24);
    for (size_t i = 0; i < x->n; i++)
        rac_buf_add(&b, text_of(r, &x->v[i]));
    rac_err e = rac_buf_err(&b);
    rac_str s = rac_buf_take(&b, r->a);
    rac_buf_fini(&b);
    return e == RAC_OK ? string_of(r, s) : unknown_because(r, "the text is too long");
}

/* "{0}", "{0:D2}", "{{" and "}}". */
static struct rac_json fn_format(struct resolver *r, const struct arguments *x)
{
    rac_str f = text_of(r, &x->v[0]);
    struct rac_buf b;
    bool ok = true;
    rac_buf_init(&b, 1 << 24);
    for (size_t i = 0; i < f.n && ok; i++) {
        if ((f.p[i] == '{' || f.p[i] == '}') && i + 1 < f.n && f.p[i + 1] == f.p[i]) {
            rac_buf_add_char(&b, f.p[i++]);
            continue;
        }
        if (f.p[i] != '{') {
            rac_buf_add_char(&b, f.p[i]);
            continue;
        }
        size_t end = rac_str_find_char(rac_str_from(f, i), '}');
        rac_str spec, hole = rac_str_sub(f, i + 1, end == RAC_STR_NPOS ? 0 : end - 1);
        uint64_t at, width;
        rac_str number = rac_str_cut(hole, ':', &spec);
        ok = end != RAC_STR_NPOS && rac_str_to_u64(number, &at) && at + 1 < x->n;
        if (!ok)
            break;
        const struct rac_json *v = &x->v[at + 1];
        if (spec.n > 1 && (spec.p[0] | 32) == 'd' && v->type == RAC_JSON_INT &&
            rac_str_to_u64(rac_str_from(spec, 1), &width) && width < 100)
            rac_buf_printf(&b, "%0*lld", (int)width, (long long)v->i);
        else
            rac_buf_add(&b, text_of(r, v));
        i += end;
    }
    ok &= rac_buf_err(&b) == RAC_OK;
    rac_str s = rac_buf_take(&b, r->a);
    rac_buf_fini(&b);
    return ok ? string_of(r, s) : unknown_because(r, "format() has a pattern it does not know");
}

static struct rac_json fn_to_lower(struct resolver *r, const struct arguments *x)
{
    return string_of(r, rac_str_lower(r->a, text_of(r, &x->v[0])));
}

static struct rac_json fn_to_upper(struct resolver *r, const struct arguments *x)
{
    return string_of(r, rac_str_upper(r->a, text_of(r, &x->v[0])));
}

static struct rac_json fn_trim(struct resolver *r, const struct arguments *x)
{
    return string_of(r, rac_str_trim(text_of(r, &x->v[0])));
}

static struct rac_json fn_replace(struct resolver *r, const struct arguments *x)
{
    rac_str s = text_of(r, &x->v[0]), what = text_of(r, &x->v[1]), with = text_of(r, &x->v[2]);
    if (what.n == 0 || !affordable_bytes(r, s.n * (with.n / what.n + 1)))
        return unknown_because(r, "replace() has nothing to look for, or too much to put in");
    return string_of(r, rac_str_replace(r->a, s, what, with));
}

static struct rac_json fn_string(struct resolver *r, const struct arguments *x)
{
    return string_of(r, text_of(r, &x->v[0]));
}

static struct rac_json fn_substring(struct resolver *r, const struct arguments *x)
{
    rac_str s = text_of(r, &x->v[0]);
    int64_t from = rac_json_int(&x->v[1], -1),
            n = x->n > 2 ? rac_json_int(&x->v[2], -1) : INT64_MAX;
    if (from < 0 || n < 0 || (size_t)from > s.n)
        return unknown_because(r, "substring() reaches outside of its text");
    return string_of(r, rac_str_sub(s, (size_t)from, n > (int64_t)s.n ? s.n : (size_t)n));
}

static struct rac_json fn_pad_left(struct resolver *r, const struct arguments *x)
{
    rac_str s = text_of(r, &x->v[0]), pad = x->n > 2 ? text_of(r, &x->v[2]) : RAC_S(" ");
    int64_t n = rac_json_int(&x->v[1], -1);
    if (n < 0 || n > PAD_MAX || pad.n != 1)
        return unknown_because(r, "padLeft() has a width or a character it cannot have");
    while ((int64_t)s.n < n && affordable_bytes(r, s.n))
        s = rac_str_concat(r->a, pad, s);
    return string_of(r, s);
}

static struct rac_json fn_split(struct resolver *r, const struct arguments *x)
{
    rac_str s = text_of(r, &x->v[0]), by = text_of(r, &x->v[1]);
    struct rac_json out = rac_json_new_array(r->a);
    while (by.n > 0 && affordable_bytes(r, 8)) {
        size_t at = rac_str_find(s, by);
        rac_json_add(r->a, &out, rac_json_of_str(rac_str_sub(s, 0, at)));
        if (at == RAC_STR_NPOS)
            return out;
        s = rac_str_from(s, at + by.n);
    }
    return unknown_because(r, "split() has no delimiter");
}

static struct rac_json fn_join(struct resolver *r, const struct arguments *x)
{
    struct rac_buf b;
    bool first = true;
    rac_str by = text_of(r, &x->v[1]);
    rac_buf_init(&b, 1 << 24);
    RAC_JSON_EACH(e, &x->v[0])
    {
        if (!first)
            rac_buf_add(&b, by);
        rac_buf_add(&b, text_of(r, e));
        first = false;
    }
    rac_err e = rac_buf_err(&b);
    rac_str s = rac_buf_take(&b, r->a);
    rac_buf_fini(&b);
    return e == RAC_OK ? string_of(r, s) : unknown_because(r, "the text is too long");
}

static struct rac_json fn_starts_with(struct resolver *r, const struct arguments *x)
{
    return rac_json_of_bool(rac_str_startsi(text_of(r, &x->v[0]), text_of(r, &x->v[1])));
}

static struct rac_json fn_ends_with(struct resolver *r, const struct arguments *x)
{
    return rac_json_of_bool(rac_str_endsi(text_of(r, &x->v[0]), text_of(r, &x->v[1])));
}

static struct rac_json fn_index_of(struct resolver *r, const struct arguments *x)
{
    size_t at = rac_str_findi(text_of(r, &x->v[0]), text_of(r, &x->v[1]));
    return rac_json_of_int(at == RAC_STR_NPOS ? -1 : (int64_t)at);
}

static struct rac_json fn_uri_component(struct resolver *r, const struct arguments *x)
{
    return string_of(r, rac_url_encode(r->a, text_of(r, &x->v[0])));
}

static struct rac_json fn_json(struct resolver *r, const struct arguments *x)
{
    struct rac_json v;
    rac_str s = text_of(r, &x->v[0]);
    if (!affordable_bytes(r, s.n * 8) || rac_json_parse(s, r->a, 0, &v, NULL) != RAC_OK)
        return unknown_because(r, "the text is no JSON");
    v.pos = 0;
    return v;
}

static struct rac_json fn_uri_component_to_string(struct resolver *r, const struct arguments *x)
{
    rac_str out = rac_url_decode(r->a, text_of(r, &x->v[0]), false);
    return rac_utf8_check(out) == out.n ? string_of(r, out)
                                        : unknown_because(r, "the text is not escaped");
}

static struct rac_json fn_base64_to_string(struct resolver *r, const struct arguments *x)
{
    rac_str out;
    return rac_base64_decode(r->a, text_of(r, &x->v[0]), &out) && rac_utf8_check(out) == out.n
               ? string_of(r, out)
               : unknown_because(r, "the text is not base64");
}

static struct rac_json fn_base64_to_json(struct resolver *r, const struct arguments *x)
{
    struct arguments y = {.n = 1};
    y.v[0] = fn_base64_to_string(r, x);
    return value_is_unknown(&y.v[0]) ? y.v[0] : fn_json(r, &y);
}

static struct rac_json fn_base64(struct resolver *r, const struct arguments *x)
{
    return string_of(r, rac_base64_encode(r->a, text_of(r, &x->v[0])));
}

/* --- values ----------------------------------------------------------------------------------- */

static struct rac_json fn_int(struct resolver *r, const struct arguments *x)
{
    int64_t i;
    return rac_str_to_i64(text_of(r, &x->v[0]), &i)
               ? rac_json_of_int(i)
               : unknown_because(r, "the text is no whole number");
}

static struct rac_json fn_bool(struct resolver *r, const struct arguments *x)
{
    rac_str s = text_of(r, &x->v[0]);
    if (x->v[0].type == RAC_JSON_INT)
        return rac_json_of_bool(x->v[0].i != 0);
    if (rac_str_eqi(s, RAC_S("true")) || rac_str_eqi(s, RAC_S("false")))
        return rac_json_of_bool(rac_str_eqi(s, RAC_S("true")));
    return unknown_because(r, "the text is neither true nor false");
}

static struct rac_json fn_create_array(struct resolver *r, const struct arguments *x)
{
    struct rac_json out = rac_json_new_array(r->a);
    for (size_t i = 0; i < x->n; i++)
        rac_json_add(r->a, &out, x->v[i]);
    return out;
}

static struct rac_json fn_create_object(struct resolver *r, const struct arguments *x)
{
    struct rac_json out = rac_json_new_object(r->a);
    for (size_t i = 0; i + 1 < x->n; i += 2)
        rac_json_put(r->a, &out, text_of(r, &x->v[i]), x->v[i + 1]);
    return out;
}

static struct rac_json fn_array(struct resolver *r, const struct arguments *x)
{
    return x->v[0].type == RAC_JSON_ARRAY ? x->v[0] : fn_create_array(r, x);
}

static struct rac_json fn_union(struct resolver *r, const struct arguments *x)
{
    bool object = x->v[0].type == RAC_JSON_OBJECT;
    struct rac_json out = object ? rac_json_new_object(r->a) : rac_json_new_array(r->a);
    for (size_t i = 0; i < x->n; i++) {
        RAC_JSON_EACH_MEMBER(m, &x->v[i])
        if (object)
            rac_json_put(r->a, &out, rac_json_key(m), m->value);
        RAC_JSON_EACH(e, &x->v[i])
        {
            bool there = object || !affordable(r, e) || !affordable(r, &out);
            RAC_JSON_EACH(o, &out)
            there = there || rac_json_equal(o, e);
            if (!there)
                rac_json_add(r->a, &out, *e);
        }
    }
    return out;
}

static struct rac_json fn_intersection(struct resolver *r, const struct arguments *x)
{
    bool object = x->v[0].type == RAC_JSON_OBJECT;
    struct rac_json out = object ? rac_json_new_object(r->a) : rac_json_new_array(r->a);
    if (!affordable(r, &x->v[0]) || !affordable(r, &x->v[1]))
        return unknown_because(r, "the values are too large to compare");
    RAC_JSON_EACH_MEMBER(m, &x->v[0])
    {
        const struct rac_json *v = rac_json_get(&x->v[1], rac_json_key(m));
        if (object && v != NULL && rac_json_equal(v, &m->value))
            rac_json_put(r->a, &out, rac_json_key(m), m->value);
    }
    RAC_JSON_EACH(e, &x->v[0])
    {
        bool there = false;
        RAC_JSON_EACH(o, &x->v[1])
        there = there || (affordable(r, o) && rac_json_equal(o, e));
        if (there)
            rac_json_add(r->a, &out, *e);
    }
    return out;
}

/* [{key, value}] of an object; objectKeys: the keys alone. */
static struct rac_json fn_items(struct resolver *r, const struct arguments *x)
{
    struct rac_json out = rac_json_new_array(r->a);
    RAC_JSON_EACH_MEMBER(m, &x->v[0])
    {
        struct rac_json o = rac_json_new_object(r->a);
        RAC_JSON_PUT_STR(r->a, &o, "key", rac_json_key(m));
        RAC_JSON_PUT(r->a, &o, "value", m->value);
        rac_json_add(r->a, &out, o);
    }
    return out;
}

static struct rac_json fn_object_keys(struct resolver *r, const struct arguments *x)
{
    struct rac_json out = rac_json_new_array(r->a);
    RAC_JSON_EACH_MEMBER(m, &x->v[0])
    rac_json_add(r->a, &out, rac_json_of_str(rac_json_key(m)));
    return out;
}

static struct rac_json fn_shallow_merge(struct resolver *r, const struct arguments *x)
{
    struct rac_json out = rac_json_new_object(r->a);
    RAC_JSON_EACH(e, &x->v[0])
    RAC_JSON_EACH_MEMBER(m, e)
    rac_json_put(r->a, &out, rac_json_key(m), m->value);
    return out;
}

static struct rac_json fn_flatten(struct resolver *r, const struct arguments *x)
{
    struct rac_json out = rac_json_new_array(r->a);
    RAC_JSON_EACH(list, &x->v[0])
    {
        if (!affordable_bytes(r, rac_json_len(list) * 8))
            return unknown_because(r, "the list is too long");
        RAC_JSON_EACH(e, list)
        rac_json_add(r->a, &out, *e);
    }
    return out;
}

static struct rac_json fn_try_get(struct resolver *r, const struct arguments *x)
{
    const struct rac_json *v = &x->v[0];
    for (size_t i = 1; i < x->n && v != NULL; i++)
        v = x->v[i].type == RAC_JSON_INT && x->v[i].i >= 0 ? rac_json_at(v, (size_t)x->v[i].i)
                                                           : rac_json_geti(v, text_of(r, &x->v[i]));
    return v != NULL ? *v : rac_json_of_null();
}

static struct rac_json fn_length(struct resolver *r, const struct arguments *x)
{
    return rac_json_of_int((int64_t)(x->v[0].type == RAC_JSON_STRING ? text_of(r, &x->v[0]).n
                                                                     : rac_json_len(&x->v[0])));
}

static struct rac_json fn_empty(struct resolver *r, const struct arguments *x)
{
    return rac_json_of_bool(fn_length(r, x).i == 0);
}

static struct rac_json element(struct resolver *r, const struct rac_json *v, bool first)
{
    size_t n = rac_json_len(v);
    rac_str s = rac_json_str(v, RAC_S(""));
    if (v->type == RAC_JSON_STRING && s.n > 0)
        return string_of(r, rac_str_sub(s, first ? 0 : s.n - 1, 1));
    return rac_json_is_array(v) && n > 0 ? *rac_json_at(v, first ? 0 : n - 1)
                                         : unknown_because(r, "the list is empty");
}

static struct rac_json fn_first(struct resolver *r, const struct arguments *x)
{
    return element(r, &x->v[0], true);
}

static struct rac_json fn_last(struct resolver *r, const struct arguments *x)
{
    return element(r, &x->v[0], false);
}

static struct rac_json part_of(struct resolver *r, const struct rac_json *v, size_t from, size_t n)
{
    if (v->type == RAC_JSON_STRING)
        return string_of(r, rac_str_sub((rac_str){v->s, v->n}, from, n));
    struct rac_json out = rac_json_new_array(r->a);
    for (size_t i = from; i < rac_json_len(v) && i - from < n; i++)
        rac_json_add(r->a, &out, *rac_json_at(v, i));
    return out;
}

static struct rac_json fn_take(struct resolver *r, const struct arguments *x)
{
    int64_t n = rac_json_int(&x->v[1], 0);
    return part_of(r, &x->v[0], 0, n < 0 ? 0 : (size_t)n);
}

static struct rac_json fn_skip(struct resolver *r, const struct arguments *x)
{
    int64_t n = rac_json_int(&x->v[1], 0);
    return part_of(r, &x->v[0], n < 0 ? 0 : (size_t)n, SIZE_MAX);
}

static struct rac_json fn_range(struct resolver *r, const struct arguments *x)
{
    int64_t from = rac_json_int(&x->v[0], 0), n = rac_json_int(&x->v[1], -1);
    struct rac_json out = rac_json_new_array(r->a);
    if (n < 0 || n > RANGE_MAX || !affordable_bytes(r, (size_t)n * 8))
        return unknown_because(r, "range() has too many elements");
    for (int64_t i = 0; i < n; i++)
        rac_json_add(r->a, &out, rac_json_of_int(from + i));
    return out;
}

static struct rac_json fn_contains(struct resolver *r, const struct arguments *x)
{
    const struct rac_json *v = &x->v[0];
    if (v->type == RAC_JSON_STRING)
        return rac_json_of_bool(rac_str_find(text_of(r, v), text_of(r, &x->v[1])) != RAC_STR_NPOS);
    if (v->type == RAC_JSON_OBJECT)
        return rac_json_of_bool(rac_json_geti(v, text_of(r, &x->v[1])) != NULL);
    RAC_JSON_EACH(e, v)
    if (affordable(r, e) && rac_json_equal(e, &x->v[1]))
        return rac_json_of_bool(true);
    return rac_json_of_bool(false);
}

static struct rac_json fn_equals(struct resolver *r, const struct arguments *x)
{
    if (!affordable(r, &x->v[0]) || !affordable(r, &x->v[1]))
        return unknown_because(r, "the values are too large to compare");
    return rac_json_of_bool(rac_json_equal(&x->v[0], &x->v[1]));
}

static struct rac_json fn_null(struct resolver *r, const struct arguments *x)
{
    (void)r;
    (void)x;
    return rac_json_of_null();
}

static struct rac_json fn_true(struct resolver *r, const struct arguments *x)
{
    (void)r;
    (void)x;
    return rac_json_of_bool(true);
}

static struct rac_json fn_false(struct resolver *r, const struct arguments *x)
{
    (void)r;
    (void)x;
    return rac_json_of_bool(false);
}

static struct rac_json fn_not(struct resolver *r, const struct arguments *x)
{
    return x->v[0].type == RAC_JSON_BOOL ? rac_json_of_bool(!x->v[0].b)
                                         : unknown_because(r, "not() has no true or false");
}

/* --- lazy: arguments nobody knows may not matter ---------------------------------------------- */

static struct rac_json fn_if(struct resolver *r, const struct arguments *x)
{
    return x->v[0].type == RAC_JSON_BOOL ? x->v[x->v[0].b ? 1 : 2]
                                         : unknown_because(r, "its condition cannot be known");
}

static struct rac_json all_or_any(struct resolver *r, const struct arguments *x, bool decides)
{
    bool open = false;
    for (size_t i = 0; i < x->n; i++) {
        if (x->v[i].type == RAC_JSON_BOOL && x->v[i].b == decides)
            return rac_json_of_bool(decides);
        open |= x->v[i].type != RAC_JSON_BOOL;
    }
    return open ? unknown_because(r, "a condition cannot be known") : rac_json_of_bool(!decides);
}

static struct rac_json fn_and(struct resolver *r, const struct arguments *x)
{
    return all_or_any(r, x, false);
}

static struct rac_json fn_or(struct resolver *r, const struct arguments *x)
{
    return all_or_any(r, x, true);
}

static struct rac_json fn_coalesce(struct resolver *r, const struct arguments *x)
{
    for (size_t i = 0; i < x->n; i++)
        if (value_is_unknown(&x->v[i]))
            return unknown_because(r, "a value it falls back from cannot be known");
        else if (x->v[i].type != RAC_JSON_NULL)
            return x->v[i];
    return rac_json_of_null();
}

/* --- numbers ---------------------------------------------------------------------------------- */

static struct rac_json number(struct resolver *r, bool overflow, int64_t i)
{
    return overflow ? unknown_because(r, "the number is too large") : rac_json_of_int(i);
}

#define ARITHMETIC(fn, builtin)                                                                    \
    static struct rac_json fn(struct resolver *r, const struct arguments *x)                       \
    {                                                                                              \
        int64_t i = 0;                                                                             \
        bool over = builtin(rac_json_int(&x->v[0], 0), rac_json_int(&x->v[1], 0), &i);             \
        return number(r, over, i);                                                                 \
    }
ARITHMETIC(fn_add, __builtin_add_overflow)
ARITHMETIC(fn_sub, __builtin_sub_overflow)
ARITHMETIC(fn_mul, __builtin_mul_overflow)

static struct rac_json fn_div(struct resolver *r, const struct arguments *x)
{
    int64_t a = rac_json_int(&x->v[0], 0), b = rac_json_int(&x->v[1], 0);
    return b == 0 || b == -1 ? unknown_because(r, "division by zero") : rac_json_of_int(a / b);
}

static struct rac_json fn_mod(struct resolver *r, const struct arguments *x)
{
    int64_t a = rac_json_int(&x->v[0], 0), b = rac_json_int(&x->v[1], 0);
    return b == 0 || b == -1 ? unknown_because(r, "division by zero") : rac_json_of_int(a % b);
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

static struct rac_json fn_min(struct resolver *r, const struct arguments *x)
{
    return least_or_most(r, x, -1);
}

static struct rac_json fn_max(struct resolver *r, const struct arguments *x)
{
    return least_or_most(r, x, 1);
}

static int order(struct resolver *r, const struct arguments *x)
{
    if (rac_json_is_number(&x->v[0]) && rac_json_is_number(&x->v[1]))
        return rac_json_number_cmp(&x->v[0], &x->v[1]);
    return rac_str_cmp(text_of(r, &x->v[0]), text_of(r, &x->v[1]));
}

static struct rac_json fn_less(struct resolver *r, const struct arguments *x)
{
    return rac_json_of_bool(order(r, x) < 0);
}

static struct rac_json fn_less_or_equals(struct resolver *r, const struct arguments *x)
{
    return rac_json_of_bool(order(r, x) <= 0);
}

static struct rac_json fn_greater(struct resolver *r, const struct arguments *x)
{
    return rac_json_of_bool(order(r, x) > 0);
}

static struct rac_json fn_greater_or_equals(struct resolver *r, const struct arguments *x)
{
    return rac_json_of_bool(order(r, x) >= 0);
}

/* --- where it is deployed --------------------------------------------------------------------- */

static struct rac_json fixed(struct resolver *r, const char *json)
{
    struct rac_json v;
    if (rac_json_parse(rac_str_of(json), r->a, 0, &v, NULL) != RAC_OK)
        return unknown_because(r, "");
    v.pos = 0;
    return v;
}

static struct rac_json fn_resource_group(struct resolver *r, const struct arguments *x)
{
    (void)x;
    return fixed(r, "{\"id\":\"/subscriptions/" FIRST_GUID "/resourceGroups/default\","
                    "\"name\":\"default\",\"type\":\"Microsoft.Resources/resourceGroups\","
                    "\"location\":\"default\",\"tags\":{}}");
}

static struct rac_json fn_subscription(struct resolver *r, const struct arguments *x)
{
    (void)x;
    return fixed(r, "{\"id\":\"/subscriptions/" FIRST_GUID "\",\"subscriptionId\":\"" FIRST_GUID
                    "\",\"tenantId\":\"" FIRST_GUID "\",\"displayName\":\"default\"}");
}

static struct rac_json fn_tenant(struct resolver *r, const struct arguments *x)
{
    (void)x;
    return fixed(r, "{\"tenantId\":\"" FIRST_GUID "\",\"displayName\":\"default\"}");
}

static struct rac_json resource_id(struct resolver *r, const struct arguments *x, rac_str base)
{
    size_t type = 0;
    while (type < x->n && rac_str_find_char(text_of(r, &x->v[type]), '/') == RAC_STR_NPOS)
        type++; /* subscription and group may stand first */
    if (type + 1 >= x->n)
        return unknown_because(r, "resourceId() names no type and resource");
    rac_str rest, id = base, words = text_of(r, &x->v[type]);
    if (type == 2)
        id = rac_arena_printf(r->a, "/subscriptions/%.*s/resourceGroups/%.*s",
                              RAC_FMT(text_of(r, &x->v[0])), RAC_FMT(text_of(r, &x->v[1])));
    id = rac_arena_printf(r->a, "%.*s/providers/%.*s", RAC_FMT(id),
                          RAC_FMT(rac_str_cut(words, '/', &rest)));
    for (size_t i = type + 1; i < x->n && rest.p != NULL; i++)
        id =
            rac_arena_printf(r->a, "%.*s/%.*s/%.*s", RAC_FMT(id),
                             RAC_FMT(rac_str_cut(rest, '/', &rest)), RAC_FMT(text_of(r, &x->v[i])));
    return string_of(r, id);
}

static struct rac_json fn_resource_id(struct resolver *r, const struct arguments *x)
{
    return resource_id(r, x, RAC_S("/subscriptions/" FIRST_GUID "/resourceGroups/default"));
}

static struct rac_json fn_subscription_resource_id(struct resolver *r, const struct arguments *x)
{
    return resource_id(r, x, RAC_S("/subscriptions/" FIRST_GUID));
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t min, max;
    function fn;
    bool lazy;
} functions[] = {
    {"parameters", 1, 1, fn_parameters, false},
    {"variables", 1, 1, fn_variables, false},
    {"copyIndex", 0, 2, fn_copy_index, false},
    {"concat", 1, TEMPLATE_ARGS_MAX, fn_concat, false},
    {"format", 1, TEMPLATE_ARGS_MAX, fn_format, false},
    {"toLower", 1, 1, fn_to_lower, false},
    {"toUpper", 1, 1, fn_to_upper, false},
    {"trim", 1, 1, fn_trim, false},
    {"replace", 3, 3, fn_replace, false},
    {"string", 1, 1, fn_string, false},
    {"substring", 2, 3, fn_substring, false},
    {"padLeft", 2, 3, fn_pad_left, false},
    {"split", 2, 2, fn_split, false},
    {"join", 2, 2, fn_join, false},
    {"startsWith", 2, 2, fn_starts_with, false},
    {"endsWith", 2, 2, fn_ends_with, false},
    {"indexOf", 2, 2, fn_index_of, false},
    {"uriComponent", 1, 1, fn_uri_component, false},
    {"uriComponentToString", 1, 1, fn_uri_component_to_string, false},
    {"base64", 1, 1, fn_base64, false},
    {"base64ToString", 1, 1, fn_base64_to_string, false},
    {"base64ToJson", 1, 1, fn_base64_to_json, false},
    {"int", 1, 1, fn_int, false},
    {"bool", 1, 1, fn_bool, false},
    {"json", 1, 1, fn_json, false},
    {"array", 1, 1, fn_array, false},
    {"createArray", 0, TEMPLATE_ARGS_MAX, fn_create_array, false},
    {"createObject", 0, TEMPLATE_ARGS_MAX, fn_create_object, false},
    {"union", 1, TEMPLATE_ARGS_MAX, fn_union, false},
    {"intersection", 2, 2, fn_intersection, false},
    {"items", 1, 1, fn_items, false},
    {"objectKeys", 1, 1, fn_object_keys, false},
    {"shallowMerge", 1, 1, fn_shallow_merge, false},
    {"flatten", 1, 1, fn_flatten, false},
    {"tryGet", 2, TEMPLATE_ARGS_MAX, fn_try_get, false},
    {"min", 1, TEMPLATE_ARGS_MAX, fn_min, false},
    {"max", 1, TEMPLATE_ARGS_MAX, fn_max, false},
    {"length", 1, 1, fn_length, false},
    {"empty", 1, 1, fn_empty, false},
    {"first", 1, 1, fn_first, false},
    {"last", 1, 1, fn_last, false},
    {"take", 2, 2, fn_take, false},
    {"skip", 2, 2, fn_skip, false},
    {"range", 2, 2, fn_range, false},
    {"contains", 2, 2, fn_contains, false},
    {"equals", 2, 2, fn_equals, false},
    {"null", 0, 0, fn_null, false},
    {"true", 0, 0, fn_true, false},
    {"false", 0, 0, fn_false, false},
    {"not", 1, 1, fn_not, false},
    {"if", 3, 3, fn_if, true},
    {"and", 1, TEMPLATE_ARGS_MAX, fn_and, true},
    {"or", 1, TEMPLATE_ARGS_MAX, fn_or, true},
    {"coalesce", 1, TEMPLATE_ARGS_MAX, fn_coalesce, true},
    {"add", 2, 2, fn_add, false},
    {"sub", 2, 2, fn_sub, false},
    {"mul", 2, 2, fn_mul, false},
    {"div", 2, 2, fn_div, false},
    {"mod", 2, 2, fn_mod, false},
    {"less", 2, 2, fn_less, false},
    {"lessOrEquals", 2, 2, fn_less_or_equals, false},
    {"greater", 2, 2, fn_greater, false},
    {"greaterOrEquals", 2, 2, fn_greater_or_equals, false},
    {"resourceGroup", 0, 0, fn_resource_group, false},
    {"subscription", 0, 0, fn_subscription, false},
    {"tenant", 0, 0, fn_tenant, false},
    {"resourceId", 2, TEMPLATE_ARGS_MAX, fn_resource_id, false},
    {"subscriptionResourceId", 2, TEMPLATE_ARGS_MAX, fn_subscription_resource_id, false},
};

/* A function of the template's own: functions[].namespace.members.NAME. */
static struct rac_json own_function(struct resolver *r, rac_str name, const struct arguments *x)
{
    rac_str rest, space = rac_str_cut(name, '.', &rest);
    const struct rac_json *found = NULL;
    RAC_JSON_EACH(f, rac_json_geti(r->scope->root, RAC_S("functions")))
    if (rac_str_eqi(rac_json_str(rac_json_geti(f, RAC_S("namespace")), RAC_S("")), space))
        found = rac_json_geti(rac_json_geti(f, RAC_S("members")), rest);
    const struct rac_json *value =
        rac_json_geti(rac_json_geti(found, RAC_S("output")), RAC_S("value"));
    if (value == NULL)
        return unknown_because(r, "the template has no such function");
    struct scope *outer = r->scope, own = {.root = outer->root};
    own.arguments = rac_json_new_object(r->a);
    rac_map_init(&own.values, r->a);
    size_t i = 0;
    RAC_JSON_EACH(p, rac_json_geti(found, RAC_S("parameters")))
    {
        if (i < x->n)
            rac_json_put(r->a, &own.arguments,
                         rac_json_str(rac_json_geti(p, RAC_S("name")), RAC_S("")), x->v[i]);
        i++;
    }
    r->scope = &own;
    struct rac_json v = resolve(r, value, RAC_STR_NULL);
    r->scope = outer;
    return v;
}

struct rac_json template_call(struct resolver *r, rac_str name, const struct arguments *x)
{
    if (rac_str_find_char(name, '.') != RAC_STR_NPOS)
        return own_function(r, name, x);
    for (size_t i = 0; i < RAC_COUNT(functions); i++) {
        if (!rac_str_eqi(name, rac_str_of(functions[i].name)))
            continue;
        if (x->n < functions[i].min || x->n > functions[i].max)
            return unknown_because(r, "a function has the wrong number of arguments");
        for (size_t k = 0; k < x->n && !functions[i].lazy; k++)
            if (value_is_unknown(&x->v[k]))
                return x->v[k];
        return functions[i].fn(r, x);
    }
    return unknown_because(r, rac_arena_cstr(r->a, rac_arena_printf(r->a,
                                                                    "%.*s() is known to a "
                                                                    "deployment only",
                                                                    RAC_FMT(name))));
}
