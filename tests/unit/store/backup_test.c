/*
 * Backup, restore and rotation of keys when they are cut off: killed at any moment, on a full disk,
 * by two at once; and what a backup may not be: cut short, changed, newer.
 */
#include "fixture.h"

#include "fail_vfs.h"
#include "store/sqlite/db.h"
#include "store/sqlite/migrate.h"
#include "store/sqlite/store_priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { CONNECTORS = 24, DEFINITION_BYTES = 200000 };

static const char *in(struct fixture *f, const char *name)
{
    return rac_arena_printf(&f->a, "%s/%s", f->dir, name).p;
}

/* A store of a few megabytes with secrets, closed. */
static int setup(void **state)
{
    if (fixture_setup(state) != 0)
        return 1;
    struct fixture *f = *state;
    char *text = rac_arena_alloc(&f->a, DEFINITION_BYTES + 1);
    for (int i = 0; i < CONNECTORS; i++) {
        char id[32];
        snprintf(id, sizeof id, "shared_k-%d", i);
        memset(text, 'a' + i, DEFINITION_BYTES);
        if (fixture_connector(f, id, text) != RAC_OK)
            return 1;
    }
    if (fixture_connection(f, "k-1", "shared_k-0", "u1", "{\"secret\":1}") != RAC_OK)
        return 1;
    fixture_close(f);
    fail_vfs_at(0, 0, false);
    fail_vfs_quota(-1);
    return 0;
}

/* Opens dir and looks whether everything is there and can be unsealed. */
static void must_be_whole(struct fixture *f, const char *dir)
{
    struct fixture two = {.a = f->a};
    snprintf(two.dir, sizeof two.dir, "%s", dir);
    rac_arena_init(&two.a, 64 << 20);
    if (fixture_open(&two, NULL) != RAC_OK)
        fail_msg("%s: %.*s", dir, RAC_FMT(two.why));
    rac_str secrets;
    assert_int_equal(two.c->connection_secrets(two.c->self, TENANT, RAC_S("k-1"), &two.a, &secrets),
                     RAC_OK);
    assert_str(secrets, "{\"secret\":1}");
    struct rac_file file;
    for (int i = 0; i < CONNECTORS; i++) {
        char id[32];
        snprintf(id, sizeof id, "shared_k-%d", i);
        assert_int_equal(two.c->file_get(two.c->self, TENANT, rac_str_of(id), 0,
                                         RAC_FILE_DEFINITION, RAC_STR_NULL, &two.a, &file),
                         RAC_OK);
        assert_int_equal(file.bytes_n, DEFINITION_BYTES);
    }
    fixture_close(&two);
    rac_arena_fini(&two.a);
}

static void pause_us(int64_t us)
{
    const struct timespec t = {us / 1000000, us % 1000000 * 1000};
    (void)nanosleep(&t, NULL);
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct job {
    rac_err (*fn)(struct fixture *f, rac_str *why);
    int64_t took_us; /* of one that was let alone */
};

static void fresh_random(void) /* the pool of random bytes was copied by fork: past its end */
{
    unsigned char b[32];
    for (int i = 0; i < 17; i++)
        rac_env_random(&rac_env_system, b, sizeof b);
}

static void child(struct fixture *f, const struct job *j)
{
    fresh_random();
    rac_str why = RAC_STR_NULL;
    rac_err e = j->fn(f, &why);
    if (e != RAC_OK)
        fprintf(stderr, "%s: %.*s\n", rac_err_name(e), RAC_FMT(why));
    _exit(e != RAC_OK);
}

/* Runs fn in a process of its own and kills it after a while; true: it had come to its end. */
static bool killed_after(struct fixture *f, const struct job *j, int64_t us)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child(f, j);
    pause_us(us);
    kill(pid, SIGKILL);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return !WIFSIGNALED(status);
}

static void measure(struct fixture *f, struct job *j)
{
    int64_t start = now_us();
    pid_t pid = fork();
    if (pid == 0)
        child(f, j);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    j->took_us = now_us() - start;
}

/* How many files of dir begin with this. */
static int files_like(const char *dir, const char *start)
{
    int n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += strncmp(e->d_name, start, strlen(start)) == 0;
    closedir(d);
    return n;
}

/* --- killed ----------------------------------------------------------------------------------- */

enum { ROUNDS = 12 };

static rac_err do_backup(struct fixture *f, rac_str *why)
{
    return rac_store_backup(rac_str_of(f->dir), rac_str_of(in(f, "copy")), &f->a, why);
}

