/*
 * Templates hold their workflows in resources, in nested deployments, in variables. Values are
 * made on demand and kept; a budget bounds what circles and repetition can cost.
 */
#include "workflow/template/template.h"

#include <assert.h>

#include "base/str.h"
#include "workflow/template/template_priv.h"

enum {
    NESTED_MAX = 8,
    WORKFLOWS_MAX = TEMPLATE_LOOP_MAX,
    BUDGET = 4000000,
    BYTES_PER_UNIT = 64,
    INSTANCE_BYTES = 800, /* what looking at a resource is taken to cost: 40,000 of them */
};

/* --- deployments ------------------------------------------------------------------------------ */

struct reader {
    struct resolver r;
    struct rac_template_workflow *v;
    size_t n, cap;
    bool again;       /* what is read was read before */
    const char *left; /* why the rest is not read; NULL: all is */
};

static void leave(struct reader *t, const char *what, int max, const char *rest)
{
    if (t->left == NULL)
        t->left = rac_arena_cstr(
            t->r.a, rac_arena_printf(t->r.a, "%s the %d%s that are read", what, max, rest));
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

/* "office365-1" of "office365": the designer numbers the references to one API. */
static rac_str api_of_reference(rac_str key)
{
    size_t n = key.n;
    while (n > 0 && rac_is_digit(key.p[n - 1]))
        n--;
    return n > 1 && n < key.n && (key.p[n - 1] == '-' || key.p[n - 1] == '_')
               ? rac_str_sub(key, 0, n - 1)
               : key;
}

static bool has_unknown(const struct rac_json *entry)
{
    RAC_JSON_EACH_MEMBER(m, entry)
    if (value_is_unknown(&m->value))
        return true;
    return value_is_unknown(entry);
}

/* One entry of $connections, which nobody else has. */
static void stand_in_entry(struct rac_arena *a, rac_str key, struct rac_json *entry)
{
    if (value_is_unknown(entry)) {
        *entry = rac_json_new_object(a);
        RAC_JSON_PUT_STR(a, entry, "connectionId", key);
    }
    RAC_JSON_EACH_MEMBER(m, entry)
    if (value_is_unknown(&m->value))
        m->value = rac_json_of_str(rac_str_eqi(rac_json_key(m), RAC_S("id")) ? api_of_reference(key)
                                                                             : key);
}

/* What nobody knows of a connection is what its reference says: it is found by that (§6.1). */
static void stand_in(struct rac_arena *a, struct rac_json *parameters)
{
    const struct rac_json *all =
        rac_json_geti(rac_json_geti(parameters, RAC_S("$connections")), RAC_S("value"));
    bool any = false;
    RAC_JSON_EACH_MEMBER(m, all)
    any |= has_unknown(&m->value);
    if (!any)
        return;
    *parameters = rac_json_copy(a, parameters);
    RAC_JSON_EACH_MEMBER(
        m, rac_json_geti(rac_json_geti(parameters, RAC_S("$connections")), RAC_S("value")))
    stand_in_entry(a, rac_json_key(m), &m->value);
}

/* Members that say how a resource is deployed, and those that are read apart. */
static bool is_read_apart(rac_str key)
{
    static const rac_str keys[] = {
        RAC_S_INIT("apiVersion"),   RAC_S_INIT("condition"),  RAC_S_INIT("copy"),
        RAC_S_INIT("dependsOn"),    RAC_S_INIT("existing"),   RAC_S_INIT("scope"),
        RAC_S_INIT("resources"),    RAC_S_INIT("properties"), RAC_S_INIT("definition"),
        RAC_S_INIT("parameters"),   RAC_S_INIT("name"),       RAC_S_INIT("kind"),
        RAC_S_INIT("accessControl")};
    for (size_t i = 0; i < RAC_COUNT(keys); i++)
        if (rac_str_eqi(key, keys[i]))
            return true;
    return false;
}

/* The other members, those that are known. */
static struct rac_json others(struct reader *t, const struct rac_json *v)
{
    struct rac_json out = rac_json_new_object(t->r.a);
    RAC_JSON_EACH_MEMBER(m, v)
    {
        if (is_read_apart(rac_json_key(m)))
            continue;
        struct rac_json value = resolve(&t->r, &m->value, RAC_STR_NULL),
                        missing = template_missing(&t->r, &value);
        if (missing.type == RAC_JSON_NONE && value.type != RAC_JSON_NULL)
            rac_json_put(t->r.a, &out, rac_json_key(m), value);
    }
    return out;
}

static void put_known(struct reader *t, struct rac_json *o, rac_str name, struct rac_json v)
{
    if (v.type != RAC_JSON_NONE && !value_is_unknown(&v))
        rac_json_put(t->r.a, o, name, v);
}

/* The members of a resource's properties, which may be an expression as a whole. */
static void read_properties(struct reader *t, const struct rac_json *resource,
                            struct rac_template_workflow *w)
{
    const struct rac_json *properties = rac_json_geti(resource, RAC_S("properties"));
    struct rac_json made;
    rac_str inside = rac_json_pointer_join(t->r.a, w->pointer, RAC_S("properties"));
    if (rac_json_is_string(properties)) {
        made = resolve(&t->r, properties, inside);
        properties = &made;
    }
    w->definition = part(t, properties, "definition", inside);
    w->parameters = part(t, properties, "parameters", inside);
    w->access = part(t, properties, "accessControl", inside);
    stand_in(t->r.a, &w->parameters);
    made = others(t, properties);
    put_known(t, &made, RAC_S("definition"), w->definition);
    put_known(t, &made, RAC_S("parameters"), w->parameters);
    put_known(t, &made, RAC_S("accessControl"), w->access);
    RAC_JSON_PUT(t->r.a, &w->resource, "properties", made);
}

static void add_workflow(struct reader *t, const struct rac_json *resource, rac_str pointer)
{
    if (t->n == WORKFLOWS_MAX) {
        leave(t, "the template deploys more workflows than", WORKFLOWS_MAX, "");
        return;
    }
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 4;
        t->v = rac_arena_grow(t->r.a, t->v, t->cap * sizeof *t->v, cap * sizeof *t->v);
        t->cap = cap;
    }
    struct rac_template_workflow *w = &t->v[t->n++];
    size_t before = t->r.a->used_bytes;
    *w = (struct rac_template_workflow){
        .pointer = pointer, .source = t->r.scope->source, .again = t->again};
    w->name = part(t, resource, "name", RAC_STR_NULL);
    w->kind = part(t, resource, "kind", pointer);
    w->resource = others(t, resource);
    put_known(t, &w->resource, RAC_S("name"), w->name);
    put_known(t, &w->resource, RAC_S("kind"), w->kind);
    read_properties(t, resource, w);
    if (t->again) /* each instance has a definition of its own: 256 MB of them at most */
        t->r.budget -= (int64_t)((t->r.a->used_bytes - before) / BYTES_PER_UNIT);
}

