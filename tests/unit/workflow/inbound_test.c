#include "quoted.h"

#include "workflow/definition/content.h"
#include "workflow/outside/inbound.h"

static rac_str quoted(const struct rac_json *v) /* the way back */
{
    return v->type == RAC_JSON_NONE
               ? RAC_S("")
               : rac_str_replace(&a, rac_json_print_str(v, 0, &a), RAC_S("\""), RAC_S("'"));
}

/* --- bodies ------------------------------------------------------------------------------------ */

static const struct {
    const char *type, *bytes, *value;
} bodies[] = {
    {"application/json", "{\"a\":[1,2.50,null]}", "{'a':[1,2.50,null]}"},
    {"application/json; charset=utf-8", "null", "null"},
    {"application/vnd.x+json", "\"t\"", "'t'"},
    {"text/plain", "hello", "'hello'"},
    {"text/csv; header=present", "a,b", "'a,b'"},
    {"text/plain; charset=iso-8859-1", "caf\xe9", "'caf\xc3\xa9'"},
    {"text/plain", "\xef\xbb\xbfmark", "'mark'"},
    {"text/plain; charset=iso-8859-1", "\xef\xbb\xbfm\xff", "'m\xef\xbf\xbd'"},
    {"application/xml", "<a/>", "{'$content-type':'application/xml','$content':'PGEvPg=='}"},
    {NULL, "x", "{'$content-type':'application/octet-stream','$content':'eA=='}"},
    {"nonsense", "x", "{'$content-type':'nonsense','$content':'eA=='}"},
    {"image/png", "\x89PNG", "{'$content-type':'image/png','$content':'iVBORw=='}"},
    {"application/json", "", ""},
    {NULL, "", ""},
    {"application/x-www-form-urlencoded", "a=1&b=x%20y+z&c&=v&&d=1=2",
     "{'$content-type':'application/x-www-form-urlencoded','$content':"
     "'YT0xJmI9eCUyMHkreiZjJj12JiZkPTE9Mg==','$formdata':[{'key':'a','value':'1'},{'key':'b',"
     "'value':'x y z'},{'key':'c','value':''},{'key':'','value':'v'},{'key':'','value':''},"
     "{'key':'d','value':'1=2'}]}"},
    {"multipart/form-data; boundary=B",
     "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhi\r\n"
     "--B\r\nContent-Type: application/json\r\n\r\n[1]\r\n"
     "--B\r\nContent-Type: text/plain\r\n\r\n\r\n--B--\r\n",
     "{'$content-type':'multipart/form-data; boundary=B','$content':"
     "'LS1CDQpDb250ZW50LURpc3Bvc2l0aW9uOiBmb3JtLWRhdGE7IG5hbWU9ImEiDQoNCmhpDQotLUINCkNvbnRlbnQtVHlw"
     "ZTogYXBwbGljYXRpb24vanNvbg0KDQpbMV0NCi0tQg0KQ29udGVudC1UeXBlOiB0ZXh0L3BsYWluDQoNCg0KLS1CLS0N"
     "Cg==','$multipart':[{'headers':{'Content-Disposition':'form-data; name=\\'a\\'',"
     "'Content-Length':'2'},'body':{'$content-type':'application/octet-stream','$content':'aGk='}},"
     "{'headers':{'Content-Type':'application/json','Content-Length':'3'},'body':[1]},"
     "{'headers':{'Content-Type':'text/plain','Content-Length':'0'},'body':''}]}"},
    {"multipart/form-data", "no boundary",
     "{'$content-type':'multipart/form-data','$content':'bm8gYm91bmRhcnk='}"},
};

