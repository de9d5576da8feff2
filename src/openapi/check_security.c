/* Security schemes and requirements (SEC-01, SEC-02). */
#include "base/str.h"
#include "openapi/check_priv.h"

/* Which keys each type of scheme needs (2) or may have (1), besides type and description. */
struct scheme_row {
    rac_str type, flow;
    uint8_t name, in, flow_key, authorization, token, scopes;
};

static const struct scheme_row scheme_rows[] = {
    {RAC_S_INIT("basic"), RAC_S_INIT(""), 0, 0, 0, 0, 0, 0},
    {RAC_S_INIT("apiKey"), RAC_S_INIT(""), 2, 2, 0, 0, 0, 0},
    {RAC_S_INIT("oauth2"), RAC_S_INIT("accessCode"), 0, 0, 2, 2, 2, 2},
    {RAC_S_INIT("oauth2"), RAC_S_INIT("implicit"), 0, 0, 2, 2, 0, 2},
    {RAC_S_INIT("oauth2"), RAC_S_INIT("password"), 0, 0, 2, 0, 2, 2},
    {RAC_S_INIT("oauth2"), RAC_S_INIT("application"), 0, 0, 2, 0, 2, 2},
};

static void check_scheme_key(struct check *c, const struct members *s, enum keyword k, uint8_t need,
                             const struct rac_json *node, const struct where *at, rac_str type)
{
    rac_str key = rac_str_of(rac_check_keyword_text(k));
    if (need == 2 && !has_member(s, k))
        FIND(c, SEC_02, at, node, "a scheme of type {} needs \"{}\"", type, key);
    if (need == 0 && has_member(s, k)) {
        struct where here = AT_KEY(at, key);
        FIND_KEY(c, SEC_02, LV_TABLE, &here, s->m[k], "\"{}\" does not belong on type {}", key,
                 type);
    }
}

static const struct scheme_row *row_of(rac_str type, rac_str flow)
{
    const struct scheme_row *first = NULL;
    for (size_t i = 0; i < RAC_COUNT(scheme_rows); i++) {
        if (!rac_str_eq(type, scheme_rows[i].type))
            continue;
        if (first == NULL)
            first = &scheme_rows[i];
        if (rac_str_eq(flow, scheme_rows[i].flow))
            return &scheme_rows[i];
    }
    return first;
}

static void check_urls(struct check *c, const struct members *s, const struct where *at)
{
    static const enum keyword urls[] = {KW_AUTHORIZATION_URL, KW_TOKEN_URL};
    for (size_t i = 0; i < RAC_COUNT(urls); i++) {
        rac_str url = rac_check_str(s, urls[i]);
        rac_str key = rac_str_of(rac_check_keyword_text(urls[i]));
        struct where here = AT_KEY(at, key);
        if (url.p != NULL && !rac_check_is_absolute_url(url))
            FIND(c, DOC_07, &here, member_value(s, urls[i]), "{} \"{}\" is no absolute URL", key,
                 url);
    }
}

