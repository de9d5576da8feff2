/*
 * template - ARM templates: which workflows one deploys, and the value of each of its expressions
 * ("[concat('a', parameters('b'))]") as far as it can be known without a deployment (spec
 * workflows §1.2).
 *
 * Subscription, group and tenant are those Raccord has from the start (architecture §2). Nested
 * deployments, conditions, copies, functions of the template's own: as the language has them; of a
 * resource that is deployed several times the first is looked at. What stands for a value nobody
 * can know is a null with RAC_WF_UNKNOWN in its flags.
 */
#ifndef RAC_WORKFLOW_TEMPLATE_H
#define RAC_WORKFLOW_TEMPLATE_H

#include "base/arena.h"
#include "base/diag.h"
#include "json/json.h"

enum { RAC_WF_UNKNOWN = 0x40 };

/* A resource Microsoft.Logic/workflows with its expressions resolved. */
struct rac_template_workflow {
    rac_str pointer;                                            /* of the resource */
    struct rac_json name, kind, definition, parameters, access; /* NONE: has none */
};

/*
 * Every workflow the template deploys, in order; perhaps none. Adds an InvalidTemplateDeployment to
 * d for each value that cannot be known, with pointer and node (place, may be NULL, is told).
 */
struct rac_template_value { /* what could not be known */
    rac_str pointer, text;
    const char *why;
    const struct rac_json *node;
};
void rac_template_read(const struct rac_json *root, struct rac_arena *a,
                       struct rac_template_workflow **out, size_t *n,
                       void (*unknown)(void *arg, const struct rac_template_value *v), void *arg);

#endif
