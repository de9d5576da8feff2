/* Batches under a fake clock: when they are released, what becomes of messages whatever happens. */
#include "scheduler_world.h"
#include "unit.h"
#include "base/mem.h"
#include "workflow/definition/batch.h"
#include "workflow/run/run.h"

#include <stdio.h>
#include <stdlib.h>

enum { BODY_MAX = 16384 };

static struct place *place_new(uint64_t seed)
{
    return place_in(world_new(seed, true));
}

static void set_trigger(struct place *p, struct rac_flow *f, const char *node)
{
    place_trigger(p, f, "manual", node);
}

static struct rac_flow *workflow(struct place *p, const char *trigger, const char *actions)
{
    struct rac_flow *f = world_flow(p->w, trigger, actions);
    set_trigger(p, f, trigger);
    return f;
}

#define SEEN "{\"Seen\": {\"type\": \"Compose\", \"inputs\": \"@triggerBody()\"}}"
#define BATCH(configurations)                                                                      \
    "{\"type\": \"Batch\", \"inputs\": {\"mode\": \"Inline\", \"configurations\": "                \
    "{" configurations "}}}"
#define BATCH_WITH(configurations, more)                                                           \
    "{\"type\": \"Batch\", \"inputs\": {\"mode\": \"Inline\", \"configurations\": "                \
    "{" configurations "}}, " more "}"
#define ORDERS(criteria) "\"orders\": {\"releaseCriteria\": {" criteria "}}"
#define REQUEST          "{\"type\": \"Request\", \"kind\": \"Http\"}"
#define SEND(inputs)                                                                               \
    "{\"Send\": {\"type\": \"SendToBatch\", \"inputs\": {\"host\": {\"triggerName\": \"manual\", " \
    "\"workflow\": {\"id\": \"flow1\"}}, " inputs "}}}"
#define TO_ORDERS                                                                                  \
    "\"batchName\": \"Orders\", \"content\": \"@triggerBody()?['c']\", \"partitionName\": "        \
    "\"@triggerBody()?['p']\", \"messageId\": \"@triggerBody()?['id']\""

/* The result of the newest run of a workflow; in the world's arena. */
static bool a_piece(void *arg, rac_str bytes);
struct reading {
    struct rac_run *r;
    struct world *w;
};

static rac_err a_value(void *self, const char *digest, struct rac_arena *a, rac_str *bytes)
{
    struct reading *x = self;
    return x->w->store->port.value_get(x->w->store, 0, digest, a, bytes);
}

static bool a_piece(void *arg, rac_str bytes)
{
    struct reading *x = arg;
    return rac_run_replay(x->r, bytes, a_value, x) == RAC_OK;
}

static struct rac_json result(struct place *p, const struct memory_run *m, struct rac_arena *a)
{
    static struct rac_run_world world;
    struct rac_flow *f = p->w->flows[m->flow - 1];
    world = (struct rac_run_world){.env = &p->w->env};
    struct reading x = {rac_run_new(f->plan, &world, NULL, a), p->w};
    assert_int_equal(p->w->store->port.journal(p->w->store, m->id, a_piece, &x), RAC_OK);
    return rac_run_json(x.r, a);
}

/* Sends content, as JSON, to a partition; what became of the action, as text. */
static const char *sent_by(struct place *p, struct rac_flow *f, const char *body)
{
    static char text[BODY_MAX];
    struct world_answer x;
    struct rac_arena a;
    char outputs[BODY_MAX];
    snprintf(outputs, sizeof outputs, "{\"body\": %s}", body);
    world_fire(p->w, f, outputs, false, &x);
    place_pass(p, 1);
    assert_true(x.called);
    struct memory_run *m = memory_store_run(p->w->store, f->key, rac_str_of(x.run));
    assert_non_null(m);
    rac_arena_init(&a, 64 << 20);
    struct rac_json r = result(p, m, &a);
    struct rac_json *action = rac_json_get(rac_json_get(&r, RAC_S("actions")), RAC_S("Send"));
    struct rac_json *error = rac_json_get(action, RAC_S("error"));
    rac_str code = rac_json_str(rac_json_get(action, RAC_S("code")), RAC_S("")),
            which = rac_json_str(rac_json_get(error, RAC_S("code")), RAC_S("")),
            why = rac_json_str(rac_json_get(error, RAC_S("message")), RAC_S(""));
    rac_str out = rac_json_print_str(rac_json_get(action, RAC_S("outputs")), 0, &a);
    snprintf(text, sizeof text, "%.*s %.*s%s%.*s %.*s",
             RAC_FMT(rac_json_str(rac_json_get(action, RAC_S("status")), RAC_S("?"))),
             RAC_FMT(code), which.n > 0 ? " " : "", RAC_FMT(which),
             RAC_FMT(which.n > 0 ? why : out));
    rac_arena_fini(&a);
    return text;
}

static void send(struct place *p, struct rac_flow *f, const char *body)
{
    const char *text = sent_by(p, f, body);
    if (strncmp(text, "Succeeded Accepted", 18) != 0)
        fail_msg("%s", text);
}

/* The trigger's bodies of all runs of a workflow, in the order they began: "b/p: 1 2; ..." */
static const char *released(struct place *p, struct rac_flow *f)
{
    static char text[BODY_MAX];
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < p->w->store->runs_n; i++) {
        struct rac_arena a;
        if (p->w->store->runs[i].flow != f->key)
            continue;
        rac_arena_init(&a, 64 << 20);
        struct rac_json r = result(p, &p->w->store->runs[i], &a);
        const struct rac_json *body = rac_json_get(
            rac_json_get(rac_json_get(&r, RAC_S("trigger")), RAC_S("outputs")), RAC_S("body"));
        const struct rac_json *items = rac_json_get(body, RAC_S("items"));
        rac_str part = rac_json_str(rac_json_get(body, RAC_S("partitionName")), RAC_S(""));
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%.*s:", at > 0 ? "; " : "",
                               RAC_FMT(part));
        if (items == NULL) /* split: the body is one of them */
            at += (size_t)snprintf(
                text + at, sizeof text - at, " %.*s",
                RAC_FMT(rac_json_print_str(rac_json_get(body, RAC_S("content")), 0, &a)));
        RAC_JSON_EACH(x, items)
        at +=
            (size_t)snprintf(text + at, sizeof text - at, " %.*s",
                             RAC_FMT(rac_json_print_str(rac_json_get(x, RAC_S("content")), 0, &a)));
        rac_arena_fini(&a);
        RAC_ASSERT(at < sizeof text);
    }
    return text;
}

