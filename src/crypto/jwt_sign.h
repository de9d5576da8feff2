/*
 * jwt_sign - signed assertions (RFC 7523) with which a client proves itself to a token endpoint
 * instead of sending a secret. RS256 only, which is what identity providers take. Any thread.
 */
#ifndef RAC_CRYPTO_JWT_SIGN_H
#define RAC_CRYPTO_JWT_SIGN_H

#include "base/arena.h"
#include "base/base.h"

/*
 * A compact JWS over claims (JSON text). key_pem: an RSA private key of at least 2048 bits (PKCS#1
 * or PKCS#8, not encrypted); certificate_pem: its certificate, named in the header by its
 * thumbprints (x5t, x5t#S256). *jwt in a.
 * RAC_E_INVALID with *error (a static sentence): not PEM, not RSA, too short, or a key that does
 * not belong to the certificate.
 */
rac_err rac_jwt_sign_rs256(rac_str claims, rac_str certificate_pem, rac_str key_pem,
                           struct rac_arena *a, rac_str *jwt, const char **error) RAC_MUST_CHECK;

#endif