static void read_template(struct reader *t, const struct rac_json *root, rac_str pointer,
                          unsigned depth);

static void tell_of_link(struct reader *t, const struct rac_json *resource, const struct nested *n,
                         rac_str pointer)
{
    struct rac_template_value v = {
        .node = n->link, .unread = true, .source = t->r.scope->source, .why = n->why};
    if (t->r.unknown == NULL)
        return;
    v.text = rac_json_str(rac_json_geti(resource, RAC_S("name")), RAC_S(""));
    v.pointer = rac_arena_printf(t->r.a, "%.*s/properties/templateLink", RAC_FMT(pointer));
    t->r.unknown(t->r.arg, &v);
}

/* As the template has it: given in no file, and by no deployment around it. */
static bool is_default(const struct scope *s, const struct rac_json_member *declared)
{
    const struct rac_json *v = rac_json_geti(&declared->value, RAC_S("defaultValue"));
    return v != NULL && v->pos != 0 && rac_json_geti(s->given, rac_json_key(declared)) == NULL;
}

/* Tells of each parameter of the template at hand whose value it may not have, used or not: after the
 * template was read, so that it is known which. */
static void check_parameters(struct reader *t, rac_str pointer)
{
    rac_str at = rac_json_pointer_join(t->r.a, pointer, RAC_S("parameters"));
    RAC_JSON_EACH_MEMBER(m, t->r.scope->declared)
    {
        struct rac_json *v = template_parameter(&t->r, rac_json_key(m));
        struct rac_template_value u = {
            .source = t->r.scope->source,
            .pointer = rac_json_pointer_join(t->r.a, at, rac_json_key(m)),
            .text = rac_json_key(m),
            .why = v->s,
            .node = &m->value,
            .refused = true,
            .idle = (v->flags & TEMPLATE_USED) == 0 && is_default(t->r.scope, m)};
        if (value_is_unknown(v) && (v->flags & TEMPLATE_REFUSED) != 0 && t->r.unknown != NULL)
            t->r.unknown(t->r.arg, &u);
    }
}

