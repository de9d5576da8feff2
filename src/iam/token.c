/*
 * Tokens: `rac_<16 hex digits of id>_<43 base64url characters of secret>`. The id is for people and
 * logs; the digest covers the whole text, so that a secret cannot be tried under another id. With
 * 256 random bits a plain SHA-256 is enough: there is nothing to guess.
 */
#include "base/base64.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "iam/iam.h"

enum { ID_BYTES = 8, SECRET_BYTES = 32, SECRET_TEXT = 43, TEXT = 4 + 16 + 1 + SECRET_TEXT };
_Static_assert(TEXT < sizeof(((struct rac_token_text *)0)->text), "room for the text");

void rac_token_new(const struct rac_env *env, struct rac_token_text *out)
{
    struct rac_arena a;
    uint8_t id[ID_BYTES];
    rac_arena_init(&a, 4096);
    rac_env_random(env, id, sizeof id);
    rac_str hex = rac_hex(&a, id, sizeof id), secret = rac_random_token(&a, env, SECRET_BYTES);
    RAC_ASSERT(secret.n == SECRET_TEXT);
    memcpy(out->id, hex.p, hex.n + 1);
    int n = snprintf(out->text, sizeof out->text, "rac_%s_%.*s", out->id, RAC_FMT(secret));
    RAC_ASSERT(n == TEXT);
    rac_secret_wipe((char *)(uintptr_t)secret.p, secret.n);
    rac_sha256((rac_str){out->text, TEXT}, out->digest);
    rac_arena_fini(&a);
}

static bool is_lower_hex(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_digit(s.p[i]) && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
            return false;
    return true;
}

static bool is_base64url(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
            return false;
    return true;
}

bool rac_token_digest(rac_str text, uint8_t digest[32])
{
    if (text.n != TEXT || !rac_str_starts(text, RAC_S("rac_")) || text.p[20] != '_' ||
        !is_lower_hex(rac_str_sub(text, 4, 16)) || !is_base64url(rac_str_from(text, 21)))
        return false;
    rac_sha256(text, digest);
    return true;
}
