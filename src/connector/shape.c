/*
 * Schemas reduced to shapes, and values fitted to them.
 *
 * A leaf without a default is one of a handful of static shapes, so a definition of thousands of
 * properties costs little more than its property names. Recursion over the schema is bounded
 * (DEPTH_MAX): deeper, anything goes. Recursion over a value is bounded by the JSON depth cap.
 */
#include "connector/shape.h"

#include "base/base64.h"
#include "base/str.h"
#include "connector/text_priv.h"

enum { DEPTH_MAX = 300, ALL_OF_MAX = 32, SORT_ABOVE = 8, MAP_ABOVE = 64, MADE_MAX = 100000 };

static const struct rac_shape leaves[] = {
    [RAC_TYPE_ANY] = {.type = RAC_TYPE_ANY},
    [RAC_TYPE_STRING] = {.type = RAC_TYPE_STRING},
    [RAC_TYPE_INTEGER] = {.type = RAC_TYPE_INTEGER},
    [RAC_TYPE_NUMBER] = {.type = RAC_TYPE_NUMBER},
    [RAC_TYPE_BOOLEAN] = {.type = RAC_TYPE_BOOLEAN},
    [RAC_TYPE_ARRAY] = {.type = RAC_TYPE_ARRAY},
    [RAC_TYPE_OBJECT] = {.type = RAC_TYPE_OBJECT},
    [RAC_TYPE_FILE] = {.type = RAC_TYPE_FILE, .binary = true},
};
static const struct rac_shape leaf_binary = {.type = RAC_TYPE_STRING, .binary = true};

const char *rac_type_name(enum rac_type t)
{
    static const char *const names[] = {"anything",  "a string", "an integer", "a number",
                                        "a boolean", "an array", "an object",  "a file"};
    return names[t];
}

void rac_shapes_init(struct rac_shapes *s, struct rac_api *api, struct rac_arena *a,
                     struct rac_arena *scratch)
{
    memset(s, 0, sizeof *s);
    s->api = api;
    s->a = a;
    s->scratch = scratch;
    rac_map_init(&s->by_node, scratch);
    rac_map_init(&s->fallbacks, scratch);
}

static enum rac_type type_of(const struct rac_json *node)
{
    static const rac_str names[] = {
        [RAC_TYPE_ANY] = RAC_S_INIT("any"),         [RAC_TYPE_STRING] = RAC_S_INIT("string"),
        [RAC_TYPE_INTEGER] = RAC_S_INIT("integer"), [RAC_TYPE_NUMBER] = RAC_S_INIT("number"),
        [RAC_TYPE_BOOLEAN] = RAC_S_INIT("boolean"), [RAC_TYPE_ARRAY] = RAC_S_INIT("array"),
        [RAC_TYPE_OBJECT] = RAC_S_INIT("object"),   [RAC_TYPE_FILE] = RAC_S_INIT("file"),
    };
    const struct rac_json *t = RAC_JSON_GET(node, "type");
    if (rac_json_is_array(t)) { /* ["string", "null"]: the one that is not null */
        const struct rac_json *one = NULL;
        RAC_JSON_EACH(e, t)
        {
            if (rac_str_eq(rac_json_str(e, RAC_S("")), RAC_S("null")))
                continue;
            if (one != NULL)
                return RAC_TYPE_ANY;
            one = e;
        }
        t = one;
    }
    rac_str name = rac_json_str(t, RAC_STR_NULL);
    for (size_t i = 0; name.p != NULL && i < RAC_COUNT(names); i++)
        if (rac_str_eqi(names[i], name))
            return (enum rac_type)i;
    if (name.p != NULL)
        return RAC_TYPE_ANY;
    if (rac_json_is_object(RAC_JSON_GET(node, "properties")) ||
        rac_json_is_array(RAC_JSON_GET(node, "allOf")))
        return RAC_TYPE_OBJECT;
    return rac_json_is_object(RAC_JSON_GET(node, "items")) ? RAC_TYPE_ARRAY : RAC_TYPE_ANY;
}

