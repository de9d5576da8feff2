/*
 * Values and what says something about them: types, formats, enums, defaults, bounds, patterns,
 * lists without repetition. Schemas have it in common with parameters, items and headers.
 */
#include "base/str.h"
#include "openapi/check_priv.h"

enum { PAIRWISE_MAX = 12 }; /* lists up to this long are compared without a map */

/* --- lists ---------------------------------------------------------------------------------- */

static rac_str list_key(struct check *c, const struct rac_json *v)
{
    if (v->type == RAC_JSON_STRING)
        return rac_arena_printf(c->a, "s%.*s", (int)v->n, v->s);
    return rac_json_print_str(v, 0, c->a);
}

static void repeated(struct check *c, const struct rac_json *v, const struct where *at, size_t i)
{
    struct where here = AT_INDEX(at, i);
    rac_str text =
        v->type == RAC_JSON_STRING ? rac_json_str(v, RAC_S("")) : rac_json_print_str(v, 0, c->a);
    FIND(c, DOC_08, &here, v, "\"{}\" stands in the list twice", text);
}

void rac_check_distinct(struct check *c, const struct rac_json *list, const struct where *at)
{
    size_t n = rac_json_is_array(list) ? rac_json_len(list) : 0;
    if (n <= PAIRWISE_MAX) {
        for (size_t i = 1; i < n; i++)
            for (size_t j = 0; j < i; j++)
                if (rac_json_at(list, i)->type == rac_json_at(list, j)->type &&
                    rac_json_equal(rac_json_at(list, i), rac_json_at(list, j))) {
                    repeated(c, rac_json_at(list, i), at, i);
                    break;
                }
        return;
    }
    struct rac_map seen;
    rac_map_init(&seen, c->a);
    for (size_t i = 0; i < n && !rac_arena_over(c->a); i++)
        if (!rac_map_add(&seen, list_key(c, rac_json_at(list, i)), (void *)list))
            repeated(c, rac_json_at(list, i), at, i);
}

/* --- types and values ----------------------------------------------------------------------- */

static const rac_str schema_types[] = {
    RAC_S_INIT("string"),  RAC_S_INIT("object"), RAC_S_INIT("array"), RAC_S_INIT("integer"),
    RAC_S_INIT("boolean"), RAC_S_INIT("number"), RAC_S_INIT("file"),
};

bool rac_check_is_type(rac_str type)
{
    for (size_t i = 0; i < RAC_COUNT(schema_types); i++)
        if (rac_str_eq(type, schema_types[i]))
            return true;
    return false;
}

static bool format_is_known(rac_str type, rac_str format)
{
    static const struct {
        rac_str type, format;
    } pairs[] = {
        {RAC_S_INIT("integer"), RAC_S_INIT("int32")},
        {RAC_S_INIT("string"), RAC_S_INIT("date-time")},
        {RAC_S_INIT("number"), RAC_S_INIT("float")},
        {RAC_S_INIT("number"), RAC_S_INIT("double")},
        {RAC_S_INIT("integer"), RAC_S_INIT("int64")},
        {RAC_S_INIT("string"), RAC_S_INIT("uuid")},
        {RAC_S_INIT("string"), RAC_S_INIT("byte")},
        {RAC_S_INIT("string"), RAC_S_INIT("date")},
        {RAC_S_INIT("string"), RAC_S_INIT("binary")},
        {RAC_S_INIT("string"), RAC_S_INIT("uri")},
        {RAC_S_INIT("string"), RAC_S_INIT("password")},
        {RAC_S_INIT("string"), RAC_S_INIT("email")},
        {RAC_S_INIT("string"), RAC_S_INIT("html")},
        {RAC_S_INIT("string"), RAC_S_INIT("date-no-tz")},
        {RAC_S_INIT("file"), RAC_S_INIT("binary")},
    };
    for (size_t i = 0; i < RAC_COUNT(pairs); i++)
        if (rac_str_eq(type, pairs[i].type) && rac_str_eq(format, pairs[i].format))
            return true;
    return false;
}

