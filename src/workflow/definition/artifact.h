/*
 * artifact - maps and schemas that workflows use (spec workflows §3.16): files of a Standard app's
 * Artifacts folder, or artifacts of an integration account; of an account also the descriptions of
 * batches. Maps and schemas are kept as they were given; what is in them is nobody's business but
 * the sandbox's.
 *
 * The port for keeping them is declared here, implemented by store/. Rules of workflow/store.h hold:
 * tenant first, reads on the caller's thread, writes asynchronous, if_version 0 is "whatever it is".
 */
#ifndef RAC_WORKFLOW_ARTIFACT_H
#define RAC_WORKFLOW_ARTIFACT_H

#include "base/arena.h"
#include "base/commit.h"
#include "json/json.h"

enum rac_artifact_kind {
    RAC_ARTIFACT_MAP,
    RAC_ARTIFACT_SCHEMA,
    RAC_ARTIFACT_BATCH, /* batchConfigurations (§2.10): properties only */
    RAC_ARTIFACT_KINDS
};

enum { RAC_ARTIFACT_NAME_MAX = 80, RAC_ARTIFACTS_MAX = 1000 /* in one account */ };

/* One as an action uses it. */
struct rac_artifact_content {
    rac_str name;
    rac_str type;         /* mapType or schemaType; absent: not said */
    rac_str content_type; /* of the bytes */
    rac_str bytes;
    struct rac_json properties; /* what a look-up shows besides; NONE: nothing */
};

/* --- what is kept ----------------------------------------------------------------------------- */

struct rac_account_row {
    rac_str id, group, owner; /* ids */
    rac_str name;             /* unique in its group, letter case ignored */
    rac_str properties;       /* JSON: location, tags, sku, ... */
    int64_t version;
    rac_ms created_ms, changed_ms;
    /* account_any only: */
    rac_str tenant;
    rac_str key1, key2; /* secret: keys of 32 bytes that sign URLs of its contents; absent: it has
                         * none yet */
};
struct rac_account_save {
    bool create;
    rac_str id, group, name; /* group and name: create only */
    rac_str properties;      /* absent: as they are */
    rac_str key1, key2;      /* absent: as they are */
    int64_t if_version;
    struct rac_actor actor;
};
struct rac_artifact_row {
    rac_str name;       /* unique in its account and kind, letter case ignored */
    rac_str properties; /* JSON: type, metadata, tags, ... */
    rac_str content_type;
    rac_str digest; /* SHA-256 of the bytes, in hexadecimal */
    int64_t bytes_n;
    rac_str bytes; /* get only */
    int64_t version;
    rac_ms created_ms, changed_ms;
};
/* Creates or replaces. RAC_E_LIMIT: the account is full. */
struct rac_artifact_save {
    rac_str account; /* id */
    enum rac_artifact_kind kind;
    rac_str name, properties, content_type, bytes;
    int64_t if_version;
    struct rac_actor actor;
};

struct rac_artifact_store {
    void *self;
    rac_err (*account_get)(void *self, rac_str tenant, rac_str id, struct rac_arena *a,
                           struct rac_account_row *out) RAC_MUST_CHECK;
    rac_err (*account_find)(void *self, rac_str tenant, rac_str group, rac_str name,
                            struct rac_arena *a, struct rac_account_row *out) RAC_MUST_CHECK;
    /* Of whichever tenant, with its keys: for signed URLs. */
    rac_err (*account_any)(void *self, rac_str id, struct rac_arena *a,
                           struct rac_account_row *out) RAC_MUST_CHECK;
    /* By id; group absent: of the tenant. */
    rac_err (*account_list)(void *self, rac_str tenant, rac_str group, rac_str after_id,
                            size_t n_max, struct rac_arena *a, struct rac_account_row **v,
                            size_t *n, bool *more) RAC_MUST_CHECK;
    void (*account_save)(void *self, rac_str tenant, const struct rac_account_save *r,
                         rac_commit_fn done, void *arg);
    /* Keys for an account that has none: those it has stay, and so does its version. */
    void (*account_keys)(void *self, rac_str tenant, const struct rac_account_save *r,
                         rac_commit_fn done, void *arg);
    void (*account_delete)(void *self, rac_str tenant, rac_str id, int64_t if_version,
                           const struct rac_actor *actor, rac_commit_fn done,
                           void *arg); /* and what is in it */
    rac_err (*artifact_get)(void *self, rac_str tenant, rac_str account,
                            enum rac_artifact_kind kind, rac_str name, struct rac_arena *a,
                            struct rac_artifact_row *out) RAC_MUST_CHECK;
    rac_err (*artifact_list)(void *self, rac_str tenant, rac_str account,
                             enum rac_artifact_kind kind, rac_str after, size_t n_max,
                             struct rac_arena *a, struct rac_artifact_row **v, size_t *n,
                             bool *more) RAC_MUST_CHECK;
    void (*artifact_save)(void *self, rac_str tenant, const struct rac_artifact_save *r,
                          rac_commit_fn done, void *arg);
    void (*artifact_delete)(void *self, rac_str tenant, rac_str account,
                            enum rac_artifact_kind kind, rac_str name, int64_t if_version,
                            const struct rac_actor *actor, rac_commit_fn done, void *arg);
};

#endif
