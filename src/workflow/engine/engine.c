#include "workflow/engine/engine.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/str.h"
#include "text/url.h"
#include "workflow/engine/engine_priv.h"

uint64_t engine_random(struct rac_engine *e)
{
    uint64_t a = e->random[0], b = e->random[1];
    e->random[0] = b;
    a ^= a << 23;
    e->random[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
    return e->random[1] + b;
}

rac_err rac_engine_new(const struct rac_engine_ports *ports, const struct rac_engine_limits *limits,
                       struct rac_engine **out)
{
    struct rac_engine *e = rac_mem_alloc(sizeof *e);
    *e = (struct rac_engine){.magic = ENGINE_MAGIC, .ports = *ports, .alarm_ns = INT64_MAX};
    if (limits != NULL)
        e->limits = *limits;
    struct rac_engine_limits *m = &e->limits;
    m->runs_live_max = m->runs_live_max ? m->runs_live_max : 100000;
    m->runs_queued_max = m->runs_queued_max ? m->runs_queued_max : 20000;
    m->run_bytes_max = m->run_bytes_max ? m->run_bytes_max : (size_t)512 << 20;
    m->transform_bytes_max = m->transform_bytes_max ? m->transform_bytes_max : (size_t)512 << 20;
    m->turn_actions_max = m->turn_actions_max ? m->turn_actions_max : 1000;
    m->unload_after_ms = m->unload_after_ms ? m->unload_after_ms : 2000;
    e->ring_end = &e->ring;
    e->replies_end = &e->replies;
    e->namer.env = ports->env;
    if (e->ports.workers == 0)
        e->ports.workers = 1;
    rac_env_random(ports->env, e->random, sizeof e->random);
    if (ports->auth != NULL)
        e->tokens = rac_token_cache_new(ports->auth, ports->env);
    rac_journal_writer_init(&e->writer, (size_t)256 << 20);
    *out = e;
    return RAC_OK;
}

/* A commit or a load that is under way answers later: the run waits for it without an engine. */
static void orphan(struct live *l)
{
    struct event *ev;
    while ((ev = l->events) != NULL || (ev = l->answers) != NULL) {
        if (ev == l->events)
            l->events = ev->next;
        else
            l->answers = ev->next;
        event_answer(ev, RAC_E_CANCELLED, RAC_S("the server stops"));
    }
    live_release(l);
}

void parting_add(struct rac_engine *e, struct parting *p)
{
    p->next = e->partings;
    p->link = &e->partings;
    if (p->next != NULL)
        p->next->link = &p->next;
    e->partings = p;
}

void parting_done(struct parting *p)
{
    *p->link = p->next;
    if (p->next != NULL)
        p->next->link = p->link;
}

static void replies_drop(struct rac_engine *e);

void rac_engine_free(struct rac_engine *e)
{
    if (e == NULL)
        return;
    for (size_t i = 0; i < e->lives_slots; i++)
        while (e->lives[i] != NULL) {
            struct live *l = e->lives[i];
            if (l->retrying)
                l->committing = false;
            bool held = l->committing || l->loading;
            timer_stop(e, &l->retry_timer);
            l->ready = false;
            orphan(l);
            if (held)
                l->e = NULL;
        }
    while (e->partings != NULL)
        e->partings->drop(e->partings);
    while (e->companies != NULL)
        rac_engine_part(e->companies);
    replies_drop(e);
    while (e->spare != NULL) {
        struct live *l = e->spare;
        e->spare = l->hash_next;
        rac_arena_fini(&l->a);
        rac_buf_fini(&l->kept);
        rac_mem_free(l);
    }
    for (size_t i = 0; i < e->lanes_slots; i++)
        for (struct lane *x = e->lanes[i], *next; x != NULL; x = next) {
            next = x->hash_next;
            lane_free(x);
        }
    rac_mem_free(e->lives);
    rac_mem_free(e->callers);
    rac_mem_free(e->lanes);
    rac_mem_free(e->heap);
    if (e->tokens != NULL)
        rac_token_cache_free(e->tokens);
    rac_journal_writer_fini(&e->writer);
    e->magic = 0;
    rac_mem_free(e);
}

void rac_engine_tick(struct rac_engine *e)
{
    timers_ring(e);
}

bool rac_engine_drain(struct rac_engine *e)
{
    e->draining = true;
    if (e->companies != NULL)
        return false;
    for (size_t i = 0; i < e->lives_slots; i++)
        for (const struct live *l = e->lives[i]; l != NULL; l = l->hash_next) {
            if (l->committing || l->ready || l->loading || l->done != NULL)
                return false;
            for (const struct outside *o = l->outsides; o != NULL; o = o->next)
                if (o->in_flight)
                    return false;
        }
    return true;
}

/* --- starting a run --------------------------------------------------------------------------- */

void rac_engine_join(struct rac_engine *e, struct rac_engine_company *c)
{
    *c = (struct rac_engine_company){.engine = e, .next = e->companies, .at = &e->companies};
    if (c->next != NULL)
        c->next->at = &c->next;
    e->companies = c;
}

void rac_engine_part(struct rac_engine_company *c)
{
    if (c->engine == NULL)
        return;
    *c->at = c->next;
    if (c->next != NULL)
        c->next->at = c->at;
    c->engine = NULL;
}

/* Answers that need no run: given from the loop, never inside the call that asked. */
struct reply {
    struct reply *next;
    rac_fire_fn fired;
    rac_event_fn done;
    void *arg;
    struct rac_fire_answer answer;
    rac_err err;
    rac_str why; /* static */
};

static void reply_free(struct reply *x)
{
    rac_flow_unref((struct rac_flow *)(uintptr_t)x->answer.flow);
    rac_mem_free(x);
}

static void replies_give(void *engine)
{
    struct rac_engine *e = RAC_CAST(engine, struct rac_engine, ENGINE_MAGIC);
    struct reply *x;
    while ((x = e->replies) != NULL) {
        e->replies = x->next;
        if (e->replies == NULL)
            e->replies_end = &e->replies;
        if (x->fired != NULL)
            x->fired(x->arg, &x->answer);
        if (x->done != NULL)
            x->done(x->arg, x->err, x->why);
        reply_free(x);
    }
}

static void replies_drop(struct rac_engine *e)
{
    while (e->replies != NULL) {
        struct reply *x = e->replies;
        e->replies = x->next;
        reply_free(x);
    }
}

static void reply_add(struct rac_engine *e, const struct reply *reply)
{
    struct reply *x = rac_mem_alloc(sizeof *x);
    *x = *reply;
    if (e->replies == NULL)
        e->ports.defer(e->ports.self, replies_give, e);
    *e->replies_end = x;
    e->replies_end = &x->next;
}

/* Codes and messages are static. */
static void refuse(struct rac_engine *e, struct rac_flow *f, int status, rac_str code,
                   rac_str message, rac_fire_fn done, void *arg)
{
    rac_metric_add(RAC_METRIC_RUNS_REFUSED, 1);
    reply_add(e, &(struct reply){.fired = done,
                                 .arg = arg,
                                 .answer = {.outcome = RAC_FIRE_BUSY,
                                            .flow = rac_flow_ref(f),
                                            .status = status,
                                            .code = code,
                                            .message = message,
                                            .retry_after_ms = 1000}});
}

static size_t min_of(size_t x, size_t y)
{
    return x < y ? x : y;
}

static bool refused(struct rac_engine *e, const struct rac_fire *fire, const struct lane *lane,
                    rac_str trigger, rac_fire_fn done, void *arg)
{
    if (!fire->in_company && (e->draining || crowd_room(e, crowd_of(e, fire->flow->tenant)) == 0)) {
        refuse(e, fire->flow, 503, RAC_S("ServiceUnavailable"),
               e->draining ? RAC_S("The server is stopping; try again in a moment.")
                           : RAC_S("Too many runs are waiting; try again in a moment."),
               done, arg);
        return true;
    }
    if (fire->bypass_limits || lane_room(lane, trigger) > 0)
        return false;
    refuse(e, fire->flow, 429, RAC_S("WorkflowRunsLimitExceeded"),
           RAC_S("The workflow has as many running and waiting runs as its trigger's concurrency "
                 "control allows."),
           done, arg);
    return true;
}

size_t rac_engine_room(struct rac_engine *e, struct rac_flow *f, rac_str trigger, size_t *most)
{
    const struct rac_engine_limits *m = &e->limits;
    unsigned waiting = 0,
             runs = trigger.p == NULL
                        ? 0
                        : flow_trigger_limit(f, flow_trigger_name(f, trigger), &waiting);
    size_t all = min_of(m->runs_live_max, m->runs_queued_max),
           room = crowd_room(e, crowd_of(e, f->tenant));
    if (runs > 0) {
        struct lane *lane = lane_of(e, f->key);
        lane_limits(lane, e, f);
        all = min_of(all, (size_t)runs + waiting);
        room = min_of(room, lane_room(lane, flow_trigger_name(f, trigger)));
    }
    if (most != NULL)
        *most = all;
    return e->draining ? 0 : room;
}

static void response_late(void *arg)
{
    struct live *l = RAC_CAST(arg, struct live, LIVE_MAGIC);
    rac_fire_fn done = live_caller_take(l);
    struct rac_fire_answer out = {.outcome = RAC_FIRE_TIMED_OUT,
                                  .run = rac_str_of(l->name),
                                  .flow = l->flow,
                                  .tracking = l->facts.tracking,
                                  .correlation = l->correlation};
    live_event(l, event_new(EVENT_CALLER_GONE, NULL, NULL));
    if (done != NULL)
        done(l->done_arg, &out);
}

static void facts_of(struct live *l, const struct rac_fire *fire, rac_ms now)
{
    struct rac_arena *a = &l->a;
    struct rac_json *copy;
    uint64_t seed[2] = {engine_random(l->e), engine_random(l->e)};
    l->facts = (struct rac_run_facts){.name = rac_arena_str(a, rac_str_of(l->name)),
                                      .start_ms = now,
                                      .scheduled_ms = fire->scheduled_ms,
                                      .caller_waits = fire->waits,
                                      .depth = fire->depth};
    memcpy(l->facts.seed, seed, sizeof seed);
    if (fire->trigger.p != NULL)
        l->facts.trigger = l->trigger;
    if (fire->tracking.p != NULL)
        l->facts.tracking = rac_arena_str(a, fire->tracking);
    if (fire->correlation.p != NULL)
        l->facts.correlation = rac_arena_str(a, fire->correlation);
    if (fire->origin.p != NULL)
        l->facts.origin = rac_arena_str(a, fire->origin);
    if (fire->inputs != NULL) {
        copy = RAC_NEW(a, struct rac_json);
        *copy = rac_json_copy(a, fire->inputs);
        l->facts.trigger_inputs = copy;
    }
    if (fire->outputs != NULL) {
        copy = RAC_NEW(a, struct rac_json);
        *copy = rac_json_copy(a, fire->outputs);
        l->facts.trigger_outputs = copy;
    }
    l->correlation = l->facts.correlation;
    if (fire->copy_run.p != NULL) {
        l->copy_run = rac_arena_str(a, fire->copy_run);
        l->copy_action = rac_arena_str(a, fire->copy_action);
    }
}

static const struct rac_flow_trigger_row *copy_row(struct rac_arena *a,
                                                   const struct rac_flow_trigger_row *row)
{
    struct rac_flow_trigger_row *out = RAC_NEW(a, struct rac_flow_trigger_row);
    *out = *row;
    out->secret = RAC_STR_NULL; /* turns do not save it */
    out->tenant = rac_arena_str(a, row->tenant);
    out->trigger = rac_arena_str(a, row->trigger);
    if (row->state.p != NULL)
        out->state = rac_arena_str(a, row->state);
    if (row->status.p != NULL)
        out->status = rac_arena_str(a, row->status);
    return out;
}

static const struct rac_flow_release *copy_release(struct rac_arena *a,
                                                   const struct rac_flow_release *r)
{
    struct rac_flow_release *out = RAC_NEW(a, struct rac_flow_release);
    *out = *r;
    out->trigger = rac_arena_str(a, r->trigger);
    return out;
}

void rac_engine_fire(struct rac_engine *e, const struct rac_fire *fire, rac_fire_fn done, void *arg)
{
    struct rac_flow *f = fire->flow;
    char name[RAC_RUN_NAME_TEXT];
    rac_ms now = engine_now(e);
    struct lane *lane = lane_of(e, f->key);
    rac_str trigger = flow_trigger_name(f, fire->trigger);
    lane_limits(lane, e, f);
    if (refused(e, fire, lane, trigger, done, arg))
        return;
    rac_metric_add(RAC_METRIC_RUNS_STARTED, 1);
    rac_run_name(&e->namer, now, e->ports.worker, e->ports.workers, name);
    struct live *l = live_new(e, f->key, rac_str_of(name));
    l->flow = rac_flow_ref(f);
    crowd_enter(l, f->tenant);
    live_caller_set(l, done, arg);
    l->bypass = fire->bypass_limits;
    l->in_company = fire->in_company;
    l->trigger = rac_arena_str(&l->a, trigger);
    lane_enter(l);
    l->holds_caller = fire->waits && f->plan->responds && !f->plan->responds_async;
    facts_of(l, fire, now);
    if (fire->trigger_row != NULL)
        l->trigger_row = copy_row(&l->a, fire->trigger_row);
    if (fire->release != NULL)
        l->release = copy_release(&l->a, fire->release);
    if (fire->release != NULL && rac_arena_over(&l->a)) { /* the messages stay where they are */
        live_release(l);
        reply_add(e, &(struct reply){.fired = done,
                                     .arg = arg,
                                     .answer = {.outcome = RAC_FIRE_FAILED,
                                                .flow = rac_flow_ref(f),
                                                .status = 503,
                                                .code = RAC_S("ServiceUnavailable"),
                                                .message = RAC_S("it takes more memory than a run "
                                                                 "may have"),
                                                .too_large = true}});
        return;
    }
    if (l->holds_caller && done != NULL && fire->depth == 0) {
        int64_t wait = e->limits.response_wait_ms;
        if (wait == 0)
            wait = f->workflow->profile == RAC_WF_STANDARD ? RESPONSE_WAIT_STANDARD_MS
                                                           : RESPONSE_WAIT_CONSUMPTION_MS;
        l->response_timer.fn = response_late;
        l->response_timer.arg = l;
        timer_set(e, &l->response_timer, wait);
    }
    live_ready(l);
}

void rac_engine_leave(struct rac_engine *e, rac_fire_fn done, void *arg)
{
    for (struct reply *x = e->replies; x != NULL; x = x->next)
        if (x->fired == done && x->arg == arg)
            x->fired = NULL;
    struct live *l = live_of_caller(e, done, arg);
    if (l != NULL)
        (void)live_caller_take(l);
}

void rac_engine_not_ended(struct rac_engine *e, const struct rac_flow *flow, rac_str where,
                          rac_str url, int status)
{
    rac_str plain = rac_url_plain(url);
    rac_log(RAC_WARN, "subscription.not_ended", RAC_F_STR("workflow", flow->name),
            RAC_F_STR("where", where), RAC_F_STR("url", plain), RAC_F_INT("status", status));
    if (e->ports.not_ended != NULL)
        e->ports.not_ended(e->ports.self, flow, where, plain, status);
}

/* --- events from outside ---------------------------------------------------------------------- */

void rac_engine_wake(struct rac_engine *e, int64_t flow, rac_str run)
{
    struct live *l = NULL;
    if (e->lives_n < e->limits.runs_live_max) /* what is due is told again */
        l = live_get(e, flow, run);
    if (l != NULL && l->waits_for_slot)
        lane_recount(e, l);
}

static void event_to(struct rac_engine *e, int64_t flow, rac_str run, struct event *ev)
{
    const struct rac_flow_store *s = e->ports.store;
    struct live *l = live_get(e, flow, run);
    if (l != NULL) {
        live_event(l, ev);
        return;
    }
    struct reply x = {.done = ev->done,
                      .arg = ev->arg,
                      .err = RAC_E_NOT_FOUND,
                      .why = RAC_S("there is no such run")};
    struct rac_flow_run_row row;
    if (s != NULL && s->run_get(s->self, flow, run, &ev->a, &row) == RAC_OK) {
        x.err = RAC_E_CONFLICT;
        x.why = RAC_S("the run has ended");
    }
    ev->done = NULL;
    event_answer(ev, RAC_OK, RAC_STR_NULL);
    reply_add(e, &x);
}

void rac_engine_callback(struct rac_engine *e, int64_t flow, rac_str run, rac_str action,
                         rac_str repetition, const struct rac_json *outputs, rac_event_fn done,
                         void *arg)
{
    struct event *ev = event_new(EVENT_CALLBACK, done, arg);
    ev->action = rac_arena_str(&ev->a, action);
    ev->repetition = rac_arena_str(&ev->a, repetition);
    ev->outputs = outputs != NULL ? rac_json_copy(&ev->a, outputs) : rac_json_none;
    event_to(e, flow, run, ev);
}

void rac_engine_cancel(struct rac_engine *e, int64_t flow, rac_str run, rac_event_fn done,
                       void *arg)
{
    event_to(e, flow, run, event_new(EVENT_CANCEL, done, arg));
}

void rac_engine_flow_gone(struct rac_engine *e, int64_t flow)
{
    for (size_t i = 0; i < e->lives_slots; i++)
        for (struct live *l = e->lives[i]; l != NULL; l = l->hash_next)
            if (l->flow_key == flow)
                live_event(l, event_new(EVENT_CANCEL, NULL, NULL));
}

void rac_engine_stats(const struct rac_engine *e, struct rac_engine_stats *out)
{
    *out = (struct rac_engine_stats){e->turns_total, e->lives_n, e->ready_n, e->calls_n};
}
