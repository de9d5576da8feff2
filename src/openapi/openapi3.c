/*
 * OpenAPI 3.0 and 3.1 to 2.0 (connectors.md §2.6): the document, paths and operations. Schemas,
 * parameters, bodies, security, servers and references each have a file of their own.
 */
#include "openapi/api.h"
#include "openapi/openapi3_priv.h"

static const char *const root_keys[] = {
    "openapi",  "info", "jsonSchemaDialect", "servers", "paths", "webhooks", "components",
    "security", "tags", "externalDocs",      NULL};
static const char *const item_keys[] = {
    "$ref",  "summary", "description", "get",        "put",
    "post",  "delete",  "options",     "head",       "patch",
    "trace", "query",   "servers",     "parameters", "additionalOperations",
    NULL};
static const char *const operation_keys[] = {
    "tags",       "summary",     "description", "externalDocs", "operationId",
    "parameters", "requestBody", "responses",   "callbacks",    "deprecated",
    "security",   "servers",     NULL};
static const char *const component_keys[] = {
    "schemas", "responses", "parameters", "examples", "requestBodies", "headers", "securitySchemes",
    "links",   "callbacks", "pathItems",  NULL};
static const char *const methods[] = {"get",     "put",  "post",  "delete",
                                      "options", "head", "patch", NULL};

/* --- info, tags ------------------------------------------------------------------------------- */

static struct rac_json known_strings(struct o3 *x, const struct rac_place *at,
                                     const char *const *keys, const char *where)
{
    struct rac_json o = rac_json_new_object(x->a);
    for (const char *const *k = keys; *k != NULL; k++)
        rac_json_copy_string(x->a, &o, at->node, rac_str_of(*k));
    o3_extensions(x, at, &o);
    o3_unknown(x, at, keys, where);
    return o;
}

static void write_info(struct o3 *x, const struct rac_place *root)
{
    static const char *const known[] = {"title",   "description", "termsOfService", "contact",
                                        "license", "version",     "summary",        NULL};
    static const char *const contact[] = {"name", "url", "email", NULL};
    static const char *const license[] = {"name", "url", NULL};
    struct rac_place at = RAC_PLACE_KEY(root, "info", RAC_JSON_GET(root->node, "info"));
    struct rac_json o = rac_json_new_object(x->a);
    rac_str title = rac_str_trim(rac_json_str(RAC_JSON_GET(at.node, "title"), RAC_S("")));
    rac_str version = rac_str_trim(rac_json_str(RAC_JSON_GET(at.node, "version"), RAC_S("")));
    const struct rac_json *number = RAC_JSON_GET(at.node, "version");
    if (rac_json_is_number(number)) /* YAML: version: 1.0 */
        version = rac_json_print_str(number, 0, x->a);
    if (title.n == 0)
        o3_loss(x, RAC_RULE_O3_16, at.node != NULL ? &at : root, "the description has no title");
    RAC_JSON_PUT_STR(x->a, &o, "title", title.n > 0 ? title : RAC_S("Untitled"));
    rac_str summary = rac_json_str(RAC_JSON_GET(at.node, "summary"), RAC_S(""));
    rac_str description = rac_json_str(RAC_JSON_GET(at.node, "description"), RAC_S(""));
    if (description.n > 0 || summary.n > 0)
        RAC_JSON_PUT_STR(x->a, &o, "description", description.n > 0 ? description : summary);
    if (description.n > 0 && summary.n > 0) {
        struct rac_place s = RAC_PLACE_KEY(&at, "summary", RAC_JSON_GET(at.node, "summary"));
        o3_loss(x, RAC_RULE_O3_06, &s, "the summary of the description was dropped");
    }
    rac_json_copy_string(x->a, &o, at.node, RAC_S("termsOfService"));
    struct rac_place c = RAC_PLACE_KEY(&at, "contact", RAC_JSON_GET(at.node, "contact"));
    if (rac_json_is_object(c.node))
        RAC_JSON_PUT(x->a, &o, "contact", known_strings(x, &c, contact, "a contact"));
    struct rac_place l = RAC_PLACE_KEY(&at, "license", RAC_JSON_GET(at.node, "license"));
    if (rac_json_is_string(RAC_JSON_GET(l.node, "name")))
        RAC_JSON_PUT(x->a, &o, "license", known_strings(x, &l, license, "a license"));
    else if (l.node != NULL)
        o3_loss(x, RAC_RULE_O3_16, &l, "a license without a name was dropped");
    RAC_JSON_PUT_STR(x->a, &o, "version", version.n > 0 ? version : RAC_S("1.0.0"));
    o3_extensions(x, &at, &o);
    o3_unknown(x, &at, known, "info");
    RAC_JSON_PUT(x->a, x->out, "info", o);
}

