/*
 * workflow/store - the port: what must be kept of workflows, their triggers, runs and history.
 *
 * Declared here, implemented by store/ (SQLite) and, in memory with faults on demand, by the tests.
 * One struct rac_flow_store belongs to one thread (a worker). Rules of connector/store.h hold:
 * reads run on the caller's thread, are short and see every write that was answered before; writes
 * are asynchronous (base/commit.h); tenant first; if_version 0 is "whatever it is".
 *
 * What a run did is its journal: bytes only run/journal understands, appended turn by turn,
 * one append a turn however many actions it carried. Everything listings need stands beside it in
 * the run's row. A run that ends in the turn that started it costs one row.
 *
 * Names sort newest first (spec workflows §4.14); lists are in that order.
 */
#ifndef RAC_WORKFLOW_STORE_H
#define RAC_WORKFLOW_STORE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/commit.h"

/* --- workflows -------------------------------------------------------------------------------- */

struct rac_flow_row {
    int64_t key;          /* small number, fixed for life; runs refer to it */
    rac_str tenant;       /* reads: always set */
    rac_str id;           /* 32 hex digits */
    rac_str group, owner; /* ids */
    rac_str name;         /* unique in its group, letter case ignored */
    rac_str state;        /* "Enabled", "Disabled" */
    rac_str revision;     /* name of its newest version, §4.14 */
    rac_str document;     /* JSON of the resource as it was put, without secure values */
    rac_str secrets;      /* secret: JSON object of secure parameter values; absent: none */
    rac_str key1, key2;   /* secret: access keys of 32 bytes, primary and secondary */
    int64_t version;      /* for the ETag */
    rac_ms created_ms, changed_ms;
    rac_str created_by, changed_by;
};
enum rac_flow_want {
    RAC_FLOW_PLAIN, /* without document and secrets */
    RAC_FLOW_WHOLE,
    RAC_FLOW_GONE, /* whole; flow_any by key alone: also one that was deleted (state "Deleted"),
                      as long as a trigger of its has something to end outside */
};
struct rac_flow_query {
    rac_str group, search, state; /* absent: any; search: a part of the name */
    rac_str after, after_id;      /* name and id of the last one before; order is by these two */
    size_t n_max;                 /* 0: 250 */
};
/* What a workflow calls: a connector by its id and, where it says which, a connection by its id. */
struct rac_flow_use {
    rac_str api, connection; /* connection absent: not said */
};
struct rac_flow_save {
    bool create;
    rac_str id, group, owner, name, state; /* absent: as it is; group and name may move it */
    rac_str revision;                      /* with document: name of the version it becomes */
    rac_str document, secrets;             /* absent: as they are; secrets "" removes */
    const struct rac_flow_use *uses;       /* with document: all of them, replacing the former */
    size_t uses_n;
    rac_str key1, key2; /* absent: as they are */
    /* The scheduler must look at its triggers, at actor.at_ms: at these and at those it had. */
    bool attend;
    const rac_str *triggers;
    size_t triggers_n;
    /* With document: what the version narrows the rights of actor.user to; absent, 0: to nothing. */
    rac_str only_group;
    unsigned only_roles;
    int64_t if_version;
    struct rac_actor actor;
};
struct rac_flow_version_row {
    rac_str revision;
    rac_str document, secrets; /* get only */
    rac_ms created_ms;
    rac_str created_by;
    rac_str only_group; /* get only; as in the save */
    unsigned only_roles;
};

/* --- triggers --------------------------------------------------------------------------------- */

/* Durable state of one trigger: polling, schedule, subscription. JSON of the trigger's making. */
struct rac_flow_trigger_row {
    int64_t flow; /* key of its workflow */
    rac_str tenant, trigger;
    rac_str state; /* JSON object; absent: none yet; "" in a save: the row goes. With a member
                       "subscription" it outlives its workflow until the scheduler has ended that */
    rac_str
        secret; /* what else it remembers, sealed; saves (trigger_save alone): absent, as it is */
    rac_str status; /* last history status, or absent */
    rac_ms due_ms;  /* when the scheduler must look at it; 0: never */
    rac_ms seen_ms; /* saves: due_ms as it was read. When a save of the workflow has moved it since,
                       or messages have called the trigger, what that said stays; 0: whatever it is */
    int64_t calls;  /* grows when messages make it due; saves: as it was read, 0: whatever it is */
    rac_ms last_ms; /* last evaluation; 0: none */
};
/* Every evaluation that started no run (§2.13). One that did is told by the run's row. */
struct rac_flow_event_row {
    rac_str name; /* history name, §4.14 */
    rac_str trigger, status, code;
    rac_str error, correlation;             /* JSON, client tracking id; absent: none */
    rac_str inputs, outputs;                /* JSON; absent: none */
    rac_ms start_ms, end_ms, scheduled_ms;  /* scheduled_ms 0: none */
    const struct rac_flow_release *release; /* saves: messages that go with it; NULL: none */
};

