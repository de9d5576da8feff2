/* First line an Authorization header, then an accessControl object: none is allowed by a token that
 * no key signed. The line is an address as well, and with a PKCS#12 file in base64 in it. */
#include "base/base64.h"
#include "crypto/pkcs12.h"
#include "workflow/definition/access.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rac_json keys_json;

static const struct rac_json *get(void *self, rac_str issuer)
{
    (void)self, (void)issuer;
    return &keys_json;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char keys_text[] =
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KP"
        "Aqv7D4\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}";
    static const char policy[] =
        "{\"triggers\":{\"openAuthenticationPolicies\":{\"policies\":{\"p\":{\"type\":\"AAD\","
        "\"claims\":[{\"name\":\"iss\",\"value\":\"https://sts.windows.net/\"}]}}}}}";
    static const struct rac_access_keys keys = {.get = get};
    struct rac_arena a;
    struct rac_json v;
    struct rac_access *x;
    struct rac_access_token t;
    struct rac_wf_fault fault;
    const char *why;
    rac_arena_init(&a, 64 << 20);
    RAC_ASSERT(rac_json_parse(rac_str_of(keys_text), &a, 0, &keys_json, NULL) == RAC_OK);
    rac_str rest, line = rac_str_cut((rac_str){(const char *)data, size}, '\n', &rest);
    if (rest.p == NULL || rac_json_parse(rest, &a, 0, &v, NULL) != RAC_OK)
        RAC_ASSERT(rac_json_parse(rac_str_of(policy), &a, 0, &v, NULL) == RAC_OK);
    if (rac_access_compile(&v, RAC_S(""), &a, &x, NULL) == RAC_OK) {
        RAC_ASSERT(rac_access_token(x, RAC_ACCESS_TRIGGERS, line, &keys, 0, &a, &t) !=
                   RAC_ACCESS_ALLOWED);
        (void)rac_access_address(x, RAC_ACCESS_TRIGGERS, line, false, &a, &fault);
    }
    rac_str bytes, certificate, key;
    if (rac_base64_decode(&a, line, &bytes) &&
        rac_pkcs12_open(bytes, RAC_S("pw"), &a, &certificate, &key, &why) != RAC_OK)
        RAC_ASSERT(why != NULL);
    rac_arena_fini(&a);
    return 0;
}
