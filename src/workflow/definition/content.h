/*
 * content - bodies: bytes with a content type as the values of the language, and back. The one home
 * of both directions for triggers (spec workflows §2.2), Http actions (§3.1), Response (§3.3).
 *
 * Reading: JSON is parsed, text/x is a string, everything else an envelope {"$content-type",
 * "$content"}; forms have "$formdata", multipart bodies "$multipart" behind it. An empty body is no
 * value. Pure; any thread.
 */
#ifndef RAC_WORKFLOW_CONTENT_H
#define RAC_WORKFLOW_CONTENT_H

#include "base/arena.h"
#include "base/fetch.h"
#include "json/json.h"

/*
 * *out in a, and in bytes: both must outlive it. NONE: the body is empty. RAC_E_SYNTAX with *why:
 * not JSON under a JSON content type; *out is then the text. RAC_E_LIMIT: too deep, too many parts,
 * the arena's cap.
 */
rac_err rac_content_read(rac_str content_type, rac_str bytes, struct rac_arena *a,
                         struct rac_json *out, rac_str *why) RAC_MUST_CHECK;

struct rac_content {
    bool present;
    rac_str bytes;
    rac_str type; /* Content-Type to send: the one given, or that of the value; may be absent */
};
struct rac_content_options {
    rac_str content_type;     /* given by the author, or absent: it wins */
    unsigned char random[16]; /* boundary of a multipart body */
    size_t bytes_max;         /* 0: 104,857,600 */
};
/*
 * NONE and null: no body. *out in a, or in v. RAC_E_INVALID with *why: an envelope whose "$content"
 * is not base64, parts that are none; RAC_E_LIMIT: more than bytes_max.
 */
rac_err rac_content_write(const struct rac_json *v, const struct rac_content_options *o,
                          struct rac_arena *a, struct rac_content *out,
                          rac_str *why) RAC_MUST_CHECK;

/* Headers as an object: order and casing as received, repeated ones joined by commas under the
 * first one's name. */
struct rac_json rac_content_headers(const struct rac_headers *h, struct rac_arena *a);

#endif
