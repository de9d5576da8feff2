/*
 * xml - XML documents: read, written, turned into JSON and back (spec expressions §12).
 *
 * libxml2 parses and selects, with network, entities and huge documents off; what is written is
 * written here, because its form is part of the language. What a document costs is charged before
 * it is parsed, from a look at its tags. A document is freed by whoever read it; texts in it are
 * copied into the arena of the call by what answers them.
 */
#ifndef RAC_EXPR_XML_H
#define RAC_EXPR_XML_H

#include "base/buf.h"
#include "expr/expr_priv.h"

/* As libxml/tree.h has them. */
typedef struct _xmlDoc xmlDoc;
typedef struct _xmlNode xmlNode;
typedef struct _xmlAttr xmlAttr;
typedef struct _xmlNs xmlNs;
typedef unsigned char xmlChar;

enum { XML_DEPTH_MAX = 200 };

/* --- reading (xml_read.c) --------------------------------------------------------------------- */

struct xml_text {
    xmlDoc *doc;
    rac_str declaration; /* as it is written: version, encoding, standalone; absent */
    rac_str subset;      /* between the brackets of its DOCTYPE; absent */
};

bool xml_is_envelope(const struct rac_json *v); /* application/xml or text/xml */
/* Text (borrowed while the document lives) to a document without its blank text. shown is the value
 * that messages quote. False: the error is recorded and nothing is to be freed. */
bool xml_read(struct call *c, const struct rac_json *shown, rac_str text, struct xml_text *out);
void xml_free(struct xml_text *x);
/* Parts of a declaration, or 0: version 1.0, then encoding, then standalone; each may be absent. */
enum { XML_VERSION, XML_ENCODING, XML_STANDALONE, XML_PARTS };
bool xml_declaration_parts(rac_str inside, rac_str parts[XML_PARTS]);
extern const rac_str xml_declaration_names[XML_PARTS];

/* The start tag an element was read from. */
bool xml_closes_itself(const xmlNode *n); /* <a/>, not <a></a> */
/* Namespace declarations and attributes of an element in the order of its tag. */
struct xml_attributes {
    rac_str tag;
    const xmlNs *ns;
    const xmlAttr *attr;
};
struct xml_attributes xml_attributes(const xmlNode *n);
/* One of the two is set; false: that was all. */
bool xml_attribute_next(struct xml_attributes *w, const xmlNs **ns, const xmlAttr **attr);

/* --- writing (xml_write.c) -------------------------------------------------------------------- */

struct xml_out {
    struct rac_buf b;
    unsigned depth;
    bool too_deep;
};

void xml_put_escaped(struct rac_buf *b, rac_str s, bool attribute);
void xml_put_declaration(struct rac_buf *b, const rac_str parts[XML_PARTS]);
void xml_put_doctype(struct rac_buf *b, rac_str name, rac_str public_id, rac_str system_id,
                     rac_str subset);
/* The text so far; or the limit that was hit. Ends with o. */
bool xml_out_take(struct call *c, struct xml_out *o, rac_str *out);
bool xml_document_text(struct call *c, const struct xml_text *x, rac_str *out);
/* An element by itself: namespaces from outside are declared where they are first used. */
bool xml_outer_text(struct call *c, const xmlNode *n, rac_str *out);
rac_str xml_attribute_markup(struct call *c, const xmlAttr *attr); /* n="v" */
rac_str xml_attribute_value(struct call *c, const xmlAttr *attr);
/* What no XML name can hold as _xHHHH_. */
rac_str xml_encoded_name(struct rac_arena *a, rac_str s, bool colons);
rac_str xml_decoded_name(struct rac_arena *a, rac_str s); /* back again */
struct rac_json xml_envelope(struct call *c, rac_str text);

/* --- JSON (xml_json.c) ------------------------------------------------------------------------ */

bool xml_to_json(struct call *c, rac_str text, struct rac_json *out);                    /* 12.2 */
bool xml_from_json(struct call *c, const struct rac_json *object, struct rac_json *out); /* 12.3 */

static inline rac_str xml_str(const xmlChar *s)
{
    return s != NULL ? rac_str_of((const char *)s) : RAC_S("");
}

#endif
