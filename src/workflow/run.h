/*
 * run - one run of a plan: a state machine that is fed events and says what it wants.
 *
 * No socket, no thread, no clock of its own: time, randomness and ids come through rac_env. What a
 * step needs from outside it asks of its host (struct rac_run_host); what the host has no answer
 * for is ActionTypeNotSupported. Everything lives in the run's arena. One thread at a time.
 * Semantics: spec workflows §4.
 */
#ifndef RAC_WORKFLOW_RUN_H
#define RAC_WORKFLOW_RUN_H

#include "workflow/plan.h"

struct rac_wf_frame;
struct rac_run;

/* What became of one action in one frame. */
struct rac_wf_record {
    const struct rac_wf_action *action;
    struct rac_wf_frame *frame;
    enum rac_wf_status status; /* NONE: not decided yet */
    const char *code;
    struct rac_json inputs, outputs, error; /* NONE: has none */
    rac_ms start_ms, end_ms;
    char tracking_id[37];
    struct rac_wf_frame **frames; /* graphs it ran: one branch, or an iteration each */
    uint32_t frames_n, frames_cap;
    uint32_t open;         /* frames not finished */
    struct rac_json items; /* Foreach: what it goes over */
    uint32_t next_item;
};

/* A graph being executed: the root, a branch, one iteration. */
struct rac_wf_frame {
    uint32_t graph;
    uint32_t index; /* of the iteration */
    struct rac_wf_frame *parent;
    struct rac_wf_record *owner;   /* NULL: the root */
    struct rac_wf_record *records; /* in document order */
    uint32_t open;
    bool has_item;
    struct rac_json item;
    enum rac_wf_status status; /* once finished */
};

/* Answers for actions from outside: mocks now, calls and timers through the same door. */
struct rac_run_host {
    /* True: *status, *code (static or in the run's arena), *outputs, *error are what the action
     * did. Asked before an action executes, with the number of its execution in this run (from 0).
     */
    bool (*answer)(void *self, const struct rac_wf_action *x, uint32_t nth, struct rac_arena *a,
                   enum rac_wf_status *status, const char **code, struct rac_json *outputs,
                   struct rac_json *error);
    void *self;
};

struct rac_run_options {
    const struct rac_env *env;
    const struct rac_run_host *host;   /* NULL: none */
    const struct rac_json *trigger;    /* the trigger's outputs, or NULL */
    const struct rac_json *parameters; /* name -> value, over those of the document; or NULL */
    bool caller_waits;                 /* a Response has somebody to answer */
};

/* Starts and runs as far as it goes without waiting. Owned by a. */
struct rac_run *rac_run_start(const struct rac_plan *p, const struct rac_run_options *o,
                              struct rac_arena *a);

enum rac_wf_status rac_run_status(const struct rac_run *r);
const struct rac_json *rac_run_error(const struct rac_run *r);    /* NONE: has none */
const struct rac_json *rac_run_response(const struct rac_run *r); /* NONE: none was sent */
/* {"status", "error"?, "outputs", "response"?, "trigger", "actions"}: architecture §1. */
struct rac_json rac_run_json(struct rac_run *r, struct rac_arena *a);

/* For printing the tree: the root frame; a frame's graph says how many records it has. */
const struct rac_wf_frame *rac_run_root(const struct rac_run *r);

#endif
