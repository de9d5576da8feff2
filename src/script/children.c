/*
 * A child is reached through a socket pair that is its standard input. Its end is seen as the end of
 * that socket; why it ended is asked of the kernel a moment later, when it can be told.
 */
#include "script/children.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/str.h"
#include "loop/deadline.h"
#include "loop/worker.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <uv.h>

enum {
    CHILDREN_MAGIC = 0x6368696c,
    CHILDREN_DEFAULT = 2,
    TIMEOUT_DEFAULT_MS = 30000,
    IDLE_MS = 30000,
    REAP_MS = 1,
    REAP_TRIES = 2000,
    LINGER_MS = 1000,
    JOBS_MAX = 500,
    CPU_TIMEOUTS = 4, /* so many of the longest jobs may a child take processor time for */
    WAITING_MAX = 2048,
    HEAD = 8,
};

struct rac_sandbox_job {
    struct rac_sandbox_job *next;
    struct rac_children *owner;
    struct child *child; /* NULL: it waits */
    rac_str tenant, body;
    rac_sandbox_fn done;
    void *arg;
    struct rac_task refusal; /* it cannot be taken: told soon */
    bool again;              /* a child was killed from outside before it could answer */
    unsigned char head[HEAD];
};

struct child {
    struct child *next;
    struct rac_children *owner;
    struct rac_sandbox_job *job;
    char *tenant; /* owned */
    size_t tenant_n;
    pid_t pid;
    uv_pipe_t pipe;
    uv_write_t write;
    struct rac_buf in;
    char room[65536];
    struct rac_deadline limit;   /* of the job, or of idling; then of reaping */
    uint64_t since_ms, spent_ms; /* its job began; all of them took */
    unsigned jobs, tries;
    bool writing; /* the job is not with it whole */
    bool ended;   /* no job is given to it any more */
    bool closed;  /* the socket is gone */
    bool reaped;
    int status;
};

struct rac_children {
    uint32_t magic;
    struct rac_loop *loop;
    struct rac_children_options o;
    char memory[24], cpu[24], parent[24]; /* what a child is told: bytes, seconds, our pid */
    uint64_t cpu_ms;
    struct child *children;
    struct rac_sandbox_job *waiting, **waiting_end;
    size_t waiting_n;
    bool freed; /* the last child that goes takes it along */
};

static void next_jobs(struct rac_children *c);

/* --- jobs ------------------------------------------------------------------------------------- */

/* Takes it off its child and tells whoever waits. */
static void finish(struct rac_sandbox_job *j, const struct rac_sandbox_res *res)
{
    rac_sandbox_fn done = j->done;
    void *arg = j->arg;
    if (j->child != NULL)
        j->child->job = NULL;
    rac_loop_soon_cancel(j->owner->loop,
                         &j->refusal); /* another's turn may have come to it first */
    rac_mem_free(j);
    done(arg, res);
}

static void fail(struct rac_sandbox_job *j, rac_err err, const char *why)
{
    rac_metric_add(RAC_METRIC_SANDBOX_FAILED, 1);
    finish(j, &(struct rac_sandbox_res){.err = err, .why = rac_str_of(why)});
}

static void unlink_waiting(struct rac_children *c, struct rac_sandbox_job *j)
{
    struct rac_sandbox_job **at = &c->waiting;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    if (*at == NULL)
        c->waiting_end = at;
    c->waiting_n--;
}

/* --- the end of a child ----------------------------------------------------------------------- */

static void child_free(struct child *k)
{
    struct child **at = &k->owner->children;
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    rac_deadline_cancel(&k->limit);
    rac_buf_fini(&k->in);
    rac_mem_free(k->tenant);
    rac_mem_free(k);
}

