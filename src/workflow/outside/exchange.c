/*
 * An action that sends requests: sent, judged, sent again, polled, paged, ended (spec workflows
 * §3.1, §3.2, §3.5, §4.6 to §4.8).
 *
 * A request is made after the turn that decided on it was committed; its answer is judged in a
 * later turn. What a restart must know stands in the progress entries: how often was tried, when
 * the next try is due, where to poll. A request made again after a restart has the id it had.
 */
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "connector/connector.h"
#include "text/url.h"
#include "workflow/engine/engine_priv.h"
#include "workflow/outside/exchange_priv.h"
#include "workflow/definition/http_status.h"
#include "workflow/definition/retry.h"
#include "workflow/definition/secure.h"
#include "workflow/definition/trigger_plan.h"

enum { TIMEOUT_CONNECTOR_MS = 120000, TIMEOUT_SAID_MAX_MS = 86400000 };

static bool is_connector(enum rac_wf_type type)
{
    return type == RAC_WF_TYPE_API_CONNECTION || type == RAC_WF_TYPE_OPEN_API_CONNECTION ||
           type == RAC_WF_TYPE_OPEN_API_CONNECTION_WEBHOOK ||
           type == RAC_WF_TYPE_API_CONNECTION_WEBHOOK;
}

bool exchange_is_webhook(enum rac_wf_type type)
{
    return type == RAC_WF_TYPE_HTTP_WEBHOOK || type == RAC_WF_TYPE_OPEN_API_CONNECTION_WEBHOOK ||
           type == RAC_WF_TYPE_API_CONNECTION_WEBHOOK;
}

/* runtimeConfiguration.requestOptions.timeout (§3.1), or 0. */
static int64_t timeout_said(const struct exchange *x)
{
    const struct rac_expr *e = x->o->x->action->request_options;
    struct rac_json v;
    rac_str why;
    int64_t ms;
    if (e == NULL || rac_run_evaluate(x->o->live->run, x->o->x, e, &v, &why) != RAC_OK ||
        !rac_time_parse_duration(rac_json_str(RAC_JSON_GETI(&v, "timeout"), RAC_S("")), &ms) ||
        ms <= 0)
        return 0;
    return ms < TIMEOUT_SAID_MAX_MS ? ms : TIMEOUT_SAID_MAX_MS;
}

int64_t exchange_timeout_ms(const struct exchange *x)
{
    const struct rac_workflow *w = x->o->live->flow->workflow;
    int64_t said = timeout_said(x);
    if (said > 0)
        return said;
    enum rac_wf_type type = x->o->x->action->type;
    return is_connector(type) || exchange_is_webhook(type) ? TIMEOUT_CONNECTOR_MS
           : w->profile == RAC_WF_STANDARD                 ? RESPONSE_WAIT_STANDARD_MS
                                                           : RESPONSE_WAIT_CONSUMPTION_MS;
}

/* --- state across restarts -------------------------------------------------------------------- */

static struct rac_json state_json(const struct exchange *x)
{
    struct rac_arena *a = &x->o->a;
    struct rac_json s = rac_json_new_object(a);
    RAC_JSON_PUT(a, &s, "sends", rac_json_of_int(x->sends));
    RAC_JSON_PUT(a, &s, "attempt", rac_json_of_int(x->attempt));
    if (x->next_ms != 0)
        RAC_JSON_PUT(a, &s, "next", rac_json_of_int(x->next_ms));
    if (x->mode == EXCHANGE_POLL) {
        RAC_JSON_PUT_STR(a, &s, "poll", x->url);
        RAC_JSON_PUT(a, &s, "same", rac_json_of_bool(x->same_origin));
        RAC_JSON_PUT(a, &s, "async", rac_async_json(&x->async, a));
    }
    return s;
}

static void restore(struct exchange *x)
{
    const struct rac_wf_inner *in = x->o->x->inner;
    const struct rac_json *s = in != NULL ? &in->state : NULL;
    if (!rac_json_is_object(s))
        return;
    x->sends = (uint32_t)rac_json_int(RAC_JSON_GET(s, "sends"), 0);
    x->attempt = (unsigned)rac_json_int(RAC_JSON_GET(s, "attempt"), 0);
    x->next_ms = rac_json_int(RAC_JSON_GET(s, "next"), 0);
    const struct rac_json *async = RAC_JSON_GET(s, "async");
    if (async != NULL && rac_async_read(async, &x->async)) {
        x->mode = EXCHANGE_POLL;
        x->url = rac_json_str(RAC_JSON_GET(s, "poll"), RAC_S(""));
        x->same_origin = rac_json_bool(RAC_JSON_GET(s, "same"), false);
    }
    if (rac_json_bool(RAC_JSON_GET(s, "subscribed"), false)) {
        x->o->unsubscribe = true;
        x->o->waits_for_event = true;
    }
}

