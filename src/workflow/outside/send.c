/*
 * SendToBatch (spec workflows §3.22): a message goes into a batch of another workflow.
 *
 * The message is committed with the turn that says the action succeeded, so a restart that begins
 * the action again finds it neither sent nor lost. A stateless run has no turns: its message is a
 * write of its own, and the action succeeds after that.
 */
#include "base/mem.h"
#include "base/metrics.h"
#include "base/str.h"
#include "workflow/definition/batch.h"
#include "workflow/engine/engine_priv.h"
#include "workflow/definition/http_status.h"
#include "workflow/definition/retry.h"

enum { TURN_BYTES_MAX = 96 << 20 }; /* of messages in one turn, but for the first */

struct sending {
    struct outside *o; /* NULL: nobody waits any more */
    struct rac_engine *e;
    bool looking; /* what was asked for comes back to it */
    struct rac_retry_policy policy;
    unsigned attempt;
    rac_ms next_ms, sent_ms;
    struct rac_flow *to; /* a reference */
    struct rac_flow_message m;
    char id[ID_TEXT];
    /* how it ended; status 202: it is in the batch, or will be with the turn */
    int status;
    const char *error_code;
    rac_str message;
    bool kept;
};

static const struct rac_json *get(const struct rac_json *o, const char *name)
{
    const struct rac_json *v = rac_json_geti(o, rac_str_of(name));
    return v != NULL && v->type != RAC_JSON_NULL ? v : NULL;
}

static void release(struct sending *s)
{
    rac_flow_unref(s->to);
    rac_mem_free(s);
}

void send_free(struct outside *o)
{
    struct sending *s = o->sending;
    if (s == NULL)
        return;
    o->sending = NULL;
    s->o = NULL;
    if (!s->looking)
        release(s);
}

/* It was waited for elsewhere, and nobody wants it any more. */
static bool came_late(struct sending *s)
{
    s->looking = false;
    if (s->o != NULL)
        return false;
    release(s);
    return true;
}

/* --- the end, in a turn ----------------------------------------------------------------------- */

static struct rac_json error_of(const struct sending *s)
{
    struct rac_json e = rac_json_new_object(&s->o->a);
    RAC_JSON_PUT_STR(&s->o->a, &e, "code", rac_str_of(s->error_code));
    RAC_JSON_PUT_STR(&s->o->a, &e, "message", s->message);
    return e;
}

/* True: it is tried again later, which is recorded (§4.6). */
static bool retried(struct sending *s)
{
    struct outside *o = s->o;
    struct rac_outcome out = {.status = s->status};
    double random01 = (double)(engine_random(s->e) >> 11) / 9007199254740992.0;
    rac_ms now = engine_now(s->e);
    int64_t delay = rac_retry_delay_ms(&s->policy, s->attempt + 1, &out, now, random01);
    if (delay < 0)
        return false;
    struct rac_json what = rac_json_new_object(&o->a), state = rac_json_new_object(&o->a);
    RAC_JSON_PUT_STR(&o->a, &what, "id", rac_arena_str(&o->a, rac_str_of(s->id)));
    RAC_JSON_PUT(&o->a, &what, "error", error_of(s));
    rac_run_request(o->live->run, o->x, s->sent_ms, what, rac_json_none, RAC_RUN_REQUEST_RETRIED);
    s->attempt++;
    s->next_ms = now + delay;
    RAC_JSON_PUT(&o->a, &state, "attempt", rac_json_of_int(s->attempt));
    RAC_JSON_PUT(&o->a, &state, "next", rac_json_of_int(s->next_ms));
    rac_run_progress(o->live->run, o->x, RAC_WF_RUNNING, state);
    o->due_ms = s->next_ms;
    o->started = false;
    return true;
}

static void succeed(struct sending *s)
{
    struct outside *o = s->o;
    struct live *l = o->live;
    struct rac_json out = rac_json_new_object(&o->a), body = rac_json_new_object(&o->a);
    struct rac_flow_message *m = NULL;
    RAC_JSON_PUT_STR(&o->a, &body, "messageId", s->m.id);
    RAC_JSON_PUT(&o->a, &out, "statusCode", rac_json_of_int(202));
    RAC_JSON_PUT(&o->a, &out, "body", body);
    if (!s->kept)
        m = live_message(l, &s->m);
    bool open = outside_settle(o, RAC_WF_SUCCEEDED, RAC_S("Accepted"), &out, NULL);
    if (open)
        rac_metric_add(RAC_METRIC_BATCH_MESSAGES, 1);
    else if (m != NULL) /* the run ended meanwhile: it was not sent */
        live_message_drop(l);
}

