/*
 * openapi/openapi3_priv - what the parts of the OpenAPI 3 converter share (connectors.md §2.6).
 * Private to openapi/openapi3*.c.
 */
#ifndef RAC_OPENAPI_OPENAPI3_PRIV_H
#define RAC_OPENAPI_OPENAPI3_PRIV_H

#include "openapi/convert_priv.h"

/* A schema that becomes a definition: one of components.schemas, or the target of a $ref. */
struct o3_def {
    rac_str name;
    const struct rac_place *at;
    struct rac_json content; /* converted, $ref at its root followed; once content_done */
    bool content_done, content_busy;
    bool written; /* stands in definitions */
};

/* A component parameter or response. */
struct o3_part {
    rac_str name;
    const struct rac_place *at; /* of the object itself, references followed */
    struct rac_json value;      /* converted */
    bool alone;                 /* converted to exactly one object: may be referred to */
};

struct o3_security;

struct o3 {
    struct rac_convert_state *c;
    struct rac_arena *a;
    const struct rac_json *root;
    struct rac_json *out;
    struct rac_map files;       /* path -> struct rac_source * */
    struct rac_map def_by_node; /* address -> struct o3_def * */
    struct rac_map def_by_name;
    struct rac_map def_numbers; /* name -> the next number to try behind it */
    struct o3_def **defs;
    size_t defs_n, defs_cap;
    struct rac_map params, responses; /* component name -> struct o3_part * */
    struct rac_json definitions, out_params, out_responses;
    unsigned content_depth;
    unsigned muted; /* > 0: the same source is converted a second time, losses are known */
    struct rac_diags *losses;
    struct rac_map told; /* addresses of what several operations share and was told once */
    struct rac_map said; /* losses: rule, place and message */
    size_t operations_n;
    struct rac_json base_operations; /* ids of those that use the servers of the root */
    struct rac_map own_servers;      /* URL template -> array of operationIds */
    rac_str server_url;              /* of the root, defaults put in; absent: not known */
    struct o3_security *security;    /* openapi3_security.c */
    size_t merge_nodes;              /* schema nodes written by merging; capped */
    size_t free_nodes;               /* nodes of free-form values copied; capped */
    size_t copied;                   /* members that putting schemas together copied; capped */
    bool too_much;                   /* past the cap: the whole is refused */
};

/* Paths that multiply are left out: what is found below one repeats it. */
enum { O3_HOLES_MAX = 100, O3_PATH_BYTES_MAX = 8192 };
bool o3_path_is_sane(rac_str path);
/* A path that 2.0 takes: a slash first, braces in pairs inside a segment, no hole twice. */
rac_str o3_clean_path(struct o3 *x, rac_str path);
void o3_begin(struct o3 *x, struct rac_convert_state *c, struct rac_json *out);

/* --- openapi3_ref.c ------------------------------------------------------------------------ */

enum {
    O3_CHAIN_MAX = 64,
    O3_FILES_MAX = 256,
    O3_FREE_NODES_MAX = 200000,
    O3_COPIED_MAX = 1500000, /* about 100 MB */
    O3_PARAM_MEMBERS = 8,    /* what a parameter made of a property counts for */
};
/* Counts members that are about to be copied; false past O3_COPIED_MAX. */
bool o3_may_copy(struct o3 *x, size_t n);

/* One step: the place a reference names, or false. `at` is where the reference stands. */
bool o3_resolve(struct o3 *x, const struct rac_place *at, rac_str ref, struct rac_place *out);
/* Follows $refs until there is none; false (told as RC-O3-03) when that fails. out may be at. */
bool o3_follow(struct o3 *x, const struct rac_place *at, struct rac_place *out);
rac_str o3_ref_of(const struct rac_json *node); /* its $ref, or absent */
/* The single component name of "#/components/<section>/Name" in the main file, or absent. */
rac_str o3_component(struct o3 *x, const struct rac_place *at, rac_str ref, const char *section);
/* Free-form values (examples, defaults, extensions): references in them are made to hold. */
struct rac_json o3_free(struct o3 *x, const struct rac_place *at);
/* Copies every x- member of at->node to o. */
void o3_extensions(struct o3 *x, const struct rac_place *at, struct rac_json *o);
/* Reports members of at->node that `known` does not list ("x-" ones apart). */
void o3_unknown(struct o3 *x, const struct rac_place *at, const char *const *known,
                const char *where);
