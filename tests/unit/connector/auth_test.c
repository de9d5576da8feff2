/* The OAuth engine with a fake clock, a fake network and the store in memory. */
#include "unit.h"

#include "base/metrics.h"
#include "base/utf8.h"
#include "connector/auth_engine_priv.h"
#include "crypto/jwt_sign.h"
#include "text/url.h"

/* --- a loop, a network ------------------------------------------------------------------------ */

enum { QUEUE_MAX = 4096, WORKERS_MAX = 3 };

struct asked {
    rac_str method, url, body, authorization;
    struct rac_fetch_events ev;
    struct rac_arena *a;
    bool open;
};

struct world {
    struct rac_arena a;
    struct rac_env_fake clock;
    struct rac_env env;
    struct {
        void (*fn)(void *arg);
        void *arg;
    } queue[QUEUE_MAX];
    size_t head, tail;
    struct asked asked[256];
    size_t asked_n;
    struct rac_fetcher fetcher;
    struct rac_connector c;
    struct rac_diags diags;
    const struct rac_json *properties;
    struct rac_oauth_client client;
    rac_str values; /* of the connection, JSON */
    struct rac_status status;
    bool gone;
    struct rac_auth_memory *memory;
    struct rac_connector_store store;
    struct rac_auth_source source;
    struct rac_auth_env auth_env[WORKERS_MAX];
    struct rac_auth *auth[WORKERS_MAX];
    rac_err store_error; /* what oauth_save answers, once */
    int64_t attend_ms;   /* after which the engine asked to be attended; 0: it did not */
    void (*real_save)(void *, rac_str, const struct rac_oauth_save *, rac_commit_fn, void *);
    rac_str kept_redirect;
    void (*real_begin)(void *, const struct rac_consent *, const struct rac_actor *, rac_commit_fn,
                       void *);
};

static struct world *W;

static void defer(void *self, void (*fn)(void *arg), void *arg)
{
    struct world *w = self;
    assert_true(w->tail < QUEUE_MAX);
    w->queue[w->tail].fn = fn;
    w->queue[w->tail++].arg = arg;
}

static void pump(void)
{
    while (W->head < W->tail) {
        size_t i = W->head++;
        W->queue[i].fn(W->queue[i].arg);
    }
    W->head = W->tail = 0;
}

static struct rac_fetch *net_start(void *self, const struct rac_fetch_req *req, struct rac_arena *a,
                                   const struct rac_fetch_events *ev)
{
    struct world *w = self;
    assert_true(w->asked_n < RAC_COUNT(w->asked));
    struct asked *k = &w->asked[w->asked_n++];
    *k = (struct asked){.method = rac_arena_str(&w->a, req->method),
                        .url = rac_arena_str(&w->a, req->url),
                        .body = rac_arena_str(&w->a, req->body),
                        .ev = *ev,
                        .a = a,
                        .open = true};
    rac_str auth = rac_headers_get(req->headers, RAC_S("Authorization"));
    if (auth.p != NULL)
        k->authorization = rac_arena_str(&w->a, auth);
    return (struct rac_fetch *)k;
}
static void net_cancel(void *self, struct rac_fetch *f)
{
    (void)self;
    ((struct asked *)f)->open = false;
}

static struct asked *last_asked(void)
{
    assert_true(W->asked_n > 0);
    return &W->asked[W->asked_n - 1];
}

static void reply(struct asked *k, int status, const char *body)
{
    struct rac_fetch_res res = {.status = status, .body = rac_str_of(body)};
    assert_true(k->open);
    k->open = false;
    k->ev.done(k->ev.arg, &res);
    pump();
}

static void reply_error(struct asked *k, rac_err e, const char *sentence)
{
    struct rac_fetch_res res = {.err = e, .error = rac_str_of(sentence)};
    k->open = false;
    k->ev.done(k->ev.arg, &res);
    pump();
}

/* JSON with single quotes for double ones. */
static const struct rac_json *J(const char *text)
{
    char *copy = rac_arena_cstr(&W->a, rac_str_of(text));
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    struct rac_json *v = RAC_NEW(&W->a, struct rac_json);
    struct rac_json_error e = {0};
    if (rac_json_parse(rac_str_of(copy), &W->a, 0, v, &e) != RAC_OK)
        fail_msg("%s: %s", text, e.message);
    return v;
}

/* --- what the server would be ----------------------------------------------------------------- */

static rac_err source_open(void *self, const struct rac_auth_key *k, struct rac_arena *a,
                           struct rac_auth_target *out)
{
    struct world *w = self;
    struct rac_oauth_row *rows;
    size_t n;
    if (w->gone)
        return RAC_E_NOT_FOUND;
    assert_int_equal(w->store.oauth_list(w->store.self, k->tenant, k->connection, a, &rows, &n),
                     RAC_OK);
    struct rac_connection_row row = {.id = k->connection, .values = w->values, .status = w->status};
    rac_err e = rac_connection_open(&w->c, &row, RAC_S("{}"), rows, n, a, &out->connection);
    assert_int_equal(e, RAC_OK);
    out->connection->tenant = k->tenant;
    const struct rac_conn_param *p = rac_conn_param_oauth(out->connection->set);
    out->settings = rac_oauth_settings_parse(&p->node, &w->client, p->name, RAC_S("/p"), a, NULL);
    out->connector_id = RAC_S("shared_quai-0011");
    return RAC_OK;
}
static void source_release(void *self, struct rac_auth_target *t)
{
    (void)self, (void)t;
}

static void save_once_failing(void *self, rac_str tenant, const struct rac_oauth_save *q,
                              rac_commit_fn done, void *arg);

static void post(void *self, unsigned worker, void (*fn)(void *engine, void *arg), void *arg);

static int setup(void **state)
{
    struct world *w = test_calloc(1, sizeof *w);
    W = w;
    rac_arena_init(&w->a, 64 << 20);
    rac_arena_init(&w->c.arena, 8 << 20);
    rac_diags_init(&w->diags, &w->a, 100);
    w->clock = (struct rac_env_fake){.wall_ms = INT64_C(1700000000000), .seed = 7};
    w->env = rac_env_fake(&w->clock);
    w->fetcher = (struct rac_fetcher){.start = net_start, .cancel = net_cancel, .self = w};
    w->source = (struct rac_auth_source){source_open, source_release, w};
    w->values = RAC_S("{}");
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        w->auth_env[i] = (struct rac_auth_env){.env = &w->env,
                                               .fetcher = &w->fetcher,
                                               .store = &w->store,
                                               .source = &w->source,
                                               .public_url = RAC_S("https://r.example/"),
                                               .defer = defer,
                                               .defer_self = w};
    w->memory = rac_auth_memory_new(&w->auth_env[0]);
    w->store = rac_auth_memory_store(w->memory);
    w->auth[0] = rac_auth_new(&w->auth_env[0]);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    pump();
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        rac_auth_free(w->auth[i]);
    rac_auth_memory_free(w->memory);
    rac_arena_fini(&w->c.arena);
    rac_arena_fini(&w->a);
    test_free(w);
    return 0;
}

static const char generic[] =
    "{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
    "'identityProvider':'oauth2','clientId':'app','clientSecret':'s3cret','scopes':['read','write']"
    ","
    "'redirectMode':'Global','customParameters':{"
    "'authorizationUrl':{'value':'https://id.example/a'},"
    "'tokenUrl':{'value':'https://id.example/t'},'refreshUrl':{'value':'https://id.example/"
    "r'}}}}}}";

static void connector(const char *properties)
{
    assert_int_equal(rac_conn_sets_parse(J(properties), &W->c, &W->diags), RAC_OK);
}

static void ignore_commit(void *arg, const struct rac_commit *c)
{
    (void)arg;
    assert_int_equal(c->err, RAC_OK);
}

static void stored(const char *access, const char *refresh, int64_t life_s)
{
    struct rac_oauth_save r = {
        .tokens = {.connection = RAC_S("c1"),
                   .parameter = RAC_S("token"),
                   .access = rac_str_of(access),
                   .refresh = rac_str_of(refresh),
                   .obtained_ms = W->clock.wall_ms - 3600000,
                   .expires_ms = life_s == 0 ? 0 : W->clock.wall_ms + life_s * 1000}};
    W->store.oauth_save(W->store.self, RAC_S("t1"), &r, ignore_commit, NULL);
    pump();
}
static struct rac_connection *opened(void)
{
    struct rac_auth_key k = {RAC_S("t1"), RAC_S("c1"), RAC_S("token")};
    struct rac_auth_target t;
    assert_int_equal(source_open(W, &k, &W->a, &t), RAC_OK);
    return t.connection;
}

struct outcome {
    int calls;
    rac_err e;
    struct rac_auth_error error;
    struct rac_connection *c;
};

static void prepared(void *arg, rac_err e, const struct rac_auth_error *error)
{
    struct outcome *o = arg;
    o->calls++;
    o->e = e;
    if (error != NULL)
        o->error = *error;
}

static struct outcome *prepare(unsigned worker, bool rejected)
{
    struct outcome *o = RAC_NEW(&W->a, struct outcome);
    o->c = opened();
    rac_auth_prepare_start(W->auth[worker], o->c, NULL, rejected, &W->a, prepared, o);
    assert_int_equal(o->calls, 0); /* never before start returns */
    return o;
}

static struct rac_oauth_row row(void)
{
    struct rac_oauth_row r;
    assert_int_equal(
        W->store.oauth_get(W->store.self, RAC_S("t1"), RAC_S("c1"), RAC_S("token"), &W->a, &r),
        RAC_OK);
    return r;
}

static const struct rac_status *marked(void)
{
    return rac_auth_memory_status(W->memory, RAC_S("t1"), RAC_S("c1"));
}

#define assert_has(s, lit)                                                                         \
    do {                                                                                           \
        if (rac_str_find((s), RAC_S(lit)) == RAC_STR_NPOS)                                         \
            fail_msg("\"%.*s\" lacks \"%s\"", RAC_FMT(s), lit);                                    \
    } while (0)
#define assert_lacks(s, lit) assert_true(rac_str_find((s), RAC_S(lit)) == RAC_STR_NPOS)

static rac_str q(rac_str url, const char *name)
{
    size_t at = rac_str_find_char(url, '?');
    return rac_url_query_get(&W->a, rac_str_from(url, at + 1), rac_str_of(name));
}
static rac_str form(rac_str body, const char *name)
{
    return rac_url_query_get(&W->a, body, rac_str_of(name));
}

/* --- refresh ---------------------------------------------------------------------------------- */

