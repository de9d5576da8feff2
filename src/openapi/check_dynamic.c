/*
 * Dynamic extensions (connectors.md §5.5-5.8): do they call an operation that exists, with inputs
 * it has, and does its answer hold what they read? Old and new forms differ in the names of their
 * keys only; one row each.
 */
#include "base/str.h"
#include "openapi/check_priv.h"

enum { ARGUMENTS_MAX = 256, PARAMS_MAX = 512 /* of an operation that is looked into */ };

struct form {
    enum keyword key;
    bool is_new;  /* parameterReference and value instead of parameter and literals */
    bool is_list; /* reads elements of an array */
    bool is_browse;
    const char *collection, *value, *title; /* keys that hold paths into the answer */
};

static const struct form values_form = {KW_X_DYNAMIC_VALUES, false,        true,         false,
                                        "value-collection",  "value-path", "value-title"};
static const struct form list_form = {KW_X_DYNAMIC_LIST, true,           true, false, "itemsPath",
                                      "itemValuePath",   "itemTitlePath"};
static const struct form schema_form = {KW_X_DYNAMIC_SCHEMA, false, false, false, NULL,
                                        "value-path",        NULL};
static const struct form properties_form = {KW_X_DYNAMIC_PROPERTIES, true, false, false, NULL,
                                            "itemValuePath",         NULL};
static const struct form open_form = {KW_X_DYNAMIC_TREE, true,           true, false, "itemsPath",
                                      "itemValuePath",   "itemTitlePath"};
static const struct form browse_form = {KW_X_DYNAMIC_TREE, true,           true, true, "itemsPath",
                                        "itemValuePath",   "itemTitlePath"};

/* Of a source or target of a value: its schema, and what matters about it. */
struct input {
    const struct rac_json *schema;
    bool required, internal, has_default;
    bool in_body; /* a property of the body, not a parameter */
};

static bool is_opaque(const struct rac_json *schema)
{
    return schema == NULL || RAC_JSON_GET(schema, "x-ms-dynamic-schema") != NULL ||
           RAC_JSON_GET(schema, "x-ms-dynamic-properties") != NULL ||
           (RAC_JSON_GET(schema, "properties") == NULL && RAC_JSON_GET(schema, "allOf") == NULL &&
            RAC_JSON_GET(schema, "items") == NULL);
}

static void set_schema(struct input *in, const struct rac_json *schema)
{
    in->schema = schema;
    in->internal = rac_api_visibility(schema) == RAC_VISIBILITY_INTERNAL;
    in->has_default = RAC_JSON_GET(schema, "default") != NULL;
}

/* Finds "name", "body/path" or, leniently, a path inside the body. 0 none, 1 found, -1 unknowable.
 */
static int find_input(struct check *c, const struct rac_api_operation *op, rac_str text,
                      struct input *in)
{
    *in = (struct input){0};
    if (op->params_n > PARAMS_MAX)
        return -1;
    const struct rac_api_param *p = rac_api_param_named(op, text);
    if (p == NULL) {
        rac_str rest, head = rac_str_cut(text, '/', &rest);
        const struct rac_api_param *outer = rest.p ? rac_api_param_named(op, head) : NULL;
        const struct rac_api_param *body = rac_api_body(op);
        if (outer == NULL && body == NULL)
            return 0;
        const struct rac_json *root = outer ? outer->schema : body->schema;
        rac_str path = outer ? rest : text;
        if (is_opaque(root))
            return -1;
        const struct rac_json *schema = rac_api_property_path(c->api, root, path);
        if (schema == NULL && rac_str_find_char(path, '.') != RAC_STR_NPOS) /* met: "a.b" */
            schema = rac_api_property_path(c->api, root,
                                           rac_str_replace(c->a, path, RAC_S("."), RAC_S("/")));
        set_schema(in, schema);
        in->in_body = true;
        in->required = true; /* not looked into: only parameters are compared */
        return schema != NULL;
    }
    set_schema(in, p->schema);
    in->required = p->required;
    in->internal = p->visibility == RAC_VISIBILITY_INTERNAL;
    return 1;
}

static rac_str type_of(const struct rac_json *schema)
{
    return rac_json_str(RAC_JSON_GET(schema, "type"), RAC_S(""));
}

