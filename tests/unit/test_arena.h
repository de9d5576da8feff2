/* test_arena - the arena of a test, or of all tests of a file, as `a`; its setup and teardown. */
#ifndef RAC_TEST_ARENA_H
#define RAC_TEST_ARENA_H

#include "unit.h"

#include "base/arena.h"

static struct rac_arena a;

static inline int setup(void **state RAC_UNUSED)
{
    rac_arena_init(&a, (size_t)1 << 30);
    return 0;
}

static inline int teardown(void **state RAC_UNUSED)
{
    rac_arena_fini(&a);
    return 0;
}

#endif