static bool scalar_fit(enum rac_type t, const struct rac_json *v, struct rac_arena *a,
                       struct rac_json *out);

/* A copy in the connector's arena; a list or object that many references bring is copied once. */
static struct rac_json fallback_copy(struct rac_shapes *s, const struct rac_json *v)
{
    if (v->type < RAC_JSON_ARRAY)
        return rac_json_copy(s->a, v);
    const void *address = v->type == RAC_JSON_ARRAY ? (const void *)v->array : v->object;
    rac_str key = {(const char *)&address, sizeof address};
    struct rac_json *known = rac_map_get(&s->fallbacks, key);
    if (known == NULL) {
        known = RAC_NEW(s->scratch, struct rac_json);
        *known = rac_json_copy(s->a, v);
        rac_map_put(&s->fallbacks, rac_arena_str(s->scratch, key), known);
    }
    return *known;
}

/* The value sent when this is required and missing (§6.2): its default, or the only value of an
 * internal enum. A default of the wrong type is made right where it can be. */
static bool fallback_of(struct rac_shapes *s, const struct rac_json *node, enum rac_type type,
                        struct rac_json *out)
{
    const struct rac_json *d = RAC_JSON_GET(node, "default");
    if (d == NULL || rac_json_is_null(d)) {
        const struct rac_json *words = RAC_JSON_GET(node, "enum");
        if (rac_json_len(words) != 1 || rac_api_visibility(node) != RAC_VISIBILITY_INTERNAL)
            return false;
        d = rac_json_at(words, 0);
        if (d == NULL)
            return false;
    }
    struct rac_json fit = *d;
    if (type < RAC_TYPE_ARRAY && !scalar_fit(type, d, s->scratch, &fit))
        fit = *d;
    *out = fallback_copy(s, &fit);
    return true;
}

static bool value_fits(struct rac_shapes *s, enum rac_type type, const struct rac_json *v)
{
    struct rac_json fit;
    if (v->type == RAC_JSON_NULL)
        return true;
    return type == RAC_TYPE_ARRAY    ? v->type == RAC_JSON_ARRAY
           : type == RAC_TYPE_OBJECT ? v->type == RAC_JSON_OBJECT
                                     : scalar_fit(type, v, s->scratch, &fit);
}

/* The type, unless the definition's own default or enum contradicts it (corpus-survey §11.21, 22):
 * then what it lists has to be accepted, and the type says nothing. */
static enum rac_type honest_type(struct rac_shapes *s, const struct rac_json *node)
{
    enum rac_type type = type_of(node);
    const struct rac_json *words = RAC_JSON_GET(node, "enum"), *d = RAC_JSON_GET(node, "default");
    if (d != NULL && !value_fits(s, type, d))
        return RAC_TYPE_ANY;
    if (rac_json_is_array(words))
        RAC_JSON_EACH(w, words)
        {
            if (!value_fits(s, type, w))
                return RAC_TYPE_ANY;
        }
    return type;
}

static struct rac_shape *shape_new(struct rac_shapes *s, enum rac_type type)
{
    struct rac_shape *shape = RAC_NEW(s->a, struct rac_shape);
    shape->type = (uint8_t)type;
    if (s->made_n == s->made_cap) {
        size_t cap = s->made_cap ? s->made_cap * 2 : 64;
        s->made =
            rac_arena_grow(s->scratch, s->made, s->made_cap * sizeof(void *), cap * sizeof(void *));
        s->made_cap = cap;
    }
    s->made[s->made_n++] = shape;
    return shape;
}

/* Properties of a schema and of its allOf, gathered in scratch before they are copied. */
struct gather {
    struct {
        rac_str name;
        const struct rac_json *node;
    } * v;
    size_t n, cap;
    const struct rac_json *required[ALL_OF_MAX];
    size_t required_n;
    const struct rac_json *extra, *items;
    unsigned visited;
    struct rac_map names;  /* of more than one schema: the first of a name wins */
    struct rac_map wanted; /* names of required, when there are many */
};

