#include "expr/number.h"
#include "base/buf.h"
#include "expr/expr_priv.h"

#include <math.h>

enum { DIGITS_MAX = 1500 }; /* every double is exact in fewer */

/* --- reading ---------------------------------------------------------------------------------- */

/* The parts of a number's text, separators taken out: "-12.5e3". */
struct spelling {
    char text[512];
    size_t n;
    bool has_exponent, has_fraction;
};

static bool take(rac_str *s, rac_str what)
{
    if (what.n == 0 || !rac_str_starts(*s, what))
        return false;
    *s = rac_str_from(*s, what.n);
    return true;
}

/* Where a culture groups by a no-break space, people type a plain one. */
static bool take_group(rac_str *s, rac_str group)
{
    static const rac_str narrow = RAC_S_INIT("\xe2\x80\xaf"), wide = RAC_S_INIT("\xc2\xa0");
    if (take(s, group))
        return true;
    return (rac_str_eq(group, narrow) || rac_str_eq(group, wide)) &&
           (take(s, narrow) || take(s, wide) || (s->n > 1 && take(s, RAC_S(" "))));
}

static bool take_minus(rac_str *s, const struct rac_culture *c)
{
    return take(s, RAC_S("-")) || take(s, c->minus);
}

static bool take_digits(rac_str *s, struct spelling *out, rac_str group)
{
    bool any = false;
    for (;;) {
        if (s->n > 0 && rac_is_digit(s->p[0])) {
            if (out->n + 32 > sizeof out->text)
                return false;
            out->text[out->n++] = s->p[0];
            *s = rac_str_from(*s, 1);
            any = true;
        } else if (!(any && take_group(s, group))) {
            return any;
        }
    }
}

/* [white] [sign] digits[.digits][e[sign]digits] [[white] sign] [white] */
static bool spell(rac_str s, const struct rac_culture *c, bool trailing_sign, bool exponent,
                  struct spelling *out)
{
    *out = (struct spelling){0};
    s = trim_white(s);
    bool minus = take_minus(&s, c), sign = minus || take(&s, RAC_S("+"));
    out->text[out->n++] = '-'; /* overwritten below when there is none */
    bool whole = take_digits(&s, out, c->group);
    if (take(&s, c->decimal)) {
        out->text[out->n++] = '.';
        out->has_fraction = take_digits(&s, out, RAC_S(""));
        if (!whole && !out->has_fraction)
            return false;
    } else if (!whole) {
        return false;
    }
    if (exponent && s.n > 0 && (s.p[0] == 'e' || s.p[0] == 'E')) {
        s = rac_str_from(s, 1);
        out->text[out->n++] = 'e';
        if (take(&s, RAC_S("-")))
            out->text[out->n++] = '-';
        else
            (void)take(&s, RAC_S("+"));
        out->has_exponent = true;
        if (!take_digits(&s, out, RAC_S("")))
            return false;
    }
    if (trailing_sign && !sign) {
        s = trim_white(s);
        minus = take_minus(&s, c);
        if (!minus)
            (void)take(&s, RAC_S("+"));
    }
    out->text[out->n] = '\0';
    if (!minus)
        memmove(out->text, out->text + 1, out->n--);
    return s.n == 0;
}

bool rac_number_parse_float(rac_str s, const struct rac_culture *c, double *out)
{
    struct spelling t;
    if (rac_str_eqi(trim_white(s), RAC_S("nan"))) {
        *out = NAN;
        return true;
    }
    if (!spell(s, c, true, true, &t))
        return false;
    *out = strtod(t.text, NULL); /* the process stays in the C locale */
    return true;
}

bool rac_number_parse_decimal(rac_str s, const struct rac_culture *c, struct rac_dec *out)
{
    struct spelling t;
    return spell(s, c, true, false, &t) && rac_dec_parse((rac_str){t.text, t.n}, out);
}