/* The same, "x-" ones too: for objects that have no form in 2.0 themselves. */
void o3_lost(struct o3 *x, const struct rac_place *at, const char *const *known, const char *where);
/* Reports what stands beside a $ref, where 2.0 has no place for it. */
void o3_beside_ref(struct o3 *x, const struct rac_place *at);
void *o3_by_address(const struct rac_map *m, const void *node);
void o3_put_address(struct o3 *x, struct rac_map *m, const void *node, void *value);
void o3_loss(struct o3 *x, enum rac_rule_id rule, const struct rac_place *at, const char *fmt, ...)
    RAC_PRINTF(4, 5);

/* --- openapi3_schema.c ------------------------------------------------------------------- */

struct o3_def *o3_def_add(struct o3 *x, rac_str name, const struct rac_place *at);
/*
 * The path item with its methods in small letters, as the rules of the format want them; the node
 * of at itself where they are. rule says which finding tells of each that was changed.
 */
const struct rac_json *o3_small_methods(struct o3 *x, const struct rac_place *at,
                                        enum rac_rule_id rule);

/* A schema of OpenAPI 2.0, references kept as references to definitions. */
struct rac_json o3_schema(struct o3 *x, const struct rac_place *at);
/* The same as a value of its own: $ref followed, allOf put together. For parameters and forms. */
struct rac_json o3_schema_flat(struct o3 *x, const struct rac_place *at);
struct rac_json o3_flatten(struct o3 *x, const struct rac_json *schema);
/* Writes every definition asked for so far, and those they ask for. */
rac_err o3_write_definitions(struct o3 *x);
rac_str o3_type(const struct rac_json *schema); /* of a converted schema; may be told by keywords */

/* --- openapi3_param.c ---------------------------------------------------------------------- */

/* Adds the 2.0 parameters (none, one, several) that a parameter object becomes. */
void o3_parameter(struct o3 *x, const struct rac_place *at, struct rac_json *list);
/* A parameter list: references kept where they can be; nothing twice. */
struct rac_json o3_parameters(struct o3 *x, const struct rac_place *at, rac_str path);
void o3_prepare_parameters(struct o3 *x, const struct rac_place *components);
/* The object behind a converted list entry, {"$ref": "#/parameters/X"} followed. */
const struct rac_json *o3_parameter_of(struct o3 *x, const struct rac_json *entry);
/* The example of a parameter, header or media type object: `example`, else the first of
 * `examples`; false: none. What is left out is told. */
bool o3_example(struct o3 *x, const struct rac_place *at, struct rac_json *out);
/* Type and facets of a flat schema onto a parameter or header. */
void o3_primitive(struct o3 *x, const struct rac_place *at, const struct rac_json *flat,
                  struct rac_json *o);

/* --- openapi3_body.c ------------------------------------------------------------------------- */

void o3_request_body(struct o3 *x, const struct rac_place *op, rac_str method, struct rac_json *out,
                     struct rac_json *params);
void o3_responses(struct o3 *x, const struct rac_place *op, struct rac_json *out);
void o3_prepare_responses(struct o3 *x, const struct rac_place *components);

/* --- openapi3_security.c -------------------------------------------------------------------- */

void o3_security_begin(struct o3 *x);
/* Writes the `security` of an operation where it differs from the root's. */
void o3_security_operation(struct o3 *x, const struct rac_place *op, rac_str id,
                           struct rac_json *out);
void o3_security_end(struct o3 *x);

/* --- openapi3_server.c ----------------------------------------------------------------------- */

/* host, basePath and schemes from the servers of the root. */
void o3_servers_root(struct o3 *x);
/* Servers of an operation or its path item, when there are any; else it uses those of the root. */
void o3_servers_operation(struct o3 *x, const struct rac_place *item, const struct rac_place *op,
                          rac_str id);
/* After all operations: the policies. */
void o3_servers_end(struct o3 *x);

#endif
