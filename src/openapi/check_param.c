/* Parameters and responses, where they are defined: in an operation, a path item or shared. */
#include "base/str.h"
#include "base/utf8.h"
#include "openapi/check_priv.h"

enum { LABEL_MAX = 80, TEXT_MAX = 1000, FEW_MAX = 12 };

static bool same_text(rac_str a, rac_str b)
{
    a = rac_str_trim(a);
    b = rac_str_trim(b);
    while (a.n > 0 && a.p[a.n - 1] == '.')
        a.n--;
    while (b.n > 0 && b.p[b.n - 1] == '.')
        b.n--;
    return rac_str_eqi(a, b);
}

/* Label and description of what a user sees (PAR-08). */
static void check_labels(struct check *c, const struct members *s, const struct rac_json *node,
                         const struct where *at, rac_str name)
{
    rac_str label = rac_check_str(s, KW_X_SUMMARY), text = rac_check_str(s, KW_DESCRIPTION);
    struct where at_label = AT_LIT(at, "x-ms-summary"), at_text = AT_LIT(at, "description");
    if (label.n == 0 || text.n == 0)
        FIND(c, PAR_08, at, node,
             label.n == 0 && text.n == 0
                 ? "parameter \"{}\" has neither an x-ms-summary nor a description"
             : label.n == 0 ? "parameter \"{}\" has no x-ms-summary"
                            : "parameter \"{}\" has no description",
             name);
    else if (same_text(label, text))
        FIND(c, PAR_08, &at_text, member_value(s, KW_DESCRIPTION),
             "description and x-ms-summary of parameter \"{}\" are the same", name);
    if (label.n > LABEL_MAX && rac_utf8_count(label) > LABEL_MAX)
        FIND(c, PAR_08, &at_label, member_value(s, KW_X_SUMMARY),
             "the label of parameter \"{}\" is longer than 80 characters", name);
    if (text.n > TEXT_MAX && rac_utf8_count(text) > TEXT_MAX)
        FIND(c, TXT_01, &at_text, member_value(s, KW_DESCRIPTION),
             "the description of parameter \"{}\" is longer than 1,000 characters", name);
    const rac_str texts[] = {label, text};
    const struct where *places[] = {&at_label, &at_text};
    const enum keyword keys[] = {KW_X_SUMMARY, KW_DESCRIPTION};
    for (int i = 0; i < 2; i++) {
        rac_str word = rac_check_restricted_word(texts[i], WORDS_PRODUCTS);
        if (word.p != NULL)
            FIND(c, PAR_08, places[i], member_value(s, keys[i]),
                 "the text of parameter \"{}\" names a platform product: {}", name, word);
        else if (!rac_check_is_latin(texts[i]))
            FIND(c, PAR_08, places[i], member_value(s, keys[i]),
                 "the text of parameter \"{}\" is not in English", name);
    }
}

static void check_collection(struct check *c, const struct members *s, const struct where *at,
                             enum rac_param_in in)
{
    static const char *const known[] = {"csv", "ssv", "tsv", "pipes", "multi"};
    rac_str format = rac_check_str(s, KW_COLLECTION_FORMAT);
    struct where here = AT_LIT(at, "collectionFormat");
    bool is_known = false;
    for (size_t i = 0; i < RAC_COUNT(known); i++)
        is_known |= rac_str_eq(format, rac_str_of(known[i]));
    if (!is_known)
        FIND(c, PAR_04, &here, member_value(s, KW_COLLECTION_FORMAT),
             "collectionFormat \"{}\" is not known", format);
    else if (rac_str_eq(format, RAC_S("multi")) && in != RAC_IN_QUERY && in != RAC_IN_FORM)
        FIND(c, PAR_04, &here, member_value(s, KW_COLLECTION_FORMAT),
             "collectionFormat multi is for query and formData only");
}

static bool is_bad_form_name(rac_str name)
{
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < 0x20 || name.p[i] == '"')
            return true;
    return name.n == 0;
}

