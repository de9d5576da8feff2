/*
 * The parser: one pass, no recursion, no allocation a node.
 *
 * Values are written to a growing stack of bytes: an element is a struct rac_json, a member a
 * struct rac_json_member, and an open container is a frame that stands right behind the slot its
 * value will fill. When a container closes, everything above its frame is its children, in order
 * and contiguous: they are copied to the arena in one piece and the frame is dropped. So the slot
 * to fill is always the one that ends where the stack ends.
 *
 *      slot of root | frame { | member a | member b | frame [ | elem | elem   <- top
 *
 * Lenient repairs live on the paths that are errors in a strict text, so strictness costs nothing.
 * parse_value() is one long function on purpose: its labels are the states of the grammar.
 */
#include "json/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "json/object_priv.h"
#include "json/scan_priv.h"

struct frame {
    size_t parent; /* stack offset of the enclosing frame, or NO_FRAME */
    uint32_t pos;
    bool is_object;
};

#define NO_FRAME SIZE_MAX
enum { STACK_FIRST = 8192 };

_Static_assert(offsetof(struct rac_json_member, value) + sizeof(struct rac_json) ==
                   sizeof(struct rac_json_member),
               "the value ends the member, so it ends the stack while it is being read");
_Static_assert(sizeof(struct frame) % 8 == 0, "slots behind a frame stay aligned");

struct parser {
    const char *start, *end;
    const char *at; /* where the error is */
    struct rac_arena *a;
    char *stack, *top, *limit;
    bool stack_owned;
    bool lenient, reject_dup;
    uint32_t depth, depth_max;
    rac_err err;
    const char *message;
    struct rac_diags *repairs;
    struct rac_json_spot spot; /* of the last repair: they come mostly in order */
};

/* --- places ---------------------------------------------------------------------------------- */

static uint32_t count_lines(const char *p, const char *end)
{
    uint32_t n = 0;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        n++;
        p++;
    }
    return n;
}

