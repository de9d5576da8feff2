/*
 * Entries of a journal: applied to the state of a run, which changes nowhere else. Live, an entry is
 * written and applied (run_emit); in recovery those that were written are applied again, and then
 * what is open is found (rac_run_resume).
 */
#include "base/str.h"
#include "crypto/digest.h"
#include "workflow/run/run.h"
#include "workflow/run/run_priv.h"

/* --- applying entries: the only place where state changes ------------------------------------- */

const char *run_code_text(struct rac_run *r, rac_str code)
{
    if (code.p == NULL)
        return NULL;
    const char *known = rac_journal_code(code);
    return known != NULL ? known : rac_arena_cstr(r->a, code);
}

static void apply_run(struct rac_run *r, const struct rac_entry *e)
{
    const struct rac_json *facts = &e->extra.v;
    memcpy(r->seed, e->seed, sizeof r->seed);
    r->created = true;
    r->status = RAC_WF_WAITING;
    r->start_ms = e->at_ms;
    r->name = rac_json_str(RAC_JSON_GET(facts, "name"), RAC_S(""));
    r->tracking = rac_json_str(RAC_JSON_GET(facts, "tracking"), r->name);
    r->correlation = rac_json_str(RAC_JSON_GET(facts, "correlation"), RAC_STR_NULL);
    r->origin = rac_json_str(RAC_JSON_GET(facts, "origin"), RAC_STR_NULL);
    r->scheduled_ms = rac_json_int(RAC_JSON_GET(facts, "scheduled"), 0);
    r->depth = (unsigned)rac_json_int(RAC_JSON_GET(facts, "depth"), 0);
    r->caller_waits = rac_json_bool(RAC_JSON_GET(facts, "waits"), false);
    r->trigger_name = rac_json_str(RAC_JSON_GET(facts, "trigger"), r->plan->trigger_name);
    run_bind_trigger(r, e->inputs.v, e->outputs.v);
}

static void owner_takes(struct rac_run *r, struct rac_wf_record *owner, struct rac_wf_frame *f)
{
    struct rac_wf_inner *in = run_inner(r, owner);
    if (in->frames_n == in->frames_cap) {
        uint32_t cap = in->frames_cap ? in->frames_cap * 2 : 1;
        in->frames = rac_arena_grow(r->a, in->frames, in->frames_cap * sizeof *in->frames,
                                    cap * sizeof *in->frames);
        in->frames_cap = cap;
    }
    in->frames[in->frames_n++] = f;
    in->open++;
    if (owner->action->type == RAC_WF_TYPE_FOREACH && f->index >= in->next_item)
        in->next_item = f->index + 1;
}

static void apply_frame(struct rac_run *r, const struct rac_entry *e, struct rac_wf_record *owner)
{
    const struct rac_wf_graph *g = &r->plan->graphs[e->graph];
    struct rac_wf_frame *f = rac_arena_alloc(r->a, sizeof *f + (size_t)g->n * sizeof f->records[0]);
    f->graph = e->graph;
    f->id = r->frames_n;
    f->index = e->index;
    f->parent = owner ? owner->frame : NULL;
    f->owner = owner;
    f->open = g->n;
    f->start_ms = e->at_ms;
    for (uint32_t i = 0; i < g->n; i++) {
        f->records[i].action = &r->plan->actions[g->actions[i]];
        f->records[i].frame = f;
        f->records[i].waits_n = f->records[i].action->after_n;
    }
    if (r->frames_n == r->frames_cap) {
        uint32_t cap = r->frames_cap ? r->frames_cap * 2 : 8;
        r->frames = rac_arena_grow(r->a, r->frames, r->frames_cap * sizeof *r->frames,
                                   cap * sizeof *r->frames);
        r->frames_cap = cap;
    }
    r->frames[r->frames_n++] = f;
    if (owner != NULL) {
        owner_takes(r, owner, f);
    } else {
        r->root = f;
        r->status = RAC_WF_RUNNING;
    }
}

static void apply_started(struct rac_run *r, const struct rac_entry *e, struct rac_wf_record *x)
{
    x->status = RAC_WF_RUNNING;
    x->start_ms = e->at_ms;
    x->inputs = e->inputs.v;
    if (r->executions != NULL)
        r->executions[run_place(r, x)]++;
    if (e->extra.kind != RAC_VALUE_NONE)
        run_inner(r, x)->items = e->extra.v;
}

