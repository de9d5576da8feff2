/* The core schema, anchors and their caps, what is refused and where, and places of nodes. */
#include "test_arena.h"

#include "text/yaml.h"

static struct rac_json parsed(const char *text)
{
    struct rac_json v = {0};
    struct rac_json_error where = {0};
    if (rac_yaml_parse(rac_str_of(text), &a, 0, &v, &where) != RAC_OK)
        fail_msg("%s: %s at %u:%u", text, where.message, where.line, where.column);
    return v;
}

#define F64 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static void reads(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "null"},
        {"# nothing\n", "null"},
        {"---\n...\n", "null"},
        {"a: 1\nb: [x, 2.50, {c: d}]\n", "{\"a\":1,\"b\":[\"x\",2.50,{\"c\":\"d\"}]}"},
        {"- ~\n- null\n- Null\n- NULL\n- nUll\n-\n", "[null,null,null,null,\"nUll\",null]"},
        {"[true, True, TRUE, false, yes, no, on, off, y]",
         "[true,true,true,false,\"yes\",\"no\",\"on\",\"off\",\"y\"]"},
        {"[0, -7, +12, 010, 0o17, 0xFF, 0b1, 1_000, 12e03, 0x, 0o8]",
         "[0,-7,12,10,15,255,\"0b1\",\"1_000\",12e03,\"0x\",\"0o8\"]"},
        /* past every number there is: a text */
        {"0x" F64 F64 F64 F64 "f", "\"0x" F64 F64 F64 F64 "f\""},
        {"[1., .5, -.5, +1.5, 00.1, 1.5e+3, -0.0, ., -, +, 1e, 1.2.3, ..]",
         "[1,0.5,-0.5,1.5,0.1,1.5e+3,-0.0,\".\",\"-\",\"+\",\"1e\",\"1.2.3\",\"..\"]"},
        {"[9223372036854775807, 9223372036854775808, -9223372036854775808, "
         "00012345678901234567890]",
         "[9223372036854775807,9223372036854775808,-9223372036854775808,12345678901234567890]"},
        {"['1', \"true\", 'null', \"a\\nb\\u00e9\"]",
         "[\"1\",\"true\",\"null\",\"a\\nb\xc3\xa9\"]"},
        {"2001-01-01: 12:30:45\nd: 2001-12-14t21:59:43.10-05:00",
         "{\"2001-01-01\":\"12:30:45\",\"d\":\"2001-12-14t21:59:43.10-05:00\"}"},
        {"200: a\ntrue: b\nnull: c\n1.0: d\n'404': e\n~: f",
         "{\"200\":\"a\",\"true\":\"b\",\"null\":\"c\",\"1.0\":\"d\",\"404\":\"e\",\"~\":\"f\"}"},
        {"[!!str 1, !!int '7', !!float '1', !!bool 'true', !!null '', ! 12, !!seq [], !!map {}]",
         "[\"1\",7,1,true,null,\"12\",[],{}]"},
        {"t: |\n  a\n  b\nf: >-\n  c\n  d\n", "{\"t\":\"a\\nb\\n\",\"f\":\"c d\"}"},
        {"a: &x {k: [1]}\nb: *x\nc: *x\n",
         "{\"a\":{\"k\":[1]},\"b\":{\"k\":[1]},\"c\":{\"k\":[1]}}"},
        {"a: &x k\n*x : 1\n", "{\"a\":\"k\",\"k\":1}"},
        {"a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}"},
        {"base: &b {x: 1, y: 2}\nm:\n  <<: *b\n  y: 3\n  z: 4\n",
         "{\"base\":{\"x\":1,\"y\":2},\"m\":{\"y\":3,\"z\":4,\"x\":1}}"},
        {"m:\n  <<: [{a: 1, b: 1}, {b: 2, c: 2}]\n  '<<': q\n",
         "{\"m\":{\"<<\":\"q\",\"a\":1,\"b\":1,\"c\":2}}"},
        {"%YAML 1.2\n---\na: b\n...\n", "{\"a\":\"b\"}"},
        {"\xef\xbb\xbf"
         "a: \xc3\xa9\n",
         "{\"a\":\"\xc3\xa9\"}"},
        {"{\"a\":[1,\"b\",null]}", "{\"a\":[1,\"b\",null]}"},
        {"plain text", "\"plain text\""},
        {"d: |-\n  \t\n  x\ny: >\n\n  \tz\n", "{\"d\":\"\\t\\nx\",\"y\":\"\\n\\tz\\n\"}"},
        {"? a\n? b\n", "{\"a\":null,\"b\":null}"},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_json v = parsed(cases[i][0]), strict;
        rac_str text = rac_json_print_str(&v, 0, &a);
        if (!rac_str_eq(text, rac_str_of(cases[i][1])))
            fail_msg("%s: %.*s", cases[i][0], RAC_FMT(text));
        assert_int_equal(rac_json_parse(text, &a, RAC_JSON_REJECT_DUP, &strict, NULL), RAC_OK);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line, column;
        const char *message;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", 3, 1, "this key stands twice in its mapping"},
        {"200: 1\n'200': 3\n", 2, 1, "this key stands twice in its mapping"},
        {"a: !!binary aGk=\n", 1, 4, "this tag is not one of the core schema"},
        {"a: !own x\n", 1, 4, "this tag is not one of the core schema"},
        {"!!set {a}\n", 1, 1, "this tag is not one of the core schema"},
        {"a: !!int x\n", 1, 4, "the value does not fit its tag"},
        {"a: *b\n", 1, 4, "this alias names no anchor before it"},
        {"a: &x [*x]\n", 1, 8, "this alias stands inside its own anchor"},
        {"[a]: 1\n", 1, 1, "a key must be a scalar"},
        {"x: &a [1]\n*a : 1\n", 2, 1, "a key must be a scalar"},
        {"a: 1\n---\nb: 2\n", 2, 1, "there is more than one document"},
        {"a: .inf\n", 1, 4, "JSON has no infinity and no not-a-number"},
        {"a: {<<: 1}\n", 1, 10, "\"<<\" must name a mapping or a list of mappings"},
        {"a: [1, 2\n", 2, 1, NULL},
        {"a: b: c\n", 1, 5, NULL},
        {"a:\n\tb: c\n", 2, 1, NULL},
        {"a: \"x\n", 2, 1, NULL},
        {"\xc3\xa9: \xff\n", 1, 4, "these bytes are not allowed in YAML"},
        {"a: \x01\n", 1, 4, "control characters are not allowed in YAML"},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_json v;
        struct rac_json_error where = {0};
        rac_err e = rac_yaml_parse(rac_str_of(cases[i].text), &a, 0, &v, &where);
        if (e != RAC_E_SYNTAX)
            fail_msg("%s: accepted", cases[i].text);
        if (where.line != cases[i].line || where.column != cases[i].column ||
            (cases[i].message != NULL && strcmp(where.message, cases[i].message) != 0))
            fail_msg("%s: %u:%u %s", cases[i].text, where.line, where.column, where.message);
    }
}

