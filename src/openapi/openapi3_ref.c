/*
 * References of OpenAPI 3 documents: inside the file, to anchors and ids (3.1), to files beside
 * it. Also the walk over free-form values, where a "$ref" may stand by accident.
 */
#include "base/utf8.h"
#include "openapi/openapi3_priv.h"
#include "text/path.h"

enum { O3_MESSAGE_BYTES_MAX = 511 };

void o3_loss(struct o3 *x, enum rac_rule_id rule, const struct rac_place *at, const char *fmt, ...)
{
    if (x->muted > 0 || x->losses == NULL)
        return;
    va_list ap;
    va_start(ap, fmt);
    rac_str message = rac_str_sub(rac_arena_vprintf(x->a, fmt, ap), 0, O3_MESSAGE_BYTES_MAX);
    va_end(ap);
    message = rac_utf8_mend(x->a, message);
    if (x->losses->n < x->losses->n_max) { /* what several refer to is converted for each of them */
        rac_str said = rac_arena_printf(x->a, "%d %.*s%.*s %.*s", rule, RAC_FMT(at->source->path),
                                        RAC_FMT(rac_place_pointer(at, x->a)), RAC_FMT(message));
        if (!rac_map_add(&x->said, said, x))
            return;
    }
    rac_loss(x->c, rule, at, "%.*s", RAC_FMT(message));
}

void *o3_by_address(const struct rac_map *m, const void *node)
{
    return rac_map_get(m, (rac_str){(const char *)&node, sizeof node});
}

void o3_put_address(struct o3 *x, struct rac_map *m, const void *node, void *value)
{
    rac_map_put(m, rac_arena_str(x->a, (rac_str){(const char *)&node, sizeof node}), value);
}

rac_str o3_ref_of(const struct rac_json *node)
{
    return rac_json_str(RAC_JSON_GET(node, "$ref"), RAC_STR_NULL);
}

static int hex(char ch)
{
    char l = rac_lower(ch);
    return rac_is_digit(ch) ? ch - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

static rac_str percent_decode(struct rac_arena *a, rac_str s)
{
    if (rac_str_find_char(s, '%') == RAC_STR_NPOS)
        return s;
    char *out = rac_arena_alloc_dirty(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
            out[n++] = (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]));
            i += 2;
        } else {
            out[n++] = s.p[i];
        }
    }
    return (rac_str){out, n};
}

/* --- anchors ------------------------------------------------------------------------------- */

static void collect_anchors(struct o3 *x, struct rac_source *src, struct rac_json *node,
                            unsigned depth)
{
    if (depth > 200 || rac_arena_over(x->a))
        return;
    static const rac_str keys[] = {RAC_S_INIT("$anchor"), RAC_S_INIT("$dynamicAnchor")};
    for (size_t i = 0; i < RAC_COUNT(keys); i++) {
        rac_str name = rac_json_str(rac_json_get(node, keys[i]), RAC_STR_NULL);
        if (name.n > 0)
            rac_map_add(&src->anchors, rac_str_concat(x->a, RAC_S("#"), name), node);
    }
    rac_str id = rac_json_str(RAC_JSON_GET(node, "$id"), RAC_STR_NULL);
    if (id.n > 0)
        rac_map_add(&src->anchors, id, node);
    RAC_JSON_EACH_MEMBER(m, node)
    {
        if (m->value.type >= RAC_JSON_ARRAY)
            collect_anchors(x, src, &m->value, depth + 1);
    }
    RAC_JSON_EACH(e, node)
    {
        if (e->type >= RAC_JSON_ARRAY)
            collect_anchors(x, src, e, depth + 1);
    }
}

static struct rac_json *anchor(struct o3 *x, struct rac_source *src, rac_str name)
{
    if (!src->anchors_known) {
        src->anchors_known = true;
        collect_anchors(x, src, &src->doc->root, 0);
    }
    return rac_map_get(&src->anchors, name);
}

/* --- files ------------------------------------------------------------------------------------ */

static rac_str main_name(const struct o3 *x)
{
    rac_str name = x->c->main.doc->name;
    size_t slash = rac_str_rfind_char(name, '/');
    return slash == RAC_STR_NPOS ? name : rac_str_from(name, slash + 1);
}

