/*
 * The call as a state machine over rac_fetcher. One rac_call owns one arena, in which everything
 * about the exchange lives until rac_call_free.
 *
 *   NEW -> (BODY) -> (AUTH) -> BUILD -> (SIDE -> BUILD) -> SEND -> (SEND, redirect)
 *       -> (AUTH, once, after a 401) -> OVER
 *
 * Steps run from the loop, never inside rac_call_start: the first one is deferred. A call that is
 * freed while its deferred step is still queued goes away when that step runs.
 */
#include "connector/call.h"

#include "base/mem.h"
#include "base/str.h"
#include "connector/call_priv.h"
#include "connector/text_priv.h"
#include "connector/unbind.h"
#include "text/mime.h"
#include "text/url.h"

enum {
    CALL_MAGIC = 0x43414c4c,
    REDIRECTS_MAX = 10,
    INNER_BODY_MAX = 4096,
    SIDE_BYTES_MAX = 4 << 20,
};
static const size_t response_bytes_default = 100u << 20;
static const size_t arena_bytes_default = 64u << 20;

enum state {
#define STATE(name) STATE_##name,
#include "connector/call_states.def"
#undef STATE
};

struct rac_call {
    uint32_t magic;
    enum state state;
    struct rac_call_req req; /* connector referenced */
    const struct rac_call_env *env;
    rac_call_done done;
    void *arg;
    struct rac_arena a;
    struct rac_prepare prepare;
    struct rac_call_res res;
    struct rac_fetch *fetch;
    struct rac_auth_wait *wait;
    const struct rac_policy *side;
    struct rac_request side_request;
    struct rac_json body_json; /* of a raw request that had to be parsed */
    char *raw_body;            /* while reading it */
    size_t raw_n, raw_cap;
    rac_str url, origin; /* of the request being sent; origin of the first one */
    rac_str method;
    int redirects;
    bool deferred, freed; /* a step is queued; the owner is gone */
    bool refreshed;       /* the one refresh after a 401 has been spent */
    bool streaming;       /* this answer goes to the sink as it comes */
    bool swallow;         /* this answer is not the one to deliver */
    bool headers_delivered, aborted;
    struct rac_policy_answer answer;
    rac_ns started_ns, sent_ns;
};

static void step(struct rac_call *c);
static void send_current(struct rac_call *c);

static void set_state(struct rac_call *c, enum state to)
{
    RAC_ASSERT(c->state != STATE_OVER);
    c->state = to;
}

/* --- ending ---------------------------------------------------------------------------------- */

static rac_ns now_ns(const struct rac_call *c)
{
    return rac_env_mono_ns(c->env->env);
}

/* text without the secrets of the connection: links and messages may repeat them. */
static rac_str unsecret(struct rac_call *c, rac_str text)
{
    struct rac_secrets secrets;
    if (c->req.connection == NULL || text.n == 0)
        return text;
    rac_connection_secrets(c->req.connection, &c->a, &secrets);
    return rac_secrets_mask(&secrets, text, &c->a);
}

static void finish(struct rac_call *c)
{
    set_state(c, STATE_OVER);
    if (c->res.error.code != RAC_CALL_NONE) {
        c->res.error.message = unsecret(c, c->res.error.message);
        c->res.error.inner_body = unsecret(c, c->res.error.inner_body);
    }
    c->res.op = c->prepare.op;
    c->res.client_request_id = c->prepare.client_request_id;
    c->res.total_ns = now_ns(c) - c->started_ns;
    if (rac_arena_over(&c->a) && c->res.error.code == RAC_CALL_NONE && !c->streaming)
        rac_call_fail(&c->res.error, &c->a, RAC_CALL_BAD_BACKEND_RESPONSE, "RC-RUN-06",
                      RAC_STR_NULL, "the answer is larger than what a call may hold in memory");
    c->done(c->arg, c, &c->res);
}

static void fail(struct rac_call *c, enum rac_call_code code, const char *detail, rac_str message)
{
    rac_call_fail(&c->res.error, &c->a, code, detail, RAC_STR_NULL, "%.*s", RAC_FMT(message));
    finish(c);
}

