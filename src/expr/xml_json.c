#include "base/map.h"
#include "base/utf8.h"
#include "expr/xml.h"

#include <libxml/tree.h>

/* --- JSON to XML (12.3) ----------------------------------------------------------------------- */

/* Objects on the way down: "p:n" with p declared there stays, undeclared it is written as "n". */
struct prefixes {
    const struct prefixes *outer;
    const struct rac_json *object;
};

static bool prefix_declared(struct call *c, const struct prefixes *p, rac_str prefix, bool *out)
{
    *out = rac_str_eq(prefix, RAC_S("xml")) || rac_str_eq(prefix, RAC_S("xmlns"));
    for (; p != NULL && !*out; p = p->outer) {
        if (!charge(c, 1 + rac_json_len(p->object) / 16))
            return false;
        rac_str key = rac_str_concat(c->a, RAC_S("@xmlns:"), prefix);
        *out = rac_json_get(p->object, key) != NULL;
    }
    return true;
}

static bool element_name(struct call *c, rac_str s, const struct prefixes *p, rac_str *out)
{
    rac_str local, prefix = rac_str_cut(s, ':', &local);
    bool declared;
    if (local.p == NULL || prefix.n == 0 || local.n == 0) {
        *out = xml_encoded_name(c->a, s, false);
        return s.n > 0 || fail(c, RAC_EXPR_CONVERT,
                               "The template language function '%s' cannot make an element or "
                               "attribute of a member with an empty name.",
                               c->node->fn->info.name);
    }
    if (!prefix_declared(c, p, prefix, &declared))
        return false;
    *out = xml_encoded_name(c->a, local, false);
    if (declared)
        *out = rac_arena_printf(c->a, "%.*s:%.*s", RAC_FMT(xml_encoded_name(c->a, prefix, false)),
                                RAC_FMT(*out));
    return true;
}

static rac_str scalar_text(struct call *c, const struct rac_json *v)
{
    if (v->type == RAC_JSON_BOOL)
        return v->b ? RAC_S("true") : RAC_S("false");
    return rac_expr_text(v, c->a);
}

static bool put_value(struct call *c, struct xml_out *o, rac_str name, const struct rac_json *v,
                      const struct prefixes *outer);

static bool put_cdata(struct call *c, struct xml_out *o, const struct rac_json *v)
{
    rac_str text = scalar_text(c, v);
    if (rac_str_find(text, RAC_S("]]>")) != RAC_STR_NPOS)
        return fail_convert(c, v, "a CDATA section: it holds ]]>");
    RAC_BUF_ADD_LIT(&o->b, "<![CDATA[");
    rac_buf_add(&o->b, text);
    RAC_BUF_ADD_LIT(&o->b, "]]>");
    return true;
}

/* A member "?target", where instructions are asked for. */
static bool is_instruction(const struct call *c, rac_str key)
{
    return (c->run->xml & RAC_EXPR_XML_INSTRUCTIONS) != 0 && key.n > 1 && key.p[0] == '?';
}

static bool put_instruction(struct call *c, struct xml_out *o, rac_str key,
                            const struct rac_json *v)
{
    rac_str target = xml_encoded_name(c->a, rac_str_from(key, 1), false), text = scalar_text(c, v);
    if (rac_str_find(text, RAC_S("?>")) != RAC_STR_NPOS || rac_str_eqi(target, RAC_S("xml")))
        return fail_convert(c, v, "a processing instruction");
    rac_buf_printf(&o->b, "<?%.*s%s", RAC_FMT(target), text.n > 0 ? " " : "");
    rac_buf_add(&o->b, text);
    RAC_BUF_ADD_LIT(&o->b, "?>");
    return true;
}

static bool put_member(struct call *c, struct xml_out *o, rac_str key, const struct rac_json *v,
                       const struct prefixes *p)
{
    size_t n = v->type == RAC_JSON_ARRAY ? rac_json_len(v) : 1;
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        const struct rac_json *e = v->type == RAC_JSON_ARRAY ? rac_json_at(v, i) : v;
        if (rac_str_eq(key, RAC_S("#text")))
            xml_put_escaped(&o->b, scalar_text(c, e), false);
        else if (rac_str_eq(key, RAC_S("#cdata-section")))
            ok = put_cdata(c, o, e);
        else if (is_instruction(c, key))
            ok = put_instruction(c, o, key, e);
        else
            ok = put_value(c, o, key, e, p);
    }
    return ok;
}

static bool is_attribute(const struct rac_json_member *m)
{
    return m->key_n > 1 && m->key[0] == '@' && m->value.type != RAC_JSON_ARRAY &&
           m->value.type != RAC_JSON_OBJECT;
}

