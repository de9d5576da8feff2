/*
 * Runs that must survive: the n-th write or flush failing for every n, a full disk, somebody who
 * holds the database, the process killed under load. A run's turns carry their number, so that
 * what is found can be compared with what was answered.
 */
#include "base/mem.h"
#include "torture.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS_MAX = 40000, BIG = 20000 };

/* What the runs of one session did. */
struct crew {
    struct rac_store_session *ses;
    const struct rac_flow_store *w;
    int64_t flow;
    int from, step;       /* its runs: from, from + step, ... */
    int fd;               /* where answers are told; -1: nowhere */
    bool give_up;         /* a refused turn ends the crew's interest in its run */
    int in_flight, other; /* other: errors that are not the disk's */
};

static int acked[RUNS_MAX], sent[RUNS_MAX]; /* turns of each run, told to fd or here */
static int64_t ids[RUNS_MAX];
static struct crew *owner[RUNS_MAX];
static struct rac_flow_value values[RUNS_MAX]; /* of the turn that is under way */

static int turns_of(int run)
{
    return 1 + run % 4; /* every fourth ends in the turn that starts it */
}

static rac_str piece_text(struct rac_arena *a, int run, int k)
{
    return rac_arena_printf(a, "run %d turn %d %0*d", run, k, run % 7 == 0 ? BIG : 300, k);
}

static void on_turn(void *arg, rac_err err, rac_str error, int64_t id);

static void send_turn(struct crew *c, int run)
{
    struct rac_arena a;
    rac_arena_init(&a, 1 << 20);
    int k = sent[run]++;
    bool last = k + 1 == turns_of(run);
    struct rac_flow_value *value = &values[run];
    rac_str text = piece_text(&a, run, k);
    value->bytes.p =
        memcpy(rac_mem_realloc((char *)(uintptr_t)value->bytes.p, text.n), text.p, text.n);
    value->bytes.n = text.n;
    snprintf(value->digest, sizeof value->digest, "%064d", k);
    rac_str name = rac_arena_printf(&a, "%08d", 99999999 - run);
    const struct rac_flow_trigger_row trigger = {.flow = c->flow,
                                                 .tenant = TENANT,
                                                 .trigger = RAC_S("poll"),
                                                 .state = rac_arena_printf(&a, "%d", run),
                                                 .due_ms = 5};
    const struct rac_flow_turn t = {.create = k == 0,
                                    .id = ids[run],
                                    .flow = c->flow,
                                    .tenant = TENANT,
                                    .name = name,
                                    .revision = RAC_S("9"),
                                    .trigger = RAC_S("manual"),
                                    .start_ms = 1,
                                    .status = last         ? RAC_S("Succeeded")
                                              : k % 2 == 0 ? RAC_S("Running")
                                                           : RAC_S("Waiting"),
                                    .end_ms = last ? 2 : 0,
                                    .due_ms = last ? 0 : 1000 + run,
                                    .journal = piece_text(&a, run, k),
                                    .values = value,
                                    .values_n = run % 5 == 0};
    owner[run] = c;
    c->in_flight++;
    c->w->turn(c->w->self, &t, run % 3 == 0 ? &trigger : NULL, on_turn, &acked[run]);
    rac_arena_fini(&a);
}

static void on_turn(void *arg, rac_err err, rac_str error, int64_t id)
{
    int run = (int)((int *)arg - acked);
    struct crew *c = owner[run];
    (void)error;
    c->in_flight--;
    if (err != RAC_OK) {
        sent[run]--;
        c->other += err != RAC_E_IO && err != RAC_E_FULL;
        if (!c->give_up)
            send_turn(c, run);
        return;
    }
    ids[run] = id;
    const int told[2] = {run, ++acked[run]};
    if (c->fd >= 0 && write(c->fd, told, sizeof told) != sizeof told)
        _exit(1);
    if (acked[run] < turns_of(run))
        send_turn(c, run);
}

static void on_saved(void *arg, const struct rac_commit *c)
{
    *(int64_t *)arg = c->err == RAC_OK ? c->revision : -(int64_t)c->err;
}

static int64_t make_flow(struct fixture *f, const char *id)
{
    int64_t key = 0;
    const struct rac_flow_save r = {.create = true,
                                    .id = rac_str_of(id),
                                    .group = GROUP,
                                    .name = rac_str_of(id),
                                    .revision = RAC_S("9"),
                                    .document = RAC_S("{}")};
    f->w->flow_save(f->w->self, TENANT, &r, on_saved, &key);
    while (rac_store_session_wait(f->ses))
        ;
    return key;
}

