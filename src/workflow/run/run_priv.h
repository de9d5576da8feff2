/* run_priv - what the parts of a run and the actions of this room share. */
#ifndef RAC_WORKFLOW_RUN_PRIV_H
#define RAC_WORKFLOW_RUN_PRIV_H

#include "base/map.h"
#include "workflow/run/run.h"

struct variable {
    rac_str name, type; /* type as the table of act_variable spells it */
    struct rac_json value;
    uint32_t index; /* in the journal */
    bool own;       /* an array or text that nobody else appends to */
    size_t room;    /* of an own text */
};

struct records { /* a list that is emptied as a whole */
    struct rac_wf_record **v;
    size_t n, cap;
};

struct rac_run {
    const struct rac_plan *plan;
    struct rac_arena *a;
    const struct rac_run_world *world;
    struct rac_journal_writer *writer; /* NULL: no journal */
    struct rac_journal_known *large;   /* values it has; NULL: none yet */
    rac_run_value_fn value;            /* while replaying */
    void *value_self;

    bool created, caller_waits, response_sent, caller_gone, terminated, over, too_large;
    enum rac_wf_status status;
    struct rac_json error, response, outputs;
    const char *code;
    uint8_t seed[16];
    rac_str name, tracking, correlation, origin;
    rac_ms start_ms, end_ms, scheduled_ms;
    rac_ms now_ms; /* while it works: the clock, looked at now and then; 0: ask */
    unsigned depth, actions_total;
    rac_str trigger_name;
    struct rac_json trigger; /* as trigger() gives it */
    struct rac_json trigger_outputs;
    const struct rac_json *trigger_body; /* inside them; NULL: they have none */
    struct rac_json workflow;            /* as workflow() gives it; NONE: nobody asked yet */

    struct rac_map variables; /* lower-case name -> struct variable * */
    uint32_t *executions;     /* per action: how often it was asked of the host; NULL: no host */
    struct rac_wf_frame *root;
    struct rac_wf_frame **frames; /* by number */
    uint32_t frames_n, frames_cap;
    struct records queue; /* to be decided, in this order */
    size_t queue_head;
    struct records wants, stopped;
    struct rac_wf_record *current; /* whose expressions are being evaluated */
    struct rac_json item;          /* of a data operation; shadows that of the loop */
    bool has_item;
};

static inline bool run_terminal(enum rac_wf_status s)
{
    return s != RAC_WF_NONE && s != RAC_WF_RUNNING && s != RAC_WF_WAITING;
}
static inline struct rac_entry_value run_value(struct rac_json v)
{
    return (struct rac_entry_value){
        .kind = v.type == RAC_JSON_NONE ? RAC_VALUE_NONE : RAC_VALUE_TEXT, .v = v};
}
static inline uint32_t run_place(const struct rac_run *r, const struct rac_wf_record *x)
{
    return (uint32_t)(x->action - r->plan->actions);
}
static inline rac_ms run_now(const struct rac_run *r)
{
    return r->now_ms != 0 ? r->now_ms : rac_env_wall_ms(r->world->env);
}

/* What an action did, before it is entered. */
struct rac_act_result {
    enum rac_wf_status status;
    const char *code;
    struct rac_json outputs, error;
    bool plain;         /* the error quotes nothing: it may always be shown */
    bool facts;         /* it is one of a request (secure.h) */
    enum rac_skip skip; /* SKIPPED instead of an end */
};

/* An action without children: evaluated inputs in (x->inputs), what it did out. */
typedef void (*rac_act)(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);

void act_response(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_compose(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_parse_json(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_select(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_query(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_join(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_table(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_expression(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_initialize_variable(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_set_variable(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_increment_variable(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_decrement_variable(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_append_to_array(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_append_to_string(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);

void act_parse_document(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_chunk_text(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_xml_parse(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);
void act_xml_compose(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o);

/* entry.c */
void run_emit(struct rac_run *r, struct rac_entry *e);      /* writes an entry and applies it */
const char *run_code_text(struct rac_run *r, rac_str code); /* static where it can be */

/* run.c */
void run_variable_apply(struct rac_run *r, const struct rac_entry *e); /* act_variable.c */
struct rac_wf_inner *run_inner(struct rac_run *r, struct rac_wf_record *x);
void run_push(struct rac_run *r, struct records *list, struct rac_wf_record *x);
void run_end(struct rac_run *r, struct rac_wf_record *x, const struct rac_act_result *o,
             bool begins);
void run_started(struct rac_run *r, struct rac_wf_record *x, struct rac_json inputs,
                 struct rac_json extra);
struct rac_wf_frame *run_frame(struct rac_run *r, struct rac_wf_record *owner, uint32_t graph,
                               uint32_t index); /* enters a frame and queues what begins it */
void run_over(struct rac_run *r, enum rac_wf_status status, const char *code,
              struct rac_json error);
void run_close(struct rac_run *r, enum rac_wf_status status, const char *code);

/* control.c */
void run_control(struct rac_run *r, struct rac_wf_record *x); /* begins a container, Terminate */
void run_frame_done(struct rac_run *r, struct rac_wf_frame *f);

/* scope.c */
/* Evaluates in the place of x. On failure *o has failed with InvalidTemplate, and false. */
bool run_eval(struct rac_run *r, struct rac_wf_record *x, const struct rac_expr *e,
              struct rac_json *out, struct rac_act_result *o);
/* The same without a result: NULL why means it worked. */
bool run_try(struct rac_run *r, struct rac_wf_record *x, const struct rac_expr *e,
             struct rac_json *out, rac_str *why);
void run_bind_trigger(struct rac_run *r, struct rac_json inputs, struct rac_json outputs);
/* Every frame in which an action stands as seen from `from`: one, or one an iteration when a loop
 * lies between. */
struct run_seen {
    struct rac_wf_frame **v;
    size_t n, cap;
    bool loop;
};
void run_seen_add(struct rac_run *r, struct run_seen *s, struct rac_wf_frame *f);
/* A record as the result of `raccord run` shows it. */
struct rac_json run_record_json(struct rac_run *r, const struct rac_wf_record *x, bool full);
/* A record for an action that has none because its container did not run it; NULL: it is not
 * decided. In the arena. */
struct rac_wf_record *run_unrun(struct rac_run *r, struct rac_wf_frame *from, uint32_t action);

static inline void run_succeed(struct rac_act_result *o, const char *code)
{
    o->status = RAC_WF_SUCCEEDED;
    o->code = code;
}
void run_fail(struct rac_run *r, struct rac_act_result *o, const char *code, const char *error_code,
              const char *fmt, ...) RAC_PRINTF(5, 6);
struct rac_json run_error(struct rac_run *r, rac_str code, rac_str message);

#endif
