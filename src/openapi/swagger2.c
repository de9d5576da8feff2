/*
 * OpenAPI 2.0 to itself: copied only where something must change so that it can be registered.
 * References into other places and files become definitions, path items that are references are
 * written in place, missing operationIds are made up, and a few faults that leave no request to
 * build are mended. docs/internals/convert.md lists every change; each is an RC-O2-01 or -02.
 */
#include "openapi/openapi3_priv.h"

/* What kind of object a value is, so that "$ref" and names are read for what they are there. */
enum ctx {
    C_FREE, /* not looked into */
    C_ROOT,
    C_PATHS,
    C_ITEM,
    C_OPERATION,
    C_PARAMS,    /* array */
    C_PARAM_MAP, /* root parameters */
    C_PARAM,
    C_RESPONSES,    /* by code; x- are extensions */
    C_RESPONSE_MAP, /* root responses, by name: x- are names like others */
    C_RESPONSE,
    C_SCHEMA,
    C_SCHEMA_MAP,  /* properties, definitions */
    C_SCHEMA_LIST, /* allOf, items */
    C_NOTIFICATION,
};

static const struct {
    enum ctx in;
    const char *key; /* NULL: every key; not extensions, unless the object maps names */
    enum ctx to;
} steps[] = {
    {C_ROOT, "paths", C_PATHS},
    {C_ROOT, "definitions", C_SCHEMA_MAP},
    {C_ROOT, "parameters", C_PARAM_MAP},
    {C_ROOT, "responses", C_RESPONSE_MAP},
    {C_PATHS, NULL, C_ITEM},
    {C_ITEM, "parameters", C_PARAMS},
    {C_ITEM, "get", C_OPERATION},
    {C_ITEM, "put", C_OPERATION},
    {C_ITEM, "post", C_OPERATION},
    {C_ITEM, "delete", C_OPERATION},
    {C_ITEM, "options", C_OPERATION},
    {C_ITEM, "head", C_OPERATION},
    {C_ITEM, "patch", C_OPERATION},
    {C_ITEM, "x-ms-notification-content", C_NOTIFICATION},
    {C_OPERATION, "parameters", C_PARAMS},
    {C_OPERATION, "responses", C_RESPONSES},
    {C_PARAM_MAP, NULL, C_PARAM},
    {C_PARAM, "schema", C_SCHEMA},
    {C_RESPONSES, NULL, C_RESPONSE},
    {C_RESPONSE_MAP, NULL, C_RESPONSE},
    {C_RESPONSE, "schema", C_SCHEMA},
    {C_NOTIFICATION, "schema", C_SCHEMA},
    {C_SCHEMA_MAP, NULL, C_SCHEMA},
    {C_SCHEMA, "properties", C_SCHEMA_MAP},
    {C_SCHEMA, "items", C_SCHEMA_LIST},
    {C_SCHEMA, "additionalProperties", C_SCHEMA},
    {C_SCHEMA, "allOf", C_SCHEMA_LIST},
};

static enum ctx step(enum ctx in, rac_str key)
{
    for (size_t i = 0; i < RAC_COUNT(steps); i++) {
        if (steps[i].in != in)
            continue;
        if (steps[i].key == NULL) {
            bool names = in == C_SCHEMA_MAP || in == C_PARAM_MAP || in == C_RESPONSE_MAP;
            return !names && rac_str_starts(key, RAC_S("x-")) ? C_FREE : steps[i].to;
        }
        if (rac_str_eq(key, rac_str_of(steps[i].key)))
            return steps[i].to;
    }
    return C_FREE;
}

struct norm {
    struct o3 x;
    bool changed;
    unsigned depth;
};

static void told(struct norm *s, enum rac_rule_id rule, const struct rac_place *at,
                 const char *what, rac_str which)
{
    s->changed = true;
    o3_loss(&s->x, rule, at, "%s%.*s", what, (int)(which.n < 200 ? which.n : 200),
            which.p ? which.p : "");
}

static struct rac_json walk(struct norm *s, const struct rac_place *at, enum ctx ctx);

/* --- references ------------------------------------------------------------------------------- */

static bool names_section(struct norm *s, const struct rac_place *at, rac_str ref,
                          const char *section)
{
    rac_str prefix = rac_arena_printf(s->x.a, "#/%s/", section);
    return at->source == &s->x.c->main && rac_str_starts(ref, prefix) &&
           rac_str_find_char(rac_str_from(ref, prefix.n), '/') == RAC_STR_NPOS;
}

