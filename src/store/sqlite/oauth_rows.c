/*
 * OAuth tokens, refresh intents, consents.
 *
 * A token row is replaced as a whole, with its generation as the guard: of two refreshes that both
 * started from generation 4, one writes 5 and the other gets RAC_E_CONFLICT, whatever workers or
 * nodes they ran on. Generations of a parameter never repeat: forgetting tokens empties the row and
 * counts on, so a refresh that began before cannot be taken for one of what came after.
 * Consents are kept under the digest of their state, so that the database does
 * not hold anything one could complete a consent with.
 */
#include "crypto/digest.h"
#include "store/sqlite/store_priv.h"

enum { LIST_MAX = 100000 };

static rac_str row_place(struct rac_arena *a, rac_str connection, rac_str parameter)
{
    return rac_arena_printf(a, "%.*s/%.*s", RAC_FMT(connection), RAC_FMT(parameter));
}

/* --- reading --- */

static rac_err read_row(struct rac_store_session *ses, rac_str tenant, rac_str connection,
                        struct rac_db_rows *r, struct rac_arena *a, struct rac_oauth_row *out)
{
    rac_str parameter = rac_db_str(r, 0, a), sealed = rac_db_str(r, 1, a), plain, v[4];
    rac_err e = rac_store_unseal(ses->s, tenant, "oauth_tokens",
                                 row_place(a, connection, parameter), sealed, a, &plain);
    if (e == RAC_OK && !rac_unpack(plain, v, RAC_COUNT(v)))
        e = RAC_E_CORRUPT;
    if (e != RAC_OK)
        return e;
    *out = (struct rac_oauth_row){
        .connection = rac_arena_str(a, connection),
        .parameter = parameter,
        .access = v[0],
        .refresh = v[1],
        .id_token = v[2],
        .extra = v[3],
        .type = rac_db_str(r, 2, a),
        .scope = rac_db_str(r, 3, a),
        .obtained_ms = rac_db_i64(r, 4),
        .expires_ms = rac_db_i64(r, 5),
        .generation = rac_db_i64(r, 6),
        .intent_ms = rac_db_i64(r, 7),
    };
    return RAC_OK;
}

static rac_err oauth_list(void *self, rac_str tenant, rac_str connection, struct rac_arena *a,
                          struct rac_oauth_row **v, size_t *n)
{
    struct rac_store_session *ses = rac_session(self);
    struct rac_db_rows r = RAC_DB_QUERY(&ses->db, OAUTH_LIST, V_STR(tenant), V_STR(connection));
    struct rac_oauth_row *rows = NULL;
    size_t got = 0;
    rac_err e = RAC_OK;
    while (e == RAC_OK && got < LIST_MAX && rac_db_next(&r)) {
        rows = rac_arena_grow(a, rows, got * sizeof *rows, (got + 1) * sizeof *rows);
        e = read_row(ses, tenant, connection, &r, a, &rows[got]);
        got += e == RAC_OK;
    }
    rac_err end = rac_db_end(&r);
    *v = rows;
    *n = got;
    return e != RAC_OK ? e : end;
}

static rac_err oauth_get(void *self, rac_str tenant, rac_str connection, rac_str parameter,
                         struct rac_arena *a, struct rac_oauth_row *out)
{
    struct rac_store_session *ses = rac_session(self);
    struct rac_db_rows r =
        RAC_DB_QUERY(&ses->db, OAUTH_GET, V_STR(tenant), V_STR(connection), V_STR(parameter));
    rac_err e = RAC_E_NOT_FOUND;
    if (rac_db_next(&r))
        e = read_row(ses, tenant, connection, &r, a, out);
    rac_err end = rac_db_end(&r);
    return end != RAC_OK ? end : e;
}

