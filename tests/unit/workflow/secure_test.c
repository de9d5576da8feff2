#include "quoted.h"

#include "openapi/read.h"
#include "workflow/definition/secure.h"

#define SECURE(what) "'runtimeConfiguration':{'secureData':{'properties':[" what "]}}"
#define AFTER(x)     "'runAfter':{'" x "':['Succeeded']}"

/* clang-format off */
static const char definition[] =
    "{'$schema':'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/"
    "workflowdefinition.json#','triggers':{'t':{'type':'Request'," SECURE("'outputs'") "}},"
    "'actions':{"
    "'out':{'type':'Http','inputs':{'method':'GET','uri':'https://h'}," SECURE("'Outputs'") "},"
    "'in':{'type':'Http','inputs':{'method':'GET','uri':'https://h'}," SECURE("'inputs'") "},"
    "'both':{'type':'Http','inputs':{'method':'GET','uri':'https://h'},"
    SECURE("'inputs','outputs'") "},"
    "'open':{'type':'Http','inputs':{'method':'GET','uri':'https://h'}},"
    "'reads out':{'type':'Http','inputs':{'method':'POST','uri':'https://h','body':"
    "'x@{body(\"OUT\")}'}," AFTER("out") "},"
    "'reads in':{'type':'Http','inputs':{'method':'POST','uri':'https://h','body':"
    "'@outputs(\"in\")'}," AFTER("in") "},"
    "'reads trigger':{'type':'Http','inputs':{'method':'POST','uri':'https://h','body':"
    "'@triggerBody()'}},"
    "'reads open':{'type':'Http','inputs':{'method':'POST','uri':'https://h','body':"
    "'@body(\"open\")'}," AFTER("open") "},"
    "'composed':{'type':'Compose','inputs':{'a':['@actions(\"out\").outputs']}," AFTER("out") "},"
    "'reads composed':{'type':'Compose','inputs':'@outputs(\"composed\")'," AFTER("composed") "},"
    "'set':{'type':'SetVariable','inputs':{'name':'v','value':'@body(\"both\")'}," AFTER("both")
    "},"
    "'if':{'type':'If','expression':{'equals':['@body(\"out\")',1]},'actions':{}," AFTER("out")
    "},"
    "'scope':{'type':'Scope','actions':{'deep':{'type':'Scope','actions':{'hidden':{'type':'Http',"
    "'inputs':{'method':'GET','uri':'https://h'}," SECURE("'outputs'") "}}}}},"
    "'reads scope':{'type':'Compose','inputs':'@result(\"scope\")'," AFTER("scope") "},"
    "'not settable':{'type':'Compose','inputs':1," SECURE("'outputs'") "},"
    "'wait':{'type':'Wait','inputs':{'interval':{'count':1,'unit':'Second'}},"
    SECURE("'inputs','outputs'") "}"
    "}}";
/* clang-format on */

static void test_plan(void **state)
{
    (void)state;
    static const struct {
        const char *action;
        unsigned bits;
    } want[] = {
        {"out", 2},           {"in", 1},
        {"both", 3},          {"open", 0},
        {"reads out", 1},     {"reads in", 1},
        {"reads trigger", 1}, {"reads open", 0},
        {"composed", 3},      {"reads composed", 0},
        {"set", 3},           {"if", 1},
        {"scope", 0},         {"hidden", 2},
        {"reads scope", 3},   {"not settable", 0},
        {"wait", 1},
    };
    struct rac_document *doc;
    struct rac_workflow *w;
    struct rac_plan *plan;
    struct rac_diags d;
    rac_diags_init(&d, &a, 10);
    assert_int_equal(
        rac_document_read(quotes_swapped(rac_str_of(definition)), RAC_S("w"), &a, &doc, &d),
        RAC_OK);
    assert_int_equal(rac_workflow_of_document(doc, NULL, &a, &w, &d), RAC_OK);
    if (rac_plan_compile(w, &a, &plan, &d) != RAC_OK)
        fail_msg("%.*s: %.*s", RAC_FMT(d.v[0].pointer), RAC_FMT(d.v[0].message));
    const struct rac_secure s = *plan->secure;
    assert_true(s.any);
    assert_int_equal(s.trigger, RAC_SECURE_OUTPUTS);
    for (size_t i = 0; i < RAC_COUNT(want); i++) {
        uint32_t at = rac_plan_find(plan, rac_str_of(want[i].action));
        assert_int_not_equal(at, UINT32_MAX);
        if (s.actions[at] != want[i].bits)
            fail_msg("%s: %u, want %u", want[i].action, s.actions[at], want[i].bits);
    }
    assert_true(rac_secure_settable(RAC_S("Http"), RAC_SECURE_OUTPUTS));
    assert_false(rac_secure_settable(RAC_S("compose"), RAC_SECURE_OUTPUTS));
    assert_false(rac_secure_settable(RAC_S("foreach"), RAC_SECURE_INPUTS));
}

