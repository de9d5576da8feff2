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

#endif
