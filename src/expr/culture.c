#include "expr/culture.h"
#include "base/mem.h"
#include "base/str.h"

#include <unicode/ucurr.h>
#include <unicode/udat.h>
#include <unicode/udatpg.h>
#include <unicode/uloc.h>
#include <unicode/unum.h>
#include <unicode/ustring.h>

#define S(lit) RAC_S_INIT(lit)

const struct rac_culture rac_culture_en_us = {
    .days = {S("Sunday"), S("Monday"), S("Tuesday"), S("Wednesday"), S("Thursday"), S("Friday"),
             S("Saturday")},
    .short_days = {S("Sun"), S("Mon"), S("Tue"), S("Wed"), S("Thu"), S("Fri"), S("Sat")},
    .months = {S("January"), S("February"), S("March"), S("April"), S("May"), S("June"), S("July"),
               S("August"), S("September"), S("October"), S("November"), S("December")},
    .short_months = {S("Jan"), S("Feb"), S("Mar"), S("Apr"), S("May"), S("Jun"), S("Jul"), S("Aug"),
                     S("Sep"), S("Oct"), S("Nov"), S("Dec")},
    .am = S("AM"),
    .pm = S("PM"),
    .short_date = S("M/d/yyyy"),
    .long_date = S("dddd, MMMM d, yyyy"),
    .short_time = S("h:mm tt"),
    .long_time = S("h:mm:ss tt"),
    .month_day = S("MMMM d"),
    .year_month = S("MMMM yyyy"),
    .date_separator = S("/"),
    .time_separator = S(":"),
    .decimal = S("."),
    .group = S(","),
    .minus = S("-"),
    .currency = S("$"),
    .currency_positive = S("\xc2\xa4#"),
    .percent_positive = S("#%"),
};

static rac_str text_of(struct rac_arena *a, const UChar *u, int32_t n)
{
    char *p = rac_arena_alloc_dirty(a, (size_t)n * 3 + 1);
    int32_t len = 0;
    UErrorCode e = U_ZERO_ERROR;
    u_strToUTF8(p, n * 3 + 1, &len, u, n, &e);
    return U_FAILURE(e) ? RAC_S("") : (rac_str){p, (size_t)len};
}

static bool well_formed(rac_str tag)
{
    size_t part = 0;
    for (rac_str rest = tag; rest.p != NULL; part++) {
        rac_str s = rac_str_cut(rest, '-', &rest);
        if (s.n == 0 || s.n > 8 || (part == 0 && s.n < 2))
            return false;
        for (size_t i = 0; i < s.n; i++)
            if (!(part == 0 ? rac_is_alpha(s.p[i]) : rac_is_alnum(s.p[i])))
                return false;
    }
    return part > 0;
}

static bool listed(const char *const *list, const char *what)
{
    for (; *list != NULL; list++)
        if (strcmp(*list, what) == 0)
            return true;
    return false;
}

/* The locale ICU knows a tag by; false for languages and countries that do not exist. */
static bool locale_of(rac_str tag, char out[ULOC_FULLNAME_CAPACITY])
{
    char text[64], part[16];
    UErrorCode e = U_ZERO_ERROR;
    int32_t parsed = 0;
    if (!well_formed(tag) || tag.n >= sizeof text)
        return false;
    memcpy(text, tag.p, tag.n);
    text[tag.n] = '\0';
    uloc_forLanguageTag(text, out, ULOC_FULLNAME_CAPACITY, &parsed, &e);
    if (U_FAILURE(e) || parsed != (int32_t)tag.n)
        return false;
    uloc_getLanguage(out, part, sizeof part, &e);
    if (U_FAILURE(e) || !listed(uloc_getISOLanguages(), part))
        return false;
    uloc_getCountry(out, part, sizeof part, &e); /* "419" and the like are parts of the world */
    return U_SUCCESS(e) &&
           (part[0] == '\0' || rac_is_digit(part[0]) || listed(uloc_getISOCountries(), part));
}

/* --- patterns: CLDR letters to the language's own --------------------------------------------- */

