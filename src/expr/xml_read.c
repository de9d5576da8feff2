#include "expr/xml.h"

#include <libxml/parser.h>

enum { XML_BYTES_MAX = 64 << 20, NODE_BYTES = 160 };

bool xml_is_envelope(const struct rac_json *v)
{
    rac_str type = rac_json_str(RAC_JSON_GET(v, "$content-type"), RAC_S("")), rest;
    rac_str media = rac_str_trim(rac_str_cut(type, ';', &rest));
    return is_envelope(v) &&
           (rac_str_eqi(media, RAC_S("application/xml")) || rac_str_eqi(media, RAC_S("text/xml")));
}

/* --- tags, as they stand in the text ---------------------------------------------------------- */

struct tag {
    rac_str inside; /* between "<" and ">" or "/>" */
    bool closed;
};

/* Length of <!DOCTYPE ...> that s starts with, its internal subset apart; 0: it has no end. */
static size_t doctype_length(rac_str s, rac_str *subset)
{
    size_t open = 0;
    char quote = 0;
    *subset = RAC_STR_NULL;
    for (size_t i = 2; i < s.n; i++) {
        char ch = s.p[i];
        if (quote != 0) {
            quote = ch == quote ? 0 : quote;
        } else if (rac_str_starts(rac_str_from(s, i), RAC_S("<!--"))) {
            size_t end = rac_str_find(rac_str_from(s, i), RAC_S("-->"));
            if (end == RAC_STR_NPOS)
                return 0;
            i += end + 2;
        } else if (ch == '"' || ch == '\'') {
            quote = ch;
        } else if (ch == '[' && open == 0) {
            open = i + 1;
        } else if (ch == ']' && open != 0) {
            *subset = rac_str_sub(s, open, i - open);
        } else if (ch == '>' && (open == 0 || subset->p != NULL)) {
            return i + 1;
        }
    }
    return 0;
}

/* Bytes of a comment, section, instruction, DOCTYPE or end tag that s starts with. */
static size_t passed_over(rac_str s)
{
    static const struct {
        rac_str open, close;
    } table[] = {{RAC_S_INIT("<!--"), RAC_S_INIT("-->")},
                 {RAC_S_INIT("<![CDATA["), RAC_S_INIT("]]>")},
                 {RAC_S_INIT("<?"), RAC_S_INIT("?>")},
                 {RAC_S_INIT("</"), RAC_S_INIT(">")}};
    rac_str subset;
    for (size_t i = 0; i < RAC_COUNT(table); i++)
        if (rac_str_starts(s, table[i].open)) {
            size_t end = rac_str_find(s, table[i].close);
            return end == RAC_STR_NPOS ? s.n : end + table[i].close.n;
        }
    if (!rac_str_starts(s, RAC_S("<!")))
        return 0;
    size_t n = doctype_length(s, &subset);
    return n > 0 ? n : s.n;
}

static bool next_start_tag(rac_str *rest, struct tag *t)
{
    for (;;) {
        size_t at = rac_str_find_char(*rest, '<');
        if (at == RAC_STR_NPOS)
            return false;
        *rest = rac_str_from(*rest, at);
        size_t skip = passed_over(*rest);
        if (skip > 0) {
            *rest = rac_str_from(*rest, skip);
            continue;
        }
        char quote = 0;
        for (size_t i = 1; i < rest->n; i++) {
            char ch = rest->p[i];
            if (quote != 0) {
                quote = ch == quote ? 0 : quote;
            } else if (ch == '"' || ch == '\'') {
                quote = ch;
            } else if (ch == '>') {
                t->closed = rest->p[i - 1] == '/';
                t->inside = rac_str_sub(*rest, 1, i - 1 - t->closed);
                *rest = rac_str_from(*rest, i + 1);
                return true;
            }
        }
        return false;
    }
}

/* The name of the next attribute; its value is passed over. */
static bool next_attribute_name(rac_str *tag, rac_str *name)
{
    size_t at = rac_str_find_char(*tag, '=');
    if (at == RAC_STR_NPOS)
        return false;
    *name = rac_str_trim(rac_str_sub(*tag, 0, at));
    size_t space = name->n;
    while (space > 0 && !rac_is_space(name->p[space - 1]))
        space--;
    *name = rac_str_from(*name, space);
    rac_str value = rac_str_trim(rac_str_from(*tag, at + 1));
    size_t end = value.n > 0 ? rac_str_find_char(rac_str_from(value, 1), value.p[0]) : RAC_STR_NPOS;
    *tag = end == RAC_STR_NPOS ? RAC_S("") : rac_str_from(value, end + 2);
    return true;
}

static bool is_namespace(rac_str name)
{
    return rac_str_eq(name, RAC_S("xmlns")) || rac_str_starts(name, RAC_S("xmlns:"));
}

