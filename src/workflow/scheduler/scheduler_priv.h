/* scheduler_priv - a trigger being attended, for the files of scheduler. */
#ifndef RAC_WORKFLOW_SCHEDULER_PRIV_H
#define RAC_WORKFLOW_SCHEDULER_PRIV_H

#include "base/mem.h"
#include "workflow/definition/ident.h"
#include "workflow/scheduler/scheduler.h"
#include "workflow/definition/trigger_plan.h"

enum {
    SCHEDULER_MAGIC = 0x73636864,
    ATTENDANCE_BYTES_MAX = 256 << 20,
    ATTENDED_MAX = 2048, /* attendances at once; more wait in the store */
    ERRANDS_MAX = 256,   /* requests under way at once; more wait in line */
    SCHEDULER_SLOTS = 1024,
    BUSY_MS = 1000,
};

/*
 * What a tenant has of what is scarce: attendances, and among them requests under way. It may take
 * one more as long as it holds fewer than are left, so n tenants that take all they can get hold
 * 1/(n+1) each, and whoever comes next finds something left. A polled server that hangs costs its
 * own tenant.
 */
struct share {
    struct share *next;
    size_t attended_n, errands_n;
    struct errand *line, **line_end; /* wait for their turn, oldest first */
    struct share *ring_next;         /* tenants with a line take turns */
    bool in_ring;
    size_t tenant_n;
    char tenant[];
};

struct rac_scheduler {
    uint32_t magic;
    struct rac_scheduler_ports ports;
    struct rac_namer namer;
    rac_ms started_ms;                            /* what was due before was missed */
    struct attendance *attended[SCHEDULER_SLOTS]; /* by workflow and name */
    struct share *shares[SCHEDULER_SLOTS];        /* by tenant */
    struct share *ring, **ring_end;
    size_t attended_n, errands_n, waiting_n; /* waiting: errands in line */
    rac_ms busy_until_ms;       /* the engine takes no errands before; of the monotonic clock */
    struct attendance *refused; /* the store had an error: what they asked for is tried again */
    rac_err refused_err;        /* of the store itself, told and not over; RAC_OK: none */
    unsigned looks_failed;      /* one after the other */
    struct rac_arena from_arena;
    struct rac_flow_due from; /* where the look at what is due goes on */
    bool has_from, draining;
};

/*
 * From the moment a trigger is found due until its new state is durable. Its state, a JSON object:
 * "anchor" digest of the recurrence it was activated with, "activated" when, "fired" how often,
 * "next" occurrence, "window" begin of the last window, "inputs" digest of what it asks for,
 * "location" where a poll goes on, "seen" what a poll by policy stands on, "row" how many polls followed each other at once,
 * "provisioningState" of a trigger whose subscription failed,
 * "subscription" {"inputs", "location", "revision", "pending": it may be there, "before": the one it replaces};
 * of batches "criteria" digest of all, "settled" when they are looked through once more, "account" whether they are in one,
 * "batches" {name: {"anchor", "activated", "fired", "next"}}, "held" {part: {"times", "until"}}.
 */
struct attendance {
    struct rac_scheduler *s;
    struct attendance *next;
    struct share *share;
    struct attendance *again_next;
    void (*again)(void *arg); /* what the store refused */
    void *again_arg;
    rac_ms again_at_ms; /* of the monotonic clock */
    rac_err refused_err;
    unsigned refused_times;
    struct rac_firing firing;               /* what was fired, */
    struct rac_json fired_in, fired_out;    /* and with what: until it is kept */
    const struct rac_flow_event_row *event; /* saved with row; NULL: none */
    struct rac_arena a;
    int64_t flow_key;
    rac_str trigger_name;
    struct rac_flow_trigger_row row; /* becomes what is saved */
    struct rac_json state;
    struct rac_json secret; /* {"url" of the subscription, "before" of the one it replaces} */
    bool secret_changed;
    void (*noted)(struct attendance *t);
    struct rac_flow *flow; /* a reference, once loaded */
    bool deleted;
    const struct rac_flow_trigger *trigger; /* NULL: the workflow has no such trigger any more */
    bool reset, reset_again;                /* forgets what it has seen; likewise */
    bool notified;                          /* called, or run by hand: it asks at once */
    bool notified_again; /* since it asked: it is attended again when this is over */
    rac_ms now_ms;
    struct rac_recurrence recurrence;
    rac_str inputs; /* digest */
    /* The subscription that is ended, as it was made: the trigger of that version of the workflow
     * (a reference), which the newest may not have any more. NULL: as it would be made now. */
    struct {
        struct rac_flow *flow;
        const struct rac_flow_trigger *trigger;
        rac_str location, revision, url;
        enum ends { ENDS_IT, ENDS_BEFORE, ENDS_PENDING } which;
    } ends;
    char name[]; /* trigger_name */
};

