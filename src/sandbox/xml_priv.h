/* xml_priv - one job, as its parts share it. */
#ifndef RAC_SANDBOX_XML_PRIV_H
#define RAC_SANDBOX_XML_PRIV_H

#include "base/buf.h"
#include "sandbox/xml.h"

struct _xmlDoc; /* as libxml2 has them: xmlDoc, xmlDict */
struct _xmlDict;

struct job {
    const struct rac_xml_work *work;
    struct rac_xml_answer out;
    struct rac_arena *a;
    struct rac_buf said; /* what libxslt has printed */
    rac_str detail;      /* what XPath said; libxslt says the place next */
    struct rac_xml_finding findings[RAC_XML_FINDINGS_MAX];
    bool decided; /* the verdict stands; only NEED overrules it */
};
extern struct job *job_now; /* libxslt hands no context to some of its callbacks */

/* The first verdict stands. */
void job_end(struct job *j, enum rac_xml_verdict verdict, rac_str message);
void job_need(struct job *j, rac_str name);
/* document absent: the input. line 0: not known. */
void job_find(struct job *j, rac_str document, long line, rac_str message);

/* Well-formed, no entities; NULL with a verdict otherwise: BAD_INPUT for the input (document
 * absent), BAD_MAP for all others. dict NULL: one of its own. */
struct _xmlDoc *job_parse(struct job *j, rac_str document, rac_str bytes, int options,
                          struct _xmlDict *dict);
/* What was sent along under the last part of that URL, with or without its extension. NULL: it was
 * not, which has been noted as NEED; its bytes are absent when there is none. */
const struct rac_xml_document *job_document(struct job *j, rac_str url);

void job_transform(struct job *j); /* transform.c */
void job_validate(struct job *j);  /* validate.c */
void job_shape(struct job *j);     /* shape.c: of a schema that is sound */

#endif
