/*
 * The engine. A record is decided when all it waits for is terminal: it then stands in the queue,
 * and the queue is worked off one record at a time, so that depth of the stack is depth of nesting
 * and never length of a chain.
 */
#include "base/str.h"
#include "base/time.h"
#include "json/json.h"
#include "workflow/run_priv.h"

#include <stdarg.h>

#define CONTROL NULL
static const rac_act acts[] = {
#define ACTION(id, word, fn) fn,
#include "workflow/actions.def"
#undef ACTION
};

/* --- small things ----------------------------------------------------------------------------- */

static bool terminal(enum rac_wf_status s)
{
    return s != RAC_WF_NONE && s != RAC_WF_RUNNING && s != RAC_WF_WAITING;
}

static rac_ms now(const struct rac_run *r)
{
    return rac_env_wall_ms(r->env);
}

struct rac_json run_error(struct rac_run *r, rac_str code, rac_str message)
{
    struct rac_json o = rac_json_new_object(r->a);
    RAC_JSON_PUT_STR(r->a, &o, "code", code);
    RAC_JSON_PUT_STR(r->a, &o, "message", message);
    return o;
}

void run_succeed(struct rac_wf_record *x, const char *code)
{
    x->status = RAC_WF_SUCCEEDED;
    x->code = code;
}

void run_fail(struct rac_run *r, struct rac_wf_record *x, const char *code, const char *error_code,
              const char *fmt, ...)
{
    char message[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    x->status = RAC_WF_FAILED;
    x->code = code;
    x->error = run_error(r, rac_str_of(error_code), rac_arena_str(r->a, rac_str_of(message)));
}

static void push(struct rac_run *r, struct rac_wf_record *x)
{
    if (r->queue_n == r->queue_cap) {
        size_t cap = r->queue_cap ? r->queue_cap * 2 : 64;
        r->queue =
            rac_arena_grow(r->a, r->queue, r->queue_cap * sizeof *r->queue, cap * sizeof *r->queue);
        r->queue_cap = cap;
    }
    r->queue[r->queue_n++] = x;
}

static const struct rac_json *member(const struct rac_json *o, rac_str name)
{
    const struct rac_json *v = rac_json_get(o, name);
    return v != NULL ? v : rac_json_geti(o, name);
}

/* --- records as expressions see them (§3) ----------------------------------------------------- */

static struct rac_json time_json(struct rac_run *r, rac_ms t)
{
    char text[RAC_TIME_TEXT];
    size_t n = rac_time_print(t, text);
    return rac_json_of_str(rac_arena_str(r->a, (rac_str){text, n}));
}

static struct rac_json record_json(struct rac_run *r, const struct rac_wf_record *x, bool full)
{
    struct rac_json o = rac_json_new_object(r->a);
    if (full)
        RAC_JSON_PUT_STR(r->a, &o, "name", x->action->name);
    else
        RAC_JSON_PUT_STR(r->a, &o, "status", rac_str_of(rac_wf_status_word(x->status)));
    if (!full && x->code != NULL)
        RAC_JSON_PUT_STR(r->a, &o, "code", rac_str_of(x->code));
    if (!full && x->error.type != RAC_JSON_NONE)
        RAC_JSON_PUT(r->a, &o, "error", x->error);
    if (x->inputs.type != RAC_JSON_NONE)
        RAC_JSON_PUT(r->a, &o, "inputs", x->inputs);
    if (x->outputs.type != RAC_JSON_NONE)
        RAC_JSON_PUT(r->a, &o, "outputs", x->outputs);
    RAC_JSON_PUT(r->a, &o, "startTime", time_json(r, x->start_ms));
    RAC_JSON_PUT(r->a, &o, "endTime", time_json(r, x->end_ms));
    if (!full)
        return o;
    RAC_JSON_PUT_STR(r->a, &o, "trackingId", rac_arena_str(r->a, rac_str_of(x->tracking_id)));
    RAC_JSON_PUT_STR(r->a, &o, "clientTrackingId", r->name);
    RAC_JSON_PUT_STR(r->a, &o, "status", rac_str_of(rac_wf_status_word(x->status)));
    if (x->code != NULL)
        RAC_JSON_PUT_STR(r->a, &o, "code", rac_str_of(x->code));
    if (x->error.type != RAC_JSON_NONE)
        RAC_JSON_PUT(r->a, &o, "error", x->error);
    return o;
}

/* --- references (§1.7, §3.12, §4.16) ---------------------------------------------------------- */

static uint32_t place_of(struct rac_run *r, rac_str name)
{
    return (uint32_t)(uintptr_t)rac_map_get(&r->by_name, rac_str_lower(r->a, name)) - 1;
}

/* Frames of `graph` seen from `from`: one, or one an iteration when a loop lies between. */
struct seen {
    struct rac_wf_frame **v;
    size_t n, cap;
    bool loop;
};

static void seen_add(struct rac_run *r, struct seen *s, struct rac_wf_frame *f)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 4;
        s->v = rac_arena_grow(r->a, s->v, s->cap * sizeof *s->v, cap * sizeof *s->v);
        s->cap = cap;
    }
    s->v[s->n++] = f;
}

