/* Definitions made to cost: what reading them takes grows with their size, not with its square.
 * Where a square shows in memory, a small arena is the measure; else processor time, with a bound
 * that a square misses by far. */
#include "fixture.h"
#include "test_arena.h"

#include <time.h>

#include "base/buf.h"
#include "base/env.h"
#include "connector/auth_priv.h"
#include "connector/call.h"
#include "text/zip.h"

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* "PpPpP...": n times p. */
static rac_str times(size_t n, const char *p)
{
    struct rac_buf b;
    rac_buf_init(&b, 64 << 20);
    for (size_t i = 0; i < n; i++)
        rac_buf_add(&b, rac_str_of(p));
    rac_str out = rac_buf_take(&b, &a);
    rac_buf_fini(&b);
    return out;
}

static const struct rac_json *oauth(rac_str members)
{
    struct rac_json *v = RAC_NEW(&a, struct rac_json);
    rac_str text = rac_arena_printf(&a, "{\"identityProvider\":\"oauth2\",\"clientId\":\"c\",%.*s}",
                                    RAC_FMT(members));
    assert_int_equal(rac_json_parse(text, &a, RAC_JSON_COPY, v, NULL), RAC_OK);
    return v;
}

static const struct rac_oauth_settings *settings(const struct rac_json *v, struct rac_arena *in)
{
    return rac_oauth_settings_parse(v, NULL, RAC_S("token"), RAC_S(""), in, NULL);
}

static void test_scopes(void **state)
{
    (void)state;
    struct rac_arena small;
    rac_arena_init(&small, 4 << 20);
    const struct rac_json *v =
        oauth(rac_arena_printf(&a, "\"scopes\":[%.*s\"z\"]",
                               RAC_FMT(times(1000, "\"a scope of some length, like {Code}\","))));
    struct rac_oauth_vars vars = {.settings = settings(v, &small), .code = RAC_S("c")};
    rac_str scopes = rac_oauth_scopes(&vars, &small);
    assert_false(rac_arena_over(&small));
    assert_true(rac_str_starts(scopes, RAC_S("a scope of some length, like c a scope")));
    assert_true(rac_str_ends(scopes, RAC_S(" z")));
    rac_arena_fini(&small);
}

static void test_parameters_in_a_template(void **state)
{
    (void)state;
    struct rac_arena small;
    rac_arena_init(&small, 4 << 20);
    rac_str text = times(4000, "x@connectionParameters('a', 'b')");
    const struct rac_json *v = oauth(rac_arena_printf(
        &a, "\"customParameters\":{\"tokenUrl\":{\"value\":\"%.*s@ConnectionParameters('\"}}",
        RAC_FMT(text)));
    const struct rac_oauth_settings *s = settings(v, &small);
    assert_false(rac_arena_over(&small));
    assert_true(rac_str_starts(s->token_url.text, RAC_S("x{a}x{a}x{a}")));
    assert_true(rac_str_ends(s->token_url.text, RAC_S("{a}@ConnectionParameters('")));
    rac_arena_fini(&small);
}

static void test_variables(void **state)
{
    (void)state;
    static const struct rac_oauth_settings none;
    struct rac_oauth_vars vars = {.settings = &none, .code = RAC_S("c")};
    struct rac_oauth_template t = {
        .text = rac_str_concat(&a, times(200000, "x"), times(300000, "{b}"))};
    double start = cpu_s();
    assert_int_equal(rac_oauth_expand_url(&t, &vars, &a).n, 200000);
    assert_true(cpu_s() - start < 0.5 * RAC_UNIT_SLOWER);
    struct rac_buf b; /* more names than anybody has: no text, rather than a slow one */
    rac_buf_init(&b, 1 << 20);
    for (int i = 0; i < 100; i++)
        rac_buf_printf(&b, "{v%d}", i);
    t.text = rac_buf_take(&b, &a);
    rac_buf_fini(&b);
    t.text = rac_str_concat(&a, RAC_S("x"), t.text);
    assert_int_equal(rac_oauth_expand_url(&t, &vars, &a).n, 0);
}

static void test_custom_parameters(void **state)
{
    (void)state;
    struct rac_buf b;
    rac_buf_init(&b, 64 << 20);
    rac_buf_printf(&b, "\"customParameters\":{");
    for (int i = 0; i < 40000; i++)
        rac_buf_printf(&b, "\"name%05d\":{\"value\":\"v\"},", i);
    rac_buf_printf(&b, "\"z\":1}");
    const struct rac_json *v = oauth(rac_buf_take(&b, &a));
    rac_buf_fini(&b);
    double start = cpu_s();
    const struct rac_oauth_settings *s = settings(v, &a);
    assert_true(cpu_s() - start < 0.5 * RAC_UNIT_SLOWER);
    assert_int_equal(s->extras_n, 256);
    assert_str(s->extras[1].name, "name00001");
}

