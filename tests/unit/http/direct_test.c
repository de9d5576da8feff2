/* Plain http requests over the client's own connections: framing from hostile servers, connections
 * that die, places that run out. */
#include "net.h"
#include "origin.h"

#include <zlib.h>

#define OK(body) "HTTP/1.1 200 OK\r\nContent-Length: " body

static bool path_is(const struct wire *w, const char *path)
{
    const char *at = strchr(w->head, ' ') + 1;
    return strncmp(at, path, strlen(path)) == 0 && at[strlen(path)] == ' ';
}

/* ---- pieces ---- */

static const char *const dribbled[] = {
    "HTTP/1.1 103 Hint\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n"
    "Trailer: t\r\n\r\n",
    "HTTP/1.1 200 OK\nX: y\nContent-Length: 5\n\nhello",
};

static void serve_dribble(struct wire *w)
{
    for (size_t i = 0; wire_hear_head(w); i++)
        for (const char *p = dribbled[i % RAC_COUNT(dribbled)]; *p != '\0'; p++) {
            if (!wire_write(w, p, 1))
                return;
            if (i >= RAC_COUNT(dribbled)) /* and with time to be seen alone */
                poll(NULL, 0, 1);
        }
}

static void answers_come_in_pieces(void **state RAC_UNUSED)
{
    struct origin o;
    struct net n;
    origin_start(&o, serve_dribble, NULL);
    net_open(&n, (struct rac_http_client_options){0});
    for (size_t i = 0; i < 2 * RAC_COUNT(dribbled); i++) {
        struct rac_fetch_res a = net_get(&n, o.port, "/");
        assert_int_equal(a.err, RAC_OK);
        assert_str(a.body, "hello");
        assert_str(rac_headers_get(&a.headers, RAC_S("x")), "y");
        assert_null(rac_headers_get(&a.headers, RAC_S("Link")).p);
        assert_true(a.total_ns >= a.first_byte_ns && a.first_byte_ns > 0);
    }
    assert_int_equal(o.connections, 1);
    net_close(&n);
    origin_stop(&o);
}

/* ---- connections that die, and answers nobody asked for ---- */

enum { UNASKED = 1000 };

