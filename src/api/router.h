/*
 * router - from method and path to a row of a table, compiled once.
 *
 * A pattern is a path of segments: literal ("operations"), a parameter ("{id}"), a parameter with
 * literal text behind it ("{id}:import"), or as the last one the rest of the path, slashes and all
 * ("{rest*}", also empty). Where several fit, literal comes before parameter with text, that before
 * parameter, that before rest. A path is matched as it was sent, not decoded: decoding its
 * arguments is the caller's work. Finding costs one step per segment, whatever the number of rows.
 * After the last rac_router_add it may be read from any thread.
 *
 *     rac_router_add(r, "POST", "/connectors/{connectorId}:import", row);
 *     if (rac_router_find(r, x->method, x->path, x->arena, &m))   m.row, m.args[0]
 */
#ifndef RAC_API_ROUTER_H
#define RAC_API_ROUTER_H

#include "base/arena.h"
#include "base/base.h"
#include "base/str.h"

enum rac_router_flags {
    RAC_ROUTER_ANY_CASE = 1, /* literals in any letter case; several slashes read as one in front */
    RAC_ROUTER_VERBS = 2,    /* a parameter has no ':', so that an unknown verb fits nothing */
};

enum { RAC_ROUTER_ARGS_MAX = 8, RAC_ROUTER_SEGMENTS_MAX = 24 };

struct rac_router;

struct rac_router_match {
    const void *row;
    rac_str args[RAC_ROUTER_ARGS_MAX]; /* slices of the path, in the order of the pattern */
    size_t args_n;
    rac_str allow; /* not found: methods that the path does have, "GET, PUT"; absent: none */
};

struct rac_router *rac_router_new(unsigned flags);
void rac_router_free(struct rac_router *r); /* NULL is fine */
/* method "*": any. Keeps method and path. A pattern that is there already is a bug. */
void rac_router_add(struct rac_router *r, const char *method, const char *path, const void *row);
/* HEAD finds the row of GET where it has none of its own. The texts of m live in a or are slices of
 * path. */
bool rac_router_find(const struct rac_router *r, rac_str method, rac_str path, struct rac_arena *a,
                     struct rac_router_match *m);

#endif