static bool put_docs(struct o3 *x, const struct rac_place *owner, struct rac_json *o)
{
    struct rac_place at =
        RAC_PLACE_KEY(owner, "externalDocs", RAC_JSON_GET(owner->node, "externalDocs"));
    static const char *const known[] = {"description", "url", NULL};
    if (at.node != NULL && !rac_json_is_string(RAC_JSON_GET(at.node, "url")))
        o3_loss(x, RAC_RULE_O3_16, &at, "'externalDocs' without a url was dropped");
    if (!rac_json_is_string(RAC_JSON_GET(at.node, "url")))
        return false;
    RAC_JSON_PUT(x->a, o, "externalDocs", known_strings(x, &at, known, "externalDocs"));
    return true;
}

static void write_tags(struct o3 *x, const struct rac_place *root)
{
    static const char *const known[] = {"name", "description", "externalDocs", NULL};
    struct rac_place all = RAC_PLACE_KEY(root, "tags", RAC_JSON_GET(root->node, "tags"));
    struct rac_json list = rac_json_new_array(x->a);
    struct rac_map seen;
    rac_map_init(&seen, x->a);
    for (size_t i = 0; i < rac_json_len(all.node); i++) {
        struct rac_place at = rac_place_at(&all, i, rac_json_at(all.node, i));
        rac_str name = rac_json_str(RAC_JSON_GET(at.node, "name"), RAC_S(""));
        if (name.n == 0 || !rac_map_add(&seen, name, x)) {
            o3_loss(x, RAC_RULE_O3_16, &at, "a tag %s was dropped",
                    name.n == 0 ? "without a name" : "that is there twice");
            continue;
        }
        struct rac_json o = rac_json_new_object(x->a);
        RAC_JSON_PUT_STR(x->a, &o, "name", name);
        rac_json_copy_string(x->a, &o, at.node, RAC_S("description"));
        put_docs(x, &at, &o);
        o3_extensions(x, &at, &o);
        o3_unknown(x, &at, known, "a tag");
        rac_json_add(x->a, &list, o);
    }
    if (rac_json_len(&list) > 0)
        RAC_JSON_PUT(x->a, x->out, "tags", list);
}

/* --- webhooks --------------------------------------------------------------------------------- */

/* "{$request.body#/a/b}" to "/a/b"; absent for anything else. */
static rac_str callback_pointer(rac_str key)
{
    rac_str prefix = RAC_S("{$request.body#");
    if (!rac_str_starts(key, prefix) || !rac_str_ends(key, RAC_S("}")))
        return RAC_STR_NULL;
    rac_str p = rac_str_sub(key, prefix.n, key.n - prefix.n - 1);
    return p.n > 1 && p.p[0] == '/' ? p : RAC_STR_NULL;
}

/* A copy of an object schema whose property at `pointer` takes the callback URL; NONE: it has no
 * such property. Every schema on the way is internal and required (§5.3). */
