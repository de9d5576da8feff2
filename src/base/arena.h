/*
 * arena - memory that lives as long as one request, one document or one engine step.
 *
 * Allocation bumps a pointer; everything is freed at once. Owned by one thread at a time.
 * The arena has a cap. Passing it does not make an allocation fail (callers would have to check
 * each of thousands): it sets a sticky flag, and every loop whose length an outsider decides asks
 * rac_arena_over() once per turn and returns RAC_E_LIMIT. A single allocation whose size an
 * outsider decides uses rac_arena_try(), which does return NULL.
 *
 *     struct rac_arena a;
 *     rac_arena_init(&a, 1 << 20);
 *     char *p = rac_arena_alloc(&a, 100);
 *     rac_arena_fini(&a);
 */
#ifndef RAC_BASE_ARENA_H
#define RAC_BASE_ARENA_H

#include <stdarg.h>

#include "base/base.h"

struct rac_arena_block;
struct rac_arena_cleanup;

struct rac_arena {
    char *at, *end;                     /* free space of the newest block */
    struct rac_arena_block *blocks;     /* newest first */
    struct rac_arena_cleanup *cleanups; /* newest first: run last in, first out */
    size_t used_bytes;                  /* bytes of blocks obtained */
    size_t bytes_max;
    bool over;   /* the cap was passed */
    bool secret; /* see rac_arena_wipe_at_end */
};

/* A position to go back to: rac_arena_mark / rac_arena_rewind frees everything in between. */
struct rac_arena_mark {
    struct rac_arena_block *block, *behind; /* the newest, and the one it was linked to */
    char *at;
    struct rac_arena_cleanup *cleanups;
};

void rac_arena_init(struct rac_arena *a, size_t bytes_max);
void rac_arena_fini(struct rac_arena *a);  /* runs cleanups, frees all */
void rac_arena_reset(struct rac_arena *a); /* the same, keeps a small first block for reuse */

/* All that was and will be allocated is wiped when it is freed (fini, reset, rewind): for the
 * arenas in which tokens and passwords are put together, where single strings would be missed. The
 * arena stays so until it is initialised anew. */
static inline void rac_arena_wipe_at_end(struct rac_arena *a)
{
    a->secret = true;
}

static inline bool rac_arena_over(const struct rac_arena *a)
{
    return a->over;
}

void *rac_arena_alloc_slow(struct rac_arena *a, size_t n); /* not for callers */

/* n bytes aligned to 8, not zeroed; never NULL. n is ours, or bounded by input already in memory.
 */
static inline void *rac_arena_alloc_dirty(struct rac_arena *a, size_t n)
{
    size_t r = (n + 7) & ~(size_t)7;
    if (RAC_LIKELY((size_t)(a->end - a->at) >= r && r >= n && a->at != NULL)) {
        void *p = a->at;
        a->at += r;
        return p;
    }
    return rac_arena_alloc_slow(a, n);
}
/* The same, zeroed. */
static inline void *rac_arena_alloc(struct rac_arena *a, size_t n)
{
    void *p = rac_arena_alloc_dirty(a, n);
    return n > 0 ? memset(p, 0, n) : p;
}
/* NULL, and the arena marked over, when n would pass the cap. Not zeroed. */
void *rac_arena_try(struct rac_arena *a, size_t n);
/* Grows the last allocation in place where possible, else copies. old may be NULL. */
void *rac_arena_grow(struct rac_arena *a, void *old, size_t old_n, size_t new_n);

#define RAC_NEW(a, type)      ((type *)rac_arena_alloc((a), sizeof(type)))
#define RAC_NEW_N(a, type, n) ((type *)rac_arena_alloc_n((a), (n), sizeof(type)))
void *rac_arena_alloc_n(struct rac_arena *a, size_t n, size_t size); /* zeroed; checks n * size */

rac_str rac_arena_str(struct rac_arena *a, rac_str s); /* copy; NUL-terminated */
char *rac_arena_cstr(struct rac_arena *a, rac_str s);  /* copy; NUL-terminated */
/* NUL-terminated. "%.*s" prints zeros too (base/format). */
rac_str rac_arena_printf(struct rac_arena *a, const char *fmt, ...) RAC_PRINTF(2, 3);
rac_str rac_arena_vprintf(struct rac_arena *a, const char *fmt, va_list ap) RAC_PRINTF(2, 0);
/* At most so many bytes, cut between characters: for messages that quote what was given. */
rac_str rac_arena_vprintf_max(struct rac_arena *a, size_t bytes_max, const char *fmt, va_list ap)
    RAC_PRINTF(3, 0);

/* fn(arg) when the arena is finished, reset, or rewound past this point. */
void rac_arena_cleanup(struct rac_arena *a, void (*fn)(void *arg), void *arg);

struct rac_arena_mark rac_arena_mark(struct rac_arena *a);
void rac_arena_rewind(struct rac_arena *a, struct rac_arena_mark m);

#endif
