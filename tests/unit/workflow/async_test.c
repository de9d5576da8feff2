#include "quoted.h"

#include "base/env.h"
#include "workflow/outside/async.h"
#include "workflow/outside/chunks.h"
#include "workflow/outside/pages.h"

static const rac_ms now = 1700000000000;

static rac_str quoted(struct rac_json v)
{
    return rac_str_replace(&a, rac_json_print_str(&v, 0, &a), RAC_S("\""), RAC_S("'"));
}

/* "Location: /b|Retry-After: 5" */
static struct rac_headers headers(const char *text)
{
    struct rac_headers h = {0};
    for (rac_str rest = rac_str_of(text); rest.p != NULL;) {
        rac_str value, name = rac_str_cut(rac_str_cut(rest, '|', &rest), ':', &value);
        rac_headers_add(&h, &a, name, rac_str_trim(value));
    }
    return h;
}

/* --- polling ----------------------------------------------------------------------------------- */

struct answer {
    int status;
    const char *headers, *body;
    enum rac_async_step step;
    const char *url;
    int delay_s;
};

static void follow(const char *method, const struct answer *v, size_t n)
{
    struct rac_async s;
    struct rac_async_next next;
    rac_async_begin(&s, rac_str_of(method), RAC_S("https://h/x/a"));
    for (size_t i = 0; i < n; i++) {
        struct rac_headers h = headers(v[i].headers);
        struct rac_json body = v[i].body != NULL ? json(v[i].body) : rac_json_none;
        struct rac_json kept = rac_async_json(&s, &a); /* a run may leave memory in between */
        assert_true(rac_async_read(&kept, &s));
        rac_async_answer(&s, v[i].status, &h, &body, now, &a, &next);
        if (next.step != v[i].step)
            fail_msg("answer %zu: step %d, want %d", i, next.step, v[i].step);
        if (next.step != RAC_ASYNC_WAIT)
            continue;
        assert_str(next.url, v[i].url);
        assert_int_equal(next.delay_ms, v[i].delay_s * 1000);
        assert_int_equal(next.same_origin, rac_str_starts(next.url, RAC_S("https://h/")));
    }
}
#define FOLLOW(method, ...)                                                                        \
    follow(method, (const struct answer[]){__VA_ARGS__},                                           \
           RAC_COUNT(((const struct answer[]){__VA_ARGS__})))

static void test_location(void **state)
{
    (void)state;
    FOLLOW("POST", {200, "", NULL, RAC_ASYNC_DONE, NULL, 0});
    FOLLOW("POST", {202, "", NULL, RAC_ASYNC_DONE, NULL, 0});
    FOLLOW("POST", {202, "Location: b|Retry-After: 5", NULL, RAC_ASYNC_WAIT, "https://h/x/b", 5},
           {202, "Retry-After: 0", NULL, RAC_ASYNC_WAIT, "https://h/x/b", 1},
           {202, "Location: https://other/c", NULL, RAC_ASYNC_WAIT, "https://other/c", 20},
           {202, "", NULL, RAC_ASYNC_WAIT, "https://other/c", 20},
           {500, "", NULL, RAC_ASYNC_DONE, NULL, 0});
}

static void test_azure(void **state)
{
    (void)state;
    FOLLOW("POST",
           {201, "Azure-AsyncOperation: /op|Location: /result", NULL, RAC_ASYNC_WAIT,
            "https://h/op", 20},
           {200, "", "{'status':'Running'}", RAC_ASYNC_WAIT, "https://h/op", 20},
           {200, "", "{'status':'Succeeded'}", RAC_ASYNC_WAIT, "https://h/result", 0},
           {202, "Location: /never", NULL, RAC_ASYNC_DONE, NULL, 0});
    FOLLOW("PUT", {200, "Azure-AsyncOperation: /op", NULL, RAC_ASYNC_WAIT, "https://h/op", 20},
           {200, "", "{'status':'succeeded'}", RAC_ASYNC_WAIT, "https://h/x/a", 0},
           {200, "", "{}", RAC_ASYNC_DONE, NULL, 0});
    FOLLOW("POST", {202, "Azure-AsyncOperation: /op", NULL, RAC_ASYNC_WAIT, "https://h/op", 20},
           {200, "", "{'properties':{}}", RAC_ASYNC_DONE, NULL, 0});
    FOLLOW("DELETE", {202, "Azure-AsyncOperation: /op", NULL, RAC_ASYNC_WAIT, "https://h/op", 20},
           {200, "", "{'status':'Failed','error':{'code':'X'}}", RAC_ASYNC_FAILED, NULL, 0});
    struct rac_json bad = json("{'url':'x'}");
    struct rac_async s;
    assert_false(rac_async_read(&bad, &s));
}

