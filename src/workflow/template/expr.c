/*
 * Expressions are evaluated while they are read; a lambda is kept as text and read each time it is
 * applied. Values are made on demand and kept; a budget bounds what circles and repetition cost.
 */
#include <stdarg.h>

#include "base/str.h"
#include "workflow/template/template_priv.h"

enum { DEPTH_MAX = 200, ARGS_FAST = 6, WHY_MAX = 300 };

struct text {
    rac_str s;
    size_t at;
};

struct rac_json unknown_because(struct resolver *r RAC_UNUSED, const char *why)
{
    return (struct rac_json){.type = RAC_JSON_NULL, .flags = RAC_WF_UNKNOWN, .s = why};
}

struct rac_json unknown_becausef(struct resolver *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    rac_str why = rac_arena_vprintf_max(r->a, WHY_MAX, fmt, ap);
    va_end(ap);
    return unknown_because(r, rac_arena_cstr(r->a, why));
}

bool value_is_unknown(const struct rac_json *v)
{
    return v->type == RAC_JSON_NULL && (v->flags & RAC_WF_UNKNOWN) != 0;
}

bool affordable_bytes(struct resolver *r, size_t n)
{
    r->budget -= (int64_t)(n / 8) + 1;
    return r->budget > 0 && !rac_arena_over(r->a);
}

bool affordable(struct resolver *r, const struct rac_json *v)
{
    size_t bytes = v->type == RAC_JSON_STRING ? v->n : 0;
    bool ok = affordable_bytes(r, bytes) && r->levels < TEMPLATE_LEVELS_MAX;
    r->levels++;
    for (size_t i = 0; i < rac_json_len(v) && ok; i++) {
        const struct rac_json_member *m = rac_json_member_at(v, i);
        ok = affordable(r, m != NULL ? &m->value : rac_json_at(v, i));
    }
    r->levels--;
    return ok;
}

/* --- expressions ------------------------------------------------------------------------------ */

static bool expression(struct resolver *r, struct text *t, struct rac_json *out);

static void skip(struct text *t)
{
    while (t->at < t->s.n && rac_is_space(t->s.p[t->at]))
        t->at++;
}

static bool take(struct text *t, char c)
{
    skip(t);
    if (t->at >= t->s.n || t->s.p[t->at] != c)
        return false;
    t->at++;
    return true;
}

static rac_str take_name(struct text *t)
{
    size_t from = t->at;
    while (t->at < t->s.n && (rac_is_alnum(t->s.p[t->at]) || t->s.p[t->at] == '_'))
        t->at++;
    return rac_str_sub(t->s, from, t->at - from);
}

/* Behind the opening quote. */
static bool string_literal(struct resolver *r, struct text *t, struct rac_json *out)
{
    size_t from = t->at;
    for (; t->at < t->s.n; t->at++) {
        if (t->s.p[t->at] != '\'')
            continue;
        if (t->at + 1 < t->s.n && t->s.p[t->at + 1] == '\'') {
            t->at++;
            continue;
        }
        rac_str s = rac_str_sub(t->s, from, t->at - from);
        *out = rac_json_of_str(rac_str_find_char(s, '\'') == RAC_STR_NPOS
                                   ? s
                                   : rac_str_replace(r->a, s, RAC_S("''"), RAC_S("'")));
        t->at++;
        return true;
    }
    r->broken = "a string in it does not end";
    return false;
}

bool template_take_name(struct resolver *r, rac_str *text, rac_str *name)
{
    struct text t = {*text, 0};
    struct rac_json v;
    if (!take(&t, '\'') || !string_literal(r, &t, &v) || !take(&t, ','))
        return false;
    *name = (rac_str){v.s, v.n};
    *text = rac_str_from(t.s, t.at);
    return true;
}

/* The arguments of a lambda as they stand, up to its closing bracket. */
static bool lambda(struct resolver *r, struct text *t, struct rac_json *out)
{
    size_t from = t->at, open = 1;
    for (bool quoted = false; t->at < t->s.n; t->at++) {
        char c = t->s.p[t->at];
        quoted ^= c == '\'';
        if (quoted)
            continue;
        open += c == '(';
        open -= c == ')';
        if (open > 0)
            continue;
        *out = rac_json_of_str(rac_str_sub(t->s, from, t->at - from));
        out->flags = TEMPLATE_LAMBDA;
        t->at++;
        return true;
    }
    r->broken = "a bracket in it is not closed";
    return false;
}

/* Behind the opening bracket. */
static bool call(struct resolver *r, struct text *t, rac_str name, struct rac_json *out)
{
    struct rac_json fast[ARGS_FAST];
    struct arguments x = {.name = name, .v = fast};
    size_t cap = ARGS_FAST;
    if (!take(t, ')')) {
        do {
            struct rac_json v;
            if (x.n == TEMPLATE_ARGS_MAX || !expression(r, t, &v))
                return false;
            if (x.n == cap) {
                struct rac_json *more = RAC_NEW_N(r->a, struct rac_json, cap * 2);
                memcpy(more, x.v, cap * sizeof *more);
                x.v = more;
                cap *= 2;
            }
            x.v[x.n++] = v;
        } while (take(t, ','));
        if (!take(t, ')')) {
            r->broken = "it needs a comma or a closing bracket";
            return false;
        }
    }
    *out = template_call(r, name, &x);
    return true;
}

