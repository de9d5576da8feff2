/*
 * children - the port base/sandbox.h by child processes: this program again, as sandbox/sandbox.h.
 *
 * A child is started when there is work, serves one tenant, does one job at a time and is kept for
 * the next one of that tenant; after many jobs, jobs that took long together, a while without any,
 * or a job that took too long, it is ended. Starting one costs the loop a fraction of a millisecond
 * (the address space is not copied) and nothing here waits. One per worker; all calls from its
 * loop's thread.
 */
#ifndef RAC_SCRIPT_CHILDREN_H
#define RAC_SCRIPT_CHILDREN_H

#include "base/sandbox.h"

struct rac_loop;
struct rac_children;

struct rac_children_options {  /* 0: the default */
    unsigned children_max;     /* at once: 2 */
    int64_t timeout_ms;        /* of a job, from its start in a child: 30 s */
    uint64_t memory_bytes;     /* of a child: 512 MiB */
    uint64_t answer_bytes_max; /* 128 MiB */
    const char *program;       /* NULL: the one that is running */
};
struct rac_children *rac_children_new(struct rac_loop *loop, const struct rac_children_options *o);
/* Ends them; nothing is called any more. Their sockets are closed by the loop's next turn, at the
 * latest in rac_loop_free(). NULL is fine. */
void rac_children_free(struct rac_children *c);
struct rac_sandbox rac_children_sandbox(struct rac_children *c);

#endif
