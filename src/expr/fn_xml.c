/* XML made, queried, and its names and values as plain text (spec expressions §12, §16.1). */
#include "base/utf8.h"
#include "expr/functions_priv.h"
#include "expr/xml.h"

#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

enum { XPATH_OPS_MAX = 5000000, NUMBER_TEXT_MAX = 400 };

bool fn_xml(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    struct xml_text x;
    rac_str text;
    if (v[0].type == RAC_JSON_STRING) {
        struct rac_json mended = rac_expr_mend(c->a, v[0]); /* no lone halves in a document */
        if (!xml_read(c, &v[0], (rac_str){mended.s, mended.n}, &x))
            return false;
        bool ok = xml_document_text(c, &x, &text);
        xml_free(&x);
        if (ok)
            *out = xml_envelope(c, text);
        return ok;
    }
    if (v[0].type != RAC_JSON_OBJECT)
        return fail_type(c, &v[0], 0, "a string, an object or binary content");
    if (!is_envelope(&v[0]))
        return xml_from_json(c, &v[0], out);
    *out = xml_envelope(c, RAC_S(""));
    rac_json_put(c->a, out, RAC_S("$content"), *RAC_JSON_GET(&v[0], "$content"));
    return true;
}

/* --- XPath (12.4) ----------------------------------------------------------------------------- */

static bool node_value(struct call *c, const struct xml_text *x, const xmlNode *n,
                       struct rac_json *out)
{
    rac_str text;
    bool ok = true;
    switch (n->type) {
    case XML_ELEMENT_NODE:
    case XML_DOCUMENT_NODE:
        ok = n->type == XML_ELEMENT_NODE ? xml_outer_text(c, n, &text)
                                         : xml_document_text(c, x, &text);
        if (ok)
            *out = xml_envelope(c, text);
        return ok;
    case XML_ATTRIBUTE_NODE:
        *out = str_value(xml_attribute_markup(c, (const xmlAttr *)n));
        return true;
    default:
        *out = str_value(rac_arena_str(c->a, xml_str(n->content)));
        return charge(c, out->n / 64);
    }
}

static bool selected(struct call *c, const struct xml_text *x, const xmlXPathObject *r,
                     struct rac_json *out)
{
    switch (r->type) {
    case XPATH_NUMBER:
        return answer_double(out, r->floatval);
    case XPATH_BOOLEAN:
        return answer_bool(out, r->boolval != 0);
    case XPATH_STRING:
        *out = str_value(rac_arena_str(c->a, xml_str(r->stringval)));
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
        if (!charge(c, 1) || !node_value(c, x, n, &v))
            return false;
        rac_json_add(c->a, out, v);
    }
    return true;
}

/* A number as XPath 1.0 writes it: shortest, and never with an exponent, which the library uses
 * for what is large or small. */
static xmlXPathObject *number_text(double d)
{
    char text[40], out[NUMBER_TEXT_MAX];
    size_t n = double_text(d == 0 ? 0 : d, false, text), digits = 0, w = 0;
    char *e = memchr(text, 'E', n);
    if (e == NULL) {
        text[n] = '\0';
        return xmlXPathNewCString(text);
    }
    int exponent = (int)strtol(e + 1, NULL, 10);
    char *from = text;
    if (*from == '-')
        out[w++] = *from++;
    if (exponent < 0) {
        memcpy(out + w, "0.", 2);
        memset(out + w + 2, '0', (size_t)(-exponent - 1));
        w += (size_t)(1 - exponent);
    }
    for (; from < e; from++)
        if (*from != '.') {
            out[w++] = *from;
            digits++;
        }
    for (; exponent >= 0 && digits <= (size_t)exponent; digits++)
        out[w++] = '0';
    out[w] = '\0';
    return xmlXPathNewCString(out);
}

/* The library's function, after numbers given to it became texts. */
static void with_texts(xmlXPathParserContext *k, int n, xmlXPathFunction ours)
{
    for (int i = 0; i < n && i < k->valueNr; i++) {
        xmlXPathObject **at = &k->valueTab[k->valueNr - 1 - i];
        if ((*at)->type != XPATH_NUMBER)
            continue;
        xmlXPathObject *text = number_text((*at)->floatval);
        xmlXPathFreeObject(*at);
        *at = text;
    }
    if (k->valueNr > 0)
        k->value = k->valueTab[k->valueNr - 1];
    ours(k, n);
}

