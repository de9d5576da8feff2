/*
 * commit - how an asynchronous write of a store port is asked for and answered.
 *
 * A write function of a port borrows its request until it returns (everything needed is copied),
 * never calls back before it returns, and calls done exactly once: on the thread that asked, after
 * the change is durable (or refused). Nothing may be acknowledged to anybody before done says
 * RAC_OK. There is no cancel: a caller that goes away must leave behind an arg that can be called.
 */
#ifndef RAC_BASE_COMMIT_H
#define RAC_BASE_COMMIT_H

#include "base/base.h"

/* Who asks, for the audit log and the created/changed columns. Every write carries one. */
struct rac_actor {
    rac_str user;  /* user id; absent: Raccord itself */
    rac_str token; /* token id; absent: none */
    rac_str note;  /* what changed, in a sentence or as JSON; absent: none. No secrets. */
    rac_ms at_ms;  /* wall clock of the request: the time written into every column */
};

/* What deleting something breaks, or broke. */
struct rac_impact {
    int64_t connections_n;
    int64_t workflows_n;
};

/*
 * The answer. Valid until done returns. Errors every write can have: RAC_E_FULL (disk full; reads
 * go on), RAC_E_IO, RAC_E_CORRUPT, RAC_E_BUSY (queue full: answer 503 with Retry-After),
 * RAC_E_CANCELLED (the store was closed first). RAC_E_CONFLICT: expected version or confirmation
 * differs (version and impact say what is there); RAC_E_NOT_FOUND, RAC_E_EXISTS as they say.
 */
struct rac_commit {
    rac_err err;
    rac_str error;    /* sentence for people when err is not RAC_OK; may be absent */
    rac_str id;       /* of the row written */
    int64_t version;  /* of the row as it is now: 1, 2, ... ; the ETag is made from it */
    int64_t revision; /* connectors: the newest revision */
    struct rac_impact impact;
};
typedef void (*rac_commit_fn)(void *arg, const struct rac_commit *c);

#endif