static size_t waiting(struct place *p)
{
    return p->w->store->messages_n;
}

/* --- criteria --------------------------------------------------------------------------------- */

static void criteria_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *json, *why; /* NULL: none */
        int64_t messages, bytes;
        bool recurs;
    } cases[] = {
        {"{\"messageCount\": 10}", NULL, 10, RAC_BATCH_BYTES_MAX, false},
        {"{\"messageCount\": \"10\", \"batchSize\": 2048}", NULL, 10, 2048, false},
        {"{}", NULL, RAC_BATCH_MESSAGES_MAX, RAC_BATCH_BYTES_MAX, false},
        {"{\"messageCount\": null, \"recurrence\": {\"frequency\": \"Minute\", \"interval\": 1}}",
         NULL, RAC_BATCH_MESSAGES_MAX, RAC_BATCH_BYTES_MAX, true},
        {"{\"recurrence\": {\"frequency\": \"Second\", \"interval\": 60}}", NULL, 8000, 83886080,
         true},
        {"{\"recurrence\": {\"frequency\": \"Second\", \"interval\": 59}}",
         "shorter than 60 seconds", 0, 0, false},
        {"{\"recurrence\": {\"frequency\": \"Daily\", \"interval\": 1}}", "not valid", 0, 0, false},
        {"{\"messageCount\": 0}", "'messageCount' is not a whole number from 1 to 8000", 0, 0,
         false},
        {"{\"messageCount\": 8001}", "from 1 to 8000", 0, 0, false},
        {"{\"messageCount\": 1.5}", "from 1 to 8000", 0, 0, false},
        {"{\"messageCount\": \"many\"}", "from 1 to 8000", 0, 0, false},
        {"{\"batchSize\": 83886081}", "from 1 to 83886080", 0, 0, false},
        {"[]", "no object", 0, 0, false},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_arena a;
        struct rac_json v;
        struct rac_batch b;
        rac_str why = RAC_STR_NULL;
        rac_arena_init(&a, 1 << 20);
        assert_int_equal(rac_json_parse(rac_str_of(cases[i].json), &a, 0, &v, NULL), RAC_OK);
        bool ok = rac_batch_read(RAC_S("b"), &v, &a, &b, &why);
        assert_int_equal(ok, cases[i].why == NULL);
        if (ok) {
            assert_int_equal(b.full.messages, cases[i].messages);
            assert_int_equal(b.full.bytes, cases[i].bytes);
            assert_int_equal(b.recurs, cases[i].recurs);
        } else if (rac_str_find(why, rac_str_of(cases[i].why)) == RAC_STR_NPOS) {
            fail_msg("%s: %.*s", cases[i].json, RAC_FMT(why));
        }
        rac_arena_fini(&a);
    }
}

/* --- release ---------------------------------------------------------------------------------- */

static void a_count_releases_each_partition_by_itself(void **state)
{
    (void)state;
    struct place *p = place_new(1);
    struct rac_flow *to = workflow(p, BATCH(ORDERS("\"messageCount\": 2")), SEEN),
                    *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    send(p, from, "{\"c\": 1, \"p\": \"a\"}");
    send(p, from, "{\"c\": {\"x\": null}, \"p\": \"b\"}");
    assert_string_equal(released(p, to), "");
    send(p, from, "{\"c\": 2.0, \"p\": \"a\", \"id\": \"second\"}");
    assert_string_equal(released(p, to), "a: 1 2.0");
    send(p, from, "{\"p\": \"b\"}");
    assert_string_equal(released(p, to), "a: 1 2.0; b: {\"x\":null} null");
    assert_int_equal(waiting(p), 0);
    send(p, from, "{\"c\": 3, \"p\": 7}"); /* a number names a partition too */
    assert_string_equal(p->w->store->parts[0].partition, "7");
    send(p, from, "{\"c\": 3}");
    assert_string_equal(p->w->store->parts[1].partition, "DEFAULT");
    assert_string_equal(p->w->store->parts[1].batch, "orders"); /* as it is described */
    place_free(p);
}

/* All three names of a message may come out of an expression as numbers. */
static void numbers_are_names(void **state)
{
    (void)state;
    struct place *p = place_new(1);
    workflow(p, BATCH("\"5\": {\"releaseCriteria\": {\"messageCount\": 9}}"), SEEN);
    struct rac_flow *from =
        workflow(p, REQUEST,
                 SEND("\"batchName\": \"@add(2, 3)\", \"content\": 1, \"partitionName\": "
                      "\"@add(3, 4)\", \"messageId\": \"@add(4, 5)\""));
    assert_string_equal(sent_by(p, from, "1"),
                        "Succeeded Accepted {\"statusCode\":202,\"body\":{\"messageId\":\"9\"}}");
    assert_string_equal(p->w->store->parts[0].batch, "5");
    assert_string_equal(p->w->store->parts[0].partition, "7");
    place_free(p);
}

static void a_message_has_the_id_it_was_given_or_one_of_its_own(void **state)
{
    (void)state;
    struct place *p = place_new(2);
    workflow(p, BATCH(ORDERS("\"messageCount\": 9")), SEEN);
    struct rac_flow *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    assert_string_equal(
        sent_by(p, from, "{\"c\": 1, \"id\": \"mine\"}"),
        "Succeeded Accepted {\"statusCode\":202,\"body\":{\"messageId\":\"mine\"}}");
    send(p, from, "{\"c\": 1, \"id\": \"mine\"}"); /* two messages may bear one name */
    send(p, from, "{\"c\": 1}");
    send(p, from, "{\"c\": 1}");
    assert_int_equal(waiting(p), 4);
    assert_int_equal(strlen(p->w->store->messages[2].id), 36);
    assert_string_not_equal(p->w->store->messages[2].id, p->w->store->messages[3].id);
    place_free(p);
}

static void a_size_releases(void **state)
{
    (void)state;
    struct place *p = place_new(3);
    struct rac_flow *to = workflow(p, BATCH(ORDERS("\"batchSize\": 10")), SEEN),
                    *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    send(p, from, "{\"c\": \"1234\"}"); /* six bytes of JSON */
    assert_string_equal(released(p, to), "");
    send(p, from, "{\"c\": \"12\"}");
    assert_string_equal(released(p, to), "DEFAULT: \"1234\" \"12\"");
    send(p, from, "{\"c\": \"123456789\"}"); /* enough alone */
    assert_string_equal(released(p, to), "DEFAULT: \"1234\" \"12\"; DEFAULT: \"123456789\"");
    place_free(p);
}

