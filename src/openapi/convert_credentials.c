/*
 * What credentials ask of a connection (connectors.md §4.1, §4.9): connection parameters of each
 * kind, and parameter sets where a description offers alternatives.
 *
 * Parameters of sets are named after their schemes as soon as there are two keys, so that binding
 * (§4.2) never takes the value of one alternative for another. A bearer token gets its word
 * "Bearer" from a policy; beside alternatives it cannot, because the policy would write over the
 * credential of another set, and people type the word.
 */
#include "openapi/convert_credentials.h"

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
    struct rac_json *to = rac_connection_target(c);
    if (rac_json_get(to, RAC_S("token")) != NULL)
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
    RAC_JSON_PUT(c->a, to, "token", o);
    if (generic) {
        companions(c, s->authorization_url);
        companions(c, s->token_url);
        companions(c, s->refresh_url);
    }
    grant_fields(c, s->grant);
}

/* --- alternatives ------------------------------------------------------------------------------ */

static bool is_key(const struct rac_credential_scheme *s)
{
    return s->kind == RAC_SCHEME_KEY || s->kind == RAC_SCHEME_BEARER;
}

/* Keys of different names over all alternatives: 0, 1, or 2 for more. */
static size_t count_keys(const struct rac_alternatives *v)
{
    const struct rac_credential_scheme *first = NULL;
    for (size_t i = 0; i < v->n; i++)
        for (size_t k = 0; k < v->v[i].n; k++) {
            const struct rac_credential_scheme *s = v->v[i].schemes[k];
            if (is_key(s) && first != NULL && !rac_str_eq(first->name, s->name))
                return 2;
            if (is_key(s))
                first = s;
        }
    return first != NULL;
}

static rac_str key_name(struct rac_convert_state *c, const struct rac_credential_scheme *s,
                        size_t keys_n)
{
    static const rac_str taken[] = {RAC_S_INIT("token"), RAC_S_INIT("username"),
                                    RAC_S_INIT("password")};
    if (keys_n <= 1 || s->name.n == 0)
        return RAC_S("api_key");
    char *p = rac_arena_alloc(c->a, s->name.n + 1);
    for (size_t i = 0; i < s->name.n; i++)
        p[i] = rac_is_alnum(s->name.p[i]) ? s->name.p[i] : '_';
    rac_str name = {p, s->name.n};
    for (size_t i = 0; i < RAC_COUNT(taken); i++)
        if (rac_str_eqi(name, taken[i]))
            return rac_str_concat(c->a, name, RAC_S("_key"));
    return name;
}

static void add_key(struct rac_convert_state *c, const struct rac_credential_scheme *s,
                    size_t keys_n, bool in_set)
{
    rac_str name = key_name(c, s, keys_n), text = s->description;
    if (s->kind == RAC_SCHEME_KEY) {
        rac_connection_api_key(c, name, keys_n > 1 ? s->name : RAC_S("API key"),
                               text.n > 0 ? text : RAC_S("The key for this API"));
        return;
    }
    if (in_set)
        text = RAC_S("The word Bearer, a blank, and the token for this API");
    else if (text.n == 0)
        text = RAC_S("The token for this API, without the word Bearer");
    rac_connection_api_key(c, name, RAC_S("Bearer token"), text);
    if (!in_set && s->used)
        rac_policy_bearer(c, name, s->operations);
}

static void add_schemes(struct rac_convert_state *c, const struct rac_alternative *v, size_t keys_n,
                        bool in_set)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct rac_credential_scheme *s = v->schemes[i];
        if (s->kind == RAC_SCHEME_BASIC)
            rac_connection_basic(c);
        else if (s->kind == RAC_SCHEME_OAUTH)
            rac_connection_oauth(c, &s->oauth);
        else
            add_key(c, s, keys_n, in_set);
    }
}

static rac_str names_of(struct rac_convert_state *c, const struct rac_alternative *v)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 16);
    for (size_t i = 0; i < v->n; i++)
        rac_buf_printf(&b, "%s%.*s", i > 0 ? ", " : "", RAC_FMT(v->schemes[i]->name));
    return rac_buf_finish(&b, c->a);
}

