/* The pipeline over a scripted fetcher: what is sent, hop by hop, and what comes out. */
#include "fixture.h"

#include "base/env.h"
#include "connector/call.h"
#include "connector/connection.h"

enum { HOPS_MAX = 16 };

struct rac_fetch { /* the one in flight */
    int dummy;
};

static struct world {
    struct { /* what to answer, in order */
        int status;
        const char *type, *header, *value, *body;
        rac_err err;
        const char *error; /* of err; NULL: "no way there" */
    } script[HOPS_MAX];
    size_t script_n, sent_n;
    struct { /* what was sent */
        rac_str method, url, body;
        struct rac_headers headers;
    } sent[HOPS_MAX];
    struct rac_arena a;
    struct rac_fetch fetch;
    struct rac_fetch_events ev;
    struct rac_arena *res_arena;
    const struct rac_body_source *source;
    void (*queued[4])(void *);
    void *queued_arg[4];
    size_t queued_n;
    bool pending, cancelled;
    /* outcome */
    int done_n;
    const struct rac_call_res *res;
    struct rac_call *call;
    rac_str streamed;
    int streamed_status;
} w;

static struct rac_fetch *fake_start(void *self, const struct rac_fetch_req *req,
                                    struct rac_arena *a, const struct rac_fetch_events *ev)
{
    (void)self;
    assert_true(w.sent_n < HOPS_MAX && !w.pending);
    size_t i = w.sent_n++;
    w.sent[i].method = rac_arena_str(&w.a, req->method);
    w.sent[i].url = rac_arena_str(&w.a, req->url);
    w.sent[i].body = rac_arena_str(&w.a, req->body);
    w.sent[i].headers = (struct rac_headers){0};
    for (size_t k = 0; k < req->headers->n; k++)
        rac_headers_add(&w.sent[i].headers, &w.a, rac_arena_str(&w.a, req->headers->v[k].name),
                        rac_arena_str(&w.a, req->headers->v[k].value));
    w.source = req->source;
    w.ev = *ev;
    w.res_arena = a;
    w.pending = true;
    return &w.fetch;
}

static void fake_resume(void *self, struct rac_fetch *f)
{
    (void)self;
    (void)f;
}

static void fake_cancel(void *self, struct rac_fetch *f)
{
    (void)self;
    (void)f;
    w.cancelled = true;
    w.pending = false;
}

static void fake_defer(void *self, void (*fn)(void *), void *arg)
{
    (void)self;
    w.queued[w.queued_n] = fn;
    w.queued_arg[w.queued_n++] = arg;
}

static void done(void *arg, struct rac_call *call, const struct rac_call_res *res)
{
    (void)arg;
    (void)call;
    w.done_n++;
    w.res = res;
}

static void answer(size_t i)
{
    struct rac_fetch_res res = {.err = w.script[i].err, .status = w.script[i].status};
    if (res.err != RAC_OK)
        res.error = w.script[i].error ? rac_str_of(w.script[i].error) : RAC_S("no way there");
    if (w.script[i].type != NULL)
        rac_headers_add(&res.headers, w.res_arena, RAC_S("Content-Type"),
                        rac_str_of(w.script[i].type));
    if (w.script[i].header != NULL)
        rac_headers_add(&res.headers, w.res_arena, rac_str_of(w.script[i].header),
                        rac_str_of(w.script[i].value));
    rac_headers_add(&res.headers, w.res_arena, RAC_S("Connection"), RAC_S("close"));
    rac_str body = rac_str_of(w.script[i].body ? w.script[i].body : "");
    struct rac_fetch_events ev = w.ev;
    w.pending = false;
    if (ev.on_headers != NULL && res.err == RAC_OK && !ev.on_headers(ev.arg, &res))
        res.err = RAC_E_CANCELLED;
    else if (ev.on_data != NULL && body.n > 0)
        (void)ev.on_data(ev.arg, body);
    else
        res.body = body;
    ev.done(ev.arg, &res);
}

/* Runs what is queued and answers what is in flight until nothing happens any more. */
static void run(void)
{
    for (size_t i = 0; w.queued_n > 0 || w.pending;) {
        if (w.queued_n > 0) {
            w.queued_n--;
            w.queued[w.queued_n](w.queued_arg[w.queued_n]);
        } else {
            assert_true(i < w.script_n);
            answer(i++);
        }
    }
}

