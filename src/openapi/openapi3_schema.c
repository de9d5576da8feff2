/*
 * Schemas of OpenAPI 3.0 and 3.1 (JSON Schema 2020-12) to those of 2.0. One table says what
 * becomes of each keyword. Alternatives (oneOf, anyOf) are merged into one schema as connectors.md
 * §2.5 merges samples.
 */
#include "openapi/openapi3_priv.h"

enum {
    O3_DEPTH_MAX = 200,          /* nesting of one schema */
    O3_MERGE_DEPTH_MAX = 4,      /* levels of references followed while merging */
    O3_MERGE_NODES_MAX = 200000, /* written by merging, in all */
    O3_CONTENT_DEPTH_MAX = 100,  /* definitions whose content needs that of another */
};

/* --- definitions ---------------------------------------------------------------------------- */

struct o3_def *o3_def_add(struct o3 *x, rac_str name, const struct rac_place *at)
{
    rac_str base = name;
    for (unsigned n = 2; rac_map_has(&x->def_by_name, name); n++)
        name = rac_arena_printf(x->a, "%.*s_%u", RAC_FMT(base), n);
    struct o3_def *d = RAC_NEW(x->a, struct o3_def);
    d->name = name;
    d->at = rac_place_keep(x->a, at);
    rac_map_put(&x->def_by_name, name, d);
    if (o3_by_address(&x->def_by_node, at->node) == NULL)
        o3_put_address(x, &x->def_by_node, at->node, d);
    if (x->defs_n == x->defs_cap) {
        size_t cap = x->defs_cap ? x->defs_cap * 2 : 64;
        x->defs =
            rac_arena_grow(x->a, x->defs, x->defs_cap * sizeof *x->defs, cap * sizeof *x->defs);
        x->defs_cap = cap;
    }
    x->defs[x->defs_n++] = d;
    return d;
}

/* A name for the target of a reference into some other place: its last words. */
static rac_str name_of_ref(struct o3 *x, const struct rac_place *target)
{
    rac_str pointer = rac_place_pointer(target, x->a), last = RAC_S(""), before = RAC_S("");
    rac_str rest = pointer;
    while (rest.p != NULL) {
        rac_str part = rac_str_cut(rest, '/', &rest);
        before = last;
        last = part;
    }
    rac_str name = rac_name_pascal(x->a, last);
    if (name.n > 0 && rac_is_digit(name.p[0]))
        name = rac_str_concat(x->a, rac_name_pascal(x->a, before), name);
    if (name.n == 0 && target->source->path.n > 0) {
        rac_str file = target->source->path;
        size_t slash = rac_str_rfind_char(file, '/');
        file = slash == RAC_STR_NPOS ? file : rac_str_from(file, slash + 1);
        size_t dot = rac_str_find_char(file, '.');
        name = rac_name_pascal(x->a, dot == RAC_STR_NPOS ? file : rac_str_sub(file, 0, dot));
    }
    return name.n > 0 ? rac_str_sub(name, 0, 100) : RAC_S("Schema");
}

static struct rac_json ref_to(struct o3 *x, const struct o3_def *d)
{
    struct rac_json o = rac_json_new_object(x->a);
    RAC_JSON_PUT_STR(x->a, &o, "$ref",
                     rac_json_pointer_join(x->a, RAC_S("#/definitions"), d->name));
    return o;
}

/* The definition a reference means, made when there is none yet; NULL: told and lost. */
static struct o3_def *def_of_ref(struct o3 *x, const struct rac_place *at, rac_str ref)
{
    rac_str name = o3_component(x, at, ref, "schemas");
    struct o3_def *d = name.p != NULL ? rac_map_get(&x->def_by_name, name) : NULL;
    if (d != NULL)
        return d;
    struct rac_place target;
    if (!o3_resolve(x, at, ref, &target) ||
        !(rac_json_is_object(target.node) || rac_json_is_bool(target.node))) {
        o3_loss(x, RAC_RULE_O3_03, at, "the reference '%.*s' names no schema that can be read",
                (int)(ref.n < 300 ? ref.n : 300), ref.p);
        return NULL;
    }
    d = o3_by_address(&x->def_by_node, target.node);
    return d != NULL ? d : o3_def_add(x, name_of_ref(x, &target), &target);
}

