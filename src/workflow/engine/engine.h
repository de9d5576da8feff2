/*
 * engine - runs workflows: one per worker, fed events, speaking to the world through ports.
 *
 *   fire -> run made -> turn: everything that can be done without waiting -> one append to the
 *   store -> committed -> effects: answer the caller, send calls, arm timers -> result -> turn ...
 *
 * An effect leaves only after the turn that asked for it is durable (stateful workflows; stateless
 * ones keep nothing and skip the store). After a crash the journal is applied again: what was
 * recorded stays, what was under way is done again with the same request id (at least once, §4.2).
 *
 * A run belongs to the worker rac_flow_owner(name, workers) says; names are made so that a run
 * starts on the worker where its trigger arrived. A run that waits long leaves memory and comes
 * back by rac_engine_wake or an event.
 *
 * No socket, thread or clock in here: tests drive it with a fake clock and a store in memory,
 * replayable from a seed. All calls from the worker's thread; callbacks never happen inside the
 * call that asked for them.
 */
#ifndef RAC_WORKFLOW_ENGINE_H
#define RAC_WORKFLOW_ENGINE_H

#include "base/arena.h"
#include "base/env.h"
#include "base/fetch.h"
#include "base/sandbox.h"
#include "connector/call.h"
#include "workflow/definition/artifact.h"
#include "workflow/definition/flow.h"
#include "workflow/store.h"

struct rac_engine;
struct rac_flow_trigger;
struct rac_run;
struct rac_fire;
struct rac_firing;
struct rac_fire_answer;
/* Exactly once; the answer is valid during the call. */
typedef void (*rac_fire_fn)(void *arg, const struct rac_fire_answer *answer);
enum { RAC_ENGINE_COUNTING_WORKER = 0 }; /* whose engine counts; the scheduler is there as well */

/* How a connector action reaches its connector: by the connection reference of §6. */
struct rac_flow_target {
    struct rac_connector *connector;         /* a reference the engine drops */
    const struct rac_connection *connection; /* valid until released; NULL: none */
    void *held;
};
struct rac_flow_target_want {
    const struct rac_flow *flow;
    rac_str api;        /* connector name: last segment of the API id; absent: not said */
    rac_str reference;  /* key of $connections or connectionReferences */
    rac_str connection; /* connection name; absent: not said */
    rac_str external;   /* connectionId as written; absent: not said */
};

