/*
 * scheduling - worker 0's scheduler of triggers (workflow/scheduler/scheduler.h), wired to its loop, its
 * engine and the compiled workflows; and the way of every door to it.
 */
#ifndef RAC_API_SCHEDULING_H
#define RAC_API_SCHEDULING_H

#include "base/base.h"

struct rac_api_worker;
struct rac_scheduling;

/* Worker 0, once every worker is up. */
struct rac_scheduling *rac_scheduling_new(struct rac_api_worker *w);
void rac_scheduling_free(struct rac_scheduling *s); /* after drain; NULL does nothing */
bool rac_scheduling_drain(struct rac_scheduling *s);

/* Any worker: triggers were marked due, look at them now. */
void rac_scheduling_look(struct rac_api_worker *w);
/* Any worker: messages for batches were kept; some batch may be ready. */
void rac_scheduling_messages(struct rac_api_worker *w);
/* Any worker: a notification came in for a trigger that fetches, or one that polls or releases
 * batches is run by hand. */
void rac_scheduling_notify(struct rac_api_worker *w, int64_t flow, rac_str trigger);
/* Any worker: one that subscribes is to do so anew. */
void rac_scheduling_reset(struct rac_api_worker *w, int64_t flow, rac_str trigger);

#endif
