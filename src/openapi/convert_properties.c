/*
 * The builder of apiProperties.json (connectors.md §1.3, §4): connection parameters of each kind
 * of credential, policies, and the properties of a definition that came without any.
 */
#include "openapi/convert_priv.h"

#define P "x-ms-apimTemplateParameter."

static struct rac_json constraints_of(struct rac_convert_state *c,
                                      const struct rac_connection_field *f)
{
    struct rac_json o = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, &o, "required", f->required ? RAC_S("true") : RAC_S("false"));
    if (rac_str_eq(f->type, RAC_S("securestring")))
        RAC_JSON_PUT(c->a, &o, "clearText", rac_json_of_bool(false));
    RAC_JSON_PUT(c->a, &o, "tabIndex", rac_json_of_int((int64_t)++c->tab_index));
    if (rac_json_len(f->allowed) > 0) {
        struct rac_json list = rac_json_new_array(c->a);
        RAC_JSON_EACH(v, f->allowed)
        {
            struct rac_json one = rac_json_new_object(c->a);
            RAC_JSON_PUT(c->a, &one, "text", *v);
            RAC_JSON_PUT(c->a, &one, "value", *v);
            rac_json_add(c->a, &list, one);
        }
        RAC_JSON_PUT(c->a, &o, "allowedValues", list);
    }
    return o;
}

void rac_connection_add(struct rac_convert_state *c, const struct rac_connection_field *f)
{
    if (rac_json_get(&c->connection_parameters, f->name) != NULL)
        return;
    struct rac_json o = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, &o, "type", f->type);
    if (f->default_value.n > 0)
        RAC_JSON_PUT_STR(c->a, &o, "defaultValue", f->default_value);
    struct rac_json ui = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, &ui, "displayName", f->display.n > 0 ? f->display : f->name);
    if (f->description.n > 0) {
        RAC_JSON_PUT_STR(c->a, &ui, "description", f->description);
        RAC_JSON_PUT_STR(c->a, &ui, "tooltip", f->description);
    }
    RAC_JSON_PUT(c->a, &ui, "constraints", constraints_of(c, f));
    RAC_JSON_PUT(c->a, &o, "uiDefinition", ui);
    rac_json_put(c->a, &c->connection_parameters, f->name, o);
}

void rac_connection_basic(struct rac_convert_state *c)
{
    rac_connection_add(
        c, &(struct rac_connection_field){.name = RAC_S("username"),
                                          .type = RAC_S("string"),
                                          .display = RAC_S("User name"),
                                          .description = RAC_S("The user name for this API"),
                                          .required = true});
    rac_connection_add(
        c, &(struct rac_connection_field){.name = RAC_S("password"),
                                          .type = RAC_S("securestring"),
                                          .display = RAC_S("Password"),
                                          .description = RAC_S("The password for this API"),
                                          .required = true});
}

void rac_connection_api_key(struct rac_convert_state *c, rac_str name, rac_str display,
                            rac_str description)
{
    rac_connection_add(c, &(struct rac_connection_field){.name = name,
                                                         .type = RAC_S("securestring"),
                                                         .display = display,
                                                         .description = description,
                                                         .required = true});
}

static void custom_parameter(struct rac_convert_state *c, struct rac_json *o, rac_str name,
                             rac_str value)
{
    struct rac_json v = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, &v, "value", value);
    rac_json_put(c->a, o, name, v);
}

/* Every {name} of a URL becomes a companion parameter token:name. */
static void companions(struct rac_convert_state *c, rac_str url)
{
    for (size_t i = 0; i < url.n; i++) {
        if (url.p[i] != '{')
            continue;
        rac_str rest = rac_str_from(url, i + 1);
        size_t end = rac_str_find_char(rest, '}');
        if (end == RAC_STR_NPOS || end == 0)
            return;
        rac_str name = rac_str_sub(rest, 0, end);
        rac_connection_add(c, &(struct rac_connection_field){
                                  .name = rac_str_concat(c->a, RAC_S("token:"), name),
                                  .type = RAC_S("string"),
                                  .display = name,
                                  .description = RAC_S("Part of the address where you sign in"),
                                  .required = true});
    }
}

static void grant_fields(struct rac_convert_state *c, enum rac_oauth_flow grant)
{
    static const struct {
        enum rac_oauth_flow grant;
        rac_str name, type, display;
    } rows[] = {
        {RAC_FLOW_CLIENT, RAC_S_INIT("token:clientId"), RAC_S_INIT("string"),
         RAC_S_INIT("Client ID")},
        {RAC_FLOW_CLIENT, RAC_S_INIT("token:clientSecret"), RAC_S_INIT("securestring"),
         RAC_S_INIT("Client secret")},
        {RAC_FLOW_PASSWORD, RAC_S_INIT("token:username"), RAC_S_INIT("string"),
         RAC_S_INIT("User name")},
        {RAC_FLOW_PASSWORD, RAC_S_INIT("token:password"), RAC_S_INIT("securestring"),
         RAC_S_INIT("Password")},
    };
    for (size_t i = 0; i < RAC_COUNT(rows); i++)
        if (rows[i].grant == grant)
            rac_connection_add(c, &(struct rac_connection_field){.name = rows[i].name,
                                                                 .type = rows[i].type,
                                                                 .display = rows[i].display,
                                                                 .required = true});
}

