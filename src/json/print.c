/*
 * The printer writes through a cursor into the buffer's own memory and asks for room once a token;
 * what it asks for is what it will write at least, so a value that fits the cap exactly is printed.
 */
#include "base/format.h"
#include "base/mem.h"
#include "json/json.h"
#include "json/scan_priv.h"

#include <math.h>

enum { PRINT_DEPTH_MAX = RAC_JSON_OWN_DEPTH_MAX };

struct printer {
    char *p, *end; /* where to write, and where the memory at hand ends */
    struct rac_buf *b;
    unsigned flags;
    unsigned depth;
    bool full;
};

/* --- room ------------------------------------------------------------------------------------ */

__attribute__((noinline)) static bool room_slow(struct printer *o, size_t n)
{
    if (o->full)
        return false;
    o->b->n = (size_t)(o->p - o->b->p);
    o->p = rac_buf_reserve(o->b, n);
    if (o->p == NULL) {
        o->full = true;
        o->p = o->end = o->b->p + o->b->n;
        return false;
    }
    size_t usable = o->b->cap - 1 < o->b->bytes_max ? o->b->cap - 1 : o->b->bytes_max;
    o->end = o->b->p + usable;
    return true;
}

static inline bool room(struct printer *o, size_t n)
{
    return RAC_LIKELY((size_t)(o->end - o->p) >= n) || room_slow(o, n);
}

static void printer_open(struct printer *o, struct rac_buf *b, unsigned flags)
{
    *o = (struct printer){.b = b, .flags = flags};
    o->p = rac_buf_reserve(b, 0);
    o->full = o->p == NULL;
    if (o->full)
        return;
    size_t usable = b->cap - 1 < b->bytes_max ? b->cap - 1 : b->bytes_max;
    o->end = b->p + usable;
}

static void printer_close(struct printer *o)
{
    if (o->full)
        return;
    o->b->n = (size_t)(o->p - o->b->p);
    *o->p = '\0';
}

static inline void put_char(struct printer *o, char c)
{
    if (room(o, 1))
        *o->p++ = c;
}

static inline void put_bytes(struct printer *o, const char *p, size_t n)
{
    if (room(o, n)) {
        memcpy(o->p, p, n);
        o->p += n;
    }
}

/* --- strings --------------------------------------------------------------------------------- */

static const char short_escapes[256] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                        ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};

static void put_u(struct printer *o, unsigned u)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', hex[u >> 12], hex[u >> 8 & 15], hex[u >> 4 & 15], hex[u & 15]};
    put_bytes(o, text, 6);
}

/* One special character at p; the place behind it. Bytes that are not UTF-8 become U+FFFD. */
__attribute__((noinline)) static const char *put_special(struct printer *o, const char *p,
                                                         const char *end)
{
    unsigned char c = (unsigned char)*p;
    if (short_escapes[c] != 0) {
        put_bytes(o, (char[]){'\\', short_escapes[c]}, 2);
        return p + 1;
    }
    if (c < 0x20) {
        put_u(o, c);
        return p + 1;
    }
    unsigned bad, n = scan_utf8(p, end, &bad);
    if (n == 0) {
        if ((o->flags & RAC_JSON_ASCII) != 0)
            put_u(o, 0xfffd);
        else
            put_bytes(o, "\xef\xbf\xbd", 3);
        return p + bad;
    }
    if ((o->flags & RAC_JSON_ASCII) == 0) {
        put_bytes(o, p, n);
        return p + n;
    }
    unsigned u = n == 2 ? c & 0x1f : n == 3 ? c & 0x0f : c & 0x07;
    for (unsigned i = 1; i < n; i++)
        u = u << 6 | ((unsigned char)p[i] & 0x3f);
    if (u >= 0x10000) {
        put_u(o, 0xd800 + ((u - 0x10000) >> 10));
        put_u(o, 0xdc00 + ((u - 0x10000) & 0x3ff));
    } else {
        put_u(o, u);
    }
    return p + n;
}

