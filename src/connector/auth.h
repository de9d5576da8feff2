/*
 * auth - credentials: from the values of a connection to what a request carries.
 *
 *  1. rac_auth_plan: which security schemes an operation takes, worked out at compile time.
 *     rac_auth_apply turns plan + connection into headers and query parameters (§4.2). Pure.
 *  2. rac_oauth_settings: one OAuth parameter's `oAuthSettings` laid over the provider table
 *     (providers.def), with every URL and body as a template (§4.4-4.6). Immutable.
 *  3. rac_auth: the engine of one worker. Makes sure tokens are fresh (one refresh in flight per
 *     connection in the whole process), runs consents and the other grants (§4.7, §4.10).
 *     It belongs to its worker's thread; all network goes through rac_fetcher, all state through
 *     connector/store.h, clock and randomness through rac_env.
 *
 * A refresh is never lost: an intent is written before the request, the new tokens are written
 * before they are used, and rac_auth_recover settles the intents that a crash left behind.
 * See docs/internals/auth.md; sections are those of spec/connectors.md.
 */
#ifndef RAC_CONNECTOR_AUTH_H
#define RAC_CONNECTOR_AUTH_H

#include "base/env.h"
#include "base/fetch.h"
#include "connector/auth_plan.h"
#include "connector/connection.h"

/* --- 1. plan and apply (§4.2) --------------------------------------------------------------- */

/* One thing to set on the request; it replaces whatever has the same name. */
struct rac_credential {
    bool in_query; /* name and value are not yet URL-encoded */
    rac_str name, value;
    rac_str masked; /* what a dry run shows instead: "Bearer ***" */
    rac_str scheme; /* name of the scheme */
};
struct rac_credentials {
    struct rac_credential *v; /* as many as the requirement has schemes */
    size_t n, cap;
    const struct rac_oauth_token *token; /* used, if any: a 401 may be cured by a refresh */
};

/* Why credentials could not be put together. code is one of §6.5. */
struct rac_auth_error {
    rac_str code;    /* "ConnectionUnauthenticated", "InvalidInput", "BackendUnreachable", ... */
    int http_status; /* to answer with: 401, 400, 403, 429, 502, 504 */
    rac_str message; /* what happened and what to do; no secrets */
    rac_str detail;  /* finer code ("invalid_grant", "RC-OA-02"), or absent */
    int64_t retry_after_s; /* of a 429 or 503, or 0 */
};

/* No connection (NULL) or one without the values: nothing is added and RAC_OK, because a
 * connector's author may ask for none; RAC_E_INVALID with *error when a value cannot be sent (line
 * breaks in a header value). Values live in a or in the connection; a is wiped at its end. */
rac_err rac_auth_apply(const struct rac_auth_plan *plan, const struct rac_connection *c,
                       struct rac_arena *a, struct rac_credentials *out,
                       struct rac_auth_error *error) RAC_MUST_CHECK;

/* Headers that carry a credential by their nature, for logs and traces: Authorization, Cookie,
 * Proxy-Authorization, *-api-key, ... */
bool rac_auth_is_secret_header(rac_str name);

/* --- 2. settings (§4.4-4.6) ----------------------------------------------------------------- */

enum rac_grant {
    RAC_GRANT_CODE,
    RAC_GRANT_CLIENT_CREDENTIALS,
    RAC_GRANT_PASSWORD,
    RAC_GRANT_DEVICE_CODE,
    RAC_GRANT_ON_BEHALF_OF,   /* RFC 7523 as Azure AD has it: jwt-bearer, requested_token_use */
    RAC_GRANT_TOKEN_EXCHANGE, /* RFC 8693 */
};
enum rac_client_auth { RAC_CLIENT_BODY, RAC_CLIENT_BASIC, RAC_CLIENT_ASSERTION };
enum rac_redirect_mode { RAC_REDIRECT_GLOBAL, RAC_REDIRECT_PER_CONNECTOR, RAC_REDIRECT_DIRECT };
enum rac_provider_family {
    RAC_PROVIDER_PLAIN,
    RAC_PROVIDER_TEMPLATE,
    RAC_PROVIDER_AAD,
    RAC_PROVIDER_AADCERT,
};

struct rac_oauth_extra { /* a further template variable */
    rac_str name, value;
    const struct rac_json *applicable_when; /* of additionalParameters; NULL: always */
};

/* A text with {variables}; ours: not the connector's, so pairs that end up empty are left out. */
struct rac_oauth_template {
    rac_str text; /* absent: not there */
    bool ours;
};

