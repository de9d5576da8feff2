/*
 * providers - the table of OAuth identity providers by the names connectors use (§4.4).
 *
 * Built in from providers.def; a file named by the setting oauth.providers_file adds rows and
 * changes those built in:
 *     {"quai": {"authorizationUrl": "https://id.quai.example/a", "tokenUrl": "…", "refreshUrl": "…",
 *               "scopeDelimiter": " ", "clientAuth": "body", "extraAuthParams": {"prompt": "login"},
 *               "pkce": true}}
 * The file is read once at start, before any other thread; the table never changes after.
 */
#ifndef RAC_CONNECTOR_PROVIDERS_H
#define RAC_CONNECTOR_PROVIDERS_H

#include "base/diag.h"
#include "base/str.h"
#include "connector/auth.h"

struct rac_provider {
    rac_str alias; /* letter case does not matter */
    enum rac_provider_family family;
    rac_str authorization_url, token_url; /* may hold {variables}; empty: the connector says it */
    rac_str refresh_url;                  /* empty: the token URL */
    rac_str query;                        /* further query of the authorization URL: "a=b&c=d" */
    rac_str delimiter;                    /* between scopes */
    enum rac_client_auth client_auth;
    bool pkce;
};

/* NULL: not known. */
const struct rac_provider *rac_provider_find(rac_str alias);

/*
 * Reads and installs the rows of a file (JSON or YAML), in a, which must outlive their use. A row of
 * a name built in replaces the members it gives; a new name needs both URLs. RAC_OK; RAC_E_INVALID
 * or RAC_E_SYNTAX with a diagnostic for every mistake, and nothing installed.
 */
rac_err rac_providers_read(rac_str text, rac_str file, struct rac_arena *a,
                           struct rac_diags *d) RAC_MUST_CHECK;
void rac_providers_clear(void); /* those built in only; for tests */

#endif
