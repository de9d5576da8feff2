/*
 * The core: the queue of what is ready, executing, starting and ending. Every change of state is an
 * entry (entry.c).
 *
 * A record is decided when all it waits for is terminal: it then stands in the queue, and the queue
 * is worked off one record at a time, so that depth of the stack is depth of nesting and never
 * length of a chain. Between two of them the state is closed: what follows from what ended has been
 * entered, and what is ready can be found by looking at records alone (rac_run_resume).
 */
#include "workflow/run/run.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "workflow/definition/authentication.h"
#include "workflow/definition/http_status.h"
#include "workflow/run/run_priv.h"
#include "workflow/definition/secure.h"
#include "workflow/definition/trigger.h"

#include <stdarg.h>

#define CONTROL NULL
#define OUTSIDE NULL
static const rac_act acts[] = {
#define ACTION(id, word, fn) fn,
#include "workflow/definition/actions.def"
#undef ACTION
};

/* --- small things ----------------------------------------------------------------------------- */

struct rac_json run_error(struct rac_run *r, rac_str code, rac_str message)
{
    struct rac_json o = rac_json_new_object(r->a);
    RAC_JSON_PUT_STR(r->a, &o, "code", code);
    RAC_JSON_PUT_STR(r->a, &o, "message", message);
    return o;
}

void run_fail(struct rac_run *r, struct rac_act_result *o, const char *code, const char *error_code,
              const char *fmt, ...)
{
    enum { MESSAGE_MAX = 2048 };
    va_list ap;
    va_start(ap, fmt);
    rac_str message = rac_arena_vprintf_max(r->a, MESSAGE_MAX, fmt, ap);
    va_end(ap);
    o->status = RAC_WF_FAILED;
    o->code = code;
    o->error = run_error(r, rac_str_of(error_code), message);
}

void run_push(struct rac_run *r, struct records *list, struct rac_wf_record *x)
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        list->v = rac_arena_grow(r->a, list->v, list->cap * sizeof *list->v, cap * sizeof *list->v);
        list->cap = cap;
    }
    list->v[list->n++] = x;
}

