/*
 * openapi/convert_credentials - security requirements of a description to what a connection asks
 * for: one requirement becomes connection parameters, alternatives become parameter sets (§4.9).
 * Private to openapi/. One conversion, one thread.
 */
#ifndef RAC_OPENAPI_CONVERT_CREDENTIALS_H
#define RAC_OPENAPI_CONVERT_CREDENTIALS_H

#include "openapi/convert_priv.h"

enum { RAC_ALTERNATIVES_MAX = 16 };

enum rac_scheme_kind { RAC_SCHEME_BASIC, RAC_SCHEME_KEY, RAC_SCHEME_BEARER, RAC_SCHEME_OAUTH };

struct rac_credential_scheme {
    enum rac_scheme_kind kind;
    rac_str name, description;         /* description may be empty */
    struct rac_oauth_spec oauth;       /* OAUTH */
    const struct rac_json *operations; /* BEARER: ids that send it; NULL: all */
    bool used;                         /* BEARER: some operation sends it */
};

/* Schemes that are needed together. */
struct rac_alternative {
    const struct rac_credential_scheme **schemes;
    size_t n;
};

struct rac_alternatives {
    struct rac_alternative *v;
    size_t n;
    bool optional; /* none at all will do as well */
};

/* Connection parameters (and the policy of a bearer token) of one alternative; sets of several. */
void rac_connection_alternatives(struct rac_convert_state *c, const struct rac_alternatives *v);

/* --- which requirements there are -------------------------------------------------------------- */

struct rac_requirements {
    const struct rac_json *v[RAC_ALTERNATIVES_MAX]; /* distinct, in the order met */
    size_t n, more;                                 /* more: distinct ones past the cap */
    bool from_root; /* else from operations: the one most of them list, and those listed with it */
    bool optional;  /* {} is among the root's */
};
struct rac_requirement_rule {
    bool (*usable)(void *arg, const struct rac_json *requirement);
    void *arg;
};
/* The alternatives that a description as a whole offers; root has `security` and `paths`. */
void rac_requirements_find(struct rac_arena *a, const struct rac_json *root,
                           const struct rac_requirement_rule *rule, struct rac_requirements *out);
/* The names of a requirement as one text: equal for requirements that are. In a. */
rac_str rac_requirement_word(struct rac_arena *a, const struct rac_json *requirement);

#endif
