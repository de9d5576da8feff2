/*
 * scheduler_world - an engine_world with a scheduler in it, driven by hand: its alarm, its death, its
 * integration account.
 */
#ifndef RAC_TEST_SCHEDULER_WORLD_H
#define RAC_TEST_SCHEDULER_WORLD_H

#include "engine_world.h"
#include "workflow/scheduler/scheduler.h"

struct place {
    struct world *w;
    struct rac_scheduler *s;
    rac_ms alarm_ms;                     /* INT64_MAX: none */
    struct rac_scheduled_flow flows[16]; /* by key, from 1 on */
    struct rac_scheduled_flow older[16]; /* their versions before, where there are some */
    const char
        *account; /* batch configurations of the integration account; NULL: it is not there */
};

/* A place in w, which it owns; its scheduler looks once it is let. */
struct place *place_in(struct world *w);
void place_free(struct place *p);
/* The scheduler is to tick after so many ms. */
void place_alarm(struct place *p, int64_t after_ms);
/* What w->flows has as f gets one trigger of that name and JSON, due now if anything schedules it. */
void place_trigger(struct place *p, struct rac_flow *f, const char *name, const char *node);
/* The scheduler's alarm, if it is time; false: it is not. */
bool place_tick(struct place *p);
/* Everything that can happen without time passing or the network answering. */
void place_settle(struct place *p);
void place_pass(struct place *p, int64_t ms);
/* The process dies; the first `written` of what waits to be committed was, all the same. */
void place_crash(struct place *p, size_t written);

#endif
