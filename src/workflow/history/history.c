/* The first reading of a journal: the run, its frames, its actions; repetitions are counted. */
#include "workflow/history/history.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "workflow/history/history_priv.h"
#include "workflow/definition/retry.h"
#include "workflow/definition/trigger.h"

#include <stdlib.h>

enum { FRAMES_MAX = 5000000 };

bool history_is_loop(const struct rac_wf_action *x)
{
    return x->type == RAC_WF_TYPE_FOREACH || x->type == RAC_WF_TYPE_UNTIL;
}

uint32_t history_loop_of(const struct rac_plan *p, uint32_t graph)
{
    while (p->graphs[graph].owner != UINT32_MAX) {
        const struct rac_wf_action *owner = &p->actions[p->graphs[graph].owner];
        if (history_is_loop(owner))
            return graph;
        graph = owner->graph;
    }
    return UINT32_MAX;
}

/* --- reading entries -------------------------------------------------------------------------- */

struct each {
    void (*fn)(void *arg, const struct rac_entry *e);
    void *arg;
    rac_err err;
};

static bool each_piece(void *arg, rac_str bytes)
{
    struct each *x = arg;
    struct rac_journal_reader r;
    struct rac_entry e;
    rac_journal_reader_init(&r, bytes);
    while (rac_journal_read(&r, &e))
        x->fn(x->arg, &e);
    if (r.broken)
        x->err = RAC_E_CORRUPT;
    return x->err == RAC_OK;
}

rac_err history_each(const struct rac_history *h, void (*fn)(void *arg, const struct rac_entry *e),
                     void *arg)
{
    struct each x = {fn, arg, RAC_OK};
    rac_err err = h->source->pieces(h->source->self, each_piece, &x);
    return err != RAC_OK ? err : x.err;
}

/* --- values ----------------------------------------------------------------------------------- */

struct rac_history_value history_value_of(const struct rac_history *h,
                                          const struct rac_entry_value *v, bool secured,
                                          struct rac_arena *a)
{
    struct rac_history_value out = {.has = v->kind != RAC_VALUE_NONE, .secured = secured};
    out.size = v->size;
    if (v->kind == RAC_VALUE_TEXT) {
        out.raw = rac_arena_str(a, v->text);
        out.text = rac_secure_mask_text(rac_secure_values_of_plan(h->plan), out.raw, a);
        out.size = out.text.n;
    }
    if (v->kind == RAC_VALUE_DIGEST)
        memcpy(out.digest, rac_hex(a, v->digest, sizeof v->digest).p, 65);
    return out;
}

/* Small values that are shown as they are: errors, progress. */
struct rac_json history_json_of(const struct rac_history *h, const struct rac_entry_value *v,
                                struct rac_arena *a)
{
    struct rac_history_value where = history_value_of(h, v, false, a);
    struct rac_json out;
    rac_str text;
    return rac_history_value(h, &where, a, &text) == RAC_OK &&
                   rac_json_parse(text, a, RAC_JSON_OWN, &out, NULL) == RAC_OK
               ? out
               : rac_json_none;
}

rac_err rac_history_value(const struct rac_history *h, const struct rac_history_value *value,
                          struct rac_arena *a, rac_str *text)
{
    if (!value->has)
        return RAC_E_NOT_FOUND;
    if (value->digest[0] == '\0') {
        *text = value->text;
        return RAC_OK;
    }
    rac_err err = h->source->value(h->source->self, value->digest, a, text);
    if (err == RAC_OK)
        *text = rac_secure_mask_text(rac_secure_values_of_plan(h->plan), *text, a);
    return err;
}

rac_err rac_history_value_raw(const struct rac_history *h, const struct rac_history_value *value,
                              struct rac_arena *a, rac_str *text)
{
    if (!value->has)
        return RAC_E_NOT_FOUND;
    *text = value->raw;
    return value->digest[0] == '\0' ? RAC_OK
                                    : h->source->value(h->source->self, value->digest, a, text);
}

/* --- records ---------------------------------------------------------------------------------- */