static struct rac_json content_of(struct o3 *x, struct o3_def *d);

/* --- the keyword table ---------------------------------------------------------------------- */

enum kw {
    KW_STRING,  /* kept when it is a string */
    KW_NUMBER,  /* kept when it is a number */
    KW_COUNT,   /* kept when it is a whole number, not negative */
    KW_BOOL,    /* kept when it is a boolean */
    KW_FREE,    /* kept as it is */
    KW_LATER,   /* needs the others: handled after the walk */
    KW_SPECIAL, /* handled by a function of its own */
    KW_DROP,    /* told */
    KW_SILENT,  /* says nothing about values: not told */
};

static const struct {
    rac_str name;
    enum kw kw;
} keywords[] = {
    {RAC_S_INIT("type"), KW_SPECIAL},
    {RAC_S_INIT("format"), KW_STRING},
    {RAC_S_INIT("title"), KW_STRING},
    {RAC_S_INIT("description"), KW_STRING},
    {RAC_S_INIT("default"), KW_FREE},
    {RAC_S_INIT("multipleOf"), KW_NUMBER},
    {RAC_S_INIT("maximum"), KW_NUMBER},
    {RAC_S_INIT("exclusiveMaximum"), KW_SPECIAL},
    {RAC_S_INIT("minimum"), KW_NUMBER},
    {RAC_S_INIT("exclusiveMinimum"), KW_SPECIAL},
    {RAC_S_INIT("maxLength"), KW_COUNT},
    {RAC_S_INIT("minLength"), KW_COUNT},
    {RAC_S_INIT("pattern"), KW_STRING},
    {RAC_S_INIT("maxItems"), KW_COUNT},
    {RAC_S_INIT("minItems"), KW_COUNT},
    {RAC_S_INIT("uniqueItems"), KW_BOOL},
    {RAC_S_INIT("maxProperties"), KW_COUNT},
    {RAC_S_INIT("minProperties"), KW_COUNT},
    {RAC_S_INIT("required"), KW_LATER},
    {RAC_S_INIT("enum"), KW_SPECIAL},
    {RAC_S_INIT("const"), KW_SPECIAL},
    {RAC_S_INIT("items"), KW_SPECIAL},
    {RAC_S_INIT("allOf"), KW_SPECIAL},
    {RAC_S_INIT("oneOf"), KW_LATER},
    {RAC_S_INIT("anyOf"), KW_LATER},
    {RAC_S_INIT("properties"), KW_SPECIAL},
    {RAC_S_INIT("additionalProperties"), KW_SPECIAL},
    {RAC_S_INIT("nullable"), KW_SPECIAL},
    {RAC_S_INIT("discriminator"), KW_LATER},
    {RAC_S_INIT("readOnly"), KW_BOOL},
    {RAC_S_INIT("writeOnly"), KW_SPECIAL},
    {RAC_S_INIT("deprecated"), KW_SPECIAL},
    {RAC_S_INIT("xml"), KW_SPECIAL},
    {RAC_S_INIT("externalDocs"), KW_SPECIAL},
    {RAC_S_INIT("example"), KW_FREE},
    {RAC_S_INIT("examples"), KW_SPECIAL},
    {RAC_S_INIT("contentEncoding"), KW_SPECIAL},
    {RAC_S_INIT("contentMediaType"), KW_SPECIAL},
    {RAC_S_INIT("contentSchema"), KW_DROP},
    {RAC_S_INIT("not"), KW_DROP},
    {RAC_S_INIT("if"), KW_DROP},
    {RAC_S_INIT("then"), KW_DROP},
    {RAC_S_INIT("else"), KW_DROP},
    {RAC_S_INIT("patternProperties"), KW_DROP},
    {RAC_S_INIT("prefixItems"), KW_DROP},
    {RAC_S_INIT("additionalItems"), KW_DROP},
    {RAC_S_INIT("unevaluatedItems"), KW_DROP},
    {RAC_S_INIT("unevaluatedProperties"), KW_DROP},
    {RAC_S_INIT("dependentRequired"), KW_DROP},
    {RAC_S_INIT("dependentSchemas"), KW_DROP},
    {RAC_S_INIT("dependencies"), KW_DROP},
    {RAC_S_INIT("propertyNames"), KW_DROP},
    {RAC_S_INIT("contains"), KW_DROP},
    {RAC_S_INIT("minContains"), KW_DROP},
    {RAC_S_INIT("maxContains"), KW_DROP},
    {RAC_S_INIT("$id"), KW_SILENT},
    {RAC_S_INIT("id"), KW_DROP},
    {RAC_S_INIT("$schema"), KW_SILENT},
    {RAC_S_INIT("$anchor"), KW_SILENT},
    {RAC_S_INIT("$dynamicAnchor"), KW_SILENT},
    {RAC_S_INIT("$comment"), KW_SILENT},
    {RAC_S_INIT("$vocabulary"), KW_SILENT},
    {RAC_S_INIT("$defs"), KW_SILENT},
    {RAC_S_INIT("definitions"), KW_SILENT},
    {RAC_S_INIT("$ref"), KW_SILENT},
    {RAC_S_INIT("$dynamicRef"), KW_SILENT},
};

