/*
 * db - one SQLite connection with its prepared statements, and the few words the rest of the room
 * speaks to it. One thread at a time.
 *
 * Every statement of the room stands in statements.def and is prepared once per connection, at its
 * first use. Values are bound in order:
 *
 *     struct rac_db_rows r = RAC_DB_QUERY(db, GROUP_LIST, V_STR(tenant));
 *     while (rac_db_next(&r))
 *         ... rac_db_str(&r, 0, a), rac_db_i64(&r, 1) ...
 *     return rac_db_end(&r);              // resets; the error if one ended the loop
 */
#ifndef RAC_STORE_SQLITE_DB_H
#define RAC_STORE_SQLITE_DB_H

#include "base/arena.h"
#include "base/base.h"

struct sqlite3;
struct sqlite3_stmt;

enum rac_stmt {
#define STMT(name, sql) RAC_STMT_##name,
#include "store/sqlite/statements.def"
#undef STMT
    RAC_STMTS_N,
};

struct rac_db {
    struct sqlite3 *h;
    struct sqlite3_stmt *stmts[RAC_STMTS_N];
};

/* How long a statement waits for another connection: opening, while somebody recovers the WAL. */
enum { RAC_DB_BUSY_MS = 5000 };

enum rac_db_mode {
    RAC_DB_READ,  /* an existing database; writing is refused */
    RAC_DB_COPY,  /* a backup: read only, nothing is created beside it */
    RAC_DB_WRITE, /* created when missing; WAL, synchronous FULL */
};

/* vfs NULL: the system's. *why in a when it fails. */
rac_err rac_db_open(struct rac_db *db, rac_str file, enum rac_db_mode mode, size_t cache_kib,
                    const char *vfs, struct rac_arena *a, rac_str *why) RAC_MUST_CHECK;
void rac_db_close(struct rac_db *db); /* also one that never opened, if zeroed */

/* What a SQLite result code means to us. */
rac_err rac_db_err(struct rac_db *db, int rc);
rac_str rac_db_why(struct rac_db *db, struct rac_arena *a); /* SQLite's own words; no row data */

/* Fixed texts: pragmas, begin, commit, migrations. May hold several statements. */
rac_err rac_db_script(struct rac_db *db, const char *sql) RAC_MUST_CHECK;

struct rac_db_value {
    enum { RAC_DB_V_STR, RAC_DB_V_BLOB, RAC_DB_V_I64 } kind;
    rac_str s;
    int64_t i;
};
#define V_STR(v) ((struct rac_db_value){.kind = RAC_DB_V_STR, .s = (v)}) /* absent: NULL */
/* Never NULL: the absent slice becomes ''. */
#define V_TEXT(v)     ((struct rac_db_value){.kind = RAC_DB_V_STR, .s = {(v).p ? (v).p : "", (v).n}})
#define V_BLOB(v)     ((struct rac_db_value){.kind = RAC_DB_V_BLOB, .s = (v)}) /* absent: NULL */
#define V_BYTES(p, n) V_BLOB(((rac_str){(const char *)(p), (n)}))
#define V_I64(v)      ((struct rac_db_value){.kind = RAC_DB_V_I64, .i = (int64_t)(v)})

struct rac_db_rows {
    struct rac_db *db;
    struct sqlite3_stmt *st;
    rac_err err;
};
/* Values are borrowed until rac_db_end. */
struct rac_db_rows rac_db_query(struct rac_db *db, enum rac_stmt id, const struct rac_db_value *v,
                                size_t n);
#define RAC_DB_QUERY(db, NAME, ...)                                                                \
    rac_db_query((db), RAC_STMT_##NAME, (const struct rac_db_value[]){__VA_ARGS__},                \
                 sizeof((const struct rac_db_value[]){__VA_ARGS__}) / sizeof(struct rac_db_value))
bool rac_db_next(struct rac_db_rows *r);
rac_err rac_db_end(struct rac_db_rows *r) RAC_MUST_CHECK;

/* Columns of the current row; text and blobs are copied into a, NULL is the absent slice. */
rac_str rac_db_str(struct rac_db_rows *r, int column, struct rac_arena *a);
rac_str rac_db_borrow(struct rac_db_rows *r, int column); /* not copied: until the next row */
int64_t rac_db_i64(struct rac_db_rows *r, int column);
bool rac_db_is_null(struct rac_db_rows *r, int column);

/* All rows as an array in a, at most max of them; *more (may be NULL): there were more. Ends r.
 * RAC_E_LIMIT when a is over. v: address of the array's pointer, NULL without rows. */
typedef void (*rac_db_row_fn)(struct rac_db_rows *r, struct rac_arena *a, void *row);
rac_err rac_db_all(struct rac_db_rows *r, size_t max, size_t row_size, rac_db_row_fn read,
                   struct rac_arena *a, void *v, size_t *n, bool *more) RAC_MUST_CHECK;
#define RAC_DB_ALL(r, max, read, a, v, n, more)                                                    \
    rac_db_all((r), (max), sizeof **(v), (read), (a), (v), (n), (more))
/* The same by hand: room for row n of an array, which grows in a; *v, *cap begin as 0. */
void *rac_db_room(struct rac_arena *a, void *v, size_t n, size_t *cap, size_t row_size);

/* A statement without rows; *changed (may be NULL) is how many it touched. */
rac_err rac_db_run(struct rac_db *db, enum rac_stmt id, const struct rac_db_value *v, size_t n,
                   int64_t *changed) RAC_MUST_CHECK;
#define RAC_DB_RUN(db, NAME, changed, ...)                                                         \
    rac_db_run((db), RAC_STMT_##NAME, (const struct rac_db_value[]){__VA_ARGS__},                  \
               sizeof((const struct rac_db_value[]){__VA_ARGS__}) / sizeof(struct rac_db_value),   \
               (changed))
/* First column of the first row as a number; RAC_E_NOT_FOUND without one. */
rac_err rac_db_number(struct rac_db *db, enum rac_stmt id, const struct rac_db_value *v, size_t n,
                      int64_t *out) RAC_MUST_CHECK;
#define RAC_DB_NUMBER(db, NAME, out, ...)                                                          \
    rac_db_number(                                                                                 \
        (db), RAC_STMT_##NAME, (const struct rac_db_value[]){__VA_ARGS__},                         \
        sizeof((const struct rac_db_value[]){__VA_ARGS__}) / sizeof(struct rac_db_value), (out))

#endif
