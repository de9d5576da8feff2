/*
 * XML (spec expressions §12): libxml2 parses and selects, with network, entities and huge documents
 * off; what is written is written here, because its form is part of the language.
 */
#include "base/base64.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/utf8.h"
#include "expr/functions_priv.h"
#include "expr/xml.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>

enum { XML_DEPTH_MAX = 200, XML_BYTES_MAX = 64 << 20, XPATH_OPS_MAX = 5000000 };

static rac_str of_xml(const xmlChar *s)
{
    return rac_str_of((const char *)s);
}

static bool blank(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (strchr(" \t\r\n", s.p[i]) == NULL)
            return false;
    return true;
}

bool xml_is_envelope(const struct rac_json *v)
{
    rac_str type = rac_json_str(RAC_JSON_GET(v, "$content-type"), RAC_S("")), rest;
    rac_str media = rac_str_trim(rac_str_cut(type, ';', &rest));
    return is_envelope(v) &&
           (rac_str_eqi(media, RAC_S("application/xml")) || rac_str_eqi(media, RAC_S("text/xml")));
}

/* --- parsing ---------------------------------------------------------------------------------- */

static void silent(void *arg RAC_UNUSED, const xmlError *e RAC_UNUSED)
{
}

static void silent_text(void *arg RAC_UNUSED, const char *fmt RAC_UNUSED, ...)
{
}

/* Two sections side by side stay two: the library's own handler would join them. */
static void cdata_block(void *arg, const xmlChar *value, int n)
{
    xmlParserCtxt *ctxt = arg;
    xmlAddChild(ctxt->node, xmlNewCDataBlock(ctxt->myDoc, value, n));
}

static void free_doc(void *arg)
{
    xmlFreeDoc(arg);
}

static bool declared(const xmlNode *n) /* every prefix used is bound */
{
    if (n->type == XML_ELEMENT_NODE && n->ns == NULL && strchr((const char *)n->name, ':') != NULL)
        return false;
    for (const xmlNode *c = n->children; c != NULL; c = c->next)
        if (c->type == XML_ELEMENT_NODE && !declared(c))
            return false;
    return true;
}

/* Freed with the arena. NULL: not well formed; *why says it. */
static xmlDoc *parse(struct call *c, rac_str text, rac_str *why)
{
    if (text.n > XML_BYTES_MAX) {
        *why = RAC_S("it is too large");
        return NULL;
    }
    xmlParserCtxt *ctxt = xmlNewParserCtxt();
    ctxt->sax->cdataBlock = cdata_block;
    xmlSetGenericErrorFunc(NULL, silent_text);
    xmlSetStructuredErrorFunc(NULL, (xmlStructuredErrorFunc)(void (*)(void))silent);
    /* Text is UTF-8 by now whatever its declaration says. */
    xmlDoc *doc = xmlCtxtReadMemory(ctxt, text.p, (int)text.n, NULL, "UTF-8",
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    const xmlError *e = xmlCtxtGetLastError(ctxt);
    *why = e != NULL && e->message != NULL
               ? rac_arena_printf(c->a, "%.*s at line %d",
                                  RAC_FMT(rac_str_trim(rac_str_of(e->message))), e->line)
               : RAC_S("it is not well formed");
    bool sound = doc != NULL && ctxt->wellFormed && ctxt->nsWellFormed &&
                 xmlDocGetRootElement(doc) != NULL && declared(xmlDocGetRootElement(doc));
    xmlFreeParserCtxt(ctxt);
    if (doc != NULL)
        rac_arena_cleanup(c->a, free_doc, doc);
    return sound ? doc : NULL;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct out {
    struct rac_buf b;
    unsigned depth;
    bool too_deep;
};

static void escaped(struct rac_buf *b, rac_str s, bool attribute)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '&':
            RAC_BUF_ADD_LIT(b, "&amp;");
            break;
        case '<':
            RAC_BUF_ADD_LIT(b, "&lt;");
            break;
        case '>':
            RAC_BUF_ADD_LIT(b, "&gt;");
            break;
        case '"':
            rac_buf_add(b, attribute ? RAC_S("&quot;") : RAC_S("\""));
            break;
        case '\n':
        case '\r':
        case '\t':
            if (attribute)
                rac_buf_printf(b, "&#x%X;", (unsigned)s.p[i]);
            else
                rac_buf_add_char(b, s.p[i]);
            break;
        default:
            rac_buf_add_char(b, s.p[i]);
        }
    }
}