static void gather_one(struct rac_shapes *s, struct gather *g, rac_str name,
                       const struct rac_json *node)
{
    if (g->names.a != NULL && !rac_map_add(&g->names, name, g))
        return;
    if (++s->props_n > RAC_SHAPES_PROPS_MAX) {
        s->too_large = true;
        return;
    }
    if (g->n == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 16;
        g->v = rac_arena_grow(s->scratch, g->v, g->cap * sizeof *g->v, cap * sizeof *g->v);
        g->cap = cap;
    }
    g->v[g->n].name = name;
    g->v[g->n++].node = node;
}

static void gather_schema(struct rac_shapes *s, struct gather *g, const struct rac_json *schema)
{
    schema = rac_api_deref(s->api, schema);
    if (schema == NULL || ++g->visited > ALL_OF_MAX)
        return;
    if (g->names.a == NULL && rac_json_is_array(RAC_JSON_GET(schema, "allOf")))
        rac_map_init(&g->names, s->scratch);
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(schema, "properties"))
    {
        gather_one(s, g, rac_json_key(m), &m->value);
    }
    const struct rac_json *required = RAC_JSON_GET(schema, "required");
    if (rac_json_is_array(required) && g->required_n < ALL_OF_MAX)
        g->required[g->required_n++] = required;
    if (g->extra == NULL)
        g->extra = RAC_JSON_GET(schema, "additionalProperties");
    if (g->items == NULL)
        g->items = RAC_JSON_GET(schema, "items");
    const struct rac_json *all = RAC_JSON_GET(schema, "allOf");
    if (rac_json_is_array(all))
        RAC_JSON_EACH(part, all)
        {
            gather_schema(s, g, part);
        }
}

static void map_required(struct rac_shapes *s, struct gather *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->required_n; i++)
        n += rac_json_len(g->required[i]);
    if (n <= MAP_ABOVE)
        return;
    rac_map_init(&g->wanted, s->scratch);
    for (size_t i = 0; i < g->required_n; i++)
        RAC_JSON_EACH(r, g->required[i])
        {
            rac_map_add(&g->wanted, rac_json_str(r, RAC_STR_NULL), r);
        }
}

static bool gather_required(const struct gather *g, rac_str name)
{
    if (g->wanted.a != NULL)
        return rac_map_has(&g->wanted, name);
    for (size_t i = 0; i < g->required_n; i++)
        RAC_JSON_EACH(r, g->required[i])
        {
            if (rac_str_eq(rac_json_str(r, RAC_STR_NULL), name))
                return true;
        }
    return false;
}

static const struct rac_shape *shape_of(struct rac_shapes *s, const struct rac_json *node,
                                        unsigned depth);

static int by_prop_name(const void *x, const void *y, void *props)
{
    const struct rac_shape_prop *p = props;
    uint32_t i = *(const uint32_t *)x, k = *(const uint32_t *)y;
    int c = rac_str_cmp(p[i].name, p[k].name);
    return c != 0 ? c : i < k ? -1 : i > k;
}

static void sort_names(struct rac_shape *shape, struct rac_arena *a)
{
    if (shape->props_n <= SORT_ABOVE)
        return;
    shape->sorted = rac_arena_alloc(a, shape->props_n * sizeof(uint32_t));
    for (uint32_t i = 0; i < shape->props_n; i++)
        shape->sorted[i] = i;
    qsort_r(shape->sorted, shape->props_n, sizeof(uint32_t), by_prop_name, shape->props);
}

