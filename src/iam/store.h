/*
 * iam/store - the port: tenants, resource groups, users, roles, tokens, settings, audit.
 *
 * Same manners as connector/store.h: one struct per thread, synchronous short reads into an arena,
 * asynchronous writes (base/commit.h), every function by tenant. A fresh store holds tenant,
 * subscription and group `default` (id 00000000-0000-0000-0000-000000000001 each) and one
 * user `admin` (the same id) with the roles administrator and operator for the whole tenant.
 */
#ifndef RAC_IAM_STORE_H
#define RAC_IAM_STORE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/commit.h"
#include "iam/role.h"

#define RAC_DEFAULT_ID RAC_S("00000000-0000-0000-0000-000000000001")

struct rac_tenant_row {
    rac_str id, name;
    rac_ms created_ms;
};
struct rac_subscription_row {
    rac_str id, name;
    rac_ms created_ms;
};
struct rac_group_row { /* resource group, "environment" */
    rac_str id, name, subscription, location;
    int64_t version;
    rac_ms created_ms;
};
struct rac_group_save {
    bool create;
    rac_str id;           /* new: a UUID of the caller's */
    rac_str name;         /* unique in the tenant, letter case ignored */
    rac_str subscription; /* absent: default */
    rac_str location;     /* label; absent: as it is */
    int64_t if_version;
    struct rac_actor actor;
};

enum rac_user_kind { RAC_USER_PERSON, RAC_USER_TEAM };
struct rac_user_row {
    rac_str id, name, display_name, email;
    enum rac_user_kind kind;
    bool disabled;
    bool has_password;
    int64_t version;
    rac_ms created_ms, changed_ms;
};
struct rac_user_save {
    bool create;
    rac_str id;                  /* new: a UUID of the caller's */
    rac_str name;                /* unique in the tenant, letter case ignored; absent: as it is */
    rac_str display_name, email; /* absent: as it is */
    rac_str password_hash;       /* of crypto/password.h; absent: as it is; "" removes */
    enum rac_user_kind kind;     /* create only */
    int disabled;                /* 1, 0, or -1: as it is */
    int64_t if_version;
    /* Roles to hold from now on. NULL: as they are; otherwise these replace all. */
    const struct rac_role_grant *grants;
    size_t grants_n;
    struct rac_actor actor;
};

/* Everything needed to decide what a token may do: one indexed lookup. */
struct rac_token_row {
    rac_str id, name;
    rac_str tenant, user, user_name; /* user_name as shown to people */
    rac_str group;                   /* narrowed to this group id; absent: not */
    unsigned roles;                  /* narrowed to these (RAC_ROLE_*); 0: not narrowed */
    rac_str created_by;
    rac_ms created_ms, expires_ms, revoked_ms; /* 0: never / not */
    bool user_disabled;
    struct rac_role_grant *grants; /* held by the user and its teams; only from token_find */
    size_t grants_n;
    rac_str *teams; /* only from token_find */
    size_t teams_n;
};
struct rac_token_save {
    rac_str id, name, user, group;
    unsigned roles;
    rac_ms expires_ms;
    uint8_t digest[32]; /* of the secret: rac_token_digest() */
    struct rac_actor actor;
};

struct rac_audit_row {
    int64_t n; /* grows; page with before */
    rac_ms at_ms;
    rac_str actor, token, action, kind, resource, note;
    int64_t revision; /* 0: none */
};
struct rac_audit_query {
    rac_str kind, resource, actor; /* absent: any */
    int64_t before;                /* 0: the newest first */
    size_t n_max;                  /* 0: 250 */
};

struct rac_iam_store {
    void *self;
    /* Moves with every committed change of users, roles, teams, tokens. One atomic load. */
    uint64_t (*counter)(void *self);