static struct rac_json mark_url(struct o3 *x, const struct rac_json *schema, rac_str pointer,
                                unsigned depth)
{
    rac_str rest, name = rac_str_cut(rac_str_from(pointer, 1), '/', &rest);
    struct rac_json flat = o3_flatten(x, schema);
    const struct rac_json *props = RAC_JSON_GET(&flat, "properties");
    const struct rac_json *inner = rac_json_get(props, name);
    if (inner == NULL || depth > 8 ||
        !o3_may_copy(x, rac_json_len(props) + rac_json_len(RAC_JSON_GET(&flat, "required"))))
        return rac_json_none;
    struct rac_json marked;
    if (rest.p != NULL) {
        marked = mark_url(x, inner, rac_str_from(pointer, 1 + name.n), depth + 1);
        if (marked.type == RAC_JSON_NONE)
            return marked;
    } else {
        struct rac_json end = o3_flatten(x, inner);
        marked = rac_json_shallow(x->a, &end);
        RAC_JSON_PUT_STR(x->a, &marked, "type", RAC_S("string"));
        RAC_JSON_PUT(x->a, &marked, "x-ms-notification-url", rac_json_of_bool(true));
        RAC_JSON_PUT_STR(x->a, &marked, "x-ms-visibility", RAC_S("internal"));
    }
    struct rac_json o = rac_json_shallow(x->a, &flat), list = rac_json_shallow(x->a, props);
    rac_json_put(x->a, &list, name, marked);
    RAC_JSON_PUT(x->a, &o, "properties", list);
    struct rac_json required = rac_json_new_array(x->a);
    RAC_JSON_EACH(e, RAC_JSON_GET(&o, "required"))
    {
        rac_json_add(x->a, &required, *e);
    }
    rac_json_add_string_once(x->a, &required, name);
    RAC_JSON_PUT(x->a, &o, "required", required);
    if (depth > 0)
        RAC_JSON_PUT_STR(x->a, &o, "x-ms-visibility", RAC_S("internal"));
    return o;
}

static struct rac_json *body_param(struct rac_json *params)
{
    RAC_JSON_EACH(p, params)
    {
        if (rac_str_eq(rac_json_str(RAC_JSON_GET(p, "in"), RAC_S("")), RAC_S("body")))
            return p;
    }
    return NULL;
}

/* What the service posts to the callback URL. */
static struct rac_json notification(struct o3 *x, const struct rac_place *post)
{
    struct rac_json o = rac_json_new_object(x->a), params = rac_json_new_array(x->a);
    struct rac_json scratch = rac_json_new_object(x->a);
    static const char *const kept[] = {"description", "requestBody", "responses", NULL};
    rac_str d = rac_json_str(RAC_JSON_GET(post->node, "description"), RAC_S(""));
    static const char *const kept_too[] = {"summary", "requestBody", "responses", NULL};
    o3_lost(x, post, d.n > 0 ? kept : kept_too, "a callback");
    if (d.n == 0)
        d = rac_json_str(RAC_JSON_GET(post->node, "summary"), RAC_S(""));
    o3_request_body(x, post, RAC_S("post"), &scratch, &params);
    const struct rac_json *body = body_param(&params);
    rac_str of_body = rac_json_str(RAC_JSON_GET(body, "description"), RAC_S(""));
    struct rac_place at =
        RAC_PLACE_KEY(post, "requestBody", RAC_JSON_GET(post->node, "requestBody"));
    if (d.n > 0 && of_body.n > 0)
        o3_loss(x, RAC_RULE_O3_06, &at, "the description of the body of a callback was dropped");
    if (d.n > 0 || of_body.n > 0)
        RAC_JSON_PUT_STR(x->a, &o, "description", d.n > 0 ? d : of_body);
    RAC_JSON_PUT(x->a, &o, "schema",
                 body != NULL ? *RAC_JSON_GET(body, "schema") : rac_json_new_object(x->a));
    return o;
}

