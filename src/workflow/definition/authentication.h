/*
 * authentication - `authentication` objects of Http actions and triggers (spec workflows §5.1) as
 * they were evaluated: what has to be put on a request, what history may show of it. How they are
 * written in a definition is judged by the shapes of check/.
 *
 * Pure; any thread. Tokens themselves are got by engine/token_cache over connector/auth. Secrets
 * in results live in the arena (or in the value) and are wiped with it where they were made here.
 *
 *     e = rac_authentication_parse(object, &options, a, &x, &error);
 *     switch (x.kind) ... HEADER: set Authorization; TOKEN: ask the cache for x.token, then Bearer
 */
#ifndef RAC_WORKFLOW_AUTHENTICATION_H
#define RAC_WORKFLOW_AUTHENTICATION_H

#include "json/json.h"

enum rac_authentication_kind {
    RAC_AUTHENTICATION_NONE,
    RAC_AUTHENTICATION_HEADER,      /* authorization is the value of that header */
    RAC_AUTHENTICATION_QUERY,       /* functionConnections: query_name=query_value */
    RAC_AUTHENTICATION_CERTIFICATE, /* TLS client certificate */
    RAC_AUTHENTICATION_TOKEN,       /* a bearer token by the client credentials grant */
};

/* Everything a client credentials grant needs; equal wants share a token. */
struct rac_token_want {
    rac_str url; /* token endpoint */
    rac_str client_id, client_secret;
    rac_str resource;                 /* the audience */
    rac_str certificate_pem, key_pem; /* instead of the secret: a signed assertion */
};

struct rac_authentication {
    enum rac_authentication_kind kind;
    rac_str authorization;
    rac_str query_name, query_value;
    rac_str certificate_pem, key_pem;
    struct rac_token_want token;
};

/* A managed identity as this host has it: a client that gets tokens for any audience. */
struct rac_managed_identity {
    rac_str name; /* resource id that definitions use; absent: SystemAssigned */
    rac_str token_url, client_id, client_secret;
};
struct rac_authentication_options {
    const struct rac_managed_identity *identities; /* may be NULL */
    size_t identities_n;
};

/* How the action fails. */
struct rac_authentication_error {
    const char *code, *error_code; /* of the action: "BadRequest"; of its error */
    rac_str message;               /* no secrets; in the arena */
};

/*
 * value: evaluated; NULL, null and {} are none. RAC_E_INVALID with *error. Opening a certificate
 * takes milliseconds of hashing: where it matters, in the blocking pool.
 */
rac_err rac_authentication_parse(const struct rac_json *value,
                                 const struct rac_authentication_options *o, struct rac_arena *a,
                                 struct rac_authentication *out,
                                 struct rac_authentication_error *error) RAC_MUST_CHECK;

/* Inputs as history keeps them: every `authentication` (of the inputs, of subscribe and
 * unsubscribe) and Authorization header is "*sanitized*". Shares all else with inputs; in a. */
struct rac_json rac_authentication_mask(const struct rac_json *inputs, struct rac_arena *a);

#endif