/* --- batches (spec workflows §2.10) ----------------------------------------------------------- */

/*
 * Messages wait in parts: one for each batch and partition of a workflow that has any. A part is
 * ready when a batch of it is to be released; whatever makes it so also makes the workflow's trigger
 * due, in the same commit. Names of batches are compared in any letter case.
 */
struct rac_flow_full { /* when a part is ready by what is in it; 0: not by that */
    int64_t messages, bytes;
};
struct rac_flow_message {
    int64_t flow; /* the workflow it is for; one that is gone loses its messages, also this */
    rac_str tenant, trigger, batch, partition;
    rac_str id, content; /* content: JSON */
    struct rac_flow_full full;
};
/* The n messages of a part from first to last; RAC_E_CONFLICT when they are not there. Messages up
 * to through belong to the same batch: what stays of them keeps the part ready. */
struct rac_flow_release {
    int64_t flow, part, first, last, n, through;
    rac_str trigger;
    struct rac_flow_full full;
};
struct rac_flow_part_row {
    int64_t id;
    rac_str batch, partition;
    int64_t messages_n, bytes_n;
    rac_ms first_ms; /* when the oldest came */
    int64_t through; /* up to this message it is to be released; 0: none */
    bool ready;
};
struct rac_flow_part_query {
    rac_str batch; /* absent: any */
    bool ready;    /* only those, by id; else all, by batch and partition */
    int64_t after; /* ready: id of the last one before */
    rac_str after_batch, after_partition;
    size_t n_max; /* 0: 250 */
};
struct rac_flow_message_row {
    int64_t number; /* ascending in the order they came */
    rac_str id, content;
    rac_ms at_ms;
};
/* Makes parts of a batch ready: those whose oldest message came at before_ms or earlier (INT64_MIN:
 * none for that), those that are full. A bite at a time: the commit's id is where it stopped, to be
 * handed back as `after` until it is absent; its version is how many it found. */
struct rac_flow_mark {
    int64_t flow;
    rac_str tenant, trigger, batch;
    rac_ms before_ms;
    struct rac_flow_full full;
    rac_str after;
};

/* --- runs ------------------------------------------------------------------------------------- */

struct rac_flow_run_row {
    int64_t id;   /* small number, made by the store */
    int64_t flow; /* key of the workflow */
    rac_str tenant;
    rac_str name;     /* §4.14; decides the owning worker */
    rac_str revision; /* version of the workflow it runs */
    rac_str trigger;  /* its name */
    rac_str status, code;
    rac_str error;           /* JSON; absent: none */
    rac_str tracking;        /* client tracking id */
    rac_str correlation;     /* GUID */
    rac_ms start_ms, end_ms; /* end_ms 0: open */
    rac_ms due_ms;           /* an open run must be looked at then: a timer, or at once after
                                     a restart because something was under way; 0: it waits for an
                                     event from outside, or has ended */
    int64_t journal_bytes;
};
/* A value too large for the journal (over 16 KiB): kept once per run under its digest. */
struct rac_flow_value {
    char digest[65]; /* SHA-256, 64 hex digits */
    rac_str bytes;
};
/* One turn of a run. create inserts the row (RAC_E_EXISTS: its name is taken, RAC_E_NOT_FOUND: the
 * workflow is gone), else it must be open (RAC_E_CONFLICT when it ended or its workflow is gone:
 * nothing is written twice). A run asks for its next turn when the one before was answered. */
