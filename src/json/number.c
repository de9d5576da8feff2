/*
 * Numbers that no C type holds are kept as spelt; this file reads the spellings. A decimal is
 * digits without zeros at either end and a power of ten, so two spellings of one number are the
 * same decimal.
 */
#include "json/number_priv.h"

#include <math.h>

/* --- doubles ------------------------------------------------------------------------------- */

/*
 * A spelling of any length as a double: 768 significant digits decide the rounding of every
 * double, so the rest can only matter as "a little more", which one more digit says.
 */
static double double_slow(rac_str s)
{
    char text[768 + 1 + 32];
    size_t n = 0, i = 0, digits = 0;
    bool point = false, more = false;
    int64_t exponent = 0, e = 0;
    if (s.n > 0 && s.p[0] == '-')
        text[n++] = s.p[i++];
    for (; i < s.n && (rac_is_digit(s.p[i]) || s.p[i] == '.'); i++) {
        if (s.p[i] == '.') {
            point = true;
            continue;
        }
        exponent -= point;
        if (digits == 0 && s.p[i] == '0')
            continue;
        if (digits < 768) {
            text[n++] = s.p[i];
            digits++;
        } else {
            exponent++;
            more = more || s.p[i] != '0';
        }
    }
    if (more) {
        text[n++] = '1';
        exponent--;
    }
    bool minus = i + 1 < s.n && s.p[i + 1] == '-';
    for (i += i + 1 < s.n && (minus || s.p[i + 1] == '+') ? 2 : 1; i < s.n; i++)
        if (e < INT32_MAX)
            e = e * 10 + (s.p[i] - '0');
    exponent += minus ? -e : e;
    snprintf(text + n, sizeof text - n, "%se%lld", digits == 0 ? "0" : "", (long long)exponent);
    return strtod(text, NULL); /* the process stays in the C locale */
}

/*
 * The double nearest to a spelling. Up to 15 digits and a power of ten up to 22 are exact in one
 * operation.
 */
double number_double(rac_str s)
{
    static const double pow10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    bool neg = s.n > 0 && s.p[0] == '-', point = false;
    size_t i = neg, digits = 0;
    uint64_t u = 0;
    unsigned decimals = 0;
    for (; i < s.n && digits <= 15 && (rac_is_digit(s.p[i]) || s.p[i] == '.'); i++) {
        if (s.p[i] == '.') {
            point = true;
            continue;
        }
        u = u * 10 + (uint64_t)(s.p[i] - '0');
        decimals += point;
        digits++;
    }
    if (i < s.n || digits > 15)
        return double_slow(s);
    double d = (double)u / pow10[decimals];
    return neg ? -d : d;
}

/* --- decimals ------------------------------------------------------------------------------ */

/*
 * A decimal spelling as sign, digits without leading or trailing zeros, and the power of ten of
 * the last digit. Two numbers are equal exactly when these are.
 */
struct decimal {
    bool neg;
    char digits[64];
    size_t n;
    int64_t exponent;
    bool exact; /* false: too many digits to keep */
};

static void decimal_of(rac_str s, struct decimal *d)
{
    size_t i = 0, zeros = 0;
    bool point = false;
    int64_t exponent = 0;
    *d = (struct decimal){.exact = true};
    if (s.n > 0 && s.p[0] == '-') {
        d->neg = true;
        i = 1;
    }
    for (; i < s.n && (rac_is_digit(s.p[i]) || s.p[i] == '.'); i++) {
        if (s.p[i] == '.') {
            point = true;
            continue;
        }
        exponent -= point;
        if (s.p[i] == '0') {
            zeros += d->n > 0;
            continue;
        }
        for (; zeros > 0 && d->n < sizeof d->digits; zeros--)
            d->digits[d->n++] = '0';
        if (d->n == sizeof d->digits) {
            d->exact = false;
            return;
        }
        d->digits[d->n++] = s.p[i];
    }
    if (i + 1 < s.n) { /* the exponent */
        int64_t e = 0;
        bool minus = s.p[i + 1] == '-';
        for (i += s.p[i + 1] == '-' || s.p[i + 1] == '+' ? 2 : 1; i < s.n; i++)
            if (e < INT32_MAX)
                e = e * 10 + (s.p[i] - '0');
        exponent += minus ? -e : e;
    }
    d->exponent = d->n == 0 ? 0 : exponent + (int64_t)zeros;
    d->neg = d->neg && d->n > 0;
}

