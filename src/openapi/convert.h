/*
 * openapi/convert - any description to the stored truth: one OpenAPI 2.0 document and the
 * properties that go with it (connectors.md §2.3 Postman, §2.4 blank, §2.6 OpenAPI 3; §1.3).
 *
 * Nothing is dropped in silence: whatever the result does not say is a loss, a diagnostic with
 * code, severity, JSON pointer and place in the *source*, what it was and what to do about it.
 * Works on the caller's thread; nothing is fetched except through the ports of the options.
 * Deterministic: the same bytes give the same result. Memory comes from the arena; when its cap is
 * passed the answer is RAC_E_LIMIT. See docs/internals/convert.md.
 *
 *     struct rac_converted c;
 *     rac_err e = rac_convert(doc, &(struct rac_convert_options){0}, &a, &c, &losses);
 *     // c.text: the definition as strict JSON; c.properties: the tree of apiProperties.json
 */
#ifndef RAC_OPENAPI_CONVERT_H
#define RAC_OPENAPI_CONVERT_H

#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"
#include "json/json.h"
#include "openapi/read.h"

struct rac_convert_options {
    /* Where the bytes came from, when that is an http(s) URL: relative server URLs are resolved
     * against it. Absent otherwise. */
    rac_str url;
    /*
     * Port for a `$ref` to a file beside the source: bytes of `path`, relative to the directory of
     * the source, already free of "..", in arena a. Refuses what lies outside that directory. NULL:
     * external references are losses.
     */
    rac_err (*load)(void *arg, rac_str path, struct rac_arena *a, rac_str *bytes);
    void *load_arg;
    /* Port for one GET of an OpenID Connect discovery document. NULL: never fetched. */
    rac_err (*fetch)(void *arg, rac_str url, struct rac_arena *a, rac_str *bytes);
    void *fetch_arg;
};

struct rac_converted {
    struct rac_json definition; /* OpenAPI 2.0 */
    struct rac_json properties; /* {"properties": {...}} */
    /* The definition as bytes: those of the source, byte for byte, when it was OpenAPI 2.0 in
     * strict JSON that needed no change; else the definition printed with two-space indents. */
    rac_str text;
    bool changed; /* text is not the source's bytes */
};

/*
 * Converts. doc->kind says from what; UNKNOWN, PROPERTIES and WORKFLOW are RAC_E_UNSUPPORTED with
 * RC-IMP-02 in losses. RAC_E_INVALID when there is nothing to convert (a collection without a
 * request: RC-PM-01; no object at the root). RAC_E_LIMIT when memory ran out. Everything written
 * to *out lives in a and in doc.
 */
rac_err rac_convert(struct rac_document *doc, const struct rac_convert_options *o,
                    struct rac_arena *a, struct rac_converted *out,
                    struct rac_diags *losses) RAC_MUST_CHECK;

/* A connector from a title alone (§2.4): a document that registers, without host and paths. */
void rac_convert_blank(rac_str title, struct rac_arena *a, struct rac_converted *out);

/*
 * The properties of a definition that came without any: connection parameters for its effective
 * security scheme (§4.1, §4.5, §4.10), default colour, no policies.
 */
struct rac_json rac_convert_properties(const struct rac_json *definition, struct rac_arena *a);

#endif
