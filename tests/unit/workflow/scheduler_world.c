#include "scheduler_world.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

static void flow_load(void *self, int64_t key, rac_str revision,
                      void (*done)(void *arg, rac_err err, const struct rac_scheduled_flow *f),
                      void *arg)
{
    struct place *p = self;
    if (key < 1 || key > (int64_t)p->w->flows_n)
        done(arg, RAC_E_NOT_FOUND, NULL);
    else if (revision.p != NULL && p->older[key - 1].flow != NULL &&
             rac_str_eq(revision, p->older[key - 1].flow->revision))
        done(arg, RAC_OK, &p->older[key - 1]);
    else
        done(arg, RAC_OK, &p->flows[key - 1]);
}

static void alarm_asked(void *self, int64_t after_ms)
{
    place_alarm(self, after_ms);
}

static void messages_kept(void *arg)
{
    place_alarm(arg, 0);
}

static void account_batches(void *self, const struct rac_flow *f,
                            void (*done)(void *arg, rac_err err, rac_str why,
                                         const struct rac_json *artifacts),
                            void *arg)
{
    struct place *p = self;
    struct rac_json v;
    (void)f;
    if (p->account == NULL) {
        done(arg, RAC_E_NOT_FOUND, RAC_S("there is no account."), NULL);
        return;
    }
    if (rac_json_parse(rac_str_of(p->account), &p->w->a, 0, &v, NULL) != RAC_OK)
        abort();
    done(arg, RAC_OK, RAC_STR_NULL, &v);
}

static void start(struct place *p)
{
    struct rac_scheduler_ports ports = {.env = &p->w->env,
                                        .store = &p->w->store->port,
                                        .engine = p->w->engine,
                                        .flow_load = flow_load,
                                        .alarm = alarm_asked,
                                        .public_url = RAC_S("https://r.example"),
                                        .batches = account_batches,
                                        .self = p};
    p->s = rac_scheduler_new(&ports);
    p->w->messages_kept = messages_kept;
    p->w->messages_kept_arg = p;
    p->alarm_ms = p->w->clock.wall_ms;
}

struct place *place_in(struct world *w)
{
    struct place *p = rac_mem_alloc(sizeof *p);
    *p = (struct place){.w = w};
    start(p);
    return p;
}

void place_alarm(struct place *p, int64_t after_ms)
{
    if (p->w->clock.wall_ms + after_ms < p->alarm_ms)
        p->alarm_ms = p->w->clock.wall_ms + after_ms;
}

void place_trigger(struct place *p, struct rac_flow *f, const char *name, const char *node)
{
    struct rac_flow_trigger *t = RAC_NEW(&f->a, struct rac_flow_trigger);
    struct rac_json *v = RAC_NEW(&f->a, struct rac_json);
    rac_str text = rac_arena_str(&f->a, rac_str_of(node));
    if (rac_json_parse(text, &f->a, 0, v, NULL) != RAC_OK)
        abort();
    rac_trigger_compile(f->plan, rac_arena_str(&f->a, rac_str_of(name)), v, &f->a, t);
    f->triggers = t;
    f->triggers_n = 1;
    p->flows[f->key - 1] = (struct rac_scheduled_flow){.flow = f, .triggers = t, .triggers_n = 1};
    if (t->class != RAC_TRIGGER_REQUEST)
        memory_store_attend(p->w->store, f->tenant, f->key, name, p->w->clock.wall_ms);
    place_alarm(p, 0);
}

bool place_tick(struct place *p)
{
    if (p->alarm_ms > p->w->clock.wall_ms)
        return false;
    p->alarm_ms = INT64_MAX;
    rac_scheduler_tick(p->s);
    return true;
}

void place_settle(struct place *p)
{
    do
        world_settle(p->w);
    while (place_tick(p));
}

void place_pass(struct place *p, int64_t ms)
{
    rac_ms end = p->w->clock.wall_ms + ms;
    place_settle(p);
    while (p->alarm_ms <= end) {
        world_pass(p->w, p->alarm_ms - p->w->clock.wall_ms);
        place_settle(p);
    }
    world_pass(p->w, end - p->w->clock.wall_ms);
    place_settle(p);
}

static rac_err gone(void *arg)
{
    (void)arg;
    return RAC_E_CANCELLED;
}

/* Nothing is written from here on; whoever waits for the store or the network hears of it and ends. */
static void stop(struct place *p)
{
    struct memory_store *s = p->w->store;
    rac_err (*const fault)(void *) = s->fault, (*const save_fault)(void *) = s->save_fault;
    p->w->messages_kept = NULL;
    s->fault = s->save_fault = gone;
    while (!rac_scheduler_drain(p->s)) {
        if (world_step(p->w))
            continue;
        if (p->w->fetches != NULL)
            world_fail(p->w, p->w->fetches, RAC_E_CANCELLED);
        else
            world_pass(p->w, 1000);
    }
    rac_scheduler_free(p->s);
    s->fault = fault;
    s->save_fault = save_fault;
}

void place_crash(struct place *p, size_t written)
{
    rac_ms wall_ms = p->w->clock.wall_ms;
    memory_store_crash(p->w->store, written);
    stop(p);
    p->w->clock.wall_ms = wall_ms;
    world_crash(p->w, 0);
    start(p);
    world_wake_due(p->w);
}

void place_free(struct place *p)
{
    stop(p);
    world_free(p->w);
    rac_mem_free(p);
}
