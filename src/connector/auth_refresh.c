/*
 * auth_refresh - one refresh of one connection: a flight.
 *
 *   LOOK -> INTEND -> ASK -> SAVE -> DELIVER
 *
 *   state    what happens                    and then
 *   LOOK     the row is read again           good by now, or nothing can be asked: DELIVER
 *                                            no way without a person: MARK
 *                                            no way, but an intent stands: CLEAR
 *                                            refused a moment ago: DELIVER
 *                                            a refresh token: INTEND; another grant: ASK
 *   INTEND   the intent becomes durable      done: ASK; other tokens meanwhile: LOOK; failed: DELIVER
 *   ASK      the provider answers            tokens: SAVE; grant or client refused: MARK
 *                                            nothing is known: CLEAR, or (recovering) DELIVER
 *   SAVE     the tokens become durable       done: DELIVER; other tokens meanwhile: LOOK
 *                                            not written: UNSAVED
 *   UNSAVED  the answer waits in memory      the next caller, or five seconds: SAVE
 *   MARK     the connection says why         done: CLEAR; other tokens meanwhile: LOOK
 *   CLEAR    the intent goes                 done: DELIVER; other tokens meanwhile: LOOK
 *
 * LOOK comes first because whoever waits may hold an older row; when another refresh (on this
 * worker before) or a sign-in has brought a good token, that is delivered and nothing sent.
 *
 * The intent says: this refresh token was sent, and what came of it is not known. It is durable
 * before the request leaves. It goes with the tokens that SAVE writes (in the same commit), with a
 * sign-in or forgetting (they replace the row), and in CLEAR. It stays on purpose
 *   - in UNSAVED, and when the process ends in ASK or SAVE: the answer is lost or may be;
 *   - when a recovery could not ask (the provider is away, the settings have a mistake), because
 *     then still nothing is known.
 * An intent that is found and is not the flight's own makes the flight a recovery: it asks again
 * with the old refresh token, whatever the expiry. Providers allow that for a while, or answer
 * invalid_grant, and then the connection says what happened. rac_auth_recover starts one for every
 * intent when the process starts.
 *
 * Every write names the generation it is about, so what a sign-in brought meanwhile is neither
 * overwritten, marked nor cleared (connector/store.h); the flight looks again instead.
 *
 * A flight belongs to its engine, never to a caller: cancelling callers does not stop it.
 */
#include "connector/auth_engine_priv.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

#define FLIGHT_STATES(X)                                                                           \
    X(LOOK)                                                                                        \
    X(INTEND)                                                                                      \
    X(ASK)                                                                                         \
    X(SAVE)                                                                                        \
    X(UNSAVED)                                                                                     \
    X(MARK)                                                                                        \
    X(CLEAR)                                                                                       \
    X(DELIVER)

enum flight_state {
#define X(name) FLIGHT_##name,
    FLIGHT_STATES(X)
#undef X
};

enum { FLIGHT_MAGIC = 0x666c7900, LOOKS_MAX = 4 };

struct rac_flight {
    uint32_t magic;
    enum flight_state state;
    struct rac_auth *auth;
    struct rac_flight *next;
    struct rac_arena a;
    struct rac_auth_key key;
    struct rac_auth_waiter *waiters; /* newest first */
    unsigned waiters_n;
    bool recovering; /* an intent that is not ours was found */
    bool settling;   /* nobody waits: only an intent brings this flight to ask */
    bool intended;   /* our intent is in the store */
    bool has_row;
    unsigned looks;
    struct rac_oauth_row row; /* as stored; then as it is to be stored */
    int64_t generation;
    enum rac_token_purpose purpose;
    struct rac_token_post post;
    struct rac_status mark; /* of MARK */
    rac_err e;
    bool use_old; /* DELIVER the row although e: the token at hand still works */
    struct rac_auth_error error;
};