static void frames_of(struct rac_run *r, struct rac_wf_frame *from, uint32_t graph,
                      struct seen *out)
{
    for (struct rac_wf_frame *f = from; f != NULL; f = f->parent)
        if (f->graph == graph) {
            seen_add(r, out, f);
            return;
        }
    uint32_t owner = r->plan->graphs[graph].owner;
    if (owner == UINT32_MAX)
        return;
    const struct rac_wf_action *holder = &r->plan->actions[owner];
    struct seen outer = {0};
    frames_of(r, from, holder->graph, &outer);
    out->loop |= outer.loop || holder->type == RAC_WF_TYPE_FOREACH;
    for (size_t i = 0; i < outer.n; i++) {
        const struct rac_wf_record *x = &outer.v[i]->records[holder->order];
        uint32_t first = holder->type == RAC_WF_TYPE_UNTIL && x->frames_n > 0 ? x->frames_n - 1 : 0;
        for (uint32_t k = first; k < x->frames_n; k++)
            if (x->frames[k] != NULL && x->frames[k]->graph == graph)
                seen_add(r, out, x->frames[k]);
    }
}

static bool get_action(struct rac_run *r, rac_str name, struct rac_json *out)
{
    uint32_t at = place_of(r, name);
    if (at == UINT32_MAX)
        return false;
    const struct rac_wf_action *action = &r->plan->actions[at];
    struct seen s = {0};
    frames_of(r, r->current ? r->current->frame : r->root, action->graph, &s);
    if (!s.loop) {
        if (s.n == 0 || !terminal(s.v[0]->records[action->order].status))
            return false;
        *out = record_json(r, &s.v[0]->records[action->order], true);
        return true;
    }
    *out = rac_json_new_array(r->a);
    for (size_t i = 0; i < s.n; i++)
        rac_json_add(r->a, out, record_json(r, &s.v[i]->records[action->order], true));
    return true;
}

static bool get_result(struct rac_run *r, rac_str name, struct rac_json *out)
{
    uint32_t at = place_of(r, name);
    if (at == UINT32_MAX || r->plan->actions[at].graphs_n == 0)
        return false;
    const struct rac_wf_action *action = &r->plan->actions[at];
    struct seen s = {0};
    frames_of(r, r->current ? r->current->frame : r->root, action->graph, &s);
    *out = rac_json_new_array(r->a);
    for (size_t i = 0; i < s.n; i++) {
        const struct rac_wf_record *x = &s.v[i]->records[action->order];
        for (uint32_t k = 0; k < x->frames_n; k++)
            for (uint32_t n = 0; x->frames[k] != NULL && n < r->plan->graphs[x->frames[k]->graph].n;
                 n++)
                rac_json_add(r->a, out, record_json(r, &x->frames[k]->records[n], true));
    }
    return s.n > 0;
}

/* The iteration of a loop that encloses the current action. */
static struct rac_wf_frame *enclosing(struct rac_run *r, rac_str name, enum rac_wf_type type)
{
    struct rac_wf_frame *f = r->current ? r->current->frame : NULL;
    for (; f != NULL && f->owner != NULL; f = f->parent)
        if (f->owner->action->type == type &&
            (name.p == NULL || rac_str_eqi(f->owner->action->name, name)))
            return f;
    return NULL;
}

static bool get_item(struct rac_run *r, struct rac_json *out)
{
    if (r->has_item) {
        *out = r->item;
        return true;
    }
    const struct rac_wf_frame *f = enclosing(r, RAC_STR_NULL, RAC_WF_TYPE_FOREACH);
    if (f != NULL)
        *out = f->item;
    return f != NULL;
}

static bool get_parameter(struct rac_run *r, rac_str name, struct rac_json *out)
{
    const struct rac_json *v = member(&r->parameters, name);
    if (v != NULL)
        *out = *v;
    return v != NULL;
}

static struct rac_json workflow_json(struct rac_run *r)
{
    struct rac_json o = rac_json_new_object(r->a), run = rac_json_new_object(r->a);
    rac_str name = r->plan->workflow->name;
    rac_str id = rac_arena_printf(r->a, "/workflows/%.*s", RAC_FMT(name));
    RAC_JSON_PUT_STR(r->a, &o, "id", id);
    RAC_JSON_PUT_STR(r->a, &o, "name", name);
    RAC_JSON_PUT_STR(r->a, &o, "type", RAC_S("Microsoft.Logic/workflows"));
    RAC_JSON_PUT_STR(r->a, &o, "location", RAC_S("local"));
    RAC_JSON_PUT(r->a, &o, "tags", rac_json_new_object(r->a));
    RAC_JSON_PUT_STR(r->a, &run, "id",
                     rac_arena_printf(r->a, "%.*s/runs/%.*s", RAC_FMT(id), RAC_FMT(r->name)));
    RAC_JSON_PUT_STR(r->a, &run, "name", r->name);
    RAC_JSON_PUT_STR(r->a, &run, "type", RAC_S("Microsoft.Logic/workflows/runs"));
    RAC_JSON_PUT(r->a, &o, "run", run);
    return o;
}

