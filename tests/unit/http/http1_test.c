#include "test_arena.h"

#include "base/arena.h"
#include "base/buf.h"
#include "http/http1.h"
#include "http/inflate.h"

#include <zlib.h>

static void heads_that_are_read(void **state RAC_UNUSED)
{
    static const struct {
        const char *text;
        bool to_head;
        int status;
        bool keep;
        enum rac_http1_framing framing;
        uint64_t length;
        size_t headers;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\n", false, 200, false, RAC_HTTP1_CLOSE, 0, 0},
        {"HTTP/1.1 200\r\n\r\n", false, 200, false, RAC_HTTP1_CLOSE, 0, 0},
        {"HTTP/1.1 200 \r\nA: b\r\n\r\n", false, 200, false, RAC_HTTP1_CLOSE, 0, 1},
        {"HTTP/1.1 299 a b c\nA:b\n\n", false, 299, false, RAC_HTTP1_CLOSE, 0, 1},
        {"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", false, 200, true, RAC_HTTP1_LENGTH, 7, 1},
        {"HTTP/1.1 200 OK\r\ncontent-LENGTH:7 \r\nContent-Length: 7\r\n\r\n", false, 200, true,
         RAC_HTTP1_LENGTH, 7, 2},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, 200, true, RAC_HTTP1_NONE, 0, 1},
        {"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", true, 200, true, RAC_HTTP1_NONE, 0, 1},
        {"HTTP/1.1 304 Same\r\nContent-Length: 7\r\n\r\n", false, 304, true, RAC_HTTP1_NONE, 0, 1},
        {"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", false, 204, true, RAC_HTTP1_NONE,
         0, 1},
        {"HTTP/1.1 103 Hint\r\nLink: x\r\n\r\n", false, 103, true, RAC_HTTP1_NONE, 0, 1},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", false, 200, true,
         RAC_HTTP1_CHUNKED, 0, 1},
        /* both: the coding counts, and the connection is not trusted after it */
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", false, 200,
         false, RAC_HTTP1_CHUNKED, 0, 2},
        {"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\n", false, 200, false,
         RAC_HTTP1_LENGTH, 1, 2},
        {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", false, 200, false, RAC_HTTP1_LENGTH, 1, 1},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n", false, 200, true,
         RAC_HTTP1_LENGTH, 1, 2},
        {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\td\r\n\r\n", false, 200, false, RAC_HTTP1_CLOSE, 0, 1},
        {"HTTP/1.1 200 OK\r\nEmpty:\r\n\r\n", false, 200, false, RAC_HTTP1_CLOSE, 0, 1},
        {"HTTP/1.1 200 caf\xc3\xa9\r\nA: \xff\r\n\r\n", false, 200, false, RAC_HTTP1_CLOSE, 0, 1},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_http1_head h;
        const char *why = "";
        rac_str s = rac_str_of(cases[i].text);
        if (rac_http1_head_end(s, 0) != s.n)
            fail_msg("end of %s", cases[i].text);
        for (size_t n = 0; n < s.n; n++) { /* in no shorter piece, and found wherever one begins */
            assert_int_equal(rac_http1_head_end(rac_str_sub(s, 0, n), 0), 0);
            assert_int_equal(rac_http1_head_end(s, n), s.n);
            assert_true(rac_http1_may_be_answer(rac_str_sub(s, 0, n)));
        }
        if (rac_http1_head_parse(s, cases[i].to_head, &a, &h, &why) != RAC_OK)
            fail_msg("%s: %s", cases[i].text, why);
        if (h.status != cases[i].status || h.keep != cases[i].keep ||
            h.framing != cases[i].framing || h.length != cases[i].length ||
            h.headers.n != cases[i].headers)
            fail_msg("%s: %d %d %d %zu %zu", cases[i].text, h.status, h.keep, (int)h.framing,
                     (size_t)h.length, h.headers.n);
    }
    struct rac_http1_head h;
    const char *why;
    assert_int_equal(rac_http1_head_parse(RAC_S("HTTP/1.1 200 OK\r\nA:  b \r\n  c\r\n\r\n"), false,
                                          &a, &h, &why),
                     RAC_OK);
    assert_str(h.headers.v[0].value, "b c");
}

