/* Texts: those functions the workflow language does not have, or has otherwise. */
#include "base/base64.h"
#include "base/str.h"
#include "base/utf8.h"
#include "crypto/digest.h"
#include "text/url.h"
#include "workflow/template/template_priv.h"

enum { TEXT_MAX = 1 << 24, GUID_NAMESPACE_BYTES = 16 };

/* What was put together in b, which ends here. What became too long was work all the same. */
static struct rac_json text_made(struct resolver *r, struct rac_buf *b)
{
    bool fits = rac_buf_err(b) == RAC_OK && affordable_bytes(r, 0);
    rac_str s = fits ? rac_buf_take(b, r->a) : RAC_S("");
    rac_buf_fini(b);
    if (fits)
        return template_string(r, s);
    (void)affordable_bytes(r, TEXT_MAX);
    return unknown_because(r, "the text is too long");
}

struct rac_json tf_concat(struct resolver *r, const struct arguments *x)
{
    struct rac_buf b;
    bool lists = x->v[0].type == RAC_JSON_ARRAY;
    struct rac_json out = rac_json_new_array(r->a);
    for (size_t i = 0; i < x->n; i++)
        if ((x->v[i].type == RAC_JSON_ARRAY) != lists || x->v[i].type == RAC_JSON_OBJECT)
            return unknown_because(r, "concat() joins texts, or lists, and nothing else");
    for (size_t i = 0; i < x->n && lists; i++) {
        if (!affordable_bytes(r, rac_json_len(&x->v[i]) * 8))
            return unknown_because(r, "the list is too long");
        RAC_JSON_EACH(e, &x->v[i])
        rac_json_add(r->a, &out, *e);
    }
    if (lists)
        return out;
    rac_buf_init(&b, TEXT_MAX);
    for (size_t i = 0; i < x->n; i++)
        rac_buf_add(&b, template_text(r, &x->v[i]));
    return text_made(r, &b);
}

/* --- format ----------------------------------------------------------------------------------- */

/* "{0}", "{0,8}", "{0,-8:N2}" without its braces. */
struct hole {
    size_t at;
    int64_t width; /* below 0: text on the left */
    rac_str spec;
};

static bool hole_of(rac_str s, size_t values, struct hole *out)
{
    uint64_t at;
    rac_str width;
    rac_str number = rac_str_cut(rac_str_cut(s, ':', &out->spec), ',', &width);
    out->width = 0;
    if (!rac_str_to_u64(rac_str_trim(number), &at) || at >= values ||
        (width.p != NULL && !rac_str_to_i64(rac_str_trim(width), &out->width)))
        return false;
    out->at = (size_t)at;
    return out->width >= -TEMPLATE_WIDTH_MAX && out->width <= TEMPLATE_WIDTH_MAX;
}

static void add_blanks(struct rac_buf *b, int64_t n)
{
    for (; n > 0; n--)
        rac_buf_add_char(b, ' ');
}

/* UNKNOWN: the number has no such format; else NONE. */
static struct rac_json put_value(struct resolver *r, const struct hole *h, const struct rac_json *v,
                                 struct rac_buf *b)
{
    struct rac_json shown = rac_json_of_str(template_text(r, v));
    if (rac_json_is_number(v) && h->spec.n > 0) {
        struct rac_json pair[2] = {*v, rac_json_of_str(h->spec)};
        shown = template_shared(r, "formatNumber", pair, 2);
        if (shown.type != RAC_JSON_STRING)
            return shown;
    }
    int64_t length = h->width != 0 ? (int64_t)template_length(r, &shown) : 0;
    add_blanks(b, h->width - length);
    rac_buf_add(b, (rac_str){shown.s, shown.n});
    add_blanks(b, -h->width - length);
    return rac_json_none;
}

struct rac_json tf_format(struct resolver *r, const struct arguments *x)
{
    rac_str f = template_text(r, &x->v[0]);
    struct rac_json bad = rac_json_none;
    struct hole h;
    struct rac_buf b;
    rac_buf_init(&b, TEXT_MAX);
    for (size_t i = 0; i < f.n && bad.type == RAC_JSON_NONE && affordable_bytes(r, 0); i++) {
        char c = f.p[i];
        bool brace = c == '{' || c == '}';
        if (!brace || (i + 1 < f.n && f.p[i + 1] == c)) { /* doubled: one of it */
            rac_buf_add_char(&b, c);
            i += brace;
            continue;
        }
        size_t end = rac_str_find_char(rac_str_from(f, i), '}');
        if (c == '}' || end == RAC_STR_NPOS ||
            !hole_of(rac_str_sub(f, i + 1, end - 1), x->n - 1, &h))
            bad = unknown_becausef(r, "format() cannot read its pattern at character %zu", i + 1);
        else
            bad = put_value(r, &h, &x->v[h.at + 1], &b);
        i += end;
    }
    struct rac_json made = text_made(r, &b);
    return bad.type != RAC_JSON_NONE ? bad : made;
}

