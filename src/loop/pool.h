/*
 * pool - work that blocks (password hash, zip, a big parse, a file) off the loop.
 *
 * One pool of threads per process (libuv's; RAC_POOL_THREADS of them), shared by all loops. work
 * runs on a pool thread and may touch only what arg owns; done runs on the loop that started it.
 */
#ifndef RAC_LOOP_POOL_H
#define RAC_LOOP_POOL_H

#include "base/base.h"

struct rac_loop;
struct rac_pool_job;

enum { RAC_POOL_THREADS = 4, RAC_POOL_WAITING_MAX = 1024 };

/* done gets RAC_OK after work ran, RAC_E_CANCELLED when the job was taken back before it began.
 * RAC_E_BUSY: RAC_POOL_WAITING_MAX jobs wait already; nothing will be called. *job (may be NULL)
 * is valid until done. Never calls back from inside. */
rac_err rac_pool_start(struct rac_loop *loop, void (*work)(void *arg),
                       void (*done)(void *arg, rac_err err), void *arg,
                       struct rac_pool_job **job) RAC_MUST_CHECK;
/* Takes a job back if it has not begun; either way done is called once, later, from the loop
 * (work in progress cannot be torn from its thread, so its arg must stay until then). */
void rac_pool_cancel(struct rac_pool_job *job);
/* Runs the loop until every job begun on it has come back: before what those jobs know of is freed.
 * Not from inside a callback. */
void rac_pool_settle(struct rac_loop *loop);
size_t rac_pool_depth(void); /* jobs waiting or running; any thread */

#endif
