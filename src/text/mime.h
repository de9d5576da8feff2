/*
 * mime - media types (RFC 9110 §8.3) and Content-Disposition (RFC 6266, RFC 7578).
 * Results are slices of the input, or copies in the arena where something had to be unquoted.
 * Any thread.
 */
#ifndef RAC_TEXT_MIME_H
#define RAC_TEXT_MIME_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum { RAC_MIME_PARAMS_MAX = 8 }; /* further parameters are ignored */

struct rac_mime_param {
    rac_str name, value; /* value unquoted */
};

/* "application/problem+json; charset=utf-8" */
struct rac_mime {
    rac_str type, subtype; /* as spelt: compare with rac_str_eqi */
    rac_str suffix;        /* "json"; absent without "+" */
    struct rac_mime_param params[RAC_MIME_PARAMS_MAX];
    size_t params_n;
};

/* False when it is no media type. Ranges ("*" alone, too) parse. Odd parameters are skipped. */
bool rac_mime_parse(struct rac_arena *a, rac_str text, struct rac_mime *out);
rac_str rac_mime_param(const struct rac_mime *m, rac_str name); /* absent when not there */

bool rac_mime_is_json(const struct rac_mime *m);      /* application/json, text/json, x/y+json */
bool rac_mime_is_xml(const struct rac_mime *m);       /* application/xml, text/xml, x/y+xml */
bool rac_mime_is_text(const struct rac_mime *m);      /* text/x and XML */
bool rac_mime_is_form(const struct rac_mime *m);      /* application/x-www-form-urlencoded */
bool rac_mime_is_multipart(const struct rac_mime *m); /* multipart/x */
/* type matches the range "text/x", "text/" "*" or "*" "/" "*"; parameters are ignored. */
bool rac_mime_match(const struct rac_mime *range, const struct rac_mime *type);
/* Both at once, on text: the type of text, JSON or not. False for what does not parse. */
bool rac_mime_text_is_json(rac_str text);

/* The usual type of a file name by its extension; "application/octet-stream" when unknown. */
rac_str rac_mime_of_name(rac_str name);

/* form-data; name="a"; filename="b.txt" */
struct rac_disposition {
    rac_str type; /* "form-data", "attachment" */
    rac_str name; /* absent when not given */
    rac_str
        filename; /* filename* (RFC 8187, decoded) before filename; as sent: never a safe path */
};

bool rac_disposition_parse(struct rac_arena *a, rac_str text, struct rac_disposition *out);
/* Quotes, and line breaks in names become %22, %0D, %0A as browsers write them (RFC 7578 §4.2). */
void rac_disposition_print(const struct rac_disposition *d, struct rac_buf *b);

#endif
