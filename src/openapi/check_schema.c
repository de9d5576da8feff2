/*
 * Schemas. The walk goes through inline schemas only; a reference is checked where it stands and
 * its target where it is defined. What expansion would amount to is measured on the way (OP-15),
 * each definition once. What is said about values is in check_values.c.
 */
#include "base/str.h"
#include "base/utf8.h"
#include "openapi/check_priv.h"

enum {
    DEPTH_WALK_MAX = 600,   /* schemas inside schemas; the parser's own cap makes it unreachable */
    TEXT_MAX = 1000,        /* TXT-01, characters of a description */
    LABEL_MAX = 80,         /* TXT-01, characters of an x-ms-summary */
    CIRCLE_DEPTH_MAX = 200, /* of required properties, while looking for circles */
};

/* --- references ----------------------------------------------------------------------------- */

static const struct {
    rac_str prefix, what;
} ref_places[] = {
    [REF_SCHEMA] = {RAC_S_INIT("#/definitions/"), RAC_S_INIT("definitions")},
    [REF_PARAMETER] = {RAC_S_INIT("#/parameters/"), RAC_S_INIT("parameters")},
    [REF_RESPONSE] = {RAC_S_INIT("#/responses/"), RAC_S_INIT("responses")},
};

static const struct rac_json *ref_of(const struct rac_json *node)
{
    return rac_api_ref(node);
}

/* True when the chain of references from a target comes to an end. */
static bool chain_ends(struct check *c, const struct rac_json *target)
{
    for (int i = 0; i < 64; i++) {
        const struct rac_json *ref = ref_of(target);
        if (!rac_json_is_string(ref))
            return true;
        target = rac_api_lookup(c->api, rac_json_str(ref, RAC_S("")));
        if (target == NULL)
            return true; /* reported where it stands */
    }
    return false;
}

const struct rac_json *rac_check_ref(struct check *c, const struct rac_json *node,
                                     const struct where *at, enum ref_place place)
{
    const struct rac_json *value = ref_of(node);
    struct where here = AT_LIT(at, "$ref");
    if (!rac_json_is_string(value)) {
        FIND(c, REF_01, &here, value, "a $ref is a string, not {}", rac_json_type_name(value));
        return NULL;
    }
    rac_str ref = rac_json_str(value, RAC_S(""));
    const struct rac_json *target = rac_api_lookup(c->api, ref);
    if (target == NULL) {
        bool inside = ref.n > 0 && ref.p[0] == '#';
        FIND(c, REF_01, &here, value,
             inside ? "\"{}\" does not exist"
                    : "\"{}\" is outside the document; only references to #/{} are followed",
             ref, ref_places[place].what);
        return NULL;
    }
    if (!rac_json_is_object(target))
        FIND(c, REF_01, &here, value, "\"{}\" is {}, not an object", ref,
             rac_json_type_name(target));
    else if (!rac_str_starts(ref, ref_places[place].prefix))
        FIND_AS(c, REF_01, LV_E, &here, value, "\"{}\" does not name an entry of {}", ref,
                ref_places[place].what);
    if (!chain_ends(c, target)) {
        FIND(c, REF_02, &here, value, "\"{}\" leads in a circle without content", ref);
        return NULL;
    }
    RAC_JSON_EACH_MEMBER(m, node)
    {
        rac_str key = rac_json_key(m);
        if (rac_str_eq(key, RAC_S("$ref")))
            continue;
        struct where beside = AT_KEY(at, key);
        FIND_KEY(c, DOC_03, LV_TABLE, &beside, m, "\"{}\" stands beside a $ref", key);
    }
    return target;
}

/* --- measuring ------------------------------------------------------------------------------ */

static uint32_t add_up(uint32_t a, uint32_t b)
{
    uint32_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT32_MAX : sum;
}

static void include(struct measure *m, struct measure part)
{
    m->nodes = add_up(m->nodes, part.nodes);
    if (part.depth + 1 > m->depth)
        m->depth = part.depth + 1;
}

static struct measure measure(struct check *c, const struct rac_json *schema, int depth);

static struct measure measure_known(struct check *c, const struct rac_json *target, int depth)
{
    rac_str key = {(const char *)&target, sizeof(target)};
    struct measure *known = rac_map_get(&c->measures, key);
    if (known == NULL) {
        known = RAC_NEW(c->a, struct measure);
        known->open = true;
        rac_map_put(&c->measures, rac_arena_str(c->a, key), known);
        struct measure m = measure(c, target, depth + 1);
        *known = m;
    }
    /* a circle counts as the node it closes with */
    return known->open ? (struct measure){.nodes = 1, .depth = 1} : *known;
}

