/* The scheduler under a fake clock: whose turn it is, what is remembered, what is tried again. */
#include "scheduler_world.h"
#include "unit.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/metrics.h"

#include <stdio.h>

#define NEWS                                                                                       \
    "{\"swagger\": \"2.0\", \"info\": {\"title\": \"News\", \"version\": \"1\"}, \"host\": "       \
    "\"news.example\", \"schemes\": [\"https\"], \"paths\": {\"/hooks\": {\"post\": "              \
    "{\"operationId\": \"Subscribe\", \"parameters\": [{\"name\": \"body\", \"in\": \"body\", "    \
    "\"schema\": {\"type\": \"object\"}}], \"responses\": {\"201\": {\"description\": "            \
    "\"ok\"}}}}, "                                                                                 \
    "\"/news\": {\"get\": {\"operationId\": \"News\", \"responses\": {\"200\": {\"description\": " \
    "\"ok\"}}}}, \"/next\": {\"get\": {\"operationId\": \"Next\", \"x-ms-trigger\": \"single\", "  \
    "\"responses\": {\"200\": {\"description\": \"ok\"}}}}}}"

static struct place *place_limited(uint64_t seed, size_t queued_max)
{
    struct world *w = world_new(seed, true);
    w->limits.runs_queued_max = queued_max;
    world_connect(w, NEWS);
    return place_in(w);
}

static struct place *place_new(uint64_t seed)
{
    return place_limited(seed, 0);
}

/* A workflow of a tenant with n triggers t0, t1, ... of one node, due now. */
static int64_t workflow(struct place *p, rac_str tenant, const char *node, size_t n)
{
    struct rac_flow *f = world_flow(
        p->w, node, "{\"C\": {\"type\": \"Compose\", \"inputs\": \"@triggerOutputs()\"}}");
    struct rac_scheduled_flow *x = &p->flows[f->key - 1];
    struct rac_flow_trigger *rules = RAC_NEW_N(&f->a, struct rac_flow_trigger, n);
    f->tenant = tenant;
    *x = (struct rac_scheduled_flow){.flow = f, .triggers = rules, .triggers_n = n};
    for (size_t i = 0; i < n; i++) {
        rac_str name = rac_arena_printf(&f->a, "t%zu", i);
        rac_trigger_compile(f->plan, name, f->plan->trigger, &f->a, &rules[i]);
        memory_store_attend(p->w->store, tenant, f->key, rac_arena_cstr(&f->a, name),
                            p->w->clock.wall_ms);
    }
    place_alarm(p, 0);
    return f->key;
}

static const char *state_of(struct place *p, int64_t flow)
{
    struct memory_trigger *t = memory_store_trigger(p->w->store, flow, RAC_S("t0"));
    assert_non_null(t);
    return t->state != NULL ? t->state : "";
}

static size_t asked(struct place *p, const char *part)
{
    size_t n = 0;
    for (struct world_fetch *f = p->w->fetches; f != NULL; f = f->next)
        n += rac_str_find(f->url, rac_str_of(part)) != RAC_STR_NPOS;
    return n;
}

static size_t runs_of(struct place *p, int64_t flow)
{
    size_t n = 0;
    for (size_t i = 0; i < p->w->store->runs_n; i++)
        n += p->w->store->runs[i].flow == flow;
    return n;
}

#define POLL(host)                                                                                 \
    "{\"type\": \"Http\", \"inputs\": {\"method\": \"GET\", \"uri\": \"https://" host "/\"}, "     \
    "\"recurrence\": {\"frequency\": \"Minute\", \"interval\": 1}}"
#define TICK                                                                                       \
    "{\"type\": \"Recurrence\", \"recurrence\": {\"frequency\": \"Minute\", \"interval\": 1}}"

/* --- whose turn it is ------------------------------------------------------------------------- */

static void slow_servers_of_one_tenant_hold_up_nobody_else(void **state)
{
    (void)state;
    struct place *p = place_new(1);
    workflow(p, RAC_S("greedy"), POLL("slow.example"), 400);
    place_pass(p, 100);
    assert_true(asked(p, "slow.example") > 0);
    struct rac_buf b;
    char line[64];
    rac_buf_init(&b, 1 << 20);
    rac_metrics_print(&b);
    snprintf(line, sizeof line, "raccord_trigger_requests_waiting %zu\n",
             400 - asked(p, "slow.example"));
    assert_true(rac_str_find(rac_buf_str(&b), rac_str_of(line)) != RAC_STR_NPOS);
    rac_buf_fini(&b);
    int64_t tick = workflow(p, RAC_S("modest"), TICK, 1),
            poll = workflow(p, RAC_S("modest"), POLL("quick.example"), 1);
    place_pass(p, 100);
    assert_int_equal(runs_of(p, tick), 1);
    assert_int_equal(asked(p, "quick.example"), 1);
    world_answer(p->w, world_fetch(p->w, "quick.example"), 200, "", "x");
    place_settle(p);
    assert_int_equal(runs_of(p, poll), 1);
    place_pass(p, 60100); /* a look is bounded: it takes a few to come to the end of what is due */
    assert_int_equal(runs_of(p, tick), 2);
    place_free(p);
}

static void slow_servers_of_a_tenant_do_not_hold_up_its_timers(void **state)
{
    (void)state;
    struct place *p = place_new(2);
    workflow(p, RAC_S("t"), POLL("slow.example"), 400);
    int64_t tick = workflow(p, RAC_S("t"), TICK, 1);
    place_pass(p, 100);
    assert_int_equal(runs_of(p, tick), 1);
    place_free(p);
}

