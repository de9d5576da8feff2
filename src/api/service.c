#include "api/service.h"

#include <assert.h>

#include "api/account_door.h"
#include "api/arm/arm.h"
#include "api/ask.h"
#include "api/cache.h"
#include "api/callbacks.h"
#include "api/describe.h"
#include "api/doors.h"
#include "api/flow_target.h"
#include "api/gateway.h"
#include "api/scheduling.h"
#include "api/issuers.h"
#include "api/kept.h"
#include "api/monitor.h"
#include "api/retention.h"
#include "api/native.h"
#include "api/rate.h"
#include "api/schemas.h"
#include "base/mem.h"
#include "loop/pool.h"

/* Building a worker from its parts, and the first look at a request: which part answers it. */

enum { MAILBOX_MESSAGES = 4096 };

struct post {
    void (*fn)(void *arg);
    void *arg;
};

static void on_mail(void *arg, const void *msg)
{
    (void)arg;
    const struct post *p = msg;
    p->fn(p->arg);
}

bool rac_api_post(struct rac_service *s, unsigned i, void (*fn)(void *arg), void *arg)
{
    RAC_ASSERT(i < s->workers_n);
    return s->mail[i] != NULL && rac_mailbox_send(s->mail[i], &(struct post){fn, arg}) == RAC_OK;
}

/* The store answers through the mailbox: from the writer's thread, at most once per batch. */
static void store_post(void *self, void (*fn)(void *arg), void *arg)
{
    struct rac_mailbox *m = self;
    while (rac_mailbox_send(m, &(struct post){fn, arg}) == RAC_E_BUSY)
        ; /* one message per batch and session: the reader is about to drain it */
}

struct peer_post {
    void (*fn)(void *engine, void *arg);
    void *arg;
    struct rac_api_worker *to;
};

static void peer_run(void *arg)
{
    struct peer_post *p = arg;
    p->fn(p->to->auth, p->arg);
    rac_mem_free(p);
}

static void peer_send(void *self, unsigned worker, void (*fn)(void *engine, void *arg), void *arg)
{
    struct rac_service *s = self;
    struct peer_post *p = rac_mem_alloc(sizeof *p);
    *p = (struct peer_post){fn, arg, s->workers[worker]};
    rac_err e;
    while ((e = rac_mailbox_send(s->mail[worker], &(struct post){peer_run, p})) == RAC_E_BUSY)
        ;
    if (e != RAC_OK) /* it stopped; so do we */
        rac_mem_free(p);
}

struct deferred {
    struct rac_task task;
    void (*fn)(void *arg);
    void *arg;
};

static void deferred_run(void *arg)
{
    struct deferred *d = arg;
    d->fn(d->arg);
    rac_mem_free(d);
}

static void defer(void *self, void (*fn)(void *arg), void *arg)
{
    struct rac_api_worker *w = RAC_CAST(self, struct rac_api_worker, RAC_API_MAGIC);
    struct deferred *d = rac_mem_alloc(sizeof *d);
    d->fn = fn;
    d->arg = arg;
    d->task = (struct rac_task){.fn = deferred_run, .arg = d};
    rac_loop_soon(w->loop, &d->task);
}

static void attend_auth(void *arg)
{
    struct rac_api_worker *w = RAC_CAST(arg, struct rac_api_worker, RAC_API_MAGIC);
    rac_auth_attend(w->auth);
}

static void attend_auth_later(void *self, int64_t after_ms)
{
    struct rac_api_worker *w = RAC_CAST(self, struct rac_api_worker, RAC_API_MAGIC);
    if (!rac_deadline_is_armed(&w->auth_again))
        rac_deadline_arm(w->loop, &w->auth_again, after_ms);
}

