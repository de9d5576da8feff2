/* Dates and times (spec expressions §13, §15, §16.6). */
#include "expr/functions_priv.h"
#include "expr/moment.h"
#include "expr/zone.h"

#define NAME(c) ((c)->node->fn->info.name)

static bool timestamp(struct call *c, const struct rac_json *v, size_t i, struct moment *m)
{
    rac_str s;
    if (!arg_str(c, v, i, &s))
        return false;
    return moment_parse(s, m) ||
           fail(c, RAC_EXPR_CONVERT,
                "In function '%s', the value provided for date time string '%.*s' was not valid. "
                "The datetime string must match ISO 8601 format.",
                NAME(c), RAC_FMT(rac_str_sub(s, 0, 100)));
}

static bool answer_in(struct call *c, struct moment m, rac_str format, const struct rac_culture *in,
                      struct rac_json *out)
{
    rac_str text;
    if (moment_format(m, format, in, c->a, &text) != RAC_OK)
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function '%s' does not know the date format '%.*s'.",
                    NAME(c), RAC_FMT(format));
    *out = rac_json_of_str(text);
    return true;
}

/* Argument i, if it is there, as the format; then the moment in it. */
static bool answer(struct call *c, struct moment m, const struct rac_json *v, size_t n, size_t i,
                   struct rac_json *out)
{
    rac_str format = RAC_STR_NULL;
    if (n > i && !arg_str(c, v, i, &format))
        return false;
    return answer_in(c, m, format, &rac_culture_en_us, out);
}

static bool out_of_range(struct call *c)
{
    return fail(c, RAC_EXPR_ARGUMENT, "The result of '%s' is outside the years 1 to 9999.",
                NAME(c));
}

static bool moved(struct call *c, struct moment *m, int64_t amount, int64_t unit_ticks)
{
    int64_t by, at;
    if (__builtin_mul_overflow(amount, unit_ticks, &by) ||
        __builtin_add_overflow(m->ticks, by, &at) || at < 0 || at > TICKS_MAX)
        return out_of_range(c);
    m->ticks = at;
    return true;
}

static bool add_fixed(struct call *c, const struct rac_json *v, size_t n, int64_t unit_ticks,
                      struct rac_json *out)
{
    struct moment m;
    int64_t amount;
    return timestamp(c, v, 0, &m) && arg_int(c, v, 1, &amount) &&
           moved(c, &m, amount, unit_ticks) && answer(c, m, v, n, 2, out);
}

#define ADD_FIXED(name, ticks)                                                                     \
    bool name(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)            \
    {                                                                                              \
        return add_fixed(c, v, n, ticks, out);                                                     \
    }

ADD_FIXED(fn_add_days, TICKS_PER_DAY)
ADD_FIXED(fn_add_hours, 3600 * TICKS_PER_SECOND)
ADD_FIXED(fn_add_minutes, 60 * TICKS_PER_SECOND)
ADD_FIXED(fn_add_seconds, TICKS_PER_SECOND)

static bool move_by_unit(struct call *c, struct moment *m, const struct rac_json *v, size_t i,
                         int sign)
{
    static const struct {
        rac_str name;
        int64_t ticks;
        int months;
    } units[] = {{RAC_S_INIT("Second"), TICKS_PER_SECOND, 0},
                 {RAC_S_INIT("Minute"), 60 * TICKS_PER_SECOND, 0},
                 {RAC_S_INIT("Hour"), 3600 * TICKS_PER_SECOND, 0},
                 {RAC_S_INIT("Day"), TICKS_PER_DAY, 0},
                 {RAC_S_INIT("Week"), 7 * TICKS_PER_DAY, 0},
                 {RAC_S_INIT("Month"), 0, 1},
                 {RAC_S_INIT("Year"), 0, 12}};
    int64_t amount, months;
    rac_str unit;
    if (!arg_int(c, v, i, &amount) || !arg_str(c, v, i + 1, &unit))
        return false;
    if (__builtin_mul_overflow(amount, (int64_t)sign, &amount))
        return out_of_range(c);
    for (size_t u = 0; u < RAC_COUNT(units); u++) {
        if (!rac_str_eqi(unit, units[u].name))
            continue;
        if (units[u].months == 0)
            return moved(c, m, amount, units[u].ticks);
        if (__builtin_mul_overflow(amount, (int64_t)units[u].months, &months) ||
            !moment_add_months(m, months))
            return out_of_range(c);
        return true;
    }
    return fail(c, RAC_EXPR_ARGUMENT,
                "The template language function '%s' knows the time units Second, Minute, Hour, "
                "Day, Week, Month and Year, not '%.*s'.",
                NAME(c), RAC_FMT(unit));
}