/* --- beginning -------------------------------------------------------------------------------- */

static void not_supported(struct outside *o)
{
    const struct rac_wf_action *x = o->x->action;
    outside_fail(o, "ActionTypeNotSupported", "ActionTypeNotSupported",
                 rac_arena_printf(&o->a,
                                  "The action type '%.*s' of action '%.*s' is not supported by "
                                  "this host.",
                                  RAC_FMT(x->type_word), RAC_FMT(x->name)));
}

static const struct rac_json *retry_member(const struct outside *o)
{
    const struct rac_json *in = &o->x->inputs;
    if (o->x->action->type == RAC_WF_TYPE_HTTP_WEBHOOK)
        in = RAC_JSON_GETI(in, "subscribe");
    return RAC_JSON_GETI(in, "retryPolicy");
}

void exchange_prepare(struct outside *o)
{
    struct live *l = o->live;
    enum rac_wf_type type = o->x->action->type;
    struct exchange *x = rac_mem_alloc(sizeof *x);
    struct rac_retry_options options = {.stateless = l->flow->stateless,
                                        .consumption =
                                            l->flow->workflow->profile == RAC_WF_CONSUMPTION};
    *x = (struct exchange){.o = o};
    o->exchange = x;
    if (is_connector(type) ? l->e->ports.calls == NULL || l->e->ports.target == NULL
                           : l->e->ports.fetcher.start == NULL) {
        not_supported(o);
        return;
    }
    if (exchange_is_webhook(type) && l->flow->stateless &&
        !(o->x->action->options & RAC_WF_SUBSCRIBES_ONLY)) {
        outside_fail(o, "BadRequest", "InvalidTemplate",
                     RAC_S("A stateless workflow cannot wait for callbacks."));
        return;
    }
    struct rac_diags d;
    rac_diags_init(&d, &o->a, 5);
    if (rac_retry_parse(&options, retry_member(o), RAC_S("/inputs/retryPolicy"), &o->a, &x->policy,
                        &d) != RAC_OK) {
        outside_fail(o, "BadRequest", "InvalidTemplate",
                     rac_arena_printf(&o->a,
                                      "The 'retryPolicy' of action '%.*s' is not valid: %.*s",
                                      RAC_FMT(o->x->action->name),
                                      RAC_FMT(d.n > 0 ? d.v[0].message : RAC_S(""))));
        return;
    }
    restore(x);
    if (o->x->action->begin_at.p != NULL) {
        x->mode = EXCHANGE_POLL;
        x->url = o->x->action->begin_at;
        x->same_origin = true; /* whoever made the plan saw to that */
    }
    o->due_ms = o->waits_for_event ? 0 : x->next_ms;
    x->base = rac_arena_mark(&o->a);
}

/* Of the request before, nothing is needed but what was recorded; pages are being gathered. */
static void forget_answer(struct exchange *x)
{
    if (x->sends == 0 || x->mode == EXCHANGE_PAGE)
        return;
    exchange_http_drop(x);
    exchange_call_drop(x);
    x->answer = (struct answer){0};
    x->request_headers = rac_json_none;
    x->request_method = x->next_link = RAC_STR_NULL;
    restore(x);
    rac_arena_rewind(&x->o->a, x->base);
}

static void count_call(struct exchange *x, bool under_way)
{
    struct rac_engine *e = x->o->live->e;
    if (x->counted != under_way)
        e->calls_n += under_way ? 1 : (size_t)-1;
    x->counted = under_way;
}

/* A webhook action that goes on when it is called back. */
static bool subscribes(const struct exchange *x)
{
    const struct rac_wf_action *a = x->o->x->action;
    return exchange_is_webhook(a->type) && !(a->options & RAC_WF_SUBSCRIBES_ONLY);
}

