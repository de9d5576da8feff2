/* What parent and sandbox say to each other: neither trusts the other. What is read prints as what it
 * was read from. */
#include "base/str.h"
#include "text/xml_work.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rac_arena a;
    struct rac_xml_work work;
    struct rac_xml_answer answer;
    rac_str bytes = {(const char *)data, size};
    rac_arena_init(&a, 64 << 20);
    if (rac_xml_work_read(bytes, &a, &work) == RAC_OK)
        RAC_ASSERT(rac_str_eq(rac_xml_work_print(&work, &a), bytes));
    if (rac_xml_answer_read(bytes, &a, &answer) == RAC_OK)
        RAC_ASSERT(rac_str_eq(rac_xml_answer_print(&answer, &a), bytes));
    rac_arena_fini(&a);
    return 0;
}
