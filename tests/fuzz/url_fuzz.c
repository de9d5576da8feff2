/* The first line is a base, the rest a reference: splitting, joining, resolving, encoding. */
#include "text/mime.h"
#include "text/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rac_arena a;
    struct rac_url u, again;
    struct rac_mime m;
    struct rac_disposition d;
    rac_arena_init(&a, 64 << 20);
    rac_str rest, base = rac_str_cut((rac_str){(const char *)data, size}, '\n', &rest), out, back;
    if (rac_url_split(base, &u)) {
        rac_str joined = rac_url_join(&a, &u);
        RAC_ASSERT(rac_str_eq(joined, base));
        (void)rac_url_origin(&a, &u);
    }
    if (rest.p != NULL && rac_url_resolve(base, rest, &a, &out) == RAC_OK)
        RAC_ASSERT(!rac_url_split(out, &again) || again.scheme.p != NULL);
    for (int set = RAC_URL_COMPONENT; set <= RAC_URL_STRICT; set++) {
        out = rac_url_encode_set(&a, base, (enum rac_url_set)set);
        RAC_ASSERT(rac_url_decode_strict(&a, out, set == RAC_URL_FORM, &back));
        RAC_ASSERT(rac_str_eq(back, base));
    }
    out = rac_url_encode_set(&a, base, RAC_URL_PATH);
    RAC_ASSERT(rac_str_eq(rac_url_encode_set(&a, out, RAC_URL_PATH), out));
    out = rac_url_query_set(&a, base, RAC_S("k"), rest);
    out = rac_url_query_add(&a, out, RAC_S("k"), RAC_S("v"));
    (void)rac_mime_parse(&a, base, &m);
    (void)rac_disposition_parse(&a, base, &d);
    rac_arena_fini(&a);
    return 0;
}
