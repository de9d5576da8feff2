/* apiProperties.json: its shape, connection parameters, policies and scripts. */
#include "base/map.h"
#include "base/str.h"
#include "connector/check_priv.h"
#include "connector/icon.h"
#include "connector/policy.h"

static rac_str str_of(const struct rac_json *o, const char *key)
{
    return rac_json_str(rac_json_get(o, rac_str_of(key)), RAC_S(""));
}

static bool is_one_of(rac_str s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rac_str_eqi(s, rac_str_of(words[i])))
            return true;
    return false;
}

/* --- the root ------------------------------------------------------------------------------- */

static const char *const known_keys[] = {
    "iconBrandColor",
    "connectionParameters",
    "connectionParameterSets",
    "capabilities",
    "policyTemplateInstances",
    "scriptOperations",
    "script",
    "publisher",
    "stackOwner",
};

static void unknown_key(struct package_check *c, const struct rac_json_member *m, rac_str pointer)
{
    rac_str key = rac_json_key(m), near = RAC_S("");
    for (size_t i = 0; i < RAC_COUNT(known_keys); i++) {
        rac_str known = rac_str_of(known_keys[i]);
        if (rac_str_eqi(key, known) || (key.n <= 64 && rac_str_distance(key, known) <= 2))
            near = known;
    }
    struct rac_diag *g;
    size_t before = c->d->n;
    if (near.n > 0)
        FOUND(c, PROP_02, BY_TABLE, pointer, "\"%.*s\" has no meaning; is \"%.*s\" meant?",
              RAC_FMT(key), RAC_FMT(near));
    else
        FOUND(c, PROP_02, BY_TABLE, pointer, "\"%.*s\" has no meaning here", RAC_FMT(key));
    if (c->d->n > before) {
        g = &c->d->v[c->d->n - 1];
        rac_document_place_key(c->properties, m, &g->line, &g->column, &g->end_line,
                               &g->end_column);
    }
}

static void check_keys(struct package_check *c)
{
    RAC_JSON_EACH_MEMBER(m, &c->properties->root)
    {
        rac_str key = rac_json_key(m);
        if (!rac_str_eq(key, RAC_S("properties")) && !rac_str_eq(key, RAC_S("$schema")))
            unknown_key(c, m, rac_json_pointer_join(c->a, RAC_S(""), key));
    }
    RAC_JSON_EACH_MEMBER(m, c->props)
    {
        bool known = false;
        for (size_t i = 0; i < RAC_COUNT(known_keys); i++)
            known |= rac_str_eq(rac_json_key(m), rac_str_of(known_keys[i]));
        if (!known)
            unknown_key(c, m, rac_json_pointer_join(c->a, RAC_S("/properties"), rac_json_key(m)));
    }
}

static void check_colour(struct package_check *c)
{
    const struct rac_json *node = RAC_JSON_GET(c->props, "iconBrandColor");
    rac_str colour = rac_json_str(node, RAC_S(""));
    uint8_t rgb[3];
    rac_str pointer = RAC_S("/properties/iconBrandColor");
    if (node == NULL) {
        FOUND(c, PROP_01, BY_TABLE, RAC_S("/properties"), "there is no iconBrandColor");
    } else if (!rac_icon_parse_colour(colour, rgb)) {
        FOUND(c, PROP_01, BY_TABLE, pointer, "iconBrandColor \"%.*s\" is not #RRGGBB",
              RAC_FMT(colour));
    } else if (c->independent) {
        if (!rac_str_eqi(colour, RAC_S("#da3b01")))
            FOUND(c, PROP_05, BY_TABLE, pointer,
                  "the colour of an independent publisher is #da3b01, not %.*s", RAC_FMT(colour));
    } else if (rac_str_eqi(colour, RAC_S("#007ee5")) || rac_str_eqi(colour, RAC_S("#ffffff"))) {
        FOUND(c, PROP_05, BY_TABLE, pointer, "%.*s is no brand colour", RAC_FMT(colour));
    }
}

