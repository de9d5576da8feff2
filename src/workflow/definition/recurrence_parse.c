/*
 * The values of a recurrence, judged one by one. A template is judged by its literal parts: "@x"
 * may become anything, "Mon@{x}" only what begins with "Mon".
 */
#include "workflow/definition/recurrence.h"

#include "base/time.h"
#include "expr/zone.h"
#include "workflow/definition/literal.h"

enum { YEARS_AHEAD_MAX = 49, INTERVAL_MAX = 1000000000 };

struct parse {
    const struct rac_recurrence_options *o;
    struct rac_arena *a;
    struct rac_diags *d;
    struct rac_recurrence *r;
    bool wrong;
};

static const struct {
    rac_str word;
    int64_t interval_max;
} frequencies[RAC_FREQUENCIES] = {
    [RAC_FREQUENCY_SECOND] = {RAC_S_INIT("Second"), 9999999},
    [RAC_FREQUENCY_MINUTE] = {RAC_S_INIT("Minute"), 72000},
    [RAC_FREQUENCY_HOUR] = {RAC_S_INIT("Hour"), 12000},
    [RAC_FREQUENCY_DAY] = {RAC_S_INIT("Day"), 500},
    [RAC_FREQUENCY_WEEK] = {RAC_S_INIT("Week"), 71},
    [RAC_FREQUENCY_MONTH] = {RAC_S_INIT("Month"), 16},
    [RAC_FREQUENCY_YEAR] = {RAC_S_INIT("Year"), INTERVAL_MAX},
};
static const rac_str weekdays[7] = {
    RAC_S_INIT("Sunday"),   RAC_S_INIT("Monday"), RAC_S_INIT("Tuesday"), RAC_S_INIT("Wednesday"),
    RAC_S_INIT("Thursday"), RAC_S_INIT("Friday"), RAC_S_INIT("Saturday")};

static void wrong(struct parse *p, rac_str pointer, rac_str message)
{
    struct rac_diag diag = {.code = "InvalidRecurrence",
                            .severity = RAC_SEV_ERROR,
                            .pointer = pointer,
                            .message = message};
    rac_diags_add(p->d, &diag);
    p->wrong = true;
}

static rac_str child(struct parse *p, rac_str pointer, const char *name)
{
    return rac_json_pointer_join(p->a, pointer, rac_str_of(name));
}

/* --- templates --------------------------------------------------------------------------------- */

static bool holes(const struct parse *p, rac_str s, rac_str *head, rac_str *tail)
{
    *head = *tail = RAC_S("");
    return p->o->template && rac_literal_split(s, head, tail);
}

/* Place of a word in a table: -1 none, -2 not known yet. */
static int word_of(struct parse *p, const struct rac_json *v, const rac_str *table, size_t stride,
                   size_t n)
{
    rac_str s = rac_json_str(v, RAC_STR_NULL), head, tail;
    bool template = holes(p, s, &head, &tail);
    for (size_t i = 0; s.p != NULL && i < n; i++) {
        rac_str word = *(const rac_str *)((const char *)table + i * stride);
        if (template ? rac_str_startsi(word, head) && rac_str_endsi(word, tail)
                     : rac_str_eqi(s, word)) {
            p->r->known = p->r->known && !template;
            return template ? -2 : (int)i;
        }
    }
    return -1;
}

static bool digits(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_digit(s.p[i]) && !(i == 0 && s.p[0] == '-'))
            return false;
    return true;
}

/* A whole number, or its text. False with *out untouched: none, or not known yet (*later). */
static bool integer_of(struct parse *p, const struct rac_json *v, int64_t *out, bool *later)
{
    rac_str s = rac_json_str(v, RAC_STR_NULL), head, tail;
    *later = false;
    if (s.p != NULL && holes(p, s, &head, &tail)) {
        *later = digits(head) && digits(tail);
        p->r->known = false;
        return false;
    }
    if (s.p != NULL)
        return digits(s) && rac_str_to_i64(s, out);
    int64_t n = rac_json_int(v, INT64_MIN);
    if (n == INT64_MIN)
        return false;
    *out = n;
    return true;
}

