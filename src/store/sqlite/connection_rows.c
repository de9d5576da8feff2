/*
 * Connections. Values that are not secret stand in the row; the others are one sealed record. The
 * clear text of a secret exists on the caller's thread only: it is sealed before a write is queued
 * and opened after a read, so neither the writer nor its queue ever holds one.
 */
#include "store/sqlite/store_priv.h"

static const char place[] = "connections";

static const char revoked_text[] = "the connector is no longer shared with the owner of this "
                                   "connection; ask its owner to share it again";

static void read_row(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    struct rac_connection_row *c = row;
    *c = (struct rac_connection_row){
        .id = rac_db_str(r, 0, a),
        .connector = rac_db_str(r, 1, a),
        .group = rac_db_str(r, 2, a),
        .owner = rac_db_str(r, 3, a),
        .display_name = rac_db_str(r, 4, a),
        .set = rac_db_str(r, 5, a),
        .values = rac_db_str(r, 6, a),
        .has_secrets = rac_db_i64(r, 7) != 0,
        .shareable = rac_db_i64(r, 8) != 0,
        .status = {.status = (enum rac_connection_status)rac_db_i64(r, 9),
                   .target = rac_db_str(r, 10, a),
                   .code = rac_db_str(r, 11, a),
                   .message = rac_db_str(r, 12, a)},
        .version = rac_db_i64(r, 13),
        .created_ms = rac_db_i64(r, 14),
        .changed_ms = rac_db_i64(r, 15),
        .tested_ms = rac_db_i64(r, 16),
        .created_by = rac_db_str(r, 17, a),
        .changed_by = rac_db_str(r, 18, a),
    };
    if (rac_db_i64(r, 19) > 0) /* however signing in goes */
        c->status = (struct rac_status){.status = RAC_CONNECTION_ERROR,
                                        .code = RAC_CONNECTION_REVOKED,
                                        .message = rac_str_of(revoked_text)};
}

