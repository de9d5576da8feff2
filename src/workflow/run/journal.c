#include "workflow/run/journal.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"

static const rac_str codes[] = {
#define CODE(text) RAC_S_INIT(text),
#include "workflow/run/codes.def"
#undef CODE
};

/* What follows the kind, in this order; bits of a byte that every entry has. */
enum {
    HAS_CODE = 1,
    HAS_INPUTS = 2,
    HAS_OUTPUTS = 4,
    HAS_ERROR = 8,
    HAS_EXTRA = 16,
    HAS_START = 32,
};

enum { VARINT_MAX = 10, NUMBERS_MAX = 12 * VARINT_MAX, KEPT_BYTES = 4 << 20 };

const char *rac_journal_code(rac_str code)
{
    for (size_t i = 0; i < RAC_COUNT(codes); i++)
        if (rac_str_eq(codes[i], code))
            return codes[i].p;
    return NULL;
}

/* --- writing ---------------------------------------------------------------------------------- */

void rac_journal_writer_init(struct rac_journal_writer *w, size_t bytes_max)
{
    *w = (struct rac_journal_writer){0};
    rac_buf_init(&w->b, bytes_max);
    rac_arena_init(&w->a, bytes_max);
}

void rac_journal_writer_fini(struct rac_journal_writer *w)
{
    rac_buf_fini(&w->b);
    rac_arena_fini(&w->a);
    rac_mem_free(w->values);
}

void rac_journal_writer_clear(struct rac_journal_writer *w)
{
    if (w->b.cap > KEPT_BYTES) { /* a large value passed through it */
        size_t most = w->b.bytes_max;
        rac_buf_fini(&w->b);
        rac_buf_init(&w->b, most);
    }
    rac_buf_clear(&w->b);
    if (w->values_n > 0)
        rac_arena_reset(&w->a);
    w->values_n = 0;
    w->printed = 0;
}

rac_str rac_journal_piece(const struct rac_journal_writer *w)
{
    return rac_buf_str(&w->b);
}

static char *put_varint(char *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (char)(v | 0x80);
        v >>= 7;
    }
    *p++ = (char)v;
    return p;
}

