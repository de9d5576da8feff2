#include "base/utf8.h"
#include "expr/xml.h"

#include <libxml/tree.h>

/* --- pieces ----------------------------------------------------------------------------------- */

void xml_put_escaped(struct rac_buf *b, rac_str s, bool attribute)
{
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        const char *to = NULL;
        switch (s.p[i]) {
        case '&':
            to = "&amp;";
            break;
        case '<':
            to = "&lt;";
            break;
        case '>':
            to = "&gt;";
            break;
        case '"':
            to = attribute ? "&quot;" : NULL;
            break;
        case '\n':
            to = attribute ? "&#xA;" : NULL;
            break;
        case '\r':
            to = attribute ? "&#xD;" : NULL;
            break;
        case '\t':
            to = attribute ? "&#x9;" : NULL;
            break;
        default:
            break;
        }
        if (to == NULL)
            continue;
        rac_buf_add(b, rac_str_sub(s, from, i - from));
        rac_buf_add(b, rac_str_of(to));
        from = i + 1;
    }
    rac_buf_add(b, rac_str_from(s, from));
}

void xml_put_declaration(struct rac_buf *b, const rac_str parts[XML_PARTS])
{
    RAC_BUF_ADD_LIT(b, "<?xml");
    for (size_t i = 0; i < XML_PARTS; i++)
        if (parts[i].p != NULL)
            rac_buf_printf(b, " %.*s=\"%.*s\"", RAC_FMT(xml_declaration_names[i]),
                           RAC_FMT(parts[i]));
    RAC_BUF_ADD_LIT(b, "?>");
}

void xml_put_doctype(struct rac_buf *b, rac_str name, rac_str public_id, rac_str system_id,
                     rac_str subset)
{
    rac_buf_printf(b, "<!DOCTYPE %.*s", RAC_FMT(name));
    if (public_id.p != NULL)
        rac_buf_printf(b, " PUBLIC \"%.*s\"", RAC_FMT(public_id));
    else if (system_id.p != NULL)
        RAC_BUF_ADD_LIT(b, " SYSTEM");
    if (system_id.p != NULL)
        rac_buf_printf(b, " \"%.*s\"", RAC_FMT(system_id));
    if (subset.n > 0)
        rac_buf_printf(b, "[%.*s]", RAC_FMT(subset));
    rac_buf_add_char(b, '>');
}

struct rac_json xml_envelope(struct call *c, rac_str text)
{
    return envelope(c->a, RAC_S("application/xml;charset=utf-8"), text);
}

bool xml_out_take(struct call *c, struct xml_out *o, rac_str *out)
{
    rac_err e = o->too_deep ? RAC_E_LIMIT : rac_buf_err(&o->b);
    uint64_t bytes = o->b.n;
    if (e == RAC_OK)
        *out = rac_arena_str(c->a, rac_buf_str(&o->b));
    rac_buf_fini(&o->b);
    return e == RAC_OK ? charge(c, bytes / 64) : fail_limit(c, "the XML is too large or too deep");
}

/* --- names ------------------------------------------------------------------------------------ */