static bool get_loop(struct rac_run *r, enum rac_expr_ref ref, rac_str name, struct rac_json *out)
{
    bool until = ref == RAC_EXPR_REF_ITERATION_INDEXES;
    const struct rac_wf_frame *f =
        enclosing(r, name, until ? RAC_WF_TYPE_UNTIL : RAC_WF_TYPE_FOREACH);
    if (f != NULL)
        *out = until ? rac_json_of_int(f->index) : f->item;
    return f != NULL;
}

static bool get(void *self, enum rac_expr_ref ref, rac_str name, struct rac_arena *a RAC_UNUSED,
                struct rac_json *out)
{
    struct rac_run *r = self;
    const struct variable *v;
    switch (ref) {
    case RAC_EXPR_REF_TRIGGER:
        *out = r->trigger;
        return true;
    case RAC_EXPR_REF_ACTIONS:
        return get_action(r, name, out);
    case RAC_EXPR_REF_ACTION:
        if (r->current != NULL)
            *out = record_json(r, r->current, true);
        return r->current != NULL;
    case RAC_EXPR_REF_VARIABLES:
        v = rac_map_get(&r->variables, rac_str_lower(r->a, name));
        if (v != NULL)
            *out = v->value;
        return v != NULL;
    case RAC_EXPR_REF_PARAMETERS:
        return get_parameter(r, name, out);
    case RAC_EXPR_REF_ITEM:
        return get_item(r, out);
    case RAC_EXPR_REF_ITEMS:
    case RAC_EXPR_REF_ITERATION_INDEXES:
        return get_loop(r, ref, name, out);
    case RAC_EXPR_REF_RESULT:
        return get_result(r, name, out);
    case RAC_EXPR_REF_WORKFLOW:
        *out = workflow_json(r);
        return true;
    case RAC_EXPR_REF_APPSETTING:
        if (rac_json_get(&r->plan->workflow->settings, name) == NULL)
            return false;
        *out = *rac_json_get(&r->plan->workflow->settings, name);
        return true;
    case RAC_EXPR_REF_CALLBACK_URL:
        return false;
    }
    return false;
}

bool run_try(struct rac_run *r, struct rac_wf_record *x, const struct rac_expr *e,
             struct rac_json *out, rac_str *why)
{
    struct rac_expr_scope scope = {get, r};
    struct rac_expr_run run = {.scope = &scope, .env = r->env, .a = r->a};
    struct rac_wf_record *before = r->current;
    r->current = x;
    rac_err err = e != NULL ? rac_expr_eval(e, &run, out) : RAC_OK;
    r->current = before;
    if (e == NULL)
        *out = rac_json_none;
    *why = run.error.message;
    return err == RAC_OK;
}

bool run_eval(struct rac_run *r, struct rac_wf_record *x, const struct rac_expr *e,
              struct rac_json *out)
{
    rac_str why;
    if (run_try(r, x, e, out, &why))
        return true;
    run_fail(r, x, "BadRequest", "InvalidTemplate",
             "Unable to process template language expressions in action '%.*s' inputs at line '0' "
             "and column '0': '%.*s'.",
             RAC_FMT(x->action->name), RAC_FMT(why));
    return false;
}

/* --- frames ----------------------------------------------------------------------------------- */

static struct rac_wf_frame *frame_new(struct rac_run *r, struct rac_wf_record *owner,
                                      uint32_t graph, uint32_t index)
{
    const struct rac_wf_graph *g = &r->plan->graphs[graph];
    struct rac_wf_frame *f = RAC_NEW(r->a, struct rac_wf_frame);
    *f = (struct rac_wf_frame){.graph = graph,
                               .index = index,
                               .parent = owner ? owner->frame : NULL,
                               .owner = owner,
                               .open = g->n};
    f->records = RAC_NEW_N(r->a, struct rac_wf_record, g->n);
    for (uint32_t i = 0; i < g->n; i++) {
        f->records[i].action = &r->plan->actions[g->actions[i]];
        f->records[i].frame = f;
    }
    if (owner != NULL) {
        if (owner->frames_n == owner->frames_cap) {
            uint32_t cap = owner->frames_cap ? owner->frames_cap * 2 : 2;
            owner->frames =
                rac_arena_grow(r->a, owner->frames, owner->frames_cap * sizeof *owner->frames,
                               cap * sizeof *owner->frames);
            owner->frames_cap = cap;
        }
        owner->frames[owner->frames_n++] = f;
    }
    return f;
}

static void frame_finished(struct rac_run *r, struct rac_wf_frame *f);

static void frame_start(struct rac_run *r, struct rac_wf_frame *f)
{
    const struct rac_wf_graph *g = &r->plan->graphs[f->graph];
    for (uint32_t i = 0; i < g->n; i++)
        if (f->records[i].action->after_n == 0)
            push(r, &f->records[i]);
    if (g->n == 0)
        frame_finished(r, f);
}

