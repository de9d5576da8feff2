/* Requests through a connector: ApiConnection, OpenApiConnection and their webhook forms (§3.2,
 * §6). An ApiConnection action names method and path, an OpenApiConnection one an operation. */
#include "base/mem.h"
#include "base/str.h"
#include "connector/connector.h"
#include "connector/trigger.h"
#include "text/url.h"
#include "workflow/definition/content.h"
#include "workflow/outside/exchange_priv.h"
#include "workflow/definition/http_status.h"
#include "workflow/definition/trigger_plan.h"

enum { RESOLUTION_BYTES_MAX = 16 << 20 };

/* A target and how it is let go, which may be after the engine. */
struct aim {
    struct rac_flow_target target;
    bool has_target;
    void (*release)(void *self, const struct rac_flow_target *t);
    void *self;
};

struct call {
    struct exchange *x; /* NULL: nobody waits any more */
    bool resolving;
    struct aim aim;
    struct rac_call *call;
    struct rac_arena a; /* of the resolution */
    /* Of a poll by policy with several pages; in the exchange's arena. */
    unsigned pages;
    struct rac_json events, seen, outputs; /* of all pages; of the first */
    struct rac_call_req req;               /* what follows stands on */
};

static struct aim aim_of(const struct rac_engine *e)
{
    return (struct aim){.release = e->ports.target_release, .self = e->ports.self};
}

static void aim_take(struct aim *m, const struct rac_flow_target *t)
{
    m->target = *t;
    m->has_target = true;
}

static void aim_let_go(struct aim *m)
{
    if (!m->has_target)
        return;
    m->has_target = false;
    if (m->release != NULL)
        m->release(m->self, &m->target);
    rac_connector_unref(m->target.connector);
}

static rac_str text(const struct rac_json *o, const char *name)
{
    return rac_json_str(rac_json_geti(o, rac_str_of(name)), RAC_STR_NULL);
}

static rac_str last_segment(rac_str id)
{
    size_t at = rac_str_rfind_char(id, '/');
    return at == RAC_STR_NPOS ? id : rac_str_from(id, at + 1);
}

/* --- which connection (§6.1 to §6.3) ---------------------------------------------------------- */

/* The entry of $connections that has that connectionId; its key is the reference. */
static void of_consumption(const struct exchange *x, rac_str id, struct rac_flow_target_want *want)
{
    const struct rac_json *all = RAC_JSON_GETI(&x->o->live->flow->plan->parameters, "$connections");
    want->external = id;
    want->connection = last_segment(id);
    RAC_JSON_EACH_MEMBER(m, all)
    if (rac_str_eqi(text(&m->value, "connectionId"), id)) {
        want->reference = rac_json_key(m);
        want->api = last_segment(text(&m->value, "id"));
        if (text(&m->value, "connectionName").p != NULL)
            want->connection = text(&m->value, "connectionName");
        return;
    }
}

static void of_standard(const struct exchange *x, rac_str reference,
                        struct rac_flow_target_want *want)
{
    const struct rac_workflow *w = x->o->live->flow->workflow;
    const struct rac_json *entry =
        rac_json_geti(RAC_JSON_GETI(&w->connections, "managedApiConnections"), reference);
    const struct rac_json *synthetic = rac_json_geti(
        RAC_JSON_GETI(&x->o->live->flow->plan->parameters, "$connections"), reference);
    want->reference = reference;
    if (entry != NULL) {
        want->api = last_segment(text(RAC_JSON_GETI(entry, "api"), "id"));
        want->external = text(RAC_JSON_GETI(entry, "connection"), "id");
        want->connection = last_segment(want->external);
    } else if (synthetic != NULL) {
        want->api = last_segment(text(synthetic, "id"));
        want->external = text(synthetic, "connectionId");
        want->connection = text(synthetic, "connectionName");
    }
}

static void of_flow(const struct exchange *x, rac_str reference, struct rac_flow_target_want *want)
{
    const struct rac_json *entry =
        rac_json_geti(&x->o->live->flow->workflow->references, reference);
    const struct rac_json *connection = RAC_JSON_GETI(entry, "connection");
    want->reference = reference;
    want->connection = text(entry, "connectionName");
    const struct rac_json *api = RAC_JSON_GETI(entry, "api");
    rac_str names[] = {text(connection, "name"), text(connection, "connectionReferenceLogicalName"),
                       want->connection, last_segment(text(connection, "id"))};
    for (size_t i = RAC_COUNT(names); i-- > 0;) /* the first there is */
        want->connection = names[i].n > 0 ? names[i] : want->connection;
    want->external = text(connection, "id");
    rac_str apis[] = {want->api, last_segment(text(entry, "id")), text(api, "name"),
                      last_segment(text(api, "id"))};
    for (size_t i = RAC_COUNT(apis); i-- > 0;)
        want->api = apis[i].n > 0 ? apis[i] : want->api;
}

