/* sim_plan - random workflow definitions out of a seed: every kind of action that changes how a run
 * goes on, nested a few levels, with random runAfter. */
#ifndef RAC_TEST_SIM_PLAN_H
#define RAC_TEST_SIM_PLAN_H

#include "base/arena.h"

struct sim_random {
    uint64_t state;
};
uint32_t sim_random(struct sim_random *r, uint32_t below);

enum { SIM_HOOKS_MAX = 8 };
struct sim_plan {
    rac_str actions; /* JSON */
    unsigned hooks;  /* webhook actions at the root: "Hook0", ... */
};
void sim_plan_make(struct sim_random *r, struct rac_arena *a, struct sim_plan *out);

#endif
