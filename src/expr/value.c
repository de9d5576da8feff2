/*
 * Values as text (§7), equal (§9), ordered, and the envelopes of binary content (§11).
 */
#include "base/base64.h"
#include "base/dec.h"
#include "base/format.h"
#include "expr/charset.h"
#include "expr/expr_priv.h"
#include "text/mime.h"

#include <float.h>
#include <math.h>

const char *rac_expr_type_name(const struct rac_json *v)
{
    switch (v->type) {
    case RAC_JSON_NULL:
        return "Null";
    case RAC_JSON_BOOL:
        return "Boolean";
    case RAC_JSON_INT:
        return "Integer";
    case RAC_JSON_NUMBER:
        return is_decimal(v) ? "Decimal" : "Float";
    case RAC_JSON_DOUBLE:
        return "Float";
    case RAC_JSON_STRING:
        return "String";
    case RAC_JSON_ARRAY:
        return "Array";
    default:
        return "Object";
    }
}

struct rac_json decimal_value(struct rac_arena *a, const char *text, size_t n)
{
    rac_str s = rac_arena_str(a, (rac_str){text, n});
    return (struct rac_json){
        .type = RAC_JSON_NUMBER, .flags = RAC_EXPR_DECIMAL, .n = (uint32_t)s.n, .s = s.p};
}

/* --- text ------------------------------------------------------------------------------------- */

/* Shortest digits that read back as d: "d.ddd" without trailing zeros, and the exponent. */
static int shortest_digits(double d, char digits[20], int *exponent)
{
    char text[40];
    int64_t m;
    unsigned places;
    if (d >= 1e-6 && rac_double_is_short(d, &m, &places)) {
        char room[RAC_I64_TEXT];
        rac_str s = rac_format_i64(room, m);
        *exponent = (int)s.n - 1 - (int)places;
        while (s.n > 1 && s.p[s.n - 1] == '0')
            s.n--;
        memcpy(digits, s.p, s.n);
        digits[s.n] = '\0';
        return (int)s.n;
    }
    for (int precision = d < DBL_MIN ? 0 : 14; precision <= 16; precision++) { /* d > 0 */
        snprintf(text, sizeof text, "%.*e", precision, d);
        if (precision == 16 || strtod(text, NULL) == d)
            break;
    }
    int n = 0;
    char *e = strchr(text, 'e');
    for (char *p = text; p < e; p++)
        if (rac_is_digit(*p))
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    *exponent = (int)strtol(e + 1, NULL, 10);
    return n;
}

size_t double_text(double d, bool in_json, char out[40])
{
    char digits[20];
    int e, w = 0;
    if (isnan(d))
        return (size_t)snprintf(out, 40, in_json ? "\"NaN\"" : "NaN");
    if (isinf(d))
        return (size_t)snprintf(out, 40, in_json ? "\"%sInfinity\"" : "%sInfinity",
                                d < 0 ? "-" : "");
    if (d == 0)
        return (size_t)snprintf(out, 40, "%s0%s", signbit(d) ? "-" : "", in_json ? ".0" : "");
    int n = shortest_digits(fabs(d), digits, &e);
    if (d < 0)
        out[w++] = '-';
    if (e >= 15 || e <= -6) {
        out[w++] = digits[0];
        if (n > 1)
            w += snprintf(out + w, (size_t)(40 - w), ".%s", digits + 1);
        w += snprintf(out + w, (size_t)(40 - w), "E%c%02d", e < 0 ? '-' : '+', e < 0 ? -e : e);
        return (size_t)w;
    }
    if (e < 0) {
        out[w++] = '0';
        out[w++] = '.';
        for (int i = -1; i > e; i--)
            out[w++] = '0';
    }
    for (int i = 0; i < n || i <= e; i++) {
        out[w++] = i < n ? digits[i] : '0';
        if (i == e && i + 1 < n)
            out[w++] = '.';
    }
    if (in_json && n <= e + 1)
        w += snprintf(out + w, (size_t)(40 - w), ".0");
    out[w] = '\0';
    return (size_t)w;
}

