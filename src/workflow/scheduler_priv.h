/* scheduler_priv - a trigger being attended, for the files of scheduler. */
#ifndef RAC_WORKFLOW_SCHEDULER_PRIV_H
#define RAC_WORKFLOW_SCHEDULER_PRIV_H

#include "base/mem.h"
#include "workflow/ident.h"
#include "workflow/scheduler.h"

enum { SCHEDULER_MAGIC = 0x73636864, ATTENDANCE_BYTES_MAX = 256 << 20 };

struct rac_scheduler {
    uint32_t magic;
    struct rac_scheduler_ports ports;
    struct rac_namer namer;
    rac_ms started_ms; /* what was due before was missed */
    struct attendance *under_way;
    size_t under_way_n;
    bool draining;
};

/*
 * From the moment a trigger is found due until its new state is durable. Its state, a JSON object:
 * "anchor" digest of the recurrence it was activated with, "activated" when, "fired" how often,
 * "next" occurrence, "window" begin of the last window, "inputs" digest of what it asks for,
 * "location" where a poll goes on, "subscription" {"inputs", "location"}.
 */
struct attendance {
    struct rac_scheduler *s;
    struct attendance *next;
    struct rac_arena a;
    int64_t flow_key;
    rac_str trigger_name;
    struct rac_flow_trigger_row row; /* becomes what is saved */
    struct rac_json state;
    struct rac_flow *flow; /* a reference, once loaded */
    bool deleted;
    const struct rac_flow_trigger *trigger; /* NULL: the workflow has no such trigger any more */
    bool notified, notified_again;          /* a notification trigger was called */
    rac_ms now_ms;
    struct rac_recurrence recurrence;
    rac_str inputs; /* digest */
    rac_str old_location;
    bool had_subscription;
};

void attend(struct attendance *t); /* scheduler_attend.c; ends by one of the two below */
/* Saves state and row, with history; then it is over. */
void attendance_keep(struct attendance *t, const struct rac_flow_event_row *event);
/* It is over; the next look after so many ms. */
void attendance_end(struct attendance *t, int64_t again_ms);

#endif