static enum kw keyword(rac_str name)
{
    for (size_t i = 0; i < RAC_COUNT(keywords); i++)
        if (rac_str_eq(name, keywords[i].name))
            return keywords[i].kw;
    return KW_DROP;
}

static bool is_count(const struct rac_json *v)
{
    return rac_json_is_number(v) && rac_json_int(v, -1) >= 0;
}

static bool keeps(enum kw kw, const struct rac_json *v)
{
    return kw == KW_FREE || (kw == KW_STRING && rac_json_is_string(v)) ||
           (kw == KW_NUMBER && rac_json_is_number(v)) || (kw == KW_COUNT && is_count(v)) ||
           (kw == KW_BOOL && rac_json_is_bool(v));
}

/* --- one keyword each ------------------------------------------------------------------------- */

static bool known_type(rac_str t)
{
    static const rac_str types[] = {RAC_S_INIT("string"),  RAC_S_INIT("number"),
                                    RAC_S_INIT("integer"), RAC_S_INIT("boolean"),
                                    RAC_S_INIT("array"),   RAC_S_INIT("object")};
    for (size_t i = 0; i < RAC_COUNT(types); i++)
        if (rac_str_eq(t, types[i]))
            return true;
    return false;
}

static void put_true(struct o3 *x, struct rac_json *o, rac_str key)
{
    rac_json_put(x->a, o, key, rac_json_of_bool(true));
}

static void one_type(struct o3 *x, const struct rac_place *at, rac_str t, struct rac_json *o)
{
    if (known_type(t))
        RAC_JSON_PUT_STR(x->a, o, "type", t);
    else if (rac_str_eq(t, RAC_S("null")))
        put_true(x, o, RAC_S("x-nullable"));
    else if (rac_str_eq(t, RAC_S("file"))) {
        RAC_JSON_PUT_STR(x->a, o, "type", RAC_S("string"));
        RAC_JSON_PUT_STR(x->a, o, "format", RAC_S("binary"));
    } else
        o3_loss(x, RAC_RULE_O3_16, at, "there is no type '%.*s'; any value is accepted",
                (int)(t.n < 60 ? t.n : 60), t.p);
}

static void kw_type(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    if (rac_json_is_string(at->node)) {
        one_type(x, at, rac_json_str(at->node, RAC_S("")), o);
        return;
    }
    rac_str types[8];
    size_t n = 0;
    bool number = false, integer = false, null = false;
    RAC_JSON_EACH(e, at->node)
    {
        rac_str t = rac_json_str(e, RAC_S(""));
        if (rac_str_eq(t, RAC_S("null"))) {
            null = true;
        } else if (n < RAC_COUNT(types)) {
            types[n++] = t;
            number = number || rac_str_eq(t, RAC_S("number"));
            integer = integer || rac_str_eq(t, RAC_S("integer"));
        }
    }
    if (n == 1)
        one_type(x, at, types[0], o);
    else if (n == 2 && number && integer)
        RAC_JSON_PUT_STR(x->a, o, "type", RAC_S("number"));
    else if (n > 1)
        o3_loss(x, RAC_RULE_O3_12, at, "the value may have %zu types; any value is accepted", n);
    else if (!rac_json_is_array(at->node))
        o3_loss(x, RAC_RULE_O3_16, at, "the type is no name of a type");
    if (null)
        put_true(x, o, RAC_S("x-nullable"));
}

