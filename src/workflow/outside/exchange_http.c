/* Requests through the fetcher: Http, ApiManagement, Function, HttpWebhook (§3.1, §3.5, §4.9). */
#include "base/mem.h"
#include "base/str.h"
#include "text/url.h"
#include "workflow/definition/authentication.h"
#include "workflow/outside/chunks.h"
#include "workflow/outside/exchange_priv.h"
#include "workflow/outside/outbound.h"
#include "workflow/engine/token_cache.h"

struct http {
    struct exchange *x;
    struct rac_outbound out; /* as it is sent now: redirects and chunks change it */
    struct rac_fetch *fetch;
    struct rac_token_wait *wait;
    struct rac_authentication auth;
    rac_str plain_url; /* out.url without the credentials in its query; absent: it has none */
    bool with_token, token_dropped;
    rac_str token;
    unsigned hops;
    /* chunks */
    bool chunked, uploading, downloading;
    struct rac_upload upload;
    struct rac_download download;
    struct rac_buf whole;
    rac_str body; /* all of what is uploaded */
    struct rac_headers first_headers;
};

/* --- other origins ---------------------------------------------------------------------------- */

bool exchange_origin_differs(struct rac_arena *a, rac_str x, rac_str y)
{
    struct rac_url p, q;
    return !rac_url_split_http(x, &p) || !rac_url_split_http(y, &q) ||
           !rac_str_eq(rac_url_origin(a, &p), rac_url_origin(a, &q));
}

/* What is sent from here on goes to somebody else: nothing of ours goes along. */
static void forget_credentials(struct http *h)
{
    static const rac_str names[] = {RAC_S_INIT("Authorization"), RAC_S_INIT("Cookie"),
                                    RAC_S_INIT("x-functions-key"),
                                    RAC_S_INIT("Ocp-Apim-Subscription-Key")};
    for (size_t i = 0; i < RAC_COUNT(names); i++)
        rac_headers_del(&h->out.headers, names[i]);
    h->auth = (struct rac_authentication){0};
    h->with_token = false;
}

/* --- inputs ----------------------------------------------------------------------------------- */

/* Entries may be made of app settings and parameters; what cannot be evaluated stays as it is. */
static const struct rac_json *connection_of(const struct exchange *x, const char *section,
                                            rac_str name)
{
    struct rac_arena *a = &x->o->a;
    const struct rac_json *all = &x->o->live->flow->workflow->connections,
                          *entry = rac_json_geti(rac_json_geti(all, rac_str_of(section)), name);
    struct rac_json *v = RAC_NEW(a, struct rac_json);
    struct rac_expr_error error;
    const struct rac_expr *e;
    rac_str where, why;
    if (entry == NULL || rac_expr_compile_tree(entry, 0, a, &e, &error, &where) != RAC_OK ||
        rac_run_evaluate(x->o->live->run, x->o->x, e, v, &why) != RAC_OK)
        return entry;
    return v;
}

static rac_str text(const struct rac_json *o, const char *name, rac_str otherwise)
{
    return rac_json_str(rac_json_geti(o, rac_str_of(name)), otherwise);
}

static void copy_member(struct rac_arena *a, struct rac_json *to, const struct rac_json *from,
                        const char *name)
{
    const struct rac_json *v = rac_json_geti(from, rac_str_of(name));
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
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GETI(template, "parameters"))
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
    const struct rac_json *in = &x->o->x->inputs, *api = RAC_JSON_GETI(in, "apiManagement"), *c;
    rac_str name = text(api, "connection", text(RAC_JSON_GETI(in, "api"), "id", RAC_S("")));
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
                     rac_str_concat(a, base, expand(a, RAC_JSON_GETI(in, "pathTemplate"))));
    if (key.p == NULL)
        key = text(c, "subscriptionKey", RAC_STR_NULL);
    if (key.p != NULL)
        put_header(a, http, RAC_S("Ocp-Apim-Subscription-Key"), key);
    return true;
}