static void lenient(void **state)
{
    (void)state;
    struct rac_json v;
    struct rac_diags repairs;
    rac_diags_init(&repairs, &a, 10);
    rac_str text = RAC_S("a: \xe9\nb: -.INF\nc: d\n");
    assert_int_equal(rac_yaml_parse(text, &a, 0, &v, NULL), RAC_E_SYNTAX);
    assert_int_equal(rac_yaml_parse_lenient(text, &a, &v, &repairs, NULL), RAC_OK);
    assert_str(rac_json_print_str(&v, 0, &a), "{\"a\":\"\xef\xbf\xbd\",\"b\":null,\"c\":\"d\"}");
    assert_int_equal(repairs.n, 2);
    assert_int_equal(repairs.v[0].line, 1);
    assert_int_equal(repairs.v[0].column, 4);
    assert_int_equal(repairs.v[1].line, 2);
    assert_int_equal(repairs.v[1].column, 4);
    uint32_t line, column;
    rac_json_place(text, RAC_JSON_GET(&v, "c")->pos - 1, &line, &column);
    assert_int_equal(line, 3);
    assert_int_equal(column, 4);
}

static void places(void **state)
{
    (void)state;
    rac_str text = RAC_S("\xef\xbb\xbf# \xc3\xa9\xe2\x82\xac\na:\n  \xc3\xa9z: 1\n  c: {d: 'x'}\n");
    struct rac_json v;
    assert_int_equal(rac_yaml_parse(text, &a, 0, &v, NULL), RAC_OK);
    static const struct {
        const char *pointer;
        unsigned line, column;
    } cases[] = {
        {"", 2, 1}, {"/a", 3, 3}, {"/a/\xc3\xa9z", 3, 7}, {"/a/c", 4, 6}, {"/a/c/d", 4, 10}};
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        const struct rac_json *n = rac_json_pointer_get(&v, rac_str_of(cases[i].pointer));
        uint32_t line, column;
        assert_non_null(n);
        assert_true(n->pos > 0);
        rac_json_place(text, n->pos - 1, &line, &column);
        if (line != cases[i].line || column != cases[i].column)
            fail_msg("%s: %u:%u", cases[i].pointer, line, column);
    }
    const struct rac_json *c = rac_json_pointer_get(&v, RAC_S("/a/c"));
    assert_int_equal(text.p[c->object->end_pos - 1], '}');
    const struct rac_json_member *m = rac_json_member(c, RAC_S("d"));
    assert_int_equal(text.p[m->key_pos - 1], 'd');
}