/* Before anything is parsed: the library compares every attribute of a tag with every other and
 * walks all namespaces for a name, and its tree lies outside of the arena. */
static bool charge_text(struct call *c, rac_str text)
{
    uint64_t tags = 0, names = 0, namespaces = 0, squares = 0;
    struct tag t;
    for (rac_str rest = text; next_start_tag(&rest, &t); tags++) {
        rac_str name;
        uint64_t here = 0;
        for (rac_str inside = t.inside; next_attribute_name(&inside, &name); here++)
            namespaces += is_namespace(name);
        names += here;
        squares += here * here;
    }
    uint64_t room = c->a->bytes_max > c->a->used_bytes ? c->a->bytes_max - c->a->used_bytes : 0;
    if (text.n * 2 + (tags + names) * NODE_BYTES > room)
        return fail_limit(c, "its values take more memory than allowed");
    return charge(c, text.n / 16 + tags + (tags * namespaces + squares) / 64);
}

/* --- what elements know of their tags --------------------------------------------------------- */

static const struct tag *tag_of(const xmlNode *n)
{
    return n->_private;
}

bool xml_closes_itself(const xmlNode *n)
{
    return tag_of(n) != NULL && tag_of(n)->closed;
}

struct xml_attributes xml_attributes(const xmlNode *n)
{
    return (struct xml_attributes){tag_of(n) != NULL ? tag_of(n)->inside : RAC_S(""), n->nsDef,
                                   n->properties};
}

bool xml_attribute_next(struct xml_attributes *w, const xmlNs **ns, const xmlAttr **attr)
{
    rac_str name;
    bool named = next_attribute_name(&w->tag, &name);
    bool take_ns = w->ns != NULL && (w->attr == NULL || !named || is_namespace(name));
    *ns = take_ns ? w->ns : NULL;
    *attr = take_ns ? NULL : w->attr;
    if (take_ns)
        w->ns = w->ns->next;
    else if (w->attr != NULL)
        w->attr = w->attr->next;
    return *ns != NULL || *attr != NULL;
}

static bool is_blank(const xmlNode *n)
{
    return n->type == XML_TEXT_NODE && rac_str_trim(xml_str(n->content)).n == 0;
}

/* Between elements blank text only lays them out; alone or beside other text it may be meant. */
static bool blanks_matter(const struct call *c, const xmlNode *parent)
{
    bool elements = false;
    if ((c->run->xml & RAC_EXPR_XML_BLANKS) == 0)
        return false;
    for (const xmlNode *k = parent->children; k != NULL; k = k->next) {
        if ((k->type == XML_TEXT_NODE && !is_blank(k)) || k->type == XML_CDATA_SECTION_NODE)
            return true;
        elements |= k->type == XML_ELEMENT_NODE;
    }
    return !elements;
}

/* Each element takes the next start tag: both come in document order. Blank text goes. */
static void tidy(struct call *c, xmlNode *n, rac_str *rest)
{
    struct tag *t = RAC_NEW(c->a, struct tag);
    bool keep = blanks_matter(c, n);
    if (next_start_tag(rest, t))
        n->_private = t;
    for (xmlNode *k = n->children, *next; k != NULL; k = next) {
        next = k->next;
        if (k->type == XML_ELEMENT_NODE) {
            tidy(c, k, rest);
        } else if (is_blank(k) && !keep) {
            xmlUnlinkNode(k);
            xmlFreeNode(k);
        }
    }
}

/* --- declaration and DOCTYPE ------------------------------------------------------------------ */

const rac_str xml_declaration_names[XML_PARTS] = {RAC_S_INIT("version"), RAC_S_INIT("encoding"),
                                                  RAC_S_INIT("standalone")};

static bool is_encoding_name(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_alnum(s.p[i]) && strchr("._-", s.p[i]) == NULL)
            return false;
    return s.n > 0 && rac_is_alpha(s.p[0]);
}

static bool parts_are_sound(const rac_str parts[XML_PARTS])
{
    rac_str alone = parts[XML_STANDALONE];
    return rac_str_eq(parts[XML_VERSION], RAC_S("1.0")) &&
           (parts[XML_ENCODING].p == NULL || is_encoding_name(parts[XML_ENCODING])) &&
           (alone.p == NULL || rac_str_eq(alone, RAC_S("yes")) || rac_str_eq(alone, RAC_S("no")));
}