static void wanted(const struct exchange *x, struct rac_flow_target_want *want)
{
    const struct rac_json *host = RAC_JSON_GETI(&x->o->x->inputs, "host"),
                          *connection = RAC_JSON_GETI(host, "connection");
    rac_str id = text(connection, "name"), reference = text(connection, "referenceName"),
            api = text(host, "apiId");
    *want = (struct rac_flow_target_want){.flow = x->o->live->flow};
    if (api.p != NULL)
        want->api = last_segment(api);
    if (id.p == NULL)
        id = text(connection, "id");
    if (id.p == NULL && reference.p == NULL)
        reference = text(host, "connectionName");
    if (id.p == NULL && reference.p == NULL)
        reference = text(host, "connectionReferenceName");
    if (id.p != NULL)
        of_consumption(x, id, want);
    else if (rac_json_geti(&x->o->live->flow->workflow->references, reference) != NULL)
        of_flow(x, reference, want);
    else
        of_standard(x, reference, want);
}

/* --- dropping --------------------------------------------------------------------------------- */

static void call_free(struct call *c)
{
    rac_arena_fini(&c->a);
    rac_mem_free(c);
}

void exchange_call_drop(struct exchange *x)
{
    struct call *c = x->call;
    if (c == NULL)
        return;
    x->call = NULL;
    x->op = NULL;
    c->x = NULL;
    if (c->call != NULL) {
        rac_call_cancel(c->call);
        rac_call_free(c->call);
    }
    aim_let_go(&c->aim);
    if (!c->resolving)
        call_free(c);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void refused_soon(void *arg)
{
    struct exchange *x = arg;
    exchange_refused(x, x->answer.code, x->answer.error_code, x->answer.message);
}

static void refuse(struct exchange *x, const char *code, const char *error_code, rac_str why)
{
    x->answer = (struct answer){
        .code = code, .error_code = error_code, .message = rac_arena_str(&x->o->a, why)};
    x->o->timer.fn = refused_soon;
    x->o->timer.arg = x;
    timer_set(x->o->live->e, &x->o->timer, 0);
}

static void done(void *arg, struct rac_call *call, const struct rac_call_res *res);

static rac_str query_text(struct rac_arena *a, const struct rac_json *queries)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 20);
    RAC_JSON_EACH_MEMBER(m, queries)
    {
        const struct rac_json *v = &m->value;
        for (size_t i = 0, n = v->type == RAC_JSON_ARRAY ? rac_json_len(v) : 1; i < n; i++) {
            const struct rac_json *one = v->type == RAC_JSON_ARRAY ? rac_json_at(v, i) : v;
            if (one->type == RAC_JSON_NULL)
                continue;
            if (b.n > 0)
                rac_buf_add_char(&b, '&');
            rac_url_encode_to(&b, rac_json_key(m), RAC_URL_COMPONENT);
            rac_buf_add_char(&b, '=');
            rac_url_encode_to(&b, rac_expr_text(one, a), RAC_URL_COMPONENT);
        }
    }
    rac_str out = rac_arena_str(a, rac_buf_str(&b));
    rac_buf_fini(&b);
    return out;
}

/* As they are written; those a poll by policy stands on replace them (connectors.md §7.1). */
static const struct rac_json *queries_of(const struct exchange *x)
{
    const struct rac_json *written = RAC_JSON_GETI(&x->o->x->inputs, "queries"),
                          *seen = RAC_JSON_GET(x->o->x->action->seen, "query");
    if (seen == NULL)
        return written;
    struct rac_json *all = RAC_NEW(&x->o->a, struct rac_json);
    *all = rac_json_is_object(written) ? rac_json_copy(&x->o->a, written)
                                       : rac_json_new_object(&x->o->a);
    RAC_JSON_EACH_MEMBER(m, seen)
    {
        rac_json_put(&x->o->a, all, rac_json_key(m), m->value);
    }
    return all;
}

