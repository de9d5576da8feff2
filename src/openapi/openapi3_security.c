/*
 * securitySchemes of OpenAPI 3 to securityDefinitions, connection parameters and policies
 * (connectors.md §2.6, §4). The schemes of one requirement may be several (two keys, for example);
 * requirements that are alternatives become parameter sets.
 */
#include "openapi/convert_credentials.h"
#include "openapi/openapi3_priv.h"

enum { DESCRIPTION_BYTES_MAX = 200 }; /* of a scheme, to be shown beside a field */

struct scheme {
    struct rac_credential_scheme is; /* its name is that of the source */
    bool supported;
    const struct rac_place *at;
    struct rac_json definition; /* of 2.0 */
    struct rac_json scopes;     /* declared: name -> description */
    struct rac_json asked;      /* array of scope names some operation needs */
    struct rac_map asked_names; /* the same, for looking up */
    struct rac_json operations; /* ids that send it */
    bool told;                  /* a loss about it was told */
};

struct o3_security {
    struct rac_map schemes;       /* name -> struct scheme * */
    struct rac_requirements asks; /* alternatives of the connector; none: no credentials */
    bool assumed;                 /* nothing asks for it: the only scheme there is */
};

/* --- one scheme ------------------------------------------------------------------------------- */

static struct rac_json key_definition(struct o3 *x, rac_str name, rac_str in)
{
    struct rac_json o = rac_json_new_object(x->a);
    RAC_JSON_PUT_STR(x->a, &o, "type", RAC_S("apiKey"));
    RAC_JSON_PUT_STR(x->a, &o, "name", name);
    RAC_JSON_PUT_STR(x->a, &o, "in", in);
    return o;
}

static void set_kind(struct scheme *s, enum rac_scheme_kind kind)
{
    s->is.kind = kind;
    s->supported = true;
}

static bool is_oauth(const struct scheme *s)
{
    return s->supported && s->is.kind == RAC_SCHEME_OAUTH;
}

static void as_bearer(struct o3 *x, struct scheme *s)
{
    set_kind(s, RAC_SCHEME_BEARER);
    s->definition = key_definition(x, RAC_S("Authorization"), RAC_S("header"));
}

static void scheme_http(struct o3 *x, struct scheme *s)
{
    rac_str word = rac_json_str(RAC_JSON_GET(s->at->node, "scheme"), RAC_S(""));
    if (rac_str_eqi(word, RAC_S("basic"))) {
        set_kind(s, RAC_SCHEME_BASIC);
        s->definition = rac_json_new_object(x->a);
        RAC_JSON_PUT_STR(x->a, &s->definition, "type", RAC_S("basic"));
    } else if (rac_str_eqi(word, RAC_S("bearer"))) {
        as_bearer(x, s);
    } else {
        o3_loss(x, RAC_RULE_O3_10, s->at, "the HTTP authentication '%.*s' is not supported",
                (int)(word.n < 60 ? word.n : 60), word.p);
    }
}

static void scheme_key(struct o3 *x, struct scheme *s)
{
    rac_str in = rac_json_str(RAC_JSON_GET(s->at->node, "in"), RAC_S(""));
    rac_str name = rac_json_str(RAC_JSON_GET(s->at->node, "name"), RAC_S(""));
    if (name.n > 0 && (rac_str_eq(in, RAC_S("header")) || rac_str_eq(in, RAC_S("query")))) {
        set_kind(s, RAC_SCHEME_KEY);
        s->definition = key_definition(x, name, in);
        return;
    }
    o3_loss(x, RAC_RULE_O3_10, s->at, "an API key in '%.*s' is not supported",
            (int)(in.n < 60 ? in.n : 60), in.p);
}

static rac_str flow_url(struct o3 *x, const struct rac_json *flow, const char *name)
{
    rac_str url = rac_str_trim(rac_json_str(rac_json_get(flow, rac_str_of(name)), RAC_S("")));
    bool relative = url.n > 0 && rac_str_find(url, RAC_S("://")) == RAC_STR_NPOS;
    rac_str base = x->server_url.n > 0 ? x->server_url : x->c->o->url;
    return relative && base.n > 0 ? rac_convert_url_resolve(x->a, base, url) : url;
}

