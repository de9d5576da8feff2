/*
 * auth_post - one exchange with a token endpoint, and what its failure means to others.
 *
 * Redirects are not followed: a token endpoint that redirects a POST is misconfigured, and the
 * secret in it must not travel on.
 */
#include "connector/auth_engine_priv.h"

#include "base/secret.h"

enum { ANSWER_BYTES_MAX = 1 << 20 };

static void posted(void *arg, const struct rac_fetch_res *res);

static void send(struct rac_token_post *p, const struct rac_token_request *r)
{
    const struct rac_fetcher *f = p->auth->env.fetcher;
    struct rac_fetch_req req = {
        .method = RAC_S("POST"),
        .url = r->url,
        .headers = &r->headers,
        .body = r->body.p != NULL ? r->body : RAC_S(""),
        .timeout_ms = p->auth->env.token_timeout_ms,
        .response_bytes_max = ANSWER_BYTES_MAX,
    };
    struct rac_fetch_events ev = {.done = posted, .arg = p};
    p->fetch = f->start(f->self, &req, p->a, &ev);
}

/* A 401 says it without a name, too. */
static bool refuses_client(const struct rac_token_answer *x)
{
    if (x->http_status == 401 && x->verdict == RAC_TOKEN_REJECTED && x->unnamed)
        return true;
    return x->verdict == RAC_TOKEN_CLIENT && (x->http_status == 401 || x->http_status == 400) &&
           rac_str_eqi(x->error, RAC_S("invalid_client"));
}

static void posted(void *arg, const struct rac_fetch_res *res)
{
    struct rac_token_post *p = arg;
    struct rac_token_answer answer;
    p->fetch = NULL;
    rac_token_answer_read(res, rac_auth_now(p->auth), p->a, &answer);
    if (p->has_basic && refuses_client(&answer)) { /* §4.7 step 4 */
        p->has_basic = false;
        send(p, &p->basic);
        return;
    }
    answer.error = rac_secrets_mask(&p->hide, answer.error, p->a);
    answer.error_description = rac_secrets_mask(&p->hide, answer.error_description, p->a);
    if (answer.verdict == RAC_TOKEN_PENDING && !p->device)
        answer.verdict = RAC_TOKEN_TEMPORARY;
    p->done(p->arg, &answer);
}

static void hide_secrets(struct rac_token_post *p, const struct rac_oauth_vars *v)
{
    bool known;
    const rac_str sent[] = {v->code, v->refresh_token, v->assertion, v->verifier,
                            rac_oauth_var(v, RAC_S("ClientSecret"), p->a, &known)};
    rac_connection_secrets(v->connection, p->a, &p->hide);
    for (size_t i = 0; i < RAC_COUNT(sent); i++)
        rac_secrets_add(&p->hide, sent[i], p->a);
    for (size_t i = 0; i < p->hide.n; i++) { /* copies: v goes */
        p->hide.v[i] = rac_arena_str(p->a, p->hide.v[i]);
        rac_secret_wipe_with(p->a, p->hide.v[i]);
    }
    rac_secrets_ready(&p->hide);
}

/* The assertion is signed anew each time. */
static uint64_t mark_of(const struct rac_token_request *r, struct rac_arena *a)
{
    rac_str body = rac_oauth_form_del(r->body, RAC_S("client_assertion"), a);
    return rac_str_hash(r->url) * 31 + rac_str_hash(body) * 7 +
           rac_str_hash(rac_headers_get(&r->headers, RAC_S("Authorization")));
}

rac_err rac_token_post_build(struct rac_token_post *p, struct rac_auth *auth,
                             const struct rac_oauth_vars *v, enum rac_token_purpose purpose,
                             struct rac_arena *a, struct rac_auth_error *error)
{
    const struct rac_env *env = auth->env.env;
    *p = (struct rac_token_post){.auth = auth, .a = a, .device = purpose == RAC_TOKEN_DEVICE};
    hide_secrets(p, v);
    rac_err e = rac_token_request_build(v, purpose, false, env, a, &p->first, error);
    p->mark = e == RAC_OK ? mark_of(&p->first, a) : 0;
    if (e != RAC_OK || !p->first.can_retry_basic)
        return e;
    struct rac_auth_error ignored;
    p->has_basic = rac_token_request_build(v, purpose, true, env, a, &p->basic, &ignored) == RAC_OK;
    return RAC_OK;
}

void rac_token_post_start(struct rac_token_post *p,
                          void (*done)(void *arg, const struct rac_token_answer *answer), void *arg)
{
    p->done = done;
    p->arg = arg;
    send(p, &p->first);
}

/* --- meaning ---------------------------------------------------------------------------------- */

