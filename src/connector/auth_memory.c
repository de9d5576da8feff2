/*
 * auth_memory - the OAuth part of the store port in memory.
 *
 * For the command line, where a connection lives as long as the process, and for tests. Answers
 * come through defer, as commits of the real store do.
 */
#include "connector/auth.h"

#include "base/mem.h"
#include "base/secret.h"

enum { MEMORY_BYTES_MAX = 64 << 20, MEMORY_MAGIC = 0x6d656d6f };

struct row {
    struct row *next;
    rac_str tenant;
    struct rac_oauth_row v;
};
struct consent {
    struct consent *next;
    struct rac_consent v;
};
struct mark {
    struct mark *next;
    rac_str tenant, id;
    struct rac_status status;
};

struct rac_auth_memory {
    uint32_t magic;
    struct rac_arena a;
    const struct rac_auth_env *env;
    struct row *rows;
    struct consent *consents;
    struct mark *marks;
};

struct answer {
    rac_commit_fn done;
    void *arg;
    struct rac_commit commit;
};

static struct rac_auth_memory *memory(void *self)
{
    return RAC_CAST(self, struct rac_auth_memory, MEMORY_MAGIC);
}

static void answer_now(void *arg)
{
    struct answer *x = arg;
    x->done(x->arg, &x->commit);
    rac_mem_free(x);
}

static void answer(struct rac_auth_memory *m, rac_err e, int64_t version, rac_commit_fn done,
                   void *arg)
{
    struct answer *x = rac_mem_alloc(sizeof *x);
    *x = (struct answer){done, arg, {.err = e, .version = version}};
    m->env->defer(m->env->defer_self, answer_now, x);
}

static rac_str keep(struct rac_arena *a, rac_str s)
{
    return s.p == NULL ? s : rac_arena_str(a, s);
}

static rac_str keep_secret(struct rac_arena *a, rac_str s)
{
    s = keep(a, s);
    if (s.n > 0)
        rac_secret_wipe_with(a, s);
    return s;
}

static struct row *find(struct rac_auth_memory *m, rac_str tenant, rac_str connection,
                        rac_str parameter)
{
    for (struct row *r = m->rows; r != NULL; r = r->next)
        if (rac_str_eq(r->v.connection, connection) && rac_str_eq(r->tenant, tenant) &&
            rac_str_eq(r->v.parameter, parameter))
            return r;
    return NULL;
}

static struct rac_oauth_row copy_row(const struct rac_oauth_row *v, struct rac_arena *a)
{
    struct rac_oauth_row r = *v;
    r.connection = keep(a, v->connection);
    r.parameter = keep(a, v->parameter);
    r.access = keep_secret(a, v->access);
    r.refresh = keep_secret(a, v->refresh);
    r.id_token = keep_secret(a, v->id_token);
    r.type = keep(a, v->type);
    r.scope = keep(a, v->scope);
    r.extra = keep_secret(a, v->extra);
    return r;
}

static rac_err oauth_list(void *self, rac_str tenant, rac_str connection, struct rac_arena *a,
                          struct rac_oauth_row **v, size_t *n)
{
    struct rac_auth_memory *m = memory(self);
    size_t count = 0, i = 0;
    for (struct row *r = m->rows; r != NULL; r = r->next)
        count += rac_str_eq(r->v.connection, connection) && rac_str_eq(r->tenant, tenant);
    *v = RAC_NEW_N(a, struct rac_oauth_row, count);
    for (struct row *r = m->rows; r != NULL; r = r->next)
        if (rac_str_eq(r->v.connection, connection) && rac_str_eq(r->tenant, tenant))
            (*v)[i++] = copy_row(&r->v, a);
    *n = count;
    return RAC_OK;
}

static rac_err oauth_get(void *self, rac_str tenant, rac_str connection, rac_str parameter,
                         struct rac_arena *a, struct rac_oauth_row *out)
{
    struct row *r = find(memory(self), tenant, connection, parameter);
    if (r == NULL)
        return RAC_E_NOT_FOUND;
    *out = copy_row(&r->v, a);
    return RAC_OK;
}

static rac_err oauth_intents(void *self, struct rac_arena *a, struct rac_oauth_pending **v,
                             size_t *n)
{
    struct rac_auth_memory *m = memory(self);
    size_t count = 0, i = 0;
    for (struct row *r = m->rows; r != NULL; r = r->next)
        count += r->v.intent_ms > 0;
    *v = RAC_NEW_N(a, struct rac_oauth_pending, count);
    for (struct row *r = m->rows; r != NULL; r = r->next)
        if (r->v.intent_ms > 0)
            (*v)[i++] = (struct rac_oauth_pending){r->tenant, r->v.connection, r->v.parameter,
                                                   r->v.generation, r->v.intent_ms};
    *n = count;
    return RAC_OK;
}

static void oauth_intent(void *self, rac_str tenant, const struct rac_oauth_intent *q,
                         rac_commit_fn done, void *arg)
{
    struct rac_auth_memory *m = memory(self);
    struct row *r = find(m, tenant, q->connection, q->parameter);
    rac_err e = r == NULL                                                     ? RAC_E_NOT_FOUND
                : q->if_generation > 0 && q->if_generation != r->v.generation ? RAC_E_CONFLICT
                                                                              : RAC_OK;
    if (e == RAC_OK)
        r->v.intent_ms = q->clear ? 0 : q->actor.at_ms;
    answer(m, e, r != NULL ? r->v.generation : 0, done, arg);
}