static const char *why_ended(const struct child *k, rac_err *err)
{
    int s = k->status;
    *err = RAC_E_INTERNAL;
    if (!k->reaped)
        return "the process that does this work ended";
    if (WIFEXITED(s) && WEXITSTATUS(s) == RAC_SANDBOX_NO_MEMORY)
        *err = RAC_E_LIMIT;
    if (WIFSIGNALED(s) && WTERMSIG(s) == SIGXCPU)
        *err = RAC_E_TIMEOUT;
    if (*err == RAC_E_LIMIT)
        return "it needed more memory than it may use (sandbox.memory)";
    if (*err == RAC_E_TIMEOUT)
        return "it needed more time than it may take (sandbox.timeout)";
    if (WIFEXITED(s) && WEXITSTATUS(s) == RAC_SANDBOX_NOT_CONFINED)
        return "the kernel does not let the process be confined (seccomp)";
    return WIFSIGNALED(s) && WTERMSIG(s) == SIGSYS
               ? "it asked for something that it may not do"
               : "the process that does this work ended unexpectedly";
}

static void fail_why_ended(struct child *k)
{
    rac_err err;
    const char *why = why_ended(k, &err);
    if (k->job != NULL)
        fail(k->job, err, why);
}

static void all_free(struct rac_children *c)
{
    c->magic = 0;
    rac_mem_free(c);
}

/* A child that had served before and was killed by somebody else, between two jobs as far as can be
 * told: that is not the job's fault, which is given to another one, once. */
static bool is_blameless(const struct child *k)
{
    const struct rac_sandbox_job *j = k->job;
    return j != NULL && !j->again && k->jobs > 0 && k->in.n == 0 && k->reaped &&
           WIFSIGNALED(k->status) && WTERMSIG(k->status) == SIGKILL;
}

static void put_back(struct child *k)
{
    struct rac_children *c = k->owner;
    struct rac_sandbox_job *j = k->job;
    k->job = NULL;
    j->child = NULL;
    j->again = true;
    j->next = c->waiting;
    c->waiting = j;
    if (j->next == NULL)
        c->waiting_end = &j->next;
    c->waiting_n++;
}

static void gone(struct child *k)
{
    struct rac_children *c = k->owner;
    if (is_blameless(k) && !c->freed)
        put_back(k);
    else
        fail_why_ended(k);
    child_free(k);
    if (!c->freed)
        next_jobs(c);
    else if (c->children == NULL)
        all_free(c);
}

static void closed(uv_handle_t *h)
{
    struct child *k = h->data;
    k->closed = true;
    if (k->reaped)
        gone(k);
}

/* Killed long ago and still there: the kernel has it wait for something. It counts as one of those
 * that may be at once until it is gone. */
static bool lingers(const struct child *k)
{
    return k->ended && k->tries >= REAP_TRIES;
}

static void reap(void *arg)
{
    struct child *k = arg;
    pid_t pid = waitpid(k->pid, &k->status, WNOHANG);
    if (pid == 0) {
        if (k->tries < REAP_TRIES)
            k->tries++;
        rac_deadline_arm(k->owner->loop, &k->limit, lingers(k) ? LINGER_MS : REAP_MS);
        if (lingers(k)) /* nobody waits for that */
            fail_why_ended(k);
        return;
    }
    k->reaped = true;
    if (k->closed)
        gone(k);
}

/* Nothing more is asked of it. */
static void child_end(struct child *k)
{
    if (k->ended)
        return;
    k->ended = true;
    (void)kill(k->pid, SIGKILL);
    uv_close((uv_handle_t *)&k->pipe, closed);
    rac_deadline_cancel(&k->limit);
    rac_deadline_init(&k->limit, reap, k);
    rac_deadline_arm(k->owner->loop, &k->limit, REAP_MS);
}

static void too_long(void *arg)
{
    struct child *k = arg;
    struct rac_sandbox_job *j = k->job;
    child_end(k);
    if (j != NULL)
        fail(j, RAC_E_TIMEOUT, "it needed more time than it may take (sandbox.timeout)");
}

/* --- what it says ----------------------------------------------------------------------------- */

static void room(uv_handle_t *h, size_t suggested RAC_UNUSED, uv_buf_t *out)
{
    struct child *k = h->data;
    *out = uv_buf_init(k->room, sizeof k->room);
}