/* Every trigger has its turn in the end, and tenants take turns. */
static void whoever_waits_has_a_turn(void **state)
{
    (void)state;
    struct place *p = place_new(3);
    int64_t a = workflow(p, RAC_S("a"), POLL("a.example"), 300),
            b = workflow(p, RAC_S("b"), POLL("b.example"), 300);
    size_t most_a = 0, most_b = 0;
    place_settle(p);
    for (size_t answered = 0; answered < 600; answered++) {
        most_a = asked(p, "a.example") > most_a ? asked(p, "a.example") : most_a;
        most_b = asked(p, "b.example") > most_b ? asked(p, "b.example") : most_b;
        struct world_fetch *f = world_fetch(p->w, answered % 2 ? "a.example" : "b.example");
        f = f != NULL ? f : p->w->fetches;
        assert_non_null(f);
        world_answer(p->w, f, 202, "", "");
        place_settle(p);
    }
    assert_int_equal(p->w->store->events_total, 600);
    assert_true(most_a < 200 && most_b < 200);
    assert_int_equal(runs_of(p, a) + runs_of(p, b), 0);
    place_free(p);
}

/* --- subscriptions ---------------------------------------------------------------------------- */

#define HOOK                                                                                       \
    "{\"type\": \"HttpWebhook\", \"inputs\": {\"subscribe\": {\"method\": \"POST\", \"uri\": "     \
    "\"https://hooks.example/subscribe\", \"body\": {\"to\": \"@{listCallbackUrl()}\"}}, "         \
    "\"unsubscribe\": {\"method\": \"POST\", \"uri\": \"https://hooks.example/end\"}}}"

#define HOOK_TOLD                                                                                  \
    "{\"type\": \"HttpWebhook\", \"inputs\": {\"subscribe\": {\"method\": \"POST\", \"uri\": "     \
    "\"https://hooks.example/subscribe\", \"body\": {\"to\": \"@{listCallbackUrl()}\"}}, "         \
    "\"unsubscribe\": {\"method\": \"POST\", \"uri\": \"https://hooks.example/end\", "             \
    "\"body\": {\"to\": \"@{listCallbackUrl()}\"}}}}"

#define NOTIFICATION                                                                               \
    "{\"type\": \"ApiConnectionNotification\", \"inputs\": {\"host\": {\"connection\": "           \
    "{\"name\": "                                                                                  \
    "\"n\"}}, \"subscribe\": {\"method\": \"post\", \"path\": \"/hooks\", \"body\": {\"to\": "     \
    "\"@{listCallbackUrl()}\"}}, \"fetch\": {\"method\": \"get\", \"path\": \"/news\"}}}"

static void subscribe(struct place *p)
{
    place_settle(p);
    struct world_fetch *f = world_fetch(p->w, "hooks.example/subscribe");
    assert_non_null(f);
    world_answer(p->w, f, 201, "Location: https://hooks.example/1", "");
    place_settle(p);
}

static void saved_again(struct place *p, int64_t flow)
{
    p->w->clock.wall_ms += 10;
    memory_store_attend(p->w->store, RAC_S("t"), flow, "t0", p->w->clock.wall_ms);
    place_alarm(p, 0);
    place_settle(p);
}

static void a_new_access_key_subscribes_anew(void **state)
{
    (void)state;
    struct place *p = place_new(10);
    int64_t hook = workflow(p, RAC_S("t"), HOOK, 1);
    subscribe(p);
    saved_again(p, hook); /* nothing that matters to the subscription */
    assert_null(p->w->fetches);
    p->w->flows[hook - 1]->keys[1][0] ^= 1; /* it signs nothing of this */
    saved_again(p, hook);
    assert_null(p->w->fetches);
    p->w->flows[hook - 1]->keys[0][0] ^= 1;
    saved_again(p, hook);
    subscribe(p);
    struct world_fetch *old = world_fetch(p->w, "hooks.example/end");
    assert_non_null(old);
    world_answer(p->w, old, 200, "", "");
    place_settle(p);
    saved_again(p, hook);
    assert_null(p->w->fetches);
    place_free(p);
}

#define HOOK_SECONDARY                                                                             \
    "{\"type\": \"HttpWebhook\", \"inputs\": {\"accessKeyType\": \"secondary\", \"subscribe\": "   \
    "{\"method\": \"POST\", \"uri\": \"https://hooks.example/subscribe\", \"body\": {\"to\": "     \
    "\"@{listCallbackUrl()}\"}}, \"unsubscribe\": {\"method\": \"POST\", \"uri\": "                \
    "\"https://hooks.example/end\"}}}"

/* Whether the URL that was handed over is signed with that key of the workflow. */
static bool signed_with(struct place *p, int64_t flow, int key, rac_str body)
{
    struct rac_flow *f = p->w->flows[flow - 1];
    rac_str bytes = {(const char *)f->keys[key], sizeof f->keys[key]};
    rac_str url =
        rac_trigger_callback_url(f, RAC_S("t0"), bytes, RAC_S("https://r.example"), &p->w->a);
    return rac_str_find(body, url) != RAC_STR_NPOS;
}

static void a_webhook_signs_with_the_key_it_names(void **state)
{
    (void)state;
    struct place *p = place_new(21);
    int64_t hook = workflow(p, RAC_S("t"), HOOK_SECONDARY, 1);
    memset(p->w->flows[hook - 1]->keys[1], 7, 32);
    place_settle(p);
    struct world_fetch *f = world_fetch(p->w, "hooks.example/subscribe");
    assert_non_null(f);
    assert_true(signed_with(p, hook, 1, f->body));
    assert_false(signed_with(p, hook, 0, f->body));
    subscribe(p);
    p->w->flows[hook - 1]->keys[0][0] ^= 1; /* it signs nothing of this */
    saved_again(p, hook);
    assert_null(p->w->fetches);
    p->w->flows[hook - 1]->keys[1][0] ^= 1;
    saved_again(p, hook);
    f = world_fetch(p->w, "hooks.example/subscribe");
    assert_non_null(f);
    assert_true(signed_with(p, hook, 1, f->body));
    subscribe(p);
    world_answer(p->w, world_fetch(p->w, "hooks.example/end"), 200, "", "");
    place_settle(p);
    place_free(p);
}

