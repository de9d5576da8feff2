/*
 * inflate - gzip and deflate bodies, decoded as they come (RFC 9110 §8.4.1). The caller's buffers
 * bound the memory: what a small piece unpacks to arrives in as many steps as it needs. Loop thread
 * or any other, one at a time.
 */
#ifndef RAC_HTTP_INFLATE_H
#define RAC_HTTP_INFLATE_H

#include "base/base.h"

struct rac_inflate;

/* coding: a Content-Encoding. NULL: not one of "gzip", "x-gzip", "deflate". Owned. */
struct rac_inflate *rac_inflate_new(rac_str coding);
void rac_inflate_free(struct rac_inflate *d); /* NULL is fine */
/* Takes from *in and fills out; *n bytes came. *n == cap: there may be more without more input.
 * RAC_E_SYNTAX: damaged. */
rac_err rac_inflate_step(struct rac_inflate *d, rac_str *in, char *out, size_t cap,
                         size_t *n) RAC_MUST_CHECK;
/* The body ended here: was it whole? An empty one is. */
bool rac_inflate_whole(const struct rac_inflate *d);

#endif