static void qualified(struct rac_buf *b, const xmlNs *ns, const xmlChar *name)
{
    if (ns != NULL && ns->prefix != NULL)
        rac_buf_printf(b, "%s:", (const char *)ns->prefix);
    rac_buf_add(b, of_xml(name));
}

static void put_namespace(struct rac_buf *b, const xmlNs *ns)
{
    if (ns->prefix != NULL)
        rac_buf_printf(b, " xmlns:%s=\"", (const char *)ns->prefix);
    else
        RAC_BUF_ADD_LIT(b, " xmlns=\"");
    escaped(b, of_xml(ns->href), true);
    rac_buf_add_char(b, '"');
}

static rac_str attribute_text(const xmlAttr *attr)
{
    return attr->children != NULL ? of_xml(attr->children->content) : RAC_S("");
}

static void put_attribute(struct rac_buf *b, const xmlAttr *attr)
{
    qualified(b, attr->ns, attr->name);
    RAC_BUF_ADD_LIT(b, "=\"");
    for (const xmlNode *t = attr->children; t != NULL; t = t->next)
        escaped(b, of_xml(t->content), true);
    rac_buf_add_char(b, '"');
}

static void put_node(struct out *o, const xmlNode *n);

/* xmlParser does not keep the difference of <a/> and <a></a>: an empty element without children
 * that the text closed by itself is marked in advance (mark_closed). */
static bool closed_by_itself(const xmlNode *n)
{
    return n->_private != NULL;
}

static void put_element(struct out *o, const xmlNode *n, const xmlNs *const *more)
{
    if (++o->depth > XML_DEPTH_MAX) {
        o->too_deep = true;
        return;
    }
    rac_buf_add_char(&o->b, '<');
    qualified(&o->b, n->ns, n->name);
    for (; more != NULL && *more != NULL; more++)
        put_namespace(&o->b, *more);
    for (const xmlNs *ns = n->nsDef; ns != NULL; ns = ns->next)
        put_namespace(&o->b, ns);
    for (const xmlAttr *attr = n->properties; attr != NULL; attr = attr->next) {
        rac_buf_add_char(&o->b, ' ');
        put_attribute(&o->b, attr);
    }
    if (n->children == NULL && closed_by_itself(n)) {
        RAC_BUF_ADD_LIT(&o->b, " />");
    } else {
        rac_buf_add_char(&o->b, '>');
        for (const xmlNode *c = n->children; c != NULL; c = c->next)
            put_node(o, c);
        RAC_BUF_ADD_LIT(&o->b, "</");
        qualified(&o->b, n->ns, n->name);
        rac_buf_add_char(&o->b, '>');
    }
    o->depth--;
}

static void put_doctype(struct out *o, const xmlDtd *d)
{
    rac_buf_printf(&o->b, "<!DOCTYPE %s", (const char *)d->name);
    if (d->ExternalID != NULL)
        rac_buf_printf(&o->b, " PUBLIC \"%s\"", (const char *)d->ExternalID);
    else if (d->SystemID != NULL)
        RAC_BUF_ADD_LIT(&o->b, " SYSTEM");
    if (d->SystemID != NULL)
        rac_buf_printf(&o->b, " \"%s\"", (const char *)d->SystemID);
    rac_buf_add_char(&o->b, '>');
}

static void put_node(struct out *o, const xmlNode *n)
{
    switch (n->type) {
    case XML_ELEMENT_NODE:
        put_element(o, n, NULL);
        break;
    case XML_TEXT_NODE:
        if (!blank(of_xml(n->content)))
            escaped(&o->b, of_xml(n->content), false);
        break;
    case XML_CDATA_SECTION_NODE:
        rac_buf_printf(&o->b, "<![CDATA[%s]]>", n->content ? (const char *)n->content : "");
        break;
    case XML_COMMENT_NODE:
        rac_buf_printf(&o->b, "<!--%s-->", n->content ? (const char *)n->content : "");
        break;
    case XML_PI_NODE:
        rac_buf_printf(&o->b, "<?%s%s%s?>", (const char *)n->name, n->content ? " " : "",
                       n->content ? (const char *)n->content : "");
        break;
    case XML_DTD_NODE:
        put_doctype(o, (const xmlDtd *)n);
        break;
    case XML_ENTITY_REF_NODE:
        rac_buf_printf(&o->b, "&%s;", (const char *)n->name);
        break;
    default:
        break;
    }
}

/* Whether the text closes its empty elements by themselves: a walk beside the tree. Tags are found
 * in document order; each element node takes the next start tag. */
struct tags {
    rac_str rest;
};

