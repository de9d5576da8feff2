#include "test_arena.h"

#include "openapi/api.h"

static struct rac_json root;

static struct rac_api *build(const char *text)
{
    struct rac_api *api = NULL;
    assert_int_equal(rac_json_parse(rac_str_of(text), &a, 0, &root, NULL), RAC_OK);
    assert_int_equal(rac_api_build(&root, &a, &api), RAC_OK);
    return api;
}

static const char sample[] =
    "{\"swagger\":\"2.0\",\"info\":{\"title\":\"T\"},\"consumes\":[\"a/b\"],\"paths\":{"
    "\"/a/{id}\":{\"parameters\":[{\"name\":\"id\",\"in\":\"path\",\"type\":\"string\"},"
    "{\"name\":\"q\",\"in\":\"query\",\"type\":\"string\"},{\"$ref\":\"#/parameters/Page\"}],"
    "\"get\":{\"operationId\":\"Get\",\"parameters\":[{\"name\":\"q\",\"in\":\"query\",\"type\":"
    "\"integer\",\"required\":true},{\"name\":\"q\",\"in\":\"header\",\"type\":\"string\"}],"
    "\"responses\":{\"default\":{\"description\":\"d\"},\"202\":{\"description\":\"c\"},\"200\":"
    "{\"$ref\":\"#/responses/Ok\"}}},"
    "\"PUT\":{\"operationId\":\"Put\",\"consumes\":[\"c/d\"],\"x-ms-trigger\":\"Batch\","
    "\"parameters\":[{\"name\":\"b\",\"in\":\"body\",\"schema\":{\"$ref\":\"#/definitions/In\"}}]},"
    "\"x-other\":{}}},"
    "\"parameters\":{\"Page\":{\"name\":\"page\",\"in\":\"query\",\"type\":\"integer\"}},"
    "\"responses\":{\"Ok\":{\"description\":\"ok\",\"schema\":{\"type\":\"object\",\"properties\":"
    "{\"list\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/definitions/In\"}}}}}},"
    "\"definitions\":{\"In\":{\"type\":\"object\",\"required\":[\"u\"],\"properties\":{\"u\":"
    "{\"type\":\"string\",\"x-ms-notification-url\":true},\"n\":{\"$ref\":\"#/definitions/In\"}},"
    "\"allOf\":[{\"$ref\":\"#/definitions/a~1b%20c\"}]},"
    "\"a/b c\":{\"properties\":{\"deep\":{\"type\":\"string\"}}},"
    "\"Loop\":{\"$ref\":\"#/definitions/Loop2\"},\"Loop2\":{\"$ref\":\"#/definitions/Loop\"},"
    "\"Side\":{\"$ref\":\"#/definitions/In\",\"description\":\"beside\",\"required\":[\"n\"],"
    "\"type\":\"string\",\"default\":1}}}";

static void operations_have_merged_parameters(void **state RAC_UNUSED)
{
    struct rac_api *api = build(sample);
    assert_int_equal(api->ops_n, 2);
    const struct rac_api_operation *get = rac_api_operation(api, RAC_S("Get"));
    assert_str(get->pointer, "/paths/~1a~1{id}/get");
    assert_int_equal(get->params_n, 4);
    assert_str(get->params[0].name, "id");
    assert_true(get->params[0].required); /* path parameters always are */
    assert_true(get->params[1].required); /* the operation's own q took its place */
    assert_str(get->params[1].pointer, "/paths/~1a~1{id}/get/parameters/0");
    assert_str(get->params[2].name, "page");
    assert_str(get->params[2].pointer, "/paths/~1a~1{id}/parameters/2");
    assert_true(get->params[2].shared);
    assert_int_equal(get->params[3].in, RAC_IN_HEADER);
    assert_str(rac_json_str(rac_json_at(get->consumes, 0), RAC_S("")), "a/b");
    assert_null(rac_api_operation(api, RAC_S("get")));
}

static void methods_and_triggers_in_any_letter_case(void **state RAC_UNUSED)
{
    struct rac_api *api = build(sample);
    const struct rac_api_operation *put = rac_api_operation(api, RAC_S("Put"));
    assert_int_equal(put->method, RAC_METHOD_PUT);
    assert_str(put->pointer, "/paths/~1a~1{id}/PUT");
    assert_int_equal(put->trigger, RAC_TRIGGER_BATCH);
    assert_true(put->webhook); /* through the reference of its body */
    assert_int_equal(api->triggers_n, 1);
    assert_str(rac_json_str(rac_json_at(put->consumes, 0), RAC_S("")), "c/d");
}

