/*
 * Reading looks for delimiter lines (CRLF or LF, then "--", the boundary, padding) with memmem and
 * slices between them; nothing is copied but headers. Preamble and epilogue are skipped.
 */
#include "text/multipart.h"
#include "text/mime.h"

/* --- writing --------------------------------------------------------------------------------- */

rac_str rac_multipart_boundary(struct rac_arena *a, const unsigned char bytes[16])
{
    static const char hex[] = "0123456789abcdef";
    char *p = rac_arena_alloc_dirty(a, 8 + 32 + 1);
    memcpy(p, "raccord-", 8);
    for (size_t i = 0; i < 16; i++) {
        p[8 + i * 2] = hex[bytes[i] >> 4];
        p[9 + i * 2] = hex[bytes[i] & 15];
    }
    p[40] = '\0';
    return (rac_str){p, 40};
}

rac_str rac_multipart_content_type(struct rac_arena *a, rac_str boundary)
{
    return rac_arena_printf(a, "multipart/form-data; boundary=%.*s", RAC_FMT(boundary));
}

void rac_multipart_begin(struct rac_multipart_writer *w, struct rac_buf *b, rac_str boundary)
{
    RAC_ASSERT(boundary.n > 0 && boundary.n <= 70);
    *w = (struct rac_multipart_writer){.b = b, .boundary = boundary};
}

static void part_open(struct rac_multipart_writer *w)
{
    rac_buf_printf(w->b, "--%.*s\r\n", RAC_FMT(w->boundary));
}

static void part_body(struct rac_multipart_writer *w, rac_str bytes)
{
    RAC_BUF_ADD_LIT(w->b, "\r\n");
    rac_buf_add(w->b, bytes);
    RAC_BUF_ADD_LIT(w->b, "\r\n");
}

/* Header text without what would end the line. */
static void put_header_text(struct rac_buf *b, rac_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\0')
            rac_buf_add_char(b, s.p[i]);
}

void rac_multipart_file(struct rac_multipart_writer *w, rac_str name, rac_str filename,
                        rac_str type, rac_str bytes)
{
    struct rac_disposition d = {.type = RAC_S("form-data"), .name = name, .filename = filename};
    part_open(w);
    RAC_BUF_ADD_LIT(w->b, "Content-Disposition: ");
    rac_disposition_print(&d, w->b);
    RAC_BUF_ADD_LIT(w->b, "\r\n");
    if (type.p != NULL) {
        RAC_BUF_ADD_LIT(w->b, "Content-Type: ");
        put_header_text(w->b, type);
        RAC_BUF_ADD_LIT(w->b, "\r\n");
    }
    part_body(w, bytes);
}

void rac_multipart_field(struct rac_multipart_writer *w, rac_str name, rac_str value)
{
    rac_multipart_file(w, name, RAC_STR_NULL, RAC_STR_NULL, value);
}

void rac_multipart_part(struct rac_multipart_writer *w, const struct rac_headers *headers,
                        rac_str bytes)
{
    part_open(w);
    for (size_t i = 0; i < headers->n; i++) {
        put_header_text(w->b, headers->v[i].name);
        RAC_BUF_ADD_LIT(w->b, ": ");
        put_header_text(w->b, headers->v[i].value);
        RAC_BUF_ADD_LIT(w->b, "\r\n");
    }
    part_body(w, bytes);
}

void rac_multipart_end(struct rac_multipart_writer *w)
{
    rac_buf_printf(w->b, "--%.*s--\r\n", RAC_FMT(w->boundary));
}

/* --- reading --------------------------------------------------------------------------------- */

struct delimiter {
    size_t start; /* of the line break before it, which belongs to it */
    size_t end;   /* behind its line */
    bool last;
};

