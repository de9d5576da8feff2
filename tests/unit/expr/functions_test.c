/* The table of functions is sound, and docs/reference/functions.md says what it says
 * (RACCORD_WRITE_DOCS=1 writes it). What examples come to is tested in tests/e2e/eval.test.mjs. */
#include "reference_page.h"
#include "test_arena.h"

#include "expr/expr.h"

#include <strings.h>

static bool is_section(const char *name)
{
    const char *s;
    for (size_t i = 0; (s = rac_expr_section_at(i)) != NULL; i++)
        if (strcmp(s, name) == 0)
            return true;
    return false;
}

struct seen {
    const char *name;
    bool called;
};

static void look(void *arg, const struct rac_expr_call *c)
{
    struct seen *s = arg;
    s->called |= c->fn != NULL && strcmp(c->fn->name, s->name) == 0;
}

static void table_is_sound(void **state RAC_UNUSED)
{
    const struct rac_expr_function *f, *before = NULL;
    const struct rac_expr *x;
    struct rac_json gives;
    for (size_t i = 0; (f = rac_expr_function_at(i)) != NULL; before = f, i++) {
        struct seen s = {f->name, false};
        rac_str call = rac_arena_printf(&a, "%s(", f->name);
        assert_true(before == NULL || strcasecmp(before->name, f->name) < 0);
        assert_true(f->args_min <= f->args_max);
        assert_true(is_section(f->section));
        assert_true(rac_str_starts(rac_str_of(f->signature), call));
        assert_true(strlen(f->summary) > 5);
        if (rac_expr_compile(rac_arena_printf(&a, "@%s", f->example), RAC_EXPR_STRICT, &a, &x,
                             NULL) != RAC_OK)
            fail_msg("%s: the example is no expression", f->name);
        rac_expr_calls(x, look, &s);
        if (!s.called)
            fail_msg("%s: the example does not call it", f->name);
        assert_int_equal(rac_json_parse(rac_str_of(f->gives), &a, 0, &gives, NULL), RAC_OK);
    }
}

static void print_page(struct rac_buf *b)
{
    const struct rac_expr_function *f;
    const char *section;
    rac_buf_add(b, RAC_S("# Functions of expressions\n\n"
                         "Generated from `src/expr/functions.def`; do not edit. `raccord eval "
                         "--functions` prints the same list,\n`raccord eval --functions NAME` "
                         "those with NAME in their name. Arguments with `?` may be left out.\n\n"
                         "Every example can be tried, with the run that "
                         "`examples/eval.json` describes (there it is 2026-11-23, 8:30 UTC):\n"
                         "`raccord eval \"@add(2, 3)\" --context examples/eval.json`.\n"));
    for (size_t k = 0; (section = rac_expr_section_at(k)) != NULL; k++) {
        rac_buf_printf(b,
                       "\n## %s\n\n| Function | What it gives | Example | Result |\n"
                       "| --- | --- | --- | --- |\n",
                       section);
        for (size_t i = 0; (f = rac_expr_function_at(i)) != NULL; i++)
            if (strcmp(f->section, section) == 0)
                rac_buf_printf(b, "| `%s` | %s | `%s` | `%s` |\n", f->signature, f->summary,
                               f->example, f->gives);
    }
}

static void reference_page_is_current(void **state RAC_UNUSED)
{
    page_is_current("docs/reference/functions.md", print_page, "unit-expr-functions");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_sound),
        cmocka_unit_test(reference_page_is_current),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
