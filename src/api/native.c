#include "api/native.h"

#include "api/ask.h"
#include "api/kept.h"
#include "api/schemas.h"
#include "api/service.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/url.h"

/*
 * An exchange (http/server) and its ask have different ends: the client may leave while a write is
 * under way. So the ask has an arena of its own, and is freed when both are over.
 */

enum { SEGMENTS_MAX = 4, QUERY_MAX = 32, ASK_BYTES_MAX = 1 << 30 };

struct segment {
    rac_str text;   /* literal; or the ":verb" after a parameter */
    bool parameter; /* "{name}" and then text */
};

struct route {
    const struct rac_ask_row *row;
    rac_str method;
    struct segment segments[SEGMENTS_MAX];
    size_t segments_n;
};

struct rac_native {
    struct rac_api_worker *w;
    struct route routes[RAC_ASKS_N];
    struct rac_schemas *schemas;
    struct rac_kept *kept; /* NULL: every request is logged, so none may be cut short */
    size_t body_max;
};

/* An ask with its exchange. */
struct native_ask {
    struct rac_ask q;
    struct rac_arena arena;
    struct rac_native *n;
    struct rac_http_exchange *x; /* NULL: closed */
    rac_ns began;
    unsigned metric;
    uint64_t seen; /* rac_kept_now before the operation began */
};

/* --- routing ---------------------------------------------------------------------------------- */

static void route_init(struct route *r, const struct rac_ask_row *row)
{
    r->row = row;
    r->method = rac_str_of(row->method);
    rac_str rest = rac_str_from(rac_str_of(row->path), 1);
    while (rest.p != NULL) {
        rac_str s = rac_str_cut(rest, '/', &rest);
        RAC_ASSERT(r->segments_n < SEGMENTS_MAX);
        struct segment *g = &r->segments[r->segments_n++];
        if (s.n > 0 && s.p[0] == '{') {
            g->parameter = true;
            g->text = rac_str_from(s, rac_str_find_char(s, '}') + 1);
        } else {
            g->text = s;
        }
    }
}

struct rac_native *rac_native_new(struct rac_api_worker *w)
{
    struct rac_native *n = rac_mem_alloc(sizeof *n);
    n->w = w;
    for (size_t i = 0; i < RAC_ASKS_N; i++)
        route_init(&n->routes[i], &rac_ask_table[i]);
    n->schemas = rac_schemas_new();
    const struct rac_config *c = w->service->config;
    if (!rac_config_bool(c, RAC_CONF_LOG_REQUESTS))
        n->kept = rac_kept_new(w);
    n->body_max = 2 * (size_t)(rac_config_int(c, RAC_CONF_DEFINITION_MAX) +
                               rac_config_int(c, RAC_CONF_ICON_MAX) +
                               rac_config_int(c, RAC_CONF_SCRIPT_MAX)) +
                  RAC_ASK_BODY_SLACK;
    return n;
}

void rac_native_free(struct rac_native *n)
{
    if (n == NULL)
        return;
    rac_kept_free(n->kept);
    rac_schemas_free(n->schemas);
    rac_mem_free(n);
}

/* Percent decoding into a; false for a broken escape, a NUL, or what is no UTF-8. */
static bool decode(struct rac_arena *a, rac_str s, bool form, rac_str *out)
{
    return rac_url_decode_strict(a, s, form, out) && rac_utf8_check(*out) == out->n &&
           memchr(out->p, 0, out->n) == NULL;
}

/* Does the path (segments already cut) fit? args receives the raw parameter texts. */
static bool fits(const struct route *r, const rac_str *path, size_t path_n, rac_str *args)
{
    if (path_n != r->segments_n)
        return false;
    size_t args_n = 0;
    for (size_t i = 0; i < path_n; i++) {
        const struct segment *g = &r->segments[i];
        if (!g->parameter) {
            if (!rac_str_eq(g->text, path[i]))
                return false;
            continue;
        }
        if (path[i].n <= g->text.n || !rac_str_ends(path[i], g->text))
            return false;
        rac_str value = rac_str_sub(path[i], 0, path[i].n - g->text.n);
        if (g->text.n == 0 && rac_str_find_char(value, ':') != RAC_STR_NPOS)
            return false; /* an unknown verb */
        args[args_n++] = value;
    }
    return true;
}

