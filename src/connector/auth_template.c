/*
 * auth_template - variables and templates of OAuth endpoints and bodies (connectors.md §4.6).
 *
 * Variables are looked up without letter case, in this order: what belongs to the exchange itself
 * (code, state, redirect URL, refresh token), companions of the OAuth parameter ("token:x" as {x};
 * authors use them to ask for the client id or the scope), additionalParameters that apply, the
 * connection's other parameters, the connector's client and scopes.
 */
#include "connector/auth_priv.h"

#include "text/url.h"

enum { TEMPLATE_BYTES_MAX = 256 << 10, VARIABLES_MAX = 64 };

/* Templates on their way to text. A name is looked up once, however often it stands there; more
 * than VARIABLES_MAX different ones, or text over TEMPLATE_BYTES_MAX, come to no text at all. */
struct expansion {
    const struct rac_oauth_vars *v;
    struct rac_arena *a;
    bool in_scopes; /* text is itself a scope, so {Scopes} would be a circle */
    struct {
        rac_str name, value;
    } known[VARIABLES_MAX];
    size_t known_n;
    bool over;
};
static rac_str expand(struct expansion *x, rac_str text, bool url);

/* --- variables -------------------------------------------------------------------------------- */

static rac_str companion(const struct rac_oauth_vars *v, rac_str name, struct rac_arena *a,
                         bool *known)
{
    const struct rac_conn_set *s = v->connection != NULL ? v->connection->set : NULL;
    for (size_t i = 0; s != NULL && i < s->params_n; i++) {
        if (!rac_str_eqi(rac_conn_param_companion(&s->params[i]), name))
            continue;
        *known = true;
        return rac_connection_value(v->connection, s->params[i].name, a);
    }
    return RAC_STR_NULL;
}

/* A value a variable may be compared with: companion or parameter, by its short or whole name. */
static rac_str parameter_value(const struct rac_oauth_vars *v, rac_str name, struct rac_arena *a,
                               bool *known)
{
    rac_str s = companion(v, name, a, known);
    if (s.n > 0 || v->connection == NULL)
        return s;
    const struct rac_conn_param *p = rac_conn_param_find(v->connection->set, name);
    if (p == NULL || p->type == RAC_CONN_OAUTH)
        return s;
    *known = true;
    return rac_connection_value(v->connection, p->name, a);
}

/* §4.5: exists only while another parameter holds one of the values; null stands for empty. */
static bool applies(const struct rac_oauth_vars *v, const struct rac_json *when,
                    struct rac_arena *a)
{
    RAC_JSON_EACH(rule, when)
    {
        bool known, hit = false;
        rac_str name = rac_json_str(RAC_JSON_GET(rule, "parameter"), RAC_S(""));
        rac_str now = parameter_value(v, name, a, &known);
        const struct rac_json *one_of = RAC_JSON_GET(rule, "oneOf");
        RAC_JSON_EACH(x, one_of)
        hit = hit ||
              (rac_json_is_null(x) ? now.n == 0 : rac_str_eqi(rac_json_str(x, RAC_S("")), now));
        if (!hit)
            return false;
    }
    return true;
}

static rac_str extra(const struct rac_oauth_vars *v, rac_str name, struct rac_arena *a, bool *known)
{
    for (size_t i = 0; i < v->settings->extras_n; i++) {
        const struct rac_oauth_extra *x = &v->settings->extras[i];
        if (!rac_str_eqi(x->name, name))
            continue;
        *known = true;
        if (x->value.n > 0 && applies(v, x->applicable_when, a))
            return x->value;
    }
    return RAC_STR_NULL;
}

static rac_str of_exchange(const struct rac_oauth_vars *v, rac_str name, bool *known)
{
    const struct {
        rac_str name, value;
    } table[] = {
        {RAC_S("Code"), v->code},
        {RAC_S("RedirectUrl"), v->redirect_url},
        {RAC_S("RedirectUri"), v->redirect_url},
        {RAC_S("RefreshToken"), v->refresh_token},
        {RAC_S("Assertion"), v->assertion},
        {RAC_S("State"), v->state},
        {RAC_S("CodeChallenge"), v->challenge},
        {RAC_S("CodeVerifier"), v->verifier},
    };
    for (size_t i = 0; i < RAC_COUNT(table); i++)
        if (rac_str_eqi(name, table[i].name)) {
            *known = true;
            return table[i].value;
        }
    return RAC_STR_NULL;
}