static rac_err start_client(struct rac_api_worker *w)
{
    const struct rac_config *c = w->service->config;
    struct rac_http_client_options o = {
        .guard = &w->service->guard,
        .ca_file = rac_config_str(c, RAC_CONF_EGRESS_CA_FILE),
        .proxy = rac_config_str(c, RAC_CONF_EGRESS_PROXY),
        .user_agent = RAC_S("Raccord/" RAC_VERSION),
        .connections_max = (size_t)rac_config_int(c, RAC_CONF_EGRESS_CONNECTIONS_MAX),
        .connect_timeout_ms = rac_config_int(c, RAC_CONF_EGRESS_CONNECT_MS),
        .timeout_ms = rac_config_int(c, RAC_CONF_EGRESS_TOTAL_MS),
        .response_bytes_max = (size_t)rac_config_int(c, RAC_CONF_EGRESS_RESPONSE_MAX),
    };
    if (o.ca_file.n == 0)
        o.ca_file = RAC_STR_NULL;
    if (o.proxy.n == 0)
        o.proxy = RAC_STR_NULL;
    rac_err e = rac_http_client_new(w->loop, &o, &w->client);
    if (e == RAC_OK)
        w->fetcher = rac_http_client_fetcher(w->client);
    return e;
}

static void start_auth(struct rac_api_worker *w)
{
    static struct rac_auth_source source[RAC_WORKERS_MAX];
    source[w->index] = rac_opened_source(w);
    struct rac_auth_env e = {
        .env = w->env,
        .fetcher = &w->fetcher,
        .store = w->cs,
        .source = &source[w->index],
        .peers = {.n = w->service->workers_n,
                  .self_index = w->index,
                  .post = peer_send,
                  .self = w->service},
        .public_url = w->service->public_url,
        .defer = defer,
        .defer_self = w,
        .attend = attend_auth_later,
        .attend_self = w,
    };
    rac_deadline_init(&w->auth_again, attend_auth, w);
    w->auth = rac_auth_new(&e);
    const struct rac_config *c = w->service->config;
    w->call_env = (struct rac_call_env){
        .env = w->env,
        .fetcher = w->fetcher,
        .auth = w->auth,
        .connect_timeout_ms = rac_config_int(c, RAC_CONF_EGRESS_CONNECT_MS),
        .timeout_ms = rac_config_int(c, RAC_CONF_EGRESS_TOTAL_MS),
        .response_bytes_max = (size_t)rac_config_int(c, RAC_CONF_EGRESS_RESPONSE_MAX),
        .defer = defer,
        .defer_self = w,
    };
}

void rac_service_init(struct rac_service *s)
{
    static_assert((int)RAC_ASKS_N <= (int)RAC_API_ASKS_MAX,
                  "room for the label of every operation");
    for (size_t i = 0; i < RAC_ASKS_N; i++)
        s->metric_labels[i] = rac_metric_label(RAC_METRIC_API_REQUESTS, rac_ask_table[i].id);
    s->compiled =
        rac_compiled_home_new((size_t)rac_config_int(s->config, RAC_CONF_CONNECTORS_CACHED));
    s->flows = rac_flows_home_new((size_t)rac_config_int(s->config, RAC_CONF_WORKFLOWS_CACHED));
    s->rate = rac_rate_new(rac_config_int(s->config, RAC_CONF_RATE),
                           rac_config_int(s->config, RAC_CONF_RATE_BURST));
}

void rac_service_fini(struct rac_service *s)
{
    for (size_t i = 0; i < RAC_WORKERS_MAX; i++)
        if (s->mail[i] != NULL)
            rac_mailbox_unref(s->mail[i]);
    rac_cache_home_free(s->compiled);
    rac_cache_home_free(s->flows);
    rac_rate_free(s->rate);
}