/* 3.0: boolean beside minimum, as in 2.0. 3.1: the limit itself. */
static void kw_exclusive(struct o3 *x, const struct rac_place *at, rac_str limit,
                         struct rac_json *o)
{
    if (rac_json_is_bool(at->node)) {
        const struct rac_json *bound = rac_json_get(at->up->node, limit);
        if (bound != NULL)
            rac_json_put(x->a, o, at->key, *at->node);
    } else if (rac_json_is_number(at->node)) {
        rac_json_put(x->a, o, limit, *at->node);
        rac_json_put(x->a, o, at->key, rac_json_of_bool(true));
    } else {
        o3_loss(x, RAC_RULE_O3_16, at, "'%.*s' is neither a number nor a boolean",
                RAC_FMT(at->key));
    }
}

/* A keyword that must be a list; false, and told, when it is none. */
static bool is_list(struct o3 *x, const struct rac_place *at)
{
    if (rac_json_is_array(at->node))
        return true;
    o3_loss(x, RAC_RULE_O3_16, at, "'%.*s' is no list; it was dropped", RAC_FMT(at->key));
    return false;
}

/* One value of an enum, references followed where somebody wrote one. */
static struct rac_json enum_value(struct o3 *x, const struct rac_place *at, size_t i)
{
    struct rac_place e = rac_place_at(at, i, rac_json_at(at->node, i));
    return o3_free(x, &e);
}

static void kw_enum(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    struct rac_json list = rac_json_new_array(x->a);
    if (!is_list(x, at))
        return;
    size_t n = rac_json_len(at->node);
    bool small = n <= 2000; /* equal values are looked for pair by pair */
    struct rac_map seen;
    rac_map_init(&seen, x->a);
    for (size_t i = 0; i < n; i++) {
        struct rac_json v = enum_value(x, at, i);
        if (rac_json_is_null(&v)) {
            put_true(x, o, RAC_S("x-nullable"));
            continue;
        }
        bool twice = rac_json_is_string(&v) && !rac_map_add(&seen, rac_json_str(&v, RAC_S("")), x);
        if (!rac_json_is_string(&v) && small)
            RAC_JSON_EACH(old, &list)
            {
                twice = twice || rac_json_equal(old, &v);
            }
        if (!twice)
            rac_json_add(x->a, &list, v);
    }
    if (rac_json_len(&list) > 0)
        RAC_JSON_PUT(x->a, o, "enum", list);
    else if (n == 0)
        o3_loss(x, RAC_RULE_O3_16, at, "an enum without values allows nothing; it was dropped");
}

static void kw_const(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    if (rac_json_is_null(at->node)) {
        put_true(x, o, RAC_S("x-nullable"));
        return;
    }
    struct rac_json list = rac_json_new_array(x->a);
    rac_json_add(x->a, &list, o3_free(x, at));
    RAC_JSON_PUT(x->a, o, "enum", list);
}

static void kw_all_of(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    struct rac_json list = rac_json_new_array(x->a);
    if (!is_list(x, at))
        return;
    for (size_t i = 0; i < rac_json_len(at->node); i++) {
        struct rac_place e = rac_place_at(at, i, rac_json_at(at->node, i));
        rac_json_add(x->a, &list, o3_schema(x, &e));
    }
    if (rac_json_len(&list) > 0)
        RAC_JSON_PUT(x->a, o, "allOf", list);
}

static void kw_properties(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    struct rac_json props = rac_json_new_object(x->a);
    RAC_JSON_EACH_MEMBER(m, at->node)
    {
        struct rac_place e = rac_place_key(at, rac_json_key(m), &m->value);
        rac_json_put(x->a, &props, rac_json_key(m), o3_schema(x, &e));
    }
    if (rac_json_is_object(at->node))
        RAC_JSON_PUT(x->a, o, "properties", props);
    else
        o3_loss(x, RAC_RULE_O3_16, at, "'properties' is no object");
}

static void kw_items(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    if (rac_json_is_array(at->node)) {
        o3_loss(x, RAC_RULE_O3_16, at, "'items' is a list of schemas; any element is accepted");
        RAC_JSON_PUT(x->a, o, "items", rac_json_new_object(x->a));
    } else {
        RAC_JSON_PUT(x->a, o, "items", o3_schema(x, at));
    }
}

