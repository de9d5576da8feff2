/* The engine under a fake clock: what is acknowledged when, timers, calls, restarts. */
#include "base/mem.h"
#include "base/metrics.h"
#include "engine_world.h"
#include "unit.h"
#include "workflow/run/run.h"
#include "workflow/definition/trigger.h"

#include <time.h>

#define REQUEST "{\"type\": \"Request\", \"kind\": \"Http\"}"

static struct memory_run *row(struct world *w, const struct world_answer *a)
{
    return memory_store_run(w->store, 1, rac_str_of(a->run));
}

static void answered_after_commit(void **state)
{
    (void)state;
    struct world *w = world_new(1, true);
    struct world_answer a;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"C\": {\"type\": \"Compose\", \"inputs\": \"@triggerBody()?['n']\"}, \"R\": {\"type\": "
        "\"Response\", \"runAfter\": {\"C\": [\"Succeeded\"]}, \"inputs\": {\"statusCode\": 201, "
        "\"body\": \"@add(outputs('C'), 1)\"}}}");
    world_fire(w, f, "{\"body\": {\"n\": 41}}", true, &a);
    assert_false(a.called);
    world_settle(w);
    assert_true(a.called);
    assert_int_equal(a.outcome, RAC_FIRE_RESPONSE);
    assert_string_equal(a.text, "{\"statusCode\":201,\"headers\":{},\"body\":42}");
    assert_int_equal(w->store->turns_total, 1); /* begun and ended in one commit */
    assert_string_equal(row(w, &a)->status, "Succeeded");
    assert_true(row(w, &a)->end_ms != 0);
    struct rac_engine_stats s;
    rac_engine_stats(w->engine, &s);
    assert_int_equal(s.live, 0);
    world_free(w);
}

static void runs_are_counted(void **state RAC_UNUSED)
{
    struct world *w = world_new(1, true);
    struct world_answer a[3];
    struct rac_flow *good =
                        world_flow(w, REQUEST, "{\"C\": {\"type\": \"Compose\", \"inputs\": 1}}"),
                    *bad = world_flow(
                        w, REQUEST, "{\"C\": {\"type\": \"Compose\", \"inputs\": \"@div(1, 0)\"}}");
    uint64_t started = rac_metric_sum(RAC_METRIC_RUNS_STARTED),
             ended = rac_metric_sum(RAC_METRIC_RUNS_ENDED),
             failed = rac_metric_sum(RAC_METRIC_RUNS_FAILED),
             refused = rac_metric_sum(RAC_METRIC_RUNS_REFUSED);
    world_fire(w, good, "{}", false, &a[0]);
    world_fire(w, bad, "{}", false, &a[1]);
    assert_int_equal(rac_metric_sum(RAC_METRIC_RUNS_STARTED), started + 2);
    assert_int_equal(rac_metric_sum(RAC_METRIC_RUNS_ENDED), ended);
    world_settle(w);
    assert_int_equal(rac_metric_sum(RAC_METRIC_RUNS_ENDED), ended + 2);
    assert_int_equal(rac_metric_sum(RAC_METRIC_RUNS_FAILED), failed + 1);
    rac_engine_drain(w->engine);
    world_fire(w, good, "{}", false, &a[2]);
    world_settle(w);
    assert_int_equal(rac_metric_sum(RAC_METRIC_RUNS_REFUSED), refused + 1);
    assert_int_equal(rac_metric_sum(RAC_METRIC_RUNS_STARTED), started + 2);
    world_free(w);
}

/* What a commit holds is bounded by bytes too, and a value that many actions have is held once. */
static void large_values_are_shared_out_over_turns(void **state)
{
    (void)state;
    struct world *w = world_new(3, true);
    struct world_answer a;
    struct rac_buf b;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"Same\": {\"type\": \"Foreach\", \"foreach\": \"@range(0, 100)\", \"actions\": {\"S\": "
        "{\"type\": \"Compose\", \"inputs\": \"@triggerBody()\"}}}, \"Own\": {\"type\": "
        "\"Foreach\", \"foreach\": \"@range(0, 100)\", \"runAfter\": {\"Same\": [\"Succeeded\"]}, "
        "\"actions\": {\"O\": {\"type\": \"Compose\", \"inputs\": "
        "\"@concat(triggerBody(), item())\"}}}}");
    rac_buf_init(&b, SIZE_MAX / 2);
    rac_buf_add(&b, RAC_S("{\"body\": \""));
    for (size_t i = 0; i < 1 << 20; i++)
        rac_buf_add_char(&b, 'x');
    rac_buf_add(&b, RAC_S("\"}"));
    rac_buf_add_char(&b, '\0');
    world_fire(w, f, b.p, false, &a);
    world_settle(w);
    assert_string_equal(row(w, &a)->status, "Succeeded");
    assert_in_range(w->store->turn_bytes_most, 1 << 20, 40 << 20);
    assert_in_range(w->store->turns_total, 4, 5);           /* 100 MB of Own */
    assert_in_range(w->store->turn_values_total, 102, 102); /* an Own each, others once */
    rac_buf_fini(&b);
    world_free(w);
}

static rac_err too_large(void *arg)
{
    int *asked = arg;
    return (*asked)++ == 1 ? RAC_E_LIMIT : RAC_OK; /* the second turn */
}

/* Or its last step would be taken again after every restart, without an end. */
static void what_cannot_be_recorded_ends_the_run(void **state)
{
    (void)state;
    int asked = 0;
    struct world *w = world_new(4, true);
    struct world_answer a;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"A\": {\"type\": \"Http\", \"inputs\": {\"method\": \"GET\", \"uri\": "
        "\"https://h.example/\"}}, \"B\": {\"type\": \"Http\", \"inputs\": {\"method\": \"GET\", "
        "\"uri\": \"https://h.example/b\"}}}");
    w->store->fault = too_large;
    w->store->fault_arg = &asked;
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    world_answer(w, world_fetch(w, "h.example/"), 200, "", "ok");
    world_settle(w);
    assert_string_equal(row(w, &a)->status, "Failed");
    assert_string_equal(row(w, &a)->code, "WorkflowRunMemoryLimitExceeded");
    assert_int_equal(asked, 3);
    assert_true(row(w, &a)->end_ms != 0);
    struct rac_engine_stats s;
    rac_engine_stats(w->engine, &s);
    assert_int_equal(s.live, 0);
    assert_null(w->fetches); /* the other one is not waited for */
    world_free(w);
}

/* The Response was set in the turn that is lost: after a restart nothing would know of it. */
static void a_response_that_cannot_be_recorded_is_not_sent(void **state)
{
    (void)state;
    int asked = 0;
    struct world *w = world_new(4, true);
    struct world_answer a;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"A\": {\"type\": \"Http\", \"inputs\": {\"method\": \"GET\", \"uri\": "
        "\"https://h.example/\"}}, \"R\": {\"type\": \"Response\", \"runAfter\": {\"A\": "
        "[\"Succeeded\"]}, \"inputs\": {\"statusCode\": 200, \"body\": \"@body('A')\"}}}");
    w->store->fault = too_large;
    w->store->fault_arg = &asked;
    world_fire(w, f, "{}", true, &a);
    world_settle(w);
    assert_false(a.called);
    world_answer(w, world_fetch(w, "h.example/"), 200, "", "ok");
    world_settle(w);
    assert_true(a.called);
    assert_int_equal(a.outcome, RAC_FIRE_FAILED);
    assert_int_equal(a.status, 507);
    assert_string_equal(row(w, &a)->status, "Failed");
    world_free(w);
}

