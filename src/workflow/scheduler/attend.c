/*
 * Attending a trigger, by class (spec workflows §2.3 to §2.8). Every path ends in one write: the
 * trigger's new state and due time, with the run it started or the event of history.
 */
#include "base/str.h"
#include "base/time.h"
#include "connector/verdict.h"
#include "crypto/digest.h"
#include "workflow/scheduler/scheduler_priv.h"

enum {
    WAKE_UP_MS = 3600000,
    IN_ROW_MAX = 1000,        /* polls at once, one after the other; then one at its time */
    HELD_BYTES_MAX = 1 << 20, /* of outputs that wait for the store */
};

/* --- state ------------------------------------------------------------------------------------ */

static int64_t number(const struct attendance *t, const char *name)
{
    return rac_json_int(rac_json_get(&t->state, rac_str_of(name)), 0);
}

static void put_number(struct attendance *t, const char *name, int64_t v)
{
    rac_json_put(&t->a, &t->state, rac_str_of(name), rac_json_of_int(v));
}

static rac_str text(const struct attendance *t, const char *name)
{
    return rac_json_str(rac_json_get(&t->state, rac_str_of(name)), RAC_STR_NULL);
}

static void put_text(struct attendance *t, const char *name, rac_str v)
{
    if (v.p != NULL)
        rac_json_put(&t->a, &t->state, rac_str_of(name), rac_json_of_str(v));
    else
        (void)rac_json_del(&t->state, rac_str_of(name));
}

rac_str attendance_digest(struct attendance *t, const struct rac_json *a, const struct rac_json *b)
{
    struct rac_json both = rac_json_new_array(&t->a);
    rac_json_add(&t->a, &both, a != NULL ? *a : rac_json_of_null());
    rac_json_add(&t->a, &both, b != NULL ? *b : rac_json_of_null());
    return rac_sha256_hex(&t->a, rac_json_print_str(&both, 0, &t->a));
}

static const struct rac_json *member(const struct attendance *t, const char *name)
{
    return rac_json_geti(t->trigger->node, rac_str_of(name));
}

struct rac_trigger_context attendance_context(const struct attendance *t)
{
    return (struct rac_trigger_context){.flow = t->flow, .env = t->s->ports.env};
}

struct rac_flow_event_row *attendance_event(struct attendance *t, enum rac_trigger_outcome outcome,
                                            rac_str code, rac_str message)
{
    static const char *const words[] = {"Succeeded", "Skipped", "Failed"};
    struct rac_flow_event_row *e = RAC_NEW(&t->a, struct rac_flow_event_row);
    rac_ms end = rac_env_wall_ms(t->s->ports.env);
    *e = rac_trigger_event(t->trigger, &t->s->namer, outcome, code, message, t->now_ms, end, &t->a);
    t->row.status = rac_str_of(words[outcome]);
    t->row.last_ms = t->now_ms;
    return e;
}

/* --- firing ----------------------------------------------------------------------------------- */

static void fire_again(void *attendance);

/* A store that fails is asked again. What is large is not held for it: the poll is made again. */
static void not_fired(struct attendance *t, const struct rac_fire_answer *answer)
{
    bool large = t->a.used_bytes > HELD_BYTES_MAX;
    if (answer->status == 404) /* the workflow was deleted */
        attendance_end(t, 0);
    else
        attendance_again(t, answer->status == 507 ? RAC_E_FULL : RAC_E_IO,
                         large ? attendance_anew : fire_again, t);
}

static void fired(void *arg, size_t started, const struct rac_fire_answer *answer)
{
    struct attendance *t = arg;
    (void)started;
    if (answer->outcome != RAC_FIRE_BUSY && answer->outcome != RAC_FIRE_FAILED) {
        again_kept(t->s);
        attendance_end(t, 0);
        return;
    }
    /* Refused: timers and polls skip the occurrence (§2.11), and what is too large to be kept would
     * be so again. */
    if (answer->too_large) {
        attendance_keep(
            t, attendance_event(t, RAC_TRIGGER_FAILS, RAC_S("TriggerOutputsTooLarge"),
                                RAC_S("The trigger's outputs are too large to be recorded, so no "
                                      "run was started.")));
        return;
    }
    if (answer->outcome == RAC_FIRE_FAILED) {
        not_fired(t, answer);
        return;
    }
    if (answer->status == 503) {
        attendance_end(t, BUSY_MS);
        return;
    }
    attendance_keep(t, attendance_event(t, RAC_TRIGGER_SKIPS, answer->code, answer->message));
}