static uint64_t head_of(const struct child *k)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < HEAD; i++)
        n |= (uint64_t)(unsigned char)k->in.p[i] << (8 * i);
    return n;
}

/* Not fit for another job. The kernel counts the processor time of a child's whole life: the next
 * job must have all it may take left. */
static bool is_worn(const struct child *k)
{
    const struct rac_children *c = k->owner;
    return k->jobs >= JOBS_MAX || k->spent_ms + (uint64_t)c->o.timeout_ms > c->cpu_ms;
}

/* An answer is there: the child rests, or goes. */
static void answered(struct child *k, rac_str body)
{
    struct rac_children *c = k->owner;
    struct rac_sandbox_job *j = k->job;
    k->jobs++;
    k->spent_ms += rac_loop_now_ms(c->loop) - k->since_ms;
    rac_deadline_cancel(&k->limit);
    finish(j, &(struct rac_sandbox_res){.err = RAC_OK, .body = body});
    rac_buf_fini(&k->in);
    rac_buf_init(&k->in, (size_t)c->o.answer_bytes_max + HEAD);
    if (is_worn(k))
        child_end(k);
    else
        rac_deadline_arm(c->loop, &k->limit, IDLE_MS);
    next_jobs(c);
}

/* An answer may be heard of before the end of the writing is: it counts when both are there. */
static void judge(struct child *k)
{
    uint64_t want = k->in.n >= HEAD ? head_of(k) : 0;
    if (rac_buf_err(&k->in) != RAC_OK || want > k->owner->o.answer_bytes_max ||
        (k->in.n >= HEAD && k->in.n - HEAD > want)) {
        struct rac_sandbox_job *j = k->job;
        child_end(k);
        fail(j, RAC_E_LIMIT, "its answer is too large, or none");
    } else if (k->in.n >= HEAD && k->in.n - HEAD == want && !k->writing) {
        answered(k, rac_str_from(rac_buf_str(&k->in), HEAD));
    }
}

static void heard(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct child *k = s->data;
    if (n == 0)
        return;
    if (n < 0 || k->job == NULL) { /* it ended, hung up, or speaks unasked */
        child_end(k);
        return;
    }
    rac_buf_add(&k->in, (rac_str){b->base, (size_t)n});
    judge(k);
}

/* --- starting --------------------------------------------------------------------------------- */

/* The child's end becomes descriptors 0; 1 and 2 lead nowhere; no variable of ours goes along. */
static pid_t spawn(const struct rac_children *c, int fd)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    char *argv[] = {"raccord",
                    RAC_SANDBOX_WORD,
                    (char *)(uintptr_t)c->memory,
                    (char *)(uintptr_t)c->cpu,
                    (char *)(uintptr_t)c->parent,
                    NULL};
    char *environment[] = {"LC_ALL=C", NULL};
    sigset_t none, all;
    pid_t pid = -1;
    sigemptyset(&none);
    sigfillset(&all);
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawnattr_init(&attr);
    (void)posix_spawn_file_actions_adddup2(&files, fd, 0);
    (void)posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setsigdefault(&attr, &all);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const char *program = c->o.program != NULL ? c->o.program : "/proc/self/exe";
    if (posix_spawn(&pid, program, &files, &attr, argv, environment) != 0)
        pid = -1;
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attr);
    return pid;
}

static struct child *child_new(struct rac_children *c, rac_str tenant)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return NULL;
    pid_t pid = spawn(c, pair[1]);
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return NULL;
    }
    struct child *k = rac_mem_alloc(sizeof *k);
    k->owner = c;
    k->pid = pid;
    k->tenant = rac_mem_alloc(tenant.n + 1);
    k->tenant_n = tenant.n;
    memcpy(k->tenant, tenant.n > 0 ? tenant.p : "", tenant.n);
    rac_buf_init(&k->in, (size_t)c->o.answer_bytes_max + HEAD);
    (void)uv_pipe_init(rac_loop_uv(c->loop), &k->pipe, 0);
    k->pipe.data = k;
    (void)uv_stream_set_blocking((uv_stream_t *)&k->pipe, 0);
    RAC_ASSERT(uv_pipe_open(&k->pipe, pair[0]) == 0);
    (void)uv_read_start((uv_stream_t *)&k->pipe, room, heard);
    k->next = c->children;
    c->children = k;
    rac_metric_add(RAC_METRIC_SANDBOX_STARTED, 1);
    return k;
}

