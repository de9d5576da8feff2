/*
 * auth_settings - `oAuthSettings` laid over the provider table (connectors.md §4.4-4.6).
 *
 * Every provider ends up as the same set of templates, so that one engine runs them all. Keys are
 * compared without letter case and values are read from {"value": …} or bare, as real files have
 * both.
 */
#include "connector/auth_priv.h"
#include "connector/providers.h"
#include "connector/variables.h"

enum { EXTRAS_MAX = 256, SCOPES_MAX = 1024 }; /* of a provider; published ones have some ten */

struct reading {
    const struct rac_json *node, *custom;
    struct rac_oauth_settings *s;
    struct rac_arena *a;
};

/* --- looking ---------------------------------------------------------------------------------- */

/* Environment variables may stand in any of them (§8.6). */
static rac_str scalar(const struct rac_json *v, struct rac_arena *a)
{
    if (rac_json_is_string(v))
        return rac_variables_expand(rac_str_trim(rac_json_str(v, RAC_S(""))), false, a, NULL);
    if (rac_json_is_bool(v) || rac_json_is_number(v))
        return rac_json_print_str(v, 0, a);
    return RAC_STR_NULL;
}

/* {"value": ...} or the value itself. */
static const struct rac_json *bare(const struct rac_json *v)
{
    return rac_json_is_object(v) ? RAC_JSON_GET(v, "value") : v;
}

static const struct rac_json *custom_node(const struct reading *r, rac_str name)
{
    return bare(rac_json_geti(r->custom, name));
}

static rac_str custom(const struct reading *r, const char *name)
{
    return scalar(custom_node(r, rac_str_of(name)), r->a);
}

/* Present, but null or empty: the author says that there is none. */
static bool custom_is_blank(const struct reading *r, const char *name)
{
    return rac_json_geti(r->custom, rac_str_of(name)) != NULL && custom(r, name).n == 0;
}

static bool is_true(rac_str s)
{
    return rac_str_eqi(s, RAC_S("true")) || rac_str_eq(s, RAC_S("1"));
}

/* The words of s in lower case without anything but letters, for the list of placeholders. */
static size_t letters(rac_str s, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n && n < cap; i++)
        if (rac_is_alpha(s.p[i]))
            out[n++] = rac_lower(s.p[i]);
    return n;
}

bool rac_oauth_is_placeholder(rac_str text)
{
    static const rac_str whole[] = {RAC_S_INIT("clientid"), RAC_S_INIT("clientsecret"),
                                    RAC_S_INIT("appid"),    RAC_S_INIT("null"),
                                    RAC_S_INIT("todo"),     RAC_S_INIT("facebookappid")};
    static const rac_str part[] = {RAC_S_INIT("placeholder"), RAC_S_INIT("dummy"),
                                   RAC_S_INIT("yourclient"),  RAC_S_INIT("yourapp"),
                                   RAC_S_INIT("enteryour"),   RAC_S_INIT("enterclient"),
                                   RAC_S_INIT("inserthere"),  RAC_S_INIT("changeme"),
                                   RAC_S_INIT("replacewith"), RAC_S_INIT("exampleclient")};
    char word[64];
    text = rac_str_trim(text);
    if (text.n == 0 || strchr("[<{*@", text.p[0]) != NULL)
        return true;
    if (rac_str_find(text, RAC_S("{{")) != RAC_STR_NPOS ||
        rac_str_find(text, RAC_S("[[")) != RAC_STR_NPOS)
        return true;
    size_t same = 0;
    for (size_t i = 0; i < text.n; i++)
        same += text.p[i] == '-' || rac_lower(text.p[i]) == rac_lower(text.p[0]);
    if (text.n >= 4 && same == text.n && strchr("xX0-.?", text.p[0]) != NULL)
        return true;
    rac_str w = {word, letters(text, word, sizeof word)};
    for (size_t i = 0; i < RAC_COUNT(whole); i++)
        if (rac_str_eq(w, whole[i]))
            return true;
    for (size_t i = 0; i < RAC_COUNT(part); i++)
        if (rac_str_find(w, part[i]) != RAC_STR_NPOS)
            return true;
    return false;
}

/* --- parts ------------------------------------------------------------------------------------ */

/* A literal redirect URL of the hosted product cannot lead back here; and a parameter may be named
 * in the language of policies. Both become variables. */