/* The old one is ended with the URL it was made with, which nobody could sign any more. */
static void a_subscription_is_ended_with_the_url_it_was_made_with(void **state)
{
    (void)state;
    struct place *p = place_new(24);
    int64_t hook = workflow(p, RAC_S("t"), HOOK_TOLD, 1);
    place_settle(p);
    rac_str made = rac_arena_str(&p->w->a, world_fetch(p->w, "hooks.example/subscribe")->body);
    subscribe(p);
    p->w->flows[hook - 1]->keys[0][0] ^= 1;
    saved_again(p, hook);
    rac_str next = rac_arena_str(&p->w->a, world_fetch(p->w, "hooks.example/subscribe")->body);
    subscribe(p);
    struct world_fetch *f = world_fetch(p->w, "hooks.example/end");
    assert_non_null(f);
    assert_true(rac_str_eq(f->body, made));
    world_answer(p->w, f, 200, "", "");
    place_settle(p);
    p->w->flows[hook - 1]->keys[0][0] ^= 2;
    p->w->flows[hook - 1]->enabled = false;
    place_crash(p, 0);
    saved_again(p, hook);
    f = world_fetch(p->w, "hooks.example/end");
    assert_non_null(f);
    assert_true(rac_str_eq(f->body, next));
    world_answer(p->w, f, 200, "", "");
    place_settle(p);
    assert_null(strstr(state_of(p, hook), "subscription"));
    assert_null(strstr(state_of(p, hook), "sig="));
    place_free(p);
}

#define HOOK_ELSEWHERE                                                                             \
    "{\"type\": \"HttpWebhook\", \"inputs\": {\"subscribe\": {\"method\": \"POST\", \"uri\": "     \
    "\"https://new.example/subscribe\", \"body\": {\"to\": \"@{listCallbackUrl()}\"}}, "           \
    "\"unsubscribe\": {\"method\": \"POST\", \"uri\": \"https://new.example/end\"}}}"

static rac_err gone_once(void *arg)
{
    bool *said = arg;
    rac_err err = *said ? RAC_OK : RAC_E_NOT_FOUND;
    *said = true;
    return err;
}

/* A new version takes the place of a subscription, and before that is saved the workflow is deleted:
 * each subscription is ended as the version that made it says. */
static void each_subscription_is_ended_as_its_version_says(void **state)
{
    (void)state;
    struct place *p = place_new(41);
    int64_t hook = workflow(p, RAC_S("t"), HOOK, 1), next;
    bool said = false;
    p->flows[hook - 1].flow->revision = RAC_S("1");
    subscribe(p);
    next = workflow(p, RAC_S("t"), HOOK_ELSEWHERE, 1);
    p->older[hook - 1] = p->flows[hook - 1];
    p->flows[hook - 1] = p->flows[next - 1];
    p->flows[hook - 1].flow->revision = RAC_S("2");
    memory_store_trigger(p->w->store, next, RAC_S("t0"))->due_ms = 0;
    saved_again(p, hook);
    struct world_fetch *f = world_fetch(p->w, "new.example/subscribe");
    assert_non_null(f);
    world_answer(p->w, f, 201, "", "");
    place_settle(p);
    f = world_fetch(p->w, "hooks.example/end");
    assert_non_null(f);
    p->w->store->save_fault = gone_once;
    p->w->store->save_fault_arg = &said;
    world_answer(p->w, f, 200, "", "");
    place_settle(p);
    assert_null(world_fetch(p->w, "hooks.example/end"));
    f = world_fetch(p->w, "new.example/end");
    assert_non_null(f);
    world_answer(p->w, f, 200, "", "");
    place_settle(p);
    p->w->store->save_fault = NULL;
    place_free(p);
}

static rac_err fault(void *arg)
{
    return *(rac_err *)arg;
}

static void what_could_not_be_saved_is_not_done_again(void **state)
{
    (void)state;
    struct place *p = place_new(11);
    rac_err err = RAC_E_IO;
    int64_t hook = workflow(p, RAC_S("t"), HOOK, 1);
    place_settle(p);
    p->w->store->save_fault = fault;
    p->w->store->save_fault_arg = &err;
    subscribe(p);
    place_pass(p, 20000);
    assert_int_equal(p->w->fetched_total, 1);
    assert_non_null(strstr(state_of(p, hook), "\"pending\":true"));
    err = RAC_OK;
    place_pass(p, 6000);
    assert_int_equal(p->w->fetched_total, 1);
    assert_non_null(strstr(state_of(p, hook), "https://hooks.example/1"));
    err = RAC_E_IO;
    saved_again(p, hook);
    place_free(p); /* stops all the same */
}

/* What nobody could remember is not asked for. */
static void nothing_is_subscribed_while_the_store_fails(void **state)
{
    (void)state;
    struct place *p = place_new(16);
    rac_err err = RAC_E_IO;
    int64_t hook = workflow(p, RAC_S("t"), HOOK, 1);
    p->w->store->save_fault = fault;
    p->w->store->save_fault_arg = &err;
    place_pass(p, 20000);
    assert_null(p->w->fetches);
    err = RAC_OK;
    place_pass(p, 6000);
    subscribe(p);
    assert_non_null(strstr(state_of(p, hook), "https://hooks.example/1"));
    place_free(p);
}