rac_err rac_api_worker_new(struct rac_service *s, struct rac_loop *loop, unsigned index,
                           struct rac_arena *a, struct rac_api_worker **out, rac_str *why)
{
    struct rac_api_worker *w = rac_mem_alloc(sizeof *w);
    w->magic = RAC_API_MAGIC;
    w->service = s;
    w->index = index;
    w->loop = loop;
    w->env = s->env;
    size_t all = (size_t)rac_config_int(s->config, RAC_CONF_HTTP_REQUESTS_MAX);
    w->requests_max = (all + s->workers_n - 1) / s->workers_n;
    w->mail = rac_mailbox_new(loop, MAILBOX_MESSAGES, sizeof(struct post), on_mail, w);
    struct rac_store_loop answers = {.post = store_post, .self = w->mail};
    rac_err e = rac_store_session_new(s->store, &answers, &w->session);
    if (e != RAC_OK) {
        *why = RAC_S("the database cannot be opened");
        goto fail;
    }
    w->cs = rac_store_connectors(w->session);
    w->is = rac_store_iam(w->session);
    w->fs = rac_store_flows(w->session);
    w->as = rac_store_artifacts(w->session);
    w->iam = rac_iam_new(w->is, w->env);
    e = start_client(w);
    if (e != RAC_OK) {
        *why = rac_arena_printf(a, "the HTTP client cannot start: %s", rac_err_text(e));
        goto fail;
    }
    w->compiled =
        rac_compiled_new(w, (size_t)rac_config_int(s->config, RAC_CONF_CONNECTORS_CACHED));
    w->opened = rac_opened_new(w);
    start_auth(w);
    w->flows = rac_flows_new(w, (size_t)rac_config_int(s->config, RAC_CONF_WORKFLOWS_CACHED));
    w->flow_targets = rac_flow_targets_new();
    e = rac_runner_new(w, &w->runner);
    if (e != RAC_OK) {
        *why = RAC_S("the workflow engine cannot start");
        goto fail;
    }
    w->issuers = rac_issuers_new(w);
    w->doors = rac_doors_new(w);
    w->retention = index == 0 ? rac_retention_new(w) : NULL;
    w->schemas = rac_schemas_new();
    w->descriptions = rac_descriptions_new(s->public_url);
    if (!rac_config_bool(s->config, RAC_CONF_LOG_REQUESTS))
        w->kept = rac_kept_new(w);
    w->native = rac_surface_new(w, &rac_native_surface);
    w->arm = rac_surface_new(w, &rac_arm_surface);
    w->hostruntime = rac_surface_new(w, &rac_hostruntime_surface);
    w->standard = rac_surface_new(w, &rac_standard_surface);
    w->gateway = rac_gateway_new(w);
    w->health = rac_http_fixed_new(200, "text/plain", RAC_S("ok\n"));
    s->workers[index] = w;
    s->mail[index] = rac_mailbox_ref(w->mail);
    *out = w;
    return RAC_OK;
fail:
    rac_api_worker_free(w);
    return e;
}

void rac_api_worker_free(struct rac_api_worker *w)
{
    if (w == NULL)
        return;
    rac_pool_settle(w->loop); /* what is compiled is for somebody here */
    if (w->server != NULL)
        rac_http_server_free(w->server);
    rac_mailbox_close(w->mail); /* delivers what is queued while everything is still there */
    rac_mailbox_unref(w->mail);
    rac_pool_settle(w->loop);
    rac_gateway_free(w->gateway);
    rac_doors_free(w->doors);
    rac_retention_free(w->retention);
    rac_issuers_free(w->issuers);
    rac_scheduling_free(w->scheduling);
    rac_runner_free(w->runner);
    rac_flow_targets_free(w->flow_targets);
    rac_flows_free(w->flows);
    rac_surface_free(w->native);
    rac_surface_free(w->arm);
    rac_surface_free(w->hostruntime);
    rac_surface_free(w->standard);
    rac_kept_free(w->kept);
    rac_schemas_free(w->schemas);
    rac_descriptions_free(w->descriptions);
    rac_deadline_cancel(&w->auth_again);
    if (w->auth != NULL)
        rac_auth_free(w->auth);
    rac_opened_free(w->opened);
    rac_compiled_free(w->compiled);
    if (w->client != NULL)
        rac_http_client_free(w->client);
    if (w->iam != NULL)
        rac_iam_free(w->iam);
    if (w->session != NULL)
        rac_store_session_free(w->session);
    if (w->health != NULL)
        rac_http_fixed_free(w->health);
    rac_mem_free(w);
}

static void reply_error(struct rac_http_exchange *x, int status, rac_str code, rac_str message,
                        struct rac_headers *h)
{
    struct rac_arena *a = x->arena;
    struct rac_json o = rac_json_new_object(a), e = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &e, "code", code);
    RAC_JSON_PUT_STR(a, &e, "message", message);
    RAC_JSON_PUT_STR(a, &e, "source", RAC_S("raccord"));
    RAC_JSON_PUT_STR(a, &e, "clientRequestId", rac_http_request_id(x));
    RAC_JSON_PUT(a, &o, "error", e);
    rac_headers_add(h, a, RAC_S("Content-Type"), RAC_S("application/json; charset=utf-8"));
    rac_headers_add(h, a, RAC_S("x-ms-error-source"), RAC_S("raccord"));
    rac_http_reply(x, status, h, rac_json_print_str(&o, 0, a));
}

