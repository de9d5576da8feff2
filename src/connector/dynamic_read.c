/*
 * dynamic_read - the extensions as they are written, and their arguments from what is filled in.
 *
 * Both twins of a pair become one struct; where both stand, the unambiguous one wins (§5.5).
 */
#include "connector/dynamic_priv.h"

#include "base/str.h"

static rac_str text_of(const struct rac_json *x)
{
    if (rac_json_is_object(x)) /* {"value": "Id"} occurs in file-picker blocks */
        x = RAC_JSON_GET(x, "value");
    return rac_json_str(x, RAC_STR_NULL);
}

static rac_str text(const struct rac_json *v, const char *key)
{
    return text_of(rac_json_get(v, rac_str_of(key)));
}

static rac_str first_of(rac_str x, rac_str y)
{
    return x.n > 0 ? x : y;
}

/* --- arguments as written --------------------------------------------------------------------- */

static void read_arg(const struct rac_json_member *m, struct rac_dynamic_arg *out)
{
    const struct rac_json *v = &m->value;
    static const char *const selected[] = {"selectedItemValuePath", "value-property"};
    *out = (struct rac_dynamic_arg){.name = rac_json_key(m), .literal = v};
    if (!rac_json_is_object(v))
        return;
    rac_str ref = text(v, "parameterReference");
    if (ref.n == 0 && rac_json_is_string(RAC_JSON_GET(v, "parameter")))
        ref = text(v, "parameter");
    if (ref.n > 0) {
        out->kind = RAC_ARG_REFERENCE;
        out->path = ref;
        return;
    }
    for (size_t i = 0; i < RAC_COUNT(selected); i++) {
        rac_str p = rac_json_str(rac_json_get(v, rac_str_of(selected[i])), RAC_STR_NULL);
        if (p.n > 0) {
            out->kind = RAC_ARG_SELECTED;
            out->path = p;
            return;
        }
    }
    const struct rac_json *value = RAC_JSON_GET(v, "value");
    if (value != NULL && rac_json_len(v) == 1)
        out->literal = value;
}

static void read_call(const struct rac_json *v, struct rac_arena *a,
                      struct rac_dynamic_call_def *out)
{
    const struct rac_json *params = RAC_JSON_GET(v, "parameters");
    *out = (struct rac_dynamic_call_def){.operation_id = text_of(rac_api_target(v))};
    out->items_path = first_of(text(v, "itemsPath"), text(v, "value-collection"));
    out->value_path = first_of(text(v, "itemValuePath"), text(v, "value-path"));
    out->title_path = first_of(text(v, "itemTitlePath"), text(v, "value-title"));
    out->description_path = first_of(text(v, "itemDescriptionPath"), text(v, "value-description"));
    out->selectable_path = text(v, "value-selectable");
    out->full_title_path = text(v, "itemFullTitlePath");
    out->is_parent = text(v, "itemIsParent");
    out->folder_path = text(v, "value-folder-property");
    out->media_path = text(v, "value-media-property");
    out->args = RAC_NEW_N(a, struct rac_dynamic_arg, rac_json_len(params));
    if (rac_json_is_object(params))
        RAC_JSON_EACH_MEMBER(m, params)
    read_arg(m, &out->args[out->args_n++]);
}

/* --- extensions ------------------------------------------------------------------------------- */

static const struct rac_json *capability(const struct rac_json *root, rac_str name)
{
    const struct rac_json *all = RAC_JSON_GET(root, "x-ms-capabilities");
    return rac_json_get(all, name);
}

