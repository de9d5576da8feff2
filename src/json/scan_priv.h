/*
 * scan - the byte loops of the parser and the printer, 16 bytes a step where the machine can.
 * Private to json/. Never reads outside [p, end).
 */
#ifndef RAC_JSON_SCAN_PRIV_H
#define RAC_JSON_SCAN_PRIV_H

#include "base/base.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* A byte that ends the plain part of a string: quote, backslash, control or non-ASCII. */
static inline bool scan_is_special(char c)
{
    return (signed char)c < 0x20 || c == '"' || c == '\\';
}

static inline bool scan_is_ws(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

#ifndef __SSE2__
static inline uint64_t scan_load8(const char *p)
{
    uint64_t x;
    memcpy(&x, p, 8);
    return x;
}
/* High bit set in every byte of x that is special; bytes above a hit may be wrong, so callers only
 * use it to ask whether there is one. */
static inline bool scan_special8(uint64_t x)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t q = x ^ (ones * '"'), b = x ^ (ones * '\\');
    return (((x - ones * 0x20) | (q - ones) | (b - ones) | x) & high) != 0;
}
#endif

/* First special byte of [p, end), or end. */
static inline const char *scan_string(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    const __m128i low = _mm_set1_epi8(0x20);
    while (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)p);
        /* signed: below 0x20 is a control character or a byte of 0x80 and above */
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, slash)),
                                   _mm_cmplt_epi8(x, low));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask != 0)
            return p + __builtin_ctz(mask);
        p += 16;
    }
#else
    while (end - p >= 8 && !scan_special8(scan_load8(p)))
        p += 8;
#endif
    while (p < end && !scan_is_special(*p))
        p++;
    return p;
}

/* First byte of [p, end) that is not JSON white space, or end. */
static inline const char *scan_space(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i sp = _mm_set1_epi8(' '), nl = _mm_set1_epi8('\n');
    const __m128i cr = _mm_set1_epi8('\r'), tab = _mm_set1_epi8('\t');
    while (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)p);
        __m128i ws = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, sp), _mm_cmpeq_epi8(x, nl)),
                                  _mm_or_si128(_mm_cmpeq_epi8(x, cr), _mm_cmpeq_epi8(x, tab)));
        unsigned mask = (unsigned)_mm_movemask_epi8(ws) ^ 0xffffu;
        if (mask != 0)
            return p + __builtin_ctz(mask);
        p += 16;
    }
#endif
    while (p < end && scan_is_ws(*p))
        p++;
    return p;
}

/*
 * Bytes of the well-formed UTF-8 sequence at p (Unicode table 3-7), or 0 when it is ill-formed;
 * then *bad is how many bytes one U+FFFD stands for.
 */
static inline unsigned scan_utf8(const char *s, const char *end, unsigned *bad)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t left = (size_t)(end - s);
    unsigned c = p[0], low = 0x80, high = 0xbf, n;
    *bad = 1;
    if (c < 0x80)
        return 1;
    if (c < 0xc2 || c > 0xf4)
        return 0;
    n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (left < 2 || p[1] < low || p[1] > high)
        return 0;
    for (unsigned i = 2; i < n; i++) {
        *bad = i;
        if (left <= i || (p[i] & 0xc0) != 0x80)
            return 0;
    }
    return n;
}

#endif
