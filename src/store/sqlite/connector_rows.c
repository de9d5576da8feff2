/*
 * Connectors, their revisions, files, secrets and shares.
 *
 * A revision is never changed. A save with files makes the next one: the files of the one before,
 * with those given laid over. Contents are kept once per tenant, by digest, so that a new icon does
 * not copy the definition.
 */
#include "crypto/digest.h"
#include "store/sqlite/store_priv.h"

enum { LIST_MAX = 10000 };

/* --- reading --- */

static void read_row(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    struct rac_connector_row *c = row;
    c->id = rac_db_str(r, 0, a);
    c->group = rac_db_str(r, 1, a);
    c->owner = rac_db_str(r, 2, a);
    c->display_name = rac_db_str(r, 3, a);
    c->description = rac_db_str(r, 4, a);
    c->audience = (enum rac_audience)rac_db_i64(r, 5);
    c->state = rac_db_str(r, 6, a);
    c->revision = rac_db_i64(r, 7);
    c->published_revision = rac_db_i64(r, 8);
    c->version = rac_db_i64(r, 9);
    c->operations_n = rac_db_i64(r, 10);
    c->triggers_n = rac_db_i64(r, 11);
    c->meta = rac_db_str(r, 12, a);
    c->created_ms = rac_db_i64(r, 13);
    c->changed_ms = rac_db_i64(r, 14);
    c->deleted_ms = rac_db_i64(r, 15);
    c->created_by = rac_db_str(r, 16, a);
    c->changed_by = rac_db_str(r, 17, a);
}

/* --- rows that were read lately --- */

/*
 * Per session, direct-mapped. An entry stands for the counter that was loaded before its row was
 * read; any committed change of a connector moves the counter and so empties the cache. A row from
 * here costs a few copies instead of a read transaction (two locks) and a descent of the tree.
 */
enum { CACHED_ROWS = 64, CACHED_ROW_BYTES_MAX = 32 << 10 };

struct rac_row_cache {
    struct cached_row {
        uint64_t counter;
        bool used;
        rac_str tenant;
        struct rac_connector_row row;
        struct rac_arena a;
    } slots[CACHED_ROWS];
};

static void copy_row(struct rac_arena *a, const struct rac_connector_row *from,
                     struct rac_connector_row *to)
{
    *to = *from;
    rac_str *const texts[] = {&to->id,           &to->group,       &to->owner,
                              &to->display_name, &to->state,       &to->meta,
                              &to->created_by,   &to->description, &to->changed_by};
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        *texts[i] = rac_copy(a, *texts[i]);
}

static struct cached_row *slot_of(struct rac_store_session *ses, rac_str tenant, rac_str id)
{
    if (ses->rows == NULL)
        ses->rows = rac_mem_alloc(sizeof *ses->rows);
    return &ses->rows->slots[(rac_str_hash(id) ^ rac_str_hash(tenant)) % CACHED_ROWS];
}

static void cache_row(struct cached_row *c, uint64_t counter, rac_str tenant,
                      const struct rac_connector_row *row)
{
    if (c->used)
        rac_arena_reset(&c->a);
    else
        rac_arena_init(&c->a, CACHED_ROW_BYTES_MAX);
    c->used = true;
    c->counter = counter;
    c->tenant = rac_arena_str(&c->a, tenant);
    copy_row(&c->a, row, &c->row);
    if (rac_arena_over(&c->a)) { /* one with a very long description is read each time */
        rac_arena_fini(&c->a);
        c->used = false;
    }
}

void rac_row_cache_free(struct rac_row_cache *rows)
{
    if (rows == NULL)
        return;
    for (size_t i = 0; i < CACHED_ROWS; i++)
        if (rows->slots[i].used)
            rac_arena_fini(&rows->slots[i].a);
    rac_mem_free(rows);
}