struct rac_wf_inner *run_inner(struct rac_run *r, struct rac_wf_record *x)
{
    if (x->inner == NULL)
        x->inner = RAC_NEW(r->a, struct rac_wf_inner);
    return x->inner;
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void rac_run_id(const uint8_t seed[16], uint32_t frame, uint32_t action, uint32_t which,
                char out[37])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t w[2];
    uint8_t b[16];
    memcpy(w, seed, sizeof w);
    uint64_t place = (uint64_t)frame << 32 | action;
    w[0] = mix(w[0] ^ mix(place + 0x9e3779b97f4a7c15u) ^ which);
    w[1] = mix(w[1] + w[0] + mix(which + 0x632be59bd9b4e019u));
    memcpy(b, w, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    for (int i = 0, n = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[n++] = '-';
        out[n++] = digits[b[i] >> 4];
        out[n++] = digits[b[i] & 15];
    }
    out[36] = '\0';
}

void rac_run_record_id(const struct rac_run *r, const struct rac_wf_record *x, uint32_t which,
                       char out[37])
{
    rac_run_id(r->seed, x->frame->id, run_place(r, x), which, out);
}

rac_str rac_run_trigger_id(const struct rac_run *r, struct rac_arena *a)
{
    char id[37];
    rac_run_id(r->seed, 0, 0, RAC_RUN_ID_TRIGGER, id);
    return rac_arena_str(a, (rac_str){id, 36});
}

size_t rac_run_repetition(const struct rac_run *r RAC_UNUSED, const struct rac_wf_record *x,
                          char out[RAC_REPETITION_NAME_TEXT])
{
    uint32_t indexes[RAC_REPETITION_LEVELS_MAX];
    size_t n = 0;
    out[0] = '\0';
    for (const struct rac_wf_frame *f = x->frame; f->owner != NULL; f = f->parent) {
        enum rac_wf_type t = f->owner->action->type;
        if ((t == RAC_WF_TYPE_FOREACH || t == RAC_WF_TYPE_UNTIL) && n < RAC_REPETITION_LEVELS_MAX)
            indexes[n++] = f->index;
    }
    for (size_t i = 0; i < n / 2; i++) {
        uint32_t swap = indexes[i];
        indexes[i] = indexes[n - 1 - i];
        indexes[n - 1 - i] = swap;
    }
    return n > 0 ? rac_repetition_name(indexes, n, out) : 0;
}

/* --- frames and ends -------------------------------------------------------------------------- */

struct rac_wf_frame *run_frame(struct rac_run *r, struct rac_wf_record *owner, uint32_t graph,
                               uint32_t index)
{
    const struct rac_wf_graph *g = &r->plan->graphs[graph];
    struct rac_entry e = {.kind = RAC_ENTRY_FRAME,
                          .frame = owner ? owner->frame->id : RAC_NO_FRAME,
                          .action = owner ? run_place(r, owner) : UINT32_MAX,
                          .graph = graph,
                          .index = index};
    run_emit(r, &e);
    struct rac_wf_frame *f = r->frames[r->frames_n - 1];
    for (uint32_t i = 0; i < g->n; i++)
        if (f->records[i].action->after_n == 0)
            run_push(r, &r->queue, &f->records[i]);
    if (g->n == 0)
        run_frame_done(r, f);
    return f;
}

static void finish(struct rac_run *r, struct rac_wf_record *x)
{
    struct rac_wf_frame *f = x->frame;
    for (uint32_t i = 0; i < x->action->next_n; i++) {
        struct rac_wf_record *next = &f->records[r->plan->actions[x->action->next[i]].order];
        if (next->status == RAC_WF_NONE && next->waits_n == 0)
            run_push(r, &r->queue, next);
    }
    if (f->open == 0)
        run_frame_done(r, f);
}

/* trackedProperties (§4.13): evaluated once it ended; what fails is left out. */
static struct rac_json tracked(struct rac_run *r, struct rac_wf_record *x,
                               const struct rac_act_result *o)
{
    enum { TRACKED_MAX = 8000 };
    struct rac_wf_record ended = *x;
    struct rac_json v;
    rac_str why;
    if (x->action->tracked == NULL || r->plan->workflow->stateless ||
        rac_secure_hides_tracked(r->plan, run_place(r, x)))
        return rac_json_none;
    ended.status = o->status;
    ended.code = o->code;
    ended.outputs = o->outputs;
    ended.error = o->error;
    ended.end_ms = run_now(r);
    if (!run_try(r, &ended, x->action->tracked, &v, &why) ||
        rac_json_print_str(&v, 0, r->a).n > TRACKED_MAX)
        return rac_json_none;
    return v;
}

/* What is kept of an error: every message of an action passes here. */
static struct rac_entry_value error_value(struct rac_run *r, const struct rac_wf_record *x,
                                          const struct rac_act_result *o)
{
    if (o->plain || o->error.type == RAC_JSON_NONE)
        return run_value(o->error);
    if (o->facts && !rac_secure_hides_facts(r->plan, run_place(r, x)))
        return run_value(rac_secure_mask(rac_secure_values_of_plan(r->plan), &o->error, r->a));
    return run_value(rac_secure_error(r->plan, run_place(r, x), &o->error, r->a));
}

void run_end(struct rac_run *r, struct rac_wf_record *x, const struct rac_act_result *o,
             bool begins)
{
    struct rac_entry e = {.kind = RAC_ENTRY_ENDED,
                          .frame = x->frame->id,
                          .action = run_place(r, x),
                          .status = o->status,
                          .code = rac_str_of(o->code),
                          .outputs = run_value(o->outputs),
                          .error = error_value(r, x, o)};
    if (o->skip != RAC_SKIP_NONE) {
        e = (struct rac_entry){.kind = RAC_ENTRY_SKIPPED,
                               .frame = e.frame,
                               .action = e.action,
                               .reason = (uint8_t)o->skip,
                               .other = UINT32_MAX};
        run_emit(r, &e);
        finish(r, x);
        return;
    }
    if (begins) {
        e.start_ms = x->start_ms;
        e.inputs = run_value(x->inputs);
        if (o->outputs.type >= RAC_JSON_STRING && o->outputs.type == x->inputs.type &&
            memcmp(&o->outputs.array, &x->inputs.array, sizeof o->outputs.array) == 0 &&
            o->outputs.n == x->inputs.n)
            e.outputs.kind = RAC_VALUE_SAME;
    }
    if (x->action->tracked != NULL)
        e.extra = run_value(tracked(r, x, o));
    run_emit(r, &e);
    finish(r, x);
}

void run_started(struct rac_run *r, struct rac_wf_record *x, struct rac_json inputs,
                 struct rac_json extra)
{
    struct rac_entry e = {.kind = RAC_ENTRY_STARTED,
                          .frame = x->frame->id,
                          .action = run_place(r, x),
                          .at_ms = x->start_ms,
                          .inputs = run_value(inputs),
                          .extra = run_value(extra)};
    run_emit(r, &e);
}

static struct rac_json outputs_of(struct rac_run *r)
{
    struct rac_json all = rac_json_new_object(r->a), v;
    rac_str why;
    if (r->plan->outputs == NULL)
        return all;
    if (run_try(r, NULL, r->plan->outputs, &v, &why))
        return v;
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GETI(r->plan->workflow->definition, "outputs"))
    {
        const struct rac_expr *x = NULL;
        struct rac_json o;
        if (rac_expr_compile_tree(&m->value, 0, r->a, &x, NULL, &why) != RAC_OK ||
            !run_try(r, NULL, x, &o, &why)) {
            o = rac_json_new_object(r->a);
            const struct rac_json *type = RAC_JSON_GETI(&m->value, "type");
            if (type != NULL)
                RAC_JSON_PUT(r->a, &o, "type", *type);
            RAC_JSON_PUT(r->a, &o, "error", run_error(r, RAC_S("InvalidTemplate"), why));
        }
        rac_json_put(r->a, &all, rac_json_key(m), o);
    }
    return all;
}