static bool types_agree(rac_str a, rac_str b)
{
    bool numbers = (rac_str_eq(a, RAC_S("integer")) && rac_str_eq(b, RAC_S("number"))) ||
                   (rac_str_eq(a, RAC_S("number")) && rac_str_eq(b, RAC_S("integer")));
    return a.n == 0 || b.n == 0 || rac_str_eq(a, b) || numbers;
}

/* A value taken from another input of the operation. */
static void check_source(struct check *c, const struct form *f, rac_str name,
                         const struct rac_json *node, const struct where *at,
                         const struct input *target, rac_str target_name)
{
    struct input source;
    if (c->op == NULL)
        return; /* in a definition: any operation may use it */
    int known = find_input(c, c->op, name, &source);
    if (known < 0)
        return;
    if (known == 0) {
        FIND(c, DYN_01, at, node, "\"{}\" is no input of \"{}\"", name, c->op->id);
        return;
    }
    if (f->is_new && source.internal)
        FIND(c, DYN_02, at, node, "\"{}\" is internal; give its value instead of a reference",
             name);
    if (target->schema == NULL)
        return;
    if (target->required && !target->in_body && !source.required && !source.has_default)
        FIND_AS(c, DYN_02, LV_W, at, node, "\"{}\" is optional, but \"{}\" is required", name,
                target_name);
    if (!types_agree(type_of(source.schema), type_of(target->schema)))
        FIND_AS(c, DYN_02, LV_W, at, node, "\"{}\" is of type {}, but \"{}\" of type {}", name,
                type_of(source.schema), target_name, type_of(target->schema));
}

static void check_literal(struct check *c, const struct rac_json *v, const struct where *at,
                          const struct input *target, rac_str name)
{
    rac_str type = type_of(target->schema);
    if (type.n > 0 && !rac_json_is_null(v) && !rac_check_value_fits(v, type, true))
        FIND(c, DYN_02, at, v, "{} is not of type {}, as \"{}\" is", rac_json_print_str(v, 0, c->a),
             type, name);
}

static void check_argument(struct check *c, const struct form *f, const struct rac_json_member *m,
                           const struct where *at, const struct rac_api_operation *target)
{
    rac_str name = rac_json_key(m);
    struct where here = AT_KEY(at, name);
    struct input input;
    int known = find_input(c, target, name, &input);
    if (known == 0) {
        FIND_KEY(c, DYN_01, LV_TABLE, &here, m, "\"{}\" is no input of operation \"{}\"", name,
                 target->id);
        return;
    }
    const struct rac_json *v = &m->value;
    const struct rac_json *source =
        rac_json_get(v, f->is_new ? RAC_S("parameterReference") : RAC_S("parameter"));
    const struct rac_json *fixed = RAC_JSON_GET(v, "value");
    const struct rac_json *selected = RAC_JSON_GET(v, "selectedItemValuePath");
    if (rac_json_is_string(source)) {
        struct where inner = AT_LIT(&here, "parameterReference");
        if (!f->is_new)
            inner.key = RAC_S("parameter");
        check_source(c, f, rac_json_str(source, RAC_S("")), source, &inner, &input, name);
    } else if (selected != NULL) {
        if (!f->is_browse)
            FIND(c, DYN_05, &here, v, "selectedItemValuePath is for browse parameters only");
    } else if (fixed != NULL) {
        struct where inner = AT_LIT(&here, "value");
        check_literal(c, fixed, &inner, &input, name);
    } else if (f->is_new) {
        FIND(c, DYN_01, &here, v,
             "argument \"{}\" has neither \"value\" nor \"parameterReference\"", name);
    } else if (!rac_json_is_object(v)) {
        check_literal(c, v, &here, &input, name);
    }
}

/* Inputs the target cannot do without. */
static void check_supplied(struct check *c, const struct rac_json *arguments,
                           const struct rac_json *node, const struct where *at,
                           const struct rac_api_operation *target)
{
    for (size_t i = 0; i < target->params_n && i < ARGUMENTS_MAX; i++) {
        const struct rac_api_param *p = &target->params[i];
        if (!p->required || p->in == RAC_IN_BODY || RAC_JSON_GET(p->node, "default") != NULL ||
            rac_json_get(arguments, p->name) != NULL)
            continue;
        FIND(c, DYN_01, at, node, "input \"{}\" of operation \"{}\" is required, but not given",
             p->name, target->id);
    }
}

