/*
 * route - method and path to operation (workflows.md §6.4), for the gateway and for workflow
 * actions that name a path.
 *
 * Paths are compared percent-encoded, as they arrive: a template segment is literal text (letter
 * case ignored) or text with {parameters}, whose captures are not empty and hold no '/'. Among the
 * operations that match, the one with most literal segments wins, then the longest literal prefix,
 * then document order. A table is immutable, in the connector's arena; any thread may match.
 */
#ifndef RAC_CONNECTOR_ROUTE_H
#define RAC_CONNECTOR_ROUTE_H

#include "connector/connector.h"
#include "connector/plan.h"

enum { RAC_CAPTURES_MAX = 32 }; /* of one path; a template with more never matches */

struct rac_capture {
    rac_str name, value; /* value still percent-encoded, in the path given */
};
struct rac_route_match {
    const struct rac_op *op;
    struct rac_capture captures[RAC_CAPTURES_MAX];
    size_t captures_n;
};

/* Built once per connector, after its operations. */
const struct rac_route *rac_route_build(const struct rac_connector *c, struct rac_arena *a);
/* path starts with '/', below the connector's base path, without query. False: none matches. */
bool rac_route_find(const struct rac_route *r, rac_str method, rac_str path,
                    struct rac_route_match *out);

#endif
