/* Packages made to be expensive: what checking and compiling them costs is bounded. */
#include "unit.h"

#include <time.h>

#include "base/buf.h"
#include "connector/check.h"
#include "connector/connector.h"
#include "connector/plan.h"

enum { CPU_MS_MAX = 4000, BYTES_MAX = 96 << 20 };

static struct rac_arena arena;
static struct rac_diags found;
static int64_t started_ms;

static int64_t cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int setup(void **state RAC_UNUSED)
{
    rac_arena_init(&arena, 1 << 30);
    rac_diags_init(&found, &arena, 10000);
    started_ms = cpu_ms();
    return 0;
}

static int teardown(void **state RAC_UNUSED)
{
    int64_t took = cpu_ms() - started_ms;
    size_t used = arena.used_bytes;
    rac_arena_fini(&arena);
    if (took > CPU_MS_MAX * RAC_UNIT_SLOWER || used > BYTES_MAX)
        fail_msg("%lld ms, %zu bytes", (long long)took, used);
    return 0;
}

/* head, n times item with commas between, tail; ' is ", # the number. */
static void add_part(struct rac_buf *b, const char *text, size_t i)
{
    for (const char *c = text; *c != 0; c++)
        if (*c == '#' && c[1] != '/')
            rac_buf_printf(b, "%zu", i);
        else
            rac_buf_add_char(b, *c == '\'' ? '"' : *c);
}

static rac_str text_of(const char *head, const char *item, size_t n, const char *tail)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 28);
    add_part(&b, head, 0);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            rac_buf_add_char(&b, ',');
        add_part(&b, item, i);
    }
    add_part(&b, tail, 0);
    rac_str s = rac_buf_take(&b, &arena);
    rac_buf_fini(&b);
    return s;
}

#define HEAD   "{'swagger':'2.0','info':{'title':'x','version':'1'},'host':'a.example',"
#define A_PATH "'paths':{'/a':{'get':{'operationId':'A','summary':'abc','responses':{'200':{}}}}}"
#define BODY                                                                                       \
    "'paths':{'/a':{'post':{'operationId':'A','responses':{'200':{}},'parameters':[{'name':'b',"   \
    "'in':'body','schema':{'$ref':'#/definitions/D'}}]}}}"
#define NAME100                                                                                    \
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" \
    "nnnn"                                                                                         \
    "nnnn"

static struct rac_package *package_of(rac_str definition, rac_str properties, rac_str readme)
{
    struct rac_package *p =
        rac_package_new(&arena, definition, properties, RAC_STR_NULL, RAC_STR_NULL);
    rac_package_set(p, RAC_PACKAGE_README, readme);
    assert_int_equal(rac_package_read(p, &found), RAC_OK);
    return p;
}

static void check(struct rac_package *p, struct rac_package *former)
{
    struct rac_connector_check_input in = {.package = p, .former = former};
    assert_int_equal(rac_connector_check(&in, &found), RAC_OK);
}

static void placeholders_below_a_long_name(void **state RAC_UNUSED)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 20);
    rac_buf_add(&b, RAC_S("{'properties':{'iconBrandColor':'#da3b01','"));
    for (size_t i = 0; i < 3000; i++)
        rac_buf_add(&b, RAC_S(NAME100));
    rac_buf_add(&b, RAC_S("':["));
    rac_str head = rac_buf_take(&b, &arena);
    rac_buf_fini(&b);
    check(package_of(text_of(HEAD A_PATH "}", "", 0, ""), text_of(head.p, "'<<a>>'", 60000, "]}}"),
                     RAC_STR_NULL),
          NULL);
}

static void a_readme_full_of_beginnings(void **state RAC_UNUSED)
{
    char *p = rac_arena_alloc_dirty(&arena, 1000000);
    memset(p, 'a', 1000000);
    rac_str summary = {p, 2000};
    rac_str item = rac_arena_printf(
        &arena, "'/a#':{'get':{'operationId':'A#','summary':'%.*sb','responses':{'200':{}}}}",
        RAC_FMT(summary));
    check(package_of(text_of(HEAD "'paths':{", item.p, 400, "}}"),
                     text_of("{'properties':{'iconBrandColor':'#da3b01'}}", "", 0, ""),
                     (rac_str){p, 1000000}),
          NULL);
}