/* --- the answer ----------------------------------------------------------------------------- */

static bool is_plain_path(rac_str path)
{
    return path.n > 0 && rac_str_find_char(path, '[') == RAC_STR_NPOS &&
           rac_str_find_char(path, '$') == RAC_STR_NPOS;
}

static const struct rac_json *first_array(struct check *c, const struct rac_json *schema)
{
    if (RAC_JSON_GET(schema, "items") != NULL)
        return schema;
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(schema, "properties"))
    {
        const struct rac_json *p = rac_api_deref(c->api, &m->value);
        if (RAC_JSON_GET(p, "items") != NULL || rac_str_eq(type_of(p), RAC_S("array")))
            return p;
    }
    return NULL;
}

static void check_path(struct check *c, const struct rac_json *node, const struct where *at,
                       const char *key, const struct rac_json *schema, rac_str operation)
{
    const struct rac_json *v = key ? rac_json_get(node, rac_str_of(key)) : NULL;
    rac_str path = rac_json_str(v, RAC_S(""));
    struct where here = AT_KEY(at, rac_str_of(key));
    if (is_plain_path(path) && !is_opaque(schema) &&
        rac_api_property_path(c->api, schema, path) == NULL)
        FIND(c, DYN_03, &here, v, "the answer of \"{}\" has no \"{}\"", operation, path);
}

/* The paths exist in the success answer (DYN-03). */
static void check_answer(struct check *c, const struct form *f, const struct rac_json *node,
                         const struct where *at, const struct rac_api_operation *target)
{
    const struct rac_json *response = rac_api_success(c->api, target, NULL);
    const struct rac_json *schema = rac_api_response_schema(c->api, response);
    if (is_opaque(schema) && !rac_str_eq(type_of(schema), RAC_S("array")))
        return; /* not described */
    if (!f->is_list) {
        rac_str path = rac_json_str(rac_json_get(node, rac_str_of(f->value)), RAC_S(""));
        if (!rac_str_eq(path, RAC_S("properties")) && !rac_str_ends(path, RAC_S("/properties")))
            check_path(c, node, at, f->value, schema, target->id);
        return;
    }
    rac_str collection = rac_json_str(rac_json_get(node, rac_str_of(f->collection)), RAC_S(""));
    const struct rac_json *array = schema;
    if (is_plain_path(collection)) {
        array = rac_api_property_path(c->api, schema, collection);
        if (array == NULL) {
            check_path(c, node, at, f->collection, schema, target->id);
            return;
        }
    } else {
        array = first_array(c, schema);
    }
    if (array == NULL || (RAC_JSON_GET(array, "items") == NULL &&
                          !rac_str_eq(type_of(array), RAC_S("array")) && !is_opaque(array))) {
        FIND(c, DYN_03, at, node, "the answer of \"{}\" holds no array there", target->id);
        return;
    }
    const struct rac_json *items = RAC_JSON_GET(array, "items");
    items = items ? rac_api_deref(c->api, items) : NULL;
    check_path(c, node, at, f->value, items, target->id);
    check_path(c, node, at, f->title, items, target->id);
}

/* --- one call ------------------------------------------------------------------------------- */

static void check_call(struct check *c, const struct form *f, const struct rac_json *node,
                       const struct where *at)
{
    rac_str id = rac_json_str(rac_api_target(node), RAC_STR_NULL);
    if (id.p == NULL) {
        if (RAC_JSON_GET(node, "capability") == NULL &&
            RAC_JSON_GET(node, "builtInOperation") == NULL)
            FIND(c, DYN_01, at, node, "{} does not name an operation",
                 rac_str_of(rac_check_keyword_text(f->key)));
        return;
    }
    const struct rac_api_operation *target = rac_api_operation(c->api, id);
    if (target == NULL) {
        struct where here = AT_LIT(at, "operationId");
        FIND(c, DYN_01, &here, rac_api_target(node), "operation \"{}\" does not exist", id);
        return;
    }
    const struct rac_json *arguments = RAC_JSON_GET(node, "parameters");
    struct where list = AT_LIT(at, "parameters");
    RAC_JSON_EACH_MEMBER(m, arguments)
    check_argument(c, f, m, &list, target);
    check_supplied(c, arguments, node, at, target);
    check_answer(c, f, node, at, target);
}