void rac_api_reply_error(struct rac_http_exchange *x, int status, rac_str code, rac_str message)
{
    struct rac_headers h = {0};
    if (status == 503 || status == 429)
        rac_headers_add(&h, x->arena, RAC_S("Retry-After"), RAC_S("1"));
    if (status == 401)
        rac_headers_add(&h, x->arena, RAC_S("WWW-Authenticate"), RAC_S("Bearer"));
    reply_error(x, status, code, message, &h);
}

void rac_api_reply_method(struct rac_http_exchange *x, rac_str allow)
{
    struct rac_headers h = {0};
    rac_headers_add(&h, x->arena, RAC_S("Allow"), allow);
    reply_error(x, 405, RAC_S("MethodNotAllowed"),
                rac_arena_printf(x->arena, "Here you can %.*s.", RAC_FMT(allow)), &h);
}

static void not_found(struct rac_http_exchange *x)
{
    rac_api_reply_error(x, 404, RAC_S("NotFound"),
                        RAC_S("Nothing is here. The management API is below /api/v1 (described by "
                              "/api/v1/openapi.json), runtime URLs are below /apim."));
}

/* What ends at this hop, cookies (a backend's have no use here but to collide with those of the
 * portal), and what a browser would keep or do for this whole origin. */
static const rac_str kept_back[] = {
    RAC_S_INIT("Connection"),
    RAC_S_INIT("Keep-Alive"),
    RAC_S_INIT("Transfer-Encoding"),
    RAC_S_INIT("Content-Length"),
    RAC_S_INIT("Upgrade"),
    RAC_S_INIT("Trailer"),
    RAC_S_INIT("Proxy-Authenticate"),
    RAC_S_INIT("Date"),
    RAC_S_INIT("Set-Cookie"),
    RAC_S_INIT("Set-Cookie2"),
    RAC_S_INIT("Clear-Site-Data"),
    RAC_S_INIT("Strict-Transport-Security"),
    RAC_S_INIT("Alt-Svc"),
    RAC_S_INIT("NEL"),
    RAC_S_INIT("Report-To"),
    RAC_S_INIT("Reporting-Endpoints"),
    RAC_S_INIT("Service-Worker-Allowed"),
};

void rac_api_tame(struct rac_headers *h, struct rac_arena *a)
{
    static const rac_str active[] = {RAC_S_INIT("html"), RAC_S_INIT("svg"), RAC_S_INIT("xml")};
    for (size_t i = 0; i < RAC_COUNT(kept_back); i++)
        rac_headers_del(h, kept_back[i]);
    rac_str type = rac_headers_get(h, RAC_S("Content-Type"));
    rac_headers_set(h, a, RAC_S("X-Content-Type-Options"), RAC_S("nosniff"));
    for (size_t i = 0; i < RAC_COUNT(active); i++)
        if (rac_str_findi(type, active[i]) != RAC_STR_NPOS)
            rac_headers_set(h, a, RAC_S("Content-Security-Policy"), RAC_S("sandbox"));
}

/* --- entrances -------------------------------------------------------------------------------- */

static void enter_gateway(struct rac_api_worker *w, struct rac_http_exchange *x)
{
    rac_gateway_handle(w->gateway, x);
}

static void enter_native(struct rac_api_worker *w, struct rac_http_exchange *x)
{
    rac_surface_handle(w->native, x);
}

static void enter_accounts(struct rac_api_worker *w, struct rac_http_exchange *x)
{
    rac_account_door_handle(w, x);
}

static void enter_doors(struct rac_api_worker *w, struct rac_http_exchange *x)
{
    rac_doors_handle(w->doors, x);
}

static rac_str behind(rac_str path, const char *word)
{
    size_t at = rac_str_findi(path, rac_str_of(word));
    return at == RAC_STR_NPOS ? RAC_STR_NULL : rac_str_from(path, at + strlen(word));
}

/* A file of an app, for absent.def: its name, "Artifacts", or "files" for any other; absent: it is a
 * workflow's definition. */
