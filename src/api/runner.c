#include "api/runner.h"

#include "api/firing.h"
#include "api/flow_artifact.h"
#include "api/flow_target.h"
#include "api/flows.h"
#include "api/scheduling.h"
#include "api/service.h"
#include "base/mem.h"
#include "script/children.h"
#include "workflow/definition/ident.h"

enum {
    SCAN_MS = 200,        /* between looks at the store: a due run fires well within a second */
    SCAN_BACK_MS = 10000, /* looks this far back each time, for rows whose commit was late */
    SCAN_ALL_EVERY = 300, /* looks: every minute from the beginning */
    BATCH_RUNS = 500,     /* of one read and one message */
    NS_PER_MS = 1000000,
    WAKE_BYTES_MAX = 1 << 20,
    NAMED_BYTES_MAX = 16 << 20,
    GUID_PAGE = 250, /* names that hold the guid of a flow: looked at at once, */
    GUID_PAGES_MAX = 20,
};

struct rac_runner {
    struct rac_api_worker *w;
    struct rac_engine *engine;
    struct rac_children *children; /* where maps and schemas run */
    struct rac_deadline alarm, scan;
    /* of the scanner, worker 0 only */
    bool scanning;
    unsigned looks;
    struct rac_arena after_arena; /* of after */
    struct rac_flow_due after;    /* last row of the batch before */
    bool has_after;
    rac_ms to_ms;
};

/* --- ports ------------------------------------------------------------------------------------ */

static void ring(void *arg)
{
    struct rac_runner *r = arg;
    rac_engine_tick(r->engine);
}

static void port_alarm(void *self, rac_ns at_ns)
{
    struct rac_api_worker *w = RAC_CAST(self, struct rac_api_worker, RAC_API_MAGIC);
    struct rac_runner *r = w->runner;
    if (at_ns == INT64_MAX) {
        rac_deadline_cancel(&r->alarm);
        return;
    }
    rac_ns left = at_ns - rac_env_mono_ns(w->env);
    rac_deadline_arm(w->loop, &r->alarm, left <= 0 ? 0 : (left + NS_PER_MS - 1) / NS_PER_MS);
}

struct load {
    void (*done)(void *arg, rac_err err, struct rac_flow *f);
    void *arg;
};

static void loaded(void *arg, rac_err err, struct rac_live_flow *f, rac_str why)
{
    struct load l = *(struct load *)arg;
    (void)why;
    rac_mem_free(arg);
    l.done(l.arg, err, err == RAC_OK ? rac_flow_ref(f->flow) : NULL);
}

static struct load *load_new(void (*done)(void *arg, rac_err err, struct rac_flow *f), void *arg)
{
    struct load *l = rac_mem_alloc(sizeof *l);
    *l = (struct load){done, arg};
    return l;
}

static void port_flow_load(void *self, int64_t key, rac_str revision,
                           void (*done)(void *arg, rac_err err, struct rac_flow *f), void *arg)
{
    struct rac_api_worker *w = RAC_CAST(self, struct rac_api_worker, RAC_API_MAGIC);
    rac_flows_want_version(w->flows, key, revision, loaded, load_new(done, arg));
}

/*
 * The child of a flow: imported under its name in the solution, "Child-<guid>". Whoever may save
 * workflows in the group chooses their names, and nobody may take a call over: of several that carry
 * the guid it is the one of whoever saved the caller, else, or when there are more names with it in
 * them than are looked at, RAC_E_CONFLICT.
 */
