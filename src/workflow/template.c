#include "workflow/template.h"
#include "base/str.h"

enum { DEPTH_MAX = 64 };

struct resolver {
    const struct rac_json *root;
    struct rac_arena *a;
    struct rac_diags *d;
    unsigned depth;
    const char *unknown; /* what could not be known, of the expression at hand */
};

struct text {
    rac_str s;
    size_t at;
};

static bool resolve(struct resolver *r, const struct rac_json *v, rac_str pointer,
                    struct rac_json *out);
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

static bool cannot(struct resolver *r, const char *what)
{
    r->unknown = what;
    return false;
}

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
        *out = rac_json_of_str(
            rac_str_replace(r->a, rac_str_sub(t->s, from, t->at - from), RAC_S("''"), RAC_S("'")));
        t->at++;
        return true;
    }
    return cannot(r, "a string is not terminated");
}

/* --- functions -------------------------------------------------------------------------------- */

enum { ARGS_MAX = 64 };

struct arguments {
    struct rac_json v[ARGS_MAX];
    size_t n;
};

static rac_str text_of(struct resolver *r, const struct rac_json *v)
{
    return v->type == RAC_JSON_STRING ? (rac_str){v->s, v->n} : rac_json_print_str(v, 0, r->a);
}

static bool fn_parameters(struct resolver *r, const struct arguments *x, struct rac_json *out)
{
    const struct rac_json *p = rac_json_geti(rac_json_geti(r->root, RAC_S("parameters")),
                                             rac_json_str(&x->v[0], RAC_S("")));
    const struct rac_json *value = rac_json_get(p, RAC_S("value"));
    if (value == NULL)
        value = rac_json_geti(p, RAC_S("defaultValue"));
    if (p == NULL)
        return cannot(r, "there is no such template parameter");
    if (value == NULL)
        return cannot(r, "the template parameter has no default value");
    return resolve(r, value, RAC_S(""), out);
}

static bool fn_variables(struct resolver *r, const struct arguments *x, struct rac_json *out)
{
    const struct rac_json *v = rac_json_geti(rac_json_geti(r->root, RAC_S("variables")),
                                             rac_json_str(&x->v[0], RAC_S("")));
    return v != NULL ? resolve(r, v, RAC_S(""), out)
                     : cannot(r, "there is no such template variable");
}

static bool fn_concat(struct resolver *r, const struct arguments *x, struct rac_json *out)
{
    rac_str s = RAC_S("");
    if (x->n > 0 && x->v[0].type == RAC_JSON_ARRAY) {
        *out = rac_json_new_array(r->a);
        for (size_t i = 0; i < x->n; i++)
            RAC_JSON_EACH(e, &x->v[i])
        rac_json_add(r->a, out, *e);
        return true;
    }
    for (size_t i = 0; i < x->n; i++)
        s = rac_str_concat(r->a, s, text_of(r, &x->v[i]));
    *out = rac_json_of_str(s);
    return true;
}

static bool fn_to_lower(struct resolver *r, const struct arguments *x, struct rac_json *out)
{
    *out = rac_json_of_str(rac_str_lower(r->a, text_of(r, &x->v[0])));
    return true;
}

static bool fn_to_upper(struct resolver *r, const struct arguments *x, struct rac_json *out)
{
    *out = rac_json_of_str(rac_str_upper(r->a, text_of(r, &x->v[0])));
    return true;
}

static bool fn_replace(struct resolver *r, const struct arguments *x, struct rac_json *out)
{
    *out = rac_json_of_str(
        rac_str_replace(r->a, text_of(r, &x->v[0]), text_of(r, &x->v[1]), text_of(r, &x->v[2])));
    return true;
}

static bool fn_string(struct resolver *r, const struct arguments *x, struct rac_json *out)
{
    *out = rac_json_of_str(text_of(r, &x->v[0]));
    return true;
}

static bool fn_int(struct resolver *r, const struct arguments *x, struct rac_json *out)
{
    int64_t i;
    if (!rac_str_to_i64(text_of(r, &x->v[0]), &i))
        return cannot(r, "the text is no whole number");
    *out = rac_json_of_int(i);
    return true;
}

static bool fn_json(struct resolver *r, const struct arguments *x, struct rac_json *out)
{
    if (rac_json_parse(text_of(r, &x->v[0]), r->a, 0, out, NULL) != RAC_OK)
        return cannot(r, "the text is no JSON");
    return true;
}

static bool fn_create_array(struct resolver *r, const struct arguments *x, struct rac_json *out)
{
    *out = rac_json_new_array(r->a);
    for (size_t i = 0; i < x->n; i++)
        rac_json_add(r->a, out, x->v[i]);
    return true;
}

static const struct {
    const char *name;
    size_t min, max;
    bool (*fn)(struct resolver *r, const struct arguments *x, struct rac_json *out);
} functions[] = {
    {"parameters", 1, 1, fn_parameters},
    {"variables", 1, 1, fn_variables},
    {"concat", 1, ARGS_MAX, fn_concat},
    {"toLower", 1, 1, fn_to_lower},
    {"toUpper", 1, 1, fn_to_upper},
    {"replace", 3, 3, fn_replace},
    {"string", 1, 1, fn_string},
    {"int", 1, 1, fn_int},
    {"json", 1, 1, fn_json},
    {"createArray", 0, ARGS_MAX, fn_create_array},
};