/* --- resolving and building ------------------------------------------------------------------- */

/* A next page that updatenextlink routed through us comes back as a raw call. */
static void follow_own_link(struct rac_call *c)
{
    struct rac_call_req *q = &c->req;
    rac_str base = q->runtime_url;
    if (q->follow_url.p == NULL || base.n == 0 || !rac_str_starts(q->follow_url, base))
        return;
    rac_str rest = rac_str_from(q->follow_url, base.n);
    if (rest.n == 0 || rest.p[0] != '/')
        return;
    q->method = q->follow_method.p != NULL ? q->follow_method : RAC_S("GET");
    q->path = rac_str_cut(rest, '?', &q->query);
    q->operation_id = q->follow_url = RAC_STR_NULL;
}

/* The request that follows an answer's URL: headers and credentials of the operation, if the URL
 * is on the host the operation itself calls. */
static enum rac_call_code follow_build(struct rac_call *c)
{
    struct rac_prepare *p = &c->prepare;
    struct rac_request *r = &p->request;
    struct rac_url url;
    struct rac_call_error *e = &c->res.error;
    if (!rac_url_split_http(c->req.follow_url, &url))
        return rac_call_fail(e, &c->a, RAC_CALL_BAD_BACKEND_RESPONSE, NULL, RAC_STR_NULL,
                             "what is to be followed is no http(s) URL");
    enum rac_call_code code = rac_prepare_follow(p, e);
    if (code != RAC_CALL_NONE)
        return code;
    rac_str home = rac_request_url(r, false);
    struct rac_url ours;
    bool same = !p->run.homeless && rac_url_split_http(home, &ours) &&
                rac_str_eq(rac_url_origin(&c->a, &ours), rac_url_origin(&c->a, &url));
    struct rac_request_pairs query = r->query;
    r->query = (struct rac_request_pairs){0};
    if (!same) {
        r->headers = (struct rac_request_pairs){0};
        p->token = NULL; /* not sent there: what that host thinks of it is not asked */
    }
    r->method = c->req.follow_method.p != NULL ? c->req.follow_method : RAC_S("GET");
    if (rac_request_header(r, RAC_S("accept")) == NULL)
        rac_request_add_header(r, RAC_S("Accept"), p->op->plan->accept, 0);
    c->url = c->req.follow_url;
    for (size_t i = 0; same && i < query.n; i++) /* a key in the query, unless the link has it */
        if (rac_url_query_get(&c->a, url.query.p ? url.query : RAC_S(""), query.v[i].name).p ==
            NULL)
            c->url = rac_url_query_add(&c->a, c->url, query.v[i].name, query.v[i].value);
    rac_prepare_finish(p);
    return RAC_CALL_NONE;
}

/* Bind, credentials; the policies follow in step(). */
static enum rac_call_code build_begin(struct rac_call *c)
{
    struct rac_prepare *p = &c->prepare;
    if (c->req.follow_url.p != NULL)
        return follow_build(c);
    enum rac_call_code code = rac_prepare_bind(
        p, c->body_json.type != RAC_JSON_NONE ? &c->body_json : NULL, &c->res.error);
    if (code == RAC_CALL_NONE)
        code = rac_prepare_credentials(p, &p->request, &c->res.error);
    return code;
}

static void fetch_done(void *arg, const struct rac_fetch_res *res);

static struct rac_headers *headers_of(struct rac_call *c, const struct rac_request *r)
{
    struct rac_headers *h = RAC_NEW(&c->a, struct rac_headers);
    h->v = RAC_NEW_N(&c->a, struct rac_header, r->headers.n);
    h->n = h->cap = r->headers.n;
    for (size_t i = 0; i < r->headers.n; i++)
        h->v[i] = (struct rac_header){r->headers.v[i].name, r->headers.v[i].value};
    return h;
}

/* --- credentials ------------------------------------------------------------------------------ */

