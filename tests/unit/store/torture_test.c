/*
 * What must survive: the n-th write, flush or open failing for every n; the process killed at any
 * moment; the disk filling up; two sessions that want the same row; many threads at once.
 */
#include "torture.h"

#include "base/mem.h"
#include "iam/iam.h"
#include "store/sqlite/db.h"
#include "store/sqlite/migrate.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

static bool has_connector(struct fixture *f, int i)
{
    struct rac_connector_row row;
    struct rac_file file;
    rac_str id = rac_arena_printf(&f->a, "shared_n-%d", i);
    rac_err e = f->c->connector_get(f->c->self, TENANT, id, &f->a, &row);
    if (e == RAC_E_NOT_FOUND)
        return false;
    assert_int_equal(e, RAC_OK);
    /* all of it or nothing */
    assert_int_equal(
        f->c->file_get(f->c->self, TENANT, id, 0, RAC_FILE_DEFINITION, RAC_STR_NULL, &f->a, &file),
        RAC_OK);
    return true;
}

/* --- the n-th operation fails --- */

enum { SERIES = 6 };

static void one_failure(struct fixture *f, int64_t n, int rc, bool for_ever)
{
    bool acknowledged[SERIES] = {0};
    fail_vfs_at(n, rc, for_ever);
    rac_err e = fixture_open(f, FAIL_VFS);
    if (e == RAC_OK)
        for (int i = 0; i < SERIES; i++) {
            char id[32];
            snprintf(id, sizeof id, "shared_n-%d", i);
            e = fixture_connector(f, id, id);
            acknowledged[i] = e == RAC_OK;
            if (e != RAC_OK && e != RAC_E_IO && e != RAC_E_FULL)
                fail_msg("operation %lld: %s", (long long)n, rac_err_name(e));
        }
    else if (e != RAC_E_IO && e != RAC_E_FULL)
        fail_msg("open, operation %lld: %s: %.*s", (long long)n, rac_err_name(e), RAC_FMT(f->why));
    fixture_close(f);
    fail_vfs_at(0, 0, false);
    e = fixture_open(f, NULL);
    if (e != RAC_OK)
        fail_msg("again, operation %lld: %s: %.*s", (long long)n, rac_err_name(e), RAC_FMT(f->why));
    for (int i = 0; i < SERIES; i++)
        if (acknowledged[i] && !has_connector(f, i))
            fail_msg("operation %lld: acknowledged write %d is lost", (long long)n, i);
    fixture_close(f);
    torture_must_be_sound(f->dir);
}

static void test_nth_write_fails(void **state)
{
    torture_every(*state, one_failure, SQLITE_IOERR_WRITE, false);
}

static void test_nth_flush_fails(void **state)
{
    torture_every(*state, one_failure, SQLITE_IOERR_FSYNC, false);
}

static void test_full_from_the_nth_on(void **state)
{
    torture_every(*state, one_failure, SQLITE_FULL, true);
}

/* --- the disk is full --- */

static void test_disk_full(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_open(f, FAIL_VFS), RAC_OK);
    assert_int_equal(fixture_connector(f, "shared_n-0", "{}"), RAC_OK);
    char *big = rac_arena_alloc(&f->a, 300001);
    memset(big, 'x', 300000);
    fail_vfs_quota(200000);
    assert_int_equal(fixture_connector(f, "shared_n-1", big), RAC_E_FULL);
    assert_true(f->commit.error.n > 0);
    struct rac_store_stats st;
    rac_store_stats(f->store, &st);
    assert_int_equal(st.state, RAC_E_FULL);
    assert_true(has_connector(f, 0)); /* reading goes on */
    assert_false(has_connector(f, 1));

    /* of writes that arrive together, those that fit are kept */
    fail_vfs_quota(20000);
    int before = f->answers;
    const struct rac_file files[] = {
        {.kind = RAC_FILE_DEFINITION, .name = RAC_S("d"), .bytes = {big, 300000}}};
    struct rac_connector_save large = {.create = true,
                                       .id = RAC_S("shared_n-2"),
                                       .group = GROUP,
                                       .display_name = RAC_S("large"),
                                       .files = files,
                                       .files_n = 1},
                              small = {.create = true,
                                       .id = RAC_S("shared_small"),
                                       .group = GROUP,
                                       .display_name = RAC_S("small")};
    f->c->connector_save(f->c->self, TENANT, &large, fixture_done, f);
    f->c->connector_save(f->c->self, TENANT, &small, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(f->answers, before + 2);
    struct rac_connector_row row;
    assert_int_equal(f->c->connector_get(f->c->self, TENANT, RAC_S("shared_small"), &f->a, &row),
                     RAC_OK);
    assert_int_equal(f->c->connector_get(f->c->self, TENANT, RAC_S("shared_n-2"), &f->a, &row),
                     RAC_E_NOT_FOUND);

    fail_vfs_quota(-1); /* somebody made room */
    assert_int_equal(fixture_connector(f, "shared_n-1", big), RAC_OK);
    rac_store_stats(f->store, &st);
    assert_int_equal(st.state, RAC_OK);
    fixture_close(f);
    torture_must_be_sound(f->dir);
}

