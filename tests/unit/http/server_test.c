#include "rig.h"

#define HOST "Host: here\r\n"

static void expect(struct answer a, int status, const char *body)
{
    if (a.status != status)
        fail_msg("status %d, want %d; head: %s", a.status, status, a.head);
    if (body != NULL)
        assert_string_equal(a.body, body);
    answer_free(&a);
}

static void replies_in_every_way(void **state RAC_UNUSED)
{
    struct rig r;
    char v[256];
    rig_start(&r, NULL);
    int fd = dial(r.port);
    struct answer a;
    for (int round = 0; round < 3; round++) { /* one connection for all of it */
        say(fd, "GET /fixed HTTP/1.1\r\n" HOST "\r\n");
        hear(fd, &a, true);
        assert_non_null(header(&a, "Date", v));
        expect(a, 200, "ok\n");
        say(fd, "GET /text HTTP/1.1\r\n" HOST "\r\n");
        hear(fd, &a, true);
        assert_string_equal(header(&a, "Content-Type", v), "text/plain");
        assert_null(header(&a, "Connection", v));
        expect(a, 200, "hello");
        say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabcde");
        hear(fd, &a, true);
        expect(a, 200, "abcde");
        say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
        hear(fd, &a, true);
        expect(a, 200, "");
        expect(ask(r.port, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                           "3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nTrailer: t\r\n\r\n"),
               200, "abcd");
        say(fd, "GET /late?ms=1 HTTP/1.1\r\n" HOST "\r\n");
        hear(fd, &a, true);
        expect(a, 200, "late");
        say(fd, "GET /late?ms=300 HTTP/1.1\r\n" HOST "\r\n"); /* long enough to be suspended */
        hear(fd, &a, true);
        expect(a, 200, "late");
        say(fd, "GET /stream?total=300000&chunk=7001 HTTP/1.1\r\n" HOST "\r\n");
        hear(fd, &a, true);
        assert_int_equal(a.body_n, 300000);
        assert_string_equal(header(&a, "X-Kind", v), "stream");
        expect(a, 200, NULL);
        say(fd, "GET /length?total=300000&chunk=65536 HTTP/1.1\r\n" HOST "\r\n");
        hear(fd, &a, true);
        assert_string_equal(header(&a, "Content-Length", v), "300000");
        assert_int_equal(a.body_n, 300000);
        expect(a, 200, NULL);
        say(fd, "GET /nowhere HTTP/1.1\r\n" HOST "\r\n");
        hear(fd, &a, true);
        expect(a, 404, NULL);
    }
    close(fd);
    EVENTUALLY(r.closed_replied == 30);
    rig_stop(&r);
}

static void head_and_old_clients(void **state RAC_UNUSED)
{
    struct rig r;
    char v[256];
    rig_start(&r, NULL);
    int fd = dial(r.port);
    struct answer a;
    static const char *const paths[] = {"/text", "/length?total=1000", "/stream?total=1000",
                                        "/length?total=0"};
    static const char *const lengths[] = {"5", "1000", NULL, "0"};
    for (size_t i = 0; i < RAC_COUNT(paths); i++) {
        char request[128];
        snprintf(request, sizeof request, "HEAD %s HTTP/1.1\r\n" HOST "\r\n", paths[i]);
        say(fd, request);
        hear(fd, &a, false);
        const char *length = header(&a, "Content-Length", v);
        if (lengths[i] != NULL && (length == NULL || strcmp(length, lengths[i]) != 0))
            fail_msg("%s: %s", paths[i], a.head);
        if (lengths[i] == NULL) { /* of unknown length: said by closing */
            assert_null(length);
            assert_true(at_eof(fd));
            close(fd);
            fd = dial(r.port);
        }
        expect(a, 200, NULL);
    }
    close(fd);
    a = ask(r.port, "GET /text HTTP/1.0\r\n\r\n");
    assert_string_equal(header(&a, "Connection", v), "close");
    expect(a, 200, "hello");
    a = ask(r.port, "GET /stream?total=5000 HTTP/1.0\r\n\r\n"); /* ends with the connection */
    assert_null(header(&a, "Transfer-Encoding", v));
    assert_int_equal(a.body_n, 5000);
    expect(a, 200, NULL);
    rig_stop(&r);
}

