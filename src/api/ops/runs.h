/*
 * runs - a run of a workflow and what it did, opened for the operations that tell about it.
 *
 * Found by its id (natively), or by workflow and name; read with the version of the workflow it
 * runs. Everything lives in the ask's arena.
 */
#ifndef RAC_API_OPS_RUNS_H
#define RAC_API_OPS_RUNS_H

#include "api/ask.h"
#include "api/flows.h"
#include "workflow/history/history.h"
#include "workflow/store.h"

struct rac_run_reading {
    struct rac_ask *q;
    struct rac_flow_row flow;
    struct rac_flow_run_row run;
    struct rac_live_flow *live; /* the version it runs; a reference rides q->a */
    struct rac_history *history;
    struct rac_history_source source;
    void (*then)(struct rac_run_reading *r);
};

/* args[0] is the run: natively its id, or its name with ?workflow=; in ARM its name, the workflow
 * being in ?workflow= where the adapter put it. Answers the ask when it fails; else goes on with
 * then, now or later. */
void rac_run_read(struct rac_ask *q, enum rac_action action,
                  void (*then)(struct rac_run_reading *r));
/* The same for one that was found: q, flow, run and then are set. */
void rac_run_open(struct rac_run_reading *r);
/* For those who have the run without an ask. source's self is the store and the run: keep it. */
struct rac_run_source {
    const struct rac_flow_store *store;
    int64_t run;
};
struct rac_history_source rac_run_history_source(struct rac_run_source *s);
/* What began a run of live's workflow; in q's arena. NULL: it cannot be told (it kept nothing). */
const struct rac_history_run *rac_run_head(struct rac_ask *q, const struct rac_live_flow *live,
                                           const struct rac_flow_run_row *run);

#endif
