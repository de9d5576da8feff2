/*
 * run - one run of a plan: a state machine that is fed events and says what it wants.
 *
 * Every change of state is a journal entry (journal.h) applied by one function: live execution
 * makes entries and applies them, recovery applies the stored ones and then goes on. So a run that
 * was read back is the run that was.
 *
 * A run does by itself whatever needs nobody: expressions, data operations, variables, branches,
 * loops. For the rest it says which actions wait for something outside (rac_run_wants) and is told
 * what became of them: rac_run_progress, rac_run_settle. It works in bounded steps (rac_run_work).
 *
 * No socket, no thread, no clock of its own: time and randomness come through rac_env. Everything
 * lives in the run's arena; a run is given up by freeing that. One thread at a time. Semantics:
 * spec workflows §4.
 */
#ifndef RAC_WORKFLOW_RUN_H
#define RAC_WORKFLOW_RUN_H

#include "base/env.h"
#include "expr/trace.h"
#include "workflow/definition/ident.h"
#include "workflow/run/journal.h"
#include "workflow/definition/plan.h"
#include "workflow/run/skip.h"

struct rac_wf_frame;
struct rac_run;

/* What only some records have: containers, and actions that wait for something outside. */
struct rac_wf_inner {
    struct rac_wf_frame **frames; /* graphs it ran: one branch, or an iteration each */
    uint32_t frames_n, frames_cap;
    uint32_t open;           /* frames not finished */
    struct rac_json items;   /* Foreach: what it goes over */
    uint32_t next_item;      /* of items: to be begun next */
    struct rac_json tracked; /* trackedProperties, evaluated */
    struct rac_json state;   /* of an action under way: the last progress; NONE: none yet */
    uint32_t progress;       /* how many entries of progress it has */
    void *outside;           /* whoever carries it out: the engine's */
};

/* What became of one action in one frame. */
struct rac_wf_record {
    const struct rac_wf_action *action;
    struct rac_wf_frame *frame;
    enum rac_wf_status status : 8; /* NONE: not decided yet */
    enum rac_skip reason : 8;      /* why it was skipped */
    enum rac_wf_status other_status : 8;
    uint32_t other;                         /* because of which action */
    uint32_t waits_n;                       /* of what it runs after: not terminal yet */
    const char *code;                       /* static or in the run's arena; NULL: none */
    struct rac_json inputs, outputs, error; /* NONE: has none */
    rac_ms start_ms, end_ms;
    struct rac_wf_inner *inner; /* NULL: needs none */
};

/* A graph being executed: the root, a branch that was taken, one iteration. */
struct rac_wf_frame {
    uint32_t graph;
    uint32_t id;    /* number in the journal */
    uint32_t index; /* of the iteration */
    uint32_t open;
    enum rac_wf_status status; /* once finished */
    struct rac_wf_frame *parent;
    struct rac_wf_record *owner; /* NULL: the root */
    rac_ms start_ms, end_ms;
    struct rac_wf_record records[]; /* in document order */
};

/* Answers for actions instead of executing them: mocks, built-in providers. */
struct rac_run_host {
    /* True: *status, *code (static or in the run's arena), *outputs, *error are what the action
     * did. Asked before an action executes, with the number of its execution in this run (from 0).
     */
    bool (*answer)(void *self, const struct rac_wf_action *x, uint32_t nth, struct rac_arena *a,
                   enum rac_wf_status *status, const char **code, struct rac_json *outputs,
                   struct rac_json *error);
    void *self;
};

/* What a run is told about the world around it; borrowed while the run exists. */
struct rac_run_world {
    const struct rac_env *env;
    const struct rac_run_host *host; /* NULL: none */
    const struct rac_json *workflow; /* rac_flow.self; NULL: workflow() has its run only */
    /* URL by which a waiting action is called back (§3.5); absent answer: not here. */
    rac_str (*callback_url)(void *self, const struct rac_run *r, const struct rac_wf_record *x,
                            struct rac_arena *a);
    void *self;
};

/* Facts of a new run; texts and values are borrowed as long as it exists. */
struct rac_run_facts {
    rac_str name, tracking, correlation, origin;             /* tracking absent: the name */
    rac_str trigger;                                         /* which fired; absent: the first */
    const struct rac_json *trigger_inputs, *trigger_outputs; /* NULL: none */
    rac_ms start_ms, scheduled_ms;                           /* scheduled_ms 0: none */
    bool caller_waits;                                       /* a Response has somebody to answer */
    unsigned depth;                                          /* of nested calls */
    uint8_t seed[16];                                        /* of its ids */
};

