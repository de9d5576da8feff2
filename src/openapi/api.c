/*
 * The index is built in one walk over `paths`; everything else (references, properties, success
 * responses) is looked up when asked for, because most readers need few of them. Cost is linear in
 * the number of operations and parameters, not in the size of the schemas.
 */
#include "openapi/api.h"

#include "base/str.h"
#include "base/uri.h"

enum {
    CHAIN_MAX = 64,           /* references to references before we call it a circle */
    PROPERTY_DEPTH_MAX = 12,  /* allOf inside allOf while looking for a property */
    MERGE_MEMBERS_MAX = 256,  /* keywords of a target that others are laid over */
    MERGED_MAX = 1 << 19,     /* keywords copied by merging, in all */
    PROPERTY_PARTS_MAX = 512, /* parts of allOf looked at for one property */
    URL_DEPTH_MAX = 64,       /* schemas in schemas while looking for a callback URL */
    URL_NODES_MAX = 1 << 20,  /* schemas looked at for callback URLs, in all */
    MAP_FROM = 48,            /* parameters of one operation from which a map finds them */
    PLACES = RAC_IN_FORM + 1,
    UNITE_MAX = 256, /* names of a required list that are compared one by one */
};

static const char *const method_names[RAC_METHOD_N] = {"get",   "put",  "post",   "delete",
                                                       "patch", "head", "options"};
static const char *const in_names[] = {"path", "query", "header", "body", "formData"};

const char *rac_api_method_name(enum rac_api_method m)
{
    RAC_ASSERT(m < RAC_METHOD_N);
    return method_names[m];
}

bool rac_api_method_parse(rac_str s, enum rac_api_method *m)
{
    if (s.n < 3 || s.n > 7 || strchr("gpdho", rac_lower(s.p[0])) == NULL)
        return false;
    for (enum rac_api_method i = 0; i < RAC_METHOD_N; i++)
        if (rac_lower(s.p[0]) == method_names[i][0] &&
            rac_str_eqi(s, rac_str_of(method_names[i]))) {
            *m = i;
            return true;
        }
    return false;
}

const char *rac_param_in_name(enum rac_param_in in)
{
    RAC_ASSERT((size_t)in < RAC_COUNT(in_names));
    return in_names[in];
}

bool rac_param_in_parse(rac_str s, enum rac_param_in *in)
{
    for (size_t i = 0; i < RAC_COUNT(in_names); i++)
        if (rac_str_eq(s, rac_str_of(in_names[i]))) {
            *in = (enum rac_param_in)i;
            return true;
        }
    return false;
}

enum rac_visibility rac_api_visibility(const struct rac_json *node)
{
    rac_str v = rac_json_str(RAC_JSON_GET(node, "x-ms-visibility"), RAC_STR_NULL);
    if (v.n == 0)
        return RAC_VISIBILITY_NONE;
    if (rac_str_eqi(v, RAC_S("important")))
        return RAC_VISIBILITY_IMPORTANT;
    if (rac_str_eqi(v, RAC_S("advanced")))
        return RAC_VISIBILITY_ADVANCED;
    if (rac_str_eqi(v, RAC_S("internal")))
        return RAC_VISIBILITY_INTERNAL;
    return RAC_VISIBILITY_NONE;
}

/* --- references --------------------------------------------------------------------------- */

static rac_str tilde_decode(struct rac_arena *a, rac_str s)
{
    return rac_str_replace(a, rac_str_replace(a, s, RAC_S("~1"), RAC_S("/")), RAC_S("~0"),
                           RAC_S("~"));
}

/* An entry of one of the three shared maps; its name as spelt first, then with escapes undone. */
static const struct rac_json *shared_entry(const struct rac_api *api, const struct rac_json *map,
                                           rac_str name)
{
    const struct rac_json *hit = rac_json_get(map, name);
    if (hit == NULL && map != NULL && memchr(name.p, '~', name.n) != NULL)
        hit = rac_json_get(map, tilde_decode(api->a, name));
    if (hit == NULL && map != NULL && memchr(name.p, '%', name.n) != NULL)
        hit = rac_json_get(map, tilde_decode(api->a, rac_url_decode(api->a, name, false)));
    return hit;
}