void run_over(struct rac_run *r, enum rac_wf_status status, const char *code, struct rac_json error)
{
    struct rac_entry e = {.kind = RAC_ENTRY_RUN_END,
                          .status = status,
                          .code = rac_str_of(code),
                          .error = run_value(error),
                          .outputs = run_value(outputs_of(r))};
    run_emit(r, &e);
}

void run_close(struct rac_run *r, enum rac_wf_status status, const char *code)
{
    struct rac_entry e = {.kind = RAC_ENTRY_CLOSED, .status = status, .code = rac_str_of(code)};
    run_emit(r, &e);
}

void rac_run_close(struct rac_run *r, enum rac_wf_status status, const char *code, rac_str message)
{
    if (r->over)
        return;
    run_close(r, status, status == RAC_WF_CANCELLED ? "Cancelled" : code);
    run_over(r, status, code,
             message.n > 0 ? run_error(r, rac_str_of(code), message) : rac_json_none);
}

void rac_run_abandon(struct rac_run *r, const char *code, rac_str message)
{
    struct rac_entry closed = {.kind = RAC_ENTRY_CLOSED,
                               .status = RAC_WF_FAILED,
                               .code = rac_str_of(code)},
                     end = {.kind = RAC_ENTRY_RUN_END,
                            .status = RAC_WF_FAILED,
                            .code = rac_str_of(code),
                            .error = run_value(run_error(r, rac_str_of(code), message))};
    run_emit(r, &closed);
    run_emit(r, &end);
}

/* --- executing -------------------------------------------------------------------------------- */

