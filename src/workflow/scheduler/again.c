/*
 * What the store refused, tried again less and less often: after 5 s, then half as long again each
 * time, up to 5 min. The attendance stays meanwhile, because what was done outside, or asked for by
 * hand, would be forgotten with it.
 *
 * An error of the store itself (its disk) is told once for all triggers, and over for all of them
 * with the first thing that is kept. Any other is told for its trigger, which is attended anew.
 */
#include "base/log.h"
#include "workflow/scheduler/scheduler_priv.h"

enum { AGAIN_MS = 5000, AGAIN_MS_MAX = 300000 };

static rac_ms mono_ms(const struct rac_scheduler *s)
{
    return rac_env_mono_ns(s->ports.env) / 1000000;
}

int64_t again_after(unsigned times)
{
    int64_t wait = AGAIN_MS;
    for (unsigned i = 0; i < times && wait < AGAIN_MS_MAX; i++)
        wait += wait / 2;
    return wait < AGAIN_MS_MAX ? wait : AGAIN_MS_MAX;
}

static bool of_the_store(rac_err err)
{
    return err == RAC_E_IO || err == RAC_E_FULL;
}

static void tell(struct attendance *t, rac_err err)
{
    struct rac_scheduler *s = t->s;
    if (of_the_store(err) && s->refused_err != err)
        rac_log(RAC_WARN, "triggers.not_saved", RAC_F_CSTR("error", rac_err_name(err)));
    else if (!of_the_store(err) && t->refused_err != err)
        rac_log(RAC_WARN, "trigger.not_attended", RAC_F_STR("trigger", t->trigger_name),
                RAC_F_CSTR("error", rac_err_name(err)));
    t->refused_err = err;
    if (of_the_store(err))
        s->refused_err = err;
}

void attendance_again(struct attendance *t, rac_err err, void (*again)(void *arg), void *arg)
{
    struct rac_scheduler *s = t->s;
    if (s->draining || err == RAC_E_NOT_FOUND) { /* the workflow is gone */
        attendance_end(t, AGAIN_MS);
        return;
    }
    tell(t, err);
    bool passes = of_the_store(err) || err == RAC_E_BUSY;
    t->again = passes ? again : attendance_anew;
    t->again_arg = passes ? arg : t;
    int64_t wait = again_after(t->refused_times++);
    t->again_at_ms = mono_ms(s) + wait;
    t->again_next = s->refused;
    s->refused = t;
    s->ports.alarm(s->ports.self, wait);
}

void again_kept(struct rac_scheduler *s)
{
    if (s->refused_err == RAC_OK || s->draining)
        return;
    s->refused_err = RAC_OK;
    rac_log(RAC_INFO, "triggers.saved");
    for (struct attendance *t = s->refused; t != NULL; t = t->again_next)
        if (of_the_store(t->refused_err))
            t->again_at_ms = mono_ms(s);
    s->ports.alarm(s->ports.self, 0);
}

void again_go(struct rac_scheduler *s)
{
    struct attendance *t = s->refused;
    rac_ms now = mono_ms(s), next = INT64_MAX;
    s->refused = NULL;
    for (struct attendance *after; t != NULL; t = after) {
        after = t->again_next;
        if (s->draining) {
            attendance_end(t, 0);
        } else if (t->again_at_ms <= now) {
            t->again(t->again_arg);
        } else {
            t->again_next = s->refused;
            s->refused = t;
            next = t->again_at_ms < next ? t->again_at_ms : next;
        }
    }
    if (next != INT64_MAX)
        s->ports.alarm(s->ports.self, next - now);
}