/* How a byte of a string is written: 0 as it is, 'u' by number, '?' if U+0085, U+2028 or U+2029 begins
 * with it, else after a backslash. */
static const char escapes[256] = {
    [0x00] = 'u', [0x01] = 'u', [0x02] = 'u', [0x03] = 'u',  [0x04] = 'u', [0x05] = 'u',
    [0x06] = 'u', [0x07] = 'u', ['\b'] = 'b', ['\t'] = 't',  ['\n'] = 'n', [0x0b] = 'u',
    ['\f'] = 'f', ['\r'] = 'r', [0x0e] = 'u', [0x0f] = 'u',  [0x10] = 'u', [0x11] = 'u',
    [0x12] = 'u', [0x13] = 'u', [0x14] = 'u', [0x15] = 'u',  [0x16] = 'u', [0x17] = 'u',
    [0x18] = 'u', [0x19] = 'u', [0x1a] = 'u', [0x1b] = 'u',  [0x1c] = 'u', [0x1d] = 'u',
    [0x1e] = 'u', [0x1f] = 'u', ['"'] = '"',  ['\\'] = '\\', [0xc2] = '?', [0xe2] = '?',
};

static unsigned separator_at(rac_str s, size_t i)
{
    if (i + 1 < s.n && memcmp(s.p + i, "\xc2\x85", 2) == 0)
        return 0x85;
    if (i + 2 < s.n && memcmp(s.p + i, "\xe2\x80", 2) == 0 &&
        ((unsigned char)s.p[i + 2] & 0xfe) == 0xa8)
        return 0x2000U + ((unsigned char)s.p[i + 2] & 0x3fU);
    return 0;
}

static void json_string(rac_str s, struct rac_buf *b)
{
    static const char hex[] = "0123456789abcdef";
    rac_buf_add_char(b, '"');
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        char how = escapes[c];
        if (how == 0)
            continue;
        unsigned code = how == '?' ? separator_at(s, i) : c;
        if (how == '?' && code == 0)
            continue;
        rac_buf_add(b, rac_str_sub(s, from, i - from));
        if (how == 'u' || how == '?')
            rac_buf_add(b, (rac_str){(char[]){'\\', 'u', hex[code >> 12], hex[code >> 8 & 15],
                                              hex[code >> 4 & 15], hex[code & 15]},
                                     6});
        else
            rac_buf_add(b, (rac_str){(char[]){'\\', how}, 2});
        i += code == 0x85 ? 1 : code >= 0x2000 ? 2 : 0;
        from = i + 1;
    }
    rac_buf_add(b, rac_str_from(s, from));
    rac_buf_add_char(b, '"');
}

enum { TEXT_BYTES_MAX = 104857600, VALUE_DEPTH_MAX = 4 * RAC_JSON_DEPTH_MAX };

