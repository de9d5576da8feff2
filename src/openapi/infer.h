/*
 * openapi/infer - a schema from a JSON sample (connectors.md §2.5).
 *
 * Any thread; the result lives in the arena and shares strings with the sample. At most
 * RAC_INFER_DEPTH_MAX levels and RAC_INFER_NODES_MAX schema nodes; what lies beyond becomes
 * {"type": "object"} or is left out, with one RC-INF-02. An array that is always empty has items
 * {} and an RC-INF-01 with the pointer inside the sample.
 *
 * Two samples of one array element may differ: types are merged as §2.5 says. Strings of
 * different formats are a string without format, int32 and int64 are int64.
 */
#ifndef RAC_OPENAPI_INFER_H
#define RAC_OPENAPI_INFER_H

#include "base/arena.h"
#include "base/diag.h"
#include "json/json.h"

enum { RAC_INFER_DEPTH_MAX = 32, RAC_INFER_NODES_MAX = 512 };

/* RAC_OK, or RAC_E_LIMIT when the arena's cap was passed. d may be NULL. */
rac_err rac_infer_schema(const struct rac_json *sample, struct rac_arena *a,
                         struct rac_json *schema, struct rac_diags *d) RAC_MUST_CHECK;

/* The type and format of a string value: "date-time", "date", "uuid", "uri", or absent. */
rac_str rac_infer_format(rac_str value);

#endif
