/*
 * A ring of cells with sequence numbers: a sender claims a cell by advancing tail, writes it and
 * publishes it by setting its number; the reader takes cells in order. The gate count lets close
 * wait for senders that passed the closed check, so no message is left in a closed ring unseen and
 * no wake-up is sent to a closed handle. One of the three places with atomics (conventions 30).
 */
#include "loop/mailbox.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "loop/worker.h"

#include <sched.h>
#include <stdatomic.h>
#include <uv.h>

enum { MAILBOX_MAGIC = 0x4d41494c, MSG_BYTES_MAX = 256, BATCH_MAX = 256 };

struct cell {
    atomic_size_t number; /* position it is free for, or position + 1 when filled */
    char msg[];
};

struct rac_mailbox {
    uint32_t magic;
    atomic_uint refs;
    uv_async_t async;
    void (*fn)(void *arg, const void *msg);
    void *arg;
    size_t mask, msg_bytes, cell_bytes;
    char *cells;
    atomic_bool closed;
    atomic_uint gate; /* senders inside send */
    char apart[64];   /* senders and reader write to different cache lines */
    atomic_size_t tail;
    char apart_too[64];
    atomic_size_t head; /* written by the reader only */
};

static struct cell *cell_at(const struct rac_mailbox *m, size_t position)
{
    return (struct cell *)(m->cells + (position & m->mask) * m->cell_bytes);
}

/* Takes one message; false when none is published. */
static bool take(struct rac_mailbox *m, void *msg)
{
    size_t head = atomic_load_explicit(&m->head, memory_order_relaxed);
    struct cell *c = cell_at(m, head);
    if (atomic_load_explicit(&c->number, memory_order_acquire) != head + 1)
        return false;
    memcpy(msg, c->msg, m->msg_bytes);
    atomic_store_explicit(&c->number, head + m->mask + 1, memory_order_release);
    atomic_store_explicit(&m->head, head + 1, memory_order_relaxed);
    return true;
}

static void on_async(uv_async_t *h)
{
    struct rac_mailbox *m = RAC_CAST(h->data, struct rac_mailbox, MAILBOX_MAGIC);
    _Alignas(16) char msg[MSG_BYTES_MAX];
    for (int i = 0; i < BATCH_MAX; i++) {
        if (atomic_load_explicit(&m->closed, memory_order_relaxed) || !take(m, msg))
            return;
        m->fn(m->arg, msg);
    }
    uv_async_send(&m->async); /* the rest on the next turn */
}

struct rac_mailbox *rac_mailbox_new(struct rac_loop *loop, size_t capacity, size_t msg_bytes,
                                    void (*fn)(void *arg, const void *msg), void *arg)
{
    RAC_ASSERT(msg_bytes > 0 && msg_bytes <= MSG_BYTES_MAX);
    RAC_ASSERT(capacity > 0 && capacity <= (size_t)1 << 24);
    size_t n = 2;
    while (n < capacity)
        n *= 2;
    struct rac_mailbox *m = rac_mem_alloc(sizeof *m);
    m->magic = MAILBOX_MAGIC;
    m->fn = fn;
    m->arg = arg;
    m->mask = n - 1;
    m->msg_bytes = msg_bytes;
    m->cell_bytes = (sizeof(struct cell) + msg_bytes + 15) / 16 * 16;
    m->cells = rac_mem_alloc(n * m->cell_bytes);
    for (size_t i = 0; i < n; i++)
        atomic_init(&cell_at(m, i)->number, i);
    atomic_init(&m->refs, 2); /* the caller's and the loop's */
    RAC_ASSERT(uv_async_init(rac_loop_uv(loop), &m->async, on_async) == 0);
    m->async.data = m;
    return m;
}

/* Copies msg into a free cell; false when the ring is full. */
static bool put(struct rac_mailbox *m, const void *msg)
{
    size_t tail = atomic_load_explicit(&m->tail, memory_order_relaxed);
    for (;;) {
        struct cell *c = cell_at(m, tail);
        size_t number = atomic_load_explicit(&c->number, memory_order_acquire);
        if (number == tail) {
            if (!atomic_compare_exchange_weak_explicit(&m->tail, &tail, tail + 1,
                                                       memory_order_relaxed, memory_order_relaxed))
                continue;
            memcpy(c->msg, msg, m->msg_bytes);
            atomic_store_explicit(&c->number, tail + 1, memory_order_release);
            return true;
        }
        if ((ptrdiff_t)(number - tail) < 0)
            return false;
        tail = atomic_load_explicit(&m->tail, memory_order_relaxed);
    }
}

rac_err rac_mailbox_send(struct rac_mailbox *m, const void *msg)
{
    RAC_ASSERT(m->magic == MAILBOX_MAGIC);
    rac_err e = RAC_OK;
    atomic_fetch_add(&m->gate, 1);
    if (atomic_load(&m->closed)) {
        e = RAC_E_CANCELLED;
    } else if (!put(m, msg)) {
        rac_metric_add(RAC_METRIC_MAILBOX_FULL, 1);
        e = RAC_E_BUSY;
    } else {
        uv_async_send(&m->async);
    }
    atomic_fetch_sub(&m->gate, 1);
    return e;
}

size_t rac_mailbox_depth(const struct rac_mailbox *m)
{
    size_t head = atomic_load_explicit(&m->head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&m->tail, memory_order_relaxed);
    return tail >= head ? tail - head : 0;
}

static void on_async_closed(uv_handle_t *h)
{
    rac_mailbox_unref(h->data);
}

void rac_mailbox_close(struct rac_mailbox *m)
{
    RAC_ASSERT(m->magic == MAILBOX_MAGIC);
    if (atomic_exchange(&m->closed, true))
        return;
    while (atomic_load(&m->gate) != 0)
        sched_yield(); /* a sender is between its check and its wake-up */
    _Alignas(16) char msg[MSG_BYTES_MAX];
    while (take(m, msg))
        m->fn(m->arg, msg);
    uv_close((uv_handle_t *)&m->async, on_async_closed);
}

struct rac_mailbox *rac_mailbox_ref(struct rac_mailbox *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void rac_mailbox_unref(struct rac_mailbox *m)
{
    if (m == NULL || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
        return;
    m->magic = 0;
    rac_mem_free(m->cells);
    rac_mem_free(m);
}