static uint32_t column_of(const char *start, const char *p)
{
    const char *line = p;
    while (line > start && line[-1] != '\n')
        line--;
    uint32_t column = 1;
    if (line == start && p - line >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
        line += 3; /* a byte-order mark takes no room */
    for (; line < p; line++)
        column += ((unsigned char)*line & 0xc0) != 0x80;
    return column;
}

static uint32_t count_characters(const char *p, const char *end)
{
    uint32_t n = 0;
    for (; p < end; p++)
        n += ((unsigned char)*p & 0xc0) != 0x80;
    return n;
}

void rac_json_spot_move(rac_str text, struct rac_json_spot *s, size_t offset)
{
    size_t first = rac_str_starts(text, RAC_S("\xef\xbb\xbf")) ? 3 : 0; /* takes no room */
    offset = offset < text.n ? offset : text.n;
    if (s->line == 0 || offset <= first)
        *s = (struct rac_json_spot){first, 1, 1};
    if (offset <= first)
        return;
    const char *was = text.p + s->offset, *is = text.p + offset;
    bool ahead = is >= was;
    uint32_t lines = ahead ? count_lines(was, is) : count_lines(is, was);
    uint32_t characters = lines > 0 ? 0
                          : ahead   ? count_characters(was, is)
                                    : count_characters(is, was);
    s->line += ahead ? lines : 0 - lines;
    s->column =
        lines > 0 ? column_of(text.p, is) : s->column + (ahead ? characters : 0 - characters);
    s->offset = offset;
}

void rac_json_place(rac_str text, size_t offset, uint32_t *line, uint32_t *column)
{
    struct rac_json_spot s = {0};
    rac_json_spot_move(text, &s, offset);
    *line = s.line;
    *column = s.column;
}

/* --- errors and repairs ---------------------------------------------------------------------- */

__attribute__((cold, noinline)) static bool fail(struct parser *s, rac_err e, const char *at,
                                                 const char *message)
{
    s->err = e;
    s->at = at;
    s->message = message;
    return false;
}

static bool syntax(struct parser *s, const char *at, const char *message)
{
    return fail(s, RAC_E_SYNTAX, at, message);
}

/* A RC-JSON-01 at that place. */
__attribute__((cold, noinline)) static struct rac_diag *repair(struct parser *s, const char *at,
                                                               const char *end, rac_str message)
{
    if (s->repairs == NULL)
        return NULL;
    struct rac_diag d = {.code = "RC-JSON-01", .severity = RAC_SEV_WARNING, .message = message};
    d.fix = RAC_S("Store the file as strict JSON in UTF-8.");
    if (s->repairs->n < s->repairs->n_max) {
        rac_str text = {s->start, (size_t)(s->end - s->start)};
        rac_json_spot_move(text, &s->spot, (size_t)(at - s->start));
        d.line = s->spot.line;
        d.column = s->spot.column;
        if (end != NULL) {
            struct rac_json_spot last = s->spot;
            rac_json_spot_move(text, &last, (size_t)(end - s->start));
            d.end_line = last.line;
            d.end_column = last.column;
        }
    }
    return rac_diags_add(s->repairs, &d);
}

/* --- the stack ------------------------------------------------------------------------------- */

__attribute__((noinline)) static bool stack_grow(struct parser *s, size_t more, const char *at)
{
    size_t used = (size_t)(s->top - s->stack), size = (size_t)(s->limit - s->stack) * 2;
    while (size < used + more)
        size *= 2;
    if (size > s->a->bytes_max)
        return fail(s, RAC_E_LIMIT, at, "the text holds more values than memory is allowed for");
    char *grown = rac_mem_alloc_dirty(size);
    memcpy(grown, s->stack, used);
    if (s->stack_owned)
        rac_mem_free(s->stack);
    s->stack_owned = true;
    s->stack = grown;
    s->top = grown + used;
    s->limit = grown + size;
    return true;
}

static inline bool stack_room(struct parser *s, size_t more, const char *at)
{
    return RAC_LIKELY((size_t)(s->limit - s->top) >= more) || stack_grow(s, more, at);
}

/* The slot to fill: the value that ends the stack. */
static inline struct rac_json *slot_of(struct parser *s)
{
    return (struct rac_json *)(void *)s->top - 1;
}

static inline void slot_set(struct rac_json *v, enum rac_json_type type, uint32_t pos, uint32_t n)
{
    v->type = (uint8_t)type;
    v->flags = 0;
    v->spare = 0;
    v->pos = pos;
    v->n = n;
    v->spare2 = 0;
}

/* --- white space and comments ---------------------------------------------------------------- */

static inline const char *skip_ws(const char *p, const char *end)
{
    if (p < end && RAC_UNLIKELY((unsigned char)*p <= ' ')) {
        if (*p == ' ' && p + 1 < end && (unsigned char)p[1] > ' ')
            return p + 1;
        return scan_space(p, end);
    }
    return p;
}

/* Bytes of a white space character of Unicode that is none of JSON's, invisible ones included. */
static size_t odd_space(const char *p, const char *end)
{
    uint32_t cp;
    size_t n = rac_utf8_decode(p, (size_t)(end - p), &cp);
    bool space = cp == 0xa0 || cp == 0x85 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200d) ||
                 cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x2060 ||
                 cp == 0x3000 || cp == 0xfeff;
    return n > 0 && space ? n : 0;
}

/* What may start something a lenient reader steps over. */
static inline bool may_step_over(char c)
{
    return c == '/' || (unsigned char)c >= 0xc2;
}

/* Lenient: steps over the comment, or odd white space (corpus-survey §11.7), at *pp. False when
 * there is none; an open comment is an error. */
__attribute__((cold, noinline)) static bool comment(struct parser *s, const char **pp)
{
    const char *p = *pp;
    size_t odd = s->lenient && *p != '/' ? odd_space(p, s->end) : 0;
    if (odd > 0) {
        repair(s, p, p + odd, RAC_S("White space that JSON does not know was skipped."));
        *pp = p + odd;
        return true;
    }
    if (s->end - p < 2 || p[0] != '/' || (p[1] != '/' && p[1] != '*'))
        return false;
    if (!s->lenient)
        return syntax(s, p, "comments are not allowed in JSON");
    const char *q;
    if (p[1] == '/') {
        q = memchr(p, '\n', (size_t)(s->end - p));
        q = q == NULL ? s->end : q;
    } else {
        q = memmem(p + 2, (size_t)(s->end - p - 2), "*/", 2);
        if (q == NULL)
            return syntax(s, p, "this comment is never closed");
        q += 2;
    }
    repair(s, p, q, RAC_S("A comment was skipped; JSON has none."));
    *pp = q;
    return true;
}

