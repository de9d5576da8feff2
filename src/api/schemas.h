/*
 * schemas - the JSON Schemas of the native API (schemas.json, embedded): checks request bodies and
 * gives the definitions to the descriptions. Compiled once; belongs to one thread.
 */
#ifndef RAC_API_SCHEMAS_H
#define RAC_API_SCHEMAS_H

#include "base/base.h"
#include "base/diag.h"
#include "json/json.h"

struct rac_schemas;

extern const rac_str rac_api_schemas_json; /* the file */

struct rac_schemas *rac_schemas_new(void);
void rac_schemas_free(struct rac_schemas *s);
/* True when v is valid; else what is wrong is in d. name: a definition of schemas.json. */
bool rac_schemas_check(struct rac_schemas *s, const char *name, const struct rac_json *v,
                       struct rac_diags *d);

#endif
