/*
 * auth_consent - a person signs in: the link, what comes back, the exchange (connectors.md §4.7).
 *
 * The state in the link is 128 random bits. The store keeps it as a digest with everything it is
 * bound to (tenant, user, connection, parameter, redirect URL, PKCE verifier) and hands it out
 * once, so a link cannot be replayed and an answer meant for another connection cannot be slipped
 * in. A sign-in that fails leaves a connection alone that works already.
 */
#include "connector/auth_engine_priv.h"

#include "base/base64.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "crypto/digest.h"
#include "text/url.h"

enum {
    BEGIN_MAGIC = 0x63626567,
    COMPLETE_MAGIC = 0x63636f6d,
    CONSENT_LIFE_MS = 10 * 60 * 1000,
    STATE_BYTES = 16,
    VERIFIER_BYTES = 32,
    CONSENT_BYTES_MAX = 4 << 20,
    DEVICE_INTERVAL_S = 5, /* RFC 8628 §3.2, and what slow_down adds (§3.5) */
    DEVICE_INTERVAL_S_MAX = 60,
    DEVICE_LIFE_S_MAX = 3600,
    ERROR_BYTES_MAX = 100,
    DESCRIPTION_BYTES_MAX = 300,
};

rac_str rac_auth_redirect_url(const struct rac_auth *auth, const struct rac_oauth_settings *s,
                              rac_str connector_id, struct rac_arena *a)
{
    if (s->redirect_mode == RAC_REDIRECT_DIRECT)
        return s->redirect_url;
    rac_str base = rac_str_concat(a, auth->public_url, RAC_S("/oauth/redirect"));
    if (s->redirect_mode == RAC_REDIRECT_GLOBAL || connector_id.n == 0)
        return base;
    return rac_arena_printf(a, "%.*s/%.*s", RAC_FMT(base), RAC_FMT(connector_id));
}

static void fail(struct rac_auth_error *e, const char *code, int http, const char *detail,
                 rac_str message)
{
    *e = (struct rac_auth_error){.code = rac_str_of(code),
                                 .http_status = http,
                                 .message = message,
                                 .detail = rac_str_of(detail)};
}

/* --- begin ------------------------------------------------------------------------------------ */

struct begin {
    uint32_t magic;
    struct rac_auth *auth;
    struct rac_arena *a; /* the caller's: results */
    struct rac_arena own;
    struct rac_auth_key key;
    rac_consent_begun done;
    void *arg;
    rac_str user, return_url;
    struct rac_consent row;
    struct rac_consent_link link;
    struct rac_auth_error error;
    bool failed;
};

static void begin_done(void *arg)
{
    struct begin *b = RAC_CAST(arg, struct begin, BEGIN_MAGIC);
    rac_consent_begun done = b->done;
    void *to = b->arg;
    struct rac_consent_link link = b->link;
    struct rac_auth_error error;
    bool failed = b->failed;
    if (failed)
        rac_auth_error_copy(&b->error, b->a, &error);
    rac_arena_fini(&b->own);
    b->magic = 0;
    rac_mem_free(b);
    done(to, failed ? NULL : &link, failed ? &error : NULL);
}

static void begin_end(struct begin *b, bool failed)
{
    b->failed = failed;
    b->auth->env.defer(b->auth->env.defer_self, begin_done, b);
}

static void begin_kept(void *arg, const struct rac_commit *c)
{
    struct begin *b = RAC_CAST(arg, struct begin, BEGIN_MAGIC);
    b->failed = c->err != RAC_OK;
    if (b->failed)
        rac_auth_error_of_store(c->err, &b->error);
    begin_done(b);
}

static void keep_consent(struct begin *b)
{
    const struct rac_connector_store *s = b->auth->env.store;
    struct rac_actor actor = {.user = b->user, .at_ms = rac_auth_now(b->auth)};
    b->link.state = rac_arena_str(b->a, b->row.state);
    b->link.expires_at_ms = b->row.expires_ms;
    s->consent_begin(s->self, &b->row, &actor, begin_kept, b);
}

