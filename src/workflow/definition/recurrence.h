/*
 * recurrence - when a trigger fires next (spec workflows §2.3, §2.4).
 *
 * A recurrence is checked and compiled once; occurrences are then computed from it, from the moment
 * it was activated (created, enabled, or changed) and from the last occurrence. Pure: no clock, no
 * state. Immutable, any thread. Instants are milliseconds UTC; what the zone does to them:
 *
 *  - Second, Minute, Hour without schedule advance in elapsed time;
 *  - everything else keeps the wall clock of the zone: a local time inside the gap of spring fires
 *    once, later by the gap; one that occurs twice in autumn fires at the first of the two.
 *
 *     struct rac_recurrence r;
 *     e = rac_recurrence_parse(&options, json, pointer, a, &r, diags);
 *     bool more = rac_recurrence_next(&r, activated_ms, activated_ms - 1, 0, &first_ms);
 *     more = rac_recurrence_next(&r, activated_ms, max(last_ms, now_ms), fired, &next_ms);
 *
 * Missed occurrences are dropped by asking for the next one after now; a SlidingWindow asks after
 * the last window instead and so gets every one in order.
 */
#ifndef RAC_WORKFLOW_RECURRENCE_H
#define RAC_WORKFLOW_RECURRENCE_H

#include "base/diag.h"
#include "json/json.h"

struct rac_zone;

enum rac_frequency {
    RAC_FREQUENCY_SECOND,
    RAC_FREQUENCY_MINUTE,
    RAC_FREQUENCY_HOUR,
    RAC_FREQUENCY_DAY,
    RAC_FREQUENCY_WEEK,
    RAC_FREQUENCY_MONTH,
    RAC_FREQUENCY_YEAR,
    RAC_FREQUENCIES
};

struct rac_recurrence {
    enum rac_frequency frequency;
    int64_t interval;
    const struct rac_zone *zone; /* NULL: UTC; zones live as long as the process */
    bool has_start, has_end;
    rac_ms start_ms, end_ms; /* instants; an occurrence at end_ms itself still fires */
    rac_ms start_local_ms;   /* the wall clock of start in the zone, as written */
    uint64_t count;          /* 0: without end */
    bool has_schedule;
    uint32_t hours;      /* bit per hour; 0: not given */
    uint64_t minutes;    /* bit per minute; 0: not given */
    uint8_t weekdays;    /* bit 0 Sunday; 0: not given */
    uint32_t month_days; /* bit 1 to 31 */
    uint32_t month_ends; /* bit 1: last day of the month (-1), to 31 */
    uint8_t nth[7];      /* per weekday, bit 1 to 5: n-th of the month */
    uint8_t nth_last[7]; /* bit 1: last, to 5 */
    bool known;          /* every value was; false only for templates */
};

struct rac_recurrence_options {
    bool window;   /* of a SlidingWindow: no schedule, no Year */
    bool template; /* a definition as written: strings may hold expressions, "[...]" included;
                      what they may become is not judged, what they cannot become is */
    rac_ms now_ms; /* a start more than 49 years after it is refused; 0: not checked */
};

/*
 * RAC_OK with *out filled (strings are not kept). RAC_E_INVALID: one error InvalidRecurrence in d
 * for every wrong value, with the pointer of that value below pointer. Warnings (an IANA zone) do
 * not fail. d may be NULL. A template whose values are not known must not be asked for occurrences.
 */
rac_err rac_recurrence_parse(const struct rac_recurrence_options *o, const struct rac_json *value,
                             rac_str pointer, struct rac_arena *a, struct rac_recurrence *out,
                             struct rac_diags *d) RAC_MUST_CHECK;

/*
 * The first occurrence later than after_ms. activated_ms anchors what has no startTime; fired is
 * how often it has fired, for count. False: there is none any more (the trigger is Completed).
 */
bool rac_recurrence_next(const struct rac_recurrence *r, rac_ms activated_ms, rac_ms after_ms,
                         uint64_t fired, rac_ms *next_ms);

/* The zone's wall clock at an instant, and back by the rules above. z NULL: UTC. */
rac_ms rac_recurrence_local_of(const struct rac_zone *z, rac_ms utc_ms);
rac_ms rac_recurrence_utc_of(const struct rac_zone *z, rac_ms local_ms);

/* A SlidingWindow's k-th window; it fires at fire_ms. */
struct rac_window {
    rac_ms start_ms, end_ms, fire_ms;
};
#define RAC_WINDOW_FIRST INT64_MIN
/* The window after the one that began at last_start_ms (RAC_WINDOW_FIRST: the first one). The past
 * is not skipped. delay_ms: inputs.delay. False: there is none any more. */
bool rac_recurrence_window(const struct rac_recurrence *r, rac_ms activated_ms,
                           rac_ms last_start_ms, uint64_t fired, int64_t delay_ms,
                           struct rac_window *out);

#endif
