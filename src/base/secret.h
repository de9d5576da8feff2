/*
 * secret - bytes that must not be printed, logged, swapped or left behind.
 *
 * Held in locked memory, wiped on release. There is no implicit way to a rac_str: whoever needs
 * the bytes says so by calling rac_secret_reveal, which is what a review looks for.
 */
#ifndef RAC_BASE_SECRET_H
#define RAC_BASE_SECRET_H

#include "base/arena.h"
#include "base/base.h"

struct rac_secret {
    char *p; /* owned, locked; not for direct use */
    size_t n;
};

void rac_secret_init(struct rac_secret *s, rac_str bytes); /* copies; wipe your own copy */
void rac_secret_fini(struct rac_secret *s);                /* wipes; s may be zeroed */
rac_str rac_secret_reveal(const struct rac_secret *s);     /* borrowed until fini */
bool rac_secret_equal(rac_str a, rac_str b);               /* time depends on the lengths only */
void rac_secret_wipe(void *p, size_t n);                   /* a memset the compiler may not drop */
/* Wipes the bytes when the arena ends: for revealed copies that ride a request. */
void rac_secret_wipe_with(struct rac_arena *a, rac_str s);

#endif