/* The route, or NULL with *allow naming the methods that the path does have. */
static const struct route *route_find(const struct rac_native *n, rac_str method, rac_str path,
                                      rac_str args[RAC_ASK_ARGS_MAX], struct rac_arena *a,
                                      rac_str *allow)
{
    rac_str seg[SEGMENTS_MAX + 1];
    size_t seg_n = 0;
    rac_str rest = rac_str_from(path, strlen("/api/v1/"));
    while (rest.p != NULL && seg_n <= SEGMENTS_MAX)
        seg[seg_n++] = rac_str_cut(rest, '/', &rest);
    if (seg_n > SEGMENTS_MAX)
        return NULL;
    for (size_t i = 0; i < RAC_ASKS_N; i++) {
        const struct route *r = &n->routes[i];
        if (rac_str_eq(r->method, method) && fits(r, seg, seg_n, args))
            return r;
    }
    for (size_t i = 0; i < RAC_ASKS_N; i++)
        if (fits(&n->routes[i], seg, seg_n, args))
            *allow = allow->n == 0 ? n->routes[i].method
                                   : rac_arena_printf(a, "%.*s, %.*s", RAC_FMT(*allow),
                                                      RAC_FMT(n->routes[i].method));
    return NULL;
}

/* --- the answer ------------------------------------------------------------------------------- */

static void ask_free(struct native_ask *t)
{
    t->n->w->requests_n--;
    rac_arena_fini(&t->arena);
    rac_mem_free(t);
}

static void closed(void *arg, bool replied)
{
    (void)replied;
    struct native_ask *t = arg;
    t->x = NULL;
    t->q.gone = true;
    if (t->q.finished)
        ask_free(t);
}

static struct rac_json error_envelope(struct rac_ask *q)
{
    if (q->envelope.type != RAC_JSON_NONE)
        return q->envelope;
    struct rac_json o = rac_json_new_object(q->a), e = rac_json_new_object(q->a);
    RAC_JSON_PUT_STR(q->a, &e, "code", q->error_code);
    RAC_JSON_PUT_STR(q->a, &e, "message", q->error_message);
    RAC_JSON_PUT_STR(q->a, &e, "source", RAC_S("raccord"));
    RAC_JSON_PUT_STR(q->a, &e, "clientRequestId", q->request_id);
    if (rac_json_len(&q->details) > 0)
        RAC_JSON_PUT(q->a, &e, "details", q->details);
    RAC_JSON_PUT(q->a, &o, "error", e);
    return o;
}

static void put_headers(struct rac_ask *q, struct rac_headers *h, bool failed)
{
    if (failed)
        rac_headers_add(h, q->a, RAC_S("x-ms-error-source"), RAC_S("raccord"));
    if (q->etag.p != NULL)
        rac_headers_add(h, q->a, RAC_S("ETag"), q->etag);
    if (q->location.p != NULL)
        rac_headers_add(h, q->a, RAC_S("Location"), q->location);
    if (q->retry_after_s > 0)
        rac_headers_add(h, q->a, RAC_S("Retry-After"),
                        rac_arena_printf(q->a, "%lld", (long long)q->retry_after_s));
    if (q->status == 401)
        rac_headers_add(h, q->a, RAC_S("WWW-Authenticate"), RAC_S("Bearer"));
    if (q->out_name.p != NULL)
        rac_headers_add(
            h, q->a, RAC_S("Content-Disposition"),
            rac_arena_printf(q->a, "attachment; filename=\"%.*s\"", RAC_FMT(q->out_name)));
    rac_headers_add(h, q->a, RAC_S("Cache-Control"), RAC_S("no-store"));
    rac_headers_add(h, q->a, RAC_S("X-Content-Type-Options"), RAC_S("nosniff"));
}

static void log_request(struct native_ask *t)
{
    rac_ns took = rac_env_mono_ns(t->n->w->env) - t->began;
    rac_metric_observe_ns(RAC_METRIC_HTTP_SECONDS, took);
    rac_metric_add_at(RAC_METRIC_API_REQUESTS, t->metric, 1);
    if (!rac_config_bool(t->n->w->service->config, RAC_CONF_LOG_REQUESTS))
        return;
    struct rac_ask *q = &t->q;
    rac_log(RAC_INFO, "request.answered", RAC_F_CSTR("operation", q->row->id),
            RAC_F_STR("path", q->url_path), RAC_F_INT("status", q->status),
            RAC_F_STR("user", q->who ? q->who->user_name : RAC_S("-")),
            RAC_F_INT("us", took / 1000), RAC_F_STR("requestId", q->request_id));
}

static void answered(void *arg, struct rac_ask *q)
{
    struct native_ask *t = arg;
    log_request(t);
    if (t->x == NULL) {
        ask_free(t);
        return;
    }
    bool failed = q->error_code.p != NULL || q->envelope.type != RAC_JSON_NONE;
    struct rac_headers h = {0};
    put_headers(q, &h, failed);
    bool keep = !failed && (q->row->flags & OP_KEPT) && t->n->kept != NULL;
    if (!keep) /* one answer for many has no number of its own */
        rac_headers_add(&h, q->a, RAC_S("x-ms-request-id"), q->request_id);
    rac_str body = RAC_STR_NULL, type = RAC_S("application/json; charset=utf-8");
    if (failed) {
        struct rac_json v = error_envelope(q);
        body = rac_json_print_str(&v, 0, q->a);
    } else if (q->out.type != RAC_JSON_NONE) {
        body = rac_json_print_str(&q->out, 0, q->a);
    } else {
        body = q->out_bytes;
        type = q->out_type;
    }
    if (body.p != NULL && type.p != NULL)
        rac_headers_add(&h, q->a, RAC_S("Content-Type"), type);
    if (keep)
        rac_kept_put(t->n->kept, t->seen, q->who, t->x, &h, body);
    rac_http_reply(t->x, q->status, &h, body);
}

