/*
 * Sockets stay registered with the loop from the first request on a connection until it is closed,
 * because taking them out and in again for every request costs more than anything else here; an
 * idle connection that becomes readable (the server closed it) is taken out then. What curl wants
 * done "now" runs once per turn of the loop, as the client's task, so that many fetches share one
 * pass.
 */
#include "base/mem.h"
#include "base/metrics.h"
#include "http/client_priv.h"

#include <sys/socket.h>

static void on_sock_event(uv_poll_t *h, int status, int events);

static void on_sock_closed(uv_handle_t *h)
{
    rac_mem_free(h->data);
}

void rac_http_sock_watch(struct sock *s, int events)
{
    if (s->events == events)
        return;
    s->events = events;
    if (events == 0)
        uv_poll_stop(&s->poll);
    else
        RAC_ASSERT(uv_poll_start(&s->poll, events, on_sock_event) == 0);
}

struct sock *rac_http_sock_get(struct rac_http_client *c, int fd)
{
    return fd >= 0 && (size_t)fd < c->socks_n ? c->socks[fd] : NULL;
}

static struct sock *sock_new(struct rac_http_client *c, int fd, bool ours)
{
    if ((size_t)fd >= c->socks_n) {
        size_t n = c->socks_n ? c->socks_n : 64;
        while (n <= (size_t)fd)
            n *= 2;
        c->socks = rac_mem_realloc(c->socks, n * sizeof *c->socks);
        memset(c->socks + c->socks_n, 0, (n - c->socks_n) * sizeof *c->socks);
        c->socks_n = n;
    }
    if (c->socks[fd] != NULL) /* curl closes one that is not connected yet without a word */
        rac_http_sock_drop(c->socks[fd]);
    struct sock *s = rac_mem_alloc(sizeof *s);
    s->client = c;
    s->fd = fd;
    s->ours = ours;
    RAC_ASSERT(uv_poll_init(rac_loop_uv(c->loop), &s->poll, fd) == 0);
    s->poll.data = s;
    c->socks[fd] = s;
    if (ours)
        rac_metric_change(RAC_METRIC_FETCH_CONNECTIONS, 1);
    return s;
}

void rac_http_sock_drop(struct sock *s)
{
    if (s->ours)
        rac_metric_change(RAC_METRIC_FETCH_CONNECTIONS, -1);
    s->client->socks[s->fd] = NULL;
    uv_poll_stop(&s->poll);
    uv_close((uv_handle_t *)&s->poll, on_sock_closed);
}

void rac_http_curl_action(struct rac_http_client *c, curl_socket_t fd, int flags)
{
    int running;
    c->in_curl = true;
    CURLMcode m = curl_multi_socket_action(c->multi, fd, flags, &running);
    c->in_curl = false;
    RAC_ASSERT(m == CURLM_OK);
}

static void on_sock_event(uv_poll_t *h, int status, int events)
{
    struct sock *s = h->data;
    struct rac_http_client *c = s->client;
    if (status < 0) { /* libuv has stopped watching; whoever reads shall meet the error itself */
        s->events = 0;
        events = UV_READABLE | UV_WRITABLE;
    }
    if (s->direct != NULL) {
        rac_http_direct_event(s->direct, events);
        return;
    }
    if (s->idle) { /* closed by the server, or it talks without being asked: curl finds out */
        rac_http_sock_watch(s, 0);
        return;
    }
    int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    rac_http_curl_action(c, s->fd, flags);
    rac_http_client_soon(c);
}

/* curl says which events of a socket it waits for now. */
static int on_curl_socket(CURL *easy RAC_UNUSED, curl_socket_t fd, int what, void *arg,
                          void *socketp RAC_UNUSED)
{
    struct rac_http_client *c = rac_http_client_of(arg);
    struct sock *s = rac_http_sock_get(c, fd);
    if (s != NULL && s->direct != NULL)
        return 0;
    if (what == CURL_POLL_REMOVE) {
        if (s == NULL)
            return 0;
        if (!s->ours) {
            rac_http_sock_drop(s);
            return 0;
        }
        s->idle = true;
        rac_http_sock_watch(s, s->events & UV_READABLE);
        return 0;
    }
    if (s == NULL)
        s = sock_new(c, fd, false);
    s->idle = false;
    rac_http_sock_watch(s, (what & CURL_POLL_IN ? UV_READABLE : 0) |
                               (what & CURL_POLL_OUT ? UV_WRITABLE : 0));
    return 0;
}

/* Every new outbound connection passes here, its address resolved. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *addr)
{
    struct rac_fetch *f = rac_fetch_of(arg);
    if (purpose != CURLSOCKTYPE_IPCXN)
        return CURL_SOCKET_BAD;
    const char *what = f->via_proxy ? NULL : rac_http_guard_refuses(f->client->guard, &addr->addr);
    if (what != NULL) {
        f->denied_as = what;
        rac_http_addr_text(&addr->addr, f->denied_addr);
        rac_metric_add(RAC_METRIC_FETCH_DENIED, 1);
        return CURL_SOCKET_BAD;
    }
    int fd = socket(addr->family, addr->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, addr->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    sock_new(f->client, fd, true);
    return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct sock *s = rac_http_sock_get(rac_http_client_of(arg), fd);
    if (s != NULL && s->direct != NULL)
        return 0; /* taken over: only curl's idea of the connection ends here */
    if (s != NULL)
        rac_http_sock_drop(s);
    return close(fd);
}

static int on_curl_timer(CURLM *multi RAC_UNUSED, long ms, void *arg)
{
    struct rac_http_client *c = rac_http_client_of(arg);
    if (ms < 0) {
        rac_deadline_cancel(&c->timer);
    } else if (ms == 0) {
        c->expired = true;
        rac_http_client_soon(c);
    } else {
        rac_deadline_arm(c->loop, &c->timer, ms);
    }
    return 0;
}

void rac_http_socks_setup(struct rac_http_client *c)
{
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
}

void rac_http_sock_options(struct rac_fetch *f)
{
    RAC_CURL_MUST(curl_easy_setopt(f->easy, CURLOPT_OPENSOCKETFUNCTION, on_open));
    RAC_CURL_MUST(curl_easy_setopt(f->easy, CURLOPT_OPENSOCKETDATA, f));
    RAC_CURL_MUST(curl_easy_setopt(f->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close));
    RAC_CURL_MUST(curl_easy_setopt(f->easy, CURLOPT_CLOSESOCKETDATA, f->client));
}
