#include "base/secret.h"
#include "base/mem.h"

#include <sys/mman.h>

void rac_secret_wipe(void *p, size_t n)
{
    if (n > 0)
        explicit_bzero(p, n);
}

void rac_secret_init(struct rac_secret *s, rac_str bytes)
{
    s->p = rac_mem_alloc_dirty(bytes.n + 1);
    s->n = bytes.n;
    /* Locking fails where RLIMIT_MEMLOCK is tiny; the secret is then wiped but may be swapped. */
    (void)mlock(s->p, bytes.n + 1);
    if (bytes.n > 0)
        memcpy(s->p, bytes.p, bytes.n);
    s->p[bytes.n] = '\0';
}

void rac_secret_fini(struct rac_secret *s)
{
    if (s->p == NULL)
        return;
    rac_secret_wipe(s->p, s->n);
    (void)munlock(s->p, s->n + 1);
    rac_mem_free(s->p);
    *s = (struct rac_secret){0};
}

rac_str rac_secret_reveal(const struct rac_secret *s)
{
    return (rac_str){s->p ? s->p : "", s->n};
}

bool rac_secret_equal(rac_str a, rac_str b)
{
    if (a.n != b.n)
        return false;
    volatile unsigned char differ = 0;
    for (size_t i = 0; i < a.n; i++)
        differ |= (unsigned char)(a.p[i] ^ b.p[i]);
    return differ == 0;
}

struct wiped {
    char *p;
    size_t n;
};

static void wipe(void *arg)
{
    struct wiped *w = arg;
    rac_secret_wipe(w->p, w->n);
}

void rac_secret_wipe_with(struct rac_arena *a, rac_str s)
{
    struct wiped *w = RAC_NEW(a, struct wiped);
    w->p = (char *)(uintptr_t)s.p;
    w->n = s.n;
    rac_arena_cleanup(a, wipe, w);
}
