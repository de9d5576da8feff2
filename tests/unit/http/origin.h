/* origin - a server that says exactly what a test wants, right or wrong; plain or TLS. */
#ifndef RAC_TEST_HTTP_ORIGIN_H
#define RAC_TEST_HTTP_ORIGIN_H

#include "rig.h"

#include <pthread.h>

struct origin;
/* Called for each connection on a thread of its own; send and recv through these two. */
struct wire {
    int fd;
    void *tls; /* SSL *, or NULL */
    struct origin *origin;
    char head[16384]; /* of the request being answered */
};
struct origin {
    int listen_fd;
    uint16_t port;
    pthread_t thread;
    void *tls; /* SSL_CTX *, or NULL */
    void (*serve)(struct wire *w);
    atomic_int connections, requests;
    atomic_bool stop;
    char last[16384]; /* head of the last request; for tests with one connection at a time */
};

void origin_start(struct origin *o, void (*serve)(struct wire *w), void *tls);
void origin_stop(struct origin *o);
long wire_read(struct wire *w, char *p, size_t n);
bool wire_write(struct wire *w, const char *p, size_t n); /* false: the client left */
bool wire_say(struct wire *w, const char *text);
bool wire_hear_head(struct wire *w); /* one request head into w->head; false at the end */
void wire_wait_gone(struct wire *w); /* until the client has left (or sent something more) */

#endif
