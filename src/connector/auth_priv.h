/*
 * auth_priv - what the files of the OAuth engine share: variables, templates, token requests and
 * token answers. Pure functions; nothing here does I/O. One thread.
 */
#ifndef RAC_CONNECTOR_AUTH_PRIV_H
#define RAC_CONNECTOR_AUTH_PRIV_H

#include "connector/auth.h"

/* --- variables and templates (§4.6) ---------------------------------------------------------- */

/* What a template may name. Absent members expand to nothing. */
struct rac_oauth_vars {
    const struct rac_oauth_settings *settings;
    const struct rac_connection *connection; /* may be NULL */
    rac_str code, redirect_url, refresh_token, state;
    rac_str assertion;           /* a person's token to be exchanged */
    rac_str verifier, challenge; /* PKCE */
    bool no_secret;              /* the client authenticates otherwise: {ClientSecret} is empty */
};

/* Value of a variable, letter case ignored; absent and *known false when there is none. In a. */
rac_str rac_oauth_var(const struct rac_oauth_vars *v, rac_str name, struct rac_arena *a,
                      bool *known);
/* The scopes joined, with variables in them expanded; for aad completed by the resource. */
rac_str rac_oauth_scopes(const struct rac_oauth_vars *v, struct rac_arena *a);
enum rac_grant rac_oauth_grant(const struct rac_oauth_vars *v, struct rac_arena *a);

/* Values raw up to the first '?', URL-encoded behind it. In a. */
rac_str rac_oauth_expand_url(const struct rac_oauth_template *t, const struct rac_oauth_vars *v,
                             struct rac_arena *a);
/* The same for an endpoint that the connection's user may type: a companion of that name
 * ("token:tokenUrl") comes before what the connector says. In a. */
rac_str rac_oauth_endpoint(const struct rac_oauth_vars *v, const struct rac_oauth_template *t,
                           const char *name, struct rac_arena *a);
rac_str rac_oauth_typed(const struct rac_oauth_vars *v, const char *name,
                        struct rac_arena *a); /* that companion alone, or nothing */
/* Values URL-encoded; for templates of ours, pairs with an empty value are dropped. In a. */
rac_str rac_oauth_expand_form(const struct rac_oauth_template *t, const struct rac_oauth_vars *v,
                              struct rac_arena *a);
bool rac_oauth_mentions(rac_str template, rac_str variable);
/* url with query behind it: query may begin with '?', '&', '/' or '#', or with a name. In a. */
rac_str rac_oauth_join(rac_str url, rac_str query, struct rac_arena *a);
/* body with "&name=value" appended (value encoded), or without the pairs of that name. In a. */
rac_str rac_oauth_form_add(rac_str body, rac_str name, rac_str value, struct rac_arena *a);
rac_str rac_oauth_form_del(rac_str body, rac_str name, struct rac_arena *a);

/* --- token requests --------------------------------------------------------------------------- */

enum rac_token_purpose {
    RAC_TOKEN_EXCHANGE, /* code -> tokens */
    RAC_TOKEN_REFRESH,
    RAC_TOKEN_OBTAIN,    /* client_credentials, password */
    RAC_TOKEN_ON_BEHALF, /* a person's token -> a token of the API */
    RAC_TOKEN_DEVICE,    /* device_code -> tokens; code is the device code */
};

struct rac_token_request {
    rac_str url, body;
    struct rac_headers headers;
    bool can_retry_basic; /* an invalid_client may be tried again with Basic (§4.7 step 4) */
};

/* Everything of a POST to the token endpoint. basic: authenticate with the Authorization header
 * whatever the settings say. RAC_E_INVALID with *error (RC-OA-01, RC-OA-02) when it cannot be. */
rac_err rac_token_request_build(const struct rac_oauth_vars *v, enum rac_token_purpose purpose,
                                bool basic, const struct rac_env *env, struct rac_arena *a,
                                struct rac_token_request *out,
                                struct rac_auth_error *error) RAC_MUST_CHECK;

enum rac_token_verdict {
    RAC_TOKEN_OK,
    RAC_TOKEN_REJECTED,  /* the grant is gone: somebody has to sign in again */
    RAC_TOKEN_CLIENT,    /* the provider refuses the connector's client: the administrator's job */
    RAC_TOKEN_PENDING,   /* device grant: nobody has typed the code yet */
    RAC_TOKEN_TEMPORARY, /* 5xx, 429, no answer: nothing is known about the grant */
    RAC_TOKEN_MALFORMED, /* an answer that is none: HTML, no access_token */
};

struct rac_token_answer {
    enum rac_token_verdict verdict;
    rac_str access, refresh, type, scope, id_token;
    int64_t expires_in_s;             /* 0: not said */
    rac_str error, error_description; /* the provider's; or ours for TEMPORARY and MALFORMED */
    int http_status;
    bool unnamed; /* a refusal without an `error` */
    int64_t retry_after_s;
};

/* Seconds as providers write them: a number or a text that holds one, whole or not, cut to max_s.
 * otherwise: absent, no number, or less than one second. */
int64_t rac_oauth_seconds(const struct rac_json *v, int64_t otherwise, int64_t max_s);

/* Never fails. Accepts JSON and form-encoded answers whatever their content type says; strings
 * in a. now_ms is for expires_on (an absolute time). */
void rac_token_answer_read(const struct rac_fetch_res *res, rac_ms now_ms, struct rac_arena *a,
                           struct rac_token_answer *out);

#endif