/* --- strings --------------------------------------------------------------------------------- */

static int hex4(const char *p, const char *end)
{
    int u = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int d = rac_hex_value(p[i]);
        if (d < 0)
            return -1;
        u = u * 16 + d;
    }
    return u;
}

/* \uXXXX at p (behind the u), pairs included. The place after it, or NULL. */
static const char *unescape_unicode(struct parser *s, const char *p, char **out)
{
    int u = hex4(p, s->end);
    if (u < 0) {
        syntax(s, p - 2, "\\u must be followed by four hexadecimal digits");
        return NULL;
    }
    const char *next = p + 4;
    if (u >= 0xd800 && u <= 0xdfff) {
        int low = u <= 0xdbff && s->end - next >= 6 && next[0] == '\\' && next[1] == 'u'
                      ? hex4(next + 2, s->end)
                      : -1;
        if (low >= 0xdc00 && low <= 0xdfff) {
            u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
            next += 6;
        } else if (s->lenient) {
            repair(s, p - 2, next, RAC_S("Half a surrogate pair was read as U+FFFD."));
            u = 0xfffd;
        } else {
            syntax(s, p - 2, "this is half a surrogate pair, which is no character");
            return NULL;
        }
    }
    *out += rac_utf8_encode((uint32_t)u, *out);
    return next;
}

static const char escapes[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                  ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};

/* Bytes that are not UTF-8 at p: U+FFFD and a repair, or an error. The place after, or NULL. */
__attribute__((cold, noinline)) static const char *bad_utf8(struct parser *s, const char *p,
                                                            unsigned bad, char **out)
{
    if (!s->lenient) {
        syntax(s, p, "these bytes are not UTF-8");
        return NULL;
    }
    repair(s, p, NULL, RAC_S("Bytes that are not UTF-8 were read as U+FFFD."));
    *out += rac_utf8_encode(0xfffd, *out);
    return p + bad;
}

__attribute__((cold, noinline)) static bool raw_control(struct parser *s, const char *p)
{
    if (!s->lenient)
        return syntax(s, p, "control characters must be escaped in a string");
    repair(s, p, NULL,
           s->repairs == NULL || s->repairs->n >= s->repairs->n_max
               ? RAC_STR_NULL
               : rac_arena_printf(s->repairs->a,
                                  "A raw control character U+%04X in a string was kept.",
                                  (unsigned)(unsigned char)*p));
    return true;
}

/* The quote that ends the string whose text starts at p, or NULL; and how much room its bytes
 * need at most when decoded. */
static const char *string_end(struct parser *s, const char *p, size_t *room)
{
    const char *start = p;
    size_t extra = 0;
    for (;;) {
        p = scan_string(p, s->end);
        if (p == s->end)
            return NULL;
        if (*p == '"')
            break;
        if (*p == '\\') {
            p += s->end - p >= 2 ? 2 : 1;
            continue;
        }
        if ((unsigned char)*p >= 0x80)
            extra += 2; /* at worst a U+FFFD for one byte */
        p++;
    }
    *room = (size_t)(p - start) + (s->lenient ? extra : 0);
    return p;
}

/* Copies plain bytes up to the next special one. out has 16 bytes to spare. */
static inline const char *copy_plain(const char *p, const char *end, char **out)
{
    char *o = *out;
#ifdef __SSE2__
    while (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        _mm_storeu_si128((__m128i *)(void *)o, x);
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')),
                                                _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))),
                                   _mm_cmplt_epi8(x, _mm_set1_epi8(0x20)));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask != 0) {
            unsigned n = (unsigned)__builtin_ctz(mask);
            *out = o + n;
            return p + n;
        }
        p += 16;
        o += 16;
    }
#endif
    while (p < end && !scan_is_special(*p))
        *o++ = *p++;
    *out = o;
    return p;
}

