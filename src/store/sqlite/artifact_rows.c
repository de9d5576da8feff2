/*
 * Integration accounts, their maps and schemas. A content is a blob of the tenant under its digest;
 * the one that was replaced goes with the change, unless somebody else has the same.
 */
#include "crypto/digest.h"
#include "store/sqlite/store_priv.h"

static const char accounts_place[] = "accounts"; /* its keys: id/1, id/2 */

/* --- reading ---------------------------------------------------------------------------------- */

static void read_account(struct rac_db_rows *r, struct rac_arena *a, struct rac_account_row *x)
{
    *x = (struct rac_account_row){.id = rac_db_str(r, 0, a),
                                  .group = rac_db_str(r, 1, a),
                                  .owner = rac_db_str(r, 2, a),
                                  .name = rac_db_str(r, 3, a),
                                  .properties = rac_db_str(r, 4, a),
                                  .version = rac_db_i64(r, 5),
                                  .created_ms = rac_db_i64(r, 6),
                                  .changed_ms = rac_db_i64(r, 7)};
}

static rac_str key_place(struct rac_arena *a, rac_str id, int which)
{
    return rac_arena_printf(a, "%.*s/%d", RAC_FMT(id), which);
}

static rac_err unseal_key(struct rac_store *s, const struct rac_account_row *x, int which,
                          rac_str sealed, struct rac_arena *a, rac_str *out)
{
    return sealed.p == NULL ? RAC_OK
                            : rac_store_unseal(s, x->tenant, accounts_place,
                                               key_place(a, x->id, which), sealed, a, out);
}

static rac_err account_one(struct rac_db_rows r, struct rac_arena *a, struct rac_account_row *out)
{
    bool found = rac_db_next(&r);
    if (found)
        read_account(&r, a, out);
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

static rac_err account_get(void *self, rac_str tenant, rac_str id, struct rac_arena *a,
                           struct rac_account_row *out)
{
    return account_one(RAC_DB_QUERY(&rac_session(self)->db, ACCOUNT_GET, V_STR(tenant), V_STR(id)),
                       a, out);
}

static rac_err account_any(void *self, rac_str id, struct rac_arena *a, struct rac_account_row *out)
{
    struct rac_store_session *ses = rac_session(self);
    struct rac_db_rows r = RAC_DB_QUERY(&ses->db, ACCOUNT_ANY, V_STR(id));
    rac_str sealed1 = RAC_STR_NULL, sealed2 = RAC_STR_NULL;
    bool found = rac_db_next(&r);
    if (found) {
        read_account(&r, a, out);
        out->tenant = rac_db_str(&r, 8, a);
        sealed1 = rac_db_str(&r, 9, a);
        sealed2 = rac_db_str(&r, 10, a);
    }
    rac_err e = rac_db_end(&r);
    if (e != RAC_OK || !found)
        return e != RAC_OK ? e : RAC_E_NOT_FOUND;
    e = unseal_key(ses->s, out, 1, sealed1, a, &out->key1);
    return e == RAC_OK ? unseal_key(ses->s, out, 2, sealed2, a, &out->key2) : e;
}

static rac_err account_find(void *self, rac_str tenant, rac_str group, rac_str name,
                            struct rac_arena *a, struct rac_account_row *out)
{
    return account_one(RAC_DB_QUERY(&rac_session(self)->db, ACCOUNT_FIND, V_STR(tenant),
                                    V_STR(group), V_STR(name)),
                       a, out);
}

static rac_err account_list(void *self, rac_str tenant, rac_str group, rac_str after_id,
                            size_t n_max, struct rac_arena *a, struct rac_account_row **v,
                            size_t *n, bool *more)
{
    size_t page = rac_page_size(n_max), got = 0;
    struct rac_account_row *rows = RAC_NEW_N(a, struct rac_account_row, page);
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, ACCOUNT_LIST, V_STR(tenant),
                                        V_STR(group), V_TEXT(after_id), V_I64(page + 1));
    *more = false;
    while (rac_db_next(&r)) {
        *more = got == page;
        if (*more)
            break;
        read_account(&r, a, &rows[got++]);
    }
    *v = rows;
    *n = got;
    return rac_db_end(&r);
}

static void read_artifact(struct rac_db_rows *r, struct rac_arena *a, struct rac_artifact_row *x)
{
    rac_str digest = rac_db_str(r, 3, a);
    *x = (struct rac_artifact_row){.name = rac_db_str(r, 0, a),
                                   .properties = rac_db_str(r, 1, a),
                                   .content_type = rac_db_str(r, 2, a),
                                   .digest = rac_hex(a, digest.p, digest.n),
                                   .bytes_n = rac_db_i64(r, 4),
                                   .version = rac_db_i64(r, 5),
                                   .created_ms = rac_db_i64(r, 6),
                                   .changed_ms = rac_db_i64(r, 7)};
}

