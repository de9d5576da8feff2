/*
 * Turns: what a run does between two commits, and what follows once one is durable.
 *
 * Each turn of the pump gives the run whose turn it is (ring.c) one bounded turn.
 */
#include "base/metrics.h"
#include "base/str.h"
#include "workflow/engine/engine_priv.h"
#include "workflow/definition/signature.h"
#include "workflow/definition/trigger.h"

enum { PUMP_TURNS = 64, RETRY_MS = 500, RETRY_MS_MAX = 30000 };

/* --- the world of a run ----------------------------------------------------------------------- */

static rac_str callback_url(void *self, const struct rac_run *r, const struct rac_wf_record *x,
                            struct rac_arena *a)
{
    struct live *l = self;
    char repetition[RAC_REPETITION_NAME_TEXT];
    size_t n = rac_run_repetition(r, x, repetition);
    if (l->flow->callback_url.p != NULL)
        return l->flow->callback_url;
    if (l->e->ports.public_url.n == 0)
        return RAC_STR_NULL;
    struct rac_callback_place place = {
        .public_url = l->e->ports.public_url,
        .standard = l->flow->workflow->profile == RAC_WF_STANDARD,
        .key = rac_webhook_key(l->flow, l->e->ports.env, x->action->inputs_node)};
    struct rac_callback c = {.form = n > 0 ? RAC_CALLBACK_REPETITION : RAC_CALLBACK_ACTION,
                             .workflow_id = l->flow->id,
                             .run = rac_str_of(l->name),
                             .action = x->action->name,
                             .repetition = n > 0 ? (rac_str){repetition, n} : RAC_STR_NULL};
    return rac_callback_url(&place, &c, a);
}

void live_world(struct live *l)
{
    l->world = (struct rac_run_world){.env = l->e->ports.env,
                                      .host = l->e->ports.host,
                                      .workflow = &l->flow->self,
                                      .callback_url = callback_url,
                                      .self = l};
}

static void pump_soon(struct rac_engine *e)
{
    if (e->pumping)
        return;
    e->pumping = true;
    e->ports.defer(e->ports.self, engine_pump, e);
}

void live_ready(struct live *l)
{
    if (l->ready || l->dead || l->committing || l->loading)
        return;
    ring_add(l);
    pump_soon(l->e);
}

/* --- answering the caller --------------------------------------------------------------------- */

static rac_str correlation_of(struct live *l)
{
    rac_str given = rac_run_correlation(l->run);
    return given.p != NULL ? given : rac_run_trigger_id(l->run, &l->a);
}

static void answer_caller(struct live *l, struct rac_fire_answer *out)
{
    rac_fire_fn done = live_caller_take(l);
    if (done == NULL)
        return;
    out->run = rac_str_of(l->name);
    out->flow = l->flow;
    out->tracking = rac_run_tracking(l->run);
    out->correlation = correlation_of(l);
    done(l->done_arg, out);
}

/* Its last turn is not in the journal, and a Response set there is not either: whoever still waits
 * must not hear of it. */
static void answer_abandoned(struct live *l)
{
    struct rac_fire_answer out = {
        .outcome = RAC_FIRE_FAILED,
        .status = 507,
        .code = RAC_S("WorkflowRunMemoryLimitExceeded"),
        .message = RAC_S("The run failed: a step of it is too large to be recorded."),
        .too_large = true};
    answer_caller(l, &out);
}

static void answer_if_due(struct live *l)
{
    struct rac_fire_answer out = {.outcome = RAC_FIRE_STARTED};
    const struct rac_json *response = rac_run_response(l->run);
    if (l->done == NULL)
        return;
    if (l->abandoned) {
        answer_abandoned(l);
        return;
    }
    if (l->holds_caller) {
        if (response->type != RAC_JSON_NONE) {
            out.outcome = RAC_FIRE_RESPONSE;
            out.response = *response;
            out.status = (int)rac_json_int(RAC_JSON_GET(response, "statusCode"), 200);
        } else if (rac_run_over(l->run)) {
            out.outcome = RAC_FIRE_NO_RESPONSE;
        } else {
            return;
        }
    } else {
        out.async = l->flow->plan->responds_async;
    }
    answer_caller(l, &out);
}