static rac_str as_template(struct rac_arena *a, rac_str s)
{
    static const rac_str hosted[] = {
        RAC_S_INIT("https%3A%2F%2Fglobal.consent.azure-apim.net%2Fredirect"),
        RAC_S_INIT("https://global.consent.azure-apim.net/redirect"),
    };
    for (size_t i = 0; i < RAC_COUNT(hosted); i++)
        if (rac_str_find(s, hosted[i]) != RAC_STR_NPOS)
            s = rac_str_replace(a, s, hosted[i], RAC_S("{RedirectUrl}"));
    static const rac_str call = RAC_S_INIT("@connectionParameters('");
    size_t at = rac_str_findi(s, call);
    if (at == RAC_STR_NPOS)
        return s;
    struct rac_buf b;
    rac_buf_init(&b, s.n);
    for (; at != RAC_STR_NPOS; at = rac_str_findi(s, call)) {
        rac_str tail = rac_str_from(s, at + call.n);
        size_t quote = rac_str_find_char(tail, '\''), close = rac_str_find_char(tail, ')');
        if (quote == RAC_STR_NPOS || close == RAC_STR_NPOS || close < quote)
            break;
        rac_buf_add(&b, rac_str_sub(s, 0, at));
        rac_buf_add_char(&b, '{');
        rac_buf_add(&b, rac_str_sub(tail, 0, quote));
        rac_buf_add_char(&b, '}');
        s = rac_str_from(tail, close + 1);
    }
    rac_buf_add(&b, s);
    rac_str out = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return out;
}

static struct rac_oauth_template given(const struct reading *r, const char *name)
{
    rac_str s = custom(r, name);
    return (struct rac_oauth_template){.text = s.n > 0 ? as_template(r->a, s) : RAC_STR_NULL};
}

static struct rac_oauth_template ours(rac_str text)
{
    return (struct rac_oauth_template){.text = text, .ours = true};
}

static struct rac_oauth_template either(struct rac_oauth_template x, struct rac_oauth_template y)
{
    return x.text.n > 0 ? x : y;
}

#define AUTHORIZE_QUERY                                                                            \
    "?client_id={ClientId}&response_type=code&redirect_uri={RedirectUrl}&scope={Scopes}"           \
    "&state={State}"
#define CODE_BODY                                                                                  \
    "code={Code}&grant_type=authorization_code&redirect_uri={RedirectUrl}&client_id={ClientId}"    \
    "&client_secret={ClientSecret}"
#define REFRESH_BODY                                                                               \
    "refresh_token={RefreshToken}&grant_type=refresh_token&redirect_uri={RedirectUrl}"             \
    "&client_id={ClientId}&client_secret={ClientSecret}"

/* Every family takes every template: what is given in customParameters wins over the row. */
static void read_plain(struct reading *r, const struct rac_provider *p)
{
    struct rac_oauth_settings *s = r->s;
    s->authorization_url = either(given(r, "authorizationUrlTemplate"),
                                  either(given(r, "authorizationUrl"), ours(p->authorization_url)));
    s->authorization_query = given(r, "authorizationUrlQueryStringTemplate");
    if (s->authorization_query.text.n == 0)
        s->authorization_query = ours(
            p->query.n == 0 ? RAC_S(AUTHORIZE_QUERY)
                            : rac_arena_printf(r->a, AUTHORIZE_QUERY "&%.*s", RAC_FMT(p->query)));
    s->token_url =
        either(given(r, "tokenUrlTemplate"), either(given(r, "tokenUrl"), ours(p->token_url)));
    s->token_query = given(r, "tokenUrlQueryStringTemplate");
    s->token_body = either(given(r, "tokenBodyTemplate"), ours(RAC_S(CODE_BODY)));
    s->refresh_url = either(given(r, "refreshUrlTemplate"), given(r, "refreshUrl"));
    bool none = custom_is_blank(r, "refreshUrlTemplate"); /* §4.6: null or empty, no refresh */
    if (s->refresh_url.text.n == 0 && !none)
        s->refresh_url =
            s->token_url.ours && p->refresh_url.n > 0 ? ours(p->refresh_url) : s->token_url;
    s->refresh_query = given(r, "refreshUrlQueryStringTemplate");
    s->refresh_body = either(given(r, "refreshBodyTemplate"), ours(RAC_S(REFRESH_BODY)));
    s->device_url = either(given(r, "deviceAuthorizationUrl"), given(r, "deviceUrl"));
}

