/*
 * Parameters of OpenAPI 3 to those of 2.0: the schema flattened onto the parameter, styles to
 * collection formats, objects to one parameter a property (connectors.md §2.6).
 */
#include "openapi/openapi3_priv.h"

enum {
    LISTS_DEPTH_MAX = 4,
    O3_PARAMETERS_MAX = 1000, /* of one list: they are compared pair by pair */
    O3_EXPLODE_MAX = 200,
    O3_EXPLODE_DEPTH_MAX = 4
};

struct style { /* of one parameter */
    rac_str in, style;
    bool explode;
};

static const char *const param_keys[] = {
    "name",     "in",      "description",   "required",        "deprecated",
    "schema",   "content", "style",         "explode",         "example",
    "examples", "$ref",    "allowReserved", "allowEmptyValue", NULL};

/* --- types and facets ------------------------------------------------------------------------- */

static const rac_str facets[] = {
    RAC_S_INIT("default"),          RAC_S_INIT("enum"),
    RAC_S_INIT("multipleOf"),       RAC_S_INIT("maximum"),
    RAC_S_INIT("exclusiveMaximum"), RAC_S_INIT("minimum"),
    RAC_S_INIT("exclusiveMinimum"), RAC_S_INIT("maxLength"),
    RAC_S_INIT("minLength"),        RAC_S_INIT("pattern"),
    RAC_S_INIT("maxItems"),         RAC_S_INIT("minItems"),
    RAC_S_INIT("uniqueItems"),
};

static rac_str type_of_enum(const struct rac_json *list)
{
    const struct rac_json *first = rac_json_at(list, 0);
    return rac_json_is(first, RAC_JSON_INT) ? RAC_S("integer")
           : rac_json_is_number(first)      ? RAC_S("number")
           : rac_json_is_bool(first)        ? RAC_S("boolean")
                                            : RAC_S("string");
}

static void copy_facets(struct o3 *x, const struct rac_json *flat, struct rac_json *o)
{
    for (size_t i = 0; i < RAC_COUNT(facets); i++) {
        const struct rac_json *v = rac_json_get(flat, facets[i]);
        if (v != NULL && !rac_json_is_null(v))
            rac_json_put(x->a, o, facets[i], *v);
    }
    RAC_JSON_EACH_MEMBER(m, flat)
    {
        if (rac_str_starts(rac_json_key(m), RAC_S("x-")) &&
            rac_json_get(o, rac_json_key(m)) == NULL)
            rac_json_put(x->a, o, rac_json_key(m), m->value);
    }
}

/* Elements of a list have no texts of their own in a parameter of 2.0. */
static void tell_texts(struct o3 *x, const struct rac_place *at, const struct rac_json *items,
                       const struct rac_json *flat)
{
    static const rac_str keys[] = {RAC_S_INIT("title"), RAC_S_INIT("description"),
                                   RAC_S_INIT("example")};
    struct rac_place own = RAC_PLACE_KEY(at, "items", RAC_JSON_GET(at->node, "items"));
    for (size_t i = 0; i < RAC_COUNT(keys); i++) {
        if (rac_json_get(flat, keys[i]) == NULL || rac_json_get(items, keys[i]) == NULL)
            continue; /* what a reference says stays in the definition */
        struct rac_place e = rac_place_key(&own, keys[i], rac_json_get(own.node, keys[i]));
        o3_loss(x, RAC_RULE_O3_06, e.node != NULL ? &e : at,
                "the %.*s of the elements of a list was dropped", RAC_FMT(keys[i]));
    }
}

