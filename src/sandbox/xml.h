/*
 * xml - carries out a piece of text/xml_work.h: XSLT 1.0 by libxslt, XML Schema 1.0 by libxml2.
 *
 * Nothing is fetched, read or written: document(), exsl:document and includes that were not sent
 * along are refused. A document that declares entities is refused. Only for a process of its own;
 * libxslt and libxml2 are set up for all of it. One thread.
 */
#ifndef RAC_SANDBOX_XML_H
#define RAC_SANDBOX_XML_H

#include "base/arena.h"
#include "text/xml_work.h"

/* Before anything else. Memory of the libraries that cannot be got ends the process with that
 * status: neither of them survives it everywhere. 0: they have to. */
void rac_sandbox_xml_init(int no_memory_status);

/* *answer in a. RAC_E_CORRUPT: the request is none. */
rac_err rac_sandbox_xml(rac_str request, struct rac_arena *a, rac_str *answer) RAC_MUST_CHECK;

#endif