static void set_state(struct rac_flight *f, enum flight_state to)
{
    static const uint16_t legal[] = {
        [FLIGHT_LOOK] = 1 << FLIGHT_INTEND | 1 << FLIGHT_ASK | 1 << FLIGHT_MARK |
                        1 << FLIGHT_CLEAR | 1 << FLIGHT_DELIVER,
        [FLIGHT_INTEND] = 1 << FLIGHT_ASK | 1 << FLIGHT_LOOK | 1 << FLIGHT_DELIVER,
        [FLIGHT_ASK] = 1 << FLIGHT_SAVE | 1 << FLIGHT_MARK | 1 << FLIGHT_CLEAR | 1 << FLIGHT_LOOK |
                       1 << FLIGHT_DELIVER,
        [FLIGHT_SAVE] = 1 << FLIGHT_UNSAVED | 1 << FLIGHT_LOOK | 1 << FLIGHT_DELIVER,
        [FLIGHT_UNSAVED] = 1 << FLIGHT_SAVE,
        [FLIGHT_MARK] = 1 << FLIGHT_CLEAR | 1 << FLIGHT_LOOK | 1 << FLIGHT_DELIVER,
        [FLIGHT_CLEAR] = 1 << FLIGHT_LOOK | 1 << FLIGHT_DELIVER,
        [FLIGHT_DELIVER] = 0,
    };
    RAC_ASSERT(legal[f->state] & (1 << to));
    f->state = to;
}

static void look(struct rac_flight *f);

/* Other tokens are there now, with an intent of their own or none. */
static void look_again(struct rac_flight *f)
{
    f->intended = f->recovering = f->use_old = false;
    set_state(f, FLIGHT_LOOK);
    look(f);
}

/* --- delivery --------------------------------------------------------------------------------- */

static void unlink_flight(struct rac_flight *f)
{
    struct rac_flight **at = &f->auth->flights;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
}

static void free_flight(struct rac_flight *f)
{
    f->magic = 0;
    rac_arena_fini(&f->a);
    rac_mem_free(f);
}

/* From the loop. The flight is out of the list first: a callback may start the next one. */
static void deliver_now(void *arg)
{
    struct rac_flight *f = RAC_CAST(arg, struct rac_flight, FLIGHT_MAGIC);
    unlink_flight(f);
    while (f->waiters != NULL) {
        struct rac_auth_waiter *w = f->waiters;
        f->waiters = w->next;
        bool ok = f->e == RAC_OK || (f->use_old && !rac_str_eq(w->rejected, f->row.access));
        w->deliver(w, ok ? RAC_OK : f->e, ok ? &f->row : NULL, ok ? NULL : &f->error);
    }
    free_flight(f);
}

static void deliver(struct rac_flight *f, rac_err e)
{
    set_state(f, FLIGHT_DELIVER);
    f->e = e;
    f->auth->env.defer(f->auth->env.defer_self, deliver_now, f);
}

static void deliver_store_error(struct rac_flight *f, rac_err e)
{
    rac_auth_error_of_store(e, &f->error);
    deliver(f, e);
}

/* --- CLEAR and MARK --------------------------------------------------------------------------- */

static void cleared(void *arg, const struct rac_commit *c)
{
    struct rac_flight *f = RAC_CAST(arg, struct rac_flight, FLIGHT_MAGIC);
    if (c->err == RAC_E_CONFLICT) { /* somebody signed in meanwhile */
        look_again(f);
        return;
    }
    if (c->err != RAC_OK && c->err != RAC_E_NOT_FOUND)
        rac_log(RAC_WARN, "auth.intent_kept", RAC_F_STR("connection", f->key.connection),
                RAC_F_CSTR("error", rac_err_name(c->err)));
    deliver(f, f->e);
}

