/*
 * The writer: the only thread that changes the database.
 *
 * It takes what is queued, up to 1024 writes or 4 ms of work, and commits it as one transaction: one
 * flush of the disk answers all of them. Each write has a savepoint, so that a refused one leaves
 * nothing behind and does not disturb its neighbours. If the transaction as a whole fails (disk
 * full, input/output error), its writes are done once more, each in a transaction of its own:
 * those that still fit are kept, and each of the others gets the error that is its own.
 *
 * Nobody is answered before the commit that holds the change has returned.
 *
 * Checkpoints (moving the WAL's pages into the database) flush a lot, which would be the whole p99
 * of writes if the writer did it; the checkpointer thread does, with a connection of its own.
 */
#include "base/log.h"
#include "base/metrics.h"
#include "store/sqlite/store_priv.h"

#include <sqlite3.h>
#include <time.h>

static int on_wal(void *arg, sqlite3 *h, const char *db, int pages)
{
    struct rac_store *s = arg;
    (void)h;
    (void)db;
    pthread_mutex_lock(&s->lock);
    if (pages < s->stats.wal_pages) /* it began anew */
        s->wal_folded = 0;
    s->stats.wal_pages = pages;
    if (pages - s->wal_folded >= RAC_CHECKPOINT_PAGES && !s->checkpoint_wanted) {
        s->checkpoint_wanted = true;
        pthread_cond_signal(&s->wake_checkpointer);
    }
    pthread_mutex_unlock(&s->lock);
    return SQLITE_OK;
}

/* Writes whose failure is not the disk's need no retry: their savepoint is undone already. */
static bool is_disk_error(rac_err e)
{
    return e == RAC_E_FULL || e == RAC_E_IO || e == RAC_E_CORRUPT || e == RAC_E_INTERNAL;
}

/* SQLite's words for a failure, before anything else is run and they are forgotten. */
static void note_why(struct rac_store *s, struct rac_write *w, rac_err e)
{
    if (is_disk_error(e) && w->commit.error.p == NULL)
        w->commit.error = sqlite3_errcode(s->db.h) != SQLITE_OK ? rac_db_why(&s->db, &w->a)
                                                                : rac_str_of(rac_err_text(e));
}

/* A write that refuses before it writes. False: the transaction has to be undone. */
static bool apply_whole(struct rac_store *s, struct rac_write *w)
{
    w->wrote = false;
    rac_err e = w->apply(s, w);
    bool gone = sqlite3_get_autocommit(s->db.h); /* SQLite rolled everything back by itself */
    w->commit.err = gone && e == RAC_OK ? RAC_E_IO : e;
    note_why(s, w, w->commit.err);
    return !gone && (e == RAC_OK || !w->wrote);
}

/* One write inside the open transaction. False: the transaction itself is gone, or has to go. */
static bool apply_one(struct rac_store *s, struct rac_write *w)
{
    w->commit = (struct rac_commit){0};
    w->again = 0;
    if (w->touches & RAC_APPLY_WHOLE)
        return apply_whole(s, w);
    rac_err e = RAC_DB_RUN(&s->db, SAVEPOINT, NULL);
    if (e == RAC_OK) {
        e = w->apply(s, w);
        note_why(s, w, e);
        if (sqlite3_get_autocommit(s->db.h)) { /* SQLite rolled everything back by itself */
            w->commit.err = e != RAC_OK ? e : RAC_E_IO;
            return false;
        }
        rac_err end = e == RAC_OK ? RAC_OK : RAC_DB_RUN(&s->db, ROLLBACK_TO, NULL);
        if (end == RAC_OK)
            end = RAC_DB_RUN(&s->db, RELEASE, NULL);
        if (end != RAC_OK) { /* what a refused write did is still there: nobody may commit it */
            w->commit.err = end;
            note_why(s, w, end);
            return false;
        }
    }
    w->commit.err = e;
    return !sqlite3_get_autocommit(s->db.h);
}

rac_ns rac_store_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (rac_ns)t.tv_sec * 1000000000 + t.tv_nsec;
}

static rac_err commit(struct rac_store *s)
{
    rac_ns start = rac_store_now_ns();
    rac_err e = RAC_DB_RUN(&s->db, COMMIT, NULL);
    rac_metric_observe_ns(RAC_METRIC_STORE_COMMIT_SECONDS, rac_store_now_ns() - start);
    if (e == RAC_OK)
        rac_metric_add(RAC_METRIC_STORE_COMMITS, 1);
    return e;
}