const struct rac_json *rac_api_lookup(const struct rac_api *api, rac_str ref)
{
    static const struct {
        rac_str prefix;
        size_t offset;
    } maps[] = {
        {RAC_S_INIT("#/definitions/"), offsetof(struct rac_api, definitions)},
        {RAC_S_INIT("#/parameters/"), offsetof(struct rac_api, parameters)},
        {RAC_S_INIT("#/responses/"), offsetof(struct rac_api, responses)},
    };
    if (ref.n == 0 || ref.p[0] != '#')
        return NULL;
    for (size_t i = 0; i < RAC_COUNT(maps); i++) {
        if (!rac_str_starts(ref, maps[i].prefix))
            continue;
        const struct rac_json *map =
            *(const struct rac_json *const *)((const char *)api + maps[i].offset);
        const struct rac_json *hit = shared_entry(api, map, rac_str_from(ref, maps[i].prefix.n));
        if (hit != NULL)
            return hit;
    }
    rac_str pointer = rac_str_from(ref, 1);
    if (pointer.n > 0 && memchr(pointer.p, '%', pointer.n) != NULL)
        pointer = rac_url_decode(api->a, pointer, false);
    return pointer.n == 0 ? api->root : rac_json_pointer_get(api->root, pointer);
}

/* True for keywords whose value in the target says what the thing is. */
static bool is_shape(rac_str key)
{
    static const rac_str keys[] = {RAC_S_INIT("type"), RAC_S_INIT("properties"),
                                   RAC_S_INIT("items"), RAC_S_INIT("allOf"),
                                   RAC_S_INIT("additionalProperties")};
    for (size_t i = 0; i < RAC_COUNT(keys); i++)
        if (rac_str_eq(key, keys[i]))
            return true;
    return false;
}

static bool list_has(const struct rac_json *list, const struct rac_json *v)
{
    RAC_JSON_EACH(e, list)
    if (rac_json_equal(e, v))
        return true;
    return false;
}

static struct rac_json unite(struct rac_arena *a, const struct rac_json *x,
                             const struct rac_json *y)
{
    struct rac_json all = rac_json_new_array(a);
    RAC_JSON_EACH(e, x)
    rac_json_add(a, &all, *e);
    RAC_JSON_EACH(e, y)
    if (!list_has(x, e))
        rac_json_add(a, &all, *e);
    return all;
}

/* target with the keywords beside the reference laid over it; remembered by address. */
static const struct rac_json *merge(struct rac_api *api, const struct rac_json *node,
                                    const struct rac_json *target)
{
    uintptr_t address = (uintptr_t)node;
    const struct rac_json *known =
        rac_map_get(&api->merged, (rac_str){(const char *)&address, sizeof(address)});
    if (known != NULL)
        return known;
    if (rac_arena_over(api->a) || rac_json_len(target) > MERGE_MEMBERS_MAX ||
        api->merged_members > MERGED_MAX)
        return target; /* many references to something large: memory comes first */
    api->merged_members += rac_json_len(target) + rac_json_len(node);
    struct rac_json *m = RAC_NEW(api->a, struct rac_json);
    *m = rac_json_new_object(api->a);
    m->pos = node->pos;
    RAC_JSON_EACH_MEMBER(t, target)
    rac_json_put(api->a, m, rac_json_key(t), t->value);
    RAC_JSON_EACH_MEMBER(s, node)
    {
        rac_str key = rac_json_key(s);
        struct rac_json *have = rac_json_get(m, key);
        if (rac_str_eq(key, RAC_S("$ref")) || (have != NULL && is_shape(key)))
            continue;
        if (rac_str_eq(key, RAC_S("required")) && rac_json_is_array(have) &&
            rac_json_is_array(&s->value)) {
            if (rac_json_len(have) <= UNITE_MAX && rac_json_len(&s->value) <= UNITE_MAX)
                *have = unite(api->a, have, &s->value);
        } else
            rac_json_put(api->a, m, key, s->value);
    }
    rac_str key = rac_arena_str(api->a, (rac_str){(const char *)&address, sizeof(address)});
    rac_map_put(&api->merged, key, m);
    return m;
}