/* --- pages ------------------------------------------------------------------------------------- */

static rac_str collect(int64_t minimum, const char *name, const char *const *pages, size_t n,
                       enum rac_pages_step want, size_t asked)
{
    struct rac_pages s;
    rac_str url = RAC_S("https://h/list?p=0"), next;
    enum rac_pages_step step = RAC_PAGES_NEXT;
    rac_pages_begin(&s, minimum, rac_str_of(name));
    size_t i = 0;
    for (; i < n && step == RAC_PAGES_NEXT; i++) {
        struct rac_json *outputs = RAC_NEW(&a, struct rac_json);
        *outputs = json(pages[i]);
        step = rac_pages_answer(&s, url, outputs, &a, &next);
        url = next;
    }
    assert_int_equal(step, want);
    assert_int_equal(i, asked);
    return quoted(rac_pages_outputs(&s, &a));
}

static void test_pages(void **state)
{
    (void)state;
    static const char *const three[] = {
        "{'statusCode':200,'headers':{'A':'1'},'body':{'x':1,'value':[1,2],'nextLink':'?p=1','y':2}"
        "}",
        "{'statusCode':200,'headers':{'A':'2'},'body':{'value':[3,4],'@odata.nextLink':"
        "'https://h/list?p=2'}}",
        "{'statusCode':200,'headers':{},'body':{'value':[5]}}"};
    assert_str(collect(100, NULL, three, 3, RAC_PAGES_DONE, 3),
               "{'statusCode':200,'headers':{'A':'1'},'body':{'x':1,'value':[1,2,3,4,5],'y':2}}");
    assert_str(collect(3, NULL, three, 3, RAC_PAGES_DONE, 2),
               "{'statusCode':200,'headers':{'A':'1'},'body':{'x':1,'value':[1,2,3,4],'y':2}}");
    assert_str(collect(1, NULL, three, 3, RAC_PAGES_DONE, 1),
               "{'statusCode':200,'headers':{'A':'1'},'body':{'x':1,'value':[1,2],'y':2}}");
    static const char *const named[] = {
        "{'statusCode':200,'body':{'items':[{'a':1}],'more':'/list?p=1','nextLink':'stays'}}",
        "{'statusCode':200,'body':{'items':[],'more':null}}"};
    assert_str(collect(9, "more", named, 2, RAC_PAGES_DONE, 2),
               "{'statusCode':200,'body':{'items':[{'a':1}],'nextLink':'stays'}}");
    static const char *const failing[] = {
        "{'statusCode':200,'body':{'value':[1],'nextLink':'?p=1'}}",
        "{'statusCode':500,'body':'no'}"};
    collect(9, NULL, failing, 2, RAC_PAGES_FAILED, 2);
    static const char *const single[] = {"{'statusCode':404,'body':{'value':[1]}}",
                                         "{'statusCode':200,'body':'text'}",
                                         "{'statusCode':200,'body':[1,2]}", "{'statusCode':204}"};
    for (size_t i = 0; i < RAC_COUNT(single); i++)
        assert_str(collect(9, NULL, &single[i], 1, RAC_PAGES_DONE, 1), single[i]);
}

static void test_page_limits(void **state)
{
    (void)state;
    struct rac_pages s;
    rac_str next = RAC_S("https://h/?p=x");
    enum rac_pages_step step = RAC_PAGES_NEXT;
    rac_pages_begin(&s, INT64_MAX, RAC_STR_NULL);
    assert_int_equal(s.items_wanted, RAC_PAGES_ITEMS_MAX);
    int pages = 0;
    for (; step == RAC_PAGES_NEXT && pages < 2000; pages++) {
        struct rac_json v =
            json(rac_arena_printf(&a, "{'statusCode':200,'body':{'value':[1],'nextLink':'?p=%d'}}",
                                  pages)
                     .p);
        step = rac_pages_answer(&s, next, &v, &a, &next);
    }
    assert_int_equal(pages, RAC_PAGES_MAX);
}

/* --- chunks ------------------------------------------------------------------------------------ */

static uint64_t random_of(const struct rac_env *env, uint64_t n)
{
    uint64_t v;
    rac_env_random(env, &v, sizeof v);
    return v % n;
}

