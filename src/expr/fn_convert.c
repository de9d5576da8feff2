/* Conversions, data URIs, URI escapes, number formats (spec expressions §11, §14, §16.4). */
#include "base/base64.h"
#include "base/uri.h"
#include "base/utf8.h"
#include "expr/charset.h"
#include "expr/functions_priv.h"
#include "expr/number.h"
#include "expr/xml.h"

#include <math.h>

bool fn_array(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    *out = rac_json_new_array(c->a);
    rac_json_add(c->a, out, v[0]);
    return true;
}

bool fn_create_array(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    *out = rac_json_new_array(c->a);
    for (size_t i = 0; i < n; i++)
        rac_json_add(c->a, out, v[i]);
    return true;
}

bool fn_string(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    rac_str text;
    return text_of(c, &v[0], &text) && answer_str(out, text);
}

bool fn_bool(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    bool b = false;
    if (v[0].type == RAC_JSON_BOOL)
        b = v[0].b;
    else if (rac_json_is_number(&v[0]))
        b = rac_json_double(&v[0], 0) != 0;
    else if (v[0].type == RAC_JSON_STRING && rac_str_eqi(str_of(&v[0]), RAC_S("true")))
        b = true;
    else if (v[0].type != RAC_JSON_STRING || !rac_str_eqi(str_of(&v[0]), RAC_S("false")))
        return fail_convert(c, &v[0], "a boolean");
    return answer_bool(out, b);
}

/* --- numbers ---------------------------------------------------------------------------------- */

bool fn_int(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    int64_t i;
    struct rac_dec d;
    bool ok = false;
    if (v[0].type == RAC_JSON_INT) {
        *out = v[0];
        return true;
    }
    if (v[0].type == RAC_JSON_STRING) {
        ok = rac_number_parse_int(str_of(&v[0]), &i);
    } else if (is_decimal(&v[0])) {
        ok = rac_dec_parse(str_of(&v[0]), &d) && rac_dec_to_int(d, &i);
    } else if (is_float(&v[0])) {
        double x = rac_json_double(&v[0], 0);
        ok = x >= -9223372036854775808.0 && x < 9223372036854775808.0 && x == (double)(int64_t)x;
        i = ok ? (int64_t)x : 0;
    }
    if (!ok)
        return fail_convert(c, &v[0], "an integer");
    return answer_int(out, i);
}

/* "Infinity" with or without a sign: isFloat knows it, float only where a locale is given. */
static bool infinity(rac_str s, double *out)
{
    s = trim_white(s);
    bool minus = rac_str_starts(s, RAC_S("-"));
    if (minus || rac_str_starts(s, RAC_S("+")))
        s = rac_str_from(s, 1);
    *out = minus ? -INFINITY : INFINITY;
    return rac_str_eqi(s, RAC_S("Infinity"));
}

bool fn_float(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    double x;
    const struct rac_culture *in;
    if (!arg_culture(c, v, n, 1, &in))
        return false;
    if (rac_json_is_number(&v[0]))
        x = rac_json_double(&v[0], 0);
    else if (v[0].type != RAC_JSON_STRING || (!rac_number_parse_float(str_of(&v[0]), in, &x) &&
                                              !(n > 1 && infinity(str_of(&v[0]), &x))))
        return fail_convert(c, &v[0], "a floating-point number");
    return answer_double(out, x);
}

bool fn_decimal(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    struct rac_dec d;
    bool ok;
    if (v[0].type == RAC_JSON_INT) {
        d = rac_dec_of_int(v[0].i);
        ok = true;
    } else if (is_decimal(&v[0])) {
        *out = v[0];
        return true;
    } else if (is_float(&v[0])) {
        ok = rac_dec_of_double(rac_json_double(&v[0], 0), &d);
    } else {
        ok = v[0].type == RAC_JSON_STRING &&
             rac_number_parse_decimal(str_of(&v[0]), &rac_culture_en_us, &d);
    }
    if (!ok)
        return fail_convert(c, &v[0], "a decimal number");
    char text[RAC_DEC_TEXT];
    *out = decimal_value(c->a, text, rac_dec_print(d, text));
    return true;
}