static void check_capabilities(struct package_check *c)
{
    static const char *const known[] = {"actions", "triggers",   "gateway", "cloud only",
                                        "blob",    "composite",  "tabular", "cloud",
                                        "general", "vnetgateway"};
    const struct rac_json *list = RAC_JSON_GET(c->props, "capabilities");
    if (list == NULL)
        return;
    if (!rac_json_is_array(list)) {
        FOUND(c, PROP_02, BY_TABLE, RAC_S("/properties/capabilities"),
              "capabilities is a list, not %.*s", RAC_FMT(rac_json_type_name(list)));
        return;
    }
    size_t i = 0;
    RAC_JSON_EACH(e, list)
    {
        rac_str pointer = rac_arena_printf(c->a, "/properties/capabilities/%zu", i++);
        rac_str word = rac_json_str(e, RAC_S(""));
        if (rac_str_eqi(word, RAC_S("gateway")))
            FOUND(c, GW_01, BY_TABLE, pointer, "the connector asks for an on-premises gateway");
        else if (!is_one_of(word, known, RAC_COUNT(known)))
            FOUND(c, PROP_02, BY_TABLE, pointer, "capability \"%.*s\" is not known", RAC_FMT(word));
    }
}

static bool is_publisher_name(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_alnum(s.p[i]) && (unsigned char)s.p[i] < 0x80 &&
            (s.p[i] == 0 || strchr(" .,&'()-", s.p[i]) == NULL))
            return false;
    return true;
}

static void check_publisher(struct package_check *c)
{
    static const char *const keys[] = {"publisher", "stackOwner"};
    rac_str values[2];
    for (int i = 0; i < 2; i++) {
        rac_str value = values[i] = rac_str_trim(str_of(c->props, keys[i]));
        if (value.n == 0)
            FOUND(c, PROP_06, BY_TABLE, RAC_S("/properties"), "there is no %s", keys[i]);
        else if (!is_publisher_name(value))
            FOUND(c, PROP_06, BY_TABLE, rac_arena_printf(c->a, "/properties/%s", keys[i]),
                  "%s \"%.*s\" has characters other than letters, digits, blanks and .,&'()-",
                  keys[i], RAC_FMT(value));
    }
    if (c->independent && values[0].n > 0 && rac_str_eqi(values[0], values[1]))
        FOUND(c, PROP_06, BY_TABLE, RAC_S("/properties/stackOwner"),
              "an independent publisher does not own the service: publisher and stackOwner are the "
              "same");
}

/* --- connection parameters ------------------------------------------------------------------ */

static bool is_word(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_alnum(s.p[i]) && s.p[i] != '_')
            return false;
    return s.n > 0;
}

static bool is_param_name(rac_str name)
{
    rac_str rest, head = rac_str_cut(name, ':', &rest);
    return is_word(head) && (rest.p == NULL || is_word(rest));
}

static bool is_true(const struct rac_json *v)
{
    return rac_json_bool(v, false) || rac_str_eqi(rac_json_str(v, RAC_S("")), RAC_S("true"));
}

static rac_str value_of(const struct rac_json *custom, const char *name)
{
    return str_of(rac_json_geti(custom, rac_str_of(name)), "value");
}

/* A provider the engine has a row for, or one that names its endpoints. */
static void check_provider(struct package_check *c, rac_str name, const struct rac_json *settings,
                           rac_str pointer)
{
    static const char *const known[] = {
#define PROVIDER(alias, ...) alias,
#include "connector/providers.def"
#undef PROVIDER
    };
    rac_str provider = str_of(settings, "identityProvider");
    const struct rac_json *custom = RAC_JSON_GET(settings, "customParameters");
    bool plain = value_of(custom, "authorizationUrl").n > 0 && value_of(custom, "tokenUrl").n > 0;
    bool templates = value_of(custom, "authorizationUrlTemplate").n > 0 &&
                     value_of(custom, "tokenUrlTemplate").n > 0;
    rac_str grant = value_of(custom, "grantType");
    bool quiet = grant.n > 0 && !rac_str_eqi(grant, RAC_S("code"));
    plain |= quiet && value_of(custom, "tokenUrl").n > 0;
    if (provider.n == 0)
        FOUND(c, OA_01, BY_TABLE, pointer, "OAuth parameter \"%.*s\" names no identityProvider",
              RAC_FMT(name));
    else if (!is_one_of(provider, known, RAC_COUNT(known)) && !plain && !templates)
        FOUND(c, OA_01, BY_TABLE, pointer,
              "identity provider \"%.*s\" is not known, and its endpoints are not given",
              RAC_FMT(provider));
    else if (rac_str_eqi(provider, RAC_S("oauth2")) && !plain && !templates)
        FOUND(c, OA_01, BY_TABLE, pointer,
              "OAuth parameter \"%.*s\" lacks authorizationUrl or tokenUrl", RAC_FMT(name));
    else if (rac_str_eqi(provider, RAC_S("oauth2generic")) && !templates && !plain)
        FOUND(c, OA_01, BY_TABLE, pointer,
              "OAuth parameter \"%.*s\" lacks authorizationUrlTemplate or tokenUrlTemplate",
              RAC_FMT(name));
    else if (rac_str_eqi(provider, RAC_S("aad")) && value_of(custom, "resourceUri").n == 0 &&
             str_of(RAC_JSON_GET(settings, "properties"), "AzureActiveDirectoryResourceId").n == 0)
        FOUND(c, OA_01, BY_TABLE, pointer, "OAuth parameter \"%.*s\" lacks resourceUri",
              RAC_FMT(name));
}