/* A child that does not read is one that ended: heard() says so. */
static void written(uv_write_t *w, int status)
{
    struct child *k = w->data;
    k->writing = false;
    if (status == 0 && k->job != NULL && !k->ended)
        judge(k);
}

static void give(struct child *k, struct rac_sandbox_job *j)
{
    k->job = j;
    k->since_ms = rac_loop_now_ms(k->owner->loop);
    j->child = k;
    for (unsigned i = 0; i < HEAD; i++)
        j->head[i] = (unsigned char)((uint64_t)j->body.n >> (8 * i));
    uv_buf_t parts[] = {uv_buf_init((char *)j->head, HEAD),
                        uv_buf_init((char *)(uintptr_t)j->body.p, (unsigned)j->body.n)};
    rac_deadline_cancel(&k->limit);
    rac_deadline_init(&k->limit, too_long, k);
    rac_deadline_arm(k->owner->loop, &k->limit, k->owner->o.timeout_ms);
    rac_metric_add(RAC_METRIC_SANDBOX_JOBS, 1);
    k->write.data = k;
    k->writing = uv_write(&k->write, (uv_stream_t *)&k->pipe, parts, 2, written) == 0;
}

/* --- who gets which --------------------------------------------------------------------------- */

static bool serves(const struct child *k, rac_str tenant)
{
    return rac_str_eq((rac_str){k->tenant, k->tenant_n}, tenant);
}

/* A free child of that tenant, or room for one; NULL: not now. Of one tenant all but one child, so
 * that it cannot hold up the others. */
static struct child *child_for(struct rac_children *c, rac_str tenant)
{
    unsigned all = 0, own_busy = 0;
    struct child *spare = NULL;
    for (struct child *k = c->children; k != NULL; k = k->next) {
        all += !k->ended || lingers(k);
        if (k->ended)
            continue;
        if (serves(k, tenant) && k->job == NULL)
            return k;
        if (serves(k, tenant))
            own_busy++;
        else if (k->job == NULL)
            spare = k;
    }
    if (own_busy > 0 && own_busy + 1 >= c->o.children_max)
        return NULL;
    if (all >= c->o.children_max) {
        if (spare == NULL)
            return NULL;
        child_end(spare);
    }
    return child_new(c, tenant);
}

static bool may_run(const struct rac_children *c, rac_str tenant)
{
    unsigned all_busy = 0, own_busy = 0;
    for (const struct child *k = c->children; k != NULL; k = k->next)
        if (!k->ended && k->job != NULL) {
            all_busy++;
            own_busy += serves(k, tenant);
        } else if (lingers(k)) {
            all_busy++;
        }
    return all_busy < c->o.children_max && (own_busy == 0 || own_busy + 1 < c->o.children_max);
}

static void next_jobs(struct rac_children *c)
{
    for (struct rac_sandbox_job *j = c->waiting, *next; j != NULL; j = next) {
        next = j->next;
        if (!may_run(c, j->tenant))
            continue;
        unlink_waiting(c, j);
        struct child *k = child_for(c, j->tenant);
        if (k != NULL) {
            give(k, j);
            continue;
        }
        fail(j, RAC_E_INTERNAL, "the process that does this work cannot be started");
        next = c->waiting; /* the list may be another one now */
    }
    rac_metric_set(RAC_METRIC_SANDBOX_QUEUE, (int64_t)c->waiting_n);
}

static void refuse(void *arg)
{
    fail(arg, RAC_E_BUSY, "too much of this work is waiting");
}