/* x-ms-dynamic-values with `capability: file-picker`: the calls stand at the root (§5.7). */
static bool read_picker(const struct rac_json *root, const struct rac_json *values,
                        struct rac_arena *a, struct rac_dynamic_def *out)
{
    const struct rac_json *pick = capability(root, text(values, "capability"));
    if (!rac_json_is_object(RAC_JSON_GET(pick, "open")))
        return false;
    struct rac_dynamic_call_def *both[] = {&out->call, &out->browse};
    static const char *const keys[] = {"open", "browse"};
    for (size_t i = 0; i < RAC_COUNT(both); i++) {
        struct rac_dynamic_call_def *d = both[i];
        read_call(rac_json_get(pick, rac_str_of(keys[i])), a, d);
        d->items_path = text(pick, "value-collection");
        d->value_path = first_of(text(values, "value-path"), text(pick, "value-path"));
        d->title_path = first_of(text(pick, "value-title"), text(values, "value-title"));
        d->title_path = first_of(d->title_path, RAC_S("DisplayName"));
        d->value_path = first_of(d->value_path, RAC_S("Id"));
        d->folder_path = first_of(text(pick, "value-folder-property"), RAC_S("IsFolder"));
        d->media_path = first_of(text(pick, "value-media-property"), RAC_S("MediaType"));
    }
    out->kind = RAC_DYNAMIC_TREE;
    bool folders =
        rac_str_findi(text(RAC_JSON_GET(values, "parameters"), "isFolder"), RAC_S("true")) !=
            RAC_STR_NPOS ||
        rac_json_bool(RAC_JSON_GET(RAC_JSON_GET(values, "parameters"), "isFolder"), false);
    out->select_parents = folders;
    out->select_leaves = !folders;
    return true;
}

static bool read_tree(const struct rac_json *root, const struct rac_json *node, struct rac_arena *a,
                      struct rac_dynamic_def *out)
{
    const struct rac_json *tree = RAC_JSON_GET(node, "x-ms-dynamic-tree");
    const struct rac_json *values = RAC_JSON_GET(node, "x-ms-dynamic-values");
    if (!rac_json_is_object(RAC_JSON_GET(tree, "open")))
        return RAC_JSON_GET(values, "capability") != NULL && read_picker(root, values, a, out);
    const struct rac_json *settings = RAC_JSON_GET(tree, "settings");
    out->kind = RAC_DYNAMIC_TREE;
    read_call(RAC_JSON_GET(tree, "open"), a, &out->call);
    read_call(RAC_JSON_GET(tree, "browse"), a, &out->browse);
    out->select_parents = rac_json_bool(RAC_JSON_GET(settings, "canSelectParentNodes"), false);
    out->select_leaves = rac_json_bool(RAC_JSON_GET(settings, "canSelectLeafNodes"), true);
    return true;
}

static bool read_pair(const struct rac_json *node, const char *modern, const char *old,
                      enum rac_dynamic_kind kind, struct rac_arena *a, struct rac_dynamic_def *out)
{
    const struct rac_json *v = rac_json_get(node, rac_str_of(modern));
    if (!rac_json_is_object(v))
        v = rac_json_get(node, rac_str_of(old));
    if (!rac_json_is_object(v))
        return false;
    out->kind = kind;
    out->built_in = text(v, "builtInOperation");
    read_call(v, a, &out->call);
    return out->call.operation_id.n > 0 || out->built_in.n > 0;
}

bool rac_dynamic_read(const struct rac_json *root, const struct rac_json *node,
                      enum rac_dynamic_kind kind, struct rac_arena *a, struct rac_dynamic_def *out)
{
    *out = (struct rac_dynamic_def){0};
    bool any = kind == RAC_DYNAMIC_ANY;
    if (any || kind == RAC_DYNAMIC_VALUES)
        if (read_pair(node, "x-ms-dynamic-list", "x-ms-dynamic-values", RAC_DYNAMIC_VALUES, a, out))
            return true;
    if (any || kind == RAC_DYNAMIC_VALUES || kind == RAC_DYNAMIC_TREE)
        if (read_tree(root, node, a, out))
            return true;
    if (any || kind == RAC_DYNAMIC_SCHEMA)
        if (read_pair(node, "x-ms-dynamic-properties", "x-ms-dynamic-schema", RAC_DYNAMIC_SCHEMA, a,
                      out))
            return true;
    return false;
}

/* --- arguments of a call ---------------------------------------------------------------------- */

static const struct rac_api_param *body_param(const struct rac_api_operation *op)
{
    return op != NULL ? rac_api_body(op) : NULL;
}

/* "@…" is evaluated when a workflow runs; "@@" is a plain at sign. */
static bool is_expression(const struct rac_json *v)
{
    rac_str s = rac_json_str(v, RAC_S(""));
    if (s.n > 1 && s.p[0] == '@' && s.p[1] != '@')
        return true;
    return rac_str_find(s, RAC_S("@{")) != RAC_STR_NPOS;
}

