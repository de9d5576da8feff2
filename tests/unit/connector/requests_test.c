/* Binding and policies: every line of tests/data/connectors/NAME.requests.jsonl against a dry run
 * of the connector NAME. A line is {why, operationId, parameters, connection?, request | error};
 * headers that every request has (User-Agent, x-ms-client-request-id) are left out of the
 * comparison. */
#include "fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/env.h"
#include "connector/call.h"
#include "connector/connection.h"

static rac_str file_text(const char *path, struct rac_arena *a)
{
    size_t cap = 1 << 20, n = 0;
    char *p = rac_arena_alloc(a, cap);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    for (ssize_t got; (got = read(fd, p + n, cap - n)) > 0;)
        n += (size_t)got;
    close(fd);
    return (rac_str){p, n};
}

static void check_error(rac_str why, const struct rac_json *want, const struct rac_call_error *e,
                        enum rac_call_code code)
{
    if (code == RAC_CALL_NONE)
        fail_msg("%.*s: built, but should be refused", RAC_FMT(why));
    rac_str word = rac_json_str(RAC_JSON_GET(want, "code"), RAC_S(""));
    if (!rac_str_eq(rac_str_of(rac_call_code_word(code)), word))
        fail_msg("%.*s: code %s: %.*s", RAC_FMT(why), rac_call_code_word(code),
                 RAC_FMT(e->message));
    rac_str detail = rac_json_str(RAC_JSON_GET(want, "detail"), RAC_STR_NULL);
    if (detail.p != NULL && !rac_str_eq(rac_str_of(e->detail), detail))
        fail_msg("%.*s: detail %s", RAC_FMT(why), e->detail ? e->detail : "(none)");
    rac_str pointer = rac_json_str(RAC_JSON_GET(want, "pointer"), RAC_STR_NULL);
    if (pointer.p != NULL && !rac_str_eq(e->pointer, pointer))
        fail_msg("%.*s: pointer %.*s", RAC_FMT(why), RAC_FMT(e->pointer));
    rac_str message = rac_json_str(RAC_JSON_GET(want, "message"), RAC_STR_NULL);
    if (message.p != NULL && rac_str_find(e->message, message) == RAC_STR_NPOS)
        fail_msg("%.*s: message %.*s", RAC_FMT(why), RAC_FMT(e->message));
    assert_true(e->message.n > 0);
    assert_int_equal(e->http_status, rac_call_code_http(code));
}

static void check_line(struct rac_connector *c, const struct rac_json *line, struct rac_arena *a)
{
    rac_str why = rac_json_str(RAC_JSON_GET(line, "why"), RAC_S("?"));
    struct rac_connection *connection = NULL;
    struct rac_diags d;
    rac_diags_init(&d, a, 10);
    if (RAC_JSON_GET(line, "connection") != NULL &&
        rac_connection_make(c, RAC_JSON_GET(line, "connection"), RAC_CONNECTION_PARTIAL, 0, a,
                            &connection, &d) != RAC_OK)
        fail_msg("%.*s: connection: %.*s", RAC_FMT(why), RAC_FMT(d.v[0].message));
    const struct rac_json *secrets = RAC_JSON_GET(line, "showSecrets");
    bool masked = !rac_json_bool(secrets, false);
    struct rac_call_req req = {
        .connector = c,
        .connection = connection,
        .operation_id = rac_json_str(RAC_JSON_GET(line, "operationId"), RAC_S("")),
        .parameters = RAC_JSON_GET(line, "parameters"),
        .mask_secrets = masked,
        .lenient_connection = RAC_JSON_GET(line, "strict") == NULL,
    };
    struct rac_request r;
    struct rac_call_error e = {0};
    enum rac_call_code code = rac_call_build(&req, &rac_env_system, a, &r, &e, &d);
    const struct rac_json *want = RAC_JSON_GET(line, "error");
    if (want != NULL) {
        check_error(why, want, &e, code);
        return;
    }
    if (code != RAC_CALL_NONE)
        fail_msg("%.*s: refused: %.*s", RAC_FMT(why), RAC_FMT(e.message));
    struct rac_json got = rac_request_json(&r, masked, a);
    struct rac_json *headers = RAC_JSON_GET(&got, "headers");
    assert_true(rac_json_del(headers, RAC_S("User-Agent")));
    assert_true(rac_json_del(headers, RAC_S("x-ms-client-request-id")));
    want = RAC_JSON_GET(line, "request");
    if (!rac_json_equal(&got, want)) {
        rac_str g = rac_json_print_str(&got, 0, a), w = rac_json_print_str(want, 0, a);
        fail_msg("%.*s:\n got %.*s\nwant %.*s", RAC_FMT(why), RAC_FMT(g), RAC_FMT(w));
    }
}

