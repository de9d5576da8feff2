#include "quoted.h"

#include "workflow/definition/http_status.h"
#include "workflow/definition/retry.h"

static struct rac_retry_policy policy(const char *text, bool stateless, bool consumption)
{
    struct rac_retry_policy p;
    struct rac_retry_options o = {.stateless = stateless, .consumption = consumption};
    struct rac_json v = json(text);
    if (rac_retry_parse(&o, &v, RAC_S(""), &a, &p, NULL) != RAC_OK)
        fail_msg("refused: %s", text);
    return p;
}

/* The table of §4.6, written out a second time. */
static void window(const struct rac_retry_policy *p, unsigned n, int64_t *lo, int64_t *hi)
{
    double low = n == 1 ? 0 : (double)p->interval_ms, high = (double)p->interval_ms;
    for (unsigned i = 2; i < n; i++)
        low *= 2;
    for (unsigned i = 1; i < n; i++)
        high *= 2;
    low = low < (double)p->minimum_ms ? (double)p->minimum_ms : low;
    high = high > (double)p->maximum_ms ? (double)p->maximum_ms : high;
    *hi = (int64_t)high;
    *lo = low > high ? *hi : (int64_t)low;
}

static void test_windows(void **state)
{
    (void)state;
    static const char *const policies[] = {
        "null",
        "{'type':'exponential','count':90,'interval':'PT5S'}",
        "{'type':'Exponential','count':10,'interval':'PT10S','minimumInterval':'PT1M',"
        "'maximumInterval':'PT5M'}",
        "{'type':'exponential','count':3,'interval':'PT10S','minimumInterval':'PT10M',"
        "'maximumInterval':'PT5M'}",
        "{'type':'exponential','count':4,'interval':'P1D'}",
    };
    struct rac_outcome o = {.status = 500};
    for (size_t i = 0; i < RAC_COUNT(policies); i++) {
        struct rac_retry_policy p = policy(policies[i], false, i % 2);
        for (unsigned n = 1; n <= p.count; n++) {
            int64_t lo, hi;
            window(&p, n, &lo, &hi);
            for (int r = 0; r < 20; r++) {
                int64_t ms = rac_retry_delay_ms(&p, n, &o, 0, r / 20.0);
                assert_in_range(ms, lo, hi);
                if (r == 0)
                    assert_int_equal(ms, lo);
            }
            assert_true(hi - rac_retry_delay_ms(&p, n, &o, 0, 0.999999) <= (hi - lo) / 1000 + 1);
        }
        assert_int_equal(rac_retry_delay_ms(&p, p.count + 1, &o, 0, 0.5), -1);
    }
    struct rac_retry_policy p =
        policy("{'type':'fixed','count':2,'interval':'PT20S'}", false, false);
    assert_int_equal(rac_retry_delay_ms(&p, 1, &o, 0, 0.7), 20000);
    assert_int_equal(rac_retry_delay_ms(&p, 3, &o, 0, 0.7), -1);
    p = policy("{'type':'none'}", false, false);
    assert_int_equal(rac_retry_delay_ms(&p, 1, &o, 0, 0.7), -1);
}

static void test_profiles(void **state)
{
    (void)state;
    assert_int_equal(policy("null", false, true).maximum_ms, 3600000); /* default: as the table */
    assert_int_equal(policy("{'type':'default'}", false, true).maximum_ms, 3600000);
    const char *text = "{'type':'exponential','interval':'PT10S'}";
    assert_int_equal(policy(text, false, true).maximum_ms, 86400000);
    assert_int_equal(policy(text, false, false).maximum_ms, 3600000);
    assert_int_equal(policy(text, true, false).maximum_ms, 60000);
    assert_int_equal(policy(text, false, true).minimum_ms, 5000);
    assert_int_equal(policy(text, false, true).count, 4);
}

static void test_retry_after(void **state)
{
    (void)state;
    struct rac_headers h = {0};
    struct rac_retry_policy p = policy(
        "{'type':'fixed','count':9,'interval':'PT20S','maximumInterval':'PT10M'}", false, false);
    struct rac_outcome o = {.status = 429, .headers = &h};
    rac_headers_add(&h, &a, RAC_S("Retry-After"), RAC_S("30"));
    assert_int_equal(rac_retry_delay_ms(&p, 1, &o, 0, 0), 30000);
    o.status = 500; /* 429 and 503 only */
    assert_int_equal(rac_retry_delay_ms(&p, 1, &o, 0, 0), 20000);
    o.status = 503;
    rac_headers_set(&h, &a, RAC_S("Retry-After"), RAC_S("10"));
    assert_int_equal(rac_retry_delay_ms(&p, 1, &o, 0, 0), 20000);
    rac_headers_set(&h, &a, RAC_S("Retry-After"), RAC_S("86400"));
    assert_int_equal(rac_retry_delay_ms(&p, 1, &o, 0, 0), 600000);
    rac_headers_set(&h, &a, RAC_S("Retry-After"), RAC_S("Thu, 01 Jan 1970 00:01:00 GMT"));
    assert_int_equal(rac_retry_delay_ms(&p, 1, &o, 0, 0), 60000);
}

