/*
 * policy - the 16 policy templates and their small expression language (connectors.md §6.6, §6.7).
 *
 * Compiled once per connector (rac_policies_compile), run per call on precompiled templates.
 * rac_policies_check is the same compilation for its diagnostics only: RC-POL-01 unknown template,
 * RC-POL-03 bad expression or unknown function, RC-PROP-07 missing parameter or an operation that
 * does not exist. Pointers are into the properties file.
 * A compiled set is immutable and shared; nothing here keeps the DOM it was made from.
 */
#ifndef RAC_CONNECTOR_POLICY_H
#define RAC_CONNECTOR_POLICY_H

#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"
#include "base/map.h"
#include "json/json.h"

struct rac_policy_set;

/* Every template, one line each in policies.def. */
enum rac_policy_id {
#define POLICY(id, name, sections) RAC_POLICY_##id,
#include "connector/policies.def"
#undef POLICY
    RAC_POLICY_N
};

enum rac_policy_section {
    RAC_SECTION_REQUEST = 1,
    RAC_SECTION_RESPONSE = 2,
    RAC_SECTION_FAILURE = 4,
};

/*
 * instances: the policyTemplateInstances array, or NULL. operation_ids: every operationId of the
 * definition (value not NULL), to tell unknown ones; NULL: not checked. Strings are copied into a.
 * Instances with errors are reported, and kept as ones that fail a call with PolicyFailed.
 */
struct rac_policy_set *rac_policies_compile(const struct rac_json *instances,
                                            const struct rac_map *operation_ids,
                                            struct rac_arena *a, struct rac_diags *d);
/* Diagnostics only; a is scratch for them. pointer: "/properties/policyTemplateInstances". */
void rac_policies_check(const struct rac_json *instances, const struct rac_map *operation_ids,
                        struct rac_arena *a, struct rac_diags *d);

#endif