static void answer_failed(struct live *l, rac_err err, rac_str why)
{
    struct rac_fire_answer out = {.outcome = RAC_FIRE_FAILED,
                                  .status = 503,
                                  .retry_after_ms = 1000,
                                  .code = RAC_S("ServiceUnavailable"),
                                  .message = why.n > 0 ? why : rac_str_of(rac_err_text(err)),
                                  .too_large = err == RAC_E_LIMIT};
    if (err == RAC_E_NOT_FOUND) { /* it was deleted while this was on its way */
        out.status = 404;
        out.retry_after_ms = 0;
        out.code = RAC_S("WorkflowNotFound");
        out.message = RAC_S("The workflow was deleted.");
    }
    if (err == RAC_E_FULL) {
        out.status = 507;
        out.code = RAC_S("StorageFull");
        out.message = RAC_S("The run could not be recorded: the server's disk is full.");
    }
    answer_caller(l, &out);
}

/* --- after the commit ------------------------------------------------------------------------- */

static void finish(struct live *l)
{
    struct rac_engine *e = l->e;
    rac_metric_add(RAC_METRIC_RUNS_ENDED, 1);
    rac_metric_add(RAC_METRIC_RUNS_FAILED, rac_run_status(l->run) == RAC_WF_FAILED);
    if (e->ports.run_ended != NULL)
        e->ports.run_ended(e->ports.self, l->flow, l->run);
    lane_give(l);
    live_events_refuse(l, RAC_E_CONFLICT, RAC_S("the run has ended"));
    live_release(l);
}

static int64_t duration_max(const struct live *l)
{
    return l->flow->stateless ? RUN_DURATION_STATELESS_MS : RUN_DURATION_MS;
}

static void unload(void *arg)
{
    struct live *l = arg;
    if (!l->committing && !l->ready && l->events == NULL)
        live_release(l);
}

static void too_long(void *arg)
{
    struct live *l = arg;
    live_event(l, event_new(EVENT_TIMED_OUT, NULL, NULL));
}

/* Nothing to do without waiting: a long wait is spent in the store, a short one here. */
static void rest(struct live *l)
{
    struct rac_engine *e = l->e;
    bool kept = e->ports.store != NULL && !l->flow->stateless && l->id != 0;
    bool timed = true;
    for (const struct outside *o = l->outsides; o != NULL; o = o->next) {
        kept = kept && !o->in_flight && !o->stepping;
        timed = timed && o->due_ms != 0;
    }
    if (!kept || l->done != NULL || l->waits_for_slot) {
        if (l->duration_timer.place == 0) {
            l->duration_timer.fn = too_long;
            l->duration_timer.arg = l;
            timer_set_wall(e, &l->duration_timer, rac_run_start_ms(l->run) + duration_max(l));
        }
        return;
    }
    if (timed && l->due_ms - engine_now(e) <= e->limits.unload_after_ms)
        return; /* its timer rings soon */
    if (timed) {
        live_release(l);
        return;
    }
    l->unload_timer.fn = unload;
    l->unload_timer.arg = l;
    timer_set(e, &l->unload_timer, e->limits.unload_after_ms);
}

static void answer_events(struct live *l, rac_err err, rac_str why)
{
    while (l->answers != NULL) {
        struct event *ev = l->answers;
        l->answers = ev->next;
        event_answer(ev, err != RAC_OK ? err : ev->err, err != RAC_OK ? why : ev->why);
    }
}

static bool stepping(const struct live *l)
{
    for (const struct outside *o = l->outsides; o != NULL; o = o->next)
        if (o->stepping)
            return true;
    return false;
}

static void after_commit(struct live *l)
{
    answer_events(l, RAC_OK, RAC_STR_NULL);
    answer_if_due(l);
    for (struct outside *o = l->outsides, *next; o != NULL; o = next) {
        next = o->next;
        if (o->started)
            continue;
        o->started = true;
        outside_start(o);
    }
    if (rac_run_over(l->run))
        finish(l);
    else if (l->more || l->events != NULL || stepping(l) ||
             (l->admitted && !rac_run_begun(l->run))) /* admitted while this was written */
        live_ready(l);
    else
        rest(l);
}

/* --- committing ------------------------------------------------------------------------------- */

static void commit(struct live *l);
static void abandon(struct live *l);

static void commit_again(void *arg)
{
    commit(arg);
}