static void check_type(struct package_check *c, rac_str name, const struct rac_json *param,
                       rac_str pointer)
{
    static const char *const usable[] = {"string", "securestring", "int",
                                         "bool",   "oauthSetting", "gatewaySetting"};
    static const char *const kept[] = {
        "array", "object", "secureObject", "clientCertificate", "managedIdentity", "connection"};
    rac_str type = str_of(param, "type"), at = rac_package_join(c, pointer, "type");
    if (type.n == 0)
        FOUND(c, PROP_03, BY_TABLE, pointer, "connection parameter \"%.*s\" has no type",
              RAC_FMT(name));
    else if (is_one_of(type, kept, RAC_COUNT(kept)))
        FOUND(c, PROP_04, BY_TABLE, at,
              "connection parameter \"%.*s\" is of type %.*s, which a connection cannot have yet",
              RAC_FMT(name), RAC_FMT(type));
    else if (!is_one_of(type, usable, RAC_COUNT(usable)))
        FOUND(c, PROP_03, BY_TABLE, at,
              "connection parameter \"%.*s\" has the unknown type \"%.*s\"", RAC_FMT(name),
              RAC_FMT(type));
    if (rac_str_eqi(type, RAC_S("gatewaySetting")))
        FOUND(c, GW_01, BY_TABLE, pointer, "connection parameter \"%.*s\" names a gateway",
              RAC_FMT(name));
    if (rac_str_eqi(type, RAC_S("oauthSetting"))) {
        const struct rac_json *settings = rac_json_geti(param, RAC_S("oAuthSettings"));
        if (rac_json_is_object(settings))
            check_provider(c, name, settings, rac_package_join(c, pointer, "oAuthSettings"));
        else
            FOUND(c, PROP_03, BY_TABLE, pointer, "OAuth parameter \"%.*s\" has no oAuthSettings",
                  RAC_FMT(name));
    }
}

static void check_param(struct package_check *c, rac_str name, const struct rac_json *param,
                        rac_str pointer, void *arg RAC_UNUSED)
{
    if (!rac_json_is_object(param)) {
        FOUND(c, PROP_03, BY_TABLE, pointer, "connection parameter \"%.*s\" is an object, not %.*s",
              RAC_FMT(name), RAC_FMT(rac_json_type_name(param)));
        return;
    }
    if (!is_param_name(name))
        FOUND(c, PROP_03, BY_TABLE, pointer,
              "the name of connection parameter \"%.*s\" has characters other than letters, digits "
              "and _",
              RAC_FMT(name));
    check_type(c, name, param, pointer);
    const struct rac_json *rules = RAC_JSON_GET(RAC_JSON_GET(param, "uiDefinition"), "constraints");
    bool has_default = RAC_JSON_GET(param, "defaultValue") != NULL ||
                       RAC_JSON_GET(rules, "default") != NULL ||
                       RAC_JSON_GET(param, "metadata") != NULL;
    bool hidden =
        is_true(RAC_JSON_GET(rules, "hidden")) || is_true(RAC_JSON_GET(rules, "hideInUI"));
    if (hidden && is_true(RAC_JSON_GET(rules, "required")) && !has_default)
        FOUND(c, PROP_08, BY_TABLE, pointer,
              "connection parameter \"%.*s\" is hidden and required, but has no default",
              RAC_FMT(name));
}

