/*
 * firing - a trigger fired by somebody who asked: on this worker, or on worker 0 when the trigger
 * limits how many runs there may be at once, which only one engine can count (the scheduler fires
 * there as well).
 */
#ifndef RAC_API_FIRING_H
#define RAC_API_FIRING_H

#include "api/flows.h"

/* live and trigger are kept by a reference; outputs (NULL: none) is borrowed until it returns. done
 * is called exactly once, on this worker, whatever happens: whoever may go away must leave an arg
 * behind. The answer is valid during the call. */
void rac_fire_trigger(struct rac_api_worker *w, struct rac_live_flow *live,
                      const struct rac_live_trigger *trigger, const struct rac_json *outputs,
                      rac_str tracking, bool waits, rac_fire_fn done, void *arg);

#endif