bool rac_number_parse_int(rac_str s, int64_t *out)
{
    struct spelling t;
    struct rac_dec d;
    if (!spell(s, &rac_culture_en_us, false, true, &t))
        return false;
    if (!t.has_exponent)
        return rac_dec_parse((rac_str){t.text, t.n}, &d) && rac_dec_to_int(d, out);
    double x = strtod(t.text, NULL);
    if (!(fabs(x) < 9.3e18) || x != floor(x))
        return false;
    char text[32];
    int n = snprintf(text, sizeof text, "%.0f", x);
    return rac_str_to_i64((rac_str){text, (size_t)n}, out);
}

/* --- the exact digits of a number ------------------------------------------------------------- */

struct digits {
    bool neg;
    int whole_n, fraction_n; /* lengths; whole has no leading zeros, and may be empty */
    char v[DIGITS_MAX + 8];  /* whole, then fraction */
};

static void digits_of_text(const char *text, size_t n, struct digits *d)
{
    *d = (struct digits){0};
    size_t i = 0, w = 0;
    if (i < n && text[i] == '-') {
        d->neg = true;
        i++;
    }
    bool point = false;
    for (; i < n && w < DIGITS_MAX; i++) {
        if (text[i] == '.') {
            point = true;
        } else if (point) {
            d->v[w++] = text[i];
            d->fraction_n++;
        } else if (w > 0 || text[i] != '0') {
            d->v[w++] = text[i];
            d->whole_n++;
        }
    }
}

static bool digits_of(const struct rac_json *v, struct digits *d)
{
    char text[DIGITS_MAX];
    int n;
    if (v->type == RAC_JSON_INT) {
        n = snprintf(text, sizeof text, "%lld", (long long)v->i);
    } else if (is_decimal(v)) {
        digits_of_text(v->s, v->n, d);
        return true;
    } else {
        double x = rac_json_double(v, 0);
        if (!isfinite(x))
            return false;
        n = snprintf(text, sizeof text, "%.1080f", x);
        while (n > 0 && text[n - 1] == '0')
            n--;
    }
    digits_of_text(text, (size_t)n, d);
    return true;
}

static bool all_zero(const struct digits *d)
{
    for (int i = 0; i < d->whole_n + d->fraction_n; i++)
        if (d->v[i] != '0')
            return false;
    return true;
}

/* Keeps `places` fraction digits (negative: rounds in front of the point), half away from zero. */
static void round_to(struct digits *d, int places)
{
    int keep = d->whole_n + places;
    if (places >= d->fraction_n) {
        if (d->whole_n + places > DIGITS_MAX)
            places = DIGITS_MAX - d->whole_n;
        while (d->fraction_n < places)
            d->v[d->whole_n + d->fraction_n++] = '0';
    } else {
        bool up = keep >= 0 && d->v[keep] >= '5';
        int cut_whole = places < 0 ? -places : 0;
        d->fraction_n = places < 0 ? 0 : places;
        for (int i = keep < 0 ? 0 : keep; i < d->whole_n && cut_whole > 0; i++)
            d->v[i] = '0';
        int i = keep - 1;
        while (up && i >= 0) {
            up = d->v[i] == '9';
            d->v[i] = up ? '0' : (char)(d->v[i] + 1);
            i--;
        }
        if (up) {
            memmove(d->v + 1, d->v, (size_t)(d->whole_n + d->fraction_n));
            d->v[0] = '1';
            d->whole_n++;
        }
    }
    if (all_zero(d))
        d->neg = false;
}

/* Times 10^n. */
static void shift(struct digits *d, int n)
{
    while (n > 0 && d->whole_n + d->fraction_n < DIGITS_MAX) {
        if (d->fraction_n == 0)
            d->v[d->whole_n] = '0', d->fraction_n = 1;
        d->fraction_n--;
        if (d->whole_n > 0 || d->v[0] != '0')
            d->whole_n++;
        else
            memmove(d->v, d->v + 1, (size_t)d->fraction_n);
        n--;
    }
    while (n < 0 && d->whole_n + d->fraction_n < DIGITS_MAX) {
        if (d->whole_n == 0) {
            memmove(d->v + 1, d->v, (size_t)d->fraction_n);
            d->v[0] = '0';
        } else {
            d->whole_n--;
        }
        d->fraction_n++;
        n++;
    }
}

/* --- standard formats ------------------------------------------------------------------------- */

