/* Expressions part by part: what is a part, what it came to, what is not reached or not told. */
#include "unit.h"

#include "base/buf.h"
#include "base/env.h"
#include "expr/trace.h"

static struct rac_arena a;

static bool get(void *self RAC_UNUSED, enum rac_expr_ref ref, rac_str name, struct rac_arena *room,
                struct rac_json *out)
{
    *out = rac_json_new_object(room);
    if (ref == RAC_EXPR_REF_TRIGGER) {
        struct rac_json outputs = rac_json_new_object(room), body = rac_json_new_object(room);
        RAC_JSON_PUT(room, &body, "n", rac_json_of_int(3));
        RAC_JSON_PUT_STR(room, &body, "s", RAC_S("text"));
        RAC_JSON_PUT(room, &outputs, "body", body);
        RAC_JSON_PUT(room, out, "outputs", outputs);
        return true;
    }
    if (ref == RAC_EXPR_REF_PARAMETERS || ref == RAC_EXPR_REF_VARIABLES) {
        *out = rac_json_of_str(name);
        return true;
    }
    if (ref == RAC_EXPR_REF_CALLBACK_URL)
        *out = rac_json_of_str(RAC_S("https://h"));
    return ref == RAC_EXPR_REF_CALLBACK_URL;
}

static enum rac_expr_shown shown(void *arg RAC_UNUSED, const struct rac_expr_call *c)
{
    return rac_str_eq(c->first, RAC_S("key"))      ? RAC_EXPR_MASKED
           : rac_str_eq(c->first, RAC_S("covert")) ? RAC_EXPR_HIDDEN
                                                   : RAC_EXPR_SHOWN;
}

/* text=value(parts), "*" masked, "#" hidden, "!" failed here, "-" without a value. */
static void print(const struct rac_expr_part *p, struct rac_buf *b)
{
    for (const char *between = ""; p != NULL; p = p->next, between = "; ") {
        rac_buf_add(b, rac_str_of(between));
        rac_buf_add(b, p->text);
        rac_buf_add(b, RAC_S("="));
        if (p->failed)
            rac_buf_add(b, RAC_S("!"));
        else if (p->value.type == RAC_JSON_NONE)
            rac_buf_add(b, RAC_S("-"));
        else if (p->shown != RAC_EXPR_SHOWN)
            rac_buf_add(b, p->shown == RAC_EXPR_MASKED ? RAC_S("*") : RAC_S("#"));
        else
            rac_buf_add(b, rac_json_print_str(&p->value, 0, &a));
        if (p->first == NULL)
            continue;
        rac_buf_add(b, RAC_S("("));
        print(p->first, b);
        rac_buf_add(b, RAC_S(")"));
    }
}

static struct rac_env_fake fake;

static rac_err traced(const struct rac_expr *x, struct rac_expr_trace *t, uint64_t steps_max,
                      struct rac_buf *b)
{
    struct rac_env env = rac_env_fake(&fake);
    struct rac_expr_scope scope = {.get = get};
    struct rac_expr_run run = {
        .scope = &scope, .env = &env, .a = &a, .limits = {.steps_max = steps_max}};
    struct rac_expr_part root;
    struct rac_json plain;
    rac_err err = rac_expr_trace(x, &run, t, &root);
    rac_buf_init(b, 1 << 20);
    print(root.first, b);
    if (err == RAC_E_LIMIT)
        return err;
    struct rac_expr_error error = run.error;
    run.steps = 0;
    assert_int_equal(rac_expr_eval(x, &run, &plain), err); /* the same as without looking */
    if (err == RAC_OK && root.shown == RAC_EXPR_SHOWN)
        assert_true(rac_expr_equal(&plain, &root.value));
    if (err != RAC_OK)
        assert_str(error.message, rac_arena_cstr(&a, run.error.message));
    return err;
}