static char *put_signed(char *p, int64_t v)
{
    return put_varint(p, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

static char *put_time(struct rac_journal_writer *w, char *p, rac_ms t)
{
    p = put_signed(p, t - w->last_ms);
    w->last_ms = t;
    return p;
}

static void put_text(struct rac_journal_writer *w, rac_str s)
{
    char *p = rac_buf_reserve(&w->b, VARINT_MAX + s.n);
    if (p == NULL)
        return;
    char *q = put_varint(p, s.n);
    if (s.n > 0)
        memcpy(q, s.p, s.n);
    rac_buf_added(&w->b, (size_t)(q - p) + s.n);
}

static bool has_value(const struct rac_journal_writer *w, const char digest[65])
{
    for (size_t i = w->values_n; i > 0; i--)
        if (memcmp(w->values[i - 1].digest, digest, 64) == 0)
            return true;
    return false;
}

/* What a value is made of; at NULL: of too little to be put aside. */
static struct rac_journal_large large_of(const struct rac_json *v)
{
    bool text = v->type == RAC_JSON_STRING;
    return (struct rac_journal_large){.at = text ? (v->n > RAC_JOURNAL_INLINE_MAX / 8 ? v->s : NULL)
                                            : v->type == RAC_JSON_ARRAY  ? (const void *)v->array
                                            : v->type == RAC_JSON_OBJECT ? (const void *)v->object
                                                                         : NULL,
                                      .n = text ? v->n : rac_json_len(v)};
}

static const struct rac_journal_large *known(const struct rac_journal_writer *w,
                                             const struct rac_json *v)
{
    if (w->known == NULL || *w->known == NULL)
        return NULL;
    struct rac_journal_large is = large_of(v);
    for (size_t i = 0; i < RAC_COUNT((*w->known)->v) && is.at != NULL; i++)
        if ((*w->known)->v[i].at == is.at && (*w->known)->v[i].n == is.n)
            return &(*w->known)->v[i];
    return NULL;
}

static void know(const struct rac_journal_writer *w, const struct rac_entry_value *v)
{
    struct rac_journal_large is = large_of(&v->v);
    if (w->known == NULL || is.at == NULL)
        return;
    if (*w->known == NULL)
        *w->known = RAC_NEW(w->known_a, struct rac_journal_known);
    memcpy(is.digest, v->digest, sizeof is.digest);
    is.size = v->size;
    (*w->known)->v[(*w->known)->next++ % RAC_COUNT((*w->known)->v)] = is;
}

/* The text from there on in w->a; a very long one moves with the memory it was printed into. */
static rac_str text_aside(struct rac_journal_writer *w, size_t from)
{
    enum { MOVED_MIN = 1 << 20 };
    rac_str text = {w->b.p + from, w->b.n - from};
    struct rac_buf rest;
    if (text.n < MOVED_MIN || from > text.n)
        return rac_arena_str(&w->a, text);
    rac_buf_init(&rest, w->b.bytes_max);
    rac_buf_add(&rest, (rac_str){w->b.p, from});
    text = rac_str_from(rac_buf_give(&w->b, &w->a), from);
    w->b = rest;
    return text;
}

/* Moves the text that was just printed at `from` aside, under its digest. */
static void put_aside(struct rac_journal_writer *w, struct rac_entry_value *v, size_t from)
{
    rac_str text = {w->b.p + from, w->b.n - from};
    static const char digits[] = "0123456789abcdef";
    char digest[65];
    rac_sha256(text, v->digest);
    v->kind = RAC_VALUE_DIGEST;
    v->size = text.n;
    for (int i = 0; i < 32; i++) {
        digest[2 * i] = digits[v->digest[i] >> 4];
        digest[2 * i + 1] = digits[v->digest[i] & 15];
    }
    digest[64] = '\0';
    know(w, v);
    if (has_value(w, digest)) {
        w->b.n = from;
        return;
    }
    if (w->values_n == w->values_cap) {
        w->values_cap = w->values_cap ? w->values_cap * 2 : 4;
        w->values = rac_mem_realloc(w->values, w->values_cap * sizeof *w->values);
    }
    struct rac_flow_value *out = &w->values[w->values_n++];
    memcpy(out->digest, digest, sizeof digest);
    out->bytes = text_aside(w, from);
    w->b.n = from;
}

static void put_digest(struct rac_journal_writer *w, const struct rac_entry_value *v)
{
    char *p = rac_buf_reserve(&w->b, 32 + VARINT_MAX);
    if (p == NULL)
        return;
    memcpy(p, v->digest, 32);
    rac_buf_added(&w->b, (size_t)(put_varint(p + 32, v->size) - p));
}

/* The length stands before the text as four fixed bytes, so that it is printed in place. */
static void put_value(struct rac_journal_writer *w, struct rac_entry_value *v)
{
    const struct rac_journal_large *large = v->kind == RAC_VALUE_TEXT ? known(w, &v->v) : NULL;
    if (large != NULL) {
        v->kind = RAC_VALUE_DIGEST;
        v->size = large->size;
        memcpy(v->digest, large->digest, sizeof v->digest);
    }
    rac_buf_add_char(&w->b, (char)v->kind);
    if (large != NULL) {
        put_digest(w, v);
        return;
    }
    if (v->kind == RAC_VALUE_SAME)
        return;
    size_t at = w->b.n;
    char *p = rac_buf_reserve(&w->b, 4);
    if (p == NULL)
        return;
    rac_buf_added(&w->b, 4);
    rac_json_print(&v->v, RAC_JSON_FLOATS, &w->b);
    if (rac_buf_err(&w->b) != RAC_OK)
        return;
    size_t n = w->b.n - at - 4;
    w->printed += n;
    if (n > RAC_JOURNAL_INLINE_MAX) {
        put_aside(w, v, at + 4);
        w->b.p[at - 1] = (char)RAC_VALUE_DIGEST;
        w->b.n = at;
        put_digest(w, v);
        return;
    }
    v->size = n;
    for (int i = 0; i < 4; i++)
        w->b.p[at + (size_t)i] = (char)(n >> 8 * i);
}

static void put_code(struct rac_journal_writer *w, rac_str code)
{
    for (size_t i = 0; i < RAC_COUNT(codes); i++)
        if (codes[i].p == code.p || rac_str_eq(codes[i], code)) {
            rac_buf_add_char(&w->b, (char)(i + 1));
            return;
        }
    rac_buf_add_char(&w->b, 0);
    put_text(w, code);
}

static char *put_numbers(struct rac_journal_writer *w, char *p, const struct rac_entry *e)
{
    switch (e->kind) {
    case RAC_ENTRY_RUN:
        memcpy(p, e->seed, 16);
        return p + 16;
    case RAC_ENTRY_FRAME:
        p = put_varint(p, e->frame + (uint32_t)1);
        p = put_varint(p, e->action + (uint32_t)1);
        p = put_varint(p, e->graph);
        return put_varint(p, e->index);
    case RAC_ENTRY_FRAME_END:
        p = put_varint(p, e->frame);
        *p++ = (char)e->status;
        return p;
    case RAC_ENTRY_VARIABLE:
        *p++ = (char)e->reason;
        return put_varint(p, e->index);
    case RAC_ENTRY_CLOSED:
    case RAC_ENTRY_RUN_END:
        *p++ = (char)e->status;
        return p;
    case RAC_ENTRY_CALLER:
        return p;
    default:
        p = put_varint(p, e->frame);
        p = put_varint(p, e->action);
    }
    if (e->kind == RAC_ENTRY_STARTED || e->kind == RAC_ENTRY_PROGRESS)
        p = put_varint(p, e->index);
    if (e->kind == RAC_ENTRY_ENDED || e->kind == RAC_ENTRY_PROGRESS)
        *p++ = (char)e->status;
    if (e->kind == RAC_ENTRY_REQUEST)
        *p++ = (char)e->reason;
    if (e->kind == RAC_ENTRY_SKIPPED) {
        *p++ = (char)e->reason;
        p = put_varint(p, e->other + (uint32_t)1);
        *p++ = (char)e->other_status;
    }
    (void)w;
    return p;
}

void rac_journal_write(struct rac_journal_writer *w, struct rac_entry *e)
{
    char *p = rac_buf_reserve(&w->b, NUMBERS_MAX), *start = p;
    if (p == NULL)
        return;
    if (w->b.n == 0) {
        *p++ = RAC_JOURNAL_VERSION;
        w->last_ms = 0;
    }
    *p++ = (char)e->kind;
    *p++ = (char)((e->code.p != NULL ? HAS_CODE : 0) | (e->inputs.kind ? HAS_INPUTS : 0) |
                  (e->outputs.kind ? HAS_OUTPUTS : 0) | (e->error.kind ? HAS_ERROR : 0) |
                  (e->extra.kind ? HAS_EXTRA : 0) | (e->start_ms != 0 ? HAS_START : 0));
    if (e->start_ms != 0)
        p = put_time(w, p, e->start_ms);
    p = put_time(w, p, e->at_ms);
    p = put_numbers(w, p, e);
    rac_buf_added(&w->b, (size_t)(p - start));
    if (e->code.p != NULL)
        put_code(w, e->code);
    if (e->inputs.kind != RAC_VALUE_NONE)
        put_value(w, &e->inputs);
    if (e->outputs.kind != RAC_VALUE_NONE)
        put_value(w, &e->outputs);
    if (e->error.kind != RAC_VALUE_NONE)
        put_value(w, &e->error);
    if (e->extra.kind != RAC_VALUE_NONE)
        put_value(w, &e->extra);
}

/* --- reading ---------------------------------------------------------------------------------- */

void rac_journal_reader_init(struct rac_journal_reader *r, rac_str piece)
{
    *r = (struct rac_journal_reader){.p = piece.p, .end = piece.p + piece.n};
    if (piece.n == 0)
        return;
    r->broken = *r->p != RAC_JOURNAL_VERSION;
    r->p++;
}

static uint8_t get_byte(struct rac_journal_reader *r)
{
    if (r->p >= r->end) {
        r->broken = true;
        return 0;
    }
    return (uint8_t)*r->p++;
}

static uint64_t get_varint(struct rac_journal_reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t b = get_byte(r);
        v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return v;
    }
    r->broken = true;
    return 0;
}

static uint32_t get_u32(struct rac_journal_reader *r)
{
    uint64_t v = get_varint(r);
    r->broken |= v > UINT32_MAX;
    return (uint32_t)v;
}

static rac_ms get_time(struct rac_journal_reader *r)
{
    uint64_t v = get_varint(r);
    int64_t delta = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
    r->broken |= __builtin_add_overflow(r->last_ms, delta, &r->last_ms);
    return r->last_ms;
}

static rac_str get_bytes(struct rac_journal_reader *r, uint64_t n)
{
    if (n > (uint64_t)(r->end - r->p)) {
        r->broken = true;
        return RAC_STR_NULL;
    }
    rac_str s = {r->p, (size_t)n};
    r->p += n;
    return s;
}

static enum rac_wf_status get_status(struct rac_journal_reader *r)
{
    uint8_t s = get_byte(r);
    r->broken |= s >= RAC_WF_STATUSES;
    return r->broken ? RAC_WF_NONE : (enum rac_wf_status)s;
}

static void get_value(struct rac_journal_reader *r, struct rac_entry_value *v)
{
    v->kind = get_byte(r);
    rac_str s;
    switch (v->kind) {
    case RAC_VALUE_SAME:
        return;
    case RAC_VALUE_TEXT:
        s = get_bytes(r, 4);
        if (s.p != NULL) {
            const uint8_t *p = (const uint8_t *)s.p;
            v->size = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
            v->text = get_bytes(r, v->size);
        }
        return;
    case RAC_VALUE_DIGEST:
        s = get_bytes(r, 32);
        if (s.p != NULL)
            memcpy(v->digest, s.p, 32);
        v->size = get_varint(r);
        return;
    default:
        r->broken = true;
    }
}

static rac_str get_code(struct rac_journal_reader *r)
{
    uint8_t at = get_byte(r);
    if (at == 0)
        return get_bytes(r, get_varint(r));
    if (at > RAC_COUNT(codes)) {
        r->broken = true;
        return RAC_STR_NULL;
    }
    return codes[at - 1];
}

static void get_numbers(struct rac_journal_reader *r, struct rac_entry *e)
{
    rac_str s;
    switch (e->kind) {
    case RAC_ENTRY_RUN:
        if ((s = get_bytes(r, 16)).p != NULL)
            memcpy(e->seed, s.p, 16);
        return;
    case RAC_ENTRY_FRAME:
        e->frame = get_u32(r) - 1;
        e->action = get_u32(r) - 1;
        e->graph = get_u32(r);
        e->index = get_u32(r);
        return;
    case RAC_ENTRY_FRAME_END:
        e->frame = get_u32(r);
        e->status = get_status(r);
        return;
    case RAC_ENTRY_VARIABLE:
        e->reason = get_byte(r);
        e->index = get_u32(r);
        return;
    case RAC_ENTRY_CLOSED:
    case RAC_ENTRY_RUN_END:
        e->status = get_status(r);
        return;
    case RAC_ENTRY_CALLER:
        return;
    default:
        e->frame = get_u32(r);
        e->action = get_u32(r);
    }
    if (e->kind == RAC_ENTRY_STARTED || e->kind == RAC_ENTRY_PROGRESS)
        e->index = get_u32(r);
    if (e->kind == RAC_ENTRY_ENDED || e->kind == RAC_ENTRY_PROGRESS)
        e->status = get_status(r);
    if (e->kind == RAC_ENTRY_REQUEST)
        e->reason = get_byte(r);
    if (e->kind == RAC_ENTRY_SKIPPED) {
        e->reason = get_byte(r);
        e->other = get_u32(r) - 1;
        e->other_status = get_status(r);
    }
}

bool rac_journal_read(struct rac_journal_reader *r, struct rac_entry *e)
{
    if (r->broken || r->p >= r->end)
        return false;
    *e = (struct rac_entry){0};
    uint8_t kind = get_byte(r), has = get_byte(r);
    r->broken |= kind < RAC_ENTRY_RUN || kind > RAC_ENTRY_CALLER;
    if (r->broken)
        return false;
    e->kind = (enum rac_entry_kind)kind;
    if (has & HAS_START)
        e->start_ms = get_time(r);
    e->at_ms = get_time(r);
    get_numbers(r, e);
    if (has & HAS_CODE)
        e->code = get_code(r);
    if (has & HAS_INPUTS)
        get_value(r, &e->inputs);
    if (has & HAS_OUTPUTS)
        get_value(r, &e->outputs);
    if (has & HAS_ERROR)
        get_value(r, &e->error);
    if (has & HAS_EXTRA)
        get_value(r, &e->extra);
    return !r->broken;
}
