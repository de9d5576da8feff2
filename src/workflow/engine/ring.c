/*
 * Whose turn it is. Runs that are ready stand in line in their workflow's lane, lanes in a ring of
 * their tenant's crowd, crowds in a ring: each turn of the pump takes the next crowd's next lane's
 * oldest run. So neither a workflow with thousands of runs nor a tenant with thousands of workflows
 * makes others wait for more than a turn of each.
 *
 * Tenants whose names fall together share a crowd; then lanes alone are what is fair among them.
 */
#include "base/metrics.h"
#include "base/str.h"
#include "workflow/engine/engine_priv.h"

struct crowd *crowd_of(struct rac_engine *e, rac_str tenant)
{
    return &e->crowds[rac_str_hash(tenant) % CROWDS];
}

void crowd_enter(struct live *l, rac_str tenant)
{
    l->crowd = crowd_of(l->e, tenant);
    l->e->crowds_live_n += l->crowd->lives_n++ == 0;
}

void crowd_leave(struct live *l)
{
    if (l->crowd == NULL)
        return;
    l->e->crowds_live_n -= --l->crowd->lives_n == 0;
}

/* Up to max whoever it is; beyond, up to twice as many, whoever has less than an equal share of max. */
static size_t room_of(size_t all, size_t max, size_t own, size_t crowds)
{
    size_t share = max / (crowds + (own == 0)), most = 2 * max, fair = 0;
    if (own < share && all < most)
        fair = share - own < most - all ? share - own : most - all;
    size_t left = all < max ? max - all : 0;
    return left > fair ? left : fair;
}

size_t crowd_room(const struct rac_engine *e, const struct crowd *c)
{
    const struct rac_engine_limits *m = &e->limits;
    size_t lives = room_of(e->lives_n, m->runs_live_max, c->lives_n, e->crowds_live_n),
           ready = room_of(e->ready_n, m->runs_queued_max, c->ready_n, e->crowds_ready_n);
    return lives < ready ? lives : ready;
}

/* --- the ring --------------------------------------------------------------------------------- */

static void crowd_add(struct rac_engine *e, struct crowd *c)
{
    if (c->in_ring)
        return;
    c->in_ring = true;
    c->ring_next = NULL;
    *e->ring_end = c;
    e->ring_end = &c->ring_next;
}

static void lane_add(struct rac_engine *e, struct crowd *c, struct lane *lane)
{
    if (!lane->in_ring) {
        lane->in_ring = true;
        lane->ring_next = NULL;
        *(c->ring == NULL ? &c->ring : c->ring_end) = lane;
        c->ring_end = &lane->ring_next;
    }
    crowd_add(e, c);
}

void ring_add(struct live *l)
{
    struct rac_engine *e = l->e;
    struct lane *lane = l->lane;
    l->ready = true;
    l->ready_next = NULL;
    *lane->ready_end = l;
    lane->ready_end = &l->ready_next;
    e->ready_n++;
    rac_metric_change(RAC_METRIC_RUNS_READY, 1);
    e->crowds_ready_n += l->crowd->ready_n++ == 0;
    lane_add(e, l->crowd, lane);
}

struct live *ring_take(struct rac_engine *e)
{
    struct crowd *c = e->ring;
    struct lane *lane = c->ring;
    struct live *l = lane->ready;
    e->ring = c->ring_next;
    if (e->ring == NULL)
        e->ring_end = &e->ring;
    c->in_ring = false;
    c->ring = lane->ring_next;
    lane->in_ring = false;
    lane->ready = l->ready_next;
    if (lane->ready == NULL)
        lane->ready_end = &lane->ready;
    else
        lane_add(e, c, lane);
    if (c->ring != NULL)
        crowd_add(e, c);
    l->ready = false;
    e->ready_n--;
    rac_metric_change(RAC_METRIC_RUNS_READY, -1);
    e->crowds_ready_n -= --c->ready_n == 0;
    return l;
}