/* True when following references from here never ends. */
static bool circular(struct norm *s, const struct rac_place *at)
{
    struct rac_place here = *at, next;
    here.kept = false;
    for (unsigned i = 0; i < O3_CHAIN_MAX; i++) {
        rac_str ref = o3_ref_of(here.node);
        if (ref.p == NULL || !o3_resolve(&s->x, &here, ref, &next))
            return false;
        here = next;
    }
    return true;
}

/* True when a reference ends at an object, whatever others it leads through. */
static bool leads_to_object(struct norm *s, const struct rac_place *at)
{
    struct rac_place here = *at, next;
    here.kept = false;
    for (unsigned i = 0; i < O3_CHAIN_MAX; i++) {
        rac_str ref = o3_ref_of(here.node);
        if (ref.p == NULL)
            return rac_json_is_object(here.node);
        if (!o3_resolve(&s->x, &here, ref, &next))
            return false;
        here = next;
    }
    return false;
}

static struct rac_json ref_json(struct norm *s, rac_str section, rac_str name)
{
    struct rac_json o = rac_json_new_object(s->x.a);
    RAC_JSON_PUT_STR(s->x.a, &o, "$ref", rac_json_pointer_join(s->x.a, section, name));
    return o;
}

static rac_str last_word(struct norm *s, const struct rac_place *target)
{
    rac_str p = target->base;
    size_t slash = rac_str_rfind_char(p, '/');
    rac_str name = slash == RAC_STR_NPOS ? p : rac_str_from(p, slash + 1);
    if (name.n == 0 || rac_is_digit(name.p[0])) {
        rac_str file = target->source->path;
        size_t cut = rac_str_rfind_char(file, '/');
        file = cut == RAC_STR_NPOS ? file : rac_str_from(file, cut + 1);
        size_t dot = rac_str_find_char(file, '.');
        name = rac_str_concat(s->x.a, dot == RAC_STR_NPOS ? file : rac_str_sub(file, 0, dot), name);
    }
    name = rac_name_pascal(s->x.a, name);
    return name.n > 0 ? name : RAC_S("Schema");
}

static struct rac_json schema_ref(struct norm *s, const struct rac_place *at, rac_str ref)
{
    struct rac_place target;
    bool found = o3_resolve(&s->x, at, ref, &target) && rac_json_is_object(target.node);
    if (found && circular(s, at)) {
        told(s, RAC_RULE_O2_02, at, "the reference runs in a circle: ", ref);
        return rac_json_new_object(s->x.a);
    }
    if (found && names_section(s, at, ref, "definitions"))
        return *at->node;
    if (!found) { /* a bare name, as Swagger 1.2 wrote it */
        const struct rac_json *d = RAC_JSON_GET(&s->x.c->main.doc->root, "definitions");
        bool prefixed = rac_str_starts(ref, RAC_S("/definitions/"));
        rac_str name = prefixed ? rac_str_from(ref, sizeof "/definitions/" - 1) : ref;
        const struct rac_json *meant = rac_json_get(d, name);
        if (rac_json_is_object(meant) && o3_ref_of(meant).p == NULL) { /* never into a circle */
            told(s, RAC_RULE_O2_01, at, "the reference was read as one to the definition ", name);
            return ref_json(s, RAC_S("#/definitions"), name);
        }
        told(s, RAC_RULE_O2_02, at, "the reference names nothing that can be read: ", ref);
        return rac_json_new_object(s->x.a);
    }
    struct o3_def *d = o3_by_address(&s->x.def_by_node, target.node);
    if (d == NULL) {
        d = o3_def_add(&s->x, last_word(s, &target), &target);
        told(s, RAC_RULE_O2_01, at, "what the reference names became the definition ", d->name);
    } else {
        s->changed = true;
    }
    return ref_json(s, RAC_S("#/definitions"), d->name);
}