/* Keys that belong to some places only (PAR-04). */
static void check_place(struct check *c, const struct members *s, const struct rac_json *node,
                        const struct where *at, enum rac_param_in in, rac_str name)
{
    if (rac_str_eq(rac_check_str(s, KW_TYPE), RAC_S("file")) && in != RAC_IN_FORM)
        FIND(c, PAR_04, at, node, "parameter \"{}\" of type file is not in formData", name);
    if (in == RAC_IN_FORM && is_bad_form_name(name))
        FIND(c, PAR_04, at, node, "\"{}\" cannot be the name of a form field", name);
    if (rac_json_bool(member_value(s, KW_ALLOW_EMPTY), false) && in != RAC_IN_QUERY &&
        in != RAC_IN_FORM) {
        struct where here = AT_LIT(at, "allowEmptyValue");
        FIND(c, PAR_04, &here, member_value(s, KW_ALLOW_EMPTY),
             "allowEmptyValue is for query and formData only");
    }
    if (has_member(s, KW_COLLECTION_FORMAT))
        check_collection(c, s, at, in);
    rac_str encoding = rac_check_str(s, KW_X_URL_ENCODING);
    struct where here = AT_LIT(at, "x-ms-url-encoding");
    if (encoding.p != NULL && in == RAC_IN_QUERY)
        FIND(c, PAR_04, &here, member_value(s, KW_X_URL_ENCODING),
             "x-ms-url-encoding has no effect on query parameter \"{}\"", name);
    else if (encoding.p != NULL && !rac_str_eqi(encoding, RAC_S("single")) &&
             !rac_str_eqi(encoding, RAC_S("double")))
        FIND(c, DOC_03, &here, member_value(s, KW_X_URL_ENCODING),
             "x-ms-url-encoding is single or double, not \"{}\"", encoding);
    if (has_member(s, KW_UNIQUE_ITEMS)) {
        here = AT_LIT(at, "uniqueItems");
        FIND(c, DOC_09, &here, member_value(s, KW_UNIQUE_ITEMS),
             "uniqueItems is not supported on parameters");
    }
}

static void check_path_parameter(struct check *c, const struct members *s,
                                 const struct rac_json *node, const struct where *at, rac_str name)
{
    const struct rac_json *required = member_value(s, KW_REQUIRED);
    if (!rac_json_bool(required, false)) {
        struct where here = AT_LIT(at, "required");
        FIND(c, PATH_04, required ? &here : at, required ? required : node,
             "path parameter \"{}\" is not marked required", name);
    }
    if (!has_member(s, KW_X_URL_ENCODING))
        FIND(c, PATH_05, at, node, "path parameter \"{}\" does not say how it is encoded", name);
}

/* Everything but bodies. */
static void check_plain(struct check *c, const struct members *s, const struct rac_json *node,
                        const struct where *at, enum rac_param_in in, rac_str name)
{
    if (has_member(s, KW_SCHEMA)) {
        struct where here = AT_LIT(at, "schema");
        FIND_KEY(c, PAR_05, LV_TABLE, &here, s->m[KW_SCHEMA],
                 "parameter \"{}\" is no body, so it cannot have a schema", name);
    } else if (!has_member(s, KW_TYPE)) {
        FIND_AS(c, DOC_02, LV_E, at, node, "parameter \"{}\" has no type", name);
    }
    rac_check_simple(c, s, node, at);
    check_place(c, s, node, at, in, name);
    if (in == RAC_IN_PATH)
        check_path_parameter(c, s, node, at, name);
    rac_str visibility = rac_check_str(s, KW_X_VISIBILITY);
    bool internal = rac_str_eqi(visibility, RAC_S("internal"));
    bool required = in == RAC_IN_PATH || rac_json_bool(member_value(s, KW_REQUIRED), false);
    if (!internal)
        check_labels(c, s, node, at, name);
    else if (!required && has_member(s, KW_DEFAULT))
        FIND(c, SCH_03, at, node,
             "parameter \"{}\" is internal and optional, so its default is never sent", name);
    else if (required && !has_member(s, KW_DEFAULT) && rac_json_len(member_value(s, KW_ENUM)) != 1)
        FIND(c, SCH_03, at, node,
             "parameter \"{}\" is internal and required, but has no default to send", name);
    if (has_member(s, KW_X_NOTIFICATION_URL) && c->op != NULL) {
        struct where here = AT_LIT(at, "x-ms-notification-url");
        FIND(c, TRG_02, &here, member_value(s, KW_X_NOTIFICATION_URL),
             "a callback URL cannot travel in parameter \"{}\"; it is a property of the body",
             name);
    }
}

static struct measure check_body(struct check *c, const struct members *s,
                                 const struct rac_json *node, const struct where *at, rac_str name)
{
    const struct rac_json *schema = RAC_JSON_GET(node, "schema");
    struct where here = AT_LIT(at, "schema");
    if (schema == NULL) {
        FIND(c, PAR_05, at, node, "body parameter \"{}\" has no schema", name);
        return (struct measure){0};
    }
    static const enum keyword dynamic[] = {KW_X_DYNAMIC_VALUES, KW_X_DYNAMIC_LIST,
                                           KW_X_DYNAMIC_SCHEMA, KW_X_DYNAMIC_PROPERTIES};
    for (size_t i = 0; i < RAC_COUNT(dynamic); i++)
        if (has_member(s, dynamic[i])) {
            rac_str key = rac_str_of(rac_check_keyword_text(dynamic[i]));
            struct where place = AT_KEY(at, key);
            FIND_KEY(c, DYN_05, LV_TABLE, &place, s->m[dynamic[i]],
                     "{} stands on the body parameter; it belongs in its schema", key);
        }
    struct schema_context ctx = {.place = IN_BODY, .role = ROLE_ROOT};
    return rac_check_schema(c, schema, &here, &ctx);
}