/* True unless the value is plainly of another type. */
bool rac_check_value_fits(const struct rac_json *v, rac_str type, bool nullable)
{
    if (rac_json_is_null(v))
        return nullable;
    if (rac_str_eq(type, RAC_S("string")))
        return v->type == RAC_JSON_STRING;
    if (rac_str_eq(type, RAC_S("integer"))) {
        double d = rac_json_double(v, 0.5);
        return rac_json_is_number(v) && (d > 9e15 || d < -9e15 || d == (double)(int64_t)d);
    }
    if (rac_str_eq(type, RAC_S("number")))
        return rac_json_is_number(v);
    if (rac_str_eq(type, RAC_S("boolean")))
        return rac_json_is_bool(v);
    if (rac_str_eq(type, RAC_S("array")))
        return rac_json_is_array(v);
    if (rac_str_eq(type, RAC_S("object")))
        return rac_json_is_object(v);
    return true;
}

static void check_enum(struct check *c, const struct members *s, const struct where *at,
                       rac_str type, bool nullable)
{
    const struct rac_json *list = member_value(s, KW_ENUM);
    struct where here = AT_LIT(at, "enum");
    if (rac_json_len(list) == 0) {
        FIND(c, SCH_01, &here, list, "the enum has no value");
        return;
    }
    size_t i = 0;
    RAC_JSON_EACH(v, list)
    {
        if (!rac_check_value_fits(v, type, nullable)) {
            struct where item = AT_INDEX(&here, i);
            FIND(c, SCH_02, &item, v, "enum value {} is not of type {}",
                 rac_json_print_str(v, 0, c->a), type);
        }
        i++;
    }
    rac_check_distinct(c, list, &here);
}

static bool list_holds(const struct rac_json *list, const struct rac_json *v)
{
    RAC_JSON_EACH(e, list)
    if (rac_json_equal(e, v))
        return true;
    return false;
}

void rac_check_set_init(struct check *c, struct check_set *set, const struct rac_json *list)
{
    *set = (struct check_set){.list = list, .mapped = rac_json_len(list) > PAIRWISE_MAX};
    if (!set->mapped)
        return;
    rac_map_init(&set->map, c->a);
    RAC_JSON_EACH(e, list)
    rac_map_add(&set->map, list_key(c, e), e);
}

bool rac_check_set_has(struct check *c, const struct check_set *set, const struct rac_json *v)
{
    return set->mapped ? rac_map_has(&set->map, list_key(c, v)) : list_holds(set->list, v);
}

static void check_default(struct check *c, const struct members *s, const struct where *at,
                          rac_str type, bool nullable)
{
    const struct rac_json *v = member_value(s, KW_DEFAULT), *list = member_value(s, KW_ENUM);
    struct where here = AT_LIT(at, "default");
    if (!rac_check_value_fits(v, type, nullable))
        FIND(c, SCH_02, &here, v, "default {} is not of type {}", rac_json_print_str(v, 0, c->a),
             type);
    else if (rac_json_len(list) > 0 && !rac_json_is_array(v) && !list_holds(list, v))
        FIND(c, SCH_02, &here, v, "default {} is none of the values of enum",
             rac_json_print_str(v, 0, c->a));
}

/* A light reading of a regular expression: brackets, groups and quantifiers must add up. */
static bool is_pattern(rac_str s)
{
    int groups = 0;
    bool in_class = false, quantifiable = false;
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        if (ch == '\\') {
            if (++i >= s.n)
                return false;
            quantifiable = true;
        } else if (in_class) {
            in_class = ch != ']';
            quantifiable = true;
        } else if (ch == '[') {
            in_class = true;
            if (i + 1 < s.n && s.p[i + 1] == '^')
                i++;
            if (i + 1 < s.n && s.p[i + 1] == ']')
                i++;
        } else if (ch == '(') {
            groups++;
            quantifiable = false;
            if (i + 1 < s.n && s.p[i + 1] == '?')
                i++;
        } else if (ch == ')') {
            if (--groups < 0)
                return false;
            quantifiable = true;
        } else if (ch == '*' || ch == '+' || ch == '?') {
            if (!quantifiable)
                return false;
            quantifiable = i + 1 < s.n && (s.p[i + 1] == '?' || s.p[i + 1] == '+');
        } else {
            quantifiable = ch != '|' && ch != '^';
        }
    }
    return !in_class && groups == 0;
}

