/*
 * zip - reading packages somebody sent us, and writing ours.
 *
 * A zip is read whole from memory, every entry unpacked into the arena, under caps on number,
 * sizes and ratio that are checked on the bytes really unpacked, not on what the directory claims.
 * Names are refused when they could leave a folder. Unpacking takes time: call from the blocking
 * pool or a command, not from a worker's loop.
 */
#ifndef RAC_TEXT_ZIP_H
#define RAC_TEXT_ZIP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/str.h"

struct rac_zip_limits {
    size_t entries_max;     /* 0: 1024 */
    size_t entry_bytes_max; /* unpacked; 0: 64 MiB */
    size_t total_bytes_max; /* unpacked, all entries; 0: 128 MiB */
    unsigned ratio_max;     /* unpacked : packed of an entry beyond 1 MiB; 0: 200 */
    bool foreign_names;     /* also "a\\b" for "a/b" and "./a" for "a", as some tools write them;
                               without what macOS puts beside each file */
};

struct rac_zip_entry {
    rac_str name;  /* "dir/file.json": UTF-8, "/" between parts, no "..", not absolute */
    rac_str bytes; /* unpacked */
};

/*
 * Folders are left out. RAC_OK; RAC_E_SYNTAX (no zip, damaged, encrypted), RAC_E_INVALID (a name
 * that is refused, or stands twice), RAC_E_LIMIT; *why (may be NULL) receives a sentence in a.
 */
rac_err rac_zip_read(rac_str bytes, const struct rac_zip_limits *limits, struct rac_arena *a,
                     struct rac_zip_entry **entries, size_t *n, rac_str *why) RAC_MUST_CHECK;
bool rac_zip_is(rac_str bytes); /* begins like a zip */

/* Writes entries in the order given. The same entries give the same bytes: dates are fixed. */
rac_err rac_zip_write(const struct rac_zip_entry *entries, size_t n,
                      struct rac_buf *out) RAC_MUST_CHECK;

#endif
