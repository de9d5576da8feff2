/* Workflow actions: another workflow invoked inside the engine (spec workflows §3.4). */
#include "base/mem.h"
#include "base/str.h"
#include "workflow/engine/engine_priv.h"
#include "workflow/definition/http_status.h"
#include "workflow/definition/options.h"
#include "workflow/definition/trigger.h"
#include "workflow/outside/inbound.h"
#include "workflow/scheduler/scheduler.h"

struct nested {
    struct outside *o; /* NULL: nobody waits any more */
    struct rac_engine *e;
    bool fired;   /* here: may be left */
    bool away;    /* fired on another worker */
    bool looking; /* for the workflow */
    enum rac_fire_outcome outcome;
    rac_err err;
    int status;
    rac_str code, message, run;
    struct rac_json outputs; /* what it said */
};

static void answered(void *arg, const struct rac_fire_answer *a);

void nested_free(struct outside *o)
{
    struct nested *n = o->nested;
    if (n == NULL)
        return;
    o->nested = NULL;
    n->o = NULL;
    if (n->fired)
        rac_engine_leave(n->e, answered, n);
    if (!n->looking && !n->away) /* else what comes back frees it */
        rac_mem_free(n);
}

static void no_flow(struct outside *o)
{
    outside_fail(o, "NotFound", "WorkflowNotFound",
                 rac_arena_printf(&o->a,
                                  "The workflow '%.*s' that action '%.*s' calls could not be "
                                  "found, or the author of this one may not run it.",
                                  RAC_FMT(host_workflow(&o->x->inputs)),
                                  RAC_FMT(o->x->action->name)));
}

static void several_flows(struct outside *o)
{
    outside_fail(
        o, "Conflict", "WorkflowNameIsNotUnique",
        rac_arena_printf(&o->a,
                         "Several workflows of the resource group carry the id '%.*s' that "
                         "action '%.*s' calls in their names; rename or delete all but one "
                         "of them.",
                         RAC_FMT(host_workflow(&o->x->inputs)), RAC_FMT(o->x->action->name)));
}

static void disabled(struct outside *o)
{
    outside_fail(o, "BadRequest", "WorkflowTriggerIsNotEnabled",
                 rac_arena_printf(&o->a,
                                  "The workflow '%.*s' that action '%.*s' calls is disabled; "
                                  "enable it to have it called.",
                                  RAC_FMT(host_workflow(&o->x->inputs)),
                                  RAC_FMT(o->x->action->name)));
}

static rac_str trigger_named(const struct rac_json *inputs)
{
    return rac_json_str(RAC_JSON_GETI(RAC_JSON_GETI(inputs, "host"), "triggerName"), RAC_STR_NULL);
}

static void no_trigger(struct outside *o)
{
    rac_str name = trigger_named(&o->x->inputs);
    outside_fail(o, "NotFound", "WorkflowTriggerNotFound",
                 rac_arena_printf(&o->a,
                                  "The workflow '%.*s' that action '%.*s' calls has no Request "
                                  "trigger%s%.*s%s: give it one, or correct the action's "
                                  "'host.triggerName'.",
                                  RAC_FMT(host_workflow(&o->x->inputs)),
                                  RAC_FMT(o->x->action->name), name.n > 0 ? " '" : "",
                                  RAC_FMT(name), name.n > 0 ? "'" : ""));
}

static void refused(struct outside *o)
{
    struct nested *n = o->nested;
    outside_fail(o, "BadRequest", rac_arena_cstr(&o->a, n->code), n->message);
}

/* Only requests can be made of a workflow (§3.4). Whoever runs a file compiles no triggers. */
static bool can_be_called(const struct rac_flow *f, rac_str trigger)
{
    const struct rac_flow_trigger *t;
    if (f->triggers == NULL)
        return true;
    t = rac_flow_trigger_find(f, trigger.n > 0 ? trigger : f->plan->trigger_name);
    return t != NULL && t->class == RAC_TRIGGER_REQUEST;
}