struct bound {
    enum keyword low, high;
    bool is_size;
};

static void check_bounds(struct check *c, const struct members *s, const struct where *at)
{
    static const struct bound bounds[] = {
        {KW_MIN_LENGTH, KW_MAX_LENGTH, true},
        {KW_MIN_ITEMS, KW_MAX_ITEMS, true},
        {KW_MIN_PROPERTIES, KW_MAX_PROPERTIES, true},
        {KW_MINIMUM, KW_MAXIMUM, false},
    };
    for (size_t i = 0; i < RAC_COUNT(bounds); i++) {
        enum keyword ends[2] = {bounds[i].low, bounds[i].high};
        for (int e = 0; e < 2; e++) {
            const struct rac_json *v = member_value(s, ends[e]);
            rac_str name = rac_str_of(rac_check_keyword_text(ends[e]));
            struct where here = AT_KEY(at, name);
            if (v != NULL && bounds[i].is_size && rac_json_double(v, 0) < 0)
                FIND(c, SCH_07, &here, v, "{} is negative", name);
        }
        const struct rac_json *low = member_value(s, ends[0]), *high = member_value(s, ends[1]);
        if (low != NULL && high != NULL && rac_json_double(low, 0) > rac_json_double(high, 0)) {
            rac_str name = rac_str_of(rac_check_keyword_text(ends[0]));
            struct where here = AT_KEY(at, name);
            FIND_AS(c, SCH_07, LV_W, &here, low, "{} is above {}", name,
                    rac_str_of(rac_check_keyword_text(ends[1])));
        }
    }
}

static void check_facets(struct check *c, const struct members *s, const struct where *at)
{
    const struct rac_json *v = member_value(s, KW_PATTERN);
    if (v != NULL && !is_pattern(rac_json_str(v, RAC_S("")))) {
        struct where here = AT_LIT(at, "pattern");
        FIND(c, SCH_06, &here, v, "pattern \"{}\" is no regular expression",
             rac_json_str(v, RAC_S("")));
    }
    v = member_value(s, KW_MULTIPLE_OF);
    if (v != NULL && rac_json_double(v, 1) <= 0) {
        struct where here = AT_LIT(at, "multipleOf");
        FIND(c, SCH_06, &here, v, "multipleOf is not above zero");
    }
    static const enum keyword pairs[2][2] = {{KW_EXCLUSIVE_MAXIMUM, KW_MAXIMUM},
                                             {KW_EXCLUSIVE_MINIMUM, KW_MINIMUM}};
    for (int i = 0; i < 2; i++)
        if (rac_json_bool(member_value(s, pairs[i][0]), false) && !has_member(s, pairs[i][1])) {
            rac_str name = rac_str_of(rac_check_keyword_text(pairs[i][0]));
            struct where here = AT_KEY(at, name);
            FIND(c, SCH_06, &here, member_value(s, pairs[i][0]), "{} needs {}", name,
                 rac_str_of(rac_check_keyword_text(pairs[i][1])));
        }
    check_bounds(c, s, at);
}

/* x-ms-enum-values beside enum (EXT-02). */
static void check_enum_values(struct check *c, const struct members *s, const struct where *at)
{
    const struct rac_json *list = member_value(s, KW_X_ENUM_VALUES);
    const struct rac_json *values = member_value(s, KW_ENUM);
    struct where here = AT_LIT(at, "x-ms-enum-values");
    struct rac_map seen;
    struct check_set known;
    rac_map_init(&seen, c->a);
    rac_check_set_init(c, &known, values);
    size_t i = 0;
    RAC_JSON_EACH(e, list)
    {
        struct where item = AT_INDEX(&here, i++);
        const struct rac_json *v = RAC_JSON_GET(e, "value");
        const struct rac_json *label = RAC_JSON_GET(e, "displayName");
        if (v == NULL) {
            FIND(c, EXT_02, &item, e, "the entry has no value");
            continue;
        }
        rac_str text =
            rac_json_is_string(v) ? rac_json_str(v, RAC_S("")) : rac_json_print_str(v, 0, c->a);
        if (!rac_json_is_string(label))
            FIND(c, EXT_02, &item, e, "value \"{}\" has no displayName", text);
        if (!rac_map_add(&seen, text, e))
            FIND(c, EXT_02, &item, e, "value \"{}\" stands here twice", text);
        else if (!rac_check_set_has(c, &known, v))
            FIND(c, EXT_02, &item, e,
                 values != NULL ? "value \"{}\" is none of the values of enum"
                                : "value \"{}\" has no enum beside it",
                 text);
    }
}