static void auth_done(void *arg, rac_err e, const struct rac_auth_error *error)
{
    struct rac_call *c = RAC_CAST(arg, struct rac_call, CALL_MAGIC);
    c->wait = NULL;
    if (e == RAC_OK && error == NULL) {
        const struct rac_conn_param *oauth = rac_conn_param_oauth(c->req.connection->set);
        c->res.refreshed = rac_connection_token(c->req.connection, oauth->name);
        set_state(c, STATE_BIND);
        step(c);
        return;
    }
    enum rac_call_code code =
        error != NULL ? rac_call_code_of(error->code) : RAC_CALL_CONNECTION_UNAUTHENTICATED;
    rac_str message = error != NULL ? error->message : rac_str_of(rac_err_text(e));
    rac_call_fail(&c->res.error, &c->a, code,
                  error != NULL && error->detail.n > 0 ? rac_arena_cstr(&c->a, error->detail)
                                                       : NULL,
                  RAC_STR_NULL, "%.*s", RAC_FMT(message));
    if (error != NULL && error->http_status != 0)
        c->res.error.http_status = error->http_status;
    if (error != NULL && error->retry_after_s > 0)
        c->res.error.retry_after_ms = error->retry_after_s * 1000;
    finish(c); /* the engine has marked the connection, with the provider's own words */
}

/* The engine writes new tokens into the connection it is given, with strings in our arena: that
 * must not be the caller's connection, which may outlive us. */
static struct rac_connection *connection_own(struct rac_call *c)
{
    struct rac_connection *own = RAC_NEW(&c->a, struct rac_connection);
    *own = *c->req.connection;
    own->tokens = RAC_NEW_N(&c->a, struct rac_oauth_token, own->tokens_n);
    if (own->tokens_n > 0)
        memcpy(own->tokens, c->req.connection->tokens, own->tokens_n * sizeof *own->tokens);
    c->req.connection = own;
    return own;
}

/* True when the call waits for a token now. */
static bool auth_wait(struct rac_call *c, bool rejected)
{
    if (c->env->auth == NULL || c->req.connection == NULL || c->prepare.op->auth.none)
        return false;
    if (!rejected && rac_auth_ready(c->env->auth, &c->prepare.op->auth, c->req.connection))
        return false;
    set_state(c, STATE_AUTH);
    c->wait = rac_auth_prepare_start(c->env->auth, connection_own(c), c->req.oauth, rejected, &c->a,
                                     auth_done, c);
    return true;
}

/* --- sending ---------------------------------------------------------------------------------- */

static bool is_redirect(const struct rac_call *c, const struct rac_fetch_res *res)
{
    return (res->status == 301 || res->status == 302 || res->status == 303 || res->status == 307 ||
            res->status == 308) &&
           (rac_str_eq(c->method, RAC_S("GET")) || rac_str_eq(c->method, RAC_S("HEAD"))) &&
           rac_headers_get(&res->headers, RAC_S("location")).n > 0;
}

/* A 401 that a refresh may cure: the token used is an OAuth one, and the body can be sent again. */
static bool can_refresh(const struct rac_call *c, int status)
{
    bool again = c->state == STATE_SIDE || c->prepare.request.body.kind != RAC_BODY_RAW ||
                 c->prepare.request.body.source == NULL;
    return status == 401 && !c->refreshed && c->env->auth != NULL && c->prepare.token != NULL &&
           rac_auth_renewable(c->req.connection) && c->redirects == 0 && again;
}

/* True when the call waits for another token; it begins again with that one. */
static bool refresh_waits(struct rac_call *c, int status)
{
    if (!can_refresh(c, status))
        return false;
    c->refreshed = true;
    return auth_wait(c, true);
}

static bool run_response_policies(struct rac_call *c, int status, struct rac_json *body)
{
    c->answer =
        (struct rac_policy_answer){.status = status, .headers = &c->res.headers, .body = body};
    enum rac_call_code code = rac_policies_response(&c->prepare.run, &c->answer, &c->res.error);
    if (c->answer.unauthenticated)
        c->res.connection_unauthenticated = true;
    return code == RAC_CALL_NONE;
}

static void take_headers(struct rac_call *c, const struct rac_fetch_res *res)
{
    c->res.status = res->status;
    c->res.headers = res->headers;
    rac_unbind_headers(&c->res.headers);
    if (c->req.sink != NULL) /* a backend does not set cookies for our own origin */
        rac_headers_del(&c->res.headers, RAC_S("set-cookie"));
    if (res->status == 401 && c->prepare.token != NULL)
        c->res.connection_unauthenticated = true;
}

