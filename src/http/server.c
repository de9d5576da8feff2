/*
 * The daemon and its connections: listener, passes, deadlines, stopping. See server_priv.h for how
 * an exchange waits and when a pass is wanted.
 */
#include "http/server.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "http/server_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum {
    FALLBACK_MS_MIN = 1,
    FALLBACK_MS_MAX = 512,
    SWEEP_MS = 1000,
    PASSES_MAX = 8, /* in one turn of the loop */
};

static struct rac_http_server *server_of(void *arg)
{
    return RAC_CAST(arg, struct rac_http_server, RAC_HTTP_SERVER_MAGIC);
}

/* ---- deadlines of a connection ---- */

void rac_http_conn_due(struct rac_http_conn *c, int64_t after_ms)
{
    c->due_ms = rac_loop_now_ms(c->server->loop) + (uint64_t)after_ms;
    /* Armed earlier is fine: it will look at due_ms and wait on. */
    if (!rac_deadline_is_armed(&c->deadline) || c->deadline.at_ms > c->due_ms)
        rac_deadline_arm(c->server->loop, &c->deadline, after_ms);
}

struct tcp_info_longer { /* what the kernel adds after the C library's idea of it */
    struct tcp_info base;
    uint64_t pacing_rate, max_pacing_rate, bytes_acked;
};

/* Has the client taken anything since the last look? */
static bool client_progressed(struct rac_http_conn *c)
{
    struct tcp_info_longer info = {0};
    socklen_t n = sizeof info;
    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
        return false;
    bool starved = c->streaming && c->stream_starved && info.base.tcpi_unacked == 0;
    bool moved = info.bytes_acked != c->acked_bytes;
    c->acked_bytes = info.bytes_acked;
    return moved || starved;
}

static void on_conn_deadline(void *arg)
{
    struct rac_http_conn *c = RAC_CAST(arg, struct rac_http_conn, RAC_HTTP_CONN_MAGIC);
    uint64_t now = rac_loop_now_ms(c->server->loop);
    if (now < c->due_ms) {
        rac_deadline_arm(c->server->loop, &c->deadline, (int64_t)(c->due_ms - now));
        return;
    }
    if (c->state == EXCHANGE_SENDING && client_progressed(c)) {
        rac_http_conn_due(c, c->server->o.body_idle_timeout_ms);
        return;
    }
    rac_http_conn_kill(c);
}

/* ---- passes ---- */

static void poll_start(struct rac_http_server *s);

void rac_http_server_kick(struct rac_http_server *s, unsigned passes)
{
    if (s->passes < passes)
        s->passes = passes;
    if (!s->running && s->daemon != NULL)
        rac_loop_soon(s->loop, &s->pass);
}

static void pass_once(struct rac_http_server *s)
{
    s->active = s->again = false;
    s->queued = 0;
    if (s->passes > 0)
        s->passes--;
    s->running = true;
    MHD_run(s->daemon);
    s->running = false;
    if (s->active || s->again || s->queued > 0)
        s->passes = s->passes > 1 ? s->passes : 1;
    MHD_UNSIGNED_LONG_LONG wait;
    if (s->waiting == 0) { /* then the library's own word is exact */
        s->passes = s->again ? 1 : 0;
        if (MHD_get_timeout(s->daemon, &wait) == MHD_YES && wait == 0)
            s->passes = 1;
    }
}

static void run_passes(void *arg)
{
    struct rac_http_server *s = server_of(arg);
    int n = 0;
    do {
        pass_once(s);
    } while (s->passes > 0 && ++n < PASSES_MAX);
    if (s->passes > 0)
        rac_loop_soon(s->loop, &s->pass);
    if (s->waiting > 0) {
        s->fallback_ms = n > 0 || s->fallback_ms == 0 ? FALLBACK_MS_MIN : s->fallback_ms;
        if (!rac_deadline_is_armed(&s->fallback))
            rac_deadline_arm(s->loop, &s->fallback, s->fallback_ms);
    }
    if (s->exchanges_n > 0 && !rac_deadline_is_armed(&s->sweep))
        rac_deadline_arm(s->loop, &s->sweep, SWEEP_MS);
}

static void on_fallback(void *arg)
{
    struct rac_http_server *s = server_of(arg);
    if (s->waiting == 0) {
        s->fallback_ms = FALLBACK_MS_MIN;
        return;
    }
    s->fallback_ms = s->fallback_ms * 2 > FALLBACK_MS_MAX ? FALLBACK_MS_MAX : s->fallback_ms * 2;
    run_passes(s);
}

