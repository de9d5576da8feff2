#include "connector/text_priv.h"

/* One bit per set for each byte that stays. */
static const uint8_t *keep_table(void)
{
    enum {
        C = 1 << RAC_PCT_COMPONENT,
        F = 1 << RAC_PCT_FORM,
        P = 1 << RAC_PCT_PATH,
        S = 1 << RAC_PCT_SEGMENTS
    };
    static const uint8_t t[256] = {
        ['0' ... '9'] = C | F | P | S,
        ['A' ... 'Z'] = C | F | P | S,
        ['a' ... 'z'] = C | F | P | S,
        ['-'] = C | F | P | S,
        ['_'] = C | F | P | S,
        ['.'] = C | F | P | S,
        ['*'] = C | F | P | S,
        ['!'] = C | P | S,
        ['~'] = C | P | S,
        ['\''] = C | P | S,
        ['('] = C | P | S,
        [')'] = C | P | S,
        ['/'] = P | S,
        [':'] = P,
        ['@'] = P,
        ['&'] = P,
        ['='] = P,
        ['+'] = P,
        ['$'] = P,
        [','] = P,
        [';'] = P,
        ['%'] = P,
        ['['] = P,
        [']'] = P,
    };
    return t;
}

void rac_cat_pct(struct rac_cat *c, rac_str s, enum rac_pct_set set)
{
    static const char hex[] = "0123456789ABCDEF";
    const uint8_t *keep = keep_table();
    uint8_t bit = (uint8_t)(1u << set);
    char *to = rac_cat_room(c, s.n);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        if (keep[ch] & bit) {
            *to++ = (char)ch;
            continue;
        }
        if (ch == ' ' && set == RAC_PCT_FORM) {
            *to++ = '+';
            continue;
        }
        c->n = (size_t)(to - c->p);
        to = rac_cat_room(c, 3 + (s.n - i));
        *to++ = '%';
        *to++ = hex[ch >> 4];
        *to++ = hex[ch & 15];
    }
    c->n = (size_t)(to - c->p);
}

rac_str rac_pct_encode(struct rac_arena *a, rac_str s, enum rac_pct_set set)
{
    const uint8_t *keep = keep_table();
    size_t i = 0;
    while (i < s.n && (keep[(unsigned char)s.p[i]] & (1u << set)))
        i++;
    if (i == s.n)
        return s;
    struct rac_cat c = rac_cat_new(a, s.n + 16);
    rac_cat_pct(&c, s, set);
    return rac_cat_str(&c);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = rac_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

rac_str rac_pct_decode(struct rac_arena *a, rac_str s, bool plus)
{
    if (rac_str_find_char(s, '%') == RAC_STR_NPOS &&
        (!plus || rac_str_find_char(s, '+') == RAC_STR_NPOS))
        return s;
    char *out = rac_arena_alloc_dirty(a, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int hi, lo;
        if (s.p[i] == '%' && i + 2 < s.n && (hi = hex_value(s.p[i + 1])) >= 0 &&
            (lo = hex_value(s.p[i + 2])) >= 0) {
            out[n++] = (char)(hi << 4 | lo);
            i += 2;
        } else {
            out[n++] = plus && s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    return (rac_str){out, n};
}

rac_str rac_value_text(struct rac_arena *a, const struct rac_json *v)
{
    if (v == NULL)
        return RAC_S("");
    switch (v->type) {
    case RAC_JSON_STRING:
    case RAC_JSON_NUMBER:
        return (rac_str){v->s, v->n};
    case RAC_JSON_BOOL:
        return v->b ? RAC_S("true") : RAC_S("false");
    case RAC_JSON_NONE:
    case RAC_JSON_NULL:
        return RAC_S("");
    default:
        return rac_json_print_str(v, 0, a);
    }
}