/* §4.4: consent is refused until the connector has an identity provider and a client of its own. */
static bool refuse_settings(struct begin *b, const struct rac_oauth_vars *v)
{
    const struct rac_oauth_settings *s = v->settings;
    bool known;
    if (s->problem.n > 0) {
        fail(&b->error, "InvalidInput", 400, "RC-OA-01", rac_arena_str(&b->own, s->problem));
        return true;
    }
    if (rac_oauth_var(v, RAC_S("ClientId"), &b->own, &known).n == 0 &&
        rac_oauth_mentions(s->authorization_query.text, RAC_S("ClientId"))) {
        fail(&b->error, "InvalidInput", 400, "RC-OA-02",
             RAC_S("The connector has no OAuth client id yet, so nobody can sign in. Register an "
                   "application with the identity provider, then run `raccord connector update "
                   "CONNECTOR "
                   "--client-id ID --secret SECRET`."));
        return true;
    }
    bool aad = s->family == RAC_PROVIDER_AAD || s->family == RAC_PROVIDER_AADCERT;
    if (aad && s->scopes_n == 0 && rac_oauth_var(v, RAC_S("resourceUri"), &b->own, &known).n == 0) {
        fail(&b->error, "InvalidInput", 400, "RC-OA-01",
             RAC_S("The OAuth settings have no resourceUri, so Azure AD cannot tell for which API "
                   "the sign-in is. Add customParameters.resourceUri."));
        return true;
    }
    return false;
}

static rac_str challenge_of(rac_str verifier, struct rac_arena *a)
{
    uint8_t digest[RAC_SHA256_BYTES];
    rac_sha256(verifier, digest);
    return rac_base64url_encode(a, (rac_str){(const char *)digest, sizeof digest});
}

/* The link of the authorization-code grant. False: *error. */
static bool make_link(struct begin *b, struct rac_oauth_vars *v)
{
    const struct rac_oauth_settings *s = v->settings;
    struct rac_arena *a = b->a;
    struct rac_url parts;
    rac_str query_text = s->authorization_query.text, url_text = s->authorization_url.text;
    bool mentions = rac_oauth_mentions(query_text, RAC_S("CodeChallenge"));
    bool pkce = s->pkce || mentions;
    if (pkce) {
        b->row.verifier = rac_random_token(&b->own, b->auth->env.env, VERIFIER_BYTES);
        v->verifier = b->row.verifier;
        v->challenge = challenge_of(v->verifier, &b->own);
    }
    rac_str url = rac_oauth_endpoint(v, &s->authorization_url, "authorizationUrl", a);
    rac_str query = rac_oauth_expand_form(&s->authorization_query, v, a);
    url = rac_oauth_join(url, query, a);
    if (!rac_oauth_mentions(query_text, RAC_S("State")) &&
        !rac_oauth_mentions(url_text, RAC_S("State")))
        url = rac_oauth_join(url, rac_oauth_form_add(RAC_S(""), RAC_S("state"), v->state, a), a);
    if (pkce && !mentions) {
        rac_str p = rac_oauth_form_add(RAC_S(""), RAC_S("code_challenge"), v->challenge, a);
        p = rac_oauth_form_add(p, RAC_S("code_challenge_method"), RAC_S("S256"), a);
        url = rac_oauth_join(url, p, a);
    }
    url = rac_url_encode_set(a, url, RAC_URL_WHOLE);
    if (!rac_url_split_http(url, &parts)) {
        fail(&b->error, "InvalidInput", 400, "RC-OA-01",
             rac_arena_printf(&b->own,
                              "The authorization URL comes out as \"%.*s\", which is no http(s) "
                              "URL. Check the connection's values that it is made of.",
                              RAC_FMT(rac_str_sub(url, 0, 200))));
        return false;
    }
    b->link.link = url;
    return true;
}

/* --- begin, device grant (RFC 8628) ----------------------------------------------------------- */

