/*
 * Strings are UTF-8 but the language counts UTF-16 units. Text that is plain ASCII, nearly all of
 * it, takes the short way everywhere. A lone half of a pair is held in three bytes (WTF-8); two
 * halves that meet become one character again.
 */
#include "base/utf8.h"
#include "expr/expr_priv.h"

#include <unicode/uchar.h>

bool is_white(uint32_t cp)
{
    return (cp >= 9 && cp <= 13) || cp == 0x20 || cp == 0x85 || cp == 0xa0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 || cp == 0x202f ||
           cp == 0x205f || cp == 0x3000;
}

rac_str trim_white(rac_str s)
{
    uint32_t cp;
    while (s.n > 0) {
        size_t n = rac_utf8_decode(s.p, s.n, &cp);
        if (n == 0 || !is_white(cp))
            break;
        s = rac_str_from(s, n);
    }
    while (s.n > 0) {
        size_t at = s.n - 1;
        while (at > 0 && ((unsigned char)s.p[at] & 0xc0) == 0x80)
            at--;
        if (rac_utf8_decode(s.p + at, s.n - at, &cp) != s.n - at || !is_white(cp))
            break;
        s.n = at;
    }
    return s;
}

bool is_ascii(rac_str s)
{
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        uint64_t w;
        memcpy(&w, s.p + i, 8);
        if (w & 0x8080808080808080u)
            return false;
    }
    for (; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

/* One character, or one lone half: its bytes and its units. */
static size_t step(const char *p, size_t n, uint32_t *cp)
{
    unsigned char c = (unsigned char)p[0];
    if (c < 0x80) {
        *cp = c;
        return 1;
    }
    size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;
    if (len > n || len == 1) {
        *cp = 0xfffd;
        return 1;
    }
    uint32_t v = c & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++)
        v = v << 6 | ((unsigned char)p[i] & 0x3f);
    *cp = v;
    return len;
}

size_t u16_length(rac_str s)
{
    if (is_ascii(s))
        return s.n;
    size_t units = 0;
    uint32_t cp;
    for (size_t i = 0; i < s.n; units += cp >= 0x10000 ? 2 : 1)
        i += step(s.p + i, s.n - i, &cp);
    return units;
}

static size_t put_unit(char *p, uint16_t u)
{
    p[0] = (char)(0xe0 | u >> 12);
    p[1] = (char)(0x80 | (u >> 6 & 0x3f));
    p[2] = (char)(0x80 | (u & 0x3f));
    return 3;
}

rac_str u16_slice(struct rac_arena *a, rac_str s, size_t from, size_t n)
{
    if (is_ascii(s))
        return rac_str_sub(s, from, n);
    size_t unit = 0, i = 0;
    uint32_t cp = 0;
    while (i < s.n && unit < from) {
        i += step(s.p + i, s.n - i, &cp);
        unit += cp >= 0x10000 ? 2 : 1;
    }
    bool half_first = unit > from; /* from points into the middle of a pair */
    uint16_t low = (uint16_t)(0xdc00 | ((cp - 0x10000) & 0x3ff));
    size_t start = i, left = n - (half_first ? 1 : 0);
    if (n == 0)
        return RAC_S("");
    bool half_last = false;
    size_t end = i;
    while (end < s.n && left > 0) {
        size_t len = step(s.p + end, s.n - end, &cp);
        if (cp >= 0x10000 && left == 1) {
            half_last = true;
            break;
        }
        left -= cp >= 0x10000 ? 2 : 1;
        end += len;
    }
    if (!half_first && !half_last)
        return rac_str_sub(s, start, end - start);
    char *p = rac_arena_alloc_dirty(a, end - start + 8), *w = p;
    if (half_first)
        w += put_unit(w, low);
    memcpy(w, s.p + start, end - start);
    w += end - start;
    if (half_last)
        w += put_unit(w, (uint16_t)(0xd800 | ((cp - 0x10000) >> 10)));
    return (rac_str){p, (size_t)(w - p)};
}

uint16_t *u16_units(struct rac_arena *a, rac_str s, size_t *n)
{
    uint16_t *v = rac_arena_alloc_dirty(a, (s.n + 1) * sizeof *v);
    size_t units = 0;
    uint32_t cp;
    for (size_t i = 0; i < s.n;) {
        i += step(s.p + i, s.n - i, &cp);
        if (cp >= 0x10000) {
            v[units++] = (uint16_t)(0xd800 | ((cp - 0x10000) >> 10));
            v[units++] = (uint16_t)(0xdc00 | ((cp - 0x10000) & 0x3ff));
        } else {
            v[units++] = (uint16_t)cp;
        }
    }
    *n = units;
    return v;
}

