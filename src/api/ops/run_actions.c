#include "api/ops/runs.h"
#include "api/ops/workflow_filter.h"
#include "api/ops/workflow_shape.h"
#include "api/service.h"
#include "workflow/history/traces.h"

/* What the actions of a run did: lists, one, repetitions, requests, values. */

/* Cursors of lists that are numbered: the index of the first one of the next page. */
static bool page(struct rac_ask *q, size_t *first, size_t *top)
{
    rac_str after;
    uint64_t n = 0;
    if (!rac_flow_page(q, 30, top, &after))
        return false;
    if (after.p != NULL && (!rac_str_to_u64(after, &n) || n > UINT32_MAX)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "$skiptoken is not one of ours.");
        return false;
    }
    *first = (size_t)n;
    return true;
}

static rac_str next_of(struct rac_arena *a, size_t next, size_t total)
{
    return next < total ? rac_arena_printf(a, "%zu", next) : RAC_STR_NULL;
}

/* --- actions ---------------------------------------------------------------------------------- */

static bool passes(const struct rac_flow_filter *f, const struct rac_history_record *r)
{
    return rac_flow_filter_status(f, rac_str_of(rac_wf_status_word(r->status))) &&
           (f->from_ms == 0 || r->start_ms >= f->from_ms) &&
           (f->to_ms == 0 || r->start_ms <= f->to_ms);
}

static void list_actions(struct rac_run_reading *r)
{
    struct rac_ask *q = r->q;
    struct rac_flow_filter f;
    const struct rac_history_record *v;
    size_t n, first, top, seen = 0;
    if (!rac_flow_filter_read(q, RAC_FILTER_STATUS | RAC_FILTER_START | RAC_FILTER_TRACKING, &f) ||
        !page(q, &first, &top))
        return;
    struct rac_flow_view view = rac_flow_view(q, &r->flow);
    struct rac_json list = rac_json_new_array(q->a);
    rac_history_actions(r->history, &v, &n);
    if (f.tracking.p != NULL && !rac_str_eq(f.tracking, r->run.tracking))
        n = 0;
    for (size_t i = 0; i < n; i++) {
        if (!passes(&f, &v[i]))
            continue;
        if (seen >= first && seen < first + top)
            rac_json_add(q->a, &list, rac_shape_action(&view, r->live, &r->run, &v[i]));
        seen++;
    }
    rac_ask_answer_page(q, list, next_of(q->a, first + top, seen));
}

void rac_ops_action_list(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, list_actions);
}

static const struct rac_history_record *action_of(struct rac_run_reading *r)
{
    const struct rac_history_record *v = rac_history_action(r->history, r->q->args[1]);
    if (v == NULL)
        rac_ask_fail_err(r->q, RAC_E_NOT_FOUND, "action");
    return v;
}

static void show_action(struct rac_run_reading *r)
{
    struct rac_flow_view view = rac_flow_view(r->q, &r->flow);
    const struct rac_history_record *v = action_of(r);
    if (v != NULL)
        rac_ask_answer(r->q, rac_shape_action(&view, r->live, &r->run, v));
}

void rac_ops_action_get(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, show_action);
}

/* --- values ----------------------------------------------------------------------------------- */

static void answer_value(struct rac_run_reading *r, const struct rac_history_value *v)
{
    rac_str text;
    struct rac_ask *q = r->q;
    if (!v->has) {
        rac_ask_done(q);
        return;
    }
    if (v->secured) {
        rac_ask_fail(q, RAC_FAULT_DENIED, "The workflow keeps this value secret (secureData).");
        return;
    }
    rac_err e = rac_history_value(r->history, v, q->a, &text);
    if (e != RAC_OK)
        rac_ask_fail_err(q, e, "action");
    else
        rac_ask_answer_bytes(q, text, RAC_S("application/json; charset=utf-8"), RAC_STR_NULL);
}

static void show_inputs(struct rac_run_reading *r)
{
    const struct rac_history_record *v = action_of(r);
    if (v != NULL)
        answer_value(r, &v->inputs);
}

void rac_ops_action_inputs(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, show_inputs);
}

static void show_outputs(struct rac_run_reading *r)
{
    const struct rac_history_record *v = action_of(r);
    if (v != NULL)
        answer_value(r, &v->outputs);
}

void rac_ops_action_outputs(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, show_outputs);
}

static void show_trigger_outputs(struct rac_run_reading *r)
{
    answer_value(r, &rac_history_run(r->history)->outputs);
}

void rac_ops_run_trigger_outputs(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, show_trigger_outputs);
}

/* --- repetitions ------------------------------------------------------------------------------ */

static void list_of(struct rac_run_reading *r, bool scope)
{
    struct rac_ask *q = r->q;
    struct rac_history_record *v;
    size_t n, total, first, top;
    if (!page(q, &first, &top))
        return;
    rac_err e =
        scope ? rac_history_scope_repetitions(r->history, q->args[1], first, top, q->a, &v, &n,
                                              &total)
              : rac_history_repetitions(r->history, q->args[1], first, top, q->a, &v, &n, &total);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "action");
        return;
    }
    struct rac_flow_view view = rac_flow_view(q, &r->flow);
    struct rac_json list = rac_json_new_array(q->a);
    for (size_t i = 0; i < n; i++)
        rac_json_add(q->a, &list, rac_shape_repetition(&view, r->live, &r->run, &v[i], scope));
    rac_ask_answer_page(q, list, next_of(q->a, first + top, total));
}