static bool on_headers(void *arg, const struct rac_fetch_res *res)
{
    struct rac_call *c = RAC_CAST(arg, struct rac_call, CALL_MAGIC);
    c->swallow = is_redirect(c, res) || can_refresh(c, res->status);
    if (c->swallow)
        return true;
    take_headers(c, res);
    if (!run_response_policies(c, res->status, NULL)) {
        c->aborted = true;
        return false;
    }
    c->headers_delivered = true;
    if (c->req.sink->on_headers != NULL &&
        !c->req.sink->on_headers(c->req.sink->arg, c->res.status, &c->res.headers)) {
        c->aborted = true;
        return false;
    }
    return true;
}

static bool on_data(void *arg, rac_str bytes)
{
    struct rac_call *c = RAC_CAST(arg, struct rac_call, CALL_MAGIC);
    if (c->swallow || c->req.sink->on_data == NULL)
        return true;
    return c->req.sink->on_data(c->req.sink->arg, bytes);
}

static void send_current(struct rac_call *c)
{
    struct rac_request *r = &c->prepare.request;
    const struct rac_call_env *env = c->env;
    c->streaming = c->req.sink != NULL && !c->prepare.op->plan->answer_needed;
    c->swallow = false;
    struct rac_fetch_req req = {
        .method = c->method,
        .url = c->url,
        .headers = headers_of(c, r),
        .connect_timeout_ms = env->connect_timeout_ms,
        .timeout_ms = c->req.timeout_ms != 0 ? c->req.timeout_ms : env->timeout_ms,
        .response_bytes_max = c->req.response_bytes_max != 0 ? c->req.response_bytes_max
                              : env->response_bytes_max != 0 ? env->response_bytes_max
                                                             : response_bytes_default,
    };
    if (r->body.kind == RAC_BODY_RAW && r->body.source != NULL)
        req.source = r->body.source;
    else if (r->body.kind != RAC_BODY_NONE)
        req.body = r->body.bytes;
    struct rac_fetch_events ev = {.done = fetch_done, .arg = c};
    if (c->streaming) {
        ev.on_headers = on_headers;
        ev.on_data = on_data;
    }
    set_state(c, STATE_SEND);
    c->fetch = env->fetcher.start(env->fetcher.self, &req, &c->a, &ev);
}

static void send_first(struct rac_call *c)
{
    struct rac_request *r = &c->prepare.request;
    if (c->prepare.op->needs_script && c->req.follow_url.p == NULL) {
        fail(c, RAC_CALL_SCRIPT_UNSUPPORTED, NULL,
             rac_arena_printf(&c->a,
                              "operation %.*s runs the connector's C# script, which Raccord keeps "
                              "but does not run",
                              RAC_FMT(c->prepare.op->id)));
        return;
    }
    if (r->body.kind != RAC_BODY_NONE && r->body.kind != RAC_BODY_RAW) {
        unsigned char random[16] = {0};
        if (r->body.kind == RAC_BODY_MULTIPART)
            rac_env_random(c->env->env, random, sizeof random);
        rac_str type;
        r->body.bytes = rac_body_bytes(r, random, &type);
        r->body.content_type = type;
    }
    if (c->req.follow_url.p == NULL) {
        if (rac_prepare_address(&c->prepare, &c->res.error) != RAC_CALL_NONE) {
            finish(c);
            return;
        }
        rac_prepare_finish(&c->prepare);
        c->url = rac_request_url(r, false);
    }
    c->method = r->method;
    c->redirects = 0;
    c->origin = RAC_STR_NULL;
    bool follows = c->req.follow_url.p != NULL;
    c->res.url = follows ? unsecret(c, c->req.follow_url) : rac_request_url(r, true);
    c->res.base = follows ? c->req.follow_url : rac_request_base_url(r);
    c->res.attempts++;
    c->sent_ns = now_ns(c);
    if (rac_arena_over(&c->a)) {
        fail(c, RAC_CALL_INVALID_INPUT, NULL, RAC_S("the request is larger than the limit"));
        return;
    }
    send_current(c);
}