bool xml_declaration_parts(rac_str inside, rac_str parts[XML_PARTS])
{
    size_t next = 0;
    for (size_t i = 0; i < XML_PARTS; i++)
        parts[i] = RAC_STR_NULL;
    for (inside = rac_str_trim(inside); inside.n > 0;) {
        rac_str value, name = rac_str_trim(rac_str_cut(inside, '=', &value));
        value = rac_str_trim(value);
        while (next < XML_PARTS && !rac_str_eq(name, xml_declaration_names[next]))
            next++;
        if (next == XML_PARTS || value.n < 2 || (value.p[0] != '"' && value.p[0] != '\''))
            return false;
        size_t close = rac_str_find_char(rac_str_from(value, 1), value.p[0]);
        if (close == RAC_STR_NPOS)
            return false;
        parts[next++] = rac_str_sub(value, 1, close);
        rac_str behind = rac_str_from(value, close + 2);
        inside = rac_str_trim(behind);
        if (inside.n > 0 && inside.n == behind.n) /* no space between */
            return false;
    }
    return parts_are_sound(parts);
}

/* Takes the declaration from the front of *text. The text is UTF-8 by now whatever it says. */
static bool take_declaration(struct call *c, rac_str *text, rac_str *out)
{
    rac_str parts[XML_PARTS];
    struct rac_buf b;
    *out = RAC_STR_NULL;
    if (rac_str_starts(*text, RAC_S("\xef\xbb\xbf")))
        *text = rac_str_from(*text, 3);
    if (!rac_str_starts(*text, RAC_S("<?xml")) || text->n < 6 || !rac_is_space(text->p[5]))
        return true;
    size_t end = rac_str_find(*text, RAC_S("?>"));
    if (end == RAC_STR_NPOS || !xml_declaration_parts(rac_str_sub(*text, 5, end - 5), parts))
        return false;
    rac_buf_init(&b, 4096);
    xml_put_declaration(&b, parts);
    *out = rac_buf_take(&b, c->a);
    rac_buf_fini(&b);
    *text = rac_str_from(*text, end + 2);
    return out->n > 0;
}

static rac_str subset_of(const xmlDoc *doc, rac_str text)
{
    rac_str subset = RAC_STR_NULL;
    if (doc->intSubset == NULL)
        return subset;
    for (rac_str rest = text; rest.n > 0;) { /* only comments and instructions stand in front */
        size_t at = rac_str_find_char(rest, '<');
        if (at == RAC_STR_NPOS)
            break;
        rest = rac_str_from(rest, at);
        if (rac_str_starts(rest, RAC_S("<!DOCTYPE"))) {
            (void)doctype_length(rest, &subset);
            break;
        }
        rest = rac_str_from(rest, passed_over(rest) + 1);
    }
    return subset;
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

static bool declared(const xmlNode *n) /* every prefix used is bound */
{
    if (n->type == XML_ELEMENT_NODE && n->ns == NULL && strchr((const char *)n->name, ':') != NULL)
        return false;
    for (const xmlNode *c = n->children; c != NULL; c = c->next)
        if (c->type == XML_ELEMENT_NODE && !declared(c))
            return false;
    return true;
}

static bool refused(struct call *c, const struct rac_json *v, rac_str why)
{
    return fail(c, RAC_EXPR_CONVERT,
                "The template language function '%s' parameter is not valid. The provided value "
                "'%.*s' cannot be parsed as XML: %.*s.",
                c->node->fn->info.name, RAC_FMT(rac_str_sub(rac_expr_text(v, c->a), 0, 200)),
                RAC_FMT(why));
}

bool xml_read(struct call *c, const struct rac_json *shown, rac_str text, struct xml_text *out)
{
    if (text.n > XML_BYTES_MAX)
        return refused(c, shown, RAC_S("it is too large"));
    if (!take_declaration(c, &text, &out->declaration))
        return refused(c, shown, RAC_S("its declaration is not valid"));
    if (!charge_text(c, text))
        return false;
    xmlParserCtxt *ctxt = xmlNewParserCtxt();
    ctxt->sax->cdataBlock = cdata_block;
    xmlSetGenericErrorFunc(NULL, silent_text);
    xmlSetStructuredErrorFunc(NULL, (xmlStructuredErrorFunc)(void (*)(void))silent);
    xmlDoc *doc = xmlCtxtReadMemory(ctxt, text.p, (int)text.n, NULL, "UTF-8",
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    const xmlError *e = xmlCtxtGetLastError(ctxt);
    rac_str why = e != NULL && e->message != NULL
                      ? rac_arena_printf(c->a, "%.*s at line %d",
                                         RAC_FMT(rac_str_trim(rac_str_of(e->message))), e->line)
                      : RAC_S("it is not well formed");
    xmlNode *root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;
    bool sound = root != NULL && ctxt->wellFormed && ctxt->nsWellFormed && declared(root);
    xmlFreeParserCtxt(ctxt);
    if (!sound) {
        if (doc != NULL)
            xmlFreeDoc(doc);
        return refused(c, shown, why);
    }
    out->doc = doc;
    out->subset = subset_of(doc, text);
    tidy(c, root, &text);
    return true;
}

void xml_free(struct xml_text *x)
{
    xmlFreeDoc(x->doc);
    x->doc = NULL;
}