static void read_pending(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    *(struct rac_oauth_pending *)row = (struct rac_oauth_pending){.tenant = rac_db_str(r, 0, a),
                                                                  .connection = rac_db_str(r, 1, a),
                                                                  .parameter = rac_db_str(r, 2, a),
                                                                  .generation = rac_db_i64(r, 3),
                                                                  .intent_ms = rac_db_i64(r, 4)};
}

static rac_err oauth_intents(void *self, struct rac_arena *a, struct rac_oauth_pending **v,
                             size_t *n)
{
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, OAUTH_INTENTS);
    return RAC_DB_ALL(&r, LIST_MAX, read_pending, a, v, n, NULL);
}

/* --- writing --- */

static rac_err intent_apply(struct rac_store *s, struct rac_write *w)
{
    const struct rac_oauth_intent *r = w->req;
    int64_t generation = 0;
    w->commit.id = r->connection;
    rac_err e = RAC_DB_NUMBER(&s->db, OAUTH_GENERATION, &generation, V_STR(w->tenant),
                              V_STR(r->connection), V_STR(r->parameter));
    if (e == RAC_OK)
        e = rac_check_version(w, r->if_generation, generation);
    if (e != RAC_OK)
        return e;
    w->commit.version = generation;
    return RAC_DB_RUN(&s->db, OAUTH_INTENT, NULL, V_STR(w->tenant), V_STR(r->connection),
                      V_STR(r->parameter), V_I64(r->clear ? 0 : w->actor.at_ms));
}

static void oauth_intent(void *self, rac_str tenant, const struct rac_oauth_intent *r,
                         rac_commit_fn done, void *arg)
{
    struct rac_write *w =
        rac_write_new(rac_session(self), intent_apply, tenant, &r->actor, 0, done, arg);
    struct rac_oauth_intent *q = RAC_NEW(&w->a, struct rac_oauth_intent);
    *q = *r;
    q->connection = rac_copy(&w->a, r->connection);
    q->parameter = rac_copy(&w->a, r->parameter);
    w->req = q;
    rac_write_submit(w);
}

struct save {
    struct rac_oauth_row row; /* secrets absent */
    int64_t if_generation;
    bool has_status;
    struct rac_status status;
    rac_str sealed;
};

static rac_err save_apply(struct rac_store *s, struct rac_write *w)
{
    const struct save *q = w->req;
    const struct rac_oauth_row *t = &q->row;
    int64_t generation = 0, ever = 0, version;
    w->commit.id = t->connection;
    rac_err e =
        RAC_DB_NUMBER(&s->db, CONNECTION_VERSION, &version, V_STR(w->tenant), V_STR(t->connection));
    if (e == RAC_E_NOT_FOUND)
        return rac_write_fail(w, e, "the connection is gone");
    if (e == RAC_OK)
        e = RAC_DB_NUMBER(&s->db, OAUTH_GENERATION, &generation, V_STR(w->tenant),
                          V_STR(t->connection), V_STR(t->parameter));
    if (e == RAC_E_NOT_FOUND) { /* the first token; guarded by "none yet" or not at all */
        e = RAC_OK;
        if (q->if_generation > 0)
            e = RAC_E_CONFLICT;
    } else if (e == RAC_OK) {
        e = rac_check_version(w, q->if_generation, generation);
    }
    if (e == RAC_OK)
        e = RAC_DB_NUMBER(&s->db, OAUTH_GENERATION_EVER, &ever, V_STR(w->tenant),
                          V_STR(t->connection), V_STR(t->parameter));
    if (e != RAC_OK && e != RAC_E_NOT_FOUND)
        return e;
    w->commit.version = ever + 1;
    e = RAC_DB_RUN(&s->db, OAUTH_PUT, NULL, V_STR(w->tenant), V_STR(t->connection),
                   V_STR(t->parameter), V_BLOB(q->sealed), V_STR(t->type), V_STR(t->scope),
                   V_I64(t->obtained_ms), V_I64(t->expires_ms), V_I64(ever + 1));
    if (e == RAC_OK && q->has_status)
        e = RAC_DB_RUN(&s->db, CONNECTION_STATUS, NULL, V_STR(w->tenant), V_STR(t->connection),
                       V_I64(q->status.status), V_STR(q->status.target), V_STR(q->status.code),
                       V_STR(q->status.message), V_I64(w->actor.at_ms), V_I64(0));
    if (e != RAC_OK || w->actor.user.p == NULL) /* a refresh is no news */
        return e;
    /* Somebody signed in: what was found out before is not about these tokens (if_version). */
    e = RAC_DB_RUN(&s->db, CONNECTION_TOUCH, NULL, V_STR(w->tenant), V_STR(t->connection));
    if (e == RAC_OK)
        e = rac_audit(s, w, "connection.consented", "connection", t->connection, 0);
    return e;
}

