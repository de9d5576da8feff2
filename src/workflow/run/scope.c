/* What expressions of a run refer to (spec workflows §1.7, §3, §3.12, §4.16). */
#include "base/str.h"
#include "base/time.h"
#include "workflow/run/run_priv.h"
#include "workflow/definition/trigger.h"

/* --- records as expressions see them (§3) ----------------------------------------------------- */

static struct rac_json time_json(struct rac_run *r, rac_ms t)
{
    char text[RAC_TIME_TEXT];
    size_t n = rac_time_print(t, text);
    return rac_json_of_str(rac_arena_str(r->a, (rac_str){text, n}));
}

/* The error object of a record, those of skipped ones included; NONE: none. */
static struct rac_json record_error(const struct rac_run *r, const struct rac_wf_record *x,
                                    struct rac_arena *a)
{
    struct rac_skipped s = {x->reason, x->other, x->other_status, NULL};
    if (x->status == RAC_WF_SKIPPED && x->reason != RAC_SKIP_NONE && x->error.type == RAC_JSON_NONE)
        return rac_skip_error(r->plan, x->action, &s, a);
    return x->error;
}

struct rac_json run_record_json(struct rac_run *r, const struct rac_wf_record *x, bool full)
{
    char id[37];
    struct rac_json o = rac_json_new_object(r->a), error = record_error(r, x, r->a);
    if (full)
        RAC_JSON_PUT_STR(r->a, &o, "name", x->action->name);
    else
        RAC_JSON_PUT_STR(r->a, &o, "status", rac_str_of(rac_wf_status_word(x->status)));
    if (!full && x->code != NULL)
        RAC_JSON_PUT_STR(r->a, &o, "code", rac_str_of(x->code));
    if (!full && error.type != RAC_JSON_NONE)
        RAC_JSON_PUT(r->a, &o, "error", error);
    if (x->inputs.type != RAC_JSON_NONE)
        RAC_JSON_PUT(r->a, &o, "inputs", x->inputs);
    if (x->outputs.type != RAC_JSON_NONE)
        RAC_JSON_PUT(r->a, &o, "outputs", x->outputs);
    if (x->inner != NULL && x->inner->tracked.type != RAC_JSON_NONE)
        RAC_JSON_PUT(r->a, &o, "trackedProperties", x->inner->tracked);
    RAC_JSON_PUT(r->a, &o, "startTime", time_json(r, x->start_ms));
    if (run_terminal(x->status))
        RAC_JSON_PUT(r->a, &o, "endTime", time_json(r, x->end_ms));
    if (!full)
        return o;
    rac_run_record_id(r, x, RAC_RUN_ID_ACTION, id);
    RAC_JSON_PUT_STR(r->a, &o, "trackingId", rac_arena_str(r->a, (rac_str){id, 36}));
    RAC_JSON_PUT_STR(r->a, &o, "clientTrackingId", r->tracking);
    RAC_JSON_PUT_STR(r->a, &o, "status", rac_str_of(rac_wf_status_word(x->status)));
    if (x->code != NULL)
        RAC_JSON_PUT_STR(r->a, &o, "code", rac_str_of(x->code));
    if (error.type != RAC_JSON_NONE)
        RAC_JSON_PUT(r->a, &o, "error", error);
    return o;
}

