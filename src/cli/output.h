/*
 * output - how commands speak: diagnostics, errors, one JSON document, tables, progress.
 *
 * stdout carries the result only; everything else goes to stderr. With --format json exactly one
 * JSON document (JSON Lines in a batch) is printed on stdout.
 */
#ifndef RAC_CLI_OUTPUT_H
#define RAC_CLI_OUTPUT_H

#include "base/diag.h"
#include "cli/command.h"
#include "json/json.h"

/* The path of a file that something found in source says: below it, when that is a folder or zip; else
 * beside it. In a; file may be absent, or whole. */
rac_str rac_cli_place(struct rac_arena *a, rac_str source, bool folder, rac_str file);
bool rac_cli_is_folder(const char *source); /* or a zip, or no file at all */
/* "path:line:col: severity: CODE: message" on stderr, the JSON pointer where there is no line,
 * the fix on a line of its own. source is the argument as given. */
void rac_cli_diag(struct rac_cli *cli, rac_str source, const struct rac_diag *d);
void rac_cli_diags(struct rac_cli *cli, rac_str source, const struct rac_diags *d);
/* A diagnostic as the finding of the command-line contract: {code, severity, pointer, line, ...}.
 */
struct rac_json rac_cli_finding(struct rac_arena *a, const struct rac_diag *d);

/* Text of others for a terminal: control characters are shown as "?". In a where it changes. */
rac_str rac_cli_clean(struct rac_arena *a, rac_str s);
/* The line of text in which a part starts (in bytes), indented and cut around it, and a line of
 * marks under the part as far as it goes there. Ends of lines and wide characters are known. */
void rac_cli_underline(struct rac_cli *cli, FILE *out, int indent, char mark, rac_str text,
                       size_t offset, size_t length);
/* Text of the result on stdout, cleaned but for ends of lines; say: and an end of line. */
void rac_cli_put(struct rac_cli *cli, const char *fmt, ...) RAC_PRINTF(2, 3);
void rac_cli_say(struct rac_cli *cli, const char *fmt, ...) RAC_PRINTF(2, 3);
/* "  1.2 s": of a line that has something before it; nothing for less than a millisecond. */
void rac_cli_put_duration(struct rac_cli *cli, int64_t ms);
/* What is good to know beside a result: a line on stderr, behind what stdout has so far. */
void rac_cli_note(struct rac_cli *cli, const char *fmt, ...) RAC_PRINTF(2, 3);
/* "raccord: sentence" on stderr; returns status, so that a command can return it. */
int rac_cli_fail(struct rac_cli *cli, int status, const char *fmt, ...) RAC_PRINTF(3, 4);
/* The exit status that fits an operating failure. */
int rac_cli_status_of(rac_err e);

void rac_cli_print_json(struct rac_cli *cli, const struct rac_json *v);      /* indented */
void rac_cli_print_json_line(struct rac_cli *cli, const struct rac_json *v); /* one line */

/* Columns aligned; the last one that is not empty is not padded. rows_n rows of columns_n cells; NULL title: none. */
void rac_cli_print_table(struct rac_cli *cli, const char *const *titles, const rac_str *cells,
                         size_t rows_n, size_t columns_n);

/* Overwrites one line on a terminal: "checking 120/603 name" (total 0: "checking 120 name").
 * Nothing elsewhere. Whatever is
 * printed next takes its place. */
void rac_cli_progress(struct rac_cli *cli, const char *what, size_t done, size_t total,
                      rac_str name);
void rac_cli_progress_end(struct rac_cli *cli);

/* Whole file, or standard input for "-". RAC_E_LIMIT past bytes_max, checked while reading.
 * *bytes lives in a. *why gets a sentence on failure. */
rac_err rac_cli_read(struct rac_cli *cli, const char *path, size_t bytes_max, struct rac_arena *a,
                     rac_str *bytes, rac_str *why) RAC_MUST_CHECK;
/* Writes a file as a whole: to a temporary beside it, then renamed. What is no file (a pipe, a
 * device) is written to as it is. */
rac_err rac_cli_write(struct rac_cli *cli, const char *path, rac_str bytes, unsigned mode,
                      rac_str *why) RAC_MUST_CHECK;

#endif
