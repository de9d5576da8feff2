/*
 * memory_store - what workflow/store.h asks for, in memory, for tests of the engine: runs and
 * journals. Writes are answered when the test says so; some can be made to fail.
 */
#ifndef RAC_TEST_MEMORY_STORE_H
#define RAC_TEST_MEMORY_STORE_H

#include "workflow/store.h"

struct memory_run {
    int64_t id, flow;
    char *name, *revision, *trigger, *status, *code, *error, *tracking, *correlation;
    rac_ms start_ms, end_ms, due_ms;
    struct memory_piece {
        char *p;
        size_t n;
    } * pieces;
    size_t pieces_n;
    unsigned creates; /* asked for under this name: 1 */
};

struct memory_store {
    struct rac_flow_store port;
    struct memory_run *runs;
    size_t runs_n;
    struct memory_value {
        char digest[65];
        char *p;
        size_t n;
    } * values;
    size_t values_n;
    struct memory_commit *queue, **queue_end;
    size_t waiting, turns_total;
    /* Asked for each turn: RAC_OK, or the error it ends with (nothing is written then). */
    rac_err (*fault)(void *arg);
    void *fault_arg;
};

struct memory_store *memory_store_new(void);
void memory_store_free(struct memory_store *s);
/* Writes and answers the oldest waiting turn; false: none waits. */
bool memory_store_deliver(struct memory_store *s);
/* A crash: the first `written` of what waits became durable all the same, nobody heard of it; the
 * rest is gone. Those who asked are told RAC_E_CANCELLED, so that they can free what they hold. */
void memory_store_crash(struct memory_store *s, size_t written);
struct memory_run *memory_store_run(struct memory_store *s, int64_t flow, rac_str name);

#endif