static void on_readable(uv_poll_t *h, int status, int events RAC_UNUSED)
{
    struct rac_http_server *s = server_of(h->data);
    RAC_ASSERT(status == 0);
    run_passes(s);
}

/* Clients that left while their exchange waits: nobody reads their sockets then, so look. */
static void on_sweep(void *arg)
{
    struct rac_http_server *s = server_of(arg);
    uint64_t now = rac_loop_now_ms(s->loop);
    for (struct rac_http_conn *c = s->conns, *next; c != NULL; c = next) {
        next = c->next;
        if (c->state == EXCHANGE_IDLE || c->killed || now - c->seen_ms < SWEEP_MS / 2)
            continue;
        if (c->state == EXCHANGE_SENDING && !c->suspended && !c->waiting)
            continue; /* the library writes and will notice */
        char byte;
        ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
            rac_http_conn_kill(c);
    }
    if (s->exchanges_n > 0)
        rac_deadline_arm(s->loop, &s->sweep, SWEEP_MS);
}

/* ---- waiting, waking, cutting ---- */

void rac_http_conn_wait(struct rac_http_conn *c)
{
    RAC_ASSERT(c->in_callback);
    if (!c->waiting) {
        c->waiting = true;
        c->server->waiting++;
    }
    if (++c->visits >= VISITS_MAX)
        rac_http_conn_suspend(c);
}

void rac_http_conn_suspend(struct rac_http_conn *c)
{
    RAC_ASSERT(c->in_callback);
    rac_http_conn_wait_over(c);
    if (!c->suspended) {
        c->suspended = true;
        MHD_suspend_connection(c->mhd);
    }
}

void rac_http_conn_wait_over(struct rac_http_conn *c)
{
    if (c->waiting) {
        c->waiting = false;
        c->server->waiting--;
    }
}

void rac_http_conn_wake(struct rac_http_conn *c)
{
    unsigned passes = 1;
    c->visits = 0;
    rac_http_conn_wait_over(c);
    if (c->suspended) {
        c->suspended = false;
        MHD_resume_connection(c->mhd);
        passes = 2; /* the first takes it back into the library's lists */
    }
    rac_http_server_kick(c->server, passes);
}

void rac_http_conn_kill(struct rac_http_conn *c)
{
    if (c->killed)
        return;
    c->killed = true;
    shutdown(c->fd, SHUT_RDWR);
    rac_http_conn_wake(c);
    rac_http_server_kick(c->server, 2);
}

/* ---- connections come and go ---- */

static void conn_open(struct rac_http_server *s, struct MHD_Connection *mhd, void **ctx)
{
    struct rac_http_conn *c = rac_mem_alloc(sizeof *c);
    c->magic = RAC_HTTP_CONN_MAGIC;
    c->server = s;
    c->mhd = mhd;
    c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    c->next = s->conns;
    c->link = &s->conns;
    if (c->next != NULL)
        c->next->link = &c->next;
    s->conns = c;
    s->conns_n++;
    s->active = true;
    rac_arena_init(&c->arena, s->o.arena_bytes_max);
    rac_deadline_init(&c->deadline, on_conn_deadline, c);
    rac_http_conn_due(c, s->o.idle_timeout_ms);
    rac_metric_change(RAC_METRIC_HTTP_CONNECTIONS, 1);
    *ctx = c;
}

static void conn_close(struct rac_http_server *s, struct rac_http_conn *c)
{
    RAC_ASSERT(c->state == EXCHANGE_IDLE);
    rac_deadline_cancel(&c->deadline);
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    s->conns_n--;
    /* When its limit was reached, or no descriptor was left, the library listens again only on its
     * next pass. */
    s->again = true;
    rac_arena_fini(&c->arena);
    rac_buf_fini(&c->body);
    rac_buf_fini(&c->out);
    c->magic = 0;
    rac_mem_free(c);
    rac_metric_change(RAC_METRIC_HTTP_CONNECTIONS, -1);
    if (s->stopping && s->conns_n == 0)
        rac_loop_soon(s->loop, &s->stopped_task);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **ctx,
                          enum MHD_ConnectionNotificationCode code)
{
    struct rac_http_server *s = server_of(cls);
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        conn_open(s, mhd, ctx);
    else if (*ctx != NULL)
        conn_close(s, RAC_CAST(*ctx, struct rac_http_conn, RAC_HTTP_CONN_MAGIC));
}