static rac_str header_of(const struct world_fetch *f, const char *name)
{
    rac_str v = rac_headers_get(&f->headers, rac_str_of(name));
    assert_true(v.n > 0);
    return v;
}

/* The process dies when the service has subscribed and before that is known: how many of what is
 * then waiting to be committed still are. */
static struct place *died_subscribing(uint64_t seed, const char *node, int64_t *flow,
                                      rac_str *tracking)
{
    struct place *p = place_new(seed);
    *flow = workflow(p, RAC_S("t"), node, 1);
    place_settle(p);
    struct world_fetch *f = world_fetch(p->w, "hooks.example/subscribe");
    assert_non_null(f);
    *tracking = rac_arena_str(&p->w->a, header_of(f, "x-ms-client-tracking-id"));
    f->ev.done(f->ev.arg, &(struct rac_fetch_res){.status = 201});
    p->w->fetches = NULL;
    rac_mem_free(f);
    while (p->w->store->waiting == 0)
        assert_true(world_step(p->w));
    place_crash(p, 0);
    place_settle(p);
    return p;
}

/* Whether there is one is not known: it is ended, and made once more with the same URL. */
static void a_crash_while_subscribing_leaves_no_orphan(void **state)
{
    (void)state;
    int64_t hook;
    rac_str tracking;
    struct place *p = died_subscribing(17, HOOK_TOLD, &hook, &tracking);
    struct world_fetch *f = world_fetch(p->w, "hooks.example/end");
    assert_non_null(f);
    assert_null(world_fetch(p->w, "hooks.example/subscribe"));
    rac_str url = rac_arena_str(&p->w->a, f->body);
    world_answer(p->w, f, 404, "", ""); /* or there was none */
    place_settle(p);
    f = world_fetch(p->w, "hooks.example/subscribe");
    assert_non_null(f);
    assert_true(rac_str_eq(f->body, url));
    assert_true(rac_str_eq(header_of(f, "x-ms-client-tracking-id"), tracking));
    subscribe(p);
    assert_null(p->w->fetches);
    assert_null(strstr(state_of(p, hook), "pending"));
    assert_int_equal(p->w->store->events_total, 0);
    place_free(p);
}

/* Disabled before the next start, it is ended all the same. */
static void a_crash_while_subscribing_is_ended_when_nobody_wants_it_any_more(void **state)
{
    (void)state;
    int64_t hook;
    rac_str tracking;
    struct place *p = died_subscribing(18, HOOK, &hook, &tracking);
    world_answer(p->w, world_fetch(p->w, "hooks.example/end"), 200, "", "");
    place_settle(p);
    struct world_fetch *f = world_fetch(p->w, "hooks.example/subscribe");
    assert_non_null(f);
    f->ev.done(f->ev.arg, &(struct rac_fetch_res){.status = 201});
    p->w->fetches = NULL;
    rac_mem_free(f);
    p->w->flows[hook - 1]->enabled = false;
    place_crash(p, 0);
    place_settle(p);
    world_answer(p->w, world_fetch(p->w, "hooks.example/end"), 200, "", "");
    place_settle(p);
    assert_null(p->w->fetches);
    assert_null(strstr(state_of(p, hook), "subscription"));
    place_free(p);
}

/* What was refused is not there; what was not answered, or badly, may be. */
static void what_may_have_been_subscribed_is_ended_first(void **state)
{
    (void)state;
    struct place *p = place_new(25);
    int64_t hook =
        workflow(p, RAC_S("t"),
                 "{\"type\": \"HttpWebhook\", \"inputs\": {\"subscribe\": {\"method\": \"POST\", "
                 "\"uri\": \"https://hooks.example/subscribe\", \"retryPolicy\": {\"type\": "
                 "\"none\"}}, \"unsubscribe\": {\"method\": \"POST\", \"uri\": "
                 "\"https://hooks.example/end\"}}}",
                 1);
    place_settle(p);
    world_answer(p->w, world_fetch(p->w, "hooks.example/subscribe"), 503, "", "");
    place_settle(p);
    assert_int_equal(p->w->store->events_total, 1);
    assert_non_null(strstr(state_of(p, hook), "\"provisioningState\":\"Failed\""));
    place_pass(p, 3600000);
    assert_null(world_fetch(p->w, "hooks.example/subscribe"));
    world_answer(p->w, world_fetch(p->w, "hooks.example/end"), 204, "", "");
    place_settle(p);
    world_answer(p->w, world_fetch(p->w, "hooks.example/subscribe"), 403, "", "");
    place_settle(p);
    assert_int_equal(p->w->store->events_total, 2);
    assert_null(strstr(state_of(p, hook), "subscription"));
    place_pass(p, 3600000);
    assert_null(world_fetch(p->w, "hooks.example/end"));
    subscribe(p);
    assert_null(strstr(state_of(p, hook), "provisioningState"));
    assert_null(p->w->fetches);
    place_free(p);
}

/* Of a connector only its answer says where to end it: asked again, it is told by the same URL. */
static void a_connector_is_asked_again_as_before(void **state)
{
    (void)state;
    struct place *p = place_new(19);
    int64_t flow = workflow(p, RAC_S("t"), NOTIFICATION, 1);
    place_settle(p);
    struct world_fetch *f = world_fetch(p->w, "news.example/hooks");
    rac_str body = rac_arena_str(&p->w->a, f->body);
    place_crash(p, 0);
    place_settle(p);
    f = world_fetch(p->w, "news.example/hooks");
    assert_non_null(f);
    assert_true(rac_str_eq(f->method, RAC_S("POST")) && rac_str_eq(f->body, body));
    world_answer(p->w, f, 201, "", "");
    place_settle(p);
    assert_non_null(strstr(state_of(p, flow), "subscription"));
    assert_null(strstr(state_of(p, flow), "pending"));
    place_free(p);
}

