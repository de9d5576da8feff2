/*
 * Backup and restore. A backup is one SQLite file made through the online backup interface, from a
 * reader: the server goes on, and what is copied is one consistent moment. Sealed values stay
 * sealed; the master key is never part of it.
 *
 * A copy is written as FILE.part and gets its name when it is whole and durable, so that a file of
 * that name is never half a copy, whenever the process is killed. The next one takes the rest of a
 * killed one away; a lock on FILE.part.lock says whether somebody is still at work. It is not on the
 * copy itself: where flock is a range of bytes (NFS), SQLite's own locks would meet it.
 */
#define RAC_ALLOW_FSYNC
#include "store/sqlite/migrate.h"
#include "store/sqlite/store_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { BUSY_MAX = 1000 };

struct copy {
    const char *file, *part, *lock;
    int fd, lock_fd; /* of part; of lock, locked */
};

static rac_err fail_file(const char *file, int err, struct rac_arena *a, rac_str *why)
{
    *why = rac_arena_printf(a, "%s: %s", file, err == EEXIST ? "it exists already" : strerror(err));
    return err == EEXIST                    ? RAC_E_EXISTS
           : err == ENOSPC || err == EDQUOT ? RAC_E_FULL
           : err == EWOULDBLOCK             ? RAC_E_BUSY
           : err == EACCES || err == EPERM  ? RAC_E_DENIED
                                            : RAC_E_IO;
}

/* What SQLite puts beside a file; of a killed copy it would be taken for the new one's. */
static void unlink_beside(const char *part, struct rac_arena *a)
{
    static const char *const ends[] = {"-journal", "-wal", "-shm"};
    for (size_t i = 0; i < RAC_COUNT(ends); i++)
        unlink(rac_arena_printf(a, "%s%s", part, ends[i]).p);
}

/* Still the file of that name, ours alone, and nobody else's to read? */
static bool is_mine(int fd, const char *name)
{
    struct stat st, named;
    return fstat(fd, &st) == 0 && lstat(name, &named) == 0 && st.st_ino == named.st_ino &&
           st.st_dev == named.st_dev && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
           (st.st_mode & 077) == 0;
}

/* A file of ours at name, made if there is none; locked if so wanted. */
static rac_err open_mine(const char *name, bool locked, int *out, struct rac_arena *a, rac_str *why)
{
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail_file(name, errno, a, why);
    if ((locked && flock(fd, LOCK_EX | LOCK_NB) != 0) || !is_mine(fd, name)) {
        close(fd);
        *why = rac_arena_printf(a, "%s: somebody else is writing it; if not, remove it", name);
        return RAC_E_BUSY;
    }
    *out = fd;
    return RAC_OK;
}

/* The lock goes last and while it is held: who opened it before finds another file of that name. */
static void copy_end(struct copy *c)
{
    if (c->fd >= 0)
        close(c->fd);
    unlink(c->lock);
    close(c->lock_fd);
}

static rac_err copy_begin(struct copy *c, const char *file, struct rac_arena *a, rac_str *why)
{
    *c = (struct copy){.file = file,
                       .part = rac_arena_printf(a, "%s.part", file).p,
                       .lock = rac_arena_printf(a, "%s.part.lock", file).p,
                       .fd = -1};
    struct stat st;
    if (lstat(file, &st) == 0)
        return fail_file(file, EEXIST, a, why);
    rac_err e = open_mine(c->lock, true, &c->lock_fd, a, why);
    if (e != RAC_OK)
        return e;
    e = open_mine(c->part, false, &c->fd, a, why);
    if (e == RAC_OK && ftruncate(c->fd, 0) != 0)
        e = fail_file(c->part, errno, a, why);
    if (e == RAC_OK)
        unlink_beside(c->part, a);
    else
        copy_end(c);
    return e;
}