/* *content: whether anything but attributes is there. */
static bool put_start(struct call *c, struct xml_out *o, rac_str tag, const struct rac_json *v,
                      const struct prefixes *p, bool *content)
{
    rac_buf_add_char(&o->b, '<');
    rac_buf_add(&o->b, tag);
    *content = false;
    RAC_JSON_EACH_MEMBER(m, v)
    {
        rac_str name;
        if (!is_attribute(m)) {
            *content |= m->value.type != RAC_JSON_ARRAY || rac_json_len(&m->value) > 0;
            continue;
        }
        if (!element_name(c, rac_str_from(rac_json_key(m), 1), p, &name))
            return false;
        rac_buf_add_char(&o->b, ' ');
        rac_buf_add(&o->b, name);
        RAC_BUF_ADD_LIT(&o->b, "=\"");
        xml_put_escaped(&o->b, scalar_text(c, &m->value), true);
        rac_buf_add_char(&o->b, '"');
    }
    return true;
}

static bool put_content(struct call *c, struct xml_out *o, rac_str name, const struct rac_json *v,
                        const struct prefixes *p)
{
    if (v->type == RAC_JSON_ARRAY) { /* an array in an array repeats inside */
        RAC_JSON_EACH(e, v)
        if (!put_value(c, o, name, e, p))
            return false;
    } else if (v->type != RAC_JSON_OBJECT) {
        xml_put_escaped(&o->b, scalar_text(c, v), false);
    }
    RAC_JSON_EACH_MEMBER(m, v)
    if (!is_attribute(m) && !put_member(c, o, rac_json_key(m), &m->value, p))
        return false;
    return true;
}

static bool put_value(struct call *c, struct xml_out *o, rac_str name, const struct rac_json *v,
                      const struct prefixes *outer)
{
    bool object = v->type == RAC_JSON_OBJECT, content;
    struct prefixes here = {outer, v};
    const struct prefixes *p = object ? &here : outer;
    rac_str tag;
    if (++o->depth > XML_DEPTH_MAX) {
        o->too_deep = true;
        return true; /* the end says so */
    }
    if (!charge(c, 1) || !element_name(c, name, p, &tag) || !put_start(c, o, tag, v, p, &content))
        return false;
    o->depth--;
    if (v->type == RAC_JSON_NULL || (object && !content)) {
        RAC_BUF_ADD_LIT(&o->b, " />");
        return true;
    }
    o->depth++;
    rac_buf_add_char(&o->b, '>');
    if (!put_content(c, o, name, v, p))
        return false;
    RAC_BUF_ADD_LIT(&o->b, "</");
    rac_buf_add(&o->b, tag);
    rac_buf_add_char(&o->b, '>');
    o->depth--;
    return true;
}

/* A text that may stand in quotes; absent when it is missing or empty. */
static bool quotable(struct call *c, const struct rac_json *v, rac_str key, rac_str *out)
{
    *out = rac_json_str(rac_json_get(v, key), RAC_STR_NULL);
    if (out->n == 0)
        *out = RAC_STR_NULL;
    return rac_str_find_char(*out, '"') == RAC_STR_NPOS || fail_convert(c, v, "XML: a quote in it");
}

static bool put_declaration(struct call *c, struct xml_out *o, const struct rac_json *v)
{
    rac_str parts[XML_PARTS], inside = RAC_S("");
    if (v == NULL)
        return true;
    for (size_t i = 0; i < XML_PARTS; i++) {
        rac_str key = rac_str_concat(c->a, RAC_S("@"), xml_declaration_names[i]);
        if (!quotable(c, v, key, &parts[i]))
            return false;
        if (parts[i].p != NULL)
            inside = rac_arena_printf(c->a, "%.*s %.*s=\"%.*s\"", RAC_FMT(inside),
                                      RAC_FMT(xml_declaration_names[i]), RAC_FMT(parts[i]));
    }
    if (!xml_declaration_parts(inside, parts))
        return fail_convert(c, v, "an XML declaration");
    xml_put_declaration(&o->b, parts);
    return true;
}

static bool put_doctype(struct call *c, struct xml_out *o, const struct rac_json *v)
{
    rac_str name, public_id, system_id;
    if (v == NULL)
        return true;
    if (!quotable(c, v, RAC_S("@name"), &name) || !quotable(c, v, RAC_S("@public"), &public_id) ||
        !quotable(c, v, RAC_S("@system"), &system_id))
        return false;
    xml_put_doctype(&o->b, xml_encoded_name(c->a, name, true), public_id, system_id,
                    rac_json_str(RAC_JSON_GET(v, "@internalSubset"), RAC_STR_NULL));
    return true;
}