static struct measure measure_ref(struct check *c, const struct rac_json *ref, int depth)
{
    const struct rac_json *target = rac_api_lookup(c->api, rac_json_str(ref, RAC_S("")));
    return target != NULL ? measure_known(c, target, depth)
                          : (struct measure){.nodes = 1, .depth = 1};
}

static struct measure measure(struct check *c, const struct rac_json *schema, int depth)
{
    struct measure m = {.nodes = 1, .depth = 1};
    if (!rac_json_is_object(schema) || depth > DEPTH_WALK_MAX)
        return m;
    const struct rac_json *ref = ref_of(schema);
    if (rac_json_is_string(ref))
        return measure_ref(c, ref, depth);
    RAC_JSON_EACH_MEMBER(k, schema)
    {
        if (k->value.type != RAC_JSON_OBJECT && k->value.type != RAC_JSON_ARRAY)
            continue;
        switch (rac_check_keyword(rac_json_key(k))) {
        case KW_PROPERTIES:
            RAC_JSON_EACH_MEMBER(p, &k->value)
            include(&m, measure(c, &p->value, depth + 1));
            break;
        case KW_ALL_OF:
            RAC_JSON_EACH(p, &k->value)
            include(&m, measure(c, p, depth + 1));
            break;
        case KW_ITEMS:
        case KW_ADDITIONAL:
            if (rac_json_is_object(&k->value))
                include(&m, measure(c, &k->value, depth + 1));
            break;
        default:
            break;
        }
    }
    return m;
}

struct measure rac_check_measure(struct check *c, const struct rac_json *schema)
{
    return schema == NULL ? (struct measure){0} : measure_known(c, schema, 0);
}

/* --- schemas -------------------------------------------------------------------------------- */

static bool is_dynamic(const struct members *s)
{
    return has_member(s, KW_X_DYNAMIC_SCHEMA) || has_member(s, KW_X_DYNAMIC_PROPERTIES);
}

static bool list_names(const struct rac_json *list, rac_str name)
{
    RAC_JSON_EACH(e, list)
    if (rac_json_is_string(e) && rac_str_eq(rac_json_str(e, RAC_S("")), name))
        return true;
    return false;
}

/* required lists names of properties that exist (SCH-01). */
static void check_required(struct check *c, const struct members *s, const struct rac_json *node,
                           const struct where *at, enum schema_role role)
{
    const struct rac_json *list = member_value(s, KW_REQUIRED);
    struct where here = AT_LIT(at, "required");
    rac_str type = rac_check_str(s, KW_TYPE);
    if (rac_json_len(list) == 0) {
        FIND(c, SCH_01, &here, list, "the list of required properties is empty");
        return;
    }
    if (type.n > 0 && !rac_str_eq(type, RAC_S("object"))) {
        FIND(c, SCH_01, &here, list, "required stands on type {}, which has no properties", type);
        return;
    }
    rac_check_distinct(c, list, &here);
    const struct rac_json *more = member_value(s, KW_ADDITIONAL);
    if (role == ROLE_PART || is_dynamic(s) || rac_json_is_object(more) ||
        rac_json_bool(more, false))
        return; /* the names may come from elsewhere */
    size_t i = 0;
    RAC_JSON_EACH(e, list)
    {
        struct where item = AT_INDEX(&here, i++);
        rac_str name = rac_json_str(e, RAC_STR_NULL);
        if (name.p == NULL)
            FIND(c, DOC_03, &item, e, "a required property is named by a string");
        else if (rac_json_get(member_value(s, KW_PROPERTIES), name) == NULL &&
                 (!has_member(s, KW_ALL_OF) || rac_api_property(c->api, node, name) == NULL))
            FIND(c, SCH_01, &item, e, "required property \"{}\" is not defined", name);
    }
}

static void check_discriminator(struct check *c, const struct members *s,
                                const struct rac_json *node, const struct where *at)
{
    rac_str name = rac_check_str(s, KW_DISCRIMINATOR);
    struct where here = AT_LIT(at, "discriminator");
    const struct rac_json *p = rac_api_property(c->api, node, name);
    rac_str type = rac_json_str(RAC_JSON_GET(p, "type"), RAC_S(""));
    if (p == NULL || !rac_str_eq(type, RAC_S("string")) ||
        !list_names(member_value(s, KW_REQUIRED), name))
        FIND(c, SCH_06, &here, member_value(s, KW_DISCRIMINATOR),
             "discriminator \"{}\" is not a required property of type string", name);
}