static void json_text(const struct rac_json *v, unsigned depth, struct rac_buf *b)
{
    char num[40];
    if (depth > VALUE_DEPTH_MAX)
        b->err = RAC_E_LIMIT;
    if (rac_buf_err(b) != RAC_OK)
        return;
    switch (v->type) {
    case RAC_JSON_NULL:
        RAC_BUF_ADD_LIT(b, "null");
        break;
    case RAC_JSON_BOOL:
        rac_buf_add(b, v->b ? RAC_S("true") : RAC_S("false"));
        break;
    case RAC_JSON_INT:
        rac_buf_add(b, rac_format_i64(num, v->i));
        break;
    case RAC_JSON_NUMBER:
        if (is_decimal(v)) {
            rac_str s = {v->s, v->n};
            rac_buf_add(b, s);
            if (rac_str_find_char(s, '.') == RAC_STR_NPOS)
                RAC_BUF_ADD_LIT(b, ".0");
            break;
        }
        __attribute__((fallthrough));
    case RAC_JSON_DOUBLE:
        rac_buf_add(b, (rac_str){num, double_text(rac_json_double(v, 0), true, num)});
        break;
    case RAC_JSON_STRING:
        json_string((rac_str){v->s, v->n}, b);
        break;
    case RAC_JSON_ARRAY:
        rac_buf_add_char(b, '[');
        for (size_t i = 0; i < rac_json_len(v); i++) {
            if (i > 0)
                rac_buf_add_char(b, ',');
            json_text(rac_json_at(v, i), depth + 1, b);
        }
        rac_buf_add_char(b, ']');
        break;
    default:
        rac_buf_add_char(b, '{');
        for (size_t i = 0; i < rac_json_len(v); i++) {
            const struct rac_json_member *m = rac_json_member_at(v, i);
            if (i > 0)
                rac_buf_add_char(b, ',');
            json_string(rac_json_key(m), b);
            rac_buf_add_char(b, ':');
            json_text(&m->value, depth + 1, b);
        }
        rac_buf_add_char(b, '}');
    }
}

/* At most bytes_max of it; more marks the arena. */
static rac_str composite_text(const struct rac_json *v, struct rac_arena *a, size_t bytes_max)
{
    struct rac_buf b;
    size_t room = a->bytes_max > a->used_bytes ? a->bytes_max - a->used_bytes : 0;
    rac_buf_init(&b, room < bytes_max ? room : bytes_max);
    json_text(v, 0, &b);
    if (rac_buf_err(&b) != RAC_OK) { /* the evaluator asks, and ends with a limit */
        a->over = true;
        rac_buf_fini(&b);
        return RAC_S("");
    }
    rac_str s = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return s;
}

rac_str rac_expr_text(const struct rac_json *v, struct rac_arena *a)
{
    char num[40];
    switch (v->type) {
    case RAC_JSON_STRING:
        return (rac_str){v->s, v->n};
    case RAC_JSON_NULL:
        return RAC_S("");
    case RAC_JSON_BOOL:
        return v->b ? RAC_S("True") : RAC_S("False");
    case RAC_JSON_INT:
        return rac_arena_printf(a, "%lld", (long long)v->i);
    case RAC_JSON_NUMBER:
        if (is_decimal(v))
            return (rac_str){v->s, v->n};
        __attribute__((fallthrough));
    case RAC_JSON_DOUBLE: {
        size_t n = double_text(rac_json_double(v, 0), false, num);
        return rac_arena_str(a, (rac_str){num, n});
    }
    default:
        return is_envelope(v) ? envelope_text(v, a) : composite_text(v, a, TEXT_BYTES_MAX);
    }
}

static rac_str text_of_content(const struct rac_json *v, rac_str bytes, struct rac_arena *a);

bool text_of(struct call *c, const struct rac_json *v, rac_str *out)
{
    if (RAC_LIKELY(v->type == RAC_JSON_STRING)) {
        *out = str_of(v);
        return true;
    }
    if (v->type < RAC_JSON_ARRAY) {
        *out = rac_expr_text(v, c->a);
        return true;
    }
    if (is_envelope(v)) {
        rac_str bytes;
        if (!envelope_bytes(v, c->a, &bytes))
            return c->node->kind == NODE_CALL
                       ? fail_convert(c, v, "text: its content is not base64")
                       : fail(c, RAC_EXPR_CONVERT,
                              "Binary content cannot be converted to text: it is not base64.");
        *out = text_of_content(v, bytes, c->a);
        return charge(c, 1 + out->n / 64);
    }
    uint64_t left = c->run->limits.steps_max - c->run->steps; /* no more than can be paid for */
    *out = composite_text(v, c->a, left < TEXT_BYTES_MAX / 64 ? left * 64 : TEXT_BYTES_MAX);
    return charge(c, 1 + out->n / 64);
}