static bool next_start_tag(struct tags *t, bool *self_closed)
{
    for (;;) {
        size_t at = rac_str_find_char(t->rest, '<');
        if (at == RAC_STR_NPOS)
            return false;
        t->rest = rac_str_from(t->rest, at);
        static const struct {
            rac_str open, close;
        } skip[] = {{RAC_S_INIT("<!--"), RAC_S_INIT("-->")},
                    {RAC_S_INIT("<![CDATA["), RAC_S_INIT("]]>")},
                    {RAC_S_INIT("<?"), RAC_S_INIT("?>")},
                    {RAC_S_INIT("<!"), RAC_S_INIT(">")},
                    {RAC_S_INIT("</"), RAC_S_INIT(">")}};
        bool skipped = false;
        for (size_t i = 0; i < RAC_COUNT(skip) && !skipped; i++) {
            if (!rac_str_starts(t->rest, skip[i].open))
                continue;
            size_t end = rac_str_find(t->rest, skip[i].close);
            t->rest =
                rac_str_from(t->rest, end == RAC_STR_NPOS ? t->rest.n : end + skip[i].close.n);
            skipped = true;
        }
        if (skipped)
            continue;
        char quote = 0;
        for (size_t i = 1; i < t->rest.n; i++) {
            char ch = t->rest.p[i];
            if (quote != 0) {
                quote = ch == quote ? 0 : quote;
            } else if (ch == '"' || ch == '\'') {
                quote = ch;
            } else if (ch == '>') {
                *self_closed = t->rest.p[i - 1] == '/';
                t->rest = rac_str_from(t->rest, i + 1);
                return true;
            }
        }
        return false;
    }
}

static void mark_closed(xmlNode *n, struct tags *t)
{
    static int mark;
    bool self_closed = false;
    if (n->type != XML_ELEMENT_NODE)
        return;
    if (next_start_tag(t, &self_closed) && self_closed)
        n->_private = &mark;
    for (xmlNode *c = n->children; c != NULL; c = c->next)
        mark_closed(c, t);
}

static bool marked_parse(struct call *c, const struct rac_json *v, rac_str text, xmlDoc **doc)
{
    rac_str why;
    *doc = parse(c, text, &why);
    if (*doc == NULL)
        return fail(c, RAC_EXPR_CONVERT,
                    "The template language function '%s' parameter is not valid. The provided "
                    "value '%.*s' cannot be parsed as XML: %.*s.",
                    c->node->fn->info.name, RAC_FMT(rac_str_sub(rac_expr_text(v, c->a), 0, 200)),
                    RAC_FMT(why));
    struct tags t = {text};
    mark_closed(xmlDocGetRootElement(*doc), &t);
    return true;
}

static const rac_str xml_type = RAC_S_INIT("application/xml;charset=utf-8");

/* The declaration as it was written, or absent. */
static bool declaration(struct call *c, rac_str text, rac_str *out)
{
    *out = RAC_STR_NULL;
    if (!rac_str_starts(text, RAC_S("<?xml")) || text.n < 6 || !is_white((unsigned char)text.p[5]))
        return true;
    size_t end = rac_str_find(text, RAC_S("?>"));
    if (end == RAC_STR_NPOS)
        return false;
    rac_str inside = rac_str_trim(rac_str_sub(text, 5, end - 5));
    struct rac_buf b;
    rac_buf_init(&b, 4096);
    RAC_BUF_ADD_LIT(&b, "<?xml");
    static const rac_str names[] = {RAC_S_INIT("version"), RAC_S_INIT("encoding"),
                                    RAC_S_INIT("standalone")};
    size_t next = 0;
    bool ok = true;
    while (ok && inside.n > 0) {
        rac_str value, name = rac_str_trim(rac_str_cut(inside, '=', &value));
        value = rac_str_trim(value);
        while (next < RAC_COUNT(names) && !rac_str_eq(name, names[next]))
            next++;
        ok = next < RAC_COUNT(names) && value.n > 1 && (value.p[0] == '"' || value.p[0] == '\'');
        if (!ok)
            break;
        size_t close = rac_str_find_char(rac_str_from(value, 1), value.p[0]);
        ok = close != RAC_STR_NPOS;
        rac_str content = ok ? rac_str_sub(value, 1, close) : RAC_S("");
        ok = ok && (next > 0 || rac_str_eq(content, RAC_S("1.0")));
        rac_buf_add_char(&b, ' ');
        rac_buf_add(&b, name);
        RAC_BUF_ADD_LIT(&b, "=\"");
        rac_buf_add(&b, content);
        rac_buf_add_char(&b, '"');
        inside = ok ? rac_str_trim(rac_str_from(value, close + 2)) : RAC_S("");
    }
    RAC_BUF_ADD_LIT(&b, "?>");
    *out = rac_arena_str(c->a, rac_buf_str(&b));
    rac_buf_fini(&b);
    return ok;
}