struct rac_flow_turn {
    bool create;
    int64_t id; /* not with create */
    int64_t flow;
    rac_str tenant, name, revision, trigger, tracking, correlation; /* create only */
    rac_ms start_ms;                                                /* create only */
    rac_str status, code, error;
    rac_ms end_ms, due_ms;
    rac_str journal; /* appended as one piece; may be empty */
    const struct rac_flow_value *values;
    size_t values_n;
    const struct rac_flow_message *messages; /* sent to batches with it */
    size_t messages_n;
    const struct rac_flow_release *release; /* create only: messages it begins with; NULL: none */
};
struct rac_flow_run_query {
    rac_str after;       /* name of the last one before */
    rac_str statuses[8]; /* any of these; none: all */
    size_t statuses_n;
    rac_ms start_from_ms, start_to_ms; /* inclusive; 0: open */
    rac_str tracking, trigger;         /* absent: any */
    size_t n_max;                      /* 0: 30 */
};
struct rac_flow_event_query {
    rac_str trigger, after;
    rac_str statuses[4];
    size_t statuses_n;
    rac_ms start_from_ms, start_to_ms;
    size_t n_max; /* 0: 30 */
};

/* What due lists give: enough to find the owner. */
struct rac_flow_due {
    int64_t flow, id;     /* id 0: a trigger */
    rac_str tenant, name; /* of the run, or of the trigger */
    rac_ms due_ms;
};

/* id is the run's row; revision of the commit stays 0. */
typedef void (*rac_flow_turn_fn)(void *arg, rac_err err, rac_str error, int64_t id);

struct rac_flow_store {
    void *self;
    uint64_t (*counter)(void *self); /* moves with every committed change of a workflow */

    /* workflows; by id, or by group and name */
    rac_err (*flow_get)(void *self, rac_str tenant, rac_str id, enum rac_flow_want want,
                        struct rac_arena *a, struct rac_flow_row *out) RAC_MUST_CHECK;
    rac_err (*flow_find)(void *self, rac_str tenant, rac_str group, rac_str name,
                         enum rac_flow_want want, struct rac_arena *a,
                         struct rac_flow_row *out) RAC_MUST_CHECK;
    /* all tenants: a signed callback names only the id; a due run only the key. key 0: by id;
     * tenant is in the row. */
    rac_err (*flow_any)(void *self, int64_t key, rac_str id, enum rac_flow_want want,
                        struct rac_arena *a, struct rac_flow_row *out) RAC_MUST_CHECK;
    rac_err (*flow_list)(void *self, rac_str tenant, const struct rac_flow_query *q,
                         struct rac_arena *a, struct rac_flow_row **v, size_t *n,
                         bool *more) RAC_MUST_CHECK; /* plain */
    void (*flow_save)(void *self, rac_str tenant, const struct rac_flow_save *r, rac_commit_fn done,
                      void *arg);
    /* Ends its open runs as Cancelled, drops triggers; history goes with retention. */
    void (*flow_delete)(void *self, rac_str tenant, rac_str id, int64_t if_version,
                        const struct rac_actor *actor, rac_commit_fn done, void *arg);
    rac_err (*version_list)(void *self, int64_t flow, rac_str after, size_t n_max,
                            struct rac_arena *a, struct rac_flow_version_row **v, size_t *n,
                            bool *more) RAC_MUST_CHECK;
    rac_err (*version_get)(void *self, int64_t flow, rac_str revision, struct rac_arena *a,
                           struct rac_flow_version_row *out) RAC_MUST_CHECK;
    /* Workflows that call a connector, or only those that do with this connection (absent: any):
     * whom to warn before it goes. By name, plain, at most n_max (0: 250). */
    rac_err (*flow_users)(void *self, rac_str tenant, rac_str api, rac_str connection, size_t n_max,
                          struct rac_arena *a, struct rac_flow_row **v, size_t *n) RAC_MUST_CHECK;

    /* triggers */
    rac_err (*trigger_get)(void *self, int64_t flow, rac_str trigger, struct rac_arena *a,
                           struct rac_flow_trigger_row *out) RAC_MUST_CHECK;
    /* Inserts or replaces; event, when not NULL, is added to the history in the same commit. */
    void (*trigger_save)(void *self, const struct rac_flow_trigger_row *r,
                         const struct rac_flow_event_row *event, rac_commit_fn done, void *arg);
    void (*event_add)(void *self, int64_t flow, rac_str tenant,
                      const struct rac_flow_event_row *event, rac_commit_fn done, void *arg);
    rac_err (*event_get)(void *self, int64_t flow, rac_str trigger, rac_str name,
                         struct rac_arena *a, struct rac_flow_event_row *out) RAC_MUST_CHECK;
    rac_err (*event_list)(void *self, int64_t flow, const struct rac_flow_event_query *q,
                          struct rac_arena *a, struct rac_flow_event_row **v, size_t *n,
                          bool *more) RAC_MUST_CHECK;