static int64_t integer(struct parse *p, const struct rac_json *v, rac_str pointer, int64_t min,
                       int64_t max, const char *what)
{
    int64_t n = 0;
    bool later;
    bool is = integer_of(p, v, &n, &later);
    if (later || (is && n >= min && n <= max))
        return is ? n : 0;
    rac_str text = rac_str_sub(rac_json_print_str(v, 0, p->a), 0, 60);
    wrong(p, pointer,
          rac_arena_printf(p->a, "'%s' must be an integer from %lld to %lld; it is %.*s.", what,
                           (long long)min, (long long)max, RAC_FMT(text)));
    return 0;
}

/* --- schedule ---------------------------------------------------------------------------------- */

/* fn for the value, or for each element of an array. */
static void each(struct parse *p, const struct rac_json *v, rac_str pointer, bool scalar,
                 void (*fn)(struct parse *p, const struct rac_json *v, rac_str pointer))
{
    rac_str head, tail;
    bool template = rac_json_is_string(v) && holes(p, rac_json_str(v, RAC_S("")), &head, &tail);
    if (rac_json_is_array(v)) {
        if (rac_json_len(v) == 0)
            wrong(p, pointer, RAC_S("The list is empty."));
        for (size_t i = 0; i < rac_json_len(v) && !rac_arena_over(p->a); i++)
            fn(p, rac_json_at(v, i), rac_json_pointer_join_index(p->a, pointer, i));
    } else if (template && head.n == 0 && tail.n == 0) {
        p->r->known = false;
    } else if (scalar) {
        fn(p, v, pointer);
    } else {
        wrong(p, pointer, RAC_S("The value must be an array."));
    }
}

static void hour(struct parse *p, const struct rac_json *v, rac_str pointer)
{
    p->r->hours |= 1u << integer(p, v, pointer, 0, 23, "hours");
}

static void minute(struct parse *p, const struct rac_json *v, rac_str pointer)
{
    p->r->minutes |= UINT64_C(1) << integer(p, v, pointer, 0, 59, "minutes");
}

static int weekday_word(struct parse *p, const struct rac_json *v, rac_str pointer)
{
    int w = word_of(p, v, weekdays, sizeof(rac_str), 7);
    if (w == -1)
        wrong(p, pointer,
              rac_arena_printf(p->a, "%.*s is not the name of a day (Monday to Sunday).",
                               RAC_FMT(rac_str_sub(rac_json_print_str(v, 0, p->a), 0, 60))));
    return w;
}

static void weekday(struct parse *p, const struct rac_json *v, rac_str pointer)
{
    int w = weekday_word(p, v, pointer);
    if (w >= 0)
        p->r->weekdays |= (uint8_t)(1u << w);
}

static void month_day(struct parse *p, const struct rac_json *v, rac_str pointer)
{
    int64_t n;
    bool later;
    bool is = integer_of(p, v, &n, &later);
    if (later)
        return;
    if (!is || n == 0 || n < -31 || n > 31)
        wrong(p, pointer, RAC_S("'monthDays' holds days of the month: 1 to 31, -1 to -31."));
    else if (n > 0)
        p->r->month_days |= 1u << n;
    else
        p->r->month_ends |= 1u << -n;
}

static void occurrence(struct parse *p, const struct rac_json *v, rac_str pointer)
{
    const struct rac_json *day = rac_json_geti(v, RAC_S("dayOfWeek")),
                          *n = rac_json_geti(v, RAC_S("occurrence"));
    const char *member = "dayOfWeek";
    int64_t nth = 0;
    bool later = false;
    if (day == NULL && rac_json_geti(v, RAC_S("day")) != NULL)
        day = rac_json_geti(v, RAC_S("day")), member = "day";
    if (!rac_json_is_object(v) || day == NULL || n == NULL) {
        wrong(p, pointer,
              RAC_S("'monthlyOccurrences' holds objects {\"dayOfWeek\", \"occurrence\"}."));
        return;
    }
    int w = weekday_word(p, day, child(p, pointer, member));
    bool is = integer_of(p, n, &nth, &later);
    if (!later && (!is || nth == 0 || nth < -5 || nth > 5))
        wrong(p, child(p, pointer, "occurrence"),
              RAC_S("'occurrence' must be 1 to 5, or -1 to -5 counted from the end."));
    else if (is && w >= 0 && nth > 0)
        p->r->nth[w] |= (uint8_t)(1u << nth);
    else if (is && w >= 0)
        p->r->nth_last[w] |= (uint8_t)(1u << -nth);
}