rac_str rac_oauth_var(const struct rac_oauth_vars *v, rac_str name, struct rac_arena *a,
                      bool *known)
{
    *known = false;
    rac_str s = of_exchange(v, name, known);
    if (*known)
        return s;
    bool secret = rac_str_eqi(name, RAC_S("ClientSecret"));
    if (secret && v->no_secret) {
        *known = true;
        return RAC_STR_NULL;
    }
    s = companion(v, name, a, known);
    if (s.n == 0)
        s = extra(v, name, a, known);
    if (s.n == 0)
        s = parameter_value(v, name, a, known);
    if (s.n > 0)
        return s;
    if (rac_str_eqi(name, RAC_S("ClientId"))) {
        *known = true;
        return v->settings->client_id;
    }
    if (secret) {
        *known = true;
        return v->settings->client_secret;
    }
    if (rac_str_eqi(name, RAC_S("Scopes")) || (!*known && rac_str_eqi(name, RAC_S("Scope")))) {
        *known = true;
        return rac_oauth_scopes(v, a);
    }
    return s;
}

/* --- scopes ----------------------------------------------------------------------------------- */

static bool is_openid_scope(rac_str s)
{
    static const rac_str v[] = {RAC_S_INIT("openid"), RAC_S_INIT("profile"), RAC_S_INIT("email"),
                                RAC_S_INIT("offline_access")};
    for (size_t i = 0; i < RAC_COUNT(v); i++)
        if (rac_str_eqi(s, v[i]))
            return true;
    return false;
}

/* aad v2.0: scopes are written with their resource; none means all the app was given (.default). */
static rac_str aad_scopes(rac_str given, rac_str resource, struct rac_arena *a)
{
    struct rac_buf b;
    bool of_resource = false, offline = false;
    rac_buf_init(&b, TEMPLATE_BYTES_MAX);
    rac_buf_wipe_at_end(&b);
    rac_str rest = given;
    while (rest.p != NULL) {
        rac_str s = rac_str_cut(rest, ' ', &rest);
        if (s.n == 0)
            continue;
        bool whole = rac_str_find(s, RAC_S("://")) != RAC_STR_NPOS;
        if (b.n > 0)
            rac_buf_add_char(&b, ' ');
        if (is_openid_scope(s) || whole || resource.n == 0) {
            rac_buf_add(&b, s);
        } else {
            bool slash = rac_str_ends(resource, RAC_S("/"));
            rac_buf_printf(&b, "%.*s%s%.*s", RAC_FMT(resource), slash ? "" : "/", RAC_FMT(s));
        }
        of_resource = of_resource || !is_openid_scope(s);
        offline = offline || rac_str_eqi(s, RAC_S("offline_access"));
    }
    /* The resource is repeated to the letter, with a trailing slash of its own where it has one. */
    if (!of_resource && resource.n > 0)
        rac_buf_printf(&b, "%s%.*s/.default", b.n > 0 ? " " : "", RAC_FMT(resource));
    if (!offline)
        rac_buf_printf(&b, "%soffline_access", b.n > 0 ? " " : "");
    rac_str out = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return out;
}