static rac_err connection_get(void *self, rac_str tenant, rac_str id, struct rac_arena *a,
                              struct rac_connection_row *out)
{
    struct rac_db_rows r =
        RAC_DB_QUERY(&rac_session(self)->db, CONNECTION_GET, V_STR(tenant), V_STR(id));
    bool found = rac_db_next(&r);
    if (found)
        read_row(&r, a, out);
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

static rac_err connection_secrets(void *self, rac_str tenant, rac_str id, struct rac_arena *a,
                                  rac_str *json)
{
    struct rac_store_session *ses = rac_session(self);
    struct rac_db_rows r = RAC_DB_QUERY(&ses->db, CONNECTION_SEALED, V_STR(tenant), V_STR(id));
    bool found = rac_db_next(&r);
    rac_str sealed = found ? rac_db_str(&r, 0, a) : RAC_STR_NULL;
    rac_err e = rac_db_end(&r);
    if (e != RAC_OK || !found)
        return e != RAC_OK ? e : RAC_E_NOT_FOUND;
    if (sealed.p == NULL) {
        *json = RAC_S("{}");
        return RAC_OK;
    }
    return rac_store_unseal(ses->s, tenant, place, id, sealed, a, json);
}

static rac_err connection_list(void *self, rac_str tenant, const struct rac_connection_query *q,
                               struct rac_arena *a, struct rac_connection_row **v, size_t *n,
                               bool *more)
{
    size_t page = rac_page_size(q->n_max);
    struct rac_db_rows r =
        RAC_DB_QUERY(&rac_session(self)->db, CONNECTION_LIST, V_STR(tenant), V_TEXT(q->after),
                     V_STR(q->group), V_STR(q->connector), V_STR(q->visible_to),
                     V_STR(rac_id_list(a, RAC_STR_NULL, q->all_of, q->all_of_n)),
                     V_STR(rac_id_list(a, q->visible_to, q->teams, q->teams_n)), V_I64(page + 1));
    return RAC_DB_ALL(&r, page, read_row, a, v, n, more);
}

/* --- saving --- */

struct save {
    struct rac_connection_save r;
    struct rac_status status;
    rac_str sealed;
};

static rac_err put_status(struct rac_store *s, struct rac_write *w, rac_str id,
                          const struct rac_status *st, bool tested)
{
    return RAC_DB_RUN(&s->db, CONNECTION_STATUS, NULL, V_STR(w->tenant), V_STR(id),
                      V_I64(st->status), V_STR(st->target), V_STR(st->code), V_STR(st->message),
                      V_I64(w->actor.at_ms), V_I64(tested));
}

static rac_err create(struct rac_store *s, struct rac_write *w)
{
    const struct save *q = w->req;
    const struct rac_connection_save *r = &q->r;
    int64_t n;
    rac_err e = RAC_DB_NUMBER(&s->db, CONNECTOR_NEWEST, &n, V_STR(w->tenant), V_STR(r->connector));
    if (e == RAC_E_NOT_FOUND)
        return rac_write_fail(w, e, "there is no such connector");
    if (e == RAC_OK)
        e = RAC_DB_NUMBER(&s->db, GROUP_EXISTS, &n, V_STR(w->tenant), V_STR(r->group));
    if (e == RAC_E_NOT_FOUND)
        return rac_write_fail(w, e, "there is no such resource group");
    if (e != RAC_OK)
        return e;
    rac_str values = r->values.p != NULL ? r->values : RAC_S("{}");
    rac_str set = r->set.n > 0 ? r->set : RAC_STR_NULL;
    e = RAC_DB_RUN(&s->db, CONNECTION_ADD, NULL, V_STR(w->tenant), V_STR(r->id),
                   V_STR(r->connector), V_STR(r->group), V_STR(r->owner), V_TEXT(r->display_name),
                   V_STR(set), V_STR(values), V_BLOB(q->sealed), V_I64(r->shareable != 0),
                   V_I64(q->status.status), V_STR(q->status.target), V_STR(q->status.code),
                   V_STR(q->status.message), V_I64(w->actor.at_ms), V_STR(w->actor.user));
    if (e == RAC_E_EXISTS)
        return rac_write_fail(w, e, "a connection with this id exists");
    w->commit.version = 1;
    return e == RAC_OK ? rac_audit(s, w, "connection.created", "connection", r->id, 0) : e;
}

static rac_err update(struct rac_store *s, struct rac_write *w)
{
    const struct save *q = w->req;
    const struct rac_connection_save *r = &q->r;
    int64_t version = 0;
    rac_err e = RAC_DB_NUMBER(&s->db, CONNECTION_VERSION, &version, V_STR(w->tenant), V_STR(r->id));
    if (e == RAC_OK)
        e = rac_check_version(w, r->if_version, version);
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, CONNECTION_SET, NULL, V_STR(w->tenant), V_STR(r->id),
                       V_STR(r->owner), V_STR(r->display_name),
                       V_STR(r->set.n > 0 ? r->set : RAC_STR_NULL), V_I64(r->set.p != NULL),
                       V_BLOB(q->sealed), V_I64(r->secrets.p != NULL), V_STR(r->values),
                       V_I64(r->shareable), V_I64(w->actor.at_ms), V_STR(w->actor.user));
    if (e == RAC_OK && r->forget_tokens)
        e = RAC_DB_RUN(&s->db, OAUTH_FORGET_ALL, NULL, V_STR(w->tenant), V_STR(r->id),
                       V_BYTES("", 0));
    if (e == RAC_OK && r->status != NULL)
        e = put_status(s, w, r->id, &q->status, false);
    if (e == RAC_OK)
        e = RAC_DB_NUMBER(&s->db, CONNECTION_VERSION, &w->commit.version, V_STR(w->tenant),
                          V_STR(r->id));
    return e == RAC_OK ? rac_audit(s, w, "connection.updated", "connection", r->id, 0) : e;
}

static rac_err save_apply(struct rac_store *s, struct rac_write *w)
{
    const struct rac_connection_save *r = &RAC_WRITE_REQ(w, struct save)->r;
    w->commit.id = r->id;
    return r->create ? create(s, w) : update(s, w);
}

static void copy_status(struct rac_arena *a, struct rac_status *out, const struct rac_status *st)
{
    *out = (struct rac_status){.status = st->status,
                               .target = rac_copy(a, st->target),
                               .code = rac_copy(a, st->code),
                               .message = rac_copy(a, st->message)};
}

static void connection_save(void *self, rac_str tenant, const struct rac_connection_save *r,
                            rac_commit_fn done, void *arg)
{
    struct rac_store_session *ses = rac_session(self);
    struct rac_write *w =
        rac_write_new(ses, save_apply, tenant, &r->actor, RAC_TOUCH_CONNECTIONS, done, arg);
    struct rac_arena *a = &w->a;
    struct save *q = RAC_NEW(a, struct save);
    q->r = *r;
    q->status.status = RAC_CONNECTION_UNAUTHENTICATED;
    if (r->status != NULL)
        copy_status(a, &q->status, r->status);
    rac_str *const texts[] = {&q->r.id,  &q->r.connector,    &q->r.group, &q->r.owner,
                              &q->r.set, &q->r.display_name, &q->r.values};
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        *texts[i] = rac_copy(a, *texts[i]);
    rac_err e = RAC_OK;
    if (r->secrets.n > 0)
        e = rac_store_seal(ses->s, tenant, place, r->id, r->secrets, a, &q->sealed);
    q->r.secrets = r->secrets.p != NULL ? RAC_S("sealed") : RAC_STR_NULL; /* only "is there one" */
    w->req = q;
    if (e != RAC_OK)
        rac_write_refuse(w, e, "the secret values could not be sealed");
    else if (rac_arena_over(a))
        rac_write_refuse(w, RAC_E_LIMIT, "the connection is too large to be kept");
    else
        rac_write_submit(w);
}