static void check_sets(struct package_check *c)
{
    const struct rac_json *sets = RAC_JSON_GET(c->props, "connectionParameterSets");
    if (sets == NULL)
        return;
    struct rac_map seen;
    size_t i = 0;
    rac_map_init(&seen, c->a);
    if (rac_json_len(RAC_JSON_GET(sets, "values")) == 0)
        FOUND(c, PROP_03, BY_TABLE, RAC_S("/properties/connectionParameterSets"),
              "connectionParameterSets has no values");
    RAC_JSON_EACH(set, RAC_JSON_GET(sets, "values"))
    {
        rac_str pointer =
            rac_arena_printf(c->a, "/properties/connectionParameterSets/values/%zu", i++);
        rac_str name = str_of(set, "name");
        bool good = name.n > 0 && name.n <= 64;
        for (size_t k = 0; k < name.n; k++)
            good = good && (rac_is_alnum(name.p[k]) || name.p[k] == '_' || name.p[k] == '-');
        if (!good)
            FOUND(c, PROP_03, BY_TABLE, pointer,
                  "the name \"%.*s\" of a parameter set is not 1 to 64 letters, digits, _ and -",
                  RAC_FMT(name));
        else if (!rac_map_add(&seen, name, set))
            FOUND(c, PROP_03, BY_TABLE, pointer, "parameter set \"%.*s\" stands here twice",
                  RAC_FMT(name));
    }
}

/* --- placeholders --------------------------------------------------------------------------- */

static bool is_placeholder(rac_str s)
{
    static const struct {
        rac_str open, close;
    } marks[] = {
        {RAC_S_INIT("[["), RAC_S_INIT("]]")},
        {RAC_S_INIT("<<"), RAC_S_INIT(">>")},
        {RAC_S_INIT("{{"), RAC_S_INIT("}}")},
    };
    for (size_t i = 0; i < RAC_COUNT(marks); i++) {
        size_t at = rac_str_find(s, marks[i].open);
        if (at != RAC_STR_NPOS && rac_str_find(rac_str_from(s, at), marks[i].close) != RAC_STR_NPOS)
            return true;
    }
    return rac_str_find(s, RAC_S("YOUR_")) != RAC_STR_NPOS;
}

/* The pointer of a finding, which is made only when the finding is going to be kept. */
static rac_str pointer_of(struct package_check *c, rac_str prefix, const struct rac_json_trail *at)
{
    return rac_diags_has_room(c->d) ? rac_json_trail_pointer(c->a, prefix, at) : RAC_STR_NULL;
}

static void find_placeholders(struct package_check *c, const struct rac_json *v,
                              const struct rac_json_trail *at, int depth)
{
    if (depth > 64)
        return;
    if (rac_json_is_string(v) && is_placeholder(rac_json_str(v, RAC_S(""))))
        FOUND(c, PROP_08, AS_WARNING, pointer_of(c, RAC_S("/properties"), at),
              "the placeholder \"%.*s\" is to be filled in", (int)(v->n > 100 ? 100 : v->n), v->s);
    RAC_JSON_EACH_MEMBER(m, v)
    {
        struct rac_json_trail here = {.up = at, .key = rac_json_key(m)};
        find_placeholders(c, &m->value, &here, depth + 1);
    }
    struct rac_json_trail here = {.up = at};
    RAC_JSON_EACH(e, v)
    {
        find_placeholders(c, e, &here, depth + 1);
        here.index++;
    }
}

void rac_package_check_properties(struct package_check *c)
{
    if (c->props == NULL) {
        FOUND(c, PROP_01, BY_TABLE,
              RAC_JSON_GET(&c->properties->root, "properties") ? RAC_S("/properties") : RAC_S(""),
              "the root has no object \"properties\"");
        return;
    }
    check_keys(c);
    check_colour(c);
    check_capabilities(c);
    check_publisher(c);
    rac_package_each_param(c, check_param, NULL);
    check_sets(c);
    find_placeholders(c, c->props, NULL, 0);
}

/* --- policies and scripts ------------------------------------------------------------------- */

