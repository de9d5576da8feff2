/* Parser, printer, getters, builder and pointers; and every case of the json-parsing corpus. */
#include "test_arena.h"

#include "files.h"
#include "json/json.h"
#include <math.h>

static struct rac_json parsed(const char *text)
{
    struct rac_json v = {0};
    struct rac_json_error where = {0};
    rac_err e = rac_json_parse(rac_str_of(text), &a, 0, &v, &where);
    if (e != RAC_OK)
        fail_msg("%s: %s at %u:%u", text, where.message, where.line, where.column);
    return v;
}

static rac_str printed(const struct rac_json *v, unsigned flags)
{
    return rac_json_print_str(v, flags, &a);
}

static void round_trips(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "null",
        "true",
        "false",
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "-0",
        "1.50",
        "1E+2",
        "\"\"",
        "\"a\"",
        "[]",
        "{}",
        "[1,[2,[3]],{}]",
        "{\"b\":1,\"a\":{\"c\":[true,false,null]}}",
        "\"0123456789abcdef0123456789abcdef\"",
        "\"0123456789abcde\\n0123456789abcdef\\\"x\"",
        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
    };
    for (size_t i = 0; i < RAC_COUNT(texts); i++) {
        struct rac_json v = parsed(texts[i]);
        assert_str(printed(&v, 0), texts[i]);
        struct rac_json c = rac_json_copy(&a, &v);
        assert_true(rac_json_equal(&v, &c));
        assert_str(printed(&c, 0), texts[i]);
    }
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rac_json_type type;
        double d;
        int64_t i;
    } cases[] = {
        {"12", RAC_JSON_INT, 12, 12},
        {"-12", RAC_JSON_INT, -12, -12},
        {"1.0", RAC_JSON_NUMBER, 1, 1},
        {"0.1", RAC_JSON_NUMBER, 0.1, -99},
        {"123456.789", RAC_JSON_NUMBER, 123456.789, -99},
        {"1e3", RAC_JSON_NUMBER, 1000, 1000},
        {"-2.5E-3", RAC_JSON_NUMBER, -0.0025, -99},
        {"18446744073709551616", RAC_JSON_NUMBER, 18446744073709551616.0, -99},
        {"1.7976931348623157e308", RAC_JSON_NUMBER, 1.7976931348623157e308, -99},
        {"5e-324", RAC_JSON_NUMBER, 5e-324, -99},
        {"0.30000000000000004", RAC_JSON_NUMBER, 0.30000000000000004, -99},
        {"9007199254740993", RAC_JSON_INT, 9007199254740992.0, 9007199254740993},
        {"0.00000000000000000000000000000000000000000000000000000000000000000000012",
         RAC_JSON_NUMBER, 1.2e-70, -99},
        {"-9223372036854775809", RAC_JSON_NUMBER, -9223372036854775809.0, INT64_MIN},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_json v = parsed(cases[i].text);
        assert_int_equal(v.type, cases[i].type);
        assert_true(rac_json_double(&v, -1) == cases[i].d);
        assert_true(rac_json_int(&v, -99) == cases[i].i);
    }
    static const struct {
        double d;
        const char *text;
    } doubles[] = {{0.1, "0.1"},
                   {1, "1"},
                   {-0.0, "-0"},
                   {1e15, "1e+15"},
                   {1.0 / 3, "0.333333333333333314829616256247"},
                   {1e300, "1e+300"},
                   {0.30000000000000004, "0.30000000000000004"},
                   {123456789012, "123456789012"}};
    for (size_t i = 0; i < RAC_COUNT(doubles); i++) {
        struct rac_json v = rac_json_of_double(doubles[i].d);
        rac_str text = printed(&v, 0);
        struct rac_json back = parsed(rac_arena_cstr(&a, text));
        assert_true(rac_json_double(&back, 99) == doubles[i].d);
        if (doubles[i].d != 1.0 / 3)
            assert_str(text, doubles[i].text);
    }
    struct rac_json inf = rac_json_of_double(1e308 * 10);
    assert_str(printed(&inf, 0), "null");
}

