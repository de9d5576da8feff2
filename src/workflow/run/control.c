/*
 * Containers: Scope, If, Switch, Foreach, Until (spec workflows §3.9 to §3.13), how their graphs
 * end (§4.4), and Terminate (§3.14).
 */
#include "base/str.h"
#include "base/time.h"
#include "workflow/run/run_priv.h"
#include "workflow/definition/secure.h"

enum {
    FOREACH_ITEMS_MAX = 100000,
    FOREACH_ITEMS_MAX_STATELESS = 100,
    UNTIL_COUNT_MAX = 5000,
    UNTIL_COUNT_MAX_STATELESS = 100,
    ACTIONS_ON_STACK = 64,
};

/* --- the leaf rule (§4.4) --------------------------------------------------------------------- */

static void leaves_of(const struct rac_run *r, const struct rac_wf_frame *f, uint32_t order,
                      bool *visited, uint32_t *found)
{
    if (visited[order])
        return;
    visited[order] = true;
    const struct rac_wf_record *x = &f->records[order];
    if (x->status != RAC_WF_SKIPPED) {
        *found |= 1u << x->status;
        return;
    }
    for (uint32_t i = 0; i < x->action->after_n; i++)
        leaves_of(r, f, r->plan->actions[x->action->after[i].action].order, visited, found);
}

static enum rac_wf_status worst(uint32_t found)
{
    return found & 1u << RAC_WF_FAILED      ? RAC_WF_FAILED
           : found & 1u << RAC_WF_TIMED_OUT ? RAC_WF_TIMED_OUT
           : found & 1u << RAC_WF_CANCELLED ? RAC_WF_CANCELLED
                                            : RAC_WF_SUCCEEDED;
}

static enum rac_wf_status frame_status(struct rac_run *r, const struct rac_wf_frame *f)
{
    bool few[ACTIONS_ON_STACK] = {false};
    uint32_t found = 0, n = r->plan->graphs[f->graph].n;
    bool *visited = n <= ACTIONS_ON_STACK ? few : RAC_NEW_N(r->a, bool, n);
    for (uint32_t i = 0; i < n; i++)
        if (f->records[i].action->next_n == 0)
            leaves_of(r, f, i, visited, &found);
    return worst(found);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void ends(struct rac_run *r, struct rac_wf_record *x, enum rac_wf_status s, bool begins)
{
    struct rac_act_result o = {.status = s, .code = "NotSpecified"};
    if (s == RAC_WF_FAILED) {
        o.code = "ActionFailed";
        o.plain = true;
        o.error = run_error(r, RAC_S("ActionFailed"),
                            RAC_S("An action failed. No dependent actions succeeded."));
    } else if (s == RAC_WF_TIMED_OUT) {
        o.code = "ActionTimedOut";
    } else if (s == RAC_WF_CANCELLED) {
        o.code = "Cancelled";
    }
    run_end(r, x, &o, begins);
}

static void root_done(struct rac_run *r, enum rac_wf_status s)
{
    struct rac_json error = rac_json_none;
    if (s == RAC_WF_FAILED)
        error = run_error(r, RAC_S("ActionFailed"),
                          RAC_S("An action failed. No dependent actions succeeded."));
    run_over(r, s, s == RAC_WF_FAILED ? "ActionFailed" : NULL, error);
}

/* --- branches --------------------------------------------------------------------------------- */

static void run_branch(struct rac_run *r, struct rac_wf_record *x, struct rac_json v,
                       uint32_t taken)
{
    struct rac_json inputs = rac_json_new_object(r->a);
    RAC_JSON_PUT(r->a, &inputs, "expressionResult", v);
    if (taken >= x->action->graphs_n || r->plan->graphs[x->action->graphs[taken]].n == 0) {
        x->inputs = inputs;
        ends(r, x, RAC_WF_SUCCEEDED, true);
        return;
    }
    run_started(r, x, inputs, rac_json_none);
    run_frame(r, x, x->action->graphs[taken], 0);
}

static void start_if(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    struct rac_json v;
    if (!run_eval(r, x, x->action->subject, &v, o)) {
        run_end(r, x, o, true);
        return;
    }
    if (v.type != RAC_JSON_BOOL) {
        run_fail(r, o, "BadRequest", "ExpressionEvaluationFailed",
                 "The execution of template action '%.*s' failed: the result of the evaluation of "
                 "'expression' is of type '%s'. The result must be a Boolean.",
                 RAC_FMT(x->action->name), rac_expr_type_name(&v));
        run_end(r, x, o, true);
        return;
    }
    run_branch(r, x, v, v.b ? 0 : 1);
}

static void start_switch(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    struct rac_json v;
    if (!run_eval(r, x, x->action->subject, &v, o)) {
        run_end(r, x, o, true);
        return;
    }
    uint32_t cases = x->action->graphs_n - x->action->has_default, taken = cases;
    for (uint32_t i = 0; i < cases && taken == cases; i++) {
        const struct rac_json *match = r->plan->graphs[x->action->graphs[i]].match;
        if (match != NULL && rac_expr_equal(match, &v))
            taken = i;
    }
    run_branch(r, x, v, taken);
}

/* --- Foreach ---------------------------------------------------------------------------------- */

static void next_iterations(struct rac_run *r, struct rac_wf_record *x)
{
    struct rac_wf_inner *in = x->inner;
    size_t n = rac_json_len(&in->items);
    while (in->open < x->action->repetitions && in->next_item < n && !r->terminated)
        run_frame(r, x, x->action->graphs[0], in->next_item);
}

static void foreach_ends(struct rac_run *r, struct rac_wf_record *x)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < x->inner->frames_n; i++)
        found |= 1u << x->inner->frames[i]->status;
    ends(r, x, worst(found), false);
}

