/*
 * chunks - large bodies in pieces (spec workflows §4.9): downloads by ranges, uploads by a
 * handshake, as state machines that are fed answers and say what to send next. Pure; one thread at
 * a time; the bytes stay with the caller.
 *
 *     rac_download_begin(&d, chunk_bytes);
 *     step = rac_download_answer(&d, status, &headers, body.n, a, &next);
 *     append body; while (step == RAC_CHUNKS_NEXT) GET the same URL with `Range: next.range` ...
 *
 *     rac_upload_begin(&u, total, chunk_bytes, &next);          send the method, no body, next.headers
 *     step = rac_upload_answer(&u, url, status, &headers, a, &next);
 *     while (step == RAC_CHUNKS_NEXT) PATCH next.url with next.headers, bytes [next.from, +next.n) ...
 */
#ifndef RAC_WORKFLOW_CHUNKS_H
#define RAC_WORKFLOW_CHUNKS_H

#include "base/fetch.h"

enum {
    RAC_CHUNKS_REQUESTS_MAX = 1000,
    RAC_CHUNK_BYTES_DEFAULT = 52428800,
    RAC_CHUNKS_TOTAL_MAX = 1073741824,
    RAC_CHUNKS_WHOLE_MAX = 104857600, /* a message that is not chunked */
};

enum rac_chunks_step {
    RAC_CHUNKS_DONE,   /* complete: this answer (of an upload) is the action's */
    RAC_CHUNKS_NEXT,   /* send what next says */
    RAC_CHUNKS_WHOLE,  /* upload: the server takes no chunks, send the body at once */
    RAC_CHUNKS_FAILED, /* next.why; of an upload without why: this answer is the action's */
};

struct rac_chunks_next {
    rac_str url;                /* upload: where to; absolute */
    rac_str range;              /* download: value of the Range header */
    struct rac_headers headers; /* upload: to be set */
    uint64_t from, n;           /* upload: which bytes */
    rac_str why;
};

/* --- download ---------------------------------------------------------------------------------- */

struct rac_download {
    uint64_t chunk, total, have;
    uint32_t requests;
};
void rac_download_begin(struct rac_download *d, uint64_t chunk_bytes); /* 0: the default */
/* body_n: bytes of this answer, which follow those of the former ones. */
enum rac_chunks_step rac_download_answer(struct rac_download *d, int status,
                                         const struct rac_headers *headers, uint64_t body_n,
                                         struct rac_arena *a, struct rac_chunks_next *next);
/* Headers of the whole: those of the first answer with the length of all. Its status is 200. */
void rac_download_headers(const struct rac_download *d, const struct rac_headers *first,
                          struct rac_arena *a, struct rac_headers *out);

/* --- upload ------------------------------------------------------------------------------------ */

struct rac_upload {
    uint64_t total, chunk, chunk_max, sent;
    rac_str url; /* Location; absent before it is known */
    rac_str content_type;
    uint32_t requests;
};
/* Is this a request to chunk? Only bodies larger than a chunk are: a server that takes none must
 * not first be sent an empty one without need. chunk_bytes 0: the default. */
bool rac_upload_wanted(rac_str method, uint64_t total, uint64_t chunk_bytes);
/* next: headers of the first request, which has no body. content_type is kept. */
void rac_upload_begin(struct rac_upload *u, uint64_t total, uint64_t chunk_bytes,
                      rac_str content_type, struct rac_arena *a, struct rac_chunks_next *next);
/* asked: URL of the request that was answered. */
enum rac_chunks_step rac_upload_answer(struct rac_upload *u, rac_str asked, int status,
                                       const struct rac_headers *headers, struct rac_arena *a,
                                       struct rac_chunks_next *next);

#endif