static void send_request(void *arg)
{
    struct exchange *x = arg;
    struct outside *o = x->o;
    forget_answer(x);
    if (subscribes(x))
        o->unsubscribe = true; /* from here on there may be something to end */
    rac_run_record_id(o->live->run, o->x, x->sends + 1, x->request_id);
    o->in_flight = true;
    o->due_ms = 0;
    x->sent_ms = engine_now(o->live->e);
    count_call(x, true);
    if (is_connector(o->x->action->type))
        exchange_call_send(x);
    else
        exchange_http_send(x);
}

void exchange_start(struct outside *o)
{
    struct exchange *x = o->exchange;
    if (o->waits_for_event)
        return;
    if (x->next_ms > engine_now(o->live->e)) {
        o->timer.fn = send_request;
        o->timer.arg = x;
        timer_set_wall(o->live->e, &o->timer, x->next_ms);
        return;
    }
    send_request(x);
}

void exchange_free(struct outside *o)
{
    struct exchange *x = o->exchange;
    if (x == NULL)
        return;
    count_call(x, false);
    exchange_http_drop(x);
    exchange_call_drop(x);
    o->exchange = NULL;
    rac_mem_free(x);
}

/* --- headers (§4.13) -------------------------------------------------------------------------- */

static void add_header(struct exchange *x, struct rac_headers *h, const char *name, rac_str value)
{
    if (value.n > 0 && rac_headers_get(h, rac_str_of(name)).p == NULL)
        rac_headers_add(h, &x->o->a, rac_str_of(name), value);
}

void exchange_tracking_headers(struct exchange *x, struct rac_headers *h)
{
    struct live *l = x->o->live;
    struct rac_arena *a = &x->o->a;
    const struct rac_flow *f = l->flow;
    char id[ID_TEXT];
    rac_str name = rac_str_of(l->name), correlation, version = f->revision, action;
    correlation = rac_run_correlation(l->run);
    if (correlation.p == NULL)
        correlation = rac_run_trigger_id(l->run, a);
    add_header(x, h, "x-ms-client-request-id", rac_str_of(x->request_id));
    rac_run_record_id(l->run, x->o->x, RAC_RUN_ID_ACTION, id);
    action = rac_arena_str(a, rac_str_of(id));
    add_header(x, h, "x-ms-action-tracking-id", action);
    if (x->o->x->action->options & RAC_WF_SUPPRESS_HEADERS)
        return;
    add_header(x, h, "x-ms-workflow-id", f->id);
    add_header(x, h, "x-ms-workflow-version", version);
    add_header(x, h, "x-ms-workflow-name", f->name.n > 0 ? f->name : f->workflow->name);
    if (f->id.n > 0)
        add_header(x, h, "x-ms-workflow-system-id",
                   rac_arena_printf(a, "/scaleunits/prod-00/workflows/%.*s", RAC_FMT(f->id)));
    add_header(x, h, "x-ms-workflow-run-id", name);
    add_header(x, h, "x-ms-workflow-run-tracking-id", correlation);
    add_header(x, h, "x-ms-workflow-operation-name", x->o->x->action->name);
    for (const struct rac_wf_frame *p = x->o->x->frame; p->owner != NULL; p = p->parent)
        if (p->owner->action->type == RAC_WF_TYPE_FOREACH ||
            p->owner->action->type == RAC_WF_TYPE_UNTIL) {
            add_header(x, h, "x-ms-workflow-repeatitem-scope-name", p->owner->action->name);
            add_header(x, h, "x-ms-workflow-repeatitem-index", rac_arena_printf(a, "%u", p->index));
            break;
        }
    add_header(x, h, "x-ms-tracking-id", correlation);
    add_header(x, h, "x-ms-correlation-id", correlation);
    add_header(x, h, "x-ms-client-tracking-id", rac_run_tracking(l->run));
    add_header(x, h, "x-ms-activity-vector", RAC_S("IN.01"));
    add_header(x, h, "User-Agent",
               rac_arena_printf(a, "azure-logic-apps/1.0 (workflow %.*s; version %.*s)",
                                RAC_FMT(f->id), RAC_FMT(version)));
}

/* --- judging ---------------------------------------------------------------------------------- */

static struct rac_json headers_json(const struct rac_headers *h, struct rac_arena *a)
{
    struct rac_json o = rac_json_new_object(a);
    for (size_t i = 0; i < h->n; i++)
        rac_json_put(a, &o, h->v[i].name, rac_json_of_str(h->v[i].value));
    return o;
}

