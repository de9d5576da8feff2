/*
 * Workflows, triggers and runs in the SQLite store: what a port promises, row by row; that the
 * lists of many rows use their indexes; that a secret is never in the file.
 */
#include "fixture.h"

#include "../workflow/store_conformance.h"
#include "store/sqlite/db.h"
#include "store/sqlite/migrate.h"

#include <sqlite3.h>

#define F    (f->w)
#define SELF (f->w->self)

struct turned {
    rac_err err;
    int64_t id;
    int answers;
};

static void on_turn(void *arg, rac_err err, rac_str error, int64_t id)
{
    struct turned *t = arg;
    (void)error;
    t->err = err;
    t->id = id;
    t->answers++;
}

static rac_err save(struct fixture *f, const char *id, const char *name, const char *revision,
                    const char *document, bool create)
{
    const struct rac_flow_save r = {.create = create,
                                    .id = rac_str_of(id),
                                    .group = create ? GROUP : RAC_STR_NULL,
                                    .owner = create ? RAC_DEFAULT_ID : RAC_STR_NULL,
                                    .name = rac_str_of(name),
                                    .revision = rac_str_of(revision),
                                    .document = rac_str_of(document),
                                    .actor = {.user = RAC_DEFAULT_ID, .at_ms = 1000}};
    F->flow_save(SELF, TENANT, &r, fixture_done, f);
    return fixture_wait(f);
}

static int64_t flow(struct fixture *f, const char *id, const char *name)
{
    assert_int_equal(save(f, id, name, "09", "{}", true), RAC_OK);
    struct rac_flow_row row;
    assert_int_equal(F->flow_get(SELF, TENANT, rac_str_of(id), RAC_FLOW_PLAIN, &f->a, &row),
                     RAC_OK);
    return row.key;
}

static struct rac_flow_turn first(int64_t key, const char *name, const char *status, rac_ms end_ms,
                                  rac_ms due_ms)
{
    return (struct rac_flow_turn){.create = true,
                                  .flow = key,
                                  .tenant = TENANT,
                                  .name = rac_str_of(name),
                                  .revision = RAC_S("09"),
                                  .trigger = RAC_S("manual"),
                                  .tracking = RAC_S("track"),
                                  .correlation = RAC_S("corr"),
                                  .start_ms = 5000,
                                  .status = rac_str_of(status),
                                  .end_ms = end_ms,
                                  .due_ms = due_ms,
                                  .journal = RAC_S("one")};
}

static struct turned run_turn(struct fixture *f, const struct rac_flow_turn *t,
                              const struct rac_flow_trigger_row *trigger)
{
    struct turned r = {0};
    F->turn(SELF, t, trigger, on_turn, &r);
    assert_int_equal(r.answers, 0); /* never within the call */
    while (rac_store_session_wait(f->ses))
        ;
    assert_int_equal(r.answers, 1);
    return r;
}

static bool gather(void *arg, rac_str bytes)
{
    struct fixture *f = arg;
    f->why = rac_arena_printf(&f->a, "%.*s|%.*s", RAC_FMT(f->why), RAC_FMT(bytes));
    return true;
}

static rac_str journal(struct fixture *f, int64_t run)
{
    f->why = RAC_S("");
    assert_int_equal(F->journal(SELF, run, gather, f), RAC_OK);
    return f->why;
}

/* --- workflows --- */