/* Made when somebody asks: most workflows want its outputs only. */
static struct rac_json trigger_json(struct rac_run *r)
{
    char id[37];
    if (RAC_JSON_GET(&r->trigger, "status") != NULL)
        return r->trigger;
    struct rac_json o = rac_json_copy(r->a, &r->trigger);
    RAC_JSON_PUT(r->a, &o, "startTime", time_json(r, r->start_ms));
    RAC_JSON_PUT(r->a, &o, "endTime", time_json(r, r->start_ms));
    rac_run_id(r->seed, 0, 0, RAC_RUN_ID_TRIGGER, id);
    RAC_JSON_PUT_STR(r->a, &o, "trackingId", rac_arena_str(r->a, (rac_str){id, 36}));
    RAC_JSON_PUT_STR(r->a, &o, "clientTrackingId", r->tracking);
    if (r->scheduled_ms != 0)
        RAC_JSON_PUT(r->a, &o, "scheduledTime", time_json(r, r->scheduled_ms));
    RAC_JSON_PUT_STR(r->a, &o, "originHistoryName", r->origin.p ? r->origin : r->name);
    RAC_JSON_PUT_STR(r->a, &o, "status", RAC_S("Succeeded"));
    rac_str code = rac_trigger_code(RAC_JSON_GET(&o, "outputs"), r->a);
    if (code.p != NULL)
        RAC_JSON_PUT_STR(r->a, &o, "code", code);
    r->trigger = o;
    return o;
}

void run_bind_trigger(struct rac_run *r, struct rac_json inputs, struct rac_json outputs)
{
    r->trigger = rac_json_new_object(r->a);
    if (inputs.type == RAC_JSON_NONE)
        inputs = rac_trigger_request_inputs(r->plan, r->trigger_name);
    RAC_JSON_PUT_STR(r->a, &r->trigger, "name", r->trigger_name);
    if (inputs.type != RAC_JSON_NONE)
        RAC_JSON_PUT(r->a, &r->trigger, "inputs", inputs);
    if (outputs.type != RAC_JSON_NONE)
        RAC_JSON_PUT(r->a, &r->trigger, "outputs", outputs);
    r->trigger_outputs = outputs;
    r->trigger_body = RAC_JSON_GETI(&r->trigger_outputs, "body");
}

/* --- frames as seen from a place -------------------------------------------------------------- */

void run_seen_add(struct rac_run *r, struct run_seen *s, struct rac_wf_frame *f)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 4;
        s->v = rac_arena_grow(r->a, s->v, s->cap * sizeof *s->v, cap * sizeof *s->v);
        s->cap = cap;
    }
    s->v[s->n++] = f;
}

static void frames_of(struct rac_run *r, struct rac_wf_frame *from, uint32_t graph,
                      struct run_seen *out)
{
    for (struct rac_wf_frame *f = from; f != NULL; f = f->parent)
        if (f->graph == graph) {
            run_seen_add(r, out, f);
            return;
        }
    uint32_t owner = r->plan->graphs[graph].owner;
    if (owner == UINT32_MAX)
        return;
    const struct rac_wf_action *holder = &r->plan->actions[owner];
    struct run_seen outer = {0};
    frames_of(r, from, holder->graph, &outer);
    out->loop |= outer.loop || holder->type == RAC_WF_TYPE_FOREACH;
    for (size_t i = 0; i < outer.n; i++) {
        const struct rac_wf_inner *in = outer.v[i]->records[holder->order].inner;
        if (in == NULL || in->frames_n == 0)
            continue;
        uint32_t first = holder->type == RAC_WF_TYPE_UNTIL ? in->frames_n - 1 : 0;
        for (uint32_t k = first; k < in->frames_n; k++)
            if (in->frames[k]->graph == graph)
                run_seen_add(r, out, in->frames[k]);
    }
}

struct rac_wf_record *run_unrun(struct rac_run *r, struct rac_wf_frame *from, uint32_t action)
{
    const struct rac_wf_action *a = &r->plan->actions[action];
    for (uint32_t g = a->graph; r->plan->graphs[g].owner != UINT32_MAX;) {
        const struct rac_wf_action *holder = &r->plan->actions[r->plan->graphs[g].owner];
        struct run_seen s = {0};
        frames_of(r, from, holder->graph, &s);
        g = holder->graph;
        if (s.n == 0)
            continue;
        const struct rac_wf_record *c = &s.v[s.n - 1]->records[holder->order];
        if (!run_terminal(c->status))
            return NULL;
        struct rac_skipped why = rac_skip_inside(r->plan, a, holder, c->status, c->code);
        struct rac_wf_record *x = RAC_NEW(r->a, struct rac_wf_record);
        *x = (struct rac_wf_record){.action = a,
                                    .frame = s.v[s.n - 1],
                                    .status = RAC_WF_SKIPPED,
                                    .reason = why.reason,
                                    .other = why.other,
                                    .other_status = why.other_status,
                                    .code = rac_skip_code(why.reason),
                                    .start_ms = c->start_ms,
                                    .end_ms = c->start_ms};
        if (why.other_code != NULL)
            x->error = rac_skip_error(r->plan, a, &why, r->a);
        return x;
    }
    return NULL;
}

