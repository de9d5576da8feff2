/*
 * multipart - writing and reading multipart/form-data and other multipart bodies (RFC 7578,
 * RFC 2046 §5.1). A body is in memory as a whole; the buffer or the arena caps it. Any thread.
 *
 *     struct rac_multipart_writer w;
 *     rac_multipart_begin(&w, &buf, boundary);
 *     rac_multipart_field(&w, RAC_S("title"), RAC_S("x"));
 *     rac_multipart_file(&w, RAC_S("photo"), RAC_S("a.png"), RAC_S("image/png"), bytes);
 *     rac_multipart_end(&w);                    then check rac_buf_err(&buf)
 */
#ifndef RAC_TEXT_MULTIPART_H
#define RAC_TEXT_MULTIPART_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fetch.h"
#include "base/str.h"

struct rac_multipart_writer {
    struct rac_buf *b;
    rac_str boundary;
};

/* A boundary out of 16 bytes, random ones in a server: "raccord-<32 hex digits>", in a. */
rac_str rac_multipart_boundary(struct rac_arena *a, const unsigned char bytes[16]);
/* "multipart/form-data; boundary=..." */
rac_str rac_multipart_content_type(struct rac_arena *a, rac_str boundary);

/* boundary must live until end. */
void rac_multipart_begin(struct rac_multipart_writer *w, struct rac_buf *b, rac_str boundary);
void rac_multipart_field(struct rac_multipart_writer *w, rac_str name, rac_str value);
/* filename and type may be absent: then they are not written. */
void rac_multipart_file(struct rac_multipart_writer *w, rac_str name, rac_str filename,
                        rac_str type, rac_str bytes);
/* A part with these headers (CR and LF in them are dropped). */
void rac_multipart_part(struct rac_multipart_writer *w, const struct rac_headers *headers,
                        rac_str bytes);
void rac_multipart_end(struct rac_multipart_writer *w);

enum { RAC_MULTIPART_PARTS_MAX = 1024, RAC_MULTIPART_HEADERS_MAX = 32 };

struct rac_multipart_part_in {
    rac_str name, filename; /* of Content-Disposition; absent when not given */
    rac_str content_type;   /* absent when not given */
    struct rac_headers headers;
    rac_str body; /* slice of the input */
};

/*
 * Reads a body. content_type carries the boundary. Parts live in a, their bodies in body.
 * RAC_E_SYNTAX: no boundary, no closing delimiter, a header without colon; RAC_E_LIMIT.
 */
rac_err rac_multipart_parse(rac_str content_type, rac_str body, struct rac_arena *a,
                            struct rac_multipart_part_in **parts, size_t *n) RAC_MUST_CHECK;

#endif
