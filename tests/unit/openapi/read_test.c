#include "unit.h"

#include "openapi/read.h"

static struct rac_arena arena;
static struct rac_diags diags;

static int setup(void **state RAC_UNUSED)
{
    rac_arena_init(&arena, 1 << 26);
    rac_diags_init(&diags, &arena, 100);
    return 0;
}

static int teardown(void **state RAC_UNUSED)
{
    rac_arena_fini(&arena);
    return 0;
}

static struct rac_document *read_ok(const char *text)
{
    struct rac_document *doc = NULL;
    assert_int_equal(rac_document_read(rac_str_of(text), RAC_S("dir/x.json"), &arena, &doc, &diags),
                     RAC_OK);
    return doc;
}

static void kind_is_told_by_content(void **state RAC_UNUSED)
{
    static const struct {
        const char *text;
        enum rac_document_kind kind;
    } cases[] = {
        {"{\"swagger\":\"2.0\"}", RAC_DOC_SWAGGER2},
        {"{\"info\":{},\"paths\":{}}", RAC_DOC_SWAGGER2},
        {"{\"openapi\":\"3.0.3\"}", RAC_DOC_OPENAPI3},
        {"{\"requests\":[],\"order\":[]}", RAC_DOC_POSTMAN1},
        {"{\"info\":{\"schema\":\"https://s/v2.0.0/c.json\"},\"item\":[]}", RAC_DOC_POSTMAN20},
        {"{\"info\":{\"schema\":\"https://s/v2.1.0/c.json\"},\"item\":[]}", RAC_DOC_POSTMAN21},
        {"{\"info\":{\"name\":\"x\"},\"item\":[]}", RAC_DOC_POSTMAN21},
        {"{\"properties\":{\"iconBrandColor\":\"#112233\"}}", RAC_DOC_PROPERTIES},
        {"{\"properties\":{}}", RAC_DOC_PROPERTIES},
        {"{\"type\":\"object\",\"properties\":{\"a\":{}}}", RAC_DOC_UNKNOWN},
        {"{\"triggers\":{},\"actions\":{}}", RAC_DOC_WORKFLOW},
        {"{\"properties\":{\"definition\":{\"triggers\":{},\"actions\":{}}}}", RAC_DOC_WORKFLOW},
        {"{}", RAC_DOC_UNKNOWN},
        {"[1]", RAC_DOC_UNKNOWN},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++)
        assert_int_equal(read_ok(cases[i].text)->kind, cases[i].kind);
}

/* Quoted keys without braces, and comments and plain words inside braces: YAML that starts as JSON
 * does. What no reader takes is told of as JSON. */
static void yaml_may_start_like_json(void **state RAC_UNUSED)
{
    static const char *const texts[] = {
        "\"openapi\": \"3.0.0\"\n\"info\": {\"title\": \"x\"}\n",
        "{ \"openapi\": \"3.0.0\", # a comment\n  info: {title: x}}\n",
        "{\"openapi\": 3.0.0}",
    };
    for (size_t i = 0; i < RAC_COUNT(texts); i++) {
        struct rac_document *doc = read_ok(texts[i]);
        assert_int_equal(doc->kind, RAC_DOC_OPENAPI3);
        assert_true(doc->yaml);
    }
    struct rac_document *doc;
    rac_diags_init(&diags, &arena, 100);
    assert_int_equal(rac_document_read(RAC_S("{\"openapi\": \"3.0.0\" \"info\": {}}"),
                                       RAC_S("x.json"), &arena, &doc, &diags),
                     RAC_E_SYNTAX);
    assert_int_equal(diags.n, 1);
    assert_non_null(memmem(diags.v[0].message.p, diags.v[0].message.n, "JSON", 4));
    assert_int_equal(diags.v[0].column, 21);
}

static void unreadable_text_is_refused_with_its_place(void **state RAC_UNUSED)
{
    static const struct {
        rac_str text;
        uint32_t line, column;
        const char *says;
    } cases[] = {
        {RAC_S("{\"a\": 1\n \"b\": 2}"), 2, 2, "JSON"},
        {RAC_S(""), 1, 1, "empty"},
        {RAC_S(" \n"), 1, 1, "empty"},
        {RAC_S("\x89PNG\r\n"), 1, 1, "PNG"},
        {RAC_S("\0\0ab"), 1, 1, "binary"},
        {RAC_S("{\0\"\0"), 1, 1, "binary"},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_document *doc = NULL;
        diags.n = 0;
        assert_int_equal(rac_document_read(cases[i].text, RAC_S("x"), &arena, &doc, &diags),
                         RAC_E_SYNTAX);
        assert_int_equal(diags.n, 1);
        assert_string_equal(diags.v[0].code, "RC-IMP-03");
        assert_int_equal(diags.v[0].line, cases[i].line);
        assert_int_equal(diags.v[0].column, cases[i].column);
        assert_true(rac_str_find(diags.v[0].message, rac_str_of(cases[i].says)) != RAC_STR_NPOS);
    }
}

