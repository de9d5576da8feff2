#include "api/surface.h"

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

enum { QUERY_MAX = 32, ASK_BYTES_MAX = 1 << 30 };

struct rac_surface {
    struct rac_api_worker *w;
    const struct rac_surface_def *def;
    struct rac_router *router;
    size_t body_max, workflow_max; /* of any request; of those about workflows */
};

/* An ask with its exchange. */
struct surface_ask {
    struct rac_ask q;
    struct rac_arena arena;
    struct rac_surface *s;
    struct rac_http_exchange *x; /* NULL: closed */
    rac_ns began;
    unsigned metric;
    uint64_t seen; /* rac_kept_now before the operation began */
};

struct rac_surface *rac_surface_new(struct rac_api_worker *w, const struct rac_surface_def *def)
{
    struct rac_surface *s = rac_mem_alloc(sizeof *s);
    s->w = w;
    s->def = def;
    s->router = rac_router_new(def->router_flags);
    for (size_t i = 0; i < def->routes_n; i++)
        rac_router_add(s->router, def->routes[i].method, def->routes[i].path, &def->routes[i]);
    const struct rac_config *c = w->service->config;
    s->body_max = 2 * (size_t)(rac_config_int(c, RAC_CONF_DEFINITION_MAX) +
                               rac_config_int(c, RAC_CONF_ICON_MAX) +
                               rac_config_int(c, RAC_CONF_SCRIPT_MAX)) +
                  RAC_ASK_BODY_SLACK;
    s->workflow_max = 2 * (size_t)rac_config_int(c, RAC_CONF_WORKFLOW_MAX) + RAC_ASK_BODY_SLACK;
    return s;
}

void rac_surface_free(struct rac_surface *s)
{
    if (s == NULL)
        return;
    rac_router_free(s->router);
    rac_mem_free(s);
}

/* Percent decoding into a; false for a broken escape, a NUL, or what is no UTF-8. */
static bool decode(struct rac_arena *a, rac_str s, bool form, rac_str *out)
{
    return rac_url_decode_strict(a, s, form, out) && rac_utf8_check(*out) == out->n &&
           memchr(out->p, 0, out->n) == NULL;
}

/* --- the answer ------------------------------------------------------------------------------- */

static void ask_free(struct surface_ask *t)
{
    t->s->w->requests_n--;
    rac_arena_fini(&t->arena);
    rac_mem_free(t);
}

static void closed(void *arg, bool replied)
{
    (void)replied;
    struct surface_ask *t = arg;
    t->x = NULL;
    t->q.gone = true;
    if (t->q.finished)
        ask_free(t);
}

