#include "expr/moment.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "expr/expr_priv.h"

#include <unicode/uchar.h>

enum { CLOCK_FIRST_MAX = 128 };

/* --- parts ------------------------------------------------------------------------------------ */

struct moment_parts moment_parts(struct moment m)
{
    int64_t days = m.ticks / TICKS_PER_DAY, rest = m.ticks % TICKS_PER_DAY;
    int64_t since_1970 = days - TICKS_EPOCH / TICKS_PER_DAY;
    struct rac_civil c = rac_time_civil(since_1970 * 86400000);
    struct moment_parts p = {.year = c.year, .month = c.month, .day = c.day, .weekday = c.weekday};
    p.fraction = (int)(rest % TICKS_PER_SECOND);
    rest /= TICKS_PER_SECOND;
    p.second = (int)(rest % 60);
    p.minute = (int)(rest / 60 % 60);
    p.hour = (int)(rest / 3600);
    p.yearday = (int)(since_1970 - rac_time_days(c.year, 1, 1)) + 1;
    return p;
}

static int month_length(int64_t year, int month)
{
    int64_t next = month == 12 ? rac_time_days(year + 1, 1, 1) : rac_time_days(year, month + 1, 1);
    return (int)(next - rac_time_days(year, month, 1));
}

bool moment_of_parts(const struct moment_parts *p, int64_t *ticks)
{
    if (p->year < 1 || p->year > 9999 || p->month < 1 || p->month > 12 || p->day < 1 ||
        p->day > month_length(p->year, p->month) || p->hour > 23 || p->minute > 59 ||
        p->second > 59)
        return false;
    int64_t days = rac_time_days(p->year, p->month, p->day) + TICKS_EPOCH / TICKS_PER_DAY;
    *ticks = days * TICKS_PER_DAY +
             ((p->hour * INT64_C(60) + p->minute) * 60 + p->second) * TICKS_PER_SECOND +
             p->fraction;
    return true;
}

bool moment_add_months(struct moment *m, int64_t months)
{
    struct moment_parts p = moment_parts(*m);
    int64_t total;
    if (__builtin_add_overflow(p.year * 12 + p.month - 1, months, &total) || total < 12 ||
        total >= 120000)
        return false;
    p.year = total / 12;
    p.month = (int)(total % 12) + 1;
    int length = month_length(p.year, p.month);
    p.day = p.day > length ? length : p.day;
    return moment_of_parts(&p, &m->ticks);
}

/* --- writing ---------------------------------------------------------------------------------- */

struct writer {
    struct rac_buf *b;
    struct moment m;
    struct moment_parts p;
    const struct rac_culture *c;
};

static rac_str standard_pattern(char letter, const struct rac_culture *c, struct rac_arena *a,
                                const struct rac_culture **in)
{
    rac_str d = c->long_date;
    *in = c;
    switch (letter) {
    case 'd':
        return c->short_date;
    case 'D':
        return d;
    case 'f':
        return rac_arena_printf(a, "%.*s %.*s", RAC_FMT(d), RAC_FMT(c->short_time));
    case 'F':
    case 'U':
        return rac_arena_printf(a, "%.*s %.*s", RAC_FMT(d), RAC_FMT(c->long_time));
    case 'g':
        return rac_arena_printf(a, "%.*s %.*s", RAC_FMT(c->short_date), RAC_FMT(c->short_time));
    case 'G':
        return rac_arena_printf(a, "%.*s %.*s", RAC_FMT(c->short_date), RAC_FMT(c->long_time));
    case 't':
        return c->short_time;
    case 'T':
        return c->long_time;
    case 'm':
    case 'M':
        return c->month_day;
    case 'y':
    case 'Y':
        return c->year_month;
    default:
        break;
    }
    *in = &rac_culture_en_us;
    switch (letter) {
    case 'o':
    case 'O':
        return RAC_S("yyyy-MM-ddTHH:mm:ss.fffffffK");
    case 'r':
    case 'R':
        return RAC_S("ddd, dd MMM yyyy HH:mm:ss 'GMT'");
    case 's':
        return RAC_S("yyyy-MM-ddTHH:mm:ss");
    case 'u':
        return RAC_S("yyyy-MM-dd HH:mm:ss'Z'");
    default:
        return RAC_STR_NULL;
    }
}

