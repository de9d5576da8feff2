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
#include "workflow/definition/batch.h"
#include "workflow/scheduler/scheduler_priv.h"

enum {
    RELEASES_MAX = 16,       /* of one attendance */
    SOURCE_AGAIN_MS = 60000, /* the integration account could not be read, or has a fault */
    SETTLED_MS = 60000,      /* until who sends knows of new criteria */
    HELD_AGAIN_MS = 5000,    /* a part that cannot be released, doubled each time */
    HELD_AGAIN_MS_MAX = 3600000,
    HELD_MAX = 100, /* parts remembered */
    RELEASE_ARENA_MAX = 512 << 20,
};
#define RELEASE_BYTES_MAX ((int64_t)64 << 20) /* of content in one attendance, but for the first */

struct batching { /* in the attendance's arena */
    struct attendance *t;
    struct rac_batches all;
    struct rac_json states; /* of batches that recur */
    struct rac_json held;   /* parts that could not be released: {id: {"times", "until"}} */
    rac_ms *before_ms; /* of each batch: what came until then is released; INT64_MIN: nothing */
    bool changed;      /* the criteria did, now or a while ago */
    rac_ms next_ms;    /* the earliest occurrence; 0: none */
    size_t at;         /* batch being marked */
    rac_str after;
    size_t under_way, started;
    size_t left; /* releases */
    int64_t bytes;
    bool more, refused;
};

/* 0 is never. */
static rac_ms earlier(rac_ms x, rac_ms y)
{
    return x == 0 || (y != 0 && y < x) ? y : x;
}

static void keep(struct batching *b)
{
    struct attendance *t = b->t;
    rac_ms now = rac_env_wall_ms(t->s->ports.env), due = b->next_ms;
    RAC_JSON_EACH_MEMBER(m, &b->held)
    {
        rac_ms until = rac_json_int(rac_json_get(&m->value, RAC_S("until")), 0);
        due =
            until > t->now_ms ? earlier(due, until) : due; /* else it is gone, or was not reached */
    }
    if (b->started > 0) {
        t->row.status = RAC_S("Succeeded");
        t->row.last_ms = t->now_ms;
    }
    if (rac_json_len(&b->held) > 0)
        RAC_JSON_PUT(&t->a, &t->state, "held", b->held);
    else
        (void)rac_json_del(&t->state, RAC_S("held"));
    t->row.due_ms = b->refused ? earlier(due, now + BUSY_MS) : b->more ? now : due;
    attendance_keep(t, NULL);
}

static void finish(struct batching *b)
{
    if (--b->under_way == 0)
        keep(b);
}

/* --- what cannot be released ------------------------------------------------------------------ */

static rac_str held_key(struct batching *b, int64_t part)
{
    return rac_arena_printf(&b->t->a, "%lld", (long long)part);
}

static bool is_held(struct batching *b, int64_t part)
{
    const struct rac_json *x = rac_json_get(&b->held, held_key(b, part));
    return x != NULL && rac_json_int(rac_json_get(x, RAC_S("until")), 0) > b->t->now_ms;
}

static void told(void *arg, const struct rac_commit *c)
{
    (void)c; /* it is told again when it is tried again */
    finish(arg);
}

/* Trying again at once would come to the same: it waits, longer each time, and history says why.
 * New criteria, and a hand, let it be tried at once. */
