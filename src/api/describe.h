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

/* Both, made once they are first asked for and then kept: anybody may ask for them, so they must
 * cost nothing. One per worker; texts are valid until it is freed. */
struct rac_descriptions;
struct rac_descriptions *rac_descriptions_new(rac_str base_url); /* keeps base_url */
void rac_descriptions_free(struct rac_descriptions *d);          /* NULL is fine */
rac_str rac_descriptions_get(struct rac_descriptions *d, bool openapi3);

#endif