static void test_values(void **state)
{
    (void)state;
    struct rac_json declared = json("{'s':{'type':'securestring'},'d':{'type':'SecureString',"
                                    "'defaultValue':'fallback'},'o':{'type':'SecureObject'},"
                                    "'p':{'type':'String'},'e':{'type':'SecureString'}}"),
                    values = json("{'S':'secret','o':{'a':['inner'],'n':5},'p':'plain','e':''}"),
                    v = json("{'a':'secret','secret':'key stays','b':['plain','fallback',"
                             "{'c':'inner','d':'a secretive one','e':'','n':5}],'x':{'y':1}}");
    const struct rac_secure_values *s = rac_secure_values_of(&declared, &values, &a);
    assert_non_null(s);
    struct rac_json before = rac_json_copy(&a, &v), m = rac_secure_mask(s, &v, &a);
    assert_str(rac_str_replace(&a, rac_json_print_str(&m, 0, &a), RAC_S("\""), RAC_S("'")),
               "{'a':'*sanitized*','secret':'key stays','b':['plain','*sanitized*',"
               "{'c':'*sanitized*','d':'a *sanitized*ive one','e':'','n':5}],'x':{'y':1}}");
    assert_true(rac_json_equal(&before, &v));
    assert_ptr_equal(RAC_JSON_GET(&m, "x")->object, RAC_JSON_GET(&v, "x")->object); /* shared */
    struct rac_json text = json("'secret'");
    m = rac_secure_mask(s, &text, &a);
    assert_str(rac_json_str(&m, RAC_S("")), "*sanitized*");
    struct rac_json none = json("{'p':{'type':'String','defaultValue':'x'}}");
    assert_null(rac_secure_values_of(&none, NULL, &a));
    m = rac_secure_mask(NULL, &v, &a);
    assert_ptr_equal(m.object, v.object);
}

static const struct rac_secure_values *values_of(const char *object)
{
    struct rac_json declared = json("{'o':{'type':'SecureObject'}}"),
                    values = rac_json_new_object(&a);
    RAC_JSON_PUT(&a, &values, "o", json(object));
    return rac_secure_values_of(&declared, &values, &a);
}

/* The text of a value, masked, is the text of the masked value; what is not masked is the same text. */
static void must_mask(const struct rac_secure_values *s, const char *text, const char *want)
{
    rac_str in = rac_arena_str(&a, rac_str_of(text)), out = rac_secure_mask_text(s, in, &a);
    assert_str(out, want);
    if (strcmp(text, want) == 0)
        assert_ptr_equal(out.p, in.p);
    struct rac_json v;
    assert_int_equal(rac_json_parse(in, &a, RAC_JSON_OWN, &v, NULL), RAC_OK);
    assert_int_equal(rac_secure_holds(s, &v, &a), strcmp(text, want) != 0);
}

static void test_texts(void **state)
{
    (void)state;
    const struct rac_secure_values *s =
        values_of("{'a':'top secret/1','b':'xy','c':'line\\n\\u0001two','d':'secret/1 "
                  "and','e':'\u00e9t\u00e9 2026'}");
    must_mask(s, "[\"nothing\",{\"xy\":1,\"top secret/1\":2}]",
              "[\"nothing\",{\"xy\":1,\"top secret/1\":2}]");
    must_mask(s, "[\"xy\",\"xyz\",\"a xy\"]", "[\"*sanitized*\",\"xyz\",\"a xy\"]");
    must_mask(s, "\"the top secret/1.\"", "\"the *sanitized*.\"");
    must_mask(s, "\"top secret/1top secret/1\"", "\"*sanitized**sanitized*\"");
    must_mask(s, "\"a top secret/1 and b\"", "\"a *sanitized* b\""); /* two that overlap */
    must_mask(s, "\"top%20secret%2F1\"", "\"*sanitized*\"");         /* a whole one, encoded */
    must_mask(s, "\"?q=top+secret%2F1&r\"", "\"?q=*sanitized*&r\"");
    must_mask(s, "\"a line\\n\\u0001two\"", "\"a *sanitized*\"");
    must_mask(s, "\"{\\\"v\\\":\\\"line\\\\n\\\\u0001two\\\"}\"",
              "\"{\\\"v\\\":\\\"*sanitized*\\\"}\"");
    /* spelt otherwise than we print it */
    must_mask(s, "\"the top secret\\/1\"", "\"the *sanitized*\"");
    must_mask(s, "\"the \\u0074op secret/1\"", "\"the *sanitized*\"");
    must_mask(s, "\"a line\\u000a\\u0001two\"", "\"a *sanitized*\"");
    must_mask(s, "\"in \\u00e9t\\u00E9 2026\"", "\"in *sanitized*\"");
    must_mask(s, "\"a \\u001F b \\u001f c\"", "\"a \\u001F b \\u001f c\"");
}

/* More than are looked for inside of strings: whole ones are found all the same. */
static void test_many(void **state)
{
    (void)state;
    struct rac_json o = rac_json_new_object(&a);
    for (unsigned i = 0; i < 1000; i++)
        rac_json_put(&a, &o, rac_arena_printf(&a, "k%u", i),
                     rac_json_of_str(rac_arena_printf(&a, "secret number %u", i)));
    struct rac_json declared = json("{'o':{'type':'SecureObject'}}"),
                    values = rac_json_new_object(&a);
    RAC_JSON_PUT(&a, &values, "o", o);
    const struct rac_secure_values *s = rac_secure_values_of(&declared, &values, &a);
    for (unsigned i = 0; i < 1000; i += 7) {
        rac_str text = rac_arena_printf(&a, "[\"secret number %u\",1]", i);
        assert_str(rac_secure_mask_text(s, text, &a), "[\"*sanitized*\",1]");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plan), cmocka_unit_test(test_values),
                                       cmocka_unit_test(test_texts), cmocka_unit_test(test_many)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