static bool finish(struct call *c, struct out *o, rac_str *out)
{
    rac_err e = o->too_deep ? RAC_E_LIMIT : rac_buf_err(&o->b);
    if (e == RAC_OK)
        *out = rac_arena_str(c->a, rac_buf_str(&o->b));
    rac_buf_fini(&o->b);
    return e == RAC_OK || fail_limit(c, "the XML is too large or too deep");
}

static bool xml_of_text(struct call *c, const struct rac_json *v, struct rac_json *out)
{
    rac_str text = {v[0].s, v[0].n}, head, body;
    xmlDoc *doc;
    if (rac_str_starts(text, RAC_S("\xef\xbb\xbf")))
        text = rac_str_from(text, 3);
    if (!marked_parse(c, v, text, &doc))
        return false;
    if (!declaration(c, text, &head))
        return fail_convert(c, &v[0], "XML: its declaration is not valid");
    struct out o = {0};
    rac_buf_init(&o.b, string_max(c->run));
    if (head.p != NULL)
        rac_buf_add(&o.b, head);
    for (const xmlNode *n = doc->children; n != NULL; n = n->next)
        put_node(&o, n);
    if (!finish(c, &o, &body))
        return false;
    *out = envelope(c->a, xml_type, body);
    return true;
}

/* --- JSON to XML (12.3) ----------------------------------------------------------------------- */

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

static bool is_escape(rac_str s) /* "_xHHHH_" */
{
    if (s.n < 7 || s.p[0] != '_' || s.p[1] != 'x' || s.p[6] != '_')
        return false;
    for (int i = 2; i < 6; i++)
        if (!rac_is_digit(s.p[i]) && !(rac_lower(s.p[i]) >= 'a' && rac_lower(s.p[i]) <= 'f'))
            return false;
    return true;
}