static void serve_faults(struct wire *w)
{
    for (int i = 0; wire_hear_head(w); i++) {
        if (path_is(w, "/die-later") && i > 0)
            return; /* a kept connection; the request was read */
        if (path_is(w, "/die"))
            return;
        if (path_is(w, "/half-head")) {
            wire_say(w, "HTTP/1.1 200 OK\r\nContent-Le");
            return;
        }
        if (path_is(w, "/extra")) {
            wire_say(w, OK("2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"));
        } else if (path_is(w, "/extra-late")) {
            wire_say(w, OK("2\r\n\r\nok"));
            EVENTUALLY(w->origin->requests >= UNASKED); /* it was taken, as the test says */
            wire_say(w, OK("4\r\n\r\nevil"));
            w->origin->requests += UNASKED;
        } else if (path_is(w, "/switch")) {
            wire_say(w, "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n");
        } else if (path_is(w, "/both")) {
            wire_say(w, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "2\r\nok\r\n0\r\n\r\n");
        } else if (path_is(w, "/two-lengths")) {
            wire_say(w, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok");
        } else if (path_is(w, "/br")) {
            wire_say(w, "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nok");
        } else if (path_is(w, "/old")) {
            wire_say(w, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
            poll(NULL, 0, 100);
        } else {
            wire_say(w, OK("2\r\n\r\nok"));
        }
    }
}

static void connections_that_die(void **state RAC_UNUSED)
{
    struct origin o;
    struct net n;
    origin_start(&o, serve_faults, NULL);
    net_open(&n, (struct rac_http_client_options){0});
    struct rac_fetch_req post = {
        .method = RAC_S("POST"), .url = net_url(o.port, "/die-later"), .body = RAC_S("")};
    assert_str(net_get(&n, o.port, "/").body, "ok");
    assert_int_equal(o.connections, 1);
    assert_str(net_fetch(&n, &post).body, "ok"); /* sent again, on a connection of its own */
    assert_int_equal(o.connections, 2);
    assert_int_equal(o.requests, 3);
    int before = o.requests;
    net_fails(net_get(&n, o.port, "/die"), RAC_E_IO, "no answer"); /* but once only */
    assert_int_equal(o.requests - before, 2);
    net_fails(net_get(&n, o.port, "/half-head"), RAC_E_IO, "no answer");
    net_close(&n);
    /* the second try waits for its place, and gets no other kept connection */
    net_open(&n, (struct rac_http_client_options){.connections_per_host_max = 1});
    struct wait first, second;
    assert_str(net_get(&n, o.port, "/").body, "ok");
    before = o.requests;
    net_begin(&n, &post, &first);
    net_begin(&n, &(struct rac_fetch_req){.method = RAC_S("GET"), .url = net_url(o.port, "/")},
              &second);
    assert_str(net_await(&n, &second).body, "ok");
    assert_str(net_await(&n, &first).body, "ok");
    assert_int_equal(o.requests - before, 3);
    net_close(&n);
    origin_stop(&o);
}

static void answers_nobody_asked_for(void **state RAC_UNUSED)
{
    struct origin o;
    struct net n;
    origin_start(&o, serve_faults, NULL);
    net_open(&n, (struct rac_http_client_options){0});
    assert_str(net_get(&n, o.port, "/extra").body, "ok");
    assert_str(net_get(&n, o.port, "/").body, "ok"); /* not "evil" */
    assert_int_equal(o.connections, 2);
    assert_str(net_get(&n, o.port, "/extra-late").body, "ok");
    o.requests += UNASKED;
    EVENTUALLY(o.requests >= 2 * UNASKED);
    rac_loop_poll(n.loop); /* what nobody asked for is there */
    assert_str(net_get(&n, o.port, "/").body, "ok");
    assert_int_equal(o.connections, 3);
    assert_str(net_get(&n, o.port, "/both").body, "ok"); /* framed by its chunks, then closed */
    assert_str(net_get(&n, o.port, "/").body, "ok");
    assert_int_equal(o.connections, 4);
    assert_str(net_get(&n, o.port, "/old").body, "ok"); /* 1.0 keeps nothing */
    assert_str(net_get(&n, o.port, "/").body, "ok");
    assert_int_equal(o.connections, 5);
    net_fails(net_get(&n, o.port, "/switch"), RAC_E_IO, "not HTTP");
    net_fails(net_get(&n, o.port, "/two-lengths"), RAC_E_IO, "Content-Length");
    net_fails(net_get(&n, o.port, "/br"), RAC_E_IO, "compression");
    net_close(&n);
    origin_stop(&o);
}

/* A listener whose queue is full: who calls it now stays unanswered, neither let in nor refused. */
static uint16_t full_port(int fds[3])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fds[0], (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fds[0], 0), 0);
    assert_int_equal(getsockname(fds[0], (struct sockaddr *)&at, &n), 0);
    for (int i = 1; i < 3; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fds[i], (struct sockaddr *)&at, sizeof at);
    }
    return ntohs(at.sin_port);
}

