/*
 * auth - the engine's front: is a token good, who refreshes it, and how the answer gets back.
 *
 * A connection's refreshes run on one worker, found by hashing its id, so "one at a time" needs no
 * lock: callers elsewhere send a message and get one back. Ownership moves with the messages: a
 * request (struct errand) belongs to the worker it is on, the waiter it names is only touched on
 * the worker that made it, and is kept until its errand has come home, cancelled or not.
 */
#include "connector/auth_engine_priv.h"

#include "base/mem.h"
#include "base/secret.h"

enum { WAIT_MAGIC = 0x77616974, ERRAND_BYTES_MAX = 1 << 20, AHEAD_MS = 300 * 1000 };

struct rac_auth_wait {
    uint32_t magic;
    struct rac_auth *auth;
    struct rac_connection *connection;
    struct rac_arena *a;
    rac_auth_prepared done;
    void *arg;
    rac_str parameter;
    bool away, cancelled; /* away: an errand on another worker will come back for it */
    struct rac_auth_waiter waiter;
};

/* A request to the worker that owns the connection, and its way back. */
struct errand {
    struct rac_arena a;
    struct rac_auth *engine;    /* where it is now */
    struct rac_auth_wait *wait; /* on worker `home` */
    unsigned home;
    struct rac_auth_key key;
    struct rac_auth_waiter waiter;
    rac_err e;
    struct rac_oauth_row row;
    struct rac_auth_error error;
};

/* --- keys ------------------------------------------------------------------------------------- */

uint64_t rac_auth_key_hash(const struct rac_auth_key *k)
{
    return rac_str_hash(k->connection) ^ (rac_str_hash(k->tenant) * 31);
}

struct rac_auth_key rac_auth_key_copy(const struct rac_auth_key *k, struct rac_arena *a)
{
    return (struct rac_auth_key){rac_arena_str(a, k->tenant), rac_arena_str(a, k->connection),
                                 rac_arena_str(a, k->parameter)};
}

bool rac_auth_key_eq(const struct rac_auth_key *x, const struct rac_auth_key *y)
{
    return rac_str_eq(x->connection, y->connection) && rac_str_eq(x->tenant, y->tenant) &&
           rac_str_eq(x->parameter, y->parameter);
}

static unsigned owner_of(const struct rac_auth *auth, const struct rac_auth_key *key)
{
    const struct rac_auth_peers *p = &auth->env.peers;
    return p->post != NULL && p->n > 1 ? (unsigned)(rac_auth_key_hash(key) % p->n) : p->self_index;
}

void rac_auth_error_copy(const struct rac_auth_error *from, struct rac_arena *a,
                         struct rac_auth_error *to)
{
    *to = *from;
    to->code = rac_arena_str(a, from->code);
    to->message = rac_arena_str(a, from->message);
    if (from->detail.p != NULL)
        to->detail = rac_arena_str(a, from->detail);
}

/* --- engine ----------------------------------------------------------------------------------- */

struct rac_auth *rac_auth_new(const struct rac_auth_env *env)
{
    struct rac_auth *auth = rac_mem_alloc(sizeof *auth);
    auth->magic = RAC_AUTH_MAGIC;
    auth->env = *env;
    rac_str url = env->public_url;
    while (url.n > 0 && url.p[url.n - 1] == '/')
        url.n--;
    char *copy = rac_mem_alloc(url.n + 1);
    if (url.n > 0)
        memcpy(copy, url.p, url.n);
    auth->public_url = (rac_str){copy, url.n};
    auth->env.public_url = auth->public_url;
    if (auth->env.refresh_ahead_ms == 0)
        auth->env.refresh_ahead_ms = AHEAD_MS;
    if (auth->env.token_timeout_ms == 0)
        auth->env.token_timeout_ms = 30 * 1000;
    if (auth->env.waiters_max == 0)
        auth->env.waiters_max = 10000;
    return auth;
}

void rac_auth_free(struct rac_auth *auth)
{
    if (auth == NULL)
        return;
    RAC_ASSERT(auth->magic == RAC_AUTH_MAGIC);
    rac_flights_free(auth);
    rac_auth_patience_fini(auth);
    rac_mem_free((void *)auth->public_url.p);
    auth->magic = 0;
    rac_mem_free(auth);
}

