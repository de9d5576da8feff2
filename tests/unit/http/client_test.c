#include "net.h"
#include "origin.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* ---- against our own server ---- */

static void plain_requests_of_every_kind(void **state RAC_UNUSED)
{
    struct rig r;
    struct net n;
    rig_start(&r, NULL);
    net_open(&n, (struct rac_http_client_options){.user_agent = RAC_S("Raccord/test")});
    struct rac_fetch_res a = net_get(&n, r.port, "/text");
    assert_int_equal(a.err, RAC_OK);
    assert_int_equal(a.status, 200);
    assert_str(a.body, "hello");
    assert_str(rac_headers_get(&a.headers, RAC_S("content-type")), "text/plain");
    assert_true(a.total_ns > 0);
    struct rac_headers h = {0};
    rac_headers_add(&h, &net_arena, RAC_S("X-Empty"), RAC_S(""));
    rac_headers_add(&h, &net_arena, RAC_S("X-Two"), RAC_S("a"));
    rac_headers_add(&h, &net_arena, RAC_S("X-Two"), RAC_S("b"));
    rac_headers_add(&h, &net_arena, RAC_S("Host"), RAC_S("forged"));
    rac_headers_add(&h, &net_arena, RAC_S("Content-Length"), RAC_S("99"));
    rac_headers_add(&h, &net_arena, RAC_S("transfer-encoding"), RAC_S("chunked"));
    rac_headers_add(&h, &net_arena, RAC_S("User-Agent"), RAC_S("own"));
    a = net_fetch(&n, &(struct rac_fetch_req){.method = RAC_S("MERGE"),
                                              .url = net_url(r.port, "/dump/%2F/../x?a=%20b"),
                                              .headers = &h});
    rac_str want = rac_arena_printf(&net_arena,
                                    "MERGE /dump/%%2F/../x ? a=%%20b\nHost=[127.0.0.1:%u]\n"
                                    "Accept-Encoding=[gzip, deflate]\nX-Empty=[]\nX-Two=[a]\n"
                                    "X-Two=[b]\nUser-Agent=[own]\n",
                                    r.port);
    if (!rac_str_starts(a.body, want))
        fail_msg("%.*s", RAC_FMT(a.body));
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE", "GET", "QUERY"};
    for (size_t i = 0; i < RAC_COUNT(methods); i++) { /* with a body, without, with an empty one */
        struct rac_fetch_req q = {.method = rac_str_of(methods[i]),
                                  .url = net_url(r.port, "/echo"),
                                  .body = RAC_S("x=1")};
        a = net_fetch(&n, &q);
        assert_str(a.body, "x=1");
        q.body = RAC_S("");
        assert_str(net_fetch(&n, &q).body, "");
        q.body = RAC_STR_NULL;
        assert_int_equal(net_fetch(&n, &q).status, 200);
    }
    a = net_fetch(
        &n, &(struct rac_fetch_req){.method = RAC_S("HEAD"), .url = net_url(r.port, "/text")});
    assert_int_equal(a.status, 200);
    assert_str(rac_headers_get(&a.headers, RAC_S("Content-Length")), "5");
    assert_str(a.body, "");
    a = net_get(&n, r.port, "/redirect");
    assert_int_equal(a.status, 302); /* not followed */
    assert_str(rac_headers_get(&a.headers, RAC_S("Location")), "/text");
    a = net_get(&n, r.port, "/stream?total=3000000");
    assert_int_equal(a.body.n, 3000000);
    a = net_get(&n, r.port, "/length?total=3000000");
    assert_int_equal(a.body.n, 3000000);
    net_close(&n);
    rig_stop(&r);
}

static void many_at_once_share_connections(void **state RAC_UNUSED)
{
    enum { N = 400 };
    static struct wait w[N];
    struct rig r;
    struct net n;
    rig_start(&r, NULL);
    net_open(&n, (struct rac_http_client_options){.connections_per_host_max = 20});
    memset(w, 0, sizeof w);
    for (int i = 0; i < N; i++) {
        struct rac_fetch_req q = {.method = RAC_S("GET"),
                                  .url = net_url(r.port, i % 3 ? "/text" : "/late?ms=2")};
        struct rac_fetch_events ev = {.done = net_done, .arg = &w[i]};
        n.f.start(n.f.self, &q, &net_arena, &ev);
    }
    assert_int_equal(rac_http_client_active(n.client), N);
    for (int i = 0; i < N; i++) {
        assert_true(rac_loop_run_until(n.loop, &w[i].done));
        assert_int_equal(w[i].res.err, RAC_OK);
        assert_str(w[i].res.body, i % 3 ? "hello" : "late");
    }
    assert_int_equal(rac_http_client_active(n.client), 0);
    net_close(&n);
    rig_stop(&r);
}