/* ---- start ---- */

static int listen_on(const struct addrinfo *ai, bool reuse_port)
{
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (ai->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if ((reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) ||
        bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* Is somebody there, even one who would share? A listener that does not share finds out. */
static bool taken(const struct addrinfo *ai)
{
    int fd = listen_on(ai, false);
    if (fd < 0)
        return errno == EADDRINUSE;
    close(fd);
    return false;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage ss = {0};
    socklen_t n = sizeof ss;
    if (getsockname(fd, (struct sockaddr *)&ss, &n) != 0)
        return 0;
    return ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port
                                          : ((struct sockaddr_in *)&ss)->sin_port);
}

static rac_err listen_open(struct rac_http_server *s, struct rac_arena *a, rac_str *error)
{
    const char *host = s->o.host != NULL ? s->o.host : "127.0.0.1";
    struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char port[8];
    snprintf(port, sizeof port, "%u", s->o.port);
    int gai = getaddrinfo(host, port, &want, &found); /* at start, before anything is served */
    if (gai != 0) {
        *error = rac_arena_printf(a, "cannot listen on %s:%s: %s", host, port, gai_strerror(gai));
        return RAC_E_INVALID;
    }
    for (struct addrinfo *ai = found; ai != NULL && s->listen_fd < 0; ai = ai->ai_next)
        if (!s->o.alone || !taken(ai))
            s->listen_fd = listen_on(ai, s->o.reuse_port);
    int saved = errno;
    freeaddrinfo(found);
    if (s->listen_fd < 0) {
        *error =
            rac_arena_printf(a, "cannot listen on %s:%s: %s", host, port, strerrordesc_np(saved));
        return saved == EADDRINUSE ? RAC_E_EXISTS : saved == EACCES ? RAC_E_DENIED : RAC_E_IO;
    }
    s->port = port_of(s->listen_fd);
    return RAC_OK;
}

static size_t keep_raw(void *cls RAC_UNUSED, struct MHD_Connection *c RAC_UNUSED, char *s)
{
    return strlen(s);
}

static void on_panic(void *cls RAC_UNUSED, const char *file, unsigned int line, const char *why)
{
    rac_assert_failed(file, (int)line, why ? why : "libmicrohttpd");
}

/* The pool of a connection holds the request's head and, after it, the reply's. The library clears
 * all of it for every request, which is felt from 32 KiB on. */
static size_t pool_bytes(const struct rac_http_server *s)
{
    return 2 * s->o.head_bytes_max;
}

static rac_err daemon_start(struct rac_http_server *s)
{
    MHD_set_panic_func(on_panic, NULL);
    /* Suspend without MHD_USE_ITC: a resume is followed by a pass of ours, no wake-up needed. */
    /* Not "strict": what it would refuse then (no Host, blanks in the target) it answers twice, and is
     * refused by exchange.c. */
    unsigned flags = MHD_USE_EPOLL | MHD_USE_TURBO | (MHD_ALLOW_SUSPEND_RESUME & ~MHD_USE_ITC);
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, rac_http_on_request, s, MHD_OPTION_LISTEN_SOCKET, s->listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->o.connections_max,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_bytes(s), MHD_OPTION_CONNECTION_TIMEOUT, 0u,
        MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_raw, NULL, MHD_OPTION_URI_LOG_CALLBACK, rac_http_on_uri,
        s, MHD_OPTION_NOTIFY_COMPLETED, rac_http_on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, s, MHD_OPTION_END);
    if (s->daemon == NULL)
        return RAC_E_IO;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    RAC_ASSERT(info != NULL);
    RAC_ASSERT(uv_poll_init(rac_loop_uv(s->loop), &s->poll, info->epoll_fd) == 0);
    s->poll.data = s;
    poll_start(s);
    return RAC_OK;
}

static void poll_start(struct rac_http_server *s)
{
    RAC_ASSERT(uv_poll_start(&s->poll, UV_READABLE, on_readable) == 0);
}

static void options_default(struct rac_http_server_options *o)
{
#define DEFAULT(field, value)                                                                      \
    if (o->field == 0)                                                                             \
    o->field = (value)
    DEFAULT(connections_max, 4096);
    DEFAULT(head_bytes_max, 8 * 1024);
    DEFAULT(arena_bytes_max, (size_t)256 << 20);
    DEFAULT(idle_timeout_ms, 60 * 1000);
    DEFAULT(body_idle_timeout_ms, 60 * 1000);
    DEFAULT(reply_timeout_ms, 300 * 1000);
#undef DEFAULT
}

static void on_stopped(void *arg)
{
    struct rac_http_server *s = server_of(arg);
    if (s->closed || s->conns_n > 0)
        return;
    s->closed = true;
    rac_deadline_cancel(&s->grace);
    if (s->stopped != NULL)
        s->stopped(s->stopped_arg); /* may free s */
}

static void on_grace_over(void *arg)
{
    struct rac_http_server *s = server_of(arg);
    for (struct rac_http_conn *c = s->conns; c != NULL; c = c->next)
        rac_http_conn_kill(c);
}

rac_err rac_http_server_start(struct rac_loop *loop, const struct rac_http_server_options *o,
                              struct rac_arena *a, struct rac_http_server **out, rac_str *error)
{
    struct rac_http_server *s = rac_mem_alloc(sizeof *s);
    s->magic = RAC_HTTP_SERVER_MAGIC;
    s->loop = loop;
    s->o = *o;
    s->listen_fd = -1;
    options_default(&s->o);
    s->pass.fn = run_passes;
    s->pass.arg = s;
    s->stopped_task.fn = on_stopped;
    s->stopped_task.arg = s;
    rac_deadline_init(&s->fallback, on_fallback, s);
    rac_deadline_init(&s->sweep, on_sweep, s);
    rac_deadline_init(&s->grace, on_grace_over, s);
    static const char *const classes[STATUS_CLASSES] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
    for (size_t i = 0; i < STATUS_CLASSES; i++)
        s->status_labels[i] = rac_metric_label(RAC_METRIC_HTTP_RESPONSES, classes[i]);
    rac_err e = listen_open(s, a, error);
    if (e != RAC_OK)
        goto fail;
    e = daemon_start(s);
    if (e != RAC_OK) {
        *error = rac_arena_printf(a, "cannot start the HTTP server on port %u", s->port);
        goto fail;
    }
    rac_http_server_kick(s, 1);
    *out = s;
    return RAC_OK;
fail:
    if (s->listen_fd >= 0)
        close(s->listen_fd);
    rac_mem_free(s);
    return e;
}

uint16_t rac_http_server_port(const struct rac_http_server *s)
{
    return s->port;
}

/* ---- stop ---- */

void rac_http_server_stop(struct rac_http_server *s, int64_t grace_ms, void (*done)(void *arg),
                          void *arg)
{
    if (s->stopping)
        return;
    s->stopping = true;
    s->stopped = done;
    s->stopped_arg = arg;
    MHD_socket fd = MHD_quiesce_daemon(s->daemon);
    if (fd != MHD_INVALID_SOCKET)
        close(fd);
    for (struct rac_http_conn *c = s->conns; c != NULL; c = c->next)
        if (c->state == EXCHANGE_IDLE)
            rac_http_conn_kill(c);
    rac_deadline_arm(s->loop, &s->grace, grace_ms);
    if (s->conns_n == 0)
        rac_loop_soon(s->loop, &s->stopped_task);
}

static void on_poll_closed(uv_handle_t *h)
{
    rac_mem_free(server_of(h->data));
}

void rac_http_server_free(struct rac_http_server *s)
{
    if (s == NULL)
        return;
    RAC_ASSERT(!s->running);
    s->stopped = NULL;
    uv_poll_stop(&s->poll);
    for (struct rac_http_conn *c = s->conns; c != NULL; c = c->next) {
        c->killed = true;
        rac_http_conn_wake(c); /* the library refuses to stop over suspended connections */
    }
    struct MHD_Daemon *daemon = s->daemon;
    s->running = true;
    MHD_stop_daemon(daemon);
    s->running = false;
    s->daemon = NULL;
    RAC_ASSERT(s->conns_n == 0 && s->exchanges_n == 0);
    rac_loop_soon_cancel(s->loop, &s->pass);
    rac_loop_soon_cancel(s->loop, &s->stopped_task);
    rac_deadline_cancel(&s->fallback);
    rac_deadline_cancel(&s->sweep);
    rac_deadline_cancel(&s->grace);
    uv_close((uv_handle_t *)&s->poll, on_poll_closed);
}
