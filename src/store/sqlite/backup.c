/*
 * Backup and restore. A backup is one SQLite file made through the online backup interface, from a
 * reader: the server goes on, and what is copied is one consistent moment. Sealed values stay
 * sealed; the master key is never part of it.
 */
#define RAC_ALLOW_FSYNC
#include "store/sqlite/migrate.h"
#include "store/sqlite/store_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

enum { PAGES_A_STEP = 256, BUSY_MAX = 1000 };

/* A plain database file for the copy: no WAL beside it that somebody could forget. */
static rac_err open_target(const char *file, struct rac_arena *a, sqlite3 **out, rac_str *why)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        int err = errno;
        *why = rac_arena_printf(a, "%s: %s", file,
                                err == EEXIST ? "it exists already" : strerror(err));
        return err == EEXIST ? RAC_E_EXISTS : err == ENOSPC ? RAC_E_FULL : RAC_E_IO;
    }
    close(fd);
    int rc = sqlite3_open_v2(file, out, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK)
        return RAC_OK;
    *why = rac_arena_printf(a, "%s: %s", file, sqlite3_errstr(rc));
    return RAC_E_IO;
}

static int copy_all(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    if (b == NULL)
        return sqlite3_errcode(to);
    int rc, busy = 0;
    /* Each step holds a read transaction; SQLite starts over by itself when a commit came between
     * two steps, so after a while the rest is copied in one step, which cannot be overtaken. */
    size_t steps = 0;
    do {
        rc = sqlite3_backup_step(b, ++steps > 200 ? -1 : PAGES_A_STEP);
        if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
            sqlite3_sleep(5);
    } while (rc == SQLITE_OK || ((rc == SQLITE_BUSY || rc == SQLITE_LOCKED) && busy++ < BUSY_MAX));
    int end = sqlite3_backup_finish(b);
    return rc == SQLITE_DONE ? end : rc;
}

/* The copy must not come up in WAL mode: a reader of it would need to write beside it. */
static int settle(sqlite3 *to)
{
    int rc = sqlite3_exec(to, "pragma journal_mode=delete", NULL, NULL, NULL);
    return rc;
}

