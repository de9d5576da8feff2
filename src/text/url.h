/*
 * url - percent-encoding, origins, query strings; with base/uri.h, which splits, joins, decodes and
 * resolves. No host is looked up and nothing is fetched. Results are slices of the input or copies
 * in the arena. Any thread.
 */
#ifndef RAC_TEXT_URL_H
#define RAC_TEXT_URL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/uri.h"

/* --- percent-encoding ------------------------------------------------------------------------ */

enum rac_url_set {
    RAC_URL_COMPONENT, /* encodeURIComponent: kept are A-Z a-z 0-9 - _ . ! ~ * ' ( ) */
    RAC_URL_FORM,      /* application/x-www-form-urlencoded: kept are A-Z a-z 0-9 - _ . *; space
                          becomes "+" */
    RAC_URL_STRICT,    /* RFC 3986 unreserved only: A-Z a-z 0-9 - _ . ~ */
    RAC_URL_PATH,  /* a whole path: also / : @ ! $ & ' ( ) * + , ; = and "%" of a valid escape */
    RAC_URL_QUERY, /* a whole query: the same and "?" */
    RAC_URL_WHOLE, /* a whole URL as somebody wrote it: all that may stand in one, and every "%" */
};
rac_str rac_url_encode(struct rac_arena *a, rac_str s); /* RAC_URL_COMPONENT */
rac_str rac_url_encode_set(struct rac_arena *a, rac_str s, enum rac_url_set set);
/* Into out, which has room for 3 * s.n bytes; the bytes written. */
size_t rac_url_encode_into(char *out, rac_str s, enum rac_url_set set);
void rac_url_encode_to(struct rac_buf *b, rac_str s, enum rac_url_set set);

/* --- origins --------------------------------------------------------------------------------- */

/* Port number, that of the scheme when none is given; 0 when neither is known. */
unsigned rac_url_port(const struct rac_url *u);
/* scheme://host:port in lower case without the scheme's own port: equal when the origins are. */
rac_str rac_url_origin(struct rac_arena *a, const struct rac_url *u);

/* What stands before the query and the fragment, in which signatures and keys are: for messages. */
rac_str rac_url_plain(rac_str url);

/* --- query strings --------------------------------------------------------------------------- */

/* Walks "a=1&b=2": next pair, still encoded; false at the end. value is absent without "=".
 * while (rac_url_query_next(&rest, &name, &value)) */
bool rac_url_query_next(rac_str *rest, rac_str *name, rac_str *value);
/* Decoded value of the first pair of that (decoded) name, or absent. "+" is a space. */
rac_str rac_url_query_get(struct rac_arena *a, rac_str query, rac_str name);
/* url with name=value added behind its query (both encoded here), before its fragment. */
rac_str rac_url_query_add(struct rac_arena *a, rac_str url, rac_str name, rac_str value);
/* url with every pair of that name replaced by one; value absent: only removed. */
rac_str rac_url_query_set(struct rac_arena *a, rac_str url, rac_str name, rac_str value);

#endif