/* --- killed --- */

struct child {
    struct fixture *f;
    int fd, next, in_flight;
};

struct child_write {
    struct child *c;
    int i;
};

static void child_done(void *arg, const struct rac_commit *commit)
{
    struct child_write *w = arg;
    w->c->in_flight--;
    if (commit->err == RAC_OK && write(w->c->fd, &w->i, sizeof w->i) != sizeof w->i)
        _exit(1);
    rac_mem_free(w);
}

static void child_main(struct fixture *f, int fd, int first)
{
    struct child c = {.f = f, .fd = fd, .next = first};
    if (fixture_open(f, NULL) != RAC_OK)
        _exit(2);
    char *text = rac_arena_alloc(&f->a, 20001);
    for (;;) {
        while (c.in_flight < 16) {
            struct child_write *w = rac_mem_alloc(sizeof *w);
            *w = (struct child_write){&c, c.next++};
            memset(text, 'a' + w->i % 26, 20000);
            char id[32];
            snprintf(id, sizeof id, "shared_n-%d", w->i);
            memcpy(text, id, strlen(id));
            const struct rac_file file = {
                .kind = RAC_FILE_DEFINITION, .name = RAC_S("d"), .bytes = {text, 20000}};
            const struct rac_connector_save r = {.create = true,
                                                 .id = rac_str_of(id),
                                                 .group = GROUP,
                                                 .display_name = rac_str_of(id),
                                                 .files = &file,
                                                 .files_n = 1};
            c.in_flight++;
            f->c->connector_save(f->c->self, TENANT, &r, child_done, w);
        }
        rac_store_session_wait(f->ses);
    }
}

static void test_killed(void **state)
{
    struct fixture *f = *state;
    int first = 0;
    for (int round = 0; round < 8; round++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(fds[0]);
            child_main(f, fds[1], first);
            _exit(3);
        }
        close(fds[1]);
        int enough = 20 + 37 * round, got = 0, i, highest = first;
        bool seen[20000] = {0};
        while (read(fds[0], &i, sizeof i) == sizeof i) {
            assert_true(i >= 0 && i < 20000);
            seen[i] = true;
            highest = i > highest ? i : highest;
            if (++got == enough)
                kill(pid, SIGKILL);
        }
        close(fds[0]);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && got >= enough);
        assert_int_equal(fixture_open(f, NULL), RAC_OK);
        for (i = 0; i <= highest; i++)
            if (seen[i] && !has_connector(f, i))
                fail_msg("round %d: acknowledged write %d is lost", round, i);
        fixture_close(f);
        torture_must_be_sound(f->dir);
        first = highest + 100; /* past what was written without an answer */
    }
}

/* --- two who want the same --- */

struct race {
    int won, lost, other;
};

static void race_done(void *arg, const struct rac_commit *c)
{
    struct race *r = arg;
    r->won += c->err == RAC_OK;
    r->lost += c->err == RAC_E_CONFLICT;
    r->other += c->err != RAC_OK && c->err != RAC_E_CONFLICT;
}