/* The decimal of a number; text is room for what has no spelling. */
static void decimal_of_value(const struct rac_json *v, char text[40], struct decimal *d)
{
    rac_str s = {v->s, v->n};
    if (v->type == RAC_JSON_INT)
        s = (rac_str){text, (size_t)snprintf(text, 40, "%lld", (long long)v->i)};
    else if (v->type == RAC_JSON_DOUBLE)
        s = (rac_str){text, (size_t)snprintf(text, 40, "%.17g", v->d)};
    decimal_of(s, d);
}

static int cmp_doubles(double x, double y)
{
    return x < y ? -1 : x > y;
}

/* Without their signs. */
static int cmp_decimals(const struct decimal *x, const struct decimal *y)
{
    int64_t ex = x->exponent + (int64_t)x->n, ey = y->exponent + (int64_t)y->n;
    if (x->n == 0 || y->n == 0)
        return (x->n > 0) - (y->n > 0);
    if (ex != ey)
        return ex < ey ? -1 : 1;
    int c = memcmp(x->digits, y->digits, x->n < y->n ? x->n : y->n);
    return c != 0 ? c : (x->n > y->n) - (x->n < y->n);
}

int number_cmp(const struct rac_json *x, const struct rac_json *y)
{
    if (x->type == RAC_JSON_INT && y->type == RAC_JSON_INT)
        return x->i < y->i ? -1 : x->i > y->i;
    if (x->type == RAC_JSON_DOUBLE || y->type == RAC_JSON_DOUBLE)
        return cmp_doubles(rac_json_double(x, 0), rac_json_double(y, 0));
    char tx[40], ty[40];
    struct decimal dx, dy;
    decimal_of_value(x, tx, &dx);
    decimal_of_value(y, ty, &dy);
    if (!dx.exact || !dy.exact)
        return cmp_doubles(rac_json_double(x, 0), rac_json_double(y, 0));
    if (dx.neg != dy.neg)
        return dx.neg ? -1 : 1;
    int c = cmp_decimals(&dx, &dy);
    return dx.neg ? -c : c;
}

bool number_is_whole(const struct rac_json *v)
{
    char text[40];
    struct decimal d;
    if (v->type == RAC_JSON_INT)
        return true;
    if (v->type == RAC_JSON_DOUBLE)
        return isfinite(v->d) && v->d == floor(v->d);
    decimal_of_value(v, text, &d);
    if (!d.exact)
        return rac_json_double(v, 0.5) == floor(rac_json_double(v, 0.5));
    return d.exponent >= 0;
}

static uint64_t digits_value(const struct decimal *d)
{
    uint64_t u = 0;
    for (size_t i = 0; i < d->n; i++)
        u = u * 10 + (uint64_t)(d->digits[i] - '0');
    return u;
}

static uint64_t power_mod(uint64_t power, uint64_t mod)
{
    unsigned __int128 base = 10 % mod, r = 1 % mod;
    for (; power > 0; power >>= 1) {
        if ((power & 1) != 0)
            r = r * base % mod;
        base = base * base % mod;
    }
    return (uint64_t)r;
}

bool number_is_multiple(const struct rac_json *x, const struct rac_json *y)
{
    char tx[40], ty[40];
    struct decimal dx, dy;
    decimal_of_value(x, tx, &dx);
    decimal_of_value(y, ty, &dy);
    if (dy.n == 0)
        return false;
    if (!dx.exact || !dy.exact || dx.n > 18 || dy.n > 18) {
        double r = rac_json_double(x, 0) / rac_json_double(y, 1);
        return isfinite(r) && r == floor(r);
    }
    if (dx.n == 0)
        return true;
    uint64_t a = digits_value(&dx), b = digits_value(&dy);
    int64_t shift = dx.exponent - dy.exponent;
    if (shift >= 0) /* a * 10^shift / b */
        return (unsigned __int128)(a % b) * power_mod((uint64_t)shift, b) % b == 0;
    unsigned __int128 divisor = b;
    for (; shift < 0 && divisor <= a; shift++)
        divisor *= 10;
    return shift == 0 && a % (uint64_t)divisor == 0 && divisor <= a;
}
