/* Percent-encoding, parts, references and query strings. */
#include "test_arena.h"

#include "text/url.h"

static void encoding(void **state)
{
    (void)state;
    assert_str(rac_url_encode(&a, RAC_S("A z-_.!~*'()/?&=+%\xc3\xa9#[]@:$,;\"<>\\^`{|}")),
               "A%20z-_.!~*'()%2F%3F%26%3D%2B%25%C3%A9%23%5B%5D%40%3A%24%2C%3B%22%3C%3E%5C%5E%60%"
               "7B%7C%7D");
    assert_str(rac_url_encode_set(&a, RAC_S("a b~c*d!"), RAC_URL_FORM), "a+b%7Ec*d%21");
    assert_str(rac_url_encode_set(&a, RAC_S("a b~c*d!"), RAC_URL_STRICT), "a%20b~c%2Ad%21");
    assert_str(rac_url_encode_set(&a, RAC_S("/a b/%41/%4/c?"), RAC_URL_PATH),
               "/a%20b/%41/%254/c%3F");
    assert_str(rac_url_encode_set(&a, RAC_S("a=b c&d=?"), RAC_URL_QUERY), "a=b%20c&d=?");
    assert_str(rac_url_encode_set(&a, RAC_S("http://u@[::1]:8/a b?c={d}&e=%zz%20#\xc3\xa9|"),
                                  RAC_URL_WHOLE),
               "http://u@[::1]:8/a%20b?c=%7Bd%7D&e=%zz%20#%C3%A9%7C");
    char every[256];
    for (int i = 0; i < 256; i++)
        every[i] = (char)i;
    rac_str all = {every, 256};
    for (int set = RAC_URL_COMPONENT; set <= RAC_URL_STRICT; set++) {
        rac_str coded = rac_url_encode_set(&a, all, (enum rac_url_set)set), back;
        assert_true(rac_url_decode_strict(&a, coded, set == RAC_URL_FORM, &back));
        assert_true(rac_str_eq(back, all));
    }
    /* in pieces: no escape may be cut in two */
    for (size_t lead = 250; lead < 260; lead++) {
        char *p = rac_arena_alloc(&a, lead + 6);
        memset(p, 'x', lead);
        memcpy(p + lead, "%41%42", 6);
        rac_str s = {p, lead + 6};
        struct rac_buf b;
        rac_buf_init(&b, 10000);
        rac_url_encode_to(&b, s, RAC_URL_PATH);
        assert_true(rac_str_eq(rac_buf_str(&b), s));
        rac_buf_fini(&b);
    }
    assert_str(rac_url_decode(&a, RAC_S("a%20b+c%zz%4"), true), "a b c%zz%4");
    assert_str(rac_url_decode(&a, RAC_S("a+b%2B"), false), "a+b+");
    rac_str out;
    assert_false(rac_url_decode_strict(&a, RAC_S("a%4"), false, &out));
}

static void parts(void **state)
{
    (void)state;
    struct rac_url u;
    assert_true(rac_url_split(RAC_S("HTTP://u:p@Ex.com:8080/a/b;c?x=1?y#f?g#"), &u));
    assert_str(u.scheme, "HTTP");
    assert_str(u.userinfo, "u:p");
    assert_str(u.host, "Ex.com");
    assert_str(u.port, "8080");
    assert_str(u.path, "/a/b;c");
    assert_str(u.query, "x=1?y");
    assert_str(u.fragment, "f?g#");
    assert_str(rac_url_origin(&a, &u), "http://ex.com:8080");
    assert_true(rac_url_split(RAC_S("https://[2001:db8::1]:443?q"), &u));
    assert_str(u.host, "2001:db8::1");
    assert_int_equal(rac_url_port(&u), 443);
    assert_str(u.path, "");
    assert_str(rac_url_origin(&a, &u), "https://[2001:db8::1]");
    assert_str(rac_url_join(&a, &u), "https://[2001:db8::1]:443?q");
    assert_true(rac_url_split(RAC_S("a/b:c"), &u));
    assert_null(u.scheme.p);
    assert_str(u.path, "a/b:c");
    assert_true(rac_url_split(RAC_S("urn:x:y"), &u));
    assert_str(u.path, "x:y");
    static const char *const bad[] = {
        "http://a b/",    "http://a\n/",  "http://a:99999/",     "http://a:b/",
        "http://[::1/",   "http://[x]/",  "1http://a/",          ":a",
        "http://[::1]x/", "http://a\\b/", "http://good\\@evil/", "http://a:+1/"};
    for (size_t i = 0; i < RAC_COUNT(bad); i++)
        if (rac_url_split(rac_str_of(bad[i]), &u))
            fail_msg("%s accepted", bad[i]);
    assert_false(rac_url_split_http(RAC_S("ftp://a/"), &u));
    assert_false(rac_url_split_http(RAC_S("http:///a"), &u));
    assert_false(rac_url_split_http(RAC_S("/a"), &u));
    assert_true(rac_url_split_http(RAC_S("HTTPS://a"), &u));
    static const char *const same[] = {"http://h?q", "http://h/?", "http://h/#", "a?b#c",
                                       "//h:1/x",    "http://u@h", "mailto:a@b", ""};
    for (size_t i = 0; i < RAC_COUNT(same); i++) {
        assert_true(rac_url_split(rac_str_of(same[i]), &u));
        assert_str(rac_url_join(&a, &u), same[i]);
    }
}

