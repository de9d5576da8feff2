#include "rig.h"

#include "base/mem.h"

struct rig_worker {
    struct rig *rig;
    struct rac_loop *loop;
    struct rac_http_server *server;
    struct rac_http_fixed *fixed;
};

struct job {
    struct rig_worker *w;
    struct rac_http_exchange *x;
    struct rac_deadline deadline;
    uint64_t total, sent, chunk, got;
    struct rac_body_source src;
    bool slow, over;
};

static uint64_t query_number(struct rac_http_exchange *x, const char *name, uint64_t otherwise)
{
    rac_str rest = x->query;
    while (rest.p != NULL) {
        rac_str value, one = rac_str_cut(rest, '&', &rest);
        rac_str key = rac_str_cut(one, '=', &value);
        uint64_t n;
        if (rac_str_eq(key, rac_str_of(name)) && rac_str_to_u64(value, &n))
            return n;
    }
    return otherwise;
}

static void on_closed(void *arg, bool replied)
{
    struct job *j = arg;
    j->over = true;
    rac_deadline_cancel(&j->deadline);
    if (replied)
        j->w->rig->closed_replied++;
    else
        j->w->rig->closed_early++;
}

static void on_echo(void *arg RAC_UNUSED, struct rac_http_exchange *x, rac_err err, rac_str body)
{
    if (err == RAC_E_LIMIT)
        rac_http_reply_text(x, 413, "text/plain", RAC_S("too large"));
    else
        rac_http_reply_text(x, 200, "application/octet-stream", body);
}

static void on_late(void *arg)
{
    struct job *j = arg;
    rac_http_reply_text(j->x, 200, "text/plain", RAC_S("late"));
}

static void stream_more(void *arg)
{
    static const char bytes[65536];
    struct job *j = arg;
    while (j->sent < j->total) {
        size_t n = j->chunk < j->total - j->sent ? (size_t)j->chunk : (size_t)(j->total - j->sent);
        j->sent += n;
        j->w->rig->streamed += (long)n;
        if (!rac_http_reply_write(j->x, (rac_str){bytes, n}))
            return;
    }
    if (j->slow)
        rac_http_reply_abort(j->x);
    else
        rac_http_reply_end(j->x);
}

static void stream(struct job *j, bool with_length)
{
    struct rac_headers h = {0};
    rac_headers_add(&h, j->x->arena, RAC_S("X-Kind"), RAC_S("stream"));
    j->total = query_number(j->x, "total", 0);
    j->chunk = query_number(j->x, "chunk", 65536);
    rac_http_reply_start(j->x, 200, &h, with_length ? (int64_t)j->total : -1, stream_more, j);
    stream_more(j);
}

static void sink_pull(void *arg)
{
    struct job *j = arg;
    char buf[10000];
    size_t n = 0;
    bool eof = false;
    if (j->over)
        return;
    do {
        rac_err e = j->src.read(j->src.self, buf, sizeof buf, &n, &eof);
        if (e != RAC_OK) {
            rac_http_reply_text(j->x, 413, "text/plain", RAC_S("too large"));
            j->over = true;
            return;
        }
        j->got += n;
        if (n > j->w->rig->buffered_most)
            j->w->rig->buffered_most = n;
    } while (n > 0 && !eof && !j->slow);
    if (eof) {
        rac_http_reply_text(j->x, 200, "text/plain",
                            rac_arena_printf(j->x->arena, "%llu", (unsigned long long)j->got));
        j->over = true;
    } else if (j->slow) {
        rac_deadline_arm(j->w->loop, &j->deadline, 1);
    }
}

static void sink_ready(void *arg)
{
    struct job *j = arg;
    if (!j->slow)
        sink_pull(j);
}

static void sink(struct job *j)
{
    j->slow = query_number(j->x, "slow", 0) != 0;
    rac_deadline_init(&j->deadline, sink_pull, j);
    rac_http_stream_body(j->x, query_number(j->x, "max", UINT64_MAX), sink_ready, j, &j->src);
    sink_pull(j);
}

static void dump(struct rac_http_exchange *x)
{
    struct rac_headers h;
    rac_http_headers(x, &h);
    rac_str s = rac_arena_printf(x->arena, "%.*s %.*s ? %.*s\n", RAC_FMT(x->method),
                                 RAC_FMT(x->path), RAC_FMT(x->query));
    for (size_t i = 0; i < h.n; i++)
        s = rac_arena_printf(x->arena, "%.*s%.*s=[%.*s]\n", RAC_FMT(s), RAC_FMT(h.v[i].name),
                             RAC_FMT(h.v[i].value));
    s = rac_arena_printf(x->arena, "%.*speer=%.*s id=%zu same=%d\n", RAC_FMT(s),
                         RAC_FMT(rac_http_peer(x)), rac_http_request_id(x).n,
                         rac_str_eq(rac_http_request_id(x), rac_http_request_id(x)));
    rac_http_reply_text(x, 200, "text/plain", s);
}

