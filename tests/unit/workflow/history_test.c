/* Journals read as history: aggregates, repetitions, iterations, requests, large values. */
#include "engine_world.h"
#include "unit.h"

#define REQUEST "{\"type\": \"Request\", \"kind\": \"Http\"}"

static void plain(void **state)
{
    (void)state;
    struct world *w = world_new(1, true);
    struct world_answer a;
    struct rac_history *r;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"Big\": {\"type\": \"Compose\", \"inputs\": \"@range(0, 10000)\"}, \"If\": {\"type\": "
        "\"If\", \"expression\": {\"equals\": [1, 2]}, \"actions\": {\"T\": {\"type\": "
        "\"Compose\", \"inputs\": 1}}, \"else\": {\"actions\": {\"E\": {\"type\": \"Compose\", "
        "\"inputs\": \"@div(1,0)\"}}}}, \"After\": {\"type\": \"Scope\", \"runAfter\": {\"If\": "
        "[\"Succeeded\"]}, \"actions\": {\"S\": {\"type\": \"Compose\", \"inputs\": 1}}}}");
    world_fire(w, f, "{\"body\": {\"n\": 1}}", false, &a);
    world_settle(w);
    r = world_history(w, a.run, &w->a);
    const struct rac_history_run *run = rac_history_run(r);
    assert_int_equal(run->status, RAC_WF_FAILED);
    assert_str(run->outputs.text, "{\"body\":{\"n\":1}}");
    const struct rac_history_record *x = rac_history_action(r, RAC_S("big"));
    rac_str text;
    assert_int_equal(x->outputs.text.p == NULL, true);
    assert_int_equal(rac_history_value(r, &x->outputs, &w->a, &text), RAC_OK);
    assert_int_equal(text.n, x->outputs.size);
    x = rac_history_action(r, RAC_S("T"));
    assert_int_equal(x->status, RAC_WF_SKIPPED);
    assert_str(rac_json_str(RAC_JSON_GET(&x->error, "code"), RAC_S("")),
               "ActionBranchingConditionNotSatisfied");
    x = rac_history_action(r, RAC_S("S"));
    assert_str(rac_json_str(RAC_JSON_GET(&x->error, "code"), RAC_S("")), "ActionDependencyFailed");
    size_t n;
    rac_history_actions(r, &x, &n);
    assert_int_equal(n, 6);
    world_free(w);
}