#define DAYS_AND_WEEKS (1u << RAC_FREQUENCY_DAY | 1u << RAC_FREQUENCY_WEEK)

static const struct part {
    const char *name;
    unsigned frequencies;
    bool scalar; /* one value may stand without its array */
    void (*fn)(struct parse *p, const struct rac_json *v, rac_str pointer);
    const char *with;
} parts[] = {
    {"hours", DAYS_AND_WEEKS, true, hour, "'Day' or 'Week'"},
    {"minutes", DAYS_AND_WEEKS, true, minute, "'Day' or 'Week'"},
    {"weekDays", 1u << RAC_FREQUENCY_WEEK, true, weekday, "'Week'"},
    {"monthDays", 1u << RAC_FREQUENCY_MONTH, false, month_day, "'Month'"},
    {"monthlyOccurrences", 1u << RAC_FREQUENCY_MONTH, false, occurrence, "'Month'"},
};

static void schedule(struct parse *p, const struct rac_json *v, rac_str pointer, int frequency)
{
    rac_str head, tail;
    if (v == NULL || rac_json_is_null(v))
        return;
    if (p->o->window) {
        wrong(p, pointer, RAC_S("A sliding window has no schedule."));
        return;
    }
    if (!rac_json_is_object(v)) {
        if (rac_json_is_string(v) && holes(p, rac_json_str(v, RAC_S("")), &head, &tail))
            p->r->known = false;
        else
            wrong(p, pointer, RAC_S("'schedule' must be an object."));
        return;
    }
    for (size_t i = 0; i < RAC_COUNT(parts); i++) {
        const struct part *t = &parts[i];
        const struct rac_json *x = rac_json_geti(v, rac_str_of(t->name));
        if (x == NULL || rac_json_is_null(x))
            continue;
        p->r->has_schedule = true;
        rac_str at = child(p, pointer, t->name);
        if (frequency >= 0 && !(t->frequencies >> frequency & 1))
            wrong(
                p, at,
                rac_arena_printf(p->a, "'%s' goes with the frequency %s only.", t->name, t->with));
        each(p, x, at, t->scalar, t->fn);
    }
}

/* --- start, end, zone -------------------------------------------------------------------------- */

/* "2026-03-29T02:30:00[.f]", with Z or without. */
static bool time_text(rac_str s, rac_ms *out, bool *z)
{
    *z = s.n > 0 && (s.p[s.n - 1] == 'Z' || s.p[s.n - 1] == 'z');
    char text[48];
    if (s.n < 19 || s.n > sizeof text - 2 || s.p[10] == ' ')
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 'Z';
    return rac_time_parse((rac_str){text, *z ? s.n : s.n + 1}, out);
}

/* An instant and its wall clock; false: not given, wrong, or not known yet. */
static bool time_of(struct parse *p, const struct rac_json *v, rac_str pointer, bool zoned,
                    rac_ms *utc, rac_ms *local)
{
    rac_str s = rac_json_str(v, RAC_STR_NULL), head, tail;
    rac_ms t;
    bool z;
    if (v == NULL || rac_json_is_null(v))
        return false;
    if (holes(p, s, &head, &tail)) {
        p->r->known = false;
        return false;
    }
    if (!time_text(s, &t, &z)) {
        wrong(p, pointer,
              RAC_S("The time must read YYYY-MM-DDThh:mm:ss, or end in Z; it has no offset."));
        return false;
    }
    if (!z && !zoned) {
        wrong(p, pointer, RAC_S("A time without Z needs 'timeZone'."));
        return false;
    }
    *utc = z ? t : rac_recurrence_utc_of(p->r->zone, t);
    *local = z ? rac_recurrence_local_of(p->r->zone, t) : t;
    return true;
}

