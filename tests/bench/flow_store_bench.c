/*
 * flow_store_bench DIR [WAITING] - runs in the store on the disk of DIR (a new directory): turns a
 * second from four sessions, latency of one client beside raw fdatasync, and WAITING (1,000,000)
 * waiting runs: making them, opening, what is due, and deleting them while another workflow runs.
 * One JSON object on stdout. flow_store_bench DIR WAITING leave: only makes them, due in years.
 * flow_store_bench DIR N messages: only makes N messages for batch "b" of the workflow "collect".
 */
#define RAC_ALLOW_FSYNC
#include "base/mem.h"
#include "base/str.h"
#include "store/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>

static const struct rac_env *const env = &rac_env_system;

enum { SESSIONS = 4, WINDOW = 16, JOURNAL = 2000, ROUNDS = 5 };

static double seconds(rac_ns from)
{
    return (double)(rac_env_mono_ns(env) - from) / 1e9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(double *v, size_t n, double p)
{
    qsort(v, n, sizeof *v, by_value);
    return v[(size_t)(p * (double)(n - 1))];
}

/* --- turns --- */

static _Atomic int64_t names; /* of runs: newest first, like real ones */
static char journal_bytes[JOURNAL];

static void put_turn(struct rac_store_session *ses, int64_t flow, rac_ms due_ms, size_t bytes,
                     rac_flow_turn_fn done, void *arg)
{
    char name[40];
    int64_t n = atomic_fetch_add(&names, 1);
    snprintf(name, sizeof name, "%020lld%09lldCU00", 8584648327511354300ll - 1000 * (long long)n,
             (long long)(n * 7919 % 1000000000));
    const struct rac_flow_turn t = {.create = true,
                                    .flow = flow,
                                    .tenant = RAC_DEFAULT_ID,
                                    .name = rac_str_of(name),
                                    .revision = RAC_S("08584648327511354300"),
                                    .trigger = RAC_S("manual"),
                                    .tracking = rac_str_of(name),
                                    .correlation = RAC_S("9f0c1c9e-1a55-4d6b-93ce-6f9c5f5b0d63"),
                                    .start_ms = 1700000000000 + n,
                                    .end_ms = due_ms ? 0 : 1700000000001 + n,
                                    .due_ms = due_ms,
                                    .status = due_ms ? RAC_S("Waiting") : RAC_S("Succeeded"),
                                    .journal = {journal_bytes, bytes}};
    const struct rac_flow_store *w = rac_store_flows(ses);
    w->turn(w->self, &t, NULL, done, arg);
}

static void count_turn(void *arg, rac_err err, rac_str error, int64_t id)
{
    (void)error;
    (void)id;
    RAC_ASSERT(err == RAC_OK);
    ++*(int64_t *)arg;
}

struct client {
    struct rac_store *store;
    int64_t flow, total, first_due_ms;
    size_t bytes;
    int window;
};

static void *client_main(void *arg)
{
    const struct client *c = arg;
    struct rac_store_session *ses;
    RAC_ASSERT(rac_store_session_new(c->store, NULL, &ses) == RAC_OK);
    rac_mem_blocks_keep();
    int64_t sent = 0, got = 0;
    while (got < c->total) {
        for (; sent < c->total && sent - got < c->window; sent++)
            put_turn(ses, c->flow, c->first_due_ms ? c->first_due_ms + sent : 0, c->bytes,
                     count_turn, &got);
        rac_store_session_wait(ses);
    }
    rac_store_session_free(ses);
    rac_mem_blocks_let_go();
    return NULL;
}

/* Turns a second of several clients at once. */
static double turns(const struct client *c, int clients)
{
    pthread_t threads[SESSIONS];
    rac_ns from = rac_env_mono_ns(env);
    for (int i = 0; i < clients; i++)
        RAC_ASSERT(pthread_create(&threads[i], NULL, client_main, (void *)c) == 0);
    for (int i = 0; i < clients; i++)
        pthread_join(threads[i], NULL);
    return (double)(c->total * clients) / seconds(from);
}

/* --- latency --- */

static void latency(struct rac_store_session *ses, int64_t flow, double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t got = 0;
        rac_ns from = rac_env_mono_ns(env);
        put_turn(ses, flow, 0, JOURNAL, count_turn, &got);
        while (got == 0)
            rac_store_session_wait(ses);
        v[i] = seconds(from) * 1e3;
    }
}