static void no_response_action(struct outside *o)
{
    outside_fail(o, "NestedWorkflowDoesNotContainResponseAction",
                 "NestedWorkflowDoesNotContainResponseAction",
                 rac_arena_printf(&o->a,
                                  "The workflow that action '%.*s' calls has no Response action; "
                                  "set the operation option 'DisableAsyncPattern' to go on without "
                                  "waiting for it.",
                                  RAC_FMT(o->x->action->name)));
}

/* In a turn: the child said what it had to say. */
static void conclude(struct outside *o)
{
    struct nested *n = o->nested;
    const struct rac_json *outputs = &n->outputs;
    o->facts = true;
    switch (n->outcome) {
    case RAC_FIRE_RESPONSE:
        n->status = (int)rac_json_int(rac_json_get(outputs, RAC_S("statusCode")), 200);
        outside_settle(o, n->status < 400 ? RAC_WF_SUCCEEDED : RAC_WF_FAILED,
                       rac_http_status_name(n->status, &o->a), outputs, NULL);
        return;
    case RAC_FIRE_STARTED:
        outside_settle(o, RAC_WF_SUCCEEDED, RAC_S("Accepted"), outputs, NULL);
        return;
    case RAC_FIRE_NO_RESPONSE:
        outside_fail(o, "BadGateway", "NoResponse",
                     rac_arena_printf(&o->a,
                                      "The server did not receive a response from an upstream "
                                      "server. Request tracking id '%.*s'.",
                                      RAC_FMT(n->run)));
        return;
    default:
        outside_fail(o,
                     n->status == 429   ? "TooManyRequests"
                     : n->status == 404 ? "NotFound"
                                        : "ServiceUnavailable",
                     n->code.n > 0 ? rac_arena_cstr(&o->a, n->code) : "ServiceUnavailable",
                     n->message);
    }
}

static void answered(void *arg, const struct rac_fire_answer *a)
{
    struct nested *n = arg;
    struct outside *o = n->o;
    n->fired = n->away = false;
    if (o == NULL) {
        rac_mem_free(n);
        return;
    }
    struct rac_json out = rac_json_new_object(&o->a);
    n->outcome = a->outcome;
    n->status = a->status;
    n->code = rac_arena_str(&o->a, a->code);
    n->message = rac_arena_str(&o->a, a->message);
    n->run = rac_arena_str(&o->a, a->run);
    if (a->outcome == RAC_FIRE_RESPONSE) {
        out = rac_json_copy(&o->a, &a->response);
    } else {
        struct rac_json headers = rac_json_new_object(&o->a);
        if (n->run.n > 0) /* else its trigger did not fire, or several runs began */
            RAC_JSON_PUT_STR(&o->a, &headers, "x-ms-workflow-run-id", n->run);
        RAC_JSON_PUT(&o->a, &out, "statusCode", rac_json_of_int(202));
        RAC_JSON_PUT(&o->a, &out, "headers", headers);
    }
    n->outputs = out;
    outside_step(o, conclude);
}

static bool keeps_authorization(const struct rac_flow *f, rac_str trigger)
{
    const struct rac_json *t =
        rac_json_geti(RAC_JSON_GETI(f->workflow->definition, "triggers"), trigger);
    return rac_options_have(rac_options_of(t != NULL ? t : f->plan->trigger),
                            RAC_S("IncludeAuthorizationHeadersInOutputs"));
}

/* Of the child's trigger, as if they had come by HTTP (§2.2). Recorded inputs hold no credentials:
 * where the trigger asks for them, they are evaluated again. */
static struct rac_json headers_of(struct outside *o, bool authorization)
{
    struct rac_arena *a = &o->a;
    struct rac_json out = rac_json_new_object(a), again;
    const struct rac_json *headers = RAC_JSON_GETI(&o->x->inputs, "headers");
    rac_str why;
    if (authorization && RAC_JSON_GETI(headers, "Authorization") != NULL &&
        rac_run_evaluate(o->live->run, o->x, o->x->action->inputs, &again, &why) == RAC_OK)
        headers = RAC_JSON_GETI(&again, "headers");
    RAC_JSON_EACH_MEMBER(m, headers)
    if (authorization || !rac_str_eqi(rac_json_key(m), RAC_S("Authorization")))
        rac_json_put(a, &out, rac_json_key(m), rac_json_of_str(rac_expr_text(&m->value, a)));
    return out;
}

