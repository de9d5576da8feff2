/*
 * dec - 96-bit scaled decimal: an integer coefficient below 2^96, a scale of 0 to 28, a sign.
 *
 * The arithmetic users of the workflow language expect of decimal numbers: trailing zeros are
 * kept, results that do not fit are rounded half to even, and what still does not fit is
 * RAC_E_LIMIT. Plain values, no allocation, any thread.
 */
#ifndef RAC_BASE_DEC_H
#define RAC_BASE_DEC_H

#include "base/base.h"

struct rac_dec {
    unsigned __int128 c; /* below 2^96 */
    uint8_t scale;       /* value = c / 10^scale */
    bool neg;
};

enum { RAC_DEC_TEXT = 40 };

/* Sign, digits, optional point and digits; nothing else. More digits than fit are rounded. False
 * when the text is something else or too large. */
bool rac_dec_parse(rac_str s, struct rac_dec *out);
size_t rac_dec_print(struct rac_dec d, char out[RAC_DEC_TEXT]); /* keeps the scale; final NUL */
struct rac_dec rac_dec_of_int(int64_t i);
bool rac_dec_of_double(double x, struct rac_dec *out); /* rounded to 15 significant digits */
double rac_dec_to_double(struct rac_dec d);
bool rac_dec_to_int(struct rac_dec d, int64_t *out); /* false: a fraction, or beyond 64 bits */
bool rac_dec_is_zero(struct rac_dec d);

/* RAC_OK, RAC_E_LIMIT (overflow), and for div and mod RAC_E_INVALID (by zero). */
rac_err rac_dec_add(struct rac_dec x, struct rac_dec y, struct rac_dec *out) RAC_MUST_CHECK;
rac_err rac_dec_sub(struct rac_dec x, struct rac_dec y, struct rac_dec *out) RAC_MUST_CHECK;
rac_err rac_dec_mul(struct rac_dec x, struct rac_dec y, struct rac_dec *out) RAC_MUST_CHECK;
rac_err rac_dec_div(struct rac_dec x, struct rac_dec y, struct rac_dec *out) RAC_MUST_CHECK;
rac_err rac_dec_mod(struct rac_dec x, struct rac_dec y, struct rac_dec *out) RAC_MUST_CHECK;
int rac_dec_cmp(struct rac_dec x, struct rac_dec y); /* -1, 0, 1 */

#endif