static void fire(struct attendance *t, const struct rac_json *inputs,
                 const struct rac_json *outputs, rac_ms scheduled_ms)
{
    t->row.status = RAC_S("Succeeded");
    t->row.last_ms = t->now_ms;
    t->row.state = rac_json_print_str(&t->state, 0, &t->a);
    t->row.secret = RAC_STR_NULL;
    t->fired_in = inputs != NULL ? *inputs : rac_json_none;
    t->fired_out = outputs != NULL ? *outputs : rac_json_none;
    t->firing = (struct rac_firing){.engine = t->s->ports.engine,
                                    .store = t->s->ports.store,
                                    .env = t->s->ports.env,
                                    .flow = t->flow,
                                    .trigger = t->trigger,
                                    .inputs = inputs != NULL ? &t->fired_in : NULL,
                                    .outputs = outputs != NULL ? &t->fired_out : NULL,
                                    .scheduled_ms = scheduled_ms,
                                    .row = &t->row};
    fire_again(t);
}

static void fire_again(void *attendance)
{
    struct attendance *t = attendance;
    rac_trigger_fire(&t->firing, fired, t);
}

/* --- recurrences (§2.3, §2.4) ----------------------------------------------------------------- */

static void default_recurrence(struct attendance *t)
{
    t->recurrence =
        (struct rac_recurrence){.frequency = RAC_FREQUENCY_MINUTE, .interval = 3, .known = true};
}

/* Anchors a recurrence that is new or has changed. False: it is not valid, and that is recorded. */
static bool recur(struct attendance *t, bool required)
{
    struct rac_trigger_context c = attendance_context(t);
    rac_str why;
    const struct rac_json *r = member(t, "recurrence");
    if (r == NULL && !required) {
        default_recurrence(t);
    } else if (!rac_trigger_recurrence(t->trigger, &c, &t->a, &t->recurrence, &why)) {
        t->row.due_ms = 0;
        put_text(t, "anchor", RAC_STR_NULL);
        attendance_keep(t, attendance_event(t, RAC_TRIGGER_FAILS, RAC_S("InvalidRecurrence"), why));
        return false;
    }
    rac_str anchor = attendance_digest(t, r, &t->trigger->plan->parameters);
    if (rac_str_eq(anchor, text(t, "anchor")))
        return true;
    put_text(t, "anchor", anchor);
    put_number(t, "activated", t->now_ms);
    put_number(t, "fired", 0);
    (void)rac_json_del(&t->state, RAC_S("window"));
    (void)rac_json_del(&t->state, RAC_S("next"));
    return true;
}

/* The occurrence to wait for: the one remembered, or the first; 0: there is none any more. */
static rac_ms due(struct attendance *t, rac_ms after_ms)
{
    rac_ms next;
    bool more = rac_recurrence_next(&t->recurrence, number(t, "activated"), after_ms,
                                    (uint64_t)number(t, "fired"), &next);
    return more ? next : 0;
}

static rac_ms max(rac_ms x, rac_ms y)
{
    return x > y ? x : y;
}

static void attend_timer(struct attendance *t)
{
    rac_ms next = number(t, "next");
    if (next == 0)
        next = due(t, number(t, "activated") - 1);
    if (next != 0 && next < t->s->started_ms) /* missed while nobody looked: dropped */
        next = due(t, max(next, t->now_ms - 1));
    if (next == 0 || next > t->now_ms) {
        put_number(t, "next", next);
        t->row.due_ms = next;
        attendance_keep(t, NULL);
        return;
    }
    put_number(t, "fired", number(t, "fired") + 1);
    rac_ms after = due(t, max(next, t->now_ms));
    put_number(t, "next", after);
    t->row.due_ms = after;
    fire(t, NULL, NULL, next);
}