static void test_two_writers(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    assert_int_equal(fixture_connector(f, "shared_n-0", "{}"), RAC_OK);
    struct rac_store_session *two;
    assert_int_equal(rac_store_session_new(f->store, NULL, &two), RAC_OK);
    const struct rac_connector_store *c1 = f->c, *c2 = rac_store_connectors(two);
    struct race r = {0};
    for (int i = 1; i <= 100; i++) {
        const struct rac_connector_save s = {
            .id = RAC_S("shared_n-0"), .description = RAC_S("x"), .if_version = i};
        c1->connector_save(c1->self, TENANT, &s, race_done, &r);
        c2->connector_save(c2->self, TENANT, &s, race_done, &r);
        while (rac_store_session_wait(f->ses))
            ;
        while (rac_store_session_wait(two))
            ;
        assert_int_equal(r.won, i);
        assert_int_equal(r.lost, i);
    }
    assert_int_equal(r.other, 0);
    rac_store_session_free(two);
}

/* --- many threads --- */

static struct {
    struct rac_store *store;
    _Atomic bool stop;
    _Atomic int reads, writes, errors;
} crowd;

static void *reader(void *arg)
{
    struct rac_store_session *ses;
    struct rac_arena a;
    (void)arg;
    rac_arena_init(&a, 64 << 20);
    if (rac_store_session_new(crowd.store, NULL, &ses) != RAC_OK)
        crowd.errors++;
    const struct rac_connector_store *c = rac_store_connectors(ses);
    int64_t last = 0;
    while (!crowd.stop) {
        struct rac_connector_row row;
        struct rac_revision_row rev;
        rac_str secrets;
        rac_arena_reset(&a);
        if (c->connector_get(c->self, TENANT, RAC_S("shared_n-0"), &a, &row) != RAC_OK ||
            c->revision_get(c->self, TENANT, RAC_S("shared_n-0"), row.revision, &a, &rev) !=
                RAC_OK ||
            rev.files_n != 2 || row.revision < last || /* never back in time */
            c->connection_secrets(c->self, TENANT, RAC_S("n-0"), &a, &secrets) != RAC_OK)
            crowd.errors++;
        last = row.revision;
        crowd.reads++;
    }
    rac_store_session_free(ses);
    rac_arena_fini(&a);
    return NULL;
}

static void crowd_done(void *arg, const struct rac_commit *c)
{
    (void)arg;
    crowd.writes++;
    crowd.errors += c->err != RAC_OK;
}

static void *writer(void *arg)
{
    struct rac_store_session *ses;
    if (rac_store_session_new(crowd.store, NULL, &ses) != RAC_OK)
        crowd.errors++;
    const struct rac_connector_store *c = rac_store_connectors(ses);
    for (int i = 0; i < 60; i++) {
        char text[32];
        snprintf(text, sizeof text, "{\"by\":%d,\"i\":%d}", *(int *)arg, i);
        const struct rac_file file = {
            .kind = RAC_FILE_DEFINITION, .name = RAC_S("d"), .bytes = rac_str_of(text)};
        const struct rac_connector_save r = {
            .id = RAC_S("shared_n-0"), .files = &file, .files_n = 1, .operations_n = -1};
        const struct rac_connection_save v = {
            .id = RAC_S("n-0"), .secrets = rac_str_of(text), .shareable = -1};
        c->connector_save(c->self, TENANT, &r, crowd_done, NULL);
        c->connection_save(c->self, TENANT, &v, crowd_done, NULL);
        if (i % 7 == 0)
            rac_store_session_wait(ses);
    }
    rac_store_session_free(ses);
    return NULL;
}

static void test_crowd(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    assert_int_equal(fixture_connector(f, "shared_n-0", "{}"), RAC_OK);
    assert_int_equal(fixture_connection(f, "n-0", "shared_n-0", "u", "{}"), RAC_OK);
    crowd.store = f->store;
    pthread_t readers[3], writers[3];
    int names[3] = {0, 1, 2};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, reader, NULL), 0);
        assert_int_equal(pthread_create(&writers[i], NULL, writer, &names[i]), 0);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(writers[i], NULL);
    crowd.stop = true;
    for (int i = 0; i < 3; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(crowd.errors, 0);
    assert_int_equal(crowd.writes, 360);
    assert_true(crowd.reads > 0);
    struct rac_connector_row row;
    assert_int_equal(f->c->connector_get(f->c->self, TENANT, RAC_S("shared_n-0"), &f->a, &row),
                     RAC_OK);
    assert_int_equal(row.revision, 181);
    struct rac_store_stats st;
    rac_store_stats(f->store, &st);
    assert_true(st.commits_total < st.writes_total); /* they did share commits */
}