static void test_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < RAC_COUNT(bodies); i++) {
        struct rac_json v;
        rac_str why;
        assert_int_equal(
            rac_content_read(rac_str_of(bodies[i].type), rac_str_of(bodies[i].bytes), &a, &v, &why),
            RAC_OK);
        assert_str(quoted(&v), bodies[i].value);
    }
    struct rac_json v;
    rac_str why;
    assert_int_equal(rac_content_read(RAC_S("application/json"), RAC_S("{\"a\":"), &a, &v, &why),
                     RAC_E_SYNTAX);
    assert_str(rac_json_str(&v, RAC_STR_NULL), "{\"a\":");
    assert_true(why.n > 0);
}

/* --- requests ---------------------------------------------------------------------------------- */

static bool receive(enum rac_profile_kind profile, const char *trigger,
                    const struct rac_inbound_request *r, struct rac_json *out,
                    struct rac_wf_fault *fault)
{
    struct rac_inbound *t;
    struct rac_json *v = RAC_NEW(&a, struct rac_json);
    *v = json(trigger);
    (void)(rac_inbound_compile(profile, RAC_S("manual"), v, RAC_S("/triggers/manual"), &a, &t,
                               NULL) == RAC_OK);
    return rac_inbound_read(t, r, &a, out, fault);
}

static struct rac_headers *headers(const char *const *pairs, size_t n)
{
    struct rac_headers *h = RAC_NEW(&a, struct rac_headers);
    for (size_t i = 0; i < n; i += 2)
        rac_headers_add(h, &a, rac_str_of(pairs[i]), rac_str_of(pairs[i + 1]));
    return h;
}
#define HEADERS(...)                                                                               \
    headers((const char *const[]){__VA_ARGS__}, RAC_COUNT(((const char *const[]){__VA_ARGS__})))

static void test_outputs(void **state)
{
    (void)state;
    struct rac_json out;
    struct rac_wf_fault fault;
    struct rac_inbound_request r = {
        .method = RAC_S("post"),
        .query = RAC_S("api-version=2016-10-01&sp=%2Fx&sv=1.0&SIG=abc&code=k&z=1&a%20b=c+d%2Fe&z=2&"
                       "flag"),
        .headers = HEADERS("x-LATER", "1", "Host", "h", "authorization",
                           "Basic eA==", "Content-Type", "application/json", "X-Later", "2"),
        .body = RAC_S("{\"n\":1}")};
    assert_true(receive(RAC_WF_CONSUMPTION, "{'type':'Request','kind':'Http'}", &r, &out, &fault));
    assert_str(quoted(&out), "{'headers':{'x-LATER':'1,2','Host':'h','Content-Type':"
                             "'application/json'},'queries':{'z':'1,2','a b':'c d/e','flag':''},"
                             "'body':{'n':1}}");
    assert_true(receive(RAC_WF_CONSUMPTION,
                        "{'type':'Request','operationOptions':"
                        "'SingleInstance, includeAuthorizationHeadersInOutputs'}",
                        &r, &out, &fault));
    assert_str(
        rac_json_str(RAC_JSON_GET(RAC_JSON_GET(&out, "headers"), "authorization"), RAC_STR_NULL),
        "Basic eA==");
    r = (struct rac_inbound_request){.method = RAC_S("POST"), .headers = HEADERS("Host", "h")};
    assert_true(receive(RAC_WF_CONSUMPTION, "{'type':'Request'}", &r, &out, &fault));
    assert_str(quoted(&out), "{'headers':{'Host':'h'}}");
}