static rac_err connector_get(void *self, rac_str tenant, rac_str id, struct rac_arena *a,
                             struct rac_connector_row *out)
{
    struct rac_store_session *ses = rac_session(self);
    uint64_t counter = ses->connectors.counter(self, RAC_STORE_CONNECTORS);
    struct cached_row *c = slot_of(ses, tenant, id);
    if (c->used && c->counter == counter && rac_str_eq(c->row.id, id) &&
        rac_str_eq(c->tenant, tenant)) {
        copy_row(a, &c->row, out);
        return RAC_OK;
    }
    struct rac_db_rows r = RAC_DB_QUERY(&ses->db, CONNECTOR_GET, V_STR(tenant), V_STR(id));
    bool found = rac_db_next(&r);
    if (found)
        read_row(&r, a, out);
    rac_err e = rac_db_end(&r);
    if (e == RAC_OK && found)
        cache_row(c, counter, tenant, out);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

static rac_err connector_list(void *self, rac_str tenant, const struct rac_connector_query *q,
                              struct rac_arena *a, struct rac_connector_row **v, size_t *n,
                              bool *more)
{
    struct rac_db *db = &rac_session(self)->db;
    size_t page = rac_page_size(q->n_max);
    rac_str search = q->search.n > 0 ? rac_str_lower(a, q->search) : RAC_STR_NULL;
    struct rac_db_rows r = RAC_DB_QUERY(
        db, CONNECTOR_LIST, V_STR(tenant), V_TEXT(q->after), V_I64(q->deleted), V_STR(q->group),
        V_STR(q->visible_to), V_STR(rac_id_list(a, RAC_STR_NULL, q->groups, q->groups_n)),
        V_I64(q->all_groups), V_STR(rac_id_list(a, RAC_STR_NULL, q->all_of, q->all_of_n)),
        V_STR(rac_id_list(a, q->visible_to, q->teams, q->teams_n)), V_STR(search), V_I64(page + 1));
    return RAC_DB_ALL(&r, page, read_row, a, v, n, more);
}

static rac_err impact_of(struct rac_db *db, rac_str tenant, rac_str id, struct rac_impact *out)
{
    *out = (struct rac_impact){0};
    rac_err e = RAC_DB_NUMBER(db, CONNECTIONS_OF, &out->connections_n, V_STR(tenant), V_STR(id));
    return e == RAC_OK
               ? RAC_DB_NUMBER(db, FLOW_USERS_N, &out->workflows_n, V_STR(tenant), V_STR(id))
               : e;
}

static rac_err connector_impact(void *self, rac_str tenant, rac_str id, struct rac_impact *out)
{
    struct rac_db *db = &rac_session(self)->db;
    int64_t newest;
    rac_err e = RAC_DB_NUMBER(db, CONNECTOR_NEWEST, &newest, V_STR(tenant), V_STR(id));
    return e != RAC_OK ? e : impact_of(db, tenant, id, out);
}

static void read_revision(struct rac_db_rows *r, struct rac_arena *a, struct rac_revision_row *v)
{
    *v = (struct rac_revision_row){.revision = rac_db_i64(r, 0),
                                   .operations_n = rac_db_i64(r, 1),
                                   .triggers_n = rac_db_i64(r, 2),
                                   .created_by = rac_db_str(r, 3, a),
                                   .note = rac_db_str(r, 4, a),
                                   .created_ms = rac_db_i64(r, 5)};
}

static void read_file(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    struct rac_file *f = row;
    *f = (struct rac_file){.kind = (enum rac_file_kind)rac_db_i64(r, 0),
                           .name = rac_db_str(r, 1, a),
                           .digest = rac_db_str(r, 2, a),
                           .bytes_n = rac_db_i64(r, 3)};
}

static rac_err read_files(struct rac_db *db, rac_str tenant, rac_str id, struct rac_arena *a,
                          struct rac_revision_row *v)
{
    struct rac_db_rows r =
        RAC_DB_QUERY(db, FILE_LIST, V_STR(tenant), V_STR(id), V_I64(v->revision));
    return RAC_DB_ALL(&r, LIST_MAX, read_file, a, &v->files, &v->files_n, NULL);
}

/* revision 0 becomes the newest; a deleted or unknown connector is not found. */
static rac_err real_revision(struct rac_db *db, rac_str tenant, rac_str id, int64_t *revision)
{
    int64_t newest = 0;
    rac_err e = RAC_DB_NUMBER(db, CONNECTOR_NEWEST, &newest, V_STR(tenant), V_STR(id));
    if (e == RAC_OK && *revision == 0)
        *revision = newest;
    return e;
}

static rac_err revision_get(void *self, rac_str tenant, rac_str id, int64_t revision,
                            struct rac_arena *a, struct rac_revision_row *out)
{
    struct rac_db *db = &rac_session(self)->db;
    rac_err e = real_revision(db, tenant, id, &revision);
    if (e != RAC_OK)
        return e;
    struct rac_db_rows r =
        RAC_DB_QUERY(db, REVISION_GET, V_STR(tenant), V_STR(id), V_I64(revision));
    bool found = rac_db_next(&r);
    if (found)
        read_revision(&r, a, out);
    e = rac_db_end(&r);
    if (e != RAC_OK || !found)
        return e != RAC_OK ? e : RAC_E_NOT_FOUND;
    return read_files(db, tenant, id, a, out);
}

static rac_err revision_list(void *self, rac_str tenant, rac_str id, int64_t before, size_t n_max,
                             struct rac_arena *a, struct rac_revision_row **v, size_t *n)
{
    struct rac_db *db = &rac_session(self)->db;
    int64_t newest = 0;
    rac_err e = real_revision(db, tenant, id, &newest);
    if (e != RAC_OK)
        return e;
    size_t page = rac_page_size(n_max), got = 0;
    struct rac_revision_row *rows =
        RAC_NEW_N(a, struct rac_revision_row, (size_t)newest < page ? (size_t)newest : page);
    struct rac_db_rows r = RAC_DB_QUERY(db, REVISION_LIST, V_STR(tenant), V_STR(id),
                                        V_I64(before > 0 ? before : newest + 1), V_I64(page));
    while (got < (size_t)newest && rac_db_next(&r))
        read_revision(&r, a, &rows[got++]);
    *v = rows;
    *n = got;
    return rac_db_end(&r);
}

static rac_err file_get(void *self, rac_str tenant, rac_str id, int64_t revision,
                        enum rac_file_kind kind, rac_str name, struct rac_arena *a,
                        struct rac_file *out)
{
    struct rac_db *db = &rac_session(self)->db;
    rac_err e = real_revision(db, tenant, id, &revision);
    if (e != RAC_OK)
        return e;
    struct rac_db_rows r =
        RAC_DB_QUERY(db, FILE_GET, V_STR(tenant), V_STR(id), V_I64(revision), V_I64(kind),
                     V_STR(kind == RAC_FILE_OTHER ? name : RAC_STR_NULL));
    bool found = rac_db_next(&r);
    if (found) {
        read_file(&r, a, out);
        out->bytes = rac_db_str(&r, 4, a);
    }
    e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

/* --- saving --- */

struct stored_file {
    struct rac_file f;
    uint8_t digest[RAC_SHA256_BYTES];
};

struct save {
    struct rac_connector_save r;
    struct stored_file *files;
};

static rac_err put_file(struct rac_store *s, struct rac_write *w, int64_t revision,
                        const struct stored_file *f)
{
    const struct rac_connector_save *r = &RAC_WRITE_REQ(w, struct save)->r;
    rac_str name = f->f.kind == RAC_FILE_OTHER ? f->f.name : RAC_STR_NULL;
    rac_err e = RAC_DB_RUN(&s->db, FILE_DEL, NULL, V_STR(w->tenant), V_STR(r->id), V_I64(revision),
                           V_I64(f->f.kind), V_STR(name));
    if (e != RAC_OK || f->f.bytes.p == NULL)
        return e;
    e = RAC_DB_RUN(&s->db, BLOB_ADD, NULL, V_STR(w->tenant), V_BYTES(f->digest, sizeof f->digest),
                   V_BLOB(f->f.bytes));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, FILE_ADD, NULL, V_STR(w->tenant), V_STR(r->id), V_I64(revision),
                       V_I64(f->f.kind), V_TEXT(f->f.name), V_BYTES(f->digest, sizeof f->digest),
                       V_I64(f->f.bytes.n));
    return e;
}

/* The files of the next revision; before is the one they are laid over, 0 for none. */
static rac_err put_revision(struct rac_store *s, struct rac_write *w, int64_t before,
                            int64_t revision, int64_t operations_n, int64_t triggers_n)
{
    const struct save *q = w->req;
    const struct rac_connector_save *r = &q->r;
    rac_err e = RAC_DB_RUN(&s->db, REVISION_ADD, NULL, V_STR(w->tenant), V_STR(r->id),
                           V_I64(revision), V_I64(operations_n), V_I64(triggers_n),
                           V_STR(w->actor.note), V_I64(w->actor.at_ms), V_STR(w->actor.user));
    if (e == RAC_OK && before > 0 && !r->files_all)
        e = RAC_DB_RUN(&s->db, FILE_COPY, NULL, V_STR(w->tenant), V_STR(r->id), V_I64(before),
                       V_I64(revision));
    for (size_t i = 0; i < r->files_n && e == RAC_OK; i++)
        e = put_file(s, w, revision, &q->files[i]);
    return e;
}

static rac_str or_text(rac_str s, rac_str otherwise)
{
    return s.p != NULL ? s : otherwise;
}

static rac_err create(struct rac_store *s, struct rac_write *w)
{
    const struct rac_connector_save *r = &RAC_WRITE_REQ(w, struct save)->r;
    int64_t revision = r->files_n > 0 ? 1 : 0, one;
    rac_err e = RAC_DB_NUMBER(&s->db, GROUP_EXISTS, &one, V_STR(w->tenant), V_STR(r->group));
    if (e != RAC_OK)
        return e == RAC_E_NOT_FOUND ? rac_write_fail(w, e, "there is no such resource group") : e;
    int64_t operations_n = r->operations_n > 0 ? r->operations_n : 0;
    int64_t triggers_n = r->triggers_n > 0 ? r->triggers_n : 0;
    enum rac_audience audience =
        r->audience == RAC_AUDIENCE_KEEP ? RAC_AUDIENCE_AUTHOR : r->audience;
    e = RAC_DB_RUN(&s->db, CONNECTOR_ADD, NULL, V_STR(w->tenant), V_STR(r->id), V_STR(r->group),
                   V_STR(r->owner), V_TEXT(r->display_name), V_TEXT(r->description),
                   V_I64(audience), V_STR(or_text(r->state, RAC_S("draft"))), V_I64(revision),
                   V_I64(r->published_revision), V_I64(operations_n), V_I64(triggers_n),
                   V_STR(r->meta), V_I64(w->actor.at_ms), V_STR(w->actor.user));
    if (e == RAC_E_EXISTS)
        return rac_write_fail(w, e, "a connector with this id exists or was deleted recently");
    if (e == RAC_OK && revision > 0)
        e = put_revision(s, w, 0, revision, operations_n, triggers_n);
    w->commit.version = 1;
    w->commit.revision = revision;
    return e == RAC_OK ? rac_audit(s, w, "connector.created", "connector", r->id, revision) : e;
}

rac_err rac_access_settle(struct rac_store *s, struct rac_write *w, rac_str connector, rac_str who)
{
    int64_t n = 0;
    rac_ms now = w->actor.at_ms > 0 ? w->actor.at_ms : 1; /* 0 says: not revoked */
    const struct rac_db_value v[] = {V_STR(w->tenant), V_I64(now),
                                     V_STR(connector.p != NULL ? connector : who)};
    rac_err e = connector.p != NULL ? rac_db_run(&s->db, RAC_STMT_ACCESS_SETTLE, v, 3, &n)
                : who.p != NULL     ? rac_db_run(&s->db, RAC_STMT_ACCESS_SETTLE_OF, v, 3, &n)
                                    : rac_db_run(&s->db, RAC_STMT_ACCESS_SETTLE_ALL, v, 2, &n);
    if (n > w->commit.impact.connections_n)
        w->commit.impact.connections_n = n;
    return e;
}

static const char changed_text[] =
    "the way this connector signs in has changed; open the connection and fill it in again";

static rac_err update(struct rac_store *s, struct rac_write *w, int64_t before, int64_t version)
{
    const struct rac_connector_save *r = &RAC_WRITE_REQ(w, struct save)->r;
    bool has_files = r->files_n > 0;
    int64_t revision = before + has_files;
    int64_t operations_n = has_files ? r->operations_n : -1;
    int64_t triggers_n = has_files ? r->triggers_n : -1;
    rac_err e = RAC_DB_RUN(&s->db, CONNECTOR_SET, NULL, V_STR(w->tenant), V_STR(r->id),
                           V_STR(r->owner), V_STR(r->display_name), V_STR(r->description),
                           V_I64(r->audience), V_STR(r->state), V_I64(revision),
                           V_I64(r->published_revision), V_I64(operations_n), V_I64(triggers_n),
                           V_STR(r->meta), V_I64(w->actor.at_ms), V_STR(w->actor.user));
    if (e == RAC_OK && has_files) {
        struct rac_db_rows c =
            RAC_DB_QUERY(&s->db, CONNECTOR_COUNTS, V_STR(w->tenant), V_STR(r->id));
        if (rac_db_next(&c)) {
            operations_n = rac_db_i64(&c, 0);
            triggers_n = rac_db_i64(&c, 1);
        }
        e = rac_db_end(&c);
        if (e == RAC_OK)
            e = put_revision(s, w, before, revision, operations_n, triggers_n);
    }
    if (e == RAC_OK && r->authentication_changed)
        e = RAC_DB_RUN(&s->db, CONNECTION_STATUS_ALL, &w->commit.impact.connections_n,
                       V_STR(w->tenant), V_STR(r->id), V_STR(RAC_S("AuthenticationChanged")),
                       V_STR(rac_str_of(changed_text)), V_I64(w->actor.at_ms));
    if (e == RAC_OK && (r->audience != RAC_AUDIENCE_KEEP || r->owner.p != NULL))
        e = rac_access_settle(s, w, r->id, RAC_STR_NULL);
    w->commit.version = version + 1;
    w->commit.revision = revision;
    return e == RAC_OK ? rac_audit(s, w, "connector.updated", "connector", r->id, revision) : e;
}

struct head {
    int64_t revision, version, deleted_ms;
};

static rac_err head_of(struct rac_db *db, rac_str tenant, rac_str id, struct head *h)
{
    struct rac_db_rows r = RAC_DB_QUERY(db, CONNECTOR_HEAD, V_STR(tenant), V_STR(id));
    bool found = rac_db_next(&r);
    if (found)
        *h = (struct head){rac_db_i64(&r, 0), rac_db_i64(&r, 1), rac_db_i64(&r, 2)};
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

static rac_err save_apply(struct rac_store *s, struct rac_write *w)
{
    const struct rac_connector_save *r = &RAC_WRITE_REQ(w, struct save)->r;
    w->commit.id = r->id;
    if (r->create)
        return create(s, w);
    struct head h;
    rac_err e = head_of(&s->db, w->tenant, r->id, &h);
    if (e == RAC_OK && h.deleted_ms > 0)
        e = RAC_E_NOT_FOUND;
    if (e == RAC_OK) {
        w->commit.revision = h.revision;
        e = rac_check_version(w, r->if_version, h.version);
    }
    return e == RAC_OK ? update(s, w, h.revision, h.version) : e;
}

static void connector_save(void *self, rac_str tenant, const struct rac_connector_save *r,
                           rac_commit_fn done, void *arg)
{
    bool others = r->authentication_changed || r->audience != RAC_AUDIENCE_KEEP || r->owner.p;
    unsigned touches = RAC_TOUCH_CONNECTORS | (others && !r->create ? RAC_TOUCH_CONNECTIONS : 0);
    struct rac_write *w =
        rac_write_new(rac_session(self), save_apply, tenant, &r->actor, touches, done, arg);
    struct rac_arena *a = &w->a;
    struct save *q = RAC_NEW(a, struct save);
    q->r = *r;
    rac_str *const texts[] = {&q->r.id,          &q->r.group, &q->r.owner, &q->r.display_name,
                              &q->r.description, &q->r.state, &q->r.meta};
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        *texts[i] = rac_copy(a, *texts[i]);
    q->files = RAC_NEW_N(a, struct stored_file, r->files_n);
    for (size_t i = 0; i < r->files_n; i++) {
        struct stored_file *f = &q->files[i];
        RAC_ASSERT(r->files[i].kind < RAC_FILE_KINDS);
        f->f = r->files[i];
        f->f.name = rac_copy(a, f->f.name);
        f->f.bytes = rac_copy(a, f->f.bytes);
        if (f->f.bytes.p != NULL)
            rac_sha256(f->f.bytes, f->digest);
    }
    q->r.files = NULL;
    w->req = q;
    if (rac_arena_over(a))
        rac_write_refuse(w, RAC_E_LIMIT, "the connector is too large to be kept");
    else
        rac_write_submit(w);
}

/* --- deleting, bringing back, removing for good --- */

static rac_err delete_apply(struct rac_store *s, struct rac_write *w)
{
    const struct rac_connector_delete *r = w->req;
    struct head h;
    w->commit.id = r->id;
    rac_err e = head_of(&s->db, w->tenant, r->id, &h);
    if (e == RAC_OK && h.deleted_ms > 0)
        e = RAC_E_NOT_FOUND;
    if (e == RAC_OK) {
        w->commit.revision = h.revision;
        e = impact_of(&s->db, w->tenant, r->id, &w->commit.impact);
    }
    if (e == RAC_OK)
        e = rac_check_version(w, r->if_version, h.version);
    if (e != RAC_OK)
        return e;
    int64_t n = w->commit.impact.connections_n;
    if (r->confirm < 0 ? n > 0 || w->commit.impact.workflows_n > 0 : r->confirm != n)
        return rac_write_fail(w, RAC_E_CONFLICT,
                              "the number of connections this deletes was not confirmed");
    rac_str t = w->tenant;
    e = RAC_DB_RUN(&s->db, SHARE_DEL_CONNECTIONS, NULL, V_STR(t), V_STR(r->id));
    if (e == RAC_OK) /* their tokens go with them */
        e = RAC_DB_RUN(&s->db, CONNECTION_DEL_ALL, NULL, V_STR(t), V_STR(r->id));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, SECRET_DEL_ALL, NULL, V_STR(t), V_STR(r->id));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, CONNECTOR_MARK_DELETED, NULL, V_STR(t), V_STR(r->id),
                       V_I64(w->actor.at_ms), V_I64(w->actor.at_ms), V_STR(w->actor.user));
    w->commit.version = h.version + 1;
    return e == RAC_OK ? rac_audit(s, w, "connector.deleted", "connector", r->id, h.revision) : e;
}

