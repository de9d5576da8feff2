/* The writer: groups that have to be undone, checkpoints that readers hold up, what it counts. */
#include "fixture.h"

#include "fail_vfs.h"

#include "base/metrics.h"
#include "store/sqlite/store_priv.h"

#include <sqlite3.h>
#include <time.h>

struct tally {
    int won, refused, failed;
};

static void tally_done(void *arg, const struct rac_commit *c)
{
    struct tally *t = arg;
    t->won += c->err == RAC_OK;
    t->refused += c->err == RAC_E_NOT_FOUND;
    t->failed += c->err != RAC_OK && c->err != RAC_E_NOT_FOUND;
}

static void audit(struct fixture *f, const char *action, int n, struct tally *t)
{
    while (n-- > 0)
        f->i->audit_add(f->i->self, TENANT, rac_str_of(action), RAC_S("kind"), RAC_S("thing"), 0,
                        NULL, tally_done, t);
}

static size_t audited(struct fixture *f, const char *action)
{
    struct rac_audit_row *rows;
    size_t n, found = 0;
    const struct rac_audit_query q = {.n_max = 10000};
    assert_int_equal(f->i->audit_list(f->i->self, TENANT, &q, &f->a, &rows, &n), RAC_OK);
    for (size_t i = 0; i < n; i++)
        found += rac_str_eq(rows[i].action, rac_str_of(action));
    return found;
}

static void wait_all(struct fixture *f)
{
    while (rac_store_session_wait(f->ses))
        ;
}