static rac_err flow_of_guid(const struct rac_flow_store *fs, const struct rac_flow *from,
                            rac_str guid, struct rac_arena *a, struct rac_flow_row *out)
{
    struct rac_flow_query q = {.group = from->group, .search = guid, .n_max = GUID_PAGE};
    struct rac_flow_row *v;
    size_t n = 0, found = 0, own = 0;
    bool more = true;
    for (unsigned page = 0; more; page++) {
        rac_err e = page < GUID_PAGES_MAX
                        ? fs->flow_list(fs->self, from->tenant, &q, a, &v, &n, &more)
                        : RAC_E_CONFLICT;
        if (e != RAC_OK)
            return e;
        for (size_t i = 0; i < n; i++) {
            bool same = rac_str_eq(v[i].owner, from->author);
            if (!rac_workflow_name_is(v[i].name, guid))
                continue;
            if (same || own == 0)
                *out = v[i];
            own += same;
            found++;
        }
        if (n > 0)
            q.after = v[n - 1].name;
    }
    return own == 1 || found == 1 ? RAC_OK : found == 0 ? RAC_E_NOT_FOUND : RAC_E_CONFLICT;
}

/* By its own id, which nobody chooses, before any name; of a flow by its guid; else by name. */
static rac_err find_named(const struct rac_flow_store *fs, const struct rac_flow *from,
                          rac_str name, struct rac_arena *a, struct rac_flow_row *out)
{
    rac_err e = RAC_E_NOT_FOUND;
    if (rac_workflow_id_is(name))
        e = fs->flow_get(fs->self, from->tenant, name, RAC_FLOW_PLAIN, a, out);
    if (e == RAC_E_NOT_FOUND && rac_workflow_guid_is(name))
        return flow_of_guid(fs, from, name, a, out);
    if (e == RAC_E_NOT_FOUND)
        e = fs->flow_find(fs->self, from->tenant, from->group, name, RAC_FLOW_PLAIN, a, out);
    return e;
}

/* A sibling by name, or any workflow of the tenant by id or resource id, which its author may run.
 */
static void port_flow_named(void *self, const struct rac_flow *from, rac_str name_or_id,
                            void (*done)(void *arg, rac_err err, struct rac_flow *f), void *arg)
{
    struct rac_api_worker *w = RAC_CAST(self, struct rac_api_worker, RAC_API_MAGIC);
    struct rac_arena a;
    struct rac_flow_row row;
    struct rac_principal who;
    size_t slash = rac_str_rfind_char(name_or_id, '/');
    rac_str name = slash == RAC_STR_NPOS ? name_or_id : rac_str_from(name_or_id, slash + 1);
    rac_arena_init(&a, NAMED_BYTES_MAX);
    rac_err e = find_named(w->fs, from, name, &a, &row);
    if (e == RAC_OK)
        e = rac_flow_author_principal(w, from, &a, &who);
    struct rac_resource thing = {.tenant = from->tenant, .group = row.group, .owner = row.owner};
    if (e == RAC_OK && !rac_iam_may(&who, RAC_MAY_WORKFLOW_RUN, &thing))
        e = RAC_E_NOT_FOUND;
    if (e == RAC_OK)
        rac_flows_want(w->flows, row.id, loaded, load_new(done, arg));
    else
        done(arg, e, NULL);
    rac_arena_fini(&a);
}

static void port_fire_counted(void *self, const struct rac_fire *fire, rac_fire_fn done, void *arg)
{
    rac_fire_counted(RAC_CAST(self, struct rac_api_worker, RAC_API_MAGIC), fire, done, arg);
}

static void port_firing_counted(void *self, const struct rac_firing *f, rac_fire_fn done, void *arg)
{
    rac_firing_counted(RAC_CAST(self, struct rac_api_worker, RAC_API_MAGIC), f, done, arg);
}

static void port_defer(void *self, void (*fn)(void *arg), void *arg)
{
    struct rac_api_worker *w = RAC_CAST(self, struct rac_api_worker, RAC_API_MAGIC);
    w->call_env.defer(w->call_env.defer_self, fn, arg);
}

static void port_messages_kept(void *self)
{
    rac_scheduling_messages(RAC_CAST(self, struct rac_api_worker, RAC_API_MAGIC));
}