rac_str rac_oauth_scopes(const struct rac_oauth_vars *v, struct rac_arena *a)
{
    const struct rac_oauth_settings *s = v->settings;
    bool aad = s->family == RAC_PROVIDER_AAD || s->family == RAC_PROVIDER_AADCERT, known;
    struct expansion x = {.v = v, .a = a, .in_scopes = true};
    struct rac_buf b;
    rac_buf_init(&b, TEMPLATE_BYTES_MAX);
    rac_buf_wipe_at_end(&b);
    for (size_t i = 0; i < s->scopes_n && rac_buf_err(&b) == RAC_OK && !x.over; i++) {
        rac_str one = rac_str_find_char(s->scopes[i], '{') == RAC_STR_NPOS
                          ? s->scopes[i]
                          : expand(&x, s->scopes[i], true);
        if (one.n == 0)
            continue;
        if (b.n > 0)
            rac_buf_add(&b, aad ? RAC_S(" ") : s->scope_delimiter);
        rac_buf_add(&b, one);
    }
    rac_str out =
        b.n > 0 && rac_buf_err(&b) == RAC_OK && !x.over ? rac_buf_take(&b, a) : RAC_STR_NULL;
    rac_buf_fini(&b);
    if (!aad || s->v1)
        return out;
    rac_str resource = rac_oauth_var(v, RAC_S("resourceUri"), a, &known);
    if (rac_oauth_grant(v, a) == RAC_GRANT_CLIENT_CREDENTIALS)
        return rac_arena_printf(a, "%.*s/.default", RAC_FMT(resource));
    return aad_scopes(out, resource, a);
}

enum rac_grant rac_oauth_grant(const struct rac_oauth_vars *v, struct rac_arena *a)
{
    bool known = false;
    rac_str g = companion(v, RAC_S("grantType"), a, &known);
    if (g.n == 0)
        g = v->settings->grant;
    if (rac_str_eqi(g, RAC_S("client_credentials")))
        return RAC_GRANT_CLIENT_CREDENTIALS;
    if (rac_str_eqi(g, RAC_S("password")))
        return RAC_GRANT_PASSWORD;
    if (rac_str_eqi(g, RAC_S("device_code")) ||
        rac_str_eqi(g, RAC_S("urn:ietf:params:oauth:grant-type:device_code")))
        return RAC_GRANT_DEVICE_CODE;
    if (rac_str_eqi(g, RAC_S("on_behalf_of")) ||
        rac_str_eqi(g, RAC_S("urn:ietf:params:oauth:grant-type:jwt-bearer")))
        return RAC_GRANT_ON_BEHALF_OF;
    if (rac_str_eqi(g, RAC_S("token_exchange")) ||
        rac_str_eqi(g, RAC_S("urn:ietf:params:oauth:grant-type:token-exchange")))
        return RAC_GRANT_TOKEN_EXCHANGE;
    return RAC_GRANT_CODE;
}

/* --- expansion -------------------------------------------------------------------------------- */

/* Length of "{name}" at s[0], or 0 when these braces are literal. */
static size_t variable_at(rac_str s)
{
    size_t i = 1;
    while (i < s.n && (rac_is_alnum(s.p[i]) || s.p[i] == '_' || s.p[i] == '-'))
        i++;
    return i > 1 && i < s.n && s.p[i] == '}' ? i + 1 : 0;
}

static rac_str looked_up(struct expansion *x, rac_str name)
{
    bool known;
    for (size_t i = 0; i < x->known_n; i++)
        if (rac_str_eqi(x->known[i].name, name))
            return x->known[i].value;
    if (x->known_n == VARIABLES_MAX) {
        x->over = true;
        return RAC_STR_NULL;
    }
    bool circle = x->in_scopes && rac_str_startsi(name, RAC_S("scope")) &&
                  companion(x->v, name, x->a, &known).n == 0;
    rac_str value = circle ? RAC_STR_NULL : rac_oauth_var(x->v, name, x->a, &known);
    x->known[x->known_n].name = name;
    x->known[x->known_n++].value = value;
    return value;
}

/* url: values stand raw up to the first '?'. */
static rac_str expand(struct expansion *x, rac_str text, bool url)
{
    struct rac_buf b;
    size_t i = 0;
    bool raw = url;
    rac_buf_init(&b, TEMPLATE_BYTES_MAX);
    rac_buf_wipe_at_end(&b);
    while (i < text.n && rac_buf_err(&b) == RAC_OK && !x->over) {
        size_t n = text.p[i] == '{' ? variable_at(rac_str_from(text, i)) : 0, before = b.n;
        if (n == 0)
            rac_buf_add_char(&b, text.p[i++]);
        else if (raw)
            rac_buf_add(&b, looked_up(x, rac_str_sub(text, i + 1, n - 2)));
        else
            rac_url_encode_to(&b, looked_up(x, rac_str_sub(text, i + 1, n - 2)), RAC_URL_STRICT);
        i += n;
        raw = raw && rac_str_find_char(rac_str_from(rac_buf_str(&b), before), '?') == RAC_STR_NPOS;
    }
    rac_str out = rac_buf_err(&b) == RAC_OK && !x->over ? rac_buf_take(&b, x->a) : RAC_STR_NULL;
    rac_buf_fini(&b);
    return out;
}