/* The same for an operation's parameters. */
static void parameters_of(const struct exchange *x, struct rac_call_req *req)
{
    const struct rac_json *seen = x->o->x->action->seen;
    const struct rac_op *op = rac_connector_operation(req->connector, req->operation_id);
    req->parameters = RAC_JSON_GETI(&x->o->x->inputs, "parameters");
    if (seen == NULL || op == NULL || !rac_trigger_is_polled(op))
        return;
    struct rac_json *all = RAC_NEW(&x->o->a, struct rac_json),
                    *extra = RAC_NEW(&x->o->a, struct rac_json);
    *all = rac_trigger_arguments(op, req->parameters, seen, &x->o->a, extra);
    req->parameters = all;
    req->extra_query = extra;
}

/* Method and path as they are written, query, headers, body (§6.4). */
static bool raw_form(struct exchange *x, struct rac_call_req *req, struct rac_headers *headers,
                     rac_str *why)
{
    struct rac_arena *a = &x->o->a;
    const struct rac_json *in = &x->o->x->inputs, *body = RAC_JSON_GETI(in, "body");
    struct rac_content content = {0};
    struct rac_content_options options = {0};
    uint64_t random[2] = {engine_random(x->o->live->e), engine_random(x->o->live->e)};
    memcpy(options.random, random, sizeof options.random);
    rac_str path = text(in, "path"), method = text(in, "method");
    const struct rac_json *all = RAC_JSON_GETI(in, "headers");
    struct rac_json again;
    if (rac_str_eq(rac_json_str(RAC_JSON_GETI(all, "Authorization"), RAC_S("")),
                   RAC_S("*sanitized*"))) { /* not recorded: evaluated again */
        if (rac_run_evaluate(x->o->live->run, x->o->x, x->o->x->action->inputs, &again, why) !=
            RAC_OK)
            return false;
        all = RAC_JSON_GETI(&again, "headers");
    }
    RAC_JSON_EACH_MEMBER(m, all)
    if (m->value.type != RAC_JSON_NULL)
        rac_headers_add(headers, a, rac_json_key(m), rac_expr_text(&m->value, a));
    options.content_type = rac_headers_get(headers, RAC_S("Content-Type"));
    if (body != NULL && rac_content_write(body, &options, a, &content, why) != RAC_OK)
        return false;
    if (content.present && options.content_type.p == NULL && content.type.n > 0)
        rac_headers_add(headers, a, RAC_S("Content-Type"), content.type);
    req->method = rac_str_upper(a, method.p != NULL ? method : RAC_S("POST"));
    size_t cut = rac_str_find_char(path, '?');
    rac_str inline_query = cut == RAC_STR_NPOS ? RAC_STR_NULL : rac_str_from(path, cut + 1);
    req->path = cut == RAC_STR_NPOS ? path : rac_str_sub(path, 0, cut);
    if (req->path.n == 0 || req->path.p[0] != '/')
        req->path = rac_str_concat(a, RAC_S("/"), req->path);
    req->query = query_text(a, queries_of(x));
    if (inline_query.n > 0)
        req->query = req->query.n > 0 ? rac_arena_printf(a, "%.*s&%.*s", RAC_FMT(inline_query),
                                                         RAC_FMT(req->query))
                                      : inline_query;
    req->headers = headers;
    req->body = content.present ? content.bytes : RAC_STR_NULL;
    return true;
}

/* A webhook action, or what a trigger subscribes with: the connector puts the URL where the
 * operation takes it, whether or not the inputs do (§2.7). */
static bool calls_back(const struct exchange *x)
{
    return exchange_is_webhook(x->o->x->action->type) || x->o->live->flow->callback_url.p != NULL;
}

