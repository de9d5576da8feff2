/*
 * digest - SHA-256, HMAC, random tokens. Any thread; algorithms are fetched once. Comparing and
 * wiping secrets is base/secret.h.
 */
#ifndef RAC_CRYPTO_DIGEST_H
#define RAC_CRYPTO_DIGEST_H

#include "base/arena.h"
#include "base/base.h"
#include "base/env.h"

enum { RAC_SHA256_BYTES = 32 };

void rac_sha256(rac_str bytes, uint8_t out[RAC_SHA256_BYTES]);
rac_str rac_sha256_hex(struct rac_arena *a, rac_str bytes); /* 64 lower-case digits */
/* SHA-1, for identifiers that are defined by it (RFC 9562 §5.5) and never for secrets. */
enum { RAC_SHA1_BYTES = 20 };
void rac_sha1(rac_str bytes, uint8_t out[RAC_SHA1_BYTES]);
void rac_hmac_sha256(rac_str key, rac_str bytes, uint8_t out[RAC_SHA256_BYTES]);
rac_str rac_hex(struct rac_arena *a, const void *p, size_t n); /* lower case */
/* n random bytes as base64url without padding: states, verifiers, tokens. */
rac_str rac_random_token(struct rac_arena *a, const struct rac_env *env, size_t n);

#endif
