/*
 * uri - URIs in parts, references, percent-decoding (RFC 3986). What stands above the syntax is in
 * text/url.h, which includes this. Results are slices of the input or copies in the arena. Any
 * thread.
 */
#ifndef RAC_BASE_URI_H
#define RAC_BASE_URI_H

#include "base/arena.h"
#include "base/str.h"

/* %XX undone, "+" a space when form; a "%" without two digits stays. The result is bytes. */
rac_str rac_url_decode(struct rac_arena *a, rac_str s, bool form);
/* The same, false when a "%" is not followed by two hexadecimal digits. */
bool rac_url_decode_strict(struct rac_arena *a, rac_str s, bool form, rac_str *out);

/* Slices of a URL; absent (p NULL) and empty differ. "http://u@h:1/p?q#f". */
struct rac_url {
    rac_str scheme;   /* "http" */
    rac_str userinfo; /* "u" */
    rac_str host;     /* "h"; an IPv6 address without its brackets */
    rac_str port;     /* "1" */
    rac_str path;     /* "/p"; never absent */
    rac_str query;    /* "q" */
    rac_str fragment; /* "f" */
    bool has_authority;
    bool host_is_ipv6;
};

/* Splits a URL or relative reference. False: control characters, spaces, a bad port or bracket. */
bool rac_url_split(rac_str url, struct rac_url *out);
/* The same, and it must be absolute http or https with a host. */
bool rac_url_split_http(rac_str url, struct rac_url *out);
rac_str rac_url_join(struct rac_arena *a, const struct rac_url *u);
/*
 * ref resolved against base (RFC 3986 §5.2, dot segments removed). RAC_E_SYNTAX when base is not
 * absolute or either is no URL.
 */
rac_err rac_url_resolve(rac_str base, rac_str ref, struct rac_arena *a,
                        rac_str *out) RAC_MUST_CHECK;
rac_str rac_url_remove_dots(struct rac_arena *a, rac_str path);

#endif
