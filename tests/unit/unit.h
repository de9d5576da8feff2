/* unit - what every cmocka test file includes, in the order cmocka wants. */
#ifndef RAC_UNIT_H
#define RAC_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

#define assert_str(s, lit)                                                                         \
    do {                                                                                           \
        rac_str got_ = (s);                                                                        \
        if (!rac_str_eq(got_, rac_str_of(lit)))                                                    \
            fail_msg("got \"%.*s\", want \"%s\"", RAC_FMT(got_), (lit));                           \
    } while (0)

/* By what sanitizers stretch bounds on processor time; all other builds keep them. */
#if defined(__SANITIZE_THREAD__)
#define RAC_UNIT_SLOWER 20
#elif defined(__SANITIZE_ADDRESS__)
#define RAC_UNIT_SLOWER 5
#else
#define RAC_UNIT_SLOWER 1
#endif

#endif
