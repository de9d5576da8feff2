/*
 * Opening and closing. The order matters: the lock before anything is looked at; the key before the
 * database is written, so that no data can exist whose key was never durable; then the schema; then
 * the threads.
 */
#include "base/buf.h"
#include "base/log.h"
#include "store/sqlite/migrate.h"
#include "store/sqlite/store_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

static const char installation[] = ""; /* the tenant whose key seals what belongs to no tenant */

rac_str rac_copy(struct rac_arena *a, rac_str s)
{
    return s.p == NULL ? s : rac_arena_str(a, s);
}

rac_str rac_id_list(struct rac_arena *a, rac_str first, const rac_str *v, size_t n)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 20);
    rac_buf_add_char(&b, '\n');
    if (first.p != NULL) {
        rac_buf_add(&b, first);
        rac_buf_add_char(&b, '\n');
    }
    for (size_t i = 0; i < n; i++) {
        rac_buf_add(&b, v[i]);
        rac_buf_add_char(&b, '\n');
    }
    rac_str out = rac_buf_err(&b) == RAC_OK ? rac_arena_str(a, rac_buf_str(&b)) : RAC_S("");
    rac_buf_fini(&b);
    return out;
}

size_t rac_page_size(size_t n_max)
{
    return n_max == 0 ? 250 : n_max > 10000 ? 10000 : n_max;
}

/* --- sealing --- */

static rac_str place_of(struct rac_arena *a, const char *table, rac_str row)
{
    return rac_arena_printf(a, "%s/%.*s", table, RAC_FMT(row));
}

rac_err rac_store_seal(struct rac_store *s, rac_str tenant, const char *table, rac_str row,
                       rac_str plain, struct rac_arena *a, rac_str *sealed)
{
    return rac_seal(s->keys, tenant, place_of(a, table, row), plain, a, sealed);
}

rac_err rac_store_unseal(struct rac_store *s, rac_str tenant, const char *table, rac_str row,
                         rac_str sealed, struct rac_arena *a, rac_str *plain)
{
    return rac_unseal(s->keys, tenant, place_of(a, table, row), sealed, a, plain);
}

/* Each text as 4 bytes of length, big endian (all ones: absent), then its bytes. */
rac_str rac_pack(struct rac_arena *a, const rac_str *v, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        RAC_ASSERT(v[i].n < UINT32_MAX);
        total += 4 + v[i].n;
    }
    uint8_t *out = rac_arena_alloc_dirty(a, total), *p = out;
    for (size_t i = 0; i < n; i++) {
        uint32_t len = v[i].p == NULL ? UINT32_MAX : (uint32_t)v[i].n;
        for (int shift = 24; shift >= 0; shift -= 8)
            *p++ = (uint8_t)(len >> shift);
        if (v[i].p != NULL)
            memcpy(p, v[i].p, v[i].n);
        p += v[i].n;
    }
    return (rac_str){(char *)out, total};
}

bool rac_unpack(rac_str packed, rac_str *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (packed.n < 4)
            return false;
        const uint8_t *p = (const uint8_t *)packed.p;
        uint32_t len = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        packed = rac_str_from(packed, 4);
        v[i] = RAC_STR_NULL;
        if (len == UINT32_MAX)
            continue;
        if (len > packed.n)
            return false;
        v[i] = rac_str_sub(packed, 0, len);
        packed = rac_str_from(packed, len);
    }
    return packed.n == 0;
}

rac_err rac_store_add_key(struct rac_store *s, rac_str tenant, rac_ms now_ms, struct rac_arena *a)
{
    int64_t id = 0;
    rac_str wrapped = RAC_STR_NULL;
    rac_err e = RAC_DB_NUMBER(&s->db, KEY_NEXT, &id);
    if (e != RAC_OK)
        return e;
    do { /* a key of a transaction that was undone keeps its number in the ring */
        if (id <= 0 || id > UINT32_MAX)
            return RAC_E_LIMIT;
        e = rac_keyring_new_key(s->keys, tenant, (uint32_t)id, a, &wrapped);
    } while (e == RAC_E_EXISTS && id++ > 0);
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, KEY_ADD, NULL, V_I64(id), V_TEXT(tenant), V_BLOB(wrapped),
                       V_I64(now_ms));
    return e;
}

/* --- open --- */

