/*
 * mem - the only home of malloc. Small failures abort: a process that cannot get a few kilobytes
 * cannot keep its promises. Memory sized by a user comes from a capped arena or buffer instead.
 * Any thread.
 */
#ifndef RAC_BASE_MEM_H
#define RAC_BASE_MEM_H

#include "base/base.h"

void *rac_mem_alloc(size_t n);            /* zeroed, owned; never NULL; n may be 0 */
void *rac_mem_alloc_dirty(size_t n);      /* not zeroed, owned; never NULL */
void *rac_mem_realloc(void *p, size_t n); /* never NULL */
void rac_mem_free(void *p);               /* NULL is fine */
void rac_mem_free_libc(void *p);          /* memory that a library malloc'ed and told us to free */

#endif