/* --- overload, and a session on somebody's loop --- */

static void queue_audit(struct fixture *f, int n, struct race *r)
{
    const struct rac_iam_store *i = rac_store_iam(f->ses);
    while (n-- > 0)
        i->audit_add(i->self, TENANT, RAC_S("x"), RAC_S("y"), RAC_S("z"), 0, NULL, race_done, r);
}

static void test_queue_full(void **state)
{
    struct fixture *f = *state;
    const struct rac_store_options o = {
        .dir = rac_str_of(f->dir), .env = &rac_env_system, .queue_max = 4, .vfs = FAIL_VFS};
    fail_vfs_at(0, 0, false);
    assert_int_equal(rac_store_open(&o, &f->a, &f->store, &f->why), RAC_OK);
    assert_int_equal(rac_store_session_new(f->store, NULL, &f->ses), RAC_OK);
    struct race first = {0}, queued = {0}, over = {0};
    queue_audit(f, 1, &first); /* behind what a start queues by itself */
    while (rac_store_session_wait(f->ses))
        ;
    assert_int_equal(first.won, 1);
    fail_vfs_hold();
    queue_audit(f, 1, &first);
    fail_vfs_await_held(); /* the writer has it, and the disk does not answer */
    queue_audit(f, 4, &queued);
    queue_audit(f, 10, &over);
    while (over.other < 10)
        assert_true(rac_store_session_wait(f->ses)); /* refused while the writer is stuck */
    assert_int_equal(queued.won + first.won, 1);
    fail_vfs_release();
    while (rac_store_session_wait(f->ses))
        ;
    assert_int_equal(first.won, 2);
    assert_int_equal(queued.won, 4); /* what was accepted is done */
    assert_int_equal(over.won + over.lost, 0);
}

struct loop {
    int posts;
    void (*fn)(void *arg);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t wake;
};

static void loop_post(void *self, void (*fn)(void *arg), void *arg)
{
    struct loop *l = self;
    pthread_mutex_lock(&l->lock);
    l->posts++;
    l->fn = fn;
    l->arg = arg;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->lock);
}

static void test_posts(void **state)
{
    struct fixture *f = *state;
    struct loop l = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
    const struct rac_store_loop loop = {.post = loop_post, .self = &l};
    const struct rac_store_options o = {.dir = rac_str_of(f->dir), .env = &rac_env_system};
    assert_int_equal(rac_store_open(&o, &f->a, &f->store, &f->why), RAC_OK);
    assert_int_equal(rac_store_session_new(f->store, &loop, &f->ses), RAC_OK);
    const struct rac_iam_store *i = rac_store_iam(f->ses);
    struct race r = {0};
    for (int n = 0; n < 200; n++)
        i->audit_add(i->self, TENANT, RAC_S("x"), RAC_S("y"), RAC_S("z"), 0, NULL, race_done, &r);
    assert_int_equal(r.won, 0); /* never called back from inside */
    int posts = 0;
    while (r.won < 200) {
        pthread_mutex_lock(&l.lock);
        while (l.fn == NULL)
            pthread_cond_wait(&l.wake, &l.lock);
        void (*fn)(void *arg) = l.fn;
        l.fn = NULL;
        posts = l.posts;
        pthread_mutex_unlock(&l.lock);
        fn(l.arg);
    }
    assert_int_equal(r.won, 200);
    assert_true(posts < 200); /* one wake-up a batch */
}

/* --- schema changes --- */

