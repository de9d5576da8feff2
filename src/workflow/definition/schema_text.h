/*
 * schema_text - violations of a JSON schema in the words that clients of the hosted service look
 * for: "Invalid type. Expected String but got Null." (spec workflows §2.2). Any thread.
 */
#ifndef RAC_WORKFLOW_SCHEMA_TEXT_H
#define RAC_WORKFLOW_SCHEMA_TEXT_H

#include "json/schema.h"

/* How schemas of workflows are read: draft-04, unless they name another draft themselves. */
struct rac_schema_options rac_schema_of_workflow(const struct rac_json *schema);

/* The i-th violation of found (by rac_schema_check of value) as a sentence; "Required properties
 * are missing from object: a, b." stands for all of one object. In a. */
rac_str rac_schema_text(const struct rac_diags *found, size_t i, const struct rac_json *value,
                        struct rac_arena *a);

/* All of them as ParseJson tells them (§3.7): [{message, lineNumber, linePosition, path, value,
 * schemaId, errorType, childErrors}]. path is "a.b[0]"; value is what stands there, of missing
 * properties their names; schemaId is the place in the schema as far as properties, items and
 * references lead. Lines are 0: what is checked is a value, not a text. Shares with value; in a. */
struct rac_json rac_schema_errors(const struct rac_diags *found, const struct rac_json *schema,
                                  const struct rac_json *value, struct rac_arena *a);

#endif