/* 4 KiB written and flushed: appended, so that the file's length changes, or written over. */
static void raw(const char *dir, bool append, double *v, size_t n)
{
    char file[256];
    static char page[4096];
    snprintf(file, sizeof file, "%s/raw", dir);
    int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
    RAC_ASSERT(fd >= 0);
    for (size_t i = 0; i < n; i++) {
        page[0] = (char)i;
        rac_ns from = rac_env_mono_ns(env);
        RAC_ASSERT(pwrite(fd, page, sizeof page, append ? (off_t)(i * sizeof page) : 0) == 4096);
        RAC_ASSERT(fdatasync(fd) == 0);
        v[i] = seconds(from) * 1e3;
    }
    close(fd);
    unlink(file);
}

/* --- */

static void saved(void *arg, const struct rac_commit *c)
{
    RAC_ASSERT(c->err == RAC_OK);
    *(int64_t *)arg = c->revision;
}

static int64_t make_flow(struct rac_store_session *ses, const char *id)
{
    int64_t key = 0;
    const struct rac_flow_store *w = rac_store_flows(ses);
    const struct rac_flow_save r = {.create = true,
                                    .id = rac_str_of(id),
                                    .group = RAC_DEFAULT_ID,
                                    .name = rac_str_of(id),
                                    .revision = RAC_S("08584648327511354300"),
                                    .document = RAC_S("{}")};
    w->flow_save(w->self, RAC_DEFAULT_ID, &r, saved, &key);
    while (rac_store_session_wait(ses))
        ;
    return key;
}

static int64_t memory_kib(const char *what)
{
    char line[256];
    long long n = 0;
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, what, strlen(what)) == 0)
            n = strtoll(line + strlen(what), NULL, 10);
    if (f != NULL)
        fclose(f);
    return n;
}

static void open_store(const char *dir, struct rac_arena *a, struct rac_store **store,
                       struct rac_store_session **ses)
{
    rac_str why;
    const struct rac_store_options o = {.dir = rac_str_of(dir), .env = env};
    if (rac_store_open(&o, a, store, &why) != RAC_OK) {
        fprintf(stderr, "%.*s\n", RAC_FMT(why));
        exit(1);
    }
    RAC_ASSERT(rac_store_session_new(*store, NULL, ses) == RAC_OK);
}

/* All due rows up to a time in pages; returns milliseconds. */
static double due(struct rac_store_session *ses, rac_ms to_ms, size_t *n)
{
    const struct rac_flow_store *w = rac_store_flows(ses);
    struct rac_arena a;
    struct rac_flow_due *v, last, *after = NULL;
    size_t got;
    rac_ms next;
    rac_arena_init(&a, 1 << 24);
    *n = 0;
    rac_ns from = rac_env_mono_ns(env);
    do {
        rac_arena_reset(&a);
        RAC_ASSERT(w->due_runs(w->self, after, to_ms, 1000, &a, &v, &got, &next) == RAC_OK);
        *n += got;
        if (got > 0) {
            last = v[got - 1];
            last.name = last.tenant = RAC_STR_NULL;
            after = &last;
        }
    } while (got == 1000);
    double ms = seconds(from) * 1e3;
    rac_arena_fini(&a);
    return ms;
}