struct measure rac_check_parameter(struct check *c, const struct rac_json *node,
                                   const struct where *at)
{
    struct measure m = {0};
    struct members s;
    rac_str in_text = rac_json_str(RAC_JSON_GET(node, "in"), RAC_STR_NULL);
    enum rac_param_in in = RAC_IN_QUERY;
    bool known = rac_param_in_parse(in_text, &in);
    rac_check_members(c, known && in == RAC_IN_BODY ? KIND_BODY_PARAM : KIND_PARAM, node, at, &s);
    rac_str name = rac_check_str(&s, KW_NAME);
    if (name.p == NULL)
        FIND_AS(c, DOC_02, LV_E, at, node, "a parameter has no name");
    if (in_text.p == NULL)
        FIND_AS(c, DOC_02, LV_E, at, node, "parameter \"{}\" does not say where it is (\"in\")",
                name);
    else if (!known) {
        struct where here = AT_LIT(at, "in");
        FIND(c, DOC_03, &here, member_value(&s, KW_IN),
             "\"in\" is path, query, header, body or formData, not \"{}\"", in_text);
    }
    if (rac_str_eq(name, RAC_S("connectionId"))) {
        struct where here = AT_LIT(at, "name");
        FIND(c, PAR_03, &here, member_value(&s, KW_NAME), "the name connectionId is reserved");
    }
    if (known && in == RAC_IN_BODY)
        m = check_body(c, &s, node, at, name);
    else if (known)
        check_plain(c, &s, node, at, in, name);
    if (!(known && in == RAC_IN_BODY))
        rac_check_dynamic(c, &s, at, false);
    return m;
}

static rac_str list_key(struct check *c, const struct rac_json *p)
{
    rac_str in = rac_json_str(RAC_JSON_GET(p, "in"), RAC_S(""));
    rac_str name = rac_json_str(RAC_JSON_GET(p, "name"), RAC_S(""));
    return rac_arena_printf(c->a, "%.*s %.*s", RAC_FMT(in), RAC_FMT(name));
}

static bool same_param(const struct rac_json *p, const struct rac_json *q)
{
    return rac_str_eq(rac_json_str(RAC_JSON_GET(p, "name"), RAC_S("")),
                      rac_json_str(RAC_JSON_GET(q, "name"), RAC_S(""))) &&
           rac_str_eq(rac_json_str(RAC_JSON_GET(p, "in"), RAC_S("")),
                      rac_json_str(RAC_JSON_GET(q, "in"), RAC_S("")));
}

/* Parameters of one list met so far: few are compared one by one, many through a map. */
struct seen_params {
    const struct rac_json *few[FEW_MAX];
    size_t n;
    struct rac_map map;
};

static bool seen_before(struct check *c, struct seen_params *seen, const struct rac_json *p)
{
    if (seen->n < FEW_MAX) {
        for (size_t i = 0; i < seen->n; i++)
            if (same_param(seen->few[i], p))
                return true;
        seen->few[seen->n++] = p;
        return false;
    }
    if (seen->n++ == FEW_MAX) {
        rac_map_init(&seen->map, c->a);
        for (size_t i = 0; i < FEW_MAX; i++)
            rac_map_add(&seen->map, list_key(c, seen->few[i]), seen);
    }
    return !rac_map_add(&seen->map, list_key(c, p), seen);
}

size_t rac_check_parameter_list(struct check *c, const struct rac_json *list,
                                const struct where *at, struct measure *bodies)
{
    struct seen_params seen = {.n = 0};
    size_t bodies_n = 0, i = 0;
    RAC_JSON_EACH(raw, list)
    {
        struct where here = AT_INDEX(at, i++);
        const struct rac_json *p = raw;
        struct measure m = {0};
        if (!rac_json_is_object(raw)) {
            FIND(c, DOC_03, &here, raw, "a parameter is an object, not {}",
                 rac_json_type_name(raw));
            continue;
        }
        if (RAC_JSON_GET(raw, "$ref") != NULL) {
            if (rac_check_ref(c, raw, &here, REF_PARAMETER) == NULL)
                continue;
            p = rac_api_deref(c->api, raw);
            if (RAC_JSON_GET(p, "schema") != NULL)
                m = rac_check_measure(c, RAC_JSON_GET(p, "schema"));
        } else {
            m = rac_check_parameter(c, raw, &here);
        }
        if (m.nodes > bodies->nodes)
            *bodies = m;
        bool body = rac_str_eq(rac_json_str(RAC_JSON_GET(p, "in"), RAC_S("")), RAC_S("body"));
        if (body && ++bodies_n > 1)
            FIND(c, PAR_02, &here, raw, "a second body parameter");
        if (seen_before(c, &seen, p))
            FIND(c, PAR_01, &here, raw, "parameter \"{}\" in {} stands in the list twice",
                 rac_json_str(RAC_JSON_GET(p, "name"), RAC_S("")),
                 rac_json_str(RAC_JSON_GET(p, "in"), RAC_S("")));
    }
    return bodies_n;
}

