/*
 * trigger_plan - a poll, a subscription or its end as a small workflow: the trigger as an action,
 * and a Response that gives its record to whoever fires it. So triggers are carried out by what
 * carries out actions: connectors, authentication, retries, time limits.
 */
#ifndef RAC_WORKFLOW_TRIGGER_PLAN_H
#define RAC_WORKFLOW_TRIGGER_PLAN_H

#include "workflow/definition/trigger.h"

/* Member of the outputs in the record of a poll: the connector says that an answer is one event of
 * several, which are asked for one after the other (§2.5). Not for the workflow to see. */
#define RAC_TRIGGER_SINGLE_MARK RAC_S("x-ms-trigger-single")

/* Likewise: where the answer's Location points, resolved against the URL that was asked (RFC 9110
 * §10.2.2); whoever goes there later does not know that URL any more. */
#define RAC_TRIGGER_LOCATION_MARK RAC_S("x-ms-trigger-location")

/* Likewise, where a policy of the connector polls (connectors.md §7.1): {"state": what the next poll
 * stands on, "new": whether there is anything that starts a run}. */
#define RAC_TRIGGER_SEEN_MARK RAC_S("x-ms-trigger-seen")

enum rac_trigger_errand { RAC_ERRAND_POLL, RAC_ERRAND_SUBSCRIBE, RAC_ERRAND_UNSUBSCRIBE };

struct rac_trigger_errand_options {
    enum rac_trigger_errand errand;
    rac_str begin_at;     /* POLL: where the answer before pointed; UNSUBSCRIBE: the Location */
    rac_str callback_url; /* listCallbackUrl() */
    const struct rac_json *seen; /* POLL: "state" of that mark; NULL: nothing was polled yet */
};
/* A stateless flow with one reference, to be fired with waits: its Response's body is the record
 * {status, code?, outputs?, error?}. It holds a reference of f. NULL: there is nothing to do (no
 * unsubscribe is described), or it does not compile (*why in a). */
struct rac_flow *rac_trigger_errand_new(struct rac_flow *f, const struct rac_flow_trigger *t,
                                        const struct rac_trigger_errand_options *o,
                                        struct rac_arena *a, rac_str *why);

#endif
