/*
 * yaml - YAML 1.2 text as a JSON value (connectors.md §2.7).
 *
 * libyaml gives the events; this file gives them the core schema: plain scalars become null,
 * booleans, integers and floats by the 1.2 rules (so "no" and "0777" stay what they look like),
 * keys become strings, "<<" merges. Nodes carry their byte offset + 1 in pos, like parsed JSON.
 * Scalars that stand plainly in the text are slices of it, so the text must outlive the values.
 * Refused: more than one document, duplicate keys, tags outside the core schema, keys that are
 * collections, aliases that grow the tree beyond the cap ("bombs"), nesting deeper than
 * RAC_JSON_DEPTH_MAX. Any thread; blocks on nothing.
 */
#ifndef RAC_TEXT_YAML_H
#define RAC_TEXT_YAML_H

#include "json/json.h"

enum {
    RAC_YAML_GROWTH_MAX = 10,      /* nodes after expansion per node in the text ... */
    RAC_YAML_GROWTH_FREE = 100000, /* ... beyond this many, which small files may always have */
};

/*
 * Parses one document. flags: 0 for now. An empty text is null. RAC_OK; RAC_E_SYNTAX or
 * RAC_E_LIMIT with *error filled (error may be NULL). *out is written only on RAC_OK.
 */
rac_err rac_yaml_parse(rac_str text, struct rac_arena *a, unsigned flags, struct rac_json *out,
                       struct rac_json_error *error) RAC_MUST_CHECK;

#endif
