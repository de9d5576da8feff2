/*
 * Intermediate results need up to 192 bits: they are held in eight 32-bit limbs. Speed is of no
 * matter here; decimals are rare, exactness is the point.
 */
#include "base/dec.h"
#include "base/str.h"

typedef unsigned __int128 u128;

enum { LIMBS = 8, SCALE_MAX = 28 };

struct wide {
    uint32_t v[LIMBS]; /* least significant first */
};

static const u128 COEFFICIENT_END = (u128)1 << 96;

static struct wide wide_of(u128 c)
{
    struct wide w = {{0}};
    for (int i = 0; i < 4; i++, c >>= 32)
        w.v[i] = (uint32_t)c;
    return w;
}

static bool fits(const struct wide *w)
{
    for (int i = 3; i < LIMBS; i++)
        if (w->v[i] != 0)
            return false;
    return true;
}

static u128 narrow(const struct wide *w)
{
    return (u128)w->v[2] << 64 | (u128)w->v[1] << 32 | w->v[0];
}

static void mul_small(struct wide *w, uint32_t by)
{
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)w->v[i] * by;
        w->v[i] = (uint32_t)carry;
        carry >>= 32;
    }
    RAC_ASSERT(carry == 0);
}

static uint32_t div_small(struct wide *w, uint32_t by) /* remainder */
{
    uint64_t rest = 0;
    for (int i = LIMBS - 1; i >= 0; i--) {
        rest = rest << 32 | w->v[i];
        w->v[i] = (uint32_t)(rest / by);
        rest %= by;
    }
    return (uint32_t)rest;
}

static int wide_cmp(const struct wide *x, const struct wide *y)
{
    for (int i = LIMBS - 1; i >= 0; i--)
        if (x->v[i] != y->v[i])
            return x->v[i] < y->v[i] ? -1 : 1;
    return 0;
}

