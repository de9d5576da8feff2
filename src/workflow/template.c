/*
 * Templates hold their workflows in resources, in nested deployments, in variables. Values are
 * made on demand and kept; a budget bounds what circles and repetition can cost.
 */
#include "workflow/template.h"
#include "base/str.h"
#include "workflow/template_priv.h"

enum { DEPTH_MAX = 64, LEVELS_MAX = 1500, NESTED_MAX = 5, WORKFLOWS_MAX = 200, BUDGET = 4000000 };

struct text {
    rac_str s;
    size_t at;
};

struct rac_json unknown_because(struct resolver *r, const char *why)
{
    r->why = why;
    return (struct rac_json){.type = RAC_JSON_NULL, .flags = RAC_WF_UNKNOWN};
}

bool value_is_unknown(const struct rac_json *v)
{
    return v->type == RAC_JSON_NULL && (v->flags & RAC_WF_UNKNOWN) != 0;
}

bool affordable_bytes(struct resolver *r, size_t n)
{
    r->budget -= (int64_t)(n / 8) + 1;
    return r->budget > 0;
}

bool affordable(struct resolver *r, const struct rac_json *v)
{
    size_t bytes = v->type == RAC_JSON_STRING ? v->n : 0;
    if (!affordable_bytes(r, bytes))
        return false;
    for (size_t i = 0; i < rac_json_len(v); i++) {
        const struct rac_json_member *m = rac_json_member_at(v, i);
        if (!affordable(r, m != NULL ? &m->value : rac_json_at(v, i)))
            return false;
    }
    return true;
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
    return false;
}

static bool call(struct resolver *r, struct text *t, rac_str name, struct rac_json *out)
{
    struct arguments *x = RAC_NEW(r->a, struct arguments);
    if (!take(t, ')')) {
        do {
            if (x->n == TEMPLATE_ARGS_MAX || !expression(r, t, &x->v[x->n++]))
                return false;
        } while (take(t, ','));
        if (!take(t, ')'))
            return false;
    }
    *out = template_call(r, name, x);
    return true;
}

static bool accessors(struct resolver *r, struct text *t, struct rac_json *out)
{
    for (;;) {
        const struct rac_json *v = NULL;
        skip(t);
        bool safe = t->at + 1 < t->s.n && t->s.p[t->at] == '.' && t->s.p[t->at + 1] == '?';
        if (take(t, '.')) {
            if (safe)
                t->at++;
            rac_str name = take_name(t);
            if (name.n == 0)
                return false;
            v = rac_json_geti(out, name);
        } else if (take(t, '[')) {
            struct rac_json key;
            skip(t);
            safe = take(t, '?');
            if (!expression(r, t, &key) || !take(t, ']'))
                return false;
            if (value_is_unknown(&key)) {
                *out = key;
                continue;
            }
            v = key.type == RAC_JSON_INT && key.i >= 0
                    ? rac_json_at(out, (size_t)key.i)
                    : rac_json_geti(out, rac_json_str(&key, RAC_S("")));
        } else {
            return true;
        }
        if (!value_is_unknown(out))
            *out = v != NULL ? *v
                   : safe    ? rac_json_of_null()
                             : unknown_because(r, "a value has no such property or element");
    }
}

static bool expression(struct resolver *r, struct text *t, struct rac_json *out)
{
    skip(t);
    if (++r->depth > DEPTH_MAX || !affordable_bytes(r, 8)) {
        r->depth--;
        r->why = "its expressions refer to each other without end, or too much";
        return false;
    }
    bool ok;
    size_t from = t->at;
    if (take(t, '\'')) {
        ok = string_literal(r, t, out) && accessors(r, t, out);
    } else if (t->at < t->s.n && (rac_is_digit(t->s.p[t->at]) || t->s.p[t->at] == '-')) {
        int64_t i;
        t->at++;
        while (t->at < t->s.n && rac_is_digit(t->s.p[t->at]))
            t->at++;
        ok = rac_str_to_i64(rac_str_sub(t->s, from, t->at - from), &i);
        *out = rac_json_of_int(ok ? i : 0);
    } else {
        rac_str name = take_name(t);
        if (name.n > 0 && t->at < t->s.n && t->s.p[t->at] == '.') { /* namespace.function */
            t->at++;
            (void)take_name(t);
            name = rac_str_sub(t->s, from, t->at - from);
        }
        ok = name.n > 0 && take(t, '(') && call(r, t, name, out) && accessors(r, t, out);
    }
    r->depth--;
    return ok;
}

/* --- values ----------------------------------------------------------------------------------- */

static void tell(struct resolver *r, const struct rac_json *v, rac_str pointer)
{
    struct rac_template_value u = {
        .pointer = pointer, .text = {v->s, v->n}, .why = r->why, .node = v};
    if (pointer.p != NULL && r->unknown != NULL)
        r->unknown(r->arg, &u);
}

/* Where we are inside a value; a pointer is made of it only for what is told. */
struct step {
    const struct step *up;
    const struct rac_json_member *member; /* NULL: element index */
    size_t index;
};

