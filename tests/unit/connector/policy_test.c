/* Policies that put values into addresses: which hosts a value can choose, and that a secret among
 * the values shows nowhere. A dry run of one operation under one policy each. */
#include "fixture.h"

#include "base/env.h"
#include "connector/call.h"
#include "connector/connection.h"
#include "connector/policy_priv.h"

#define OP                                                                                         \
    "{\"operationId\":\"Op\",\"parameters\":[{\"name\":\"q\",\"in\":\"query\",\"type\":\"string\"" \
    "},{\"name\":\"h\",\"in\":\"header\",\"type\":\"string\"},{\"name\":\"body\",\"in\":\"body\"," \
    "\"schema\":{\"type\":\"object\"}}],\"responses\":{\"200\":{\"description\":\"d\"}}}"

static const char definition[] =
    "{\"swagger\":\"2.0\",\"info\":{\"title\":\"t\",\"version\":\"1\"},\"host\":\"a.example\","
    "\"basePath\":\"/v1\",\"securityDefinitions\":{\"k\":{\"type\":\"apiKey\",\"in\":\"header\","
    "\"name\":\"X-Key\"}},\"security\":[{\"k\":[]}],\"paths\":{\"/op\":{\"post\":" OP "}}}";

static struct rac_arena a;
static struct rac_connector *made[1024]; /* requests borrow from theirs */
static size_t made_n;

static struct rac_connector *connector(const char *policy, const char *parameters)
{
    rac_str text = rac_arena_printf(
        &a,
        "{\"properties\":{\"connectionParameters\":{\"api_key\":{\"type\":\"securestring\"},"
        "\"part\":{\"type\":\"string\"}},\"policyTemplateInstances\":[{\"templateId\":\"%s\","
        "\"title\":\"the policy\",\"parameters\":{%s}}]}}",
        policy, parameters);
    assert_true(made_n < RAC_COUNT(made));
    return made[made_n++] = fixture_compile(definition, rac_arena_cstr(&a, text));
}

static rac_str parameter(const char *name, const char *value)
{
    struct rac_json v = rac_json_of_str(rac_str_of(value));
    return rac_arena_printf(&a, "\"x-ms-apimTemplateParameter.%s\":%.*s", name,
                            RAC_FMT(rac_json_print_str(&v, 0, &a)));
}

struct built {
    enum rac_call_code code;
    struct rac_call_error e;
    struct rac_request r;
};

/* q and h are arguments, part and api_key values of the connection; NULL: not given. */
static struct built build(struct rac_connector *c, const char *q, const char *part, const char *key,
                          bool lenient)
{
    struct built m = {0};
    struct rac_json args = rac_json_new_object(&a), values = rac_json_new_object(&a);
    struct rac_connection *connection;
    if (q != NULL) {
        RAC_JSON_PUT_STR(&a, &args, "q", rac_str_of(q));
        RAC_JSON_PUT_STR(&a, &args, "h", rac_str_of(q));
    }
    if (part != NULL)
        RAC_JSON_PUT_STR(&a, &values, "part", rac_str_of(part));
    if (key != NULL)
        RAC_JSON_PUT_STR(&a, &values, "api_key", rac_str_of(key));
    assert_int_equal(
        rac_connection_make(c, &values, RAC_CONNECTION_PARTIAL, 0, &a, &connection, NULL), RAC_OK);
    struct rac_call_req req = {.connector = c,
                               .connection = connection,
                               .operation_id = RAC_S("Op"),
                               .parameters = &args,
                               .lenient_connection = lenient};
    m.code = rac_call_build(&req, &rac_env_system, &a, &m.r, &m.e, NULL);
    return m;
}

static int setup(void **state)
{
    (void)state;
    rac_arena_init(&a, 64 << 20);
    return 0;
}
static int teardown(void **state)
{
    (void)state;
    while (made_n > 0)
        rac_connector_unref(made[--made_n]);
    rac_arena_fini(&a);
    return 0;
}

/* --- hosts ------------------------------------------------------------------------------------ */

static struct built host(const char *url, const char *value, bool argument)
{
    struct rac_connector *c =
        connector("dynamichosturl", rac_arena_cstr(&a, parameter("urlTemplate", url)));
    return build(c, argument ? value : NULL, argument ? NULL : value, NULL, true);
}

