#include "api/gateway.h"
#include "api/ops/access.h"
#include "api/service.h"
#include "connector/call.h"
#include "connector/connection.h"
#include "connector/dynamic.h"
#include "openapi/api.h"
#include "openapi/read.h"

/* Calling operations by name through a connection, and testing one. The raw form is the gateway's;
 * both are the same pipeline. */

struct invoking {
    struct rac_ask *q;
    struct rac_connection_row row;
    struct rac_opened_connection *c;
    struct rac_call *call;
    struct rac_json parameters;
    rac_str operation_id;
};

static void release(struct invoking *t)
{
    if (t->call != NULL)
        rac_call_free(t->call);
    if (t->c != NULL)
        rac_opened_release(t->q->w->opened, t->c);
    t->call = NULL;
    t->c = NULL;
}

static void mark_unauthenticated(struct invoking *t, const struct rac_call_res *res)
{
    if (!res->connection_unauthenticated)
        return;
    struct rac_connection_mark m = {
        .id = t->row.id,
        .status = {.status = RAC_CONNECTION_UNAUTHENTICATED,
                   .code = RAC_S("Unauthorized"),
                   .message =
                       RAC_S("The service refused the credentials. Sign in again, or give the "
                             "connection new values.")},
        .if_version = t->c->row.version,
        .actor = rac_ask_actor(t->q)};
    t->q->w->cs->connection_mark(t->q->w->cs->self, t->q->who->tenant, &m, NULL, NULL);
}

static struct rac_json headers_json(struct rac_arena *a, const struct rac_headers *h)
{
    struct rac_json o = rac_json_new_object(a);
    for (size_t i = 0; i < h->n; i++) {
        struct rac_json *had = rac_json_geti(&o, h->v[i].name);
        if (had != NULL)
            *had = rac_json_of_str(rac_arena_printf(
                a, "%.*s, %.*s", RAC_FMT(rac_json_str(had, RAC_S(""))), RAC_FMT(h->v[i].value)));
        else
            rac_json_put(a, &o, rac_arena_str(a, h->v[i].name),
                         rac_json_of_str(rac_arena_str(a, h->v[i].value)));
    }
    return o;
}

static void fail_call(struct invoking *t, const struct rac_call_error *error)
{
    struct rac_ask *q = t->q;
    struct rac_call_error e = *error;
    rac_metric_add(RAC_METRIC_CALL_ERRORS, 1);
    struct rac_json v = rac_call_error_json(&e, q->request_id, q->a);
    q->envelope = rac_json_copy(q->a, &v);
    e.message = rac_arena_str(q->a, e.message);
    release(t);
    q->retry_after_s = e.retry_after_ms > 0 ? (e.retry_after_ms + 999) / 1000 : 0;
    rac_ask_fail_status(q, e.http_status, e.message);
}

static void called(void *arg, struct rac_call *call, const struct rac_call_res *res)
{
    struct invoking *t = arg;
    struct rac_ask *q = t->q;
    (void)call;
    mark_unauthenticated(t, res);
    if (res->error.code != RAC_CALL_NONE) {
        fail_call(t, &res->error);
        return;
    }
    struct rac_json o = rac_json_new_object(q->a);
    RAC_JSON_PUT(q->a, &o, "statusCode", rac_json_of_int(res->status));
    RAC_JSON_PUT(q->a, &o, "headers", headers_json(q->a, &res->headers));
    if (res->body.type != RAC_JSON_NONE)
        RAC_JSON_PUT(q->a, &o, "body", rac_json_copy(q->a, &res->body));
    release(t);
    rac_ask_answer(q, o);
}

static void fail_open(struct invoking *t, rac_err err, rac_str why)
{
    struct rac_commit said = {.err = err, .error = why};
    rac_ask_fail_commit(t->q, &said, "connection");
}

/* Is there room in the rate of the connection? Answers when not. */
static bool admitted(struct invoking *t)
{
    struct rac_ask *q = t->q;
    int64_t retry_after_ms;
    if (rac_gateway_admit(q->w->gateway, t->c, &retry_after_ms))
        return true;
    release(t);
    q->retry_after_s = (retry_after_ms + 999) / 1000;
    rac_ask_fail(q, RAC_FAULT_RATE, "The rate set for connections is used up; try again in %lld s.",
                 (long long)q->retry_after_s);
    return false;
}

