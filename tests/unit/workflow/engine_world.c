#include "engine_world.h"
#include "base/mem.h"
#include "base/str.h"
#include "connector/package.h"
#include "openapi/read.h"
#include "workflow/definition/document.h"
#include "workflow/scheduler/scheduler.h"

#include <stdio.h>
#include <stdlib.h>

struct world_deferred {
    struct world_deferred *next;
    void (*fn)(void *arg);
    void *arg;
};

static void defer(void *self, void (*fn)(void *arg), void *arg)
{
    struct world *w = self;
    struct world_deferred *d = rac_mem_alloc(sizeof *d);
    *d = (struct world_deferred){.fn = fn, .arg = arg};
    *w->deferred_end = d;
    w->deferred_end = &d->next;
}

static void set_alarm(void *self, rac_ns at_ns)
{
    ((struct world *)self)->alarm_ns = at_ns;
}

static struct rac_fetch *fetch_start(void *self, const struct rac_fetch_req *req,
                                     struct rac_arena *a, const struct rac_fetch_events *ev)
{
    struct world *w = self;
    struct world_fetch *f = rac_mem_alloc(sizeof *f), **end = &w->fetches;
    *f = (struct world_fetch){.a = a,
                              .ev = *ev,
                              .method = rac_arena_str(&w->a, req->method),
                              .url = rac_arena_str(&w->a, req->url),
                              .body = rac_arena_str(&w->a, req->body),
                              .sent_ms = w->clock.wall_ms};
    for (size_t i = 0; req->headers != NULL && i < req->headers->n; i++)
        rac_headers_add(&f->headers, &w->a, rac_arena_str(&w->a, req->headers->v[i].name),
                        rac_arena_str(&w->a, req->headers->v[i].value));
    while (*end != NULL)
        end = &(*end)->next;
    *end = f;
    w->fetched_total++;
    if (w->on_fetch != NULL)
        w->on_fetch(w->on_fetch_arg, w, f);
    return (struct rac_fetch *)f;
}

static void unlink_fetch(struct world *w, struct world_fetch *f)
{
    struct world_fetch **at = &w->fetches;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
}

static void fetch_cancel(void *self, struct rac_fetch *f)
{
    unlink_fetch(self, (struct world_fetch *)f);
    rac_mem_free(f);
}

struct world_load {
    struct world_load *next;
    int64_t key;
    void (*done)(void *arg, rac_err err, struct rac_flow *f);
    void *arg;
};

static void give_flow(struct world *w, const struct world_load *x)
{
    if (x->key < 1 || x->key > (int64_t)w->flows_n)
        x->done(x->arg, RAC_E_NOT_FOUND, NULL);
    else
        x->done(x->arg, RAC_OK, rac_flow_ref(w->flows[x->key - 1]));
}

static void flow_load(void *self, int64_t key, rac_str revision,
                      void (*done)(void *arg, rac_err err, struct rac_flow *f), void *arg)
{
    struct world *w = self;
    struct world_load x = {w->loads, key, done, arg};
    (void)revision;
    if (!w->holds_loads) {
        give_flow(w, &x);
        return;
    }
    w->loads = rac_mem_alloc(sizeof x);
    *w->loads = x;
}

void world_load(struct world *w)
{
    while (w->loads != NULL) {
        struct world_load *x = w->loads;
        w->loads = x->next;
        give_flow(w, x);
        rac_mem_free(x);
    }
}

static void flow_named(void *self, const struct rac_flow *from, rac_str name,
                       void (*done)(void *arg, rac_err err, struct rac_flow *f), void *arg)
{
    struct world *w = self;
    (void)from;
    for (size_t i = 0; i < w->flows_n; i++)
        if (rac_str_eqi(w->flows[i]->name, name)) {
            done(arg, RAC_OK, rac_flow_ref(w->flows[i]));
            return;
        }
    done(arg, RAC_E_NOT_FOUND, NULL);
}

struct world_target {
    struct world_target *next;
    void (*done)(void *arg, rac_err err, rac_str why, const struct rac_flow_target *t);
    void *arg;
};

static void give_target(struct world *w, const struct world_target *x)
{
    struct rac_flow_target t = {.connector = rac_connector_ref(w->connector), .held = w};
    w->targets_given++;
    x->done(x->arg, RAC_OK, RAC_STR_NULL, &t);
}