/* One hop; credentials and everything secret stay with the origin they were meant for. */
static bool redirect(struct rac_call *c, const struct rac_fetch_res *res)
{
    struct rac_request *r = &c->prepare.request;
    rac_str location = rac_headers_get(&res->headers, RAC_S("location")), next;
    struct rac_url to, from;
    if (++c->redirects > REDIRECTS_MAX) {
        fail(c, RAC_CALL_BAD_BACKEND_RESPONSE, NULL,
             rac_arena_printf(&c->a, "more than %d redirects, the last one to %.*s", REDIRECTS_MAX,
                              RAC_FMT(rac_str_sub(location, 0, 200))));
        return false;
    }
    if (rac_url_resolve(c->url, location, &c->a, &next) != RAC_OK ||
        !rac_url_split_http(next, &to) || !rac_url_split_http(c->url, &from)) {
        fail(c, RAC_CALL_BAD_BACKEND_RESPONSE, NULL,
             rac_arena_printf(&c->a, "the backend redirects to \"%.*s\", which is no http(s) URL",
                              RAC_FMT(rac_str_sub(location, 0, 200))));
        return false;
    }
    if (c->origin.p == NULL)
        c->origin = rac_url_origin(&c->a, &from);
    if (!rac_str_eq(c->origin, rac_url_origin(&c->a, &to))) {
        size_t kept = 0;
        for (size_t i = 0; i < r->headers.n; i++)
            if (!(r->headers.v[i].flags & RAC_REQUEST_SECRET) &&
                !rac_auth_is_secret_header(r->headers.v[i].name))
                r->headers.v[kept++] = r->headers.v[i];
        r->headers.n = kept;
        c->prepare.token = NULL;
    }
    if (r->body.kind == RAC_BODY_RAW && r->body.source != NULL) /* it was read once already */
        r->body.kind = RAC_BODY_NONE;
    c->url = c->res.base = next;
    c->res.url = unsecret(c, next);
    send_current(c);
    return true;
}

/* --- the side call of setvaluefromurl --------------------------------------------------------- */

static void side_send(struct rac_call *c)
{
    struct rac_request *r = &c->side_request;
    rac_policy_side_request(&c->prepare.run, c->side, r);
    if (rac_prepare_credentials(&c->prepare, r, &c->res.error) != RAC_CALL_NONE) {
        finish(c);
        return;
    }
    struct rac_fetch_req req = {.method = r->method,
                                .url = rac_request_url(r, false),
                                .headers = headers_of(c, r),
                                .connect_timeout_ms = c->env->connect_timeout_ms,
                                .timeout_ms = c->env->timeout_ms,
                                .response_bytes_max = SIDE_BYTES_MAX};
    struct rac_fetch_events ev = {.done = fetch_done, .arg = c};
    c->fetch = c->env->fetcher.start(c->env->fetcher.self, &req, &c->a, &ev);
}

static void side_done(struct rac_call *c, const struct rac_fetch_res *res)
{
    struct rac_json body;
    rac_str why = RAC_STR_NULL;
    bool good = res->err == RAC_OK && res->status >= 200 && res->status < 300 &&
                rac_unbind(rac_headers_get(&res->headers, RAC_S("content-type")), res->body, &c->a,
                           &body, &why) == RAC_OK;
    if (res->err == RAC_OK && refresh_waits(c, res->status))
        return;
    if (!good) { /* its failure is the call's, with that status */
        c->res.connection_unauthenticated |= res->status == 401 && c->prepare.token != NULL;
        rac_str text = res->err != RAC_OK ? res->error : why;
        rac_call_fail(&c->res.error, &c->a, RAC_CALL_POLICY_FAILED, NULL, RAC_STR_NULL,
                      "policy %u \"%.*s\": the value could not be fetched: %d %.*s", c->side->index,
                      RAC_FMT(c->side->title), res->status, RAC_FMT(text));
        c->res.error.inner_status = res->status;
        c->res.error.inner_body = rac_str_sub(res->body, 0, INNER_BODY_MAX);
        if (res->status >= 400)
            c->res.error.http_status = res->status;
        finish(c);
        return;
    }
    rac_policy_side_answer(&c->prepare.run, c->side, &body);
    set_state(c, STATE_BUILD);
    step(c);
}

