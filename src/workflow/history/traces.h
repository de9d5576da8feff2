/*
 * traces - what the expressions of an action came to, part by part (spec workflows §7.4
 * ExpressionRoot), worked out when somebody asks.
 *
 * The journal has what a whole expression came to, not how. So the run is replayed up to where the
 * inputs of the action were evaluated, into memory of its own, and its expressions are evaluated
 * again there, by the version of the workflow that ran. Parts are told only of an expression that
 * comes to its recorded value again, or fails with its recorded message.
 *
 * A part has no value when it was not reached (a branch that was not taken), when it differs from
 * call to call (utcNow, guid, appsetting, ...) or may have changed since (workflow, which can be
 * moved) or is made from such a one, when a secret may be in it (§4.10, below), or when a limit was
 * reached: 32 MiB for the state of the run and all evaluation, 1,000,000 steps of evaluation, 1 MiB
 * of values of parts. At most 1,000 parts are listed, at most 32 deep. All for one action or
 * repetition.
 *
 * Secrets: an action of which anything is hidden has no parts. In a workflow that hides anything
 * there is no value of variables, items and results of scopes, through which it may have come, nor of
 * what such an action or trigger gave. A secure parameter is "*sanitized*", what is made from it has
 * no value; of parameters that Raccord makes itself ($connections) or reads from settings neither.
 * What is below a member `authentication` is not told of.
 */
#ifndef RAC_WORKFLOW_TRACES_H
#define RAC_WORKFLOW_TRACES_H

#include "base/env.h"
#include "workflow/history/history.h"

/*
 * {"inputs": [ExpressionRoot]}, of If and Switch {"expression": [ExpressionRoot]}; in a. x is a
 * record of h; of an aggregate (§7.6) only texts are told. workflow as in rac_run_world. Takes as
 * long as reading the journal once more and evaluating; no errors: what cannot be told is not there.
 */
struct rac_json rac_traces_of(const struct rac_history *h, const struct rac_history_record *x,
                              const struct rac_json *workflow, const struct rac_env *env,
                              struct rac_arena *a);

#endif
