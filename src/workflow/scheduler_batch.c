/*
 * Attending a Batch trigger (spec workflows §2.10): what is ready is released, a run for each batch
 * of a part.
 *
 *   its batches are read -> parts that an occurrence, new criteria or a hand make ready are marked
 *   -> ready ones are fired, their messages going with the run -> state and due time saved
 *
 * Whatever makes a part ready makes the trigger due in the same commit, and what is saved at the end
 * does not move that back: so nothing here has to be remembered between two attendances.
 */
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "workflow/batch.h"
#include "workflow/scheduler_priv.h"

enum {
    RELEASES_MAX = 16, /* of one attendance */
    STORE_AGAIN_MS = 5000,
    SOURCE_AGAIN_MS = 60000, /* the integration account could not be read, or has a fault */
    RELEASE_ARENA_MAX = 512 << 20,
};
#define RELEASE_BYTES_MAX ((int64_t)64 << 20) /* of content in one attendance, but for the first */

struct batching { /* in the attendance's arena */
    struct attendance *t;
    struct rac_batches all;
    struct rac_json states; /* of batches that recur */
    rac_ms *before_ms; /* of each batch: what came until then is released; INT64_MIN: nothing */
    bool changed;      /* the criteria did */
    rac_ms next_ms;    /* the earliest occurrence; 0: none */
    size_t at;         /* batch being marked */
    rac_str after;
    size_t under_way, started;
    int64_t bytes;
    bool more, refused;
};

static void finish(struct batching *b)
{
    struct attendance *t = b->t;
    if (--b->under_way > 0)
        return;
    rac_ms now = rac_env_wall_ms(t->s->ports.env);
    if (b->started > 0) {
        t->row.status = RAC_S("Succeeded");
        t->row.last_ms = t->now_ms;
    }
    t->row.due_ms = b->refused ? now + BUSY_MS : b->more ? now : b->next_ms;
    attendance_keep(t, NULL);
}

/* --- releasing -------------------------------------------------------------------------------- */

static void fired(void *arg, size_t started, const struct rac_fire_answer *answer)
{
    struct batching *b = arg;
    bool refused = answer->outcome == RAC_FIRE_BUSY || answer->outcome == RAC_FIRE_FAILED;
    b->refused |= refused; /* what did not start waits on */
    b->started += started;
    if (!refused)
        rac_metric_add(RAC_METRIC_BATCHES_RELEASED, 1);
    finish(b);
}

/* How many of the messages make a batch. */
static size_t enough(const struct rac_batch *x, const struct rac_flow_message_row *v, size_t n,
                     int64_t *bytes)
{
    size_t i = 0;
    *bytes = 0;
    while (i < n && *bytes < x->full.bytes)
        *bytes += (int64_t)v[i++].content.n;
    return i;
}

/* Nothing of it can be read into memory, and nobody can do without it: it is told, and tried again. */
static void not_readable(struct batching *b, const struct rac_flow_part_row *part)
{
    rac_log(RAC_WARN, "batch.not_readable", RAC_F_STR("batch", part->batch),
            RAC_F_STR("partition", part->partition));
    b->refused = true;
}

static void release(struct batching *b, const struct rac_batch *x,
                    const struct rac_flow_part_row *part)
{
    struct attendance *t = b->t;
    const struct rac_flow_store *fs = t->s->ports.store;
    struct rac_flow_message_row *v;
    struct rac_json outputs;
    struct rac_arena a;
    size_t n = 0;
    int64_t bytes;
    rac_arena_init(&a, RELEASE_ARENA_MAX);
    rac_err err = fs->message_list(fs->self, part->id, (size_t)x->full.messages,
                                   RAC_BATCH_BYTES_MAX, &a, &v, &n);
    if (err == RAC_OK && n > 0) {
        n = enough(x, v, n, &bytes);
        b->bytes += bytes;
    }
    if (err != RAC_OK || (n > 0 && !rac_batch_outputs(part, v, n, &a, &outputs, &n))) {
        not_readable(b, part);
    } else if (n > 0) {
        int64_t *numbers = RAC_NEW_N(&a, int64_t, n);
        for (size_t i = 0; i < n; i++)
            numbers[i] = v[i].number;
        struct rac_flow_release r = {.flow = t->flow_key,
                                     .part = part->id,
                                     .first = numbers[0],
                                     .last = numbers[n - 1],
                                     .n = (int64_t)n,
                                     .through = numbers[n - 1],
                                     .trigger = t->trigger->name,
                                     .full = x->full};
        struct rac_firing f = {.engine = t->s->ports.engine,
                               .store = fs,
                               .env = t->s->ports.env,
                               .flow = t->flow,
                               .trigger = t->trigger,
                               .outputs = &outputs,
                               .release = &r,
                               .numbers = numbers};
        b->under_way++;
        rac_trigger_fire(&f, fired, b);
    }
    rac_arena_fini(&a);
}