/* Whole runs of well-formed non-ASCII are copied; only escapes go one by one. */
__attribute__((noinline)) static void put_string_slow(struct printer *o, const char *p,
                                                      const char *end)
{
    while (p < end && !o->full) {
        const char *q = scan_string(p, end);
        unsigned bad, n = 0;
        while ((o->flags & RAC_JSON_ASCII) == 0 && q < end && (unsigned char)*q >= 0x80 &&
               (n = scan_utf8(q, end, &bad)) != 0)
            q = scan_string(q + n, end);
        put_bytes(o, p, (size_t)(q - p));
        p = q < end ? put_special(o, q, end) : q;
    }
}

static inline void put_string(struct printer *o, const char *p, size_t n)
{
    if (!room(o, n + 2))
        return;
    const char *end = p + n;
    char *out = o->p;
    *out++ = '"';
#ifdef __SSE2__
    /* Copy and look at the same time while both sides have 16 bytes. */
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    const __m128i low = _mm_set1_epi8(0x20);
    while (end - p >= 16 && o->end - out >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, slash)),
                                   _mm_cmplt_epi8(x, low));
        _mm_storeu_si128((__m128i *)(void *)out, x);
        if (_mm_movemask_epi8(hit) != 0)
            break;
        p += 16;
        out += 16;
    }
#endif
    while (p < end && !scan_is_special(*p))
        *out++ = *p++;
    o->p = out;
    if (RAC_UNLIKELY(p < end))
        put_string_slow(o, p, end);
    put_char(o, '"');
}

/* --- numbers --------------------------------------------------------------------------------- */

static void put_int(struct printer *o, int64_t i)
{
    char room[RAC_I64_TEXT];
    rac_str text = rac_format_i64(room, i);
    put_bytes(o, text.p, text.n);
}

/* As "%.15g" writes it: with a point and as many digits as it has, from 0.0001 on. */
static bool put_short_double(struct printer *o, double d)
{
    char room[RAC_I64_TEXT];
    int64_t m;
    unsigned places;
    if (fabs(d) < 1e-4 || !rac_double_is_short(fabs(d), &m, &places) || places == 0)
        return false;
    rac_str digits = rac_format_i64(room, m);
    if (d < 0)
        put_char(o, '-');
    size_t whole = digits.n > places ? digits.n - places : 0;
    put_bytes(o, whole > 0 ? digits.p : "0", whole > 0 ? whole : 1);
    put_char(o, '.');
    put_bytes(o, "000000", places + whole - digits.n);
    put_bytes(o, digits.p + whole, digits.n - whole);
    return true;
}

static void put_double(struct printer *o, double d)
{
    if (!isfinite(d)) { /* JSON has no word for these */
        put_bytes(o, "null", 4);
        return;
    }
    if (d == floor(d) && fabs(d) < 1e15 && !(d == 0 && signbit(d))) {
        put_int(o, (int64_t)d);
        if ((o->flags & RAC_JSON_FLOATS) != 0)
            put_bytes(o, ".0", 2);
        return;
    }
    if (put_short_double(o, d))
        return;
    char text[40];
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, sizeof text, "%.*g", digits, d);
        if (digits == 17 || strtod(text, NULL) == d)
            break;
    }
    put_bytes(o, text, (size_t)n);
}

/* --- values ---------------------------------------------------------------------------------- */

static void put_value(struct printer *o, const struct rac_json *v);

static void put_line(struct printer *o)
{
    if ((o->flags & RAC_JSON_PRETTY) == 0 || !room(o, 1 + (size_t)o->depth * 2))
        return;
    *o->p++ = '\n';
    memset(o->p, ' ', (size_t)o->depth * 2);
    o->p += (size_t)o->depth * 2;
}

static inline void put_member(struct printer *o, const struct rac_json_member *m)
{
    put_string(o, m->key, m->key_n);
    put_char(o, ':');
    if ((o->flags & RAC_JSON_PRETTY) != 0)
        put_char(o, ' ');
    put_value(o, &m->value);
}