static void forget(void)
{
    memset(acked, 0, sizeof acked);
    memset(sent, 0, sizeof sent);
    memset(ids, 0, sizeof ids);
}

/* --- what must be true of any database --- */

static void must_be_whole(const char *dir)
{
    torture_must_be_sound(dir);
    torture_must_be_none(dir,
                         "select count(*) from runs r where pieces_n <> (select count(*) from "
                         "run_journal j where j.id >= r.id << 24 and j.id < (r.id + 1) << 24)");
    torture_must_be_none(dir, "select count(*) from runs r where journal_bytes <> (select "
                              "coalesce(sum(length(bytes)), 0) from run_journal j "
                              "where j.id >= r.id << 24 and j.id < (r.id + 1) << 24)");
    torture_must_be_none(dir, "select count(*) from run_journal j where not exists "
                              "(select 1 from runs where id = j.id >> 24)");
    torture_must_be_none(dir, "select count(*) from run_values v where not exists "
                              "(select 1 from runs where id = v.run)");
    torture_must_be_none(
        dir, "select count(*) from flows f where coalesce((select sum(waiting) from flow_open "
             "where flow = f.key), 0) <> (select count(*) from runs where flow = f.key "
             "and end_ms = 0 and status = 'Waiting') and f.deleted_ms = 0");
    torture_must_be_none(
        dir, "select count(*) from flows f where coalesce((select sum(running) from flow_open "
             "where flow = f.key), 0) <> (select count(*) from runs where flow = f.key "
             "and end_ms = 0 and status <> 'Waiting') and f.deleted_ms = 0");
}

struct check {
    struct rac_arena a;
    int run, k;
};

static bool on_piece(void *arg, rac_str bytes)
{
    struct check *c = arg;
    rac_arena_reset(&c->a);
    rac_str want = piece_text(&c->a, c->run, c->k++);
    if (!rac_str_eq(bytes, want))
        fail_msg("run %d, piece %d is another: %.40s", c->run, c->k - 1, bytes.p);
    return true;
}

/* Everything answered is there, and nothing that was not asked for. */
static void must_have(struct fixture *f, int64_t flow, int runs)
{
    struct check c = {0};
    rac_arena_init(&c.a, 1 << 20);
    for (int run = 0; run < runs; run++) {
        struct rac_flow_run_row row;
        rac_arena_reset(&c.a);
        rac_str name = rac_arena_printf(&c.a, "%08d", 99999999 - run);
        rac_err e = f->w->run_get(f->w->self, flow, name, &c.a, &row);
        if (e == RAC_E_NOT_FOUND && acked[run] == 0)
            continue;
        if (e != RAC_OK)
            fail_msg("run %d, of which %d turns were answered: %s", run, acked[run],
                     rac_err_name(e));
        bool ended = row.end_ms != 0;
        c.run = run;
        c.k = 0;
        int64_t id = row.id;
        assert_int_equal(f->w->journal(f->w->self, id, on_piece, &c), RAC_OK);
        if (c.k < acked[run])
            fail_msg("run %d: %d turns of %d that were answered", run, c.k, acked[run]);
        assert_true(c.k <= turns_of(run));
        assert_int_equal(ended, c.k == turns_of(run));
        for (int k = 0; k < c.k && run % 5 == 0; k++) {
            char digest[65];
            rac_str bytes;
            snprintf(digest, sizeof digest, "%064d", k);
            assert_int_equal(f->w->value_get(f->w->self, id, digest, &c.a, &bytes), RAC_OK);
        }
    }
    rac_arena_fini(&c.a);
}

/* --- the n-th operation fails --- */

enum { SERIES = 12 };