struct rac_json tf_pad_left(struct resolver *r, const struct arguments *x)
{
    struct rac_json s = rac_json_of_str(template_text(r, &x->v[0])),
                    pad = x->n > 2 ? rac_json_of_str(template_text(r, &x->v[2]))
                                   : rac_json_of_str(RAC_S(" "));
    int64_t n = rac_json_int(&x->v[1], -1);
    struct rac_buf b;
    if (n < 0 || n > TEMPLATE_WIDTH_MAX || template_length(r, &pad) != 1)
        return unknown_because(r, "padLeft() has a width or a character it cannot have");
    rac_buf_init(&b, TEXT_MAX);
    for (n -= (int64_t)template_length(r, &s); n > 0; n--)
        rac_buf_add(&b, (rac_str){pad.s, pad.n});
    rac_buf_add(&b, (rac_str){s.s, s.n});
    return text_made(r, &b);
}

struct rac_json tf_string(struct resolver *r, const struct arguments *x)
{
    return template_string(r, template_text(r, &x->v[0]));
}

struct rac_json tf_fail(struct resolver *r, const struct arguments *x)
{
    return unknown_becausef(r, "fail(): %.*s", RAC_FMT(template_text(r, &x->v[0])));
}

/* --- splitting and joining -------------------------------------------------------------------- */

/* The first place of any delimiter in s, the longest one there; *n its length. */
static size_t first_delimiter(struct resolver *r, rac_str s, const struct rac_json *by, size_t *n)
{
    size_t first = RAC_STR_NPOS;
    for (size_t i = 0; i < (by->type == RAC_JSON_ARRAY ? rac_json_len(by) : 1); i++) {
        rac_str d = rac_json_str(by->type == RAC_JSON_ARRAY ? rac_json_at(by, i) : by, RAC_S(""));
        size_t at = d.n > 0 && affordable_bytes(r, s.n / 8) ? rac_str_find(s, d) : RAC_STR_NPOS;
        if (at < first || (at == first && at != RAC_STR_NPOS && d.n > *n)) {
            first = at;
            *n = d.n;
        }
    }
    return first;
}

struct rac_json tf_split(struct resolver *r, const struct arguments *x)
{
    rac_str s = rac_json_str(&x->v[0], RAC_STR_NULL);
    struct rac_json out = rac_json_new_array(r->a);
    if (s.p == NULL || (x->v[1].type != RAC_JSON_STRING && x->v[1].type != RAC_JSON_ARRAY))
        return unknown_because(r, "split() takes a text and one or more delimiters");
    while (affordable_bytes(r, 8)) {
        size_t n = 0, at = first_delimiter(r, s, &x->v[1], &n);
        rac_json_add(r->a, &out, rac_json_of_str(rac_str_sub(s, 0, at)));
        if (at == RAC_STR_NPOS)
            return out;
        s = rac_str_from(s, at + n);
    }
    return unknown_because(r, "the value is too large");
}

struct rac_json tf_join(struct resolver *r, const struct arguments *x)
{
    struct rac_buf b;
    bool first = true;
    rac_str by = template_text(r, &x->v[1]);
    if (x->v[0].type != RAC_JSON_ARRAY)
        return unknown_because(r, "join() takes a list");
    rac_buf_init(&b, TEXT_MAX);
    RAC_JSON_EACH(e, &x->v[0])
    {
        if (!first)
            rac_buf_add(&b, by);
        rac_buf_add(&b, template_text(r, e));
        first = false;
    }
    return text_made(r, &b);
}

/* --- values in texts -------------------------------------------------------------------------- */

