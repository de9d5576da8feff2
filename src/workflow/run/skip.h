/*
 * skip - why an action was skipped, and in what words (spec workflows §4.3).
 *
 * Actions inside a branch that was not taken or inside a skipped container have no record of their
 * own anywhere: that they were skipped, and why, follows from the plan and the record of the
 * container, and is worked out here for whoever shows it.
 */
#ifndef RAC_WORKFLOW_SKIP_H
#define RAC_WORKFLOW_SKIP_H

#include "workflow/definition/plan.h"

enum rac_skip {
    RAC_SKIP_NONE,
    RAC_SKIP_CONDITION,  /* runAfter is not satisfied: other is the first such predecessor */
    RAC_SKIP_BRANCH,     /* its branch was not taken */
    RAC_SKIP_DEPENDENCY, /* other, its container, was skipped or did not run it */
    RAC_SKIP_RESPONSE,   /* nobody waits for a response */
    RAC_SKIP_ENDED,      /* the run ended first: no error */
};

struct rac_skipped {
    enum rac_skip reason;
    uint32_t other; /* place of an action; UINT32_MAX: none */
    enum rac_wf_status other_status;
    const char *other_code; /* of a container; NULL: its status' usual one */
};

/* Code of a skipped action. */
const char *rac_skip_code(enum rac_skip reason);
/* Its error object in a; NONE for RAC_SKIP_ENDED. */
struct rac_json rac_skip_error(const struct rac_plan *p, const struct rac_wf_action *x,
                               const struct rac_skipped *s, struct rac_arena *a);
/* Why x was skipped, which stands (at any depth) in a graph that container did not run: what became
 * of container is status and code. */
struct rac_skipped rac_skip_inside(const struct rac_plan *p, const struct rac_wf_action *x,
                                   const struct rac_wf_action *container, enum rac_wf_status status,
                                   const char *code);

#endif