static void check_scheme(struct check *c, const struct rac_json *node, const struct where *at)
{
    struct members s;
    if (!rac_json_is_object(node)) {
        FIND(c, DOC_03, at, node, "a security scheme is an object, not {}",
             rac_json_type_name(node));
        return;
    }
    rac_check_members(c, KIND_SCHEME, node, at, &s);
    rac_str type = rac_check_str(&s, KW_TYPE), flow = rac_check_str(&s, KW_FLOW);
    const struct scheme_row *row = row_of(type, flow);
    if (row == NULL) {
        struct where here = AT_LIT(at, "type");
        FIND(c, SEC_02, type.p ? &here : at, type.p ? member_value(&s, KW_TYPE) : node,
             type.p ? "type \"{}\" is none of basic, apiKey and oauth2" : "a scheme needs a type",
             type);
        return;
    }
    check_scheme_key(c, &s, KW_NAME, row->name, node, at, type);
    check_scheme_key(c, &s, KW_IN, row->in, node, at, type);
    check_scheme_key(c, &s, KW_FLOW, row->flow_key, node, at, type);
    check_scheme_key(c, &s, KW_AUTHORIZATION_URL, row->authorization, node, at, type);
    check_scheme_key(c, &s, KW_TOKEN_URL, row->token, node, at, type);
    check_scheme_key(c, &s, KW_SCOPES, row->scopes, node, at, type);
    check_urls(c, &s, at);
    rac_str in = rac_check_str(&s, KW_IN);
    struct where here = AT_LIT(at, "in");
    if (row->in && in.p && !rac_str_eq(in, RAC_S("header")) && !rac_str_eq(in, RAC_S("query")))
        FIND(c, SEC_02, &here, member_value(&s, KW_IN),
             "\"in\" of an apiKey is header or query, not \"{}\"", in);
    here = AT_LIT(at, "flow");
    if (row->flow_key && flow.p && !rac_str_eq(flow, RAC_S("accessCode")))
        FIND(c, SEC_02, &here, member_value(&s, KW_FLOW),
             "flow \"{}\" cannot be used; connections sign in with accessCode", flow);
}

static void check_requirement(struct check *c, const struct rac_json *node, const struct where *at)
{
    RAC_JSON_EACH_MEMBER(m, node)
    {
        rac_str name = rac_json_key(m);
        struct where here = AT_KEY(at, name);
        const struct rac_json *scheme = rac_json_get(c->api->security_definitions, name);
        if (scheme == NULL) {
            FIND_KEY(c, SEC_01, LV_TABLE, &here, m, "security scheme \"{}\" is not defined", name);
            continue;
        }
        if (!rac_json_is_array(&m->value)) {
            FIND(c, SEC_01, &here, &m->value, "the requirement of \"{}\" is a list of scopes",
                 name);
            continue;
        }
        bool oauth =
            rac_str_eq(rac_json_str(RAC_JSON_GET(scheme, "type"), RAC_S("")), RAC_S("oauth2"));
        const struct rac_json *scopes = RAC_JSON_GET(scheme, "scopes");
        size_t i = 0;
        RAC_JSON_EACH(scope, &m->value)
        {
            struct where item = AT_INDEX(&here, i++);
            rac_str text = rac_json_str(scope, RAC_S(""));
            if (!oauth)
                FIND(c, SEC_01, &item, scope, "\"{}\" is not OAuth, so it has no scopes", name);
            else if (rac_json_get(scopes, text) == NULL)
                FIND(c, SEC_01, &item, scope, "scope \"{}\" is not declared by \"{}\"", text, name);
        }
    }
}

void rac_check_requirements(struct check *c, const struct rac_json *list, const struct where *at)
{
    size_t i = 0;
    RAC_JSON_EACH(requirement, list)
    {
        struct where here = AT_INDEX(at, i++);
        if (!rac_json_is_object(requirement))
            FIND(c, SEC_01, &here, requirement, "a security requirement is an object");
        else
            check_requirement(c, requirement, &here);
        if (rac_json_len(requirement) > 1)
            FIND_AS(c, SEC_02, LV_W, &here, requirement,
                    "several schemes are required at once; hosted products use the first one only");
    }
    if (rac_json_len(list) > 1)
        FIND_AS(c, SEC_02, LV_W, at, list,
                "several alternatives are given; hosted products use the first one only");
}

void rac_check_security(struct check *c)
{
    struct where list = AT_KEY(NULL, RAC_S("securityDefinitions"));
    RAC_JSON_EACH_MEMBER(m, c->api->security_definitions)
    {
        struct where here = AT_KEY(&list, rac_json_key(m));
        check_scheme(c, &m->value, &here);
    }
    const struct rac_json *security = RAC_JSON_GET(c->root, "security");
    struct where here = AT_KEY(NULL, RAC_S("security"));
    if (rac_json_is_array(security))
        rac_check_requirements(c, security, &here);
}