static bool zone(struct parse *p, const struct rac_json *v, rac_str pointer)
{
    rac_str s = rac_json_str(v, RAC_STR_NULL), head, tail;
    if (v == NULL || rac_json_is_null(v))
        return false;
    if (holes(p, s, &head, &tail)) {
        p->r->known = false;
        return true;
    }
    bool windows = rac_zone_is_windows(s, false);
    const struct rac_zone *z = rac_zone_get(s);
    if (z == NULL || (!windows && rac_zone_is_windows(s, true))) {
        wrong(p, pointer,
              rac_arena_printf(p->a, "'%.*s' is not a time zone.", RAC_FMT(rac_str_sub(s, 0, 80))));
        return true;
    }
    if (!windows && !rac_str_eq(s, RAC_S("UTC")))
        rac_diags_add(p->d, &(struct rac_diag){
                                .code = "InvalidRecurrence",
                                .severity = RAC_SEV_WARNING,
                                .pointer = pointer,
                                .message = RAC_S("Other hosts know Windows names of time zones "
                                                 "only, not those of the IANA.")});
    p->r->zone = rac_zone_is_utc(z) ? NULL : z;
    return true;
}

static void span(struct parse *p, const struct rac_json *v, rac_str pointer)
{
    rac_ms local;
    struct rac_recurrence *r = p->r;
    bool zoned = zone(p, rac_json_geti(v, RAC_S("timeZone")), child(p, pointer, "timeZone"));
    r->has_start = time_of(p, rac_json_geti(v, RAC_S("startTime")), child(p, pointer, "startTime"),
                           zoned, &r->start_ms, &r->start_local_ms);
    r->has_end = time_of(p, rac_json_geti(v, RAC_S("endTime")), child(p, pointer, "endTime"), zoned,
                         &r->end_ms, &local);
    struct rac_civil limit = rac_time_civil(p->o->now_ms);
    limit.year += YEARS_AHEAD_MAX;
    if (p->o->now_ms != 0 && r->has_start && r->start_ms > rac_time_from_civil(&limit))
        wrong(p, child(p, pointer, "startTime"),
              RAC_S("'startTime' lies more than 49 years ahead."));
}

rac_err rac_recurrence_parse(const struct rac_recurrence_options *o, const struct rac_json *value,
                             rac_str pointer, struct rac_arena *a, struct rac_recurrence *out,
                             struct rac_diags *d)
{
    struct rac_recurrence r = {.known = true, .interval = 1};
    struct parse p = {.o = o, .a = a, .d = d, .r = &r};
    rac_str head, tail;
    if (rac_json_is_string(value) && holes(&p, rac_json_str(value, RAC_S("")), &head, &tail)) {
        *out = (struct rac_recurrence){.known = false};
        return RAC_OK;
    }
    if (!rac_json_is_object(value)) {
        wrong(&p, pointer, RAC_S("A recurrence is an object."));
        return RAC_E_INVALID;
    }
    const struct rac_json *frequency = rac_json_geti(value, RAC_S("frequency")),
                          *interval = rac_json_geti(value, RAC_S("interval")),
                          *count = rac_json_geti(value, RAC_S("count"));
    int f = word_of(&p, frequency, &frequencies[0].word, sizeof frequencies[0],
                    o->window ? RAC_FREQUENCY_YEAR : RAC_FREQUENCIES);
    if (f == -1)
        wrong(&p, frequency == NULL ? pointer : child(&p, pointer, "frequency"),
              o->window ? RAC_S("'frequency' must be Second, Minute, Hour, Day, Week or Month.")
                        : RAC_S("'frequency' must be Second, Minute, Hour, Day, Week, Month or "
                                "Year."));
    int64_t max = f >= 0 ? frequencies[f].interval_max : INTERVAL_MAX;
    if (interval == NULL)
        wrong(&p, pointer, RAC_S("'interval' is missing."));
    else
        r.interval = integer(&p, interval, child(&p, pointer, "interval"), 1, max, "interval");
    if (count != NULL && !rac_json_is_null(count))
        r.count =
            (uint64_t)integer(&p, count, child(&p, pointer, "count"), 1, INTERVAL_MAX, "count");
    r.frequency = f >= 0 ? (enum rac_frequency)f : RAC_FREQUENCY_DAY;
    schedule(&p, rac_json_geti(value, RAC_S("schedule")), child(&p, pointer, "schedule"), f);
    span(&p, value, pointer);
    if (p.wrong)
        return RAC_E_INVALID;
    *out = r;
    return RAC_OK;
}