/* What is kept of a device grant: its code and how long to wait between two questions. */
static rac_str device_detail(rac_str code, int64_t interval_s, struct rac_arena *a)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "device_code", code);
    RAC_JSON_PUT(a, &o, "interval", rac_json_of_int(interval_s));
    return rac_json_print_str(&o, 0, a);
}

static void device_refused(struct begin *b, const struct rac_fetch_res *res)
{
    struct rac_token_answer x;
    rac_token_answer_read(res, rac_auth_now(b->auth), &b->own, &x);
    if (x.verdict == RAC_TOKEN_OK)
        x.verdict = RAC_TOKEN_MALFORMED;
    rac_auth_error_of_answer(&x, &b->own, &b->error);
    begin_end(b, true);
}

static void device_answered(void *arg, const struct rac_fetch_res *res)
{
    struct begin *b = RAC_CAST(arg, struct begin, BEGIN_MAGIC);
    struct rac_json v = rac_json_none;
    struct rac_json_error where;
    struct rac_url parts;
    if (res->err == RAC_OK)
        (void)!rac_json_parse(res->body, &b->own, RAC_JSON_COPY, &v, &where);
    rac_str code = rac_json_str(RAC_JSON_GET(&v, "device_code"), RAC_STR_NULL);
    rac_str user_code = rac_json_str(RAC_JSON_GET(&v, "user_code"), RAC_STR_NULL);
    rac_str page = rac_json_str(RAC_JSON_GET(&v, "verification_uri"), RAC_STR_NULL);
    rac_str whole = rac_json_str(RAC_JSON_GET(&v, "verification_uri_complete"), RAC_STR_NULL);
    if (page.n == 0)
        page = rac_json_str(RAC_JSON_GET(&v, "verification_url"), RAC_STR_NULL);
    user_code = rac_utf8_line(b->a, user_code, ERROR_BYTES_MAX);
    if (res->status != 200 || code.n == 0 || user_code.n == 0 ||
        !rac_url_split_http(page, &parts)) {
        device_refused(b, res);
        return;
    }
    int64_t life_s = rac_oauth_seconds(RAC_JSON_GET(&v, "expires_in"), CONSENT_LIFE_MS / 1000,
                                       DEVICE_LIFE_S_MAX);
    b->link.interval_s =
        rac_oauth_seconds(RAC_JSON_GET(&v, "interval"), DEVICE_INTERVAL_S, DEVICE_INTERVAL_S_MAX);
    b->link.user_code = user_code;
    b->link.link =
        rac_url_encode_set(b->a, rac_url_split_http(whole, &parts) ? whole : page, RAC_URL_WHOLE);
    b->row.detail = device_detail(code, b->link.interval_s, &b->own);
    b->row.expires_ms = rac_auth_now(b->auth) + life_s * 1000;
    keep_consent(b);
}

static void begin_device(struct begin *b, struct rac_oauth_vars *v)
{
    static const struct rac_oauth_template body = {
        RAC_S_INIT("client_id={ClientId}&scope={Scopes}"), true};
    const struct rac_fetcher *f = b->auth->env.fetcher;
    struct rac_headers headers = {0};
    struct rac_url parts;
    rac_str url = rac_oauth_expand_url(&v->settings->device_url, v, &b->own);
    if (!rac_url_split_http(url, &parts)) {
        fail(&b->error, "InvalidInput", 400, "RC-OA-01",
             RAC_S("The device grant needs customParameters.deviceAuthorizationUrl."));
        begin_end(b, true);
        return;
    }
    rac_headers_add(&headers, &b->own, RAC_S("Accept"), RAC_S("application/json"));
    rac_headers_add(&headers, &b->own, RAC_S("Content-Type"),
                    RAC_S("application/x-www-form-urlencoded"));
    struct rac_fetch_req req = {.method = RAC_S("POST"),
                                .url = url,
                                .headers = &headers,
                                .body = rac_oauth_expand_form(&body, v, &b->own),
                                .timeout_ms = b->auth->env.token_timeout_ms,
                                .response_bytes_max = 1 << 20};
    struct rac_fetch_events ev = {.done = device_answered, .arg = b};
    f->start(f->self, &req, &b->own, &ev);
}

