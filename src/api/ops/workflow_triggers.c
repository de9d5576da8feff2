#include "api/ops/access.h"
#include "api/ops/runs.h"
#include "api/ops/workflow_filter.h"
#include "api/ops/workflow_shape.h"
#include "api/runner.h"
#include "api/firing.h"
#include "api/scheduling.h"
#include "api/service.h"
#include "base/time.h"

/* Triggers of a workflow: what they are, how to call them, what became of each evaluation. */

struct reading {
    struct rac_ask *q;
    struct rac_flow_row row;
    struct rac_live_flow *live; /* of the newest version; a reference rides q->a */
    const struct rac_live_trigger *trigger;
    void (*then)(struct reading *r);
};

static void drop_flow(void *arg)
{
    rac_flow_unref(arg);
}

static void flow_ready(void *arg, rac_err err, struct rac_live_flow *f, rac_str why)
{
    struct reading *r = arg;
    if (err != RAC_OK) {
        struct rac_commit said = {.err = err, .error = why};
        rac_ask_fail_commit(r->q, &said, "workflow");
        return;
    }
    rac_arena_cleanup(r->q->a, drop_flow, rac_flow_ref(f->flow));
    r->live = f;
    rac_str name = r->q->args[1];
    if (name.p != NULL) {
        r->trigger = rac_live_trigger_find(f, name);
        if (r->trigger == NULL) {
            rac_ask_fail_err(r->q, RAC_E_NOT_FOUND, "trigger");
            return;
        }
    } else if (f->triggers_n > 0) {
        r->trigger = &f->triggers[0];
    }
    r->then(r);
}

/* args: workflow, trigger (absent: the only one). */
static void with_trigger(struct rac_ask *q, enum rac_action action, void (*then)(struct reading *r))
{
    struct reading *r = RAC_NEW(q->a, struct reading);
    r->q = q;
    r->then = then;
    if (!rac_access_workflow(q, action, q->args[0], RAC_FLOW_PLAIN, &r->row))
        return;
    struct rac_live_flow *live = rac_flows_peek(q->w->flows, r->row.id);
    if (live != NULL)
        flow_ready(r, RAC_OK, live, RAC_STR_NULL);
    else
        rac_flows_want(q->w->flows, r->row.id, flow_ready, r);
}

/* --- what they are ---------------------------------------------------------------------------- */

/* What its newest evaluation came to: a run, or an event of its history. Requests leave no state of
 * their own behind. */
static void newest(struct reading *r, rac_str trigger, struct rac_flow_trigger_row *state)
{
    const struct rac_flow_store *fs = r->q->w->fs;
    struct rac_flow_run_query runs = {.trigger = trigger, .n_max = 1};
    struct rac_flow_event_query events = {.trigger = trigger, .n_max = 1};
    struct rac_flow_run_row *run;
    struct rac_flow_event_row *event;
    size_t runs_n = 0, events_n = 0;
    bool more;
    if (fs->run_list(fs->self, r->row.key, &runs, r->q->a, &run, &runs_n, &more) != RAC_OK ||
        fs->event_list(fs->self, r->row.key, &events, r->q->a, &event, &events_n, &more) != RAC_OK)
        return;
    if (runs_n > 0 && (events_n == 0 || rac_str_cmp(run->name, event->name) < 0)) {
        state->status = RAC_S("Succeeded");
        state->last_ms = run->start_ms;
    } else if (events_n > 0) {
        state->status = event->status;
        state->last_ms = event->start_ms;
    }
}

static struct rac_json trigger_json(struct reading *r, const struct rac_flow_view *v,
                                    const struct rac_live_trigger *t)
{
    const struct rac_flow_store *fs = r->q->w->fs;
    struct rac_flow_trigger_row state = {0};
    struct rac_json_member m = {.key = t->name.p, .key_n = (uint32_t)t->name.n, .value = *t->node};
    if (fs->trigger_get(fs->self, r->row.key, t->name, r->q->a, &state) != RAC_OK)
        state = (struct rac_flow_trigger_row){0};
    if (t->request || t->webhook)
        newest(r, t->name, &state);
    return rac_shape_trigger(v, &state, &m);
}

