/* XSLT 1.0 by libxslt. */
#include "base/str.h"
#include "sandbox/xml_priv.h"

#include <libxslt/documents.h>
#include <libxslt/extensions.h>
#include <libxslt/extra.h>
#include <libxslt/imports.h>
#include <libxslt/security.h>
#include <libxslt/transform.h>
#include <libxslt/variables.h>
#include <libxslt/xsltInternals.h>
#include <libxslt/xsltutils.h>

#define XSL_NS    "http://www.w3.org/1999/XSL/Transform"
#define MSXSL_NS  "urn:schemas-microsoft-com:xslt"
#define COMMON_NS "http://exslt.org/common"

enum { MAP_OPTIONS = XML_PARSE_NOCDATA };

static rac_str of_xml(const xmlChar *s)
{
    return rac_str_of((const char *)s);
}

/* --- what is not done here -------------------------------------------------------------------- */

static bool is_named(const xmlNode *n, const char *ns, const char *name)
{
    return n->type == XML_ELEMENT_NODE && n->ns != NULL &&
           xmlStrEqual(n->ns->href, (const xmlChar *)ns) &&
           xmlStrEqual(n->name, (const xmlChar *)name);
}

static void unsupported(struct job *j, rac_str document, const xmlNode *n, rac_str message)
{
    job_find(j, document, xmlGetLineNo(n), message);
    job_end(j, RAC_XML_UNSUPPORTED, message);
}

static void check_version(struct job *j, rac_str document, xmlNode *root)
{
    bool own = root->ns != NULL && xmlStrEqual(root->ns->href, (const xmlChar *)XSL_NS);
    xmlChar *version =
        own ? xmlGetNoNsProp(root, (const xmlChar *)"version")
            : xmlGetNsProp(root, (const xmlChar *)"version", (const xmlChar *)XSL_NS);
    double v;
    if (version != NULL && rac_str_to_double(rac_str_trim(of_xml(version)), &v) && v >= 2)
        unsupported(
            j, document, root,
            rac_arena_printf(j->a, "The map is written in XSLT %s; this host transforms XSLT 1.0.",
                             (const char *)version));
    xmlFree(version);
}

/* Map or included one: false when it asks for more than there is. */
static bool acceptable(struct job *j, rac_str document, xmlDocPtr doc)
{
    xmlNode *root = xmlDocGetRootElement(doc);
    check_version(j, document, root);
    for (xmlNode *n = root->children; n != NULL && !j->decided; n = n->next)
        if (is_named(n, MSXSL_NS, "script"))
            unsupported(j, document, n,
                        RAC_S("The map holds a script (msxsl:script); this host runs no code in "
                              "maps."));
    return !j->decided;
}

/* document('') is the map itself, which libxslt has; it asks all the same. */
static bool is_map(const struct job *j, rac_str url)
{
    return rac_str_eq(url, j->work->artifact.name);
}

static int may_read(xsltSecurityPrefsPtr sec RAC_UNUSED, xsltTransformContextPtr ctxt RAC_UNUSED,
                    const char *url)
{
    return job_now != NULL && is_map(job_now, rac_str_of(url));
}

static xmlDocPtr load(const xmlChar *url, xmlDictPtr dict, int options RAC_UNUSED,
                      void *ctxt RAC_UNUSED, xsltLoadType type)
{
    struct job *j = job_now;
    if (j == NULL)
        return NULL;
    if (type != XSLT_LOAD_STYLESHEET) {
        if (!is_map(j, of_xml(url)))
            job_end(j, RAC_XML_STOPPED,
                    rac_arena_printf(j->a, "document('%.200s'): a map reads no other documents.",
                                     (const char *)url));
        return NULL;
    }
    const struct rac_xml_document *d = job_document(j, of_xml(url));
    if (d == NULL)
        return NULL;
    if (d->bytes.p == NULL) {
        job_end(j, RAC_XML_BAD_MAP,
                rac_arena_printf(j->a, "The map includes '%.*s', which is not among the maps.",
                                 RAC_FMT(d->name)));
        return NULL;
    }
    xmlDocPtr doc = job_parse(j, d->name, d->bytes, MAP_OPTIONS, dict);
    if (doc != NULL && !acceptable(j, d->name, doc)) {
        xmlFreeDoc(doc);
        return NULL;
    }
    return doc;
}

/* --- what libxslt says ------------------------------------------------------------------------ */