static void check_filter_functions(struct check *c, const struct members *s, const struct where *at,
                                   enum schema_place place)
{
    static const char known[] =
        " and or not negate eq ne gt ge lt le addition subtraction multiplication division modulo "
        "contains endswith startswith length indexof replace substring substringof tolower toupper "
        "trim concat year years month months day days hour hours minute minutes second seconds "
        "date time now totaloffsetminutes totalseconds floor ceiling round null sum min max "
        "average countdistinct joininner joinleft joinfull any all isof cast ";
    const struct rac_json *list = member_value(s, KW_FILTER_FUNCTIONS);
    struct where here = AT_LIT(at, "filterFunctions");
    if (place == IN_BODY)
        FIND(c, SCH_08, &here, list, "filterFunctions stands in an input");
    if (rac_json_len(list) == 0)
        FIND(c, SCH_08, &here, list, "filterFunctions is empty");
    struct rac_map seen;
    rac_map_init(&seen, c->a);
    size_t i = 0;
    RAC_JSON_EACH(e, list)
    {
        struct where item = AT_INDEX(&here, i++);
        rac_str name = rac_json_str(e, RAC_S(""));
        rac_str spaced = rac_arena_printf(c->a, " %.*s ", RAC_FMT(name));
        if (name.n == 0 || rac_str_findi(rac_str_of(known), spaced) == RAC_STR_NPOS)
            FIND(c, SCH_08, &item, e, "\"{}\" is no filter function", name);
        else if (!rac_map_add(&seen, name, e))
            FIND(c, SCH_08, &item, e, "\"{}\" stands here twice", name);
    }
}

static void check_editor(struct check *c, const struct members *s, const struct where *at)
{
    rac_str editor = rac_check_str(s, KW_X_EDITOR);
    if (!rac_str_eqi(editor, RAC_S("dictionary")))
        return;
    rac_str type = rac_check_str(s, KW_TYPE);
    struct where here = AT_LIT(at, "x-ms-editor");
    if (!rac_str_eq(type, RAC_S("object")) || !has_member(s, KW_ADDITIONAL) ||
        rac_json_len(member_value(s, KW_PROPERTIES)) > 0)
        FIND(c, EXT_03, &here, member_value(s, KW_X_EDITOR),
             "the dictionary editor needs an object with additionalProperties and no properties");
}

/* Where binary and files may stand (SCH-05). */
static void check_binary(struct check *c, const struct members *s, const struct rac_json *node,
                         const struct where *at, const struct schema_context *ctx, rac_str type)
{
    bool root = ctx->role == ROLE_ROOT;
    if (rac_str_eq(type, RAC_S("file")) && !(root && ctx->place != IN_BODY))
        FIND(c, SCH_05, at, node, "type file is for form fields and whole responses only");
    if (!root && ctx->role != ROLE_PART && rac_str_eq(type, RAC_S("string")) &&
        rac_str_eq(rac_check_str(s, KW_FORMAT), RAC_S("binary")))
        FIND(c, SCH_05, at, node, "a binary string cannot stand inside JSON");
}

static void check_internal(struct check *c, const struct members *s, const struct rac_json *node,
                           const struct where *at, const struct schema_context *ctx)
{
    if (ctx->role == ROLE_PROPERTY && !ctx->required && has_member(s, KW_DEFAULT) &&
        (ctx->place == IN_BODY || ctx->place == IN_DEFINITIONS) &&
        !rac_json_bool(member_value(s, KW_READ_ONLY), false) &&
        rac_str_eqi(rac_check_str(s, KW_X_VISIBILITY), RAC_S("internal")))
        FIND(c, SCH_03, at, node,
             "property \"{}\" is internal and optional, so its default is never sent", ctx->name);
}