static void reopen(struct fixture *f, const struct rac_store_options *o)
{
    fixture_close(f);
    assert_int_equal(rac_store_open(o, &f->a, &f->store, &f->why), RAC_OK);
    assert_int_equal(rac_store_session_new(f->store, NULL, &f->ses), RAC_OK);
    f->c = rac_store_connectors(f->ses);
    f->i = rac_store_iam(f->ses);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- a refused write that cannot be undone --- */

static int no_rollback_to(void *arg, int action, const char *a, const char *b, const char *c,
                          const char *d)
{
    (void)arg, (void)b, (void)c, (void)d;
    return action == SQLITE_SAVEPOINT && strcmp(a, "ROLLBACK") == 0 ? SQLITE_DENY : SQLITE_OK;
}

/* Writes a line, then refuses; undoing the line fails. */
static rac_err refuse_halfway(struct rac_store *s, struct rac_write *w)
{
    rac_err e = rac_audit(s, w, "half", "kind", RAC_S("thing"), 0);
    sqlite3_set_authorizer(s->db.h, no_rollback_to, NULL);
    return e == RAC_OK ? RAC_E_NOT_FOUND : e;
}

static rac_err heal(struct rac_store *s, struct rac_write *w)
{
    (void)w;
    sqlite3_set_authorizer(s->db.h, NULL, NULL);
    return RAC_OK;
}

static rac_err refuse(struct rac_store *s, struct rac_write *w)
{
    (void)s, (void)w;
    return RAC_E_NOT_FOUND;
}

static void submit(struct fixture *f, rac_apply_fn apply, struct tally *t)
{
    rac_write_submit(rac_write_new(f->ses, apply, TENANT, NULL, 0, tally_done, t));
}

static void test_refusal_cannot_be_undone(void **state)
{
    struct fixture *f = *state;
    const struct rac_store_options o = {
        .dir = rac_str_of(f->dir), .env = &rac_env_system, .vfs = FAIL_VFS};
    fail_vfs_at(0, 0, false);
    reopen(f, &o);
    struct tally first = {0}, whole = {0}, half = {0};
    audit(f, "first", 1, &first); /* behind what a start queues by itself */
    wait_all(f);
    fail_vfs_hold();
    audit(f, "first", 1, &first);
    fail_vfs_await_held(); /* so that what follows is one group */
    audit(f, "whole", 3, &whole);
    submit(f, refuse_halfway, &half);
    audit(f, "whole", 3, &whole);
    fail_vfs_release();
    wait_all(f);
    assert_int_equal(half.won + half.refused, 0);
    assert_int_equal(half.failed, 1);
    assert_int_equal(whole.won + whole.failed, 6);
    submit(f, heal, &half);
    wait_all(f);
    assert_int_equal(half.won, 1);

    reopen(f, &o); /* what was answered is there, and nothing else */
    assert_int_equal(audited(f, "half"), 0);
    assert_int_equal(audited(f, "whole"), whole.won);
    assert_int_equal(audited(f, "first"), 2);
}

/* --- a reader that does not end --- */

static int64_t write_ms(struct fixture *f, int n)
{
    int64_t start = now_ms();
    struct tally t = {0};
    for (int i = 0; i < n; i++) {
        audit(f, "w", 1, &t);
        wait_all(f);
    }
    assert_int_equal(t.won, n);
    return now_ms() - start;
}

static void test_reader_holds_up_checkpoint(void **state)
{
    struct fixture *f = *state;
    const struct rac_store_options o = {
        .dir = rac_str_of(f->dir), .env = &rac_env_system, .wal_pages_max = 20};
    reopen(f, &o);
    sqlite3 *h;
    rac_str file = rac_arena_printf(&f->a, "%s/raccord.db", f->dir);
    (void)write_ms(f, 1);
    int64_t alone = write_ms(f, 60);
    assert_int_equal(sqlite3_open(file.p, &h), SQLITE_OK);
    assert_int_equal(sqlite3_exec(h, "begin; select count(*) from audit", NULL, NULL, NULL),
                     SQLITE_OK);
    int64_t ms = write_ms(f, 60); /* each of the last 40 used to wait for 5 s */
    assert_in_range(ms, 0, 3000 + 10 * alone);
    struct rac_store_stats st;
    rac_store_stats(f->store, &st);
    assert_true(st.wal_pages > 60);
    uint64_t checkpoints = st.checkpoints_total;
    (void)write_ms(f, 60);
    rac_store_stats(f->store, &st);
    assert_true(st.checkpoints_total - checkpoints < 30); /* not after each write */

    sqlite3_close(h); /* ends its transaction: the WAL begins anew, at the next try */
    int64_t start = now_ms();
    do {
        (void)write_ms(f, 1);
        rac_store_stats(f->store, &st);
    } while (st.wal_pages > 60 && now_ms() - start < 120000);
    assert_true(st.wal_pages <= 60);
}

/* --- removing for good --- */

static int64_t blob_sweeps, bites;

static rac_err purge_counted(struct rac_store *s, struct rac_write *w)
{
    rac_err e;
    bites = 0;
    do {
        bites++;
        w->again = 0;
        e = rac_purge_apply(s, w);
    } while (e == RAC_OK && w->again != 0);
    sqlite3_stmt *st = s->db.stmts[RAC_STMT_PURGE_BLOBS]; /* NULL: never run */
    blob_sweeps = st == NULL ? 0 : sqlite3_stmt_status(st, SQLITE_STMTSTATUS_RUN, true);
    return e;
}

static const struct rac_actor long_ago = {.user = RAC_DEFAULT_ID, .at_ms = 5000};

/* n connectors with contents of their own, deleted in 1970. */
static void deleted_connectors(struct fixture *f, int n)
{
    for (int i = 0; i < n; i++) {
        char id[32], text[32];
        snprintf(id, sizeof id, "shared_p-%d", i);
        snprintf(text, sizeof text, "{\"n\":%d}", i);
        assert_int_equal(fixture_connector(f, id, text), RAC_OK);
        const struct rac_connector_delete r = {
            .id = rac_str_of(id), .confirm = -1, .actor = long_ago};
        f->c->connector_delete(f->c->self, TENANT, &r, fixture_done, f);
        assert_int_equal(fixture_wait(f), RAC_OK);
    }
}

static int count(struct fixture *f, const char *table)
{
    sqlite3 *h;
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_open(rac_arena_printf(&f->a, "%s/raccord.db", f->dir).p, &h), 0);
    rac_str sql = rac_arena_printf(&f->a, "select count(*) from %s", table);
    assert_int_equal(sqlite3_prepare_v2(h, sql.p, -1, &st, NULL), 0);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int n = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(h);
    return n;
}

/* Contents go with the last file that has them, without a look at all there are; what others share
 * stays. */
static void test_purge_sweeps_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_connector(f, "shared_stays-1", "{\"kept\":1}"), RAC_OK);
    deleted_connectors(f, 20);
    struct tally t = {0};
    submit(f, purge_counted, &t);
    wait_all(f);
    assert_int_equal(t.won, 1);
    assert_int_equal(blob_sweeps, 0);
    assert_int_equal(count(f, "blobs"), 2); /* its definition, everybody's properties */
}

static void wait_for_rows(struct fixture *f, const char *table, int n)
{
    const struct timespec pause = {0, 5000000};
    int64_t start = now_ms();
    while (count(f, table) > n && now_ms() - start < 120000)
        nanosleep(&pause, NULL);
    assert_int_equal(count(f, table), n);
}