static bool put_object(struct call *c, struct xml_out *o, const struct rac_json *v)
{
    const struct rac_json_member *root = NULL;
    size_t roots = 0;
    if (!put_declaration(c, o, RAC_JSON_GET(v, "?xml")) ||
        !put_doctype(c, o, RAC_JSON_GET(v, "!DOCTYPE")))
        return false;
    RAC_JSON_EACH_MEMBER(m, v)
    {
        rac_str key = rac_json_key(m);
        if (rac_str_eq(key, RAC_S("?xml")) || rac_str_eq(key, RAC_S("!DOCTYPE")))
            continue;
        if (is_instruction(c, key)) { /* in front of the root */
            if (!put_member(c, o, key, &m->value, NULL))
                return false;
            continue;
        }
        root = m;
        roots++;
    }
    if (root == NULL)
        return true;
    rac_str key = rac_json_key(root);
    if (roots > 1 || root->value.type == RAC_JSON_ARRAY || rac_str_starts(key, RAC_S("@")) ||
        rac_str_eq(key, RAC_S("#text")))
        return fail_convert(c, v,
                            "XML: the object must have exactly one member for the root element");
    return put_value(c, o, key, &root->value, NULL);
}

/* Whether XML 1.0 has a place for each character, as it is or by number. */
static bool xml_characters(rac_str s)
{
    uint32_t cp;
    for (size_t i = 0, n; i < s.n; i += n) {
        n = rac_utf8_decode(s.p + i, s.n - i, &cp);
        if (n == 0 || cp == 0xfffe || cp == 0xffff ||
            (cp < 0x20 && cp != '\t' && cp != '\n' && cp != '\r'))
            return false;
    }
    return true;
}

bool xml_from_json(struct call *c, const struct rac_json *v, struct rac_json *out)
{
    struct xml_out o = {0};
    rac_str text;
    rac_buf_init(&o.b, string_max(c->run));
    if (!put_object(c, &o, v)) {
        rac_buf_fini(&o.b);
        return false;
    }
    if (!xml_out_take(c, &o, &text))
        return false;
    if ((c->run->xml & RAC_EXPR_XML_ANY_CHARACTER) == 0 && !xml_characters(text))
        return fail_convert(c, v, "XML: it has no place for one of its characters");
    *out = xml_envelope(c, text);
    return charge(c, text.n / 64);
}

/* --- XML to JSON (12.2) ----------------------------------------------------------------------- */

/* Adds under a key: the second and later ones make it an array. */
static void put_repeated(struct call *c, struct rac_json *o, struct rac_map *arrays, rac_str key,
                         struct rac_json v)
{
    struct rac_json *there = rac_json_get(o, key);
    if (there == NULL) {
        rac_json_put(c->a, o, key, v);
    } else if (rac_map_has(arrays, key)) {
        rac_json_add(c->a, there, v);
    } else {
        struct rac_json list = rac_json_new_array(c->a);
        rac_json_add(c->a, &list, *there);
        rac_json_add(c->a, &list, v);
        *there = list;
        rac_map_put(arrays, key, arrays);
    }
}

/* "head" and the name as a member has it: what "_xHHHH_" stands for in the local part. */
static rac_str qualified_name(struct call *c, const xmlNs *ns, const xmlChar *name,
                              const char *head)
{
    rac_str local = xml_decoded_name(c->a, xml_str(name));
    return ns != NULL && ns->prefix != NULL
               ? rac_arena_printf(c->a, "%s%s:%.*s", head, (const char *)ns->prefix, RAC_FMT(local))
               : rac_arena_printf(c->a, "%s%.*s", head, RAC_FMT(local));
}

static struct rac_json kept_str(struct call *c, const xmlChar *s)
{
    return str_value(rac_arena_str(c->a, xml_str(s)));
}

static void put_instruction_value(struct call *c, const xmlNode *n, struct rac_json *o,
                                  struct rac_map *arrays)
{
    put_repeated(c, o, arrays, rac_str_concat(c->a, RAC_S("?"), xml_str(n->name)),
                 kept_str(c, n->content));
}

static bool element_value(struct call *c, const xmlNode *n, unsigned depth, struct rac_json *out);

static void attributes_value(struct call *c, const xmlNode *n, struct rac_json *o)
{
    const xmlNs *ns;
    const xmlAttr *attr;
    for (struct xml_attributes w = xml_attributes(n); xml_attribute_next(&w, &ns, &attr);) {
        if (attr != NULL)
            rac_json_put(c->a, o, qualified_name(c, attr->ns, attr->name, "@"),
                         str_value(xml_attribute_value(c, attr)));
        else
            rac_json_put(c->a, o,
                         ns->prefix != NULL
                             ? rac_arena_printf(c->a, "@xmlns:%s", (const char *)ns->prefix)
                             : RAC_S("@xmlns"),
                         kept_str(c, ns->href));
    }
}

