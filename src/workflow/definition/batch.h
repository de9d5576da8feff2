/*
 * batch - what a Batch trigger says about its batches: their names, and when each is released (spec
 * workflows §2.10).
 *
 * Batches are described by the trigger itself (mode Inline) or by artifacts of the integration
 * account (mode IntegrationAccount), which whoever asks gets from there. Every batch is released at
 * the latest when it has RAC_BATCH_MESSAGES_MAX messages or RAC_BATCH_BYTES_MAX bytes of content.
 *
 *     if (!rac_batches_of(trigger, &context, a, &b, &why)) ...
 *     const struct rac_batch *x = rac_batches_find(&b, name);
 *
 * Pure; everything in the arena given.
 */
#ifndef RAC_WORKFLOW_BATCH_H
#define RAC_WORKFLOW_BATCH_H

#include "workflow/definition/trigger.h"

enum {
    RAC_BATCH_MESSAGES_MAX = 8000,
    RAC_BATCH_BYTES_MAX = 83886080,
    RAC_BATCH_NAME_MAX = 256, /* of batches, partitions and messages: bytes */
    RAC_BATCH_EVERY_SECONDS_MIN = 60,
    /* What may wait for one workflow, all its batches together. */
    RAC_BATCH_WAITING_MAX = 5000000,
};
#define RAC_BATCH_WAITING_BYTES_MAX ((int64_t)16 << 30)

struct rac_batch {
    rac_str name;
    struct rac_flow_full full; /* both always set */
    bool recurs;
    struct rac_recurrence recurrence;
    const struct rac_json *recurrence_node; /* as evaluated; NULL: none */
};
struct rac_batches {
    bool in_account; /* the integration account says which there are, and what of them */
    rac_str group;   /* in the account: only those of this group; absent: of any */
    const struct rac_json *only; /* in the account: an object whose members name them; NULL: all */
    struct rac_batch *v;
    size_t n;
};

/* Everything t says. False: *why in a. Of batches in the account v is empty: rac_batches_add. */
bool rac_batches_of(const struct rac_flow_trigger *t, const struct rac_trigger_context *c,
                    struct rac_arena *a, struct rac_batches *out, rac_str *why);
/* NULL: there is none of that name, letter case ignored. */
const struct rac_batch *rac_batches_find(const struct rac_batches *b, rac_str name);
/* Names for a message: "'A', 'B'", or "none". */
rac_str rac_batches_names(const struct rac_batches *b, struct rac_arena *a);

/* A releaseCriteria object, evaluated. False: *why, a sentence without its subject. */
bool rac_batch_read(rac_str name, const struct rac_json *criteria, struct rac_arena *a,
                    struct rac_batch *out, rac_str *why);
/* Whether an artifact of the account with these properties is one of b's. */
bool rac_batches_has(const struct rac_batches *b, rac_str name, const struct rac_json *properties);
/* All artifacts of the account, [{"name", "batchGroupName", "releaseCriteria"}]: those of b's
 * become its batches. False: *why, which names the artifact that is wrong. */
bool rac_batches_add(struct rac_batches *b, const struct rac_json *artifacts, struct rac_arena *a,
                     rac_str *why);

/* {"body": {"batchName", "partitionName", "items": [{"content", "messageId"}]}} of the first n_max
 * messages whose values fit into a, one at least. *n: how many these are; false: not even one. */
bool rac_batch_outputs(const struct rac_flow_part_row *part, const struct rac_flow_message_row *v,
                       size_t n_max, struct rac_arena *a, struct rac_json *out, size_t *n);

#endif
