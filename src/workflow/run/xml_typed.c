#include "workflow/run/xml_typed.h"

#include "base/map.h"
#include "base/str.h"

#include <stdlib.h>

#define XSI_NS "http://www.w3.org/2001/XMLSchema-instance"

enum { DEPTH_MAX = 1000, NUMBER_TEXT_MAX = 400 };

struct type {
    const struct rac_json *described; /* NULL: nothing is known of it */
    rac_str text;                     /* absent: children */
    bool indexed;
    struct rac_map children;   /* "{ns}name", and "name" for the first of that name */
    struct rac_map attributes; /* "name" -> text */
};
struct rac_xml_types {
    struct rac_arena *a;
    struct type *v, roots;
    size_t n;
};

/* --- the description -------------------------------------------------------------------------- */

static const struct rac_json *member(const struct rac_json *v, const char *name)
{
    return rac_json_get(v, rac_str_of(name));
}

static rac_str string(const struct rac_json *v, const char *name)
{
    return rac_json_str(member(v, name), RAC_S(""));
}

static bool is_yes(const struct rac_json *v, const char *name)
{
    return rac_json_bool(member(v, name), false);
}

static void index_children(struct rac_arena *a, struct rac_map *m, const struct rac_json *list)
{
    rac_map_init(m, a);
    RAC_JSON_EACH(e, list)
    {
        rac_str name = string(e, "name");
        (void)rac_map_add(
            m, rac_arena_printf(a, "{%.*s}%.*s", RAC_FMT(string(e, "ns")), RAC_FMT(name)), e);
        (void)rac_map_add(m, name, e);
    }
}

static void index_type(struct rac_xml_types *t, struct type *type)
{
    if (type->indexed)
        return;
    type->indexed = true;
    index_children(t->a, &type->children, member(type->described, "children"));
    rac_map_init(&type->attributes, t->a);
    RAC_JSON_EACH(e, member(type->described, "attributes"))
    (void)rac_map_add(&type->attributes, string(e, "name"), e);
}

rac_err rac_xml_types_read(rac_str text, struct rac_arena *a, struct rac_xml_types **out)
{
    struct rac_json v;
    struct rac_xml_types *t = RAC_NEW(a, struct rac_xml_types);
    if (rac_json_parse(text, a, 0, &v, NULL) != RAC_OK || !rac_json_is_array(member(&v, "types")))
        return RAC_E_CORRUPT;
    t->a = a;
    t->n = rac_json_len(member(&v, "types"));
    t->v = RAC_NEW_N(a, struct type, t->n);
    for (size_t i = 0; i < t->n; i++) {
        t->v[i].described = rac_json_at(member(&v, "types"), i);
        t->v[i].text = rac_json_str(member(t->v[i].described, "text"), RAC_STR_NULL);
    }
    t->roots.indexed = true;
    index_children(a, &t->roots.children, member(&v, "roots"));
    rac_map_init(&t->roots.attributes, a);
    *out = t;
    return RAC_OK;
}

/* The type of an element as it is described; NULL: it is not, or nothing is known of it. */
static struct type *type_of(struct rac_xml_types *t, const struct rac_json *element)
{
    int64_t place = rac_json_int(member(element, "type"), -1);
    if (element == NULL || place < 0 || (uint64_t)place >= t->n)
        return NULL;
    index_type(t, &t->v[place]);
    return &t->v[place];
}

/* --- names ------------------------------------------------------------------------------------ */

struct scope { /* objects on the way down: their "@xmlns" members */
    const struct scope *outer;
    const struct rac_json *object;
};

/* Absent: that prefix (or no default) is declared nowhere. */
static rac_str namespace_of(struct rac_arena *a, const struct scope *s, rac_str prefix)
{
    rac_str key = prefix.n > 0 ? rac_str_concat(a, RAC_S("@xmlns:"), prefix) : RAC_S("@xmlns");
    for (; s != NULL; s = s->outer) {
        const struct rac_json *v = rac_json_get(s->object, key);
        if (rac_json_is_string(v))
            return rac_json_str(v, RAC_S(""));
    }
    return RAC_STR_NULL;
}

static rac_str local_of(rac_str key, rac_str *prefix)
{
    rac_str local;
    *prefix = rac_str_cut(key, ':', &local);
    if (local.p != NULL)
        return local;
    *prefix = RAC_S("");
    return key;
}