static void put_flow(struct o3 *x, struct scheme *s, const char *flow,
                     const struct rac_json *scopes)
{
    struct rac_json *o = &s->definition;
    set_kind(s, RAC_SCHEME_OAUTH);
    *o = rac_json_new_object(x->a);
    RAC_JSON_PUT_STR(x->a, o, "type", RAC_S("oauth2"));
    RAC_JSON_PUT_STR(x->a, o, "flow", rac_str_of(flow));
    if (s->is.oauth.authorization_url.n > 0)
        RAC_JSON_PUT_STR(x->a, o, "authorizationUrl", s->is.oauth.authorization_url);
    RAC_JSON_PUT_STR(x->a, o, "tokenUrl", s->is.oauth.token_url);
    RAC_JSON_EACH_MEMBER(m, scopes)
    {
        rac_json_put(x->a, &s->scopes, rac_json_key(m),
                     rac_json_is_string(&m->value) ? m->value : rac_json_of_str(rac_json_key(m)));
    }
}

static void scheme_oauth(struct o3 *x, struct scheme *s)
{
    static const struct {
        rac_str name;
        const char *flow;
        enum rac_oauth_flow grant;
    } rows[] = {
        {RAC_S_INIT("authorizationCode"), "accessCode", RAC_FLOW_CODE},
        {RAC_S_INIT("clientCredentials"), "application", RAC_FLOW_CLIENT},
        {RAC_S_INIT("password"), "password", RAC_FLOW_PASSWORD},
    };
    static const char *const known[] = {"authorizationUrl", "tokenUrl", "refreshUrl", "scopes",
                                        NULL};
    struct rac_place flows = RAC_PLACE_KEY(s->at, "flows", RAC_JSON_GET(s->at->node, "flows"));
    rac_str taken = RAC_STR_NULL;
    for (size_t i = 0; i < RAC_COUNT(rows) && taken.p == NULL; i++) {
        const struct rac_json *f = rac_json_get(flows.node, rows[i].name);
        rac_str token = flow_url(x, f, "tokenUrl");
        rac_str authorization = flow_url(x, f, "authorizationUrl");
        bool code = rows[i].grant == RAC_FLOW_CODE;
        if (token.n == 0 || (code && authorization.n == 0))
            continue;
        taken = rows[i].name;
        s->is.oauth = (struct rac_oauth_spec){.grant = rows[i].grant,
                                              .token_url = token,
                                              .refresh_url = flow_url(x, f, "refreshUrl")};
        if (code)
            s->is.oauth.authorization_url = authorization;
        put_flow(x, s, rows[i].flow, RAC_JSON_GET(f, "scopes"));
    }
    RAC_JSON_EACH_MEMBER(m, flows.node)
    {
        rac_str k = rac_json_key(m);
        struct rac_place at = rac_place_key(&flows, k, &m->value);
        if (taken.p != NULL && !rac_str_eq(k, taken) && !rac_str_starts(k, RAC_S("x-")))
            o3_loss(x, RAC_RULE_O3_10, &at, "the flow '%.*s' was left out; '%.*s' is used",
                    (int)(k.n < 60 ? k.n : 60), k.p, RAC_FMT(taken));
        else if (taken.p != NULL && rac_str_eq(k, taken))
            o3_lost(x, &at, known, "an OAuth 2.0 flow");
    }
    if (taken.p == NULL) {
        o3_loss(x, RAC_RULE_O3_10, s->at,
                "none of the OAuth 2.0 flows can be used; a bearer token is asked for");
        as_bearer(x, s);
    }
}

static void scheme_oidc(struct o3 *x, struct scheme *s)
{
    rac_str url = flow_url(x, s->at->node, "openIdConnectUrl"), bytes;
    struct rac_json *doc = RAC_NEW(x->a, struct rac_json);
    struct rac_json_error error;
    bool got = url.n > 0 && x->c->o->fetch != NULL &&
               x->c->o->fetch(x->c->o->fetch_arg, url, x->a, &bytes) == RAC_OK &&
               rac_json_parse(bytes, x->a, 0, doc, &error) == RAC_OK;
    if (got) {
        s->is.oauth.authorization_url =
            rac_json_str(RAC_JSON_GET(doc, "authorization_endpoint"), RAC_S(""));
        s->is.oauth.token_url = rac_json_str(RAC_JSON_GET(doc, "token_endpoint"), RAC_S(""));
    }
    if (s->is.oauth.authorization_url.n > 0 && s->is.oauth.token_url.n > 0) {
        put_flow(x, s, "accessCode", NULL);
        return;
    }
    o3_loss(x, RAC_RULE_O3_10, s->at,
            "the OpenID Connect discovery document was not read; a bearer token is asked for");
    as_bearer(x, s);
}