static void equality(void **state)
{
    (void)state;
    static const struct {
        const char *x, *y;
        bool equal;
    } cases[] = {{"1", "1.0", true},
                 {"100", "1e2", true},
                 {"1.10", "1.1", true},
                 {"0", "-0", true},
                 {"0.0", "0", true},
                 {"10", "1", false},
                 {"123456789012345678901", "123456789012345678901.0", true},
                 {"123456789012345678901", "123456789012345678902", false},
                 {"9007199254740993", "9007199254740992", false},
                 {"\"1\"", "1", false},
                 {"false", "0", false},
                 {"null", "false", false},
                 {"{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}", true},
                 {"{\"a\":1}", "{\"a\":1,\"b\":1}", false},
                 {"[1,2]", "[2,1]", false}};
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_json x = parsed(cases[i].x), y = parsed(cases[i].y);
        if (rac_json_equal(&x, &y) != cases[i].equal || rac_json_equal(&y, &x) != cases[i].equal)
            fail_msg("%s %s", cases[i].x, cases[i].y);
    }
}

static void places(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line, column;
        const char *message;
    } cases[] = {
        {"", 1, 1, "the text ends where a value is expected"},
        {"{\"a\": 1\n \"b\": 2}", 2, 2, "a comma or a closing brace is expected here"},
        {"[1\n  2]", 2, 3, "a comma or a closing bracket is expected here"},
        {"{\"a\" 1}", 1, 6, "a colon is expected after the key"},
        {"{a: 1}", 1, 2, "a key in double quotes is expected here"},
        {"[\"\xc3\xa9\xc3\xa9\" x]", 1, 7, "a comma or a closing bracket is expected here"},
        {"[1,\n2,\n]", 2, 2, "a comma must not stand before a closing bracket"},
        {"[1", 1, 3, "the text ends inside an array"},
        {"{\"a", 1, 4, "the text ends inside a string"},
        {"{} {}", 1, 4, "there is more text behind the value"},
        {"[01]", 1, 2, "a number must not begin with a zero"},
        {"[\"\\x\"]", 1, 3, "a backslash must be followed by one of \" \\ / b f n r t u"},
        {"[\"a\tb\"]", 1, 4, "control characters must be escaped in a string"},
        {"[\"\xff\"]", 1, 3, "these bytes are not UTF-8"},
        {"// x\n1", 1, 1, "comments are not allowed in JSON"},
        {"\xef\xbb\xbf{}", 1, 1, "the text begins with a byte-order mark"},
        {"['a']", 1, 2, "strings are written in double quotes"},
        {"[\"\\ud800\"]", 1, 3, "this is half a surrogate pair, which is no character"},
        {"[1}", 1, 3, "a comma or a closing bracket is expected here"},
        {"[1,,2]", 1, 4, "a value is expected before this comma"},
        {"[tru]", 1, 2, "a value is expected here"},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_json v;
        struct rac_json_error where = {0};
        rac_err e = rac_json_parse(rac_str_of(cases[i].text), &a, 0, &v, &where);
        assert_int_equal(e, RAC_E_SYNTAX);
        if (where.line != cases[i].line || where.column != cases[i].column ||
            strcmp(where.message, cases[i].message) != 0)
            fail_msg("%s: %u:%u %s", cases[i].text, where.line, where.column, where.message);
    }
    rac_str text = RAC_S("{\n  \"a\": [10, {\"b\": \"x\"}]\n}");
    struct rac_json v;
    assert_int_equal(rac_json_parse(text, &a, 0, &v, NULL), RAC_OK);
    const struct rac_json *b = rac_json_pointer_get(&v, RAC_S("/a/1/b"));
    uint32_t line, column;
    rac_json_place(text, b->pos - 1, &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 19);
    rac_json_place(text, v.object->end_pos - 1, &line, &column);
    assert_int_equal(line, 3);
    assert_int_equal(column, 1);
    assert_int_equal(rac_json_member_at(&v, 0)->key_pos - 1, 4);
}

