/*
 * argon2id with libsodium's interactive parameters (two passes over 64 MiB). The text form carries
 * its parameters, so raising them later only makes old hashes "stale".
 */
#include "crypto/password.h"
#include "base/arena.h"

#include <sodium.h>

rac_err rac_password_hash(rac_str password, struct rac_arena *a, rac_str *out)
{
    if (password.n > RAC_PASSWORD_BYTES_MAX)
        return RAC_E_LIMIT;
    if (sodium_init() < 0)
        return RAC_E_INTERNAL;
    char *text = rac_arena_alloc(a, crypto_pwhash_STRBYTES);
    /* Fails only when it cannot get its 64 MiB. */
    if (crypto_pwhash_str_alg(
            text, password.p ? password.p : "", password.n, crypto_pwhash_OPSLIMIT_INTERACTIVE,
            crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return RAC_E_LIMIT;
    *out = (rac_str){text, strlen(text)};
    return RAC_OK;
}

bool rac_password_check(rac_str password, rac_str hash, bool *stale)
{
    char text[crypto_pwhash_STRBYTES] = {0};
    if (stale != NULL)
        *stale = false;
    if (password.n > RAC_PASSWORD_BYTES_MAX || hash.n == 0 || hash.n >= sizeof text ||
        sodium_init() < 0)
        return false;
    memcpy(text, hash.p, hash.n);
    if (crypto_pwhash_str_verify(text, password.p ? password.p : "", password.n) != 0)
        return false;
    if (stale != NULL)
        *stale = crypto_pwhash_str_needs_rehash(text, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                                crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0;
    return true;
}
