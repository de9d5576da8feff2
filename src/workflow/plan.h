/*
 * plan - a definition compiled once: actions, the graphs they stand in, inputs as templates.
 *
 * Immutable once made; any thread may read it, many runs share one. Lives in an arena of its own.
 * What is wrong is reported by workflow/check; the compiler refuses only what cannot run at all, and
 * takes whatever the check accepts. An expression that is none fails when it is evaluated.
 */
#ifndef RAC_WORKFLOW_PLAN_H
#define RAC_WORKFLOW_PLAN_H

#include "expr/expr.h"
#include "workflow/document.h"

/* Every status an action can end in or runAfter can name (§1.5); the order is that of the table. */
enum rac_wf_status {
#define STATUS(id, word) RAC_WF_##id,
#include "workflow/statuses.def"
#undef STATUS
    RAC_WF_STATUSES
};
const char *rac_wf_status_word(enum rac_wf_status s);
bool rac_wf_status_parse(rac_str word, enum rac_wf_status *out); /* any letter case */

enum rac_wf_type {
#define ACTION(id, word, fn) RAC_WF_TYPE_##id,
#include "workflow/actions.def"
#undef ACTION
    RAC_WF_TYPES /* unknown: saved, ActionTypeNotSupported when reached (§3.23) */
};
enum rac_wf_type rac_wf_type_of(rac_str word); /* any letter case; RAC_WF_TYPES when unknown */

struct rac_wf_edge {   /* an entry of runAfter */
    uint32_t action;   /* place in the plan */
    uint32_t statuses; /* bit per status */
};

struct rac_wf_action {
    rac_str name;
    rac_str type_word;
    enum rac_wf_type type;
    uint32_t graph; /* the graph it stands in */
    uint32_t order; /* place in its graph */
    struct rac_wf_edge *after;
    uint32_t after_n;
    uint32_t *next; /* actions of the graph that name this one in runAfter */
    uint32_t next_n;
    const struct rac_json *node;    /* the whole action */
    const struct rac_expr *inputs;  /* inputs compiled; NULL: none */
    const struct rac_expr *subject; /* foreach, expression of If, Switch, Until */
    uint32_t *graphs;               /* body; then and else; cases, default last */
    uint32_t graphs_n;
    bool has_default;     /* Switch: the last graph is default */
    uint32_t repetitions; /* Foreach: at once */
    rac_str pointer;
};

struct rac_wf_graph {
    uint32_t owner;    /* action, or UINT32_MAX for the root */
    uint32_t *actions; /* in document order */
    uint32_t n;
    const struct rac_json *match; /* Switch: the case */
};

struct rac_plan {
    const struct rac_workflow *workflow;
    struct rac_arena *a;
    struct rac_wf_action *actions;
    uint32_t actions_n;
    struct rac_wf_graph *graphs; /* 0 is the root */
    uint32_t graphs_n;
    rac_str trigger_name, trigger_type;
    const struct rac_json *trigger;
    const struct rac_expr *outputs; /* of the workflow; NULL: none */
};

/* RAC_OK; RAC_E_INVALID with diagnostics whose pointers are into the workflow's file. */
rac_err rac_plan_compile(const struct rac_workflow *w, struct rac_arena *a, struct rac_plan **out,
                         struct rac_diags *d) RAC_MUST_CHECK;

/* Place of an action by name (letter case ignored), or UINT32_MAX. */
uint32_t rac_plan_find(const struct rac_plan *p, rac_str name);

#endif
