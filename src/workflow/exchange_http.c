/* Requests through the fetcher: Http, ApiManagement, Function, HttpWebhook (§3.1, §3.5). */
#include "base/mem.h"
#include "base/str.h"
#include "text/url.h"
#include "workflow/exchange_priv.h"
#include "workflow/outbound.h"

static const struct rac_json *connection_of(const struct exchange *x, const char *section,
                                            rac_str name)
{
    const struct rac_json *all = &x->o->live->flow->workflow->connections;
    return exchange_get(exchange_get(all, rac_str_of(section)), name);
}

static rac_str text(const struct rac_json *o, const char *name, rac_str otherwise)
{
    return rac_json_str(exchange_get(o, rac_str_of(name)), otherwise);
}

static void copy_member(struct rac_arena *a, struct rac_json *to, const struct rac_json *from,
                        const char *name)
{
    const struct rac_json *v = exchange_get(from, rac_str_of(name));
    if (v != NULL)
        rac_json_put(a, to, rac_str_of(name), *v);
}

static void put_header(struct rac_arena *a, struct rac_json *inputs, rac_str name, rac_str value)
{
    struct rac_json headers = rac_json_new_object(a);
    RAC_JSON_EACH_MEMBER(m, rac_json_get(inputs, RAC_S("headers")))
    rac_json_put(a, &headers, rac_json_key(m), m->value);
    rac_json_put(a, &headers, name, rac_json_of_str(value));
    RAC_JSON_PUT(a, inputs, "headers", headers);
}

/* "/a/{b}" with its parameters, percent-encoded. */
static rac_str expand(struct rac_arena *a, const struct rac_json *template)
{
    rac_str t = text(template, "template", RAC_S(""));
    RAC_JSON_EACH_MEMBER(m, exchange_get(template, RAC_S("parameters")))
    {
        rac_str value = rac_expr_text(&m->value, a);
        t = rac_str_replace(a, t, rac_arena_printf(a, "{%.*s}", RAC_FMT(rac_json_key(m))),
                            rac_url_encode(a, value));
    }
    return t;
}

/* Inputs of ApiManagement and Function actions as those of an Http action. False: *why. */
static bool api_management(struct exchange *x, struct rac_json *http, rac_str *why)
{
    struct rac_arena *a = &x->o->a;
    const struct rac_json *in = &x->o->x->inputs, *api = exchange_get(in, RAC_S("apiManagement")),
                          *c;
    rac_str name = text(api, "connection", text(exchange_get(in, RAC_S("api")), "id", RAC_S("")));
    c = connection_of(x, "apiManagementConnections", name);
    rac_str base = text(c, "baseUrl", RAC_STR_NULL),
            key = text(in, "subscriptionKey", RAC_STR_NULL);
    if (base.p == NULL) {
        *why = rac_arena_printf(a, "The API Management connection '%.*s' is not configured.",
                                RAC_FMT(name));
        return false;
    }
    while (base.n > 0 && base.p[base.n - 1] == '/')
        base.n--;
    RAC_JSON_PUT_STR(a, http, "uri",
                     rac_str_concat(a, base, expand(a, exchange_get(in, RAC_S("pathTemplate")))));
    if (key.p == NULL)
        key = text(c, "subscriptionKey", RAC_STR_NULL);
    if (key.p != NULL)
        put_header(a, http, RAC_S("Ocp-Apim-Subscription-Key"), key);
    return true;
}

static bool function(struct exchange *x, struct rac_json *http, rac_str *why)
{
    struct rac_arena *a = &x->o->a;
    const struct rac_json *in = &x->o->x->inputs, *f = exchange_get(in, RAC_S("function")), *c;
    rac_str name = text(f, "connectionName", text(f, "id", RAC_S("")));
    c = connection_of(x, "functionConnections", name);
    rac_str url = text(c, "triggerUrl", RAC_STR_NULL),
            key = text(exchange_get(c, RAC_S("authentication")), "value", RAC_STR_NULL);
    if (url.p == NULL) {
        *why =
            rac_arena_printf(a, "The function connection '%.*s' is not configured.", RAC_FMT(name));
        return false;
    }
    RAC_JSON_PUT_STR(a, http, "uri", url);
    if (rac_json_get(http, RAC_S("method")) == NULL)
        RAC_JSON_PUT_STR(a, http, "method", RAC_S("POST"));
    if (key.p != NULL)
        put_header(a, http, RAC_S("x-functions-key"), key);
    return true;
}