static struct rac_connector *pilot;
static struct rac_call_env env;
static struct rac_json params;

static int setup_all(void **state)
{
    (void)state;
    pilot = fixture_load("tests/data/connectors/pilot");
    return 0;
}
static int teardown_all(void **state)
{
    (void)state;
    rac_connector_unref(pilot);
    return 0;
}
static int setup(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    rac_arena_init(&w.a, 16 << 20);
    env = (struct rac_call_env){.env = &rac_env_system,
                                .fetcher = {fake_start, fake_resume, fake_cancel, NULL},
                                .defer = fake_defer};
    return 0;
}
static int teardown(void **state)
{
    (void)state;
    rac_call_free(w.call);
    rac_arena_fini(&w.a);
    return 0;
}

static void script(size_t i, int status, const char *type, const char *body)
{
    w.script[i].status = status;
    w.script[i].type = type;
    w.script[i].body = body;
    w.script_n = i + 1;
}

static struct rac_connection *connection_of(struct rac_connector *connector, const char *json)
{
    struct rac_json v;
    struct rac_connection *c;
    assert_int_equal(rac_json_parse(rac_str_of(json), &w.a, 0, &v, NULL), RAC_OK);
    assert_int_equal(rac_connection_make(connector, &v, RAC_CONNECTION_PARTIAL, 0, &w.a, &c, NULL),
                     RAC_OK);
    return c;
}

static struct rac_connection *connection(const char *json)
{
    return connection_of(pilot, json);
}

static struct rac_call_req request(const char *operation, const char *parameters)
{
    struct rac_call_req req = {.connector = pilot, .operation_id = rac_str_of(operation)};
    if (parameters != NULL) {
        assert_int_equal(rac_json_parse(rac_str_of(parameters), &w.a, 0, &params, NULL), RAC_OK);
        req.parameters = &params;
    }
    return req;
}

static void start(struct rac_call_req req)
{
    w.call = rac_call_start(&req, &env, done, NULL);
    assert_int_equal(w.done_n, 0); /* never from inside start */
    run();
    assert_int_equal(w.done_n, 1);
}

static void test_answer(void **state)
{
    (void)state;
    script(0, 200, "application/json; charset=utf-8", "{\"a\":[1]}");
    start(request("Query", "{\"a\":\"x\"}"));
    assert_int_equal(w.res->error.code, RAC_CALL_NONE);
    assert_int_equal(w.res->status, 200);
    assert_int_equal(rac_json_len(RAC_JSON_GET(&w.res->body, "a")), 1);
    assert_null(rac_headers_get(&w.res->headers, RAC_S("connection")).p); /* ends at the hop */
    assert_int_equal(w.res->attempts, 1);
    assert_true(rac_headers_get(&w.sent[0].headers, RAC_S("x-ms-client-request-id")).n == 36);
}

static void test_not_found(void **state)
{
    (void)state;
    start(request("Nope", NULL));
    assert_int_equal(w.res->error.code, RAC_CALL_OPERATION_NOT_FOUND);
    assert_int_equal(w.res->error.http_status, 404);
    assert_int_equal(w.sent_n, 0);
}

/* Whoever may no longer see the connector does not call it with a connection from before. */
static void test_revoked_connection(void **state)
{
    (void)state;
    struct rac_call_req req = request("Query", "{\"a\":\"x\"}");
    struct rac_connection *c = connection("{\"username\":\"u\",\"password\":\"p\"}");
    c->status = (struct rac_status){.status = RAC_CONNECTION_ERROR,
                                    .code = RAC_CONNECTION_REVOKED,
                                    .message = RAC_S("ask its owner to share it again")};
    req.connection = c;
    start(req);
    assert_int_equal(w.res->error.code, RAC_CALL_CONNECTION_FORBIDDEN);
    assert_int_equal(w.res->error.http_status, 403);
    assert_str(w.res->error.message, "ask its owner to share it again");
    assert_int_equal(w.sent_n, 0);
}

