#include "workflow/outside/chunks.h"

#include "base/str.h"
#include "text/url.h"

static enum rac_chunks_step fail(struct rac_chunks_next *next, const char *why)
{
    next->why = rac_str_of(why);
    return RAC_CHUNKS_FAILED;
}

static uint64_t chunk_of(uint64_t bytes)
{
    return bytes == 0 ? RAC_CHUNK_BYTES_DEFAULT : bytes;
}

/* --- download ---------------------------------------------------------------------------------- */

/* "bytes 0-99/200". False: anything else, an unknown total included. */
static bool content_range(rac_str s, uint64_t *from, uint64_t *to, uint64_t *total)
{
    rac_str rest;
    s = rac_str_trim(s);
    if (!rac_str_startsi(s, RAC_S("bytes ")))
        return false;
    rac_str first = rac_str_trim(rac_str_cut(rac_str_from(s, 6), '-', &rest));
    rac_str second = rac_str_trim(rac_str_cut(rest, '/', &rest));
    return rac_str_to_u64(first, from) && rac_str_to_u64(second, to) &&
           rac_str_to_u64(rac_str_trim(rest), total) && *from <= *to && *to < *total;
}

void rac_download_begin(struct rac_download *d, uint64_t chunk_bytes)
{
    *d = (struct rac_download){.chunk = chunk_of(chunk_bytes)};
}

enum rac_chunks_step rac_download_answer(struct rac_download *d, int status,
                                         const struct rac_headers *headers, uint64_t body_n,
                                         struct rac_arena *a, struct rac_chunks_next *next)
{
    uint64_t from, to, total;
    bool first = d->requests++ == 0;
    *next = (struct rac_chunks_next){0};
    if (first && status != 206)
        return RAC_CHUNKS_DONE; /* all of it, or a failure: the action judges it */
    if (status != 206)
        return fail(next, "The server stopped sending ranges before the content was complete.");
    if (!content_range(rac_headers_get(headers, RAC_S("Content-Range")), &from, &to, &total))
        return fail(next, "A partial answer does not say its Content-Range and total length.");
    if (from != d->have || to - from + 1 != body_n || (!first && total != d->total))
        return fail(next, "A partial answer is not the range that was asked for.");
    if (total > RAC_CHUNKS_TOTAL_MAX)
        return fail(next, "The content has more than 1073741824 bytes.");
    d->total = total;
    d->have = to + 1;
    if (d->have == total)
        return RAC_CHUNKS_DONE;
    if (d->requests >= RAC_CHUNKS_REQUESTS_MAX)
        return fail(next, "The content did not come in 1000 requests.");
    uint64_t last = d->have + d->chunk - 1;
    next->range = rac_arena_printf(a, "bytes=%llu-%llu", (unsigned long long)d->have,
                                   (unsigned long long)(last < total ? last : total - 1));
    return RAC_CHUNKS_NEXT;
}

void rac_download_headers(const struct rac_download *d, const struct rac_headers *first,
                          struct rac_arena *a, struct rac_headers *out)
{
    *out = (struct rac_headers){0};
    for (size_t i = 0; i < first->n; i++)
        if (d->total == 0 || !rac_str_eqi(first->v[i].name, RAC_S("Content-Range")))
            rac_headers_add(out, a, first->v[i].name, first->v[i].value);
    if (d->total > 0)
        rac_headers_set(out, a, RAC_S("Content-Length"),
                        rac_arena_printf(a, "%llu", (unsigned long long)d->have));
}

/* --- upload ------------------------------------------------------------------------------------ */

bool rac_upload_wanted(rac_str method, uint64_t total, uint64_t chunk_bytes)
{
    return total > chunk_of(chunk_bytes) &&
           (rac_str_eqi(method, RAC_S("POST")) || rac_str_eqi(method, RAC_S("PUT")));
}

void rac_upload_begin(struct rac_upload *u, uint64_t total, uint64_t chunk_bytes,
                      rac_str content_type, struct rac_arena *a, struct rac_chunks_next *next)
{
    uint64_t chunk = chunk_of(chunk_bytes);
    *u = (struct rac_upload){
        .total = total, .chunk = chunk, .chunk_max = chunk, .content_type = content_type};
    *next = (struct rac_chunks_next){0};
    rac_headers_add(&next->headers, a, RAC_S("x-ms-transfer-mode"), RAC_S("chunked"));
    rac_headers_add(&next->headers, a, RAC_S("x-ms-content-length"),
                    rac_arena_printf(a, "%llu", (unsigned long long)total));
}