static void test_ready(void **state)
{
    (void)state;
    connector(generic);
    struct rac_auth_plan plan = {0};
    stored("A", "R", 3600);
    assert_true(rac_auth_ready(W->auth[0], &plan, opened()));
    stored("A", "R", 299);
    assert_false(rac_auth_ready(W->auth[0], &plan, opened()));
    stored("A", "R", 0);
    assert_true(rac_auth_ready(W->auth[0], &plan, opened()));
    struct rac_auth_plan none = {.none = true};
    stored("A", "R", -1);
    assert_true(rac_auth_ready(W->auth[0], &none, opened()));
    assert_false(rac_auth_ready(W->auth[0], &plan, opened()));
}

static void test_refresh(void **state)
{
    (void)state;
    connector(generic);
    stored("A1", "R1", 100);
    struct outcome *o = prepare(0, false);
    pump();
    assert_int_equal(row().intent_ms, W->clock.wall_ms); /* the intent is there before the answer */
    struct asked *k = last_asked();
    assert_str(k->url, "https://id.example/r");
    assert_str(form(k->body, "refresh_token"), "R1");
    assert_str(form(k->body, "client_secret"), "s3cret");
    assert_str(form(k->body, "redirect_uri"), "https://r.example/oauth/redirect");
    assert_int_equal(o->calls, 0);
    reply(k, 200, "{\"access_token\":\"A2\",\"refresh_token\":\"R2\",\"expires_in\":3600}");
    assert_int_equal(o->calls, 1);
    assert_int_equal(o->e, RAC_OK);
    assert_str(rac_connection_token(o->c, RAC_S("token"))->access, "A2");
    assert_str(row().refresh, "R2");
    assert_int_equal(row().intent_ms, 0);
    assert_int_equal(row().generation, 2);
    assert_int_equal(row().expires_ms, W->clock.wall_ms + 3600000);
}

static void test_single_flight(void **state)
{
    (void)state;
    connector(generic);
    stored("A1", "R1", -5);
    struct outcome *o[50];
    for (size_t i = 0; i < 25; i++)
        o[i] = prepare(0, false);
    pump();
    for (size_t i = 25; i < 50; i++)
        o[i] = prepare(0, false);
    pump();
    assert_int_equal(W->asked_n, 1);
    struct rac_connection *old = opened();
    reply(last_asked(), 200, "{\"access_token\":\"A2\",\"expires_in\":\"5\"}");
    for (size_t i = 0; i < 50; i++) {
        assert_int_equal(o[i]->calls, 1);
        assert_int_equal(o[i]->e, RAC_OK);
        assert_str(o[i]->c->tokens[0].access, "A2");
        assert_str(o[i]->c->tokens[0].refresh, "R1"); /* none came: the old one stays */
    }
    /* somebody who read the row before, and only now asks: nothing is sent */
    struct outcome *late = RAC_NEW(&W->a, struct outcome);
    late->c = old;
    rac_auth_prepare_start(W->auth[0], old, NULL, true, &W->a, prepared, late);
    pump();
    assert_int_equal(W->asked_n, 1);
    assert_str(old->tokens[0].access, "A2");
    /* a 5-second token is used for half its life, not refreshed on every call */
    struct rac_auth_plan plan = {0};
    assert_true(rac_auth_ready(W->auth[0], &plan, opened()));
    W->clock.wall_ms += 2600;
    assert_false(rac_auth_ready(W->auth[0], &plan, opened()));
}

static void test_cancel(void **state)
{
    (void)state;
    connector(generic);
    stored("A1", "R1", -5);
    struct outcome o = {.c = opened()}, p = {.c = opened()};
    struct rac_auth_wait *w =
        rac_auth_prepare_start(W->auth[0], o.c, NULL, false, &W->a, prepared, &o);
    rac_auth_prepare_start(W->auth[0], p.c, NULL, false, &W->a, prepared, &p);
    pump();
    rac_auth_prepare_cancel(W->auth[0], w);
    reply(last_asked(), 200, "{\"access_token\":\"A2\"}");
    assert_int_equal(o.calls, 0);
    assert_int_equal(p.calls, 1);
    assert_str(row().access, "A2"); /* the flight went on */
}

static void test_invalid_grant(void **state)
{
    (void)state;
    connector(generic);
    stored("A1", "R1", -5);
    struct outcome *o = prepare(0, false);
    pump();
    reply(last_asked(), 400,
          "{\"error\":\"invalid_grant\",\"error_description\":\"Token was revoked\"}");
    assert_int_equal(o->e, RAC_E_UNAUTHENTICATED);
    assert_int_equal(o->error.http_status, 401);
    assert_str(o->error.detail, "invalid_grant");
    assert_has(o->error.message, "Token was revoked");
    assert_has(o->error.message, "Sign in again");
    assert_int_equal(marked()->status, RAC_CONNECTION_UNAUTHENTICATED);
    assert_int_equal(row().intent_ms, 0);
}

static void test_metrics(void **state)
{
    (void)state;
    uint64_t good = rac_metric_sum(RAC_METRIC_TOKEN_REFRESHES),
             bad = rac_metric_sum(RAC_METRIC_TOKEN_REFRESH_ERRORS);
    connector(generic);
    stored("A1", "R1", -5);
    (void)prepare(0, false);
    pump();
    reply(last_asked(), 503, "later");
    assert_int_equal(rac_metric_sum(RAC_METRIC_TOKEN_REFRESH_ERRORS), bad + 1);
    (void)prepare(0, false);
    pump();
    reply(last_asked(), 200, "{\"access_token\":\"A2\",\"expires_in\":3600}");
    assert_int_equal(rac_metric_sum(RAC_METRIC_TOKEN_REFRESHES), good + 1);
    assert_int_equal(rac_metric_sum(RAC_METRIC_TOKEN_REFRESH_ERRORS), bad + 1);
}

/* A sign-in that ends while the old grant is being refused is not marked broken by it. */
static void test_refused_too_late(void **state)
{
    (void)state;
    connector(generic);
    stored("A1", "R1", -5);
    struct outcome *o = prepare(0, false);
    pump();
    stored("A2", "R2", 3600);
    reply(last_asked(), 400, "{\"error\":\"invalid_grant\"}");
    assert_null(marked());
    assert_int_equal(o->calls, 1);
    assert_int_equal(o->e, RAC_OK);
    assert_str(o->c->tokens[0].access, "A2");
    assert_int_equal(row().generation, 2);
    assert_int_equal(W->asked_n, 1);
}

static void test_temporary(void **state)
{
    (void)state;
    connector(generic);
    struct {
        int status;
        const char *body, *code;
        int http;
    } cases[] = {
        {500, "oops", "BadBackendResponse", 502},
        {503, "<html>maintenance</html>", "BadBackendResponse", 502},
        {429, "{\"error\":\"slow down\"}", "RateLimited", 429},
        {200, "<html><body>Sign in</body></html>", "BadBackendResponse", 502},
        {200, "{\"token_type\":\"Bearer\"}", "BadBackendResponse", 502},
        {404, "{\"message\":\"no such page\"}", "BadBackendResponse", 502},
        {200, "", "BadBackendResponse", 502},
        {200, "{\"access_token\":\"a\\nb\"}", "BadBackendResponse", 502},
        {200, "{\"error\":\"temporarily_unavailable\"}", "BadBackendResponse", 502},
        {400, "{\"error\":\"slow_down\"}", "BadBackendResponse", 502},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        stored("A1", "R1", -5);
        struct outcome *o = prepare(0, false);
        pump();
        reply(last_asked(), cases[i].status, cases[i].body);
        assert_int_equal(o->e, RAC_E_UNREACHABLE);
        assert_str(o->error.code, cases[i].code);
        assert_int_equal(o->error.http_status, cases[i].http);
        assert_null(marked());
        assert_int_equal(row().intent_ms, 0);
        assert_str(row().refresh, "R1");
    }
    stored("A1", "R1", -5);
    struct outcome *o = prepare(0, false);
    pump();
    reply_error(last_asked(), RAC_E_TIMEOUT, "no answer within 30 s");
    assert_str(o->error.code, "BackendTimeout");
    assert_int_equal(o->error.http_status, 504);
}

/* Absent, null, empty or no text: the refresh token at hand stays (RFC 6749 §6). */
static void test_no_new_refresh_token(void **state)
{
    (void)state;
    connector(generic);
    static const char *const members[] = {"\"x\":1",
                                          "\"refresh_token\":null",
                                          "\"refresh_token\":\"\"",
                                          "\"refresh_token\":\" \"",
                                          "\"refresh_token\":false",
                                          "\"refresh_token\":{}"};
    for (size_t i = 0; i < RAC_COUNT(members); i++) {
        stored("A1", "R1", -5);
        prepare(0, false);
        pump();
        reply(last_asked(), 200,
              rac_arena_printf(&W->a, "{\"access_token\":\"A2\",%s}", members[i]).p);
        assert_str(row().access, "A2");
        assert_str(row().refresh, "R1");
    }
    stored("A1", "R1", -5);
    prepare(0, false);
    pump();
    reply(last_asked(), 200, "access_token=A2&refresh_token=");
    assert_str(row().refresh, "R1");
}

/* What the provider says of a token's life is bounded, whatever it says. */
static void test_expires_in(void **state)
{
    (void)state;
    connector(generic);
    const int64_t longest = INT64_C(10) * 366 * 86400;
    const struct {
        const char *members;
        int64_t life_s; /* 0: unknown */
    } cases[] = {
        {"\"expires_in\":3600", 3600},
        {"\"expires_in\":\"3600\"", 3600},
        {"\"expires_in\":3599.9", 3599},
        {"\"expires_in\":\"3599.9\"", 3599},
        {"\"expires_in\":-1", 0},
        {"\"expires_in\":0", 0},
        {"\"expires_in\":null", 0},
        {"\"expires_in\":\"never\"", 0},
        {"\"expires_in\":9223372036854775807", longest},
        {"\"expires_in\":\"9223372036854775808\"", longest},
        {"\"expires_in\":1e300", longest},
        {"\"expires_in\":1e999", longest},
        {"\"expires_in\":-1e999", 0},
        {"\"expires\":5184000", 5184000},
        {"\"expires\":1700003600", 3600}, /* as a time */
        {"\"expires_on\":\"1700003600\"", 3600},
        {"\"expires_on\":9223372036854775807", longest},
        {"\"expires_on\":1600000000", 0}, /* past: as if not said */
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        char body[200];
        snprintf(body, sizeof body, "{\"access_token\":\"A2\",%s}", cases[i].members);
        stored("A1", "R1", -5);
        prepare(0, false);
        pump();
        reply(last_asked(), 200, body);
        rac_ms want = cases[i].life_s == 0 ? 0 : W->clock.wall_ms + cases[i].life_s * 1000;
        if (row().expires_ms != want)
            fail_msg("%s: %lld", body, (long long)(row().expires_ms - W->clock.wall_ms));
    }
}

