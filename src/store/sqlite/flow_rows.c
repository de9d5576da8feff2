/*
 * Workflows and their versions.
 *
 * A save with a document makes a version, which is never changed afterwards; the workflow's row
 * names the newest. Secrets are sealed on the caller's thread: access keys for the workflow's row,
 * secure parameters for the versions of the workflow, so that a version can take over those of the
 * one before as they are.
 *
 * A deleted workflow is gone for readers at once, its open runs with it. What it left is removed
 * bit by bit by rac_flow_purge_apply, since it may have a million runs.
 */
#include "store/sqlite/store_priv.h"

#include <time.h>

static const char flows_place[] = "flows", versions_place[] = "flow_versions";

enum { USES_MAX = 1000, ENDINGS_MS_MAX = 86400000 };

/* --- reading --- */

static void read_row(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    struct rac_flow_row *f = row;
    *f = (struct rac_flow_row){
        .key = rac_db_i64(r, 0),
        .tenant = rac_db_str(r, 1, a),
        .id = rac_db_str(r, 2, a),
        .group = rac_db_str(r, 3, a),
        .owner = rac_db_str(r, 4, a),
        .name = rac_db_str(r, 5, a),
        .state = rac_db_str(r, 6, a),
        .revision = rac_db_str(r, 7, a),
        .version = rac_db_i64(r, 8),
        .created_ms = rac_db_i64(r, 9),
        .changed_ms = rac_db_i64(r, 10),
        .created_by = rac_db_str(r, 11, a),
        .changed_by = rac_db_str(r, 12, a),
    };
}

static rac_str key_place(struct rac_arena *a, rac_str id, int which)
{
    return rac_arena_printf(a, "%.*s/%d", RAC_FMT(id), which);
}

/* *v from a sealed record to its text; absent stays absent. */
static rac_err unseal(struct rac_store *s, const struct rac_flow_row *f, const char *table,
                      rac_str place, struct rac_arena *a, rac_str *v)
{
    if (v->p == NULL)
        return RAC_OK;
    rac_str sealed = *v;
    return rac_store_unseal(s, f->tenant, table, place, sealed, a, v);
}

static rac_err flow_read(struct rac_store_session *ses, int64_t key, enum rac_flow_want want,
                         struct rac_arena *a, struct rac_flow_row *f)
{
    struct rac_db_rows r = want == RAC_FLOW_PLAIN ? RAC_DB_QUERY(&ses->db, FLOW_ROW, V_I64(key))
                                                  : RAC_DB_QUERY(&ses->db, FLOW_WHOLE, V_I64(key),
                                                                 V_I64(want == RAC_FLOW_GONE));
    bool found = rac_db_next(&r);
    if (found)
        read_row(&r, a, f);
    if (found && want != RAC_FLOW_PLAIN) {
        f->document = rac_db_str(&r, 13, a);
        f->secrets = rac_db_str(&r, 14, a);
        f->key1 = rac_db_str(&r, 15, a);
        f->key2 = rac_db_str(&r, 16, a);
        if (rac_db_i64(&r, 17) > 0)
            f->state = RAC_S("Deleted");
    }
    rac_err e = rac_db_end(&r);
    if (e != RAC_OK || !found)
        return e != RAC_OK ? e : RAC_E_NOT_FOUND;
    e = unseal(ses->s, f, versions_place, f->id, a, &f->secrets);
    if (f->key1.p == NULL) /* deleted by a version that dropped them */
        return e;
    if (e == RAC_OK)
        e = unseal(ses->s, f, flows_place, key_place(a, f->id, 1), a, &f->key1);
    if (e == RAC_OK)
        e = unseal(ses->s, f, flows_place, key_place(a, f->id, 2), a, &f->key2);
    return e;
}

