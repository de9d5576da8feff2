/*
 * sandbox - the port for work that never runs in this process: bytes in, bytes out, done by a child
 * that may open nothing. Declared here, implemented by script/, faked in tests.
 *
 * Async contract: start never calls back before it returns; done exactly once; after cancel returns
 * it is not called any more. Callbacks come from the loop of the thread that started the job.
 */
#ifndef RAC_BASE_SANDBOX_H
#define RAC_BASE_SANDBOX_H

#include "base/base.h"

struct rac_sandbox_job; /* owned by the sandbox until done or cancel */

struct rac_sandbox_res {
    /* RAC_OK: body is the answer. RAC_E_TIMEOUT; RAC_E_LIMIT: its memory; RAC_E_BUSY: too much
     * waits; RAC_E_INTERNAL: the child ended otherwise. */
    rac_err err;
    rac_str why;  /* a sentence when err is not RAC_OK */
    rac_str body; /* valid during the call */
};
typedef void (*rac_sandbox_fn)(void *arg, const struct rac_sandbox_res *res);

struct rac_sandbox {
    /* body is borrowed until done or cancel. A child serves one tenant; absent is one of its own. */
    struct rac_sandbox_job *(*start)(void *self, rac_str tenant, rac_str body, rac_sandbox_fn done,
                                     void *arg);
    void (*cancel)(void *self, struct rac_sandbox_job *job); /* ends the child, too */
    void *self;
};

#endif