/* While the token at hand still works, a failing provider does not stop calls, nor is it asked on
 * each of them. */
static void test_temporary_but_valid(void **state)
{
    (void)state;
    connector(generic);
    stored("A1", "R1", 200);
    struct outcome *o = prepare(0, false);
    pump();
    reply(last_asked(), 500, "");
    assert_int_equal(o->e, RAC_OK);
    assert_str(o->c->tokens[0].access, "A1");
    o = prepare(0, false);
    pump();
    assert_int_equal(o->e, RAC_OK);
    assert_int_equal(W->asked_n, 1);
    W->clock.wall_ms += 20000;
    o = prepare(0, false);
    pump();
    assert_int_equal(W->asked_n, 2);
    reply(last_asked(), 200, "{\"access_token\":\"A2\"}");
    assert_str(o->c->tokens[0].access, "A2");
}

static void test_error_in_200(void **state)
{
    (void)state;
    connector(generic);
    stored("A1", "R1", -5);
    struct outcome *o = prepare(0, false);
    pump();
    reply(last_asked(), 200, "error=bad_refresh_token&error_description=The+token+expired");
    assert_int_equal(o->e, RAC_E_UNAUTHENTICATED);
    assert_has(o->error.message, "The token expired");
    assert_int_equal(marked()->status, RAC_CONNECTION_UNAUTHENTICATED);
}

/* A provider that repeats what it was sent does not bring it into the status. */
static void test_error_repeats_secrets(void **state)
{
    (void)state;
    connector(generic);
    stored("A1", "R1-and-more", -5);
    struct outcome *o = prepare(0, false);
    pump();
    reply(last_asked(), 400,
          "{\"error\":\"invalid_grant\",\"error_description\":\"no R1-and-more for app:s3cret "
          "and A1\"}");
    assert_has(o->error.message, "no *** for app:***");
    assert_lacks(o->error.message, "R1-and");
    assert_lacks(marked()->message, "s3cret");
}

static void test_invalid_client_retry(void **state)
{
    (void)state;
    connector(generic);
    stored("A1", "R1", -5);
    struct outcome *o = prepare(0, false);
    pump();
    assert_int_equal(last_asked()->authorization.n, 0);
    reply(last_asked(), 401, "{\"error\":\"invalid_client\"}");
    assert_int_equal(W->asked_n, 2);
    assert_str(last_asked()->authorization, "Basic YXBwOnMzY3JldA==");
    assert_lacks(last_asked()->body, "client_secret");
    reply(last_asked(), 200, "{\"access_token\":\"A2\"}");
    assert_int_equal(o->e, RAC_OK);

    stored("A1", "R1", -5);
    o = prepare(0, false);
    pump();
    reply(last_asked(), 401, "{\"error\":\"invalid_client\"}");
    reply(last_asked(), 401, "{\"error\":\"invalid_client\"}");
    assert_int_equal(o->e, RAC_E_UNAUTHENTICATED);
    assert_has(o->error.message, "raccord connector update");
    assert_int_equal(marked()->status, RAC_CONNECTION_ERROR);
}

static void test_no_refresh_token(void **state)
{
    (void)state;
    connector(generic);
    stored("A1", "", -5);
    struct outcome *o = prepare(0, false);
    pump();
    assert_int_equal(o->e, RAC_OK); /* used until a 401 */
    assert_int_equal(W->asked_n, 0);
    o = prepare(0, true);
    pump();
    assert_int_equal(o->e, RAC_E_UNAUTHENTICATED);
    assert_int_equal(marked()->status, RAC_CONNECTION_UNAUTHENTICATED);
    assert_int_equal(W->asked_n, 0);
}

static void test_never_signed_in(void **state)
{
    (void)state;
    connector(generic);
    struct outcome *o = prepare(0, false);
    pump();
    assert_int_equal(o->e, RAC_E_UNAUTHENTICATED);
    assert_str(o->error.detail, "SignInRequired");
    W->gone = true;
    struct rac_connection *c = RAC_NEW(&W->a, struct rac_connection);
    *c = *o->c;
    struct outcome p = {.c = c};
    stored("A", "R", -1);
    rac_auth_prepare_start(W->auth[0], c, NULL, false, &W->a, prepared, &p);
    pump();
    assert_str(p.error.code, "ConnectionNotFound");
}

static void save_once_failing(void *self, rac_str tenant, const struct rac_oauth_save *r,
                              rac_commit_fn done, void *arg)
{
    if (W->store_error == RAC_OK) {
        W->real_save(self, tenant, r, done, arg);
        return;
    }
    struct rac_commit c = {.err = W->store_error};
    W->store_error = RAC_OK;
    done(arg, &c);
}

static void test_save_fails(void **state)
{
    (void)state;
    connector(generic);
    stored("A1", "R1", -5);
    W->real_save = W->store.oauth_save;
    W->store.oauth_save = save_once_failing;
    struct outcome *o = prepare(0, false);
    pump();
    W->store_error = RAC_E_FULL;
    reply(last_asked(), 200, "{\"access_token\":\"A2\",\"refresh_token\":\"R2\"}");
    assert_int_equal(o->e, RAC_E_FULL);
    assert_int_equal(o->error.http_status, 503);
    assert_str(row().refresh, "R1");
    assert_true(row().intent_ms > 0);
    o = prepare(0, false); /* the rotated token was kept and is saved now; nothing is asked */
    pump();
    assert_int_equal(o->e, RAC_OK);
    assert_str(row().refresh, "R2");
    assert_int_equal(W->asked_n, 1);
}

static void attend(void *self, int64_t after_ms)
{
    struct world *w = self;
    w->attend_ms = after_ms;
}

/* Nobody needs the connection for a while, and still the rotated token is written. */
static void test_save_again_by_itself(void **state)
{
    (void)state;
    connector(generic);
    W->auth_env[0].attend = attend;
    W->auth_env[0].attend_self = W;
    rac_auth_free(W->auth[0]);
    W->auth[0] = rac_auth_new(&W->auth_env[0]);
    stored("A1", "R1", -5);
    W->real_save = W->store.oauth_save;
    W->store.oauth_save = save_once_failing;
    prepare(0, false);
    pump();
    W->store_error = RAC_E_FULL;
    reply(last_asked(), 200, "{\"access_token\":\"A2\",\"refresh_token\":\"R2\"}");
    assert_int_equal(W->attend_ms, RAC_AUTH_SAVE_AGAIN_MS);
    W->attend_ms = 0;
    W->store_error = RAC_E_FULL;
    rac_auth_attend(W->auth[0]); /* still full: it asks once more */
    pump();
    assert_str(row().refresh, "R1");
    assert_int_equal(W->attend_ms, RAC_AUTH_SAVE_AGAIN_MS);
    W->attend_ms = 0;
    rac_auth_attend(W->auth[0]);
    pump();
    assert_str(row().refresh, "R2");
    assert_int_equal(row().intent_ms, 0);
    assert_int_equal(W->attend_ms, 0);
    assert_int_equal(W->asked_n, 1);
}

/* A refused request is not repeated for fifteen seconds, whoever calls; anything new about it is. */
static void test_refused_is_left_alone(void **state)
{
    (void)state;
    connector(generic);
    stored("A1", "R1", -5);
    prepare(0, false);
    pump();
    reply(last_asked(), 400,
          "{\"error\":\"invalid_grant\",\"error_description\":\"Token was revoked\"}");
    assert_int_equal(W->asked_n, 1);
    for (int i = 0; i < 3; i++) {
        struct outcome *o = prepare(0, i > 0);
        pump();
        assert_int_equal(o->e, RAC_E_UNAUTHENTICATED);
        assert_int_equal(o->error.http_status, 401);
        assert_str(o->error.detail, "invalid_grant");
        assert_has(o->error.message, "Token was revoked");
        assert_int_equal(W->asked_n, 1);
        assert_int_equal(row().intent_ms, 0);
    }
    W->client = (struct rac_oauth_client){.client_secret = RAC_S("another")};
    prepare(0, false); /* the client was set anew */
    pump();
    assert_int_equal(W->asked_n, 2);
    reply(last_asked(), 401, "{\"error\":\"invalid_client\"}");
    reply(last_asked(), 401, "{\"error\":\"invalid_client\"}"); /* with Basic */
    assert_int_equal(W->asked_n, 3);
    prepare(0, false);
    pump();
    assert_int_equal(W->asked_n, 3);
    stored("A1", "R1", -5); /* a sign-in may bring the same refresh token */
    prepare(0, false);
    pump();
    assert_int_equal(W->asked_n, 4);
    reply(last_asked(), 400, "{\"error\":\"invalid_grant\"}");
    W->clock.wall_ms += RAC_AUTH_PATIENCE_MS;
    struct outcome *o = prepare(0, false); /* and then again: the provider may relent */
    pump();
    assert_int_equal(W->asked_n, 5);
    reply(last_asked(), 200, "{\"access_token\":\"A2\"}");
    assert_int_equal(o->e, RAC_OK);
}

/* RFC 6749 §5.2 has a name for every no; without one, only its two statuses are one. */
static void test_refusals_without_a_name(void **state)
{
    (void)state;
    connector(generic);
    static const struct {
        int status;
        const char *body;
        bool with_basic; /* is tried in between */
        rac_err e;
        const char *says;
    } cases[] = {
        {400, "{\"status\":\"BAD_REFRESH_TOKEN\",\"message\":\"unknown refresh token\"}", false,
         RAC_E_UNAUTHENTICATED, "unknown refresh token"},
        {401, "{\"message\":\"Unauthorized\"}", true, RAC_E_UNAUTHENTICATED, "Unauthorized"},
        {403, "{\"message\":\"Your address is blocked\"}", false, RAC_E_UNREACHABLE,
         "403: Your address is blocked"},
        {403, "{\"error\":\"access_denied\"}", false, RAC_E_UNAUTHENTICATED, "access_denied"},
        {404, "{\"message\":\"no such page\"}", false, RAC_E_UNREACHABLE, "404: no such page"},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        stored("A1", "R1", -5);
        struct outcome *o = prepare(0, false);
        pump();
        size_t n = W->asked_n;
        reply(last_asked(), cases[i].status, cases[i].body);
        assert_int_equal(W->asked_n, n + cases[i].with_basic);
        if (cases[i].with_basic) {
            assert_true(last_asked()->authorization.n > 0);
            reply(last_asked(), cases[i].status, cases[i].body);
        }
        assert_int_equal(o->e, cases[i].e);
        assert_int_equal(o->error.http_status, o->e == RAC_E_UNREACHABLE ? 502 : 401);
        if (rac_str_find(o->error.message, rac_str_of(cases[i].says)) == RAC_STR_NPOS)
            fail_msg("\"%.*s\" lacks \"%s\"", RAC_FMT(o->error.message), cases[i].says);
        assert_str(row().refresh, "R1");
    }
}