static bool name_start(uint32_t cp)
{
    return cp == '_' || (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z') ||
           (cp >= 0xc0 && cp <= 0xd6) || (cp >= 0xd8 && cp <= 0xf6) ||
           (cp >= 0xf8 && cp <= 0x2ff) || (cp >= 0x370 && cp <= 0x37d) ||
           (cp >= 0x37f && cp <= 0x1fff) || (cp >= 0x200c && cp <= 0x200d) ||
           (cp >= 0x2070 && cp <= 0x218f) || (cp >= 0x2c00 && cp <= 0x2fef) ||
           (cp >= 0x3001 && cp <= 0xd7ff) || (cp >= 0xf900 && cp <= 0xfdcf) ||
           (cp >= 0xfdf0 && cp <= 0xfffd) || (cp >= 0x10000 && cp <= 0xeffff);
}

static bool name_char(uint32_t cp)
{
    return name_start(cp) || cp == '-' || cp == '.' || (cp >= '0' && cp <= '9') || cp == 0xb7 ||
           (cp >= 0x300 && cp <= 0x36f) || (cp >= 0x203f && cp <= 0x2040);
}

/* Length of the escape (_xHHHH_ or _xHHHHHHHH_) that s starts with and its character; 0: with none. */
static size_t name_escape(rac_str s, uint32_t *cp)
{
    size_t n = 0;
    if (s.n < 7 || s.p[0] != '_' || s.p[1] != 'x')
        return 0;
    for (*cp = 0; n < 8 && 2 + n < s.n && rac_hex_value(s.p[2 + n]) >= 0; n++)
        *cp = *cp << 4 | (uint32_t)rac_hex_value(s.p[2 + n]);
    return (n == 4 || n == 8) && 2 + n < s.n && s.p[2 + n] == '_' ? n + 3 : 0;
}

/* Half of a pair is a character here, a byte that is none is 0. */
static size_t name_character(rac_str s, uint32_t *cp)
{
    size_t n = rac_utf8_decode(s.p, s.n, cp);
    if (n > 0)
        return n;
    bool half = s.n >= 3 && (unsigned char)s.p[0] == 0xed;
    *cp = half ? 0xd000 | (s.p[1] & 0x3fu) << 6 | (s.p[2] & 0x3fu) : 0;
    return half ? 3 : 1;
}

rac_str xml_encoded_name(struct rac_arena *a, rac_str s, bool colons)
{
    struct rac_buf b;
    rac_buf_init(&b, s.n * 10 + 16);
    for (size_t i = 0; i < s.n;) {
        uint32_t cp, escape;
        size_t n = name_character(rac_str_from(s, i), &cp);
        bool ok = (i == 0 ? name_start(cp) : name_char(cp)) || (colons && cp == ':');
        if (ok && name_escape(rac_str_from(s, i), &escape) == 0)
            rac_buf_add(&b, rac_str_sub(s, i, n));
        else if (cp >= 0x10000)
            rac_buf_printf(&b, "_x%08X_", cp);
        else
            rac_buf_printf(&b, "_x%04X_", cp);
        i += n;
    }
    rac_str out = rac_arena_str(a, rac_buf_str(&b));
    rac_buf_fini(&b);
    return out;
}

rac_str xml_decoded_name(struct rac_arena *a, rac_str s)
{
    if (rac_str_find(s, RAC_S("_x")) == RAC_STR_NPOS)
        return s;
    char *p = rac_arena_alloc_dirty(a, s.n + 1), *w = p;
    for (size_t i = 0; i < s.n;) {
        uint32_t cp;
        size_t len = name_escape(rac_str_from(s, i), &cp);
        if (len == 0 || cp > 0x10ffff) {
            *w++ = s.p[i++];
        } else {
            w += rac_utf8_encode(cp, w);
            i += len;
        }
    }
    return (rac_str){p, (size_t)(w - p)};
}

/* --- nodes ------------------------------------------------------------------------------------ */

/* Namespaces that stand declared in what was written, innermost first. */
struct scope {
    const struct scope *outer;
    const xmlNs *ns;
};

static void qualified(struct rac_buf *b, const xmlNs *ns, const xmlChar *name)
{
    if (ns != NULL && ns->prefix != NULL) {
        rac_buf_add(b, xml_str(ns->prefix));
        rac_buf_add_char(b, ':');
    }
    rac_buf_add(b, xml_str(name));
}

static void put_namespace(struct rac_buf *b, const xmlNs *ns)
{
    RAC_BUF_ADD_LIT(b, " xmlns");
    if (ns->prefix != NULL) {
        rac_buf_add_char(b, ':');
        rac_buf_add(b, xml_str(ns->prefix));
    }
    RAC_BUF_ADD_LIT(b, "=\"");
    xml_put_escaped(b, xml_str(ns->href), true);
    rac_buf_add_char(b, '"');
}

static void put_attribute(struct rac_buf *b, const xmlAttr *attr)
{
    qualified(b, attr->ns, attr->name);
    RAC_BUF_ADD_LIT(b, "=\"");
    for (const xmlNode *t = attr->children; t != NULL; t = t->next)
        xml_put_escaped(b, xml_str(t->content), true);
    rac_buf_add_char(b, '"');
}

static bool in_scope(const struct scope *s, const xmlNs *ns)
{
    for (; s != NULL; s = s->outer)
        if (xmlStrEqual(s->ns->prefix, ns->prefix))
            return xmlStrEqual(s->ns->href, ns->href);
    return false;
}

static const struct scope *put_missing(struct call *c, struct xml_out *o, const struct scope *s,
                                       const xmlNs *ns)
{
    if (ns == NULL || xmlStrEqual(ns->prefix, BAD_CAST "xml") || in_scope(s, ns))
        return s;
    put_namespace(&o->b, ns);
    struct scope *inner = RAC_NEW(c->a, struct scope);
    *inner = (struct scope){s, ns};
    return inner;
}

/* Attributes in the order of the tag, then what is used here and declared further out. */
static const struct scope *put_attributes(struct call *c, struct xml_out *o, const xmlNode *n,
                                          const struct scope *s)
{
    const xmlNs *ns;
    const xmlAttr *attr;
    for (struct xml_attributes w = xml_attributes(n); xml_attribute_next(&w, &ns, &attr);) {
        if (ns != NULL) {
            put_namespace(&o->b, ns);
            struct scope *inner = RAC_NEW(c->a, struct scope);
            *inner = (struct scope){s, ns};
            s = inner;
        } else {
            rac_buf_add_char(&o->b, ' ');
            put_attribute(&o->b, attr);
        }
    }
    s = put_missing(c, o, s, n->ns);
    for (attr = n->properties; attr != NULL; attr = attr->next)
        s = put_missing(c, o, s, attr->ns);
    return s;
}

static bool put_node(struct call *c, struct xml_out *o, const xmlNode *n, const struct scope *s);

static bool put_element(struct call *c, struct xml_out *o, const xmlNode *n, const struct scope *s)
{
    if (++o->depth > XML_DEPTH_MAX || rac_buf_err(&o->b) != RAC_OK) {
        o->too_deep = true;
        return true; /* the end says so */
    }
    if (!charge(c, 1))
        return false;
    rac_buf_add_char(&o->b, '<');
    qualified(&o->b, n->ns, n->name);
    s = put_attributes(c, o, n, s);
    if (n->children == NULL && xml_closes_itself(n)) {
        RAC_BUF_ADD_LIT(&o->b, " />");
    } else {
        rac_buf_add_char(&o->b, '>');
        for (const xmlNode *k = n->children; k != NULL; k = k->next)
            if (!put_node(c, o, k, s))
                return false;
        RAC_BUF_ADD_LIT(&o->b, "</");
        qualified(&o->b, n->ns, n->name);
        rac_buf_add_char(&o->b, '>');
    }
    o->depth--;
    return true;
}

static bool put_node(struct call *c, struct xml_out *o, const xmlNode *n, const struct scope *s)
{
    rac_str text = n->type == XML_ELEMENT_NODE ? RAC_S("") : xml_str(n->content);
    switch (n->type) {
    case XML_ELEMENT_NODE:
        return put_element(c, o, n, s);
    case XML_TEXT_NODE:
        xml_put_escaped(&o->b, text, false);
        break;
    case XML_CDATA_SECTION_NODE:
        RAC_BUF_ADD_LIT(&o->b, "<![CDATA[");
        rac_buf_add(&o->b, text);
        RAC_BUF_ADD_LIT(&o->b, "]]>");
        break;
    case XML_COMMENT_NODE:
        RAC_BUF_ADD_LIT(&o->b, "<!--");
        rac_buf_add(&o->b, text);
        RAC_BUF_ADD_LIT(&o->b, "-->");
        break;
    case XML_PI_NODE:
        RAC_BUF_ADD_LIT(&o->b, "<?");
        rac_buf_add(&o->b, xml_str(n->name));
        rac_buf_add(&o->b, n->content != NULL ? RAC_S(" ") : RAC_S(""));
        rac_buf_add(&o->b, text);
        RAC_BUF_ADD_LIT(&o->b, "?>");
        break;
    case XML_ENTITY_REF_NODE:
        rac_buf_printf(&o->b, "&%s;", (const char *)n->name);
        break;
    default:
        break;
    }
    return true;
}

bool xml_document_text(struct call *c, const struct xml_text *x, rac_str *out)
{
    struct xml_out o = {0};
    bool ok = true;
    rac_buf_init(&o.b, string_max(c->run));
    rac_buf_add(&o.b, x->declaration);
    for (const xmlNode *n = x->doc->children; ok && n != NULL; n = n->next) {
        const xmlDtd *d = (const xmlDtd *)n;
        if (n->type != XML_DTD_NODE)
            ok = put_node(c, &o, n, NULL);
        else
            xml_put_doctype(&o.b, xml_str(d->name),
                            d->ExternalID != NULL ? xml_str(d->ExternalID) : RAC_STR_NULL,
                            d->SystemID != NULL ? xml_str(d->SystemID) : RAC_STR_NULL, x->subset);
    }
    if (!ok)
        rac_buf_fini(&o.b);
    return ok && xml_out_take(c, &o, out);
}

bool xml_outer_text(struct call *c, const xmlNode *n, rac_str *out)
{
    struct xml_out o = {0};
    rac_buf_init(&o.b, string_max(c->run));
    if (!put_element(c, &o, n, NULL)) {
        rac_buf_fini(&o.b);
        return false;
    }
    return xml_out_take(c, &o, out);
}

rac_str xml_attribute_markup(struct call *c, const xmlAttr *attr)
{
    struct rac_buf b;
    rac_buf_init(&b, string_max(c->run));
    put_attribute(&b, attr);
    rac_str out = rac_buf_take(&b, c->a);
    rac_buf_fini(&b);
    return out;
}

rac_str xml_attribute_value(struct call *c, const xmlAttr *attr)
{
    const xmlNode *first = attr->children;
    if (first == NULL || first->next == NULL)
        return rac_arena_str(c->a, first != NULL ? xml_str(first->content) : RAC_S(""));
    struct rac_buf b;
    rac_buf_init(&b, string_max(c->run));
    for (const xmlNode *t = first; t != NULL; t = t->next)
        rac_buf_add(&b, xml_str(t->content));
    rac_str out = rac_buf_take(&b, c->a);
    rac_buf_fini(&b);
    return out;
}
