/*
 * yaml - YAML 1.2 text as a JSON value (connectors.md §2.7).
 *
 * libyaml gives the events; this file gives them the core schema: plain scalars become null,
 * booleans, integers and floats by the 1.2 rules ("no" is a string, "010" is ten), keys become
 * strings as spelt, "<<" merges. Nodes carry their byte offset + 1 in pos, like parsed JSON; those
 * of an alias that of its anchor. Strings are copied into the arena: the text may go away.
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
 * Parses one document. An empty text is null. RAC_OK; RAC_E_SYNTAX or RAC_E_LIMIT with *error
 * filled (error may be NULL; its message is static or in a). *out is written only on RAC_OK.
 * flags: RAC_JSON_LENIENT as in the next function, without the warnings.
 */
rac_err rac_yaml_parse(rac_str text, struct rac_arena *a, unsigned flags, struct rac_json *out,
                       struct rac_json_error *error) RAC_MUST_CHECK;
/* Bytes that are not UTF-8 become U+FFFD, and .inf and .nan null; each is a RC-JSON-01 (repairs
 * may be NULL). */
rac_err rac_yaml_parse_lenient(rac_str text, struct rac_arena *a, struct rac_json *out,
                               struct rac_diags *repairs,
                               struct rac_json_error *error) RAC_MUST_CHECK;

#endif