static void test_methods(void **state)
{
    (void)state;
    static const struct {
        enum rac_profile_kind profile;
        const char *trigger, *method;
        bool good;
    } cases[] = {
        {RAC_WF_CONSUMPTION, "{'type':'Request'}", "GET", false},
        {RAC_WF_FLOW, "{'type':'Request'}", "GET", false},
        {RAC_WF_STANDARD, "{'type':'Request'}", "GET", true},
        {RAC_WF_STANDARD, "{'type':'Request','inputs':{'method':'put'}}", "GET", false},
        {RAC_WF_STANDARD, "{'type':'Request','inputs':{'method':'put'}}", "PUT", true},
        {RAC_WF_CONSUMPTION, "{'type':'manual','inputs':{'method':'GET'}}", "GET", true},
        {RAC_WF_CONSUMPTION, "{'type':'HttpWebhook','inputs':{'method':'GET'}}", "PUT", true},
    };
    struct rac_json out;
    struct rac_wf_fault fault;
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_inbound_request r = {.method = rac_str_of(cases[i].method),
                                        .headers = HEADERS("Host", "h")};
        assert_int_equal(receive(cases[i].profile, cases[i].trigger, &r, &out, &fault),
                         cases[i].good);
    }
    struct rac_inbound_request r = {.method = RAC_S("GET"), .headers = HEADERS("Host", "h")};
    assert_false(receive(RAC_WF_CONSUMPTION, "{'type':'Request'}", &r, &out, &fault));
    assert_int_equal(fault.status, 400);
    assert_string_equal(fault.code, "TriggerRequestMethodNotValid");
    assert_str(fault.message, "The HTTP method for trigger 'manual' is not valid: expected 'POST' "
                              "and actual 'GET'.");
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *template, *path, *want;
    } cases[] = {
        {"customers/{id}/orders/{n}", "customers/a%2Fb%20c/orders/7", "{'id':'a/b c','n':'7'}"},
        {"/customers/{id}", "customers/7", "{'id':'7'}"},
        {"customers", "customers", ""},
        {"customers/{id}", "Customers/7", NULL},
        {"customers/{id}", "customers", NULL},
        {"customers/{id}", "customers/", NULL},
        {"customers/{id}", "customers/7/8", NULL},
        {"customers/{id}", "", NULL},
        {"customers/x{id}", "customers/x7", NULL},
        {"", "customers", NULL},
        {"", "", ""},
        {"{a}", "%C3%A4", "{'a':'\xc3\xa4'}"},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_json out;
        struct rac_wf_fault fault;
        struct rac_inbound_request r = {.method = RAC_S("GET"),
                                        .relative = rac_str_of(cases[i].path),
                                        .headers = HEADERS("Host", "h")};
        rac_str trigger =
            rac_arena_printf(&a, "{'type':'Request','inputs':{'method':'GET','relativePath':'%s'}}",
                             cases[i].template);
        bool good = receive(RAC_WF_CONSUMPTION, trigger.p, &r, &out, &fault);
        if (good != (cases[i].want != NULL))
            fail_msg("%s against %s", cases[i].path, cases[i].template);
        if (!good) {
            assert_int_equal(fault.status, 404);
            assert_string_equal(fault.code, "TriggerRelativePathMismatch");
            continue;
        }
        const struct rac_json *found = RAC_JSON_GET(&out, "relativePathParameters");
        assert_str(found != NULL ? quoted(found) : RAC_S(""), cases[i].want);
    }
}

static void test_schema(void **state)
{
    (void)state;
    static const char plain[] =
        "{'type':'Request','inputs':{'schema':{'type':'object','required':['a','b'],'properties':"
        "{'a':{'type':'string'},'n':{'type':'integer'},'e':{'enum':[1]}}}}}";
    static const char judged[] =
        "{'type':'Request','operationOptions':'EnableSchemaValidation','inputs':{'schema':{'type':"
        "'object','required':['a','b'],'properties':{'a':{'type':'string'},'n':{'type':'integer'},"
        "'e':{'enum':[1]}}}}}";
    static const struct {
        const char *body, *details;
    } cases[] = {
        {"{\"a\":\"x\",\"b\":1}", NULL},
        {"{\"a\":\"x\",\"b\":1,\"n\":5}", NULL},
        {"{\"a\":null,\"b\":1}", "Invalid type. Expected String but got Null."},
        {"{\"a\":\"x\",\"b\":1,\"n\":1.5}", "Invalid type. Expected Integer but got Number."},
        {"{\"a\":\"x\",\"b\":1,\"n\":[]}", "Invalid type. Expected Integer but got Array."},
        {"[]", "Invalid type. Expected Object but got Array."},
        {"", "Invalid type. Expected Object but got Null."},
        {"{}", "Required properties are missing from object: a, b."},
        {"{\"a\":\"x\"}", "Required properties are missing from object: b."},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_json out;
        struct rac_wf_fault fault;
        struct rac_inbound_request r = {.method = RAC_S("POST"),
                                        .headers = HEADERS("Content-Type", "application/json"),
                                        .body = rac_str_of(cases[i].body)};
        assert_true(receive(RAC_WF_CONSUMPTION, plain, &r, &out, &fault));
        assert_int_equal(receive(RAC_WF_FLOW, plain, &r, &out, &fault), cases[i].details == NULL);
        bool good = receive(RAC_WF_CONSUMPTION, judged, &r, &out, &fault);
        assert_int_equal(good, cases[i].details == NULL);
        if (good)
            continue;
        assert_int_equal(fault.status, 400);
        assert_string_equal(fault.code, "TriggerInputSchemaMismatch");
        rac_str want = rac_arena_printf(
            &a,
            "The input body for trigger 'manual' of type 'Request' did not match its schema "
            "definition. Error details: '%s'.",
            cases[i].details);
        assert_str(fault.message, want.p);
    }
}

