/* What outputs of a trigger start: conditions, splitOn, tracking (spec workflows §2.11, §2.13). */
#include "unit.h"

#include "base/str.h"
#include "workflow/definition/trigger.h"

struct fixture {
    struct rac_arena a;
    struct rac_workflow workflow;
    struct rac_plan plan;
    struct rac_flow flow;
    struct rac_env_fake clock;
    struct rac_env env;
    struct rac_flow_trigger trigger;
    struct rac_trigger_verdict verdict;
};

static struct rac_json *parsed(struct fixture *f, const char *text)
{
    struct rac_json *v = RAC_NEW(&f->a, struct rac_json);
    assert_int_equal(rac_json_parse(rac_str_of(text), &f->a, 0, v, NULL), RAC_OK);
    return v;
}

static void judge(struct fixture *f, const char *node, const char *outputs)
{
    *f = (struct fixture){.clock = {.wall_ms = 1767225600000}};
    rac_arena_init(&f->a, 64 << 20);
    f->env = rac_env_fake(&f->clock);
    f->plan.workflow = &f->workflow;
    f->plan.parameters = *parsed(f, "{\"least\":10}");
    f->flow.name = RAC_S("w");
    f->flow.plan = &f->plan;
    rac_trigger_compile(&f->plan, RAC_S("t"), parsed(f, node), &f->a, &f->trigger);
    struct rac_trigger_context c = {.flow = &f->flow, .env = &f->env};
    rac_trigger_judge(&f->trigger, &c, parsed(f, outputs), &f->a, &f->verdict);
}

static void done(struct fixture *f)
{
    rac_arena_fini(&f->a);
}

static void test_plain_outputs_start_one_run(void **state)
{
    struct fixture f;
    (void)state;
    judge(&f, "{\"type\":\"Request\"}", "{\"body\":{\"n\":1}}");
    assert_int_equal(f.trigger.class, RAC_TRIGGER_REQUEST);
    assert_int_equal(f.verdict.outcome, RAC_TRIGGER_FIRES);
    assert_int_equal(f.verdict.n, 1);
    assert_true(f.verdict.items[0].tracking.p == NULL);
    done(&f);
}

static void test_all_conditions_must_hold(void **state)
{
    static const char node[] =
        "{\"type\":\"Http\",\"conditions\":[{\"expression\":\"@greater(triggerBody()['n'],1)\"},"
        "{\"expression\":\"@less(triggerBody()['n'],parameters('least'))\"}]}";
    struct fixture f;
    (void)state;
    judge(&f, node, "{\"body\":{\"n\":5}}");
    assert_int_equal(f.verdict.items[0].outcome, RAC_TRIGGER_FIRES);
    done(&f);
    judge(&f, node, "{\"body\":{\"n\":50}}");
    assert_int_equal(f.verdict.items[0].outcome, RAC_TRIGGER_SKIPS);
    done(&f);
    judge(&f, node, "{\"body\":{}}");
    assert_int_equal(f.verdict.items[0].outcome, RAC_TRIGGER_FAILS);
    assert_true(rac_str_eq(f.verdict.items[0].code, RAC_S("InvalidTemplate")));
    done(&f);
}

static void test_conditions_over_the_status_are_seen(void **state)
{
    struct fixture f;
    (void)state;
    judge(&f,
          "{\"type\":\"Http\",\"conditions\":[{\"expression\":"
          "\"@equals(triggerOutputs()['statusCode'],404)\"}]}",
          "{\"statusCode\":404}");
    assert_true(f.trigger.conditions_see_status);
    assert_int_equal(f.verdict.items[0].outcome, RAC_TRIGGER_FIRES);
    done(&f);
    judge(&f,
          "{\"type\":\"Http\",\"conditions\":[{\"expression\":"
          "\"@equals(triggers().code,'NotFound')\"}]}",
          "{\"statusCode\":404}");
    assert_true(f.trigger.conditions_see_status);
    assert_int_equal(f.verdict.items[0].outcome, RAC_TRIGGER_FIRES);
    done(&f);
}

static void test_each_element_is_a_body_of_its_own(void **state)
{
    struct fixture f;
    (void)state;
    judge(&f,
          "{\"type\":\"ApiConnection\",\"splitOn\":\"@triggerBody()?['value']\","
          "\"splitOnConfiguration\":{\"correlation\":{\"clientTrackingId\":"
          "\"@triggerBody()['id']\"}}}",
          "{\"headers\":{\"h\":\"x\"},\"body\":{\"value\":[{\"id\":7},{\"id\":8}],\"more\":1}}");
    assert_int_equal(f.verdict.n, 2);
    const struct rac_json *second = &f.verdict.items[1].outputs;
    assert_true(rac_str_eq(rac_json_print_str(second, 0, &f.a),
                           RAC_S("{\"headers\":{\"h\":\"x\"},\"body\":{\"id\":8}}")));
    assert_true(rac_str_eq(f.verdict.items[0].tracking, RAC_S("7")));
    done(&f);
}

static void test_nothing_to_split_is_skipped_and_what_is_no_array_fails(void **state)
{
    static const char node[] = "{\"type\":\"Request\",\"splitOn\":\"@triggerBody()\"}";
    struct fixture f;
    (void)state;
    judge(&f, node, "{\"body\":[]}");
    assert_int_equal(f.verdict.outcome, RAC_TRIGGER_SKIPS);
    done(&f);
    judge(&f, node, "{\"body\":null}");
    assert_int_equal(f.verdict.outcome, RAC_TRIGGER_SKIPS);
    done(&f);
    judge(&f, node, "{\"body\":{}}");
    assert_int_equal(f.verdict.outcome, RAC_TRIGGER_FAILS);
    assert_true(rac_str_eq(f.verdict.code, RAC_S("InvalidTemplate")));
    done(&f);
}

static void test_concurrency_lowers_the_limit_of_items(void **state)
{
    struct rac_buf b;
    struct fixture f;
    (void)state;
    rac_buf_init(&b, 1 << 16);
    RAC_BUF_ADD_LIT(&b, "{\"body\":[0");
    for (int i = 0; i < 100; i++)
        RAC_BUF_ADD_LIT(&b, ",1");
    RAC_BUF_ADD_LIT(&b, "]}");
    rac_buf_add_char(&b, '\0');
    judge(&f,
          "{\"type\":\"Request\",\"splitOn\":\"@triggerBody()\",\"runtimeConfiguration\":"
          "{\"concurrency\":{\"runs\":5}}}",
          b.p);
    assert_int_equal(f.trigger.runs, 5);
    assert_int_equal(f.verdict.outcome, RAC_TRIGGER_FAILS);
    assert_true(rac_str_eq(f.verdict.code, RAC_S("SplitOnItemsLimitExceeded")));
    done(&f);
    rac_buf_fini(&b);
}

static void test_autoload_takes_the_collection_of_the_connector(void **state)
{
    struct fixture f;
    (void)state;
    judge(&f, "{\"type\":\"ApiConnection\",\"splitOn\":\"@autoload()\"}",
          "{\"body\":{\"value\":[1,2,3]}}");
    assert_int_equal(f.verdict.n, 3);
    done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_outputs_start_one_run),
        cmocka_unit_test(test_all_conditions_must_hold),
        cmocka_unit_test(test_conditions_over_the_status_are_seen),
        cmocka_unit_test(test_each_element_is_a_body_of_its_own),
        cmocka_unit_test(test_nothing_to_split_is_skipped_and_what_is_no_array_fails),
        cmocka_unit_test(test_concurrency_lowers_the_limit_of_items),
        cmocka_unit_test(test_autoload_takes_the_collection_of_the_connector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