static void target(void *self, const struct rac_flow_target_want *want, struct rac_arena *a,
                   void (*done)(void *arg, rac_err err, rac_str why,
                                const struct rac_flow_target *t),
                   void *arg)
{
    struct world *w = self;
    struct world_target x = {w->targets, done, arg};
    (void)want;
    (void)a;
    if (!w->holds_targets) {
        give_target(w, &x);
        return;
    }
    w->targets = rac_mem_alloc(sizeof x);
    *w->targets = x;
}

static void target_release(void *self, const struct rac_flow_target *t)
{
    struct world *w = self;
    RAC_ASSERT(t->held == w);
    w->targets_released++;
}

void world_resolve(struct world *w)
{
    while (w->targets != NULL) {
        struct world_target *x = w->targets;
        w->targets = x->next;
        give_target(w, x);
        rac_mem_free(x);
    }
}

static void fire_counted(void *self, const struct rac_fire *fire, rac_fire_fn done, void *arg)
{
    struct world *w = self;
    w->counted_flow = fire->flow;
    w->counted_done = done;
    w->counted_arg = arg;
}

static void firing_counted(void *self, const struct rac_firing *f, rac_fire_fn done, void *arg)
{
    struct world *w = self;
    w->counted_flow = f->flow;
    w->counted_done = done;
    w->counted_arg = arg;
}

static void messages_kept(void *self)
{
    struct world *w = self;
    if (w->messages_kept != NULL)
        w->messages_kept(w->messages_kept_arg);
}

static void engine_start(struct world *w)
{
    struct rac_engine_ports p = {.env = &w->env,
                                 .store = w->store ? &w->store->port : NULL,
                                 .fetcher = {fetch_start, NULL, fetch_cancel, w},
                                 .alarm = set_alarm,
                                 .defer = defer,
                                 .flow_load = flow_load,
                                 .flow_named = flow_named,
                                 .calls = w->connector != NULL ? &w->calls : NULL,
                                 .target = target,
                                 .target_release = target_release,
                                 .artifact = w->artifact,
                                 .messages_kept = messages_kept,
                                 .sandbox = w->sandbox,
                                 .public_url = RAC_S("https://r.example"),
                                 .fire_counted = fire_counted,
                                 .firing_counted = firing_counted,
                                 .worker = w->worker,
                                 .workers = w->worker + 1,
                                 .self = w};
    w->alarm_ns = INT64_MAX;
    if (rac_engine_new(&p, &w->limits, &w->engine) != RAC_OK)
        abort();
}

struct world *world_new(uint64_t seed, bool stored)
{
    struct world *w = rac_mem_alloc(sizeof *w);
    w->clock = (struct rac_env_fake){.wall_ms = 1767225600000, .mono_ns = 1000000000, .seed = seed};
    w->env = rac_env_fake(&w->clock);
    w->deferred_end = &w->deferred;
    w->limits.unload_after_ms = 2000;
    w->store = stored ? memory_store_new() : NULL;
    if (stored)
        w->store->env = &w->env;
    rac_arena_init(&w->a, SIZE_MAX / 2);
    engine_start(w);
    return w;
}

void world_connect(struct world *w, const char *definition)
{
    struct rac_arena a;
    rac_arena_init(&a, 64 << 20);
    struct rac_package *p =
        rac_package_new(&a, rac_str_of(definition), RAC_STR_NULL, RAC_STR_NULL, RAC_STR_NULL);
    if (rac_package_read(p, NULL) != RAC_OK ||
        rac_connector_compile(p, RAC_STR_NULL, 1, &w->connector, NULL) != RAC_OK)
        abort();
    rac_arena_fini(&a);
    w->calls = (struct rac_call_env){.env = &w->env,
                                     .fetcher = {fetch_start, NULL, fetch_cancel, w},
                                     .defer = defer,
                                     .defer_self = w};
    rac_engine_free(w->engine);
    engine_start(w);
}

void world_move(struct world *w, unsigned worker)
{
    w->worker = worker;
    rac_engine_free(w->engine);
    engine_start(w);
}

static void drop_deferred(struct world *w)
{
    while (w->deferred != NULL) {
        struct world_deferred *d = w->deferred;
        w->deferred = d->next;
        rac_mem_free(d);
    }
    w->deferred_end = &w->deferred;
}

void world_free(struct world *w)
{
    rac_engine_free(w->engine);
    drop_deferred(w);
    world_resolve(w);
    world_load(w);
    rac_connector_unref(w->connector);
    if (w->store != NULL)
        memory_store_free(w->store);
    while (w->fetches != NULL)
        fetch_cancel(w, (struct rac_fetch *)w->fetches);
    for (size_t i = 0; i < w->flows_n; i++)
        rac_flow_unref(w->flows[i]);
    rac_arena_fini(&w->a);
    rac_mem_free(w);
}