static void says_who_it_is(void **state)
{
    (void)state;
    struct world *w = world_new(1, true);
    struct world_answer a;
    char want[512];
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"R\": {\"type\": \"Response\", \"inputs\": {\"body\": \"@concat(workflow().id, ' ', "
        "workflow().name, ' ', workflow().run.id)\"}}}");
    world_fire(w, f, "{}", true, &a);
    world_settle(w);
    snprintf(want, sizeof want,
             "{\"statusCode\":200,\"headers\":{},\"body\":\"/workflows/%.*s %.*s "
             "/workflows/%.*s/runs/%s\"}",
             RAC_FMT(f->name), RAC_FMT(f->name), RAC_FMT(f->name), a.run);
    assert_string_equal(a.text, want);
    world_free(w);
}

/* A flow outlives what its environment's name was read from. */
static void keeps_the_name_of_its_environment(void **state)
{
    (void)state;
    struct world *w = world_new(1, true);
    char name[] = "harbour";
    struct rac_flow *f = world_flow_of(
        w,
        "{\"properties\": {\"displayName\": \"F\", \"connectionReferences\": {}, \"definition\": "
        "{\"$schema\": \"https://schema.management.azure.com/providers/Microsoft.Logic/schemas/"
        "2016-06-01/workflowdefinition.json#\", \"contentVersion\": \"1.0.0.0\", \"triggers\": "
        "{\"manual\": {\"type\": \"Request\", \"kind\": \"Http\"}}, \"actions\": {}}}}");
    rac_flow_describe(f, RAC_S("s"), rac_str_of(name), NULL);
    memset(name, '?', sizeof name);
    const struct rac_json *tags = RAC_JSON_GET(&f->self, "tags");
    assert_str(rac_json_str(RAC_JSON_GET(tags, "environmentName"), RAC_S("")), "harbour");
    world_free(w);
}

static rac_err refuse(void *arg)
{
    rac_err *e = arg;
    return *e;
}

static void refused_by_the_store(void **state)
{
    (void)state;
    struct world *w = world_new(2, true);
    struct world_answer a;
    rac_err err = RAC_E_FULL;
    struct rac_flow *f = world_flow(w, REQUEST, "{\"C\": {\"type\": \"Compose\", \"inputs\": 1}}");
    w->store->fault = refuse;
    w->store->fault_arg = &err;
    world_fire(w, f, "{}", true, &a);
    world_settle(w);
    assert_true(a.called);
    assert_int_equal(a.outcome, RAC_FIRE_FAILED);
    assert_int_equal(w->store->runs_n, 0);
    world_free(w);
}

static void waits_in_the_store(void **state)
{
    (void)state;
    struct world *w = world_new(3, true);
    struct world_answer a;
    struct rac_engine_stats s;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"W\": {\"type\": \"Wait\", \"inputs\": {\"interval\": {\"count\": 2, \"unit\": "
        "\"Day\"}}}, \"C\": {\"type\": \"Compose\", \"inputs\": \"@utcNow()\", \"runAfter\": "
        "{\"W\": [\"Succeeded\"]}}}");
    world_fire(w, f, "{}", true, &a);
    world_settle(w);
    assert_int_equal(a.outcome, RAC_FIRE_STARTED);
    assert_string_equal(row(w, &a)->status, "Running");
    assert_int_equal(row(w, &a)->due_ms, w->clock.wall_ms + 2 * 86400000);
    rac_engine_stats(w->engine, &s);
    assert_int_equal(s.live, 0); /* it costs nothing here */
    world_pass(w, 86400000);
    assert_string_equal(row(w, &a)->status, "Running");
    world_restart(w);
    world_pass(w, 86400000);
    assert_string_equal(row(w, &a)->status, "Succeeded");
    world_free(w);
}

static void short_wait(void **state)
{
    (void)state;
    struct world *w = world_new(4, true);
    struct world_answer a;
    struct rac_flow *f = world_flow(w, REQUEST,
                                    "{\"W\": {\"type\": \"Wait\", \"inputs\": {\"interval\": "
                                    "{\"count\": 1, \"unit\": \"Second\"}}}}");
    world_fire(w, f, "{}", false, &a);
    world_pass(w, 999);
    assert_string_equal(row(w, &a)->status, "Running");
    world_pass(w, 1);
    assert_string_equal(row(w, &a)->status, "Succeeded");
    world_free(w);
}

#define CALL                                                                                       \
    "{\"H\": {\"type\": \"Http\", \"inputs\": {\"method\": \"POST\", \"uri\": "                    \
    "\"https://api.example/x\", \"body\": {\"a\": 1}}}, \"R\": {\"type\": \"Response\", "          \
    "\"runAfter\": {\"H\": [\"Succeeded\", \"Failed\"]}, \"inputs\": {\"body\": "                  \
    "\"@body('H')\"}}}"

static void calls_after_commit(void **state)
{
    (void)state;
    struct world *w = world_new(5, true);
    struct world_answer a;
    struct rac_flow *f = world_flow(w, REQUEST, CALL);
    world_fire(w, f, "{}", true, &a);
    assert_null(w->fetches);
    world_settle(w);
    struct world_fetch *x = world_fetch(w, "api.example/x");
    assert_non_null(x);
    assert_int_equal(w->store->runs_n, 1); /* durable before it left */
    assert_str(x->body, "{\"a\":1}");
    assert_str(rac_headers_get(&x->headers, RAC_S("x-ms-workflow-operation-name")), "H");
    rac_str id = rac_headers_get(&x->headers, RAC_S("x-ms-client-request-id"));
    assert_int_equal(id.n, 36);
    world_answer(w, x, 200, "Content-Type: application/json", "{\"b\":2}");
    assert_string_equal(a.text, "{\"statusCode\":200,\"headers\":{},\"body\":{\"b\":2}}");
    world_free(w);
}

static void retries_with_new_ids(void **state)
{
    (void)state;
    struct world *w = world_new(6, true);
    struct world_answer a;
    char first[40];
    struct rac_flow *f = world_flow(w, REQUEST, CALL);
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    struct world_fetch *x = world_fetch(w, "api.example");
    rac_str id = rac_headers_get(&x->headers, RAC_S("x-ms-client-request-id"));
    snprintf(first, sizeof first, "%.*s", RAC_FMT(id));
    world_answer(w, x, 503, "Retry-After: 3", "no");
    assert_null(w->fetches);
    world_pass(w, 20000);
    x = world_fetch(w, "api.example");
    assert_non_null(x);
    id = rac_headers_get(&x->headers, RAC_S("x-ms-client-request-id"));
    assert_false(rac_str_eq(id, rac_str_of(first)));
    snprintf(first, sizeof first, "%.*s", RAC_FMT(id));
    world_restart(w); /* under way: sent again under the same id */
    x = world_fetch(w, "api.example");
    assert_non_null(x);
    assert_str(rac_headers_get(&x->headers, RAC_S("x-ms-client-request-id")), first);
    world_answer(w, x, 200, "Content-Type: text/plain", "ok");
    assert_string_equal(row(w, &a)->status, "Succeeded");
    world_free(w);
}