static void list_repetitions(struct rac_run_reading *r)
{
    list_of(r, false);
}

void rac_ops_repetition_list(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, list_repetitions);
}

static void list_scope_repetitions(struct rac_run_reading *r)
{
    list_of(r, true);
}

void rac_ops_scope_repetition_list(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, list_scope_repetitions);
}

static bool repetition_of(struct rac_run_reading *r, bool scope, struct rac_history_record *out)
{
    struct rac_ask *q = r->q;
    rac_err e = scope ? rac_history_scope_repetition(r->history, q->args[1], q->args[2], q->a, out)
                      : rac_history_repetition(r->history, q->args[1], q->args[2], q->a, out);
    if (e != RAC_OK)
        rac_ask_fail_err(q, e, "repetition");
    return e == RAC_OK;
}

static void show_repetition(struct rac_run_reading *r)
{
    struct rac_history_record v;
    struct rac_flow_view view = rac_flow_view(r->q, &r->flow);
    if (repetition_of(r, false, &v))
        rac_ask_answer(r->q, rac_shape_repetition(&view, r->live, &r->run, &v, false));
}

void rac_ops_repetition_get(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, show_repetition);
}

static void show_scope_repetition(struct rac_run_reading *r)
{
    struct rac_history_record v;
    struct rac_flow_view view = rac_flow_view(r->q, &r->flow);
    if (repetition_of(r, true, &v))
        rac_ask_answer(r->q, rac_shape_repetition(&view, r->live, &r->run, &v, true));
}

void rac_ops_scope_repetition_get(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, show_scope_repetition);
}

static void show_repetition_inputs(struct rac_run_reading *r)
{
    struct rac_history_record v;
    if (repetition_of(r, false, &v))
        answer_value(r, &v.inputs);
}

void rac_ops_repetition_inputs(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, show_repetition_inputs);
}

static void show_repetition_outputs(struct rac_run_reading *r)
{
    struct rac_history_record v;
    if (repetition_of(r, false, &v))
        answer_value(r, &v.outputs);
}

void rac_ops_repetition_outputs(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, show_repetition_outputs);
}

/* --- requests --------------------------------------------------------------------------------- */

static void requests_of(struct rac_run_reading *r, rac_str repetition, rac_str name)
{
    struct rac_ask *q = r->q;
    struct rac_history_request *v;
    size_t n;
    rac_err e = rac_history_requests(r->history, q->args[1], repetition, q->a, &v, &n);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, repetition.n > 0 ? "repetition" : "action");
        return;
    }
    struct rac_flow_view view = rac_flow_view(q, &r->flow);
    struct rac_json list = rac_json_new_array(q->a);
    for (size_t i = 0; i < n; i++) {
        struct rac_json x =
            rac_shape_request(&view, r->live, &r->run, q->args[1], repetition, &v[i]);
        if (name.p != NULL && rac_str_eq(rac_str_of(v[i].name), name)) {
            rac_ask_answer(q, x);
            return;
        }
        rac_json_add(q->a, &list, x);
    }
    if (name.p != NULL)
        rac_ask_fail_err(q, RAC_E_NOT_FOUND, "request history");
    else
        rac_ask_answer_page(q, list, RAC_STR_NULL);
}

static void list_requests(struct rac_run_reading *r)
{
    requests_of(r, RAC_STR_NULL, r->q->args[2]);
}

void rac_ops_request_list(struct rac_ask *q)
{
    q->args[2] = RAC_STR_NULL;
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, list_requests);
}

void rac_ops_request_get(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, list_requests);
}

static void list_repetition_requests(struct rac_run_reading *r)
{
    requests_of(r, r->q->args[2], r->q->args[3]);
}

void rac_ops_repetition_request_list(struct rac_ask *q)
{
    q->args[3] = RAC_STR_NULL;
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, list_repetition_requests);
}

void rac_ops_repetition_request_get(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, list_repetition_requests);
}

/* --- expression traces ------------------------------------------------------------------------ */

static void traces_of(struct rac_run_reading *r, const struct rac_history_record *v)
{
    struct rac_ask *q = r->q;
    rac_ask_answer(q, rac_traces_of(r->history, v, &r->live->flow->self, q->w->env, q->a));
}

static void show_traces(struct rac_run_reading *r)
{
    const struct rac_history_record *v = action_of(r);
    if (v != NULL)
        traces_of(r, v);
}

void rac_ops_action_traces(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, show_traces);
}

static void show_repetition_traces(struct rac_run_reading *r)
{
    struct rac_history_record v;
    if (repetition_of(r, false, &v))
        traces_of(r, &v);
}

void rac_ops_repetition_traces(struct rac_ask *q)
{
    rac_run_read(q, RAC_MAY_WORKFLOW_READ, show_repetition_traces);
}
