/*
 * openapi/sample - "import from sample": one operation, or one response of it, from a request or
 * response that somebody copied (connectors.md §2.4 rules 1 to 4).
 *
 * The definition is changed in place (its tree must be in the arena given, or a rac_json_copy of
 * it). Nothing is changed unless the answer is RAC_OK. Any thread, one at a time per definition.
 *
 *     struct rac_sample_request s = {.verb = RAC_S("GET"), .url = url, .operation_id = id};
 *     rac_err e = rac_sample_import_request(&definition, &s, &a, &losses);
 */
#ifndef RAC_OPENAPI_SAMPLE_H
#define RAC_OPENAPI_SAMPLE_H

#include "base/arena.h"
#include "base/diag.h"
#include "json/json.h"

struct rac_sample_request {
    rac_str operation_id; /* the operation to fill; absent: a new one, named after the request */
    rac_str summary;      /* of a new operation; may be absent */
    rac_str verb;         /* GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS; any letter case */
    rac_str url;          /* absolute, or a path below basePath */
    rac_str headers;      /* lines "Name: value" or "Name value" */
    rac_str body;         /* JSON or empty */
};

struct rac_sample_response {
    rac_str operation_id;
    rac_str status; /* "201"; "default" and absent: 200, `default` keeps a description only */
    rac_str headers;
    rac_str body;
};

/*
 * RAC_OK. RAC_E_INVALID with the reason in d: RC-BL-01 (another host), RC-BL-02 (verb or URL that
 * cannot be an operation), RC-BL-03 (method and path belong to another operation). RAC_E_SYNTAX:
 * the body is not JSON (RC-BL-04). RAC_E_LIMIT.
 * The operation keeps id, summary, description, tags, responses and x- keys; its method, path,
 * parameters and consumes are replaced as a whole (rule 4).
 */
rac_err rac_sample_import_request(struct rac_json *definition, const struct rac_sample_request *s,
                                  struct rac_arena *a, struct rac_diags *d) RAC_MUST_CHECK;
/* RAC_OK; RAC_E_NOT_FOUND: no such operation; RAC_E_INVALID: no status code (RC-BL-02). */
rac_err rac_sample_import_response(struct rac_json *definition, const struct rac_sample_response *s,
                                   struct rac_arena *a, struct rac_diags *d) RAC_MUST_CHECK;

/*
 * What a request import would throw away of an operation that exists, for the confirmation of
 * rule 4: names of its parameters, in the arena; 0 when there is no such operation.
 */
size_t rac_sample_would_lose(const struct rac_json *definition, rac_str operation_id,
                             struct rac_arena *a, rac_str **names);

#endif
