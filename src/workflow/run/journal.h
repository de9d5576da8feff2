/*
 * journal - what a run did, as bytes: entries in the order in which they happened.
 *
 * The journal is the truth: a run's state is the fold of its entries (run.h), made live or after a
 * restart by the same function, and history is read from it (history.h). Nothing else knows the
 * bytes. A piece is what one turn of a run appends; it can be read knowing nothing but the pieces
 * before it (frames are numbered in the order of their entries).
 *
 * Bytes: a piece starts with the version of the format and a time in ms; then entries, each a kind,
 * numbers as varints, times as differences to the time before, values as compact JSON text. A value
 * over RAC_JOURNAL_INLINE_MAX is handed out beside the piece, under its SHA-256. Codes that are
 * common are numbers (codes.def: append only). Kinds and tags keep their numbers for ever.
 */
#ifndef RAC_WORKFLOW_JOURNAL_H
#define RAC_WORKFLOW_JOURNAL_H

#include "base/buf.h"
#include "json/json.h"
#include "workflow/definition/plan.h"
#include "workflow/store.h"

enum { RAC_JOURNAL_VERSION = 1, RAC_JOURNAL_INLINE_MAX = 16384 };

enum rac_entry_kind {
    RAC_ENTRY_RUN = 1,   /* first of all: seed, inputs and outputs of the trigger, extra: facts */
    RAC_ENTRY_FRAME,     /* a graph begins: graph, index; frame and action: its owner */
    RAC_ENTRY_STARTED,   /* inputs; extra: what a loop goes over */
    RAC_ENTRY_PROGRESS,  /* of an action under way; extra: its state */
    RAC_ENTRY_REQUEST,   /* it sent something; extra: {request, response?, error?}; outputs: body
                          * answered; reason: RAC_RUN_REQUEST_* */
    RAC_ENTRY_ENDED,     /* status, code, error, outputs; with start_ms also began now */
    RAC_ENTRY_SKIPPED,   /* reason, other */
    RAC_ENTRY_FRAME_END, /* status; frame: which */
    RAC_ENTRY_VARIABLE,  /* index; reason: enum rac_variable_op; code: name, extra: value */
    RAC_ENTRY_RESPONSE,  /* extra: {statusCode, headers?, body?}; frame, action: who answered */
    RAC_ENTRY_CLOSED,    /* cancelled, timed out, terminated: everything open ends (status, code) */
    RAC_ENTRY_RUN_END,   /* status, code, error, outputs */
    RAC_ENTRY_CALLER,    /* whoever waited for a Response no longer does */
};
enum rac_variable_op { RAC_VARIABLE_INIT, RAC_VARIABLE_SET, RAC_VARIABLE_APPEND };

enum { /* frame of the root's owner */
       RAC_NO_FRAME = UINT32_MAX
};

enum rac_value_kind {
    RAC_VALUE_NONE,
    RAC_VALUE_TEXT,   /* JSON text; written from v */
    RAC_VALUE_DIGEST, /* kept beside */
    RAC_VALUE_SAME,   /* outputs that are the inputs */
};
struct rac_entry_value {
    uint8_t kind;      /* enum rac_value_kind */
    struct rac_json v; /* live: the value */
    rac_str text;      /* read: TEXT, in the piece */
    uint8_t digest[32];
    uint64_t size; /* of the text */
};

struct rac_entry {
    enum rac_entry_kind kind;
    uint32_t frame, action; /* number of a frame; place of an action in the plan */
    uint32_t graph, index;
    rac_ms at_ms, start_ms; /* start_ms 0: not said */
    enum rac_wf_status status;
    uint8_t reason; /* enum rac_skip; enum rac_variable_op */
    uint32_t other; /* SKIPPED: the action it is because of */
    enum rac_wf_status other_status;
    rac_str code;
    uint8_t seed[16]; /* RUN */
    struct rac_entry_value inputs, outputs, error, extra;
};

/* --- writing: one piece at a time; the writer is reused --------------------------------------- */

/* Large values of one run that were put aside, by what they are made of: the last few. Zeroed to
 * begin with. */
struct rac_journal_large {
    const void *at; /* text, array or object */
    size_t n;
    uint8_t digest[32];
    uint64_t size;
};
struct rac_journal_known {
    struct rac_journal_large v[16];
    unsigned next;
};

struct rac_journal_writer {
    struct rac_buf b;
    /* Of the run whose entry is written, when its values will not change and stay where they are:
     * what is known is neither printed nor kept again. NULL: others'. */
    struct rac_journal_known **known; /* made in known_a when there is something to know */
    struct rac_arena *known_a;
    rac_ms last_ms;
    struct rac_flow_value *values;
    size_t values_n, values_cap;
    struct rac_arena a; /* texts of values */
    size_t printed;     /* bytes of values since the last clear; of those kept once, each time they
                         * are printed */
};
void rac_journal_writer_init(struct rac_journal_writer *w, size_t bytes_max);
void rac_journal_writer_fini(struct rac_journal_writer *w);
void rac_journal_writer_clear(struct rac_journal_writer *w);
/* Values of kind TEXT are written from v; which of them became digests is told in e. A large value
 * that stands there already is not kept twice. */
void rac_journal_write(struct rac_journal_writer *w, struct rac_entry *e);
/* Empty when nothing was written since the last clear. Valid until the next write or clear. */
rac_str rac_journal_piece(const struct rac_journal_writer *w);

/* --- reading ---------------------------------------------------------------------------------- */

struct rac_journal_reader {
    const char *p, *end;
    rac_ms last_ms;
    bool broken;
};
void rac_journal_reader_init(struct rac_journal_reader *r, rac_str piece);
/* False at the end, or with r->broken when the bytes are none of ours. *e borrows the piece. */
bool rac_journal_read(struct rac_journal_reader *r, struct rac_entry *e);

/* --- codes ------------------------------------------------------------------------------------ */

/* A code of codes.def as the static text it stands for; NULL: it is none of them. */
const char *rac_journal_code(rac_str code);

#endif
