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

/*
 * Blocks that come and go many times a second: arena blocks and what curl allocates. A thread that
 * runs a loop keeps freed ones for itself, by size, up to about 8 MB; elsewhere, above 32 KB and
 * under sanitizers this is plain malloc. Any thread may free what another allocated.
 */
void *rac_mem_block_alloc(size_t n); /* not zeroed, owned; never NULL */
void rac_mem_block_free(void *p);    /* NULL is fine */
/* For libraries that are handed secrets: what is given back is wiped. */
void *rac_mem_block_realloc_wiping(void *p, size_t n);
void rac_mem_block_free_wiping(void *p);
void rac_mem_blocks_keep(void);   /* this thread keeps blocks from now on; calls nest */
void rac_mem_blocks_let_go(void); /* the last let_go frees what this thread kept */

/* For commands that read a catalogue: memory that was freed stays with the process for the next
 * file instead of going back to the kernel page by page. Call once, before work begins. */
void rac_mem_keep_large(void);

#endif
