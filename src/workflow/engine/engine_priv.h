/* engine_priv - what the parts of the engine share: runs in memory, lanes, timers, actions under
 * way outside. Everything here belongs to the engine's thread. */
#ifndef RAC_WORKFLOW_ENGINE_PRIV_H
#define RAC_WORKFLOW_ENGINE_PRIV_H

#include "base/buf.h"
#include "workflow/engine/engine.h"
#include "workflow/definition/ident.h"
#include "workflow/run/run.h"
#include "workflow/engine/token_cache.h"

enum {
    ENGINE_MAGIC = 0x656e6731,
    LIVE_MAGIC = 0x6c697631,
    ID_TEXT = 37,
    RESPONSE_WAIT_CONSUMPTION_MS = 120000,
    RESPONSE_WAIT_STANDARD_MS = 225000,
    NESTED_DEPTH_MAX = 100,
};
#define RUN_DURATION_MS           (90LL * 86400000)
#define RUN_DURATION_STATELESS_MS (5LL * 60000)

/* --- timers (timer.c) ------------------------------------------------------------------------- */

struct timer {
    rac_ns at_ns;
    rac_ms wall_ms; /* 0: at_ns alone; otherwise rings when the wall clock reads this */
    uint32_t place; /* in the heap + 1; 0: not set */
    void (*fn)(void *arg);
    void *arg;
};
void timer_set(struct rac_engine *e, struct timer *t, int64_t after_ms);
void timer_set_wall(struct rac_engine *e, struct timer *t, rac_ms at_ms);
void timer_stop(struct rac_engine *e, struct timer *t);
void timers_ring(struct rac_engine *e);

/* --- runs in memory --------------------------------------------------------------------------- */

struct lane;
struct live;

/* A request nobody waits for: an unsubscription. Dropped with the engine. */
struct parting {
    struct parting *next, **link;
    void (*drop)(struct parting *p); /* cancels and frees */
};
void parting_add(struct rac_engine *e, struct parting *p);
void parting_done(struct parting *p); /* takes it off the list */

/* What happened to a run from outside; taken in by its next turn. */
enum event_kind { EVENT_CALLBACK, EVENT_CANCEL, EVENT_CALLER_GONE, EVENT_TIMED_OUT };
struct event {
    enum event_kind kind;
    struct event *next;
    rac_event_fn done;
    void *arg;
    struct rac_arena a; /* texts and outputs */
    rac_str action, repetition;
    struct rac_json outputs;
    rac_err err; /* answer after the commit */
    rac_str why;
};

/* An action that waits for something outside. */
struct outside {
    struct live *live;
    struct rac_wf_record *x;
    struct outside *next;
    struct rac_arena a; /* of what is under way */
    rac_ms due_ms;      /* 0: not by time; what the store is told */
    struct timer timer; /* due, retry, poll */
    struct timer limit; /* limit.timeout */
    rac_ms limit_ms;    /* limit.timeout as a moment; 0: none */
    bool started, stepping, in_flight;
    bool waits_for_event;            /* a callback: nothing is under way here */
    void (*step)(struct outside *o); /* in a turn: tells the run what happened */
    bool unsubscribe;                /* it has subscribed (§3.5) */
    bool facts;                      /* what it will say is about a request (secure.h) */
    struct exchange *exchange;       /* of actions that send requests */
    struct nested *nested;           /* of Workflow actions */
    struct transform *transform;     /* of actions that use a map or a schema */
    struct sending *sending;         /* of SendToBatch actions */
};

struct live {
    uint32_t magic;
    struct rac_engine *e;
    struct lane *lane;
    struct rac_flow *flow; /* NULL while loading */
    struct rac_run *run;   /* NULL while loading */
    struct rac_run_world world;
    struct rac_arena a;
    char name[RAC_RUN_NAME_TEXT + 8];
    int64_t flow_key, id; /* id 0: no row yet */
    rac_str tenant;       /* of a run that was loaded */
    rac_str trigger;      /* whose limits hold for it */
    struct live *hash_next, *ready_next, *wait_next;
    struct crowd *crowd; /* its tenant's; NULL while loading */
    bool abandoned;      /* its last turn could not be recorded: it is being ended */
    bool retrying;       /* committing, but nothing is with the store: it is asked again soon */
    bool ready, loading, creating, committing, more, dead;
    bool waits_for_slot; /* stands in its gate's line */
    bool admitted;       /* it may begin */
    bool counted;        /* in the gate's running */
    bool bypass;
    bool in_company; /* others that began with it may be kept already */
    bool fresh;      /* admitted, and has not asked for its slot yet */
    rac_str correlation;
    rac_str copy_run, copy_action; /* it begins at an action of another run; absent: it does not */