/* --- responses ------------------------------------------------------------------------------ */

static void check_headers(struct check *c, const struct rac_json *headers, const struct where *at)
{
    struct where list = AT_LIT(at, "headers");
    struct rac_map seen;
    rac_map_init(&seen, c->a);
    RAC_JSON_EACH_MEMBER(m, headers)
    {
        struct where here = AT_KEY(&list, rac_json_key(m));
        struct members s;
        if (!rac_map_add(&seen, rac_str_lower(c->a, rac_json_key(m)), m))
            FIND_KEY(c, OP_12, LV_TABLE, &here, m, "header \"{}\" differs in letter case only",
                     rac_json_key(m));
        if (!rac_json_is_object(&m->value)) {
            FIND(c, DOC_03, &here, &m->value, "a header is an object, not {}",
                 rac_json_type_name(&m->value));
            continue;
        }
        rac_check_members(c, KIND_HEADER, &m->value, &here, &s);
        if (!has_member(&s, KW_TYPE))
            FIND_AS(c, DOC_02, LV_E, &here, &m->value, "header \"{}\" has no type",
                    rac_json_key(m));
        rac_check_simple(c, &s, &m->value, &here);
    }
}

static rac_str bare_type(rac_str s)
{
    rac_str rest;
    return rac_str_trim(rac_str_cut(s, ';', &rest));
}

static bool produces(const struct rac_json *list, rac_str type)
{
    size_t n = 0;
    RAC_JSON_EACH(e, list)
    {
        rac_str own = bare_type(rac_json_str(e, RAC_S("")));
        if (rac_str_eqi(own, type) || rac_str_eq(own, RAC_S("*/*")))
            return true;
        if (++n == RAC_API_MEDIA_TYPES_MAX) /* reported where the list stands */
            return true;
    }
    return false;
}

static void check_examples(struct check *c, const struct rac_json *examples, const struct where *at)
{
    struct where list = AT_LIT(at, "examples");
    if (c->op == NULL || rac_json_len(c->op->produces) == 0)
        return;
    RAC_JSON_EACH_MEMBER(m, examples)
    {
        struct where here = AT_KEY(&list, rac_json_key(m));
        if (!produces(c->op->produces, bare_type(rac_json_key(m))))
            FIND_KEY(c, OP_12, LV_W, &here, m, "the operation does not produce \"{}\"",
                     rac_json_key(m));
    }
}

struct measure rac_check_response(struct check *c, const struct rac_json *node,
                                  const struct where *at)
{
    struct measure m = {0};
    struct members s;
    if (!rac_json_is_object(node)) {
        FIND(c, DOC_03, at, node, "a response is an object, not {}", rac_json_type_name(node));
        return m;
    }
    if (RAC_JSON_GET(node, "$ref") != NULL) {
        if (rac_check_ref(c, node, at, REF_RESPONSE) != NULL)
            m = rac_check_measure(c, RAC_JSON_GET(rac_api_deref(c->api, node), "schema"));
        return m;
    }
    rac_check_members(c, KIND_RESPONSE, node, at, &s);
    if (!has_member(&s, KW_DESCRIPTION))
        FIND_AS(c, DOC_02, LV_E, at, node, "a response has no description");
    rac_str text = rac_check_str(&s, KW_DESCRIPTION);
    if (text.n > TEXT_MAX && rac_utf8_count(text) > TEXT_MAX) {
        struct where here = AT_LIT(at, "description");
        FIND(c, TXT_01, &here, member_value(&s, KW_DESCRIPTION),
             "the description is longer than 1,000 characters");
    }
    if (has_member(&s, KW_SCHEMA)) {
        struct where here = AT_LIT(at, "schema");
        struct schema_context ctx = {.place = IN_RESPONSE, .role = ROLE_ROOT};
        m = rac_check_schema(c, member_value(&s, KW_SCHEMA), &here, &ctx);
    }
    if (has_member(&s, KW_HEADERS))
        check_headers(c, member_value(&s, KW_HEADERS), at);
    if (has_member(&s, KW_EXAMPLES))
        check_examples(c, member_value(&s, KW_EXAMPLES), at);
    return m;
}