/* The descriptor is used again at once; a handle left behind shows when the loop is freed. */
static void left_while_connecting(void **state RAC_UNUSED)
{
    struct origin o;
    struct net n;
    struct wait w;
    int fds[3];
    uint16_t full = full_port(fds);
    origin_start(&o, serve_faults, NULL);
    net_open(&n, (struct rac_http_client_options){0});
    struct rac_fetch_req q = {.method = RAC_S("GET"), .url = net_url(full, "/")};
    for (int i = 0; i < 3; i++) {
        struct rac_fetch *f = net_begin(&n, &q, &w);
        for (int k = 0; k < 5; k++)
            rac_loop_poll(n.loop);
        assert_false(w.done);
        n.f.cancel(n.f.self, f);
        assert_str(net_get(&n, o.port, "/old").body, "ok");
    }
    q.connect_timeout_ms = 50;
    net_fails(net_fetch(&n, &q), RAC_E_TIMEOUT, "connect");
    assert_str(net_get(&n, o.port, "/").body, "ok");
    net_close(&n);
    origin_stop(&o);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

/* ---- large bodies up ---- */

enum { BIG = 20 << 20 }; /* more than twice what sockets hold */
static _Atomic bool refusal_seen;

static void serve_refusal(struct wire *w)
{
    while (wire_hear_head(w)) {
        wire_say(w, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
        char sink[4096];
        long heard = 0, n;
        if (path_is(w, "/wait")) { /* the body is not through before the client has seen it */
            while (heard < BIG / 8 && (n = wire_read(w, sink, sizeof sink)) > 0)
                heard += n;
            while (!refusal_seen)
                poll(NULL, 0, 1);
            while (wire_read(w, sink, sizeof sink) > 0)
                ;
        }
        return;
    }
}

static void bodies_larger_than_the_socket(void **state RAC_UNUSED)
{
    struct rig r;
    struct origin o;
    struct net n;
    char *big = rac_mem_alloc(BIG);
    rig_start(&r, &(struct rac_http_server_options){0});
    origin_start(&o, serve_refusal, NULL);
    net_open(&n, (struct rac_http_client_options){0});
    for (int i = 0; i < 3; i++) {
        struct rac_fetch_req q = {
            .method = RAC_S("PUT"), .url = net_url(r.port, "/sink"), .body = {big, BIG}};
        struct rac_fetch_res a = net_fetch(&n, &q);
        assert_int_equal(a.err, RAC_OK);
        assert_int_equal(a.status, 200);
    }
    /* an answer before the body is through is an answer */
    struct rac_fetch_req q = {
        .method = RAC_S("PUT"), .url = net_url(o.port, "/wait"), .body = {big, BIG}};
    struct rac_fetch_res a = net_fetch(&n, &q);
    refusal_seen = true;
    assert_int_equal(a.err, RAC_OK);
    assert_int_equal(a.status, 413);
    assert_str(a.body, "no");
    q.url = net_url(o.port, "/close"); /* reset under the body: one or the other, never a hang */
    a = net_fetch(&n, &q);
    assert_true((a.err == RAC_OK && a.status == 413) || a.err == RAC_E_IO);
    assert_int_equal(o.connections, 2);
    net_close(&n);
    rig_stop(&r);
    origin_stop(&o);
    rac_mem_free(big);
}

/* ---- unpacking under back-pressure ---- */

enum { BOMB_BYTES = 30 << 20 };
static char *bomb;
static size_t bomb_n;

static void serve_bomb(struct wire *w)
{
    while (wire_hear_head(w)) {
        char head[128];
        size_t cut = path_is(w, "/cut") ? 10 : 0;
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                 bomb_n - cut);
        wire_say(w, head);
        wire_write(w, bomb, bomb_n - cut);
    }
}

struct slow {
    struct net *n;
    struct rac_fetch *f;
    struct wait w;
    struct rac_deadline later;
    size_t got, most, since_pause, most_after_pause;
    int pauses;
};

static void slow_resume(void *arg)
{
    struct slow *s = arg;
    s->since_pause = 0;
    s->n->f.resume(s->n->f.self, s->f);
}

static bool slow_data(void *arg, rac_str bytes)
{
    struct slow *s = arg;
    s->got += bytes.n;
    s->since_pause += bytes.n;
    if (bytes.n > s->most)
        s->most = bytes.n;
    if (s->since_pause > s->most_after_pause)
        s->most_after_pause = s->since_pause;
    if (++s->pauses % 16 != 0) {
        s->since_pause = 0;
        return true;
    }
    rac_deadline_arm(s->n->loop, &s->later, 0);
    return false;
}

static void slow_done(void *arg, const struct rac_fetch_res *res)
{
    struct slow *s = arg;
    rac_deadline_cancel(&s->later);
    net_done(&s->w, res);
}

static void a_bomb_unpacks_in_small_pieces(void **state RAC_UNUSED)
{
    struct origin o;
    struct net n;
    char *plain = rac_mem_alloc(BOMB_BYTES);
    z_stream z = {0};
    bomb = rac_mem_alloc(1 << 20);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)plain;
    z.avail_in = BOMB_BYTES;
    z.next_out = (Bytef *)bomb;
    z.avail_out = 1 << 20;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    bomb_n = (1 << 20) - z.avail_out;
    deflateEnd(&z);
    rac_mem_free(plain);
    origin_start(&o, serve_bomb, NULL);
    net_open(&n, (struct rac_http_client_options){.response_bytes_max = 1 << 20});
    struct slow s = {.n = &n};
    struct rac_fetch_req q = {.method = RAC_S("GET"), .url = net_url(o.port, "/")};
    struct rac_fetch_events ev = {.on_data = slow_data, .done = slow_done, .arg = &s};
    rac_deadline_init(&s.later, slow_resume, &s);
    s.f = n.f.start(n.f.self, &q, &net_arena, &ev);
    assert_int_equal(net_await(&n, &s.w).err, RAC_OK);
    assert_int_equal(s.got, BOMB_BYTES);
    assert_true(s.most <= 16 * 1024 && s.most_after_pause <= 16 * 1024); /* a pause is a pause */
    net_fails(net_fetch(&n, &q), RAC_E_LIMIT, "1048576 bytes"); /* collected: the cap holds */
    struct slow cut = {.n = &n};
    ev.arg = &cut;
    q.url = net_url(o.port, "/cut");
    rac_deadline_init(&cut.later, slow_resume, &cut);
    cut.f = n.f.start(n.f.self, &q, &net_arena, &ev);
    net_fails(net_await(&n, &cut.w), RAC_E_IO, "too early");
    net_close(&n);
    origin_stop(&o);
    rac_mem_free(bomb);
}

