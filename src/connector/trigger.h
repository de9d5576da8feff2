/*
 * trigger - polling by policy (connectors.md §7.1): what the next poll sends, what its answer
 * means.
 *
 * Pure: the state is a JSON value that whoever polls keeps and hands back, {"query": {name: text}}.
 * Poll 1 establishes it and yields no events; poll n sends the operation with the stored values
 * laid over its query parameters, and an array at triggerDataPath that is not empty is its events,
 * newest first, from whose element 0 the next state is computed.
 */
#ifndef RAC_CONNECTOR_TRIGGER_H
#define RAC_CONNECTOR_TRIGGER_H

#include "base/arena.h"
#include "connector/connector.h"
#include "json/json.h"

enum {
    RAC_TRIGGER_EVENTS_MAX = 100000, /* of one answer; more is RC-RUN-09 */
    RAC_TRIGGER_PAGES_MAX = 50,      /* followed per poll */
};

/* Is the operation polled by a pollingtrigger policy? */
bool rac_trigger_is_polled(const struct rac_op *op);

/*
 * Arguments of the next poll: those of the trigger with the stored values over them. Values for
 * query keys that the operation does not declare come out in *extra, an object, to be set on the
 * request's query. state: NULL or NONE at poll 1.
 */
struct rac_json rac_trigger_arguments(const struct rac_op *op, const struct rac_json *arguments,
                                      const struct rac_json *state, struct rac_arena *a,
                                      struct rac_json *extra);

struct rac_trigger_events {
    struct rac_json events; /* array, in the order of the answer; empty: no run */
    struct rac_json state;  /* to keep once the runs are durable */
    rac_str next_page;      /* absolute URL, or absent */
    rac_str problem;        /* why the answer cannot be used, or absent */
    const char *code;       /* RC-RUN-08, RC-RUN-09 of the problem */
};
/* body: the answer, parsed; url: the one asked. state as above: NULL at poll 1. */
void rac_trigger_answer(const struct rac_op *op, const struct rac_json *body, rac_str url,
                        const struct rac_json *state, struct rac_arena *a,
                        struct rac_trigger_events *out);

/* body with the events of several pages where its own are; a body whose place is not named by
 * members alone stays as it is. */
struct rac_json rac_trigger_with(const struct rac_op *op, const struct rac_json *body,
                                 const struct rac_json *events, struct rac_arena *a);

/* Events of an answer or a notification without a policy (§7.1 single, batch): single the whole
 * body; batch the root array, else `value`, else the only array property. */
void rac_trigger_split(enum rac_trigger kind, const struct rac_json *body, struct rac_arena *a,
                       struct rac_trigger_events *out);

#endif
