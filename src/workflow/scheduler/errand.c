/*
 * Errands of the scheduler: polls, subscriptions and their ends, run by the engine as small
 * workflows (trigger_plan.h). Each tenant's wait in a line, and tenants take turns.
 */
#include "base/metrics.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "workflow/scheduler/scheduler_priv.h"

struct errand {
    struct attendance *t;
    struct errand *next; /* in line */
    enum rac_trigger_errand what;
    void (*then)(struct attendance *t, const struct rac_json *record);
    struct rac_flow *flow;
    rac_str tracking; /* absent: a new one */
};

static void errand_free(struct errand *e)
{
    rac_flow_unref(e->flow);
    rac_mem_free(e);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void ring_add(struct rac_scheduler *s, struct share *x)
{
    if (x->in_ring)
        return;
    x->in_ring = true;
    x->ring_next = NULL;
    *s->ring_end = x;
    s->ring_end = &x->ring_next;
}

static struct share *ring_take(struct rac_scheduler *s)
{
    struct share *x = s->ring;
    s->ring = x->ring_next;
    if (s->ring == NULL)
        s->ring_end = &s->ring;
    x->in_ring = false;
    return x;
}

static void waiting_add(struct rac_scheduler *s, int n)
{
    s->waiting_n += (size_t)n;
    rac_metric_set(RAC_METRIC_TRIGGER_REQUESTS_WAITING, (int64_t)s->waiting_n);
}

static void line_up(struct errand *e)
{
    waiting_add(e->t->s, 1);
    struct share *x = e->t->share;
    e->next = NULL;
    *x->line_end = e;
    x->line_end = &e->next;
    ring_add(e->t->s, x);
}

static void line_up_first(struct errand *e)
{
    waiting_add(e->t->s, 1);
    struct share *x = e->t->share;
    e->next = x->line;
    if (x->line == NULL)
        x->line_end = &e->next;
    x->line = e;
    ring_add(e->t->s, x);
}

static struct errand *line_take(struct share *x)
{
    struct errand *e = x->line;
    waiting_add(e->t->s, -1);
    x->line = e->next;
    if (x->line == NULL)
        x->line_end = &x->line;
    return e;
}

/* --- under way -------------------------------------------------------------------------------- */

static void count(struct attendance *t, int n)
{
    t->share->errands_n += (size_t)n;
    t->s->errands_n += (size_t)n;
    rac_metric_set(RAC_METRIC_TRIGGER_REQUESTS, (int64_t)t->s->errands_n);
}

/* It was not sent, and will not be: what is to be done stays due, also where the end of an old
 * subscription follows a new one, which must be remembered. */
static void give_up(struct errand *e)
{
    struct attendance *t = e->t;
    bool follows = e->what == RAC_ERRAND_UNSUBSCRIBE && t->ends.which == ENDS_BEFORE;
    errand_free(e);
    if (follows) {
        t->row.due_ms = t->now_ms;
        attendance_keep(t, NULL);
    } else {
        attendance_end(t, BUSY_MS);
    }
}

static void answered(void *arg, const struct rac_fire_answer *answer)
{
    struct errand *e = arg;
    struct attendance *t = e->t;
    struct rac_scheduler *s = t->s;
    struct rac_json record = rac_json_none;
    count(t, -1);
    if (answer->outcome == RAC_FIRE_BUSY && !s->draining) { /* never sent: later, then */
        s->busy_until_ms = rac_env_mono_ns(s->ports.env) / 1000000 + BUSY_MS;
        line_up_first(e);
        s->ports.alarm(s->ports.self, BUSY_MS);
        return;
    }
    if (answer->outcome == RAC_FIRE_BUSY) {
        give_up(e);
        return;
    }
    if (answer->outcome == RAC_FIRE_RESPONSE && RAC_JSON_GET(&answer->response, "body") != NULL)
        record = rac_json_copy(&t->a, RAC_JSON_GET(&answer->response, "body"));
    e->then(t, &record);
    errand_free(e);
    errands_go(s);
}

static void send(struct errand *e)
{
    struct attendance *t = e->t;
    struct rac_fire f = {.flow = e->flow,
                         .tracking = e->tracking,
                         .waits = true,
                         .bypass_limits = true,
                         .depth = 1}; /* no response timer: a stateless run has its own limit */
    if (e->what == RAC_ERRAND_POLL)
        t->notified_again = false; /* whatever was told until now, this poll sees */
    count(t, 1);
    rac_engine_fire(t->s->ports.engine, &f, answered, e);
}

void errands_go(struct rac_scheduler *s)
{
    struct share *passed = NULL; /* the first that had to let others go ahead */
    if (rac_env_mono_ns(s->ports.env) / 1000000 < s->busy_until_ms)
        return;
    while (s->ring != NULL && s->ring != passed && s->errands_n < ERRANDS_MAX) {
        struct share *x = ring_take(s);
        if (x->errands_n < ERRANDS_MAX - s->errands_n) {
            send(line_take(x));
            passed = NULL;
        } else if (passed == NULL) {
            passed = x;
        }
        if (x->line != NULL)
            ring_add(s, x);
    }
}

void errands_drop(struct rac_scheduler *s)
{
    while (s->ring != NULL) {
        struct share *x = ring_take(s);
        for (struct errand *e = x->line, *next; e != NULL; e = next) {
            next = e->next;
            x->line = next; /* the last one may take x along */
            if (next == NULL)
                x->line_end = &x->line;
            waiting_add(s, -1);
            give_up(e);
        }
    }
}

rac_str errand_key(const struct attendance *t, const struct rac_flow *f,
                   const struct rac_flow_trigger *trigger)
{
    return rac_webhook_key(f, t->s->ports.env, rac_json_geti(trigger->node, RAC_S("inputs")));
}

rac_str errand_url(struct attendance *t, const struct rac_flow *f,
                   const struct rac_flow_trigger *trigger)
{
    return rac_trigger_callback_url(f, t->trigger_name, errand_key(t, f, trigger),
                                    t->s->ports.public_url, &t->a);
}

/* That of a subscription which is ended is the one it was made with, where that is known. */
static rac_str callback_url(struct attendance *t, bool ends, const struct rac_flow *f,
                            const struct rac_flow_trigger *x)
{
    struct rac_flow known = {
        .id = f->id, .revision = f->revision, .workflow = f->workflow, .plan = f->plan};
    if (ends && t->ends.url.p != NULL)
        return t->ends.url;
    memcpy(known.keys, t->flow->keys, sizeof known.keys); /* an old version may have old ones */
    if (ends && t->ends.revision.p != NULL)
        known.revision = t->ends.revision;
    return errand_url(t, &known, x);
}

/* The same for the same subscription, asked for however often. */
static rac_str tracking_of(struct attendance *t, rac_str url)
{
    rac_str whole = rac_arena_printf(&t->a, "%.*s %.*s", RAC_FMT(t->inputs), RAC_FMT(url));
    return rac_str_sub(rac_sha256_hex(&t->a, whole), 0, 32);
}

bool errand_run(struct attendance *t, enum rac_trigger_errand what, rac_str begin_at,
                void (*then)(struct attendance *t, const struct rac_json *record), rac_str *why)
{
    bool ends = what == RAC_ERRAND_UNSUBSCRIBE;
    struct rac_flow *f = ends && t->ends.flow != NULL ? t->ends.flow : t->flow;
    const struct rac_flow_trigger *x =
        ends && t->ends.trigger != NULL ? t->ends.trigger : t->trigger;
    struct rac_trigger_errand_options o = {.errand = what,
                                           .begin_at = begin_at,
                                           .callback_url = callback_url(t, ends, f, x),
                                           .seen = rac_json_get(&t->state, RAC_S("seen"))};
    struct rac_flow *flow = rac_trigger_errand_new(f, x, &o, &t->a, why);
    if (flow == NULL)
        return false;
    struct errand *e = rac_mem_alloc(sizeof *e);
    *e = (struct errand){.t = t, .what = what, .then = then, .flow = flow};
    if (what == RAC_ERRAND_SUBSCRIBE)
        e->tracking = tracking_of(t, o.callback_url);
    line_up(e);
    if (t->s->draining)
        errands_drop(t->s);
    else
        errands_go(t->s);
    return true;
}