static void send_call(struct call *c)
{
    struct exchange *x = c->x;
    struct live *live = x->o->live;
    struct rac_arena *a = &x->o->a;
    const struct rac_json *in = &x->o->x->inputs;
    struct rac_headers *headers = RAC_NEW(a, struct rac_headers);
    struct rac_call_req req = {.connector = c->aim.target.connector,
                               .connection = c->aim.target.connection,
                               .client_request_id = rac_str_of(x->request_id),
                               .timeout_ms = exchange_timeout_ms(x)};
    rac_str operation = text(RAC_JSON_GETI(in, "host"), "operationId"), why;
    if (operation.p != NULL && text(in, "path").p == NULL) {
        req.operation_id = operation;
        parameters_of(x, &req);
    } else if (!raw_form(x, &req, headers, &why)) {
        refuse(x, "BadRequest", "BadRequest", why);
        return;
    }
    if (x->mode != EXCHANGE_FIRST) {
        rac_str by = x->o->x->action->begin_by;
        req.follow_url = x->url;
        req.follow_method = by.p != NULL ? by : RAC_S("GET");
    }
    if (x->mode == EXCHANGE_FIRST && calls_back(x))
        req.notification_url = live->world.callback_url(live->world.self, live->run, x->o->x, a);
    x->request_method = req.method.p != NULL ? req.method : RAC_S("POST");
    x->request_headers = rac_json_new_object(a);
    c->req = req;
    c->call = rac_call_start(&req, x->o->live->e->ports.calls, done, c);
}

/* An operation by its id is known by the connector's definition alone; a URL does not help. */
static void not_found(struct exchange *x, const struct rac_flow_target_want *want, rac_str why)
{
    rac_str operation = text(RAC_JSON_GETI(&x->o->x->inputs, "host"), "operationId"), url;
    struct rac_json key;
    why = why.n > 0 ? why : RAC_S("no such connection");
    if (operation.p != NULL && exchange_remote(x, x->remote, &url, &key))
        why = rac_arena_printf(&x->o->a,
                               "The connection '%.*s' has a connectionRuntimeUrl, but which method "
                               "and path the operation '%.*s' has only the definition of the "
                               "connector says. Register the connector '%.*s', or use an "
                               "ApiConnection action with 'method' and 'path'.",
                               RAC_FMT(want->reference), RAC_FMT(operation), RAC_FMT(want->api));
    refuse(x, "NotFound", "ConnectionNotFound", why);
}

static void resolved(void *arg, rac_err err, rac_str why, const struct rac_flow_target *t)
{
    struct call *c = arg;
    struct exchange *x = c->x;
    c->resolving = false;
    if (err == RAC_OK)
        aim_take(&c->aim, t);
    if (x == NULL) {
        aim_let_go(&c->aim);
        call_free(c);
        return;
    }
    if (err == RAC_OK) {
        send_call(c);
        return;
    }
    struct rac_flow_target_want want;
    wanted(x, &want);
    x->remote = err == RAC_E_NOT_FOUND ? want.reference : RAC_STR_NULL;
    if (exchange_http_remote(x))
        exchange_http_send(x);
    else
        not_found(x, &want, why);
}

void exchange_call_send(struct exchange *x)
{
    struct rac_engine *e = x->o->live->e;
    struct rac_flow_target_want want;
    exchange_call_drop(x);
    wanted(x, &want);
    x->remote = e->ports.prefer_remote ? want.reference : RAC_STR_NULL;
    if (exchange_http_remote(x)) {
        exchange_http_send(x);
        return;
    }
    struct call *c = rac_mem_alloc(sizeof *c);
    *c = (struct call){.x = x, .aim = aim_of(e), .resolving = true};
    rac_arena_init(&c->a, RESOLUTION_BYTES_MAX);
    x->call = c;
    e->ports.target(e->ports.self, &want, &c->a, resolved, c);
}

/* --- answers ---------------------------------------------------------------------------------- */

static bool worth_retrying(enum rac_call_code code)
{
    return code == RAC_CALL_BACKEND_TIMEOUT || code == RAC_CALL_BACKEND_UNREACHABLE ||
           code == RAC_CALL_RATE_LIMITED;
}

/*
 * A poll by policy (connectors.md §7.1): what is new in the answer and the pages after it, told to
 * the scheduler beside the outputs. True: another page was asked for.
 */