bool fn_is_int(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    rac_str s;
    int64_t i;
    if (!arg_str(c, v, 0, &s))
        return false;
    if (s.n > 1 && s.p[0] == '+' && s.p[1] != '-')
        s = rac_str_from(s, 1);
    return answer_bool(out, rac_str_to_i64(s, &i));
}

bool fn_is_float(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    rac_str s;
    double x;
    const struct rac_culture *in;
    if (!arg_str(c, v, 0, &s) || !arg_culture(c, v, n, 1, &in))
        return false;
    return answer_bool(out, rac_number_parse_float(s, in, &x) || infinity(s, &x));
}

bool fn_format_number(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    rac_str format, text;
    const struct rac_culture *in;
    if (!rac_json_is_number(&v[0]))
        return fail_type(c, &v[0], 0, "a number: an integer, a float or a decimal");
    if (!arg_str(c, v, 1, &format) || !arg_culture(c, v, n, 2, &in))
        return false;
    if (rac_number_format(&v[0], format, in, c->a, &text) != RAC_OK)
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function 'formatNumber' does not know the format "
                    "'%.*s' for a value of type '%s'.",
                    RAC_FMT(format), rac_expr_type_name(&v[0]));
    return answer_str(out, text);
}

/* --- base64 and binary content ---------------------------------------------------------------- */

static bool decoded(struct call *c, const struct rac_json *v, rac_str *bytes)
{
    rac_str s;
    return arg_str(c, v, 0, &s) &&
           (base64_bytes(c->a, s, bytes) || fail_convert(c, &v[0], "bytes: it is not base64"));
}

/* The text of v as bytes: a half of a pair is U+FFFD there. */
static bool bytes_of(struct call *c, const struct rac_json *v, rac_str *out)
{
    if (!text_of(c, v, out))
        return false;
    struct rac_json mended = rac_expr_mend(c->a, str_value(*out));
    *out = str_of(&mended);
    return true;
}

bool fn_base64(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    rac_str s;
    return arg_str(c, v, 0, &s) && charge(c, s.n / 64) && bytes_of(c, &v[0], &s) &&
           answer_str(out, rac_base64_encode(c->a, s));
}

bool fn_base64_to_string(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                         struct rac_json *out)
{
    rac_str bytes;
    return decoded(c, v, &bytes) && answer_str(out, rac_utf8_mend(c->a, bytes));
}

static struct rac_json envelope_of_text(struct call *c, rac_str type, rac_str base64)
{
    struct rac_json o = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, &o, "$content-type", type);
    RAC_JSON_PUT_STR(c->a, &o, "$content", base64);
    return o;
}

bool fn_base64_to_binary(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                         struct rac_json *out)
{
    rac_str bytes;
    if (!decoded(c, v, &bytes))
        return false;
    *out = envelope_of_text(c, RAC_S("application/octet-stream"), str_of(&v[0]));
    return true;
}

bool fn_binary(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    if (v[0].type == RAC_JSON_NULL)
        return fail_type(c, &v[0], 0, "a value that is not null");
    rac_str text;
    if (!bytes_of(c, &v[0], &text))
        return false;
    *out = envelope(c->a, RAC_S("application/octet-stream"), text);
    return charge(c, text.n / 64);
}

/* --- data URIs -------------------------------------------------------------------------------- */

bool fn_data_uri(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                 struct rac_json *out)
{
    rac_str type, base64;
    if (v[0].type == RAC_JSON_NULL)
        return fail_type(c, &v[0], 0, "a value that is not null");
    if (is_envelope(&v[0])) {
        type = rac_json_str(RAC_JSON_GET(&v[0], "$content-type"), RAC_S(""));
        base64 = rac_json_str(RAC_JSON_GET(&v[0], "$content"), RAC_S(""));
    } else {
        bool text = v[0].type == RAC_JSON_STRING;
        type = text ? RAC_S("text/plain;charset=utf-8") : RAC_S("application/json;charset=utf-8");
        if (!bytes_of(c, &v[0], &base64))
            return false;
        base64 = rac_base64_encode(c->a, base64);
    }
    if (rac_arena_over(c->a) || type.n + base64.n + 16 > string_max(c->run))
        return fail_limit(c, "a string would be larger than allowed");
    return charge(c, base64.n / 64) &&
           answer_str(out, rac_arena_printf(c->a, "data:%.*s;base64,%.*s", RAC_FMT(type),
                                            RAC_FMT(base64)));
}