static void test_response_policies(void **state)
{
    (void)state;
    script(0, 404, "application/json", "{\"a\":1}");
    w.script[0].header = "Server";
    w.script[0].value = "x/1";
    start(request("Answer", NULL));
    assert_int_equal(w.res->status, 404);
    assert_str(rac_headers_get(&w.res->headers, RAC_S("X-From")), "x/1 1");
    assert_str(rac_headers_get(&w.res->headers, RAC_S("X-Failed")), "yes");
    assert_str(w.res->bytes, "{\"a\":1,\"added\":\"ok\"}");
}

static void test_side_call(void **state)
{
    (void)state;
    script(0, 200, "application/json", "{\"@odata.etag\":\"W/1\"}");
    script(1, 204, NULL, NULL);
    struct rac_call_req req = request("Side", "{\"id\":\"7 8\"}");
    req.connection = connection("{\"username\":\"u\",\"password\":\"p\"}");
    start(req);
    assert_int_equal(w.sent_n, 2);
    assert_str(w.sent[0].method, "GET");
    assert_str(w.sent[0].url, "https://api.pilot.example/v1/things/7%208/details?full=1");
    assert_str(rac_headers_get(&w.sent[0].headers, RAC_S("authorization")), "Basic dTpw");
    assert_str(w.sent[1].method, "PATCH");
    assert_str(rac_headers_get(&w.sent[1].headers, RAC_S("if-match")), "W/1");
    assert_int_equal(w.res->body.type, RAC_JSON_NONE);
}

static void test_side_call_fails(void **state)
{
    (void)state;
    script(0, 403, "application/json", "{\"no\":1}");
    start(request("Side", "{\"id\":\"7\"}"));
    assert_int_equal(w.sent_n, 1);
    assert_int_equal(w.res->error.code, RAC_CALL_POLICY_FAILED);
    assert_int_equal(w.res->error.http_status, 403); /* aborts with that status */
    assert_int_equal(w.res->error.inner_status, 403);
}

static void test_redirects(void **state)
{
    (void)state;
    script(0, 302, NULL, NULL);
    script(1, 307, NULL, NULL);
    script(2, 200, "text/plain", "there");
    w.script[0].header = w.script[1].header = "Location";
    w.script[0].value = "/v1/elsewhere?x=1";
    w.script[1].value = "https://cdn.example/file";
    struct rac_call_req req = request("Headers", NULL);
    req.connection = connection("{\"username\":\"u\",\"password\":\"pass\"}");
    start(req);
    assert_int_equal(w.sent_n, 3);
    assert_str(w.sent[1].url, "https://api.pilot.example/v1/elsewhere?x=1");
    assert_true(rac_headers_get(&w.sent[1].headers, RAC_S("authorization")).n > 0);
    assert_str(w.sent[2].url, "https://cdn.example/file");
    assert_null(rac_headers_get(&w.sent[2].headers, RAC_S("authorization")).p);
    assert_null(rac_headers_get(&w.sent[2].headers, RAC_S("x-secret")).p); /* a policy's secret */
    assert_str(rac_headers_get(&w.sent[2].headers, RAC_S("x-plain")), "plain");
    assert_str(rac_json_str(&w.res->body, RAC_S("")), "there");
}

static void test_redirect_loop(void **state)
{
    (void)state;
    for (size_t i = 0; i < 12; i++) {
        script(i, 301, NULL, NULL);
        w.script[i].header = "Location";
        w.script[i].value = "/v1/again";
    }
    start(request("Headers", NULL));
    assert_int_equal(w.sent_n, 11); /* the request and ten hops */
    assert_int_equal(w.res->error.code, RAC_CALL_BAD_BACKEND_RESPONSE);
}

static void test_no_redirect_of_a_change(void **state)
{
    (void)state;
    script(0, 307, NULL, NULL);
    w.script[0].header = "Location";
    w.script[0].value = "/v1/again";
    start(request("Props", "{\"body\":{}}"));
    assert_int_equal(w.sent_n, 1);
    assert_int_equal(w.res->status, 307);
}

static void test_redirect_elsewhere(void **state)
{
    (void)state;
    script(0, 302, NULL, NULL);
    w.script[0].header = "Location";
    w.script[0].value = "file:///etc/passwd";
    start(request("Headers", NULL));
    assert_int_equal(w.res->error.code, RAC_CALL_BAD_BACKEND_RESPONSE);
}