/* --- begin, the whole ------------------------------------------------------------------------- */

static void begin_with(struct begin *b, const struct rac_auth_target *t, rac_str redirect)
{
    struct rac_oauth_vars v = {.settings = t->settings, .connection = t->connection};
    enum rac_grant grant = rac_oauth_grant(&v, &b->own);
    if (refuse_settings(b, &v)) {
        begin_end(b, true);
        return;
    }
    if (grant == RAC_GRANT_CLIENT_CREDENTIALS || grant == RAC_GRANT_PASSWORD) {
        fail(&b->error, "InvalidInput", 400, "NoConsentNeeded",
             RAC_S("This connection gets its token by itself; nobody has to sign in."));
        begin_end(b, true);
        return;
    }
    if (grant == RAC_GRANT_ON_BEHALF_OF || grant == RAC_GRANT_TOKEN_EXCHANGE) {
        fail(&b->error, "InvalidInput", 400, "NoConsentNeeded",
             RAC_S("This connector acts on behalf of a person by a token of theirs: give it with "
                   "the connection, as {\"assertion\": \"…\"}."));
        begin_end(b, true);
        return;
    }
    if (redirect.n == 0)
        redirect = rac_auth_redirect_url(b->auth, t->settings, t->connector_id, &b->own);
    redirect = rac_arena_str(&b->own, redirect); /* the device grant needs it after t has gone */
    b->row.state = rac_random_token(&b->own, b->auth->env.env, STATE_BYTES);
    b->row.tenant = b->key.tenant;
    b->row.user = b->user;
    b->row.connection = b->key.connection;
    b->row.parameter = b->key.parameter;
    b->row.redirect_url = redirect;
    b->row.return_url = b->return_url;
    b->row.expires_ms = rac_auth_now(b->auth) + CONSENT_LIFE_MS;
    v.state = b->row.state;
    v.redirect_url = redirect;
    if (grant == RAC_GRANT_DEVICE_CODE)
        begin_device(b, &v);
    else if (make_link(b, &v))
        keep_consent(b);
    else
        begin_end(b, true);
}

void rac_auth_consent_begin(struct rac_auth *auth, const struct rac_consent_ask *ask,
                            struct rac_arena *a, rac_consent_begun done, void *arg)
{
    struct begin *b = rac_mem_alloc(sizeof *b);
    struct rac_auth_target t = {0};
    const struct rac_auth_source *source = auth->env.source;
    b->magic = BEGIN_MAGIC;
    b->auth = auth;
    b->a = a;
    b->done = done;
    b->arg = arg;
    rac_arena_init(&b->own, CONSENT_BYTES_MAX);
    rac_arena_wipe_at_end(&b->own);
    b->key = rac_auth_key_copy(&ask->key, &b->own);
    b->user = rac_arena_str(&b->own, ask->user);
    b->return_url = rac_arena_str(&b->own, ask->return_url);
    rac_err e = source->open(source->self, &b->key, &b->own, &t);
    if (e != RAC_OK) {
        rac_auth_error_of_store(e, &b->error);
        begin_end(b, true);
        return;
    }
    begin_with(b, &t, ask->redirect_url);
    source->release(source->self, &t);
}

/* --- complete --------------------------------------------------------------------------------- */

struct complete {
    uint32_t magic;
    struct rac_auth *auth;
    struct rac_arena *a;
    struct rac_arena own;
    rac_consent_completed done;
    void *arg;
    rac_str state, code, error, error_description, user, path;
    struct rac_auth_key expected;
    struct rac_consent consent; /* as taken */
    rac_str device_code;        /* device grant only */
    int64_t interval_s;
    int64_t generation; /* of the tokens there were when it began; -1: none */
    enum rac_token_verdict verdict;
    struct rac_auth_key key;
    struct rac_token_post post;
    struct rac_oauth_row row;
    struct rac_status status; /* of the connection before, then after */
    struct rac_auth_error failure;
    bool failed;
};

