/* Media types, content disposition and multipart bodies. */
#include "test_arena.h"

#include "text/mime.h"
#include "text/multipart.h"

static void types(void **state)
{
    (void)state;
    struct rac_mime m;
    assert_true(rac_mime_parse(
        &a, RAC_S(" application/problem+json ; charset=\"ut\\\"f-8\"; ;x;Q=1 "), &m));
    assert_str(m.type, "application");
    assert_str(m.subtype, "problem+json");
    assert_str(m.suffix, "json");
    assert_str(rac_mime_param(&m, RAC_S("Charset")), "ut\"f-8");
    assert_str(rac_mime_param(&m, RAC_S("q")), "1");
    assert_null(rac_mime_param(&m, RAC_S("x")).p);
    static const struct {
        const char *text;
        bool json, xml, text_like;
    } cases[] = {{"application/json", true, false, false},
                 {"Application/JSON;odata.metadata=minimal", true, false, false},
                 {"text/json", true, false, true},
                 {"application/vnd.api+json", true, false, false},
                 {"image/svg+xml", false, true, true},
                 {"application/xml", false, true, true},
                 {"text/html; charset=iso-8859-1", false, false, true},
                 {"application/jsonx", false, false, false},
                 {"image/png", false, false, false},
                 {"model/json", false, false, false}};
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        assert_true(rac_mime_parse(&a, rac_str_of(cases[i].text), &m));
        assert_true(rac_mime_is_json(&m) == cases[i].json);
        assert_true(rac_mime_is_xml(&m) == cases[i].xml);
        assert_true(rac_mime_is_text(&m) == cases[i].text_like);
        assert_true(rac_mime_text_is_json(rac_str_of(cases[i].text)) == cases[i].json);
    }
    static const char *const bad[] = {"",      "text",        "text/",    "/x",
                                      "a b/c", "text/html x", "te\xfft/a"};
    for (size_t i = 0; i < RAC_COUNT(bad); i++)
        assert_false(rac_mime_parse(&a, rac_str_of(bad[i]), &m));
    struct rac_mime any, text;
    assert_true(rac_mime_parse(&a, RAC_S("*"), &any));
    assert_true(rac_mime_parse(&a, RAC_S("TEXT/*"), &text));
    assert_true(rac_mime_parse(&a, RAC_S("text/plain;charset=x"), &m));
    assert_true(rac_mime_match(&any, &m) && rac_mime_match(&text, &m) && rac_mime_match(&m, &m));
    assert_false(rac_mime_match(&m, &text));
    assert_str(rac_mime_of_name(RAC_S("a/b.PNG")), "image/png");
    assert_str(rac_mime_of_name(RAC_S("README")), "application/octet-stream");
    assert_str(rac_mime_of_name(RAC_S("a.")), "application/octet-stream");
}

static void dispositions(void **state)
{
    (void)state;
    struct rac_disposition d;
    assert_true(rac_disposition_parse(
        &a, RAC_S("form-data; name=\"a\\\"b\"; filename=\"C:\\dir\\x.txt\""), &d));
    assert_str(d.type, "form-data");
    assert_str(d.name, "a\"b");
    assert_str(d.filename, "C:\\dir\\x.txt");
    assert_true(rac_disposition_parse(
        &a, RAC_S("attachment; filename=\"e.txt\"; filename*=UTF-8'de'%c3%a9%20x.txt"), &d));
    assert_str(d.filename, "\xc3\xa9 x.txt");
    assert_null(d.name.p);
    assert_true(rac_disposition_parse(&a, RAC_S("inline;filename*=iso-8859-1''%e9"), &d));
    assert_str(d.filename, "\xc3\xa9");
    assert_true(rac_disposition_parse(&a, RAC_S("x; filename=a b.txt ; filename*=bad"), &d));
    assert_str(d.filename, "a b.txt");
    assert_false(rac_disposition_parse(&a, RAC_S("; name=a"), &d));
    struct rac_buf b;
    rac_buf_init(&b, 1000);
    d = (struct rac_disposition){RAC_S("form-data"), RAC_S("a\"\r\nX: y"), RAC_S("\xc3\xa9.txt")};
    rac_disposition_print(&d, &b);
    assert_str(rac_buf_str(&b), "form-data; name=\"a%22%0D%0AX: y\"; filename=\"\xc3\xa9.txt\"");
    rac_buf_fini(&b);
}