static void test_transport_errors(void **state)
{
    (void)state;
    static const struct {
        rac_err err;
        enum rac_call_code code;
    } cases[] = {{RAC_E_DENIED, RAC_CALL_EGRESS_DENIED},
                 {RAC_E_TIMEOUT, RAC_CALL_BACKEND_TIMEOUT},
                 {RAC_E_UNREACHABLE, RAC_CALL_BACKEND_UNREACHABLE},
                 {RAC_E_TLS, RAC_CALL_BACKEND_UNREACHABLE},
                 {RAC_E_IO, RAC_CALL_BAD_BACKEND_RESPONSE},
                 {RAC_E_LIMIT, RAC_CALL_BAD_BACKEND_RESPONSE}};
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        teardown(NULL);
        setup(NULL);
        script(0, 0, NULL, NULL);
        w.script[0].err = cases[i].err;
        start(request("Answer", NULL));
        assert_int_equal(w.res->error.code, cases[i].code);
        assert_str(w.res->error.message, "no way there");
        assert_str(rac_headers_get(&w.res->headers, RAC_S("X-Failed")), "yes");
    }
}

static void test_bad_json(void **state)
{
    (void)state;
    script(0, 200, "application/json", "<html>");
    start(request("Query", NULL));
    assert_int_equal(w.res->error.code, RAC_CALL_BAD_BACKEND_RESPONSE);
    assert_string_equal(w.res->error.detail, "RC-RUN-07");
    assert_str(w.res->error.inner_body, "<html>");
    teardown(NULL);
    setup(NULL);
    script(0, 502, "application/json", "<html>"); /* the status matters more */
    start(request("Query", NULL));
    assert_int_equal(w.res->error.code, RAC_CALL_NONE);
    assert_str(rac_json_str(&w.res->body, RAC_S("")), "<html>");
}

static void test_unauthenticated_policy(void **state)
{
    (void)state;
    script(0, 401, NULL, NULL);
    start(request("Query", NULL));
    assert_true(w.res->connection_unauthenticated);
    teardown(NULL);
    setup(NULL);
    script(0, 403, NULL, NULL);
    start(request("Query", NULL));
    assert_false(w.res->connection_unauthenticated);
}

static void test_script(void **state)
{
    (void)state;
    start(request("Scripted", NULL));
    assert_int_equal(w.res->error.code, RAC_CALL_SCRIPT_UNSUPPORTED);
    assert_int_equal(w.res->error.http_status, 501);
    assert_true(rac_str_find(w.res->error.message, RAC_S("Scripted")) != RAC_STR_NPOS);
    assert_int_equal(w.sent_n, 0);
}

static void test_next_link(void **state)
{
    (void)state;
    script(0, 200, "application/json",
           "{\"@odata.nextLink\":\"https://api.pilot.example/v1/pages?skip=2\"}");
    struct rac_call_req req = request("Pages", NULL);
    req.runtime_url = RAC_S("https://raccord.example/apim/c/n");
    start(req);
    assert_str(w.res->bytes,
               "{\"@odata.nextLink\":\"https://raccord.example/apim/c/n/pages?skip=2\"}");
    /* and following it comes back to the backend */
    teardown(NULL);
    setup(NULL);
    script(0, 200, "application/json", "{}");
    req = request("Pages", NULL);
    req.runtime_url = RAC_S("https://raccord.example/apim/c/n");
    req.follow_url = RAC_S("https://raccord.example/apim/c/n/pages?skip=2");
    req.connection = connection("{\"username\":\"u\",\"password\":\"p\"}");
    start(req);
    assert_str(w.sent[0].url, "https://api.pilot.example/v1/pages?skip=2");
    assert_str(rac_headers_get(&w.sent[0].headers, RAC_S("authorization")), "Basic dTpw");
}

static void test_follow(void **state)
{
    (void)state;
    script(0, 200, "application/json", "{}");
    struct rac_call_req req = request("Headers", NULL);
    req.connection = connection("{\"username\":\"u\",\"password\":\"p\"}");
    req.follow_url = RAC_S("https://api.pilot.example/jobs/7?x=1");
    start(req);
    assert_str(w.sent[0].url, "https://api.pilot.example/jobs/7?x=1");
    assert_str(rac_headers_get(&w.sent[0].headers, RAC_S("authorization")), "Basic dTpw");
    teardown(NULL);
    setup(NULL);
    script(0, 200, "application/json", "{}");
    req = request("Headers", NULL);
    req.connection = connection("{\"username\":\"u\",\"password\":\"p\"}");
    req.follow_url = RAC_S("https://other.example/jobs/7");
    start(req);
    assert_null(rac_headers_get(&w.sent[0].headers, RAC_S("authorization")).p);
    assert_null(rac_headers_get(&w.sent[0].headers, RAC_S("x-secret")).p);
}