static rac_err flow_get(void *self, rac_str tenant, rac_str id, enum rac_flow_want want,
                        struct rac_arena *a, struct rac_flow_row *out)
{
    struct rac_store_session *ses = rac_session(self);
    int64_t key = 0;
    rac_err e = RAC_DB_NUMBER(&ses->db, FLOW_KEY_OF_ID, &key, V_STR(tenant), V_STR(id));
    return e != RAC_OK ? e : flow_read(ses, key, want, a, out);
}

static rac_err flow_find(void *self, rac_str tenant, rac_str group, rac_str name,
                         enum rac_flow_want want, struct rac_arena *a, struct rac_flow_row *out)
{
    struct rac_store_session *ses = rac_session(self);
    int64_t key = 0;
    rac_err e =
        RAC_DB_NUMBER(&ses->db, FLOW_KEY_OF_NAME, &key, V_STR(tenant), V_STR(group), V_STR(name));
    return e != RAC_OK ? e : flow_read(ses, key, want, a, out);
}

static rac_err flow_any(void *self, int64_t key, rac_str id, enum rac_flow_want want,
                        struct rac_arena *a, struct rac_flow_row *out)
{
    struct rac_store_session *ses = rac_session(self);
    rac_err e = RAC_OK;
    if (key == 0)
        e = RAC_DB_NUMBER(&ses->db, FLOW_KEY_OF_ANY, &key, V_STR(id));
    return e != RAC_OK ? e : flow_read(ses, key, want, a, out);
}

static rac_err flow_list(void *self, rac_str tenant, const struct rac_flow_query *q,
                         struct rac_arena *a, struct rac_flow_row **v, size_t *n, bool *more)
{
    struct rac_db *db = &rac_session(self)->db;
    size_t page = rac_page_size(q->n_max);
    rac_str search = q->search.n > 0 ? rac_str_lower(a, q->search) : RAC_STR_NULL;
    struct rac_db_rows r =
        q->group.p != NULL
            ? RAC_DB_QUERY(db, FLOW_LIST_GROUP, V_STR(tenant), V_STR(q->group), V_STR(q->state),
                           V_STR(search), V_TEXT(q->after), V_I64(page + 1))
            : RAC_DB_QUERY(db, FLOW_LIST, V_STR(tenant), V_STR(q->group), V_STR(q->state),
                           V_STR(search), V_TEXT(q->after), V_TEXT(q->after_id), V_I64(page + 1));
    return RAC_DB_ALL(&r, page, read_row, a, v, n, more);
}

static rac_err flow_users(void *self, rac_str tenant, rac_str api, rac_str connection, size_t n_max,
                          struct rac_arena *a, struct rac_flow_row **v, size_t *n)
{
    size_t page = rac_page_size(n_max);
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, FLOW_USERS, V_STR(tenant),
                                        V_STR(api), V_STR(connection), V_I64(page));
    return RAC_DB_ALL(&r, page, read_row, a, v, n, NULL);
}

static void read_version(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    *(struct rac_flow_version_row *)row =
        (struct rac_flow_version_row){.revision = rac_db_str(r, 0, a),
                                      .created_ms = rac_db_i64(r, 1),
                                      .created_by = rac_db_str(r, 2, a)};
}

static rac_err version_list(void *self, int64_t flow, rac_str after, size_t n_max,
                            struct rac_arena *a, struct rac_flow_version_row **v, size_t *n,
                            bool *more)
{
    size_t page = rac_page_size(n_max);
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, VERSION_LIST, V_I64(flow),
                                        V_TEXT(after), V_I64(page + 1));
    return RAC_DB_ALL(&r, page, read_version, a, v, n, more);
}

