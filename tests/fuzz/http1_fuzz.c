/* First byte: whether the request was HEAD, and how large the pieces are. The rest is an answer,
 * read whole and read in pieces: both ways must see the same. */
#include "base/buf.h"
#include "base/str.h"
#include "http/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    rac_err err;
    bool over;
    size_t left;
};

static struct outcome read_body(const struct rac_http1_head *head, rac_str text, size_t size,
                                struct rac_buf *out)
{
    struct rac_http1_body b;
    struct outcome o = {RAC_OK, false, 0};
    const char *why = NULL;
    rac_http1_body_init(&b, head);
    while (text.n > 0 && !b.over && o.err == RAC_OK) {
        rac_str in = rac_str_sub(text, 0, size), piece;
        text = rac_str_from(text, in.n);
        while ((o.err = rac_http1_body_next(&b, &in, &piece, &why)) == RAC_OK && piece.n > 0) {
            rac_buf_add(out, piece);
            rac_http1_body_took(&b, &in, piece.n);
        }
        RAC_ASSERT(o.err == RAC_OK || why != NULL);
        o.left = in.n + text.n;
    }
    o.over = b.over;
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rac_arena a;
    struct rac_http1_head head;
    struct rac_buf whole, pieces;
    const char *why = NULL;
    if (size == 0)
        return 0;
    rac_str s = {(const char *)data + 1, size - 1};
    size_t end = rac_http1_head_end(s, 0), found = 0;
    for (size_t n = 1; n <= s.n && found == 0; n++) /* byte by byte */
        found = rac_http1_head_end(rac_str_sub(s, 0, n), n - 1);
    RAC_ASSERT(found == end);
    if (end == 0)
        return 0;
    rac_arena_init(&a, 64 << 20);
    rac_buf_init(&whole, size);
    rac_buf_init(&pieces, size);
    if (rac_http1_head_parse(rac_str_sub(s, 0, end), data[0] & 1, &a, &head, &why) == RAC_OK) {
        RAC_ASSERT(head.status >= 100 && head.status <= 999);
        for (size_t i = 0; i < head.headers.n; i++)
            RAC_ASSERT(rac_header_is_name(head.headers.v[i].name) &&
                       rac_header_is_value(head.headers.v[i].value));
        rac_str body = rac_str_from(s, end);
        struct outcome x = read_body(&head, body, SIZE_MAX, &whole);
        struct outcome y = read_body(&head, body, 1 + (data[0] >> 1) % 16, &pieces);
        RAC_ASSERT(x.err == y.err && x.over == y.over);
        RAC_ASSERT(rac_str_eq(rac_buf_str(&whole), rac_buf_str(&pieces)));
        RAC_ASSERT(x.err != RAC_OK || x.left == y.left);
    } else {
        RAC_ASSERT(why != NULL);
    }
    rac_buf_fini(&whole);
    rac_buf_fini(&pieces);
    rac_arena_fini(&a);
    return 0;
}
