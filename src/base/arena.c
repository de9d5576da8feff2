/*
 * Blocks double from 4 KiB to 1 MiB; a request larger than half a block gets a block of its own,
 * linked behind the current one so that the current one keeps filling.
 */
#include "base/arena.h"
#include "base/format.h"
#include "base/mem.h"
#include "base/secret.h"

enum { BLOCK_MIN = 4096, BLOCK_MAX = 1 << 20, KEEP_MAX = 64 * 1024 };

struct rac_arena_block {
    struct rac_arena_block *next;
    size_t size; /* of data */
    char data[] __attribute__((aligned(16)));
};

struct rac_arena_cleanup {
    struct rac_arena_cleanup *next;
    void (*fn)(void *arg);
    void *arg;
};

void rac_arena_init(struct rac_arena *a, size_t bytes_max)
{
    *a = (struct rac_arena){.bytes_max = bytes_max};
}

static void run_cleanups(struct rac_arena *a, struct rac_arena_cleanup *until)
{
    while (a->cleanups != until) {
        struct rac_arena_cleanup *c = a->cleanups;
        a->cleanups = c->next;
        c->fn(c->arg);
    }
}

static void block_free(const struct rac_arena *a, struct rac_arena_block *b)
{
    if (a->secret)
        rac_secret_wipe(b->data, b->size);
    rac_mem_block_free(b);
}

void rac_arena_fini(struct rac_arena *a)
{
    run_cleanups(a, NULL);
    for (struct rac_arena_block *b = a->blocks, *next; b != NULL; b = next) {
        next = b->next;
        block_free(a, b);
    }
    *a = (struct rac_arena){.bytes_max = a->bytes_max, .secret = a->secret};
}

void rac_arena_reset(struct rac_arena *a)
{
    run_cleanups(a, NULL);
    struct rac_arena_block *keep = NULL;
    for (struct rac_arena_block *b = a->blocks, *next; b != NULL; b = next) {
        next = b->next;
        if (next == NULL && b->size <= KEEP_MAX)
            keep = b;
        else
            block_free(a, b);
    }
    *a = (struct rac_arena){.bytes_max = a->bytes_max, .secret = a->secret};
    if (keep != NULL) {
        if (a->secret)
            rac_secret_wipe(keep->data, keep->size);
        keep->next = NULL;
        a->blocks = keep;
        a->at = keep->data;
        a->end = keep->data + keep->size;
        a->used_bytes = keep->size;
    }
}

static struct rac_arena_block *block_new(struct rac_arena *a, size_t size)
{
    size_t total;
    RAC_ASSERT(rac_size_add(size, sizeof(struct rac_arena_block), &total));
    struct rac_arena_block *b = rac_mem_block_alloc(total);
    b->size = size;
    b->next = NULL;
    a->used_bytes += size;
    if (a->used_bytes > a->bytes_max)
        a->over = true;
    return b;
}

void *rac_arena_alloc_slow(struct rac_arena *a, size_t n)
{
    size_t r = (n + 7) & ~(size_t)7;
    RAC_ASSERT(r >= n);
    if (a->at != NULL && (size_t)(a->end - a->at) >= r) {
        void *p = a->at;
        a->at += r;
        return p;
    }
    size_t want = a->blocks == NULL ? BLOCK_MIN : a->used_bytes;
    want = want < BLOCK_MIN ? BLOCK_MIN : want > BLOCK_MAX ? BLOCK_MAX : want;
    if (a->blocks != NULL && r > want / 2) { /* a block of its own, behind the current one */
        struct rac_arena_block *b = block_new(a, r);
        b->next = a->blocks->next;
        a->blocks->next = b;
        return b->data;
    }
    struct rac_arena_block *b = block_new(a, r > want ? r : want);
    b->next = a->blocks;
    a->blocks = b;
    a->at = b->data + r;
    a->end = b->data + b->size;
    return b->data;
}