/* A run in a; nothing happened yet. writer NULL: no journal is kept (stateless). */
struct rac_run *rac_run_new(const struct rac_plan *p, const struct rac_run_world *world,
                            struct rac_journal_writer *writer, struct rac_arena *a);
/* The first entry; the run then waits for rac_run_begin. */
void rac_run_create(struct rac_run *r, const struct rac_run_facts *f);
void rac_run_begin(struct rac_run *r);
/* Works off what is ready, at most about actions_max; false: nothing is left to do without
 * waiting, or the run is over. */
bool rac_run_work(struct rac_run *r, unsigned actions_max);
/* The values of this turn are as many bytes as one commit should have: the rest is for the next. */
bool rac_run_has_written_much(const struct rac_run *r);

/* Instead of rac_run_begin: a run that begins at an action of another one (§4.15). What ended at the
 * root of `from` and does not come after that action is taken over with its results; variables are
 * as they were. `from` is a run of the same plan and may go afterwards. False: it has no such
 * action at its root. */
bool rac_run_begin_at(struct rac_run *r, const struct rac_run *from, rac_str action);

/* --- recovery --------------------------------------------------------------------------------- */

/* Fetches a value kept beside the journal. */
typedef rac_err (*rac_run_value_fn)(void *self, const char *digest, struct rac_arena *a,
                                    rac_str *bytes);
/* Applies one piece of the journal of a new run. RAC_E_CORRUPT: it is not of this plan. */
rac_err rac_run_replay(struct rac_run *r, rac_str piece, rac_run_value_fn value,
                       void *self) RAC_MUST_CHECK;
/* A place in a journal: where the inputs of an action (of a plan, by place) were evaluated. */
struct rac_run_place {
    uint32_t action;
    rac_str repetition;      /* "" outside of loops */
    struct rac_wf_record *x; /* once its entry was seen; NULL before */
    bool taken_over;         /* it ran in another run, before this one began (§4.15) */
};
/* The same, no further than there: the state is that in which it was evaluated, and *reached. What
 * was taken over stands in no order: there it is the state in which the run went on, and the end of
 * the journal is as good as *reached. Pieces after it must not be applied. */
rac_err rac_run_replay_to(struct rac_run *r, rac_str piece, struct rac_run_place *to, bool *reached,
                          rac_run_value_fn value, void *self) RAC_MUST_CHECK;
/* After the last piece: finds what is ready and what waits for something outside. */
void rac_run_resume(struct rac_run *r);

/* --- what waits for something outside --------------------------------------------------------- */

/* Actions that began (or were found by resume) since the last call, in order; emptied by it. Valid
 * until the run works again. */
struct rac_wf_record **rac_run_wants(struct rac_run *r, size_t *n);
struct rac_run_outcome {
    enum rac_wf_status status;
    rac_str code;                   /* borrowed */
    const struct rac_json *outputs; /* NULL: none */
    const struct rac_json *error;   /* NULL: none */
    bool facts;                     /* the error is one of a request (secure.h) */
};
/* Ends an open action; RAC_E_CONFLICT when it is not open any more. Work follows by itself only in
 * rac_run_work. */
rac_err rac_run_settle(struct rac_run *r, struct rac_wf_record *x,
                       const struct rac_run_outcome *o) RAC_MUST_CHECK;
/* Records what a restart must know; status Running or Waiting. */
void rac_run_progress(struct rac_run *r, struct rac_wf_record *x, enum rac_wf_status status,
                      struct rac_json state);
/* Bits of a recorded request. */
enum {
    RAC_RUN_REQUEST_RETRIED = 1, /* an attempt that will be made again (§4.6 retryHistory) */
    RAC_RUN_REQUEST_FIRST = 2,   /* it took the body of the action along */
    RAC_RUN_REQUEST_LAST = 4,    /* its answer became the outputs of the action */
};
/* Records a request it made: {"request", "response"?, "error"?}; body: what was answered, where
 * nothing else tells it (NONE: nothing, or the outputs do). */
void rac_run_request(struct rac_run *r, struct rac_wf_record *x, rac_ms start_ms,
                     struct rac_json what, struct rac_json body, uint8_t bits);
/* The open action of that name and repetition ("" outside of loops); NULL: it is not open. */
struct rac_wf_record *rac_run_find(struct rac_run *r, rac_str action, rac_str repetition);

/* Notes who carries out an action; read back as x->inner->outside. */
void rac_run_carried_by(struct rac_run *r, struct rac_wf_record *x, void *outside);