static void a_recurrence_releases_whatever_waits(void **state)
{
    (void)state;
    struct place *p = place_new(4);
    struct rac_flow *to = workflow(
        p, BATCH(ORDERS("\"recurrence\": {\"frequency\": \"Minute\", \"interval\": 5}")), SEEN);
    struct rac_flow *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    place_pass(p, 60000);
    send(p, from, "{\"c\": 1, \"p\": \"a\"}");
    send(p, from, "{\"c\": 2, \"p\": \"b\"}");
    send(p, from, "{\"c\": 3, \"p\": \"a\"}");
    place_pass(p, 239000);
    assert_string_equal(released(p, to), "");
    place_pass(p, 2000);
    assert_string_equal(released(p, to), "a: 1 3; b: 2");
    place_pass(p, 600000); /* nothing waits: no run, no line of history */
    assert_string_equal(released(p, to), "a: 1 3; b: 2");
    assert_int_equal(p->w->store->events_total, 0);
    send(p, from, "{\"c\": 4}");
    place_pass(p, 300000);
    assert_string_equal(released(p, to), "a: 1 3; b: 2; DEFAULT: 4");
    place_free(p);
}

/* 2026-01-01T00:00:00Z; Berlin's clocks go forward on 2026-03-29 at 01:00Z. */
static void a_recurrence_keeps_the_wall_clock_of_its_zone(void **state)
{
    (void)state;
    struct place *p = place_new(5);
    const int64_t day = 86400000, hour = 3600000;
    struct rac_flow *to = workflow(
        p,
        BATCH(ORDERS("\"recurrence\": {\"frequency\": \"Day\", \"interval\": 1, \"timeZone\": \"W. "
                     "Europe Standard Time\", \"schedule\": {\"hours\": [9], \"minutes\": [0]}}")),
        SEEN);
    struct rac_flow *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    place_pass(p, 7 * hour);
    send(p, from, "{\"c\": 1}");
    place_pass(p, hour - 1000); /* 9 o'clock in Berlin is 8 UTC in winter */
    assert_string_equal(released(p, to), "");
    place_pass(p, 1000);
    assert_string_equal(released(p, to), "DEFAULT: 1");
    place_pass(p, 90 * day - 2 * hour); /* 1 April, 6 UTC: summer */
    send(p, from, "{\"c\": 2}");
    place_pass(p, hour - 1000);
    assert_string_equal(released(p, to), "DEFAULT: 1");
    place_pass(p, 1000);
    assert_string_equal(released(p, to), "DEFAULT: 1; DEFAULT: 2");
    place_free(p);
}

static void an_occurrence_missed_while_nobody_was_there_is_made_up_for_once(void **state)
{
    (void)state;
    struct place *p = place_new(6);
    struct rac_flow *to = workflow(
        p, BATCH(ORDERS("\"recurrence\": {\"frequency\": \"Hour\", \"interval\": 1}")), SEEN);
    struct rac_flow *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    send(p, from, "{\"c\": 1}");
    p->w->clock.wall_ms += 5 * 3600000;
    place_crash(p, 0);
    place_settle(p);
    assert_string_equal(released(p, to), "DEFAULT: 1");
    send(p, from, "{\"c\": 2}");
    place_pass(p, 3599000);
    assert_string_equal(released(p, to), "DEFAULT: 1");
    place_pass(p, 2000);
    assert_string_equal(released(p, to), "DEFAULT: 1; DEFAULT: 2");
    place_free(p);
}

static void a_burst_makes_batches_of_the_size_asked_for(void **state)
{
    (void)state;
    struct place *p = place_new(7);
    struct rac_flow *to = workflow(p, BATCH(ORDERS("\"messageCount\": 3")), SEEN);
    struct rac_flow *from =
        workflow(p, REQUEST,
                 "{\"All\": {\"type\": \"Foreach\", \"foreach\": \"@range(0, 10)\", "
                 "\"runtimeConfiguration\": "
                 "{\"concurrency\": {\"repetitions\": 1}}, \"actions\": {\"Send\": {\"type\": "
                 "\"SendToBatch\", "
                 "\"inputs\": {\"batchName\": \"orders\", \"content\": \"@item()\", \"host\": "
                 "{\"triggerName\": "
                 "\"manual\", \"workflow\": {\"id\": \"/subscriptions/x/resourceGroups/y/providers/"
                 "Microsoft.Logic/workflows/flow1\"}}}}}}}");
    struct world_answer x;
    p->w->flows[0]->name = RAC_S("/subscriptions/x/resourceGroups/y/providers/Microsoft.Logic/"
                                 "workflows/flow1"); /* this world finds names only */
    world_fire(p->w, from, "{}", false, &x);
    place_pass(p, 1);
    assert_string_equal(released(p, to), "DEFAULT: 0 1 2; DEFAULT: 3 4 5; DEFAULT: 6 7 8");
    assert_int_equal(waiting(p), 1);
    place_free(p);
}

/* --- changes ---------------------------------------------------------------------------------- */

static void lower_criteria_release_what_waits(void **state)
{
    (void)state;
    struct place *p = place_new(8);
    struct rac_flow *to = workflow(p, BATCH(ORDERS("\"messageCount\": 5")), SEEN),
                    *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    for (int i = 0; i < 3; i++)
        send(p, from, "{\"c\": 1}");
    set_trigger(p, to, BATCH(ORDERS("\"messageCount\": 6")));
    place_pass(p, 1);
    assert_string_equal(released(p, to), "");
    set_trigger(p, to, BATCH(ORDERS("\"messageCount\": 2")));
    place_pass(p, 1);
    assert_string_equal(released(p, to), "DEFAULT: 1 1");
    assert_int_equal(waiting(p), 1);
    place_free(p);
}

static void messages_of_a_batch_that_is_gone_wait_for_it_to_come_back(void **state)
{
    (void)state;
    struct place *p = place_new(9);
    struct rac_flow *to = workflow(p, BATCH(ORDERS("\"messageCount\": 2")), SEEN),
                    *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    send(p, from, "{\"c\": 1}");
    set_trigger(p, to, BATCH("\"other\": {\"releaseCriteria\": {\"messageCount\": 1}}"));
    place_pass(p, 1);
    assert_string_equal(
        sent_by(p, from, "{\"c\": 2}"),
        "Failed NotFound BatchNotFound The trigger 'manual' of workflow 'flow1' has "
        "no batch 'Orders'; its batches are: 'other'.");
    set_trigger(p, to, BATCH(ORDERS("\"messageCount\": 1")));
    place_pass(p, 1);
    assert_string_equal(released(p, to), "DEFAULT: 1");
    place_free(p);
}