static int64_t window_delay(struct attendance *t)
{
    rac_str delay = rac_json_str(rac_json_geti(member(t, "inputs"), RAC_S("delay")), RAC_S("PT0S"));
    int64_t ms;
    if (!rac_time_parse_duration(delay, &ms))
        return 0;
    return ms < RAC_AGES_MS ? ms : RAC_AGES_MS;
}

static bool window(struct attendance *t, rac_ms last, struct rac_window *w)
{
    return rac_recurrence_window(&t->recurrence, number(t, "activated"), last,
                                 (uint64_t)number(t, "fired"), window_delay(t), w);
}

static struct rac_json moment(struct attendance *t, rac_ms at)
{
    char s[RAC_TIME_TEXT];
    size_t n = rac_time_print(at, s);
    return rac_json_of_str(rac_arena_str(&t->a, (rac_str){s, n}));
}

static void attend_window(struct attendance *t)
{
    const struct rac_json *last = rac_json_get(&t->state, RAC_S("window"));
    struct rac_window w, after;
    if (!window(t, rac_json_int(last, RAC_WINDOW_FIRST), &w) || w.fire_ms > t->now_ms) {
        bool more = window(t, rac_json_int(last, RAC_WINDOW_FIRST), &w);
        t->row.due_ms = more ? w.fire_ms : 0;
        attendance_keep(t, NULL);
        return;
    }
    put_number(t, "window", w.start_ms);
    put_number(t, "fired", number(t, "fired") + 1);
    t->row.due_ms = window(t, w.start_ms, &after) ? max(after.fire_ms, 1) : 0;
    struct rac_json body = rac_json_new_object(&t->a), outputs = rac_json_new_object(&t->a);
    RAC_JSON_PUT(&t->a, &body, "windowStartTime", moment(t, w.start_ms));
    RAC_JSON_PUT(&t->a, &body, "windowEndTime", moment(t, w.end_ms));
    RAC_JSON_PUT(&t->a, &outputs, "body", body);
    fire(t, NULL, &outputs, w.fire_ms);
}

/* --- records of errands ------------------------------------------------------------------------ */

int record_status(const struct rac_json *record)
{
    const struct rac_json *outputs = rac_json_get(record, RAC_S("outputs"));
    return (int)rac_json_int(rac_json_get(outputs, RAC_S("statusCode")), 0);
}

static rac_str header(const struct rac_json *record, rac_str name)
{
    const struct rac_json *outputs = rac_json_get(record, RAC_S("outputs"));
    return rac_json_str(rac_json_geti(rac_json_get(outputs, RAC_S("headers")), name), RAC_STR_NULL);
}

void attendance_failed(struct attendance *t, const struct rac_json *record)
{
    const struct rac_json *error = rac_json_get(record, RAC_S("error"));
    rac_str code = rac_json_str(rac_json_get(record, RAC_S("code")), RAC_S("Failed"));
    rac_str message = rac_json_str(rac_json_get(error, RAC_S("message")), RAC_STR_NULL);
    if (message.p == NULL)
        message = rac_arena_printf(&t->a, "the answer was %d", record_status(record));
    attendance_keep(t, attendance_event(t, RAC_TRIGGER_FAILS, code, message));
}

/* --- polls (§2.5) ----------------------------------------------------------------------------- */

/* The Location of the answer, absolute; absent: it had none. */
rac_str record_location(const struct rac_json *record)
{
    const struct rac_json *outputs = rac_json_get(record, RAC_S("outputs"));
    return rac_json_str(rac_json_get(outputs, RAC_TRIGGER_LOCATION_MARK), RAC_STR_NULL);
}

/* Where the next poll goes. */
static void remember_location(struct attendance *t, const struct rac_json *record)
{
    rac_str location = record_location(record);
    if (rac_str_startsi(location, RAC_S("http://")) || rac_str_startsi(location, RAC_S("https://")))
        put_text(t, "location", location);
}