static bool decidable(const struct rac_wf_record *x, const struct rac_run *r)
{
    for (uint32_t i = 0; i < x->action->after_n; i++) {
        const struct rac_wf_action *before = &r->plan->actions[x->action->after[i].action];
        if (!terminal(x->frame->records[before->order].status))
            return false;
    }
    return true;
}

static void finish(struct rac_run *r, struct rac_wf_record *x)
{
    struct rac_wf_frame *f = x->frame;
    x->end_ms = now(r);
    RAC_ASSERT(f->open > 0 && terminal(x->status));
    f->open--;
    for (uint32_t i = 0; i < x->action->next_n; i++) {
        struct rac_wf_record *next = &f->records[r->plan->actions[x->action->next[i]].order];
        if (next->status == RAC_WF_NONE && decidable(next, r))
            push(r, next);
    }
    if (f->open == 0)
        frame_finished(r, f);
}

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

static enum rac_wf_status frame_status(struct rac_run *r, const struct rac_wf_frame *f)
{
    uint32_t found = 0, n = r->plan->graphs[f->graph].n;
    bool *visited = RAC_NEW_N(r->a, bool, n);
    for (uint32_t i = 0; i < n; i++)
        if (f->records[i].action->next_n == 0)
            leaves_of(r, f, i, visited, &found);
    return found & 1u << RAC_WF_FAILED      ? RAC_WF_FAILED
           : found & 1u << RAC_WF_TIMED_OUT ? RAC_WF_TIMED_OUT
           : found & 1u << RAC_WF_CANCELLED ? RAC_WF_CANCELLED
                                            : RAC_WF_SUCCEEDED;
}

static void container_ends(struct rac_run *r, struct rac_wf_record *x, enum rac_wf_status s)
{
    x->status = s;
    x->code = "NotSpecified";
    if (s == RAC_WF_FAILED) {
        x->code = "ActionFailed";
        x->error = run_error(r, RAC_S("ActionFailed"),
                             RAC_S("An action failed. No dependent actions succeeded."));
    } else if (s == RAC_WF_TIMED_OUT) {
        x->code = "ActionTimedOut";
    }
    finish(r, x);
}

/* --- skipping (§4.3) -------------------------------------------------------------------------- */

static void mark_skipped(struct rac_run *r, struct rac_wf_record *x, const char *code,
                         rac_str message)
{
    x->status = RAC_WF_SKIPPED;
    x->code = "ActionSkipped";
    x->start_ms = now(r);
    x->error = run_error(r, rac_str_of(code), message);
}

static void skip_frame(struct rac_run *r, struct rac_wf_frame *f,
                       const struct rac_wf_record *holder);

static void skip_children(struct rac_run *r, struct rac_wf_record *x)
{
    for (uint32_t i = 0; i < x->action->graphs_n; i++)
        skip_frame(r, frame_new(r, x, x->action->graphs[i], 0), x);
}

static rac_str not_satisfied(struct rac_run *r, const struct rac_wf_record *x)
{
    rac_str expected = RAC_S("");
    for (uint32_t i = 0; i < x->action->after_n; i++) {
        const struct rac_wf_edge *e = &x->action->after[i];
        const struct rac_wf_record *before = &x->frame->records[r->plan->actions[e->action].order];
        if (e->statuses & 1u << before->status)
            continue;
        for (unsigned s = 1; s < RAC_WF_STATUSES; s++)
            if (e->statuses & 1u << s)
                expected = rac_arena_printf(r->a, "%.*s%s%s", RAC_FMT(expected),
                                            expected.n > 0 ? ", " : "",
                                            rac_wf_status_word((enum rac_wf_status)s));
        return rac_arena_printf(r->a,
                                "The execution of template action '%.*s' is skipped: the "
                                "'runAfter' condition for action '%.*s' is not satisfied. Expected "
                                "status values '%.*s' and actual value '%s'.",
                                RAC_FMT(x->action->name), RAC_FMT(before->action->name),
                                RAC_FMT(expected), rac_wf_status_word(before->status));
    }
    return RAC_STR_NULL;
}