/* ".name", ".?name", "[key]", "[?key]": moves on by one; false: there is none, or a bad one (*ok). */
static bool accessor(struct resolver *r, struct text *t, struct rac_json *out, bool *ok)
{
    struct rac_json key;
    bool safe;
    skip(t);
    if (take(t, '.')) {
        safe = take(t, '?');
        rac_str name = take_name(t);
        *ok = name.n > 0;
        key = rac_json_of_str(name);
    } else if (take(t, '[')) {
        safe = take(t, '?');
        *ok = expression(r, t, &key) && take(t, ']');
    } else {
        return false;
    }
    if (!*ok)
        return false;
    if (value_is_unknown(out))
        return true;
    if (value_is_unknown(&key)) {
        *out = key;
        return true;
    }
    const struct rac_json *v = key.type == RAC_JSON_INT && key.i >= 0
                                   ? rac_json_at(out, (size_t)key.i)
                                   : rac_json_geti(out, rac_json_str(&key, RAC_S("")));
    if (v != NULL)
        *out = *v;
    else if (safe)
        *out = rac_json_of_null();
    else if (key.type == RAC_JSON_STRING)
        *out = unknown_becausef(r, "a value has no property '%.*s'", (int)key.n, key.s);
    else
        *out = unknown_because(r, "a value has no such element");
    return true;
}

static bool accessors(struct resolver *r, struct text *t, struct rac_json *out)
{
    bool ok = true;
    while (accessor(r, t, out, &ok))
        continue;
    return ok;
}

static bool number_literal(struct text *t, struct rac_json *out)
{
    int64_t i;
    size_t from = t->at++;
    while (t->at < t->s.n && rac_is_digit(t->s.p[t->at]))
        t->at++;
    bool ok = rac_str_to_i64(rac_str_sub(t->s, from, t->at - from), &i);
    *out = rac_json_of_int(ok ? i : 0);
    return ok;
}

static bool named_call(struct resolver *r, struct text *t, struct rac_json *out)
{
    size_t from = t->at;
    rac_str name = take_name(t);
    if (name.n > 0 && t->at < t->s.n && t->s.p[t->at] == '.') { /* namespace.function */
        t->at++;
        (void)take_name(t);
        name = rac_str_sub(t->s, from, t->at - from);
    }
    if (name.n == 0 || !take(t, '('))
        return false;
    if (rac_str_eqi(name, RAC_S("lambda")))
        return lambda(r, t, out);
    return call(r, t, name, out) && accessors(r, t, out);
}

static bool expression(struct resolver *r, struct text *t, struct rac_json *out)
{
    skip(t);
    if (r->depth >= DEPTH_MAX || !affordable_bytes(r, 8)) {
        r->broken = "its expressions refer to each other without end, or too much";
        return false;
    }
    r->depth++;
    bool ok;
    if (take(t, '\''))
        ok = string_literal(r, t, out) && accessors(r, t, out);
    else if (t->at < t->s.n && (rac_is_digit(t->s.p[t->at]) || t->s.p[t->at] == '-'))
        ok = number_literal(t, out);
    else
        ok = named_call(r, t, out);
    r->depth--;
    return ok;
}

struct rac_json template_value_of(struct resolver *r, rac_str text)
{
    struct text t = {text, 0};
    struct rac_json out;
    const char *outer = r->broken;
    r->broken = NULL;
    bool ok = expression(r, &t, &out);
    skip(&t);
    if (!ok || t.at != t.s.n)
        out = r->broken != NULL
                  ? unknown_becausef(r, "%s (character %zu)", r->broken, t.at + 1)
                  : unknown_becausef(r, "it is no template expression (character %zu)", t.at + 1);
    else if (out.type == RAC_JSON_STRING && (out.flags & TEMPLATE_LAMBDA) != 0)
        out = unknown_because(r, "a lambda stands where no function takes one");
    r->broken = outer;
    return out;
}

/* --- values ----------------------------------------------------------------------------------- */

/* ".../parameters/$connections/value/REFERENCE/...": stand_in() of template.c replaces it. */
static bool is_of_connection(rac_str pointer)
{
    static const char value[] = "/properties/parameters/$connections/value/";
    return rac_str_find(pointer, rac_str_of(value)) != RAC_STR_NPOS;
}

void template_tell(struct resolver *r, const struct rac_json *v, const struct rac_json *unknown,
                   rac_str pointer)
{
    struct rac_template_value u = {.pointer = pointer,
                                   .text = rac_json_str(v, RAC_S("")),
                                   .source = r->scope->source,
                                   .why = unknown->s != NULL ? unknown->s : "it is not known",
                                   .node = v,
                                   .replaced = is_of_connection(pointer)};
    if (pointer.p != NULL && r->unknown != NULL && (unknown->flags & TEMPLATE_REFUSED) == 0)
        r->unknown(r->arg, &u);
}

