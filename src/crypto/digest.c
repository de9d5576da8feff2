/*
 * SHA-256 comes from OpenSSL because it uses the processor's SHA instructions (definitions of a
 * megabyte are digested on every save). The algorithm is fetched once per process and the context
 * kept per thread: the one-shot calls look the algorithm up by name each time, which costs more
 * than digesting a token.
 */
#include "crypto/digest.h"
#include "base/base64.h"
#include "base/secret.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t ctx_key;
static EVP_MD *sha256;

static void ctx_free(void *ctx)
{
    EVP_MD_CTX_free(ctx);
}

static void setup(void)
{
    RAC_ASSERT(sodium_init() >= 0);
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    RAC_ASSERT(sha256 != NULL);
    RAC_ASSERT(pthread_key_create(&ctx_key, ctx_free) == 0);
}

static EVP_MD_CTX *ctx_of_thread(void)
{
    static __thread EVP_MD_CTX *ctx; /* freed by the key's destructor when the thread ends */
    if (RAC_UNLIKELY(ctx == NULL)) {
        pthread_once(&once, setup);
        ctx = EVP_MD_CTX_new();
        RAC_ASSERT(ctx != NULL);
        RAC_ASSERT(pthread_setspecific(ctx_key, ctx) == 0);
        RAC_ASSERT(EVP_DigestInit_ex2(ctx, sha256, NULL) == 1);
    }
    return ctx;
}

void rac_sha256(rac_str bytes, uint8_t out[RAC_SHA256_BYTES])
{
    EVP_MD_CTX *ctx = ctx_of_thread();
    unsigned n = 0;
    int ok = EVP_DigestInit_ex2(ctx, NULL, NULL) && EVP_DigestUpdate(ctx, bytes.p, bytes.n) &&
             EVP_DigestFinal_ex(ctx, out, &n);
    RAC_ASSERT(ok && n == RAC_SHA256_BYTES);
}

void rac_sha1(rac_str bytes, uint8_t out[RAC_SHA1_BYTES])
{
    unsigned n = 0;
    int ok = EVP_Digest(bytes.p != NULL ? bytes.p : "", bytes.n, out, &n, EVP_sha1(), NULL);
    RAC_ASSERT(ok && n == RAC_SHA1_BYTES);
}

rac_str rac_sha256_hex(struct rac_arena *a, rac_str bytes)
{
    uint8_t d[RAC_SHA256_BYTES];
    rac_sha256(bytes, d);
    return rac_hex(a, d, sizeof d);
}

/* Digest of two pieces, one behind the other. */
static void sha256_of_two(const void *p, size_t n, rac_str bytes, uint8_t out[RAC_SHA256_BYTES])
{
    EVP_MD_CTX *ctx = ctx_of_thread();
    int ok = EVP_DigestInit_ex2(ctx, NULL, NULL) && EVP_DigestUpdate(ctx, p, n) &&
             EVP_DigestUpdate(ctx, bytes.p, bytes.n) && EVP_DigestFinal_ex(ctx, out, NULL);
    RAC_ASSERT(ok);
}

/* RFC 2104 over the digest above: a third of what libsodium's own SHA-256 takes, and it stands
 * before every run that a signed URL starts. */
void rac_hmac_sha256(rac_str key, rac_str bytes, uint8_t out[RAC_SHA256_BYTES])
{
    enum { BLOCK = 64 };
    uint8_t pad[BLOCK] = {0}, inner[RAC_SHA256_BYTES];
    if (key.n > BLOCK)
        rac_sha256(key, pad);
    else if (key.n > 0)
        memcpy(pad, key.p, key.n);
    for (size_t i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36;
    sha256_of_two(pad, BLOCK, bytes, inner);
    for (size_t i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    sha256_of_two(pad, BLOCK, (rac_str){(const char *)inner, sizeof inner}, out);
    rac_secret_wipe(pad, sizeof pad);
    rac_secret_wipe(inner, sizeof inner);
}

rac_str rac_hex(struct rac_arena *a, const void *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *b = p;
    char *out = rac_arena_alloc_dirty(a, 2 * n + 1);
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[b[i] >> 4];
        out[2 * i + 1] = digits[b[i] & 15];
    }
    out[2 * n] = '\0';
    return (rac_str){out, 2 * n};
}

rac_str rac_random_token(struct rac_arena *a, const struct rac_env *env, size_t n)
{
    char *bytes = rac_arena_alloc_dirty(a, n);
    rac_env_random(env, bytes, n);
    rac_str text = rac_base64url_encode(a, (rac_str){bytes, n});
    rac_secret_wipe(bytes, n);
    return text;
}
