/* files - reading whole files and folders in tests of corpora. */
#ifndef RAC_TEST_FILES_H
#define RAC_TEST_FILES_H

#include "unit.h"

#include "base/buf.h"

#include <dirent.h>
#include <stdlib.h>

static inline rac_str file_read(struct rac_arena *into, const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    struct rac_buf b;
    rac_buf_init(&b, 64 << 20);
    for (;;) {
        char *p = rac_buf_reserve(&b, 65536);
        assert_non_null(p);
        size_t n = fread(p, 1, 65536, f);
        rac_buf_added(&b, n);
        if (n == 0)
            break;
    }
    fclose(f);
    rac_str s = rac_buf_take(&b, into);
    rac_buf_fini(&b);
    return s;
}

static inline int file_name_cmp(const void *left, const void *right)
{
    const rac_str *x = left, *y = right;
    return rac_str_cmp(*x, *y);
}

/* Names in a folder that end so, sorted; 0 when there is no such folder. */
static inline size_t folder_read(struct rac_arena *into, const char *path, const char *end,
                                 rac_str **names)
{
    DIR *dir = opendir(path);
    size_t n = 0, cap = 0;
    rac_str *v = NULL;
    for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
        if (d->d_name[0] == '.' || !rac_str_ends(rac_str_of(d->d_name), rac_str_of(end)))
            continue;
        if (n == cap) {
            size_t more = cap ? cap * 2 : 64;
            v = rac_arena_grow(into, v, cap * sizeof *v, more * sizeof *v);
            cap = more;
        }
        v[n++] = rac_arena_str(into, rac_str_of(d->d_name));
    }
    if (dir != NULL)
        closedir(dir);
    if (n > 0)
        qsort(v, n, sizeof *v, file_name_cmp);
    *names = v;
    return n;
}

#endif
