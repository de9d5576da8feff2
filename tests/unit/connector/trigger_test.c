#include "fixture.h"

#include "connector/trigger.h"

static struct rac_arena a;
static struct rac_connector *pilot;

static int setup(void **state)
{
    (void)state;
    rac_arena_init(&a, 1 << 20);
    pilot = fixture_load("tests/data/connectors/pilot");
    return 0;
}
static int teardown(void **state)
{
    (void)state;
    rac_connector_unref(pilot);
    rac_arena_fini(&a);
    return 0;
}

static struct rac_json json(const char *text)
{
    struct rac_json v;
    assert_int_equal(rac_json_parse(rac_str_of(text), &a, 0, &v, NULL), RAC_OK);
    return v;
}

static void assert_json(struct rac_json got, const char *want)
{
    struct rac_json w = json(want);
    if (!rac_json_equal(&got, &w)) {
        rac_str text = rac_json_print_str(&got, 0, &a);
        fail_msg("got %.*s, want %s", RAC_FMT(text), want);
    }
}

static void test_polling(void **state)
{
    (void)state;
    const struct rac_op *op = rac_connector_operation(pilot, RAC_S("Poll"));
    rac_str url = RAC_S("https://api.pilot.example/v1/poll");
    assert_true(rac_trigger_is_polled(op));
    assert_false(rac_trigger_is_polled(rac_connector_operation(pilot, RAC_S("Query"))));

    struct rac_trigger_events e;
    struct rac_json extra, args = json("{\"since\":\"start\"}");
    assert_json(rac_trigger_arguments(op, &args, NULL, &a, &extra), "{\"since\":\"start\"}");

    /* poll 1: state, no events */
    struct rac_json body = json("{\"items\":[{\"at\":\"t2\"},{\"at\":\"t1\"}],\"next\":\"/p2\"}");
    rac_trigger_answer(op, &body, url, NULL, &a, &e);
    assert_int_equal(rac_json_len(&e.events), 0);
    assert_null(e.next_page.p);
    assert_json(e.state, "{\"query\":{\"since\":\"t2\",\"per_page\":\"1\"}}");

    /* poll 2: stored values over the arguments, undeclared ones apart */
    struct rac_json kept = e.state;
    assert_json(rac_trigger_arguments(op, &args, &kept, &a, &extra), "{\"since\":\"t2\"}");
    assert_json(extra, "{\"per_page\":\"1\"}");
    body = json("{\"items\":[{\"at\":\"t4\"},{\"at\":\"t3\"}],\"next\":\"/p2\"}");
    rac_trigger_answer(op, &body, url, &kept, &a, &e);
    assert_json(e.events, "[{\"at\":\"t4\"},{\"at\":\"t3\"}]");
    assert_str(e.next_page, "https://api.pilot.example/p2");
    assert_json(e.state, "{\"query\":{\"since\":\"t4\",\"per_page\":\"1\"}}");

    /* the events of all pages stand where those of the first did */
    struct rac_json all = json("[{\"at\":\"t4\"},{\"at\":\"t3\"},{\"at\":\"t2\"}]");
    assert_json(rac_trigger_with(op, &body, &all, &a),
                "{\"items\":[{\"at\":\"t4\"},{\"at\":\"t3\"},{\"at\":\"t2\"}],\"next\":\"/p2\"}");
    assert_json(body, "{\"items\":[{\"at\":\"t4\"},{\"at\":\"t3\"}],\"next\":\"/p2\"}");

    /* nothing new: nothing happens */
    kept = e.state;
    body = json("{\"items\":[]}");
    rac_trigger_answer(op, &body, url, &kept, &a, &e);
    assert_int_equal(rac_json_len(&e.events), 0);
    assert_json(e.state, "{\"query\":{\"since\":\"t4\",\"per_page\":\"1\"}}");

    /* nothing at poll 1: the parameter keeps its own value */
    rac_trigger_answer(op, &body, url, NULL, &a, &e);
    assert_json(e.state, "{\"query\":{\"per_page\":\"1\"}}");
}

static void test_split(void **state)
{
    (void)state;
    static const struct {
        enum rac_trigger kind;
        const char *body, *events, *code;
    } cases[] = {
        {RAC_TRIGGER_SINGLE, "{\"value\":[1]}", "[{\"value\":[1]}]", NULL},
        {RAC_TRIGGER_BATCH, "[1,2]", "[1,2]", NULL},
        {RAC_TRIGGER_BATCH, "{\"x\":[9],\"value\":[1]}", "[1]", NULL},
        {RAC_TRIGGER_BATCH, "{\"x\":[9],\"n\":1}", "[9]", NULL},
        {RAC_TRIGGER_BATCH, "{\"x\":[9],\"y\":[8]}", "[]", "RC-RUN-08"},
        {RAC_TRIGGER_BATCH, "7", "[]", "RC-RUN-08"},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_trigger_events e;
        struct rac_json body = json(cases[i].body);
        rac_trigger_split(cases[i].kind, &body, &a, &e);
        assert_json(e.events, cases[i].events);
        if (cases[i].code == NULL)
            assert_null(e.code);
        else
            assert_string_equal(e.code, cases[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_polling),
        cmocka_unit_test(test_split),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
