/*
 * plan - a definition compiled once: actions, the graphs they stand in, inputs as templates.
 *
 * Immutable once made; any thread may read it, many runs share one. Lives in an arena of its own.
 * What is wrong is reported by workflow/check; the compiler refuses only what cannot run at all, and
 * takes whatever the check accepts. An expression that is none fails when it is evaluated.
 */
#ifndef RAC_WORKFLOW_PLAN_H
#define RAC_WORKFLOW_PLAN_H

#include "base/map.h"
#include "expr/expr.h"
#include "workflow/definition/document.h"

/* Every status an action can end in or runAfter can name (§1.5); the order is that of the table. */
enum rac_wf_status {
#define STATUS(id, word) RAC_WF_##id,
#include "workflow/definition/statuses.def"
#undef STATUS
    RAC_WF_STATUSES
};
const char *rac_wf_status_word(enum rac_wf_status s);
bool rac_wf_status_parse(rac_str word, enum rac_wf_status *out); /* any letter case */

enum rac_wf_type {
#define ACTION(id, word, fn) RAC_WF_TYPE_##id,
#include "workflow/definition/actions.def"
#undef ACTION
    RAC_WF_TYPES /* unknown: saved, ActionTypeNotSupported when reached (§3.23) */
};

struct rac_wf_edge {   /* an entry of runAfter */
    uint32_t action;   /* place in the plan */
    uint32_t statuses; /* bit per status */
};

enum rac_wf_option { /* §2.12, of an action */
                     RAC_WF_DISABLE_ASYNC = 1,
                     RAC_WF_ASYNCHRONOUS = 2,
                     RAC_WF_DISABLE_DECOMPRESSION = 4,
                     RAC_WF_SUPPRESS_HEADERS = 8,
                     RAC_WF_SEQUENTIAL = 16,
                     RAC_WF_FAIL_WHEN_LIMITS_REACHED = 32,
                     RAC_WF_SUBSCRIBES_ONLY = 64, /* of plans made from triggers: a webhook action
                                                     ends when it has subscribed */
                     RAC_WF_TELLS_LOCATION = 128, /* likewise: outputs say where it points */
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
    bool has_default;             /* Switch: the last graph is default */
    uint32_t repetitions;         /* Foreach: at once */
    bool in_loop;                 /* stands in a Foreach or Until, however deep */
    unsigned options;             /* enum rac_wf_option */
    int64_t timeout_ms;           /* limit.timeout as written; -1: none, or an expression */
    const struct rac_expr *limit; /* the whole limit object; NULL: none */
    const struct rac_expr *request_options; /* of runtimeConfiguration; NULL: none */
    const struct rac_expr *authentication;  /* kept out of inputs, so that it is never recorded */
    const struct rac_expr *tracked;         /* trackedProperties */
    const struct rac_expr *fixed;           /* its static result, when enabled (§4.12) */
    const struct rac_json *inputs_node;     /* inputs as written; NULL: none */
    rac_str begin_at, begin_by;  /* of plans made from triggers: URL asked instead of the one the
                                   inputs say, and how (GET); absent: none */
    const struct rac_json *seen; /* of plans made from triggers that poll: RAC_TRIGGER_SEEN_MARK of
                                    the answer before; of no type: there was none. NULL: no poll */
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
    struct rac_map names;       /* lower-case name of an action -> place + 1 */
    struct rac_json parameters; /* name -> value, of the document and its defaults */
    struct rac_json declared;   /* name -> {type, ...}: the definition's, and secure ones that only
                                   their values declare */
    bool responds;              /* has a Response action */
    bool responds_async;        /* one of them asynchronous (§3.3) */
    rac_str trigger_name, trigger_type;
    const struct rac_json *trigger;
    const struct rac_expr *outputs;  /* of the workflow; NULL: none */
    const struct rac_secure *secure; /* what may not be shown (secure.h) */
};

/* RAC_OK; RAC_E_INVALID with diagnostics whose pointers are into the workflow's file. */
rac_err rac_plan_compile(const struct rac_workflow *w, struct rac_arena *a, struct rac_plan **out,
                         struct rac_diags *d) RAC_MUST_CHECK;

/* Scope, If, Switch, Foreach or Until; a Switch may have no graphs. */
static inline bool rac_wf_is_container(const struct rac_wf_action *x)
{
    return x->type <= RAC_WF_TYPE_UNTIL;
}

/* Place of an action by name (letter case ignored), or UINT32_MAX. */
uint32_t rac_plan_find(const struct rac_plan *p, rac_str name);

#endif
