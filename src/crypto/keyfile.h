/*
 * keyfile - the master key on disk: 43 base64url characters and a line end, mode 0600. Blocking;
 * used by seal.c only.
 */
#ifndef RAC_CRYPTO_KEYFILE_H
#define RAC_CRYPTO_KEYFILE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/env.h"

/* key: 32 bytes. *why in a: a sentence with the file's name. RAC_E_NOT_FOUND, RAC_E_DENIED (others
 * may read it), RAC_E_SYNTAX, RAC_E_IO. */
rac_err rac_keyfile_read(rac_str file, struct rac_arena *a, uint8_t *key,
                         rac_str *why) RAC_MUST_CHECK;
/* A new key, durable and complete before it has its name. A file that appears meanwhile wins: it
 * is read. */
rac_err rac_keyfile_create(rac_str file, const struct rac_env *env, struct rac_arena *a,
                           uint8_t *key, rac_str *why) RAC_MUST_CHECK;

#endif