static rac_str file_of(rac_str file)
{
    static const char *const known[] = {"connections.json", "parameters.json",
                                        "local.settings.json", "host.json"};
    rac_str rest, folder = rac_str_cut(file, '/', &rest);
    if (rest.p != NULL && rac_str_eqi(rest, RAC_S("workflow.json")))
        return RAC_STR_NULL;
    if (rest.p != NULL && rac_str_eqi(folder, RAC_S("Artifacts")))
        return folder;
    for (size_t i = 0; i < RAC_COUNT(known); i++)
        if (rac_str_eqi(file, rac_str_of(known[i])))
            return file;
    return RAC_S("files");
}

/* What a path would be about, for absent.def. */
static rac_str part_of(rac_str path)
{
    rac_str rest = behind(path, "/hostruntime/admin/vfs/"), part;
    if (rest.p != NULL)
        return file_of(rest);
    part = rac_str_cut(behind(path, "/providers/Microsoft.Logic/"), '/', &rest);
    if (!rac_str_eqi(part, RAC_S("integrationAccounts")) || rest.p == NULL)
        return part;
    (void)rac_str_cut(rest, '/', &rest); /* its name */
    return rest.p != NULL ? rac_str_cut(rest, '/', &rest) : RAC_STR_NULL;
}

/* What to do instead of what the path names, when that does not exist here; absent: it may. */
static rac_str absent(rac_str path)
{
    static const struct {
        rac_str what, text;
    } rows[] = {
#define ABSENT(what, text) {RAC_S_INIT(what), RAC_S_INIT(text)},
#include "api/arm/absent.def"
#undef ABSENT
    };
    rac_str part = part_of(path);
    for (size_t i = 0; i < RAC_COUNT(rows); i++)
        if (rac_str_eqi(part, rows[i].what))
            return rows[i].text;
    return RAC_STR_NULL;
}

static void enter_arm(struct rac_api_worker *w, struct rac_http_exchange *x)
{
    rac_str instead = absent(x->path);
    if (instead.p != NULL)
        rac_api_reply_error(x, 501, RAC_S("NotImplemented"), instead);
    else if (rac_str_findi(x->path, RAC_S("/hostruntime/")) != RAC_STR_NPOS)
        rac_surface_handle(w->hostruntime, x);
    else
        rac_surface_handle(w->arm, x);
}

static void enter_standard(struct rac_api_worker *w, struct rac_http_exchange *x)
{
    rac_surface_handle(w->standard, x);
}

static void enter_oauth(struct rac_api_worker *w, struct rac_http_exchange *x)
{
    rac_callbacks_handle(w, x);
}

static void enter_monitor(struct rac_api_worker *w, struct rac_http_exchange *x)
{
    rac_monitor_handle(w, x);
}

enum entrance_case { EXACT, ANY };

static const struct entrance {
    rac_str prefix;
    enum entrance_case letters;
    void (*enter)(struct rac_api_worker *w, struct rac_http_exchange *x);
} entrances[] = {
#define ENTRANCE(prefix, letters, function) {RAC_S_INIT(prefix), letters, enter_##function},
#include "api/entrances.def"
#undef ENTRANCE
};

static bool leads(const struct entrance *e, rac_str path)
{
    if (e->letters == ANY) {
        while (rac_str_starts(path, RAC_S("//")))
            path = rac_str_from(path, 1);
        if (!rac_str_startsi(path, e->prefix))
            return false;
    } else if (!rac_str_starts(path, e->prefix)) {
        return false;
    }
    return e->prefix.p[e->prefix.n - 1] == '/' || path.n == e->prefix.n ||
           path.p[e->prefix.n] == '/';
}

void rac_api_handle(void *arg, struct rac_http_exchange *x)
{
    struct rac_api_worker *w = RAC_CAST(arg, struct rac_api_worker, RAC_API_MAGIC);
    if (rac_str_eq(x->path, RAC_S("/healthz"))) {
        rac_http_reply_fixed(x, w->health);
        return;
    }
    if (w->requests_n >= w->requests_max) {
        rac_metric_add(RAC_METRIC_HTTP_REJECTED, 1);
        rac_api_reply_error(x, 503, RAC_S("ServerBusy"),
                            RAC_S("Too many requests are in progress; try again in a moment."));
        return;
    }
    if (w->service->extra != NULL && w->service->extra(w->service->extra_arg, w, x))
        return;
    for (size_t i = 0; i < RAC_COUNT(entrances); i++)
        if (leads(&entrances[i], x->path)) {
            entrances[i].enter(w, x);
            return;
        }
    not_found(x);
}
