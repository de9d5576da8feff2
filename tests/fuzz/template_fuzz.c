/* Any bytes as an expression of an ARM template: it ends, with a value or with a reason, and the
 * value is one that can be printed. */
#include "base/buf.h"
#include "base/utf8.h"
#include "workflow/template/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *arg, const struct rac_template_value *v)
{
    RAC_ASSERT(v->why != NULL && v->pointer.p != NULL);
    ++*(size_t *)arg;
}

static const char head[] =
    "{\"parameters\":{\"p\":{\"defaultValue\":[1,\"b\",{\"c\":null}]},\"q\":{\"type\":\"int\"}},"
    "\"variables\":{\"v\":{\"w\":\"[parameters('p')]\",\"x\":\"[parameters('q')]\"}},"
    "\"functions\":[{\"namespace\":\"n\",\"members\":{\"f\":{\"parameters\":[{\"name\":\"x\"}],"
    "\"output\":{\"value\":\"[concat(parameters('x'), parameters('x'))]\"}}}}],"
    "\"resources\":[{\"type\":\"Microsoft.Logic/workflows\",\"properties\":{\"definition\":";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rac_arena a;
    struct rac_buf b;
    struct rac_json root;
    struct rac_template_workflow *w;
    size_t n = 0, told = 0;
    rac_arena_init(&a, 256 << 20);
    rac_buf_init(&b, 1 << 24);
    rac_buf_add(&b, rac_str_of(head));
    rac_str text = rac_utf8_mend(&a, (rac_str){(const char *)data, size});
    rac_json_print_string(rac_arena_printf(&a, "[%.*s]", RAC_FMT(text)), 0, &b);
    RAC_BUF_ADD_LIT(&b, "}}]}");
    if (rac_json_parse(rac_buf_take(&b, &a), &a, 0, &root, NULL) == RAC_OK) { /* texts stay in a */
        rac_template_read(&root, NULL, &a, &w, &n, count, &told);
        RAC_ASSERT(n == 1);
        rac_json_print(&w[0].definition, 0, &b);
    }
    rac_buf_fini(&b);
    rac_arena_fini(&a);
    return 0;
}