static bool passes(const struct rac_flow_filter *f, const struct rac_json *trigger)
{
    rac_str state = rac_json_str(RAC_JSON_GET(trigger, "state"), RAC_S("")),
            status = rac_json_str(RAC_JSON_GET(trigger, "status"), RAC_S(""));
    return rac_flow_filter_status(f, status) &&
           (f->state.p == NULL || rac_str_eqi(f->state, state));
}

/* In the order of the definition; a page goes on after the last one's name. */
static void list_them(struct reading *r)
{
    struct rac_ask *q = r->q;
    struct rac_flow_view v = rac_flow_view(q, &r->row);
    struct rac_json list = rac_json_new_array(q->a);
    struct rac_flow_filter f;
    rac_str after, last = RAC_STR_NULL;
    size_t top, i = 0;
    if (!rac_flow_filter_read(q, RAC_FILTER_STATE | RAC_FILTER_STATUS, &f) ||
        !rac_flow_page(q, RAC_PAGE_MAX, &top, &after))
        return;
    while (after.n > 0 && i < r->live->triggers_n &&
           !rac_str_eq(r->live->triggers[i++].name, after))
        continue;
    for (; i < r->live->triggers_n; i++) {
        struct rac_json t = trigger_json(r, &v, &r->live->triggers[i]);
        if (!passes(&f, &t))
            continue;
        if (rac_json_len(&list) == top) {
            rac_ask_answer_page(q, list, last);
            return;
        }
        rac_json_add(q->a, &list, t);
        last = r->live->triggers[i].name;
    }
    rac_ask_answer_page(q, list, RAC_STR_NULL);
}

void rac_ops_trigger_list(struct rac_ask *q)
{
    with_trigger(q, RAC_MAY_WORKFLOW_READ, list_them);
}

static void show(struct reading *r)
{
    struct rac_flow_view v = rac_flow_view(r->q, &r->row);
    rac_ask_answer(r->q, trigger_json(r, &v, r->trigger));
}

void rac_ops_trigger_get(struct rac_ask *q)
{
    with_trigger(q, RAC_MAY_WORKFLOW_READ, show);
}

static void show_schema(struct reading *r)
{
    struct rac_arena *a = r->q->a;
    const struct rac_json *schema = rac_inbound_schema(r->trigger->inbound);
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "title", r->trigger->name);
    RAC_JSON_PUT_STR(a, &o, "content",
                     schema != NULL ? rac_json_print_str(schema, 0, a) : RAC_S("{}"));
    rac_ask_answer(r->q, o);
}

void rac_ops_trigger_schema(struct rac_ask *q)
{
    with_trigger(q, RAC_MAY_WORKFLOW_READ, show_schema);
}

/* --- how to call them ------------------------------------------------------------------------- */

static const struct rac_json *body_member(const struct rac_ask *q, const char *name)
{
    return rac_json_geti(&q->json, rac_str_of(name));
}

/* Which key signs: the one that is asked for, else the one the trigger itself uses. False: there is
 * no such key, and that was answered. */
static bool key_type(struct reading *r, bool *primary)
{
    struct rac_ask *q = r->q;
    const struct rac_flow *f = r->live->flow;
    rac_str type = rac_json_str(body_member(q, "keyType"), RAC_S("NotSpecified"));
    const struct rac_json *inputs = rac_json_geti(r->trigger->node, RAC_S("inputs"));
    *primary = rac_str_eqi(type, RAC_S("Primary"));
    if (rac_str_eqi(type, RAC_S("NotSpecified")))
        *primary = rac_webhook_key(f, q->w->env, inputs).p == (const char *)f->keys[0];
    else if (!*primary && !rac_str_eqi(type, RAC_S("Secondary"))) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE,
                     "keyType is 'Primary', 'Secondary' or 'NotSpecified', not '%.*s'.",
                     RAC_FMT(type));
        return false;
    }
    return true;
}