/* Behind a digit with `left` more digits to its right: 3 and 3, or 3 and then 2 (India). */
static void put_group(struct rac_buf *b, const struct rac_culture *c, int left)
{
    int size = c->group_size > 0 ? c->group_size : 3;
    if (left == 3 || (left > 3 && (left - 3) % size == 0))
        rac_buf_add(b, c->group);
}

static void put_whole(struct rac_buf *b, const struct digits *d, const struct rac_culture *c,
                      bool grouped, int least)
{
    int n = d->whole_n, total = n < least ? least : n;
    for (int i = 0; i < total; i++) {
        rac_buf_add_char(b, i < total - n ? '0' : d->v[i - (total - n)]);
        if (grouped)
            put_group(b, c, total - i - 1);
    }
}

static void put_fixed(struct rac_buf *b, const struct digits *d, const struct rac_culture *c,
                      bool grouped)
{
    put_whole(b, d, c, grouped, 1);
    if (d->fraction_n > 0) {
        rac_buf_add(b, c->decimal);
        rac_buf_add(b, (rac_str){d->v + d->whole_n, (size_t)d->fraction_n});
    }
}

/* pattern with the number at "#" and the symbol at "¤". */
static void put_pattern(struct rac_buf *b, rac_str pattern, const struct digits *d,
                        const struct rac_culture *c)
{
    if (d->neg)
        rac_buf_add(b, c->minus);
    for (size_t i = 0; i < pattern.n; i++) {
        if (pattern.p[i] == '#') {
            put_fixed(b, d, c, true);
        } else if ((unsigned char)pattern.p[i] == 0xc2 && i + 1 < pattern.n &&
                   (unsigned char)pattern.p[i + 1] == 0xa4) {
            rac_buf_add(b, c->currency);
            i++;
        } else {
            rac_buf_add_char(b, pattern.p[i]);
        }
    }
}

/* First significant digit and its exponent; 0 for zero. */
static int leading(const struct digits *d, int *first)
{
    int n = d->whole_n + d->fraction_n;
    for (*first = 0; *first < n && d->v[*first] == '0'; (*first)++)
        ;
    if (*first == n) {
        *first = 0;
        return 0;
    }
    return d->whole_n - 1 - *first;
}

static void put_exponent(struct rac_buf *b, struct digits *d, const struct rac_culture *c,
                         char letter, int precision, int exponent_digits)
{
    int first, e = leading(d, &first);
    bool zero = all_zero(d);
    if (!zero) {
        round_to(d, precision - e);
        e = leading(d, &first); /* 9.99 may have become 10.0 */
    }
    if (d->neg && !zero)
        rac_buf_add(b, c->minus);
    int n = d->whole_n + d->fraction_n;
    rac_buf_add_char(b, zero ? '0' : d->v[first]);
    if (precision > 0)
        rac_buf_add(b, c->decimal);
    for (int i = 1; i <= precision; i++)
        rac_buf_add_char(b, !zero && first + i < n ? d->v[first + i] : '0');
    rac_buf_printf(b, "%c%c%0*d", letter, e < 0 ? '-' : '+', exponent_digits, e < 0 ? -e : e);
}

static rac_err put_general(struct rac_buf *b, const struct rac_json *v, struct digits *d,
                           const struct rac_culture *c, char letter, int precision)
{
    char text[40];
    if (precision <= 0) {
        size_t n;
        if (v->type == RAC_JSON_INT)
            n = (size_t)snprintf(text, sizeof text, "%lld", (long long)v->i);
        else if (is_decimal(v))
            n = (size_t)snprintf(text, sizeof text, "%.*s", (int)v->n, v->s);
        else
            n = double_text(rac_json_double(v, 0), false, text);
        for (size_t i = 0; i < n; i++)
            if (text[i] == '.')
                rac_buf_add(b, c->decimal);
            else
                rac_buf_add_char(b, text[i]);
        return RAC_OK;
    }
    int first, e = leading(d, &first);
    round_to(d, precision - 1 - e);
    e = leading(d, &first);
    if (e >= precision || e <= -5) {
        int significant = precision - 1;
        int n = d->whole_n + d->fraction_n;
        while (significant > 0 && (first + significant >= n || d->v[first + significant] == '0'))
            significant--;
        put_exponent(b, d, c, letter == 'g' ? 'e' : 'E', significant, 2);
        return RAC_OK;
    }
    while (d->fraction_n > 0 && d->v[d->whole_n + d->fraction_n - 1] == '0')
        d->fraction_n--;
    if (d->neg)
        rac_buf_add(b, c->minus);
    put_fixed(b, d, c, false);
    return RAC_OK;
}

