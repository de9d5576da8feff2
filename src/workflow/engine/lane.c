/*
 * Lanes: what is common to the runs of one workflow on this worker. A lane has a gate for each
 * trigger that says how many of its runs there may be at once (spec workflows §2.11); most have
 * none. The limits are those of the newest version that was seen: runs of older ones go on, and
 * count.
 */
#include "base/mem.h"
#include "base/str.h"
#include "workflow/engine/engine_priv.h"
#include "workflow/definition/trigger.h"

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
    *slot = x;
    e->lanes_n++;
    return x;
}

static void gates_free(struct lane *lane)
{
    while (lane->gates != NULL) {
        struct gate *g = lane->gates;
        lane->gates = g->next;
        rac_mem_free(g);
    }
}

void lane_free(struct lane *x)
{
    gates_free(x);
    rac_mem_free(x);
}

static bool is_limited(const struct lane *x)
{
    for (const struct gate *g = x->gates; g != NULL; g = g->next)
        if (g->runs_max > 0)
            return true;
    return false;
}

void lane_let_go(struct rac_engine *e, struct lane *x)
{
    if (x->lives_n > 0 || x->in_ring || is_limited(x))
        return;
    struct lane **at = &e->lanes[(uint64_t)x->flow_key & (e->lanes_slots - 1)];
    while (*at != x)
        at = &(*at)->hash_next;
    *at = x->hash_next;
    e->lanes_n--;
    lane_free(x);
}

/* --- limits of triggers ----------------------------------------------------------------------- */

static const struct rac_json *triggers_of(const struct rac_flow *f)
{
    return rac_json_geti(f->workflow->definition, RAC_S("triggers"));
}

rac_str flow_trigger_name(const struct rac_flow *f, rac_str named)
{
    RAC_JSON_EACH_MEMBER(m, triggers_of(f))
    if (rac_str_eqi(rac_json_key(m), named))
        return rac_json_key(m);
    return named.p != NULL ? named : f->plan->trigger_name;
}

unsigned flow_trigger_limit(const struct rac_flow *f, rac_str trigger, unsigned *waiting)
{
    return rac_trigger_limit(f->workflow, rac_json_geti(triggers_of(f), trigger), waiting);
}

struct gate *lane_gate(const struct lane *lane, rac_str trigger)
{
    struct gate *g = lane->gates;
    while (g != NULL && !rac_str_eqi((rac_str){g->trigger, g->trigger_n}, trigger))
        g = g->next;
    return g;
}

static struct gate *gate_new(struct lane *lane, rac_str trigger)
{
    struct gate *g = rac_mem_alloc(sizeof *g + trigger.n);
    *g = (struct gate){.next = lane->gates, .trigger_n = trigger.n};
    memcpy(g->trigger, trigger.p, trigger.n);
    g->waiting_end = &g->waiting;
    lane->gates = g;
    return g;
}

/* --- counting --------------------------------------------------------------------------------- */

/* Has a slot, or begun without one; what was let in and has not had its turn yet is as good as begun. */
static bool is_open(const struct live *l, const struct lane *lane, const struct gate *g)
{
    return l->lane == lane && !l->dead && l->run != NULL &&
           (l->admitted || rac_run_begun(l->run)) &&
           rac_str_eqi((rac_str){g->trigger, g->trigger_n}, l->trigger);
}

/* Those begun and not ended, by the store; whether it has what is being written is not known, so
 * that counts as well: one too many is found out by the next count, one too few never. */
static void count(struct rac_engine *e, struct lane *lane, struct gate *g)
{
    const struct rac_flow_store *s = e->ports.store;
    int64_t open = 0, queued = 0;
    rac_str trigger = {g->trigger, g->trigger_n};
    if (s != NULL && lane->flow_key > 0 &&
        s->open_count(s->self, lane->flow_key, trigger, &open, &queued) != RAC_OK)
        return;
    g->counted_ms = engine_now(e);
    g->running = open;
    for (size_t i = 0; i < e->lives_slots; i++)
        for (struct live *l = e->lives[i]; l != NULL; l = l->hash_next)
            if (is_open(l, lane, g)) {
                l->counted = true;
                g->running += l->committing || l->id == 0 || !rac_run_begun(l->run);
            }
}

/* As many of those in line as there is room for. */
static void admit(struct gate *g, const struct live *in_turn)
{
    struct live *l;
    while ((l = g->waiting) != NULL && (g->runs_max == 0 || g->running < g->runs_max)) {
        lane_leave(l);
        l->counted = g->runs_max > 0;
        g->running += l->counted;
        l->admitted = true;
        if (l != in_turn)
            live_ready(l);
    }
}

