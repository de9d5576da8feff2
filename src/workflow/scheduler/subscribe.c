/*
 * Subscriptions of webhook and notification triggers (spec workflows §2.6 to §2.8).
 *
 *   intent saved -> subscribed -> the one before is ended -> saved
 *
 * A server may stop anywhere between. So that no subscription is left that nobody knows of, what is
 * about to be made is in the row before it is asked for ("pending"), with the one it replaces in it
 * ("before"). A pending one is found by the next attendance: whether it was made is not known, so it
 * is ended first, as far as one can without the answer to it: a HttpWebhook says how, a connector
 * only by the Location it answers. Then another is made, with the same callback URL and the same
 * tracking id, for services that recognise these.
 *
 * The callback URLs are kept beside the state, sealed: whoever has one can fire the trigger, and
 * after an exchange of keys nobody could make it again.
 */
#include "base/str.h"
#include "connector/verdict.h"
#include "crypto/digest.h"
#include "workflow/definition/http_status.h"
#include "workflow/scheduler/scheduler_priv.h"

enum { SUBSCRIBE_AGAIN_MS = 3600000 };

#define SUBSCRIPTION RAC_S("subscription")
#define BEFORE       RAC_S("before") /* also in the secret: the URL of that one */
#define URL          RAC_S("url")

bool trigger_subscribes(const struct rac_flow_trigger *x)
{
    return x->class == RAC_TRIGGER_WEBHOOK || x->class == RAC_TRIGGER_NOTIFICATION;
}

const struct rac_json *subscription_of(const struct attendance *t)
{
    return rac_json_get(&t->state, SUBSCRIPTION);
}

static rac_str url_of(const struct attendance *t, rac_str which)
{
    return rac_json_str(rac_json_get(&t->secret, which), RAC_STR_NULL);
}

static void put_url(struct attendance *t, rac_str which, rac_str url)
{
    if (url.p != NULL)
        rac_json_put(&t->a, &t->secret, which, rac_json_of_str(url));
    else
        (void)rac_json_del(&t->secret, which);
    t->secret_changed = true;
}

/* What a subscription stands on: the inputs, and the callback URL they may hold, which is good as
 * long as the key that signs it and the address of this server are. */
static rac_str digest(struct attendance *t)
{
    const struct rac_json *inputs = rac_json_geti(t->trigger->node, RAC_S("inputs"));
    struct rac_json all = rac_json_new_array(&t->a);
    rac_json_add(&t->a, &all, inputs != NULL ? *inputs : rac_json_of_null());
    rac_json_add(&t->a, &all,
                 rac_json_of_str(rac_sha256_hex(&t->a, errand_key(t, t->flow, t->trigger))));
    rac_json_add(&t->a, &all, rac_json_of_str(t->s->ports.public_url));
    return attendance_digest(t, &all, &t->trigger->plan->parameters);
}

bool subscription_stands(struct attendance *t)
{
    const struct rac_json *s = subscription_of(t);
    t->inputs = digest(t);
    return s != NULL && rac_str_eq(rac_json_str(RAC_JSON_GET(s, "inputs"), RAC_S("")), t->inputs);
}

/* --- ending ----------------------------------------------------------------------------------- */

/* Takes what is to be ended out of the state, and its URL out of the secret. */
static void forget(struct attendance *t)
{
    const struct rac_json *before = rac_json_get(subscription_of(t), BEFORE);
    struct rac_json s;
    switch (t->ends.which) {
    case ENDS_BEFORE:
        s = *subscription_of(t);
        (void)rac_json_del(&s, BEFORE);
        rac_json_put(&t->a, &t->state, SUBSCRIPTION, s);
        break;
    case ENDS_PENDING:
        put_url(t, URL, url_of(t, BEFORE));
        if (before != NULL) {
            s = *before;
            rac_json_put(&t->a, &t->state, SUBSCRIPTION, s);
            break;
        }
        __attribute__((fallthrough));
    case ENDS_IT:
    default:
        (void)rac_json_del(&t->state, SUBSCRIPTION);
        put_url(t, URL, RAC_STR_NULL);
    }
    put_url(t, BEFORE, RAC_STR_NULL);
}

/* It is over with that one; failures are told and never block. Whether a pending one was there at
 * all is not known, so of that one, and where the workflow is gone, the log alone tells. */
static void over(struct attendance *t, bool ended, int status, rac_str why)
{
    struct rac_flow_event_row *event = NULL;
    if (!ended)
        rac_engine_not_ended(t->s->ports.engine, t->flow, t->trigger_name, t->ends.location,
                             status);
    forget(t);
    if (t->ends.which == ENDS_PENDING || (t->ends.which == ENDS_BEFORE && t->deleted)) {
        attend(t);
        return;
    }
    if (!ended && t->trigger != NULL && !t->deleted)
        event = attendance_event(t, RAC_TRIGGER_FAILS, RAC_S("UnsubscribeFailed"), why);
    if (t->ends.which == ENDS_BEFORE)
        t->row.due_ms = t->now_ms; /* the other one has its turn */
    attendance_keep(t, event);
}

static void answered(struct attendance *t, const struct rac_json *record)
{
    int status = record_status(record);
    over(
        t, rac_subscription_ended(status), status,
        rac_arena_printf(&t->a, "The subscription could not be ended; the answer was %d.", status));
}

