#include "crypto/pkcs12.h"

#include "base/secret.h"
#include "base/str.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

enum { BYTES_MAX = 1 << 20, PASSWORD_MAX = 1024, ITERATIONS_MAX = 600000, PARTS_MAX = 16 };

/* --- how much work it asks for ---------------------------------------------------------------- */

static bool iterations_ok(const ASN1_INTEGER *n) /* NULL: one */
{
    int64_t v = 1;
    return (n == NULL || ASN1_INTEGER_get_int64(&v, n) == 1) && v >= 1 && v <= ITERATIONS_MAX;
}

static void *unpack(const X509_ALGOR *alg, const ASN1_ITEM *item)
{
    const void *value = NULL;
    int type = V_ASN1_UNDEF;
    X509_ALGOR_get0(NULL, &type, &value, alg);
    return type == V_ASN1_SEQUENCE ? ASN1_item_unpack(value, item) : NULL;
}

static int kind_of(const X509_ALGOR *alg)
{
    const ASN1_OBJECT *o = NULL;
    X509_ALGOR_get0(&o, NULL, NULL, alg);
    return OBJ_obj2nid(o);
}

/* The file says how often its password is hashed; what its author asks for is not done blindly. */
static bool cheap(const X509_ALGOR *alg)
{
    bool ok = false;
    if (kind_of(alg) != NID_pbes2) {
        PBEPARAM *p = unpack(alg, ASN1_ITEM_rptr(PBEPARAM));
        ok = p != NULL && iterations_ok(p->iter);
        PBEPARAM_free(p);
        return ok;
    }
    PBE2PARAM *p = unpack(alg, ASN1_ITEM_rptr(PBE2PARAM));
    if (p != NULL && kind_of(p->keyfunc) == NID_id_pbkdf2) {
        PBKDF2PARAM *k = unpack(p->keyfunc, ASN1_ITEM_rptr(PBKDF2PARAM));
        ok = k != NULL && iterations_ok(k->iter);
        PBKDF2PARAM_free(k);
    }
    PBE2PARAM_free(p);
    return ok;
}

static bool bags_cheap(const STACK_OF(PKCS12_SAFEBAG) * bags)
{
    bool ok = bags != NULL && sk_PKCS12_SAFEBAG_num(bags) <= PARTS_MAX;
    for (int i = 0; ok && i < sk_PKCS12_SAFEBAG_num(bags); i++) {
        const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
        int kind = PKCS12_SAFEBAG_get_nid(bag);
        const X509_ALGOR *alg = NULL;
        if (kind == NID_pkcs8ShroudedKeyBag)
            X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &alg, NULL);
        ok = kind != NID_safeContentsBag && (alg == NULL || cheap(alg));
    }
    return ok;
}

static bool part_cheap(PKCS7 *part, const char *password, int password_n)
{
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    int kind = OBJ_obj2nid(part->type);
    if (kind == NID_pkcs7_data)
        bags = PKCS12_unpack_p7data(part);
    else if (kind == NID_pkcs7_encrypted && part->d.encrypted != NULL &&
             cheap(part->d.encrypted->enc_data->algorithm))
        bags = PKCS12_unpack_p7encdata(part, password, password_n);
    bool ok = bags_cheap(bags);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    return ok;
}

static bool file_cheap(const PKCS12 *p, const char *password, int password_n)
{
    const ASN1_INTEGER *iterations = NULL;
    PKCS12_get0_mac(NULL, NULL, NULL, &iterations, p);
    if (!iterations_ok(iterations))
        return false;
    STACK_OF(PKCS7) *parts = PKCS12_unpack_authsafes(p);
    bool ok = parts != NULL && sk_PKCS7_num(parts) <= PARTS_MAX;
    for (int i = 0; ok && i < sk_PKCS7_num(parts); i++)
        ok = part_cheap(sk_PKCS7_value(parts, i), password, password_n);
    sk_PKCS7_pop_free(parts, PKCS7_free);
    return ok;
}

/* --- what is in it ----------------------------------------------------------------------------- */

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
    if (!file_cheap(p, secret, (int)password.n))
        goto out;
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