/* --- answers ---------------------------------------------------------------------------------- */

static enum rac_call_code code_of_err(rac_err e)
{
    switch (e) {
    case RAC_E_DENIED:
        return RAC_CALL_EGRESS_DENIED;
    case RAC_E_TIMEOUT:
        return RAC_CALL_BACKEND_TIMEOUT;
    case RAC_E_UNREACHABLE:
    case RAC_E_TLS:
    case RAC_E_NOT_FOUND:
        return RAC_CALL_BACKEND_UNREACHABLE;
    case RAC_E_INVALID:
        return RAC_CALL_INVALID_INPUT;
    default:
        return RAC_CALL_BAD_BACKEND_RESPONSE;
    }
}

static void transport_failed(struct rac_call *c, const struct rac_fetch_res *res)
{
    struct rac_call_error e;
    rac_str message = res->error.n > 0 ? res->error : rac_str_of(rac_err_text(res->err));
    rac_call_fail(&e, &c->a, code_of_err(res->err), NULL, RAC_STR_NULL, "%.*s", RAC_FMT(message));
    if (!c->headers_delivered) {
        c->res.status = 0;
        (void)run_response_policies(c, 0, NULL);
    }
    c->res.error = e;
    finish(c);
}

/* Buffered answers: policies on the parsed body where they need it, then outputs. */
static void deliver(struct rac_call *c, rac_str bytes)
{
    rac_str type = rac_headers_get(&c->res.headers, RAC_S("content-type")), why = RAC_STR_NULL;
    bool wants_json =
        c->prepare.op->plan->answer_needed || (!c->req.keep_answer_raw && !c->req.sink);
    struct rac_json body = rac_json_none;
    rac_err e = RAC_OK;
    enum rac_unbind_form form = rac_unbind_form(type, bytes, &c->a);
    if (wants_json)
        e = rac_unbind(type, bytes, &c->a, &body, &why);
    bool json = form == RAC_UNBIND_JSON && e == RAC_OK;
    if (!run_response_policies(c, c->res.status, json && wants_json ? &body : NULL)) {
        finish(c);
        return;
    }
    if (c->answer.body_changed) {
        bytes = rac_json_print_str(&body, 0, &c->a);
        rac_headers_del(&c->res.headers, RAC_S("content-length"));
        rac_headers_del(&c->res.headers, RAC_S("etag"));
    }
    c->res.bytes = bytes;
    if (!c->req.keep_answer_raw)
        c->res.body = body;
    if (e != RAC_OK && c->res.status < 400 && !c->req.keep_answer_raw && c->req.sink == NULL) {
        rac_call_fail(&c->res.error, &c->a, RAC_CALL_BAD_BACKEND_RESPONSE,
                      e == RAC_E_SYNTAX ? "RC-RUN-07" : NULL, RAC_STR_NULL,
                      "the answer says it is JSON and is not: %.*s", RAC_FMT(why));
        c->res.error.inner_status = c->res.status;
        c->res.error.inner_body = rac_str_sub(bytes, 0, INNER_BODY_MAX);
    }
    if (c->req.sink != NULL) {
        const struct rac_call_sink *sink = c->req.sink;
        if ((sink->on_headers == NULL ||
             sink->on_headers(sink->arg, c->res.status, &c->res.headers)) &&
            sink->on_data != NULL && bytes.n > 0)
            (void)sink->on_data(sink->arg, bytes);
    }
    finish(c);
}

static void answer_done(struct rac_call *c, const struct rac_fetch_res *res)
{
    c->res.backend_ns = now_ns(c) - c->sent_ns;
    if (c->aborted && c->res.error.code != RAC_CALL_NONE) { /* a policy said no at the headers */
        finish(c);
        return;
    }
    if (res->err != RAC_OK) {
        transport_failed(c, res);
        return;
    }
    if (is_redirect(c, res)) {
        (void)redirect(c, res);
        return;
    }
    if (refresh_waits(c, res->status))
        return;
    if (c->streaming) {
        finish(c);
        return;
    }
    take_headers(c, res);
    deliver(c, res->body.p != NULL ? res->body : RAC_S(""));
}