static bool webhook(struct o3 *x, const struct rac_place *at, struct rac_json *out,
                    struct rac_json *params, struct rac_json *item)
{
    static const char *const only_post[] = {"post", NULL};
    const struct rac_json_member *m = rac_json_member_at(at->node, 0);
    rac_str pointer = m != NULL ? callback_pointer(rac_json_key(m)) : RAC_STR_NULL;
    struct rac_json *body = body_param(params);
    if (rac_json_len(at->node) != 1 || pointer.p == NULL || body == NULL ||
        RAC_JSON_GET(item, "x-ms-notification-content") != NULL)
        return false;
    struct rac_place path = rac_place_key(at, rac_json_key(m), &m->value), end;
    if (!o3_follow(x, &path, &end))
        return false;
    struct rac_place post = RAC_PLACE_KEY(&end, "post", RAC_JSON_GET(end.node, "post"));
    if (post.node == NULL)
        return false;
    struct rac_json marked = mark_url(x, RAC_JSON_GET(body, "schema"), pointer, 0);
    if (marked.type == RAC_JSON_NONE)
        return false;
    o3_lost(x, &end, only_post, "a callback");
    RAC_JSON_PUT(x->a, body, "schema", marked);
    RAC_JSON_PUT(x->a, body, "required", rac_json_of_bool(true));
    RAC_JSON_PUT(x->a, item, "x-ms-notification-content", notification(x, &post));
    RAC_JSON_PUT_STR(x->a, out, "x-ms-trigger", RAC_S("single"));
    return true;
}

static void callbacks(struct o3 *x, const struct rac_place *op, struct rac_json *out,
                      struct rac_json *params, struct rac_json *item)
{
    struct rac_place all = RAC_PLACE_KEY(op, "callbacks", RAC_JSON_GET(op->node, "callbacks"));
    bool done = false;
    RAC_JSON_EACH_MEMBER(m, all.node)
    {
        struct rac_place at = rac_place_key(&all, rac_json_key(m), &m->value), end;
        if (rac_str_starts(rac_json_key(m), RAC_S("x-")))
            continue;
        if (!done && o3_follow(x, &at, &end) && webhook(x, &end, out, params, item))
            done = true;
        else
            o3_loss(x, RAC_RULE_O3_11, &at, "the callback '%.*s' was dropped",
                    (int)(rac_json_key(m).n < 80 ? rac_json_key(m).n : 80), rac_json_key(m).p);
    }
}

/* --- operations ------------------------------------------------------------------------------- */

static struct rac_json string_set(struct o3 *x, const struct rac_json *list)
{
    struct rac_json out = rac_json_new_array(x->a);
    rac_json_add_names(x->a, &out, list);
    return out;
}

static rac_str operation_id(struct o3 *x, const struct rac_place *op, rac_str method, rac_str path)
{
    struct rac_place at = RAC_PLACE_KEY(op, "operationId", RAC_JSON_GET(op->node, "operationId"));
    rac_str id = rac_str_trim(rac_json_str(at.node, RAC_S("")));
    if (id.n > 0 && rac_operation_id_take(x->c, id))
        return id;
    if (id.n > 0) {
        rac_str other = rac_operation_id_number(x->c, id, SIZE_MAX);
        o3_loss(x, RAC_RULE_O3_14, &at, "the operationId '%.*s' is taken; this one is '%.*s'",
                (int)(id.n < 100 ? id.n : 100), id.p, (int)(other.n < 110 ? other.n : 110),
                other.p);
        return other;
    }
    id = rac_operation_id_make(x->c, rac_name_of_path(x->a, method, path), RAC_S(""));
    o3_loss(x, RAC_RULE_O3_14, op, "the operation has no operationId; it is called '%.*s'",
            RAC_FMT(id));
    return id;
}

static bool has_path_param(struct o3 *x, const struct rac_json *list, rac_str name)
{
    RAC_JSON_EACH(e, list)
    {
        const struct rac_json *p = o3_parameter_of(x, e);
        if (rac_str_eq(rac_json_str(RAC_JSON_GET(p, "in"), RAC_S("")), RAC_S("path")) &&
            rac_str_eq(rac_json_str(RAC_JSON_GET(p, "name"), RAC_S("")), name))
            return true;
    }
    return false;
}