static void references_are_followed_and_circles_end(void **state RAC_UNUSED)
{
    struct rac_api *api = build(sample);
    assert_non_null(rac_api_lookup(api, RAC_S("#/definitions/a~1b%20c")));
    assert_non_null(rac_api_lookup(api, RAC_S("#/definitions/a/b c")));
    assert_non_null(rac_api_lookup(api, RAC_S("#/definitions/In/properties/u")));
    assert_null(rac_api_lookup(api, RAC_S("#/definitions/None")));
    assert_null(rac_api_lookup(api, RAC_S("other.json#/definitions/In")));
    assert_null(rac_api_lookup(api, RAC_S("")));
    assert_null(rac_api_deref(api, rac_json_get(api->definitions, RAC_S("Loop"))));
}

static void keywords_beside_a_reference_keep_their_meaning(void **state RAC_UNUSED)
{
    struct rac_api *api = build(sample);
    const struct rac_json *node = rac_json_get(api->definitions, RAC_S("Side"));
    const struct rac_json *side = rac_api_deref(api, node);
    assert_str(rac_json_str(RAC_JSON_GET(side, "description"), RAC_S("")), "beside");
    assert_str(rac_json_str(RAC_JSON_GET(side, "type"), RAC_S("")), "object"); /* the target's */
    assert_int_equal(rac_json_len(RAC_JSON_GET(side, "required")), 2);
    assert_int_equal(rac_json_int(RAC_JSON_GET(side, "default"), 0), 1);
    assert_null(RAC_JSON_GET(side, "$ref"));
    assert_ptr_equal(rac_api_deref(api, node), side); /* made once */
}

static void success_and_property_paths(void **state RAC_UNUSED)
{
    struct rac_api *api = build(sample);
    const struct rac_api_operation *get = rac_api_operation(api, RAC_S("Get"));
    rac_str code;
    const struct rac_json *ok = rac_api_success(api, get, &code);
    assert_str(code, "200");
    const struct rac_json *schema = rac_api_response_schema(api, ok);
    assert_non_null(rac_api_property_path(api, schema, RAC_S("list/n/n/n/deep")));
    assert_non_null(rac_api_property_path(api, schema, RAC_S("/list/u")));
    assert_null(rac_api_property_path(api, schema, RAC_S("list/none")));
    assert_null(rac_api_success(api, rac_api_operation(api, RAC_S("Put")), &code));
}

/* Nothing in here is an index of anything; all of it is survived. */
static void malformed_definitions_are_survived(void **state RAC_UNUSED)
{
    static const char *const texts[] = {
        "{}",
        "{\"paths\":[]}",
        "{\"paths\":{\"/a\":7,\"/b\":{\"get\":[],\"post\":{\"parameters\":{},\"responses\":[]}}}}",
        "{\"paths\":{\"/a\":{\"get\":{\"operationId\":7,\"parameters\":[7,null,{},{\"$ref\":7},"
        "{\"$ref\":\"#/"
        "x\"},{\"name\":1,\"in\":2},{\"in\":\"body\"},{\"in\":\"body\",\"name\":\"b\","
        "\"schema\":7}],\"responses\":{\"200\":7}}}},\"definitions\":7}",
    };
    for (size_t i = 0; i < RAC_COUNT(texts); i++) {
        struct rac_api *api = build(texts[i]);
        for (size_t k = 0; k < api->ops_n; k++) {
            rac_api_success(api, &api->ops[k], NULL);
            rac_api_body(&api->ops[k]);
        }
    }
    struct rac_api *api;
    root = rac_json_of_int(1);
    assert_int_equal(rac_api_build(&root, &a, &api), RAC_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(operations_have_merged_parameters, setup, teardown),
        cmocka_unit_test_setup_teardown(methods_and_triggers_in_any_letter_case, setup, teardown),
        cmocka_unit_test_setup_teardown(references_are_followed_and_circles_end, setup, teardown),
        cmocka_unit_test_setup_teardown(keywords_beside_a_reference_keep_their_meaning, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(success_and_property_paths, setup, teardown),
        cmocka_unit_test_setup_teardown(malformed_definitions_are_survived, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