static rac_err put_integer(struct rac_buf *b, const struct rac_json *v, const struct rac_culture *c,
                           char letter, int precision)
{
    if (v->type != RAC_JSON_INT)
        return RAC_E_INVALID;
    int least = precision < 0 ? 1 : precision;
    if (letter == 'X' || letter == 'x') {
        char text[32];
        int n =
            snprintf(text, sizeof text, letter == 'X' ? "%llX" : "%llx", (unsigned long long)v->i);
        for (int i = n; i < least; i++)
            rac_buf_add_char(b, '0');
        rac_buf_add(b, rac_str_of(text));
        return RAC_OK;
    }
    uint64_t u = v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i;
    if (v->i < 0)
        rac_buf_add(b, c->minus);
    rac_buf_printf(b, "%0*llu", least, (unsigned long long)u);
    return RAC_OK;
}

static rac_err put_standard(struct rac_buf *b, const struct rac_json *v, struct digits *d,
                            const struct rac_culture *c, char letter, int precision)
{
    int places = precision < 0 ? 2 : precision;
    switch (letter) {
    case 'C':
    case 'c':
        round_to(d, places);
        put_pattern(b, c->currency_positive, d, c);
        return RAC_OK;
    case 'D':
    case 'd':
    case 'X':
    case 'x':
        return put_integer(b, v, c, letter, precision);
    case 'E':
    case 'e':
        put_exponent(b, d, c, letter, precision < 0 ? 6 : precision, 3);
        return RAC_OK;
    case 'F':
    case 'f':
    case 'N':
    case 'n':
        round_to(d, places);
        if (d->neg)
            rac_buf_add(b, c->minus);
        put_fixed(b, d, c, letter == 'N' || letter == 'n');
        return RAC_OK;
    case 'P':
    case 'p':
        shift(d, 2);
        round_to(d, places);
        put_pattern(b, c->percent_positive, d, c);
        return RAC_OK;
    case 'G':
    case 'g':
    case 'R':
    case 'r':
        return put_general(b, v, d, c, letter, letter == 'R' || letter == 'r' ? -1 : precision);
    default:
        return RAC_E_INVALID;
    }
}

/* --- custom formats --------------------------------------------------------------------------- */

struct custom {
    int whole_places, whole_zeros;       /* placeholders before the point; zeros from the first 0 */
    int fraction_places, fraction_zeros; /* after it; up to the last 0 */
    int thousands, percents;             /* commas that divide, % and ‰ that multiply */
    int exponent_digits;                 /* 0: none */
    bool grouped, exponent_plus;
    char exponent_letter;
};

/* Length of a literal at i (quoted or escaped; a quote may lack its end), 0 when there is none. */
static size_t literal(rac_str f, size_t i, rac_str *text)
{
    if (f.p[i] == '\\') {
        *text = rac_str_sub(f, i + 1, 1);
        return 1 + text->n;
    }
    if (f.p[i] != '\'' && f.p[i] != '"')
        return 0;
    size_t end = i + 1;
    while (end < f.n && f.p[end] != f.p[i])
        end++;
    *text = rac_str_sub(f, i + 1, end - i - 1);
    return (end < f.n ? end + 1 : end) - i;
}

static size_t exponent_length(rac_str f, size_t i)
{
    if (f.p[i] != 'E' && f.p[i] != 'e')
        return 0;
    size_t at = i + 1;
    if (at < f.n && (f.p[at] == '+' || f.p[at] == '-'))
        at++;
    size_t zeros = at;
    while (at < f.n && f.p[at] == '0')
        at++;
    return at > zeros ? at - i : 0;
}

