/*
 * Several schemas to one: allOf put together, and alternatives (oneOf, anyOf) merged as connectors.md
 * §2.5 merges samples.
 */
#include "openapi/openapi3_schema_priv.h"

enum {
    O3_MERGE_DEPTH_MAX = 4,      /* levels of references followed while merging */
    O3_MERGE_NODES_MAX = 200000, /* written by merging, in all */
};

/* --- merging ---------------------------------------------------------------------------------- */

rac_str o3_type(const struct rac_json *s)
{
    rac_str t = rac_json_str(RAC_JSON_GET(s, "type"), RAC_S(""));
    if (t.n > 0)
        return t;
    if (rac_json_len(RAC_JSON_GET(s, "properties")) > 0 ||
        rac_json_is_object(RAC_JSON_GET(s, "additionalProperties")))
        return RAC_S("object");
    return RAC_JSON_GET(s, "items") != NULL ? RAC_S("array") : RAC_S("");
}

static struct rac_json flatten(struct o3 *x, const struct rac_json *schema, unsigned depth);

/* The definition that a converted {"$ref": "#/definitions/X"} names. */
static struct o3_def *def_of_converted(struct o3 *x, rac_str ref)
{
    rac_str name = rac_str_from(ref, sizeof "#/definitions/" - 1);
    name = rac_str_replace(x->a, name, RAC_S("~1"), RAC_S("/"));
    return rac_map_get(&x->def_by_name, rac_str_replace(x->a, name, RAC_S("~0"), RAC_S("~")));
}

bool o3_may_copy(struct o3 *x, size_t n)
{
    x->copied += n;
    x->too_much |= x->copied > O3_COPIED_MAX;
    return !x->too_much;
}

/* Lists that o got from somewhere else are copied before the first change; those made here grow. */
struct overlay {
    struct o3 *x;
    struct rac_json *o;
    bool own_properties, own_required;
};

static void overlay_properties(struct overlay *v, const struct rac_json *more)
{
    struct rac_json *own = RAC_JSON_GET(v->o, "properties");
    if (!o3_may_copy(v->x, rac_json_len(more) + (v->own_properties ? 0 : rac_json_len(own))))
        return;
    if (!v->own_properties)
        *own = rac_json_shallow(v->x->a, own);
    v->own_properties = true;
    RAC_JSON_EACH_MEMBER(p, more)
    {
        if (rac_json_get(own, rac_json_key(p)) == NULL)
            rac_json_put(v->x->a, own, rac_json_key(p), p->value);
    }
}

static void overlay_required(struct overlay *v, const struct rac_json *more)
{
    struct rac_json *own = RAC_JSON_GET(v->o, "required");
    if (!o3_may_copy(v->x, rac_json_len(more) + rac_json_len(own)))
        return;
    if (!v->own_required)
        *own = rac_json_shallow(v->x->a, own);
    v->own_required = true;
    rac_json_add_names(v->x->a, own, more);
}

static void overlay(struct overlay *v, const struct rac_json *from)
{
    RAC_JSON_EACH_MEMBER(m, from)
    {
        rac_str k = rac_json_key(m);
        const struct rac_json *own = rac_json_get(v->o, k);
        if (own == NULL)
            rac_json_put(v->x->a, v->o, k, m->value);
        else if (rac_str_eq(k, RAC_S("properties")) && rac_json_is_object(own))
            overlay_properties(v, &m->value);
        else if (rac_str_eq(k, RAC_S("required")) && rac_json_is_array(own))
            overlay_required(v, &m->value);
    }
}

void o3_overlay(struct o3 *x, struct rac_json *o, const struct rac_json *from)
{
    struct overlay v = {.x = x, .o = o};
    overlay(&v, from);
}

