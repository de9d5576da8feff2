/*
 * One turn of a loop: timers and deadlines, tasks they queued, poll, events, tasks those queued.
 * Tasks are how many small completions become one pass over a library: the HTTP server and client
 * queue one task however many exchanges moved in the turn.
 */
#include "base/mem.h"
#include "loop/loop_priv.h"

enum { TASK_ROUNDS_MAX = 16 };

static struct rac_loop *loop_of(const uv_loop_t *uv)
{
    return RAC_CAST(uv->data, struct rac_loop, RAC_LOOP_MAGIC);
}

static void tasks_run(struct rac_loop *loop)
{
    for (int round = 0; loop->tasks != NULL && round < TASK_ROUNDS_MAX; round++) {
        struct rac_task *list = loop->tasks;
        list->link = &list;
        loop->tasks = NULL;
        loop->tasks_end = &loop->tasks;
        while (list != NULL) {
            struct rac_task *t = list;
            list = t->next;
            if (list != NULL)
                list->link = &list;
            t->link = NULL;
            t->fn(t->arg);
        }
    }
    if (loop->tasks == NULL)
        uv_idle_stop(&loop->idle);
}

/* A turn begins with timers: where one of them set the flag that is waited for, the poll behind
 * them would wait for some other event. */
static void on_prepare(uv_prepare_t *h)
{
    struct rac_loop *loop = loop_of(h->loop);
    tasks_run(loop);
    if (loop->until != NULL && *loop->until)
        uv_stop(&loop->uv);
}

static void on_check(uv_check_t *h)
{
    tasks_run(loop_of(h->loop));
}

static void on_idle(uv_idle_t *h RAC_UNUSED)
{
}

static void on_stop(uv_async_t *h)
{
    struct rac_loop *loop = loop_of(h->loop);
    loop->stopped = true;
    uv_stop(&loop->uv);
}

static void ignore_sigpipe(void)
{
    struct sigaction sa = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &sa, NULL);
}

struct rac_loop *rac_loop_new(void)
{
    ignore_sigpipe();
    rac_mem_blocks_keep(); /* loops allocate the same sizes over and over */
    struct rac_loop *loop = rac_mem_alloc(sizeof *loop);
    loop->magic = RAC_LOOP_MAGIC;
    loop->tasks_end = &loop->tasks;
    RAC_ASSERT(uv_loop_init(&loop->uv) == 0);
    loop->uv.data = loop;
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_check_init(&loop->uv, &loop->check);
    uv_idle_init(&loop->uv, &loop->idle);
    uv_timer_init(&loop->uv, &loop->timer);
    RAC_ASSERT(uv_async_init(&loop->uv, &loop->stop, on_stop) == 0);
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_check_start(&loop->check, on_check);
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_unref((uv_handle_t *)&loop->check);
    uv_unref((uv_handle_t *)&loop->stop);
    rac_wheel_init(&loop->wheel, uv_now(&loop->uv));
    return loop;
}

void rac_loop_free(struct rac_loop *loop)
{
    if (loop == NULL)
        return;
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->check, NULL);
    uv_close((uv_handle_t *)&loop->idle, NULL);
    uv_close((uv_handle_t *)&loop->timer, NULL);
    uv_close((uv_handle_t *)&loop->stop, NULL);
    for (int i = 0; loop->signals_on && i < RAC_LOOP_SIGNALS; i++)
        uv_close((uv_handle_t *)&loop->signals[i], NULL);
    /* Lets closing handles, ours and those others have just closed, finish; blocking jobs of the
     * pool are waited for. */
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    RAC_ASSERT(uv_loop_close(&loop->uv) == 0);
    loop->magic = 0;
    rac_mem_free(loop);
    rac_mem_blocks_let_go();
}

void rac_loop_run(struct rac_loop *loop)
{
    loop->stopped = false;
    while (!loop->stopped && uv_run(&loop->uv, UV_RUN_DEFAULT) != 0)
        ;
}

bool rac_loop_run_until(struct rac_loop *loop, const bool *flag)
{
    const bool *outer = loop->until;
    bool alive = true;
    loop->until = flag;
    while (!*flag && alive)
        alive = uv_run(&loop->uv, UV_RUN_ONCE) != 0;
    loop->until = outer;
    return *flag;
}

void rac_loop_poll(struct rac_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_NOWAIT);
}

void rac_loop_stop(struct rac_loop *loop)
{
    uv_async_send(&loop->stop);
}

struct uv_loop_s *rac_loop_uv(struct rac_loop *loop)
{
    return &loop->uv;
}

uint64_t rac_loop_now_ms(const struct rac_loop *loop)
{
    return uv_now(&loop->uv);
}

unsigned rac_loop_index(const struct rac_loop *loop)
{
    return loop->index;
}

void rac_loop_soon(struct rac_loop *loop, struct rac_task *t)
{
    if (t->link != NULL)
        return;
    if (loop->tasks == NULL)
        uv_idle_start(&loop->idle, on_idle);
    t->next = NULL;
    t->link = loop->tasks_end;
    *loop->tasks_end = t;
    loop->tasks_end = &t->next;
}

void rac_loop_soon_cancel(struct rac_loop *loop, struct rac_task *t)
{
    if (t->link == NULL)
        return;
    *t->link = t->next;
    if (t->next != NULL)
        t->next->link = t->link;
    else if (loop->tasks_end == &t->next)
        loop->tasks_end = t->link;
    t->link = NULL;
}

static void on_uv_signal(uv_signal_t *h, int signum)
{
    struct rac_loop *loop = loop_of(h->loop);
    loop->on_signal(loop->on_signal_arg, signum);
}

void rac_loop_on_stop_signal(struct rac_loop *loop, void (*fn)(void *arg, int signum), void *arg)
{
    static const int numbers[RAC_LOOP_SIGNALS] = {SIGTERM, SIGINT};
    RAC_ASSERT(!loop->signals_on);
    loop->on_signal = fn;
    loop->on_signal_arg = arg;
    loop->signals_on = true;
    for (int i = 0; i < RAC_LOOP_SIGNALS; i++) {
        uv_signal_init(&loop->uv, &loop->signals[i]);
        uv_signal_start(&loop->signals[i], on_uv_signal, numbers[i]);
    }
}
