#include "api/gateway.h"

#include "api/ops/access.h"
#include "api/rate.h"
#include "api/service.h"
#include "base/base64.h"
#include "base/mem.h"
#include "base/secret.h"
#include "connector/call.h"
#include "crypto/digest.h"

/*
 * One passage per request. It is freed when the exchange is closed and nothing that was started
 * for it is outstanding (opening a connection cannot be cancelled; a call can).
 *
 * A short answer of known length is gathered and sent in one piece, which is the cheapest way
 * through the server; everything else is streamed as it comes.
 */

enum { WHOLE_BYTES_MAX = 32 * 1024 };

struct rac_gateway {
    struct rac_api_worker *w;
};

struct passage {
    struct rac_gateway *g;
    struct rac_http_exchange *x; /* NULL: closed */
    struct rac_opened_connection *c;
    const struct rac_principal *who; /* NULL: by key */
    rac_str key;
    rac_str connector, connection, path;
    struct rac_call *call;
    struct rac_call_sink sink;
    struct rac_body_source source;
    struct rac_headers headers;
    rac_str request_id;
    bool waiting; /* for the connection to be opened */
    int status;
    struct rac_headers reply_headers;
    char *whole; /* gathered body, room for whole_max */
    size_t whole_n, whole_max;
    bool gathering, streaming;
};

struct rac_gateway *rac_gateway_new(struct rac_api_worker *w)
{
    struct rac_gateway *g = rac_mem_alloc(sizeof *g);
    g->w = w;
    return g;
}

void rac_gateway_free(struct rac_gateway *g)
{
    rac_mem_free(g);
}

/* --- keys ------------------------------------------------------------------------------------- */

rac_str rac_connection_key_new(struct rac_arena *a, const struct rac_env *env, rac_str tenant)
{
    rac_str secret = rac_random_token(a, env, 32);
    rac_str key = rac_arena_printf(a, "rck_%.*s_%.*s", RAC_FMT(rac_base64url_encode(a, tenant)),
                                   RAC_FMT(secret));
    rac_secret_wipe_with(a, key);
    return key;
}

bool rac_connection_key_tenant(struct rac_arena *a, rac_str key, rac_str *tenant)
{
    rac_str rest = rac_str_from(key, 4);
    size_t end = rac_str_find_char(rest, '_');
    return rac_str_starts(key, RAC_S("rck_")) && end != RAC_STR_NPOS && end > 0 && end < 256 &&
           rest.n - end > 40 && rac_base64_decode(a, rac_str_sub(rest, 0, end), tenant);
}

void rac_connection_key_entry(rac_str key, rac_ms expires_ms, char out[RAC_KEY_ENTRY_BYTES])
{
    rac_sha256(key, (uint8_t *)out);
    memcpy(out + RAC_SHA256_BYTES, &expires_ms, sizeof expires_ms);
}

bool rac_connection_key_fits(rac_str entries, rac_str key, rac_ms now_ms)
{
    uint8_t digest[RAC_SHA256_BYTES];
    rac_sha256(key, digest);
    bool fits = false;
    for (size_t i = 0; i + RAC_KEY_ENTRY_BYTES <= entries.n; i += RAC_KEY_ENTRY_BYTES) {
        rac_ms expires;
        memcpy(&expires, entries.p + i + RAC_SHA256_BYTES, sizeof expires);
        bool same = rac_secret_equal((rac_str){entries.p + i, RAC_SHA256_BYTES},
                                     (rac_str){(const char *)digest, sizeof digest});
        fits |= same && (expires == 0 || expires > now_ms);
    }
    return fits;
}

bool rac_gateway_admit(struct rac_gateway *g, struct rac_opened_connection *c,
                       int64_t *retry_after_ms)
{
    *retry_after_ms = 0;
    return g->w->service->rate == NULL || rac_rate_take(g->w->service->rate, c->tenant, c->row.id,
                                                        rac_env_wall_ms(g->w->env), retry_after_ms);
}

/* --- ending ----------------------------------------------------------------------------------- */