static void judged(void *arg, size_t started, const struct rac_fire_answer *answer)
{
    (void)started;
    answered(arg, answer);
}

/* What the child's trigger says to being called (§2.11): true when that is one run, as `call` says
 * then. Else it is as with callers from outside: whatever comes of it was accepted. */
static bool one_run(struct outside *o, const struct rac_flow_trigger *rule, struct rac_fire *call)
{
    struct rac_engine_ports *ports = &o->live->e->ports;
    struct rac_trigger_context c = {.flow = call->flow, .env = ports->env};
    struct rac_trigger_verdict v;
    rac_trigger_judge(rule, &c, call->outputs, &o->a, &v);
    if (!rule->splits && v.n == 1 && v.items[0].outcome == RAC_TRIGGER_FIRES) {
        if (v.items[0].tracking.p != NULL)
            call->tracking = v.items[0].tracking;
        return true;
    }
    struct rac_firing firing = {.engine = o->live->e,
                                .store = call->flow->stateless ? NULL : ports->store,
                                .env = ports->env,
                                .flow = call->flow,
                                .trigger = rule,
                                .outputs = call->outputs,
                                .tracking = call->tracking,
                                .correlation = call->correlation,
                                .depth = call->depth};
    o->in_flight = true;
    o->nested->away = true;
    if (ports->firing_counted != NULL && ports->worker != RAC_ENGINE_COUNTING_WORKER &&
        rule->runs > 0)
        ports->firing_counted(ports->self, &firing, answered, o->nested);
    else
        rac_trigger_fire(&firing, judged, o->nested);
    return false;
}

/* The child's history tells of a call that its schema refused, as of one that came by HTTP. */
static void record_refusal(struct outside *o, const struct rac_flow *f,
                           const struct rac_flow_trigger *rule, const struct rac_wf_fault *fault)
{
    const struct rac_engine_ports *ports = &o->live->e->ports;
    struct rac_namer namer = {.env = ports->env};
    rac_ms now = rac_env_wall_ms(ports->env);
    if (ports->store == NULL || f->stateless || rule == NULL)
        return;
    struct rac_flow_event_row row = rac_trigger_event(
        rule, &namer, RAC_TRIGGER_FAILS, rac_str_of(fault->code), fault->message, now, now, &o->a);
    ports->store->event_add(ports->store->self, f->key, f->tenant, &row, NULL, NULL);
}

/* What the schema of the child's trigger says to the body (§2.2); false: the action has failed. */
static bool body_fits(struct outside *o, const struct rac_flow *f)
{
    rac_str trigger = flow_trigger_name(f, trigger_named(&o->x->inputs));
    const struct rac_json *node =
        rac_json_geti(RAC_JSON_GETI(f->workflow->definition, "triggers"), trigger);
    const struct rac_json *said = RAC_JSON_GETI(&o->x->inputs, "body"), *body = &rac_json_none;
    struct rac_inbound *in;
    struct rac_wf_fault fault;
    if (said != NULL && said->type != RAC_JSON_NULL)
        body = said;
    /* A schema that does not compile refuses every call. */
    (void)!rac_inbound_compile(f->workflow->profile, trigger, node, RAC_S(""), &o->a, &in, NULL);
    if (rac_inbound_check_body(in, body, &o->a, &fault))
        return true;
    record_refusal(o, f, rac_flow_trigger_find(f, trigger), &fault);
    o->nested->code = rac_str_of(fault.code);
    o->nested->message = fault.message;
    outside_step(o, refused);
    return false;
}