static rac_str schema_of(struct rac_arena *a, sqlite3 *h)
{
    sqlite3_stmt *st;
    rac_str all = RAC_S("");
    assert_int_equal(
        sqlite3_prepare_v2(h, "select name, sql from sqlite_schema order by name", -1, &st, NULL),
        SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW)
        all = rac_arena_printf(a, "%.*s%s: %s\n", RAC_FMT(all), sqlite3_column_text(st, 0),
                               sqlite3_column_text(st, 1));
    sqlite3_finalize(st);
    return all;
}

static void test_migrations(void **state)
{
    struct fixture *f = *state;
    rac_str file = rac_arena_printf(&f->a, "%s/raccord.db", f->dir), first = RAC_STR_NULL;
    for (size_t from = 0; from <= rac_migrations_n; from++) {
        struct rac_db db;
        int64_t was, is;
        unlink(file.p);
        assert_int_equal(rac_db_open(&db, file, RAC_DB_WRITE, 100, NULL, &f->a, &f->why), RAC_OK);
        if (from > 0)
            assert_int_equal(rac_migrate(&db, from, &f->a, &was, &is, &f->why), RAC_OK);
        assert_int_equal(rac_migrate(&db, 0, &f->a, &was, &is, &f->why), RAC_OK);
        assert_int_equal(was, from);
        assert_int_equal(is, rac_migrations_n);
        rac_str schema = schema_of(&f->a, db.h);
        if (first.p == NULL)
            first = schema;
        assert_true(rac_str_eq(schema, first));
        rac_db_close(&db);
    }
    unlink(file.p);
}

/* A connection that version 2 called revoked in its status is revoked; the others are as they were.
 */
static void test_migration_of_access(void **state)
{
    struct fixture *f = *state;
    rac_str file = rac_arena_printf(&f->a, "%s/raccord.db", f->dir);
    struct rac_db db;
    int64_t was, is;
    unlink(file.p);
    assert_int_equal(rac_db_open(&db, file, RAC_DB_WRITE, 100, NULL, &f->a, &f->why), RAC_OK);
    assert_int_equal(rac_migrate(&db, 2, &f->a, &was, &is, &f->why), RAC_OK);
    assert_int_equal(
        rac_db_script(
            &db, "insert into tenants values ('t', 't', 1);"
                 "insert into subscriptions values ('t', 's', 's', 1);"
                 "insert into resource_groups values ('t', 'g', 's', 'g', '', 1, 1);"
                 "insert into connectors values ('t', 'c', 'g', 'o', '', '', 1, 'draft', 1, 0, 1, "
                 "0, 0, null, 1, null, 1, null, 0);"
                 "insert into connections values "
                 "('t', 'a', 'c', 'g', 'u', 'a', null, '{}', null, 0, 1, null, "
                 "'ConnectorAccessRevoked', 'gone', 3, 1, null, 77, null, 0),"
                 "('t', 'b', 'c', 'g', 'u', 'b', null, '{}', null, 0, 2, 'token', "
                 "'Unauthorized', 'sign in', 3, 1, null, 78, null, 0);"),
        RAC_OK);
    assert_int_equal(rac_migrate(&db, 3, &f->a, &was, &is, &f->why), RAC_OK);
    struct rac_db_rows r = RAC_DB_QUERY(&db, CONNECTION_GET, V_STR(RAC_S("t")), V_STR(RAC_S("a")));
    assert_true(rac_db_next(&r));
    assert_int_equal(rac_db_i64(&r, 19), 77);
    assert_true(rac_db_is_null(&r, 11));
    assert_int_equal(rac_db_end(&r), RAC_OK);
    r = RAC_DB_QUERY(&db, CONNECTION_GET, V_STR(RAC_S("t")), V_STR(RAC_S("b")));
    assert_true(rac_db_next(&r));
    assert_int_equal(rac_db_i64(&r, 19), 0);
    assert_str(rac_db_str(&r, 11, &f->a), "Unauthorized");
    assert_int_equal(rac_db_end(&r), RAC_OK);
    rac_db_close(&db);
    unlink(file.p);
}

