#include "api/doors_priv.h"

#include "api/ops/runs.h"
#include "base/mem.h"
#include "workflow/definition/content.h"
#include "workflow/outside/inbound.h"
#include "workflow/definition/secure.h"

/* Signed URLs of a run: a webhook action called back, recorded values, the status of an
 * asynchronous answer. */

/* --- webhook actions -------------------------------------------------------------------------- */

static void called_back(void *arg, rac_err err, rac_str why)
{
    struct rac_passage *p = arg;
    if (!rac_passage_release(p))
        return;
    if (err == RAC_OK)
        rac_http_reply(p->x, 200, &(struct rac_headers){0}, RAC_STR_NULL);
    else if (err == RAC_E_NOT_FOUND)
        rac_passage_refuse(p, 404, "WorkflowRunActionNotFound",
                           RAC_S("The run is not there, or has no such action."), 0);
    else if (err == RAC_E_CONFLICT)
        rac_passage_refuse(p, 409, "WorkflowRunActionNotWaiting",
                           RAC_S("The action does not wait for a call any more."), 0);
    else
        rac_passage_unable(p, err, why, "The call could not be recorded.");
}

static void got_body(struct rac_passage *p, rac_str body)
{
    struct rac_http_exchange *x = p->x;
    struct rac_arena *a = x->arena;
    struct rac_headers headers = {0};
    struct rac_json outputs, empty = rac_json_new_object(a);
    struct rac_wf_fault fault;
    struct rac_inbound *any;
    rac_http_headers(x, &headers);
    struct rac_inbound_request r = {
        .method = x->method, .query = x->query, .headers = &headers, .body = body};
    (void)!rac_inbound_compile(RAC_WF_STANDARD, RAC_S("callback"), &empty, RAC_S(""), a, &any,
                               NULL);
    if (!rac_inbound_read(any, &r, a, &outputs, &fault)) {
        rac_passage_fault(p, &fault);
        return;
    }
    RAC_JSON_PUT(a, &outputs, "statusCode", rac_json_of_int(200));
    rac_passage_hold(p);
    rac_runner_callback(p->w, p->live->flow->key, p->to.run, p->to.action, p->to.repetition,
                        &outputs, called_back, p);
}

void rac_door_action(struct rac_passage *p)
{
    rac_passage_body(p, got_body);
}

/* --- what a run recorded ---------------------------------------------------------------------- */

/* A run with its history; what it points to is in the exchange's arena. */
struct opening {
    struct rac_passage *p;
    struct rac_flow_run_row run;
    struct rac_run_source from;
    struct rac_history_source source;
    struct rac_history *history;
    void (*then)(struct opening *o);
};

static void gone(struct rac_passage *p)
{
    rac_passage_refuse(p, 404, "WorkflowRunNotFound",
                       RAC_S("The workflow run is not found; its history may have ended."), 0);
}

static void plan_ready(void *arg, rac_err err, struct rac_live_flow *f, rac_str why)
{
    struct rac_passage *p = arg;
    (void)why;
    if (!rac_passage_release(p))
        return;
    struct opening *o = p->more;
    if (err == RAC_OK) {
        (void)rac_flow_ref(f->flow); /* the version of the run in place of the newest */
        rac_flow_unref(p->live->flow);
        p->live = f;
        o->source = rac_run_history_source(&o->from);
        err = rac_history_open(f->flow->plan, &o->source, p->x->arena, &o->history);
    }
    if (err != RAC_OK)
        rac_passage_refuse(p, 500, "InternalServerError",
                           RAC_S("The history of the run cannot be read."), 0);
    else
        o->then(o);
}

static void open_run(struct rac_passage *p, rac_str name, void (*then)(struct opening *o))
{
    struct opening *o = p->more = rac_mem_alloc(sizeof *o);
    const struct rac_flow_store *fs = p->w->fs;
    o->p = p;
    o->then = then;
    if (fs->run_get(fs->self, p->live->flow->key, name, p->x->arena, &o->run) != RAC_OK) {
        gone(p);
        return;
    }
    o->from = (struct rac_run_source){fs, o->run.id};
    rac_passage_hold(p);
    rac_flows_want_version(p->w->flows, p->live->flow->key, o->run.revision, plan_ready, p);
}

static void reply_text(struct rac_passage *p, rac_str text)
{
    struct rac_headers h = {0};
    rac_headers_add(&h, p->x->arena, RAC_S("Content-Type"),
                    RAC_S("application/json; charset=utf-8"));
    rac_headers_add(&h, p->x->arena, RAC_S("X-Content-Type-Options"), RAC_S("nosniff"));
    rac_headers_add(&h, p->x->arena, RAC_S("Content-Security-Policy"), RAC_S("sandbox"));
    rac_http_reply(p->x, text.n > 0 ? 200 : 204, &h, text.n > 0 ? text : RAC_STR_NULL);
}

/* The body of one request of an action (§7.4 bodyLink). */
static const struct rac_history_value *body_of(struct opening *o)
{
    struct rac_passage *p = o->p;
    struct rac_history_request *v;
    size_t n;
    if (rac_history_requests(o->history, p->to.action, p->to.repetition, p->x->arena, &v, &n) !=
        RAC_OK)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (rac_str_eq(rac_str_of(v[i].name), p->to.request))
            return rac_str_eqi(p->to.content, RAC_S("RequestBody")) ? &v[i].request_body
                                                                    : &v[i].response_body;
    return NULL;
}