static rac_err version_get(void *self, int64_t flow, rac_str revision, struct rac_arena *a,
                           struct rac_flow_version_row *out)
{
    struct rac_store_session *ses = rac_session(self);
    struct rac_flow_row f = {0};
    struct rac_db_rows r = RAC_DB_QUERY(&ses->db, VERSION_GET, V_I64(flow), V_STR(revision));
    bool found = rac_db_next(&r);
    if (found) {
        *out = (struct rac_flow_version_row){.revision = rac_db_str(&r, 0, a),
                                             .created_ms = rac_db_i64(&r, 1),
                                             .created_by = rac_db_str(&r, 2, a),
                                             .document = rac_db_str(&r, 3, a),
                                             .secrets = rac_db_str(&r, 4, a),
                                             .only_group = rac_db_str(&r, 7, a),
                                             .only_roles = (unsigned)rac_db_i64(&r, 8)};
        f.tenant = rac_db_str(&r, 5, a);
        f.id = rac_db_str(&r, 6, a);
    }
    rac_err e = rac_db_end(&r);
    if (e != RAC_OK || !found)
        return e != RAC_OK ? e : RAC_E_NOT_FOUND;
    return unseal(ses->s, &f, versions_place, f.id, a, &out->secrets);
}

static uint64_t counter(void *self)
{
    return atomic_load_explicit(&rac_session(self)->s->flows_counter, memory_order_acquire);
}

/* --- saving --- */

struct save {
    struct rac_flow_save r;
    rac_str sealed, key1, key2;
};

static rac_err put_uses(struct rac_store *s, struct rac_write *w, int64_t key)
{
    const struct rac_flow_save *r = &RAC_WRITE_REQ(w, struct save)->r;
    rac_err e = RAC_DB_RUN(&s->db, FLOW_USE_DEL, NULL, V_I64(key));
    for (size_t i = 0; i < r->uses_n && e == RAC_OK; i++)
        e = RAC_DB_RUN(&s->db, FLOW_USE_ADD, NULL, V_STR(w->tenant), V_TEXT(r->uses[i].api),
                       V_I64(key), V_TEXT(r->uses[i].connection));
    return e;
}

/* before: the version it follows, whose secrets stay when none are said; absent for the first. */
static rac_err put_version(struct rac_store *s, struct rac_write *w, int64_t key, rac_str before)
{
    const struct save *q = w->req;
    rac_err e = RAC_DB_RUN(&s->db, VERSION_ADD, NULL, V_I64(key), V_STR(q->r.revision),
                           V_I64(w->actor.at_ms), V_STR(w->actor.user), V_BLOB(q->sealed),
                           V_I64(q->r.secrets.p != NULL), V_STR(before), V_STR(q->r.document),
                           V_STR(q->r.only_group), V_I64(q->r.only_roles));
    if (e == RAC_E_EXISTS)
        return rac_write_fail(w, e, "the workflow has a version of this name");
    return e == RAC_OK ? put_uses(s, w, key) : e;
}

static rac_err check_group(struct rac_store *s, struct rac_write *w, rac_str group)
{
    int64_t one;
    rac_err e = RAC_DB_NUMBER(&s->db, GROUP_EXISTS, &one, V_STR(w->tenant), V_STR(group));
    return e == RAC_E_NOT_FOUND ? rac_write_fail(w, e, "there is no such resource group") : e;
}

static const char taken_text[] = "a workflow of this name exists in the resource group";

/* Numbers are not given twice while the process lives, so that nobody holds on to a wrong row. */
static rac_err next_key(struct rac_store *s, int64_t *key)
{
    rac_err e = RAC_OK;
    if (s->flow_next == 0)
        e = RAC_DB_NUMBER(&s->db, FLOW_NEXT, &s->flow_next);
    *key = e == RAC_OK ? s->flow_next++ : 0;
    return e;
}

