/*
 * password - argon2id. Both calls take tens of milliseconds and 64 MiB: blocking pool only.
 */
#ifndef RAC_CRYPTO_PASSWORD_H
#define RAC_CRYPTO_PASSWORD_H

#include "base/arena.h"
#include "base/base.h"

enum { RAC_PASSWORD_BYTES_MAX = 1024 };

/* The text form, with algorithm and parameters in it. RAC_E_LIMIT: too long. */
rac_err rac_password_hash(rac_str password, struct rac_arena *a, rac_str *out) RAC_MUST_CHECK;
/* stale (may be NULL): right, but hashed with weaker parameters than today's; hash it again. */
bool rac_password_check(rac_str password, rac_str hash, bool *stale);

#endif