static void hold(struct batching *b, int64_t part, rac_str batch, rac_str partition, rac_str why)
{
    struct attendance *t = b->t;
    const struct rac_flow_store *fs = t->s->ports.store;
    rac_str key = held_key(b, part);
    int64_t times = rac_json_int(rac_json_get(rac_json_get(&b->held, key), RAC_S("times")), 0),
            wait = HELD_AGAIN_MS;
    for (int64_t i = 0; i < times && wait < HELD_AGAIN_MS_MAX; i++)
        wait *= 2;
    wait = wait < HELD_AGAIN_MS_MAX ? wait : HELD_AGAIN_MS_MAX;
    rac_log(RAC_WARN, "batch.not_released", RAC_F_STR("batch", batch),
            RAC_F_STR("partition", partition), RAC_F_STR("error", why));
    if (rac_json_len(&b->held) < HELD_MAX || times > 0) {
        struct rac_json x = rac_json_new_object(&t->a);
        RAC_JSON_PUT(&t->a, &x, "times", rac_json_of_int(times + 1));
        RAC_JSON_PUT(&t->a, &x, "until", rac_json_of_int(t->now_ms + wait));
        rac_json_put(&t->a, &b->held, key, x);
    } else {
        b->refused = true;
    }
    b->under_way++;
    fs->event_add(
        fs->self, t->flow_key, t->row.tenant,
        attendance_event(t, RAC_TRIGGER_FAILS, RAC_S("BatchNotReleased"),
                         rac_arena_printf(&t->a,
                                          "The batch '%.*s' of partition '%.*s' could not be "
                                          "released: %.*s. Its messages wait on; it is tried again "
                                          "in %lld seconds, and when the release criteria change. "
                                          "Lower them, or drop the messages.",
                                          RAC_FMT(batch), RAC_FMT(partition), RAC_FMT(why),
                                          (long long)(wait / 1000))),
        told, b);
}

/* Those held until long ago are not there any more. */
static void read_held(struct batching *b)
{
    struct attendance *t = b->t;
    const struct rac_json *old = rac_json_get(&t->state, RAC_S("held"));
    b->held = rac_json_new_object(&t->a);
    if (t->notified || b->changed)
        return;
    RAC_JSON_EACH_MEMBER(m, old)
    if (rac_json_int(rac_json_get(&m->value, RAC_S("until")), 0) > t->now_ms - HELD_AGAIN_MS_MAX)
        rac_json_put(&t->a, &b->held, rac_json_key(m), m->value);
}

/* --- releasing -------------------------------------------------------------------------------- */

struct releasing {
    struct batching *b;
    const struct rac_flow_part_row *part;
};

static void fired(void *arg, size_t started, const struct rac_fire_answer *answer)
{
    struct releasing *r = arg;
    struct batching *b = r->b;
    b->started += started;
    if (answer->outcome == RAC_FIRE_FAILED && answer->too_large) {
        hold(b, r->part->id, r->part->batch, r->part->partition, answer->message);
    } else if (answer->outcome == RAC_FIRE_BUSY || answer->outcome == RAC_FIRE_FAILED) {
        b->refused = true; /* what did not start waits on */
    } else {
        (void)rac_json_del(&b->held, held_key(b, r->part->id));
        rac_metric_add(RAC_METRIC_BATCHES_RELEASED, 1);
    }
    finish(b);
}

/* How many of the messages make a batch. */
static size_t enough(const struct rac_batch *x, const struct rac_flow_message_row *v, size_t n)
{
    size_t i = 0;
    int64_t bytes = 0;
    while (i < n && i < (size_t)x->full.messages && bytes < x->full.bytes &&
           (i == 0 || bytes + (int64_t)v[i].content.n <= RAC_BATCH_BYTES_MAX))
        bytes += (int64_t)v[i++].content.n;
    return i;
}