/* What the server says about the size of the next one, never above ours. */
static void take_size(struct rac_upload *u, const struct rac_headers *headers)
{
    uint64_t n;
    rac_str said = rac_str_trim(rac_headers_get(headers, RAC_S("x-ms-chunk-size")));
    if (said.n > 0 && rac_str_to_u64(said, &n) && n > 0)
        u->chunk = n < u->chunk_max ? n : u->chunk_max;
}

/* "bytes=0-99": all up to there has arrived. Without the header: what was sent. */
static bool take_progress(struct rac_upload *u, const struct rac_headers *headers,
                          uint64_t *received)
{
    rac_str rest, said = rac_str_trim(rac_headers_get(headers, RAC_S("Range")));
    uint64_t from, to;
    if (said.n == 0) {
        *received = u->sent;
        return true;
    }
    rac_str unit = rac_str_cut(said, '=', &rest), first = rac_str_cut(rest, '-', &rest);
    if (!rac_str_eqi(rac_str_trim(unit), RAC_S("bytes")) ||
        !rac_str_to_u64(rac_str_trim(first), &from) || !rac_str_to_u64(rac_str_trim(rest), &to) ||
        from != 0 || to >= u->total)
        return false;
    *received = to + 1;
    return true;
}

static enum rac_chunks_step piece(struct rac_upload *u, struct rac_arena *a,
                                  struct rac_chunks_next *next)
{
    if (u->requests >= RAC_CHUNKS_REQUESTS_MAX)
        return fail(next, "The body did not go in 1000 requests.");
    next->url = u->url;
    next->from = u->sent;
    next->n = u->total - u->sent < u->chunk ? u->total - u->sent : u->chunk;
    rac_headers_add(&next->headers, a, RAC_S("Content-Range"),
                    rac_arena_printf(a, "bytes=%llu-%llu/%llu", (unsigned long long)next->from,
                                     (unsigned long long)(next->from + next->n - 1),
                                     (unsigned long long)u->total));
    if (u->content_type.n > 0)
        rac_headers_add(&next->headers, a, RAC_S("Content-Type"), u->content_type);
    u->sent += next->n;
    return RAC_CHUNKS_NEXT;
}

static enum rac_chunks_step accepted(struct rac_upload *u, rac_str asked,
                                     const struct rac_headers *headers, struct rac_arena *a,
                                     struct rac_chunks_next *next)
{
    rac_str location = rac_str_trim(rac_headers_get(headers, RAC_S("Location")));
    struct rac_url parts;
    if (location.n == 0) {
        if (u->total <= RAC_CHUNKS_WHOLE_MAX)
            return RAC_CHUNKS_WHOLE;
        return fail(next, "The server takes no chunks, and the body has more than 104857600 "
                          "bytes.");
    }
    if (rac_url_resolve(asked, location, a, &u->url) != RAC_OK ||
        !rac_url_split_http(u->url, &parts))
        return fail(next, "The Location of the upload is not an http or https URL.");
    return piece(u, a, next);
}

enum rac_chunks_step rac_upload_answer(struct rac_upload *u, rac_str asked, int status,
                                       const struct rac_headers *headers, struct rac_arena *a,
                                       struct rac_chunks_next *next)
{
    uint64_t received;
    *next = (struct rac_chunks_next){0};
    u->requests++;
    if (status < 200 || status > 299)
        return RAC_CHUNKS_FAILED;
    if (u->total > RAC_CHUNKS_TOTAL_MAX)
        return fail(next, "The body has more than 1073741824 bytes.");
    take_size(u, headers);
    if (u->url.p == NULL)
        return accepted(u, asked, headers, a, next);
    if (!take_progress(u, headers, &received) || received > u->sent)
        return fail(next, "The server's answer to a chunk does not say which bytes it has.");
    u->sent = received;
    return received == u->total ? RAC_CHUNKS_DONE : piece(u, a, next);
}