struct failing {
    rac_err err;
    size_t asked;
};

static rac_err failing(void *arg)
{
    struct failing *f = arg;
    f->asked++;
    return f->err;
}

static void store_fails(struct place *p, struct failing *f)
{
    p->w->store->fault = p->w->store->save_fault = failing;
    p->w->store->fault_arg = p->w->store->save_fault_arg = f;
}

/* Less and less often, and at once when something else shows that it works again. */
static void a_store_that_fails_for_long_is_not_pressed(void **state)
{
    (void)state;
    struct place *p = place_new(13);
    struct failing f = {RAC_E_IO, 0};
    int64_t hook = workflow(p, RAC_S("t"), HOOK, 1);
    place_settle(p);
    store_fails(p, &f);
    subscribe(p);
    place_pass(p, 3600000);
    assert_in_range(f.asked, 15, 25);
    assert_int_equal(p->w->fetched_total, 1);
    f.err = RAC_OK;
    int64_t tick = workflow(p, RAC_S("t"), TICK, 1);
    place_pass(p, 10);
    assert_int_equal(runs_of(p, tick), 1);
    assert_non_null(strstr(state_of(p, hook), "https://hooks.example/1"));
    place_free(p);
}

/* An error of one row alone: attended anew, likewise less and less often. */
static void a_row_that_cannot_be_kept_is_not_asked_for_every_moment(void **state)
{
    (void)state;
    struct place *p = place_new(14);
    struct failing f = {RAC_E_CORRUPT, 0};
    int64_t poll = workflow(p, RAC_S("t"), POLL("q.example"), 1);
    p->w->store->save_fault = failing;
    p->w->store->save_fault_arg = &f;
    for (int64_t at = 0; at < 3600000; at += 1000) {
        place_pass(p, 1000);
        struct world_fetch *x = world_fetch(p->w, "q.example");
        if (x != NULL)
            world_answer(p->w, x, 202, "", "");
    }
    assert_in_range(f.asked, 15, 25);
    f.err = RAC_OK;
    saved_again(p, poll);
    place_pass(p, 300000);
    world_answer(p->w, world_fetch(p->w, "q.example"), 202, "", "");
    place_settle(p);
    assert_int_equal(p->w->store->events_total, 1);
    place_free(p);
}

/* What a poll brought is not asked for again: it may not be there a second time. */
static void what_a_poll_brought_waits_for_the_store(void **state)
{
    (void)state;
    struct place *p = place_new(15);
    struct failing f = {RAC_E_FULL, 0};
    int64_t poll = workflow(p, RAC_S("t"), POLL("q.example"), 1);
    place_settle(p);
    store_fails(p, &f);
    world_answer(p->w, world_fetch(p->w, "q.example"), 200, "", "once");
    place_pass(p, 40000);
    assert_int_equal(runs_of(p, poll), 0);
    f.err = RAC_OK;
    place_pass(p, 19000);
    assert_int_equal(runs_of(p, poll), 1);
    assert_int_equal(p->w->fetched_total, 1);
    place_free(p);
}

/* An engine that is draining, or has too many runs, refuses. */
static void a_busy_engine_is_asked_again(void **state)
{
    (void)state;
    struct place *p = place_limited(12, 1);
    int64_t hook = workflow(p, RAC_S("t"), HOOK, 1);
    subscribe(p);
    struct world_answer blocked;
    struct rac_flow *f = world_flow(p->w, "{\"type\": \"Request\"}",
                                    "{\"C\": {\"type\": \"Compose\", \"inputs\": 1}}");
    p->w->flows[hook - 1]->enabled = false;
    rac_scheduler_tick(p->s);
    memory_store_attend(p->w->store, RAC_S("t"), hook, "t0", p->w->clock.wall_ms);
    world_fire(p->w, f, "{}", false, &blocked); /* is in the queue when it is attended */
    rac_scheduler_tick(p->s);
    place_settle(p);
    assert_null(p->w->fetches);
    assert_non_null(strstr(state_of(p, hook), "subscription"));
    place_pass(p, 2000);
    struct world_fetch *end = world_fetch(p->w, "hooks.example/end");
    assert_non_null(end);
    world_answer(p->w, end, 200, "", "");
    place_settle(p);
    assert_null(strstr(state_of(p, hook), "subscription"));
    assert_int_equal(p->w->store->events_total, 0);
    place_free(p);
}

/* --- notifications ---------------------------------------------------------------------------- */

/* Subscribed, and with nothing to do for an hour. */
static struct place *notified_place(uint64_t seed, int64_t *flow)
{
    struct place *p = place_new(seed);
    *flow = workflow(p, RAC_S("t"), NOTIFICATION, 1);
    place_settle(p);
    struct world_fetch *f = world_fetch(p->w, "news.example/hooks");
    assert_non_null(f);
    world_answer(p->w, f, 201, "", "");
    place_settle(p);
    assert_null(p->w->fetches);
    return p;
}

static void answer_news(struct place *p)
{
    struct world_fetch *f = world_fetch(p->w, "news.example/news");
    assert_non_null(f);
    world_answer(p->w, f, 200, "Content-Type: application/json", "{\"n\": 1}");
}

