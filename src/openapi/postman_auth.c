/*
 * Which credential a collection uses (connectors.md §2.3.8): that of the collection, else the one
 * most of its requests use. Secrets are read only to know what must not be written.
 */
#include "openapi/postman_priv.h"

/* The kinds of §2.3.8; ORDER of the table is of no matter. */
enum scheme { S_NONE, S_BASIC, S_KEY, S_BEARER, S_OAUTH, S_UNSUPPORTED };

struct pm_chosen {
    enum scheme scheme;
    const struct pm_auth *auth;
    rac_str key, in; /* S_KEY */
};

static enum scheme scheme_of(rac_str type)
{
    static const struct {
        rac_str type;
        enum scheme scheme;
    } rows[] = {
        {RAC_S_INIT("noauth"), S_NONE},  {RAC_S_INIT("basic"), S_BASIC},
        {RAC_S_INIT("apikey"), S_KEY},   {RAC_S_INIT("bearer"), S_BEARER},
        {RAC_S_INIT("oauth2"), S_OAUTH},
    };
    for (size_t i = 0; i < RAC_COUNT(rows); i++)
        if (rac_str_eqi(type, rows[i].type))
            return rows[i].scheme;
    return type.n == 0 ? S_NONE : S_UNSUPPORTED;
}

static rac_str value_of(struct pm *p, const struct pm_auth *auth, const char *name)
{
    return pm_text(p, rac_map_get(&auth->values, rac_str_of(name)));
}

/* Auth said by an Authorization header instead of the auth tab. */
static const struct pm_auth *auth_of_header(struct pm *p, struct pm_request *r)
{
    for (size_t i = 0; i < r->headers.n; i++) {
        const struct pm_entry *e = &r->headers.v[i];
        if (e->disabled || !rac_str_eqi(e->key, RAC_S("authorization")))
            continue;
        rac_str v = rac_str_trim(e->value);
        struct pm_auth *auth = RAC_NEW(p->a, struct pm_auth);
        rac_map_init(&auth->values, p->a);
        auth->at = r->at;
        size_t blank = rac_str_find_char(v, ' ');
        pm_vault_add(p, blank == RAC_STR_NPOS ? v : rac_str_from(v, blank + 1));
        if (rac_str_startsi(v, RAC_S("bearer "))) {
            auth->type = RAC_S("bearer");
        } else if (rac_str_startsi(v, RAC_S("basic "))) {
            auth->type = RAC_S("basic");
        } else {
            auth->type = RAC_S("apikey");
            struct rac_json *key = RAC_NEW(p->a, struct rac_json);
            *key = rac_json_of_str(RAC_S("Authorization"));
            rac_map_put(&auth->values, RAC_S("key"), key);
        }
        return auth;
    }
    return NULL;
}

static const struct pm_auth *effective(struct pm *p, struct pm_request *r)
{
    if (r->auth != NULL && scheme_of(r->auth->type) != S_NONE)
        return r->auth;
    const struct pm_auth *header = auth_of_header(p, r);
    if (header != NULL || r->auth != NULL)
        return header != NULL ? header : r->auth;
    for (const struct pm_folder *f = r->folder; f != NULL; f = f->up)
        if (f->auth != NULL)
            return f->auth;
    return NULL;
}

/* Requests with the same word here use the same credential. */
static rac_str signature(struct pm *p, const struct pm_auth *auth)
{
    switch (auth == NULL ? S_NONE : scheme_of(auth->type)) {
    case S_NONE:
        return RAC_S("");
    case S_KEY:
        return rac_arena_printf(p->a, "apikey %.*s %.*s", RAC_FMT(value_of(p, auth, "in")),
                                RAC_FMT(value_of(p, auth, "key")));
    default:
        return rac_str_lower(p->a, auth->type);
    }
}

struct vote {
    const struct pm_auth *auth;
    size_t n;
};

static const struct pm_auth *choose(struct pm *p)
{
    if (p->root.auth != NULL && scheme_of(p->root.auth->type) != S_NONE)
        return p->root.auth;
    struct rac_map votes;
    rac_map_init(&votes, p->a);
    struct vote *best = NULL;
    for (size_t i = 0; i < p->requests_n; i++) {
        const struct pm_request *r = p->requests[i];
        rac_str word = signature(p, r->effective);
        if (r->method.n == 0 || word.n == 0)
            continue;
        struct vote *v = rac_map_get(&votes, word);
        if (v == NULL) {
            v = RAC_NEW(p->a, struct vote);
            v->auth = r->effective;
            rac_map_put(&votes, word, v);
        }
        v->n++;
    }
    for (size_t i = 0; i < votes.n; i++) {
        struct vote *v = votes.entries[i].value;
        if (best == NULL || v->n > best->n)
            best = v;
    }
    return best != NULL ? best->auth : NULL;
}