static void target_and_headers_arrive_raw(void **state RAC_UNUSED)
{
    struct rig r;
    rig_start(&r, NULL);
    struct answer a = ask(r.port, "GET /dump/a%2Fb%20c;d=1?x=%41&&y=a+b&x HTTP/1.1\r\n" HOST
                                  "X-One:   padded value \t\r\nx-one: two\r\nEmpty:\r\n"
                                  "Connection: close\r\n\r\n");
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "GET /dump/a%2Fb%20c;d=1 ? x=%41&&y=a+b&x\nHost=[here]\n"
                                "X-One=[padded value]\nx-one=[two]\nEmpty=[]\nConnection=[close]\n"
                                "peer=127.0.0.1 id=36 same=1\n");
    answer_free(&a);
    a = ask(r.port, "GET http://elsewhere:99/dump?q HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(strstr(a.body, "GET /dump ? q\n"));
    answer_free(&a);
    expect(ask(r.port, "GET http://elsewhere HTTP/1.1\r\n" HOST "\r\n"), 404, NULL);
    expect(ask(r.port, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 404, NULL);
    rig_stop(&r);
}

static void reply_headers_are_kept_honest(void **state RAC_UNUSED)
{
    struct rig r;
    char v[256];
    rig_start(&r, NULL);
    struct answer a = ask(r.port, "GET /headers HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(header(&a, "Content-Length", v), "4");
    assert_null(header(&a, "Transfer-Encoding", v));
    assert_null(header(&a, "X-Split", v));
    assert_non_null(strstr(a.head, "Set-Cookie: a=1\r\n"));
    assert_non_null(strstr(a.head, "Set-Cookie: b=2\r\n"));
    expect(a, 200, "body");
    a = ask(r.port, "GET /headers?n=1000 HTTP/1.1\r\n" HOST "\r\n"); /* more than fits */
    expect(a, 200, "body");
    a = ask(r.port, "GET /headers?huge=9000 HTTP/1.1\r\n" HOST "\r\n"); /* others still do */
    assert_null(header(&a, "X-Huge", v));
    assert_string_equal(header(&a, "X-Last", v), "here");
    expect(a, 200, "body");
    rig_stop(&r);
}

/* The library says a refusal of its own twice, garbled; what counts is that nothing else comes. */
static bool ends_without_answer(int fd)
{
    char rest[4096];
    size_t n = 0;
    ssize_t k;
    while (n < sizeof rest - 1 && (k = recv(fd, rest + n, sizeof rest - 1 - n, 0)) > 0)
        n += (size_t)k;
    rest[n] = '\0';
    return strstr(rest, "nothing here") == NULL;
}

/* What could make two servers in a row see two different requests. */
static void ambiguous_requests_are_refused(void **state RAC_UNUSED)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"POST /echo HTTP/1.1\r\n" HOST
         "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         400},
        {"POST /echo HTTP/1.1\r\n" HOST
         "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
         400},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", 400},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4, 4\r\n\r\nabcd", 400},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: +4\r\n\r\nabcd", 400},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\nabcd", 400},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0x4\r\n\r\nabcd", 400},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\nabcd", 400},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\n", 400},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n", 413},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", 501},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n", 501},
        {"POST /echo HTTP/1.1\r\n" HOST
         "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
         501},
        {"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length : 4\r\n\r\nabcd", 400},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
        {"POST /echo HTTP/1.1\r\n" HOST "X: a\r\n Content-Length: 4\r\nY: b\r\n\r\nabcd", 400},
        {"POST /echo HTTP/1.1\r\n" HOST "X: a\r\n\tfolded\r\nY: b\r\n\r\n", 400},
        {"GET /text HTTP/1.1\r\n" HOST "X: a\nY: b\r\nZ: c\r\n\r\n", 400},
        {"GET /text HTTP/1.1\r\n" HOST "X: a\rY: b\r\n\r\n", 400},
        {"GET /text HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n", 400},
        {"GET /text HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n", 400},
        {"GET /text HTTP/1.1\r\n" HOST "X[]: a\r\n\r\n", 400},
        {"GET /text HTTP/1.1\r\n" HOST ": a\r\n\r\n", 400},
        {"GET /text HTTP/1.1\r\n" HOST "no colon here\r\n\r\n", 400},
        {"GET /text HTTP/1.1\r\n" HOST "Host: twice\r\n\r\n", 400},
        {"GET /text HTTP/1.1\r\n\r\n", 400},
        {"G@T /text HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET text HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /te\x01xt HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /text HTTP/1.1\r\n" HOST "Expect: magic\r\n\r\n", 417},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", 400},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\n",
         400},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
         413},
    };
    struct rig r;
    rig_start(&r, NULL);
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        int fd = dial(r.port);
        struct answer a;
        say(fd, cases[i].request);
        say(fd, "GET /smuggled HTTP/1.1\r\n" HOST "\r\n");
        hear(fd, &a, true);
        if (a.status != cases[i].status)
            fail_msg("%d instead of %d for: %s", a.status, cases[i].status, cases[i].request);
        answer_free(&a);
        assert_true(ends_without_answer(fd)); /* what followed was not read as a request */
        close(fd);
    }
    rig_stop(&r);
    /* What can be refused here is, once and in our words. */
    static const char *const ours[] = {
        "GET /text HTTP/1.1\r\n\r\n", "GET /text HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET /a b HTTP/1.1\r\n" HOST "\r\n", "GET http://here/text HTTP/1.1\r\n\r\n"};
    rig_start(&r, NULL);
    for (size_t i = 0; i < RAC_COUNT(ours); i++) {
        struct answer a = ask(r.port, ours[i]);
        if (a.status != 400 || strstr(a.body, "{\"error\":") != a.body ||
            strstr(a.body, "HTTP/1.1") != NULL)
            fail_msg("%d %s for: %s", a.status, a.body, ours[i]);
        answer_free(&a);
    }
    rig_stop(&r);
    /* Without a valid version or with bytes cut off the connection may simply end. */
    static const char *const cut[] = {"GET /text HTTP/2.0\r\n" HOST "\r\n",
                                      "GET /text\r\n\r\n",
                                      "GET  /text  HTTP/1.1\r\n" HOST "\r\n",
                                      "GET /a b HTTP/1.1\r\n" HOST "\r\n",
                                      "\x16\x03\x01\r\n\r\n",
                                      "GET /text HTTP/1.10\r\n" HOST "\r\n"};
    rig_start(&r, NULL);
    for (size_t i = 0; i < RAC_COUNT(cut); i++) {
        struct answer a = ask(r.port, cut[i]);
        if (a.status == 200)
            fail_msg("answered: %s", cut[i]);
        answer_free(&a);
    }
    static const char nul_header[] = "GET /text HTTP/1.1\r\n" HOST "X: a\0b\r\nY: c\r\n\r\n";
    static const char nul_target[] = "GET /text\0x HTTP/1.1\r\n" HOST "\r\n";
    const struct {
        const char *p;
        size_t n;
    } nul[] = {{nul_header, sizeof nul_header - 1}, {nul_target, sizeof nul_target - 1}};
    for (size_t i = 0; i < RAC_COUNT(nul); i++) {
        int fd = dial(r.port);
        struct answer a;
        say_n(fd, nul[i].p, nul[i].n);
        hear(fd, &a, true);
        assert_int_equal(a.status, 400);
        answer_free(&a);
        close(fd);
    }
    rig_stop(&r);
}