static void heads_that_are_refused(void **state RAC_UNUSED)
{
    static const char *const cases[] = {
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.x 200 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 O\x01K\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\n folded from nothing\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: \x7f\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_http1_head h;
        const char *why = "";
        if (rac_http1_head_parse(rac_str_of(cases[i]), false, &a, &h, &why) != RAC_E_SYNTAX)
            fail_msg("taken: %s", cases[i]);
        assert_true(why[0] != '\0');
    }
    struct rac_http1_head h;
    const char *why = "";
    assert_int_equal(rac_http1_head_parse((rac_str){"HTTP/1.1 200 OK\r\nA: \0b\r\n\r\n", 25}, false,
                                          &a, &h, &why),
                     RAC_E_SYNTAX);
    struct rac_buf many;
    rac_buf_init(&many, 1 << 20);
    rac_buf_printf(&many, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i <= RAC_HTTP1_HEADERS_MAX; i++)
        rac_buf_printf(&many, "A: b\r\n");
    rac_buf_printf(&many, "\r\n");
    assert_int_equal(rac_http1_head_parse(rac_buf_str(&many), false, &a, &h, &why), RAC_E_LIMIT);
    rac_buf_fini(&many);
    static const char *const other[] = {"SSH-2.0", "h", "HTTP/2", "HTTX", " HTTP/1.1", "\r\nHTTP"};
    for (size_t i = 0; i < RAC_COUNT(other); i++)
        assert_false(rac_http1_may_be_answer(rac_str_of(other[i])));
}

/* Reads text in pieces of that size; what came out, or NULL and *why. */
static char *body_of(enum rac_http1_framing framing, uint64_t length, rac_str text, size_t size,
                     struct rac_http1_body *b, size_t *left)
{
    struct rac_http1_head head = {.framing = framing, .length = length};
    const char *why = "";
    char *out = rac_arena_alloc(&a, text.n + 1), *at = out;
    rac_http1_body_init(b, &head);
    while (text.n > 0 && !b->over) {
        rac_str in = rac_str_sub(text, 0, size), piece;
        text = rac_str_from(text, in.n);
        for (;;) {
            if (rac_http1_body_next(b, &in, &piece, &why) != RAC_OK)
                return NULL;
            if (piece.n == 0)
                break;
            size_t n = piece.n > 3 ? 3 : piece.n; /* not all of it at once */
            memcpy(at, piece.p, n);
            at += n;
            rac_http1_body_took(b, &in, n);
        }
        *left = in.n + text.n;
    }
    return out;
}

static void bodies_in_pieces_of_every_size(void **state RAC_UNUSED)
{
    static const char chunked[] = "5\r\nhello\r\n00b;a=\"b\";c\r\n, the world\r\n1 \n!\n0\r\n"
                                  "Trailer: t\r\nX: y\r\n\r\nHTTP";
    for (size_t size = 1; size < sizeof chunked; size++) {
        struct rac_http1_body b;
        size_t left;
        char *out =
            body_of(RAC_HTTP1_CHUNKED, 0, (rac_str){chunked, sizeof chunked - 1}, size, &b, &left);
        assert_non_null(out);
        assert_string_equal(out, "hello, the world!");
        assert_true(b.over && left == 4);
        out = body_of(RAC_HTTP1_LENGTH, 5, RAC_S("helloHTTP"), size, &b, &left);
        assert_string_equal(out, "hello");
        assert_true(b.over && left == 4 && rac_http1_body_at_end(&b));
        out = body_of(RAC_HTTP1_LENGTH, 50, RAC_S("hello"), size, &b, &left);
        assert_string_equal(out, "hello");
        assert_false(b.over || rac_http1_body_at_end(&b));
        out = body_of(RAC_HTTP1_CLOSE, 0, RAC_S("hello"), size, &b, &left);
        assert_string_equal(out, "hello");
        assert_true(!b.over && rac_http1_body_at_end(&b));
    }
    for (size_t n = 0; n < sizeof chunked - 5; n++) { /* cut anywhere it is not whole */
        struct rac_http1_body b;
        size_t left;
        assert_non_null(body_of(RAC_HTTP1_CHUNKED, 0, (rac_str){chunked, n}, 7, &b, &left));
        assert_false(rac_http1_body_at_end(&b));
    }
}