static void one_failure(struct fixture *f, int64_t n, int rc, bool for_ever)
{
    forget();
    f->cache_kib = 1; /* pages leave the cache in the middle of a turn, and fail there */
    assert_int_equal(fixture_open(f, FAIL_VFS), RAC_OK);
    int64_t flow = make_flow(f, "aa"), gone = make_flow(f, "bb");
    assert_true(flow > 0 && gone > 0);
    struct crew other = {.ses = f->ses, .w = f->w, .flow = gone, .fd = -1, .give_up = true};
    for (int i = 0; i < 4; i++)
        send_turn(&other, i * 4); /* one turn each */
    while (rac_store_session_wait(f->ses))
        ;
    forget();
    fail_vfs_at(n, rc, for_ever);
    struct crew c = {.ses = f->ses, .w = f->w, .flow = flow, .fd = -1, .give_up = true};
    for (int i = 0; i < SERIES; i++) {
        send_turn(&c, i);
        if (i % 3 == 2)
            while (rac_store_session_wait(f->ses))
                ;
    }
    int64_t deleted = 0;
    f->w->flow_delete(f->w->self, TENANT, RAC_S("bb"), 0, &(struct rac_actor){.at_ms = 1}, on_saved,
                      &deleted);
    while (rac_store_session_wait(f->ses))
        ;
    if (c.other > 0)
        fail_msg("operation %lld: an error that is not the disk's", (long long)n);
    fixture_close(f);
    fail_vfs_at(0, 0, false);
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    must_have(f, flow, SERIES);
    struct rac_flow_row row;
    if (deleted > 0)
        assert_int_equal(
            f->w->flow_any(f->w->self, gone, RAC_STR_NULL, RAC_FLOW_PLAIN, &f->a, &row),
            RAC_E_NOT_FOUND);
    fixture_close(f);
    must_be_whole(f->dir);
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

/* --- the disk is full, and somebody makes room --- */

static void test_disk_full(void **state)
{
    struct fixture *f = *state;
    forget();
    assert_int_equal(fixture_open(f, FAIL_VFS), RAC_OK);
    int64_t flow = make_flow(f, "aa");
    struct crew c = {.ses = f->ses, .w = f->w, .flow = flow, .fd = -1, .give_up = true};
    fail_vfs_quota(300000);
    int runs = 0;
    for (; runs < 2000 && (runs == 0 || acked[runs - 1] == turns_of(runs - 1)); runs++) {
        send_turn(&c, runs);
        while (rac_store_session_wait(f->ses))
            ;
    }
    assert_in_range(runs, 2, 1999);
    struct rac_store_stats st;
    rac_store_stats(f->store, &st);
    assert_int_equal(st.state, RAC_E_FULL);
    must_have(f, flow, runs); /* reading goes on */
    fail_vfs_quota(-1);
    send_turn(&c, runs - 1); /* the run that was refused goes on where it was */
    while (rac_store_session_wait(f->ses))
        ;
    assert_int_equal(acked[runs - 1], turns_of(runs - 1));
    rac_store_stats(f->store, &st);
    assert_int_equal(st.state, RAC_OK);
    must_have(f, flow, runs);
    assert_int_equal(c.other, 0);
    fixture_close(f);
    must_be_whole(f->dir);
}

/* --- somebody else holds the database for a while --- */

static void *holder(void *arg)
{
    sqlite3 *h = arg;
    sqlite3_sleep(300);
    assert_int_equal(sqlite3_exec(h, "rollback", NULL, NULL, NULL), SQLITE_OK);
    return NULL;
}

static void test_held(void **state)
{
    struct fixture *f = *state;
    forget();
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    int64_t flow = make_flow(f, "aa");
    sqlite3 *h;
    rac_str file = rac_arena_printf(&f->a, "%s/raccord.db", f->dir);
    assert_int_equal(sqlite3_open(file.p, &h), SQLITE_OK);
    assert_int_equal(sqlite3_exec(h, "begin immediate", NULL, NULL, NULL), SQLITE_OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, holder, h), 0);
    struct crew c = {.ses = f->ses, .w = f->w, .flow = flow, .fd = -1, .give_up = true};
    for (int i = 0; i < SERIES; i++)
        send_turn(&c, i);
    while (rac_store_session_wait(f->ses))
        ;
    pthread_join(thread, NULL);
    sqlite3_close(h);
    for (int i = 0; i < SERIES; i++)
        assert_int_equal(acked[i], turns_of(i));
    must_have(f, flow, SERIES);
    fixture_close(f);
    must_be_whole(f->dir);
}

/* --- killed --- */

enum { CREWS = 2 };

struct member {
    struct fixture *f;
    int64_t flow;
    int from, fd;
};