static bool is_empty(const struct rac_json *v)
{
    return v == NULL || rac_json_is_null(v) || (rac_json_is_string(v) && v->n == 0);
}

/* What has been filled in at a reference. A bare name may also be a property of the body: in the
 * old form a property refers to its neighbours so. */
static const struct rac_json *referenced(const struct rac_api_operation *source,
                                         const struct rac_json *parameters, rac_str path)
{
    const struct rac_json *v = rac_json_get(parameters, path);
    const struct rac_api_param *body = body_param(source);
    const struct rac_json *filled = body != NULL ? rac_json_get(parameters, body->name) : NULL;
    if (v != NULL)
        return v;
    v = rac_dynamic_path(parameters, path);
    if (v != NULL)
        return v;
    rac_str rest, head = rac_str_cut(path, '/', &rest);
    if (rest.p != NULL && rac_str_eqi(head, RAC_S("body")) && filled != NULL)
        return rac_dynamic_path(filled, rest);
    return filled != NULL ? rac_dynamic_path(filled, path) : NULL;
}

static const struct rac_json *selected(const struct rac_json *selection, rac_str path)
{
    if (!rac_json_is_object(selection))
        return selection; /* the value itself */
    const struct rac_json *v = rac_json_get(selection, path);
    if (v == NULL)
        v = rac_dynamic_path(selection, path);
    return v != NULL ? v : RAC_JSON_GET(selection, "value");
}

static bool has_param(const struct rac_api_operation *op, rac_str name)
{
    for (size_t i = 0; op != NULL && i < op->params_n; i++)
        if (rac_str_eq(op->params[i].name, name))
            return true;
    return false;
}

/* Puts v at "a/b/c" below object o. */
static void put_path(struct rac_arena *a, struct rac_json *o, rac_str path, struct rac_json v)
{
    rac_str rest, head = rac_str_cut(path, '/', &rest);
    for (unsigned depth = 0; rest.p != NULL && depth < 32; depth++) {
        struct rac_json *next = rac_json_get(o, head);
        if (!rac_json_is_object(next))
            next = rac_json_put(a, o, head, rac_json_new_object(a));
        o = next;
        head = rac_str_cut(rest, '/', &rest);
    }
    rac_json_put(a, o, head, v);
}

/* Names are parameters of the target, or paths into its body (§5.5). */
static void put_arg(struct rac_arena *a, const struct rac_api_operation *target,
                    struct rac_json *out, rac_str name, struct rac_json v)
{
    const struct rac_api_param *body = body_param(target);
    rac_str rest, head = rac_str_cut(name, '/', &rest);
    if (target == NULL || has_param(target, name) || body == NULL) {
        rac_json_put(a, out, name, v);
        return;
    }
    if (rest.p == NULL) { /* no such parameter: a property of the body */
        rest = name;
    } else if (!has_param(target, head) && !rac_str_eqi(head, RAC_S("body"))) {
        rest = name;
    }
    struct rac_json *b = rac_json_get(out, body->name);
    if (!rac_json_is_object(b))
        b = rac_json_put(a, out, body->name, rac_json_new_object(a));
    put_path(a, b, rest, v);
}

enum rac_dynamic_args rac_dynamic_args_build(const struct rac_dynamic_call_def *d,
                                             const struct rac_api_operation *source,
                                             const struct rac_api_operation *target,
                                             const struct rac_json *parameters,
                                             const struct rac_json *selection, struct rac_arena *a,
                                             struct rac_json *out, rac_str *needs)
{
    *out = rac_json_new_object(a);
    for (size_t i = 0; i < d->args_n; i++) {
        const struct rac_dynamic_arg *x = &d->args[i];
        const struct rac_json *v = x->literal;
        if (x->kind == RAC_ARG_REFERENCE) {
            v = referenced(source, parameters, x->path);
            if (is_empty(v)) {
                *needs = x->path;
                return RAC_ARGS_NEED;
            }
            if (is_expression(v))
                return RAC_ARGS_EXPRESSION;
        } else if (x->kind == RAC_ARG_SELECTED) {
            v = selected(selection, x->path);
        }
        if (v != NULL && !rac_json_is_null(v))
            put_arg(a, target, out, x->name, rac_json_copy(a, v));
    }
    return RAC_ARGS_OK;
}
