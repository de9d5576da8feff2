/* A run that begins in the middle: results of another one taken over (spec workflows §4.15). */
#include "base/str.h"
#include "workflow/run/run_priv.h"

static struct rac_json taken(struct rac_run *r, const struct rac_json *v)
{
    return v->type == RAC_JSON_NONE ? rac_json_none : rac_json_copy(r->a, v);
}

static void copy_frame(struct rac_run *r, uint32_t owner_frame, const struct rac_wf_record *owner,
                       const struct rac_wf_frame *old);

static void copy_record(struct rac_run *r, uint32_t frame, const struct rac_wf_record *old)
{
    struct rac_entry e = {.frame = frame, .action = (uint32_t)(old->action - r->plan->actions)};
    if (old->status == RAC_WF_SKIPPED) {
        e.kind = RAC_ENTRY_SKIPPED;
        e.reason = (uint8_t)old->reason;
        e.other = old->other;
        e.other_status = old->other_status;
        e.at_ms = old->end_ms;
        run_emit(r, &e);
        return;
    }
    e.kind = RAC_ENTRY_STARTED;
    e.at_ms = old->start_ms;
    e.inputs = run_value(taken(r, &old->inputs));
    if (old->inner != NULL)
        e.extra = run_value(taken(r, &old->inner->items));
    run_emit(r, &e);
    for (uint32_t k = 0; old->inner != NULL && k < old->inner->frames_n; k++)
        copy_frame(r, frame, old, old->inner->frames[k]);
    e = (struct rac_entry){.kind = RAC_ENTRY_ENDED,
                           .frame = frame,
                           .action = e.action,
                           .status = old->status,
                           .code = rac_str_of(old->code),
                           .outputs = run_value(taken(r, &old->outputs)),
                           .error = run_value(taken(r, &old->error)),
                           .at_ms = old->end_ms};
    if (old->inner != NULL)
        e.extra = run_value(taken(r, &old->inner->tracked));
    if (e.code.p != NULL && rac_journal_code(e.code) == NULL)
        e.code = rac_arena_str(r->a, e.code);
    run_emit(r, &e);
}

static void copy_frame(struct rac_run *r, uint32_t owner_frame, const struct rac_wf_record *owner,
                       const struct rac_wf_frame *old)
{
    struct rac_entry e = {.kind = RAC_ENTRY_FRAME,
                          .frame = owner_frame,
                          .action = (uint32_t)(owner->action - r->plan->actions),
                          .graph = old->graph,
                          .index = old->index,
                          .at_ms = old->start_ms};
    run_emit(r, &e);
    uint32_t id = r->frames_n - 1;
    for (uint32_t i = 0; i < r->plan->graphs[old->graph].n; i++)
        if (run_terminal(old->records[i].status))
            copy_record(r, id, &old->records[i]);
    e = (struct rac_entry){
        .kind = RAC_ENTRY_FRAME_END, .frame = id, .status = old->status, .at_ms = old->end_ms};
    run_emit(r, &e);
}

static void copy_variables(struct rac_run *r, const struct rac_run *from)
{
    for (size_t i = 0; i < from->variables.n; i++) {
        const struct variable *v = from->variables.entries[i].value;
        struct rac_json made = rac_json_new_object(r->a);
        RAC_JSON_PUT_STR(r->a, &made, "name", rac_arena_str(r->a, v->name));
        RAC_JSON_PUT_STR(r->a, &made, "type", rac_arena_str(r->a, v->type));
        RAC_JSON_PUT(r->a, &made, "value", taken(r, &v->value));
        struct rac_entry e = {.kind = RAC_ENTRY_VARIABLE,
                              .reason = RAC_VARIABLE_INIT,
                              .index = (uint32_t)i,
                              .extra = run_value(made)};
        run_emit(r, &e);
    }
}

/* The action and whatever comes after it. */
static void mark_after(const struct rac_plan *p, uint32_t at, bool *again)
{
    if (again[p->actions[at].order])
        return;
    again[p->actions[at].order] = true;
    for (uint32_t i = 0; i < p->actions[at].next_n; i++)
        mark_after(p, p->actions[at].next[i], again);
}

bool rac_run_begin_at(struct rac_run *r, const struct rac_run *from, rac_str action)
{
    const struct rac_plan *p = r->plan;
    uint32_t at = rac_plan_find(p, action), n = p->graphs[0].n;
    bool *again = RAC_NEW_N(r->a, bool, n);
    if (at == UINT32_MAX || p->actions[at].graph != 0 || from->plan != p || from->root == NULL)
        return false;
    mark_after(p, at, again);
    for (uint32_t i = 0; i < n; i++) /* what was cut off ends nothing: it runs again */
        if (!run_terminal(from->root->records[i].status) ||
            from->root->records[i].reason == RAC_SKIP_ENDED)
            mark_after(p, p->graphs[0].actions[i], again);
    struct rac_entry e = {.kind = RAC_ENTRY_FRAME, .frame = RAC_NO_FRAME, .action = UINT32_MAX};
    run_emit(r, &e);
    copy_variables(r, from);
    for (uint32_t i = 0; i < n; i++)
        if (!again[i])
            copy_record(r, 0, &from->root->records[i]);
    rac_run_resume(r);
    return true;
}
