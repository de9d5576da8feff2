/* Who may have how much of the scheduler: a share for each tenant that has anything of it. */
#include "base/metrics.h"
#include "base/str.h"
#include "workflow/scheduler/scheduler_priv.h"

static struct share **slot_of(struct rac_scheduler *s, rac_str tenant)
{
    return &s->shares[rac_str_hash(tenant) % SCHEDULER_SLOTS];
}

static struct share *find(struct rac_scheduler *s, rac_str tenant)
{
    struct share *x = *slot_of(s, tenant);
    while (x != NULL && !rac_str_eq((rac_str){x->tenant, x->tenant_n}, tenant))
        x = x->next;
    return x;
}

bool share_has_room(struct rac_scheduler *s, rac_str tenant)
{
    const struct share *x = find(s, tenant);
    return s->attended_n < ATTENDED_MAX &&
           (x == NULL || x->attended_n < ATTENDED_MAX - s->attended_n);
}

void share_enter(struct attendance *t, rac_str tenant)
{
    struct share *x = find(t->s, tenant);
    if (x == NULL) {
        struct share **slot = slot_of(t->s, tenant);
        x = rac_mem_alloc(sizeof *x + tenant.n);
        x->line_end = &x->line;
        x->tenant_n = tenant.n;
        if (tenant.n > 0)
            memcpy(x->tenant, tenant.p, tenant.n);
        x->next = *slot;
        *slot = x;
    }
    t->share = x;
    x->attended_n++;
    t->s->attended_n++;
    rac_metric_set(RAC_METRIC_TRIGGERS_ATTENDED, (int64_t)t->s->attended_n);
}

void share_leave(struct attendance *t)
{
    struct share *x = t->share;
    t->s->attended_n--;
    rac_metric_set(RAC_METRIC_TRIGGERS_ATTENDED, (int64_t)t->s->attended_n);
    if (--x->attended_n > 0)
        return;
    RAC_ASSERT(x->errands_n == 0 && x->line == NULL && !x->in_ring);
    struct share **at = slot_of(t->s, (rac_str){x->tenant, x->tenant_n});
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    rac_mem_free(x);
}
