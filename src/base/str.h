/*
 * str - working with borrowed byte slices. Nothing here allocates unless it takes an arena.
 * All comparisons are by byte; the "i" forms fold ASCII letters only. Any thread.
 */
#ifndef RAC_BASE_STR_H
#define RAC_BASE_STR_H

#include "base/arena.h"
#include "base/base.h"

static inline rac_str rac_str_of(const char *cstr) /* borrows; NULL gives the absent slice */
{
    return (rac_str){cstr, cstr ? strlen(cstr) : 0};
}
static inline bool rac_str_eq(rac_str a, rac_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline rac_str rac_str_from(rac_str s, size_t from) /* s[from..]; empty past the end */
{
    return from >= s.n ? (rac_str){s.p ? s.p + s.n : NULL, 0} : (rac_str){s.p + from, s.n - from};
}
static inline rac_str rac_str_sub(rac_str s, size_t from, size_t n) /* s[from..from+n), clipped */
{
    s = rac_str_from(s, from);
    return (rac_str){s.p, s.n < n ? s.n : n};
}
static inline char rac_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static inline bool rac_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool rac_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline bool rac_is_alnum(char c)
{
    return rac_is_digit(c) || rac_is_alpha(c);
}
static inline int rac_hex_value(char c) /* 0..15; -1: no hexadecimal digit */
{
    char lower = (char)(c | 0x20);
    return rac_is_digit(c) ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
static inline bool rac_is_space(char c) /* ASCII white space */
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool rac_str_eqi(rac_str a, rac_str b);
int rac_str_cmp(rac_str a, rac_str b); /* by byte, shorter first; for qsort */
bool rac_str_starts(rac_str s, rac_str prefix);
bool rac_str_startsi(rac_str s, rac_str prefix);
bool rac_str_ends(rac_str s, rac_str suffix);
bool rac_str_endsi(rac_str s, rac_str suffix);
#define RAC_STR_NPOS SIZE_MAX
size_t rac_str_find(rac_str s, rac_str what); /* first place or RAC_STR_NPOS */
size_t rac_str_findi(rac_str s, rac_str what);
size_t rac_str_find_char(rac_str s, char c);
size_t rac_str_rfind_char(rac_str s, char c);
rac_str rac_str_trim(rac_str s); /* ASCII white space off both ends */
/* Cuts at the first sep: head is what stands before it, *rest what follows (absent when no sep).
 * while (rest.p != NULL) { rac_str part = rac_str_cut(rest, ',', &rest); ... } */
rac_str rac_str_cut(rac_str s, char sep, rac_str *rest);
/* For tables in memory: another process gives another value, so none is stored or shown. */
uint64_t rac_str_hash(rac_str s);

/* Whole-string conversions; false when the text is not exactly one number in range. */
bool rac_str_to_i64(rac_str s, int64_t *out);
bool rac_str_to_u64(rac_str s, uint64_t *out);
bool rac_str_to_double(rac_str s, double *out); /* C locale, decimal only */
bool rac_str_is_uuid(rac_str s);                /* 8-4-4-4-12 hexadecimal digits */

rac_str rac_str_lower(struct rac_arena *a, rac_str s); /* ASCII; in a */
rac_str rac_str_upper(struct rac_arena *a, rac_str s);
rac_str rac_str_concat(struct rac_arena *a, rac_str x, rac_str y);
rac_str rac_str_replace(struct rac_arena *a, rac_str s, rac_str what, rac_str with); /* all */
/* Edit distance of two short strings (at most 64 bytes each), larger answers UINT_MAX. */
unsigned rac_str_distance(rac_str a, rac_str b);

#endif
