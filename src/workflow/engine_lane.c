/*
 * Lanes: what is common to the runs of one workflow on this worker, first of all how many there may
 * be at once (spec workflows §2.11). The limits are those of the newest version that was seen: runs
 * of older ones go on, and count.
 */
#include "base/mem.h"
#include "base/str.h"
#include "workflow/engine_priv.h"

enum { RECOUNT_MS = 5000 };

/* --- the table -------------------------------------------------------------------------------- */

struct lane *lane_of(struct rac_engine *e, int64_t flow_key)
{
    if (e->lanes_slots == 0) {
        e->lanes_slots = HASH_MIN;
        e->lanes = rac_mem_alloc(HASH_MIN * sizeof *e->lanes);
    } else if (e->lanes_n > e->lanes_slots) {
        size_t slots = e->lanes_slots * 2;
        struct lane **grown = rac_mem_alloc(slots * sizeof *grown);
        for (size_t i = 0; i < e->lanes_slots; i++)
            for (struct lane *x = e->lanes[i], *next; x != NULL; x = next) {
                next = x->hash_next;
                x->hash_next = grown[(uint64_t)x->flow_key & (slots - 1)];
                grown[(uint64_t)x->flow_key & (slots - 1)] = x;
            }
        rac_mem_free(e->lanes);
        e->lanes = grown;
        e->lanes_slots = slots;
    }
    struct lane **slot = &e->lanes[(uint64_t)flow_key & (e->lanes_slots - 1)], *x = *slot;
    while (x != NULL && x->flow_key != flow_key)
        x = x->hash_next;
    if (x != NULL)
        return x;
    x = rac_mem_alloc(sizeof *x);
    *x = (struct lane){.flow_key = flow_key, .hash_next = *slot};
    x->ready_end = &x->ready;
    x->waiting_end = &x->waiting;
    *slot = x;
    e->lanes_n++;
    return x;
}

void lane_let_go(struct rac_engine *e, struct lane *x)
{
    if (x->lives_n > 0 || x->in_ring || x->runs_max > 0)
        return;
    struct lane **at = &e->lanes[(uint64_t)x->flow_key & (e->lanes_slots - 1)];
    while (*at != x)
        at = &(*at)->hash_next;
    *at = x->hash_next;
    e->lanes_n--;
    rac_mem_free(x);
}

/* --- limits of a trigger ---------------------------------------------------------------------- */

static const struct rac_json *get(const struct rac_json *o, rac_str name)
{
    const struct rac_json *v = rac_json_get(o, name);
    return v != NULL ? v : rac_json_geti(o, name);
}

unsigned lane_limit_of(const struct rac_flow *f, unsigned *waiting)
{
    const struct rac_json *t = f->plan->trigger,
                          *control =
                              get(get(t, RAC_S("runtimeConfiguration")), RAC_S("concurrency"));
    bool consumption = f->workflow->profile == RAC_WF_CONSUMPTION;
    rac_str options = rac_json_str(get(t, RAC_S("operationOptions")), RAC_S(""));
    int64_t most = 0, queued;
    if (rac_str_findi(options, RAC_S("SingleInstance")) != RAC_STR_NPOS)
        most = 1;
    else if (rac_json_is_object(control))
        most = rac_json_int(get(control, RAC_S("runs")), consumption ? 25 : 100);
    if (most <= 0)
        return 0;
    queued = rac_json_int(get(control, RAC_S("maximumWaitingRuns")), most + 10);
    *waiting = (unsigned)(queued < 0 ? 0 : queued > 200 ? 200 : queued);
    return (unsigned)(most > 100 ? 100 : most);
}

/* --- counting --------------------------------------------------------------------------------- */

/* Has a slot, or begun without one; what was let in and has not had its turn yet is as good as begun. */
static bool is_open(const struct live *l, const struct lane *lane)
{
    return l->lane == lane && !l->dead && l->run != NULL && (l->admitted || rac_run_begun(l->run));
}

