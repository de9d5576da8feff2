/*
 * Rotation of keys, with the directory locked and nobody else using it: every tenant gets a new
 * data key, every record is sealed anew under it, the old data keys are removed, all in one
 * transaction. With a new master key the data keys are wrapped by that one.
 *
 * The new master key is durable as FILE.new before the transaction, and takes the place of FILE
 * after it. A crash in between leaves data that needs FILE.new; opening the store notices and
 * finishes the exchange.
 */
#include "store/sqlite/store_priv.h"

#include <errno.h>
#include <sys/stat.h>

struct rotation {
    struct rac_keyring *next; /* the new master key; NULL: the same one */
    int64_t records_n, keys_n;
};

struct record {
    rac_str tenant, k1, k2, sealed;
};

/* The tables with sealed columns; how a record's place is written is said where it is sealed. */
static const struct {
    const char *table;
    enum rac_stmt list, set;
    bool two_keys;
} tables[] = {
    {"connections", RAC_STMT_SEALED_CONNECTIONS, RAC_STMT_RESEAL_CONNECTION, false},
    {"connector_secrets", RAC_STMT_SEALED_SECRETS, RAC_STMT_RESEAL_SECRET, true},
    {"oauth_tokens", RAC_STMT_SEALED_TOKENS, RAC_STMT_RESEAL_TOKEN, true},
    {"flows", RAC_STMT_SEALED_FLOW_KEYS, RAC_STMT_RESEAL_FLOW_KEY, true},
    {"flow_versions", RAC_STMT_SEALED_FLOW_SECRETS, RAC_STMT_RESEAL_FLOW_SECRETS, false},
    {"flow_triggers", RAC_STMT_SEALED_TRIGGERS, RAC_STMT_RESEAL_TRIGGER, true},
    {"accounts", RAC_STMT_SEALED_ACCOUNT_KEYS, RAC_STMT_RESEAL_ACCOUNT_KEY, true},
    {"settings", RAC_STMT_SEALED_SETTINGS, RAC_STMT_RESEAL_SETTING, false},
};

static rac_err reseal(struct rac_store *s, size_t t, const struct record *r, struct rac_arena *a)
{
    rac_str row = tables[t].two_keys
                      ? rac_arena_printf(a, "%.*s/%.*s", RAC_FMT(r->k1), RAC_FMT(r->k2))
                      : r->k1;
    rac_str plain, sealed;
    rac_err e = rac_store_unseal(s, r->tenant, tables[t].table, row, r->sealed, a, &plain);
    if (e == RAC_OK)
        e = rac_store_seal(s, r->tenant, tables[t].table, row, plain, a, &sealed);
    if (e != RAC_OK)
        return e;
    const struct rac_db_value v[] = {V_TEXT(r->tenant), V_STR(r->k1), V_STR(r->k2), V_BLOB(sealed)};
    return rac_db_run(&s->db, tables[t].set, v, RAC_COUNT(v), NULL);
}

static void read_record(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    *(struct record *)row = (struct record){rac_db_str(r, 0, a), rac_db_str(r, 1, a),
                                            rac_db_str(r, 2, a), rac_db_str(r, 3, a)};
}

static rac_err reseal_table(struct rac_store *s, size_t t, struct rac_arena *a, int64_t *n)
{
    struct record *v;
    size_t got;
    struct rac_db_rows r = rac_db_query(&s->db, tables[t].list, NULL, 0);
    rac_err e = RAC_DB_ALL(&r, SIZE_MAX, read_record, a, &v, &got, NULL);
    for (size_t i = 0; i < got && e == RAC_OK; i++) {
        struct rac_arena_mark m = rac_arena_mark(a);
        e = reseal(s, t, &v[i], a);
        rac_arena_rewind(a, m);
    }
    *n += (int64_t)got;
    return e;
}

static void read_tenant(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    *(rac_str *)row = rac_db_str(r, 0, a);
}

/* A new key for everybody who has one; *newest is the highest old id. */
static rac_err new_keys(struct rac_store *s, rac_ms now_ms, struct rac_arena *a, int64_t *newest,
                        int64_t *n)
{
    rac_str *tenants;
    size_t got;
    struct rac_db_rows r = RAC_DB_QUERY(&s->db, KEY_TENANTS);
    rac_err e = RAC_DB_ALL(&r, SIZE_MAX, read_tenant, a, &tenants, &got, NULL);
    if (e == RAC_OK)
        e = RAC_DB_NUMBER(&s->db, KEY_NEXT, newest);
    *newest -= 1;
    for (size_t i = 0; i < got && e == RAC_OK; i++)
        e = rac_store_add_key(s, tenants[i], now_ms, a);
    *n = (int64_t)got;
    return e;
}

struct key {
    int64_t id;
    rac_str tenant;
};

static void read_key(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    *(struct key *)row = (struct key){rac_db_i64(r, 0), rac_db_str(r, 1, a)};
}