/* A parameter, response or path item that is a reference: kept, or written in place. */
static struct rac_json part_ref(struct norm *s, const struct rac_place *at, rac_str ref,
                                enum ctx ctx)
{
    struct rac_place target;
    const char *section = ctx == C_PARAM ? "parameters" : ctx == C_RESPONSE ? "responses" : NULL;
    bool found = leads_to_object(s, at) && o3_resolve(&s->x, at, ref, &target);
    if (found && section != NULL && names_section(s, at, ref, section))
        return *at->node;
    if (!found || s->depth > 64) {
        told(s, RAC_RULE_O2_02, at, "the reference names nothing that can be read: ", ref);
        struct rac_json o = rac_json_new_object(s->x.a);
        if (ctx == C_ITEM && s->depth <= 64) { /* what stands beside it stays */
            struct rac_json rest = rac_json_shallow(s->x.a, at->node);
            rac_json_del(&rest, RAC_S("$ref"));
            struct rac_place here = *at;
            here.node = &rest;
            here.kept = false;
            return walk(s, &here, ctx);
        }
        if (ctx == C_RESPONSE)
            RAC_JSON_PUT_STR(s->x.a, &o, "description", RAC_S(""));
        return ctx == C_PARAM ? rac_json_none : o;
    }
    told(s, RAC_RULE_O2_01, at, "what the reference names was written in its place: ", ref);
    return walk(s, &target, ctx);
}

/* --- objects that are mended ------------------------------------------------------------------ */

static void mend_param(struct norm *s, const struct rac_place *at, struct rac_json *o)
{
    rac_str in = rac_json_str(RAC_JSON_GET(o, "in"), RAC_S(""));
    bool body = rac_str_eq(in, RAC_S("body"));
    const struct rac_json *schema = RAC_JSON_GET(o, "schema");
    if (rac_str_eq(in, RAC_S("path")) && !rac_json_bool(RAC_JSON_GET(o, "required"), false)) {
        told(s, RAC_RULE_O2_01, at, "a path parameter is required", RAC_STR_NULL);
        RAC_JSON_PUT(s->x.a, o, "required", rac_json_of_bool(true));
    }
    if (body && schema == NULL) {
        told(s, RAC_RULE_O2_01, at, "the body has no schema; any value is accepted", RAC_STR_NULL);
        struct rac_json any = rac_json_new_object(s->x.a);
        static const rac_str keys[] = {RAC_S_INIT("type"), RAC_S_INIT("format"),
                                       RAC_S_INIT("items"), RAC_S_INIT("enum")};
        for (size_t i = 0; i < RAC_COUNT(keys); i++) {
            const struct rac_json *v = rac_json_get(o, keys[i]);
            if (v != NULL)
                rac_json_put(s->x.a, &any, keys[i], *v);
            rac_json_del(o, keys[i]);
        }
        RAC_JSON_PUT(s->x.a, o, "schema", any);
    }
    if (!body && in.n > 0 && schema != NULL) {
        told(s, RAC_RULE_O2_01, at, "the schema was laid onto the parameter", RAC_STR_NULL);
        struct rac_json flat = *schema;
        rac_str ref = rac_json_str(RAC_JSON_GET(schema, "$ref"), RAC_STR_NULL);
        struct rac_place target;
        if (ref.p != NULL && o3_resolve(&s->x, at, ref, &target))
            flat = *target.node;
        rac_json_del(o, RAC_S("schema"));
        if (RAC_JSON_GET(o, "type") == NULL)
            o3_primitive(&s->x, at, &flat, o);
    }
}

/* The parameter an entry of a list stands for. */
static const struct rac_json *param_of(struct norm *s, const struct rac_json *entry)
{
    rac_str ref = rac_json_str(RAC_JSON_GET(entry, "$ref"), RAC_STR_NULL);
    struct rac_place root = rac_place_root(&s->x.c->main, RAC_S(""), NULL), target;
    if (ref.p == NULL)
        return entry;
    return o3_resolve(&s->x, &root, ref, &target) ? target.node : entry;
}

static bool fills(struct norm *s, const struct rac_json *list, rac_str name)
{
    RAC_JSON_EACH(e, list)
    {
        const struct rac_json *p = param_of(s, e);
        if (rac_str_eq(rac_json_str(RAC_JSON_GET(p, "in"), RAC_S("")), RAC_S("path")) &&
            rac_str_eq(rac_json_str(RAC_JSON_GET(p, "name"), RAC_S("")), name))
            return true;
    }
    return false;
}