static void sizes_are_capped(void **state RAC_UNUSED)
{
    struct rig r;
    rig_start(&r, &(struct rac_http_server_options){.head_bytes_max = 8192});
    char *big = rac_mem_alloc(200000);
    /* target */
    size_t n = (size_t)snprintf(big, 200000, "GET /");
    memset(big + n, 'a', 40000);
    snprintf(big + n + 40000, 200, " HTTP/1.1\r\n" HOST "\r\n");
    expect(ask(r.port, big), 414, NULL);
    /* one header, just beyond our cap and far beyond the library's memory */
    static const size_t sizes[] = {8200, 15000, 40000, 150000};
    for (size_t i = 0; i < RAC_COUNT(sizes); i++) {
        n = (size_t)snprintf(big, 200000, "GET /text HTTP/1.1\r\n" HOST "X: ");
        memset(big + n, 'a', sizes[i]);
        snprintf(big + n + sizes[i], 200, "\r\n\r\n");
        expect(ask(r.port, big), 431, NULL);
    }
    /* fits */
    n = (size_t)snprintf(big, 200000, "GET /text HTTP/1.1\r\n" HOST "X: ");
    memset(big + n, 'a', 7000);
    snprintf(big + n + 7000, 200, "\r\n\r\n");
    expect(ask(r.port, big), 200, "hello");
    /* too many headers */
    n = (size_t)snprintf(big, 200000, "GET /text HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 300; i++)
        n += (size_t)snprintf(big + n, 200000 - n, "a:b\r\n");
    snprintf(big + n, 10, "\r\n");
    expect(ask(r.port, big), 431, NULL);
    /* body: said in advance, chunked, and one that fits exactly */
    n = (size_t)snprintf(big, 200000,
                         "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n");
    memset(big + n, 'b', 65537);
    big[n + 65537] = '\0';
    expect(ask(r.port, big), 413, "too large");
    n = (size_t)snprintf(big, 200000,
                         "POST /echo HTTP/1.1\r\n" HOST
                         "Transfer-Encoding: chunked\r\n\r\n1D4C0\r\n"); /* 120,000 */
    memset(big + n, 'b', 120000);
    snprintf(big + n + 120000, 10, "\r\n0\r\n\r\n");
    expect(ask(r.port, big), 413, "too large");
    n = (size_t)snprintf(big, 200000,
                         "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 65536\r\n\r\n");
    memset(big + n, 'b', 65536);
    big[n + 65536] = '\0';
    struct answer a = ask(r.port, big);
    assert_int_equal(a.body_n, 65536);
    expect(a, 200, NULL);
    /* a client that waits for leave is refused at once, without sending */
    expect(ask(r.port, "POST /echo HTTP/1.1\r\n" HOST
                       "Content-Length: 70000\r\nExpect: 100-continue\r\n\r\n"),
           413, "too large");
    expect(ask(r.port, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 7000000000\r\n\r\nabc"), 413,
           "too large");
    rac_mem_free(big);
    rig_stop(&r);
}

static void expect_continue_is_given(void **state RAC_UNUSED)
{
    struct rig r;
    struct answer a;
    rig_start(&r, NULL);
    int fd = dial(r.port);
    for (int i = 0; i < 2; i++) {
        say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
        hear(fd, &a, true);
        expect(a, 100, NULL);
        say(fd, "abc");
        hear(fd, &a, true);
        expect(a, 200, "abc");
    }
    close(fd);
    rig_stop(&r);
}

static void pipelined_requests_answer_in_order(void **state RAC_UNUSED)
{
    struct rig r;
    struct answer a;
    rig_start(&r, NULL);
    int fd = dial(r.port);
    enum { N = 50 };
    for (int i = 0; i < N; i++)
        say(fd, "GET /late?ms=1 HTTP/1.1\r\n" HOST "\r\n"
                "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi"
                "GET /text HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < N; i++) {
        hear(fd, &a, true);
        expect(a, 200, "late");
        hear(fd, &a, true);
        expect(a, 200, "hi");
        hear(fd, &a, true);
        expect(a, 200, "hello");
    }
    close(fd);
    rig_stop(&r);
}

static void body_streams_through_a_small_buffer(void **state RAC_UNUSED)
{
    struct rig r;
    struct answer a;
    rig_start(&r, NULL);
    enum { TOTAL = 4 * 1024 * 1024 };
    char *bytes = rac_mem_alloc(TOTAL);
    static const char *const how[] = {"", "?slow=1"};
    for (size_t i = 0; i < RAC_COUNT(how); i++) {
        char head[256];
        size_t total = i == 0 ? TOTAL : TOTAL / 4;
        int fd = dial(r.port);
        snprintf(head, sizeof head, "POST /sink%s HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
                 how[i], total);
        say(fd, head);
        say_n(fd, bytes, total);
        hear(fd, &a, true);
        assert_int_equal(a.status, 200);
        assert_int_equal(strtoul(a.body, NULL, 10), total);
        answer_free(&a);
        say(fd, "POST /sink HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n");
        poll(NULL, 0, 20);
        say(fd, "2\r\nef\r\n0\r\n\r\n");
        hear(fd, &a, true);
        expect(a, 200, "6");
        close(fd);
    }
    int fd = dial(r.port);
    say(fd, "POST /sink?max=1000 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
            "600\r\n");
    say_n(fd, bytes, 0x600);
    say(fd, "\r\n0\r\n\r\n");
    hear(fd, &a, true);
    expect(a, 413, "too large");
    close(fd);
    rac_mem_free(bytes);
    rig_stop(&r);
}

static void slow_reader_holds_the_producer_back(void **state RAC_UNUSED)
{
    struct rig r;
    struct answer a;
    rig_start(&r, NULL);
    enum { TOTAL = 24 * 1024 * 1024 };
    int fd = dial(r.port), small = 65536;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    say(fd, "GET /stream?total=25165824 HTTP/1.1\r\n" HOST "\r\n");
    long before = -1;
    for (int calm = 0; calm < 20;) { /* until the producer stands still */
        poll(NULL, 0, 5);
        calm = r.streamed == before && before > 0 ? calm + 1 : 0;
        before = r.streamed;
    }
    assert_true(before > 0);
    /* kernel buffers of both ends (loopback may grow them to some MB) and ours */
    assert_true(before < 16 * 1024 * 1024);
    hear(fd, &a, true);
    assert_int_equal(a.body_n, TOTAL);
    expect(a, 200, NULL);
    close(fd);
    rig_stop(&r);
}

static void aborted_stream_is_visibly_cut(void **state RAC_UNUSED)
{
    struct rig r;
    rig_start(&r, NULL);
    struct answer a = ask(r.port, "GET /abort?total=1000 HTTP/1.1\r\n" HOST "\r\n");
    assert_true(a.truncated);
    answer_free(&a);
    EVENTUALLY(r.closed_early == 1);
    rig_stop(&r);
}

static void client_that_leaves_is_noticed(void **state RAC_UNUSED)
{
    struct rig r;
    rig_start(&r, NULL);
    /* FIN and RST, waiting in place and suspended, in the middle of bodies of both kinds */
    static const char *const requests[] = {
        "GET /never HTTP/1.1\r\n" HOST "\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc",
        "POST /sink HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc",
        "GET /stream?total=100000000 HTTP/1.1\r\n" HOST "\r\n",
    };
    int want = 0;
    for (size_t i = 0; i < RAC_COUNT(requests); i++)
        for (int how = 0; how < 4; how++) {
            int fd = dial(r.port), handled = r.handled;
            say(fd, requests[i]);
            EVENTUALLY(r.handled > handled);
            if (how & 2)
                poll(NULL, 0, 250); /* past the visits in place */
            if (how & 1) {
                struct linger hard = {1, 0};
                setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
            }
            close(fd);
            want++;
        }
    EVENTUALLY(r.closed_early == want);
    rig_stop(&r);
}

static void slow_clients_are_cut(void **state RAC_UNUSED)
{
    struct rig r;
    rig_start(&r, &(struct rac_http_server_options){.idle_timeout_ms = 150,
                                                    .body_idle_timeout_ms = 150,
                                                    .reply_timeout_ms = 200});
    static const char *const requests[] = {
        "",
        "GET /te",
        "GET /text HTTP/1.1\r\nHost: h\r\nX-Slow: ",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc",
        "POST /sink HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nab",
        "GET /never HTTP/1.1\r\n" HOST "\r\n"};
    int fds[RAC_COUNT(requests)];
    for (size_t i = 0; i < RAC_COUNT(requests); i++) {
        fds[i] = dial(r.port);
        say(fds[i], requests[i]);
    }
    for (size_t i = 0; i < RAC_COUNT(requests); i++) {
        assert_true(at_eof(fds[i]));
        close(fds[i]);
    }
    /* one byte at a time does not keep a head alive */
    int fd = dial(r.port);
    const char *drip = "GET /text HTTP/1.1\r\nHost: here\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct pollfd gone = {.fd = fd, .events = POLLIN};
    bool cut = false;
    for (size_t i = 0; drip[i] != '\0' && !cut; i++) {
        say_n(fd, drip + i, 1);
        cut = poll(&gone, 1, 20) > 0;
    }
    assert_true(cut);
    close(fd);
    /* nor does a reader that takes nothing */
    fd = dial(r.port);
    int small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    say(fd, "GET /stream?total=100000000 HTTP/1.1\r\n" HOST "\r\n");
    int early = r.closed_early;
    EVENTUALLY(r.closed_early > early);
    close(fd);
    rig_stop(&r);
}

/* Four requests on one connection, half of its idle time apart; false: it was cut. */
static bool used_again(uint16_t port, int idle_ms)
{
    struct pollfd gone = {.fd = dial(port), .events = POLLIN};
    struct answer a;
    bool cut = false;
    for (int i = 0; i < 4 && !cut; i++) {
        say(gone.fd, "GET /text HTTP/1.1\r\n" HOST "\r\n");
        hear(gone.fd, &a, true);
        cut = a.status != 200;
        answer_free(&a);
        cut = cut || poll(&gone, 1, idle_ms / 2) > 0;
    }
    close(gone.fd);
    return !cut;
}

/* Where the machine is so slow that the time is over before the next request, it is given more. */
static void idle_connection_is_used_again_within_its_time(void **state RAC_UNUSED)
{
    struct rig r;
    bool used = false;
    for (int ms = 150; !used; ms *= 4) {
        assert_true(ms < 60000);
        rig_start(&r, &(struct rac_http_server_options){.idle_timeout_ms = ms});
        used = used_again(r.port, ms);
        rig_stop(&r);
    }
}

static void a_thousand_connections_at_once(void **state RAC_UNUSED)
{
    enum { N = 1000 };
    static int fds[N];
    struct rig r;
    rig_start(&r, NULL);
    for (int i = 0; i < N; i++)
        fds[i] = dial(r.port);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++)
            say(fds[i], i % 2 ? "GET /late?ms=50 HTTP/1.1\r\n" HOST "\r\n"
                              : "GET /text HTTP/1.1\r\n" HOST "\r\n");
        for (int i = 0; i < N; i++) {
            struct answer a;
            hear(fds[i], &a, true);
            expect(a, 200, i % 2 ? "late" : "hello");
        }
    }
    for (int i = 0; i < N; i++)
        close(fds[i]);
    rig_stop(&r);
}