static void move_counters(struct rac_store *s, const struct rac_write *w)
{
    if (w->commit.err != RAC_OK)
        return;
    if (w->touches & RAC_TOUCH_CONNECTORS)
        atomic_fetch_add_explicit(&s->connectors_counter, 1, memory_order_release);
    if (w->touches & RAC_TOUCH_CONNECTIONS)
        atomic_fetch_add_explicit(&s->connections_counter, 1, memory_order_release);
    if (w->touches & RAC_TOUCH_IAM)
        atomic_fetch_add_explicit(&s->iam_counter, 1, memory_order_release);
    if (w->touches & RAC_TOUCH_FLOWS)
        atomic_fetch_add_explicit(&s->flows_counter, 1, memory_order_release);
    if (w->touches & RAC_TOUCH_READY)
        atomic_fetch_add_explicit(&s->ready_counter, 1, memory_order_release);
}

/* One write as a transaction of its own; its answer is final. */
static void alone(struct rac_store *s, struct rac_write *w)
{
    rac_err e = RAC_DB_RUN(&s->db, BEGIN, NULL);
    if (e == RAC_OK) {
        bool open = apply_one(s, w);
        e = w->commit.err;
        if (open) {
            rac_err end = e == RAC_OK ? commit(s) : RAC_DB_RUN(&s->db, ROLLBACK, NULL);
            e = e != RAC_OK ? e : end;
        }
        note_why(s, w, e);
        if (!sqlite3_get_autocommit(s->db.h))
            (void)!RAC_DB_RUN(&s->db, ROLLBACK, NULL);
    }
    w->commit.err = e;
    note_why(s, w, e);
}

/* Applies from the front of *list until a limit; returns the writes done and their transaction's
 * fate. Those past the limit stay in *list. */
static struct rac_write *batch(struct rac_store *s, struct rac_write **list, rac_err *err)
{
    struct rac_write *first = *list, *last = NULL;
    rac_ns start = rac_store_now_ns();
    *err = RAC_DB_RUN(&s->db, BEGIN, NULL);
    bool open = *err == RAC_OK;
    size_t n = 0;
    while (*list != NULL) {
        last = *list;
        *list = last->next;
        if (open && !apply_one(s, last)) {
            open = false;
            *err = last->commit.err;
        }
        if (open && is_disk_error(last->commit.err)) {
            open = false;
            *err = last->commit.err;
        }
        if (++n >= RAC_BATCH_ROWS_MAX || !open || rac_store_now_ns() - start > RAC_BATCH_NS_MAX)
            break;
    }
    last->next = NULL;
    if (open)
        *err = commit(s);
    if (!sqlite3_get_autocommit(s->db.h))
        (void)!RAC_DB_RUN(&s->db, ROLLBACK, NULL);
    return first;
}

static void note_state(struct rac_store *s, rac_err e, const struct rac_write *w)
{
    rac_err state = is_disk_error(e) ? e : RAC_OK;
    if (state == s->stats.state) /* nobody else writes it */
        return;
    pthread_mutex_lock(&s->lock);
    s->stats.state = state;
    pthread_mutex_unlock(&s->lock);
    if (state != RAC_OK)
        rac_log(RAC_ERROR, "store.write_failed", RAC_F_CSTR("error", rac_err_name(state)),
                RAC_F_STR("why", w->commit.error));
    else
        rac_log(RAC_INFO, "store.write_recovered");
}

/* A list of writes from commit to answer. */
static void run(struct rac_store *s, struct rac_write *list)
{
    while (list != NULL) {
        rac_err e;
        struct rac_write *w = batch(s, &list, &e);
        if (e != RAC_OK)
            for (struct rac_write *v = w; v != NULL; v = v->next)
                alone(s, v);
        uint64_t n = 0, failed = 0, broken = 0;
        unsigned again = 0;
        for (struct rac_write *v = w; v != NULL; v = v->next, n++) {
            move_counters(s, v);
            failed += v->commit.err != RAC_OK;
            broken += is_disk_error(v->commit.err);
            again |= v->commit.err == RAC_OK ? v->again : 0;
        }
        pthread_mutex_lock(&s->lock);
        if (again != 0) {
            s->purge_wanted |= again;
            pthread_cond_signal(&s->wake_checkpointer);
        }
        s->stats.commits_total++;
        s->stats.writes_total += n;
        pthread_mutex_unlock(&s->lock);
        rac_metric_add(RAC_METRIC_STORE_WRITES, n - failed);
        rac_metric_add(RAC_METRIC_STORE_ERRORS, broken);
        for (struct rac_write *v = w; v != NULL; v = v->next)
            note_state(s, v->commit.err, v);
        rac_write_answer(w);
    }
}