static void loops(void **state)
{
    (void)state;
    struct world *w = world_new(2, true);
    struct world_answer a;
    struct rac_history *r;
    struct rac_history_record *v, one;
    size_t n, total;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"L\": {\"type\": \"Foreach\", \"foreach\": \"@range(0, 3000)\", \"actions\": {\"If\": "
        "{\"type\": \"If\", \"expression\": \"@equals(mod(item(), 2), 0)\", \"actions\": "
        "{\"Even\": {\"type\": \"Compose\", \"inputs\": \"@item()\"}}, \"else\": {\"actions\": "
        "{\"Odd\": {\"type\": \"Compose\", \"inputs\": \"@div(1, sub(item(), 7))\"}}}}}}, \"M\": "
        "{\"type\": \"Foreach\", \"foreach\": [1, 2], \"actions\": {\"U\": {\"type\": \"Until\", "
        "\"expression\": \"@equals(iterationIndexes('U'), 2)\", \"actions\": {\"C\": {\"type\": "
        "\"Compose\", \"inputs\": \"@iterationIndexes('U')\"}}}}}}");
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    r = world_history(w, a.run, &w->a);
    const struct rac_history_record *x = rac_history_action(r, RAC_S("Even"));
    assert_int_equal(x->repetitions, 3000);
    assert_int_equal(x->status, RAC_WF_SUCCEEDED);
    x = rac_history_action(r, RAC_S("Odd"));
    assert_int_equal(x->status, RAC_WF_FAILED);
    assert_false(x->outputs.has);
    assert_int_equal(rac_history_repetitions(r, RAC_S("Odd"), 2990, 30, &w->a, &v, &n, &total),
                     RAC_OK);
    assert_int_equal(total, 3000);
    assert_int_equal(n, 10);
    assert_string_equal(v[1].repetition, "002991");
    assert_int_equal(v[0].status, RAC_WF_SKIPPED);
    assert_str(v[0].code, "ActionSkipped");
    assert_int_equal(v[1].status, RAC_WF_SUCCEEDED);
    assert_str(v[1].outputs.text, "0");
    assert_int_equal(rac_history_repetition(r, RAC_S("Odd"), RAC_S("000007"), &w->a, &one), RAC_OK);
    assert_int_equal(one.status, RAC_WF_FAILED);
    assert_str(one.indexes[0].scope, "L");
    assert_int_equal(rac_history_scope_repetitions(r, RAC_S("L"), 7, 1, &w->a, &v, &n, &total),
                     RAC_OK);
    assert_int_equal(v[0].status, RAC_WF_FAILED);
    assert_int_equal(total, 3000);
    assert_int_equal(rac_history_repetitions(r, RAC_S("C"), 0, 30, &w->a, &v, &n, &total), RAC_OK);
    assert_int_equal(n, 6);
    assert_string_equal(v[4].repetition, "000001-000001");
    assert_str(v[4].outputs.text, "1");
    assert_int_equal(rac_history_repetitions(r, RAC_S("U"), 0, 30, &w->a, &v, &n, &total), RAC_OK);
    assert_int_equal(n, 2);
    assert_int_equal(v[1].iterations, 3);
    assert_int_equal(rac_history_repetition(r, RAC_S("C"), RAC_S("000009"), &w->a, &one),
                     RAC_E_NOT_FOUND);
    world_free(w);
}

static void requests(void **state)
{
    (void)state;
    struct world *w = world_new(3, true);
    struct world_answer a;
    struct rac_history *r;
    struct rac_history_request *v;
    size_t n;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"H\": {\"type\": \"Http\", \"inputs\": {\"method\": \"GET\", \"uri\": "
        "\"https://api.example/x\", \"headers\": {\"Authorization\": \"Bearer hidden\"}, "
        "\"body\": {\"asked\": true}, "
        "\"retryPolicy\": {\"type\": \"fixed\", \"count\": 1, \"interval\": \"PT5S\"}}}}");
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    r = world_history(w, a.run, &w->a);
    assert_int_equal(rac_history_action(r, RAC_S("H"))->status, RAC_WF_RUNNING);
    struct world_fetch *x = world_fetch(w, "api.example");
    assert_str(rac_headers_get(&x->headers, RAC_S("Authorization")), "Bearer hidden");
    world_answer(w, x, 500, "x-ms-request-id: q1", "try again");
    world_pass(w, 5000);
    x = world_fetch(w, "api.example");
    assert_str(rac_headers_get(&x->headers, RAC_S("Authorization")), "Bearer hidden");
    world_answer(w, x, 404, "Content-Type: text/plain", "gone");
    r = world_history(w, a.run, &w->a);
    const struct rac_history_record *h = rac_history_action(r, RAC_S("H"));
    assert_str(h->code, "NotFound");
    assert_int_equal(rac_json_len(&h->retry_history), 1);
    assert_true(rac_str_find(h->inputs.text, RAC_S("hidden")) == RAC_STR_NPOS);
    assert_int_equal(rac_history_requests(r, RAC_S("H"), RAC_STR_NULL, &w->a, &v, &n), RAC_OK);
    assert_int_equal(n, 2);
    assert_int_equal(rac_json_int(RAC_JSON_GET(&v[0].response, "statusCode"), 0), 500);
    assert_int_equal(rac_json_int(RAC_JSON_GET(&v[1].response, "statusCode"), 0), 404);
    for (size_t i = 0; i < n; i++)
        assert_str(v[i].request_body.text, "{\"asked\":true}");
    assert_str(v[0].response_body.text,
               "{\"$content-type\":\"application/octet-stream\",\"$content\":"
               "\"dHJ5IGFnYWlu\"}");
    assert_str(v[1].response_body.text, "\"gone\"");
    world_free(w);
}

