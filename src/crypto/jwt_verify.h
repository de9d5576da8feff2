/*
 * jwt_verify - signed tokens (RFC 7519 in compact JWS form) that somebody else's identity provider
 * issued: is the signature that of one of its keys? Any thread.
 *
 * Algorithms are a fixed list: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, each
 * only with a key of its kind; "none" and the symmetric ones are never taken. What claims mean
 * (issuer, audience, times) is for the caller to ask.
 */
#ifndef RAC_CRYPTO_JWT_VERIFY_H
#define RAC_CRYPTO_JWT_VERIFY_H

#include "base/arena.h"
#include "base/base.h"
#include "json/json.h"

enum { RAC_JWT_BYTES_MAX = 64 << 10 };

/* Header and claims, not verified: to know whose keys to use. In a. False: no token. */
bool rac_jwt_peek(rac_str token, struct rac_arena *a, struct rac_json *header,
                  struct rac_json *claims);

/*
 * keys: {"keys": [JWK, ...]} (RFC 7517). RAC_OK with *claims in a; RAC_E_SYNTAX: no token;
 * RAC_E_UNSUPPORTED: an algorithm that is not taken; RAC_E_NOT_FOUND: none of these keys has the
 * token's "kid" (fetch newer ones); RAC_E_DENIED: the signature is not right.
 */
rac_err rac_jwt_verify(rac_str token, const struct rac_json *keys, struct rac_arena *a,
                       struct rac_json *claims) RAC_MUST_CHECK;

#endif
