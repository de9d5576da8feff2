/*
 * Schemas that become definitions of OpenAPI 2.0: components, and whatever else a reference names.
 */
#include "openapi/openapi3_schema_priv.h"

enum { O3_CONTENT_DEPTH_MAX = 100 }; /* definitions whose content needs that of another */

/* --- definitions ---------------------------------------------------------------------------- */

struct o3_def *o3_def_add(struct o3 *x, rac_str name, const struct rac_place *at)
{
    rac_str base = name;
    uintptr_t n = (uintptr_t)rac_map_get(&x->def_numbers, base);
    for (n = n < 2 ? 2 : n; rac_map_has(&x->def_by_name, name); n++)
        name = rac_arena_printf(x->a, "%.*s_%zu", RAC_FMT(base), (size_t)n);
    if (name.p != base.p)
        rac_map_put(&x->def_numbers, base, (void *)n);
    struct o3_def *d = RAC_NEW(x->a, struct o3_def);
    d->name = name;
    d->at = rac_place_keep(x->a, at);
    rac_map_put(&x->def_by_name, name, d);
    if (o3_by_address(&x->def_by_node, at->node) == NULL)
        o3_put_address(x, &x->def_by_node, at->node, d);
    if (x->defs_n == x->defs_cap) {
        size_t cap = x->defs_cap ? x->defs_cap * 2 : 64;
        x->defs =
            rac_arena_grow(x->a, x->defs, x->defs_cap * sizeof *x->defs, cap * sizeof *x->defs);
        x->defs_cap = cap;
    }
    x->defs[x->defs_n++] = d;
    return d;
}

/* A name for the target of a reference into some other place: its last words. */
static rac_str name_of_ref(struct o3 *x, const struct rac_place *target)
{
    rac_str pointer = rac_place_pointer(target, x->a), last = RAC_S(""), before = RAC_S("");
    rac_str rest = pointer;
    while (rest.p != NULL) {
        rac_str part = rac_str_cut(rest, '/', &rest);
        before = last;
        last = part;
    }
    rac_str name = rac_name_pascal(x->a, last);
    if (name.n > 0 && rac_is_digit(name.p[0]))
        name = rac_str_concat(x->a, rac_name_pascal(x->a, before), name);
    if (name.n == 0 && target->source->path.n > 0) {
        rac_str file = target->source->path;
        size_t slash = rac_str_rfind_char(file, '/');
        file = slash == RAC_STR_NPOS ? file : rac_str_from(file, slash + 1);
        size_t dot = rac_str_find_char(file, '.');
        name = rac_name_pascal(x->a, dot == RAC_STR_NPOS ? file : rac_str_sub(file, 0, dot));
    }
    return name.n > 0 ? rac_str_sub(name, 0, 100) : RAC_S("Schema");
}

struct rac_json o3_def_ref(struct o3 *x, const struct o3_def *d)
{
    struct rac_json o = rac_json_new_object(x->a);
    RAC_JSON_PUT_STR(x->a, &o, "$ref",
                     rac_json_pointer_join(x->a, RAC_S("#/definitions"), d->name));
    return o;
}

/* The definition a reference means, made when there is none yet; NULL: told and lost. */
struct o3_def *o3_def_of_ref(struct o3 *x, const struct rac_place *at, rac_str ref)
{
    rac_str name = o3_component(x, at, ref, "schemas");
    struct o3_def *d = name.p != NULL ? rac_map_get(&x->def_by_name, name) : NULL;
    if (d != NULL)
        return d;
    struct rac_place target;
    if (!o3_resolve(x, at, ref, &target) ||
        !(rac_json_is_object(target.node) || rac_json_is_bool(target.node))) {
        o3_loss(x, RAC_RULE_O3_03, at, "the reference '%.*s' names no schema that can be read",
                (int)(ref.n < 300 ? ref.n : 300), ref.p);
        return NULL;
    }
    d = o3_by_address(&x->def_by_node, target.node);
    return d != NULL ? d : o3_def_add(x, name_of_ref(x, &target), &target);
}

/* --- content, writing ------------------------------------------------------------------------- */

struct rac_json o3_def_content(struct o3 *x, struct o3_def *d)
{
    if (d->content_done)
        return d->content;
    if (d->content_busy || x->content_depth >= O3_CONTENT_DEPTH_MAX)
        return rac_json_new_object(x->a);
    d->content_busy = true;
    x->content_depth++;
    struct rac_place target;
    x->muted++;
    struct rac_json content = rac_json_new_object(x->a);
    if (o3_follow(x, d->at, &target))
        content = o3_schema(x, &target);
    x->muted--;
    x->content_depth--;
    d->content = content;
    d->content_done = true;
    d->content_busy = false;
    return content;
}

struct rac_json o3_schema_flat(struct o3 *x, const struct rac_place *at)
{
    struct rac_json s = o3_schema(x, at);
    return o3_flatten(x, &s);
}

/* A definition that is nothing but a reference must lead somewhere (RC-REF-02). */
static bool runs_in_circle(struct o3 *x, const struct rac_place *at)
{
    struct rac_place end;
    x->muted++;
    bool ok = o3_follow(x, at, &end);
    x->muted--;
    return !ok;
}

rac_err o3_write_definitions(struct o3 *x)
{
    for (size_t i = 0; i < x->defs_n; i++) { /* grows while it runs */
        struct o3_def *d = x->defs[i];
        if (x->too_much || rac_arena_over(x->a))
            return RAC_E_LIMIT;
        if (d->written)
            continue;
        d->written = true;
        struct rac_json s = rac_json_new_object(x->a);
        if (o3_ref_of(d->at->node).p != NULL && runs_in_circle(x, d->at))
            o3_loss(x, RAC_RULE_O3_03, d->at, "the reference leads nowhere; any value is accepted");
        else
            s = o3_schema(x, d->at);
        rac_json_put(x->a, &x->definitions, d->name, s);
    }
    return RAC_OK;
}
