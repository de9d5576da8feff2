/*
 * The scheduler: finds what is due, loads its workflow, attends it. What attending means for each
 * class is in scheduler_attend.c.
 */
#include "base/log.h"
#include "base/str.h"
#include "workflow/scheduler_priv.h"
#include "workflow/signature.h"

enum {
    BATCH = 64,          /* of one read */
    UNDER_WAY_MAX = 256, /* attendances at once; more wait in the store */
    LOOK_MS_MAX = 10000, /* a look at least this often, whatever the store said */
    AGAIN_MS = 5000,     /* after an error of the store */
    LOOK_BYTES_MAX = 4 << 20,
};

struct rac_scheduler *rac_scheduler_new(const struct rac_scheduler_ports *ports)
{
    struct rac_scheduler *s = rac_mem_alloc(sizeof *s);
    *s = (struct rac_scheduler){.magic = SCHEDULER_MAGIC, .ports = *ports};
    s->namer.env = ports->env;
    s->started_ms = rac_env_wall_ms(ports->env);
    return s;
}

void rac_scheduler_free(struct rac_scheduler *s)
{
    if (s == NULL)
        return;
    if (s->under_way == NULL) /* else the grace is over: what still answers finds it, to the end */
        rac_mem_free(s);
}

bool rac_scheduler_drain(struct rac_scheduler *s)
{
    s->draining = true;
    return s->under_way == NULL;
}

rac_str rac_trigger_callback_url(const struct rac_flow *f, rac_str trigger, rac_str public_url,
                                 struct rac_arena *a)
{
    struct rac_callback_place place = {.public_url = public_url,
                                       .standard = f->workflow->profile == RAC_WF_STANDARD,
                                       .key = {(const char *)f->keys[0], sizeof f->keys[0]}};
    struct rac_callback c = {.form = RAC_CALLBACK_TRIGGER_VERSION,
                             .workflow_id = f->id,
                             .trigger = trigger,
                             .version = f->revision};
    return rac_callback_url(&place, &c, a);
}

/* --- one attendance --------------------------------------------------------------------------- */

static struct attendance *find(struct rac_scheduler *s, int64_t flow, rac_str trigger)
{
    for (struct attendance *t = s->under_way; t != NULL; t = t->next)
        if (t->flow_key == flow && rac_str_eq(t->trigger_name, trigger))
            return t;
    return NULL;
}

void attendance_end(struct attendance *t, int64_t again_ms)
{
    struct rac_scheduler *s = t->s;
    struct attendance **at = &s->under_way;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    s->under_way_n--;
    rac_flow_unref(t->flow);
    rac_arena_fini(&t->a);
    rac_mem_free(t);
    if (!s->draining)
        s->ports.alarm(s->ports.self, again_ms);
}

static void row_kept(void *arg, const struct rac_commit *c)
{
    struct attendance *t = arg;
    if (c->err == RAC_E_NOT_FOUND && t->flow != NULL && !t->deleted &&
        rac_json_get(&t->state, RAC_S("subscription")) != NULL) {
        t->deleted = true; /* while it was subscribing: nobody else knows of that subscription */
        attend(t);
        return;
    }
    if (c->err != RAC_OK && c->err != RAC_E_NOT_FOUND)
        rac_log(RAC_WARN, "trigger.not_saved", RAC_F_STR("trigger", t->trigger_name),
                RAC_F_CSTR("error", rac_err_name(c->err)));
    bool settled = c->err == RAC_OK || c->err == RAC_E_NOT_FOUND;
    attendance_end(t, settled && t->flow != NULL ? 0 : AGAIN_MS);
}

void attendance_keep(struct attendance *t, const struct rac_flow_event_row *event)
{
    const struct rac_flow_store *fs = t->s->ports.store;
    if (t->row.state.p == NULL || t->row.state.n > 0)
        t->row.state = rac_json_print_str(&t->state, 0, &t->a);
    fs->trigger_save(fs->self, &t->row, event, row_kept, t);
}

static void loaded(void *arg, rac_err err, const struct rac_scheduled_flow *f)
{
    struct attendance *t = arg;
    if (err != RAC_OK) { /* gone, or not to be compiled: it is looked at again when it is saved */
        rac_log(RAC_WARN, "trigger.not_loaded", RAC_F_STR("trigger", t->trigger_name),
                RAC_F_CSTR("error", rac_err_name(err)));
        t->row.due_ms = err == RAC_E_NOT_FOUND || err == RAC_E_INVALID
                            ? 0
                            : rac_env_wall_ms(t->s->ports.env) + AGAIN_MS;
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

/* False: it has no row, is under way already, or cannot be read now. */
static bool begin(struct rac_scheduler *s, int64_t flow, rac_str trigger, bool notified)
{
    const struct rac_flow_store *fs = s->ports.store;
    if (find(s, flow, trigger) != NULL)
        return false;
    struct attendance *t = rac_mem_alloc(sizeof *t);
    *t = (struct attendance){.s = s, .flow_key = flow, .notified = notified};
    rac_arena_init(&t->a, ATTENDANCE_BYTES_MAX);
    if (fs->trigger_get(fs->self, flow, trigger, &t->a, &t->row) != RAC_OK) {
        rac_arena_fini(&t->a);
        rac_mem_free(t);
        return false;
    }
    t->trigger_name = t->row.trigger;
    t->row.seen_ms = t->row.due_ms;
    t->state = rac_json_new_object(&t->a);
    if (t->row.state.n > 0 && rac_json_parse(t->row.state, &t->a, 0, &t->state, NULL) != RAC_OK)
        t->state = rac_json_new_object(&t->a);
    if (t->state.type != RAC_JSON_OBJECT)
        t->state = rac_json_new_object(&t->a);
    t->next = s->under_way;
    s->under_way = t;
    s->under_way_n++;
    s->ports.flow_load(s->ports.self, flow, loaded, t);
    return true;
}

void rac_scheduler_notify(struct rac_scheduler *s, int64_t flow, rac_str trigger)
{
    struct attendance *t = find(s, flow, trigger);
    if (t != NULL)
        t->notified_again = true;
    else if (!s->draining)
        (void)begin(s, flow, trigger, true);
}

/* --- looking ---------------------------------------------------------------------------------- */

void rac_scheduler_tick(struct rac_scheduler *s)
{
    const struct rac_flow_store *fs = s->ports.store;
    rac_ms now = rac_env_wall_ms(s->ports.env), next = 0;
    struct rac_flow_due *v, after;
    struct rac_arena a;
    size_t n = 0;
    bool more = true;
    if (s->draining)
        return;
    rac_arena_init(&a, LOOK_BYTES_MAX);
    const struct rac_flow_due *from = NULL;
    while (more && s->under_way_n < UNDER_WAY_MAX) {
        if (fs->due_triggers(fs->self, from, now, BATCH, &a, &v, &n, &next) != RAC_OK) {
            next = now + AGAIN_MS;
            break;
        }
        for (size_t i = 0; i < n; i++)
            (void)begin(s, v[i].flow, v[i].name, false);
        more = n == BATCH;
        if (n > 0)
            after = v[n - 1];
        from = &after;
    }
    rac_arena_fini(&a);
    int64_t wait = next > 0 && next - now < LOOK_MS_MAX ? next - now : LOOK_MS_MAX;
    s->ports.alarm(s->ports.self, wait < 1 ? 1 : wait);
}