static rac_str label_of(struct rac_convert_state *c, const struct rac_alternative *v)
{
    static const char *const labels[] = {
        [RAC_SCHEME_BASIC] = "User name and password",
        [RAC_SCHEME_KEY] = "API key",
        [RAC_SCHEME_BEARER] = "Bearer token",
        [RAC_SCHEME_OAUTH] = "Sign in",
    };
    if (v->n == 0)
        return RAC_S("No sign-in");
    return v->n == 1 ? rac_str_of(labels[v->schemes[0]->kind]) : names_of(c, v);
}

static bool label_is_taken(const struct rac_json *sets, rac_str label)
{
    RAC_JSON_EACH(e, sets)
    {
        if (rac_str_eq(rac_json_str(RAC_JSON_GET(RAC_JSON_GET(e, "uiDefinition"), "displayName"),
                                    RAC_S("")),
                       label))
            return true;
    }
    return false;
}

/* §4.9: ^[A-Za-z0-9_-]{1,64}$, and unique. */
static rac_str set_name(struct rac_convert_state *c, const struct rac_alternative *v)
{
    enum { NAME_MAX_N = 56 };
    rac_str names = v->n == 0 ? RAC_S("anonymous") : names_of(c, v);
    char *p = rac_arena_alloc(c->a, names.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < names.n && n < NAME_MAX_N; i++)
        if (rac_is_alnum(names.p[i]) || names.p[i] == '-' || names.p[i] == '_')
            p[n++] = names.p[i];
        else if (n > 0 && p[n - 1] != '_')
            p[n++] = '_';
    rac_str base = n > 0 ? (rac_str){p, n} : RAC_S("set"), out = base;
    for (unsigned k = 2; k <= RAC_ALTERNATIVES_MAX + 2; k++) {
        bool taken = false;
        RAC_JSON_EACH(e, &c->sets)
        {
            taken = taken || rac_str_eqi(rac_json_str(RAC_JSON_GET(e, "name"), RAC_S("")), out);
        }
        if (!taken)
            break;
        out = rac_arena_printf(c->a, "%.*s_%u", RAC_FMT(base), k);
    }
    return out;
}

static void add_set(struct rac_convert_state *c, const struct rac_alternative *v, size_t keys_n)
{
    struct rac_json o = rac_json_new_object(c->a), ui = rac_json_new_object(c->a);
    struct rac_json parameters = rac_json_new_object(c->a);
    rac_str label = label_of(c, v);
    if (label_is_taken(&c->sets, label))
        label = rac_arena_printf(c->a, "%.*s (%.*s)", RAC_FMT(label), RAC_FMT(names_of(c, v)));
    RAC_JSON_PUT_STR(c->a, &o, "name", set_name(c, v));
    RAC_JSON_PUT_STR(c->a, &ui, "displayName", label);
    if (v->n == 1 && v->schemes[0]->description.n > 0)
        RAC_JSON_PUT_STR(c->a, &ui, "description", v->schemes[0]->description);
    RAC_JSON_PUT(c->a, &o, "uiDefinition", ui);
    c->set = &parameters;
    add_schemes(c, v, keys_n, true);
    c->set = NULL;
    RAC_JSON_PUT(c->a, &o, "parameters", parameters);
    rac_json_add(c->a, &c->sets, o);
}

void rac_connection_alternatives(struct rac_convert_state *c, const struct rac_alternatives *v)
{
    size_t keys_n = count_keys(v);
    if (v->n == 0)
        return;
    if (v->n == 1) {
        c->optional = v->optional;
        add_schemes(c, &v->v[0], keys_n, false);
        c->optional = false;
        return;
    }
    for (size_t i = 0; i < v->n; i++)
        add_set(c, &v->v[i], keys_n);
    if (v->optional)
        add_set(c, &(struct rac_alternative){0}, keys_n);
}

/* --- which requirements ------------------------------------------------------------------------ */

/* The names of a requirement, for comparing two. */
rac_str rac_requirement_word(struct rac_arena *a, const struct rac_json *requirement)
{
    struct rac_json names = rac_json_new_object(a);
    RAC_JSON_EACH_MEMBER(m, requirement)
    {
        rac_json_put(a, &names, rac_json_key(m), rac_json_of_bool(true));
    }
    return rac_json_print_str(&names, RAC_JSON_SORTED, a);
}

struct vote {
    const struct rac_json *requirement;
    size_t n;
};

static bool has_word(struct rac_arena *a, const struct rac_requirements *r, rac_str word)
{
    for (size_t i = 0; i < r->n; i++)
        if (rac_str_eq(rac_requirement_word(a, r->v[i]), word))
            return true;
    return false;
}

