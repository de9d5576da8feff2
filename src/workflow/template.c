/*
 * Templates hold their workflows in resources, in nested deployments, in variables. Values are
 * made on demand and kept; a budget bounds what circles and repetition can cost.
 */
#include "workflow/template.h"
#include "base/str.h"
#include "workflow/template_priv.h"

enum { NESTED_MAX = 5, WORKFLOWS_MAX = 200, BUDGET = 4000000 };

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
        made = resolve(&t->r, template, RAC_STR_NULL);
        if (value_is_unknown(&made))
            template_tell(&t->r, template, made.s, inside);
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