static void run_file(const char *name)
{
    struct rac_arena a, line_arena;
    char path[256];
    rac_arena_init(&a, 64 << 20);
    rac_arena_init(&line_arena, 64 << 20);
    snprintf(path, sizeof path, "tests/data/connectors/%s", name);
    struct rac_connector *c = fixture_load(path);
    snprintf(path, sizeof path, "tests/data/connectors/%s.requests.jsonl", name);
    rac_str text = file_text(path, &a);
    size_t lines = 0;
    while (text.p != NULL) {
        rac_str line = rac_str_trim(rac_str_cut(text, '\n', &text));
        struct rac_json v;
        struct rac_json_error where;
        if (line.n == 0)
            continue;
        if (rac_json_parse(line, &a, 0, &v, &where) != RAC_OK)
            fail_msg("%s: line %zu: %s", path, lines + 1, where.message);
        check_line(c, &v, &line_arena);
        rac_arena_reset(&line_arena);
        lines++;
    }
    assert_true(lines > 10);
    rac_connector_unref(c);
    rac_arena_fini(&line_arena);
    rac_arena_fini(&a);
}

static void test_harbour(void **state)
{
    (void)state;
    run_file("harbour");
}

static void test_pilot(void **state)
{
    (void)state;
    run_file("pilot");
}

/* Media types go into headers: those that would end the line are none. */
static void test_media_types(void **state)
{
    (void)state;
    struct rac_connector *c = fixture_compile(
        "{\"swagger\":\"2.0\",\"info\":{\"title\":\"T\",\"version\":\"1\"},\"host\":\"h.example\","
        "\"paths\":{\"/x\":{\"post\":{\"operationId\":\"X\","
        "\"produces\":[\"a/b\\rX-Evil: 1\",\"text/plain\",\"c/d\\r\\nX-Evil: 1\",\"e/f\\u0000\"],"
        "\"consumes\":[\"application/json\\rX-Evil: 1\",\"application/vnd.own+json\"],"
        "\"parameters\":[{\"name\":\"b\",\"in\":\"body\",\"schema\":{\"type\":\"object\"}}],"
        "\"responses\":{\"200\":{\"description\":\"ok\"}}}}}}",
        NULL);
    struct rac_arena a;
    struct rac_json v;
    struct rac_request r;
    struct rac_call_error e = {0};
    struct rac_diags d;
    rac_arena_init(&a, 1 << 20);
    rac_diags_init(&d, &a, 10);
    assert_int_equal(rac_json_parse(RAC_S("{\"b\":{\"k\":1}}"), &a, 0, &v, NULL), RAC_OK);
    struct rac_call_req req = {.connector = c, .operation_id = RAC_S("X"), .parameters = &v};
    assert_int_equal(rac_call_build(&req, &rac_env_system, &a, &r, &e, &d), RAC_CALL_NONE);
    struct rac_json got = rac_request_json(&r, true, &a);
    const struct rac_json *headers = RAC_JSON_GET(&got, "headers");
    assert_str(rac_json_str(RAC_JSON_GET(headers, "Accept"), RAC_S("")), "text/plain");
    assert_str(rac_json_str(RAC_JSON_GET(headers, "Content-Type"), RAC_S("")),
               "application/vnd.own+json");
    rac_connector_unref(c);
    rac_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_harbour),
        cmocka_unit_test(test_pilot),
        cmocka_unit_test(test_media_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