/* Every definition names itself in every property: 30 to the 12th paths. */
static void revisions_of_a_recursive_schema(void **state RAC_UNUSED)
{
    rac_str text = text_of(HEAD BODY ",'definitions':{'D':{'type':'object','properties':{",
                           "'" NAME100 NAME100 NAME100 "#':{'$ref':'#/definitions/D'}", 30, "}}}}");
    check(package_of(text, RAC_STR_NULL, RAC_STR_NULL),
          package_of(text, RAC_STR_NULL, RAC_STR_NULL));
}

static void revisions_with_many_schemes(void **state RAC_UNUSED)
{
    rac_str text =
        text_of(HEAD A_PATH ",'securityDefinitions':{", "'s#':{'type':'t'}", 40000, "}}");
    check(package_of(text, RAC_STR_NULL, RAC_STR_NULL),
          package_of(text, RAC_STR_NULL, RAC_STR_NULL));
}

static rac_err compile(rac_str definition, struct rac_connector **k)
{
    struct rac_package *p = package_of(definition, RAC_STR_NULL, RAC_STR_NULL);
    return rac_connector_compile(p, RAC_S("x"), 1, k, &found);
}

static void many_required_properties(void **state RAC_UNUSED)
{
    enum { N = 60000 };
    struct rac_connector *k = NULL;
    rac_str required = text_of("'required':[", "'p#'", N, "],'properties':{");
    rac_str head =
        rac_str_concat(&arena, RAC_S(HEAD BODY ",'definitions':{'D':{'type':'object',"), required);
    assert_int_equal(
        compile(text_of(rac_arena_cstr(&arena, head), "'p#':{'type':'string'}", N, "}}}}"), &k),
        RAC_OK);
    rac_connector_unref(k);
}

/* What the first is filled with is told to the second, and so on, against the order they were made
 * in. */
static void needs_that_travel_far(void **state RAC_UNUSED)
{
    enum { N = 20000 };
    struct rac_connector *k = NULL;
    struct rac_buf b;
    rac_buf_init(&b, 1 << 24);
    rac_buf_add(&b, RAC_S(HEAD BODY ",'definitions':{'A0':{'type':'object','required':['x'],"
                                    "'properties':{'x':{'type':'string','default':'v'}}},"));
    for (size_t i = 1; i < N; i++)
        rac_buf_printf(&b,
                       "'A%zu':{'type':'object','required':['x'],'properties':{'x':{'$ref':"
                       "'#/definitions/A%zu'}}},",
                       i, i - 1);
    rac_buf_add(&b, RAC_S("'D':{'type':'object','properties':{"));
    rac_str head = rac_buf_take(&b, &arena);
    rac_buf_fini(&b);
    rac_str text = text_of(head.p, "'p#':{'$ref':'#/definitions/A#'}", N, "}}}}");
    assert_int_equal(compile(text, &k), RAC_OK);
    const struct rac_op *op = rac_connector_operation(k, RAC_S("A"));
    const struct rac_shape *shape = op->plan->params[0].shape;
    assert_int_equal(shape->props_n, N);
    assert_true(shape->forced && shape->props[N - 1].shape->makes);
    rac_connector_unref(k);
}

/* What would need gigabytes is refused before it has them. */
static void definitions_that_repeat_another(void **state RAC_UNUSED)
{
    struct rac_connector *k = NULL;
    rac_str paths = text_of(HEAD "'paths':{",
                            "'/a#':{'post':{'operationId':'A#','responses':{'200':{}},'parameters':"
                            "[{'name':'b','in':'body','schema':{'allOf':[{'$ref':'#/definitions/D'}"
                            "]}}]}}",
                            2000, "},'definitions':{'D':{'type':'object','properties':{");
    assert_int_equal(
        compile(text_of(rac_arena_cstr(&arena, paths), "'p#':{'type':'string'}", 12000, "}}}}"),
                &k),
        RAC_E_LIMIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(placeholders_below_a_long_name),  TEST(a_readme_full_of_beginnings),
        TEST(revisions_of_a_recursive_schema), TEST(revisions_with_many_schemes),
        TEST(many_required_properties),        TEST(needs_that_travel_far),
        TEST(definitions_that_repeat_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