static struct rac_json flatten(struct o3 *x, const struct rac_json *schema, unsigned depth)
{
    rac_str ref = rac_json_str(RAC_JSON_GET(schema, "$ref"), RAC_STR_NULL);
    if (depth > 16)
        return rac_json_new_object(x->a);
    if (ref.p != NULL) {
        struct o3_def *d = def_of_converted(x, ref);
        if (d == NULL)
            return rac_json_new_object(x->a);
        struct rac_json content = o3_def_content(x, d);
        return flatten(x, &content, depth + 1);
    }
    const struct rac_json *all = RAC_JSON_GET(schema, "allOf");
    if (all == NULL)
        return *schema;
    struct rac_json o = rac_json_new_object(x->a);
    RAC_JSON_EACH_MEMBER(m, schema)
    {
        if (!rac_str_eq(rac_json_key(m), RAC_S("allOf")))
            rac_json_put(x->a, &o, rac_json_key(m), m->value);
    }
    struct overlay v = {.x = x, .o = &o};
    RAC_JSON_EACH(part, all)
    {
        if (!o3_may_copy(x, 1))
            break;
        struct rac_json flat = flatten(x, part, depth + 1);
        overlay(&v, &flat);
    }
    return o;
}

struct rac_json o3_flatten(struct o3 *x, const struct rac_json *schema)
{
    return flatten(x, schema, 0);
}

static struct rac_json merge(struct o3 *x, const struct rac_json *p, const struct rac_json *q,
                             unsigned depth);

static bool nullable(const struct rac_json *s)
{
    return rac_json_bool(RAC_JSON_GET(s, "x-nullable"), false);
}

void o3_values_init(struct o3 *x, struct o3_values *v)
{
    rac_map_init(&v->by_hash, x->a);
}

/* Values of equal hash are chained; there are as many as an enemy made, up to a few. */
bool o3_values_add(struct o3 *x, struct o3_values *v, const struct rac_json *value)
{
    enum { CHAIN_MAX = 32 };
    uint64_t hash = rac_json_hash(value);
    rac_str key = {(const char *)&hash, sizeof hash};
    struct o3_value *first = rac_map_get(&v->by_hash, key);
    size_t n = 0;
    for (const struct o3_value *e = first; e != NULL && n < CHAIN_MAX; e = e->next, n++)
        if (rac_json_equal(&e->value, value))
            return false;
    struct o3_value *e = RAC_NEW(x->a, struct o3_value);
    *e = (struct o3_value){.value = *value, .next = first};
    rac_map_put(&v->by_hash, first == NULL ? rac_arena_str(x->a, key) : key, e);
    return true;
}

/* Members that both say alike. */
static void keep_common(struct o3 *x, struct rac_json *o, const struct rac_json *p,
                        const struct rac_json *q)
{
    static const rac_str keys[] = {
        RAC_S_INIT("title"),       RAC_S_INIT("description"),
        RAC_S_INIT("format"),      RAC_S_INIT("default"),
        RAC_S_INIT("minimum"),     RAC_S_INIT("maximum"),
        RAC_S_INIT("minLength"),   RAC_S_INIT("maxLength"),
        RAC_S_INIT("pattern"),     RAC_S_INIT("readOnly"),
        RAC_S_INIT("minItems"),    RAC_S_INIT("maxItems"),
        RAC_S_INIT("uniqueItems"), RAC_S_INIT("additionalProperties"),
    };
    for (size_t i = 0; i < RAC_COUNT(keys); i++) {
        const struct rac_json *v = rac_json_get(p, keys[i]), *w = rac_json_get(q, keys[i]);
        if (v != NULL && w != NULL && rac_json_equal(v, w))
            rac_json_put(x->a, o, keys[i], *v);
    }
}