static void start_call(struct invoking *t, rac_call_done done)
{
    struct rac_ask *q = t->q;
    if (!admitted(t))
        return;
    struct rac_call_req req = {
        .connector = t->c->connector,
        .connection = t->c->connection,
        .operation_id = t->operation_id,
        .parameters = t->parameters.type == RAC_JSON_OBJECT ? &t->parameters : NULL,
        .client_request_id = q->request_id,
        .runtime_url = t->c->runtime_url,
    };
    rac_metric_add(RAC_METRIC_CALLS, 1);
    t->call = rac_call_start(&req, &q->w->call_env, done, t);
}

static void invoke_ready(void *arg, rac_err err, struct rac_opened_connection *c, rac_str why)
{
    struct invoking *t = arg;
    if (err != RAC_OK) {
        fail_open(t, err, why);
        return;
    }
    t->c = c;
    start_call(t, called);
}

void rac_ops_connection_invoke(struct rac_ask *q)
{
    struct invoking *t = RAC_NEW(q->a, struct invoking);
    t->q = q;
    if (!rac_access_connection(q, RAC_MAY_CONNECTION_USE, q->args[0], &t->row))
        return;
    t->operation_id = rac_json_str(RAC_JSON_GET(&q->json, "operationId"), RAC_S(""));
    const struct rac_json *p = RAC_JSON_GET(&q->json, "parameters");
    if (p != NULL)
        t->parameters = *p;
    rac_opened_want(q->w->opened, q->who->tenant, t->row.id, invoke_ready, t);
}

/* --- testing ---------------------------------------------------------------------------------- */

struct testing {
    struct invoking i;
    bool ok, tested;
    int status;
    rac_str message;
};

static void test_marked(void *arg, const struct rac_commit *c)
{
    struct testing *t = arg;
    struct rac_ask *q = t->i.q;
    if (c != NULL && c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "connection");
        return;
    }
    struct rac_json o = rac_json_new_object(q->a);
    RAC_JSON_PUT(q->a, &o, "ok", rac_json_of_bool(t->ok));
    RAC_JSON_PUT(q->a, &o, "tested", rac_json_of_bool(t->tested));
    if (t->tested)
        RAC_JSON_PUT_STR(q->a, &o, "operationId", t->i.operation_id);
    if (t->status != 0)
        RAC_JSON_PUT(q->a, &o, "statusCode", rac_json_of_int(t->status));
    RAC_JSON_PUT_STR(q->a, &o, "message", t->message);
    rac_ask_answer(q, o);
}

static void test_mark(struct testing *t)
{
    struct rac_ask *q = t->i.q;
    struct rac_connection_mark m = {.id = t->i.row.id, .tested = true, .actor = rac_ask_actor(q)};
    m.status.status = t->ok                                  ? RAC_CONNECTION_CONNECTED
                      : t->status == 401 || t->status == 403 ? RAC_CONNECTION_UNAUTHENTICATED
                                                             : RAC_CONNECTION_ERROR;
    if (!t->ok) {
        m.status.code = RAC_S("TestFailed");
        m.status.message = t->message;
    }
    q->w->cs->connection_mark(q->w->cs->self, q->who->tenant, &m, test_marked, t);
}

static void test_called(void *arg, struct rac_call *call, const struct rac_call_res *res)
{
    struct testing *t = arg;
    struct rac_ask *q = t->i.q;
    (void)call;
    t->tested = true;
    if (res->error.code != RAC_CALL_NONE) {
        t->status = res->error.inner_status;
        t->message = rac_arena_str(q->a, res->error.message);
    } else {
        t->status = res->status;
        t->ok = !rac_connection_test_failed(res->status);
        rac_str said = t->ok ? RAC_STR_NULL : rac_connection_message_of(res->bytes, q->a);
        t->message = t->ok        ? RAC_S("The connection works.")
                     : said.n > 0 ? rac_arena_str(q->a, said)
                                  : rac_arena_printf(q->a,
                                                     "The service answered %d. Check account and "
                                                     "permissions.",
                                                     res->status);
    }
    release(&t->i);
    test_mark(t);
}