/* Whoever waited for a Response does so no longer (§3.3). */
void rac_run_caller_gone(struct rac_run *r);
/* Ends everything: Cancelled with "Cancelled"; TimedOut with "WorkflowRunTimedOut"; Failed with any
 * other code and its message. */
void rac_run_close(struct rac_run *r, enum rac_wf_status status, const char *code, rac_str message);
/* Ends as Failed a run whose last entries cannot be recorded, in whatever state they left it; the
 * writer was cleared, and what is written now follows what was recorded before. No outputs. */
void rac_run_abandon(struct rac_run *r, const char *code, rac_str message);
/* Actions that were open when the run was closed: what is under way for them has to be stopped. */
struct rac_wf_record **rac_run_stopped(struct rac_run *r, size_t *n);

/* --- looking ---------------------------------------------------------------------------------- */

const struct rac_plan *rac_run_plan(const struct rac_run *r);
struct rac_arena *rac_run_arena(struct rac_run *r);
rac_str rac_run_name_of(const struct rac_run *r);
rac_str rac_run_tracking(const struct rac_run *r);
rac_str rac_run_correlation(const struct rac_run *r);
unsigned rac_run_depth(const struct rac_run *r);
rac_ms rac_run_start_ms(const struct rac_run *r);
bool rac_run_begun(const struct rac_run *r);
bool rac_run_over(const struct rac_run *r);
enum rac_wf_status rac_run_status(const struct rac_run *r); /* Waiting, Running, or how it ended */
const char *rac_run_code(const struct rac_run *r);          /* NULL: none */
const struct rac_json *rac_run_error(const struct rac_run *r);    /* NONE: has none */
const struct rac_json *rac_run_response(const struct rac_run *r); /* NONE: none was sent */
unsigned rac_run_actions(const struct rac_run *r);                /* how many ended */
/* {"status", "error"?, "outputs", "response"?, "trigger", "actions"}: architecture §1. */
struct rac_json rac_run_json(struct rac_run *r, struct rac_arena *a);
/* rac_run_response as it may be shown (secure.h). */
struct rac_json rac_run_response_shown(struct rac_run *r, struct rac_arena *a);
/* For printing the tree: the root frame, NULL before rac_run_begin. */
const struct rac_wf_frame *rac_run_root(const struct rac_run *r);

/* Ids that a restart makes again: from the run's seed, a record and a number. */
enum { RAC_RUN_ID_ACTION = 0, RAC_RUN_ID_TRIGGER = 0xffffffff }; /* others: attempt + 1 */
void rac_run_id(const uint8_t seed[16], uint32_t frame, uint32_t action, uint32_t which,
                char out[37]);
void rac_run_record_id(const struct rac_run *r, const struct rac_wf_record *x, uint32_t which,
                       char out[37]);
rac_str rac_run_trigger(const struct rac_run *r); /* name of the trigger that fired */
/* The trigger's tracking id, which is the correlation id of runs that were given none; in a. */
rac_str rac_run_trigger_id(const struct rac_run *r, struct rac_arena *a);
/* "000002-000013" of a record; "" outside of loops. Returns its length. */
size_t rac_run_repetition(const struct rac_run *r, const struct rac_wf_record *x,
                          char out[RAC_REPETITION_NAME_TEXT]);
/* The expression because of which a record failed, found by evaluating what it was given again: the
 * text of the template, the part that fails, and its place in the action ("inputs.body.list[1]", in
 * the run's arena). False: none fails now. */
struct rac_run_fault {
    rac_str text, place;
    uint32_t offset, length;
};
bool rac_run_fault_of(struct rac_run *r, struct rac_wf_record *x, struct rac_run_fault *out);
/* Evaluates in the place of x part by part, *item (NULL: none) being item(); errors as of
 * rac_expr_trace. Parts live in the run's arena. *steps are counted on, steps_max at most. */
rac_err rac_run_trace(struct rac_run *r, struct rac_wf_record *x, const struct rac_expr *e,
                      const struct rac_json *item, uint64_t *steps, uint64_t steps_max,
                      struct rac_expr_trace *t, struct rac_expr_part *root,
                      rac_str *why) RAC_MUST_CHECK;
/* Evaluates in the place of x; RAC_E_INVALID with *why in the run's arena. */
rac_err rac_run_evaluate(struct rac_run *r, struct rac_wf_record *x, const struct rac_expr *e,
                         struct rac_json *out, rac_str *why) RAC_MUST_CHECK;
/* A wrong value as a message shows it: its text, 100 bytes of it at most; in a. NULL: "". */
rac_str rac_run_shown(const struct rac_json *v, struct rac_arena *a);

#endif