static void callback(struct reading *r)
{
    struct rac_ask *q = r->q;
    const struct rac_live_trigger *t = r->trigger;
    rac_str until = rac_json_str(body_member(q, "notAfter"), RAC_STR_NULL);
    bool primary;
    rac_ms expires = 0;
    if (t == NULL || !(t->request || t->webhook)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE,
                     "The trigger is not called from outside: only Request and webhook triggers "
                     "have a callback URL.");
        return;
    }
    if (until.n > 0 && !rac_time_parse(until, &expires) && !rac_time_parse_date(until, &expires)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "notAfter is no time: %.*s.", RAC_FMT(until));
        return;
    }
    if (!key_type(r, &primary))
        return;
    struct rac_callback_place place = rac_flow_place(q, r->live->flow, primary, expires);
    struct rac_callback c = {.form = RAC_CALLBACK_TRIGGER,
                             .workflow_id = r->live->flow->id,
                             .workflow = r->live->flow->name,
                             .trigger = t->name};
    rac_str version = q->args[2];
    if (t->webhook || version.p != NULL) {
        c.form = RAC_CALLBACK_TRIGGER_VERSION;
        c.version = version.p != NULL ? version : r->live->flow->revision;
        place.standard = false;
    }
    if (t->request)
        c.relative = rac_inbound_relative(t->inbound);
    rac_ask_answer(q, rac_callback_json(&place, &c, rac_inbound_method(t->inbound), q->a));
}

void rac_ops_trigger_callback(struct rac_ask *q)
{
    with_trigger(q, RAC_MAY_WORKFLOW_RUN, callback);
}

/* Arguments of the version form: workflow, version, trigger. */
void rac_ops_version_callback(struct rac_ask *q)
{
    struct rac_flow_row row;
    struct rac_flow_version_row version;
    rac_str revision = q->args[1];
    if (!rac_access_workflow(q, RAC_MAY_WORKFLOW_RUN, q->args[0], RAC_FLOW_PLAIN, &row))
        return;
    const struct rac_flow_store *fs = q->w->fs;
    rac_err e = fs->version_get(fs->self, row.key, revision, q->a, &version);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "version");
        return;
    }
    q->args[1] = q->args[2];
    q->args[2] = revision;
    with_trigger(q, RAC_MAY_WORKFLOW_RUN, callback);
}

/* --- firing by hand --------------------------------------------------------------------------- */

static void fired(void *arg, const struct rac_fire_answer *answer)
{
    struct reading *r = arg;
    struct rac_ask *q = r->q;
    if (answer->outcome == RAC_FIRE_BUSY) {
        q->retry_after_s = (answer->retry_after_ms + 999) / 1000;
        rac_ask_fail(q, answer->status == 429 ? RAC_FAULT_RATE : RAC_FAULT_BUSY, "%.*s",
                     RAC_FMT(answer->message));
        return;
    }
    if (answer->outcome == RAC_FIRE_FAILED && answer->status != 503) {
        rac_ask_fail_code(q, answer->status, rac_arena_str(q->a, answer->code), "%.*s",
                          RAC_FMT(answer->message));
        return;
    }
    if (answer->outcome == RAC_FIRE_FAILED) {
        rac_ask_fail_code(q, 500, RAC_S("InternalServerError"), "The run could not be stored: %.*s",
                          RAC_FMT(answer->message));
        return;
    }
    if (answer->run.p == NULL) { /* judged and not started, or several were: see the history */
        rac_ask_fail_code(
            q, 409,
            answer->code.n > 0 ? rac_arena_str(q->a, answer->code) : RAC_S("TriggerDidNotFire"),
            "No single run was started: %.*s The trigger's history tells more.",
            RAC_FMT(answer->message.n > 0 ? answer->message
                                          : RAC_S("its conditions or its splitOn decided so.")));
        return;
    }
    rac_str run = rac_arena_str(q->a, answer->run);
    struct rac_json o = rac_json_new_object(q->a);
    rac_ask_header(q, RAC_S("x-ms-workflow-run-id"), run);
    if (q->ids == RAC_IDS_NATIVE) {
        struct rac_flow_view v = rac_flow_view(q, &r->row);
        RAC_JSON_PUT_STR(q->a, &o, "id",
                         rac_arena_printf(q->a, "%.*s-%.*s", RAC_FMT(v.row->id), RAC_FMT(run)));
        RAC_JSON_PUT_STR(q->a, &o, "name", run);
    }
    rac_ask_answer(q, o);
}