struct rac_oauth_settings {
    rac_str parameter; /* "token" */
    rac_str provider;  /* identityProvider as written */
    enum rac_provider_family family;
    rac_str client_id; /* absent when missing or a placeholder: RC-OA-02 until it is set */
    rac_str client_secret;
    rac_str certificate_pem, key_pem; /* aadcertificate; set by the administrator */
    rac_str *scopes;                  /* verbatim */
    size_t scopes_n;
    rac_str scope_delimiter;
    rac_str grant; /* grantType as written; a companion "grantType" comes before it */
    enum rac_client_auth client_auth;
    enum rac_redirect_mode redirect_mode;
    rac_str redirect_url; /* of Direct */
    bool pkce;
    bool on_behalf_of; /* enableOnbehalfOfLogin: a person's token, where a connection has one, is
                          exchanged; a consent goes on as ever */
    bool v1;           /* aad: the endpoints before v2.0, with `resource` instead of scopes */
    struct rac_oauth_template authorization_url, authorization_query;
    struct rac_oauth_template token_url, token_query, token_body;
    struct rac_oauth_template refresh_url, refresh_query, refresh_body; /* url absent: no refresh */
    struct rac_oauth_template device_url;
    struct rac_oauth_extra *extras;
    size_t extras_n;
    rac_str problem; /* why it cannot be used (RC-OA-01); absent: usable */
};

/* What an administrator set beside the definition (never exported), by `connector update
 * --client-id … --secret …`. Absent members leave the definition's. */
struct rac_oauth_client {
    rac_str client_id, client_secret;
    rac_str certificate_pem, key_pem;
    const struct rac_oauth_extra *extras; /* values of additionalParameters, by name */
    size_t extras_n;
};

/*
 * settings: the oAuthSettings object (or the whole parameter object, which holds it); client: what
 * the administrator set, or NULL. Never fails for bad input: `problem` says what is wrong, and
 * diags (may be NULL) receives RC-OA-01 as an error, RC-OA-02 as a warning, at pointer. Result in
 * a; it keeps references to settings and client.
 */
const struct rac_oauth_settings *rac_oauth_settings_parse(const struct rac_json *settings,
                                                          const struct rac_oauth_client *client,
                                                          rac_str parameter, rac_str pointer,
                                                          struct rac_arena *a,
                                                          struct rac_diags *diags);
/* "", "[[DUMMY]]", "<<x>>", "{{x}}", "YOUR_CLIENT_ID", ...: to be replaced before the first
 * consent. */
bool rac_oauth_is_placeholder(rac_str text);

/* --- 3. the engine -------------------------------------------------------------------------- */

/* Which token: everything is kept per tenant, connection and OAuth parameter. */
struct rac_auth_key {
    rac_str tenant, connection, parameter;
};

/* A connection and its OAuth settings as they are now; held until release. */
struct rac_auth_target {
    struct rac_connection *connection;         /* values opened; tokens may be stale */
    const struct rac_oauth_settings *settings; /* of the key's parameter, client laid over */
    rac_str connector_id;
    void *hold;
};
struct rac_auth_source {
    /* Synchronous, on the engine's thread. RAC_E_NOT_FOUND: connection or connector is gone. */
    rac_err (*open)(void *self, const struct rac_auth_key *k, struct rac_arena *a,
                    struct rac_auth_target *out);
    void (*release)(void *self, struct rac_auth_target *t);
    void *self;
};

/* Other workers: a connection's refresh runs on the worker its id hashes to. post runs fn(arg) on
 * that worker's loop. n 1 (or NULL post): this worker does all. */
struct rac_auth_peers {
    unsigned n, self_index;
    void (*post)(void *self, unsigned worker, void (*fn)(void *engine, void *arg), void *arg);
    void *self;
};

struct rac_auth_env {
    const struct rac_env *env;
    const struct rac_fetcher *fetcher;
    const struct rac_connector_store *store; /* oauth_*, consent_*, connection_mark */
    const struct rac_auth_source *source;
    struct rac_auth_peers peers;
    rac_str public_url; /* "https://raccord.example": redirect URLs are below it */
    /* Runs fn(arg) from the loop, soon: how a completion never happens inside start. */
    void (*defer)(void *self, void (*fn)(void *arg), void *arg);
    void *defer_self;
    /* Asks for one rac_auth_attend after that long: tokens could not be written. NULL: they are
     * written when the next caller needs them. */
    void (*attend)(void *self, int64_t after_ms);
    void *attend_self;
    int64_t refresh_ahead_ms; /* 0: 300 s */
    int64_t token_timeout_ms; /* of a token request; 0: 30 s */
    unsigned waiters_max;     /* per connection; 0: 10,000; more answer RAC_E_BUSY (429) */
};

struct rac_auth;
struct rac_auth *rac_auth_new(const struct rac_auth_env *env); /* owned; copies *env */
/* Cancels waiters without calling them; nothing else may be in flight on this worker. */
void rac_auth_free(struct rac_auth *auth);

/* Tries again what env.attend was called for. */
void rac_auth_attend(struct rac_auth *auth);

/* Whether a call by this plan would carry the connection's OAuth token. */
bool rac_auth_wants_token(const struct rac_auth_plan *plan, const struct rac_connection *c);
/* True when the connection can be used as it is: no OAuth in the plan, or a token that is good for
 * a while. The hot path asks this and starts nothing. */
