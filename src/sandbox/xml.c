#define RAC_ALLOW_MALLOC /* what the libraries get is ours to refuse */
#include "sandbox/xml.h"

#include "base/str.h"
#include "sandbox/xml_priv.h"

#include <libxml/parser.h>
#include <libxml/xmlIO.h>
#include <libxml/xmlmemory.h>
#include <libxslt/xslt.h>
#include <stdlib.h>
#include <unistd.h>

enum { SAID_MAX = 64 << 10 };

struct job *job_now;
static int no_memory_exit;

/* --- memory of the libraries ------------------------------------------------------------------ */

static void *got(void *p, size_t n)
{
    if (p == NULL && n > 0)
        _exit(no_memory_exit);
    return p;
}

static void *get(size_t n)
{
    return got(malloc(n), n);
}

static void *resize(void *p, size_t n)
{
    return got(realloc(p, n), n);
}

static char *duplicate(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(get(n), s, n);
}

static void release(void *p)
{
    free(p);
}

/* --- verdicts --------------------------------------------------------------------------------- */

void job_end(struct job *j, enum rac_xml_verdict verdict, rac_str message)
{
    if (j->decided)
        return;
    j->decided = true;
    j->out.verdict = verdict;
    j->out.message = rac_arena_str(j->a, message);
}

void job_need(struct job *j, rac_str name)
{
    if (j->decided && j->out.verdict == RAC_XML_NEED)
        return;
    j->decided = false;
    job_end(j, RAC_XML_NEED, name);
}

void job_find(struct job *j, rac_str document, long line, rac_str message)
{
    j->out.findings_total++;
    if (j->out.findings_n == RAC_XML_FINDINGS_MAX)
        return;
    j->findings[j->out.findings_n++] = (struct rac_xml_finding){
        .document = document.p != NULL ? rac_arena_str(j->a, document) : RAC_STR_NULL,
        .line = line > 0 ? (uint32_t)line : 0,
        .message = rac_arena_str(j->a, rac_str_trim(message))};
}

/* --- reading ---------------------------------------------------------------------------------- */

static void wrong(struct job *j, rac_str document, long line, rac_str message)
{
    job_find(j, document, line, message);
    job_end(j, document.p == NULL ? RAC_XML_BAD_INPUT : RAC_XML_BAD_MAP,
            document.p == NULL
                ? RAC_S("The content is not well-formed XML.")
                : rac_arena_printf(j->a, "'%.*s' is not well-formed XML.", RAC_FMT(document)));
}

/* Paths of other systems, which are no URLs: "..\\types.xsd". */
static void straighten(xmlDocPtr doc)
{
    static const char *const names[] = {"schemaLocation", "href"};
    xmlNode *root = xmlDocGetRootElement(doc);
    for (xmlNode *n = root->children; n != NULL; n = n->next)
        for (size_t i = 0; i < RAC_COUNT(names) && n->type == XML_ELEMENT_NODE; i++) {
            xmlChar *v = xmlGetNoNsProp(n, (const xmlChar *)names[i]);
            bool any = false;
            for (xmlChar *p = v; p != NULL && *p != 0; p++)
                if (*p == '\\') {
                    *p = '/';
                    any = true;
                }
            if (any)
                (void)xmlSetProp(n, (const xmlChar *)names[i], v);
            xmlFree(v);
        }
}

static bool declares_entities(const xmlDoc *doc)
{
    const xmlDtd *d = doc->intSubset;
    return d != NULL && (d->entities != NULL || d->pentities != NULL);
}