static bool enabled(struct reading *r)
{
    if (r->live->flow->enabled)
        return true;
    rac_ask_fail_code(r->q, 400, RAC_S("WorkflowTriggerIsNotEnabled"),
                      "Could not execute workflow '%.*s' trigger '%.*s' with state 'Disabled': "
                      "trigger is not enabled.",
                      RAC_FMT(r->live->flow->name),
                      RAC_FMT(r->trigger != NULL ? r->trigger->name : RAC_S("")));
    return false;
}

/* What the scheduler carries out, all batches that wait included. */
static bool asks_outside(const struct rac_live_trigger *t)
{
    return t->rule->class == RAC_TRIGGER_POLL || t->rule->class == RAC_TRIGGER_NOTIFICATION ||
           t->rule->class == RAC_TRIGGER_MESSAGES;
}

/* One that polls does so now, whatever comes of it; which run that is is told by the history. */
static void poll_now(struct reading *r)
{
    rac_scheduling_notify(r->q->w, r->row.key, r->trigger->name);
    r->q->status = 202;
    rac_ask_answer(r->q, rac_json_new_object(r->q->a));
}

/* The body becomes that of the trigger. */
static void run(struct reading *r)
{
    struct rac_ask *q = r->q;
    struct rac_json outputs, headers, body;
    if (r->trigger == NULL || !enabled(r))
        return;
    if (q->body.n == 0 && asks_outside(r->trigger)) {
        poll_now(r);
        return;
    }
    outputs = rac_json_new_object(q->a);
    if (q->body.n > 0) {
        struct rac_json_error where = {0};
        if (rac_json_parse(q->body, q->a, 0, &body, &where) != RAC_OK) {
            rac_ask_fail(q, RAC_FAULT_BAD_REQUEST,
                         "The request body is not JSON: line %u, column %u: %s.", where.line,
                         where.column, where.message);
            return;
        }
        headers = rac_json_new_object(q->a);
        RAC_JSON_PUT_STR(q->a, &headers, "Content-Type", RAC_S("application/json; charset=utf-8"));
        RAC_JSON_PUT(q->a, &outputs, "headers", headers);
        RAC_JSON_PUT(q->a, &outputs, "body", body);
    }
    bool timer = !r->trigger->request && !r->trigger->webhook && q->body.n == 0;
    rac_fire_trigger(q->w, r->live, r->trigger, timer ? NULL : &outputs, RAC_STR_NULL, false, fired,
                     r);
}

void rac_ops_trigger_run(struct rac_ask *q)
{
    with_trigger(q, RAC_MAY_WORKFLOW_RUN, run);
}

/* --- its state -------------------------------------------------------------------------------- */

static void state_saved(void *arg, const struct rac_commit *c)
{
    struct reading *r = arg;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(r->q, c, "trigger");
        return;
    }
    rac_scheduling_look(r->q->w);
    rac_ask_done(r->q);
}

static bool subscribes(const struct rac_live_trigger *t)
{
    return t->rule->class == RAC_TRIGGER_WEBHOOK || t->rule->class == RAC_TRIGGER_NOTIFICATION;
}

/* Forgets what the trigger has seen; the scheduler hears of it and begins anew, now. What it has
 * subscribed to must not be forgotten: that is for the scheduler to end. */
