/* connectors - how connectors look in answers; shared by the files of ops/. */
#ifndef RAC_API_OPS_CONNECTORS_H
#define RAC_API_OPS_CONNECTORS_H

#include "api/ask.h"
#include "connector/store.h"

/* Answers with the connector as it is now, findings and losses beside it (NULL: left out). */
void rac_connector_answer(struct rac_ask *q, rac_str id, const struct rac_diags *findings,
                          const struct rac_diags *losses);

#endif