static rac_err do_restore(struct fixture *f, rac_str *why)
{
    return rac_store_restore(rac_str_of(in(f, "copy")), rac_str_of(in(f, "two")), &f->a, why);
}

static rac_err do_rotate(struct fixture *f, rac_str *why)
{
    const struct rac_store_options o = {.dir = rac_str_of(f->dir), .env = &rac_env_system};
    int64_t n;
    return rac_store_rotate(&o, true, &f->a, &n, why);
}

static void restored_is_whole(struct fixture *f)
{
    const char *two = in(f, "two");
    assert_int_equal(link(in(f, "master.key"), in(f, "two/master.key")), 0);
    must_be_whole(f, two);
    fixture_remove(two);
}

static void test_backup_killed(void **state)
{
    struct fixture *f = *state;
    struct job j = {.fn = do_backup};
    measure(f, &j);
    unlink(in(f, "copy"));
    int cut = 0;
    for (int i = 0; i < ROUNDS; i++) {
        bool ended = killed_after(f, &j, j.took_us * i / ROUNDS);
        cut += !ended;
        bool there = access(in(f, "copy"), F_OK) == 0;
        assert_true(there || !ended);
        if (!there) { /* the next one is not held up by what was left */
            if (do_backup(f, &f->why) != RAC_OK)
                fail_msg("round %d: %.*s", i, RAC_FMT(f->why));
        }
        assert_int_equal(do_restore(f, &f->why), RAC_OK);
        restored_is_whole(f);
        unlink(in(f, "copy"));
    }
    assert_true(cut > 0);
    assert_int_equal(access(in(f, "copy.part"), F_OK), -1);
}

static void test_restore_killed(void **state)
{
    struct fixture *f = *state;
    struct job j = {.fn = do_restore};
    assert_int_equal(do_backup(f, &f->why), RAC_OK);
    measure(f, &j);
    fixture_remove(in(f, "two"));
    const struct rac_store_options o = {.dir = rac_str_of(in(f, "two")), .env = &rac_env_system};
    int cut = 0, started = 0;
    for (int i = 0; i < ROUNDS; i++) {
        cut += !killed_after(f, &j, j.took_us * i / ROUNDS);
        if (access(in(f, "two/raccord.db"), F_OK) != 0) {
            struct rac_store *s;
            if (access(in(f, "two/raccord.db.part"), F_OK) == 0) { /* no new store in its place */
                started++;
                assert_int_equal(rac_store_open(&o, &f->a, &s, &f->why), RAC_E_CORRUPT);
            }
            if (do_restore(f, &f->why) != RAC_OK)
                fail_msg("round %d: %.*s", i, RAC_FMT(f->why));
        }
        restored_is_whole(f);
    }
    assert_true(cut > 0);
    (void)started; /* depends on the machine */
}

static void test_rotation_killed(void **state)
{
    struct fixture *f = *state;
    struct job j = {.fn = do_rotate};
    measure(f, &j);
    int cut = 0;
    for (int i = 0; i < ROUNDS; i++) {
        cut += !killed_after(f, &j, j.took_us * i / ROUNDS);
        must_be_whole(f, f->dir);
    }
    assert_true(cut > 0);
    assert_int_equal(do_rotate(f, &f->why), RAC_OK);
    must_be_whole(f, f->dir);
    int fd = open(f->dir, O_TMPFILE | O_RDWR, 0600);
    if (fd >= 0) { /* a file system on which a key has no name before it is whole */
        close(fd);
        assert_int_equal(files_like(f->dir, "master.key."), 0);
    }
}

/* Two at once: one works, the other is told so or comes after it. */
static void test_two_rotations(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 4; round++) {
        pid_t pids[2];
        int done = 0;
        for (int i = 0; i < 2; i++)
            if ((pids[i] = fork()) == 0) {
                rac_str why;
                fresh_random();
                rac_err e = do_rotate(f, &why);
                _exit(e == RAC_OK ? 0 : e == RAC_E_BUSY ? 1 : 2);
            }
        for (int i = 0; i < 2; i++) {
            int status;
            assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
            done += WEXITSTATUS(status) == 0;
        }
        assert_true(done >= 1);
        must_be_whole(f, f->dir);
    }
}

static void test_key_keeps_its_owner(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(in(f, "master.key"), 4711, 4712), 0);
    assert_int_equal(do_rotate(f, &f->why), RAC_OK);
    assert_int_equal(stat(in(f, "master.key"), &st), 0);
    assert_int_equal(st.st_uid, 4711);
    assert_int_equal(st.st_gid, 4712);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* --- the disk --------------------------------------------------------------------------------- */