rac_str u16_text(struct rac_arena *a, const uint16_t *units, size_t n)
{
    char *p = rac_arena_alloc_dirty(a, n * 3 + 1), *w = p;
    for (size_t i = 0; i < n; i++) {
        uint16_t u = units[i];
        if ((u & 0xfc00) == 0xd800 && i + 1 < n && (units[i + 1] & 0xfc00) == 0xdc00)
            w += rac_utf8_encode(0x10000u + ((uint32_t)(u & 0x3ff) << 10) + (units[++i] & 0x3ffu),
                                 w);
        else if (u >= 0xd800 && u < 0xe000)
            w += put_unit(w, u);
        else
            w += rac_utf8_encode(u, w);
    }
    return (rac_str){p, (size_t)(w - p)};
}

uint16_t u16_fold(uint16_t unit)
{
    if (unit < 0x80)
        return unit >= 'a' && unit <= 'z' ? (uint16_t)(unit - 32) : unit;
    if (unit == 0x131 || unit == 0x130 || (unit >= 0xd800 && unit < 0xe000))
        return unit;
    UChar32 up = u_toupper(unit);
    return up <= 0xffff ? (uint16_t)up : unit;
}

bool equal_folded(rac_str x, rac_str y)
{
    if (is_ascii(x) || is_ascii(y))
        return rac_str_eqi(x, y);
    size_t i = 0, k = 0;
    while (i < x.n && k < y.n) {
        uint32_t cx, cy;
        i += step(x.p + i, x.n - i, &cx);
        k += step(y.p + k, y.n - k, &cy);
        if (cx != cy &&
            (cx > 0xffff || cy > 0xffff || u16_fold((uint16_t)cx) != u16_fold((uint16_t)cy)))
            return false;
    }
    return i == x.n && k == y.n;
}

int u16_compare(rac_str x, rac_str y)
{
    size_t i = 0, n = x.n < y.n ? x.n : y.n;
    while (i < n && x.p[i] == y.p[i])
        i++;
    if (i == n)
        return (x.n > y.n) - (x.n < y.n);
    while (i > 0 && ((unsigned char)x.p[i] & 0xc0) == 0x80)
        i--;
    uint32_t cx, cy; /* units sort a pair (0xD800..) below 0xE000..0xFFFF, unlike code points */
    step(x.p + i, x.n - i, &cx);
    step(y.p + i, y.n - i, &cy);
    uint32_t ux = cx >= 0x10000 ? 0xd800 + ((cx - 0x10000) >> 10) : cx;
    uint32_t uy = cy >= 0x10000 ? 0xd800 + ((cy - 0x10000) >> 10) : cy;
    return ux != uy ? (ux < uy ? -1 : 1) : cx < cy ? -1 : cx > cy;
}

static bool has_lone_half(rac_str s)
{
    for (size_t i = 0; i + 2 < s.n; i++)
        if ((unsigned char)s.p[i] == 0xed && (unsigned char)s.p[i + 1] >= 0xa0)
            return true;
    return false;
}

static rac_str mend_str(struct rac_arena *a, rac_str s)
{
    if (is_ascii(s) || !has_lone_half(s))
        return s;
    size_t n;
    const uint16_t *units = u16_units(a, s, &n); /* halves that met pair up here */
    char *p = rac_arena_alloc_dirty(a, n * 3 + 1), *w = p;
    for (size_t i = 0; i < n; i++) {
        if ((units[i] & 0xfc00) == 0xd800 && i + 1 < n && (units[i + 1] & 0xfc00) == 0xdc00) {
            w += rac_utf8_encode(
                0x10000u + ((uint32_t)(units[i] & 0x3ff) << 10) + (units[i + 1] & 0x3ffu), w);
            i++;
        } else {
            w += rac_utf8_encode(units[i] >= 0xd800 && units[i] < 0xe000 ? 0xfffd : units[i], w);
        }
    }
    return (rac_str){p, (size_t)(w - p)};
}

struct rac_json rac_expr_mend(struct rac_arena *a, struct rac_json v)
{
    if (v.type == RAC_JSON_STRING) {
        struct rac_json s = rac_json_of_str(mend_str(a, (rac_str){v.s, v.n}));
        s.pos = v.pos;
        return s;
    }
    for (size_t i = 0; i < rac_json_len(&v); i++) {
        struct rac_json *child =
            v.type == RAC_JSON_ARRAY ? rac_json_at(&v, i) : &rac_json_member_at(&v, i)->value;
        struct rac_json mended = rac_expr_mend(a, *child);
        if (mended.type == child->type && mended.i == child->i && mended.n == child->n)
            continue;
        /* Something inside changed: values may be shared, so this level is made anew. */
        bool array = v.type == RAC_JSON_ARRAY;
        struct rac_json made =
            array ? rac_json_new_array(a) : rac_json_new_object_n(a, rac_json_len(&v));
        for (size_t j = 0; j < rac_json_len(&v); j++) {
            const struct rac_json *old =
                array ? rac_json_at(&v, j) : &rac_json_member_at(&v, j)->value;
            struct rac_json x = j < i ? *old : j == i ? mended : rac_expr_mend(a, *old);
            if (array)
                rac_json_add(a, &made, x);
            else
                rac_json_add_new(a, &made, rac_json_key(rac_json_member_at(&v, j)), x);
        }
        made.pos = v.pos;
        return made;
    }
    return v;
}