/* --- the request ------------------------------------------------------------------------------ */

static bool read_query(struct native_ask *t, rac_str raw)
{
    struct rac_ask *q = &t->q;
    q->query = RAC_NEW_N(q->a, struct rac_ask_query, QUERY_MAX);
    rac_str rest = raw, name, value;
    while (rac_url_query_next(&rest, &name, &value)) {
        if (q->query_n == QUERY_MAX)
            return false;
        struct rac_ask_query *v = &q->query[q->query_n++];
        if (!decode(q->a, name, true, &v->name) ||
            !decode(q->a, value.p ? value : RAC_S(""), true, &v->value))
            return false;
    }
    return true;
}

static rac_str bearer(rac_str header)
{
    rac_str token;
    rac_str scheme = rac_str_cut(rac_str_trim(header), ' ', &token);
    return token.p != NULL && rac_str_eqi(scheme, RAC_S("Bearer")) ? rac_str_trim(token)
                                                                   : RAC_STR_NULL;
}

static void audit_denied(struct rac_ask *q)
{
    struct rac_actor actor = rac_ask_actor(q);
    actor.note = rac_str_of(q->row->id);
    q->w->is->audit_add(q->w->is->self, q->who->tenant, RAC_S("denied"), RAC_S("operation"),
                        q->args[0].p ? q->args[0] : RAC_STR_NULL, 0, &actor, NULL, NULL);
}

/* Does any role that the caller holds anywhere allow the operation at all? */
static bool door(const struct rac_ask *q)
{
    if (q->row->action >= RAC_ACTIONS_N)
        return true;
    for (size_t i = 0; i <= q->who->grants_n; i++) {
        struct rac_resource best = {
            .tenant = q->who->tenant,
            .group = i < q->who->grants_n ? q->who->grants[i].group : RAC_STR_NULL,
            .owner = q->who->user,
            .shared = RAC_RELATION_EDIT,
        };
        if (rac_iam_may(q->who, (enum rac_action)q->row->action, &best))
            return true;
    }
    return false;
}

static bool authenticate(struct native_ask *t)
{
    struct rac_ask *q = &t->q;
    if (q->row->action == RAC_MAY_ANYONE)
        return true;
    rac_str header = rac_http_header(t->x, "Authorization");
    if (header.p == NULL) {
        rac_ask_fail(q, RAC_FAULT_NO_TOKEN,
                     "Send a token: Authorization: Bearer <token>. The first administrator's token "
                     "is in admin.token of the data directory.");
        return false;
    }
    const struct rac_principal *p;
    rac_str token = bearer(header);
    rac_err e = token.p ? rac_iam_authenticate(q->w->iam, token, &p) : RAC_E_UNAUTHENTICATED;
    if (e == RAC_E_UNAUTHENTICATED) {
        rac_ask_fail(q, RAC_FAULT_BAD_TOKEN,
                     "The token is unknown, expired or revoked. Make a new one with `raccord token "
                     "create`.");
        return false;
    }
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "token");
        return false;
    }
    q->who = rac_principal_copy(q->a, p);
    if (door(q))
        return true;
    audit_denied(q);
    rac_ask_fail(q, RAC_FAULT_DENIED,
                 "None of your roles allows %.*s. Ask an administrator of the tenant for one that "
                 "does.",
                 RAC_FMT(rac_ask_action_name(q->row->action)));
    return false;
}

static void parse_body(struct rac_ask *q, struct rac_native *n)
{
    bool wanted = strcmp(q->row->request, "NONE") != 0 && !(q->row->flags & OP_RAW);
    if (wanted) {
        struct rac_json_error where = {0};
        rac_str text = q->body.n > 0 ? q->body : RAC_S("{}");
        rac_err e = rac_json_parse(text, q->a, RAC_JSON_REJECT_DUP, &q->json, &where);
        if (e != RAC_OK) {
            rac_ask_fail(q, RAC_FAULT_BAD_REQUEST,
                         "The request body is not JSON: line %u, column %u: %s.", where.line,
                         where.column, where.message ? where.message : rac_err_text(e));
            return;
        }
        struct rac_diags d;
        rac_diags_init(&d, q->a, 20);
        if (!rac_schemas_check(n->schemas, q->row->request, &q->json, &d)) {
            rac_ask_fail_diags(q, RAC_FAULT_BAD_REQUEST, &d, "%.*s",
                               RAC_FMT(d.n ? d.v[0].message : RAC_S("The request body is wrong.")));
            return;
        }
    }
    q->row->fn(q);
}