static bool is_empty_batch(const struct attendance *t, const struct rac_json *record)
{
    const struct rac_json *outputs = rac_json_get(record, RAC_S("outputs")),
                          *body = rac_json_get(outputs, RAC_S("body")),
                          *value = rac_json_get(body, RAC_S("value"));
    const struct rac_json *list = value != NULL ? value : body;
    return t->trigger->splits && rac_json_is_array(list) && rac_json_len(list) == 0;
}

/* Whether the next one follows at once: the connector gives one event an answer, until 202. */
static bool in_a_row(struct attendance *t, const struct rac_json *outputs, bool fires)
{
    int64_t n = number(t, "row") + 1;
    bool more = fires && n < IN_ROW_MAX && rac_json_get(outputs, RAC_TRIGGER_SINGLE_MARK) != NULL;
    if (more)
        put_number(t, "row", n);
    else
        (void)rac_json_del(&t->state, RAC_S("row"));
    return more;
}

/* When it polls again (§2.5): after what the answer says, or at the next occurrence. */
static rac_ms next_poll(struct attendance *t, const struct rac_json *record, int status, bool fires)
{
    rac_ms next = number(t, "next") > t->now_ms ? number(t, "next") : due(t, t->now_ms);
    int64_t wait = rac_retry_after_ms(header(record, RAC_S("Retry-After")), t->now_ms);
    wait = wait < RAC_AGES_MS ? wait : RAC_AGES_MS;
    bool at_once = in_a_row(t, rac_json_get(record, RAC_S("outputs")), fires);
    if (status == 202)
        return wait >= 0 ? max(next, t->now_ms + wait) : next;
    if (fires && wait >= 0)
        return t->now_ms + max(wait, 1);
    return at_once ? t->now_ms + 1 : next;
}

/* What the next poll stands on, where a policy of the connector polls; false: nothing is new. */
static bool remember_seen(struct attendance *t, const struct rac_json *record)
{
    const struct rac_json *seen = rac_json_get(rac_json_get(record, RAC_S("outputs")),
                                               RAC_TRIGGER_SEEN_MARK),
                          *state = RAC_JSON_GET(seen, "state");
    if (state != NULL)
        RAC_JSON_PUT(&t->a, &t->state, "seen", rac_json_copy(&t->a, state));
    return rac_json_bool(RAC_JSON_GET(seen, "new"), true);
}

static void polled(struct attendance *t, const struct rac_json *record)
{
    int status = record_status(record);
    bool answered = t->trigger->conditions_see_status
                        ? status > 0
                        : status >= 200 && status < 300 && status != 202;
    bool fires = remember_seen(t, record) && answered;
    rac_ms next = next_poll(t, record, status, fires);
    put_number(t, "next", next);
    t->row.due_ms = t->notified_again ? t->now_ms : next;
    if (status == 202 || fires)
        remember_location(t, record);
    if (fires && !is_empty_batch(t, record)) {
        struct rac_json outputs = rac_json_copy(&t->a, rac_json_get(record, RAC_S("outputs")));
        (void)rac_json_del(&outputs, RAC_TRIGGER_SINGLE_MARK);
        (void)rac_json_del(&outputs, RAC_TRIGGER_LOCATION_MARK);
        (void)rac_json_del(&outputs, RAC_TRIGGER_SEEN_MARK);
        put_number(t, "fired", number(t, "fired") + 1);
        fire(t, rac_json_get(record, RAC_S("inputs")), &outputs, 0);
    } else if (answered || status == 202) {
        attendance_keep(
            t, attendance_event(t, RAC_TRIGGER_SKIPS,
                                rac_json_str(rac_json_get(record, RAC_S("code")), RAC_STR_NULL),
                                RAC_STR_NULL));
    } else {
        attendance_failed(t, record);
    }
}

static void poll(struct attendance *t)
{
    rac_str why;
    if (errand_run(t, RAC_ERRAND_POLL, text(t, "location"), polled, &why))
        return;
    t->row.due_ms = 0;
    attendance_keep(t, attendance_event(t, RAC_TRIGGER_FAILS, RAC_S("InvalidTemplate"),
                                        why.p != NULL ? why : RAC_S("the trigger has no inputs")));
}