/* Every action of a graph that does not run; holder NULL: a branch not taken. */
static void skip_frame(struct rac_run *r, struct rac_wf_frame *f,
                       const struct rac_wf_record *holder)
{
    uint32_t n = r->plan->graphs[f->graph].n, left = n;
    bool *done = RAC_NEW_N(r->a, bool, n);
    while (left > 0) /* in the order of runAfter, so that a message can name a predecessor */
        for (uint32_t i = 0; i < n; i++) {
            struct rac_wf_record *x = &f->records[i];
            rac_str name = x->action->name;
            if (done[i] || !decidable(x, r))
                continue;
            if (x->action->after_n > 0)
                mark_skipped(r, x, "ActionConditionFailed",
                             not_satisfied(r, x).p != NULL
                                 ? not_satisfied(r, x)
                                 : rac_arena_printf(r->a,
                                                    "The execution of template action '%.*s' is "
                                                    "skipped.",
                                                    RAC_FMT(name)));
            else if (holder == NULL)
                mark_skipped(
                    r, x, "ActionBranchingConditionNotSatisfied",
                    rac_arena_printf(r->a,
                                     "The execution of template action '%.*s' skipped: the "
                                     "branching condition for this action is not "
                                     "satisfied.",
                                     RAC_FMT(name)));
            else
                mark_skipped(r, x, "ActionDependencyFailed",
                             rac_arena_printf(r->a,
                                              "The execution of template action '%.*s' is skipped: "
                                              "dependant action '%.*s' completed with status '%s' "
                                              "and code '%s'.",
                                              RAC_FMT(name), RAC_FMT(holder->action->name),
                                              rac_wf_status_word(holder->status), holder->code));
            x->end_ms = x->start_ms;
            done[i] = true;
            left--;
            skip_children(r, x);
        }
    f->open = 0;
    f->status = RAC_WF_SKIPPED;
}

/* --- control actions -------------------------------------------------------------------------- */

static void run_branch(struct rac_run *r, struct rac_wf_record *x, uint32_t taken)
{
    x->open = 0;
    for (uint32_t i = 0; i < x->action->graphs_n; i++) {
        struct rac_wf_frame *f = frame_new(r, x, x->action->graphs[i], 0);
        if (i == taken)
            x->open = 1;
        else
            skip_frame(r, f, NULL);
    }
    if (taken >= x->action->graphs_n) {
        container_ends(r, x, RAC_WF_SUCCEEDED);
        return;
    }
    frame_start(r, x->frames[taken]);
}

static void start_if(struct rac_run *r, struct rac_wf_record *x)
{
    struct rac_json v;
    if (!run_eval(r, x, x->action->subject, &v)) {
        skip_children(r, x);
        finish(r, x);
        return;
    }
    if (v.type != RAC_JSON_BOOL) {
        run_fail(r, x, "BadRequest", "ExpressionEvaluationFailed",
                 "The execution of template action '%.*s' failed: the result of the evaluation of "
                 "'expression' is of type '%s'. The result must be a Boolean.",
                 RAC_FMT(x->action->name), rac_expr_type_name(&v));
        skip_children(r, x);
        finish(r, x);
        return;
    }
    x->inputs = rac_json_new_object(r->a);
    RAC_JSON_PUT(r->a, &x->inputs, "expressionResult", v);
    run_branch(r, x, v.b ? 0 : 1);
}

static void start_switch(struct rac_run *r, struct rac_wf_record *x)
{
    struct rac_json v;
    if (!run_eval(r, x, x->action->subject, &v)) {
        skip_children(r, x);
        finish(r, x);
        return;
    }
    x->inputs = rac_json_new_object(r->a);
    RAC_JSON_PUT(r->a, &x->inputs, "expressionResult", v);
    uint32_t cases = x->action->graphs_n - x->action->has_default, taken = cases;
    for (uint32_t i = 0; i < cases && taken == cases; i++) {
        const struct rac_json *match = r->plan->graphs[x->action->graphs[i]].match;
        if (match != NULL && rac_expr_equal(match, &v))
            taken = i;
    }
    run_branch(r, x, taken);
}

static void next_iterations(struct rac_run *r, struct rac_wf_record *x)
{
    size_t n = rac_json_len(&x->items);
    while (x->open < x->action->repetitions && x->next_item < n && !r->terminated) {
        struct rac_wf_frame *f = frame_new(r, x, x->action->graphs[0], x->next_item);
        f->has_item = true;
        f->item = *rac_json_at(&x->items, x->next_item++);
        x->open++;
        frame_start(r, f);
    }
}

static void foreach_ends(struct rac_run *r, struct rac_wf_record *x)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < x->frames_n; i++)
        found |= 1u << x->frames[i]->status;
    container_ends(r, x,
                   found & 1u << RAC_WF_FAILED      ? RAC_WF_FAILED
                   : found & 1u << RAC_WF_TIMED_OUT ? RAC_WF_TIMED_OUT
                   : found & 1u << RAC_WF_CANCELLED ? RAC_WF_CANCELLED
                                                    : RAC_WF_SUCCEEDED);
}

enum { FOREACH_ITEMS_MAX = 100000, FOREACH_ITEMS_MAX_STATELESS = 100, UNTIL_COUNT_MAX = 5000 };