/* Decodes [p, end) into out; the end of what was written, or NULL. */
static char *decode(struct parser *s, const char *p, const char *end, char *out)
{
    for (;;) {
        p = copy_plain(p, end, &out);
        if (p >= end)
            return out;
        unsigned char c = (unsigned char)*p;
        if (c == '\\') {
            char e = escapes[(unsigned char)p[1]];
            if (e != 0) {
                *out++ = e;
                p += 2;
            } else if (p[1] == 'u') {
                if ((p = unescape_unicode(s, p + 2, &out)) == NULL)
                    return NULL;
            } else {
                syntax(s, p, "a backslash must be followed by one of \" \\ / b f n r t u");
                return NULL;
            }
        } else if (c >= 0x80) {
            unsigned bad, n = scan_utf8(p, end, &bad);
            if (n == 0) {
                if ((p = bad_utf8(s, p, bad, &out)) == NULL)
                    return NULL;
                continue;
            }
            memcpy(out, p, n);
            out += n;
            p += n;
        } else {
            if (!raw_control(s, p))
                return NULL;
            *out++ = *p++;
        }
    }
}

/*
 * A string with something in it: p is its first byte, q the first special one. Stays a slice of the
 * text unless it must be decoded. The place behind the closing quote, or NULL.
 */
__attribute__((noinline)) static const char *
string_slow(struct parser *s, const char *p, const char *q, const char **str, uint32_t *n)
{
    for (;;) { /* over well-formed UTF-8 */
        unsigned bad, len = 0;
        while (q < s->end && (unsigned char)*q >= 0x80 && (len = scan_utf8(q, s->end, &bad)) != 0)
            q += len;
        if (q < s->end && ((unsigned char)*q >= 0x80 || *q == '\\' || (unsigned char)*q < 0x20))
            break;
        if (q < s->end && *q == '"') {
            *str = p;
            *n = (uint32_t)(q - p);
            return q + 1;
        }
        q = scan_string(q, s->end);
        if (q == s->end) {
            syntax(s, s->end, "the text ends inside a string");
            return NULL;
        }
    }
    if (!s->lenient && *q != '\\') {
        if ((unsigned char)*q >= 0x80)
            syntax(s, q, "these bytes are not UTF-8");
        else
            raw_control(s, q);
        return NULL;
    }
    size_t room;
    const char *end = string_end(s, q, &room);
    if (end == NULL) {
        syntax(s, s->end, "the text ends inside a string");
        return NULL;
    }
    room += (size_t)(q - p) + 16;
    char *out = rac_arena_alloc_dirty(s->a, room);
    memcpy(out, p, (size_t)(q - p));
    char *out_end = decode(s, q, end, out + (q - p));
    if (out_end == NULL)
        return NULL;
    RAC_ASSERT((size_t)(out_end - out) <= room);
    if (out + ((room + 7) & ~(size_t)7) == s->a->at) /* give the rest back */
        s->a->at = out + (((size_t)(out_end - out) + 7) & ~(size_t)7);
    if (rac_arena_over(s->a)) {
        fail(s, RAC_E_LIMIT, p, "the text needs more memory than is allowed");
        return NULL;
    }
    *str = out;
    *n = (uint32_t)(out_end - out);
    return end + 1;
}

/* The string whose text starts at p. The place behind its closing quote, or NULL. */
static inline const char *string_parse(struct parser *s, const char *p, const char **str,
                                       uint32_t *n)
{
    const char *q = scan_string(p, s->end);
    if (RAC_LIKELY(q < s->end && *q == '"')) {
        *str = p;
        *n = (uint32_t)(q - p);
        return q + 1;
    }
    return string_slow(s, p, q, str, n);
}

/* --- numbers and words ----------------------------------------------------------------------- */

/* The fraction and exponent of a number that began at start; p is behind its integer part. */
static const char *number_rest(struct parser *s, const char *start, const char *p,
                               struct rac_json *v)
{
    if (p < s->end && *p == '.') {
        const char *digits = ++p;
        while (p < s->end && rac_is_digit(*p))
            p++;
        if (p == digits) {
            syntax(s, p, "a digit must follow the decimal point");
            return NULL;
        }
    }
    if (p < s->end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < s->end && (*p == '+' || *p == '-'))
            p++;
        const char *digits = p;
        while (p < s->end && rac_is_digit(*p))
            p++;
        if (p == digits) {
            syntax(s, p, "the exponent has no digits");
            return NULL;
        }
    }
    v->type = RAC_JSON_NUMBER;
    v->n = (uint32_t)(p - start);
    v->s = start;
    return p;
}

