/*
 * connection - what a user filled in for a connector: parameters, values, tokens, status.
 *
 * Nothing here does I/O:
 *  - rac_conn_sets_parse reads the connection parameters a connector asks for into the model of
 *    connector.h;
 *  - rac_connection is one connection as a call sees it, values opened. It lives in the arena of
 *    the request that uses it; secrets are copies, wiped when that arena ends;
 *  - the rules between the two: validation, defaults, the file format of the command line, masking
 *    and the words of errors (§4.11).
 *
 *     e = rac_connection_make(connector, &input, 0, now_ms, a, &connection, diags);
 *
 * See docs/internals/auth.md; sections are those of spec/connectors.md.
 */
#ifndef RAC_CONNECTOR_CONNECTION_H
#define RAC_CONNECTOR_CONNECTION_H

#include "base/diag.h"
#include "base/str.h"
#include "connector/connector.h"
#include "connector/store.h"
#include "json/json.h"

/* --- what a connector asks for (§1.3.1, §4.9) ---------------------------------------------- */

/*
 * Fills c->sets, sets_n and multi_auth from `properties` (the object below the root of
 * apiProperties.json; NULL: no parameters). Everything is copied into c->arena. Lenient: what
 * cannot be used becomes a parameter of type OTHER and a diagnostic with a pointer below
 * /properties; of more than 512 parameters or 64 sets the first are kept, and RC-PROP-03 says so. RAC_OK, or RAC_E_LIMIT. Called by rac_connector_compile.
 */
rac_err rac_conn_sets_parse(const struct rac_json *properties, struct rac_connector *c,
                            struct rac_diags *diags) RAC_MUST_CHECK;

/* The set of that name; the only or first one when name is absent or empty. NULL: no such set. */
const struct rac_conn_set *rac_conn_set_find(const struct rac_connector *c, rac_str name);
/* Exact name first, then ignoring letter case. NULL: none. */
const struct rac_conn_param *rac_conn_param_find(const struct rac_conn_set *s, rac_str name);
/* The parameter of type oauthSetting: "token" before any other. NULL: none. */
const struct rac_conn_param *rac_conn_param_oauth(const struct rac_conn_set *s);
/* "x" of "token:x"; absent for a parameter that is no companion. */
rac_str rac_conn_param_companion(const struct rac_conn_param *p);

/* --- one connection ------------------------------------------------------------------------ */

/* A token of one OAuth parameter. */
struct rac_oauth_token {
    rac_str parameter;    /* "token" */
    rac_str access;       /* absent: never obtained */
    rac_str refresh;      /* absent: the provider gave none */
    rac_str assertion;    /* a person's token for the connector's client, to be exchanged for one of
                             the API (on behalf of); absent: none */
    rac_str type;         /* token_type as given; absent: Bearer */
    rac_str scope;        /* as granted; absent when the answer did not say */
    rac_ms expires_at_ms; /* 0: the provider did not say */
    rac_ms obtained_ms;   /* when it was got; 0: unknown */
    int64_t generation;   /* of the stored row; 0 for a token typed in by hand */
};

struct rac_connection {
    rac_str id, tenant; /* absent on the command line */
    const struct rac_conn_set *set;
    struct rac_json values; /* object: parameter name -> plain string, int or bool */
    struct rac_oauth_token *tokens;
    size_t tokens_n;
    struct rac_status status;
};

/* What may be missing when a connection is made. */
enum rac_connection_flags {
    RAC_CONNECTION_PARTIAL = 1, /* required values may be missing, unknown names are warnings: dry
                                   runs, the first step of a form */
};

/*
 * Checks input against the parameters of c and builds the connection in a. input is one of
 *   {parameter name: value, ...}
 *   {"set": name, "values": {parameter name: value, ...}}
 *   {"name": name, "values": {parameter name: {"value": value}, ...}}   (parameterValueSet, §4.9)
 * where a value may also stand as {"value": value}, and the value of an OAuth parameter is an
 * access token or {"access_token", "refresh_token"?, "expires_at"?, "expires_in"?, "token_type"?,
 * "scope"?}; expires_at is seconds since 1970 or RFC 3339; or {"assertion"}, a person's token that
 * is exchanged on their behalf (§4.6). NULL input: no values. now_ms is the wall clock, for
 * expires_in.
 * RAC_OK with *out; RAC_E_INVALID with an error in diags per mistake, pointer into input:
 *   RC-CONN-01 no such set          RC-CONN-04 wrong type
 *   RC-CONN-02 no such parameter    RC-CONN-05 not one of the allowed values
 *   RC-CONN-03 required, missing    RC-CONN-06 input is no object
 *   RC-CONN-07 not a token          RC-PROP-04 type that cannot be used yet
 * RAC_E_LIMIT: arena. Messages never repeat the value of a secret.
 */
