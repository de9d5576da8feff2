#include "expr/number.h"
#include "base/buf.h"
#include "expr/expr_priv.h"

#include <math.h>

enum {
    DIGITS_MAX = 1500, /* every double is exact in fewer */
    EXPONENT_DIGITS_MAX = 10,
};

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

/* A number as its digits that count: 0.TEXT times 10^scale. Zero has none. */
struct significant {
    bool neg;
    int n, scale;
    char text[DIGITS_MAX + 8];
};

static void drop_zeros(struct significant *s)
{
    while (s->n > 0 && s->text[s->n - 1] == '0')
        s->n--;
    if (s->n == 0) {
        s->scale = 0;
        s->neg = false;
    }
}

static void significant_of(const struct digits *d, struct significant *s)
{
    int first, n = d->whole_n + d->fraction_n;
    (void)leading(d, &first);
    *s = (struct significant){.neg = d->neg, .n = n - first, .scale = d->whole_n - first};
    if (s->n > 0)
        memcpy(s->text, d->v + first, (size_t)s->n);
    drop_zeros(s);
}

/* Keeps so many digits, half away from zero. */
static void cut(struct significant *s, int keep)
{
    if (keep < s->n) {
        bool up = keep >= 0 && s->text[keep] >= '5';
        s->n = keep < 0 ? 0 : keep;
        while (up && s->n > 0 && s->text[s->n - 1] == '9')
            s->n--;
        if (up && s->n > 0) {
            s->text[s->n - 1]++;
        } else if (up) {
            s->text[s->n++] = '1';
            s->scale++;
        }
    }
    drop_zeros(s);
}