static void check_format(struct check *c, const struct members *s, const struct where *at,
                         rac_str type)
{
    rac_str format = rac_check_str(s, KW_FORMAT);
    if (format.p == NULL || type.n == 0 || format_is_known(type, format))
        return;
    struct where here = AT_LIT(at, "format");
    FIND_AS(c, SCH_02, LV_W, &here, member_value(s, KW_FORMAT),
            "format \"{}\" is not known for type {}", format, type);
}

static void check_visibility(struct check *c, const struct members *s, const struct where *at)
{
    rac_str v = rac_check_str(s, KW_X_VISIBILITY);
    if (v.n == 0 || rac_str_eqi(v, RAC_S("none")) || rac_str_eqi(v, RAC_S("important")) ||
        rac_str_eqi(v, RAC_S("advanced")) || rac_str_eqi(v, RAC_S("internal")))
        return;
    struct where here = AT_LIT(at, "x-ms-visibility");
    FIND(c, DOC_03, &here, member_value(s, KW_X_VISIBILITY),
         "visibility \"{}\" is none of important, advanced, internal and none", v);
}

void rac_check_secret(struct check *c, const struct members *s, const struct where *at,
                      rac_str name)
{
    static const enum keyword places[] = {KW_DEFAULT, KW_EXAMPLE, KW_X_EXAMPLE, KW_X_TEST_VALUE};
    for (size_t i = 0; i < RAC_COUNT(places); i++) {
        const struct rac_json *v = member_value(s, places[i]);
        if (!rac_json_is_string(v) || !rac_api_looks_secret(name, rac_json_str(v, RAC_S(""))))
            continue;
        struct where here = AT_KEY(at, rac_str_of(rac_check_keyword_text(places[i])));
        FIND(c, SEC_03, &here, v,
             "the value looks like a secret; anyone with the file can read it");
    }
}

/* What every typed thing has: values, facets, format. */
void rac_check_values(struct check *c, const struct members *s, const struct where *at,
                      rac_str type)
{
    if (!rac_check_has_values(s))
        return; /* most schemas */
    bool nullable = rac_json_bool(member_value(s, KW_X_NULLABLE), false);
    if (has_member(s, KW_ENUM))
        check_enum(c, s, at, type, nullable);
    if (has_member(s, KW_DEFAULT))
        check_default(c, s, at, type, nullable);
    if (has_member(s, KW_X_ENUM_VALUES))
        check_enum_values(c, s, at);
    check_format(c, s, at, type);
    check_facets(c, s, at);
    check_visibility(c, s, at);
}

void rac_check_unknown_type(struct check *c, const struct members *s, const struct where *at,
                            rac_str type)
{
    struct where here = AT_LIT(at, "type");
    FIND(c, DOC_03, &here, member_value(s, KW_TYPE), "type \"{}\" is not known", type);
}

void rac_check_simple(struct check *c, const struct members *s, const struct rac_json *node,
                      const struct where *at)
{
    rac_str type = rac_check_str(s, KW_TYPE);
    if (type.n > 0 && (!rac_check_is_type(type) || rac_str_eq(type, RAC_S("object"))))
        rac_check_unknown_type(c, s, at, type);
    rac_check_values(c, s, at, type);
    rac_check_secret(c, s, at, rac_check_str(s, KW_NAME));
    const struct rac_json *items = member_value(s, KW_ITEMS);
    if (rac_str_eq(type, RAC_S("array")) && items == NULL)
        FIND(c, SCH_01, at, node, "an array has no items");
    if (items != NULL) {
        struct where here = AT_LIT(at, "items");
        struct members inner;
        if (rac_api_ref(items) != NULL) {
            rac_check_ref(c, items, &here, REF_SCHEMA);
            return;
        }
        rac_check_members(c, KIND_ITEMS, items, &here, &inner);
        rac_check_simple(c, &inner, items, &here);
    }
}