struct data_uri {
    rac_str type; /* media type and parameters, verbatim; "text/plain" when there were none */
    rac_str base64;
};

static bool data_uri_read(struct call *c, const struct rac_json *v, struct data_uri *out)
{
    rac_str s, meta, data;
    if (!arg_str(c, v, 0, &s))
        return false;
    meta = rac_str_cut(s, ',', &data);
    if (!rac_str_startsi(meta, RAC_S("data:")) || data.p == NULL)
        return fail_convert(c, &v[0], "binary content: it is not a data URI");
    meta = rac_str_from(meta, 5);
    size_t last = rac_str_rfind_char(meta, ';');
    rac_str tail = last == RAC_STR_NPOS ? meta : rac_str_from(meta, last + 1), bytes;
    bool is_base64 = rac_str_eqi(tail, RAC_S("base64"));
    if (is_base64)
        meta = last == RAC_STR_NPOS ? RAC_S("") : rac_str_sub(meta, 0, last);
    out->type = meta.n == 0 ? RAC_S("text/plain") : meta;
    if (is_base64 && !base64_bytes(c->a, data, &bytes))
        return fail_convert(c, &v[0], "binary content: what follows the comma is not base64");
    out->base64 = is_base64 ? data : rac_base64_encode(c->a, rac_url_decode(c->a, data, true));
    return true;
}

static size_t count_char(rac_str s, char ch)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == ch;
    return n;
}

static bool media_type_is_sound(rac_str type)
{
    rac_str rest, media = rac_str_cut(type, ';', &rest);
    if (count_char(media, '/') != 1)
        return false;
    while (rest.p != NULL) {
        rac_str value, p = rac_str_cut(rest, ';', &rest);
        if (count_char(p, '=') > 1)
            return false;
        rac_str name = rac_str_trim(rac_str_cut(p, '=', &value));
        if (rac_str_eqi(name, RAC_S("charset")) && !charset_known(rac_str_trim(value)))
            return false;
    }
    return true;
}

bool fn_data_uri_to_binary(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                           struct rac_json *out)
{
    struct data_uri u;
    if (!data_uri_read(c, v, &u))
        return false;
    if (!media_type_is_sound(u.type))
        return fail_convert(c, &v[0], "binary content: its media type is not valid");
    *out = envelope_of_text(c, u.type, u.base64);
    return true;
}

bool fn_data_uri_to_string(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                           struct rac_json *out)
{
    struct data_uri u;
    rac_str bytes, rest;
    if (!data_uri_read(c, v, &u))
        return false;
    rac_str media = rac_str_cut(u.type, ';', &rest);
    bool ok = media.n > 0 || rest.p == NULL;
    if (ok && rest.p != NULL && count_char(rest, ';') <= 1) {
        rac_str value, first = rac_str_cut(rest, ';', &rest);
        if (rac_str_eqi(rac_str_trim(rac_str_cut(first, '=', &value)), RAC_S("charset")))
            ok = rac_str_eqi(rac_str_trim(value), RAC_S("utf-8"));
    }
    if (!ok || !rac_base64_decode_lax(c->a, u.base64, &bytes))
        return fail_convert(c, &v[0], "a string: its media type or charset is not valid");
    return answer_str(out, rac_utf8_mend(c->a, bytes));
}

/* --- URI components --------------------------------------------------------------------------- */

