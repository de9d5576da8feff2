/*
 * xml_typed - JSON of XML as a schema describes it (spec workflows §3.16): what XmlParse and
 * XmlCompose do with a schema besides what they do without. The description is the answer of the
 * sandbox to RAC_XML_SHAPE (sandbox/shape.c). Pure; any thread.
 */
#ifndef RAC_WORKFLOW_XML_TYPED_H
#define RAC_WORKFLOW_XML_TYPED_H

#include "base/arena.h"
#include "json/json.h"

struct rac_xml_types;

/* RAC_E_CORRUPT: it is none. Borrows text as long as *out is used, which is in a. */
rac_err rac_xml_types_read(rac_str text, struct rac_arena *a,
                           struct rac_xml_types **out) RAC_MUST_CHECK;
/* What json() made of a document: numbers and booleans for their text, arrays for elements that may
 * repeat, "" for an empty text. What the schema does not describe stays as it is. */
struct rac_json rac_xml_types_of_parsed(struct rac_xml_types *t, const struct rac_json *parsed);
/* What xml() is to make a document of: members in the order of the schema, in its namespaces,
 * attributes that were written without "@", null of what is nillable as xsi:nil. */
struct rac_json rac_xml_types_of_content(struct rac_xml_types *t, const struct rac_json *content);

#endif
