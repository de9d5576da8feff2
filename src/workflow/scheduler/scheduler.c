/*
 * The scheduler: finds what is due, loads its workflow, attends it. What attending means for each
 * class is in attend.c.
 *
 * What is due is looked through a few rows at a time, from where the look before stopped: rows
 * whose tenant has all it may have are passed over, and stay due.
 */
#include "base/log.h"
#include "base/str.h"
#include "workflow/scheduler/scheduler_priv.h"
#include "workflow/definition/signature.h"

enum {
    BATCH = 64,          /* of one read */
    LOOK_BATCHES = 4,    /* of one look */
    LOOK_ON_MS = 10,     /* between looks of one way through what is due */
    LOOK_MS_MAX = 10000, /* a look at least this often, whatever the store said */
    LOOK_BYTES_MAX = 4 << 20,
};

struct rac_scheduler *rac_scheduler_new(const struct rac_scheduler_ports *ports)
{
    struct rac_scheduler *s = rac_mem_alloc(sizeof *s);
    *s = (struct rac_scheduler){.magic = SCHEDULER_MAGIC, .ports = *ports};
    s->namer.env = ports->env;
    s->ring_end = &s->ring;
    rac_arena_init(&s->from_arena, LOOK_BYTES_MAX);
    s->started_ms = rac_env_wall_ms(ports->env);
    return s;
}

void rac_scheduler_free(struct rac_scheduler *s)
{
    if (s == NULL)
        return;
    if (s->attended_n > 0) /* the grace is over: what still answers finds it, to the end */
        return;
    rac_arena_fini(&s->from_arena);
    rac_mem_free(s);
}

rac_str rac_trigger_callback_url(const struct rac_flow *f, rac_str trigger, rac_str key,
                                 rac_str public_url, struct rac_arena *a)
{
    struct rac_callback_place place = {
        .public_url = public_url, .standard = f->workflow->profile == RAC_WF_STANDARD, .key = key};
    struct rac_callback c = {.form = RAC_CALLBACK_TRIGGER_VERSION,
                             .workflow_id = f->id,
                             .trigger = trigger,
                             .version = f->revision};
    return rac_callback_url(&place, &c, a);
}

/* --- one attendance --------------------------------------------------------------------------- */

static struct attendance **slot_of(struct rac_scheduler *s, int64_t flow, rac_str trigger)
{
    uint64_t h = rac_str_hash(trigger) ^ (uint64_t)flow * 0x9e3779b97f4a7c15u;
    return &s->attended[h % SCHEDULER_SLOTS];
}

static struct attendance *find(struct rac_scheduler *s, int64_t flow, rac_str trigger)
{
    struct attendance *t = *slot_of(s, flow, trigger);
    while (t != NULL && (t->flow_key != flow || !rac_str_eq(t->trigger_name, trigger)))
        t = t->next;
    return t;
}

static bool begin(struct rac_scheduler *s, int64_t flow, rac_str trigger, bool notified,
                  bool reset);

void attendance_end(struct attendance *t, int64_t again_ms)
{
    struct rac_scheduler *s = t->s;
    struct attendance **at = slot_of(s, t->flow_key, t->trigger_name);
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    share_leave(t);
    if ((t->notified_again || t->reset_again) && !s->draining) /* called since it last asked */
        (void)begin(s, t->flow_key, t->trigger_name, t->notified_again, t->reset_again);
    rac_flow_unref(t->flow);
    rac_flow_unref(t->ends.flow);
    rac_arena_fini(&t->a);
    rac_mem_free(t);
    if (!s->draining)
        s->ports.alarm(s->ports.self, again_ms);
}

static void save(void *attendance);

static void row_kept(void *arg, const struct rac_commit *c)
{
    struct attendance *t = arg;
    if (c->err == RAC_E_NOT_FOUND && t->flow != NULL && !t->deleted &&
        rac_json_get(&t->state, RAC_S("subscription")) != NULL) {
        t->deleted = true; /* while it was subscribing: nobody else knows of that subscription */
        attend(t);
        return;
    }
    if (c->err != RAC_OK && c->err != RAC_E_NOT_FOUND) {
        attendance_again(t, c->err, save, t);
        return;
    }
    again_kept(t->s);
    attendance_end(t, 0);
}