static uint32_t place_of(const struct exchange *x)
{
    return (uint32_t)(x->o->x->action - x->o->live->flow->plan->actions);
}

static struct rac_json transport_error(const struct exchange *x)
{
    struct rac_arena *a = &x->o->a;
    const struct rac_plan *plan = x->o->live->flow->plan;
    struct rac_json e = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &e, "code", rac_str_of(x->answer.error_code));
    RAC_JSON_PUT_STR(a, &e, "message", x->answer.message);
    return x->o->facts && !rac_secure_hides_facts(plan, place_of(x))
               ? rac_secure_mask(rac_secure_values_of_plan(plan), &e, a)
               : rac_secure_error(plan, place_of(x), &e, a);
}

static const struct rac_json *body_of(const struct exchange *x)
{
    return rac_json_get(&x->answer.outputs, RAC_S("body"));
}

enum { PAGED = 128 }; /* a page of the outputs; not recorded */

/* Every attempt and poll stands in the history (§7.6); a first one of an Http action that was also
 * the last is told by the action's inputs and outputs. Answers that become no outputs are kept with
 * their bodies; those of pages are in the outputs. */
static void record_request(struct exchange *x, uint8_t bits)
{
    bool keeps = x->mode != EXCHANGE_PAGE && (bits & (RAC_RUN_REQUEST_LAST | PAGED)) == 0;
    struct rac_arena *a = &x->o->a;
    struct rac_json what = rac_json_new_object(a), request = rac_json_new_object(a),
                    response = rac_json_new_object(a);
    RAC_JSON_PUT(a, &request, "headers", x->request_headers);
    RAC_JSON_PUT_STR(a, &request, "uri", x->answer.url.p ? x->answer.url : RAC_S(""));
    RAC_JSON_PUT_STR(a, &request, "method", x->request_method);
    RAC_JSON_PUT(a, &what, "request", request);
    RAC_JSON_PUT_STR(a, &what, "id", rac_arena_str(a, rac_str_of(x->request_id)));
    if (x->answer.transport) {
        RAC_JSON_PUT(a, &what, "error", transport_error(x));
    } else {
        RAC_JSON_PUT(a, &response, "headers", headers_json(&x->answer.headers, a));
        RAC_JSON_PUT(a, &response, "statusCode", rac_json_of_int(x->answer.status));
        RAC_JSON_PUT(a, &what, "response", response);
    }
    bits &= (uint8_t)~PAGED;
    if (x->mode == EXCHANGE_FIRST)
        bits |= RAC_RUN_REQUEST_FIRST;
    const struct rac_json *body = keeps && !x->answer.transport ? body_of(x) : NULL;
    rac_run_request(x->o->live->run, x->o->x, x->sent_ms, what, body ? *body : rac_json_none, bits);
}

/* The next request, at once or later: recorded, then made once that is durable. */
static void again(struct exchange *x, int64_t delay_ms)
{
    x->sends++;
    delay_ms = delay_ms < RAC_AGES_MS ? delay_ms : RAC_AGES_MS;
    x->next_ms = delay_ms > 0 ? engine_now(x->o->live->e) + delay_ms : 0;
    rac_run_progress(x->o->live->run, x->o->x, RAC_WF_RUNNING, state_json(x));
    x->o->due_ms = x->next_ms;
    x->o->started = false;
}

static bool retried(struct exchange *x)
{
    struct rac_engine *e = x->o->live->e;
    struct rac_outcome out = {.transport_error = x->answer.transport,
                              .status = x->answer.status,
                              .headers = &x->answer.headers};
    if (x->answer.final || !rac_retry_wanted(&x->policy, &out))
        return false;
    double random01 = (double)(engine_random(e) >> 11) / 9007199254740992.0;
    int64_t delay = rac_retry_delay_ms(&x->policy, x->attempt + 1, &out, engine_now(e), random01);
    if (delay < 0)
        return false;
    record_request(x, RAC_RUN_REQUEST_RETRIED);
    x->attempt++;
    again(x, delay);
    return true;
}

