/*
 * env - clock, randomness and ids as inputs, so that everything above can be replayed in a test.
 * rac_env_system is the real one (any thread); rac_env_fake is deterministic from a seed.
 */
#ifndef RAC_BASE_ENV_H
#define RAC_BASE_ENV_H

#include "base/base.h"

struct rac_env {
    rac_ms (*wall_ms)(void *self);                 /* wall clock */
    rac_ns (*mono_ns)(void *self);                 /* never goes back */
    void (*random)(void *self, void *p, size_t n); /* cryptographic quality from the system one */
    void *self;
};

extern const struct rac_env rac_env_system;

struct rac_env_fake { /* advance the clock by writing to it */
    rac_ms wall_ms;
    rac_ns mono_ns;
    uint64_t seed;
};
struct rac_env rac_env_fake(struct rac_env_fake *state); /* borrows state while in use */

static inline rac_ms rac_env_wall_ms(const struct rac_env *e)
{
    return e->wall_ms(e->self);
}
static inline rac_ns rac_env_mono_ns(const struct rac_env *e)
{
    return e->mono_ns(e->self);
}
static inline void rac_env_random(const struct rac_env *e, void *p, size_t n)
{
    e->random(e->self, p, n);
}
/* Version-4 UUID, lower case, written with a final NUL. */
void rac_env_uuid(const struct rac_env *e, char out[37]);

#endif