/* The process dies between request and answer; the next one finds the intent. */
static void test_recover(void **state)
{
    (void)state;
    connector(generic);
    stored("A1", "R1", -5);
    prepare(0, false);
    pump();
    rac_auth_free(W->auth[0]);
    W->auth[0] = rac_auth_new(&W->auth_env[0]);
    assert_true(row().intent_ms > 0);
    assert_int_equal(rac_auth_recover(W->auth[0]), RAC_OK);
    pump();
    assert_int_equal(W->asked_n, 2);
    assert_str(form(last_asked()->body, "refresh_token"), "R1");
    reply(last_asked(), 500, "");
    assert_true(row().intent_ms > 0); /* still owed */
    struct outcome *o = prepare(0, false);
    pump();
    reply(last_asked(), 400, "{\"error\":\"invalid_grant\"}");
    assert_int_equal(o->e, RAC_E_UNAUTHENTICATED);
    assert_has(marked()->message, "Raccord stopped while this sign-in was being renewed");
    assert_int_equal(row().intent_ms, 0);
}

static void intent_left(void)
{
    struct rac_oauth_intent r = {
        .connection = RAC_S("c1"), .parameter = RAC_S("token"), .actor = {.at_ms = 1}};
    W->store.oauth_intent(W->store.self, RAC_S("t1"), &r, ignore_commit, NULL);
    pump();
    assert_true(row().intent_ms > 0);
}

/* The connector's new revision has no refresh any more: nothing will ever come of the intent. */
static void test_recover_without_a_way(void **state)
{
    (void)state;
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'oauth2','clientId':'app','customParameters':{"
              "'authorizationUrl':{'value':'https://id.example/a'},'tokenUrl':{'value':"
              "'https://id.example/t'},'refreshUrlTemplate':{'value':null}}}}}}");
    stored("A1", "R1", 3600);
    intent_left();
    assert_int_equal(rac_auth_recover(W->auth[0]), RAC_OK);
    pump();
    assert_int_equal(W->asked_n, 0);
    assert_int_equal(row().intent_ms, 0);
    assert_null(marked());
    /* one caller still uses the token, another has just seen it refused */
    struct rac_auth_plan plan = {0};
    assert_true(rac_auth_ready(W->auth[0], &plan, opened()));
    stored("A1", "R1", -5);
    intent_left();
    struct outcome *good = prepare(0, false), *refused = prepare(0, true);
    pump();
    assert_int_equal(good->e, RAC_OK);
    assert_int_equal(refused->e, RAC_E_UNAUTHENTICATED);
    assert_int_equal(row().intent_ms, 0);
}

/* Somebody signs in after the list of intents was read: there is nothing to settle any more. */
static void test_recover_settled_meanwhile(void **state)
{
    (void)state;
    connector(generic);
    stored("A1", "R1", -5);
    struct rac_auth_key keys[] = {{RAC_S("t1"), RAC_S("c1"), RAC_S("token")},
                                  {RAC_S("t1"), RAC_S("c9"), RAC_S("token")}};
    for (size_t i = 0; i < RAC_COUNT(keys); i++)
        rac_flight_recover(W->auth[0], &keys[i]);
    pump();
    assert_int_equal(W->asked_n, 0);
    assert_null(marked());
}

/* Settings with a mistake: the request cannot be made, so what came of the last one stays unknown
 * until they are mended. */
static void test_recover_misconfigured(void **state)
{
    (void)state;
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'zork','clientId':'x'}}}}");
    stored("A1", "R1", -5);
    intent_left();
    assert_int_equal(rac_auth_recover(W->auth[0]), RAC_OK);
    pump();
    assert_true(row().intent_ms > 0);
    connector(generic);
    struct outcome *o = prepare(0, false);
    pump();
    reply(last_asked(), 200, "{\"access_token\":\"A2\",\"refresh_token\":\"R2\"}");
    assert_str(o->c->tokens[0].access, "A2");
    assert_int_equal(row().intent_ms, 0);
}

/* Whatever comes of a refresh that began before a sign-in, the sign-in stands, and whoever waited
 * has its token. */
static void test_sign_in_during_refresh(void **state)
{
    (void)state;
    connector(generic);
    static const struct {
        int status;
        const char *body;
    } ends[] = {
        {200, "{\"access_token\":\"LATE\",\"refresh_token\":\"LATE\",\"expires_in\":3600}"},
        {400, "{\"error\":\"invalid_grant\"}"},
        {401, "{\"error\":\"unauthorized_client\"}"},
        {500, ""},
    };
    for (size_t i = 0; i < RAC_COUNT(ends); i++) {
        for (int recovering = 0; recovering < 2; recovering++) {
            stored("A1", "R1", -5);
            if (recovering)
                intent_left();
            struct outcome *o = prepare(0, false);
            pump();
            size_t asked = W->asked_n;
            stored("A9", "R9", 7200); /* a sign-in */
            reply(last_asked(), ends[i].status, ends[i].body);
            assert_str(row().access, "A9");
            assert_str(row().refresh, "R9");
            assert_int_equal(row().intent_ms, 0);
            assert_null(marked());
            assert_int_equal(W->asked_n, asked); /* the new ones are not spent */
            assert_int_equal(o->calls, 1);
            assert_int_equal(o->e, RAC_OK);
            assert_str(o->c->tokens[0].access, "A9");
        }
    }
}

static rac_err nothing_there(void *self, rac_str tenant, rac_str connection, rac_str parameter,
                             struct rac_arena *a, struct rac_oauth_row *out)
{
    (void)self, (void)tenant, (void)connection, (void)parameter, (void)a, (void)out;
    return RAC_E_NOT_FOUND;
}

static void nothing_marked(void *self, rac_str tenant, const struct rac_connection_mark *r,
                           rac_commit_fn done, void *arg)
{
    struct rac_commit c = {.err = RAC_OK};
    (void)self, (void)tenant;
    assert_int_equal(r->if_generation, -1);
    done(arg, &c);
}

/* The tokens were forgotten while a refresh was under way: what it brought is nobody's. */
static void test_forgotten_during_refresh(void **state)
{
    (void)state;
    connector(generic);
    stored("A1", "R1", -5);
    W->real_save = W->store.oauth_save;
    W->store.oauth_save = save_once_failing;
    struct outcome *o = prepare(0, false);
    pump();
    W->store_error = RAC_E_CONFLICT;
    W->store.oauth_get = nothing_there;
    W->store.connection_mark = nothing_marked;
    reply(last_asked(), 200, "{\"access_token\":\"A2\",\"refresh_token\":\"R2\"}");
    assert_int_equal(o->e, RAC_E_UNAUTHENTICATED);
    assert_str(o->error.detail, "SignInRequired");
    assert_int_equal(W->asked_n, 1);
}

/* Once it is known what came of a request, no intent is left. */
static void test_intent_and_every_end(void **state)
{
    (void)state;
    connector(generic);
    static const struct {
        int status;
        const char *body;
        bool kept_by_recovery;
    } ends[] = {
        {200, "{\"access_token\":\"A2\",\"refresh_token\":\"R2\"}", false},
        {400, "{\"error\":\"invalid_grant\"}", false},
        {400, "{\"error\":\"invalid_scope\"}", false},
        {503, "", true},
        {200, "<html>", true},
        {200, "{}", true},
    };
    for (size_t i = 0; i < RAC_COUNT(ends); i++) {
        for (int recovering = 0; recovering < 2; recovering++) {
            stored("A1", "R1", -5);
            if (recovering) {
                intent_left();
                assert_int_equal(rac_auth_recover(W->auth[0]), RAC_OK);
            } else {
                prepare(0, false);
            }
            pump();
            assert_true(row().intent_ms > 0);
            reply(last_asked(), ends[i].status, ends[i].body);
            assert_int_equal(row().intent_ms > 0, recovering && ends[i].kept_by_recovery);
            W->clock.wall_ms += 20000;
        }
    }
}

/* --- several workers -------------------------------------------------------------------------- */

struct letter {
    unsigned worker;
    void (*fn)(void *engine, void *arg);
    void *arg;
};
static void letter_arrives(void *arg)
{
    struct letter *l = arg;
    l->fn(W->auth[l->worker], l->arg);
}
static void post(void *self, unsigned worker, void (*fn)(void *engine, void *arg), void *arg)
{
    struct letter *l = RAC_NEW(&W->a, struct letter);
    (void)self;
    *l = (struct letter){worker, fn, arg};
    defer(W, letter_arrives, l);
}

static void test_workers(void **state)
{
    (void)state;
    connector(generic);
    rac_auth_free(W->auth[0]);
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        W->auth_env[i].peers = (struct rac_auth_peers){WORKERS_MAX, i, post, W};
        W->auth[i] = rac_auth_new(&W->auth_env[i]);
    }
    stored("A1", "R1", -5);
    struct outcome *o[30];
    for (unsigned i = 0; i < 30; i++)
        o[i] = prepare(i % WORKERS_MAX, false);
    struct outcome gone = {.c = opened()};
    struct rac_auth_wait *w[WORKERS_MAX];
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        w[i] = rac_auth_prepare_start(W->auth[i], gone.c, NULL, false, &W->a, prepared, &gone);
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        rac_auth_prepare_cancel(W->auth[i], w[i]);
    pump();
    assert_int_equal(W->asked_n, 1);
    reply(last_asked(), 200, "{\"access_token\":\"A2\",\"refresh_token\":\"R2\"}");
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(o[i]->calls, 1);
        assert_str(o[i]->c->tokens[0].access, "A2");
    }
    assert_int_equal(gone.calls, 0);
    stored("A1", "R1", -5);
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        o[i] = prepare(i, false);
    pump();
    reply(last_asked(), 400, "{\"error\":\"invalid_grant\"}");
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        assert_str(o[i]->error.detail, "invalid_grant");
}

/* An unfinished refresh is settled by the worker that owns the connection, so a call that arrives
 * meanwhile on any other joins it: the old refresh token is sent once. */