static void fire(struct outside *o, struct rac_flow *f)
{
    struct live *l = o->live;
    struct rac_arena *a = &o->a;
    const struct rac_engine_ports *ports = &l->e->ports;
    const struct rac_json *in = &o->x->inputs, *body = RAC_JSON_GETI(in, "body"),
                          *queries = RAC_JSON_GETI(in, "queries");
    rac_str trigger = trigger_named(in);
    struct rac_json outputs = rac_json_new_object(a);
    unsigned waiting;
    RAC_JSON_PUT(a, &outputs, "headers", headers_of(o, keeps_authorization(f, trigger)));
    if (rac_json_len(queries) > 0)
        RAC_JSON_PUT(a, &outputs, "queries", *queries);
    if (body != NULL && body->type != RAC_JSON_NULL)
        RAC_JSON_PUT(a, &outputs, "body", *body);
    struct rac_fire call = {.flow = f,
                            .trigger = trigger,
                            .outputs = &outputs,
                            .tracking = rac_run_tracking(l->run),
                            .correlation = rac_run_correlation(l->run),
                            .waits = true,
                            .depth = rac_run_depth(l->run) + 1};
    const struct rac_flow_trigger *rule = rac_flow_trigger_find(f, flow_trigger_name(f, trigger));
    if (rule != NULL && !one_run(o, rule, &call))
        return;
    o->in_flight = true;
    if (ports->fire_counted != NULL && ports->worker != RAC_ENGINE_COUNTING_WORKER &&
        flow_trigger_limit(f, flow_trigger_name(f, trigger), &waiting) > 0) {
        o->nested->away = true;
        ports->fire_counted(ports->self, &call, answered, o->nested);
    } else {
        o->nested->fired = true;
        rac_engine_fire(l->e, &call, answered, o->nested);
    }
}

static void found(void *arg, rac_err err, struct rac_flow *f)
{
    struct nested *n = arg;
    struct outside *o = n->o;
    n->looking = false;
    if (o == NULL) {
        if (err == RAC_OK)
            rac_flow_unref(f);
        rac_mem_free(n);
        return;
    }
    if (err != RAC_OK) {
        outside_step(o, err == RAC_E_CONFLICT ? several_flows : no_flow);
        return;
    }
    if (!f->enabled)
        outside_step(o, disabled);
    else if (!can_be_called(f, trigger_named(&o->x->inputs)))
        outside_step(o, no_trigger);
    else if (!f->plan->responds && o->live->flow->workflow->profile == RAC_WF_STANDARD &&
             !(o->x->action->options & RAC_WF_DISABLE_ASYNC))
        outside_step(o, no_response_action);
    else if (body_fits(o, f))
        fire(o, f);
    rac_flow_unref(f);
}

static void too_deep(struct outside *o)
{
    outside_fail(o, "BadRequest", "NestedWorkflowDepthExceeded",
                 RAC_S("Workflows call each other more than 100 levels deep."));
}

rac_str host_workflow(const struct rac_json *inputs)
{
    const struct rac_json *host = RAC_JSON_GETI(inputs, "host");
    rac_str id = rac_json_str(RAC_JSON_GETI(RAC_JSON_GETI(host, "workflow"), "id"), RAC_STR_NULL);
    if (id.p == NULL)
        id = rac_json_str(RAC_JSON_GETI(host, "workflowReferenceName"), RAC_STR_NULL);
    return id.p != NULL ? id : rac_json_str(RAC_JSON_GETI(host, "id"), RAC_S(""));
}

void nested_start(struct outside *o)
{
    struct live *l = o->live;
    rac_str id = host_workflow(&o->x->inputs);
    if (rac_run_depth(l->run) >= NESTED_DEPTH_MAX) {
        outside_step(o, too_deep);
        return;
    }
    if (l->e->ports.flow_named == NULL) {
        outside_step(o, no_flow);
        return;
    }
    struct nested *n = rac_mem_alloc(sizeof *n);
    *n = (struct nested){.o = o, .e = l->e, .looking = true};
    o->nested = n;
    o->in_flight = true;
    l->e->ports.flow_named(l->e->ports.self, l->flow, id, found, n);
}