#define DEFINITION(parameters)                                                                     \
    "{\"swagger\":\"2.0\",\"info\":{\"title\":\"t\",\"version\":\"1\"},\"host\":\"a.example\","    \
    "\"paths\":{\"/op\":{\"get\":{\"operationId\":\"Op\",\"parameters\":[" parameters              \
    "],\"responses\":{\"200\":{\"description\":\"d\"}}}}}}"

/* A connector of one operation Op, GET /op, under one policy. */
static struct rac_connector *small(const char *definition, const char *policy, const char *name,
                                   const char *value)
{
    rac_str text = rac_arena_printf(
        &w.a,
        "{\"properties\":{\"connectionParameters\":{\"key\":{\"type\":\"securestring\"}},"
        "\"policyTemplateInstances\":[{\"templateId\":\"%s\",\"parameters\":"
        "{\"x-ms-apimTemplateParameter.%s\":\"%s\"}}]}}",
        policy, name, value);
    return fixture_compile(definition, rac_arena_cstr(&w.a, text));
}

/* A secret in the path: links of the answer are resolved against what was sent, nobody sees it. */
static void test_secret_in_the_path(void **state)
{
    (void)state;
    struct rac_connector *c = small(DEFINITION(""), "routerequesttoendpoint", "newPath",
                                    "/bot@connectionParameters('key')/send");
    struct rac_call_req req = {.connector = c, .operation_id = RAC_S("Op")};
    req.connection = connection_of(c, "{\"key\":\"tops3cret\"}");
    script(0, 200, "application/json", "{}");
    start(req);
    assert_str(w.sent[0].url, "https://a.example/bottops3cret/send");
    assert_str(w.res->url, "https://a.example/bot***/send");
    assert_str(w.res->base, "https://a.example/bottops3cret/send");
    rac_call_free(w.call);
    w.done_n = 0;
    w.sent_n = 0;
    script(0, 302, NULL, NULL); /* a redirect that repeats it, and an error that does */
    w.script[0].header = "Location";
    w.script[0].value = "/else?k=tops3cret";
    script(1, 0, NULL, NULL);
    w.script[1].err = RAC_E_UNREACHABLE;
    w.script[1].error = "nobody at tops3cret.example";
    start(req);
    assert_str(w.sent[1].url, "https://a.example/else?k=tops3cret");
    assert_str(w.res->url, "https://a.example/else?k=***");
    assert_str(w.res->error.message, "nobody at ***.example");
    rac_call_free(w.call);
    w.done_n = 0;
    w.sent_n = 0;
    script(0, 200, "application/json", "{}");
    req.follow_url = RAC_S("https://a.example/next?k=tops3cret");
    start(req);
    assert_str(w.sent[0].url, "https://a.example/next?k=tops3cret");
    assert_str(w.res->url, "https://a.example/next?k=***");
    rac_connector_unref(c);
}

/* A credential of the query is no part of what links are resolved against. */
static void test_base_without_credentials(void **state)
{
    (void)state;
    struct rac_connector *c =
        small(DEFINITION("{\"name\":\"q\",\"in\":\"query\",\"type\":\"string\"}"),
              "setqueryparameter\",\"title\":\"t",
              "name\":\"k\",\"x-ms-apimTemplateParameter.value", "@connectionParameters('key')");
    struct rac_call_req req = request("Op", "{\"q\":\"1\"}");
    req.connector = c;
    req.connection = connection_of(c, "{\"key\":\"tops3cret\"}");
    script(0, 200, "application/json", "{}");
    start(req);
    assert_str(w.sent[0].url, "https://a.example/op?q=1&k=tops3cret");
    assert_str(w.res->url, "https://a.example/op?q=1&k=***");
    assert_str(w.res->base, "https://a.example/op?q=1");
    rac_connector_unref(c);
}