/* The first predecessor, in document order, whose status is none of those wanted. */
static uint32_t not_satisfied(const struct rac_run *r, const struct rac_wf_record *x)
{
    for (uint32_t i = 0; i < x->action->after_n; i++) {
        const struct rac_wf_edge *e = &x->action->after[i];
        const struct rac_wf_record *before = &x->frame->records[r->plan->actions[e->action].order];
        if (!(e->statuses & 1u << before->status))
            return i;
    }
    return UINT32_MAX;
}

/* The code of a static result that is made of secured values, and its error with none of its own. */
static rac_str secret_code(const struct rac_json *status, struct rac_json *error,
                           struct rac_arena *a)
{
    int number = rac_json_is_string(status) ? rac_http_status_parse((rac_str){status->s, status->n})
                                            : (int)rac_json_int(status, 0);
    if (error->type != RAC_JSON_NONE) {
        *error = rac_json_new_object(a);
        RAC_JSON_PUT_STR(a, error, "code", RAC_S("ActionFailed"));
    }
    return number >= 100 && number <= 599 ? rac_http_status_name(number, a) : RAC_STR_NULL;
}

/* §4.12: {"status", "outputs"?, "error"?, "code"?} instead of executing. */
static void fixed(struct rac_run *r, struct rac_wf_record *x)
{
    struct rac_act_result o = {.status = RAC_WF_SUCCEEDED, .code = "OK"};
    struct rac_json v;
    if (run_eval(r, x, x->action->fixed, &v, &o)) {
        const struct rac_json *outputs = RAC_JSON_GETI(&v, "outputs"),
                              *error = RAC_JSON_GETI(&v, "error"),
                              *status = RAC_JSON_GETI(outputs, "statusCode");
        rac_str code = rac_json_str(RAC_JSON_GETI(&v, "code"), RAC_STR_NULL);
        if (!rac_wf_status_parse(rac_json_str(RAC_JSON_GETI(&v, "status"), RAC_S("")), &o.status))
            o.status = RAC_WF_SUCCEEDED;
        o.outputs = outputs != NULL ? *outputs : rac_json_none;
        o.error = error != NULL ? *error : rac_json_none;
        if (rac_json_is_string(status)) {
            int number = rac_http_status_parse((rac_str){status->s, status->n});
            if (code.p == NULL)
                code = (rac_str){status->s, status->n};
            if (number != 0) {
                o.outputs = rac_json_copy(r->a, &o.outputs);
                rac_json_put(r->a, &o.outputs, RAC_S("statusCode"), rac_json_of_int(number));
            }
        } else if (status != NULL && code.p == NULL) {
            code = rac_http_status_name((int)rac_json_int(status, 200), r->a);
        }
        if (rac_secure_hides(r->plan, run_place(r, x)))
            code = secret_code(status, &o.error, r->a);
        o.code = code.p != NULL                 ? rac_arena_cstr(r->a, code)
                 : o.status == RAC_WF_SUCCEEDED ? "OK"
                 : o.status == RAC_WF_SKIPPED   ? "ActionSkipped"
                 : o.status == RAC_WF_TIMED_OUT ? "ActionTimedOut"
                 : o.status == RAC_WF_CANCELLED ? "Cancelled"
                                                : "BadRequest";
    }
    run_end(r, x, &o, true);
}

static bool answered(struct rac_run *r, struct rac_wf_record *x)
{
    struct rac_act_result o = {.status = RAC_WF_SUCCEEDED, .code = "OK"};
    const struct rac_run_host *host = r->world->host;
    if (host == NULL || !host->answer(host->self, x->action, r->executions[run_place(r, x)], r->a,
                                      &o.status, &o.code, &o.outputs, &o.error))
        return false;
    run_end(r, x, &o, true);
    return true;
}

static bool outside(enum rac_wf_type type)
{
    return type >= RAC_WF_TYPE_WAIT && type <= RAC_WF_TYPE_SEND_TO_BATCH;
}

