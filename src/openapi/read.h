/*
 * openapi/read - any bytes to a document: JSON (leniently, connectors.md §0) or YAML (§2.7), what
 * kind of description it is by its content, and where every node stands.
 *
 * Nothing is fetched and nothing is judged here: openapi/check says what is wrong with a Swagger
 * document, openapi/convert turns the other kinds into one. Findings made here: RC-IMP-01 (too
 * large), RC-IMP-03 (neither JSON nor YAML; with line and column), RC-JSON-01 (each repair).
 *
 *     struct rac_document *doc;
 *     if (rac_document_read(bytes, name, &a, &doc, &diags) != RAC_OK) ...
 *     if (doc->kind == RAC_DOC_UNKNOWN) rac_document_unknown(doc, &diags);   RC-IMP-02
 *
 * A document lives in the arena and borrows `bytes` and `name`, which must outlive it. Placing
 * nodes fills a table inside the document: one thread at a time; root may be read by any number.
 */
#ifndef RAC_OPENAPI_READ_H
#define RAC_OPENAPI_READ_H

#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"
#include "json/json.h"
#include "openapi/rules.h"

enum rac_document_kind {
    RAC_DOC_UNKNOWN,
    RAC_DOC_SWAGGER2,   /* root `swagger`, or `paths` with `info` and no other mark */
    RAC_DOC_OPENAPI3,   /* root `openapi` */
    RAC_DOC_POSTMAN1,   /* root `requests` array with `order` or `folders` */
    RAC_DOC_POSTMAN20,  /* info.schema .../v2.0.0/... (or no version, and objects for auth) */
    RAC_DOC_POSTMAN21,  /* info.schema .../v2.1.0/..., root `item` array */
    RAC_DOC_PROPERTIES, /* apiProperties.json: root `properties`, no other mark */
    RAC_DOC_WORKFLOW,   /* a workflow or flow definition (workflows.md §1.2) */
};

/* What the command line reads; a server registers connector.definition_bytes_max (api/ops). */
enum { RAC_DOCUMENT_CLI_BYTES_MAX = 64 << 20 };

struct rac_lines; /* private: the table of line starts */

struct rac_document {
    rac_str text; /* the bytes as given */
    rac_str name; /* for messages and findings: a path or URL */
    enum rac_document_kind kind;
    bool yaml;
    rac_str version; /* "2.0", "3.0.1" as written; absent when there is none */
    struct rac_json root;
    struct rac_arena *a;
    struct rac_lines *lines;
};

struct rac_document_options {
    size_t bytes_max; /* 0: RAC_DOCUMENT_CLI_BYTES_MAX */
};

/*
 * Reads. RAC_OK; RAC_E_SYNTAX (RC-IMP-03 in d); RAC_E_LIMIT (RC-IMP-01, or nesting or size past a
 * safety cap). *out is set on RAC_OK only, in arena a. d may be NULL.
 */
rac_err rac_document_read(rac_str bytes, rac_str name, struct rac_arena *a,
                          struct rac_document **out, struct rac_diags *d) RAC_MUST_CHECK;
rac_err rac_document_read_with(rac_str bytes, rac_str name, const struct rac_document_options *o,
                               struct rac_arena *a, struct rac_document **out,
                               struct rac_diags *d) RAC_MUST_CHECK;

/* A document around a value made elsewhere (a conversion): no text, so no places. */
struct rac_document *rac_document_wrap(struct rac_json root, rac_str name, struct rac_arena *a);

/* The kind of a value by its content alone. */
enum rac_document_kind rac_document_kind_of(const struct rac_json *root);

/* Reads a file of settings, which people write: comments and the like are not told of. */
rac_err rac_document_read_settings(rac_str bytes, rac_str name, struct rac_arena *a,
                                   struct rac_document **out, struct rac_diags *d) RAC_MUST_CHECK;
/* Adds a finding of a rule, of its severity at registration, at the place of a value of such a
 * file; message lives as long as d. */
void rac_document_fault(struct rac_document *doc, const struct rac_json *node,
                        enum rac_rule_id rule, struct rac_diags *d, rac_str message);
/* Adds RC-IMP-02 naming what was found instead. */
void rac_document_unknown(const struct rac_document *doc, struct rac_diags *d);

/*
 * Where a value of the document stands: lines and columns from 1, columns in characters; the end is
 * one past its last character. Returns false, and writes zeros, for values that are not from the
 * text. end_* may be 0 where the end is not known (YAML collections). Any out pointer may be NULL.
 */
bool rac_document_place(struct rac_document *doc, const struct rac_json *node, uint32_t *line,
                        uint32_t *column, uint32_t *end_line, uint32_t *end_column);
/* The same for the key of a member. */
bool rac_document_place_key(struct rac_document *doc, const struct rac_json_member *m,
                            uint32_t *line, uint32_t *column, uint32_t *end_line,
                            uint32_t *end_column);

#endif