struct custom {
    int places, point; /* placeholders; how many of them are before the point */
    int first_zero;    /* places from the first 0 to the point */
    int last_zero;     /* places from the last 0 to the point: negative behind it */
    int shift;         /* powers of ten: % and ‰ add, commas in front of the point take away */
    bool grouped, scientific;
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

/* Length of "E0", "e+00" and the like at i. */
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

/* Commas at one place, waiting to be told whether they group or divide. */
struct commas {
    int place, n;
};

static void scan_character(rac_str f, size_t *i, struct custom *k, int *zeros, struct commas *m)
{
    switch (f.p[*i]) {
    case '0':
        if (zeros[0] < 0)
            zeros[0] = k->places;
        zeros[1] = k->places + 1;
        k->places++;
        return;
    case '#':
        k->places++;
        return;
    case '.':
        if (k->point < 0)
            k->point = k->places;
        return;
    case ',':
        if (k->places == 0 || k->point >= 0)
            return;
        k->grouped |= m->n > 0 && m->place != k->places;
        m->n = m->n > 0 && m->place == k->places ? m->n + 1 : 1;
        m->place = k->places;
        return;
    case '%':
        k->shift += 2;
        return;
    default:
        if (rac_str_starts(rac_str_from(f, *i), RAC_S("\xe2\x80\xb0"))) { /* ‰ */
            k->shift += 3;
            *i += 2;
        }
        return;
    }
}

static struct custom scan(rac_str f)
{
    struct custom k = {.point = -1};
    struct commas m = {0};
    int zeros[2] = {-1, 0}; /* the place of the first 0, and the one behind the last */
    rac_str text;
    for (size_t i = 0; i < f.n; i++) {
        size_t skip = literal(f, i, &text), e = exponent_length(f, i);
        k.scientific |= e > 0;
        if (skip > 0 || e > 0)
            i += skip + e - 1;
        else
            scan_character(f, &i, &k, zeros, &m);
    }
    if (k.point < 0)
        k.point = k.places;
    if (m.n > 0 && m.place == k.point)
        k.shift -= 3 * m.n;
    else
        k.grouped |= m.n > 0;
    k.first_zero = zeros[0] >= 0 && zeros[0] < k.point ? k.point - zeros[0] : 0;
    k.last_zero = zeros[1] > k.point ? k.point - zeros[1] : 0;
    return k;
}

struct section {
    struct rac_buf *b;
    const struct significant *s;
    const struct custom *k;
    const struct rac_culture *c;
    int next;  /* of the digits */
    int place; /* how many digits are due before the point, this one counted */
    int spare; /* digits more than places; negative: places more than digits */
    bool exponent_put, point_put;
};

static void put_digit(struct section *w, char digit)
{
    rac_buf_add_char(w->b, digit);
    if (w->k->grouped && w->place > 1)
        put_group(w->b, w->c, w->place - 1);
}

/* What has no place of its own stands in front of the first one. */
static void put_spare(struct section *w)
{
    for (; w->spare > 0; w->spare--) {
        put_digit(w, w->next < w->s->n ? w->s->text[w->next++] : '0');
        w->place--;
    }
}

static void put_place(struct section *w)
{
    put_spare(w);
    if (w->spare < 0) {
        w->spare++;
        if (w->place <= w->k->first_zero)
            put_digit(w, '0');
    } else if (w->next < w->s->n) {
        put_digit(w, w->s->text[w->next++]);
    } else if (w->place > w->k->last_zero) {
        put_digit(w, '0');
    }
    w->place--;
}

static void put_point(struct section *w)
{
    put_spare(w);
    if (w->place != 0 || w->point_put)
        return;
    w->point_put = w->k->last_zero < 0 || (w->k->point < w->k->places && w->next < w->s->n);
    if (w->point_put)
        rac_buf_add(w->b, w->c->decimal);
}

/* The first one is the exponent, any other is text. */
static void put_custom_exponent(struct section *w, rac_str spelled)
{
    if (w->exponent_put) {
        rac_buf_add(w->b, spelled);
        return;
    }
    w->exponent_put = true;
    bool sign = spelled.p[1] == '+' || spelled.p[1] == '-';
    int digits = (int)spelled.n - 1 - sign, e = w->s->n == 0 ? 0 : w->s->scale - w->k->point;
    rac_buf_add_char(w->b, spelled.p[0]);
    if (e < 0 || spelled.p[1] == '+')
        rac_buf_add_char(w->b, e < 0 ? '-' : '+');
    rac_buf_printf(w->b, "%0*d", digits < EXPONENT_DIGITS_MAX ? digits : EXPONENT_DIGITS_MAX,
                   e < 0 ? -e : e);
}

static void put_section(struct section *w, rac_str f)
{
    rac_str text;
    w->place = w->k->point;
    if (!w->k->scientific) {
        w->place = w->s->scale > w->k->point ? w->s->scale : w->k->point;
        w->spare = w->s->scale - w->k->point;
    }
    for (size_t i = 0; i < f.n; i++) {
        size_t skip = literal(f, i, &text), e = exponent_length(f, i);
        char ch = f.p[i];
        if (skip > 0) {
            rac_buf_add(w->b, text);
            i += skip - 1;
        } else if (e > 0) {
            put_custom_exponent(w, rac_str_sub(f, i, e));
            i += e - 1;
        } else if (ch == '0' || ch == '#') {
            put_place(w);
        } else if (ch == '.') {
            put_point(w);
        } else if (ch != ',') {
            rac_buf_add_char(w->b, ch);
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

/* Section `wanted` of a format; the first one where it is missing or empty. */
static rac_str section_or_first(rac_str f, int wanted, bool *own)
{
    int sections;
    rac_str s = section_at(f, wanted, &sections);
    *own = s.n > 0;
    return *own ? s : section_at(f, 0, &sections);
}

static void put_custom(struct rac_buf *b, rac_str f, const struct digits *d,
                       const struct rac_culture *c)
{
    bool own = false, own_zero;
    struct significant s;
    significant_of(d, &s);
    rac_str zero = section_or_first(f, 2, &own_zero),
            chosen = s.n == 0 ? zero : section_or_first(f, s.neg ? 1 : 0, &own);
    struct custom k = scan(chosen);
    if (s.n > 0) {
        s.scale += k.shift;
        cut(&s, k.scientific ? k.places : s.scale + k.places - k.point);
        if (s.n == 0 && chosen.p != zero.p) { /* it rounds to zero */
            chosen = zero;
            k = scan(chosen);
        }
    }
    if (s.neg && !own)
        rac_buf_add(b, c->minus);
    put_section(&(struct section){.b = b, .s = &s, .k = &k, .c = c}, chosen);
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