/* Moves the WAL's pages into the database, as far as readers let it. False: not all of them. */
static bool checkpoint(struct rac_store *s, struct rac_db *db, int mode)
{
    int pages = 0, folded = -1;
    int rc = sqlite3_wal_checkpoint_v2(db->h, NULL, mode, &pages, &folded);
    pthread_mutex_lock(&s->lock);
    s->stats.checkpoints_total++;
    if (folded >= 0 && pages <= s->stats.wal_pages)
        s->wal_folded = folded;
    pthread_mutex_unlock(&s->lock);
    return rc == SQLITE_OK;
}

/* Everybody who writes waits meanwhile, so a reader that does not end is not waited for: a backup
 * of a large store, say. The WAL grows a little more until it has. */
static void force_checkpoint(struct rac_store *s)
{
    rac_ns now = rac_store_now_ns();
    if (now < s->checkpoint_at)
        return;
    (void)sqlite3_busy_timeout(s->db.h, RAC_CHECKPOINT_WAIT_MS);
    bool done = checkpoint(s, &s->db, SQLITE_CHECKPOINT_RESTART);
    (void)sqlite3_busy_timeout(s->db.h, RAC_DB_BUSY_MS);
    s->checkpoint_at = done ? 0 : now + (rac_ns)RAC_CHECKPOINT_RETRY_MS * 1000000;
}

/* Under constant load the checkpointer never finds the WAL at rest, and it would grow for ever.
 * The writer, between two batches, folds in what the checkpointer left of a long one: the next
 * commit then begins it anew. */
static void finish_checkpoint(struct rac_store *s)
{
    pthread_mutex_lock(&s->lock);
    int64_t pages = s->stats.wal_pages, rest = pages - s->wal_folded;
    pthread_mutex_unlock(&s->lock);
    if (pages >= s->wal_pages_max)
        force_checkpoint(s);
    else if (pages >= RAC_CHECKPOINT_RESTART_PAGES && rest > 0 && rest <= RAC_CHECKPOINT_REST_PAGES)
        (void)checkpoint(s, &s->db, SQLITE_CHECKPOINT_PASSIVE);
}

static void push_own(struct rac_store *s, rac_apply_fn apply)
{
    struct rac_write *w = rac_mem_alloc(sizeof *w);
    rac_arena_init(&w->a, RAC_WRITE_ARENA_MAX);
    w->apply = apply;
    w->actor.at_ms = rac_env_wall_ms(s->env);
    if (rac_writer_push(s, w) != RAC_OK)
        rac_write_free(w);
}

static void wait_until(struct rac_store *s, pthread_cond_t *wake, rac_ns at)
{
    const struct timespec t = {at / 1000000000, at % 1000000000};
    (void)pthread_cond_timedwait(wake, &s->lock, &t);
}

static rac_err probe_apply(struct rac_store *s, struct rac_write *w)
{
    char *bytes = rac_arena_alloc_dirty(&w->a, RAC_PROBE_BYTES);
    rac_str value = {bytes, RAC_PROBE_BYTES};
    memset(bytes, '.', RAC_PROBE_BYTES);
    return RAC_DB_RUN(&s->db, META_PUT, NULL, V_STR(RAC_S("probe")), V_STR(value));
}

/* Waits for writes, under the lock. A store that failed to write is not ready, so that nobody may
 * send it one: it finds out by itself when it can write again. */
static void wait_for_writes(struct rac_store *s)
{
    rac_ns probe_at = rac_store_now_ns() + (rac_ns)RAC_PROBE_MS * 1000000;
    while (s->head == NULL && !s->stopping) {
        if (s->stats.state == RAC_OK) {
            pthread_cond_wait(&s->wake_writer, &s->lock);
        } else if (rac_store_now_ns() < probe_at) {
            wait_until(s, &s->wake_writer, probe_at);
        } else {
            pthread_mutex_unlock(&s->lock);
            push_own(s, probe_apply);
            pthread_mutex_lock(&s->lock);
        }
    }
}

static void *writer_main(void *arg)
{
    struct rac_store *s = arg;
    pthread_setname_np(pthread_self(), "store-writer");
    for (;;) {
        pthread_mutex_lock(&s->lock);
        wait_for_writes(s);
        struct rac_write *list = s->head;
        s->head = NULL;
        s->tail = &s->head;
        s->queue_n = 0;
        pthread_mutex_unlock(&s->lock);
        if (list == NULL) /* stopping, and everything accepted is done */
            return NULL;
        run(s, list);
        finish_checkpoint(s);
    }
}

struct chores {
    rac_ns all_at, bite_at; /* not before: looking for what is old; the next bite of it */
    uint64_t writes;        /* when the last bite was taken, with the bite itself */
    unsigned bites;         /* RAC_LEFT_*: to be taken now */
    bool stop, checkpoint;
};