static void test_recover_on_owner(void **state)
{
    (void)state;
    connector(generic);
    rac_auth_free(W->auth[0]);
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        W->auth_env[i].peers = (struct rac_auth_peers){WORKERS_MAX, i, post, W};
        W->auth[i] = rac_auth_new(&W->auth_env[i]);
    }
    for (unsigned starter = 0; starter < WORKERS_MAX; starter++) {
        stored("A1", "R1", -5);
        struct rac_oauth_intent r = {
            .connection = RAC_S("c1"), .parameter = RAC_S("token"), .actor = {.at_ms = 1}};
        W->store.oauth_intent(W->store.self, RAC_S("t1"), &r, ignore_commit, NULL);
        pump();
        size_t before = W->asked_n;
        assert_int_equal(rac_auth_recover(W->auth[starter]), RAC_OK);
        struct outcome *o[WORKERS_MAX];
        for (unsigned i = 0; i < WORKERS_MAX; i++)
            o[i] = prepare(i, false);
        pump();
        assert_int_equal(W->asked_n, before + 1);
        reply(last_asked(), 200, "{\"access_token\":\"A2\",\"refresh_token\":\"R2\"}");
        for (unsigned i = 0; i < WORKERS_MAX; i++)
            assert_str(o[i]->c->tokens[0].access, "A2");
    }
}

/* --- grants without a person ------------------------------------------------------------------ */

static void test_client_credentials(void **state)
{
    (void)state;
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'oauth2','scopes':['a','b'],'customParameters':{'grantType':{"
              "'value':'client_credentials'},'tokenUrl':{'value':'https://id.example/t'}}}},"
              "'token:clientId':{'type':'string'},'token:clientSecret':{'type':'securestring'}}}");
    W->values = RAC_S("{\"token:clientId\":\"mine\",\"token:clientSecret\":\"p w\"}");
    struct outcome *o = prepare(0, false);
    pump();
    assert_str(last_asked()->body,
               "grant_type=client_credentials&client_id=mine&client_secret=p%20w&scope=a%20b");
    reply(last_asked(), 200, "access_token=A1&expires_in=60&token_type=bearer");
    assert_int_equal(o->e, RAC_OK);
    assert_str(o->c->tokens[0].access, "A1");
    assert_int_equal(o->c->tokens[0].expires_at_ms, W->clock.wall_ms + 60000);
    W->clock.wall_ms += 61000;
    o = prepare(0, false);
    pump();
    reply(last_asked(), 200, "{\"access_token\":\"A2\"}");
    assert_str(row().access, "A2");
}

static void test_password_grant(void **state)
{
    (void)state;
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'oauth2','clientId':'app','customParameters':{'grantType':{"
              "'value':'password'},'tokenUrl':{'value':'https://id.example/t'}}}},"
              "'username':{'type':'string'},'password':{'type':'securestring'}}}");
    W->values = RAC_S("{\"username\":\"me\",\"password\":\"x&y\"}");
    prepare(0, false);
    pump();
    assert_str(last_asked()->body, "grant_type=password&username=me&password=x%26y&client_id=app");
    reply(last_asked(), 200, "{\"access_token\":\"A1\"}");
}

/* --- on behalf of a person (§4.6) -------------------------------------------------------------- */

static const char on_behalf[] =
    "{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
    "'identityProvider':'aad','clientId':'app','clientSecret':'hush','scopes':['a.read'],"
    "'customParameters':{'enableOnbehalfOfLogin':{'value':'true'},"
    "'tenantId':{'value':'t1'},'resourceUri':{'value':'https://m.example'}}}}}}";

/* The row of a connection that somebody made with their own token. */
static void stored_assertion(const char *assertion)
{
    struct rac_oauth_token t = {.parameter = RAC_S("token"), .assertion = rac_str_of(assertion)};
    struct rac_oauth_save r = {.tokens = rac_connection_token_row(&t, &W->a)};
    r.tokens.connection = RAC_S("c1");
    W->store.oauth_save(W->store.self, RAC_S("t1"), &r, ignore_commit, NULL);
    pump();
}

static void test_on_behalf_of(void **state)
{
    (void)state;
    connector(on_behalf);
    stored_assertion("U.1+2");
    struct outcome *o = prepare(0, false);
    pump();
    assert_str(last_asked()->url, "https://login.microsoftonline.com/t1/oauth2/v2.0/token");
    rac_str body = last_asked()->body;
    assert_str(form(body, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert_str(form(body, "requested_token_use"), "on_behalf_of");
    assert_str(form(body, "assertion"), "U.1+2");
    assert_str(form(body, "client_secret"), "hush");
    assert_str(form(body, "scope"), "https://m.example/a.read offline_access");
    reply(last_asked(), 200,
          "{\"access_token\":\"A1\",\"refresh_token\":\"R1\",\"expires_in\":3600}");
    assert_int_equal(o->e, RAC_OK);
    assert_str(o->c->tokens[0].access, "A1");
    assert_str(row().refresh, "R1");
    assert_int_equal(row().extra.n, 0); /* it has done its work */
    W->clock.wall_ms += 3600 * 1000;
    prepare(0, false);
    pump();
    assert_str(form(last_asked()->body, "grant_type"), "refresh_token");
    reply(last_asked(), 200, "{\"access_token\":\"A2\",\"expires_in\":3600}");
    assert_str(row().refresh, "R1");
}

/* Without a refresh token the exchange is repeated, until the provider refuses. */
static void test_on_behalf_of_again(void **state)
{
    (void)state;
    connector(on_behalf);
    stored_assertion("U1");
    prepare(0, false);
    pump();
    reply(last_asked(), 200, "{\"access_token\":\"A1\",\"expires_in\":60}");
    W->clock.wall_ms += 61000;
    struct outcome *o = prepare(0, false);
    pump();
    assert_str(form(last_asked()->body, "assertion"), "U1");
    reply(last_asked(), 400,
          "{\"error\":\"interaction_required\",\"error_description\":\"MFA is needed\"}");
    assert_int_equal(o->e, RAC_E_UNAUTHENTICATED);
    assert_int_equal(marked()->status, RAC_CONNECTION_UNAUTHENTICATED);
    assert_has(marked()->message, "MFA");
}

static void test_token_exchange(void **state)
{
    (void)state;
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'oauth2','clientId':'app','scopes':['a'],'customParameters':{"
              "'grantType':{'value':'token_exchange'},'tokenUrl':{'value':"
              "'https://id.example/t'}}}}}}");
    stored_assertion("U1");
    prepare(0, false);
    pump();
    rac_str body = last_asked()->body;
    assert_str(form(body, "grant_type"), "urn:ietf:params:oauth:grant-type:token-exchange");
    assert_str(form(body, "subject_token"), "U1");
    assert_str(form(body, "subject_token_type"), "urn:ietf:params:oauth:token-type:access_token");
    assert_int_equal(form(body, "audience").n, 0);
    reply(last_asked(), 200, "{\"access_token\":\"A1\"}");
    assert_str(row().access, "A1");
}

/* A connector that does not ask for it sends the token of a person nowhere. */
static void test_on_behalf_of_not_enabled(void **state)
{
    (void)state;
    connector(generic);
    stored_assertion("U1");
    size_t before = W->asked_n;
    struct outcome *o = prepare(0, false);
    pump();
    assert_int_equal(W->asked_n, before);
    assert_int_equal(o->e, RAC_E_UNAUTHENTICATED);
    assert_has(o->error.message, "enableOnbehalfOfLogin");
}

/* --- consent ---------------------------------------------------------------------------------- */

struct consent {
    int calls;
    struct rac_consent_link link;
    struct rac_auth_error error;
    struct rac_consent_result result;
    bool failed;
};

static void begun(void *arg, const struct rac_consent_link *link,
                  const struct rac_auth_error *error)
{
    struct consent *c = arg;
    c->calls++;
    c->failed = link == NULL;
    if (link != NULL)
        c->link = *link;
    else
        c->error = *error;
}
static void completed(void *arg, const struct rac_consent_result *result,
                      const struct rac_auth_error *error)
{
    struct consent *c = arg;
    c->calls++;
    c->result = *result;
    c->failed = error != NULL;
    if (error != NULL)
        c->error = *error;
}

static struct consent begin(void)
{
    struct consent c = {0};
    struct rac_consent_ask ask = {.key = {RAC_S("t1"), RAC_S("c1"), RAC_S("token")},
                                  .user = RAC_S("u1")};
    rac_auth_consent_begin(W->auth[0], &ask, &W->a, begun, &c);
    assert_int_equal(c.calls, 0);
    pump();
    return c;
}

static struct consent complete(rac_str state, const char *code, const char *error, const char *user)
{
    static struct consent c;
    c = (struct consent){0};
    struct rac_consent_answer x = {.state = state,
                                   .code = rac_str_of(code),
                                   .error = rac_str_of(error),
                                   .user = rac_str_of(user)};
    rac_auth_consent_complete(W->auth[0], &x, &W->a, completed, &c);
    assert_int_equal(c.calls, 0);
    pump();
    if (c.calls == 0) {
        reply(last_asked(), 200, "{\"access_token\":\"A1\",\"refresh_token\":\"R1\"}");
        assert_int_equal(c.calls, 1);
    }
    return c;
}

static void test_consent(void **state)
{
    (void)state;
    connector(generic);
    W->status.status = RAC_CONNECTION_UNAUTHENTICATED;
    struct consent b = begin();
    assert_false(b.failed);
    rac_str link = b.link.link;
    assert_has(link, "https://id.example/a?client_id=app&response_type=code&redirect_uri=https%3A"
                     "%2F%2Fr.example%2Foauth%2Fredirect&scope=read%20write&state=");
    assert_int_equal(q(link, "state").n, 22); /* 128 bits */
    assert_str(q(link, "code_challenge_method"), "S256");
    assert_int_equal(q(link, "code_challenge").n, 43);
    assert_int_equal(b.link.expires_at_ms, W->clock.wall_ms + 600000);
    struct consent c = complete(q(link, "state"), "c0de", NULL, "u1");
    assert_false(c.failed);
    assert_str(c.result.key.connection, "c1");
    assert_int_equal(c.result.status.status, RAC_CONNECTION_CONNECTED);
    struct asked *k = last_asked();
    assert_str(k->url, "https://id.example/t");
    assert_str(form(k->body, "code"), "c0de");
    assert_str(form(k->body, "grant_type"), "authorization_code");
    assert_int_equal(form(k->body, "code_verifier").n, 43);
    assert_str(row().access, "A1");
    c = complete(q(link, "state"), "c0de", NULL, "u1"); /* replay */
    assert_true(c.failed);
    assert_str(c.error.detail, "ConsentStateInvalid");
    assert_int_equal(W->asked_n, 1);
}

static void test_consent_refusals(void **state)
{
    (void)state;
    connector(generic);
    W->status.status = RAC_CONNECTION_UNAUTHENTICATED;
    rac_str s = q(begin().link.link, "state");
    struct consent c = complete(s, "c", NULL, "somebody");
    assert_str(c.error.code, "ConnectionForbidden");
    s = q(begin().link.link, "state");
    W->clock.wall_ms += 600000;
    c = complete(s, "c", NULL, "u1");
    assert_str(c.error.detail, "ConsentStateInvalid");
    c = complete(RAC_S("guess"), "c", NULL, NULL);
    assert_str(c.error.detail, "ConsentStateInvalid");
    c = complete(RAC_S(""), "c", NULL, NULL);
    assert_str(c.error.detail, "ConsentStateInvalid");
    s = q(begin().link.link, "state");
    c = complete(s, NULL, "access_denied", "u1");
    assert_str(c.error.detail, "access_denied");
    assert_int_equal(c.result.status.status, RAC_CONNECTION_UNAUTHENTICATED);
    assert_has(marked()->message, "declined");
    s = q(begin().link.link, "state");
    c = complete(s, NULL, NULL, "u1");
    assert_str(c.error.detail, "CodeMissing");
    assert_int_equal(W->asked_n, 0);
    /* a connection that works is left alone when somebody presses "cancel" */
    W->status.status = RAC_CONNECTION_CONNECTED;
    s = q(begin().link.link, "state");
    c = complete(s, NULL, "access_denied", "u1");
    assert_true(c.failed);
    assert_int_equal(c.result.status.status, RAC_CONNECTION_CONNECTED);
}

/* What stands in the address the provider sent the browser to is anybody's text: it goes into the
 * status, the log and a page as one short line of valid UTF-8. */
static void test_consent_error_words(void **state)
{
    (void)state;
    connector(generic);
    W->status.status = RAC_CONNECTION_UNAUTHENTICATED;
    char description[1200], error[400];
    memset(description, 'd', sizeof description - 1);
    description[sizeof description - 1] = '\0';
    memcpy(description, "no\r\nlevel=error \xff\xe2\x80\xae", 20);
    memset(error, 'e', sizeof error - 1);
    error[sizeof error - 1] = '\0';
    error[1] = '\n';
    struct consent c = {0};
    struct rac_consent_answer x = {.state = q(begin().link.link, "state"),
                                   .error = rac_str_of(error),
                                   .error_description = rac_str_of(description),
                                   .user = RAC_S("u1")};
    rac_auth_consent_complete(W->auth[0], &x, &W->a, completed, &c);
    pump();
    assert_true(c.failed);
    rac_str texts[] = {c.error.message, c.error.detail, marked()->message, marked()->code,
                       c.result.status.message};
    for (size_t i = 0; i < RAC_COUNT(texts); i++) {
        assert_int_equal(rac_utf8_check(texts[i]), texts[i].n);
        for (size_t k = 0; k < texts[i].n; k++)
            assert_true((unsigned char)texts[i].p[k] >= 0x20 && texts[i].p[k] != 0x7f);
        assert_lacks(texts[i], "\xe2\x80\xae");
        assert_true(texts[i].n < 600);
    }
    assert_int_equal(c.error.detail.n, 100);
    assert_has(c.error.message, "no  level=error \xef\xbf\xbd ddd");
}

/* An answer counts for the connection and at the page for which it was asked. */
static void test_consent_expected(void **state)
{
    (void)state;
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'github','clientId':'app','scopes':['repo']}}}}");
    W->status.status = RAC_CONNECTION_UNAUTHENTICATED;
    const struct {
        struct rac_auth_key key;
        const char *path;
        bool good;
    } cases[] = {
        {{RAC_S("t1"), RAC_S("c1"), {NULL, 0}}, NULL, true},
        {{{NULL, 0}, {NULL, 0}, {NULL, 0}}, "/oauth/redirect/shared_quai-0011", true},
        {{RAC_S("t1"), RAC_S("c2"), {NULL, 0}}, NULL, false},
        {{RAC_S("t2"), RAC_S("c1"), {NULL, 0}}, NULL, false},
        {{{NULL, 0}, {NULL, 0}, {NULL, 0}}, "/oauth/redirect", false},
        {{{NULL, 0}, {NULL, 0}, {NULL, 0}}, "/oauth/redirect/shared_other-0012", false},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        size_t before = W->asked_n;
        struct consent c = {0};
        struct rac_consent_answer x = {.state = q(begin().link.link, "state"),
                                       .code = RAC_S("c0de"),
                                       .key = cases[i].key,
                                       .path = rac_str_of(cases[i].path)};
        rac_auth_consent_complete(W->auth[0], &x, &W->a, completed, &c);
        pump();
        assert_int_equal(W->asked_n, before + cases[i].good);
        if (cases[i].good) {
            reply(last_asked(), 200, "{\"access_token\":\"A1\"}");
            assert_false(c.failed);
        } else {
            assert_str(c.error.detail, "ConsentStateInvalid");
            assert_null(marked());
        }
    }
}

