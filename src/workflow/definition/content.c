#include "workflow/definition/content.h"

#include "base/base64.h"
#include "base/utf8.h"
#include "connector/unbind.h"
#include "expr/expr.h"
#include "text/mime.h"
#include "text/multipart.h"
#include "text/url.h"

enum { BYTES_MAX = 104857600, FORM_PAIRS_MAX = 100000 };

#define OCTETS RAC_S("application/octet-stream")

/* --- reading ----------------------------------------------------------------------------------- */

static struct rac_json envelope(rac_str type, rac_str bytes, struct rac_arena *a)
{
    struct rac_json v = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &v, "$content-type", type.n > 0 ? rac_utf8_mend(a, type) : OCTETS);
    RAC_JSON_PUT_STR(a, &v, "$content", rac_base64_encode(a, bytes));
    return v;
}

/* Split at "&", each part at its first "="; empty parts are kept (§2.2). */
static rac_err form_read(rac_str bytes, struct rac_arena *a, struct rac_json *v)
{
    struct rac_json list = rac_json_new_array(a);
    for (rac_str rest = bytes; rest.p != NULL;) {
        rac_str value, key = rac_str_cut(rac_str_cut(rest, '&', &rest), '=', &value);
        struct rac_json pair = rac_json_new_object(a);
        if (rac_json_len(&list) == FORM_PAIRS_MAX || rac_arena_over(a))
            return RAC_E_LIMIT;
        RAC_JSON_PUT_STR(a, &pair, "key", rac_utf8_mend(a, rac_url_decode(a, key, true)));
        RAC_JSON_PUT_STR(a, &pair, "value", rac_utf8_mend(a, rac_url_decode(a, value, true)));
        rac_json_add(a, &list, pair);
    }
    RAC_JSON_PUT(a, v, "$formdata", list);
    return RAC_OK;
}

/* JSON, text or nothing more than bytes: a body whose inside is not looked into. */
static rac_err plain_read(rac_str type, const struct rac_mime *mime, rac_str bytes,
                          struct rac_arena *a, struct rac_json *out, rac_str *why)
{
    if (mime != NULL && (rac_mime_is_json(mime) || rac_str_eqi(mime->type, RAC_S("text"))))
        return rac_unbind(type, bytes, a, out, why);
    *out = envelope(type, bytes, a);
    return rac_arena_over(a) ? RAC_E_LIMIT : RAC_OK;
}

static rac_err part_read(const struct rac_multipart_part_in *p, struct rac_arena *a,
                         struct rac_json *out)
{
    struct rac_json headers = rac_content_headers(&p->headers, a), body;
    struct rac_mime mime;
    rac_str why;
    bool typed = p->content_type.n > 0 && rac_mime_parse(a, p->content_type, &mime);
    rac_err e = plain_read(p->content_type, typed ? &mime : NULL, p->body, a, &body, &why);
    if (e == RAC_E_LIMIT)
        return e;
    if (body.type == RAC_JSON_NONE) /* an empty part is there all the same */
        body = rac_json_of_str(RAC_S(""));
    if (rac_json_geti(&headers, RAC_S("Content-Length")) == NULL)
        RAC_JSON_PUT_STR(a, &headers, "Content-Length", rac_arena_printf(a, "%zu", p->body.n));
    *out = rac_json_new_object(a);
    RAC_JSON_PUT(a, out, "headers", headers);
    RAC_JSON_PUT(a, out, "body", body);
    return RAC_OK;
}

/* What is no multipart body in spite of its type stays an envelope. */
static rac_err multipart_read(rac_str type, rac_str bytes, struct rac_arena *a, struct rac_json *v)
{
    struct rac_multipart_part_in *parts;
    size_t n;
    rac_err e = rac_multipart_parse(type, bytes, a, &parts, &n);
    if (e != RAC_OK)
        return e == RAC_E_LIMIT ? e : RAC_OK;
    struct rac_json list = rac_json_new_array(a), part;
    for (size_t i = 0; i < n && e == RAC_OK; i++) {
        e = part_read(&parts[i], a, &part);
        if (e == RAC_OK)
            rac_json_add(a, &list, part);
    }
    RAC_JSON_PUT(a, v, "$multipart", list);
    return e;
}