/* A request that was answered at once has no entry; it is told as it was sent. */
static void requests_at_once(void **state)
{
    (void)state;
    struct world *w = world_new(3, true);
    struct world_answer a, again = {0};
    struct rac_history *r;
    struct rac_history_request *v;
    size_t n;
    char id[64];
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"L\": {\"type\": \"Foreach\", \"foreach\": [1, 2], \"operationOptions\": "
        "\"Sequential\", \"actions\": {\"S\": {\"type\": \"Scope\", \"actions\": {\"H\": {"
        "\"type\": \"Http\", \"inputs\": {\"method\": \"get\", \"uri\": "
        "\"https://api.example/x\", \"queries\": {\"q\": \"@item()\"}, \"cookie\": \"c=1\"}}}}}}, "
        "\"Out\": {\"type\": \"Http\", \"inputs\": {\"method\": \"PUT\", \"uri\": "
        "\"https://api.example/y\"}, \"runtimeConfiguration\": {\"secureData\": {\"properties\": "
        "[\"inputs\", \"outputs\"]}}}, \"Never\": {\"type\": \"Http\", \"inputs\": {\"method\": "
        "\"GET\", \"uri\": \"@string(div(1, 0))\"}}}");
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    world_answer(w, world_fetch(w, "/y"), 204, "x-covert: 1", "");
    for (int i = 0; i < 2; i++) {
        struct world_fetch *x = world_fetch(w, "/x");
        rac_str sent = rac_headers_get(&x->headers, RAC_S("x-ms-client-request-id"));
        snprintf(id, sizeof id, "%.*s", RAC_FMT(sent));
        world_answer(w, x, 200, "", "");
        r = world_history(w, a.run, &w->a);
        assert_int_equal(rac_history_requests(r, RAC_S("H"),
                                              i == 0 ? RAC_S("000000") : RAC_S("000001"), &w->a, &v,
                                              &n),
                         RAC_OK);
        assert_int_equal(n, 1);
        const struct rac_json *headers = RAC_JSON_GET(&v[0].request, "headers");
        assert_str(rac_json_str(RAC_JSON_GET(headers, "x-ms-client-request-id"), RAC_S("")), id);
        assert_str(rac_json_str(RAC_JSON_GET(headers, "Cookie"), RAC_S("")), "c=1");
        assert_str(rac_json_str(RAC_JSON_GET(&v[0].request, "uri"), RAC_S("")),
                   i == 0 ? "https://api.example/x?q=1" : "https://api.example/x?q=2");
        assert_str(rac_json_str(RAC_JSON_GET(&v[0].request, "method"), RAC_S("")), "GET");
    }
    /* in a loop requests are those of a repetition, outside there is none */
    assert_int_equal(rac_history_requests(r, RAC_S("H"), RAC_STR_NULL, &w->a, &v, &n), RAC_OK);
    assert_int_equal(n, 0);
    assert_int_equal(rac_history_requests(r, RAC_S("H"), RAC_S("000002"), &w->a, &v, &n),
                     RAC_E_NOT_FOUND);
    assert_int_equal(rac_history_requests(r, RAC_S("Out"), RAC_S("000000"), &w->a, &v, &n),
                     RAC_E_NOT_FOUND);
    /* of one that is hidden the same is left as of one with an entry */
    assert_int_equal(rac_history_requests(r, RAC_S("Out"), RAC_STR_NULL, &w->a, &v, &n), RAC_OK);
    assert_int_equal(n, 1);
    assert_str(rac_json_print_str(&v[0].request, 0, &w->a), "{\"method\":\"PUT\"}");
    assert_str(rac_json_print_str(&v[0].response, 0, &w->a), "{\"statusCode\":204}");
    /* one whose inputs could not be evaluated was not sent */
    assert_int_equal(rac_history_requests(r, RAC_S("Never"), RAC_STR_NULL, &w->a, &v, &n), RAC_OK);
    assert_int_equal(n, 0);
    /* nor did a run that took its result over send anything */
    world_pass(w, 60000);
    struct rac_fire fire = {.flow = f,
                            .copy_run = rac_str_of(a.run),
                            .copy_action = RAC_S("Never"),
                            .bypass_limits = true};
    rac_engine_fire(w->engine, &fire, world_fired, &again);
    world_settle(w);
    r = world_history(w, again.run, &w->a);
    assert_int_equal(rac_history_action(r, RAC_S("Out"))->status, RAC_WF_SUCCEEDED);
    assert_int_equal(rac_history_requests(r, RAC_S("Out"), RAC_STR_NULL, &w->a, &v, &n), RAC_OK);
    assert_int_equal(n, 0);
    world_free(w);
}

