/* Timers of one engine: a binary heap by monotonic time. */
#include "base/mem.h"
#include "workflow/engine/engine_priv.h"

/* A timer that waits for the wall clock looks at it again at least this often: clocks are set. */
enum { WALL_CHECK_MS = 60000 };

static void put(struct rac_engine *e, size_t at, struct timer *t)
{
    e->heap[at] = t;
    t->place = (uint32_t)at + 1;
}

static void up(struct rac_engine *e, size_t at, struct timer *t)
{
    for (; at > 0 && e->heap[(at - 1) / 2]->at_ns > t->at_ns; at = (at - 1) / 2)
        put(e, at, e->heap[(at - 1) / 2]);
    put(e, at, t);
}

static void down(struct rac_engine *e, size_t at, struct timer *t)
{
    for (;;) {
        size_t child = at * 2 + 1;
        if (child + 1 < e->heap_n && e->heap[child + 1]->at_ns < e->heap[child]->at_ns)
            child++;
        if (child >= e->heap_n || e->heap[child]->at_ns >= t->at_ns)
            break;
        put(e, at, e->heap[child]);
        at = child;
    }
    put(e, at, t);
}

static void alarm_at_first(struct rac_engine *e)
{
    rac_ns at = e->heap_n > 0 ? e->heap[0]->at_ns : INT64_MAX;
    if (at == e->alarm_ns)
        return;
    e->alarm_ns = at;
    e->ports.alarm(e->ports.self, at);
}

void timer_stop(struct rac_engine *e, struct timer *t)
{
    if (t->place == 0)
        return;
    size_t at = t->place - 1;
    struct timer *last = e->heap[--e->heap_n];
    t->place = 0;
    if (last == t)
        return; /* a ring for nothing is cheaper than moving the alarm */
    if (at > 0 && e->heap[(at - 1) / 2]->at_ns > last->at_ns)
        up(e, at, last);
    else
        down(e, at, last);
}

static void insert(struct rac_engine *e, struct timer *t)
{
    timer_stop(e, t);
    if (e->heap_n == e->heap_cap) {
        e->heap_cap = e->heap_cap ? e->heap_cap * 2 : 64;
        e->heap = rac_mem_realloc(e->heap, e->heap_cap * sizeof *e->heap);
    }
    up(e, e->heap_n++, t);
    alarm_at_first(e);
}

void timer_set(struct rac_engine *e, struct timer *t, int64_t after_ms)
{
    t->wall_ms = 0;
    t->at_ns = rac_env_mono_ns(e->ports.env) + (after_ms > 0 ? after_ms : 0) * 1000000;
    insert(e, t);
}

void timer_set_wall(struct rac_engine *e, struct timer *t, rac_ms at_ms)
{
    int64_t left = at_ms - engine_now(e);
    timer_set(e, t, left > WALL_CHECK_MS ? WALL_CHECK_MS : left);
    t->wall_ms = at_ms;
}

void timers_ring(struct rac_engine *e)
{
    rac_ns now = rac_env_mono_ns(e->ports.env);
    size_t n = e->heap_n; /* those set meanwhile ring next time */
    e->alarm_ns = -1;
    for (; n > 0 && e->heap_n > 0 && e->heap[0]->at_ns <= now; n--) {
        struct timer *t = e->heap[0];
        timer_stop(e, t);
        if (t->wall_ms > engine_now(e))
            timer_set_wall(e, t, t->wall_ms);
        else
            t->fn(t->arg);
    }
    alarm_at_first(e);
}