void rac_auth_attend(struct rac_auth *auth)
{
    rac_flights_save(auth);
}

bool rac_auth_is_good(const struct rac_auth *auth, rac_ms expires_ms, rac_ms obtained_ms)
{
    if (expires_ms == 0)
        return true;
    int64_t ahead = auth->env.refresh_ahead_ms;
    int64_t life = obtained_ms > 0 ? expires_ms - obtained_ms : INT64_MAX;
    if (life / 2 < ahead)
        ahead = life > 0 ? life / 2 : 0;
    return expires_ms - ahead > rac_auth_now(auth);
}

bool rac_auth_ready(const struct rac_auth *auth, const struct rac_auth_plan *plan,
                    const struct rac_connection *c)
{
    if (!rac_auth_wants_token(plan, c))
        return true;
    const struct rac_conn_param *p = rac_conn_param_oauth(c->set);
    const struct rac_oauth_token *t = rac_connection_token(c, p->name);
    if (t == NULL || t->access.n == 0)
        return false;
    return rac_auth_is_good(auth, t->expires_at_ms, t->obtained_ms);
}

/* --- prepare ---------------------------------------------------------------------------------- */

/* client_credentials and password need nobody at a browser. */
static bool grant_needs_nobody(const struct rac_connection *c, const struct rac_conn_param *p)
{
    struct rac_arena a;
    rac_arena_init(&a, 1 << 20);
    rac_arena_wipe_at_end(&a);
    struct rac_oauth_vars v = {.connection = c};
    v.settings = rac_oauth_settings_parse(&p->node, NULL, p->name, RAC_STR_NULL, &a, NULL);
    enum rac_grant grant = rac_oauth_grant(&v, &a);
    rac_arena_fini(&a);
    return grant == RAC_GRANT_CLIENT_CREDENTIALS || grant == RAC_GRANT_PASSWORD;
}

static const struct rac_conn_param *oauth_of(const struct rac_connection *c)
{
    return c != NULL && c->set != NULL ? rac_conn_param_oauth(c->set) : NULL;
}

bool rac_auth_renewable(const struct rac_connection *c)
{
    const struct rac_conn_param *p = oauth_of(c);
    const struct rac_oauth_token *t = p != NULL ? rac_connection_token(c, p->name) : NULL;
    return t != NULL && (t->refresh.n > 0 || t->assertion.n > 0 || grant_needs_nobody(c, p));
}

bool rac_auth_needs_sign_in(const struct rac_connection *c)
{
    const struct rac_conn_param *p = oauth_of(c);
    return p != NULL && rac_connection_token(c, p->name) == NULL && !grant_needs_nobody(c, p);
}

static bool same_value(const struct rac_conn_param *p, const struct rac_json *was,
                       const struct rac_json *is)
{
    if (was != NULL && is != NULL)
        return rac_json_equal(was, is);
    if (was == NULL && is != NULL && p->default_value.p != NULL) /* filled in meanwhile */
        return rac_str_eq(rac_json_str(is, p->default_value), p->default_value);
    return was == is;
}

bool rac_auth_keeps_tokens(const struct rac_connection *old, const struct rac_connection *now)
{
    const struct rac_conn_param *p = oauth_of(now);
    if (p == NULL || old->set == NULL || !rac_str_eq(old->set->name, now->set->name))
        return false;
    bool any = grant_needs_nobody(now, p);
    for (size_t i = 0; i < now->set->params_n; i++) {
        const struct rac_conn_param *x = &now->set->params[i];
        const struct rac_json *was = rac_json_get(&old->values, x->name);
        const struct rac_json *is = rac_json_get(&now->values, x->name);
        if (!same_value(x, was, is) && (any || rac_conn_param_companion(x).p != NULL))
            return false;
    }
    return true;
}

