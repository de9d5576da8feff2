/*
 * store_priv - what the files of this room share: the store, a session, a write on its way.
 */
#ifndef RAC_STORE_SQLITE_STORE_PRIV_H
#define RAC_STORE_SQLITE_STORE_PRIV_H

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/seal.h"
#include "store/sqlite/db.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    RAC_STORE_MAGIC = 0x52535431,
    RAC_SESSION_MAGIC = 0x52535332,
    RAC_BATCH_ROWS_MAX = 1024,            /* writes in one transaction */
    RAC_BATCH_NS_MAX = 4 * 1000000,       /* and the time spent on them */
    RAC_CHECKPOINT_PAGES = 4000,          /* pages not folded in that wake the checkpointer */
    RAC_CHECKPOINT_RESTART_PAGES = 16000, /* WAL length at which the writer folds in the rest, */
    RAC_CHECKPOINT_REST_PAGES = 1000,     /* when there is no more left than this */
    RAC_CHECKPOINT_FORCE_PAGES = 50000,   /* and at which it does so however much is left, */
    RAC_CHECKPOINT_WAIT_MS = 20,          /* waiting this long for readers, */
    RAC_CHECKPOINT_RETRY_MS = 1000,       /* and again after this long when they did not end */
    RAC_PROBE_MS = 2000,                  /* a store that failed to write tries again this often */
    RAC_PROBE_BYTES = 64 << 10,           /* with this much */
    RAC_PURGE_EVERY_S = 3600,
    RAC_PURGE_PAUSE_MS = 25,         /* between bites of what is removed, when others write */
    RAC_PURGE_NS_MAX = 1000000,      /* how long a bite takes */
    RAC_WRITE_ARENA_MAX = 256 << 20, /* copies of one request; definitions are capped far below */
};

struct rac_write;

/* Does the change, inside a savepoint: anything but RAC_OK undoes it and is the answer. Writes w's
 * commit, whose strings live in w's arena. On the writer's thread. */
typedef rac_err (*rac_apply_fn)(struct rac_store *s, struct rac_write *w);

/* What is removed in bites, after the commit of whoever left it and once an hour. */
enum {
    RAC_LEFT_OF_FLOWS = 1, /* runs and the rest of deleted workflows */
    RAC_LEFT_OF_OLD = 2,   /* deleted connectors, entries of the audit log, whose time is over */
};

struct rac_write {
    struct rac_write *next;
    struct rac_store_session *session; /* NULL: the store's own */
    struct rac_arena a;                /* the request's copy and the answer */
    rac_apply_fn apply;
    const void *req; /* in a */
    rac_str tenant;
    struct rac_actor actor;
    unsigned touches; /* RAC_TOUCH_*: counters to move when it is committed; RAC_APPLY_WHOLE */
    bool wrote;       /* RAC_APPLY_WHOLE: set by apply before its first row is written */
    unsigned again;   /* set by apply: once committed, a bite of what is left goes, RAC_LEFT_* */
    rac_commit_fn done;
    /* Instead of done, on the session's thread: answers of another form. */
    void (*finish)(struct rac_store_session *ses, struct rac_write *w);
    void *finish_fn; /* the caller's function, for finish */
    void *arg;
    struct rac_commit commit;
};

enum {
    RAC_TOUCH_CONNECTORS = 1,
    RAC_TOUCH_CONNECTIONS = 2,
    RAC_TOUCH_IAM = 4,
    RAC_TOUCH_FLOWS = 8,
    RAC_TOUCH_READY = 32, /* a part of a batch became ready */
    /* apply refuses only before it has written anything: no savepoint. A failure after that fails
     * the transaction, and everybody in it is done again alone. */
    RAC_APPLY_WHOLE = 16,
};

struct rac_store {
    uint32_t magic;
    const struct rac_env *env;
    char *dir, *file; /* file: the database */
    const char *vfs;
    struct rac_keyring *keys;
    int lock_fd;
    bool fresh;
    size_t reader_cache_kib, queue_max;
    rac_ms deleted_keep_ms, audit_keep_ms; /* of struct rac_store_options */
    _Atomic uint64_t connectors_counter, connections_counter, iam_counter, flows_counter,
        ready_counter;

    struct rac_db db; /* the writer's, once it runs */
    /* Of the writer: numbers not given yet; 0: not known yet. */
    int64_t flow_next, run_next, part_next;
    int64_t wal_pages_max;
    rac_ns checkpoint_at; /* of the writer: no forced checkpoint before */
    pthread_t writer, checkpointer;