static void end_now(struct attendance *t)
{
    bool known = t->ends.trigger != NULL || (t->trigger != NULL && trigger_subscribes(t->trigger));
    rac_str why = RAC_S("nothing says how");
    if (known && errand_run(t, RAC_ERRAND_UNSUBSCRIBE, t->ends.location, answered, &why))
        return;
    over(t, why.p == NULL, 0,
         rac_arena_printf(&t->a, "The subscription could not be ended: %.*s.", RAC_FMT(why)));
}

static void version_loaded(void *arg, rac_err err, const struct rac_scheduled_flow *f)
{
    struct attendance *t = arg;
    for (size_t i = 0; err == RAC_OK && i < f->triggers_n; i++)
        if (rac_str_eqi(f->triggers[i].name, t->trigger_name) &&
            trigger_subscribes(&f->triggers[i])) {
            t->ends.flow = rac_flow_ref(f->flow);
            t->ends.trigger = &f->triggers[i];
        }
    end_now(t);
}

/* As the version that made it says (§2.6). */
static void end(struct attendance *t, enum ends which)
{
    const struct rac_scheduler_ports *ports = &t->s->ports;
    const struct rac_json *s = subscription_of(t);
    if (which == ENDS_BEFORE)
        s = rac_json_get(s, BEFORE);
    rac_flow_unref(t->ends.flow); /* of one that was ended before */
    t->ends.flow = NULL;
    t->ends.trigger = NULL;
    t->ends.which = which;
    t->ends.location = rac_json_str(RAC_JSON_GET(s, "location"), RAC_STR_NULL);
    t->ends.revision = rac_json_str(RAC_JSON_GET(s, "revision"), RAC_STR_NULL);
    t->ends.url = url_of(t, which == ENDS_BEFORE ? BEFORE : URL);
    if (t->ends.revision.p == NULL || rac_str_eq(t->ends.revision, t->flow->revision))
        end_now(t);
    else
        ports->flow_load(ports->self, t->flow_key, t->ends.revision, version_loaded, t);
}

bool subscription_settles(struct attendance *t)
{
    const struct rac_json *s = subscription_of(t);
    bool pending = rac_json_bool(RAC_JSON_GET(s, "pending"), false);
    if (!pending && rac_json_get(s, BEFORE) == NULL)
        return false;
    end(t, pending ? ENDS_PENDING : ENDS_BEFORE);
    return true;
}

void subscription_end(struct attendance *t)
{
    end(t, ENDS_IT);
}

/* --- making ----------------------------------------------------------------------------------- */

/* Whether a failed attempt may have made one all the same: nothing was answered, or nothing that
 * says no. */
static bool is_uncertain(const struct rac_json *record)
{
    int status = record_status(record);
    if (status == 0) /* by the code of what was never sent */
        status =
            rac_http_status_parse(rac_json_str(rac_json_get(record, RAC_S("code")), RAC_S("")));
    return status == 408 || status < 300 || status > 499;
}

static void subscribed(struct attendance *t, const struct rac_json *record)
{
    int status = record_status(record);
    if (status < 200 || status > 299) {
        t->ends.which = ENDS_PENDING;
        if (!is_uncertain(record))
            forget(t);
        t->row.due_ms = t->now_ms + SUBSCRIBE_AGAIN_MS;
        RAC_JSON_PUT_STR(&t->a, &t->state, "provisioningState", RAC_S("Failed"));
        attendance_failed(t, record);
        return;
    }
    struct rac_json s = *subscription_of(t);
    (void)rac_json_del(&s, RAC_S("pending"));
    if (record_location(record).p != NULL)
        RAC_JSON_PUT_STR(&t->a, &s, "location", record_location(record));
    rac_json_put(&t->a, &t->state, SUBSCRIPTION, s);
    (void)rac_json_del(&t->state, RAC_S("provisioningState"));
    t->row.status = RAC_S("Succeeded");
    t->row.due_ms = t->trigger->class == RAC_TRIGGER_NOTIFICATION ? t->now_ms : 0;
    if (!subscription_settles(t)) /* the old one goes after the new one stands */
        attendance_keep(t, NULL);
}

static void intended(struct attendance *t)
{
    rac_str why;
    if (errand_run(t, RAC_ERRAND_SUBSCRIBE, RAC_STR_NULL, subscribed, &why))
        return;
    t->ends.which = ENDS_PENDING;
    forget(t);
    t->row.due_ms = 0;
    attendance_keep(
        t, attendance_event(t, RAC_TRIGGER_FAILS, RAC_S("InvalidTemplate"),
                            why.p != NULL ? why : RAC_S("the trigger describes no subscription")));
}

void subscribe(struct attendance *t)
{
    const struct rac_json *before = subscription_of(t);
    struct rac_json s = rac_json_new_object(&t->a);
    RAC_JSON_PUT_STR(&t->a, &s, "inputs", t->inputs);
    RAC_JSON_PUT_STR(&t->a, &s, "revision", t->flow->revision);
    RAC_JSON_PUT(&t->a, &s, "pending", rac_json_of_bool(true));
    if (before != NULL)
        rac_json_put(&t->a, &s, BEFORE, *before);
    rac_json_put(&t->a, &t->state, SUBSCRIPTION, s);
    put_url(t, BEFORE, before != NULL ? url_of(t, URL) : RAC_STR_NULL);
    put_url(t, URL, errand_url(t, t->flow, t->trigger));
    attendance_note(t, intended);
}