/* For the administrator: GET /audit?kind=subscription. */
static void port_not_ended(void *self, const struct rac_flow *f, rac_str where, rac_str url,
                           int status)
{
    struct rac_api_worker *w = RAC_CAST(self, struct rac_api_worker, RAC_API_MAGIC);
    struct rac_arena a;
    rac_arena_init(&a, 1 << 20);
    struct rac_actor actor = {.at_ms = rac_env_wall_ms(w->env)};
    rac_str of = rac_arena_printf(&a, "%.*s of %.*s", RAC_FMT(where), RAC_FMT(f->name));
    if (url.n > 0)
        of = rac_arena_printf(&a, "%.*s at %.*s", RAC_FMT(of), RAC_FMT(url));
    actor.note = status > 0 ? rac_arena_printf(&a, "%.*s: the answer was %d", RAC_FMT(of), status)
                            : rac_arena_printf(&a, "%.*s: no answer", RAC_FMT(of));
    w->is->audit_add(w->is->self, f->tenant, RAC_S("subscription.not_ended"), RAC_S("subscription"),
                     f->id, 0, &actor, NULL, NULL);
    rac_arena_fini(&a);
}

static struct rac_children *children_new(struct rac_api_worker *w)
{
    const struct rac_config *c = w->service->config;
    struct rac_children_options o = {
        .timeout_ms = rac_config_int(c, RAC_CONF_SANDBOX_TIMEOUT),
        .memory_bytes = (uint64_t)rac_config_int(c, RAC_CONF_SANDBOX_MEMORY),
        .children_max = (unsigned)rac_config_int(c, RAC_CONF_SANDBOX_PROCESSES)};
    return rac_children_new(w->loop, &o);
}

rac_err rac_runner_new(struct rac_api_worker *w, struct rac_runner **out)
{
    struct rac_runner *r = rac_mem_alloc(sizeof *r);
    r->w = w;
    rac_deadline_init(&r->alarm, ring, r);
    *out = w->runner = r; /* the ports find it there */
    r->children = children_new(w);
    struct rac_engine_ports ports = {
        .env = w->env,
        .store = w->fs,
        .fetcher = w->fetcher,
        .calls = &w->call_env,
        .auth = w->auth,
        .alarm = port_alarm,
        .defer = port_defer,
        .flow_load = port_flow_load,
        .flow_named = port_flow_named,
        .fire_counted = port_fire_counted,
        .firing_counted = port_firing_counted,
        .target = rac_flow_target_find,
        .target_release = rac_flow_target_release,
        .artifact = rac_flow_artifact_find,
        .messages_kept = port_messages_kept,
        .not_ended = port_not_ended,
        .sandbox = rac_children_sandbox(r->children),
        .prefer_remote = rac_config_bool(w->service->config, RAC_CONF_PREFER_REMOTE),
        .public_url = w->service->public_url,
        .worker = w->index,
        .workers = w->service->workers_n,
        .self = w,
    };
    const struct rac_config *c = w->service->config;
    size_t live = (size_t)rac_config_int(c, RAC_CONF_RUNS_LIVE);
    struct rac_engine_limits limits = {
        .runs_live_max = (live + w->service->workers_n - 1) / w->service->workers_n,
        .run_bytes_max = (size_t)rac_config_int(c, RAC_CONF_RUN_BYTES),
    };
    return rac_engine_new(&ports, &limits, &r->engine);
}

void rac_runner_free(struct rac_runner *r)
{
    if (r == NULL)
        return;
    rac_deadline_cancel(&r->alarm);
    rac_deadline_cancel(&r->scan);
    if (r->engine != NULL)
        rac_engine_free(r->engine);
    rac_children_free(r->children);
    rac_mem_free(r);
}

bool rac_runner_drain(struct rac_runner *r)
{
    rac_deadline_cancel(&r->scan);
    return rac_engine_drain(r->engine);
}

struct rac_engine *rac_runner_engine(struct rac_runner *r)
{
    return r->engine;
}

/* --- scanning --------------------------------------------------------------------------------- */