static void scheme_read(struct o3 *x, struct scheme *s)
{
    static const char *const known[] = {"type",  "description",      "name", "in", "scheme",
                                        "flows", "openIdConnectUrl", "$ref", NULL};
    rac_str type = rac_json_str(RAC_JSON_GET(s->at->node, "type"), RAC_S(""));
    if (rac_str_eq(type, RAC_S("http")))
        scheme_http(x, s);
    else if (rac_str_eq(type, RAC_S("apiKey")))
        scheme_key(x, s);
    else if (rac_str_eq(type, RAC_S("oauth2")))
        scheme_oauth(x, s);
    else if (rac_str_eq(type, RAC_S("openIdConnect")))
        scheme_oidc(x, s);
    else
        o3_loss(x, RAC_RULE_O3_10, s->at, "the security type '%.*s' is not supported",
                (int)(type.n < 60 ? type.n : 60), type.p);
    if (!s->supported)
        return;
    o3_unknown(x, s->at, known, "a security scheme");
    rac_json_copy_string(x->a, &s->definition, s->at->node, RAC_S("description"));
    o3_extensions(x, s->at, &s->definition);
}

/* --- requirements ----------------------------------------------------------------------------- */

static struct scheme *scheme_of(struct o3 *x, rac_str name)
{
    return rac_map_get(&x->security->schemes, name);
}

/* Every scheme of it is known and supported; an empty one is not usable but allowed. */
static bool usable(void *arg, const struct rac_json *requirement)
{
    RAC_JSON_EACH_MEMBER(m, requirement)
    {
        const struct scheme *s = scheme_of(arg, rac_json_key(m));
        if (s == NULL || !s->supported)
            return false;
    }
    return rac_json_len(requirement) > 0;
}

/* Nothing asks for it, but there is exactly one: it applies (§4.2 rule 1). */
static void assume_only(struct o3 *x)
{
    struct o3_security *sec = x->security;
    const struct scheme *only = NULL;
    size_t n = 0;
    for (size_t i = 0; i < sec->schemes.n; i++) {
        const struct scheme *s = sec->schemes.entries[i].value;
        if (s->supported) {
            only = s;
            n++;
        }
    }
    if (n != 1)
        return;
    struct rac_json *req = RAC_NEW(x->a, struct rac_json);
    *req = rac_json_new_object(x->a);
    rac_json_put(x->a, req, only->is.name, rac_json_new_array(x->a));
    sec->asks.v[sec->asks.n++] = req;
    sec->assumed = true;
}

static void tell_shape(struct o3 *x, const struct rac_place *at)
{
    if (at->node != NULL && !rac_json_is_array(at->node))
        o3_loss(x, RAC_RULE_O3_16, at, "'security' is no list; it was dropped");
    for (size_t i = 0; i < rac_json_len(at->node) && rac_json_is_array(at->node); i++) {
        struct rac_place e = rac_place_at(at, i, rac_json_at(at->node, i));
        if (!rac_json_is_object(e.node))
            o3_loss(x, RAC_RULE_O3_16, &e, "an alternative that is no object was dropped");
    }
}

/* A requirement that nothing is asked for by. */
static void tell_unusable(struct o3 *x, const struct rac_place *at)
{
    RAC_JSON_EACH_MEMBER(m, at->node)
    {
        rac_str name = rac_str_sub(rac_json_key(m), 0, 80);
        const struct scheme *s = scheme_of(x, rac_json_key(m));
        if (s == NULL)
            o3_loss(x, RAC_RULE_O3_16, at, "there is no security scheme '%.*s'", RAC_FMT(name));
        else if (!s->supported)
            o3_loss(x, RAC_RULE_O3_10, at, "'%.*s' is not supported: this alternative was left out",
                    RAC_FMT(name));
    }
}

static void choose(struct o3 *x)
{
    struct o3_security *sec = x->security;
    struct rac_place root = rac_place_root(&x->c->main, RAC_S(""), x->root);
    struct rac_place at = RAC_PLACE_KEY(&root, "security", RAC_JSON_GET(x->root, "security"));
    struct rac_requirement_rule rule = {usable, x};
    rac_requirements_find(x->a, x->root, &rule, &sec->asks);
    tell_shape(x, &at);
    for (size_t i = 0; rac_json_is_array(at.node) && i < rac_json_len(at.node); i++) {
        struct rac_place e = rac_place_at(&at, i, rac_json_at(at.node, i));
        if (rac_json_is_object(e.node))
            tell_unusable(x, &e);
    }
    if (sec->asks.more > 0)
        o3_loss(x, RAC_RULE_O3_10, &at, "%zu more alternatives were left out; %d are offered",
                sec->asks.more, RAC_ALTERNATIVES_MAX);
    if (sec->asks.n == 0 && at.node == NULL)
        assume_only(x);
}