const struct rac_json *rac_api_deref(struct rac_api *api, const struct rac_json *node)
{
    const struct rac_json *at = node, *siblings[CHAIN_MAX];
    size_t siblings_n = 0;
    for (int step = 0;; step++) {
        const struct rac_json *ref = rac_api_ref(at);
        if (!rac_json_is_string(ref))
            break;
        if (step == CHAIN_MAX)
            return NULL;
        if (at->object->n > 1)
            siblings[siblings_n++] = at;
        at = rac_api_lookup(api, rac_json_str(ref, RAC_STR_NULL));
        if (at == NULL)
            return NULL;
    }
    while (siblings_n > 0 && rac_json_is_object(at))
        at = merge(api, siblings[--siblings_n], at);
    return at;
}

/* --- properties and responses ------------------------------------------------------------- */

/* *budget bounds the walk: allOf of allOf grows with every level. */
static const struct rac_json *property(struct rac_api *api, const struct rac_json *schema,
                                       rac_str name, int depth, int *budget)
{
    schema = rac_api_deref(api, schema);
    const struct rac_json *p = rac_json_get(RAC_JSON_GET(schema, "properties"), name);
    if (p != NULL)
        return rac_api_deref(api, p);
    if (depth >= PROPERTY_DEPTH_MAX)
        return NULL;
    RAC_JSON_EACH(part, RAC_JSON_GET(schema, "allOf"))
    {
        if ((*budget)-- <= 0)
            return NULL;
        p = property(api, part, name, depth + 1, budget);
        if (p != NULL)
            return p;
    }
    return NULL;
}

const struct rac_json *rac_api_property(struct rac_api *api, const struct rac_json *schema,
                                        rac_str name)
{
    int budget = PROPERTY_PARTS_MAX;
    return property(api, schema, name, 0, &budget);
}

const struct rac_json *rac_api_property_path(struct rac_api *api, const struct rac_json *schema,
                                             rac_str path)
{
    const struct rac_json *at = rac_api_deref(api, schema);
    if (path.n > 0 && path.p[0] == '/')
        path = rac_str_from(path, 1);
    for (rac_str rest = path; rest.n > 0 && at != NULL;) {
        for (int i = 0; i < CHAIN_MAX && RAC_JSON_GET(at, "items") != NULL; i++)
            at = rac_api_deref(api, RAC_JSON_GET(at, "items"));
        rac_str name = rac_str_cut(rest, '/', &rest);
        at = rac_api_property(api, at, name);
    }
    return at;
}

const struct rac_json *rac_api_success(struct rac_api *api, const struct rac_api_operation *op,
                                       rac_str *code)
{
    const struct rac_json_member *best = NULL;
    RAC_JSON_EACH_MEMBER(m, op->responses)
    {
        rac_str key = rac_json_key(m);
        bool fallback = rac_str_eq(key, RAC_S("default"));
        if (!fallback && !(key.n == 3 && key.p[0] == '2'))
            continue;
        if (best == NULL || (!fallback && (best->key_n != 3 || /* default */
                                           rac_str_cmp(key, rac_json_key(best)) < 0)))
            best = m;
    }
    if (best == NULL)
        return NULL;
    if (code != NULL)
        *code = rac_json_key(best);
    return rac_api_deref(api, &best->value);
}

const struct rac_json *rac_api_response_schema(struct rac_api *api, const struct rac_json *response)
{
    const struct rac_json *schema = RAC_JSON_GET(response, "schema");
    return schema == NULL ? NULL : rac_api_deref(api, schema);
}

/* --- callback URLs ------------------------------------------------------------------------ */

/*
 * What is known of a schema that references name, or a struct url_search: it was looked through
 * then, but for a circle that was open at the time. OPEN: it is being looked through.
 */
static char url_open, url_none, url_found;

struct url_search {
    struct rac_api *api;
    bool cut;  /* something below was not looked through: a circle, the depth, the budget */
    bool none; /* it came to its end, and found nothing */
};

static bool has_url(struct url_search *s, const struct rac_json *schema, int depth);

static bool has_url_below(struct url_search *s, const struct rac_json *schema, int depth)
{
    if (rac_json_bool(RAC_JSON_GET(schema, "x-ms-notification-url"), false))
        return true;
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(schema, "properties"))
    if (has_url(s, &m->value, depth + 1))
        return true;
    RAC_JSON_EACH(part, RAC_JSON_GET(schema, "allOf"))
    if (has_url(s, part, depth + 1))
        return true;
    const struct rac_json *items = RAC_JSON_GET(schema, "items");
    return items != NULL && has_url(s, items, depth + 1);
}