/* It is terminal: those after it wait for one less. */
static void settled(const struct rac_run *r, struct rac_wf_record *x)
{
    x->frame->open--;
    for (uint32_t i = 0; i < x->action->next_n; i++)
        x->frame->records[r->plan->actions[x->action->next[i]].order].waits_n--;
}

static void apply_ended(struct rac_run *r, const struct rac_entry *e, struct rac_wf_record *x)
{
    if (e->start_ms != 0) {
        x->start_ms = e->start_ms;
        x->inputs = e->inputs.v;
        if (r->executions != NULL)
            r->executions[run_place(r, x)]++;
    }
    x->status = e->status;
    x->code = run_code_text(r, e->code);
    x->outputs = e->outputs.kind == RAC_VALUE_SAME ? x->inputs : e->outputs.v;
    x->error = e->error.v;
    x->end_ms = e->at_ms;
    if (e->extra.kind != RAC_VALUE_NONE)
        run_inner(r, x)->tracked = e->extra.v;
    settled(r, x);
    r->actions_total++;
}

static void apply_skipped(const struct rac_run *r, const struct rac_entry *e,
                          struct rac_wf_record *x)
{
    x->status = RAC_WF_SKIPPED;
    x->reason = (enum rac_skip)e->reason;
    x->other = e->other;
    x->other_status = e->other_status;
    x->code = rac_skip_code(x->reason);
    x->start_ms = x->end_ms = e->at_ms;
    settled(r, x);
}

static void close_frame(struct rac_run *r, struct rac_wf_frame *f, const struct rac_entry *e)
{
    for (uint32_t i = 0; i < r->plan->graphs[f->graph].n; i++) {
        struct rac_wf_record *x = &f->records[i];
        if (run_terminal(x->status))
            continue;
        for (uint32_t k = 0; x->inner != NULL && k < x->inner->frames_n; k++)
            if (!run_terminal(x->inner->frames[k]->status))
                close_frame(r, x->inner->frames[k], e);
        x->code = run_code_text(r, e->code);
        x->end_ms = e->at_ms;
        if (x->status == RAC_WF_NONE) {
            x->status = RAC_WF_SKIPPED;
            x->reason = RAC_SKIP_ENDED;
            x->start_ms = e->at_ms;
        } else {
            x->status = RAC_WF_CANCELLED;
            if (!rac_wf_is_container(x->action))
                run_push(r, &r->stopped, x);
        }
    }
    f->open = 0;
    f->status = RAC_WF_CANCELLED;
    f->end_ms = e->at_ms;
}

static void apply_closed(struct rac_run *r, const struct rac_entry *e)
{
    r->terminated = true;
    if (r->root != NULL)
        close_frame(r, r->root, e);
    r->queue.n = r->queue_head = 0;
    r->wants.n = 0;
}

static void apply_run_end(struct rac_run *r, const struct rac_entry *e)
{
    r->over = true;
    r->status = e->status;
    r->code = run_code_text(r, e->code);
    r->error = e->error.v;
    r->outputs = e->outputs.v;
    r->end_ms = e->at_ms;
}

static void apply_progress(struct rac_run *r, const struct rac_entry *e, struct rac_wf_record *x)
{
    struct rac_wf_inner *in = run_inner(r, x);
    x->status = e->status;
    in->state = e->extra.v;
    in->progress++;
}

static void apply(struct rac_run *r, const struct rac_entry *e, struct rac_wf_record *x)
{
    switch (e->kind) {
    case RAC_ENTRY_RUN:
        apply_run(r, e);
        break;
    case RAC_ENTRY_FRAME:
        apply_frame(r, e, x);
        break;
    case RAC_ENTRY_STARTED:
        apply_started(r, e, x);
        break;
    case RAC_ENTRY_PROGRESS:
        apply_progress(r, e, x);
        break;
    case RAC_ENTRY_ENDED:
        apply_ended(r, e, x);
        break;
    case RAC_ENTRY_SKIPPED:
        apply_skipped(r, e, x);
        break;
    case RAC_ENTRY_FRAME_END:
        r->frames[e->frame]->status = e->status;
        r->frames[e->frame]->end_ms = e->at_ms;
        if (r->frames[e->frame]->owner != NULL)
            r->frames[e->frame]->owner->inner->open--;
        break;
    case RAC_ENTRY_VARIABLE:
        run_variable_apply(r, e);
        break;
    case RAC_ENTRY_RESPONSE:
        r->response = e->extra.v;
        r->response_sent = true;
        break;
    case RAC_ENTRY_CLOSED:
        apply_closed(r, e);
        break;
    case RAC_ENTRY_RUN_END:
        apply_run_end(r, e);
        break;
    case RAC_ENTRY_CALLER:
        r->caller_waits = false;
        r->caller_gone = true;
        break;
    case RAC_ENTRY_REQUEST:
        break;
    }
}

