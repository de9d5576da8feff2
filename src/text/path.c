#include "text/path.h"
#include "base/buf.h"
#include "base/str.h"

enum { PATH_BYTES_MAX = 4096 };

bool rac_path_join(rac_str from, rac_str rel, struct rac_arena *a, rac_str *out)
{
    size_t slash = rac_str_rfind_char(from, '/');
    rac_str dir = slash == RAC_STR_NPOS ? RAC_S("") : rac_str_sub(from, 0, slash + 1);
    rac_str all = rac_str_concat(a, dir, rel), rest = all;
    struct rac_buf b;
    rac_buf_init(&b, PATH_BYTES_MAX);
    bool ok = rel.n > 0 && rel.p[0] != '/' && rac_str_find_char(rel, '\\') == RAC_STR_NPOS &&
              rac_str_find_char(rel, ':') == RAC_STR_NPOS && memchr(rel.p, 0, rel.n) == NULL;
    while (rest.p != NULL && ok) {
        rac_str seg = rac_str_cut(rest, '/', &rest);
        if (seg.n == 0 || rac_str_eq(seg, RAC_S(".")))
            continue;
        if (rac_str_eq(seg, RAC_S(".."))) {
            size_t cut = rac_str_rfind_char(rac_buf_str(&b), '/');
            ok = b.n > 0;
            b.n = cut == RAC_STR_NPOS ? 0 : cut;
            continue;
        }
        if (b.n > 0)
            rac_buf_add_char(&b, '/');
        rac_buf_add(&b, seg);
    }
    ok = ok && b.n > 0 && rac_buf_err(&b) == RAC_OK;
    *out = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return ok;
}