static void connections_over_the_limit_wait(void **state RAC_UNUSED)
{
    struct rig r;
    rig_start(&r, &(struct rac_http_server_options){.connections_max = 2});
    int fds[4];
    struct answer a;
    for (int i = 0; i < 4; i++) {
        fds[i] = dial(r.port); /* the kernel takes them */
        say(fds[i], "GET /text HTTP/1.1\r\n" HOST "\r\n");
    }
    for (int i = 0; i < 4; i++) { /* those ahead close, the next ones get their turn */
        hear(fds[i], &a, true);
        expect(a, 200, "hello");
        close(fds[i]);
    }
    rig_stop(&r);
}

static void stopping_finishes_what_is_in_flight(void **state RAC_UNUSED)
{
    struct rig r;
    struct answer a;
    char v[256];
    rig_start(&r, NULL);
    int idle = dial(r.port), busy = dial(r.port), stuck = dial(r.port);
    say(idle, "GET /text HTTP/1.1\r\n" HOST "\r\n");
    hear(idle, &a, true);
    answer_free(&a);
    say(busy, "GET /late?ms=120 HTTP/1.1\r\n" HOST "\r\n");
    say(stuck, "GET /never HTTP/1.1\r\n" HOST "\r\n");
    EVENTUALLY(r.handled == 3);
    rac_workers_stop(r.workers);
    assert_true(at_eof(idle));
    hear(busy, &a, true);
    assert_string_equal(header(&a, "Connection", v), "close");
    expect(a, 200, "late");
    assert_true(at_eof(busy));
    assert_true(at_eof(stuck));
    rig_stop(&r);
    assert_int_equal(r.closed_replied, 2);
    assert_int_equal(r.closed_early, 1);
    close(idle);
    close(busy);
    close(stuck);
}