static rac_str trim_slashes(rac_str s)
{
    while (s.n > 0 && s.p[s.n - 1] == '/')
        s.n--;
    return s;
}

/*
 * Azure AD. v2.0 endpoints by default: they take any resource the older ones take, as a scope, and
 * they are the only ones a new tenant documents. `endpointVersion` "v1" (ours) asks for the older
 * form; AD FS (an authority that ends in /adfs) knows only that and has no tenants.
 */
static void read_aad(struct reading *r)
{
    struct rac_oauth_settings *s = r->s;
    rac_str authority = custom(r, "loginUri");
    if (authority.n == 0)
        authority = custom(r, "loginUriAAD");
    if (authority.n == 0)
        authority = RAC_S("https://login.microsoftonline.com");
    authority = as_template(r->a, trim_slashes(authority));
    bool adfs = rac_str_endsi(authority, RAC_S("/adfs"));
    rac_str version = custom(r, "endpointVersion");
    s->v1 = adfs || rac_str_eqi(version, RAC_S("v1")) || rac_str_eqi(version, RAC_S("1.0"));
    const char *path = s->v1 ? "oauth2" : "oauth2/v2.0";
    rac_str base =
        rac_arena_printf(r->a, "%.*s%s/%s", RAC_FMT(authority), adfs ? "" : "/{tenantId}", path);
    rac_str authorize = rac_str_concat(r->a, base, RAC_S("/authorize"));
    rac_str token = rac_str_concat(r->a, base, RAC_S("/token"));
    const char *what = s->v1 ? "&resource={resourceUri}" : "&scope={Scopes}";
    s->authorization_url = either(given(r, "authorizationUrl"), ours(authorize));
    s->authorization_query =
        ours(rac_arena_printf(r->a,
                              "?client_id={ClientId}&response_type=code&redirect_uri={RedirectUrl}"
                              "&response_mode=query%s&state={State}",
                              what));
    s->token_url = either(given(r, "tokenUrl"), ours(token));
    s->token_body = ours(rac_arena_printf(r->a, CODE_BODY "%s", what));
    s->refresh_url = s->token_url;
    s->refresh_body = ours(rac_arena_printf(r->a, REFRESH_BODY "%s", what));
    s->device_url = ours(rac_str_concat(r->a, base, RAC_S("/devicecode")));
}

static const struct rac_json *condition_of(const struct reading *r, rac_str name)
{
    const struct rac_json *add = rac_json_geti(r->node, RAC_S("additionalParameters"));
    return RAC_JSON_GET(rac_json_geti(add, name), "applicableWhen");
}

/* Everything in customParameters is a variable too, and so is what the administrator set. */
static void read_extras(struct reading *r, const struct rac_oauth_client *client)
{
    struct rac_oauth_settings *s = r->s;
    size_t n = rac_json_len(r->custom) + (client != NULL ? client->extras_n : 0) + 4;
    s->extras = RAC_NEW_N(r->a, struct rac_oauth_extra, n);
    for (size_t i = 0; client != NULL && i < client->extras_n; i++) {
        struct rac_oauth_extra *x = &s->extras[s->extras_n++];
        *x = client->extras[i];
        if (x->applicable_when == NULL)
            x->applicable_when = condition_of(r, x->name);
    }
    if (rac_json_is_object(r->custom))
        RAC_JSON_EACH_MEMBER(m, r->custom)
        {
            rac_str name = rac_json_key(m), value = scalar(bare(&m->value), r->a);
            if (s->extras_n >= EXTRAS_MAX)
                break;
            if (rac_str_endsi(name, RAC_S("Template")))
                continue;
            if (rac_str_eqi(name, RAC_S("LoginUri")))
                value = trim_slashes(value);
            value = as_template(r->a, value);
            if (value.n > 2 && value.p[0] == '{' && value.p[value.n - 1] == '}')
                continue; /* names another parameter, which is a variable by itself */
            s->extras[s->extras_n++] = (struct rac_oauth_extra){
                .name = name, .value = value, .applicable_when = condition_of(r, name)};
        }
    if (s->family == RAC_PROVIDER_AAD || s->family == RAC_PROVIDER_AADCERT) {
        rac_str resource = scalar(
            RAC_JSON_GET(RAC_JSON_GET(r->node, "properties"), "AzureActiveDirectoryResourceId"),
            r->a);
        s->extras[s->extras_n++] =
            (struct rac_oauth_extra){.name = RAC_S("tenantId"), .value = RAC_S("common")};
        s->extras[s->extras_n++] =
            (struct rac_oauth_extra){.name = RAC_S("resourceUri"), .value = resource};
    } else if (rac_str_eqi(s->provider, RAC_S("docusign"))) {
        s->extras[s->extras_n++] = (struct rac_oauth_extra){
            .name = RAC_S("LoginUri"), .value = RAC_S("https://account.docusign.com")};
    }
}

