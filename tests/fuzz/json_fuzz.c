/* Strict and lenient parsing: what is read prints, reads back equal, and errors have a place. */
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rac_str print(const struct rac_json *v, unsigned flags, struct rac_arena *a)
{
    rac_str s = rac_json_print_str(v, flags, a);
    struct rac_json back;
    RAC_ASSERT(rac_json_parse(s, a, RAC_JSON_REJECT_DUP, &back, NULL) == RAC_OK);
    RAC_ASSERT(rac_json_equal(v, &back));
    RAC_ASSERT(rac_json_hash(v) == rac_json_hash(&back));
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rac_str text = {(const char *)data, size};
    struct rac_arena a;
    struct rac_json strict, lenient;
    struct rac_json_error where = {0};
    struct rac_diags repairs;
    rac_arena_init(&a, 256 << 20);
    rac_diags_init(&repairs, &a, 100);
    rac_err e = rac_json_parse(text, &a, 0, &strict, &where);
    RAC_ASSERT(e == RAC_OK || (where.offset <= size && where.line > 0 && where.column > 0));
    rac_err l = rac_json_parse_lenient(text, &a, &lenient, &repairs, &where);
    RAC_ASSERT(l == RAC_OK || (where.offset <= size && where.message != NULL));
    if (e == RAC_OK) {
        RAC_ASSERT(l == RAC_OK && rac_json_equal(&strict, &lenient));
        print(&strict, RAC_JSON_PRETTY | RAC_JSON_SORTED, &a);
    }
    if (l == RAC_OK) {
        rac_str once = print(&lenient, 0, &a);
        print(&lenient, RAC_JSON_ASCII, &a);
        struct rac_json c = rac_json_copy(&a, &lenient);
        RAC_ASSERT(rac_str_eq(once, print(&c, 0, &a)));
    }
    rac_arena_fini(&a);
    return 0;
}