static rac_str pointer_to(struct resolver *r, const struct step *at, rac_str root)
{
    if (at == NULL)
        return root;
    rac_str up = pointer_to(r, at->up, root);
    return at->member != NULL ? rac_json_pointer_join(r->a, up, rac_json_key(at->member))
                              : rac_json_pointer_join_index(r->a, up, at->index);
}

/* What is unknown inside a value that was made elsewhere, by a variable or a default. */
static void tell_inside(struct resolver *r, const struct rac_json *value, const struct step *at,
                        const struct rac_json *v, rac_str pointer)
{
    if (value_is_unknown(value)) {
        r->why = "a part of what it stands for has no value that can be known";
        tell(r, v, pointer_to(r, at, pointer));
        return;
    }
    for (size_t i = 0; i < rac_json_len(value); i++) {
        const struct rac_json_member *m = rac_json_member_at(value, i);
        struct step here = {at, m, i};
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
    struct text t = {rac_str_sub(s, 1, s.n - 2), 0};
    r->why = "it is no template expression";
    bool ok = expression(r, &t, &out);
    skip(&t);
    if (!ok || t.at != t.s.n)
        out = unknown_because(r, r->why);
    else if (!value_is_unknown(&out) && !affordable(r, &out))
        out = unknown_because(r, "the value is too large");
    if (value_is_unknown(&out))
        tell(r, v, pointer);
    else if (pointer.p != NULL && out.type >= RAC_JSON_ARRAY)
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

static void put_copies(struct resolver *r, const struct rac_json *list, struct rac_json *made)
{
    RAC_JSON_EACH(e, list)
    rac_json_put(r->a, made, rac_json_str(rac_json_get(e, RAC_S("name")), RAC_S("")),
                 template_copy(r, e));
}

struct rac_json resolve(struct resolver *r, const struct rac_json *v, rac_str pointer)
{
    if (v->type == RAC_JSON_STRING)
        return resolve_string(r, v, pointer);
    if (value_is_unknown(v)) { /* of a template that stood in a variable */
        r->why = "a part of what it stands for has no value that can be known";
        tell(r, v, pointer);
    }
    if (v->type != RAC_JSON_ARRAY && v->type != RAC_JSON_OBJECT)
        return *v;
    if (r->levels >= LEVELS_MAX || r->budget <= 0)
        return unknown_because(r, "the value is too large");
    r->levels++;
    bool object = v->type == RAC_JSON_OBJECT;
    struct rac_json made = object ? rac_json_new_object(r->a) : rac_json_new_array(r->a);
    made.pos = v->pos;
    for (size_t i = 0; i < rac_json_len(v); i++) {
        struct rac_json_member *m = rac_json_member_at(v, i);
        const struct rac_json *child = object ? &m->value : rac_json_at(v, i);
        if (object && rac_str_eq(rac_json_key(m), RAC_S("copy")) && is_property_copy(child)) {
            put_copies(r, child, &made);
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
            rac_json_put(r->a, &made, rac_json_key(m), value);
        else
            rac_json_add(r->a, &made, value);
    }
    r->levels--;
    return made;
}

/* --- deployments ------------------------------------------------------------------------------ */

struct reader {
    struct resolver r;
    struct rac_template_workflow *v;
    size_t n, cap;
};

static rac_str type_of_resource(const struct rac_json *resource)
{
    return rac_json_str(rac_json_geti(resource, RAC_S("type")), RAC_S(""));
}

static bool is_workflow_type(rac_str s)
{
    return rac_str_eqi(s, RAC_S("Microsoft.Logic/workflows"));
}

static struct rac_json part(struct reader *t, const struct rac_json *up, const char *name,
                            rac_str pointer)
{
    const struct rac_json *v = rac_json_geti(up, rac_str_of(name));
    if (v == NULL)
        return rac_json_none;
    if (pointer.p != NULL)
        pointer = rac_json_pointer_join(t->r.a, pointer, rac_str_of(name));
    return resolve(&t->r, v, pointer);
}

static void add_workflow(struct reader *t, const struct rac_json *resource, rac_str pointer)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 4;
        t->v = rac_arena_grow(t->r.a, t->v, t->cap * sizeof *t->v, cap * sizeof *t->v);
        t->cap = cap;
    }
    const struct rac_json *properties = rac_json_geti(resource, RAC_S("properties"));
    struct rac_json made;
    rac_str inside = rac_json_pointer_join(t->r.a, pointer, RAC_S("properties"));
    if (rac_json_is_string(properties)) {
        made = resolve(&t->r, properties, inside);
        properties = &made;
    }
    t->v[t->n++] = (struct rac_template_workflow){
        .pointer = pointer,
        .name = part(t, resource, "name", RAC_STR_NULL),
        .kind = part(t, resource, "kind", pointer),
        .definition = part(t, properties, "definition", inside),
        .parameters = part(t, properties, "parameters", inside),
        .access = part(t, properties, "accessControl", inside),
    };
}

static void read_template(struct reader *t, const struct rac_json *root, rac_str pointer,
                          unsigned depth);

static bool is_inner(const struct reader *t, const struct rac_json *properties)
{
    const struct rac_json *o = rac_json_geti(properties, RAC_S("expressionEvaluationOptions"));
    rac_str scope = rac_json_str(rac_json_geti(o, RAC_S("scope")), RAC_S(""));
    rac_str version =
        rac_json_str(rac_json_geti(t->r.scope->root, RAC_S("languageVersion")), RAC_S(""));
    if (scope.n > 0)
        return rac_str_eqi(scope, RAC_S("inner"));
    return rac_str_starts(version, RAC_S("2"));
}

static void read_nested(struct reader *t, const struct rac_json *resource, rac_str pointer,
                        unsigned depth)
{
    const struct rac_json *properties = rac_json_geti(resource, RAC_S("properties")),
                          *template = rac_json_geti(properties, RAC_S("template"));
    struct rac_json made;
    rac_str inside = rac_json_pointer_join(t->r.a, pointer, RAC_S("properties"));
    inside = rac_json_pointer_join(t->r.a, inside, RAC_S("template"));
    if (rac_json_is_string(template)) {
        made = resolve_string(&t->r, template, RAC_STR_NULL);
        if (value_is_unknown(&made))
            tell(&t->r, template, inside);
        template = RAC_NEW(t->r.a, struct rac_json);
        *(struct rac_json *)template = made;
    }
    if (!rac_json_is_object(template) || depth >= NESTED_MAX)
        return;
    struct scope *outer = t->r.scope, own = {.root = template, .outer = outer};
    own.declared = rac_json_geti(template, RAC_S("parameters"));
    own.given = rac_json_geti(properties, RAC_S("parameters"));
    rac_map_init(&own.values, t->r.a);
    if (is_inner(t, properties))
        t->r.scope = &own;
    read_template(t, template, inside, depth + 1);
    t->r.scope = outer;
}

/* Is it deployed at all: neither existing, nor under a condition that is false, nor 0 times. */
static bool is_deployed(struct reader *t, const struct rac_json *resource)
{
    const struct rac_json *condition = rac_json_geti(resource, RAC_S("condition")),
                          *copy = rac_json_geti(resource, RAC_S("copy")),
                          *count = rac_json_geti(copy, RAC_S("count"));
    if (rac_json_bool(rac_json_geti(resource, RAC_S("existing")), false))
        return false;
    if (condition != NULL) {
        struct rac_json v = resolve(&t->r, condition, RAC_STR_NULL);
        if (v.type == RAC_JSON_BOOL ? !v.b
                                    : rac_str_eqi(rac_json_str(&v, RAC_S("")), RAC_S("false")))
            return false;
    }
    if (count != NULL) {
        struct rac_json v = resolve(&t->r, count, RAC_STR_NULL);
        return !(v.type == RAC_JSON_INT && v.i <= 0);
    }
    return true;
}

static void read_resource(struct reader *t, const struct rac_json *resource, rac_str pointer,
                          unsigned depth)
{
    const struct rac_json *copy = rac_json_geti(resource, RAC_S("copy"));
    rac_str type = type_of_resource(resource);
    if (t->n >= WORKFLOWS_MAX || t->r.budget <= 0 || !rac_json_is_object(resource) ||
        !is_deployed(t, resource))
        return;
    size_t copies = t->r.copies;
    if (copy != NULL && copies < RAC_COUNT(t->r.copy)) {
        t->r.copy[copies] = 0;
        t->r.copy_name[t->r.copies++] = rac_json_str(rac_json_geti(copy, RAC_S("name")), RAC_S(""));
    }
    if (is_workflow_type(type))
        add_workflow(t, resource, pointer);
    else if (rac_str_eqi(type, RAC_S("Microsoft.Resources/deployments")))
        read_nested(t, resource, pointer, depth);
    t->r.copies = copies;
}

static void read_template(struct reader *t, const struct rac_json *root, rac_str pointer,
                          unsigned depth)
{
    const struct rac_json *resources = rac_json_geti(root, RAC_S("resources"));
    rac_str at = rac_json_pointer_join(t->r.a, pointer, RAC_S("resources"));
    for (size_t i = 0; i < rac_json_len(resources); i++) {
        struct rac_json_member *m = rac_json_member_at(resources, i);
        rac_str here = m != NULL ? rac_json_pointer_join(t->r.a, at, rac_json_key(m))
                                 : rac_json_pointer_join_index(t->r.a, at, i);
        read_resource(t, m != NULL ? &m->value : rac_json_at(resources, i), here, depth);
    }
}

void rac_template_read(const struct rac_json *root, struct rac_arena *a,
                       struct rac_template_workflow **out, size_t *n,
                       void (*unknown)(void *arg, const struct rac_template_value *v), void *arg)
{
    struct scope scope = {.root = root, .declared = rac_json_geti(root, RAC_S("parameters"))};
    struct reader t = {
        .r = {.a = a, .scope = &scope, .budget = BUDGET, .unknown = unknown, .arg = arg}};
    rac_map_init(&scope.values, a);
    read_template(&t, root, RAC_S(""), 0);
    *out = t.v;
    *n = t.n;
}