static bool sync_file(const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static rac_err copy_to(struct rac_db *from, const char *file, struct rac_arena *a, rac_str *why)
{
    sqlite3 *to = NULL;
    rac_err e = open_target(file, a, &to, why);
    if (e == RAC_E_EXISTS || (e != RAC_OK && to == NULL))
        return e;
    int rc = e == RAC_OK ? copy_all(from->h, to) : SQLITE_OK;
    if (e == RAC_OK && rc == SQLITE_OK)
        rc = settle(to);
    sqlite3_close(to);
    if (e == RAC_OK && rc == SQLITE_OK && sync_file(file))
        return RAC_OK;
    if (e == RAC_OK) {
        struct rac_db none = {0};
        e = rc == SQLITE_OK ? RAC_E_IO : rac_db_err(&none, rc);
        *why = rac_arena_printf(a, "%s: %s", file,
                                rc == SQLITE_OK ? "it cannot be flushed" : sqlite3_errstr(rc));
    }
    unlink(file); /* half a backup is worse than none */
    return e;
}

rac_err rac_store_backup(rac_str dir, rac_str file, struct rac_arena *a, rac_str *why)
{
    rac_str source = rac_arena_printf(a, "%.*s/raccord.db", RAC_FMT(dir));
    if (access(source.p, F_OK) != 0) {
        *why =
            rac_arena_printf(a, "%.*s is not a data directory: it has no raccord.db", RAC_FMT(dir));
        return RAC_E_NOT_FOUND;
    }
    struct rac_db db = {0};
    rac_err e = rac_db_open(&db, source, RAC_DB_READ, 512, NULL, a, why);
    if (e == RAC_OK)
        e = copy_to(&db, rac_arena_cstr(a, file), a, why);
    rac_db_close(&db);
    return e;
}

/* --- restore --- */

static rac_err check_empty(rac_str dir, struct rac_arena *a, rac_str *why)
{
    DIR *d = opendir(rac_arena_cstr(a, dir));
    if (d == NULL) {
        if (errno == ENOENT)
            return rac_dir_create(dir, a, why);
        *why = rac_arena_printf(a, "%.*s: %s", RAC_FMT(dir), strerror(errno));
        return RAC_E_IO;
    }
    bool empty = true;
    for (struct dirent *f; empty && (f = readdir(d)) != NULL;) {
        /* The key has to be put back by hand, and may be there before the data. */
        rac_str name = rac_str_of(f->d_name);
        empty = rac_str_eq(name, RAC_S(".")) || rac_str_eq(name, RAC_S("..")) ||
                rac_str_eq(name, RAC_S("master.key"));
    }
    closedir(d);
    if (empty)
        return RAC_OK;
    *why = rac_arena_printf(a, "%.*s is not empty; restore into a new directory", RAC_FMT(dir));
    return RAC_E_EXISTS;
}

static rac_err check_integrity(struct rac_db *db, rac_str file, struct rac_arena *a, rac_str *why)
{
    int64_t version = 0, application = 0;
    rac_err e = RAC_DB_NUMBER(db, APPLICATION_ID, &application);
    if (e == RAC_OK)
        e = RAC_DB_NUMBER(db, USER_VERSION, &version);
    if (e != RAC_OK || application != RAC_APPLICATION_ID || version < 1) {
        *why = rac_arena_printf(a, "%.*s is not a backup made by Raccord", RAC_FMT(file));
        return e == RAC_OK || e == RAC_E_CORRUPT ? RAC_E_INVALID : e;
    }
    if ((uint64_t)version > rac_migrations_n) {
        *why = rac_arena_printf(a, "%.*s was made by a newer Raccord (schema %lld)", RAC_FMT(file),
                                (long long)version);
        return RAC_E_UNSUPPORTED;
    }
    struct rac_db_rows r = RAC_DB_QUERY(db, INTEGRITY);
    rac_str first = rac_db_next(&r) ? rac_db_str(&r, 0, a) : RAC_S("no answer");
    e = rac_db_end(&r);
    if (e == RAC_OK && !rac_str_eq(first, RAC_S("ok")))
        e = RAC_E_CORRUPT;
    if (e != RAC_OK)
        *why = rac_arena_printf(a, "%.*s is damaged: %.*s", RAC_FMT(file), RAC_FMT(first));
    return e;
}

rac_err rac_store_restore(rac_str file, rac_str dir, struct rac_arena *a, rac_str *why)
{
    if (access(rac_arena_cstr(a, file), R_OK) != 0) {
        *why = rac_arena_printf(a, "%.*s: %s", RAC_FMT(file), strerror(errno));
        return errno == ENOENT ? RAC_E_NOT_FOUND : RAC_E_IO;
    }
    struct rac_db db = {0};
    rac_err e = rac_db_open(&db, file, RAC_DB_COPY, 2048, NULL, a, why);
    if (e == RAC_E_CORRUPT) {
        *why = rac_arena_printf(a, "%.*s is not a backup made by Raccord", RAC_FMT(file));
        e = RAC_E_INVALID;
    }
    if (e == RAC_OK)
        e = check_integrity(&db, file, a, why);
    if (e == RAC_OK)
        e = check_empty(dir, a, why);
    int lock = -1;
    if (e == RAC_OK)
        e = rac_lockfile_take(dir, a, &lock, why);
    if (e == RAC_OK)
        e = copy_to(&db, rac_arena_printf(a, "%.*s/raccord.db", RAC_FMT(dir)).p, a, why);
    if (e == RAC_OK && !rac_dir_sync(dir, a))
        e = RAC_E_IO;
    rac_lockfile_drop(lock);
    rac_db_close(&db);
    return e;
}