static void passage_free(struct passage *p)
{
    struct rac_api_worker *w = p->g->w;
    if (p->call != NULL)
        rac_call_free(p->call);
    if (p->c != NULL)
        rac_opened_release(w->opened, p->c);
    w->requests_n--;
    rac_mem_free(p);
}

static void closed(void *arg, bool replied)
{
    struct passage *p = arg;
    p->x = NULL;
    if (!replied && p->call != NULL)
        rac_call_cancel(p->call);
    if (!p->waiting)
        passage_free(p);
}

static void reply_call_error(struct passage *p, const struct rac_call_error *e)
{
    struct rac_arena *a = p->x->arena;
    struct rac_json v = rac_call_error_json(e, p->request_id, a);
    struct rac_headers h = {0};
    rac_metric_add(RAC_METRIC_CALL_ERRORS, 1);
    rac_headers_add(&h, a, RAC_S("Content-Type"), RAC_S("application/json; charset=utf-8"));
    rac_headers_add(&h, a, RAC_S("x-ms-error-source"), RAC_S("raccord"));
    if (e->retry_after_ms > 0)
        rac_headers_add(&h, a, RAC_S("Retry-After"),
                        rac_arena_printf(a, "%lld", (long long)(e->retry_after_ms + 999) / 1000));
    rac_http_reply(p->x, e->http_status, &h, rac_json_print_str(&v, 0, a));
}

static void refuse(struct passage *p, enum rac_call_code code, const char *message)
{
    struct rac_call_error e = {.code = code,
                               .http_status = rac_call_code_http(code),
                               .message = rac_str_of(message),
                               .retry_after_ms = -1};
    reply_call_error(p, &e);
}

/* --- the answer ------------------------------------------------------------------------------- */

static void drained(void *arg)
{
    struct passage *p = arg;
    if (p->call != NULL)
        rac_call_resume(p->call);
}

static bool on_headers(void *arg, int status, const struct rac_headers *headers)
{
    struct passage *p = arg;
    struct rac_arena *a = p->x->arena;
    int64_t length = -1;
    rac_str n = rac_headers_get(headers, RAC_S("Content-Length"));
    if (n.p != NULL && (!rac_str_to_i64(n, &length) || length < 0))
        length = -1;
    p->status = status;
    for (size_t i = 0; i < headers->n; i++)
        rac_headers_add(&p->reply_headers, a, headers->v[i].name, headers->v[i].value);
    rac_api_tame(&p->reply_headers, a);
    bool bodiless = status == 204 || status == 304, head = rac_str_eq(p->x->method, RAC_S("HEAD"));
    if (!head && (bodiless || (length >= 0 && length <= WHOLE_BYTES_MAX))) {
        p->gathering = true;
        p->whole_max = bodiless ? 0 : (size_t)length;
        p->whole = p->whole_max > 0 ? rac_arena_alloc_dirty(a, p->whole_max) : NULL;
        return true;
    }
    p->streaming = true; /* of HEAD as well: the length that a GET would have is to be said */
    rac_http_reply_start(p->x, status, &p->reply_headers, length, drained, p);
    return true;
}

static bool on_data(void *arg, rac_str bytes)
{
    struct passage *p = arg;
    if (!p->gathering)
        return rac_http_reply_write(p->x, bytes);
    size_t n = p->whole_max - p->whole_n < bytes.n ? p->whole_max - p->whole_n : bytes.n;
    memcpy(p->whole + p->whole_n, bytes.p, n);
    p->whole_n += n;
    return true;
}

static void mark_unauthenticated(struct passage *p)
{
    struct rac_api_worker *w = p->g->w;
    struct rac_connection_mark m = {
        .id = p->c->row.id,
        .status = {.status = RAC_CONNECTION_UNAUTHENTICATED,
                   .code = RAC_S("Unauthorized"),
                   .message =
                       RAC_S("The service refused the credentials. Sign in again, or give the "
                             "connection new values.")},
        .if_version = p->c->row.version,
        .actor = {.at_ms = rac_env_wall_ms(w->env)}};
    w->cs->connection_mark(w->cs->self, p->c->tenant, &m, NULL, NULL);
}