static rac_err artifact_get(void *self, rac_str tenant, rac_str account,
                            enum rac_artifact_kind kind, rac_str name, struct rac_arena *a,
                            struct rac_artifact_row *out)
{
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, ARTIFACT_GET, V_STR(tenant),
                                        V_STR(account), V_I64(kind + 1), V_STR(name));
    bool found = rac_db_next(&r);
    if (found) {
        read_artifact(&r, a, out);
        out->bytes = rac_db_str(&r, 8, a);
    }
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

static rac_err artifact_list(void *self, rac_str tenant, rac_str account,
                             enum rac_artifact_kind kind, rac_str after, size_t n_max,
                             struct rac_arena *a, struct rac_artifact_row **v, size_t *n,
                             bool *more)
{
    size_t page = rac_page_size(n_max), got = 0;
    struct rac_artifact_row *rows = RAC_NEW_N(a, struct rac_artifact_row, page);
    struct rac_db_rows r =
        RAC_DB_QUERY(&rac_session(self)->db, ARTIFACT_LIST, V_STR(tenant), V_STR(account),
                     V_I64(kind + 1), V_TEXT(after), V_I64(page + 1));
    *more = false;
    while (rac_db_next(&r)) {
        *more = got == page;
        if (*more)
            break;
        read_artifact(&r, a, &rows[got++]);
    }
    *v = rows;
    *n = got;
    return rac_db_end(&r);
}

/* --- accounts --------------------------------------------------------------------------------- */

static rac_err account_version(struct rac_store *s, struct rac_write *w, rac_str id,
                               int64_t if_version, int64_t *version)
{
    rac_err e = RAC_DB_NUMBER(&s->db, ACCOUNT_VERSION, version, V_STR(w->tenant), V_STR(id));
    return e == RAC_OK ? rac_check_version(w, if_version, *version) : e;
}

struct account_save {
    struct rac_account_save r;
    rac_str key1, key2; /* sealed, or absent */
};

static rac_err account_apply(struct rac_store *s, struct rac_write *w)
{
    const struct account_save *q = w->req;
    const struct rac_account_save *r = &q->r;
    int64_t version = 0;
    rac_err e;
    w->commit.id = r->id;
    if (r->create) {
        e = RAC_DB_NUMBER(&s->db, GROUP_EXISTS, &version, V_STR(w->tenant), V_STR(r->group));
        if (e == RAC_E_NOT_FOUND)
            return rac_write_fail(w, e, "there is no such resource group");
        if (e == RAC_OK)
            e = RAC_DB_RUN(&s->db, ACCOUNT_ADD, NULL, V_STR(w->tenant), V_STR(r->id),
                           V_STR(r->group), V_STR(w->actor.user), V_STR(r->name),
                           V_STR(r->properties), V_I64(w->actor.at_ms), V_BLOB(q->key1),
                           V_BLOB(q->key2));
        version = 0;
    } else {
        e = account_version(s, w, r->id, r->if_version, &version);
        if (e == RAC_OK)
            e = RAC_DB_RUN(&s->db, ACCOUNT_SET, NULL, V_STR(w->tenant), V_STR(r->id),
                           V_STR(r->properties), V_I64(w->actor.at_ms), V_STR(w->actor.user),
                           V_BLOB(q->key1), V_BLOB(q->key2));
    }
    if (e == RAC_E_EXISTS)
        return rac_write_fail(w, e, "an integration account of this name exists in the group");
    w->commit.version = version + 1;
    return e == RAC_OK ? rac_audit(s, w, r->create ? "account.created" : "account.updated",
                                   "account", r->id, 0)
                       : e;
}

static rac_err account_keys_apply(struct rac_store *s, struct rac_write *w)
{
    const struct account_save *q = w->req;
    int64_t version;
    w->commit.id = q->r.id;
    rac_err e = account_version(s, w, q->r.id, 0, &version);
    return e == RAC_OK ? RAC_DB_RUN(&s->db, ACCOUNT_KEYS, NULL, V_STR(w->tenant), V_STR(q->r.id),
                                    V_BLOB(q->key1), V_BLOB(q->key2))
                       : e;
}

static rac_err seal_key(struct rac_store *s, rac_str tenant, rac_str id, int which, rac_str plain,
                        struct rac_arena *a, rac_str *sealed)
{
    return plain.p == NULL ? RAC_OK
                           : rac_store_seal(s, tenant, accounts_place, key_place(a, id, which),
                                            plain, a, sealed);
}

