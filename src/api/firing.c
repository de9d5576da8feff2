#include "api/firing.h"

#include "api/runner.h"
#include "api/service.h"
#include "base/mem.h"
#include "workflow/scheduler/scheduler.h"

enum { FIRING_BYTES_MAX = 512 << 20 };

/* On its way to the worker that counts, and back. */
struct trip {
    struct rac_arena a;
    struct rac_service *service;
    unsigned from;
    struct rac_flow *flow; /* a reference */
    const struct rac_flow_trigger *rule;
    struct rac_json outputs;
    bool has_outputs, waits;
    rac_str tracking, correlation;
    unsigned depth;
    struct rac_fire fire; /* of what was judged before: rule is NULL */
    struct rac_fire_answer answer;
    rac_fire_fn done;
    void *arg;
    struct rac_task soon;
};

static void trip_end(void *arg)
{
    struct trip *t = arg;
    t->done(t->arg, &t->answer);
    rac_flow_unref(t->flow);
    rac_arena_fini(&t->a);
    rac_mem_free(t);
}

static rac_str kept(struct rac_arena *a, rac_str s)
{
    return s.p != NULL ? rac_arena_str(a, s) : s;
}

static void answered(void *arg, const struct rac_fire_answer *answer)
{
    struct trip *t = arg;
    t->answer = *answer;
    t->answer.flow = t->flow;
    t->answer.run = kept(&t->a, answer->run);
    t->answer.correlation = kept(&t->a, answer->correlation);
    t->answer.tracking = kept(&t->a, answer->tracking);
    t->answer.code = kept(&t->a, answer->code);
    t->answer.message = kept(&t->a, answer->message);
    if (answer->response.type != RAC_JSON_NONE)
        t->answer.response = rac_json_copy(&t->a, &answer->response);
    if (!rac_api_post(t->service, t->from, trip_end, t)) { /* that worker ended, its clients too */
        rac_flow_unref(t->flow);
        rac_arena_fini(&t->a);
        rac_mem_free(t);
    }
}

static void answered_away(void *arg, size_t started, const struct rac_fire_answer *answer)
{
    (void)started;
    answered(arg, answer);
}

/* f, with what is this worker's. */
static void fire_on(struct rac_api_worker *w, struct rac_firing f, rac_firing_fn done, void *arg)
{
    f.engine = rac_runner_engine(w->runner);
    f.store = f.flow->stateless ? NULL : w->fs;
    f.env = w->env;
    rac_trigger_fire(&f, done, arg);
}

static void arrived(void *arg)
{
    struct trip *t = arg;
    struct rac_api_worker *w = t->service->workers[RAC_ENGINE_COUNTING_WORKER];
    if (t->rule == NULL)
        rac_engine_fire(rac_runner_engine(w->runner), &t->fire, answered, t);
    else
        fire_on(w,
                (struct rac_firing){.flow = t->flow,
                                    .trigger = t->rule,
                                    .outputs = t->has_outputs ? &t->outputs : NULL,
                                    .tracking = t->tracking,
                                    .correlation = t->correlation,
                                    .depth = t->depth,
                                    .waits = t->waits},
                answered_away, t);
}

static struct trip *trip_new(struct rac_api_worker *w, struct rac_flow *flow,
                             const struct rac_json *outputs, rac_str tracking, rac_fire_fn done,
                             void *arg)
{
    struct trip *t = rac_mem_alloc(sizeof *t);
    *t = (struct trip){.service = w->service,
                       .from = w->index,
                       .flow = rac_flow_ref(flow),
                       .done = done,
                       .arg = arg,
                       .soon = {.fn = trip_end, .arg = t}};
    rac_arena_init(&t->a, FIRING_BYTES_MAX);
    t->tracking = kept(&t->a, tracking);
    t->has_outputs = outputs != NULL;
    if (outputs != NULL)
        t->outputs = rac_json_copy(&t->a, outputs);
    return t;
}

static void trip_begin(struct rac_api_worker *w, struct trip *t)
{
    if (rac_api_post(w->service, RAC_ENGINE_COUNTING_WORKER, arrived, t))
        return;
    t->answer = (struct rac_fire_answer){.outcome = RAC_FIRE_BUSY,
                                         .flow = t->flow,
                                         .status = 503,
                                         .retry_after_ms = 1000,
                                         .message = RAC_S("the server is busy")};
    rac_loop_soon(w->loop, &t->soon);
}

void rac_fire_counted(struct rac_api_worker *w, const struct rac_fire *fire, rac_fire_fn done,
                      void *arg)
{
    struct trip *t = trip_new(w, fire->flow, fire->outputs, fire->tracking, done, arg);
    RAC_ASSERT(fire->inputs == NULL && fire->trigger_row == NULL && fire->copy_run.p == NULL);
    t->fire = *fire;
    t->fire.outputs = t->has_outputs ? &t->outputs : NULL;
    t->fire.tracking = t->tracking;
    t->fire.trigger = kept(&t->a, fire->trigger);
    t->fire.correlation = kept(&t->a, fire->correlation);
    t->fire.origin = kept(&t->a, fire->origin);
    trip_begin(w, t);
}

void rac_firing_counted(struct rac_api_worker *w, const struct rac_firing *f, rac_fire_fn done,
                        void *arg)
{
    struct trip *t = trip_new(w, f->flow, f->outputs, f->tracking, done, arg);
    RAC_ASSERT(f->inputs == NULL && f->row == NULL && f->release == NULL);
    t->rule = f->trigger;
    t->correlation = kept(&t->a, f->correlation);
    t->depth = f->depth;
    t->waits = f->waits;
    trip_begin(w, t);
}

struct here {
    rac_fire_fn done;
    void *arg;
};

static void answered_here(void *arg, size_t started, const struct rac_fire_answer *answer)
{
    struct here h = *(struct here *)arg;
    (void)started;
    rac_mem_free(arg);
    h.done(h.arg, answer);
}

void rac_fire_trigger(struct rac_api_worker *w, struct rac_live_flow *live,
                      const struct rac_live_trigger *trigger, const struct rac_json *outputs,
                      rac_str tracking, bool waits, rac_fire_fn done, void *arg)
{
    if (trigger->rule->runs == 0 || w->index == RAC_ENGINE_COUNTING_WORKER) {
        struct here *h = rac_mem_alloc(sizeof *h);
        *h = (struct here){done, arg};
        fire_on(w,
                (struct rac_firing){.flow = live->flow,
                                    .trigger = trigger->rule,
                                    .outputs = outputs,
                                    .tracking = tracking,
                                    .waits = waits},
                answered_here, h);
        return;
    }
    struct trip *t = trip_new(w, live->flow, outputs, tracking, done, arg);
    t->rule = trigger->rule;
    t->waits = waits;
    trip_begin(w, t);
}