static bool is_element(rac_str key)
{
    return key.n > 0 && key.p[0] != '@' && key.p[0] != '#' && key.p[0] != '?' && key.p[0] != '!';
}

/* A member's element; without a namespace that is known, whichever has that name. */
static const struct rac_json *find(struct rac_xml_types *t, const struct type *in, rac_str key,
                                   const struct scope *s, bool by_name)
{
    rac_str prefix, local = local_of(key, &prefix), ns = namespace_of(t->a, s, prefix);
    const struct rac_json *found =
        ns.p != NULL || !by_name
            ? rac_map_get(&in->children,
                          rac_arena_printf(t->a, "{%.*s}%.*s", RAC_FMT(ns), RAC_FMT(local)))
            : NULL;
    return found == NULL && by_name ? rac_map_get(&in->children, local) : found;
}

/* What an element declares itself counts for its name, too. */
static struct scope scope_in(const struct scope *outer, const struct rac_json *v)
{
    return (struct scope){outer, v->type == RAC_JSON_ARRAY ? rac_json_at(v, 0) : v};
}

/* --- XML to JSON ------------------------------------------------------------------------------ */

static size_t digits(rac_str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && rac_is_digit(s.p[at + n]))
        n++;
    return n;
}

/* "+007.50" is 7.50; false: "INF", "NaN". */
static bool number_of(struct rac_arena *a, rac_str text, struct rac_json *out)
{
    rac_str s = rac_str_trim(text);
    bool minus = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = rac_str_from(s, 1);
    if (s.n == 0 || s.n > NUMBER_TEXT_MAX)
        return false;
    size_t whole = digits(s, 0), zeros = 0;
    while (zeros + 1 < whole && s.p[zeros] == '0')
        zeros++;
    rac_str head = whole > 0 ? rac_str_sub(s, zeros, whole - zeros) : RAC_S("0");
    rac_str rest = rac_str_from(s, whole);
    size_t fraction = rest.n > 0 && rest.p[0] == '.' ? digits(rest, 1) : 0;
    rac_str part = fraction > 0 ? rac_str_sub(rest, 0, 1 + fraction) : RAC_S("");
    if (whole + fraction == 0)
        return false;
    rest = rac_str_from(rest, rest.n > 0 && rest.p[0] == '.' ? 1 + fraction : 0);
    return rac_json_parse(rac_arena_printf(a, "%s%.*s%.*s%.*s", minus ? "-" : "", RAC_FMT(head),
                                           RAC_FMT(part), RAC_FMT(rest)),
                          a, 0, out, NULL) == RAC_OK &&
           rac_json_is_number(out);
}

static struct rac_json text_value(struct rac_arena *a, rac_str kind, const struct rac_json *v)
{
    rac_str s = rac_json_str(v, RAC_S("")), bare = rac_str_trim(s);
    struct rac_json number;
    if (rac_json_is_null(v) && rac_str_eq(kind, RAC_S("string")))
        return rac_json_of_str(RAC_S(""));
    if (!rac_json_is_string(v))
        return *v;
    if (rac_str_eq(kind, RAC_S("number")) && number_of(a, s, &number))
        return number;
    if (rac_str_eq(kind, RAC_S("boolean"))) {
        if (rac_str_eq(bare, RAC_S("true")) || rac_str_eq(bare, RAC_S("1")))
            return rac_json_of_bool(true);
        if (rac_str_eq(bare, RAC_S("false")) || rac_str_eq(bare, RAC_S("0")))
            return rac_json_of_bool(false);
    }
    return *v;
}

static struct rac_json parsed_value(struct rac_xml_types *t, struct type *type,
                                    const struct rac_json *v, const struct scope *outer,
                                    unsigned depth);

static struct rac_json parsed_each(struct rac_xml_types *t, const struct rac_json *element,
                                   const struct rac_json *v, const struct scope *s, unsigned depth)
{
    struct type *type = type_of(t, element);
    if (v->type != RAC_JSON_ARRAY && !is_yes(element, "many"))
        return parsed_value(t, type, v, s, depth);
    struct rac_json list = rac_json_new_array(t->a);
    if (v->type != RAC_JSON_ARRAY)
        rac_json_add(t->a, &list, parsed_value(t, type, v, s, depth));
    RAC_JSON_EACH(e, v)
    rac_json_add(t->a, &list, parsed_value(t, type, e, s, depth));
    return list;
}