/* XmlParse and XmlCompose are done here unless they name a schema, which the sandbox reads. */
static bool names_schema(enum rac_wf_type type, const struct rac_json *inputs)
{
    if (type != RAC_WF_TYPE_XML_PARSE && type != RAC_WF_TYPE_XML_COMPOSE)
        return false;
    const struct rac_json *own = RAC_JSON_GETI(inputs, "schema"),
                          *account = RAC_JSON_GETI(inputs, "integrationAccount");
    return rac_json_is_object(own) || rac_json_is_object(account);
}

/* Credentials are not recorded (§5.1): what carries an action out evaluates them again. */
static struct rac_json without_credentials(struct rac_run *r, const struct rac_wf_action *x,
                                           struct rac_json in)
{
    struct rac_json masked = rac_authentication_mask(&in, r->a);
    if (x->authentication != NULL && rac_json_is_object(&masked)) /* kept out of the inputs */
        RAC_JSON_PUT_STR(r->a, &masked, "authentication", RAC_S("*sanitized*"));
    return masked;
}

static void execute(struct rac_run *r, struct rac_wf_record *x)
{
    struct rac_act_result o = {.status = RAC_WF_SUCCEEDED, .code = "OK"};
    enum rac_wf_type type = x->action->type;
    x->start_ms = run_now(r);
    if (x->action->fixed != NULL) {
        fixed(r, x);
        return;
    }
    if (rac_wf_is_container(x->action)) {
        run_control(r, x);
        return;
    }
    if (answered(r, x))
        return;
    if (!run_eval(r, x, x->action->inputs, &x->inputs, &o)) {
        x->inputs = rac_json_none;
    } else if (type == RAC_WF_TYPE_TERMINATE) {
        run_control(r, x);
        return;
    } else if (outside(type) || names_schema(type, &x->inputs)) {
        run_started(r, x, without_credentials(r, x->action, x->inputs), rac_json_none);
        run_push(r, &r->wants, x);
        return;
    } else if (type < RAC_WF_TYPES) {
        acts[type](r, x, &o);
    } else {
        x->inputs = without_credentials(r, x->action, x->inputs);
        run_fail(r, &o, "ActionTypeNotSupported", "ActionTypeNotSupported",
                 "The action type '%.*s' of action '%.*s' is not supported by this host.",
                 RAC_FMT(x->action->type_word), RAC_FMT(x->action->name));
        o.plain = true;
    }
    run_end(r, x, &o, true);
}

static void decide(struct rac_run *r, struct rac_wf_record *x)
{
    if (x->status != RAC_WF_NONE)
        return;
    uint32_t i = not_satisfied(r, x);
    if (i == UINT32_MAX) {
        execute(r, x);
        return;
    }
    uint32_t other = x->action->after[i].action;
    struct rac_entry e = {.kind = RAC_ENTRY_SKIPPED,
                          .frame = x->frame->id,
                          .action = run_place(r, x),
                          .reason = RAC_SKIP_CONDITION,
                          .other = other,
                          .other_status = x->frame->records[r->plan->actions[other].order].status};
    run_emit(r, &e);
    finish(r, x);
}

bool rac_run_has_written_much(const struct rac_run *r)
{
    enum { PRINTED_MAX = 32 << 20 };
    return r->writer != NULL && r->writer->printed >= PRINTED_MAX;
}

bool rac_run_work(struct rac_run *r, unsigned actions_max)
{
    enum { CLOCK_EVERY = 8 };
    bool more = r->queue_head < r->queue.n && rac_run_has_written_much(r);
    for (unsigned n = 0; r->queue_head < r->queue.n && !r->over && !more; n++) {
        if (n % CLOCK_EVERY == 0)
            r->now_ms = rac_env_wall_ms(r->world->env);
        decide(r, r->queue.v[r->queue_head++]);
        if (r->queue_head == r->queue.n)
            r->queue_head = r->queue.n = 0;
        if (rac_arena_over(r->a) && !r->over)
            rac_run_close(r, RAC_WF_FAILED, "WorkflowRunMemoryLimitExceeded",
                          RAC_S("The run holds more data than a run may (workflow run memory)."));
        bool enough = n + 1 >= actions_max || rac_run_has_written_much(r);
        more = enough && r->queue_head < r->queue.n;
    }
    r->now_ms = 0;
    return more;
}