static void account_write(void *self, rac_apply_fn apply, rac_str tenant,
                          const struct rac_account_save *r, rac_commit_fn done, void *arg)
{
    struct rac_store_session *ses = rac_session(self);
    struct rac_write *w = rac_write_new(ses, apply, tenant, &r->actor, 0, done, arg);
    struct account_save *q = RAC_NEW(&w->a, struct account_save);
    q->r = *r;
    q->r.key1 = q->r.key2 = RAC_STR_NULL;
    rac_str *const texts[] = {&q->r.id, &q->r.group, &q->r.name, &q->r.properties};
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        *texts[i] = rac_copy(&w->a, *texts[i]);
    w->req = q;
    rac_err e = seal_key(ses->s, tenant, r->id, 1, r->key1, &w->a, &q->key1);
    if (e == RAC_OK)
        e = seal_key(ses->s, tenant, r->id, 2, r->key2, &w->a, &q->key2);
    if (e != RAC_OK)
        rac_write_refuse(w, e, "the access keys could not be sealed");
    else
        rac_write_submit(w);
}

static void account_save(void *self, rac_str tenant, const struct rac_account_save *r,
                         rac_commit_fn done, void *arg)
{
    account_write(self, account_apply, tenant, r, done, arg);
}

static void account_keys(void *self, rac_str tenant, const struct rac_account_save *r,
                         rac_commit_fn done, void *arg)
{
    account_write(self, account_keys_apply, tenant, r, done, arg);
}

struct removal {
    rac_str account, name;
    enum rac_artifact_kind kind;
    int64_t if_version;
};

static rac_err account_delete_apply(struct rac_store *s, struct rac_write *w)
{
    const struct removal *r = w->req;
    int64_t version;
    w->commit.id = r->account;
    rac_err e = account_version(s, w, r->account, r->if_version, &version);
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, ARTIFACT_DEL_ALL, NULL, V_STR(w->tenant), V_STR(r->account));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, ACCOUNT_DEL, NULL, V_STR(w->tenant), V_STR(r->account));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, PURGE_BLOBS, NULL, V_STR(w->tenant));
    return e == RAC_OK ? rac_audit(s, w, "account.deleted", "account", r->account, 0) : e;
}

static struct rac_write *remove_new(void *self, rac_apply_fn apply, rac_str tenant,
                                    const struct removal *r, const struct rac_actor *actor,
                                    rac_commit_fn done, void *arg)
{
    struct rac_write *w = rac_write_new(rac_session(self), apply, tenant, actor, 0, done, arg);
    struct removal *q = RAC_NEW(&w->a, struct removal);
    *q = *r;
    q->account = rac_copy(&w->a, r->account);
    q->name = rac_copy(&w->a, r->name);
    w->req = q;
    return w;
}

static void account_delete(void *self, rac_str tenant, rac_str id, int64_t if_version,
                           const struct rac_actor *actor, rac_commit_fn done, void *arg)
{
    struct removal r = {.account = id, .if_version = if_version};
    rac_write_submit(remove_new(self, account_delete_apply, tenant, &r, actor, done, arg));
}

/* --- artifacts -------------------------------------------------------------------------------- */

struct artifact_save {
    struct rac_artifact_save r;
    uint8_t digest[RAC_SHA256_BYTES];
};

struct before {
    bool there;
    int64_t version;
    rac_str digest;
};

static rac_err artifact_before(struct rac_store *s, struct rac_write *w, rac_str account,
                               enum rac_artifact_kind kind, rac_str name, struct before *out)
{
    struct rac_db_rows r = RAC_DB_QUERY(&s->db, ARTIFACT_HEAD, V_STR(w->tenant), V_STR(account),
                                        V_I64(kind + 1), V_STR(name));
    *out = (struct before){.there = rac_db_next(&r)};
    if (out->there) {
        out->version = rac_db_i64(&r, 0);
        out->digest = rac_db_str(&r, 1, &w->a);
    }
    return rac_db_end(&r);
}

static const char *event_name(enum rac_artifact_kind kind, int what)
{
    static const char *const names[RAC_ARTIFACT_KINDS][3] = {
        {"map.created", "map.updated", "map.deleted"},
        {"schema.created", "schema.updated", "schema.deleted"},
        {"batchConfiguration.created", "batchConfiguration.updated", "batchConfiguration.deleted"}};
    return names[kind][what];
}

/* Triggers of the tenant whose batches are described in an account look at them again. */
static rac_err batches_changed(struct rac_store *s, struct rac_write *w)
{
    w->touches |= RAC_TOUCH_READY;
    return RAC_DB_RUN(&s->db, TRIGGER_CALL_ACCOUNT, NULL, V_STR(w->tenant), V_STR(RAC_STR_NULL),
                      V_I64(rac_env_wall_ms(s->env)));
}