static void a_notification_while_a_poll_is_under_way_polls_again(void **state)
{
    (void)state;
    int64_t flow;
    struct place *p = notified_place(20, &flow);
    rac_scheduler_notify(p->s, flow, RAC_S("t0"));
    place_settle(p);
    rac_scheduler_notify(p->s, flow, RAC_S("t0")); /* it may have come after what is answered */
    place_settle(p);
    answer_news(p);
    place_settle(p);
    answer_news(p);
    place_settle(p);
    assert_null(p->w->fetches);
    assert_int_equal(runs_of(p, flow), 2);
    place_free(p);
}

static void a_notification_while_the_poll_is_committed_polls_again(void **state)
{
    (void)state;
    int64_t flow;
    struct place *p = notified_place(21, &flow);
    rac_scheduler_notify(p->s, flow, RAC_S("t0"));
    place_settle(p);
    struct world_fetch *f = world_fetch(p->w, "news.example/news");
    f->ev.done(f->ev.arg, &(struct rac_fetch_res){.status = 202});
    p->w->fetches = NULL;
    rac_mem_free(f);
    while (p->w->store->waiting == 0) /* the answer is judged, and being written */
        assert_true(world_step(p->w));
    rac_scheduler_notify(p->s, flow, RAC_S("t0"));
    place_settle(p);
    answer_news(p);
    place_settle(p);
    assert_null(p->w->fetches);
    assert_int_equal(runs_of(p, flow), 1);
    place_free(p);
}

static void a_notification_while_it_subscribes_is_not_forgotten(void **state)
{
    (void)state;
    struct place *p = place_new(22);
    int64_t flow = workflow(p, RAC_S("t"), NOTIFICATION, 1);
    place_settle(p);
    struct world_fetch *f = world_fetch(p->w, "news.example/hooks");
    rac_scheduler_notify(p->s, flow, RAC_S("t0")); /* services check that the address answers */
    world_answer(p->w, f, 201, "", "");
    place_settle(p);
    answer_news(p);
    place_settle(p);
    assert_null(p->w->fetches);
    place_free(p);
}

/* Nobody told where it can be ended: nothing is sent, least of all what subscribes. */
static void without_a_location_nothing_is_sent_to_end_it(void **state)
{
    (void)state;
    int64_t flow;
    struct place *p = notified_place(23, &flow);
    p->w->flows[flow - 1]->enabled = false;
    saved_again(p, flow);
    assert_null(p->w->fetches);
    assert_null(strstr(state_of(p, flow), "subscription"));
    assert_string_equal(p->w->store->event_status, "Failed");
    place_free(p);
}

/* --- polls ------------------------------------------------------------------------------------ */

#define NEXT                                                                                       \
    "{\"type\": \"ApiConnection\", \"inputs\": {\"host\": {\"connection\": {\"name\": \"n\"}}, "   \
    "\"method\": \"get\", \"path\": \"/next\"}, \"recurrence\": {\"frequency\": \"Minute\", "      \
    "\"interval\": 1}}"

static void answer_poll(struct place *p, const char *part, int status, const char *headers)
{
    struct world_fetch *f = world_fetch(p->w, part);
    assert_non_null(f);
    world_answer(p->w, f, status, headers, status == 200 ? "{\"n\": 1}" : "");
    place_pass(p, 1);
}

/* More elements than runs may wait: none is begun twice, none is forgotten, and while others wait
 * none begins at all. */
static void the_elements_of_an_answer_begin_together(void **state)
{
    (void)state;
    struct place *p = place_limited(29, 6);
    int64_t poll = workflow(p, RAC_S("t"),
                            "{\"type\": \"Http\", \"inputs\": {\"method\": \"GET\", \"uri\": "
                            "\"https://many.example/\"}, \"recurrence\": {\"frequency\": "
                            "\"Minute\", \"interval\": 1}, \"splitOn\": \"@triggerBody()\"}",
                            1);
    struct rac_flow *f = world_flow(p->w, "{\"type\": \"Request\"}",
                                    "{\"C\": {\"type\": \"Compose\", \"inputs\": 1}}");
    struct world_answer others[4];
    place_settle(p);
    for (size_t n = 8; n >= 5; n -= 3) { /* more than ever may wait; more than may wait now */
        size_t before = runs_of(p, poll);
        struct world_fetch *x = world_fetch(p->w, "many.example");
        assert_non_null(x);
        for (size_t i = 0; i < RAC_COUNT(others); i++)
            world_fire(p->w, f, "{}", false, &others[i]); /* in the queue as it is answered */
        world_answer(p->w, x, 200, "Content-Type: application/json",
                     n == 8 ? "[1,2,3,4,5,6,7,8]" : "[1,2,3,4,5]");
        place_pass(p, 500);
        assert_int_equal(runs_of(p, poll), before);
        place_pass(p, 2000); /* it is asked again */
        x = world_fetch(p->w, "many.example");
        assert_non_null(x);
        world_answer(p->w, x, 200, "Content-Type: application/json",
                     n == 8 ? "[1,2,3,4,5,6,7,8]" : "[1,2,3,4,5]");
        place_pass(p, 50000);
        assert_null(world_fetch(p->w, "many.example"));
        assert_int_equal(runs_of(p, poll), before + n);
        place_pass(p, 10000);
    }
    place_free(p);
}

/* An array of n numbers. */
static char *numbers(struct rac_arena *a, size_t n)
{
    struct rac_json v = rac_json_new_array(a);
    for (size_t i = 0; i < n; i++)
        rac_json_add(a, &v, rac_json_of_int((int64_t)i));
    return rac_arena_cstr(a, rac_json_print_str(&v, 0, a));
}