static void start_foreach(struct rac_run *r, struct rac_wf_record *x)
{
    size_t most = r->plan->workflow->stateless ? FOREACH_ITEMS_MAX_STATELESS : FOREACH_ITEMS_MAX;
    if (run_eval(r, x, x->action->subject, &x->items)) {
        if (x->items.type != RAC_JSON_ARRAY)
            run_fail(r, x, "BadRequest", "ExpressionEvaluationFailed",
                     "The execution of template action '%.*s' failed: the result of the evaluation "
                     "of 'foreach' expression is of type '%s'. The result must be a valid array.",
                     RAC_FMT(x->action->name), rac_expr_type_name(&x->items));
        else if (rac_json_len(&x->items) > most)
            run_fail(r, x, "BadRequest", "ForeachItemsLimitExceeded",
                     "The loop '%.*s' goes over %zu items; at most %zu are allowed.",
                     RAC_FMT(x->action->name), rac_json_len(&x->items), most);
    }
    if (terminal(x->status)) {
        skip_children(r, x);
        finish(r, x);
        return;
    }
    if (rac_json_len(&x->items) == 0) {
        skip_children(r, x);
        container_ends(r, x, RAC_WF_SUCCEEDED);
        return;
    }
    if (r->plan->graphs[x->action->graphs[0]].n == 0) { /* nothing to do for each */
        container_ends(r, x, RAC_WF_SUCCEEDED);
        return;
    }
    next_iterations(r, x);
}

static void start_until(struct rac_run *r, struct rac_wf_record *x)
{
    struct rac_wf_frame *f = frame_new(r, x, x->action->graphs[0], x->frames_n);
    x->open = 1;
    frame_start(r, f);
}

static int64_t until_count(struct rac_run *r, struct rac_wf_record *x)
{
    const struct rac_json *limit = member(x->action->node, RAC_S("limit")),
                          *count = member(limit, RAC_S("count"));
    const struct rac_expr *e;
    struct rac_json v;
    rac_str why;
    int64_t n = rac_json_int(count, 60);
    if (rac_json_is_string(count) &&
        rac_expr_compile(rac_json_str(count, RAC_S("")), 0, r->a, &e, NULL) == RAC_OK &&
        run_try(r, x, e, &v, &why)) {
        n = rac_json_int(&v, 60);
        if (v.type == RAC_JSON_STRING && !rac_str_to_i64((rac_str){v.s, v.n}, &n))
            n = 60;
    }
    return n < 1 ? 1 : n > UNTIL_COUNT_MAX ? UNTIL_COUNT_MAX : n;
}

/* Do-while: after each iteration, its status and whether to go on (§3.13). */
static void until_iterated(struct rac_run *r, struct rac_wf_record *x)
{
    const struct rac_json *limit = member(x->action->node, RAC_S("limit"));
    struct rac_wf_frame *last = x->frames[x->frames_n - 1];
    struct rac_json v;
    int64_t timeout_ms;
    struct rac_wf_record inside = {.action = x->action, .frame = last};
    if (!rac_time_parse_duration(rac_json_str(member(limit, RAC_S("timeout")), RAC_S("PT1H")),
                                 &timeout_ms))
        timeout_ms = 3600000;
    if (!run_eval(r, &inside, x->action->subject, &v)) {
        x->status = inside.status;
        x->code = inside.code;
        x->error = inside.error;
        finish(r, x);
        return;
    }
    bool stop = v.type == RAC_JSON_BOOL && v.b;
    bool limit_reached = !stop && (x->frames_n >= (uint64_t)until_count(r, x) ||
                                   now(r) - x->start_ms >= timeout_ms || r->terminated);
    if (!stop && !limit_reached) {
        start_until(r, x);
        return;
    }
    const struct rac_json *options = member(x->action->node, RAC_S("operationOptions"));
    bool fails = limit_reached && rac_str_findi(rac_json_str(options, RAC_S("")),
                                                RAC_S("FailWhenLimitsReached")) != RAC_STR_NPOS;
    container_ends(r, x, fails ? RAC_WF_FAILED : last->status);
}

static void frame_finished(struct rac_run *r, struct rac_wf_frame *f)
{
    struct rac_wf_record *x = f->owner;
    f->status = frame_status(r, f);
    if (x == NULL) {
        if (!r->terminated)
            r->status = f->status;
        return;
    }
    if (terminal(x->status)) /* ended from above */
        return;
    x->open--;
    switch (x->action->type) {
    case RAC_WF_TYPE_FOREACH:
        next_iterations(r, x);
        if (x->open == 0 && x->next_item == rac_json_len(&x->items) && !terminal(x->status))
            foreach_ends(r, x);
        return;
    case RAC_WF_TYPE_UNTIL:
        until_iterated(r, x);
        return;
    default:
        container_ends(r, x, f->status);
    }
}

/* --- terminate (§3.14) ------------------------------------------------------------------------ */

static void end_open(struct rac_run *r, struct rac_wf_frame *f)
{
    for (uint32_t i = 0; i < r->plan->graphs[f->graph].n; i++) {
        struct rac_wf_record *x = &f->records[i];
        for (uint32_t k = 0; k < x->frames_n; k++)
            end_open(r, x->frames[k]);
        if (terminal(x->status))
            continue;
        bool started = x->status != RAC_WF_NONE;
        x->status = started ? RAC_WF_CANCELLED : RAC_WF_SKIPPED;
        x->code = "Terminated";
        x->end_ms = now(r);
        x->start_ms = started ? x->start_ms : x->end_ms;
    }
    f->open = 0;
}

