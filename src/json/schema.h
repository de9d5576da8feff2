/*
 * schema - JSON Schema, compiled once and checked many times.
 *
 * Knows draft-04 and draft-07 and the schema objects of OpenAPI 2.0. A compiled schema is
 * immutable: any number of threads may check with it. References are resolved when compiling,
 * inside the document and inside those that were supplied; nothing is fetched. Checking is bounded
 * in depth and steps; patterns run with match limits. Unknown keywords are ignored.
 *
 *     struct rac_schema *s;
 *     rac_err e = rac_schema_compile(&root, RAC_S("/definitions/Pet"), NULL, &a, &s, &diags);
 *     e = rac_schema_check(s, &value, &found);     RAC_OK, RAC_E_INVALID or RAC_E_LIMIT
 */
#ifndef RAC_JSON_SCHEMA_H
#define RAC_JSON_SCHEMA_H

#include "json/json.h"

enum rac_schema_draft {
    RAC_SCHEMA_BY_TEXT, /* by "$schema"; draft-07 when it says nothing known */
    RAC_SCHEMA_DRAFT4,
    RAC_SCHEMA_DRAFT7,
    RAC_SCHEMA_SWAGGER2, /* draft-04 with x-nullable; discriminator and xml ignored; formats of
                            the wrong type ignored */
};

/* A document that references may name, besides the one compiled. */
struct rac_schema_document {
    rac_str uri; /* absolute, without fragment */
    const struct rac_json *root;
};

struct rac_schema_options {
    enum rac_schema_draft draft;
    bool formats;     /* check "format"; otherwise it is an annotation */
    rac_str base_uri; /* of the compiled document; absent: none */
    const struct rac_schema_document *documents;
    size_t documents_n;
    size_t steps_max;           /* of one check; 0: 10 million */
    unsigned pattern_steps_max; /* of a pattern from one start; 0: 1 million. Ten times that in one
                                   check, where matches are not cheap; and 8 a byte of each text */
};

struct rac_schema;

/*
 * Compiles the schema at pointer ("" is the root) of a document. Borrows root and its text while
 * the result lives; the result lives in a (patterns are released with it). options may be NULL.
 * RAC_E_INVALID with diags filled ("RC-SCHEMA-01": the schema itself is wrong, a reference has no
 * target, a pattern does not compile), RAC_E_LIMIT.
 */
rac_err rac_schema_compile(const struct rac_json *root, rac_str pointer,
                           const struct rac_schema_options *options, struct rac_arena *a,
                           struct rac_schema **out, struct rac_diags *diags) RAC_MUST_CHECK;

/*
 * Checks a value. RAC_OK; RAC_E_INVALID with one diagnostic for each violation ("RC-SCHEMA-02":
 * pointer is the place in the value, the message names the keyword); RAC_E_LIMIT when a cap was
 * hit. found may be NULL: then the first violation ends the check.
 */
rac_err rac_schema_check(const struct rac_schema *s, const struct rac_json *value,
                         struct rac_diags *found) RAC_MUST_CHECK;

#endif