struct rac_engine_ports {
    const struct rac_env *env;
    const struct rac_flow_store *store; /* NULL: every workflow runs as stateless */
    struct rac_fetcher fetcher;         /* Http actions */
    const struct rac_call_env *calls;   /* connector actions; NULL: they are not supported */
    struct rac_auth *auth;              /* tokens of authentication objects; NULL: none */
    /* Asks for one call of rac_engine_tick at that time (env's monotonic clock), replacing the
     * one asked for before. INT64_MAX: none. */
    void (*alarm)(void *self, rac_ns at_ns);
    /* fn(arg) from the loop, soon. */
    void (*defer)(void *self, void (*fn)(void *arg), void *arg);
    /* The workflow of a run found in the store, or of a nested call; a reference. RAC_E_NOT_FOUND;
     * RAC_E_CONFLICT: the name says several. revision absent: the newest. May answer later. */
    void (*flow_load)(void *self, int64_t key, rac_str revision,
                      void (*done)(void *arg, rac_err err, struct rac_flow *f), void *arg);
    void (*flow_named)(void *self, const struct rac_flow *from, rac_str name_or_id,
                       void (*done)(void *arg, rac_err err, struct rac_flow *f), void *arg);
    /* Fires on the one worker that counts runs of triggers with a limit (§2.11), not this one. Like
     * rac_engine_fire, but cannot be left: done comes, on this thread. NULL: it is fired here. */
    void (*fire_counted)(void *self, const struct rac_fire *fire, rac_fire_fn done, void *arg);
    /* The same for outputs the trigger has yet to judge (rac_trigger_fire, scheduler.h). */
    void (*firing_counted)(void *self, const struct rac_firing *f, rac_fire_fn done, void *arg);
    /* Resolves a connection; done may come later. err, with why: RAC_E_NOT_FOUND, the connector is
     * not known here; anything else, it is, and there is no connection to use. */
    void (*target)(void *self, const struct rac_flow_target_want *want, struct rac_arena *a,
                   void (*done)(void *arg, rac_err err, rac_str why,
                                const struct rac_flow_target *t),
                   void *arg);
    /* A connection with a connectionRuntimeUrl is called there, its connector known here or not. */
    bool prefer_remote;
    void (*target_release)(void *self, const struct rac_flow_target *t);
    /* A map or schema of the workflow's artifacts (§3.16), by name with or without extension; done
     * may come before this returns, or later. RAC_E_NOT_FOUND. NULL: there are none. */
    void (*artifact)(void *self, const struct rac_flow *flow, enum rac_artifact_kind kind,
                     rac_str name,
                     void (*done)(void *arg, rac_err err, rac_str why,
                                  const struct rac_artifact_content *c),
                     void *arg);
    /* Messages for batches were committed: some may be ready. NULL: nobody looks. */
    void (*messages_kept)(void *self);
    /* A subscription to something outside could not be ended: whoever made it may have to be told by
     * hand. where: the trigger or action; url: without its query, absent: not known; status 0: no
     * answer. NULL: the log alone tells. */
    void (*not_ended)(void *self, const struct rac_flow *flow, rac_str where, rac_str url,
                      int status);
    struct rac_sandbox sandbox; /* where maps and schemas run; start NULL: nowhere */
    /* Mocks and built-in providers: asked before an action executes (nth: of its executions in
     * this run). NULL: none. */
    const struct rac_run_host *host;
    /* A run is over and that is durable; r is valid during the call. NULL: nobody looks. */
    void (*run_ended)(void *self, const struct rac_flow *f, struct rac_run *r);
    rac_str public_url; /* for callback URLs; no slash at the end */
    unsigned worker, workers;
    void *self;
};

struct rac_engine_limits {      /* 0: the default */
    size_t runs_live_max;       /* in memory of this worker: 100,000 */
    size_t runs_queued_max;     /* waiting for a turn: 20,000; beyond, fire answers busy */
    size_t run_bytes_max;       /* arena of one run: 512 MiB */
    size_t transform_bytes_max; /* of one use of a map or schema, with all it includes: 512 MiB */
    unsigned turn_actions_max;  /* actions in one turn before others have theirs: 1000 */
    int64_t unload_after_ms;    /* a run that waits longer leaves memory: 2000 */
    int64_t response_wait_ms;   /* a caller of a Response action: 0 profile's (120 s, 225 s) */
};

rac_err rac_engine_new(const struct rac_engine_ports *ports, const struct rac_engine_limits *limits,
                       struct rac_engine **out) RAC_MUST_CHECK;
/* Cancels what is in flight; the store keeps it. What was deferred must not be called any more. */
void rac_engine_free(struct rac_engine *e);
void rac_engine_tick(struct rac_engine *e); /* the alarm rang */
/* Stops taking new runs; true once nothing is in flight (asked again after each event). */
bool rac_engine_drain(struct rac_engine *e);

/* --- starting a run --------------------------------------------------------------------------- */

enum rac_fire_outcome {
    RAC_FIRE_STARTED,     /* committed; no Response action will answer, or nobody waits */
    RAC_FIRE_RESPONSE,    /* the Response action's answer */
    RAC_FIRE_NO_RESPONSE, /* the run ended without one: 502 NoResponse (§3.3) */
    RAC_FIRE_TIMED_OUT,   /* 504 GatewayTimeout */
    RAC_FIRE_BUSY,        /* queue or concurrency limit: 429 / 503; retry_after_ms */
    RAC_FIRE_FAILED,      /* the store refused: why */
};
struct rac_fire_answer {
    enum rac_fire_outcome outcome;
    rac_str run; /* its name; absent when none was made */
    rac_str correlation, tracking;
    const struct rac_flow *flow;
    int status;               /* RESPONSE; BUSY: 429 or 503 */
    struct rac_json response; /* {statusCode, headers?, body?} as evaluated; in the run's arena */
    bool async;               /* answer 202 with Location (§3.3) */
    bool too_large;           /* FAILED: and would be again */
    rac_str code, message;
    int64_t retry_after_ms;
};

