/* What a file calls another file: never outside of the folder. */
#include "test_arena.h"

#include "text/path.h"

static void joined(void **state RAC_UNUSED)
{
    static const struct {
        const char *from, *rel, *want; /* NULL: refused */
    } rows[] = {
        {"main.json", "a.json", "a.json"},
        {"main.json", "./x//a.json", "x/a.json"},
        {"x/main.json", "a.json", "x/a.json"},
        {"x/y/main.json", "../a.json", "x/a.json"},
        {"x/y/main.json", "../../a.json", "a.json"},
        {"x/main.json", "../../a.json", NULL},
        {"main.json", "../a.json", NULL},
        {"main.json", "a/../../b.json", NULL},
        {"main.json", "/etc/passwd", NULL},
        {"main.json", "C:a.json", NULL},
        {"main.json", "http://h/a.json", NULL},
        {"main.json", "..\\a.json", NULL},
        {"main.json", "", NULL},
        {"main.json", ".", NULL},
        {"x/main.json", "..", NULL},
    };
    for (size_t i = 0; i < RAC_COUNT(rows); i++) {
        rac_str out;
        bool ok = rac_path_join(rac_str_of(rows[i].from), rac_str_of(rows[i].rel), &a, &out);
        assert_int_equal(ok, rows[i].want != NULL);
        if (ok)
            assert_str(out, rows[i].want);
    }
    rac_str out;
    assert_false(rac_path_join(RAC_S("x"), (rac_str){"a\0b", 3}, &a, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joined),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
