/*
 * flow_target - which connection a workflow means, and whether who saved it may use it (spec
 * workflows §6.1 to §6.3).
 *
 * A version acts with the rights of who saved it, whoever owns the workflow or triggered it: so
 * whoever changes a workflow of somebody else's gets no hand on their connections. What was found is remembered
 * by a worker while connectors, connections and rights stand still. The two functions are ports of
 * struct rac_engine_ports; self is a struct rac_api_worker.
 */
#ifndef RAC_API_FLOW_TARGET_H
#define RAC_API_FLOW_TARGET_H

#include "iam/iam.h"
#include "workflow/engine/engine.h"

struct rac_api_worker;
struct rac_flow_targets;

struct rac_flow_targets *rac_flow_targets_new(void);
void rac_flow_targets_free(struct rac_flow_targets *t);

void rac_flow_target_find(void *self, const struct rac_flow_target_want *want, struct rac_arena *a,
                          void (*done)(void *arg, rac_err err, rac_str why,
                                       const struct rac_flow_target *t),
                          void *arg);
void rac_flow_target_release(void *self, const struct rac_flow_target *t);

/* The author of a version as one who asks: its roles as they are now, narrowed as the token was that
 * saved the version. RAC_E_NOT_FOUND: gone or disabled. In a, borrowing f. */
rac_err rac_flow_author_principal(struct rac_api_worker *w, const struct rac_flow *f,
                                  struct rac_arena *a, struct rac_principal *out) RAC_MUST_CHECK;

/* The connector a name stands for: its id, the id without "shared_", the name before its tail, or
 * its display name. Absent: none, or several. */
rac_str rac_flow_connector_find(struct rac_api_worker *w, rac_str tenant, rac_str name,
                                struct rac_arena *a);

#endif