static const struct rac_history_value *value_of(struct opening *o, struct rac_history_record *room)
{
    struct rac_passage *p = o->p;
    const struct rac_history_run *run = rac_history_run(o->history);
    const struct rac_history_record *r = NULL;
    bool inputs = rac_str_endsi(p->to.content, RAC_S("Inputs"));
    if (p->to.form == RAC_CALLBACK_RUN_CONTENT || p->to.form == RAC_CALLBACK_HISTORY_CONTENT)
        return inputs ? &run->inputs : &run->outputs;
    if (p->to.form == RAC_CALLBACK_REQUEST_CONTENT ||
        p->to.form == RAC_CALLBACK_REPETITION_REQUEST_CONTENT)
        return body_of(o);
    if (p->to.form == RAC_CALLBACK_ACTION_CONTENT)
        r = rac_history_action(o->history, p->to.action);
    else if (p->to.form == RAC_CALLBACK_REPETITION_CONTENT &&
             rac_history_repetition(o->history, p->to.action, p->to.repetition, p->x->arena,
                                    room) == RAC_OK)
        r = room;
    if (r == NULL)
        return NULL;
    return inputs ? &r->inputs : &r->outputs;
}

static void send_value(struct opening *o)
{
    struct rac_passage *p = o->p;
    struct rac_history_record room;
    rac_str text = RAC_STR_NULL;
    const struct rac_history_value *v = value_of(o, &room);
    if (v == NULL || v->secured) {
        rac_passage_refuse(p, 404, "ContentNotFound",
                           RAC_S("There is no such content, or it is kept secret."), 0);
        return;
    }
    if (v->has && rac_history_value(o->history, v, p->x->arena, &text) != RAC_OK) {
        rac_passage_refuse(p, 500, "InternalServerError", RAC_S("The content cannot be read."), 0);
        return;
    }
    reply_text(p, text);
}

/* An evaluation that started no run has its values in its own row. */
static bool send_event(struct rac_passage *p)
{
    struct rac_flow_event_row e;
    const struct rac_flow_store *fs = p->w->fs;
    if (fs->event_get(fs->self, p->live->flow->key, p->to.trigger, p->to.history, p->x->arena,
                      &e) != RAC_OK)
        return false;
    bool inputs = rac_str_endsi(p->to.content, RAC_S("Inputs"));
    const struct rac_plan *plan = p->live->flow->plan;
    if (rac_secure_of_trigger(plan) & (inputs ? RAC_SECURE_INPUTS : RAC_SECURE_OUTPUTS))
        rac_passage_refuse(p, 404, "ContentNotFound", RAC_S("The content is kept secret."), 0);
    else
        reply_text(p, rac_secure_mask_text(rac_secure_values_of_plan(plan),
                                           inputs ? e.inputs : e.outputs, p->x->arena));
    return true;
}

void rac_door_content(struct rac_passage *p)
{
    if (!rac_str_eq(p->x->method, RAC_S("GET")) && !rac_str_eq(p->x->method, RAC_S("HEAD"))) {
        rac_passage_refuse(p, 405, "MethodNotAllowed", RAC_S("Content is read with GET."), 0);
        return;
    }
    bool history = p->to.form == RAC_CALLBACK_HISTORY_CONTENT;
    if (!history || !send_event(p))
        open_run(p, history ? p->to.history : p->to.run, send_value);
}

/* --- asynchronous answers --------------------------------------------------------------------- */

static void send_status(struct opening *o)
{
    struct rac_passage *p = o->p;
    struct rac_arena *a = p->x->arena;
    const struct rac_history_run *run = rac_history_run(o->history);
    struct rac_headers h = {0};
    struct rac_json response;
    rac_str text;
    if (run->responded && rac_history_value_raw(o->history, &run->response, a, &text) == RAC_OK &&
        rac_json_parse(text, a, RAC_JSON_OWN, &response, NULL) == RAC_OK) {
        int64_t status = rac_json_int(RAC_JSON_GET(&response, "statusCode"), 200);
        rac_door_reply_response(p, &h, (int)status, &response);
        return;
    }
    if (o->run.end_ms != 0) {
        rac_passage_refuse(p, 502, "NoResponse",
                           rac_arena_printf(a,
                                            "The server did not receive a response from an "
                                            "upstream server. Request tracking id '%.*s'.",
                                            RAC_FMT(o->run.name)),
                           0);
        return;
    }
    rac_headers_add(&h, a, RAC_S("Location"),
                    rac_arena_printf(a, "%.*s%.*s?%.*s", RAC_FMT(p->w->service->public_url),
                                     RAC_FMT(p->x->path), RAC_FMT(p->x->query)));
    rac_headers_add(&h, a, RAC_S("Retry-After"), RAC_S("15"));
    rac_http_reply(p->x, 202, &h, RAC_STR_NULL);
}

void rac_door_operation(struct rac_passage *p)
{
    open_run(p, p->to.run, send_status);
}