static rac_str code_of(rac_str code, struct rac_arena *a)
{
    const char *known = code.p != NULL ? rac_journal_code(code) : NULL;
    return known != NULL    ? rac_str_of(known)
           : code.p != NULL ? rac_arena_str(a, code)
                            : RAC_STR_NULL;
}

/* A REQUEST entry of an attempt that was made again: one entry of retryHistory (§4.6). */
static void add_retry(const struct rac_history *h, struct rac_history_record *x,
                      const struct rac_entry *e, struct rac_arena *a)
{
    struct rac_json what = history_json_of(h, &e->extra, a);
    const struct rac_json *response = RAC_JSON_GET(&what, "response"),
                          *error = RAC_JSON_GET(&what, "error");
    uint8_t hidden = rac_secure_of_action(h->plan, (uint32_t)(x->action - h->plan->actions));
    struct rac_retry_attempt t = {
        .start_ms = e->start_ms,
        .end_ms = e->at_ms,
        .status = (int)rac_json_int(RAC_JSON_GET(response, "statusCode"), 0),
        .transport_code = "BadRequest",
        .client_request_id = rac_json_str(RAC_JSON_GET(&what, "id"), RAC_STR_NULL),
        .service_request_id = (hidden & RAC_SECURE_OUTPUTS) != 0
                                  ? RAC_STR_NULL
                                  : rac_json_str(rac_json_geti(RAC_JSON_GET(response, "headers"),
                                                               RAC_S("x-ms-request-id")),
                                                 RAC_STR_NULL),
        .error = error};
    rac_str code = rac_json_str(RAC_JSON_GET(error, "code"), RAC_STR_NULL);
    if (code.p != NULL)
        t.transport_code = rac_arena_cstr(a, code);
    if (x->retry_history.type == RAC_JSON_NONE)
        x->retry_history = rac_json_new_array(a);
    rac_json_add(a, &x->retry_history, rac_retry_history_entry(&t, a));
}

void history_take(const struct rac_history *h, struct rac_history_record *x,
                  const struct rac_entry *e, struct rac_arena *a)
{
    uint8_t hidden = rac_secure_of_action(h->plan, (uint32_t)(x->action - h->plan->actions));
    bool hide_in = (hidden & RAC_SECURE_INPUTS) != 0, hide_out = (hidden & RAC_SECURE_OUTPUTS) != 0;
    char id[37];
    switch (e->kind) {
    case RAC_ENTRY_STARTED:
    case RAC_ENTRY_ENDED:
        if (e->kind == RAC_ENTRY_STARTED || e->start_ms != 0) {
            x->start_ms = e->kind == RAC_ENTRY_STARTED ? e->at_ms : e->start_ms;
            x->inputs = history_value_of(h, &e->inputs, hide_in, a);
            rac_run_id(h->seed, e->frame, e->action, RAC_RUN_ID_ACTION, id);
            memcpy(x->tracking_id, id, sizeof x->tracking_id);
            x->status = RAC_WF_RUNNING;
        }
        if (e->kind == RAC_ENTRY_STARTED)
            return;
        x->status = e->status;
        x->code = code_of(e->code, a);
        x->error = history_json_of(h, &e->error, a);
        x->end_ms = e->at_ms;
        x->outputs = e->outputs.kind == RAC_VALUE_SAME
                         ? x->inputs
                         : history_value_of(h, &e->outputs, hide_out, a);
        x->outputs.secured = hide_out;
        x->tracked = history_json_of(h, &e->extra, a);
        return;
    case RAC_ENTRY_PROGRESS:
        x->status = e->status;
        return;
    case RAC_ENTRY_REQUEST:
        if ((e->reason & RAC_RUN_REQUEST_RETRIED) != 0)
            add_retry(h, x, e, a);
        return;
    case RAC_ENTRY_SKIPPED:
        history_skip(
            h, x, &(struct rac_skipped){(enum rac_skip)e->reason, e->other, e->other_status, NULL},
            e->at_ms, a);
        rac_run_id(h->seed, e->frame, e->action, RAC_RUN_ID_ACTION, id);
        memcpy(x->tracking_id, id, sizeof x->tracking_id);
        return;
    default:
        return;
    }
}