static void connector_delete(void *self, rac_str tenant, const struct rac_connector_delete *r,
                             rac_commit_fn done, void *arg)
{
    struct rac_write *w = rac_write_new(rac_session(self), delete_apply, tenant, &r->actor,
                                        RAC_TOUCH_CONNECTORS | RAC_TOUCH_CONNECTIONS, done, arg);
    struct rac_connector_delete *q = RAC_NEW(&w->a, struct rac_connector_delete);
    *q = *r;
    q->id = rac_copy(&w->a, r->id);
    w->req = q;
    rac_write_submit(w);
}

static rac_err restore_apply(struct rac_store *s, struct rac_write *w)
{
    const rac_str *id = w->req;
    struct head h;
    w->commit.id = *id;
    rac_err e = head_of(&s->db, w->tenant, *id, &h);
    if (e == RAC_OK && h.deleted_ms == 0)
        return rac_write_fail(w, RAC_E_EXISTS, "the connector is not deleted");
    if (e == RAC_OK && h.deleted_ms < w->actor.at_ms - s->deleted_keep_ms)
        return RAC_E_NOT_FOUND; /* its time is over, and its files may be going */
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, CONNECTOR_MARK_DELETED, NULL, V_STR(w->tenant), V_STR(*id), V_I64(0),
                       V_I64(w->actor.at_ms), V_STR(w->actor.user));
    if (e != RAC_OK)
        return e;
    w->commit.version = h.version + 1;
    w->commit.revision = h.revision;
    return rac_audit(s, w, "connector.restored", "connector", *id, h.revision);
}

