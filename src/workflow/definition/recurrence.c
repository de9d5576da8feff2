/*
 * Occurrences are found by periods: the k-th day, week or month from the anchor. Local times become
 * instants one by one, and because a gap may push one past a later one, the smallest instant of a
 * period and of the one after it is taken.
 */
#include "workflow/definition/recurrence.h"

#include "base/time.h"
#include "expr/zone.h"

#define DAY_MS    INT64_C(86400000)
#define LOCAL_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999 */
#define NONE      INT64_MAX

enum { PERIODS_MAX = 5000, TIMES_MAX = 24 * 60, DAYS_MAX = 31 };

struct anchor {
    rac_ms utc, local;
};

static int64_t floor_div(int64_t x, int64_t y)
{
    return x / y - (x % y < 0);
}

/* --- the zone --------------------------------------------------------------------------------- */

rac_ms rac_recurrence_local_of(const struct rac_zone *z, rac_ms utc)
{
    return z == NULL ? utc : utc + rac_zone_offset(z, floor_div(utc, 1000)) * INT64_C(1000);
}

/* First of two, later by the gap when there is none. */
rac_ms rac_recurrence_utc_of(const struct rac_zone *z, rac_ms local)
{
    if (z == NULL)
        return local;
    int64_t s = floor_div(local, 1000), rest = local - s * 1000, best = NONE;
    int32_t before = rac_zone_offset(z, s - 86400);
    int32_t near[] = {before, rac_zone_offset(z, s), rac_zone_offset(z, s + 86400)};
    for (size_t i = 0; i < RAC_COUNT(near); i++) {
        int64_t utc = s - near[i];
        if (rac_zone_offset(z, utc) == near[i] && utc < best)
            best = utc;
    }
    return (best != NONE ? best : s - before) * 1000 + rest;
}

/* --- without schedule -------------------------------------------------------------------------- */

static int month_length(int64_t year, int month)
{
    int64_t next = month == 12 ? rac_time_days(year + 1, 1, 1) : rac_time_days(year, month + 1, 1);
    return (int)(next - rac_time_days(year, month, 1));
}

static int64_t month_number(rac_ms local) /* months since the year 0 */
{
    struct rac_civil c = rac_time_civil(local);
    return c.year * 12 + c.month - 1;
}

static int64_t months_of(const struct rac_recurrence *r)
{
    return r->frequency == RAC_FREQUENCY_YEAR ? r->interval * 12 : r->interval;
}

static int64_t days_of(const struct rac_recurrence *r)
{
    return r->frequency == RAC_FREQUENCY_WEEK ? r->interval * 7 : r->interval;
}

static bool by_month(const struct rac_recurrence *r)
{
    return r->frequency == RAC_FREQUENCY_MONTH || r->frequency == RAC_FREQUENCY_YEAR;
}

/* Local time of the k-th occurrence; past LOCAL_MAX: there is none. */
static rac_ms nth_local(const struct rac_recurrence *r, const struct anchor *x, int64_t k)
{
    if (!by_month(r))
        return x->local + k * days_of(r) * DAY_MS;
    struct rac_civil c = rac_time_civil(x->local);
    int64_t month = month_number(x->local) + k * months_of(r);
    if (month / 12 > 9999)
        return NONE;
    c.year = floor_div(month, 12);
    c.month = (int)(month - c.year * 12) + 1;
    int length = month_length(c.year, c.month);
    c.day = c.day > length ? length : c.day;
    return rac_time_from_civil(&c);
}

static rac_ms nth_utc(const struct rac_recurrence *r, const struct anchor *x, int64_t k)
{
    if (k == 0)
        return x->utc;
    rac_ms local = nth_local(r, x, k);
    return local > LOCAL_MAX ? NONE : rac_recurrence_utc_of(r->zone, local);
}

/* Number of a period that surely lies before after (and is at least 0). */
static int64_t period_before(const struct rac_recurrence *r, const struct anchor *x, rac_ms after)
{
    rac_ms local = rac_recurrence_local_of(r->zone, after) - 2 * DAY_MS;
    int64_t k = by_month(r)
                    ? floor_div(month_number(local) - month_number(x->local), months_of(r))
                    : floor_div(floor_div(local, DAY_MS) - floor_div(x->local, DAY_MS), days_of(r));
    return k > 1 ? k - 1 : 0;
}

static rac_ms next_plain(const struct rac_recurrence *r, const struct anchor *x, rac_ms after)
{
    static const int64_t steps[] = {1000, 60000, 3600000};
    if (after < x->utc)
        return x->utc;
    if (r->frequency <= RAC_FREQUENCY_HOUR) {
        int64_t step = steps[r->frequency] * r->interval;
        rac_ms next = x->utc + ((after - x->utc) / step + 1) * step;
        return next > LOCAL_MAX ? NONE : next;
    }
    int64_t k = period_before(r, x, after);
    while (nth_utc(r, x, k) <= after)
        k++;
    rac_ms one = nth_utc(r, x, k), two = nth_utc(r, x, k + 1);
    return two > after && two < one ? two : one;
}

/* --- with schedule ----------------------------------------------------------------------------- */

/* Times of a day in milliseconds, ascending. What is not given is that of the anchor; minutes that
 * are given begin with the minute. */