static void terminate(struct rac_run *r, struct rac_wf_record *x)
{
    enum rac_wf_status s = RAC_WF_FAILED;
    rac_str word = rac_json_str(member(&x->inputs, RAC_S("runStatus")), RAC_S(""));
    if (!rac_wf_status_parse(word, &s) ||
        (s != RAC_WF_SUCCEEDED && s != RAC_WF_FAILED && s != RAC_WF_CANCELLED)) {
        run_fail(r, x, "BadRequest", "InvalidTemplate",
                 "The 'runStatus' of action '%.*s' must be Succeeded, Failed or Cancelled.",
                 RAC_FMT(x->action->name));
        finish(r, x);
        return;
    }
    const struct rac_json *error = member(&x->inputs, RAC_S("runError"));
    run_succeed(x, "NotSpecified");
    x->end_ms = now(r);
    r->terminated = true;
    r->status = s;
    r->code = "Terminated";
    if (s == RAC_WF_FAILED && error != NULL)
        r->error = *error;
    end_open(r, r->root);
    r->queue_head = r->queue_n;
}

/* --- executing -------------------------------------------------------------------------------- */

static bool answered(struct rac_run *r, struct rac_wf_record *x)
{
    uint32_t at = (uint32_t)(x->action - r->plan->actions);
    enum rac_wf_status status = RAC_WF_SUCCEEDED;
    const char *code = "OK";
    if (r->host == NULL || !r->host->answer(r->host->self, x->action, r->executions[at], r->a,
                                            &status, &code, &x->outputs, &x->error))
        return false;
    r->executions[at]++;
    x->status = status;
    x->code = code;
    return true;
}

static void execute(struct rac_run *r, struct rac_wf_record *x)
{
    x->status = RAC_WF_RUNNING;
    x->start_ms = now(r);
    rac_env_uuid(r->env, x->tracking_id);
    switch (x->action->type) {
    case RAC_WF_TYPE_SCOPE:
        x->open = 1;
        frame_start(r, frame_new(r, x, x->action->graphs[0], 0));
        return;
    case RAC_WF_TYPE_IF:
        start_if(r, x);
        return;
    case RAC_WF_TYPE_SWITCH:
        start_switch(r, x);
        return;
    case RAC_WF_TYPE_FOREACH:
        start_foreach(r, x);
        return;
    case RAC_WF_TYPE_UNTIL:
        start_until(r, x);
        return;
    default:
        break;
    }
    if (answered(r, x)) {
        finish(r, x);
        return;
    }
    if (run_eval(r, x, x->action->inputs, &x->inputs)) {
        if (x->action->type == RAC_WF_TYPE_TERMINATE) {
            terminate(r, x);
            return;
        }
        if (x->action->type < RAC_WF_TYPES)
            acts[x->action->type](r, x);
        else
            run_fail(r, x, "ActionTypeNotSupported", "ActionTypeNotSupported",
                     "The action type '%.*s' of action '%.*s' is not supported by this host.",
                     RAC_FMT(x->action->type_word), RAC_FMT(x->action->name));
    }
    finish(r, x);
}

static void decide(struct rac_run *r, struct rac_wf_record *x)
{
    if (x->status != RAC_WF_NONE)
        return;
    rac_str why = not_satisfied(r, x);
    if (why.p == NULL) {
        execute(r, x);
        return;
    }
    mark_skipped(r, x, "ActionConditionFailed", why);
    skip_children(r, x);
    finish(r, x);
}

/* --- start and end ---------------------------------------------------------------------------- */

static void bind_parameters(struct rac_run *r, const struct rac_json *over)
{
    const struct rac_json *declared = member(r->plan->workflow->definition, RAC_S("parameters"));
    r->parameters = rac_json_new_object(r->a);
    RAC_JSON_EACH_MEMBER(m, declared)
    {
        const struct rac_json *v = member(&m->value, RAC_S("defaultValue"));
        rac_json_put(r->a, &r->parameters, rac_json_key(m), v ? *v : rac_json_of_null());
    }
    RAC_JSON_EACH_MEMBER(m, &r->plan->workflow->parameters)
    {
        const struct rac_json *v = member(&m->value, RAC_S("value"));
        if (v != NULL)
            rac_json_put(r->a, &r->parameters, rac_json_key(m), *v);
    }
    RAC_JSON_EACH_MEMBER(m, over)
    rac_json_put(r->a, &r->parameters, rac_json_key(m), m->value);
}

/* D20 R9 CU 00 (§4.14): newest first in any listing. */
static rac_str run_name(struct rac_run *r)
{
    uint64_t random;
    rac_env_random(r->env, &random, sizeof random);
    uint64_t ticks = (uint64_t)now(r) * 10000 + 621355968000000000u;
    return rac_arena_printf(r->a, "%020llu%09lluCU00",
                            (unsigned long long)((uint64_t)INT64_MAX - ticks),
                            (unsigned long long)(random % 1000000000u));
}

