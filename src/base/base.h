/*
 * base - the words every other file uses: slices, errors, asserts, checked sizes.
 *
 * Included first by every header. Nothing here allocates. Safe from any thread.
 * See docs/internals/base.md.
 */
#ifndef RAC_BASE_H
#define RAC_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RAC_MUST_CHECK   __attribute__((warn_unused_result))
#define RAC_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define RAC_NORETURN     __attribute__((noreturn))
#define RAC_UNUSED       __attribute__((unused))
#define RAC_LIKELY(x)    __builtin_expect(!!(x), 1)
#define RAC_UNLIKELY(x)  __builtin_expect(!!(x), 0)
#define RAC_NOINLINE     __attribute__((noinline))
#define RAC_COUNT(a)     (sizeof(a) / sizeof((a)[0]))

/* Borrowed bytes, no NUL promised. A null p with n 0 means "absent"; "" means present and empty. */
typedef struct {
    const char *p;
    size_t n;
} rac_str;

#define RAC_S(lit) ((rac_str){"" lit, sizeof(lit) - 1})
#define RAC_S_INIT(l)                                                                              \
    {                                                                                              \
        "" l, sizeof(l) - 1                                                                        \
    } /* for static tables */
#define RAC_STR_NULL ((rac_str){NULL, 0})
static inline int rac_fmt_n(size_t n) /* a negative precision would mean "up to the NUL" */
{
    return n < INT32_MAX ? (int)n : INT32_MAX;
}
static inline const char *rac_fmt_p(const char *p) /* an absent slice prints as an empty one */
{
    return p != NULL ? p : "";
}
#define RAC_FMT(s) rac_fmt_n((s).n), rac_fmt_p((s).p) /* printf("%.*s", RAC_FMT(s)) */

typedef int64_t rac_ns; /* monotonic nanoseconds */
typedef int64_t rac_ms; /* wall clock, milliseconds since 1970-01-01T00:00:00Z */
/* A hundred years: what outsiders say a wait should be is cut to this before it is added to a time. */
#define RAC_AGES_MS INT64_C(3155760000000)

/* Operating failures; base/errors.def has the sentence for each. */
typedef enum {
#define ERR(name, word, text) RAC_##name,
#include "base/errors.def"
#undef ERR
} rac_err;

const char *rac_err_name(rac_err e); /* "not_found" */
const char *rac_err_text(rac_err e); /* "not found" */

/* A bug in Raccord. Always on: prints file, line and expression, then aborts. */
RAC_NORETURN void rac_assert_failed(const char *file, int line, const char *expr);
#define RAC_ASSERT(x) (RAC_LIKELY(x) ? (void)0 : rac_assert_failed(__FILE__, __LINE__, #x))

/* Long-lived objects start with `uint32_t magic`; RAC_CAST checks what comes back as void *. */
#define RAC_CAST(ptr, type, MAGIC)                                                                 \
    ({                                                                                             \
        type *rac_cast_ = (type *)(ptr);                                                           \
        RAC_ASSERT(rac_cast_ != NULL && rac_cast_->magic == (MAGIC));                              \
        rac_cast_;                                                                                 \
    })

/* Checked arithmetic on sizes that come from outside: false on overflow. */
static inline bool rac_size_add(size_t a, size_t b, size_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}
static inline bool rac_size_mul(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

#include "base/banned.h"
#endif