static void parts(void **state RAC_UNUSED)
{
    static const struct {
        const char *text, *parts;
    } cases[] = {
        {"@add(1, 2)", ""},
        {"@triggerBody()?['s']", ""},
        {"@concat(triggerBody()?['s'], string(triggerBody().n))",
         "triggerBody()?['s']=\"text\"; "
         "string(triggerBody().n)=\"3\"(triggerBody().n=3)"},
        {"one @{add(1, triggerBody().n)} two @{toUpper('x')}",
         "add(1, triggerBody().n)=4(triggerBody().n=3); toUpper('x')=\"X\""},
        /* a path whose key is made, and one behind something that is no reference */
        {"@length(triggerBody()[concat('s')])",
         "triggerBody()[concat('s')]=\"text\"(concat('s')=\"s\")"},
        {"@length(json('{\"q\":[1,2]}')['q'])",
         "json('{\"q\":[1,2]}')['q']=[1,2](json('{\"q\":[1,2]}')={\"q\":[1,2]})"},
        {"@length(variables(concat('v', 'w')))",
         "variables(concat('v', 'w'))=\"vw\"(concat('v', 'w')=\"vw\")"},
        /* what is not reached */
        {"@if(equals(triggerBody().n, 3), length('a'), int('x'))",
         "equals(triggerBody().n, 3)=true(triggerBody().n=3); length('a')=1; int('x')=-"},
        {"@if(not(true), int('x'), length('ab'))", "not(true)=false; int('x')=-; length('ab')=2"},
        {"@and(not(true), equals(int('x'), 1))",
         "not(true)=false; equals(int('x'), 1)=-(int('x')=-)"},
        {"@or(not(true), not(false), not(int('x')))",
         "not(true)=false; not(false)=true; not(int('x'))=-(int('x')=-)"},
        {"@coalesce(triggerBody()?['x'], string(1), string(2))",
         "triggerBody()?['x']=null; string(1)=\"1\"; string(2)=-"},
        /* failures */
        {"@add(length('a'), div(length('b'), sub(1, 1)))",
         "length('a')=1; div(length('b'), sub(1, 1))=!(length('b')=1; sub(1, 1)=0)"},
        {"@concat(string(1), string(div(4, sub(2, 2))), string(3))",
         "string(1)=\"1\"; string(div(4, sub(2, 2)))=-(div(4, sub(2, 2))=!(sub(2, 2)=0)); "
         "string(3)=-"},
        {"@concat(triggerBody()['nope'], string(1))", "triggerBody()['nope']=!; string(1)=-"},
        {"@concat(outputs('nope')['a'], 'b')", "outputs('nope')['a']=!"},
        {"@concat(nope(string(1)), 'b')", "nope(string(1))=!(string(1)=-)"},
        {"@concat(add(1), 'b')", "add(1)=!"},
        {"@int(string('x'))", "string('x')=\"x\""},
        {"@if(string(1), 1, 2)", "string(1)=\"1\""},
        {"@and(true, string(1))", "string(1)=\"1\""},
        /* what differs from call to call, and what is made from it */
        {"@length(concat(guid(), string(1)))",
         "concat(guid(), string(1))=#(guid()=#; string(1)=\"1\")"},
        {"@greater(length(utcNow()), 1)", "length(utcNow())=#(utcNow()=#)"},
        {"@less(rand(0, 1), 1)", "rand(0, 1)=#"},
        {"@length(concat(getFutureTime(1, 'Day'), getPastTime(1, 'Day')))",
         "concat(getFutureTime(1, 'Day'), getPastTime(1, 'Day'))=#(getFutureTime(1, 'Day')=#; "
         "getPastTime(1, 'Day')=#)"},
        {"@coalesce(appsetting('x'), string(1))", "appsetting('x')=#; string(1)=-"},
        {"@length(listCallbackUrl())", "listCallbackUrl()=#"},
        {"@empty(split(utcNow(), 'x')[0])",
         "split(utcNow(), 'x')[0]=#(split(utcNow(), 'x')=#(utcNow()=#))"},
        /* nor which way they went */
        {"@if(greater(rand(0, 2), 5), string(1), string(2))",
         "greater(rand(0, 2), 5)=#(rand(0, 2)=#); string(1)=-; string(2)=-"},
        {"@or(equals(length(guid()), 36), not(true))",
         "equals(length(guid()), 36)=#(length(guid())=#(guid()=#)); not(true)=-"},
        {"@if(false, guid(), string(1))", "guid()=-; string(1)=\"1\""},
        {"@length(if(false, guid(), string(1)))",
         "if(false, guid(), string(1))=\"1\"(guid()=-; string(1)=\"1\")"},
        /* secrets */
        {"@length(concat(parameters('key'), parameters('open')))",
         "concat(parameters('key'), parameters('open'))=#(parameters('key')=*; "
         "parameters('open')=\"open\")"},
        {"@equals(parameters('key'), 1)", "parameters('key')=*"},
        {"@concat(parameters('covert'), if(equals(parameters('key'), 'key'), string(1), 'b'))",
         "parameters('covert')=#; if(equals(parameters('key'), 'key'), string(1), 'b')=#("
         "equals(parameters('key'), 'key')=#(parameters('key')=*); string(1)=-)"},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_expr_trace t = {.shown = shown, .parts_max = 100};
        const struct rac_expr *x;
        struct rac_buf b;
        rac_arena_init(&a, 8 << 20);
        assert_int_equal(
            rac_expr_compile(rac_str_of(cases[i].text), RAC_EXPR_TOLERANT, &a, &x, NULL), RAC_OK);
        (void)traced(x, &t, 0, &b);
        assert_str(rac_buf_str(&b), cases[i].parts);
        rac_buf_fini(&b);
        rac_arena_fini(&a);
    }
}

/* Of what triggerBody() comes to, "text" is a secret. */
static bool secret(void *arg RAC_UNUSED, const struct rac_json *v)
{
    return rac_str_find(rac_json_print_str(v, 0, &a), RAC_S("\"text\"")) != RAC_STR_NPOS;
}