static struct rac_json parsed_value(struct rac_xml_types *t, struct type *type,
                                    const struct rac_json *v, const struct scope *outer,
                                    unsigned depth)
{
    struct scope s = {outer, v};
    if (type == NULL || depth > DEPTH_MAX)
        return *v;
    if (v->type != RAC_JSON_OBJECT)
        return text_value(t->a, type->text, v);
    struct rac_json out = rac_json_new_object_n(t->a, rac_json_len(v));
    RAC_JSON_EACH_MEMBER(m, v)
    {
        rac_str key = rac_json_key(m), prefix, local = local_of(key, &prefix);
        struct rac_json x = m->value;
        if (is_element(key)) {
            struct scope own = scope_in(&s, &m->value);
            const struct rac_json *child = find(t, type, key, &own, false);
            if (child != NULL)
                x = parsed_each(t, child, &m->value, &s, depth + 1);
        } else if (rac_str_eq(key, RAC_S("#text"))) {
            x = text_value(t->a, type->text, &x);
        } else if (key.p[0] == '@') {
            rac_str name = prefix.n > 0 ? local : rac_str_from(key, 1);
            x = text_value(t->a, string(rac_map_get(&type->attributes, name), "text"), &x);
        }
        rac_json_add_new(t->a, &out, key, x);
    }
    return out;
}

struct rac_json rac_xml_types_of_parsed(struct rac_xml_types *t, const struct rac_json *parsed)
{
    struct rac_json out = rac_json_new_object(t->a);
    RAC_JSON_EACH_MEMBER(m, parsed)
    {
        rac_str key = rac_json_key(m);
        struct scope s = {NULL, &m->value}; /* a root declares its own prefix */
        const struct rac_json *root = is_element(key) ? find(t, &t->roots, key, &s, false) : NULL;
        rac_json_put(t->a, &out, key,
                     parsed_value(t, root != NULL ? type_of(t, root) : NULL, &m->value, NULL, 0));
    }
    return out;
}

/* --- JSON to XML ------------------------------------------------------------------------------ */

struct placed { /* a member, and where the schema wants it */
    const struct rac_json_member *m;
    const struct rac_json *child; /* NULL: not described */
    size_t order, at;
};