static rac_err create(struct rac_store *s, struct rac_write *w)
{
    const struct save *q = w->req;
    const struct rac_flow_save *r = &q->r;
    int64_t key = 0;
    rac_err e = check_group(s, w, r->group);
    if (e == RAC_OK)
        e = next_key(s, &key);
    if (e != RAC_OK)
        return e;
    rac_str state = r->state.p != NULL ? r->state : RAC_S("Enabled");
    e = RAC_DB_RUN(&s->db, FLOW_ADD, NULL, V_STR(w->tenant), V_I64(key), V_STR(r->id),
                   V_STR(r->group), V_STR(r->owner), V_STR(r->name), V_STR(state),
                   V_STR(r->revision), V_I64(w->actor.at_ms), V_STR(w->actor.user), V_BLOB(q->key1),
                   V_BLOB(q->key2));
    if (e == RAC_E_EXISTS)
        return rac_write_fail(w, e, taken_text);
    if (e == RAC_OK)
        e = put_version(s, w, key, RAC_STR_NULL);
    w->commit.version = 1;
    w->commit.revision = key;
    return e == RAC_OK ? rac_audit(s, w, "workflow.created", "workflow", r->id, key) : e;
}

struct head {
    int64_t key, version;
    rac_str revision;
};

static rac_err head_of(struct rac_store *s, struct rac_write *w, rac_str id, struct head *h)
{
    struct rac_db_rows r = RAC_DB_QUERY(&s->db, FLOW_HEAD, V_STR(w->tenant), V_STR(id));
    bool found = rac_db_next(&r);
    if (found)
        *h = (struct head){rac_db_i64(&r, 0), rac_db_i64(&r, 1), rac_db_str(&r, 2, &w->a)};
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

static rac_err update(struct rac_store *s, struct rac_write *w)
{
    const struct save *q = w->req;
    const struct rac_flow_save *r = &q->r;
    struct head h;
    rac_err e = head_of(s, w, r->id, &h);
    if (e == RAC_OK)
        e = rac_check_version(w, r->if_version, h.version);
    if (e == RAC_OK && r->group.p != NULL)
        e = check_group(s, w, r->group);
    if (e != RAC_OK)
        return e;
    bool has_document = r->document.p != NULL;
    e = RAC_DB_RUN(&s->db, FLOW_SET, NULL, V_STR(w->tenant), V_I64(h.key), V_STR(r->group),
                   V_STR(r->owner), V_STR(r->name), V_STR(r->state),
                   V_STR(has_document ? r->revision : RAC_STR_NULL), V_BLOB(q->key1),
                   V_BLOB(q->key2), V_I64(w->actor.at_ms), V_STR(w->actor.user));
    if (e == RAC_E_EXISTS)
        return rac_write_fail(w, e, taken_text);
    if (e == RAC_OK && has_document)
        e = put_version(s, w, h.key, h.revision);
    else if (e == RAC_OK && r->secrets.p != NULL)
        e = RAC_DB_RUN(&s->db, VERSION_SECRETS, NULL, V_I64(h.key), V_STR(h.revision),
                       V_BLOB(q->sealed));
    w->commit.version = h.version + 1;
    w->commit.revision = h.key;
    return e == RAC_OK ? rac_audit(s, w, "workflow.updated", "workflow", r->id, h.key) : e;
}

/* Due now: the triggers there are, and those there were. */
static rac_err attend(struct rac_store *s, struct rac_write *w, const struct rac_flow_save *r)
{
    int64_t key = w->commit.revision;
    rac_err e = RAC_DB_RUN(&s->db, TRIGGER_ATTEND, NULL, V_I64(key), V_I64(w->actor.at_ms));
    for (size_t i = 0; i < r->triggers_n && e == RAC_OK; i++)
        e = RAC_DB_RUN(&s->db, TRIGGER_ADD, NULL, V_I64(key), V_STR(r->triggers[i]),
                       V_I64(w->actor.at_ms));
    return e;
}

static rac_err save_apply(struct rac_store *s, struct rac_write *w)
{
    const struct rac_flow_save *r = &RAC_WRITE_REQ(w, struct save)->r;
    w->commit.id = r->id;
    rac_err e = r->create ? create(s, w) : update(s, w);
    return e == RAC_OK && r->attend ? attend(s, w, r) : e;
}

static rac_err seal_all(struct rac_store *s, rac_str tenant, const struct rac_flow_save *r,
                        struct rac_arena *a, struct save *q)
{
    rac_err e = RAC_OK;
    if (r->secrets.n > 0)
        e = rac_store_seal(s, tenant, versions_place, r->id, r->secrets, a, &q->sealed);
    if (e == RAC_OK && r->key1.p != NULL)
        e = rac_store_seal(s, tenant, flows_place, key_place(a, r->id, 1), r->key1, a, &q->key1);
    if (e == RAC_OK && r->key2.p != NULL)
        e = rac_store_seal(s, tenant, flows_place, key_place(a, r->id, 2), r->key2, a, &q->key2);
    return e;
}

/* Copies the request; its secrets do not come along, only whether there are any. */
static void copy_save(struct rac_arena *a, const struct rac_flow_save *r, struct save *q)
{
    q->r = *r;
    rac_str *const texts[] = {&q->r.id,    &q->r.group,    &q->r.owner,    &q->r.name,
                              &q->r.state, &q->r.revision, &q->r.document, &q->r.only_group};
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        *texts[i] = rac_copy(a, *texts[i]);
    q->r.secrets = r->secrets.p != NULL ? RAC_S("sealed") : RAC_STR_NULL;
    q->r.key1 = q->r.key2 = RAC_STR_NULL;
    struct rac_flow_use *uses = RAC_NEW_N(a, struct rac_flow_use, r->uses_n);
    for (size_t i = 0; i < r->uses_n; i++)
        uses[i] =
            (struct rac_flow_use){rac_copy(a, r->uses[i].api), rac_copy(a, r->uses[i].connection)};
    q->r.uses = uses;
    rac_str *triggers = RAC_NEW_N(a, rac_str, r->triggers_n);
    for (size_t i = 0; i < r->triggers_n; i++)
        triggers[i] = rac_copy(a, r->triggers[i]);
    q->r.triggers = triggers;
}

static void flow_save(void *self, rac_str tenant, const struct rac_flow_save *r, rac_commit_fn done,
                      void *arg)
{
    struct rac_store_session *ses = rac_session(self);
    struct rac_write *w =
        rac_write_new(ses, save_apply, tenant, &r->actor, RAC_TOUCH_FLOWS, done, arg);
    struct save *q = RAC_NEW(&w->a, struct save);
    w->req = q;
    rac_err e = seal_all(ses->s, tenant, r, &w->a, q);
    if (e != RAC_OK) {
        rac_write_refuse(w, e, "the secret values could not be sealed");
        return;
    }
    if (r->uses_n > USES_MAX) {
        rac_write_refuse(w, RAC_E_LIMIT, "the workflow calls too many connectors");
        return;
    }
    copy_save(&w->a, r, q);
    bool nameless = r->create && (r->name.n == 0 || r->document.p == NULL);
    if (nameless || (r->document.p != NULL && r->revision.n == 0))
        rac_write_refuse(w, RAC_E_INVALID, "a workflow needs a name, a document and its version");
    else if (rac_arena_over(&w->a))
        rac_write_refuse(w, RAC_E_LIMIT, "the workflow is too large to be kept");
    else
        rac_write_submit(w);
}

/* --- deleting --- */

struct gone {
    rac_str id;
    int64_t if_version;
};

static rac_err delete_apply(struct rac_store *s, struct rac_write *w)
{
    const struct gone *q = w->req;
    struct head h;
    w->commit.id = q->id;
    rac_err e = head_of(s, w, q->id, &h);
    if (e == RAC_OK)
        e = rac_check_version(w, q->if_version, h.version);
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, FLOW_MARK_DELETED, NULL, V_STR(w->tenant), V_I64(h.key),
                       V_I64(w->actor.at_ms), V_STR(w->actor.user));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, FLOW_USE_DEL, NULL, V_I64(h.key));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, TRIGGER_DEL_IDLE, NULL, V_I64(h.key));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, TRIGGER_ATTEND, NULL, V_I64(h.key), V_I64(w->actor.at_ms));
    if (e != RAC_OK)
        return e;
    w->again |= RAC_LEFT_OF_FLOWS;
    w->commit.version = h.version + 1;
    w->commit.revision = h.key;
    return rac_audit(s, w, "workflow.deleted", "workflow", q->id, h.key);
}