/* What is unknown inside a value that was made elsewhere, by a variable or a default. */
static void tell_inside(struct resolver *r, const struct rac_json *value,
                        const struct rac_json_trail *at, const struct rac_json *v, rac_str pointer)
{
    if (pointer.p == NULL || !affordable_bytes(r, 0))
        return;
    if (value_is_unknown(value)) {
        template_tell(r, v, value, rac_json_trail_pointer(r->a, pointer, at));
        return;
    }
    for (size_t i = 0; i < rac_json_len(value); i++) {
        const struct rac_json_member *m = rac_json_member_at(value, i);
        struct rac_json_trail here = {at, m != NULL ? rac_json_key(m) : RAC_STR_NULL, i};
        tell_inside(r, m != NULL ? &m->value : rac_json_at(value, i), &here, v, pointer);
    }
}

static struct rac_json resolve_string(struct resolver *r, const struct rac_json *v, rac_str pointer)
{
    rac_str s = {v->s, v->n};
    struct rac_json out = *v;
    if (rac_str_starts(s, RAC_S("[["))) {
        out.s++;
        out.n--;
        return out;
    }
    if (s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']')
        return out;
    out = template_value_of(r, rac_str_sub(s, 1, s.n - 2));
    if (!value_is_unknown(&out) && !affordable(r, &out))
        out = unknown_because(r, "the value is too large");
    if (value_is_unknown(&out))
        template_tell(r, v, &out, pointer);
    else
        tell_inside(r, &out, NULL, v, pointer);
    if (out.pos == 0)
        out.pos = v->pos; /* where it is written */
    return out;
}

/* "copy": [{name, count, input}] beside other members makes a list for each. */
static bool is_property_copy(const struct rac_json *v)
{
    if (!rac_json_is_array(v) || rac_json_len(v) == 0)
        return false;
    RAC_JSON_EACH(e, v)
    if (rac_json_get(e, RAC_S("name")) == NULL || rac_json_get(e, RAC_S("count")) == NULL ||
        rac_json_get(e, RAC_S("input")) == NULL)
        return false;
    return true;
}

static void put_copies(struct resolver *r, const struct rac_json *list, struct rac_json *made,
                       rac_str pointer)
{
    RAC_JSON_EACH(e, list)
    {
        rac_str name = rac_json_str(rac_json_get(e, RAC_S("name")), RAC_S(""));
        struct rac_json value = template_copy(r, e);
        struct rac_json_trail here = {NULL, name, 0};
        tell_inside(r, &value, &here, rac_json_get(e, RAC_S("input")), pointer);
        rac_json_put(r->a, made, name, value);
    }
}

/* A property's name may be an expression, as any text may. */
static rac_str name_of(struct resolver *r, const struct rac_json_member *m, rac_str pointer)
{
    rac_str key = rac_json_key(m);
    struct rac_json text = rac_json_of_str(key);
    if (key.n < 2 || key.p[0] != '[')
        return key;
    text.pos = m->key_pos;
    text = resolve_string(r, &text, pointer);
    return rac_json_str(&text, key);
}

static struct rac_json resolve_parts(struct resolver *r, const struct rac_json *v, rac_str pointer)
{
    bool object = v->type == RAC_JSON_OBJECT;
    struct rac_json made = object ? rac_json_new_object(r->a) : rac_json_new_array(r->a);
    made.pos = v->pos;
    for (size_t i = 0; i < rac_json_len(v); i++) {
        struct rac_json_member *m = rac_json_member_at(v, i);
        const struct rac_json *child = object ? &m->value : rac_json_at(v, i);
        if (object && rac_str_eq(rac_json_key(m), RAC_S("copy")) && is_property_copy(child)) {
            put_copies(r, child, &made, pointer);
            continue;
        }
        rac_str here = pointer.p == NULL ? pointer
                       : object          ? rac_json_pointer_join(r->a, pointer, rac_json_key(m))
                                         : rac_json_pointer_join_index(r->a, pointer, i);
        struct rac_json value = resolve(r, child, here);
        /* an expression that is null leaves its property out */
        if (object && value.type == RAC_JSON_NULL && !value_is_unknown(&value) &&
            child->type == RAC_JSON_STRING)
            continue;
        if (object)
            rac_json_put(r->a, &made, name_of(r, m, here), value);
        else
            rac_json_add(r->a, &made, value);
    }
    return made;
}

struct rac_json resolve(struct resolver *r, const struct rac_json *v, rac_str pointer)
{
    if (v->type == RAC_JSON_STRING)
        return resolve_string(r, v, pointer);
    if (value_is_unknown(v)) /* of a template that stood in a variable */
        template_tell(r, v, v, pointer);
    if (v->type != RAC_JSON_ARRAY && v->type != RAC_JSON_OBJECT)
        return *v;
    if (r->levels >= TEMPLATE_LEVELS_MAX || r->budget <= 0)
        return unknown_because(r, "the value is too large");
    r->levels++;
    struct rac_json made = resolve_parts(r, v, pointer);
    r->levels--;
    return made;
}
