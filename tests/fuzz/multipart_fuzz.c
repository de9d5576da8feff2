/* The first line is a content type, the rest a body: parts lie in it and survive being rewritten.
 */
#include "text/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void rewrite(struct rac_arena *a, const struct rac_multipart_part_in *parts, size_t n)
{
    struct rac_buf b;
    struct rac_multipart_writer w;
    struct rac_multipart_part_in *back;
    size_t back_n;
    rac_str boundary =
        rac_multipart_boundary(a, (const unsigned char *)"\1\2\3\4\5\6\7\10abcdefgh");
    rac_buf_init(&b, 64 << 20);
    rac_multipart_begin(&w, &b, boundary);
    for (size_t i = 0; i < n; i++)
        rac_multipart_file(&w, RAC_S("n"), RAC_S("f"), RAC_STR_NULL, parts[i].body);
    rac_multipart_end(&w);
    bool ours = rac_str_find(rac_buf_str(&b), RAC_S("--raccord-0102030405060708")) != RAC_STR_NPOS;
    rac_err e = rac_multipart_parse(rac_multipart_content_type(a, boundary), rac_buf_str(&b), a,
                                    &back, &back_n);
    RAC_ASSERT(ours && e == RAC_OK && back_n >= n);
    for (size_t i = 0; i < n && back_n == n; i++)
        RAC_ASSERT(rac_str_eq(back[i].body, parts[i].body));
    rac_buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rac_arena a;
    struct rac_multipart_part_in *parts;
    size_t n;
    rac_arena_init(&a, 64 << 20);
    rac_str body, type = rac_str_cut((rac_str){(const char *)data, size}, '\n', &body);
    if (body.p != NULL && rac_multipart_parse(type, body, &a, &parts, &n) == RAC_OK) {
        for (size_t i = 0; i < n; i++)
            RAC_ASSERT(parts[i].body.n == 0 ||
                       (parts[i].body.p >= body.p &&
                        parts[i].body.p + parts[i].body.n <= body.p + body.n));
        rewrite(&a, parts, n);
    }
    rac_arena_fini(&a);
    return 0;
}
