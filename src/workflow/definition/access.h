/*
 * access - who may call: `accessControl` of a workflow (spec workflows §5.3), address ranges and
 * policies on tokens of somebody else's identity provider.
 *
 * Compiled once, immutable, any thread. No network: keys of an issuer come through a port, and when
 * they are not at hand the verdict says so; the caller fetches them and asks again.
 *
 *     if (!rac_access_address(x, RAC_ACCESS_TRIGGERS, address, nested, a, &fault)) refuse;
 *     switch (rac_access_token(x, RAC_ACCESS_TRIGGERS, authorization, &keys, now_ms, a, &token)) ...
 */
#ifndef RAC_WORKFLOW_ACCESS_H
#define RAC_WORKFLOW_ACCESS_H

#include "base/diag.h"
#include "json/json.h"
#include "workflow/definition/fault.h"

enum rac_access_section {
    RAC_ACCESS_TRIGGERS,
    RAC_ACCESS_ACTIONS,
    RAC_ACCESS_CONTENTS,
    RAC_ACCESS_MANAGEMENT,
    RAC_ACCESS_SECTIONS
};

enum {
    RAC_ACCESS_RANGES_MAX = 1024,
    RAC_ACCESS_POLICIES_MAX = 5,
    RAC_ACCESS_CLAIMS_MAX = 10,
    RAC_ACCESS_VALUE_MAX = 150, /* characters of a claim's value */
};

struct rac_access;

/*
 * What `iss` of a policy may be or begin with, for the whole process; before the first read those
 * of Azure AD. list: http(s) URLs without query or fragment, separated by commas or blanks (setting
 * workflow.issuers); an entry stands for itself and for what continues its path. Read once at start,
 * before any other thread; kept in a. RAC_E_INVALID with *why, and nothing is changed.
 */
rac_err rac_access_issuers_read(rac_str list, struct rac_arena *a, rac_str *why) RAC_MUST_CHECK;
void rac_access_issuers_clear(void); /* as before the first read; for tests */

/*
 * value: the accessControl object; NULL or null: everybody from everywhere. RAC_E_INVALID: errors
 * in d (may be NULL), OnlyAADOAuthTypeSupported and InvalidAccessControl, pointers below pointer;
 * *out then lets nobody in but nested calls. *out in a; strings are kept by reference.
 */
rac_err rac_access_compile(const struct rac_json *value, rac_str pointer, struct rac_arena *a,
                           struct rac_access **out, struct rac_diags *d) RAC_MUST_CHECK;

/* nested: called by a Workflow action of this host, which is always allowed. address: of the
 * caller, as text. An empty list of triggers, actions or contents lets nobody else in; one of the
 * management is no list, or nobody could ever change it. */
bool rac_access_address(const struct rac_access *x, enum rac_access_section s, rac_str address,
                        bool nested, struct rac_arena *a, struct rac_wf_fault *fault);

bool rac_access_has_policies(const struct rac_access *x, enum rac_access_section s);

/* Keys of an issuer, {"keys": [JWK, ...]}, as configured or fetched before; NULL: not at hand. */
struct rac_access_keys {
    const struct rac_json *(*get)(void *self, rac_str issuer);
    void *self;
};
enum rac_access_verdict {
    RAC_ACCESS_ALLOWED,
    RAC_ACCESS_REFUSED,
    RAC_ACCESS_FETCH, /* fetch the keys of issuer (its OpenID configuration) and ask once more */
};
struct rac_access_token {
    struct rac_json claims;    /* ALLOWED */
    rac_str policy;            /* ALLOWED: the one that matched */
    rac_str issuer;            /* FETCH; one that a policy names */
    struct rac_wf_fault fault; /* REFUSED; and what to answer when the keys cannot be fetched */
};
/* authorization: the header, "Bearer ...". Claims are compared before keys are asked for, so that a
 * token cannot make anybody fetch what no policy names. */
enum rac_access_verdict rac_access_token(const struct rac_access *x, enum rac_access_section s,
                                         rac_str authorization, const struct rac_access_keys *keys,
                                         rac_ms now_ms, struct rac_arena *a,
                                         struct rac_access_token *out);

#endif
