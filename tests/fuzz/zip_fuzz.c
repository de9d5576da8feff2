/* Zips of strangers: entries stay under the caps and survive being written and read again. */
#include "text/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rac_arena a;
    struct rac_zip_entry *v, *back;
    size_t n, back_n, total = 0;
    rac_str why;
    struct rac_zip_limits l = {
        .entries_max = 20, .entry_bytes_max = 1 << 16, .total_bytes_max = 1 << 17};
    rac_arena_init(&a, 64 << 20);
    if (rac_zip_read((rac_str){(const char *)data, size}, &l, &a, &v, &n, &why) == RAC_OK) {
        struct rac_buf b;
        rac_buf_init(&b, 1 << 22);
        for (size_t i = 0; i < n; i++)
            total += v[i].bytes.n;
        RAC_ASSERT(n <= 20 && total <= 1 << 17);
        RAC_ASSERT(rac_zip_write(v, n, &b) == RAC_OK);
        RAC_ASSERT(rac_zip_read(rac_buf_str(&b), &l, &a, &back, &back_n, &why) == RAC_OK);
        RAC_ASSERT(back_n == n);
        for (size_t i = 0; i < n; i++)
            RAC_ASSERT(rac_str_eq(v[i].name, back[i].name) &&
                       rac_str_eq(v[i].bytes, back[i].bytes));
        rac_buf_fini(&b);
    }
    rac_arena_fini(&a);
    return 0;
}
