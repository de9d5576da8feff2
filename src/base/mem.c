/*
 * Kept blocks: a list per size and thread. Sizes are 32 * 2^k and 64 bytes of room for headers of
 * ours and of arenas, so that a block of "4 KiB and a little" does not take 8. A block knows its
 * list; one that was allocated to its exact size has none.
 */
#define RAC_ALLOW_MALLOC
#include "base/mem.h"
#include "base/secret.h"

#include <malloc.h>

static void *checked(void *p, size_t n)
{
    if (RAC_UNLIKELY(p == NULL && n > 0)) {
        fprintf(stderr, "raccord: out of memory (%zu bytes)\n", n);
        abort();
    }
    return p;
}

void *rac_mem_alloc(size_t n)
{
    return checked(calloc(1, n ? n : 1), n);
}

void *rac_mem_alloc_dirty(size_t n)
{
    return checked(malloc(n ? n : 1), n);
}

void *rac_mem_realloc(void *p, size_t n)
{
    return checked(realloc(p, n ? n : 1), n);
}

void rac_mem_free(void *p)
{
    free(p);
}

void rac_mem_free_libc(void *p)
{
    free(p);
}

enum { SIZES = 11, EXACT = SIZES, KEPT_BYTES_MAX = 768 * 1024 /* of each size */ };

struct block {
    struct block *next; /* while kept */
    uint32_t size;      /* index, or EXACT */
    uint32_t n;         /* bytes asked for, or the size's capacity; for realloc */
    char data[];
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { KEEPING = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { KEEPING = 0 };
#else
enum { KEEPING = 1 };
#endif
#else
enum { KEEPING = 1 };
#endif

static _Thread_local struct {
    struct block *first[SIZES];
    unsigned n[SIZES];
    unsigned users;
} kept;

static size_t capacity(unsigned size)
{
    return ((size_t)32 << size) + 64;
}

static unsigned size_of(size_t n)
{
    return n <= 96 ? 0 : (unsigned)(64 - __builtin_clzll(n - 65)) - 5;
}

void *rac_mem_block_alloc(size_t n)
{
    unsigned size = EXACT;
    if (KEEPING && kept.users > 0 && n <= capacity(SIZES - 1)) {
        size = size_of(n);
        struct block *b = kept.first[size];
        if (RAC_LIKELY(b != NULL)) {
            kept.first[size] = b->next;
            kept.n[size]--;
            return b->data;
        }
        n = capacity(size);
    }
    size_t total;
    RAC_ASSERT(rac_size_add(n, sizeof(struct block), &total));
    struct block *b = checked(malloc(total), total);
    b->size = size;
    b->n = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
    return b->data;
}

static struct block *block_of(void *p)
{
    return (struct block *)((char *)p - offsetof(struct block, data));
}

void rac_mem_block_free(void *p)
{
    if (p == NULL)
        return;
    struct block *b = block_of(p);
    unsigned size = b->size;
    if (size == EXACT || kept.users == 0 || kept.n[size] * capacity(size) >= KEPT_BYTES_MAX) {
        free(b);
        return;
    }
    b->next = kept.first[size];
    kept.first[size] = b;
    kept.n[size]++;
}

void rac_mem_block_free_wiping(void *p)
{
    if (p != NULL)
        rac_secret_wipe(p, block_of(p)->n);
    rac_mem_block_free(p);
}

void *rac_mem_block_realloc_wiping(void *p, size_t n)
{
    if (p == NULL)
        return rac_mem_block_alloc(n);
    struct block *b = block_of(p);
    if (b->size != EXACT && n <= b->n)
        return p;
    void *q = rac_mem_block_alloc(n);
    memcpy(q, p, b->n < n ? b->n : n);
    rac_mem_block_free_wiping(p);
    return q;
}

void rac_mem_blocks_keep(void)
{
    kept.users++;
}

void rac_mem_blocks_let_go(void)
{
    RAC_ASSERT(kept.users > 0);
    if (--kept.users > 0)
        return;
    for (unsigned i = 0; i < SIZES; i++) {
        while (kept.first[i] != NULL) {
            struct block *b = kept.first[i];
            kept.first[i] = b->next;
            free(b);
        }
        kept.n[i] = 0;
    }
}

void rac_mem_keep_large(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 64 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 256 << 20);
    (void)mallopt(M_TOP_PAD, 4 << 20);
}
