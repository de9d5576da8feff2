/*
 * runner - the workflow engine of a worker, wired to its loop, its store and its neighbours.
 *
 * Every worker has an engine; a run belongs to the one rac_flow_owner names, so what concerns a
 * run (a callback, a cancellation, a timer) is posted there. Worker 0 also scans the store for
 * runs that fall due and for those a restart left open, and mails them to their owners in batches.
 */
#ifndef RAC_API_RUNNER_H
#define RAC_API_RUNNER_H

#include "workflow/engine/engine.h"

struct rac_api_worker;
struct rac_runner;

/* RAC_E_... of rac_engine_new. Worker's thread. */
rac_err rac_runner_new(struct rac_api_worker *w, struct rac_runner **out) RAC_MUST_CHECK;
void rac_runner_free(struct rac_runner *r);
/* Takes no new runs; true once nothing is in flight. Ask again. */
bool rac_runner_drain(struct rac_runner *r);
struct rac_engine *rac_runner_engine(struct rac_runner *r);

/* Worker 0, once every worker is up: begins scanning. */
void rac_runner_begin(struct rac_runner *r);

/* On the owner of a run, wherever the caller is; done on the caller's thread. outputs is copied. */
void rac_runner_callback(struct rac_api_worker *w, int64_t flow, rac_str run, rac_str action,
                         rac_str repetition, const struct rac_json *outputs, rac_event_fn done,
                         void *arg);
void rac_runner_cancel(struct rac_api_worker *w, int64_t flow, rac_str run, rac_event_fn done,
                       void *arg);
/* The workflow was deleted: tells every worker, so that nobody waits for its runs any more. */
void rac_runner_flow_gone(struct rac_api_worker *w, int64_t flow);

#endif