/* Next page, poll or Location of an operation whose host an argument decides. */
static void test_follow_where_an_argument_is_the_host(void **state)
{
    (void)state;
    static const char definition[] =
        "{\"swagger\":\"2.0\",\"info\":{\"title\":\"t\",\"version\":\"1\"},\"host\":\"a.example\","
        "\"securityDefinitions\":{\"k\":{\"type\":\"apiKey\",\"in\":\"query\",\"name\":\"k\"}},"
        "\"security\":[{\"k\":[]}],\"paths\":{\"/"
        "op\":{\"get\":{\"operationId\":\"Op\",\"parameters\":[{"
        "\"name\":\"q\",\"in\":\"query\",\"required\":true,\"type\":\"string\"},{\"name\":\"X-A\","
        "\"in\":"
        "\"header\",\"type\":\"string\"}],\"responses\":{\"200\":{\"description\":\"d\"}}}}}}";
    static const struct {
        const char *parameters, *query, *follow, *sent;
    } cases[] = {
        {"{\"q\":\"b.example\",\"X-A\":\"1\"}", NULL, "https://b.example/next?p=2",
         "https://b.example/next?p=2&k=s3cret"},
        {NULL, "q=b.example", "https://b.example/next", "https://b.example/next?k=s3cret"},
        {"{\"q\":\"b.example\"}", NULL, "https://c.example/next", "https://c.example/next"},
        {NULL, NULL, "https://b.example/next", "https://b.example/next"}, /* not known any more */
        {NULL, NULL, "https://a.example/next", "https://a.example/next"},
    };
    struct rac_connector *c =
        small(definition, "dynamichosturl", "urlTemplate", "https://@queryParameters('q')");
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_call_req req = request("Op", cases[i].parameters);
        req.connector = c;
        req.connection = connection_of(c, "{\"key\":\"s3cret\"}");
        req.follow_url = rac_str_of(cases[i].follow);
        if (cases[i].query != NULL) {
            req.operation_id = RAC_STR_NULL;
            req.method = RAC_S("GET");
            req.path = RAC_S("/op");
            req.query = rac_str_of(cases[i].query);
        }
        w.sent_n = 0;
        w.done_n = 0;
        script(0, 200, "application/json", "{}");
        start(req);
        assert_int_equal(w.res->error.code, RAC_CALL_NONE);
        assert_str(w.sent[0].url, cases[i].sent);
        assert_null(rac_headers_get(&w.sent[0].headers, RAC_S("X-A")).p);
        rac_call_free(w.call);
        w.call = NULL;
    }
    rac_connector_unref(c);
}

/* A policy sets what is not there: arguments of the first call do not go along with a link. */
static void test_follow_sets_what_an_argument_was(void **state)
{
    (void)state;
    static const char properties[] =
        "{\"properties\":{\"policyTemplateInstances\":["
        "{\"templateId\":\"setheader\",\"parameters\":{"
        "\"x-ms-apimTemplateParameter.name\":\"X-A\",\"x-ms-apimTemplateParameter.value\":\"2\","
        "\"x-ms-apimTemplateParameter.existsAction\":\"skip\"}},"
        "{\"templateId\":\"setqueryparameter\",\"parameters\":{"
        "\"x-ms-apimTemplateParameter.name\":\"q\",\"x-ms-apimTemplateParameter.value\":\"3\","
        "\"x-ms-apimTemplateParameter.existsAction\":\"skip\"}}]}}";
    struct rac_connector *c = fixture_compile(
        "{\"swagger\":\"2.0\",\"info\":{\"title\":\"t\",\"version\":\"1\"},\"host\":\"a.example\","
        "\"paths\":{\"/op\":{\"get\":{\"operationId\":\"Op\",\"parameters\":[{\"name\":\"q\","
        "\"in\":\"query\",\"type\":\"string\"},{\"name\":\"X-A\",\"in\":\"header\",\"type\":"
        "\"string\"}],"
        "\"responses\":{\"200\":{\"description\":\"d\"}}}}}}",
        properties);
    static const char *const given[] = {NULL, "{\"q\":\"1\",\"X-A\":\"1\"}"};
    for (size_t i = 0; i < RAC_COUNT(given); i++) {
        struct rac_call_req req = request("Op", given[i]);
        req.connector = c;
        req.connection = connection_of(c, "{}");
        req.follow_url = RAC_S("https://a.example/next");
        w.sent_n = 0;
        w.done_n = 0;
        script(0, 200, "application/json", "{}");
        start(req);
        assert_str(rac_headers_get(&w.sent[0].headers, RAC_S("X-A")), "2");
        assert_str(w.sent[0].url, "https://a.example/next?q=3");
        rac_call_free(w.call);
        w.call = NULL;
    }
    rac_connector_unref(c);
}

