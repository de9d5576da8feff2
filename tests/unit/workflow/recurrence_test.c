#include "quoted.h"

#include "base/env.h"
#include "base/mem.h"
#include "base/time.h"
#include "expr/zone.h"
#include "workflow/definition/recurrence.h"

static rac_ms at(const char *text)
{
    rac_ms t;
    assert_true(rac_time_parse(rac_str_of(text), &t));
    return t;
}

static struct rac_recurrence compile(const char *text)
{
    struct rac_recurrence r;
    struct rac_recurrence_options o = {0};
    struct rac_json v = json(text);
    if (rac_recurrence_parse(&o, &v, RAC_S(""), &a, &r, NULL) != RAC_OK)
        fail_msg("refused: %s", text);
    return r;
}

/* Occurrences from a time on, activated there, against the list given; "-" is the end. */
static void expect(const char *recurrence, const char *now, const char *const *times, size_t n)
{
    struct rac_recurrence r = compile(recurrence);
    rac_ms activated = at(now), last = activated - 1;
    for (size_t i = 0; i < n; i++) {
        rac_ms next;
        char text[RAC_TIME_TEXT] = "-";
        if (rac_recurrence_next(&r, activated, last, i, &next)) {
            rac_time_print(next, text);
            last = next;
        }
        if (strcmp(text, times[i]) != 0)
            fail_msg("%s: occurrence %zu is %s, want %s", recurrence, i, text, times[i]);
    }
}
#define EXPECT(recurrence, now, ...)                                                               \
    expect(recurrence, now, (const char *const[]){__VA_ARGS__},                                    \
           RAC_COUNT(((const char *const[]){__VA_ARGS__})))