/* ---- places ---- */

static void serve_slowly(struct wire *w)
{
    while (wire_hear_head(w)) {
        if (path_is(w, "/never"))
            wire_wait_gone(w);
        poll(NULL, 0, path_is(w, "/slow") ? 60 : 0);
        wire_say(w, OK("2\r\n\r\nok"));
    }
}

static void places_are_waited_for(void **state RAC_UNUSED)
{
    enum { N = 4 };
    struct origin o[3];
    struct net n;
    struct wait w[N];
    struct rac_fetch *f[N];
    for (size_t i = 0; i < RAC_COUNT(o); i++)
        origin_start(&o[i], serve_slowly, NULL);
    /* one connection per host: the second request waits, the third too and is cancelled */
    net_open(&n, (struct rac_http_client_options){.connections_per_host_max = 1});
    struct rac_fetch_req q = {.method = RAC_S("GET"), .url = net_url(o[0].port, "/slow")};
    for (int i = 0; i < N; i++)
        f[i] = net_begin(&n, &q, &w[i]);
    rac_loop_poll(n.loop);
    n.f.cancel(n.f.self, f[2]);
    assert_str(net_get(&n, o[1].port, "/").body, "ok"); /* others do not wait */
    assert_str(net_await(&n, &w[0]).body, "ok");
    assert_str(net_await(&n, &w[1]).body, "ok");
    assert_str(net_await(&n, &w[3]).body, "ok");
    assert_int_equal(w[2].done_n, 0);
    assert_int_equal(o[0].connections, 1);
    assert_int_equal(rac_http_client_active(n.client), 0);
    /* one that waits too long says so; one in use that is cancelled makes room */
    q.connect_timeout_ms = 20;
    f[0] = net_begin(
        &n, &(struct rac_fetch_req){.method = q.method, .url = net_url(o[0].port, "/never")},
        &w[0]);
    net_begin(&n, &q, &w[1]);
    net_fails(net_await(&n, &w[1]), RAC_E_TIMEOUT, "no connection");
    q.connect_timeout_ms = 0;
    net_begin(&n, &q, &w[1]);
    rac_loop_poll(n.loop);
    n.f.cancel(n.f.self, f[0]);
    assert_str(net_await(&n, &w[1]).body, "ok");
    net_close(&n);
    /* two in all: an unused connection is closed for another host */
    net_open(&n, (struct rac_http_client_options){.connections_max = 2});
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < RAC_COUNT(o); i++)
            assert_str(net_get(&n, o[i].port, "/").body, "ok");
    for (size_t i = 0; i < RAC_COUNT(o); i++) /* all taken: the third waits until one is unused */
        net_begin(&n,
                  &(struct rac_fetch_req){.method = q.method, .url = net_url(o[i].port, "/slow")},
                  &w[i]);
    for (size_t i = 0; i < RAC_COUNT(o); i++)
        assert_str(net_await(&n, &w[i]).body, "ok");
    net_begin(&n, &q, &w[0]); /* in use, waiting and about to begin when the client goes */
    net_begin(&n, &(struct rac_fetch_req){.method = q.method, .url = net_url(o[1].port, "/slow")},
              &w[1]);
    net_begin(&n, &(struct rac_fetch_req){.method = q.method, .url = net_url(o[2].port, "/slow")},
              &w[2]);
    rac_loop_poll(n.loop);
    net_begin(&n, &q, &w[3]);
    net_close(&n);
    for (size_t i = 0; i < RAC_COUNT(o); i++)
        origin_stop(&o[i]);
}