#define TAKES_TEXTS(TEXT_FUNCTION)                                                                 \
    TEXT_FUNCTION("string", text_string, xmlXPathStringFunction)                                   \
    TEXT_FUNCTION("concat", text_concat, xmlXPathConcatFunction)                                   \
    TEXT_FUNCTION("contains", text_contains, xmlXPathContainsFunction)                             \
    TEXT_FUNCTION("starts-with", text_starts, xmlXPathStartsWithFunction)                          \
    TEXT_FUNCTION("substring-before", text_before, xmlXPathSubstringBeforeFunction)                \
    TEXT_FUNCTION("substring-after", text_after, xmlXPathSubstringAfterFunction)                   \
    TEXT_FUNCTION("string-length", text_length, xmlXPathStringLengthFunction)

#define TEXT_FUNCTION(name, fn, ours)                                                              \
    static void fn(xmlXPathParserContext *k, int n)                                                \
    {                                                                                              \
        with_texts(k, n, ours);                                                                    \
    }
TAKES_TEXTS(TEXT_FUNCTION)
#undef TEXT_FUNCTION

static void register_functions(xmlXPathContext *ctxt)
{
    static const struct {
        const char *name;
        xmlXPathFunction fn;
    } table[] = {
#define TEXT_FUNCTION(name, fn, ours) {name, fn},
        TAKES_TEXTS(TEXT_FUNCTION)
#undef TEXT_FUNCTION
    };
    for (size_t i = 0; i < RAC_COUNT(table); i++) {
        xmlXPathRegisterFunc(ctxt, BAD_CAST table[i].name, NULL); /* or the old one stays */
        xmlXPathRegisterFunc(ctxt, BAD_CAST table[i].name, table[i].fn);
    }
}

static void silent(void *arg RAC_UNUSED, const xmlError *e RAC_UNUSED)
{
}

/* "1e3": the library reads exponents, XPath 1.0 has none. */
static bool has_exponent(rac_str path)
{
    for (size_t i = 0; i < path.n; i++) {
        char ch = path.p[i];
        if (ch == '"' || ch == '\'') {
            size_t end = rac_str_find_char(rac_str_from(path, i + 1), ch);
            if (end == RAC_STR_NPOS)
                return false;
            i += end + 1;
        } else if (rac_is_alpha(ch) || ch == '_' || (unsigned char)ch >= 0x80) { /* a name */
            while (i + 1 < path.n &&
                   (rac_is_alnum(path.p[i + 1]) || (unsigned char)path.p[i + 1] >= 0x80 ||
                    strchr("_-.", path.p[i + 1]) != NULL))
                i++;
        } else if (rac_is_digit(ch)) {
            while (i + 1 < path.n && (rac_is_digit(path.p[i + 1]) || path.p[i + 1] == '.'))
                i++;
            if (i + 1 < path.n && rac_lower(path.p[i + 1]) == 'e')
                return true;
        }
    }
    return false;
}

static bool query(struct call *c, const struct xml_text *x, rac_str path, struct rac_json *out)
{
    xmlXPathContext *ctxt = xmlXPathNewContext(x->doc);
    ctxt->opLimit = XPATH_OPS_MAX;
    ctxt->node = (xmlNode *)x->doc;
    ctxt->proximityPosition = ctxt->contextSize = 1;
    register_functions(ctxt);
    ctxt->error = (xmlStructuredErrorFunc)(void (*)(void))silent;
    xmlXPathObject *r = has_exponent(path)
                            ? NULL
                            : xmlXPathEvalExpression(BAD_CAST rac_arena_cstr(c->a, path), ctxt);
    bool ok = r != NULL && r->type != XPATH_UNDEFINED;
    if (ctxt->opCount >= XPATH_OPS_MAX)
        ok = fail_limit(c, "the XPath takes more steps than allowed");
    else if (!ok)
        fail(c, RAC_EXPR_ARGUMENT,
             "The template language function 'xpath' cannot use the path '%.*s'.", RAC_FMT(path));
    else
        ok = charge(c, ctxt->opCount) && selected(c, x, r, out);
    xmlXPathFreeObject(r);
    xmlXPathFreeContext(ctxt);
    return ok;
}