static void read_nested(struct reader *t, const struct rac_json *resource, rac_str pointer,
                        unsigned depth)
{
    struct nested n;
    template_nested(&t->r, resource, &n);
    rac_str inside = rac_json_pointer_join(t->r.a, pointer, RAC_S("properties"));
    inside = rac_json_pointer_join(t->r.a, inside, RAC_S("template"));
    if (n.link != NULL)
        inside = RAC_S("");
    if (n.why != NULL)
        tell_of_link(t, resource, &n, pointer);
    else if (n.root != NULL && value_is_unknown(n.root))
        template_tell(
            &t->r, rac_json_geti(rac_json_geti(resource, RAC_S("properties")), RAC_S("template")),
            n.root, inside);
    if (!rac_json_is_object(n.root))
        return;
    if (depth >= NESTED_MAX) {
        leave(t, "deployments stand inside of each other deeper than", NESTED_MAX, " levels");
        return;
    }
    struct scope *outer = t->r.scope;
    t->r.scope = template_nested_scope(&t->r, resource, &n);
    read_template(t, n.root, inside, depth + 1);
    if (t->r.scope != outer)
        check_parameters(t, inside);
    t->r.scope = outer;
}

/* Is it deployed at all: neither existing, nor under a condition that is false. */
static bool is_deployed(struct reader *t, const struct rac_json *resource)
{
    const struct rac_json *condition = rac_json_geti(resource, RAC_S("condition"));
    if (rac_json_bool(rac_json_geti(resource, RAC_S("existing")), false))
        return false;
    if (condition == NULL)
        return true;
    struct rac_json v = resolve(&t->r, condition, RAC_STR_NULL);
    return v.type == RAC_JSON_BOOL ? v.b
                                   : !rac_str_eqi(rac_json_str(&v, RAC_S("")), RAC_S("false"));
}

static bool is_workflow(const struct rac_json *resource)
{
    return rac_str_eqi(rac_json_str(rac_json_geti(resource, RAC_S("type")), RAC_S("")),
                       RAC_S("Microsoft.Logic/workflows"));
}

/* Has a price of its own: deployments may be empty, and copies of copies of them are many. */
static bool read_instance(struct reader *t, const struct rac_json *resource, rac_str pointer,
                          unsigned depth)
{
    if (!affordable_bytes(&t->r, INSTANCE_BYTES) || !is_deployed(t, resource))
        return false;
    if (is_workflow(resource))
        add_workflow(t, resource, pointer);
    else if (template_is_deployment(resource))
        read_nested(t, resource, pointer, depth);
    return true;
}

/* A count that nobody knows is taken for one. */
static int64_t times(struct reader *t, const struct rac_json *copy)
{
    const struct rac_json *count = rac_json_geti(copy, RAC_S("count"));
    struct rac_json v = count != NULL ? resolve(&t->r, count, RAC_STR_NULL) : rac_json_of_int(1);
    return rac_json_int(&v, 1);
}

/* Each instance a copy makes; what is told, the first one tells. */
static void read_resource(struct reader *t, const struct rac_json *resource, rac_str pointer,
                          unsigned depth)
{
    const struct rac_json *copy = rac_json_geti(resource, RAC_S("copy"));
    size_t at = t->r.copies;
    if (!rac_json_is_object(resource))
        return;
    if (copy == NULL) {
        read_instance(t, resource, pointer, depth);
        return;
    }
    bool again = t->again;
    void (*unknown)(void *arg, const struct rac_template_value *v) = t->r.unknown;
    int64_t n = times(t, copy);
    static_assert(NESTED_MAX < RAC_COUNT(t->r.copy), "each level has a place for its loop");
    t->r.copies++;
    t->r.copy_name[at] = rac_json_str(rac_json_geti(copy, RAC_S("name")), RAC_S(""));
    for (int64_t i = 0; i < n && t->left == NULL && t->r.budget > 0; i++) {
        if (i == TEMPLATE_LOOP_MAX) {
            if (is_workflow(resource) || template_is_deployment(resource))
                leave(t, "a copy makes more than", TEMPLATE_LOOP_MAX, " instances");
            break;
        }
        t->r.copy[at] = i;
        if (!read_instance(t, resource, pointer, depth))
            continue;
        t->again = true;
        t->r.unknown = NULL;
    }
    t->again = again;
    t->r.unknown = unknown;
    t->r.copies = at;
}

