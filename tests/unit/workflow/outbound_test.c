#include "quoted.h"

#include "text/multipart.h"
#include "workflow/definition/content.h"
#include "workflow/outside/outbound.h"

static const struct rac_outbound_options options = {.random = {1, 2, 3}};

static struct rac_outbound request(const char *inputs)
{
    struct rac_outbound r;
    rac_str why = RAC_S("");
    struct rac_json v = json(inputs);
    if (rac_outbound_request(&v, &options, &a, &r, &why) != RAC_OK)
        fail_msg("%s: %.*s", inputs, RAC_FMT(why));
    return r;
}

static rac_str header_text(const struct rac_headers *h)
{
    rac_str s = RAC_S("");
    for (size_t i = 0; i < h->n; i++)
        s = rac_arena_printf(&a, "%.*s%s%.*s=%.*s", RAC_FMT(s), i > 0 ? "|" : "",
                             RAC_FMT(h->v[i].name), RAC_FMT(h->v[i].value));
    return s;
}

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        const char *inputs, *url;
    } cases[] = {
        {"{'method':'get','uri':'https://h/a?x=1#f'}", "https://h/a?x=1"},
        {"{'method':'get','uri':'https://h/a?x=1','queries':{'b c':'d/e f','n':5,'t':true,"
         "'z':null,'o':{'k':1}}}",
         "https://h/a?b%20c=d%2Fe%20f&n=5&t=True&o=%7B%22k%22%3A1%7D"},
        {"{'method':'get','uri':'https://h/a?x=1','queries':{}}", "https://h/a"},
        {"{'method':'get','uri':'https://h/a?x=1','queries':null}", "https://h/a?x=1"},
        {"{'method':'get','uri':'http://h/a b/%20/\xc3\xa4?q={x}|y'}",
         "http://h/a%20b/%20/%C3%A4?q=%7Bx%7D%7Cy"},
        {"{'method':'get','uri':' HTTPS://H '}", "HTTPS://H"},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++)
        assert_str(request(cases[i].inputs).url, cases[i].url);
    assert_str(request("{'method':'patch','uri':'https://h'}").method, "PATCH");
}

static void test_headers(void **state)
{
    (void)state;
    struct rac_outbound r = request(
        "{'method':'POST','uri':'https://"
        "h','cookie':'a=1','headers':{'Accept':'x','accept-language'"
        ":'de','Allow':'x','Content-Length':'9','Content-Encoding':'gzip','content-disposition':"
        "'inline','Cookie':'b=2','Expires':'x','Host':'evil','Last-Modified':'x','Origin':'x',"
        "'Set-Cookie':'x','Transfer-Encoding':'chunked','N':5,'B':true,'Z':null,'A':[1],"
        "'Authorization':'Basic eA=='}}");
    assert_str(header_text(&r.headers),
               "Accept=x|Content-Encoding=gzip|content-disposition=inline|N=5|B=True|A=[1]|"
               "Authorization=Basic eA==|Cookie=a=1");
    assert_false(r.has_body);
}

static void test_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *body, *headers, *type, *bytes;
    } cases[] = {
        {"null", "{}", NULL, NULL},
        {"'text'", "{}", "text/plain; charset=utf-8", "text"},
        {"'text'", "{'content-type':'text/csv'}", "text/csv", "text"},
        {"''", "{}", "text/plain; charset=utf-8", ""},
        {"{'a':[1, 2.50]}", "{}", "application/json; charset=utf-8", "{\"a\":[1,2.50]}"},
        {"[ ]", "{'Content-Type':'application/x'}", "application/x", "[]"},
        {"5", "{}", "application/json; charset=utf-8", "5"},
        {"false", "{}", "application/json; charset=utf-8", "false"},
        {"{'$content-type':'image/png','$content':'aGk='}", "{}", "image/png", "hi"},
        {"{'$content-type':'image/png','$content':'aGk='}", "{'Content-Type':'x/y'}", "x/y", "hi"},
        {"{'$content-type':'application/x-www-form-urlencoded','$formdata':[{'key':'a b','value':"
         "'c&d'},{'key':'n','value':1}]}",
         "{}", "application/x-www-form-urlencoded", "a+b=c%26d&n=1"},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        rac_str inputs =
            rac_arena_printf(&a, "{'method':'POST','uri':'https://h','headers':%s,'body':%s}",
                             cases[i].headers, cases[i].body);
        struct rac_outbound r = request(inputs.p);
        assert_int_equal(r.has_body, cases[i].bytes != NULL);
        if (r.has_body)
            assert_str(r.body, cases[i].bytes);
        assert_str(rac_headers_get(&r.headers, RAC_S("Content-Type")), cases[i].type);
    }
}