/* The new token into the caller's connection. */
static void take_token(struct rac_auth_wait *w, const struct rac_oauth_row *row)
{
    struct rac_connection *c = w->connection;
    struct rac_oauth_token *t = rac_connection_token(c, w->parameter);
    if (t == NULL) {
        struct rac_oauth_token *v = RAC_NEW_N(w->a, struct rac_oauth_token, c->tokens_n + 1);
        if (c->tokens_n > 0)
            memcpy(v, c->tokens, c->tokens_n * sizeof *v);
        c->tokens = v;
        t = &v[c->tokens_n++];
        t->parameter = w->parameter;
    }
    t->access = rac_arena_str(w->a, row->access);
    rac_secret_wipe_with(w->a, t->access);
    t->refresh = RAC_STR_NULL;
    if (row->refresh.n > 0) {
        t->refresh = rac_arena_str(w->a, row->refresh);
        rac_secret_wipe_with(w->a, t->refresh);
    }
    t->type = rac_arena_str(w->a, row->type);
    t->scope = rac_arena_str(w->a, row->scope);
    t->expires_at_ms = row->expires_ms;
    t->obtained_ms = row->obtained_ms;
    t->generation = row->generation;
}

static void answer_wait(struct rac_auth_wait *w, rac_err e, const struct rac_oauth_row *row,
                        const struct rac_auth_error *error)
{
    rac_auth_prepared done = w->done;
    void *arg = w->arg;
    struct rac_auth_error own;
    if (w->cancelled) {
        rac_mem_free(w);
        return;
    }
    if (row != NULL && row->access.n > 0)
        take_token(w, row);
    if (error != NULL)
        rac_auth_error_copy(error, w->a, &own);
    rac_mem_free(w);
    done(arg, e, error != NULL ? &own : NULL);
}

static void deliver_here(struct rac_auth_waiter *waiter, rac_err e, const struct rac_oauth_row *row,
                         const struct rac_auth_error *error)
{
    answer_wait(RAC_CAST((char *)waiter - offsetof(struct rac_auth_wait, waiter),
                         struct rac_auth_wait, WAIT_MAGIC),
                e, row, error);
}

static void drop_here(struct rac_auth_waiter *waiter)
{
    rac_mem_free(RAC_CAST((char *)waiter - offsetof(struct rac_auth_wait, waiter),
                          struct rac_auth_wait, WAIT_MAGIC));
}

static void errand_free(struct errand *r)
{
    rac_arena_fini(&r->a);
    rac_mem_free(r);
}

/* The caller's worker is going away as well: what it keeps for this errand goes with it. */
static void drop_away(struct rac_auth_waiter *waiter)
{
    errand_free((struct errand *)((char *)waiter - offsetof(struct errand, waiter)));
}

static void errand_home(void *engine, void *arg)
{
    struct errand *r = arg;
    (void)engine;
    r->wait->away = false;
    answer_wait(r->wait, r->e, r->e == RAC_OK ? &r->row : NULL, r->e == RAC_OK ? NULL : &r->error);
    errand_free(r);
}

static rac_str secret_copy(struct rac_arena *a, rac_str s)
{
    if (s.n == 0)
        return RAC_STR_NULL;
    s = rac_arena_str(a, s);
    rac_secret_wipe_with(a, s);
    return s;
}

static void deliver_away(struct rac_auth_waiter *waiter, rac_err e, const struct rac_oauth_row *row,
                         const struct rac_auth_error *error)
{
    struct errand *r = (struct errand *)((char *)waiter - offsetof(struct errand, waiter));
    r->e = e;
    if (row != NULL) {
        r->row = *row;
        r->row.connection = r->row.parameter = r->row.id_token = r->row.extra = RAC_STR_NULL;
        r->row.access = secret_copy(&r->a, row->access);
        r->row.refresh = secret_copy(&r->a, row->refresh);
        r->row.type = rac_arena_str(&r->a, row->type);
        r->row.scope = rac_arena_str(&r->a, row->scope);
    }
    if (error != NULL)
        rac_auth_error_copy(error, &r->a, &r->error);
    const struct rac_auth_peers *p = &r->engine->env.peers;
    p->post(p->self, r->home, errand_home, r);
}

static void errand_arrived(void *engine, void *arg)
{
    struct rac_auth *auth = RAC_CAST(engine, struct rac_auth, RAC_AUTH_MAGIC);
    struct errand *r = arg;
    r->engine = auth;
    rac_flight_join(auth, &r->key, NULL, NULL, &r->waiter);
}