/* The run is not ours any more: it was deleted or ended by others; or it never was. */
static void lost(struct live *l, rac_err err, rac_str error)
{
    struct rac_fire_answer ended = {.outcome = RAC_FIRE_NO_RESPONSE};
    answer_events(l, err, error);
    if (l->creating)
        answer_failed(l, err, error);
    else
        answer_caller(l, &ended);
    lane_give(l);
    live_release(l);
}

static void messages_kept(struct live *l)
{
    bool some = l->sent_n > 0;
    live_messages_clear(l);
    if (some && l->e->ports.messages_kept != NULL)
        l->e->ports.messages_kept(l->e->ports.self);
}

static void committed(void *arg, rac_err err, rac_str error, int64_t id)
{
    struct live *l = RAC_CAST(arg, struct live, LIVE_MAGIC);
    if (l->e == NULL) { /* the engine went first */
        live_orphan_free(l);
        return;
    }
    l->committing = false;
    if (err == RAC_OK)
        l->id = id;
    if (l->dead) {
        live_release(l);
        return;
    }
    if (err == RAC_OK) {
        l->creating = false;
        l->failures = 0;
        live_values_clear(l);
        messages_kept(l);
        after_commit(l);
    } else if ((l->creating && !(l->in_company && err == RAC_E_BUSY)) || err == RAC_E_CONFLICT ||
               err == RAC_E_NOT_FOUND || (err == RAC_E_LIMIT && l->abandoned)) {
        lost(l, err, error); /* nothing was acknowledged */
    } else if (err == RAC_E_LIMIT) {
        abandon(l);
        commit(l);
    } else {
        int64_t wait = (int64_t)RETRY_MS << (l->failures < 6 ? l->failures : 6);
        l->failures++;
        l->committing = l->retrying = true; /* no turn meanwhile */
        l->retry_timer.fn = commit_again;
        l->retry_timer.arg = l;
        timer_set(l->e, &l->retry_timer, wait < RETRY_MS_MAX ? wait : RETRY_MS_MAX);
    }
}

static rac_ms earliest_due(struct live *l)
{
    rac_ms now = engine_now(l->e), due = rac_run_start_ms(l->run) + duration_max(l);
    if (l->more || l->waits_for_slot)
        return now;
    for (const struct outside *o = l->outsides; o != NULL; o = o->next) {
        if (o->due_ms == 0 && !o->waits_for_event)
            return now; /* something is under way: a restart looks at once */
        if (o->due_ms != 0 && o->due_ms < due)
            due = o->due_ms;
        if (o->limit_ms != 0 && o->limit_ms < due)
            due = o->limit_ms;
    }
    return due;
}

static void commit(struct live *l)
{
    struct rac_run *r = l->run;
    const struct rac_flow *f = l->flow;
    const struct rac_flow_store *s = l->e->ports.store;
    const struct rac_json *error = rac_run_error(r);
    struct rac_flow_turn t = {.create = l->creating,
                              .id = l->id,
                              .flow = f->key,
                              .tenant = f->tenant,
                              .name = rac_str_of(l->name),
                              .status = rac_str_of(rac_wf_status_word(rac_run_status(r))),
                              .code = rac_str_of(rac_run_code(r)),
                              .end_ms = rac_run_over(r) ? engine_now(l->e) : 0,
                              .due_ms = l->due_ms,
                              .journal = rac_buf_str(&l->kept),
                              .values = l->kept_values,
                              .values_n = l->kept_values_n,
                              .messages = l->sent,
                              .messages_n = l->sent_n};
    if (l->creating) {
        t.revision = f->revision;
        t.trigger = rac_run_trigger(r);
        t.tracking = rac_run_tracking(r);
        t.correlation = correlation_of(l);
        t.start_ms = rac_run_start_ms(r);
        t.release = l->release;
    }
    if (error->type != RAC_JSON_NONE)
        t.error = rac_json_print_str(error, 0, &l->a);
    l->committing = true;
    l->retrying = false;
    s->turn(s->self, &t, l->creating ? l->trigger_row : NULL, committed, l);
}

static void stop_stopped(struct live *l)
{
    size_t n;
    struct rac_wf_record **v = rac_run_stopped(l->run, &n);
    for (size_t i = 0; i < n; i++) {
        struct outside *o = outside_of(v[i]);
        if (o == NULL)
            continue;
        if (o->unsubscribe)
            exchange_unsubscribe(l, v[i]);
        outside_stop(o);
    }
}

