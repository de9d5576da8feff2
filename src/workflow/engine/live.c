/* Runs in memory: the table of them, loading from the store, leaving. */
#include "base/mem.h"
#include "base/metrics.h"
#include "base/str.h"
#include "workflow/engine/engine_priv.h"

enum { SPARE_MAX = 256, SPARE_KEPT_BYTES = 1 << 20, SENT_BYTES_MAX = 256 << 20 };

/* --- tables ----------------------------------------------------------------------------------- */

static size_t slot_of(int64_t key, rac_str name, size_t slots)
{
    return (rac_str_hash(name) ^ (uint64_t)key * 0x9e3779b97f4a7c15u) & (slots - 1);
}

static size_t slot_of_caller(const void *arg, size_t slots)
{
    return (size_t)((uint64_t)(uintptr_t)arg * 0x9e3779b97f4a7c15u >> 32) & (slots - 1);
}

/* One call may have fired very many (splitOn): they share a slot, so each knows what points to it. */
static void caller_link(struct live **first, struct live *l)
{
    l->caller_next = *first;
    l->caller_at = first;
    if (*first != NULL)
        (*first)->caller_at = &l->caller_next;
    *first = l;
}

static void callers_grow(struct rac_engine *e, size_t slots)
{
    struct live **grown = rac_mem_alloc(slots * sizeof *grown);
    for (size_t i = 0; i < e->lives_slots; i++)
        for (struct live *l = e->callers[i], *next; l != NULL; l = next) {
            next = l->caller_next;
            caller_link(&grown[slot_of_caller(l->done_arg, slots)], l);
        }
    rac_mem_free(e->callers);
    e->callers = grown;
}

void live_caller_set(struct live *l, rac_fire_fn done, void *arg)
{
    struct rac_engine *e = l->e;
    if (done == NULL)
        return;
    l->done = done;
    l->done_arg = arg;
    caller_link(&e->callers[slot_of_caller(arg, e->lives_slots)], l);
}

rac_fire_fn live_caller_take(struct live *l)
{
    rac_fire_fn done = l->done;
    if (done == NULL)
        return NULL;
    *l->caller_at = l->caller_next;
    if (l->caller_next != NULL)
        l->caller_next->caller_at = l->caller_at;
    l->done = NULL;
    timer_stop(l->e, &l->response_timer);
    return done;
}

struct live *live_of_caller(struct rac_engine *e, rac_fire_fn done, void *arg)
{
    if (e->lives_slots == 0)
        return NULL;
    struct live *l = e->callers[slot_of_caller(arg, e->lives_slots)];
    while (l != NULL && (l->done != done || l->done_arg != arg))
        l = l->caller_next;
    return l;
}

static void lives_grow(struct rac_engine *e)
{
    size_t slots = e->lives_slots ? e->lives_slots * 2 : HASH_MIN;
    struct live **grown = rac_mem_alloc(slots * sizeof *grown);
    callers_grow(e, slots);
    for (size_t i = 0; i < e->lives_slots; i++)
        for (struct live *l = e->lives[i], *next; l != NULL; l = next) {
            size_t at = slot_of(l->flow_key, rac_str_of(l->name), slots);
            next = l->hash_next;
            l->hash_next = grown[at];
            grown[at] = l;
        }
    rac_mem_free(e->lives);
    e->lives = grown;
    e->lives_slots = slots;
}

static struct live *live_find(struct rac_engine *e, int64_t flow_key, rac_str name)
{
    if (e->lives_slots == 0)
        return NULL;
    struct live *l = e->lives[slot_of(flow_key, name, e->lives_slots)];
    while (l != NULL && (l->flow_key != flow_key || !rac_str_eq(rac_str_of(l->name), name)))
        l = l->hash_next;
    return l;
}

/* --- one run ---------------------------------------------------------------------------------- */

struct live *live_new(struct rac_engine *e, int64_t flow_key, rac_str name)
{
    struct live *l = e->spare;
    if (l != NULL) {
        struct rac_arena a = l->a;
        struct rac_buf kept = l->kept;
        e->spare = l->hash_next;
        e->spare_n--;
        *l = (struct live){.a = a, .kept = kept};
    } else {
        l = rac_mem_alloc(sizeof *l);
        rac_arena_init(&l->a, e->limits.run_bytes_max);
        rac_buf_init(&l->kept, SIZE_MAX / 2);
    }
    l->magic = LIVE_MAGIC;
    l->e = e;
    l->flow_key = flow_key;
    RAC_ASSERT(name.n < sizeof l->name);
    memcpy(l->name, name.p, name.n);
    l->name[name.n] = '\0';
    l->events_end = &l->events;
    l->lane = lane_of(e, flow_key);
    l->lane->lives_n++;
    if (e->lives_n >= e->lives_slots)
        lives_grow(e);
    size_t at = slot_of(flow_key, name, e->lives_slots);
    l->hash_next = e->lives[at];
    e->lives[at] = l;
    e->lives_n++;
    rac_metric_change(RAC_METRIC_RUNS_LIVE, 1);
    return l;
}