static void connector_restore(void *self, rac_str tenant, rac_str id, const struct rac_actor *actor,
                              rac_commit_fn done, void *arg)
{
    struct rac_write *w = rac_write_new(rac_session(self), restore_apply, tenant, actor,
                                        RAC_TOUCH_CONNECTORS, done, arg);
    rac_str *q = RAC_NEW(&w->a, rac_str);
    *q = rac_copy(&w->a, id);
    w->req = q;
    rac_write_submit(w);
}

/* A few files of a connector, and what nobody else has of their contents; *n is how many went. */
static rac_err purge_files(struct rac_db *db, struct rac_arena *a, rac_str tenant, rac_str id,
                           int64_t *n)
{
    enum { FILES = 16 }; /* as many as the statement finds */
    struct {
        int64_t revision, kind;
        rac_str name, digest;
    } v[FILES];
    *n = 0;
    struct rac_db_rows r = RAC_DB_QUERY(db, PURGE_FILES, V_STR(tenant), V_STR(id));
    while (*n < FILES && rac_db_next(&r)) {
        v[*n].revision = rac_db_i64(&r, 0);
        v[*n].kind = rac_db_i64(&r, 1);
        v[*n].name = rac_db_str(&r, 2, a);
        v[(*n)++].digest = rac_db_str(&r, 3, a);
    }
    rac_err e = rac_db_end(&r);
    for (int64_t i = 0; i < *n && e == RAC_OK; i++) {
        e = RAC_DB_RUN(db, FILE_DEL, NULL, V_STR(tenant), V_STR(id), V_I64(v[i].revision),
                       V_I64(v[i].kind), V_STR(v[i].name));
        if (e == RAC_OK)
            e = RAC_DB_RUN(db, BLOB_DROP, NULL, V_STR(tenant), V_BLOB(v[i].digest));
    }
    return e;
}