static void kw_additional(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    if (rac_json_is_bool(at->node))
        RAC_JSON_PUT(x->a, o, "additionalProperties", *at->node);
    else
        RAC_JSON_PUT(x->a, o, "additionalProperties", o3_schema(x, at));
}

static void kw_xml(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    static const char *const known[] = {"name",      "namespace", "prefix",
                                        "attribute", "wrapped",   NULL};
    struct rac_json xml = rac_json_new_object(x->a);
    for (const char *const *k = known; *k != NULL; k++) {
        const struct rac_json *v = rac_json_get(at->node, rac_str_of(*k));
        bool flag = (*k)[0] == 'a' || (*k)[0] == 'w';
        if (flag ? rac_json_is_bool(v) : rac_json_is_string(v))
            rac_json_put(x->a, &xml, rac_str_of(*k), *v);
    }
    o3_extensions(x, at, &xml);
    o3_unknown(x, at, known, "an xml object");
    RAC_JSON_PUT(x->a, o, "xml", xml);
}

static void kw_external_docs(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    if (rac_json_is_string(RAC_JSON_GET(at->node, "url")))
        RAC_JSON_PUT(x->a, o, "externalDocs", o3_free(x, at));
    else
        o3_loss(x, RAC_RULE_O3_16, at, "'externalDocs' without a url was dropped");
}

static void kw_examples(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    const struct rac_json *first = rac_json_at(at->node, 0);
    if (first == NULL)
        first = rac_json_member_at(at->node, 0) ? &rac_json_member_at(at->node, 0)->value : NULL;
    if (first == NULL || RAC_JSON_GET(at->up->node, "example") != NULL)
        return;
    struct rac_place e = rac_place_at(at, 0, first);
    RAC_JSON_PUT(x->a, o, "example", o3_free(x, &e));
    if (rac_json_len(at->node) > 1)
        o3_loss(x, RAC_RULE_O3_17, at, "%zu further example(s) were left out",
                rac_json_len(at->node) - 1);
}

static void kw_content(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    rac_str v = rac_json_str(at->node, RAC_S(""));
    if (RAC_JSON_GET(at->up->node, "format") != NULL)
        return;
    if (rac_str_eq(at->key, RAC_S("contentEncoding"))) {
        if (rac_str_startsi(v, RAC_S("base64")))
            RAC_JSON_PUT_STR(x->a, o, "format", RAC_S("byte"));
        else if (rac_str_eqi(v, RAC_S("binary")))
            RAC_JSON_PUT_STR(x->a, o, "format", RAC_S("binary"));
        else
            o3_loss(x, RAC_RULE_O3_06, at, "the content encoding '%.*s' was dropped",
                    (int)(v.n < 60 ? v.n : 60), v.p);
    } else if (RAC_JSON_GET(at->up->node, "contentEncoding") == NULL &&
               !rac_str_startsi(v, RAC_S("text/")) &&
               rac_str_findi(v, RAC_S("json")) == RAC_STR_NPOS) {
        RAC_JSON_PUT_STR(x->a, o, "format", RAC_S("binary"));
    } else {
        o3_loss(x, RAC_RULE_O3_06, at, "the content media type '%.*s' was dropped",
                (int)(v.n < 60 ? v.n : 60), v.p);
    }
}

static void kw_write_only(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    if (!rac_json_bool(at->node, false))
        return;
    rac_str words[] = {RAC_S("create"), RAC_S("update")};
    RAC_JSON_PUT(x->a, o, "x-ms-mutability", rac_json_string_array(x->a, words, 2));
}

