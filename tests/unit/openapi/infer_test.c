#include "convert_unit.h"

#include "openapi/infer.h"

static rac_str schema_of(const char *sample)
{
    struct rac_json v, schema;
    assert_int_equal(rac_json_parse(quoted(sample), &arena, 0, &v, NULL), RAC_OK);
    assert_int_equal(rac_infer_schema(&v, &arena, &schema, &losses), RAC_OK);
    return rac_json_print_str(&schema, 0, &arena);
}
#define infers(sample, want) assert_str(schema_of(sample), rac_str_cstr(quoted(want)))

static void scalars(void **state RAC_UNUSED)
{
    infers("'x'", "{'type':'string'}");
    infers("'2026-11-22T10:00:00Z'", "{'type':'string','format':'date-time'}");
    infers("'2026-11-22T10:00:00.5+01:00'", "{'type':'string','format':'date-time'}");
    infers("'2026-11-22T10:00:00'", "{'type':'string'}"); /* no offset */
    infers("'2026-11-22'", "{'type':'string','format':'date'}");
    infers("'2026-13-22'", "{'type':'string'}");
    infers("'1b4e28ba-2fa1-11d2-883f-0016d3cca427'", "{'type':'string','format':'uuid'}");
    infers("'https://quai.example/a?b'", "{'type':'string','format':'uri'}");
    infers("'ftp://quai.example'", "{'type':'string'}");
    infers("1", "{'type':'integer','format':'int32'}");
    infers("-2147483648", "{'type':'integer','format':'int32'}");
    infers("2147483648", "{'type':'integer','format':'int64'}");
    infers("9223372036854775808", "{'type':'number'}");
    infers("1.0", "{'type':'number','format':'double'}");
    infers("1e3", "{'type':'number','format':'double'}");
    infers("true", "{'type':'boolean'}");
    infers("null", "{}");
}

static void objects_and_arrays(void **state RAC_UNUSED)
{
    infers(
        "{'b':1,'a':{}}",
        "{'type':'object','properties':{'b':{'type':'integer','format':'int32','title':'b',"
        "'description':'b'},'a':{'type':'object','title':'a','description':'a','properties':{}}}}");
    infers("{'n':null}", "{'type':'object','properties':{'n':{'title':'n','description':'n'}}}");
    infers("[1]", "{'type':'array','items':{'type':'integer','format':'int32'}}");
    assert_null(loss("RC-INF-01"));
    infers("{'l':[]}", "{'type':'object','properties':{'l':{'type':'array','title':'l',"
                       "'description':'l','items':{}}}}");
    assert_loss("RC-INF-01", "/l");
}

static void merging(void **state RAC_UNUSED)
{
    infers("[1,2.5]", "{'type':'array','items':{'type':'number','format':'double'}}");
    infers("[1,4294967296]", "{'type':'array','items':{'type':'integer','format':'int64'}}");
    infers("['a','2026-11-22']", "{'type':'array','items':{'type':'string'}}");
    infers("[1,'a']", "{'type':'array','items':{}}");
    infers("[1,'a',1]", "{'type':'array','items':{}}"); /* any stays any */
    infers("[null,1]",
           "{'type':'array','items':{'type':'integer','format':'int32','x-nullable':true}}");
    infers("[null]", "{'type':'array','items':{}}");
    infers("[[1],[2.5]]", "{'type':'array','items':{'type':'array','items':{'type':'number',"
                          "'format':'double'}}}");
    infers("[[],[1]]", "{'type':'array','items':{'type':'array','items':{'type':'integer',"
                       "'format':'int32'}}}");
    infers("[{'a':1},{'a':null,'b':true}]",
           "{'type':'array','items':{'type':'object','properties':{'a':{'type':'integer','format':"
           "'int32','title':'a','description':'a','x-nullable':true},'b':{'type':'boolean','title':"
           "'b','description':'b'}}}}");
}

static size_t depth_of(const struct rac_json *s)
{
    size_t n = 1;
    for (const struct rac_json *i = RAC_JSON_GET(RAC_JSON_GET(s, "properties"), "a"); i != NULL;
         i = RAC_JSON_GET(RAC_JSON_GET(i, "properties"), "a"))
        n++;
    return n;
}

static void caps(void **state RAC_UNUSED)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 20);
    for (int i = 0; i < 100; i++)
        rac_buf_add(&b, RAC_S("{\"a\":"));
    rac_buf_add_char(&b, '1');
    for (int i = 0; i < 100; i++)
        rac_buf_add_char(&b, '}');
    struct rac_json v, schema;
    assert_int_equal(rac_json_parse(rac_buf_str(&b), &arena, RAC_JSON_COPY, &v, NULL), RAC_OK);
    assert_int_equal(rac_infer_schema(&v, &arena, &schema, &losses), RAC_OK);
    assert_int_equal(depth_of(&schema), RAC_INFER_DEPTH_MAX);
    assert_non_null(loss("RC-INF-02"));

    rac_buf_clear(&b);
    rac_buf_add_char(&b, '{');
    for (int i = 0; i < 600; i++)
        rac_buf_printf(&b, "%s\"k%d\":%d", i ? "," : "", i, i);
    rac_buf_add_char(&b, '}');
    assert_int_equal(rac_json_parse(rac_buf_str(&b), &arena, RAC_JSON_COPY, &v, NULL), RAC_OK);
    assert_int_equal(rac_infer_schema(&v, &arena, &schema, &losses), RAC_OK);
    assert_int_equal(rac_json_len(RAC_JSON_GET(&schema, "properties")), RAC_INFER_NODES_MAX - 1);
    rac_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(scalars, setup, teardown),
        cmocka_unit_test_setup_teardown(objects_and_arrays, setup, teardown),
        cmocka_unit_test_setup_teardown(merging, setup, teardown),
        cmocka_unit_test_setup_teardown(caps, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
