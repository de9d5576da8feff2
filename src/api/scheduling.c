#include "api/scheduling.h"

#include "api/flow_artifact.h"
#include "api/flows.h"
#include "api/runner.h"
#include "api/service.h"
#include "base/mem.h"
#include "workflow/scheduler/scheduler.h"

struct rac_scheduling {
    struct rac_api_worker *w;
    struct rac_scheduler *scheduler;
    struct rac_deadline alarm;
};

static void ring(void *arg)
{
    struct rac_scheduling *s = arg;
    rac_scheduler_tick(s->scheduler);
}

static void port_alarm(void *self, int64_t after_ms)
{
    struct rac_scheduling *s = self;
    int64_t at = (int64_t)rac_loop_now_ms(s->w->loop) + after_ms;
    if (!rac_deadline_is_armed(&s->alarm) || (int64_t)s->alarm.at_ms > at)
        rac_deadline_arm(s->w->loop, &s->alarm, after_ms);
}

struct load {
    struct rac_scheduling *s;
    int64_t key;
    rac_str revision; /* copied; absent: the newest */
    bool gone;
    void (*done)(void *arg, rac_err err, const struct rac_scheduled_flow *f);
    void *arg;
    char text[]; /* of revision */
};

/* A workflow that is not there may be one that was deleted with a subscription standing. */
static void loaded(void *arg, rac_err err, struct rac_live_flow *live, rac_str why)
{
    struct load *l = arg;
    (void)why;
    if (err == RAC_E_NOT_FOUND && !l->gone) {
        l->gone = true;
        rac_flows_want_gone(l->s->w->flows, l->key, l->revision, loaded, l);
        return;
    }
    struct rac_scheduled_flow f = {.deleted = l->gone};
    if (err == RAC_OK) {
        f.flow = live->flow;
        f.triggers = live->rules;
        f.triggers_n = live->triggers_n;
    }
    l->done(l->arg, err, &f);
    rac_mem_free(l);
}

static void port_flow_load(void *self, int64_t key, rac_str revision,
                           void (*done)(void *arg, rac_err err, const struct rac_scheduled_flow *f),
                           void *arg)
{
    struct rac_scheduling *s = self;
    struct load *l = rac_mem_alloc(sizeof *l + revision.n);
    *l = (struct load){.s = s, .key = key, .done = done, .arg = arg};
    if (revision.n > 0)
        l->revision = (rac_str){memcpy(l->text, revision.p, revision.n), revision.n};
    rac_flows_want_version(s->w->flows, key, revision, loaded, l);
}

static void port_batches(void *self, const struct rac_flow *flow,
                         void (*done)(void *arg, rac_err err, rac_str why,
                                      const struct rac_json *artifacts),
                         void *arg)
{
    struct rac_scheduling *s = self;
    rac_flow_artifact_batches(s->w, flow, done, arg);
}

struct rac_scheduling *rac_scheduling_new(struct rac_api_worker *w)
{
    struct rac_scheduling *s = rac_mem_alloc(sizeof *s);
    *s = (struct rac_scheduling){.w = w};
    rac_deadline_init(&s->alarm, ring, s);
    struct rac_scheduler_ports ports = {.env = w->env,
                                        .store = w->fs,
                                        .engine = rac_runner_engine(w->runner),
                                        .flow_load = port_flow_load,
                                        .alarm = port_alarm,
                                        .public_url = w->service->public_url,
                                        .batches = port_batches,
                                        .self = s};
    s->scheduler = rac_scheduler_new(&ports);
    rac_deadline_arm(w->loop, &s->alarm, 0);
    return s;
}

void rac_scheduling_free(struct rac_scheduling *s)
{
    if (s == NULL)
        return;
    rac_deadline_cancel(&s->alarm);
    bool idle = rac_scheduler_drain(s->scheduler);
    rac_scheduler_free(s->scheduler);
    if (idle)
        rac_mem_free(s);
}

bool rac_scheduling_drain(struct rac_scheduling *s)
{
    if (s == NULL)
        return true;
    rac_deadline_cancel(&s->alarm);
    return rac_scheduler_drain(s->scheduler);
}

/* --- from any worker -------------------------------------------------------------------------- */

struct message {
    struct rac_service *service;
    void (*tell)(struct rac_scheduler *s, int64_t flow, rac_str trigger); /* NULL: look */
    int64_t flow;
    size_t n;
    char trigger[]; /* n bytes */
};

static void receive(void *arg)
{
    struct message *m = arg;
    struct rac_scheduling *s = m->service->workers[0]->scheduling;
    if (s != NULL && m->tell != NULL)
        m->tell(s->scheduler, m->flow, (rac_str){m->trigger, m->n});
    else if (s != NULL)
        rac_scheduler_tick(s->scheduler);
    rac_mem_free(m);
}

static void send_message(struct rac_api_worker *w,
                         void (*tell)(struct rac_scheduler *s, int64_t flow, rac_str trigger),
                         int64_t flow, rac_str trigger)
{
    struct message *m = rac_mem_alloc(sizeof *m + trigger.n);
    *m = (struct message){.service = w->service, .tell = tell, .flow = flow, .n = trigger.n};
    if (trigger.n > 0)
        memcpy(m->trigger, trigger.p, trigger.n);
    if (w->index == 0)
        receive(m);
    else if (!rac_api_post(w->service, 0, receive, m))
        rac_mem_free(m); /* stopping: what is marked due is found by the next start */
}

void rac_scheduling_look(struct rac_api_worker *w)
{
    send_message(w, NULL, 0, RAC_STR_NULL);
}

void rac_scheduling_messages(struct rac_api_worker *w)
{
    uint64_t now = w->fs->ready_counter(w->fs->self);
    if (now == w->batches_seen)
        return;
    w->batches_seen = now;
    rac_scheduling_look(w);
}

void rac_scheduling_notify(struct rac_api_worker *w, int64_t flow, rac_str trigger)
{
    send_message(w, rac_scheduler_notify, flow, trigger);
}

void rac_scheduling_reset(struct rac_api_worker *w, int64_t flow, rac_str trigger)
{
    send_message(w, rac_scheduler_reset, flow, trigger);
}
