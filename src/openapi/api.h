/*
 * openapi/api - the one API model: an index over a Swagger 2.0 tree, `$ref`s resolved on demand.
 *
 * Built once from a parsed definition; check, show and connector/compile read it. It never copies
 * a schema: nodes point into the tree given to rac_api_build (which must outlive the index), or,
 * where keywords beside a `$ref` carry meaning (corpus: `required`, `default`, `enum`, labels),
 * at a merged object in the index's arena. What is malformed is left out, never fatal:
 * openapi/check reports it.
 *
 * One thread at a time may call rac_api_* (deref remembers merged objects). What they return is
 * plain data in the arena and may be read by any number of threads afterwards.
 */
#ifndef RAC_OPENAPI_API_H
#define RAC_OPENAPI_API_H

#include "base/arena.h"
#include "base/base.h"
#include "base/map.h"
#include "json/json.h"

enum rac_param_in { RAC_IN_PATH, RAC_IN_QUERY, RAC_IN_HEADER, RAC_IN_BODY, RAC_IN_FORM };

/* x-ms-visibility, any letter case; NONE also for absent, "" and unknown words. */
enum rac_visibility {
    RAC_VISIBILITY_NONE,
    RAC_VISIBILITY_IMPORTANT,
    RAC_VISIBILITY_ADVANCED,
    RAC_VISIBILITY_INTERNAL,
};

enum rac_trigger { RAC_TRIGGER_NONE, RAC_TRIGGER_SINGLE, RAC_TRIGGER_BATCH };

enum rac_api_method {
    RAC_METHOD_GET,
    RAC_METHOD_PUT,
    RAC_METHOD_POST,
    RAC_METHOD_DELETE,
    RAC_METHOD_PATCH,
    RAC_METHOD_HEAD,
    RAC_METHOD_OPTIONS,
    RAC_METHOD_N,
};

/* Media types of one `consumes` or `produces` that are looked at; OP-14 tells of longer lists. */
enum { RAC_API_MEDIA_TYPES_MAX = 64 };

struct rac_api_param {
    rac_str name;
    enum rac_param_in in;
    const struct rac_json *node; /* the parameter object, $ref followed */
    /* body: its schema, $ref followed, NULL when it has none; else node, which carries type etc. */
    const struct rac_json *schema;
    rac_str pointer; /* "/paths/~1jobs/get/parameters/0": where it is named, not where defined */
    bool required;   /* path parameters: always true */
    bool shared;     /* from the path item, or reached through a $ref */
    enum rac_visibility visibility;
};

struct rac_api_operation {
    rac_str id; /* operationId; empty when missing */
    rac_str path, summary, description;
    enum rac_api_method method;
    rac_str pointer; /* "/paths/~1jobs/get" */
    const struct rac_json *node, *path_item;
    struct rac_api_param *params; /* path item's and own merged: own wins on same (name, in) */
    size_t params_n;
    struct rac_map *params_by_name; /* private: one for each place, when there are many; or NULL */
    enum rac_trigger trigger;
    bool webhook; /* a trigger whose request carries a callback URL (or item a notification) */
    bool deprecated;
    enum rac_visibility visibility;
    /* Effective lists: the operation's own, else the root's; NULL when neither has one. */
    const struct rac_json *consumes, *produces, *security;
    const struct rac_json *responses; /* object, or NULL */
    /* x-ms-notification-content of the path item (or of the operation), or NULL */
    const struct rac_json *notification;
};

struct rac_api {
    const struct rac_json *root;
    rac_str title, version, description, host, base_path;
    const struct rac_json *schemes; /* array or NULL */
    struct rac_api_operation *ops;  /* in the order of the file */
    size_t ops_n, triggers_n;       /* operations include triggers */
    struct rac_map by_id;           /* operationId -> struct rac_api_operation *; first wins */
    const struct rac_json *definitions, *parameters, *responses, *security_definitions;
    struct rac_arena *a;
    struct rac_map merged; /* private, like all that follows */
    size_t merged_members; /* copied by merging, in all */
    struct rac_map urls;   /* address of a schema -> whether a callback URL is below it */
    size_t url_nodes;      /* looked at for callback URLs, in all */
};

