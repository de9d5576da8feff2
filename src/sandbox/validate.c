/* XML Schema 1.0 by libxml2: the schema, then the input where there is one. */
#include "base/str.h"
#include "sandbox/xml_priv.h"

#include <libxml/xmlschemas.h>

struct listener {
    struct job *j;
    rac_str document; /* absent: the input */
};

static void found(void *arg, const xmlError *e)
{
    struct listener *l = arg;
    if (e == NULL || e->message == NULL || e->level < XML_ERR_ERROR)
        return;
    rac_str document = l->document;
    if (document.p != NULL && e->file != NULL && e->file[0] != '\0')
        document = rac_str_of(e->file);
    job_find(l->j, document, e->line, rac_str_of(e->message));
}
#define FOUND ((xmlStructuredErrorFunc)(void (*)(void))found)

static xmlSchemaPtr compile(struct job *j, xmlDocPtr doc)
{
    struct listener l = {j, j->work->artifact.name};
    xmlSchemaParserCtxtPtr p = xmlSchemaNewDocParserCtxt(doc);
    if (p == NULL)
        return NULL;
    xmlSchemaSetParserStructuredErrors(p, FOUND, &l);
    xmlSchemaPtr schema = xmlSchemaParse(p);
    xmlSchemaFreeParserCtxt(p);
    return schema;
}

static void check(struct job *j, xmlSchemaPtr schema, xmlDocPtr input)
{
    struct listener l = {j, RAC_STR_NULL};
    xmlSchemaValidCtxtPtr v = xmlSchemaNewValidCtxt(schema);
    if (v == NULL)
        return;
    xmlSchemaSetValidStructuredErrors(v, FOUND, &l);
    int bad = xmlSchemaValidateDoc(v, input);
    if (bad != 0 && j->out.findings_n == 0)
        job_find(j, RAC_STR_NULL, 0, RAC_S("the document does not follow the schema"));
    if (bad != 0)
        job_end(j, RAC_XML_BAD_INPUT, RAC_S("The content is not valid."));
    xmlSchemaFreeValidCtxt(v);
}

void job_validate(struct job *j)
{
    const struct rac_xml_document *a = &j->work->artifact;
    xmlDocPtr doc = job_parse(j, a->name, a->bytes, 0, NULL);
    if (doc == NULL)
        return;
    xmlSchemaPtr schema = compile(j, doc);
    if (schema == NULL) {
        job_end(j, RAC_XML_BAD_MAP,
                j->out.findings_n > 0 ? j->out.findings[0].message
                                      : RAC_S("it cannot be compiled"));
    } else if (!j->decided && j->work->input.p != NULL) {
        xmlDocPtr input = job_parse(j, RAC_STR_NULL, j->work->input, 0, NULL);
        if (input != NULL)
            check(j, schema, input);
        xmlFreeDoc(input);
    }
    xmlSchemaFree(schema);
    xmlFreeDoc(doc);
    if (j->work->task == RAC_XML_SHAPE && !j->decided)
        job_shape(j);
}
