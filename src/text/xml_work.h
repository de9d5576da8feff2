/*
 * xml_work - what the sandbox is asked about XML, and its answer, as bytes.
 *
 * A piece of work is a map or a schema, the document it is for and other documents it may include.
 * The sandbox cannot fetch: when a map or a schema includes one that was not sent along, the answer
 * names it (NEED), and whoever asked asks again with it, or with its absence.
 *
 * Both sides are read strictly: neither trusts the other. Pure; any thread.
 */
#ifndef RAC_TEXT_XML_WORK_H
#define RAC_TEXT_XML_WORK_H

#include "base/arena.h"
#include "base/base.h"

enum rac_xml_task {
    RAC_XML_TRANSFORM, /* XSLT 1.0: the document through a map */
    RAC_XML_VALIDATE,  /* XSD 1.0: the document against a schema */
    RAC_XML_SHAPE,     /* the same, if there is a document; what the schema's elements may hold */
    RAC_XML_TASKS
};

enum { RAC_XML_PARAMETERS_MAX = 1000, RAC_XML_DOCUMENTS_MAX = 64, RAC_XML_FINDINGS_MAX = 20 };

enum rac_xml_parameter_kind {
    RAC_XML_TEXT,
    RAC_XML_EXPRESSION, /* an XPath literal: a number, true(), false() */
    RAC_XML_PARAMETER_KINDS
};
struct rac_xml_parameter {
    rac_str name, value;
    enum rac_xml_parameter_kind kind;
};
struct rac_xml_document {
    rac_str name;
    rac_str bytes; /* absent: there is none of that name */
};

struct rac_xml_work {
    enum rac_xml_task task;
    uint64_t output_bytes_max;
    struct rac_xml_document artifact; /* the map or schema */
    rac_str input;                    /* SHAPE: may be absent */
    struct rac_xml_parameter *parameters;
    size_t parameters_n;
    struct rac_xml_document *documents; /* that may be included */
    size_t documents_n;
};

enum rac_xml_verdict {
    RAC_XML_DONE,        /* transformed: output; or valid */
    RAC_XML_NEED,        /* message is the name of a document to send along */
    RAC_XML_BAD_INPUT,   /* the document is not XML, or not valid */
    RAC_XML_BAD_MAP,     /* the map or schema is wrong */
    RAC_XML_UNSUPPORTED, /* it asks for what is not done here: XSLT 2.0, scripts */
    RAC_XML_STOPPED,     /* the map failed while it ran */
    RAC_XML_TOO_LARGE,   /* the output */
    RAC_XML_VERDICTS
};
struct rac_xml_finding {
    rac_str document; /* its name; absent: the input */
    uint32_t line;    /* 0: not known */
    rac_str message;
};
struct rac_xml_answer {
    enum rac_xml_verdict verdict;
    rac_str message;
    rac_str output, media_type;
    struct rac_xml_finding *findings; /* the first ones */
    size_t findings_n;
    uint64_t findings_total;
};

rac_str rac_xml_work_print(const struct rac_xml_work *w, struct rac_arena *a);
/* *out borrows bytes, its lists in a. RAC_E_CORRUPT: these are none. */
rac_err rac_xml_work_read(rac_str bytes, struct rac_arena *a,
                          struct rac_xml_work *out) RAC_MUST_CHECK;
rac_str rac_xml_answer_print(const struct rac_xml_answer *w, struct rac_arena *a);
rac_err rac_xml_answer_read(rac_str bytes, struct rac_arena *a,
                            struct rac_xml_answer *out) RAC_MUST_CHECK;

#endif
