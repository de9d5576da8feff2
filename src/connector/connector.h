/*
 * connector - a definition and its properties, compiled: immutable, shared by reference count.
 *
 * rac_connector_compile reads a parsed package once and keeps only what calling needs, in an arena
 * of its own: no DOM of the definition, no source text. It is fast (about a millisecond per 80 KB)
 * and small, so that a server may compile on first use and forget the least recently used. Once
 * compiled nothing in it changes; any number of threads may read it. ref and unref are atomic.
 *
 * Only members documented here are for other rooms; plans of operations are in connector/plan.h
 * for the files of this room.
 */
#ifndef RAC_CONNECTOR_CONNECTOR_H
#define RAC_CONNECTOR_CONNECTOR_H

#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"
#include "base/map.h"
#include "connector/auth_plan.h"
#include "json/json.h"
#include "openapi/api.h"

struct rac_package;
struct rac_op_plan;    /* plan.h */
struct rac_route;      /* route.h */
struct rac_policy_set; /* policy.h */

/* connectors.md §1.3.1, types compared without letter case; anything else is OTHER. */
enum rac_conn_param_type {
    RAC_CONN_STRING,
    RAC_CONN_SECURESTRING,
    RAC_CONN_INT,
    RAC_CONN_BOOL,
    RAC_CONN_OAUTH,
    RAC_CONN_GATEWAY,
    RAC_CONN_OTHER, /* kept; a connection cannot be made with it (RC-PROP-04) */
};

struct rac_conn_param {
    rac_str name;
    rac_str type_name; /* as written */
    enum rac_conn_param_type type;
    bool required, hidden, secret; /* secret: securestring, oauthSetting, clearText false */
    int64_t tab_index;             /* INT64_MAX: none given */
    rac_str display_name, description;
    rac_str default_value;   /* absent: none; constraints.default counts */
    struct rac_json allowed; /* array of {value, text?}; NONE: any value */
    struct rac_json node;    /* the whole parameter object, oAuthSettings included (a copy) */
};

/* One way to connect (§4.9); rac_conn_sets_parse of connection.h fills them. A connector without
 * sets has exactly one, whose name is absent. Parameters common to all sets come first; order is
 * tabIndex, ties in file order. */
struct rac_conn_set {
    rac_str name, display_name, description;
    bool allow_sharing;
    struct rac_conn_param *params;
    size_t params_n;
};

/* What other rooms may know of an operation without its plan. */
struct rac_op {
    rac_str id, method, path; /* method in upper case; path as written in the definition */
    rac_str summary;
    enum rac_trigger trigger;
    bool deprecated, internal, webhook; /* webhook: has an x-ms-notification-url in its body */
    bool needs_script;                  /* scriptOperations names it (§6.8) */
    rac_str next_link_name;             /* x-ms-pageable.nextLinkName; absent: not pageable */
    struct rac_auth_plan auth;
    const struct rac_op_plan *plan;
};

enum { RAC_CONNECTOR_MAGIC = 0x52434e31 };

struct rac_connector {
    uint32_t magic;
    int refs; /* atomic */
    struct rac_arena arena;
    rac_str id; /* `shared_<slug>-<16 hex>` in a server; absent in the command line */
    int64_t revision;
    rac_str title, version, description;
    rac_str scheme, host, base_path; /* base_path without trailing slash; "" for none */
    rac_str brand_color, publisher;
    struct rac_op *ops; /* in document order */
    size_t ops_n;
    struct rac_map ops_by_id;
    struct rac_conn_set *sets; /* at least one */
    size_t sets_n;
    bool multi_auth;                 /* the sets come from connectionParameterSets */
    struct rac_json test_connection; /* x-ms-capabilities.testConnection {operationId, parameters};
                                        NONE: has none */
    const struct rac_route *route;
    const struct rac_policy_set *policies;
};

/*
 * Compiles a package that rac_package_read accepted. id and revision are kept (copied). diags
 * (may be NULL) receives what was tolerated. RAC_OK: *out is owned, one reference.
 * RAC_E_INVALID: no usable definition. RAC_E_UNSUPPORTED: not OpenAPI 2.0 (convert it first).
 * RAC_E_LIMIT: the caps of the arena.
 */
rac_err rac_connector_compile(struct rac_package *p, rac_str id, int64_t revision,
                              struct rac_connector **out, struct rac_diags *d) RAC_MUST_CHECK;
struct rac_connector *rac_connector_ref(struct rac_connector *c); /* any thread */
void rac_connector_unref(
    struct rac_connector *c); /* any thread; the last one frees; NULL is fine */

/* Operation by operationId (case matters), or NULL. */
const struct rac_op *rac_connector_operation(const struct rac_connector *c, rac_str id);
/* The nearest operationId to a misspelt one, for messages; absent when none is near. */
rac_str rac_connector_near_operation(const struct rac_connector *c, rac_str id);
/* Set by name; an absent name gives the first. NULL when there is no such set. */
const struct rac_conn_set *rac_connector_set(const struct rac_connector *c, rac_str name);

#endif