/* A piece of the connector that was deleted first; *more: there was one. */
static rac_err purge_connector(struct rac_store *s, struct rac_write *w, rac_ms before_ms,
                               bool *more)
{
    int64_t n = 0;
    struct rac_db_rows r = RAC_DB_QUERY(&s->db, PURGE_NEXT, V_I64(before_ms));
    *more = rac_db_next(&r);
    rac_str tenant = *more ? rac_db_str(&r, 0, &w->a) : RAC_STR_NULL;
    rac_str id = *more ? rac_db_str(&r, 1, &w->a) : RAC_STR_NULL;
    rac_err e = rac_db_end(&r);
    if (e != RAC_OK || !*more)
        return e;
    e = purge_files(&s->db, &w->a, tenant, id, &n);
    if (e == RAC_OK && n == 0)
        e = RAC_DB_RUN(&s->db, PURGE_REVISIONS, &n, V_STR(tenant), V_STR(id));
    if (e != RAC_OK || n > 0)
        return e;
    e = RAC_DB_RUN(&s->db, SHARE_DEL_ALL, NULL, V_STR(tenant), V_I64(RAC_SHARED_CONNECTOR),
                   V_STR(id));
    w->touches |= RAC_TOUCH_CONNECTORS; /* lists of deleted connectors become shorter */
    return e == RAC_OK ? RAC_DB_RUN(&s->db, PURGE_CONNECTOR, NULL, V_STR(tenant), V_STR(id)) : e;
}