/* Are the tokens still those the mark is about? */
static rac_err check_generation(struct rac_store *s, struct rac_write *w,
                                const struct rac_connection_mark *r)
{
    int64_t generation = -1;
    if (r->if_generation == 0)
        return RAC_OK;
    rac_err e = RAC_DB_NUMBER(&s->db, OAUTH_GENERATION, &generation, V_STR(w->tenant), V_STR(r->id),
                              V_STR(r->status.target));
    if (e == RAC_OK || e == RAC_E_NOT_FOUND)
        e = generation == r->if_generation ? RAC_OK : RAC_E_CONFLICT;
    return e;
}

static rac_err mark_apply(struct rac_store *s, struct rac_write *w)
{
    const struct rac_connection_mark *r = w->req;
    w->commit.id = r->id;
    int64_t version;
    rac_err e = RAC_DB_NUMBER(&s->db, CONNECTION_VERSION, &version, V_STR(w->tenant), V_STR(r->id));
    if (e == RAC_OK)
        e = rac_check_version(w, r->if_version, version);
    if (e == RAC_OK)
        e = check_generation(s, w, r);
    if (e == RAC_OK)
        e = put_status(s, w, r->id, &r->status, r->tested);
    if (e == RAC_OK)
        e = RAC_DB_NUMBER(&s->db, CONNECTION_VERSION, &w->commit.version, V_STR(w->tenant),
                          V_STR(r->id));
    if (e == RAC_OK && r->tested)
        e = rac_audit(s, w, "connection.tested", "connection", r->id, 0);
    return e;
}

static void connection_mark(void *self, rac_str tenant, const struct rac_connection_mark *r,
                            rac_commit_fn done, void *arg)
{
    struct rac_write *w = rac_write_new(rac_session(self), mark_apply, tenant, &r->actor,
                                        RAC_TOUCH_CONNECTIONS, done, arg);
    struct rac_connection_mark *q = RAC_NEW(&w->a, struct rac_connection_mark);
    *q = *r;
    q->id = rac_copy(&w->a, r->id);
    copy_status(&w->a, &q->status, &r->status);
    w->req = q;
    rac_write_submit(w);
}

static rac_err delete_apply(struct rac_store *s, struct rac_write *w)
{
    const struct rac_connection_delete *r = w->req;
    int64_t version = 0;
    w->commit.id = r->id;
    rac_err e = RAC_DB_NUMBER(&s->db, CONNECTION_VERSION, &version, V_STR(w->tenant), V_STR(r->id));
    if (e == RAC_OK)
        e = rac_check_version(w, r->if_version, version);
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, SHARE_DEL_ALL, NULL, V_STR(w->tenant), V_I64(RAC_SHARED_CONNECTION),
                       V_STR(r->id));
    if (e == RAC_OK) /* its tokens go with it */
        e = RAC_DB_RUN(&s->db, CONNECTION_DEL, NULL, V_STR(w->tenant), V_STR(r->id));
    return e == RAC_OK ? rac_audit(s, w, "connection.deleted", "connection", r->id, 0) : e;
}

static void connection_delete(void *self, rac_str tenant, const struct rac_connection_delete *r,
                              rac_commit_fn done, void *arg)
{
    struct rac_write *w = rac_write_new(rac_session(self), delete_apply, tenant, &r->actor,
                                        RAC_TOUCH_CONNECTIONS, done, arg);
    struct rac_connection_delete *q = RAC_NEW(&w->a, struct rac_connection_delete);
    *q = *r;
    q->id = rac_copy(&w->a, r->id);
    w->req = q;
    rac_write_submit(w);
}

void rac_connection_rows_port(struct rac_connector_store *p)
{
    p->connection_get = connection_get;
    p->connection_secrets = connection_secrets;
    p->connection_list = connection_list;
    p->connection_save = connection_save;
    p->connection_mark = connection_mark;
    p->connection_delete = connection_delete;
}
