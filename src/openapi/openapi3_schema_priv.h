/*
 * openapi/openapi3_schema_priv - what the files of schemas share: keywords (openapi3_schema.c),
 * merging (openapi3_merge.c), definitions (openapi3_define.c). Private to them.
 */
#ifndef RAC_OPENAPI_OPENAPI3_SCHEMA_PRIV_H
#define RAC_OPENAPI_OPENAPI3_SCHEMA_PRIV_H

#include "openapi/openapi3_priv.h"

void o3_put_true(struct o3 *x, struct rac_json *o, rac_str key);
/* A keyword that must be a list; false, and told, when it is none. */
bool o3_is_list(struct o3 *x, const struct rac_place *at);

/* --- openapi3_define.c ---------------------------------------------------------------------- */

/* The definition a reference stands for, made where there is none yet; NULL: it leads nowhere. */
struct o3_def *o3_def_of_ref(struct o3 *x, const struct rac_place *at, rac_str ref);
/* {"$ref": "#/definitions/Name"} */
struct rac_json o3_def_ref(struct o3 *x, const struct o3_def *d);
/* The converted schema behind a definition; {} while it is being converted (a circle). */
struct rac_json o3_def_content(struct o3 *x, struct o3_def *d);

/* --- openapi3_merge.c ----------------------------------------------------------------------- */

/* Values met so far, for lists without repetition. */
struct o3_value {
    struct rac_json value;
    struct o3_value *next;
};
struct o3_values {
    struct rac_map by_hash;
};
void o3_values_init(struct o3 *x, struct o3_values *v);
/* False when an equal one was there. */
bool o3_values_add(struct o3 *x, struct o3_values *v, const struct rac_json *value);
/* Puts what `from` says and `o` does not into o; properties and required are united. */
void o3_overlay(struct o3 *x, struct rac_json *o, const struct rac_json *from);
/* oneOf or anyOf at `at`, merged into o. */
void o3_alternatives(struct o3 *x, const struct rac_place *at, struct rac_json *o);

#endif