static bool http_inputs(struct exchange *x, struct rac_json *http, const char **code, rac_str *why)
{
    static const char *const members[] = {"method", "uri", "headers", "queries", "cookie", "body"};
    struct rac_arena *a = &x->o->a;
    const struct rac_json *in = &x->o->x->inputs;
    enum rac_wf_type type = x->o->x->action->type;
    *code = "BadRequest";
    if (type == RAC_WF_TYPE_HTTP_WEBHOOK)
        in = exchange_get(in, RAC_S("subscribe"));
    *http = rac_json_new_object(a);
    for (size_t i = 0; i < RAC_COUNT(members); i++)
        copy_member(a, http, in, members[i]);
    if (type == RAC_WF_TYPE_API_MANAGEMENT)
        return api_management(x, http, why);
    if (type == RAC_WF_TYPE_FUNCTION) {
        *code = "FunctionNotFound";
        return function(x, http, why);
    }
    return true;
}

/* --- sending ---------------------------------------------------------------------------------- */

static void done(void *arg, const struct rac_fetch_res *res);

static void start(struct exchange *x, const struct rac_outbound *out)
{
    struct rac_fetcher *f = &x->o->live->e->ports.fetcher;
    struct rac_fetch_req req = {.method = out->method,
                                .url = out->url,
                                .headers = &out->headers,
                                .body = out->has_body ? out->body : RAC_STR_NULL,
                                .timeout_ms = exchange_timeout_ms(x)};
    struct rac_fetch_events ev = {.done = done, .arg = x};
    x->request_method = out->method;
    x->answer.url = out->url;
    x->request_headers = rac_json_new_object(&x->o->a);
    for (size_t i = 0; i < out->headers.n; i++)
        if (!rac_str_eqi(out->headers.v[i].name, RAC_S("Authorization")))
            rac_json_put(&x->o->a, &x->request_headers, out->headers.v[i].name,
                         rac_json_of_str(out->headers.v[i].value));
    x->fetch = f->start(f->self, &req, &x->o->a, &ev);
}

/* Recorded inputs hold no credentials: what stands in for them is evaluated again. */
static bool true_headers(struct exchange *x, struct rac_json *http, rac_str *why)
{
    const struct rac_json *headers = rac_json_get(http, RAC_S("headers")), *shown;
    struct rac_json v;
    shown = rac_json_geti(headers, RAC_S("Authorization"));
    if (!rac_str_eq(rac_json_str(shown, RAC_S("")), RAC_S("*sanitized*")))
        return true;
    if (rac_run_evaluate(x->o->live->run, x->o->x, x->o->x->action->inputs, &v, why) != RAC_OK)
        return false;
    const struct rac_json *in = &v;
    if (x->o->x->action->type == RAC_WF_TYPE_HTTP_WEBHOOK)
        in = exchange_get(in, RAC_S("subscribe"));
    copy_member(&x->o->a, http, in, "headers");
    return true;
}

static void refused_soon(void *arg)
{
    struct exchange *x = arg;
    exchange_refused(x, x->answer.code, x->answer.error_code, x->answer.message);
}

/* A timer that rings at once: a completion never happens inside the call that asked for it. */
static void refuse(struct exchange *x, const char *error_code, rac_str why)
{
    x->answer = (struct answer){.code = "BadRequest", .error_code = error_code, .message = why};
    x->o->timer.fn = refused_soon;
    x->o->timer.arg = x;
    timer_set(x->o->live->e, &x->o->timer, 0);
}