static struct custom scan(rac_str f)
{
    struct custom k = {0};
    bool point = false, zero_seen = false;
    int commas = 0;
    rac_str text;
    for (size_t i = 0; i < f.n; i++) {
        size_t skip = literal(f, i, &text), e = exponent_length(f, i);
        char ch = f.p[i];
        if (skip > 0) {
            i += skip - 1;
            continue;
        }
        if (e > 0) {
            k.exponent_letter = ch;
            k.exponent_plus = f.p[i + 1] == '+';
            k.exponent_digits = (int)(e - 1 - (f.p[i + 1] == '+' || f.p[i + 1] == '-'));
            i += e - 1;
        } else if (ch == '0' || ch == '#') {
            if (point) {
                k.fraction_places++;
                if (ch == '0')
                    k.fraction_zeros = k.fraction_places;
            } else {
                k.grouped |= commas > 0; /* a comma between places */
                commas = 0;
                k.whole_places++;
                zero_seen |= ch == '0';
                k.whole_zeros += zero_seen;
            }
        } else if (ch == '.') {
            if (!point)
                k.thousands = commas;
            point = true;
            commas = 0;
        } else if (ch == ',' && !point && k.whole_places > 0) {
            commas++;
        } else if (ch == '%') {
            k.percents += 2;
        } else if ((unsigned char)ch == 0xe2 && i + 2 < f.n &&
                   memcmp(f.p + i, "\xe2\x80\xb0", 3) == 0) {
            k.percents += 3;
            i += 2;
        }
    }
    if (!point)
        k.thousands = commas;
    return k;
}

/* The digits of the whole part that belong to the i-th of k's places (the first takes the rest). */
static void put_places(struct rac_buf *b, const struct digits *d, const struct custom *k, int place,
                       const struct rac_culture *c, int *put)
{
    int upto = d->whole_n - (k->whole_places - 1 - place); /* digits [*put, upto) are due */
    int right = k->whole_places - 1 - place;
    if (place == 0 && upto > 1) { /* overflowing digits stand at the first place */
        for (int i = 0; i < upto; i++) {
            rac_buf_add_char(b, d->v[i]);
            if (k->grouped)
                put_group(b, c, d->whole_n - i - 1);
        }
        *put = upto;
        return;
    }
    if (upto > *put && upto > 0) {
        rac_buf_add_char(b, d->v[upto - 1]);
        *put = upto;
    } else if (right < k->whole_zeros) {
        rac_buf_add_char(b, '0');
    } else {
        return;
    }
    if (k->grouped)
        put_group(b, c, right);
}

static void put_custom_exponent(struct rac_buf *b, const struct custom *k, int e)
{
    rac_buf_add_char(b, k->exponent_letter);
    if (e < 0 || k->exponent_plus)
        rac_buf_add_char(b, e < 0 ? '-' : '+');
    rac_buf_printf(b, "%0*d", k->exponent_digits, e < 0 ? -e : e);
}

static void put_section(struct rac_buf *b, rac_str f, struct digits *d, const struct custom *k,
                        const struct rac_culture *c, int e)
{
    int place = 0, put = 0, fraction = 0;
    bool point = false;
    rac_str text;
    int shown = d->fraction_n; /* up to the last digit that is not zero, or a 0 place */
    while (shown > k->fraction_zeros && d->v[d->whole_n + shown - 1] == '0')
        shown--;
    for (size_t i = 0; i < f.n; i++) {
        size_t skip = literal(f, i, &text), exponent = exponent_length(f, i);
        char ch = f.p[i];
        if (skip > 0) {
            rac_buf_add(b, text);
            i += skip - 1;
        } else if (exponent > 0 && k->exponent_digits > 0) {
            put_custom_exponent(b, k, e);
            i += exponent - 1;
        } else if ((ch == '0' || ch == '#') && !point) {
            put_places(b, d, k, place++, c, &put);
        } else if (ch == '0' || ch == '#') {
            if (fraction < shown)
                rac_buf_add_char(b, d->v[d->whole_n + fraction]);
            fraction++;
        } else if (ch == '.') {
            if (!point && k->whole_places == 0)
                rac_buf_add(b, (rac_str){d->v, (size_t)d->whole_n});
            if (!point && shown > 0)
                rac_buf_add(b, c->decimal);
            point = true;
        } else if (ch != ',') {
            rac_buf_add_char(b, ch);
        }
    }
}