static void complete_done(void *arg)
{
    struct complete *c = RAC_CAST(arg, struct complete, COMPLETE_MAGIC);
    rac_consent_completed done = c->done;
    void *to = c->arg;
    struct rac_auth_error failure;
    bool failed = c->failed;
    struct rac_consent_result r = {.key = rac_auth_key_copy(&c->key, c->a), .status = c->status};
    r.return_url = rac_arena_str(c->a, c->consent.return_url);
    r.status.target = rac_arena_str(c->a, c->status.target);
    r.status.code = rac_arena_str(c->a, c->status.code);
    r.status.message = rac_arena_str(c->a, c->status.message);
    if (failed)
        rac_auth_error_copy(&c->failure, c->a, &failure);
    rac_arena_fini(&c->own);
    c->magic = 0;
    rac_mem_free(c);
    done(to, &r, failed ? &failure : NULL);
}

static void complete_marked(void *arg, const struct rac_commit *commit)
{
    struct complete *c = RAC_CAST(arg, struct complete, COMPLETE_MAGIC);
    if (commit->err == RAC_E_CONFLICT) { /* somebody signed in meanwhile */
        c->status = (struct rac_status){.status = RAC_CONNECTION_CONNECTED};
        c->failed = c->device_code.n == 0; /* another question brought what this one asked for */
    } else if (commit->err != RAC_OK)
        rac_log(RAC_WARN, "connection.mark_failed", RAC_F_STR("connection", c->key.connection),
                RAC_F_CSTR("error", rac_err_name(commit->err)));
    complete_done(c);
}

/* The sign-in failed. A connection that works is left as it is. */
static void complete_fail(struct complete *c, enum rac_connection_status status)
{
    const struct rac_connector_store *s = c->auth->env.store;
    c->failed = true;
    if (c->status.status == RAC_CONNECTION_CONNECTED) {
        c->auth->env.defer(c->auth->env.defer_self, complete_done, c);
        return;
    }
    c->status = (struct rac_status){.status = status,
                                    .target = c->key.parameter,
                                    .code = c->failure.detail,
                                    .message = c->failure.message};
    struct rac_connection_mark r = {
        .id = c->key.connection,
        .status = c->status,
        .if_generation = c->generation,
        .actor = {.user = c->consent.user, .at_ms = rac_auth_now(c->auth)}};
    s->connection_mark(s->self, c->key.tenant, &r, complete_marked, c);
}

static void complete_saved(void *arg, const struct rac_commit *commit)
{
    struct complete *c = RAC_CAST(arg, struct complete, COMPLETE_MAGIC);
    if (commit->err != RAC_OK) {
        c->failed = true;
        rac_auth_error_of_store(commit->err, &c->failure);
        if (commit->err != RAC_E_NOT_FOUND)
            c->failure.message = RAC_S("The identity provider accepted the sign-in, but its tokens "
                                       "could not be written just now. Sign in again.");
    } else {
        c->status = (struct rac_status){.status = RAC_CONNECTION_CONNECTED};
        rac_log(RAC_INFO, "connection.signed_in", RAC_F_STR("connection", c->key.connection));
    }
    complete_done(c);
}

static void complete_put(void *arg, const struct rac_commit *commit)
{
    struct complete *c = RAC_CAST(arg, struct complete, COMPLETE_MAGIC);
    if (commit->err != RAC_OK)
        rac_auth_error_of_store(commit->err, &c->failure);
    complete_done(c);
}

/* A device grant that nobody confirmed yet, or a sign-in whose code could not be sent just now: the
 * state goes back, for the next question. After slow_down that one has to come later (RFC 8628
 * §3.5). */
