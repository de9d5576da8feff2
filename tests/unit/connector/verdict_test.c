#include "test_arena.h"

#include "connector/verdict.h"

static const rac_ms now = 1700000000000; /* 2023-11-14T22:13:20Z */

static struct rac_headers headers(const char *name, const char *value)
{
    struct rac_headers h = {0};
    if (name != NULL)
        rac_headers_add(&h, &a, rac_str_of(name), rac_str_of(value));
    return h;
}

static struct rac_json json(const char *text)
{
    struct rac_json v;
    assert_int_equal(rac_json_parse(rac_str_of(text), &a, 0, &v, NULL), RAC_OK);
    return v;
}

static void test_retry_after(void **state)
{
    (void)state;
    assert_int_equal(rac_retry_after_ms(RAC_S("7"), now), 7000);
    assert_int_equal(rac_retry_after_ms(RAC_S(" 0 "), now), 0);
    assert_int_equal(rac_retry_after_ms(RAC_S("Tue, 14 Nov 2023 22:14:20 GMT"), now), 60000);
    assert_int_equal(rac_retry_after_ms(RAC_S("Tuesday, 14-Nov-23 22:14:20 GMT"), now), 60000);
    assert_int_equal(rac_retry_after_ms(RAC_S("Tue Nov 14 22:14:20 2023"), now), 60000);
    assert_int_equal(rac_retry_after_ms(RAC_S("Tue, 14 Nov 2023 22:13:19 GMT"), now), 0);
    assert_int_equal(rac_retry_after_ms(RAC_S("soon"), now), -1);
    assert_int_equal(rac_retry_after_ms(RAC_S("-1"), now), -1);
    assert_int_equal(rac_retry_after_ms(RAC_STR_NULL, now), -1);
    assert_true(rac_retry_after_ms(RAC_S("9223372036854775807"), now) == INT64_MAX);
}

static void test_wanted(void **state)
{
    (void)state;
    struct rac_retry_policy p = rac_retry_default();
    static const struct {
        int status;
        bool again;
    } cases[] = {{200, false}, {302, false}, {400, false}, {401, false},
                 {404, false}, {408, true},  {429, true},  {499, false},
                 {500, true},  {503, true},  {599, true},  {600, false}};
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_outcome o = {.status = cases[i].status};
        if (rac_retry_wanted(&p, &o) != cases[i].again)
            fail_msg("status %d", cases[i].status);
    }
    struct rac_outcome lost = {.transport_error = true};
    assert_true(rac_retry_wanted(&p, &lost));
    int more[] = {409};
    p.statuses = more;
    p.statuses_n = 1;
    struct rac_outcome conflict = {.status = 409};
    assert_true(rac_retry_wanted(&p, &conflict));
    p.type = RAC_RETRY_NONE;
    assert_false(rac_retry_wanted(&p, &lost));
}

static void test_delay(void **state)
{
    (void)state;
    struct rac_retry_policy p = rac_retry_default();
    struct rac_outcome o = {.status = 500};
    assert_int_equal(rac_retry_delay_ms(&p, 1, &o, now, 0), 5000); /* [max(0, 5 s), 7 s) */
    assert_int_equal(rac_retry_delay_ms(&p, 1, &o, now, 0.5), 6000);
    assert_int_equal(rac_retry_delay_ms(&p, 2, &o, now, 0), 7000); /* [7 s, 14 s) */
    assert_int_equal(rac_retry_delay_ms(&p, 4, &o, now, 0), 28000);
    assert_int_equal(rac_retry_delay_ms(&p, 5, &o, now, 0), -1);
    p.count = 90;
    assert_int_equal(rac_retry_delay_ms(&p, 90, &o, now, 0.99), 3600000); /* lo > hi: hi */
    p.type = RAC_RETRY_FIXED;
    p.interval_ms = 9000;
    assert_int_equal(rac_retry_delay_ms(&p, 3, &o, now, 0.9), 9000);

    struct rac_headers h = headers("Retry-After", "30");
    struct rac_outcome busy = {.status = 503, .headers = &h};
    assert_int_equal(rac_retry_delay_ms(&p, 1, &busy, now, 0), 30000);
    busy.status = 500; /* only 429 and 503 say when */
    assert_int_equal(rac_retry_delay_ms(&p, 1, &busy, now, 0), 9000);
    h = headers("Retry-After", "3");
    busy.status = 429;
    assert_int_equal(rac_retry_delay_ms(&p, 1, &busy, now, 0), 9000); /* smaller: ours */
    h = headers("Retry-After", "999999");
    assert_int_equal(rac_retry_delay_ms(&p, 1, &busy, now, 0), 3600000); /* capped */
    busy.status = 404;
    assert_int_equal(rac_retry_delay_ms(&p, 1, &busy, now, 0), -1);
}

static struct rac_poll poll_step(const char *method, const char *url, bool azure,
                                 const char *result, int status, struct rac_headers h,
                                 const char *body)
{
    struct rac_json v = body != NULL ? json(body) : rac_json_none;
    return rac_poll_verdict(rac_str_of(method), RAC_S("https://h.example/v1/start"),
                            rac_str_of(url), azure, rac_str_of(result), status, &h, &v, now, &a);
}