xmlDocPtr job_parse(struct job *j, rac_str document, rac_str bytes, int options, xmlDictPtr dict)
{
    xmlParserCtxtPtr ctxt = xmlNewParserCtxt();
    rac_str url = document.p != NULL ? rac_arena_str(j->a, document) : RAC_S("content");
    if (dict != NULL && ctxt->dict != NULL) {
        xmlDictFree(ctxt->dict);
        ctxt->dict = dict;
        xmlDictReference(dict);
    }
    xmlDocPtr doc = NULL;
    if (bytes.n <= INT32_MAX)
        doc = xmlCtxtReadMemory(ctxt, bytes.p != NULL ? bytes.p : "", (int)bytes.n, url.p, NULL,
                                options | XML_PARSE_NONET | XML_PARSE_BIG_LINES |
                                    XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    const xmlError *e = xmlCtxtGetLastError(ctxt);
    bool sound = doc != NULL && ctxt->wellFormed && ctxt->nsWellFormed;
    if (!sound)
        wrong(j, document, e != NULL ? e->line : 0,
              e != NULL && e->message != NULL ? rac_str_of(e->message)
                                              : RAC_S("it cannot be read"));
    else if (declares_entities(doc))
        wrong(j, document, 0, RAC_S("it declares entities, which are not expanded here"));
    xmlFreeParserCtxt(ctxt);
    if (j->decided) {
        xmlFreeDoc(doc);
        return NULL;
    }
    if (document.p != NULL)
        straighten(doc);
    return doc;
}

static rac_str last_part(rac_str url)
{
    for (size_t i = url.n; i > 0; i--)
        if (url.p[i - 1] == '/' || url.p[i - 1] == '\\')
            return rac_str_from(url, i);
    return url;
}

static rac_str without_extension(rac_str name)
{
    size_t dot = rac_str_rfind_char(name, '.');
    return dot == RAC_STR_NPOS || dot == 0 ? name : rac_str_sub(name, 0, dot);
}

const struct rac_xml_document *job_document(struct job *j, rac_str url)
{
    rac_str name = last_part(url);
    for (size_t i = 0; i < j->work->documents_n; i++)
        if (rac_str_eqi(j->work->documents[i].name, name))
            return &j->work->documents[i];
    for (size_t i = 0; i < j->work->documents_n; i++)
        if (rac_str_eqi(without_extension(j->work->documents[i].name), without_extension(name)))
            return &j->work->documents[i];
    if (name.n > 0)
        job_need(j, name);
    return NULL;
}

/* --- what the libraries say ------------------------------------------------------------------- */

static void said(void *arg RAC_UNUSED, const char *fmt, ...) RAC_PRINTF(2, 3);
static void said(void *arg RAC_UNUSED, const char *fmt, ...)
{
    char text[2000];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n > 0 && job_now != NULL)
        rac_buf_add(&job_now->said,
                    (rac_str){text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1});
}

static void said_structured(void *arg RAC_UNUSED, const xmlError *e)
{
    if (job_now == NULL || e == NULL || e->message == NULL || e->domain != XML_FROM_XPATH)
        return;
    job_now->detail = rac_arena_str(job_now->a, rac_str_trim(rac_str_of(e->message)));
}

/* libxml2 asks for schemas that are included. */
static xmlParserInputPtr load(const char *url, const char *id RAC_UNUSED, xmlParserCtxtPtr ctxt)
{
    if (job_now == NULL || job_now->work->task == RAC_XML_TRANSFORM || url == NULL)
        return NULL;
    const struct rac_xml_document *d = job_document(job_now, rac_str_of(url));
    if (d == NULL || d->bytes.p == NULL || d->bytes.n > INT32_MAX)
        return NULL;
    xmlDocPtr doc = job_parse(job_now, d->name, d->bytes, 0, NULL);
    if (doc == NULL)
        return NULL;
    xmlChar *text = NULL;
    int n = 0;
    xmlDocDumpMemoryEnc(doc, &text, &n, "UTF-8");
    xmlFreeDoc(doc);
    xmlParserInputBufferPtr b =
        xmlParserInputBufferCreateMem((const char *)text, n, XML_CHAR_ENCODING_NONE);
    xmlFree(text);
    xmlParserInputPtr in = xmlNewIOInputStream(ctxt, b, XML_CHAR_ENCODING_NONE);
    if (in != NULL)
        in->filename = duplicate(url);
    return in;
}

/* --- a job ------------------------------------------------------------------------------------ */

void rac_sandbox_xml_init(int no_memory_status)
{
    no_memory_exit = no_memory_status;
    if (no_memory_status != 0)
        (void)xmlMemSetup(release, get, resize, duplicate);
    xmlInitParser();
    xsltInit();
    xmlSetExternalEntityLoader(load);
}

rac_err rac_sandbox_xml(rac_str request, struct rac_arena *a, rac_str *answer)
{
    struct rac_xml_work work;
    rac_err err = rac_xml_work_read(request, a, &work);
    if (err != RAC_OK)
        return err;
    struct job *j = RAC_NEW(a, struct job);
    *j = (struct job){.work = &work, .a = a};
    j->out.findings = j->findings;
    rac_buf_init(&j->said, SAID_MAX);
    job_now = j;
    xmlSetGenericErrorFunc(NULL, said);
    xmlSetStructuredErrorFunc(NULL, (xmlStructuredErrorFunc)(void (*)(void))said_structured);
    if (work.task == RAC_XML_TRANSFORM)
        job_transform(j);
    else
        job_validate(j);
    job_now = NULL;
    xmlResetLastError();
    *answer = rac_xml_answer_print(&j->out, a);
    rac_buf_fini(&j->said);
    return RAC_OK;
}