/* What was sent is read back by the reader of the other direction. */
static void test_multipart(void **state)
{
    (void)state;
    static const char body[] =
        "{'$content-type':'multipart/form-data','$multipart':[{'headers':{'Content-Disposition':"
        "'form-data; name=a','Content-Length':99},'body':'text'},{'headers':{},'body':{'x':1}},"
        "{'body':{'$content-type':'image/png','$content':'aGk='}},{'headers':{'X':'y'}}]}";
    static const char *const types[] = {"", "'Content-Type':'multipart/mixed; boundary=B'",
                                        "'Content-Type':'multipart/related'"};
    static const char *const begins[] = {"multipart/form-data; boundary=raccord-",
                                         "multipart/mixed; boundary=B",
                                         "multipart/related; boundary=raccord-"};
    for (size_t i = 0; i < RAC_COUNT(types); i++) {
        struct rac_outbound r = request(
            rac_arena_printf(&a, "{'method':'POST','uri':'https://h','headers':{%s},'body':%s}",
                             types[i], body)
                .p);
        rac_str type = rac_headers_get(&r.headers, RAC_S("Content-Type")), why;
        assert_true(rac_str_starts(type, rac_str_of(begins[i])));
        struct rac_json back;
        assert_int_equal(rac_content_read(type, r.body, &a, &back, &why), RAC_OK);
        rac_str parts = rac_json_print_str(RAC_JSON_GET(&back, "$multipart"), 0, &a);
        assert_str(rac_str_replace(&a, parts, RAC_S("\""), RAC_S("'")),
                   "[{'headers':{'Content-Disposition':'form-data; name=a','Content-Length':'4'},"
                   "'body':{'$content-type':'application/octet-stream','$content':'dGV4dA=='}},"
                   "{'headers':{'Content-Type':'application/json; charset=utf-8','Content-Length':"
                   "'7'},'body':{'x':1}},{'headers':{'Content-Type':'image/png','Content-Length':"
                   "'2'},'body':{'$content-type':'image/png','$content':'aGk='}},{'headers':{'X':"
                   "'y','Content-Length':'0'},'body':{'$content-type':'application/"
                   "octet-stream','$content':''}}]");
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "{}",
        "{'method':'G ET','uri':'https://h'}",
        "{'method':'GET'}",
        "{'method':'GET','uri':'/relative'}",
        "{'method':'GET','uri':'ftp://h'}",
        "{'method':'GET','uri':5}",
        "{'method':'GET','uri':'https://h','headers':[]}",
        "{'method':'GET','uri':'https://h','headers':{'a b':'c'}}",
        "{'method':'GET','uri':'https://h','headers':{'a':'c\\r\\nd: e'}}",
        "{'method':'GET','uri':'https://h','queries':'x'}",
        "{'method':'GET','uri':'https://h','cookie':'a\\nb'}",
        "{'method':'GET','uri':'https://h','body':{'$content-type':'a/b','$content':'***'}}",
        "{'method':'GET','uri':'https://h','body':{'$content-type':'multipart/mixed','$multipart':"
        "[5]}}",
        "{'method':'GET','uri':'https://h','body':{'$content-type':'a/b\\r\\nx: y','$content':''}}",
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_outbound r;
        rac_str why = RAC_STR_NULL;
        struct rac_json v = json(cases[i]);
        if (rac_outbound_request(&v, &options, &a, &r, &why) != RAC_E_INVALID || why.n == 0)
            fail_msg("taken: %s", cases[i]);
    }
    struct rac_outbound_options small = {.body_bytes_max = 4};
    struct rac_outbound r;
    rac_str why;
    struct rac_json v = json("{'method':'POST','uri':'https://h','body':'12345'}");
    assert_int_equal(rac_outbound_request(&v, &small, &a, &r, &why), RAC_E_LIMIT);
}

