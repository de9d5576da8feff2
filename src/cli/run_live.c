#include "cli/run_live.h"
#include "base/str.h"
#include "cli/live.h"
#include "cli/load.h"
#include "cli/output.h"
#include "connector/connection.h"
#include "loop/worker.h"
#include "openapi/read.h"
#include "script/children.h"
#include "workflow/engine/engine.h"

struct runner {
    struct rac_cli *cli;
    const struct rac_run_live *o;
    struct rac_live *live;
    struct rac_engine *engine;
    struct rac_env env;
    rac_ms wall_ms; /* fixed clock */
    rac_ns mono_ns;
    rac_ns calls_since_ns; /* of the true clock: requests are under way since then; 0: none */
    struct rac_deadline deadline;
    rac_ns alarm_ns;
    struct rac_flow *flow;
    struct rac_map loaded; /* SRC -> connector */
    struct rac_map flows;  /* name -> workflow beside it, as it was found */
    struct rac_children *children;
    bool ended; /* the run; runs that it started may go on */
    bool done;
};

/* --- clock and alarm -------------------------------------------------------------------------- */

static rac_ms fixed_wall(void *self)
{
    return ((struct runner *)self)->wall_ms;
}

static rac_ns fixed_mono(void *self)
{
    return ((struct runner *)self)->mono_ns;
}

static void system_random(void *self, void *p, size_t n)
{
    rac_env_random(((struct runner *)self)->cli->env, p, n);
}

/* Requests under way come before timers, unless the timer had come first without a fixed clock. */
static bool calls_first(struct runner *r, size_t calls)
{
    rac_ns now = rac_env_mono_ns(r->cli->env);
    if (calls == 0) {
        r->calls_since_ns = 0;
        return false;
    }
    if (r->calls_since_ns == 0)
        r->calls_since_ns = now;
    if (now - r->calls_since_ns < r->alarm_ns - r->mono_ns)
        return true;
    r->calls_since_ns = now;
    return false;
}

/* Time goes on only while nothing is done: to the next timer, and on, until one asks for something. */
static void jump(struct runner *r)
{
    struct rac_engine_stats s;
    for (;;) {
        rac_engine_stats(r->engine, &s);
        if (r->done || r->alarm_ns == INT64_MAX)
            return;
        if (s.queued > 0 ||
            calls_first(r, s.calls)) { /* that comes first: look again in a moment */
            rac_deadline_arm(rac_live_loop(r->live), &r->deadline, 1);
            return;
        }
        if (r->alarm_ns > r->mono_ns) {
            rac_ns step = (r->alarm_ns - r->mono_ns + 999999) / 1000000;
            r->mono_ns += step * 1000000;
            r->wall_ms += step;
        }
        rac_engine_tick(r->engine);
    }
}

static void rings(void *arg)
{
    struct runner *r = arg;
    if (r->o->clock_ms != 0)
        jump(r);
    else
        rac_engine_tick(r->engine);
}

static void alarm_at(void *self, rac_ns at_ns)
{
    struct runner *r = self;
    r->alarm_ns = at_ns;
    if (at_ns == INT64_MAX) {
        rac_deadline_cancel(&r->deadline);
        return;
    }
    int64_t ms = r->o->clock_ms != 0 ? 0 : (at_ns - rac_env_mono_ns(&r->env) + 999999) / 1000000;
    rac_deadline_arm(rac_live_loop(r->live), &r->deadline, ms > 0 ? ms : 0);
}

static void defer(void *self, void (*fn)(void *arg), void *arg)
{
    rac_live_defer(((struct runner *)self)->live, fn, arg);
}

/* --- connectors (§6) -------------------------------------------------------------------------- */

/* {"connector": SRC, "connection": {parameter: value}} by reference, connection or connector. */
static const struct rac_json *given(const struct runner *r, const struct rac_flow_target_want *w)
{
    const rac_str names[] = {w->reference, w->connection, w->api};
    for (size_t i = 0; i < RAC_COUNT(names); i++) {
        const struct rac_json *v =
            names[i].n > 0 ? rac_json_geti(r->o->connectors, names[i]) : NULL;
        if (rac_json_is_object(v) && RAC_JSON_GET(v, "connector") != NULL)
            return v;
    }
    return NULL;
}