/* ---- streaming both ways ---- */

struct flow {
    struct net *n;
    struct rac_fetch *f;
    struct wait w;
    struct rac_deadline later;
    size_t got, chunks, left;
    bool pause, cancel_early, refuse;
    rac_err read_err;
    int headers_n;
};

static void flow_resume(void *arg)
{
    struct flow *s = arg;
    s->n->f.resume(s->n->f.self, s->f);
}

static bool flow_headers(void *arg, const struct rac_fetch_res *res)
{
    struct flow *s = arg;
    s->headers_n++;
    assert_true(res->status == 200 || res->status == 413);
    return !s->refuse;
}

static bool flow_data(void *arg, rac_str bytes)
{
    struct flow *s = arg;
    s->got += bytes.n;
    s->chunks++;
    if (s->cancel_early) {
        s->n->f.cancel(s->n->f.self, s->f);
        s->w.done = true;
        return false;
    }
    if (s->pause) {
        rac_deadline_arm(s->n->loop, &s->later, 1);
        return false;
    }
    return true;
}

static rac_err flow_read(void *self, char *p, size_t cap, size_t *n, bool *eof)
{
    struct flow *s = self;
    if (s->read_err != RAC_OK)
        return s->read_err;
    if (s->pause && s->chunks++ % 2 == 0) { /* nothing yet */
        rac_deadline_arm(s->n->loop, &s->later, 1);
        return RAC_OK;
    }
    *n = cap < s->left ? cap : s->left;
    memset(p, 'u', *n);
    s->left -= *n;
    *eof = s->left == 0;
    return RAC_OK;
}

static void flow_done(void *arg, const struct rac_fetch_res *res)
{
    struct flow *s = arg;
    rac_deadline_cancel(&s->later);
    net_done(&s->w, res);
}

static void flow_go(struct flow *s, const char *method, rac_str url,
                    const struct rac_body_source *src)
{
    struct rac_fetch_req q = {.method = rac_str_of(method), .url = url, .source = src};
    struct rac_fetch_events ev = {flow_headers, flow_data, flow_done, s};
    rac_deadline_init(&s->later, flow_resume, s);
    s->f = s->n->f.start(s->n->f.self, &q, &net_arena, &ev);
    assert_true(rac_loop_run_until(s->n->loop, &s->w.done));
    rac_deadline_cancel(&s->later);
}

static void bodies_stream_both_ways(void **state RAC_UNUSED)
{
    struct rig r;
    struct net n;
    rig_start(&r, NULL);
    net_open(&n, (struct rac_http_client_options){.response_bytes_max = 1000}); /* buffered only */
    struct flow down = {.n = &n};
    flow_go(&down, "GET", net_url(r.port, "/stream?total=2000000"), NULL);
    assert_int_equal(down.got, 2000000);
    assert_int_equal(down.headers_n, 1);
    assert_null(down.w.res.body.p);
    struct flow paused = {.n = &n, .pause = true};
    flow_go(&paused, "GET", net_url(r.port, "/stream?total=500000"), NULL);
    assert_int_equal(paused.got, 500000);
    assert_int_equal(paused.w.res.err, RAC_OK);
    struct flow stopped = {.n = &n, .refuse = true};
    flow_go(&stopped, "GET", net_url(r.port, "/stream?total=500000"), NULL);
    assert_int_equal(stopped.w.res.err, RAC_E_CANCELLED);
    assert_int_equal(stopped.got, 0);
    struct flow cancelled = {.n = &n, .cancel_early = true};
    flow_go(&cancelled, "GET", net_url(r.port, "/stream?total=50000000"), NULL);
    assert_int_equal(cancelled.chunks, 1);
    assert_int_equal(cancelled.w.done_n, 0);
    rac_loop_poll(n.loop);
    assert_int_equal(rac_http_client_active(n.client), 0);
    for (int i = 0; i < 4; i++) { /* up: with and without length, with and without pauses */
        struct flow up = {.n = &n, .left = 300000, .pause = i & 1};
        struct rac_body_source src = {flow_read, i & 2 ? -1 : 300000, &up};
        flow_go(&up, i & 2 ? "POST" : "PUT", net_url(r.port, "/sink"), &src);
        assert_int_equal(up.w.res.err, RAC_OK);
        assert_int_equal(up.w.res.status, 200);
        assert_int_equal(up.left, 0);
    }
    struct flow broken = {.n = &n, .read_err = RAC_E_LIMIT};
    struct rac_body_source src = {flow_read, -1, &broken};
    flow_go(&broken, "POST", net_url(r.port, "/sink"), &src);
    assert_int_equal(broken.w.res.err, RAC_E_LIMIT);
    net_close(&n);
    rig_stop(&r);
}