static inline const char *number_parse(struct parser *s, const char *p, struct rac_json *v)
{
    const char *start = p, *end = s->end;
    bool neg = *p == '-';
    uint64_t u = 0;
    p += neg;
    const char *digits = p;
    while (p < end && (unsigned)(*p - '0') < 10)
        u = u * 10 + (uint64_t)(*p++ - '0');
    size_t n = (size_t)(p - digits);
    if (RAC_UNLIKELY(n == 0)) {
        syntax(s, p, "a digit must follow the minus sign");
        return NULL;
    }
    if (RAC_UNLIKELY(*digits == '0' && n > 1)) {
        syntax(s, digits, "a number must not begin with a zero");
        return NULL;
    }
    slot_set(v, RAC_JSON_INT, (uint32_t)(start - s->start) + 1, 0);
    if (RAC_UNLIKELY(p < end && (*p == '.' || *p == 'e' || *p == 'E')))
        return number_rest(s, start, p, v);
    if (RAC_UNLIKELY(n > 18 || (neg && u == 0))) {
        /* 19 digits never overflow an unsigned; "-0" is kept as spelt */
        if (n > 19 || (neg && u == 0) || u > (uint64_t)INT64_MAX + neg)
            return number_rest(s, start, p, v);
    }
    v->i = neg ? (int64_t)(0 - u) : (int64_t)u;
    return p;
}

__attribute__((noinline)) static const char *word_parse(struct parser *s, const char *p,
                                                        struct rac_json *v)
{
    size_t left = (size_t)(s->end - p);
    slot_set(v, RAC_JSON_NULL, (uint32_t)(p - s->start) + 1, 0);
    v->i = 0;
    if (left >= 4 && memcmp(p, "null", 4) == 0)
        return p + 4;
    v->type = RAC_JSON_BOOL;
    if (left >= 4 && memcmp(p, "true", 4) == 0) {
        v->b = true;
        return p + 4;
    }
    if (left >= 5 && memcmp(p, "false", 5) == 0)
        return p + 5;
    if (left == 0)
        syntax(s, p, "the text ends where a value is expected");
    else if (*p == ']' || *p == '}')
        syntax(s, p, "a value is expected before this bracket");
    else if (*p == ',')
        syntax(s, p, "a value is expected before this comma");
    else if (*p == '\'')
        syntax(s, p, "strings are written in double quotes");
    else
        syntax(s, p, "a value is expected here");
    return NULL;
}

/* --- containers ------------------------------------------------------------------------------ */

/* A few bytes of a key, mixed: two keys with different marks are different. */
static inline unsigned key_mark(const struct rac_json_member *m)
{
    uint32_t head = 0;
    uint16_t tail = 0;
    if (RAC_LIKELY(m->key_n >= 4)) {
        memcpy(&head, m->key, 4);
        memcpy(&tail, m->key + m->key_n - 2, 2);
    } else if (m->key_n >= 2) {
        memcpy(&tail, m->key + m->key_n - 2, 2);
        head = (unsigned char)m->key[0];
    } else if (m->key_n == 1) {
        head = (unsigned char)m->key[0];
    }
    return (unsigned)((head ^ (uint32_t)tail << 13 ^ m->key_n << 7) * 0x9e3779b1u >> 26);
}

static bool key_same(const struct rac_json_member *x, const struct rac_json_member *y)
{
    return x->key_n == y->key_n && memcmp(x->key, y->key, x->key_n) == 0;
}

/* A key that stands twice: reported, then the later value takes the earlier place. */
__attribute__((cold, noinline)) static bool
duplicate(struct parser *s, struct rac_json_member *first, const struct rac_json_member *again)
{
    const char *at = s->start + again->key_pos - 1;
    if (s->reject_dup)
        return syntax(s, at, "this key stands twice in its object");
    if (s->lenient && s->repairs != NULL) {
        rac_str key = {again->key, again->key_n < 80 ? again->key_n : 80};
        repair(s, at, NULL,
               s->repairs->n >= s->repairs->n_max
                   ? RAC_STR_NULL
                   : rac_arena_printf(s->repairs->a,
                                      "The key \"%.*s\" stands twice in its object; the last one "
                                      "counts.",
                                      RAC_FMT(key)));
    }
    *first = *again;
    return true;
}