/* --- start ------------------------------------------------------------------------------------ */

struct rac_run *rac_run_new(const struct rac_plan *p, const struct rac_run_world *world,
                            struct rac_journal_writer *writer, struct rac_arena *a)
{
    struct rac_run *r = RAC_NEW(a, struct rac_run);
    r->plan = p;
    r->a = a;
    r->world = world;
    r->writer = writer;
    r->status = RAC_WF_WAITING;
    rac_map_init(&r->variables, a);
    if (world->host != NULL)
        r->executions = RAC_NEW_N(a, uint32_t, p->actions_n);
    return r;
}

rac_str rac_run_trigger(const struct rac_run *r)
{
    return r->trigger_name;
}

void rac_run_create(struct rac_run *r, const struct rac_run_facts *f)
{
    struct rac_json facts = rac_json_new_object(r->a);
    struct rac_entry e = {.kind = RAC_ENTRY_RUN, .at_ms = f->start_ms};
    memcpy(e.seed, f->seed, sizeof e.seed);
    RAC_JSON_PUT_STR(r->a, &facts, "name", f->name);
    if (f->tracking.p != NULL && !rac_str_eq(f->tracking, f->name))
        RAC_JSON_PUT_STR(r->a, &facts, "tracking", f->tracking);
    if (f->correlation.p != NULL)
        RAC_JSON_PUT_STR(r->a, &facts, "correlation", f->correlation);
    if (f->origin.p != NULL)
        RAC_JSON_PUT_STR(r->a, &facts, "origin", f->origin);
    if (f->trigger.p != NULL && !rac_str_eq(f->trigger, r->plan->trigger_name))
        RAC_JSON_PUT_STR(r->a, &facts, "trigger", f->trigger);
    if (f->scheduled_ms != 0)
        RAC_JSON_PUT(r->a, &facts, "scheduled", rac_json_of_int(f->scheduled_ms));
    if (f->depth != 0)
        RAC_JSON_PUT(r->a, &facts, "depth", rac_json_of_int(f->depth));
    if (f->caller_waits)
        RAC_JSON_PUT(r->a, &facts, "waits", rac_json_of_bool(true));
    rac_str code = rac_trigger_code(f->trigger_outputs, r->a);
    if (code.p != NULL) /* so that lists tell it without reading the outputs */
        RAC_JSON_PUT_STR(r->a, &facts, "code", code);
    e.extra = run_value(facts);
    if (f->trigger_inputs != NULL)
        e.inputs = run_value(*f->trigger_inputs);
    if (f->trigger_outputs != NULL)
        e.outputs = run_value(*f->trigger_outputs);
    run_emit(r, &e);
}

void rac_run_begin(struct rac_run *r)
{
    if (r->root == NULL && !r->over)
        run_frame(r, NULL, 0, 0);
}

/* --- what waits for something outside --------------------------------------------------------- */

struct rac_wf_record **rac_run_wants(struct rac_run *r, size_t *n)
{
    *n = r->wants.n;
    r->wants.n = 0;
    return r->wants.v;
}

struct rac_wf_record **rac_run_stopped(struct rac_run *r, size_t *n)
{
    *n = r->stopped.n;
    r->stopped.n = 0;
    return r->stopped.v;
}

rac_err rac_run_settle(struct rac_run *r, struct rac_wf_record *x, const struct rac_run_outcome *o)
{
    if (r->over || run_terminal(x->status))
        return RAC_E_CONFLICT;
    struct rac_act_result result = {
        .status = o->status, .code = run_code_text(r, o->code), .facts = o->facts};
    if (o->outputs != NULL)
        result.outputs = rac_json_copy(r->a, o->outputs);
    if (o->error != NULL)
        result.error = rac_json_copy(r->a, o->error);
    run_end(r, x, &result, false);
    return RAC_OK;
}