/* One character stands for a whole pattern. False: for none. */
static bool expand(rac_str *format, struct rac_arena *a, const struct rac_culture **c)
{
    if (u16_length(*format) == 1)
        *format = standard_pattern(format->p[0], *c, a, c);
    return format->p != NULL;
}

static void put_fraction(struct writer *w, size_t n, bool trimmed)
{
    char text[16];
    snprintf(text, sizeof text, "%07d", w->p.fraction);
    while (trimmed && n > 0 && text[n - 1] == '0')
        n--;
    if (trimmed && n == 0) { /* the point in front goes as well */
        if (w->b->n > 0 && w->b->p[w->b->n - 1] == '.')
            w->b->n--;
        return;
    }
    rac_buf_add(w->b, (rac_str){text, n});
}

static void put_year(struct writer *w, size_t n)
{
    if (n == 1)
        rac_buf_printf(w->b, "%d", (int)(w->p.year % 100));
    else if (n == 2)
        rac_buf_printf(w->b, "%02d", (int)(w->p.year % 100));
    else
        rac_buf_printf(w->b, "%0*d", (int)n, (int)w->p.year);
}

static void put_day_or_month(struct writer *w, size_t n, int value, rac_str full, rac_str brief)
{
    if (n <= 2)
        rac_buf_printf(w->b, "%0*d", (int)n, value);
    else
        rac_buf_add(w->b, n == 3 ? brief : full);
}

static void put_zone(struct writer *w, size_t n)
{
    rac_buf_add(w->b, n == 1 ? RAC_S("+0") : n == 2 ? RAC_S("+00") : RAC_S("+00:00"));
}

static rac_str first_character(rac_str s)
{
    uint32_t cp;
    size_t n = s.n > 0 ? rac_utf8_decode(s.p, s.n, &cp) : 0;
    return rac_str_sub(s, 0, n > 0 ? n : 1); /* a lone half: byte by byte */
}

/* n times the same letter; false: not a specifier. */
static bool put_specifier(struct writer *w, char letter, size_t n, bool *bad)
{
    const struct moment_parts *p = &w->p;
    const struct rac_culture *c = w->c;
    int twelve = p->hour % 12 == 0 ? 12 : p->hour % 12;
    int width = n > 1 ? 2 : 1;
    switch (letter) {
    case 'd':
        put_day_or_month(w, n, p->day, c->days[p->weekday], c->short_days[p->weekday]);
        return true;
    case 'M':
        put_day_or_month(w, n, p->month, c->months[p->month - 1], c->short_months[p->month - 1]);
        return true;
    case 'y':
        put_year(w, n);
        return true;
    case 'f':
    case 'F':
        *bad = n > 7;
        if (!*bad)
            put_fraction(w, n, letter == 'F');
        return true;
    case 'g':
        RAC_BUF_ADD_LIT(w->b, "A.D.");
        return true;
    case 'h':
        rac_buf_printf(w->b, "%0*d", width, twelve);
        return true;
    case 'H':
        rac_buf_printf(w->b, "%0*d", width, p->hour);
        return true;
    case 'm':
        rac_buf_printf(w->b, "%0*d", width, p->minute);
        return true;
    case 's':
        rac_buf_printf(w->b, "%0*d", width, p->second);
        return true;
    case 't': {
        rac_str mark = p->hour < 12 ? c->am : c->pm;
        rac_buf_add(w->b, n == 1 ? first_character(mark) : mark);
        return true;
    }
    case 'K':
        if (w->m.utc)
            for (size_t i = 0; i < n; i++)
                rac_buf_add_char(w->b, 'Z');
        return true;
    case 'z':
        put_zone(w, n);
        return true;
    default:
        return false;
    }
}