static int member_cmp(const void *x, const void *y)
{
    const struct rac_json_member *const *mx = x, *const *my = y;
    return rac_str_cmp(rac_json_key(*mx), rac_json_key(*my));
}

static void put_members_sorted(struct printer *o, const struct rac_json_object *obj)
{
    const struct rac_json_member **sorted = rac_mem_alloc_dirty(obj->n * sizeof(void *));
    for (uint32_t i = 0; i < obj->n; i++)
        sorted[i] = &obj->v[i];
    qsort(sorted, obj->n, sizeof(void *), member_cmp);
    for (uint32_t i = 0; i < obj->n && !o->full; i++) {
        if (i > 0)
            put_char(o, ',');
        put_line(o);
        put_member(o, sorted[i]);
    }
    rac_mem_free(sorted);
}

static void put_object(struct printer *o, const struct rac_json_object *obj)
{
    put_char(o, '{');
    o->depth++;
    if ((o->flags & RAC_JSON_SORTED) != 0 && obj->n > 1) {
        put_members_sorted(o, obj);
    } else {
        for (uint32_t i = 0; i < obj->n && !o->full; i++) {
            if (i > 0)
                put_char(o, ',');
            put_line(o);
            put_member(o, &obj->v[i]);
        }
    }
    o->depth--;
    if (obj->n > 0)
        put_line(o);
    put_char(o, '}');
}

static void put_array(struct printer *o, const struct rac_json_array *r)
{
    put_char(o, '[');
    o->depth++;
    for (uint32_t i = 0; i < r->n && !o->full; i++) {
        if (i > 0)
            put_char(o, ',');
        put_line(o);
        put_value(o, &r->v[i]);
    }
    o->depth--;
    if (r->n > 0)
        put_line(o);
    put_char(o, ']');
}

static void put_value(struct printer *o, const struct rac_json *v)
{
    if (RAC_UNLIKELY(o->depth > PRINT_DEPTH_MAX)) {
        o->b->err = RAC_E_LIMIT;
        o->full = true;
        return;
    }
    switch ((enum rac_json_type)v->type) {
    case RAC_JSON_STRING:
        put_string(o, v->s, v->n);
        break;
    case RAC_JSON_OBJECT:
        put_object(o, v->object);
        break;
    case RAC_JSON_ARRAY:
        put_array(o, v->array);
        break;
    case RAC_JSON_INT:
        put_int(o, v->i);
        break;
    case RAC_JSON_NUMBER:
        put_bytes(o, v->s, v->n);
        break;
    case RAC_JSON_DOUBLE:
        put_double(o, v->d);
        break;
    case RAC_JSON_BOOL:
        if (v->b)
            put_bytes(o, "true", 4);
        else
            put_bytes(o, "false", 5);
        break;
    case RAC_JSON_NULL:
    case RAC_JSON_NONE: /* never inside a tree; alone it prints as the value that says "nothing" */
        put_bytes(o, "null", 4);
        break;
    }
}

void rac_json_print(const struct rac_json *v, unsigned flags, struct rac_buf *b)
{
    struct printer o;
    printer_open(&o, b, flags);
    if (o.full)
        return;
    put_value(&o, v == NULL ? &rac_json_none : v);
    printer_close(&o);
}

rac_str rac_json_print_str(const struct rac_json *v, unsigned flags, struct rac_arena *a)
{
    struct rac_buf b;
    rac_buf_init(&b, UINT32_MAX);
    b.secret = a->secret;
    rac_json_print(v, flags, &b);
    rac_str s = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return s;
}

void rac_json_print_string(rac_str s, unsigned flags, struct rac_buf *b)
{
    struct printer o;
    printer_open(&o, b, flags);
    if (o.full)
        return;
    put_string(&o, s.p ? s.p : "", s.n);
    printer_close(&o);
}