void exchange_http_send(struct exchange *x)
{
    struct rac_arena *a = &x->o->a;
    struct rac_outbound_options options = {0};
    struct rac_outbound out;
    struct rac_json http;
    const char *code;
    rac_str why;
    uint64_t random[2] = {engine_random(x->o->live->e), engine_random(x->o->live->e)};
    memcpy(options.random, random, sizeof options.random);
    if (!http_inputs(x, &http, &code, &why)) {
        refuse(x, code, why);
        return;
    }
    if (!true_headers(x, &http, &why)) {
        refuse(x, "InvalidTemplate", why);
        return;
    }
    if (x->mode != EXCHANGE_FIRST) {
        rac_json_del(&http, RAC_S("body"));
        rac_json_del(&http, RAC_S("queries"));
        RAC_JSON_PUT_STR(a, &http, "method", x->method);
        RAC_JSON_PUT_STR(a, &http, "uri", x->url);
    }
    if (rac_outbound_request(&http, &options, a, &out, &why) != RAC_OK) {
        refuse(x, "BadRequest", why);
        return;
    }
    exchange_tracking_headers(x, &out.headers);
    start(x, &out);
}

static bool redirected(struct exchange *x)
{
    struct answer *w = &x->answer;
    bool drop = false;
    rac_str to = rac_outbound_redirect(x->request_method, w->url, w->status, &w->headers, x->hops,
                                       &x->o->a, &drop);
    if (to.p == NULL)
        return false;
    struct rac_outbound out = {.method = x->request_method, .url = to};
    RAC_JSON_EACH_MEMBER(m, &x->request_headers)
    rac_headers_add(&out.headers, &x->o->a, rac_json_key(m), rac_json_str(&m->value, RAC_S("")));
    x->hops++;
    start(x, &out);
    return true;
}

static void done(void *arg, const struct rac_fetch_res *res)
{
    struct exchange *x = arg;
    struct answer *w = &x->answer;
    rac_str url = w->url;
    *w = (struct answer){.url = url, .status = res->status, .headers = res->headers};
    x->fetch = NULL;
    if (res->err != RAC_OK) {
        bool late = res->err == RAC_E_TIMEOUT;
        w->transport = true;
        w->code = w->error_code = late ? "RequestTimeout" : "BadRequest";
        w->message = rac_arena_printf(&x->o->a, "Http request failed as there is an error: '%.*s'.",
                                      RAC_FMT(res->error));
    } else if (redirected(x)) {
        return;
    } else if (rac_outbound_outputs(res->status, &res->headers, res->body, &x->o->a, &w->outputs) !=
               RAC_OK) {
        w->transport = w->final = true;
        w->code = w->error_code = "BadRequest";
        w->message = RAC_S("Http request failed as there is an error: 'the answer is too large or "
                           "nested too deep'.");
    }
    exchange_answered(x);
}

/* --- unsubscribing (§3.5): sent and forgotten ------------------------------------------------- */

struct farewell {
    struct rac_arena a;
};

static void farewell_done(void *arg, const struct rac_fetch_res *res RAC_UNUSED)
{
    struct farewell *w = arg;
    rac_arena_fini(&w->a);
    rac_mem_free(w);
}

void exchange_unsubscribe(struct live *l, struct rac_wf_record *record)
{
    enum { FAREWELL_BYTES_MAX = 16 << 20 };
    struct rac_fetcher *f = &l->e->ports.fetcher;
    const struct rac_json *in = exchange_get(&record->inputs, RAC_S("unsubscribe"));
    struct rac_outbound_options options = {0};
    struct rac_outbound out;
    rac_str why;
    if (f->start == NULL || !rac_json_is_object(in))
        return;
    struct farewell *w = rac_mem_alloc(sizeof *w);
    rac_arena_init(&w->a, FAREWELL_BYTES_MAX);
    struct rac_json http = rac_json_copy(&w->a, in);
    if (exchange_get(&http, RAC_S("uri")) == NULL)
        RAC_JSON_PUT_STR(&w->a, &http, "uri", text(&http, "url", RAC_S("")));
    if (rac_outbound_request(&http, &options, &w->a, &out, &why) != RAC_OK) {
        farewell_done(w, NULL);
        return;
    }
    struct rac_fetch_req req = {.method = out.method,
                                .url = out.url,
                                .headers = &out.headers,
                                .body = out.has_body ? out.body : RAC_STR_NULL};
    struct rac_fetch_events ev = {.done = farewell_done, .arg = w};
    f->start(f->self, &req, &w->a, &ev);
}
