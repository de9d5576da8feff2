/*
 * check - what is wrong with a workflow definition, all of it (spec workflows §1.6).
 *
 * A pure function of the document and, where given, of the connectors it calls. Every finding has a
 * code of §1.6 and stands at the JSON pointer of the member that is at fault; the sentences follow
 * the patterns there. rac_plan_compile takes whatever this accepts. Any thread; findings and what
 * they hold live in the list's arena, everything else in `a`.
 *
 *     struct rac_workflow_check_options o = {.now = rac_env_wall(env)};
 *     if (rac_workflow_check(w, &o, &a, &diags) == RAC_E_INVALID) ...
 */
#ifndef RAC_WORKFLOW_CHECK_H
#define RAC_WORKFLOW_CHECK_H

#include "workflow/definition/document.h"

struct rac_connector;

/* The connectors at hand, for what a definition says about their operations (§6.4, §6.5). */
struct rac_workflow_catalogue {
    /* Borrowed while the check runs. api is the last segment of an API id ("shared_office365");
     * NULL: none at hand, its calls are not judged. */
    const struct rac_connector *(*find)(void *self, rac_str api);
    void *self;
};

struct rac_workflow_check_options {
    const struct rac_workflow_catalogue *catalogue; /* NULL: no connectors at hand */
    uint32_t actions_max;                           /* 0: RAC_WORKFLOW_ACTIONS_MAX (§8.1) */
    rac_ms now;                                     /* 0: start times are not compared with it */
};

enum {
    RAC_WORKFLOW_ACTIONS_MAX = 500,
    RAC_WORKFLOW_ACTIONS_CAP = 10000, /* further ones are not looked at, whatever the setting */
    RAC_WORKFLOW_NESTING_MAX = 8,
};

/* RAC_OK: no error (warnings perhaps); RAC_E_INVALID; RAC_E_LIMIT when a ran over. */
rac_err rac_workflow_check(const struct rac_workflow *w, const struct rac_workflow_check_options *o,
                           struct rac_arena *a, struct rac_diags *d) RAC_MUST_CHECK;

/* An action as it stands in the definition. */
struct rac_workflow_action {
    rac_str name;
    const struct rac_json *node;
    rac_str parent; /* the action it stands in; absent: at the root */
    uint32_t depth; /* 1: at the root */
};
/* Every action, nested ones after their parents, at most RAC_WORKFLOW_ACTIONS_CAP. */
void rac_workflow_each_action(const struct rac_workflow *w,
                              void (*fn)(void *arg, const struct rac_workflow_action *x),
                              void *arg);
/* Actions, nested ones included, and triggers. */
void rac_workflow_count(const struct rac_workflow *w, size_t *actions, size_t *triggers);

/* --- the table of findings, for the reference page and SARIF ---------------------------------- */

struct rac_workflow_finding {
    const char *id;   /* "unknown-action": unique, stable */
    const char *code; /* of §1.6, shared by several */
    enum rac_severity severity;
    const char *title, *text, *fix;
};
const struct rac_workflow_finding *rac_workflow_finding_at(size_t i); /* NULL past the last */

#endif
