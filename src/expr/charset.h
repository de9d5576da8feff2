/*
 * charset - text in the encodings that media types name (spec expressions §11). ICU knows them; any
 * thread.
 */
#ifndef RAC_EXPR_CHARSET_H
#define RAC_EXPR_CHARSET_H

#include "base/arena.h"

bool charset_known(rac_str name); /* in any letter case */
/* Bytes as UTF-8, without a mark of byte order; what has no meaning becomes U+FFFD. An unknown or
 * absent charset is UTF-8. Borrowed, or in a. */
rac_str charset_text(rac_str name, rac_str bytes, struct rac_arena *a);

#endif