/* Those begun and not ended, by the store; whether it has what is being written is not known, so
 * that counts as well: one too many is found out by the next count, one too few never. */
static void count(struct rac_engine *e, struct lane *lane)
{
    const struct rac_flow_store *s = e->ports.store;
    int64_t open = 0, queued = 0;
    if (s != NULL && lane->flow_key > 0 &&
        s->open_count(s->self, lane->flow_key, &open, &queued) != RAC_OK)
        return;
    lane->counted_ms = engine_now(e);
    lane->running = open;
    for (size_t i = 0; i < e->lives_slots; i++)
        for (struct live *l = e->lives[i]; l != NULL; l = l->hash_next)
            if (is_open(l, lane)) {
                l->counted = true;
                lane->running += l->committing || l->id == 0 || !rac_run_begun(l->run);
            }
}

/* As many of those in line as there is room for. */
static void admit(struct lane *lane, const struct live *in_turn)
{
    struct live *l;
    while ((l = lane->waiting) != NULL && (lane->runs_max == 0 || lane->running < lane->runs_max)) {
        lane_leave(l);
        l->counted = lane->runs_max > 0;
        lane->running += l->counted;
        l->admitted = true;
        if (l != in_turn)
            live_ready(l);
    }
}

void lane_recount(struct rac_engine *e, struct lane *lane)
{
    int64_t here = 0;
    if (lane->runs_max == 0 || lane->running < lane->runs_max ||
        engine_now(e) - lane->counted_ms < RECOUNT_MS)
        return;
    lane->counted_ms = engine_now(e);
    for (size_t i = 0; i < e->lives_slots; i++)
        for (const struct live *l = e->lives[i]; l != NULL; l = l->hash_next)
            if (is_open(l, lane)) {
                if (l->committing || l->creating)
                    return; /* not a moment to count in */
                here += l->counted;
            }
    if (here >= lane->running)
        return;
    count(e, lane); /* some are of versions without a limit, which other workers have */
    admit(lane, NULL);
}

void lane_limits(struct lane *lane, struct rac_engine *e, const struct rac_flow *f)
{
    rac_str seen = {lane->revision, lane->revision_n},
            revision = rac_str_sub(f->revision, 0, sizeof lane->revision);
    bool limited = lane->runs_max > 0;
    if (lane->known && rac_str_cmp(revision, seen) >= 0) /* names sort newest first (§4.14) */
        return;
    lane->known = true;
    lane->revision_n = revision.n;
    if (revision.n > 0)
        memcpy(lane->revision, revision.p, revision.n);
    lane->runs_max = lane_limit_of(f, &lane->waiting_max);
    if (lane->runs_max > 0 && !limited)
        count(e, lane);
    admit(lane, NULL);
}

/* --- one run ---------------------------------------------------------------------------------- */

void lane_leave(struct live *l)
{
    struct lane *lane = l->lane;
    if (!l->waits_for_slot)
        return;
    for (struct live **at = &lane->waiting; *at != NULL; at = &(*at)->wait_next)
        if (*at == l) {
            *at = l->wait_next;
            if (lane->waiting_end == &l->wait_next)
                lane->waiting_end = at;
            break;
        }
    lane->waiting_n--;
    l->waits_for_slot = false;
}

bool lane_take(struct live *l)
{
    struct lane *lane = l->lane;
    lane->fresh_n -= l->fresh;
    l->fresh = false;
    if (lane->runs_max == 0 || l->bypass || l->admitted)
        return true;
    if (!l->waits_for_slot) {
        l->waits_for_slot = true;
        l->wait_next = NULL;
        *lane->waiting_end = l;
        lane->waiting_end = &l->wait_next;
        lane->waiting_n++;
    }
    admit(lane, l);
    return l->admitted;
}

void lane_give(struct live *l)
{
    struct lane *lane = l->lane;
    lane->running -= l->counted && lane->running > 0;
    l->counted = false;
    admit(lane, NULL);
}