void history_skip(const struct rac_history *h, struct rac_history_record *x,
                  const struct rac_skipped *s, rac_ms at_ms, struct rac_arena *a)
{
    x->status = RAC_WF_SKIPPED;
    x->code = s->reason == RAC_SKIP_ENDED && h->closed_code.n > 0
                  ? h->closed_code
                  : rac_str_of(rac_skip_code(s->reason));
    x->start_ms = x->end_ms = at_ms;
    x->error = rac_skip_error(h->plan, x->action, s, a);
}

void history_close(const struct rac_history *h, struct rac_history_record *x,
                   struct rac_arena *a RAC_UNUSED)
{
    if (x->status == RAC_WF_NONE) {
        x->status = RAC_WF_SKIPPED;
        x->start_ms = h->closed_ms;
    } else if (x->status == RAC_WF_RUNNING || x->status == RAC_WF_WAITING) {
        x->status = RAC_WF_CANCELLED;
    } else {
        return;
    }
    x->code = h->closed_code;
    x->end_ms = h->closed_ms;
}

/* --- the fold --------------------------------------------------------------------------------- */

struct fold {
    struct rac_history *h;
    rac_err err;
};

static void fold_run(struct rac_history *h, const struct rac_entry *e)
{
    struct rac_history_run *r = &h->run;
    struct rac_json facts = history_json_of(h, &e->extra, h->a);
    uint8_t hidden = rac_secure_of_trigger(h->plan);
    bool hide_in = (hidden & RAC_SECURE_INPUTS) != 0, hide_out = (hidden & RAC_SECURE_OUTPUTS) != 0;
    memcpy(h->seed, e->seed, sizeof h->seed);
    h->name = rac_json_str(RAC_JSON_GET(&facts, "name"), RAC_S(""));
    r->status = RAC_WF_WAITING;
    r->start_ms = e->at_ms;
    r->tracking = rac_json_str(RAC_JSON_GET(&facts, "tracking"), h->name);
    r->origin = rac_json_str(RAC_JSON_GET(&facts, "origin"), RAC_STR_NULL);
    r->scheduled_ms = rac_json_int(RAC_JSON_GET(&facts, "scheduled"), 0);
    r->trigger = rac_json_str(RAC_JSON_GET(&facts, "trigger"), h->plan->trigger_name);
    r->trigger_code = rac_json_str(RAC_JSON_GET(&facts, "code"), RAC_STR_NULL);
    rac_run_id(h->seed, 0, 0, RAC_RUN_ID_TRIGGER, r->tracking_id);
    r->correlation = rac_json_str(RAC_JSON_GET(&facts, "correlation"), RAC_STR_NULL);
    if (r->correlation.p == NULL)
        r->correlation = rac_arena_str(h->a, (rac_str){r->tracking_id, 36});
    r->inputs = history_value_of(h, &e->inputs, hide_in, h->a);
    r->outputs = history_value_of(h, &e->outputs, hide_out, h->a);
}

/* Of a Request, whose journal has none (rac_trigger_request_inputs); what: besides whether there are
 * any. No raw text: a run that is done again has those of its own version. */
static void fold_request_inputs(struct rac_history *h, bool what)
{
    struct rac_history_value *in = &h->run.inputs;
    struct rac_json v = rac_trigger_request_inputs(h->plan, h->run.trigger);
    if (in->has || v.type == RAC_JSON_NONE)
        return;
    in->has = true;
    if (!what)
        return;
    in->text = rac_json_print_str(&v, 0, h->a);
    in->text = rac_secure_mask_text(rac_secure_values_of_plan(h->plan), in->text, h->a);
    in->size = in->text.n;
}