static void unlink_live(struct live *l)
{
    struct rac_engine *e = l->e;
    struct live **at = &e->lives[slot_of(l->flow_key, rac_str_of(l->name), e->lives_slots)];
    while (*at != l)
        at = &(*at)->hash_next;
    *at = l->hash_next;
    e->lives_n--;
    rac_metric_change(RAC_METRIC_RUNS_LIVE, -1);
    crowd_leave(l);
}

/* A run in the ready queue is only marked: the pump frees it when it comes by. */
void live_release(struct live *l)
{
    struct rac_engine *e = l->e;
    if (!l->dead) {
        l->dead = true;
        (void)live_caller_take(l);
        timer_stop(e, &l->retry_timer);
        timer_stop(e, &l->unload_timer);
        timer_stop(e, &l->duration_timer);
        while (l->outsides != NULL)
            outside_stop(l->outsides);
        lane_leave(l);
        unlink_live(l);
        rac_flow_unref(l->flow);
        l->flow = NULL;
    }
    if (l->ready || l->committing || l->loading) /* somebody still holds it */
        return;
    l->lane->lives_n--;
    lane_let_go(e, l->lane);
    live_messages_clear(l);
    live_values_clear(l);
    live_events_refuse(l, RAC_E_CANCELLED, RAC_S("the run left before this was done"));
    l->magic = 0;
    if (e->spare_n < SPARE_MAX && l->a.used_bytes <= SPARE_KEPT_BYTES &&
        l->kept.cap <= SPARE_KEPT_BYTES) {
        rac_arena_reset(&l->a);
        rac_buf_clear(&l->kept);
        l->hash_next = e->spare;
        e->spare = l;
        e->spare_n++;
        return;
    }
    rac_arena_fini(&l->a);
    rac_buf_fini(&l->kept);
    rac_mem_free(l);
}

void live_orphan_free(struct live *l)
{
    live_messages_clear(l);
    live_values_clear(l);
    rac_arena_fini(&l->a);
    rac_buf_fini(&l->kept);
    l->magic = 0;
    rac_mem_free(l);
}

void live_values_clear(struct live *l)
{
    if (l->kept_values != NULL)
        rac_arena_fini(&l->kept_a);
    l->kept_values = NULL;
    l->kept_values_n = 0;
}

/* --- messages for batches ---------------------------------------------------------------------- */

struct rac_flow_message *live_message(struct live *l, const struct rac_flow_message *m)
{
    if (l->sent == NULL)
        rac_arena_init(&l->sent_a, SENT_BYTES_MAX);
    if (l->sent_n == l->sent_cap) {
        size_t cap = l->sent_cap > 0 ? l->sent_cap * 2 : 8;
        struct rac_flow_message *v = RAC_NEW_N(&l->sent_a, struct rac_flow_message, cap);
        if (l->sent_n > 0)
            memcpy(v, l->sent, l->sent_n * sizeof *v);
        l->sent = v;
        l->sent_cap = cap;
    }
    struct rac_flow_message *copy = &l->sent[l->sent_n++];
    *copy = *m;
    l->sent_bytes += m->content.n;
    rac_str *const texts[] = {&copy->tenant,    &copy->trigger, &copy->batch,
                              &copy->partition, &copy->id,      &copy->content};
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        *texts[i] = rac_arena_str(&l->sent_a, *texts[i]);
    return copy;
}

void live_message_drop(struct live *l)
{
    l->sent_bytes -= l->sent[--l->sent_n].content.n;
}

void live_messages_clear(struct live *l)
{
    if (l->sent == NULL)
        return;
    rac_arena_fini(&l->sent_a);
    l->sent = NULL;
    l->sent_n = l->sent_cap = l->sent_bytes = 0;
}

/* --- events ----------------------------------------------------------------------------------- */

struct event *event_new(enum event_kind kind, rac_event_fn done, void *arg)
{
    enum { EVENT_BYTES_MAX = 128 << 20 };
    struct event *ev = rac_mem_alloc(sizeof *ev);
    *ev = (struct event){.kind = kind, .done = done, .arg = arg};
    rac_arena_init(&ev->a, EVENT_BYTES_MAX);
    return ev;
}

void event_answer(struct event *ev, rac_err err, rac_str why)
{
    if (ev->done != NULL)
        ev->done(ev->arg, err, why);
    rac_arena_fini(&ev->a);
    rac_mem_free(ev);
}

void live_event_add(struct live *l, struct event *ev)
{
    ev->next = NULL;
    *l->events_end = ev;
    l->events_end = &ev->next;
}

void live_event(struct live *l, struct event *ev)
{
    live_event_add(l, ev);
    if (!l->loading)
        live_ready(l);
}

void live_events_before(struct live *l, struct event *first)
{
    struct event *last = first;
    if (first == NULL)
        return;
    while (last->next != NULL)
        last = last->next;
    last->next = l->events;
    if (l->events == NULL)
        l->events_end = &last->next;
    l->events = first;
}