static void got_body(void *arg, struct rac_http_exchange *x, rac_err err, rac_str body)
{
    (void)x;
    struct native_ask *t = arg;
    struct rac_ask *q = &t->q;
    if (err == RAC_E_LIMIT) {
        rac_ask_fail(q, RAC_FAULT_TOO_LARGE, "The request body is larger than this server takes.");
        return;
    }
    if (err != RAC_OK) {
        rac_ask_fail_err(q, err, "request");
        return;
    }
    q->body = rac_arena_str(q->a, body);
    parse_body(q, t->n);
}

static struct native_ask *ask_new(struct rac_native *n, struct rac_http_exchange *x)
{
    struct native_ask *t = rac_mem_alloc(sizeof *t);
    rac_arena_init(&t->arena, ASK_BYTES_MAX);
    t->n = n;
    t->x = x;
    t->began = rac_env_mono_ns(n->w->env);
    t->q = (struct rac_ask){
        .magic = RAC_ASK_MAGIC,
        .w = n->w,
        .a = &t->arena,
        .done = answered,
        .arg = t,
        .base_url = n->w->service->public_url,
        .url_path = rac_arena_str(&t->arena, x->path),
    };
    t->q.request_id = rac_arena_str(&t->arena, rac_http_request_id(x));
    n->w->requests_n++;
    rac_http_on_closed(x, closed, t);
    return t;
}

static bool read_head(struct native_ask *t, const rac_str *raw_args)
{
    struct rac_ask *q = &t->q;
    rac_str h = rac_http_header(t->x, "If-Match");
    if (h.p != NULL)
        q->if_match = rac_arena_str(q->a, h);
    h = rac_http_header(t->x, "Content-Type");
    if (h.p != NULL)
        q->content_type = rac_arena_str(q->a, h);
    for (size_t i = 0; i < RAC_ASK_ARGS_MAX && raw_args[i].p != NULL; i++)
        if (!decode(q->a, raw_args[i], false, &q->args[i])) {
            rac_ask_fail(q, RAC_FAULT_BAD_REQUEST, "The path has a broken percent escape.");
            return false;
        }
    if (!read_query(t, t->x->query)) {
        rac_ask_fail(q, RAC_FAULT_BAD_REQUEST,
                     "The query has a broken percent escape, or more than %d parameters.",
                     QUERY_MAX);
        return false;
    }
    return true;
}

/* An answer at hand goes out without an ask. Anything unusual takes the long way. */
static bool send_kept(struct rac_native *n, const struct route *r, struct rac_http_exchange *x)
{
    const struct rac_principal *who;
    rac_str token = bearer(rac_http_header(x, "Authorization"));
    if (n->kept == NULL || token.p == NULL ||
        rac_iam_authenticate(n->w->iam, token, &who) != RAC_OK || !rac_kept_send(n->kept, who, x))
        return false;
    rac_metric_add_at(RAC_METRIC_API_REQUESTS, n->w->service->metric_labels[r->row - rac_ask_table],
                      1);
    return true;
}

void rac_native_handle(struct rac_native *n, struct rac_http_exchange *x)
{
    rac_str args[RAC_ASK_ARGS_MAX] = {0}, allow = RAC_STR_NULL;
    const struct route *r = route_find(n, x->method, x->path, args, x->arena, &allow);
    if (r == NULL) {
        if (allow.n > 0)
            rac_api_reply_error(x, 405, RAC_S("MethodNotAllowed"),
                                rac_arena_printf(x->arena, "Here you can %.*s.", RAC_FMT(allow)));
        else
            rac_api_reply_error(x, 404, RAC_S("NotFound"),
                                RAC_S("There is no such operation. /api/v1/openapi.json describes "
                                      "those there are."));
        return;
    }
    if ((r->row->flags & OP_KEPT) && send_kept(n, r, x))
        return;
    struct native_ask *t = ask_new(n, x);
    t->q.row = r->row;
    t->seen = n->kept != NULL ? rac_kept_now(n->kept) : 0;
    t->metric = n->w->service->metric_labels[r->row - rac_ask_table];
    if (!read_head(t, args) || !authenticate(t))
        return;
    bool invoke = r->row == &rac_ask_table[RAC_ASK_InvokeOperation];
    size_t most = invoke ? (size_t)rac_config_int(n->w->service->config, RAC_CONF_HTTP_BODY_MAX)
                         : n->body_max;
    if (strcmp(r->row->request, "NONE") == 0)
        parse_body(&t->q, n);
    else
        rac_http_read_body(x, most, got_body, t);
}