static void take(struct rac_arena *a, const struct rac_json *list,
                 const struct rac_requirement_rule *rule, struct rac_requirements *out)
{
    RAC_JSON_EACH(req, list)
    {
        if (!rule->usable(rule->arg, req)) {
            out->optional = out->optional || (rac_json_is_object(req) && rac_json_len(req) == 0);
            continue;
        }
        if (has_word(a, out, rac_requirement_word(a, req)))
            continue;
        if (out->n < RAC_ALTERNATIVES_MAX)
            out->v[out->n++] = req;
        else
            out->more++;
    }
}

/* The requirement that most operations list. */
static const struct rac_json *most_used(struct rac_arena *a, const struct rac_json *paths,
                                        const struct rac_requirement_rule *rule)
{
    struct rac_map votes;
    const struct vote *best = NULL;
    rac_map_init(&votes, a);
    RAC_JSON_EACH_MEMBER(path, paths)
    {
        RAC_JSON_EACH_MEMBER(op, &path->value)
        {
            RAC_JSON_EACH(req, RAC_JSON_GET(&op->value, "security"))
            {
                if (!rule->usable(rule->arg, req))
                    continue;
                rac_str word = rac_requirement_word(a, req);
                struct vote *v = rac_map_get(&votes, word);
                if (v == NULL) {
                    v = RAC_NEW(a, struct vote);
                    v->requirement = req;
                    rac_map_put(&votes, word, v);
                }
                v->n++;
            }
        }
    }
    for (size_t i = 0; i < votes.n; i++) {
        const struct vote *v = votes.entries[i].value;
        if (best == NULL || v->n > best->n)
            best = v;
    }
    return best != NULL ? best->requirement : NULL;
}

void rac_requirements_find(struct rac_arena *a, const struct rac_json *root,
                           const struct rac_requirement_rule *rule, struct rac_requirements *out)
{
    const struct rac_json *paths = RAC_JSON_GET(root, "paths");
    *out = (struct rac_requirements){0};
    take(a, RAC_JSON_GET(root, "security"), rule, out);
    out->from_root = out->n > 0;
    if (out->from_root)
        return;
    out->optional = false;
    const struct rac_json *best = most_used(a, paths, rule);
    if (best == NULL)
        return;
    out->v[out->n++] = best;
    rac_str word = rac_requirement_word(a, best);
    RAC_JSON_EACH_MEMBER(path, paths)
    {
        RAC_JSON_EACH_MEMBER(op, &path->value)
        {
            const struct rac_json *list = RAC_JSON_GET(&op->value, "security");
            bool with_best = false;
            RAC_JSON_EACH(req, list)
            {
                with_best = with_best || rac_str_eq(rac_requirement_word(a, req), word);
            }
            if (with_best && rac_json_len(list) > 1)
                take(a, list, rule, out);
        }
    }
    out->optional = false; /* of some operations only */
}

/* --- OpenAPI 2.0 ------------------------------------------------------------------------------- */

struct scopes {
    struct rac_convert_state *c;
    rac_str scheme;
    struct rac_map seen;
    struct rac_json out;
};

static void take_scopes(struct scopes *v, const struct rac_json *security)
{
    RAC_JSON_EACH(req, security)
    {
        RAC_JSON_EACH(s, rac_json_get(req, v->scheme))
        {
            if (rac_json_is_string(s) && rac_map_add(&v->seen, rac_json_str(s, RAC_S("")), v->c))
                rac_json_add(v->c->a, &v->out, *s);
        }
    }
}

/* The scopes that root and operations ask of a scheme, each once. */
static struct rac_json scope_names(struct rac_convert_state *c, const struct rac_json *definition,
                                   rac_str scheme)
{
    struct scopes v = {.c = c, .scheme = scheme, .out = rac_json_new_array(c->a)};
    rac_map_init(&v.seen, c->a);
    take_scopes(&v, RAC_JSON_GET(definition, "security"));
    RAC_JSON_EACH_MEMBER(path, RAC_JSON_GET(definition, "paths"))
    {
        RAC_JSON_EACH_MEMBER(op, &path->value)
        {
            take_scopes(&v, RAC_JSON_GET(&op->value, "security"));
        }
    }
    return v.out;
}

