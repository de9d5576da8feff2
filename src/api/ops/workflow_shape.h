/*
 * workflow_shape - how workflows, triggers, runs and actions look in answers (spec workflows §7.4).
 *
 * Every surface says the same about a thing and names it differently: natively by a plain id, in
 * ARM and Standard by a path. So an object is made flat, with id, name and type as the surface of
 * the ask wants them; an adapter only puts an envelope around it.
 */
#ifndef RAC_API_OPS_WORKFLOW_SHAPE_H
#define RAC_API_OPS_WORKFLOW_SHAPE_H

#include "api/ask.h"
#include "api/flows.h"
#include "workflow/history/history.h"
#include "workflow/definition/signature.h"
#include "workflow/store.h"

/* A workflow as the base of names. */
struct rac_flow_view {
    struct rac_ask *q;
    const struct rac_flow_row *row;
    rac_str base; /* ARM and Standard: its id; natively absent */
};
struct rac_flow_view rac_flow_view(struct rac_ask *q, const struct rac_flow_row *row);

/* whole: with definition and parameters; the row must have its document then. */
struct rac_json rac_shape_workflow(struct rac_ask *q, const struct rac_flow_row *row, bool whole);
struct rac_json rac_shape_version(const struct rac_flow_view *v,
                                  const struct rac_flow_version_row *version, bool whole);
struct rac_json rac_shape_trigger(const struct rac_flow_view *v,
                                  const struct rac_flow_trigger_row *state,
                                  const struct rac_json_member *trigger);
/* A history entry that started no run, and one that did (with what began it). live NULL: without
 * links. */
struct rac_json rac_shape_event(const struct rac_flow_view *v, const struct rac_live_flow *live,
                                const struct rac_flow_event_row *e);
struct rac_json rac_shape_fired(const struct rac_flow_view *v, const struct rac_live_flow *live,
                                const struct rac_flow_run_row *run,
                                const struct rac_history_run *head);

/* What the row says and what began it (NULL: not known), for lists; and all there is to say, with
 * live of the run's version, for signed links. */
struct rac_json rac_shape_run_listed(const struct rac_flow_view *v,
                                     const struct rac_live_flow *live,
                                     const struct rac_flow_run_row *run,
                                     const struct rac_history_run *head);
struct rac_json rac_shape_run(const struct rac_flow_view *v, const struct rac_live_flow *live,
                              const struct rac_flow_run_row *run, const struct rac_history *h);
struct rac_json rac_shape_action(const struct rac_flow_view *v, const struct rac_live_flow *live,
                                 const struct rac_flow_run_row *run,
                                 const struct rac_history_record *r);
/* scope: of the list scopeRepetitions. */
struct rac_json rac_shape_repetition(const struct rac_flow_view *v,
                                     const struct rac_live_flow *live,
                                     const struct rac_flow_run_row *run,
                                     const struct rac_history_record *r, bool scope);
struct rac_json rac_shape_request(const struct rac_flow_view *v, const struct rac_live_flow *live,
                                  const struct rac_flow_run_row *run, rac_str action,
                                  rac_str repetition, const struct rac_history_request *r);

/* "<workflow id>-<run name>", natively; false: not of that form. */
bool rac_run_id_parse(rac_str id, rac_str *flow, rac_str *run);

/* Where signed URLs of a workflow begin. expires_ms 0: never. */
struct rac_callback_place rac_flow_place(struct rac_ask *q, const struct rac_flow *f, bool primary,
                                         rac_ms expires_ms);

#endif