static void test_hosts_that_work(void **state)
{
    (void)state;
    static const struct {
        const char *url, *value, *want;
    } cases[] = {
        {"@connectionParameters('part')", "https://x.example", "https://x.example/v1/op"},
        {"@connectionParameters('part')", "http://x.example:81/b/", "http://x.example:81/b/op"},
        {"@connectionParameters('part')", "x.example", "https://x.example/v1/op"},
        {"https://@connectionParameters('part')", "https://x.example/b", "https://x.example/b/op"},
        {"https://@connectionParameters('part')", "http://x.example", "http://x.example/v1/op"},
        {"https://@connectionParameters('part')/api", "x.example:8443",
         "https://x.example:8443/api/op"},
        {"@connectionParameters('part')/api", "https://x.example/b", "https://x.example/b/api/op"},
        {"https://@connectionParameters('part')/@connectionParameters('none','')", "x.example",
         "https://x.example/v1/op"},
        {"https://@connectionParameters('part','n').x.example", "", "https://n.x.example/v1/op"},
        {"https://@connectionParameters('part').x.example/b", "north",
         "https://north.x.example/b/op"},
        {"https://@connectionParameters('part').x.example", "https://north",
         "https://north.x.example/v1/op"},
        {"https://@connectionParameters('part').x.example", "http://north",
         "https://north.x.example/v1/op"},
        {"https://mail.x@connectionParameters('part')", ".example", "https://mail.x.example/v1/op"},
        {"https://mail.x@connectionParameters('part')/", ".co.example",
         "https://mail.x.co.example/v1/op"},
        {"https://p-@connectionParameters('part').x.example", "1", "https://p-1.x.example/v1/op"},
        {"https://@connectionParameters('part').@connectionParameters('part').x.example", "n",
         "https://n.n.x.example/v1/op"},
        {"https://x.example/@connectionParameters('part')/b", "t/1 #?",
         "https://x.example/t/1%20%23"},
        {"https://x.example/@connectionParameters('part')", "http://y.example/",
         "https://x.example/http://y.example/op"},
        {"https://x.example", "", "https://x.example/v1/op"},
        {"http@{connectionParameters('none','s')}://@{connectionParameters('part')}.x.example/b",
         "north", "https://north.x.example/b/op"},
        {"@{connectionParameters('none','http')}://@{connectionParameters('part')}", "x.example",
         "http://x.example/v1/op"},
        {"@connectionParameters('part')", "http://[::1]:81", "http://[::1]:81/v1/op"},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct built m = host(cases[i].url, cases[i].value, false);
        if (m.code != RAC_CALL_NONE)
            fail_msg("%s of %s: %.*s", cases[i].url, cases[i].value, RAC_FMT(m.e.message));
        rac_str got = rac_request_url(&m.r, false);
        if (!rac_str_starts(got, rac_str_of(cases[i].want)))
            fail_msg("%s of %s: %.*s", cases[i].url, cases[i].value, RAC_FMT(got));
    }
}

/* What is only a part of the host cannot become another host. */
static void test_parts_stay_parts(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "https://%s.x.example",
        "https://%s.x.example/b",
        "https://mail.x%s",
        "https://mail.x%s/",
        "https://p-%s.x.example",
        "https://%s%s.x.example",
        "%s.x.example",
        "https://@{%s}:443/b",
        "http@{connectionParameters('none','s')}://@{%s}.x.example",
    };
    static const char *const values[] = {"evil.example/",      "evil.example?",  "evil.example#",
                                         "evil.example\\",     "u@evil.example", "evil.example%2F",
                                         "https://e.example/", "a\tb",           "\x7f"};
    for (size_t i = 0; i < RAC_COUNT(urls); i++)
        for (size_t k = 0; k < RAC_COUNT(values); k++)
            for (int argument = 0; argument < 3; argument++) {
                static const char *const from[] = {"connectionParameters('part')",
                                                   "queryParameters('q')", "headers('h')"};
                bool braces = rac_str_find(rac_str_of(urls[i]), RAC_S("@{")) != RAC_STR_NPOS;
                rac_str value = rac_arena_printf(&a, "%s%s", braces ? "" : "@", from[argument]);
                rac_str url = rac_str_replace(&a, rac_str_of(urls[i]), RAC_S("%s"), value);
                struct built m = host(rac_arena_cstr(&a, url), values[k], argument > 0);
                if (argument == 2 && values[k][1] == '\t') /* no header of that value is made */
                    continue;
                if (m.code != RAC_CALL_POLICY_FAILED)
                    fail_msg("%.*s of %s is let through", RAC_FMT(url), values[k]);
                rac_str said = m.e.message; /* policy, parameter and rule; not the value */
                assert_true(rac_str_find(said, RAC_S("\"the policy\"")) != RAC_STR_NPOS);
                assert_true(rac_str_find(said, rac_str_of(from[argument])) != RAC_STR_NPOS);
                assert_true(rac_str_find(said, RAC_S("must not hold / ? # \\ @ %")) !=
                            RAC_STR_NPOS);
                assert_true(rac_str_find(said, RAC_S("evil")) == RAC_STR_NPOS);
            }
}

static void test_whole_hosts_that_are_none(void **state)
{
    (void)state;
    static const char *const values[] = {
        "u@x.example", "x.example\\@y.example", "ftp://x.example", "x.example%2F",
        "a b",         "x.example:80.y.example"};
    struct rac_connector *c = connector(
        "dynamichosturl", rac_arena_cstr(&a, parameter("urlTemplate", "@queryParameters('q')")));
    for (size_t i = 0; i < RAC_COUNT(values); i++) {
        struct built m = build(c, values[i], NULL, NULL, false);
        if (m.code != RAC_CALL_POLICY_FAILED)
            fail_msg("%s is let through", values[i]);
    }
}