static void polls_after_restart(void **state)
{
    (void)state;
    struct world *w = world_new(7, true);
    struct world_answer a;
    struct rac_flow *f = world_flow(w, REQUEST, CALL);
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    world_answer(w, world_fetch(w, "api.example/x"), 202, "Location: /poll/1\nRetry-After: 5", "");
    world_restart(w);
    assert_null(w->fetches);
    world_pass(w, 5000);
    struct world_fetch *x = world_fetch(w, "https://api.example/poll/1");
    assert_non_null(x); /* it polls, it does not post again */
    assert_str(x->method, "GET");
    world_answer(w, x, 200, "Content-Type: application/json", "{\"done\":true}");
    assert_string_equal(row(w, &a)->status, "Succeeded");
    assert_int_equal(w->fetched_total, 2);
    world_free(w);
}

static void times_out(void **state)
{
    (void)state;
    struct world *w = world_new(8, true);
    struct world_answer a;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"H\": {\"type\": \"Http\", \"limit\": {\"timeout\": \"PT10S\"}, \"inputs\": "
        "{\"method\": \"GET\", \"uri\": \"https://api.example/slow\"}}, \"L\": {\"type\": "
        "\"Compose\", \"inputs\": \"@actions('H').error.code\", \"runAfter\": {\"H\": "
        "[\"TimedOut\"]}}}");
    world_fire(w, f, "{}", false, &a);
    world_pass(w, 10001);
    assert_null(w->fetches);
    assert_string_equal(row(w, &a)->status, "Succeeded");
    world_free(w);
}

static void done_event(void *arg, rac_err err, rac_str why)
{
    (void)why;
    *(int *)arg = (int)err;
}

static void webhook(void **state)
{
    (void)state;
    struct world *w = world_new(9, true);
    struct world_answer a;
    int err = -1;
    struct rac_json v;
    struct rac_json_error where;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"H\": {\"type\": \"HttpWebhook\", \"inputs\": {\"subscribe\": {\"method\": \"POST\", "
        "\"uri\": \"https://api.example/subscribe\", \"body\": {\"to\": \"@{listCallbackUrl()}\"}},"
        " \"unsubscribe\": {\"method\": \"DELETE\", \"uri\": "
        "\"https://api.example/unsubscribe\"}}}}");
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    struct world_fetch *x = world_fetch(w, "/subscribe");
    assert_true(rac_str_find(x->body, RAC_S("/actions/H/run?")) != RAC_STR_NPOS);
    world_answer(w, x, 200, "", "");
    world_pass(w, 86400000);
    struct rac_engine_stats s;
    rac_engine_stats(w->engine, &s);
    assert_int_equal(s.live, 0);
    assert_int_equal(rac_json_parse(RAC_S("{\"headers\":{},\"body\":7}"), &w->a, 0, &v, &where),
                     RAC_OK);
    rac_engine_callback(w->engine, 1, rac_str_of(a.run), RAC_S("nope"), RAC_S(""), &v, done_event,
                        &err);
    world_settle(w);
    assert_int_equal(err, RAC_E_NOT_FOUND);
    rac_engine_callback(w->engine, 1, rac_str_of(a.run), RAC_S("H"), RAC_S(""), &v, done_event,
                        &err);
    world_settle(w);
    assert_int_equal(err, RAC_OK);
    assert_string_equal(row(w, &a)->status, "Succeeded");
    rac_engine_callback(w->engine, 1, rac_str_of(a.run), RAC_S("H"), RAC_S(""), &v, done_event,
                        &err);
    world_settle(w);
    assert_int_equal(err, RAC_E_CONFLICT);
    world_fire(w, f, "{}", false, &a); /* cancelled while it waits: unsubscribes */
    world_settle(w);
    world_answer(w, world_fetch(w, "/subscribe"), 200, "", "");
    rac_engine_cancel(w->engine, 1, rac_str_of(a.run), done_event, &err);
    world_settle(w);
    assert_int_equal(err, RAC_OK);
    assert_non_null(world_fetch(w, "/unsubscribe"));
    assert_string_equal(row(w, &a)->status, "Cancelled");
    world_free(w);
}

static void nested(void **state)
{
    (void)state;
    struct world *w = world_new(10, true);
    struct world_answer a;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"N\": {\"type\": \"Workflow\", \"inputs\": {\"host\": {\"workflow\": {\"id\": "
        "\"flow2\"}}, \"body\": {\"x\": 5}}}, \"R\": {\"type\": \"Response\", \"runAfter\": "
        "{\"N\": [\"Succeeded\"]}, \"inputs\": {\"body\": \"@body('N')\"}}}");
    world_flow(w, REQUEST,
               "{\"R\": {\"type\": \"Response\", \"inputs\": {\"body\": "
               "\"@mul(triggerBody()['x'], 2)\"}}}");
    world_fire(w, f, "{}", true, &a);
    world_settle(w);
    assert_string_equal(a.text, "{\"statusCode\":200,\"headers\":{},\"body\":10}");
    assert_int_equal(w->store->runs_n, 2);
    world_free(w);
}

#define CALLS_FLOW2                                                                                \
    "{\"N\": {\"type\": \"Workflow\", \"inputs\": {\"host\": {\"workflow\": {\"id\": "             \
    "\"flow2\"}}, \"headers\": {\"Authorization\": \"Bearer x\", \"n\": 5}}}, \"R\": {\"type\": "  \
    "\"Response\", \"runAfter\": {\"N\": [\"Succeeded\"]}, \"inputs\": {\"body\": "                \
    "\"@body('N')\"}}}"
#define TELLS_HEADERS                                                                              \
    "{\"R\": {\"type\": \"Response\", \"inputs\": {\"body\": \"@triggerOutputs()['headers']\"}}}"

static void what_a_nested_trigger_is_told(struct world *w, const char *trigger, const char *want)
{
    struct world_answer a;
    struct rac_flow *f = world_flow(w, REQUEST, CALLS_FLOW2);
    world_flow(w, trigger, TELLS_HEADERS);
    world_fire(w, f, "{}", true, &a);
    world_settle(w);
    assert_string_equal(a.text, want);
    world_free(w);
}

/* As a request over HTTP is (§2.2): its Authorization is nobody's business unless asked for. */
static void nested_authorization(void **state)
{
    (void)state;
    what_a_nested_trigger_is_told(world_new(70, true), REQUEST,
                                  "{\"statusCode\":200,\"headers\":{},\"body\":{\"n\":\"5\"}}");
    what_a_nested_trigger_is_told(
        world_new(71, true),
        "{\"type\": \"Request\", \"operationOptions\": \"IncludeAuthorizationHeadersInOutputs\"}",
        "{\"statusCode\":200,\"headers\":{},\"body\":{\"Authorization\":\"Bearer "
        "x\",\"n\":\"5\"}}");
}