struct wakes { /* a message: due runs of one owner */
    struct rac_arena a;
    struct rac_service *service;
    unsigned to;
    struct rac_flow_due *v;
    size_t n;
};

static void wake_all(void *arg)
{
    struct wakes *m = arg;
    struct rac_api_worker *w = m->service->workers[m->to];
    if (!w->stopping)
        for (size_t i = 0; i < m->n; i++)
            rac_engine_wake(w->runner->engine, m->v[i].flow, m->v[i].name);
    rac_arena_fini(&m->a);
    rac_mem_free(m);
}

/* Mails a batch; false: a mailbox is full, the scan repeats itself soon anyway. */
static void mail_out(struct rac_runner *r, const struct rac_flow_due *v, size_t n)
{
    struct rac_service *s = r->w->service;
    for (unsigned to = 0; to < s->workers_n; to++) {
        struct wakes *m = NULL;
        for (size_t i = 0; i < n; i++) {
            if (rac_flow_owner(v[i].name, s->workers_n) != to)
                continue;
            if (m == NULL) {
                m = rac_mem_alloc(sizeof *m);
                rac_arena_init(&m->a, WAKE_BYTES_MAX);
                m->service = s;
                m->to = to;
                m->v = RAC_NEW_N(&m->a, struct rac_flow_due, n);
            }
            m->v[m->n] = v[i];
            m->v[m->n++].name = rac_arena_str(&m->a, v[i].name);
        }
        if (m != NULL && !rac_api_post(s, to, wake_all, m)) {
            rac_arena_fini(&m->a);
            rac_mem_free(m);
        }
    }
}

static void remember_after(struct rac_runner *r, const struct rac_flow_due *last)
{
    rac_arena_fini(&r->after_arena);
    rac_arena_init(&r->after_arena, 1 << 16);
    r->after = *last;
    r->after.name = rac_arena_str(&r->after_arena, last->name);
    r->after.tenant = rac_arena_str(&r->after_arena, last->tenant);
    r->has_after = true;
}

/* One batch of a look; a full one is followed by the next on the loop's next turn. */
static void look(void *arg)
{
    struct rac_runner *r = arg;
    const struct rac_flow_store *fs = r->w->fs;
    struct rac_arena a;
    struct rac_flow_due *v;
    size_t n = 0;
    rac_ms next;
    if (!r->scanning) { /* a new look begins */
        r->scanning = true;
        rac_ms before = r->to_ms;
        r->to_ms = rac_env_wall_ms(r->w->env);
        struct rac_flow_due from = {.due_ms = before - SCAN_BACK_MS};
        if (r->looks++ % SCAN_ALL_EVERY == 0 || before == 0 || r->to_ms < before)
            r->has_after = false;
        else
            remember_after(r, &from);
    }
    rac_arena_init(&a, 16 << 20);
    rac_err e = fs->due_runs(fs->self, r->has_after ? &r->after : NULL, r->to_ms, BATCH_RUNS, &a,
                             &v, &n, &next);
    if (e != RAC_OK)
        rac_log(RAC_WARN, "runs.not_scanned", RAC_F_CSTR("error", rac_err_name(e)));
    else if (n > 0)
        mail_out(r, v, n);
    if (e == RAC_OK && n == BATCH_RUNS)
        remember_after(r, &v[n - 1]);
    else
        r->scanning = false;
    rac_arena_fini(&a);
    rac_deadline_arm(r->w->loop, &r->scan, r->scanning ? 0 : SCAN_MS);
}

void rac_runner_begin(struct rac_runner *r)
{
    rac_deadline_init(&r->scan, look, r);
    rac_deadline_arm(r->w->loop, &r->scan, 0);
}

/* --- events for a run, posted to its owner ---------------------------------------------------- */

struct event {
    struct rac_arena a;
    struct rac_service *service;
    unsigned from, to;
    int64_t flow;
    bool cancel;
    rac_str run, action, repetition, why;
    struct rac_json outputs;
    rac_err err;
    rac_event_fn done;
    void *arg;
    struct rac_task soon;
};