static void wide_add(struct wide *x, const struct wide *y)
{
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)x->v[i] + y->v[i];
        x->v[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static void wide_sub(struct wide *x, const struct wide *y) /* x >= y */
{
    int64_t borrow = 0;
    for (int i = 0; i < LIMBS; i++) {
        int64_t d = (int64_t)x->v[i] - y->v[i] + borrow;
        x->v[i] = (uint32_t)d;
        borrow = d < 0 ? -1 : 0;
    }
}

/* Brings w / 10^scale into range: scale at most 28, coefficient below 2^96; half to even. */
static rac_err settle(struct wide w, int scale, bool neg, struct rac_dec *out)
{
    uint32_t last = 0;
    bool below = false; /* digits dropped before the last one were not all zero */
    while (scale > SCALE_MAX || (!fits(&w) && scale > 0)) {
        below |= last != 0;
        last = div_small(&w, 10);
        scale--;
    }
    if (last > 5 || (last == 5 && (below || (w.v[0] & 1)))) {
        struct wide one = wide_of(1);
        wide_add(&w, &one);
        if (!fits(&w) && scale > 0) {
            last = div_small(&w, 10);
            scale--;
            if (last > 5 || (last == 5 && (w.v[0] & 1)))
                wide_add(&w, &one);
        }
    }
    if (!fits(&w))
        return RAC_E_LIMIT;
    *out = (struct rac_dec){.c = narrow(&w), .scale = (uint8_t)scale, .neg = neg};
    return RAC_OK;
}

static struct wide scaled(struct rac_dec d, int to)
{
    struct wide w = wide_of(d.c);
    for (int i = d.scale; i < to; i++)
        mul_small(&w, 10);
    return w;
}

bool rac_dec_is_zero(struct rac_dec d)
{
    return d.c == 0;
}

bool rac_dec_parse(rac_str s, struct rac_dec *out)
{
    bool neg = s.n > 0 && s.p[0] == '-', point = false, any = false, below = false;
    u128 c = 0;
    int scale = 0, dropped = -1;
    for (size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'); i < s.n; i++) {
        char ch = s.p[i];
        if (ch == '.' && !point) {
            point = true;
            continue;
        }
        if (!rac_is_digit(ch))
            return false;
        any = true;
        u128 next = c * 10 + (unsigned)(ch - '0');
        if (dropped < 0 && next < COEFFICIENT_END && scale < SCALE_MAX) {
            c = next;
            scale += point;
        } else if (!point) {
            return false; /* an integer part beyond 96 bits */
        } else if (dropped < 0) {
            dropped = ch - '0';
        } else {
            below |= ch != '0';
        }
    }
    if (dropped > 5 || (dropped == 5 && (below || (c & 1)))) {
        struct wide w = wide_of(c), one = wide_of(1);
        wide_add(&w, &one);
        return any && settle(w, scale, neg, out) == RAC_OK;
    }
    *out = (struct rac_dec){.c = c, .scale = (uint8_t)scale, .neg = neg};
    return any;
}

size_t rac_dec_print(struct rac_dec d, char out[RAC_DEC_TEXT])
{
    char digits[32];
    int n = 0;
    do {
        digits[n++] = (char)('0' + (int)(d.c % 10));
        d.c /= 10;
    } while (d.c != 0 || n <= d.scale);
    size_t w = 0;
    bool zero = true;
    for (int i = 0; i < n; i++)
        zero &= digits[i] == '0';
    if (d.neg && !zero)
        out[w++] = '-';
    while (n > 0) {
        out[w++] = digits[--n];
        if (n == d.scale && n > 0)
            out[w++] = '.';
    }
    out[w] = '\0';
    return w;
}

struct rac_dec rac_dec_of_int(int64_t i)
{
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    return (struct rac_dec){.c = u, .neg = i < 0};
}

bool rac_dec_of_double(double x, struct rac_dec *out)
{
    char text[64];
    int n = snprintf(text, sizeof text, "%.14e", x);
    rac_str exponent, mantissa = rac_str_cut((rac_str){text, (size_t)n}, 'e', &exponent);
    int64_t e;
    if (exponent.p == NULL ||
        !rac_str_to_i64(exponent.p[0] == '+' ? rac_str_from(exponent, 1) : exponent, &e) || e > 28)
        return false;
    struct rac_dec d;
    if (!rac_dec_parse(mantissa, &d)) /* d.ddd with 14 fraction digits */
        return false;
    while (d.scale > 0 && d.c % 10 == 0) {
        d.c /= 10;
        d.scale--;
    }
    struct wide w = wide_of(d.c);
    int scale = d.scale - (int)e;
    for (; scale < 0; scale++)
        mul_small(&w, 10);
    if (scale > 60) { /* far below the smallest decimal */
        *out = (struct rac_dec){.neg = d.neg};
        return true;
    }
    return settle(w, scale, d.neg, out) == RAC_OK;
}

double rac_dec_to_double(struct rac_dec d)
{
    char text[RAC_DEC_TEXT];
    size_t n = rac_dec_print(d, text);
    double x = 0;
    (void)rac_str_to_double((rac_str){text, n}, &x);
    return x;
}

bool rac_dec_to_int(struct rac_dec d, int64_t *out)
{
    for (; d.scale > 0; d.scale--) {
        if (d.c % 10 != 0)
            return false;
        d.c /= 10;
    }
    if (d.c > (u128)INT64_MAX + d.neg)
        return false;
    *out = d.neg ? (int64_t)(0 - (uint64_t)d.c) : (int64_t)d.c;
    return true;
}

rac_err rac_dec_add(struct rac_dec x, struct rac_dec y, struct rac_dec *out)
{
    int scale = x.scale > y.scale ? x.scale : y.scale;
    struct wide a = scaled(x, scale), b = scaled(y, scale);
    if (x.neg == y.neg) {
        wide_add(&a, &b);
        return settle(a, scale, x.neg, out);
    }
    if (wide_cmp(&a, &b) >= 0) {
        wide_sub(&a, &b);
        return settle(a, scale, x.neg, out);
    }
    wide_sub(&b, &a);
    return settle(b, scale, y.neg, out);
}

rac_err rac_dec_sub(struct rac_dec x, struct rac_dec y, struct rac_dec *out)
{
    y.neg = !y.neg;
    return rac_dec_add(x, y, out);
}

rac_err rac_dec_mul(struct rac_dec x, struct rac_dec y, struct rac_dec *out)
{
    struct wide a = wide_of(x.c), b = wide_of(y.c), w = {{0}};
    for (int i = 0; i < 3; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 4; j++) {
            carry += (uint64_t)a.v[i] * b.v[j] + w.v[i + j];
            w.v[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    return settle(w, x.scale + y.scale, x.neg != y.neg, out);
}

rac_err rac_dec_div(struct rac_dec x, struct rac_dec y, struct rac_dec *out)
{
    if (y.c == 0)
        return RAC_E_INVALID;
    u128 q = x.c / y.c, r = x.c % y.c;
    int scale = x.scale - y.scale;
    while (r != 0 && scale < SCALE_MAX) {
        u128 digit = r * 10 / y.c; /* r < 2^96: no overflow */
        if (q * 10 + digit >= COEFFICIENT_END)
            break;
        q = q * 10 + digit;
        r = r * 10 % y.c;
        scale++;
    }
    if (scale < 0 && r != 0) /* no room for the digits in front of the point */
        return RAC_E_LIMIT;
    struct wide w = wide_of(q);
    if (r * 2 > y.c || (r * 2 == y.c && (q & 1))) {
        struct wide one = wide_of(1);
        wide_add(&w, &one);
    }
    for (; scale < 0; scale++) {
        mul_small(&w, 10);
        if (!fits(&w))
            return RAC_E_LIMIT;
    }
    return settle(w, scale, x.neg != y.neg, out);
}

rac_err rac_dec_mod(struct rac_dec x, struct rac_dec y, struct rac_dec *out)
{
    if (y.c == 0)
        return RAC_E_INVALID;
    int scale = x.scale > y.scale ? x.scale : y.scale;
    struct wide a = scaled(x, scale), b = scaled(y, scale), rest = {{0}};
    if (wide_cmp(&a, &b) < 0) { /* as it is, scale and all */
        *out = x;
        return RAC_OK;
    }
    for (int bit = LIMBS * 32 - 1; bit >= 0; bit--) { /* schoolbook, one bit at a time */
        wide_add(&rest, &rest);
        rest.v[0] |= a.v[bit / 32] >> (bit % 32) & 1;
        if (wide_cmp(&rest, &b) >= 0)
            wide_sub(&rest, &b);
    }
    return settle(rest, scale, x.neg, out);
}

int rac_dec_cmp(struct rac_dec x, struct rac_dec y)
{
    if (x.c == 0 && y.c == 0)
        return 0;
    if (x.neg != y.neg)
        return x.c == 0 ? (y.neg ? 1 : -1) : y.c == 0 ? (x.neg ? -1 : 1) : x.neg ? -1 : 1;
    int scale = x.scale > y.scale ? x.scale : y.scale;
    struct wide a = scaled(x, scale), b = scaled(y, scale);
    int c = wide_cmp(&a, &b);
    return x.neg ? -c : c;
}