void live_events_refuse(struct live *l, rac_err err, rac_str why)
{
    struct event *ev = l->events;
    l->events = NULL;
    l->events_end = &l->events;
    while (ev != NULL) {
        struct event *next = ev->next;
        event_answer(ev, err, why);
        ev = next;
    }
}

/* --- loading ---------------------------------------------------------------------------------- */

static void buried(void *arg, rac_err err, rac_str error, int64_t id)
{
    (void)arg;
    (void)err; /* the next look at what is due tries again */
    (void)error;
    (void)id;
}

/* A run that can never go on ends as Failed, and says why; it must not be looked at for ever. */
static void bury(struct live *l, const char *why)
{
    const struct rac_flow_store *s = l->e->ports.store;
    struct rac_json error = rac_json_new_object(&l->a);
    RAC_JSON_PUT_STR(&l->a, &error, "code", RAC_S("WorkflowRunNotReadable"));
    RAC_JSON_PUT_STR(&l->a, &error, "message",
                     rac_arena_printf(&l->a, "The run cannot go on: %s.", why));
    struct rac_flow_turn t = {.id = l->id,
                              .flow = l->flow_key,
                              .tenant = l->tenant,
                              .name = rac_str_of(l->name),
                              .status = RAC_S("Failed"),
                              .code = RAC_S("WorkflowRunNotReadable"),
                              .error = rac_json_print_str(&error, 0, &l->a),
                              .end_ms = engine_now(l->e)};
    s->turn(s->self, &t, NULL, buried, NULL);
}

static void load_failed(struct live *l, rac_err err, const char *why)
{
    if (err == RAC_E_CORRUPT || err == RAC_E_NOT_FOUND || err == RAC_E_INVALID ||
        err == RAC_E_LIMIT)
        bury(l, why);
    live_events_refuse(l, err, rac_str_of(why));
    live_release(l);
}

struct loading {
    struct live *l;
    rac_err err;
};

static rac_err load_value(void *self, const char *digest, struct rac_arena *a, rac_str *bytes)
{
    struct live *l = self;
    const struct rac_flow_store *s = l->e->ports.store;
    return s->value_get(s->self, l->id, digest, a, bytes);
}

static bool replay_piece(void *arg, rac_str bytes)
{
    struct loading *in = arg;
    in->err = rac_run_replay(in->l->run, bytes, load_value, in->l);
    return in->err == RAC_OK;
}

static rac_err load_run(struct live *l)
{
    const struct rac_flow_store *s = l->e->ports.store;
    struct loading in = {.l = l};
    live_world(l);
    l->run = rac_run_new(l->flow->plan, &l->world, &l->e->writer, &l->a);
    rac_err err = s->journal(s->self, l->id, replay_piece, &in);
    if (err == RAC_OK)
        err = in.err;
    if (err == RAC_OK && rac_run_name_of(l->run).p == NULL)
        err = RAC_E_CORRUPT; /* not even its first entry is there */
    if (err == RAC_OK)
        rac_run_resume(l->run);
    return err;
}

static void loaded(void *arg, rac_err err, struct rac_flow *f)
{
    struct live *l = RAC_CAST(arg, struct live, LIVE_MAGIC);
    l->loading = false;
    if (l->e == NULL) {
        if (err == RAC_OK)
            rac_flow_unref(f);
        live_orphan_free(l);
        return;
    }
    if (l->dead) {
        if (err == RAC_OK)
            rac_flow_unref(f);
        live_release(l);
        return;
    }
    if (err != RAC_OK) {
        load_failed(l, err, "the workflow of the run is gone");
        return;
    }
    l->flow = f;
    crowd_enter(l, f->tenant);
    err = load_run(l);
    if (err != RAC_OK) {
        load_failed(l, err, "what was recorded of the run cannot be read");
        return;
    }
    lane_limits(l->lane, l->e, f);
    const struct gate *g = lane_gate(l->lane, l->trigger);
    l->counted = rac_run_begun(l->run) && g != NULL && g->runs_max > 0; /* by the store */
    live_ready(l);
}

struct live *live_get(struct rac_engine *e, int64_t flow_key, rac_str name)
{
    struct live *l = live_find(e, flow_key, name);
    const struct rac_flow_store *s = e->ports.store;
    struct rac_flow_run_row row;
    if (l != NULL || s == NULL || name.n >= sizeof l->name)
        return l;
    l = live_new(e, flow_key, name);
    rac_err err = s->run_get(s->self, flow_key, name, &l->a, &row);
    if (err != RAC_OK || row.end_ms != 0) {
        live_release(l);
        return NULL;
    }
    l->id = row.id;
    l->tenant = row.tenant;
    l->trigger = row.trigger;
    l->loading = true;
    e->ports.flow_load(e->ports.self, flow_key, row.revision, loaded, l);
    return l;
}