/* "runtime error: file NAME line 7 element value-of"; false: it is no such line. */
static bool place_line(rac_str line, rac_str *document, int64_t *number)
{
    size_t at = rac_str_find(line, RAC_S("error: "));
    if (at == RAC_STR_NPOS || at > 20)
        return false;
    *document = RAC_STR_NULL;
    *number = 0;
    rac_str rest = rac_str_from(line, at + 7);
    size_t l = rac_str_find(rest, RAC_S(" line "));
    if (!rac_str_starts(rest, RAC_S("file ")))
        return rac_str_starts(rest, RAC_S("element "));
    if (l == RAC_STR_NPOS)
        l = rac_str_find(rest, RAC_S(" element "));
    *document = rac_str_sub(rest, 5, l == RAC_STR_NPOS ? rest.n : l - 5);
    rac_str after = l == RAC_STR_NPOS ? RAC_S("") : rac_str_from(rest, l + 6), ignored;
    (void)rac_str_to_i64(rac_str_cut(after, ' ', &ignored), number);
    return true;
}

/* Each message libxslt printed becomes a finding at its place; the first one is the answer. */
static void said_as_findings(struct job *j)
{
    rac_str rest = rac_buf_str(&j->said), document = j->work->artifact.name;
    int64_t number = 0;
    bool placed = false;
    for (bool more = rest.n > 0; more && rest.p != NULL;) {
        rac_str line = rac_str_trim(rac_str_cut(rest, '\n', &rest)), where = RAC_STR_NULL;
        more = rest.p != NULL;
        if (line.n == 0)
            continue;
        if (place_line(line, &where, &number)) {
            document = where.p != NULL ? where : j->work->artifact.name;
            placed = true;
        } else if (placed || j->out.findings_n == 0) {
            if (placed && j->detail.n > 0)
                line = rac_arena_printf(j->a, "%.*s (%.*s)", RAC_FMT(line), RAC_FMT(j->detail));
            j->detail = RAC_STR_NULL;
            job_find(j, document, (long)number, line);
            placed = false;
        }
    }
    if (j->out.findings_n == 0 && j->detail.n > 0)
        job_find(j, j->work->artifact.name, 0, j->detail);
}

static void failed(struct job *j, enum rac_xml_verdict verdict, const char *otherwise)
{
    if (j->decided)
        return;
    said_as_findings(j);
    job_end(j, verdict, j->out.findings_n > 0 ? j->out.findings[0].message : rac_str_of(otherwise));
}

/* --- output ----------------------------------------------------------------------------------- */

struct sink {
    struct rac_buf b;
};

static int sink_write(void *arg, const char *p, int n)
{
    struct sink *s = arg;
    rac_buf_add(&s->b, (rac_str){p, (size_t)n});
    return rac_buf_err(&s->b) == RAC_OK ? n : -1;
}

static int sink_close(void *arg RAC_UNUSED)
{
    return 0;
}

static const char *media_type(xsltStylesheetPtr style, xmlDocPtr result)
{
    const xmlChar *method, *media;
    XSLT_GET_IMPORT_PTR(media, style, mediaType)
    XSLT_GET_IMPORT_PTR(method, style, method)
    if (media != NULL)
        return (const char *)media;
    if (method == NULL)
        return result->type == XML_HTML_DOCUMENT_NODE ? "text/html" : "application/xml";
    return xmlStrEqual(method, (const xmlChar *)"text")   ? "text/plain"
           : xmlStrEqual(method, (const xmlChar *)"html") ? "text/html"
                                                          : "application/xml";
}

/* The coding of the result; false: there is none of that name. NULL is UTF-8. */
static bool coding(struct job *j, xsltStylesheetPtr style, xmlCharEncodingHandlerPtr *out,
                   rac_str *name)
{
    const xmlChar *encoding;
    XSLT_GET_IMPORT_PTR(encoding, style, encoding)
    *out = NULL;
    *name = of_xml(encoding);
    if (encoding == NULL || rac_str_eqi(*name, RAC_S("UTF-8")))
        return true;
    *out = xmlFindCharEncodingHandler((const char *)encoding);
    if (*out == NULL)
        job_end(j, RAC_XML_BAD_MAP,
                rac_arena_printf(j->a, "The output encoding '%.*s' is not known.", RAC_FMT(*name)));
    return *out != NULL;
}

static void save(struct job *j, xsltStylesheetPtr style, xmlDocPtr result)
{
    xmlCharEncodingHandlerPtr handler;
    rac_str encoding;
    struct sink s;
    if (!coding(j, style, &handler, &encoding))
        return;
    rac_buf_init(&s.b, (size_t)j->work->output_bytes_max);
    xmlOutputBufferPtr out = xmlOutputBufferCreateIO(sink_write, sink_close, &s, handler);
    int n = xsltSaveResultTo(out, result, style);
    int closed = xmlOutputBufferClose(out);
    if (rac_buf_err(&s.b) != RAC_OK)
        job_end(j, RAC_XML_TOO_LARGE,
                rac_arena_printf(j->a, "The output is larger than %llu bytes.",
                                 (unsigned long long)j->work->output_bytes_max));
    else if (n < 0 || closed < 0)
        failed(j, RAC_XML_STOPPED, "The result could not be written.");
    j->out.output = rac_buf_take(&s.b, j->a);
    const char *media = media_type(style, result);
    bool text = rac_str_startsi(rac_str_of(media), RAC_S("text/")) &&
                rac_str_find(rac_str_of(media), RAC_S("charset")) == RAC_STR_NPOS;
    j->out.media_type = text ? rac_arena_printf(j->a, "%s; charset=%.*s", media,
                                                RAC_FMT(encoding.n > 0 ? encoding : RAC_S("utf-8")))
                             : rac_arena_str(j->a, rac_str_of(media));
    rac_buf_fini(&s.b);
}

