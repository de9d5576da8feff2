/*
 * firing - a trigger fired by somebody who asked: on this worker, or, when the trigger limits how
 * many runs there may be at once, on the one whose engine counts them
 * (RAC_ENGINE_COUNTING_WORKER).
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

/* The same for what was judged before: port fire_counted of an engine. */
void rac_fire_counted(struct rac_api_worker *w, const struct rac_fire *fire, rac_fire_fn done,
                      void *arg);

/* The same for what is not judged yet: port firing_counted of an engine. Engine, store and env are
 * those of the worker that counts. */
void rac_firing_counted(struct rac_api_worker *w, const struct rac_firing *f, rac_fire_fn done,
                        void *arg);

#endif
