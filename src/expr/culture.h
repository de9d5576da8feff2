/*
 * culture - names, patterns and separators of a locale (spec expressions §13, §14).
 *
 * en-US, by far the most used, is a table; every other one is read from ICU once per process and
 * kept, immutable, for any thread. Patterns are in the letters of the language (.NET's), translated from CLDR's.
 */
#ifndef RAC_EXPR_CULTURE_H
#define RAC_EXPR_CULTURE_H

#include "base/arena.h"
#include "base/base.h"

struct rac_culture {
    rac_str days[7], short_days[7]; /* Sunday first */
    rac_str months[12], short_months[12];
    rac_str am, pm;
    rac_str short_date, long_date, short_time, long_time, month_day, year_month; /* d D t T m y */
    rac_str date_separator, time_separator;
    rac_str decimal, group, minus;
    int group_size;            /* of the groups behind the first three digits; 0: 3 as well */
    rac_str currency;          /* symbol */
    rac_str currency_positive; /* "¤#" or "#\u00a0¤": ¤ the symbol, # the number */
    rac_str percent_positive;  /* "#%" */
};

/* tag absent: en-US. Lives as long as the process, or in a when very many are in use. False: not well formed, or not known (spec O11). */
bool rac_culture_open(rac_str tag, struct rac_arena *a, const struct rac_culture **out);
extern const struct rac_culture rac_culture_en_us;

#endif