static bool call(struct resolver *r, struct text *t, rac_str name, struct rac_json *out)
{
    struct arguments x = {.n = 0};
    if (!take(t, ')')) {
        do {
            if (x.n == ARGS_MAX)
                return cannot(r, "a function has too many arguments");
            if (!expression(r, t, &x.v[x.n++]))
                return false;
        } while (take(t, ','));
        if (!take(t, ')'))
            return cannot(r, "a parenthesis is missing");
    }
    for (size_t i = 0; i < RAC_COUNT(functions); i++)
        if (rac_str_eqi(name, rac_str_of(functions[i].name)))
            return x.n >= functions[i].min && x.n <= functions[i].max
                       ? functions[i].fn(r, &x, out)
                       : cannot(r, "a function has the wrong number of arguments");
    return cannot(
        r, rac_arena_cstr(r->a, rac_arena_printf(r->a, "%.*s() is known to a deployment only",
                                                 RAC_FMT(name))));
}

static bool accessors(struct resolver *r, struct text *t, struct rac_json *out)
{
    for (;;) {
        const struct rac_json *v = NULL;
        if (take(t, '.')) {
            size_t from = t->at;
            while (t->at < t->s.n && (rac_is_alnum(t->s.p[t->at]) || t->s.p[t->at] == '_'))
                t->at++;
            v = rac_json_geti(out, rac_str_sub(t->s, from, t->at - from));
        } else if (take(t, '[')) {
            struct rac_json key;
            if (!expression(r, t, &key) || !take(t, ']'))
                return false;
            v = key.type == RAC_JSON_INT && key.i >= 0 ? rac_json_at(out, (size_t)key.i)
                                                       : rac_json_geti(out, text_of(r, &key));
        } else {
            return true;
        }
        if (v == NULL)
            return cannot(r, "a value has no such property or element");
        *out = *v;
    }
}

static bool expression(struct resolver *r, struct text *t, struct rac_json *out)
{
    skip(t);
    if (++r->depth > DEPTH_MAX)
        return cannot(r, "expressions refer to each other too deeply");
    bool ok;
    size_t from = t->at;
    if (take(t, '\'')) {
        ok = string_literal(r, t, out);
    } else if (t->at < t->s.n && (rac_is_digit(t->s.p[t->at]) || t->s.p[t->at] == '-')) {
        int64_t i;
        t->at++;
        while (t->at < t->s.n && rac_is_digit(t->s.p[t->at]))
            t->at++;
        ok = rac_str_to_i64(rac_str_sub(t->s, from, t->at - from), &i);
        *out = rac_json_of_int(ok ? i : 0);
    } else {
        while (t->at < t->s.n && (rac_is_alnum(t->s.p[t->at]) || t->s.p[t->at] == '_'))
            t->at++;
        rac_str name = rac_str_sub(t->s, from, t->at - from);
        ok = name.n > 0 && take(t, '(') ? call(r, t, name, out) && accessors(r, t, out)
                                        : cannot(r, "it is no template expression");
    }
    r->depth--;
    return ok;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool resolve_string(struct resolver *r, const struct rac_json *v, rac_str pointer,
                           struct rac_json *out)
{
    rac_str s = {v->s, v->n};
    *out = *v;
    if (rac_str_starts(s, RAC_S("[["))) {
        *out = rac_json_of_str(rac_str_from(s, 1));
        out->pos = v->pos;
        return true;
    }
    if (s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']')
        return true;
    struct text t = {rac_str_sub(s, 1, s.n - 2), 0};
    r->unknown = "it is no template expression";
    bool ok = expression(r, &t, out);
    skip(&t);
    if (ok && t.at == t.s.n) {
        out->pos = v->pos;
        return true;
    }
    if (pointer.n > 0) {
        struct rac_diag *g =
            rac_diags_addf(r->d, "InvalidTemplateDeployment", RAC_SEV_ERROR,
                           "the value %.*s cannot be known here: %s", RAC_FMT(s), r->unknown);
        if (g != NULL) {
            g->pointer = pointer;
            g->fix = RAC_S("Deploy the template once and use the definition it gives, or put the "
                           "value in its place.");
        }
    }
    return false;
}

static bool resolve(struct resolver *r, const struct rac_json *v, rac_str pointer,
                    struct rac_json *out)
{
    bool all = true;
    if (v->type == RAC_JSON_STRING)
        return resolve_string(r, v, pointer, out);
    if (v->type != RAC_JSON_ARRAY && v->type != RAC_JSON_OBJECT) {
        *out = *v;
        return true;
    }
    bool object = v->type == RAC_JSON_OBJECT;
    struct rac_json made = object ? rac_json_new_object(r->a) : rac_json_new_array(r->a);
    made.pos = v->pos;
    for (size_t i = 0; i < rac_json_len(v); i++) {
        struct rac_json_member *m = rac_json_member_at(v, i);
        struct rac_json child = rac_json_of_null();
        rac_str here = pointer.n == 0 ? RAC_S("")
                       : object       ? rac_json_pointer_join(r->a, pointer, rac_json_key(m))
                                      : rac_json_pointer_join_index(r->a, pointer, i);
        all &= resolve(r, object ? &m->value : rac_json_at(v, i), here, &child);
        if (object)
            rac_json_put(r->a, &made, rac_json_key(m), child);
        else
            rac_json_add(r->a, &made, child);
    }
    *out = made;
    return all;
}

rac_err rac_template_resolve(const struct rac_json *root, const struct rac_json *resource,
                             rac_str pointer, struct rac_arena *a, struct rac_json *out,
                             struct rac_diags *d)
{
    struct resolver r = {.root = root, .a = a, .d = d};
    return resolve(&r, resource, pointer, out) ? RAC_OK : RAC_E_INVALID;
}