static void size_is_capped(void **state RAC_UNUSED)
{
    struct rac_document *doc = NULL;
    struct rac_document_options o = {.bytes_max = 10};
    assert_int_equal(
        rac_document_read_with(RAC_S("{\"a\": 12345}"), RAC_S("x"), &o, &arena, &doc, &diags),
        RAC_E_LIMIT);
    assert_string_equal(diags.v[0].code, "RC-IMP-01");
    assert_null(doc);
}

static void check_place(struct rac_document *doc, const struct rac_json *v, uint32_t line,
                        uint32_t column, uint32_t end_line, uint32_t end_column)
{
    uint32_t l, c, el, ec;
    assert_true(rac_document_place(doc, v, &l, &c, &el, &ec));
    assert_int_equal(l, line);
    assert_int_equal(c, column);
    assert_int_equal(el, end_line);
    assert_int_equal(ec, end_column);
}

static void nodes_and_keys_know_their_range(void **state RAC_UNUSED)
{
    struct rac_document *doc = read_ok("{\n  \"a\": [1, {\"x\": \"y\\\"z\"} ],\n"
                                       "  \"\xc3\xa9\xe2\x82\xac\": \"\xc3\xa9\", \"n\": -1.5e3,\n"
                                       "  \"e\": [ /* ] */ ]\n}");
    const struct rac_json *a = RAC_JSON_GET(&doc->root, "a");
    check_place(doc, &doc->root, 1, 1, 5, 2);
    check_place(doc, a, 2, 8, 2, 27);
    check_place(doc, rac_json_at(a, 0), 2, 9, 2, 10);
    check_place(doc, RAC_JSON_GET(rac_json_at(a, 1), "x"), 2, 18, 2, 24);
    check_place(doc, RAC_JSON_GET(&doc->root, "\xc3\xa9\xe2\x82\xac"), 3, 9, 3, 12);
    check_place(doc, RAC_JSON_GET(&doc->root, "n"), 3, 19, 3, 25);
    check_place(doc, RAC_JSON_GET(&doc->root, "e"), 4, 8, 4, 19);
    uint32_t l, c, el, ec;
    assert_true(rac_document_place_key(
        doc, rac_json_member(&doc->root, RAC_S("\xc3\xa9\xe2\x82\xac")), &l, &c, &el, &ec));
    assert_int_equal(l, 3);
    assert_int_equal(c, 3);
    assert_int_equal(ec, 7);
    struct rac_json made = rac_json_of_int(1);
    assert_false(rac_document_place(doc, &made, &l, &c, NULL, NULL));
    assert_int_equal(l, 0);
}

/* Long lines are placed through checkpoints; both ways of counting must agree. */
static void checkpoints_agree_with_a_scan(void **state RAC_UNUSED)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 20);
    rac_buf_add(&b, RAC_S("\xef\xbb\xbf["));
    for (int i = 0; i < 6000; i++)
        rac_buf_printf(&b, "%s\"\xc3\xa9%d\"%s", i ? ", " : "", i, i % 900 == 7 ? "\n" : "");
    rac_buf_add(&b, RAC_S("]"));
    struct rac_document *doc = NULL;
    assert_int_equal(rac_document_read(rac_buf_str(&b), RAC_S("x"), &arena, &doc, NULL), RAC_OK);
    for (size_t i = 0; i < rac_json_len(&doc->root); i += 37) {
        const struct rac_json *v = rac_json_at(&doc->root, i);
        uint32_t l, c, line, column;
        rac_json_place(doc->text, v->pos - 1, &line, &column);
        assert_true(rac_document_place(doc, v, &l, &c, NULL, NULL));
        assert_int_equal(l, line);
        assert_int_equal(c, column);
    }
    rac_buf_fini(&b);
}

static void white_space_json_does_not_know_is_repaired(void **state RAC_UNUSED)
{
    struct rac_document *doc = read_ok("{\xe2\x80\x83\"a\"\xc2\xa0:\xe3\x80\x80[\xe2\x80\x83"
                                       "1\xe2\x80\x8b]\xe2\x80\x83}\xe2\x80\x83");
    assert_int_equal(rac_json_int(rac_json_at(RAC_JSON_GET(&doc->root, "a"), 0), 0), 1);
    assert_int_equal(diags.n, 7);
    assert_string_equal(diags.v[0].code, "RC-JSON-01");
    assert_int_equal(diags.v[1].column, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kind_is_told_by_content, setup, teardown),
        cmocka_unit_test_setup_teardown(yaml_may_start_like_json, setup, teardown),
        cmocka_unit_test_setup_teardown(unreadable_text_is_refused_with_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(size_is_capped, setup, teardown),
        cmocka_unit_test_setup_teardown(nodes_and_keys_know_their_range, setup, teardown),
        cmocka_unit_test_setup_teardown(checkpoints_agree_with_a_scan, setup, teardown),
        cmocka_unit_test_setup_teardown(white_space_json_does_not_know_is_repaired, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
