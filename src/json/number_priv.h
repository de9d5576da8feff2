/* number - spellings of numbers: as doubles, compared and divided exactly. Private to json/. */
#ifndef RAC_JSON_NUMBER_PRIV_H
#define RAC_JSON_NUMBER_PRIV_H

#include "json/json.h"

/* The double nearest to a JSON spelling of any length. */
double number_double(rac_str s);
/* Below 0, 0 or above 0; exact up to 64 significant digits, then as doubles. */
int number_cmp(const struct rac_json *x, const struct rac_json *y);
/* x is a whole multiple of y (not zero); exact up to 18 significant digits, then as doubles. */
bool number_is_multiple(const struct rac_json *x, const struct rac_json *y);
/* Without a fraction: 1, 1.0 and 10e-1 are. */
bool number_is_whole(const struct rac_json *v);

#endif
