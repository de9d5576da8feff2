/*
 * describe - our own API as an OpenAPI 2.0 and as an OpenAPI 3.0 document, made from
 * operations.def and schemas.json. The 2.0 form registers as a connector: Raccord can be a
 * connector of Raccord.
 */
#ifndef RAC_API_DESCRIBE_H
#define RAC_API_DESCRIBE_H

#include "base/arena.h"
#include "base/base.h"

/* base_url: "http://127.0.0.1:8080". The document in a, strict JSON. */
rac_str rac_describe_swagger(rac_str base_url, struct rac_arena *a);
rac_str rac_describe_openapi(rac_str base_url, struct rac_arena *a);

#endif