void pm_auth_begin(struct pm *p)
{
    for (size_t i = 0; i < p->requests_n; i++)
        p->requests[i]->effective = effective(p, p->requests[i]);
    struct pm_chosen *c = RAC_NEW(p->a, struct pm_chosen);
    c->auth = choose(p);
    c->scheme = c->auth != NULL ? scheme_of(c->auth->type) : S_NONE;
    if (c->scheme == S_KEY) {
        struct pm_request nobody = {.folder = &p->root};
        c->key = rac_str_trim(pm_substitute(p, &nobody, value_of(p, c->auth, "key")));
        if (c->key.n == 0 || rac_str_find_char(c->key, '{') != RAC_STR_NPOS)
            c->key = RAC_S("Authorization");
        c->in = rac_str_eqi(value_of(p, c->auth, "in"), RAC_S("query")) ? RAC_S("query")
                                                                        : RAC_S("header");
    }
    p->chosen = c;
}

bool pm_auth_consumes(const struct pm *p, const char *in, rac_str key)
{
    const struct pm_chosen *c = p->chosen;
    return c->scheme == S_KEY && rac_str_eq(c->in, rac_str_of(in)) &&
           (rac_str_eq(c->in, RAC_S("query")) ? rac_str_eq(c->key, key) : rac_str_eqi(c->key, key));
}

/* --- writing ---------------------------------------------------------------------------------- */

static struct rac_json key_scheme(struct pm *p, rac_str name, rac_str in)
{
    struct rac_json o = rac_json_new_object(p->a);
    RAC_JSON_PUT_STR(p->a, &o, "type", RAC_S("apiKey"));
    RAC_JSON_PUT_STR(p->a, &o, "name", name);
    RAC_JSON_PUT_STR(p->a, &o, "in", in);
    return o;
}

/* The operations that send the credential; empty when all do. */
static struct rac_json users_of(struct pm *p)
{
    struct rac_json list = rac_json_new_array(p->a);
    size_t all = 0;
    for (size_t i = 0; i < p->requests_n; i++) {
        const struct pm_request *r = p->requests[i];
        if (r->id.n == 0)
            continue;
        all++;
        if (signature(p, r->effective).n > 0)
            rac_json_add(p->a, &list, rac_json_of_str(r->id));
    }
    return rac_json_len(&list) == all ? rac_json_new_array(p->a) : list;
}

static void bearer(struct pm *p, struct rac_json *definitions, rac_str name)
{
    struct rac_json users = users_of(p);
    rac_json_put(p->a, definitions, name, key_scheme(p, RAC_S("Authorization"), RAC_S("header")));
    rac_connection_api_key(p->c, RAC_S("api_key"), RAC_S("Bearer token"),
                           RAC_S("The token for this API, without the word Bearer"));
    rac_policy_bearer(p->c, RAC_S("api_key"), &users);
}

/* "{{base}}/token" to "{base}/token", values filled in where the collection has them. */
static rac_str endpoint(struct pm *p, const struct pm_auth *auth, const char *name)
{
    struct pm_request nobody = {.folder = &p->root, .at = auth->at};
    rac_str s = rac_str_trim(pm_substitute(p, &nobody, value_of(p, auth, name)));
    s = rac_str_replace(p->a, s, RAC_S("{{"), RAC_S("{"));
    return rac_str_replace(p->a, s, RAC_S("}}"), RAC_S("}"));
}

static struct rac_json scope_list(struct pm *p, rac_str text)
{
    struct rac_json list = rac_json_new_array(p->a);
    struct rac_map seen;
    size_t from = 0;
    rac_map_init(&seen, p->a);
    for (size_t i = 0; i <= text.n; i++) {
        if (i < text.n && !rac_is_space(text.p[i]) && text.p[i] != ',')
            continue;
        rac_str word = rac_str_sub(text, from, i - from);
        if (word.n > 0 && rac_str_find_char(word, '{') == RAC_STR_NPOS &&
            rac_map_add(&seen, word, p))
            rac_json_add(p->a, &list, rac_json_of_str(word));
        from = i + 1;
    }
    return list;
}

/* What signing in needs and a connector does not know of. */
static void tell_settings(struct pm *p, const struct pm_auth *auth)
{
    static const char *const names[] = {"audience", "resource", "authRequestParams",
                                        "tokenRequestParams", "refreshRequestParams"};
    for (size_t i = 0; i < RAC_COUNT(names); i++) {
        const struct rac_json *v = rac_map_get(&auth->values, rac_str_of(names[i]));
        if (rac_json_len(v) > 0 || pm_text(p, v).n > 0)
            rac_loss(p->c, RAC_RULE_PM_18, auth->at,
                     "'%s' of the OAuth 2.0 settings was dropped: it is not sent", names[i]);
    }
    if (rac_str_eq(value_of(p, auth, "addTokenTo"), RAC_S("queryParams")))
        rac_loss(p->c, RAC_RULE_PM_18, auth->at,
                 "the token is sent in the header Authorization, not in the query");
}