static void test_foreign_and_newer(void **state)
{
    struct fixture *f = *state;
    char file[128];
    sqlite3 *h;
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    fixture_close(f);
    snprintf(file, sizeof file, "%s/raccord.db", f->dir);
    sqlite3_open(file, &h);
    assert_int_equal(sqlite3_exec(h, "pragma user_version=999", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(h);
    assert_int_equal(fixture_open(f, NULL), RAC_E_UNSUPPORTED);
    assert_true(rac_str_find(f->why, RAC_S("schema 999")) != RAC_STR_NPOS);
    unlink(file);
    sqlite3_open(file, &h);
    sqlite3_exec(h, "create table t (x)", NULL, NULL, NULL);
    sqlite3_close(h);
    assert_int_equal(fixture_open(f, NULL), RAC_E_UNSUPPORTED);
    FILE *out = fopen(file, "w");
    for (int i = 0; i < 1000; i++)
        fputs("garbage ", out);
    fclose(out);
    assert_int_equal(fixture_open(f, NULL), RAC_E_CORRUPT);
}

/* --- pages that rotted --- */

static void test_damaged_pages(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    for (int i = 0; i < 40; i++) {
        char id[32];
        snprintf(id, sizeof id, "shared_n-%d", i);
        assert_int_equal(fixture_connector(f, id, id), RAC_OK);
    }
    fixture_close(f);
    rac_str file = rac_arena_printf(&f->a, "%s/raccord.db", f->dir);
    struct stat st;
    assert_int_equal(stat(file.p, &st), 0);
    size_t damaged = 0;
    for (off_t page = 1; page < st.st_size / 4096; page++) { /* one page at a time */
        char kept[4096], bad[4096];
        memset(bad, 0xA5, sizeof bad);
        int fd = open(file.p, O_RDWR);
        assert_true(fd >= 0 && pread(fd, kept, sizeof kept, page * 4096) == sizeof kept &&
                    pwrite(fd, bad, sizeof bad, page * 4096) == sizeof bad);
        rac_err e = fixture_open(f, NULL);
        for (int i = 0; i < 40 && e == RAC_OK; i++) {
            struct rac_connector_row row;
            e = f->c->connector_get(f->c->self, TENANT, rac_arena_printf(&f->a, "shared_n-%d", i),
                                    &f->a, &row);
        }
        if (e != RAC_OK && e != RAC_E_CORRUPT)
            fail_msg("page %lld: %s", (long long)page, rac_err_name(e));
        damaged += e == RAC_E_CORRUPT;
        fixture_close(f);
        assert_true(pwrite(fd, kept, sizeof kept, page * 4096) == sizeof kept);
        close(fd);
        assert_int_equal(fixture_open(f, NULL), RAC_OK);
        fixture_close(f);
    }
    assert_true(damaged > 0);
}

/* --- a revoked token --- */

static void test_revoked_at_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    struct rac_iam *iam = rac_iam_new(f->i, &rac_env_system);
    struct rac_token_text t;
    const struct rac_principal *p;
    rac_token_new(&rac_env_system, &t);
    struct rac_token_save r = {.id = rac_str_of(t.id), .user = RAC_DEFAULT_ID};
    memcpy(r.digest, t.digest, sizeof r.digest);
    assert_int_equal(rac_iam_authenticate(iam, rac_str_of(t.text), &p), RAC_E_UNAUTHENTICATED);
    f->i->token_create(f->i->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(rac_iam_authenticate(iam, rac_str_of(t.text), &p), RAC_OK);
    assert_str(p->user_name, "admin");
    assert_int_equal(rac_principal_roles(p, RAC_STR_NULL),
                     RAC_ROLE_ADMINISTRATOR | RAC_ROLE_OPERATOR);
    f->i->token_revoke(f->i->self, TENANT, r.id, NULL, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(rac_iam_authenticate(iam, rac_str_of(t.text), &p), RAC_E_UNAUTHENTICATED);
    rac_iam_free(iam);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, torture_setup, torture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_killed), /* forks: before any thread */
        T(test_nth_write_fails),
        T(test_nth_flush_fails),
        T(test_full_from_the_nth_on),
        T(test_disk_full),
        T(test_two_writers),
        T(test_crowd),
        T(test_queue_full),
        T(test_posts),
        T(test_migrations),
        T(test_migration_of_access),
        T(test_foreign_and_newer),
        T(test_damaged_pages),
        T(test_revoked_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