static void test_saved_and_found(void **state)
{
    struct fixture *f = *state;
    uint64_t before = F->counter(SELF);
    struct rac_flow_save r = {.create = true,
                              .id = RAC_S("0123456789abcdef0123456789abcdef"),
                              .group = GROUP,
                              .owner = RAC_DEFAULT_ID,
                              .name = RAC_S("Orders"),
                              .revision = RAC_S("0900"),
                              .document = RAC_S("{\"definition\":{}}"),
                              .secrets = RAC_S("{\"password\":\"hunter2-in-clear\"}"),
                              .key1 = RAC_S("11111111111111111111111111111111"),
                              .key2 = RAC_S("22222222222222222222222222222222"),
                              .actor = {.user = RAC_DEFAULT_ID, .at_ms = 7000}};
    F->flow_save(SELF, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(f->commit.version, 1);
    assert_true(F->counter(SELF) > before);
    struct rac_flow_row row;
    assert_int_equal(
        F->flow_find(SELF, TENANT, GROUP, RAC_S("ORDERS"), RAC_FLOW_WHOLE, &f->a, &row), RAC_OK);
    assert_str(row.id, "0123456789abcdef0123456789abcdef");
    assert_str(row.tenant, RAC_DEFAULT_ID.p);
    assert_str(row.name, "Orders");
    assert_str(row.state, "Enabled");
    assert_str(row.document, "{\"definition\":{}}");
    assert_str(row.secrets, "{\"password\":\"hunter2-in-clear\"}");
    assert_str(row.key1, "11111111111111111111111111111111");
    assert_str(row.key2, "22222222222222222222222222222222");
    assert_int_equal(row.created_ms, 7000);
    int64_t key = row.key;
    assert_int_equal(F->flow_any(SELF, key, RAC_STR_NULL, RAC_FLOW_PLAIN, &f->a, &row), RAC_OK);
    assert_null(row.document.p);
    assert_null(row.key1.p);
    assert_int_equal(F->flow_any(SELF, 0, r.id, RAC_FLOW_PLAIN, &f->a, &row), RAC_OK);
    assert_int_equal(row.key, key);
    /* another tenant sees nothing; the name is taken in any letter case */
    assert_int_equal(F->flow_get(SELF, RAC_S("other"), r.id, RAC_FLOW_PLAIN, &f->a, &row),
                     RAC_E_NOT_FOUND);
    assert_int_equal(save(f, "ff", "oRDERS", "1", "{}", true), RAC_E_EXISTS);
    r.group = RAC_S("nowhere");
    r.name = RAC_S("other");
    F->flow_save(SELF, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_NOT_FOUND);
}

static void test_versions(void **state)
{
    struct fixture *f = *state;
    int64_t key = flow(f, "aa", "w");
    struct rac_flow_save r = {.id = RAC_S("aa"), .secrets = RAC_S("{\"p\":1}")};
    F->flow_save(SELF, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    /* a new document alone takes the secrets along */
    assert_int_equal(save(f, "aa", "w2", "08", "{\"v\":2}", false), RAC_OK);
    assert_int_equal(f->commit.version, 3);
    struct rac_flow_row row;
    assert_int_equal(F->flow_get(SELF, TENANT, RAC_S("aa"), RAC_FLOW_WHOLE, &f->a, &row), RAC_OK);
    assert_str(row.revision, "08");
    assert_str(row.document, "{\"v\":2}");
    assert_str(row.secrets, "{\"p\":1}");
    assert_str(row.name, "w2");
    char group[] = "narrowed"; /* gone before the write, as the request may be that asked for it */
    r = (struct rac_flow_save){.id = RAC_S("aa"),
                               .revision = RAC_S("07"),
                               .document = RAC_S("{}"),
                               .secrets = RAC_S(""),
                               .only_group = rac_str_of(group),
                               .only_roles = 5};
    F->flow_save(SELF, TENANT, &r, fixture_done, f);
    memset(group, 'x', sizeof group - 1);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(F->flow_get(SELF, TENANT, RAC_S("aa"), RAC_FLOW_WHOLE, &f->a, &row), RAC_OK);
    assert_null(row.secrets.p);
    struct rac_flow_version_row v, *list;
    size_t n;
    bool more;
    assert_int_equal(F->version_get(SELF, key, RAC_S("08"), &f->a, &v), RAC_OK);
    assert_str(v.document, "{\"v\":2}");
    assert_str(v.secrets, "{\"p\":1}");
    assert_null(v.only_group.p);
    assert_int_equal(v.only_roles, 0);
    assert_int_equal(F->version_get(SELF, key, RAC_S("07"), &f->a, &v), RAC_OK);
    assert_str(v.only_group, "narrowed");
    assert_int_equal(v.only_roles, 5);
    assert_int_equal(F->version_get(SELF, key, RAC_S("06"), &f->a, &v), RAC_E_NOT_FOUND);
    assert_int_equal(F->version_list(SELF, key, RAC_STR_NULL, 2, &f->a, &list, &n, &more), RAC_OK);
    assert_int_equal(n, 2);
    assert_true(more);
    assert_str(list[0].revision, "07");
    assert_int_equal(F->version_list(SELF, key, list[1].revision, 2, &f->a, &list, &n, &more),
                     RAC_OK);
    assert_int_equal(n, 1);
    assert_false(more);
    assert_str(list[0].revision, "09");
    /* a version is never written over, and a refused save leaves nothing */
    assert_int_equal(save(f, "aa", "w3", "08", "{}", false), RAC_E_EXISTS);
    assert_int_equal(F->flow_get(SELF, TENANT, RAC_S("aa"), RAC_FLOW_PLAIN, &f->a, &row), RAC_OK);
    assert_str(row.name, "w2");
    r = (struct rac_flow_save){.id = RAC_S("aa"), .state = RAC_S("Disabled"), .if_version = 1};
    F->flow_save(SELF, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);
    assert_int_equal(f->commit.version, 4);
}

static void test_list(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"delta", "Alpha", "charlie", "Bravo"};
    for (size_t i = 0; i < RAC_COUNT(names); i++) {
        char id[8];
        snprintf(id, sizeof id, "%zu", i);
        flow(f, id, names[i]);
    }
    struct rac_flow_row *v;
    size_t n;
    bool more;
    struct rac_flow_query q = {.n_max = 3};
    assert_int_equal(F->flow_list(SELF, TENANT, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 3);
    assert_true(more);
    assert_str(v[0].name, "Alpha");
    assert_str(v[1].name, "Bravo");
    q.after = v[2].name;
    q.after_id = v[2].id;
    assert_int_equal(F->flow_list(SELF, TENANT, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 1);
    assert_false(more);
    assert_str(v[0].name, "delta");
    q = (struct rac_flow_query){.group = GROUP, .search = RAC_S("A"), .after = RAC_S("alpha")};
    assert_int_equal(F->flow_list(SELF, TENANT, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 3);
    assert_str(v[0].name, "Bravo");
    q = (struct rac_flow_query){.group = GROUP, .state = RAC_S("Disabled")};
    assert_int_equal(F->flow_list(SELF, TENANT, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 0);
    assert_int_equal(F->flow_list(SELF, RAC_S("other"), &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 0);
}

static void test_users_of_a_connector(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_connector(f, "shared_x", "{}"), RAC_OK);
    const struct rac_flow_use uses[] = {{RAC_S("Shared_X"), RAC_S("x-1")},
                                        {RAC_S("shared_x"), RAC_S("x-2")},
                                        {RAC_S("shared_y"), RAC_STR_NULL}};
    struct rac_flow_save r = {.create = true,
                              .id = RAC_S("aa"),
                              .group = GROUP,
                              .name = RAC_S("w"),
                              .revision = RAC_S("9"),
                              .document = RAC_S("{}"),
                              .uses = uses,
                              .uses_n = 3};
    F->flow_save(SELF, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    struct rac_impact impact;
    assert_int_equal(f->c->connector_impact(f->c->self, TENANT, RAC_S("shared_x"), &impact),
                     RAC_OK);
    assert_int_equal(impact.workflows_n, 1);
    struct rac_flow_row *v;
    size_t n;
    assert_int_equal(F->flow_users(SELF, TENANT, RAC_S("shared_x"), RAC_STR_NULL, 0, &f->a, &v, &n),
                     RAC_OK);
    assert_int_equal(n, 1);
    assert_str(v[0].name, "w");
    assert_int_equal(F->flow_users(SELF, TENANT, RAC_S("shared_x"), RAC_S("x-3"), 0, &f->a, &v, &n),
                     RAC_OK);
    assert_int_equal(n, 0);
    /* it is not deleted by the way */
    struct rac_connector_delete gone = {.id = RAC_S("shared_x"), .confirm = -1};
    f->c->connector_delete(f->c->self, TENANT, &gone, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);
    assert_int_equal(f->commit.impact.workflows_n, 1);
    /* the next version calls nothing any more; one without a document leaves it */
    r = (struct rac_flow_save){.id = RAC_S("aa"), .state = RAC_S("Disabled")};
    F->flow_save(SELF, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(f->c->connector_impact(f->c->self, TENANT, RAC_S("shared_x"), &impact),
                     RAC_OK);
    assert_int_equal(impact.workflows_n, 1);
    assert_int_equal(save(f, "aa", "w", "8", "{}", false), RAC_OK);
    assert_int_equal(f->c->connector_impact(f->c->self, TENANT, RAC_S("shared_x"), &impact),
                     RAC_OK);
    assert_int_equal(impact.workflows_n, 0);
}

/* --- runs --- */

static void test_run_in_one_turn(void **state)
{
    struct fixture *f = *state;
    int64_t key = flow(f, "aa", "w");
    struct rac_flow_value value = {.bytes = RAC_S("a large value")};
    memset(value.digest, 'd', 64);
    struct rac_flow_turn t = first(key, "0001", "Succeeded", 6000, 9000);
    t.values = &value;
    t.values_n = 1;
    struct turned r = run_turn(f, &t, NULL);
    assert_int_equal(r.err, RAC_OK);
    struct rac_flow_run_row run;
    assert_int_equal(F->run_get(SELF, key, RAC_S("0001"), &f->a, &run), RAC_OK);
    assert_int_equal(run.id, r.id);
    assert_str(run.tenant, RAC_DEFAULT_ID.p);
    assert_str(run.status, "Succeeded");
    assert_str(run.revision, "09");
    assert_str(run.trigger, "manual");
    assert_str(run.tracking, "track");
    assert_str(run.correlation, "corr");
    assert_null(run.code.p);
    assert_int_equal(run.start_ms, 5000);
    assert_int_equal(run.end_ms, 6000);
    assert_int_equal(run.due_ms, 0); /* an ended run is never due */
    assert_int_equal(run.journal_bytes, 3);
    assert_str(journal(f, r.id), "|one");
    rac_str bytes;
    assert_int_equal(F->value_get(SELF, r.id, value.digest, &f->a, &bytes), RAC_OK);
    assert_str(bytes, "a large value");
    value.digest[0] = 'e';
    assert_int_equal(F->value_get(SELF, r.id, value.digest, &f->a, &bytes), RAC_E_NOT_FOUND);
    /* the name is taken; an ended run takes no more turns; nothing is left of either */
    assert_int_equal(run_turn(f, &t, NULL).err, RAC_E_EXISTS);
    t.create = false;
    t.id = r.id;
    assert_int_equal(run_turn(f, &t, NULL).err, RAC_E_CONFLICT);
    assert_str(journal(f, r.id), "|one");
    t = first(key + 100, "0002", "Running", 0, 0);
    assert_int_equal(run_turn(f, &t, NULL).err, RAC_E_NOT_FOUND);
    t = first(key, "0002", "Running", 0, 0);
    t.tenant = RAC_S("other");
    assert_int_equal(run_turn(f, &t, NULL).err, RAC_E_NOT_FOUND);
}

static void must_be_open(struct fixture *f, int64_t key, int64_t running, int64_t waiting)
{
    int64_t n, m;
    assert_int_equal(F->open_count(SELF, key, RAC_S("Manual"), &n, &m), RAC_OK);
    assert_int_equal(n, running);
    assert_int_equal(m, waiting);
}

static void test_run_in_many_turns(void **state)
{
    struct fixture *f = *state;
    int64_t key = flow(f, "aa", "w");
    struct rac_flow_turn t = first(key, "0001", "Running", 0, 1000);
    int64_t id = run_turn(f, &t, NULL).id;
    must_be_open(f, key, 1, 0);
    t = (struct rac_flow_turn){.id = id,
                               .flow = key,
                               .tenant = TENANT,
                               .status = RAC_S("Waiting"),
                               .due_ms = 2000,
                               .journal = RAC_S("two")};
    assert_int_equal(run_turn(f, &t, NULL).err, RAC_OK);
    must_be_open(f, key, 0, 1);
    t.journal = RAC_S(""); /* nothing happened but the time */
    t.due_ms = 0;
    assert_int_equal(run_turn(f, &t, NULL).err, RAC_OK);
    struct rac_flow_run_row run;
    assert_int_equal(F->run_get(SELF, key, RAC_S("0001"), &f->a, &run), RAC_OK);
    assert_int_equal(run.due_ms, 0);
    assert_int_equal(run.journal_bytes, 6);
    assert_str(run.tracking, "track");
    t.journal = RAC_S("three");
    t.status = RAC_S("Failed");
    t.code = RAC_S("ActionFailed");
    t.error = RAC_S("{}");
    t.end_ms = 9000;
    assert_int_equal(run_turn(f, &t, NULL).err, RAC_OK);
    must_be_open(f, key, 0, 0);
    assert_str(journal(f, id), "|one|two|three");
    assert_int_equal(F->run_get(SELF, key, RAC_S("0001"), &f->a, &run), RAC_OK);
    assert_str(run.code, "ActionFailed");
    assert_str(run.error, "{}");
}

static void test_open_runs_are_counted_by_trigger(void **state)
{
    struct fixture *f = *state;
    int64_t key = flow(f, "aa", "w"), running, waiting;
    struct rac_flow_turn t = first(key, "0001", "Running", 0, 1000);
    assert_int_equal(run_turn(f, &t, NULL).err, RAC_OK);
    t = first(key, "0002", "Waiting", 0, 1000);
    t.trigger = RAC_S("other");
    int64_t id = run_turn(f, &t, NULL).id;
    must_be_open(f, key, 1, 0);
    assert_int_equal(F->open_count(SELF, key, RAC_S("other"), &running, &waiting), RAC_OK);
    assert_int_equal(running, 0);
    assert_int_equal(waiting, 1);
    t = (struct rac_flow_turn){.id = id, .flow = key, .tenant = TENANT, .status = RAC_S("Running")};
    assert_int_equal(run_turn(f, &t, NULL).err, RAC_OK);
    must_be_open(f, key, 1, 0);
    assert_int_equal(F->open_count(SELF, key, RAC_S("OTHER"), &running, &waiting), RAC_OK);
    assert_int_equal(running, 1);
    assert_int_equal(waiting, 0);
}

/* A store of the version before: what is open is counted anew. */
static void test_open_runs_of_an_older_store(void **state)
{
    struct fixture *f = *state;
    struct rac_db db;
    int64_t from, to;
    size_t n = 0;
    rac_str file = rac_arena_printf(&f->a, "%s/older.db", f->dir);
    assert_int_equal(rac_db_open(&db, file, RAC_DB_WRITE, 100, NULL, &f->a, &f->why), RAC_OK);
    assert_int_equal(rac_migrate(&db, 4, &f->a, &from, &to, &f->why), RAC_OK);
    assert_int_equal(
        rac_db_script(
            &db, "insert into runs (id, flow, name, status, start_ms, end_ms, due_ms, pieces_n, "
                 "journal_bytes, revision, trigger_name) values "
                 "(1, 7, '1', 'Running', 1, 0, 0, 0, 0, '', 'a'),"
                 "(2, 7, '2', 'Waiting', 1, 0, 0, 0, 0, '', 'A'),"
                 "(3, 7, '3', 'Waiting', 1, 0, 0, 0, 0, '', 'b'),"
                 "(4, 7, '4', 'Failed', 1, 2, 0, 0, 0, '', 'b');"
                 "insert into flow_open values (7, 1, 2);"),
        RAC_OK);
    assert_int_equal(rac_migrate(&db, 0, &f->a, &from, &to, &f->why), RAC_OK);
    static const char *const want[] = {"a 1 1", "b 0 1"};
    sqlite3_stmt *q;
    assert_int_equal(sqlite3_prepare_v2(db.h,
                                        "select lower(trigger_name) || ' ' || running || ' ' || "
                                        "waiting from flow_open where flow = 7 order by 1",
                                        -1, &q, NULL),
                     SQLITE_OK);
    for (; sqlite3_step(q) == SQLITE_ROW; n++) {
        assert_true(n < RAC_COUNT(want));
        assert_string_equal((const char *)sqlite3_column_text(q, 0), want[n]);
    }
    assert_int_equal(n, RAC_COUNT(want));
    sqlite3_finalize(q);
    rac_db_close(&db);
    unlink(file.p);
}

static void test_refused_turns_disturb_nobody(void **state)
{
    struct fixture *f = *state;
    int64_t key = flow(f, "aa", "w");
    struct turned r[9] = {0};
    for (int i = 0; i < 9; i++) { /* one batch, likely: every third is refused */
        char name[8];
        snprintf(name, sizeof name, "%04d", i % 3 == 2 ? 0 : i);
        struct rac_flow_turn t = first(key, name, "Succeeded", 6000, 0);
        F->turn(SELF, &t, NULL, on_turn, &r[i]);
    }
    while (rac_store_session_wait(f->ses))
        ;
    for (int i = 0; i < 9; i++)
        assert_int_equal(r[i].err, i % 3 == 2 ? RAC_E_EXISTS : RAC_OK);
    for (int i = 0; i < 9; i++)
        if (r[i].err == RAC_OK)
            assert_str(journal(f, r[i].id), "|one");
    /* refused when half of it was written: all of it goes, and nobody else's */
    const struct rac_flow_trigger_row nameless = {.flow = key, .tenant = TENANT};
    for (int i = 0; i < 9; i++) {
        char name[8];
        snprintf(name, sizeof name, "1%03d", i);
        struct rac_flow_turn t = first(key, name, "Waiting", 0, 5);
        F->turn(SELF, &t, i % 3 == 1 ? &nameless : NULL, on_turn, &r[i]);
    }
    while (rac_store_session_wait(f->ses))
        ;
    struct rac_flow_run_row run;
    for (int i = 0; i < 9; i++) {
        char name[8];
        snprintf(name, sizeof name, "1%03d", i);
        assert_int_equal(r[i].err, i % 3 == 1 ? RAC_E_INVALID : RAC_OK);
        assert_int_equal(F->run_get(SELF, key, rac_str_of(name), &f->a, &run),
                         i % 3 == 1 ? RAC_E_NOT_FOUND : RAC_OK);
        if (i % 3 != 1)
            assert_str(journal(f, r[i].id), "|one");
    }
    int64_t running, waiting;
    assert_int_equal(F->open_count(SELF, key, RAC_S("Manual"), &running, &waiting), RAC_OK);
    assert_int_equal(waiting, 6);
}

static void test_run_list(void **state)
{
    struct fixture *f = *state;
    int64_t key = flow(f, "aa", "w"), other = flow(f, "bb", "v");
    static const char *const statuses[] = {"Succeeded", "Failed", "Running", "Waiting"};
    for (int i = 0; i < 40; i++) {
        char name[8];
        snprintf(name, sizeof name, "%04d", 9000 - i);
        struct rac_flow_turn t = first(key, name, statuses[i % 4], i % 4 < 2 ? 6000 : 0, 0);
        t.start_ms = 1000 + i;
        t.tracking = i == 7 ? RAC_S("mine") : i == 9 ? rac_str_of(name) : RAC_S("track");
        t.trigger = i == 8 ? RAC_S("timer") : RAC_S("manual");
        assert_int_equal(run_turn(f, &t, NULL).err, RAC_OK);
    }
    struct rac_flow_turn t = first(other, "9000", "Running", 0, 0);
    assert_int_equal(run_turn(f, &t, NULL).err, RAC_OK);
    struct rac_flow_run_row *v;
    size_t n, all = 0;
    bool more = true;
    struct rac_flow_run_query q = {.n_max = 7};
    char last[8] = "";
    while (more) {
        assert_int_equal(F->run_list(SELF, key, &q, &f->a, &v, &n, &more), RAC_OK);
        for (size_t i = 0; i < n; i++, all++) {
            assert_true(strcmp(v[i].name.p, last) > 0);
            snprintf(last, sizeof last, "%s", v[i].name.p);
        }
        q.after = rac_str_of(last);
    }
    assert_int_equal(all, 40);
    q = (struct rac_flow_run_query){0};
    assert_int_equal(F->run_list(SELF, key, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 30);
    assert_true(more);
    q = (struct rac_flow_run_query){.statuses = {RAC_S("Failed")}, .statuses_n = 1};
    assert_int_equal(F->run_list(SELF, key, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 10);
    assert_str(v[0].status, "Failed");
    q = (struct rac_flow_run_query){.statuses = {RAC_S("Waiting"), RAC_S("Running")},
                                    .statuses_n = 2};
    assert_int_equal(F->run_list(SELF, key, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 20);
    q = (struct rac_flow_run_query){.start_from_ms = 1003, .start_to_ms = 1005};
    assert_int_equal(F->run_list(SELF, key, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 3);
    q = (struct rac_flow_run_query){.tracking = RAC_S("mine")};
    assert_int_equal(F->run_list(SELF, key, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 1);
    assert_str(v[0].name, "8993");
    q.tracking = RAC_S("8991"); /* one without a tracking id of its own */
    assert_int_equal(F->run_list(SELF, key, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 1);
    assert_str(v[0].name, "8991");
    assert_str(v[0].tracking, "8991");
    q = (struct rac_flow_run_query){.tracking = RAC_S("track"), .n_max = 20};
    assert_int_equal(F->run_list(SELF, key, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 20);
    assert_true(more);
    q.after = v[19].name;
    assert_int_equal(F->run_list(SELF, key, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 18);
    assert_false(more);
    q = (struct rac_flow_run_query){.start_from_ms = 7201005, .start_to_ms = 7201006};
    assert_int_equal(F->run_list(SELF, key, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 0);
    q = (struct rac_flow_run_query){.trigger = RAC_S("timer")};
    assert_int_equal(F->run_list(SELF, key, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 1);
}

static void test_due_runs(void **state)
{
    struct fixture *f = *state;
    int64_t key = flow(f, "aa", "w");
    for (int i = 0; i < 10; i++) {
        char name[8];
        snprintf(name, sizeof name, "%04d", i);
        struct rac_flow_turn t = first(key, name, "Waiting", 0, i < 6 ? 100 : 200 + i);
        assert_int_equal(run_turn(f, &t, NULL).err, RAC_OK);
    }
    struct rac_flow_due *v, last, *after = NULL;
    size_t n, all = 0;
    rac_ms next;
    do { /* six share a millisecond; pages of four find each once */
        assert_int_equal(F->due_runs(SELF, after, 207, 4, &f->a, &v, &n, &next), RAC_OK);
        assert_int_equal(next, 208);
        for (size_t i = 0; i < n; i++, all++) {
            assert_str(v[i].tenant, RAC_DEFAULT_ID.p);
            assert_true(after == NULL || v[i].due_ms > last.due_ms ||
                        (v[i].due_ms == last.due_ms && v[i].id > last.id));
            last = v[i];
            after = &last;
        }
    } while (n == 4);
    assert_int_equal(all, 8);
    assert_int_equal(F->due_runs(SELF, NULL, 99, 4, &f->a, &v, &n, &next), RAC_OK);
    assert_int_equal(n, 0);
    assert_int_equal(next, 100);
    assert_int_equal(F->due_runs(SELF, NULL, 999, 100, &f->a, &v, &n, &next), RAC_OK);
    assert_int_equal(n, 10);
    assert_int_equal(next, 0);
}

static void pump(void *arg)
{
    while (rac_store_session_wait(arg))
        ;
}

static void test_conforms(void **state)
{
    struct fixture *f = *state;
    store_conformance(f->w, flow(f, "aa", "w"), pump, f->ses);
}

/* --- triggers --- */

static void test_triggers(void **state)
{
    struct fixture *f = *state;
    int64_t key = flow(f, "aa", "w");
    struct rac_flow_trigger_row t = {.flow = key,
                                     .tenant = TENANT,
                                     .trigger = RAC_S("poll"),
                                     .state = RAC_S("{\"n\":1}"),
                                     .status = RAC_S("Skipped"),
                                     .due_ms = 100,
                                     .last_ms = 50},
                                row;
    struct rac_flow_event_row event = {.name = RAC_S("0005"),
                                       .trigger = RAC_S("poll"),
                                       .status = RAC_S("Skipped"),
                                       .code = RAC_S("OK"),
                                       .correlation = RAC_S("c"),
                                       .outputs = RAC_S("{}"),
                                       .start_ms = 40,
                                       .end_ms = 50,
                                       .scheduled_ms = 39},
                              got;
    assert_int_equal(F->trigger_get(SELF, key, t.trigger, &f->a, &row), RAC_E_NOT_FOUND);
    F->trigger_save(SELF, &t, &event, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(F->trigger_get(SELF, key, t.trigger, &f->a, &row), RAC_OK);
    assert_str(row.state, "{\"n\":1}");
    assert_str(row.status, "Skipped");
    assert_str(row.tenant, RAC_DEFAULT_ID.p);
    assert_int_equal(row.due_ms, 100);
    assert_int_equal(row.last_ms, 50);
    assert_int_equal(F->event_get(SELF, key, RAC_S("poll"), RAC_S("0005"), &f->a, &got), RAC_OK);
    assert_str(got.code, "OK");
    assert_str(got.outputs, "{}");
    assert_null(got.inputs.p);
    assert_int_equal(got.scheduled_ms, 39);
    assert_int_equal(F->event_get(SELF, key, RAC_S("other"), RAC_S("0005"), &f->a, &got),
                     RAC_E_NOT_FOUND);
    /* a poll that fired: the run and the new watermark are one */
    struct rac_flow_turn turn = first(key, "0004", "Running", 0, 0);
    t.state = RAC_S("{\"n\":2}");
    t.due_ms = 300;
    assert_int_equal(run_turn(f, &turn, &t).err, RAC_OK);
    assert_int_equal(F->trigger_get(SELF, key, t.trigger, &f->a, &row), RAC_OK);
    assert_str(row.state, "{\"n\":2}");
    t.state = RAC_S("{\"n\":3}");
    assert_int_equal(run_turn(f, &turn, &t).err, RAC_E_EXISTS);
    assert_int_equal(F->trigger_get(SELF, key, t.trigger, &f->a, &row), RAC_OK);
    assert_str(row.state, "{\"n\":2}");
    struct rac_flow_due *due;
    size_t n;
    rac_ms next;
    assert_int_equal(F->due_triggers(SELF, NULL, 299, 0, &f->a, &due, &n, &next), RAC_OK);
    assert_int_equal(n, 0);
    assert_int_equal(next, 300);
    assert_int_equal(F->due_triggers(SELF, NULL, 300, 0, &f->a, &due, &n, &next), RAC_OK);
    assert_int_equal(n, 1);
    assert_str(due[0].name, "poll");
    assert_int_equal(due[0].flow, key);
    assert_int_equal(due[0].id, 0);
    assert_int_equal(F->due_triggers(SELF, &due[0], 300, 0, &f->a, &due, &n, &next), RAC_OK);
    assert_int_equal(n, 0);
    t.flow = key + 100;
    F->trigger_save(SELF, &t, NULL, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_NOT_FOUND);
}

static void test_event_list(void **state)
{
    struct fixture *f = *state;
    int64_t key = flow(f, "aa", "w");
    for (int i = 0; i < 9; i++) {
        char name[8];
        snprintf(name, sizeof name, "%04d", 100 - i);
        const struct rac_flow_event_row e = {.name = rac_str_of(name),
                                             .trigger = i % 3 ? RAC_S("a") : RAC_S("b"),
                                             .status = i % 2 ? RAC_S("Skipped") : RAC_S("Failed"),
                                             .start_ms = 10 + i};
        F->event_add(SELF, key, TENANT, &e, fixture_done, f);
        assert_int_equal(fixture_wait(f), RAC_OK);
    }
    struct rac_flow_event_row *v;
    size_t n;
    bool more;
    struct rac_flow_event_query q = {.trigger = RAC_S("a"), .n_max = 4};
    assert_int_equal(F->event_list(SELF, key, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 4);
    assert_true(more);
    assert_str(v[0].name, "0092");
    q.after = v[3].name;
    assert_int_equal(F->event_list(SELF, key, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 2);
    assert_false(more);
    q = (struct rac_flow_event_query){
        .statuses = {RAC_S("Failed")}, .statuses_n = 1, .start_from_ms = 12, .start_to_ms = 14};
    assert_int_equal(F->event_list(SELF, key, &q, &f->a, &v, &n, &more), RAC_OK);
    assert_int_equal(n, 2);
}

/* --- removing --- */

static int64_t count(struct fixture *f, const char *table)
{
    sqlite3 *h;
    sqlite3_stmt *st;
    rac_str file = rac_arena_printf(&f->a, "%s/raccord.db", f->dir);
    rac_str sql = rac_arena_printf(&f->a, "select count(*) from %s", table);
    assert_int_equal(sqlite3_open_v2(file.p, &h, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(h, sql.p, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(h);
    return n;
}

static void test_delete(void **state)
{
    struct fixture *f = *state;
    int64_t key = flow(f, "aa", "w"), kept = flow(f, "bb", "kept");
    struct rac_flow_value value = {.bytes = RAC_S("v")};
    memset(value.digest, 'd', 64);
    struct turned r[500] = {0};
    for (int i = 0; i < 500; i++) {
        char name[8];
        snprintf(name, sizeof name, "%04d", i);
        struct rac_flow_turn t = first(i == 0 ? kept : key, name, "Waiting", i % 2 ? 6000 : 0, 100);
        t.values = &value;
        t.values_n = 1;
        F->turn(SELF, &t, NULL, on_turn, &r[i]);
    }
    const struct rac_flow_trigger_row trigger = {
        .flow = key, .tenant = TENANT, .trigger = RAC_S("t"), .due_ms = 5};
    F->trigger_save(SELF, &trigger, NULL, fixture_done, f);
    const struct rac_flow_event_row e = {
        .name = RAC_S("1"), .trigger = RAC_S("t"), .status = RAC_S("Skipped")};
    F->event_add(SELF, key, TENANT, &e, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    const struct rac_actor actor = {.user = RAC_DEFAULT_ID, .at_ms = 8000};
    F->flow_delete(SELF, TENANT, RAC_S("aa"), 7, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_CONFLICT);
    F->flow_delete(SELF, TENANT, RAC_S("aa"), 1, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    /* gone at once, its runs cancelled, its name free */
    struct rac_flow_row row;
    struct rac_flow_run_row run;
    assert_int_equal(F->flow_get(SELF, TENANT, RAC_S("aa"), RAC_FLOW_PLAIN, &f->a, &row),
                     RAC_E_NOT_FOUND);
    rac_err err = F->run_get(SELF, key, RAC_S("0498"), &f->a, &run);
    assert_true(err == RAC_E_NOT_FOUND || rac_str_eq(run.status, RAC_S("Cancelled")));
    struct rac_flow_due *due;
    size_t n;
    rac_ms next;
    assert_int_equal(F->due_runs(SELF, NULL, 1000, 0, &f->a, &due, &n, &next), RAC_OK);
    assert_int_equal(n, 1);
    assert_int_equal(due[0].flow, kept);
    assert_int_equal(F->due_triggers(SELF, NULL, 1000, 0, &f->a, &due, &n, &next), RAC_OK);
    assert_int_equal(n, 0);
    struct rac_flow_turn t = {
        .flow = key, .id = r[498].id, .tenant = TENANT, .status = RAC_S("Running")};
    assert_int_equal(run_turn(f, &t, NULL).err, RAC_E_CONFLICT);
    assert_true(flow(f, "cc", "w") > kept);
    for (int i = 0; count(f, "flows") > 2 && i < 60000; i++)
        sqlite3_sleep(2);
    assert_int_equal(count(f, "flows"), 2);
    assert_int_equal(count(f, "runs"), 1);
    assert_int_equal(count(f, "run_journal"), 1);
    assert_int_equal(count(f, "run_values"), 1);
    assert_int_equal(count(f, "flow_events"), 0);
    assert_int_equal(count(f, "flow_open"), 1);
}

static int64_t retain_all(struct fixture *f, int64_t key, rac_ms before, int64_t max)
{
    int64_t gone = 0;
    rac_str after = RAC_STR_NULL;
    do {
        F->retain(SELF, key, before, max, after, fixture_done, f);
        assert_int_equal(fixture_wait(f), RAC_OK);
        assert_in_range(f->commit.version, 0, 400);
        gone += f->commit.version;
        after = f->commit.id.n > 0 || f->commit.id.p != NULL ? f->commit.id : RAC_STR_NULL;
    } while (after.p != NULL);
    return gone;
}

static void test_retention(void **state)
{
    struct fixture *f = *state;
    int64_t key = flow(f, "aa", "w");
    struct turned r[600] = {0};
    for (int i = 0; i < 600; i++) { /* the later, the smaller the name; every fifth is open */
        char name[8];
        snprintf(name, sizeof name, "%04d", 9000 - i);
        struct rac_flow_turn t = first(key, name, "Running", i % 5 ? 6000 : 0, 0);
        t.start_ms = 1000 + i;
        F->turn(SELF, &t, NULL, on_turn, &r[i]);
        const struct rac_flow_event_row e = {.name = rac_str_of(name),
                                             .trigger = RAC_S("t"),
                                             .status = RAC_S("Skipped"),
                                             .start_ms = 1000 + i};
        F->event_add(SELF, key, TENANT, &e, fixture_done, f);
    }
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(retain_all(f, key, 1000, 0), 0);
    assert_int_equal(retain_all(f, key, 1300, 0), 300 + 240);
    assert_int_equal(count(f, "runs"), 360);
    assert_int_equal(count(f, "run_journal"), 360);
    assert_int_equal(retain_all(f, key, 1300, 0), 0);
    /* the newest 100 stay, and the open ones of the rest: 60 + 40 */
    assert_int_equal(retain_all(f, key, 0, 100), 160 + 200);
    assert_int_equal(count(f, "runs"), 200);
    assert_int_equal(count(f, "flow_events"), 100);
    must_be_open(f, key, 120, 0);
}

/* --- the whole store --- */

static void test_secrets_are_sealed(void **state)
{
    struct fixture *f = *state;
    test_saved_and_found(state);
    struct rac_flow_row saved;
    assert_int_equal(F->flow_any(SELF, 0, RAC_S("0123456789abcdef0123456789abcdef"), RAC_FLOW_PLAIN,
                                 &f->a, &saved),
                     RAC_OK);
    struct rac_flow_trigger_row trigger = {.flow = saved.key,
                                           .tenant = TENANT,
                                           .trigger = RAC_S("hook"),
                                           .state = RAC_S("{}"),
                                           .secret = RAC_S("{\"url\":\"url-in-clear\"}")};
    F->trigger_save(SELF, &trigger, NULL, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    fixture_close(f);
    const struct rac_store_options o = {.dir = rac_str_of(f->dir), .env = &rac_env_system};
    int64_t n = 0;
    assert_int_equal(rac_store_rotate(&o, true, &f->a, &n, &f->why), RAC_OK);
    assert_true(n >= 3);
    rac_str file = rac_arena_printf(&f->a, "%s/raccord.db", f->dir);
    FILE *h = fopen(file.p, "rb");
    assert_non_null(h);
    char *bytes = rac_arena_alloc(&f->a, 1 << 22);
    size_t len = fread(bytes, 1, 1 << 22, h);
    fclose(h);
    assert_null(memmem(bytes, len, "hunter2-in-clear", 16));
    assert_null(memmem(bytes, len, "url-in-clear", 12));
    assert_null(memmem(bytes, len, "11111111111111111111111111111111", 32));
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    struct rac_flow_row row;
    assert_int_equal(F->flow_any(SELF, 0, RAC_S("0123456789abcdef0123456789abcdef"), RAC_FLOW_WHOLE,
                                 &f->a, &row),
                     RAC_OK);
    assert_str(row.secrets, "{\"password\":\"hunter2-in-clear\"}");
    assert_str(row.key2, "22222222222222222222222222222222");
    assert_int_equal(F->trigger_get(SELF, saved.key, RAC_S("hook"), &f->a, &trigger), RAC_OK);
    assert_str(trigger.secret, "{\"url\":\"url-in-clear\"}");
    struct rac_audit_query q = {.kind = RAC_S("workflow"), .n_max = 10};
    struct rac_audit_row *v;
    size_t lines;
    assert_int_equal(f->i->audit_list(f->i->self, TENANT, &q, &f->a, &v, &lines), RAC_OK);
    assert_int_equal(lines, 1);
    assert_str(v[0].action, "workflow.created");
}

/* A run that has taken as many turns as there may be can still end. */
static void test_the_last_turn_is_for_the_end(void **state)
{
    struct fixture *f = *state;
    int64_t key = flow(f, "aa", "w");
    struct rac_flow_turn t = first(key, "0001", "Running", 0, 1000);
    int64_t id = run_turn(f, &t, NULL).id;
    sqlite3 *h;
    rac_str file = rac_arena_printf(&f->a, "%s/raccord.db", f->dir);
    assert_int_equal(sqlite3_open_v2(file.p, &h, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(h, "update runs set pieces_n = (1 << 24) - 1", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(h);
    t = (struct rac_flow_turn){.id = id,
                               .flow = key,
                               .tenant = TENANT,
                               .status = RAC_S("Running"),
                               .due_ms = 2000,
                               .journal = RAC_S("two")};
    assert_int_equal(run_turn(f, &t, NULL).err, RAC_E_LIMIT);
    t.status = RAC_S("Failed");
    t.end_ms = 9000;
    assert_int_equal(run_turn(f, &t, NULL).err, RAC_OK);
    must_be_open(f, key, 0, 0);
    assert_str(journal(f, id), "|one|two");
}

static void test_backup_has_runs(void **state)
{
    struct fixture *f = *state;
    int64_t key = flow(f, "aa", "w");
    struct rac_flow_turn t = first(key, "0001", "Waiting", 0, 77);
    int64_t id = run_turn(f, &t, NULL).id;
    rac_str file = rac_arena_printf(&f->a, "%s/copy.db", f->dir);
    assert_int_equal(rac_store_backup(rac_str_of(f->dir), file, &f->a, &f->why), RAC_OK);
    assert_int_equal(id, 1);
    sqlite3 *h;
    assert_int_equal(sqlite3_open(file.p, &h), SQLITE_OK);
    sqlite3_stmt *st;
    assert_int_equal(
        sqlite3_prepare_v2(h,
                           "select r.name, cast(j.bytes as text), r.due_ms from runs r "
                           "join run_journal j on j.id >> 24 = r.id",
                           -1, &st, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(st, 0), "0001");
    assert_string_equal((const char *)sqlite3_column_text(st, 1), "one");
    assert_int_equal(sqlite3_column_int64(st, 2), 77);
    sqlite3_finalize(st);
    sqlite3_close(h);
}

/* A million rows must not be looked at for a page, nor sorted. */
static void test_plans(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *sql, *must;
    } plans[] = {
#define STMT(name, text) {text, #name},
#include "store/sqlite/statements.def"
#undef STMT
    };
    static const struct {
        const char *name, *index;
    } wants[] = {
        {"RUN_GET", "runs_by_name (flow=? AND name=?)"},
        {"RUN_LIST", "runs_by_name (flow=? AND name>?)"},
        {"RUN_LIST_OPEN", "runs_open (flow=? AND name>?)"},
        {"RUN_LIST_UNLUCKY", "runs_unlucky (flow=? AND name>?)"},
        {"RUN_LIST_TRACKED", "runs_by_tracking (flow=? AND tracking=? AND name>?)"},
        {"RUN_DUE", "runs_due ("},
        {"RUN_DUE_NEXT", "runs_due ("},
        {"RUN_OLDEST", "runs_by_name (flow=? AND name<?)"},
        {"RUN_NTH", "runs_by_name (flow=?)"},
        {"TRIGGER_DUE", "flow_triggers_due ("},
        {"TRIGGER_DUE_NEXT", "flow_triggers_due ("},
        {"EVENT_LIST", "flow_events_by_name (flow=? AND name>?)"},
        {"EVENT_OLDEST", "flow_events_by_name (flow=?)"},
        {"FLOW_LIST_GROUP", "flows_by_name ("},
        {"FLOW_GONE_RUNS", "(flow=?"},
        {"FLOW_GONE", "flows_deleted"},
        {"PART_GET", "batch_parts_by_name (flow=? AND batch=? AND partition_name=?)"},
        {"PART_HEAD", "INTEGER PRIMARY KEY (rowid=?)"},
        {"PART_READY", "batch_parts_ready (flow=? AND batch=? AND id>?)"},
        {"PART_LIST", "batch_parts_by_name (flow=? AND (batch,partition_name)>(?,?))"},
        {"PART_EDGE", "batch_parts_by_name (flow=? AND batch=? AND partition_name>?)"},
        {"PART_MARK", "batch_parts_by_name (flow=? AND batch=? AND partition_name>?"},
        {"MESSAGE_LIST", "PRIMARY KEY (part=?)"},
        {"MESSAGE_SUM", "PRIMARY KEY (part=? AND number>? AND number<?)"},
        {"MESSAGE_OLDEST", "PRIMARY KEY (part=?)"},
        {"MESSAGE_NTH", "PRIMARY KEY (part=?)"},
        {"MESSAGE_DEL", "PRIMARY KEY (part=? AND number>? AND number<?)"},
        {"BATCHED_GET", "INTEGER PRIMARY KEY (rowid=?)"},
        {"FLOW_GONE_PART", "(flow=?"},
        {"JOURNAL_LIST", "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
    };
    sqlite3 *h;
    rac_str file = rac_arena_printf(&f->a, "%s/raccord.db", f->dir);
    assert_int_equal(sqlite3_open_v2(file.p, &h, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (size_t i = 0; i < RAC_COUNT(wants); i++) {
        bool asked = false;
        for (size_t j = 0; j < RAC_COUNT(plans); j++) {
            if (strcmp(wants[i].name, plans[j].must) != 0)
                continue;
            asked = true;
            rac_str sql = rac_arena_printf(&f->a, "explain query plan %s", plans[j].sql),
                    all = RAC_S("");
            for (char *p = (char *)sql.p; *p; p++)
                *p = *p == '$' ? '?' : *p;
            sqlite3_stmt *st;
            assert_int_equal(sqlite3_prepare_v2(h, sql.p, -1, &st, NULL), SQLITE_OK);
            while (sqlite3_step(st) == SQLITE_ROW)
                all = rac_arena_printf(&f->a, "%.*s\n%s", RAC_FMT(all), sqlite3_column_text(st, 3));
            sqlite3_finalize(st);
            if (strstr(all.p, wants[i].index) == NULL || strstr(all.p, "TEMP B-TREE") != NULL ||
                strstr(all.p, "SCAN runs") != NULL)
                fail_msg("%s:%s", wants[i].name, all.p);
        }
        assert_true(asked);
    }
    sqlite3_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_##name, fixture_setup, fixture_teardown)
        T(saved_and_found),
        T(versions),
        T(list),
        T(users_of_a_connector),
        T(run_in_one_turn),
        T(run_in_many_turns),
        T(open_runs_are_counted_by_trigger),
        T(open_runs_of_an_older_store),
        T(refused_turns_disturb_nobody),
        T(run_list),
        T(due_runs),
        T(conforms),
        T(triggers),
        T(event_list),
        T(delete),
        T(retention),
        T(secrets_are_sealed),
        T(the_last_turn_is_for_the_end),
        T(backup_has_runs),
        T(plans),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