static void test_disk_full(void **state)
{
    struct fixture *f = *state;
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    assert_int_equal(do_backup(f, &f->why), RAC_OK);
    assert_int_equal(rename(in(f, "copy"), in(f, "kept")), 0);
    sqlite3_vfs_register(sqlite3_vfs_find(FAIL_VFS), true);
    for (int64_t room = 0; room < 4000000; room += 700001) {
        fail_vfs_quota(room);
        assert_int_equal(do_backup(f, &f->why), RAC_E_FULL);
        assert_true(rac_str_find(f->why, RAC_S("full")) != RAC_STR_NPOS);
        assert_int_equal(files_like(f->dir, "copy"), 0);
    }
    fail_vfs_quota(-1);
    assert_int_equal(do_backup(f, &f->why), RAC_OK);
    for (int64_t room = 0; room < 4000000; room += 700001) {
        fail_vfs_quota(room);
        assert_int_equal(do_restore(f, &f->why), RAC_E_FULL);
        assert_int_equal(files_like(in(f, "two"), "raccord.db"), 0);
    }
    fail_vfs_quota(-1);
    assert_int_equal(do_restore(f, &f->why), RAC_OK); /* into the same directory */
    sqlite3_vfs_register(usual, true);
    restored_is_whole(f);
}

/* Somebody else's file under our working name is not written into. */
static void test_part_of_somebody_else(void **state)
{
    struct fixture *f = *state;
    int fd = open(in(f, "copy.part"), O_WRONLY | O_CREAT, 0644);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(do_backup(f, &f->why), RAC_E_BUSY);
    unlink(in(f, "copy.part"));
    assert_int_equal(symlink(in(f, "elsewhere"), in(f, "copy.part")), 0);
    assert_int_not_equal(do_backup(f, &f->why), RAC_OK);
    assert_int_equal(access(in(f, "elsewhere"), F_OK), -1);
    unlink(in(f, "copy.part"));
    assert_int_equal(symlink(in(f, "elsewhere"), in(f, "copy")), 0); /* leads nowhere, is there */
    assert_int_equal(do_backup(f, &f->why), RAC_E_EXISTS);
}

/* flock as NFS has it: a lock on all bytes of the file, which those of SQLite meet. */
static bool flock_is_a_range;

int flock(int fd, int op)
{
    if (!flock_is_a_range)
        return (int)syscall(SYS_flock, fd, op);
    struct flock l = {.l_type = (short)((op & LOCK_UN) != 0   ? F_UNLCK
                                        : (op & LOCK_SH) != 0 ? F_RDLCK
                                                              : F_WRLCK),
                      .l_whence = SEEK_SET};
    return fcntl(fd, (op & LOCK_NB) != 0 ? F_OFD_SETLK : F_OFD_SETLKW, &l);
}

static void test_flock_is_a_range(void **state)
{
    struct fixture *f = *state;
    flock_is_a_range = true;
    rac_err backup = do_backup(f, &f->why);
    rac_err restore = backup == RAC_OK ? do_restore(f, &f->why) : RAC_OK;
    flock_is_a_range = false;
    if (backup != RAC_OK || restore != RAC_OK)
        fail_msg("%.*s", RAC_FMT(f->why));
    assert_int_equal(files_like(f->dir, "copy"), 1); /* no lock is left beside it */
    assert_int_equal(files_like(in(f, "two"), "raccord.db.part"), 0);
    restored_is_whole(f);
}