static struct rac_wf_frame *here(const struct rac_run *r)
{
    return r->current != NULL ? r->current->frame : r->root;
}

/* --- references ------------------------------------------------------------------------------- */

static struct rac_json outputs_or_null(const struct rac_wf_record *x)
{
    return x->outputs.type != RAC_JSON_NONE ? x->outputs : rac_json_of_null();
}

/* What most expressions ask of an action, without making its record: in a loop that would be one
 * more for each iteration. */
static bool get_outputs(void *self, rac_str name, struct rac_arena *a, struct rac_json *out,
                        bool *many)
{
    struct rac_run *r = self;
    uint32_t at = rac_plan_find(r->plan, name);
    struct run_seen s = {0};
    if (at == UINT32_MAX || r->root == NULL)
        return false;
    const struct rac_wf_action *action = &r->plan->actions[at];
    frames_of(r, here(r), action->graph, &s);
    *many = s.loop;
    if (!s.loop) {
        const struct rac_wf_record *x = s.n > 0 ? &s.v[0]->records[action->order] : NULL;
        if (x == NULL || !run_terminal(x->status))
            return false;
        *out = outputs_or_null(x);
        return true;
    }
    *out = rac_json_new_array(a);
    for (size_t i = 0; i < s.n; i++)
        rac_json_add(a, out, outputs_or_null(&s.v[i]->records[action->order]));
    return true;
}

static bool get_action(struct rac_run *r, rac_str name, struct rac_json *out)
{
    uint32_t at = rac_plan_find(r->plan, name);
    struct run_seen s = {0};
    if (at == UINT32_MAX || r->root == NULL)
        return false;
    const struct rac_wf_action *action = &r->plan->actions[at];
    const struct rac_wf_record *x;
    frames_of(r, here(r), action->graph, &s);
    if (!s.loop) {
        x = s.n > 0 ? &s.v[0]->records[action->order] : run_unrun(r, here(r), at);
        if (x == NULL || !run_terminal(x->status))
            return false;
        *out = run_record_json(r, x, true);
        return true;
    }
    *out = rac_json_new_array(r->a);
    for (size_t i = 0; i < s.n; i++)
        rac_json_add(r->a, out, run_record_json(r, &s.v[i]->records[action->order], true));
    return true;
}

static void add_graph(struct rac_run *r, const struct rac_wf_frame *f, struct rac_json *out)
{
    for (uint32_t n = 0; n < r->plan->graphs[f->graph].n; n++)
        rac_json_add(r->a, out, run_record_json(r, &f->records[n], true));
}

/* Direct children of a graph that did not run. */
static void add_unrun(struct rac_run *r, uint32_t graph, struct rac_json *out)
{
    const struct rac_wf_graph *g = &r->plan->graphs[graph];
    for (uint32_t n = 0; n < g->n; n++) {
        const struct rac_wf_record *x = run_unrun(r, here(r), g->actions[n]);
        if (x != NULL)
            rac_json_add(r->a, out, run_record_json(r, x, true));
    }
}

