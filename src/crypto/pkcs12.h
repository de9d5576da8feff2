/*
 * pkcs12 - certificates with their keys as people export them (PKCS#12, ".pfx"). Any thread.
 */
#ifndef RAC_CRYPTO_PKCS12_H
#define RAC_CRYPTO_PKCS12_H

#include "base/arena.h"
#include "base/base.h"

/*
 * Opens bytes with a password (may be empty) and gives certificate (its chain behind it) and
 * unencrypted private key as PEM, in a; the key is wiped when a ends. RAC_E_INVALID with *error (a
 * static sentence): no PKCS#12, the wrong password, no certificate or key in it. A few milliseconds
 * of hashing.
 */
rac_err rac_pkcs12_open(rac_str bytes, rac_str password, struct rac_arena *a,
                        rac_str *certificate_pem, rac_str *key_pem,
                        const char **error) RAC_MUST_CHECK;

#endif