static void save(void *attendance)
{
    struct attendance *t = attendance;
    const struct rac_flow_store *fs = t->s->ports.store;
    fs->trigger_save(fs->self, &t->row, t->event, row_kept, t);
}

static void print_state(struct attendance *t)
{
    if (t->row.state.p == NULL || t->row.state.n > 0)
        t->row.state = rac_json_print_str(&t->state, 0, &t->a);
    if (t->secret_changed)
        t->row.secret = rac_json_print_str(&t->secret, 0, &t->a);
}

void attendance_keep(struct attendance *t, const struct rac_flow_event_row *event)
{
    print_state(t);
    t->event = event;
    save(t);
}

static void note(void *attendance);

static void noted(void *arg, const struct rac_commit *c)
{
    struct attendance *t = arg;
    if (c->err == RAC_E_NOT_FOUND)
        attendance_end(t, 0);
    else if (c->err != RAC_OK)
        attendance_again(t, c->err, note, t);
    else {
        again_kept(t->s);
        t->row.seen_ms = t->row.due_ms; /* unless it was moved */
        t->noted(t);
    }
}

static void note(void *attendance)
{
    struct attendance *t = attendance;
    const struct rac_flow_store *fs = t->s->ports.store;
    fs->trigger_save(fs->self, &t->row, NULL, noted, t);
}

void attendance_note(struct attendance *t, void (*then)(struct attendance *t))
{
    if (t->row.seen_ms == 0 || t->row.seen_ms > t->now_ms) /* called: a restart must find it */
        t->row.due_ms = t->now_ms;
    else
        t->row.due_ms = t->row.seen_ms;
    t->noted = then;
    print_state(t);
    note(t);
}

bool rac_scheduler_drain(struct rac_scheduler *s)
{
    s->draining = true;
    errands_drop(s);
    again_go(s);
    return s->attended_n == 0;
}

static void loaded(void *arg, rac_err err, const struct rac_scheduled_flow *f)
{
    struct attendance *t = arg;
    if (err != RAC_OK && err != RAC_E_NOT_FOUND && err != RAC_E_INVALID) {
        attendance_again(t, err, attendance_anew, t);
        return;
    }
    if (err != RAC_OK) { /* gone, or not to be compiled: it is looked at again when it is saved */
        rac_log(RAC_WARN, "trigger.not_loaded", RAC_F_STR("trigger", t->trigger_name),
                RAC_F_CSTR("error", rac_err_name(err)));
        t->row.due_ms = 0;
        if (err == RAC_E_NOT_FOUND)
            t->row.state = RAC_S("");
        attendance_keep(t, NULL);
        return;
    }
    t->flow = rac_flow_ref(f->flow);
    t->deleted = f->deleted;
    for (size_t i = 0; i < f->triggers_n; i++)
        if (rac_str_eqi(f->triggers[i].name, t->trigger_name))
            t->trigger = &f->triggers[i];
    attend(t);
}

static void secret_read(struct attendance *t)
{
    rac_str text = t->row.secret;
    t->row.secret = RAC_STR_NULL; /* as it is */
    t->secret_changed = false;
    if (text.n == 0 || rac_json_parse(text, &t->a, 0, &t->secret, NULL) != RAC_OK ||
        t->secret.type != RAC_JSON_OBJECT)
        t->secret = rac_json_new_object(&t->a);
}

static rac_err row_read(struct attendance *t)
{
    const struct rac_flow_store *fs = t->s->ports.store;
    rac_arena_init(&t->a, ATTENDANCE_BYTES_MAX);
    rac_err err = fs->trigger_get(fs->self, t->flow_key, t->trigger_name, &t->a, &t->row);
    if (err != RAC_OK)
        return err;
    t->row.seen_ms = t->row.due_ms;
    t->state = rac_json_new_object(&t->a);
    if (t->row.state.n > 0 && rac_json_parse(t->row.state, &t->a, 0, &t->state, NULL) != RAC_OK)
        t->state = rac_json_new_object(&t->a);
    if (t->state.type != RAC_JSON_OBJECT)
        t->state = rac_json_new_object(&t->a);
    secret_read(t);
    return RAC_OK;
}