/* The first turn is answered as failed when it cannot be written, so its bytes need not be kept. */
static void keep_piece(struct live *l)
{
    struct rac_journal_writer *w = &l->e->writer;
    rac_buf_clear(&l->kept);
    rac_buf_add(&l->kept, rac_journal_piece(w));
    live_values_clear(l);
    l->kept_values_n = w->values_n;
    if (w->values_n == 0)
        return;
    l->kept_a = w->a; /* the bytes stay where they are */
    rac_arena_init(&w->a, w->a.bytes_max);
    l->kept_values = RAC_NEW_N(&l->kept_a, struct rac_flow_value, w->values_n);
    memcpy(l->kept_values, w->values, w->values_n * sizeof *w->values);
}

/* What the run did last cannot be recorded: it ends with what was, or it would be done again for
 * ever. */
static void abandon(struct live *l)
{
    rac_journal_writer_clear(&l->e->writer);
    rac_run_abandon(l->run, "WorkflowRunMemoryLimitExceeded",
                    RAC_S("A step of the run is too large to be recorded."));
    stop_stopped(l);
    live_messages_clear(l);
    for (struct event *ev = l->answers; ev != NULL; ev = ev->next)
        ev->err = RAC_E_LIMIT;
    l->more = false;
    l->due_ms = 0;
    l->abandoned = true;
    keep_piece(l);
}

/* --- a turn ----------------------------------------------------------------------------------- */

static bool is_webhook(enum rac_wf_type type)
{
    return type == RAC_WF_TYPE_HTTP_WEBHOOK || type == RAC_WF_TYPE_OPEN_API_CONNECTION_WEBHOOK ||
           type == RAC_WF_TYPE_API_CONNECTION_WEBHOOK;
}

static void callback_event(struct live *l, struct event *ev)
{
    struct rac_wf_record *x = rac_run_find(l->run, ev->action, ev->repetition);
    struct outside *o = x != NULL ? outside_of(x) : NULL;
    /* A service may call back before it has answered the subscription. */
    if (o == NULL || !is_webhook(x->action->type)) {
        ev->err = rac_plan_find(l->flow->plan, ev->action) == UINT32_MAX ? RAC_E_NOT_FOUND
                                                                         : RAC_E_CONFLICT;
        ev->why = RAC_S("the action does not wait for a callback");
        return;
    }
    struct rac_json outputs = rac_json_new_object(&ev->a);
    RAC_JSON_PUT(&ev->a, &outputs, "statusCode", rac_json_of_int(200));
    RAC_JSON_EACH_MEMBER(m, &ev->outputs)
    rac_json_put(&ev->a, &outputs, rac_json_key(m), m->value);
    o->unsubscribe = false;
    outside_settle(o, RAC_WF_SUCCEEDED, RAC_S("OK"), &outputs, NULL);
}

static void take_event(struct live *l, struct event *ev)
{
    switch (ev->kind) {
    case EVENT_CALLBACK:
        callback_event(l, ev);
        break;
    case EVENT_CANCEL:
        if (rac_run_over(l->run)) {
            ev->err = RAC_E_CONFLICT;
            ev->why = RAC_S("the run has ended");
        }
        rac_run_close(l->run, RAC_WF_CANCELLED, "Cancelled", RAC_STR_NULL);
        break;
    case EVENT_CALLER_GONE:
        rac_run_caller_gone(l->run);
        break;
    case EVENT_TIMED_OUT:
        rac_run_close(l->run, RAC_WF_TIMED_OUT, "WorkflowRunTimedOut",
                      RAC_S("The workflow run exceeded the time a run may take."));
        break;
    }
}

static void take_events(struct live *l)
{
    struct event *ev = l->events, **end = &l->answers;
    l->events = NULL;
    l->events_end = &l->events;
    while (*end != NULL)
        end = &(*end)->next;
    while (ev != NULL && !rac_run_has_written_much(l->run)) {
        struct event *next = ev->next;
        take_event(l, ev);
        ev->next = NULL;
        *end = ev;
        end = &ev->next;
        ev = next;
    }
    live_events_before(l, ev); /* the rest in the next turn */
}

static void take_steps(struct live *l)
{
    for (struct outside *o = l->outsides, *next; o != NULL && !rac_run_has_written_much(l->run);
         o = next) {
        next = o->next;
        if (!o->stepping)
            continue;
        o->stepping = false;
        o->step(o);
    }
}

