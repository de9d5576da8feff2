/*
 * worker - loops and the threads that run them.
 *
 * A struct rac_loop is one libuv loop with a timer wheel (loop/deadline.h) and a list of tasks to
 * run soon. Everything on it is touched by one thread: the one that runs it. A struct rac_workers
 * is N threads with a loop each; they share nothing and talk through mailboxes (loop/mailbox.h).
 * Only the functions marked "any thread" may be called from another thread than the loop's.
 *
 *     rac_workers_start(4, &hooks, &w);      // hooks.start runs on each worker's thread
 *     rac_loop_on_stop_signal(main_loop, on_signal, w);
 *     rac_loop_run(main_loop);
 *     rac_workers_stop(w);  rac_workers_join(w);
 */
#ifndef RAC_LOOP_WORKER_H
#define RAC_LOOP_WORKER_H

#include "base/base.h"
#include "loop/deadline.h"

struct uv_loop_s;
struct rac_loop;

/* A loop for the calling thread; never NULL. Freed by the same thread, when it does not run. */
struct rac_loop *rac_loop_new(void);
/* Closes what is left of our own on the loop. Owners close their handles (servers, clients,
 * mailboxes) before; closing finishes inside this call. */
void rac_loop_free(struct rac_loop *loop);

/* Runs until rac_loop_stop, or until nothing is left that could ever happen. */
void rac_loop_run(struct rac_loop *loop);
/* Runs turns until *flag is true; false when the loop ran out of things to wait for first. For
 * commands that wait for one answer; flag is set by a callback on this loop. */
bool rac_loop_run_until(struct rac_loop *loop, const bool *flag);
/* One turn without waiting: what is ready is done. For tests and shutdown. */
void rac_loop_poll(struct rac_loop *loop);
void rac_loop_stop(struct rac_loop *loop); /* any thread */

struct uv_loop_s *rac_loop_uv(struct rac_loop *loop);
uint64_t rac_loop_now_ms(const struct rac_loop *loop); /* monotonic, cached for the turn */
unsigned rac_loop_index(const struct rac_loop *loop);  /* worker number; 0 outside workers */

/* Work for later in this turn, after the callbacks that are running now. Embedded by the caller,
 * queued at most once at a time; costs no system call. */
struct rac_task {
    struct rac_task *next, **link; /* link NULL: not queued */
    void (*fn)(void *arg);
    void *arg;
};
void rac_loop_soon(struct rac_loop *loop, struct rac_task *t);        /* keeps t until it ran */
void rac_loop_soon_cancel(struct rac_loop *loop, struct rac_task *t); /* also when not queued */

/* SIGTERM and SIGINT call fn(arg, signal) on this loop; the second one of either calls it again.
 * SIGPIPE is ignored in every process that creates a loop. */
void rac_loop_on_stop_signal(struct rac_loop *loop, void (*fn)(void *arg, int signum), void *arg);

/* What happens on a worker's own thread. Any of them may be NULL except start. */
struct rac_worker_hooks {
    /* Builds what the worker owns. Not RAC_OK: start_workers fails with it. */
    rac_err (*start)(void *arg, struct rac_loop *loop, unsigned index, void **state);
    /* Asked to end: stop accepting, finish what is in flight, then rac_loop_stop(loop). NULL: the
     * loop is stopped at once. */
    void (*stop)(void *state, struct rac_loop *loop);
    /* After the loop ended: release state. */
    void (*fini)(void *state, struct rac_loop *loop);
    void *arg;
};
struct rac_workers;

/* Starts the workers one after the other, each fully started before the next (so that worker 0
 * can bind port 0 and the others learn it through hooks->arg). On failure the ones already running
 * are stopped and joined. */
rac_err rac_workers_start(unsigned n, const struct rac_worker_hooks *hooks,
                          struct rac_workers **out) RAC_MUST_CHECK;
void rac_workers_stop(struct rac_workers *w); /* any thread; returns at once; may be repeated */
void rac_workers_join(struct rac_workers *w); /* waits for all, then frees w */
unsigned rac_workers_count(const struct rac_workers *w);
void *rac_workers_state(struct rac_workers *w, unsigned index); /* what start left; do not touch
                                                                   it from another thread */
unsigned rac_cpu_count(void); /* processors this process may use; at least 1 */

#endif
