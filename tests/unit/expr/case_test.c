/* Runs the cases of tests/cases/expr: expression, context, value or category, blank line. */
#include "unit.h"

#include "base/env.h"
#include "base/mem.h"
#include "expr/expr.h"

static bool get(void *self, enum rac_expr_ref ref, rac_str name, struct rac_arena *a,
                struct rac_json *out)
{
    const char *const members[] = {[RAC_EXPR_REF_ACTIONS] = "actions",
                                   [RAC_EXPR_REF_VARIABLES] = "variables",
                                   [RAC_EXPR_REF_PARAMETERS] = "parameters"};
    (void)a;
    if ((size_t)ref >= RAC_COUNT(members) || members[ref] == NULL)
        return false;
    const struct rac_json *v = rac_json_get(rac_json_get(self, rac_str_of(members[ref])), name);
    if (v != NULL)
        *out = *v;
    return v != NULL;
}

static rac_str read_file(const char *path, struct rac_arena *a)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *p = rac_arena_alloc(a, 1 << 20);
    size_t n = fread(p, 1, 1 << 20, f);
    fclose(f);
    return (rac_str){p, n};
}

static void run_case(rac_str text, rac_str context, rac_str want)
{
    struct rac_arena a;
    struct rac_json world, got, expected;
    struct rac_expr_error error = {0};
    struct rac_env_fake f = {.seed = 5};
    struct rac_env env = rac_env_fake(&f);
    const struct rac_expr *x;
    rac_str wanted_error;
    rac_arena_init(&a, 64 << 20);
    assert_int_equal(rac_json_parse(context, &a, 0, &world, NULL), RAC_OK);
    struct rac_expr_scope scope = {get, &world};
    struct rac_expr_run run = {.scope = &scope, .env = &env, .a = &a};
    rac_err e =
        rac_expr_compile(rac_str_concat(&a, RAC_S("@"), text), RAC_EXPR_STRICT, &a, &x, &error);
    if (e == RAC_OK) {
        e = rac_expr_eval(x, &run, &got);
        error = run.error;
    }
    rac_str kind = rac_str_cut(want, ' ', &wanted_error);
    if (rac_str_eq(kind, RAC_S("error:"))) {
        if (e == RAC_OK ||
            !rac_str_eq(wanted_error, rac_str_of(rac_expr_category_word(error.category))))
            fail_msg("%.*s: want %.*s, got %s", RAC_FMT(text), RAC_FMT(want),
                     rac_expr_category_word(error.category));
    } else {
        assert_int_equal(rac_json_parse(want, &a, 0, &expected, NULL), RAC_OK);
        if (e != RAC_OK)
            fail_msg("%.*s: %.*s", RAC_FMT(text), RAC_FMT(error.message));
        if (!rac_expr_equal(&got, &expected))
            fail_msg("%.*s: got %.*s", RAC_FMT(text), RAC_FMT(rac_json_print_str(&got, 0, &a)));
    }
    rac_arena_fini(&a);
}

static size_t cases_of(const char *name)
{
    struct rac_arena a;
    rac_arena_init(&a, 64 << 20);
    rac_str rest =
        read_file(rac_arena_cstr(&a, rac_arena_printf(&a, "tests/cases/expr/%s.case", name)), &a);
    rac_str lines[3];
    size_t n = 0, cases = 0;
    while (rest.p != NULL) {
        rac_str line = rac_str_cut(rest, '\n', &rest);
        if (line.n == 0 || line.p[0] == '#') {
            assert_int_equal(n, 0);
            continue;
        }
        lines[n++] = line;
        if (n == 3) {
            run_case(lines[0], lines[1], lines[2]);
            cases++;
            n = 0;
        }
    }
    assert_int_equal(n, 0);
    rac_arena_fini(&a);
    return cases;
}

static void every_case_holds(void **state RAC_UNUSED)
{
    static const struct {
        const char *name;
        size_t least;
    } files[] = {{"language", 35}, {"dates", 40}, {"numbers", 30}, {"uris", 15}, {"xml", 25}};
    for (size_t i = 0; i < RAC_COUNT(files); i++)
        assert_true(cases_of(files[i].name) >= files[i].least);
}