rac_err rac_content_read(rac_str content_type, rac_str bytes, struct rac_arena *a,
                         struct rac_json *out, rac_str *why)
{
    struct rac_mime mime;
    *out = rac_json_none;
    *why = RAC_STR_NULL;
    if (bytes.n == 0)
        return RAC_OK;
    bool typed = content_type.n > 0 && rac_mime_parse(a, content_type, &mime);
    rac_err e = plain_read(content_type, typed ? &mime : NULL, bytes, a, out, why);
    if (e == RAC_OK && typed && rac_mime_is_form(&mime))
        e = form_read(bytes, a, out);
    else if (e == RAC_OK && typed && rac_mime_is_multipart(&mime))
        e = multipart_read(content_type, bytes, a, out);
    return e == RAC_OK && rac_arena_over(a) ? RAC_E_LIMIT : e;
}

struct rac_json rac_content_headers(const struct rac_headers *h, struct rac_arena *a)
{
    struct rac_json v = rac_json_new_object(a);
    for (size_t i = 0; i < h->n && !rac_arena_over(a); i++) {
        rac_str value = rac_utf8_mend(a, h->v[i].value);
        struct rac_json *there = rac_json_geti(&v, h->v[i].name);
        if (there == NULL)
            rac_json_put(a, &v, rac_utf8_mend(a, h->v[i].name), rac_json_of_str(value));
        else
            *there = rac_json_of_str(rac_arena_printf(
                a, "%.*s,%.*s", RAC_FMT(rac_json_str(there, RAC_S(""))), RAC_FMT(value)));
    }
    return v;
}

/* --- writing ----------------------------------------------------------------------------------- */

struct writer {
    const struct rac_content_options *o;
    struct rac_arena *a;
    size_t bytes_max;
    rac_str *why;
};

static rac_err invalid(struct writer *w, const char *why)
{
    *w->why = rac_str_of(why);
    return RAC_E_INVALID;
}

/* Text, bytes of an envelope or JSON: a body without parts. *type: what it is. */
static rac_err plain_write(struct writer *w, const struct rac_json *v, rac_str *bytes,
                           rac_str *type)
{
    const struct rac_json *content = RAC_JSON_GET(v, "$content"),
                          *kind = RAC_JSON_GET(v, "$content-type");
    struct rac_json mended;
    if (rac_json_is_string(content) && rac_json_is_string(kind)) {
        *type = rac_json_str(kind, RAC_S(""));
        if (!rac_base64_decode(w->a, rac_json_str(content, RAC_S("")), bytes))
            return invalid(w, "The '$content' of the body is not base64.");
        return bytes->n > w->bytes_max ? RAC_E_LIMIT : RAC_OK;
    }
    mended = rac_expr_mend(w->a, *v);
    if (rac_json_is_string(&mended)) {
        *bytes = rac_json_str(&mended, RAC_S(""));
        *type = RAC_S("text/plain; charset=utf-8");
        return bytes->n > w->bytes_max ? RAC_E_LIMIT : RAC_OK;
    }
    struct rac_buf b;
    rac_buf_init(&b, w->bytes_max);
    rac_json_print(&mended, 0, &b);
    rac_err e = rac_buf_err(&b);
    *bytes = rac_buf_take(&b, w->a);
    *type = RAC_S("application/json; charset=utf-8");
    rac_buf_fini(&b);
    return e;
}

static bool sound_header(rac_str name, rac_str value)
{
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] <= ' ' || name.p[i] == ':')
            return false;
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] == '\r' || value.p[i] == '\n' || value.p[i] == '\0')
            return false;
    return name.n > 0;
}

static rac_err part_write(struct writer *w, const struct rac_json *part,
                          struct rac_multipart_writer *m)
{
    const struct rac_json *body = RAC_JSON_GET(part, "body"),
                          *headers = RAC_JSON_GET(part, "headers");
    struct rac_headers h = {0};
    rac_str bytes = RAC_S(""), type = RAC_STR_NULL;
    if (!rac_json_is_object(part))
        return invalid(w, "The parts of '$multipart' must be objects with headers and body.");
    RAC_JSON_EACH_MEMBER(x, headers)
    {
        rac_str name = rac_json_key(x), value = rac_expr_text(&x->value, w->a);
        if (rac_str_eqi(name, RAC_S("Content-Length")) || rac_json_is_null(&x->value))
            continue;
        if (!sound_header(name, value))
            return invalid(w, "A header of a part has characters it may not have.");
        rac_headers_add(&h, w->a, name, value);
    }
    if (body != NULL && body->type != RAC_JSON_NULL) {
        rac_err e = plain_write(w, body, &bytes, &type);
        if (e != RAC_OK)
            return e;
        bool text = body->type == RAC_JSON_STRING;
        if (!text && rac_headers_get(&h, RAC_S("Content-Type")).p == NULL)
            rac_headers_add(&h, w->a, RAC_S("Content-Type"), type);
    }
    rac_multipart_part(m, &h, bytes);
    return RAC_OK;
}

