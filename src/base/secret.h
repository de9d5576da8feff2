/*
 * secret - bytes that must not be left behind or compared in a way that tells how much was right.
 *
 * Keys that live as long as the process are in guarded, locked memory of crypto/seal.c. Secrets
 * that ride a request are in its arena and wiped with it.
 */
#ifndef RAC_BASE_SECRET_H
#define RAC_BASE_SECRET_H

#include "base/arena.h"
#include "base/base.h"

bool rac_secret_equal(rac_str a, rac_str b); /* time depends on the lengths only */
void rac_secret_wipe(void *p, size_t n);     /* a memset the compiler may not drop */
/* Wipes the bytes when the arena ends. */
void rac_secret_wipe_with(struct rac_arena *a, rac_str s);

#endif