static void fetch_done(void *arg, const struct rac_fetch_res *res)
{
    struct rac_call *c = RAC_CAST(arg, struct rac_call, CALL_MAGIC);
    c->fetch = NULL;
    if (c->state == STATE_SIDE)
        side_done(c, res);
    else
        answer_done(c, res);
}

/* --- steps ------------------------------------------------------------------------------------ */

static void raw_parse(struct rac_call *c, rac_str bytes)
{
    struct rac_json_error where = {0};
    rac_str type = c->req.headers != NULL ? rac_headers_get(c->req.headers, RAC_S("content-type"))
                                          : RAC_STR_NULL;
    c->req.source = NULL;
    c->req.body = bytes;
    if (bytes.n > 0 && (type.n == 0 || rac_mime_text_is_json(type)) &&
        rac_json_parse(bytes, &c->a, 0, &c->body_json, &where) != RAC_OK) {
        rac_call_fail(&c->res.error, &c->a, RAC_CALL_INVALID_INPUT, NULL, RAC_S("/body"),
                      "the body is not JSON: %s (line %u, column %u)", where.message, where.line,
                      where.column);
        finish(c);
        return;
    }
    set_state(c, STATE_RESOLVED);
    step(c);
}

/* Reads a source into memory because a policy or a default needs the body parsed. */
static void read_source(struct rac_call *c)
{
    const struct rac_body_source *source = c->req.source;
    bool eof = false;
    while (!eof) {
        if (c->raw_n == c->raw_cap) {
            size_t cap = c->raw_cap ? c->raw_cap * 2
                         : source->length > 0 && source->length < (1 << 20)
                             ? (size_t)source->length + 1
                             : 16384;
            char *grown = rac_arena_try(&c->a, cap);
            if (grown == NULL) {
                fail(c, RAC_CALL_INVALID_INPUT, NULL,
                     RAC_S("the body is larger than what a policy may hold in memory"));
                return;
            }
            if (c->raw_n > 0)
                memcpy(grown, c->raw_body, c->raw_n);
            c->raw_body = grown;
            c->raw_cap = cap;
        }
        size_t n = 0;
        rac_err e =
            source->read(source->self, c->raw_body + c->raw_n, c->raw_cap - c->raw_n, &n, &eof);
        if (e != RAC_OK) {
            fail(c, RAC_CALL_INVALID_INPUT, NULL, RAC_S("the request body broke off"));
            return;
        }
        c->raw_n += n;
        if (n == 0 && !eof)
            return; /* rac_call_resume comes back here */
    }
    raw_parse(c, (rac_str){c->raw_body, c->raw_n});
}

static void body_begin(struct rac_call *c)
{
    if (!c->prepare.raw || !rac_bind_wants_body(c->prepare.op, &c->req) ||
        (c->req.source == NULL && c->req.body.n == 0)) {
        set_state(c, STATE_RESOLVED);
        step(c);
        return;
    }
    set_state(c, STATE_BODY);
    if (c->req.source != NULL)
        read_source(c);
    else
        raw_parse(c, c->req.body);
}

/* The connector was taken from the owner of the connection: nothing is called with it. */
static bool refuse_revoked(struct rac_call *c)
{
    const struct rac_connection *with = c->req.connection;
    if (with == NULL || with->status.status != RAC_CONNECTION_ERROR ||
        !rac_str_eq(with->status.code, RAC_CONNECTION_REVOKED))
        return false;
    fail(c, RAC_CALL_CONNECTION_FORBIDDEN, RAC_CONNECTION_REVOKED.p, with->status.message);
    return true;
}

static void step_new(struct rac_call *c)
{
    if (refuse_revoked(c))
        return;
    if (rac_prepare_resolve(&c->prepare, &c->res.error) != RAC_CALL_NONE)
        finish(c);
    else
        body_begin(c);
}