/* One body at most, and not beside form fields; path parameters have a hole to fill. */
static struct rac_json mend_list(struct norm *s, const struct rac_place *at, rac_str path,
                                 const struct rac_json *list, const struct rac_json *shared)
{
    struct rac_json out = rac_json_new_array(s->x.a);
    bool body = false, form = false;
    RAC_JSON_EACH(e, shared)
    {
        rac_str in = rac_json_str(RAC_JSON_GET(param_of(s, e), "in"), RAC_S(""));
        form = form || rac_str_eq(in, RAC_S("formData"));
    }
    RAC_JSON_EACH(e, list)
    {
        const struct rac_json *p = param_of(s, e);
        rac_str in = rac_json_str(RAC_JSON_GET(p, "in"), RAC_S(""));
        rac_str name = rac_json_str(RAC_JSON_GET(p, "name"), RAC_S(""));
        bool is_body = rac_str_eq(in, RAC_S("body")), is_form = rac_str_eq(in, RAC_S("formData"));
        rac_str hole = rac_arena_printf(s->x.a, "{%.*s}", RAC_FMT(name));
        bool lost =
            rac_str_eq(in, RAC_S("path")) && path.n > 0 && rac_str_find(path, hole) == RAC_STR_NPOS;
        if ((is_body && (body || form)) || (is_form && body))
            told(s, RAC_RULE_O2_02, at, "a second body was dropped: ", name);
        else if (lost)
            told(s, RAC_RULE_O2_02, at, "the path has no place for the parameter ", name);
        else
            rac_json_add(s->x.a, &out, *e);
        body = body || is_body;
        form = form || is_form;
    }
    return out;
}

static void fill_path(struct norm *s, const struct rac_place *at, rac_str path,
                      const struct rac_json *shared, struct rac_json *params)
{
    for (size_t i = 0; i < path.n; i++) {
        rac_str rest = rac_str_from(path, i + 1);
        size_t len = path.p[i] == '{' ? rac_str_find_char(rest, '}') : RAC_STR_NPOS;
        rac_str name = len == RAC_STR_NPOS ? RAC_S("") : rac_str_sub(rest, 0, len);
        if (name.n == 0 || rac_str_find_char(name, '/') != RAC_STR_NPOS || fills(s, params, name) ||
            fills(s, shared, name))
            continue;
        told(s, RAC_RULE_O2_01, at, "a path parameter was added: ", name);
        struct rac_json o = rac_json_new_object(s->x.a);
        RAC_JSON_PUT_STR(s->x.a, &o, "name", name);
        RAC_JSON_PUT_STR(s->x.a, &o, "in", RAC_S("path"));
        RAC_JSON_PUT(s->x.a, &o, "required", rac_json_of_bool(true));
        RAC_JSON_PUT_STR(s->x.a, &o, "type", RAC_S("string"));
        rac_json_add(s->x.a, params, o);
    }
}

static void mend_operation_id(struct norm *s, const struct rac_place *at, rac_str method,
                              rac_str path, struct rac_json *op)
{
    rac_str id = rac_json_str(RAC_JSON_GET(op, "operationId"), RAC_S("")), made = id;
    if (id.n > 0 && rac_operation_id_take(s->x.c, id))
        return;
    if (id.n == 0)
        made = rac_operation_id_make(s->x.c, rac_name_of_path(s->x.a, method, path), RAC_S(""));
    else
        made = rac_operation_id_number(s->x.c, id, SIZE_MAX);
    told(s, RAC_RULE_O2_01, at,
         id.n == 0 ? "the operation is called " : "the operationId is taken; it is ", made);
    RAC_JSON_PUT_STR(s->x.a, op, "operationId", made);
}

static void mend_item(struct norm *s, const struct rac_place *at, rac_str path,
                      struct rac_json *item)
{
    struct rac_json *shared = RAC_JSON_GET(item, "parameters");
    if (rac_json_is_array(shared))
        *shared = mend_list(s, at, path, shared, NULL);
    RAC_JSON_EACH_MEMBER(m, item)
    {
        if (step(C_ITEM, rac_json_key(m)) != C_OPERATION || !rac_json_is_object(&m->value))
            continue;
        struct rac_place op = rac_place_key(at, rac_json_key(m), &m->value);
        mend_operation_id(s, &op, rac_json_key(m), path, &m->value);
        struct rac_json list = rac_json_new_array(s->x.a);
        const struct rac_json *own = RAC_JSON_GET(&m->value, "parameters");
        if (rac_json_is_array(own))
            list = mend_list(s, &op, path, own, shared);
        fill_path(s, &op, path, shared, &list);
        if (rac_json_len(&list) > 0 || own != NULL)
            RAC_JSON_PUT(s->x.a, &m->value, "parameters", list);
    }
}