static bool function(struct exchange *x, struct rac_json *http, rac_str *why)
{
    struct rac_arena *a = &x->o->a;
    const struct rac_json *in = &x->o->x->inputs, *f = RAC_JSON_GETI(in, "function"), *c;
    rac_str name = text(f, "connectionName", text(f, "id", RAC_S("")));
    c = connection_of(x, "functionConnections", name);
    rac_str url = text(c, "triggerUrl", RAC_STR_NULL),
            key = text(RAC_JSON_GETI(c, "authentication"), "value", RAC_STR_NULL);
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

bool exchange_remote(const struct exchange *x, rac_str reference, rac_str *url,
                     struct rac_json *key)
{
    const struct rac_json *c = connection_of(x, "managedApiConnections", reference), *v;
    *url = reference.n > 0 ? text(c, "connectionRuntimeUrl", RAC_S("")) : RAC_S("");
    while (url->n > 0 && url->p[url->n - 1] == '/')
        url->n--;
    v = RAC_JSON_GETI(c, "authentication");
    *key = v != NULL ? *v : rac_json_none;
    return url->n > 0 && x->o->live->e->ports.fetcher.start != NULL;
}

bool exchange_http_remote(struct exchange *x)
{
    rac_str url;
    struct rac_json key;
    return RAC_JSON_GETI(&x->o->x->inputs, "path") != NULL &&
           exchange_remote(x, x->remote, &url, &key);
}

/* Method and path under the connection's URL, with its key instead of any credential of ours. */
static void managed_api(struct exchange *x, struct rac_json *http, struct rac_json *auth)
{
    rac_str url, path = text(&x->o->x->inputs, "path", RAC_S(""));
    (void)exchange_remote(x, x->remote, &url, auth);
    if (rac_json_get(http, RAC_S("method")) == NULL)
        RAC_JSON_PUT_STR(&x->o->a, http, "method", RAC_S("POST"));
    RAC_JSON_PUT_STR(&x->o->a, http, "uri",
                     rac_arena_printf(&x->o->a, "%.*s%s%.*s", RAC_FMT(url),
                                      rac_str_starts(path, RAC_S("/")) ? "" : "/", RAC_FMT(path)));
}

static const struct rac_json *holder_of(const struct exchange *x, const struct rac_json *inputs)
{
    return x->o->x->action->type == RAC_WF_TYPE_HTTP_WEBHOOK ? RAC_JSON_GETI(inputs, "subscribe")
                                                             : inputs;
}

static bool http_inputs(struct exchange *x, struct rac_json *http, const char **code, rac_str *why)
{
    static const char *const members[] = {"method", "uri", "headers", "queries", "cookie", "body"};
    struct rac_arena *a = &x->o->a;
    const struct rac_json *in = holder_of(x, &x->o->x->inputs);
    *code = "BadRequest";
    *http = rac_json_new_object(a);
    for (size_t i = 0; i < RAC_COUNT(members); i++)
        copy_member(a, http, in, members[i]);
    if (x->o->x->action->type == RAC_WF_TYPE_API_MANAGEMENT)
        return api_management(x, http, why);
    if (x->o->x->action->type == RAC_WF_TYPE_FUNCTION) {
        *code = "FunctionNotFound";
        return function(x, http, why);
    }
    return true;
}

/* Recorded inputs hold no credentials: what stands in for them is evaluated again. */
static bool true_inputs(struct exchange *x, struct rac_json *http, struct rac_json *auth,
                        rac_str *why)
{
    const struct rac_wf_action *action = x->o->x->action;
    const struct rac_json *headers = rac_json_get(http, RAC_S("headers")), *shown, *given;
    struct rac_json v;
    shown = RAC_JSON_GETI(headers, "Authorization");
    *auth = rac_json_none;
    if (action->authentication != NULL &&
        rac_run_evaluate(x->o->live->run, x->o->x, action->authentication, auth, why) != RAC_OK)
        return false;
    given = RAC_JSON_GETI(holder_of(x, &x->o->x->inputs), "authentication");
    bool hidden = rac_str_eq(rac_json_str(shown, RAC_S("")), RAC_S("*sanitized*")) ||
                  (action->authentication == NULL &&
                   rac_str_eq(rac_json_str(given, RAC_S("")), RAC_S("*sanitized*")));
    if (!hidden)
        return true;
    if (rac_run_evaluate(x->o->live->run, x->o->x, action->inputs, &v, why) != RAC_OK)
        return false;
    copy_member(&x->o->a, http, holder_of(x, &v), "headers");
    given = RAC_JSON_GETI(holder_of(x, &v), "authentication");
    if (given != NULL && action->authentication == NULL)
        *auth = *given;
    return true;
}

/* --- refusing --------------------------------------------------------------------------------- */

static void refused_soon(void *arg)
{
    struct exchange *x = arg;
    exchange_refused(x, x->answer.code, x->answer.error_code, x->answer.message);
}

/* A timer that rings at once: a completion never happens inside the call that asked for it. */
static void refuse(struct exchange *x, const char *code, const char *error_code, rac_str why)
{
    x->answer = (struct answer){.code = code, .error_code = error_code, .message = why};
    x->o->timer.fn = refused_soon;
    x->o->timer.arg = x;
    timer_set(x->o->live->e, &x->o->timer, 0);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void done(void *arg, const struct rac_fetch_res *res);

static void fetch(struct http *h)
{
    struct exchange *x = h->x;
    struct rac_fetcher *f = &x->o->live->e->ports.fetcher;
    struct rac_fetch_req req = {.method = h->out.method,
                                .url = h->out.url,
                                .headers = &h->out.headers,
                                .body = h->out.has_body ? h->out.body : RAC_STR_NULL,
                                .timeout_ms = exchange_timeout_ms(x),
                                .keep_encoded =
                                    (x->o->x->action->options & RAC_WF_DISABLE_DECOMPRESSION) != 0,
                                .client_cert_pem = h->auth.certificate_pem,
                                .client_key_pem = h->auth.key_pem};
    struct rac_fetch_events ev = {.done = done, .arg = h};
    x->request_method = h->out.method;
    x->answer.url = x->answer.base = h->plain_url.p != NULL ? h->plain_url : h->out.url;
    x->request_headers = rac_json_new_object(&x->o->a);
    for (size_t i = 0; i < h->out.headers.n; i++)
        if (!rac_auth_is_secret_header(h->out.headers.v[i].name))
            rac_json_put(&x->o->a, &x->request_headers, h->out.headers.v[i].name,
                         rac_json_of_str(h->out.headers.v[i].value));
    h->fetch = f->start(f->self, &req, &x->o->a, &ev);
}

static void begin_upload(struct http *h)
{
    struct rac_chunks_next next;
    struct rac_arena *a = &h->x->o->a;
    if (!h->chunked || !h->out.has_body || h->x->mode != EXCHANGE_FIRST ||
        !rac_upload_wanted(h->out.method, h->out.body.n, 0))
        return;
    rac_upload_begin(&h->upload, h->out.body.n, 0,
                     rac_headers_get(&h->out.headers, RAC_S("Content-Type")), a, &next);
    h->uploading = true;
    h->body = h->out.body;
    h->out.has_body = false;
    for (size_t i = 0; i < next.headers.n; i++)
        rac_headers_set(&h->out.headers, a, next.headers.v[i].name, next.headers.v[i].value);
}

static void with_token(void *arg, rac_str access, const struct rac_auth_error *error)
{
    struct http *h = arg;
    struct rac_arena *a = &h->x->o->a;
    h->wait = NULL;
    if (error != NULL) {
        refuse(h->x, "Unauthorized", rac_arena_cstr(a, error->code),
               rac_arena_str(a, error->message));
        return;
    }
    h->with_token = true;
    h->token = rac_arena_str(a, access);
    rac_headers_set(&h->out.headers, a, RAC_S("Authorization"),
                    rac_arena_printf(a, "Bearer %.*s", RAC_FMT(access)));
    fetch(h);
}

static void with_credentials(struct http *h)
{
    struct exchange *x = h->x;
    struct rac_arena *a = &x->o->a;
    struct rac_token_cache *tokens = x->o->live->e->tokens;
    rac_str access;
    if (x->mode != EXCHANGE_FIRST && !x->same_origin) {
        fetch(h);
        return;
    }
    switch (h->auth.kind) {
    case RAC_AUTHENTICATION_HEADER:
        rac_headers_set(&h->out.headers, a, RAC_S("Authorization"), h->auth.authorization);
        break;
    case RAC_AUTHENTICATION_QUERY:
        h->plain_url = h->out.url;
        h->out.url = rac_url_query_add(a, h->out.url, h->auth.query_name, h->auth.query_value);
        break;
    case RAC_AUTHENTICATION_TOKEN:
        if (tokens == NULL) {
            refuse(x, "Unauthorized", "Unauthorized",
                   RAC_S("Tokens cannot be obtained on this host."));
            return;
        }
        if (rac_token_cache_get(tokens, &h->auth.token, &access)) {
            with_token(h, access, NULL);
            return;
        }
        h->wait = rac_token_cache_start(tokens, &h->auth.token, with_token, h);
        return;
    default:
        break;
    }
    fetch(h);
}

static bool is_chunked(const struct exchange *x)
{
    const struct rac_json *runtime = RAC_JSON_GETI(x->o->x->action->node, "runtimeConfiguration"),
                          *transfer = RAC_JSON_GETI(runtime, "contentTransfer");
    return rac_str_eqi(text(transfer, "transferMode", RAC_S("")), RAC_S("Chunked")) &&
           !x->o->live->flow->stateless;
}

void exchange_http_drop(struct exchange *x)
{
    struct http *h = x->http;
    struct rac_engine *e = x->o->live->e;
    if (h == NULL)
        return;
    if (h->fetch != NULL)
        e->ports.fetcher.cancel(e->ports.fetcher.self, h->fetch);
    if (h->wait != NULL)
        rac_token_cache_cancel(e->tokens, h->wait);
    rac_buf_fini(&h->whole);
    x->http = NULL;
    rac_mem_free(h);
}

static struct http *http_new(struct exchange *x)
{
    struct http *h = rac_mem_alloc(sizeof *h);
    *h = (struct http){.x = x, .chunked = is_chunked(x)};
    rac_buf_init(&h->whole, RAC_CHUNKS_TOTAL_MAX);
    x->http = h;
    return h;
}

void exchange_http_send(struct exchange *x)
{
    struct rac_arena *a = &x->o->a;
    struct rac_outbound_options options = {0};
    struct rac_authentication_options identities = {0};
    struct rac_authentication_error error;
    struct rac_json inputs, auth;
    const char *code;
    rac_str why;
    uint64_t random[2] = {engine_random(x->o->live->e), engine_random(x->o->live->e)};
    exchange_http_drop(x);
    struct http *h = http_new(x);
    memcpy(options.random, random, sizeof options.random);
    if (h->chunked)
        options.body_bytes_max = RAC_CHUNKS_TOTAL_MAX;
    if (!http_inputs(x, &inputs, &code, &why)) {
        refuse(x, "BadRequest", code, why);
        return;
    }
    if (!true_inputs(x, &inputs, &auth, &why)) {
        refuse(x, "BadRequest", "InvalidTemplate", why);
        return;
    }
    if (x->remote.n > 0)
        managed_api(x, &inputs, &auth);
    if (x->mode != EXCHANGE_FIRST &&
        exchange_origin_differs(a, rac_json_str(RAC_JSON_GETI(&inputs, "uri"), RAC_S("")), x->url))
        x->same_origin = false; /* a poll, a page or a Location elsewhere */
    if (x->mode != EXCHANGE_FIRST) {
        rac_json_del(&inputs, RAC_S("body"));
        rac_json_del(&inputs, RAC_S("queries"));
        rac_str by = x->o->x->action->begin_by;
        RAC_JSON_PUT_STR(a, &inputs, "method", by.p != NULL ? by : RAC_S("GET"));
        RAC_JSON_PUT_STR(a, &inputs, "uri", x->url);
    }
    if (rac_outbound_request(&inputs, &options, a, &h->out, &why) != RAC_OK) {
        refuse(x, "BadRequest", "BadRequest", why);
        return;
    }
    if (rac_authentication_parse(auth.type != RAC_JSON_NONE ? &auth : NULL, &identities, a,
                                 &h->auth, &error) != RAC_OK) {
        refuse(x, error.code, error.error_code, error.message);
        return;
    }
    if (x->mode != EXCHANGE_FIRST && !x->same_origin)
        forget_credentials(h);
    exchange_tracking_headers(x, &h->out.headers);
    begin_upload(h);
    with_credentials(h);
}

/* --- answers ---------------------------------------------------------------------------------- */

static bool redirected(struct http *h, const struct rac_fetch_res *res)
{
    struct rac_arena *a = &h->x->o->a;
    bool drop = false;
    rac_str to = rac_outbound_redirect(h->out.method, h->out.url, res->status, &res->headers,
                                       h->hops, a, &drop);
    if (to.p == NULL)
        return false;
    if (drop)
        forget_credentials(h);
    h->out.url = to;
    h->plain_url = RAC_STR_NULL; /* credentials of the query stayed where they were sent */
    h->hops++;
    fetch(h);
    return true;
}

/* A token that is not good any more is got anew, once. */
static bool token_renewed(struct http *h, const struct rac_fetch_res *res)
{
    struct rac_token_cache *tokens = h->x->o->live->e->tokens;
    if (res->status != 401 || !h->with_token || h->token_dropped)
        return false;
    h->token_dropped = true;
    rac_token_cache_drop(tokens, &h->auth.token, h->token);
    h->wait = rac_token_cache_start(tokens, &h->auth.token, with_token, h);
    return true;
}

static void failed(struct http *h, const char *code, rac_str why)
{
    struct answer *w = &h->x->answer;
    w->transport = true;
    w->code = w->error_code = code;
    w->message = rac_arena_printf(&h->x->o->a, "Http request failed as there is an error: '%.*s'.",
                                  RAC_FMT(why));
    exchange_answered(h->x);
}

/* True: another piece is under way, or the exchange has failed. */
static bool uploaded(struct http *h, const struct rac_fetch_res *res)
{
    struct rac_arena *a = &h->x->o->a;
    struct rac_chunks_next next = {0};
    if (!h->uploading)
        return false;
    switch (rac_upload_answer(&h->upload, h->out.url, res->status, &res->headers, a, &next)) {
    case RAC_CHUNKS_NEXT:
        h->out.method = RAC_S("PATCH");
        if (exchange_origin_differs(a, h->out.url, next.url))
            forget_credentials(h);
        h->out.url = next.url;
        h->out.has_body = true;
        h->out.body = rac_str_sub(h->body, next.from, next.n);
        break;
    case RAC_CHUNKS_WHOLE:
        h->uploading = false;
        h->out.has_body = true;
        h->out.body = h->body;
        rac_headers_del(&h->out.headers, RAC_S("x-ms-transfer-mode"));
        rac_headers_del(&h->out.headers, RAC_S("x-ms-content-length"));
        break;
    case RAC_CHUNKS_FAILED:
        if (next.why.p == NULL)
            return false;
        failed(h, "BadRequest", next.why);
        return true;
    default:
        return false;
    }
    for (size_t i = 0; i < next.headers.n; i++)
        rac_headers_set(&h->out.headers, a, next.headers.v[i].name, next.headers.v[i].value);
    fetch(h);
    return true;
}

/* Pieces of a download gather in h->whole. True: another one is under way, or it has failed. */
static bool downloaded(struct http *h, const struct rac_fetch_res *res)
{
    struct rac_arena *a = &h->x->o->a;
    struct rac_chunks_next next = {0};
    if (!h->chunked || (!h->downloading && res->status != 206))
        return false;
    if (!h->downloading) {
        rac_download_begin(&h->download, 0);
        h->downloading = true;
        h->first_headers = res->headers;
    }
    rac_buf_add(&h->whole, res->body);
    switch (rac_download_answer(&h->download, res->status, &res->headers, res->body.n, a, &next)) {
    case RAC_CHUNKS_NEXT:
        rac_headers_set(&h->out.headers, a, RAC_S("Range"), next.range);
        fetch(h);
        return true;
    case RAC_CHUNKS_FAILED:
        failed(h, "BadRequest", next.why);
        return true;
    default:
        return false;
    }
}

static void done(void *arg, const struct rac_fetch_res *res)
{
    struct http *h = arg;
    struct exchange *x = h->x;
    struct answer *w = &x->answer;
    struct rac_headers headers = res->headers;
    rac_str body = res->body;
    h->fetch = NULL;
    *w = (struct answer){
        .url = w->url, .base = w->base, .status = res->status, .headers = res->headers};
    if (res->err != RAC_OK) {
        failed(h, res->err == RAC_E_TIMEOUT ? "RequestTimeout" : "BadRequest", res->error);
        return;
    }
    if (redirected(h, res) || token_renewed(h, res) || uploaded(h, res) || downloaded(h, res))
        return;
    if (h->downloading) {
        rac_download_headers(&h->download, &h->first_headers, &x->o->a, &headers);
        w->status = 200;
        w->headers = headers;
        body = rac_arena_str(&x->o->a, rac_buf_str(&h->whole));
    }
    if (rac_outbound_outputs(w->status, &headers, body, &x->o->a, &w->outputs) != RAC_OK) {
        w->final = true;
        failed(h, "BadRequest", RAC_S("the answer is too large or nested too deep"));
        return;
    }
    exchange_answered(x);
}