static void lenient(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
        unsigned repairs, line, column; /* place of the first */
    } cases[] = {
        {"\xef\xbb\xbf{\"a\":1}", "{\"a\":1}", 1, 1, 1},
        {"{ // one\n \"a\": 1, /* two */ \"b\": [1, 2, ], }", "{\"a\":1,\"b\":[1,2]}", 4, 1, 3},
        {"{\"a\":\"x\ty\"}", "{\"a\":\"x\\ty\"}", 1, 1, 8},
        {"[\"caf\xe9\"]", "[\"caf\xef\xbf\xbd\"]", 1, 1, 6},
        {"[\"\xe2\x82z\xff\xff\"]", "[\"\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\"]", 3, 1, 3},
        {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}", 1, 1, 14},
        {"/**/[/**/1/**/,/**/2/**/]/**/", "[1,2]", 6, 1, 1},
        {"/**/{/**/\"a\"/**/:/**/1/**/,/**/\"b\":2/**/}//", "{\"a\":1,\"b\":2}", 8, 1, 1},
        {"[\"\\ud83dx\"]", "[\"\xef\xbf\xbdx\"]", 1, 1, 3},
        {"// only\n// comments\n 1 // end", "1", 3, 1, 1},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_json v;
        struct rac_json_error where = {0};
        struct rac_diags repairs;
        rac_diags_init(&repairs, &a, 100);
        rac_str text = rac_str_of(cases[i].text);
        assert_int_not_equal(rac_json_parse(text, &a, RAC_JSON_REJECT_DUP, &v, &where), RAC_OK);
        rac_err e = rac_json_parse_lenient(text, &a, &v, &repairs, &where);
        if (e != RAC_OK)
            fail_msg("%s: %s", cases[i].text, where.message);
        assert_str(printed(&v, 0), cases[i].want);
        if (repairs.n != cases[i].repairs || repairs.v[0].line != cases[i].line ||
            repairs.v[0].column != cases[i].column)
            fail_msg("%s: %zu repairs, first at %u:%u", cases[i].text, repairs.n, repairs.v[0].line,
                     repairs.v[0].column);
        assert_string_equal(repairs.v[0].code, "RC-JSON-01");
        assert_int_equal(repairs.errors_total, 0);
        /* What Raccord writes is strict. */
        rac_str strict = printed(&v, 0);
        assert_int_equal(rac_json_parse(strict, &a, RAC_JSON_REJECT_DUP, &v, NULL), RAC_OK);
    }
    static const char *const refused[] = {
        "{\"a\":1 \"b\":2}", "{a:1}",     "['a']", "[1,,2]", "[,1]",
        "/* open",           "[\"\\q\"]", "[1]]",  "+1",     "[1,2"};
    for (size_t i = 0; i < RAC_COUNT(refused); i++) {
        struct rac_json v;
        struct rac_json_error where = {0};
        assert_int_equal(rac_json_parse_lenient(rac_str_of(refused[i]), &a, &v, NULL, &where),
                         RAC_E_SYNTAX);
        assert_true(where.line >= 1 && where.column >= 1 && where.message != NULL);
    }
}