/* The source a relative file name means, read once; NULL when it is not at hand. */
static struct rac_source *source_of(struct o3 *x, const struct rac_source *from, rac_str file)
{
    rac_str path;
    if (x->c->o->load == NULL ||
        !rac_path_join(from->path, percent_decode(x->a, file), x->a, &path))
        return NULL;
    if (rac_str_eq(path, main_name(x))) /* files that refer back to where it began */
        return &x->c->main;
    struct rac_source *src = rac_map_get(&x->files, path);
    if (src != NULL || rac_map_has(&x->files, path) || x->files.n >= O3_FILES_MAX)
        return src;
    rac_map_put(&x->files, path, NULL);
    rac_str bytes;
    struct rac_document *doc;
    if (x->c->o->load(x->c->o->load_arg, path, x->a, &bytes) != RAC_OK ||
        rac_document_read(bytes, path, x->a, &doc, NULL) != RAC_OK)
        return NULL;
    src = RAC_NEW(x->a, struct rac_source);
    src->doc = doc;
    src->path = path;
    rac_map_init(&src->anchors, x->a);
    rac_map_put(&x->files, path, src);
    return src;
}

bool o3_resolve(struct o3 *x, const struct rac_place *at, rac_str ref, struct rac_place *out)
{
    size_t hash = rac_str_find_char(ref, '#');
    rac_str file = hash == RAC_STR_NPOS ? ref : rac_str_sub(ref, 0, hash);
    rac_str fragment = hash == RAC_STR_NPOS ? RAC_S("") : rac_str_from(ref, hash + 1);
    struct rac_source *src = at->source;
    const struct rac_json *base = &src->doc->root;
    if (file.n > 0) {
        const struct rac_json *named = anchor(x, src, file);
        if (named != NULL) {
            base = named;
        } else {
            src = source_of(x, src, file);
            if (src == NULL)
                return false;
            base = &src->doc->root;
        }
    }
    fragment = percent_decode(x->a, fragment);
    const struct rac_json *node = base;
    if (fragment.n > 0 && fragment.p[0] == '/')
        node = rac_json_pointer_get(base, fragment);
    else if (fragment.n > 0)
        node = anchor(x, src, rac_str_concat(x->a, RAC_S("#"), fragment));
    if (node == NULL && file.n == 0 && hash == RAC_STR_NPOS)
        return false;
    *out = rac_place_root(src, fragment.n > 0 && fragment.p[0] == '/' ? fragment : RAC_S(""), node);
    return node != NULL;
}

bool o3_follow(struct o3 *x, const struct rac_place *at, struct rac_place *out)
{
    struct rac_place here = *at;
    here.kept = false;
    for (unsigned i = 0; i < O3_CHAIN_MAX; i++) {
        rac_str ref = o3_ref_of(here.node);
        if (ref.p == NULL) {
            *out = here;
            return true;
        }
        struct rac_place next;
        if (!o3_resolve(x, &here, ref, &next)) {
            o3_loss(x, RAC_RULE_O3_03, at, "the reference '%.*s' names nothing that can be read",
                    (int)(ref.n < 300 ? ref.n : 300), ref.p);
            return false;
        }
        here = next;
    }
    o3_loss(x, RAC_RULE_O3_03, at, "the reference runs in a circle");
    return false;
}

rac_str o3_component(struct o3 *x, const struct rac_place *at, rac_str ref, const char *section)
{
    rac_str prefix = rac_arena_printf(x->a, "#/components/%s/", section);
    if (at->source != &x->c->main || !rac_str_starts(ref, prefix))
        return RAC_STR_NULL;
    rac_str name = rac_str_from(ref, prefix.n);
    if (rac_str_find_char(name, '/') != RAC_STR_NPOS)
        return RAC_STR_NULL;
    name = percent_decode(x->a, name);
    name = rac_str_replace(x->a, name, RAC_S("~1"), RAC_S("/"));
    return rac_str_replace(x->a, name, RAC_S("~0"), RAC_S("~"));
}

/* --- free-form values --------------------------------------------------------------------- */