static void *member_main(void *arg)
{
    const struct member *m = arg;
    struct crew c = {.flow = m->flow, .from = m->from, .step = CREWS, .fd = m->fd};
    if (rac_store_session_new(m->f->store, NULL, &c.ses) != RAC_OK)
        _exit(2);
    c.w = rac_store_flows(c.ses);
    for (int run = c.from;;) {
        for (; c.in_flight < 24 && run < RUNS_MAX; run += c.step)
            send_turn(&c, run);
        rac_store_session_wait(c.ses);
    }
}

static void child_main(struct fixture *f, int fd, int64_t flow, int first)
{
    pthread_t threads[CREWS];
    struct member members[CREWS];
    if (fixture_open(f, NULL) != RAC_OK)
        _exit(2);
    for (int i = 0; i < CREWS; i++) {
        members[i] = (struct member){f, flow, first + i, fd};
        if (pthread_create(&threads[i], NULL, member_main, &members[i]) != 0)
            _exit(3);
    }
    pthread_join(threads[0], NULL); /* never */
}

/* Until `enough` turns were answered; returns the highest run seen. */
static int hear(int fd, pid_t pid, int enough)
{
    int told[2], got = 0, highest = 0;
    while (read(fd, told, sizeof told) == sizeof told) {
        assert_in_range(told[0], 0, RUNS_MAX - 1);
        acked[told[0]] = told[1];
        highest = told[0] > highest ? told[0] : highest;
        if (++got == enough)
            kill(pid, SIGKILL);
    }
    assert_true(got >= enough);
    return highest;
}

static void test_killed(void **state)
{
    struct fixture *f = *state;
    forget();
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    int64_t flow = make_flow(f, "aa");
    fixture_close(f);
    int first = 0, rounds = 12;
    for (int round = 0; round < rounds; round++) {
        int fds[2], status;
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(fds[0]);
            child_main(f, fds[1], flow, first);
            _exit(3);
        }
        close(fds[1]);
        int highest = hear(fds[0], pid, 30 + 131 * round);
        close(fds[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(fixture_open(f, NULL), RAC_OK);
        must_have(f, flow, highest + 100);
        fixture_close(f);
        must_be_whole(f->dir);
        first = highest + 100; /* past what was written without an answer */
        assert_true(first + 1000 < RUNS_MAX);
    }
}

/* --- two who want the same run --- */

struct race {
    int won, lost, other;
};

static void on_race(void *arg, rac_err err, rac_str error, int64_t id)
{
    struct race *r = arg;
    (void)error;
    (void)id;
    r->won += err == RAC_OK;
    r->lost += err == RAC_E_CONFLICT;
    r->other += err != RAC_OK && err != RAC_E_CONFLICT;
}

static void test_two_writers(void **state)
{
    struct fixture *f = *state;
    forget();
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    int64_t flow = make_flow(f, "aa");
    struct rac_store_session *two;
    assert_int_equal(rac_store_session_new(f->store, NULL, &two), RAC_OK);
    const struct rac_flow_store *w[2] = {f->w, rac_store_flows(two)};
    struct crew c = {.ses = f->ses, .w = f->w, .flow = flow, .fd = -1};
    struct race r = {0};
    for (int i = 1; i <= 100; i++) {
        sent[i * 4 + 3] = 0;
        struct rac_flow_turn t = {.flow = flow,
                                  .tenant = TENANT,
                                  .status = RAC_S("Cancelled"),
                                  .end_ms = 7,
                                  .journal = RAC_S("end")};
        send_turn(&c, i * 4 + 3); /* four turns; another ends it in between */
        while (acked[i * 4 + 3] == 0)
            rac_store_session_wait(f->ses);
        c.give_up = true;
        t.id = ids[i * 4 + 3];
        w[0]->turn(w[0]->self, &t, NULL, on_race, &r);
        w[1]->turn(w[1]->self, &t, NULL, on_race, &r);
        while (rac_store_session_wait(f->ses))
            ;
        while (rac_store_session_wait(two))
            ;
        assert_int_equal(r.won + r.lost, 2 * i);
        assert_true(r.won <= i); /* the run may have come to its own end */
    }
    assert_int_equal(r.other, 0);
    assert_true(r.won > 0);
    rac_store_session_free(two);
    fixture_close(f);
    must_be_whole(f->dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_##name, torture_setup, torture_teardown)
        T(nth_write_fails), T(nth_flush_fails), T(full_from_the_nth_on), T(disk_full), T(held),
        T(killed),          T(two_writers),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