/* 'text' as JSON writes it: the reader of templates takes either quote. */
static rac_str with_double_quotes(struct resolver *r, rac_str s)
{
    struct rac_buf b;
    char quote = 0;
    rac_buf_init(&b, 2 * s.n + 1);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (quote == 0 && (c == '\'' || c == '"')) {
            quote = c;
            c = '"';
        } else if (quote != 0 && c == quote) {
            quote = 0;
            c = '"';
        } else if (quote == '\'' && c == '"') {
            rac_buf_add_char(&b, '\\');
        } else if (quote != 0 && c == '\\' && i + 1 < s.n) {
            if (s.p[++i] != '\'')
                rac_buf_add_char(&b, '\\');
            c = s.p[i];
        }
        rac_buf_add_char(&b, c);
    }
    rac_str out = rac_buf_take(&b, r->a);
    rac_buf_fini(&b);
    return out;
}

static struct rac_json json_of(struct resolver *r, rac_str s)
{
    struct rac_json v;
    if (!affordable_bytes(r, s.n * 8))
        return unknown_because(r, "the value is too large");
    if (rac_json_parse(s, r->a, 0, &v, NULL) != RAC_OK &&
        rac_json_parse(with_double_quotes(r, s), r->a, 0, &v, NULL) != RAC_OK)
        return unknown_because(r, "the text is no JSON");
    v.pos = 0;
    return v;
}

struct rac_json tf_json(struct resolver *r, const struct arguments *x)
{
    return x->v[0].type == RAC_JSON_STRING ? json_of(r, template_text(r, &x->v[0])) : x->v[0];
}

struct rac_json tf_base64_to_json(struct resolver *r, const struct arguments *x)
{
    struct rac_json s = template_shared(r, "base64ToString", x->v, 1);
    return value_is_unknown(&s) ? s : json_of(r, (rac_str){s.s, s.n});
}

struct rac_json tf_data_uri(struct resolver *r, const struct arguments *x)
{
    return template_string(r, rac_str_concat(r->a, RAC_S("data:text/plain;charset=utf8;base64,"),
                                             rac_base64_encode(r->a, template_text(r, &x->v[0]))));
}

struct rac_json tf_data_uri_to_string(struct resolver *r, const struct arguments *x)
{
    rac_str data, s = template_text(r, &x->v[0]), head = rac_str_cut(s, ',', &data), out;
    bool ok = rac_str_startsi(head, RAC_S("data:")) && data.p != NULL;
    if (ok && rac_str_endsi(head, RAC_S(";base64")))
        ok = rac_base64_decode(r->a, data, &out);
    else if (ok)
        ok = rac_url_decode_strict(r->a, data, false, &out);
    return ok && rac_utf8_check(out) == out.n
               ? template_string(r, out)
               : unknown_because(r, "the text is no data URI with a text in it");
}

struct rac_json tf_uri(struct resolver *r, const struct arguments *x)
{
    rac_str out;
    return rac_url_resolve(template_text(r, &x->v[0]), template_text(r, &x->v[1]), r->a, &out) ==
                   RAC_OK
               ? template_string(r, out)
               : unknown_because(r, "uri() takes an absolute address and one to add to it");
}

/* A name-based identifier (RFC 9562 §5.5) of the values with "-" between them, in the name space
 * that the public reference of the function gives. */
struct rac_json tf_guid(struct resolver *r, const struct arguments *x)
{
    static const unsigned char space[GUID_NAMESPACE_BYTES + 1] =
        "\x11\xfb\x06\xfb\x71\x2d\x4d\xdd\x98\xc7\xe7\x1b\xbd\x58\x88\x30";
    uint8_t d[RAC_SHA1_BYTES];
    struct rac_buf b;
    rac_buf_init(&b, TEXT_MAX);
    rac_buf_add(&b, (rac_str){(const char *)space, GUID_NAMESPACE_BYTES});
    for (size_t i = 0; i < x->n; i++) {
        if (i > 0)
            rac_buf_add_char(&b, '-');
        rac_buf_add(&b, template_text(r, &x->v[i]));
    }
    bool ok = rac_buf_err(&b) == RAC_OK;
    rac_sha1(rac_buf_str(&b), d);
    rac_buf_fini(&b);
    d[6] = (uint8_t)((d[6] & 0x0f) | 0x50);
    d[8] = (uint8_t)((d[8] & 0x3f) | 0x80);
    rac_str h = rac_hex(r->a, d, 16);
    return ok ? template_string(r, rac_arena_printf(r->a, "%.8s-%.4s-%.4s-%.4s-%.12s", h.p, h.p + 8,
                                                    h.p + 12, h.p + 16, h.p + 20))
              : unknown_because(r, "the text is too long");
}