static void listening_fails_with_a_sentence(void **state RAC_UNUSED)
{
    struct rig r;
    rig_start(&r, NULL);
    struct rac_loop *loop = rac_loop_new();
    struct rac_arena a;
    rac_arena_init(&a, 65536);
    struct rac_http_server *s = NULL;
    rac_str error = RAC_STR_NULL;
    struct rac_http_server_options o = {.port = r.port};
    assert_int_equal(rac_http_server_start(loop, &o, &a, &s, &error), RAC_E_EXISTS);
    assert_true(rac_str_find(error, RAC_S("in use")) != RAC_STR_NPOS);
    o.host = "256.1.1.1";
    assert_int_equal(rac_http_server_start(loop, &o, &a, &s, &error), RAC_E_INVALID);
    /* two share a port when both say so */
    struct rac_http_server *t = NULL;
    o = (struct rac_http_server_options){.reuse_port = true};
    assert_int_equal(rac_http_server_start(loop, &o, &a, &s, &error), RAC_OK);
    o.port = rac_http_server_port(s);
    assert_int_equal(rac_http_server_start(loop, &o, &a, &t, &error), RAC_OK);
    assert_int_equal(rac_http_server_port(t), rac_http_server_port(s));
    struct rac_http_server *u = NULL;
    o.alone = true;
    assert_int_equal(rac_http_server_start(loop, &o, &a, &u, &error), RAC_E_EXISTS);
    rac_http_server_free(s);
    rac_http_server_free(t);
    rac_arena_fini(&a);
    rac_loop_free(loop);
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_in_every_way),
        cmocka_unit_test(head_and_old_clients),
        cmocka_unit_test(target_and_headers_arrive_raw),
        cmocka_unit_test(reply_headers_are_kept_honest),
        cmocka_unit_test(ambiguous_requests_are_refused),
        cmocka_unit_test(sizes_are_capped),
        cmocka_unit_test(expect_continue_is_given),
        cmocka_unit_test(pipelined_requests_answer_in_order),
        cmocka_unit_test(body_streams_through_a_small_buffer),
        cmocka_unit_test(slow_reader_holds_the_producer_back),
        cmocka_unit_test(aborted_stream_is_visibly_cut),
        cmocka_unit_test(client_that_leaves_is_noticed),
        cmocka_unit_test(slow_clients_are_cut),
        cmocka_unit_test(idle_connection_is_used_again_within_its_time),
        cmocka_unit_test(a_thousand_connections_at_once),
        cmocka_unit_test(connections_over_the_limit_wait),
        cmocka_unit_test(stopping_finishes_what_is_in_flight),
        cmocka_unit_test(listening_fails_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
