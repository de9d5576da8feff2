/*
 * Schemas of OpenAPI 3.0 and 3.1 (JSON Schema 2020-12) to those of 2.0. One table says what
 * becomes of each keyword; what several schemas become is in openapi3_merge.c.
 */
#include "openapi/openapi3_schema_priv.h"

enum { O3_DEPTH_MAX = 200 }; /* nesting of one schema */

/* --- the keyword table ---------------------------------------------------------------------- */

enum kw {
    KW_STRING,   /* kept when it is a string */
    KW_NUMBER,   /* kept when it is a number */
    KW_POSITIVE, /* kept when it is a number above zero */
    KW_COUNT,    /* kept when it is a whole number, not negative */
    KW_BOOL,     /* kept when it is a boolean */
    KW_FREE,     /* kept as it is */
    KW_LATER,    /* needs the others: handled after the walk */
    KW_SPECIAL,  /* handled by a function of its own */
    KW_DROP,     /* told */
    KW_SILENT,   /* says nothing about values: not told */
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
    {RAC_S_INIT("multipleOf"), KW_POSITIVE},
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
           (kw == KW_NUMBER && rac_json_is_number(v)) ||
           (kw == KW_POSITIVE && rac_json_is_number(v) && rac_json_double(v, 0) > 0) ||
           (kw == KW_COUNT && is_count(v)) || (kw == KW_BOOL && rac_json_is_bool(v));
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

void o3_put_true(struct o3 *x, struct rac_json *o, rac_str key)
{
    rac_json_put(x->a, o, key, rac_json_of_bool(true));
}

static void one_type(struct o3 *x, const struct rac_place *at, rac_str t, struct rac_json *o)
{
    if (known_type(t))
        RAC_JSON_PUT_STR(x->a, o, "type", t);
    else if (rac_str_eq(t, RAC_S("null")))
        o3_put_true(x, o, RAC_S("x-nullable"));
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
        o3_put_true(x, o, RAC_S("x-nullable"));
}

/* 3.1 takes both bounds; 2.0 one of them: the other says less. */
static bool is_looser(const struct rac_place *at, rac_str limit)
{
    const struct rac_json *bound = rac_json_get(at->up->node, limit);
    int order = rac_json_is_number(bound) ? rac_json_number_cmp(bound, at->node) : 0;
    return rac_str_eq(limit, RAC_S("minimum")) ? order > 0 : order < 0;
}

static bool is_looser_than_exclusive(const struct rac_place *at)
{
    bool low = rac_str_eq(at->key, RAC_S("minimum"));
    if (!low && !rac_str_eq(at->key, RAC_S("maximum")))
        return false;
    rac_str key = low ? RAC_S("exclusiveMinimum") : RAC_S("exclusiveMaximum");
    struct rac_place e = rac_place_key(at->up, key, rac_json_get(at->up->node, key));
    return rac_json_is_number(e.node) && !is_looser(&e, at->key);
}

/* 3.0: boolean beside minimum, as in 2.0. 3.1: the limit itself. */
static void kw_exclusive(struct o3 *x, const struct rac_place *at, rac_str limit,
                         struct rac_json *o)
{
    if (rac_json_is_bool(at->node)) {
        const struct rac_json *bound = rac_json_get(at->up->node, limit);
        if (bound != NULL)
            rac_json_put(x->a, o, at->key, *at->node);
    } else if (rac_json_is_number(at->node) && !is_looser(at, limit)) {
        rac_json_put(x->a, o, limit, *at->node);
        rac_json_put(x->a, o, at->key, rac_json_of_bool(true));
    } else if (!rac_json_is_number(at->node)) {
        o3_loss(x, RAC_RULE_O3_16, at, "'%.*s' is neither a number nor a boolean",
                RAC_FMT(at->key));
    }
}

bool o3_is_list(struct o3 *x, const struct rac_place *at)
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
    const struct rac_json *one = RAC_JSON_GET(at->up->node, "const");
    if (!o3_is_list(x, at) || (one != NULL && !rac_json_is_null(one)))
        return; /* of several values one is allowed: the const is the enum */
    size_t n = rac_json_len(at->node);
    struct o3_values seen;
    o3_values_init(x, &seen);
    for (size_t i = 0; i < n; i++) {
        struct rac_json v = enum_value(x, at, i);
        if (rac_json_is_null(&v)) {
            o3_put_true(x, o, RAC_S("x-nullable"));
            continue;
        }
        if (o3_values_add(x, &seen, &v))
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
        o3_put_true(x, o, RAC_S("x-nullable"));
        return;
    }
    struct rac_json list = rac_json_new_array(x->a);
    rac_json_add(x->a, &list, o3_free(x, at));
    RAC_JSON_PUT(x->a, o, "enum", list);
}

static void kw_all_of(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    struct rac_json list = rac_json_new_array(x->a);
    if (!o3_is_list(x, at))
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
    bool own = RAC_JSON_GET(at->up->node, "example") != NULL;
    if (first == NULL)
        return;
    struct rac_place e = rac_place_at(at, 0, first);
    if (!own)
        RAC_JSON_PUT(x->a, o, "example", o3_free(x, &e));
    size_t left = rac_json_len(at->node) - !own;
    if (left > 0)
        o3_loss(x, RAC_RULE_O3_17, at, "%zu further example(s) were left out", left);
}

static void kw_content(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    rac_str v = rac_json_str(at->node, RAC_S(""));
    if (RAC_JSON_GET(at->up->node, "format") != NULL) {
        o3_loss(x, RAC_RULE_O3_06, at, "the '%.*s' was dropped: there is a format",
                RAC_FMT(at->key));
        return;
    }
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
        o3_put_true(x, o, RAC_S("x-nullable"));
    else if (rac_str_eq(k, RAC_S("writeOnly")))
        kw_write_only(x, at, o);
    else if (rac_str_eq(k, RAC_S("deprecated")) && rac_json_bool(at->node, false))
        o3_put_true(x, o, RAC_S("x-deprecated"));
    else if (rac_str_eq(k, RAC_S("xml")))
        kw_xml(x, at, o);
    else if (rac_str_eq(k, RAC_S("externalDocs")))
        kw_external_docs(x, at, o);
    else if (rac_str_eq(k, RAC_S("examples")))
        kw_examples(x, at, o);
    else if (rac_str_starts(k, RAC_S("content")))
        kw_content(x, at, o);
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
            o3_alternatives(x, &e, o);
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
        else if (keeps(kw, &m->value) && is_looser_than_exclusive(&e))
            continue;
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
    o3_overlay(x, &o, &rest);
    return o;
}

static struct rac_json reference(struct o3 *x, const struct rac_place *at, rac_str ref)
{
    struct o3_def *d = o3_def_of_ref(x, at, ref);
    struct rac_json out = d != NULL ? o3_def_ref(x, d) : rac_json_new_object(x->a);
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
    if (x->too_much || rac_arena_over(x->a))
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
