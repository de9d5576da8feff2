/*
 * Bodies: which form a value takes and what bytes it becomes (§6.3).
 *
 * The content type is decided first: a Content-Type header parameter, else the first of `consumes`
 * that can carry the value, else JSON. Strings are sent as they are under any type, so that XML,
 * text and ready-made JSON pass; an envelope is decoded and keeps its own type.
 */
#include "base/base64.h"
#include "base/fetch.h"
#include "base/str.h"
#include "connector/bind.h"
#include "connector/shape.h"
#include "connector/text_priv.h"
#include "text/mime.h"

static const rac_str json_default = RAC_S_INIT("application/json; charset=utf-8");

rac_str rac_media_type(rac_str content_type, struct rac_arena *a)
{
    rac_str media =
        rac_str_trim(rac_str_sub(content_type, 0, rac_str_find_char(content_type, ';')));
    for (size_t i = 0; i < media.n; i++)
        if (media.p[i] >= 'A' && media.p[i] <= 'Z')
            return rac_str_lower(a, media);
    return media;
}

static bool media_is_form(rac_str media)
{
    return rac_str_eq(media, RAC_S("application/x-www-form-urlencoded"));
}

static bool media_is_multipart(rac_str media)
{
    return rac_str_eq(media, RAC_S("multipart/form-data"));
}

/* Can a value of this JSON type travel under this media type? */
static bool media_carries(rac_str media, const struct rac_json *v)
{
    if (rac_str_find_char(media, '*') != RAC_STR_NPOS ||
        rac_str_find_char(media, '/') == RAC_STR_NPOS)
        return false;
    if (v->type == RAC_JSON_STRING)
        return !media_is_multipart(media);
    if (v->type == RAC_JSON_OBJECT)
        return rac_mime_text_is_json(media) || media_is_form(media) || media_is_multipart(media);
    return rac_mime_text_is_json(media);
}

static rac_str choose_type(const struct rac_op_plan *plan, const struct rac_shape *shape,
                           const struct rac_json *v, struct rac_request *r)
{
    struct rac_request_pair *header = rac_request_header(r, RAC_S("content-type"));
    if (header != NULL)
        return header->value;
    for (uint32_t i = 0; i < plan->consumes_n; i++)
        if (media_carries(rac_media_type(plan->consumes[i], r->a), v))
            return plan->consumes[i];
    return shape->binary && v->type == RAC_JSON_STRING ? RAC_S("application/octet-stream")
                                                       : json_default;
}

static void form_of_object(const struct rac_json *v, struct rac_request *r)
{
    struct rac_request_pairs *f = &r->body.form;
    r->body.kind = RAC_BODY_FORM;
    f->v = RAC_NEW_N(r->a, struct rac_request_pair, rac_json_len(v));
    RAC_JSON_EACH_MEMBER(m, v)
    {
        if (m->value.type != RAC_JSON_NULL)
            f->v[f->n++] =
                (struct rac_request_pair){rac_json_key(m), rac_value_text(r->a, &m->value), 0};
    }
    f->cap = f->n;
}

static struct rac_request_part part_of(rac_str name, const struct rac_json *v, struct rac_arena *a)
{
    struct rac_request_part part = {.name = name};
    rac_str file;
    if (rac_envelope_read(v, a, &part.content_type, &part.body, &file)) {
        part.filename = file.p != NULL ? file : name;
        if (part.content_type.p == NULL)
            part.content_type = RAC_S("application/octet-stream");
    } else {
        part.body = rac_value_text(a, v);
        if (v->type == RAC_JSON_OBJECT || v->type == RAC_JSON_ARRAY)
            part.content_type = RAC_S("application/json");
    }
    return part;
}

/* {"$content-type": "multipart/form-data", "$multipart": [{"headers", "body"}]} (designer). */
static bool multipart_envelope(const struct rac_json *v, struct rac_request *r)
{
    const struct rac_json *list = RAC_JSON_GET(v, "$multipart");
    if (!rac_json_is_array(list))
        return false;
    r->body.kind = RAC_BODY_MULTIPART;
    r->body.parts = RAC_NEW_N(r->a, struct rac_request_part, rac_json_len(list));
    r->body.parts_cap = rac_json_len(list);
    RAC_JSON_EACH(e, list)
    {
        static const struct rac_json empty = {.type = RAC_JSON_STRING, .s = ""};
        const struct rac_json *headers = RAC_JSON_GET(e, "headers"),
                              *body = RAC_JSON_GET(e, "body");
        struct rac_disposition d = {0};
        (void)rac_disposition_parse(
            r->a,
            rac_json_str(rac_json_geti(headers, RAC_S("Content-Disposition")), RAC_S("form-data")),
            &d);
        rac_str name = rac_json_str(RAC_JSON_GET(e, "name"), d.name);
        struct rac_request_part part =
            part_of(name.p ? name : RAC_S(""), body != NULL ? body : &empty, r->a);
        if (d.filename.p != NULL)
            part.filename = d.filename;
        rac_str type = rac_json_str(rac_json_geti(headers, RAC_S("Content-Type")), RAC_STR_NULL);
        if (type.p != NULL)
            part.content_type = type;
        r->body.parts[r->body.parts_n++] = part;
    }
    return true;
}