static struct rac_json primitive_items(struct o3 *x, const struct rac_place *at,
                                       const struct rac_json *flat, unsigned depth)
{
    struct rac_json items = rac_json_new_object(x->a), inner = rac_json_new_object(x->a);
    const struct rac_json *v = RAC_JSON_GET(flat, "items");
    if (v != NULL)
        inner = o3_flatten(x, v);
    rac_str type = o3_type(&inner);
    if (rac_str_eq(type, RAC_S("object"))) {
        o3_loss(x, RAC_RULE_O3_08, at,
                "a list of objects cannot be a parameter; each element is given as text");
        RAC_JSON_PUT_STR(x->a, &items, "type", RAC_S("string"));
        return items;
    }
    if (type.n == 0)
        type = type_of_enum(RAC_JSON_GET(&inner, "enum"));
    RAC_JSON_PUT_STR(x->a, &items, "type", type);
    rac_json_copy_string(x->a, &items, &inner, RAC_S("format"));
    if (rac_str_eq(type, RAC_S("array"))) {
        if (depth < LISTS_DEPTH_MAX) {
            RAC_JSON_PUT(x->a, &items, "items", primitive_items(x, at, &inner, depth + 1));
        } else {
            RAC_JSON_PUT_STR(x->a, &items, "type", RAC_S("string"));
            o3_loss(x, RAC_RULE_O3_08, at, "lists are nested too deeply; the inner ones are text");
        }
    }
    tell_texts(x, at, v, &inner);
    copy_facets(x, &inner, &items);
    return items;
}

void o3_primitive(struct o3 *x, const struct rac_place *at, const struct rac_json *flat,
                  struct rac_json *o)
{
    rac_str type = o3_type(flat);
    if (type.n == 0)
        type = type_of_enum(RAC_JSON_GET(flat, "enum"));
    if (rac_str_eq(type, RAC_S("object"))) {
        RAC_JSON_PUT_STR(x->a, o, "type", RAC_S("string"));
        return;
    }
    RAC_JSON_PUT_STR(x->a, o, "type", type);
    rac_json_copy_string(x->a, o, flat, RAC_S("format"));
    rac_str title = rac_str_trim(rac_json_str(RAC_JSON_GET(flat, "title"), RAC_S("")));
    if (title.n > 0 && RAC_JSON_GET(flat, "x-ms-summary") == NULL)
        RAC_JSON_PUT_STR(x->a, o, "x-ms-summary", title);
    if (rac_str_eq(type, RAC_S("array")))
        RAC_JSON_PUT(x->a, o, "items", primitive_items(x, at, flat, 0));
    copy_facets(x, flat, o);
}

/* --- one parameter ---------------------------------------------------------------------------- */

static struct rac_json head(struct o3 *x, rac_str name, rac_str in, rac_str description,
                            bool required)
{
    struct rac_json o = rac_json_new_object(x->a);
    RAC_JSON_PUT_STR(x->a, &o, "name", name);
    RAC_JSON_PUT_STR(x->a, &o, "in", in);
    if (description.n > 0)
        RAC_JSON_PUT_STR(x->a, &o, "description", description);
    RAC_JSON_PUT(x->a, &o, "required", rac_json_of_bool(required));
    return o;
}

static void cookie(struct o3 *x, const struct rac_place *at, rac_str name, struct rac_json *list)
{
    o3_loss(x, RAC_RULE_O3_08, at, "the cookie '%.*s' became the internal header Cookie",
            (int)(name.n < 100 ? name.n : 100), name.p);
    RAC_JSON_EACH(e, list)
    {
        if (rac_str_eq(rac_json_str(RAC_JSON_GET(e, "name"), RAC_S("")), RAC_S("Cookie")))
            return;
    }
    struct rac_json o =
        head(x, RAC_S("Cookie"), RAC_S("header"),
             rac_arena_printf(x->a, "Cookies, for example %.*s=value", RAC_FMT(name)), false);
    RAC_JSON_PUT_STR(x->a, &o, "type", RAC_S("string"));
    RAC_JSON_PUT_STR(x->a, &o, "x-ms-visibility", RAC_S("internal"));
    rac_json_add(x->a, list, o);
}