rac_str rac_oauth_expand_url(const struct rac_oauth_template *t, const struct rac_oauth_vars *v,
                             struct rac_arena *a)
{
    struct expansion x = {.v = v, .a = a};
    return rac_str_trim(expand(&x, t->text, true));
}

rac_str rac_oauth_typed(const struct rac_oauth_vars *v, const char *name, struct rac_arena *a)
{
    bool known = false;
    return rac_str_trim(companion(v, rac_str_of(name), a, &known));
}

rac_str rac_oauth_endpoint(const struct rac_oauth_vars *v, const struct rac_oauth_template *t,
                           const char *name, struct rac_arena *a)
{
    rac_str typed = rac_oauth_typed(v, name, a);
    return typed.n > 0 ? typed : rac_oauth_expand_url(t, v, a);
}

/* "name=", or nothing at all. */
static bool pair_is_empty(rac_str pair, rac_str name RAC_UNUSED)
{
    return pair.n == 0 || pair.p[pair.n - 1] == '=';
}

static bool pair_is_of(rac_str pair, rac_str name)
{
    rac_str value;
    return rac_str_eqi(rac_str_cut(pair, '=', &value), name);
}

static rac_str form_without(rac_str form, bool (*dropped)(rac_str pair, rac_str name), rac_str name,
                            struct rac_arena *a)
{
    struct rac_buf b;
    rac_buf_init(&b, form.n + 1);
    rac_buf_wipe_at_end(&b);
    rac_str rest = form;
    while (rest.p != NULL) {
        rac_str pair = rac_str_cut(rest, '&', &rest);
        if (dropped(pair, name))
            continue;
        if (b.n > 0)
            rac_buf_add_char(&b, '&');
        rac_buf_add(&b, pair);
    }
    rac_str out = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return out;
}

rac_str rac_oauth_expand_form(const struct rac_oauth_template *t, const struct rac_oauth_vars *v,
                              struct rac_arena *a)
{
    struct expansion x = {.v = v, .a = a};
    rac_str out = expand(&x, t->text, false);
    return t->ours ? form_without(out, pair_is_empty, RAC_STR_NULL, a) : out;
}

bool rac_oauth_mentions(rac_str template, rac_str variable)
{
    for (size_t i = 0; i < template.n; i++) {
        size_t n = template.p[i] == '{' ? variable_at(rac_str_from(template, i)) : 0;
        if (n > 0 && rac_str_eqi(rac_str_sub(template, i + 1, n - 2), variable))
            return true;
    }
    return false;
}

rac_str rac_oauth_join(rac_str url, rac_str query, struct rac_arena *a)
{
    if (query.n == 0)
        return url;
    char first = query.p[0];
    if (first == '/' || first == '#')
        return rac_str_concat(a, url, query);
    if (first == '?' || first == '&')
        query = rac_str_from(query, 1);
    bool has = rac_str_find_char(url, '?') != RAC_STR_NPOS;
    bool open = url.n > 0 && (url.p[url.n - 1] == '?' || url.p[url.n - 1] == '&');
    return rac_arena_printf(a, "%.*s%s%.*s", RAC_FMT(url),
                            open  ? ""
                            : has ? "&"
                                  : "?",
                            RAC_FMT(query));
}

rac_str rac_oauth_form_add(rac_str body, rac_str name, rac_str value, struct rac_arena *a)
{
    return rac_arena_printf(a, "%.*s%s%.*s=%.*s", RAC_FMT(body), body.n > 0 ? "&" : "",
                            RAC_FMT(name), RAC_FMT(rac_url_encode_set(a, value, RAC_URL_STRICT)));
}

rac_str rac_oauth_form_del(rac_str body, rac_str name, struct rac_arena *a)
{
    return form_without(body, pair_is_of, name, a);
}
