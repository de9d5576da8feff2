/* Any bytes as a file with a workflow: read, checked, compiled. What the check accepts the compiler
 * takes. */
#include "openapi/read.h"
#include "workflow/check/check.h"
#include "workflow/definition/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct rac_workflow_check_options o = {.now = 1700000000000};
    struct rac_arena a, scratch;
    struct rac_diags d;
    struct rac_document *doc;
    struct rac_workflow **w;
    struct rac_plan *plan;
    size_t n = 0, actions, triggers;
    rac_arena_init(&a, 64 << 20);
    rac_diags_init(&d, &a, 200);
    rac_str text = {(const char *)data, size};
    if (rac_document_read(text, RAC_S("w.json"), &a, &doc, &d) == RAC_OK) {
        rac_err read = rac_workflows_of_document(doc, NULL, &a, &w, &n, &d);
        for (size_t i = 0; i < n; i++) {
            rac_arena_init(&scratch, 64 << 20);
            rac_workflow_count(w[i], &actions, &triggers);
            rac_err e = rac_workflow_check(w[i], &o, &scratch, &d);
            RAC_ASSERT(e == RAC_OK || d.errors_total > 0 || e == RAC_E_LIMIT);
            if (e == RAC_OK && read == RAC_OK) {
                e = rac_plan_compile(w[i], &a, &plan, NULL);
                RAC_ASSERT(e == RAC_OK || e == RAC_E_LIMIT || rac_arena_over(&a));
            }
            rac_arena_fini(&scratch);
        }
    }
    rac_arena_fini(&a);
    return 0;
}
