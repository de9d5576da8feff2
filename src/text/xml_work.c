/* Numbers are 8 bytes, little end first; a text is its length + 1 and its bytes, 0 is absent. */
#include "text/xml_work.h"

#include "base/buf.h"
#include "base/str.h"

enum { NUMBER_BYTES = 8 };

/* --- writing ---------------------------------------------------------------------------------- */

static void put_number(struct rac_buf *b, uint64_t v)
{
    for (unsigned i = 0; i < NUMBER_BYTES; i++)
        rac_buf_add_char(b, (char)(v >> (8 * i) & 0xff));
}

static void put_text(struct rac_buf *b, rac_str s)
{
    put_number(b, s.p == NULL ? 0 : (uint64_t)s.n + 1);
    if (s.p != NULL)
        rac_buf_add(b, s);
}

static rac_str taken(struct rac_buf *b, struct rac_arena *a)
{
    rac_str s = rac_buf_take(b, a);
    rac_buf_fini(b);
    return s;
}

rac_str rac_xml_work_print(const struct rac_xml_work *w, struct rac_arena *a)
{
    struct rac_buf b;
    rac_buf_init(&b, SIZE_MAX);
    put_number(&b, w->task);
    put_number(&b, w->output_bytes_max);
    put_text(&b, w->artifact.name);
    put_text(&b, w->artifact.bytes);
    put_text(&b, w->input);
    put_number(&b, w->parameters_n);
    for (size_t i = 0; i < w->parameters_n; i++) {
        put_number(&b, w->parameters[i].kind);
        put_text(&b, w->parameters[i].name);
        put_text(&b, w->parameters[i].value);
    }
    put_number(&b, w->documents_n);
    for (size_t i = 0; i < w->documents_n; i++) {
        put_text(&b, w->documents[i].name);
        put_text(&b, w->documents[i].bytes);
    }
    return taken(&b, a);
}

rac_str rac_xml_answer_print(const struct rac_xml_answer *w, struct rac_arena *a)
{
    struct rac_buf b;
    rac_buf_init(&b, SIZE_MAX);
    put_number(&b, w->verdict);
    put_text(&b, w->message);
    put_text(&b, w->output);
    put_text(&b, w->media_type);
    put_number(&b, w->findings_total);
    put_number(&b, w->findings_n);
    for (size_t i = 0; i < w->findings_n; i++) {
        put_text(&b, w->findings[i].document);
        put_number(&b, w->findings[i].line);
        put_text(&b, w->findings[i].message);
    }
    return taken(&b, a);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reader {
    rac_str left;
    bool bad;
};

static uint64_t number(struct reader *r, uint64_t most)
{
    uint64_t v = 0;
    if (r->left.n < NUMBER_BYTES) {
        r->bad = true;
        return 0;
    }
    for (unsigned i = 0; i < NUMBER_BYTES; i++)
        v |= (uint64_t)(unsigned char)r->left.p[i] << (8 * i);
    r->left = rac_str_from(r->left, NUMBER_BYTES);
    r->bad |= v > most;
    return v > most ? 0 : v;
}

static rac_str text(struct reader *r)
{
    uint64_t n = number(r, UINT64_MAX);
    if (n == 0)
        return RAC_STR_NULL;
    if (n - 1 > r->left.n) {
        r->bad = true;
        return RAC_STR_NULL;
    }
    rac_str s = rac_str_sub(r->left, 0, (size_t)(n - 1));
    r->left = rac_str_from(r->left, s.n);
    return s;
}

static rac_err ended(const struct reader *r)
{
    return r->bad || r->left.n > 0 ? RAC_E_CORRUPT : RAC_OK;
}

rac_err rac_xml_work_read(rac_str bytes, struct rac_arena *a, struct rac_xml_work *out)
{
    struct reader r = {.left = bytes};
    struct rac_xml_work w = {.task = (enum rac_xml_task)number(&r, RAC_XML_TASKS - 1)};
    w.output_bytes_max = number(&r, UINT64_MAX);
    w.artifact.name = text(&r);
    w.artifact.bytes = text(&r);
    w.input = text(&r);
    w.parameters_n = (size_t)number(&r, RAC_XML_PARAMETERS_MAX);
    w.parameters = RAC_NEW_N(a, struct rac_xml_parameter, w.parameters_n);
    for (size_t i = 0; i < w.parameters_n && !r.bad; i++) {
        w.parameters[i].kind = (enum rac_xml_parameter_kind)number(&r, RAC_XML_PARAMETER_KINDS - 1);
        w.parameters[i].name = text(&r);
        w.parameters[i].value = text(&r);
    }
    w.documents_n = (size_t)number(&r, RAC_XML_DOCUMENTS_MAX);
    w.documents = RAC_NEW_N(a, struct rac_xml_document, w.documents_n);
    for (size_t i = 0; i < w.documents_n && !r.bad; i++) {
        w.documents[i].name = text(&r);
        w.documents[i].bytes = text(&r);
    }
    *out = w;
    return ended(&r);
}

rac_err rac_xml_answer_read(rac_str bytes, struct rac_arena *a, struct rac_xml_answer *out)
{
    struct reader r = {.left = bytes};
    struct rac_xml_answer w = {.verdict = (enum rac_xml_verdict)number(&r, RAC_XML_VERDICTS - 1)};
    w.message = text(&r);
    w.output = text(&r);
    w.media_type = text(&r);
    w.findings_total = number(&r, UINT64_MAX);
    w.findings_n = (size_t)number(&r, RAC_XML_FINDINGS_MAX);
    w.findings = RAC_NEW_N(a, struct rac_xml_finding, w.findings_n);
    for (size_t i = 0; i < w.findings_n && !r.bad; i++) {
        w.findings[i].document = text(&r);
        w.findings[i].line = (uint32_t)number(&r, UINT32_MAX);
        w.findings[i].message = text(&r);
    }
    *out = w;
    return ended(&r);
}
