#include "connector/unbind.h"

#include "base/base64.h"
#include "base/str.h"
#include "base/utf8.h"
#include "text/mime.h"

enum rac_unbind_form rac_unbind_form(rac_str content_type, rac_str bytes, struct rac_arena *a)
{
    struct rac_mime mime;
    if (bytes.n == 0)
        return RAC_UNBIND_NONE;
    if (content_type.n == 0 || !rac_mime_parse(a, content_type, &mime))
        return RAC_UNBIND_BINARY;
    if (rac_mime_is_json(&mime))
        return RAC_UNBIND_JSON;
    return rac_mime_is_text(&mime) || rac_mime_is_xml(&mime) ||
                   rac_str_eqi(mime.type, RAC_S("text"))
               ? RAC_UNBIND_TEXT
               : RAC_UNBIND_BINARY;
}

static rac_str latin1_to_utf8(rac_str s, struct rac_arena *a)
{
    char *out = rac_arena_try(a, s.n * 2 + 1);
    size_t n = 0;
    if (out == NULL)
        return s;
    for (size_t i = 0; i < s.n; i++)
        n += rac_utf8_encode((unsigned char)s.p[i], out + n);
    return (rac_str){out, n};
}

/* Text in UTF-8 whatever the answer's charset: Latin-1 is converted, other bytes are mended. */
static rac_str text_of(rac_str content_type, rac_str bytes, struct rac_arena *a)
{
    struct rac_mime mime;
    if (rac_str_starts(bytes, RAC_S("\xEF\xBB\xBF"))) /* it says UTF-8, whatever else does */
        return rac_utf8_mend(a, rac_str_from(bytes, 3));
    if (rac_utf8_check(bytes) == bytes.n)
        return bytes;
    rac_str charset = RAC_STR_NULL;
    if (rac_mime_parse(a, content_type, &mime))
        charset = rac_mime_param(&mime, RAC_S("charset"));
    if (rac_str_eqi(charset, RAC_S("iso-8859-1")) || rac_str_eqi(charset, RAC_S("latin1")) ||
        rac_str_eqi(charset, RAC_S("windows-1252")))
        return latin1_to_utf8(bytes, a);
    return rac_utf8_mend(a, bytes);
}

rac_err rac_unbind(rac_str content_type, rac_str bytes, struct rac_arena *a, struct rac_json *out,
                   rac_str *why)
{
    struct rac_json_error error = {0};
    rac_err e;
    *out = rac_json_none;
    switch (rac_unbind_form(content_type, bytes, a)) {
    case RAC_UNBIND_NONE:
        return RAC_OK;
    case RAC_UNBIND_TEXT:
        *out = rac_json_of_str(text_of(content_type, bytes, a));
        return RAC_OK;
    case RAC_UNBIND_BINARY: {
        struct rac_json v = rac_json_new_object(a);
        RAC_JSON_PUT_STR(a, &v, "$content-type",
                         content_type.n > 0 ? content_type : RAC_S("application/octet-stream"));
        RAC_JSON_PUT_STR(a, &v, "$content", rac_base64_encode(a, bytes));
        *out = v;
        return rac_arena_over(a) ? RAC_E_LIMIT : RAC_OK;
    }
    case RAC_UNBIND_JSON:
        break;
    }
    rac_str text = text_of(content_type, bytes, a);
    e = rac_json_parse(text, a, 0, out, &error);
    if (e == RAC_OK)
        return RAC_OK;
    *why = rac_arena_printf(a, "%s (line %u, column %u)",
                            error.message != NULL ? error.message : rac_err_text(e), error.line,
                            error.column);
    *out = rac_json_of_str(text);
    return e;
}

void rac_unbind_headers(struct rac_headers *h)
{
    static const rac_str names[] = {RAC_S_INIT("connection"),
                                    RAC_S_INIT("keep-alive"),
                                    RAC_S_INIT("transfer-encoding"),
                                    RAC_S_INIT("upgrade"),
                                    RAC_S_INIT("te"),
                                    RAC_S_INIT("trailer"),
                                    RAC_S_INIT("proxy-authenticate"),
                                    RAC_S_INIT("proxy-connection")};
    size_t kept = 0;
    for (size_t i = 0; i < h->n; i++) {
        bool drop = false;
        for (size_t k = 0; !drop && k < RAC_COUNT(names); k++)
            drop = h->v[i].name.n == names[k].n && rac_str_eqi(h->v[i].name, names[k]);
        if (!drop)
            h->v[kept++] = h->v[i];
    }
    h->n = kept;
}