static size_t times_of_day(const struct rac_recurrence *r, const struct anchor *x,
                           int64_t out[TIMES_MAX])
{
    int64_t clock = x->local - floor_div(x->local, DAY_MS) * DAY_MS;
    size_t n = 0;
    for (int h = 0; h < 24; h++) {
        if (r->hours != 0 ? !(r->hours >> h & 1) : h != clock / 3600000)
            continue;
        if (r->minutes == 0) {
            out[n++] = h * INT64_C(3600000) + clock % 3600000;
            continue;
        }
        for (int m = 0; m < 60; m++)
            if (r->minutes >> m & 1)
                out[n++] = h * INT64_C(3600000) + m * INT64_C(60000);
    }
    return n;
}

/* Is the day of a month (of that length, its first being weekday first) one of the schedule's? */
static bool month_has(const struct rac_recurrence *r, int day, int length, int first)
{
    int weekday = (first + day - 1) % 7;
    return (r->month_days >> day & 1) || (r->month_ends >> (length - day + 1) & 1) ||
           (r->nth[weekday] >> ((day - 1) / 7 + 1) & 1) ||
           (r->nth_last[weekday] >> ((length - day) / 7 + 1) & 1);
}

static int weekday_of(int64_t day)
{
    return (int)((day % 7 + 11) % 7);
}

/* Days (since 1970) of the k-th period, ascending. */
static size_t days_of_period(const struct rac_recurrence *r, const struct anchor *x, int64_t k,
                             int64_t out[DAYS_MAX])
{
    int64_t day = floor_div(x->local, DAY_MS);
    size_t n = 0;
    if (r->frequency == RAC_FREQUENCY_DAY) {
        out[n++] = day + k * r->interval;
    } else if (r->frequency == RAC_FREQUENCY_WEEK) {
        int weekday = weekday_of(day);
        unsigned listed = r->weekdays != 0 ? r->weekdays : 1u << weekday;
        for (int w = 0; w < 7; w++)
            if (listed >> w & 1)
                out[n++] = day - weekday + w + k * r->interval * 7;
    } else {
        int64_t month = month_number(x->local) + k * r->interval, year = floor_div(month, 12);
        int64_t first = rac_time_days(year, (int)(month - year * 12) + 1, 1);
        int length = month_length(year, (int)(month - year * 12) + 1);
        for (int d = 1; d <= length; d++)
            if (month_has(r, d, length, weekday_of(first)))
                out[n++] = first + d - 1;
    }
    return n;
}

/* The smallest instant of a period after after, or NONE. */
static rac_ms first_of_period(const struct rac_recurrence *r, const struct anchor *x, int64_t k,
                              const int64_t *times, size_t times_n, rac_ms after)
{
    int64_t days[DAYS_MAX];
    rac_ms best = NONE, from = rac_recurrence_local_of(r->zone, after) - 2 * DAY_MS;
    size_t n = days_of_period(r, x, k, days);
    for (size_t i = 0; i < n; i++) {
        for (size_t t = 0; t < times_n; t++) {
            rac_ms local = days[i] * DAY_MS + times[t];
            if (local < from)
                continue;
            if (local > LOCAL_MAX || (best != NONE && local > best + 2 * DAY_MS))
                return best;
            rac_ms utc = rac_recurrence_utc_of(r->zone, local);
            if (utc > after && utc < best)
                best = utc;
        }
    }
    return best;
}

static rac_ms next_scheduled(const struct rac_recurrence *r, const struct anchor *x, rac_ms after)
{
    int64_t times[TIMES_MAX];
    if (after < x->utc) {
        if (!r->has_start && r->hours == 0 && r->minutes == 0)
            return x->utc; /* at once, when nothing says otherwise */
        after = x->utc - 1;
    }
    size_t times_n = times_of_day(r, x, times);
    int64_t k = period_before(r, x, after);
    for (int i = 0; i < PERIODS_MAX; i++, k++) {
        rac_ms one = first_of_period(r, x, k, times, times_n, after);
        if (one == NONE)
            continue;
        rac_ms two = first_of_period(r, x, k + 1, times, times_n, after);
        return two < one ? two : one;
    }
    return NONE;
}

/* --- both -------------------------------------------------------------------------------------- */

static rac_ms next_of(const struct rac_recurrence *r, rac_ms activated_ms, rac_ms after_ms)
{
    struct anchor x = {r->start_ms, r->start_local_ms};
    RAC_ASSERT(r->known && r->interval > 0);
    if (!r->has_start)
        x = (struct anchor){activated_ms, rac_recurrence_local_of(r->zone, activated_ms)};
    if (after_ms > LOCAL_MAX)
        return NONE;
    return r->has_schedule ? next_scheduled(r, &x, after_ms) : next_plain(r, &x, after_ms);
}

bool rac_recurrence_next(const struct rac_recurrence *r, rac_ms activated_ms, rac_ms after_ms,
                         uint64_t fired, rac_ms *next_ms)
{
    if (r->count > 0 && fired >= r->count)
        return false;
    rac_ms next = next_of(r, activated_ms, after_ms);
    if (next == NONE || (r->has_end && next > r->end_ms))
        return false;
    *next_ms = next;
    return true;
}

bool rac_recurrence_window(const struct rac_recurrence *r, rac_ms activated_ms,
                           rac_ms last_start_ms, uint64_t fired, int64_t delay_ms,
                           struct rac_window *out)
{
    struct rac_window w;
    if (!rac_recurrence_next(r, activated_ms, last_start_ms, fired, &w.start_ms))
        return false;
    w.end_ms = next_of(r, activated_ms, w.start_ms);
    w.fire_ms = w.start_ms + delay_ms;
    *out = w;
    return w.end_ms != NONE;
}