static void many_headers(struct rac_http_exchange *x)
{
    struct rac_headers h = {0};
    rac_headers_add(&h, x->arena, RAC_S("Content-Length"), RAC_S("7"));
    rac_headers_add(&h, x->arena, RAC_S("Transfer-Encoding"), RAC_S("chunked"));
    rac_headers_add(&h, x->arena, RAC_S("X-Bad"), RAC_S("a\r\nX-Split: 1"));
    rac_headers_add(&h, x->arena, RAC_S("Set-Cookie"), RAC_S("a=1"));
    rac_headers_add(&h, x->arena, RAC_S("Set-Cookie"), RAC_S("b=2"));
    uint64_t n = query_number(x, "n", 0), huge = query_number(x, "huge", 0);
    if (huge > 0) {
        char *value = rac_arena_alloc_dirty(x->arena, huge);
        memset(value, 'h', huge);
        rac_headers_add(&h, x->arena, RAC_S("X-Huge"), (rac_str){value, huge});
        rac_headers_add(&h, x->arena, RAC_S("X-Last"), RAC_S("here"));
    }
    for (uint64_t i = 0; i < n; i++)
        rac_headers_add(&h, x->arena, rac_arena_printf(x->arena, "X-%u", (unsigned)i),
                        RAC_S("0123456789012345678901234567890123456789"));
    rac_http_reply(x, 200, &h, RAC_S("body"));
}

static void redirect(struct rac_http_exchange *x)
{
    struct rac_headers h = {0};
    rac_headers_add(&h, x->arena, RAC_S("Location"), RAC_S("/text"));
    rac_http_reply(x, 302, &h, RAC_S("moved"));
}

static void handle(void *arg, struct rac_http_exchange *x)
{
    struct rig_worker *w = arg;
    w->rig->handled++;
    struct job *j = RAC_NEW(x->arena, struct job);
    j->w = w;
    j->x = x;
    rac_http_on_closed(x, on_closed, j);
    if (rac_str_eq(x->path, RAC_S("/fixed"))) {
        rac_http_reply_fixed(x, w->fixed);
    } else if (rac_str_eq(x->path, RAC_S("/text"))) {
        rac_http_reply_text(x, 200, "text/plain", RAC_S("hello"));
    } else if (rac_str_eq(x->path, RAC_S("/echo"))) {
        rac_http_read_body(x, 65536, on_echo, j);
    } else if (rac_str_eq(x->path, RAC_S("/late"))) {
        rac_deadline_init(&j->deadline, on_late, j);
        rac_deadline_arm(w->loop, &j->deadline, (int64_t)query_number(x, "ms", 1));
    } else if (rac_str_eq(x->path, RAC_S("/never"))) {
        ;
    } else if (rac_str_eq(x->path, RAC_S("/stream"))) {
        stream(j, false);
    } else if (rac_str_eq(x->path, RAC_S("/length"))) {
        stream(j, true);
    } else if (rac_str_eq(x->path, RAC_S("/abort"))) {
        j->slow = true;
        stream(j, false);
    } else if (rac_str_eq(x->path, RAC_S("/sink"))) {
        sink(j);
    } else if (rac_str_eq(x->path, RAC_S("/headers"))) {
        many_headers(x);
    } else if (rac_str_eq(x->path, RAC_S("/redirect"))) {
        redirect(x);
    } else if (rac_str_starts(x->path, RAC_S("/dump"))) {
        dump(x);
    } else {
        rac_http_reply_text(x, 404, "text/plain", RAC_S("nothing here"));
    }
}

static rac_err start(void *arg, struct rac_loop *loop, unsigned index RAC_UNUSED, void **state)
{
    struct rig_worker *w = rac_mem_alloc(sizeof *w);
    struct rac_arena a;
    rac_str error = RAC_STR_NULL;
    rac_arena_init(&a, 65536);
    w->rig = arg;
    w->loop = loop;
    w->fixed = rac_http_fixed_new(200, "text/plain", RAC_S("ok\n"));
    w->rig->options.handle = handle;
    w->rig->options.arg = w;
    rac_err e = rac_http_server_start(loop, &w->rig->options, &a, &w->server, &error);
    w->rig->port = e == RAC_OK ? rac_http_server_port(w->server) : 0;
    rac_arena_fini(&a);
    *state = w;
    return e;
}

static void stopped(void *arg)
{
    rac_loop_stop(arg);
}

static void stop(void *state, struct rac_loop *loop)
{
    rac_http_server_stop(((struct rig_worker *)state)->server, 300, stopped, loop);
}

