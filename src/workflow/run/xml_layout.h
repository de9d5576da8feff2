/*
 * xml_layout - white space in XML that this program has written: indentation and ends of lines
 * (spec workflows §3.16, xmlWriterSettings). Only elements that hold no text are laid out, so that
 * no text changes. Pure; any thread.
 */
#ifndef RAC_WORKFLOW_XML_LAYOUT_H
#define RAC_WORKFLOW_XML_LAYOUT_H

#include "base/arena.h"
#include "base/str.h"

struct rac_xml_layout {
    bool indent;
    bool attributes; /* each on a line of its own; only with indent */
    bool replace;    /* ends of lines in text by line_text */
    bool entitize;   /* carriage returns in text as &#xD; */
    rac_str indent_text, line_text;
};

/* xml as the language's xml() writes it: '>' in attributes is escaped. *out in a, or xml itself
 * when there is nothing to do. RAC_E_LIMIT: too large. */
rac_err rac_xml_lay_out(const struct rac_xml_layout *l, rac_str xml, struct rac_arena *a,
                        rac_str *out) RAC_MUST_CHECK;

#endif
