/* Worker threads: started one by one, stopped by a message, joined together. */
#include "base/mem.h"
#include "loop/loop_priv.h"
#include "loop/mailbox.h"

#include <sched.h>

struct worker {
    struct rac_workers *all;
    uv_thread_t thread;
    uv_sem_t started;
    struct rac_loop *loop; /* valid until the thread ended */
    struct rac_mailbox *stop;
    rac_err err;
    unsigned index;
    bool stopping;
    void *state;
};

struct rac_workers {
    struct rac_worker_hooks hooks;
    unsigned n;
    struct worker v[];
};

static void on_stop_message(void *arg, const void *msg RAC_UNUSED)
{
    struct worker *w = arg;
    if (w->stopping)
        return;
    w->stopping = true;
    if (w->all->hooks.stop != NULL)
        w->all->hooks.stop(w->state, w->loop);
    else
        rac_loop_stop(w->loop);
}

static void worker_main(void *arg)
{
    struct worker *w = arg;
    const struct rac_worker_hooks *hooks = &w->all->hooks;
    struct rac_mailbox *stop = w->stop = NULL;
    w->loop = rac_loop_new();
    w->loop->index = w->index;
    w->err = hooks->start(hooks->arg, w->loop, w->index, &w->state);
    if (w->err == RAC_OK)
        stop = w->stop = rac_mailbox_new(w->loop, 8, 1, on_stop_message, w);
    bool ok = w->err == RAC_OK;
    uv_sem_post(&w->started);
    if (ok) {
        rac_loop_run(w->loop);
        w->stopping = true; /* a message that comes now finds nothing to stop */
        if (hooks->fini != NULL)
            hooks->fini(w->state, w->loop);
        rac_mailbox_close(stop);
    }
    rac_loop_free(w->loop);
}

rac_err rac_workers_start(unsigned n, const struct rac_worker_hooks *hooks,
                          struct rac_workers **out)
{
    RAC_ASSERT(n > 0 && n <= 1024 && hooks->start != NULL);
    struct rac_workers *all = rac_mem_alloc(sizeof *all + n * sizeof all->v[0]);
    all->hooks = *hooks;
    for (unsigned i = 0; i < n; i++) {
        struct worker *w = &all->v[i];
        w->all = all;
        w->index = i;
        RAC_ASSERT(uv_sem_init(&w->started, 0) == 0);
        RAC_ASSERT(uv_thread_create(&w->thread, worker_main, w) == 0);
        uv_sem_wait(&w->started);
        uv_sem_destroy(&w->started);
        if (w->err != RAC_OK) {
            rac_err e = w->err;
            uv_thread_join(&w->thread);
            rac_workers_stop(all);
            rac_workers_join(all);
            return e;
        }
        all->n = i + 1;
    }
    *out = all;
    return RAC_OK;
}

void rac_workers_stop(struct rac_workers *all)
{
    for (unsigned i = 0; i < all->n; i++)
        if (rac_mailbox_send(all->v[i].stop, "") != RAC_OK)
            continue; /* ended already, or told eight times */
}

void rac_workers_join(struct rac_workers *all)
{
    for (unsigned i = 0; i < all->n; i++) {
        uv_thread_join(&all->v[i].thread);
        rac_mailbox_unref(all->v[i].stop);
    }
    rac_mem_free(all);
}

unsigned rac_workers_count(const struct rac_workers *w)
{
    return w->n;
}

void *rac_workers_state(struct rac_workers *w, unsigned index)
{
    RAC_ASSERT(index < w->n);
    return w->v[index].state;
}

unsigned rac_cpu_count(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 0 ? (unsigned)n : 1;
}
