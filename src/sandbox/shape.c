/*
 * What the elements of a schema may hold, as JSON: which children, which of them repeat, what their
 * text is. libxml2 compiles a schema into automata that do not tell; so its documents are walked
 * here, after it has found them sound (validate.c).
 *
 *     {"roots": [{"ns", "name", "type"}], "types": [{"text"?, "attributes": [{"name", "text"}],
 *      "children": [{"ns", "name", "type", "many"?, "nillable"?}]}]}
 *
 * A type is its place in "types"; "text" is "string", "number" or "boolean" and absent where there
 * are children. Types are described one after the other from a list, so that the stack knows only
 * the nesting of one; xsi:type and wildcards are not followed.
 */
#include "base/map.h"
#include "base/str.h"
#include "json/json.h"
#include "sandbox/xml_priv.h"

#include <libxml/tree.h>

#define XSD_NS "http://www.w3.org/2001/XMLSchema"

enum { NESTING_MAX = 64, SOURCES_MAX = 256, DESCRIBED_MAX = 100000 };
enum text_kind { STRING, NUMBER, BOOLEAN, TEXT_KINDS };
static const char *const text_words[] = {"string", "number", "boolean"};
enum { ANYTHING = TEXT_KINDS, FIRST_OWN }; /* places in "types" */

struct source { /* a schema document, in the namespace it was taken into */
    xmlDoc *doc;
    rac_str ns;
    struct source *next;
};
struct pending {
    const xmlNode *node;
    struct pending *next;
};
struct substitute { /* may stand where head may */
    const xmlNode *element, *head;
};
struct shape {
    struct job *j;
    struct rac_arena *a;
    struct source *sources;
    size_t sources_n, described;
    struct rac_map taken;      /* name and namespace of documents */
    struct rac_map components; /* "element ns name" -> xmlNode * */
    struct rac_map places;     /* a node's address -> its place, as a pointer */
    struct substitute *substitutes;
    size_t substitutes_n;
    struct rac_json types;
    struct pending *first, **last;
    bool too_large;
};

/* --- nodes ------------------------------------------------------------------------------------ */

static bool is_xsd(const xmlNode *n, const char *name)
{
    return n->type == XML_ELEMENT_NODE && n->ns != NULL &&
           xmlStrEqual(n->ns->href, BAD_CAST XSD_NS) &&
           (name == NULL || xmlStrEqual(n->name, BAD_CAST name));
}

static const xmlNode *child(const xmlNode *n, const char *name)
{
    const xmlNode *k = n->children;
    while (k != NULL && !is_xsd(k, name))
        k = k->next;
    return k;
}

/* Absent: it has none of that name. */
static rac_str attribute(struct shape *s, const xmlNode *n, const char *name)
{
    xmlChar *v = xmlGetNoNsProp(n, BAD_CAST name);
    rac_str out =
        v != NULL ? rac_str_trim(rac_arena_str(s->a, rac_str_of((char *)v))) : RAC_STR_NULL;
    xmlFree(v);
    return out;
}

static rac_str namespace_of(const xmlNode *n)
{
    const struct source *source = n->doc->_private;
    return source->ns;
}

static rac_str key_of(struct shape *s, const char *kind, rac_str ns, rac_str name)
{
    return rac_arena_printf(s->a, "%s %.*s %.*s", kind, RAC_FMT(ns), RAC_FMT(name));
}

/* A QName in an attribute of n. */
static void resolve(struct shape *s, const xmlNode *n, rac_str qname, rac_str *ns, rac_str *name)
{
    rac_str local, prefix = rac_str_cut(qname, ':', &local);
    bool has = local.p != NULL;
    const xmlNs *found =
        xmlSearchNs(n->doc, (xmlNode *)n, has ? BAD_CAST rac_arena_cstr(s->a, prefix) : NULL);
    *name = has ? local : qname;
    *ns = found != NULL && found->href != NULL ? rac_str_of((const char *)found->href)
          : has                                ? RAC_S("")
                                               : namespace_of(n);
}

static const xmlNode *component(struct shape *s, const xmlNode *at, const char *kind, rac_str qname)
{
    rac_str ns, name;
    resolve(s, at, qname, &ns, &name);
    return rac_map_get(&s->components, key_of(s, kind, ns, name));
}