static void start_foreach(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    size_t most = r->plan->workflow->stateless ? FOREACH_ITEMS_MAX_STATELESS : FOREACH_ITEMS_MAX;
    struct rac_json items;
    o->status = RAC_WF_SUCCEEDED;
    o->code = "NotSpecified";
    if (run_eval(r, x, x->action->subject, &items, o)) {
        if (items.type != RAC_JSON_ARRAY)
            run_fail(r, o, "BadRequest", "ExpressionEvaluationFailed",
                     "The execution of template action '%.*s' failed: the result of the evaluation "
                     "of 'foreach' expression is of type '%s'. The result must be a valid array.",
                     RAC_FMT(x->action->name), rac_expr_type_name(&items));
        else if (rac_json_len(&items) > most)
            run_fail(r, o, "BadRequest", "ForeachItemsLimitExceeded",
                     "The loop '%.*s' goes over %zu items; at most %zu are allowed.",
                     RAC_FMT(x->action->name), rac_json_len(&items), most);
    }
    if (o->status == RAC_WF_FAILED || rac_json_len(&items) == 0 ||
        r->plan->graphs[x->action->graphs[0]].n == 0) {
        run_end(r, x, o, true);
        return;
    }
    run_started(r, x, rac_json_none, items);
    next_iterations(r, x);
}

static void iterated(struct rac_run *r, struct rac_wf_record *x)
{
    next_iterations(r, x);
    if (x->inner->open == 0 && x->inner->next_item >= rac_json_len(&x->inner->items) &&
        !run_terminal(x->status))
        foreach_ends(r, x);
}

/* --- Until ------------------------------------------------------------------------------------ */

struct until_limit {
    int64_t count, timeout_ms;
};

static bool whole(const struct rac_json *v, int64_t *out)
{
    if (rac_json_is_string(v))
        return rac_str_to_i64((rac_str){v->s, v->n}, out);
    *out = rac_json_int(v, INT64_MIN);
    return *out != INT64_MIN;
}