/* The next delimiter line at or behind from. */
static bool find_delimiter(rac_str body, size_t from, rac_str dash, struct delimiter *d)
{
    for (size_t at = from;; at++) {
        size_t found = rac_str_find(rac_str_from(body, at), dash);
        if (found == RAC_STR_NPOS)
            return false;
        at += found;
        if (at > 0 && body.p[at - 1] != '\n')
            continue;
        d->start = at;
        if (d->start > from && body.p[d->start - 1] == '\n')
            d->start--;
        if (d->start > from && d->start < at && body.p[d->start - 1] == '\r')
            d->start--;
        size_t i = at + dash.n;
        d->last = rac_str_starts(rac_str_from(body, i), RAC_S("--"));
        i += d->last ? 2 : 0;
        while (i < body.n && (body.p[i] == ' ' || body.p[i] == '\t' || body.p[i] == '\r'))
            i++;
        if (i < body.n && body.p[i] != '\n')
            continue; /* a longer word that begins like the boundary */
        if (i == body.n && !d->last)
            return false;
        d->end = i < body.n ? i + 1 : i;
        return true;
    }
}

/* Headers up to an empty line; *body is what follows. Folded lines are joined to the one before. */
static rac_err read_headers(struct rac_arena *a, rac_str part, struct rac_headers *headers,
                            rac_str *body)
{
    while (part.p != NULL && part.n > 0) {
        rac_str rest, line = rac_str_cut(part, '\n', &rest);
        part = rest;
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0)
            break;
        if ((line.p[0] == ' ' || line.p[0] == '\t') && headers->n > 0) {
            struct rac_header *h = &headers->v[headers->n - 1];
            h->value =
                rac_arena_printf(a, "%.*s %.*s", RAC_FMT(h->value), RAC_FMT(rac_str_trim(line)));
            if (h->value.n > 8192)
                return RAC_E_LIMIT;
            continue;
        }
        rac_str value, name = rac_str_cut(line, ':', &value);
        if (value.p == NULL || rac_str_trim(name).n == 0)
            return RAC_E_SYNTAX;
        if (headers->n >= RAC_MULTIPART_HEADERS_MAX)
            return RAC_E_LIMIT;
        rac_headers_add(headers, a, rac_str_trim(name), rac_str_trim(value));
    }
    *body = part.p == NULL ? RAC_S("") : part;
    return RAC_OK;
}

static rac_err read_part(struct rac_arena *a, rac_str text, struct rac_multipart_part_in *out)
{
    struct rac_disposition d;
    *out = (struct rac_multipart_part_in){0};
    rac_err e = read_headers(a, text, &out->headers, &out->body);
    if (e != RAC_OK)
        return e;
    rac_str disposition = rac_headers_get(&out->headers, RAC_S("Content-Disposition"));
    if (disposition.p != NULL && rac_disposition_parse(a, disposition, &d)) {
        out->name = d.name;
        out->filename = d.filename;
    }
    out->content_type = rac_headers_get(&out->headers, RAC_S("Content-Type"));
    return RAC_OK;
}

rac_err rac_multipart_parse(rac_str content_type, rac_str body, struct rac_arena *a,
                            struct rac_multipart_part_in **parts, size_t *n)
{
    struct rac_mime m;
    if (!rac_mime_parse(a, content_type, &m) || !rac_mime_is_multipart(&m))
        return RAC_E_SYNTAX;
    rac_str boundary = rac_mime_param(&m, RAC_S("boundary"));
    if (boundary.n == 0 || boundary.n > 70)
        return RAC_E_SYNTAX;
    rac_str dash = rac_str_concat(a, RAC_S("--"), boundary);
    struct rac_multipart_part_in *v = NULL;
    size_t count = 0, cap = 0;
    struct delimiter d, next;
    if (!find_delimiter(body, 0, dash, &d))
        return RAC_E_SYNTAX;
    for (; !d.last; d = next) {
        if (!find_delimiter(body, d.end, dash, &next))
            return RAC_E_SYNTAX;
        if (count == RAC_MULTIPART_PARTS_MAX || rac_arena_over(a))
            return RAC_E_LIMIT;
        if (count == cap) {
            size_t more = cap ? cap * 2 : 8;
            v = rac_arena_grow(a, v, cap * sizeof *v, more * sizeof *v);
            cap = more;
        }
        rac_err e = read_part(a, rac_str_sub(body, d.end, next.start - d.end), &v[count++]);
        if (e != RAC_OK)
            return e;
    }
    *parts = v;
    *n = count;
    return RAC_OK;
}