/* --- documents -------------------------------------------------------------------------------- */

static void take(struct shape *s, rac_str name, rac_str bytes, rac_str into);

static void take_others(struct shape *s, const xmlNode *root, rac_str ns)
{
    for (const xmlNode *n = root->children; n != NULL && !s->j->decided; n = n->next) {
        bool import = is_xsd(n, "import");
        if (!import && !is_xsd(n, "include") && !is_xsd(n, "redefine"))
            continue;
        rac_str url = attribute(s, n, "schemaLocation");
        const struct rac_xml_document *d = url.n > 0 ? job_document(s->j, url) : NULL;
        if (d != NULL && d->bytes.p != NULL)
            take(s, d->name, d->bytes, import ? RAC_S("") : ns);
    }
}

static void take_components(struct shape *s, const xmlNode *parent, rac_str ns)
{
    static const char *const kinds[] = {"element",    "attribute", "complexType",
                                        "simpleType", "group",     "attributeGroup"};
    for (const xmlNode *n = parent->children; n != NULL; n = n->next) {
        if (is_xsd(n, "redefine"))
            take_components(s, n, ns);
        for (size_t i = 0; i < RAC_COUNT(kinds); i++)
            if (is_xsd(n, kinds[i]))
                (void)rac_map_add(&s->components, key_of(s, kinds[i], ns, attribute(s, n, "name")),
                                  (void *)n);
    }
}

static void take(struct shape *s, rac_str name, rac_str bytes, rac_str into)
{
    rac_str key = key_of(s, "document", into, name);
    if (s->sources_n == SOURCES_MAX || !rac_map_add(&s->taken, key, s))
        return;
    xmlDoc *doc = job_parse(s->j, name, bytes, 0, NULL);
    if (doc == NULL)
        return;
    struct source *source = RAC_NEW(s->a, struct source);
    rac_str own = attribute(s, xmlDocGetRootElement(doc), "targetNamespace");
    *source = (struct source){doc, own.p != NULL ? own : into, s->sources};
    doc->_private = source;
    s->sources = source;
    s->sources_n++;
    take_components(s, xmlDocGetRootElement(doc), source->ns);
    take_others(s, xmlDocGetRootElement(doc), source->ns);
}

/* --- types ------------------------------------------------------------------------------------ */

static enum text_kind builtin_kind(rac_str name)
{
    static const rac_str numbers[] = {RAC_S_INIT("decimal"),
                                      RAC_S_INIT("float"),
                                      RAC_S_INIT("double"),
                                      RAC_S_INIT("integer"),
                                      RAC_S_INIT("nonPositiveInteger"),
                                      RAC_S_INIT("negativeInteger"),
                                      RAC_S_INIT("long"),
                                      RAC_S_INIT("int"),
                                      RAC_S_INIT("short"),
                                      RAC_S_INIT("byte"),
                                      RAC_S_INIT("nonNegativeInteger"),
                                      RAC_S_INIT("positiveInteger"),
                                      RAC_S_INIT("unsignedLong"),
                                      RAC_S_INIT("unsignedInt"),
                                      RAC_S_INIT("unsignedShort"),
                                      RAC_S_INIT("unsignedByte")};
    for (size_t i = 0; i < RAC_COUNT(numbers); i++)
        if (rac_str_eq(name, numbers[i]))
            return NUMBER;
    return rac_str_eq(name, RAC_S("boolean")) ? BOOLEAN : STRING;
}

static enum text_kind kind_of_simple(struct shape *s, const xmlNode *type, unsigned depth);

static enum text_kind kind_of_name(struct shape *s, const xmlNode *at, rac_str qname,
                                   unsigned depth)
{
    rac_str ns, name;
    resolve(s, at, qname, &ns, &name);
    if (rac_str_eq(ns, RAC_S(XSD_NS)))
        return builtin_kind(name);
    const xmlNode *type = rac_map_get(&s->components, key_of(s, "simpleType", ns, name));
    return type != NULL && depth < NESTING_MAX ? kind_of_simple(s, type, depth + 1) : STRING;
}