size_t moment_quoted(rac_str f, size_t i, struct rac_arena *a, rac_str *text)
{
    if (f.p[i] == '\\') {
        *text = first_character(rac_str_from(f, i + 1));
        return text->n > 0 ? 1 + text->n : SIZE_MAX;
    }
    if (f.p[i] != '\'' && f.p[i] != '"')
        return 0;
    char *p = rac_arena_alloc_dirty(a, f.n - i), *w = p;
    for (size_t end = i + 1; end < f.n; end++) {
        if (f.p[end] == f.p[i]) {
            *text = (rac_str){p, (size_t)(w - p)};
            return end + 1 - i;
        }
        if (f.p[end] == '\\' && ++end == f.n)
            break;
        *w++ = f.p[end];
    }
    return SIZE_MAX;
}

static rac_err put_custom(struct writer *w, rac_str f, struct rac_arena *a)
{
    for (size_t i = 0; i < f.n;) {
        rac_str text;
        size_t skip = moment_quoted(f, i, a, &text);
        if (skip == SIZE_MAX)
            return RAC_E_INVALID;
        if (skip > 0) {
            rac_buf_add(w->b, text);
            i += skip;
            continue;
        }
        size_t percent = f.p[i] == '%';
        if (percent) {
            if (++i >= f.n || f.p[i] == '%')
                return RAC_E_INVALID;
        }
        size_t n = 1;
        while (!percent && i + n < f.n && f.p[i + n] == f.p[i])
            n++;
        bool bad = false;
        if (f.p[i] == ':' || f.p[i] == '/')
            for (size_t k = 0; k < n; k++)
                rac_buf_add(w->b, f.p[i] == ':' ? w->c->time_separator : w->c->date_separator);
        else if (!put_specifier(w, f.p[i], n, &bad))
            rac_buf_add(w->b, rac_str_sub(f, i, n));
        if (bad)
            return RAC_E_INVALID;
        i += n;
    }
    return RAC_OK;
}