static void multipart_of_object(const struct rac_json *v, struct rac_request *r)
{
    r->body.kind = RAC_BODY_MULTIPART;
    r->body.parts = RAC_NEW_N(r->a, struct rac_request_part, rac_json_len(v));
    r->body.parts_cap = rac_json_len(v);
    RAC_JSON_EACH_MEMBER(m, v)
    {
        if (m->value.type != RAC_JSON_NULL)
            r->body.parts[r->body.parts_n++] = part_of(rac_json_key(m), &m->value, r->a);
    }
}

void rac_body_bind(const struct rac_op_plan *plan, const struct rac_shape *shape,
                   const struct rac_json *v, struct rac_request *r)
{
    struct rac_request_body *body = &r->body;
    rac_str type, bytes, name;
    if (multipart_envelope(v, r)) {
        body->content_type = RAC_S("multipart/form-data");
        return;
    }
    if (rac_json_is_object(v) && RAC_JSON_GET(v, "$content") != NULL &&
        rac_envelope_read(v, r->a, &type, &bytes, &name)) {
        body->kind = RAC_BODY_BYTES;
        body->bytes = bytes;
        struct rac_request_pair *header = rac_request_header(r, RAC_S("content-type"));
        body->content_type = header != NULL ? header->value
                             : type.n > 0   ? type
                                            : RAC_S("application/octet-stream");
        return;
    }
    body->content_type = choose_type(plan, shape, v, r);
    rac_str media = rac_media_type(body->content_type, r->a);
    if (v->type == RAC_JSON_STRING) {
        body->kind = RAC_BODY_TEXT;
        body->bytes = (rac_str){v->s, v->n};
    } else if (v->type == RAC_JSON_OBJECT && media_is_form(media)) {
        form_of_object(v, r);
    } else if (v->type == RAC_JSON_OBJECT && media_is_multipart(media)) {
        multipart_of_object(v, r);
    } else {
        body->kind = RAC_BODY_JSON;
        body->json = *v;
    }
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void quoted_add(struct rac_cat *c, rac_str s) /* a name in Content-Disposition */
{
    rac_cat_char(c, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            rac_cat_add(c, RAC_S("%22"));
        else if (s.p[i] == '\r' || s.p[i] == '\n')
            rac_cat_add(c, s.p[i] == '\r' ? RAC_S("%0D") : RAC_S("%0A"));
        else
            rac_cat_char(c, s.p[i]);
    }
    rac_cat_char(c, '"');
}

static rac_str multipart_bytes(const struct rac_request *r, rac_str boundary)
{
    size_t room = 256;
    for (size_t i = 0; i < r->body.parts_n; i++)
        room += r->body.parts[i].body.n + 256;
    struct rac_cat c = rac_cat_new(r->a, room);
    for (size_t i = 0; i < r->body.parts_n; i++) {
        const struct rac_request_part *p = &r->body.parts[i];
        rac_cat_add(&c, RAC_S("--"));
        rac_cat_add(&c, boundary);
        rac_cat_add(&c, RAC_S("\r\nContent-Disposition: form-data; name="));
        quoted_add(&c, p->name);
        if (p->filename.p != NULL) {
            rac_cat_add(&c, RAC_S("; filename="));
            quoted_add(&c, p->filename);
        }
        if (p->content_type.p != NULL && rac_header_is_value(p->content_type)) {
            rac_cat_add(&c, RAC_S("\r\nContent-Type: "));
            rac_cat_add(&c, p->content_type);
        }
        rac_cat_add(&c, RAC_S("\r\n\r\n"));
        rac_cat_add(&c, p->body);
        rac_cat_add(&c, RAC_S("\r\n"));
    }
    rac_cat_add(&c, RAC_S("--"));
    rac_cat_add(&c, boundary);
    rac_cat_add(&c, RAC_S("--\r\n"));
    return rac_cat_str(&c);
}

static rac_str form_bytes(const struct rac_request *r)
{
    struct rac_cat c = rac_cat_new(r->a, 128);
    for (size_t i = 0; i < r->body.form.n; i++) {
        if (i > 0)
            rac_cat_char(&c, '&');
        rac_cat_url(&c, r->body.form.v[i].name, RAC_URL_FORM);
        rac_cat_char(&c, '=');
        rac_cat_url(&c, r->body.form.v[i].value, RAC_URL_FORM);
    }
    return rac_cat_str(&c);
}

rac_str rac_body_bytes(const struct rac_request *r, const unsigned char random[16],
                       rac_str *content_type)
{
    const struct rac_request_body *b = &r->body;
    *content_type = b->content_type;
    switch (b->kind) {
    case RAC_BODY_JSON:
        return rac_json_print_str(&b->json, 0, r->a);
    case RAC_BODY_FORM:
        return form_bytes(r);
    case RAC_BODY_MULTIPART: {
        char text[33];
        for (int i = 0; i < 16; i++)
            snprintf(text + 2 * i, 3, "%02x", random[i]);
        rac_str boundary = rac_arena_printf(r->a, "raccord-%s", text);
        *content_type =
            rac_arena_printf(r->a, "multipart/form-data; boundary=%.*s", RAC_FMT(boundary));
        return multipart_bytes(r, boundary);
    }
    default:
        return b->bytes;
    }
}