void o3_security_begin(struct o3 *x)
{
    struct o3_security *sec = x->security = RAC_NEW(x->a, struct o3_security);
    rac_map_init(&sec->schemes, x->a);
    struct rac_place root = rac_place_root(&x->c->main, RAC_S(""), x->root);
    struct rac_place components =
        RAC_PLACE_KEY(&root, "components", RAC_JSON_GET(x->root, "components"));
    struct rac_place all = RAC_PLACE_KEY(&components, "securitySchemes",
                                         RAC_JSON_GET(components.node, "securitySchemes"));
    RAC_JSON_EACH_MEMBER(m, all.node)
    {
        struct rac_place at = rac_place_key(&all, rac_json_key(m), &m->value), end;
        if (!o3_follow(x, &at, &end) || !rac_json_is_object(end.node))
            continue;
        struct scheme *s = RAC_NEW(x->a, struct scheme);
        s->is.name = rac_json_key(m);
        s->at = rac_place_keep(x->a, &end);
        s->scopes = rac_json_new_object(x->a);
        s->asked = rac_json_new_array(x->a);
        rac_map_init(&s->asked_names, x->a);
        s->operations = rac_json_new_array(x->a);
        scheme_read(x, s);
        rac_map_put(&sec->schemes, s->is.name, s);
    }
    choose(x);
}

/* Written form of a requirement; notes scopes and the operation. */
static struct rac_json write_requirement(struct o3 *x, const struct rac_json *req, rac_str id)
{
    struct rac_json o = rac_json_new_object(x->a);
    RAC_JSON_EACH_MEMBER(m, req)
    {
        struct scheme *s = scheme_of(x, rac_json_key(m));
        struct rac_json scopes = rac_json_new_array(x->a);
        if (is_oauth(s))
            rac_json_add_names(x->a, &scopes, &m->value);
        if (is_oauth(s))
            RAC_JSON_EACH(e, &scopes)
            {
                rac_str scope = rac_json_str(e, RAC_S(""));
                if (rac_map_add(&s->asked_names, scope, s))
                    rac_json_add(x->a, &s->asked, *e);
                if (rac_json_get(&s->scopes, scope) == NULL)
                    rac_json_put(x->a, &s->scopes, scope, rac_json_of_str(scope));
            }
        rac_json_put(x->a, &o, s->is.name, scopes);
        const struct rac_json *last = rac_json_at(&s->operations, rac_json_len(&s->operations) - 1);
        if (id.n > 0 && !rac_str_eq(rac_json_str(last, RAC_S("")), id))
            rac_json_add(x->a, &s->operations, rac_json_of_str(id));
    }
    return o;
}

static bool is_offered(struct o3 *x, const struct rac_json *req)
{
    const struct rac_requirements *asks = &x->security->asks;
    rac_str word = rac_requirement_word(x->a, req);
    for (size_t i = 0; i < asks->n; i++)
        if (rac_str_eq(rac_requirement_word(x->a, asks->v[i]), word))
            return true;
    return false;
}

static void tell_other(struct o3 *x, const struct rac_place *at, const struct rac_json *req)
{
    RAC_JSON_EACH_MEMBER(m, req)
    {
        struct scheme *s = scheme_of(x, rac_json_key(m));
        if (s == NULL) {
            o3_loss(x, RAC_RULE_O3_16, at, "there is no security scheme '%.*s'",
                    (int)(rac_json_key(m).n < 80 ? rac_json_key(m).n : 80), rac_json_key(m).p);
        } else if (!s->told) {
            s->told = true;
            o3_loss(
                x, RAC_RULE_O3_10, at,
                "operations that need '%.*s' have no credential: the connector asks for another",
                (int)(s->is.name.n < 80 ? s->is.name.n : 80), s->is.name.p);
        }
    }
}