#define LIMIT(runs)                                                                                \
    "{\"type\": \"Request\", \"runtimeConfiguration\": {\"concurrency\": {\"runs\": " runs "}}}"

static void nested_with_a_limit_goes_to_the_worker_that_counts(void **state)
{
    (void)state;
    struct world *w = world_new(72, true);
    struct world_answer a;
    struct rac_flow *f = world_flow(w, REQUEST, CALLS_FLOW2);
    struct rac_flow *child = world_flow(w, LIMIT("1"), TELLS_HEADERS);
    world_move(w, 1);
    world_fire(w, f, "{}", true, &a);
    world_settle(w);
    assert_ptr_equal(w->counted_flow, child);
    assert_int_equal(w->store->runs_n, 1);
    struct rac_json response = rac_json_new_object(&w->a);
    RAC_JSON_PUT(&w->a, &response, "body", rac_json_of_int(7));
    struct rac_fire_answer answer = {.outcome = RAC_FIRE_RESPONSE, .response = response};
    w->counted_done(w->counted_arg, &answer);
    world_settle(w);
    assert_string_equal(a.text, "{\"statusCode\":200,\"headers\":{},\"body\":7}");

    w->counted_done = NULL; /* whoever waits may go before the answer comes */
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    assert_non_null(w->counted_done);
    rac_engine_cancel(w->engine, 1, rac_str_of(w->store->runs[1].name), NULL, NULL);
    world_settle(w);
    assert_string_equal(w->store->runs[1].status, "Cancelled");
    w->counted_done(w->counted_arg, &answer);
    world_settle(w);
    world_free(w);
}

/* One call, a run for each element: they are counted where all others are. */
static void nested_that_splits_with_a_limit_goes_there_as_well(void **state)
{
    (void)state;
    struct world *w = world_new(73, true);
    struct world_answer a;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"Call\": {\"type\": \"Workflow\", \"inputs\": {\"host\": {\"workflow\": {\"id\": "
        "\"flow2\"}}, \"body\": [1, 2]}}}");
    struct rac_flow *child =
        world_flow(w,
                   "{\"type\": \"Request\", \"splitOn\": \"@triggerBody()\", "
                   "\"runtimeConfiguration\": {\"concurrency\": {\"runs\": 1}}}",
                   "{\"R\": {\"type\": \"Response\", \"inputs\": {\"body\": 1}}}");
    struct rac_flow_trigger *rule = RAC_NEW(&child->a, struct rac_flow_trigger);
    rac_trigger_compile(child->plan, child->plan->trigger_name, child->plan->trigger, &child->a,
                        rule);
    child->triggers = rule;
    child->triggers_n = 1;
    world_move(w, 1);
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    assert_int_equal(w->store->runs_n, 1);
    assert_ptr_equal(w->counted_flow, child);
    struct rac_fire_answer answer = {.outcome = RAC_FIRE_STARTED, .flow = child};
    w->counted_done(w->counted_arg, &answer);
    world_settle(w);
    assert_string_equal(w->store->runs[0].status, "Succeeded");
    world_free(w);
}

static void limited(void **state)
{
    (void)state;
    struct world *w = world_new(11, true);
    struct world_answer a[14];
    struct rac_flow *f = world_flow(
        w,
        "{\"type\": \"Request\", \"operationOptions\": \"SingleInstance\", "
        "\"runtimeConfiguration\": {\"concurrency\": {\"maximumWaitingRuns\": 11}}}",
        "{\"W\": {\"type\": \"Wait\", \"inputs\": {\"interval\": {\"count\": 1, \"unit\": "
        "\"Second\"}}}}");
    for (int i = 0; i < 13; i++) {
        world_fire(w, f, "{}", false, &a[i]);
        world_settle(w);
    }
    assert_string_equal(row(w, &a[0])->status, "Running");
    assert_string_equal(row(w, &a[1])->status, "Waiting");
    assert_int_equal(a[12].outcome, RAC_FIRE_BUSY);
    assert_int_equal(a[12].status, 429);
    assert_string_equal(a[12].text, "WorkflowRunsLimitExceeded");
    world_pass(w, 1000);
    assert_string_equal(row(w, &a[0])->status, "Succeeded");
    assert_string_equal(row(w, &a[1])->status, "Running");
    world_restart(w);
    world_pass(w, 12000);
    for (int i = 0; i < 12; i++)
        assert_string_equal(row(w, &a[i])->status, "Succeeded");
    world_free(w);
}

#define SLOW                                                                                       \
    "{\"H\": {\"type\": \"Http\", \"inputs\": {\"method\": \"GET\", \"uri\": "                     \
    "\"https://api.example/x\"}}}"

/* The next version of flow 1. */
static struct rac_flow *next_version(struct world *w, const char *trigger)
{
    struct rac_flow *f = world_flow(w, trigger, SLOW), *old = w->flows[0];
    size_t at = w->flows_n - 1;
    static const char *const revisions[] = {"08584000000000000000", "08583000000000000000",
                                            "08582000000000000000", "08581000000000000000"};
    f->key = old->key;
    f->revision = rac_str_of(revisions[at]);
    w->flows[0] = f;
    w->flows[at] = old;
    return f;
}

static size_t of_status(struct world *w, const char *status)
{
    size_t n = 0;
    for (size_t i = 0; i < w->store->runs_n; i++)
        n += strcmp(w->store->runs[i].status, status) == 0;
    return n;
}

static void fire_n(struct world *w, struct rac_flow *f, int n, struct world_answer *a)
{
    for (int i = 0; i < n; i++)
        world_fire(w, f, "{}", false, &a[i]);
    world_settle(w);
}

static void end_one(struct world *w)
{
    world_answer(w, world_fetch(w, "api.example"), 200, "", "");
}

static void a_raised_limit_lets_in_all_it_has_room_for(void **state)
{
    (void)state;
    struct world *w = world_new(60, true);
    struct world_answer a[8], more;
    fire_n(w, world_flow(w, LIMIT("1"), SLOW), 8, a);
    assert_int_equal(of_status(w, "Running"), 1);
    assert_int_equal(of_status(w, "Waiting"), 7);
    struct rac_flow *f = next_version(w, LIMIT("4"));
    fire_n(w, f, 1, &more);
    assert_int_equal(of_status(w, "Running"), 4);
    for (int i = 0; i < 5; i++)
        end_one(w);
    assert_int_equal(of_status(w, "Running"), 4); /* and none was counted twice */
    assert_int_equal(of_status(w, "Waiting"), 0);
    fire_n(w, next_version(w, LIMIT("2")), 2, a);
    assert_int_equal(of_status(w, "Waiting"), 2);
    end_one(w);
    end_one(w);
    assert_int_equal(of_status(w, "Waiting"), 2);
    assert_int_equal(of_status(w, "Running"), 2);
    end_one(w);
    assert_int_equal(of_status(w, "Waiting"), 1);
    assert_int_equal(of_status(w, "Running"), 2);
    world_free(w);
}

static void a_limit_that_goes_lets_in_everybody(void **state)
{
    (void)state;
    struct world *w = world_new(61, true);
    struct world_answer a[6];
    fire_n(w, world_flow(w, LIMIT("1"), SLOW), 6, a);
    fire_n(w, next_version(w, REQUEST), 1, a);
    assert_int_equal(of_status(w, "Running"), 7);
    world_free(w);
}