static rac_err artifact_apply(struct rac_store *s, struct rac_write *w)
{
    const struct artifact_save *q = w->req;
    const struct rac_artifact_save *r = &q->r;
    struct before before;
    int64_t version, n = 0;
    rac_err e = account_version(s, w, r->account, 0, &version);
    if (e == RAC_OK)
        e = artifact_before(s, w, r->account, r->kind, r->name, &before);
    if (e == RAC_OK && before.there)
        e = rac_check_version(w, r->if_version, before.version);
    if (e == RAC_OK && !before.there)
        e = RAC_DB_NUMBER(&s->db, ARTIFACT_COUNT, &n, V_STR(w->tenant), V_STR(r->account));
    if (e != RAC_OK)
        return e;
    if (n >= RAC_ARTIFACTS_MAX)
        return rac_write_fail(w, RAC_E_LIMIT,
                              "an integration account holds 1,000 maps, schemas and batches");
    e = RAC_DB_RUN(&s->db, BLOB_ADD, NULL, V_STR(w->tenant), V_BYTES(q->digest, sizeof q->digest),
                   V_BLOB(r->bytes));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, ARTIFACT_PUT, NULL, V_STR(w->tenant), V_STR(r->account),
                       V_I64(r->kind + 1), V_STR(r->name), V_STR(r->properties),
                       V_STR(r->content_type), V_BYTES(q->digest, sizeof q->digest),
                       V_I64(r->bytes.n), V_I64(w->actor.at_ms), V_STR(w->actor.user));
    if (e == RAC_OK && before.there)
        e = RAC_DB_RUN(&s->db, BLOB_DROP, NULL, V_STR(w->tenant), V_BLOB(before.digest));
    if (e == RAC_OK && r->kind == RAC_ARTIFACT_BATCH)
        e = batches_changed(s, w);
    w->commit.id = r->name;
    w->commit.version = before.there ? before.version + 1 : 1;
    return e == RAC_OK ? rac_audit(s, w, event_name(r->kind, before.there), "artifact", r->name, 0)
                       : e;
}

static void artifact_save(void *self, rac_str tenant, const struct rac_artifact_save *r,
                          rac_commit_fn done, void *arg)
{
    struct rac_write *w =
        rac_write_new(rac_session(self), artifact_apply, tenant, &r->actor, 0, done, arg);
    struct artifact_save *q = RAC_NEW(&w->a, struct artifact_save);
    q->r = *r;
    rac_str *const texts[] = {&q->r.account, &q->r.name, &q->r.properties, &q->r.content_type,
                              &q->r.bytes};
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        *texts[i] = rac_copy(&w->a, *texts[i]);
    rac_sha256(r->bytes, q->digest);
    w->req = q;
    if (rac_arena_over(&w->a))
        rac_write_refuse(w, RAC_E_LIMIT, "the content is too large to be kept");
    else
        rac_write_submit(w);
}

static rac_err artifact_delete_apply(struct rac_store *s, struct rac_write *w)
{
    const struct removal *r = w->req;
    struct before before;
    rac_err e = artifact_before(s, w, r->account, r->kind, r->name, &before);
    if (e != RAC_OK || !before.there)
        return e != RAC_OK ? e : RAC_E_NOT_FOUND;
    e = rac_check_version(w, r->if_version, before.version);
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, ARTIFACT_DEL, NULL, V_STR(w->tenant), V_STR(r->account),
                       V_I64(r->kind + 1), V_STR(r->name));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, BLOB_DROP, NULL, V_STR(w->tenant), V_BLOB(before.digest));
    if (e == RAC_OK && r->kind == RAC_ARTIFACT_BATCH)
        e = batches_changed(s, w);
    w->commit.id = r->name;
    return e == RAC_OK ? rac_audit(s, w, event_name(r->kind, 2), "artifact", r->name, 0) : e;
}

static void artifact_delete(void *self, rac_str tenant, rac_str account,
                            enum rac_artifact_kind kind, rac_str name, int64_t if_version,
                            const struct rac_actor *actor, rac_commit_fn done, void *arg)
{
    struct removal r = {account, name, kind, if_version};
    rac_write_submit(remove_new(self, artifact_delete_apply, tenant, &r, actor, done, arg));
}

void rac_artifact_rows_port(struct rac_artifact_store *p)
{
    p->account_get = account_get;
    p->account_find = account_find;
    p->account_any = account_any;
    p->account_list = account_list;
    p->account_save = account_save;
    p->account_keys = account_keys;
    p->account_delete = account_delete;
    p->artifact_get = artifact_get;
    p->artifact_list = artifact_list;
    p->artifact_save = artifact_save;
    p->artifact_delete = artifact_delete;
}
