/*
 * auth_token - requests to a token endpoint and what comes back (connectors.md §4.7 step 4).
 *
 * Reading never fails, it classifies: what matters afterwards is whether the grant is gone (sign
 * in again), the client is refused (the administrator's job), or nothing is known (try later).
 * Providers answer with JSON or a form, errors with 400, 401 or 200, and sometimes a web page.
 */
#include "connector/auth_priv.h"

#include "base/base64.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "crypto/jwt_sign.h"
#include "text/url.h"

enum { TOKEN_BYTES_MAX = 64 << 10, ASSERTION_LIFE_S = 600, ERROR_BYTES_MAX = 400 };
enum { EXPIRES_MAX_S = 10 * 366 * 86400 };
#define SECONDS_MAX INT64_C(1000000000000)

/* --- building --------------------------------------------------------------------------------- */

static rac_err refuse(struct rac_auth_error *error, const char *detail, rac_str message)
{
    *error = (struct rac_auth_error){.code = RAC_S("ConnectionUnauthenticated"),
                                     .http_status = 401,
                                     .message = message,
                                     .detail = rac_str_of(detail)};
    return RAC_E_INVALID;
}

static rac_err add_assertion(const struct rac_oauth_vars *v, const struct rac_env *env,
                             rac_str client_id, struct rac_arena *a, struct rac_token_request *out,
                             struct rac_auth_error *error)
{
    const struct rac_oauth_settings *s = v->settings;
    char id[37];
    rac_str jwt;
    const char *why = NULL;
    if (s->certificate_pem.n == 0 || s->key_pem.n == 0)
        return refuse(error, "RC-OA-02",
                      RAC_S("The connector signs in with a certificate, and none is set. An "
                            "administrator sets it with `raccord connector update CONNECTOR "
                            "--certificate FILE`."));
    rac_env_uuid(env, id);
    int64_t now_s = rac_env_wall_ms(env) / 1000;
    struct rac_json claims = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &claims, "aud", out->url);
    RAC_JSON_PUT_STR(a, &claims, "iss", client_id);
    RAC_JSON_PUT_STR(a, &claims, "sub", client_id);
    RAC_JSON_PUT_STR(a, &claims, "jti", rac_arena_str(a, rac_str_of(id)));
    RAC_JSON_PUT(a, &claims, "nbf", rac_json_of_int(now_s));
    RAC_JSON_PUT(a, &claims, "iat", rac_json_of_int(now_s));
    RAC_JSON_PUT(a, &claims, "exp", rac_json_of_int(now_s + ASSERTION_LIFE_S));
    if (rac_jwt_sign_rs256(rac_json_print_str(&claims, 0, a), s->certificate_pem, s->key_pem, a,
                           &jwt, &why) != RAC_OK)
        return refuse(error, "RC-OA-02",
                      rac_arena_printf(a, "The connector's certificate cannot be used: %s.", why));
    out->body =
        rac_oauth_form_add(out->body, RAC_S("client_assertion_type"),
                           RAC_S("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), a);
    out->body = rac_oauth_form_add(out->body, RAC_S("client_assertion"), jwt, a);
    return RAC_OK;
}

/* RFC 6749 §2.3.1: both parts are form-encoded before they are joined. */
static rac_str basic_header(rac_str id, rac_str secret, struct rac_arena *a)
{
    rac_str pair =
        rac_arena_printf(a, "%.*s:%.*s", RAC_FMT(rac_url_encode_set(a, id, RAC_URL_FORM)),
                         RAC_FMT(rac_url_encode_set(a, secret, RAC_URL_FORM)));
    rac_secret_wipe_with(a, pair);
    return rac_str_concat(a, RAC_S("Basic "), rac_base64_encode(a, pair));
}

static const struct rac_oauth_template obtain_body[] = {
    [RAC_GRANT_CODE] = {.text = {NULL, 0}},
    [RAC_GRANT_CLIENT_CREDENTIALS] = {RAC_S_INIT(
                                          "grant_type=client_credentials&client_id={ClientId}"
                                          "&client_secret={ClientSecret}&scope={Scopes}"),
                                      true},
    [RAC_GRANT_PASSWORD] = {RAC_S_INIT("grant_type=password&username={username}&password={password}"
                                       "&client_id={ClientId}&client_secret={ClientSecret}"
                                       "&scope={Scopes}"),
                            true},
    [RAC_GRANT_DEVICE_CODE] = {.text = {NULL, 0}},
    [RAC_GRANT_ON_BEHALF_OF] = {RAC_S_INIT("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3A"
                                           "jwt-bearer&requested_token_use=on_behalf_of"
                                           "&assertion={Assertion}&client_id={ClientId}"
                                           "&client_secret={ClientSecret}&scope={Scopes}"),
                                true},
    [RAC_GRANT_TOKEN_EXCHANGE] = {RAC_S_INIT(
                                      "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3A"
                                      "token-exchange&subject_token={Assertion}&subject_token_type="
                                      "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
                                      "&audience={resourceUri}&client_id={ClientId}"
                                      "&client_secret={ClientSecret}&scope={Scopes}"),
                                  true},
};
static const struct rac_oauth_template device_body = {
    RAC_S_INIT("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"
               "&device_code={Code}&client_id={ClientId}&client_secret={ClientSecret}"),
    true};

/* The body of this purpose; and its URL and query. */
static struct rac_oauth_template body_of(const struct rac_oauth_vars *v,
                                         enum rac_token_purpose purpose, struct rac_arena *a)
{
    const struct rac_oauth_settings *s = v->settings;
    switch (purpose) {
    case RAC_TOKEN_REFRESH:
        return s->refresh_body;
    case RAC_TOKEN_DEVICE:
        return device_body;
    case RAC_TOKEN_ON_BEHALF:
    case RAC_TOKEN_OBTAIN: {
        bool person = purpose == RAC_TOKEN_ON_BEHALF;
        enum rac_grant grant = rac_oauth_grant(v, a);
        if (person && grant != RAC_GRANT_TOKEN_EXCHANGE) /* enableOnbehalfOfLogin beside another */
            grant = RAC_GRANT_ON_BEHALF_OF;
        /* where the connector's author spells it out, that */
        if (!s->token_body.ours &&
            (!person || rac_oauth_mentions(s->token_body.text, RAC_S("Assertion"))))
            return s->token_body;
        struct rac_oauth_template t = obtain_body[grant];
        if (s->v1)
            t.text = rac_str_concat(a, t.text, RAC_S("&resource={resourceUri}"));
        return t;
    }
    default:
        return s->token_body;
    }
}

static rac_err check_url(rac_str url, struct rac_arena *a, struct rac_auth_error *error)
{
    struct rac_url u;
    if (rac_url_split_http(url, &u))
        return RAC_OK;
    return refuse(error, "RC-OA-01",
                  rac_arena_printf(a,
                                   "The token URL of the connector's OAuth settings comes out as "
                                   "\"%.*s\", which is no http(s) URL. Check the connection's "
                                   "values that it is made of.",
                                   RAC_FMT(rac_str_sub(
                                       rac_str_sub(url, 0, rac_str_find_char(url, '?')), 0, 200))));
}

rac_err rac_token_request_build(const struct rac_oauth_vars *v, enum rac_token_purpose purpose,
                                bool basic, const struct rac_env *env, struct rac_arena *a,
                                struct rac_token_request *out, struct rac_auth_error *error)
{
    const struct rac_oauth_settings *s = v->settings;
    struct rac_oauth_vars own = *v;
    bool known, refresh = purpose == RAC_TOKEN_REFRESH;
    enum rac_client_auth how = basic ? RAC_CLIENT_BASIC : s->client_auth;
    rac_str id = rac_oauth_var(v, RAC_S("ClientId"), a, &known);
    rac_str secret = rac_oauth_var(v, RAC_S("ClientSecret"), a, &known);
    *out = (struct rac_token_request){0};
    own.no_secret = how == RAC_CLIENT_ASSERTION;
    struct rac_oauth_template body = body_of(v, purpose, a);
    if (id.n == 0 && rac_oauth_mentions(body.text, RAC_S("ClientId")))
        return refuse(
            error, "RC-OA-02",
            RAC_S("The connector has no OAuth client id yet. An administrator sets it "
                  "with `raccord connector update CONNECTOR --client-id ID --secret SECRET`."));
    out->url = refresh ? rac_oauth_typed(&own, "refreshUrl", a) : RAC_STR_NULL;
    if (out->url.n == 0 && refresh && !rac_str_eq(s->refresh_url.text, s->token_url.text))
        out->url = rac_oauth_expand_url(&s->refresh_url, &own, a);
    if (out->url.n == 0)
        out->url = rac_oauth_endpoint(&own, &s->token_url, "tokenUrl", a);
    const struct rac_oauth_template *query = refresh ? &s->refresh_query : &s->token_query;
    out->url = rac_oauth_join(out->url, rac_oauth_expand_form(query, &own, a), a);
    out->url = rac_url_encode_set(a, out->url, RAC_URL_WHOLE);
    rac_err e = check_url(out->url, a, error);
    if (e != RAC_OK)
        return e;
    out->body = rac_oauth_expand_form(&body, &own, a);
    if (purpose == RAC_TOKEN_EXCHANGE && v->verifier.n > 0 &&
        !rac_oauth_mentions(body.text, RAC_S("CodeVerifier")))
        out->body = rac_oauth_form_add(out->body, RAC_S("code_verifier"), v->verifier, a);
    rac_headers_add(&out->headers, a, RAC_S("Accept"), RAC_S("application/json"));
    rac_headers_add(&out->headers, a, RAC_S("Content-Type"),
                    RAC_S("application/x-www-form-urlencoded"));
    if (how == RAC_CLIENT_BASIC && id.n > 0) {
        out->body = rac_oauth_form_del(out->body, RAC_S("client_secret"), a);
        rac_headers_add(&out->headers, a, RAC_S("Authorization"), basic_header(id, secret, a));
    } else if (how == RAC_CLIENT_ASSERTION) {
        out->body = rac_oauth_form_del(out->body, RAC_S("client_secret"), a);
        e = add_assertion(v, env, id, a, out, error);
    }
    out->can_retry_basic = how == RAC_CLIENT_BODY && secret.n > 0 && id.n > 0;
    if (out->body.n > 0)
        rac_secret_wipe_with(a, out->body);
    return e;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Provider's words for people. */
static rac_str words(rac_str s, struct rac_arena *a)
{
    return rac_utf8_line(a, s, ERROR_BYTES_MAX);
}

/* A token has to fit into a header value: printable, no spaces at its ends, not absurdly long. */
static bool is_token(rac_str s)
{
    if (s.n == 0 || s.n > TOKEN_BYTES_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F)
            return false;
    return true;
}

static rac_str secret_copy(struct rac_arena *a, rac_str s)
{
    if (s.n == 0)
        return RAC_STR_NULL;
    rac_str c = rac_arena_str(a, s);
    rac_secret_wipe_with(a, c);
    return c;
}

/* Form-encoded answers become the same object. */
static bool read_form(rac_str body, struct rac_arena *a, struct rac_json *out)
{
    rac_str rest = body, name, value;
    bool any = false;
    *out = rac_json_new_object(a);
    if (body.n == 0 || body.p[0] == '<' || body.p[0] == '{')
        return false;
    while (rac_url_query_next(&rest, &name, &value)) {
        if (value.p == NULL || rac_json_len(out) > 100)
            continue;
        rac_str k = rac_url_decode(a, name, true), x = rac_url_decode(a, value, true);
        any = any || rac_str_eq(k, RAC_S("access_token")) || rac_str_eq(k, RAC_S("error"));
        rac_json_put(a, out, k, rac_json_of_str(x));
    }
    return any;
}

static rac_str field(const struct rac_json *v, const char *name)
{
    return rac_str_trim(rac_json_str(rac_json_get(v, rac_str_of(name)), RAC_STR_NULL));
}

int64_t rac_oauth_seconds(const struct rac_json *v, int64_t otherwise, int64_t max_s)
{
    double d = 0;
    if (rac_json_is_number(v))
        d = rac_json_double(v, 0);
    else if (!rac_str_to_double(rac_str_trim(rac_json_str(v, RAC_STR_NULL)), &d))
        return otherwise;
    if (!(d >= 1)) /* NaN as well */
        return otherwise;
    return d < (double)max_s ? (int64_t)d : max_s;
}

/* How long a token lives; 0: not said. A number of seconds that is ten years and more, and as a
 * time since 1970 in the future, is that time: some providers say `expires` so. */
static int64_t life_of(const struct rac_json *v, rac_ms now_ms)
{
    int64_t now_s = now_ms / 1000;
    int64_t in = rac_oauth_seconds(RAC_JSON_GET(v, "expires_in"), 0, SECONDS_MAX);
    /* Azure AD before v2.0: seconds since 1970 */
    int64_t on = rac_oauth_seconds(RAC_JSON_GET(v, "expires_on"), 0, SECONDS_MAX);
    if (in == 0)
        in = rac_oauth_seconds(RAC_JSON_GET(v, "expires"), 0, SECONDS_MAX);
    if (in == 0 && on > now_s)
        in = on - now_s;
    if (in > EXPIRES_MAX_S && in > now_s && in - now_s <= EXPIRES_MAX_S)
        in -= now_s;
    return in > EXPIRES_MAX_S ? EXPIRES_MAX_S : in;
}

/* Where the tokens stand: at the root, in `data`, or in Slack's `authed_user`. */
static const struct rac_json *token_home(const struct rac_json *root)
{
    static const char *const inner[] = {"data", "authed_user", "result"};
    if (field(root, "access_token").n > 0)
        return root;
    for (size_t i = 0; i < RAC_COUNT(inner); i++) {
        const struct rac_json *v = rac_json_get(root, rac_str_of(inner[i]));
        if (field(v, "access_token").n > 0)
            return v;
    }
    return root;
}

static bool is_one_of(rac_str s, const char *const *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rac_str_eqi(s, rac_str_of(v[i])))
            return true;
    return false;
}

/* What an OAuth error means for the connection. */
static enum rac_token_verdict verdict_of(rac_str error, int status)
{
    static const char *const pending[] = {"authorization_pending", "slow_down"};
    static const char *const temporary[] = {"temporarily_unavailable", "server_error",
                                            "ratelimited", "rate_limited"};
    static const char *const client[] = {
        "invalid_client",         "unauthorized_client", "invalid_scope",
        "unsupported_grant_type", "invalid_request",     "incorrect_client_credentials",
        "redirect_uri_mismatch",  "invalid_client_id",   "bad_client_secret",
        "invalid_resource",       "invalid_target"};
    if (is_one_of(error, pending, RAC_COUNT(pending)))
        return RAC_TOKEN_PENDING;
    if (is_one_of(error, temporary, RAC_COUNT(temporary)) || status == 429 || status >= 500)
        return RAC_TOKEN_TEMPORARY;
    if (is_one_of(error, client, RAC_COUNT(client)))
        return RAC_TOKEN_CLIENT;
    return RAC_TOKEN_REJECTED;
}

/* What an answer that is no OAuth error says to people. */
static rac_str sentence(const struct rac_json *v)
{
    static const char *const names[] = {"error_message", "message", "Message",
                                        "errorSummary",  "detail",  "title"};
    rac_str text = RAC_STR_NULL;
    for (size_t i = 0; text.n == 0 && i < RAC_COUNT(names); i++)
        text = field(v, names[i]);
    return text;
}

static void read_error(const struct rac_json *v, struct rac_arena *a, struct rac_token_answer *out)
{
    const struct rac_json *e = RAC_JSON_GET(v, "error");
    rac_str code = field(v, "error");
    rac_str text = field(v, "error_description");
    if (rac_json_is_object(e)) { /* {"error": {"message", "type", "code"}} */
        code = field(e, "code").n > 0 ? field(e, "code") : field(e, "type");
        text = field(e, "message");
    }
    if (code.n == 0)
        code = field(v, "error_code").n > 0 ? field(v, "error_code") : field(v, "errorCode");
    if (text.n == 0)
        text = sentence(v);
    out->error = words(code.n > 0 ? code : RAC_S("error"), a);
    out->error_description = words(text, a);
    out->verdict = verdict_of(out->error, out->http_status);
}

static void malformed(struct rac_token_answer *out, rac_str why)
{
    int s = out->http_status;
    out->verdict = s == 429 || s >= 500 ? RAC_TOKEN_TEMPORARY : RAC_TOKEN_MALFORMED;
    out->error = RAC_S("invalid_response");
    out->error_description = why;
}

static void read_tokens(const struct rac_json *v, rac_ms now_ms, struct rac_arena *a,
                        struct rac_token_answer *out)
{
    out->access = secret_copy(a, field(v, "access_token"));
    if (!is_token(out->access)) {
        malformed(out, RAC_S("the access token holds control characters or is too long"));
        out->access = RAC_STR_NULL;
        return;
    }
    rac_str refresh = field(v, "refresh_token");
    if (is_token(refresh))
        out->refresh = secret_copy(a, refresh);
    out->id_token = secret_copy(a, field(v, "id_token"));
    out->type = words(field(v, "token_type"), a);
    out->scope = words(field(v, "scope"), a);
    out->expires_in_s = life_of(v, now_ms);
    out->verdict = RAC_TOKEN_OK;
}

static void no_answer(const struct rac_fetch_res *res, struct rac_arena *a,
                      struct rac_token_answer *out)
{
    out->verdict = RAC_TOKEN_TEMPORARY;
    out->error = rac_str_of(rac_err_name(res->err));
    out->error_description =
        words(res->error.n > 0 ? res->error : rac_str_of(rac_err_text(res->err)), a);
}

static int64_t retry_after(const struct rac_fetch_res *res)
{
    int64_t n;
    rac_str s = rac_str_trim(rac_headers_get(&res->headers, RAC_S("Retry-After")));
    return rac_str_to_i64(s, &n) && n > 0 && n <= 86400 ? n : 0;
}

void rac_token_answer_read(const struct rac_fetch_res *res, rac_ms now_ms, struct rac_arena *a,
                           struct rac_token_answer *out)
{
    struct rac_json v = rac_json_none;
    struct rac_json_error where;
    rac_str body = rac_str_trim(res->body);
    *out = (struct rac_token_answer){.http_status = res->status, .retry_after_s = retry_after(res)};
    if (res->err != RAC_OK) {
        no_answer(res, a, out);
        return;
    }
    bool json = rac_json_parse(body, a, RAC_JSON_COPY, &v, &where) == RAC_OK;
    if (!json && !read_form(body, a, &v)) {
        bool page = body.n > 0 && body.p[0] == '<';
        malformed(out, rac_arena_printf(a, "the token endpoint answered %d with %s", res->status,
                                        page          ? "a web page"
                                        : body.n == 0 ? "nothing"
                                                      : "a text that is neither JSON nor a form"));
        return;
    }
    const struct rac_json *home = token_home(&v);
    bool ok = res->status >= 200 && res->status < 300;
    bool refused =
        rac_json_is_bool(RAC_JSON_GET(&v, "ok")) && !rac_json_bool(RAC_JSON_GET(&v, "ok"), true);
    if (ok && !refused && field(home, "access_token").n > 0) {
        read_tokens(home, now_ms, a, out);
        return;
    }
    /* RFC 6749 §5.2 says no to a grant with 400, to a client with 401, and names an `error`; some
     * leave the name out. No other status is a no: a 403 comes from what stands in front of the
     * provider (a firewall, a list of addresses), a 404 from a wrong URL. */
    bool is_no = res->status == 400 || res->status == 401;
    out->unnamed = RAC_JSON_GET(&v, "error") == NULL;
    if (!out->unnamed || is_no) {
        read_error(&v, a, out);
        return;
    }
    if (!ok) {
        rac_str text = sentence(&v);
        malformed(out, rac_arena_printf(a, "the token endpoint answered %d%s%.*s", res->status,
                                        text.n > 0 ? ": " : "", RAC_FMT(words(text, a))));
        return;
    }
    malformed(out, RAC_S("the token endpoint's answer has no access_token"));
}