/* --- twins (DYN-04) ------------------------------------------------------------------------- */

/* The first reference of the old form that its new twin is needed for; *why says for what. */
static rac_str needs_twin(struct check *c, const struct rac_json *node, const char **why)
{
    if (c->op == NULL || c->op->params_n > PARAMS_MAX)
        return RAC_STR_NULL;
    const struct rac_api_param *body = rac_api_body(c->op);
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(node, "parameters"))
    {
        rac_str name = rac_json_str(RAC_JSON_GET(&m->value, "parameter"), RAC_S(""));
        if (name.n == 0)
            continue;
        const struct rac_api_param *p = rac_api_param_named(c->op, name);
        bool property = body != NULL && body->schema != NULL &&
                        rac_api_property_path(c->api, body->schema, name) != NULL;
        if (p == NULL && property) {
            *why = "is a property of the body";
            return name;
        }
        if (p != NULL && p->in != RAC_IN_BODY && property) {
            *why = "is both a parameter and a property of the body";
            return name;
        }
    }
    return RAC_STR_NULL;
}

static rac_str without_properties(rac_str path)
{
    if (rac_str_eq(path, RAC_S("properties")))
        return RAC_S("");
    return rac_str_ends(path, RAC_S("/properties")) ? rac_str_sub(path, 0, path.n - 11) : path;
}

static void check_twins(struct check *c, const struct members *s, const struct where *at,
                        const struct form *old, const struct form *twin)
{
    const struct rac_json *a = member_value(s, old->key), *b = member_value(s, twin->key);
    rac_str old_name = rac_str_of(rac_check_keyword_text(old->key));
    rac_str twin_name = rac_str_of(rac_check_keyword_text(twin->key));
    struct where here = AT_KEY(at, old_name), there = AT_KEY(at, twin_name);
    rac_str path = rac_json_str(RAC_JSON_GET(a, "value-path"), RAC_S(""));
    if (b == NULL) {
        const char *why = NULL;
        rac_str name = needs_twin(c, a, &why);
        if (name.p != NULL)
            FIND(c, DYN_04, &here, a, "\"{}\" {}, so {} is needed", name, rac_str_of(why),
                 twin_name);
        else if (!old->is_list && path.n > 0 && without_properties(path).n != path.n)
            FIND(c, DYN_04, &here, a, "value-path \"{}\" ends with properties, so {} is needed",
                 path, twin_name);
        return;
    }
    rac_str x = rac_json_str(rac_api_target(a), RAC_S("")),
            y = rac_json_str(rac_api_target(b), RAC_S(""));
    if (x.n > 0 && y.n > 0 && !rac_str_eq(x, y))
        FIND(c, DYN_04, &there, b, "it calls \"{}\", but its twin {} calls \"{}\"", y, old_name, x);
    rac_str item = rac_json_str(RAC_JSON_GET(b, "itemValuePath"), RAC_S(""));
    if (!old->is_list && !rac_str_eq(without_properties(path), without_properties(item)))
        FIND(c, DYN_04, &there, b, "itemValuePath \"{}\" and value-path \"{}\" do not agree", item,
             path);
}

/* --- the extensions of a node --------------------------------------------------------------- */

static void check_tree(struct check *c, const struct rac_json *tree, const struct where *at)
{
    struct where here = AT_LIT(at, "open");
    const struct rac_json *part = RAC_JSON_GET(tree, "open");
    if (rac_json_is_object(part))
        check_call(c, &open_form, part, &here);
    here = AT_LIT(at, "browse");
    part = RAC_JSON_GET(tree, "browse");
    if (rac_json_is_object(part))
        check_call(c, &browse_form, part, &here);
}