/* Of several alternatives of an operation, one that the connection does not ask for. */
static void tell_left_out(struct o3 *x, const struct rac_place *at)
{
    if (!rac_json_is_object(at->node) || rac_json_len(at->node) == 0)
        return;
    if (usable(x, at->node))
        o3_loss(x, RAC_RULE_O3_10, at,
                "this alternative was left out: the connection asks for another");
    else
        tell_unusable(x, at);
}

void o3_security_operation(struct o3 *x, const struct rac_place *op, rac_str id,
                           struct rac_json *out)
{
    struct o3_security *sec = x->security;
    struct rac_place at = RAC_PLACE_KEY(op, "security", RAC_JSON_GET(op->node, "security"));
    struct rac_json list = rac_json_new_array(x->a);
    bool any = false; /* one of its alternatives is what the connection asks for */
    if (at.node == NULL && (sec->asks.from_root || sec->assumed)) {
        for (size_t i = 0; i < sec->asks.n; i++)
            write_requirement(x, sec->asks.v[i], id);
        return;
    }
    if (at.node == NULL) {
        if (sec->asks.n > 0)
            RAC_JSON_PUT(x->a, out, "security", list);
        return;
    }
    tell_shape(x, &at);
    RAC_JSON_EACH(req, at.node)
    {
        any = any || (usable(x, req) && is_offered(x, req));
    }
    for (size_t i = 0; any && i < rac_json_len(at.node); i++) {
        const struct rac_json *req = rac_json_at(at.node, i);
        struct rac_place here = rac_place_at(&at, i, req);
        if (!usable(x, req) || !is_offered(x, req)) {
            tell_left_out(x, &here);
            continue;
        }
        struct rac_json written = write_requirement(x, req, id);
        bool twice = false;
        RAC_JSON_EACH(e, &list)
        {
            twice = twice || rac_json_equal(e, &written);
        }
        if (!twice)
            rac_json_add(x->a, &list, written);
    }
    if (rac_json_len(&list) == 0)
        RAC_JSON_EACH(req, at.node)
        {
            if (rac_json_len(req) == 0)
                continue;
            tell_other(x, &at, req);
            if (usable(x, req) && rac_json_len(&list) == 0)
                rac_json_add(x->a, &list, write_requirement(x, req, RAC_S("")));
        }
    RAC_JSON_PUT(x->a, out, "security", list);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* What the connection is to ask for, with what is known now that every operation is written. */
static void connect(struct o3 *x)
{
    const struct rac_requirements *asks = &x->security->asks;
    struct rac_alternative v[RAC_ALTERNATIVES_MAX];
    struct rac_alternatives all = {.v = v, .n = asks->n, .optional = asks->optional};
    for (size_t i = 0; i < asks->n; i++) {
        v[i].n = 0;
        v[i].schemes =
            RAC_NEW_N(x->a, const struct rac_credential_scheme *, rac_json_len(asks->v[i]));
        RAC_JSON_EACH_MEMBER(m, asks->v[i])
        {
            struct scheme *s = scheme_of(x, rac_json_key(m));
            rac_str text = rac_json_str(RAC_JSON_GET(s->at->node, "description"), RAC_S(""));
            size_t users = rac_json_len(&s->operations);
            s->is.description = text.n > DESCRIPTION_BYTES_MAX ? RAC_S("") : text;
            s->is.used = users > 0;
            s->is.operations = users == x->operations_n ? NULL : &s->operations;
            s->is.oauth.scopes = &s->asked;
            v[i].schemes[v[i].n++] = &s->is;
        }
    }
    rac_connection_alternatives(x->c, &all);
}

void o3_security_end(struct o3 *x)
{
    struct o3_security *sec = x->security;
    struct rac_json definitions = rac_json_new_object(x->a), list = rac_json_new_array(x->a);
    for (size_t i = 0; sec->asks.from_root && i < sec->asks.n; i++)
        rac_json_add(x->a, &list, write_requirement(x, sec->asks.v[i], RAC_S("")));
    for (size_t i = 0; i < sec->schemes.n; i++) {
        struct scheme *s = sec->schemes.entries[i].value;
        if (!s->supported)
            continue;
        if (is_oauth(s))
            RAC_JSON_PUT(x->a, &s->definition, "scopes", s->scopes);
        rac_json_put(x->a, &definitions, s->is.name, s->definition);
    }
    connect(x);
    if (rac_json_len(&definitions) > 0)
        RAC_JSON_PUT(x->a, x->out, "securityDefinitions", definitions);
    if (rac_json_len(&list) > 0)
        RAC_JSON_PUT(x->a, x->out, "security", list);
}