static struct rac_wf_record *record_of(const struct rac_run *r, uint32_t frame, uint32_t action)
{
    return &r->frames[frame]->records[r->plan->actions[action].order];
}

static bool names_record(enum rac_entry_kind k)
{
    return k == RAC_ENTRY_STARTED || k == RAC_ENTRY_PROGRESS || k == RAC_ENTRY_REQUEST ||
           k == RAC_ENTRY_ENDED || k == RAC_ENTRY_SKIPPED;
}

/* Values of these stand in the run's arena, which nothing leaves, and change no more; others' may be
 * what a request or an event brought. */
static bool lasts(enum rac_entry_kind k)
{
    return k == RAC_ENTRY_RUN || k == RAC_ENTRY_STARTED || k == RAC_ENTRY_ENDED ||
           k == RAC_ENTRY_VARIABLE || k == RAC_ENTRY_RESPONSE || k == RAC_ENTRY_RUN_END;
}

static void journal(struct rac_run *r, struct rac_entry *e)
{
    struct rac_journal_writer *w = r->writer;
    w->known = lasts(e->kind) ? &r->large : NULL;
    w->known_a = r->a;
    rac_journal_write(w, e);
    w->known = NULL;
}

void run_emit(struct rac_run *r, struct rac_entry *e)
{
    struct rac_wf_record *x = NULL;
    if (e->at_ms == 0)
        e->at_ms = run_now(r);
    if (r->writer != NULL)
        journal(r, e);
    if (names_record(e->kind) || (e->kind == RAC_ENTRY_FRAME && e->frame != RAC_NO_FRAME))
        x = record_of(r, e->frame, e->action);
    apply(r, e, x);
}

/* --- recovery --------------------------------------------------------------------------------- */

static rac_err load_value(struct rac_run *r, struct rac_entry_value *v)
{
    rac_str text = v->text;
    struct rac_json_error where;
    v->v = rac_json_none;
    if (v->kind == RAC_VALUE_NONE || v->kind == RAC_VALUE_SAME)
        return RAC_OK;
    if (v->kind == RAC_VALUE_DIGEST) {
        rac_str hex = rac_hex(r->a, v->digest, sizeof v->digest);
        rac_err err = r->value ? r->value(r->value_self, hex.p, r->a, &text) : RAC_E_CORRUPT;
        if (err != RAC_OK)
            return err;
    }
    return rac_json_parse(text, r->a,
                          RAC_JSON_OWN | (v->kind == RAC_VALUE_TEXT ? RAC_JSON_COPY : 0), &v->v,
                          &where) == RAC_OK
               ? RAC_OK
               : RAC_E_CORRUPT;
}

/* An entry names only what is there, in the states it can be in. */
static bool sound(const struct rac_run *r, const struct rac_entry *e, struct rac_wf_record **x)
{
    *x = NULL;
    if (e->kind == RAC_ENTRY_RUN)
        return !r->created;
    if (!r->created || r->over)
        return false;
    if (e->kind == RAC_ENTRY_FRAME && e->graph >= r->plan->graphs_n)
        return false;
    if (e->kind == RAC_ENTRY_FRAME && e->frame == RAC_NO_FRAME)
        return r->root == NULL && e->graph == 0;
    if (e->kind == RAC_ENTRY_FRAME_END)
        return e->frame < r->frames_n && !run_terminal(r->frames[e->frame]->status);
    if (!names_record(e->kind) && e->kind != RAC_ENTRY_FRAME)
        return true;
    if (e->frame >= r->frames_n || e->action >= r->plan->actions_n ||
        r->plan->actions[e->action].graph != r->frames[e->frame]->graph)
        return false;
    *x = record_of(r, e->frame, e->action);
    if (e->kind == RAC_ENTRY_FRAME)
        return r->plan->graphs[e->graph].owner == e->action;
    return !run_terminal((*x)->status);
}