static struct style style_of(const struct rac_json *node, rac_str in)
{
    struct style s = {.in = in};
    bool form = rac_str_eq(in, RAC_S("query")) || rac_str_eq(in, RAC_S("cookie"));
    s.style = rac_json_str(RAC_JSON_GET(node, "style"), form ? RAC_S("form") : RAC_S("simple"));
    s.explode = rac_json_bool(RAC_JSON_GET(node, "explode"), rac_str_eq(s.style, RAC_S("form")));
    return s;
}

static void collection_format(struct o3 *x, const struct rac_place *at, const struct style *s,
                              struct rac_json *o)
{
    rac_str f = RAC_S("csv");
    bool query = rac_str_eq(s->in, RAC_S("query")) || rac_str_eq(s->in, RAC_S("formData"));
    if (rac_str_eq(s->style, RAC_S("spaceDelimited")))
        f = RAC_S("ssv");
    else if (rac_str_eq(s->style, RAC_S("pipeDelimited")))
        f = RAC_S("pipes");
    else if (rac_str_eq(s->style, RAC_S("deepObject")))
        f = query ? RAC_S("multi") : RAC_S("csv");
    else if (rac_str_eq(s->style, RAC_S("form")) && s->explode && query)
        f = RAC_S("multi");
    else if (rac_str_eq(s->style, RAC_S("label")) || rac_str_eq(s->style, RAC_S("matrix")))
        o3_loss(x, RAC_RULE_O3_08, at, "the style '%.*s' became a comma separated list",
                RAC_FMT(s->style));
    RAC_JSON_PUT_STR(x->a, o, "collectionFormat", f);
}

/* An object of a query that becomes a parameter a property. */
struct explosion {
    const struct rac_place *at; /* of the parameter */
    const struct style *style;
    struct rac_json *list;
};

static void add_explosion(struct o3 *x, const struct explosion *ex, const struct rac_json *flat,
                          rac_str prefix, const struct rac_json *example, bool required,
                          unsigned depth);

/* One property of an exploded object: a parameter, or several when it is an object itself. */
static void add_property(struct o3 *x, const struct explosion *ex, rac_str name,
                         const struct rac_json *schema, const struct rac_json *example,
                         bool required, unsigned depth)
{
    const struct rac_place *at = ex->at;
    struct rac_json flat = o3_flatten(x, schema);
    bool deep = rac_str_eq(ex->style->style, RAC_S("deepObject"));
    bool object = rac_str_eq(o3_type(&flat), RAC_S("object"));
    if (example == NULL)
        example = RAC_JSON_GET(&flat, "example");
    if (object && deep && depth < O3_EXPLODE_DEPTH_MAX &&
        rac_json_len(RAC_JSON_GET(&flat, "properties")) > 0) {
        add_explosion(x, ex, &flat, name, example, required, depth + 1);
        return;
    }
    struct rac_json o = head(x, name, ex->style->in,
                             rac_json_str(RAC_JSON_GET(&flat, "description"), RAC_S("")), required);
    o3_primitive(x, at, &flat, &o);
    if (RAC_JSON_GET(&o, "items") != NULL)
        collection_format(x, at, ex->style, &o);
    if (object)
        o3_loss(x, RAC_RULE_O3_08, at, "the object '%.*s' is given as text",
                (int)(name.n < 100 ? name.n : 100), name.p);
    if (rac_json_bool(RAC_JSON_GET(at->node, "deprecated"), false))
        RAC_JSON_PUT(x->a, &o, "x-deprecated", rac_json_of_bool(true));
    if (example != NULL && RAC_JSON_GET(&o, "x-example") == NULL)
        RAC_JSON_PUT(x->a, &o, "x-example", *example);
    o3_extensions(x, at, &o);
    rac_json_add(x->a, ex->list, o);
}

