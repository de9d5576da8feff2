#include "base/time.h"
#include "base/str.h"

#define DAY_MS INT64_C(86400000)

int64_t rac_time_days(int64_t y, int m, int d)
{
    /* Years start in March, so that the leap day is the last day of a year; 400-year eras. */
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

struct rac_civil rac_time_civil(rac_ms t)
{
    int64_t days = t / DAY_MS, rest = t % DAY_MS;
    if (rest < 0) {
        rest += DAY_MS;
        days--;
    }
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    struct rac_civil c;
    c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
    c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
    c.year = yoe + era * 400 + (c.month <= 2);
    c.millis = (int)(rest % 1000);
    rest /= 1000;
    c.second = (int)(rest % 60);
    c.minute = (int)(rest / 60 % 60);
    c.hour = (int)(rest / 3600);
    c.weekday = (int)(((days % 7) + 11) % 7);
    return c;
}

rac_ms rac_time_from_civil(const struct rac_civil *c)
{
    return rac_time_days(c->year, c->month, c->day) * DAY_MS + c->hour * INT64_C(3600000) +
           c->minute * INT64_C(60000) + c->second * INT64_C(1000) + c->millis;
}

static bool digits(rac_str *s, int n, int *out)
{
    if (s->n < (size_t)n)
        return false;
    int v = 0;
    for (int i = 0; i < n; i++) {
        if (!rac_is_digit(s->p[i]))
            return false;
        v = v * 10 + (s->p[i] - '0');
    }
    *s = rac_str_from(*s, (size_t)n);
    *out = v;
    return true;
}

static bool byte(rac_str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = rac_str_from(*s, 1);
    return true;
}

static bool exists(const struct rac_civil *c)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (c->month < 1 || c->month > 12 || c->day < 1)
        return false;
    bool leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;
    return c->day <= lengths[c->month - 1] + (c->month == 2 && leap) && c->hour < 24 &&
           c->minute < 60 && c->second < 60;
}

static bool date(rac_str *s, struct rac_civil *c)
{
    int year;
    if (!digits(s, 4, &year) || !byte(s, '-') || !digits(s, 2, &c->month) || !byte(s, '-') ||
        !digits(s, 2, &c->day))
        return false;
    c->year = year;
    return true;
}

static bool offset_minutes(rac_str *s, int *minutes)
{
    *minutes = 0;
    if (byte(s, 'Z') || byte(s, 'z'))
        return true;
    int sign = byte(s, '+') ? 1 : byte(s, '-') ? -1 : 0, h, m;
    if (sign == 0 || !digits(s, 2, &h) || !byte(s, ':') || !digits(s, 2, &m) || h > 23 || m > 59)
        return false;
    *minutes = sign * (h * 60 + m);
    return true;
}

bool rac_time_parse(rac_str s, rac_ms *out)
{
    struct rac_civil c = {0};
    int minutes;
    if (!date(&s, &c) || !(byte(&s, 'T') || byte(&s, 't') || byte(&s, ' ')) ||
        !digits(&s, 2, &c.hour) || !byte(&s, ':') || !digits(&s, 2, &c.minute) || !byte(&s, ':') ||
        !digits(&s, 2, &c.second))
        return false;
    if (c.second == 60) /* a leap second counts as the last instant before it */
        c.second = 59, c.millis = 999;
    if (byte(&s, '.')) {
        int scale = 100, seen = 0;
        for (; s.n > 0 && rac_is_digit(s.p[0]); s = rac_str_from(s, 1), seen++, scale /= 10)
            c.millis += (s.p[0] - '0') * scale;
        if (seen == 0)
            return false;
        c.millis = c.millis > 999 ? 999 : c.millis;
    }
    if (!offset_minutes(&s, &minutes) || s.n != 0 || !exists(&c))
        return false;
    *out = rac_time_from_civil(&c) - minutes * INT64_C(60000);
    return true;
}

bool rac_time_parse_date(rac_str s, rac_ms *out)
{
    struct rac_civil c = {0};
    if (!date(&s, &c) || s.n != 0 || !exists(&c))
        return false;
    *out = rac_time_from_civil(&c);
    return true;
}