static struct rac_json error_envelope(struct rac_ask *q)
{
    const struct surface_ask *t = q->arg;
    if (q->envelope.type != RAC_JSON_NONE)
        return q->envelope;
    if (t->s->def->error != NULL)
        return t->s->def->error(q);
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
    for (size_t i = 0; i < q->headers.n; i++)
        rac_headers_add(h, q->a, q->headers.v[i].name, q->headers.v[i].value);
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

static void log_request(struct surface_ask *t)
{
    rac_ns took = rac_env_mono_ns(t->s->w->env) - t->began;
    rac_metric_add_at(RAC_METRIC_API_REQUESTS, t->metric, 1);
    if (!rac_config_bool(t->s->w->service->config, RAC_CONF_LOG_REQUESTS))
        return;
    struct rac_ask *q = &t->q;
    rac_log(RAC_INFO, "request.answered", RAC_F_CSTR("operation", q->row->id),
            RAC_F_STR("path", q->url_path), RAC_F_INT("status", q->status),
            RAC_F_STR("user", q->who ? q->who->user_name : RAC_S("-")),
            RAC_F_INT("us", took / 1000), RAC_F_STR("requestId", q->request_id));
}

static void answered(void *arg, struct rac_ask *q)
{
    struct surface_ask *t = arg;
    log_request(t);
    if (t->x == NULL) {
        ask_free(t);
        return;
    }
    bool failed = q->error_code.p != NULL || q->envelope.type != RAC_JSON_NONE;
    struct rac_headers h = {0};
    if (!failed && q->route->out != NULL)
        q->route->out(q);
    put_headers(q, &h, failed);
    bool keep = !failed && (q->row->flags & OP_KEPT) && t->s->w->kept != NULL;
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
        rac_kept_put(t->s->w->kept, t->seen, q->who, t->x, &h, body);
    rac_http_reply(t->x, q->status, &h, body);
}

/* --- the request ------------------------------------------------------------------------------ */

static bool read_query(struct surface_ask *t, rac_str raw)
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

static bool authenticate(struct surface_ask *t)
{
    struct rac_ask *q = &t->q;
    if (q->row->action == RAC_MAY_ANYONE)
        return true;
    rac_str header = rac_http_header(t->x, "Authorization"), key = RAC_STR_NULL;
    if (header.p == NULL && t->s->def->function_keys) {
        key = rac_http_header(t->x, "x-functions-key");
        if (key.p == NULL)
            key = rac_ask_query(q, RAC_S("code"));
    }
    if (header.p == NULL && key.p == NULL) {
        rac_ask_fail(q, RAC_FAULT_NO_TOKEN,
                     "Send a token: Authorization: Bearer <token>. The first administrator's token "
                     "is in admin.token of the data directory.");
        return false;
    }
    const struct rac_principal *p;
    rac_str token = key.p != NULL ? key : bearer(header);
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

static bool parse_body(struct rac_ask *q)
{
    struct rac_json_error where = {0};
    rac_str text = q->body.n > 0 ? q->body : RAC_S("{}");
    rac_err e = rac_json_parse(text, q->a, RAC_JSON_REJECT_DUP, &q->json, &where);
    if (e == RAC_OK)
        return true;
    rac_ask_fail(q, RAC_FAULT_BAD_REQUEST, "The request body is not JSON: line %u, column %u: %s.",
                 where.line, where.column, where.message ? where.message : rac_err_text(e));
    return false;
}

/* The request is whole: translated, checked, carried out. */
static void carry_out(struct rac_ask *q)
{
    bool takes_json = strcmp(q->row->request, "NONE") != 0 && !(q->row->flags & OP_RAW);
    if (takes_json && !parse_body(q))
        return;
    if (q->route->in != NULL && !q->route->in(q))
        return;
    struct rac_diags d;
    rac_diags_init(&d, q->a, 20);
    if (takes_json && !rac_schemas_check(q->w->schemas, q->row->request, &q->json, &d)) {
        rac_ask_fail_diags(q, RAC_FAULT_BAD_REQUEST, &d, "%.*s",
                           RAC_FMT(d.n ? d.v[0].message : RAC_S("The request body is wrong.")));
        return;
    }
    q->row->fn(q);
}

static bool about_workflows(const struct rac_ask_row *row)
{
    return rac_str_starts(rac_ask_action_name(row->action), RAC_S("workflow."));
}

static size_t body_max(const struct rac_surface *s, const struct rac_ask_row *row)
{
    if (row->flags & OP_PAYLOAD)
        return (size_t)rac_config_int(s->w->service->config, RAC_CONF_HTTP_BODY_MAX);
    return about_workflows(row) && s->workflow_max > s->body_max ? s->workflow_max : s->body_max;
}

static void got_body(void *arg, struct rac_http_exchange *x, rac_err err, rac_str body)
{
    (void)x;
    struct surface_ask *t = arg;
    struct rac_ask *q = &t->q;
    if (err == RAC_E_LIMIT) {
        rac_ask_fail(q, RAC_FAULT_TOO_LARGE,
                     "The request body is larger than the %zu bytes this server takes (%s).",
                     body_max(t->s, q->row),
                     q->row->flags & OP_PAYLOAD ? "setting http.body_bytes_max"
                     : about_workflows(q->row)  ? "setting workflow.definition_bytes_max"
                                                : "setting connector.definition_bytes_max");
        return;
    }
    if (err != RAC_OK) {
        rac_ask_fail_err(q, err, "request");
        return;
    }
    q->body = rac_arena_str(q->a, body);
    carry_out(q);
}

static struct surface_ask *ask_new(struct rac_surface *s, struct rac_http_exchange *x,
                                   const struct rac_surface_route *route)
{
    struct surface_ask *t = rac_mem_alloc(sizeof *t);
    rac_arena_init(&t->arena, ASK_BYTES_MAX);
    t->s = s;
    t->x = x;
    t->began = rac_env_mono_ns(s->w->env);
    t->metric = s->w->service->metric_labels[route->op];
    t->seen = s->w->kept != NULL ? rac_kept_now(s->w->kept) : 0;
    t->q = (struct rac_ask){
        .magic = RAC_ASK_MAGIC,
        .row = &rac_ask_table[route->op],
        .route = route,
        .w = s->w,
        .a = &t->arena,
        .done = answered,
        .arg = t,
        .base_url = s->w->service->public_url,
        .url_path = rac_arena_str(&t->arena, x->path),
    };
    t->q.request_id = rac_arena_str(&t->arena, rac_http_request_id(x));
    s->w->requests_n++;
    rac_http_on_closed(x, closed, t);
    return t;
}

static bool read_head(struct surface_ask *t, const struct rac_router_match *m)
{
    struct rac_ask *q = &t->q;
    rac_str h = rac_http_header(t->x, "If-Match");
    if (h.p != NULL)
        q->if_match = rac_arena_str(q->a, h);
    h = rac_http_header(t->x, "Content-Type");
    if (h.p != NULL)
        q->content_type = rac_arena_str(q->a, h);
    for (size_t i = 0; i < m->args_n; i++)
        if (!decode(q->a, m->args[i], false, &q->args[i])) {
            rac_ask_fail(q, RAC_FAULT_BAD_REQUEST, "The path has a broken percent escape.");
            return false;
        }
    if (!read_query(t, t->x->query)) {
        rac_ask_fail(q, RAC_FAULT_BAD_REQUEST,
                     "The query has a broken percent escape, or more than %d parameters.",
                     QUERY_MAX);
        return false;
    }
    return t->s->def->enter == NULL || t->s->def->enter(q);
}

/* An answer at hand goes out without an ask. Anything unusual takes the long way. */
static bool send_kept(struct rac_api_worker *w, enum rac_ask_id op, struct rac_http_exchange *x)
{
    const struct rac_principal *who;
    rac_str token = bearer(rac_http_header(x, "Authorization"));
    if (w->kept == NULL || token.p == NULL || rac_iam_authenticate(w->iam, token, &who) != RAC_OK ||
        !rac_kept_send(w->kept, who, x))
        return false;
    rac_metric_add_at(RAC_METRIC_API_REQUESTS, w->service->metric_labels[op], 1);
    return true;
}

void rac_surface_handle(struct rac_surface *s, struct rac_http_exchange *x)
{
    struct rac_router_match m;
    if (!rac_router_find(s->router, x->method, x->path, x->arena, &m)) {
        if (m.allow.n > 0)
            rac_api_reply_method(x, m.allow);
        else
            rac_api_reply_error(x, 404, RAC_S("NotFound"), rac_str_of(s->def->nothing_here));
        return;
    }
    const struct rac_surface_route *route = m.row;
    const struct rac_ask_row *row = &rac_ask_table[route->op];
    if ((row->flags & OP_KEPT) && send_kept(s->w, route->op, x))
        return;
    struct surface_ask *t = ask_new(s, x, route);
    if (!read_head(t, &m) || !authenticate(t))
        return;
    if (strcmp(row->request, "NONE") == 0)
        carry_out(&t->q);
    else
        rac_http_read_body(x, body_max(s, row), got_body, t);
}
