/*
 * banned - calls that may not appear in src/: using one is a compile error (deprecated + -Werror).
 * Each is unsafe, depends on the locale, or hides an input that must be passed in (clock, random).
 * A file that is the one home of such a call defines RAC_ALLOW_<GROUP> before its first include.
 */
#ifndef RAC_BANNED_H
#define RAC_BANNED_H

#include <alloca.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Some of these are inline in libc's headers, where clang ignores the attribute and says so. */
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wignored-attributes"
#endif

#define RAC_BAN(fn, why) __typeof__(fn) fn __attribute__((deprecated("banned: " why)))

RAC_BAN(strcpy, "use rac_str and rac_buf");
RAC_BAN(strcat, "use rac_buf");
RAC_BAN(strncpy, "use rac_str");
RAC_BAN(strncat, "use rac_buf");
RAC_BAN(sprintf, "use rac_buf_printf or snprintf");
RAC_BAN(vsprintf, "use rac_buf_printf or vsnprintf");
RAC_BAN(strtok, "use rac_str_cut");
RAC_BAN(atoi, "use rac_str_to_i64");
RAC_BAN(atol, "use rac_str_to_i64");
RAC_BAN(atoll, "use rac_str_to_i64");
RAC_BAN(atof, "use rac_str_to_double");
RAC_BAN(scanf, "write a parser");
RAC_BAN(sscanf, "write a parser");
RAC_BAN(fscanf, "write a parser");
RAC_BAN(gmtime, "use base/time.h");
RAC_BAN(localtime, "use base/time.h");
RAC_BAN(mktime, "use base/time.h");
RAC_BAN(asctime, "use base/time.h");
RAC_BAN(ctime, "use base/time.h");
RAC_BAN(setlocale, "Raccord runs in the C locale");
RAC_BAN(system, "use libuv processes");
RAC_BAN(popen, "use libuv processes");
RAC_BAN(rand, "use rac_env");
RAC_BAN(srand, "use rac_env");
RAC_BAN(random, "use rac_env");
RAC_BAN(time, "use rac_env");
RAC_BAN(signal, "use libuv signals");
RAC_BAN(sleep, "nothing sleeps");
RAC_BAN(usleep, "nothing sleeps");
#ifndef RAC_ALLOW_MALLOC
RAC_BAN(malloc, "use rac_arena or rac_mem_alloc");
RAC_BAN(calloc, "use rac_arena or rac_mem_alloc");
RAC_BAN(realloc, "use rac_mem_realloc");
RAC_BAN(free, "use rac_mem_free; memory of a library: rac_mem_free_libc");
RAC_BAN(strdup, "use rac_arena_str");
#endif
#ifndef RAC_ALLOW_FSYNC
RAC_BAN(fsync, "only in the blocking pool and the store");
#endif
#ifdef __clang__
#pragma clang diagnostic pop
#endif

#endif