static rac_err load_keys(struct rac_store *s, struct rac_arena *a, rac_str *why)
{
    struct rac_db_rows r = RAC_DB_QUERY(&s->db, KEY_LIST);
    rac_err e = RAC_OK;
    while (e == RAC_OK && rac_db_next(&r)) {
        uint32_t id = (uint32_t)rac_db_i64(&r, 0);
        rac_str tenant = rac_db_str(&r, 1, a), wrapped = rac_db_str(&r, 2, a);
        e = rac_keyring_add_key(s->keys, tenant, id, wrapped);
    }
    rac_err end = rac_db_end(&r);
    if (e == RAC_OK)
        e = end;
    if (e != RAC_OK)
        *why = rac_arena_printf(a, "reading the data keys in %s: %s", s->file, rac_err_text(e));
    return e;
}

/* A rotation that was cut off between the database and the file: the new key is beside the old. */
static bool finish_exchange(struct rac_store *s, rac_str key_file, rac_str want,
                            struct rac_arena *a)
{
    rac_str file = rac_arena_printf(a, "%.*s.new", RAC_FMT(key_file)), why;
    struct rac_keyring *next;
    if (rac_keyring_open(file, false, s->env, a, &next, &why) != RAC_OK)
        return false;
    if (!rac_str_eq(rac_keyring_master_id(next), want) ||
        rename(file.p, rac_arena_cstr(a, key_file)) != 0) {
        rac_keyring_close(next);
        return false;
    }
    rac_keyring_close(s->keys);
    s->keys = next;
    rac_log(RAC_INFO, "store.key_exchange_finished", RAC_F_STR("file", key_file));
    return true;
}

/* The master key must be the one the data was sealed under; said before anything fails to open. */
static rac_err check_master(struct rac_store *s, rac_str key_file, struct rac_arena *a,
                            rac_str *why)
{
    struct rac_db_rows r = RAC_DB_QUERY(&s->db, META_GET, V_STR(RAC_S("master_key")));
    rac_str want = rac_db_next(&r) ? rac_db_str(&r, 0, a) : RAC_STR_NULL;
    rac_err e = rac_db_end(&r);
    if (e != RAC_OK || want.p == NULL) {
        *why = rac_arena_printf(a, "%s: it does not say which master key it needs", s->file);
        return e != RAC_OK ? e : RAC_E_CORRUPT;
    }
    rac_str have = rac_keyring_master_id(s->keys);
    if (rac_str_eq(have, want) || finish_exchange(s, key_file, want, a))
        return RAC_OK;
    *why = rac_arena_printf(a,
                            "master key %.*s (%.*s) is not the one this data was sealed with "
                            "(%.*s); put the right file back or name it with RACCORD_KEY_FILE",
                            RAC_FMT(key_file), RAC_FMT(have), RAC_FMT(want));
    return RAC_E_DENIED;
}

/* What every store begins with, in one transaction: a crash leaves an empty store, which is seeded
 * at the next start. */
static rac_err seed(struct rac_store *s, struct rac_arena *a, rac_str *why)
{
    rac_ms now = rac_env_wall_ms(s->env);
    rac_err e = RAC_DB_RUN(&s->db, BEGIN, NULL);
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, META_PUT, NULL, V_STR(RAC_S("master_key")),
                       V_STR(rac_keyring_master_id(s->keys)));
    if (e == RAC_OK)
        e = rac_store_add_key(s, rac_str_of(installation), now, a);
    if (e == RAC_OK)
        e = rac_tenant_insert(s, RAC_DEFAULT_ID, RAC_S("default"), now, a);
    if (e == RAC_OK)
        e = rac_iam_seed(s, now, a);
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, COMMIT, NULL);
    if (e == RAC_OK)
        return RAC_OK;
    *why = rac_arena_printf(a, "%s: %.*s", s->file, RAC_FMT(rac_db_why(&s->db, a)));
    if (!sqlite3_get_autocommit(s->db.h))
        (void)!RAC_DB_RUN(&s->db, ROLLBACK, NULL);
    return e;
}

static rac_err open_keys(struct rac_store *s, rac_str key_file, bool exists, struct rac_arena *a,
                         rac_str *why)
{
    rac_err e = rac_keyring_open(key_file, !exists, s->env, a, &s->keys, why);
    if (e == RAC_E_NOT_FOUND) {
        *why = rac_arena_printf(a,
                                "master key %.*s is missing; the data in %s cannot be opened "
                                "without it: put the file back (a backup does not contain it)",
                                RAC_FMT(key_file), s->dir);
        return RAC_E_DENIED;
    }
    return e;
}

