#include "api/ops/runs.h"

#include "api/ops/access.h"
#include "api/ops/workflow_filter.h"
#include "api/ops/workflow_shape.h"
#include "api/runner.h"
#include "api/service.h"

/* Runs: listing, reading, cancelling, doing them again. */

/* --- reading one ------------------------------------------------------------------------------ */

static rac_err source_pieces(void *self, bool (*fn)(void *arg, rac_str bytes), void *arg)
{
    struct rac_run_source *s = self;
    return s->store->journal(s->store->self, s->run, fn, arg);
}

static rac_err source_value(void *self, const char *digest, struct rac_arena *a, rac_str *bytes)
{
    struct rac_run_source *s = self;
    return s->store->value_get(s->store->self, s->run, digest, a, bytes);
}

struct rac_history_source rac_run_history_source(struct rac_run_source *s)
{
    return (struct rac_history_source){source_pieces, source_value, s};
}

const struct rac_history_run *rac_run_head(struct rac_ask *q, const struct rac_live_flow *live,
                                           const struct rac_flow_run_row *run)
{
    struct rac_run_source s = {q->w->fs, run->id};
    struct rac_history_source source = rac_run_history_source(&s);
    struct rac_history_run *head = RAC_NEW(q->a, struct rac_history_run);
    bool told = live != NULL && rac_history_head(live->flow->plan, &source, q->a, head) == RAC_OK;
    return told ? head : NULL;
}

static void drop_flow(void *arg)
{
    rac_flow_unref(arg);
}

static void run_ready(void *arg, rac_err err, struct rac_live_flow *f, rac_str why)
{
    struct rac_run_reading *r = arg;
    struct rac_ask *q = r->q;
    if (err != RAC_OK) {
        struct rac_commit said = {.err = err, .error = why};
        rac_ask_fail_commit(q, &said, "workflow");
        return;
    }
    rac_arena_cleanup(q->a, drop_flow, rac_flow_ref(f->flow));
    r->live = f;
    struct rac_run_source *s = RAC_NEW(q->a, struct rac_run_source);
    *s = (struct rac_run_source){q->w->fs, r->run.id};
    r->source = rac_run_history_source(s);
    err = rac_history_open(f->flow->plan, &r->source, q->a, &r->history);
    if (err != RAC_OK)
        rac_ask_fail_err(q, err, "run");
    else
        r->then(r);
}

static bool find(struct rac_run_reading *r, enum rac_action action)
{
    struct rac_ask *q = r->q;
    rac_str flow, name;
    if (q->ids != RAC_IDS_NATIVE || !rac_run_id_parse(q->args[0], &flow, &name)) {
        flow = rac_ask_query(q, RAC_S("workflow"));
        name = q->args[0];
    }
    if (flow.n == 0) {
        rac_ask_fail_err(q, RAC_E_NOT_FOUND, "run");
        return false;
    }
    if (!rac_access_workflow(q, action, flow, RAC_FLOW_PLAIN, &r->flow))
        return false;
    rac_err e = q->w->fs->run_get(q->w->fs->self, r->flow.key, name, q->a, &r->run);
    if (e != RAC_OK)
        rac_ask_fail_err(q, e, "run");
    return e == RAC_OK;
}

void rac_run_open(struct rac_run_reading *r)
{
    rac_flows_want_version(r->q->w->flows, r->flow.key, r->run.revision, run_ready, r);
}

void rac_run_read(struct rac_ask *q, enum rac_action action,
                  void (*then)(struct rac_run_reading *r))
{
    struct rac_run_reading *r = RAC_NEW(q->a, struct rac_run_reading);
    r->q = q;
    r->then = then;
    if (find(r, action))
        rac_run_open(r);
}

/* {name: ActionSummary}, as monitoring clients ask for with $expand. */
static void put_actions(struct rac_run_reading *r, const struct rac_flow_view *v,
                        struct rac_json *o)
{
    struct rac_arena *a = r->q->a;
    const struct rac_history_record *records;
    size_t n;
    struct rac_json actions = rac_json_new_object(a);
    rac_history_actions(r->history, &records, &n);
    for (size_t i = 0; i < n; i++)
        rac_json_put(a, &actions, records[i].action->name,
                     rac_shape_action(v, r->live, &r->run, &records[i]));
    RAC_JSON_PUT(a, o, "actions", actions);
}

static void put_workflow(struct rac_run_reading *r, struct rac_json *o)
{
    static const char *const configured[] = {"endpointsConfiguration", "runtimeConfiguration"};
    struct rac_arena *a = r->q->a;
    struct rac_json *w = RAC_JSON_GET(o, "workflow"), p = rac_json_new_object(a);
    const struct rac_json *parameters = RAC_JSON_GET(&r->live->resource, "parameters");
    rac_json_put_time(a, &p, RAC_S("createdTime"), r->flow.created_ms);
    rac_json_put_time(a, &p, RAC_S("changedTime"), r->flow.changed_ms);
    RAC_JSON_PUT_STR(a, &p, "version", r->run.revision);
    RAC_JSON_PUT(a, &p, "definition", *r->live->flow->workflow->definition);
    if (parameters != NULL)
        RAC_JSON_PUT(a, &p, "parameters", *parameters);
    for (size_t i = 0; i < RAC_COUNT(configured); i++) {
        const struct rac_json *m = rac_json_get(&r->live->resource, rac_str_of(configured[i]));
        if (m != NULL)
            rac_json_put(a, &p, rac_str_of(configured[i]), *m);
    }
    RAC_JSON_PUT(a, w, "properties", p);
}