static bool sink_headers(void *arg, int status, const struct rac_headers *h)
{
    (void)arg;
    (void)h;
    w.streamed_status = status;
    return true;
}
static bool sink_data(void *arg, rac_str bytes)
{
    (void)arg;
    w.streamed = rac_str_concat(&w.a, w.streamed, bytes);
    return true;
}

static struct rac_call_req raw(const char *method, const char *path, const char *query,
                               struct rac_headers *h, const char *body)
{
    static const struct rac_call_sink sink = {sink_headers, sink_data, NULL};
    return (struct rac_call_req){.connector = pilot,
                                 .method = rac_str_of(method),
                                 .path = rac_str_of(path),
                                 .query = rac_str_of(query),
                                 .headers = h,
                                 .body = rac_str_of(body),
                                 .sink = &sink};
}

static void test_raw(void **state)
{
    (void)state;
    struct rac_headers h = {0};
    rac_headers_add(&h, &w.a, RAC_S("Authorization"), RAC_S("Key ours"));
    rac_headers_add(&h, &w.a, RAC_S("Cookie"), RAC_S("session=1"));
    rac_headers_add(&h, &w.a, RAC_S("Connection"), RAC_S("close, X-Hop"));
    rac_headers_add(&h, &w.a, RAC_S("X-Hop"), RAC_S("1"));
    rac_headers_add(&h, &w.a, RAC_S("X-More"), RAC_S("2"));
    script(0, 200, "application/octet-stream", "bytes");
    w.script[0].header = "Set-Cookie";
    w.script[0].value = "a=b";
    struct rac_call_req req = raw("GET", "/query", "a=%20x&other", &h, NULL);
    req.connection = connection("{\"username\":\"u\",\"password\":\"p\"}");
    start(req);
    assert_int_equal(w.streamed_status, 200);
    assert_str(w.streamed, "bytes");
    assert_null(w.res->bytes.p);
    assert_str(w.sent[0].url, "https://api.pilot.example/v1/query?a=1%202&other&b%20c=x&d=x-");
    assert_str(rac_headers_get(&w.sent[0].headers, RAC_S("authorization")), "Basic dTpw");
    assert_null(rac_headers_get(&w.sent[0].headers, RAC_S("cookie")).p);
    assert_null(rac_headers_get(&w.sent[0].headers, RAC_S("x-hop")).p);
    assert_str(rac_headers_get(&w.sent[0].headers, RAC_S("x-more")), "2");
    assert_null(rac_headers_get(&w.res->headers, RAC_S("set-cookie")).p);
}

static void test_raw_path(void **state)
{
    (void)state;
    script(0, 200, NULL, NULL);
    start(raw("GET", "/hostpath/a%2Fb", NULL, NULL, NULL)); /* passed on as it is */
    assert_str(w.sent[0].url, "http://fall.back/base/hostpath/a%2Fb");
    teardown(NULL);
    setup(NULL);
    start(raw("GET", "/hostpath/a/b", NULL, NULL, NULL));
    assert_int_equal(w.res->error.code, RAC_CALL_OPERATION_NOT_FOUND);
}

static void test_raw_dots(void **state)
{
    (void)state;
    static const char *const paths[] = {"/hostpath/..", "/hostpath/%2e%2E", "/hostpath/.%2e",
                                        "/hostpath/."};
    for (size_t i = 0; i < RAC_COUNT(paths); i++) {
        teardown(NULL);
        setup(NULL);
        start(raw("GET", paths[i], NULL, NULL, NULL));
        assert_int_equal(w.res->error.code, RAC_CALL_INVALID_INPUT);
        assert_int_equal(w.sent_n, 0);
    }
}