static void oauth(struct pm *p, struct rac_json *definitions, rac_str name,
                  const struct pm_auth *auth)
{
    struct rac_arena *a = p->a;
    rac_str grant = value_of(p, auth, "grant_type");
    struct rac_json scopes = scope_list(p, value_of(p, auth, "scope"));
    struct rac_oauth_spec s = {.grant = rac_str_startsi(grant, RAC_S("client")) ? RAC_FLOW_CLIENT
                                        : rac_str_startsi(grant, RAC_S("password"))
                                            ? RAC_FLOW_PASSWORD
                                            : RAC_FLOW_CODE,
                               .authorization_url = endpoint(p, auth, "authUrl"),
                               .token_url = endpoint(p, auth, "accessTokenUrl"),
                               .refresh_url = endpoint(p, auth, "refreshTokenUrl"),
                               .scopes = &scopes};
    if (s.token_url.n == 0 || (s.authorization_url.n == 0 && s.grant == RAC_FLOW_CODE)) {
        rac_loss(p->c, RAC_RULE_PM_18, auth->at,
                 "the OAuth 2.0 endpoints are not in the collection; a bearer token is asked for");
        bearer(p, definitions, name);
        return;
    }
    tell_settings(p, auth);
    struct rac_json o = rac_json_new_object(a), map = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "type", RAC_S("oauth2"));
    RAC_JSON_PUT_STR(a, &o, "flow",
                     s.grant == RAC_FLOW_CODE     ? RAC_S("accessCode")
                     : s.grant == RAC_FLOW_CLIENT ? RAC_S("application")
                                                  : RAC_S("password"));
    if (s.grant == RAC_FLOW_CODE)
        RAC_JSON_PUT_STR(a, &o, "authorizationUrl", s.authorization_url);
    RAC_JSON_PUT_STR(a, &o, "tokenUrl", s.token_url);
    RAC_JSON_EACH(e, &scopes)
    {
        rac_json_put(a, &map, rac_json_str(e, RAC_S("")), *e);
    }
    RAC_JSON_PUT(a, &o, "scopes", map);
    rac_json_put(a, definitions, name, o);
    rac_connection_oauth(p->c, &s);
}

/* Operations without a credential say so; those with another one are told once. */
static void write_operations(struct pm *p, bool any)
{
    rac_str word = p->chosen->auth != NULL ? signature(p, p->chosen->auth) : RAC_S("");
    for (size_t i = 0; i < p->requests_n; i++) {
        struct pm_request *r = p->requests[i];
        if (r->id.n == 0)
            continue;
        rac_str own = signature(p, r->effective);
        if (own.n == 0 && any)
            RAC_JSON_PUT(p->a, r->operation, "security", rac_json_new_array(p->a));
        else if (own.n > 0 && !rac_str_eq(own, word))
            rac_once_note(p->c, &p->once[PM_ONCE_AUTH], RAC_RULE_PM_14,
                          r->auth != NULL ? r->auth->at : r->at);
    }
}

void pm_auth_write(struct pm *p, struct rac_json *definition)
{
    struct rac_arena *a = p->a;
    const struct pm_chosen *c = p->chosen;
    static const char *const names[] = {[S_BASIC] = "basic_auth",
                                        [S_KEY] = "api_key",
                                        [S_BEARER] = "api_key",
                                        [S_OAUTH] = "oauth2_auth"};
    bool any = c->scheme != S_NONE && c->scheme != S_UNSUPPORTED;
    if (c->scheme == S_UNSUPPORTED)
        rac_loss(p->c, RAC_RULE_PM_09, c->auth->at,
                 "the authentication '%.*s' is not supported; the connector has none",
                 RAC_FMT(c->auth->type));
    struct rac_json definitions = rac_json_new_object(a), list = rac_json_new_array(a);
    if (any) {
        rac_str name = rac_str_of(names[c->scheme]);
        if (c->scheme == S_BASIC) {
            struct rac_json o = rac_json_new_object(a);
            RAC_JSON_PUT_STR(a, &o, "type", RAC_S("basic"));
            rac_json_put(a, &definitions, name, o);
            rac_connection_basic(p->c);
        } else if (c->scheme == S_KEY) {
            rac_json_put(a, &definitions, name, key_scheme(p, c->key, c->in));
            rac_connection_api_key(p->c, RAC_S("api_key"), RAC_S("API key"),
                                   RAC_S("The key for this API"));
        } else if (c->scheme == S_BEARER) {
            bearer(p, &definitions, name);
        } else {
            oauth(p, &definitions, name, c->auth);
        }
        struct rac_json req = rac_json_new_object(a);
        struct rac_json scopes = rac_json_new_array(a);
        RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(rac_json_get(&definitions, name), "scopes"))
        {
            rac_json_add(a, &scopes, rac_json_of_str(rac_json_key(m)));
        }
        rac_json_put(a, &req, name, scopes);
        rac_json_add(a, &list, req);
    }
    RAC_JSON_PUT(a, definition, "securityDefinitions", definitions);
    RAC_JSON_PUT(a, definition, "security", list);
    write_operations(p, any);
}