/* The same name in one folder in many spellings, each file equal to the others up to its end. */
static void test_archive(void **state)
{
    (void)state;
    enum { N = 1500, BYTES = 32 << 10 };
    struct rac_zip_entry *v = RAC_NEW_N(&a, struct rac_zip_entry, N);
    struct rac_buf zip;
    rac_buf_init(&zip, 64 << 20);
    for (unsigned i = 0; i < N; i++) {
        char name[] = "abcdefghijkl_openapidefinition.json", *bytes = rac_arena_alloc(&a, BYTES);
        for (unsigned k = 0; k < 12; k++)
            name[k] = (char)(i >> k & 1 ? name[k] - 'a' + 'A' : name[k]);
        memset(bytes, ' ', BYTES);
        memcpy(bytes + BYTES - sizeof i, &i, sizeof i);
        v[i] = (struct rac_zip_entry){rac_arena_str(&a, rac_str_of(name)), {bytes, BYTES}};
    }
    assert_int_equal(rac_zip_write(v, N, &zip), RAC_OK);
    struct rac_package *p;
    struct rac_diags d;
    rac_diags_init(&d, &a, 10);
    double start = cpu_s();
    assert_int_equal(rac_package_load_bytes(rac_buf_str(&zip), RAC_S("a.zip"), 1 << 20, &a, &p, &d),
                     RAC_E_INVALID);
    assert_true(cpu_s() - start < 1.0 * RAC_UNIT_SLOWER);
    assert_true(rac_str_find(d.v[0].message, RAC_S("holds 1500 connectors")) != RAC_STR_NPOS);
    rac_buf_fini(&zip);
}

/* --- values ----------------------------------------------------------------------------------- */

static const char head[] = "{\"swagger\":\"2.0\",\"info\":{\"title\":\"t\",\"version\":\"1\"},"
                           "\"host\":\"a.example\",\"paths\":{\"/o"
                           "p\":{\"post\":{\"operationId\":\"Op\",\"parameters\":[{\"name\":\"b\","
                           "\"in\":\"body\",\"required\":true,"
                           "\"schema\":{\"$ref\":\"#/definitions/"
                           "d%d\"}}],\"responses\":{\"200\":{\"description\":\"d\"}}}}},"
                           "\"definitions\":{";

static enum rac_call_code built(struct rac_buf *definition, const struct rac_json *args,
                                struct rac_request *r)
{
    struct rac_connector *c =
        fixture_compile(rac_arena_cstr(&a, rac_buf_str(definition)), "{\"properties\":{}}");
    struct rac_call_req req = {.connector = c,
                               .operation_id = RAC_S("Op"),
                               .parameters = args,
                               .lenient_connection = true};
    struct rac_call_error e;
    enum rac_call_code code = rac_call_build(&req, &rac_env_system, &a, r, &e, NULL);
    rac_buf_fini(definition);
    rac_connector_unref(c);
    return code;
}

/* Every object of forty levels has the one below twice, and all are made of defaults. */
static void test_defaults_that_multiply(void **state)
{
    (void)state;
    struct rac_buf b;
    struct rac_request r;
    rac_buf_init(&b, 1 << 20);
    rac_buf_printf(&b, head, 40);
    rac_buf_printf(&b, "\"d0\":{\"type\":\"string\",\"default\":\"x\"}");
    for (int i = 1; i <= 40; i++)
        rac_buf_printf(
            &b,
            ",\"d%d\":{\"type\":\"object\",\"required\":[\"p\",\"q\"],\"properties\":{\"p\""
            ":{\"$ref\":\"#/definitions/d%d\"},\"q\":{\"$ref\":\"#/definitions/d%d\"}}}",
            i, i - 1, i - 1);
    rac_buf_printf(&b, "}}");
    double start = cpu_s();
    assert_int_equal(built(&b, NULL, &r), RAC_CALL_INVALID_INPUT);
    assert_true(cpu_s() - start < 1.0 * RAC_UNIT_SLOWER);
    a.over = false;
}

static void test_read_only_properties(void **state)
{
    (void)state;
    struct rac_buf b;
    struct rac_request r;
    struct rac_json args = rac_json_new_object(&a), body = rac_json_new_object(&a);
    rac_buf_init(&b, 16 << 20);
    rac_buf_printf(&b, head, 0);
    rac_buf_printf(&b,
                   "\"d0\":{\"type\":\"object\",\"properties\":{\"kept\":{\"type\":\"string\"}");
    RAC_JSON_PUT_STR(&a, &body, "kept", RAC_S("k"));
    for (int i = 0; i < 20000; i++) {
        rac_buf_printf(&b, ",\"p%d\":{\"type\":\"string\",\"readOnly\":true}", i);
        rac_json_put(&a, &body, rac_arena_printf(&a, "p%d", i), rac_json_of_str(RAC_S("v")));
    }
    RAC_JSON_PUT_STR(&a, &body, "more", RAC_S("m"));
    RAC_JSON_PUT(&a, &args, "b", body);
    rac_buf_printf(&b, "}}}}");
    double start = cpu_s();
    assert_int_equal(built(&b, &args, &r), RAC_CALL_NONE);
    assert_true(cpu_s() - start < 1.0 * RAC_UNIT_SLOWER);
    assert_str(rac_json_print_str(&r.body.json, 0, &a), "{\"kept\":\"k\",\"more\":\"m\"}");
    assert_int_equal(rac_json_len(&body), 20002); /* the caller's is as it was */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_scopes),
        TEST(test_parameters_in_a_template),
        TEST(test_variables),
        TEST(test_custom_parameters),
        TEST(test_archive),
        TEST(test_defaults_that_multiply),
        TEST(test_read_only_properties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