static void references(void **state)
{
    (void)state;
    /* RFC 3986 §5.4, base http://a/b/c/d;p?q */
    static const char *const cases[][2] = {
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y#s"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g#s/../x", "http://a/b/c/g#s/../x"},
        {"%2e%2E/g", "http://a/b/g"},
    };
    rac_str out;
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        assert_int_equal(
            rac_url_resolve(RAC_S("http://a/b/c/d;p?q"), rac_str_of(cases[i][0]), &a, &out),
            RAC_OK);
        assert_str(out, cases[i][1]);
    }
    assert_int_equal(rac_url_resolve(RAC_S("http://a"), RAC_S("b"), &a, &out), RAC_OK);
    assert_str(out, "http://a/b");
    assert_int_equal(rac_url_resolve(RAC_S("/a"), RAC_S("b"), &a, &out), RAC_E_SYNTAX);
    assert_int_equal(rac_url_resolve(RAC_S("http://a"), RAC_S("b c"), &a, &out), RAC_E_SYNTAX);
    assert_str(rac_url_remove_dots(&a, RAC_S("mid/content=5/../6")), "mid/6");
    assert_str(rac_url_remove_dots(&a, RAC_S("/a/b/c/./../../g")), "/a/g");
    assert_str(rac_url_remove_dots(&a, RAC_S("/a//../b")), "/a/b");
    assert_str(rac_url_remove_dots(&a, RAC_S("../../a")), "a");
}

static void queries(void **state)
{
    (void)state;
    rac_str rest = RAC_S("&a=1&&b&c=2=3&"), name, value;
    assert_true(rac_url_query_next(&rest, &name, &value));
    assert_str(name, "a");
    assert_str(value, "1");
    assert_true(rac_url_query_next(&rest, &name, &value));
    assert_str(name, "b");
    assert_null(value.p);
    assert_true(rac_url_query_next(&rest, &name, &value));
    assert_str(value, "2=3");
    assert_false(rac_url_query_next(&rest, &name, &value));
    assert_str(rac_url_query_get(&a, RAC_S("x=1&a%20b=c+d"), RAC_S("a b")), "c d");
    assert_str(rac_url_query_get(&a, RAC_S("x&y=1"), RAC_S("x")), "");
    assert_null(rac_url_query_get(&a, RAC_S("x=1"), RAC_S("y")).p);
    assert_str(rac_url_query_add(&a, RAC_S("http://h/p#f"), RAC_S("a b"), RAC_S("1&2")),
               "http://h/p?a%20b=1%262#f");
    assert_str(rac_url_query_add(&a, RAC_S("http://h/p?x=1"), RAC_S("y"), RAC_S("")),
               "http://h/p?x=1&y=");
    assert_str(rac_url_query_set(&a, RAC_S("/p?x=1&y=2&x=3#f"), RAC_S("x"), RAC_S("9 ")),
               "/p?x=9%20&y=2#f");
    assert_str(rac_url_query_set(&a, RAC_S("/p?x=1&y&x=3"), RAC_S("x"), RAC_STR_NULL), "/p?y");
    assert_str(rac_url_query_set(&a, RAC_S("/p?x=1"), RAC_S("x"), RAC_STR_NULL), "/p");
    assert_str(rac_url_query_set(&a, RAC_S("/p"), RAC_S("x"), RAC_S("1")), "/p?x=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(encoding, setup, teardown),
        cmocka_unit_test_setup_teardown(parts, setup, teardown),
        cmocka_unit_test_setup_teardown(references, setup, teardown),
        cmocka_unit_test_setup_teardown(queries, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