static void clear_intent(struct rac_flight *f)
{
    const struct rac_connector_store *s = f->auth->env.store;
    if (s == NULL || !f->has_row || (!f->intended && !f->recovering)) {
        deliver(f, f->e);
        return;
    }
    set_state(f, FLIGHT_CLEAR);
    struct rac_oauth_intent r = {.connection = f->key.connection,
                                 .parameter = f->key.parameter,
                                 .if_generation = f->generation,
                                 .clear = true,
                                 .actor = {.at_ms = rac_auth_now(f->auth)}};
    s->oauth_intent(s->self, f->key.tenant, &r, cleared, f);
}

static void marked(void *arg, const struct rac_commit *c)
{
    struct rac_flight *f = RAC_CAST(arg, struct rac_flight, FLIGHT_MAGIC);
    if (c->err == RAC_E_CONFLICT) { /* somebody signed in meanwhile */
        look_again(f);
        return;
    }
    if (c->err != RAC_OK)
        rac_log(RAC_WARN, "connection.mark_failed", RAC_F_STR("connection", f->key.connection),
                RAC_F_CSTR("error", rac_err_name(c->err)));
    clear_intent(f);
}

/* The connection's status tells why, before the intent goes: a crash in between repeats it. */
static void mark(struct rac_flight *f, enum rac_connection_status status)
{
    const struct rac_connector_store *s = f->auth->env.store;
    if (s == NULL || f->key.connection.n == 0) {
        clear_intent(f);
        return;
    }
    set_state(f, FLIGHT_MARK);
    struct rac_connection_mark r = {.id = f->key.connection,
                                    .status = {.status = status,
                                               .target = f->key.parameter,
                                               .code = f->error.detail,
                                               .message = f->error.message},
                                    .if_generation = f->has_row ? f->generation : -1,
                                    .actor = {.at_ms = rac_auth_now(f->auth)}};
    rac_log(RAC_WARN, "connection.degraded", RAC_F_STR("connection", f->key.connection),
            RAC_F_STR("code", f->error.detail));
    s->connection_mark(s->self, f->key.tenant, &r, marked, f);
}

/* --- SAVE ------------------------------------------------------------------------------------- */

static void saved(void *arg, const struct rac_commit *c)
{
    struct rac_flight *f = RAC_CAST(arg, struct rac_flight, FLIGHT_MAGIC);
    if (c->err == RAC_OK) {
        f->row.generation = c->version;
        deliver(f, RAC_OK);
    } else if (c->err == RAC_E_CONFLICT) { /* a consent came in between: its tokens are newer */
        look_again(f);
    } else if (c->err == RAC_E_NOT_FOUND) { /* deleted meanwhile */
        deliver_store_error(f, c->err);
    } else {
        rac_log(RAC_ERROR, "auth.tokens_unsaved", RAC_F_STR("connection", f->key.connection),
                RAC_F_CSTR("error", rac_err_name(c->err)));
        set_state(f, FLIGHT_UNSAVED);
        rac_auth_error_of_store(c->err, &f->error);
        while (f->waiters != NULL) {
            struct rac_auth_waiter *w = f->waiters;
            f->waiters = w->next;
            w->deliver(w, c->err, NULL, &f->error);
        }
        f->waiters_n = 0;
        if (f->auth->env.attend != NULL)
            f->auth->env.attend(f->auth->env.attend_self, RAC_AUTH_SAVE_AGAIN_MS);
    }
}

static void save(struct rac_flight *f)
{
    const struct rac_connector_store *s = f->auth->env.store;
    static const struct rac_status connected = {.status = RAC_CONNECTION_CONNECTED};
    if (s == NULL || f->key.connection.n == 0) { /* command line: the caller keeps the token */
        deliver(f, RAC_OK);
        return;
    }
    set_state(f, FLIGHT_SAVE);
    struct rac_oauth_save r = {.tokens = f->row,
                               .if_generation = f->has_row ? f->generation : -1,
                               .status = &connected,
                               .actor = {.at_ms = rac_auth_now(f->auth)}};
    s->oauth_save(s->self, f->key.tenant, &r, saved, f);
}

/* What is sent, for which tokens: a sign-in may bring the same refresh token again. */
static uint64_t request_mark(const struct rac_flight *f)
{
    return f->post.mark + (uint64_t)f->generation * UINT64_C(0x9E3779B97F4A7C15);
}