static void called(void *arg, struct rac_call *call, const struct rac_call_res *res)
{
    struct passage *p = arg;
    (void)call;
    if (res->connection_unauthenticated)
        mark_unauthenticated(p);
    if (p->streaming) {
        if (res->error.code == RAC_CALL_NONE)
            rac_http_reply_end(p->x);
        else
            rac_http_reply_abort(p->x);
    } else if (res->error.code != RAC_CALL_NONE) {
        reply_call_error(p, &res->error);
    } else if (p->gathering) {
        rac_http_reply(p->x, p->status, &p->reply_headers, (rac_str){p->whole, p->whole_n});
    } else { /* a response policy made the body: it was not streamed */
        for (size_t i = 0; i < res->headers.n; i++)
            rac_headers_add(&p->reply_headers, p->x->arena, res->headers.v[i].name,
                            res->headers.v[i].value);
        rac_api_tame(&p->reply_headers, p->x->arena);
        rac_http_reply(p->x, res->status, &p->reply_headers, res->bytes);
    }
}

/* --- the request ------------------------------------------------------------------------------ */

static void source_ready(void *arg)
{
    struct passage *p = arg;
    if (p->call != NULL)
        rac_call_resume(p->call);
}

/* May the caller use the connection that was opened? Answers when not. */
static bool admitted(struct passage *p)
{
    struct rac_api_worker *w = p->g->w;
    int64_t retry_after_ms;
    if (!rac_str_eq(p->c->row.connector, p->connector)) {
        refuse(p, RAC_CALL_CONNECTION_NOT_FOUND, "There is no such connection.");
        return false;
    }
    if (p->who == NULL) {
        if (!rac_connection_key_fits(p->c->key_digests, p->key, rac_env_wall_ms(w->env))) {
            refuse(p, RAC_CALL_CONNECTION_NOT_FOUND,
                   "There is no such connection, or the key is not one of its own.");
            return false;
        }
    } else {
        rac_err e = rac_access_connection_row(w, p->who, RAC_MAY_CONNECTION_USE, &p->c->row);
        if (e == RAC_E_DENIED) {
            struct rac_actor actor = {.user = p->who->user,
                                      .token = p->who->token_id,
                                      .note = RAC_S("gateway"),
                                      .at_ms = rac_env_wall_ms(w->env)};
            w->is->audit_add(w->is->self, p->who->tenant, RAC_S("denied"), RAC_S("connection"),
                             p->c->row.id, 0, &actor, NULL, NULL);
            refuse(p, RAC_CALL_CONNECTION_FORBIDDEN,
                   "You may see this connection but not use it. Ask its owner to share it.");
            return false;
        }
        if (e != RAC_OK) {
            refuse(p, RAC_CALL_CONNECTION_NOT_FOUND, "There is no such connection.");
            return false;
        }
    }
    if (rac_gateway_admit(p->g, p->c, &retry_after_ms))
        return true;
    struct rac_call_error e = {.code = RAC_CALL_RATE_LIMITED,
                               .http_status = 429,
                               .message = RAC_S("The rate set for connections is used up."),
                               .retry_after_ms = retry_after_ms};
    rac_metric_add(RAC_METRIC_HTTP_REJECTED, 1);
    reply_call_error(p, &e);
    return false;
}

static void go(struct passage *p)
{
    struct rac_api_worker *w = p->g->w;
    if (!admitted(p))
        return;
    p->sink = (struct rac_call_sink){.on_headers = on_headers, .on_data = on_data, .arg = p};
    struct rac_call_req req = {
        .connector = p->c->connector,
        .connection = p->c->connection,
        .method = p->x->method,
        .path = p->path,
        .query = p->x->query,
        .headers = &p->headers,
        .source = p->source.read != NULL ? &p->source : NULL,
        .client_request_id = p->request_id,
        .runtime_url = p->c->runtime_url,
        .keep_answer_raw = true,
        .sink = &p->sink,
    };
    rac_metric_add(RAC_METRIC_CALLS, 1);
    p->call = rac_call_start(&req, &w->call_env, called, p);
}