static struct rac_json custom_parameters(struct rac_convert_state *c,
                                         const struct rac_oauth_spec *s, bool generic)
{
    struct rac_json o = rac_json_new_object(c->a);
    rac_str refresh = s->refresh_url.n > 0 ? s->refresh_url : s->token_url;
    if (s->authorization_url.n > 0)
        custom_parameter(c, &o,
                         generic ? RAC_S("authorizationUrlTemplate") : RAC_S("authorizationUrl"),
                         s->authorization_url);
    custom_parameter(c, &o, generic ? RAC_S("tokenUrlTemplate") : RAC_S("tokenUrl"), s->token_url);
    custom_parameter(c, &o, generic ? RAC_S("refreshUrlTemplate") : RAC_S("refreshUrl"), refresh);
    if (s->grant != RAC_FLOW_CODE)
        custom_parameter(c, &o, RAC_S("grantType"),
                         s->grant == RAC_FLOW_CLIENT ? RAC_S("client_credentials")
                                                     : RAC_S("password"));
    return o;
}

void rac_connection_oauth(struct rac_convert_state *c, const struct rac_oauth_spec *s)
{
    if (rac_json_get(&c->connection_parameters, RAC_S("token")) != NULL)
        return;
    bool generic = rac_str_find_char(s->authorization_url, '{') != RAC_STR_NPOS ||
                   rac_str_find_char(s->token_url, '{') != RAC_STR_NPOS ||
                   rac_str_find_char(s->refresh_url, '{') != RAC_STR_NPOS;
    struct rac_json settings = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, &settings, "identityProvider",
                     generic ? RAC_S("oauth2generic") : RAC_S("oauth2"));
    RAC_JSON_PUT_STR(c->a, &settings, "clientId", RAC_S(""));
    RAC_JSON_PUT(c->a, &settings, "scopes",
                 s->scopes != NULL ? *s->scopes : rac_json_new_array(c->a));
    RAC_JSON_PUT_STR(c->a, &settings, "redirectMode", RAC_S("GlobalPerConnector"));
    RAC_JSON_PUT(c->a, &settings, "customParameters", custom_parameters(c, s, generic));
    struct rac_json o = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, &o, "type", RAC_S("oauthSetting"));
    RAC_JSON_PUT(c->a, &o, "oAuthSettings", settings);
    RAC_JSON_PUT(c->a, &c->connection_parameters, "token", o);
    if (generic) {
        companions(c, s->authorization_url);
        companions(c, s->token_url);
        companions(c, s->refresh_url);
    }
    grant_fields(c, s->grant);
}

struct rac_json *rac_policy_add(struct rac_convert_state *c, rac_str template_id, rac_str title,
                                const struct rac_json *operations)
{
    struct rac_json params = rac_json_new_object(c->a);
    if (rac_json_len(operations) > 0)
        RAC_JSON_PUT(c->a, &params, "x-ms-apimTemplate-operationName", *operations);
    struct rac_json o = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, &o, "templateId", template_id);
    RAC_JSON_PUT_STR(c->a, &o, "title", title);
    struct rac_json *place = rac_json_add(c->a, &c->policies, o);
    return RAC_JSON_PUT(c->a, place, "parameters", params);
}

void rac_policy_host(struct rac_convert_state *c, rac_str url_template,
                     const struct rac_json *operations)
{
    struct rac_json *p =
        rac_policy_add(c, RAC_S("dynamichosturl"), RAC_S("Set the host"), operations);
    RAC_JSON_PUT_STR(c->a, p, P "urlTemplate", url_template);
}

void rac_policy_bearer(struct rac_convert_state *c, rac_str parameter,
                       const struct rac_json *operations)
{
    struct rac_json *p =
        rac_policy_add(c, RAC_S("setheader"), RAC_S("Send the bearer token"), operations);
    RAC_JSON_PUT_STR(c->a, p, P "name", RAC_S("Authorization"));
    RAC_JSON_PUT_STR(
        c->a, p, P "value",
        rac_arena_printf(c->a, "Bearer @connectionParameters('%.*s')", RAC_FMT(parameter)));
    RAC_JSON_PUT_STR(c->a, p, P "existsAction", RAC_S("override"));
    RAC_JSON_PUT_STR(c->a, p, "x-ms-apimTemplate-policySection", RAC_S("Request"));
}

struct rac_json rac_properties_build(struct rac_convert_state *c)
{
    struct rac_json p = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, &p, "iconBrandColor", RAC_S("#007ee5"));
    RAC_JSON_PUT(c->a, &p, "capabilities", rac_json_new_array(c->a));
    RAC_JSON_PUT(c->a, &p, "connectionParameters", c->connection_parameters);
    RAC_JSON_PUT(c->a, &p, "policyTemplateInstances", c->policies);
    struct rac_json root = rac_json_new_object(c->a);
    RAC_JSON_PUT(c->a, &root, "properties", p);
    return root;
}