/* Holes of the path that no parameter fills get one (RC-PATH-04). */
static void fill_path(struct o3 *x, const struct rac_place *op, rac_str path,
                      const struct rac_json *shared, struct rac_json *params)
{
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] != '{')
            continue;
        rac_str rest = rac_str_from(path, i + 1);
        size_t len = rac_str_find_char(rest, '}');
        if (len == RAC_STR_NPOS)
            return;
        rac_str name = rac_str_sub(rest, 0, len);
        i += len;
        if (len == 0 || has_path_param(x, params, name) || has_path_param(x, shared, name))
            continue;
        struct rac_json o = rac_json_new_object(x->a);
        RAC_JSON_PUT_STR(x->a, &o, "name", name);
        RAC_JSON_PUT_STR(x->a, &o, "in", RAC_S("path"));
        RAC_JSON_PUT(x->a, &o, "required", rac_json_of_bool(true));
        RAC_JSON_PUT_STR(x->a, &o, "type", RAC_S("string"));
        RAC_JSON_PUT_STR(x->a, &o, "x-ms-url-encoding", RAC_S("single"));
        rac_json_add(x->a, params, o);
        o3_loss(x, RAC_RULE_O3_16, op, "no parameter fills {%.*s} of the path; a string was added",
                (int)(name.n < 100 ? name.n : 100), name.p);
    }
}

struct item { /* a path item under construction */
    const struct rac_place *at;
    rac_str path;
    struct rac_json params; /* shared */
    struct rac_json out;
};

static void texts(struct o3 *x, const struct item *it, const struct rac_place *op,
                  struct rac_json *out)
{
    struct rac_json tags = string_set(x, RAC_JSON_GET(op->node, "tags"));
    if (rac_json_len(&tags) > 0)
        RAC_JSON_PUT(x->a, out, "tags", tags);
    static const rac_str keys[] = {RAC_S_INIT("summary"), RAC_S_INIT("description")};
    for (size_t i = 0; i < RAC_COUNT(keys); i++) {
        const struct rac_json *v = rac_json_get(op->node, keys[i]);
        if (!rac_json_is_string(v))
            v = rac_json_get(it->at->node, keys[i]); /* 2.0 has none on a path item */
        if (rac_json_is_string(v))
            rac_json_put(x->a, out, keys[i], *v);
    }
    put_docs(x, op, out);
}

static void operation(struct o3 *x, struct item *it, rac_str method, const struct rac_json *node)
{
    struct rac_place op = rac_place_key(it->at, method, node);
    if (!rac_json_is_object(node)) {
        o3_loss(x, RAC_RULE_O3_16, &op, "the operation is no object; it was dropped");
        return;
    }
    struct rac_json out = rac_json_new_object(x->a);
    texts(x, it, &op, &out);
    rac_str id = operation_id(x, &op, method, it->path);
    RAC_JSON_PUT_STR(x->a, &out, "operationId", id);
    if (rac_json_bool(RAC_JSON_GET(node, "deprecated"), false))
        RAC_JSON_PUT(x->a, &out, "deprecated", rac_json_of_bool(true));
    x->operations_n++;
    struct rac_place list = RAC_PLACE_KEY(&op, "parameters", RAC_JSON_GET(node, "parameters"));
    struct rac_json params = o3_parameters(x, &list, it->path);
    fill_path(x, &op, it->path, &it->params, &params);
    struct rac_json body = rac_json_new_array(x->a);
    o3_request_body(x, &op, method, &out, &body);
    callbacks(x, &op, &out, &body, &it->out);
    RAC_JSON_EACH(p, &body)
    {
        rac_json_add(x->a, &params, *p);
    }
    struct rac_json tail = rac_json_new_object(x->a);
    o3_responses(x, &op, &tail);
    const struct rac_json *produces = RAC_JSON_GET(&tail, "produces");
    if (produces != NULL)
        RAC_JSON_PUT(x->a, &out, "produces", *produces);
    if (rac_json_len(&params) > 0)
        RAC_JSON_PUT(x->a, &out, "parameters", params);
    RAC_JSON_PUT(x->a, &out, "responses", *RAC_JSON_GET(&tail, "responses"));
    o3_security_operation(x, &op, id, &out);
    o3_servers_operation(x, it->at, &op, id);
    o3_extensions(x, &op, &out);
    o3_unknown(x, &op, operation_keys, "an operation");
    rac_json_put(x->a, &it->out, method, out);
}