static void depth(void **state)
{
    (void)state;
    enum { DEEP = 10000 };
    char *text = rac_arena_alloc(&a, 2 * DEEP + 1);
    struct rac_json v;
    struct rac_json_error where;
    memset(text, '[', DEEP);
    memset(text + DEEP, ']', DEEP);
    assert_int_equal(rac_json_parse((rac_str){text, 2 * DEEP}, &a, 0, &v, &where), RAC_E_LIMIT);
    assert_int_equal(where.column, RAC_JSON_DEPTH_MAX + 1);
    size_t n = RAC_JSON_DEPTH_MAX;
    assert_int_equal(rac_json_parse((rac_str){text + DEEP - n, 2 * n}, &a, 0, &v, NULL), RAC_OK);
    rac_str back = printed(&v, 0);
    assert_true(rac_str_eq(back, (rac_str){text + DEEP - n, 2 * n}));
    struct rac_json c = rac_json_copy(&a, &v);
    assert_true(rac_json_equal(&c, &v));

    /* what was put into something since is read back */
    n = RAC_JSON_OWN_DEPTH_MAX;
    assert_int_equal(rac_json_parse((rac_str){text + DEEP - n, 2 * n}, &a, 0, &v, NULL),
                     RAC_E_LIMIT);
    assert_int_equal(rac_json_parse((rac_str){text + DEEP - n, 2 * n}, &a, RAC_JSON_OWN, &v, NULL),
                     RAC_OK);
    back = printed(&v, 0);
    assert_true(rac_str_eq(back, (rac_str){text + DEEP - n, 2 * n}));
    assert_int_equal(rac_json_parse((rac_str){text, 2 * DEEP}, &a, RAC_JSON_OWN, &v, &where),
                     RAC_E_LIMIT);
    assert_int_equal(where.column, n + 1);
}

static void memory_cap(void **state)
{
    (void)state;
    struct rac_arena small;
    rac_arena_init(&small, 100000);
    size_t n = 200001;
    char *text = rac_arena_alloc(&a, n);
    for (size_t i = 0; i < n; i++)
        text[i] = i == 0 ? '[' : i == n - 1 ? ']' : i % 2 ? '1' : ',';
    struct rac_json v;
    struct rac_json_error where;
    assert_int_equal(rac_json_parse((rac_str){text, n}, &small, 0, &v, &where), RAC_E_LIMIT);
    rac_arena_fini(&small);
    rac_arena_init(&small, 1000);
    assert_int_equal(rac_json_parse((rac_str){text, n}, &small, RAC_JSON_COPY, &v, &where),
                     RAC_E_LIMIT);
    rac_arena_fini(&small);
}

static void large_objects(void **state)
{
    (void)state;
    enum { N = 50000 };
    struct rac_json o = rac_json_new_object(&a);
    for (int64_t i = 0; i < N; i++) {
        rac_str key = rac_arena_printf(&a, "key%lld", (long long)(i % (N / 2)));
        rac_json_put(&a, &o, key, rac_json_of_int(i));
    }
    assert_int_equal(rac_json_len(&o), N / 2);
    assert_int_equal(rac_json_int(RAC_JSON_GET(&o, "key7"), 0), 7 + N / 2);
    assert_null(RAC_JSON_GET(&o, "key"));
    assert_true(rac_json_del(&o, RAC_S("key0")));
    assert_false(rac_json_del(&o, RAC_S("key0")));
    assert_int_equal(rac_json_int(RAC_JSON_GET(&o, "key24999"), 0), N - 1);
    rac_str text = printed(&o, 0);
    struct rac_json v, twice;
    assert_int_equal(rac_json_parse(text, &a, RAC_JSON_REJECT_DUP, &v, NULL), RAC_OK);
    assert_true(rac_json_equal(&o, &v));
    assert_non_null(v.object->slots);
    /* the same members again: last wins, in the place of the first */
    rac_str half = rac_str_sub(text, 0, text.n - 1);
    rac_str dup = rac_str_concat(&a, half, RAC_S(",\"key5\":0,\"key1\":{}}"));
    assert_int_equal(rac_json_parse(dup, &a, RAC_JSON_REJECT_DUP, &twice, NULL), RAC_E_SYNTAX);
    assert_int_equal(rac_json_parse(dup, &a, 0, &twice, NULL), RAC_OK);
    assert_int_equal(rac_json_len(&twice), rac_json_len(&v));
    assert_int_equal(rac_json_int(RAC_JSON_GET(&twice, "key5"), 1), 0);
    assert_true(rac_json_is_object(&rac_json_member_at(&twice, 0)->value));
    struct rac_json c = rac_json_copy(&a, &v);
    assert_int_equal(rac_json_int(RAC_JSON_GET(&c, "key24999"), 0), N - 1);
    rac_json_put(&a, &c, RAC_S("new"), rac_json_of_null());
    assert_non_null(RAC_JSON_GET(&c, "new"));
    assert_null(RAC_JSON_GET(&v, "new"));
}