static struct rac_connector *connector_of(struct runner *r, rac_str src, rac_str *why)
{
    struct rac_connector *c = rac_map_get(&r->loaded, src);
    struct rac_diags d;
    if (c != NULL)
        return c;
    rac_diags_init(&d, r->cli->a, 20);
    src = rac_arena_str(r->cli->a, src);
    rac_err e = rac_cli_connector(r->cli, src.p, &c, &d);
    if (e != RAC_OK) {
        *why = d.n > 0 ? d.v[0].message : rac_str_of(rac_err_text(e));
        return NULL;
    }
    rac_map_put(&r->loaded, src, c);
    return c;
}

static void target(void *self, const struct rac_flow_target_want *want, struct rac_arena *a,
                   void (*done)(void *arg, rac_err err, rac_str why,
                                const struct rac_flow_target *t),
                   void *arg)
{
    struct runner *r = self;
    const struct rac_json *v = given(r, want), *values = RAC_JSON_GET(v, "connection");
    rac_str src = rac_json_str(RAC_JSON_GET(v, "connector"), RAC_STR_NULL), why = RAC_STR_NULL;
    struct rac_connection *connection = NULL;
    struct rac_diags d;
    if (src.p == NULL && r->cli->server_named)
        src = want->api;
    if (src.p == NULL) {
        why = rac_arena_printf(
            a,
            "No connector is given for '%.*s': name one in the file of --connections, {\"%.*s\": "
            "{\"connector\": SRC, \"connection\": {...}}}, or a server with --server.",
            RAC_FMT(want->reference.n > 0 ? want->reference : want->api),
            RAC_FMT(want->reference.n > 0 ? want->reference : want->api));
        done(arg, RAC_E_NOT_FOUND, why, NULL);
        return;
    }
    struct rac_connector *c = connector_of(r, src, &why);
    if (c == NULL) {
        done(arg, RAC_E_DENIED, why, NULL);
        return;
    }
    rac_diags_init(&d, a, 10);
    if (rac_json_is_object(values) &&
        rac_connection_make(c, values, 0, rac_env_wall_ms(&r->env), a, &connection, &d) != RAC_OK) {
        done(arg, RAC_E_DENIED, d.n > 0 ? d.v[0].message : RAC_S("the connection is not valid"),
             NULL);
        return;
    }
    struct rac_flow_target t = {.connector = rac_connector_ref(c), .connection = connection};
    done(arg, RAC_OK, RAC_STR_NULL, &t);
}

/* --- the workflows beside it, maps and schemas ------------------------------------------------ */

/* n: of those of this command; keys of flows that no store has are negative. */
static struct rac_flow *flow_make(const struct rac_plan *plan, rac_str name, int64_t n)
{
    struct rac_arena a;
    rac_arena_init(&a, 1 << 20);
    struct rac_flow *f = RAC_NEW(&a, struct rac_flow);
    *f = (struct rac_flow){.key = -n,
                           .enabled = true,
                           .stateless = plan->workflow->stateless,
                           .workflow = plan->workflow,
                           .plan = plan,
                           .refs = 1};
    f->name = rac_arena_str(&a, name);
    f->a = a;
    rac_flow_describe(f, RAC_S("default"), RAC_S("default"), &plan->workflow->doc->root);
    return f;
}

/* By its name, or a resource id that ends in it. */
static void flow_named(void *self, const struct rac_flow *from, rac_str id,
                       void (*done)(void *arg, rac_err err, struct rac_flow *f), void *arg)
{
    struct runner *r = self;
    size_t slash = rac_str_rfind_char(id, '/');
    rac_str name =
        rac_str_lower(r->cli->a, slash == RAC_STR_NPOS ? id : rac_str_from(id, slash + 1));
    struct rac_flow *f = rac_map_get(&r->flows, name);
    (void)from;
    if (f == NULL && rac_str_eqi(name, r->o->name))
        f = r->flow;
    if (f == NULL && name.n > 0) {
        const struct rac_plan *p = r->o->sibling(r->o->arg, name);
        if (p != NULL) {
            f = flow_make(p, name, (int64_t)r->flows.n + 2);
            rac_map_put(&r->flows, name, f);
        }
    }
    if (f == NULL)
        done(arg, RAC_E_NOT_FOUND, NULL);
    else
        done(arg, RAC_OK, rac_flow_ref(f));
}