static rac_str section_at(rac_str f, int wanted, int *count)
{
    rac_str found = RAC_STR_NULL, text;
    size_t from = 0;
    *count = 0;
    for (size_t i = 0; i <= f.n; i++) {
        size_t skip = i < f.n ? literal(f, i, &text) : 0;
        if (skip > 0) {
            i += skip - 1;
            continue;
        }
        if (i == f.n || f.p[i] == ';') {
            if ((*count)++ == wanted)
                found = rac_str_sub(f, from, i - from);
            from = i + 1;
        }
    }
    return found;
}

static int apply_scale(struct digits *d, const struct custom *k)
{
    if (k->exponent_digits == 0) {
        shift(d, k->percents - 3 * k->thousands);
        round_to(d, k->fraction_places);
        return 0;
    }
    int first, e = leading(d, &first);
    int places = k->whole_places < 1 ? 1 : k->whole_places;
    if (all_zero(d)) {
        round_to(d, k->fraction_places);
        return 0;
    }
    shift(d, places - 1 - e);
    int before = d->whole_n;
    round_to(d, k->fraction_places);
    e -= places - 1;
    if (d->whole_n > before) {
        shift(d, -1);
        round_to(d, k->fraction_places);
        e++;
    }
    return e;
}

/* Section `wanted` of a format; the first one where it is missing or empty. */
static rac_str section_or_first(rac_str f, int wanted, bool *own)
{
    int sections;
    rac_str s = section_at(f, wanted, &sections);
    *own = s.n > 0;
    return *own ? s : section_at(f, 0, &sections);
}

static void put_custom(struct rac_buf *b, rac_str f, struct digits *d, const struct rac_culture *c)
{
    bool own = false, own_zero;
    rac_str zero = section_or_first(f, 2, &own_zero),
            chosen = all_zero(d) ? zero : section_or_first(f, d->neg ? 1 : 0, &own);
    struct digits scaled = *d;
    struct custom k = scan(chosen);
    int e = apply_scale(&scaled, &k);
    if (all_zero(&scaled) && chosen.p != zero.p) { /* it rounds to zero */
        chosen = zero;
        k = scan(chosen);
        scaled = *d;
        e = apply_scale(&scaled, &k);
        own = own_zero;
    }
    if (scaled.neg && !own)
        rac_buf_add(b, c->minus);
    put_section(b, chosen, &scaled, &k, c, e);
}

static bool standard(rac_str f, char *letter, int *precision)
{
    int64_t n;
    if (f.n == 0 || !rac_is_alpha(f.p[0]) || f.n > 3)
        return false;
    *letter = f.p[0];
    *precision = -1;
    if (f.n == 1)
        return true;
    if (!rac_str_to_i64(rac_str_from(f, 1), &n) || f.p[1] == '-')
        return false;
    *precision = (int)n;
    return true;
}

rac_err rac_number_format(const struct rac_json *v, rac_str format, const struct rac_culture *c,
                          struct rac_arena *a, rac_str *out)
{
    struct digits d;
    char letter, text[40];
    int precision;
    struct rac_buf b;
    rac_err e = RAC_OK;
    if (!digits_of(v, &d)) {
        size_t n = double_text(rac_json_double(v, 0), false, text);
        *out = rac_arena_str(a, (rac_str){text, n});
        return RAC_OK;
    }
    rac_buf_init(&b, 65536);
    if (format.n == 0)
        e = put_general(&b, v, &d, c, 'G', -1);
    else if (standard(format, &letter, &precision))
        e = put_standard(&b, v, &d, c, letter, precision);
    else
        put_custom(&b, format, &d, c);
    if (e == RAC_OK)
        e = rac_buf_err(&b);
    if (e == RAC_OK)
        *out = rac_arena_str(a, rac_buf_str(&b));
    rac_buf_fini(&b);
    return e;
}