static void read_template(struct reader *t, const struct rac_json *root, rac_str pointer,
                          unsigned depth)
{
    const struct rac_json *resources = rac_json_geti(root, RAC_S("resources"));
    rac_str at = rac_json_pointer_join(t->r.a, pointer, RAC_S("resources"));
    for (size_t i = 0; i < rac_json_len(resources) && t->left == NULL && t->r.budget > 0; i++) {
        struct rac_json_member *m = rac_json_member_at(resources, i);
        rac_str here = m != NULL ? rac_json_pointer_join(t->r.a, at, rac_json_key(m))
                                 : rac_json_pointer_join_index(t->r.a, at, i);
        read_resource(t, m != NULL ? &m->value : rac_json_at(resources, i), here, depth);
    }
}

/* --- parameters from a file -------------------------------------------------------------------- */

bool rac_template_is(const struct rac_json *root)
{
    return rac_json_len(rac_json_geti(root, RAC_S("resources"))) > 0 &&
           rac_json_geti(root, RAC_S("definition")) == NULL &&
           rac_json_geti(root, RAC_S("triggers")) == NULL;
}

/* A value of another file: it stands nowhere in this one, and has no expressions. */
static struct rac_json literal(struct rac_arena *a, const struct rac_json *v)
{
    struct rac_json out = *v;
    if (v->type == RAC_JSON_STRING && v->n > 0 && v->s[0] == '[')
        out = rac_json_of_str(rac_str_concat(a, RAC_S("["), (rac_str){v->s, v->n}));
    if (v->type == RAC_JSON_ARRAY)
        out = rac_json_new_array(a);
    else if (v->type == RAC_JSON_OBJECT)
        out = rac_json_new_object_n(a, rac_json_len(v));
    RAC_JSON_EACH(e, v)
    rac_json_add(a, &out, literal(a, e));
    RAC_JSON_EACH_MEMBER(m, v)
    rac_json_put(a, &out, rac_json_key(m), literal(a, &m->value));
    out.pos = 0;
    return out;
}

void rac_template_give(struct rac_json *root, const struct rac_json *file, struct rac_arena *a,
                       void (*rest)(void *arg, const struct rac_json_member *m), void *arg)
{
    struct rac_json *declared = rac_json_geti(root, RAC_S("parameters"));
    const struct rac_json *inside = rac_json_geti(file, RAC_S("parameters"));
    bool whole = rac_json_is_object(inside);
    RAC_JSON_EACH_MEMBER(m, whole ? inside : file)
    {
        const struct rac_json *value = rac_json_geti(&m->value, RAC_S("value")),
                              *kept = rac_json_geti(&m->value, RAC_S("reference"));
        struct rac_json *p = rac_json_geti(declared, rac_json_key(m));
        if (!rac_json_is_object(p)) {
            if (rest != NULL)
                rest(arg, m);
            continue;
        }
        if ((value != NULL ? value : &m->value)->type == RAC_JSON_NULL)
            continue; /* as the portal exports them: nothing is given */
        rac_json_del(p, RAC_S("defaultValue"));
        if (value == NULL && kept != NULL)
            RAC_JSON_PUT(a, p, "reference", literal(a, kept));
        else
            RAC_JSON_PUT(a, p, "defaultValue", literal(a, value != NULL ? value : &m->value));
    }
}

/* --- all of it ---------------------------------------------------------------------------------- */

void rac_template_read(const struct rac_json *root, const struct rac_template_links *links,
                       struct rac_arena *a, struct rac_template_workflow **out, size_t *n,
                       void (*unknown)(void *arg, const struct rac_template_value *v), void *arg)
{
    struct scope scope = {.root = root, .declared = rac_json_geti(root, RAC_S("parameters"))};
    struct reader t = {.r = {.a = a,
                             .scope = &scope,
                             .budget = BUDGET,
                             .links = links,
                             .unknown = unknown,
                             .arg = arg}};
    rac_map_init(&scope.values, a);
    read_template(&t, root, RAC_S(""), 0);
    check_parameters(&t, RAC_S(""));
    t.r.unknown = unknown; /* perhaps it was found in a place that tells nothing */
    if (t.r.budget <= 0)
        t.left = "the expressions and copies of the template take too much work";
    if (t.left != NULL && unknown != NULL) {
        struct rac_template_value u = {
            .pointer = RAC_S(""), .text = RAC_S(""), .why = t.left, .node = root, .rest = true};
        unknown(arg, &u);
    }
    *out = t.v;
    *n = t.n;
}
