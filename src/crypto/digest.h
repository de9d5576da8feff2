/*
 * digest - SHA-256, HMAC, constant-time compare. Any thread; algorithms are fetched once.
 */
#ifndef RAC_CRYPTO_DIGEST_H
#define RAC_CRYPTO_DIGEST_H

#include "base/arena.h"
#include "base/base.h"
#include "base/env.h"

enum { RAC_SHA256_BYTES = 32 };

void rac_sha256(rac_str bytes, uint8_t out[RAC_SHA256_BYTES]);
rac_str rac_sha256_hex(struct rac_arena *a, rac_str bytes); /* 64 lower-case digits */
void rac_hmac_sha256(rac_str key, rac_str bytes, uint8_t out[RAC_SHA256_BYTES]);
/* Lengths may differ (false); otherwise the time does not depend on the contents. */
bool rac_equal_secret(rac_str a, rac_str b);
/* Overwrites memory; the compiler does not remove it. */
void rac_wipe(void *p, size_t n);
/* Wipes p when the arena ends: for secrets that live in an arena. */
void rac_wipe_later(struct rac_arena *a, void *p, size_t n);
rac_str rac_hex(struct rac_arena *a, const void *p, size_t n); /* lower case */
/* n random bytes as base64url without padding: states, verifiers, tokens. */
rac_str rac_random_token(struct rac_arena *a, const struct rac_env *env, size_t n);

#endif
