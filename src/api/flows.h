/*
 * flows - workflows ready to be run: compiled on first use, shared, the least recently used
 * forgotten.
 *
 * The manner of compiled.h: one home per process (at most workflow.cache of them, under a mutex
 * met on a miss only) and a map of each worker's own. A request that finds its workflow there
 * takes no lock and reads no database: the store's counter of workflows tells whether any was
 * saved since. A miss reads the row on the worker and compiles in the blocking pool. A workflow is
 * therefore live, on every worker, for the first request that comes after the commit of its save.
 *
 * A workflow is found by its id (the newest version), or by its key and the name of a version,
 * which is what runs begun earlier go on with.
 */
#ifndef RAC_API_FLOWS_H
#define RAC_API_FLOWS_H

#include "base/diag.h"
#include "workflow/definition/access.h"
#include "workflow/engine/engine.h"
#include "workflow/outside/inbound.h"
#include "workflow/definition/trigger.h"

struct rac_api_worker;
struct rac_cache_home;
struct rac_flows;

/* A trigger as the doors need it: everything that can be known before a request comes. */
struct rac_live_trigger {
    rac_str name, type;
    const struct rac_json *node;
    const struct rac_inbound *inbound;
    const struct rac_flow_trigger *rule; /* what its outputs start */
    bool judged; /* conditions, splitOn, a tracking expression, a limit, inputs: by api/firing */
    bool request, webhook; /* fired by HTTP: Request and Manual; the webhook types */
    bool suppresses_headers, splits;
};

/* A workflow with what stands around its definition. Lives in flow->a: keep the reference of flow
 * and it stays. */
struct rac_live_flow {
    struct rac_flow *flow;
    struct rac_live_trigger *triggers;
    size_t triggers_n;
    struct rac_flow_trigger *rules; /* of triggers, in their order */
    bool responds;                  /* a Response action somewhere in it */
    struct rac_json resource;       /* the document as stored (flow_document.h) */
    struct rac_access *access;      /* accessControl; NULL: none, everybody from everywhere */
    int64_t version;                /* of its row */
};
/* NULL: there is none of that name (letter case ignored). */
const struct rac_live_trigger *rac_live_trigger_find(const struct rac_live_flow *f, rac_str name);

struct rac_cache_home *rac_flows_home_new(size_t flows_max); /* for api/cache.h */
struct rac_flows *rac_flows_new(struct rac_api_worker *w, size_t flows_max);
void rac_flows_free(struct rac_flows *f);

/* The newest version, when it is at hand; borrowed until the loop turns. NULL: not compiled yet,
 * or there is none. */
struct rac_live_flow *rac_flows_peek(struct rac_flows *f, rac_str id);

/* RAC_OK with a borrowed flow; RAC_E_NOT_FOUND; RAC_E_INVALID: the stored definition cannot be
 * compiled, why says so; RAC_E_BUSY, RAC_E_IO. */
typedef void (*rac_flows_done)(void *arg, rac_err err, struct rac_live_flow *f, rac_str why);
/* Never calls back before it returns; no cancel: arg must outlive the answer. */
void rac_flows_want(struct rac_flows *f, rac_str id, rac_flows_done done, void *arg);
/* By key; revision absent: the newest. */
void rac_flows_want_version(struct rac_flows *f, int64_t key, rac_str revision, rac_flows_done done,
                            void *arg);
/* The same of one that was deleted and whose triggers have something to end outside. */
void rac_flows_want_gone(struct rac_flows *f, int64_t key, rac_str revision, rac_flows_done done,
                         void *arg);

#endif