bool fn_uri_component(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                      struct rac_json *out)
{
    static const char hex[] = "0123456789ABCDEF";
    rac_str s;
    if (!arg_str(c, v, 0, &s) || !charge(c, s.n / 64) || !bytes_of(c, &v[0], &s))
        return false;
    char *p = rac_arena_alloc_dirty(c->a, s.n * 3 + 1), *w = p;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        if (ch < 0x80 && (rac_is_alnum((char)ch) || (ch != 0 && strchr("-._~", ch) != NULL))) {
            *w++ = (char)ch;
        } else {
            *w++ = '%';
            *w++ = hex[ch >> 4];
            *w++ = hex[ch & 15];
        }
    }
    return answer_str(out, (rac_str){p, (size_t)(w - p)});
}

/* Designers write the literals and the values of one segment of a path as several arguments. */
bool fn_encode_uri_component(struct call *c, const struct rac_json *v, size_t n,
                             struct rac_json *out)
{
    struct rac_json whole;
    if (n == 1)
        return fn_uri_component(c, v, 1, out);
    return fn_concat(c, v, n, &whole) && fn_uri_component(c, &whole, 1, out);
}

/* A run of escapes that is no UTF-8 stays as it stands. */
static size_t decode_run(rac_str s, char *out)
{
    char bytes[4];
    size_t n = 0;
    for (size_t at = 0; n < sizeof bytes && at + 2 < s.n && s.p[at] == '%'; at += 3) {
        int high = rac_hex_value(s.p[at + 1]), low = rac_hex_value(s.p[at + 2]);
        if (high < 0 || low < 0)
            break;
        bytes[n++] = (char)(high << 4 | low);
    }
    uint32_t cp;
    size_t used = n > 0 ? rac_utf8_decode(bytes, n, &cp) : 0;
    memcpy(out, bytes, used);
    return used;
}

bool fn_uri_component_to_string(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                                struct rac_json *out)
{
    rac_str s;
    if (!arg_str(c, v, 0, &s))
        return false;
    char *p = rac_arena_alloc_dirty(c->a, s.n + 4), *w = p;
    for (size_t i = 0; i < s.n;) {
        size_t bytes = s.p[i] == '%' ? decode_run(rac_str_from(s, i), w) : 0;
        if (bytes == 0)
            *w = s.p[i];
        w += bytes > 0 ? bytes : 1;
        i += bytes > 0 ? 3 * bytes : 1;
    }
    return answer_str(out, (rac_str){p, (size_t)(w - p)});
}

bool fn_uri_component_to_binary(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                                struct rac_json *out)
{
    rac_str s;
    if (!arg_str(c, v, 0, &s))
        return false;
    *out = envelope(c->a, RAC_S("application/octet-stream"), rac_url_decode(c->a, s, false));
    return true;
}

/* --- json ------------------------------------------------------------------------------------- */

static bool json_of_text(struct call *c, const struct rac_json *v, rac_str text,
                         struct rac_json *out)
{
    struct rac_json_error where;
    if (!charge(c, text.n / 16))
        return false;
    rac_err e = rac_json_parse(text, c->a, 0, out, &where);
    if (e == RAC_OK)
        return true;
    return fail(c, RAC_EXPR_CONVERT,
                "The template language function 'json' parameter is not valid. The provided value "
                "'%.*s' cannot be parsed: %s at line %u, column %u.",
                RAC_FMT(rac_str_sub(rac_expr_text(v, c->a), 0, 200)), where.message, where.line,
                where.column);
}

bool fn_json(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    rac_str text, bytes;
    if (v[0].type == RAC_JSON_STRING)
        return json_of_text(c, &v[0], str_of(&v[0]), out);
    if (!is_envelope(&v[0]))
        return fail_type(c, &v[0], 0, "a string or XML");
    if (!charge(c, rac_json_str(RAC_JSON_GET(&v[0], "$content"), RAC_S("")).n / 64))
        return false;
    if (!envelope_bytes(&v[0], c->a, &bytes))
        return fail_convert(c, &v[0], "JSON: its content is not base64");
    text = envelope_text(&v[0], c->a);
    return xml_is_envelope(&v[0]) ? xml_to_json(c, text, out) : json_of_text(c, &v[0], text, out);
}