const struct rac_shape_prop *rac_shape_prop_find(const struct rac_shape *s, rac_str name)
{
    if (s->sorted == NULL) {
        for (uint32_t i = 0; i < s->props_n; i++)
            if (rac_str_eq(s->props[i].name, name))
                return &s->props[i];
        return NULL;
    }
    uint32_t lo = 0, hi = s->props_n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        int c = rac_str_cmp(s->props[s->sorted[mid]].name, name);
        if (c == 0)
            return &s->props[s->sorted[mid]];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static void fill_object(struct rac_shapes *s, struct rac_shape *shape, struct gather *g,
                        unsigned depth)
{
    map_required(s, g);
    shape->props = RAC_NEW_N(s->a, struct rac_shape_prop, g->n);
    shape->props_n = (uint32_t)g->n;
    for (size_t i = 0; i < g->n; i++) {
        const struct rac_json *node = rac_api_deref(s->api, g->v[i].node);
        struct rac_shape_prop *p = &shape->props[i];
        p->name = rac_arena_str(s->a, g->v[i].name);
        p->required = gather_required(g, g->v[i].name);
        p->read_only = rac_json_bool(RAC_JSON_GET(node, "readOnly"), false);
        p->shape = shape_of(s, node, depth + 1);
    }
    sort_names(shape, s->a);
    if (rac_json_is_object(g->extra))
        shape->extra = shape_of(s, g->extra, depth + 1);
}

static const struct rac_shape *shape_make(struct rac_shapes *s, const struct rac_json *node,
                                          void **slot, unsigned depth)
{
    enum rac_type type = honest_type(s, node);
    struct rac_json fallback = {0};
    bool has_fallback = fallback_of(s, node, type, &fallback);
    bool binary =
        type == RAC_TYPE_FILE ||
        (type == RAC_TYPE_STRING &&
         rac_str_eqi(rac_json_str(RAC_JSON_GET(node, "format"), RAC_S("")), RAC_S("binary")));
    struct gather g = {0};
    if (type == RAC_TYPE_OBJECT || type == RAC_TYPE_ARRAY)
        gather_schema(s, &g, node);
    bool children = (type == RAC_TYPE_OBJECT && (g.n > 0 || rac_json_is_object(g.extra))) ||
                    (type == RAC_TYPE_ARRAY && rac_json_is_object(g.items));
    if (!has_fallback && !children)
        return *slot = (void *)(binary && type == RAC_TYPE_STRING ? &leaf_binary : &leaves[type]);
    struct rac_shape *shape = shape_new(s, type);
    *slot = shape; /* before the children: recursive schemas find it */
    shape->binary = binary;
    shape->has_fallback = has_fallback;
    shape->fallback = fallback;
    if (type == RAC_TYPE_OBJECT && children)
        fill_object(s, shape, &g, depth);
    else if (children)
        shape->items = shape_of(s, g.items, depth + 1);
    return shape;
}

struct memo { /* by_node value; the key is the node's address */
    const struct rac_json *node;
    void *shape;
};

static const struct rac_shape *shape_of(struct rac_shapes *s, const struct rac_json *node,
                                        unsigned depth)
{
    node = rac_api_deref(s->api, node);
    if (!rac_json_is_object(node) || depth > DEPTH_MAX || s->too_large || rac_arena_over(s->a) ||
        rac_arena_over(s->scratch))
        return &leaves[RAC_TYPE_ANY];
    rac_str key = {(const char *)&node, sizeof node};
    struct memo *m = rac_map_get(&s->by_node, key);
    if (m != NULL)
        return m->shape;
    m = RAC_NEW(s->scratch, struct memo);
    m->node = node;
    rac_map_put(&s->by_node, (rac_str){(const char *)&m->node, sizeof m->node}, m);
    return shape_make(s, node, &m->shape, depth);
}

const struct rac_shape *rac_shapes_of(struct rac_shapes *s, const struct rac_json *node)
{
    return shape_of(s, node, 0);
}

/* --- what descendants need -------------------------------------------------------------------- */

/* A shape is told of once by each of its children for each thing it learns: linear in all. */
struct link {
    struct node *parent;
    bool fills; /* the child is a required property: what it makes fills it */
    bool filled;
    struct link *next;
};

struct node {
    struct rac_shape *shape;
    struct link *parents;
    size_t missing; /* required properties that nothing fills */
    bool queued;
    struct node *next;
};

struct spread {
    struct rac_shapes *s;
    struct rac_map nodes; /* address of a shape -> its node */
    struct node *queue;
};

static void enqueue(struct spread *x, struct node *n)
{
    if (n->queued)
        return;
    n->queued = true;
    n->next = x->queue;
    x->queue = n;
}

static void link_child(struct spread *x, struct node *parent, const struct rac_shape *child,
                       bool fills)
{
    struct node *n = child == NULL
                         ? NULL
                         : rac_map_get(&x->nodes, (rac_str){(const char *)&child, sizeof child});
    if (n == NULL)
        return;
    struct link *l = RAC_NEW(x->s->scratch, struct link);
    *l = (struct link){.parent = parent, .fills = fills, .next = n->parents};
    n->parents = l;
}

static void fill(struct node *n)
{
    n->shape->forced = true;
    n->shape->makes |= --n->missing == 0;
}

static void link_children(struct spread *x, struct node *n)
{
    struct rac_shape *shape = n->shape;
    for (uint32_t i = 0; i < shape->props_n; i++)
        n->missing += shape->props[i].required && !shape->props[i].read_only;
    for (uint32_t i = 0; i < shape->props_n; i++) {
        const struct rac_shape_prop *p = &shape->props[i];
        bool needed = p->required && !p->read_only;
        shape->strips |= p->read_only;
        if (needed && p->shape->has_fallback)
            fill(n);
        link_child(x, n, p->shape, needed && !p->shape->has_fallback);
    }
    link_child(x, n, shape->items, false);
    link_child(x, n, shape->extra, false);
}

static void tell_parents(struct spread *x, struct node *n)
{
    for (struct link *l = n->parents; l != NULL; l = l->next) {
        struct rac_shape *up = l->parent->shape;
        bool forced = up->forced, strips = up->strips, makes = up->makes;
        up->forced |= n->shape->forced;
        up->strips |= n->shape->strips;
        if (l->fills && !l->filled && n->shape->makes) {
            l->filled = true;
            fill(l->parent);
        }
        if (forced != up->forced || strips != up->strips || makes != up->makes)
            enqueue(x, l->parent);
    }
}

void rac_shapes_finish(struct rac_shapes *s)
{
    struct spread x = {.s = s};
    struct node *nodes = RAC_NEW_N(s->scratch, struct node, s->made_n);
    rac_map_init(&x.nodes, s->scratch);
    for (size_t i = 0; i < s->made_n; i++) {
        nodes[i].shape = s->made[i];
        rac_map_put(&x.nodes, (rac_str){(const char *)&nodes[i].shape, sizeof(void *)}, &nodes[i]);
    }
    for (size_t i = 0; i < s->made_n && !rac_arena_over(s->scratch); i++)
        link_children(&x, &nodes[i]);
    for (size_t i = 0; i < s->made_n; i++)
        enqueue(&x, &nodes[i]);
    while (x.queue != NULL) {
        struct node *n = x.queue;
        x.queue = n->next;
        n->queued = false;
        tell_parents(&x, n);
    }
}

/* --- values ---------------------------------------------------------------------------------- */

static bool is_whole(const struct rac_json *v)
{
    if (v->type == RAC_JSON_INT)
        return true;
    double d = rac_json_double(v, 0.5);
    return d >= 9e15 || d <= -9e15 || d == (double)(int64_t)d;
}

/* Text that is a number as JSON spells it ("007" is none, and would lose its zeros). */
static bool number_text(rac_str text, bool whole, struct rac_json *out, struct rac_arena *a)
{
    struct rac_json_error error;
    if (text.n == 0 || text.n > 400 || !(rac_is_digit(text.p[0]) || text.p[0] == '-') ||
        !rac_is_digit(text.p[text.n - 1]))
        return false;
    return rac_json_parse(text, a, 0, out, &error) == RAC_OK && rac_json_is_number(out) &&
           (!whole || is_whole(out));
}

/* §6.2: string -> number or boolean when the text is an exact literal; anything -> string. */
static bool scalar_fit(enum rac_type t, const struct rac_json *v, struct rac_arena *a,
                       struct rac_json *out)
{
    rac_str text = rac_json_str(v, RAC_STR_NULL);
    switch (t) {
    case RAC_TYPE_STRING:
        *out = v->type == RAC_JSON_STRING ? *v : rac_json_of_str(rac_value_text(a, v));
        return true;
    case RAC_TYPE_INTEGER:
    case RAC_TYPE_NUMBER:
        if (text.p != NULL)
            return number_text(text, t == RAC_TYPE_INTEGER, out, a);
        *out = *v;
        return rac_json_is_number(v) && (t == RAC_TYPE_NUMBER || is_whole(v));
    case RAC_TYPE_BOOLEAN:
        *out = *v;
        if (text.p != NULL &&
            (rac_str_eqi(text, RAC_S("true")) || rac_str_eqi(text, RAC_S("false"))))
            *out = rac_json_of_bool(rac_lower(text.p[0]) == 't');
        return rac_json_is_bool(out);
    default:
        *out = *v;
        return true;
    }
}

bool rac_envelope_read(const struct rac_json *v, struct rac_arena *a, rac_str *content_type,
                       rac_str *bytes, rac_str *name)
{
    if (!rac_json_is_object(v))
        return false;
    const struct rac_json *content = RAC_JSON_GET(v, "$content");
    rac_str type = rac_json_str(RAC_JSON_GET(v, "$content-type"), RAC_STR_NULL);
    if (content == NULL) {
        content = RAC_JSON_GET(v, "contentBytes");
        if (type.p == NULL)
            type = rac_json_str(RAC_JSON_GET(v, "contentType"), RAC_STR_NULL);
    }
    rac_str text = rac_json_str(content, RAC_STR_NULL);
    if (text.p == NULL || !rac_base64_decode(a, text, bytes))
        return false;
    *content_type = type;
    *name = rac_json_str(RAC_JSON_GET(v, "name"), RAC_STR_NULL);
    return true;
}

static bool is_envelope(const struct rac_json *v)
{
    return rac_json_is_string(RAC_JSON_GET(v, "$content")) ||
           rac_json_is_string(RAC_JSON_GET(v, "contentBytes"));
}

struct fit {
    struct rac_arena *a;
    rac_str pointer; /* built from the inside out on failure */
    const char *want;
};

static bool fit_value(struct fit *f, const struct rac_shape *s, const struct rac_json *v,
                      struct rac_json *out);

static bool fit_failed(struct fit *f, enum rac_type t)
{
    f->want = rac_type_name(t);
    f->pointer = RAC_S("");
    return false;
}

static void fit_below(struct fit *f, rac_str key)
{
    f->pointer = rac_str_concat(f->a, rac_json_pointer_join(f->a, RAC_S(""), key), f->pointer);
}

static bool same_node(const struct rac_json *x, const struct rac_json *y)
{
    return x->type == y->type && x->n == y->n && x->s == y->s;
}

static bool fit_array(struct fit *f, const struct rac_shape *s, const struct rac_json *v,
                      struct rac_json *out)
{
    *out = *v;
    bool changed = false;
    for (size_t i = 0; s->items != NULL && i < rac_json_len(v); i++) {
        const struct rac_json *element = rac_json_at(v, i);
        struct rac_json fitted;
        if (!fit_value(f, s->items, element, &fitted)) {
            fit_below(f, rac_arena_printf(f->a, "%zu", i));
            return false;
        }
        if (same_node(&fitted, element))
            continue;
        if (!changed) { /* a copy of the container: the argument is the caller's */
            changed = true;
            *out = rac_json_new_array(f->a);
            RAC_JSON_EACH(e, v)
            {
                rac_json_add(f->a, out, *e);
            }
        }
        *rac_json_at(out, i) = fitted;
    }
    return true;
}

static void object_copy(struct fit *f, const struct rac_json *v, struct rac_json *out)
{
    *out = rac_json_new_object(f->a);
    RAC_JSON_EACH_MEMBER(m, v)
    {
        rac_json_put(f->a, out, rac_json_key(m), m->value);
    }
}

/* The members of v fitted, in a new object from the first one on that is not what it was. */
static bool fit_members(struct fit *f, const struct rac_shape *s, const struct rac_json *v,
                        struct rac_json *out, bool *changed)
{
    RAC_JSON_EACH_MEMBER(m, v)
    {
        const struct rac_shape_prop *p = rac_shape_prop_find(s, rac_json_key(m));
        const struct rac_shape *shape = p != NULL ? p->shape : s->extra;
        bool drop = p != NULL && p->read_only;
        struct rac_json fitted = m->value;
        if (!drop && shape != NULL && !fit_value(f, shape, &m->value, &fitted)) {
            fit_below(f, rac_json_key(m));
            return false;
        }
        if (!*changed && !drop && same_node(&fitted, &m->value))
            continue;
        if (!*changed) { /* a copy of the container: the argument is the caller's */
            *changed = true;
            *out = rac_json_new_object(f->a);
            for (size_t i = 0; rac_json_member_at(v, i) != m; i++)
                rac_json_add_new(f->a, out, rac_json_key(rac_json_member_at(v, i)),
                                 rac_json_member_at(v, i)->value);
        }
        if (!drop)
            rac_json_add_new(f->a, out, rac_json_key(m), fitted);
    }
    return true;
}

static bool fit_object(struct fit *f, const struct rac_shape *s, const struct rac_json *v,
                       struct rac_json *out)
{
    bool changed = false;
    *out = *v;
    if (!fit_members(f, s, v, out, &changed))
        return false;
    for (uint32_t i = 0; s->forced && i < s->props_n; i++) {
        const struct rac_shape_prop *p = &s->props[i];
        if (!p->required || p->read_only || (!p->shape->has_fallback && !p->shape->makes) ||
            rac_json_get(v, p->name) != NULL)
            continue;
        if (!changed)
            object_copy(f, v, out);
        changed = true;
        struct rac_json value =
            p->shape->has_fallback ? p->shape->fallback : rac_shape_make(p->shape, f->a);
        rac_json_put(f->a, out, p->name, value);
    }
    return true;
}

static bool fit_value(struct fit *f, const struct rac_shape *s, const struct rac_json *v,
                      struct rac_json *out)
{
    *out = *v;
    if (v->type == RAC_JSON_NULL || s->type == RAC_TYPE_ANY)
        return true;
    if (s->type == RAC_TYPE_STRING && is_envelope(v)) { /* inside JSON bytes travel as base64 */
        const struct rac_json *content = RAC_JSON_GET(v, "$content");
        *out = content != NULL ? *content : *RAC_JSON_GET(v, "contentBytes");
        return true;
    }
    if (s->type == RAC_TYPE_OBJECT)
        return v->type == RAC_JSON_OBJECT ? fit_object(f, s, v, out)
                                          : fit_failed(f, RAC_TYPE_OBJECT);
    if (s->type == RAC_TYPE_ARRAY)
        return v->type == RAC_JSON_ARRAY ? fit_array(f, s, v, out) : fit_failed(f, RAC_TYPE_ARRAY);
    return scalar_fit((enum rac_type)s->type, v, f->a, out) ||
           fit_failed(f, (enum rac_type)s->type);
}

bool rac_shape_fit(const struct rac_shape *s, const struct rac_json *v, struct rac_arena *a,
                   struct rac_json *out, rac_str *pointer, const char **want)
{
    struct fit f = {.a = a};
    if (fit_value(&f, s, v, out))
        return true;
    *pointer = f.pointer;
    *want = f.want;
    return false;
}

static struct rac_json make(const struct rac_shape *s, struct rac_arena *a, size_t *left)
{
    struct rac_json o = rac_json_new_object(a);
    for (uint32_t i = 0; i < s->props_n && !a->over; i++) {
        const struct rac_shape_prop *p = &s->props[i];
        if (!p->required || p->read_only)
            continue;
        if (--*left == 0) { /* references that multiply: the request is larger than the limit */
            a->over = true;
            break;
        }
        if (p->shape->has_fallback)
            rac_json_put(a, &o, p->name, p->shape->fallback);
        else if (p->shape->makes)
            rac_json_put(a, &o, p->name, make(p->shape, a, left));
    }
    return o;
}

struct rac_json rac_shape_make(const struct rac_shape *s, struct rac_arena *a)
{
    size_t left = MADE_MAX;
    return make(s, a, &left);
}
