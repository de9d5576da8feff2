/* Words of operationOptions: what stands between them, letter case, and no word inside another. */
#include "unit.h"

#include "workflow/definition/options.h"

static void words(void **state RAC_UNUSED)
{
    static const struct {
        const char *options;
        bool single, sequential;
    } rows[] = {
        {"", false, false},
        {" , ,\t", false, false},
        {"SingleInstance", true, false},
        {"singleinstance,SEQUENTIAL", true, true},
        {" Sequential ,\n SingleInstance ", true, true},
        {"Sequential SingleInstance", true, true},
        {"None\tSequential", false, true},
        {"NotSingleInstance, SequentialOnly", false, false},
    };
    for (size_t i = 0; i < RAC_COUNT(rows); i++) {
        rac_str options = rac_str_of(rows[i].options);
        if (rac_options_have(options, RAC_S("SingleInstance")) != rows[i].single ||
            rac_options_have(options, RAC_S("Sequential")) != rows[i].sequential)
            fail_msg("\"%s\"", rows[i].options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