    rac_fire_fn done; /* whoever fired it and still waits: live_caller_set, _take */
    void *done_arg;
    struct live *caller_next, **caller_at; /* in its slot of callers; what points to it */
    bool holds_caller;                     /* until a Response */
    struct timer response_timer, retry_timer, unload_timer, duration_timer;

    struct event *events, **events_end; /* for the next turn */
    struct event *answers;              /* after the commit */
    struct outside *outsides;
    struct rac_buf kept;     /* the turn in the air, until it is committed */
    struct rac_arena kept_a; /* its values; there only where there are some */
    struct rac_flow_value *kept_values;
    size_t kept_values_n;
    struct rac_arena sent_a;       /* messages of the turn in the air */
    struct rac_flow_message *sent; /* NULL: none; then sent_a is not there either */
    size_t sent_n, sent_cap, sent_bytes;
    unsigned failures;
    rac_ms due_ms;
    const struct rac_flow_trigger_row *trigger_row; /* with the first turn */
    const struct rac_flow_release *release;         /* likewise */
    struct rac_run_facts facts;
};

/* How many runs of one trigger there may be at once (§2.11). */
struct gate {
    struct gate *next;
    struct live *waiting, **waiting_end; /* runs beyond the limit */
    unsigned runs_max, waiting_max;      /* 0: no limit */
    int64_t running;                     /* begun and not ended, wherever they are */
    rac_ms counted_ms;
    size_t waiting_n, fresh_n;
    size_t trigger_n;
    char trigger[]; /* its name */
};

/* What a tenant has on this worker. */
struct crowd {
    struct crowd *ring_next;
    struct lane *ring, **ring_end; /* its lanes with something ready */
    bool in_ring;
    size_t lives_n, ready_n;
};

/* Everything of one workflow on this worker: its turn in the round, its limits. */
struct lane {
    int64_t flow_key;
    struct lane *hash_next, *ring_next;
    bool in_ring;
    struct live *ready, **ready_end;
    struct gate *gates; /* of triggers with a limit */
    char revision[32];  /* of the version the limits are of */
    size_t revision_n;
    bool known; /* the limits */
    size_t lives_n;
};

enum { HASH_MIN = 64, CROWDS = 256 };
struct rac_engine {
    uint32_t magic;
    struct rac_engine_ports ports;
    struct rac_engine_limits limits;
    struct rac_journal_writer writer;
    struct rac_token_cache *tokens; /* NULL: tokens cannot be got */
    struct rac_namer namer;
    struct live **lives, **callers; /* by name; by done_arg, those with somebody who waits */
    size_t lives_slots, lives_n;
    struct lane **lanes;
    size_t lanes_slots, lanes_n;
    struct crowd crowds[CROWDS]; /* by hash of the tenant */
    struct crowd *ring, **ring_end;
    size_t ready_n, crowds_ready_n, crowds_live_n; /* crowds with something ready, in memory */
    struct timer **heap;
    size_t heap_n, heap_cap;
    rac_ns alarm_ns;
    bool pumping, draining;
    struct parting *partings;
    struct rac_engine_company *companies;
    struct reply *replies, **replies_end;
    struct live *spare;
    size_t spare_n;
    size_t calls_n;
    uint64_t random[2];
    uint64_t turns_total;
};

static inline rac_ms engine_now(const struct rac_engine *e)
{
    return rac_env_wall_ms(e->ports.env);
}
uint64_t engine_random(struct rac_engine *e); /* not for secrets; seeded from env */