static rac_str xml_name(struct rac_arena *a, rac_str s)
{
    struct rac_buf b;
    rac_buf_init(&b, s.n * 10 + 16);
    for (size_t i = 0; i < s.n;) {
        uint32_t cp;
        size_t n = rac_utf8_decode(s.p + i, s.n - i, &cp);
        n = n > 0 ? n : 1;
        bool ok = i == 0 ? name_start(cp) : name_char(cp);
        if (ok && !is_escape(rac_str_from(s, i)))
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

/* "p:n" with p declared on the way down stays; undeclared is written as "n". */
struct prefixes {
    const struct prefixes *outer;
    const struct rac_json *object;
};

static bool prefix_declared(const struct prefixes *p, rac_str prefix)
{
    if (rac_str_eq(prefix, RAC_S("xml")) || rac_str_eq(prefix, RAC_S("xmlns")))
        return true;
    for (; p != NULL; p = p->outer)
        RAC_JSON_EACH_MEMBER(m, p->object)
        {
            rac_str key = rac_json_key(m);
            if (rac_str_starts(key, RAC_S("@xmlns:")) && rac_str_eq(rac_str_from(key, 7), prefix))
                return true;
        }
    return false;
}

static rac_str element_name(struct call *c, rac_str s, const struct prefixes *p)
{
    rac_str local, prefix = rac_str_cut(s, ':', &local);
    if (local.p == NULL || prefix.n == 0 || local.n == 0)
        return xml_name(c->a, s);
    if (!prefix_declared(p, prefix))
        return xml_name(c->a, local);
    return rac_arena_printf(c->a, "%.*s:%.*s", RAC_FMT(xml_name(c->a, prefix)),
                            RAC_FMT(xml_name(c->a, local)));
}

static rac_str scalar_text(struct call *c, const struct rac_json *v)
{
    if (v->type == RAC_JSON_BOOL)
        return v->b ? RAC_S("true") : RAC_S("false");
    return rac_expr_text(v, c->a);
}

static bool put_value(struct call *c, struct out *o, rac_str name, const struct rac_json *v,
                      const struct prefixes *outer);

static bool put_member(struct call *c, struct out *o, rac_str key, const struct rac_json *v,
                       const struct prefixes *p)
{
    size_t n = v->type == RAC_JSON_ARRAY ? rac_json_len(v) : 1;
    for (size_t i = 0; i < n; i++) {
        const struct rac_json *e = v->type == RAC_JSON_ARRAY ? rac_json_at(v, i) : v;
        rac_str text = scalar_text(c, e);
        if (rac_str_eq(key, RAC_S("#text"))) {
            escaped(&o->b, text, false);
        } else if (rac_str_eq(key, RAC_S("#cdata-section"))) {
            if (rac_str_find(text, RAC_S("]]>")) != RAC_STR_NPOS)
                return fail_convert(c, e, "a CDATA section: it holds ]]>");
            rac_buf_printf(&o->b, "<![CDATA[%.*s]]>", RAC_FMT(text));
        } else if (!put_value(c, o, key, e, p)) {
            return false;
        }
    }
    return true;
}

static bool is_attribute(const struct rac_json_member *m)
{
    return m->key_n > 1 && m->key[0] == '@' && m->value.type != RAC_JSON_ARRAY &&
           m->value.type != RAC_JSON_OBJECT;
}

static bool put_value(struct call *c, struct out *o, rac_str name, const struct rac_json *v,
                      const struct prefixes *outer)
{
    struct prefixes here = {outer, v};
    const struct prefixes *p = v->type == RAC_JSON_OBJECT ? &here : outer;
    rac_str tag = element_name(c, name, p);
    bool content = false;
    if (++o->depth > XML_DEPTH_MAX) {
        o->too_deep = true;
        return true;
    }
    rac_buf_printf(&o->b, "<%.*s", RAC_FMT(tag));
    RAC_JSON_EACH_MEMBER(m, v)
    {
        if (!is_attribute(m)) {
            content = true;
            continue;
        }
        rac_buf_printf(&o->b, " %.*s=\"",
                       RAC_FMT(element_name(c, rac_str_from(rac_json_key(m), 1), p)));
        escaped(&o->b, scalar_text(c, &m->value), true);
        rac_buf_add_char(&o->b, '"');
    }
    bool object = v->type == RAC_JSON_OBJECT;
    if (v->type == RAC_JSON_NULL || (object && !content)) {
        RAC_BUF_ADD_LIT(&o->b, " />");
        o->depth--;
        return true;
    }
    rac_buf_add_char(&o->b, '>');
    if (v->type == RAC_JSON_ARRAY) { /* an array in an array repeats inside */
        RAC_JSON_EACH(e, v)
        if (!put_value(c, o, name, e, p))
            return false;
    } else if (!object) {
        escaped(&o->b, scalar_text(c, v), false);
    }
    RAC_JSON_EACH_MEMBER(m, v)
    if (!is_attribute(m) && !put_member(c, o, rac_json_key(m), &m->value, p))
        return false;
    rac_buf_printf(&o->b, "</%.*s>", RAC_FMT(tag));
    o->depth--;
    return true;
}

static void put_head(struct out *o, const struct rac_json *v, rac_str key)
{
    static const rac_str order[] = {RAC_S_INIT("@version"), RAC_S_INIT("@encoding"),
                                    RAC_S_INIT("@standalone")};
    if (rac_str_eq(key, RAC_S("?xml"))) {
        RAC_BUF_ADD_LIT(&o->b, "<?xml");
        for (size_t i = 0; i < RAC_COUNT(order); i++) {
            rac_str value = rac_json_str(rac_json_get(v, order[i]), RAC_STR_NULL);
            if (value.p != NULL)
                rac_buf_printf(&o->b, " %.*s=\"%.*s\"", RAC_FMT(rac_str_from(order[i], 1)),
                               RAC_FMT(value));
        }
        RAC_BUF_ADD_LIT(&o->b, "?>");
        return;
    }
    rac_str name = rac_json_str(RAC_JSON_GET(v, "@name"), RAC_S("")),
            public_id = rac_json_str(RAC_JSON_GET(v, "@public"), RAC_STR_NULL),
            system_id = rac_json_str(RAC_JSON_GET(v, "@system"), RAC_STR_NULL);
    rac_buf_printf(&o->b, "<!DOCTYPE %.*s", RAC_FMT(name));
    if (public_id.n > 0)
        rac_buf_printf(&o->b, " PUBLIC \"%.*s\"", RAC_FMT(public_id));
    else if (system_id.n > 0)
        RAC_BUF_ADD_LIT(&o->b, " SYSTEM");
    if (system_id.n > 0)
        rac_buf_printf(&o->b, " \"%.*s\"", RAC_FMT(system_id));
    rac_buf_add_char(&o->b, '>');
}

static bool xml_of_object(struct call *c, const struct rac_json *v, struct rac_json *out)
{
    struct out o = {0};
    rac_str text;
    size_t roots = 0;
    rac_buf_init(&o.b, string_max(c->run));
    RAC_JSON_EACH_MEMBER(m, v)
    {
        rac_str key = rac_json_key(m);
        if (rac_str_eq(key, RAC_S("?xml")) || rac_str_eq(key, RAC_S("!DOCTYPE"))) {
            put_head(&o, &m->value, key);
            continue;
        }
        if (++roots > 1 || m->value.type == RAC_JSON_ARRAY || rac_str_starts(key, RAC_S("@")) ||
            rac_str_eq(key, RAC_S("#text"))) {
            rac_buf_fini(&o.b);
            return fail_convert(c, v,
                                "XML: the object must have exactly one member for the root "
                                "element");
        }
        if (!put_value(c, &o, key, &m->value, NULL)) {
            rac_buf_fini(&o.b);
            return false;
        }
    }
    if (!finish(c, &o, &text))
        return false;
    *out = envelope(c->a, xml_type, text);
    return true;
}

bool fn_xml(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    if (v[0].type == RAC_JSON_STRING)
        return xml_of_text(c, v, out);
    if (v[0].type != RAC_JSON_OBJECT)
        return fail_type(c, &v[0], 0, "a string, an object or binary content");
    if (!is_envelope(&v[0]))
        return xml_of_object(c, &v[0], out);
    *out = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, out, "$content-type", xml_type);
    rac_json_put(c->a, out, RAC_S("$content"), *RAC_JSON_GET(&v[0], "$content"));
    return true;
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

static rac_str qualified_name(struct call *c, const xmlNs *ns, const xmlChar *name,
                              const char *head)
{
    return ns != NULL && ns->prefix != NULL
               ? rac_arena_printf(c->a, "%s%s:%s", head, (const char *)ns->prefix,
                                  (const char *)name)
               : rac_arena_printf(c->a, "%s%s", head, (const char *)name);
}

static struct rac_json kept_str(struct call *c, const xmlChar *s)
{
    return str_value(rac_arena_str(c->a, s != NULL ? of_xml(s) : RAC_S("")));
}

static bool element_value(struct call *c, const xmlNode *n, unsigned depth, struct rac_json *out);

static bool children_value(struct call *c, const xmlNode *n, unsigned depth, struct rac_json *o,
                           struct rac_map *arrays)
{
    size_t comments = 0;
    for (const xmlNode *k = n->children; k != NULL; k = k->next) {
        struct rac_json v;
        if (k->type == XML_ELEMENT_NODE) {
            if (!element_value(c, k, depth + 1, &v))
                return false;
            put_repeated(c, o, arrays, qualified_name(c, k->ns, k->name, ""), v);
        } else if (k->type == XML_TEXT_NODE && !blank(of_xml(k->content))) {
            put_repeated(c, o, arrays, RAC_S("#text"), kept_str(c, k->content));
        } else if (k->type == XML_CDATA_SECTION_NODE) {
            put_repeated(c, o, arrays, RAC_S("#cdata-section"), kept_str(c, k->content));
        } else if (k->type == XML_COMMENT_NODE && ++comments == 2) {
            RAC_JSON_PUT(c->a, o, "#comment", rac_json_new_array(c->a));
        }
    }
    return true;
}

static bool element_value(struct call *c, const xmlNode *n, unsigned depth, struct rac_json *out)
{
    if (depth > XML_DEPTH_MAX)
        return fail_limit(c, "the XML is nested too deeply");
    if (!charge(c, 1))
        return false;
    bool bare = n->properties == NULL && n->nsDef == NULL;
    if (bare && n->children == NULL) {
        *out = closed_by_itself(n) ? rac_json_of_null() : str_value(RAC_S(""));
        return true;
    }
    struct rac_map arrays;
    rac_map_init(&arrays, c->a);
    *out = rac_json_new_object(c->a);
    for (const xmlNs *ns = n->nsDef; ns != NULL; ns = ns->next)
        rac_json_put(c->a, out,
                     ns->prefix != NULL
                         ? rac_arena_printf(c->a, "@xmlns:%s", (const char *)ns->prefix)
                         : RAC_S("@xmlns"),
                     kept_str(c, ns->href));
    for (const xmlAttr *attr = n->properties; attr != NULL; attr = attr->next)
        rac_json_put(c->a, out, qualified_name(c, attr->ns, attr->name, "@"),
                     str_value(rac_arena_str(c->a, attribute_text(attr))));
    if (!children_value(c, n, depth, out, &arrays))
        return false;
    bool any_node = false, only_text = bare;
    for (const xmlNode *k = n->children; k != NULL; k = k->next) {
        any_node |= k->type != XML_TEXT_NODE;
        only_text &= k->type == XML_TEXT_NODE || k->type == XML_COMMENT_NODE;
    }
    const struct rac_json *text = RAC_JSON_GET(out, "#text");
    if (bare && !any_node && text == NULL)
        *out = str_value(RAC_S("")); /* white space alone */
    else if (only_text && text != NULL && rac_json_len(out) == 1)
        *out = *text;
    return true;
}

bool xml_to_json(struct call *c, rac_str bytes, struct rac_json *out)
{
    static const struct {
        const char *key, *word;
    } heads[] = {{"@version", "version"}, {"@encoding", "encoding"}, {"@standalone", "standalone"}};
    xmlDoc *doc;
    rac_str head, text = rac_utf8_mend(c->a, bytes);
    struct rac_json shown = str_value(text), v;
    if (rac_str_starts(text, RAC_S("\xef\xbb\xbf")))
        text = rac_str_from(text, 3);
    if (!marked_parse(c, &shown, text, &doc))
        return false;
    *out = rac_json_new_object(c->a);
    if (declaration(c, text, &head) && head.p != NULL) {
        struct rac_json o = rac_json_new_object(c->a);
        for (size_t i = 0; i < RAC_COUNT(heads); i++) {
            rac_str mark = rac_arena_printf(c->a, " %s=\"", heads[i].word);
            size_t at = rac_str_find(head, mark);
            if (at == RAC_STR_NPOS)
                continue;
            rac_str rest = rac_str_from(head, at + mark.n);
            rac_json_put(c->a, &o, rac_str_of(heads[i].key),
                         str_value(rac_str_sub(rest, 0, rac_str_find_char(rest, '"'))));
        }
        RAC_JSON_PUT(c->a, out, "?xml", o);
    }
    const xmlDtd *dtd = doc->intSubset;
    if (dtd != NULL) {
        struct rac_json o = rac_json_new_object(c->a);
        RAC_JSON_PUT(c->a, &o, "@name", kept_str(c, dtd->name));
        if (dtd->ExternalID != NULL)
            RAC_JSON_PUT(c->a, &o, "@public", kept_str(c, dtd->ExternalID));
        if (dtd->SystemID != NULL)
            RAC_JSON_PUT(c->a, &o, "@system", kept_str(c, dtd->SystemID));
        RAC_JSON_PUT(c->a, out, "!DOCTYPE", o);
    }
    const xmlNode *root = xmlDocGetRootElement(doc);
    if (!element_value(c, root, 1, &v))
        return false;
    rac_json_put(c->a, out, qualified_name(c, root->ns, root->name, ""), v);
    return true;
}

/* --- XPath (12.4) ----------------------------------------------------------------------------- */

/* Namespaces in scope of n, declared further out, that its subtree uses. */
static bool uses(const xmlNode *n, const xmlNs *ns)
{
    if (n->ns == ns)
        return true;
    for (const xmlAttr *attr = n->properties; attr != NULL; attr = attr->next)
        if (attr->ns == ns)
            return true;
    for (const xmlNode *k = n->children; k != NULL; k = k->next)
        if (k->type == XML_ELEMENT_NODE && uses(k, ns))
            return true;
    return false;
}

static bool outer_markup(struct call *c, const xmlNode *n, rac_str *out)
{
    const xmlNs *more[64] = {NULL};
    size_t more_n = 0;
    for (const xmlNode *p = n->parent; p != NULL && p->type == XML_ELEMENT_NODE; p = p->parent)
        for (const xmlNs *ns = p->nsDef; ns != NULL; ns = ns->next) {
            bool hidden = false;
            for (size_t i = 0; i < more_n; i++)
                hidden |= xmlStrEqual(more[i]->prefix, ns->prefix);
            if (!hidden && more_n + 1 < RAC_COUNT(more) && uses(n, ns))
                more[more_n++] = ns;
        }
    struct out o = {0};
    rac_buf_init(&o.b, string_max(c->run));
    put_element(&o, n, more);
    return finish(c, &o, out);
}

static bool node_value(struct call *c, const xmlNode *n, struct rac_json *out)
{
    rac_str text;
    struct rac_buf b;
    switch (n->type) {
    case XML_ELEMENT_NODE:
        if (!outer_markup(c, n, &text))
            return false;
        *out = envelope(c->a, xml_type, text);
        return true;
    case XML_ATTRIBUTE_NODE:
        rac_buf_init(&b, string_max(c->run));
        put_attribute(&b, (const xmlAttr *)n);
        *out = str_value(rac_buf_take(&b, c->a));
        rac_buf_fini(&b);
        return true;
    default:
        *out = kept_str(c, n->content);
        return true;
    }
}

static bool selected(struct call *c, const xmlXPathObject *r, struct rac_json *out)
{
    switch (r->type) {
    case XPATH_NUMBER:
        return answer_double(out, r->floatval);
    case XPATH_BOOLEAN:
        return answer_bool(out, r->boolval != 0);
    case XPATH_STRING:
        *out = kept_str(c, r->stringval);
        return true;
    default:
        break;
    }
    *out = rac_json_new_array(c->a);
    for (int i = 0; r->nodesetval != NULL && i < r->nodesetval->nodeNr; i++) {
        const xmlNode *n = r->nodesetval->nodeTab[i];
        struct rac_json v;
        if (n->type == XML_NAMESPACE_DECL)
            continue;
        if (!node_value(c, n->type == XML_DOCUMENT_NODE ? n->children : n, &v))
            return false;
        rac_json_add(c->a, out, v);
    }
    return true;
}

bool fn_xpath(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    rac_str path, bytes;
    xmlDoc *doc;
    if (!xml_is_envelope(&v[0]))
        return fail_type(c, &v[0], 0, "XML");
    if (!arg_str(c, v, 1, &path))
        return false;
    if (!envelope_bytes(&v[0], c->a, &bytes))
        return fail_convert(c, &v[0], "XML: its content is not base64");
    if (!marked_parse(c, &v[0], rac_utf8_mend(c->a, bytes), &doc))
        return false;
    xmlXPathContext *ctxt = xmlXPathNewContext(doc);
    ctxt->opLimit = XPATH_OPS_MAX;
    ctxt->error = (xmlStructuredErrorFunc)(void (*)(void))silent;
    xmlXPathObject *r = xmlXPathEvalExpression((const xmlChar *)rac_arena_cstr(c->a, path), ctxt);
    bool ok = r != NULL && r->type != XPATH_UNDEFINED;
    if (!ok)
        fail(c, RAC_EXPR_ARGUMENT,
             "The template language function 'xpath' cannot use the path '%.*s'.", RAC_FMT(path));
    else
        ok = selected(c, r, out);
    xmlXPathFreeObject(r);
    xmlXPathFreeContext(ctxt);
    return ok;
}

/* --- names and values of XML as plain text ---------------------------------------------------- */

bool fn_encode_xml_value(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                         struct rac_json *out)
{
    rac_str s;
    struct rac_buf b;
    if (!arg_str(c, v, 0, &s))
        return false;
    rac_buf_init(&b, string_max(c->run));
    escaped(&b, s, false);
    rac_str text = rac_buf_take(&b, c->a);
    rac_buf_fini(&b);
    text = rac_str_replace(c->a, text, RAC_S("\""), RAC_S("&quot;"));
    *out = str_value(rac_str_replace(c->a, text, RAC_S("'"), RAC_S("&apos;")));
    return true;
}

bool fn_decode_xml_value(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                         struct rac_json *out)
{
    static const struct {
        rac_str from, to;
    } table[] = {{RAC_S_INIT("&lt;"), RAC_S_INIT("<")},    {RAC_S_INIT("&gt;"), RAC_S_INIT(">")},
                 {RAC_S_INIT("&quot;"), RAC_S_INIT("\"")}, {RAC_S_INIT("&apos;"), RAC_S_INIT("'")},
                 {RAC_S_INIT("&#39;"), RAC_S_INIT("'")},   {RAC_S_INIT("&amp;"), RAC_S_INIT("&")}};
    rac_str s;
    if (!arg_str(c, v, 0, &s))
        return false;
    for (size_t i = 0; i < RAC_COUNT(table); i++)
        s = rac_str_replace(c->a, s, table[i].from, table[i].to);
    *out = str_value(s);
    return true;
}

bool fn_encode_xml_name(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                        struct rac_json *out)
{
    rac_str s;
    if (!arg_str(c, v, 0, &s))
        return false;
    *out = str_value(xml_name(c->a, s));
    return true;
}

bool fn_decode_xml_name(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                        struct rac_json *out)
{
    rac_str s;
    if (!arg_str(c, v, 0, &s))
        return false;
    char *p = rac_arena_alloc_dirty(c->a, s.n + 1), *w = p;
    for (size_t i = 0; i < s.n;) {
        rac_str rest = rac_str_from(s, i);
        if (!is_escape(rest)) {
            *w++ = s.p[i++];
            continue;
        }
        char hex[5] = {rest.p[2], rest.p[3], rest.p[4], rest.p[5], 0};
        w += rac_utf8_encode((uint32_t)strtoul(hex, NULL, 16), w);
        i += 7;
    }
    *out = str_value((rac_str){p, (size_t)(w - p)});
    return true;
}
