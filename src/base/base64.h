/*
 * base64 - RFC 4648: standard and URL-safe alphabets. Any thread.
 */
#ifndef RAC_BASE_BASE64_H
#define RAC_BASE_BASE64_H

#include "base/arena.h"
#include "base/base.h"

rac_str rac_base64_encode(struct rac_arena *a, rac_str bytes);    /* padded */
rac_str rac_base64url_encode(struct rac_arena *a, rac_str bytes); /* not padded */
/* Accepts either alphabet, padded or not, and white space between; false for anything else.
 * *out lives in a. */
bool rac_base64_decode(struct rac_arena *a, rac_str text, rac_str *out);
/* Takes bits behind the last byte as well, as .NET does ("YR==" is "a"): for content that others
 * wrote, never for signatures and keys. */
bool rac_base64_decode_lax(struct rac_arena *a, rac_str text, rac_str *out);

#endif
