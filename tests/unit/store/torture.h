/* torture - what tests of a failing disk share: the directory, and every operation failing in turn. */
#ifndef RAC_TEST_STORE_TORTURE_H
#define RAC_TEST_STORE_TORTURE_H

#include "fail_vfs.h"
#include "fixture.h"

int torture_setup(void **state); /* a fixture with a directory, nothing in it; no store */
int torture_teardown(void **state);

/* one() makes a store in the empty directory, lets operation n fail, and checks what is left; it is
 * called for every n that is reached. */
typedef void (*torture_fn)(struct fixture *f, int64_t n, int rc, bool for_ever);
void torture_every(struct fixture *f, torture_fn one, int rc, bool for_ever);

/* The database of dir: its pages, its references. */
void torture_must_be_sound(const char *dir);
/* The first column of the first row is 0. */
void torture_must_be_none(const char *dir, const char *sql);

#endif