static void reset(struct reading *r)
{
    if (subscribes(r->trigger)) {
        rac_scheduling_reset(r->q->w, r->row.key, r->trigger->name);
        rac_ask_done(r->q);
        return;
    }
    struct rac_flow_trigger_row row = {.flow = r->row.key,
                                       .tenant = r->q->who->tenant,
                                       .trigger = r->trigger->name,
                                       .state = RAC_S("{}"),
                                       .due_ms = rac_env_wall_ms(r->q->w->env)};
    if (r->trigger->request)
        row.due_ms = 0;
    r->q->w->fs->trigger_save(r->q->w->fs->self, &row, NULL, state_saved, r);
}

void rac_ops_trigger_reset(struct rac_ask *q)
{
    with_trigger(q, RAC_MAY_WORKFLOW_EDIT, reset);
}

/* Copies the polling state of another workflow's trigger of the same kind. */
static void set_state(struct reading *r)
{
    struct rac_ask *q = r->q;
    const struct rac_json *source = body_member(q, "source");
    rac_str flow = rac_json_str(rac_json_geti(source, RAC_S("flowName")), RAC_STR_NULL);
    rac_str id = rac_json_str(rac_json_geti(source, RAC_S("id")), RAC_STR_NULL);
    rac_str name = rac_json_str(rac_json_geti(source, RAC_S("triggerName")), r->trigger->name);
    struct rac_flow_row other;
    struct rac_flow_trigger_row row;
    size_t at = rac_str_find(id, RAC_S("/workflows/"));
    if (flow.n == 0 && at != RAC_STR_NPOS) {
        rac_str rest = rac_str_from(id, at + strlen("/workflows/"));
        flow = rac_str_cut(rest, '/', &rest);
    }
    if (flow.n == 0) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "Say whose state to copy: source.flowName.");
        return;
    }
    if (!rac_access_workflow(q, RAC_MAY_WORKFLOW_READ, flow, RAC_FLOW_PLAIN, &other))
        return;
    if (subscribes(r->trigger)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE,
                     "The trigger subscribes: what it has seen is its own and cannot be copied.");
        return;
    }
    const struct rac_flow_store *fs = q->w->fs;
    rac_err e = fs->trigger_get(fs->self, other.key, name, q->a, &row);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "trigger");
        return;
    }
    struct rac_json state;
    if (row.state.n > 0 && rac_json_parse(row.state, q->a, 0, &state, NULL) == RAC_OK &&
        rac_json_del(&state, RAC_S("subscription"))) /* that is the other one's */
        row.state = rac_json_print_str(&state, 0, q->a);
    row.secret = RAC_STR_NULL;
    row.flow = r->row.key;
    row.tenant = q->who->tenant;
    row.trigger = r->trigger->name;
    fs->trigger_save(fs->self, &row, NULL, state_saved, r);
}

void rac_ops_trigger_set_state(struct rac_ask *q)
{
    with_trigger(q, RAC_MAY_WORKFLOW_EDIT, set_state);
}

/* --- histories -------------------------------------------------------------------------------- */

/* Two lists in one order, newest first: evaluations that started a run, and those that did not. */
struct merging {
    struct rac_flow_run_row *runs;
    struct rac_flow_event_row *events;
    size_t runs_n, events_n, r, e;
    bool more;
};

static rac_err fetch(struct reading *r, const struct rac_flow_filter *f, rac_str after, size_t top,
                     struct merging *m)
{
    const struct rac_flow_store *fs = r->q->w->fs;
    struct rac_flow_run_query runs = {.after = after,
                                      .start_from_ms = f->from_ms,
                                      .start_to_ms = f->to_ms,
                                      .tracking = f->tracking,
                                      .trigger = r->trigger->name,
                                      .n_max = top};
    struct rac_flow_event_query events = {.trigger = r->trigger->name,
                                          .after = after,
                                          .start_from_ms = f->from_ms,
                                          .start_to_ms = f->to_ms,
                                          .n_max = top};
    bool more_runs = false, more_events = false, fired_too = f->statuses_n == 0;
    for (size_t i = 0; i < f->statuses_n; i++) {
        fired_too |= rac_str_eqi(f->statuses[i], RAC_S("Succeeded"));
        if (events.statuses_n < RAC_COUNT(events.statuses))
            events.statuses[events.statuses_n++] = f->statuses[i];
    }
    rac_err e = RAC_OK;
    if (fired_too)
        e = fs->run_list(fs->self, r->row.key, &runs, r->q->a, &m->runs, &m->runs_n, &more_runs);
    if (e == RAC_OK)
        e = fs->event_list(fs->self, r->row.key, &events, r->q->a, &m->events, &m->events_n,
                           &more_events);
    m->more = more_runs || more_events;
    return e;
}