static void begin(void *arg)
{
    struct rac_sandbox_job *j = arg;
    next_jobs(j->owner);
}

static struct rac_sandbox_job *start(void *self, rac_str tenant, rac_str body, rac_sandbox_fn done,
                                     void *arg)
{
    struct rac_children *c = RAC_CAST(self, struct rac_children, CHILDREN_MAGIC);
    struct rac_sandbox_job *j = rac_mem_alloc(sizeof *j);
    bool full = c->waiting_n >= WAITING_MAX || body.n > UINT32_MAX;
    *j = (struct rac_sandbox_job){
        .owner = c, .tenant = tenant, .body = body, .done = done, .arg = arg};
    j->refusal.fn = full ? refuse : begin;
    j->refusal.arg = j;
    if (!full) {
        *c->waiting_end = j;
        c->waiting_end = &j->next;
        c->waiting_n++;
    }
    rac_loop_soon(c->loop, &j->refusal);
    return j;
}

static void cancel(void *self, struct rac_sandbox_job *j)
{
    struct rac_children *c = RAC_CAST(self, struct rac_children, CHILDREN_MAGIC);
    bool refused = j->refusal.fn == refuse;
    rac_loop_soon_cancel(c->loop, &j->refusal);
    if (j->child != NULL) {
        j->child->job = NULL;
        child_end(j->child);
    } else if (!refused) {
        unlink_waiting(c, j);
    }
    rac_mem_free(j);
}

/* --- all of them ------------------------------------------------------------------------------ */

struct rac_children *rac_children_new(struct rac_loop *loop, const struct rac_children_options *o)
{
    struct rac_children *c = rac_mem_alloc(sizeof *c);
    c->magic = CHILDREN_MAGIC;
    c->loop = loop;
    c->o = *o;
    if (c->o.children_max == 0)
        c->o.children_max = CHILDREN_DEFAULT;
    if (c->o.timeout_ms == 0)
        c->o.timeout_ms = TIMEOUT_DEFAULT_MS;
    if (c->o.memory_bytes == 0)
        c->o.memory_bytes = 512 << 20;
    if (c->o.answer_bytes_max == 0)
        c->o.answer_bytes_max = 128 << 20;
    snprintf(c->memory, sizeof c->memory, "%llu", (unsigned long long)c->o.memory_bytes);
    uint64_t cpu_s = ((uint64_t)c->o.timeout_ms * CPU_TIMEOUTS + 999) / 1000;
    c->cpu_ms = cpu_s * 1000;
    snprintf(c->cpu, sizeof c->cpu, "%llu", (unsigned long long)cpu_s);
    snprintf(c->parent, sizeof c->parent, "%lld", (long long)getpid());
    c->waiting_end = &c->waiting;
    return c;
}

struct rac_sandbox rac_children_sandbox(struct rac_children *c)
{
    return (struct rac_sandbox){start, cancel, c};
}

/* All are killed: waiting for them does not take long, but for those that linger. What of them is still being closed goes when
 * that is done, the last one with c; the loop is not turned for that, because others have things on
 * it that may be freed already. */
static void children_reap(struct rac_children *c)
{
    for (struct child *k = c->children, *next; k != NULL; k = next) {
        next = k->next;
        while (!k->reaped && waitpid(k->pid, &k->status, lingers(k) ? WNOHANG : 0) < 0 &&
               errno == EINTR)
            ;
        k->reaped = true; /* or the kernel will not let go of it: nobody waits for that */
        rac_deadline_cancel(&k->limit);
        if (k->closed)
            gone(k);
    }
}

void rac_children_free(struct rac_children *c)
{
    if (c == NULL)
        return;
    while (c->waiting != NULL)
        cancel(c, c->waiting);
    for (struct child *k = c->children; k != NULL; k = k->next)
        if (k->job != NULL)
            cancel(c, k->job);
        else
            child_end(k);
    c->freed = true;
    if (c->children == NULL)
        all_free(c);
    else
        children_reap(c);
}