static void check_operations(struct package_check *c, const struct rac_json *list, rac_str pointer)
{
    size_t i = 0;
    if (c->no_definition)
        return;
    RAC_JSON_EACH(e, list)
    {
        rac_str id = rac_json_str(e, RAC_S(""));
        rac_str at = rac_json_pointer_join_index(c->a, pointer, i++);
        if (rac_api_operation(c->api, id) == NULL)
            FOUND(c, PROP_07, BY_TABLE, at, "operation \"%.*s\" does not exist", RAC_FMT(id));
    }
}

struct names {
    struct rac_map map;
};

static void collect_name(struct package_check *c RAC_UNUSED, rac_str name,
                         const struct rac_json *param, rac_str pointer RAC_UNUSED, void *arg)
{
    rac_map_put(&((struct names *)arg)->map, name, (void *)param);
}

#define POLICIES "/properties/policyTemplateInstances"

/* Connection parameters that a text reads: @connectionParameters('name'...). */
static void check_reads(struct package_check *c, const struct names *names, rac_str text,
                        const struct rac_json_trail *where)
{
    static const rac_str function = RAC_S_INIT("connectionParameters(");
    for (size_t at = rac_str_findi(text, function); at != RAC_STR_NPOS;
         at = rac_str_findi(text, function)) {
        text = rac_str_trim(rac_str_from(text, at + function.n));
        if (text.n < 2 || text.p[0] != '\'')
            continue;
        rac_str rest, name = rac_str_cut(rac_str_from(text, 1), '\'', &rest);
        if (rest.p != NULL && !rac_map_has(&names->map, name))
            FOUND(c, PROP_07, BY_TABLE, pointer_of(c, RAC_S(POLICIES), where),
                  "connection parameter \"%.*s\" does not exist", RAC_FMT(name));
        text = rest;
    }
}

static void check_policy_reads(struct package_check *c, const struct names *names,
                               const struct rac_json *v, const struct rac_json_trail *at, int depth)
{
    if (depth > 64)
        return;
    if (rac_json_is_string(v))
        check_reads(c, names, rac_json_str(v, RAC_S("")), at);
    RAC_JSON_EACH_MEMBER(m, v)
    {
        struct rac_json_trail here = {.up = at, .key = rac_json_key(m)};
        check_policy_reads(c, names, &m->value, &here, depth + 1);
    }
    struct rac_json_trail here = {.up = at};
    RAC_JSON_EACH(e, v)
    {
        check_policy_reads(c, names, e, &here, depth + 1);
        here.index++;
    }
}

void rac_package_check_policies(struct package_check *c)
{
    const struct rac_json *policies = RAC_JSON_GET(c->props, "policyTemplateInstances");
    rac_str pointer = RAC_S(POLICIES);
    check_operations(c, RAC_JSON_GET(c->props, "scriptOperations"),
                     RAC_S("/properties/scriptOperations"));
    check_operations(c, RAC_JSON_GET(RAC_JSON_GET(c->props, "script"), "operationIds"),
                     RAC_S("/properties/script/operationIds"));
    if (policies == NULL)
        return;
    if (!rac_json_is_array(policies)) {
        FOUND(c, PROP_07, BY_TABLE, pointer, "policyTemplateInstances is a list, not %.*s",
              RAC_FMT(rac_json_type_name(policies)));
        return;
    }
    struct rac_diags found;
    rac_diags_init(&found, c->a, 1000);
    rac_policies_check(policies, NULL, c->a, &found);
    for (size_t i = 0; i < found.n; i++) {
        const struct rac_rule *rule = rac_rule_by_code(rac_str_of(found.v[i].code));
        rac_package_found(c, rule ? (enum rac_rule_id)(rule - rac_rules) : RAC_RULE_PROP_07,
                          BY_TABLE, c->properties,
                          rac_package_name(c->package, RAC_PACKAGE_PROPERTIES), found.v[i].pointer,
                          found.v[i].message);
    }
    size_t k = 0;
    RAC_JSON_EACH(policy, policies)
    {
        rac_str at = rac_arena_printf(c->a, "%.*s/%zu/parameters/x-ms-apimTemplate-operationName",
                                      RAC_FMT(pointer), k++);
        check_operations(
            c, RAC_JSON_GET(RAC_JSON_GET(policy, "parameters"), "x-ms-apimTemplate-operationName"),
            at);
    }
    struct names names;
    rac_map_init(&names.map, c->a);
    rac_package_each_param(c, collect_name, &names);
    check_policy_reads(c, &names, policies, NULL, 0);
}