static void special(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    rac_str k = at->key;
    if (rac_str_eq(k, RAC_S("type")))
        kw_type(x, at, o);
    else if (rac_str_eq(k, RAC_S("exclusiveMaximum")))
        kw_exclusive(x, at, RAC_S("maximum"), o);
    else if (rac_str_eq(k, RAC_S("exclusiveMinimum")))
        kw_exclusive(x, at, RAC_S("minimum"), o);
    else if (rac_str_eq(k, RAC_S("enum")))
        kw_enum(x, at, o);
    else if (rac_str_eq(k, RAC_S("const")))
        kw_const(x, at, o);
    else if (rac_str_eq(k, RAC_S("items")))
        kw_items(x, at, o);
    else if (rac_str_eq(k, RAC_S("allOf")))
        kw_all_of(x, at, o);
    else if (rac_str_eq(k, RAC_S("properties")))
        kw_properties(x, at, o);
    else if (rac_str_eq(k, RAC_S("additionalProperties")))
        kw_additional(x, at, o);
    else if (rac_str_eq(k, RAC_S("nullable")) && rac_json_bool(at->node, false))
        put_true(x, o, RAC_S("x-nullable"));
    else if (rac_str_eq(k, RAC_S("writeOnly")))
        kw_write_only(x, at, o);
    else if (rac_str_eq(k, RAC_S("deprecated")) && rac_json_bool(at->node, false))
        put_true(x, o, RAC_S("x-deprecated"));
    else if (rac_str_eq(k, RAC_S("xml")))
        kw_xml(x, at, o);
    else if (rac_str_eq(k, RAC_S("externalDocs")))
        kw_external_docs(x, at, o);
    else if (rac_str_eq(k, RAC_S("examples")))
        kw_examples(x, at, o);
    else if (rac_str_starts(k, RAC_S("content")))
        kw_content(x, at, o);
}

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