static void letters(rac_str *out, char *buffer, char letter, size_t n)
{
    static const struct {
        char from;
        size_t least;
        const char *to;
    } table[] = {{'E', 4, "dddd"}, {'E', 1, "ddd"},  {'c', 4, "dddd"}, {'c', 1, "ddd"},
                 {'L', 4, "MMMM"}, {'L', 3, "MMM"},  {'L', 2, "MM"},   {'L', 1, "M"},
                 {'M', 4, "MMMM"}, {'M', 3, "MMM"},  {'M', 2, "MM"},   {'M', 1, "M"},
                 {'y', 2, "yy"},   {'y', 1, "yyyy"}, {'a', 1, "tt"},   {'b', 1, "tt"},
                 {'B', 1, "tt"},   {'d', 2, "dd"},   {'d', 1, "d"},    {'H', 2, "HH"},
                 {'H', 1, "H"},    {'h', 2, "hh"},   {'h', 1, "h"},    {'m', 2, "mm"},
                 {'m', 1, "m"},    {'s', 2, "ss"},   {'s', 1, "s"},    {'G', 1, "g"}};
    const char *to = "";
    if (letter == 'y' && n == 4)
        to = "yyyy";
    else
        for (size_t i = 0; i < RAC_COUNT(table); i++)
            if (table[i].from == letter && n >= table[i].least) {
                to = table[i].to;
                break;
            }
    size_t len = strlen(to);
    memcpy(buffer + out->n, to, len);
    out->n += len;
}

/* Narrow and no-break spaces become plain ones: what people type and expect to read. */
static rac_str plain_spaces(struct rac_arena *a, rac_str s)
{
    s = rac_str_replace(a, s, RAC_S("\xe2\x80\xaf"), RAC_S(" "));
    return rac_str_replace(a, s, RAC_S("\xc2\xa0"), RAC_S(" "));
}

static rac_str translated(struct rac_arena *a, rac_str p)
{
    char *buffer = rac_arena_alloc(a, p.n * 4 + 8);
    rac_str out = {buffer, 0};
    bool quoted = false;
    for (size_t i = 0; i < p.n;) {
        char c = p.p[i];
        if (c == '\'' || quoted || !rac_is_alpha(c)) {
            quoted ^= c == '\'';
            buffer[out.n++] = c;
            i++;
            continue;
        }
        size_t n = 1;
        while (i + n < p.n && p.p[i + n] == c)
            n++;
        letters(&out, buffer, c, n);
        i += n;
    }
    return plain_spaces(a, out);
}

static rac_str style_pattern(struct rac_arena *a, const char *locale, UDateFormatStyle time,
                             UDateFormatStyle date)
{
    UChar u[256];
    UErrorCode e = U_ZERO_ERROR;
    UDateFormat *f = udat_open(time, date, locale, NULL, 0, NULL, 0, &e);
    if (U_FAILURE(e))
        return RAC_S("");
    int32_t n = udat_toPattern(f, false, u, RAC_COUNT(u), &e);
    udat_close(f);
    return U_FAILURE(e) ? RAC_S("") : translated(a, text_of(a, u, n));
}

static rac_str best_pattern(struct rac_arena *a, const char *locale, const char *skeleton)
{
    UChar wanted[32], u[256];
    UErrorCode e = U_ZERO_ERROR;
    u_uastrcpy(wanted, skeleton);
    UDateTimePatternGenerator *g = udatpg_open(locale, &e);
    if (U_FAILURE(e))
        return RAC_S("");
    int32_t n = udatpg_getBestPattern(g, wanted, -1, u, RAC_COUNT(u), &e);
    udatpg_close(g);
    return U_FAILURE(e) ? RAC_S("") : translated(a, text_of(a, u, n));
}

static void symbols(struct rac_arena *a, const UDateFormat *f, UDateFormatSymbolType type,
                    int32_t first, rac_str *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        UChar u[128];
        UErrorCode e = U_ZERO_ERROR;
        int32_t len = udat_getSymbols(f, type, first + i, u, RAC_COUNT(u), &e);
        out[i] = U_FAILURE(e) ? RAC_S("") : text_of(a, u, len);
    }
}

