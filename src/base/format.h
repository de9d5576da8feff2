/*
 * format - printf whose "%.*s" prints every byte.
 *
 * A slice may hold zeros (a JSON key "a\u0000b" does), and the C library ends a "%.*s" at the first
 * one: two different keys would print alike, and what is printed may be a JSON pointer, a key of a
 * map or a policy. Here "%.*s" (no flags, no width) takes its precision as the length. Everything
 * else is as in C; "%n" is not supported. Any thread. Callers are rac_arena_printf and its like.
 */
#ifndef RAC_BASE_FORMAT_H
#define RAC_BASE_FORMAT_H

#include <stdarg.h>

#include "base/base.h"

/* Writes at most room bytes, without a NUL behind them. Returns the bytes of the whole text. */
size_t rac_vformat(char *out, size_t room, const char *fmt, va_list given) RAC_PRINTF(3, 0);

/* Decimal digits of i, with a minus, in room; no NUL. */
enum { RAC_I64_TEXT = 20 };
rac_str rac_format_i64(char room[RAC_I64_TEXT], int64_t i);
/* Is d, not negative, the number that is nearest to *m / 10^*places, with at most 15 digits and 6
 * places? Then these are its shortest digits. Most numbers people write are. */
bool rac_double_is_short(double d, int64_t *m, unsigned *places);

#endif
