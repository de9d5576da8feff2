#include "base/buf.h"
#include "base/format.h"
#include "base/mem.h"
#include "base/secret.h"

void rac_buf_init(struct rac_buf *b, size_t bytes_max)
{
    *b = (struct rac_buf){.bytes_max = bytes_max};
}

void rac_buf_fini(struct rac_buf *b)
{
    if (b->secret)
        rac_secret_wipe(b->p, b->cap);
    rac_mem_free(b->p);
    *b = (struct rac_buf){.bytes_max = b->bytes_max, .secret = b->secret};
}

/* realloc may leave the old bytes behind. */
static char *grown(const struct rac_buf *b, size_t cap)
{
    if (!b->secret || b->p == NULL)
        return rac_mem_realloc(b->p, cap);
    char *p = rac_mem_alloc_dirty(cap);
    memcpy(p, b->p, b->cap);
    rac_secret_wipe(b->p, b->cap);
    rac_mem_free(b->p);
    return p;
}

void rac_buf_clear(struct rac_buf *b)
{
    b->n = 0;
    b->err = RAC_OK;
}

char *rac_buf_reserve(struct rac_buf *b, size_t n)
{
    size_t want;
    if (b->err != RAC_OK)
        return NULL;
    if (!rac_size_add(b->n, n, &want) || want > b->bytes_max) {
        b->err = RAC_E_LIMIT;
        return NULL;
    }
    if (want + 1 > b->cap) {
        size_t cap = b->cap < 64 ? 64 : b->cap * 2;
        if (cap < want + 1)
            cap = want + 1;
        b->p = grown(b, cap);
        b->cap = cap;
    }
    b->p[b->n] = '\0';
    return b->p + b->n;
}

void rac_buf_add(struct rac_buf *b, rac_str s)
{
    char *p = rac_buf_reserve(b, s.n);
    if (p == NULL || s.n == 0)
        return;
    memcpy(p, s.p, s.n);
    b->n += s.n;
    b->p[b->n] = '\0';
}

void rac_buf_printf(struct rac_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    size_t n = rac_vformat(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = rac_buf_reserve(b, n);
    if (p != NULL) {
        rac_vformat(p, n, fmt, again);
        p[n] = '\0';
        b->n += n;
    }
    va_end(again);
}

rac_str rac_buf_give(struct rac_buf *b, struct rac_arena *a)
{
    RAC_ASSERT(!b->secret && b->p != NULL);
    rac_str s = {rac_mem_realloc(b->p, b->n + 1), b->n};
    a->used_bytes += s.n;
    a->over = a->over || a->used_bytes > a->bytes_max;
    rac_arena_cleanup(a, rac_mem_free, (void *)(uintptr_t)s.p);
    rac_buf_init(b, b->bytes_max);
    return s;
}

rac_str rac_buf_take(struct rac_buf *b, struct rac_arena *a)
{
    rac_str s = rac_arena_str(a, rac_buf_str(b));
    rac_buf_clear(b);
    return s;
}