static rac_err read_slowly(void *self, char *p, size_t cap, size_t *n, bool *eof)
{
    static const char text[] = "{\"pay\": {\"sum\": 2}}";
    size_t *at = self;
    assert_true(cap > 0);
    if (*at % 2 == 1) { /* every other time there is nothing yet */
        ++*at;
        *n = 0;
        *eof = false;
        return RAC_OK;
    }
    size_t i = *at / 2;
    ++*at;
    *n = i < sizeof text - 1 ? 1 : 0;
    *eof = i >= sizeof text - 1;
    if (*n)
        *p = text[i];
    return RAC_OK;
}

static void test_raw_source_for_a_policy(void **state)
{
    (void)state;
    size_t at = 0;
    struct rac_headers h = {0};
    rac_headers_add(&h, &w.a, RAC_S("Content-Type"), RAC_S("application/json"));
    struct rac_body_source source = {read_slowly, -1, &at};
    struct rac_call_req req = raw("POST", "/props", NULL, &h, NULL);
    req.source = &source;
    script(0, 200, NULL, NULL);
    w.call = rac_call_start(&req, &env, done, NULL);
    for (int i = 0; i < 100 && w.done_n == 0; i++) {
        run();
        if (w.done_n == 0 && !w.pending)
            rac_call_resume(w.call);
    }
    run();
    assert_int_equal(w.done_n, 1);
    assert_str(w.sent[0].body, "{\"pay\":{\"sum\":2},\"kind\":\"v1\",\"topics\":[\"a.b\",\"c\"],"
                               "\"pays\":[{\"sum\":2}]}");
}

static void test_raw_source_streams(void **state)
{
    (void)state;
    size_t at = 0;
    struct rac_body_source source = {read_slowly, -1, &at};
    struct rac_call_req req = raw("GET", "/query", NULL, NULL, NULL);
    req.source = &source;
    script(0, 200, NULL, NULL);
    start(req);
    assert_ptr_equal(w.source, &source); /* handed on, not read */
    assert_int_equal(at, 0);
}

static void test_cancel(void **state)
{
    (void)state;
    struct rac_call_req req = request("Query", NULL);
    w.call = rac_call_start(&req, &env, done, NULL); /* before the first step */
    rac_call_cancel(w.call);
    rac_call_free(w.call);
    w.call = NULL;
    run();
    assert_int_equal(w.done_n, 0);
    w.call = rac_call_start(&req, &env, done, NULL);
    w.queued_n--;
    w.queued[0](w.queued_arg[0]);
    assert_true(w.pending);
    rac_call_cancel(w.call);
    assert_true(w.cancelled);
    assert_int_equal(w.done_n, 0);
}

static void test_error_envelope(void **state)
{
    (void)state;
    start(request("Side", NULL));
    struct rac_json v = rac_call_error_json(&w.res->error, RAC_S("id-1"), &w.a);
    rac_str text = rac_json_print_str(&v, 0, &w.a);
    assert_str(text, "{\"error\":{\"code\":\"InvalidInput\",\"message\":\"parameter \\\"id\\\" is "
                     "required\",\"source\":\"raccord\",\"clientRequestId\":\"id-1\",\"details\":[{"
                     "\"code\":\"RC-RUN-01\",\"target\":\"/id\",\"message\":\"parameter \\\"id\\\" "
                     "is required\"}]}}");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answer),
        TEST(test_follow_where_an_argument_is_the_host),
        TEST(test_follow_sets_what_an_argument_was),
        TEST(test_secret_in_the_path),
        TEST(test_base_without_credentials),
        TEST(test_not_found),
        TEST(test_revoked_connection),
        TEST(test_response_policies),
        TEST(test_side_call),
        TEST(test_side_call_fails),
        TEST(test_redirects),
        TEST(test_redirect_loop),
        TEST(test_no_redirect_of_a_change),
        TEST(test_redirect_elsewhere),
        TEST(test_transport_errors),
        TEST(test_bad_json),
        TEST(test_unauthenticated_policy),
        TEST(test_script),
        TEST(test_next_link),
        TEST(test_follow),
        TEST(test_raw),
        TEST(test_raw_path),
        TEST(test_raw_dots),
        TEST(test_raw_source_for_a_policy),
        TEST(test_raw_source_streams),
        TEST(test_cancel),
        TEST(test_error_envelope),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
