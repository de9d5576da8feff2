#include "base/fetch.h"
#include "base/str.h"

static const unsigned char token_char[256] =
    {/* RFC 9110 tchar */
     ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
     ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,         ['^'] = 1,         ['_'] = 1,
     ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1};

bool rac_header_is_name(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!token_char[(unsigned char)s.p[i]])
            return false;
    return s.n > 0;
}

bool rac_header_is_value(rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
            return false;
    return true;
}

rac_str rac_headers_get(const struct rac_headers *h, rac_str name)
{
    for (size_t i = 0; i < h->n; i++)
        if (rac_str_eqi(h->v[i].name, name))
            return h->v[i].value;
    return RAC_STR_NULL;
}

void rac_headers_add(struct rac_headers *h, struct rac_arena *a, rac_str name, rac_str value)
{
    if (h->n == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 8;
        h->v = rac_arena_grow(a, h->v, h->cap * sizeof *h->v, cap * sizeof *h->v);
        h->cap = cap;
    }
    h->v[h->n++] = (struct rac_header){name, value};
}

void rac_headers_del(struct rac_headers *h, rac_str name)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->n; i++)
        if (!rac_str_eqi(h->v[i].name, name))
            h->v[kept++] = h->v[i];
    h->n = kept;
}

void rac_headers_set(struct rac_headers *h, struct rac_arena *a, rac_str name, rac_str value)
{
    rac_headers_del(h, name);
    rac_headers_add(h, a, name, value);
}