/* --- paths ------------------------------------------------------------------------------------ */

rac_str o3_clean_path(struct o3 *x, rac_str path)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 20);
    if (path.n == 0 || path.p[0] != '/')
        rac_buf_add_char(&b, '/');
    struct rac_map seen;
    rac_map_init(&seen, x->a);
    for (size_t i = 0; i < path.n; i++) {
        rac_str rest = rac_str_from(path, i + 1);
        size_t len = path.p[i] == '{' ? rac_str_find_char(rest, '}') : RAC_STR_NPOS;
        rac_str name = len == RAC_STR_NPOS ? RAC_STR_NULL : rac_str_sub(rest, 0, len);
        bool hole = len != RAC_STR_NPOS && len > 0 &&
                    rac_str_find_char(name, '/') == RAC_STR_NPOS &&
                    rac_str_find_char(name, '{') == RAC_STR_NPOS;
        if (hole) {
            rac_str other = name;
            for (unsigned n = 2; !rac_map_add(&seen, other, x); n++)
                other = rac_arena_printf(x->a, "%.*s_%u", RAC_FMT(name), n);
            rac_buf_printf(&b, "{%.*s}", RAC_FMT(other));
            i += len + 1;
        } else if (path.p[i] == '{' || path.p[i] == '}') {
            rac_buf_printf(&b, "%%%02X", (unsigned char)path.p[i]);
        } else {
            rac_buf_add_char(&b, path.p[i]);
        }
    }
    return rac_buf_finish(&b, x->a);
}

bool o3_path_is_sane(rac_str path)
{
    size_t holes = 0;
    for (size_t i = 0; i < path.n; i++)
        holes += path.p[i] == '{';
    return holes <= O3_HOLES_MAX && path.n <= O3_PATH_BYTES_MAX;
}

/* Absent: no method, or one in small letters. */
static rac_str small_method(rac_str key)
{
    enum rac_api_method method;
    if (!rac_api_method_parse(key, &method))
        return RAC_STR_NULL;
    rac_str small = rac_str_of(rac_api_method_name(method));
    return rac_str_eq(small, key) ? RAC_STR_NULL : small;
}

const struct rac_json *o3_small_methods(struct o3 *x, const struct rac_place *at,
                                        enum rac_rule_id rule)
{
    bool odd = false;
    RAC_JSON_EACH_MEMBER(m, at->node)
    odd |= small_method(rac_json_key(m)).p != NULL;
    if (!odd)
        return at->node;
    struct rac_json *out = RAC_NEW(x->a, struct rac_json);
    *out = rac_json_new_object(x->a);
    RAC_JSON_EACH_MEMBER(m, at->node)
    {
        rac_str key = rac_json_key(m), small = small_method(key);
        struct rac_place e = rac_place_key(at, key, &m->value);
        bool twice = small.p != NULL &&
                     (rac_json_get(at->node, small) != NULL || rac_json_get(out, small) != NULL);
        if (twice)
            o3_loss(x, RAC_RULE_O3_16, &e, "the method '%.*s' is there twice; one was dropped",
                    RAC_FMT(small));
        else if (small.p != NULL)
            o3_loss(x, rule, &e, "the method '%.*s' is written in small letters", RAC_FMT(key));
        if (!twice)
            rac_json_add_new(x->a, out, small.p != NULL ? small : key, m->value);
    }
    return out;
}