/* True: another request follows. *failed: the operation ended as Failed or Canceled. */
static bool polled(struct exchange *x, const struct rac_json **error, bool *failed)
{
    struct outside *o = x->o;
    struct rac_async_next next;
    if (o->x->action->options & RAC_WF_DISABLE_ASYNC || exchange_is_webhook(o->x->action->type) ||
        x->mode == EXCHANGE_PAGE)
        return false;
    if (x->mode == EXCHANGE_FIRST)
        rac_async_begin(&x->async, x->request_method, x->answer.base);
    rac_async_answer(&x->async, x->answer.status, &x->answer.headers, body_of(x),
                     engine_now(o->live->e), &o->a, &next);
    *failed = next.step == RAC_ASYNC_FAILED;
    *error = next.error;
    if (next.step != RAC_ASYNC_WAIT)
        return false;
    record_request(x, 0);
    x->mode = EXCHANGE_POLL;
    x->url = next.url;
    x->same_origin = next.same_origin;
    x->attempt = 0;
    again(x, next.delay_ms);
    return true;
}

/* --- pages (§4.8) ----------------------------------------------------------------------------- */

static int64_t items_wanted(const struct outside *o)
{
    const struct rac_json *runtime = RAC_JSON_GETI(o->x->action->node, "runtimeConfiguration"),
                          *policy = RAC_JSON_GETI(runtime, "paginationPolicy");
    return rac_json_int(RAC_JSON_GETI(policy, "minimumItemCount"), 0);
}

/* True: another page is asked for. A restart begins with the first page again: nothing of them
 * was recorded. */
