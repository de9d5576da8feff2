/* secure_priv - which parameters are secret, asked for by the two halves of secure.h: what of a plan is
 * hidden (secure.c), texts that are replaced (secure_values.c). */
#ifndef RAC_WORKFLOW_SECURE_PRIV_H
#define RAC_WORKFLOW_SECURE_PRIV_H

#include "json/json.h"

/* declarations: the definition's `parameters`. */
bool secure_declared(const struct rac_json *declarations, rac_str name);
bool secure_any_declared(const struct rac_json *declarations);

#endif