/* A schema that a reference names is looked through once, unless part of it had to be left out. */
static bool has_url(struct url_search *s, const struct rac_json *schema, int depth)
{
    struct rac_api *api = s->api;
    bool shared = depth == 0 || rac_api_ref(schema) != NULL;
    schema = rac_api_deref(api, schema);
    if (!rac_json_is_object(schema))
        return false;
    rac_str key = {(const char *)&schema, sizeof(schema)};
    const void *known = shared ? rac_map_get(&api->urls, key) : NULL;
    if (known == &url_none || known == &url_found)
        return known == &url_found;
    bool searched = known != NULL && known != &url_open;
    if (searched && ((const struct url_search *)known)->none)
        return false;
    if (known == &url_open || known == s || depth > URL_DEPTH_MAX ||
        ++api->url_nodes > URL_NODES_MAX) {
        s->cut = true;
        return false;
    }
    if (!shared)
        return has_url_below(s, schema, depth);
    key = rac_arena_str(api->a, key);
    rac_map_put(&api->urls, key, &url_open);
    bool outer = s->cut;
    s->cut = false;
    bool found = has_url_below(s, schema, depth);
    rac_map_put(&api->urls, key, found ? &url_found : s->cut ? (void *)s : &url_none);
    s->cut |= outer;
    return found;
}

bool rac_api_has_callback_url(struct rac_api *api, const struct rac_json *schema)
{
    struct url_search *s = RAC_NEW(api->a, struct url_search);
    s->api = api;
    bool found = has_url(s, schema, 0);
    s->none = !found;
    return found;
}

/* --- building ----------------------------------------------------------------------------- */

static rac_str str_of(const struct rac_json *object, rac_str key)
{
    return rac_json_str(rac_json_get(object, key), RAC_S(""));
}

static const struct rac_json *list_of(const struct rac_json *object, rac_str key)
{
    const struct rac_json *v = rac_json_get(object, key);
    return rac_json_is_array(v) ? v : NULL;
}

static const struct rac_json *map_of(const struct rac_json *object, rac_str key)
{
    const struct rac_json *v = rac_json_get(object, key);
    return rac_json_is_object(v) ? v : NULL;
}

static struct rac_api_param *find_param(const struct rac_api_operation *op, rac_str name,
                                        enum rac_param_in in)
{
    if (op->params_by_name != NULL)
        return rac_map_get(&op->params_by_name[in], name);
    for (size_t i = 0; i < op->params_n; i++)
        if (op->params[i].in == in && rac_str_eq(op->params[i].name, name))
            return &op->params[i];
    return NULL;
}

/* "LIST/INDEX" */
static rac_str indexed(struct rac_arena *a, rac_str list, size_t index)
{
    char digits[20], *start = rac_arena_alloc_dirty(a, list.n + sizeof(digits) + 1), *p = start;
    size_t n = 0;
    memcpy(p, list.p, list.n);
    p += list.n;
    *p++ = '/';
    do
        digits[n++] = (char)('0' + index % 10);
    while ((index /= 10) > 0);
    while (n > 0)
        *p++ = digits[--n];
    return (rac_str){start, (size_t)(p - start)};
}

/* Places one parameter of a list: a same (name, in) gives way where it stands. */
static void add_param(struct rac_api *api, struct rac_api_operation *op, const struct rac_json *raw,
                      rac_str list_pointer, size_t index, bool shared)
{
    const struct rac_json *node = rac_api_deref(api, raw);
    struct rac_api_param p = {.node = node};
    const struct rac_json *name = RAC_JSON_GET(node, "name");
    if (!rac_json_is_string(name) || !rac_param_in_parse(str_of(node, RAC_S("in")), &p.in))
        return;
    p.name = rac_json_str(name, RAC_S(""));
    p.schema = node;
    if (p.in == RAC_IN_BODY)
        p.schema = RAC_JSON_GET(node, "schema") == NULL
                       ? NULL
                       : rac_api_deref(api, RAC_JSON_GET(node, "schema"));
    p.pointer = indexed(api->a, list_pointer, index);
    p.required = p.in == RAC_IN_PATH || rac_json_bool(RAC_JSON_GET(node, "required"), false);
    p.shared = shared || raw != node;
    p.visibility = rac_api_visibility(node);
    struct rac_api_param *same = find_param(op, p.name, p.in);
    if (same != NULL) {
        *same = p;
        return;
    }
    op->params[op->params_n] = p;
    if (op->params_by_name != NULL)
        rac_map_put(&op->params_by_name[p.in], p.name, &op->params[op->params_n]);
    op->params_n++;
}

