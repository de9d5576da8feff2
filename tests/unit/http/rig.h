/* rig - a server on a thread of its own with routes that exercise the room, and blocking sockets.
 */
#ifndef RAC_TEST_HTTP_RIG_H
#define RAC_TEST_HTTP_RIG_H

#include "unit.h"

#include "base/arena.h"
#include "base/mem.h"
#include "http/client.h"
#include "http/server.h"
#include "loop/worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>

struct rig {
    struct rac_workers *workers;
    struct rac_http_server_options options;
    uint16_t port;
    /* What the handlers saw; written on the worker, read by the test. */
    atomic_int handled, closed_replied, closed_early;
    atomic_size_t buffered_most; /* of a streamed body, between two reads */
    atomic_long streamed;        /* bytes written by /stream */
};

void rig_start(struct rig *r, const struct rac_http_server_options *o);
void rig_stop(struct rig *r);

/* Blocking client. */
int dial(uint16_t port);
void say_n(int fd, const char *p, size_t n);
void say(int fd, const char *text);

struct answer {
    int status;
    char head[16384];
    char *body;
    size_t body_n;
    bool closed;    /* the connection ended with (or before) the answer */
    bool truncated; /* it ended before the answer was whole */
};
/* Reads one answer; has_body false for HEAD. The leftover of a pipelined read stays in the rig. */
void hear(int fd, struct answer *a, bool has_body);
void answer_free(struct answer *a);
bool at_eof(int fd); /* nothing more comes and the other end closed */
struct answer ask(uint16_t port, const char *request); /* one connection, one exchange */
const char *header(const struct answer *a, const char *name, char out[256]); /* NULL: absent */

/* Waits until cond holds; the two minutes are for a test that fails. */
#define EVENTUALLY(cond)                                                                           \
    do {                                                                                           \
        for (int i_ = 0; i_ < 120000 && !(cond); i_++)                                             \
            poll(NULL, 0, 1);                                                                      \
        assert_true(cond);                                                                         \
    } while (0)

#endif