/* One child that is no element; comments leave a trace from the second on. */
static void other_child(struct call *c, const xmlNode *k, struct rac_map *arrays, size_t *comments,
                        struct rac_json *o)
{
    if (k->type == XML_TEXT_NODE)
        put_repeated(c, o, arrays, RAC_S("#text"), kept_str(c, k->content));
    else if (k->type == XML_CDATA_SECTION_NODE)
        put_repeated(c, o, arrays, RAC_S("#cdata-section"), kept_str(c, k->content));
    else if (k->type == XML_PI_NODE && (c->run->xml & RAC_EXPR_XML_INSTRUCTIONS) != 0)
        put_instruction_value(c, k, o, arrays);
    else if (k->type == XML_COMMENT_NODE && ++*comments == 2)
        RAC_JSON_PUT(c->a, o, "#comment", rac_json_new_array(c->a));
}

static bool children_value(struct call *c, const xmlNode *n, unsigned depth, struct rac_json *o)
{
    size_t comments = 0;
    struct rac_map arrays;
    rac_map_init(&arrays, c->a);
    for (const xmlNode *k = n->children; k != NULL; k = k->next) {
        struct rac_json v;
        if (!charge(c, 1))
            return false;
        if (k->type != XML_ELEMENT_NODE) {
            other_child(c, k, &arrays, &comments, o);
            continue;
        }
        if (!element_value(c, k, depth + 1, &v))
            return false;
        put_repeated(c, o, &arrays, qualified_name(c, k->ns, k->name, ""), v);
    }
    return true;
}

static bool element_value(struct call *c, const xmlNode *n, unsigned depth, struct rac_json *out)
{
    if (depth > XML_DEPTH_MAX)
        return fail_limit(c, "the XML is nested too deeply");
    const xmlNode *first = n->children;
    bool bare = n->properties == NULL && n->nsDef == NULL;
    if (bare && first == NULL) {
        *out = xml_closes_itself(n) ? rac_json_of_null() : str_value(RAC_S(""));
        return true;
    }
    if (bare && first->next == NULL && first->type == XML_TEXT_NODE) { /* nothing but text */
        *out = kept_str(c, first->content);
        return true;
    }
    *out = rac_json_new_object(c->a);
    attributes_value(c, n, out);
    return children_value(c, n, depth, out);
}

static struct rac_json declaration_value(struct call *c, rac_str declaration)
{
    rac_str parts[XML_PARTS]; /* "<?xml" and "?>" around them */
    struct rac_json o = rac_json_new_object(c->a);
    if (xml_declaration_parts(rac_str_sub(declaration, 5, declaration.n - 7), parts))
        for (size_t i = 0; i < XML_PARTS; i++)
            if (parts[i].p != NULL)
                rac_json_put(c->a, &o, rac_str_concat(c->a, RAC_S("@"), xml_declaration_names[i]),
                             str_value(parts[i]));
    return o;
}

static struct rac_json doctype_value(struct call *c, const xmlDtd *d, rac_str subset)
{
    struct rac_json o = rac_json_new_object(c->a);
    RAC_JSON_PUT(c->a, &o, "@name", kept_str(c, d->name));
    if (xml_str(d->ExternalID).n > 0)
        RAC_JSON_PUT(c->a, &o, "@public", kept_str(c, d->ExternalID));
    if (xml_str(d->SystemID).n > 0)
        RAC_JSON_PUT(c->a, &o, "@system", kept_str(c, d->SystemID));
    if (subset.n > 0)
        RAC_JSON_PUT_STR(c->a, &o, "@internalSubset", subset);
    return o;
}

static bool document_value(struct call *c, const struct xml_text *x, struct rac_json *out)
{
    const xmlNode *root = xmlDocGetRootElement(x->doc);
    struct rac_json v;
    struct rac_map arrays;
    *out = rac_json_new_object(c->a);
    if (x->declaration.p != NULL)
        RAC_JSON_PUT(c->a, out, "?xml", declaration_value(c, x->declaration));
    if (x->doc->intSubset != NULL)
        RAC_JSON_PUT(c->a, out, "!DOCTYPE", doctype_value(c, x->doc->intSubset, x->subset));
    rac_map_init(&arrays, c->a);
    for (const xmlNode *k = x->doc->children; k != NULL; k = k->next)
        if (k->type == XML_PI_NODE && (c->run->xml & RAC_EXPR_XML_INSTRUCTIONS) != 0)
            put_instruction_value(c, k, out, &arrays);
    if (!element_value(c, root, 1, &v))
        return false;
    rac_json_put(c->a, out, qualified_name(c, root->ns, root->name, ""), v);
    return true;
}

bool xml_to_json(struct call *c, rac_str text, struct rac_json *out)
{
    struct xml_text x;
    struct rac_json shown = str_value(text);
    if (!xml_read(c, &shown, text, &x))
        return false;
    bool ok = document_value(c, &x, out);
    xml_free(&x);
    return ok;
}
