/*
 * deadline - "call me in N milliseconds unless I say otherwise", for thousands of requests.
 *
 * A hierarchical timer wheel per loop: arming and cancelling are O(1) and allocate nothing (the
 * caller embeds struct rac_deadline). Most deadlines are armed and cancelled without ever firing,
 * so that path is what is cheap. Resolution 1 ms, late by at most 1 ms of a loop that is not busy,
 * never more than 1 ms early. Loop thread only.
 *
 *     rac_deadline_init(&r->deadline, on_late, r);
 *     rac_deadline_arm(loop, &r->deadline, 120000);
 *     rac_deadline_cancel(&r->deadline);              // also when it is not armed
 */
#ifndef RAC_LOOP_DEADLINE_H
#define RAC_LOOP_DEADLINE_H

#include "base/base.h"

struct rac_loop;
struct rac_wheel;

struct rac_deadline {
    struct rac_deadline *next, **link; /* link NULL: not armed */
    struct rac_wheel *wheel;
    uint64_t at_ms; /* on the loop's clock */
    void (*fn)(void *arg);
    void *arg;
    uint8_t level, slot;
};

/* A zeroed struct rac_deadline may be cancelled; it must be initialised before it is armed. */
void rac_deadline_init(struct rac_deadline *d, void (*fn)(void *arg), void *arg);
/* Arms or re-arms; keeps d until it fires or is cancelled. after_ms <= 0 fires on the next turn,
 * never from inside this call. A deadline may re-arm or cancel itself and others when it fires. */
void rac_deadline_arm(struct rac_loop *loop, struct rac_deadline *d, int64_t after_ms);
void rac_deadline_cancel(struct rac_deadline *d);
static inline bool rac_deadline_is_armed(const struct rac_deadline *d)
{
    return d->link != NULL;
}

#endif