static void a_disabled_workflow_takes_and_releases_nothing(void **state)
{
    (void)state;
    struct place *p = place_new(10);
    const char *node =
        BATCH(ORDERS("\"messageCount\": 2, \"recurrence\": {\"frequency\": \"Minute\", "
                     "\"interval\": 1}"));
    struct rac_flow *to = workflow(p, node, SEEN), *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    send(p, from, "{\"c\": 1}");
    to->enabled = false;
    set_trigger(p, to, node);
    place_pass(p, 600000);
    assert_string_equal(released(p, to), "");
    assert_string_equal(
        sent_by(p, from, "{\"c\": 2}"),
        "Failed Conflict WorkflowTriggerIsNotEnabled The workflow 'flow1' is disabled "
        "and takes no messages.");
    to->enabled = true;
    set_trigger(p, to, node);
    place_pass(p, 30000);
    assert_string_equal(released(p, to), "");
    place_pass(p, 31000);
    assert_string_equal(released(p, to), "DEFAULT: 1");
    place_free(p);
}

static void by_hand_everything_is_released(void **state)
{
    (void)state;
    struct place *p = place_new(11);
    struct rac_flow *to = workflow(p, BATCH(ORDERS("\"messageCount\": 3")), SEEN),
                    *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    send(p, from, "{\"c\": 1, \"p\": \"a\"}");
    send(p, from, "{\"c\": 2, \"p\": \"b\"}");
    rac_scheduler_notify(p->s, to->key, RAC_S("manual"));
    place_pass(p, 1);
    assert_string_equal(released(p, to), "a: 1; b: 2");
    send(p, from, "{\"c\": 3, \"p\": \"a\"}");
    assert_int_equal(waiting(p), 1);
    place_free(p);
}

/* --- splitOn, conditions, concurrency --------------------------------------------------------- */

static void split_gives_each_message_a_run(void **state)
{
    (void)state;
    struct place *p = place_new(12);
    struct rac_flow *to = workflow(
        p,
        BATCH_WITH(ORDERS("\"messageCount\": 4"),
                   "\"splitOn\": \"@triggerBody()['items']\", \"conditions\": [{\"expression\": "
                   "\"@greater(triggerBody()['content'], 1)\"}]"),
        SEEN);
    struct rac_flow *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    for (int i = 0; i < 4; i++) {
        char body[32];
        snprintf(body, sizeof body, "{\"c\": %d}", i);
        send(p, from, body);
    }
    assert_string_equal(released(p, to), ": 2; : 3");
    assert_int_equal(p->w->store->events_total, 2); /* skipped, with what they were */
    assert_string_equal(p->w->store->event_status, "Skipped");
    assert_int_equal(waiting(p), 0);
    place_free(p);
}

static void a_condition_that_fails_takes_the_batch_into_history(void **state)
{
    (void)state;
    struct place *p = place_new(13);
    struct rac_flow *to = workflow(
        p,
        BATCH_WITH(
            ORDERS("\"messageCount\": 1"),
            "\"conditions\": [{\"expression\": \"@equals(length(triggerBody()['items']), 7)\"}]"),
        SEEN);
    struct rac_flow *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    send(p, from, "{\"c\": 1}");
    assert_string_equal(released(p, to), "");
    assert_int_equal(waiting(p), 0);
    assert_int_equal(p->w->store->events_total, 1);
    place_free(p);
}

/* Two wait one for the other: what does not start stays a message. */
static void beyond_the_limit_of_runs_batches_wait(void **state)
{
    (void)state;
    struct place *p = place_new(14);
    struct rac_flow *to =
        workflow(p,
                 BATCH_WITH(ORDERS("\"messageCount\": 1"),
                            "\"runtimeConfiguration\": {\"concurrency\": {\"runs\": 1, "
                            "\"maximumWaitingRuns\": 11}}"),
                 "{\"Pause\": {\"type\": \"Wait\", \"inputs\": {\"interval\": {\"count\": 1, "
                 "\"unit\": \"Hour\"}}}}");
    struct rac_flow *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    for (int i = 0; i < 20; i++)
        send(p, from, "{\"c\": 1}");
    place_pass(p, 5000);
    assert_int_equal(waiting(p), 8); /* one runs, eleven wait */
    place_pass(p, 8 * 3600000 + 60000);
    assert_int_equal(waiting(p), 0);
    place_pass(p, 13 * (int64_t)3600000);
    size_t n = 0;
    for (size_t i = 0; i < p->w->store->runs_n; i++)
        n += p->w->store->runs[i].flow == to->key &&
             strcmp(p->w->store->runs[i].status, "Succeeded") == 0;
    assert_int_equal(n, 20);
    place_free(p);
}

/* --- the integration account ------------------------------------------------------------------ */

static const char *account_text;

static void account_artifact(void *self, const struct rac_flow *flow, enum rac_artifact_kind kind,
                             rac_str name,
                             void (*done)(void *arg, rac_err err, rac_str why,
                                          const struct rac_artifact_content *c),
                             void *arg)
{
    struct world *w = self;
    struct rac_json v;
    (void)flow;
    assert_int_equal(kind, RAC_ARTIFACT_BATCH);
    if (rac_json_parse(rac_str_of(account_text), &w->a, 0, &v, NULL) != RAC_OK)
        abort();
    RAC_JSON_EACH(x, &v)
    if (rac_str_eqi(rac_json_str(rac_json_get(x, RAC_S("name")), RAC_S("")), name)) {
        struct rac_artifact_content c = {
            .name = rac_json_str(rac_json_get(x, RAC_S("name")), RAC_S("")), .properties = *x};
        done(arg, RAC_OK, RAC_STR_NULL, &c);
        return;
    }
    done(arg, RAC_E_NOT_FOUND, RAC_S("it is not in the integration account 'trade'."), NULL);
}