static rac_err rewrap_all(struct rac_store *s, const struct rotation *q, struct rac_arena *a)
{
    struct key *v;
    size_t got;
    struct rac_db_rows r = RAC_DB_QUERY(&s->db, KEY_LIST);
    rac_err e = RAC_DB_ALL(&r, SIZE_MAX, read_key, a, &v, &got, NULL);
    for (size_t i = 0; i < got && e == RAC_OK; i++) {
        rac_str wrapped;
        e = rac_keyring_rewrap(s->keys, q->next, v[i].tenant, (uint32_t)v[i].id, a, &wrapped);
        if (e == RAC_OK)
            e = RAC_DB_RUN(&s->db, KEY_REWRAP, NULL, V_TEXT(v[i].tenant), V_I64(v[i].id),
                           V_BLOB(wrapped));
    }
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, META_PUT, NULL, V_STR(RAC_S("master_key")),
                       V_STR(rac_keyring_master_id(q->next)));
    return e;
}

static rac_err rotate_apply(struct rac_store *s, struct rac_write *w)
{
    struct rotation *q = *(struct rotation *const *)w->req;
    int64_t newest = 0;
    q->records_n = 0;
    rac_err e = new_keys(s, w->actor.at_ms, &w->a, &newest, &q->keys_n);
    for (size_t t = 0; t < RAC_COUNT(tables) && e == RAC_OK; t++)
        e = reseal_table(s, t, &w->a, &q->records_n);
    if (e == RAC_OK) /* consents live for minutes: begun again rather than sealed again */
        e = RAC_DB_RUN(&s->db, CONSENT_DEL_ALL, NULL);
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, KEY_DEL_OLD, NULL, V_I64(newest));
    if (e == RAC_OK && q->next != NULL)
        e = rewrap_all(s, q, &w->a);
    if (e == RAC_E_CORRUPT)
        return rac_write_fail(w, e, "a sealed record does not open; nothing was changed");
    return e == RAC_OK ? rac_audit(s, w, "keys.rotated", "store", RAC_S(""), 0) : e;
}

struct answer {
    rac_err err;
    rac_str error;
    struct rac_arena *a;
};

static void on_done(void *arg, const struct rac_commit *c)
{
    struct answer *r = arg;
    r->err = c->err;
    r->error =
        c->error.p != NULL ? rac_arena_str(r->a, c->error) : rac_str_of(rac_err_text(c->err));
}

static rac_err rotate_open(struct rac_store *s, struct rotation *q, struct rac_arena *a,
                           rac_str *why)
{
    struct rac_store_session *ses;
    struct answer r = {.a = a};
    rac_err e = rac_store_session_new(s, NULL, &ses);
    if (e != RAC_OK)
        return e;
    struct rac_write *w = rac_write_new(ses, rotate_apply, RAC_DEFAULT_ID, NULL, 0, on_done, &r);
    w->a.bytes_max = SIZE_MAX; /* all there is has to be sealed anew */
    struct rotation **req = RAC_NEW(&w->a, struct rotation *);
    *req = q;
    w->req = req;
    rac_write_submit(w);
    while (rac_store_session_wait(ses))
        ;
    rac_store_session_free(ses);
    *why = r.error;
    return r.err;
}

/* A new master key beside the old one. It belongs to whom the old one belongs to: an administrator
 * who rotates keys must not lock the server out. */
static rac_err next_master(const struct rac_env *env, rac_str file, rac_str temp,
                           struct rac_keyring **out, struct rac_arena *a, rac_str *why)
{
    struct stat old;
    RAC_ASSERT(temp.p != NULL); /* printed: the compiler has to know it */
    unlink(temp.p);             /* of a rotation that did not get as far as the database */
    rac_err e = rac_keyring_open(temp, true, env, a, out, why);
    if (e != RAC_OK ||
        (stat(rac_arena_cstr(a, file), &old) == 0 && chown(temp.p, old.st_uid, old.st_gid) == 0))
        return e;
    *why = rac_arena_printf(a, "%.*s.new: %s", RAC_FMT(file), strerror(errno));
    unlink(temp.p);
    return RAC_E_DENIED;
}

rac_err rac_store_rotate(const struct rac_store_options *o, bool new_master, struct rac_arena *a,
                         int64_t *records_n, rac_str *why)
{
    struct rac_store *s = NULL;
    struct rotation q = {0};
    rac_str file = rac_store_key_file(o, a);
    rac_str temp = rac_arena_printf(a, "%.*s.new", RAC_FMT(file));
    rac_err e = rac_store_open(o, a, &s, why);
    if (e == RAC_OK && new_master)
        e = next_master(o->env, file, temp, &q.next, a, why);
    if (e == RAC_OK)
        e = rotate_open(s, &q, a, why);
    if (e == RAC_OK && new_master && rename(temp.p, rac_arena_cstr(a, file)) != 0) {
        *why = rac_arena_printf(a, "%.*s: %s", RAC_FMT(temp), strerror(errno));
        e = RAC_E_IO;
    } /* after a failure FILE.new stays: nobody knows whether a failed commit reached the disk */
    rac_keyring_close(q.next);
    rac_store_close(s);
    if (e == RAC_OK)
        *records_n = q.records_n;
    return e;
}
