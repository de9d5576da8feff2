#include "base/secret.h"

void rac_secret_wipe(void *p, size_t n)
{
    if (n > 0)
        explicit_bzero(p, n);
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