/* --- secrets ---------------------------------------------------------------------------------- */

/* A secret in host, path or query is sent, and is not in what people see. */
static void test_secrets_are_masked(void **state)
{
    (void)state;
    static const struct {
        const char *policy, *name, *value, *sent, *shown;
    } cases[] = {
        {"dynamichosturl", "urlTemplate", "https://@connectionParameters('api_key').x.example/b",
         "https://tops3cret.x.example/b/op?q=1", "https://***.x.example/b/op?q=1"},
        {"dynamichosturl", "urlTemplate", "https://x.example/@connectionParameters('api_key')/b",
         "https://x.example/tops3cret/b/op?q=1", "https://x.example/***/b/op?q=1"},
        {"dynamichosturl", "urlTemplate", "https://x.example/b?t=@connectionParameters('api_key')",
         "https://x.example/b/op?q=1&t=tops3cret", "https://x.example/b/op?q=1&t=***"},
        {"routerequesttoendpoint", "newPath", "/bot@connectionParameters('api_key')/send",
         "https://a.example/v1/bottops3cret/send?q=1", "https://a.example/v1/bot***/send?q=1"},
        {"routerequesttoendpoint", "newPath", "/x?o=1&key=@connectionParameters('api_key')",
         "https://a.example/v1/x?q=1&o=1&key=tops3cret", "https://a.example/v1/x?q=1&o=1&key=***"},
        {"routerequesttoendpoint", "newPath", "/x/@headers('X-Key')",
         "https://a.example/v1/x/tops3cret?q=1", "https://a.example/v1/x/***?q=1"},
        {"setqueryparameter", "name\":\"k\",\"x-ms-apimTemplateParameter.value",
         "@headers('X-Key')", "https://a.example/v1/op?q=1&k=tops3cret",
         "https://a.example/v1/op?q=1&k=***"},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_connector *c = connector(
            cases[i].policy, rac_arena_cstr(&a, parameter(cases[i].name, cases[i].value)));
        struct built m = build(c, "1", NULL, "tops3cret", false);
        if (m.code != RAC_CALL_NONE)
            fail_msg("%s: %.*s", cases[i].value, RAC_FMT(m.e.message));
        assert_str(rac_request_url(&m.r, false), cases[i].sent);
        assert_str(rac_request_url(&m.r, true), cases[i].shown);
    }
}

/* --- values that are JSON text --------------------------------------------------------------- */

/* Whether an expression stands inside a string is known from all the text before it. */
static void test_json_values(void **state)
{
    (void)state;
    static const char body[] =
        "{\"s\":\"a \\\"b\\\" \\\\ c\",\"n\":5,\"o\":{\"x\":\"y\"},\"q\":\"\\\"\",\"it's\":1}";
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"[{@body().s}]", "[\"a \\\"b\\\" \\\\ c\"]"},
        {"{\"k\":{@body().o},\"n\":{@body().n}}", "{\"k\":{\"x\":\"y\"},\"n\":5}"},
        {"{\"k\":\"{@body().s}\"}", "{\"k\":\"a \\\"b\\\" \\\\ c\"}"},
        {"{\"k\":\"Mr {@body().s}\"}", "{\"k\":\"Mr a \\\"b\\\" \\\\ c\"}"},
        {"{\"k\":\"{@body().n}{@body().q} {@body().o}\"}",
         "{\"k\":\"5\\\" {\\\"x\\\":\\\"y\\\"}\"}"},
        {"{\"k\":\"\\\"{@body().q}\\\"\"}", "{\"k\":\"\\\"\\\"\\\"\"}"},
        {"{\"k\":\"\\\\\",\"l\":{@body().q}}", "{\"k\":\"\\\\\",\"l\":\"\\\"\"}"},
        {"[\"\\\\\\\"\", {@body().q}, \"{@body().q}\"]", "[\"\\\\\\\"\",\"\\\"\",\"\\\"\"]"},
        {"[{@body()['it''s']}, \"{@body()[\"it's\"]}\"]", "[1,\"1\"]"},
        {"{\"{@body().o.x}\":\"{@body().none}\",\"z\":{@body().none}}", "{\"y\":\"\",\"z\":null}"},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_json v, got;
        struct rac_request r;
        rac_str why = RAC_STR_NULL, warning = RAC_STR_NULL;
        rac_request_init(&r, &a);
        assert_int_equal(rac_json_parse(rac_str_of(body), &a, 0, &v, NULL), RAC_OK);
        const struct rac_template *t =
            rac_template_compile(rac_str_of(cases[i].value), 0, &a, &why, &warning);
        if (t == NULL)
            fail_msg("%s: %.*s", cases[i].value, RAC_FMT(why));
        struct rac_scope scope = {.a = &a, .request = &r, .body = &v};
        got = rac_template_value(t, &scope);
        assert_str(rac_json_print_str(&got, 0, &a), cases[i].want);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hosts_that_work),
        TEST(test_parts_stay_parts),
        TEST(test_whole_hosts_that_are_none),
        TEST(test_secrets_are_masked),
        TEST(test_json_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