/* A server that sends what it likes of each range, against bytes put together. */
static void test_downloads(void **state)
{
    (void)state;
    struct rac_env_fake fake = {.seed = 5};
    struct rac_env env = rac_env_fake(&fake);
    for (int round = 0; round < 300; round++) {
        struct rac_download d;
        struct rac_chunks_next next;
        uint64_t total = 1 + random_of(&env, 5000), at = 0, end = total;
        uint64_t chunk = 1 + random_of(&env, 900);
        enum rac_chunks_step step = RAC_CHUNKS_NEXT;
        rac_download_begin(&d, chunk);
        int requests = 0;
        while (step == RAC_CHUNKS_NEXT) {
            uint64_t n = end - at - (end - at > 10 ? random_of(&env, 10) : 0);
            struct rac_headers h = headers(
                rac_arena_printf(&a, "Content-Range: bytes %llu-%llu/%llu", (unsigned long long)at,
                                 (unsigned long long)(at + n - 1), (unsigned long long)total)
                    .p);
            step = rac_download_answer(&d, 206, &h, n, &a, &next);
            at += n;
            requests++;
            if (step != RAC_CHUNKS_NEXT)
                break;
            uint64_t from, to;
            rac_str rest, first = rac_str_cut(rac_str_from(next.range, 6), '-', &rest);
            assert_true(rac_str_to_u64(first, &from) && rac_str_to_u64(rest, &to));
            assert_int_equal(from, at);
            assert_true(to < total && to - from < chunk);
            end = to + 1;
        }
        assert_true(step == RAC_CHUNKS_DONE ? at == total : requests == RAC_CHUNKS_REQUESTS_MAX);
    }
}

static void test_download_faults(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers;
        uint64_t n;
        enum rac_chunks_step step;
    } first[] = {
        {200, "", 10, RAC_CHUNKS_DONE},
        {404, "", 0, RAC_CHUNKS_DONE},
        {206, "", 10, RAC_CHUNKS_FAILED},
        {206, "Content-Range: bytes 0-9/*", 10, RAC_CHUNKS_FAILED},
        {206, "Content-Range: bytes 5-9/10", 5, RAC_CHUNKS_FAILED},
        {206, "Content-Range: bytes 0-9/10", 9, RAC_CHUNKS_FAILED},
        {206, "Content-Range: bytes 0-10/10", 11, RAC_CHUNKS_FAILED},
        {206, "Content-Range: bytes 0-9/2000000000", 10, RAC_CHUNKS_FAILED},
        {206, "Content-Range: BYTES 0-9/10", 10, RAC_CHUNKS_DONE},
        {206, "Content-Range: bytes 0-9/20", 10, RAC_CHUNKS_NEXT},
    };
    struct rac_download d;
    struct rac_chunks_next next;
    for (size_t i = 0; i < RAC_COUNT(first); i++) {
        struct rac_headers h = headers(first[i].headers);
        rac_download_begin(&d, 0);
        assert_int_equal(rac_download_answer(&d, first[i].status, &h, first[i].n, &a, &next),
                         first[i].step);
    }
    assert_str(next.range, "bytes=10-19");
    struct rac_download again = d;
    struct rac_headers h = headers("Content-Range: bytes 10-19/21"), whole, none = headers("");
    assert_int_equal(rac_download_answer(&again, 206, &h, 10, &a, &next), RAC_CHUNKS_FAILED);
    again = d;
    assert_int_equal(rac_download_answer(&again, 200, &none, 20, &a, &next), RAC_CHUNKS_FAILED);
    h = headers("Content-Range: bytes 10-19/20|Content-Length: 10|ETag: x");
    assert_int_equal(rac_download_answer(&d, 206, &h, 10, &a, &next), RAC_CHUNKS_DONE);
    rac_download_headers(&d, &h, &a, &whole);
    assert_str(rac_headers_get(&whole, RAC_S("Content-Length")), "20");
    assert_null(rac_headers_get(&whole, RAC_S("Content-Range")).p);
    assert_str(rac_headers_get(&whole, RAC_S("ETag")), "x");
}