void rac_run_progress(struct rac_run *r, struct rac_wf_record *x, enum rac_wf_status status,
                      struct rac_json state)
{
    struct rac_entry e = {.kind = RAC_ENTRY_PROGRESS,
                          .frame = x->frame->id,
                          .action = run_place(r, x),
                          .status = status,
                          .extra = run_value(rac_json_copy(r->a, &state))};
    if (!r->over && !run_terminal(x->status))
        run_emit(r, &e);
}

void rac_run_request(struct rac_run *r, struct rac_wf_record *x, rac_ms start_ms,
                     struct rac_json what, struct rac_json body, uint8_t bits)
{
    struct rac_entry e = {.kind = RAC_ENTRY_REQUEST,
                          .frame = x->frame->id,
                          .action = run_place(r, x),
                          .start_ms = start_ms,
                          .reason = bits,
                          .outputs = run_value(body),
                          .extra = run_value(what)};
    if (r->writer != NULL && !r->over && !run_terminal(x->status))
        run_emit(r, &e);
}

static struct rac_wf_record *find_in(struct rac_run *r, struct rac_wf_frame *f, uint32_t action,
                                     rac_str repetition)
{
    char name[RAC_REPETITION_NAME_TEXT];
    for (uint32_t i = 0; i < r->plan->graphs[f->graph].n; i++) {
        struct rac_wf_record *x = &f->records[i], *found;
        if (run_terminal(x->status) || x->status == RAC_WF_NONE)
            continue;
        if (run_place(r, x) == action &&
            rac_str_eq(repetition, (rac_str){name, rac_run_repetition(r, x, name)}))
            return x;
        for (uint32_t k = 0; x->inner != NULL && k < x->inner->frames_n; k++)
            if (!run_terminal(x->inner->frames[k]->status) &&
                (found = find_in(r, x->inner->frames[k], action, repetition)) != NULL)
                return found;
    }
    return NULL;
}

struct rac_wf_record *rac_run_find(struct rac_run *r, rac_str action, rac_str repetition)
{
    uint32_t at = rac_plan_find(r->plan, action);
    return at == UINT32_MAX || r->root == NULL || r->over ? NULL
                                                          : find_in(r, r->root, at, repetition);
}

void rac_run_carried_by(struct rac_run *r, struct rac_wf_record *x, void *outside)
{
    run_inner(r, x)->outside = outside;
}

void rac_run_caller_gone(struct rac_run *r)
{
    struct rac_entry e = {.kind = RAC_ENTRY_CALLER};
    if (!r->over && r->caller_waits && !r->response_sent)
        run_emit(r, &e);
}

/* --- looking ---------------------------------------------------------------------------------- */

const struct rac_plan *rac_run_plan(const struct rac_run *r)
{
    return r->plan;
}

struct rac_arena *rac_run_arena(struct rac_run *r)
{
    return r->a;
}

rac_str rac_run_name_of(const struct rac_run *r)
{
    return r->name;
}

rac_str rac_run_tracking(const struct rac_run *r)
{
    return r->tracking;
}

rac_str rac_run_correlation(const struct rac_run *r)
{
    return r->correlation;
}

unsigned rac_run_depth(const struct rac_run *r)
{
    return r->depth;
}

rac_ms rac_run_start_ms(const struct rac_run *r)
{
    return r->start_ms;
}

bool rac_run_begun(const struct rac_run *r)
{
    return r->root != NULL;
}

bool rac_run_over(const struct rac_run *r)
{
    return r->over;
}

enum rac_wf_status rac_run_status(const struct rac_run *r)
{
    return r->status;
}

const char *rac_run_code(const struct rac_run *r)
{
    return r->code;
}

const struct rac_json *rac_run_error(const struct rac_run *r)
{
    return &r->error;
}

const struct rac_json *rac_run_response(const struct rac_run *r)
{
    return &r->response;
}

unsigned rac_run_actions(const struct rac_run *r)
{
    return r->actions_total;
}

const struct rac_wf_frame *rac_run_root(const struct rac_run *r)
{
    return r->root;
}
