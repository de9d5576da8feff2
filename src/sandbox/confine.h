/*
 * confine - gives up everything a child does not need, before it reads a byte from outside: no new
 * privileges, no core, no files, no sockets, no processes, a bound on memory and processor time.
 * Whatever is not on the short list of system calls ends the process; opening a file answers
 * "permission denied", because libraries try. Dies with its parent.
 */
#ifndef RAC_SANDBOX_CONFINE_H
#define RAC_SANDBOX_CONFINE_H

#include "base/base.h"

#include <sys/types.h>

/* False: the kernel refused something, or the parent (0: not said) is gone already; the caller must
 * not go on. */
bool rac_confine(uint64_t memory_bytes, uint64_t cpu_seconds, pid_t parent);

#endif