/* "invalid_grant: Token was revoked", or either. */
static rac_str said(const struct rac_token_answer *x, struct rac_arena *a)
{
    if (x->error_description.n == 0 || rac_str_eq(x->error, x->error_description))
        return x->error;
    return rac_arena_printf(a, "%.*s: %.*s", RAC_FMT(x->error), RAC_FMT(x->error_description));
}

static void temporary(const struct rac_token_answer *x, struct rac_arena *a,
                      struct rac_auth_error *error)
{
    rac_str name = x->error;
    error->code = RAC_S("BadBackendResponse");
    error->http_status = 502;
    if (x->http_status == 429) {
        error->code = RAC_S("RateLimited");
        error->http_status = 429;
    } else if (x->http_status == 0 && rac_str_eq(name, rac_str_of(rac_err_name(RAC_E_TIMEOUT)))) {
        error->code = RAC_S("BackendTimeout");
        error->http_status = 504;
    } else if (x->http_status == 0 && rac_str_eq(name, rac_str_of(rac_err_name(RAC_E_DENIED)))) {
        error->code = RAC_S("EgressDenied");
        error->http_status = 403;
    } else if (x->http_status == 0) {
        error->code = RAC_S("BackendUnreachable");
    }
    error->message = rac_arena_printf(
        a,
        "The identity provider could not renew the sign-in just now (%.*s%s%.*s). The "
        "connection stays as it is; try again later.",
        RAC_FMT(x->http_status != 0 ? rac_arena_printf(a, "HTTP %d", x->http_status)
                                    : RAC_S("no answer")),
        x->error_description.n > 0 ? ": " : "", RAC_FMT(x->error_description));
}

void rac_auth_error_of_answer(const struct rac_token_answer *x, struct rac_arena *a,
                              struct rac_auth_error *error)
{
    rac_str words = said(x, a);
    *error = (struct rac_auth_error){.code = RAC_S("ConnectionUnauthenticated"),
                                     .http_status = 401,
                                     .detail = x->error,
                                     .retry_after_s = x->retry_after_s};
    switch (x->verdict) {
    case RAC_TOKEN_REJECTED:
        error->message = rac_arena_printf(
            a, "The identity provider no longer accepts this sign-in (%.*s). Sign in again.",
            RAC_FMT(words));
        break;
    case RAC_TOKEN_CLIENT:
        error->message = rac_arena_printf(
            a,
            "The identity provider refuses the connector's OAuth client (%.*s). An administrator "
            "checks its client id, secret, scopes and redirect URL (`raccord connector update "
            "CONNECTOR "
            "--client-id ID --secret SECRET`).",
            RAC_FMT(words));
        break;
    case RAC_TOKEN_PENDING:
        error->message = RAC_S("Nobody has confirmed the sign-in yet.");
        break;
    case RAC_TOKEN_MALFORMED:
        error->code = RAC_S("BadBackendResponse");
        error->http_status = 502;
        error->message = rac_arena_printf(
            a,
            "The identity provider's answer is no token answer: %.*s. The connection stays as "
            "it is; check the connector's token URL.",
            RAC_FMT(x->error_description));
        break;
    default:
        temporary(x, a, error);
        break;
    }
}

rac_err rac_auth_err_of_answer(const struct rac_token_answer *x)
{
    switch (x->verdict) {
    case RAC_TOKEN_OK:
        return RAC_OK;
    case RAC_TOKEN_REJECTED:
    case RAC_TOKEN_CLIENT:
        return RAC_E_UNAUTHENTICATED;
    case RAC_TOKEN_PENDING:
        return RAC_E_BUSY;
    default:
        return RAC_E_UNREACHABLE;
    }
}

void rac_auth_error_of_store(rac_err e, struct rac_auth_error *error)
{
    *error = (struct rac_auth_error){
        .code = RAC_S("BackendUnreachable"),
        .http_status = 503,
        .message = RAC_S("The connection's tokens could not be read or written just now; nothing "
                         "was lost. Try again."),
        .detail = rac_str_of(rac_err_name(e)),
        .retry_after_s = 5,
    };
    if (e == RAC_E_NOT_FOUND) {
        error->code = RAC_S("ConnectionNotFound");
        error->http_status = 404;
        error->message = RAC_S("The connection, or its connector, does not exist any more.");
        error->retry_after_s = 0;
    }
}

void rac_auth_row_of_answer(const struct rac_token_answer *x, const struct rac_auth_key *key,
                            rac_str old_refresh, rac_ms now_ms, struct rac_oauth_row *row)
{
    *row = (struct rac_oauth_row){
        .connection = key->connection,
        .parameter = key->parameter,
        .access = x->access,
        .refresh = x->refresh.n > 0 ? x->refresh : old_refresh,
        .id_token = x->id_token,
        .type = x->type,
        .scope = x->scope,
        .obtained_ms = now_ms,
        .expires_ms = x->expires_in_s > 0 ? now_ms + x->expires_in_s * 1000 : 0,
    };
}
