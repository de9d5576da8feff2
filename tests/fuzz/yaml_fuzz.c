/* YAML: whatever is read is JSON that prints and reads back; nodes stand inside the text. */
#include "text/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct rac_json *v, size_t size)
{
    RAC_ASSERT(v->pos <= size + 1);
    RAC_JSON_EACH(e, v)
    walk(e, size);
    RAC_JSON_EACH_MEMBER(m, v)
    {
        RAC_ASSERT(m->key_pos <= size + 1);
        walk(&m->value, size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rac_str text = {(const char *)data, size};
    struct rac_arena a;
    struct rac_json v, back;
    struct rac_json_error where = {0};
    struct rac_diags repairs;
    rac_arena_init(&a, 256 << 20);
    rac_diags_init(&repairs, &a, 100);
    rac_err e = rac_yaml_parse_lenient(text, &a, &v, &repairs, &where);
    if (e == RAC_OK) {
        walk(&v, size);
        rac_str s = rac_json_print_str(&v, 0, &a);
        RAC_ASSERT(rac_json_parse(s, &a, RAC_JSON_REJECT_DUP, &back, NULL) == RAC_OK);
        RAC_ASSERT(rac_json_equal(&v, &back));
    } else {
        RAC_ASSERT(where.offset <= size && where.line > 0 && where.message != NULL);
    }
    rac_arena_fini(&a);
    return 0;
}