static void test_plain(void **state)
{
    (void)state;
    EXPECT("{'frequency':'Minute','interval':5}", "2026-01-01T00:00:30Z", "2026-01-01T00:00:30Z",
           "2026-01-01T00:05:30Z", "2026-01-01T00:10:30Z");
    EXPECT("{'frequency':'hour','interval':'2','startTime':'2020-01-01T00:30:00Z'}",
           "2026-01-01T01:00:00Z", "2026-01-01T02:30:00Z", "2026-01-01T04:30:00Z");
    EXPECT("{'frequency':'Day','interval':3,'startTime':'2026-02-01T08:00:00Z'}",
           "2026-01-01T01:00:00Z", "2026-02-01T08:00:00Z", "2026-02-04T08:00:00Z");
    EXPECT("{'frequency':'Month','interval':1,'startTime':'2026-01-31T08:00:00Z'}",
           "2026-01-01T01:00:00Z", "2026-01-31T08:00:00Z", "2026-02-28T08:00:00Z",
           "2026-03-31T08:00:00Z", "2026-04-30T08:00:00Z");
    EXPECT("{'frequency':'Year','interval':1,'startTime':'2024-02-29T08:00:00Z'}",
           "2024-01-01T01:00:00Z", "2024-02-29T08:00:00Z", "2025-02-28T08:00:00Z",
           "2026-02-28T08:00:00Z", "2027-02-28T08:00:00Z", "2028-02-29T08:00:00Z");
    EXPECT("{'frequency':'Second','interval':10,'count':2}", "2026-01-01T00:00:00Z",
           "2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z", "-");
    EXPECT("{'frequency':'Day','interval':1,'endTime':'2026-01-02T00:00:00Z'}",
           "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "-");
    EXPECT("{'frequency':'Year','interval':9000}", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z",
           "-");
}

static void test_schedule(void **state)
{
    (void)state;
    EXPECT("{'frequency':'Day','interval':1,'schedule':{'hours':[9,17],'minutes':['0',30]}}",
           "2026-01-01T09:00:01Z", "2026-01-01T09:30:00Z", "2026-01-01T17:00:00Z",
           "2026-01-01T17:30:00Z", "2026-01-02T09:00:00Z");
    EXPECT("{'frequency':'Day','interval':2,'schedule':{'hours':6},"
           "'startTime':'2026-01-01T05:15:00Z'}",
           "2026-01-01T00:00:00Z", "2026-01-01T06:15:00Z", "2026-01-03T06:15:00Z");
    EXPECT("{'frequency':'Day','interval':1,'schedule':{'minutes':[10,50]},"
           "'startTime':'2026-01-01T05:15:00Z'}",
           "2026-01-01T00:00:00Z", "2026-01-01T05:50:00Z", "2026-01-02T05:10:00Z");
    /* no hours, no minutes, no start: at once, then by the clock of that first run */
    EXPECT("{'frequency':'Week','interval':1,'schedule':{'weekDays':['Monday','friday']}}",
           "2026-01-01T10:17:30Z", "2026-01-01T10:17:30Z", "2026-01-02T10:17:30Z",
           "2026-01-05T10:17:30Z");
    /* every second week, weeks begin on Sunday: 2026-01-01 is a Thursday */
    EXPECT("{'frequency':'Week','interval':2,'schedule':{'weekDays':['Sunday','Saturday'],"
           "'hours':[0],'minutes':[0]}}",
           "2026-01-01T10:00:00Z", "2026-01-03T00:00:00Z", "2026-01-11T00:00:00Z",
           "2026-01-17T00:00:00Z", "2026-01-25T00:00:00Z");
    EXPECT("{'frequency':'Month','interval':1,'schedule':{'monthDays':[1,31,-1]},"
           "'startTime':'2026-01-15T12:00:00Z'}",
           "2026-01-01T00:00:00Z", "2026-01-31T12:00:00Z", "2026-02-01T12:00:00Z",
           "2026-02-28T12:00:00Z", "2026-03-01T12:00:00Z", "2026-03-31T12:00:00Z");
    EXPECT("{'frequency':'Month','interval':1,'schedule':{'monthlyOccurrences':["
           "{'dayOfWeek':'Tuesday','occurrence':2},{'day':'Friday','occurrence':-1}]},"
           "'startTime':'2026-01-01T12:00:00Z'}",
           "2026-01-01T00:00:00Z", "2026-01-13T12:00:00Z", "2026-01-30T12:00:00Z",
           "2026-02-10T12:00:00Z", "2026-02-27T12:00:00Z");
    EXPECT("{'frequency':'Month','interval':12,'schedule':{'monthDays':[30]},"
           "'startTime':'2026-02-01T12:00:00Z'}",
           "2026-01-01T00:00:00Z", "-");
    EXPECT("{'frequency':'Day','interval':1,'schedule':null}", "2026-01-01T00:00:00Z",
           "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
}

static void test_daylight(void **state)
{
    (void)state;
    /* gap: fires once, an hour later; the other day keeps its clock */
    EXPECT("{'frequency':'Day','interval':1,'timeZone':'Pacific Standard Time',"
           "'schedule':{'hours':[2],'minutes':[30]}}",
           "2026-03-07T12:00:00Z", "2026-03-08T10:30:00Z", "2026-03-09T09:30:00Z");
    /* the shifted one comes after one that is listed for three */
    EXPECT("{'frequency':'Day','interval':1,'timeZone':'Pacific Standard Time',"
           "'schedule':{'hours':[2,3],'minutes':[0,30]}}",
           "2026-03-07T18:00:00Z", "2026-03-08T10:00:00Z", "2026-03-08T10:30:00Z",
           "2026-03-09T09:00:00Z");
    /* autumn: the first of the two */
    EXPECT("{'frequency':'Day','interval':1,'timeZone':'W. Europe Standard Time',"
           "'schedule':{'hours':[2],'minutes':[30]}}",
           "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
    EXPECT("{'frequency':'Hour','interval':1,'timeZone':'W. Europe Standard Time',"
           "'startTime':'2026-10-25T01:30:00'}",
           "2026-10-24T12:00:00Z", "2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z",
           "2026-10-25T01:30:00Z");
    EXPECT("{'frequency':'Day','interval':1,'timeZone':'America/New_York',"
           "'startTime':'2026-03-07T09:00:00'}",
           "2026-03-01T00:00:00Z", "2026-03-07T14:00:00Z", "2026-03-08T13:00:00Z");
    /* both Z and a zone: the value is UTC, the arithmetic is the zone's */
    EXPECT("{'frequency':'Day','interval':1,'timeZone':'Eastern Standard Time',"
           "'startTime':'2026-03-07T14:00:00Z'}",
           "2026-03-01T00:00:00Z", "2026-03-07T14:00:00Z", "2026-03-08T13:00:00Z");
}

/* --- against a slow reference ------------------------------------------------------------------ */

/*
 * Every quarter of an hour of some years in UTC is walked; `first` says at which instant each local
 * quarter first occurred. Those that never did fire as much later as the clock jumped.
 */
enum { QUARTER_MS = 900000 };

struct clock {
    int64_t from, n; /* local quarters */
    int64_t *first;  /* UTC quarter, or -1 */
};

static void clock_walk(struct clock *c, const struct rac_zone *z, int64_t from_q, int64_t to_q)
{
    int64_t last = 0;
    c->from = from_q - 200;
    c->n = to_q - from_q + 400;
    c->first = rac_mem_alloc((size_t)c->n * sizeof *c->first);
    for (int64_t i = 0; i < c->n; i++)
        c->first[i] = -1;
    for (int64_t q = from_q; q < to_q; q++) {
        int64_t offset = rac_zone_offset(z, q * 900);
        assert_int_equal(offset % 900, 0);
        int64_t local = q + offset / 900, i = local - c->from;
        if (c->first[i] < 0)
            c->first[i] = q;
        int64_t gap = q == from_q ? 0 : local - last - 1;
        for (int64_t g = 0; g < gap; g++) /* skipped: later by the gap */
            c->first[last + 1 + g - c->from] = q + g;
        last = local;
    }
}

static bool day_matches(const struct rac_recurrence *r, int64_t anchor_day, int64_t day)
{
    struct rac_civil c = rac_time_civil(day * 86400000), x = rac_time_civil(anchor_day * 86400000);
    if (r->frequency == RAC_FREQUENCY_DAY)
        return (day - anchor_day) % r->interval == 0;
    if (r->frequency == RAC_FREQUENCY_WEEK) {
        int64_t week = (day - c.weekday - (anchor_day - x.weekday)) / 7;
        unsigned set = r->weekdays != 0 ? r->weekdays : 1u << x.weekday;
        return week % r->interval == 0 && (set >> c.weekday & 1);
    }
    int64_t months = (c.year - x.year) * 12 + c.month - x.month;
    if (months % r->interval != 0)
        return false;
    int before = 0, behind = 0; /* same weekdays of the month before and after this day */
    for (int i = 7; rac_time_civil((day - i) * 86400000).month == c.month; i += 7)
        before++;
    for (int i = 7; rac_time_civil((day + i) * 86400000).month == c.month; i += 7)
        behind++;
    int to_end = 0;
    while (rac_time_civil((day + to_end) * 86400000).month == c.month)
        to_end++;
    return (r->month_days >> c.day & 1) || (r->month_ends >> to_end & 1) ||
           (r->nth[c.weekday] >> (before + 1) & 1) || (r->nth_last[c.weekday] >> (behind + 1) & 1);
}

static int by_time(const void *x, const void *y)
{
    int64_t l = *(const int64_t *)x, r = *(const int64_t *)y;
    return l < r ? -1 : l > r;
}

/* Every occurrence between two quarters, sorted, none twice. */
static size_t all_of(const struct rac_recurrence *r, const struct clock *c, rac_ms start_local,
                     rac_ms start_utc, int64_t *out)
{
    size_t n = 0, kept = 0;
    int64_t anchor_day = start_local / 86400000;
    for (int64_t day = anchor_day - 1; (day + 1) * 96 < c->from + c->n - 200; day++) {
        if (day < anchor_day || !day_matches(r, anchor_day, day))
            continue;
        for (int quarter = 0; quarter < 96; quarter++) {
            int h = quarter / 4, m = quarter % 4 * 15;
            int64_t clock = start_local % 86400000;
            bool hour = r->hours != 0 ? r->hours >> h & 1 : h == clock / 3600000;
            bool minute = r->minutes != 0 ? r->minutes >> m & 1 : m == clock / 60000 % 60;
            if (hour && minute && c->first[day * 96 + quarter - c->from] >= 0)
                out[n++] = c->first[day * 96 + quarter - c->from] * QUARTER_MS;
        }
    }
    qsort(out, n, sizeof *out, by_time);
    for (size_t i = 0; i < n; i++)
        if (out[i] >= start_utc && (kept == 0 || out[i] != out[kept - 1]))
            out[kept++] = out[i];
    return kept;
}

static uint64_t random_of(const struct rac_env *env, uint64_t n)
{
    uint64_t v;
    rac_env_random(env, &v, sizeof v);
    return v % n;
}

static void random_schedule(const struct rac_env *env, struct rac_recurrence *r)
{
    r->frequency = RAC_FREQUENCY_DAY + (unsigned)random_of(env, 3);
    r->interval = 1 + (int64_t)random_of(env, r->frequency == RAC_FREQUENCY_DAY ? 9 : 4);
    r->has_schedule = true;
    if (r->frequency == RAC_FREQUENCY_MONTH) {
        r->month_days = (uint32_t)(1u << random_of(env, 32) | 1u << random_of(env, 32)) & ~1u;
        r->month_ends = (uint32_t)(1u << random_of(env, 32)) & ~1u;
        r->nth[random_of(env, 7)] = (uint8_t)(2u << random_of(env, 5));
        r->nth_last[random_of(env, 7)] = (uint8_t)(2u << random_of(env, 5));
        return;
    }
    if (random_of(env, 4) != 0)
        r->hours = (uint32_t)(1u << random_of(env, 24) | 1u << random_of(env, 4));
    if (random_of(env, 4) != 0)
        r->minutes = UINT64_C(1) << 15 * random_of(env, 4) | UINT64_C(1) << 15 * random_of(env, 4);
    if (r->frequency == RAC_FREQUENCY_WEEK && random_of(env, 4) != 0)
        r->weekdays = (uint8_t)(1 + random_of(env, 127));
}

static void compare(const struct rac_recurrence *r, const int64_t *want, size_t n, rac_ms first)
{
    rac_ms last = first - 1, next;
    for (size_t i = 0; i < n; i++) {
        assert_true(rac_recurrence_next(r, first, last, i, &next));
        if (next != want[i]) {
            char x[RAC_TIME_TEXT], y[RAC_TIME_TEXT];
            rac_time_print(next, x);
            rac_time_print(want[i], y);
            fail_msg("frequency %d interval %d hours %x minutes %llx: got %s, want %s",
                     (int)r->frequency, (int)r->interval, r->hours, (unsigned long long)r->minutes,
                     x, y);
        }
        /* asked from anywhere in between, the answer is the same */
        if (next > last + 1) {
            rac_ms again;
            assert_true(rac_recurrence_next(r, first, last + (next - last) / 2, i, &again));
            assert_int_equal(again, next);
        }
        last = next;
    }
}

static const char *const zones[] = {
    "Europe/Berlin",    "America/New_York", "Australia/Lord_Howe",
    "America/St_Johns", "Pacific/Apia",     "Africa/Casablanca",
    "Asia/Kathmandu",   "America/Santiago", "Pacific/Chatham",
    "Africa/Cairo",     "Asia/Tehran",      "America/Asuncion",
    "Antarctica/Troll", "Europe/London",    "Asia/Beirut",
    "America/Havana",   "Atlantic/Azores",  "UTC",
};

/* Three years each, from 2010 on (Samoa dropped a day in 2011), some with the footer's rule. */
static void test_reference(void **state)
{
    (void)state;
    struct rac_env_fake fake = {.seed = 42};
    struct rac_env env = rac_env_fake(&fake);
    int64_t *want = rac_mem_alloc(96 * 1300 * sizeof *want);
    for (size_t i = 0; i < RAC_COUNT(zones); i++) {
        const struct rac_zone *z = rac_zone_get(rac_str_of(zones[i]));
        assert_non_null(z);
        struct clock c;
        int64_t from = rac_time_days(i % 2 == 0 ? 2011 : 2036 + (int)(i % 8), 1, 1) * 96;
        clock_walk(&c, z, from, from + 96 * 365 * 3);
        for (int k = 0; k < 20; k++) {
            struct rac_recurrence r = {.known = true, .interval = 1, .has_start = true, .zone = z};
            random_schedule(&env, &r);
            r.start_ms = (from + 400 + (int64_t)random_of(&env, 96 * 300)) * QUARTER_MS;
            r.start_local_ms = rac_recurrence_local_of(z, r.start_ms);
            size_t n = all_of(&r, &c, r.start_local_ms, r.start_ms, want);
            assert_true(n > 0 || r.frequency == RAC_FREQUENCY_MONTH);
            compare(&r, want, n, r.start_ms);
        }
        rac_mem_free(c.first);
    }
    rac_mem_free(want);
}

/* Days, weeks and months without schedule: every occurrence has the anchor's clock, moved only
 * where that clock does not exist. */
static void test_plain_zones(void **state)
{
    (void)state;
    struct rac_env_fake fake = {.seed = 43};
    struct rac_env env = rac_env_fake(&fake);
    for (int round = 0; round < 400; round++) {
        const struct rac_zone *z = rac_zone_get(rac_str_of(zones[round % RAC_COUNT(zones)]));
        struct rac_recurrence r = {.known = true, .has_start = true, .zone = z};
        r.frequency = RAC_FREQUENCY_DAY + (unsigned)random_of(&env, 3);
        r.interval = 1 + (int64_t)random_of(&env, 3);
        r.start_ms = rac_time_days(2010 + (int)random_of(&env, 40), 1, 1) * INT64_C(86400000) +
                     (int64_t)random_of(&env, 31 * 96) * QUARTER_MS;
        r.start_local_ms = rac_recurrence_local_of(z, r.start_ms);
        rac_ms last = r.start_ms - 1, next;
        for (int i = 0; i < 400; i++) {
            assert_true(rac_recurrence_next(&r, 0, last, 0, &next));
            assert_true(next > last);
            rac_ms local = rac_recurrence_local_of(z, next);
            if (local % 86400000 != r.start_local_ms % 86400000) {
                rac_ms before = rac_recurrence_local_of(z, next - 86400000);
                assert_int_equal(before % 86400000 == r.start_local_ms % 86400000 ||
                                     local > before + 86400000,
                                 true);
            }
            last = next;
        }
    }
}

/* --- windows ----------------------------------------------------------------------------------- */

static void test_windows(void **state)
{
    (void)state;
    struct rac_recurrence r =
        compile("{'frequency':'Hour','interval':1,'startTime':'2026-01-01T00:00:00Z','count':3}");
    struct rac_window w;
    rac_ms now = at("2026-06-01T00:00:00Z"), last = RAC_WINDOW_FIRST;
    for (int k = 0; k < 3; k++) { /* all of the past, in order */
        assert_true(rac_recurrence_window(&r, now, last, (uint64_t)k, 10000, &w));
        assert_int_equal(w.start_ms, at("2026-01-01T00:00:00Z") + k * 3600000);
        assert_int_equal(w.end_ms, w.start_ms + 3600000);
        assert_int_equal(w.fire_ms, w.start_ms + 10000);
        last = w.start_ms;
    }
    assert_false(rac_recurrence_window(&r, now, last, 3, 0, &w));
    r = compile("{'frequency':'Month','interval':1}");
    assert_true(rac_recurrence_window(&r, at("2026-01-31T00:00:00Z"), RAC_WINDOW_FIRST, 0, 0, &w));
    assert_int_equal(w.start_ms, at("2026-01-31T00:00:00Z"));
    assert_int_equal(w.end_ms, at("2026-02-28T00:00:00Z"));
}

/* --- values ------------------------------------------------------------------------------------ */

static void refuses(const char *text, bool template, bool window, const char *pointers)
{
    struct rac_recurrence r;
    struct rac_recurrence_options o = {window, template, at("2026-01-01T00:00:00Z")};
    struct rac_json v = json(text);
    struct rac_diags d;
    rac_diags_init(&d, &a, 100);
    rac_err e = rac_recurrence_parse(&o, &v, RAC_S("/r"), &a, &r, &d);
    rac_str got = RAC_S("");
    for (size_t i = 0; i < d.n; i++)
        if (d.v[i].severity == RAC_SEV_ERROR)
            got = rac_arena_printf(&a, "%.*s%s%.*s", RAC_FMT(got), got.n > 0 ? " " : "",
                                   RAC_FMT(d.v[i].pointer));
    if (!rac_str_eq(got, rac_str_of(pointers)))
        fail_msg("%s: errors at %.*s, want %s", text, RAC_FMT(got), pointers);
    assert_int_equal(e, *pointers == '\0' ? RAC_OK : RAC_E_INVALID);
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pointers;
    } cases[] = {
        {"5", "/r"},
        {"{}", "/r /r"},
        {"{'frequency':'Bogus','interval':1}", "/r/frequency"},
        {"{'frequency':'Minute','interval':0}", "/r/interval"},
        {"{'frequency':'Minute','interval':72001}", "/r/interval"},
        {"{'frequency':'Minute','interval':'72000'}", ""},
        {"{'frequency':'Minute','interval':1.5}", "/r/interval"},
        {"{'frequency':'Minute','interval':true}", "/r/interval"},
        {"{'frequency':'Day','interval':501}", "/r/interval"},
        {"{'frequency':'Week','interval':72}", "/r/interval"},
        {"{'frequency':'Month','interval':17}", "/r/interval"},
        {"{'frequency':'Hour','interval':12001}", "/r/interval"},
        {"{'frequency':'Second','interval':10000000}", "/r/interval"},
        {"{'frequency':'Year','interval':1000}", ""},
        {"{'frequency':'Day','interval':1,'startTime':'2024-09-18T08:00:00'}", "/r/startTime"},
        {"{'frequency':'Day','interval':1,'startTime':'2024-09-18T08:00:00+02:00',"
         "'timeZone':'UTC'}",
         "/r/startTime"},
        {"{'frequency':'Day','interval':1,'startTime':'tomorrow'}", "/r/startTime"},
        {"{'frequency':'Day','interval':1,'startTime':'2024-02-30T08:00:00Z'}", "/r/startTime"},
        {"{'frequency':'Day','interval':1,'startTime':'9999-01-01T00:00:00Z'}", "/r/startTime"},
        {"{'frequency':'Day','interval':1,'startTime':'2074-01-01T00:00:00Z'}", ""},
        {"{'frequency':'Day','interval':1,'timeZone':'Nowhere'}", "/r/timeZone"},
        {"{'frequency':'Day','interval':1,'timeZone':'pacific standard time'}", "/r/timeZone"},
        {"{'frequency':'Day','interval':1,'timeZone':'UTC-11'}", ""},
        {"{'frequency':'Day','interval':1,'timeZone':'Europe/Paris'}", ""},
        {"{'frequency':'Month','interval':1,'schedule':{'hours':[24],'monthDays':[0,-31,32]}}",
         "/r/schedule/hours /r/schedule/hours/0 /r/schedule/monthDays/0 /r/schedule/monthDays/2"},
        {"{'frequency':'Month','interval':1,'schedule':{'monthDays':1}}", "/r/schedule/monthDays"},
        {"{'frequency':'Month','interval':1,'schedule':{'monthlyOccurrences':[{'dayOfWeek':"
         "'Funday','occurrence':0},{'dayOfWeek':'Monday'},true]}}",
         "/r/schedule/monthlyOccurrences/0/dayOfWeek /r/schedule/monthlyOccurrences/0/occurrence "
         "/r/schedule/monthlyOccurrences/1 /r/schedule/monthlyOccurrences/2"},
        {"{'frequency':'Week','interval':1,'schedule':{'weekDays':['Mon',7]}}",
         "/r/schedule/weekDays/0 /r/schedule/weekDays/1"},
        {"{'frequency':'Week','interval':1,'schedule':{'weekDays':'Monday'}}", ""},
        {"{'frequency':'Day','interval':1,'schedule':{'minutes':['bad',60,'59']}}",
         "/r/schedule/minutes/0 /r/schedule/minutes/1"},
        {"{'frequency':'Hour','interval':1,'schedule':{'minutes':[5]}}", "/r/schedule/minutes"},
        {"{'frequency':'Day','interval':1,'schedule':5}", "/r/schedule"},
        {"{'frequency':'Day','interval':1,'count':'ten'}", "/r/count"},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++)
        refuses(cases[i].text, false, false, cases[i].pointers);
    refuses("{'frequency':'Year','interval':1}", false, true, "/r/frequency");
    refuses("{'frequency':'Day','interval':1,'schedule':{'hours':[1]}}", false, true,
            "/r/schedule");
}

static void test_templates(void **state)
{
    (void)state;
    refuses("{'frequency':'@parameters(\"f\")','interval':'@{parameters(\"i\")}0'}", true, false,
            "");
    refuses("{'frequency':'[parameters(\"f\")]','interval':'[parameters(\"i\")]'}", true, false,
            "");
    refuses("{'frequency':'@parameters(\"f\")','interval':1}", false, false, "/r/frequency");
    refuses("{'frequency':'@{p()}Bogus','interval':'@{p()}not-an-integer',"
            "'schedule':{'weekDays':['Bad@{p()}','Mon@{p()}day']}}",
            true, false, "/r/frequency /r/interval /r/schedule/weekDays/0");
    refuses("{'frequency':'Minute','interval':10,'startTime':'@parameters(\"s\")'}", true, false,
            "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),       cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_daylight),    cmocka_unit_test(test_reference),
        cmocka_unit_test(test_plain_zones), cmocka_unit_test(test_windows),
        cmocka_unit_test(test_values),      cmocka_unit_test(test_templates),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
