/* history_priv - what reading a journal into records keeps. */
#ifndef RAC_WORKFLOW_HISTORY_PRIV_H
#define RAC_WORKFLOW_HISTORY_PRIV_H

#include "workflow/history/history.h"
#include "workflow/run/journal.h"
#include "workflow/run/run.h"
#include "workflow/definition/secure.h"

struct hframe { /* a frame, by its number */
    uint32_t parent;
    uint32_t owner; /* action; UINT32_MAX: the root */
    uint32_t graph, index;
    enum rac_wf_status status;
    rac_ms start_ms, end_ms;
};

struct haction { /* sums over everything an action did */
    uint32_t decided, ended, open;
    uint32_t found;  /* statuses it ended in, as bits */
    uint32_t frames; /* of its graphs, when it is a container */
    rac_ms start_ms, end_ms;
    struct rac_history_record record; /* the only one, outside of loops */
};

struct rac_history {
    const struct rac_plan *plan;
    const struct rac_history_source *source;
    struct rac_arena *a;
    struct rac_history_run run;
    rac_str name;
    uint8_t seed[16];
    bool over, closed;
    rac_ms closed_ms;
    rac_str closed_code;
    struct hframe *frames;
    uint32_t frames_n, frames_cap;
    uint32_t *graph_frames; /* per graph: how many frames it has */
    struct haction *actions;
    const struct rac_history_record *list;
    size_t list_n;
};

/* history.c */
struct history_entry_fn {
    void (*fn)(void *arg, const struct rac_entry *e);
    void *arg;
};
rac_err history_each(const struct rac_history *h, void (*fn)(void *arg, const struct rac_entry *e),
                     void *arg) RAC_MUST_CHECK;
/* A value as it may be shown; a large one is only named. */
struct rac_history_value history_value_of(const struct rac_history *h,
                                          const struct rac_entry_value *v, bool secured,
                                          struct rac_arena *a);
/* A small one, parsed; NONE: there is none. */
struct rac_json history_json_of(const struct rac_history *h, const struct rac_entry_value *v,
                                struct rac_arena *a);
/* What an entry of that action's record says, taken over. */
void history_take(const struct rac_history *h, struct rac_history_record *x,
                  const struct rac_entry *e, struct rac_arena *a);
/* The run was closed while x was open, or before it was decided. */
void history_close(const struct rac_history *h, struct rac_history_record *x, struct rac_arena *a);
void history_skip(const struct rac_history *h, struct rac_history_record *x,
                  const struct rac_skipped *s, rac_ms at_ms, struct rac_arena *a);
bool history_is_loop(const struct rac_wf_action *x);
/* Graph of the innermost loop around a graph; UINT32_MAX: none. */
uint32_t history_loop_of(const struct rac_plan *p, uint32_t graph);

#endif