/* Those that are ready, as many as one attendance may; with a limit of runs one by one, because the
 * next may be refused. */
static void release_ready(struct batching *b)
{
    struct attendance *t = b->t;
    const struct rac_flow_store *fs = t->s->ports.store;
    size_t left = t->trigger->runs > 0 ? 1 : RELEASES_MAX;
    b->under_way = 1;
    for (size_t i = 0; i < b->all.n && !b->more; i++) {
        struct rac_flow_part_query q = {.batch = b->all.v[i].name, .ready = true, .n_max = left};
        struct rac_flow_part_row *v;
        size_t n = 0, done = 0;
        bool more = false;
        if (left == 0)
            q.n_max = 1;
        if (fs->part_list(fs->self, t->flow_key, &q, &t->a, &v, &n, &more) != RAC_OK) {
            b->refused = true;
            break;
        }
        while (done < n && left > 0 && b->bytes < RELEASE_BYTES_MAX) {
            release(b, &b->all.v[i], &v[done++]);
            left--;
        }
        b->more = more || done < n;
    }
    finish(b);
}

/* --- marking ---------------------------------------------------------------------------------- */

static void mark(struct batching *b);

static void marked(void *arg, const struct rac_commit *c)
{
    struct batching *b = arg;
    struct attendance *t = b->t;
    if (c->err != RAC_OK) { /* nothing was saved: all of it again */
        attendance_end(t, STORE_AGAIN_MS);
        return;
    }
    b->after = c->id.p != NULL ? rac_arena_str(&t->a, c->id) : RAC_STR_NULL;
    b->at += c->id.p == NULL;
    mark(b);
}

static void mark(struct batching *b)
{
    struct attendance *t = b->t;
    const struct rac_flow_store *fs = t->s->ports.store;
    while (b->at < b->all.n && !b->changed && b->before_ms[b->at] == INT64_MIN)
        b->at++;
    if (b->at == b->all.n) {
        release_ready(b);
        return;
    }
    struct rac_flow_mark m = {.flow = t->flow_key,
                              .tenant = t->row.tenant,
                              .trigger = t->trigger_name,
                              .batch = b->all.v[b->at].name,
                              .before_ms = b->before_ms[b->at],
                              .full = b->all.v[b->at].full,
                              .after = b->after};
    fs->part_mark(fs->self, &m, marked, b);
}

/* --- what its criteria say now ---------------------------------------------------------------- */

/* A recurrence begins when it is first seen; an occurrence that passed while nobody looked is made
 * up for, once, because messages wait for it. */
static void recur(struct batching *b, size_t i)
{
    struct attendance *t = b->t;
    struct rac_arena *a = &t->a;
    const struct rac_batch *x = &b->all.v[i];
    const struct rac_json *old = rac_json_geti(rac_json_get(&t->state, RAC_S("batches")), x->name);
    rac_str anchor = attendance_digest(t, x->recurrence_node, NULL);
    rac_ms activated = rac_json_int(rac_json_get(old, RAC_S("activated")), 0),
           next = rac_json_int(rac_json_get(old, RAC_S("next")), 0);
    int64_t times = rac_json_int(rac_json_get(old, RAC_S("fired")), 0);
    if (!rac_str_eq(anchor, rac_json_str(rac_json_get(old, RAC_S("anchor")), RAC_STR_NULL))) {
        activated = t->now_ms;
        times = 0;
        if (!rac_recurrence_next(&x->recurrence, activated, activated, 0, &next))
            next = 0;
    }
    if (next > 0 && next <= t->now_ms) {
        b->before_ms[i] = t->now_ms;
        times++;
        if (!rac_recurrence_next(&x->recurrence, activated, t->now_ms, (uint64_t)times, &next))
            next = 0;
    }
    struct rac_json state = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &state, "anchor", anchor);
    RAC_JSON_PUT(a, &state, "activated", rac_json_of_int(activated));
    RAC_JSON_PUT(a, &state, "fired", rac_json_of_int(times));
    RAC_JSON_PUT(a, &state, "next", rac_json_of_int(next));
    rac_json_put(a, &b->states, x->name, state);
    if (next > 0 && (b->next_ms == 0 || next < b->next_ms))
        b->next_ms = next;
}