void attendance_anew(void *attendance)
{
    struct attendance *t = attendance;
    struct rac_scheduler *s = t->s;
    rac_flow_unref(t->flow);
    rac_flow_unref(t->ends.flow);
    rac_arena_fini(&t->a);
    t->flow = t->ends.flow = NULL;
    t->trigger = t->ends.trigger = NULL;
    t->event = NULL;
    rac_err err = row_read(t);
    if (err == RAC_OK)
        s->ports.flow_load(s->ports.self, t->flow_key, RAC_STR_NULL, loaded, t);
    else if (err == RAC_E_NOT_FOUND)
        attendance_end(t, 0);
    else
        attendance_again(t, err, attendance_anew, t);
}

/* False: it has no row, is under way already, or cannot be read now. */
static bool begin(struct rac_scheduler *s, int64_t flow, rac_str trigger, bool notified, bool reset)
{
    if (find(s, flow, trigger) != NULL)
        return false;
    struct attendance *t = rac_mem_alloc(sizeof *t + trigger.n + 1);
    *t = (struct attendance){.s = s, .flow_key = flow, .notified = notified, .reset = reset};
    memcpy(t->name, trigger.p, trigger.n);
    t->name[trigger.n] = '\0';
    t->trigger_name = (rac_str){t->name, trigger.n};
    if (row_read(t) != RAC_OK) {
        rac_arena_fini(&t->a);
        rac_mem_free(t);
        return false;
    }
    struct attendance **slot = slot_of(s, flow, t->trigger_name);
    t->next = *slot;
    *slot = t;
    share_enter(t, t->row.tenant);
    s->ports.flow_load(s->ports.self, flow, RAC_STR_NULL, loaded, t);
    return true;
}

void rac_scheduler_notify(struct rac_scheduler *s, int64_t flow, rac_str trigger)
{
    struct attendance *t = find(s, flow, trigger);
    if (t != NULL)
        t->notified_again = true;
    else if (!s->draining)
        (void)begin(s, flow, trigger, true, false);
}

void rac_scheduler_reset(struct rac_scheduler *s, int64_t flow, rac_str trigger)
{
    struct attendance *t = find(s, flow, trigger);
    if (t != NULL)
        t->reset_again = true;
    else if (!s->draining)
        (void)begin(s, flow, trigger, false, true);
}

/* --- looking ---------------------------------------------------------------------------------- */

/* The next look goes on after that row. */
static void go_on_after(struct rac_scheduler *s, const struct rac_flow_due *last)
{
    s->has_from = last != NULL;
    rac_arena_reset(&s->from_arena);
    if (last == NULL)
        return;
    s->from = *last;
    s->from.tenant = rac_arena_str(&s->from_arena, last->tenant);
    s->from.name = rac_arena_str(&s->from_arena, last->name);
}

/* A batch of what is due; how long until the next look. */
static int64_t look(struct rac_scheduler *s, rac_ms now)
{
    const struct rac_flow_store *fs = s->ports.store;
    struct rac_flow_due *v;
    struct rac_arena a;
    rac_ms next = 0;
    size_t n = 0;
    rac_arena_init(&a, LOOK_BYTES_MAX);
    rac_err err =
        fs->due_triggers(fs->self, s->has_from ? &s->from : NULL, now, BATCH, &a, &v, &n, &next);
    for (size_t i = 0; err == RAC_OK && i < n; i++)
        if (share_has_room(s, v[i].tenant))
            (void)begin(s, v[i].flow, v[i].name, false, false);
    go_on_after(s, err == RAC_OK && n == BATCH ? &v[n - 1] : NULL);
    rac_arena_fini(&a);
    if (err != RAC_OK)
        return again_after(s->looks_failed++);
    s->looks_failed = 0;
    return next > 0 && next - now < LOOK_MS_MAX ? next - now : LOOK_MS_MAX;
}

void rac_scheduler_tick(struct rac_scheduler *s)
{
    rac_ms now = rac_env_wall_ms(s->ports.env);
    int64_t wait = LOOK_MS_MAX;
    if (s->draining)
        return;
    errands_go(s);
    again_go(s);
    for (int i = 0; i < LOOK_BATCHES && (i == 0 || s->has_from); i++)
        wait = look(s, now);
    if (s->has_from)
        wait = LOOK_ON_MS;
    s->ports.alarm(s->ports.self, wait < 1 ? 1 : wait);
}