/* Nobody who was still in time to bring a connector back finds it half gone. */
enum { RESTORE_GRACE_MS = 60000 };

rac_err rac_purge_apply(struct rac_store *s, struct rac_write *w)
{
    rac_ms now = w->actor.at_ms;
    rac_ns start = rac_store_now_ns();
    bool connectors = true;
    int64_t entries = s->audit_keep_ms > 0;
    rac_err e = RAC_DB_RUN(&s->db, PURGE_CONSENTS, NULL, V_I64(now));
    do {
        if (e == RAC_OK && connectors)
            e = purge_connector(s, w, now - s->deleted_keep_ms - RESTORE_GRACE_MS, &connectors);
        if (e == RAC_OK && entries > 0)
            e = RAC_DB_RUN(&s->db, PURGE_AUDIT, &entries, V_I64(now - s->audit_keep_ms));
        if (e != RAC_OK || (!connectors && entries == 0))
            return e;
    } while (rac_store_now_ns() - start < RAC_PURGE_NS_MAX);
    w->again |= RAC_LEFT_OF_OLD;
    return RAC_OK;
}

/* --- secrets of a connector --- */

static rac_str secret_place(struct rac_arena *a, rac_str connector, rac_str name)
{
    return rac_arena_printf(a, "%.*s/%.*s", RAC_FMT(connector), RAC_FMT(name));
}