static void merge_objects(struct o3 *x, struct rac_json *o, const struct rac_json *p,
                          const struct rac_json *q, unsigned depth)
{
    const struct rac_json *pp = RAC_JSON_GET(p, "properties"), *qp = RAC_JSON_GET(q, "properties");
    struct rac_json props = rac_json_new_object(x->a);
    if (!o3_may_copy(x, rac_json_len(pp) + rac_json_len(qp)))
        return;
    RAC_JSON_EACH_MEMBER(m, pp)
    {
        const struct rac_json *other = rac_json_get(qp, rac_json_key(m));
        rac_json_put(x->a, &props, rac_json_key(m),
                     other != NULL ? merge(x, &m->value, other, depth + 1) : m->value);
    }
    RAC_JSON_EACH_MEMBER(m, qp)
    {
        if (rac_json_get(pp, rac_json_key(m)) == NULL)
            rac_json_put(x->a, &props, rac_json_key(m), m->value);
    }
    if (rac_json_len(&props) > 0)
        RAC_JSON_PUT(x->a, o, "properties", props);
    struct rac_json required = rac_json_new_array(x->a);
    struct rac_map others;
    rac_map_init(&others, x->a);
    RAC_JSON_EACH(e, RAC_JSON_GET(q, "required"))
    {
        rac_map_add(&others, rac_json_str(e, RAC_S("")), x);
    }
    RAC_JSON_EACH(e, RAC_JSON_GET(p, "required"))
    {
        if (rac_map_has(&others, rac_json_str(e, RAC_S(""))))
            rac_json_add(x->a, &required, *e);
    }
    if (rac_json_len(&required) > 0)
        RAC_JSON_PUT(x->a, o, "required", required);
}

static void merge_enums(struct o3 *x, struct rac_json *o, const struct rac_json *p,
                        const struct rac_json *q)
{
    const struct rac_json *pe = RAC_JSON_GET(p, "enum"), *qe = RAC_JSON_GET(q, "enum");
    if (pe == NULL || qe == NULL || rac_json_len(pe) + rac_json_len(qe) > 2000)
        return;
    if (!o3_may_copy(x, rac_json_len(pe) + rac_json_len(qe)))
        return;
    struct rac_json list = rac_json_shallow(x->a, pe);
    struct o3_values seen;
    o3_values_init(x, &seen);
    RAC_JSON_EACH(e, pe)
    {
        o3_values_add(x, &seen, e);
    }
    RAC_JSON_EACH(e, qe)
    {
        if (o3_values_add(x, &seen, e))
            rac_json_add(x->a, &list, *e);
    }
    RAC_JSON_PUT(x->a, o, "enum", list);
}

/* §2.5 for two converted schemas. */
static struct rac_json merge(struct o3 *x, const struct rac_json *p, const struct rac_json *q,
                             unsigned depth)
{
    if (rac_json_equal(p, q))
        return *p;
    struct rac_json o = rac_json_new_object(x->a);
    if (++x->merge_nodes > O3_MERGE_NODES_MAX || x->too_much || rac_arena_over(x->a))
        return o;
    struct rac_json fp = rac_json_new_object(x->a), fq = fp;
    if (depth <= O3_MERGE_DEPTH_MAX) {
        fp = flatten(x, p, 0);
        fq = flatten(x, q, 0);
    }
    rac_str tp = o3_type(&fp), tq = o3_type(&fq);
    bool numbers = (rac_str_eq(tp, RAC_S("integer")) && rac_str_eq(tq, RAC_S("number"))) ||
                   (rac_str_eq(tp, RAC_S("number")) && rac_str_eq(tq, RAC_S("integer")));
    if (tp.n > 0 && (numbers || rac_str_eq(tp, tq))) {
        RAC_JSON_PUT_STR(x->a, &o, "type", numbers ? RAC_S("number") : tp);
        keep_common(x, &o, &fp, &fq);
        merge_enums(x, &o, &fp, &fq);
        if (rac_str_eq(tp, RAC_S("object")))
            merge_objects(x, &o, &fp, &fq, depth);
        if (rac_str_eq(tp, RAC_S("array"))) {
            const struct rac_json *pi = RAC_JSON_GET(&fp, "items"),
                                  *qi = RAC_JSON_GET(&fq, "items");
            RAC_JSON_PUT(x->a, &o, "items",
                         pi != NULL && qi != NULL ? merge(x, pi, qi, depth + 1)
                                                  : rac_json_new_object(x->a));
        }
    }
    if (nullable(&fp) || nullable(&fq))
        RAC_JSON_PUT(x->a, &o, "x-nullable", rac_json_of_bool(true));
    return o;
}