static void the_account_describes_batches(void **state)
{
    (void)state;
    struct place *p = place_new(15);
    p->w->artifact = account_artifact;
    place_crash(p, 0); /* with the account in it */
    const char *node = "{\"type\": \"Batch\", \"inputs\": {\"mode\": \"IntegrationAccount\", "
                       "\"batchGroupName\": \"g\"}}";
    p->account = account_text =
        "[{\"name\": \"Orders\", \"batchGroupName\": \"G\", \"releaseCriteria\": "
        "{\"messageCount\": 2}}, {\"name\": \"others\", \"batchGroupName\": \"h\", "
        "\"releaseCriteria\": {\"messageCount\": 1}}]";
    struct rac_flow *to = workflow(p, node, SEEN), *from = workflow(p, REQUEST, SEND(TO_ORDERS)),
                    *wrong =
                        workflow(p, REQUEST, SEND("\"batchName\": \"others\", \"content\": 1")),
                    *none = workflow(p, REQUEST, SEND("\"batchName\": \"none\", \"content\": 1"));
    send(p, from, "{\"c\": 1}");
    send(p, from, "{\"c\": 2}");
    assert_string_equal(released(p, to), "DEFAULT: 1 2");
    assert_string_equal(
        sent_by(p, wrong, "1"),
        "Failed NotFound BatchNotFound The trigger 'manual' of workflow 'flow1' has no "
        "batch 'others'; its batches are: those of its integration account in the "
        "batch group 'g'.");
    assert_string_equal(
        sent_by(p, none, "1"),
        "Failed NotFound BatchNotFound The trigger 'manual' of workflow 'flow1' has no "
        "batch 'none'; its batches are: those of its integration account, where it is "
        "not in the integration account 'trade'.");
    send(p, from, "{\"c\": 3}");
    p->account = account_text =
        "[{\"name\": \"Orders\", \"batchGroupName\": \"g\", \"releaseCriteria\": "
        "{\"messageCount\": 1}}]";
    set_trigger(p, to, node); /* what a save of the account does: its triggers are due */
    place_pass(p, 1);
    assert_string_equal(released(p, to), "DEFAULT: 1 2; DEFAULT: 3");
    p->account = NULL;
    set_trigger(p, to, node);
    place_pass(p, 1);
    assert_string_equal(p->w->store->event_status, "Failed");
    place_free(p);
}

/* --- what is refused -------------------------------------------------------------------------- */

static rac_err full_count(void *self, int64_t flow, int64_t *messages, int64_t *bytes)
{
    (void)self;
    (void)flow;
    *messages = RAC_BATCH_WAITING_MAX;
    *bytes = 0;
    return RAC_OK;
}

static void what_cannot_be_sent_says_why(void **state)
{
    (void)state;
    struct place *p = place_new(16);
    workflow(p, BATCH(ORDERS("\"messageCount\": 2")), SEEN);
    struct rac_flow *plain = workflow(p, REQUEST, SEEN);
    (void)plain; /* flow2 has no batches */
#define SEND_TO(id, trigger, inputs)                                                               \
    "{\"Send\": {\"type\": \"SendToBatch\", \"inputs\": {\"host\": {\"triggerName\": \"" trigger   \
    "\", \"workflow\": {\"id\": \"" id "\"}}, " inputs "}}}"
    static const struct {
        const char *actions, *said;
    } cases[] = {
        {SEND_TO("nowhere", "manual", TO_ORDERS),
         "Failed NotFound WorkflowNotFound The workflow 'nowhere' that action 'Send' sends to "
         "could "
         "not be found, or who saved this workflow may not run it."},
        {SEND_TO("flow1", "other", TO_ORDERS), "Failed NotFound WorkflowTriggerNotFound The "
                                               "workflow 'flow1' has no Batch trigger 'other'."},
        {SEND_TO("flow2", "manual", TO_ORDERS),
         "Failed BadRequest WorkflowTriggerNotBatch The trigger 'manual' of workflow 'flow2' is of "
         "type "
         "'Request'; messages are sent to a trigger of type 'Batch'."},
        {SEND_TO("flow1", "manual", "\"batchName\": \"@concat('o', 'thers')\", \"content\": 1"),
         "Failed NotFound BatchNotFound The trigger 'manual' of workflow 'flow1' has no batch "
         "'others'; "
         "its batches are: 'orders'."},
        {SEND_TO("flow1", "manual", "\"batchName\": \"orders\""),
         "Failed BadRequest InvalidTemplate The inputs of action 'Send' need a 'batchName' and a "
         "'content'."},
        {SEND_TO("flow1", "manual",
                 "\"batchName\": \"orders\", \"content\": 1, \"partitionName\": "
                 "\"@{join(range(1, 200), '')}\""),
         "Failed BadRequest BatchNameTooLong The partitionName of action 'Send' has more than 256 "
         "bytes."},
        {SEND_TO(
             "flow1", "manual",
             "\"batchName\": \"orders\", \"content\": 1, \"retryPolicy\": {\"type\": \"often\"}"),
         "Failed BadRequest InvalidTemplate"},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        const char *said = sent_by(p, workflow(p, REQUEST, cases[i].actions), "{}");
        if (strncmp(said, cases[i].said, strlen(cases[i].said)) != 0)
            fail_msg("%s\n  instead of %s", said, cases[i].said);
    }
    assert_int_equal(waiting(p), 0);
    p->w->flows[0]->stateless = true; /* saved before that was refused */
    assert_string_equal(sent_by(p, workflow(p, REQUEST, SEND(TO_ORDERS)), "{\"c\": 1}"),
                        "Failed BadRequest BatchNotValid The workflow 'flow1' is stateless and "
                        "keeps no messages; make it stateful.");
    assert_int_equal(waiting(p), 0);
    place_free(p);
}

static void what_is_full_is_tried_again(void **state)
{
    (void)state;
    struct place *p = place_new(17);
    workflow(p, BATCH(ORDERS("\"messageCount\": 2")), SEEN);
    struct rac_flow *from = workflow(
        p, REQUEST,
        SEND(TO_ORDERS
             ", \"retryPolicy\": {\"type\": \"fixed\", \"count\": 2, \"interval\": \"PT10S\"}"));
    rac_err (*count)(void *, int64_t, int64_t *, int64_t *) = p->w->store->port.message_count;
    p->w->store->port.message_count = full_count;
    struct world_answer x;
    world_fire(p->w, from, "{\"body\": {\"c\": 1}}", false, &x);
    place_pass(p, 11000);
    place_crash(p, 0); /* in the middle of its delays */
    p->w->store->port.message_count = count;
    place_pass(p, 5000);
    assert_int_equal(waiting(p), 0);
    place_pass(p, 5000);
    assert_int_equal(waiting(p), 1);
    p->w->store->port.message_count = full_count;
    world_fire(p->w, from, "{\"body\": {\"c\": 1}}", false, &x);
    place_pass(p, 25000);
    struct memory_run *r = memory_store_run(p->w->store, from->key, rac_str_of(x.run));
    assert_string_equal(r->status, "Failed");
    p->w->store->port.message_count = count;
    place_free(p);
}