static void getters(void **state)
{
    (void)state;
    struct rac_json v =
        parsed("{\"Ab\":1,\"s\":\"x\",\"t\":true,\"f\":false,\"n\":null,\"\":2,\"l\":[1,2]}");
    assert_int_equal(rac_json_int(RAC_JSON_GET(&v, "Ab"), 0), 1);
    assert_null(RAC_JSON_GET(&v, "ab"));
    assert_int_equal(rac_json_int(rac_json_geti(&v, RAC_S("aB")), 0), 1);
    assert_int_equal(rac_json_int(RAC_JSON_GET(&v, ""), 0), 2);
    assert_str(rac_json_str(RAC_JSON_GET(&v, "s"), RAC_S("y")), "x");
    assert_str(rac_json_str(RAC_JSON_GET(&v, "t"), RAC_S("y")), "y");
    assert_str(rac_json_str(NULL, RAC_S("y")), "y");
    assert_true(rac_json_bool(RAC_JSON_GET(&v, "t"), false));
    assert_false(rac_json_bool(RAC_JSON_GET(&v, "f"), true));
    assert_true(rac_json_is_null(RAC_JSON_GET(&v, "n")));
    assert_int_equal(rac_json_len(NULL), 0);
    assert_null(rac_json_get(NULL, RAC_S("x")));
    assert_null(rac_json_at(&v, 0));
    assert_str(rac_json_type_name(RAC_JSON_GET(&v, "l")), "array");
    assert_str(rac_json_type_name(NULL), "nothing");
    int64_t sum = 0;
    RAC_JSON_EACH(e, RAC_JSON_GET(&v, "l"))
    sum += e->i;
    assert_int_equal(sum, 3);
    size_t members = 0;
    RAC_JSON_EACH_MEMBER(m, &v)
    members += rac_json_key(m).n;
    assert_int_equal(members, 7);
}

static void pointers(void **state)
{
    (void)state;
    /* the examples of RFC 6901 §5 */
    struct rac_json v = parsed("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,"
                               "\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}");
    static const struct {
        const char *pointer;
        int64_t i;
    } cases[] = {{"/", 0},     {"/a~1b", 1}, {"/c%d", 2}, {"/e^f", 3}, {"/g|h", 4},
                 {"/i\\j", 5}, {"/k\"l", 6}, {"/ ", 7},   {"/m~0n", 8}};
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_json *got = rac_json_pointer_get(&v, rac_str_of(cases[i].pointer));
        assert_int_equal(rac_json_int(got, -1), cases[i].i);
        assert_str(rac_json_pointer_of(&a, &v, got), cases[i].pointer);
    }
    assert_ptr_equal(rac_json_pointer_get(&v, RAC_S("")), &v);
    assert_str(rac_json_str(rac_json_pointer_get(&v, RAC_S("/foo/1")), RAC_S("")), "baz");
    assert_str(rac_json_pointer_of(&a, &v, rac_json_pointer_get(&v, RAC_S("/foo/1"))), "/foo/1");
    static const char *const none[] = {"/foo/2", "/foo/01",  "/foo/-", "/foo/x",
                                       "foo",    "/foo/0/x", "/b"};
    for (size_t i = 0; i < RAC_COUNT(none); i++)
        assert_null(rac_json_pointer_get(&v, rac_str_of(none[i])));
    struct rac_json other;
    assert_null(rac_json_pointer_of(&a, &v, &other).p);
    assert_str(rac_json_pointer_join(&a, RAC_S("/paths"), RAC_S("/a~b")), "/paths/~1a~0b");
    assert_str(rac_json_pointer_join_index(&a, RAC_S("/x"), 3), "/x/3");

    struct rac_json o = rac_json_new_object(&a);
    assert_true(rac_json_pointer_put(&a, &o, RAC_S("/a/b~1c"), rac_json_of_int(1)));
    assert_true(rac_json_pointer_put(&a, &o, RAC_S("/l"), rac_json_new_array(&a)));
    assert_true(rac_json_pointer_put(&a, &o, RAC_S("/l/-/x"), rac_json_of_int(2)));
    assert_true(rac_json_pointer_put(&a, &o, RAC_S("/l/0/x"), rac_json_of_int(3)));
    assert_false(rac_json_pointer_put(&a, &o, RAC_S("/l/5"), rac_json_of_int(2)));
    assert_false(rac_json_pointer_put(&a, &o, RAC_S("/a/b~1c/d"), rac_json_of_int(2)));
    assert_str(printed(&o, 0), "{\"a\":{\"b/c\":1},\"l\":[{\"x\":3}]}");
}