static void flow_delete(void *self, rac_str tenant, rac_str id, int64_t if_version,
                        const struct rac_actor *actor, rac_commit_fn done, void *arg)
{
    struct rac_write *w =
        rac_write_new(rac_session(self), delete_apply, tenant, actor, RAC_TOUCH_FLOWS, done, arg);
    struct gone *q = RAC_NEW(&w->a, struct gone);
    *q = (struct gone){rac_copy(&w->a, id), if_version};
    w->req = q;
    rac_write_submit(w);
}

/* One bite of a deleted workflow's runs; *n is how many went. */
static rac_err purge_runs(struct rac_store *s, struct rac_write *w, int64_t key, size_t *n)
{
    int64_t ids[64];
    *n = 0;
    struct rac_db_rows r = RAC_DB_QUERY(&s->db, FLOW_GONE_RUNS, V_I64(key));
    while (*n < RAC_COUNT(ids) && rac_db_next(&r))
        ids[(*n)++] = rac_db_i64(&r, 0);
    rac_err e = rac_db_end(&r);
    for (size_t i = 0; i < *n && e == RAC_OK; i++)
        e = rac_run_drop(s, key, ids[i], true, NULL);
    w->commit.version += (int64_t)*n;
    return e;
}

static rac_err purge_rest(struct rac_store *s, int64_t key)
{
    rac_err e = RAC_DB_RUN(&s->db, FLOW_GONE_VERSIONS, NULL, V_I64(key));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, TRIGGER_DEL_ALL, NULL, V_I64(key));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, FLOW_GONE_OPEN, NULL, V_I64(key));
    return e == RAC_OK ? RAC_DB_RUN(&s->db, FLOW_GONE_ROW, NULL, V_I64(key)) : e;
}