/* Members that differ, in place; *n shrinks when keys stand twice. */
static bool dedupe_small(struct parser *s, struct rac_json_member *m, uint32_t *n)
{
    uint64_t seen = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *n; i++) {
        uint64_t bit = (uint64_t)1 << key_mark(&m[i]);
        if (RAC_UNLIKELY((seen & bit) != 0)) {
            uint32_t j = 0;
            while (j < kept && !key_same(&m[j], &m[i]))
                j++;
            if (j < kept) {
                if (!duplicate(s, &m[j], &m[i]))
                    return false;
                continue;
            }
        }
        seen |= bit;
        if (kept != i)
            m[kept] = m[i];
        kept++;
    }
    *n = kept;
    return true;
}

/* The same with an index, which stays with the object. */
static bool dedupe_large(struct parser *s, struct rac_json_object *o)
{
    uint32_t n = o->n;
    o->slots_n = object_slots_for(n);
    o->slots = rac_arena_alloc(s->a, o->slots_n * sizeof *o->slots);
    o->n = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t found, at = object_slot(o, rac_json_key(&o->v[i]), &found);
        if (found != UINT32_MAX) {
            if (!duplicate(s, &o->v[found], &o->v[i]))
                return false;
            continue;
        }
        if (o->n != i)
            o->v[o->n] = o->v[i];
        o->slots[at] = ++o->n;
    }
    return true;
}

static inline bool close_array(struct parser *s, struct frame *f)
{
    struct rac_json *v = (struct rac_json *)(void *)f - 1;
    char *children = (char *)(f + 1);
    size_t bytes = (size_t)(s->top - children);
    struct rac_json_array *r = rac_arena_alloc_dirty(s->a, sizeof *r + bytes);
    r->n = r->cap = (uint32_t)(bytes / sizeof(struct rac_json));
    r->v = (struct rac_json *)(r + 1);
    memcpy(r->v, children, bytes);
    slot_set(v, RAC_JSON_ARRAY, f->pos, 0);
    v->array = r;
    s->top = (char *)f;
    return !rac_arena_over(s->a);
}

static inline bool close_object(struct parser *s, struct frame *f, uint32_t end_pos)
{
    struct rac_json *v = (struct rac_json *)(void *)f - 1;
    struct rac_json_member *children = (struct rac_json_member *)(void *)(f + 1);
    uint32_t n = (uint32_t)((size_t)(s->top - (char *)children) / sizeof *children);
    if (n > 1 && n <= OBJECT_INDEX_MIN && !dedupe_small(s, children, &n))
        return false;
    struct rac_json_object *o = rac_arena_alloc_dirty(s->a, sizeof *o + n * sizeof *children);
    *o = (struct rac_json_object){
        .n = n, .cap = n, .v = (struct rac_json_member *)(o + 1), .end_pos = end_pos};
    memcpy(o->v, children, n * sizeof *children);
    slot_set(v, RAC_JSON_OBJECT, f->pos, 0);
    v->object = o;
    s->top = (char *)f;
    if (RAC_UNLIKELY(n > OBJECT_INDEX_MIN) && !dedupe_large(s, o))
        return false;
    return !rac_arena_over(s->a);
}

static inline struct frame *open_container(struct parser *s, const char *p, struct frame *parent,
                                           bool is_object)
{
    size_t outer = parent == NULL ? NO_FRAME : (size_t)((char *)parent - s->stack);
    if (RAC_UNLIKELY(s->depth >= s->depth_max)) {
        fail(s, RAC_E_LIMIT, p, "the values are nested too deeply");
        return NULL;
    }
    if (!stack_room(s, sizeof(struct frame), p))
        return NULL;
    s->depth++;
    struct frame *f = (struct frame *)(void *)s->top;
    s->top += sizeof *f;
    f->parent = outer;
    f->pos = (uint32_t)(p - s->start) + 1;
    f->is_object = is_object;
    return f;
}

/* --- the grammar ----------------------------------------------------------------------------- */