/* The limits of the loop; false and *o has failed: they are none. */
static bool until_limit(struct rac_run *r, struct rac_wf_record *x, struct until_limit *out,
                        struct rac_act_result *o)
{
    bool stateless = r->plan->workflow->stateless;
    int64_t most = stateless ? UNTIL_COUNT_MAX_STATELESS : UNTIL_COUNT_MAX;
    struct rac_json v;
    *out = (struct until_limit){60, stateless ? 300000 : 3600000};
    if (x->action->limit == NULL)
        return true;
    if (!run_eval(r, x, x->action->limit, &v, o))
        return false;
    const struct rac_json *count = RAC_JSON_GETI(&v, "count"),
                          *timeout = RAC_JSON_GETI(&v, "timeout");
    if (count != NULL && count->type != RAC_JSON_NULL &&
        (!whole(count, &out->count) || out->count < 1 || out->count > most)) {
        run_fail(r, o, "BadRequest", "InvalidTemplate",
                 "The 'limit.count' of action '%.*s' must be a whole number from 1 to %lld; it is "
                 "'%.*s'.",
                 RAC_FMT(x->action->name), (long long)most, RAC_FMT(rac_run_shown(count, r->a)));
        return false;
    }
    if (timeout != NULL && timeout->type != RAC_JSON_NULL &&
        !rac_time_parse_duration(rac_json_str(timeout, RAC_S("")), &out->timeout_ms)) {
        run_fail(r, o, "BadRequest", "InvalidTemplate",
                 "The 'limit.timeout' of action '%.*s' must be a duration (ISO 8601, PT1H); it is "
                 "'%.*s'.",
                 RAC_FMT(x->action->name), RAC_FMT(rac_run_shown(timeout, r->a)));
        return false;
    }
    return true;
}

/* Whether the loop stops after the iteration f; false and *o has failed: nobody can tell. */
static bool until_judged(struct rac_run *r, struct rac_wf_record *x, struct rac_wf_frame *f,
                         bool *stop, struct rac_act_result *o)
{
    struct rac_wf_record inside = {
        .action = x->action, .frame = f, .status = x->status, .start_ms = x->start_ms};
    struct rac_json v;
    if (!run_eval(r, &inside, x->action->subject, &v, o))
        return false;
    if (v.type != RAC_JSON_BOOL) {
        run_fail(r, o, "BadRequest", "ExpressionEvaluationFailed",
                 "The execution of template action '%.*s' failed: the result of the evaluation of "
                 "its expression is of type '%s'. The result must be true or false.",
                 RAC_FMT(x->action->name), rac_expr_type_name(&v));
        return false;
    }
    *stop = v.b;
    return true;
}

/* Do-while: after each iteration, whether to go on (§3.13). */
static void until_iterated(struct rac_run *r, struct rac_wf_record *x)
{
    struct rac_act_result o = {.status = RAC_WF_SUCCEEDED};
    struct rac_wf_inner *in = x->inner;
    struct rac_wf_frame *last = in->frames[in->frames_n - 1];
    bool stop;
    if (!until_judged(r, x, last, &stop, &o)) {
        run_end(r, x, &o, false);
        return;
    }
    struct until_limit limit;
    if (!until_limit(r, x, &limit, &o)) {
        run_end(r, x, &o, false);
        return;
    }
    bool reached = !stop && (in->frames_n >= (uint64_t)limit.count ||
                             run_now(r) - x->start_ms >= limit.timeout_ms);
    if (!stop && !reached) {
        run_frame(r, x, x->action->graphs[0], in->frames_n);
        return;
    }
    bool fails = reached && (x->action->options & RAC_WF_FAIL_WHEN_LIMITS_REACHED) != 0;
    ends(r, x, fails ? RAC_WF_FAILED : last->status, false);
}

/* An Until around nothing: its iterations leave no trace, so they are only counted. */
static void empty_until(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    struct until_limit limit;
    if (!until_limit(r, x, &limit, o)) {
        run_end(r, x, o, true);
        return;
    }
    struct rac_wf_frame f = {.owner = x, .parent = x->frame, .graph = x->action->graphs[0]};
    bool stop = false;
    o->code = "NotSpecified";
    for (; f.index < limit.count && !stop; f.index++)
        if (!until_judged(r, x, &f, &stop, o))
            break;
    if (o->status != RAC_WF_FAILED && !stop &&
        (x->action->options & RAC_WF_FAIL_WHEN_LIMITS_REACHED) != 0) {
        run_fail(r, o, "ActionFailed", "ActionFailed",
                 "An action failed. No dependent actions succeeded.");
        o->plain = true;
    }
    run_end(r, x, o, true);
}

