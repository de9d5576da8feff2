/*
 * engine_world - an engine with a fake clock, a store in memory and a network the test plays.
 * Everything is driven by hand and replayable from a seed.
 */
#ifndef RAC_TEST_ENGINE_WORLD_H
#define RAC_TEST_ENGINE_WORLD_H

#include "connector/connector.h"
#include "memory_store.h"
#include "workflow/engine/engine.h"
#include "workflow/history/history.h"

struct world_fetch { /* a request under way */
    struct world_fetch *next;
    struct rac_arena *a;
    struct rac_fetch_events ev;
    rac_str method, url, body;
    struct rac_headers headers;
    rac_ms sent_ms;
};

struct world {
    struct rac_env_fake clock;
    struct rac_env env;
    struct memory_store *store;
    struct rac_engine *engine;
    struct rac_engine_limits limits;
    struct rac_flow *flows[512];
    size_t flows_n;
    struct world_deferred *deferred, **deferred_end;
    rac_ns alarm_ns;
    struct world_fetch *fetches;
    struct rac_arena a;
    size_t fetched_total;
    unsigned worker;               /* of how many: one more */
    struct rac_flow *counted_flow; /* the newest that is for the worker that counts */
    rac_fire_fn counted_done;
    void *counted_arg;
    struct rac_connector *connector; /* every connection leads to it; NULL: there are none */
    struct rac_call_env calls;
    size_t targets_given, targets_released;
    bool holds_targets; /* connections are resolved when the test says so */
    struct world_target *targets;
    bool holds_loads; /* so are workflows of runs in the store */
    struct world_load *loads;
    /* Maps and schemas, when the test has them; before world_restart(). */
    void (*artifact)(void *w, const struct rac_flow *flow, enum rac_artifact_kind kind,
                     rac_str name,
                     void (*done)(void *arg, rac_err err, rac_str why,
                                  const struct rac_artifact_content *c),
                     void *arg);
    struct rac_sandbox sandbox;
    void (*messages_kept)(void *arg); /* for batches; NULL: nobody looks */
    void *messages_kept_arg;
    /* Told of each request as it leaves. */
    void (*on_fetch)(void *arg, struct world *w, const struct world_fetch *f);
    void *on_fetch_arg;
};

struct world *world_new(uint64_t seed, bool stored);
void world_free(struct world *w);
/* A flow out of the text of a definition's "actions", with a trigger of that type. */
struct rac_flow *world_flow(struct world *w, const char *trigger, const char *actions);
struct rac_flow *world_flow_of(struct world *w, const char *document);
/* Actions of connectors work from here on: definition is Swagger. The engine is made anew. */
void world_connect(struct world *w, const char *definition);
void world_move(struct world *w, unsigned worker); /* the engine is that worker's; made anew */
void world_resolve(struct world *w);               /* what holds_targets held up */
void world_load(struct world *w);                  /* what holds_loads held up */
/* Everything that can happen without time passing or the network answering. */
void world_settle(struct world *w);
/* Time passes in steps, so that timers ring in order. */
void world_pass(struct world *w, int64_t ms);
/* The oldest request under way to a URL that contains that text, or NULL. */
struct world_fetch *world_fetch(struct world *w, const char *part);
/* Answers it; headers "Name: value\nName: value"; settles. */
void world_answer(struct world *w, struct world_fetch *f, int status, const char *headers,
                  const char *body);
void world_fail(struct world *w, struct world_fetch *f, rac_err err);
/* The process dies; a new engine finds the store and is woken for every open run. */
void world_restart(struct world *w);
void world_crash(struct world *w, size_t written); /* the same, with commits unheard of */
/* One thing that can happen without time passing; false: nothing can. */
bool world_step(struct world *w);
/* Wakes what is due in the store. */
void world_wake_due(struct world *w);

/* An answer to a fire, remembered. */
struct world_answer {
    bool called;
    enum rac_fire_outcome outcome;
    char run[64], text[4096];
    int status;
    bool async;
};
void world_fire(struct world *w, struct rac_flow *f, const char *outputs, bool waits,
                struct world_answer *out);
void world_fired(void *arg, const struct rac_fire_answer *x); /* arg: struct world_answer */

/* What the store has of a run of the first flow, read as history; in arena a. */
struct rac_history *world_history(struct world *w, const char *run, struct rac_arena *a);
/* Whether a text stands anywhere in the journal of the run that a told of. */
bool world_recorded(struct world *w, const struct world_answer *a, const char *text);

#endif