static void list_histories(struct reading *r)
{
    struct rac_ask *q = r->q;
    struct rac_flow_filter f;
    struct merging m = {0};
    rac_str after, last = RAC_STR_NULL;
    size_t top, n = 0;
    if (!rac_flow_filter_read(q, RAC_FILTER_STATUS | RAC_FILTER_START | RAC_FILTER_TRACKING, &f) ||
        !rac_flow_page(q, 30, &top, &after))
        return;
    rac_err e = fetch(r, &f, after, top, &m);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "workflow");
        return;
    }
    struct rac_flow_view v = rac_flow_view(q, &r->row);
    struct rac_json list = rac_json_new_array(q->a);
    for (; n < top && (m.r < m.runs_n || m.e < m.events_n); n++) {
        bool run_first = m.e == m.events_n ||
                         (m.r < m.runs_n && rac_str_cmp(m.runs[m.r].name, m.events[m.e].name) < 0);
        last = run_first ? m.runs[m.r].name : m.events[m.e].name;
        bool tracked =
            run_first || f.tracking.p == NULL || rac_str_eq(f.tracking, m.events[m.e].correlation);
        if (tracked)
            rac_json_add(q->a, &list,
                         run_first ? rac_shape_fired(&v, r->live, &m.runs[m.r],
                                                     rac_run_head(q, r->live, &m.runs[m.r]))
                                   : rac_shape_event(&v, r->live, &m.events[m.e]));
        m.r += run_first;
        m.e += !run_first;
    }
    bool more = m.more || m.r < m.runs_n || m.e < m.events_n;
    rac_ask_answer_page(q, list, more ? last : RAC_STR_NULL);
}

void rac_ops_history_list(struct rac_ask *q)
{
    with_trigger(q, RAC_MAY_WORKFLOW_READ, list_histories);
}

static void show_fired(struct rac_run_reading *r)
{
    struct rac_flow_view v = rac_flow_view(r->q, &r->flow);
    rac_ask_answer(r->q, rac_shape_fired(&v, r->live, &r->run, rac_history_run(r->history)));
}

static void show_history(struct reading *r)
{
    struct rac_ask *q = r->q;
    const struct rac_flow_store *fs = q->w->fs;
    struct rac_flow_view v = rac_flow_view(q, &r->row);
    struct rac_run_reading *x = RAC_NEW(q->a, struct rac_run_reading);
    struct rac_flow_event_row event;
    rac_err e = fs->run_get(fs->self, r->row.key, q->args[2], q->a, &x->run);
    if (e == RAC_OK && rac_str_eqi(x->run.trigger, r->trigger->name)) {
        x->q = q;
        x->flow = r->row;
        x->then = show_fired;
        rac_run_open(x);
        return;
    }
    if (e == RAC_OK || e == RAC_E_NOT_FOUND)
        e = fs->event_get(fs->self, r->row.key, r->trigger->name, q->args[2], q->a, &event);
    if (e != RAC_OK)
        rac_ask_fail_err(q, e, "trigger history");
    else
        rac_ask_answer(q, rac_shape_event(&v, r->live, &event));
}

void rac_ops_history_get(struct rac_ask *q)
{
    with_trigger(q, RAC_MAY_WORKFLOW_READ, show_history);
}