static void add_explosion(struct o3 *x, const struct explosion *ex, const struct rac_json *flat,
                          rac_str prefix, const struct rac_json *example, bool required,
                          unsigned depth)
{
    bool deep = rac_str_eq(ex->style->style, RAC_S("deepObject"));
    const struct rac_json *names = RAC_JSON_GET(flat, "required");
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(flat, "properties"))
    {
        rac_str key = rac_json_key(m);
        if (!o3_may_copy(x, O3_PARAM_MEMBERS))
            return;
        if (rac_json_len(ex->list) >= O3_EXPLODE_MAX) {
            o3_loss(x, RAC_RULE_O3_08, ex->at,
                    "the object has more than %d properties; the rest was "
                    "left out",
                    O3_EXPLODE_MAX);
            return;
        }
        rac_str name =
            deep ? rac_arena_printf(x->a, "%.*s[%.*s]", RAC_FMT(prefix), RAC_FMT(key)) : key;
        add_property(x, ex, name, &m->value, rac_json_get(example, key),
                     required && rac_json_array_has(names, key), depth);
    }
}

/* The parameters of an object in a query, and what has no place in them. */
static void explode(struct o3 *x, const struct explosion *ex, const struct rac_place *schema,
                    const struct rac_json *flat, rac_str name, bool required)
{
    struct rac_json example;
    bool given = o3_example(x, ex->at, &example);
    struct rac_place d =
        RAC_PLACE_KEY(ex->at, "description", RAC_JSON_GET(ex->at->node, "description"));
    const struct rac_json *more = RAC_JSON_GET(flat, "additionalProperties");
    if (d.node != NULL || RAC_JSON_GET(flat, "description") != NULL)
        o3_loss(x, RAC_RULE_O3_08, d.node != NULL ? &d : schema,
                "the object became a parameter a property; its own description was dropped");
    if (more != NULL && rac_json_bool(more, true))
        o3_loss(x, RAC_RULE_O3_08, schema,
                "properties that the schema does not name cannot be sent");
    add_explosion(x, ex, flat, name, given ? &example : RAC_JSON_GET(flat, "example"), required, 0);
}

/* The schema of a parameter, from `schema` or the first media type of `content`. */
static bool parameter_schema(struct o3 *x, const struct rac_place *at, struct rac_place *schema,
                             bool *content)
{
    *content = false;
    const struct rac_json *v = RAC_JSON_GET(at->node, "schema");
    struct rac_place types = RAC_PLACE_KEY(at, "content", RAC_JSON_GET(at->node, "content"));
    const struct rac_json_member *m = rac_json_member_at(types.node, 0);
    RAC_JSON_EACH_MEMBER(other, types.node)
    {
        struct rac_place e = rac_place_key(&types, rac_json_key(other), &other->value);
        if (v != NULL || other != m)
            o3_loss(x, RAC_RULE_O3_07, &e, "a parameter has one form; this one was left out");
    }
    if (v != NULL) {
        *schema = RAC_PLACE_KEY(at, "schema", v);
        return true;
    }
    v = m != NULL ? RAC_JSON_GET(&m->value, "schema") : NULL;
    *content = m != NULL;
    *schema = RAC_PLACE_KEY(at, "content", v);
    return v != NULL;
}

bool o3_example(struct o3 *x, const struct rac_place *at, struct rac_json *out)
{
    static const char *const known[] = {"value", "externalValue", NULL};
    struct rac_place one = RAC_PLACE_KEY(at, "example", RAC_JSON_GET(at->node, "example"));
    struct rac_place all = RAC_PLACE_KEY(at, "examples", RAC_JSON_GET(at->node, "examples")), end;
    const struct rac_json_member *m = rac_json_member_at(all.node, 0);
    size_t n = rac_json_len(all.node), used = one.node == NULL;
    if (n > used)
        o3_loss(x, RAC_RULE_O3_17, &all, "%zu further example(s) were left out", n - used);
    if (one.node != NULL) {
        *out = o3_free(x, &one);
        return true;
    }
    struct rac_place e =
        rac_place_key(&all, m != NULL ? rac_json_key(m) : RAC_S(""), m != NULL ? &m->value : NULL);
    if (m == NULL || !o3_follow(x, &e, &end))
        return false;
    o3_lost(x, &end, known, "an example");
    struct rac_place value = RAC_PLACE_KEY(&end, "value", RAC_JSON_GET(end.node, "value"));
    if (value.node == NULL && RAC_JSON_GET(end.node, "externalValue") != NULL)
        o3_loss(x, RAC_RULE_O3_17, &e, "an example in another file was left out");
    if (value.node != NULL)
        *out = o3_free(x, &value);
    return value.node != NULL;
}

