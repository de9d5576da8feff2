/*
 * history - what a run did, read from its journal: the run, its trigger, actions, repetitions,
 * requests (spec workflows §7.4 to §7.6).
 *
 * Opening reads the journal once and keeps what is small: a few bytes a repetition, no values of
 * loops. Pages of repetitions are read from the journal again when asked for, so that a loop of
 * 100,000 costs neither memory nor a list nobody looks at. Values over 16 KiB stay where they are
 * and are fetched by rac_history_value.
 *
 *     struct rac_history_source s = {pieces, value, self};      over store->journal, value_get
 *     rac_history_open(plan, &s, &a, &h);
 *     rac_history_actions(h, &v, &n);
 *
 * One thread at a time; everything handed out lives in the arena given with the call, or in that
 * of rac_history_open. Reads may take milliseconds for very long runs.
 */
#ifndef RAC_WORKFLOW_HISTORY_H
#define RAC_WORKFLOW_HISTORY_H

#include "workflow/definition/ident.h"
#include "workflow/definition/plan.h"

struct rac_history;

struct rac_history_source {
    /* The pieces in order; each valid during the call; fn false stops. As store->journal. */
    rac_err (*pieces)(void *self, bool (*fn)(void *arg, rac_str bytes), void *arg);
    rac_err (*value)(void *self, const char *digest, struct rac_arena *a, rac_str *bytes);
    void *self;
};

/* A recorded value: its JSON text, or the digest under which it is kept. */
struct rac_history_value {
    bool has;
    bool secured;    /* §4.10: kept, never to be shown: no link, no bytes */
    rac_str text;    /* as it may be shown; absent when it is large: fetch it */
    rac_str raw;     /* as the run has it: for carrying on, not for showing */
    char digest[65]; /* "" unless it is large */
    uint64_t size;   /* bytes of the JSON text */
};

struct rac_history_index { /* §7.4 repetitionIndexes, outermost first */
    rac_str scope;
    uint32_t item;
};

struct rac_history_record {
    const struct rac_wf_action *action;
    char repetition[RAC_REPETITION_NAME_TEXT]; /* "000002-000013"; "" outside of loops */
    struct rac_history_index indexes[RAC_REPETITION_LEVELS_MAX];
    size_t indexes_n;
    enum rac_wf_status status;
    rac_str code;            /* absent while it is open */
    struct rac_json error;   /* {code, message}; NONE: none */
    rac_ms start_ms, end_ms; /* end_ms 0: open */
    char tracking_id[37];
    struct rac_history_value inputs, outputs;
    struct rac_json tracked;       /* trackedProperties; NONE: none */
    struct rac_json retry_history; /* array; NONE: none */
    int64_t repetitions;           /* §7.6: how many; -1: it stands in no loop */
    int64_t iterations;            /* of a loop action: how many there were; -1: it is none */
    bool can_resubmit;             /* §4.15 */
};

struct rac_history_run {
    enum rac_wf_status status; /* NOT of the row: as far as the journal goes */
    rac_str code;
    struct rac_json error;
    rac_ms start_ms, end_ms; /* end_ms 0: open */
    rac_str tracking, correlation;
    rac_str origin;                           /* history name it repeats; absent: none */
    rac_str trigger;                          /* its name */
    rac_str trigger_code;                     /* of the answer to its poll; absent: none */
    char tracking_id[37];                     /* of the trigger */
    rac_ms scheduled_ms;                      /* 0: none */
    struct rac_history_value inputs, outputs; /* of the trigger */
    struct rac_json results;           /* outputs of the workflow: {name: {type, value | error}} */
    bool responded;                    /* a Response answered, or would have */
    struct rac_history_value response; /* {statusCode, headers?, body?} */
    rac_str response_action;           /* whose it was */
};

struct rac_history_request { /* one attempt or poll, §7.4 RequestHistory */
    char name[RAC_RUN_NAME_TEXT];
    rac_ms start_ms, end_ms;
    struct rac_json request;  /* {headers, uri, method} */
    struct rac_json response; /* {headers, statusCode}; NONE: no answer came */
    struct rac_json error;    /* {code, message}; NONE: none */
    struct rac_history_value request_body, response_body;
};

/* RAC_OK; RAC_E_CORRUPT when the journal is not of this plan; RAC_E_LIMIT; what the source says.
 * plan and source are borrowed as long as *out is used. */
rac_err rac_history_open(const struct rac_plan *plan, const struct rac_history_source *source,
                         struct rac_arena *a, struct rac_history **out) RAC_MUST_CHECK;

const struct rac_history_run *rac_history_run(const struct rac_history *h);
/* What began a run, for lists: its trigger's ids, times and whether it has inputs and outputs, with
 * no more read than the first piece. No value has its text or digest. plan may be another version's. */
rac_err rac_history_head(const struct rac_plan *plan, const struct rac_history_source *source,
                         struct rac_arena *a, struct rac_history_run *out) RAC_MUST_CHECK;

/* Every action that was decided, by start time; those in loops as aggregates (§7.6): no values,
 * the worst status. Actions that wait for their predecessors are not there. */
void rac_history_actions(const struct rac_history *h, const struct rac_history_record **v,
                         size_t *n);
/* NULL: the plan has none of that name (letter case ignored), or it was not decided. */
const struct rac_history_record *rac_history_action(const struct rac_history *h, rac_str name);

/* Repetitions first..first+n_max of an action inside loops, by index, but for those in which it is
 * not decided yet; *total: how many there are with those. The next page begins at first+n_max.
 * RAC_E_NOT_FOUND: no such action. Outside of loops: none. */
rac_err rac_history_repetitions(struct rac_history *h, rac_str action, size_t first, size_t n_max,
                                struct rac_arena *a, struct rac_history_record **v, size_t *n,
                                size_t *total) RAC_MUST_CHECK;
/* RAC_E_NOT_FOUND: no such action or repetition. */
rac_err rac_history_repetition(struct rac_history *h, rac_str action, rac_str repetition,
                               struct rac_arena *a, struct rac_history_record *out) RAC_MUST_CHECK;
/* The iterations of a loop action itself (§7.4 scopeRepetitions): status, times, indexes. Of a
 * Scope, If or Switch inside loops: its repetitions. */
rac_err rac_history_scope_repetitions(struct rac_history *h, rac_str action, size_t first,
                                      size_t n_max, struct rac_arena *a,
                                      struct rac_history_record **v, size_t *n,
                                      size_t *total) RAC_MUST_CHECK;
rac_err rac_history_scope_repetition(struct rac_history *h, rac_str action, rac_str repetition,
                                     struct rac_arena *a,
                                     struct rac_history_record *out) RAC_MUST_CHECK;

/* Requests of an action that calls; repetition absent outside of loops (inside: there are none).
 * RAC_E_NOT_FOUND: no such action or repetition. */
rac_err rac_history_requests(struct rac_history *h, rac_str action, rac_str repetition,
                             struct rac_arena *a, struct rac_history_request **v,
                             size_t *n) RAC_MUST_CHECK;

/* The JSON text of a value as it may be shown (§1.3), fetched if need be. RAC_E_NOT_FOUND: there is
 * none. */
rac_err rac_history_value(const struct rac_history *h, const struct rac_history_value *value,
                          struct rac_arena *a, rac_str *text) RAC_MUST_CHECK;
/* As the run has it: for answering its caller and for running again with it. */
rac_err rac_history_value_raw(const struct rac_history *h, const struct rac_history_value *value,
                              struct rac_arena *a, rac_str *text) RAC_MUST_CHECK;

#endif