static void test_responses(void **state)
{
    (void)state;
    static const struct {
        const char *inputs;
        int status;
    } cases[] = {
        {"{}", 200},
        {"{'statusCode':201}", 201},
        {"{'statusCode':'404'}", 404},
        {"{'statusCode':599}", 599},
        {"{'statusCode':302}", 0},
        {"{'statusCode':199}", 0},
        {"{'statusCode':600}", 0},
        {"{'statusCode':'OK'}", 0},
        {"{'statusCode':[200]}", 0},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_outbound_response r;
        rac_str why;
        struct rac_json v = json(cases[i].inputs);
        rac_err e = rac_outbound_response(&v, &options, &a, &r, &why);
        assert_int_equal(e, cases[i].status != 0 ? RAC_OK : RAC_E_INVALID);
        if (e == RAC_OK)
            assert_int_equal(r.status, cases[i].status);
    }
    struct rac_outbound_response r;
    rac_str why;
    struct rac_json v = json("{'headers':{'Allow':'x','Accept-Ranges':'bytes','Host':'h','Origin':"
                             "'o','Set-Cookie':'a','Content-Length':1,'X':'y'},'body':{'a':1}}");
    assert_int_equal(rac_outbound_response(&v, &options, &a, &r, &why), RAC_OK);
    assert_str(header_text(&r.headers), "Accept-Ranges=bytes|Host=h|Origin=o|X=y|"
                                        "Content-Type=application/json; charset=utf-8");
    assert_str(r.body, "{\"a\":1}");
}

static void test_outputs(void **state)
{
    (void)state;
    struct rac_headers h = {0};
    struct rac_json v;
    rac_headers_add(&h, &a, RAC_S("Content-Type"), RAC_S("application/json"));
    rac_headers_add(&h, &a, RAC_S("Set-Cookie"), RAC_S("a=1"));
    rac_headers_add(&h, &a, RAC_S("set-cookie"), RAC_S("b=2"));
    assert_int_equal(rac_outbound_outputs(201, &h, RAC_S("[1]"), &a, &v), RAC_OK);
    assert_str(rac_json_print_str(&v, 0, &a),
               "{\"statusCode\":201,\"headers\":{\"Content-Type\":\"application/json\","
               "\"Set-Cookie\":\"a=1,b=2\"},\"body\":[1]}");
    assert_int_equal(rac_outbound_outputs(200, &h, RAC_S("[1"), &a, &v), RAC_OK);
    assert_str(rac_json_str(RAC_JSON_GET(&v, "body"), RAC_STR_NULL), "[1");
    assert_int_equal(rac_outbound_outputs(204, &h, RAC_STR_NULL, &a, &v), RAC_OK);
    assert_null(RAC_JSON_GET(&v, "body"));
}

static void test_redirects(void **state)
{
    (void)state;
    static const struct {
        const char *method, *location;
        int status;
        unsigned hops;
        const char *next;
        bool drop;
    } cases[] = {
        {"GET", "/b", 302, 0, "https://h/b", false},
        {"get", "b c", 301, 9, "https://h/x/b%20c", false},
        {"GET", "https://h:443/b#f", 307, 0, "https://h:443/b", false},
        {"GET", "http://h/b", 308, 0, "http://h/b", true},
        {"GET", "https://other/b", 302, 0, "https://other/b", true},
        {"GET", "/b", 302, 10, NULL, false},
        {"GET", "/b", 303, 0, NULL, false},
        {"GET", "/b", 200, 0, NULL, false},
        {"POST", "/b", 302, 0, NULL, false},
        {"GET", "", 302, 0, NULL, false},
        {"GET", "ftp://h/b", 302, 0, NULL, false},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_headers h = {0};
        bool drop;
        rac_headers_add(&h, &a, RAC_S("Location"), rac_str_of(cases[i].location));
        assert_str(rac_outbound_redirect(rac_str_of(cases[i].method), RAC_S("https://h/x/a"),
                                         cases[i].status, &h, cases[i].hops, &a, &drop),
                   cases[i].next);
        assert_int_equal(drop, cases[i].drop);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),    cmocka_unit_test(test_headers),
        cmocka_unit_test(test_bodies),  cmocka_unit_test(test_multipart),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_responses),
        cmocka_unit_test(test_outputs), cmocka_unit_test(test_redirects),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