/* The boundary of the type given, or a new one, with the type that says it. */
static rac_str boundary_of(struct writer *w, rac_str type, rac_str *full)
{
    struct rac_mime mime;
    if (rac_mime_parse(w->a, type, &mime) && rac_mime_is_multipart(&mime)) {
        rac_str said = rac_mime_param(&mime, RAC_S("boundary"));
        if (said.n > 0 && said.n <= 70 && sound_header(said, said)) {
            *full = type;
            return said;
        }
    } else {
        type = RAC_S("multipart/form-data");
    }
    rac_str boundary = rac_multipart_boundary(w->a, w->o->random), rest;
    *full =
        rac_arena_printf(w->a, "%.*s; boundary=%.*s",
                         RAC_FMT(rac_str_trim(rac_str_cut(type, ';', &rest))), RAC_FMT(boundary));
    return boundary;
}

static rac_err multipart_write(struct writer *w, const struct rac_json *v,
                               const struct rac_json *parts, struct rac_content *out)
{
    struct rac_multipart_writer m;
    struct rac_buf b;
    rac_err e = RAC_OK;
    rac_str said = w->o->content_type.p != NULL
                       ? w->o->content_type
                       : rac_json_str(RAC_JSON_GET(v, "$content-type"), RAC_S("")),
            type;
    rac_str boundary = boundary_of(w, said, &type);
    rac_buf_init(&b, w->bytes_max);
    rac_multipart_begin(&m, &b, boundary);
    for (size_t i = 0; i < rac_json_len(parts) && e == RAC_OK; i++)
        e = part_write(w, rac_json_at(parts, i), &m);
    rac_multipart_end(&m);
    if (e == RAC_OK)
        e = rac_buf_err(&b);
    *out = (struct rac_content){true, rac_buf_take(&b, w->a), type};
    rac_buf_fini(&b);
    return e;
}

static rac_err form_write(struct writer *w, const struct rac_json *form, rac_str type,
                          struct rac_content *out)
{
    struct rac_buf b;
    rac_buf_init(&b, w->bytes_max);
    for (size_t i = 0; i < rac_json_len(form); i++) {
        const struct rac_json *key = RAC_JSON_GET(rac_json_at(form, i), "key"),
                              *value = RAC_JSON_GET(rac_json_at(form, i), "value");
        if (i > 0)
            rac_buf_add_char(&b, '&');
        rac_url_encode_to(&b, key != NULL ? rac_expr_text(key, w->a) : RAC_S(""), RAC_URL_FORM);
        rac_buf_add_char(&b, '=');
        rac_url_encode_to(&b, value != NULL ? rac_expr_text(value, w->a) : RAC_S(""), RAC_URL_FORM);
    }
    rac_err e = rac_buf_err(&b);
    *out = (struct rac_content){true, rac_buf_take(&b, w->a), type};
    rac_buf_fini(&b);
    return e;
}

rac_err rac_content_write(const struct rac_json *v, const struct rac_content_options *o,
                          struct rac_arena *a, struct rac_content *out, rac_str *why)
{
    struct writer w = {o, a, o->bytes_max != 0 ? o->bytes_max : BYTES_MAX, why};
    rac_str type = rac_json_str(RAC_JSON_GET(v, "$content-type"), RAC_STR_NULL);
    const struct rac_json *parts = RAC_JSON_GET(v, "$multipart"),
                          *form = RAC_JSON_GET(v, "$formdata");
    bool assembled = type.p != NULL && RAC_JSON_GET(v, "$content") == NULL;
    struct rac_content made = {.present = true};
    *out = (struct rac_content){.type = o->content_type};
    *why = RAC_STR_NULL;
    if (v == NULL || v->type == RAC_JSON_NONE || v->type == RAC_JSON_NULL)
        return RAC_OK;
    rac_err e;
    if (assembled && rac_json_is_array(parts))
        e = multipart_write(&w, v, parts, &made);
    else if (assembled && rac_json_is_array(form))
        e = form_write(&w, form, o->content_type.p != NULL ? o->content_type : type, &made);
    else
        e = plain_write(&w, v, &made.bytes, &made.type);
    if (e == RAC_OK && !(assembled && rac_json_is_array(parts)) && o->content_type.p != NULL)
        made.type = o->content_type;
    if (e == RAC_E_LIMIT)
        *why = rac_arena_printf(a, "The body has more than %zu bytes.", w.bytes_max);
    if (e == RAC_OK)
        *out = made;
    return e;
}