/* Two people sign in at once: the one who is late and declines does not break what the other did. */
static void test_consents_at_once(void **state)
{
    (void)state;
    connector(generic);
    W->status.status = RAC_CONNECTION_UNAUTHENTICATED;
    rac_str slow = q(begin().link.link, "state");
    rac_str fast = q(begin().link.link, "state");
    struct consent late = {0}, c;
    struct rac_consent_answer x = {.state = slow, .code = RAC_S("c1"), .user = RAC_S("u1")};
    rac_auth_consent_complete(W->auth[0], &x, &W->a, completed, &late);
    pump();
    struct asked *held = last_asked();
    c = complete(fast, "c2", NULL, "u1");
    assert_false(c.failed);
    reply(held, 400, "{\"error\":\"invalid_grant\"}");
    assert_true(late.failed);
    assert_int_equal(late.result.status.status, RAC_CONNECTION_CONNECTED);
    assert_null(marked());
}

static void test_placeholders(void **state)
{
    (void)state;
    static const char *const dummies[] = {"",
                                          "[[DUMMY]]",
                                          "<<Please add your clientID here>>",
                                          "{{ client id }}",
                                          "dummy",
                                          "YOUR_CLIENT_ID",
                                          "CLIENTID",
                                          "PLACEHOLDER_CLIENTID",
                                          "XXXXX",
                                          "****CLIENT_ID****",
                                          "@@id@@",
                                          "00000000-0000-0000-0000-000000000000",
                                          "{add client id here}",
                                          "Please enter your client id",
                                          "clientId",
                                          "<client-id>"};
    static const char *const real[] = {"6145b6dc-1ce4-43b1-a4b5-a19b8440096a",
                                       "raccord",
                                       "power-platform-integration",
                                       "7",
                                       "microsoft.flow",
                                       "60mOMrhl23bdJmprB0pDzrLF7MXCqyzHMTitaOZeU7E"};
    for (size_t i = 0; i < RAC_COUNT(dummies); i++)
        if (!rac_oauth_is_placeholder(rac_str_of(dummies[i])))
            fail_msg("%s is a placeholder", dummies[i]);
    for (size_t i = 0; i < RAC_COUNT(real); i++)
        if (rac_oauth_is_placeholder(rac_str_of(real[i])))
            fail_msg("%s is no placeholder", real[i]);
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'github','clientId':'[[DUMMY]]','scopes':['repo']}}}}");
    struct consent b = begin();
    assert_str(b.error.detail, "RC-OA-02");
    assert_has(b.error.message, "--client-id ID");
    W->client.client_id = RAC_S("Iv1");
    b = begin();
    assert_has(b.link.link, "https://github.com/login/oauth/authorize?client_id=Iv1&");
    assert_str(q(b.link.link, "redirect_uri"), "https://r.example/oauth/redirect/shared_quai-0011");
}

static void test_unknown_provider(void **state)
{
    (void)state;
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'zork','clientId':'x'}}}}");
    struct consent b = begin();
    assert_str(b.error.detail, "RC-OA-01");
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'zork','clientId':'x','customParameters':{'AuthorizationUrl':"
              "'https://z.example/a?x=1','tokenUrl':{'value':'https://z.example/t'}}}}}}");
    b = begin();
    assert_false(b.failed);
    assert_has(b.link.link, "https://z.example/a?x=1&client_id=x&");
}

static const char device[] =
    "{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
    "'identityProvider':'oauth2','clientId':'app','scopes':['s'],'customParameters':{"
    "'grantType':{'value':'device_code'},'tokenUrl':{'value':'https://id.example/t'},"
    "'deviceAuthorizationUrl':{'value':'https://id.example/d'}}}}}}";

static struct consent begin_device(const char *members)
{
    static struct consent b;
    b = (struct consent){0};
    struct rac_consent_ask ask = {.key = {RAC_S("t1"), RAC_S("c1"), RAC_S("token")},
                                  .user = RAC_S("u1")};
    rac_auth_consent_begin(W->auth[0], &ask, &W->a, begun, &b);
    pump();
    reply(last_asked(), 200,
          rac_arena_printf(&W->a, "{\"device_code\":\"DC\",\"user_code\":\"AB\",%s}", members).p);
    assert_int_equal(b.calls, 1);
    return b;
}

static void ask_device(struct consent *c, rac_str state)
{
    struct rac_consent_answer x = {.state = state, .user = RAC_S("u1")};
    *c = (struct consent){0};
    rac_auth_consent_complete(W->auth[0], &x, &W->a, completed, c);
    pump();
}

static void release_and_scribble(void *self, struct rac_auth_target *t)
{
    (void)self;
    memset((char *)(uintptr_t)t->settings->redirect_url.p, '?', t->settings->redirect_url.n);
}

static void note_redirect(void *self, const struct rac_consent *c, const struct rac_actor *actor,
                          rac_commit_fn done, void *arg)
{
    W->kept_redirect = rac_arena_str(&W->a, c->redirect_url);
    W->real_begin(self, c, actor, done, arg);
}