static void fold_frame(struct fold *x, const struct rac_entry *e)
{
    struct rac_history *h = x->h;
    bool root = e->frame == RAC_NO_FRAME;
    if (h->frames_n >= FRAMES_MAX || e->graph >= h->plan->graphs_n ||
        (!root && (e->frame >= h->frames_n || e->action >= h->plan->actions_n))) {
        x->err = h->frames_n >= FRAMES_MAX ? RAC_E_LIMIT : RAC_E_CORRUPT;
        return;
    }
    if (h->frames_n == h->frames_cap) {
        uint32_t cap = h->frames_cap ? h->frames_cap * 2 : 16;
        h->frames = rac_arena_grow(h->a, h->frames, h->frames_cap * sizeof *h->frames,
                                   cap * sizeof *h->frames);
        h->frames_cap = cap;
    }
    h->frames[h->frames_n++] = (struct hframe){.parent = e->frame,
                                               .owner = root ? UINT32_MAX : e->action,
                                               .graph = e->graph,
                                               .index = e->index,
                                               .start_ms = e->at_ms};
    h->graph_frames[e->graph]++;
    if (root)
        h->run.status = RAC_WF_RUNNING;
    else
        h->actions[e->action].frames++;
}

static void fold_action(struct fold *x, const struct rac_entry *e)
{
    struct rac_history *h = x->h;
    if (e->action >= h->plan->actions_n || e->frame >= h->frames_n ||
        h->frames[e->frame].graph != h->plan->actions[e->action].graph) {
        x->err = RAC_E_CORRUPT;
        return;
    }
    struct haction *a = &h->actions[e->action];
    bool begins = e->kind == RAC_ENTRY_STARTED || e->kind == RAC_ENTRY_SKIPPED ||
                  (e->kind == RAC_ENTRY_ENDED && e->start_ms != 0),
         ends = e->kind == RAC_ENTRY_SKIPPED || e->kind == RAC_ENTRY_ENDED;
    rac_ms start = e->start_ms != 0 ? e->start_ms : e->at_ms;
    if (begins) {
        a->decided++;
        a->open++;
        if (a->start_ms == 0 || start < a->start_ms)
            a->start_ms = start;
    }
    if (ends) {
        a->open -= a->open > 0;
        a->ended++;
        a->found |= 1u << (e->kind == RAC_ENTRY_SKIPPED ? RAC_WF_SKIPPED : e->status);
        a->end_ms = e->at_ms > a->end_ms ? e->at_ms : a->end_ms;
    }
    if (!a->record.action->in_loop)
        history_take(h, &a->record, e, h->a);
}

static void fold_end(struct rac_history *h, const struct rac_entry *e)
{
    h->over = true;
    h->run.status = e->status;
    h->run.code = code_of(e->code, h->a);
    h->run.error = history_json_of(h, &e->error, h->a);
    h->run.results = history_json_of(h, &e->outputs, h->a);
    h->run.results = rac_secure_results(h->plan, &h->run.results, h->a);
    h->run.end_ms = e->at_ms;
}

static void fold(void *arg, const struct rac_entry *e)
{
    struct fold *x = arg;
    struct rac_history *h = x->h;
    if (x->err != RAC_OK)
        return;
    switch (e->kind) {
    case RAC_ENTRY_RUN:
        fold_run(h, e);
        fold_request_inputs(h, true);
        break;
    case RAC_ENTRY_FRAME:
        fold_frame(x, e);
        break;
    case RAC_ENTRY_FRAME_END:
        if (e->frame < h->frames_n) {
            h->frames[e->frame].status = e->status;
            h->frames[e->frame].end_ms = e->at_ms;
        }
        break;
    case RAC_ENTRY_RESPONSE:
        h->run.responded = true;
        h->run.response = history_value_of(h, &e->extra, false, h->a);
        if (e->action < h->plan->actions_n) {
            h->run.response_action = h->plan->actions[e->action].name;
            h->run.response.secured = rac_secure_of_action(h->plan, e->action) != 0;
        }
        break;
    case RAC_ENTRY_CLOSED:
        h->closed = true;
        h->closed_ms = e->at_ms;
        h->closed_code = code_of(e->code, h->a);
        break;
    case RAC_ENTRY_RUN_END:
        fold_end(h, e);
        break;
    case RAC_ENTRY_VARIABLE:
    case RAC_ENTRY_CALLER:
        break;
    default:
        fold_action(x, e);
    }
    if (rac_arena_over(h->a))
        x->err = RAC_E_LIMIT;
}

/* --- what follows from it --------------------------------------------------------------------- */

/* An action that has no entry because a container around it ended without running it, or the run
 * ended before a container around it began. */