static rac_str criteria_digest(struct batching *b)
{
    struct rac_arena *a = &b->t->a;
    struct rac_json all = rac_json_new_array(a);
    for (size_t i = 0; i < b->all.n; i++) {
        rac_json_add(a, &all, rac_json_of_str(b->all.v[i].name));
        rac_json_add(a, &all, rac_json_of_int(b->all.v[i].full.messages));
        rac_json_add(a, &all, rac_json_of_int(b->all.v[i].full.bytes));
    }
    return attendance_digest(b->t, &all, NULL);
}

static void batches_known(struct batching *b)
{
    struct attendance *t = b->t;
    struct rac_arena *a = &t->a;
    const struct rac_flow_store *fs = t->s->ports.store;
    int64_t messages = 0, bytes = 0;
    rac_str criteria = criteria_digest(b),
            before = rac_json_str(rac_json_get(&t->state, RAC_S("criteria")), RAC_STR_NULL);
    if (fs->message_count(fs->self, t->flow_key, &messages, &bytes) != RAC_OK) {
        attendance_end(t, STORE_AGAIN_MS);
        return;
    }
    b->changed = !rac_str_eq(criteria, before);
    b->states = rac_json_new_object(a);
    b->before_ms = RAC_NEW_N(a, rac_ms, b->all.n + 1);
    for (size_t i = 0; i < b->all.n; i++) {
        b->before_ms[i] = t->notified ? t->now_ms : INT64_MIN;
        if (b->all.v[i].recurs)
            recur(b, i);
    }
    RAC_JSON_PUT_STR(a, &t->state, "criteria", criteria);
    RAC_JSON_PUT(a, &t->state, "batches", b->states);
    if (b->all.in_account)
        RAC_JSON_PUT(a, &t->state, "account", rac_json_of_bool(true));
    else
        (void)rac_json_del(&t->state, RAC_S("account"));
    b->at = messages > 0 ? 0 : b->all.n; /* nothing waits, nothing is to be marked */
    mark(b);
}

/* --- where they are described ------------------------------------------------------------------ */

static void not_valid(struct attendance *t, rac_str why, int64_t again_ms)
{
    t->row.due_ms = again_ms > 0 ? t->now_ms + again_ms : 0;
    attendance_keep(t, attendance_event(t, RAC_TRIGGER_FAILS, RAC_S("BatchNotValid"), why));
}

static void account_read(void *arg, rac_err err, rac_str why, const struct rac_json *artifacts)
{
    struct batching *b = arg;
    struct attendance *t = b->t;
    if (err == RAC_E_IO || err == RAC_E_BUSY) {
        attendance_end(t, STORE_AGAIN_MS);
    } else if (err != RAC_OK) {
        not_valid(t,
                  rac_arena_printf(&t->a, "The batches of trigger '%.*s' are not known: %.*s",
                                   RAC_FMT(t->trigger->name), RAC_FMT(why)),
                  SOURCE_AGAIN_MS);
    } else {
        struct rac_json *own = RAC_NEW(&t->a, struct rac_json);
        rac_str because;
        *own = rac_json_copy(&t->a, artifacts);
        if (rac_batches_add(&b->all, own, &t->a, &because))
            batches_known(b);
        else
            not_valid(t, because, SOURCE_AGAIN_MS);
    }
}

void attend_batch(struct attendance *t)
{
    struct rac_trigger_context c = attendance_context(t);
    const struct rac_scheduler_ports *ports = &t->s->ports;
    struct batching *b = RAC_NEW(&t->a, struct batching);
    rac_str why;
    b->t = t;
    if (t->flow->stateless)
        not_valid(t, RAC_S("A stateless workflow keeps no messages; batches need a stateful one."),
                  0);
    else if (!rac_batches_of(t->trigger, &c, &t->a, &b->all, &why))
        not_valid(t, why, 0);
    else if (!b->all.in_account)
        batches_known(b);
    else if (ports->batches == NULL)
        not_valid(t, RAC_S("This host has no integration accounts."), 0);
    else
        ports->batches(ports->self, t->flow, account_read, b);
}
