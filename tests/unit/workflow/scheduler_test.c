/* The scheduler under a fake clock: whose turn it is, what is remembered, what is tried again. */
#include "engine_world.h"
#include "unit.h"
#include "base/mem.h"
#include "workflow/scheduler.h"

#include <stdio.h>

enum { TRIGGERS_MAX = 400, FLOWS_MAX = 16 };

struct place {
    struct world *w;
    struct rac_scheduler *s;
    rac_ms alarm_ms; /* INT64_MAX: none */
    struct rac_scheduled_flow flows[FLOWS_MAX];
    struct rac_flow_trigger rules[FLOWS_MAX][TRIGGERS_MAX];
};

static void flow_load(void *self, int64_t key,
                      void (*done)(void *arg, rac_err err, const struct rac_scheduled_flow *f),
                      void *arg)
{
    struct place *p = self;
    if (key < 1 || key > (int64_t)p->w->flows_n)
        done(arg, RAC_E_NOT_FOUND, NULL);
    else
        done(arg, RAC_OK, &p->flows[key - 1]);
}

static void ask_alarm(void *self, int64_t after_ms)
{
    struct place *p = self;
    if (p->w->clock.wall_ms + after_ms < p->alarm_ms)
        p->alarm_ms = p->w->clock.wall_ms + after_ms;
}

static struct place *place_new(uint64_t seed)
{
    struct place *p = rac_mem_alloc(sizeof *p);
    p->w = world_new(seed, true);
    p->alarm_ms = INT64_MAX;
    struct rac_scheduler_ports ports = {.env = &p->w->env,
                                        .store = &p->w->store->port,
                                        .engine = p->w->engine,
                                        .flow_load = flow_load,
                                        .alarm = ask_alarm,
                                        .public_url = RAC_S("https://r.example"),
                                        .self = p};
    p->s = rac_scheduler_new(&ports);
    return p;
}

static void settle(struct place *p)
{
    for (;;) {
        world_settle(p->w);
        if (p->alarm_ms > p->w->clock.wall_ms)
            return;
        p->alarm_ms = INT64_MAX;
        rac_scheduler_tick(p->s);
    }
}

static void pass(struct place *p, int64_t ms)
{
    rac_ms end = p->w->clock.wall_ms + ms;
    settle(p);
    while (p->alarm_ms <= end) {
        world_pass(p->w, p->alarm_ms - p->w->clock.wall_ms);
        settle(p);
    }
    world_pass(p->w, end - p->w->clock.wall_ms);
    settle(p);
}

static void place_free(struct place *p)
{
    while (!rac_scheduler_drain(p->s)) {
        settle(p);
        if (p->w->fetches != NULL)
            world_answer(p->w, p->w->fetches, 202, "", "");
        else
            world_pass(p->w, 1000);
    }
    rac_scheduler_free(p->s);
    world_free(p->w);
    rac_mem_free(p);
}

/* A workflow of a tenant with n triggers t0, t1, ... of one node, due now. */
static int64_t workflow(struct place *p, rac_str tenant, const char *node, size_t n)
{
    struct rac_flow *f = world_flow(
        p->w, node, "{\"C\": {\"type\": \"Compose\", \"inputs\": \"@triggerOutputs()\"}}");
    struct rac_scheduled_flow *x = &p->flows[f->key - 1];
    f->tenant = tenant;
    *x = (struct rac_scheduled_flow){.flow = f, .triggers = p->rules[f->key - 1], .triggers_n = n};
    for (size_t i = 0; i < n; i++) {
        rac_str name = rac_arena_printf(&f->a, "t%zu", i);
        rac_trigger_compile(f->plan, name, f->plan->trigger, &f->a, &p->rules[f->key - 1][i]);
        memory_store_attend(p->w->store, tenant, f->key, rac_arena_cstr(&f->a, name),
                            p->w->clock.wall_ms);
    }
    ask_alarm(p, 0);
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
    settle(p);
    assert_true(asked(p, "slow.example") > 0);
    int64_t tick = workflow(p, RAC_S("modest"), TICK, 1),
            poll = workflow(p, RAC_S("modest"), POLL("quick.example"), 1);
    pass(p, 100);
    assert_int_equal(runs_of(p, tick), 1);
    assert_int_equal(asked(p, "quick.example"), 1);
    world_answer(p->w, world_fetch(p->w, "quick.example"), 200, "", "x");
    settle(p);
    assert_int_equal(runs_of(p, poll), 1);
    pass(p, 60100); /* a look is bounded: it takes a few to come to the end of what is due */
    assert_int_equal(runs_of(p, tick), 2);
    place_free(p);
}

static void slow_servers_of_a_tenant_do_not_hold_up_its_timers(void **state)
{
    (void)state;
    struct place *p = place_new(2);
    workflow(p, RAC_S("t"), POLL("slow.example"), 400);
    int64_t tick = workflow(p, RAC_S("t"), TICK, 1);
    pass(p, 100);
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
    settle(p);
    for (size_t answered = 0; answered < 600; answered++) {
        most_a = asked(p, "a.example") > most_a ? asked(p, "a.example") : most_a;
        most_b = asked(p, "b.example") > most_b ? asked(p, "b.example") : most_b;
        struct world_fetch *f = world_fetch(p->w, answered % 2 ? "a.example" : "b.example");
        f = f != NULL ? f : p->w->fetches;
        assert_non_null(f);
        world_answer(p->w, f, 202, "", "");
        settle(p);
    }
    assert_int_equal(p->w->store->events_total, 600);
    assert_true(most_a < 200 && most_b < 200);
    assert_int_equal(runs_of(p, a) + runs_of(p, b), 0);
    place_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_servers_of_one_tenant_hold_up_nobody_else),
        cmocka_unit_test(slow_servers_of_a_tenant_do_not_hold_up_its_timers),
        cmocka_unit_test(whoever_waits_has_a_turn),
    };
    (void)state_of;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
