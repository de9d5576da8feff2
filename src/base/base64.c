#include "base/base64.h"
#include "base/str.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t encode(const char *alphabet, bool pad, rac_str in, char *out)
{
    const unsigned char *p = (const unsigned char *)in.p;
    char *w = out;
    size_t i = 0;
    for (; i + 3 <= in.n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (uint32_t)p[i + 1] << 8 | p[i + 2];
        *w++ = alphabet[v >> 18];
        *w++ = alphabet[v >> 12 & 63];
        *w++ = alphabet[v >> 6 & 63];
        *w++ = alphabet[v & 63];
    }
    size_t left = in.n - i;
    if (left > 0) {
        uint32_t v = (uint32_t)p[i] << 16 | (left == 2 ? (uint32_t)p[i + 1] << 8 : 0);
        *w++ = alphabet[v >> 18];
        *w++ = alphabet[v >> 12 & 63];
        if (left == 2)
            *w++ = alphabet[v >> 6 & 63];
        else if (pad)
            *w++ = '=';
        if (pad)
            *w++ = '=';
    }
    return (size_t)(w - out);
}

static size_t encoded_max(size_t n)
{
    RAC_ASSERT(n < SIZE_MAX / 2);
    return (n + 2) / 3 * 4;
}

rac_str rac_base64_encode(struct rac_arena *a, rac_str bytes)
{
    char *p = rac_arena_alloc_dirty(a, encoded_max(bytes.n) + 1);
    size_t n = encode(standard, true, bytes, p);
    p[n] = '\0';
    return (rac_str){p, n};
}

rac_str rac_base64url_encode(struct rac_arena *a, rac_str bytes)
{
    char *p = rac_arena_alloc_dirty(a, encoded_max(bytes.n) + 1);
    size_t n = encode(url_safe, false, bytes, p);
    p[n] = '\0';
    return (rac_str){p, n};
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (rac_is_digit(c))
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static bool decode(struct rac_arena *a, rac_str text, bool stray_bits, rac_str *out)
{
    char *p = rac_arena_alloc_dirty(a, text.n / 4 * 3 + 4), *w = p;
    uint32_t bits = 0;
    unsigned have = 0, symbols = 0, pads = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (rac_is_space(c))
            continue;
        if (c == '=') {
            pads++;
            continue;
        }
        int v = value_of(c);
        if (v < 0 || pads > 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        symbols++;
        if (have >= 8) {
            have -= 8;
            *w++ = (char)(bits >> have & 0xff);
        }
    }
    if (symbols % 4 == 1 || (pads > 0 && (symbols + pads) % 4 != 0) || pads > 2 ||
        (!stray_bits && (bits & ((1u << have) - 1)) != 0))
        return false;
    *w = '\0';
    *out = (rac_str){p, (size_t)(w - p)};
    return true;
}

bool rac_base64_decode(struct rac_arena *a, rac_str text, rac_str *out)
{
    return decode(a, text, false, out);
}

bool rac_base64_decode_lax(struct rac_arena *a, rac_str text, rac_str *out)
{
    return decode(a, text, true, out);
}