static bool get_result(struct rac_run *r, rac_str name, struct rac_json *out)
{
    uint32_t at = rac_plan_find(r->plan, name);
    struct run_seen s = {0};
    if (at == UINT32_MAX || !rac_wf_is_container(&r->plan->actions[at]) || r->root == NULL)
        return false;
    const struct rac_wf_action *action = &r->plan->actions[at];
    frames_of(r, here(r), action->graph, &s);
    *out = rac_json_new_array(r->a);
    for (size_t i = 0; i < s.n; i++) {
        const struct rac_wf_inner *in = s.v[i]->records[action->order].inner;
        for (uint32_t g = 0; g < action->graphs_n; g++) {
            bool ran = false;
            for (uint32_t k = 0; in != NULL && k < in->frames_n; k++)
                if (in->frames[k]->graph == action->graphs[g]) {
                    ran = true;
                    add_graph(r, in->frames[k], out);
                }
            if (!ran && run_terminal(s.v[i]->records[action->order].status))
                add_unrun(r, action->graphs[g], out);
        }
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

static bool get_loop(struct rac_run *r, enum rac_expr_ref ref, rac_str name, struct rac_json *out)
{
    bool until = ref == RAC_EXPR_REF_ITERATION_INDEXES;
    const struct rac_wf_frame *f =
        enclosing(r, name, until ? RAC_WF_TYPE_UNTIL : RAC_WF_TYPE_FOREACH);
    if (f == NULL)
        return false;
    if (until) {
        *out = rac_json_of_int(f->index);
        return true;
    }
    const struct rac_json *item = rac_json_at(&f->owner->inner->items, f->index);
    *out = item != NULL ? *item : rac_json_of_null();
    return true;
}

static bool get_item(struct rac_run *r, struct rac_json *out)
{
    if (!r->has_item)
        return get_loop(r, RAC_EXPR_REF_ITEMS, RAC_STR_NULL, out);
    *out = r->item;
    return true;
}

static bool get_variable(struct rac_run *r, rac_str name, struct rac_json *out)
{
    char folded[320];
    const struct variable *v = rac_map_get(&r->variables, name);
    if (v == NULL && name.n <= sizeof folded) {
        for (size_t i = 0; i < name.n; i++)
            folded[i] = rac_lower(name.p[i]);
        v = rac_map_get(&r->variables, (rac_str){folded, name.n});
    }
    if (v != NULL)
        *out = v->value;
    return v != NULL;
}

static struct rac_json workflow_json(struct rac_run *r)
{
    if (r->workflow.type != RAC_JSON_NONE)
        return r->workflow;
    struct rac_json o = r->world->workflow != NULL ? rac_json_copy(r->a, r->world->workflow)
                                                   : rac_json_new_object(r->a),
                    run = rac_json_new_object(r->a);
    RAC_JSON_PUT_STR(r->a, &run, "id",
                     rac_arena_printf(r->a, "%.*s/runs/%.*s",
                                      RAC_FMT(rac_json_str(RAC_JSON_GET(&o, "id"), RAC_S(""))),
                                      RAC_FMT(r->name)));
    RAC_JSON_PUT_STR(r->a, &run, "name", r->name);
    RAC_JSON_PUT_STR(r->a, &run, "type", RAC_S("Microsoft.Logic/workflows/runs"));
    RAC_JSON_PUT(r->a, &o, "run", run);
    r->workflow = o;
    return o;
}

static bool get_setting(struct rac_run *r, rac_str name, struct rac_json *out)
{
    const struct rac_json *v = rac_json_get(&r->plan->workflow->settings, name);
    if (v != NULL)
        *out = *v;
    return v != NULL;
}

static bool get_callback(struct rac_run *r, struct rac_json *out)
{
    if (r->world->callback_url == NULL || r->current == NULL)
        return false;
    rac_str url = r->world->callback_url(r->world->self, r, r->current, r->a);
    *out = rac_json_of_str(url);
    return url.p != NULL;
}

static bool get(void *self, enum rac_expr_ref ref, rac_str name, struct rac_arena *a RAC_UNUSED,
                struct rac_json *out)
{
    struct rac_run *r = self;
    const struct rac_json *v;
    switch (ref) {
    case RAC_EXPR_REF_TRIGGER:
        *out = trigger_json(r);
        return true;
    case RAC_EXPR_REF_ACTIONS:
        return get_action(r, name, out);
    case RAC_EXPR_REF_ACTION:
        if (r->current != NULL)
            *out = run_record_json(r, r->current, true);
        return r->current != NULL;
    case RAC_EXPR_REF_VARIABLES:
        return get_variable(r, name, out);
    case RAC_EXPR_REF_PARAMETERS:
        v = rac_json_geti(&r->plan->parameters, name);
        if (v != NULL)
            *out = *v;
        return v != NULL;
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
        return get_setting(r, name, out);
    case RAC_EXPR_REF_CALLBACK_URL:
        return get_callback(r, out);
    }
    return false;
}

/* --- evaluating ------------------------------------------------------------------------------- */

static struct rac_expr_scope scope_of(struct rac_run *r)
{
    bool has = r->trigger_outputs.type != RAC_JSON_NONE;
    return (struct rac_expr_scope){.get = get,
                                   .self = r,
                                   .outputs = get_outputs,
                                   .trigger_outputs = has ? &r->trigger_outputs : NULL,
                                   .trigger_body = r->trigger_body};
}

bool run_try(struct rac_run *r, struct rac_wf_record *x, const struct rac_expr *e,
             struct rac_json *out, rac_str *why)
{
    struct rac_expr_scope scope = scope_of(r);
    struct rac_expr_run run = {.scope = &scope, .env = r->world->env, .a = r->a};
    struct rac_wf_record *before = r->current;
    r->current = x;
    rac_err err = e != NULL ? rac_expr_eval(e, &run, out) : RAC_OK;
    r->current = before;
    if (e == NULL)
        *out = rac_json_none;
    *why = err == RAC_OK ? RAC_STR_NULL : run.error.message;
    return err == RAC_OK;
}

rac_err rac_run_trace(struct rac_run *r, struct rac_wf_record *x, const struct rac_expr *e,
                      const struct rac_json *item, uint64_t *steps, uint64_t steps_max,
                      struct rac_expr_trace *t, struct rac_expr_part *root, rac_str *why)
{
    struct rac_expr_scope scope = scope_of(r);
    struct rac_expr_run run = {.scope = &scope,
                               .env = r->world->env,
                               .a = r->a,
                               .limits = {.steps_max = steps_max},
                               .steps = *steps};
    r->current = x;
    r->has_item = item != NULL;
    r->item = item != NULL ? *item : rac_json_none;
    rac_err err = rac_expr_trace(e, &run, t, root);
    r->current = NULL;
    r->has_item = false;
    *steps = run.steps;
    *why = run.error.message;
    return err;
}

rac_err rac_run_evaluate(struct rac_run *r, struct rac_wf_record *x, const struct rac_expr *e,
                         struct rac_json *out, rac_str *why)
{
    return run_try(r, x, e, out, why) ? RAC_OK : RAC_E_INVALID;
}

bool run_eval(struct rac_run *r, struct rac_wf_record *x, const struct rac_expr *e,
              struct rac_json *out, struct rac_act_result *o)
{
    rac_str why;
    if (run_try(r, x, e, out, &why))
        return true;
    run_fail(r, o, "BadRequest", "InvalidTemplate",
             "Unable to process template language expressions in action '%.*s' inputs at line '0' "
             "and column '0': '%.*s'.",
             RAC_FMT(x->action->name), RAC_FMT(why));
    return false;
}

rac_str rac_run_shown(const struct rac_json *v, struct rac_arena *a)
{
    enum { SHOWN_MAX = 100 };
    rac_str text = v != NULL ? rac_expr_text(v, a) : RAC_S("");
    size_t n = SHOWN_MAX;
    if (text.n <= n)
        return text;
    while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    return rac_arena_printf(a, "%.*s...", (int)n, text.p);
}

/* --- which expression failed ------------------------------------------------------------------ */

struct search {
    struct rac_run *r;
    struct rac_wf_record *x;
    struct rac_run_fault *out;
    rac_str said; /* the record's message: an expression that fails otherwise here is not the one */
    const struct rac_json *items; /* that item() goes through; NULL: it is what it was */
};

/* What was found stands in a member, or "[n]". */
static void stands_in(struct search *s, rac_str name)
{
    rac_str below = s->out->place;
    bool joined = below.n == 0 || below.p[0] == '[';
    s->out->place =
        rac_arena_printf(s->r->a, "%.*s%s%.*s", RAC_FMT(name), joined ? "" : ".", RAC_FMT(below));
}

static bool expression_fails(struct search *s, rac_str text, const struct rac_expr *e)
{
    struct rac_expr_scope scope = scope_of(s->r);
    struct rac_expr_run run = {.scope = &scope, .env = s->r->world->env, .a = s->r->a};
    struct rac_json ignored;
    s->r->current = s->x;
    bool failed = rac_expr_eval(e, &run, &ignored) != RAC_OK &&
                  rac_str_find(s->said, run.error.message) != RAC_STR_NPOS;
    s->r->current = NULL;
    if (failed)
        *s->out = (struct rac_run_fault){text, RAC_S(""), run.error.offset, run.error.length};
    return failed;
}

static bool text_fails(struct search *s, const struct rac_json *v)
{
    const struct rac_expr *e;
    rac_str text = {v->s, v->n};
    if (rac_str_find_char(text, '@') == RAC_STR_NPOS ||
        rac_expr_compile(text, 0, s->r->a, &e, NULL) != RAC_OK)
        return false;
    if (s->items == NULL)
        return expression_fails(s, text, e);
    bool failed = false;
    s->r->has_item = true;
    for (size_t i = 0; i < rac_json_len(s->items) && !failed; i++) {
        s->r->item = *rac_json_at(s->items, i);
        failed = expression_fails(s, text, e);
    }
    s->r->has_item = false;
    return failed;
}

static bool value_fails(struct search *s, const struct rac_json *v)
{
    if (v == NULL)
        return false;
    if (v->type == RAC_JSON_STRING)
        return text_fails(s, v);
    for (size_t i = 0; v->type == RAC_JSON_ARRAY && i < rac_json_len(v); i++)
        if (value_fails(s, rac_json_at(v, i))) {
            stands_in(s, rac_arena_printf(s->r->a, "[%zu]", i));
            return true;
        }
    RAC_JSON_EACH_MEMBER(m, v)
    if (value_fails(s, &m->value)) {
        stands_in(s, rac_json_key(m));
        return true;
    }
    return false;
}

/* What a data operation evaluates for each of its items; what "from" came to is its input. */
static bool items_fail(struct search *s)
{
    enum rac_wf_type type = s->x->action->type;
    if (type != RAC_WF_TYPE_SELECT && type != RAC_WF_TYPE_QUERY && type != RAC_WF_TYPE_TABLE)
        return false;
    s->items = &s->x->inputs;
    RAC_JSON_EACH_MEMBER(m, rac_json_geti(s->x->action->node, RAC_S("inputs")))
    if (!rac_str_eqi(rac_json_key(m), RAC_S("from")) && value_fails(s, &m->value)) {
        stands_in(s, rac_json_key(m));
        stands_in(s, RAC_S("inputs"));
        return true;
    }
    return false;
}

bool rac_run_fault_of(struct rac_run *r, struct rac_wf_record *x, struct rac_run_fault *out)
{
    static const char *const members[] = {"inputs", "expression", "foreach"};
    struct search s = {r, x, out, rac_json_str(RAC_JSON_GET(&x->error, "message"), RAC_S("")),
                       NULL};
    if (items_fail(&s))
        return true;
    s.items = NULL;
    for (size_t i = 0; i < RAC_COUNT(members); i++)
        if (value_fails(&s, rac_json_geti(x->action->node, rac_str_of(members[i])))) {
            stands_in(&s, rac_str_of(members[i]));
            return true;
        }
    return false;
}
