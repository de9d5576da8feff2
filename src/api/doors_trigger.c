#include "api/doors_priv.h"

#include "api/firing.h"
#include "api/scheduling.h"
#include "text/url.h"
#include "workflow/definition/content.h"
#include "workflow/definition/ident.h"
#include "workflow/outside/inbound.h"
#include "workflow/definition/secure.h"

/* A trigger called from outside: request -> outputs -> engine -> answer (spec workflows §2.2, §3.3,
 * §4.11, §4.13). */

enum { RETRY_AFTER_S = 15 };

/* --- the answer ------------------------------------------------------------------------------- */

static void put(struct rac_headers *h, struct rac_arena *a, const char *name, rac_str value)
{
    rac_headers_add(h, a, rac_str_of(name), value);
}

/* §4.13, in this order. */
static void put_workflow_headers(struct rac_headers *h, struct rac_arena *a,
                                 const struct rac_fire_answer *answer)
{
    const struct rac_flow *f = answer->flow;
    rac_str correlation = rac_arena_str(a, answer->correlation);
    rac_str run = rac_arena_str(a, answer->run);
    put(h, a, "x-ms-workflow-run-id", run);
    put(h, a, "x-ms-correlation-id", correlation);
    put(h, a, "x-ms-client-tracking-id", rac_arena_str(a, answer->tracking));
    put(h, a, "x-ms-trigger-history-name", run);
    put(h, a, "x-ms-workflow-system-id",
        rac_str_concat(a, RAC_S("/scaleunits/prod-00/workflows/"), f->id));
    put(h, a, "x-ms-workflow-id", f->id);
    put(h, a, "x-ms-workflow-version", f->revision);
    put(h, a, "x-ms-workflow-name", f->name);
    put(h, a, "x-ms-tracking-id", correlation);
    put(h, a, "x-ms-request-id", rac_str_concat(a, RAC_S(":"), correlation));
}

static rac_str header_text(struct rac_arena *a, const struct rac_json *v)
{
    return v->type == RAC_JSON_STRING ? rac_arena_str(a, rac_json_str(v, RAC_S("")))
                                      : rac_json_print_str(v, 0, a);
}

void rac_door_reply_response(struct rac_passage *p, struct rac_headers *h, int status,
                             const struct rac_json *response)
{
    struct rac_arena *a = p->x->arena;
    const struct rac_json *headers = RAC_JSON_GET(response, "headers");
    const struct rac_json *body = RAC_JSON_GET(response, "body");
    struct rac_content_options o = {0};
    struct rac_content content = {0};
    rac_str why;
    RAC_JSON_EACH_MEMBER(m, headers)
    {
        rac_str name = rac_arena_str(a, rac_json_key(m));
        if (m->value.type == RAC_JSON_NULL)
            continue;
        rac_str text = header_text(a, &m->value);
        if (rac_str_eqi(name, RAC_S("Content-Type")))
            o.content_type = text;
        else
            rac_headers_set(h, a, name, text);
    }
    rac_env_random(p->w->env, o.random, sizeof o.random);
    if (body != NULL && rac_content_write(body, &o, a, &content, &why) != RAC_OK) {
        rac_passage_refuse(p, 502, "BadGateway", why, 0);
        return;
    }
    if (content.present && content.type.p != NULL)
        rac_headers_add(h, a, RAC_S("Content-Type"), rac_arena_str(a, content.type));
    rac_headers_del(h, RAC_S("Content-Security-Policy")); /* the action's own is no say here */
    rac_api_tame(h, a);
    /* What is not in the exchange's arena ends with the run. */
    rac_http_reply(p->x, status, h,
                   content.present ? rac_arena_str(a, content.bytes) : RAC_STR_NULL);
}

/* 202: with where to look for the answer when one is to come (§3.3). */
static void reply_accepted(struct rac_passage *p, struct rac_headers *h,
                           const struct rac_fire_answer *answer)
{
    struct rac_arena *a = p->x->arena;
    const struct rac_flow *f = answer->flow;
    if (answer->async) {
        struct rac_callback_place place = {.public_url = p->w->service->public_url,
                                           .key = {(const char *)f->keys[0], sizeof f->keys[0]}};
        struct rac_callback c = {.form = RAC_CALLBACK_OPERATION,
                                 .workflow_id = f->id,
                                 .run = answer->run,
                                 .operation = answer->correlation};
        put(h, a, "Location", rac_callback_url(&place, &c, a));
        put(h, a, "Retry-After", rac_arena_printf(a, "%d", RETRY_AFTER_S));
    }
    rac_http_reply(p->x, 202, h, RAC_STR_NULL);
}

static void reply_late(struct rac_passage *p, const struct rac_fire_answer *answer)
{
    struct rac_arena *a = p->x->arena;
    if (answer->outcome == RAC_FIRE_TIMED_OUT)
        rac_passage_refuse(
            p, 504, "GatewayTimeout",
            RAC_S("The server did not receive an answer of the workflow in time. The "
                  "run goes on."),
            0);
    else
        rac_passage_refuse(
            p, 502, "NoResponse",
            rac_arena_printf(a,
                             "The server did not receive a response from an upstream server. "
                             "Request tracking id '%.*s'.",
                             RAC_FMT(answer->run)),
            0);
}