static void cancel_at_any_moment(void **state RAC_UNUSED)
{
    struct rig r;
    struct net n;
    rig_start(&r, NULL);
    net_open(&n, (struct rac_http_client_options){0});
    for (int turns = 0; turns < 8; turns++) {
        struct wait w = {0};
        struct rac_fetch_req q = {.method = RAC_S("GET"), .url = net_url(r.port, "/late?ms=5")};
        struct rac_fetch_events ev = {.done = net_done, .arg = &w};
        struct rac_fetch *f = n.f.start(n.f.self, &q, &net_arena, &ev);
        for (int i = 0; i < turns; i++)
            rac_loop_poll(n.loop);
        if (!w.done)
            n.f.cancel(n.f.self, f);
        assert_int_equal(rac_http_client_active(n.client), 0);
        assert_str(net_get(&n, r.port, "/text").body, "hello");
    }
    /* in flight when the client goes away */
    for (int i = 0; i < 5; i++) {
        static struct wait w;
        struct rac_fetch_req q = {.method = RAC_S("GET"), .url = net_url(r.port, "/never")};
        struct rac_fetch_events ev = {.done = net_done, .arg = &w};
        n.f.start(n.f.self, &q, &net_arena, &ev);
        if (i == 3)
            rac_loop_poll(n.loop);
    }
    net_close(&n);
    rig_stop(&r);
}

/* ---- against servers that misbehave ---- */

static void endless(struct wire *w, const char *head)
{
    char block[8192];
    memset(block, 'e', sizeof block);
    if (!wire_say(w, head))
        return;
    while (wire_write(w, block, sizeof block))
        ;
}

