#include "cli/live.h"

#include "base/mem.h"
#include "base/str.h"
#include "cli/output.h"
#include "cli/source.h"
#include "connector/auth.h"
#include "connector/connection.h"
#include "connector/verdict.h"
#include "http/client.h"
#include "loop/deadline.h"
#include "loop/worker.h"

enum { LIVE_MAGIC = 0x4c495645 };

struct deferred { /* a queued fn(arg); freed when it ran */
    struct rac_task task;
    void (*fn)(void *arg);
    void *arg;
};

struct rac_live {
    uint32_t magic;
    struct rac_cli *cli;
    struct rac_loop *loop;
    struct rac_http_client *client;
    struct rac_call_env env;
    struct rac_fetcher fetcher;
    struct rac_auth *auth;
    struct rac_call *call; /* the last one: its answer lives in it */
    const struct rac_call_res *res;
    struct rac_deadline pause;
    bool done;
};

static void deferred_run(void *arg)
{
    struct deferred *d = arg;
    d->fn(d->arg);
    rac_mem_free(d);
}

static void defer(void *self, void (*fn)(void *arg), void *arg)
{
    struct rac_live *live = RAC_CAST(self, struct rac_live, LIVE_MAGIC);
    struct deferred *d = rac_mem_alloc(sizeof *d);
    d->fn = fn;
    d->arg = arg;
    d->task.fn = deferred_run;
    d->task.arg = d;
    rac_loop_soon(live->loop, &d->task);
}

rac_err rac_live_open(struct rac_cli *cli, struct rac_live **out)
{
    struct rac_http_client_options o;
    rac_err e = rac_cli_http_options(cli, &o);
    if (e != RAC_OK)
        return e;
    struct rac_live *live = rac_mem_alloc(sizeof *live);
    live->magic = LIVE_MAGIC;
    live->cli = cli;
    live->loop = rac_loop_new();
    e = rac_http_client_new(live->loop, &o, &live->client);
    if (e != RAC_OK) {
        rac_loop_free(live->loop);
        rac_mem_free(live);
        return e;
    }
    live->fetcher = rac_http_client_fetcher(live->client);
    struct rac_auth_env auth = {/* no store: whoever made the connection keeps new tokens */
                                .env = cli->env,
                                .fetcher = &live->fetcher,
                                .defer = defer,
                                .defer_self = live};
    live->auth = rac_auth_new(&auth);
    live->env = (struct rac_call_env){
        .env = cli->env,
        .fetcher = live->fetcher,
        .auth = live->auth,
        .connect_timeout_ms = o.connect_timeout_ms,
        .timeout_ms = o.timeout_ms,
        .response_bytes_max = o.response_bytes_max,
        .defer = defer,
        .defer_self = live,
    };
    *out = live;
    return RAC_OK;
}

void rac_live_close(struct rac_live *live)
{
    if (live == NULL)
        return;
    rac_call_free(live->call);
    rac_auth_free(live->auth);
    rac_http_client_free(live->client);
    rac_loop_free(live->loop);
    live->magic = 0;
    rac_mem_free(live);
}

static void called(void *arg, struct rac_call *call, const struct rac_call_res *res)
{
    struct rac_live *live = RAC_CAST(arg, struct rac_live, LIVE_MAGIC);
    (void)call;
    live->res = res;
    live->done = true;
}

static void paused(void *arg)
{
    struct rac_live *live = RAC_CAST(arg, struct rac_live, LIVE_MAGIC);
    live->done = true;
}

static void run_until_done(struct rac_live *live)
{
    live->done = false;
    (void)rac_loop_run_until(live->loop, &live->done);
}

static void call_once(struct rac_live *live, const struct rac_call_req *req)
{
    rac_call_free(live->call);
    live->call = rac_call_start(req, &live->env, called, live);
    run_until_done(live);
}

static bool transport_error(const struct rac_call_res *res)
{
    return res->error.code == RAC_CALL_BACKEND_TIMEOUT ||
           res->error.code == RAC_CALL_BACKEND_UNREACHABLE;
}

void rac_live_call(struct rac_live *live, const struct rac_call_req *req, unsigned retries,
                   struct rac_arena *a, const struct rac_call_res **res)
{
    struct rac_retry_policy policy = rac_retry_default();
    (void)a;
    policy.count = retries;
    for (unsigned n = 1;; n++) {
        call_once(live, req);
        struct rac_outcome outcome = {.transport_error = transport_error(live->res),
                                      .status = live->res->status,
                                      .headers = &live->res->headers};
        uint32_t dice;
        rac_env_random(live->cli->env, &dice, sizeof dice);
        int64_t ms = live->res->error.code != RAC_CALL_NONE && !outcome.transport_error
                         ? -1
                         : rac_retry_delay_ms(&policy, n, &outcome, rac_env_wall_ms(live->cli->env),
                                              (double)dice / 4294967296.0);
        if (ms < 0)
            break;
        fprintf(live->cli->err, "raccord: attempt %u of %u: %s%d; again in %.1f s\n", n,
                retries + 1, outcome.transport_error ? "no answer, " : "status ", outcome.status,
                (double)ms / 1000);
        rac_deadline_init(&live->pause, paused, live);
        rac_deadline_arm(live->loop, &live->pause, ms);
        run_until_done(live);
    }
    *res = live->res;
}

struct rac_loop *rac_live_loop(struct rac_live *live)
{
    return live->loop;
}

const struct rac_call_env *rac_live_calls(struct rac_live *live)
{
    return &live->env;
}

struct rac_auth *rac_live_auth(struct rac_live *live)
{
    return live->auth;
}

void rac_live_defer(struct rac_live *live, void (*fn)(void *arg), void *arg)
{
    defer(live, fn, arg);
}