bool rac_auth_ready(const struct rac_auth *auth, const struct rac_auth_plan *plan,
                    const struct rac_connection *c);

/* Whether somebody has to sign in before the connection can be used: it has an OAuth parameter, no
 * token, and a grant that needs a person. */
bool rac_auth_needs_sign_in(const struct rac_connection *c);
/* Whether a token that was refused can be replaced without a person: there is a refresh token, or
 * the grant needs nobody. */
bool rac_auth_renewable(const struct rac_connection *c);

/* Whether tokens got with the values of old are still those of now: not with another set, nor with
 * another companion of the OAuth parameter ("token:tenant" names who issued them), nor, where the
 * grant needs nobody, with any other value at all. */
bool rac_auth_keeps_tokens(const struct rac_connection *old, const struct rac_connection *now);

struct rac_auth_wait; /* one caller waiting; owned by the engine until done or cancel */
/* error is NULL when the token in c has been brought up to date (its strings live in a). */
typedef void (*rac_auth_prepared)(void *arg, rac_err e, const struct rac_auth_error *error);

/*
 * Makes c's token fresh: refreshes it, or obtains it where the grant needs nobody
 * (client_credentials, password). rejected says that a backend answered 401 to the token in c: then
 * it is refreshed whatever its expiry, unless the store already has a newer one (§4.7 step 6).
 * Borrows c and a until done. settings NULL: found through the source.
 */
struct rac_auth_wait *rac_auth_prepare_start(struct rac_auth *auth, struct rac_connection *c,
                                             const struct rac_oauth_settings *settings,
                                             bool rejected, struct rac_arena *a,
                                             rac_auth_prepared done, void *arg);
void rac_auth_prepare_cancel(struct rac_auth *auth, struct rac_auth_wait *w);

/* Settles refreshes that a crash interrupted: each is tried with the old token; invalid_grant makes
 * the connection Unauthenticated and says why. Call once per process, on one worker, at start. */
rac_err rac_auth_recover(struct rac_auth *auth) RAC_MUST_CHECK;

/* --- consent (§4.7) -------------------------------------------------------------------------- */

struct rac_consent_ask {
    struct rac_auth_key key;
    rac_str user;         /* who may complete it */
    rac_str redirect_url; /* the caller's own page (ARM listConsentLinks), or absent: ours */
    rac_str return_url;   /* where the browser goes when it is over; absent: a page of ours */
};
/* A link for the browser; or, for the device grant, where to go and what to type. */
struct rac_consent_link {
    rac_str link;
    rac_str user_code;  /* device grant only */
    rac_str state;      /* what rac_auth_consent_complete wants; part of the link */
    int64_t interval_s; /* device grant: how often to call rac_auth_consent_complete */
    rac_ms expires_at_ms;
};
typedef void (*rac_consent_begun)(void *arg, const struct rac_consent_link *link,
                                  const struct rac_auth_error *error); /* one of them NULL */
/* Everything given lives until done. error->detail: RC-OA-01, RC-OA-02. */
void rac_auth_consent_begin(struct rac_auth *auth, const struct rac_consent_ask *ask,
                            struct rac_arena *a, rac_consent_begun done, void *arg);

/* What the provider sent to the redirect page (or the caller to confirmConsentCode). */
struct rac_consent_answer {
    rac_str state, code, error, error_description;
    rac_str user; /* who is at the browser, when known; absent: whoever holds the state */
    struct rac_auth_key key; /* what it has to be for, when known; absent members: any */
    rac_str path; /* of ours, at which the browser arrived; absent: the caller received the code */
};
struct rac_consent_result {
    struct rac_auth_key key;  /* absent members: the state was not ours */
    struct rac_status status; /* of the connection now */
    rac_str return_url;       /* as asked for */
};
typedef void (*rac_consent_completed)(
    void *arg, const struct rac_consent_result *result,
    const struct rac_auth_error *error); /* error NULL: signed in */
/*
 * Validates the state (single use, 10 minutes, same user and connection, and the page the provider
 * was told to come back to), exchanges the code, keeps the tokens. For the device grant without a
 * code: asks the provider once whether somebody confirmed; until then, and while the provider cannot
 * be asked, the state stays good and error->retry_after_s says when to ask again.
 */
void rac_auth_consent_complete(struct rac_auth *auth, const struct rac_consent_answer *answer,
                               struct rac_arena *a, rac_consent_completed done, void *arg);

/* A store in memory for the command line and for tests: oauth_*, consent_* and connection_mark of
 * the port, no others. Owned; commits are answered through env's defer (env is borrowed). */
struct rac_auth_memory;
struct rac_auth_memory *rac_auth_memory_new(const struct rac_auth_env *env);
void rac_auth_memory_free(struct rac_auth_memory *m);
struct rac_connector_store rac_auth_memory_store(struct rac_auth_memory *m);
/* Status last given by connection_mark; NULL: none. */
const struct rac_status *rac_auth_memory_status(const struct rac_auth_memory *m, rac_str tenant,
                                                rac_str connection);

#endif