bool fn_xpath(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    rac_str path, bytes;
    struct xml_text x;
    if (!xml_is_envelope(&v[0]))
        return fail_type(c, &v[0], 0, "XML");
    if (!arg_str(c, v, 1, &path))
        return false;
    if (!charge(c, rac_json_str(RAC_JSON_GET(&v[0], "$content"), RAC_S("")).n / 64))
        return false;
    if (!envelope_bytes(&v[0], c->a, &bytes))
        return fail_convert(c, &v[0], "XML: its content is not base64");
    if (!xml_read(c, &v[0], envelope_text(&v[0], c->a), &x))
        return false;
    bool ok = query(c, &x, path, out);
    xml_free(&x);
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
    xml_put_escaped(&b, s, false);
    if (rac_buf_err(&b) != RAC_OK) {
        rac_buf_fini(&b);
        return fail_limit(c, "a string would be larger than allowed");
    }
    rac_str text = rac_buf_take(&b, c->a);
    rac_buf_fini(&b);
    text = rac_str_replace(c->a, text, RAC_S("\""), RAC_S("&quot;"));
    *out = str_value(rac_str_replace(c->a, text, RAC_S("'"), RAC_S("&apos;")));
    return charge(c, out->n / 64);
}

/* The character that "&name;" or "&#n;" at the front of s stands for; 0: none. */
static size_t reference(rac_str s, uint32_t *cp)
{
    static const struct {
        rac_str name;
        char ch;
    } table[] = {{RAC_S_INIT("&lt;"), '<'},
                 {RAC_S_INIT("&gt;"), '>'},
                 {RAC_S_INIT("&quot;"), '"'},
                 {RAC_S_INIT("&apos;"), '\''},
                 {RAC_S_INIT("&amp;"), '&'}};
    for (size_t i = 0; i < RAC_COUNT(table); i++)
        if (rac_str_starts(s, table[i].name)) {
            *cp = (unsigned char)table[i].ch;
            return table[i].name.n;
        }
    if (!rac_str_starts(s, RAC_S("&#")))
        return 0;
    bool hex = s.n > 2 && s.p[2] == 'x';
    size_t i = hex ? 3 : 2, from = i;
    for (*cp = 0; i < s.n && *cp <= 0x10ffff; i++) {
        int digit = rac_hex_value(s.p[i]);
        if (digit < 0 || (!hex && digit > 9))
            break;
        *cp = *cp * (hex ? 16 : 10) + (uint32_t)digit;
    }
    bool sound = i > from && i < s.n && s.p[i] == ';' && *cp > 0 && *cp <= 0x10ffff &&
                 (*cp < 0xd800 || *cp > 0xdfff);
    return sound ? i + 1 : 0;
}

bool fn_decode_xml_value(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                         struct rac_json *out)
{
    rac_str s;
    if (!arg_str(c, v, 0, &s))
        return false;
    char *p = rac_arena_alloc_dirty(c->a, s.n + 1), *w = p;
    for (size_t i = 0; i < s.n;) {
        uint32_t cp;
        size_t len = s.p[i] == '&' ? reference(rac_str_from(s, i), &cp) : 0;
        if (len == 0)
            *w++ = s.p[i++];
        else
            w += rac_utf8_encode(cp, w);
        i += len;
    }
    *out = str_value((rac_str){p, (size_t)(w - p)});
    return true;
}

bool fn_encode_xml_name(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                        struct rac_json *out)
{
    rac_str s;
    if (!arg_str(c, v, 0, &s))
        return false;
    *out = str_value(xml_encoded_name(c->a, s, true));
    return charge(c, s.n / 16);
}

bool fn_decode_xml_name(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                        struct rac_json *out)
{
    rac_str s;
    if (!arg_str(c, v, 0, &s))
        return false;
    *out = str_value(xml_decoded_name(c->a, s));
    return true;
}