static void chunks_that_are_refused(void **state RAC_UNUSED)
{
    static const char *const cases[] = {
        "zz\r\n",      "\r\n",         "-1\r\n",    "+1\r\na\r\n", "0x1\r\na\r\n",
        "5\rX",        "1\r\nab\r\n0", "1\r\na\rX", ";x\r\n",      "1000000000000000\r\n",
        " 1\r\na\r\n", "1\r\na0\r\n",  "0\r\n\rX",  "g\r\n",
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_http1_body b;
        size_t left;
        if (body_of(RAC_HTTP1_CHUNKED, 0, rac_str_of(cases[i]), 1, &b, &left) != NULL)
            fail_msg("taken: %s", cases[i]);
    }
    /* framing without end */
    static const char *const endless[] = {"1;", "0\r\nX: "};
    for (size_t i = 0; i < RAC_COUNT(endless); i++) {
        struct rac_buf text;
        struct rac_http1_body b;
        size_t left;
        rac_buf_init(&text, 1 << 20);
        rac_buf_printf(&text, "%s", endless[i]);
        for (int k = 0; k < 70000; k++)
            rac_buf_add_char(&text, 'x');
        assert_null(body_of(RAC_HTTP1_CHUNKED, 0, rac_buf_str(&text), 9999, &b, &left));
        rac_buf_fini(&text);
    }
}

/* ---- inflate ---- */

static rac_str deflated(rac_str s, int bits)
{
    z_stream z = {0};
    uLong cap = s.n + 1000;
    char *out = rac_arena_alloc(&a, cap);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, bits, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)s.p;
    z.avail_in = (uInt)s.n;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    rac_str r = {out, cap - z.avail_out};
    deflateEnd(&z);
    return r;
}

/* RAC_OK and the text equal to want, fed and drained in small pieces. */
static rac_err inflates(const char *coding, rac_str in, rac_str want, bool *whole)
{
    struct rac_inflate *d = rac_inflate_new(rac_str_of(coding));
    char out[100];
    size_t got = 0, n = 0;
    rac_err e = RAC_OK;
    assert_non_null(d);
    while (e == RAC_OK && (in.n > 0 || n == sizeof out)) {
        rac_str piece = rac_str_sub(in, 0, 7), before = piece;
        e = rac_inflate_step(d, &piece, out, sizeof out, &n);
        in = rac_str_from(in, before.n - piece.n);
        if (e == RAC_OK && (got + n > want.n || memcmp(out, want.p + got, n) != 0))
            fail_msg("%s: not what went in", coding);
        got += n;
    }
    *whole = e == RAC_OK && rac_inflate_whole(d) && got == want.n;
    rac_inflate_free(d);
    return e;
}

static void encodings_unpack(void **state RAC_UNUSED)
{
    enum { N = 100000, GZIP = 31, ZLIB = 15, BARE = -15 };
    char *plain = rac_arena_alloc(&a, N);
    for (int i = 0; i < N; i++)
        plain[i] = i < N / 2 ? 'a' : (char)(i * 2654435761u >> 20);
    rac_str text = {plain, N}, gzip = deflated(text, GZIP);
    bool whole;
    assert_int_equal(inflates("gzip", gzip, text, &whole), RAC_OK);
    assert_true(whole);
    assert_int_equal(inflates("X-GZIP", gzip, text, &whole), RAC_OK);
    assert_true(whole);
    assert_int_equal(inflates("deflate", deflated(text, ZLIB), text, &whole), RAC_OK);
    assert_true(whole);
    assert_int_equal(inflates("deflate", deflated(text, BARE), text, &whole), RAC_OK);
    assert_true(whole);
    rac_str two = rac_str_concat(&a, gzip, deflated(RAC_S("tail"), GZIP));
    assert_int_equal(inflates("gzip", two, rac_str_concat(&a, text, RAC_S("tail")), &whole),
                     RAC_OK);
    assert_true(whole);
    assert_int_equal(inflates("gzip", rac_str_concat(&a, gzip, RAC_S("padding")), text, &whole),
                     RAC_OK);
    assert_true(whole);
    assert_int_equal(inflates("gzip", rac_str_sub(gzip, 0, gzip.n - 1), text, &whole), RAC_OK);
    assert_false(whole); /* cut */
    assert_int_equal(inflates("gzip", RAC_S(""), RAC_S(""), &whole), RAC_OK);
    assert_true(whole);
    assert_int_equal(inflates("gzip", RAC_S("not gzip!"), RAC_S(""), &whole), RAC_E_SYNTAX);
    assert_null(rac_inflate_new(RAC_S("br")));
    assert_null(rac_inflate_new(RAC_S("gzip, gzip")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_that_are_read),
        cmocka_unit_test(heads_that_are_refused),
        cmocka_unit_test(bodies_in_pieces_of_every_size),
        cmocka_unit_test(chunks_that_are_refused),
        cmocka_unit_test(encodings_unpack),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