/* Lists and unions stay text. */
static enum text_kind kind_of_simple(struct shape *s, const xmlNode *type, unsigned depth)
{
    const xmlNode *restriction = child(type, "restriction");
    if (restriction == NULL || depth > NESTING_MAX)
        return STRING;
    rac_str base = attribute(s, restriction, "base");
    const xmlNode *inner = child(restriction, "simpleType");
    return base.p != NULL  ? kind_of_name(s, restriction, base, depth)
           : inner != NULL ? kind_of_simple(s, inner, depth + 1)
                           : STRING;
}

/* The place of a complex type; it is described later. */
static size_t place_of_complex(struct shape *s, const xmlNode *type)
{
    rac_str address = {(const char *)&type, sizeof type};
    size_t place = (size_t)(uintptr_t)rac_map_get(&s->places, address);
    if (place != 0)
        return place;
    if (++s->described > DESCRIBED_MAX) {
        s->too_large = true;
        return ANYTHING;
    }
    place = rac_json_len(&s->types);
    rac_json_add(s->a, &s->types, rac_json_new_object(s->a));
    rac_map_put(&s->places, rac_arena_str(s->a, address), (void *)(uintptr_t)place);
    struct pending *p = RAC_NEW(s->a, struct pending);
    p->node = type;
    *s->last = p;
    s->last = &p->next;
    return place;
}

static size_t place_of_name(struct shape *s, const xmlNode *at, rac_str qname)
{
    const xmlNode *complex = component(s, at, "complexType", qname);
    rac_str ns, name;
    resolve(s, at, qname, &ns, &name);
    if (rac_str_eq(ns, RAC_S(XSD_NS)))
        return rac_str_eq(name, RAC_S("anyType")) ? ANYTHING : builtin_kind(name);
    return complex != NULL ? place_of_complex(s, complex) : kind_of_name(s, at, qname, 0);
}

static size_t place_of_element(struct shape *s, const xmlNode *element)
{
    for (unsigned depth = 0; element != NULL && depth < NESTING_MAX; depth++) {
        rac_str type = attribute(s, element, "type");
        const xmlNode *complex = child(element, "complexType"),
                      *simple = child(element, "simpleType");
        if (type.p != NULL)
            return place_of_name(s, element, type);
        if (complex != NULL)
            return place_of_complex(s, complex);
        if (simple != NULL)
            return kind_of_simple(s, simple, 0);
        rac_str head = attribute(s, element, "substitutionGroup");
        element = head.p != NULL ? component(s, element, "element", head) : NULL;
    }
    return ANYTHING;
}

/* --- what a type holds ------------------------------------------------------------------------ */

struct content {
    struct shape *s;
    struct rac_json children, attributes;
    struct rac_map seen; /* "element ns name" -> place among children + 1 */
    int text;            /* enum text_kind; -1: none */
};

static bool repeats(struct shape *s, const xmlNode *n)
{
    rac_str v = attribute(s, n, "maxOccurs");
    int64_t most = 1;
    return rac_str_eq(v, RAC_S("unbounded")) || (rac_str_to_i64(v, &most) && most > 1);
}

static bool is_qualified(struct shape *s, const xmlNode *n, const char *general)
{
    rac_str form = attribute(s, n, "form");
    if (form.p == NULL)
        form = attribute(s, xmlDocGetRootElement(n->doc), general);
    return rac_str_eq(form, RAC_S("qualified"));
}

static struct rac_json described(struct shape *s, const xmlNode *element, rac_str ns)
{
    struct rac_json o = rac_json_new_object(s->a);
    RAC_JSON_PUT_STR(s->a, &o, "ns", ns);
    RAC_JSON_PUT_STR(s->a, &o, "name", attribute(s, element, "name"));
    RAC_JSON_PUT(s->a, &o, "type", rac_json_of_int((int64_t)place_of_element(s, element)));
    if (rac_str_eq(attribute(s, element, "nillable"), RAC_S("true")))
        RAC_JSON_PUT(s->a, &o, "nillable", rac_json_of_bool(true));
    return o;
}

