/*
 * Connections are opened without SQLite's own mutex: each belongs to one thread. Memory statistics
 * are off, since they would put a process-wide lock around every allocation of every reader.
 */
#include "store/sqlite/db.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>

static const char *const stmt_sql[RAC_STMTS_N] = {
#define STMT(name, sql) sql,
#include "store/sqlite/statements.def"
#undef STMT
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void setup(void)
{
    /* Fails harmlessly when a test has initialised SQLite already. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)sqlite3_initialize();
}

rac_err rac_db_err(struct rac_db *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return RAC_OK;
    case SQLITE_FULL:
        return RAC_E_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return RAC_E_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return RAC_E_BUSY;
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
        return RAC_E_LIMIT;
    case SQLITE_CONSTRAINT:
        if (rc == SQLITE_CONSTRAINT_FOREIGNKEY)
            return RAC_E_NOT_FOUND;
        return rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_UNIQUE ? RAC_E_EXISTS
                                                                                    : RAC_E_INVALID;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: {
        int err = db->h != NULL ? sqlite3_system_errno(db->h) : 0;
        return err == ENOSPC || err == EDQUOT ? RAC_E_FULL : RAC_E_IO;
    }
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return RAC_E_IO;
    default:
        return RAC_E_INTERNAL;
    }
}

rac_str rac_db_why(struct rac_db *db, struct rac_arena *a)
{
    return rac_arena_str(a, rac_str_of(db->h ? sqlite3_errmsg(db->h) : "not open"));
}

rac_err rac_db_script(struct rac_db *db, const char *sql)
{
    int rc = sqlite3_exec(db->h, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? RAC_OK : rac_db_err(db, sqlite3_extended_errcode(db->h));
}

static const char common_pragmas[] = "pragma foreign_keys=on;"
                                     "pragma trusted_schema=off;"
                                     "pragma temp_store=memory;"
                                     "pragma mmap_size=0;";
static const char write_pragmas[] = "pragma journal_mode=wal;"
                                    "pragma synchronous=full;"
                                    "pragma wal_autocheckpoint=0;"
                                    "pragma journal_size_limit=67108864;"
                                    "pragma secure_delete=on;"; /* removed secrets are zeroed */

rac_err rac_db_open(struct rac_db *db, rac_str file, enum rac_db_mode mode, size_t cache_kib,
                    const char *vfs, struct rac_arena *a, rac_str *why)
{
    pthread_once(&once, setup);
    *db = (struct rac_db){0};
    /* A reader opens for writing too: the WAL index is shared memory that every user maintains. */
    int flags = (mode == RAC_DB_COPY ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                (mode == RAC_DB_WRITE ? SQLITE_OPEN_CREATE : 0);
    char cache[64];
    snprintf(cache, sizeof cache, "pragma cache_size=-%zu;", cache_kib);
    int rc = sqlite3_open_v2(rac_arena_cstr(a, file), &db->h, flags, vfs);
    rac_err e = rac_db_err(db, rc);
    if (e == RAC_OK) {
        sqlite3_extended_result_codes(db->h, 1);
        (void)sqlite3_busy_timeout(db->h, RAC_DB_BUSY_MS);
        (void)sqlite3_db_config(db->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void)sqlite3_db_config(db->h, SQLITE_DBCONFIG_LOOKASIDE, NULL, 256, 128);
        e = rac_db_script(db, common_pragmas);
    }
    if (e == RAC_OK)
        e = rac_db_script(db, cache);
    if (e == RAC_OK)
        e = rac_db_script(db, mode == RAC_DB_WRITE ? write_pragmas : "pragma query_only=on;");
    if (e == RAC_OK)
        return RAC_OK;
    *why = rac_arena_printf(a, "%.*s: %s", RAC_FMT(file),
                            db->h != NULL ? sqlite3_errmsg(db->h) : "out of memory");
    rac_db_close(db);
    return e;
}

void rac_db_close(struct rac_db *db)
{
    for (size_t i = 0; i < RAC_STMTS_N; i++)
        sqlite3_finalize(db->stmts[i]);
    int rc = sqlite3_close(db->h);
    RAC_ASSERT(rc == SQLITE_OK); /* else a statement outside the table was left open */
    *db = (struct rac_db){0};
}

static int bind(sqlite3_stmt *st, int i, const struct rac_db_value *v)
{
    if (v->kind == RAC_DB_V_I64)
        return sqlite3_bind_int64(st, i, v->i);
    if (v->s.p == NULL)
        return sqlite3_bind_null(st, i);
    if (v->kind == RAC_DB_V_BLOB)
        return sqlite3_bind_blob64(st, i, v->s.p, v->s.n, SQLITE_STATIC);
    return sqlite3_bind_text64(st, i, v->s.p, v->s.n, SQLITE_STATIC, SQLITE_UTF8);
}

/* To SQLite `$1` is a name, numbered by where it first occurs; `?1` is a number. The statements are
 * written the way that other databases read as well. */
static int prepare(struct rac_db *db, enum rac_stmt id)
{
    size_t n = strlen(stmt_sql[id]);
    char *sql = rac_mem_alloc(n + 1);
    for (size_t i = 0; i < n; i++)
        sql[i] = stmt_sql[id][i] == '$' ? '?' : stmt_sql[id][i];
    int rc =
        sqlite3_prepare_v3(db->h, sql, (int)n + 1, SQLITE_PREPARE_PERSISTENT, &db->stmts[id], NULL);
    rac_mem_free(sql);
    return rc;
}

struct rac_db_rows rac_db_query(struct rac_db *db, enum rac_stmt id, const struct rac_db_value *v,
                                size_t n)
{
    struct rac_db_rows r = {.db = db, .st = db->stmts[id]};
    int rc = SQLITE_OK;
    if (r.st == NULL) {
        rc = prepare(db, id);
        r.st = db->stmts[id];
    }
    if (rc == SQLITE_OK)
        RAC_ASSERT((size_t)sqlite3_bind_parameter_count(r.st) == n);
    for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
        rc = bind(r.st, (int)i + 1, &v[i]);
    if (rc != SQLITE_OK)
        r.err = rac_db_err(db, sqlite3_extended_errcode(db->h));
    return r;
}

bool rac_db_next(struct rac_db_rows *r)
{
    if (r->err != RAC_OK)
        return false;
    int rc = sqlite3_step(r->st);
    if (rc == SQLITE_ROW)
        return true;
    if (rc != SQLITE_DONE)
        r->err = rac_db_err(r->db, sqlite3_extended_errcode(r->db->h));
    return false;
}

rac_err rac_db_end(struct rac_db_rows *r)
{
    if (r->st != NULL) { /* the read transaction ends here; nothing borrowed stays bound */
        sqlite3_reset(r->st);
        sqlite3_clear_bindings(r->st);
    }
    return r->err;
}

rac_str rac_db_borrow(struct rac_db_rows *r, int column)
{
    int type = sqlite3_column_type(r->st, column);
    if (type == SQLITE_NULL)
        return RAC_STR_NULL;
    const void *p = type == SQLITE_BLOB ? sqlite3_column_blob(r->st, column)
                                        : (const void *)sqlite3_column_text(r->st, column);
    size_t n = (size_t)sqlite3_column_bytes(r->st, column);
    return (rac_str){p != NULL ? p : "", n};
}

rac_str rac_db_str(struct rac_db_rows *r, int column, struct rac_arena *a)
{
    rac_str s = rac_db_borrow(r, column);
    return s.p == NULL ? s : rac_arena_str(a, s);
}

int64_t rac_db_i64(struct rac_db_rows *r, int column)
{
    return sqlite3_column_int64(r->st, column);
}

bool rac_db_is_null(struct rac_db_rows *r, int column)
{
    return sqlite3_column_type(r->st, column) == SQLITE_NULL;
}

void *rac_db_room(struct rac_arena *a, void *v, size_t n, size_t *cap, size_t row_size)
{
    char *rows;
    memcpy(&rows, v, sizeof rows);
    if (n == *cap) {
        size_t next = *cap > 0 ? 2 * *cap : 16;
        rows = rac_arena_grow(a, rows, *cap * row_size, next * row_size);
        memcpy(v, &rows, sizeof rows);
        *cap = next;
    }
    return rows + n * row_size;
}

rac_err rac_db_all(struct rac_db_rows *r, size_t max, size_t row_size, rac_db_row_fn read,
                   struct rac_arena *a, void *v, size_t *n, bool *more)
{
    void *rows = NULL;
    size_t got = 0, cap = 0;
    bool next;
    while ((next = rac_db_next(r)) && got < max && !rac_arena_over(a)) {
        read(r, a, rac_db_room(a, &rows, got, &cap, row_size));
        got++;
    }
    rac_err e = rac_db_end(r);
    if (e == RAC_OK && rac_arena_over(a))
        e = RAC_E_LIMIT;
    memcpy(v, &rows, sizeof rows);
    *n = got;
    if (more != NULL)
        *more = next;
    return e;
}

rac_err rac_db_run(struct rac_db *db, enum rac_stmt id, const struct rac_db_value *v, size_t n,
                   int64_t *changed)
{
    struct rac_db_rows r = rac_db_query(db, id, v, n);
    while (rac_db_next(&r))
        ;
    if (changed != NULL)
        *changed = r.err == RAC_OK ? sqlite3_changes64(db->h) : 0;
    return rac_db_end(&r);
}

rac_err rac_db_number(struct rac_db *db, enum rac_stmt id, const struct rac_db_value *v, size_t n,
                      int64_t *out)
{
    struct rac_db_rows r = rac_db_query(db, id, v, n);
    bool found = rac_db_next(&r);
    if (found)
        *out = rac_db_i64(&r, 0);
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}