/* --- ASK -------------------------------------------------------------------------------------- */

static bool still_good(const struct rac_flight *f)
{
    return f->row.access.n > 0 && f->row.expires_ms > rac_auth_now(f->auth) + 1000;
}

/* Somebody signed in while the provider was asked. */
static bool is_replaced(struct rac_flight *f)
{
    const struct rac_connector_store *s = f->auth->env.store;
    struct rac_oauth_row now;
    return s->oauth_get(s->self, f->key.tenant, f->key.connection, f->key.parameter, &f->a, &now) ==
               RAC_OK &&
           now.generation != f->generation;
}

static void answered(void *arg, const struct rac_token_answer *x)
{
    struct rac_flight *f = RAC_CAST(arg, struct rac_flight, FLIGHT_MAGIC);
    f->e = rac_auth_err_of_answer(x);
    rac_metric_add(x->verdict == RAC_TOKEN_OK ? RAC_METRIC_TOKEN_REFRESHES
                                              : RAC_METRIC_TOKEN_REFRESH_ERRORS,
                   1);
    if (x->verdict == RAC_TOKEN_OK) {
        rac_str extra = f->row.extra;
        rac_auth_row_of_answer(x, &f->key, f->row.refresh, rac_auth_now(f->auth), &f->row);
        if (f->row.refresh.n == 0) /* what was exchanged is all there is to renew it with */
            f->row.extra = extra;
        save(f);
        return;
    }
    rac_auth_error_of_answer(x, &f->a, &f->error);
    if (f->recovering && x->verdict == RAC_TOKEN_REJECTED)
        f->error.message = rac_arena_printf(
            &f->a,
            "Raccord stopped while this sign-in was being renewed, and the identity provider does "
            "not accept the token from before (%.*s). Sign in again.",
            RAC_FMT(x->error));
    if (x->verdict == RAC_TOKEN_REJECTED || x->verdict == RAC_TOKEN_CLIENT)
        rac_auth_refused(f->auth, request_mark(f), &f->error);
    if (x->verdict == RAC_TOKEN_REJECTED) {
        mark(f, RAC_CONNECTION_UNAUTHENTICATED);
    } else if (x->verdict == RAC_TOKEN_CLIENT) {
        mark(f, RAC_CONNECTION_ERROR);
    } else {
        f->use_old = still_good(f);
        rac_auth_failed(f->auth, &f->key);
        rac_log(RAC_WARN, "auth.refresh_failed", RAC_F_STR("connection", f->key.connection),
                RAC_F_INT("status", x->http_status), RAC_F_STR("error", x->error));
        if (!f->recovering)
            clear_intent(f);
        else if (is_replaced(f))
            look_again(f);
        else /* the answer is still owed: keep the intent for the next try */
            deliver(f, f->e);
    }
}

static void ask(struct rac_flight *f)
{
    set_state(f, FLIGHT_ASK);
    rac_token_post_start(&f->post, answered, f);
}

/* --- INTEND ----------------------------------------------------------------------------------- */

static void intended(void *arg, const struct rac_commit *c)
{
    struct rac_flight *f = RAC_CAST(arg, struct rac_flight, FLIGHT_MAGIC);
    if (c->err == RAC_OK) {
        f->intended = true;
        ask(f);
    } else if (c->err == RAC_E_CONFLICT) { /* somebody else was faster: read again */
        look_again(f);
    } else {
        deliver_store_error(f, c->err);
    }
}

static void intend(struct rac_flight *f)
{
    const struct rac_connector_store *s = f->auth->env.store;
    if (s == NULL || !f->has_row || f->purpose != RAC_TOKEN_REFRESH) {
        ask(f); /* nothing that could be lost */
        return;
    }
    set_state(f, FLIGHT_INTEND);
    struct rac_oauth_intent r = {.connection = f->key.connection,
                                 .parameter = f->key.parameter,
                                 .if_generation = f->generation,
                                 .actor = {.at_ms = rac_auth_now(f->auth)}};
    s->oauth_intent(s->self, f->key.tenant, &r, intended, f);
}