struct rac_flow *world_flow_of(struct world *w, const char *document)
{
    struct rac_arena a;
    struct rac_diags d;
    struct rac_document *doc;
    struct rac_workflow *wf;
    struct rac_plan *plan;
    rac_arena_init(&a, SIZE_MAX / 2);
    rac_diags_init(&d, &a, 20);
    rac_str text = rac_arena_str(&a, rac_str_of(document));
    if (rac_document_read(text, RAC_S("test"), &a, &doc, &d) != RAC_OK ||
        rac_workflow_of_document(doc, NULL, &a, &wf, &d) != RAC_OK ||
        rac_plan_compile(wf, &a, &plan, &d) != RAC_OK) {
        fprintf(stderr, "definition: %.*s\n", RAC_FMT(d.n > 0 ? d.v[0].message : RAC_S("?")));
        abort();
    }
    struct rac_flow *f = RAC_NEW(&a, struct rac_flow);
    *f = (struct rac_flow){.key = (int64_t)w->flows_n + 1,
                           .tenant = RAC_S("t"),
                           .id = RAC_S("0123456789abcdef0123456789abcdef"),
                           .revision = RAC_S("08584000000000000000"),
                           .enabled = true,
                           .stateless = wf->stateless,
                           .workflow = wf,
                           .plan = plan,
                           .refs = 1};
    f->name = rac_arena_printf(&a, "flow%zu", w->flows_n + 1);
    f->a = a;
    rac_flow_describe(f, RAC_S("s"), RAC_S("g"), &doc->root);
    w->flows[w->flows_n++] = f;
    return f;
}

struct rac_flow *world_flow(struct world *w, const char *trigger, const char *actions)
{
    rac_str text = rac_arena_printf(
        &w->a,
        "{\"definition\": {\"$schema\": \"https://schema.management.azure.com/providers/"
        "Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#\", \"contentVersion\": "
        "\"1.0.0.0\", \"triggers\": {\"manual\": %s}, \"actions\": %s}, \"kind\": \"Stateful\"}",
        trigger, actions);
    return world_flow_of(w, text.p);
}

bool world_step(struct world *w)
{
    struct world_deferred *d = w->deferred;
    if (d != NULL) {
        w->deferred = d->next;
        if (w->deferred == NULL)
            w->deferred_end = &w->deferred;
        d->fn(d->arg);
        rac_mem_free(d);
        return true;
    }
    if (w->alarm_ns <= w->clock.mono_ns) {
        w->alarm_ns = INT64_MAX;
        rac_engine_tick(w->engine);
        return true;
    }
    return w->store != NULL && memory_store_deliver(w->store);
}

void world_settle(struct world *w)
{
    while (world_step(w))
        ;
}

/* When the engine's timer or the next run due in the store wants attention. */
static rac_ns next_moment(const struct world *w)
{
    rac_ns at = w->alarm_ns;
    for (size_t i = 0; w->store != NULL && i < w->store->runs_n; i++) {
        const struct memory_run *r = &w->store->runs[i];
        rac_ns due = w->clock.mono_ns + (r->due_ms - w->clock.wall_ms) * 1000000;
        if (r->end_ms == 0 && r->due_ms > w->clock.wall_ms && due < at)
            at = due;
    }
    return at;
}

void world_pass(struct world *w, int64_t ms)
{
    rac_ns end = w->clock.mono_ns + ms * 1000000, at;
    world_settle(w);
    while ((at = next_moment(w)) <= end) {
        rac_ns step = at - w->clock.mono_ns;
        if (step > 0) {
            step = (step + 999999) / 1000000 * 1000000;
            w->clock.mono_ns += step;
            w->clock.wall_ms += step / 1000000;
        }
        world_settle(w);
        world_wake_due(w);
    }
    if (end > w->clock.mono_ns) {
        w->clock.wall_ms += (end - w->clock.mono_ns) / 1000000;
        w->clock.mono_ns = end;
    }
    world_settle(w);
    world_wake_due(w);
}

struct world_fetch *world_fetch(struct world *w, const char *part)
{
    for (struct world_fetch *f = w->fetches; f != NULL; f = f->next)
        if (rac_str_find(f->url, rac_str_of(part)) != RAC_STR_NPOS)
            return f;
    return NULL;
}

static void finish(struct world *w, struct world_fetch *f, struct rac_fetch_res *res)
{
    unlink_fetch(w, f);
    f->ev.done(f->ev.arg, res);
    rac_mem_free(f);
    world_settle(w);
}