/*
 * Indexes root, in arena a. RAC_OK; RAC_E_INVALID when root is no object; RAC_E_LIMIT when the
 * arena's cap was passed. An api without any operation is fine.
 */
rac_err rac_api_build(const struct rac_json *root, struct rac_arena *a,
                      struct rac_api **out) RAC_MUST_CHECK;

/* The id of the operation that a dynamic extension calls, NULL when it names none: `operationId`,
 * in any letter case (§0: the documentation of 2017 spelled it `operationID`). */
const struct rac_json *rac_api_target(const struct rac_json *call);
/* NULL when there is none. Ids compare case-sensitively. */
const struct rac_api_operation *rac_api_operation(const struct rac_api *api, rac_str id);
const struct rac_api_param *rac_api_param(const struct rac_api_operation *op, rac_str name,
                                          enum rac_param_in in);
/* The first of that name, wherever it is. */
const struct rac_api_param *rac_api_param_named(const struct rac_api_operation *op, rac_str name);
const struct rac_api_param *rac_api_body(const struct rac_api_operation *op); /* or NULL */

/* The value of "$ref" of an object, or NULL; asked for every schema, so without a call. */
static inline const struct rac_json *rac_api_ref(const struct rac_json *node)
{
    if (node == NULL || node->type != RAC_JSON_OBJECT)
        return NULL;
    const struct rac_json_member *m = node->object->v;
    for (uint32_t i = 0; i < node->object->n; i++)
        if (m[i].key_n == 4 && memcmp(m[i].key, "$ref", 4) == 0)
            return &m[i].value;
    return NULL;
}

/*
 * Follows a chain of $refs. A node without $ref answers itself; NULL when the target is missing,
 * is not inside the document or the chain runs in a circle. Keywords beside a $ref win over the
 * target's except for the shape (type, properties, items, allOf, additionalProperties), which is
 * the target's where it has them; `required` lists are united. Constant time but for the lookup.
 */
const struct rac_json *rac_api_deref(struct rac_api *api, const struct rac_json *node);
/* One step: the node a "#/..." reference names, or NULL. Tilde and percent escapes are undone. */
const struct rac_json *rac_api_lookup(const struct rac_api *api, rac_str ref);

/*
 * The first 2xx response (200, 201, then by code), else `default`, $ref followed; NULL: none.
 * *code receives its key. rac_api_response_schema: its schema, $ref followed, or NULL.
 */
const struct rac_json *rac_api_success(struct rac_api *api, const struct rac_api_operation *op,
                                       rac_str *code);
const struct rac_json *rac_api_response_schema(struct rac_api *api,
                                               const struct rac_json *response);

/*
 * A property of a schema by name: own properties, then those of allOf; $ref followed on the way
 * and on the result. NULL when the schema does not say.
 */
const struct rac_json *rac_api_property(struct rac_api *api, const struct rac_json *schema,
                                        rac_str name);
/* The same for a path string "a/b" (connectors.md §5.5); arrays are passed through. */
const struct rac_json *rac_api_property_path(struct rac_api *api, const struct rac_json *schema,
                                             rac_str path);

/* True when `x-ms-notification-url: true` stands on a schema or below it, references followed. */
bool rac_api_has_callback_url(struct rac_api *api, const struct rac_json *schema);

enum rac_visibility rac_api_visibility(const struct rac_json *node); /* x-ms-visibility of node */
const char *rac_api_method_name(enum rac_api_method m);              /* "get" */
bool rac_api_method_parse(rac_str s, enum rac_api_method *m);        /* any letter case */
const char *rac_param_in_name(enum rac_param_in in);                 /* "formData" */
bool rac_param_in_parse(rac_str s, enum rac_param_in *in);

#endif
