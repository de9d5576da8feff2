/*
 * diag - what is wrong with something a user gave us: stable code, place, sentence, fix.
 *
 * A list of diagnostics is the answer of every reader, converter and checker (the "finding" of the
 * command-line contract). Everything lives in the arena the list was given. One thread.
 */
#ifndef RAC_BASE_DIAG_H
#define RAC_BASE_DIAG_H

#include "base/arena.h"
#include "base/base.h"

enum rac_severity { RAC_SEV_INFO, RAC_SEV_WARNING, RAC_SEV_ERROR };

struct rac_diag {
    const char *code; /* static or in the list's arena: "RC-JSON-01" */
    enum rac_severity severity;
    rac_str file;                  /* base name of the file it stands in; absent: the main file */
    rac_str pointer;               /* JSON pointer; absent when there is none */
    uint32_t line, column;         /* 1-based, in characters; 0 unknown */
    uint32_t end_line, end_column; /* one past the last character; 0 unknown */
    rac_str message;               /* one sentence: what is wrong */
    rac_str fix; /* one sentence: what to do; absent when there is nothing to add */
};

struct rac_diags {
    struct rac_arena *a;
    struct rac_diag *v;
    size_t n, cap;
    size_t n_max;      /* further ones are counted in dropped_total and not kept */
    size_t text_bytes; /* of what rac_diags_charge was told */
    size_t errors_total, warnings_total, dropped_total;
};

void rac_diags_init(struct rac_diags *d, struct rac_arena *a, size_t n_max);
/* Adds a copy of *diag (strings are kept by reference: static or in d->a). Returns the stored one,
 * for the caller to complete; NULL once n_max is reached. d may be NULL: nothing happens. */
struct rac_diag *rac_diags_add(struct rac_diags *d, const struct rac_diag *diag);
/*
 * Counts the bytes of texts made for the diagnostics of the list. A hostile file has a name of half
 * a megabyte, and a thousand findings below it: past RAC_DIAGS_TEXT_BYTES_MAX no more are kept.
 */
enum { RAC_DIAGS_TEXT_BYTES_MAX = 16 << 20 };
void rac_diags_charge(struct rac_diags *d, size_t bytes);
/* False when the next one would not be kept, so that its text need not be made. d may be NULL. */
static inline bool rac_diags_has_room(const struct rac_diags *d)
{
    return d != NULL && d->n < d->n_max;
}
/* The common case: message printed into the arena. */
struct rac_diag *rac_diags_addf(struct rac_diags *d, const char *code, enum rac_severity severity,
                                const char *fmt, ...) RAC_PRINTF(4, 5);
const char *rac_severity_name(enum rac_severity s); /* "error", "warning", "info" */

#endif