rac_err moment_format(struct moment m, rac_str format, const struct rac_culture *c,
                      struct rac_arena *a, rac_str *out)
{
    if (format.p == NULL)
        format = RAC_S("o");
    if (format.n == 0)
        return RAC_E_INVALID;
    struct rac_buf b;
    struct writer w = {.b = &b, .m = m, .p = moment_parts(m), .c = c};
    if (!expand(&format, a, &w.c))
        return RAC_E_INVALID;
    rac_buf_init(&b, 65536);
    rac_err e = put_custom(&w, format, a);
    if (e == RAC_OK)
        e = rac_buf_err(&b);
    if (e == RAC_OK)
        *out = rac_arena_str(a, rac_buf_str(&b));
    rac_buf_fini(&b);
    return e;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reader {
    rac_str s;
    struct moment_parts p;
    bool pm, am, has_hour12, utc, has_offset;
    int offset_s;
    int weekday; /* as named, 1 is Sunday; 0: it was not */
};

/* Letter case is ignored, in every script. */
static bool eat(struct reader *r, rac_str what)
{
    size_t i = 0, k = 0;
    while (k < what.n) {
        uint32_t x = 0, y = 0;
        if (i < r->s.n && rac_lower(r->s.p[i]) == rac_lower(what.p[k]) &&
            ((unsigned char)what.p[k]) < 0x80) {
            i++;
            k++;
            continue;
        }
        size_t n = i < r->s.n ? rac_utf8_decode(r->s.p + i, r->s.n - i, &x) : 0;
        size_t m = rac_utf8_decode(what.p + k, what.n - k, &y);
        if (n == 0 || m == 0)
            return false;
        if (x != y && (x > 0xffff || y > 0xffff || u16_fold((uint16_t)x) != u16_fold((uint16_t)y)))
            return false;
        i += n;
        k += m;
    }
    r->s = rac_str_from(r->s, i);
    return true;
}

static bool eat_char(struct reader *r, char ch)
{
    return eat(r, (rac_str){&ch, 1});
}

static bool eat_exactly(struct reader *r, rac_str what)
{
    if (!rac_str_starts(r->s, what))
        return false;
    r->s = rac_str_from(r->s, what.n);
    return true;
}

static bool eat_number(struct reader *r, size_t least, size_t most, int *out)
{
    size_t n = 0;
    int v = 0;
    most = most < 9 ? most : 9; /* what an int holds */
    if (least > most)
        return false;
    while (n < r->s.n && n < most && rac_is_digit(r->s.p[n]))
        v = v * 10 + (r->s.p[n++] - '0');
    if (n < least)
        return false;
    r->s = rac_str_from(r->s, n);
    *out = v;
    return true;
}

/* Digits beyond the seventh round; what rounds up to a second is one (moment_of_parts adds it). */
static bool eat_fraction(struct reader *r, int most)
{
    int digits = 0;
    for (r->p.fraction = 0; digits < most && r->s.n > 0 && rac_is_digit(r->s.p[0]); digits++) {
        if (digits < 7)
            r->p.fraction = r->p.fraction * 10 + (r->s.p[0] - '0');
        else if (digits == 7)
            r->p.fraction += r->s.p[0] >= '5';
        r->s = rac_str_from(r->s, 1);
    }
    for (int i = digits; i < 7; i++)
        r->p.fraction *= 10;
    return digits > 0;
}

static bool eat_offset(struct reader *r)
{
    int h, m = 0;
    bool neg = eat_char(r, '-');
    if ((!neg && !eat_char(r, '+')) || !eat_number(r, 1, 2, &h))
        return false;
    if (eat_char(r, ':') ? !eat_number(r, 2, 2, &m) : (r->s.n > 0 && !eat_number(r, 2, 2, &m)))
        return false;
    if (h * 60 + m > 14 * 60 || m > 59)
        return false;
    r->has_offset = true;
    r->offset_s = (h * 3600 + m * 60) * (neg ? -1 : 1);
    return true;
}

static void skip_blanks(struct reader *r)
{
    r->s = trim_white(r->s);
}

/* HH:mm[:ss[.f]] [AM|PM] */
static bool eat_clock(struct reader *r, const struct rac_culture *c)
{
    if (!eat_number(r, 1, 2, &r->p.hour))
        return false;
    bool minutes = eat_char(r, ':');
    if (minutes && !eat_number(r, 1, 2, &r->p.minute))
        return false;
    if (minutes && eat_char(r, ':') &&
        (!eat_number(r, 1, 2, &r->p.second) || (eat_char(r, '.') && !eat_fraction(r, 32))))
        return false;
    struct reader before = *r;
    skip_blanks(r);
    bool pm = (c->pm.n > 0 && eat(r, c->pm)) || eat(r, RAC_S("PM"));
    bool am = !pm && ((c->am.n > 0 && eat(r, c->am)) || eat(r, RAC_S("AM")));
    if (!am && !pm) {
        *r = before;
        return minutes;
    }
    if (r->p.hour > 12)
        return false;
    r->p.hour = r->p.hour % 12 + (pm ? 12 : 0);
    return true;
}

static bool finish(const struct reader *r, struct moment *out)
{
    struct moment m = {.utc = r->utc || r->has_offset};
    if (r->s.n != 0 || !moment_of_parts(&r->p, &m.ticks))
        return false;
    if (r->weekday > 0 && moment_parts(m).weekday != r->weekday - 1) /* another day than named */
        return false;
    m.ticks -= r->offset_s * TICKS_PER_SECOND;
    if (m.ticks < 0 || m.ticks > TICKS_MAX)
        return false;
    *out = m;
    return true;
}

/* What may follow a date: nothing, a clock, a zone. */
static bool eat_rest(struct reader *r, const struct rac_culture *c, struct moment *out)
{
    bool clock = eat_char(r, 'T');
    if (clock || (r->s.n > 0 && is_white((unsigned char)r->s.p[0])) || eat_char(r, ',')) {
        skip_blanks(r);
        if ((clock || (r->s.n > 0 && rac_is_digit(r->s.p[0]))) && !eat_clock(r, c))
            return false;
    }
    skip_blanks(r);
    if (eat(r, RAC_S("GMT")) || eat(r, RAC_S("UTC")) || eat_char(r, 'Z'))
        r->utc = true;
    else if (r->s.n > 0 && (r->s.p[0] == '+' || r->s.p[0] == '-') && !eat_offset(r))
        return false;
    return finish(r, out);
}

static int full_year(const struct reader *r, int year, size_t before)
{
    size_t digits = before - r->s.n;
    return digits <= 2 ? year + (year < 50 ? 2000 : 1900) : year; /* .NET's two-digit rule */
}

static bool parse_iso(rac_str s, struct moment *out)
{
    struct reader r = {.s = s};
    int year;
    if (!eat_number(&r, 4, 4, &year) || r.s.n == 0 || strchr("-/.", r.s.p[0]) == NULL)
        return false;
    char separator = r.s.p[0]; /* '-' is ISO's, the others are .NET's */
    if (!eat_char(&r, separator) || !eat_number(&r, 1, 2, &r.p.month))
        return false;
    r.p.year = year;
    r.p.day = 1;
    if (r.s.n == 0 && separator != '.') /* "2024-07": its first day */
        return finish(&r, out);
    if (!eat_char(&r, separator) || !eat_number(&r, 1, 2, &r.p.day))
        return false;
    return eat_rest(&r, &rac_culture_en_us, out);
}

/* Numbers between separators, in the order of the culture's short date. */
static bool parse_numeric(rac_str s, const struct rac_culture *c, struct moment *out)
{
    struct reader r = {.s = s};
    rac_str pattern = c->short_date;
    int seen = 0;
    for (size_t i = 0; i < pattern.n;) {
        char letter = pattern.p[i];
        size_t n = 1;
        while (i + n < pattern.n && pattern.p[i + n] == letter)
            n++;
        int value;
        size_t before = r.s.n;
        if (letter == 'd' || letter == 'M' || letter == 'y') {
            if (!eat_number(&r, 1, letter == 'y' ? 4 : 2, &value))
                return false;
            if (letter == 'd')
                r.p.day = value;
            else if (letter == 'M')
                r.p.month = value;
            else
                r.p.year = full_year(&r, value, before);
            seen++;
        } else if (seen < 3 && r.s.n > 0) {
            if (strchr("/-. ", r.s.p[0]) == NULL)
                return false;
            while (r.s.n > 0 && strchr("/-. ", r.s.p[0]) != NULL)
                r.s = rac_str_from(r.s, 1);
        }
        i += n;
    }
    return seen == 3 && eat_rest(&r, c, out);
}

/* The longest of the names: "červen" is June, "červenec" July. */
static bool eat_full_name(struct reader *r, const rac_str *names, int n, int *at)
{
    struct reader longest = *r;
    for (int i = 0; i < n; i++) {
        struct reader with = *r;
        if (names[i].n > 0 && eat(&with, names[i]) && with.s.n < longest.s.n) {
            longest = with;
            *at = i;
        }
    }
    bool any = longest.s.n < r->s.n;
    *r = longest;
    return any;
}

static bool eat_brief_name(struct reader *r, const rac_str *brief, int n, int *at)
{
    rac_str bare[12]; /* "févr." may come with its point or without */
    RAC_ASSERT(n <= (int)RAC_COUNT(bare));
    for (int i = 0; i < n; i++)
        bare[i] = rac_str_sub(brief[i], 0,
                              brief[i].n - (brief[i].n > 1 && brief[i].p[brief[i].n - 1] == '.'));
    if (!eat_full_name(r, bare, n, at))
        return false;
    if (brief[*at].n > bare[*at].n)
        (void)eat_char(r, '.');
    return true;
}

static bool letter_follows(const struct reader *r)
{
    uint32_t cp;
    return r->s.n > 0 && rac_utf8_decode(r->s.p, r->s.n, &cp) > 0 && u_isalpha((UChar32)cp);
}

/* Either form, as a word: "mars" is not Tuesday, "mar.". */
static bool eat_name(struct reader *r, const rac_str *names, const rac_str *brief, int n, int *at)
{
    struct reader before = *r;
    if (eat_full_name(r, names, n, at) && !letter_follows(r))
        return true;
    *r = before;
    if (eat_brief_name(r, brief, n, at) && !letter_follows(r))
        return true;
    *r = before;
    return false;
}

static void skip_fill(struct reader *r)
{
    for (;;) {
        rac_str before = r->s;
        skip_blanks(r);
        (void)eat_char(r, ',');
        (void)eat_char(r, '.');
        if (r->s.n == before.n)
            return;
    }
}

static size_t digits_at(const struct reader *r)
{
    size_t n = 0;
    while (n < r->s.n && rac_is_digit(r->s.p[n]))
        n++;
    return n;
}

/* [day name] day month-name year, or month-name [day] year; "de" and the like between. */
static bool parse_named(rac_str s, const struct rac_culture *c, struct moment *out)
{
    struct reader r = {.s = s};
    int day = 0, year, month = 0;
    if (eat_name(&r, c->days, c->short_days, 7, &day)) {
        r.weekday = day + 1;
        skip_fill(&r);
    }
    (void)eat(&r, RAC_S("de "));
    bool day_first = r.s.n > 0 && rac_is_digit(r.s.p[0]);
    if (day_first && (!eat_number(&r, 1, 2, &r.p.day)))
        return false;
    skip_fill(&r);
    (void)eat_char(&r, '-');
    (void)eat(&r, RAC_S("de "));
    if (!eat_name(&r, c->months, c->short_months, 12, &month))
        return false;
    r.p.month = month + 1;
    skip_fill(&r);
    (void)eat_char(&r, '-');
    (void)eat(&r, RAC_S("de "));
    if (!day_first && digits_at(&r) > 2) { /* "July 2024": its first day */
        r.p.day = 1;
    } else if (!day_first) {
        if (!eat_number(&r, 1, 2, &r.p.day))
            return false;
        skip_fill(&r);
    }
    size_t before = r.s.n;
    if (!eat_number(&r, 2, 4, &year))
        return false;
    r.p.year = full_year(&r, year, before);
    return eat_rest(&r, c, out);
}

static void skip_hyphen(struct reader *r)
{
    skip_fill(r);
    (void)eat_char(r, '-');
    skip_fill(r);
}

/* "2024-Jan-02", "2024 January 2". */
static bool parse_year_first(rac_str s, const struct rac_culture *c, struct moment *out)
{
    struct reader r = {.s = s};
    int year, month;
    if (!eat_number(&r, 4, 4, &year))
        return false;
    skip_hyphen(&r);
    if (!eat_name(&r, c->months, c->short_months, 12, &month))
        return false;
    skip_hyphen(&r);
    r.p.year = year;
    r.p.month = month + 1;
    return eat_number(&r, 1, 2, &r.p.day) && eat_rest(&r, c, out);
}

static bool parse_date(rac_str s, const struct rac_culture *c, struct moment *out)
{
    return parse_iso(s, out) || parse_numeric(s, c, out) || parse_named(s, c, out) ||
           parse_year_first(s, c, out);
}

/* "5:06 PM 7/4/2024": read as "7/4/2024 5:06 PM". */
static bool parse_clock_first(rac_str s, const struct rac_culture *c, struct moment *out)
{
    char turned[CLOCK_FIRST_MAX];
    struct reader r = {.s = s};
    if (!eat_clock(&r, c) || r.s.n == 0 || !is_white((unsigned char)r.s.p[0]) ||
        s.n + 2 > sizeof turned)
        return false;
    rac_str clock = rac_str_sub(s, 0, s.n - r.s.n), date = trim_white(r.s);
    int n = snprintf(turned, sizeof turned, "%.*s %.*s", RAC_FMT(date), RAC_FMT(clock));
    return parse_date((rac_str){turned, (size_t)n}, c, out);
}

bool moment_parse(rac_str s, struct moment *out)
{
    s = trim_white(s);
    return parse_date(s, &rac_culture_en_us, out) || parse_clock_first(s, &rac_culture_en_us, out);
}

bool rac_expr_timestamp(rac_str s, rac_ms *out)
{
    struct moment m;
    if (!moment_parse(s, &m))
        return false;
    *out = (m.ticks - TICKS_EPOCH) / (TICKS_PER_SECOND / 1000);
    return true;
}

/* --- reading in a format ---------------------------------------------------------------------- */

static bool eat_year(struct reader *r, size_t n)
{
    int year;
    size_t before = r->s.n;
    if (!eat_number(r, n <= 2 ? n : n > 4 ? n : 4, n <= 2 ? 2 : n > 4 ? n : 4, &year))
        return false;
    r->p.year = full_year(r, year, before);
    return true;
}

/* AM or PM, as the culture has them or as in English; brief: also the first character alone, that
 * of the morning where both begin alike. */
static bool eat_mark(struct reader *r, bool brief, const struct rac_culture *c)
{
    const struct {
        rac_str text;
        bool pm, alone;
    } marks[] = {{c->pm, true, false},
                 {c->am, false, false},
                 {RAC_S("PM"), true, false},
                 {RAC_S("AM"), false, false},
                 {first_character(c->am), false, true},
                 {first_character(c->pm), true, true},
                 {RAC_S("A"), false, true},
                 {RAC_S("P"), true, true}};
    for (size_t i = 0; i < RAC_COUNT(marks); i++)
        if ((brief || !marks[i].alone) && marks[i].text.n > 0 && eat(r, marks[i].text)) {
            r->pm = marks[i].pm;
            r->am = !r->pm;
            return true;
        }
    return false;
}

static bool eat_specifier(struct reader *r, char letter, size_t n, const struct rac_culture *c,
                          bool *known)
{
    int value = 0;
    size_t least = n > 1 ? 2 : 1;
    *known = true;
    switch (letter) {
    case 'd':
        if (n <= 2)
            return eat_number(r, least, 2, &r->p.day);
        if (n == 3 ? !eat_brief_name(r, c->short_days, 7, &value)
                   : !eat_full_name(r, c->days, 7, &value))
            return false;
        r->weekday = value + 1;
        return true;
    case 'M':
        if (n <= 2)
            return eat_number(r, least, 2, &r->p.month);
        if (n == 3 ? !eat_brief_name(r, c->short_months, 12, &value)
                   : !eat_full_name(r, c->months, 12, &value))
            return false;
        r->p.month = value + 1;
        return true;
    case 'y':
        return eat_year(r, n);
    case 'h':
        r->has_hour12 = true;
        return eat_number(r, least, 2, &r->p.hour) && r->p.hour >= 1 && r->p.hour <= 12;
    case 'H':
        return eat_number(r, least, 2, &r->p.hour);
    case 'm':
        return eat_number(r, least, 2, &r->p.minute);
    case 's':
        return eat_number(r, least, 2, &r->p.second);
    case 'f':
        for (size_t i = 0; i < n; i++)
            if (i >= r->s.n || !rac_is_digit(r->s.p[i]))
                return false;
        return eat_fraction(r, (int)n);
    case 'F':
        return eat_fraction(r, (int)n) || true;
    case 't':
        return eat_mark(r, n == 1, c);
    case 'K':
        if (eat_char(r, 'Z'))
            r->utc = true;
        else if (r->s.n > 0 && (r->s.p[0] == '+' || r->s.p[0] == '-'))
            return eat_offset(r);
        return true;
    case 'z':
        return eat_offset(r);
    case 'g':
        return eat(r, RAC_S("A.D."));
    default:
        *known = false;
        return true;
    }
}

/* n times one character of the format that is no specifier; separators also as the culture has
 * them. "." in front of F is left out where there is no fraction (*next_f). */
static bool eat_literal(struct reader *r, rac_str format, size_t i, size_t n,
                        const struct rac_culture *c, bool *next_f)
{
    rac_str ch = rac_str_sub(format, i, 1), sep = ch.p[0] == '/'   ? c->date_separator
                                                  : ch.p[0] == ':' ? c->time_separator
                                                                   : ch;
    for (size_t k = 0; k < n; k++)
        if (!eat_exactly(r, sep) && !eat_exactly(r, ch)) {
            *next_f = ch.p[0] == '.' && k + 1 == n && i + n < format.n && format.p[i + n] == 'F';
            return *next_f;
        }
    return true;
}

rac_err moment_parse_exact(rac_str s, rac_str format, const struct rac_culture *c,
                           struct rac_arena *a, struct moment *out)
{
    bool utc = rac_str_eq(format, RAC_S("r")) || rac_str_eq(format, RAC_S("R")) ||
               rac_str_eq(format, RAC_S("u"));
    if (!expand(&format, a, &c))
        return RAC_E_INVALID;
    struct reader r = {.s = s, .p = {.year = 1, .month = 1, .day = 1}};
    bool letters = false;
    for (size_t i = 0; i < format.n;) {
        rac_str text;
        size_t skip = moment_quoted(format, i, a, &text);
        if (skip == SIZE_MAX)
            return RAC_E_INVALID;
        if (skip > 0) {
            if (!eat_exactly(&r, text))
                return RAC_E_SYNTAX;
            i += skip;
            continue;
        }
        if (format.p[i] == '%' && i + 1 < format.n)
            i++;
        size_t n = 1;
        bool known, skip_f = false;
        while (i + n < format.n && format.p[i + n] == format.p[i])
            n++;
        if (rac_lower(format.p[i]) == 'f' && n > 7)
            return RAC_E_INVALID;
        if (!eat_specifier(&r, format.p[i], n, c, &known))
            return RAC_E_SYNTAX;
        letters |= known;
        if (!known && !eat_literal(&r, format, i, n, c, &skip_f))
            return letters ? RAC_E_SYNTAX : RAC_E_INVALID;
        i += n;
        while (skip_f && i < format.n && format.p[i] == 'F')
            i++;
    }
    if (!letters)
        return RAC_E_INVALID;
    r.utc |= utc; /* these two say so in plain letters */
    if (r.has_hour12)
        r.p.hour = r.p.hour % 12 + (r.pm ? 12 : 0);
    else if ((r.am && r.p.hour >= 12) || (r.pm && r.p.hour < 12)) /* "03 PM" as "HH tt" */
        return RAC_E_SYNTAX;
    return finish(&r, out) ? RAC_OK : RAC_E_SYNTAX;
}

/* What formatDateTime writes in the standard formats of a culture is among its usual forms. */
bool moment_parse_culture(rac_str s, const struct rac_culture *c, struct rac_arena *a,
                          struct moment *out)
{
    static const rac_str standard = RAC_S_INIT("dDfFgGy");
    s = trim_white(s);
    if (parse_date(s, c, out) || parse_clock_first(s, c, out))
        return true;
    for (size_t i = 0; i < standard.n; i++)
        if (moment_parse_exact(s, rac_str_sub(standard, i, 1), c, a, out) == RAC_OK)
            return true;
    return false;
}