static void conclude(struct outside *o)
{
    struct sending *s = o->sending;
    if (s->status == 202 && !s->kept && o->live->sent_n > 0 &&
        o->live->sent_bytes + s->m.content.n > TURN_BYTES_MAX) {
        o->stepping = true; /* with the next turn */
    } else if (s->status == 202) {
        succeed(s);
    } else if (!retried(s)) {
        rac_str name = rac_http_status_name(s->status, &o->a);
        outside_fail(o, rac_arena_cstr(&o->a, name), s->error_code, s->message);
    }
}

static void end(struct sending *s, int status)
{
    s->status = status;
    outside_step(s->o, conclude);
}

static void fail(struct sending *s, int status, const char *error_code, rac_str message)
{
    s->error_code = error_code;
    s->message = message;
    end(s, status);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void added(void *arg, const struct rac_commit *c)
{
    struct sending *s = arg;
    if (c->err == RAC_OK && s->e->ports.messages_kept != NULL)
        s->e->ports.messages_kept(s->e->ports.self);
    if (came_late(s))
        return;
    s->kept = true;
    if (c->err == RAC_OK)
        end(s, 202);
    else
        fail(s, 503, "ServiceUnavailable", RAC_S("The message could not be kept."));
}

/* Everything is known: it goes, unless too much waits already. */
static void send_it(struct sending *s, const struct rac_batch *b)
{
    struct live *l = s->o->live;
    const struct rac_flow_store *fs = s->e->ports.store;
    int64_t messages, bytes;
    s->m.batch = rac_arena_str(&s->o->a, b->name);
    s->m.full = b->full;
    if (fs->message_count(fs->self, s->to->key, &messages, &bytes) != RAC_OK) {
        fail(s, 503, "ServiceUnavailable", RAC_S("The batch could not be read."));
        return;
    }
    if (messages >= RAC_BATCH_WAITING_MAX ||
        bytes + (int64_t)s->m.content.n > RAC_BATCH_WAITING_BYTES_MAX) {
        fail(s, 429, "BatchFull",
             rac_arena_printf(&s->o->a,
                              "%lld messages wait in the batches of workflow '%.*s' and are not "
                              "released; no more are taken. See whether its runs are held up, or "
                              "lower its release criteria.",
                              (long long)messages, RAC_FMT(s->to->name)));
        return;
    }
    if (!l->flow->stateless) {
        end(s, 202);
        return;
    }
    s->looking = true;
    fs->message_add(fs->self, &s->m, added, s);
}

/* A name out of an expression may be a number; absent and empty are no name. */
static rac_str text_of(const struct sending *s, const char *member)
{
    const struct rac_json *v = get(&s->o->x->inputs, member);
    return v != NULL ? rac_expr_text(v, &s->o->a) : RAC_S("");
}

static rac_str batch_name(const struct sending *s)
{
    return text_of(s, "batchName");
}

static void no_batch(struct sending *s, rac_str there)
{
    fail(s, 404, "BatchNotFound",
         rac_arena_printf(&s->o->a,
                          "The trigger '%.*s' of workflow '%.*s' has no batch '%.*s'; its batches "
                          "are: %.*s.",
                          RAC_FMT(s->m.trigger), RAC_FMT(s->to->name), RAC_FMT(batch_name(s)),
                          RAC_FMT(there)));
}

static void account_answered(void *arg, rac_err err, rac_str why,
                             const struct rac_artifact_content *c)
{
    struct sending *s = arg;
    if (came_late(s))
        return;
    struct rac_arena *a = &s->o->a;
    struct rac_trigger_context context = {.flow = s->to, .env = s->e->ports.env};
    const struct rac_flow_trigger *t = rac_flow_trigger_find(s->to, s->m.trigger);
    struct rac_batches all;
    struct rac_batch b;
    rac_str because;
    if (err == RAC_E_IO || err == RAC_E_BUSY) {
        fail(s, 503, "ServiceUnavailable", RAC_S("The integration account could not be read."));
    } else if (err != RAC_OK) {
        no_batch(
            s, rac_arena_printf(
                   a, "those of its integration account, where %.*s",
                   RAC_FMT(rac_str_endsi(why, RAC_S(".")) ? rac_str_sub(why, 0, why.n - 1) : why)));
    } else if (!rac_batches_of(t, &context, a, &all, &because) ||
               !rac_batches_has(&all, c->name, &c->properties)) {
        no_batch(s,
                 rac_arena_printf(a, "those of its integration account in the batch group '%.*s'",
                                  RAC_FMT(all.group)));
    } else if (!rac_batch_read(c->name, get(&c->properties, "releaseCriteria"), a, &b, &because)) {
        fail(s, 400, "BatchNotValid",
             rac_arena_printf(a, "The batch configuration '%.*s' is not valid: %.*s.",
                              RAC_FMT(c->name), RAC_FMT(because)));
    } else {
        send_it(s, &b);
    }
}

/* The trigger is there: which of its batches? */
static void find_batch(struct sending *s, const struct rac_flow_trigger *t)
{
    struct rac_arena *a = &s->o->a;
    const struct rac_engine_ports *ports = &s->e->ports;
    struct rac_trigger_context context = {.flow = s->to, .env = ports->env};
    struct rac_batches all;
    rac_str why;
    s->m.flow = s->to->key;
    s->m.tenant = s->to->tenant;
    s->m.trigger = t->name;
    if (!rac_batches_of(t, &context, a, &all, &why)) {
        fail(s, 400, "BatchNotValid", why);
    } else if (all.in_account && ports->artifact != NULL) {
        s->looking = true;
        ports->artifact(ports->self, s->to, RAC_ARTIFACT_BATCH, batch_name(s), account_answered, s);
    } else {
        const struct rac_batch *b = rac_batches_find(&all, batch_name(s));
        if (b != NULL)
            send_it(s, b);
        else
            no_batch(s, rac_batches_names(&all, a));
    }
}

static const struct rac_flow_trigger *only_batch(const struct rac_flow *f)
{
    const struct rac_flow_trigger *found = NULL;
    for (size_t i = 0; i < f->triggers_n; i++)
        if (f->triggers[i].class == RAC_TRIGGER_MESSAGES) {
            if (found != NULL)
                return NULL;
            found = &f->triggers[i];
        }
    return found;
}

static void found(void *arg, rac_err err, struct rac_flow *f)
{
    struct sending *s = arg;
    if (came_late(s)) {
        if (err == RAC_OK)
            rac_flow_unref(f);
        return;
    }
    struct rac_arena *a = &s->o->a;
    const struct rac_json *host = get(&s->o->x->inputs, "host");
    rac_str name = rac_json_str(get(host, "triggerName"), RAC_STR_NULL);
    if (err == RAC_E_IO || err == RAC_E_BUSY) {
        fail(s, 503, "ServiceUnavailable", RAC_S("The workflow could not be read."));
        return;
    }
    if (err == RAC_E_CONFLICT) {
        fail(s, 409, "WorkflowNameIsNotUnique",
             rac_arena_printf(a,
                              "Several workflows of the resource group carry the id '%.*s' that "
                              "action '%.*s' sends to in their names; rename or delete all but one "
                              "of them.",
                              RAC_FMT(host_workflow(&s->o->x->inputs)),
                              RAC_FMT(s->o->x->action->name)));
        return;
    }
    if (err != RAC_OK) {
        fail(s, 404, "WorkflowNotFound",
             rac_arena_printf(a,
                              "The workflow '%.*s' that action '%.*s' sends to could not be found, "
                              "or who saved this workflow may not run it.",
                              RAC_FMT(host_workflow(&s->o->x->inputs)),
                              RAC_FMT(s->o->x->action->name)));
        return;
    }
    s->to = f;
    const struct rac_flow_trigger *t =
        name.p != NULL ? rac_flow_trigger_find(f, name) : only_batch(f);
    if (!f->enabled)
        fail(s, 409, "WorkflowTriggerIsNotEnabled",
             rac_arena_printf(a, "The workflow '%.*s' is disabled and takes no messages.",
                              RAC_FMT(f->name)));
    else if (t == NULL)
        fail(s, 404, "WorkflowTriggerNotFound",
             rac_arena_printf(a, "The workflow '%.*s' has no Batch trigger '%.*s'.",
                              RAC_FMT(f->name), RAC_FMT(name)));
    else if (t->class != RAC_TRIGGER_MESSAGES)
        fail(s, 400, "WorkflowTriggerNotBatch",
             rac_arena_printf(a,
                              "The trigger '%.*s' of workflow '%.*s' is of type '%.*s'; messages "
                              "are sent to a trigger of type 'Batch'.",
                              RAC_FMT(t->name), RAC_FMT(f->name), RAC_FMT(t->type_word)));
    else if (f->stateless) /* saved when that was only warned of */
        fail(s, 400, "BatchNotValid",
             rac_arena_printf(a,
                              "The workflow '%.*s' is stateless and keeps no messages; make it "
                              "stateful.",
                              RAC_FMT(f->name)));
    else
        find_batch(s, t);
}

/* --- the message ------------------------------------------------------------------------------ */

static bool read_message(struct sending *s)
{
    struct rac_arena *a = &s->o->a;
    const struct rac_json *content = rac_json_geti(&s->o->x->inputs, RAC_S("content"));
    static const char *const names[] = {"batchName", "partitionName", "messageId"};
    for (size_t i = 0; i < RAC_COUNT(names); i++)
        if (text_of(s, names[i]).n > RAC_BATCH_NAME_MAX) {
            fail(s, 400, "BatchNameTooLong",
                 rac_arena_printf(a, "The %s of action '%.*s' has more than %d bytes.", names[i],
                                  RAC_FMT(s->o->x->action->name), RAC_BATCH_NAME_MAX));
            return false;
        }
    if (content == NULL || batch_name(s).n == 0) {
        fail(s, 400, "InvalidTemplate",
             rac_arena_printf(a, "The inputs of action '%.*s' need a 'batchName' and a 'content'.",
                              RAC_FMT(s->o->x->action->name)));
        return false;
    }
    s->m.partition = text_of(s, "partitionName");
    s->m.id = text_of(s, "messageId");
    rac_run_record_id(s->o->live->run, s->o->x, 1, s->id);
    if (s->m.partition.n == 0)
        s->m.partition = RAC_S("DEFAULT");
    if (s->m.id.n == 0)
        s->m.id = rac_str_of(s->id);
    s->m.content = rac_json_print_str(content, RAC_JSON_FLOATS, a);
    if (s->m.content.n <= RAC_BATCH_BYTES_MAX && !rac_arena_over(a))
        return true;
    fail(s, 413, "BatchMessageTooLarge",
         rac_arena_printf(a, "The content of action '%.*s' has %zu bytes; a batch takes %d.",
                          RAC_FMT(s->o->x->action->name), s->m.content.n, RAC_BATCH_BYTES_MAX));
    return false;
}

static void go(void *arg)
{
    struct sending *s = arg;
    const struct rac_engine_ports *ports = &s->e->ports;
    rac_flow_unref(s->to);
    s->to = NULL;
    s->sent_ms = engine_now(s->e);
    s->o->in_flight = true;
    s->o->due_ms = 0;
    if (!read_message(s))
        return;
    if (ports->store == NULL || ports->flow_named == NULL) {
        fail(s, 400, "BatchNeedsServer",
             rac_arena_printf(&s->o->a,
                              "Messages of a batch are kept by a server ('raccord serve'). To run "
                              "this workflow here, give outputs of action '%.*s' with --mocks.",
                              RAC_FMT(s->o->x->action->name)));
        return;
    }
    s->looking = true;
    ports->flow_named(ports->self, s->o->live->flow, host_workflow(&s->o->x->inputs), found, s);
}

/* --- beginning -------------------------------------------------------------------------------- */

void send_prepare(struct outside *o)
{
    struct live *l = o->live;
    struct rac_retry_options options = {.stateless = l->flow->stateless,
                                        .consumption =
                                            l->flow->workflow->profile == RAC_WF_CONSUMPTION};
    const struct rac_json *state = o->x->inner != NULL ? &o->x->inner->state : NULL;
    struct sending *s = rac_mem_alloc(sizeof *s);
    struct rac_diags d;
    *s = (struct sending){.o = o, .e = l->e};
    o->sending = s;
    rac_diags_init(&d, &o->a, 5);
    if (rac_retry_parse(&options, get(&o->x->inputs, "retryPolicy"), RAC_S("/inputs/retryPolicy"),
                        &o->a, &s->policy, &d) != RAC_OK) {
        outside_fail(o, "BadRequest", "InvalidTemplate",
                     d.n > 0 ? d.v[0].message : RAC_S("The retry policy is not valid."));
        return;
    }
    if (rac_json_is_object(state)) {
        s->attempt = (unsigned)rac_json_int(rac_json_get(state, RAC_S("attempt")), 0);
        s->next_ms = rac_json_int(rac_json_get(state, RAC_S("next")), 0);
    }
    o->due_ms = s->next_ms;
}

void send_start(struct outside *o)
{
    struct sending *s = o->sending;
    if (s->next_ms <= engine_now(s->e)) {
        go(s);
        return;
    }
    o->timer.fn = go;
    o->timer.arg = s;
    timer_set_wall(s->e, &o->timer, s->next_ms);
}
