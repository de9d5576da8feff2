/*
 * shape - makes shapes (plan.h) out of schemas. One builder per compiled connector; schemas are
 * recognised by their node, so what many operations share is made once.
 */
#ifndef RAC_CONNECTOR_SHAPE_H
#define RAC_CONNECTOR_SHAPE_H

#include "connector/plan.h"

struct rac_shapes {
    struct rac_api *api;
    struct rac_arena *a, *scratch; /* a: the connector's */
    struct rac_map by_node;
    struct rac_shape **made; /* those with children, for rac_shapes_finish */
    size_t made_n, made_cap;
    struct rac_map fallbacks; /* defaults that are containers, by address: one copy of each */
    size_t props_n;           /* properties of all shapes */
    bool too_large;           /* more than RAC_SHAPES_PROPS_MAX: the connector cannot be used */
};
/* Of all shapes of a connector: allOf repeats what it names, and a definition of a megabyte could
 * ask for gigabytes. */
enum { RAC_SHAPES_PROPS_MAX = 1 << 19 };
void rac_shapes_init(struct rac_shapes *s, struct rac_api *api, struct rac_arena *a,
                     struct rac_arena *scratch);
/* Never NULL; node may be (anything). Flags about descendants are set by rac_shapes_finish. */
const struct rac_shape *rac_shapes_of(struct rac_shapes *s, const struct rac_json *node);
void rac_shapes_finish(struct rac_shapes *s);

/* Binds a value to a shape: coercion, forced defaults, read-only properties (§6.2). *out shares
 * what did not change with *v. False: *pointer names the place below the value, *want the type. */
bool rac_shape_fit(const struct rac_shape *s, const struct rac_json *v, struct rac_arena *a,
                   struct rac_json *out, rac_str *pointer, const char **want);
/* The object a shape makes of its defaults (s->makes). */
struct rac_json rac_shape_make(const struct rac_shape *s, struct rac_arena *a);
const char *rac_type_name(enum rac_type t); /* "an integer" */
/* {"$content-type", "$content"} or {"contentBytes", "name"?}: decoded, else false. */
bool rac_envelope_read(const struct rac_json *v, struct rac_arena *a, rac_str *content_type,
                       rac_str *bytes, rac_str *name);

#endif