static void read_scopes(struct reading *r, const struct rac_provider *p)
{
    const struct rac_json *list = rac_json_geti(r->node, RAC_S("scopes"));
    struct rac_oauth_settings *s = r->s;
    const struct rac_json *delimiter = custom_node(r, RAC_S("scopeListDelimiter"));
    s->scope_delimiter = rac_json_str(delimiter, RAC_STR_NULL); /* " " must not be trimmed */
    if (s->scope_delimiter.n == 0)
        s->scope_delimiter = p->delimiter;
    s->scopes = RAC_NEW_N(r->a, rac_str, rac_json_len(list) + 1);
    if (rac_json_is_string(list))
        s->scopes[s->scopes_n++] = rac_str_trim(rac_json_str(list, RAC_S("")));
    RAC_JSON_EACH(e, list)
    if (rac_json_is_string(e) && s->scopes_n < SCOPES_MAX)
        s->scopes[s->scopes_n++] = rac_str_trim(rac_json_str(e, RAC_S("")));
}

static void read_redirect(struct reading *r)
{
    struct rac_oauth_settings *s = r->s;
    rac_str mode = rac_json_str(rac_json_geti(r->node, RAC_S("redirectMode")), RAC_S(""));
    const struct rac_json *url = rac_json_geti(r->node, RAC_S("redirectUrl"));
    if (rac_json_is_array(url))
        url = rac_json_at(url, 0);
    s->redirect_url = rac_json_str(url, RAC_STR_NULL);
    s->redirect_mode = RAC_REDIRECT_PER_CONNECTOR;
    if (rac_str_eqi(mode, RAC_S("Global")))
        s->redirect_mode = RAC_REDIRECT_GLOBAL;
    /* Direct to a page of the hosted product leads nowhere from here: ours stands in for it. */
    else if (rac_str_eqi(mode, RAC_S("Direct")))
        s->redirect_mode =
            s->redirect_url.n > 0 &&
                    rac_str_findi(s->redirect_url, RAC_S("azure-apim.net")) == RAC_STR_NPOS
                ? RAC_REDIRECT_DIRECT
                : RAC_REDIRECT_GLOBAL;
}

static void read_client(struct reading *r, const struct rac_oauth_client *client)
{
    struct rac_oauth_settings *s = r->s;
    s->client_id = scalar(rac_json_geti(r->node, RAC_S("clientId")), r->a);
    rac_str secret = rac_json_str(rac_json_geti(r->node, RAC_S("clientSecret")), RAC_S(""));
    s->client_secret = rac_variables_expand(rac_str_trim(secret), true, r->a, NULL);
    if (rac_oauth_is_placeholder(s->client_id))
        s->client_id = RAC_STR_NULL;
    if (rac_oauth_is_placeholder(s->client_secret))
        s->client_secret = RAC_STR_NULL;
    if (client != NULL) {
        if (client->client_id.n > 0)
            s->client_id = client->client_id;
        if (client->client_secret.n > 0)
            s->client_secret = client->client_secret;
        s->certificate_pem = client->certificate_pem;
        s->key_pem = client->key_pem;
    }
    /* A certificate signs; without one a secret does as for any other client. */
    if (s->client_auth == RAC_CLIENT_ASSERTION && s->client_secret.n > 0 && s->key_pem.n == 0)
        s->client_auth = RAC_CLIENT_BODY;
    if (s->certificate_pem.n > 0 && s->key_pem.n > 0)
        s->client_auth = RAC_CLIENT_ASSERTION;
    rac_str how = custom(r, "clientAuthentication"); /* ours: body or basic */
    if (rac_str_eqi(how, RAC_S("basic")) || rac_str_eqi(how, RAC_S("header")))
        s->client_auth = RAC_CLIENT_BASIC;
    else if (rac_str_eqi(how, RAC_S("body")))
        s->client_auth = RAC_CLIENT_BODY;
}

