/*
 * plan - what compile leaves of a definition: everything a call needs, nothing else.
 *
 * Immutable, in the connector's arena. Shapes are schemas reduced to what binding does with a
 * value: its type for coercion, defaults to put in, read-only properties to leave out, which
 * strings are binary. Recursive schemas make cyclic shapes; values end the recursion.
 */
#ifndef RAC_CONNECTOR_PLAN_H
#define RAC_CONNECTOR_PLAN_H

#include "base/base.h"
#include "connector/connector.h"
#include "json/json.h"
#include "openapi/api.h"

enum rac_type {
    RAC_TYPE_ANY,
    RAC_TYPE_STRING,
    RAC_TYPE_INTEGER,
    RAC_TYPE_NUMBER,
    RAC_TYPE_BOOLEAN,
    RAC_TYPE_ARRAY,
    RAC_TYPE_OBJECT,
    RAC_TYPE_FILE,
};

enum rac_collection {
    RAC_COLLECTION_CSV,
    RAC_COLLECTION_SSV,
    RAC_COLLECTION_TSV,
    RAC_COLLECTION_PIPES,
    RAC_COLLECTION_MULTI,
};

struct rac_shape_prop {
    rac_str name;
    const struct rac_shape *shape;
    bool required, read_only;
};

struct rac_shape {
    uint8_t type;      /* enum rac_type */
    bool binary;       /* string/binary or file: an envelope is decoded to bytes */
    bool forced;       /* defaults have to be put in somewhere below a value of this shape */
    bool strips;       /* something read-only below */
    bool makes;        /* an absent required object of this shape is made from its defaults */
    bool has_fallback; /* value to send when required and missing */
    struct rac_json fallback;
    struct rac_shape_prop *props; /* in document order */
    uint32_t *sorted;             /* indexes by name, when there are more than a few */
    uint32_t props_n;
    const struct rac_shape *items; /* of an array; NULL: anything */
    const struct rac_shape *extra; /* additionalProperties; NULL: anything */
};

const struct rac_shape_prop *rac_shape_prop_find(const struct rac_shape *s, rac_str name);

struct rac_param_plan {
    rac_str name;      /* as arguments name it */
    rac_str wire;      /* query, form: percent-encoded name; header: name */
    rac_str file_name; /* files: name of the companion argument "<name> (file name)" */
    const struct rac_shape *shape;
    uint8_t in;         /* enum rac_param_in */
    uint8_t collection; /* enum rac_collection */
    uint8_t visibility; /* enum rac_visibility */
    bool required, allow_empty, encode_twice;
    bool refused; /* a header that may not be set: its value is ignored (§6.3) */
};

/* A path template cut into pieces: literal text (encoded for the wire), then a parameter. */
struct rac_path_piece {
    rac_str literal;
    int32_t param; /* index into params; -1: none (the last piece); -2: declared nowhere */
    rac_str name;  /* what stands between the braces */
};

struct rac_notification_place;
struct rac_policy;
struct rac_policy_list {
    const struct rac_policy **v;
    size_t n;
};

struct rac_op_plan {
    struct rac_param_plan *params; /* in document order */
    uint32_t params_n;
    int32_t body;             /* index of the body parameter; -1: none */
    bool has_form;            /* some parameter is formData */
    bool has_file;            /* some of them a file */
    bool answer_needed;       /* a response or failure policy reads or writes the answer's body */
    bool request_body_needed; /* a request policy does that with the request's body */
    struct rac_path_piece *path;
    uint32_t path_n;
    rac_str *consumes; /* effective, as written */
    uint32_t consumes_n;
    rac_str accept; /* ready-made Accept header */
    struct rac_policy_list request, response, failure;
    const struct rac_notification_place *notification; /* NULL: takes no callback URL */
};

#endif