static void add_params(struct rac_api *api, struct rac_api_operation *op, rac_str path_pointer)
{
    const struct rac_json *outer = list_of(op->path_item, RAC_S("parameters"));
    const struct rac_json *own = list_of(op->node, RAC_S("parameters"));
    size_t n = rac_json_len(outer) + rac_json_len(own), i = 0;
    if (n == 0)
        return;
    op->params = RAC_NEW_N(api->a, struct rac_api_param, n);
    if (n > MAP_FROM) {
        op->params_by_name = RAC_NEW_N(api->a, struct rac_map, PLACES);
        for (size_t in = 0; in < PLACES; in++)
            rac_map_init(&op->params_by_name[in], api->a);
    }
    if (outer != NULL) {
        rac_str list = rac_str_concat(api->a, path_pointer, RAC_S("/parameters"));
        RAC_JSON_EACH(p, outer)
        if (!rac_arena_over(api->a))
            add_param(api, op, p, list, i++, true);
    }
    if (own != NULL) {
        rac_str list = rac_str_concat(api->a, op->pointer, RAC_S("/parameters"));
        i = 0;
        RAC_JSON_EACH(p, own)
        if (!rac_arena_over(api->a))
            add_param(api, op, p, list, i++, false);
    }
}

static enum rac_trigger trigger_of(const struct rac_json *node)
{
    const struct rac_json *t = RAC_JSON_GET(node, "x-ms-trigger");
    if (t == NULL)
        return RAC_TRIGGER_NONE;
    return rac_str_eqi(rac_json_str(t, RAC_S("single")), RAC_S("batch")) ? RAC_TRIGGER_BATCH
                                                                         : RAC_TRIGGER_SINGLE;
}

static void find_webhook(struct rac_api *api, struct rac_api_operation *op)
{
    op->notification = RAC_JSON_GET(op->path_item, "x-ms-notification-content");
    if (op->notification == NULL)
        op->notification = RAC_JSON_GET(op->node, "x-ms-notification-content");
    op->trigger = trigger_of(op->node);
    if (op->trigger == RAC_TRIGGER_NONE || op->method == RAC_METHOD_GET ||
        op->method == RAC_METHOD_HEAD)
        return;
    const struct rac_api_param *body = rac_api_body(op);
    op->webhook =
        op->notification != NULL || (body != NULL && rac_api_has_callback_url(api, body->schema));
}

static void add_operation(struct rac_api *api, const struct rac_json_member *m,
                          enum rac_api_method method, const struct rac_json_member *path_item,
                          rac_str path_pointer)
{
    struct rac_api_operation *op = &api->ops[api->ops_n++];
    op->node = &m->value;
    op->path_item = &path_item->value;
    op->path = rac_json_key(path_item);
    op->method = method;
    op->id = str_of(op->node, RAC_S("operationId"));
    op->summary = str_of(op->node, RAC_S("summary"));
    op->description = str_of(op->node, RAC_S("description"));
    op->pointer =
        rac_arena_printf(api->a, "%.*s/%.*s", RAC_FMT(path_pointer), RAC_FMT(rac_json_key(m)));
    op->deprecated = rac_json_bool(RAC_JSON_GET(op->node, "deprecated"), false);
    op->visibility = rac_api_visibility(op->node);
    op->responses = map_of(op->node, RAC_S("responses"));
    static const rac_str lists[] = {RAC_S_INIT("consumes"), RAC_S_INIT("produces"),
                                    RAC_S_INIT("security")};
    const struct rac_json **to[] = {&op->consumes, &op->produces, &op->security};
    for (size_t i = 0; i < RAC_COUNT(lists); i++) {
        *to[i] = list_of(op->node, lists[i]);
        if (*to[i] == NULL)
            *to[i] = list_of(api->root, lists[i]);
    }
    add_params(api, op, path_pointer);
    find_webhook(api, op);
    if (op->trigger != RAC_TRIGGER_NONE)
        api->triggers_n++;
    if (op->id.n > 0)
        rac_map_add(&api->by_id, op->id, op);
}

