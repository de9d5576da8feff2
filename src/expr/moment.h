/* moment - timestamps read and written as the language does (spec expressions §13). */
#ifndef RAC_EXPR_MOMENT_H
#define RAC_EXPR_MOMENT_H

#include "base/arena.h"
#include "expr/culture.h"

struct moment {
    int64_t ticks; /* 100 ns since 0001-01-01T00:00:00 */
    bool utc;      /* kind: UTC, else unspecified */
};

#define TICKS_PER_SECOND INT64_C(10000000)
#define TICKS_PER_DAY    (INT64_C(86400) * TICKS_PER_SECOND)
#define TICKS_MAX        INT64_C(3155378975999999999)
#define TICKS_EPOCH      INT64_C(621355968000000000) /* 1970-01-01 */

struct moment_parts {
    int64_t year;
    int month, day, hour, minute, second, fraction; /* fraction in ticks */
    int weekday, yearday;
};

struct moment_parts moment_parts(struct moment m);
bool moment_of_parts(const struct moment_parts *p, int64_t *ticks); /* false: no such moment */
bool moment_add_months(struct moment *m, int64_t months);           /* day clamped to the month's */

/* ISO 8601, US style, RFC 1123, month names. */
bool moment_parse(rac_str s, struct moment *out);
/* As people of a culture write dates, its standard formats among them; and exactly in a format. */
bool moment_parse_culture(rac_str s, const struct rac_culture *c, struct rac_arena *a,
                          struct moment *out);
/* RAC_OK, RAC_E_SYNTAX (the text does not match), RAC_E_INVALID (the format is none). */
rac_err moment_parse_exact(rac_str s, rac_str format, const struct rac_culture *c,
                           struct rac_arena *a, struct moment *out) RAC_MUST_CHECK;
/* Length of the quoted text or escape at i of a format (0: none, SIZE_MAX: not terminated) and its
 * content, where "\" takes the next character as it is; borrowed, or in a. */
size_t moment_quoted(rac_str format, size_t i, struct rac_arena *a, rac_str *text);
/* RAC_E_INVALID: no such format. format absent: "o". */
rac_err moment_format(struct moment m, rac_str format, const struct rac_culture *c,
                      struct rac_arena *a, rac_str *out) RAC_MUST_CHECK;

#endif
