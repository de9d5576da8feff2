#include "sandbox/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* their runtime maps terabytes and asks the kernel for more than we do */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#else
#error "sandbox/confine.c does not know the system calls of this machine"
#endif

enum { STACK_BYTES = 64 << 20 };

static bool limit(int what, rlim_t soft, rlim_t hard)
{
    struct rlimit l = {soft, hard};
    return setrlimit((__rlimit_resource_t)what, &l) == 0;
}

/* The stack may be limited from above already; then what there is has to do. */
static void stack_room(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_STACK, &l) != 0)
        return;
    if (l.rlim_max == RLIM_INFINITY || l.rlim_max > STACK_BYTES)
        l.rlim_max = STACK_BYTES;
    l.rlim_cur = l.rlim_max;
    (void)setrlimit(RLIMIT_STACK, &l);
}

#define ALLOW(name)                                                                                \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1),                                        \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE(name)                                                                               \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1),                                        \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES)

static bool filter(void)
{
    static struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(read),
        ALLOW(write),
        ALLOW(brk),
        ALLOW(mmap),
        ALLOW(munmap),
        ALLOW(mremap),
        ALLOW(madvise),
        ALLOW(futex),
        ALLOW(getrusage),
        ALLOW(clock_gettime),
        ALLOW(gettimeofday),
        ALLOW(getrandom),
        ALLOW(getpid),
        ALLOW(gettid),
        ALLOW(tgkill), /* abort() */
        ALLOW(rt_sigprocmask),
        ALLOW(rt_sigaction),
        ALLOW(rt_sigreturn),
        ALLOW(exit),
        ALLOW(exit_group),
        REFUSE(openat),
#ifdef __NR_open
        REFUSE(open),
#endif
#ifdef __NR_access
        REFUSE(access),
#endif
        REFUSE(faccessat),
        REFUSE(newfstatat),
        REFUSE(mprotect), /* a grown heap of malloc asks for it and does without */
#ifdef __NR_readlink
        REFUSE(readlink),
#endif
        REFUSE(readlinkat),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {.len = RAC_COUNT(code), .filter = code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool rac_confine(uint64_t memory_bytes, uint64_t cpu_seconds, pid_t parent)
{
    stack_room();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return false;
    if (parent != 0 && getppid() != parent) /* it died before it could be said to die with it */
        return false;
    if (!limit(RLIMIT_CORE, 0, 0) || !limit(RLIMIT_FSIZE, 0, 0) || !limit(RLIMIT_NOFILE, 0, 0) ||
        !limit(RLIMIT_CPU, cpu_seconds, cpu_seconds + 1))
        return false;
    return SANITIZED || (limit(RLIMIT_AS, memory_bytes, memory_bytes) && filter());
}
