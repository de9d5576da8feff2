/*
 * iam - who is asking, and may they.
 *
 * struct rac_iam belongs to one worker: it caches token digest -> principal, so that a request
 * with a known token costs one hash and one lookup. Any change of users, roles or tokens moves the
 * store's counter, and the cache starts anew: a revoked token is refused from the moment its
 * revocation is acknowledged. See docs/internals/iam.md.
 *
 * A principal lives in the cache: valid until the next rac_iam_authenticate on this worker. Take a
 * rac_principal_copy to keep it across an asynchronous step.
 */
#ifndef RAC_IAM_IAM_H
#define RAC_IAM_IAM_H

#include "base/env.h"
#include "iam/role.h"
#include "iam/store.h"

struct rac_principal {
    rac_str tenant, user, user_name, token_id;
    struct rac_role_grant *grants; /* effective: what the user holds, narrowed by the token */
    size_t grants_n;
    rac_str *grantees; /* the user's id, then its teams': for shares */
    size_t grantees_n;
    rac_str only_group;  /* token narrowed to it; absent: not */
    unsigned only_roles; /* token narrowed to these; 0: not */
    rac_ms expires_ms;   /* 0: never */
};

/* --- tokens: `rac_<16 hex id>_<43 base64url>` ------------------------------------------------ */

struct rac_token_text {
    char id[17];
    char text[80];      /* shown once; wipe after showing */
    uint8_t digest[32]; /* kept */
};
void rac_token_new(const struct rac_env *env, struct rac_token_text *out);
/* Digest of a token text; false when it does not have the form of one. */
bool rac_token_digest(rac_str text, uint8_t digest[32]);

struct rac_iam;
struct rac_iam *rac_iam_new(const struct rac_iam_store *store, const struct rac_env *env);
void rac_iam_free(struct rac_iam *iam);

/* RAC_E_UNAUTHENTICATED: unknown, expired, revoked, malformed, or its user disabled. */
rac_err rac_iam_authenticate(struct rac_iam *iam, rac_str token_text,
                             const struct rac_principal **out) RAC_MUST_CHECK;
struct rac_principal *rac_principal_copy(struct rac_arena *a, const struct rac_principal *p);

/* Cuts what p holds down to a group (absent: any) and to roles (0: all), in place. */
void rac_principal_narrow(struct rac_principal *p, rac_str group, unsigned roles);

/* Roles effective in a group (absent: for things of the whole tenant). */
unsigned rac_principal_roles(const struct rac_principal *p, rac_str group);

/* --- decisions -------------------------------------------------------------------------------- */

enum rac_action { /* iam/permissions.def */
#define PERM(name, ...) RAC_MAY_##name,
#include "iam/permissions.def"
#undef PERM
                  RAC_ACTIONS_N,
};

/* How the principal stands to the thing: the strongest that holds. */
enum rac_relation {
    RAC_RELATION_OTHER, /* none of the below */
    RAC_RELATION_VIEW,  /* shared with it to use, or visible to everyone in the group */
    RAC_RELATION_EDIT,  /* shared with it to edit */
    RAC_RELATION_OWN,
    RAC_RELATION_NEVER, /* only in the table: no relation is enough */
};

struct rac_resource {
    rac_str tenant;
    rac_str group;            /* absent: belongs to the tenant as a whole */
    rac_str owner;            /* user id; absent: nobody */
    enum rac_relation shared; /* VIEW or EDIT when shared with the principal or its teams */
    bool everyone_in_group;   /* audience environment */
};
/* The whole decision. The thing of another tenant: always false. */
bool rac_iam_may(const struct rac_principal *p, enum rac_action action,
                 const struct rac_resource *r);
/* Why not, as a sentence naming the missing right and who can grant it. In a. */
rac_str rac_iam_why_not(struct rac_arena *a, const struct rac_principal *p, enum rac_action action,
                        const struct rac_resource *r);
/* May the principal hand out these roles for that group (absent: the tenant)? Only roles it holds
 * there itself or, as administrator, any but operator. */
bool rac_iam_may_grant(const struct rac_principal *p, rac_str group, unsigned roles);
rac_str rac_action_name(enum rac_action action); /* "connector.read" */

#endif