static bool polls_on(struct call *c, const struct rac_call_res *res)
{
    struct exchange *x = c->x;
    struct rac_arena *a = &x->o->a;
    struct answer *w = &x->answer;
    const struct rac_json *seen = x->o->x->action->seen;
    struct rac_trigger_events e;
    if (seen == NULL || res->op == NULL || res->status != 200 || !rac_trigger_is_polled(res->op))
        return false;
    rac_trigger_answer(res->op, &res->body, res->base, seen->type == RAC_JSON_OBJECT ? seen : NULL,
                       a, &e);
    if (c->pages++ == 0) {
        c->seen = rac_json_copy(a, &e.state);
        c->events = rac_json_new_array(a);
        c->outputs = w->outputs;
    }
    RAC_JSON_EACH(one, &e.events)
    {
        rac_json_add(a, &c->events, rac_json_copy(a, one));
    }
    size_t n = rac_json_len(&c->events);
    if (e.next_page.p != NULL && e.problem.p == NULL && c->pages < RAC_TRIGGER_PAGES_MAX && n > 0 &&
        n < RAC_TRIGGER_EVENTS_MAX) {
        c->req.follow_url = rac_arena_str(a, e.next_page);
        c->req.follow_method = RAC_S("GET");
        c->call = rac_call_start(&c->req, x->o->live->e->ports.calls, done, c);
        return true;
    }
    struct rac_json mark = rac_json_new_object(a);
    RAC_JSON_PUT(a, &mark, "state", c->seen);
    RAC_JSON_PUT(a, &mark, "new", rac_json_of_bool(n > 0));
    w->outputs = c->outputs;
    if (c->pages > 1)
        RAC_JSON_PUT(a, &w->outputs, "body",
                     rac_trigger_with(res->op, RAC_JSON_GET(&w->outputs, "body"), &c->events, a));
    rac_json_put(a, &w->outputs, RAC_TRIGGER_SEEN_MARK, mark);
    if (e.problem.p != NULL) {
        w->transport = w->final = w->refused = true;
        w->code = "BadRequest";
        w->error_code = e.code;
        w->message = e.problem;
    }
    return false;
}

static void done(void *arg, struct rac_call *call, const struct rac_call_res *res)
{
    struct call *c = arg;
    struct exchange *x = c->x;
    struct rac_arena *a = &x->o->a;
    struct answer *w = &x->answer;
    *w = (struct answer){.status = res->status,
                         .url = rac_arena_str(a, res->url),
                         .base = rac_arena_str(a, res->base)};
    if (res->op != NULL) {
        x->request_method = rac_arena_str(a, res->op->method);
        x->next_link = rac_arena_str(a, res->op->next_link_name);
    }
    if (res->error.code != RAC_CALL_NONE) {
        w->transport = true;
        w->final = w->refused = !worth_retrying(res->error.code);
        w->code = rac_arena_cstr(a, rac_http_status_name(rac_call_code_http(res->error.code), a));
        w->error_code = rac_call_code_word(res->error.code);
        w->message = rac_arena_str(a, res->error.message);
    } else {
        for (size_t i = 0; i < res->headers.n; i++)
            rac_headers_add(&w->headers, a, rac_arena_str(a, res->headers.v[i].name),
                            rac_arena_str(a, res->headers.v[i].value));
        w->outputs = rac_json_new_object(a);
        RAC_JSON_PUT(a, &w->outputs, "statusCode", rac_json_of_int(res->status));
        RAC_JSON_PUT(a, &w->outputs, "headers", rac_content_headers(&w->headers, a));
        if (res->body.type != RAC_JSON_NONE)
            RAC_JSON_PUT(a, &w->outputs, "body", rac_json_copy(a, &res->body));
        if (res->op != NULL && res->op->trigger == RAC_TRIGGER_SINGLE &&
            x->o->x->action->options & RAC_WF_SUBSCRIBES_ONLY)
            rac_json_put(a, &w->outputs, RAC_TRIGGER_SINGLE_MARK, rac_json_of_bool(true));
    }
    c->call = NULL;
    bool more = res->error.code == RAC_CALL_NONE && polls_on(c, res);
    rac_call_free(call);
    if (more)
        return;
    aim_let_go(&c->aim);
    exchange_answered(x);
}

/* --- unsubscribing: DELETE of the Location that subscribing answered with --------------------- */

struct goodbye {
    struct parting parting;
    struct rac_engine *e; /* NULL: it went first */
    struct rac_flow *flow;
    rac_str action;
    struct rac_arena a;
    struct rac_call_req req;
    struct rac_headers headers;
    struct aim aim;
    struct rac_call *call;
    struct farewell *remote; /* where the connector is not known here; NULL: it has no URL */
    bool resolving;
};

static void goodbye_free(struct goodbye *g)
{
    if (g->remote != NULL)
        exchange_farewell_free(g->remote);
    aim_let_go(&g->aim);
    rac_flow_unref(g->flow);
    rac_arena_fini(&g->a);
    rac_mem_free(g);
}

static void goodbye_drop(struct parting *p)
{
    struct goodbye *g = (struct goodbye *)p; /* its first member */
    parting_done(p);
    if (g->resolving) { /* freed when that comes back */
        g->e = NULL;
        return;
    }
    rac_call_cancel(g->call);
    rac_call_free(g->call);
    goodbye_free(g);
}