/* Fires with the first messages of v; how many these are, 0: it cannot be. */
static size_t release_one(struct batching *b, const struct rac_batch *x,
                          const struct rac_flow_part_row *part,
                          const struct rac_flow_message_row *v, size_t n)
{
    struct attendance *t = b->t;
    struct rac_json outputs;
    struct rac_arena a;
    rac_arena_init(&a, RELEASE_ARENA_MAX);
    n = enough(x, v, n);
    if (!rac_batch_outputs(part, v, n, &a, &outputs, &n)) {
        rac_arena_fini(&a);
        hold(b, part->id, part->batch, part->partition,
             RAC_S("its content is too large to be read into memory"));
        return 0;
    }
    int64_t *numbers = RAC_NEW_N(&a, int64_t, n);
    for (size_t i = 0; i < n; i++) {
        numbers[i] = v[i].number;
        b->bytes += (int64_t)v[i].content.n;
    }
    struct rac_flow_release r = {.flow = t->flow_key,
                                 .part = part->id,
                                 .first = numbers[0],
                                 .last = numbers[n - 1],
                                 .n = (int64_t)n,
                                 .through = numbers[n - 1],
                                 .trigger = t->trigger->name,
                                 .full = x->full};
    struct rac_firing f = {.engine = t->s->ports.engine,
                           .store = t->s->ports.store,
                           .env = t->s->ports.env,
                           .flow = t->flow,
                           .trigger = t->trigger,
                           .outputs = &outputs,
                           .release = &r,
                           .numbers = numbers};
    struct releasing *to = RAC_NEW(&t->a, struct releasing);
    *to = (struct releasing){b, part};
    b->under_way++;
    b->left--;
    rac_trigger_fire(&f, fired, to);
    rac_arena_fini(&a);
    return n;
}

/* Whether another batch begins at v[at]; one that was not read to its end is for the next
 * attendance. */
static bool goes_on(const struct rac_batch *x, const struct rac_flow_part_row *part,
                    const struct rac_flow_message_row *v, size_t n, size_t at)
{
    int64_t bytes = 0;
    if ((int64_t)(n - at) >= x->full.messages ||
        (v[at].number <= part->through && (int64_t)n >= part->messages_n))
        return true;
    for (size_t i = at; i < n && bytes < x->full.bytes; i++)
        bytes += (int64_t)v[i].content.n;
    return bytes >= x->full.bytes;
}

/* The batches of a part, as many as one read has. */
static void release(struct batching *b, const struct rac_batch *x,
                    const struct rac_flow_part_row *part)
{
    struct attendance *t = b->t;
    const struct rac_flow_store *fs = t->s->ports.store;
    struct rac_flow_message_row *v;
    struct rac_arena a;
    size_t n = 0, at = 0, done;
    int64_t most = x->full.messages * (int64_t)b->left,
            bytes = x->full.bytes < RELEASE_BYTES_MAX / (int64_t)b->left
                        ? x->full.bytes * (int64_t)b->left
                        : x->full.bytes;
    most = most < RAC_BATCH_MESSAGES_MAX ? most : RAC_BATCH_MESSAGES_MAX;
    rac_arena_init(&a, RELEASE_ARENA_MAX);
    rac_err err = fs->message_list(fs->self, part->id, (size_t)most, bytes, &a, &v, &n);
    if (err == RAC_E_LIMIT)
        hold(b, part->id, part->batch, part->partition,
             RAC_S("its content is too large to be read into memory"));
    else if (err != RAC_OK)
        b->refused = true;
    while (err == RAC_OK && at < n && b->left > 0 && b->bytes < RELEASE_BYTES_MAX &&
           (at == 0 || goes_on(x, part, v, n, at))) {
        done = release_one(b, x, part, v + at, n - at);
        if (done == 0)
            break;
        at += done;
    }
    rac_arena_fini(&a);
}

/* Those of one batch that are ready, and are not held; by id. */
static bool release_batch(struct batching *b, const struct rac_batch *x)
{
    struct attendance *t = b->t;
    const struct rac_flow_store *fs = t->s->ports.store;
    struct rac_flow_part_query q = {.batch = x->name, .ready = true, .n_max = RELEASES_MAX};
    struct rac_flow_part_row *v;
    size_t n = 0;
    for (bool more = true; more; q.after = n > 0 ? v[n - 1].id : 0) {
        if (fs->part_list(fs->self, t->flow_key, &q, &t->a, &v, &n, &more) != RAC_OK) {
            b->refused = true;
            return false;
        }
        for (size_t i = 0; i < n; i++) {
            if (is_held(b, v[i].id))
                continue;
            b->more = b->left == 0 || b->bytes >= RELEASE_BYTES_MAX;
            if (b->more)
                return false;
            release(b, x, &v[i]);
        }
    }
    return true;
}

