/*
 * artifact - maps and schemas that workflows use (spec workflows §3.16): files of a Standard app's
 * Artifacts folder, or artifacts of an integration account. Kept as they were given; what is in
 * them is nobody's business but the sandbox's.
 */
#ifndef RAC_WORKFLOW_ARTIFACT_H
#define RAC_WORKFLOW_ARTIFACT_H

#include "json/json.h"

enum rac_artifact_kind { RAC_ARTIFACT_MAP, RAC_ARTIFACT_SCHEMA, RAC_ARTIFACT_KINDS };

enum { RAC_ARTIFACT_NAME_MAX = 80 };

struct rac_artifact_content {
    rac_str name;
    rac_str type;         /* mapType or schemaType; absent: not said */
    rac_str content_type; /* of the bytes */
    rac_str bytes;
    struct rac_json properties; /* what a look-up shows besides; NONE: nothing */
};

#endif