rac_err rac_connection_make(const struct rac_connector *c, const struct rac_json *input,
                            unsigned flags, rac_ms now_ms, struct rac_arena *a,
                            struct rac_connection **out, struct rac_diags *diags) RAC_MUST_CHECK;

/* Changes of an existing connection ("fix"): input's values over the old ones; an absent secret
 * keeps the old one, null removes, a token too. Tokens that came with other values go as well
 * (rac_auth_keeps_tokens). Otherwise as rac_connection_make. */
rac_err rac_connection_change(const struct rac_connector *c, const struct rac_connection *old,
                              const struct rac_json *input, rac_ms now_ms, struct rac_arena *a,
                              struct rac_connection **out, struct rac_diags *diags) RAC_MUST_CHECK;

/*
 * The connection from what the store keeps: row values and opened secrets (JSON objects as made by
 * rac_connection_values_json), token rows. Nothing is validated: the connector may have changed
 * since. An unknown set becomes the first. RAC_E_CORRUPT when the JSON cannot be read.
 */
rac_err rac_connection_open(const struct rac_connector *c, const struct rac_connection_row *row,
                            rac_str secrets, const struct rac_oauth_row *tokens, size_t tokens_n,
                            struct rac_arena *a, struct rac_connection **out) RAC_MUST_CHECK;
/* For the store: the values that are secret, or those that are not, as one JSON object. Tokens are
 * not among them; they have rows of their own. In a. */
rac_str rac_connection_values_json(const struct rac_connection *c, bool secret,
                                   struct rac_arena *a);

/* A token as the row that keeps it, but for its connection; the other way round. In a. */
struct rac_oauth_row rac_connection_token_row(const struct rac_oauth_token *t, struct rac_arena *a);
struct rac_oauth_token rac_connection_token_of(const struct rac_oauth_row *row,
                                               struct rac_arena *a);

/* Value of a parameter as text (an int or bool in its JSON spelling); absent when it has none and
 * for OAuth parameters: tokens are not readable. Exact name first, then ignoring letter case. */
rac_str rac_connection_value(const struct rac_connection *c, rac_str name, struct rac_arena *a);
struct rac_oauth_token *rac_connection_token(const struct rac_connection *c, rac_str parameter);

/* --- masking ------------------------------------------------------------------------------- */

/*
 * Texts that must not be shown, and the forms they take on the wire (URL-encoded, inside JSON,
 * Basic). As many as there are; where they pass 16 MB or the arena's cap, nothing at all is shown
 * rather than something that was not compared with all of them.
 *
 *     struct rac_secrets s = {0};
 *     rac_secrets_add(&s, secret, a);
 *     rac_secrets_ready(&s);
 *     text = rac_secrets_mask(&s, text, a);
 */
struct rac_secrets {
    rac_str *v; /* once ready: longest first */
    size_t n, cap, bytes;
    bool over; /* too many: every text is masked whole */
};
void rac_secrets_add(struct rac_secrets *s, rac_str secret, struct rac_arena *a);
void rac_secrets_ready(struct rac_secrets *s);
/* Of a connection, ready: its tokens, the secret ones of its values. */
void rac_connection_secrets(const struct rac_connection *c, struct rac_arena *a,
                            struct rac_secrets *out);
/* text with every occurrence of a secret of at least 4 bytes replaced by "***", and one of which
 * the end of the text cuts off the rest; text itself when there is none. A text that is exactly a
 * shorter secret becomes "***" too. */
rac_str rac_secrets_mask(const struct rac_secrets *s, rac_str text, struct rac_arena *a);

/* --- words --------------------------------------------------------------------------------- */

/* The sentence an API's error answer holds (§4.11 "Message"): first non-empty of message, Message,
 * error.message, responseText, joined errors[].message; further the OAuth error_description and a
 * bare error text; else the absent slice. body is the text of the answer; at most 500 bytes, one
 * line, in a. */
rac_str rac_connection_message_of(rac_str body, struct rac_arena *a);

/* Verdict on the answer of a test call (§4.11): 4xx except 429 fails, 5xx and 429 do not. */
bool rac_connection_test_failed(int http_status);

#endif