/* --- the walk --------------------------------------------------------------------------------- */

static struct rac_json walk_array(struct norm *s, const struct rac_place *at, enum ctx ctx)
{
    struct rac_json out = rac_json_new_array(s->x.a);
    enum ctx inner = ctx == C_PARAMS ? C_PARAM : ctx == C_SCHEMA_LIST ? C_SCHEMA : C_FREE;
    for (size_t i = 0; i < rac_json_len(at->node); i++) {
        struct rac_place e = rac_place_at(at, i, rac_json_at(at->node, i));
        struct rac_json v = walk(s, &e, inner);
        if (v.type != RAC_JSON_NONE)
            rac_json_add(s->x.a, &out, v);
    }
    return out;
}

/* Braces that do not pair, or cross a slash: no request can be built from such a path. */
static bool braces_are_odd(rac_str path)
{
    bool inside = false;
    for (size_t i = 0; i < path.n; i++) {
        char ch = path.p[i];
        if ((ch == '{' && inside) || (ch == '}' && !inside) || (ch == '/' && inside))
            return true;
        inside = ch == '{' || (inside && ch != '}');
    }
    return inside;
}

static rac_str mend_path(struct norm *s, const struct rac_place *at, rac_str path)
{
    if (path.n == 0 || path.p[0] != '/') {
        path = rac_str_concat(s->x.a, RAC_S("/"), path);
        told(s, RAC_RULE_O2_01, at, "the path starts with a slash: ", path);
    }
    if (braces_are_odd(path)) {
        path = o3_clean_path(&s->x, path);
        told(s, RAC_RULE_O2_01, at, "the braces of the path do not pair; it became ", path);
    }
    return path;
}

static bool takes_ref(enum ctx ctx)
{
    return ctx == C_SCHEMA || ctx == C_PARAM || ctx == C_RESPONSE || ctx == C_ITEM;
}

static struct rac_json walk_object(struct norm *s, const struct rac_place *at, enum ctx ctx)
{
    struct rac_json out = rac_json_new_object(s->x.a);
    RAC_JSON_EACH_MEMBER(m, at->node)
    {
        struct rac_place e = rac_place_key(at, rac_json_key(m), &m->value);
        rac_str key = rac_json_key(m);
        enum ctx to = step(ctx, key);
        if (to == C_ITEM && !o3_path_is_sane(key)) {
            told(s, RAC_RULE_O2_02, at,
                 "a path that is too long, or has too many holes, was dropped", RAC_STR_NULL);
            continue;
        }
        if (to == C_ITEM)
            key = mend_path(s, &e, key);
        if (to == C_ITEM && rac_json_get(&out, key) != NULL) {
            told(s, RAC_RULE_O2_02, &e, "the path is there twice; the first one counts: ", key);
            continue;
        }
        if (takes_ref(ctx) && rac_str_eq(key, RAC_S("$ref"))) { /* a text was followed already */
            told(s, RAC_RULE_O2_02, &e, "a $ref that is no text was dropped", RAC_STR_NULL);
            continue;
        }
        struct rac_json v = walk(s, &e, to);
        if (v.type == RAC_JSON_NONE)
            continue;
        if (to == C_ITEM && rac_json_is_object(&v))
            mend_item(s, &e, key, &v);
        rac_json_put(s->x.a, &out, key, v);
    }
    if (ctx == C_PARAM)
        mend_param(s, at, &out);
    return out;
}

