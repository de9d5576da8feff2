/*
 * policy_priv - compiled policies and their templates, for compile, call and the runners.
 */
#ifndef RAC_CONNECTOR_POLICY_PRIV_H
#define RAC_CONNECTOR_POLICY_PRIV_H

#include "connector/plan.h"
#include "connector/policy.h"
#include "connector/request.h"

/* --- templates (§6.7) --------------------------------------------------------------------- */

enum rac_fn {
#define FN(id, name, args, members) RAC_FN_##id,
#include "connector/policy_functions.def"
#undef FN
    RAC_FN_N
};

struct rac_path_step {
    rac_str name; /* member; absent: index */
    int64_t index;
};

struct rac_template_piece {
    enum { RAC_PIECE_TEXT, RAC_PIECE_EXPR, RAC_PIECE_PARAM } kind;
    rac_str text; /* TEXT; PARAM: name of a path parameter in braces; EXPR: its source */
    enum rac_fn fn;
    rac_str argument, otherwise; /* absent: not given */
    struct rac_path_step *steps;
    uint32_t steps_n;
};

struct rac_template {
    rac_str source;
    struct rac_template_piece *pieces;
    uint32_t pieces_n;
    bool whole; /* one expression and nothing else: its JSON type is kept */
    bool reads_body;
};

enum rac_template_flags {
    RAC_TEMPLATE_PARAMS = 1, /* {name} is a path parameter */
    RAC_TEMPLATE_BARE = 2,   /* "body().x" without '@' is an expression (§6.6) */
};
/* Compiles text (copied into a). NULL with *why when it cannot be. *warning: tolerated. */
const struct rac_template *rac_template_compile(rac_str text, unsigned flags, struct rac_arena *a,
                                                rac_str *why, rac_str *warning);

/* What expressions see. Members are called only when a template names them. */
struct rac_scope {
    struct rac_arena *a;
    struct rac_request *request;      /* its headers, query and JSON body */
    const struct rac_headers *answer; /* response section: headers() reads these */
    struct rac_json *body;            /* body(), triggerBody(); NULL: none */
    struct rac_json *item;            /* item(); NULL: none */
    /* connectionParameters('n'): text, or absent when it has no value */
    rac_str (*connection)(void *self, rac_str name, bool has_default);
    /* {name} in a path: encoded text, or absent when there is no such parameter */
    rac_str (*path_param)(void *self, rac_str name);
    void *self;
    rac_str original_method;
    bool mask;    /* credentials of the request read as "***" */
    bool *secret; /* set when one is read; may be NULL */
};
/* Text of one piece, as it stands in the template's. */
rac_str rac_template_piece_text(const struct rac_template_piece *p, const struct rac_scope *s);
/* Text of a template. encode: how values (not literals) are percent-encoded, or -1. */
rac_str rac_template_text(const struct rac_template *t, const struct rac_scope *s, int encode);
/* Value: its JSON type is kept when the whole template is one expression. */
struct rac_json rac_template_value(const struct rac_template *t, const struct rac_scope *s);

/* --- instances (§6.6) ---------------------------------------------------------------------- */

enum rac_exists { RAC_EXISTS_OVERRIDE, RAC_EXISTS_SKIP, RAC_EXISTS_APPEND };

/* A place in a body: root expression with steps, then more steps ("a/b" or "a.b" or null). */
struct rac_place {
    bool present;
    bool item; /* rooted at @item() */
    struct rac_path_step *steps;
    uint32_t steps_n;
};

struct rac_trigger_value { /* one entry of triggerConfig */
    rac_str query_name;
    const struct rac_template *value;
};

struct rac_policy {
    enum rac_policy_id id;
    uint8_t section; /* enum rac_policy_section */
    uint32_t index;  /* in the file */
    rac_str title;
    rac_str broken; /* why it cannot run; absent: it can */
    bool reads_body, writes_body;
    rac_str *operations; /* none: all */
    uint32_t operations_n;

    rac_str name; /* header, query parameter, next-link property, child property */
    const struct rac_template *value; /* value, urlTemplate, newPath, parameterValueUrl */
    const struct rac_template *method;
    const struct rac_template *from; /* parameterValuePathTemplate */
    enum rac_exists exists;
    struct rac_place parent, sub, target; /* sources and destination in a body */
    rac_str text1, text2; /* delimiters; source and replacement; key and value names */
    bool flag;            /* retainKey; copyOnlySubProperties */
    int64_t status;       /* statusCode */
    struct rac_trigger_value *trigger_values;
    uint32_t trigger_values_n;
    rac_str next_link; /* pollingtrigger: x-ms-triggerConfig-nextLink */
};

struct rac_policy_ids { /* indexes into v, ascending */
    uint32_t *v;
    uint32_t n, cap;
};
struct rac_policy_set {
    struct rac_policy *v;
    uint32_t n;
    struct rac_policy_ids all;   /* those that name no operation */
    struct rac_map by_operation; /* operationId -> struct rac_policy_ids */
};

/* The instances of a section that apply to an operation, in order; in a. */
struct rac_policy_list rac_policies_for(const struct rac_policy_set *s, rac_str operation_id,
                                        enum rac_policy_section section, struct rac_arena *a);

#endif
