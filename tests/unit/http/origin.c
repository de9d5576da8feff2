#include "origin.h"

#include <openssl/ssl.h>

struct meeting {
    struct wire w;
};

long wire_read(struct wire *w, char *p, size_t n)
{
    if (w->tls != NULL)
        return SSL_read(w->tls, p, (int)n);
    return recv(w->fd, p, n, 0);
}

bool wire_write(struct wire *w, const char *p, size_t n)
{
    while (n > 0) {
        long k = w->tls != NULL ? SSL_write(w->tls, p, (int)(n > 16384 ? 16384 : n))
                                : send(w->fd, p, n, MSG_NOSIGNAL);
        if (k <= 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

bool wire_say(struct wire *w, const char *text)
{
    return wire_write(w, text, strlen(text));
}

bool wire_hear_head(struct wire *w)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    size_t n = 0;
    while (n < sizeof w->head - 1) {
        long k = wire_read(w, w->head + n, 1);
        if (k <= 0)
            return false;
        n++;
        if (n >= 4 && memcmp(w->head + n - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    w->head[n] = '\0';
    pthread_mutex_lock(&lock);
    memcpy(w->origin->last, w->head, n + 1);
    pthread_mutex_unlock(&lock);
    w->origin->requests++;
    return true;
}

void wire_wait_gone(struct wire *w)
{
    struct pollfd p = {.fd = w->fd, .events = POLLIN};
    poll(&p, 1, 120000);
}

static void *meet(void *arg)
{
    struct meeting *m = arg;
    struct origin *o = m->w.origin;
    bool ok = true;
    if (o->tls != NULL) {
        m->w.tls = SSL_new(o->tls);
        SSL_set_fd(m->w.tls, m->w.fd);
        ok = SSL_accept(m->w.tls) == 1;
    }
    if (ok)
        o->serve(&m->w);
    if (m->w.tls != NULL) {
        SSL_shutdown(m->w.tls);
        SSL_free(m->w.tls);
    }
    shutdown(m->w.fd, SHUT_WR);
    close(m->w.fd);
    rac_mem_free(m);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct origin *o = arg;
    pthread_t threads[256];
    int n = 0;
    while (!o->stop && n < 256) {
        struct pollfd p = {.fd = o->listen_fd, .events = POLLIN};
        if (poll(&p, 1, 10) <= 0)
            continue;
        int fd = accept4(o->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        int on = 1;
        struct timeval limit = {10, 0};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        o->connections++;
        struct meeting *m = rac_mem_alloc(sizeof *m);
        m->w.fd = fd;
        m->w.origin = o;
        pthread_create(&threads[n++], NULL, meet, m);
    }
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return NULL;
}

void origin_start(struct origin *o, void (*serve)(struct wire *w), void *tls)
{
    memset(o, 0, sizeof *o);
    o->serve = serve;
    o->tls = tls;
    o->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t n = sizeof sa;
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(o->listen_fd, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(o->listen_fd, 128), 0);
    getsockname(o->listen_fd, (struct sockaddr *)&sa, &n);
    o->port = ntohs(sa.sin_port);
    pthread_create(&o->thread, NULL, accept_all, o);
}

void origin_stop(struct origin *o)
{
    o->stop = true;
    pthread_join(o->thread, NULL);
    close(o->listen_fd);
}