static void multipart_round_trip(void **state)
{
    (void)state;
    struct rac_buf b;
    struct rac_multipart_writer w;
    rac_buf_init(&b, 10000);
    rac_str boundary = rac_multipart_boundary(&a, (const unsigned char *)"0123456789abcdef");
    assert_str(boundary, "raccord-30313233343536373839616263646566");
    rac_multipart_begin(&w, &b, boundary);
    rac_multipart_field(&w, RAC_S("title"), RAC_S("x\r\n--y"));
    rac_multipart_file(&w, RAC_S("f"), RAC_S("a.png"), RAC_S("image/png"), RAC_S("\0\xff\r\n"));
    rac_multipart_field(&w, RAC_S("empty"), RAC_S(""));
    struct rac_headers h = {0};
    rac_headers_add(&h, &a, RAC_S("X-A"), RAC_S("1\r\nX-B: 2"));
    rac_multipart_part(&w, &h, RAC_S("body"));
    rac_multipart_end(&w);
    assert_int_equal(rac_buf_err(&b), RAC_OK);
    assert_true(rac_str_starts(rac_buf_str(&b),
                               RAC_S("--raccord-30313233343536373839616263646566\r\n"
                                     "Content-Disposition: form-data; name=\"title\"\r\n\r\nx")));
    struct rac_multipart_part_in *parts;
    size_t n;
    assert_int_equal(rac_multipart_parse(rac_multipart_content_type(&a, boundary), rac_buf_str(&b),
                                         &a, &parts, &n),
                     RAC_OK);
    assert_int_equal(n, 4);
    assert_str(parts[0].name, "title");
    assert_str(parts[0].body, "x\r\n--y");
    assert_null(parts[0].filename.p);
    assert_null(parts[0].content_type.p);
    assert_str(parts[1].filename, "a.png");
    assert_str(parts[1].content_type, "image/png");
    assert_true(rac_str_eq(parts[1].body, RAC_S("\0\xff\r\n")));
    assert_str(parts[2].body, "");
    assert_str(rac_headers_get(&parts[3].headers, RAC_S("x-a")), "1X-B: 2");
    assert_int_equal(parts[3].headers.n, 1);
    rac_buf_fini(&b);
}

static void multipart_reading(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        rac_err err;
        size_t n;
        const char *first;
    } cases[] = {
        {"pre\r\n--b\r\n\r\nx\r\n--b--\r\npost", RAC_OK, 1, "x"},
        {"--b\nA: 1\n\nx\ny\n--b--", RAC_OK, 1, "x\ny"},
        {"--b  \r\n\r\n--bc\r\n--b--", RAC_OK, 1, "--bc"},
        {"--b--", RAC_OK, 0, NULL},
        {"--b\r\n--b--", RAC_OK, 1, ""},
        {"--b\r\nA: 1\r\n b\r\n\r\n\r\n--b\r\n\r\nz\r\n--b--", RAC_OK, 2, ""},
        {"", RAC_E_SYNTAX, 0, NULL},
        {"--b\r\n\r\nx", RAC_E_SYNTAX, 0, NULL},
        {"--b\r\n\r\nx\r\n--b", RAC_E_SYNTAX, 0, NULL},
        {"--b\r\nno colon\r\n\r\nx\r\n--b--", RAC_E_SYNTAX, 0, NULL},
        {"x--b\r\n\r\nx\r\n--c--", RAC_E_SYNTAX, 0, NULL},
    };
    struct rac_multipart_part_in *parts;
    size_t n;
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        rac_err e = rac_multipart_parse(RAC_S("multipart/mixed; boundary=\"b\""),
                                        rac_str_of(cases[i].body), &a, &parts, &n);
        if (e != cases[i].err || (e == RAC_OK && n != cases[i].n))
            fail_msg("%s: %s", cases[i].body, rac_err_name(e));
        if (e == RAC_OK && n > 0)
            assert_str(parts[0].body, cases[i].first);
    }
    assert_int_equal(rac_multipart_parse(RAC_S("multipart/mixed"), RAC_S("--b--"), &a, &parts, &n),
                     RAC_E_SYNTAX);
    assert_int_equal(
        rac_multipart_parse(RAC_S("text/plain;boundary=b"), RAC_S("--b--"), &a, &parts, &n),
        RAC_E_SYNTAX);
    struct rac_buf b;
    rac_buf_init(&b, 1 << 20);
    for (int i = 0; i <= RAC_MULTIPART_PARTS_MAX; i++)
        RAC_BUF_ADD_LIT(&b, "--b\r\n\r\n\r\n");
    RAC_BUF_ADD_LIT(&b, "--b--");
    assert_int_equal(
        rac_multipart_parse(RAC_S("multipart/x;boundary=b"), rac_buf_str(&b), &a, &parts, &n),
        RAC_E_LIMIT);
    rac_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(types, setup, teardown),
        cmocka_unit_test_setup_teardown(dispositions, setup, teardown),
        cmocka_unit_test_setup_teardown(multipart_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(multipart_reading, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