static rac_err secret_get(void *self, rac_str tenant, rac_str connector, rac_str name,
                          struct rac_arena *a, rac_str *secret)
{
    struct rac_store_session *ses = rac_session(self);
    struct rac_db_rows r =
        RAC_DB_QUERY(&ses->db, SECRET_GET, V_STR(tenant), V_STR(connector), V_STR(name));
    bool found = rac_db_next(&r);
    rac_str sealed = found ? rac_db_str(&r, 0, a) : RAC_STR_NULL;
    rac_err e = rac_db_end(&r);
    if (e != RAC_OK || !found)
        return e != RAC_OK ? e : RAC_E_NOT_FOUND;
    return rac_store_unseal(ses->s, tenant, "connector_secrets", secret_place(a, connector, name),
                            sealed, a, secret);
}

static void read_name(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    *(rac_str *)row = rac_db_str(r, 0, a);
}

static rac_err secret_names(void *self, rac_str tenant, rac_str connector, struct rac_arena *a,
                            rac_str **v, size_t *n)
{
    struct rac_db_rows r =
        RAC_DB_QUERY(&rac_session(self)->db, SECRET_NAMES, V_STR(tenant), V_STR(connector));
    return RAC_DB_ALL(&r, LIST_MAX, read_name, a, v, n, NULL);
}

struct secret_save {
    rac_str connector, name, sealed;
};

static rac_err secret_apply(struct rac_store *s, struct rac_write *w)
{
    const struct secret_save *q = w->req;
    struct head h;
    w->commit.id = q->connector;
    rac_err e = head_of(&s->db, w->tenant, q->connector, &h);
    if (e == RAC_OK && h.deleted_ms > 0)
        e = RAC_E_NOT_FOUND;
    if (e != RAC_OK)
        return e;
    if (q->sealed.p == NULL)
        e = RAC_DB_RUN(&s->db, SECRET_DEL, NULL, V_STR(w->tenant), V_STR(q->connector),
                       V_STR(q->name));
    else
        e = RAC_DB_RUN(&s->db, SECRET_PUT, NULL, V_STR(w->tenant), V_STR(q->connector),
                       V_STR(q->name), V_BLOB(q->sealed), V_I64(w->actor.at_ms));
    w->commit.version = h.version;
    w->commit.revision = h.revision;
    return e == RAC_OK
               ? rac_audit(s, w, "connector.secret_saved", "connector", q->connector, h.revision)
               : e;
}

static void secret_save(void *self, rac_str tenant, rac_str connector, rac_str name, rac_str secret,
                        const struct rac_actor *actor, rac_commit_fn done, void *arg)
{
    struct rac_store_session *ses = rac_session(self);
    struct rac_write *w = rac_write_new(ses, secret_apply, tenant, actor,
                                        RAC_TOUCH_CONNECTORS | RAC_TOUCH_CONNECTIONS, done, arg);
    struct secret_save *q = RAC_NEW(&w->a, struct secret_save);
    q->connector = rac_copy(&w->a, connector);
    q->name = rac_copy(&w->a, name);
    w->req = q;
    rac_err e = RAC_OK;
    if (secret.p != NULL)
        e = rac_store_seal(ses->s, tenant, "connector_secrets",
                           secret_place(&w->a, connector, name), secret, &w->a, &q->sealed);
    if (e != RAC_OK)
        rac_write_refuse(w, e, "the secret could not be sealed");
    else
        rac_write_submit(w);
}

/* --- sharing --- */

static void read_share(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    *(struct rac_share_row *)row =
        (struct rac_share_row){.kind = (enum rac_shared_kind)rac_db_i64(r, 0),
                               .resource = rac_db_str(r, 1, a),
                               .grantee = rac_db_str(r, 2, a),
                               .level = (enum rac_level)rac_db_i64(r, 3),
                               .created_by = rac_db_str(r, 4, a),
                               .created_ms = rac_db_i64(r, 5)};
}