/* Objects that say nothing (SCH-09). */
static void check_empty(struct check *c, const struct members *s, const struct rac_json *node,
                        const struct where *at, const struct schema_context *ctx, rac_str type)
{
    if (is_dynamic(s) || has_member(s, KW_ALL_OF) || has_member(s, KW_ENUM) ||
        has_member(s, KW_ITEMS) || has_member(s, KW_X_DYNAMIC_VALUES) ||
        has_member(s, KW_X_DYNAMIC_LIST))
        return;
    bool object = rac_str_eq(type, RAC_S("object")) || type.n == 0;
    if (!object || rac_json_len(member_value(s, KW_PROPERTIES)) > 0 || has_member(s, KW_ADDITIONAL))
        return;
    if (ctx->role == ROLE_PROPERTY)
        FIND(c, SCH_09, at, node, "property \"{}\" says nothing about its content", ctx->name);
    else if (ctx->role == ROLE_ROOT && ctx->place != IN_DEFINITIONS)
        FIND(c, SCH_09, at, node,
             ctx->place == IN_BODY ? "the body says nothing about its content"
                                   : "the response says nothing about its content");
}

static void check_texts(struct check *c, const struct members *s, const struct where *at)
{
    rac_str text = rac_check_str(s, KW_DESCRIPTION);
    if (text.n > TEXT_MAX && rac_utf8_count(text) > TEXT_MAX) {
        struct where here = AT_LIT(at, "description");
        FIND(c, TXT_01, &here, member_value(s, KW_DESCRIPTION),
             "the description is longer than 1,000 characters");
    }
    text = rac_check_str(s, KW_X_SUMMARY);
    if (text.n > LABEL_MAX && rac_utf8_count(text) > LABEL_MAX) {
        struct where here = AT_LIT(at, "x-ms-summary");
        FIND(c, TXT_01, &here, member_value(s, KW_X_SUMMARY),
             "the label is longer than 80 characters");
    }
}

static struct measure check_properties(struct check *c, const struct members *s,
                                       const struct where *at, const struct schema_context *ctx,
                                       struct measure m)
{
    struct check_set required;
    rac_check_set_init(c, &required, member_value(s, KW_REQUIRED));
    struct where list = AT_LIT(at, "properties");
    RAC_JSON_EACH_MEMBER(p, member_value(s, KW_PROPERTIES))
    {
        struct where here = AT_KEY(&list, rac_json_key(p));
        struct schema_context inner = {
            .place = ctx->place, .role = ROLE_PROPERTY, .name = rac_json_key(p)};
        /* asked for rarely: only an internal property with a default cares */
        if (required.list != NULL && RAC_JSON_GET(&p->value, "default") != NULL) {
            struct rac_json name = rac_json_of_str(inner.name);
            inner.required = rac_check_set_has(c, &required, &name);
        }
        if (!rac_json_is_object(&p->value)) {
            FIND(c, DOC_03, &here, &p->value, "property \"{}\" is an object, not {}", inner.name,
                 rac_json_type_name(&p->value));
            continue;
        }
        include(&m, rac_check_schema(c, &p->value, &here, &inner));
    }
    return m;
}

static struct measure check_children(struct check *c, const struct members *s,
                                     const struct where *at, const struct schema_context *ctx)
{
    struct measure m = {.nodes = 1, .depth = 1};
    if (has_member(s, KW_PROPERTIES))
        m = check_properties(c, s, at, ctx, m);
    if (has_member(s, KW_ITEMS)) {
        struct where here = AT_LIT(at, "items");
        struct schema_context inner = {.place = ctx->place, .role = ROLE_ITEMS};
        include(&m, rac_check_schema(c, member_value(s, KW_ITEMS), &here, &inner));
    }
    if (rac_json_is_object(member_value(s, KW_ADDITIONAL))) {
        struct where here = AT_LIT(at, "additionalProperties");
        struct schema_context inner = {.place = ctx->place, .role = ROLE_ADDITIONAL};
        include(&m, rac_check_schema(c, member_value(s, KW_ADDITIONAL), &here, &inner));
    }
    if (has_member(s, KW_ALL_OF)) {
        struct where list = AT_LIT(at, "allOf");
        struct schema_context inner = {.place = ctx->place, .role = ROLE_PART};
        size_t i = 0;
        RAC_JSON_EACH(part, member_value(s, KW_ALL_OF))
        {
            struct where here = AT_INDEX(&list, i++);
            include(&m, rac_check_schema(c, part, &here, &inner));
        }
    }
    return m;
}