static void reply(struct rac_passage *p, const struct rac_fire_answer *answer)
{
    struct rac_arena *a = p->x->arena;
    struct rac_headers h = {0};
    bool busy = answer->outcome == RAC_FIRE_BUSY;
    if (busy || answer->outcome == RAC_FIRE_FAILED) {
        int status = answer->status > 0 ? answer->status : 503;
        const char *code = answer->code.n > 0 ? rac_arena_cstr(a, answer->code)
                           : busy             ? "ServerBusy"
                                              : "ServiceUnavailable";
        int64_t retry_s = (answer->retry_after_ms + 999) / 1000;
        rac_passage_refuse(p, status, code, rac_arena_str(a, answer->message),
                           retry_s == 0 && status != 404 ? 1 : retry_s);
        return;
    }
    if (answer->outcome == RAC_FIRE_TIMED_OUT || answer->outcome == RAC_FIRE_NO_RESPONSE) {
        reply_late(p, answer);
        return;
    }
    bool accepted = answer->outcome == RAC_FIRE_STARTED || answer->async;
    if (!p->trigger->suppresses_headers && answer->run.n > 0 && (accepted || answer->status < 300))
        put_workflow_headers(&h, a, answer);
    if (accepted)
        reply_accepted(p, &h, answer);
    else
        rac_door_reply_response(p, &h, answer->status, &answer->response);
}

void rac_door_fired(void *arg, const struct rac_fire_answer *answer)
{
    struct rac_passage *p = arg;
    p->firing = false;
    if (p->x != NULL)
        reply(p, answer);
}

/* --- the request ------------------------------------------------------------------------------ */

/* Fired, split or not fired at all: to whoever called, all of these are accepted. */
static void judged(void *arg, const struct rac_fire_answer *answer)
{
    struct rac_passage *p = arg;
    if (rac_passage_release(p))
        reply(p, answer);
}

static void fire(struct rac_passage *p, const struct rac_json *outputs)
{
    rac_str tracking = rac_http_header(p->x, "x-ms-client-tracking-id");
    bool waits = p->live->responds && !p->trigger->splits;
    if (p->trigger->judged) {
        rac_passage_hold(p);
        rac_fire_trigger(p->w, p->live, p->trigger, outputs, tracking, waits, judged, p);
        return;
    }
    struct rac_fire f = {.flow = p->live->flow,
                         .trigger = p->trigger->name,
                         .outputs = outputs,
                         .tracking = tracking,
                         .waits = waits};
    p->firing = true;
    rac_engine_fire(rac_runner_engine(p->w->runner), &f, rac_door_fired, p);
}

/* Why a request that came in was refused, for the trigger's history. */
static void record_refusal(struct rac_passage *p, const struct rac_wf_fault *fault)
{
    struct rac_arena *a = p->x->arena;
    struct rac_json e = rac_json_new_object(a);
    struct rac_namer namer = {.env = p->w->env};
    char name[RAC_RUN_NAME_TEXT];
    rac_ms now = rac_env_wall_ms(p->w->env);
    if (p->live->flow->stateless)
        return;
    rac_run_name(&namer, now, 0, 1, name);
    RAC_JSON_PUT_STR(a, &e, "code", rac_str_of(fault->code));
    RAC_JSON_PUT_STR(a, &e, "message", fault->message);
    e = rac_secure_error(p->live->flow->plan, RAC_SECURE_TRIGGER, &e, a);
    struct rac_flow_event_row row = {.name = rac_str_of(name),
                                     .trigger = p->trigger->name,
                                     .status = RAC_S("Failed"),
                                     .code = rac_str_of(fault->code),
                                     .error = rac_json_print_str(&e, 0, a),
                                     .start_ms = now,
                                     .end_ms = now};
    p->w->fs->event_add(p->w->fs->self, p->live->flow->key, p->live->flow->tenant, &row, NULL,
                        NULL);
}

/* What a notification says is of no interest: the trigger fetches (§2.8). */
static void notified(struct rac_passage *p)
{
    rac_scheduling_notify(p->w, p->live->flow->key, p->trigger->name);
    rac_http_reply(p->x, 202, NULL, RAC_STR_NULL);
}

static void got_body(struct rac_passage *p, rac_str body)
{
    struct rac_http_exchange *x = p->x;
    struct rac_wf_fault fault;
    struct rac_json outputs;
    struct rac_headers headers = {0};
    if (p->trigger->rule->class == RAC_TRIGGER_NOTIFICATION) {
        notified(p);
        return;
    }
    rac_http_headers(x, &headers);
    struct rac_inbound_request r = {.method = x->method,
                                    .relative = p->to.relative,
                                    .query = x->query,
                                    .headers = &headers,
                                    .body = body};
    if (!rac_inbound_read(p->trigger->inbound, &r, x->arena, &outputs, &fault)) {
        record_refusal(p, &fault);
        rac_passage_fault(p, &fault);
        return;
    }
    fire(p, &outputs);
}

void rac_door_trigger(struct rac_passage *p)
{
    struct rac_wf_fault fault;
    const struct rac_flow *f = p->live->flow;
    if (!f->enabled) {
        rac_inbound_disabled(f->name, p->trigger->name, RAC_S("Disabled"), p->x->arena, &fault);
        rac_passage_fault(p, &fault);
        return;
    }
    if (p->x->content_length > RAC_INBOUND_BYTES_MAX) {
        rac_passage_too_large(p);
        return;
    }
    rac_passage_body(p, got_body);
}
