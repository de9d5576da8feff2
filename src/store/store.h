/*
 * store - the SQLite store: one data directory, one writer thread, readers of their own.
 *
 * main opens it once and makes one session per worker (or command); a session gives the ports
 * connector/store.h, iam/store.h and workflow/store.h. Only this room touches the database.
 *
 *     rac_store_open(&(struct rac_store_options){.dir = RAC_S("data"), .env = &env}, &a, &st,
 * &why); rac_store_session_new(st, &loop, &ses); rac_store_connectors(ses)->connector_get(...)
 *
 * Threads: open and close from one thread; a session from the thread that uses it. The writer and
 * the checkpointer are its own. See docs/internals/store.md.
 */
#ifndef RAC_STORE_STORE_H
#define RAC_STORE_STORE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/env.h"
#include "connector/store.h"
#include "iam/store.h"
#include "workflow/definition/artifact.h"
#include "workflow/store.h"

struct rac_store;
struct rac_store_session;

struct rac_store_options {
    rac_str dir;      /* created (mode 0700) when it is not there */
    rac_str key_file; /* master key; absent: DIR/master.key, created at the first start */
    const struct rac_env *env;
    size_t queue_max;        /* writes waiting; 0: 8192 */
    size_t reader_cache_kib; /* page cache of each session; 0: 512 */
    size_t writer_cache_kib; /* 0: 2048 */
    int64_t wal_pages_max;   /* WAL length at which the writer folds it in itself; 0: 50000 */
    rac_ms deleted_keep_ms;  /* how long deleted connectors are recoverable; 0: 30 days */
    rac_ms audit_keep_ms;    /* how long entries of the audit log stay; 0: for ever */
    const char *vfs;         /* tests: name of a SQLite VFS; NULL: the system's */
};
/*
 * Takes the lock, checks the key, applies missing migrations, starts the threads. *why: a sentence
 * for people, in a, when it fails: RAC_E_BUSY (another process has the directory), RAC_E_DENIED
 * (the master key does not match, is missing, or is readable by others), RAC_E_CORRUPT,
 * RAC_E_UNSUPPORTED (written by a newer version), RAC_E_FULL, RAC_E_IO.
 */
rac_err rac_store_open(const struct rac_store_options *o, struct rac_arena *a,
                       struct rac_store **out, rac_str *why) RAC_MUST_CHECK;
/* Waits for the writes that were accepted, stops the threads, folds the WAL in. Sessions must be
 * gone. */
void rac_store_close(struct rac_store *s);
bool rac_store_is_fresh(const struct rac_store *s); /* this open created it */

/* The loop of the session's thread. post: run fn(arg) there, soon; called from the writer thread,
 * at most once per batch and session; must not fail. */
struct rac_store_loop {
    void (*post)(void *self, void (*fn)(void *arg), void *arg);
    void *self;
};
/* loop NULL: nobody is told; the owner calls rac_store_session_wait (commands, tests). */
rac_err rac_store_session_new(struct rac_store *s, const struct rac_store_loop *loop,
                              struct rac_store_session **out) RAC_MUST_CHECK;
void rac_store_session_free(struct rac_store_session *ses); /* waits for its writes; answers them */
const struct rac_connector_store *rac_store_connectors(struct rac_store_session *ses);
const struct rac_iam_store *rac_store_iam(struct rac_store_session *ses);
const struct rac_flow_store *rac_store_flows(struct rac_store_session *ses);
const struct rac_artifact_store *rac_store_artifacts(struct rac_store_session *ses);

/* Without a loop: blocks until at least one answer is there and calls the done functions of all
 * that are. False: no write is under way. */
bool rac_store_session_wait(struct rac_store_session *ses);

/* For /readyz and /metrics. Any thread. */
struct rac_store_stats {
    uint64_t commits_total, writes_total, checkpoints_total;
    uint64_t queue_n, queue_max_seen;
    int64_t wal_pages;
    rac_err state; /* RAC_OK; RAC_E_FULL, RAC_E_IO: the last commit failed so */
};
void rac_store_stats(struct rac_store *s, struct rac_store_stats *out);

/* New data keys for every tenant, all records sealed anew; new_master: a new master key as well,
 * which replaces the file. Opens the store itself, so no server may be running on it. Blocking. */
rac_err rac_store_rotate(const struct rac_store_options *o, bool new_master, struct rac_arena *a,
                         int64_t *records_n, rac_str *why) RAC_MUST_CHECK;

/* A consistent copy of the database while it is in use, written to file (which must not exist, and
 * has its name only once it is whole). Reads only: a session is not needed. The master key is not
 * in it. RAC_E_EXISTS, RAC_E_BUSY (another one writes this file), RAC_E_FULL, RAC_E_NOT_FOUND,
 * RAC_E_IO. Blocking. */
rac_err rac_store_backup(rac_str dir, rac_str file, struct rac_arena *a,
                         rac_str *why) RAC_MUST_CHECK;
/* Puts a backup into dir, which must be empty or absent, but for a master key and what a restore
 * that was cut off left. Verifies it first: RAC_E_INVALID (not ours), RAC_E_UNSUPPORTED (newer),
 * RAC_E_CORRUPT (cut short, damaged, other tables than ours). Blocking. */
rac_err rac_store_restore(rac_str file, rac_str dir, struct rac_arena *a,
                          rac_str *why) RAC_MUST_CHECK;

#endif
