/*
 * jwt_sign - RS256 over OpenSSL's EVP interface.
 *
 * Keys are parsed for each signature: an assertion is made once per token request, and a key that
 * is not kept cannot leak.
 */
#include "crypto/jwt_sign.h"

#include "base/base64.h"
#include "base/str.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

enum { KEY_BITS_MIN = 2048, PEM_BYTES_MAX = 64 << 10 };

static int no_password(char *buf, int size, int rwflag, void *arg)
{
    (void)buf, (void)size, (void)rwflag, (void)arg;
    return 0; /* never ask the terminal */
}

static BIO *bio_of(rac_str pem)
{
    return pem.n == 0 || pem.n > PEM_BYTES_MAX ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
}

static EVP_PKEY *key_of(rac_str pem)
{
    BIO *b = bio_of(pem);
    EVP_PKEY *k = b != NULL ? PEM_read_bio_PrivateKey(b, NULL, no_password, NULL) : NULL;
    BIO_free(b);
    return k;
}

static X509 *certificate_of(rac_str pem)
{
    BIO *b = bio_of(pem);
    X509 *x = b != NULL ? PEM_read_bio_X509(b, NULL, no_password, NULL) : NULL;
    BIO_free(b);
    return x;
}

static rac_str thumbprint(X509 *x, const EVP_MD *md, struct rac_arena *a)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    RAC_ASSERT(X509_digest(x, md, digest, &n) == 1);
    return rac_base64url_encode(a, (rac_str){(const char *)digest, n});
}

static const char *problem_of(X509 *x, EVP_PKEY *k)
{
    if (x == NULL)
        return "the certificate is not a PEM certificate";
    if (k == NULL)
        return "the key is not an unencrypted PEM private key";
    if (EVP_PKEY_get_base_id(k) != EVP_PKEY_RSA)
        return "the key is not an RSA key";
    if (EVP_PKEY_get_bits(k) < KEY_BITS_MIN)
        return "the RSA key is shorter than 2048 bits";
    if (X509_check_private_key(x, k) != 1)
        return "the key does not belong to the certificate";
    return NULL;
}

static bool sign(EVP_PKEY *k, rac_str text, struct rac_arena *a, rac_str *signature)
{
    size_t n = 0;
    bool ok = false;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const unsigned char *bytes = (const unsigned char *)text.p;
    if (ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k) == 1 &&
        EVP_DigestSign(ctx, NULL, &n, bytes, text.n) == 1) {
        unsigned char *out = rac_arena_alloc(a, n);
        ok = EVP_DigestSign(ctx, out, &n, bytes, text.n) == 1;
        *signature = (rac_str){(const char *)out, n};
    }
    EVP_MD_CTX_free(ctx);
    return ok;
}

rac_err rac_jwt_sign_rs256(rac_str claims, rac_str certificate_pem, rac_str key_pem,
                           struct rac_arena *a, rac_str *jwt, const char **error)
{
    X509 *x = certificate_of(certificate_pem);
    EVP_PKEY *k = key_of(key_pem);
    rac_str signature;
    rac_err e = RAC_E_INVALID;
    *error = problem_of(x, k);
    if (*error != NULL)
        goto out;
    rac_str header = rac_arena_printf(
        a, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5t\":\"%.*s\",\"x5t#S256\":\"%.*s\"}",
        RAC_FMT(thumbprint(x, EVP_sha1(), a)), RAC_FMT(thumbprint(x, EVP_sha256(), a)));
    rac_str signed_part = rac_arena_printf(a, "%.*s.%.*s", RAC_FMT(rac_base64url_encode(a, header)),
                                           RAC_FMT(rac_base64url_encode(a, claims)));
    if (!sign(k, signed_part, a, &signature)) {
        *error = "signing failed";
        goto out;
    }
    *jwt = rac_arena_printf(a, "%.*s.%.*s", RAC_FMT(signed_part),
                            RAC_FMT(rac_base64url_encode(a, signature)));
    e = RAC_OK;
out:
    ERR_clear_error();
    X509_free(x);
    EVP_PKEY_free(k);
    return e;
}