static void a_limit_that_comes_counts_what_runs(void **state)
{
    (void)state;
    struct world *w = world_new(62, true);
    struct world_answer a[3];
    fire_n(w, world_flow(w, REQUEST, SLOW), 3, a);
    fire_n(w, next_version(w, LIMIT("2")), 2, a);
    assert_int_equal(of_status(w, "Running"), 3);
    assert_int_equal(of_status(w, "Waiting"), 2);
    end_one(w);
    end_one(w); /* one of the old version still runs */
    assert_int_equal(of_status(w, "Waiting"), 1);
    assert_int_equal(of_status(w, "Running"), 2);
    end_one(w);
    end_one(w);
    end_one(w);
    assert_int_equal(of_status(w, "Succeeded"), 5);
    world_free(w);
}

static void fire_trigger(struct world *w, struct rac_flow *f, const char *trigger, int n,
                         struct world_answer *a)
{
    for (int i = 0; i < n; i++) {
        struct rac_fire fire = {.flow = f, .trigger = rac_str_of(trigger)};
        a[i] = (struct world_answer){0};
        rac_engine_fire(w->engine, &fire, world_fired, &a[i]);
    }
    world_settle(w);
}

static size_t of_trigger(struct world *w, const char *trigger, const char *status)
{
    size_t n = 0;
    for (size_t i = 0; i < w->store->runs_n; i++)
        n += strcmp(w->store->runs[i].trigger, trigger) == 0 &&
             strcmp(w->store->runs[i].status, status) == 0;
    return n;
}

static struct rac_flow *of_triggers(struct world *w, const char *triggers)
{
    rac_str text = rac_arena_printf(&w->a,
                                    "{\"definition\": {\"triggers\": %s, \"actions\": " SLOW
                                    "}, \"kind\": \"Stateful\"}",
                                    triggers);
    return world_flow_of(w, text.p);
}

/* Each trigger has its own runs and its own line, here and after a restart. */
static void triggers_have_limits_of_their_own(void **state)
{
    (void)state;
    struct world *w = world_new(73, true);
    struct world_answer a[14], b[14], c[3];
    struct rac_flow *f = of_triggers(w, "{\"c\": " REQUEST ", \"A\": " LIMIT("1") ", \"b\": " LIMIT(
                                            "2, \"maximumWaitingRuns\": 12") "}");
    fire_trigger(w, f, "b", 3, b);
    fire_trigger(w, f, "a", 3, a); /* as the definition has it: A */
    fire_trigger(w, f, "c", 3, c);
    assert_int_equal(of_trigger(w, "A", "Running"), 1);
    assert_int_equal(of_trigger(w, "A", "Waiting"), 2);
    assert_int_equal(of_trigger(w, "b", "Running"), 2);
    assert_int_equal(of_trigger(w, "b", "Waiting"), 1);
    assert_int_equal(of_trigger(w, "c", "Running"), 3);
    end_one(w); /* of b, as the second one is */
    assert_int_equal(of_trigger(w, "A", "Running"), 1);
    assert_int_equal(of_trigger(w, "b", "Running"), 2);
    world_restart(w);
    assert_int_equal(of_trigger(w, "A", "Running"), 1);
    assert_int_equal(of_trigger(w, "A", "Waiting"), 2);
    fire_trigger(w, f, "b", 13, b);
    assert_int_equal(of_trigger(w, "b", "Waiting"), 12);
    assert_int_equal(b[12].outcome, RAC_FIRE_BUSY);
    assert_int_equal(b[12].status, 429);
    fire_trigger(w, f, "A", 1, a);
    assert_int_equal(a[0].outcome, RAC_FIRE_STARTED);
    for (int i = 0; i < 21; i++)
        end_one(w);
    assert_int_equal(of_status(w, "Succeeded"), w->store->runs_n);
    world_free(w);
}

static void a_limit_that_goes_is_of_its_trigger_alone(void **state)
{
    (void)state;
    struct world *w = world_new(74, true);
    struct world_answer a[2], b[2];
    struct rac_flow *f = of_triggers(w, "{\"a\": " LIMIT("1") ", \"b\": " LIMIT("1") "}");
    f->revision = RAC_S("08584000000000000000");
    fire_trigger(w, f, "a", 2, a);
    fire_trigger(w, f, "b", 2, b);
    assert_int_equal(of_status(w, "Waiting"), 2);
    struct rac_flow *next = of_triggers(w, "{\"c\": " REQUEST ", \"b\": " LIMIT("1") "}");
    next->key = f->key;
    next->revision = RAC_S("08583000000000000000");
    fire_trigger(w, next, "c", 1, a); /* the other is gone: nobody waits at it */
    assert_int_equal(of_trigger(w, "a", "Running"), 2);
    assert_int_equal(of_trigger(w, "b", "Waiting"), 1);
    world_free(w);
}

/* A run whose version had no limit may be another worker's, which tells nobody when it ends. */
static void runs_of_other_workers_are_not_counted_for_ever(void **state)
{
    (void)state;
    struct world *w = world_new(63, true);
    struct world_answer a;
    world_fire(w, world_flow(w, REQUEST, SLOW), "{}", false, &a);
    world_settle(w);
    rac_engine_free(w->engine); /* from here on it is elsewhere */
    w->engine = NULL;
    world_crash(w, 0);
    fire_n(w, next_version(w, LIMIT("1")), 1, &a);
    assert_int_equal(of_status(w, "Waiting"), 1);
    struct memory_run *other = &w->store->runs[0];
    other->end_ms = w->clock.wall_ms;
    other->due_ms = 0;
    memcpy(other->status, "Skipped", 7); /* any end: as long as "Running" */
    world_pass(w, 6000);
    world_wake_due(w);
    assert_int_equal(of_status(w, "Running"), 1);
    world_free(w);
}

static void a_slot_that_comes_free_while_its_next_is_written_is_used(void **state)
{
    (void)state;
    struct world *w = world_new(64, true);
    struct world_answer a, b;
    struct rac_flow *f = world_flow(w, LIMIT("1"), SLOW);
    fire_n(w, f, 1, &a);
    struct world_fetch *x = world_fetch(w, "api.example");
    w->fetches = NULL;
    x->ev.done(x->ev.arg, &(struct rac_fetch_res){.status = 200});
    rac_mem_free(x);
    world_fire(w, f, "{}", false, &b); /* its first turn follows the last one of the other */
    world_settle(w);
    assert_string_equal(row(w, &a)->status, "Succeeded");
    assert_string_equal(row(w, &b)->status, "Running");
    assert_non_null(world_fetch(w, "api.example"));
    world_free(w);
}

static void late_response(void **state)
{
    (void)state;
    struct world *w = world_new(12, true);
    struct world_answer a;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"W\": {\"type\": \"Wait\", \"inputs\": {\"interval\": {\"count\": 10, \"unit\": "
        "\"Minute\"}}}, \"R\": {\"type\": \"Response\", \"inputs\": {}, \"runAfter\": {\"W\": "
        "[\"Succeeded\"]}}}");
    world_fire(w, f, "{}", true, &a);
    world_pass(w, 224000);
    assert_false(a.called);
    world_pass(w, 2000);
    assert_int_equal(a.outcome, RAC_FIRE_TIMED_OUT);
    world_pass(w, 600000);
    assert_string_equal(row(w, &a)->status, "Failed");
    world_free(w);
}