static bool has_ref(const struct rac_json *v, unsigned depth)
{
    if (depth > 512)
        return false;
    RAC_JSON_EACH_MEMBER(m, v)
    {
        if (rac_str_eq(rac_json_key(m), RAC_S("$ref")) && rac_json_is_string(&m->value))
            return true;
        if (m->value.type >= RAC_JSON_ARRAY && has_ref(&m->value, depth + 1))
            return true;
    }
    RAC_JSON_EACH(e, v)
    {
        if (e->type >= RAC_JSON_ARRAY && has_ref(e, depth + 1))
            return true;
    }
    return false;
}

static struct rac_json free_copy(struct o3 *x, const struct rac_place *at, unsigned depth)
{
    const struct rac_json *v = at->node;
    if (v->type < RAC_JSON_ARRAY || !has_ref(v, 0))
        return *v;
    if (++x->free_nodes > O3_FREE_NODES_MAX) /* references that multiply */
        return rac_json_new_object(x->a);
    rac_str ref = o3_ref_of(v);
    if (ref.p != NULL) {
        rac_str name = o3_component(x, at, ref, "schemas");
        if (name.p != NULL && rac_map_has(&x->def_by_name, name)) {
            struct rac_json o = rac_json_new_object(x->a);
            RAC_JSON_PUT_STR(x->a, &o, "$ref",
                             rac_str_concat(x->a, RAC_S("#/definitions/"),
                                            rac_str_from(ref, sizeof "#/components/schemas/" - 1)));
            return o;
        }
        struct rac_place target;
        if (depth < 8 && o3_follow(x, at, &target))
            return free_copy(x, &target, depth + 1);
        return rac_json_new_object(x->a);
    }
    if (depth >= 64)
        return rac_json_of_null();
    if (v->type == RAC_JSON_ARRAY) {
        struct rac_json out = rac_json_new_array(x->a);
        for (size_t i = 0; i < rac_json_len(v); i++) {
            struct rac_place e = rac_place_at(at, i, rac_json_at(v, i));
            rac_json_add(x->a, &out, free_copy(x, &e, depth + 1));
        }
        return out;
    }
    struct rac_json out = rac_json_new_object(x->a);
    RAC_JSON_EACH_MEMBER(m, v)
    {
        struct rac_place e = rac_place_key(at, rac_json_key(m), &m->value);
        rac_json_put(x->a, &out, rac_json_key(m), free_copy(x, &e, depth + 1));
    }
    return out;
}

struct rac_json o3_free(struct o3 *x, const struct rac_place *at)
{
    return free_copy(x, at, 0);
}

void o3_extensions(struct o3 *x, const struct rac_place *at, struct rac_json *o)
{
    RAC_JSON_EACH_MEMBER(m, at->node)
    {
        if (!rac_str_starts(rac_json_key(m), RAC_S("x-")))
            continue;
        struct rac_place e = rac_place_key(at, rac_json_key(m), &m->value);
        rac_json_put(x->a, o, rac_json_key(m), o3_free(x, &e));
    }
}

static void unknown(struct o3 *x, const struct rac_place *at, const char *const *known,
                    const char *where, bool extensions)
{
    RAC_JSON_EACH_MEMBER(m, at->node)
    {
        rac_str key = rac_json_key(m);
        bool found = !extensions && rac_str_starts(key, RAC_S("x-"));
        for (const char *const *k = known; *k != NULL && !found; k++)
            found = rac_str_eq(key, rac_str_of(*k));
        if (found)
            continue;
        struct rac_place e = rac_place_key(at, key, &m->value);
        o3_loss(x, RAC_RULE_O3_06, &e, "'%.*s' of %s has no form in OpenAPI 2.0; it was dropped",
                (int)(key.n < 100 ? key.n : 100), key.p, where);
    }
}

void o3_unknown(struct o3 *x, const struct rac_place *at, const char *const *known,
                const char *where)
{
    unknown(x, at, known, where, false);
}

void o3_lost(struct o3 *x, const struct rac_place *at, const char *const *known, const char *where)
{
    unknown(x, at, known, where, true);
}

void o3_beside_ref(struct o3 *x, const struct rac_place *at)
{
    static const char *const ref[] = {"$ref", NULL};
    if (o3_ref_of(at->node).p != NULL && rac_json_len(at->node) > 1)
        unknown(x, at, ref, "what stands beside a reference", true);
}