static void answered(void *arg, rac_err err, rac_str why RAC_UNUSED)
{
    *(int *)arg = (int)err;
}

/* §5.1: credentials of both requests of a webhook stay out of the journal, and are sent. */
static void webhook(void **state)
{
    (void)state;
    struct world *w = world_new(4, true);
    struct world_answer a;
    int err = -1;
    struct rac_flow *f = world_flow(
        w, REQUEST,
        "{\"H\": {\"type\": \"HttpWebhook\", \"inputs\": {\"subscribe\": {\"method\": \"POST\", "
        "\"uri\": \"https://api.example/sub\", \"authentication\": {\"type\": \"Basic\", "
        "\"username\": \"u\", \"password\": \"hidden1\"}}, \"unsubscribe\": {\"method\": "
        "\"POST\", \"uri\": \"https://api.example/end\", \"headers\": {\"x-own\": \"1\"}, "
        "\"authentication\": {\"type\": \"Raw\", \"value\": \"hidden2\"}}}}, \"I\": {\"type\": "
        "\"HttpWebhook\", \"inputs\": {\"subscribe\": {\"method\": \"POST\", \"uri\": "
        "\"https://api.example/2sub\", \"headers\": {\"authorization\": \"hidden3\"}}, "
        "\"unsubscribe\": {\"method\": \"POST\", \"uri\": \"https://api.example/2end\", "
        "\"headers\": {\"Authorization\": \"hidden4\"}}}}}");
    world_fire(w, f, "{}", false, &a);
    world_settle(w);
    struct world_fetch *x = world_fetch(w, "/sub");
    assert_str(rac_headers_get(&x->headers, RAC_S("Authorization")), "Basic dTpoaWRkZW4x");
    world_answer(w, x, 200, "", "");
    x = world_fetch(w, "/2sub");
    assert_str(rac_headers_get(&x->headers, RAC_S("Authorization")), "hidden3");
    world_answer(w, x, 200, "", "");
    world_restart(w);
    rac_engine_cancel(w->engine, 1, rac_str_of(a.run), answered, &err);
    world_settle(w);
    assert_int_equal(err, RAC_OK);
    x = world_fetch(w, "/end");
    assert_str(rac_headers_get(&x->headers, RAC_S("Authorization")), "hidden2");
    assert_str(rac_headers_get(&x->headers, RAC_S("x-own")), "1");
    x = world_fetch(w, "/2end");
    assert_str(rac_headers_get(&x->headers, RAC_S("Authorization")), "hidden4");
    assert_true(world_recorded(w, &a, "api.example/2end"));
    assert_false(world_recorded(w, &a, "hidden"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),    cmocka_unit_test(loops),
        cmocka_unit_test(requests), cmocka_unit_test(requests_at_once),
        cmocka_unit_test(webhook),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