void lane_recount(struct rac_engine *e, struct live *waiter)
{
    struct lane *lane = waiter->lane;
    struct gate *g = lane_gate(lane, waiter->trigger);
    int64_t here = 0;
    if (g == NULL || g->runs_max == 0 || g->running < g->runs_max ||
        engine_now(e) - g->counted_ms < RECOUNT_MS)
        return;
    g->counted_ms = engine_now(e);
    for (size_t i = 0; i < e->lives_slots; i++)
        for (const struct live *l = e->lives[i]; l != NULL; l = l->hash_next)
            if (is_open(l, lane, g)) {
                if (l->committing || l->creating)
                    return; /* not a moment to count in */
                here += l->counted;
            }
    if (here >= g->running)
        return;
    count(e, lane, g); /* some are of versions without a limit, which other workers have */
    admit(g, NULL);
}

static void limit(struct rac_engine *e, struct lane *lane, struct gate *g, unsigned runs_max,
                  unsigned waiting_max)
{
    bool limited = g->runs_max > 0;
    g->runs_max = runs_max;
    g->waiting_max = waiting_max;
    if (runs_max > 0 && !limited)
        count(e, lane, g);
    admit(g, NULL);
}

/* Those without a limit that nobody passes any more. */
static void gates_drop(struct lane *lane)
{
    for (struct gate **at = &lane->gates; *at != NULL;) {
        struct gate *g = *at;
        if (g->runs_max == 0 && g->waiting_n == 0 && g->fresh_n == 0) {
            *at = g->next;
            rac_mem_free(g);
        } else {
            at = &g->next;
        }
    }
}

void lane_limits(struct lane *lane, struct rac_engine *e, const struct rac_flow *f)
{
    rac_str seen = {lane->revision, lane->revision_n},
            revision = rac_str_sub(f->revision, 0, sizeof lane->revision);
    if (lane->known && rac_str_cmp(revision, seen) >= 0) /* names sort newest first (§4.14) */
        return;
    lane->known = true;
    lane->revision_n = revision.n;
    if (revision.n > 0)
        memcpy(lane->revision, revision.p, revision.n);
    unsigned waiting = 0;
    RAC_JSON_EACH_MEMBER(m, triggers_of(f))
    if (lane_gate(lane, rac_json_key(m)) == NULL &&
        rac_trigger_limit(f->workflow, &m->value, &waiting) > 0)
        (void)gate_new(lane, rac_json_key(m));
    for (struct gate *g = lane->gates; g != NULL; g = g->next) {
        unsigned most = flow_trigger_limit(f, (rac_str){g->trigger, g->trigger_n}, &waiting);
        limit(e, lane, g, most, waiting);
    }
    gates_drop(lane);
}

/* --- one run ---------------------------------------------------------------------------------- */

static struct gate *gate_of(const struct live *l)
{
    return lane_gate(l->lane, l->trigger);
}

size_t lane_room(const struct lane *lane, rac_str trigger)
{
    const struct gate *g = lane_gate(lane, trigger);
    if (g == NULL || g->runs_max == 0)
        return SIZE_MAX;
    int64_t room = (int64_t)g->runs_max + g->waiting_max - g->running - (int64_t)g->waiting_n -
                   (int64_t)g->fresh_n;
    return room > 0 ? (size_t)room : 0;
}

void lane_enter(struct live *l)
{
    struct gate *g = gate_of(l);
    l->fresh = g != NULL && g->runs_max > 0 && !l->bypass;
    if (l->fresh)
        g->fresh_n++;
}

/* It has asked for its slot, or never will. */
static void settled(struct live *l)
{
    if (l->fresh)
        gate_of(l)->fresh_n--;
    l->fresh = false;
}

void lane_leave(struct live *l)
{
    settled(l);
    if (!l->waits_for_slot)
        return;
    struct gate *g = gate_of(l);
    for (struct live **at = &g->waiting; *at != NULL; at = &(*at)->wait_next)
        if (*at == l) {
            *at = l->wait_next;
            if (g->waiting_end == &l->wait_next)
                g->waiting_end = at;
            break;
        }
    g->waiting_n--;
    l->waits_for_slot = false;
}

bool lane_take(struct live *l)
{
    struct gate *g = gate_of(l);
    settled(l);
    if (g == NULL || g->runs_max == 0 || l->bypass || l->admitted)
        return true;
    if (!l->waits_for_slot) {
        l->waits_for_slot = true;
        l->wait_next = NULL;
        *g->waiting_end = l;
        g->waiting_end = &l->wait_next;
        g->waiting_n++;
    }
    admit(g, l);
    return l->admitted;
}

void lane_give(struct live *l)
{
    struct gate *g = gate_of(l);
    bool counted = l->counted;
    l->counted = false;
    if (g == NULL)
        return;
    g->running -= counted && g->running > 0;
    admit(g, NULL);
}