void *rac_arena_try(struct rac_arena *a, size_t n)
{
    size_t total;
    if (!rac_size_add(a->used_bytes, n, &total) || total > a->bytes_max) {
        if (n > (size_t)(a->end - a->at)) {
            a->over = true;
            return NULL;
        }
    }
    return rac_arena_alloc_dirty(a, n);
}

void *rac_arena_grow(struct rac_arena *a, void *old, size_t old_n, size_t new_n)
{
    size_t ro = (old_n + 7) & ~(size_t)7, rn = (new_n + 7) & ~(size_t)7;
    RAC_ASSERT(rn >= new_n);
    if (old != NULL && (char *)old + ro == a->at && rn >= ro &&
        (size_t)(a->end - a->at) >= rn - ro) {
        a->at += rn - ro;
        return old;
    }
    void *p = rac_arena_alloc_dirty(a, new_n);
    if (old_n > 0)
        memcpy(p, old, old_n < new_n ? old_n : new_n);
    return p;
}

void *rac_arena_alloc_n(struct rac_arena *a, size_t n, size_t size)
{
    size_t bytes;
    RAC_ASSERT(rac_size_mul(n, size, &bytes));
    return rac_arena_alloc(a, bytes);
}

char *rac_arena_cstr(struct rac_arena *a, rac_str s)
{
    char *p = rac_arena_alloc_dirty(a, s.n + 1);
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

rac_str rac_arena_str(struct rac_arena *a, rac_str s)
{
    if (s.p == NULL)
        return s;
    return (rac_str){rac_arena_cstr(a, s), s.n};
}

rac_str rac_arena_vprintf_max(struct rac_arena *a, size_t bytes_max, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    size_t whole = rac_vformat(NULL, 0, fmt, ap), n = whole < bytes_max ? whole : bytes_max;
    char *p = rac_arena_alloc_dirty(a, n + 2); /* with the byte behind a cut */
    rac_vformat(p, n < whole ? n + 1 : n, fmt, again);
    va_end(again);
    for (size_t at = n; n < whole && at > 0 && n - at < 4; at--) {
        if (((unsigned char)p[at] & 0xc0) != 0x80) {
            n = at;
            break;
        }
    }
    p[n] = '\0';
    return (rac_str){p, n};
}

rac_str rac_arena_vprintf(struct rac_arena *a, const char *fmt, va_list ap)
{
    return rac_arena_vprintf_max(a, SIZE_MAX - 2, fmt, ap);
}

rac_str rac_arena_printf(struct rac_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    rac_str s = rac_arena_vprintf(a, fmt, ap);
    va_end(ap);
    return s;
}

void rac_arena_cleanup(struct rac_arena *a, void (*fn)(void *arg), void *arg)
{
    struct rac_arena_cleanup *c = rac_arena_alloc_dirty(a, sizeof *c);
    *c = (struct rac_arena_cleanup){.next = a->cleanups, .fn = fn, .arg = arg};
    a->cleanups = c;
}

struct rac_arena_mark rac_arena_mark(struct rac_arena *a)
{
    if (a->blocks == NULL)
        return (struct rac_arena_mark){0};
    return (struct rac_arena_mark){a->blocks, a->blocks->next, a->at, a->cleanups};
}

static void newest_free(struct rac_arena *a, struct rac_arena_block **at)
{
    struct rac_arena_block *b = *at;
    *at = b->next;
    a->used_bytes -= b->size;
    block_free(a, b);
}

void rac_arena_rewind(struct rac_arena *a, struct rac_arena_mark m)
{
    run_cleanups(a, m.cleanups);
    while (a->blocks != m.block)
        newest_free(a, &a->blocks);
    if (m.block == NULL) {
        a->at = a->end = NULL;
        return;
    }
    while (m.block->next != m.behind) /* blocks of their own, made since */
        newest_free(a, &m.block->next);
    if (a->secret)
        rac_secret_wipe(m.at, (size_t)(m.block->data + m.block->size - m.at));
    a->at = m.at;
    a->end = m.block->data + m.block->size;
}
