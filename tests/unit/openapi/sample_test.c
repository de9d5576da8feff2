#include "convert_unit.h"

#include "openapi/sample.h"

static struct rac_json definition;

static void begin(const char *text)
{
    struct rac_json v;
    assert_int_equal(rac_json_parse(quoted(text), &arena, 0, &v, NULL), RAC_OK);
    definition = rac_json_copy(&arena, &v);
    rac_diags_init(&losses, &arena, 100);
}
static rac_str here(const char *pointer)
{
    const struct rac_json *v = rac_json_pointer_get(&definition, rac_str_of(pointer));
    return v != NULL ? rac_json_print_str(v, 0, &arena) : RAC_S("-");
}
#define assert_here(pointer, text) assert_str(here(pointer), rac_str_cstr(quoted(text)))
#define EMPTY                      "{'swagger':'2.0','info':{'title':'Q','version':'1'},'paths':{}}"

static void new_operation(void **state RAC_UNUSED)
{
    begin(EMPTY);
    struct rac_sample_request s = {
        .verb = RAC_S("post"),
        .url = RAC_S("http://q.example/ships/{id}?all={all}&size=2&token=abc"),
        .summary = RAC_S("Add a ship"),
        .headers = RAC_S("X-A: 1\nX-B two\nContent-Type: application/json\nHost: x\n"),
        .body = RAC_S("{\"name\": \"Ark\"}")};
    assert_int_equal(rac_sample_import_request(&definition, &s, &arena, &losses), RAC_OK);
    assert_here("/host", "'q.example'");
    assert_here("/schemes", "['http']");
    assert_here("/paths/~1ships~1{id}/post/operationId", "'AddAShip'");
    assert_here("/paths/~1ships~1{id}/post/consumes", "['application/json']");
    assert_here(
        "/paths/~1ships~1{id}/post/parameters",
        "[{'name':'id','in':'path','required':true,'type':'string','x-ms-url-encoding':'single'},{'"
        "name':'all',"
        "'in':'query','required':false,'type':'string'},{'name':'size','in':'query','required':"
        "false,'type':"
        "'string','default':'2'},{'name':'token','in':'query','required':false,'type':'string'},{'"
        "name':'X-A',"
        "'in':'header','required':false,'type':'string','default':'1'},{'name':'X-B','in':'header',"
        "'required':"
        "false,'type':'string','default':'two'},{'name':'body','in':'body','required':true,'schema'"
        ":{'type':"
        "'object','properties':{'name':{'type':'string','title':'name','description':'name'}}}}]");
}

static void refusals(void **state RAC_UNUSED)
{
    static const struct {
        const char *verb, *url, *body, *code;
        rac_err e;
    } cases[] = {
        {"GET", "https://other.example/a", "", "RC-BL-01", RAC_E_INVALID},
        {"TRACE", "https://q.example/v1/a", "", "RC-BL-02", RAC_E_INVALID},
        {"GET", "ftp://q.example/v1/a", "", "RC-BL-02", RAC_E_INVALID},
        {"GET", "q.example/v1/a", "", "RC-BL-02", RAC_E_INVALID},
        {"GET", "https://q.example/other", "", "RC-BL-02", RAC_E_INVALID},
        {"GET", "https://q.example/v1/{a", "", "RC-BL-02", RAC_E_INVALID},
        {"GET", "/a", "", "RC-BL-03", RAC_E_INVALID},
        {"POST", "/b", "{oops", "RC-BL-04", RAC_E_SYNTAX},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        begin("{'host':'q.example','basePath':'/v1/','paths':{'/a':{'get':{'operationId':'A'}}}}");
        rac_str before = rac_json_print_str(&definition, 0, &arena);
        struct rac_sample_request s = {.verb = rac_str_of(cases[i].verb),
                                       .url = rac_str_of(cases[i].url),
                                       .body = rac_str_of(cases[i].body)};
        assert_int_equal(rac_sample_import_request(&definition, &s, &arena, &losses), cases[i].e);
        assert_non_null(loss(cases[i].code));
        assert_str(rac_json_print_str(&definition, 0, &arena),
                   rac_str_cstr(before)); /* untouched */
    }
}

static void replaced_as_a_whole(void **state RAC_UNUSED)
{
    begin("{'host':'q.example','basePath':'/v1','paths':{'/"
          "a':{'get':{'operationId':'A','summary':'S','x-k':1,"
          "'parameters':[{'name':'old','in':'query','type':'string'}],'responses':{'204':{'"
          "description':'Gone'}}}}}}");
    rac_str *names;
    assert_int_equal(rac_sample_would_lose(&definition, RAC_S("A"), &arena, &names), 1);
    assert_str(names[0], "old");
    struct rac_sample_request s = {.operation_id = RAC_S("A"),
                                   .verb = RAC_S("DELETE"),
                                   .url = RAC_S("https://q.example/v1/b/{x}")};
    assert_int_equal(rac_sample_import_request(&definition, &s, &arena, &losses), RAC_OK);
    assert_here("/paths/~1a", "-");
    assert_here("/paths/~1b~1{x}/delete/summary", "'S'");
    assert_here("/paths/~1b~1{x}/delete/x-k", "1");
    assert_here("/paths/~1b~1{x}/delete/responses", "{'204':{'description':'Gone'}}");
    assert_here("/paths/~1b~1{x}/delete/parameters/0/name", "'x'");
    assert_here("/paths/~1b~1{x}/delete/parameters/1", "-");
}

static void responses(void **state RAC_UNUSED)
{
    begin("{'paths':{'/a':{'get':{'operationId':'A','responses':{}}}}}");
    struct rac_sample_response s = {.operation_id = RAC_S("A"),
                                    .status = RAC_S("default"),
                                    .headers = RAC_S("X-Left: 3\nContent-Type: application/json"),
                                    .body = RAC_S("[1]")};
    assert_int_equal(rac_sample_import_response(&definition, &s, &arena, &losses), RAC_OK);
    assert_here(
        "/paths/~1a/get/responses",
        "{'200':{'description':'OK','schema':{'type':'array','items':{'type':'integer','format':'"
        "int32'}},"
        "'headers':{'X-Left':{'type':'string'}}},'default':{'description':'Any other answer'}}");
    s.status = RAC_S("42");
    assert_int_equal(rac_sample_import_response(&definition, &s, &arena, &losses), RAC_E_INVALID);
    s.operation_id = RAC_S("B");
    assert_int_equal(rac_sample_import_response(&definition, &s, &arena, &losses), RAC_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(new_operation, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(replaced_as_a_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(responses, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