static void forget_what_changed(struct attendance *t)
{
    t->inputs = attendance_digest(t, member(t, "inputs"), &t->trigger->plan->parameters);
    if (!rac_str_eq(t->inputs, text(t, "inputs"))) {
        put_text(t, "location", RAC_STR_NULL);
        (void)rac_json_del(&t->state, RAC_S("seen"));
    }
    put_text(t, "inputs", t->inputs);
}

static void attend_poll(struct attendance *t)
{
    rac_ms next = number(t, "next");
    forget_what_changed(t);
    if (next == 0)
        next = due(t, number(t, "activated") - 1);
    bool asked = t->notified || t->notified_again; /* by hand (§7.2) */
    put_number(t, "next", next);
    if (!asked && (next == 0 || next > t->now_ms)) {
        t->row.due_ms = next;
        attendance_keep(t, NULL);
        return;
    }
    poll(t);
}

/* --- notifications (§2.8) --------------------------------------------------------------------- */

static void fetch_or_wait(struct attendance *t)
{
    rac_ms next = number(t, "next");
    bool has_recurrence = member(t, "recurrence") != NULL;
    if (t->trigger->class != RAC_TRIGGER_NOTIFICATION) {
        t->row.due_ms = 0;
        attendance_keep(t, NULL);
        return;
    }
    if (next == 0)
        next = has_recurrence ? due(t, number(t, "activated") - 1) : t->now_ms + WAKE_UP_MS;
    if (t->notified || t->notified_again || next <= t->now_ms) {
        put_number(t, "next", next);
        poll(t);
        return;
    }
    put_number(t, "next", next);
    t->row.due_ms = next;
    attendance_keep(t, NULL);
}

static void attend_webhook(struct attendance *t)
{
    if (t->reset) {
        (void)rac_json_del(&t->state, RAC_S("next"));
        (void)rac_json_del(&t->state, RAC_S("location"));
    }
    if (t->reset && subscription_of(t) != NULL) { /* before: the next one has the same URL */
        t->row.due_ms = t->now_ms;
        subscription_end(t);
        return;
    }
    if (subscription_stands(t))
        fetch_or_wait(t);
    else
        subscribe(t);
}

/* --- all of them ------------------------------------------------------------------------------ */

/* Disabled, deleted, removed: nothing is due, subscriptions end. */
static void rest(struct attendance *t)
{
    t->row.due_ms = 0;
    /* enabled again, it is anchored again */
    static const rac_str anchored[] = {RAC_S_INIT("anchor"), RAC_S_INIT("batches"),
                                       RAC_S_INIT("criteria")};
    for (size_t i = 0; i < RAC_COUNT(anchored); i++)
        (void)rac_json_del(&t->state, anchored[i]);
    if (t->deleted || t->trigger == NULL)
        t->row.state = RAC_S("");
    if (subscription_of(t) != NULL)
        subscription_end(t);
    else
        attendance_keep(t, NULL);
}

void attend(struct attendance *t)
{
    static void (*const by_class[])(struct attendance * t) = {
        [RAC_TRIGGER_TIMER] = attend_timer,
        [RAC_TRIGGER_WINDOW] = attend_window,
        [RAC_TRIGGER_POLL] = attend_poll,
        [RAC_TRIGGER_WEBHOOK] = attend_webhook,
        [RAC_TRIGGER_NOTIFICATION] = attend_webhook,
        [RAC_TRIGGER_MESSAGES] = attend_batch,
    };
    t->now_ms = rac_env_wall_ms(t->s->ports.env);
    if (subscription_settles(t))
        return;
    if (t->trigger == NULL || t->deleted || !t->flow->enabled) {
        rest(t);
        return;
    }
    enum rac_trigger_class class = t->trigger->class;
    if (class >= RAC_COUNT(by_class) || by_class[class] == NULL) {
        rest(t);
        return;
    }
    if (subscription_of(t) != NULL && !trigger_subscribes(t->trigger)) { /* it did once */
        t->row.due_ms = t->now_ms;
        subscription_end(t);
        return;
    }
    bool timed = class == RAC_TRIGGER_TIMER || class == RAC_TRIGGER_WINDOW;
    if (class == RAC_TRIGGER_MESSAGES || recur(t, timed))
        by_class[class](t);
}