/* Those that are ready, as many as one attendance may; with a limit of runs one by one, because the
 * next may be refused, and nothing is read that would be. */
static void release_ready(struct batching *b)
{
    struct attendance *t = b->t;
    bool full = t->trigger->runs > 0 &&
                rac_engine_room(t->s->ports.engine, t->flow, t->trigger->name, NULL) == 0;
    b->left = full ? 0 : t->trigger->runs > 0 ? 1 : RELEASES_MAX;
    b->under_way = 1;
    for (size_t i = 0; i < b->all.n && release_batch(b, &b->all.v[i]); i++)
        ;
    b->refused |= full && b->more;
    finish(b);
}

/* --- marking ---------------------------------------------------------------------------------- */

static void mark(void *batching);

static void marked(void *arg, const struct rac_commit *c)
{
    struct batching *b = arg;
    struct attendance *t = b->t;
    if (c->err != RAC_OK) {
        attendance_again(t, c->err, mark, b);
        return;
    }
    b->after = c->id.p != NULL ? rac_arena_str(&t->a, c->id) : RAC_STR_NULL;
    b->at += c->id.p == NULL;
    mark(b);
}

static void mark(void *batching)
{
    struct batching *b = batching;
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
        b->before_ms[i] = t->notified ? INT64_MAX : t->now_ms;
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

/* A message may still be committed by what its sender read before criteria changed: what waits is
 * looked through when they change, and once more a while later. */
static void settle(struct batching *b, bool changed)
{
    struct attendance *t = b->t;
    rac_ms at = rac_json_int(rac_json_get(&t->state, RAC_S("settled")), 0);
    b->changed = changed || (at > 0 && at <= t->now_ms);
    at = changed ? t->now_ms + SETTLED_MS : b->changed ? 0 : at;
    if (at > 0)
        RAC_JSON_PUT(&t->a, &t->state, "settled", rac_json_of_int(at));
    else
        (void)rac_json_del(&t->state, RAC_S("settled"));
    b->next_ms = earlier(b->next_ms, at);
}

static void batches_known(void *batching)
{
    struct batching *b = batching;
    struct attendance *t = b->t;
    struct rac_arena *a = &t->a;
    const struct rac_flow_store *fs = t->s->ports.store;
    int64_t messages = 0, bytes = 0;
    rac_str criteria = criteria_digest(b),
            before = rac_json_str(rac_json_get(&t->state, RAC_S("criteria")), RAC_STR_NULL);
    rac_err err = fs->message_count(fs->self, t->flow_key, &messages, &bytes);
    if (err != RAC_OK) {
        attendance_again(t, err, batches_known, b);
        return;
    }
    settle(b, !rac_str_eq(criteria, before));
    read_held(b);
    b->states = rac_json_new_object(a);
    b->before_ms = RAC_NEW_N(a, rac_ms, b->all.n + 1);
    for (size_t i = 0; i < b->all.n; i++) {
        b->before_ms[i] = t->notified ? INT64_MAX : INT64_MIN;
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

static void account_ask(void *batching);

static void account_read(void *arg, rac_err err, rac_str why, const struct rac_json *artifacts)
{
    struct batching *b = arg;
    struct attendance *t = b->t;
    if (err == RAC_E_IO || err == RAC_E_BUSY) {
        attendance_again(t, err, account_ask, b);
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

static void account_ask(void *batching)
{
    struct batching *b = batching;
    const struct rac_scheduler_ports *ports = &b->t->s->ports;
    ports->batches(ports->self, b->t->flow, account_read, b);
}

void attend_batch(struct attendance *t)
{
    struct rac_trigger_context c = attendance_context(t);
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
    else if (t->s->ports.batches == NULL)
        not_valid(t, RAC_S("This host has no integration accounts."), 0);
    else
        account_ask(b);
}