/* Actions that began, or were found open in what was loaded. True: there were some. */
static bool take_wants(struct live *l)
{
    size_t n;
    struct rac_wf_record **wants = rac_run_wants(l->run, &n);
    for (size_t i = 0; i < n; i++)
        outside_prepare(outside_new(l, wants[i]));
    return n > 0;
}

static void work(struct live *l)
{
    do
        l->more = rac_run_work(l->run, l->e->limits.turn_actions_max);
    while (take_wants(l) && !l->more && !rac_run_over(l->run));
}

struct copying {
    struct live *l;
    struct rac_run *from;
    int64_t id;
    rac_err err;
};

static rac_err copied_value(void *self, const char *digest, struct rac_arena *a, rac_str *bytes)
{
    struct copying *c = self;
    const struct rac_flow_store *s = c->l->e->ports.store;
    return s->value_get(s->self, c->id, digest, a, bytes);
}

static bool copied_piece(void *arg, rac_str bytes)
{
    struct copying *c = arg;
    c->err = rac_run_replay(c->from, bytes, copied_value, c);
    return c->err == RAC_OK;
}

/* Begins at an action of another run; what stands in the way ends the run. */
static void begin_at(struct live *l)
{
    const struct rac_flow_store *s = l->e->ports.store;
    struct rac_flow_run_row row;
    struct copying c = {.l = l, .err = RAC_E_NOT_FOUND};
    struct rac_arena a;
    rac_arena_init(&a, l->e->limits.run_bytes_max);
    if (s != NULL && s->run_get(s->self, l->flow->key, l->copy_run, &a, &row) == RAC_OK) {
        c.id = row.id;
        c.from = rac_run_new(l->flow->plan, &l->world, NULL, &a);
        rac_err err = s->journal(s->self, row.id, copied_piece, &c);
        c.err = err != RAC_OK ? err : c.err;
    }
    if (c.err != RAC_OK || !rac_run_begin_at(l->run, c.from, l->copy_action))
        rac_run_close(l->run, RAC_WF_FAILED, "WorkflowRunActionNotFound",
                      RAC_S("The run cannot begin at that action: the definition changed since, or "
                            "the action is none of the run's root level."));
    rac_arena_fini(&a);
}

static void begin(struct live *l)
{
    if (l->copy_run.p != NULL)
        begin_at(l);
    else
        rac_run_begin(l->run);
}

static void turn(struct live *l)
{
    struct rac_engine *e = l->e;
    bool stateless = e->ports.store == NULL || l->flow->stateless;
    e->turns_total++;
    timer_stop(e, &l->unload_timer);
    rac_journal_writer_clear(&e->writer);
    if (l->run == NULL) {
        live_world(l);
        l->run = rac_run_new(l->flow->plan, &l->world, stateless ? NULL : &e->writer, &l->a);
        rac_run_create(l->run, &l->facts);
        l->creating = !stateless;
    }
    if (engine_now(e) - rac_run_start_ms(l->run) > duration_max(l))
        live_event_add(l, event_new(EVENT_TIMED_OUT, NULL, NULL)); /* for this turn */
    (void)take_wants(l);
    take_events(l);
    take_steps(l);
    if (!rac_run_over(l->run) && !rac_run_begun(l->run) && lane_take(l))
        begin(l);
    work(l);
    stop_stopped(l);
    l->due_ms = rac_run_over(l->run) ? 0 : earliest_due(l);
    if (stateless || rac_journal_piece(&e->writer).n == 0) {
        after_commit(l);
        return;
    }
    if (rac_buf_err(&e->writer.b) == RAC_OK)
        keep_piece(l);
    else if (!l->creating)
        abandon(l);
    else {
        lost(l, RAC_E_LIMIT, RAC_S("a step of the run is too large to be recorded"));
        return;
    }
    commit(l);
}

void engine_pump(void *engine)
{
    struct rac_engine *e = RAC_CAST(engine, struct rac_engine, ENGINE_MAGIC);
    e->pumping = false;
    for (int n = 0; n < PUMP_TURNS && e->ring != NULL; n++) {
        struct live *l = ring_take(e);
        if (l->dead)
            live_release(l);
        else
            turn(l);
    }
    if (e->ring != NULL)
        pump_soon(e);
}
