#define RAC_ALLOW_MALLOC
#include "base/mem.h"

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
