/*
 * buf - growable bytes with a hard cap.
 *
 * Errors are sticky: past the cap every further add is a no-op and rac_buf_err() says
 * RAC_E_LIMIT, so a writer checks once, at the end. Contents are NUL-terminated for debuggers
 * only. Not shared between threads. Heap-backed; rac_buf_fini frees.
 */
#ifndef RAC_BASE_BUF_H
#define RAC_BASE_BUF_H

#include "base/arena.h"
#include "base/base.h"

struct rac_buf {
    char *p;
    size_t n, cap, bytes_max;
    rac_err err;
    bool secret; /* see rac_buf_wipe_at_end */
};

void rac_buf_init(struct rac_buf *b, size_t bytes_max);
void rac_buf_fini(struct rac_buf *b);
/* What was and will be in it is wiped when the memory goes, growing included. */
static inline void rac_buf_wipe_at_end(struct rac_buf *b)
{
    b->secret = true;
}
void rac_buf_clear(struct rac_buf *b); /* empties, clears the error, keeps the memory */

/* Room for n more bytes at the returned place, or NULL at the cap; then rac_buf_added(b, used). */
char *rac_buf_reserve(struct rac_buf *b, size_t n);
static inline void rac_buf_added(struct rac_buf *b, size_t n)
{
    RAC_ASSERT(b->n + n <= b->cap);
    b->n += n;
}
void rac_buf_add(struct rac_buf *b, rac_str s);
static inline void rac_buf_add_char(struct rac_buf *b, char c)
{
    if (RAC_UNLIKELY(b->n + 2 > b->cap || b->n >= b->bytes_max || b->err != RAC_OK)) {
        rac_buf_add(b, (rac_str){&c, 1});
        return;
    }
    b->p[b->n++] = c;
    b->p[b->n] = '\0';
}
void rac_buf_printf(struct rac_buf *b, const char *fmt, ...) RAC_PRINTF(2, 3);
#define RAC_BUF_ADD_LIT(b, lit) rac_buf_add((b), RAC_S(lit))

static inline rac_err rac_buf_err(const struct rac_buf *b)
{
    return b->err;
}
static inline rac_str rac_buf_str(const struct rac_buf *b) /* borrowed until the next change */
{
    return (rac_str){b->p ? b->p : "", b->n};
}
rac_str rac_buf_take(struct rac_buf *b, struct rac_arena *a); /* copies into a; b is empty after */
/* The same for much: the memory itself becomes a's, counted there until a ends. Not for secrets. */
rac_str rac_buf_give(struct rac_buf *b, struct rac_arena *a);

#endif