/* Who comes while another is at work is told so, and takes nothing away. */
static void test_two_backups(void **state)
{
    struct fixture *f = *state;
    int fd = open(in(f, "copy.part.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    int part = open(in(f, "copy.part"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(part, "half", 4), 4);
    close(part);
    assert_int_equal(do_backup(f, &f->why), RAC_E_BUSY);
    struct stat st;
    assert_int_equal(stat(in(f, "copy.part"), &st), 0);
    assert_int_equal(st.st_size, 4);
    assert_int_equal(access(in(f, "copy.part.lock"), F_OK), 0);
    close(fd); /* as the kernel does for a killed one */
    assert_int_equal(do_backup(f, &f->why), RAC_OK);
    assert_int_equal(files_like(f->dir, "copy"), 1);
}

/* --- what is no backup ------------------------------------------------------------------------ */

static void refused(struct fixture *f, rac_err want)
{
    rac_err e = do_restore(f, &f->why);
    if (want == RAC_OK ? e == RAC_OK : e != want)
        fail_msg("%s: %.*s", rac_err_name(e), RAC_FMT(f->why));
    assert_true(rac_str_find(f->why, rac_str_of(in(f, "copy"))) != RAC_STR_NPOS);
    assert_int_equal(access(in(f, "two"), F_OK), -1); /* nothing was begun */
}

static void test_cut_short(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(do_backup(f, &f->why), RAC_OK);
    assert_int_equal(stat(in(f, "copy"), &st), 0);
    const int64_t at[] = {
        st.st_size - 1, st.st_size - 4096, st.st_size / 2, 8192, 4096, 500, 99, 16, 0};
    for (size_t i = 0; i < RAC_COUNT(at); i++) {
        assert_int_equal(truncate(in(f, "copy"), at[i]), 0);
        refused(f, RAC_OK); /* any error */
    }
}

static void change_copy(struct fixture *f, const char *sql)
{
    sqlite3 *h;
    char *error = NULL;
    unlink(in(f, "copy"));
    assert_int_equal(do_backup(f, &f->why), RAC_OK);
    assert_int_equal(sqlite3_open(in(f, "copy"), &h), SQLITE_OK);
    if (sqlite3_exec(h, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
    sqlite3_close(h);
}

static void test_changed(void **state)
{
    struct fixture *f = *state;
    static const char *const programs[] = {
        "create trigger x after insert on tokens begin delete from audit; end",
        "create view x as select * from tokens",
        "create table x (a)",
        "drop index connections_by_connector",
        "pragma writable_schema=on; update sqlite_schema set sql = replace(sql, 'not null', '') "
        "where name = 'tokens'",
    };
    for (size_t i = 0; i < RAC_COUNT(programs); i++) {
        change_copy(f, programs[i]);
        refused(f, RAC_E_CORRUPT);
    }
    change_copy(f, "pragma foreign_keys=off; delete from connectors");
    refused(f, RAC_E_CORRUPT);
    change_copy(f, "pragma application_id=7");
    refused(f, RAC_E_INVALID);
    change_copy(f, "pragma user_version=99");
    refused(f, RAC_E_UNSUPPORTED);
    assert_true(rac_str_find(f->why, RAC_S("newer")) != RAC_STR_NPOS);
}

/* A backup of every version before is taken, and brought up to date at the first start. */
static void test_older(void **state)
{
    struct fixture *f = *state;
    for (size_t version = 1; version <= rac_migrations_n; version++) {
        struct rac_db db;
        int64_t from, to, is = 0;
        const char *old = in(f, "old");
        assert_int_equal(mkdir(old, 0700), 0);
        assert_int_equal(rac_db_open(&db, rac_str_of(in(f, "old/raccord.db")), RAC_DB_WRITE, 100,
                                     NULL, &f->a, &f->why),
                         RAC_OK);
        assert_int_equal(rac_migrate(&db, version, &f->a, &from, &to, &f->why), RAC_OK);
        rac_db_close(&db);
        rac_str copy = rac_str_of(in(f, "copy")), two = rac_str_of(in(f, "two"));
        assert_int_equal(rac_store_backup(rac_str_of(old), copy, &f->a, &f->why), RAC_OK);
        if (rac_store_restore(copy, two, &f->a, &f->why) != RAC_OK)
            fail_msg("version %zu: %.*s", version, RAC_FMT(f->why));
        assert_int_equal(link(in(f, "master.key"), in(f, "two/master.key")), 0);
        struct rac_store *s;
        const struct rac_store_options o = {.dir = two, .env = &rac_env_system};
        assert_int_equal(rac_store_open(&o, &f->a, &s, &f->why), RAC_OK);
        rac_store_close(s);
        assert_int_equal(rac_db_open(&db, rac_str_of(in(f, "two/raccord.db")), RAC_DB_READ, 100,
                                     NULL, &f->a, &f->why),
                         RAC_OK);
        assert_int_equal(RAC_DB_NUMBER(&db, USER_VERSION, &is), RAC_OK);
        assert_int_equal(is, rac_migrations_n);
        rac_db_close(&db);
        unlink(copy.p);
        fixture_remove(old);
        fixture_remove(in(f, "two"));
    }
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, fixture_teardown)

int main(void)
{
    fail_vfs_register();
    const struct CMUnitTest tests[] = {
        T(test_backup_killed), /* forks: before any thread stays */
        T(test_restore_killed),
        T(test_rotation_killed),
        T(test_two_rotations),
        T(test_key_keeps_its_owner),
        T(test_disk_full),
        T(test_part_of_somebody_else),
        T(test_flock_is_a_range),
        T(test_two_backups),
        T(test_cut_short),
        T(test_changed),
        T(test_older),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