/* SQLite would create it with the umask's mode; connectors are nobody else's business. */
static rac_err create_file(struct rac_store *s, struct rac_arena *a, bool *exists, rac_str *why)
{
    struct stat st;
    *exists = stat(s->file, &st) == 0 && st.st_size > 0;
    if (!*exists && access(rac_arena_printf(a, "%s/" RAC_STORE_PART, s->dir).p, F_OK) == 0) {
        *why = rac_arena_printf(a,
                                "%s: a restore into this directory did not come to its end; run "
                                "it again",
                                s->dir);
        return RAC_E_CORRUPT;
    }
    int fd = open(s->file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        int err = errno;
        *why = rac_arena_printf(a, "%s: %s", s->file, strerror(err));
        return err == ENOSPC || err == EDQUOT ? RAC_E_FULL : RAC_E_IO;
    }
    close(fd);
    return RAC_OK;
}

rac_str rac_store_key_file(const struct rac_store_options *o, struct rac_arena *a)
{
    return o->key_file.n > 0 ? o->key_file
                             : rac_arena_printf(a, "%.*s/master.key", RAC_FMT(o->dir));
}

static rac_err open_locked(struct rac_store *s, const struct rac_store_options *o,
                           struct rac_arena *a, rac_str *why)
{
    rac_str key_file = rac_store_key_file(o, a);
    bool exists = false;
    rac_err e = create_file(s, a, &exists, why);
    if (e == RAC_OK)
        e = open_keys(s, key_file, exists, a, why);
    if (e == RAC_OK)
        e = rac_db_open(&s->db, rac_str_of(s->file), RAC_DB_WRITE,
                        o->writer_cache_kib ? o->writer_cache_kib : 2048, s->vfs, a, why);
    int64_t from = 0, to = 0, seeded = 0;
    if (e == RAC_OK) {
        rac_str what = RAC_STR_NULL;
        e = rac_migrate(&s->db, 0, a, &from, &to, &what);
        if (e != RAC_OK)
            *why = rac_arena_printf(a, "%s: %.*s", s->file, RAC_FMT(what));
    }
    if (e == RAC_OK)
        e = RAC_DB_NUMBER(&s->db, TENANT_COUNT, &seeded);
    if (e == RAC_OK && seeded == 0) {
        s->fresh = true;
        return seed(s, a, why);
    }
    if (e == RAC_OK)
        e = check_master(s, key_file, a, why);
    if (e == RAC_OK)
        e = load_keys(s, a, why);
    return e;
}

static void store_free(struct rac_store *s)
{
    rac_db_close(&s->db);
    rac_keyring_close(s->keys);
    rac_lockfile_drop(s->lock_fd);
    rac_mem_free(s->dir);
    rac_mem_free(s->file);
    s->magic = 0;
    rac_mem_free(s);
}

static char *heap_join(rac_str x, const char *y)
{
    size_t n = strlen(y);
    char *p = rac_mem_alloc(x.n + n + 1);
    memcpy(p, x.p, x.n);
    memcpy(p + x.n, y, n);
    return p;
}

rac_err rac_store_open(const struct rac_store_options *o, struct rac_arena *a,
                       struct rac_store **out, rac_str *why)
{
    *why = RAC_S("the data directory cannot be opened");
    rac_err e = rac_dir_create(o->dir, a, why);
    if (e != RAC_OK)
        return e;
    struct rac_store *s = rac_mem_alloc(sizeof *s);
    s->magic = RAC_STORE_MAGIC;
    s->env = o->env;
    s->lock_fd = -1;
    s->vfs = o->vfs;
    s->dir = heap_join(o->dir, "");
    s->file = heap_join(o->dir, "/raccord.db");
    s->queue_max = o->queue_max ? o->queue_max : 8192;
    s->reader_cache_kib = o->reader_cache_kib ? o->reader_cache_kib : 512;
    s->wal_pages_max = o->wal_pages_max ? o->wal_pages_max : RAC_CHECKPOINT_FORCE_PAGES;
    s->deleted_keep_ms = o->deleted_keep_ms ? o->deleted_keep_ms : 30 * (rac_ms)86400000;
    s->audit_keep_ms = o->audit_keep_ms;
    e = rac_lockfile_take(o->dir, a, &s->lock_fd, why);
    if (e == RAC_OK)
        e = open_locked(s, o, a, why);
    if (e == RAC_OK && !rac_dir_sync(o->dir, a))
        e = RAC_E_IO;
    if (e == RAC_OK)
        e = rac_writer_start(s);
    if (e != RAC_OK) {
        store_free(s);
        return e;
    }
    *out = s;
    return RAC_OK;
}

void rac_store_close(struct rac_store *s)
{
    if (s == NULL)
        return;
    s = RAC_CAST(s, struct rac_store, RAC_STORE_MAGIC);
    rac_writer_stop(s);
    (void)sqlite3_wal_checkpoint_v2(s->db.h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    store_free(s);
}

bool rac_store_is_fresh(const struct rac_store *s)
{
    return s->fresh;
}