static void test_broken(void **state)
{
    (void)state;
    struct rac_json out;
    struct rac_wf_fault fault;
    struct rac_inbound_request r = {.method = RAC_S("POST"),
                                    .headers = HEADERS("Content-Type", "application/json"),
                                    .body = RAC_S("{\"a\":}")};
    assert_false(receive(RAC_WF_CONSUMPTION, "{'type':'Request'}", &r, &out, &fault));
    assert_string_equal(fault.code, "InvalidRequestContent");
    r.body = RAC_S("{}");
    assert_false(receive(RAC_WF_CONSUMPTION,
                         "{'type':'Request','operationOptions':'EnableSchemaValidation',"
                         "'inputs':{'schema':{'type':'thing'}}}",
                         &r, &out, &fault));
    assert_string_equal(fault.code, "TriggerInputSchemaMismatch");
    struct rac_inbound *t;
    struct rac_diags d;
    struct rac_json v = json("{'type':'Request','operationOptions':'EnableSchemaValidation',"
                             "'inputs':{'schema':{'properties':{'a':{'type':'thing'}}}}}");
    rac_diags_init(&d, &a, 5);
    assert_int_equal(
        rac_inbound_compile(RAC_WF_CONSUMPTION, RAC_S("m"), &v, RAC_S("/triggers/m"), &a, &t, &d),
        RAC_E_INVALID);
    assert_str(d.v[0].pointer, "/triggers/m/inputs/schema/properties/a");
}

static void test_around(void **state)
{
    (void)state;
    struct rac_wf_fault fault = {0};
    assert_true(rac_inbound_check_version(RAC_S("x=1&API-version=2016-10-01-preview"), &fault));
    assert_false(rac_inbound_check_version(RAC_S("x=1"), &fault));
    assert_string_equal(fault.code, "MissingApiVersionParameter");
    assert_false(rac_inbound_check_version(RAC_S("api-version=latest"), &fault));
    assert_string_equal(fault.code, "InvalidApiVersionParameter");
    assert_true(rac_inbound_check_size(16384, 104857600, &fault));
    assert_false(rac_inbound_check_size(16385, 0, &fault));
    assert_int_equal(fault.status, 414);
    assert_false(rac_inbound_check_size(1, 104857601, &fault));
    assert_int_equal(fault.status, 413);
    rac_inbound_disabled(RAC_S("w"), RAC_S("manual"), RAC_S("Disabled"), &a, &fault);
    assert_str(fault.message, "Could not execute workflow 'w' trigger 'manual' with state "
                              "'Disabled': trigger is not enabled.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),  cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_methods), cmocka_unit_test(test_paths),
        cmocka_unit_test(test_schema),  cmocka_unit_test(test_broken),
        cmocka_unit_test(test_around),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