static void put_child(struct content *c, const xmlNode *element, rac_str ns, bool many)
{
    struct shape *s = c->s;
    rac_str key = key_of(s, "element", ns, attribute(s, element, "name"));
    size_t place = (size_t)(uintptr_t)rac_map_get(&c->seen, key);
    if (place == 0 && ++s->described > DESCRIBED_MAX) {
        s->too_large = true;
        return;
    }
    if (place == 0) {
        rac_json_add(s->a, &c->children, described(s, element, ns));
        place = rac_json_len(&c->children);
        rac_map_put(&c->seen, key, (void *)(uintptr_t)place);
    } else {
        many = true; /* it stands there twice */
    }
    if (many)
        RAC_JSON_PUT(s->a, rac_json_at(&c->children, place - 1), "many", rac_json_of_bool(true));
}

/* A global element, and those that may stand in its place. */
static void put_global(struct content *c, const xmlNode *element, bool many, unsigned depth)
{
    struct shape *s = c->s;
    put_child(c, element, namespace_of(element), many);
    for (size_t i = 0; i < s->substitutes_n && depth < NESTING_MAX && !s->too_large; i++)
        if (s->substitutes[i].head == element)
            put_global(c, s->substitutes[i].element, many, depth + 1);
}

static void put_particles(struct content *c, const xmlNode *parent, bool many, unsigned depth)
{
    struct shape *s = c->s;
    if (depth > NESTING_MAX)
        return;
    for (const xmlNode *n = parent->children; n != NULL && !s->too_large; n = n->next) {
        bool more = many || repeats(s, n);
        rac_str ref = attribute(s, n, "ref");
        if (is_xsd(n, "sequence") || is_xsd(n, "choice") || is_xsd(n, "all")) {
            put_particles(c, n, more, depth + 1);
        } else if (is_xsd(n, "group") && ref.p != NULL) {
            const xmlNode *group = component(s, n, "group", ref);
            if (group != NULL)
                put_particles(c, group, more, depth + 1);
        } else if (is_xsd(n, "element") && ref.p != NULL) {
            const xmlNode *element = component(s, n, "element", ref);
            if (element != NULL)
                put_global(c, element, more, 0);
        } else if (is_xsd(n, "element")) {
            put_child(c, n, is_qualified(s, n, "elementFormDefault") ? namespace_of(n) : RAC_S(""),
                      more);
        }
    }
}

static void put_attributes(struct content *c, const xmlNode *parent, unsigned depth)
{
    struct shape *s = c->s;
    if (depth > NESTING_MAX)
        return;
    for (const xmlNode *n = parent->children; n != NULL && !s->too_large; n = n->next) {
        rac_str ref = attribute(s, n, "ref");
        if (is_xsd(n, "attributeGroup") && ref.p != NULL) {
            const xmlNode *group = component(s, n, "attributeGroup", ref);
            if (group != NULL)
                put_attributes(c, group, depth + 1);
        }
        const xmlNode *own = !is_xsd(n, "attribute") ? NULL
                             : ref.p != NULL         ? component(s, n, "attribute", ref)
                                                     : n;
        if (own == NULL)
            continue;
        struct rac_json o = rac_json_new_object(s->a);
        rac_str type = attribute(s, own, "type");
        const xmlNode *simple = child(own, "simpleType");
        enum text_kind kind = type.p != NULL   ? kind_of_name(s, own, type, 0)
                              : simple != NULL ? kind_of_simple(s, simple, 0)
                                               : STRING;
        RAC_JSON_PUT_STR(s->a, &o, "name", attribute(s, own, "name"));
        RAC_JSON_PUT_STR(s->a, &o, "text", rac_str_of(text_words[kind]));
        rac_json_add(s->a, &c->attributes, o);
        s->too_large |= ++s->described > DESCRIBED_MAX;
    }
}

static void put_type(struct content *c, const xmlNode *type, bool attributes_only, unsigned depth);

/* simpleContent or complexContent, by extension or restriction of a base. */
static void put_derived(struct content *c, const xmlNode *content, bool attributes_only,
                        unsigned depth)
{
    struct shape *s = c->s;
    const xmlNode *extension = child(content, "extension"),
                  *way = extension != NULL ? extension : child(content, "restriction");
    if (way == NULL || depth > NESTING_MAX)
        return;
    rac_str base = attribute(s, way, "base");
    const xmlNode *complex = base.p != NULL ? component(s, way, "complexType", base) : NULL;
    bool simple = is_xsd(content, "simpleContent");
    if (complex != NULL)
        put_type(c, complex, attributes_only || (extension == NULL && !simple), depth + 1);
    else if (simple && base.p != NULL)
        c->text = (int)kind_of_name(s, way, base, 0);
    if (!attributes_only)
        put_particles(c, way, false, 0);
    put_attributes(c, way, 0);
}

