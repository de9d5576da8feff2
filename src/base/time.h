/*
 * time - instants as text and back, without the C library's zones. Any thread; nothing allocates.
 * Instants are rac_ms: milliseconds since 1970-01-01T00:00:00Z, proleptic Gregorian calendar.
 */
#ifndef RAC_BASE_TIME_H
#define RAC_BASE_TIME_H

#include "base/base.h"

struct rac_civil { /* a moment on a UTC calendar */
    int64_t year;
    int month, day;                   /* 1-12, 1-31 */
    int hour, minute, second, millis; /* 0-23, 0-59, 0-59, 0-999 */
    int weekday;                      /* 0 Sunday; filled by rac_time_civil only */
};

int64_t rac_time_days(int64_t year, int month, int day); /* days since 1970-01-01 */
struct rac_civil rac_time_civil(rac_ms t);
rac_ms rac_time_from_civil(const struct rac_civil *c);

/* RFC 3339 with offset ("Z", "+01:00"), any number of fraction digits (cut to milliseconds).
 * False when the text is anything else, a day that does not exist included. */
bool rac_time_parse(rac_str s, rac_ms *out);
bool rac_time_parse_date(rac_str s, rac_ms *out); /* YYYY-MM-DD, midnight UTC */
/* "2026-11-22T23:40:00.12Z": no zeros at the end of the fraction, whole seconds without one. Writes
 * a final NUL. */
enum { RAC_TIME_TEXT = 32 };
size_t rac_time_print(rac_ms t, char out[RAC_TIME_TEXT]);

/* HTTP dates (RFC 9110 §5.6.7): prints IMF-fixdate, reads all three forms. */
bool rac_time_parse_http(rac_str s, rac_ms *out);
size_t rac_time_print_http(rac_ms t, char out[RAC_TIME_TEXT]);

/* ISO 8601 duration with weeks, days, hours, minutes, seconds ("P30D", "PT1H30M", "PT0.5S"); months
 * and years have no fixed length and are refused. Result in milliseconds. */
bool rac_time_parse_duration(rac_str s, int64_t *ms);

#endif