static void path_item(struct o3 *x, const struct rac_place *at, rac_str key)
{
    struct rac_place end;
    if (!o3_path_is_sane(key)) {
        struct rac_place all = *at->up; /* its own name is what is too long */
        o3_loss(x, RAC_RULE_O3_16, &all,
                "a path of %zu bytes was dropped: at most %d, and %d holes", key.n,
                O3_PATH_BYTES_MAX, O3_HOLES_MAX);
        return;
    }
    o3_beside_ref(x, at);
    if (!o3_follow(x, at, &end))
        return;
    if (!rac_json_is_object(end.node)) {
        o3_loss(x, RAC_RULE_O3_16, at, "the path item is no object; it was dropped");
        return;
    }
    end.node = o3_small_methods(x, &end, RAC_RULE_O3_16);
    struct item it = {.at = &end, .path = o3_clean_path(x, key), .out = rac_json_new_object(x->a)};
    if (!rac_str_eq(it.path, key))
        o3_loss(x, RAC_RULE_O3_16, at, "the path was changed to %.*s",
                (int)(it.path.n < 200 ? it.path.n : 200), it.path.p);
    struct rac_json *paths = RAC_JSON_GET(x->out, "paths");
    if (rac_json_get(paths, it.path) != NULL) {
        o3_loss(x, RAC_RULE_O3_16, at, "the path is there twice; the first one counts");
        return;
    }
    struct rac_place list = RAC_PLACE_KEY(&end, "parameters", RAC_JSON_GET(end.node, "parameters"));
    it.params = o3_parameters(x, &list, it.path);
    for (const char *const *m = methods; *m != NULL; m++) {
        const struct rac_json *op = rac_json_get(end.node, rac_str_of(*m));
        if (op != NULL)
            operation(x, &it, rac_str_of(*m), op);
    }
    static const rac_str lost[] = {RAC_S_INIT("trace"), RAC_S_INIT("query"),
                                   RAC_S_INIT("additionalOperations")};
    for (size_t i = 0; i < RAC_COUNT(lost); i++) {
        struct rac_place e = rac_place_key(&end, lost[i], rac_json_get(end.node, lost[i]));
        if (e.node != NULL)
            o3_loss(x, RAC_RULE_O3_09, &e, "OpenAPI 2.0 has no method '%.*s'; it was left out",
                    RAC_FMT(lost[i]));
    }
    if (rac_json_len(&it.params) > 0)
        RAC_JSON_PUT(x->a, &it.out, "parameters", it.params);
    o3_extensions(x, &end, &it.out);
    o3_unknown(x, &end, item_keys, "a path item");
    rac_json_put(x->a, paths, it.path, it.out);
}

static rac_err write_paths(struct o3 *x, const struct rac_place *root)
{
    struct rac_place all = RAC_PLACE_KEY(root, "paths", RAC_JSON_GET(root->node, "paths"));
    RAC_JSON_PUT(x->a, x->out, "paths", rac_json_new_object(x->a));
    if (all.node != NULL && !rac_json_is_object(all.node))
        o3_loss(x, RAC_RULE_O3_16, &all, "'paths' is no object; it was dropped");
    RAC_JSON_EACH_MEMBER(m, all.node)
    {
        if (x->too_much || rac_arena_over(x->a))
            return RAC_E_LIMIT;
        struct rac_place at = rac_place_key(&all, rac_json_key(m), &m->value);
        if (rac_str_starts(rac_json_key(m), RAC_S("x-")))
            rac_json_put(x->a, RAC_JSON_GET(x->out, "paths"), rac_json_key(m), o3_free(x, &at));
        else
            path_item(x, &at, rac_json_key(m));
    }
    return RAC_OK;
}

/* --- the document ----------------------------------------------------------------------------- */

