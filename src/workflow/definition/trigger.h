/*
 * trigger - what a trigger's outputs start: nothing, one run, or one for each element (spec
 * workflows §2.11, §2.13).
 *
 * A trigger is compiled once per version of its workflow; judging outputs is a pure function of
 * them and of the context. Where the outputs come from is not asked here: a request (api/doors), a
 * timer, a poll or a callback (scheduler.h).
 *
 *     rac_trigger_judge(t, &context, &outputs, &a, &verdict);
 *     for (i < verdict.n) rac_engine_fire(... verdict.items[i] ...);
 *
 * Immutable once compiled, any thread; in the arena given, borrowing the plan.
 */
#ifndef RAC_WORKFLOW_TRIGGER_H
#define RAC_WORKFLOW_TRIGGER_H

#include "base/env.h"
#include "workflow/definition/flow.h"
#include "workflow/definition/ident.h"
#include "workflow/definition/recurrence.h"
#include "workflow/store.h"

enum rac_trigger_class {                      /* how it comes to fire (§2.1) */
                         RAC_TRIGGER_REQUEST, /* called from outside */
                         RAC_TRIGGER_TIMER,
                         RAC_TRIGGER_WINDOW,
                         RAC_TRIGGER_POLL,
                         RAC_TRIGGER_WEBHOOK,
                         RAC_TRIGGER_NOTIFICATION, /* called back, then fetches */
                         RAC_TRIGGER_MESSAGES,     /* when enough messages wait */
                         RAC_TRIGGER_OTHER,        /* no host for it here: saved, never fires */
};

struct rac_flow_trigger {
    enum rac_trigger_class class;
    rac_str name, type_word;
    const struct rac_json *node;
    const struct rac_plan *plan;
    const struct rac_expr **conditions;
    size_t conditions_n;
    bool conditions_see_status; /* they replace the rule that 200 fires (§2.5) */
    bool splits;
    const struct rac_expr *split;                     /* NULL with splits: "@autoload()" */
    const struct rac_expr *tracking, *split_tracking; /* NULL: none */
    const struct rac_expr *recurrence;                /* NULL: none */
    const struct rac_expr *inputs; /* of a trigger that evaluates them; NULL: none */
    unsigned runs;                 /* concurrency; 0: no limit */
};

/* Everything of node compiled. Never fails: what does not compile was reported by workflow/check;
 * here it makes every judgement Failed. */
void rac_trigger_compile(const struct rac_plan *p, rac_str name, const struct rac_json *node,
                         struct rac_arena *a, struct rac_flow_trigger *out);

/* How many runs a trigger of w allows at once (§2.11), 0: any number; *waiting is set with a limit:
 * how many more may wait. node NULL: none. */
unsigned rac_trigger_limit(const struct rac_workflow *w, const struct rac_json *node,
                           unsigned *waiting);

/* The access key of f (32 bytes, borrowed) that signs the callback URL of a webhook with these
 * inputs: their accessKeyType, or an expression of parameters for it, says which (§2.6). */
rac_str rac_webhook_key(const struct rac_flow *f, const struct rac_env *env,
                        const struct rac_json *inputs);

/* What expressions of a trigger may ask for besides its outputs. */
struct rac_trigger_context {
    const struct rac_flow *flow;
    const struct rac_env *env;
    rac_str callback_url;          /* of listCallbackUrl(); absent: none */
    const struct rac_json *inputs; /* recorded ones, for trigger(); NULL: none */
};

enum rac_trigger_outcome { RAC_TRIGGER_FIRES, RAC_TRIGGER_SKIPS, RAC_TRIGGER_FAILS };
struct rac_trigger_item {
    enum rac_trigger_outcome outcome;
    struct rac_json outputs; /* of this run: body is the element */
    rac_str tracking;        /* client tracking id; absent: none said */
    rac_str code, message;   /* of FAILS */
};
struct rac_trigger_verdict {
    /* FIRES: items, one or more, each with its own outcome. SKIPS: there was nothing (null or empty
     * splitOn). FAILS: code and message. */
    enum rac_trigger_outcome outcome;
    rac_str code, message;
    struct rac_trigger_item *items;
    size_t n;
};
void rac_trigger_judge(const struct rac_flow_trigger *t, const struct rac_trigger_context *c,
                       const struct rac_json *outputs, struct rac_arena *a,
                       struct rac_trigger_verdict *out);

/* Evaluates an expression in a trigger's place, before it has outputs (NULL) or after. False: *why
 * in a. */
bool rac_trigger_evaluate(const struct rac_flow_trigger *t, const struct rac_trigger_context *c,
                          const struct rac_json *outputs, const struct rac_expr *x,
                          struct rac_arena *a, struct rac_json *out, rac_str *why);
/* What trigger() shows as the inputs of a trigger (§2.1). A poll records what it sent; a Request has
 * its own as the definition gives them, which nobody need record; others are evaluated when they
 * fire. NONE: it has none, or is of another kind. */
struct rac_json rac_trigger_request_inputs(const struct rac_plan *p, rac_str trigger);
/* Its code: the name of the status a poll was answered with; absent: there is none. */
rac_str rac_trigger_code(const struct rac_json *outputs, struct rac_arena *a);

/* Its recurrence as of now; false: it has none or it is wrong (*why). */
bool rac_trigger_recurrence(const struct rac_flow_trigger *t, const struct rac_trigger_context *c,
                            struct rac_arena *a, struct rac_recurrence *out, rac_str *why);

/* A record of history for an evaluation that starts no run; strings in a. */
struct rac_flow_event_row rac_trigger_event(const struct rac_flow_trigger *t,
                                            struct rac_namer *namer,
                                            enum rac_trigger_outcome outcome, rac_str code,
                                            rac_str message, rac_ms start_ms, rac_ms end_ms,
                                            struct rac_arena *a);

#endif