/* --- the transformation ----------------------------------------------------------------------- */

static bool put_parameters(struct job *j, xsltTransformContextPtr ctxt)
{
    for (size_t i = 0; i < j->work->parameters_n; i++) {
        const struct rac_xml_parameter *p = &j->work->parameters[i];
        const xmlChar *name = (const xmlChar *)rac_arena_cstr(j->a, p->name),
                      *value = (const xmlChar *)rac_arena_cstr(j->a, p->value);
        int bad = p->kind == RAC_XML_TEXT ? xsltQuoteOneUserParam(ctxt, name, value)
                                          : xsltEvalOneUserParam(ctxt, name, value);
        if (bad != 0) {
            job_end(j, RAC_XML_STOPPED,
                    rac_arena_printf(j->a, "The parameter '%.*s' cannot be given to the map.",
                                     RAC_FMT(p->name)));
            return false;
        }
    }
    return true;
}

static void forbid_everything(xsltTransformContextPtr ctxt, xsltSecurityPrefsPtr p)
{
    static const xsltSecurityOption what[] = {
        XSLT_SECPREF_WRITE_FILE, XSLT_SECPREF_CREATE_DIRECTORY, XSLT_SECPREF_READ_NETWORK,
        XSLT_SECPREF_WRITE_NETWORK};
    for (size_t i = 0; i < RAC_COUNT(what); i++)
        (void)xsltSetSecurityPrefs(p, what[i], xsltSecurityForbid);
    (void)xsltSetSecurityPrefs(p, XSLT_SECPREF_READ_FILE, may_read);
    (void)xsltSetCtxtSecurityPrefs(p, ctxt);
}

static void apply(struct job *j, xsltStylesheetPtr style, xmlDocPtr input)
{
    xsltTransformContextPtr ctxt = xsltNewTransformContext(style, input);
    xsltSecurityPrefsPtr prefs = xsltNewSecurityPrefs();
    xmlDocPtr result = NULL;
    forbid_everything(ctxt, prefs);
    if (put_parameters(j, ctxt))
        result = xsltApplyStylesheetUser(style, input, NULL, NULL, NULL, ctxt);
    bool stopped = ctxt->state == XSLT_STATE_STOPPED;
    if (result == NULL || ctxt->state != XSLT_STATE_OK)
        failed(j, RAC_XML_STOPPED,
               stopped ? "The map ended itself (xsl:message)." : "The transformation failed.");
    else if (!j->decided)
        save(j, style, result);
    xsltFreeTransformContext(ctxt);
    xsltFreeSecurityPrefs(prefs);
    xmlFreeDoc(result);
}

void job_transform(struct job *j)
{
    const struct rac_xml_document *map = &j->work->artifact;
    xsltSetGenericErrorFunc(NULL, xmlGenericError);
    xsltSetLoaderFunc(load);
    (void)xsltRegisterExtModuleFunction((const xmlChar *)"node-set", (const xmlChar *)MSXSL_NS,
                                        xsltFunctionNodeSet);
    (void)xsltRegisterExtModuleFunction((const xmlChar *)"node-set", (const xmlChar *)COMMON_NS,
                                        xsltFunctionNodeSet);
    xmlDocPtr doc = job_parse(j, map->name, map->bytes, MAP_OPTIONS, NULL);
    if (doc == NULL)
        return;
    if (!acceptable(j, map->name, doc)) {
        xmlFreeDoc(doc);
        return;
    }
    xsltStylesheetPtr style = xsltParseStylesheetDoc(doc); /* takes doc when it succeeds */
    if (style == NULL || style->errors > 0) {
        failed(j, RAC_XML_BAD_MAP, "The map cannot be compiled.");
        if (style == NULL)
            xmlFreeDoc(doc);
        xsltFreeStylesheet(style);
        return;
    }
    xmlDocPtr input = job_parse(j, RAC_STR_NULL, j->work->input, 0, NULL);
    if (input != NULL)
        apply(j, style, input);
    xmlFreeDoc(input);
    xsltFreeStylesheet(style);
}