static struct rac_json walk(struct norm *s, const struct rac_place *at, enum ctx ctx)
{
    const struct rac_json *v = at->node;
    if (ctx == C_FREE || v->type < RAC_JSON_ARRAY || s->depth > 900 || rac_arena_over(s->x.a))
        return *v;
    struct rac_place item = *at;
    if (ctx == C_ITEM && (item.node = o3_small_methods(&s->x, at, RAC_RULE_O2_01)) != v) {
        item.kept = false;
        s->changed = true;
        v = item.node;
        at = &item;
    }
    rac_str ref = o3_ref_of(v);
    struct rac_json out;
    s->depth++;
    if (ref.p != NULL && (ctx == C_SCHEMA || ctx == C_SCHEMA_LIST))
        out = schema_ref(s, at, ref);
    else if (ref.p != NULL && (ctx == C_PARAM || ctx == C_RESPONSE || ctx == C_ITEM))
        out = part_ref(s, at, ref, ctx);
    else if (v->type == RAC_JSON_ARRAY)
        out = walk_array(s, at, ctx);
    else
        out = walk_object(s, at, ctx == C_SCHEMA_LIST ? C_SCHEMA : ctx);
    s->depth--;
    return out;
}

static void mend_root(struct norm *s, const struct rac_place *root, struct rac_json *o)
{
    struct rac_arena *a = s->x.a;
    if (!rac_str_eq(rac_json_str(RAC_JSON_GET(o, "swagger"), RAC_S("")), RAC_S("2.0"))) {
        told(s, RAC_RULE_O2_01, root, "the version is the text 2.0", RAC_STR_NULL);
        RAC_JSON_PUT_STR(a, o, "swagger", RAC_S("2.0"));
    }
    struct rac_json info = rac_json_new_object(a);
    if (rac_json_is_object(RAC_JSON_GET(o, "info")))
        info = rac_json_shallow(a, RAC_JSON_GET(o, "info"));
    const struct rac_json *version = RAC_JSON_GET(&info, "version");
    bool title = rac_json_str(RAC_JSON_GET(&info, "title"), RAC_S("")).n > 0;
    if (!title) {
        told(s, RAC_RULE_O2_01, root, "the description has no title", RAC_STR_NULL);
        RAC_JSON_PUT_STR(a, &info, "title", RAC_S("Untitled"));
    }
    bool text = rac_json_is_string(version); /* version points into info, which changes */
    if (!text) {
        told(s, RAC_RULE_O2_01, root, "info.version is a text", RAC_STR_NULL);
        RAC_JSON_PUT_STR(a, &info, "version",
                         rac_json_is_number(version) ? rac_json_print_str(version, 0, a)
                                                     : RAC_S("1.0.0"));
    }
    if (!title || !text)
        RAC_JSON_PUT(a, o, "info", info);
    if (!rac_json_is_object(RAC_JSON_GET(o, "paths"))) {
        told(s, RAC_RULE_O2_01, root, "the description has no paths", RAC_STR_NULL);
        RAC_JSON_PUT(a, o, "paths", rac_json_new_object(a));
    }
}

/* Definitions that references asked for; they may ask for more. */
static void add_definitions(struct norm *s, struct rac_json *o)
{
    struct rac_json *all = RAC_JSON_GET(o, "definitions");
    for (size_t i = 0; i < s->x.defs_n; i++) {
        struct o3_def *d = s->x.defs[i];
        if (d->written || rac_arena_over(s->x.a))
            continue;
        d->written = true;
        if (!rac_json_is_object(all))
            all = RAC_JSON_PUT(s->x.a, o, "definitions", rac_json_new_object(s->x.a));
        rac_json_put(s->x.a, all, d->name, walk(s, d->at, C_SCHEMA));
    }
}

rac_err rac_convert_swagger2(struct rac_convert_state *c, struct rac_json *definition,
                             bool *changed)
{
    struct norm *s = RAC_NEW(c->a, struct norm);
    const struct rac_json *doc = &c->main.doc->root;
    if (!rac_json_is_object(doc))
        return RAC_E_INVALID;
    o3_begin(&s->x, c, definition);
    struct rac_place root = rac_place_root(&c->main, RAC_S(""), doc);
    struct rac_place defs = RAC_PLACE_KEY(&root, "definitions", RAC_JSON_GET(doc, "definitions"));
    RAC_JSON_EACH_MEMBER(m, defs.node)
    {
        struct rac_place at = rac_place_key(&defs, rac_json_key(m), &m->value);
        o3_def_add(&s->x, rac_json_key(m), &at)->written = true;
    }
    struct rac_json o = walk(s, &root, C_ROOT);
    mend_root(s, &root, &o);
    add_definitions(s, &o);
    *changed = s->changed;
    *definition = s->changed ? o : *doc;
    rac_connections_from_definition(c, definition);
    return rac_arena_over(c->a) ? RAC_E_LIMIT : RAC_OK;
}