static void send_away(struct rac_auth *auth, const struct rac_auth_key *key, unsigned owner,
                      struct rac_auth_wait *w)
{
    struct errand *r = rac_mem_alloc(sizeof *r);
    rac_arena_init(&r->a, ERRAND_BYTES_MAX);
    rac_arena_wipe_at_end(&r->a);
    r->wait = w;
    r->home = auth->env.peers.self_index;
    r->key = rac_auth_key_copy(key, &r->a);
    r->waiter.deliver = deliver_away;
    r->waiter.drop = drop_away;
    if (w->waiter.rejected.n > 0)
        r->waiter.rejected = secret_copy(&r->a, w->waiter.rejected);
    w->away = true;
    auth->env.peers.post(auth->env.peers.self, owner, errand_arrived, r);
}

struct rac_auth_wait *rac_auth_prepare_start(struct rac_auth *auth, struct rac_connection *c,
                                             const struct rac_oauth_settings *settings,
                                             bool rejected, struct rac_arena *a,
                                             rac_auth_prepared done, void *arg)
{
    const struct rac_conn_param *p = rac_conn_param_oauth(c->set);
    struct rac_auth_wait *w = rac_mem_alloc(sizeof *w);
    *w = (struct rac_auth_wait){.magic = WAIT_MAGIC,
                                .auth = auth,
                                .connection = c,
                                .a = a,
                                .done = done,
                                .arg = arg,
                                .waiter.deliver = deliver_here,
                                .waiter.drop = drop_here};
    RAC_ASSERT(p != NULL); /* rac_auth_ready said so */
    w->parameter = p->name;
    const struct rac_oauth_token *t = rac_connection_token(c, p->name);
    if (rejected && t != NULL)
        w->waiter.rejected = t->access;
    struct rac_auth_key key = {c->tenant, c->id, p->name};
    unsigned owner = owner_of(auth, &key);
    /* without an id nobody else knows it: what is needed was given */
    if (c->id.n > 0 && owner != auth->env.peers.self_index && auth->env.source != NULL)
        send_away(auth, &key, owner, w);
    else
        rac_flight_join(auth, &key, c, settings, &w->waiter);
    return w;
}

void rac_auth_prepare_cancel(struct rac_auth *auth, struct rac_auth_wait *w)
{
    RAC_ASSERT(w->magic == WAIT_MAGIC && w->auth == auth);
    w->cancelled = true;
    if (!w->away && rac_flight_leave(auth, &w->waiter))
        rac_mem_free(w); /* else it is freed when its answer arrives */
}

static void recovery_arrived(void *engine, void *arg)
{
    struct rac_auth *auth = RAC_CAST(engine, struct rac_auth, RAC_AUTH_MAGIC);
    struct errand *r = arg;
    rac_flight_recover(auth, &r->key);
    errand_free(r);
}

/* On the worker that owns the connection: a call may arrive there at the same moment, and the old
 * refresh token must not be sent twice. */
static void recover_one(struct rac_auth *auth, const struct rac_auth_key *key)
{
    unsigned owner = owner_of(auth, key);
    if (owner == auth->env.peers.self_index) {
        rac_flight_recover(auth, key);
        return;
    }
    struct errand *r = rac_mem_alloc(sizeof *r);
    rac_arena_init(&r->a, ERRAND_BYTES_MAX);
    rac_arena_wipe_at_end(&r->a);
    r->key = rac_auth_key_copy(key, &r->a);
    auth->env.peers.post(auth->env.peers.self, owner, recovery_arrived, r);
}

rac_err rac_auth_recover(struct rac_auth *auth)
{
    struct rac_arena a;
    struct rac_oauth_pending *v = NULL;
    size_t n = 0;
    const struct rac_connector_store *store = auth->env.store;
    rac_arena_init(&a, 64 << 20);
    rac_err e = store->oauth_intents(store->self, &a, &v, &n);
    for (size_t i = 0; e == RAC_OK && i < n; i++) {
        struct rac_auth_key key = {v[i].tenant, v[i].connection, v[i].parameter};
        recover_one(auth, &key);
    }
    rac_arena_fini(&a);
    return e;
}