void rac_check_dynamic(struct check *c, const struct members *s, const struct where *at,
                       bool on_body_param)
{
    static const struct form *const forms[] = {&values_form, &list_form, &schema_form,
                                               &properties_form};
    static const uint64_t any =
        (uint64_t)1 << (KW_X_DYNAMIC_VALUES & 63) | (uint64_t)1 << (KW_X_DYNAMIC_LIST & 63) |
        (uint64_t)1 << (KW_X_DYNAMIC_SCHEMA & 63) | (uint64_t)1 << (KW_X_DYNAMIC_PROPERTIES & 63) |
        (uint64_t)1 << (KW_X_DYNAMIC_TREE & 63);
    _Static_assert(KW_X_DYNAMIC_VALUES >> 6 == KW_X_DYNAMIC_TREE >> 6, "one word holds them all");
    if (on_body_param || (s->has[KW_X_DYNAMIC_VALUES >> 6] & any) == 0)
        return;
    for (size_t i = 0; i < RAC_COUNT(forms); i++) {
        const struct rac_json *node = member_value(s, forms[i]->key);
        struct where here = AT_KEY(at, rac_str_of(rac_check_keyword_text(forms[i]->key)));
        if (node != NULL)
            check_call(c, forms[i], node, &here);
    }
    const struct rac_json *values = member_value(s, KW_X_DYNAMIC_VALUES);
    if (values != NULL)
        check_twins(c, s, at, &values_form, &list_form);
    if (has_member(s, KW_X_DYNAMIC_SCHEMA))
        check_twins(c, s, at, &schema_form, &properties_form);
    if (has_member(s, KW_X_DYNAMIC_TREE)) {
        struct where here = AT_LIT(at, "x-ms-dynamic-tree");
        check_tree(c, member_value(s, KW_X_DYNAMIC_TREE), &here);
    } else if (rac_str_eq(rac_json_str(RAC_JSON_GET(values, "capability"), RAC_S("")),
                          RAC_S("file-picker"))) {
        struct where here = AT_LIT(at, "x-ms-dynamic-values");
        FIND(c, DYN_05, &here, values, "a file picker needs x-ms-dynamic-tree beside it");
    }
}

/* An {operationId, parameters} of fixed values. */
static void check_fixed_call(struct check *c, const struct rac_json *node, const struct where *at)
{
    rac_str id = rac_json_str(rac_api_target(node), RAC_S(""));
    const struct rac_api_operation *target = rac_api_operation(c->api, id);
    struct where here = AT_LIT(at, "operationId"), list = AT_LIT(at, "parameters");
    if (target == NULL) {
        const struct rac_json *place = rac_api_target(node);
        FIND(c, DYN_01, place ? &here : at, place ? place : node, "operation \"{}\" does not exist",
             id);
        return;
    }
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(node, "parameters"))
    {
        struct input input;
        struct where argument = AT_KEY(&list, rac_json_key(m));
        if (find_input(c, target, rac_json_key(m), &input) == 0)
            FIND_KEY(c, DYN_01, LV_TABLE, &argument, m, "\"{}\" is no input of operation \"{}\"",
                     rac_json_key(m), id);
        else if (!rac_json_is_object(&m->value))
            check_literal(c, &m->value, &argument, &input, rac_json_key(m));
    }
}

void rac_check_capabilities(struct check *c, const struct rac_json *node, const struct where *at)
{
    struct where test = AT_LIT(at, "testConnection"), picker = AT_LIT(at, "file-picker");
    const struct rac_json *call = RAC_JSON_GET(node, "testConnection");
    if (call != NULL)
        check_fixed_call(c, call, &test);
    static const char *const parts[] = {"open", "browse"};
    for (size_t i = 0; i < RAC_COUNT(parts); i++) {
        call = rac_json_get(RAC_JSON_GET(node, "file-picker"), rac_str_of(parts[i]));
        struct where here = AT_KEY(&picker, rac_str_of(parts[i]));
        if (call != NULL)
            check_fixed_call(c, call, &here);
    }
}

void rac_check_context(struct check *c, const struct rac_json *node, const struct where *at)
{
    struct where here = AT_LIT(at, "simulate");
    const struct rac_json *call = RAC_JSON_GET(node, "simulate");
    if (call != NULL)
        check_fixed_call(c, call, &here);
}
