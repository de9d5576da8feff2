/* Rows of resources.def: what they name exists, and what the engine makes of arguments. */
#include "unit.h"

#include "base/mem.h"
#include "cli/output.h"
#include "cli/resource.h"
#include "json/json.h"

static const struct rac_verb *const verbs[] = {
#define VERB(resource, verb, ...) &rac_verb_##resource##_##verb,
#include "cli/resources.def"
#undef VERB
};

static bool has_option(const struct rac_verb *v, rac_str name)
{
    for (const struct rac_option *o = v->command.options; o != NULL && o->name != NULL; o++)
        if (rac_str_eq(rac_str_of(o->name), name))
            return true;
    return false;
}

static void check_source(const struct rac_verb *v, rac_str source)
{
    if (source.p[0] == '@' || source.p[0] == '!')
        source = rac_str_from(source, 1);
    bool ok = rac_str_starts(source, RAC_S("--"))
                  ? has_option(v, rac_str_from(source, 2))
                  : source.n == 3 && source.p[0] == '{' && source.p[2] == '}' &&
                        (size_t)(source.p[1] - '0') < v->args_max;
    if (!ok)
        fail_msg("%s: no such source %.*s", v->command.words, RAC_FMT(source));
}

static void check_path(const struct rac_verb *v)
{
    rac_str rest = rac_str_of(v->path);
    for (;;) {
        (void)rac_str_cut(rest, '{', &rest);
        if (rest.p == NULL)
            return;
        rac_str inside = rac_str_cut(rest, '}', &rest);
        assert_non_null(rest.p);
        if (inside.p[0] == '-')
            assert_true(has_option(v, rac_str_from(inside, 2)));
        else
            assert_true((size_t)(inside.p[0] - '0') < v->args_min);
    }
}

static void rows_name_what_exists(void **state)
{
    (void)state;
    for (size_t i = 0; i < RAC_COUNT(verbs); i++) {
        const struct rac_verb *v = verbs[i];
        assert_true(v->args_min <= v->args_max);
        assert_non_null(v->command.summary);
        assert_true((v->special != NULL) != (v->path != NULL));
        if (v->path != NULL)
            check_path(v);
        for (rac_str rest = rac_str_of(v->members); rest.p != NULL;) {
            rac_str source, row = rac_str_cut(rest, ' ', &rest);
            assert_true(rac_str_cut(row, '=', &source).n > 0);
            check_source(v, source);
        }
        if (v->args_min > 0 && v->command.synopsis[0] == '\0')
            fail_msg("%s: arguments nobody is told of", v->command.words);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(verbs[k]->command.words, v->command.words);
    }
}

static struct rac_cli cli_of(struct rac_arena *a, const struct rac_verb *v, char **args,
                             size_t args_n)
{
    return (struct rac_cli){.command = &v->command,
                            .a = a,
                            .out = stdout,
                            .err = stderr,
                            .args = args,
                            .args_n = args_n};
}

static void paths_take_the_first_alternative_that_is_given(void **state)
{
    struct rac_arena a;
    (void)state;
    rac_arena_init(&a, 1 << 20);
    const struct rac_verb *v = &rac_verb_connection_list;
    struct rac_cli cli = cli_of(&a, v, NULL, 0);
    assert_str(rac_resource_path(&cli, v->path), "/api/v1/connections");
    struct rac_cli_opt opts[] = {{&v->command.options[0], "a b/c"}};
    cli.opts = opts;
    cli.opts_n = 1;
    assert_str(rac_resource_path(&cli, v->path), "/api/v1/connectors/a%20b%2Fc/connections");
    char *args[] = {"../x?"};
    cli.args = args;
    cli.args_n = 1;
    assert_str(rac_resource_path(&cli, "users/{0}:do"), "/api/v1/users/..%2Fx%3F:do");
    rac_arena_fini(&a);
}

static void values_of_arguments(void **state)
{
    struct rac_arena a;
    struct rac_json v;
    (void)state;
    rac_arena_init(&a, 1 << 20);
    char *args[] = {"ID", "a=1", "b={\"c\":[true]}", "{\"d\":2}", "e=x=y"};
    struct rac_cli cli = cli_of(&a, &rac_verb_connection_invoke, args, RAC_COUNT(args));
    assert_int_equal(rac_resource_values(&cli, 1, &v), RAC_EXIT_OK);
    assert_str(rac_json_print_str(&v, 0, &a),
               "{\"a\":\"1\",\"b\":{\"c\":[true]},\"d\":2,\"e\":\"x=y\"}");
    FILE *quiet = fopen("/dev/null", "w");
    cli.err = quiet;
    args[1] = "nothing";
    assert_int_equal(rac_resource_values(&cli, 1, &v), RAC_EXIT_USAGE);
    args[1] = "b={oops";
    assert_int_equal(rac_resource_values(&cli, 1, &v), RAC_EXIT_USAGE);
    args[1] = "b=@/no/such/file";
    assert_int_equal(rac_resource_values(&cli, 1, &v), RAC_EXIT_UNREACHABLE);
    fclose(quiet);
    rac_arena_fini(&a);
}

/* What is printed goes on behind a zero, which a terminal does not get. */
static void zeros_end_no_output(void **state)
{
    (void)state;
    struct rac_arena a;
    rac_arena_init(&a, 1 << 20);
    char *text = NULL;
    size_t n = 0;
    struct rac_cli cli = {.a = &a, .out = open_memstream(&text, &n)};
    rac_str zero = RAC_S("a\0b");
    rac_cli_put(&cli, "<%.*s>\n", RAC_FMT(zero));
    fclose(cli.out);
    assert_string_equal(text, "<a?b>\n");
    rac_mem_free_libc(text);
    rac_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_name_what_exists),
        cmocka_unit_test(paths_take_the_first_alternative_that_is_given),
        cmocka_unit_test(values_of_arguments),
        cmocka_unit_test(zeros_end_no_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