static void complete_put_back(struct complete *c)
{
    const struct rac_connector_store *s = c->auth->env.store;
    struct rac_actor actor = {.user = c->consent.user, .at_ms = rac_auth_now(c->auth)};
    c->failed = true;
    if (rac_str_eqi(c->failure.detail, RAC_S("slow_down")))
        c->interval_s += DEVICE_INTERVAL_S;
    if (c->interval_s > DEVICE_INTERVAL_S_MAX)
        c->interval_s = DEVICE_INTERVAL_S_MAX;
    if (c->failure.retry_after_s < c->interval_s)
        c->failure.retry_after_s = c->interval_s;
    c->consent.state = c->state;
    if (c->device_code.n > 0)
        c->consent.detail = device_detail(c->device_code, c->interval_s, &c->own);
    s->consent_begin(s->self, &c->consent, &actor, complete_put, c);
}

/* It is known what came of it. */
static void complete_settle(struct complete *c)
{
    static const struct rac_status connected = {.status = RAC_CONNECTION_CONNECTED};
    const struct rac_connector_store *s = c->auth->env.store;
    if (c->verdict != RAC_TOKEN_OK) {
        complete_fail(c, c->verdict == RAC_TOKEN_REJECTED ? RAC_CONNECTION_UNAUTHENTICATED
                                                          : RAC_CONNECTION_ERROR);
        return;
    }
    struct rac_oauth_save r = {.tokens = c->row,
                               .if_generation =
                                   0, /* a fresh sign-in wins over whatever was there */
                               .status = &connected,
                               .actor = {.user = c->consent.user, .at_ms = rac_auth_now(c->auth)}};
    s->oauth_save(s->self, c->key.tenant, &r, complete_saved, c);
}

static void complete_dropped(void *arg, rac_err err, const struct rac_consent *row)
{
    (void)err, (void)row; /* gone already: another question was faster */
    complete_settle(RAC_CAST(arg, struct complete, COMPLETE_MAGIC));
}

static void exchanged(void *arg, const struct rac_token_answer *x)
{
    struct complete *c = RAC_CAST(arg, struct complete, COMPLETE_MAGIC);
    const struct rac_connector_store *s = c->auth->env.store;
    struct rac_actor actor = {.user = c->consent.user, .at_ms = rac_auth_now(c->auth)};
    bool device = c->device_code.n > 0;
    bool open = x->verdict == RAC_TOKEN_PENDING || x->verdict == RAC_TOKEN_TEMPORARY ||
                x->verdict == RAC_TOKEN_MALFORMED;
    c->verdict = x->verdict;
    if (x->verdict == RAC_TOKEN_OK)
        rac_auth_row_of_answer(x, &c->key, RAC_STR_NULL, rac_auth_now(c->auth), &c->row);
    else
        rac_auth_error_of_answer(x, &c->own, &c->failure);
    if (device && open)
        complete_put_back(c);
    else if (device)
        s->consent_take(s->self, c->state, &actor, complete_dropped, c);
    else
        complete_settle(c);
}

static void complete_kept(void *arg, const struct rac_commit *commit)
{
    struct complete *c = RAC_CAST(arg, struct complete, COMPLETE_MAGIC);
    if (commit->err != RAC_OK)
        rac_log(RAC_WARN, "auth.device_unkept", RAC_F_STR("connection", c->key.connection),
                RAC_F_CSTR("error", rac_err_name(commit->err)));
    rac_token_post_start(&c->post, exchanged, c);
}

/* The state of a device grant is good until it is settled: it goes back before the provider is
 * asked, so that neither a crash nor a second question meanwhile ends the sign-in. */
static void complete_ask(struct complete *c)
{
    const struct rac_connector_store *s = c->auth->env.store;
    struct rac_actor actor = {.user = c->consent.user, .at_ms = rac_auth_now(c->auth)};
    if (c->device_code.n == 0) {
        rac_token_post_start(&c->post, exchanged, c);
        return;
    }
    c->consent.state = c->state;
    c->consent.detail = device_detail(c->device_code, c->interval_s, &c->own);
    s->consent_begin(s->self, &c->consent, &actor, complete_kept, c);
}