static void oauth_save(void *self, rac_str tenant, const struct rac_oauth_save *r,
                       rac_commit_fn done, void *arg)
{
    struct rac_store_session *ses = rac_session(self);
    struct rac_write *w =
        rac_write_new(ses, save_apply, tenant, &r->actor, RAC_TOUCH_CONNECTIONS, done, arg);
    struct rac_arena *a = &w->a;
    struct save *q = RAC_NEW(a, struct save);
    const struct rac_oauth_row *t = &r->tokens;
    q->row = (struct rac_oauth_row){.connection = rac_copy(a, t->connection),
                                    .parameter = rac_copy(a, t->parameter),
                                    .type = rac_copy(a, t->type),
                                    .scope = rac_copy(a, t->scope),
                                    .obtained_ms = t->obtained_ms,
                                    .expires_ms = t->expires_ms};
    q->if_generation = r->if_generation;
    if (r->status != NULL) {
        q->has_status = true;
        q->status = (struct rac_status){.status = r->status->status,
                                        .target = rac_copy(a, r->status->target),
                                        .code = rac_copy(a, r->status->code),
                                        .message = rac_copy(a, r->status->message)};
    }
    const rac_str secrets[] = {t->access, t->refresh, t->id_token, t->extra};
    rac_str plain = rac_pack(a, secrets, RAC_COUNT(secrets));
    rac_err e = rac_store_seal(ses->s, tenant, "oauth_tokens",
                               row_place(a, t->connection, t->parameter), plain, a, &q->sealed);
    rac_secret_wipe((char *)(uintptr_t)plain.p, plain.n);
    w->req = q;
    if (e != RAC_OK)
        rac_write_refuse(w, e, "the tokens could not be sealed");
    else
        rac_write_submit(w);
}

/* --- consents --- */

struct consent {
    struct rac_consent c; /* state, verifier and detail absent until opened */
    uint8_t digest[RAC_SHA256_BYTES];
    rac_str place, sealed;
};

static rac_err begin_apply(struct rac_store *s, struct rac_write *w)
{
    const struct consent *q = w->req;
    const struct rac_consent *c = &q->c;
    w->commit.id = c->connection;
    return RAC_DB_RUN(&s->db, CONSENT_ADD, NULL, V_STR(w->tenant),
                      V_BYTES(q->digest, sizeof q->digest), V_STR(c->user), V_STR(c->connection),
                      V_STR(c->parameter), V_TEXT(c->redirect_url), V_STR(c->return_url),
                      V_BLOB(q->sealed), V_I64(c->expires_ms));
}