static rac_str number_symbol(struct rac_arena *a, const UNumberFormat *f,
                             UNumberFormatSymbol symbol)
{
    UChar u[64];
    UErrorCode e = U_ZERO_ERROR;
    int32_t n = unum_getSymbol(f, symbol, u, RAC_COUNT(u), &e);
    return U_FAILURE(e) ? RAC_S("") : text_of(a, u, n);
}

/* "#,##0.00\u00a0¤" -> "#\u00a0¤": the run of digit places becomes one "#". */
static rac_str number_pattern(struct rac_arena *a, const char *locale, UNumberFormatStyle style)
{
    UChar u[128];
    UErrorCode e = U_ZERO_ERROR;
    UNumberFormat *f = unum_open(style, NULL, 0, locale, NULL, &e);
    if (U_FAILURE(e))
        return RAC_S("#");
    int32_t n = unum_toPattern(f, false, u, RAC_COUNT(u), &e);
    unum_close(f);
    rac_str rest, p = rac_str_cut(U_FAILURE(e) ? RAC_S("#") : text_of(a, u, n), ';', &rest);
    char *buffer = rac_arena_alloc(a, p.n + 1);
    rac_str out = {buffer, 0};
    for (size_t i = 0; i < p.n; i++) {
        bool digit = strchr("#0,.", p.p[i]) != NULL;
        if (!digit)
            buffer[out.n++] = p.p[i];
        else if (out.n == 0 || buffer[out.n - 1] != '#')
            buffer[out.n++] = '#';
    }
    return out;
}

/* What stands between the first two runs of those letters, its quotes taken off. */
static rac_str first_separator(struct rac_arena *a, rac_str pattern, const char *letters_,
                               rac_str otherwise)
{
    size_t from = 0, end;
    while (from < pattern.n && strchr(letters_, pattern.p[from]) == NULL)
        from++;
    for (end = from; end < pattern.n && pattern.p[end] == pattern.p[from];)
        end++;
    from = end;
    while (end < pattern.n && strchr(letters_, pattern.p[end]) == NULL)
        end++;
    if (from == end || end == pattern.n)
        return otherwise;
    return rac_str_replace(a, rac_str_sub(pattern, from, end - from), RAC_S("'"), RAC_S(""));
}

static void patterns_read(struct rac_arena *a, const char *locale, struct rac_culture *c)
{
    c->short_date = best_pattern(a, locale, "yMd");
    rac_str by_style = style_pattern(a, locale, UDAT_NONE, UDAT_SHORT);
    if (rac_str_find(by_style, RAC_S("yyyy")) != RAC_STR_NPOS)
        c->short_date = by_style;
    else if (rac_str_find(by_style, RAC_S("yy")) != RAC_STR_NPOS) /* years in full */
        c->short_date = rac_str_replace(a, by_style, RAC_S("yy"), RAC_S("yyyy"));
    c->long_date = style_pattern(a, locale, UDAT_NONE, UDAT_FULL);
    c->short_time = style_pattern(a, locale, UDAT_SHORT, UDAT_NONE);
    c->long_time = style_pattern(a, locale, UDAT_MEDIUM, UDAT_NONE);
    c->month_day = best_pattern(a, locale, "MMMMd");
    c->year_month = best_pattern(a, locale, "yMMMM");
    c->date_separator = first_separator(a, c->short_date, "dMy", RAC_S("/"));
    c->time_separator = first_separator(a, c->short_time, "hHms", RAC_S(":"));
}