/* --- LOOK ------------------------------------------------------------------------------------- */

static bool all_rejected(const struct rac_flight *f)
{
    for (struct rac_auth_waiter *w = f->waiters; w != NULL; w = w->next)
        if (!rac_str_eq(w->rejected, f->row.access))
            return false;
    return f->waiters != NULL;
}

static bool any_rejected(const struct rac_flight *f)
{
    for (struct rac_auth_waiter *w = f->waiters; w != NULL; w = w->next)
        if (w->rejected.n > 0 && rac_str_eq(w->rejected, f->row.access))
            return true;
    return false;
}

/* The stored token needs no refresh by anybody who waits. */
static bool is_fresh(const struct rac_flight *f)
{
    if (f->recovering || f->row.access.n == 0 || any_rejected(f))
        return false;
    return rac_auth_is_good(f->auth, f->row.expires_ms, f->row.obtained_ms);
}

static void no_way(struct rac_flight *f)
{
    bool never = f->row.access.n == 0;
    bool idle = never && rac_connection_token_of(&f->row, &f->a).assertion.n > 0;
    f->e = RAC_E_UNAUTHENTICATED;
    f->error = (struct rac_auth_error){
        .code = RAC_S("ConnectionUnauthenticated"),
        .http_status = 401,
        .message = idle ? RAC_S("The connector does not exchange a person's token for one of its "
                                "own (customParameters.enableOnbehalfOfLogin). Sign in.")
                   : never ? RAC_S("Nobody has signed in with this connection yet. Sign in first.")
                           : RAC_S("The API no longer accepts this sign-in, and the identity "
                                   "provider gave no refresh token. Sign in again."),
        .detail = never ? RAC_S("SignInRequired") : RAC_S("Unauthorized"),
    };
    if (!never && !all_rejected(f)) { /* §4.7 step 6: it is used until a 401 */
        f->use_old = true;
        clear_intent(f);
    } else {
        mark(f, RAC_CONNECTION_UNAUTHENTICATED);
    }
}

/* How a new token can be had; false: not without a person. */
static bool choose_purpose(struct rac_flight *f, const struct rac_oauth_vars *v)
{
    const struct rac_oauth_settings *s = v->settings;
    enum rac_grant grant = rac_oauth_grant(v, &f->a);
    bool alone = s->refresh_body.text.n > 0 && !s->refresh_body.ours &&
                 !rac_oauth_mentions(s->refresh_body.text, RAC_S("RefreshToken"));
    f->purpose = RAC_TOKEN_REFRESH;
    if (s->refresh_url.text.n > 0 && f->row.refresh.n > 0)
        return true;
    if (grant == RAC_GRANT_CLIENT_CREDENTIALS || grant == RAC_GRANT_PASSWORD) {
        f->purpose = RAC_TOKEN_OBTAIN;
        return true;
    }
    if (v->assertion.n > 0 &&
        (s->on_behalf_of || grant == RAC_GRANT_ON_BEHALF_OF || grant == RAC_GRANT_TOKEN_EXCHANGE)) {
        f->purpose = RAC_TOKEN_ON_BEHALF;
        return true;
    }
    /* Some templates need no refresh token: they repeat the client's own credentials. */
    return s->refresh_url.text.n > 0 && alone && f->row.access.n > 0 &&
           rac_str_findi(s->refresh_body.text, RAC_S("client_credentials")) != RAC_STR_NPOS;
}