static bool paged(struct exchange *x)
{
    struct outside *o = x->o;
    rac_str next;
    if (x->mode == EXCHANGE_FIRST) {
        int64_t wanted = items_wanted(o);
        if (wanted <= 0)
            return false;
        rac_pages_begin(&x->pages, wanted, x->next_link);
    } else if (x->mode != EXCHANGE_PAGE) {
        return false;
    }
    enum rac_pages_step step =
        rac_pages_answer(&x->pages, x->answer.base, &x->answer.outputs, &o->a, &next);
    if (step == RAC_PAGES_DONE)
        x->answer.outputs = rac_pages_outputs(&x->pages, &o->a);
    if (step != RAC_PAGES_NEXT)
        return false;
    record_request(x, PAGED);
    x->mode = EXCHANGE_PAGE;
    x->url = next;
    x->same_origin = true;
    x->attempt = 0;
    x->sends++;
    x->next_ms = 0;
    o->started = false;
    return true;
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Where the subscription is ended (§2.7), or a poll goes on (§2.5): the Location as an absolute URL,
 * because whoever asks for it then does not know any more what it was an answer to. Absent: there
 * is none. */
static rac_str location_url(struct exchange *x)
{
    rac_str location = rac_str_trim(rac_headers_get(&x->answer.headers, RAC_S("Location"))), url;
    if (location.n == 0)
        return RAC_STR_NULL;
    return rac_url_resolve(x->answer.base, location, &x->o->a, &url) == RAC_OK ? url : location;
}

/* For the scheduler, which goes on from there. */
static void location_tell(struct exchange *x)
{
    rac_str url = location_url(x);
    if (url.n > 0)
        rac_json_put(&x->o->a, &x->answer.outputs, RAC_TRIGGER_LOCATION_MARK, rac_json_of_str(url));
}

/* It failed; what was not answered, or badly, may be there all the same. */
static void not_subscribed(struct exchange *x)
{
    int status = x->answer.status;
    bool uncertain = x->answer.transport ? !x->answer.refused : status == 408 || status > 499;
    if (!subscribes(x))
        return;
    if (uncertain && x->o->unsubscribe)
        exchange_unsubscribe(x->o->live, x->o->x);
    x->o->unsubscribe = false;
}

static void subscribed(struct exchange *x)
{
    struct outside *o = x->o;
    struct rac_json s = state_json(x);
    rac_str location = location_url(x);
    RAC_JSON_PUT(&o->a, &s, "subscribed", rac_json_of_bool(true));
    if (location.p != NULL)
        RAC_JSON_PUT_STR(&o->a, &s, "location", location);
    o->unsubscribe = true;
    o->waits_for_event = true;
    o->due_ms = 0;
    rac_run_progress(o->live->run, o->x, RAC_WF_WAITING, s);
}

/* Why the action failed, where its outputs do not tell: what was answered was not answered to the
 * request the author wrote. NONE: they do. */
static struct rac_json failure(struct exchange *x, const struct rac_json *error, bool async_failed)
{
    struct rac_arena *a = &x->o->a;
    struct rac_json e = rac_json_new_object(a);
    rac_str code = rac_http_status_name(x->answer.status, a), why,
            at = rac_url_plain(x->answer.url),
            to = rac_url_plain(rac_headers_get(&x->answer.headers, RAC_S("Location")));
    if (error != NULL)
        return *error;
    if (async_failed) {
        const struct rac_json *status = RAC_JSON_GETI(body_of(x), "status");
        code = RAC_S("Failed");
        why = rac_arena_printf(a,
                               "The operation was accepted, and '%.*s' says that it ended as %.*s.",
                               RAC_FMT(at), RAC_FMT(rac_run_shown(status, a)));
    } else if (x->mode == EXCHANGE_POLL && x->o->x->action->begin_at.p == NULL) {
        why = rac_arena_printf(a,
                               "The operation was accepted; asked how it stands, '%.*s' answered "
                               "%d.",
                               RAC_FMT(at), x->answer.status);
    } else if (exchange_is_webhook(x->o->x->action->type)) {
        why = rac_arena_printf(a, "The subscription at '%.*s' was answered with %d.", RAC_FMT(at),
                               x->answer.status);
    } else if (x->mode == EXCHANGE_PAGE) {
        why = rac_arena_printf(a, "The next page, '%.*s', was answered with %d.", RAC_FMT(at),
                               x->answer.status);
    } else if (x->answer.status >= 300 && x->answer.status <= 399 && to.n > 0) {
        why = rac_arena_printf(a,
                               "The redirection of '%.*s' to '%.*s' was not followed: only those "
                               "of a GET to an http or https address are, ten at most.",
                               RAC_FMT(at), RAC_FMT(to));
    } else {
        return rac_json_none;
    }
    RAC_JSON_PUT_STR(a, &e, "code", code);
    RAC_JSON_PUT_STR(a, &e, "message", why);
    return e;
}

/* In a turn. */
static void judge(struct outside *o)
{
    struct exchange *x = o->exchange;
    const struct rac_json *error = NULL;
    bool async_failed = false,
         told = x->sends > 0 || (o->x->action->type != RAC_WF_TYPE_HTTP && x->answer.url.n > 0);
    if (retried(x))
        return;
    bool waits =
        subscribes(x) && !x->answer.transport && x->answer.status >= 200 && x->answer.status <= 299;
    if (x->answer.transport) {
        struct rac_json why = transport_error(x);
        not_subscribed(x);
        if (told)
            record_request(x, 0);
        outside_settle(o, RAC_WF_FAILED, rac_str_of(x->answer.code), NULL, &why);
        return;
    }
    if (polled(x, &error, &async_failed) || paged(x))
        return;
    if (o->x->action->options & RAC_WF_TELLS_LOCATION)
        location_tell(x);
    if (told)
        record_request(x, waits ? 0 : RAC_RUN_REQUEST_LAST);
    if (error != NULL && rac_secure_hides_facts(o->live->flow->plan, place_of(x)))
        error = NULL; /* it is of the service's making, code and all */
    if (async_failed || x->answer.status < 200 || x->answer.status > 299) {
        struct rac_json why = failure(x, error, async_failed);
        not_subscribed(x);
        outside_settle(o, RAC_WF_FAILED,
                       async_failed ? RAC_S("Failed")
                                    : rac_http_status_name(x->answer.status, &o->a),
                       &x->answer.outputs, why.type != RAC_JSON_NONE ? &why : NULL);
        return;
    }
    if (waits) {
        subscribed(x);
        return;
    }
    outside_settle(o, RAC_WF_SUCCEEDED, rac_http_status_name(x->answer.status, &o->a),
                   &x->answer.outputs, NULL);
}

void exchange_answered(struct exchange *x)
{
    x->o->facts = !x->answer.refused;
    count_call(x, false);
    outside_step(x->o, judge);
}

void exchange_refused(struct exchange *x, const char *code, const char *error_code, rac_str message)
{
    x->o->facts = false;
    x->answer = (struct answer){.transport = true,
                                .final = true,
                                .code = code,
                                .error_code = error_code,
                                .message = message};
    exchange_answered(x);
}

void exchange_unsubscribe(struct live *l, struct rac_wf_record *x)
{
    if (is_connector(x->action->type))
        exchange_call_unsubscribe(l, x);
    else
        exchange_http_unsubscribe(l, x);
}
