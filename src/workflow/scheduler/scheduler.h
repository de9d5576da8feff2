/*
 * scheduler - triggers that nobody calls: recurrences, sliding windows, polls, subscriptions, batches
 * (spec workflows §2.3 to §2.8, §2.10).
 *
 *   due row in the store -> workflow loaded -> attended by class -> runs fired, state and next due
 *   time saved
 *
 * Saving a workflow marks its triggers due in the same commit; everything else follows from
 * attending them: a new recurrence is anchored, a webhook subscribed, a removed or disabled one
 * unsubscribed. So a server that stops anywhere goes on where it was, and nothing is forgotten
 * between the save of a workflow and the first look at it.
 *
 * A poll, a subscription and its end are runs of their own of a plan made from the trigger, which
 * keep nothing: the same requests, connectors, retries and authentication as those of actions.
 *
 * At most one attendance of a trigger at a time. Missed occurrences of a Recurrence are dropped,
 * those of a SlidingWindow made up for, in order. One scheduler per installation: worker 0's, with
 * that worker's engine. All calls from its thread.
 */
#ifndef RAC_WORKFLOW_SCHEDULER_H
#define RAC_WORKFLOW_SCHEDULER_H

#include "workflow/engine/engine.h"
#include "workflow/definition/trigger.h"

struct rac_scheduler;

/* A workflow with its triggers compiled, valid until released. */
struct rac_scheduled_flow {
    struct rac_flow *flow;
    const struct rac_flow_trigger *triggers;
    size_t triggers_n;
    bool deleted; /* kept only until its subscriptions are ended */
};

struct rac_scheduler_ports {
    const struct rac_env *env;
    const struct rac_flow_store *store;
    struct rac_engine *engine;
    /* That version, absent: the newest; done may come later or at once. err RAC_E_NOT_FOUND: it was
     * deleted. The flow is borrowed until done returns: take a reference to keep it. */
    void (*flow_load)(void *self, int64_t key, rac_str revision,
                      void (*done)(void *arg, rac_err err, const struct rac_scheduled_flow *f),
                      void *arg);
    /* Asks for one rac_scheduler_tick after so many ms, or sooner if that was asked for before. */
    void (*alarm)(void *self, int64_t after_ms);
    rac_str public_url;
    /* All descriptions of batches in the workflow's integration account, as rac_batches_add takes
     * them; done may come at once, and what it is given is good while it runs. NULL: there are
     * none. */
    void (*batches)(void *self, const struct rac_flow *flow,
                    void (*done)(void *arg, rac_err err, rac_str why,
                                 const struct rac_json *artifacts),
                    void *arg);
    void *self;
};

struct rac_scheduler *rac_scheduler_new(const struct rac_scheduler_ports *ports);
/* After drain. With something still in flight it stays, for the rest of a process that ends. */
void rac_scheduler_free(struct rac_scheduler *s);
/* Looks for due triggers now: at start, on the alarm, after a workflow was saved. */
void rac_scheduler_tick(struct rac_scheduler *s);
/* Attends no more; true once nothing is in flight. */
bool rac_scheduler_drain(struct rac_scheduler *s);
/* A notification came in over the callback URL of a notification trigger, or somebody runs one that
 * polls by hand: it asks now. */
void rac_scheduler_notify(struct rac_scheduler *s, int64_t flow, rac_str trigger);
/* One that subscribes ends the subscription it has and makes another; what it fetched is forgotten. */
void rac_scheduler_reset(struct rac_scheduler *s, int64_t flow, rac_str trigger);

/* The callback URL of a trigger that subscribes, signed with that key of f; in a. */
rac_str rac_trigger_callback_url(const struct rac_flow *f, rac_str trigger, rac_str key,
                                 rac_str public_url, struct rac_arena *a);

/*
 * Starts what outputs of a trigger are to start, or records why nothing is: the way of every class.
 * row, when not NULL, is committed with the last run, or with the event. Answers once everything is
 * durable: started of runs; *first when there was exactly one run (its answer, as of
 * rac_engine_fire), else a summary: STARTED, BUSY, FAILED. Borrows its arguments until it returns.
 */
struct rac_firing {
    struct rac_engine *engine;
    const struct rac_flow_store *store; /* NULL: no history */
    const struct rac_env *env;
    struct rac_flow *flow;
    const struct rac_flow_trigger *trigger;
    const struct rac_json *inputs;  /* NULL: none, or to be evaluated (trigger.h) */
    const struct rac_json *outputs; /* NULL: none */
    rac_str tracking;               /* said by the caller; absent: none */
    rac_str correlation;            /* of the run that calls; absent: none */
    unsigned depth;                 /* how many workflows call each other */
    rac_ms scheduled_ms;
    bool waits; /* for a Response: only when one run starts */
    const struct rac_flow_trigger_row *row;
    /* Messages of a batch that go with what is started, NULL: none. Where each item of splitOn is
     * one of the outputs' items, its message goes with its run; else all go with the last one. */
    const struct rac_flow_release *release;
    const int64_t *numbers; /* of these messages */
};
typedef void (*rac_firing_fn)(void *arg, size_t started, const struct rac_fire_answer *answer);
void rac_trigger_fire(const struct rac_firing *f, rac_firing_fn done, void *arg);

#endif