/* --- alternatives ----------------------------------------------------------------------------- */

static bool is_null_branch(const struct rac_json *b)
{
    const struct rac_json *type = RAC_JSON_GET(b, "type"), *e = RAC_JSON_GET(b, "enum");
    if (rac_json_is_array(type) && rac_json_len(type) == 1)
        type = rac_json_at(type, 0);
    return rac_str_eq(rac_json_str(type, RAC_S("")), RAC_S("null")) ||
           rac_json_is_null(RAC_JSON_GET(b, "const")) ||
           (rac_json_len(e) == 1 && rac_json_is_null(rac_json_at(e, 0)));
}

/* {"required": [...]} and the like: says which properties go together, not what they are. */
static bool is_constraint_only(const struct rac_json *b)
{
    RAC_JSON_EACH_MEMBER(m, b)
    {
        rac_str k = rac_json_key(m);
        if (!rac_str_eq(k, RAC_S("required")) && !rac_str_eq(k, RAC_S("title")) &&
            !rac_str_eq(k, RAC_S("description")) && !rac_str_eq(k, RAC_S("not")) &&
            !rac_str_starts(k, RAC_S("x-")))
            return false;
    }
    return rac_json_is_object(b);
}

static bool has_shape(const struct rac_json *o)
{
    return RAC_JSON_GET(o, "type") != NULL || RAC_JSON_GET(o, "properties") != NULL ||
           RAC_JSON_GET(o, "allOf") != NULL || RAC_JSON_GET(o, "items") != NULL ||
           RAC_JSON_GET(o, "enum") != NULL || RAC_JSON_GET(o, "additionalProperties") != NULL;
}

/* One alternative is left: it is the schema; a reference stays one. */
static void single_branch(struct o3 *x, struct rac_json *o, const struct rac_json *branch)
{
    if (RAC_JSON_GET(branch, "$ref") == NULL) {
        o3_overlay(x, o, branch);
        return;
    }
    struct rac_json list = rac_json_new_array(x->a);
    RAC_JSON_EACH(e, RAC_JSON_GET(o, "allOf"))
    {
        rac_json_add(x->a, &list, *e);
    }
    rac_json_add(x->a, &list, *branch);
    RAC_JSON_PUT(x->a, o, "allOf", list);
}

void o3_alternatives(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    struct rac_json merged = rac_json_none, first = rac_json_none;
    size_t n = 0, constraints = 0;
    if (!o3_is_list(x, at))
        return;
    for (size_t i = 0; i < rac_json_len(at->node); i++) {
        struct rac_place e = rac_place_at(at, i, rac_json_at(at->node, i));
        if (x->too_much)
            return;
        if (is_null_branch(e.node)) {
            o3_put_true(x, o, RAC_S("x-nullable"));
            continue;
        }
        if (is_constraint_only(e.node)) {
            constraints++;
            continue;
        }
        struct rac_json b = o3_schema(x, &e);
        if (n++ == 0) {
            first = b;
            merged = b;
        } else {
            merged = merge(x, &merged, &b, 0);
        }
    }
    if (constraints > 0 || n > 1)
        o3_loss(x, RAC_RULE_O3_04, at, "the %zu alternatives of '%.*s' were merged into one schema",
                n + constraints, RAC_FMT(at->key));
    if (n == 1 && constraints == 0) {
        single_branch(x, o, &first);
    } else if (n > 1) {
        if (RAC_JSON_GET(&merged, "$ref") != NULL)
            single_branch(x, o, &merged);
        else if (rac_json_len(&merged) > 0 || !has_shape(o))
            o3_overlay(x, o, &merged);
    } else if (n == 1 && !has_shape(o)) {
        single_branch(x, o, &first);
    }
}