static void secrets(void **state RAC_UNUSED)
{
    static const struct {
        const char *text, *parts;
        size_t parts_max;
    } cases[] = {
        {"@concat(base64(triggerBody().s), string(triggerBody().n))",
         "base64(triggerBody().s)=#(triggerBody().s=#); "
         "string(triggerBody().n)=\"3\"(triggerBody().n=3)",
         100},
        {"@length(string(triggerBody()))", "string(triggerBody())=#(triggerBody()=#)", 100},
        {"@length(if(equals(triggerBody().s, 'a'), 'b', 'c'))",
         "if(equals(triggerBody().s, 'a'), 'b', 'c')=#("
         "equals(triggerBody().s, 'a')=#(triggerBody().s=#))",
         100},
        {"@length(concat(base64(triggerBody().s)))", "concat(base64(triggerBody().s))=#", 1},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_expr_trace t = {
            .shown = shown, .secret = secret, .parts_max = cases[i].parts_max};
        const struct rac_expr *x;
        struct rac_buf b;
        rac_arena_init(&a, 8 << 20);
        assert_int_equal(rac_expr_compile(rac_str_of(cases[i].text), 0, &a, &x, NULL), RAC_OK);
        assert_int_equal(traced(x, &t, 0, &b), RAC_OK);
        assert_str(rac_buf_str(&b), cases[i].parts);
        rac_buf_fini(&b);
        rac_arena_fini(&a);
    }
}

static void conditions(void **state RAC_UNUSED)
{
    static const char text[] =
        "{\"and\":[{\"equals\":[\"@triggerBody()?['n']\",3]},{\"not\":{\"contains\":[\"x "
        "@{triggerBody().s}\",\"it's\"]}},{\"less\":[\"@int('y')\",1]}]}";
    struct rac_expr_trace t = {.shown = shown, .parts_max = 100};
    const struct rac_expr *x;
    struct rac_json v;
    struct rac_buf b;
    rac_arena_init(&a, 8 << 20);
    assert_int_equal(rac_json_parse(rac_str_of(text), &a, 0, &v, NULL), RAC_OK);
    assert_int_equal(rac_expr_compile_condition(&v, 0, &a, &x, NULL, NULL), RAC_OK);
    assert_int_equal(traced(x, &t, 0, &b), RAC_E_INVALID);
    assert_str(rac_buf_str(&b), "equals(triggerBody()?['n'], 3)=true(triggerBody()?['n']=3); "
                                "not(contains('x @{triggerBody().s}', 'it''s'))=true("
                                "contains('x @{triggerBody().s}', 'it''s')=false("
                                "'x @{triggerBody().s}'=\"x text\"(triggerBody().s=\"text\"))); "
                                "less(int('y'), 1)=-(int('y')=!)");
    rac_buf_fini(&b);
    rac_arena_fini(&a);
}

static void limits(void **state RAC_UNUSED)
{
    const struct rac_expr *x;
    struct rac_buf b, deep;
    rac_arena_init(&a, 8 << 20);
    /* so many parts; what is not listed is evaluated all the same, and what it hides stays so */
    struct rac_expr_trace t = {.shown = shown, .parts_max = 2};
    assert_int_equal(rac_expr_compile(RAC_S("@concat(string(1), string(2), string(3), length(guid("
                                            ")))"),
                                      0, &a, &x, NULL),
                     RAC_OK);
    assert_int_equal(traced(x, &t, 0, &b), RAC_OK);
    assert_str(rac_buf_str(&b), "string(1)=\"1\"; string(2)=\"2\"");
    rac_buf_fini(&b);
    assert_int_equal(rac_expr_compile(RAC_S("@concat(string(length(guid())))"), 0, &a, &x, NULL),
                     RAC_OK);
    t = (struct rac_expr_trace){.shown = shown, .parts_max = 1};
    assert_int_equal(traced(x, &t, 0, &b), RAC_OK);
    assert_str(rac_buf_str(&b), "string(length(guid()))=#");
    rac_buf_fini(&b);
    /* so deep */
    rac_buf_init(&deep, 1 << 16);
    rac_buf_add(&deep, RAC_S("@"));
    for (int i = 0; i < 60; i++)
        rac_buf_add(&deep, RAC_S("string("));
    rac_buf_add(&deep, RAC_S("1"));
    for (int i = 0; i < 60; i++)
        rac_buf_add(&deep, RAC_S(")"));
    assert_int_equal(rac_expr_compile(rac_buf_str(&deep), 0, &a, &x, NULL), RAC_OK);
    t = (struct rac_expr_trace){.shown = shown, .parts_max = 1000};
    assert_int_equal(traced(x, &t, 0, &b), RAC_OK);
    assert_int_equal(t.parts_n, RAC_EXPR_TRACE_DEPTH_MAX);
    rac_buf_fini(&b);
    rac_buf_fini(&deep);
    /* so many steps */
    assert_int_equal(rac_expr_compile(RAC_S("@concat(string(1), string(length(range(0, 5000))))"),
                                      0, &a, &x, NULL),
                     RAC_OK);
    assert_int_equal(traced(x, &t, 1000, &b), RAC_E_LIMIT);
    assert_str(rac_buf_str(&b), "string(1)=\"1\"; string(length(range(0, 5000)))=-(length(range(0, "
                                "5000))=-(range(0, 5000)=-))");
    rac_buf_fini(&b);
    rac_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts),
        cmocka_unit_test(secrets),
        cmocka_unit_test(conditions),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