static rac_err share_list(void *self, rac_str tenant, enum rac_shared_kind kind, rac_str resource,
                          struct rac_arena *a, struct rac_share_row **v, size_t *n)
{
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, SHARE_LIST, V_STR(tenant),
                                        V_I64(kind), V_STR(resource));
    return RAC_DB_ALL(&r, LIST_MAX, read_share, a, v, n, NULL);
}

static rac_err share_level(void *self, rac_str tenant, enum rac_shared_kind kind, rac_str resource,
                           const rac_str *grantees, size_t n, enum rac_level *out)
{
    struct rac_db *db = &rac_session(self)->db;
    int64_t best = RAC_LEVEL_NONE;
    for (size_t i = 0; i < n; i++) {
        int64_t level = 0;
        rac_err e = RAC_DB_NUMBER(db, SHARE_LEVEL, &level, V_STR(tenant), V_I64(kind),
                                  V_STR(resource), V_STR(grantees[i]));
        if (e != RAC_OK && e != RAC_E_NOT_FOUND)
            return e;
        best = e == RAC_OK && level > best ? level : best;
    }
    *out = (enum rac_level)best;
    return RAC_OK;
}

/* The resource and, when something is given, its receiver must be there. */
static rac_err share_check(struct rac_store *s, struct rac_write *w, const struct rac_share_save *r)
{
    rac_err e;
    int64_t version;
    if (r->kind == RAC_SHARED_CONNECTOR)
        e = RAC_DB_NUMBER(&s->db, CONNECTOR_NEWEST, &version, V_STR(w->tenant), V_STR(r->resource));
    else
        e = RAC_DB_NUMBER(&s->db, CONNECTION_VERSION, &version, V_STR(w->tenant),
                          V_STR(r->resource));
    if (e != RAC_OK || r->level == RAC_LEVEL_NONE)
        return e;
    e = RAC_DB_NUMBER(&s->db, USER_VERSION_OF, &version, V_STR(w->tenant), V_STR(r->grantee));
    return e == RAC_E_NOT_FOUND ? rac_write_fail(w, e, "there is no such user or team") : e;
}

static rac_err share_apply(struct rac_store *s, struct rac_write *w)
{
    const struct rac_share_save *r = w->req;
    rac_str t = w->tenant;
    w->commit.id = r->resource;
    rac_err e = share_check(s, w, r);
    if (e != RAC_OK)
        return e;
    bool connector = r->kind == RAC_SHARED_CONNECTOR;
    if (r->level == RAC_LEVEL_NONE)
        e = RAC_DB_RUN(&s->db, SHARE_DEL, NULL, V_STR(t), V_I64(r->kind), V_STR(r->resource),
                       V_STR(r->grantee));
    else
        e = RAC_DB_RUN(&s->db, SHARE_PUT, NULL, V_STR(t), V_I64(r->kind), V_STR(r->resource),
                       V_STR(r->grantee), V_I64(r->level), V_I64(w->actor.at_ms),
                       V_STR(w->actor.user));
    if (e == RAC_OK && connector)
        e = rac_access_settle(s, w, r->resource, RAC_STR_NULL);
    if (e != RAC_OK)
        return e;
    return rac_audit(s, w, r->level == RAC_LEVEL_NONE ? "unshared" : "shared",
                     connector ? "connector" : "connection", r->resource, 0);
}

static void share_save(void *self, rac_str tenant, const struct rac_share_save *r,
                       rac_commit_fn done, void *arg)
{
    struct rac_write *w = rac_write_new(rac_session(self), share_apply, tenant, &r->actor,
                                        RAC_TOUCH_CONNECTORS | RAC_TOUCH_CONNECTIONS, done, arg);
    struct rac_share_save *q = RAC_NEW(&w->a, struct rac_share_save);
    *q = *r;
    q->resource = rac_copy(&w->a, r->resource);
    q->grantee = rac_copy(&w->a, r->grantee);
    w->req = q;
    if (r->level == RAC_LEVEL_OWN)
        rac_write_refuse(w, RAC_E_INVALID, "ownership is transferred, not shared");
    else
        rac_write_submit(w);
}

void rac_connector_rows_port(struct rac_connector_store *p)
{
    p->connector_get = connector_get;
    p->connector_list = connector_list;
    p->connector_impact = connector_impact;
    p->revision_get = revision_get;
    p->revision_list = revision_list;
    p->file_get = file_get;
    p->connector_save = connector_save;
    p->connector_delete = connector_delete;
    p->connector_restore = connector_restore;
    p->secret_get = secret_get;
    p->secret_names = secret_names;
    p->secret_save = secret_save;
    p->share_list = share_list;
    p->share_level = share_level;
    p->share_save = share_save;
}