static void opened(void *arg, rac_err err, struct rac_opened_connection *c, rac_str why)
{
    struct passage *p = arg;
    p->waiting = false;
    if (err == RAC_OK)
        p->c = c;
    if (p->x == NULL)
        passage_free(p);
    else if (err == RAC_OK)
        go(p);
    else if (err == RAC_E_NOT_FOUND)
        refuse(p, RAC_CALL_CONNECTION_NOT_FOUND, "There is no such connection.");
    else if (err == RAC_E_BUSY)
        rac_api_reply_error(p->x, 503, RAC_S("ServerBusy"), RAC_S("Too much work is waiting."));
    else
        rac_api_reply_error(p->x, 500, RAC_S("InternalError"),
                            why.n > 0 ? rac_arena_str(p->x->arena, why)
                                      : RAC_S("The connection cannot be opened."));
}

/* "/apim/<connector>/<connection>/<path>" */
static bool cut_path(struct passage *p)
{
    rac_str rest = rac_str_from(p->x->path, strlen("/apim/")), path;
    p->connector = rac_str_cut(rest, '/', &rest);
    if (rest.p == NULL || p->connector.n == 0)
        return false;
    p->connection = rac_str_cut(rest, '/', &path);
    p->path = path.p == NULL ? RAC_S("/") : (rac_str){path.p - 1, path.n + 1};
    return p->connection.n > 0;
}

/* Who calls: false when the answer is 401, sent. *tenant is theirs. */
static bool who_calls(struct passage *p, rac_str *tenant)
{
    struct rac_api_worker *w = p->g->w;
    rac_str value,
        scheme = rac_str_cut(rac_str_trim(rac_http_header(p->x, "Authorization")), ' ', &value);
    value = rac_str_trim(value);
    if (rac_str_eqi(scheme, RAC_S("Key")) &&
        rac_connection_key_tenant(p->x->arena, value, tenant)) {
        p->key = value;
        return true;
    }
    const struct rac_principal *who;
    if (rac_str_eqi(scheme, RAC_S("Bearer")) &&
        rac_iam_authenticate(w->iam, value, &who) == RAC_OK) {
        *tenant = who->tenant;
        p->who = who;
        return true;
    }
    rac_api_reply_error(p->x, 401, RAC_S("InvalidAuthenticationToken"),
                        RAC_S("Send Authorization: Bearer <token>, or Authorization: Key "
                              "<connection key>."));
    return false;
}

void rac_gateway_handle(struct rac_gateway *g, struct rac_http_exchange *x)
{
    struct rac_api_worker *w = g->w;
    rac_str tenant;
    struct passage *p = rac_mem_alloc(sizeof *p);
    p->g = g;
    p->x = x;
    w->requests_n++;
    rac_http_on_closed(x, closed, p);
    rac_str id = rac_http_header(x, "x-ms-client-request-id");
    p->request_id = id.n > 0 && id.n <= 128 ? id : rac_http_request_id(x);
    if (!cut_path(p)) {
        refuse(p, RAC_CALL_CONNECTION_NOT_FOUND,
               "A runtime URL is /apim/<connector id>/<connection id>/<path>.");
        return;
    }
    if (!who_calls(p, &tenant))
        return;
    rac_http_headers(x, &p->headers);
    if (x->has_body)
        rac_http_stream_body(x,
                             (uint64_t)rac_config_int(w->service->config, RAC_CONF_HTTP_BODY_MAX),
                             source_ready, p, &p->source);
    p->c = rac_opened_peek(w->opened, tenant, p->connection);
    if (p->c != NULL) {
        go(p);
        return;
    }
    if (p->who != NULL)
        p->who = rac_principal_copy(x->arena, p->who);
    p->waiting = true;
    rac_opened_want(w->opened, tenant, p->connection, opened, p);
}
