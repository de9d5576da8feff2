#include "torture.h"

#include <sqlite3.h>
#include <sys/stat.h>

int torture_setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    rac_arena_init(&f.a, 1 << 30);
    fail_vfs_register();
    fail_vfs_at(0, 0, false);
    fail_vfs_quota(-1);
    snprintf(f.dir, sizeof f.dir, "/tmp/raccord-torture-XXXXXX");
    *state = &f;
    return mkdtemp(f.dir) == NULL;
}

int torture_teardown(void **state)
{
    struct fixture *f = *state;
    fail_vfs_at(0, 0, false);
    fail_vfs_quota(-1);
    fixture_close(f);
    fixture_remove(f->dir);
    rac_arena_fini(&f->a);
    return 0;
}

void torture_every(struct fixture *f, torture_fn one, int rc, bool for_ever)
{
    for (int64_t n = 1;; n++) {
        assert_true(n < 2000);
        one(f, n, rc, for_ever);
        bool reached = fail_vfs_failed();
        fixture_remove(f->dir);
        if (mkdir(f->dir, 0700) != 0)
            fail();
        rac_arena_reset(&f->a);
        if (!reached)
            return; /* n is past the last operation there is */
    }
}

void torture_must_be_none(const char *dir, const char *sql)
{
    char file[128];
    sqlite3 *h;
    sqlite3_stmt *st;
    snprintf(file, sizeof file, "%s/raccord.db", dir);
    assert_int_equal(sqlite3_open(file, &h), SQLITE_OK);
    if (sqlite3_prepare_v2(h, sql, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(h));
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    if (sqlite3_column_int64(st, 0) != 0)
        fail_msg("%lld: %s", (long long)sqlite3_column_int64(st, 0), sql);
    sqlite3_finalize(st);
    sqlite3_close(h);
}

void torture_must_be_sound(const char *dir)
{
    torture_must_be_none(
        dir, "select count(*) from pragma_integrity_check where integrity_check <> 'ok'");
    torture_must_be_none(dir, "select count(*) from pragma_foreign_key_check");
}
