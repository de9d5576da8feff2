/*
 * flow_artifact - the engine's port for maps, schemas and batches: those of the integration account a
 * workflow names, with the rights of who saved it. One that names none uses the account "default"
 * of its resource group.
 */
#ifndef RAC_API_FLOW_ARTIFACT_H
#define RAC_API_FLOW_ARTIFACT_H

#include "workflow/engine/engine.h"

struct rac_api_worker;

void rac_flow_artifact_find(void *self, const struct rac_flow *flow, enum rac_artifact_kind kind,
                            rac_str name,
                            void (*done)(void *arg, rac_err err, rac_str why,
                                         const struct rac_artifact_content *c),
                            void *arg);
/* All its descriptions of batches, for the scheduler: [{"name", "batchGroupName",
 * "releaseCriteria"}], good while done runs. */
void rac_flow_artifact_batches(struct rac_api_worker *w, const struct rac_flow *flow,
                               void (*done)(void *arg, rac_err err, rac_str why,
                                            const struct rac_json *artifacts),
                               void *arg);

#endif
