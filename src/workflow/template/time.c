/* Moments. What the time is only the deployment knows. */
#include "base/str.h"
#include "expr/moment.h"
#include "workflow/template/template_priv.h"

enum { DAYS_OF_YEAR = 365, DAYS_OF_MONTH = 30 }; /* a duration's, whatever month it is added to */

/* "2020-04-07 14:53:14Z", and utcNow()'s own "20200407T145314Z". */
static bool moment_of(struct resolver *r, const struct rac_json *v, struct moment *out)
{
    rac_str s = rac_json_str(v, RAC_S(""));
    if (moment_parse(s, out))
        return true;
    out->utc = rac_str_ends(s, RAC_S("Z"));
    return moment_parse_exact(s,
                              out->utc ? RAC_S("yyyyMMdd'T'HHmmss'Z'") : RAC_S("yyyyMMdd'T'HHmmss"),
                              &rac_culture_en_us, r->a, out) == RAC_OK;
}

/* A whole number or one with a fraction, and its letter. */
static bool take_part(rac_str *s, double *n, char *unit)
{
    size_t i = 0;
    while (i < s->n && (rac_is_digit(s->p[i]) || s->p[i] == '.'))
        i++;
    if (i == 0 || i == s->n || !rac_str_to_double(rac_str_sub(*s, 0, i), n))
        return false;
    *unit = s->p[i];
    *s = rac_str_from(*s, i + 1);
    return true;
}

/* ISO 8601 with a sign in front; a year is 365 days and a month 30 of them. */
static bool duration_of(rac_str s, int64_t *ticks)
{
    static const struct {
        char unit;
        bool time;
        double seconds;
    } units[] = {{'Y', false, 86400.0 * DAYS_OF_YEAR},
                 {'M', false, 86400.0 * DAYS_OF_MONTH},
                 {'W', false, 604800.0},
                 {'D', false, 86400.0},
                 {'H', true, 3600.0},
                 {'M', true, 60.0},
                 {'S', true, 1.0}};
    bool minus = rac_str_starts(s, RAC_S("-")), time = false;
    size_t next = 0;
    double total = 0;
    s = rac_str_from(s, minus);
    if (s.n < 3 || s.p[0] != 'P')
        return false;
    for (s = rac_str_from(s, 1); s.n > 0;) {
        double n;
        char unit;
        if (s.p[0] == 'T' && !time) {
            time = true;
            s = rac_str_from(s, 1);
        }
        if (!take_part(&s, &n, &unit))
            return false;
        while (next < RAC_COUNT(units) && (units[next].unit != unit || units[next].time != time))
            next++;
        if (next == RAC_COUNT(units))
            return false;
        total += n * units[next++].seconds;
    }
    if (total > (double)(TICKS_MAX / TICKS_PER_SECOND))
        return false;
    *ticks = (int64_t)(total * (double)TICKS_PER_SECOND) * (minus ? -1 : 1);
    return true;
}

struct rac_json tf_date_time_add(struct resolver *r, const struct arguments *x)
{
    rac_str out,
        format = x->n > 2 ? rac_json_str(&x->v[2], RAC_S("")) : RAC_S("yyyy-MM-dd'T'HH:mm:ssK");
    struct moment m;
    int64_t by;
    if (!moment_of(r, &x->v[0], &m))
        return unknown_because(r, "dateTimeAdd() is given no date and time");
    if (!duration_of(rac_json_str(&x->v[1], RAC_S("")), &by))
        return unknown_because(r, "dateTimeAdd() is given no duration, such as 'P3D' or '-PT1H'");
    if (__builtin_add_overflow(m.ticks, by, &m.ticks) || m.ticks < 0 || m.ticks > TICKS_MAX)
        return unknown_because(r, "the date lies outside of the years 1 to 9999");
    return moment_format(m, format, &rac_culture_en_us, r->a, &out) == RAC_OK
               ? template_string(r, out)
               : unknown_because(r, "dateTimeAdd() does not know the format");
}

struct rac_json tf_date_time_from_epoch(struct resolver *r, const struct arguments *x)
{
    rac_str out;
    struct moment m = {.utc = true};
    int64_t ticks;
    if (x->v[0].type != RAC_JSON_INT ||
        __builtin_mul_overflow(x->v[0].i, TICKS_PER_SECOND, &ticks) ||
        __builtin_add_overflow(ticks, TICKS_EPOCH, &m.ticks) || m.ticks < 0 || m.ticks > TICKS_MAX)
        return unknown_because(r, "dateTimeFromEpoch() takes the seconds since 1970");
    return moment_format(m, RAC_S("yyyy-MM-dd'T'HH:mm:ss'Z'"), &rac_culture_en_us, r->a, &out) ==
                   RAC_OK
               ? template_string(r, out)
               : unknown_because(r, "the date cannot be written");
}

struct rac_json tf_date_time_to_epoch(struct resolver *r, const struct arguments *x)
{
    struct moment m;
    if (!moment_of(r, &x->v[0], &m))
        return unknown_because(r, "dateTimeToEpoch() is given no date and time");
    int64_t t = m.ticks - TICKS_EPOCH;
    return rac_json_of_int(t / TICKS_PER_SECOND - (t % TICKS_PER_SECOND < 0));
}