struct measure rac_check_schema(struct check *c, const struct rac_json *node,
                                const struct where *at, const struct schema_context *ctx)
{
    struct measure m = {.nodes = 1, .depth = 1};
    if (!rac_json_is_object(node)) {
        FIND(c, DOC_03, at, node, "a schema is an object, not {}", rac_json_type_name(node));
        return m;
    }
    if (ref_of(node) != NULL) {
        const struct rac_json *ref = ref_of(node);
        if (rac_check_ref(c, node, at, REF_SCHEMA) != NULL)
            m = measure_ref(c, ref, 0);
        return m;
    }
    struct members s;
    rac_check_members(c, KIND_SCHEMA, node, at, &s);
    rac_str type = rac_check_str(&s, KW_TYPE);
    if (type.n > 0 && !rac_check_is_type(type))
        rac_check_unknown_type(c, &s, at, type);
    rac_check_values(c, &s, at, type);
    check_texts(c, &s, at);
    check_binary(c, &s, node, at, ctx, type);
    check_internal(c, &s, node, at, ctx);
    check_empty(c, &s, node, at, ctx, type);
    rac_check_secret(c, &s, at, ctx->name);
    if (rac_str_eq(type, RAC_S("array")) && !has_member(&s, KW_ITEMS) && !is_dynamic(&s))
        FIND(c, SCH_01, at, node, "an array has no items");
    if (has_member(&s, KW_REQUIRED))
        check_required(c, &s, node, at, ctx->role);
    if (has_member(&s, KW_DISCRIMINATOR))
        check_discriminator(c, &s, node, at);
    if (has_member(&s, KW_FILTER_FUNCTIONS))
        check_filter_functions(c, &s, at, ctx->place);
    if (has_member(&s, KW_X_EDITOR))
        check_editor(c, &s, at);
    if (has_member(&s, KW_XML)) {
        struct where here = AT_LIT(at, "xml");
        struct members xml;
        rac_check_members(c, KIND_XML, member_value(&s, KW_XML), &here, &xml);
    }
    rac_check_dynamic(c, &s, at, false);
    return check_children(c, &s, at, ctx);
}

/* --- circles of required properties (SCH-04) ------------------------------------------------ */

/* States of a definition while circles are looked for. */
static char loop_open, loop_done;

static bool loops(struct check *c, struct rac_map *state, const struct rac_json *schema, int depth);

static bool loops_through_ref(struct check *c, struct rac_map *state, const struct rac_json *ref,
                              int depth)
{
    const struct rac_json *target = rac_api_lookup(c->api, rac_json_str(ref, RAC_S("")));
    if (target == NULL)
        return false;
    rac_str key = {(const char *)&target, sizeof(target)};
    void *known = rac_map_get(state, key);
    if (known != NULL)
        return known == &loop_open;
    key = rac_arena_str(c->a, key);
    rac_map_put(state, key, &loop_open);
    bool circle = loops(c, state, target, depth + 1);
    rac_map_put(state, key, &loop_done);
    return circle;
}

static bool loops(struct check *c, struct rac_map *state, const struct rac_json *schema, int depth)
{
    if (depth > CIRCLE_DEPTH_MAX || !rac_json_is_object(schema))
        return false;
    const struct rac_json *ref = ref_of(schema);
    if (rac_json_is_string(ref))
        return loops_through_ref(c, state, ref, depth);
    RAC_JSON_EACH(name, RAC_JSON_GET(schema, "required"))
    {
        const struct rac_json *p =
            rac_json_get(RAC_JSON_GET(schema, "properties"), rac_json_str(name, RAC_STR_NULL));
        if (p != NULL && loops(c, state, p, depth + 1))
            return true;
    }
    RAC_JSON_EACH(part, RAC_JSON_GET(schema, "allOf"))
    if (loops(c, state, part, depth + 1))
        return true;
    return false;
}

void rac_check_required_loops(struct check *c)
{
    struct rac_map state;
    rac_map_init(&state, c->a);
    struct where list = AT_KEY(NULL, RAC_S("definitions"));
    RAC_JSON_EACH_MEMBER(m, c->api->definitions)
    {
        const struct rac_json *target = &m->value;
        rac_str key = {(const char *)&target, sizeof(target)};
        if (rac_map_get(&state, key) != NULL)
            continue;
        key = rac_arena_str(c->a, key);
        rac_map_put(&state, key, &loop_open);
        if (loops(c, &state, target, 0)) {
            struct where here = AT_KEY(&list, rac_json_key(m));
            FIND(c, SCH_04, &here, target,
                 "\"{}\" requires itself through its required properties, so no value can fit",
                 rac_json_key(m));
        }
        rac_map_put(&state, key, &loop_done);
    }
}