/* A server that takes what it likes of each chunk and changes its mind about sizes. */
static void test_uploads(void **state)
{
    (void)state;
    struct rac_env_fake fake = {.seed = 6};
    struct rac_env env = rac_env_fake(&fake);
    for (int round = 0; round < 300; round++) {
        struct rac_upload u;
        struct rac_chunks_next next;
        uint64_t total = 2 + random_of(&env, 5000), max = 1 + random_of(&env, total), got = 0;
        rac_upload_begin(&u, total, max, RAC_S("a/b"), &a, &next);
        assert_str(rac_headers_get(&next.headers, RAC_S("x-ms-transfer-mode")), "chunked");
        struct rac_headers h = headers("Location: /up?id=1|x-ms-chunk-size: 700");
        enum rac_chunks_step step = rac_upload_answer(&u, RAC_S("https://h/x"), 200, &h, &a, &next);
        while (step == RAC_CHUNKS_NEXT) {
            assert_str(next.url, "https://h/up?id=1");
            assert_int_equal(next.from, got);
            assert_true(next.n >= 1 && next.n <= max && next.n <= 700);
            got += next.n - (next.n > 3 ? random_of(&env, 3) : 0);
            h = headers(rac_arena_printf(&a, "Range: bytes=0-%llu|x-ms-chunk-size: %llu",
                                         (unsigned long long)(got - 1),
                                         (unsigned long long)random_of(&env, 700))
                            .p);
            step = rac_upload_answer(&u, next.url, 200, &h, &a, &next);
        }
        assert_true(step == RAC_CHUNKS_DONE ? got == total : next.why.n > 0);
    }
}

static void test_upload_faults(void **state)
{
    (void)state;
    struct rac_upload u;
    struct rac_chunks_next next;
    struct rac_headers none = headers(""), location = headers("Location: https://s/up"),
                       bad = headers("Location: ftp://s/up");
    assert_true(rac_upload_wanted(RAC_S("post"), 11, 10));
    assert_false(rac_upload_wanted(RAC_S("POST"), 10, 10));
    assert_false(rac_upload_wanted(RAC_S("PATCH"), 11, 10));
    assert_false(rac_upload_wanted(RAC_S("PUT"), RAC_CHUNK_BYTES_DEFAULT, 0));
    rac_upload_begin(&u, 11, 10, RAC_STR_NULL, &a, &next);
    assert_str(rac_headers_get(&next.headers, RAC_S("x-ms-content-length")), "11");
    struct rac_upload begun = u;
    assert_int_equal(rac_upload_answer(&u, RAC_S("https://h"), 200, &none, &a, &next),
                     RAC_CHUNKS_WHOLE);
    u = begun;
    assert_int_equal(rac_upload_answer(&u, RAC_S("https://h"), 403, &location, &a, &next),
                     RAC_CHUNKS_FAILED);
    assert_null(next.why.p); /* that answer is the action's */
    u = begun;
    assert_int_equal(rac_upload_answer(&u, RAC_S("https://h"), 200, &bad, &a, &next),
                     RAC_CHUNKS_FAILED);
    u = begun;
    u.total = RAC_CHUNKS_WHOLE_MAX + 1;
    assert_int_equal(rac_upload_answer(&u, RAC_S("https://h"), 200, &none, &a, &next),
                     RAC_CHUNKS_FAILED);
    u = begun;
    u.total = (uint64_t)RAC_CHUNKS_TOTAL_MAX + 1;
    assert_int_equal(rac_upload_answer(&u, RAC_S("https://h"), 200, &location, &a, &next),
                     RAC_CHUNKS_FAILED);
    u = begun;
    assert_int_equal(rac_upload_answer(&u, RAC_S("https://h"), 200, &location, &a, &next),
                     RAC_CHUNKS_NEXT);
    assert_str(rac_headers_get(&next.headers, RAC_S("Content-Range")), "bytes=0-9/11");
    static const char *const ranges[] = {"Range: bytes=0-10", "Range: bytes=1-9", "Range: 0-9",
                                         "Range: bytes=0-x"};
    for (size_t i = 0; i < RAC_COUNT(ranges); i++) {
        struct rac_upload v = u;
        struct rac_headers h = headers(ranges[i]);
        assert_int_equal(rac_upload_answer(&v, next.url, 200, &h, &a, &next), RAC_CHUNKS_FAILED);
        assert_true(next.why.n > 0);
    }
    assert_int_equal(rac_upload_answer(&u, RAC_S("https://s/up"), 200, &none, &a, &next),
                     RAC_CHUNKS_NEXT); /* no Range: all of it arrived */
    assert_str(rac_headers_get(&next.headers, RAC_S("Content-Range")), "bytes=10-10/11");
    assert_int_equal(rac_upload_answer(&u, RAC_S("https://s/up"), 201, &none, &a, &next),
                     RAC_CHUNKS_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_location),  cmocka_unit_test(test_azure),
        cmocka_unit_test(test_pages),     cmocka_unit_test(test_page_limits),
        cmocka_unit_test(test_downloads), cmocka_unit_test(test_download_faults),
        cmocka_unit_test(test_uploads),   cmocka_unit_test(test_upload_faults),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
