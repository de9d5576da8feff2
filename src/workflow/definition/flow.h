/*
 * flow - a version of a workflow as it runs: its definition, plan and triggers compiled, its names
 * and its keys.
 *
 * Immutable once made, counted, shared by workers; whoever holds a reference may read it from any
 * thread.
 */
#ifndef RAC_WORKFLOW_FLOW_H
#define RAC_WORKFLOW_FLOW_H

#include "workflow/definition/plan.h"

struct rac_flow_trigger;

struct rac_flow {
    int64_t key; /* of the store; 0 or less: no store has it (raccord run), each its own */
    rac_str tenant, group, id, name, revision;
    rac_str account;      /* integrationAccount.id as written; absent: none */
    rac_str author;       /* user id: who saved this version, with whose rights it acts: */
    rac_str only_group;   /* those in this group; absent: all */
    unsigned only_roles;  /* those of these roles; 0: all */
    struct rac_json self; /* as workflow() gives it, but for the run: rac_flow_describe */
    bool enabled, stateless;
    const struct rac_workflow *workflow;
    const struct rac_plan *plan;
    uint8_t keys[2][32];                     /* access keys, §5.2 */
    const struct rac_flow_trigger *triggers; /* compiled; NULL: nobody asks for them */
    size_t triggers_n;
    rac_str callback_url; /* of plans made from triggers: listCallbackUrl(); absent: that of the
                             run's action */
    _Atomic int refs;
    struct rac_arena a; /* everything above lives here */
};
/* NULL: there is none of that name (letter case ignored). */
const struct rac_flow_trigger *rac_flow_trigger_find(const struct rac_flow *f, rac_str name);
struct rac_flow *rac_flow_ref(struct rac_flow *f);
void rac_flow_unref(struct rac_flow *f);
/* Fills f->self (spec workflows §4.16, ids as in §4.14) once everything else is there. Names of
 * subscription and resource group; resource: where location and tags may stand, or NULL. */
void rac_flow_describe(struct rac_flow *f, rac_str subscription, rac_str group,
                       const struct rac_json *resource);

/* The worker a run belongs to: FNV-1a of its name. */
unsigned rac_flow_owner(rac_str run_name, unsigned workers);

#endif