struct rac_fire {
    struct rac_flow *flow;                   /* a reference is taken */
    rac_str trigger;                         /* absent: the only one */
    const struct rac_json *inputs, *outputs; /* of the trigger; copied; NULL: absent */
    rac_str tracking;                        /* client tracking id; absent: the run's name */
    rac_str correlation;                     /* absent: a new GUID */
    rac_str origin;                          /* history name it repeats (resubmit); absent: none */
    rac_ms scheduled_ms;                     /* timer triggers; 0: none */
    bool waits;                              /* somebody waits for a Response */
    bool bypass_limits;                      /* resubmit */
    bool in_company;                         /* one of several that begin together: there is room,
                                              * and what stands in the store's way passes */
    unsigned depth;                          /* of nested calls */
    const struct rac_flow_trigger_row *trigger_row; /* committed with the run; NULL: none */
    const struct rac_flow_release *release; /* messages it begins with, likewise; NULL: none */
    /* resubmit from an action (§4.15): name of the run copied and the action; absent: none */
    rac_str copy_run, copy_action;
};
/* How many runs of a trigger it would take now, absent: as far as others' runs matter; most, when
 * not NULL: if there were no others. */
size_t rac_engine_room(struct rac_engine *e, struct rac_flow *f, rac_str trigger, size_t *most);
/* done NULL: nobody wants to know. */
void rac_engine_fire(struct rac_engine *e, const struct rac_fire *fire, rac_fire_fn done,
                     void *arg);
/*
 * Somebody who fires several runs in company, a few at a time. Until it leaves, the engine does not
 * come to rest (rac_engine_drain); when the engine is freed, engine becomes NULL.
 */
struct rac_engine_company {
    struct rac_engine *engine;
    struct rac_engine_company *next, **at;
};
void rac_engine_join(struct rac_engine *e, struct rac_engine_company *c);
void rac_engine_part(struct rac_engine_company *c);
/* The caller went away; done will not be called. The run goes on. */
void rac_engine_leave(struct rac_engine *e, rac_fire_fn done, void *arg);

/* --- events from outside ---------------------------------------------------------------------- */

typedef void (*rac_event_fn)(void *arg, rac_err err, rac_str why);

/* This run is due, or was open when the server stopped. */
void rac_engine_wake(struct rac_engine *e, int64_t flow, rac_str run);
/* A call of a webhook action's callback URL: outputs as §3.5; repetition absent outside loops.
 * RAC_E_NOT_FOUND; RAC_E_CONFLICT when it no longer waits. done after the commit. */
void rac_engine_callback(struct rac_engine *e, int64_t flow, rac_str run, rac_str action,
                         rac_str repetition, const struct rac_json *outputs, rac_event_fn done,
                         void *arg);
/* RAC_E_NOT_FOUND; RAC_E_CONFLICT: it has ended. */
void rac_engine_cancel(struct rac_engine *e, int64_t flow, rac_str run, rac_event_fn done,
                       void *arg);

/* The workflow was deleted, and that is durable: its runs here end as cancelled ones do (§4.15),
 * whoever waits for them is told. */
void rac_engine_flow_gone(struct rac_engine *e, int64_t flow);

/* Tells that a subscription could not be ended; url may have a query, which is not told. */
void rac_engine_not_ended(struct rac_engine *e, const struct rac_flow *flow, rac_str where,
                          rac_str url, int status);

struct rac_engine_stats {
    uint64_t turns_total;
    size_t live, queued, calls; /* runs in memory; of these, ready; requests of theirs under way */
};
void rac_engine_stats(const struct rac_engine *e, struct rac_engine_stats *out);

#endif
