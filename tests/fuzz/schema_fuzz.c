/* [schema, value] in JSON: compiling and checking end, in every draft, within their caps. */
#include "json/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rac_arena a;
    struct rac_json v;
    rac_arena_init(&a, 64 << 20);
    if (rac_json_parse_lenient((rac_str){(const char *)data, size}, &a, &v, NULL, NULL) == RAC_OK &&
        rac_json_len(&v) == 2 && rac_json_is_array(&v)) {
        for (int draft = RAC_SCHEMA_BY_TEXT; draft <= RAC_SCHEMA_SWAGGER2; draft++) {
            struct rac_schema_options o = {.draft = (enum rac_schema_draft)draft,
                                           .formats = true,
                                           .steps_max = 20000,
                                           .pattern_steps_max = 20000};
            struct rac_schema *s;
            struct rac_diags d;
            rac_diags_init(&d, &a, 20);
            if (rac_schema_compile(rac_json_at(&v, 0), RAC_S(""), &o, &a, &s, &d) != RAC_OK)
                continue;
            rac_err all = rac_schema_check(s, rac_json_at(&v, 1), &d);
            rac_err first = rac_schema_check(s, rac_json_at(&v, 1), NULL);
            RAC_ASSERT(all == first || all == RAC_E_LIMIT || first == RAC_E_LIMIT);
        }
    }
    rac_arena_fini(&a);
    return 0;
}
