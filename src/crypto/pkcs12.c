#include "crypto/pkcs12.h"

#include "base/secret.h"
#include "base/str.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

enum { BYTES_MAX = 1 << 20, PASSWORD_MAX = 1024 };

static rac_str pem_take(BIO *b, struct rac_arena *a)
{
    char *p = NULL;
    long n = BIO_get_mem_data(b, &p);
    return n > 0 ? rac_arena_str(a, (rac_str){p, (size_t)n}) : RAC_STR_NULL;
}

static bool certificates(X509 *x, STACK_OF(X509) * chain, struct rac_arena *a, rac_str *out)
{
    BIO *b = BIO_new(BIO_s_mem());
    bool ok = b != NULL && PEM_write_bio_X509(b, x) == 1;
    for (int i = 0; ok && i < sk_X509_num(chain); i++)
        ok = PEM_write_bio_X509(b, sk_X509_value(chain, i)) == 1;
    if (ok)
        *out = pem_take(b, a);
    BIO_free(b);
    return ok;
}

static bool key(EVP_PKEY *k, struct rac_arena *a, rac_str *out)
{
    BIO *b = BIO_new(BIO_s_secmem());
    bool ok = b != NULL && PEM_write_bio_PKCS8PrivateKey(b, k, NULL, NULL, 0, NULL, NULL) == 1;
    if (ok) {
        *out = pem_take(b, a);
        rac_secret_wipe_with(a, *out);
    }
    BIO_free(b);
    return ok;
}

rac_err rac_pkcs12_open(rac_str bytes, rac_str password, struct rac_arena *a,
                        rac_str *certificate_pem, rac_str *key_pem, const char **error)
{
    EVP_PKEY *k = NULL;
    X509 *x = NULL;
    STACK_OF(X509) *chain = NULL;
    PKCS12 *p = NULL;
    const unsigned char *at = (const unsigned char *)bytes.p;
    rac_err e = RAC_E_INVALID;
    *error = "it is no PKCS#12 file";
    if (bytes.n == 0 || bytes.n > BYTES_MAX || password.n > PASSWORD_MAX)
        return e;
    char *secret = rac_arena_cstr(a, password);
    rac_secret_wipe_with(a, (rac_str){secret, password.n});
    p = d2i_PKCS12(NULL, &at, (long)bytes.n);
    if (p == NULL)
        goto out;
    *error = "the password is wrong, or its encryption is not supported";
    if (PKCS12_parse(p, secret, &k, &x, &chain) != 1)
        goto out;
    *error = "it holds no certificate with its private key";
    if (k == NULL || x == NULL)
        goto out;
    *error = "it cannot be written as PEM";
    if (certificates(x, chain, a, certificate_pem) && key(k, a, key_pem)) {
        *error = NULL;
        e = RAC_OK;
    }
out:
    ERR_clear_error();
    PKCS12_free(p);
    EVP_PKEY_free(k);
    X509_free(x);
    sk_X509_pop_free(chain, X509_free);
    return e;
}