static bool culture_read(struct rac_arena *a, const char *locale, struct rac_culture *c)
{
    UErrorCode e = U_ZERO_ERROR;
    char likely[ULOC_FULLNAME_CAPACITY]; /* "de" has the money of Germany */
    uloc_addLikelySubtags(locale, likely, sizeof likely, &e);
    UDateFormat *f = udat_open(UDAT_FULL, UDAT_FULL, locale, NULL, 0, NULL, 0, &e);
    UNumberFormat *num = unum_open(UNUM_DECIMAL, NULL, 0, locale, NULL, &e);
    UNumberFormat *cur = unum_open(UNUM_CURRENCY, NULL, 0, likely, NULL, &e);
    if (U_SUCCESS(e)) {
        symbols(a, f, UDAT_WEEKDAYS, 1, c->days, 7);
        symbols(a, f, UDAT_STANDALONE_SHORT_WEEKDAYS, 1, c->short_days, 7);
        symbols(a, f, UDAT_STANDALONE_MONTHS, 0, c->months, 12);
        symbols(a, f, UDAT_STANDALONE_SHORT_MONTHS, 0, c->short_months, 12);
        symbols(a, f, UDAT_AM_PMS, 0, &c->am, 1);
        symbols(a, f, UDAT_AM_PMS, 1, &c->pm, 1);
        patterns_read(a, locale, c);
        c->decimal = number_symbol(a, num, UNUM_DECIMAL_SEPARATOR_SYMBOL);
        c->group = number_symbol(a, num, UNUM_GROUPING_SEPARATOR_SYMBOL);
        c->group_size = (int)unum_getAttribute(num, UNUM_SECONDARY_GROUPING_SIZE);
        c->minus = number_symbol(a, num, UNUM_MINUS_SIGN_SYMBOL);
        c->currency = number_symbol(a, cur, UNUM_CURRENCY_SYMBOL);
        c->currency_positive = number_pattern(a, locale, UNUM_CURRENCY);
        c->percent_positive = number_pattern(a, locale, UNUM_PERCENT);
    }
    if (f != NULL)
        udat_close(f);
    if (num != NULL)
        unum_close(num);
    if (cur != NULL)
        unum_close(cur);
    return U_SUCCESS(e);
}

/* Reading one takes a millisecond, so each is read once per process and kept; a list that is full
 * (tags can be made up) leaves further ones to the arena of the evaluation. */
struct kept {
    struct kept *next;
    unsigned number;
    char locale[ULOC_FULLNAME_CAPACITY];
    struct rac_arena a;
    struct rac_culture c;
};

enum { KEPT_MAX = 256, CULTURE_BYTES_MAX = 1 << 20 };

static struct kept *cultures; /* grows only; pushed by compare-and-swap */

static const struct rac_culture *read_and_keep(struct kept *head, const char *locale)
{
    struct kept *k = rac_mem_alloc(sizeof *k);
    rac_arena_init(&k->a, CULTURE_BYTES_MAX);
    snprintf(k->locale, sizeof k->locale, "%s", locale);
    if (!culture_read(&k->a, locale, &k->c)) {
        rac_arena_fini(&k->a);
        rac_mem_free(k);
        return NULL;
    }
    k->next = head;
    do
        k->number = k->next != NULL ? k->next->number + 1 : 1;
    while (!__atomic_compare_exchange_n(&cultures, &k->next, k, true, __ATOMIC_RELEASE,
                                        __ATOMIC_ACQUIRE));
    return &k->c; /* two threads may both read one: the list then holds it twice */
}

bool rac_culture_open(rac_str tag, struct rac_arena *a, const struct rac_culture **out)
{
    char locale[ULOC_FULLNAME_CAPACITY];
    *out = &rac_culture_en_us;
    if (tag.p == NULL || rac_str_eqi(tag, RAC_S("en-US")) || rac_str_eqi(tag, RAC_S("en")))
        return true;
    if (!locale_of(tag, locale))
        return false;
    struct kept *head = __atomic_load_n(&cultures, __ATOMIC_ACQUIRE);
    for (struct kept *k = head; k != NULL; k = k->next)
        if (strcmp(k->locale, locale) == 0) {
            *out = &k->c;
            return true;
        }
    if (head == NULL || head->number < KEPT_MAX)
        return (*out = read_and_keep(head, locale)) != NULL;
    struct rac_culture *c = RAC_NEW(a, struct rac_culture);
    *out = c;
    return culture_read(a, locale, c);
}