static void test_device(void **state)
{
    (void)state;
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'oauth2','clientId':'app','scopes':['s'],'customParameters':{"
              "'grantType':{'value':'device_code'},'tokenUrl':{'value':'https://id.example/t'},"
              "'deviceAuthorizationUrl':{'value':'https://id.example/d'}}}}}}");
    struct consent b = {0};
    struct rac_consent_ask ask = {.key = {RAC_S("t1"), RAC_S("c1"), RAC_S("token")},
                                  .user = RAC_S("u1")};
    rac_auth_consent_begin(W->auth[0], &ask, &W->a, begun, &b);
    pump();
    assert_str(last_asked()->url, "https://id.example/d");
    assert_str(last_asked()->body, "client_id=app&scope=s");
    reply(last_asked(), 200,
          "{\"device_code\":\"DC\",\"user_code\":\"ABCD-EF\",\"verification_uri\":"
          "\"https://id.example/go\",\"expires_in\":300,\"interval\":5}");
    assert_str(b.link.user_code, "ABCD-EF");
    assert_str(b.link.link, "https://id.example/go");
    struct consent c = {0};
    struct rac_consent_answer x = {.state = b.link.state, .user = RAC_S("u1")};
    rac_auth_consent_complete(W->auth[0], &x, &W->a, completed, &c);
    pump();
    assert_str(form(last_asked()->body, "device_code"), "DC");
    reply(last_asked(), 400, "{\"error\":\"authorization_pending\"}");
    assert_true(c.failed);
    assert_str(c.error.detail, "authorization_pending");
    rac_auth_consent_complete(W->auth[0], &x, &W->a, completed, &c); /* asked again */
    pump();
    reply(last_asked(), 200, "{\"access_token\":\"A1\"}");
    assert_false(c.failed);
    assert_str(row().access, "A1");
}

#define GO "\"verification_uri\":\"https://id.example/go\""

/* What the provider says of times is bounded, whatever it says. */
static void test_device_times(void **state)
{
    (void)state;
    connector(device);
    static const struct {
        const char *expires_in, *interval;
        int64_t life_s, interval_s;
    } cases[] = {
        {"300", "7", 300, 7},         {"\"300\"", "\"7\"", 300, 7},
        {"1799.5", "5.9", 1799, 5},   {"9223372036854775807", "9223372036854775807", 3600, 60},
        {"1e400", "1e400", 3600, 60}, {"-9223372036854775808", "-1", 600, 5},
        {"null", "null", 600, 5},     {"0", "0", 600, 5},
        {"\"soon\"", "{}", 600, 5},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        char members[400];
        snprintf(members, sizeof members, GO ",\"expires_in\":%s,\"interval\":%s",
                 cases[i].expires_in, cases[i].interval);
        struct consent b = begin_device(members);
        assert_false(b.failed);
        assert_int_equal(b.link.expires_at_ms, W->clock.wall_ms + cases[i].life_s * 1000);
        assert_int_equal(b.link.interval_s, cases[i].interval_s);
    }
    assert_true(begin_device("\"verification_uri\":\"javascript:alert(1)\"").failed);
    assert_str(begin_device(GO ",\"verification_uri_complete\":\"javascript:alert(1)\"").link.link,
               "https://id.example/go");
}

/* A provider that cannot be asked for a moment does not end a sign-in by device: it goes on until
 * the provider's code expires. */
static void test_device_goes_on(void **state)
{
    (void)state;
    connector(device);
    W->status.status = RAC_CONNECTION_UNAUTHENTICATED;
    struct consent b = begin_device(GO ",\"expires_in\":900,\"interval\":5"), c;
    static const struct {
        int status;
        const char *body;
        int64_t retry_s;
    } cases[] = {
        {400, "{\"error\":\"authorization_pending\"}", 5},
        {503, "", 5},
        {200, "<html>maintenance</html>", 5},
        {429, "{\"error\":\"ratelimited\"}", 5},
        {400, "{\"error\":\"slow_down\"}", 10},
        {400, "{\"error\":\"slow_down\"}", 15},
        {400, "{\"error\":\"authorization_pending\"}", 15},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        ask_device(&c, b.link.state);
        assert_str(form(last_asked()->body, "device_code"), "DC");
        reply(last_asked(), cases[i].status, cases[i].body);
        assert_true(c.failed);
        assert_int_equal(c.error.retry_after_s, cases[i].retry_s);
        assert_null(marked());
        W->clock.wall_ms += cases[i].retry_s * 1000;
    }
    ask_device(&c, b.link.state);
    reply_error(last_asked(), RAC_E_TIMEOUT, "no answer within 30 s");
    assert_str(c.error.code, "BackendTimeout");
    for (int i = 0; i < 12; i++) { /* slow_down does not add up without end */
        ask_device(&c, b.link.state);
        reply(last_asked(), 400, "{\"error\":\"slow_down\"}");
        assert_in_range(c.error.retry_after_s, 15, 60);
    }
    ask_device(&c, b.link.state);
    reply(last_asked(), 200, "{\"access_token\":\"A1\"}");
    assert_false(c.failed);
    assert_str(row().access, "A1");
    ask_device(&c, b.link.state);
    assert_str(c.error.detail, "ConsentStateInvalid");
}

static void test_device_ends(void **state)
{
    (void)state;
    connector(device);
    W->status.status = RAC_CONNECTION_UNAUTHENTICATED;
    struct consent b = begin_device(GO ",\"expires_in\":900"), c;
    W->clock.wall_ms += 899000;
    ask_device(&c, b.link.state);
    reply(last_asked(), 503, "");
    W->clock.wall_ms += 1000;
    size_t before = W->asked_n;
    ask_device(&c, b.link.state);
    assert_str(c.error.detail, "ConsentStateInvalid");
    assert_int_equal(W->asked_n, before);
    static const char *const ends[] = {"expired_token", "access_denied", "invalid_client"};
    for (size_t i = 0; i < RAC_COUNT(ends); i++) {
        b = begin_device(GO);
        ask_device(&c, b.link.state);
        reply(last_asked(), 400, rac_arena_printf(&W->a, "{\"error\":\"%s\"}", ends[i]).p);
        assert_str(c.error.detail, ends[i]);
        ask_device(&c, b.link.state);
        assert_str(c.error.detail, "ConsentStateInvalid");
    }
}

/* Two questions at once, or a process that ends before the answer: the sign-in goes on. */
static void test_device_asked_twice(void **state)
{
    (void)state;
    connector(device);
    W->status.status = RAC_CONNECTION_UNAUTHENTICATED;
    struct consent b = begin_device(GO), one, two;
    ask_device(&one, b.link.state);
    struct asked *first = last_asked();
    ask_device(&two, b.link.state);
    assert_ptr_not_equal(last_asked(), first);
    reply(last_asked(), 400, "{\"error\":\"authorization_pending\"}");
    assert_str(two.error.detail, "authorization_pending");
    ask_device(&two, b.link.state);
    reply(first, 200, "{\"access_token\":\"A1\"}");
    assert_false(one.failed);
    reply(last_asked(), 400, "{\"error\":\"invalid_grant\"}"); /* the code is used up */
    assert_false(two.failed);
    assert_int_equal(two.result.status.status, RAC_CONNECTION_CONNECTED);
    assert_null(marked());
    assert_str(row().access, "A1");
    ask_device(&two, b.link.state);
    assert_str(two.error.detail, "ConsentStateInvalid");

    b = begin_device(GO);
    ask_device(&one, b.link.state); /* as if the process had ended */
    struct asked *lost = last_asked();
    rac_auth_free(W->auth[1]);
    W->auth[1] = rac_auth_new(&W->auth_env[1]);
    struct rac_consent_answer x = {.state = b.link.state, .user = RAC_S("u1")};
    rac_auth_consent_complete(W->auth[1], &x, &W->a, completed, &two);
    pump();
    reply(last_asked(), 200, "{\"access_token\":\"A2\"}");
    assert_false(two.failed);
    assert_str(row().access, "A2");
    reply(lost, 400, "{\"error\":\"invalid_grant\"}");
    assert_null(marked());
}

/* The settings go with their target; what is kept of them is a copy. */
static void test_device_redirect_url(void **state)
{
    (void)state;
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'oauth2','clientId':'app','redirectMode':'Direct','redirectUrl':"
              "'https://mine.example/back','customParameters':{"
              "'grantType':{'value':'device_code'},'tokenUrl':{'value':'https://id.example/t'},"
              "'deviceAuthorizationUrl':{'value':'https://id.example/d'}}}}}}");
    W->source.release = release_and_scribble;
    W->real_begin = W->store.consent_begin;
    W->store.consent_begin = note_redirect;
    assert_false(begin_device(GO).failed);
    assert_str(W->kept_redirect, "https://mine.example/back");
}

/* --- providers and templates ------------------------------------------------------------------ */

static void test_aad(void **state)
{
    (void)state;
    W->client.client_id = RAC_S("app");
    W->client.client_secret = RAC_S("sec");
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'aad','scopes':['User.Read'],'customParameters':{'LoginUri':{"
              "'value':'https://login.windows.net/'},'tenantId':{},'ResourceUri':{'value':"
              "'https://graph.example/'},'enableOnbehalfOfLogin':{'value':'false'}}}},"
              "'token:TenantId':{'type':'string','metadata':{'sourceType':'x'}}}}");
    rac_str link = begin().link.link;
    assert_has(link, "https://login.windows.net/common/oauth2/v2.0/authorize?client_id=app&");
    assert_str(q(link, "scope"), "https://graph.example/User.Read offline_access");
    W->values = RAC_S("{\"token:TenantId\":\"contoso\"}");
    assert_has(begin().link.link, "https://login.windows.net/contoso/oauth2/v2.0/authorize?");
    struct consent c = complete(q(begin().link.link, "state"), "c", NULL, "u1");
    assert_false(c.failed);
    assert_str(last_asked()->url, "https://login.windows.net/contoso/oauth2/v2.0/token");
    assert_str(form(last_asked()->body, "scope"), "https://graph.example/User.Read offline_access");

    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'aad','scopes':[],'customParameters':{'endpointVersion':{"
              "'value':'v1'},'resourceUri':{'value':'https://x.example/'}}}}}}");
    link = begin().link.link;
    assert_has(link, "https://login.microsoftonline.com/common/oauth2/authorize?");
    assert_str(q(link, "resource"), "https://x.example/"); /* to the letter */

    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'AAD','scopes':[],'customParameters':{'resourceUri':{'value':"
              "'cd5db0ec-1419'}}}}}}");
    assert_str(q(begin().link.link, "scope"), "cd5db0ec-1419/.default offline_access");
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'aad','scopes':[]}}}}");
    assert_str(begin().error.detail, "RC-OA-01");
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'aad','scopes':[],'customParameters':{'grantType':{'value':"
              "'client_credentials'},'resourceUri':{'value':'https://m.example'}}}},"
              "'token:clientId':{'type':'string'},'token:TenantId':{'type':'string'}}}");
    W->values = RAC_S("{\"token:clientId\":\"me\",\"token:TenantId\":\"t9\"}");
    assert_str(begin().error.detail, "NoConsentNeeded");
    stored("", "", 0);
    prepare(0, false);
    pump();
    assert_str(last_asked()->url, "https://login.microsoftonline.com/t9/oauth2/v2.0/token");
    assert_str(form(last_asked()->body, "scope"), "https://m.example/.default");
    reply(last_asked(), 200, "{\"access_token\":\"A\"}");
}