static int64_t count(const char *dir, const char *sql)
{
    char file[256];
    sqlite3 *h;
    sqlite3_stmt *st;
    snprintf(file, sizeof file, "%s/raccord.db", dir);
    RAC_ASSERT(sqlite3_open_v2(file, &h, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
    RAC_ASSERT(sqlite3_prepare_v2(h, sql, -1, &st, NULL) == SQLITE_OK);
    RAC_ASSERT(sqlite3_step(st) == SQLITE_ROW);
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(h);
    return n;
}

/* A workflow with many runs goes, while one client goes on with another. */
static void purge(const char *dir, struct rac_store_session *ses, int64_t other)
{
    static double v[500];
    const struct rac_flow_store *w = rac_store_flows(ses);
    const struct rac_actor actor = {.at_ms = 1};
    int64_t key = 0, before = count(dir, "select count(*) from runs");
    rac_ns from = rac_env_mono_ns(env);
    w->flow_delete(w->self, RAC_DEFAULT_ID, RAC_S("waiting"), 0, &actor, saved, &key);
    while (rac_store_session_wait(ses))
        ;
    double ms = seconds(from) * 1e3;
    latency(ses, other, v, RAC_COUNT(v));
    while (count(dir, "select count(*) from flows where deleted_ms > 0") > 0)
        sqlite3_sleep(10);
    double s = seconds(from);
    printf(", \"delete_ms\": %.2f, \"beside_p50_ms\": %.2f, \"beside_p99_ms\": %.2f, "
           "\"purged\": %.0f",
           ms, percentile(v, RAC_COUNT(v), .5), percentile(v, RAC_COUNT(v), .99),
           (double)(before + (int64_t)RAC_COUNT(v) - count(dir, "select count(*) from runs")) / s);
}

static void million(const char *dir, struct rac_arena *a, int64_t waiting)
{
    struct rac_store *store;
    struct rac_store_session *ses;
    open_store(dir, a, &store, &ses);
    int64_t flow = make_flow(ses, "waiting");
    const struct client c = {store, flow, waiting / SESSIONS, 1800000000000, 400, 500};
    double rate = turns(&c, SESSIONS);
    rac_store_session_free(ses);
    rac_store_close(store);
    rac_ns from = rac_env_mono_ns(env);
    open_store(dir, a, &store, &ses);
    double open_ms = seconds(from) * 1e3;
    size_t none, some;
    double none_ms = due(ses, 1799999999999, &none);
    double some_ms = due(ses, 1800000000000 + 2499, &some);
    int64_t running = 0, waits = 0;
    const struct rac_flow_store *w = rac_store_flows(ses);
    RAC_ASSERT(w->open_count(w->self, flow, RAC_S("manual"), &running, &waits) == RAC_OK);
    printf("\"waiting\": %lld, \"waiting_made\": %.0f, \"open_ms\": %.1f, \"due_none_ms\": %.3f, "
           "\"due_n\": %zu, \"due_ms\": %.2f, \"pss_kib\": %lld",
           (long long)waits, rate, open_ms, none_ms, some, some_ms, (long long)memory_kib("Pss:"));
    purge(dir, ses, make_flow(ses, "other"));
    rac_store_session_free(ses);
    rac_store_close(store);
}

/* Leaves a data directory with that many runs that wait for years: for waiting.bench.mjs. */
static int leave_waiting(const char *dir, struct rac_arena *a, int64_t waiting)
{
    struct rac_store *store;
    struct rac_store_session *ses;
    open_store(dir, a, &store, &ses);
    const rac_ms years = INT64_C(10) * 365 * 86400 * 1000;
    const rac_ms due_ms = rac_env_wall_ms(env) + years;
    const struct client c = {store, make_flow(ses, "waiting"), waiting / SESSIONS, due_ms, 400,
                             500};
    printf("{\"waiting_made\": %.0f}\n", turns(&c, SESSIONS));
    rac_store_session_free(ses);
    rac_store_close(store);
    rac_arena_fini(a);
    return 0;
}

/* --- messages of batches --- */

enum { PARTITIONS = 1000, MESSAGE_BYTES = 100 };

struct sender {
    struct rac_store *store;
    struct rac_flow_row flow;
    int64_t from, to;
};

static void count_message(void *arg, const struct rac_commit *c)
{
    RAC_ASSERT(c->err == RAC_OK);
    ++*(int64_t *)arg;
}

static void *sender_main(void *arg)
{
    const struct sender *c = arg;
    struct rac_store_session *ses;
    RAC_ASSERT(rac_store_session_new(c->store, NULL, &ses) == RAC_OK);
    const struct rac_flow_store *w = rac_store_flows(ses);
    int64_t sent = c->from, got = c->from;
    while (got < c->to) {
        for (; sent < c->to && sent - got < 500; sent++) {
            char partition[16], id[24], content[MESSAGE_BYTES + 1];
            snprintf(partition, sizeof partition, "p%lld", (long long)(sent % PARTITIONS));
            snprintf(id, sizeof id, "%lld", (long long)sent);
            snprintf(content, sizeof content, "{\"n\":%lld,\"t\":\"%0*d\"}", (long long)sent, 80,
                     0);
            const struct rac_flow_message m = {.flow = c->flow.key,
                                               .tenant = RAC_DEFAULT_ID,
                                               .trigger = RAC_S("manual"),
                                               .batch = RAC_S("b"),
                                               .partition = rac_str_of(partition),
                                               .id = rac_str_of(id),
                                               .content = rac_str_of(content),
                                               .full = {8000, 83886080}};
            w->message_add(w->self, &m, count_message, &got);
        }
        rac_store_session_wait(ses);
    }
    rac_store_session_free(ses);
    return NULL;
}

static int leave_messages(const char *dir, struct rac_arena *a, int64_t n)
{
    struct rac_store *store;
    struct rac_store_session *ses;
    struct sender c[SESSIONS];
    struct rac_flow_row flow;
    pthread_t threads[SESSIONS];
    open_store(dir, a, &store, &ses);
    const struct rac_flow_store *w = rac_store_flows(ses);
    if (w->flow_find(w->self, RAC_DEFAULT_ID, RAC_DEFAULT_ID, RAC_S("collect"), RAC_FLOW_PLAIN, a,
                     &flow) != RAC_OK)
        return 1;
    rac_ns from = rac_env_mono_ns(env);
    for (int i = 0; i < SESSIONS; i++) {
        c[i] = (struct sender){store, flow, n * i / SESSIONS, n * (i + 1) / SESSIONS};
        RAC_ASSERT(pthread_create(&threads[i], NULL, sender_main, &c[i]) == 0);
    }
    for (int i = 0; i < SESSIONS; i++)
        pthread_join(threads[i], NULL);
    printf("{\"messages_made\": %.0f}\n", (double)n / seconds(from));
    rac_store_session_free(ses);
    rac_store_close(store);
    rac_arena_fini(a);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 4)
        return 2;
    struct rac_arena a;
    rac_arena_init(&a, 1 << 24);
    if (argc == 4)
        return strcmp(argv[3], "leave") == 0
                   ? leave_waiting(argv[1], &a, strtoll(argv[2], NULL, 10))
               : strcmp(argv[3], "messages") == 0
                   ? leave_messages(argv[1], &a, strtoll(argv[2], NULL, 10))
                   : 2;
    struct rac_store *store;
    struct rac_store_session *ses;
    memset(journal_bytes, 'j', sizeof journal_bytes);
    open_store(argv[1], &a, &store, &ses);
    int64_t flow = make_flow(ses, "bench");
    const struct client c = {store, flow, 10000, 0, JOURNAL, WINDOW};
    static double ours[2000], append[1000], over[1000];
    printf("{\"rounds\": [");
    for (int i = 0; i < ROUNDS; i++) { /* in turn: the disk's mood is the same for all */
        double rate = turns(&c, SESSIONS);
        raw(argv[1], true, append, RAC_COUNT(append));
        latency(ses, flow, ours, RAC_COUNT(ours));
        raw(argv[1], false, over, RAC_COUNT(over));
        printf("%s{\"turns\": %.0f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"append_p50_ms\": %.3f, "
               "\"over_p50_ms\": %.3f, \"over_p99_ms\": %.3f}",
               i ? ", " : "", rate, percentile(ours, RAC_COUNT(ours), .5),
               percentile(ours, RAC_COUNT(ours), .99), percentile(append, RAC_COUNT(append), .5),
               percentile(over, RAC_COUNT(over), .5), percentile(over, RAC_COUNT(over), .99));
        fflush(stdout);
    }
    struct rac_store_stats s;
    rac_store_stats(store, &s);
    rac_store_session_free(ses);
    rac_store_close(store);
    printf("], \"commits\": %llu, \"writes\": %llu, \"checkpoints\": %llu, ",
           (unsigned long long)s.commits_total, (unsigned long long)s.writes_total,
           (unsigned long long)s.checkpoints_total);
    million(argv[1], &a, argc > 2 ? strtoll(argv[2], NULL, 10) : 1000000);
    printf("}\n");
}