/* What looks like an operation below it is none: nobody checks it either. */
static bool is_extension(const struct rac_json_member *item)
{
    return rac_str_startsi(rac_json_key(item), RAC_S("x-"));
}

static void add_operations(struct rac_api *api)
{
    const struct rac_json *paths = map_of(api->root, RAC_S("paths"));
    enum rac_api_method method;
    size_t n = 0;
    RAC_JSON_EACH_MEMBER(item, paths)
    if (!is_extension(item))
        RAC_JSON_EACH_MEMBER(m, &item->value)
    n += rac_json_is_object(&m->value) && rac_api_method_parse(rac_json_key(m), &method);
    api->ops = RAC_NEW_N(api->a, struct rac_api_operation, n);
    RAC_JSON_EACH_MEMBER(item, paths)
    {
        if (rac_arena_over(api->a))
            return;
        if (is_extension(item))
            continue;
        rac_str pointer = rac_json_pointer_join(api->a, RAC_S("/paths"), rac_json_key(item));
        RAC_JSON_EACH_MEMBER(m, &item->value)
        if (rac_json_is_object(&m->value) && rac_api_method_parse(rac_json_key(m), &method))
            add_operation(api, m, method, item, pointer);
    }
}

rac_err rac_api_build(const struct rac_json *root, struct rac_arena *a, struct rac_api **out)
{
    if (!rac_json_is_object(root))
        return RAC_E_INVALID;
    struct rac_api *api = RAC_NEW(a, struct rac_api);
    const struct rac_json *info = map_of(root, RAC_S("info"));
    api->root = root;
    api->a = a;
    rac_map_init(&api->by_id, a);
    rac_map_init(&api->merged, a);
    rac_map_init(&api->urls, a);
    api->title = str_of(info, RAC_S("title"));
    api->version = str_of(info, RAC_S("version"));
    api->description = str_of(info, RAC_S("description"));
    api->host = str_of(root, RAC_S("host"));
    api->base_path = str_of(root, RAC_S("basePath"));
    if (api->base_path.n == 0)
        api->base_path = str_of(root, RAC_S("basepath")); /* as one published file spells it */
    api->schemes = list_of(root, RAC_S("schemes"));
    api->definitions = map_of(root, RAC_S("definitions"));
    api->parameters = map_of(root, RAC_S("parameters"));
    api->responses = map_of(root, RAC_S("responses"));
    api->security_definitions = map_of(root, RAC_S("securityDefinitions"));
    add_operations(api);
    if (rac_arena_over(a))
        return RAC_E_LIMIT;
    *out = api;
    return RAC_OK;
}

const struct rac_json *rac_api_target(const struct rac_json *call)
{
    const struct rac_json *id = RAC_JSON_GET(call, "operationId");
    return id != NULL ? id : rac_json_geti(call, RAC_S("operationId"));
}

const struct rac_api_operation *rac_api_operation(const struct rac_api *api, rac_str id)
{
    return id.n == 0 ? NULL : rac_map_get(&api->by_id, id);
}

const struct rac_api_param *rac_api_param(const struct rac_api_operation *op, rac_str name,
                                          enum rac_param_in in)
{
    return find_param(op, name, in);
}

const struct rac_api_param *rac_api_param_named(const struct rac_api_operation *op, rac_str name)
{
    const struct rac_api_param *first = NULL;
    for (size_t in = 0; op->params_by_name != NULL && in < PLACES; in++) {
        const struct rac_api_param *p = rac_map_get(&op->params_by_name[in], name);
        if (p != NULL && (first == NULL || p < first))
            first = p;
    }
    for (size_t i = 0; op->params_by_name == NULL && i < op->params_n; i++)
        if (rac_str_eq(op->params[i].name, name))
            return &op->params[i];
    return first;
}

const struct rac_api_param *rac_api_body(const struct rac_api_operation *op)
{
    for (size_t i = 0; i < op->params_n; i++)
        if (op->params[i].in == RAC_IN_BODY)
            return &op->params[i];
    return NULL;
}