bool fn_add_to_time(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    struct moment m;
    return timestamp(c, v, 0, &m) && move_by_unit(c, &m, v, 1, 1) && answer(c, m, v, n, 3, out);
}

bool fn_subtract_from_time(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    struct moment m;
    return timestamp(c, v, 0, &m) && move_by_unit(c, &m, v, 1, -1) && answer(c, m, v, n, 3, out);
}

static struct moment now(struct call *c)
{
    int64_t ticks = c->run->now_ticks;
    return (struct moment){ticks ? ticks : rac_env_wall_ms(c->run->env) * 10000 + TICKS_EPOCH,
                           true};
}

bool fn_utc_now(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    return answer(c, now(c), v, n, 0, out);
}

bool fn_get_future_time(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    struct moment m = now(c);
    return move_by_unit(c, &m, v, 0, 1) && answer(c, m, v, n, 2, out);
}

bool fn_get_past_time(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    struct moment m = now(c);
    return move_by_unit(c, &m, v, 0, -1) && answer(c, m, v, n, 2, out);
}

bool fn_format_date_time(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    struct moment m;
    rac_str format = RAC_STR_NULL;
    const struct rac_culture *in;
    return timestamp(c, v, 0, &m) && (n < 2 || arg_str(c, v, 1, &format)) &&
           arg_culture(c, v, n, 2, &in) && answer_in(c, m, format, in, out);
}

bool fn_parse_date_time(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    struct moment m;
    rac_str s, format;
    const struct rac_culture *in;
    if (!arg_str(c, v, 0, &s) || !arg_culture(c, v, n, 1, &in))
        return false;
    rac_err e;
    if (n > 2) {
        if (!arg_str(c, v, 2, &format))
            return false;
        e = moment_parse_exact(s, format, in, c->a, &m);
    } else {
        e = moment_parse_culture(s, in, c->a, &m) ? RAC_OK : RAC_E_SYNTAX;
    }
    if (e == RAC_E_INVALID)
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function 'parseDateTime' does not know the date format "
                    "'%.*s'.",
                    RAC_FMT(format));
    if (e != RAC_OK)
        return fail(c, RAC_EXPR_CONVERT,
                    "In function 'parseDateTime', the value provided for date time string '%.*s' "
                    "was not valid%s.",
                    RAC_FMT(rac_str_sub(s, 0, 100)), n > 2 ? ": it does not match the format" : "");
    return answer_in(c, m, RAC_STR_NULL, in, out);
}

/* --- zones ------------------------------------------------------------------------------------ */

static bool zone(struct call *c, const struct rac_json *v, size_t i, const struct rac_zone **out)
{
    rac_str name;
    if (!arg_str(c, v, i, &name))
        return false;
    *out = rac_zone_get(name);
    return *out != NULL ||
           fail(c, RAC_EXPR_ARGUMENT,
                "The template language function '%s' does not know the time zone '%.*s'.", NAME(c),
                RAC_FMT(rac_str_sub(name, 0, 100)));
}

static int64_t seconds_of(struct moment m) /* since 1970, rounded down */
{
    int64_t t = m.ticks - TICKS_EPOCH;
    return t / TICKS_PER_SECOND - (t % TICKS_PER_SECOND < 0);
}

static bool to_utc(struct call *c, const struct rac_zone *z, struct moment *m)
{
    int64_t utc;
    if (m->utc && !rac_zone_is_utc(z))
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function '%s' was given a UTC timestamp (it ends in Z) "
                    "together with another source time zone.",
                    NAME(c));
    if (!rac_zone_to_utc(z, seconds_of(*m), &utc))
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The local time given to '%s' does not exist in that zone: clocks skip it.",
                    NAME(c));
    m->utc = true;
    return moved(c, m, utc - seconds_of(*m), TICKS_PER_SECOND);
}

static bool from_utc(struct call *c, const struct rac_zone *z, struct moment *m)
{
    m->utc = rac_zone_is_utc(z);
    return moved(c, m, rac_zone_offset(z, seconds_of(*m)), TICKS_PER_SECOND);
}

bool fn_convert_from_utc(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    struct moment m;
    const struct rac_zone *z;
    return timestamp(c, v, 0, &m) && zone(c, v, 1, &z) && from_utc(c, z, &m) &&
           answer(c, m, v, n, 2, out);
}

bool fn_convert_to_utc(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    struct moment m;
    const struct rac_zone *z;
    return timestamp(c, v, 0, &m) && zone(c, v, 1, &z) && to_utc(c, z, &m) &&
           answer(c, m, v, n, 2, out);
}