static void start_until(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    if (r->plan->graphs[x->action->graphs[0]].n == 0) {
        empty_until(r, x, o);
        return;
    }
    struct until_limit limit;
    if (!until_limit(r, x, &limit, o)) { /* before anything is done */
        run_end(r, x, o, true);
        return;
    }
    run_started(r, x, rac_json_none, rac_json_none);
    run_frame(r, x, x->action->graphs[0], 0);
}

void run_frame_done(struct rac_run *r, struct rac_wf_frame *f)
{
    struct rac_wf_record *x = f->owner;
    struct rac_entry e = {
        .kind = RAC_ENTRY_FRAME_END, .frame = f->id, .status = frame_status(r, f)};
    run_emit(r, &e);
    if (x == NULL) {
        root_done(r, f->status);
        return;
    }
    if (run_terminal(x->status)) /* ended from above */
        return;
    switch (x->action->type) {
    case RAC_WF_TYPE_FOREACH:
        iterated(r, x);
        return;
    case RAC_WF_TYPE_UNTIL:
        until_iterated(r, x);
        return;
    default:
        ends(r, x, f->status, false);
    }
}

/* --- Terminate (§3.14) ------------------------------------------------------------------------ */

/* An error is texts (§0), whatever expressions made of its members; of one made of secured values
 * only that it is one. */
static struct rac_json error_of(struct rac_run *r, const struct rac_wf_record *x,
                                const struct rac_json *given)
{
    struct rac_json out = rac_json_none;
    if (!rac_json_is_object(given))
        return out;
    out = rac_json_new_object(r->a);
    RAC_JSON_EACH_MEMBER(m, given)
    {
        struct rac_json v = m->value;
        bool text = rac_str_eqi(rac_json_key(m), RAC_S("code")) ||
                    rac_str_eqi(rac_json_key(m), RAC_S("message"));
        if (text && v.type != RAC_JSON_STRING)
            v = rac_json_of_str(rac_expr_text(&v, r->a));
        rac_json_put(r->a, &out, rac_json_key(m), v);
    }
    out = rac_secure_error(r->plan, run_place(r, x), &out, r->a);
    if (rac_secure_hides(r->plan, run_place(r, x)))
        RAC_JSON_PUT_STR(r->a, &out, "code", RAC_S("Terminated"));
    return out;
}

static void terminate(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    enum rac_wf_status s = RAC_WF_FAILED;
    rac_str word = rac_json_str(RAC_JSON_GETI(&x->inputs, "runStatus"), RAC_S(""));
    const struct rac_json *error = RAC_JSON_GETI(&x->inputs, "runError");
    if (!rac_wf_status_parse(word, &s) ||
        (s != RAC_WF_SUCCEEDED && s != RAC_WF_FAILED && s != RAC_WF_CANCELLED)) {
        run_fail(r, o, "BadRequest", "InvalidTemplate",
                 "The 'runStatus' of action '%.*s' must be Succeeded, Failed or Cancelled.",
                 RAC_FMT(x->action->name));
        run_end(r, x, o, true);
        return;
    }
    struct rac_entry e = {.kind = RAC_ENTRY_ENDED,
                          .frame = x->frame->id,
                          .action = run_place(r, x),
                          .status = RAC_WF_SUCCEEDED,
                          .code = RAC_S("NotSpecified"),
                          .start_ms = x->start_ms,
                          .inputs = run_value(x->inputs)};
    run_emit(r, &e);
    run_close(r, s, "Terminated");
    run_over(r, s, "Terminated", s == RAC_WF_FAILED ? error_of(r, x, error) : rac_json_none);
}

void run_control(struct rac_run *r, struct rac_wf_record *x)
{
    struct rac_act_result o = {.status = RAC_WF_SUCCEEDED};
    switch (x->action->type) {
    case RAC_WF_TYPE_IF:
        start_if(r, x, &o);
        return;
    case RAC_WF_TYPE_SWITCH:
        start_switch(r, x, &o);
        return;
    case RAC_WF_TYPE_FOREACH:
        start_foreach(r, x, &o);
        return;
    case RAC_WF_TYPE_UNTIL:
        start_until(r, x, &o);
        return;
    case RAC_WF_TYPE_TERMINATE:
        terminate(r, x, &o);
        return;
    default: /* Scope */
        run_started(r, x, rac_json_none, rac_json_none);
        run_frame(r, x, x->action->graphs[0], 0);
    }
}
