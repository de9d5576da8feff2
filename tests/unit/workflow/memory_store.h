/*
 * memory_store - what workflow/store.h asks for, in memory, for tests of the engine and of the
 * scheduler: runs, journals, triggers. Writes are answered when the test says so; some can be made
 * to fail.
 */
#ifndef RAC_TEST_MEMORY_STORE_H
#define RAC_TEST_MEMORY_STORE_H

#include "base/env.h"
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

struct memory_trigger {
    int64_t flow;
    char *tenant, *name, *state, *status, *secret;
    rac_ms due_ms, last_ms;
    int64_t calls;
};

struct memory_part { /* of a batch, by id */
    int64_t id, flow, last, through;
    char *batch, *partition;
    bool ready;
};
struct memory_message {
    int64_t part, number;
    rac_ms at_ms;
    char *id, *content;
};

struct memory_store {
    struct rac_flow_store port;
    const struct rac_env *env; /* when messages come; NULL: at once */
    struct memory_part *parts;
    size_t parts_n;
    int64_t parts_total;
    struct memory_message *messages;
    size_t messages_n, messages_total;
    uint64_t ready_counter;
    struct memory_trigger *triggers;
    size_t triggers_n;
    size_t events_total, due_reads_total;
    char event_status[16];   /* of the newest */
    size_t event_bytes_most; /* outputs of the largest */
    struct memory_run *runs;
    size_t runs_n;
    struct memory_value {
        char digest[65];
        char *p;
        size_t n;
    } * values;
    size_t values_n;
    struct memory_commit *queue, **queue_end;
    size_t waiting, waiting_most, turns_total;
    size_t turn_bytes_most, turn_values_total; /* the largest turn; values of all of them */
    /* Asked for each turn: RAC_OK, or the error it ends with (nothing is written then). */
    rac_err (*fault)(void *arg);
    void *fault_arg;
    rac_err (*save_fault)(void *arg); /* the same for saves of triggers */
    void *save_fault_arg;
};

struct memory_store *memory_store_new(void);
void memory_store_free(struct memory_store *s);
/* Writes and answers the oldest waiting turn; false: none waits. */
bool memory_store_deliver(struct memory_store *s);
/* A crash: the first `written` of what waits became durable all the same, nobody heard of it; the
 * rest is gone. Those who asked are told RAC_E_CANCELLED, so that they can free what they hold. */
void memory_store_crash(struct memory_store *s, size_t written);
/* As a save of the workflow does: the trigger is due at that time. */
void memory_store_attend(struct memory_store *s, rac_str tenant, int64_t flow, const char *trigger,
                         rac_ms at_ms);
/* As messages do: due now, and whoever saves what it read before sees that. */
void memory_store_call(struct memory_store *s, rac_str tenant, int64_t flow, rac_str trigger,
                       rac_ms at_ms);
struct memory_trigger *memory_store_trigger(struct memory_store *s, int64_t flow, rac_str trigger);
struct memory_run *memory_store_run(struct memory_store *s, int64_t flow, rac_str name);

/* memory_batches.c: what writes do to batches */
void memory_message_put(struct memory_store *s, const struct rac_flow_message *m);
bool memory_release_is_there(const struct memory_store *s, const struct rac_flow_release *r);
void memory_release_put(struct memory_store *s, rac_str tenant, const struct rac_flow_release *r);
int64_t memory_mark(struct memory_store *s, const struct rac_flow_mark *m);
struct memory_drop {
    int64_t flow, part, through;
};
void memory_drop(struct memory_store *s, const struct memory_drop *d, struct rac_commit *out);
void memory_batches_port(struct rac_flow_store *p);
void memory_batches_free(struct memory_store *s);

#endif
