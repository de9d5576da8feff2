/*
 * utf8 - decoding, checking and mending. Any thread.
 */
#ifndef RAC_BASE_UTF8_H
#define RAC_BASE_UTF8_H

#include "base/arena.h"
#include "base/base.h"

/* Bytes of the valid sequence at p[0..n), 0 when it is not valid; *cp receives the code point. */
size_t rac_utf8_decode(const char *p, size_t n, uint32_t *cp);
/* Writes cp (a scalar value) and returns the bytes written, 1 to 4. */
size_t rac_utf8_encode(uint32_t cp, char out[4]);
/* Offset of the first byte that is not part of valid UTF-8, or s.n. */
size_t rac_utf8_check(rac_str s);
size_t rac_utf8_count(rac_str s); /* characters; an invalid byte counts as one */
/* s itself when valid, else a copy in a with every invalid byte replaced by U+FFFD. */
rac_str rac_utf8_mend(struct rac_arena *a, rac_str s);
/* Somebody else's words as one line that may stand in a status, a log or a page: trimmed, mended,
 * at most bytes_max bytes and cut at a character. Control characters, line separators and marks
 * that turn the direction of writing become blanks. In a. */
rac_str rac_utf8_line(struct rac_arena *a, rac_str s, size_t bytes_max);

#endif
