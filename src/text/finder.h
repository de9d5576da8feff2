/*
 * finder - many texts looked for in one, in one pass (Wu and Manber): most bytes are skipped, however
 * many texts there are.
 *
 * Immutable once made; any thread. Lives in the arena given and borrows the texts.
 */
#ifndef RAC_TEXT_FINDER_H
#define RAC_TEXT_FINDER_H

#include "base/arena.h"
#include "base/base.h"

struct rac_finder;

enum { RAC_FINDER_TEXT_MIN = 3, RAC_FINDER_TEXTS_MAX = 4096 };

/* At most RAC_FINDER_TEXTS_MAX texts of RAC_FINDER_TEXT_MIN bytes or more each. n 0: finds nothing. */
const struct rac_finder *rac_finder_new(const rac_str *texts, size_t n, struct rac_arena *a);
/* The first place from `from` on where one of them stands, and the length of the longest one there;
 * RAC_STR_NPOS: there is none. */
size_t rac_finder_next(const struct rac_finder *f, rac_str in, size_t from, size_t *length);

#endif