void world_answer(struct world *w, struct world_fetch *f, int status, const char *headers,
                  const char *body)
{
    struct rac_fetch_res res = {.status = status};
    rac_str rest = rac_arena_str(f->a, rac_str_of(headers));
    while (rest.n > 0) {
        rac_str line = rac_str_cut(rest, '\n', &rest), value;
        rac_str name = rac_str_cut(line, ':', &value);
        rac_headers_add(&res.headers, f->a, name, rac_str_trim(value));
    }
    res.body = rac_arena_str(f->a, rac_str_of(body));
    finish(w, f, &res);
}

void world_fail(struct world *w, struct world_fetch *f, rac_err err)
{
    struct rac_fetch_res res = {.err = err, .error = RAC_S("connection refused")};
    finish(w, f, &res);
}

void world_wake_due(struct world *w)
{
    if (w->store == NULL)
        return;
    for (size_t i = 0; i < w->store->runs_n; i++) {
        const struct memory_run *r = &w->store->runs[i];
        if (r->end_ms == 0 && r->due_ms != 0 && r->due_ms <= w->clock.wall_ms)
            rac_engine_wake(w->engine, r->flow, rac_str_of(r->name));
    }
    world_settle(w);
}

void world_crash(struct world *w, size_t written)
{
    rac_engine_free(w->engine);
    drop_deferred(w);
    memory_store_crash(w->store, written);
    while (w->fetches != NULL)
        fetch_cancel(w, (struct rac_fetch *)w->fetches);
    engine_start(w);
}

void world_restart(struct world *w)
{
    world_crash(w, 0);
    world_wake_due(w);
}

void world_fired(void *arg, const struct rac_fire_answer *x)
{
    struct world_answer *out = arg;
    struct rac_arena a;
    RAC_ASSERT(!out->called);
    out->called = true;
    out->outcome = x->outcome;
    out->status = x->status;
    out->async = x->async;
    snprintf(out->run, sizeof out->run, "%.*s", RAC_FMT(x->run));
    rac_arena_init(&a, 1 << 20);
    if (x->outcome == RAC_FIRE_RESPONSE)
        snprintf(out->text, sizeof out->text, "%.*s",
                 RAC_FMT(rac_json_print_str(&x->response, 0, &a)));
    else
        snprintf(out->text, sizeof out->text, "%.*s", RAC_FMT(x->code));
    rac_arena_fini(&a);
}

void world_fire(struct world *w, struct rac_flow *f, const char *outputs, bool waits,
                struct world_answer *out)
{
    struct rac_json v;
    struct rac_json_error where;
    *out = (struct world_answer){0};
    if (rac_json_parse(rac_str_of(outputs), &w->a, 0, &v, &where) != RAC_OK)
        abort();
    struct rac_fire fire = {.flow = f, .outputs = &v, .waits = waits};
    rac_engine_fire(w->engine, &fire, world_fired, out);
}

/* --- a run as the store has it ---------------------------------------------------------------- */

struct kept_run {
    struct memory_store *store;
    const struct memory_run *run;
    struct rac_history_source source;
};

static rac_err pieces(void *self, bool (*fn)(void *arg, rac_str bytes), void *arg)
{
    struct kept_run *k = self;
    return k->store->port.journal(k->store, k->run->id, fn, arg);
}

static rac_err value(void *self, const char *digest, struct rac_arena *a, rac_str *bytes)
{
    struct kept_run *k = self;
    return k->store->port.value_get(k->store, k->run->id, digest, a, bytes);
}

struct rac_history *world_history(struct world *w, const char *run, struct rac_arena *a)
{
    struct rac_history *h;
    struct kept_run *k = RAC_NEW(a, struct kept_run);
    *k = (struct kept_run){
        .store = w->store,
        .run = memory_store_run(w->store, 1, rac_str_of(run)),
        .source = {pieces, value, k},
    };
    RAC_ASSERT(k->run != NULL);
    RAC_ASSERT(rac_history_open(w->flows[0]->plan, &k->source, a, &h) == RAC_OK);
    return h;
}

bool world_recorded(struct world *w, const struct world_answer *a, const char *text)
{
    const struct memory_run *r = memory_store_run(w->store, 1, rac_str_of(a->run));
    for (size_t i = 0; i < r->pieces_n; i++)
        if (rac_str_find((rac_str){r->pieces[i].p, r->pieces[i].n}, rac_str_of(text)) !=
            RAC_STR_NPOS)
            return true;
    return false;
}