/* An example of a parameter becomes x-example: 2.0 has no place for one. */
static void put_example(struct o3 *x, const struct rac_place *at, const struct rac_json *flat,
                        struct rac_json *o)
{
    struct rac_json v = rac_json_none;
    struct rac_place e = RAC_PLACE_KEY(at, "example", RAC_JSON_GET(flat, "example"));
    if (!o3_example(x, at, &v) && e.node != NULL)
        v = o3_free(x, &e);
    if (v.type != RAC_JSON_NONE && RAC_JSON_GET(o, "x-example") == NULL)
        RAC_JSON_PUT(x->a, o, "x-example", v);
}

static bool ignored_header(rac_str in, rac_str name)
{
    return rac_str_eq(in, RAC_S("header")) &&
           (rac_str_eqi(name, RAC_S("accept")) || rac_str_eqi(name, RAC_S("content-type")) ||
            rac_str_eqi(name, RAC_S("authorization")));
}

/* The rest of a single parameter: type, list format, marks, example, extensions. */
static void finish_single(struct o3 *x, const struct rac_place *at, const struct rac_place *schema,
                          const struct rac_json *flat, const struct style *s, bool content,
                          struct rac_json *o)
{
    bool object = rac_str_eq(o3_type(flat), RAC_S("object"));
    bool array = rac_str_eq(o3_type(flat), RAC_S("array"));
    const struct rac_place *where = schema->node != NULL ? schema : at;
    if (content && (object || array)) {
        RAC_JSON_PUT_STR(x->a, o, "type", RAC_S("string"));
        o3_loss(x, RAC_RULE_O3_08, where, "the value is given as JSON text");
    } else {
        o3_primitive(x, where, flat, o);
        if (object)
            o3_loss(x, RAC_RULE_O3_08, where, "the object is given as text");
    }
    if (RAC_JSON_GET(o, "items") != NULL)
        collection_format(x, where, s, o);
    if (!array && (rac_str_eq(s->style, RAC_S("label")) || rac_str_eq(s->style, RAC_S("matrix"))))
        o3_loss(x, RAC_RULE_O3_08, at, "the style '%.*s' does not exist in OpenAPI 2.0",
                RAC_FMT(s->style));
    if (rac_json_bool(RAC_JSON_GET(at->node, "deprecated"), false))
        RAC_JSON_PUT(x->a, o, "x-deprecated", rac_json_of_bool(true));
    if (rac_json_bool(RAC_JSON_GET(at->node, "allowEmptyValue"), false) &&
        rac_str_eq(s->in, RAC_S("query")))
        RAC_JSON_PUT(x->a, o, "allowEmptyValue", rac_json_of_bool(true));
    put_example(x, at, flat, o);
}