static void show(struct rac_run_reading *r)
{
    struct rac_flow_view v = rac_flow_view(r->q, &r->flow);
    struct rac_json o = rac_shape_run(&v, r->live, &r->run, r->history);
    rac_str expand = rac_ask_query(r->q, RAC_S("$expand"));
    if (rac_str_findi(expand, RAC_S("actions")) != RAC_STR_NPOS)
        put_actions(r, &v, &o);
    if (rac_str_findi(expand, RAC_S("workflow")) != RAC_STR_NPOS)
        put_workflow(r, &o);
    rac_ask_answer(r->q, o);
}

void rac_ops_run_get(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, show);
}

/* The operation of an asynchronous Response (§3.3): its run, 202 while open. */
static void show_operation(struct rac_run_reading *r)
{
    r->q->status = r->run.end_ms == 0 ? 202 : 200;
    show(r);
}

void rac_ops_run_operation(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, show_operation);
}

/* --- listing ---------------------------------------------------------------------------------- */

struct listing {
    struct rac_ask *q;
    struct rac_flow_row flow;
    struct rac_flow_run_row *rows;
    size_t n;
    bool more;
};

/* Of the newest version, which need not be the runs': it signs links, and says what is hidden; the
 * content itself is given out by the version of its run. */
static void list_ready(void *arg, rac_err err, struct rac_live_flow *live, rac_str why)
{
    struct listing *l = arg;
    struct rac_ask *q = l->q;
    struct rac_flow_view v = rac_flow_view(q, &l->flow);
    struct rac_json list = rac_json_new_array(q->a);
    (void)why; /* what does not compile any more has had its runs */
    live = err == RAC_OK ? live : NULL;
    for (size_t i = 0; i < l->n; i++)
        rac_json_add(
            q->a, &list,
            rac_shape_run_listed(&v, live, &l->rows[i], rac_run_head(q, live, &l->rows[i])));
    rac_ask_answer_page(q, list, l->more && l->n > 0 ? l->rows[l->n - 1].name : RAC_STR_NULL);
}

void rac_ops_run_list(struct rac_ask *q)
{
    struct listing *l = RAC_NEW(q->a, struct listing);
    struct rac_flow_filter f;
    rac_str after;
    size_t top;
    l->q = q;
    unsigned by = RAC_FILTER_STATUS | RAC_FILTER_START | RAC_FILTER_TRACKING | RAC_FILTER_TRIGGER;
    if (!rac_flow_filter_read(q, by, &f) || !rac_flow_page(q, 30, &top, &after) ||
        !rac_access_workflow(q, RAC_MAY_WORKFLOW_READ, q->args[0], RAC_FLOW_PLAIN, &l->flow))
        return;
    struct rac_flow_run_query query = {.after = after,
                                       .statuses_n = f.statuses_n,
                                       .start_from_ms = f.from_ms,
                                       .start_to_ms = f.to_ms,
                                       .tracking = f.tracking,
                                       .trigger = f.trigger,
                                       .n_max = top};
    memcpy(query.statuses, f.statuses, sizeof query.statuses);
    const struct rac_flow_store *fs = q->w->fs;
    rac_err e = fs->run_list(fs->self, l->flow.key, &query, q->a, &l->rows, &l->n, &l->more);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "workflow");
        return;
    }
    struct rac_live_flow *live = rac_flows_peek(q->w->flows, l->flow.id);
    if (live != NULL || l->n == 0)
        list_ready(l, live != NULL ? RAC_OK : RAC_E_NOT_FOUND, live, RAC_STR_NULL);
    else
        rac_flows_want(q->w->flows, l->flow.id, list_ready, l);
}

/* --- cancelling ------------------------------------------------------------------------------- */

static void cancelled(void *arg, rac_err err, rac_str why)
{
    struct rac_run_reading *r = arg;
    struct rac_ask *q = r->q;
    if (err == RAC_E_CONFLICT && q->ids == RAC_IDS_STANDARD)
        err = RAC_OK; /* there it is no error (§4.15) */
    if (err == RAC_E_CONFLICT) {
        rac_ask_fail(q, RAC_FAULT_RUN_ENDED, "The run has ended; there is nothing to cancel.");
    } else if (err != RAC_OK) {
        struct rac_commit said = {.err = err, .error = why};
        rac_ask_fail_commit(q, &said, "run");
    } else {
        q->status = q->ids == RAC_IDS_NATIVE ? 204 : 200;
        rac_log(RAC_INFO, "run.cancelled", RAC_F_STR("run", r->run.name),
                RAC_F_STR("user", q->who->user_name));
        rac_ask_done(q);
    }
}