/* --- share.c ---------------------------------------------------------------------------------- */

/* Whether the tenant may have one more attendance. */
bool share_has_room(struct rac_scheduler *s, rac_str tenant);
void share_enter(struct attendance *t, rac_str tenant);
void share_leave(struct attendance *t);

/* --- errand.c --------------------------------------------------------------------------------- */

/*
 * Sends what the trigger asks for when it is its tenant's turn; then has the record of it. False:
 * there is nothing to send; *why when that is a mistake. An engine that is busy is asked again.
 */
bool errand_run(struct attendance *t, enum rac_trigger_errand what, rac_str begin_at,
                void (*then)(struct attendance *t, const struct rac_json *record), rac_str *why);
/* The key that signs the callback URL of what a trigger of f subscribes to. */
rac_str errand_key(const struct attendance *t, const struct rac_flow *f,
                   const struct rac_flow_trigger *trigger);
/* The callback URL of what a trigger of f subscribes to now. */
rac_str errand_url(struct attendance *t, const struct rac_flow *f,
                   const struct rac_flow_trigger *trigger);
void errands_go(struct rac_scheduler *s);   /* those whose turn it is */
void errands_drop(struct rac_scheduler *s); /* all that wait: their rows are due as before */

/* --- attend.c --------------------------------------------------------------------------------- */

rac_str attendance_digest(struct attendance *t, const struct rac_json *a, const struct rac_json *b);
struct rac_trigger_context attendance_context(const struct attendance *t);
/* An event of history for what did not come to firing. */
struct rac_flow_event_row *attendance_event(struct attendance *t, enum rac_trigger_outcome outcome,
                                            rac_str code, rac_str message);

void attendance_failed(struct attendance *t, const struct rac_json *record); /* told, and saved */
int record_status(const struct rac_json *record);                            /* 0: no answer */
/* The Location of the answer, absolute; absent: it had none. */
rac_str record_location(const struct rac_json *record);

/* --- subscribe.c ------------------------------------------------------------------------------ */

bool trigger_subscribes(const struct rac_flow_trigger *x);
const struct rac_json *subscription_of(const struct attendance *t); /* NULL: none */
/* Whether there is one as the trigger wants it now. */
bool subscription_stands(struct attendance *t);
void subscribe(struct attendance *t); /* makes that one; ends the attendance */
/* True: there is one to be ended before anything else, and the attendance goes on by itself. */
bool subscription_settles(struct attendance *t);
void subscription_end(struct attendance *t); /* ends it and the attendance */

/* --- again.c ---------------------------------------------------------------------------------- */

/* The store refused: again(arg) in a while when what it said may pass, else it is attended anew. */
void attendance_again(struct attendance *t, rac_err err, void (*again)(void *arg), void *arg);
void again_go(struct rac_scheduler *s);   /* those whose time it is; draining: they all end */
void again_kept(struct rac_scheduler *s); /* the store works */
int64_t again_after(unsigned times);      /* how long to wait after so many times */

/* --- scheduler.c, attend.c -------------------------------------------------------------------- */

void attend(struct attendance *t);       /* attend.c; ends by one of the two below */
void attend_batch(struct attendance *t); /* batch.c; the same */
/* Saves state and row, with history; then it is over. */
void attendance_keep(struct attendance *t, const struct rac_flow_event_row *event);
/* From its row in the store on, whatever it was about to do. */
void attendance_anew(void *attendance);
/* Saves state and row as due as it is, then goes on; over when the workflow is gone. */
void attendance_note(struct attendance *t, void (*then)(struct attendance *t));
/* It is over; the next look after so many ms. */
void attendance_end(struct attendance *t, int64_t again_ms);

#endif
