/*
 * http1 - an HTTP/1.x answer as bytes (RFC 9112): its head, and where its body begins and ends.
 * No socket, no state beside struct rac_http1_body. Any thread.
 *
 * Strict where two readers could see two different answers: a name is a token directly before its
 * colon, no control characters, one Content-Length (or several that agree), no transfer coding but
 * chunked. Lenient where it does no harm: a bare LF ends a line, a folded line is joined to the one
 * before, chunk extensions are skipped, trailers are read and dropped.
 *
 *     size_t n = rac_http1_head_end(bytes, 0);
 *     if (n > 0 && rac_http1_head_parse(rac_str_sub(bytes, 0, n), false, a, &head, &why) == RAC_OK)
 *         rac_http1_body_init(&body, &head);
 *     while (rac_http1_body_next(&body, &bytes, &piece, &why) == RAC_OK && piece.n > 0)
 *         rac_http1_body_took(&body, &bytes, consume(piece));
 */
#ifndef RAC_HTTP_HTTP1_H
#define RAC_HTTP_HTTP1_H

#include "base/arena.h"
#include "base/base.h"
#include "base/fetch.h"

enum rac_http1_framing {
    RAC_HTTP1_NONE,    /* no body, whatever the headers say */
    RAC_HTTP1_LENGTH,  /* Content-Length */
    RAC_HTTP1_CHUNKED, /* Transfer-Encoding */
    RAC_HTTP1_CLOSE    /* until the connection closes */
};

struct rac_http1_head {
    int status;
    bool keep; /* the connection may serve another request after this answer */
    enum rac_http1_framing framing;
    uint64_t length; /* LENGTH */
    struct rac_headers headers;
};

enum { RAC_HTTP1_HEADERS_MAX = 1024 };

/* Can s, the first bytes of an answer, still become one? */
bool rac_http1_may_be_answer(rac_str s);
/* Bytes of the head that s begins with, its empty line included; 0: it is not complete. The first
 * `from` bytes are known not to hold the end. */
size_t rac_http1_head_end(rac_str s, size_t from);
/* A complete head; its strings are copied into a. to_head: the request was HEAD. Error:
 * RAC_E_SYNTAX or RAC_E_LIMIT, *why says which rule. */
rac_err rac_http1_head_parse(rac_str head, bool to_head, struct rac_arena *a,
                             struct rac_http1_head *out, const char **why) RAC_MUST_CHECK;

struct rac_http1_body {
    enum rac_http1_framing framing;
    uint8_t state;
    bool over;        /* the end was reached */
    uint64_t left;    /* of the body, or of the chunk */
    size_t line_n;    /* of the framing line being read */
    size_t trailer_n; /* of all trailers */
};

void rac_http1_body_init(struct rac_http1_body *b, const struct rac_http1_head *head);
/* Skips framing at the beginning of *in and shows the piece of body that follows; an empty piece:
 * *in is used up, or b->over. Error: RAC_E_SYNTAX, RAC_E_LIMIT. */
rac_err rac_http1_body_next(struct rac_http1_body *b, rac_str *in, rac_str *piece,
                            const char **why) RAC_MUST_CHECK;
/* n bytes of the piece just shown were used: they leave *in. */
void rac_http1_body_took(struct rac_http1_body *b, rac_str *in, size_t n);
/* The connection closed: was that the end of the body? */
bool rac_http1_body_at_end(const struct rac_http1_body *b);

#endif