static void test_templates(void **state)
{
    (void)state;
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'oauth2generic','scopes':['{Scope}'],'clientId':'app',"
              "'redirectMode':'Global','customParameters':{"
              "'AuthorizationUrlTemplate':{'value':'https://{customhost}.example/oauth2/"
              "authorizations'},'authorizationUrlQueryStringTemplate':{'value':'/new?client_id="
              "{MyClientId}&redirect_uri=https://global.consent.azure-apim.net/redirect&scope="
              "{Scopes}&x={nothing}{nope}&j={ not a name }'},"
              "'tokenUrlTemplate':{'value':'https://{CustomHost}.example/t'},"
              "'tokenUrlQueryStringTemplate':{'value':'env={customHost}'},"
              "'tokenBodyTemplate':{'value':'code={code}&client_id={myclientid}&s={ClientSecret}'},"
              "'refreshUrlTemplate':{'value':null},'scopeListDelimiter':{'value':','}}}},"
              "'token:customHost':{'type':'string'},'token:Scope':{'type':'string'},"
              "'token:MyClientId':{'type':'string'}}}");
    W->values = RAC_S("{\"token:customHost\":\"quai\",\"token:Scope\":\"a b\","
                      "\"token:MyClientId\":\"m&m\"}");
    rac_str link = begin().link.link;
    assert_has(
        link,
        "https://quai.example/oauth2/authorizations/new?client_id=m%26m&redirect_uri="
        "https%3A%2F%2Fr.example%2Foauth%2Fredirect&scope=a%20b&x=&j=%7B%20not%20a%20name%20%7D");
    assert_true(q(link, "state").n > 0); /* the template forgot it */
    struct consent c = complete(q(link, "state"), "c&d", NULL, "u1");
    assert_false(c.failed);
    assert_str(last_asked()->url, "https://quai.example/t?env=quai");
    assert_str(last_asked()->body, "code=c%26d&client_id=m%26m&s=");
    stored("A", "R", -5); /* null template: there is no refresh */
    struct outcome *o = prepare(0, false);
    size_t asked = W->asked_n;
    pump();
    assert_int_equal(o->e, RAC_OK);
    assert_int_equal(W->asked_n, asked);
}

/* Endpoints and scopes that the connection's user types. */
static void test_typed_endpoints(void **state)
{
    (void)state;
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'oauth2','clientId':'app','scopes':[],'customParameters':{"
              "'authorizationUrl':{'value':'/Authorization'},'tokenUrl':{'value':'/oauth/token'},"
              "'refreshUrl':{'value':'/oauth/token'}}}},"
              "'token:authorizationUrl':{'type':'string'},'token:tokenUrl':{'type':'string'},"
              "'token:refreshUrl':{'type':'string'},'token:scopes':{'type':'string'}}}");
    assert_str(begin().error.detail, "RC-OA-01");
    W->values = RAC_S("{\"token:authorizationUrl\":\"https://i.example/a\",\"token:tokenUrl\":"
                      "\"https://i.example/t\",\"token:scopes\":\"x y\"}");
    rac_str link = begin().link.link;
    assert_has(link, "https://i.example/a?client_id=app&");
    assert_str(q(link, "scope"), "x y");
    complete(q(link, "state"), "c", NULL, NULL);
    assert_str(last_asked()->url, "https://i.example/t");
    stored("A", "R", -5);
    prepare(0, false);
    pump();
    assert_str(last_asked()->url, "https://i.example/t");
    reply(last_asked(), 200, "{\"access_token\":\"B\"}");
    W->values = RAC_S("{\"token:authorizationUrl\":\"https://i.example/a\",\"token:tokenUrl\":"
                      "\"https://i.example/t\",\"token:refreshUrl\":\"https://i.example/r\"}");
    stored("A", "R", -5);
    prepare(0, false);
    pump();
    assert_str(last_asked()->url, "https://i.example/r");
    reply(last_asked(), 200, "{\"access_token\":\"B\"}");
}

static void test_additional_parameters(void **state)
{
    (void)state;
    connector(
        "{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
        "'identityProvider':'oauth2generic','additionalParameters':{"
        "'uS_domain':{'type':'string','applicableWhen':[{'parameter':'apiRegion','oneOf':"
        "[null,'US']}]},'eU_domain':{'type':'string','applicableWhen':[{'parameter':"
        "'apiRegion','oneOf':['EU']}]},'eU_clientSecret':{'type':'securestring',"
        "'applicableWhen':[{'parameter':'apiRegion','oneOf':['EU']}]}},"
        "'customParameters':{'uS_domain':{'value':'us.example'},'eU_domain':{'value':"
        "'eu.example'},'authorizationUrlTemplate':{'value':'https://{US_domain}{EU_domain}/a'},"
        "'authorizationUrlQueryStringTemplate':{'value':'state={State}'},"
        "'tokenUrlTemplate':{'value':'https://{US_domain}{EU_domain}/t'},"
        "'tokenBodyTemplate':{'value':'s={EU_clientSecret}'}}}},"
        "'token:apiRegion':{'type':'string'}}}");
    static const struct rac_oauth_extra extras[] = {
        {RAC_S_INIT("eU_clientSecret"), RAC_S_INIT("hush"), NULL}};
    W->client.extras = extras;
    W->client.extras_n = 1;
    assert_has(begin().link.link, "https://us.example/a?state=");
    W->values = RAC_S("{\"token:apiRegion\":\"EU\"}");
    rac_str link = begin().link.link;
    assert_has(link, "https://eu.example/a?state=");
    complete(q(link, "state"), "c", NULL, NULL);
    assert_str(last_asked()->body, "s=hush");
    W->values = RAC_S("{\"token:apiRegion\":\"XX\"}");
    assert_str(begin().error.detail, "RC-OA-01"); /* https:///a is no URL */
}

/* Each row of the table gives a link to its own place and takes every default. */
static void test_every_provider(void **state)
{
    (void)state;
    static const struct {
        const char *alias, *auth, *token;
    } rows[] = {
#define PROVIDER(alias, family, auth, token, query, delimiter, client, pkce) {alias, auth, token},
#include "connector/providers.def"
#undef PROVIDER
    };
    W->client.client_id = RAC_S("app");
    for (size_t i = 0; i < RAC_COUNT(rows); i++) {
        if (rows[i].token[0] != 'h')
            continue;
        rac_str text = rac_arena_printf(
            &W->a,
            "{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
            "'identityProvider':'%s','scopes':['a','b']}}}}",
            rows[i].alias);
        connector(rac_arena_cstr(&W->a, text));
        struct consent b = begin();
        assert_false(b.failed);
        assert_true(rac_str_starts(b.link.link, rac_str_of(rows[i].auth)));
        complete(q(b.link.link, "state"), "c", NULL, NULL);
        assert_str(last_asked()->url, rows[i].token);
    }
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'facebook','scopes':['a','b']}}}}");
    assert_str(q(begin().link.link, "scope"), "a,b");
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'DocuSign','scopes':['a'],'customParameters':{'LoginUri':{"
              "'value':'https://account-d.docusign.com/'}}}}}}");
    assert_has(begin().link.link, "https://account-d.docusign.com/oauth/auth?client_id=app&");
}

/* --- certificate ------------------------------------------------------------------------------ */

#include "key_pair.h"

static void test_certificate(void **state)
{
    (void)state;
    connector("{'connectionParameters':{'token':{'type':'oauthSetting','oAuthSettings':{"
              "'identityProvider':'aadcertificate','clientId':'app','customParameters':{"
              "'resourceUri':{'value':'https://x.example'},'tenantId':{'value':'t'}}}}}}");
    stored("A", "R", -5);
    struct outcome *o = prepare(0, false);
    pump();
    assert_str(o->error.detail, "RC-OA-02");
    assert_has(o->error.message, "certificate");
    W->client.certificate_pem = rac_str_of(test_certificate_pem);
    W->client.key_pem = rac_str_of(test_key_pem);
    o = prepare(0, false);
    pump();
    rac_str body = last_asked()->body;
    assert_str(form(body, "client_assertion_type"),
               "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert_lacks(body, "client_secret");
    rac_str jwt = form(body, "client_assertion");
    assert_int_equal(rac_str_find_char(jwt, '.') != RAC_STR_NPOS, 1);
    assert_true(jwt.n > 300);
    reply(last_asked(), 200, "{\"access_token\":\"A2\"}");
    assert_int_equal(o->e, RAC_OK);
    rac_str out;
    const char *why;
    assert_int_equal(rac_jwt_sign_rs256(RAC_S("{}"), rac_str_of(test_certificate_pem),
                                        RAC_S("junk"), &W->a, &out, &why),
                     RAC_E_INVALID);
    assert_int_equal(
        rac_jwt_sign_rs256(RAC_S("{}"), RAC_S(""), rac_str_of(test_key_pem), &W->a, &out, &why),
        RAC_E_INVALID);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_ready),
        T(test_refresh),
        T(test_single_flight),
        T(test_cancel),
        T(test_invalid_grant),
        T(test_refused_too_late),
        T(test_metrics),
        T(test_temporary),
        T(test_no_new_refresh_token),
        T(test_expires_in),
        T(test_temporary_but_valid),
        T(test_error_in_200),
        T(test_error_repeats_secrets),
        T(test_invalid_client_retry),
        T(test_no_refresh_token),
        T(test_never_signed_in),
        T(test_save_fails),
        T(test_save_again_by_itself),
        T(test_refused_is_left_alone),
        T(test_refusals_without_a_name),
        T(test_recover),
        T(test_recover_without_a_way),
        T(test_recover_settled_meanwhile),
        T(test_recover_misconfigured),
        T(test_sign_in_during_refresh),
        T(test_forgotten_during_refresh),
        T(test_intent_and_every_end),
        T(test_workers),
        T(test_recover_on_owner),
        T(test_client_credentials),
        T(test_on_behalf_of),
        T(test_on_behalf_of_again),
        T(test_token_exchange),
        T(test_on_behalf_of_not_enabled),
        T(test_password_grant),
        T(test_consent),
        T(test_consent_refusals),
        T(test_consent_error_words),
        T(test_consent_expected),
        T(test_consents_at_once),
        T(test_placeholders),
        T(test_unknown_provider),
        T(test_device),
        T(test_device_times),
        T(test_device_goes_on),
        T(test_device_ends),
        T(test_device_asked_twice),
        T(test_device_redirect_url),
        T(test_aad),
        T(test_templates),
        T(test_typed_endpoints),
        T(test_additional_parameters),
        T(test_every_provider),
        T(test_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