static bool defined(void *arg, const struct rac_json *requirement)
{
    RAC_JSON_EACH_MEMBER(m, requirement)
    {
        if (rac_json_is_object(rac_json_get(arg, rac_json_key(m))))
            return true;
    }
    return false;
}

static const struct rac_credential_scheme *scheme_of(struct rac_convert_state *c,
                                                     const struct rac_json *definition,
                                                     rac_str name, const struct rac_json *scheme)
{
    rac_str type = rac_json_str(RAC_JSON_GET(scheme, "type"), RAC_S(""));
    struct rac_credential_scheme *s = RAC_NEW(c->a, struct rac_credential_scheme);
    s->name = name;
    s->description = rac_json_str(RAC_JSON_GET(scheme, "description"), RAC_S(""));
    if (rac_str_eq(type, RAC_S("basic"))) {
        s->kind = RAC_SCHEME_BASIC;
    } else if (rac_str_eq(type, RAC_S("apiKey"))) {
        s->kind = RAC_SCHEME_KEY;
    } else if (rac_str_eq(type, RAC_S("oauth2"))) {
        struct rac_json *scopes = RAC_NEW(c->a, struct rac_json);
        rac_str flow = rac_json_str(RAC_JSON_GET(scheme, "flow"), RAC_S(""));
        *scopes = scope_names(c, definition, name);
        s->kind = RAC_SCHEME_OAUTH;
        s->oauth = (struct rac_oauth_spec){
            .grant = rac_str_eq(flow, RAC_S("application")) ? RAC_FLOW_CLIENT
                     : rac_str_eq(flow, RAC_S("password"))  ? RAC_FLOW_PASSWORD
                                                            : RAC_FLOW_CODE,
            .authorization_url = rac_json_str(RAC_JSON_GET(scheme, "authorizationUrl"), RAC_S("")),
            .token_url = rac_json_str(RAC_JSON_GET(scheme, "tokenUrl"), RAC_S("")),
            .scopes = scopes};
    } else {
        return NULL;
    }
    return s;
}

static struct rac_alternative alternative_of(struct rac_convert_state *c,
                                             const struct rac_json *definition,
                                             const struct rac_json *requirement)
{
    const struct rac_json *schemes = RAC_JSON_GET(definition, "securityDefinitions");
    struct rac_alternative v = {0};
    v.schemes = RAC_NEW_N(c->a, const struct rac_credential_scheme *, rac_json_len(requirement));
    RAC_JSON_EACH_MEMBER(m, requirement)
    {
        const struct rac_json *d = rac_json_get(schemes, rac_json_key(m));
        const struct rac_credential_scheme *s =
            d != NULL ? scheme_of(c, definition, rac_json_key(m), d) : NULL;
        if (s != NULL)
            v.schemes[v.n++] = s;
    }
    return v;
}

/* Nothing asks for one: the only scheme, else the first of them (§4.2 rule 1). */
static void take_first(struct rac_convert_state *c, const struct rac_json *definition,
                       struct rac_requirements *found)
{
    const struct rac_json *schemes = RAC_JSON_GET(definition, "securityDefinitions");
    const struct rac_json *security = RAC_JSON_GET(definition, "security");
    if (!rac_json_is_object(schemes) || rac_json_len(schemes) == 0 ||
        (rac_json_is_array(security) && rac_json_len(security) == 0))
        return;
    struct rac_json *only = RAC_NEW(c->a, struct rac_json);
    *only = rac_json_new_object(c->a);
    rac_json_put(c->a, only, rac_json_key(rac_json_member_at(schemes, 0)),
                 rac_json_new_array(c->a));
    found->v[found->n++] = only;
}

void rac_connections_from_definition(struct rac_convert_state *c, const struct rac_json *definition)
{
    struct rac_requirements found;
    struct rac_alternative v[RAC_ALTERNATIVES_MAX];
    struct rac_alternatives all = {.v = v};
    struct rac_requirement_rule rule = {
        defined, (void *)(uintptr_t)RAC_JSON_GET(definition, "securityDefinitions")};
    rac_requirements_find(c->a, definition, &rule, &found);
    if (found.n == 0)
        take_first(c, definition, &found);
    for (size_t i = 0; i < found.n; i++) {
        v[all.n] = alternative_of(c, definition, found.v[i]);
        all.n += v[all.n].n > 0;
    }
    all.optional = found.optional;
    rac_connection_alternatives(c, &all);
}