/* live.c */
struct live *live_new(struct rac_engine *e, int64_t flow_key, rac_str name);
/* Finds it in memory or begins to load it. */
struct live *live_get(struct rac_engine *e, int64_t flow_key, rac_str name);
void live_release(struct live *l);     /* leaves memory; the store keeps it */
void live_orphan_free(struct live *l); /* one that waited for an answer when its engine went */
void live_event_add(struct live *l, struct event *ev); /* without asking for a turn */
void live_event(struct live *l, struct event *ev);
/* A message that leaves with the turn it is in: a copy, which live_message_drop takes back. */
struct rac_flow_message *live_message(struct live *l, const struct rac_flow_message *m);
void live_message_drop(struct live *l);
void live_values_clear(struct live *l); /* of the turn that was in the air */
void live_messages_clear(struct live *l);
void live_caller_set(struct live *l, rac_fire_fn done, void *arg);
rac_fire_fn live_caller_take(struct live *l); /* nobody waits from here on; NULL: nobody did */
struct live *live_of_caller(struct rac_engine *e, rac_fire_fn done, void *arg);
void live_events_before(struct live *l, struct event *first); /* a list, before what came since */
void live_events_refuse(struct live *l, rac_err err, rac_str why); /* those not taken in yet */
struct event *event_new(enum event_kind kind, rac_event_fn done, void *arg);
void event_answer(struct event *ev, rac_err err, rac_str why); /* and frees it */

/* lane.c */
struct lane *lane_of(struct rac_engine *e, int64_t flow_key);
void lane_let_go(struct rac_engine *e, struct lane *x); /* when nothing is left of it */
void lane_free(struct lane *x);
/* The trigger of that name as the definition writes it, whatever its letter case; absent: the only
 * one. */
rac_str flow_trigger_name(const struct rac_flow *f, rac_str named);
/* How many runs it allows at once; 0: any number. *waiting: how many may wait. */
unsigned flow_trigger_limit(const struct rac_flow *f, rac_str trigger, unsigned *waiting);
struct gate *lane_gate(const struct lane *lane, rac_str trigger); /* NULL: none, so no limit */
/* Takes the limits of f, unless a newer version was seen; who waits begins when there is room. */
void lane_limits(struct lane *lane, struct rac_engine *e, const struct rac_flow *f);
size_t lane_room(const struct lane *lane, rac_str trigger); /* runs more that may at least wait */
void lane_enter(struct live *l);                            /* it will ask for a slot */
bool lane_take(struct live *l);  /* in its turn: it may begin; else it stands in line */
void lane_give(struct live *l);  /* it ended */
void lane_leave(struct live *l); /* it waits no more */
/* It has waited for long: counts again, if what is counted is not all in memory here. */
void lane_recount(struct rac_engine *e, struct live *waiter);

/* ring.c */
struct crowd *crowd_of(struct rac_engine *e, rac_str tenant);
void crowd_enter(struct live *l, rac_str tenant); /* as soon as its tenant is known */
void crowd_leave(struct live *l);
size_t crowd_room(const struct rac_engine *e, const struct crowd *c); /* runs more it may have */
void ring_add(struct live *l);                                        /* it is ready */
struct live *ring_take(struct rac_engine *e); /* whose turn it is; there is one */

/* turn.c */
void live_world(struct live *l); /* what its run is told about the world */
void live_ready(struct live *l); /* asks for a turn */
void engine_pump(void *engine);

/* outside.c */
struct outside *outside_new(struct live *l, struct rac_wf_record *x);
void outside_prepare(struct outside *o); /* in a turn: may settle at once */
void outside_start(struct outside *o);   /* after the commit */
void outside_stop(struct outside *o);    /* cancels and frees */
void outside_step(struct outside *o, void (*step)(struct outside *o)); /* in the next turn */
/* False: the action was not open any more, and this came too late. */
bool outside_settle(struct outside *o, enum rac_wf_status status, rac_str code,
                    const struct rac_json *outputs, const struct rac_json *error);
void outside_fail(struct outside *o, const char *code, const char *error_code, rac_str message);
struct outside *outside_of(const struct rac_wf_record *x);

/* exchange.c: actions that send requests */
void exchange_prepare(struct outside *o);
void exchange_start(struct outside *o);
void exchange_free(struct outside *o);
void exchange_unsubscribe(struct live *l, struct rac_wf_record *x);

/* nested.c: Workflow actions (§3.4) */
void nested_start(struct outside *o);
void nested_free(struct outside *o);
rac_str host_workflow(const struct rac_json *inputs); /* the workflow they name; "": none */

/* transform.c: actions that use a map or a schema (§3.16) */
void transform_start(struct outside *o);
void transform_free(struct outside *o);

/* send.c: SendToBatch (§3.22) */
void send_prepare(struct outside *o);
void send_start(struct outside *o);
void send_free(struct outside *o);

#endif