bool fn_convert_time_zone(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    struct moment m;
    const struct rac_zone *from, *to;
    return timestamp(c, v, 0, &m) && zone(c, v, 1, &from) && zone(c, v, 2, &to) &&
           to_utc(c, from, &m) && from_utc(c, to, &m) && answer(c, m, v, n, 3, out);
}

/* --- parts ------------------------------------------------------------------------------------ */

static bool start_of(struct call *c, const struct rac_json *v, size_t n, char what,
                     struct rac_json *out)
{
    struct moment m;
    if (!timestamp(c, v, 0, &m))
        return false;
    struct moment_parts p = moment_parts(m);
    p.minute = p.second = p.fraction = 0;
    p.hour = what == 'h' ? p.hour : 0;
    p.day = what == 'm' ? 1 : p.day;
    return moment_of_parts(&p, &m.ticks) && answer(c, m, v, n, 1, out);
}

#define START_OF(name, what)                                                                       \
    bool name(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)            \
    {                                                                                              \
        return start_of(c, v, n, what, out);                                                       \
    }

START_OF(fn_start_of_day, 'd')
START_OF(fn_start_of_hour, 'h')
START_OF(fn_start_of_month, 'm')

#define COMPONENT(name, value)                                                                     \
    bool name(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out) \
    {                                                                                              \
        struct moment m;                                                                           \
        if (!timestamp(c, v, 0, &m))                                                               \
            return false;                                                                          \
        *out = rac_json_of_int(value);                                                             \
        return true;                                                                               \
    }

COMPONENT(fn_day_of_week, moment_parts(m).weekday)
COMPONENT(fn_day_of_month, moment_parts(m).day)
COMPONENT(fn_day_of_year, moment_parts(m).yearday)
COMPONENT(fn_ticks, m.ticks)

/* --- time spans ------------------------------------------------------------------------------- */

static rac_str span_text(struct rac_arena *a, int64_t ticks)
{
    const char *sign = ticks < 0 ? "-" : "";
    uint64_t t = ticks < 0 ? 0 - (uint64_t)ticks : (uint64_t)ticks;
    unsigned fraction = (unsigned)(t % TICKS_PER_SECOND),
             s = (unsigned)(t / TICKS_PER_SECOND % 86400);
    unsigned long long days = t / TICKS_PER_DAY;
    char day_text[24] = "", fraction_text[16] = "";
    if (days > 0)
        snprintf(day_text, sizeof day_text, "%llu.", days);
    if (fraction > 0)
        snprintf(fraction_text, sizeof fraction_text, ".%07u", fraction);
    return rac_arena_printf(a, "%s%s%02u:%02u:%02u%s", sign, day_text, s / 3600, s / 60 % 60,
                            s % 60, fraction_text);
}

bool fn_date_difference(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                        struct rac_json *out)
{
    struct moment from, to;
    if (!timestamp(c, v, 0, &from) || !timestamp(c, v, 1, &to))
        return false;
    *out = rac_json_of_str(span_text(c->a, to.ticks - from.ticks));
    return true;
}

static bool span_number(rac_str *s, size_t most, int64_t *out)
{
    size_t n = 0;
    while (n < s->n && n < most && rac_is_digit(s->p[n]))
        n++;
    bool ok = rac_str_to_i64(rac_str_sub(*s, 0, n), out);
    *s = rac_str_from(*s, n);
    return ok;
}

static bool span_char(rac_str *s, char ch)
{
    if (s->n == 0 || s->p[0] != ch)
        return false;
    *s = rac_str_from(*s, 1);
    return true;
}

/* [-]d, [-][d.]hh:mm[:ss[.f]] or [-]d:hh:mm:ss[.f]. */
static bool span_parse(rac_str s, int64_t *ticks)
{
    int64_t v[4] = {0}, days = 0, fraction = 0, total; /* v: the numbers between colons */
    size_t n = 1;
    s = trim_white(s);
    bool neg = span_char(&s, '-');
    if (!span_number(&s, 8, &v[0]))
        return false;
    bool dotted = span_char(&s, '.');
    if (dotted) {
        days = v[0];
        if (!span_number(&s, 2, &v[0]))
            return false;
    }
    while (n < 4 && span_char(&s, ':'))
        if (!span_number(&s, 2, &v[n++]))
            return false;
    if (n > 2 && span_char(&s, '.')) {
        size_t before = s.n;
        if (!span_number(&s, 7, &fraction))
            return false;
        for (size_t i = before - s.n; i < 7; i++)
            fraction *= 10;
    }
    if (s.n != 0 || (dotted && (n < 2 || n == 4)))
        return false;
    if (n == 1 || n == 4) { /* days come first */
        days = v[0];
        memmove(v, v + 1, 3 * sizeof *v);
        v[3] = 0;
    }
    if (v[0] > 23 || v[1] > 59 || v[2] > 59)
        return false;
    int64_t rest = ((v[0] * 60 + v[1]) * 60 + v[2]) * TICKS_PER_SECOND + fraction;
    if (__builtin_mul_overflow(days, -TICKS_PER_DAY, &total) ||
        __builtin_sub_overflow(total, rest, &total) || (!neg && total == INT64_MIN))
        return false;
    *ticks = neg ? total : -total; /* the least has no positive counterpart */
    return true;
}