static bool is_low_half(rac_str s) /* starts with DC00..DFFF in three bytes */
{
    return s.n >= 3 && (unsigned char)s.p[0] == 0xed && (unsigned char)s.p[1] >= 0xb0;
}

bool join_text(struct call *c, const rac_str *parts, size_t n, rac_str sep, struct rac_json *out)
{
    size_t total = 0;
    bool halves = false;
    for (size_t i = 0; i < n; i++) {
        total += parts[i].n + (i > 0 ? sep.n : 0);
        halves |= is_low_half(parts[i]);
        if (total > string_max(c->run))
            return fail_limit(c, "a string would be larger than allowed");
    }
    char *p = rac_arena_try(c->a, total + 1), *w = p;
    if (p == NULL)
        return fail_limit(c, "its values take more memory than allowed");
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && sep.n > 0)
            w = mempcpy(w, sep.p, sep.n);
        if (parts[i].n > 0)
            w = mempcpy(w, parts[i].p, parts[i].n);
    }
    *w = '\0';
    rac_str s = {p, total};
    if (RAC_UNLIKELY(halves)) { /* two halves may have met */
        size_t units_n;
        const uint16_t *units = u16_units(c->a, s, &units_n);
        s = u16_text(c->a, units, units_n);
    }
    return answer_str(out, s);
}

/* --- envelopes (§11) -------------------------------------------------------------------------- */

struct rac_json envelope(struct rac_arena *a, rac_str type, rac_str bytes)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "$content-type", type);
    RAC_JSON_PUT_STR(a, &o, "$content", rac_base64_encode(a, bytes));
    return o;
}

bool base64_bytes(struct rac_arena *a, rac_str s, rac_str *out)
{
    size_t symbols = 0;
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        bool blank = ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
        if (!blank && !rac_is_alnum(ch) && ch != '+' && ch != '/' && ch != '=')
            return false;
        symbols += !blank;
    }
    return symbols % 4 == 0 && rac_base64_decode_lax(a, s, out);
}

bool envelope_bytes(const struct rac_json *v, struct rac_arena *a, rac_str *out)
{
    const struct rac_json *content = RAC_JSON_GET(v, "$content");
    return rac_json_is_string(content) && base64_bytes(a, (rac_str){content->s, content->n}, out);
}

static rac_str text_of_content(const struct rac_json *v, rac_str bytes, struct rac_arena *a)
{
    rac_str type = rac_json_str(RAC_JSON_GET(v, "$content-type"), RAC_S("")), charset = RAC_S("");
    struct rac_mime mime;
    if (rac_mime_parse(a, type, &mime))
        charset = rac_mime_param(&mime, RAC_S("charset"));
    return charset_text(charset, bytes, a);
}

rac_str envelope_text(const struct rac_json *v, struct rac_arena *a)
{
    rac_str bytes;
    return envelope_bytes(v, a, &bytes) ? text_of_content(v, bytes, a) : RAC_S("");
}

/* --- equal and ordered (§9) ------------------------------------------------------------------- */

static bool as_decimal(const struct rac_json *v, struct rac_dec *out)
{
    if (is_decimal(v))
        return rac_dec_parse((rac_str){v->s, v->n}, out);
    if (v->type == RAC_JSON_INT) {
        *out = rac_dec_of_int(v->i);
        return true;
    }
    return rac_dec_of_double(rac_json_double(v, 0), out);
}

/* Decimals, and integers beyond what a double holds. */
static RAC_NOINLINE int compare_wide(const struct rac_json *x, const struct rac_json *y)
{
    struct rac_dec dx, dy;
    if ((is_decimal(x) || is_decimal(y)) && as_decimal(x, &dx) && as_decimal(y, &dy))
        return rac_dec_cmp(dx, dy);
    /* long double holds every 64-bit integer and every double exactly */
    long double lx = x->type == RAC_JSON_INT ? (long double)x->i : rac_json_double(x, 0);
    long double ly = y->type == RAC_JSON_INT ? (long double)y->i : rac_json_double(y, 0);
    return lx < ly || isnan(lx) ? -1 : lx > ly;
}

