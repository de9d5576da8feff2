/* number - text to numbers and numbers to text by .NET's rules (spec expressions §14). */
#ifndef RAC_EXPR_NUMBER_H
#define RAC_EXPR_NUMBER_H

#include "base/dec.h"
#include "expr/culture.h"
#include "json/json.h"

/* One sign in front or behind, group separators anywhere in the whole part, exponent, NaN. */
bool rac_number_parse_float(rac_str s, const struct rac_culture *c, double *out);
bool rac_number_parse_decimal(rac_str s, const struct rac_culture *c, struct rac_dec *out);
bool rac_number_parse_int(rac_str s, int64_t *out); /* "1.0" and "1e3" count, a fraction does not */

/* v is a number. RAC_OK; RAC_E_INVALID: no such format. *out in a. */
rac_err rac_number_format(const struct rac_json *v, rac_str format, const struct rac_culture *c,
                          struct rac_arena *a, rac_str *out) RAC_MUST_CHECK;

#endif