static bool span_specifier(struct rac_buf *b, uint64_t t, char letter, size_t n)
{
    uint64_t s = t / TICKS_PER_SECOND;
    char text[16];
    switch (letter) {
    case 'd':
        rac_buf_printf(b, "%0*llu", (int)n, (unsigned long long)(t / TICKS_PER_DAY));
        return n <= 8;
    case 'h':
        rac_buf_printf(b, "%0*u", (int)n, (unsigned)(s / 3600 % 24));
        return n <= 2;
    case 'm':
        rac_buf_printf(b, "%0*u", (int)n, (unsigned)(s / 60 % 60));
        return n <= 2;
    case 's':
        rac_buf_printf(b, "%0*u", (int)n, (unsigned)(s % 60));
        return n <= 2;
    case 'f':
    case 'F':
        if (n > 7)
            return false;
        snprintf(text, sizeof text, "%07u", (unsigned)(t % TICKS_PER_SECOND));
        while (letter == 'F' && n > 0 && text[n - 1] == '0')
            n--;
        rac_buf_add(b, (rac_str){text, n});
        return true;
    default:
        return false;
    }
}

static bool span_custom(struct rac_buf *b, uint64_t t, rac_str f, struct rac_arena *a)
{
    for (size_t i = 0; i < f.n;) {
        rac_str text;
        size_t quoted = moment_quoted(f, i, a, &text);
        if (quoted == SIZE_MAX)
            return false;
        if (quoted > 0) {
            rac_buf_add(b, text);
            i += quoted;
            continue;
        }
        size_t n = 1, skip = f.p[i] == '%' && i + 1 < f.n;
        i += skip;
        while (!skip && i + n < f.n && f.p[i + n] == f.p[i])
            n++;
        if (!span_specifier(b, t, f.p[i], n))
            return false;
        i += n;
    }
    return true;
}

bool fn_format_time_span(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    rac_str s, f;
    int64_t ticks;
    const struct rac_culture *in;
    if (!arg_str(c, v, 0, &s) || !arg_str(c, v, 1, &f) || !arg_culture(c, v, n, 2, &in))
        return false;
    if (!span_parse(s, &ticks))
        return fail_convert(c, &v[0], "a time span");
    uint64_t t = ticks < 0 ? 0 - (uint64_t)ticks : (uint64_t)ticks;
    if (f.n == 0 || rac_str_eq(f, RAC_S("c")) || rac_str_eq(f, RAC_S("t")) ||
        rac_str_eq(f, RAC_S("T"))) {
        *out = rac_json_of_str(span_text(c->a, ticks));
        return true;
    }
    struct rac_buf b;
    rac_buf_init(&b, 65536);
    bool general = rac_str_eqi(f, RAC_S("g"));
    if (general) { /* [-][d:]h:mm:ss[.F], and with all places for G */
        bool full = f.p[0] == 'G';
        rac_str day = t / TICKS_PER_DAY > 0 || full ? RAC_S("d\\:") : RAC_S("");
        f = rac_arena_printf(c->a, "%.*s%s\\:mm\\:ss", RAC_FMT(day), full ? "hh" : "%h");
        if (full || t % TICKS_PER_SECOND != 0)
            f = rac_arena_printf(c->a, "%.*s'%.*s'%s", RAC_FMT(f), RAC_FMT(in->decimal),
                                 full ? "fffffff" : "FFFFFFF");
        if (ticks < 0)
            rac_buf_add_char(&b, '-');
    }
    bool ok = (u16_length(f) > 1 || general) && span_custom(&b, t, f, c->a);
    if (ok)
        *out = rac_json_of_str(rac_arena_str(c->a, rac_buf_str(&b)));
    rac_buf_fini(&b);
    return ok || fail(c, RAC_EXPR_ARGUMENT,
                      "The template language function 'formatTimeSpan' does not know the format "
                      "'%.*s'.",
                      RAC_FMT(f));
}