static void stateless(void **state)
{
    (void)state;
    struct world *w = world_new(13, false);
    struct world_answer a;
    struct rac_flow *f = world_flow(w, REQUEST, CALL);
    world_fire(w, f, "{}", true, &a);
    world_settle(w);
    world_answer(w, world_fetch(w, "api.example"), 404, "", "");
    assert_int_equal(a.outcome, RAC_FIRE_RESPONSE);
    world_free(w);
}

static void transient_store_error(void **state)
{
    (void)state;
    struct world *w = world_new(14, true);
    struct world_answer a;
    rac_err err = RAC_OK;
    struct rac_flow *f = world_flow(w, REQUEST, CALL);
    w->store->fault = refuse;
    w->store->fault_arg = &err;
    world_fire(w, f, "{}", true, &a);
    world_settle(w);
    err = RAC_E_BUSY;
    world_answer(w, world_fetch(w, "api.example"), 200, "", "ok");
    assert_false(a.called);
    err = RAC_OK;
    world_pass(w, 1000);
    assert_int_equal(a.outcome, RAC_FIRE_RESPONSE);
    assert_int_equal(w->fetched_total, 1); /* the result was not lost */
    world_free(w);
}

static void an_engine_that_goes_while_a_run_is_loaded(void **state)
{
    (void)state;
    struct world *w = world_new(80, true);
    struct world_answer a;
    struct rac_flow *f = world_flow(w, REQUEST, SLOW);
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    w->holds_loads = true;
    world_restart(w);
    assert_non_null(w->loads);
    rac_engine_free(w->engine);
    w->engine = NULL;
    world_load(w); /* sanitizers see to the rest */
    w->holds_loads = false;
    world_free(w);
}

static void a_long_poll_keeps_one_answer(void **state)
{
    (void)state;
    enum { BODY = 100000 };
    struct world *w = world_new(81, true);
    struct world_answer a;
    char *body = rac_mem_alloc(BODY + 3);
    memset(body, 'x', BODY + 2);
    body[0] = body[BODY + 1] = '"';
    body[BODY + 2] = '\0';
    struct rac_flow *f = world_flow(w, REQUEST, CALL);
    world_fire(w, f, "{}", true, &a);
    world_settle(w);
    for (int i = 0; i < 60; i++) {
        struct world_fetch *x = world_fetch(w, i == 0 ? "api.example/x" : "api.example/status");
        assert_non_null(x);
        assert_true(i < 3 || x->a->used_bytes < 8 * BODY);
        world_answer(w, x, 202,
                     "Location: https://api.example/status\nRetry-After: 1\nContent-Type: "
                     "application/json",
                     body);
        world_pass(w, 1000);
    }
    world_answer(w, world_fetch(w, "api.example/status"), 200, "Content-Type: text/plain", "done");
    assert_string_equal(a.text, "{\"statusCode\":200,\"headers\":{},\"body\":\"done\"}");
    rac_mem_free(body);
    world_free(w);
}

static void a_call_that_ran_out_of_time_is_under_way_no_more(void **state)
{
    (void)state;
    struct world *w = world_new(82, true);
    struct world_answer a;
    struct rac_engine_stats s;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"H\": {\"type\": \"Http\", \"limit\": {\"timeout\": \"PT5S\"}, \"inputs\": {\"method\": "
        "\"GET\", \"uri\": \"https://api.example/x\"}}}");
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    rac_engine_stats(w->engine, &s);
    assert_int_equal(s.calls, 1);
    world_pass(w, 6000);
    assert_null(w->fetches);
    rac_engine_stats(w->engine, &s);
    assert_int_equal(s.calls, 0);
    world_free(w);
}

static void waits_beyond_all_times_are_long(void **state)
{
    (void)state;
    struct world *w = world_new(84, true);
    struct world_answer a;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"H\": {\"type\": \"Http\", \"limit\": {\"timeout\": \"PT9223372036854775S\"}, "
        "\"inputs\": {\"method\": \"GET\", \"uri\": \"https://api.example/x\", \"retryPolicy\": "
        "{\"type\": \"fixed\", \"count\": 2, \"interval\": \"PT5S\"}}}}");
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    world_pass(w, 60000);
    world_answer(w, world_fetch(w, "api.example/x"), 429, "Retry-After: 9223372036854775807", "");
    world_pass(w, 60000);
    assert_null(w->fetches);
    assert_string_equal(row(w, &a)->status, "Running");
    assert_true(row(w, &a)->due_ms > w->clock.wall_ms);
    world_free(w);
}

static void told(void *arg, rac_err err, rac_str why)
{
    (void)why;
    *(rac_err *)arg = err;
}

static void what_comes_as_a_run_ends_is_a_conflict(void **state)
{
    (void)state;
    struct world *w = world_new(83, true);
    struct world_answer a;
    rac_err err = RAC_E_BUSY;
    struct rac_flow *f = world_flow(w, REQUEST, SLOW);
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    struct world_fetch *x = world_fetch(w, "api.example");
    w->fetches = NULL;
    x->ev.done(x->ev.arg, &(struct rac_fetch_res){.status = 200});
    rac_mem_free(x);
    while (w->store->waiting == 0)
        assert_true(world_step(w));
    rac_engine_cancel(w->engine, 1, rac_str_of(a.run), told, &err); /* its end is being written */
    world_settle(w);
    assert_string_equal(row(w, &a)->status, "Succeeded");
    assert_int_equal(err, RAC_E_CONFLICT);
    world_free(w);
}

#define HOOKS                                                                                      \
    "{\"swagger\": \"2.0\", \"info\": {\"title\": \"Hooks\", \"version\": \"1\"}, \"host\": "      \
    "\"hooks.example\", \"schemes\": [\"https\"], \"paths\": {\"/hooks\": {\"post\": "             \
    "{\"operationId\": \"Subscribe\", \"parameters\": [{\"name\": \"body\", \"in\": \"body\", "    \
    "\"schema\": {\"type\": \"object\"}}], \"responses\": {\"201\": {\"description\": "            \
    "\"ok\"}}}}}}"

static void connections_are_let_go_when_the_engine_goes(void **state)
{
    (void)state;
    struct world *w = world_new(84, true);
    struct world_answer a;
    world_connect(w, HOOKS);
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"S\": {\"type\": \"ApiConnectionWebhook\", \"inputs\": {\"host\": {\"connection\": "
        "{\"name\": \"n\"}}, \"path\": \"/hooks\", \"body\": {\"to\": "
        "\"@{listCallbackUrl()}\"}}}}");
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    world_answer(w, world_fetch(w, "hooks.example"), 201, "Location: https://hooks.example/1", "");
    w->holds_targets = true; /* the end of the subscription, and another one, wait for theirs */
    rac_engine_cancel(w->engine, 1, rac_str_of(a.run), NULL, NULL);
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    rac_engine_free(w->engine);
    w->engine = NULL;
    world_resolve(w);
    assert_int_equal(w->targets_given, 3);
    assert_int_equal(w->targets_released, 3);
    world_free(w);
}