/* In one step: it reads one moment, however long it takes, and no commit can overtake it. */
static int copy_pages(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    if (b == NULL)
        return sqlite3_errcode(to);
    int rc, busy = 0;
    while ((rc = sqlite3_backup_step(b, -1)) == SQLITE_BUSY || rc == SQLITE_LOCKED) {
        if (busy++ >= BUSY_MAX)
            break;
        sqlite3_sleep(5);
    }
    int end = sqlite3_backup_finish(b);
    return rc == SQLITE_DONE ? end : rc;
}

/* The copy must not come up in WAL mode: a reader of it would need to write beside it. */
static int settle(sqlite3 *to)
{
    return sqlite3_exec(to, "pragma journal_mode=delete", NULL, NULL, NULL);
}

static rac_err copy_fill(const struct copy *c, sqlite3 *from, struct rac_arena *a, rac_str *why)
{
    sqlite3 *to = NULL;
    int rc = sqlite3_open_v2(c->part, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = copy_pages(from, to);
    if (rc == SQLITE_OK)
        rc = settle(to);
    struct rac_db said = {.h = to};
    rac_err e = rac_db_err(&said, rc);
    int closed = sqlite3_close(to);
    if (e == RAC_OK && closed != SQLITE_OK)
        e = RAC_E_IO;
    if (e != RAC_OK)
        *why = rac_arena_printf(a, "%s: %s", c->file,
                                e == RAC_E_FULL ? "the disk is full" : sqlite3_errstr(rc));
    return e;
}

/* The bytes are durable before they have the name, the name before anybody is told. */
static rac_err copy_name(const struct copy *c, struct rac_arena *a, rac_str *why)
{
    if (fsync(c->fd) != 0)
        return fail_file(c->part, errno, a, why);
    int rc = renameat2(AT_FDCWD, c->part, AT_FDCWD, c->file, RENAME_NOREPLACE);
    if (rc != 0 && (errno == EINVAL || errno == ENOSYS)) /* file systems that cannot refuse */
        rc = rename(c->part, c->file);
    if (rc != 0)
        return fail_file(c->file, errno, a, why);
    rac_str file = rac_str_of(c->file), dir = RAC_S(".");
    size_t slash = rac_str_rfind_char(file, '/');
    if (slash != RAC_STR_NPOS)
        dir = slash == 0 ? RAC_S("/") : rac_str_sub(file, 0, slash);
    return rac_dir_sync(dir, a) ? RAC_OK : fail_file(c->file, errno, a, why);
}

static rac_err copy_to(struct rac_db *from, const char *file, struct rac_arena *a, rac_str *why)
{
    struct copy c;
    rac_err e = copy_begin(&c, file, a, why);
    if (e != RAC_OK)
        return e;
    e = copy_fill(&c, from->h, a, why);
    if (e == RAC_OK)
        e = copy_name(&c, a, why);
    if (e != RAC_OK) {
        unlink(c.part);
        unlink_beside(c.part, a);
    }
    copy_end(&c);
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
        /* The key has to be put back by hand, and may be there before the data; the others are
         * left of a restore that did not come to its end. */
        rac_str name = rac_str_of(f->d_name);
        empty = rac_str_eq(name, RAC_S(".")) || rac_str_eq(name, RAC_S("..")) ||
                rac_str_eq(name, RAC_S("master.key")) || rac_str_eq(name, RAC_S("lock")) ||
                rac_str_starts(name, RAC_S(RAC_STORE_PART));
    }
    closedir(d);
    if (empty)
        return RAC_OK;
    *why = rac_arena_printf(a, "%.*s is not empty; restore into a new directory", RAC_FMT(dir));
    return RAC_E_EXISTS;
}

