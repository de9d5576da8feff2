/*
 * arm - the management API as clients of Azure Resource Manager and of the Standard host speak it
 * (spec workflows §7.1, §7.2, §7.5): operations.def under other paths, names and envelopes.
 *
 * Three surfaces over the same operations. What differs is in tables: arm_routes.def and
 * standard_routes.def. An adapter holds no logic: it moves names of the path into arguments, and
 * wraps the flat objects of ops/ into {id, name, type, properties}.
 */
#ifndef RAC_API_ARM_H
#define RAC_API_ARM_H

#include "api/surface.h"

extern const struct rac_surface_def rac_arm_surface; /* /subscriptions/…/Microsoft.Logic */
extern const struct rac_surface_def
    rac_hostruntime_surface; /* …/Microsoft.Web/sites/…/hostruntime */
extern const struct rac_surface_def rac_standard_surface; /* /runtime/webhooks/workflow/api/… */

#endif