/* ---- which way, and what is sent ---- */

static void requests_look_as_they_should(void **state RAC_UNUSED)
{
    struct origin o;
    struct net n;
    origin_start(&o, serve_slowly, NULL);
    net_open(&n, (struct rac_http_client_options){.user_agent = RAC_S("Raccord/1")});
    rac_str base = rac_arena_printf(&net_arena, "http://127.0.0.1:%u", o.port);
    struct rac_headers h = {0};
    rac_headers_add(&h, &net_arena, RAC_S("X-Key"), RAC_S("s"));
    rac_headers_add(&h, &net_arena, RAC_S("Connection"), RAC_S("close"));
    static const char *const urls[][2] = {{"", "/"},
                                          {"?q=1", "/?q=1"},
                                          {"/a?b#c", "/a?b"},
                                          {"#c", "/"},
                                          {"/a/../%2e/b;c=d", "/a/../%2e/b;c=d"}};
    for (size_t i = 0; i < RAC_COUNT(urls); i++) {
        struct rac_fetch_req q = {
            .method = RAC_S("GET"),
            .url = rac_arena_printf(&net_arena, "%.*s%s", RAC_FMT(base), urls[i][0]),
            .headers = &h};
        assert_str(net_fetch(&n, &q).body, "ok");
        rac_str want = rac_arena_printf(&net_arena,
                                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                                        "User-Agent: Raccord/1\r\nAccept-Encoding: gzip, "
                                        "deflate\r\nX-Key: s\r\n\r\n",
                                        urls[i][1], o.port);
        assert_string_equal(o.last, want.p);
    }
    /* spellings that are left to libcurl reach the same place */
    static const char *const odd[] = {"127.1", "0x7f.0.0.1", "u:p@127.0.0.1", "127.0.0.1."};
    for (size_t i = 0; i < RAC_COUNT(odd); i++) {
        struct rac_fetch_req q = {
            .method = RAC_S("GET"),
            .url = rac_arena_printf(&net_arena, "http://%s:%u/", odd[i], o.port)};
        struct rac_fetch_res a = net_fetch(&n, &q);
        assert_true(a.err == RAC_OK || a.err == RAC_E_UNREACHABLE);
    }
    net_close(&n);
    origin_stop(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_in_pieces),
        cmocka_unit_test(connections_that_die),
        cmocka_unit_test(answers_nobody_asked_for),
        cmocka_unit_test(left_while_connecting),
        cmocka_unit_test(bodies_larger_than_the_socket),
        cmocka_unit_test(a_bomb_unpacks_in_small_pieces),
        cmocka_unit_test(places_are_waited_for),
        cmocka_unit_test(requests_look_as_they_should),
    };
    return cmocka_run_group_tests(tests, net_setup, net_teardown);
}