void o3_parameter(struct o3 *x, const struct rac_place *at, struct rac_json *list)
{
    rac_str name = rac_json_str(RAC_JSON_GET(at->node, "name"), RAC_S(""));
    rac_str in = rac_json_str(RAC_JSON_GET(at->node, "in"), RAC_S(""));
    bool known = rac_str_eq(in, RAC_S("path")) || rac_str_eq(in, RAC_S("query")) ||
                 rac_str_eq(in, RAC_S("header")) || rac_str_eq(in, RAC_S("cookie"));
    if (name.n == 0 || !known) {
        o3_loss(x, RAC_RULE_O3_16, at,
                "a parameter without a name, or not in path, query, header "
                "or cookie, was dropped");
        return;
    }
    o3_unknown(x, at, param_keys, "a parameter");
    if (ignored_header(in, name)) {
        o3_loss(x, RAC_RULE_O3_06, at, "the header '%.*s' is set by the connector itself",
                RAC_FMT(name));
        return;
    }
    if (rac_str_eq(in, RAC_S("cookie"))) {
        cookie(x, at, name, list);
        return;
    }
    if (rac_json_bool(RAC_JSON_GET(at->node, "allowReserved"), false))
        o3_loss(x, RAC_RULE_O3_06, at, "'allowReserved' was dropped: values are always encoded");
    struct rac_place schema;
    bool content;
    struct rac_json flat = rac_json_new_object(x->a);
    if (parameter_schema(x, at, &schema, &content))
        flat = o3_schema_flat(x, &schema);
    struct style s = style_of(at->node, in);
    rac_str description = rac_json_str(RAC_JSON_GET(at->node, "description"), RAC_S(""));
    if (description.n == 0)
        description = rac_json_str(RAC_JSON_GET(&flat, "description"), RAC_S(""));
    bool path = rac_str_eq(in, RAC_S("path"));
    bool required = path || rac_json_bool(RAC_JSON_GET(at->node, "required"), false);
    bool spread = rac_str_eq(in, RAC_S("query")) && !content &&
                  (rac_str_eq(s.style, RAC_S("deepObject")) || s.explode) &&
                  rac_str_eq(o3_type(&flat), RAC_S("object")) &&
                  rac_json_len(RAC_JSON_GET(&flat, "properties")) > 0;
    if (spread) {
        explode(x, &(struct explosion){at, &s, list}, &schema, &flat, name, required);
        return;
    }
    struct rac_json o = head(x, name, in, description, required);
    finish_single(x, at, &schema, &flat, &s, content, &o);
    o3_extensions(x, at, &o);
    if (path && RAC_JSON_GET(&o, "x-ms-url-encoding") == NULL)
        RAC_JSON_PUT_STR(x->a, &o, "x-ms-url-encoding", RAC_S("single"));
    rac_json_add(x->a, list, o);
}

/* --- lists ------------------------------------------------------------------------------------ */

void o3_prepare_parameters(struct o3 *x, const struct rac_place *components)
{
    struct rac_place all =
        RAC_PLACE_KEY(components, "parameters", RAC_JSON_GET(components->node, "parameters"));
    RAC_JSON_EACH_MEMBER(m, all.node)
    {
        struct rac_place at = rac_place_key(&all, rac_json_key(m), &m->value), end;
        if (!o3_follow(x, &at, &end) || !rac_json_is_object(end.node))
            continue;
        struct o3_part *p = RAC_NEW(x->a, struct o3_part);
        p->name = rac_json_key(m);
        p->at = rac_place_keep(x->a, &end);
        struct rac_json list = rac_json_new_array(x->a);
        x->muted += o3_ref_of(&m->value).p != NULL;
        o3_parameter(x, &end, &list);
        x->muted -= o3_ref_of(&m->value).p != NULL;
        const struct rac_json *one = rac_json_at(&list, 0);
        p->alone = rac_json_len(&list) == 1 &&
                   !rac_str_eq(rac_json_str(RAC_JSON_GET(one, "name"), RAC_S("")), RAC_S("Cookie"));
        p->value = p->alone ? *one : list;
        rac_map_put(&x->params, p->name, p);
        if (p->alone)
            rac_json_put(x->a, &x->out_params, p->name, *one);
    }
}

const struct rac_json *o3_parameter_of(struct o3 *x, const struct rac_json *entry)
{
    rac_str ref = rac_json_str(RAC_JSON_GET(entry, "$ref"), RAC_STR_NULL);
    if (ref.p == NULL)
        return entry;
    rac_str name = rac_str_from(ref, sizeof "#/parameters/" - 1);
    name = rac_str_replace(x->a, name, RAC_S("~1"), RAC_S("/"));
    return rac_json_get(&x->out_params, rac_str_replace(x->a, name, RAC_S("~0"), RAC_S("~")));
}