static void bombs(void **state)
{
    (void)state;
    struct rac_json v;
    struct rac_json_error where;
    struct rac_buf b;
    rac_buf_init(&b, 8 << 20);
    /* a billion of "lol" out of nine lines */
    RAC_BUF_ADD_LIT(&b, "a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n");
    for (int i = 1; i < 10; i++)
        rac_buf_printf(&b, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i,
                       i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_int_equal(rac_yaml_parse(rac_buf_str(&b), &a, 0, &v, &where), RAC_E_LIMIT);
    assert_true(where.line > 4);
    /* depth through aliases and without them */
    rac_buf_clear(&b);
    RAC_BUF_ADD_LIT(&b, "a0: &a0 [1]\n");
    for (int i = 1; i < RAC_JSON_DEPTH_MAX; i++)
        rac_buf_printf(&b, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    assert_int_equal(rac_yaml_parse(rac_buf_str(&b), &a, 0, &v, &where), RAC_E_LIMIT);
    rac_buf_clear(&b);
    for (int i = 0; i < 100000; i++)
        rac_buf_add_char(&b, '[');
    assert_int_not_equal(rac_yaml_parse(rac_buf_str(&b), &a, 0, &v, &where), RAC_OK);
    /* one long string, many times: shared, not copied */
    rac_buf_clear(&b);
    RAC_BUF_ADD_LIT(&b, "- &s \"");
    for (int i = 0; i < 100000; i++)
        rac_buf_add_char(&b, 'x');
    RAC_BUF_ADD_LIT(&b, "\"\n");
    for (int i = 0; i < 50000; i++)
        RAC_BUF_ADD_LIT(&b, "- *s\n");
    rac_arena_reset(&a);
    assert_int_equal(rac_yaml_parse(rac_buf_str(&b), &a, 0, &v, &where), RAC_OK);
    assert_int_equal(rac_json_len(&v), 50001);
    assert_true(a.used_bytes < 16 << 20);
    rac_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(lenient, setup, teardown),
        cmocka_unit_test_setup_teardown(places, setup, teardown),
        cmocka_unit_test_setup_teardown(bombs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