static void bind_trigger(struct rac_run *r, const struct rac_json *outputs)
{
    r->trigger = rac_json_new_object(r->a);
    RAC_JSON_PUT_STR(r->a, &r->trigger, "name", r->plan->trigger_name);
    if (outputs != NULL)
        RAC_JSON_PUT(r->a, &r->trigger, "outputs", *outputs);
    RAC_JSON_PUT(r->a, &r->trigger, "startTime", time_json(r, now(r)));
    RAC_JSON_PUT(r->a, &r->trigger, "endTime", time_json(r, now(r)));
    RAC_JSON_PUT_STR(r->a, &r->trigger, "trackingId", rac_str_of(r->tracking_id));
    RAC_JSON_PUT_STR(r->a, &r->trigger, "clientTrackingId", r->name);
    RAC_JSON_PUT_STR(r->a, &r->trigger, "originHistoryName", r->name);
    RAC_JSON_PUT_STR(r->a, &r->trigger, "status", RAC_S("Succeeded"));
}

static void end_of_run(struct rac_run *r)
{
    rac_str why;
    struct rac_json v;
    if (r->status == RAC_WF_FAILED && !r->terminated) {
        r->code = "ActionFailed";
        r->error = run_error(r, RAC_S("ActionFailed"),
                             RAC_S("An action failed. No dependent actions succeeded."));
    }
    r->outputs = rac_json_new_object(r->a);
    if (r->plan->outputs != NULL && run_try(r, NULL, r->plan->outputs, &v, &why))
        r->outputs = v;
}

struct rac_run *rac_run_start(const struct rac_plan *p, const struct rac_run_options *o,
                              struct rac_arena *a)
{
    struct rac_run *r = RAC_NEW(a, struct rac_run);
    *r = (struct rac_run){.plan = p,
                          .a = a,
                          .env = o->env,
                          .host = o->host,
                          .caller_waits = o->caller_waits,
                          .status = RAC_WF_RUNNING};
    rac_map_init(&r->variables, a);
    rac_map_init(&r->by_name, a);
    for (uint32_t i = 0; i < p->actions_n; i++)
        rac_map_put(&r->by_name, rac_str_lower(a, p->actions[i].name), (void *)(uintptr_t)(i + 1));
    r->executions = RAC_NEW_N(a, uint32_t, p->actions_n);
    rac_env_uuid(r->env, r->tracking_id);
    r->name = run_name(r);
    bind_parameters(r, o->parameters);
    bind_trigger(r, o->trigger);
    r->root = frame_new(r, NULL, 0, 0);
    frame_start(r, r->root);
    while (r->queue_head < r->queue_n) {
        decide(r, r->queue[r->queue_head++]);
        if (r->queue_head == r->queue_n)
            r->queue_head = r->queue_n = 0;
    }
    end_of_run(r);
    return r;
}

enum rac_wf_status rac_run_status(const struct rac_run *r)
{
    return r->status;
}

const struct rac_json *rac_run_error(const struct rac_run *r)
{
    return &r->error;
}

const struct rac_json *rac_run_response(const struct rac_run *r)
{
    return &r->response;
}

const struct rac_wf_frame *rac_run_root(const struct rac_run *r)
{
    return r->root;
}

/* --- the result as JSON ----------------------------------------------------------------------- */

/* Every frame in which an action stands, in order of iterations. */
static void collect(struct rac_run *r, const struct rac_wf_frame *f, uint32_t at, struct seen *out)
{
    const struct rac_wf_graph *g = &r->plan->graphs[f->graph];
    if (f->graph == r->plan->actions[at].graph) {
        seen_add(r, out, (struct rac_wf_frame *)(uintptr_t)f);
        return;
    }
    for (uint32_t i = 0; i < g->n; i++)
        for (uint32_t k = 0; k < f->records[i].frames_n; k++)
            collect(r, f->records[i].frames[k], at, out);
}

struct rac_json rac_run_json(struct rac_run *r, struct rac_arena *a)
{
    struct rac_json o = rac_json_new_object(a), actions = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "status", rac_str_of(rac_wf_status_word(r->status)));
    if (r->error.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, &o, "error", r->error);
    RAC_JSON_PUT(a, &o, "outputs", r->outputs);
    if (r->response.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, &o, "response", r->response);
    RAC_JSON_PUT(a, &o, "trigger", r->trigger);
    for (uint32_t i = 0; i < r->plan->actions_n; i++) {
        const struct rac_wf_action *x = &r->plan->actions[i];
        struct seen s = {0};
        collect(r, r->root, i, &s);
        if (s.n == 0)
            continue;
        struct rac_json v = record_json(r, &s.v[s.n - 1]->records[x->order], false);
        if (s.n > 1) {
            struct rac_json list = rac_json_new_array(a);
            for (size_t k = 0; k < s.n; k++)
                rac_json_add(a, &list, record_json(r, &s.v[k]->records[x->order], false));
            RAC_JSON_PUT(a, &v, "repetitions", list);
        }
        rac_json_put(a, &actions, x->name, v);
    }
    RAC_JSON_PUT(a, &o, "actions", actions);
    return o;
}