static void without_a_store_it_says_what_to_do(void **state)
{
    (void)state;
    struct world *w = world_new(18, false);
    struct rac_flow *f =
        world_flow(w, REQUEST,
                   "{\"Send\": {\"type\": \"SendToBatch\", \"inputs\": {\"batchName\": \"b\", "
                   "\"content\": 1, \"host\": "
                   "{\"triggerName\": \"t\", \"workflow\": {\"id\": \"x\"}}}}, \"Answer\": "
                   "{\"type\": \"Response\", "
                   "\"runAfter\": {\"Send\": [\"Failed\"]}, \"inputs\": {\"body\": "
                   "\"@{actions('Send')['error']['code']}\"}}}");
    struct world_answer x;
    world_fire(w, f, "{}", true, &x);
    world_settle(w);
    assert_true(strstr(x.text, "BatchNeedsServer") != NULL);
    world_free(w);
}

/* A run without turns: its message is a write of its own. */
static void a_stateless_sender_sends(void **state)
{
    (void)state;
    struct place *p = place_new(19);
    struct rac_flow *to = workflow(p, BATCH(ORDERS("\"messageCount\": 2")), SEEN),
                    *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    from->stateless = true;
    struct world_answer x;
    for (int i = 0; i < 2; i++) {
        world_fire(p->w, from, "{\"body\": {\"c\": 1}}", false, &x);
        place_pass(p, 1);
    }
    assert_string_equal(released(p, to), "DEFAULT: 1 1");
    place_free(p);
}

/* --- what cannot be released ------------------------------------------------------------------ */

/* As its sender knew the criteria. */
static void put(struct place *p, const struct rac_flow *to, const char *partition, rac_str content,
                int64_t count)
{
    struct rac_flow_message m = {.flow = to->key,
                                 .tenant = to->tenant,
                                 .trigger = RAC_S("manual"),
                                 .batch = RAC_S("orders"),
                                 .partition = rac_str_of(partition),
                                 .id = RAC_S("x"),
                                 .content = content,
                                 .full = {count, RAC_BATCH_BYTES_MAX}};
    memory_message_put(p->w->store, &m);
    place_alarm(p, 0);
}

/* One partition has more than a run may take: it is told and tried less and less often, and nobody
 * else waits for it. */
static void what_is_too_large_is_told_and_holds_up_nobody(void **state)
{
    (void)state;
    struct world *w = world_new(30, true);
    w->limits.run_bytes_max = 4 << 20;
    world_restart(w);
    struct place *p = place_in(w);
    struct rac_flow *to = workflow(p, BATCH(ORDERS("\"messageCount\": 2")), SEEN),
                    *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    rac_str ones = rac_arena_printf(&w->a, "[%0*d1]", 200000, 0);
    for (size_t i = 1; i + 2 < ones.n; i++)
        ((char *)(uintptr_t)ones.p)[i] = i % 2 ? '1' : ',';
    put(p, to, "large", ones, 2);
    put(p, to, "large", ones, 2);
    place_pass(p, 1000);
    assert_int_equal(waiting(p), 2);
    assert_int_equal(w->store->events_total, 1);
    assert_string_equal(w->store->event_status, "Failed");
    send(p, from, "{\"c\": 1, \"p\": \"b\"}");
    send(p, from, "{\"c\": 2, \"p\": \"b\"}");
    assert_string_equal(released(p, to), "b: 1 2");
    place_pass(p, 24 * 3600000);
    assert_in_range(w->store->events_total, 20, 40);
    assert_int_equal(waiting(p), 2);
    set_trigger(p, to, BATCH(ORDERS("\"messageCount\": 1"))); /* what it was told to do */
    place_pass(p, 1000);
    assert_int_equal(waiting(p), 0);
    assert_int_equal(w->store->runs[w->store->runs_n - 1].flow, to->key);
    place_free(p);
}

/* It was held, and is dropped by hand: nothing is left that the trigger would have to look at. */
static rac_err few_saves(void *arg)
{
    unsigned *n = arg;
    if (++*n > 100)
        fail_msg("the trigger is attended again and again");
    return RAC_OK;
}

static void dropped(void *arg, const struct rac_commit *c)
{
    (void)arg;
    assert_int_equal(c->err, RAC_OK);
}

static void what_was_held_and_is_dropped_is_looked_at_no_more(void **state)
{
    (void)state;
    struct world *w = world_new(37, true);
    w->limits.run_bytes_max = 4 << 20;
    world_restart(w);
    struct place *p = place_in(w);
    struct rac_flow *to = workflow(p, BATCH(ORDERS("\"messageCount\": 1")), SEEN);
    const struct rac_flow_store *fs = &w->store->port;
    unsigned saves = 0;
    rac_str ones = rac_arena_printf(&w->a, "[%0*d1]", 400000, 0);
    for (size_t i = 1; i + 2 < ones.n; i++)
        ((char *)(uintptr_t)ones.p)[i] = i % 2 ? '1' : ',';
    put(p, to, "large", ones, 1);
    place_pass(p, 1000);
    assert_int_equal(waiting(p), 1);
    fs->part_drop(fs->self, to->tenant, to->key, w->store->parts[0].id, 0, dropped, NULL);
    place_pass(p, 1000);
    assert_int_equal(waiting(p), 0);
    w->store->save_fault = few_saves;
    w->store->save_fault_arg = &saves;
    place_pass(p, 2 * (int64_t)3600000);
    assert_in_range(saves, 1, 10);
    w->store->save_fault = NULL;
    place_free(p);
}

/* Within what its run begins with it is nested deeper than anything is when it comes in. */
static void the_deepest_message_is_read_back(void **state)
{
    (void)state;
    struct place *p = place_new(36);
    struct rac_flow *to = workflow(p, BATCH(ORDERS("\"messageCount\": 1")), SEEN);
    static char deep[2 * RAC_JSON_DEPTH_MAX + 1], want[sizeof deep + 8];
    memset(deep, '[', RAC_JSON_DEPTH_MAX);
    memset(deep + RAC_JSON_DEPTH_MAX, ']', RAC_JSON_DEPTH_MAX);
    snprintf(want, sizeof want, "a: %s", deep);
    put(p, to, "a", rac_str_of(deep), 1);
    place_pass(p, 10);
    assert_string_equal(released(p, to), want);
    place_free(p);
}

static rac_err (*list_of_store)(void *self, int64_t part, size_t n_max, int64_t bytes_max,
                                struct rac_arena *a, struct rac_flow_message_row **v, size_t *n);