static void exchange(struct complete *c, const struct rac_auth_target *t)
{
    struct rac_oauth_vars v = {.settings = t->settings,
                               .connection = t->connection,
                               .redirect_url = c->consent.redirect_url,
                               .verifier = c->consent.verifier,
                               .state = c->state};
    bool device = c->device_code.n > 0;
    v.code = device ? c->device_code : c->code;
    if (t->settings->problem.n > 0) {
        fail(&c->failure, "InvalidInput", 400, "RC-OA-01",
             rac_arena_str(&c->own, t->settings->problem));
        complete_fail(c, RAC_CONNECTION_ERROR);
        return;
    }
    enum rac_token_purpose purpose = device ? RAC_TOKEN_DEVICE : RAC_TOKEN_EXCHANGE;
    if (rac_token_post_build(&c->post, c->auth, &v, purpose, &c->own, &c->failure) != RAC_OK) {
        complete_fail(c, RAC_CONNECTION_ERROR);
        return;
    }
    complete_ask(c);
}

/* The provider sent the browser back with an error instead of a code. */
static void provider_said_no(struct complete *c)
{
    bool denied = rac_str_eqi(c->error, RAC_S("access_denied"));
    rac_str error = rac_utf8_line(&c->own, c->error, ERROR_BYTES_MAX);
    if (error.n == 0)
        error = RAC_S("error");
    rac_str description = rac_utf8_line(&c->own, c->error_description, DESCRIPTION_BYTES_MAX);
    rac_str text = rac_arena_printf(
        &c->own, "%s (%.*s%s%.*s). %s",
        denied ? "The sign-in was declined" : "The identity provider refused the sign-in",
        RAC_FMT(error), description.n > 0 ? ": " : "", RAC_FMT(description),
        denied ? "Sign in again and accept."
               : "Sign in again; if it happens again, an administrator checks the OAuth settings.");
    fail(&c->failure, "ConnectionUnauthenticated", 401, NULL, text);
    c->failure.detail = error;
    complete_fail(c, RAC_CONNECTION_UNAUTHENTICATED);
}

static void copy_consent(struct complete *c, const struct rac_consent *row)
{
    struct rac_arena *a = &c->own;
    c->consent = (struct rac_consent){
        .tenant = rac_arena_str(a, row->tenant),
        .user = rac_arena_str(a, row->user),
        .connection = rac_arena_str(a, row->connection),
        .parameter = rac_arena_str(a, row->parameter),
        .redirect_url = rac_arena_str(a, row->redirect_url),
        .return_url = rac_arena_str(a, row->return_url),
        .expires_ms = row->expires_ms,
    };
    if (row->verifier.n > 0)
        c->consent.verifier = rac_arena_str(a, row->verifier);
    struct rac_json detail;
    if (row->detail.n > 0 &&
        rac_json_parse(row->detail, a, RAC_JSON_COPY, &detail, NULL) == RAC_OK) {
        c->device_code = rac_json_str(RAC_JSON_GET(&detail, "device_code"), RAC_STR_NULL);
        c->interval_s = rac_oauth_seconds(RAC_JSON_GET(&detail, "interval"), DEVICE_INTERVAL_S,
                                          DEVICE_INTERVAL_S_MAX);
    }
    c->key = (struct rac_auth_key){c->consent.tenant, c->consent.connection, c->consent.parameter};
}

static void fail_at_once(struct complete *c)
{
    c->failed = true;
    c->auth->env.defer(c->auth->env.defer_self, complete_done, c);
}

/* The connection that was asked for, and the page the provider was told to come back to: an answer
 * that arrives at the page of another connector was meant for that one. A page of the caller's own
 * may lead here by ways we do not know. */
static bool is_expected(const struct complete *c)
{
    rac_str ours = c->auth->public_url, url = c->consent.redirect_url;
    bool of_ours = rac_str_starts(url, ours) &&
                   rac_str_starts(rac_str_from(url, ours.n), RAC_S("/oauth/redirect"));
    if (c->expected.connection.n > 0 && (!rac_str_eq(c->expected.tenant, c->key.tenant) ||
                                         !rac_str_eq(c->expected.connection, c->key.connection)))
        return false;
    return c->path.n == 0 || !of_ours || rac_str_eq(rac_str_from(url, ours.n), c->path);
}