static void test_ready(void *arg, rac_err err, struct rac_opened_connection *c, rac_str why)
{
    struct testing *t = arg;
    struct rac_ask *q = t->i.q;
    if (err != RAC_OK) {
        fail_open(&t->i, err, why);
        return;
    }
    t->i.c = c;
    const struct rac_json *test = &c->connector->test_connection;
    t->i.operation_id = rac_arena_str(q->a, rac_json_str(rac_api_target(test), RAC_S("")));
    if (t->i.operation_id.n == 0) {
        t->ok = c->row.status.status == RAC_CONNECTION_CONNECTED;
        t->message = t->ok ? RAC_S("The connector names no operation to test with; the connection "
                                   "has all its values.")
                           : rac_arena_str(q->a, c->row.status.message);
        release(&t->i);
        test_marked(t, NULL);
        return;
    }
    const struct rac_json *p = RAC_JSON_GET(test, "parameters");
    if (p != NULL)
        t->i.parameters = rac_json_copy(q->a, p);
    start_call(&t->i, test_called);
}

void rac_ops_connection_test(struct rac_ask *q)
{
    struct testing *t = RAC_NEW(q->a, struct testing);
    t->i.q = q;
    if (rac_access_connection(q, RAC_MAY_CONNECTION_USE, q->args[0], &t->i.row))
        rac_opened_want(q->w->opened, q->who->tenant, t->i.row.id, test_ready, t);
}

/* --- dynamic values --------------------------------------------------------------------------- */

struct asking {
    struct invoking i;
    struct rac_dynamic_ask ask;
    struct rac_dynamic_call port;
    struct rac_json definition;
};

static void defer(void *self, void (*fn)(void *arg), void *arg)
{
    const struct rac_call_env *env = self;
    env->defer(env->defer_self, fn, arg);
}

static void dynamic_done(void *arg, const struct rac_dynamic_res *res)
{
    struct asking *t = arg;
    struct rac_ask *q = t->i.q;
    if (res->state == RAC_DYNAMIC_FAILED && res->error.code != RAC_CALL_NONE) {
        fail_call(&t->i, &res->error);
        return;
    }
    struct rac_json v = rac_dynamic_json(res, q->a);
    struct rac_json copy = rac_json_copy(q->a, &v);
    release(&t->i);
    rac_ask_answer(q, copy);
}

static void dynamic_ready(void *arg, rac_err err, struct rac_opened_connection *c, rac_str why)
{
    struct asking *t = arg;
    struct rac_ask *q = t->i.q;
    struct rac_file f;
    struct rac_document *doc;
    if (err != RAC_OK) {
        fail_open(&t->i, err, why);
        return;
    }
    t->i.c = c;
    if (!admitted(&t->i))
        return;
    err = q->w->cs->file_get(q->w->cs->self, q->who->tenant, c->row.connector,
                             c->connector->revision, RAC_FILE_DEFINITION, RAC_STR_NULL, q->a, &f);
    if (err == RAC_OK)
        err = rac_document_read(f.bytes, f.name, q->a, &doc, NULL);
    if (err != RAC_OK) {
        release(&t->i);
        rac_ask_fail_err(q, err == RAC_E_SYNTAX ? RAC_E_CORRUPT : err, "connector");
        return;
    }
    t->definition = doc->root;
    t->ask.definition = &t->definition;
    rac_dynamic_call_init(&t->port, &q->w->call_env, c->connector, c->connection);
    rac_metric_add(RAC_METRIC_CALLS, 1);
    (void)rac_dynamic_start(&t->ask, &t->port.invoker, defer, &q->w->call_env, q->a, dynamic_done,
                            t);
}

void rac_ops_connection_dynamic(struct rac_ask *q)
{
    struct asking *t = RAC_NEW(q->a, struct asking);
    t->i.q = q;
    if (!rac_access_connection(q, RAC_MAY_CONNECTION_USE, q->args[0], &t->i.row))
        return;
    const struct rac_json *v = &q->json;
    t->ask = (struct rac_dynamic_ask){
        .operation_id = rac_json_str(RAC_JSON_GET(v, "operationId"), RAC_S("")),
        .parameter = rac_json_str(RAC_JSON_GET(v, "parameter"), RAC_STR_NULL),
        .path = rac_json_str(RAC_JSON_GET(v, "path"), RAC_STR_NULL),
        .given = RAC_JSON_GET(v, "given"),
        .parameters = RAC_JSON_GET(v, "parameters"),
        .selection = RAC_JSON_GET(v, "selection"),
    };
    (void)rac_dynamic_kind_parse(rac_json_str(RAC_JSON_GET(v, "kind"), RAC_S("")), &t->ask.kind);
    rac_opened_want(q->w->opened, q->who->tenant, t->i.row.id, dynamic_ready, t);
}