static void callers_that_leave_are_found_at_once(void **state)
{
    (void)state;
    enum { CALLERS = 20000 };
    struct world *w = world_new(85, false);
    struct world_answer *a = rac_mem_alloc(CALLERS * sizeof *a);
    struct rac_flow *f = world_flow(w, REQUEST, CALL);
    for (int i = 0; i < CALLERS; i++)
        world_fire(w, f, "{}", true, &a[i]);
    clock_t begin = clock();
    for (int i = 0; i < CALLERS; i += 2)
        rac_engine_leave(w->engine, world_fired, &a[i]);
    assert_true(clock() - begin < CLOCKS_PER_SEC / 4); /* looking through all of them: seconds */
    world_settle(w);
    for (int i = 0; i < 10; i++)
        world_answer(w, world_fetch(w, "api.example"), 200, "", "");
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(a[i].called, i < 10 && i % 2 == 1);
    rac_mem_free(a);
    world_free(w);
}

static void large_loop(void **state)
{
    (void)state;
    struct world *w = world_new(15, true);
    struct world_answer a;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"L\": {\"type\": \"Foreach\", \"foreach\": \"@range(0, 20000)\", \"actions\": {\"C\": "
        "{\"type\": \"Compose\", \"inputs\": \"@add(item(), 1)\"}}}, \"N\": {\"type\": "
        "\"Compose\", \"inputs\": \"@last(outputs('C'))\", \"runAfter\": {\"L\": "
        "[\"Succeeded\"]}}}");
    world_fire(w, f, "{}", false, &a);
    for (int i = 0; i < 7; i++) { /* crash in the middle of it */
        while (w->store->waiting == 0) {
            world_settle(w);
            if (row(w, &a) != NULL && row(w, &a)->end_ms != 0)
                break;
        }
        memory_store_deliver(w->store);
        if (i % 3 == 2)
            world_restart(w);
    }
    world_settle(w);
    world_wake_due(w);
    assert_string_equal(row(w, &a)->status, "Succeeded");
    world_free(w);
}

static void begins_at_an_action(void **state)
{
    (void)state;
    struct world *w = world_new(16, true);
    struct world_answer a, b = {0};
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"I\": {\"type\": \"InitializeVariable\", \"inputs\": {\"variables\": [{\"name\": "
        "\"n\", \"type\": \"Integer\", \"value\": 4}]}}, \"L\": {\"type\": \"Foreach\", "
        "\"foreach\": [1, 2], \"runAfter\": {\"I\": [\"Succeeded\"]}, \"actions\": {\"G\": "
        "{\"type\": \"Compose\", \"inputs\": \"@guid()\"}}}, \"H\": {\"type\": \"Http\", "
        "\"runAfter\": {\"L\": [\"Succeeded\"]}, \"inputs\": {\"method\": \"POST\", \"uri\": "
        "\"https://api.example/h\", \"body\": {\"n\": \"@variables('n')\", \"g\": "
        "\"@outputs('G')\"}}}}");
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    rac_str body = world_fetch(w, "/h")->body;
    world_answer(w, world_fetch(w, "/h"), 404, "", "");
    assert_string_equal(row(w, &a)->status, "Failed");
    struct rac_fire fire = {
        .flow = f, .copy_run = rac_str_of(a.run), .copy_action = RAC_S("H"), .bypass_limits = true};
    rac_engine_fire(w->engine, &fire, world_fired, &b);
    world_settle(w);
    assert_true(rac_str_eq(world_fetch(w, "/h")->body, body)); /* what came before was taken over */
    world_restart(w);
    world_answer(w, world_fetch(w, "/h"), 200, "", "");
    assert_string_equal(row(w, &b)->status, "Succeeded");
    world_free(w);
}

/* --- subscriptions whose answer nobody heard --------------------------------------------------- */

static void ignored(void *arg, rac_err err, rac_str why)
{
    (void)arg;
    (void)err;
    (void)why;
}

/* A webhook action asks to subscribe, and something comes between. True: its end was asked for. */
static bool ends_what_may_be_there(struct world *w, void (*what)(struct world *w, const char *run))
{
    struct world_answer a;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"H\": {\"type\": \"HttpWebhook\", \"limit\": {\"timeout\": \"PT1M\"}, \"inputs\": "
        "{\"subscribe\": {\"method\": \"POST\", \"uri\": \"https://h.example/on\", "
        "\"retryPolicy\": {\"type\": \"none\"}}, \"unsubscribe\": {\"method\": \"POST\", \"uri\": "
        "\"https://h.example/off\"}}}}");
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    assert_non_null(world_fetch(w, "h.example/on"));
    what(w, a.run);
    world_settle(w);
    bool ended = world_fetch(w, "h.example/off") != NULL;
    assert_null(world_fetch(w, "h.example/on"));
    world_free(w);
    return ended;
}

static void cancel_it(struct world *w, const char *run)
{
    rac_engine_cancel(w->engine, 1, rac_str_of(run), ignored, NULL);
}

static void be_late(struct world *w, const char *run)
{
    (void)run;
    world_pass(w, 61000);
}

static void delete_it(struct world *w, const char *run)
{
    (void)run;
    rac_engine_flow_gone(w->engine, 1);
}

static void lose_it(struct world *w, const char *run)
{
    (void)run;
    world_fail(w, world_fetch(w, "h.example/on"), RAC_E_IO);
}

static void answer_503(struct world *w, const char *run)
{
    (void)run;
    world_answer(w, world_fetch(w, "h.example/on"), 503, "", "");
}

static void answer_403(struct world *w, const char *run)
{
    (void)run;
    world_answer(w, world_fetch(w, "h.example/on"), 403, "", "");
}

static void a_subscription_that_may_be_there_is_ended(void **state)
{
    (void)state;
    static void (*const may_be[])(struct world * w, const char *run) = {
        cancel_it, be_late, delete_it, lose_it, answer_503};
    for (size_t i = 0; i < RAC_COUNT(may_be); i++)
        assert_true(ends_what_may_be_there(world_new(80 + i, true), may_be[i]));
    assert_false(ends_what_may_be_there(world_new(89, true), answer_403));
}

/* --- fairness --------------------------------------------------------------------------------- */

#define LOOP(n)                                                                                    \
    "{\"L\": {\"type\": \"Foreach\", \"foreach\": \"@range(0, " n ")\", \"actions\": {\"C\": "     \
    "{\"type\": \"Compose\", \"inputs\": \"@item()\"}}}}"

enum { PUMP_TURNS = 64 }; /* as of turn.c: between looks at the loop */

static size_t turns_of(struct world *w)
{
    struct rac_engine_stats s;
    rac_engine_stats(w->engine, &s);
    return s.turns_total;
}

/* As a worker's loop does: one pump, then what was committed meanwhile. */
static void loop_once(struct world *w)
{
    (void)world_step(w);
    for (size_t n = w->store->waiting; n > 0; n--)
        (void)memory_store_deliver(w->store);
}