/* The record an entry begins, if it is the one looked for. */
static struct rac_wf_record *begun(const struct rac_run *r, const struct rac_run_place *to,
                                   const struct rac_entry *e)
{
    char name[RAC_REPETITION_NAME_TEXT];
    struct rac_wf_record *x;
    bool begins = e->kind == RAC_ENTRY_STARTED || (e->kind == RAC_ENTRY_ENDED && e->start_ms != 0);
    if (!begins || e->action != to->action || !sound(r, e, &x))
        return NULL;
    return rac_str_eq(to->repetition, (rac_str){name, rac_run_repetition(r, x, name)}) ? x : NULL;
}

/* Is the state that in which the inputs were evaluated, now that e is next? An action that sets a
 * variable enters that before its own end. */
static bool arrived(const struct rac_run *r, struct rac_run_place *to, const struct rac_entry *e,
                    const struct rac_journal_reader *after)
{
    struct rac_journal_reader ahead = *after;
    struct rac_entry next;
    if (to->x != NULL) /* taken over, and what follows may be, too */
        return e->at_ms >= r->start_ms;
    to->x = begun(r, to, e);
    if (to->x == NULL && e->kind == RAC_ENTRY_VARIABLE && rac_journal_read(&ahead, &next))
        to->x = begun(r, to, e = &next);
    if (to->x == NULL)
        return false;
    to->taken_over = (e->start_ms != 0 ? e->start_ms : e->at_ms) < r->start_ms;
    return !to->taken_over;
}

static rac_err load_values(struct rac_run *r, struct rac_entry *e)
{
    struct rac_entry_value *const all[] = {&e->inputs, &e->outputs, &e->error, &e->extra};
    rac_err err = RAC_OK;
    for (size_t i = 0; i < RAC_COUNT(all) && err == RAC_OK; i++)
        err = load_value(r, all[i]);
    return err;
}

rac_err rac_run_replay_to(struct rac_run *r, rac_str piece, struct rac_run_place *to, bool *reached,
                          rac_run_value_fn value, void *self)
{
    struct rac_journal_reader in;
    struct rac_entry e;
    struct rac_wf_record *x;
    rac_err err = RAC_OK;
    r->value = value;
    r->value_self = self;
    *reached = false;
    rac_journal_reader_init(&in, piece);
    while (err == RAC_OK && rac_journal_read(&in, &e)) {
        if (!sound(r, &e, &x))
            return RAC_E_CORRUPT;
        if (to != NULL && arrived(r, to, &e, &in)) {
            *reached = true;
            return RAC_OK;
        }
        if (e.kind == RAC_ENTRY_REQUEST) /* for history only */
            continue;
        err = load_values(r, &e);
        if (err == RAC_OK)
            apply(r, &e, x);
        if (rac_arena_over(r->a))
            err = RAC_E_LIMIT;
    }
    return err == RAC_OK && in.broken ? RAC_E_CORRUPT : err;
}

rac_err rac_run_replay(struct rac_run *r, rac_str piece, rac_run_value_fn value, void *self)
{
    bool reached;
    return rac_run_replay_to(r, piece, NULL, &reached, value, self);
}

static void resume_frame(struct rac_run *r, struct rac_wf_frame *f)
{
    for (uint32_t i = 0; i < r->plan->graphs[f->graph].n; i++) {
        struct rac_wf_record *x = &f->records[i];
        if (x->status == RAC_WF_NONE && x->waits_n == 0)
            run_push(r, &r->queue, x);
        if (x->status != RAC_WF_RUNNING && x->status != RAC_WF_WAITING)
            continue;
        if (!rac_wf_is_container(x->action))
            run_push(r, &r->wants, x);
        for (uint32_t k = 0; x->inner != NULL && k < x->inner->frames_n; k++)
            if (!run_terminal(x->inner->frames[k]->status))
                resume_frame(r, x->inner->frames[k]);
    }
}

void rac_run_resume(struct rac_run *r)
{
    r->stopped.n = 0;
    if (r->root != NULL && !r->over)
        resume_frame(r, r->root);
}