static void taken(void *arg, rac_err err, const struct rac_consent *row)
{
    struct complete *c = RAC_CAST(arg, struct complete, COMPLETE_MAGIC);
    const struct rac_auth_source *source = c->auth->env.source;
    struct rac_auth_target t = {0};
    if (err == RAC_OK)
        copy_consent(c, row);
    if (err == RAC_E_NOT_FOUND ||
        (err == RAC_OK && c->consent.expires_ms <= rac_auth_now(c->auth))) {
        fail(&c->failure, "InvalidInput", 400, "ConsentStateInvalid",
             RAC_S("This sign-in link was used already, is older than ten minutes, or is not from "
                   "here. Start the sign-in again."));
        fail_at_once(c);
        return;
    }
    if (err == RAC_OK && !is_expected(c)) {
        fail(&c->failure, "InvalidInput", 400, "ConsentStateInvalid",
             RAC_S("This answer belongs to another sign-in. Start the sign-in again."));
        fail_at_once(c);
        return;
    }
    if (err == RAC_OK && c->user.n > 0 && !rac_str_eq(c->user, c->consent.user)) {
        fail(&c->failure, "ConnectionForbidden", 403, "ConsentUserDiffers",
             RAC_S("This sign-in was started by somebody else. Start your own."));
        fail_at_once(c);
        return;
    }
    if (err == RAC_OK)
        err = source->open(source->self, &c->key, &c->own, &t);
    if (err != RAC_OK) {
        rac_auth_error_of_store(err, &c->failure);
        if (c->key.connection.n > 0 && err != RAC_E_NOT_FOUND)
            complete_put_back(c);
        else
            fail_at_once(c);
        return;
    }
    c->status = t.connection->status;
    const struct rac_oauth_token *token = rac_connection_token(t.connection, c->key.parameter);
    c->generation = token != NULL && token->generation > 0 ? token->generation : -1;
    if (c->error.n > 0) {
        provider_said_no(c);
    } else if (c->code.n == 0 && c->device_code.n == 0) {
        fail(&c->failure, "InvalidInput", 400, "CodeMissing",
             RAC_S("The identity provider sent neither a code nor an error. Sign in again."));
        complete_fail(c, RAC_CONNECTION_UNAUTHENTICATED);
    } else {
        exchange(c, &t);
    }
    source->release(source->self, &t);
}

void rac_auth_consent_complete(struct rac_auth *auth, const struct rac_consent_answer *answer,
                               struct rac_arena *a, rac_consent_completed done, void *arg)
{
    struct complete *c = rac_mem_alloc(sizeof *c);
    const struct rac_connector_store *s = auth->env.store;
    c->magic = COMPLETE_MAGIC;
    c->auth = auth;
    c->a = a;
    c->done = done;
    c->arg = arg;
    rac_arena_init(&c->own, CONSENT_BYTES_MAX);
    rac_arena_wipe_at_end(&c->own);
    c->state = rac_arena_str(&c->own, answer->state);
    c->code = rac_arena_str(&c->own, answer->code);
    c->error = rac_arena_str(&c->own, answer->error);
    c->error_description = rac_arena_str(&c->own, answer->error_description);
    c->user = rac_arena_str(&c->own, answer->user);
    c->path = rac_arena_str(&c->own, answer->path);
    c->expected = rac_auth_key_copy(&answer->key, &c->own);
    if (c->code.n > 0)
        rac_secret_wipe_with(&c->own, c->code);
    if (c->state.n == 0) {
        fail(&c->failure, "InvalidInput", 400, "ConsentStateInvalid",
             RAC_S("The address has no state, so the sign-in it belongs to is not known."));
        fail_at_once(c);
        return;
    }
    struct rac_actor actor = {.user = c->user, .at_ms = rac_auth_now(auth)};
    s->consent_take(s->self, c->state, &actor, taken, c);
}
