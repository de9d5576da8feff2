#include "base/env.h"

#include <errno.h>
#include <sys/random.h>

static rac_ms system_wall_ms(void *self RAC_UNUSED)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (rac_ms)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static rac_ns system_mono_ns(void *self RAC_UNUSED)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (rac_ns)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void kernel_random(void *p, size_t n)
{
    char *at = p;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        RAC_ASSERT(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

/* Small draws (a request id) come from a pool of the thread, one system call for dozens of them.
 * What was handed out is wiped from the pool. No process of ours forks and goes on. */
static void system_random(void *self RAC_UNUSED, void *p, size_t n)
{
    static _Thread_local unsigned char pool[512];
    static _Thread_local size_t left;
    if (n > 32) {
        kernel_random(p, n);
        return;
    }
    if (left < n) {
        kernel_random(pool, sizeof pool);
        left = sizeof pool;
    }
    left -= n;
    memcpy(p, pool + left, n);
    explicit_bzero(pool + left, n);
}

const struct rac_env rac_env_system = {system_wall_ms, system_mono_ns, system_random, NULL};

static rac_ms fake_wall_ms(void *self)
{
    return ((struct rac_env_fake *)self)->wall_ms;
}

static rac_ns fake_mono_ns(void *self)
{
    return ((struct rac_env_fake *)self)->mono_ns;
}

static void fake_random(void *self, void *p, size_t n) /* splitmix64 */
{
    struct rac_env_fake *f = self;
    unsigned char *at = p;
    for (size_t i = 0; i < n; i++) {
        if (i % 8 == 0)
            f->seed += 0x9E3779B97F4A7C15u;
        uint64_t z = f->seed;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        z ^= z >> 31;
        at[i] = (unsigned char)(z >> (8 * (i % 8)));
    }
}

struct rac_env rac_env_fake(struct rac_env_fake *state)
{
    return (struct rac_env){fake_wall_ms, fake_mono_ns, fake_random, state};
}

void rac_env_uuid(const struct rac_env *e, char out[37])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char b[16];
    rac_env_random(e, b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0, o = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[o++] = '-';
        out[o++] = hex[b[i] >> 4];
        out[o++] = hex[b[i] & 15];
    }
    out[36] = '\0';
}