/* --- from securityDefinitions ---------------------------------------------------------------- */

/* Name of the effective scheme (§4.2 rule 1), or absent. */
static rac_str effective_scheme(const struct rac_json *definition, const struct rac_json *schemes)
{
    const struct rac_json *security = RAC_JSON_GET(definition, "security");
    RAC_JSON_EACH(req, security)
    {
        RAC_JSON_EACH_MEMBER(m, req)
        {
            if (rac_json_get(schemes, rac_json_key(m)) != NULL)
                return rac_json_key(m);
        }
    }
    if (rac_json_len(schemes) == 0 || (rac_json_is_array(security) && rac_json_len(security) == 0))
        return RAC_STR_NULL;
    if (rac_json_len(schemes) == 1)
        return rac_json_key(rac_json_member_at(schemes, 0));
    /* several and no root requirement: the first one an operation names */
    RAC_JSON_EACH_MEMBER(path, RAC_JSON_GET(definition, "paths"))
    {
        RAC_JSON_EACH_MEMBER(op, &path->value)
        {
            const struct rac_json *own = RAC_JSON_GET(&op->value, "security");
            const struct rac_json_member *m = rac_json_member_at(rac_json_at(own, 0), 0);
            if (m != NULL && rac_json_get(schemes, rac_json_key(m)) != NULL)
                return rac_json_key(m);
        }
    }
    return rac_json_key(rac_json_member_at(schemes, 0));
}

static struct rac_json scope_names(struct rac_convert_state *c, const struct rac_json *definition,
                                   rac_str scheme)
{
    struct rac_json out = rac_json_new_array(c->a);
    RAC_JSON_EACH(req, RAC_JSON_GET(definition, "security"))
    {
        RAC_JSON_EACH(s, rac_json_get(req, scheme))
        {
            if (rac_json_is_string(s))
                rac_json_add_string_once(c->a, &out, rac_json_str(s, RAC_S("")));
        }
    }
    RAC_JSON_EACH_MEMBER(path, RAC_JSON_GET(definition, "paths"))
    {
        RAC_JSON_EACH_MEMBER(op, &path->value)
        {
            RAC_JSON_EACH(req, RAC_JSON_GET(&op->value, "security"))
            {
                RAC_JSON_EACH(s, rac_json_get(req, scheme))
                {
                    if (rac_json_is_string(s))
                        rac_json_add_string_once(c->a, &out, rac_json_str(s, RAC_S("")));
                }
            }
        }
    }
    return out;
}

static void connection_of_scheme(struct rac_convert_state *c, const struct rac_json *definition,
                                 rac_str name, const struct rac_json *scheme)
{
    rac_str type = rac_json_str(RAC_JSON_GET(scheme, "type"), RAC_S(""));
    rac_str description = rac_json_str(RAC_JSON_GET(scheme, "description"), RAC_S(""));
    if (rac_str_eq(type, RAC_S("basic"))) {
        rac_connection_basic(c);
    } else if (rac_str_eq(type, RAC_S("apiKey"))) {
        rac_connection_api_key(c, RAC_S("api_key"), RAC_S("API key"),
                               description.n > 0 ? description : RAC_S("The key for this API"));
    } else if (rac_str_eq(type, RAC_S("oauth2"))) {
        struct rac_json scopes = scope_names(c, definition, name);
        rac_str flow = rac_json_str(RAC_JSON_GET(scheme, "flow"), RAC_S(""));
        struct rac_oauth_spec s = {
            .grant = rac_str_eq(flow, RAC_S("application")) ? RAC_FLOW_CLIENT
                     : rac_str_eq(flow, RAC_S("password"))  ? RAC_FLOW_PASSWORD
                                                            : RAC_FLOW_CODE,
            .authorization_url = rac_json_str(RAC_JSON_GET(scheme, "authorizationUrl"), RAC_S("")),
            .token_url = rac_json_str(RAC_JSON_GET(scheme, "tokenUrl"), RAC_S("")),
            .scopes = &scopes};
        rac_connection_oauth(c, &s);
    }
}

void rac_connections_from_definition(struct rac_convert_state *c, const struct rac_json *definition)
{
    const struct rac_json *schemes = RAC_JSON_GET(definition, "securityDefinitions");
    rac_str name = effective_scheme(definition, schemes);
    if (name.p != NULL)
        connection_of_scheme(c, definition, name, rac_json_get(schemes, name));
}

struct rac_json rac_convert_properties(const struct rac_json *definition, struct rac_arena *a)
{
    struct rac_convert_state c;
    rac_convert_begin(&c, NULL, &(struct rac_convert_options){0}, a, NULL);
    rac_connections_from_definition(&c, definition);
    return rac_properties_build(&c);
}