/* Waits for something to do. Removing what is left makes way for those who write. */
static void wait_for_chores(struct rac_store *s, struct chores *c)
{
    pthread_mutex_lock(&s->lock);
    for (;;) {
        rac_ns now = rac_store_now_ns();
        c->stop = s->stopping;
        c->checkpoint = s->checkpoint_wanted;
        c->bites = now >= c->all_at    ? RAC_LEFT_OF_FLOWS | RAC_LEFT_OF_OLD
                   : now >= c->bite_at ? s->purge_wanted
                                       : 0;
        if (now >= c->all_at)
            c->all_at = now + (rac_ns)RAC_PURGE_EVERY_S * 1000000000;
        if (c->stop || c->checkpoint || c->bites != 0)
            break;
        wait_until(s, &s->wake_checkpointer,
                   s->purge_wanted && c->bite_at < c->all_at ? c->bite_at : c->all_at);
    }
    s->checkpoint_wanted = false;
    if (c->bites != 0) {
        bool others = s->stats.writes_total > c->writes;
        c->bite_at = rac_store_now_ns() + (others ? (rac_ns)RAC_PURGE_PAUSE_MS * 1000000 : 0);
        c->writes = s->stats.writes_total + (unsigned)__builtin_popcount(c->bites);
        s->purge_wanted &= ~c->bites;
    }
    pthread_mutex_unlock(&s->lock);
}

static void *checkpointer_main(void *arg)
{
    struct rac_store *s = arg;
    pthread_setname_np(pthread_self(), "store-checkpt");
    struct rac_arena a;
    rac_arena_init(&a, 1 << 16);
    struct rac_db db = {0};
    rac_str why;
    rac_err e = rac_db_open(&db, rac_str_of(s->file), RAC_DB_WRITE, 64, s->vfs, &a, &why);
    if (e != RAC_OK) /* the writer's forced checkpoints keep the WAL bounded */
        rac_log(RAC_ERROR, "store.checkpointer_failed", RAC_F_STR("why", why));
    struct chores c = {.all_at = rac_store_now_ns() + (rac_ns)RAC_PURGE_EVERY_S * 1000000000};
    for (;;) {
        wait_for_chores(s, &c);
        if (c.stop)
            break;
        if (c.checkpoint && db.h != NULL)
            (void)checkpoint(s, &db, SQLITE_CHECKPOINT_PASSIVE);
        if (c.bites & RAC_LEFT_OF_FLOWS)
            push_own(s, rac_flow_purge_apply);
        if (c.bites & RAC_LEFT_OF_OLD)
            push_own(s, rac_purge_apply);
    }
    rac_db_close(&db);
    rac_arena_fini(&a);
    return NULL;
}

rac_err rac_writer_start(struct rac_store *s)
{
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake_writer, &attr);
    pthread_cond_init(&s->wake_checkpointer, &attr);
    pthread_condattr_destroy(&attr);
    s->tail = &s->head;
    sqlite3_wal_hook(s->db.h, on_wal, s);
    if (pthread_create(&s->writer, NULL, writer_main, s) != 0)
        return RAC_E_LIMIT;
    if (pthread_create(&s->checkpointer, NULL, checkpointer_main, s) != 0) {
        pthread_mutex_lock(&s->lock);
        s->stopping = true;
        pthread_cond_signal(&s->wake_writer);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->writer, NULL);
        return RAC_E_LIMIT;
    }
    push_own(s, rac_purge_apply);
    push_own(s, rac_flow_purge_apply);
    return RAC_OK;
}

void rac_writer_stop(struct rac_store *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->wake_writer);
    pthread_cond_signal(&s->wake_checkpointer);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->checkpointer, NULL);
    pthread_join(s->writer, NULL);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->wake_writer);
    pthread_cond_destroy(&s->wake_checkpointer);
}

rac_err rac_writer_push(struct rac_store *s, struct rac_write *w)
{
    pthread_mutex_lock(&s->lock);
    rac_err e = s->stopping ? RAC_E_CANCELLED : s->queue_n >= s->queue_max ? RAC_E_BUSY : RAC_OK;
    if (e == RAC_OK) {
        *s->tail = w;
        s->tail = &w->next;
        if (++s->queue_n > s->stats.queue_max_seen)
            s->stats.queue_max_seen = s->queue_n;
        pthread_cond_signal(&s->wake_writer);
    }
    pthread_mutex_unlock(&s->lock);
    return e;
}

void rac_store_stats(struct rac_store *s, struct rac_store_stats *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->stats;
    out->queue_n = s->queue_n;
    pthread_mutex_unlock(&s->lock);
}