static void printing(void **state)
{
    (void)state;
    struct rac_json v =
        parsed("{\"b\":[1,{}],\"a\":{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\\u0001\\u007f\"},\"e\":[]}");
    assert_str(printed(&v, RAC_JSON_SORTED | RAC_JSON_ASCII),
               "{\"a\":{\"\\u00e9\":\"\\ud83d\\ude00\\u0001\x7f\"},\"b\":[1,{}],\"e\":[]}");
    assert_str(printed(&v, RAC_JSON_PRETTY),
               "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": {\n    \"\xc3\xa9\": "
               "\"\xf0\x9f\x98\x80\\u0001\x7f\"\n  },\n  \"e\": []\n}");
    rac_str whole = printed(&v, 0);
    for (size_t cap = 0; cap <= whole.n; cap++) { /* the cap is exact */
        struct rac_buf b;
        rac_buf_init(&b, cap);
        rac_json_print(&v, 0, &b);
        assert_int_equal(rac_buf_err(&b), cap < whole.n ? RAC_E_LIMIT : RAC_OK);
        if (cap == whole.n)
            assert_true(rac_str_eq(rac_buf_str(&b), whole));
        rac_buf_fini(&b);
    }
    struct rac_buf b;
    rac_buf_init(&b, 1000);
    rac_json_print_string(RAC_S("a\xff\n"), 0, &b);
    assert_str(rac_buf_str(&b), "\"a\xef\xbf\xbd\\n\"");
    rac_buf_fini(&b);
}

/* Every length and offset of special bytes, against the 16-byte steps. */
static void string_lengths(void **state)
{
    (void)state;
    for (size_t n = 0; n < 70; n++)
        for (size_t at = 0; at <= n; at++) {
            char *raw = rac_arena_alloc(&a, n + 1);
            memset(raw, 'x', n);
            if (at < n)
                raw[at] = "\"\\\n\x01\xc3"[n % 5];
            if (at + 1 < n && raw[at] == '\xc3')
                raw[at + 1] = '\xa9';
            else if (at < n && raw[at] == '\xc3')
                raw[at] = 'y';
            struct rac_json s = rac_json_of_str((rac_str){raw, n}), back;
            rac_str text = printed(&s, 0);
            /* exactly sized, so that reading past the end is seen by the sanitizer */
            char *exact = test_malloc(text.n);
            memcpy(exact, text.p, text.n);
            assert_int_equal(rac_json_parse((rac_str){exact, text.n}, &a, 0, &back, NULL), RAC_OK);
            assert_true(rac_json_equal(&s, &back));
            struct rac_json_error where;
            assert_int_equal(rac_json_parse((rac_str){exact, text.n - 1}, &a, 0, &back, &where),
                             RAC_E_SYNTAX);
            test_free(exact);
            rac_arena_reset(&a);
        }
}

/* --- corpus ---------------------------------------------------------------------------------- */

static void corpus(void **state)
{
    (void)state;
    const char *root = getenv("RACCORD_CORPUS");
    rac_str *names;
    const char *dir = rac_arena_printf(&a, "%s/json-parsing", root ? root : "").p;
    size_t n = root == NULL ? 0 : folder_read(&a, dir, ".json", &names);
    if (n == 0) {
        print_message("# json-parsing corpus not present: skipped\n");
        return; /* not skip(): cmocka writes it as "not ok" */
    }
    size_t accepted = 0, refused = 0, either = 0;
    for (size_t i = 0; i < n; i++) {
        const char *name = names[i].p;
        rac_str text = file_read(&a, rac_arena_printf(&a, "%s/%s", dir, name).p);
        struct rac_json v;
        struct rac_json_error where;
        rac_err e = rac_json_parse(text, &a, 0, &v, &where);
        if (name[0] == 'y' && e != RAC_OK)
            fail_msg("%s: %s", name, where.message);
        if (name[0] == 'n' && e == RAC_OK)
            fail_msg("%s: accepted", name);
        if (e == RAC_OK) {
            struct rac_json again;
            rac_str back = printed(&v, 0);
            assert_int_equal(rac_json_parse(back, &a, 0, &again, NULL), RAC_OK);
            assert_true(rac_json_equal(&v, &again));
        }
        (void)!rac_json_parse_lenient(text, &a, &v, NULL, &where);
        accepted += name[0] == 'y';
        refused += name[0] == 'n';
        either += name[0] == 'i';
    }
    print_message("# json-parsing: %zu accepted, %zu refused, %zu either way\n", accepted, refused,
                  either);
    assert_true(accepted > 90 && refused > 180);
}

/* The shortest of 15 to 17 digits that is read back as the same number. */
static void must_print_shortest(double d)
{
    char want[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(want, sizeof want, "%.*g", digits, d);
        if (strtod(want, NULL) == d)
            break;
    }
    struct rac_json v = rac_json_of_double(d);
    assert_str(printed(&v, 0), want);
}

static void prints_doubles(void **state)
{
    (void)state;
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    uint64_t x = 88172645463325252u, bits;
    for (int i = 0; i < 200000; i++) {
        double d;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        rac_arena_reset(&a);
        d = (double)((x >> 8) % (uint64_t)powers[x % 8] * 1000001 % 1000000000000000) + 0.5;
        must_print_shortest(d / powers[x / 8 % 8]);
        d = (double)(int64_t)(x % 2000000000000001) / powers[1 + x / 64 % 7];
        must_print_shortest(i % 2 ? -d : d);
        must_print_shortest(nextafter(d, 0));
        bits = x;
        memcpy(&d, &bits, sizeof d);
        if (isfinite(d) && (fabs(d) >= 1e15 || d != floor(d)))
            must_print_shortest(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(prints_doubles, setup, teardown),
        cmocka_unit_test_setup_teardown(round_trips, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(equality, setup, teardown),
        cmocka_unit_test_setup_teardown(places, setup, teardown),
        cmocka_unit_test_setup_teardown(lenient, setup, teardown),
        cmocka_unit_test_setup_teardown(depth, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_cap, setup, teardown),
        cmocka_unit_test_setup_teardown(large_objects, setup, teardown),
        cmocka_unit_test_setup_teardown(getters, setup, teardown),
        cmocka_unit_test_setup_teardown(pointers, setup, teardown),
        cmocka_unit_test_setup_teardown(printing, setup, teardown),
        cmocka_unit_test_setup_teardown(string_lengths, setup, teardown),
        cmocka_unit_test_setup_teardown(corpus, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