static rac_err check_version(struct rac_db *db, rac_str file, struct rac_arena *a, int64_t *version,
                             rac_str *why)
{
    int64_t application = 0;
    rac_err e = RAC_DB_NUMBER(db, APPLICATION_ID, &application);
    if (e == RAC_OK)
        e = RAC_DB_NUMBER(db, USER_VERSION, version);
    if (e != RAC_OK || application != RAC_APPLICATION_ID || *version < 1) {
        *why = rac_arena_printf(a, "%.*s is not a backup made by Raccord", RAC_FMT(file));
        return e == RAC_OK || e == RAC_E_CORRUPT ? RAC_E_INVALID : e;
    }
    if ((uint64_t)*version > rac_migrations_n) {
        *why = rac_arena_printf(a,
                                "%.*s was made by a newer Raccord (schema %lld, this one knows up "
                                "to %zu); restore it with that one",
                                RAC_FMT(file), (long long)*version, rac_migrations_n);
        return RAC_E_UNSUPPORTED;
    }
    return RAC_OK;
}

/* The first row of a check is "ok", or there is none. */
static rac_err check_rows(struct rac_db_rows r, bool says_ok, rac_str file, struct rac_arena *a,
                          rac_str *why)
{
    bool some = rac_db_next(&r);
    rac_str first = some ? rac_db_str(&r, 0, a) : RAC_STR_NULL;
    rac_err e = rac_db_end(&r);
    if (e == RAC_OK && (says_ok ? !rac_str_eq(first, RAC_S("ok")) : some))
        e = RAC_E_CORRUPT;
    if (e != RAC_OK)
        *why = rac_arena_printf(a, "%.*s is damaged: %.*s", RAC_FMT(file),
                                RAC_FMT(first.n > 0 ? first : rac_str_of(rac_err_text(e))));
    return e;
}

/*
 * The tables are those that our own schema changes make, to the letter. A trigger, a view or a
 * column without its rules would be somebody else's program running inside every write.
 */
static rac_err check_schema(struct rac_db *db, int64_t version, rac_str file, struct rac_arena *a,
                            rac_str *why)
{
    struct rac_db own = {0};
    int64_t from, to;
    rac_err e = rac_db_open(&own, RAC_S(":memory:"), RAC_DB_WRITE, 256, NULL, a, why);
    if (e == RAC_OK)
        e = rac_migrate(&own, (size_t)version, a, &from, &to, why);
    bool same = true;
    if (e == RAC_OK) {
        struct rac_db_rows x = RAC_DB_QUERY(db, SCHEMA), y = RAC_DB_QUERY(&own, SCHEMA);
        bool more = true;
        while (same && more) {
            more = rac_db_next(&x);
            same = more == rac_db_next(&y);
            for (int i = 0; i < 4 && same && more; i++)
                same = rac_str_eq(rac_db_borrow(&x, i), rac_db_borrow(&y, i));
        }
        rac_err end = rac_db_end(&y);
        e = rac_db_end(&x);
        e = e != RAC_OK ? e : end;
    }
    rac_db_close(&own);
    if (e == RAC_OK && !same) {
        *why = rac_arena_printf(a, "%.*s is damaged: its tables are not those of schema %lld",
                                RAC_FMT(file), (long long)version);
        e = RAC_E_CORRUPT;
    }
    return e;
}

static rac_err check_all(struct rac_db *db, rac_str file, struct rac_arena *a, rac_str *why)
{
    int64_t version = 0;
    rac_err e = check_version(db, file, a, &version, why);
    if (e == RAC_OK)
        e = check_schema(db, version, file, a, why);
    if (e == RAC_OK)
        e = check_rows(RAC_DB_QUERY(db, INTEGRITY), true, file, a, why);
    if (e == RAC_OK)
        e = check_rows(RAC_DB_QUERY(db, FOREIGN_KEYS), false, file, a, why);
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
    if (e == RAC_OK) /* what is checked is what is copied */
        e = rac_db_script(&db, "begin");
    if (e == RAC_OK)
        e = check_all(&db, file, a, why);
    if (e == RAC_OK)
        e = check_empty(dir, a, why);
    int lock = -1;
    if (e == RAC_OK)
        e = rac_lockfile_take(dir, a, &lock, why);
    if (e == RAC_OK)
        e = copy_to(&db, rac_arena_printf(a, "%.*s/raccord.db", RAC_FMT(dir)).p, a, why);
    rac_lockfile_drop(lock);
    rac_db_close(&db);
    return e;
}
