/*
 * template - the expressions of ARM templates ("[concat('a', parameters('b'))]"), as far as their
 * values can be known without a deployment (spec workflows §1.2).
 */
#ifndef RAC_WORKFLOW_TEMPLATE_H
#define RAC_WORKFLOW_TEMPLATE_H

#include "base/arena.h"
#include "base/diag.h"
#include "json/json.h"

/*
 * A copy of resource (a node of root) with every expression resolved; "[[" becomes "[".
 * RAC_E_INVALID: a value cannot be known or is no expression, one InvalidTemplateDeployment in d
 * for each, with its pointer (pointer is that of resource).
 */
rac_err rac_template_resolve(const struct rac_json *root, const struct rac_json *resource,
                             rac_str pointer, struct rac_arena *a, struct rac_json *out,
                             struct rac_diags *d) RAC_MUST_CHECK;

#endif
