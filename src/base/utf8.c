#include "base/utf8.h"
#include "base/str.h"

static bool continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

size_t rac_utf8_decode(const char *p, size_t n, uint32_t *cp)
{
    if (n == 0)
        return 0;
    unsigned char c = (unsigned char)p[0];
    if (c < 0x80) {
        *cp = c;
        return 1;
    }
    size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || n < len)
        return 0;
    uint32_t v = c & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if (!continuation(p[i]))
            return 0;
        v = v << 6 | ((unsigned char)p[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
        return 0;
    *cp = v;
    return len;
}

size_t rac_utf8_encode(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

size_t rac_utf8_check(rac_str s)
{
    size_t i = 0;
    while (i < s.n) {
        uint64_t w;
        if (i + 8 <= s.n) {
            memcpy(&w, s.p + i, 8);
            if ((w & 0x8080808080808080u) == 0) {
                i += 8;
                continue;
            }
        }
        uint32_t cp;
        size_t len = rac_utf8_decode(s.p + i, s.n - i, &cp);
        if (len == 0)
            return i;
        i += len;
    }
    return s.n;
}

size_t rac_utf8_count(rac_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += !continuation(s.p[i]);
    return n;
}

rac_str rac_utf8_mend(struct rac_arena *a, rac_str s)
{
    size_t good = rac_utf8_check(s);
    if (good == s.n)
        return s;
    size_t bad = 0;
    for (size_t i = good; i < s.n;) {
        size_t next = rac_utf8_check(rac_str_from(s, i));
        bad += i + next < s.n;
        i += next + 1;
    }
    char *p = rac_arena_alloc_dirty(a, s.n + 2 * bad + 1), *w = p;
    for (size_t i = 0; i < s.n;) {
        size_t keep = rac_utf8_check(rac_str_from(s, i));
        memcpy(w, s.p + i, keep);
        w += keep;
        i += keep;
        if (i < s.n) {
            w += rac_utf8_encode(0xfffd, w);
            i++;
        }
    }
    *w = '\0';
    return (rac_str){p, (size_t)(w - p)};
}

/* C0, DEL, C1; line and paragraph separators; embeddings, overrides and isolates. */
static bool breaks_a_line(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || (cp >= 0x2028 && cp <= 0x202e) ||
           (cp >= 0x2066 && cp <= 0x2069);
}

rac_str rac_utf8_line(struct rac_arena *a, rac_str s, size_t bytes_max)
{
    s = rac_str_trim(s);
    char *out = rac_arena_alloc_dirty(a, 3 * (s.n < bytes_max ? s.n : bytes_max) + 4);
    size_t n = 0;
    for (size_t i = 0; i < s.n && n < bytes_max;) {
        uint32_t cp;
        size_t len = rac_utf8_decode(s.p + i, s.n - i, &cp);
        i += len > 0 ? len : 1;
        if (len == 0)
            cp = 0xfffd;
        char c[4] = {' '};
        size_t w = breaks_a_line(cp) ? 1 : rac_utf8_encode(cp, c);
        if (n + w > bytes_max)
            break;
        memcpy(out + n, c, w);
        n += w;
    }
    out[n] = '\0';
    return rac_str_trim((rac_str){out, n});
}