__attribute__((cold, noinline)) static const char *
expected(struct parser *s, const char *p, const char *at_end, const char *otherwise)
{
    if (s->err == RAC_OK) /* else: said already, a comment that is never closed */
        syntax(s, p, p == s->end ? at_end : otherwise);
    return NULL;
}

__attribute__((cold, noinline)) static bool trailing_comma(struct parser *s, const char *comma)
{
    if (!s->lenient)
        return syntax(s, comma, "a comma must not stand before a closing bracket");
    repair(s, comma, comma + 1, RAC_S("A comma before a closing bracket was skipped."));
    return true;
}

/* Reads the value at p into the slot that ends the stack; the place behind it, or NULL. */
static const char *parse_value(struct parser *s, const char *p)
{
    const char *const end = s->end, *const start = s->start;
    const char *comma;
    struct frame *f = NULL;
    struct rac_json *v;

value:
    p = skip_ws(p, end);
    if (RAC_UNLIKELY(p == end))
        return word_parse(s, p, slot_of(s));
    v = slot_of(s);
    switch (*p) {
    case '"':
        slot_set(v, RAC_JSON_STRING, (uint32_t)(p - start) + 1, 0);
        if ((p = string_parse(s, p + 1, &v->s, &v->n)) == NULL)
            return NULL;
        break;
    case '{':
        if ((f = open_container(s, p, f, true)) == NULL)
            return NULL;
        p++;
        comma = NULL;
        goto key;
    case '[':
        if ((f = open_container(s, p, f, false)) == NULL)
            return NULL;
        p++;
        comma = NULL;
        goto element;
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        if ((p = number_parse(s, p, v)) == NULL)
            return NULL;
        break;
    case '/':
        if (comment(s, &p))
            goto value;
        if (s->err != RAC_OK)
            return NULL;
        __attribute__((fallthrough));
    default:
        if (may_step_over(*p) && comment(s, &p))
            goto value;
        if ((p = word_parse(s, p, v)) == NULL)
            return NULL;
    }
    if (f == NULL)
        return p;
    if (!f->is_object)
        goto element_done;

member_done:
    p = skip_ws(p, end);
    if (RAC_LIKELY(p < end)) {
        if (*p == ',') {
            comma = p++;
            goto key;
        }
        if (*p == '}')
            goto object_end;
        if (may_step_over(*p) && comment(s, &p))
            goto member_done;
    }
    return expected(s, p, "the text ends inside an object",
                    "a comma or a closing brace is expected here");

key:
    p = skip_ws(p, end);
    if (RAC_UNLIKELY(p == end || *p != '"')) {
        if (p < end && *p == '}' && (comma == NULL || trailing_comma(s, comma)))
            goto object_end;
        if (p < end && may_step_over(*p) && comment(s, &p))
            goto key;
        return expected(s, p, "the text ends inside an object",
                        "a key in double quotes is expected here");
    }
    {
        size_t at = (size_t)((char *)f - s->stack);
        if (!stack_room(s, sizeof(struct rac_json_member), p))
            return NULL;
        f = (struct frame *)(void *)(s->stack + at);
        struct rac_json_member *m = (struct rac_json_member *)(void *)s->top;
        s->top += sizeof *m;
        m->key_pos = (uint32_t)(p - start) + 1;
        if ((p = string_parse(s, p + 1, &m->key, &m->key_n)) == NULL)
            return NULL;
    }
colon:
    if (RAC_LIKELY(p < end && *p == ':')) {
        p++;
        goto value;
    }
    if (p < end && scan_is_ws(*p)) {
        p = scan_space(p, end);
        goto colon;
    }
    if (p < end && may_step_over(*p) && comment(s, &p))
        goto colon;
    return expected(s, p, "the text ends inside an object", "a colon is expected after the key");

element_done:
    p = skip_ws(p, end);
    if (RAC_LIKELY(p < end)) {
        if (*p == ',') {
            comma = p++;
            goto element;
        }
        if (*p == ']')
            goto array_end;
        if (may_step_over(*p) && comment(s, &p))
            goto element_done;
    }
    return expected(s, p, "the text ends inside an array",
                    "a comma or a closing bracket is expected here");

element:
    p = skip_ws(p, end);
    if (RAC_UNLIKELY(p < end && *p == ']')) {
        if (comma == NULL || trailing_comma(s, comma))
            goto array_end;
        return NULL;
    }
    if (RAC_UNLIKELY(p == end))
        return expected(s, p, "the text ends inside an array", "");
    if (RAC_UNLIKELY(may_step_over(*p))) {
        if (comment(s, &p))
            goto element;
        if (s->err != RAC_OK)
            return NULL;
    }
    {
        size_t at = (size_t)((char *)f - s->stack);
        if (!stack_room(s, sizeof(struct rac_json), p))
            return NULL;
        f = (struct frame *)(void *)(s->stack + at);
        s->top += sizeof(struct rac_json);
    }
    goto value;

object_end:
    if (RAC_UNLIKELY(!close_object(s, f, (uint32_t)(p - start) + 1)))
        goto closing_failed;
    goto closed;
array_end:
    if (RAC_UNLIKELY(!close_array(s, f)))
        goto closing_failed;
closed:
    p++;
    s->depth--;
    if (f->parent == NO_FRAME)
        return p;
    f = (struct frame *)(void *)(s->stack + f->parent);
    if (f->is_object)
        goto member_done;
    goto element_done;

closing_failed:
    if (s->err == RAC_OK)
        fail(s, RAC_E_LIMIT, p, "the text needs more memory than is allowed");
    return NULL;
}