static unsigned lists;

static rac_err counted_list(void *self, int64_t part, size_t n_max, int64_t bytes_max,
                            struct rac_arena *a, struct rac_flow_message_row **v, size_t *n)
{
    lists++;
    return list_of_store(self, part, n_max, bytes_max, a, v, n);
}

static void while_there_is_no_room_for_a_run_nothing_is_read(void **state)
{
    (void)state;
    struct place *p = place_new(31);
    workflow(p,
             BATCH_WITH(ORDERS("\"messageCount\": 1"),
                        "\"runtimeConfiguration\": {\"concurrency\": {\"runs\": 1, "
                        "\"maximumWaitingRuns\": 11}}"),
             "{\"Pause\": {\"type\": \"Wait\", \"inputs\": {\"interval\": {\"count\": 1, "
             "\"unit\": \"Hour\"}}}}");
    struct rac_flow *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    for (int i = 0; i < 15; i++)
        send(p, from, "{\"c\": 1}");
    place_pass(p, 5000);
    assert_int_equal(waiting(p), 3);
    list_of_store = p->w->store->port.message_list;
    p->w->store->port.message_list = counted_list;
    lists = 0;
    place_pass(p, 600000);
    assert_int_equal(lists, 0);
    place_pass(p, 4 * (int64_t)3600000);
    assert_int_equal(waiting(p), 0);
    p->w->store->port.message_list = list_of_store;
    place_free(p);
}

/* One look takes many batches of one partition. */
static void a_long_line_is_released_many_at_a_time(void **state)
{
    (void)state;
    struct place *p = place_new(32);
    struct rac_flow *to = workflow(p, BATCH(ORDERS("\"messageCount\": 8000")), SEEN);
    place_settle(p);
    for (int i = 0; i < 320; i++)
        put(p, to, "a", RAC_S("1"), 8000);
    list_of_store = p->w->store->port.message_list;
    p->w->store->port.message_list = counted_list;
    lists = 0;
    set_trigger(p, to, BATCH(ORDERS("\"messageCount\": 2")));
    place_pass(p, 10);
    assert_int_equal(waiting(p), 0);
    assert_int_equal(p->w->store->runs_n, 160);
    assert_in_range(lists, 10, 12);
    p->w->store->port.message_list = list_of_store;
    place_free(p);
}

/* --- races ------------------------------------------------------------------------------------ */

/* Committed by what its sender read before the criteria changed. */
static void a_message_that_comes_late_is_seen_all_the_same(void **state)
{
    (void)state;
    struct place *p = place_new(33);
    struct rac_flow *to = workflow(p, BATCH(ORDERS("\"messageCount\": 5")), SEEN);
    place_pass(p, 3600000);
    set_trigger(p, to, BATCH(ORDERS("\"messageCount\": 1")));
    place_pass(p, 1000);
    put(p, to, "a", RAC_S("1"), 5);
    place_pass(p, 60000);
    assert_string_equal(released(p, to), "a: 1");
    place_free(p);
}

static rac_err fails_twice(void *arg)
{
    unsigned *n = arg;
    return (*n)++ < 2 ? RAC_E_IO : RAC_OK;
}

static void by_hand_is_not_forgotten_when_the_store_fails(void **state)
{
    (void)state;
    struct place *p = place_new(34);
    struct rac_flow *to = workflow(p, BATCH(ORDERS("\"messageCount\": 3")), SEEN),
                    *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    unsigned n = 0;
    send(p, from, "{\"c\": 1, \"p\": \"a\"}");
    p->w->store->save_fault = fails_twice;
    p->w->store->save_fault_arg = &n;
    rac_scheduler_notify(p->s, to->key, RAC_S("manual"));
    place_pass(p, 60000);
    assert_true(n > 2);
    assert_string_equal(released(p, to), "a: 1");
    place_free(p);
}

/* splitOn over something else: the runs share their messages, so that either all start or none. */
static void runs_that_share_a_batch_start_together(void **state)
{
    (void)state;
    struct place *p = place_new(35);
    const char *trigger = BATCH_WITH(
        ORDERS("\"messageCount\": 1"),
        "\"splitOn\": \"@triggerBody()['items'][0]['content']\", \"runtimeConfiguration\": "
        "{\"concurrency\": {\"runs\": 2, \"maximumWaitingRuns\": 12}}");
    struct rac_flow *to = workflow(p, trigger,
                                   "{\"Pause\": {\"type\": \"Wait\", \"inputs\": {\"interval\": "
                                   "{\"count\": 1, \"unit\": \"Minute\"}}}}"),
                    *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    for (int i = 0; i < 3; i++) /* of 14 places 6 are taken, 12, and then there are 2 */
        send(p, from, "{\"c\": [1, 2, 3, 4, 5, 6]}");
    assert_int_equal(waiting(p), 1);
    place_pass(p, 3600000);
    assert_int_equal(waiting(p), 0);
    size_t n = 0;
    for (size_t i = 0; i < p->w->store->runs_n; i++)
        n += p->w->store->runs[i].flow == to->key;
    assert_int_equal(n, 18);
    assert_int_equal(p->w->store->events_total, 0);
    send(p, from, "{\"c\": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]}");
    assert_int_equal(waiting(p), 0); /* it never will fit: history has it */
    assert_int_equal(p->w->store->events_total, 1);
    assert_string_equal(p->w->store->event_status, "Failed");
    place_free(p);
}

/* --- crashes and errors ----------------------------------------------------------------------- */

enum { MESSAGES = 40 };

struct luck {
    uint64_t x;
    unsigned percent;
};

static uint64_t draw(struct luck *l)
{
    l->x ^= l->x << 13;
    l->x ^= l->x >> 7;
    l->x ^= l->x << 17;
    return l->x;
}

static rac_err unlucky(void *arg)
{
    struct luck *l = arg;
    return draw(l) % 100 < l->percent ? RAC_E_IO : RAC_OK;
}