static void consent_begin(void *self, const struct rac_consent *c, const struct rac_actor *actor,
                          rac_commit_fn done, void *arg)
{
    struct rac_store_session *ses = rac_session(self);
    struct rac_write *w = rac_write_new(ses, begin_apply, c->tenant, actor, 0, done, arg);
    struct rac_arena *a = &w->a;
    struct consent *q = RAC_NEW(a, struct consent);
    q->c = (struct rac_consent){.user = rac_copy(a, c->user),
                                .connection = rac_copy(a, c->connection),
                                .parameter = rac_copy(a, c->parameter),
                                .redirect_url = rac_copy(a, c->redirect_url),
                                .return_url = rac_copy(a, c->return_url),
                                .expires_ms = c->expires_ms};
    rac_sha256(c->state, q->digest);
    const rac_str secrets[] = {c->verifier, c->detail};
    rac_str plain = rac_pack(a, secrets, RAC_COUNT(secrets));
    rac_err e = rac_store_seal(ses->s, c->tenant, "consents",
                               rac_hex(a, q->digest, sizeof q->digest), plain, a, &q->sealed);
    rac_secret_wipe((char *)(uintptr_t)plain.p, plain.n);
    w->req = q;
    if (e != RAC_OK)
        rac_write_refuse(w, e, "the consent could not be sealed");
    else
        rac_write_submit(w);
}

static rac_err take_apply(struct rac_store *s, struct rac_write *w)
{
    struct consent *q = (struct consent *)(uintptr_t)w->req;
    rac_str digest = {(const char *)q->digest, sizeof q->digest};
    struct rac_db_rows r = RAC_DB_QUERY(&s->db, CONSENT_GET, V_BLOB(digest));
    bool found = rac_db_next(&r);
    if (found) {
        struct rac_arena *a = &w->a;
        q->c = (struct rac_consent){.tenant = rac_db_str(&r, 0, a),
                                    .user = rac_db_str(&r, 1, a),
                                    .connection = rac_db_str(&r, 2, a),
                                    .parameter = rac_db_str(&r, 3, a),
                                    .redirect_url = rac_db_str(&r, 4, a),
                                    .return_url = rac_db_str(&r, 5, a),
                                    .expires_ms = rac_db_i64(&r, 7)};
        q->sealed = rac_db_str(&r, 6, a);
    }
    rac_err e = rac_db_end(&r);
    if (e == RAC_OK && !found)
        e = RAC_E_NOT_FOUND;
    if (e == RAC_OK) /* an expired one is used up as well */
        e = RAC_DB_RUN(&s->db, CONSENT_DEL, NULL, V_BLOB(digest));
    return e;
}

static void take_finish(struct rac_store_session *ses, struct rac_write *w)
{
    struct consent *q = (struct consent *)(uintptr_t)w->req;
    rac_err e = w->commit.err;
    if (e == RAC_OK && q->c.expires_ms <= w->actor.at_ms)
        e = RAC_E_NOT_FOUND;
    rac_str plain, v[2];
    if (e == RAC_OK)
        e = rac_store_unseal(ses->s, q->c.tenant, "consents",
                             rac_hex(&w->a, q->digest, sizeof q->digest), q->sealed, &w->a, &plain);
    if (e == RAC_OK && !rac_unpack(plain, v, RAC_COUNT(v)))
        e = RAC_E_CORRUPT;
    if (e == RAC_OK) {
        q->c.verifier = v[0];
        q->c.detail = v[1];
    }
    ((rac_consent_fn)w->finish_fn)(w->arg, e, e == RAC_OK ? &q->c : NULL);
}

static void consent_take(void *self, rac_str state, const struct rac_actor *actor,
                         rac_consent_fn done, void *arg)
{
    struct rac_write *w =
        rac_write_new(rac_session(self), take_apply, RAC_STR_NULL, actor, 0, NULL, arg);
    struct consent *q = RAC_NEW(&w->a, struct consent);
    rac_sha256(state, q->digest);
    w->req = q;
    w->finish = take_finish;
    w->finish_fn = (void *)done;
    rac_write_submit(w);
}

void rac_oauth_rows_port(struct rac_connector_store *p)
{
    p->oauth_list = oauth_list;
    p->oauth_get = oauth_get;
    p->oauth_intents = oauth_intents;
    p->oauth_intent = oauth_intent;
    p->oauth_save = oauth_save;
    p->consent_begin = consent_begin;
    p->consent_take = consent_take;
}