static rac_err parse_text(struct parser *s, struct rac_json *out)
{
    const char *p = s->start;
    if (s->end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        if (!s->lenient) {
            syntax(s, p, "the text begins with a byte-order mark");
            return s->err;
        }
        repair(s, p, NULL, RAC_S("A byte-order mark was skipped."));
        p += 3;
    }
    s->top = s->stack + sizeof(struct rac_json);
    p = parse_value(s, p);
    if (p == NULL)
        return s->err;
    do
        p = scan_space(p, s->end);
    while (p < s->end && may_step_over(*p) && comment(s, &p));
    if (p < s->end) {
        expected(s, p, "", "there is more text behind the value");
        return s->err;
    }
    RAC_ASSERT(s->top == s->stack + sizeof(struct rac_json) && s->depth == 0);
    *out = *slot_of(s);
    return RAC_OK;
}

static rac_err parse(rac_str text, struct rac_arena *a, unsigned flags, struct rac_diags *repairs,
                     struct rac_json *out, struct rac_json_error *error)
{
    char first[STACK_FIRST] __attribute__((aligned(16)));
    struct parser s = {.a = a,
                       .stack = first,
                       .limit = first + sizeof first,
                       .lenient = (flags & RAC_JSON_LENIENT) != 0,
                       .reject_dup = (flags & RAC_JSON_REJECT_DUP) != 0,
                       .depth_max = (flags & RAC_JSON_OWN) != 0 ? RAC_JSON_OWN_DEPTH_MAX
                                                                : RAC_JSON_DEPTH_MAX,
                       .repairs = repairs};
    if (text.p == NULL)
        text.p = "";
    if (text.n >= UINT32_MAX - 1) {
        fail(&s, RAC_E_LIMIT, text.p, "the text is longer than 4 GiB");
    } else if ((flags & RAC_JSON_COPY) != 0 && text.n > 0) {
        char *kept = rac_arena_try(a, text.n);
        if (kept == NULL)
            fail(&s, RAC_E_LIMIT, text.p, "the text needs more memory than is allowed");
        else
            text.p = memcpy(kept, text.p, text.n);
    }
    s.start = text.p;
    s.end = text.p + text.n;
    rac_err e = s.err != RAC_OK ? s.err : parse_text(&s, out);
    if (s.stack_owned)
        rac_mem_free(s.stack);
    if (e != RAC_OK && error != NULL) {
        error->offset = (size_t)(s.at - text.p);
        error->message = s.message;
        rac_json_place(text, error->offset, &error->line, &error->column);
    }
    return e;
}

rac_err rac_json_parse(rac_str text, struct rac_arena *a, unsigned flags, struct rac_json *out,
                       struct rac_json_error *error)
{
    return parse(text, a, flags, NULL, out, error);
}

rac_err rac_json_parse_lenient(rac_str text, struct rac_arena *a, struct rac_json *out,
                               struct rac_diags *repairs, struct rac_json_error *error)
{
    return parse(text, a, RAC_JSON_LENIENT, repairs, out, error);
}