static rac_err every_third_busy(void *arg)
{
    unsigned *n = arg;
    return ++*n % 3 == 0 ? RAC_E_BUSY : RAC_OK;
}

/* What very many elements start is given to the store a part at a time; one it cannot take now is not
 * lost, for the others have begun; history of one that starts nothing has that element only. */
static void very_many_elements_do_not_flood_the_store(void **state)
{
    enum { ELEMENTS = 5000 };
    (void)state;
    struct place *p = place_limited(31, 10000);
    unsigned turns = 0;
    int64_t poll = workflow(p, RAC_S("t"),
                            "{\"type\": \"Http\", \"inputs\": {\"method\": \"GET\", \"uri\": "
                            "\"https://many.example/\"}, \"recurrence\": {\"frequency\": "
                            "\"Hour\", \"interval\": 1}, \"splitOn\": \"@triggerBody()\", "
                            "\"conditions\": [{\"expression\": \"@equals(mod(triggerBody(), 5), "
                            "0)\"}]}",
                            1);
    place_settle(p);
    struct world_fetch *x = world_fetch(p->w, "many.example");
    assert_non_null(x);
    p->w->store->fault = every_third_busy;
    p->w->store->fault_arg = &turns;
    world_answer(p->w, x, 200, "Content-Type: application/json", numbers(&p->w->a, ELEMENTS));
    place_pass(p, 100000);
    assert_int_equal(runs_of(p, poll), ELEMENTS / 5);
    assert_int_equal(p->w->store->events_total, ELEMENTS - ELEMENTS / 5);
    assert_in_range(p->w->store->waiting_most, 1, 1100);
    assert_in_range(p->w->store->event_bytes_most, 1, 200);
    assert_null(world_fetch(p->w, "many.example"));
    place_free(p);
}

static rac_err stop_asked_for(void *arg)
{
    struct world *w = arg;
    assert_false(rac_engine_drain(w->engine));
    return RAC_OK;
}

/* The server is to stop after the first of many: the rest begin before it does. */
static void elements_that_have_begun_begin_all_before_a_stop(void **state)
{
    (void)state;
    struct place *p = place_limited(32, 10000);
    int64_t poll = workflow(p, RAC_S("t"),
                            "{\"type\": \"Http\", \"inputs\": {\"method\": \"GET\", \"uri\": "
                            "\"https://many.example/\"}, \"recurrence\": {\"frequency\": "
                            "\"Hour\", \"interval\": 1}, \"splitOn\": \"@triggerBody()\"}",
                            1);
    place_settle(p);
    p->w->store->fault = stop_asked_for;
    p->w->store->fault_arg = p->w;
    world_answer(p->w, world_fetch(p->w, "many.example"), 200, "Content-Type: application/json",
                 numbers(&p->w->a, 3000));
    place_pass(p, 1000);
    assert_int_equal(runs_of(p, poll), 3000);
    assert_true(rac_engine_drain(p->w->engine));
    place_free(p);
}

static void a_connector_of_single_events_is_asked_until_there_are_none(void **state)
{
    (void)state;
    struct place *p = place_new(30);
    int64_t flow = workflow(p, RAC_S("t"), NEXT, 1);
    place_settle(p);
    for (int i = 0; i < 3; i++)
        answer_poll(p, "news.example/next", 200, "Content-Type: application/json");
    answer_poll(p, "news.example/next", 202, "");
    assert_null(p->w->fetches); /* the next one in a minute */
    assert_int_equal(runs_of(p, flow), 3);
    const struct memory_run *r = &p->w->store->runs[0];
    for (size_t i = 0; i < r->pieces_n; i++)
        assert_null(memmem(r->pieces[i].p, r->pieces[i].n, "x-ms-trigger-single", 19));
    place_pass(p, 60000);
    answer_poll(p, "news.example/next", 200, "Content-Type: application/json\nRetry-After: 30");
    assert_null(p->w->fetches); /* it says itself when */
    place_pass(p, 30000);
    assert_non_null(p->w->fetches);
    place_free(p);
}

static rac_err limit(void *arg)
{
    (void)arg;
    return RAC_E_LIMIT;
}

/* Neither asked again at once nor for ever: told, and then at its times. */
static void what_is_too_large_to_begin_a_run_is_told(void **state)
{
    (void)state;
    struct place *p = place_new(34);
    int64_t flow = workflow(p, RAC_S("t"), POLL("large.example"), 1);
    p->w->store->fault = limit;
    place_settle(p);
    answer_poll(p, "large.example", 200, "Content-Type: application/json");
    assert_int_equal(runs_of(p, flow), 0);
    assert_int_equal(p->w->store->events_total, 1);
    assert_string_equal(p->w->store->event_status, "Failed");
    place_pass(p, 59000);
    assert_null(p->w->fetches);
    place_pass(p, 1000);
    answer_poll(p, "large.example", 200, "Content-Type: application/json\nRetry-After: 90");
    assert_int_equal(p->w->store->events_total, 2);
    place_pass(p, 89000);
    assert_null(p->w->fetches);
    p->w->store->fault = NULL;
    place_pass(p, 1000);
    answer_poll(p, "large.example", 200, "Content-Type: application/json");
    assert_int_equal(runs_of(p, flow), 1);
    place_free(p);
}

static void a_connector_that_never_ends_is_not_asked_for_ever(void **state)
{
    (void)state;
    struct place *p = place_new(31);
    int64_t flow = workflow(p, RAC_S("t"), NEXT, 1);
    place_settle(p);
    for (int i = 0; i < 1000; i++)
        answer_poll(p, "news.example/next", 200, "Content-Type: application/json");
    assert_null(p->w->fetches);
    assert_int_equal(runs_of(p, flow), 1000);
    place_free(p);
}