static void evil(struct wire *w)
{
    static const char gzip_nonsense[] = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                                        "Content-Length: 9\r\n\r\nnot gzip!";
    while (wire_hear_head(w)) {
        const char *path = strchr(w->head, ' ');
#define IS(p) (strncmp(path + 1, p " ", sizeof p) == 0)
        if (IS("/ok"))
            wire_say(w, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        else if (IS("/close"))
            return;
        else if (IS("/endless"))
            endless(w, "HTTP/1.1 200 OK\r\n\r\n");
        else if (IS("/endless-head"))
            endless(w, "HTTP/1.1 200 OK\r\nX: ");
        else if (IS("/many-headers")) {
            wire_say(w, "HTTP/1.1 200 OK\r\n");
            while (wire_say(w, "X-Header: 0123456789012345678901234567890123456789\r\n"))
                ;
        } else if (IS("/claims-more"))
            wire_say(w, "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\nabc");
        else if (IS("/truncated")) {
            wire_say(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
            return;
        } else if (IS("/chunk-cut")) {
            wire_say(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc");
            return;
        } else if (IS("/chunk-bad")) {
            wire_say(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n");
            return;
        } else if (IS("/silent"))
            wire_wait_gone(w);
        else if (IS("/slow-head")) {
            for (int i = 0; i < 600 && wire_say(w, i ? "x" : "HTTP/1.1 200 OK\r\nX: "); i++)
                poll(NULL, 0, 25);
            return;
        } else if (IS("/not-http")) {
            wire_say(w, "SSH-2.0-OpenSSH_9.2\r\n\r\n");
            return;
        } else if (IS("/bad-header")) {
            wire_say(w, "HTTP/1.1 200 OK\r\nno colon at all\r\nContent-Length: 2\r\n\r\nok");
            return;
        } else if (IS("/gzip-bad"))
            wire_write(w, gzip_nonsense, sizeof gzip_nonsense - 1);
        else if (IS("/interim"))
            wire_say(w, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                        "HTTP/1.1 201 Created\r\nX-Final: yes\r\nContent-Length: 2\r\n\r\nok");
        else if (IS("/trailer"))
            wire_say(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
                        "X-Trailer: t\r\n\r\n");
        else if (IS("/no-reason"))
            wire_say(w, "HTTP/1.1 299\r\nContent-Length: 0\r\n\r\n");
        else if (IS("/until-close")) {
            wire_say(w, "HTTP/1.1 200 OK\r\n\r\nall of it");
            return;
        } else if (IS("/once")) { /* keeps the connection, then drops it */
            wire_say(w, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            return;
        }
    }
}

static void servers_that_misbehave(void **state RAC_UNUSED)
{
    struct origin o;
    struct net n;
    origin_start(&o, evil, NULL);
    net_open(&n, (struct rac_http_client_options){.response_bytes_max = 1000000,
                                                  .response_head_bytes_max = 16384,
                                                  .timeout_ms = 120000});
    char at[64];
    snprintf(at, sizeof at, "127.0.0.1:%u", o.port);
    net_fails(net_get(&n, o.port, "/close"), RAC_E_IO, at);
    net_fails(net_get(&n, o.port, "/endless"), RAC_E_LIMIT, "larger than 1000000 bytes");
    net_fails(net_get(&n, o.port, "/endless-head"), RAC_E_LIMIT, "");
    net_fails(net_get(&n, o.port, "/many-headers"), RAC_E_LIMIT, "16384 bytes of headers");
    net_fails(net_get(&n, o.port, "/claims-more"), RAC_E_LIMIT, "larger than 1000000 bytes");
    net_fails(net_get(&n, o.port, "/truncated"), RAC_E_IO, "in the middle of the answer");
    net_fails(net_get(&n, o.port, "/chunk-cut"), RAC_E_IO, "in the middle of the answer");
    net_fails(net_get(&n, o.port, "/chunk-bad"), RAC_E_IO, at);
    net_fails(net_get(&n, o.port, "/not-http"), RAC_E_IO, "not HTTP");
    net_fails(net_get(&n, o.port, "/gzip-bad"), RAC_E_IO, "compression");
    net_fails(net_get(&n, o.port, "/bad-header"), RAC_E_IO, at);
    struct rac_fetch_req q = {
        .method = RAC_S("GET"), .url = net_url(o.port, "/silent"), .timeout_ms = 100};
    net_fails(net_fetch(&n, &q), RAC_E_TIMEOUT, "within 100 ms");
    q.url = net_url(o.port, "/slow-head");
    q.timeout_ms = 3000;
    q.connect_timeout_ms = 2000; /* connected in time; the answer is what is late */
    net_fails(net_fetch(&n, &q), RAC_E_TIMEOUT, "no complete answer");
    struct rac_fetch_res a = net_get(&n, o.port, "/interim");
    assert_int_equal(a.status, 201);
    assert_int_equal(a.headers.n, 2);
    assert_str(a.body, "ok");
    a = net_get(&n, o.port, "/trailer");
    assert_str(a.body, "ok");
    assert_null(rac_headers_get(&a.headers, RAC_S("X-Trailer")).p);
    assert_int_equal(net_get(&n, o.port, "/no-reason").status, 299);
    assert_str(net_get(&n, o.port, "/until-close").body, "all of it");
    for (int i = 0; i < 40; i++) { /* a kept connection that the server dropped is replaced */
        a = net_get(&n, o.port, "/once");
        if (a.err != RAC_OK)
            fail_msg("%d: %.*s", i, RAC_FMT(a.error));
        if (i % 2)
            rac_loop_poll(n.loop);
    }
    int before = o.connections;
    for (int i = 0; i < 20; i++)
        assert_str(net_get(&n, o.port, "/ok").body, "ok");
    assert_true(o.connections - before <= 1); /* and a good one is used again */
    net_close(&n);
    origin_stop(&o);
}

static void no_connection(void **state RAC_UNUSED)
{
    struct net n;
    struct origin o;
    origin_start(&o, evil, NULL);
    uint16_t port = o.port;
    origin_stop(&o); /* nobody listens there now */
    net_open(&n, (struct rac_http_client_options){.connect_timeout_ms = 60000});
    net_fails(net_get(&n, port, "/"), RAC_E_UNREACHABLE, "connection refused by 127.0.0.1:");
    struct rac_fetch_req q = {.method = RAC_S("GET"), .url = RAC_S("http://nothing.invalid/")};
    net_fails(net_fetch(&n, &q), RAC_E_UNREACHABLE, "nothing.invalid:80");
    static const char *const bad[] = {"ftp://127.0.0.1/",
                                      "file:///etc/passwd",
                                      "127.0.0.1",
                                      "http://",
                                      "http://a b/",
                                      "http://[::1/",
                                      "http://h:99999/",
                                      "http://127.0.0.1/\r\nX: y",
                                      "gopher://x/",

                                      ""};
    for (size_t i = 0; i < RAC_COUNT(bad); i++) {
        q.url = rac_str_of(bad[i]);
        struct rac_fetch_res a = net_fetch(&n, &q);
        if (a.err != RAC_E_INVALID)
            fail_msg("%s: %s %.*s", bad[i], rac_err_name(a.err), RAC_FMT(a.error));
    }
    static const struct {
        const char *name, *value;
    } split[] = {{"X", "a\r\nY: b"}, {"X\r\nY", "a"}, {"X:", "a"}, {"", "a"}, {"X", "a\nb"}};
    for (size_t i = 0; i < RAC_COUNT(split); i++) {
        struct rac_headers h = {0};
        rac_headers_add(&h, &net_arena, rac_str_of(split[i].name), rac_str_of(split[i].value));
        q = (struct rac_fetch_req){
            .method = RAC_S("GET"), .url = net_url(port, "/"), .headers = &h};
        net_fails(net_fetch(&n, &q), RAC_E_INVALID, "header");
    }
    q = (struct rac_fetch_req){.method = RAC_S("GET / HTTP/1.1\r\nX:"), .url = net_url(port, "/")};
    net_fails(net_fetch(&n, &q), RAC_E_INVALID, "method");
    net_close(&n);
}

/* ---- egress guard ---- */

static void guard_judges_what_is_connected_to(void **state RAC_UNUSED)
{
    struct origin o;
    origin_start(&o, evil, NULL);
    struct rac_http_guard none = {0};
    /* literal addresses in every spelling, and names */
    static const char *const hosts[] = {
        "127.0.0.1",  "localhost", "127.1", "2130706433",         "0x7f.1",
        "0177.0.0.1", "0",         "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
        "127.0.0.1.", "LOCALHOST"};
    struct net n;
    net_open(&n, (struct rac_http_client_options){.guard = &none});
    for (size_t i = 0; i < RAC_COUNT(hosts); i++) {
        struct rac_fetch_req q = {
            .method = RAC_S("GET"),
            .url = rac_arena_printf(&net_arena, "http://%s:%u/ok", hosts[i], o.port)};
        struct rac_fetch_res a = net_fetch(&n, &q);
        if (a.err != RAC_E_DENIED && a.err != RAC_E_UNREACHABLE)
            fail_msg("%s: %s %.*s", hosts[i], rac_err_name(a.err), RAC_FMT(a.error));
    }
    net_fails(net_get(&n, o.port, "/ok"), RAC_E_DENIED, "egress.allow");
    net_fails(net_get(&n, o.port, "/ok"), RAC_E_DENIED, "a loopback address");
    assert_int_equal(o.connections, 0);
    net_close(&n);
    /* a public-looking name that resolves to us: rebinding */
    char entry[64];
    snprintf(entry, sizeof entry, "api.example.com:%u:127.0.0.1", o.port);
    struct rac_fetch_req q = {
        .method = RAC_S("GET"),
        .url = rac_arena_printf(&net_arena, "http://api.example.com:%u/ok", o.port)};
    net_open(&n, (struct rac_http_client_options){.guard = &none, .resolve = entry});
    net_fails(net_fetch(&n, &q), RAC_E_DENIED, "api.example.com");
    net_fails(net_fetch(&n, &q), RAC_E_DENIED, "127.0.0.1");
    net_close(&n);
    assert_int_equal(o.connections, 0);
    net_open(&n, (struct rac_http_client_options){.resolve = entry}); /* allowed: net_loopback() */
    assert_str(net_fetch(&n, &q).body, "ok");
    net_close(&n);
    assert_int_equal(o.connections, 1);
    /* no guard given: nothing private is reachable */
    struct rac_loop *loop = rac_loop_new();
    struct net bare = {.loop = loop};
    assert_int_equal(rac_http_client_new(loop, &(struct rac_http_client_options){0}, &bare.client),
                     RAC_OK);
    bare.f = rac_http_client_fetcher(bare.client);
    net_fails(net_get(&bare, o.port, "/ok"), RAC_E_DENIED, "loopback");
    net_close(&bare);
    origin_stop(&o);
}

/* A proxy that answers what it was asked, or opens a tunnel to nowhere. */
static void proxy_serve(struct wire *w)
{
    while (wire_hear_head(w)) {
        if (strncmp(w->head, "CONNECT", 7) == 0) {
            wire_say(w, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        wire_say(w, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nproxied");
    }
}

static void a_proxy_carries_requests(void **state RAC_UNUSED)
{
    struct origin proxy, direct;
    struct rac_http_guard none = {0};
    origin_start(&proxy, proxy_serve, NULL);
    origin_start(&direct, evil, NULL);
    struct net n;
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* never read */
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    rac_str at = rac_arena_printf(&net_arena, "http://127.0.0.1:%u", proxy.port);
    net_open(&n, (struct rac_http_client_options){.proxy = at, .guard = &none});
    struct rac_fetch_req q = {.method = RAC_S("GET"), .url = RAC_S("http://api.example.com/x?y")};
    assert_str(net_fetch(&n, &q).body, "proxied");
    assert_int_equal(strncmp(proxy.last, "GET http://api.example.com/x?y HTTP/1.1\r\n", 41), 0);
    static const char *const literal[] = {
        "http://127.0.0.1/", "http://169.254.169.254/latest", "http://[::1]/",    "http://0x7f.1/",
        "http://localhost/", "http://a.localhost:8080/",      "https://10.0.0.1/"};
    for (size_t i = 0; i < RAC_COUNT(literal); i++) {
        q.url = rac_str_of(literal[i]);
        net_fails(net_fetch(&n, &q), RAC_E_DENIED, "egress.allow");
    }
    q.url = RAC_S("https://api.example.com/");
    struct rac_fetch_res a = net_fetch(&n, &q);
    assert_true(a.err != RAC_OK && a.status == 0);
    net_close(&n);
    /* hosts reached directly are guarded as ever */
    net_open(&n, (struct rac_http_client_options){
                     .proxy = at, .guard = &none, .no_proxy = RAC_S(" .test, 127.0.0.1")});
    net_fails(net_get(&n, direct.port, "/ok"), RAC_E_DENIED, "loopback");
    net_close(&n);
    net_open(&n, (struct rac_http_client_options){.proxy = at, .no_proxy = RAC_S("127.0.0.1")});
    assert_str(net_get(&n, direct.port, "/ok").body, "ok");
    net_close(&n);
    net_open(&n, (struct rac_http_client_options){0});
    assert_str(net_get(&n, direct.port, "/ok").body, "ok");
    net_close(&n);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    origin_stop(&proxy);
    origin_stop(&direct);
}

/* ---- compression ---- */

static void serve_gzip(struct wire *w)
{
    /* 1,000 times 'a', by gzip */
    static const unsigned char body[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                                         0x4b, 0x4c, 0x1c, 0x05, 0xa3, 0x60, 0x14, 0x0c, 0x77, 0x00,
                                         0x00, 0x03, 0xda, 0x38, 0x9a, 0xe8, 0x03, 0x00, 0x00};
    while (wire_hear_head(w)) {
        char head[128];
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                 sizeof body);
        wire_say(w, head);
        if (strncmp(w->head, "HEAD", 4) != 0)
            wire_write(w, (const char *)body, sizeof body);
    }
}

static void compressed_answers_arrive_plain(void **state RAC_UNUSED)
{
    struct origin o;
    struct net n;
    origin_start(&o, serve_gzip, NULL);
    net_open(&n, (struct rac_http_client_options){0});
    struct rac_fetch_res a = net_get(&n, o.port, "/");
    assert_int_equal(a.err, RAC_OK);
    assert_int_equal(a.body.n, 1000);
    assert_null(rac_headers_get(&a.headers, RAC_S("Content-Encoding")).p);
    assert_null(rac_headers_get(&a.headers, RAC_S("Content-Length")).p);
    struct rac_fetch_req q = {.method = RAC_S("GET"),
                              .url = net_url(o.port, "/"),
                              .response_bytes_max = 500}; /* counts what comes out */
    net_fails(net_fetch(&n, &q), RAC_E_LIMIT, "500");
    q.keep_encoded = true;
    a = net_fetch(&n, &q);
    assert_int_equal(a.err, RAC_OK);
    assert_int_equal(a.body.n, 29);
    assert_int_equal((unsigned char)a.body.p[0], 0x1f);
    assert_str(rac_headers_get(&a.headers, RAC_S("Content-Encoding")), "gzip");
    q.keep_encoded = false;
    q.method = RAC_S("HEAD");
    a = net_fetch(&n, &q);
    assert_str(rac_headers_get(&a.headers, RAC_S("Content-Encoding")), "gzip");
    net_close(&n);
    origin_stop(&o);
}

/* ---- TLS ---- */

struct identity {
    EVP_PKEY *key;
    X509 *cert;
    rac_str cert_pem, key_pem;
};

static rac_str pem_of(BIO *bio)
{
    char *p = NULL;
    long n = BIO_get_mem_data(bio, &p);
    rac_str s = rac_arena_str(&net_arena, (rac_str){p, (size_t)n});
    BIO_free(bio);
    return s;
}

/* A key and a certificate for name, signed by issuer (NULL: by itself, and may sign others). */
static struct identity identity(const char *name, const struct identity *issuer, long from, long to)
{
    struct identity id = {.key = EVP_EC_gen("P-256"), .cert = X509_new()};
    X509_set_version(id.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(id.cert), (long)(intptr_t)id.cert & 0x7fffffff);
    X509_gmtime_adj(X509_getm_notBefore(id.cert), from);
    X509_gmtime_adj(X509_getm_notAfter(id.cert), to);
    X509_set_pubkey(id.cert, id.key);
    X509_NAME *subject = X509_get_subject_name(id.cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(id.cert, issuer ? X509_get_subject_name(issuer->cert) : subject);
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer ? issuer->cert : id.cert, id.cert, NULL, NULL, 0);
    char alt[128];
    snprintf(alt, sizeof alt, "%s:%s", name[0] >= '0' && name[0] <= '9' ? "IP" : "DNS", name);
    X509_EXTENSION *e = issuer ? X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, alt)
                               : X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints, "CA:TRUE");
    X509_add_ext(id.cert, e, -1);
    X509_EXTENSION_free(e);
    X509_sign(id.cert, issuer ? issuer->key : id.key, EVP_sha256());
    BIO *c = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(c, id.cert);
    PEM_write_bio_PrivateKey(k, id.key, NULL, NULL, 0, NULL, NULL);
    id.cert_pem = pem_of(c);
    id.key_pem = pem_of(k);
    return id;
}

static void identity_free(struct identity *id)
{
    EVP_PKEY_free(id->key);
    X509_free(id->cert);
}

static SSL_CTX *tls_server(const struct identity *id, const struct identity *clients)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(ctx, id->cert);
    SSL_CTX_use_PrivateKey(ctx, id->key);
    if (clients != NULL) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), clients->cert);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    return ctx;
}

static struct rac_fetch_res tls_get(struct net *n, const char *host, uint16_t port,
                                    const struct identity *mine)
{
    struct rac_fetch_req q = {.method = RAC_S("GET"),
                              .url = rac_arena_printf(&net_arena, "https://%s:%u/ok", host, port)};
    if (mine != NULL) {
        q.client_cert_pem = mine->cert_pem;
        q.client_key_pem = mine->key_pem;
    }
    return net_fetch(n, &q);
}

static void tls_is_verified(void **state RAC_UNUSED)
{
    enum { DAY = 86400 };
    struct identity ca = identity("Test CA", NULL, -DAY, DAY);
    struct identity good = identity("127.0.0.1", &ca, -DAY, DAY);
    struct identity other = identity("elsewhere.example", &ca, -DAY, DAY);
    struct identity expired = identity("127.0.0.1", &ca, -3 * DAY, -2 * DAY);
    struct identity self = identity("127.0.0.1", NULL, -DAY, DAY);
    struct identity client = identity("client", &ca, -DAY, DAY);
    char ca_file[] = "/tmp/raccord-test-ca-XXXXXX";
    int fd = mkstemp(ca_file);
    assert_true(fd >= 0 && write(fd, ca.cert_pem.p, ca.cert_pem.n) == (ssize_t)ca.cert_pem.n);
    close(fd);
    struct {
        struct identity *id, *clients;
        long most; /* TLS version at most; 0 any */
        rac_err with_ca, without_ca;
    } cases[] = {{&good, NULL, 0, RAC_OK, RAC_E_TLS},
                 {&good, NULL, TLS1_2_VERSION, RAC_OK, RAC_E_TLS},
                 {&good, NULL, TLS1_1_VERSION, RAC_E_TLS, RAC_E_TLS},
                 {&other, NULL, 0, RAC_E_TLS, RAC_E_TLS},
                 {&expired, NULL, 0, RAC_E_TLS, RAC_E_TLS},
                 {&self, NULL, 0, RAC_E_TLS, RAC_E_TLS}};
    struct net trusting, plain;
    net_open(&trusting, (struct rac_http_client_options){.ca_file = rac_str_of(ca_file)});
    net_open(&plain, (struct rac_http_client_options){0});
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct origin o;
        SSL_CTX *ctx = tls_server(cases[i].id, cases[i].clients);
        if (cases[i].most != 0) {
            SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
            SSL_CTX_set_max_proto_version(ctx, (int)cases[i].most);
            SSL_CTX_set_security_level(ctx, 0);
        }
        origin_start(&o, evil, ctx);
        struct rac_fetch_res a = tls_get(&trusting, "127.0.0.1", o.port, NULL);
        if (a.err != cases[i].with_ca)
            fail_msg("case %zu: %s %.*s", i, rac_err_name(a.err), RAC_FMT(a.error));
        if (a.err == RAC_OK) {
            assert_true(a.tls_ns > 0);
            assert_int_equal(tls_get(&trusting, "127.0.0.1", o.port, NULL).err, RAC_OK);
            assert_int_equal(o.connections, 1); /* kept */
        }
        a = tls_get(&plain, "127.0.0.1", o.port, NULL);
        assert_int_equal(a.err, cases[i].without_ca);
        assert_true(rac_str_find(a.error, RAC_S("127.0.0.1:")) != RAC_STR_NPOS);
        net_close(&trusting); /* lets go of the kept connection */
        net_open(&trusting, (struct rac_http_client_options){.ca_file = rac_str_of(ca_file)});
        origin_stop(&o);
        SSL_CTX_free(ctx);
    }
    /* mutual: refused without, accepted with; a request without does not borrow the other's */
    struct origin o;
    SSL_CTX *ctx = tls_server(&good, &ca);
    origin_start(&o, evil, ctx);
    for (int round = 0; round < 2; round++) {
        struct rac_fetch_res a = tls_get(&trusting, "127.0.0.1", o.port, &client);
        if (a.err != RAC_OK)
            fail_msg("mutual: %.*s", RAC_FMT(a.error));
        a = tls_get(&trusting, "127.0.0.1", o.port, NULL);
        assert_true(a.err == RAC_E_TLS || a.err == RAC_E_IO);
    }
    struct identity broken = {.cert_pem = RAC_S("-----BEGIN nonsense"), .key_pem = RAC_S("x")};
    assert_int_equal(tls_get(&trusting, "127.0.0.1", o.port, &broken).err, RAC_E_TLS);
    net_close(&trusting);
    net_close(&plain);
    origin_stop(&o);
    SSL_CTX_free(ctx);
    /* a CA file that is not there */
    origin_start(&o, evil, NULL);
    net_open(&plain, (struct rac_http_client_options){.ca_file = RAC_S("/nowhere/ca.pem")});
    net_fails(tls_get(&plain, "127.0.0.1", o.port, NULL), RAC_E_TLS, "egress.ca_file");
    net_close(&plain);
    /* TLS spoken to a plain server */
    net_open(&plain, (struct rac_http_client_options){.timeout_ms = 3000});
    struct rac_fetch_res a = tls_get(&plain, "127.0.0.1", o.port, NULL);
    assert_true(a.err == RAC_E_TLS || a.err == RAC_E_TIMEOUT);
    net_close(&plain);
    origin_stop(&o);
    unlink(ca_file);
    struct identity *all[] = {&ca, &good, &other, &expired, &self, &client};
    for (size_t i = 0; i < RAC_COUNT(all); i++)
        identity_free(all[i]);
}

/* ---- blocking form ---- */

static void blocking_form(void **state RAC_UNUSED)
{
    struct rig r;
    rig_start(&r, NULL);
    struct rac_http_guard g = net_loopback();
    struct rac_fetch_res a;
    struct rac_fetch_req q = {.method = RAC_S("GET"), .url = net_url(r.port, "/text")};
    rac_http_fetch_blocking(&(struct rac_http_client_options){.guard = &g}, &q, &net_arena, &a);
    assert_int_equal(a.err, RAC_OK);
    assert_str(a.body, "hello");
    q.url = net_url(r.port, "/never");
    q.timeout_ms = 50;
    rac_http_fetch_blocking(&(struct rac_http_client_options){.guard = &g}, &q, &net_arena, &a);
    assert_int_equal(a.err, RAC_E_TIMEOUT);
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_requests_of_every_kind),
        cmocka_unit_test(many_at_once_share_connections),
        cmocka_unit_test(bodies_stream_both_ways),
        cmocka_unit_test(cancel_at_any_moment),
        cmocka_unit_test(servers_that_misbehave),
        cmocka_unit_test(no_connection),
        cmocka_unit_test(guard_judges_what_is_connected_to),
        cmocka_unit_test(a_proxy_carries_requests),
        cmocka_unit_test(compressed_answers_arrive_plain),
        cmocka_unit_test(tls_is_verified),
        cmocka_unit_test(blocking_form),
    };
    return cmocka_run_group_tests(tests, net_setup, net_teardown);
}