static void event_back(void *arg)
{
    struct event *v = arg;
    v->done(v->arg, v->err, v->why);
    rac_arena_fini(&v->a);
    rac_mem_free(v);
}

static void event_done(void *arg, rac_err err, rac_str why)
{
    struct event *v = arg;
    v->err = err;
    v->why = why.n > 0 ? rac_arena_str(&v->a, why) : RAC_STR_NULL;
    if (v->from == v->to)
        event_back(v);
    else if (!rac_api_post(v->service, v->from, event_back, v)) {
        rac_arena_fini(&v->a); /* that worker ended, and whoever waited with it */
        rac_mem_free(v);
    }
}

static void event_run(void *arg)
{
    struct event *v = arg;
    struct rac_api_worker *w = v->service->workers[v->to];
    struct rac_engine *e = w->runner->engine;
    if (v->cancel)
        rac_engine_cancel(e, v->flow, v->run, event_done, v);
    else
        rac_engine_callback(e, v->flow, v->run, v->action, v->repetition, &v->outputs, event_done,
                            v);
}

static struct event *event_new(struct rac_api_worker *w, int64_t flow, rac_str run,
                               rac_event_fn done, void *arg)
{
    struct event *v = rac_mem_alloc(sizeof *v);
    rac_arena_init(&v->a, (size_t)1 << 30);
    v->service = w->service;
    v->from = w->index;
    v->to = rac_flow_owner(run, w->service->workers_n);
    v->flow = flow;
    v->run = rac_arena_str(&v->a, run);
    v->done = done;
    v->arg = arg;
    return v;
}

static void event_send(struct rac_api_worker *w, struct event *v)
{
    if (v->from == v->to) {
        event_run(v);
    } else if (!rac_api_post(w->service, v->to, event_run, v)) {
        v->err = RAC_E_BUSY;
        v->why = RAC_S("the server is busy; try again in a moment");
        v->soon = (struct rac_task){.fn = event_back, .arg = v};
        rac_loop_soon(w->loop, &v->soon);
    }
}

void rac_runner_callback(struct rac_api_worker *w, int64_t flow, rac_str run, rac_str action,
                         rac_str repetition, const struct rac_json *outputs, rac_event_fn done,
                         void *arg)
{
    struct event *v = event_new(w, flow, run, done, arg);
    v->action = rac_arena_str(&v->a, action);
    v->repetition = repetition.p != NULL ? rac_arena_str(&v->a, repetition) : RAC_STR_NULL;
    v->outputs = rac_json_copy(&v->a, outputs);
    event_send(w, v);
}

void rac_runner_cancel(struct rac_api_worker *w, int64_t flow, rac_str run, rac_event_fn done,
                       void *arg)
{
    struct event *v = event_new(w, flow, run, done, arg);
    v->cancel = true;
    event_send(w, v);
}

/* --- a workflow that is gone, told to every worker --------------------------------------------- */

struct gone { /* a message; freed by its reader */
    struct rac_service *service;
    unsigned to;
    int64_t flow;
};

static void gone_run(void *arg)
{
    struct gone *m = arg;
    struct rac_api_worker *w = m->service->workers[m->to];
    if (!w->stopping)
        rac_engine_flow_gone(w->runner->engine, m->flow);
    rac_mem_free(m);
}

void rac_runner_flow_gone(struct rac_api_worker *w, int64_t flow)
{
    for (unsigned to = 0; to < w->service->workers_n; to++) {
        if (to == w->index) {
            rac_engine_flow_gone(w->runner->engine, flow);
            continue;
        }
        struct gone *m = rac_mem_alloc(sizeof *m);
        *m = (struct gone){w->service, to, flow};
        if (!rac_api_post(w->service, to, gone_run, m)) {
            rac_log(RAC_WARN, "workflow.runs_not_told", RAC_F_INT("worker", to));
            rac_mem_free(m);
        }
    }
}