static void
artifact(void *self, const struct rac_flow *flow, enum rac_artifact_kind kind, rac_str name,
         void (*done)(void *arg, rac_err err, rac_str why, const struct rac_artifact_content *c),
         void *arg)
{
    struct runner *r = self;
    const struct rac_cli_artifact *x = rac_cli_artifacts_get(r->o->artifacts, kind, name);
    struct rac_artifact_content c;
    rac_str why = kind == RAC_ARTIFACT_MAP
                      ? RAC_S("maps stand in Artifacts/Maps of the app's folder.")
                      : RAC_S("schemas stand in Artifacts/Schemas of the app's "
                              "folder.");
    struct rac_arena a;
    (void)flow;
    rac_arena_init(&a, 64 << 20);
    rac_err err = x == NULL ? RAC_E_NOT_FOUND : rac_cli_artifact_read(r->cli, x, &a, &c, &why);
    done(arg, err, err == RAC_OK ? RAC_STR_NULL : why, err == RAC_OK ? &c : NULL);
    rac_arena_fini(&a);
}

/* --- the run ---------------------------------------------------------------------------------- */

/* Runs that were started and not waited for end, too. */
static void all_done(void *arg)
{
    struct runner *r = arg;
    struct rac_engine_stats s;
    rac_engine_stats(r->engine, &s);
    r->done = s.live == 0;
}

static void run_ended(void *self, const struct rac_flow *f, struct rac_run *run)
{
    struct runner *r = self;
    (void)f;
    if (rac_run_depth(run) == 0) {
        r->o->ended(r->o->arg, run);
        r->ended = true;
    }
    if (r->ended)
        rac_live_defer(r->live, all_done, r);
}

static struct rac_sandbox sandbox(struct runner *r)
{
    struct rac_children_options o = {
        .timeout_ms = rac_config_int(r->cli->config, RAC_CONF_SANDBOX_TIMEOUT),
        .memory_bytes = (uint64_t)rac_config_int(r->cli->config, RAC_CONF_SANDBOX_MEMORY),
        .children_max = (unsigned)rac_config_int(r->cli->config, RAC_CONF_SANDBOX_PROCESSES)};
    r->children = rac_children_new(rac_live_loop(r->live), &o);
    return rac_children_sandbox(r->children);
}

static void start(struct runner *r)
{
    struct rac_engine_ports p = {.env = &r->env,
                                 .fetcher = rac_live_calls(r->live)->fetcher,
                                 .calls = rac_live_calls(r->live),
                                 .auth = rac_live_auth(r->live),
                                 .alarm = alarm_at,
                                 .defer = defer,
                                 .flow_named = flow_named,
                                 .target = target,
                                 .prefer_remote =
                                     rac_config_bool(r->cli->config, RAC_CONF_PREFER_REMOTE),
                                 .artifact = artifact,
                                 .sandbox = sandbox(r),
                                 .host = r->o->host,
                                 .run_ended = run_ended,
                                 .self = r};
    struct rac_engine_limits limits = {.run_bytes_max = (size_t)1 << 30, .turn_actions_max = 10000};
    if (rac_engine_new(&p, &limits, &r->engine) != RAC_OK)
        return;
    struct rac_fire fire = {.flow = r->flow, .outputs = r->o->trigger, .waits = r->o->waits};
    rac_engine_fire(r->engine, &fire, NULL, NULL);
    (void)rac_loop_run_until(rac_live_loop(r->live), &r->done);
}

rac_err rac_cli_run_live(struct rac_cli *cli, const struct rac_run_live *o)
{
    struct runner r = {.cli = cli, .o = o, .env = *cli->env, .alarm_ns = INT64_MAX};
    rac_err e = rac_live_open(cli, &r.live);
    if (e != RAC_OK)
        return e;
    if (o->clock_ms != 0) {
        r.wall_ms = o->clock_ms;
        r.mono_ns = 1000000000;
        r.env = (struct rac_env){fixed_wall, fixed_mono, system_random, &r};
    }
    rac_map_init(&r.loaded, cli->a);
    rac_map_init(&r.flows, cli->a);
    rac_deadline_init(&r.deadline, rings, &r);
    r.flow = flow_make(o->plan, o->name, 1);
    start(&r);
    rac_engine_free(r.engine);
    rac_deadline_cancel(&r.deadline);
    rac_children_free(r.children);
    rac_flow_unref(r.flow);
    for (size_t i = 0; i < r.flows.n; i++)
        rac_flow_unref(r.flows.entries[i].value);
    for (size_t i = 0; i < r.loaded.n; i++)
        rac_connector_unref(r.loaded.entries[i].value);
    rac_live_close(r.live);
    return r.done ? RAC_OK : RAC_E_INTERNAL;
}
