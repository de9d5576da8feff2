/* loop_priv - the inside of a loop, for the files of this room only. */
#ifndef RAC_LOOP_PRIV_H
#define RAC_LOOP_PRIV_H

#include "loop/deadline.h"
#include "loop/worker.h"

#include <uv.h>

/*
 * Six levels of 64 slots; a slot of level l spans 64^l milliseconds. An entry sits on the level
 * whose span covers its distance and moves down when its slot begins, so it is touched at most six
 * times. Distances past the last level are cut (64^6 ms is 2.2 years) and re-armed on arrival.
 */
enum { WHEEL_LEVELS = 6, WHEEL_BITS = 6, WHEEL_SLOTS = 64 };

struct rac_wheel {
    uint64_t now_ms; /* every entry due up to here has fired */
    uint64_t due_ms; /* no slot begins before this; UINT64_MAX: empty */
    size_t armed;
    uint64_t bits[WHEEL_LEVELS];
    struct rac_deadline *slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

enum { RAC_LOOP_MAGIC = 0x4c4f4f50, RAC_LOOP_SIGNALS = 2 };

struct rac_loop {
    uint32_t magic;
    unsigned index;
    uv_loop_t uv;
    uv_prepare_t prepare; /* tasks queued by timers run before the poll */
    uv_check_t check;     /* tasks queued by polled events run after it */
    uv_idle_t idle;       /* active while tasks wait: the poll does not block */
    uv_timer_t timer;     /* next slot of the wheel */
    uv_async_t stop;
    bool stopped;
    const bool *until;  /* rac_loop_run_until: its flag; NULL: none is waited for */
    size_t pool_jobs_n; /* begun here, not yet back */
    struct rac_task *tasks, **tasks_end;
    struct rac_wheel wheel;
    uv_signal_t signals[RAC_LOOP_SIGNALS];
    bool signals_on;
    void (*on_signal)(void *arg, int signum);
    void *on_signal_arg;
};

void rac_wheel_init(struct rac_wheel *w, uint64_t now_ms);
/* Fires everything due up to now_ms. */
void rac_wheel_advance(struct rac_wheel *w, uint64_t now_ms);
/* Takes d in; sets w->due_ms. Separate from the loop so that a test can turn the wheel. */
void rac_wheel_put(struct rac_wheel *w, struct rac_deadline *d);
void rac_wheel_timer(uv_timer_t *t);

#endif