static void step_bind(struct rac_call *c)
{
    if (build_begin(c) != RAC_CALL_NONE)
        finish(c);
    else if (c->req.follow_url.p != NULL)
        send_first(c);
    else {
        set_state(c, STATE_BUILD);
        step(c);
    }
}

static void step_build(struct rac_call *c)
{
    if (rac_policies_request(&c->prepare.run, &c->side, &c->res.error) != RAC_CALL_NONE)
        finish(c);
    else if (c->side != NULL) {
        set_state(c, STATE_SIDE);
        side_send(c);
    } else
        send_first(c);
}

static void step(struct rac_call *c)
{
    switch (c->state) {
    case STATE_NEW:
        step_new(c);
        break;
    case STATE_RESOLVED:
        if (!auth_wait(c, false)) {
            set_state(c, STATE_BIND);
            step(c);
        }
        break;
    case STATE_BIND:
        step_bind(c);
        break;
    case STATE_BUILD:
        step_build(c);
        break;
    default:
        break;
    }
}

static void call_release(struct rac_call *c)
{
    c->magic = 0;
    rac_connector_unref(c->req.connector);
    rac_arena_fini(&c->a);
    rac_mem_free(c);
}

static void deferred_step(void *arg)
{
    struct rac_call *c = RAC_CAST(arg, struct rac_call, CALL_MAGIC);
    c->deferred = false;
    if (c->freed)
        call_release(c);
    else if (c->state == STATE_NEW)
        step(c);
    else if (c->state == STATE_BODY)
        read_source(c);
}

/* A step soon, from the loop: never inside the caller's call. */
static void defer_step(struct rac_call *c)
{
    if (c->deferred)
        return;
    c->deferred = true;
    c->env->defer(c->env->defer_self, deferred_step, c);
}

struct rac_call *rac_call_start(const struct rac_call_req *req, const struct rac_call_env *env,
                                rac_call_done done, void *arg)
{
    struct rac_call *c = rac_mem_alloc(sizeof *c);
    c->magic = CALL_MAGIC;
    c->req = *req;
    c->env = env;
    c->done = done;
    c->arg = arg;
    size_t body_max = req->response_bytes_max != 0   ? req->response_bytes_max
                      : env->response_bytes_max != 0 ? env->response_bytes_max
                                                     : response_bytes_default;
    size_t room = env->arena_bytes_max != 0 ? env->arena_bytes_max : arena_bytes_default;
    rac_arena_init(&c->a, body_max + room);
    rac_connector_ref(c->req.connector);
    c->started_ns = now_ns(c);
    follow_own_link(c);
    struct rac_prepare *p = &c->prepare;
    p->a = &c->a;
    p->req = &c->req;
    p->env = env->env;
    p->user_agent = env->user_agent.p != NULL ? env->user_agent : RAC_S("Raccord/" RAC_VERSION);
    p->client_request_id = rac_prepare_request_id(env->env, req->client_request_id, &c->a);
    RAC_ASSERT(env->defer != NULL);
    defer_step(c);
    return c;
}

void rac_call_resume(struct rac_call *c)
{
    RAC_ASSERT(c->magic == CALL_MAGIC);
    if (c->state == STATE_BODY)
        defer_step(c);
    else if (c->fetch != NULL)
        c->env->fetcher.resume(c->env->fetcher.self, c->fetch);
}

void rac_call_cancel(struct rac_call *c)
{
    RAC_ASSERT(c->magic == CALL_MAGIC);
    if (c->state == STATE_OVER)
        return;
    if (c->fetch != NULL)
        c->env->fetcher.cancel(c->env->fetcher.self, c->fetch);
    if (c->wait != NULL)
        rac_auth_prepare_cancel(c->env->auth, c->wait);
    c->fetch = NULL;
    c->wait = NULL;
    set_state(c, STATE_OVER);
}

void rac_call_free(struct rac_call *c)
{
    if (c == NULL)
        return;
    RAC_ASSERT(c->magic == CALL_MAGIC && c->state == STATE_OVER);
    if (c->deferred)
        c->freed = true;
    else
        call_release(c);
}