rac_err rac_flow_purge_apply(struct rac_store *s, struct rac_write *w)
{
    int64_t key = 0, events = 0, start = rac_store_now_ns();
    size_t runs = 1, parts = 0;
    rac_err e =
        RAC_DB_NUMBER(&s->db, FLOW_GONE, &key, V_I64(rac_env_wall_ms(s->env) - ENDINGS_MS_MAX));
    if (e != RAC_OK)
        return e == RAC_E_NOT_FOUND ? RAC_OK : e;
    w->again |= RAC_LEFT_OF_FLOWS;
    rac_drops_begin(s);
    do {
        e = purge_runs(s, w, key, &runs);
        if (e == RAC_OK && runs == 0)
            e = RAC_DB_RUN(&s->db, FLOW_GONE_EVENTS, &events, V_I64(key));
        if (e == RAC_OK && runs == 0 && events == 0)
            e = rac_batch_purge(s, key, &parts);
    } while (e == RAC_OK && (runs > 0 || events > 0 || parts > 0) &&
             rac_store_now_ns() - start < RAC_PURGE_NS_MAX);
    rac_drops_end(s);
    return e == RAC_OK && runs == 0 && events == 0 && parts == 0 ? purge_rest(s, key) : e;
}

void rac_flow_rows_port(struct rac_flow_store *p)
{
    p->counter = counter;
    p->flow_get = flow_get;
    p->flow_find = flow_find;
    p->flow_any = flow_any;
    p->flow_list = flow_list;
    p->flow_users = flow_users;
    p->flow_save = flow_save;
    p->flow_delete = flow_delete;
    p->version_list = version_list;
    p->version_get = version_get;
}