static void report_root(struct o3 *x, const struct rac_place *root)
{
    struct rac_place hooks = RAC_PLACE_KEY(root, "webhooks", RAC_JSON_GET(root->node, "webhooks"));
    RAC_JSON_EACH_MEMBER(m, hooks.node)
    {
        struct rac_place at = rac_place_key(&hooks, rac_json_key(m), &m->value);
        o3_loss(x, RAC_RULE_O3_11, &at, "the webhook '%.*s' was not converted",
                (int)(rac_json_key(m).n < 80 ? rac_json_key(m).n : 80), rac_json_key(m).p);
    }
    rac_str v = x->c->main.doc->version;
    if (v.n == 0)
        o3_loss(x, RAC_RULE_O3_05, root, "the description does not say its version; read as 3.1");
    if (v.n > 2 && !rac_str_starts(v, RAC_S("3.0")) && !rac_str_starts(v, RAC_S("3.1"))) {
        struct rac_place at = RAC_PLACE_KEY(root, "openapi", RAC_JSON_GET(root->node, "openapi"));
        o3_loss(x, RAC_RULE_O3_05, &at, "version %.*s was read as 3.1", (int)(v.n < 40 ? v.n : 40),
                v.p);
    }
    o3_unknown(x, root, root_keys, "the document");
}

/* components.schemas are definitions under their own names, before anything refers to them. */
static void add_components(struct o3 *x, const struct rac_place *components)
{
    struct rac_place all =
        RAC_PLACE_KEY(components, "schemas", RAC_JSON_GET(components->node, "schemas"));
    RAC_JSON_EACH_MEMBER(m, all.node)
    {
        struct rac_place at = rac_place_key(&all, rac_json_key(m), &m->value);
        o3_def_add(x, rac_json_key(m), &at);
    }
}

void o3_begin(struct o3 *x, struct rac_convert_state *c, struct rac_json *out)
{
    *x = (struct o3){.c = c, .a = c->a, .root = &c->main.doc->root, .out = out};
    x->losses = c->losses;
    rac_map_init(&x->files, x->a);
    rac_map_init(&x->def_by_node, x->a);
    rac_map_init(&x->def_by_name, x->a);
    rac_map_init(&x->def_numbers, x->a);
    rac_map_init(&x->params, x->a);
    rac_map_init(&x->responses, x->a);
    rac_map_init(&x->own_servers, x->a);
    rac_map_init(&x->told, x->a);
    rac_map_init(&x->said, x->a);
    x->definitions = rac_json_new_object(x->a);
    x->out_params = rac_json_new_object(x->a);
    x->out_responses = rac_json_new_object(x->a);
    x->base_operations = rac_json_new_array(x->a);
}

rac_err rac_convert_openapi3(struct rac_convert_state *c, struct rac_json *definition)
{
    struct o3 x;
    o3_begin(&x, c, definition);
    struct rac_place root = rac_place_root(&c->main, RAC_S(""), x.root);
    struct rac_place components =
        RAC_PLACE_KEY(&root, "components", RAC_JSON_GET(x.root, "components"));
    report_root(&x, &root);
    o3_lost(&x, &components, component_keys, "components");
    RAC_JSON_PUT_STR(x.a, definition, "swagger", RAC_S("2.0"));
    write_info(&x, &root);
    o3_servers_root(&x);
    add_components(&x, &components);
    o3_security_begin(&x);
    o3_prepare_parameters(&x, &components);
    o3_prepare_responses(&x, &components);
    rac_err e = write_paths(&x, &root);
    if (e == RAC_OK)
        e = o3_write_definitions(&x);
    if (e != RAC_OK)
        return e;
    RAC_JSON_PUT(x.a, definition, "definitions", x.definitions);
    if (rac_json_len(&x.out_params) > 0)
        RAC_JSON_PUT(x.a, definition, "parameters", x.out_params);
    if (rac_json_len(&x.out_responses) > 0)
        RAC_JSON_PUT(x.a, definition, "responses", x.out_responses);
    o3_security_end(&x);
    o3_servers_end(&x);
    write_tags(&x, &root);
    put_docs(&x, &root, definition);
    o3_extensions(&x, &root, definition);
    return x.too_much || rac_arena_over(x.a) ? RAC_E_LIMIT : RAC_OK;
}
