/*
 * seal - secrets at rest: XChaCha20-Poly1305 under a data key of the tenant, which is wrapped by
 * the master key of the installation.
 *
 * A sealed record: version byte 1, key id (4 bytes, big endian), nonce (24), cipher text, tag (16).
 * Associated data bind it to its place (table, row), so a record moved elsewhere does not open.
 * Keys live in locked memory (libsodium) and never leave this room. A key ring is filled by its
 * owner (store) and then read by any thread; adding keys is for the owner, under its own lock.
 */
#ifndef RAC_CRYPTO_SEAL_H
#define RAC_CRYPTO_SEAL_H

#include "base/arena.h"
#include "base/base.h"
#include "base/env.h"

enum { RAC_KEY_BYTES = 32, RAC_SEAL_EXTRA_BYTES = 1 + 4 + 24 + 16 };

struct rac_keyring;

/* Reads the master key file (43 base64url characters and a line end, mode 0600); creates it
 * atomically when it is missing and create is set. *why in a: RAC_E_NOT_FOUND, RAC_E_DENIED (mode
 * or owner), RAC_E_SYNTAX, RAC_E_IO. Blocking. */
rac_err rac_keyring_open(rac_str file, bool create, const struct rac_env *env, struct rac_arena *a,
                         struct rac_keyring **out, rac_str *why) RAC_MUST_CHECK;
void rac_keyring_close(struct rac_keyring *k); /* wipes */

/* 16 hex digits that name the master key without telling anything about it. */
rac_str rac_keyring_master_id(const struct rac_keyring *k);

/* A new random data key for a tenant: *wrapped (in a) is what the owner keeps. Becomes the key
 * that new records of that tenant are sealed with. id is never 0 and unique over all tenants. */
rac_err rac_keyring_new_key(struct rac_keyring *k, rac_str tenant, uint32_t id, struct rac_arena *a,
                            rac_str *wrapped) RAC_MUST_CHECK;
/* A kept one; the highest id of a tenant seals. RAC_E_DENIED: wrapped by another master key. */
rac_err rac_keyring_add_key(struct rac_keyring *k, rac_str tenant, uint32_t id,
                            rac_str wrapped) RAC_MUST_CHECK;
/* The same data keys wrapped by another master key: rotation of the master key. */
rac_err rac_keyring_rewrap(const struct rac_keyring *k, const struct rac_keyring *next,
                           rac_str tenant, uint32_t id, struct rac_arena *a,
                           rac_str *wrapped) RAC_MUST_CHECK;
uint32_t rac_keyring_key_of(const struct rac_keyring *k, rac_str tenant); /* 0: has none */

/* place: "table\0row", anything that names the place uniquely within the tenant. In a. */
rac_err rac_seal(struct rac_keyring *k, rac_str tenant, rac_str place, rac_str plain,
                 struct rac_arena *a, rac_str *sealed) RAC_MUST_CHECK;
/* *plain in a, wiped when a ends. RAC_E_CORRUPT: changed, moved, or sealed under an unknown key. */
rac_err rac_unseal(struct rac_keyring *k, rac_str tenant, rac_str place, rac_str sealed,
                   struct rac_arena *a, rac_str *plain) RAC_MUST_CHECK;
uint32_t rac_sealed_key(rac_str sealed); /* key id of a record; 0: not one */

#endif