    /* Everything below is under lock; held for a few instructions at a time, never during I/O. */
    pthread_mutex_t lock;
    pthread_cond_t wake_writer, wake_checkpointer;
    struct rac_write *head, **tail;
    size_t queue_n;
    bool stopping, checkpoint_wanted;
    unsigned purge_wanted; /* RAC_LEFT_* */
    int64_t wal_folded;    /* pages of the WAL that are in the database already */
    struct rac_store_stats stats;
};

struct rac_store_session {
    uint32_t magic;
    struct rac_store *s;
    struct rac_db db;
    struct rac_store_loop loop;
    bool has_loop;
    struct rac_row_cache *rows; /* connector_rows.c; NULL until first used */
    struct rac_connector_store connectors;
    struct rac_iam_store iam;
    struct rac_flow_store flows;
    struct rac_artifact_store artifacts;

    pthread_mutex_t lock; /* the fields below */
    pthread_cond_t answered;
    struct rac_write *done_head, **done_tail; /* in the order of commits */
    size_t in_flight;
    bool posted;
};

static inline struct rac_store_session *rac_session(void *self)
{
    return RAC_CAST(self, struct rac_store_session, RAC_SESSION_MAGIC);
}

/* --- writing (writer.c, session.c) --- */

/* A write of the session with a copy of the actor; fill req from w->a, then submit. */
struct rac_write *rac_write_new(struct rac_store_session *ses, rac_apply_fn apply, rac_str tenant,
                                const struct rac_actor *actor, unsigned touches, rac_commit_fn done,
                                void *arg);
#define RAC_WRITE_REQ(w, type) ((type *)(w)->req)
/* Takes w. Answers later, whatever happens. */
void rac_write_submit(struct rac_write *w);
/* The same, answered with e without reaching the writer: sealing failed, a value is not allowed. */
void rac_write_refuse(struct rac_write *w, rac_err e, const char *why);
/* Sets the sentence of the answer; returns e. */
rac_err rac_write_fail(struct rac_write *w, rac_err e, const char *why);
/* Hands a list of writes to their sessions, each session's at once. Writer thread. */
void rac_write_answer(struct rac_write *list);
void rac_write_free(struct rac_write *w);

rac_err rac_writer_start(struct rac_store *s) RAC_MUST_CHECK;
void rac_writer_stop(struct rac_store *s);
/* RAC_OK takes w; RAC_E_BUSY, RAC_E_CANCELLED leave it to the caller. */
rac_err rac_writer_push(struct rac_store *s, struct rac_write *w) RAC_MUST_CHECK;

/* One line of the audit log, in the transaction of what it tells. */
rac_err rac_audit(struct rac_store *s, struct rac_write *w, const char *action, const char *kind,
                  rac_str resource, int64_t revision) RAC_MUST_CHECK;
/* 0 in RAC_OK; expected 0: whatever. RAC_E_CONFLICT with the answer's version set. */
rac_err rac_check_version(struct rac_write *w, int64_t expected, int64_t actual) RAC_MUST_CHECK;

/* After a change of who sees what: takes the connections of those who can no longer see the
 * connector, gives them back to those who can again. Of one connector, of one user or the members
 * of one team, or (both absent) of all. The answer's impact says how many it was. */
rac_err rac_access_settle(struct rac_store *s, struct rac_write *w, rac_str connector,
                          rac_str who) RAC_MUST_CHECK;

/* --- sealing: place is table and row --- */

rac_err rac_store_seal(struct rac_store *s, rac_str tenant, const char *table, rac_str row,
                       rac_str plain, struct rac_arena *a, rac_str *sealed) RAC_MUST_CHECK;
rac_err rac_store_unseal(struct rac_store *s, rac_str tenant, const char *table, rac_str row,
                         rac_str sealed, struct rac_arena *a, rac_str *plain) RAC_MUST_CHECK;
/* Several texts, absent ones included, as one. Unpacked ones are slices of packed. */
rac_str rac_pack(struct rac_arena *a, const rac_str *v, size_t n);
bool rac_unpack(rac_str packed, rac_str *v, size_t n);
/* A data key for a tenant, inside the open transaction. */
rac_err rac_store_add_key(struct rac_store *s, rac_str tenant, rac_ms now_ms,
                          struct rac_arena *a) RAC_MUST_CHECK;

/* Where the master key of these options is. */
rac_str rac_store_key_file(const struct rac_store_options *o, struct rac_arena *a);

/* --- small helpers --- */