static int by_order(const void *x, const void *y)
{
    const struct placed *a = x, *b = y;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

static struct rac_json content_value(struct rac_xml_types *t, const struct rac_json *element,
                                     const struct rac_json *v, const struct scope *outer,
                                     rac_str ns, bool prefixed, unsigned depth);

static void put_content(struct rac_xml_types *t, struct rac_json *out, const struct placed *p,
                        const struct scope *s, rac_str ns, unsigned depth)
{
    const struct rac_json *v = &p->m->value;
    struct scope own = scope_in(s, v);
    rac_str prefix, key = rac_json_key(p->m), local = local_of(key, &prefix);
    bool prefixed = prefix.n > 0 && namespace_of(t->a, &own, prefix).p != NULL;
    if (p->child == NULL) {
        rac_json_put(t->a, out, key, *v);
        return;
    }
    struct rac_json list = rac_json_new_array(t->a);
    RAC_JSON_EACH(e, v)
    rac_json_add(t->a, &list, content_value(t, p->child, e, s, ns, prefixed, depth));
    rac_json_put(t->a, out, prefixed ? key : local,
                 v->type == RAC_JSON_ARRAY ? list
                                           : content_value(t, p->child, v, s, ns, prefixed, depth));
}

/* Attributes first, text where it stood, then children in the order of the schema. */
static void put_members(struct rac_xml_types *t, struct type *type, const struct rac_json *v,
                        const struct scope *s, rac_str ns, unsigned depth, struct rac_json *out)
{
    size_t n = 0;
    struct placed *list = RAC_NEW_N(t->a, struct placed, rac_json_len(v));
    const struct rac_json *children = member(type->described, "children");
    RAC_JSON_EACH_MEMBER(m, v)
    {
        rac_str key = rac_json_key(m);
        struct placed *p = &list[n];
        *p = (struct placed){.m = m, .at = n++};
        if (!is_element(key))
            continue;
        struct scope own = scope_in(s, &m->value);
        p->child = find(t, type, key, &own, true);
        p->order = p->child != NULL ? (size_t)(p->child - rac_json_at(children, 0)) + 1 : SIZE_MAX;
        if (p->child == NULL && m->value.type < RAC_JSON_ARRAY &&
            rac_map_has(&type->attributes, key))
            p->order = 0;
    }
    qsort(list, n, sizeof *list, by_order);
    for (size_t i = 0; i < n; i++) {
        rac_str key = rac_json_key(list[i].m);
        if (is_element(key) && list[i].order == 0)
            rac_json_put(t->a, out, rac_str_concat(t->a, RAC_S("@"), key), list[i].m->value);
        else
            put_content(t, out, &list[i], s, ns, depth);
    }
}

/* ns: the default namespace around it; one with a prefix of its own needs none. */
static struct rac_json content_value(struct rac_xml_types *t, const struct rac_json *element,
                                     const struct rac_json *v, const struct scope *outer,
                                     rac_str ns, bool prefixed, unsigned depth)
{
    struct scope s = {outer, v};
    struct type *type = type_of(t, element);
    bool nil = rac_json_is_null(v) && is_yes(element, "nillable"), object = rac_json_is_object(v);
    rac_str own = object ? rac_json_str(member(v, "@xmlns"), RAC_STR_NULL) : RAC_STR_NULL,
            wanted = string(element, "ns");
    bool declares = own.p == NULL && !prefixed && !rac_str_eq(ns, wanted);
    if (depth > DEPTH_MAX || (!nil && !object && !declares))
        return *v;
    struct rac_json out = rac_json_new_object(t->a);
    if (declares)
        RAC_JSON_PUT_STR(t->a, &out, "@xmlns", wanted);
    if (nil) {
        RAC_JSON_PUT_STR(t->a, &out, "@xmlns:xsi", RAC_S(XSI_NS));
        RAC_JSON_PUT_STR(t->a, &out, "@xsi:nil", RAC_S("true"));
    }
    if (object && type != NULL)
        put_members(t, type, v, &s, own.p != NULL ? own : declares ? wanted : ns, depth + 1, &out);
    else if (object)
        RAC_JSON_EACH_MEMBER(m, v)
    rac_json_put(t->a, &out, rac_json_key(m), m->value);
    else if (!rac_json_is_null(v)) RAC_JSON_PUT(t->a, &out, "#text", *v);
    return out;
}

static bool has_local_children(struct rac_xml_types *t, const struct rac_json *root)
{
    const struct type *type = type_of(t, root);
    RAC_JSON_EACH(e, member(type != NULL ? type->described : NULL, "children"))
    if (string(e, "ns").n == 0)
        return true;
    return false;
}

/* A root whose children are in no namespace gets a prefix, so that they need not say so. */
static void put_root(struct rac_xml_types *t, struct rac_json *out, const struct rac_json_member *m)
{
    rac_str key = rac_json_key(m), prefix, local = local_of(key, &prefix);
    struct scope s = {NULL, &m->value};
    const struct rac_json *root = find(t, &t->roots, key, &s, true);
    bool declared = prefix.n > 0 && namespace_of(t->a, &s, prefix).p != NULL;
    if (root == NULL) {
        rac_json_put(t->a, out, key, m->value);
        return;
    }
    if (declared || rac_json_get(&m->value, RAC_S("@xmlns")) != NULL || string(root, "ns").n == 0 ||
        !has_local_children(t, root)) {
        rac_json_put(t->a, out, declared ? key : local,
                     content_value(t, root, &m->value, NULL, RAC_S(""), declared, 0));
        return;
    }
    struct rac_json value = content_value(t, root, &m->value, NULL, RAC_S(""), true, 0),
                    o = rac_json_new_object(t->a);
    RAC_JSON_PUT_STR(t->a, &o, "@xmlns:ns0", string(root, "ns"));
    RAC_JSON_EACH_MEMBER(x, &value)
    rac_json_put(t->a, &o, rac_json_key(x), x->value);
    rac_json_put(t->a, out, rac_str_concat(t->a, RAC_S("ns0:"), local), o);
}

struct rac_json rac_xml_types_of_content(struct rac_xml_types *t, const struct rac_json *content)
{
    struct rac_json out = rac_json_new_object(t->a);
    if (!rac_json_is_object(content))
        return *content;
    RAC_JSON_EACH_MEMBER(m, content)
    {
        if (is_element(rac_json_key(m)))
            put_root(t, &out, m);
        else
            rac_json_put(t->a, &out, rac_json_key(m), m->value);
    }
    return out;
}
