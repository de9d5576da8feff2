#include "loop/pool.h"
#include "base/mem.h"
#include "loop/loop_priv.h"

#include <stdatomic.h>

struct rac_pool_job {
    uv_work_t work;
    struct rac_loop *loop;
    void (*fn)(void *arg);
    void (*done)(void *arg, rac_err err);
    void *arg;
};

static atomic_size_t depth; /* a queue depth, read by metrics on any thread */

static void on_work(uv_work_t *w)
{
    struct rac_pool_job *job = w->data;
    job->fn(job->arg);
}

static void on_done(uv_work_t *w, int status)
{
    struct rac_pool_job *job = w->data;
    void (*done)(void *arg, rac_err err) = job->done;
    void *arg = job->arg;
    atomic_fetch_sub_explicit(&depth, 1, memory_order_relaxed);
    job->loop->pool_jobs_n--;
    rac_mem_free(job);
    done(arg, status == 0 ? RAC_OK : RAC_E_CANCELLED);
}

rac_err rac_pool_start(struct rac_loop *loop, void (*work)(void *arg),
                       void (*done)(void *arg, rac_err err), void *arg, struct rac_pool_job **out)
{
    size_t was = atomic_fetch_add_explicit(&depth, 1, memory_order_relaxed);
    if (was >= RAC_POOL_THREADS + RAC_POOL_WAITING_MAX) {
        atomic_fetch_sub_explicit(&depth, 1, memory_order_relaxed);
        return RAC_E_BUSY;
    }
    struct rac_pool_job *job = rac_mem_alloc(sizeof *job);
    *job = (struct rac_pool_job){.loop = loop, .fn = work, .done = done, .arg = arg};
    loop->pool_jobs_n++;
    job->work.data = job;
    RAC_ASSERT(uv_queue_work(rac_loop_uv(loop), &job->work, on_work, on_done) == 0);
    if (out != NULL)
        *out = job;
    return RAC_OK;
}

void rac_pool_settle(struct rac_loop *loop)
{
    while (loop->pool_jobs_n > 0)
        uv_run(&loop->uv, UV_RUN_ONCE);
}

void rac_pool_cancel(struct rac_pool_job *job)
{
    uv_cancel((uv_req_t *)&job->work); /* busy or finished: done follows all the same */
}

size_t rac_pool_depth(void)
{
    return atomic_load_explicit(&depth, memory_order_relaxed);
}