static void put_type(struct content *c, const xmlNode *type, bool attributes_only, unsigned depth)
{
    const xmlNode *simple = child(type, "simpleContent"), *complex = child(type, "complexContent");
    if (simple != NULL || complex != NULL) {
        put_derived(c, simple != NULL ? simple : complex, attributes_only, depth);
        return;
    }
    if (!attributes_only)
        put_particles(c, type, false, 0);
    put_attributes(c, type, 0);
}

static struct rac_json described_type(struct shape *s, const xmlNode *type)
{
    struct rac_json o = rac_json_new_object(s->a);
    struct content c = {.s = s,
                        .children = rac_json_new_array(s->a),
                        .attributes = rac_json_new_array(s->a),
                        .text = -1};
    rac_map_init(&c.seen, s->a);
    put_type(&c, type, false, 0);
    if (c.text >= 0)
        RAC_JSON_PUT_STR(s->a, &o, "text", rac_str_of(text_words[c.text]));
    RAC_JSON_PUT(s->a, &o, "attributes", c.attributes);
    RAC_JSON_PUT(s->a, &o, "children", c.children);
    return o;
}

/* --- all of it -------------------------------------------------------------------------------- */

static void put_simple_types(struct shape *s)
{
    for (size_t i = 0; i < FIRST_OWN; i++) {
        struct rac_json o = rac_json_new_object(s->a);
        if (i < TEXT_KINDS)
            RAC_JSON_PUT_STR(s->a, &o, "text", rac_str_of(text_words[i]));
        rac_json_add(s->a, &s->types, o);
    }
}

static void find_substitutes(struct shape *s)
{
    s->substitutes = RAC_NEW_N(s->a, struct substitute, s->components.n);
    for (size_t i = 0; i < s->components.n; i++) {
        const xmlNode *n = s->components.entries[i].value;
        rac_str head = is_xsd(n, "element") ? attribute(s, n, "substitutionGroup") : RAC_STR_NULL;
        if (head.p != NULL)
            s->substitutes[s->substitutes_n++] =
                (struct substitute){n, component(s, n, "element", head)};
    }
}

static struct rac_json described_schema(struct shape *s)
{
    struct rac_json o = rac_json_new_object(s->a), roots = rac_json_new_array(s->a);
    put_simple_types(s);
    find_substitutes(s);
    for (size_t i = 0; i < s->components.n && !s->too_large; i++) {
        const xmlNode *n = s->components.entries[i].value;
        if (is_xsd(n, "element"))
            rac_json_add(s->a, &roots, described(s, n, namespace_of(n)));
    }
    for (size_t place = FIRST_OWN; s->first != NULL && !s->too_large; place++) {
        struct rac_json type = described_type(s, s->first->node);
        *rac_json_at(&s->types, place) = type;
        s->first = s->first->next;
    }
    RAC_JSON_PUT(s->a, &o, "roots", roots);
    RAC_JSON_PUT(s->a, &o, "types", s->types);
    return o;
}

void job_shape(struct job *j)
{
    const struct rac_xml_document *main = &j->work->artifact;
    struct shape s = {.j = j, .a = j->a, .types = rac_json_new_array(j->a)};
    rac_map_init(&s.taken, j->a);
    rac_map_init(&s.components, j->a);
    rac_map_init(&s.places, j->a);
    s.last = &s.first;
    take(&s, main->name, main->bytes, RAC_S(""));
    if (!j->decided) {
        struct rac_json shape = described_schema(&s);
        j->out.output = rac_json_print_str(&shape, 0, j->a);
        j->out.media_type = RAC_S("application/json");
    }
    for (const struct source *d = s.sources; d != NULL; d = d->next)
        xmlFreeDoc(d->doc);
    if (!j->decided && (s.too_large || j->out.output.n > j->work->output_bytes_max))
        job_end(j, RAC_XML_TOO_LARGE, RAC_S("The schema describes more than can be used here."));
}