/* Turns from now on until the run has ended. */
static size_t turns_until_ended(struct world *w, const struct world_answer *a)
{
    size_t before = turns_of(w);
    struct memory_run *r = NULL;
    while (r == NULL || r->end_ms == 0) {
        loop_once(w);
        r = a->called ? memory_store_run(w->store, (int64_t)w->flows_n, rac_str_of(a->run)) : NULL;
    }
    assert_string_equal(r->status, "Succeeded");
    return turns_of(w) - before;
}

/* How many turns of everybody's pass while a short run has its own: alone, and beside a tenant with
 * so many workflows, each with so many long runs. */
static size_t turns_beside(size_t workflows, size_t runs)
{
    struct world *w = world_new(90, true);
    w->limits.turn_actions_max = 100;
    world_restart(w);
    for (size_t i = 0; i < workflows; i++) {
        struct rac_flow *f = world_flow(w, REQUEST, LOOP("2000"));
        f->tenant = RAC_S("greedy");
        for (size_t k = 0; k < runs; k++) {
            struct rac_fire fire = {.flow = f};
            rac_engine_fire(w->engine, &fire, NULL, NULL);
        }
    }
    for (size_t i = 0; i < workflows * runs / PUMP_TURNS; i++) /* they are in full swing */
        loop_once(w);
    struct rac_flow *f = world_flow(w, REQUEST, LOOP("300"));
    struct world_answer a;
    f->tenant = RAC_S("modest");
    world_fire(w, f, "{}", false, &a);
    size_t turns = turns_until_ended(w, &a);
    world_free(w);
    return turns;
}

static void long_runs_of_a_tenant_hold_up_nobody_else(void **state)
{
    (void)state;
    size_t alone = turns_beside(0, 0);
    assert_in_range(alone, 3, 10);
    assert_in_range(turns_beside(1, 3000), alone, (alone + 1) * 2 * PUMP_TURNS);
    assert_in_range(turns_beside(400, 8), alone, (alone + 1) * 2 * PUMP_TURNS);
}

struct taken {
    size_t started, busy;
    int status;
    int64_t retry_after_ms;
};

static void taken(void *arg, const struct rac_fire_answer *x)
{
    struct taken *t = arg;
    t->started += x->outcome == RAC_FIRE_STARTED;
    t->busy += x->outcome == RAC_FIRE_BUSY;
    if (x->outcome == RAC_FIRE_BUSY) {
        t->status = x->status;
        t->retry_after_ms = x->retry_after_ms;
    }
}

/* Whoever fills the queue is refused; others still find a place. */
static void a_queue_that_one_tenant_filled_has_room_for_others(void **state)
{
    (void)state;
    struct world *w = world_new(91, true);
    struct taken greedy = {0}, modest = {0}, limited = {0};
    w->limits.runs_queued_max = 1000;
    world_restart(w);
    struct rac_flow *f = world_flow(w, REQUEST, LOOP("10")),
                    *g = world_flow(w, REQUEST, LOOP("10"));
    struct rac_fire fire = {.flow = f};
    f->tenant = RAC_S("greedy");
    g->tenant = RAC_S("modest");
    for (size_t i = 0; i < 3000; i++)
        rac_engine_fire(w->engine, &fire, taken, &greedy);
    fire.flow = g;
    for (size_t i = 0; i < 3000; i++)
        rac_engine_fire(w->engine, &fire, taken, &modest);
    world_settle(w);
    assert_int_equal(greedy.started, 1000);
    assert_int_equal(greedy.busy, 2000);
    assert_int_equal(greedy.status, 503);
    assert_int_equal(greedy.retry_after_ms, 1000);
    assert_int_equal(modest.started, 500); /* an equal share */
    assert_int_equal(modest.busy, 2500);
    for (size_t i = 0; i < 10; i++)
        rac_engine_fire(w->engine, &fire, taken, &modest);
    world_settle(w);
    assert_int_equal(modest.started, 510);
    fire.flow = world_flow(w,
                           "{\"type\": \"Request\", \"runtimeConfiguration\": {\"concurrency\": "
                           "{\"runs\": 1, \"maximumWaitingRuns\": 2}}}",
                           "{\"W\": {\"type\": \"Wait\", \"inputs\": {\"interval\": {\"count\": 1, "
                           "\"unit\": \"Hour\"}}}}");
    for (size_t i = 0; i < 5; i++)
        rac_engine_fire(w->engine, &fire, taken, &limited);
    world_settle(w);
    assert_int_equal(limited.started, 3);
    assert_int_equal(limited.status, 429);
    assert_int_equal(limited.retry_after_ms, 1000);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered_after_commit),
        cmocka_unit_test(runs_are_counted),
        cmocka_unit_test(says_who_it_is),
        cmocka_unit_test(keeps_the_name_of_its_environment),
        cmocka_unit_test(refused_by_the_store),
        cmocka_unit_test(waits_in_the_store),
        cmocka_unit_test(short_wait),
        cmocka_unit_test(calls_after_commit),
        cmocka_unit_test(retries_with_new_ids),
        cmocka_unit_test(polls_after_restart),
        cmocka_unit_test(times_out),
        cmocka_unit_test(webhook),
        cmocka_unit_test(nested),
        cmocka_unit_test(nested_authorization),
        cmocka_unit_test(nested_with_a_limit_goes_to_the_worker_that_counts),
        cmocka_unit_test(nested_that_splits_with_a_limit_goes_there_as_well),
        cmocka_unit_test(limited),
        cmocka_unit_test(a_raised_limit_lets_in_all_it_has_room_for),
        cmocka_unit_test(a_limit_that_goes_lets_in_everybody),
        cmocka_unit_test(triggers_have_limits_of_their_own),
        cmocka_unit_test(a_limit_that_goes_is_of_its_trigger_alone),
        cmocka_unit_test(a_limit_that_comes_counts_what_runs),
        cmocka_unit_test(runs_of_other_workers_are_not_counted_for_ever),
        cmocka_unit_test(a_slot_that_comes_free_while_its_next_is_written_is_used),
        cmocka_unit_test(late_response),
        cmocka_unit_test(stateless),
        cmocka_unit_test(transient_store_error),
        cmocka_unit_test(an_engine_that_goes_while_a_run_is_loaded),
        cmocka_unit_test(a_long_poll_keeps_one_answer),
        cmocka_unit_test(a_call_that_ran_out_of_time_is_under_way_no_more),
        cmocka_unit_test(what_comes_as_a_run_ends_is_a_conflict),
        cmocka_unit_test(connections_are_let_go_when_the_engine_goes),
        cmocka_unit_test(callers_that_leave_are_found_at_once),
        cmocka_unit_test(large_loop),
        cmocka_unit_test(waits_beyond_all_times_are_long),
        cmocka_unit_test(large_values_are_shared_out_over_turns),
        cmocka_unit_test(a_subscription_that_may_be_there_is_ended),
        cmocka_unit_test(long_runs_of_a_tenant_hold_up_nobody_else),
        cmocka_unit_test(a_queue_that_one_tenant_filled_has_room_for_others),
        cmocka_unit_test(what_cannot_be_recorded_ends_the_run),
        cmocka_unit_test(a_response_that_cannot_be_recorded_is_not_sent),
        cmocka_unit_test(begins_at_an_action),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