static void goodbye_done(void *arg, struct rac_call *call, const struct rac_call_res *res)
{
    struct goodbye *g = arg;
    int status = res->error.code == RAC_CALL_NONE ? res->status : 0;
    if (!rac_subscription_ended(status))
        rac_engine_not_ended(g->e, g->flow, g->action, g->req.follow_url, status);
    rac_call_free(call);
    parting_done(&g->parting);
    goodbye_free(g);
}

static void goodbye_resolved(void *arg, rac_err err, rac_str why RAC_UNUSED,
                             const struct rac_flow_target *t)
{
    struct goodbye *g = arg;
    g->resolving = false;
    if (err == RAC_OK)
        aim_take(&g->aim, t);
    if (g->e != NULL && err != RAC_OK)
        parting_done(&g->parting);
    if (g->e != NULL && err == RAC_E_NOT_FOUND && g->remote != NULL) {
        exchange_farewell_send(g->remote);
        g->remote = NULL;
    } else if (g->e != NULL && err != RAC_OK) {
        rac_engine_not_ended(g->e, g->flow, g->action, g->req.follow_url, 0);
    }
    if (g->e == NULL || err != RAC_OK) {
        goodbye_free(g);
        return;
    }
    g->req.connector = t->connector;
    g->req.connection = t->connection;
    g->call = rac_call_start(&g->req, g->e->ports.calls, goodbye_done, g);
}

void exchange_call_unsubscribe(struct live *l, struct rac_wf_record *record)
{
    const struct rac_json *state = record->inner != NULL ? &record->inner->state : NULL;
    rac_str location = rac_json_str(rac_json_get(state, RAC_S("location")), RAC_STR_NULL);
    struct outside o = {.live = l, .x = record};
    struct exchange x = {.o = &o};
    struct rac_flow_target_want want;
    if (location.p == NULL || l->e->ports.calls == NULL || l->e->ports.target == NULL)
        return;
    wanted(&x, &want);
    rac_arena_init(&o.a, RESOLUTION_BYTES_MAX);
    struct farewell *remote = exchange_farewell_remote(&x, want.reference, location);
    rac_arena_fini(&o.a);
    bool by_path = RAC_JSON_GETI(&record->inputs, "path") != NULL;
    if (remote != NULL && l->e->ports.prefer_remote && by_path) { /* as it subscribed */
        exchange_farewell_send(remote);
        return;
    }
    struct goodbye *g = rac_mem_alloc(sizeof *g);
    *g = (struct goodbye){.parting = {.drop = goodbye_drop},
                          .e = l->e,
                          .aim = aim_of(l->e),
                          .flow = rac_flow_ref(l->flow),
                          .action = record->action->name,
                          .remote = remote,
                          .resolving = true};
    rac_arena_init(&g->a, 16 << 20);
    struct rac_json *inputs = RAC_NEW(&g->a, struct rac_json); /* a host may be made of them */
    *inputs = rac_json_copy(&g->a, &record->inputs);
    rac_str path = text(inputs, "path"), method = text(inputs, "method");
    g->req = (struct rac_call_req){.follow_url = rac_arena_str(&g->a, location),
                                   .follow_method = RAC_S("DELETE")};
    if (path.p != NULL) {
        size_t cut = rac_str_find_char(path, '?');
        g->req.method = rac_str_upper(&g->a, method.p != NULL ? method : RAC_S("POST"));
        g->req.path = rac_str_sub(path, 0, cut == RAC_STR_NPOS ? path.n : cut);
        g->req.query = query_text(&g->a, RAC_JSON_GETI(inputs, "queries"));
        g->req.headers = &g->headers;
        RAC_JSON_EACH_MEMBER(m, RAC_JSON_GETI(inputs, "headers"))
        if (m->value.type != RAC_JSON_NULL)
            rac_headers_add(&g->headers, &g->a, rac_json_key(m), rac_expr_text(&m->value, &g->a));
    } else {
        g->req.operation_id = text(RAC_JSON_GETI(inputs, "host"), "operationId");
        g->req.parameters = RAC_JSON_GETI(inputs, "parameters");
    }
    parting_add(l->e, &g->parting);
    l->e->ports.target(l->e->ports.self, &want, &g->a, goodbye_resolved, g);
}