static void unrun(struct rac_history *h, uint32_t place)
{
    const struct rac_wf_action *x = &h->plan->actions[place];
    struct haction *self = &h->actions[place];
    for (uint32_t g = x->graph; h->plan->graphs[g].owner != UINT32_MAX;) {
        uint32_t at = h->plan->graphs[g].owner;
        const struct rac_wf_action *holder = &h->plan->actions[at];
        const struct haction *c = &h->actions[at];
        g = holder->graph;
        if (c->decided == 0 && h->closed && h->graph_frames[g] > 0) {
            struct rac_skipped ended = {.reason = RAC_SKIP_ENDED, .other = UINT32_MAX};
            history_skip(h, &self->record, &ended, h->closed_ms, h->a);
            return;
        }
        if (c->decided == 0)
            continue;
        if (c->open > 0 && !h->closed)
            return;
        rac_str code = holder->in_loop ? RAC_STR_NULL : c->record.code;
        enum rac_wf_status status = holder->in_loop                   ? RAC_WF_SUCCEEDED
                                    : c->record.status != RAC_WF_NONE ? c->record.status
                                                                      : RAC_WF_SKIPPED;
        struct rac_skipped s =
            rac_skip_inside(h->plan, x, holder, status, code.p ? rac_arena_cstr(h->a, code) : NULL);
        history_skip(h, &self->record, &s, c->start_ms, h->a);
        return;
    }
}

/* How often an action inside loops was skipped with a container inside its iteration. */
static uint32_t skipped_inside(const struct rac_history *h, const struct rac_wf_action *x)
{
    uint32_t n = 0, g = x->graph;
    while (h->plan->graphs[g].owner != UINT32_MAX) {
        uint32_t at = h->plan->graphs[g].owner;
        if (history_is_loop(&h->plan->actions[at]))
            break;
        uint32_t ended = h->actions[at].ended, ran = h->graph_frames[g];
        n += ended > ran ? ended - ran : 0;
        g = h->plan->actions[at].graph;
    }
    return n;
}

static enum rac_wf_status worst(const struct haction *a, bool closed)
{
    static const enum rac_wf_status order[] = {RAC_WF_FAILED, RAC_WF_TIMED_OUT, RAC_WF_CANCELLED,
                                               RAC_WF_SUCCEEDED};
    if (a->open > 0)
        return closed ? RAC_WF_CANCELLED : RAC_WF_RUNNING;
    for (size_t i = 0; i < RAC_COUNT(order); i++)
        if (a->found & 1u << order[i])
            return order[i];
    return RAC_WF_SKIPPED;
}

static void aggregate(struct rac_history *h, uint32_t place)
{
    struct haction *a = &h->actions[place];
    struct rac_history_record *x = &a->record;
    uint32_t inside = skipped_inside(h, x->action);
    x->repetitions = (int64_t)a->decided + inside;
    if (a->decided == 0) {
        unrun(h, place);
        return;
    }
    x->status = worst(a, h->closed);
    x->start_ms = a->start_ms;
    if (x->status == RAC_WF_RUNNING)
        return;
    x->end_ms = a->end_ms != 0 ? a->end_ms : h->closed_ms;
    x->code = x->status == RAC_WF_FAILED      ? RAC_S("ActionFailed")
              : x->status == RAC_WF_TIMED_OUT ? RAC_S("ActionTimedOut")
              : x->status == RAC_WF_CANCELLED ? RAC_S("Cancelled")
              : x->status == RAC_WF_SKIPPED   ? RAC_S("ActionSkipped")
                                              : RAC_S("NotSpecified");
}

static int by_start(const void *p, const void *q)
{
    const struct rac_history_record *x = p, *y = q;
    if (x->start_ms != y->start_ms)
        return x->start_ms < y->start_ms ? -1 : 1;
    return x->action < y->action ? -1 : x->action > y->action;
}

