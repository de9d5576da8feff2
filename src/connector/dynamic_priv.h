/*
 * dynamic_priv - one dynamic definition in one form, whichever twin it was written in.
 * Nodes and strings point into the definition document. Pure functions.
 */
#ifndef RAC_CONNECTOR_DYNAMIC_PRIV_H
#define RAC_CONNECTOR_DYNAMIC_PRIV_H

#include "connector/dynamic.h"
#include "openapi/api.h"

enum rac_dynamic_arg_kind {
    RAC_ARG_LITERAL,
    RAC_ARG_REFERENCE, /* of what has been filled in: "quay" or "body/quay/code" */
    RAC_ARG_SELECTED,  /* property of the selected node: "id" */
};
struct rac_dynamic_arg {
    rac_str name; /* parameter of the target, or a path into its body */
    enum rac_dynamic_arg_kind kind;
    const struct rac_json *literal;
    rac_str path;
};

struct rac_dynamic_call_def { /* an operation and how to call it */
    rac_str operation_id;
    struct rac_dynamic_arg *args;
    size_t args_n;
    rac_str items_path, value_path, title_path, description_path, selectable_path;
    rac_str full_title_path, is_parent, folder_path, media_path;
};

struct rac_dynamic_def {
    enum rac_dynamic_kind kind;
    rac_str built_in;                   /* builtInOperation: cannot be called */
    struct rac_dynamic_call_def call;   /* TREE: open */
    struct rac_dynamic_call_def browse; /* TREE */
    bool select_parents, select_leaves; /* TREE */
};

/* Reads what stands at node (x-ms-dynamic-*), the unambiguous twin first. root: for the
 * file-picker capability. False: nothing of that kind. */
bool rac_dynamic_read(const struct rac_json *root, const struct rac_json *node,
                      enum rac_dynamic_kind kind, struct rac_arena *a, struct rac_dynamic_def *out);

enum rac_dynamic_args { RAC_ARGS_OK, RAC_ARGS_NEED, RAC_ARGS_EXPRESSION };
/* The arguments of a call: *out an object for rac_call. NEED: *needs is the reference that is
 * empty. EXPRESSION: a reference holds a run-time expression. source, target: the operations that
 * are filled in and called; either may be NULL. */
enum rac_dynamic_args rac_dynamic_args_build(const struct rac_dynamic_call_def *d,
                                             const struct rac_api_operation *source,
                                             const struct rac_api_operation *target,
                                             const struct rac_json *parameters,
                                             const struct rac_json *selection, struct rac_arena *a,
                                             struct rac_json *out, rac_str *needs);

/* The array of items in an answer, or NULL. */
const struct rac_json *rac_dynamic_items(const struct rac_json *body, rac_str items_path);
/* One item as the form above shows it; false: it has no value. */
bool rac_dynamic_item(const struct rac_dynamic_def *d, const struct rac_dynamic_call_def *c,
                      const struct rac_json *item, struct rac_arena *a, struct rac_json *out);
/* Schema in an answer, NULL type for an empty one; false: there is none. */
bool rac_dynamic_schema(const struct rac_json *body, rac_str path, struct rac_arena *a,
                        struct rac_json *out);
/* fresh laid over fixed: title, description, summary and name of fixed survive. */
struct rac_json rac_dynamic_merge(const struct rac_json *fixed, const struct rac_json *fresh,
                                  struct rac_arena *a);

#endif
