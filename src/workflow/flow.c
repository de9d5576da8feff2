#include "base/str.h"
#include "workflow/engine.h"
#include "workflow/ident.h"

#include <stdatomic.h>

struct rac_flow *rac_flow_ref(struct rac_flow *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void rac_flow_unref(struct rac_flow *f)
{
    if (f == NULL || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
        return;
    struct rac_arena a = f->a; /* f itself lives in it */
    rac_arena_fini(&a);
}

unsigned rac_flow_owner(rac_str run_name, unsigned workers)
{
    return rac_name_owner(run_name, workers);
}