/* n digits of v; written out by hand because every record of a run has two times. */
static char *put_digits(char *p, int64_t v, int n)
{
    for (int i = n; i-- > 0; v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + n;
}

size_t rac_time_print(rac_ms t, char out[RAC_TIME_TEXT])
{
    struct rac_civil c = rac_time_civil(t);
    char *p = out;
    if (c.year < 0 || c.year > 9999) { /* nobody's calendar, but no reason to print nonsense */
        p += snprintf(out, RAC_TIME_TEXT / 2, "%lld", (long long)c.year);
    } else {
        p = put_digits(p, c.year, 4);
    }
    *p++ = '-';
    p = put_digits(p, c.month, 2);
    *p++ = '-';
    p = put_digits(p, c.day, 2);
    *p++ = 'T';
    p = put_digits(p, c.hour, 2);
    *p++ = ':';
    p = put_digits(p, c.minute, 2);
    *p++ = ':';
    p = put_digits(p, c.second, 2);
    if (c.millis != 0) {
        *p++ = '.';
        p = put_digits(p, c.millis, 3);
        while (p[-1] == '0')
            p--;
    }
    *p++ = 'Z';
    *p = '\0';
    return (size_t)(p - out);
}

static const char *const day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

size_t rac_time_print_http(rac_ms t, char out[RAC_TIME_TEXT])
{
    struct rac_civil c = rac_time_civil(t);
    return (size_t)snprintf(out, RAC_TIME_TEXT, "%s, %02d %.3s %04d %02d:%02d:%02d GMT",
                            day_names[c.weekday], c.day, month_names + 3 * (c.month - 1),
                            (int)c.year, c.hour, c.minute, c.second);
}

static bool month_name(rac_str *s, int *month)
{
    for (int m = 0; m < 12; m++)
        if (rac_str_startsi(*s, (rac_str){month_names + 3 * m, 3})) {
            *month = m + 1;
            *s = rac_str_from(*s, 3);
            return true;
        }
    return false;
}

static bool clock_hms(rac_str *s, struct rac_civil *c)
{
    return digits(s, 2, &c->hour) && byte(s, ':') && digits(s, 2, &c->minute) && byte(s, ':') &&
           digits(s, 2, &c->second);
}

bool rac_time_parse_http(rac_str s, rac_ms *out)
{
    struct rac_civil c = {0};
    int year = 0;
    size_t comma = rac_str_find_char(s, ',');
    bool ok;
    if (comma != RAC_STR_NPOS) {
        s = rac_str_trim(rac_str_from(s, comma + 1));
        ok = digits(&s, 2, &c.day);
        if (ok && byte(&s, '-')) { /* Sunday, 06-Nov-94 08:49:37 GMT */
            ok = month_name(&s, &c.month) && byte(&s, '-') && digits(&s, 2, &year);
            year += year < 70 ? 2000 : 1900;
        } else { /* Sun, 06 Nov 1994 08:49:37 GMT */
            ok = ok && byte(&s, ' ') && month_name(&s, &c.month) && byte(&s, ' ') &&
                 digits(&s, 4, &year);
        }
        ok = ok && byte(&s, ' ') && clock_hms(&s, &c) && rac_str_eq(s, RAC_S(" GMT"));
    } else { /* Sun Nov  6 08:49:37 1994 */
        s = rac_str_from(s, 4);
        ok = month_name(&s, &c.month) && byte(&s, ' ');
        if (ok && byte(&s, ' '))
            ok = digits(&s, 1, &c.day);
        else
            ok = ok && digits(&s, 2, &c.day);
        ok = ok && byte(&s, ' ') && clock_hms(&s, &c) && byte(&s, ' ') && digits(&s, 4, &year) &&
             s.n == 0;
    }
    c.year = year;
    if (!ok || !exists(&c))
        return false;
    *out = rac_time_from_civil(&c);
    return true;
}

/* ".25" at *at, cut to milliseconds; *at moves behind it. False: no digits, or nothing follows. */
static bool fraction_ms(rac_str s, size_t *at, int64_t *out)
{
    size_t first = *at + 1, i = first;
    for (int64_t scale = 100; i < s.n && rac_is_digit(s.p[i]); i++, scale /= 10)
        *out += (s.p[i] - '0') * scale;
    *at = i;
    return i > first && i < s.n;
}

bool rac_time_parse_duration(rac_str s, int64_t *ms)
{
    static const struct {
        char unit;
        bool in_time;
        int64_t ms;
    } units[] = {{'W', false, 7 * DAY_MS},
                 {'D', false, DAY_MS},
                 {'H', true, 3600000},
                 {'M', true, 60000},
                 {'S', true, 1000}};
    bool in_time = false, any = false;
    int64_t total = 0;
    size_t next_unit = 0;
    if (!byte(&s, 'P'))
        return false;
    while (s.n > 0) {
        if (!in_time && byte(&s, 'T')) {
            in_time = true;
            continue;
        }
        size_t len = 0;
        while (len < s.n && rac_is_digit(s.p[len]))
            len++;
        int64_t v, part, fraction = 0;
        if (len == 0 || len == s.n || !rac_str_to_i64(rac_str_sub(s, 0, len), &v))
            return false;
        if (s.p[len] == '.') { /* of seconds only */
            if (!fraction_ms(s, &len, &fraction) || s.p[len] != 'S')
                return false;
        }
        size_t u = next_unit;
        while (u < RAC_COUNT(units) && !(units[u].unit == s.p[len] && units[u].in_time == in_time))
            u++;
        if (u == RAC_COUNT(units) || __builtin_mul_overflow(v, units[u].ms, &part) ||
            __builtin_add_overflow(part, fraction, &part) ||
            __builtin_add_overflow(total, part, &total))
            return false;
        next_unit = u + 1;
        any = true;
        s = rac_str_from(s, len + 1);
    }
    *ms = total;
    return any;
}