static void oauth_save(void *self, rac_str tenant, const struct rac_oauth_save *q,
                       rac_commit_fn done, void *arg)
{
    struct rac_auth_memory *m = memory(self);
    struct row *r = find(m, tenant, q->tokens.connection, q->tokens.parameter);
    int64_t have = r != NULL ? r->v.generation : -1;
    if (q->if_generation != 0 && q->if_generation != have) {
        answer(m, RAC_E_CONFLICT, have, done, arg);
        return;
    }
    if (r == NULL) {
        r = RAC_NEW(&m->a, struct row);
        r->next = m->rows;
        m->rows = r;
        have = 0;
    }
    r->tenant = keep(&m->a, tenant);
    r->v = copy_row(&q->tokens, &m->a);
    r->v.generation = have + 1;
    r->v.intent_ms = 0;
    answer(m, RAC_OK, r->v.generation, done, arg);
}

static void connection_mark(void *self, rac_str tenant, const struct rac_connection_mark *q,
                            rac_commit_fn done, void *arg)
{
    struct rac_auth_memory *m = memory(self);
    struct row *r = find(m, tenant, q->id, q->status.target);
    if (q->if_generation != 0 && q->if_generation != (r != NULL ? r->v.generation : -1)) {
        answer(m, RAC_E_CONFLICT, 0, done, arg);
        return;
    }
    struct mark *k = RAC_NEW(&m->a, struct mark);
    k->tenant = keep(&m->a, tenant);
    k->id = keep(&m->a, q->id);
    k->status = (struct rac_status){.status = q->status.status,
                                    .target = keep(&m->a, q->status.target),
                                    .code = keep(&m->a, q->status.code),
                                    .message = keep(&m->a, q->status.message)};
    k->next = m->marks;
    m->marks = k;
    answer(m, RAC_OK, 0, done, arg);
}

static void consent_begin(void *self, const struct rac_consent *c, const struct rac_actor *actor,
                          rac_commit_fn done, void *arg)
{
    struct rac_auth_memory *m = memory(self);
    struct rac_arena *a = &m->a;
    struct consent *k = m->consents;
    (void)actor;
    while (k != NULL && !rac_secret_equal(k->v.state, c->state))
        k = k->next;
    if (k == NULL) {
        k = RAC_NEW(a, struct consent);
        k->next = m->consents;
        m->consents = k;
    }
    k->v = (struct rac_consent){.state = keep_secret(a, c->state),
                                .tenant = keep(a, c->tenant),
                                .user = keep(a, c->user),
                                .connection = keep(a, c->connection),
                                .parameter = keep(a, c->parameter),
                                .redirect_url = keep(a, c->redirect_url),
                                .return_url = keep(a, c->return_url),
                                .verifier = keep_secret(a, c->verifier),
                                .detail = keep_secret(a, c->detail),
                                .expires_ms = c->expires_ms};
    answer(m, RAC_OK, 0, done, arg);
}

struct taking {
    struct rac_auth_memory *m;
    rac_consent_fn done;
    void *arg;
    struct consent *found;
};

static void take_now(void *arg)
{
    struct taking *t = arg;
    t->done(t->arg, t->found != NULL ? RAC_OK : RAC_E_NOT_FOUND,
            t->found != NULL ? &t->found->v : NULL);
    rac_mem_free(t);
}

static void consent_take(void *self, rac_str state, const struct rac_actor *actor,
                         rac_consent_fn done, void *arg)
{
    struct rac_auth_memory *m = memory(self);
    struct taking *t = rac_mem_alloc(sizeof *t);
    *t = (struct taking){m, done, arg, NULL};
    (void)actor;
    for (struct consent **at = &m->consents; *at != NULL && t->found == NULL;) {
        if (rac_secret_equal((*at)->v.state, state)) {
            t->found = *at;
            *at = t->found->next;
        } else {
            at = &(*at)->next;
        }
    }
    m->env->defer(m->env->defer_self, take_now, t);
}

struct rac_auth_memory *rac_auth_memory_new(const struct rac_auth_env *env)
{
    struct rac_auth_memory *m = rac_mem_alloc(sizeof *m);
    m->magic = MEMORY_MAGIC;
    m->env = env;
    rac_arena_init(&m->a, MEMORY_BYTES_MAX);
    rac_arena_wipe_at_end(&m->a);
    return m;
}

void rac_auth_memory_free(struct rac_auth_memory *m)
{
    if (m == NULL)
        return;
    rac_arena_fini(&m->a);
    m->magic = 0;
    rac_mem_free(m);
}

const struct rac_status *rac_auth_memory_status(const struct rac_auth_memory *m, rac_str tenant,
                                                rac_str connection)
{
    for (const struct mark *k = m->marks; k != NULL; k = k->next)
        if (rac_str_eq(k->id, connection) && rac_str_eq(k->tenant, tenant))
            return &k->status;
    return NULL;
}

struct rac_connector_store rac_auth_memory_store(struct rac_auth_memory *m)
{
    return (struct rac_connector_store){
        .self = m,
        .oauth_list = oauth_list,
        .oauth_get = oauth_get,
        .oauth_intents = oauth_intents,
        .oauth_intent = oauth_intent,
        .oauth_save = oauth_save,
        .connection_mark = connection_mark,
        .consent_begin = consent_begin,
        .consent_take = consent_take,
    };
}