void rac_ops_run_cancel(struct rac_ask *q)
{
    struct rac_run_reading *r = RAC_NEW(q->a, struct rac_run_reading);
    r->q = q;
    if (!find(r, RAC_MAY_WORKFLOW_RUN))
        return;
    if (r->run.end_ms != 0)
        cancelled(r, RAC_E_CONFLICT, RAC_STR_NULL);
    else
        rac_runner_cancel(q->w, r->flow.key, r->run.name, cancelled, r);
}

/* --- again ------------------------------------------------------------------------------------ */

struct again {
    struct rac_run_reading *r;
    struct rac_fire fire;
    struct rac_json inputs, outputs;
};

static void fired(void *arg, const struct rac_fire_answer *answer)
{
    struct again *g = arg;
    struct rac_ask *q = g->r->q;
    if (answer->outcome == RAC_FIRE_FAILED || answer->run.p == NULL) {
        rac_ask_fail(q, answer->outcome == RAC_FIRE_BUSY ? RAC_FAULT_BUSY : RAC_FAULT_INTERNAL,
                     "No run was made: %.*s", RAC_FMT(answer->message));
        return;
    }
    rac_str run = rac_arena_str(q->a, answer->run);
    struct rac_json o = rac_json_new_object(q->a);
    rac_ask_header(q, RAC_S("x-ms-workflow-run-id"), run);
    if (q->ids == RAC_IDS_NATIVE) {
        RAC_JSON_PUT_STR(q->a, &o, "id",
                         rac_arena_printf(q->a, "%.*s-%.*s", RAC_FMT(g->r->flow.id), RAC_FMT(run)));
        RAC_JSON_PUT_STR(q->a, &o, "name", run);
    }
    q->status = 202;
    rac_ask_answer(q, o);
}

static void current_ready(void *arg, rac_err err, struct rac_live_flow *f, rac_str why)
{
    struct again *g = arg;
    struct rac_ask *q = g->r->q;
    if (err != RAC_OK) {
        struct rac_commit said = {.err = err, .error = why};
        rac_ask_fail_commit(q, &said, "workflow");
        return;
    }
    g->fire.flow = f->flow;
    rac_engine_fire(rac_runner_engine(q->w->runner), &g->fire, fired, g);
}

static bool value_json(struct rac_run_reading *r, const struct rac_history_value *v,
                       struct rac_json *out)
{
    rac_str text;
    return v->has && rac_history_value_raw(r->history, v, r->q->a, &text) == RAC_OK &&
           rac_json_parse(text, r->q->a, RAC_JSON_OWN, out, NULL) == RAC_OK;
}

/* A new run of the current version with the stored trigger outputs (§4.15). From an action on: the
 * version of the old run, whose results it copies. */
static void again(struct rac_run_reading *r)
{
    struct rac_ask *q = r->q;
    const struct rac_history_run *h = rac_history_run(r->history);
    struct again *g = RAC_NEW(q->a, struct again);
    const struct rac_json *list = RAC_JSON_GET(&q->json, "actionsToResubmit");
    rac_str action = rac_json_str(RAC_JSON_GET(rac_json_at(list, 0), "name"), RAC_STR_NULL);
    if (rac_json_len(list) > 1) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "A run can be resubmitted from one action only.");
        return;
    }
    g->r = r;
    g->fire = (struct rac_fire){.trigger = r->run.trigger,
                                .tracking = r->run.tracking,
                                .origin = r->run.name,
                                .bypass_limits = true};
    if (value_json(r, &h->inputs, &g->inputs))
        g->fire.inputs = &g->inputs;
    if (value_json(r, &h->outputs, &g->outputs))
        g->fire.outputs = &g->outputs;
    if (action.n == 0) {
        rac_flows_want(q->w->flows, r->flow.id, current_ready, g);
        return;
    }
    const struct rac_history_record *record = rac_history_action(r->history, action);
    if (record == NULL || !record->can_resubmit) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE,
                     "The run cannot be resubmitted from %.*s: only a completed action outside of "
                     "loops and scopes that is no Response can.",
                     RAC_FMT(action));
        return;
    }
    g->fire.copy_run = r->run.name;
    g->fire.copy_action = action;
    current_ready(g, RAC_OK, r->live, RAC_STR_NULL);
}

void rac_ops_run_resubmit(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_RUN, again);
}

/* --- an evaluation again ---------------------------------------------------------------------- */

/* Arguments: workflow, trigger, history; one that started a run has its name. */
void rac_ops_history_resubmit(struct rac_ask *q)
{
    rac_ask_put_query(q, RAC_S("workflow"), q->args[0]);
    q->args[0] = q->args[2];
    struct rac_run_reading *r = RAC_NEW(q->a, struct rac_run_reading);
    r->q = q;
    r->then = again;
    rac_str flow, name;
    if (rac_run_id_parse(q->args[0], &flow, &name))
        q->args[0] = name;
    if (!find(r, RAC_MAY_WORKFLOW_RUN))
        return;
    if (!rac_str_eqi(r->run.trigger, q->args[1])) {
        rac_ask_fail_err(q, RAC_E_NOT_FOUND, "trigger history");
        return;
    }
    rac_run_open(r);
}
