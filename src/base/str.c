#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <sys/auxv.h>

bool rac_str_eqi(rac_str a, rac_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (a.p[i] != b.p[i] && rac_lower(a.p[i]) != rac_lower(b.p[i]))
            return false;
    return true;
}

int rac_str_cmp(rac_str a, rac_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n > 0 ? memcmp(a.p, b.p, n) : 0;
    return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

bool rac_str_starts(rac_str s, rac_str prefix)
{
    return s.n >= prefix.n && rac_str_eq((rac_str){s.p, prefix.n}, prefix);
}

bool rac_str_startsi(rac_str s, rac_str prefix)
{
    return s.n >= prefix.n && rac_str_eqi((rac_str){s.p, prefix.n}, prefix);
}

bool rac_str_ends(rac_str s, rac_str suffix)
{
    return s.n >= suffix.n && rac_str_eq(rac_str_from(s, s.n - suffix.n), suffix);
}

bool rac_str_endsi(rac_str s, rac_str suffix)
{
    return s.n >= suffix.n && rac_str_eqi(rac_str_from(s, s.n - suffix.n), suffix);
}

size_t rac_str_find(rac_str s, rac_str what)
{
    if (what.n == 0)
        return 0;
    if (s.n < what.n)
        return RAC_STR_NPOS;
    const char *at = memmem(s.p, s.n, what.p, what.n);
    return at ? (size_t)(at - s.p) : RAC_STR_NPOS;
}

size_t rac_str_findi(rac_str s, rac_str what)
{
    char first = what.n > 0 ? rac_lower(what.p[0]) : 0;
    for (size_t i = 0; i + what.n <= s.n; i++)
        if ((what.n == 0 || rac_lower(s.p[i]) == first) &&
            rac_str_eqi((rac_str){s.p + i, what.n}, what))
            return i;
    return RAC_STR_NPOS;
}

size_t rac_str_find_char(rac_str s, char c)
{
    const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : RAC_STR_NPOS;
}

size_t rac_str_rfind_char(rac_str s, char c)
{
    const char *at = s.n > 0 ? memrchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : RAC_STR_NPOS;
}

rac_str rac_str_trim(rac_str s)
{
    while (s.n > 0 && rac_is_space(s.p[0]))
        s.p++, s.n--;
    while (s.n > 0 && rac_is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

rac_str rac_str_cut(rac_str s, char sep, rac_str *rest)
{
    size_t i = rac_str_find_char(s, sep);
    if (i == RAC_STR_NPOS) {
        *rest = RAC_STR_NULL;
        return s;
    }
    *rest = (rac_str){s.p + i + 1, s.n - i - 1};
    return (rac_str){s.p, i};
}

/* Keyed with bytes the kernel gives each process, so that nobody can send names that all collide. */
static uint64_t hash_seed;

__attribute__((constructor)) static void hash_seed_init(void)
{
    const void *bytes = (const void *)getauxval(AT_RANDOM);
    if (bytes != NULL)
        memcpy(&hash_seed, bytes, sizeof hash_seed);
}

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t rac_str_hash(rac_str s)
{
    const char *p = s.p;
    size_t n = s.n;
    uint64_t h = hash_seed ^ (n * 0x9e3779b97f4a7c15u), x;
    for (; n > 8; n -= 8, p += 8) {
        memcpy(&x, p, 8);
        h = hash_mix(h ^ x, 0xe7037ed1a0b428dbu);
    }
    x = 0;
    if (n > 0)
        memcpy(&x, p, n);
    return hash_mix(h ^ x, 0x8ebc6af09c88c6e3u);
}

bool rac_str_to_u64(rac_str s, uint64_t *out)
{
    if (s.n == 0)
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!rac_is_digit(s.p[i]) || __builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return false;
    }
    *out = v;
    return true;
}

bool rac_str_to_i64(rac_str s, int64_t *out)
{
    bool neg = s.n > 0 && s.p[0] == '-';
    uint64_t v;
    if (!rac_str_to_u64(rac_str_from(s, neg ? 1 : 0), &v) ||
        v > (uint64_t)INT64_MAX + (neg ? 1 : 0))
        return false;
    *out = neg ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

bool rac_str_is_uuid(rac_str s)
{
    if (s.n != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.p[i] != '-' : rac_hex_value(s.p[i]) < 0)
            return false;
    }
    return true;
}

bool rac_str_to_double(rac_str s, double *out)
{
    char small[64];
    if (s.n == 0 || s.n >= sizeof small)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!rac_is_digit(c) && c != '+' && c != '-' && c != '.' && c != 'e' && c != 'E')
            return false;
    }
    memcpy(small, s.p, s.n);
    small[s.n] = '\0';
    char *end;
    *out = strtod(small, &end); /* the process stays in the C locale */
    return end == small + s.n;
}

static rac_str mapped(struct rac_arena *a, rac_str s, char from, char to, int by)
{
    char *p = rac_arena_alloc_dirty(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        p[i] = s.p[i] >= from && s.p[i] <= to ? (char)(s.p[i] + by) : s.p[i];
    p[s.n] = '\0';
    return (rac_str){p, s.n};
}

rac_str rac_str_lower(struct rac_arena *a, rac_str s)
{
    return mapped(a, s, 'A', 'Z', 32);
}

rac_str rac_str_upper(struct rac_arena *a, rac_str s)
{
    return mapped(a, s, 'a', 'z', -32);
}

rac_str rac_str_concat(struct rac_arena *a, rac_str x, rac_str y)
{
    char *p = rac_arena_alloc_dirty(a, x.n + y.n + 1);
    if (x.n > 0)
        memcpy(p, x.p, x.n);
    if (y.n > 0)
        memcpy(p + x.n, y.p, y.n);
    p[x.n + y.n] = '\0';
    return (rac_str){p, x.n + y.n};
}

rac_str rac_str_replace(struct rac_arena *a, rac_str s, rac_str what, rac_str with)
{
    size_t hits = 0;
    for (rac_str at = s; what.n > 0;) {
        size_t i = rac_str_find(at, what);
        if (i == RAC_STR_NPOS)
            break;
        hits++;
        at = rac_str_from(at, i + what.n);
    }
    if (hits == 0)
        return s;
    size_t grown, n;
    char *p = NULL, *w;
    if (rac_size_mul(hits, with.n, &grown) && rac_size_add(s.n - hits * what.n + 1, grown, &n))
        p = rac_arena_try(a, n);
    else
        a->over = true;
    if (p == NULL) /* the arena is over: the caller sees that */
        return s;
    w = p;
    n--;
    for (;;) {
        size_t i = rac_str_find(s, what);
        size_t keep = i == RAC_STR_NPOS ? s.n : i;
        if (keep > 0)
            memcpy(w, s.p, keep);
        w += keep;
        if (i == RAC_STR_NPOS)
            break;
        if (with.n > 0)
            memcpy(w, with.p, with.n);
        w += with.n;
        s = rac_str_from(s, i + what.n);
    }
    *w = '\0';
    return (rac_str){p, n};
}

unsigned rac_str_distance(rac_str a, rac_str b)
{
    enum { MAX = 64 };
    if (a.n > MAX || b.n > MAX)
        return UINT_MAX;
    unsigned row[MAX + 1];
    for (unsigned j = 0; j <= b.n; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.n; i++) {
        unsigned diag = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.n; j++) {
            unsigned best = diag + (a.p[i - 1] != b.p[j - 1]);
            diag = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.n];
}