static bool in_list(struct o3 *x, const struct rac_json *list, const struct rac_json *param)
{
    RAC_JSON_EACH(e, list)
    {
        const struct rac_json *p = o3_parameter_of(x, e);
        if (rac_json_equal(RAC_JSON_GET(p, "name"), RAC_JSON_GET(param, "name")) &&
            rac_json_equal(RAC_JSON_GET(p, "in"), RAC_JSON_GET(param, "in")))
            return true;
    }
    return false;
}

static bool in_template(struct o3 *x, rac_str path, rac_str name)
{
    rac_str hole = rac_arena_printf(x->a, "{%.*s}", RAC_FMT(name));
    return rac_str_find(path, hole) != RAC_STR_NPOS;
}

/* Adds what one list entry became, unless it is there already or has no place in the path. */
static void add_checked(struct o3 *x, const struct rac_place *at, rac_str path,
                        const struct rac_json *entry, struct rac_json *list)
{
    const struct rac_json *p = o3_parameter_of(x, entry);
    rac_str name = rac_json_str(RAC_JSON_GET(p, "name"), RAC_S(""));
    bool in_path = rac_str_eq(rac_json_str(RAC_JSON_GET(p, "in"), RAC_S("")), RAC_S("path"));
    if (in_path && !in_template(x, path, name))
        o3_loss(x, RAC_RULE_O3_16, at, "the path has no {%.*s}; the parameter was dropped",
                (int)(name.n < 100 ? name.n : 100), name.p);
    else if (!in_list(x, list, p))
        rac_json_add(x->a, list, *entry);
    else if (!rac_str_eq(name, RAC_S("Cookie")))
        o3_loss(x, RAC_RULE_O3_16, at, "the parameter '%.*s' is there twice; the first one counts",
                (int)(name.n < 100 ? name.n : 100), name.p);
}

struct rac_json o3_parameters(struct o3 *x, const struct rac_place *at, rac_str path)
{
    struct rac_json list = rac_json_new_array(x->a);
    size_t n = rac_json_is_array(at->node) ? rac_json_len(at->node) : 0;
    if (at->node != NULL && !rac_json_is_array(at->node))
        o3_loss(x, RAC_RULE_O3_16, at, "'parameters' is no list; it was dropped");
    if (n > O3_PARAMETERS_MAX) {
        o3_loss(x, RAC_RULE_O3_08, at,
                "there are %zu parameters; those after the first %d were "
                "left out",
                n, O3_PARAMETERS_MAX);
        n = O3_PARAMETERS_MAX;
    }
    for (size_t i = 0; i < n && !rac_arena_over(x->a); i++) {
        struct rac_place e = rac_place_at(at, i, rac_json_at(at->node, i)), end;
        o3_beside_ref(x, &e);
        rac_str ref = o3_ref_of(e.node);
        rac_str name = ref.p != NULL ? o3_component(x, &e, ref, "parameters") : RAC_STR_NULL;
        const struct o3_part *part = name.p != NULL ? rac_map_get(&x->params, name) : NULL;
        struct rac_json found = rac_json_new_array(x->a);
        if (part != NULL && part->alone) {
            struct rac_json o = rac_json_new_object(x->a);
            RAC_JSON_PUT_STR(x->a, &o, "$ref",
                             rac_json_pointer_join(x->a, RAC_S("#/parameters"), name));
            rac_json_add(x->a, &found, o);
        } else if (part != NULL) {
            if (!o3_may_copy(x, O3_PARAM_MEMBERS * rac_json_len(&part->value)))
                break;
            found = rac_json_shallow(x->a, &part->value);
        } else if (o3_follow(x, &e, &end)) {
            o3_parameter(x, &end, &found);
        }
        RAC_JSON_EACH(one, &found)
        {
            add_checked(x, &e, path, one, &list);
        }
    }
    return list;
}