/* How often each message is in a run, or waits; and for which ones the sender succeeded. */
static void everyone_once(struct place *p, struct rac_flow *from, uint64_t seed)
{
    unsigned char there[MESSAGES] = {0}, sent[MESSAGES] = {0};
    struct rac_arena a;
    for (size_t i = 0; i < p->w->store->runs_n; i++) {
        const struct memory_run *m = &p->w->store->runs[i];
        rac_arena_init(&a, 64 << 20);
        struct rac_json r = result(p, m, &a);
        const struct rac_json *body = rac_json_get(
            rac_json_get(rac_json_get(&r, RAC_S("trigger")), RAC_S("outputs")), RAC_S("body"));
        if (m->flow == from->key) {
            if (strcmp(m->status, "Succeeded") != 0)
                fail_msg("seed %llu: a sender is %s", (unsigned long long)seed, m->status);
            sent[rac_json_int(rac_json_get(body, RAC_S("c")), 0)]++;
        } else if (rac_json_get(body, RAC_S("items")) != NULL) {
            RAC_JSON_EACH(x, rac_json_get(body, RAC_S("items")))
            there[rac_json_int(rac_json_get(x, RAC_S("content")), 0)]++;
        } else {
            there[rac_json_int(rac_json_get(body, RAC_S("content")), 0)]++;
        }
        rac_arena_fini(&a);
    }
    for (size_t i = 0; i < p->w->store->messages_n; i++)
        there[strtoull(p->w->store->messages[i].content, NULL, 10)]++;
    for (int i = 0; i < MESSAGES; i++)
        if (there[i] != sent[i] || sent[i] > 1)
            fail_msg("seed %llu: message %d was sent %d times and is there %d times",
                     (unsigned long long)seed, i, sent[i], there[i]);
}

/* Senders, releases, store errors, passing time and crashes with part of the writes done. */
static void a_life(uint64_t seed)
{
    static const char *const triggers[] = {
        BATCH(ORDERS("\"messageCount\": 3")),
        BATCH(ORDERS(
            "\"messageCount\": 4, \"recurrence\": {\"frequency\": \"Minute\", \"interval\": 1}")),
        BATCH_WITH(ORDERS("\"messageCount\": 3"), "\"splitOn\": \"@triggerBody()?['items']\""),
        BATCH_WITH(ORDERS("\"batchSize\": 5"),
                   "\"runtimeConfiguration\": {\"concurrency\": {\"runs\": 2}}"),
    };
    struct place *p = place_new(seed);
    struct luck l = {.x = seed * 0x9e3779b97f4a7c15u | 1};
    const char *node = triggers[draw(&l) % RAC_COUNT(triggers)];
    struct rac_flow *to = workflow(p, node, SEEN), *from = workflow(p, REQUEST, SEND(TO_ORDERS));
    struct world_answer answers[MESSAGES];
    int n = 0;
    place_settle(p);
    while (n < MESSAGES) {
        unsigned what = (unsigned)(draw(&l) % 20);
        if (what < 8) {
            char outputs[96];
            snprintf(outputs, sizeof outputs, "{\"body\": {\"c\": %d, \"p\": \"%c\"}}", n,
                     (char)('a' + draw(&l) % 3));
            world_fire(p->w, from, outputs, false, &answers[n++]);
        } else if (what < 16) {
            for (uint64_t i = draw(&l) % 12; i > 0; i--)
                (void)world_step(p->w);
            (void)place_tick(p);
        } else if (what == 16) {
            place_pass(p, (int64_t)(draw(&l) % 90000));
        } else if (what == 17) {
            l.percent = l.percent > 0 ? 0 : 30;
            p->w->store->fault = p->w->store->save_fault = unlucky;
            p->w->store->fault_arg = p->w->store->save_fault_arg = &l;
        } else if (what == 18) {
            place_crash(p, (size_t)(draw(&l) % 4));
        } else {
            set_trigger(p, to, node);
        }
    }
    p->w->store->fault = p->w->store->save_fault = NULL;
    place_pass(p, 200000);
    everyone_once(p, from, seed);
    rac_scheduler_notify(p->s, to->key, RAC_S("manual"));
    place_pass(p, 120000);
    everyone_once(p, from, seed);
    if (waiting(p) != 0)
        fail_msg("seed %llu: %zu messages were left behind", (unsigned long long)seed, waiting(p));
    place_free(p);
}

static void nothing_is_lost_or_doubled_whatever_happens(void **state)
{
    (void)state;
    const char *said = getenv("RACCORD_SIM_SEEDS"), *first = getenv("RACCORD_SIM_FIRST");
    uint64_t n = said != NULL ? strtoull(said, NULL, 10) : 200,
             from = first != NULL ? strtoull(first, NULL, 10) : 1;
    for (uint64_t seed = from; seed < from + n; seed++)
        a_life(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(criteria_are_read),
        cmocka_unit_test(a_count_releases_each_partition_by_itself),
        cmocka_unit_test(numbers_are_names),
        cmocka_unit_test(a_message_has_the_id_it_was_given_or_one_of_its_own),
        cmocka_unit_test(a_size_releases),
        cmocka_unit_test(a_recurrence_releases_whatever_waits),
        cmocka_unit_test(a_recurrence_keeps_the_wall_clock_of_its_zone),
        cmocka_unit_test(an_occurrence_missed_while_nobody_was_there_is_made_up_for_once),
        cmocka_unit_test(a_burst_makes_batches_of_the_size_asked_for),
        cmocka_unit_test(lower_criteria_release_what_waits),
        cmocka_unit_test(messages_of_a_batch_that_is_gone_wait_for_it_to_come_back),
        cmocka_unit_test(a_disabled_workflow_takes_and_releases_nothing),
        cmocka_unit_test(by_hand_everything_is_released),
        cmocka_unit_test(split_gives_each_message_a_run),
        cmocka_unit_test(a_condition_that_fails_takes_the_batch_into_history),
        cmocka_unit_test(beyond_the_limit_of_runs_batches_wait),
        cmocka_unit_test(the_account_describes_batches),
        cmocka_unit_test(what_cannot_be_sent_says_why),
        cmocka_unit_test(what_is_full_is_tried_again),
        cmocka_unit_test(without_a_store_it_says_what_to_do),
        cmocka_unit_test(a_stateless_sender_sends),
        cmocka_unit_test(what_is_too_large_is_told_and_holds_up_nobody),
        cmocka_unit_test(what_was_held_and_is_dropped_is_looked_at_no_more),
        cmocka_unit_test(the_deepest_message_is_read_back),
        cmocka_unit_test(while_there_is_no_room_for_a_run_nothing_is_read),
        cmocka_unit_test(a_long_line_is_released_many_at_a_time),
        cmocka_unit_test(a_message_that_comes_late_is_seen_all_the_same),
        cmocka_unit_test(by_hand_is_not_forgotten_when_the_store_fails),
        cmocka_unit_test(runs_that_share_a_batch_start_together),
        cmocka_unit_test(nothing_is_lost_or_doubled_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