static void test_poll(void **state)
{
    (void)state;
    const char *start = "https://h.example/v1/start";
    struct rac_poll v = poll_step("POST", start, false, NULL, 200, headers(NULL, NULL), NULL);
    assert_int_equal(v.step, RAC_POLL_DONE);
    v = poll_step("POST", start, false, NULL, 202, headers(NULL, NULL), NULL);
    assert_int_equal(v.step, RAC_POLL_DONE); /* 202 alone */
    v = poll_step("POST", start, false, NULL, 202, headers("Location", "jobs/7?x=1"), NULL);
    assert_int_equal(v.step, RAC_POLL_AGAIN);
    assert_str(v.url, "https://h.example/v1/jobs/7?x=1");
    assert_int_equal(v.delay_ms, 20000); /* the default */
    struct rac_headers h = headers("Location", "https://other.example/j");
    rac_headers_add(&h, &a, RAC_S("retry-after"), RAC_S("0"));
    v = poll_step("POST", start, false, NULL, 202, h, NULL);
    assert_int_equal(v.delay_ms, 1000); /* at least a second */
    v = poll_step("POST", "https://h.example/v1/jobs/7", false, NULL, 202, headers(NULL, NULL),
                  NULL);
    assert_int_equal(v.step, RAC_POLL_AGAIN); /* the old Location holds */
    assert_str(v.url, "https://h.example/v1/jobs/7");
    v = poll_step("POST", start, false, NULL, 202, headers("Location", "file:///etc/passwd"), NULL);
    assert_int_equal(v.step, RAC_POLL_DONE);
}

static void test_poll_azure(void **state)
{
    (void)state;
    const char *start = "https://h.example/v1/start", *op = "https://h.example/op/1";
    struct rac_poll v =
        poll_step("PUT", start, false, NULL, 201, headers("Azure-AsyncOperation", op), NULL);
    assert_int_equal(v.step, RAC_POLL_AGAIN);
    assert_true(v.azure);
    assert_str(v.url, op);
    v = poll_step("PUT", op, true, NULL, 200, headers(NULL, NULL), "{\"status\":\"InProgress\"}");
    assert_int_equal(v.step, RAC_POLL_AGAIN);
    assert_str(v.url, op);
    v = poll_step("PUT", op, true, NULL, 200, headers(NULL, NULL), "{\"status\":\"Succeeded\"}");
    assert_int_equal(v.step, RAC_POLL_FETCH);
    assert_str(v.url, start); /* PUT and PATCH: the original */
    v = poll_step("POST", op, true, "https://h.example/r", 200, headers(NULL, NULL),
                  "{\"status\":\"Succeeded\"}");
    assert_int_equal(v.step, RAC_POLL_FETCH);
    assert_str(v.url, "https://h.example/r");
    v = poll_step("POST", op, true, NULL, 200, headers(NULL, NULL), "{\"status\":\"Succeeded\"}");
    assert_int_equal(v.step, RAC_POLL_DONE);
    v = poll_step("POST", op, true, NULL, 200, headers(NULL, NULL), "{\"status\":\"Canceled\"}");
    assert_int_equal(v.step, RAC_POLL_FAILED);
    v = poll_step("POST", op, true, NULL, 200, headers(NULL, NULL),
                  "{}"); /* no status, 200: done */
    assert_int_equal(v.step, RAC_POLL_DONE);
}

static void test_pages(void **state)
{
    (void)state;
    rac_str url = RAC_S("https://h.example/v1/list?p=1");
    struct rac_json v = json("{\"@odata.nextLink\":\"?p=2\",\"next\":\"/n\",\"value\":[1,2]}");
    assert_str(rac_next_page(&v, RAC_STR_NULL, url, &a), "https://h.example/v1/list?p=2");
    assert_str(rac_next_page(&v, RAC_S("next"), url, &a), "https://h.example/n");
    assert_null(rac_next_page(&v, RAC_S("nope"), url, &a).p);
    assert_int_equal(rac_json_len(rac_page_items(&v)), 2);
    v = json("{\"nextLink\":\"\",\"a\":1,\"rows\":[1]}");
    assert_null(rac_next_page(&v, RAC_STR_NULL, url, &a).p);
    assert_int_equal(rac_json_len(rac_page_items(&v)), 1);
    v = json("{\"nextLink\":\"https://h.example/v1/list?p=1\"}"); /* its own next page */
    assert_null(rac_next_page(&v, RAC_STR_NULL, url, &a).p);
    v = json("{\"nextLink\":\"javascript:alert(1)\"}");
    assert_null(rac_next_page(&v, RAC_STR_NULL, url, &a).p);
    v = json("{\"a\":[1],\"b\":[2]}");
    assert_null(rac_page_items(&v));
    v = json("[1,2,3]");
    assert_int_equal(rac_json_len(rac_page_items(&v)), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_after), cmocka_unit_test(test_wanted),
        cmocka_unit_test(test_delay),       cmocka_unit_test(test_poll),
        cmocka_unit_test(test_poll_azure),  cmocka_unit_test(test_pages),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