/* Puts what `from` says and `o` does not into o; properties and required are united. */
static void overlay(struct o3 *x, struct rac_json *o, const struct rac_json *from)
{
    RAC_JSON_EACH_MEMBER(m, from)
    {
        rac_str k = rac_json_key(m);
        struct rac_json *own = rac_json_get(o, k);
        if (own == NULL) {
            rac_json_put(x->a, o, k, m->value);
            continue;
        }
        if (rac_str_eq(k, RAC_S("properties")) && rac_json_is_object(own)) {
            struct rac_json props = rac_json_shallow(x->a, own);
            RAC_JSON_EACH_MEMBER(p, &m->value)
            {
                if (rac_json_get(&props, rac_json_key(p)) == NULL)
                    rac_json_put(x->a, &props, rac_json_key(p), p->value);
            }
            rac_json_put(x->a, o, k, props);
        } else if (rac_str_eq(k, RAC_S("required")) && rac_json_is_array(own)) {
            struct rac_json list = rac_json_shallow(x->a, own);
            rac_json_add_names(x->a, &list, &m->value);
            rac_json_put(x->a, o, k, list);
        }
    }
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
        struct rac_json content = content_of(x, d);
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
    RAC_JSON_EACH(part, all)
    {
        struct rac_json flat = flatten(x, part, depth + 1);
        overlay(x, &o, &flat);
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
    struct rac_json list = rac_json_shallow(x->a, pe);
    RAC_JSON_EACH(e, qe)
    {
        bool twice = false;
        RAC_JSON_EACH(old, &list)
        {
            twice = twice || rac_json_equal(old, e);
        }
        if (!twice)
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
    if (++x->merge_nodes > O3_MERGE_NODES_MAX || rac_arena_over(x->a))
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
        overlay(x, o, branch);
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

static void alternatives(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    struct rac_json merged = rac_json_none, first = rac_json_none;
    size_t n = 0, constraints = 0;
    if (!is_list(x, at))
        return;
    for (size_t i = 0; i < rac_json_len(at->node); i++) {
        struct rac_place e = rac_place_at(at, i, rac_json_at(at->node, i));
        if (is_null_branch(e.node)) {
            put_true(x, o, RAC_S("x-nullable"));
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
            overlay(x, o, &merged);
    } else if (n == 1 && !has_shape(o)) {
        single_branch(x, o, &first);
    }
}

/* --- the rest of a schema --------------------------------------------------------------------- */

static bool inline_property(const struct rac_json *o, rac_str name)
{
    if (rac_json_get(RAC_JSON_GET(o, "properties"), name) != NULL)
        return true;
    RAC_JSON_EACH(part, RAC_JSON_GET(o, "allOf"))
    {
        if (rac_json_get(RAC_JSON_GET(part, "properties"), name) != NULL)
            return true;
    }
    return false;
}

/*
 * Every required property exists: one that is nowhere is added as any value; where it may come
 * from an allOf reference the word `type` goes instead, so that readers which do not follow
 * circular references do not object.
 */
static void kw_required(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    struct rac_json list = rac_json_new_array(x->a);
    rac_json_add_names(x->a, &list, RAC_JSON_GET(o, "required")); /* from alternatives */
    rac_json_add_names(x->a, &list, at->node);
    if (at->node != NULL && !rac_json_is_array(at->node))
        o3_loss(x, RAC_RULE_O3_16, at, "'required' is no list of names; it was dropped");
    rac_json_del(o, RAC_S("required"));
    if (rac_json_len(&list) == 0)
        return;
    RAC_JSON_PUT(x->a, o, "required", list);
    bool all_of = RAC_JSON_GET(o, "allOf") != NULL, own = false;
    RAC_JSON_EACH(e, &list)
    {
        rac_str name = rac_json_str(e, RAC_S(""));
        if (inline_property(o, name))
            continue;
        if (all_of) {
            rac_json_del(o, RAC_S("type"));
            return;
        }
        if (!own) { /* the list may be shared with what was merged */
            const struct rac_json *old = RAC_JSON_GET(o, "properties");
            struct rac_json props =
                old != NULL ? rac_json_shallow(x->a, old) : rac_json_new_object(x->a);
            RAC_JSON_PUT(x->a, o, "properties", props);
            own = true;
        }
        rac_json_put(x->a, RAC_JSON_GET(o, "properties"), name, rac_json_new_object(x->a));
    }
}

static void kw_discriminator(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    rac_str name = rac_json_is_string(at->node)
                       ? rac_json_str(at->node, RAC_S(""))
                       : rac_json_str(RAC_JSON_GET(at->node, "propertyName"), RAC_S(""));
    bool usable = rac_json_get(RAC_JSON_GET(o, "properties"), name) != NULL &&
                  rac_json_array_has(RAC_JSON_GET(o, "required"), name);
    if (usable)
        RAC_JSON_PUT_STR(x->a, o, "discriminator", name);
    if (!usable || RAC_JSON_GET(at->node, "mapping") != NULL)
        o3_loss(x, RAC_RULE_O3_06, at,
                usable ? "the mapping of the discriminator was dropped"
                       : "the discriminator was dropped: its property is not a required one here");
}

static void later(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    static const rac_str alternative[] = {RAC_S_INIT("oneOf"), RAC_S_INIT("anyOf")};
    for (size_t i = 0; i < RAC_COUNT(alternative); i++) {
        struct rac_place e =
            rac_place_key(at, alternative[i], rac_json_get(at->node, alternative[i]));
        if (rac_json_is_array(e.node))
            alternatives(x, &e, o);
    }
    struct rac_place req = RAC_PLACE_KEY(at, "required", RAC_JSON_GET(at->node, "required"));
    kw_required(x, &req, o);
    struct rac_place d =
        RAC_PLACE_KEY(at, "discriminator", RAC_JSON_GET(at->node, "discriminator"));
    if (d.node != NULL)
        kw_discriminator(x, &d, o);
    if (rac_str_eq(rac_json_str(RAC_JSON_GET(o, "type"), RAC_S("")), RAC_S("array")) &&
        RAC_JSON_GET(o, "items") == NULL)
        RAC_JSON_PUT(x->a, o, "items", rac_json_new_object(x->a));
}

static void walk_keywords(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    RAC_JSON_EACH_MEMBER(m, at->node)
    {
        rac_str k = rac_json_key(m);
        struct rac_place e = rac_place_key(at, k, &m->value);
        if (rac_str_starts(k, RAC_S("x-"))) {
            rac_json_put(x->a, o, k, o3_free(x, &e));
            continue;
        }
        enum kw kw = keyword(k);
        if (kw == KW_SPECIAL)
            special(x, &e, o);
        else if (keeps(kw, &m->value))
            rac_json_put(x->a, o, k, kw == KW_FREE ? o3_free(x, &e) : m->value);
        else if (kw == KW_DROP)
            o3_loss(x, RAC_RULE_O3_06, &e, "'%.*s' has no form in OpenAPI 2.0; it was dropped",
                    (int)(k.n < 100 ? k.n : 100), k.p);
        else if (kw < KW_LATER)
            o3_loss(x, RAC_RULE_O3_16, &e, "the value of '%.*s' is of a wrong type; it was dropped",
                    RAC_FMT(k));
    }
    later(x, at, o);
}

/* A reference with other keywords beside it (3.1; ignored by the letter of 3.0): allOf of both. */
static struct rac_json with_siblings(struct o3 *x, const struct rac_place *at, struct rac_json ref)
{
    struct rac_json rest = rac_json_new_object(x->a);
    walk_keywords(x, at, &rest);
    if (rac_json_len(&rest) == 0)
        return ref;
    struct rac_json list = rac_json_new_array(x->a);
    rac_json_add(x->a, &list, ref);
    RAC_JSON_EACH(e, RAC_JSON_GET(&rest, "allOf"))
    {
        rac_json_add(x->a, &list, *e);
    }
    struct rac_json o = rac_json_new_object(x->a);
    RAC_JSON_PUT(x->a, &o, "allOf", list);
    overlay(x, &o, &rest);
    return o;
}

static struct rac_json reference(struct o3 *x, const struct rac_place *at, rac_str ref)
{
    struct o3_def *d = def_of_ref(x, at, ref);
    struct rac_json out = d != NULL ? ref_to(x, d) : rac_json_new_object(x->a);
    return rac_json_len(at->node) > 1 ? with_siblings(x, at, out) : out;
}

static unsigned place_depth(const struct rac_place *at)
{
    unsigned n = 0;
    for (; at != NULL && n <= O3_DEPTH_MAX * 2; at = at->up)
        n++;
    return n;
}

struct rac_json o3_schema(struct o3 *x, const struct rac_place *at)
{
    struct rac_json o = rac_json_new_object(x->a);
    if (rac_json_is_bool(at->node)) {
        if (!rac_json_bool(at->node, true))
            o3_loss(x, RAC_RULE_O3_06, at, "a schema that allows nothing became any value");
        return o;
    }
    if (!rac_json_is_object(at->node)) {
        o3_loss(x, RAC_RULE_O3_16, at, "a schema is missing or no object; any value is accepted");
        return o;
    }
    if (rac_arena_over(x->a))
        return o;
    if (place_depth(at) > O3_DEPTH_MAX * 2) {
        o3_loss(x, RAC_RULE_O3_06, at, "the schema is nested too deeply; any value is accepted");
        return o;
    }
    rac_str ref = o3_ref_of(at->node);
    if (ref.p == NULL)
        ref = rac_json_str(RAC_JSON_GET(at->node, "$dynamicRef"), RAC_STR_NULL);
    if (ref.p != NULL)
        return reference(x, at, ref);
    walk_keywords(x, at, &o);
    return o;
}

/* --- definitions again ------------------------------------------------------------------------ */

/* The converted schema behind a definition; {} while it is being converted (a circle). */
static struct rac_json content_of(struct o3 *x, struct o3_def *d)
{
    if (d->content_done)
        return d->content;
    if (d->content_busy || x->content_depth >= O3_CONTENT_DEPTH_MAX)
        return rac_json_new_object(x->a);
    d->content_busy = true;
    x->content_depth++;
    struct rac_place target;
    x->muted++;
    struct rac_json content = rac_json_new_object(x->a);
    if (o3_follow(x, d->at, &target))
        content = o3_schema(x, &target);
    x->muted--;
    x->content_depth--;
    d->content = content;
    d->content_done = true;
    d->content_busy = false;
    return content;
}

struct rac_json o3_schema_flat(struct o3 *x, const struct rac_place *at)
{
    struct rac_json s = o3_schema(x, at);
    return flatten(x, &s, 0);
}

/* A definition that is nothing but a reference must lead somewhere (RC-REF-02). */
static bool runs_in_circle(struct o3 *x, const struct rac_place *at)
{
    struct rac_place end;
    x->muted++;
    bool ok = o3_follow(x, at, &end);
    x->muted--;
    return !ok;
}

rac_err o3_write_definitions(struct o3 *x)
{
    for (size_t i = 0; i < x->defs_n; i++) { /* grows while it runs */
        struct o3_def *d = x->defs[i];
        if (rac_arena_over(x->a))
            return RAC_E_LIMIT;
        if (d->written)
            continue;
        d->written = true;
        struct rac_json s = rac_json_new_object(x->a);
        if (o3_ref_of(d->at->node).p != NULL && runs_in_circle(x, d->at))
            o3_loss(x, RAC_RULE_O3_03, d->at, "the reference leads nowhere; any value is accepted");
        else
            s = o3_schema(x, d->at);
        rac_json_put(x->a, &x->definitions, d->name, s);
    }
    return RAC_OK;
}