static inline bool as_double(const struct rac_json *v, double *out)
{
    *out = rac_json_double(v, 0);
    return v->type == RAC_JSON_INT ? v->i > -(1LL << 53) && v->i < 1LL << 53 : !is_decimal(v);
}

int compare_numbers(const struct rac_json *x, const struct rac_json *y)
{
    double dx, dy;
    if (x->type == RAC_JSON_INT && y->type == RAC_JSON_INT)
        return (x->i > y->i) - (x->i < y->i);
    if (!as_double(x, &dx) || !as_double(y, &dy))
        return compare_wide(x, y);
    return dx < dy || isnan(dx) ? -1 : dx > dy;
}

bool compare_ordered(const struct rac_json *x, const struct rac_json *y, int *order)
{
    if (rac_json_is_number(x) && rac_json_is_number(y)) {
        *order = compare_numbers(x, y);
        return true;
    }
    if (x->type == RAC_JSON_STRING && y->type == RAC_JSON_STRING) {
        *order = u16_compare((rac_str){x->s, x->n}, (rac_str){y->s, y->n});
        return true;
    }
    return false;
}

struct comparison {
    uint64_t steps, steps_max;
    unsigned depth;
};

static bool too_much(const struct comparison *k)
{
    return k->steps > k->steps_max || k->depth > VALUE_DEPTH_MAX;
}

static bool same(struct comparison *k, const struct rac_json *x, const struct rac_json *y);

static bool same_members(struct comparison *k, const struct rac_json *x, const struct rac_json *y)
{
    if (rac_json_len(x) != rac_json_len(y))
        return false;
    for (size_t i = 0; i < rac_json_len(x); i++) {
        const struct rac_json_member *m = rac_json_member_at(x, i);
        const struct rac_json *other = rac_json_get(y, rac_json_key(m));
        k->steps += m->key_n / 64;
        if (other == NULL || !same(k, &m->value, other))
            return false;
    }
    return true;
}

static bool same_elements(struct comparison *k, const struct rac_json *x, const struct rac_json *y)
{
    if (rac_json_len(x) != rac_json_len(y))
        return false;
    for (size_t i = 0; i < rac_json_len(x); i++)
        if (!same(k, rac_json_at(x, i), rac_json_at(y, i)))
            return false;
    return true;
}

static bool same(struct comparison *k, const struct rac_json *x, const struct rac_json *y)
{
    bool equal;
    k->steps++;
    if (rac_json_is_number(x) && rac_json_is_number(y))
        return compare_numbers(x, y) == 0;
    if (x->type != y->type)
        return false;
    switch (x->type) {
    case RAC_JSON_NULL:
        return true;
    case RAC_JSON_BOOL:
        return x->b == y->b;
    case RAC_JSON_STRING:
        if (x->n != y->n)
            return false;
        k->steps += x->n / 64;
        return memcmp(x->s, y->s, x->n) == 0;
    default:
        k->depth++;
        if (too_much(k)) /* it counts on, so that every level above stops as well */
            return false;
        equal = x->type == RAC_JSON_ARRAY ? same_elements(k, x, y) : same_members(k, x, y);
        k->depth -= !too_much(k);
        return equal;
    }
}

bool rac_expr_equal(const struct rac_json *x, const struct rac_json *y)
{
    struct comparison k = {.steps_max = UINT64_MAX};
    return same(&k, x, y);
}

bool equal_values(struct call *c, const struct rac_json *x, const struct rac_json *y, bool *equal)
{
    struct comparison k = {.steps_max = c->run->limits.steps_max - c->run->steps};
    *equal = same(&k, x, y);
    return charge(c, too_much(&k) ? UINT64_MAX / 2 : k.steps);
}