static void test_statuses(void **state)
{
    (void)state;
    struct rac_retry_policy p =
        policy("{'type':'fixed','interval':'PT20S','httpStatusCodes':[404,'409']}", false, false);
    static const struct {
        int status;
        bool again;
    } cases[] = {{200, false}, {404, true}, {409, true}, {410, false}, {408, true}, {500, true}};
    for (size_t i = 0; i < RAC_COUNT(cases); i++)
        assert_int_equal(rac_retry_wanted(&p, &(struct rac_outcome){.status = cases[i].status}),
                         cases[i].again);
    assert_true(rac_retry_wanted(&p, &(struct rac_outcome){.transport_error = true}));
}

static void refuses(const char *text, struct rac_retry_options o, const char *pointers)
{
    struct rac_retry_policy p;
    struct rac_json v = json(text);
    struct rac_diags d;
    rac_diags_init(&d, &a, 20);
    rac_err e = rac_retry_parse(&o, &v, RAC_S("/p"), &a, &p, &d);
    rac_str got = RAC_S("");
    for (size_t i = 0; i < d.n; i++)
        got = rac_arena_printf(&a, "%.*s%s%.*s", RAC_FMT(got), i > 0 ? " " : "",
                               RAC_FMT(d.v[i].pointer));
    if (!rac_str_eq(got, rac_str_of(pointers)))
        fail_msg("%s: errors at %.*s, want %s", text, RAC_FMT(got), pointers);
    assert_int_equal(e, *pointers == '\0' ? RAC_OK : RAC_E_INVALID);
}

static void test_values(void **state)
{
    (void)state;
    struct rac_retry_options o = {0}, s = {.stateless = true}, t = {.template = true};
    refuses("5", o, "/p");
    refuses("{}", o, "/p");
    refuses("{'type':'linear'}", o, "/p/type");
    refuses("{'type':'none','count':0}", o, "");
    refuses("{'type':'fixed','count':0,'interval':'PT4S'}", o, "/p/count /p/interval");
    refuses("{'type':'fixed','count':91,'interval':'P2D'}", o, "/p/count /p/interval");
    refuses("{'type':'fixed','count':'90','interval':'P1D'}", o, "");
    refuses("{'type':'fixed','count':'many','interval':5}", o, "/p/count /p/interval");
    refuses("{'type':'fixed','interval':'PT1S'}", s, "");
    refuses("{'type':'fixed','interval':'PT61S'}", s, "/p/interval");
    refuses("{'type':'exponential','minimumInterval':'x','maximumInterval':'P9D'}", o,
            "/p/minimumInterval /p/maximumInterval");
    refuses("{'type':'fixed','httpStatusCodes':[99]}", o, "/p/httpStatusCodes");
    refuses("{'type':'fixed','httpStatusCodes':404}", o, "/p/httpStatusCodes");
    refuses("'@parameters(x)'", t, "");
    refuses("{'type':'@x','count':'@{y}','interval':'PT@{z}S'}", t, "");
    refuses("{'type':'@x','count':'@{y}','interval':'PT@{z}S'}", o, "/p/type");
}

static void test_history(void **state)
{
    (void)state;
    struct rac_json error = json("{'code':'X','message':'y'}");
    struct rac_retry_attempt t = {.start_ms = 0,
                                  .end_ms = 1500,
                                  .status = 503,
                                  .client_request_id = RAC_S("c"),
                                  .service_request_id = RAC_S("s"),
                                  .error = &error};
    struct rac_json v = rac_retry_history_entry(&t, &a);
    assert_str(rac_json_print_str(&v, 0, &a),
               "{\"startTime\":\"1970-01-01T00:00:00Z\",\"endTime\":\"1970-01-01T00:00:01.5Z\","
               "\"code\":\"ServiceUnavailable\",\"clientRequestId\":\"c\",\"serviceRequestId\":"
               "\"s\",\"error\":{\"error\":{\"code\":\"X\",\"message\":\"y\"}}}");
    assert_str(rac_http_status_name(299, &a), "299");
    assert_int_equal(rac_http_status_parse(RAC_S("toomanyrequests")), 429);
    assert_int_equal(rac_http_status_parse(RAC_S("299")), 299);
    assert_int_equal(rac_http_status_parse(RAC_S("Okay")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),     cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_retry_after), cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_values),      cmocka_unit_test(test_history),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