static void a_wait_beyond_all_times_is_long(void **state)
{
    (void)state;
    struct place *p = place_new(33);
    int64_t flow = workflow(p, RAC_S("t"), NEXT, 1);
    place_settle(p);
    answer_poll(p, "news.example/next", 200,
                "Content-Type: application/json\nRetry-After: 9223372036854775807");
    place_pass(p, 120000);
    assert_null(p->w->fetches);
    struct memory_trigger *t = memory_store_trigger(p->w->store, flow, RAC_S("t0"));
    assert_true(t->due_ms > p->w->clock.wall_ms);
    place_free(p);
}

static void run_by_hand_it_polls(void **state)
{
    (void)state;
    struct place *p = place_new(32);
    int64_t flow = workflow(p, RAC_S("t"), POLL("slow.example"), 1);
    place_settle(p);
    answer_poll(p, "slow.example", 202, "");
    place_pass(p, 10000);
    assert_null(p->w->fetches);
    rac_scheduler_notify(p->s, flow, RAC_S("t0"));
    place_settle(p);
    answer_poll(p, "slow.example", 200, "Content-Type: application/json");
    assert_int_equal(runs_of(p, flow), 1);
    place_pass(p, 49000);
    assert_null(p->w->fetches);
    place_pass(p, 1100); /* and otherwise at its times, as before */
    assert_non_null(p->w->fetches);
    place_free(p);
}

/* --- firing ----------------------------------------------------------------------------------- */

static void fired_by_hand(void *arg, size_t started, const struct rac_fire_answer *answer)
{
    *(int *)arg = answer->outcome == RAC_FIRE_FAILED ? answer->status : 0;
    assert_int_equal(started, 0);
}

/* Whoever answers for it needs a status: the workflow may be deleted while its trigger is judged. */
static void what_cannot_be_told_has_a_status(void **state)
{
    (void)state;
    static const struct {
        rac_err err;
        int status;
    } cases[] = {{RAC_E_NOT_FOUND, 404}, {RAC_E_FULL, 507}, {RAC_E_IO, 503}, {RAC_OK, 0}};
    struct place *p = place_new(36);
    int64_t flow = workflow(p, RAC_S("t"),
                            "{\"type\": \"Http\", \"inputs\": {\"method\": \"GET\", \"uri\": "
                            "\"https://c.example/\"}, \"recurrence\": {\"frequency\": \"Hour\", "
                            "\"interval\": 1}, \"conditions\": [{\"expression\": \"@false\"}]}",
                            1);
    rac_err err = RAC_OK;
    p->w->store->save_fault = fault;
    p->w->store->save_fault_arg = &err;
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_json outputs = rac_json_new_object(&p->w->a);
        struct rac_firing f = {.engine = p->w->engine,
                               .store = &p->w->store->port,
                               .env = &p->w->env,
                               .flow = p->flows[flow - 1].flow,
                               .trigger = p->flows[flow - 1].triggers,
                               .outputs = &outputs};
        int status = -1;
        err = cases[i].err;
        rac_trigger_fire(&f, fired_by_hand, &status);
        world_settle(p->w);
        assert_int_equal(status, cases[i].status);
    }
    place_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_servers_of_one_tenant_hold_up_nobody_else),
        cmocka_unit_test(slow_servers_of_a_tenant_do_not_hold_up_its_timers),
        cmocka_unit_test(whoever_waits_has_a_turn),
        cmocka_unit_test(a_new_access_key_subscribes_anew),
        cmocka_unit_test(a_webhook_signs_with_the_key_it_names),
        cmocka_unit_test(a_subscription_is_ended_with_the_url_it_was_made_with),
        cmocka_unit_test(each_subscription_is_ended_as_its_version_says),
        cmocka_unit_test(what_could_not_be_saved_is_not_done_again),
        cmocka_unit_test(nothing_is_subscribed_while_the_store_fails),
        cmocka_unit_test(a_crash_while_subscribing_leaves_no_orphan),
        cmocka_unit_test(a_crash_while_subscribing_is_ended_when_nobody_wants_it_any_more),
        cmocka_unit_test(what_may_have_been_subscribed_is_ended_first),
        cmocka_unit_test(a_connector_is_asked_again_as_before),
        cmocka_unit_test(a_store_that_fails_for_long_is_not_pressed),
        cmocka_unit_test(a_row_that_cannot_be_kept_is_not_asked_for_every_moment),
        cmocka_unit_test(what_a_poll_brought_waits_for_the_store),
        cmocka_unit_test(a_busy_engine_is_asked_again),
        cmocka_unit_test(a_notification_while_a_poll_is_under_way_polls_again),
        cmocka_unit_test(a_notification_while_the_poll_is_committed_polls_again),
        cmocka_unit_test(a_notification_while_it_subscribes_is_not_forgotten),
        cmocka_unit_test(without_a_location_nothing_is_sent_to_end_it),
        cmocka_unit_test(the_elements_of_an_answer_begin_together),
        cmocka_unit_test(very_many_elements_do_not_flood_the_store),
        cmocka_unit_test(elements_that_have_begun_begin_all_before_a_stop),
        cmocka_unit_test(a_connector_of_single_events_is_asked_until_there_are_none),
        cmocka_unit_test(a_wait_beyond_all_times_is_long),
        cmocka_unit_test(a_connector_that_never_ends_is_not_asked_for_ever),
        cmocka_unit_test(what_is_too_large_to_begin_a_run_is_told),
        cmocka_unit_test(what_cannot_be_told_has_a_status),
        cmocka_unit_test(run_by_hand_it_polls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