static void plan_request(struct rac_flight *f, const struct rac_connection *c,
                         const struct rac_oauth_settings *s, rac_str connector_id)
{
    struct rac_oauth_vars v = {.settings = s, .connection = c};
    v.refresh_token = f->row.refresh;
    v.assertion = rac_connection_token_of(&f->row, &f->a).assertion;
    v.redirect_url = rac_auth_redirect_url(f->auth, s, connector_id, &f->a);
    if (s->problem.n > 0) {
        f->error = (struct rac_auth_error){.code = RAC_S("ConnectionUnauthenticated"),
                                           .http_status = 401,
                                           .message = rac_arena_str(&f->a, s->problem),
                                           .detail = RAC_S("RC-OA-01")};
        f->use_old = still_good(f);
        deliver(f, RAC_E_UNAUTHENTICATED);
        return;
    }
    if (!choose_purpose(f, &v)) {
        no_way(f);
        return;
    }
    rac_err e = rac_token_post_build(&f->post, f->auth, &v, f->purpose, &f->a, &f->error);
    if (e != RAC_OK) {
        f->use_old = still_good(f);
        deliver(f, RAC_E_UNAUTHENTICATED);
        return;
    }
    /* A recovery asks in any case: its intent has to go. Without a connection nothing stands that
     * could be called again and again; its user corrects it and tries at once. */
    if (!f->recovering && f->key.connection.n > 0 &&
        rac_auth_refused_lately(f->auth, request_mark(f), &f->a, &f->error)) {
        deliver(f, RAC_E_UNAUTHENTICATED);
        return;
    }
    intend(f);
}

static rac_err read_row(struct rac_flight *f, const struct rac_connection *given)
{
    const struct rac_connector_store *s = f->auth->env.store;
    rac_err e = RAC_E_NOT_FOUND;
    if (s != NULL && f->key.connection.n > 0)
        e = s->oauth_get(s->self, f->key.tenant, f->key.connection, f->key.parameter, &f->a,
                         &f->row);
    f->has_row = e == RAC_OK;
    f->recovering = f->has_row && f->row.intent_ms > 0 && !f->intended;
    if (e == RAC_OK) {
        f->generation = f->row.generation;
        return RAC_OK;
    }
    if (e != RAC_E_NOT_FOUND)
        return e;
    const struct rac_oauth_token *t = rac_connection_token(given, f->key.parameter);
    f->row = t != NULL ? rac_connection_token_row(t, &f->a) : (struct rac_oauth_row){0};
    f->row.parameter = f->row.type = f->row.scope = RAC_STR_NULL;
    f->row.access = rac_arena_str(&f->a, f->row.access);
    f->row.refresh = rac_arena_str(&f->a, f->row.refresh);
    return RAC_OK;
}

static void look_at(struct rac_flight *f, const struct rac_connection *given,
                    const struct rac_oauth_settings *settings)
{
    const struct rac_auth_source *source = f->auth->env.source;
    struct rac_auth_target t = {0};
    rac_err e = ++f->looks > LOOKS_MAX ? RAC_E_BUSY : read_row(f, given);
    if (e != RAC_OK) {
        deliver_store_error(f, e);
        return;
    }
    bool nothing_to_do = f->settling && f->waiters == NULL && !f->recovering;
    if (nothing_to_do || is_fresh(f) ||
        (still_good(f) && rac_auth_failed_lately(f->auth, &f->key) && !any_rejected(f))) {
        deliver(f, RAC_OK);
        return;
    }
    if (settings != NULL) {
        plan_request(f, given, settings, RAC_STR_NULL);
        return;
    }
    e = source != NULL ? source->open(source->self, &f->key, &f->a, &t) : RAC_E_NOT_FOUND;
    if (e != RAC_OK) {
        deliver_store_error(f, e);
        return;
    }
    plan_request(f, t.connection, t.settings, t.connector_id);
    source->release(source->self, &t);
}

static void look(struct rac_flight *f)
{
    look_at(f, NULL, NULL);
}

/* --- joining ---------------------------------------------------------------------------------- */

static struct rac_flight *find_flight(struct rac_auth *auth, const struct rac_auth_key *key)
{
    for (struct rac_flight *f = auth->flights; f != NULL; f = f->next)
        if (rac_auth_key_eq(&f->key, key))
            return f;
    return NULL;
}