static void trees_share_what_does_not_change(void **state RAC_UNUSED)
{
    static const char text[] =
        "{\"a\": [1, {\"b\": \"plain\"}], \"c\": \"@add(1, 1)\", \"d\": \"@@x\"}";
    struct rac_arena a;
    struct rac_json v, out;
    struct rac_env_fake f = {0};
    struct rac_env env = rac_env_fake(&f);
    const struct rac_expr *x;
    rac_str pointer;
    rac_arena_init(&a, 1 << 20);
    assert_int_equal(rac_json_parse((rac_str){text, sizeof text - 1}, &a, 0, &v, NULL), RAC_OK);
    assert_int_equal(rac_expr_compile_tree(&v, 0, &a, &x, NULL, &pointer), RAC_OK);
    struct rac_expr_run run = {.env = &env, .a = &a};
    assert_int_equal(rac_expr_eval(x, &run, &out), RAC_OK);
    assert_str(rac_json_print_str(&out, 0, &a),
               "{\"a\":[1,{\"b\":\"plain\"}],\"c\":2,\"d\":\"@x\"}");
    assert_ptr_equal(RAC_JSON_GET(&out, "a")->array, RAC_JSON_GET(&v, "a")->array);
    rac_arena_fini(&a);
}

static void a_broken_tree_says_where(void **state RAC_UNUSED)
{
    static const char text[] = "{\"a\": [0, {\"x/y\": \"@add(1,\"}]}";
    struct rac_arena a;
    struct rac_json v;
    struct rac_expr_error error;
    const struct rac_expr *x;
    rac_str pointer;
    rac_arena_init(&a, 1 << 20);
    assert_int_equal(rac_json_parse((rac_str){text, sizeof text - 1}, &a, 0, &v, NULL), RAC_OK);
    assert_int_equal(rac_expr_compile_tree(&v, 0, &a, &x, &error, &pointer), RAC_E_SYNTAX);
    assert_str(pointer, "/a/1/x~1y");
    assert_int_equal(error.category, RAC_EXPR_PARSE);
    rac_arena_fini(&a);
}

static void a_wrong_count_fails_when_it_is_reached(void **state RAC_UNUSED)
{
    struct rac_arena a;
    struct rac_json out;
    struct rac_env_fake f = {0};
    struct rac_env env = rac_env_fake(&f);
    const struct rac_expr *x;
    rac_arena_init(&a, 1 << 20);
    struct rac_expr_run run = {.env = &env, .a = &a};
    assert_int_equal(
        rac_expr_compile(RAC_S("@if(true, 1, nope(add(1)))"), RAC_EXPR_TOLERANT, &a, &x, NULL),
        RAC_OK);
    assert_int_equal(rac_expr_eval(x, &run, &out), RAC_OK);
    assert_int_equal(out.i, 1);
    assert_int_equal(
        rac_expr_compile(RAC_S("@if(false, 1, add(1))"), RAC_EXPR_TOLERANT, &a, &x, NULL), RAC_OK);
    assert_int_equal(rac_expr_eval(x, &run, &out), RAC_E_INVALID);
    assert_int_equal(run.error.category, RAC_EXPR_ARITY);
    assert_int_equal(rac_expr_compile(RAC_S("@if(true, 1, add(1))"), 0, &a, &x, NULL),
                     RAC_E_SYNTAX);
    rac_arena_fini(&a);
}

static void too_costly_is_a_limit(void **state RAC_UNUSED)
{
    struct rac_arena a;
    struct rac_json out;
    struct rac_env_fake f = {0};
    struct rac_env env = rac_env_fake(&f);
    const struct rac_expr *x;
    rac_arena_init(&a, 64 << 20);
    struct rac_expr_run run = {.env = &env, .a = &a, .limits = {.steps_max = 1000}};
    assert_int_equal(rac_expr_compile(RAC_S("@length(range(1, 5000))"), 0, &a, &x, NULL), RAC_OK);
    assert_int_equal(rac_expr_eval(x, &run, &out), RAC_E_LIMIT);
    run = (struct rac_expr_run){.env = &env, .a = &a, .limits = {.string_max = 100}};
    assert_int_equal(rac_expr_compile(RAC_S("@join(range(1, 100), '-')"), 0, &a, &x, NULL), RAC_OK);
    assert_int_equal(rac_expr_eval(x, &run, &out), RAC_E_LIMIT);
    rac_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_holds),
        cmocka_unit_test(trees_share_what_does_not_change),
        cmocka_unit_test(a_broken_tree_says_where),
        cmocka_unit_test(a_wrong_count_fails_when_it_is_reached),
        cmocka_unit_test(too_costly_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