    /* runs */
    /* Group-committed with those of all runs and workers: the hot path. Borrows t until it
     * returns, its values and their bytes until done. trigger, when not NULL, is saved in the same commit (a poll that fired and its new
     * watermark are one). */
    void (*turn)(void *self, const struct rac_flow_turn *t,
                 const struct rac_flow_trigger_row *trigger, rac_flow_turn_fn done, void *arg);
    rac_err (*run_get)(void *self, int64_t flow, rac_str name, struct rac_arena *a,
                       struct rac_flow_run_row *out) RAC_MUST_CHECK;
    rac_err (*run_list)(void *self, int64_t flow, const struct rac_flow_run_query *q,
                        struct rac_arena *a, struct rac_flow_run_row **v, size_t *n,
                        bool *more) RAC_MUST_CHECK;
    /* The pieces in order; each is valid during the call. piece returning false stops; it must not
     * read a journal itself. */
    rac_err (*journal)(void *self, int64_t run, bool (*piece)(void *arg, rac_str bytes),
                       void *arg) RAC_MUST_CHECK;
    rac_err (*value_get)(void *self, int64_t run, const char *digest, struct rac_arena *a,
                         rac_str *bytes) RAC_MUST_CHECK;
    /* Open runs that trigger started, its letter case ignored. */
    rac_err (*open_count)(void *self, int64_t flow, rac_str trigger, int64_t *running,
                          int64_t *waiting) RAC_MUST_CHECK;

    /* batches */
    uint64_t (*ready_counter)(void *self); /* moves with every commit that makes a part ready */
    /* A message of its own, without a turn. */
    void (*message_add)(void *self, const struct rac_flow_message *m, rac_commit_fn done,
                        void *arg);
    rac_err (*part_list)(void *self, int64_t flow, const struct rac_flow_part_query *q,
                         struct rac_arena *a, struct rac_flow_part_row **v, size_t *n,
                         bool *more) RAC_MUST_CHECK;
    /* The oldest messages of a part: at most n_max, and no more once they have bytes_max of
     * content. */
    rac_err (*message_list)(void *self, int64_t part, size_t n_max, int64_t bytes_max,
                            struct rac_arena *a, struct rac_flow_message_row **v,
                            size_t *n) RAC_MUST_CHECK;
    rac_err (*message_count)(void *self, int64_t flow, int64_t *messages,
                             int64_t *bytes) RAC_MUST_CHECK; /* that wait, of all its parts */
    void (*part_mark)(void *self, const struct rac_flow_mark *m, rac_commit_fn done, void *arg);
    /* Drops the messages of a part up to that one, 0: the newest now, a bite at a time: version of
     * the commit is how many went, 0: there are none any more; revision is which one, to be handed
     * back as through. */
    void (*part_drop)(void *self, rac_str tenant, int64_t flow, int64_t part, int64_t through,
                      rac_commit_fn done, void *arg);

    /* timers: rows with 0 < due_ms <= to_ms that come after the last one of the batch before (NULL:
     * from the start), in the order of due_ms, then of run, or of workflow and trigger; at most
     * n_max (0: 250), of all tenants. *next_ms: the earliest due_ms beyond to_ms, or 0. */
    rac_err (*due_runs)(void *self, const struct rac_flow_due *after, rac_ms to_ms, size_t n_max,
                        struct rac_arena *a, struct rac_flow_due **v, size_t *n,
                        rac_ms *next_ms) RAC_MUST_CHECK;
    rac_err (*due_triggers)(void *self, const struct rac_flow_due *after, rac_ms to_ms,
                            size_t n_max, struct rac_arena *a, struct rac_flow_due **v, size_t *n,
                            rac_ms *next_ms) RAC_MUST_CHECK;

    /* Removes ended runs and history that began before that time, and those beyond the newest
     * count_max of the workflow (0: no such limit), a bounded number at a time, from the oldest
     * on. The commit's version is how many rows went; its id is where it stopped, to be handed
     * back as `after` until it is absent: then all of the workflow has been looked at. */
    void (*retain)(void *self, int64_t flow, rac_ms before_ms, int64_t count_max, rac_str after,
                   rac_commit_fn done, void *arg);
};

#endif