static void conclude(struct rac_history *h)
{
    struct rac_history_record *list =
        RAC_NEW_N(h->a, struct rac_history_record, h->plan->actions_n);
    for (uint32_t i = 0; i < h->plan->actions_n; i++) {
        struct haction *a = &h->actions[i];
        struct rac_history_record *x = &a->record;
        if (history_is_loop(x->action) && (a->decided > 0 || x->action->in_loop))
            x->iterations = a->frames;
        if (x->action->in_loop)
            aggregate(h, i);
        else if (a->decided == 0 && h->graph_frames[x->action->graph] == 0)
            unrun(h, i);
        if (h->closed && h->graph_frames[x->action->graph] > 0)
            history_close(h, x, h->a);
        x->can_resubmit = h->over && x->action->graph == 0 && x->status != RAC_WF_NONE &&
                          x->status != RAC_WF_SKIPPED && x->action->type != RAC_WF_TYPE_RESPONSE;
        if (x->status != RAC_WF_NONE)
            list[h->list_n++] = *x;
    }
    qsort(list, h->list_n, sizeof *list, by_start);
    h->list = list;
}

rac_err rac_history_open(const struct rac_plan *plan, const struct rac_history_source *source,
                         struct rac_arena *a, struct rac_history **out)
{
    struct rac_history *h = RAC_NEW(a, struct rac_history);
    struct fold x = {h, RAC_OK};
    *h = (struct rac_history){.plan = plan, .source = source, .a = a};
    h->actions = RAC_NEW_N(a, struct haction, plan->actions_n);
    h->graph_frames = RAC_NEW_N(a, uint32_t, plan->graphs_n);
    for (uint32_t i = 0; i < plan->actions_n; i++) {
        h->actions[i].record.action = &plan->actions[i];
        h->actions[i].record.repetitions = h->actions[i].record.iterations = -1;
    }
    rac_err err = history_each(h, fold, &x);
    if (err == RAC_OK)
        err = x.err;
    if (err != RAC_OK)
        return err;
    conclude(h);
    *out = h;
    return RAC_OK;
}

struct head {
    const struct rac_plan *plan;
    const struct rac_history_source *source;
    struct rac_arena *a;
    struct rac_history_run *out;
    rac_err err;
};

static struct rac_history_value only_whether(const struct rac_entry_value *v, bool secured)
{
    return (struct rac_history_value){.has = v->kind != RAC_VALUE_NONE, .secured = secured};
}

static bool head_piece(void *arg, rac_str bytes)
{
    struct head *x = arg;
    struct rac_journal_reader r;
    struct rac_entry e;
    rac_journal_reader_init(&r, bytes);
    if (!rac_journal_read(&r, &e) || e.kind != RAC_ENTRY_RUN) {
        x->err = RAC_E_CORRUPT;
        return false;
    }
    struct rac_history h = {.plan = x->plan, .source = x->source, .a = x->a};
    uint8_t hidden = rac_secure_of_trigger(x->plan);
    struct rac_entry_value in = e.inputs, out = e.outputs;
    e.inputs.kind = e.outputs.kind = RAC_VALUE_NONE; /* nobody asks what they are */
    fold_run(&h, &e);
    h.run.inputs = only_whether(&in, (hidden & RAC_SECURE_INPUTS) != 0);
    h.run.outputs = only_whether(&out, (hidden & RAC_SECURE_OUTPUTS) != 0);
    fold_request_inputs(&h, false);
    *x->out = h.run;
    x->err = RAC_OK;
    return false;
}

rac_err rac_history_head(const struct rac_plan *plan, const struct rac_history_source *source,
                         struct rac_arena *a, struct rac_history_run *out)
{
    struct head x = {plan, source, a, out, RAC_E_NOT_FOUND};
    rac_err err = source->pieces(source->self, head_piece, &x);
    return err != RAC_OK ? err : x.err;
}

const struct rac_history_run *rac_history_run(const struct rac_history *h)
{
    return &h->run;
}

void rac_history_actions(const struct rac_history *h, const struct rac_history_record **v,
                         size_t *n)
{
    *v = h->list;
    *n = h->list_n;
}

const struct rac_history_record *rac_history_action(const struct rac_history *h, rac_str name)
{
    uint32_t at = rac_plan_find(h->plan, name);
    if (at == UINT32_MAX || h->actions[at].record.status == RAC_WF_NONE)
        return NULL;
    return &h->actions[at].record;
}