static struct rac_flight *new_flight(struct rac_auth *auth, const struct rac_auth_key *key)
{
    struct rac_flight *f = rac_mem_alloc(sizeof *f);
    f->magic = FLIGHT_MAGIC;
    f->state = FLIGHT_LOOK;
    f->auth = auth;
    rac_arena_init(&f->a, RAC_AUTH_FLIGHT_BYTES_MAX);
    rac_arena_wipe_at_end(&f->a);
    f->key = rac_auth_key_copy(key, &f->a);
    f->next = auth->flights;
    auth->flights = f;
    return f;
}

static void add_waiter(struct rac_flight *f, struct rac_auth_waiter *w)
{
    w->next = f->waiters;
    f->waiters = w;
    f->waiters_n++;
}

/* Too many wait already: a flight of its own that only says so. */
static void turn_away(struct rac_auth *auth, struct rac_auth_waiter *w)
{
    struct rac_auth_key nowhere = {0};
    struct rac_flight *f = new_flight(auth, &nowhere);
    add_waiter(f, w);
    f->error = (struct rac_auth_error){
        .code = RAC_S("RateLimited"),
        .http_status = 429,
        .message = RAC_S("Too many calls are waiting for this connection to be signed in again."),
        .retry_after_s = 1};
    deliver(f, RAC_E_BUSY);
}

void rac_flight_join(struct rac_auth *auth, const struct rac_auth_key *key,
                     const struct rac_connection *given, const struct rac_oauth_settings *settings,
                     struct rac_auth_waiter *w)
{
    /* Without an id there is nothing to share: two command lines in one process never meet. */
    struct rac_flight *f = key->connection.n > 0 ? find_flight(auth, key) : NULL;
    if (f != NULL && f->waiters_n >= auth->env.waiters_max) {
        turn_away(auth, w);
        return;
    }
    /* A flight that delivers a token the caller has just seen refused is of no use to it. */
    if (f != NULL && f->state == FLIGHT_DELIVER && w->rejected.n > 0 &&
        rac_str_eq(w->rejected, f->row.access))
        f = NULL;
    if (f != NULL) {
        add_waiter(f, w);
        if (f->state == FLIGHT_UNSAVED)
            save(f);
        return;
    }
    f = new_flight(auth, key);
    add_waiter(f, w);
    look_at(f, given, settings);
}

bool rac_flight_leave(struct rac_auth *auth, struct rac_auth_waiter *w)
{
    for (struct rac_flight *f = auth->flights; f != NULL; f = f->next)
        for (struct rac_auth_waiter **at = &f->waiters; *at != NULL; at = &(*at)->next)
            if (*at == w) {
                *at = w->next;
                f->waiters_n--;
                return true;
            }
    return false;
}

void rac_flight_recover(struct rac_auth *auth, const struct rac_auth_key *key)
{
    if (find_flight(auth, key) != NULL)
        return;
    struct rac_flight *f = new_flight(auth, key);
    f->settling = true;
    rac_log(RAC_INFO, "auth.refresh_recovered", RAC_F_STR("connection", key->connection));
    look(f);
}

void rac_flights_save(struct rac_auth *auth)
{
    for (struct rac_flight *f = auth->flights; f != NULL; f = f->next)
        if (f->state == FLIGHT_UNSAVED)
            save(f);
}

void rac_flights_free(struct rac_auth *auth)
{
    const struct rac_fetcher *fetcher = auth->env.fetcher;
    while (auth->flights != NULL) {
        struct rac_flight *f = auth->flights;
        auth->flights = f->next;
        if (f->state == FLIGHT_ASK && f->post.fetch != NULL)
            fetcher->cancel(fetcher->self, f->post.fetch);
        while (f->waiters != NULL) {
            struct rac_auth_waiter *w = f->waiters;
            f->waiters = w->next;
            w->drop(w);
        }
        free_flight(f);
    }
}