    rac_err (*tenant_get)(void *self, rac_str name_or_id, struct rac_arena *a,
                          struct rac_tenant_row *out) RAC_MUST_CHECK;
    rac_err (*tenant_list)(void *self, struct rac_arena *a, struct rac_tenant_row **v,
                           size_t *n) RAC_MUST_CHECK;
    /* A tenant, its subscription and group `default`. */
    void (*tenant_create)(void *self, rac_str id, rac_str name, const struct rac_actor *actor,
                          rac_commit_fn done, void *arg);
    rac_err (*subscription_get)(void *self, rac_str tenant, rac_str name_or_id, struct rac_arena *a,
                                struct rac_subscription_row *out) RAC_MUST_CHECK;
    rac_err (*subscription_list)(void *self, rac_str tenant, struct rac_arena *a,
                                 struct rac_subscription_row **v, size_t *n) RAC_MUST_CHECK;
    rac_err (*group_get)(void *self, rac_str tenant, rac_str name_or_id, struct rac_arena *a,
                         struct rac_group_row *out) RAC_MUST_CHECK;
    rac_err (*group_list)(void *self, rac_str tenant, struct rac_arena *a, struct rac_group_row **v,
                          size_t *n) RAC_MUST_CHECK;
    void (*group_save)(void *self, rac_str tenant, const struct rac_group_save *r,
                       rac_commit_fn done, void *arg);

    rac_err (*user_get)(void *self, rac_str tenant, rac_str name_or_id, struct rac_arena *a,
                        struct rac_user_row *out) RAC_MUST_CHECK;
    rac_err (*user_list)(void *self, rac_str tenant, rac_str after_id, size_t n_max,
                         struct rac_arena *a, struct rac_user_row **v, size_t *n,
                         bool *more) RAC_MUST_CHECK;
    rac_err (*user_grants)(void *self, rac_str tenant, rac_str user, struct rac_arena *a,
                           struct rac_role_grant **v, size_t *n) RAC_MUST_CHECK;
    /* What a token of that user would hold: roles of its own and of its teams, and the ids of these
     * teams, by which things are shared with it. */
    rac_err (*user_holds)(void *self, rac_str tenant, rac_str user, struct rac_arena *a,
                          struct rac_role_grant **grants, size_t *grants_n, rac_str **teams,
                          size_t *teams_n) RAC_MUST_CHECK;
    rac_err (*user_password)(void *self, rac_str tenant, rac_str user, struct rac_arena *a,
                             rac_str *hash) RAC_MUST_CHECK; /* NOT_FOUND: has none */
    /* Users: RAC_E_CONFLICT also when a change would leave the tenant without an administrator
     * that can sign in. Connections of those who can no longer see their connector become Error,
     * ConnectorAccessRevoked. */
    void (*user_save)(void *self, rac_str tenant, const struct rac_user_save *r, rac_commit_fn done,
                      void *arg);
    /* Revokes its tokens, takes its roles and shares; what it owns stays. Its name is free again.
     */
    void (*user_delete)(void *self, rac_str tenant, rac_str id, int64_t if_version,
                        const struct rac_actor *actor, rac_commit_fn done, void *arg);
    void (*member_save)(void *self, rac_str tenant, rac_str team, rac_str user, bool is_member,
                        const struct rac_actor *actor, rac_commit_fn done, void *arg);

    /* By the digest of its secret; of any tenant. Revoked and expired ones are found too. */
    rac_err (*token_find)(void *self, const uint8_t digest[32], struct rac_arena *a,
                          struct rac_token_row *out) RAC_MUST_CHECK;
    rac_err (*token_list)(void *self, rac_str tenant, rac_str user, struct rac_arena *a,
                          struct rac_token_row **v,
                          size_t *n) RAC_MUST_CHECK; /* user absent: all */
    void (*token_create)(void *self, rac_str tenant, const struct rac_token_save *r,
                         rac_commit_fn done, void *arg);
    void (*token_revoke)(void *self, rac_str tenant, rac_str id, const struct rac_actor *actor,
                         rac_commit_fn done, void *arg);

    /* Settings of a tenant (tenant absent: of the installation). Sealed ones are secrets. */
    rac_err (*setting_get)(void *self, rac_str tenant, rac_str key, struct rac_arena *a,
                           rac_str *value) RAC_MUST_CHECK;
    void (*setting_save)(void *self, rac_str tenant, rac_str key, rac_str value, bool sealed,
                         const struct rac_actor *actor, rac_commit_fn done, void *arg);

    rac_err (*audit_list)(void *self, rac_str tenant, const struct rac_audit_query *q,
                          struct rac_arena *a, struct rac_audit_row **v, size_t *n) RAC_MUST_CHECK;
    /* For what is not a write of its own: refused requests, tests, sign-ins. done may be NULL. */
    void (*audit_add)(void *self, rac_str tenant, rac_str action, rac_str kind, rac_str resource,
                      int64_t revision, const struct rac_actor *actor, rac_commit_fn done,
                      void *arg);
};

#endif