/* However many are left, all go at once: in bites, one after another. */
static void test_purge_keeps_up(void **state)
{
    struct fixture *f = *state;
    const struct rac_store_options o = {.dir = rac_str_of(f->dir), .env = &rac_env_system};
    assert_int_equal(fixture_connector(f, "shared_stays-1", "{\"kept\":1}"), RAC_OK);
    deleted_connectors(f, 350);
    f->c->connector_restore(f->c->self, TENANT, RAC_S("shared_p-7"), &long_ago, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK); /* in time, in 1970 */
    reopen(f, &o);
    wait_for_rows(f, "connectors", 2);
    assert_int_equal(count(f, "revisions"), 2);
    assert_int_equal(count(f, "files"), 4);
    assert_int_equal(count(f, "blobs"), 3);
    deleted_connectors(f, 1);
    const struct rac_actor late = {.user = RAC_DEFAULT_ID,
                                   .at_ms = rac_env_wall_ms(&rac_env_system)};
    f->c->connector_restore(f->c->self, TENANT, RAC_S("shared_p-0"), &late, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_NOT_FOUND);
}

/* Entries of the audit log whose time is over go, however many; the others stay. */
static void test_audit_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct rac_store_options o = {.dir = rac_str_of(f->dir), .env = &rac_env_system};
    const struct rac_actor now = {.user = RAC_DEFAULT_ID,
                                  .at_ms = rac_env_wall_ms(&rac_env_system)};
    struct tally t = {0};
    for (int i = 0; i < 3000; i++)
        f->i->audit_add(f->i->self, TENANT, i < 2990 ? RAC_S("old") : RAC_S("new"), RAC_S("kind"),
                        RAC_S("thing"), 0, i < 2990 ? &long_ago : &now, tally_done, &t);
    wait_all(f);
    assert_int_equal(t.won, 3000);
    reopen(f, &o); /* no bound is given: all stay */
    t = (struct tally){0};
    submit(f, purge_counted, &t);
    wait_all(f);
    assert_int_equal(audited(f, "old"), 2990);
    o.audit_keep_ms = 86400000;
    reopen(f, &o);
    int64_t start = now_ms();
    while (audited(f, "old") > 0 && now_ms() - start < 120000)
        (void)write_ms(f, 1);
    assert_int_equal(audited(f, "old"), 0);
    assert_int_equal(audited(f, "new"), 10);
    submit(f, purge_counted, &t);
    wait_all(f);
    assert_int_equal(bites, 1);
}

/* --- metrics --- */

/* How many commits the histogram has seen. */
static int64_t commits_seen(struct fixture *f)
{
    struct rac_buf b;
    rac_buf_init(&b, 4 << 20);
    rac_metrics_print(&b);
    const char *text = rac_arena_cstr(&f->a, rac_buf_str(&b));
    rac_buf_fini(&b);
    const char *at = strstr(text, "\nraccord_store_commit_seconds_count ");
    assert_non_null(at);
    return strtoll(strchr(at, ' '), NULL, 10);
}

static uint64_t sum(enum rac_metric m)
{
    return rac_metric_sum(m);
}

static void test_metrics(void **state)
{
    struct fixture *f = *state;
    const struct rac_store_options o = {
        .dir = rac_str_of(f->dir), .env = &rac_env_system, .vfs = FAIL_VFS};
    fail_vfs_at(0, 0, false);
    reopen(f, &o);
    (void)write_ms(f, 1); /* behind what a start queues by itself */
    uint64_t commits = sum(RAC_METRIC_STORE_COMMITS), writes = sum(RAC_METRIC_STORE_WRITES),
             errors = sum(RAC_METRIC_STORE_ERRORS);
    int64_t seen = commits_seen(f);
    (void)write_ms(f, 3);
    assert_int_equal(sum(RAC_METRIC_STORE_WRITES), writes + 3);
    assert_int_equal(sum(RAC_METRIC_STORE_COMMITS), commits + 3);
    assert_int_equal(commits_seen(f), seen + 3);
    assert_int_equal(sum(RAC_METRIC_STORE_ERRORS), errors);

    struct tally t = {0};
    fail_vfs_at(1, SQLITE_IOERR_WRITE, true);
    audit(f, "x", 1, &t);
    wait_all(f);
    fail_vfs_at(0, 0, false);
    assert_int_equal(t.failed, 1);
    assert_int_equal(sum(RAC_METRIC_STORE_ERRORS), errors + 1);
    assert_int_equal(sum(RAC_METRIC_STORE_WRITES), writes + 3);
    submit(f, refuse, &t); /* a refusal is nothing broken */
    wait_all(f);
    assert_int_equal(t.refused, 1);
    assert_int_equal(sum(RAC_METRIC_STORE_ERRORS), errors + 1);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
    fail_vfs_register();
    const struct CMUnitTest tests[] = {
        T(test_refusal_cannot_be_undone), T(test_reader_holds_up_checkpoint),
        T(test_purge_sweeps_nothing),     T(test_purge_keeps_up),
        T(test_audit_is_bounded),         T(test_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