/* --- the whole -------------------------------------------------------------------------------- */

static rac_str unusable(struct reading *r, const struct rac_provider *known)
{
    struct rac_oauth_settings *s = r->s;
    rac_str url = s->token_url.text;
    if (known == NULL && (url.n == 0 || s->authorization_url.text.n == 0))
        return rac_arena_printf(r->a,
                                "Identity provider \"%.*s\" is not known, and customParameters has "
                                "no authorizationUrl and tokenUrl to go without.",
                                RAC_FMT(s->provider));
    if (url.n == 0)
        return RAC_S("The OAuth settings have no token URL (customParameters.tokenUrl).");
    rac_str u[] = {url, s->authorization_url.text};
    for (size_t i = 0; i < RAC_COUNT(u); i++) {
        if (rac_str_findi(u[i], RAC_S("@environmentVariables(")) != RAC_STR_NPOS)
            return rac_arena_printf(r->a,
                                    "The OAuth URL %.*s names an environment variable that has no "
                                    "value. Set it in the file of connector.variables_file, or as "
                                    "RACCORD_VARIABLE_<name>, and start again.",
                                    RAC_FMT(u[i]));
    }
    return RAC_STR_NULL;
}

static void report(const struct rac_oauth_settings *s, rac_str pointer, struct rac_diags *diags)
{
    struct rac_diag *d = NULL;
    if (s->problem.n > 0) {
        d = rac_diags_addf(diags, "RC-OA-01", RAC_SEV_ERROR, "%.*s", RAC_FMT(s->problem));
        if (d != NULL)
            d->fix = RAC_S("name a known identityProvider, or give authorizationUrl, tokenUrl and "
                           "refreshUrl in customParameters");
    } else if (s->client_id.n == 0) {
        d = rac_diags_addf(diags, "RC-OA-02", RAC_SEV_WARNING,
                           "OAuth parameter \"%.*s\" has no client id yet; nobody can sign in "
                           "before it is set",
                           RAC_FMT(s->parameter));
        if (d != NULL)
            d->fix = RAC_S("raccord connector update CONNECTOR --client-id ID --secret SECRET");
    }
    if (d != NULL)
        d->pointer = pointer;
}

const struct rac_oauth_settings *rac_oauth_settings_parse(const struct rac_json *settings,
                                                          const struct rac_oauth_client *client,
                                                          rac_str parameter, rac_str pointer,
                                                          struct rac_arena *a,
                                                          struct rac_diags *diags)
{
    static const struct rac_provider unknown = {
        .family = RAC_PROVIDER_PLAIN, .delimiter = RAC_S_INIT(" "), .pkce = true};
    struct rac_oauth_settings *s = RAC_NEW(a, struct rac_oauth_settings);
    struct reading r = {.node = settings, .s = s, .a = a};
    const struct rac_json *inner = rac_json_geti(settings, RAC_S("oAuthSettings"));
    if (inner != NULL)
        r.node = inner;
    r.custom = rac_json_geti(r.node, RAC_S("customParameters"));
    s->parameter = parameter;
    s->provider = rac_json_str(rac_json_geti(r.node, RAC_S("identityProvider")), RAC_S(""));
    const struct rac_provider *known = rac_provider_find(s->provider),
                              *p = known != NULL ? known : &unknown;
    s->family = p->family;
    s->client_auth = p->client_auth;
    if (s->family == RAC_PROVIDER_AAD || s->family == RAC_PROVIDER_AADCERT)
        read_aad(&r);
    else
        read_plain(&r, p);
    rac_str pkce = custom(&r, "pkce");
    s->pkce = pkce.n > 0 ? is_true(pkce)
                         : p->pkce || (p->family == RAC_PROVIDER_TEMPLATE &&
                                       s->authorization_query.ours && s->token_body.ours);
    s->on_behalf_of = is_true(custom(&r, "enableOnbehalfOfLogin"));
    s->grant = custom(&r, "grantType");
    read_scopes(&r, p);
    read_redirect(&r);
    read_client(&r, client);
    read_extras(&r, client);
    s->problem = unusable(&r, known);
    report(s, pointer, diags);
    return s;
}