rac_str rac_copy(struct rac_arena *a, rac_str s); /* keeps absent absent */
/* "\nid1\nid2\n", how lists of ids reach a statement. */
rac_str rac_id_list(struct rac_arena *a, rac_str first, const rac_str *v, size_t n);
size_t rac_page_size(size_t n_max);

/* --- the ports, filled by the files that implement them --- */

void rac_connector_rows_port(struct rac_connector_store *p);
void rac_connection_rows_port(struct rac_connector_store *p);
void rac_oauth_rows_port(struct rac_connector_store *p);
void rac_iam_rows_port(struct rac_iam_store *p);
void rac_flow_rows_port(struct rac_flow_store *p);
void rac_trigger_rows_port(struct rac_flow_store *p);
void rac_run_rows_port(struct rac_flow_store *p);
void rac_batch_rows_port(struct rac_flow_store *p);
void rac_artifact_rows_port(struct rac_artifact_store *p);
/* A new tenant with its key, subscription and group, inside a transaction. */
rac_err rac_tenant_insert(struct rac_store *s, rac_str id, rac_str name, rac_ms now_ms,
                          struct rac_arena *a) RAC_MUST_CHECK;
void rac_row_cache_free(struct rac_row_cache *rows);
/* The administrator of a fresh store. */
rac_err rac_iam_seed(struct rac_store *s, rac_ms now_ms, struct rac_arena *a) RAC_MUST_CHECK;
/* Removes connectors deleted long ago and consents nobody finished. */
rac_err rac_purge_apply(struct rac_store *s, struct rac_write *w);
rac_ns rac_store_now_ns(void); /* monotonic; how long something took, never what is stored */

/* Removes a bite of what deleted workflows left; w->again while there is more. */
rac_err rac_flow_purge_apply(struct rac_store *s, struct rac_write *w);

/* --- rows of workflows, between the files that keep them --- */

rac_err rac_trigger_put(struct rac_store *s, const struct rac_flow_trigger_row *t) RAC_MUST_CHECK;
/* Its texts, into a; not the secret, which is sealed where it is saved. */
void rac_trigger_copy(struct rac_arena *a, struct rac_flow_trigger_row *t);
/* Around the removal of many runs: pages that become free are not written over with zeros, which
 * would be as much work as writing them was. What is left of a page that stays is. */
void rac_drops_begin(struct rac_store *s);
void rac_drops_end(struct rac_store *s);
/* One run with everything it has; an open one only if open_too. *n (may be NULL) grows by one if it
 * was there. */
rac_err rac_run_drop(struct rac_store *s, int64_t flow, int64_t id, bool open_too,
                     int64_t *n) RAC_MUST_CHECK;
/* Rows of due lists, at most page. Ends r. */
rac_err rac_due_rows(struct rac_db_rows *r, size_t page, struct rac_arena *a,
                     struct rac_flow_due **v, size_t *n) RAC_MUST_CHECK;
/* How statuses reach a statement; absent when there are none. */
rac_str rac_status_list(struct rac_arena *a, const rac_str *v, size_t n);

/* --- batches, with what they come and go with (batch_rows.c) --- */

rac_err rac_message_put(struct rac_store *s, struct rac_write *w,
                        const struct rac_flow_message *m) RAC_MUST_CHECK;
void rac_message_copy(struct rac_arena *a, struct rac_flow_message *m); /* its texts, into a */
/* Whether its messages are there; before anything is written. */
rac_err rac_release_check(struct rac_store *s, struct rac_write *w,
                          const struct rac_flow_release *r) RAC_MUST_CHECK;
rac_err rac_release_put(struct rac_store *s, struct rac_write *w,
                        const struct rac_flow_release *r) RAC_MUST_CHECK;
const struct rac_flow_release *rac_release_copy(struct rac_arena *a,
                                                const struct rac_flow_release *r); /* NULL: none */
/* A bite of what a deleted workflow left waiting; *n: 0 when there was nothing. */
rac_err rac_batch_purge(struct rac_store *s, int64_t flow, size_t *n) RAC_MUST_CHECK;

/* --- the directory (lockfile.c) --- */

#define RAC_STORE_PART "raccord.db.part" /* a restore that is not at its end */

/* RAC_E_BUSY with a sentence naming the process that has it. */
rac_err rac_lockfile_take(rac_str dir, struct rac_arena *a, int *fd, rac_str *why) RAC_MUST_CHECK;
void rac_lockfile_drop(int fd);
rac_err rac_dir_create(rac_str dir, struct rac_arena *a, rac_str *why) RAC_MUST_CHECK;
bool rac_dir_sync(rac_str dir, struct rac_arena *a);

#endif
