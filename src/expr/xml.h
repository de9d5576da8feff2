/* xml - XML envelopes: parsed, written, turned into JSON and back, queried (spec expressions §12).
 */
#ifndef RAC_EXPR_XML_H
#define RAC_EXPR_XML_H

#include "expr/expr_priv.h"

bool xml_is_envelope(const struct rac_json *v); /* application/xml or text/xml */
/* 12.2. Errors are recorded in the call. */
bool xml_to_json(struct call *c, rac_str bytes, struct rac_json *out);

#endif