static void fini(void *state, struct rac_loop *loop RAC_UNUSED)
{
    struct rig_worker *w = state;
    rac_http_server_free(w->server);
    rac_http_fixed_free(w->fixed);
    rac_mem_free(w);
}

void rig_start(struct rig *r, const struct rac_http_server_options *o)
{
    memset(r, 0, sizeof *r);
    if (o != NULL)
        r->options = *o;
    const struct rac_worker_hooks hooks = {start, stop, fini, r};
    assert_int_equal(rac_workers_start(1, &hooks, &r->workers), RAC_OK);
}

void rig_stop(struct rig *r)
{
    rac_workers_stop(r->workers);
    rac_workers_join(r->workers);
    assert_int_equal(r->handled, r->closed_replied + r->closed_early);
}

/* ---- blocking client ---- */

int dial(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval limit = {120, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0)
        fail_msg("connect: %s", strerrordesc_np(errno));
    return fd;
}

void say_n(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0)
            return; /* the other end may refuse the rest; the answer tells */
        p += k;
        n -= (size_t)k;
    }
}

void say(int fd, const char *text)
{
    say_n(fd, text, strlen(text));
}

static int next_byte(int fd)
{
    unsigned char c;
    ssize_t n = recv(fd, &c, 1, 0);
    if (n < 0 && errno == EAGAIN)
        fail_msg("no answer for 120 s");
    return n == 1 ? c : -1;
}

const char *header(const struct answer *a, const char *name, char out[256])
{
    size_t n = strlen(name);
    for (const char *line = strchr(a->head, '\n'); line != NULL; line = strchr(line + 1, '\n'))
        if (strncasecmp(line + 1, name, n) == 0 && line[1 + n] == ':') {
            const char *v = line + n + 2;
            while (*v == ' ')
                v++;
            size_t len = strcspn(v, "\r\n");
            len = len < 255 ? len : 255;
            memcpy(out, v, len);
            out[len] = '\0';
            return out;
        }
    return NULL;
}

static void body_put(struct answer *a, int c)
{
    a->body = rac_mem_realloc(a->body, a->body_n + 2);
    a->body[a->body_n++] = (char)c;
    a->body[a->body_n] = '\0';
}

static bool take_n(int fd, struct answer *a, size_t n)
{
    a->body = rac_mem_realloc(a->body, a->body_n + n + 1);
    while (n > 0) {
        ssize_t k = recv(fd, a->body + a->body_n, n, 0);
        if (k <= 0) {
            a->truncated = a->closed = true;
            return false;
        }
        a->body_n += (size_t)k;
        n -= (size_t)k;
    }
    a->body[a->body_n] = '\0';
    return true;
}

static void hear_chunks(int fd, struct answer *a)
{
    for (;;) {
        char line[64];
        size_t n = 0;
        int c;
        while ((c = next_byte(fd)) != -1 && c != '\n' && n < sizeof line - 1)
            line[n++] = (char)c;
        line[n] = '\0';
        if (c == -1) {
            a->truncated = a->closed = true;
            return;
        }
        size_t size = strtoul(line, NULL, 16);
        if (size > 0 && !take_n(fd, a, size))
            return;
        next_byte(fd);
        next_byte(fd);
        if (size == 0)
            return;
    }
}

void hear(int fd, struct answer *a, bool has_body)
{
    memset(a, 0, sizeof *a);
    size_t n = 0;
    int c;
    while (n < sizeof a->head - 1 && (c = next_byte(fd)) != -1) {
        a->head[n++] = (char)c;
        if (n >= 4 && memcmp(a->head + n - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    a->body = rac_mem_alloc(1);
    if (n < 12 || strncmp(a->head, "HTTP/1.1 ", 9) != 0) {
        a->closed = a->truncated = true;
        return;
    }
    a->status = (int)strtol(a->head + 9, NULL, 10);
    char value[256];
    if (a->status == 100 || !has_body || a->status == 204 || a->status == 304)
        return;
    if (header(a, "Transfer-Encoding", value) != NULL)
        hear_chunks(fd, a);
    else if (header(a, "Content-Length", value) != NULL)
        take_n(fd, a, strtoul(value, NULL, 10));
    else
        while ((c = next_byte(fd)) != -1)
            body_put(a, c);
}

void answer_free(struct answer *a)
{
    rac_mem_free(a->body);
    a->body = NULL;
}

bool at_eof(int fd)
{
    char c;
    ssize_t n = recv(fd, &c, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

struct answer ask(uint16_t port, const char *request)
{
    struct answer a;
    int fd = dial(port);
    say(fd, request);
    hear(fd, &a, strncmp(request, "HEAD", 4) != 0);
    close(fd);
    return a;
}
