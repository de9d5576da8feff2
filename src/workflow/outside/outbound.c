#include "workflow/outside/outbound.h"

#include "expr/expr.h"
#include "text/url.h"
#include "workflow/definition/content.h"

enum { URI_MAX = 16384, METHOD_MAX = 32, HEADERS_MAX = 256, HEADER_VALUE_MAX = 1 << 20 };
enum { REQUEST = 1, RESPONSE = 2 };

static const struct {
    rac_str name;
    unsigned directions;
} dropped[] = {
#define DROPPED(name, directions) {RAC_S_INIT(name), directions},
#include "workflow/definition/dropped.def"
#undef DROPPED
};

static rac_err invalid(rac_str *why, rac_str sentence)
{
    *why = sentence;
    return RAC_E_INVALID;
}

/* --- headers ----------------------------------------------------------------------------------- */

static bool is_dropped(rac_str name, unsigned direction)
{
    if (rac_str_startsi(name, RAC_S("Content-")))
        return !rac_str_eqi(name, RAC_S("Content-Disposition")) &&
               !rac_str_eqi(name, RAC_S("Content-Encoding")) &&
               !rac_str_eqi(name, RAC_S("Content-Type"));
    if (direction == REQUEST && rac_str_startsi(name, RAC_S("Accept-")))
        return true;
    for (size_t i = 0; i < RAC_COUNT(dropped); i++)
        if ((dropped[i].directions & direction) != 0 && rac_str_eqi(name, dropped[i].name))
            return true;
    return false;
}

static rac_err header_add(struct rac_headers *h, rac_str name, rac_str value, struct rac_arena *a,
                          rac_str *why)
{
    if (!rac_header_is_name(name))
        return invalid(why, rac_arena_printf(a, "'%.*s' cannot be the name of a header.",
                                             RAC_FMT(rac_str_sub(name, 0, 80))));
    if (!rac_header_is_value(value) || value.n > HEADER_VALUE_MAX)
        return invalid(why, rac_arena_printf(a,
                                             "The value of header '%.*s' has characters that a "
                                             "header cannot have, or is too long.",
                                             RAC_FMT(name)));
    rac_headers_set(h, a, name, value);
    return RAC_OK;
}

static rac_err headers_of(const struct rac_json *inputs, unsigned direction, struct rac_arena *a,
                          struct rac_headers *out, rac_str *why)
{
    const struct rac_json *v = rac_json_geti(inputs, RAC_S("headers"));
    rac_err e = RAC_OK;
    if (v == NULL || rac_json_is_null(v))
        return RAC_OK;
    if (!rac_json_is_object(v))
        return invalid(why, RAC_S("'headers' must be an object."));
    if (rac_json_len(v) > HEADERS_MAX) {
        *why = RAC_S("There are more than 256 headers.");
        return RAC_E_LIMIT;
    }
    RAC_JSON_EACH_MEMBER(m, v)
    {
        rac_str name = rac_json_key(m);
        if (!rac_json_is_null(&m->value) && !is_dropped(name, direction) && e == RAC_OK)
            e = header_add(out, name, rac_str_trim(rac_expr_text(&m->value, a)), a, why);
    }
    return e;
}

static rac_err body_of(const struct rac_json *inputs, const struct rac_outbound_options *o,
                       struct rac_arena *a, struct rac_headers *h, struct rac_content *out,
                       rac_str *why)
{
    struct rac_content_options c = {.content_type = rac_headers_get(h, RAC_S("Content-Type")),
                                    .bytes_max = o->body_bytes_max};
    memcpy(c.random, o->random, sizeof c.random);
    rac_err e = rac_content_write(rac_json_geti(inputs, RAC_S("body")), &c, a, out, why);
    if (e != RAC_OK || !out->present || rac_str_eq(out->type, c.content_type))
        return e;
    return header_add(h, RAC_S("Content-Type"), out->type, a, why);
}

/* --- requests ---------------------------------------------------------------------------------- */

/* The query that `queries` makes; absent when it is empty. */
static rac_err query_of(const struct rac_json *queries, struct rac_arena *a, rac_str *out,
                        rac_str *why)
{
    struct rac_buf b;
    *out = RAC_STR_NULL;
    if (!rac_json_is_object(queries))
        return invalid(why, RAC_S("'queries' must be an object."));
    rac_buf_init(&b, URI_MAX);
    RAC_JSON_EACH_MEMBER(m, queries)
    {
        if (rac_json_is_null(&m->value))
            continue;
        if (b.n > 0)
            rac_buf_add_char(&b, '&');
        rac_url_encode_to(&b, rac_json_key(m), RAC_URL_STRICT);
        rac_buf_add_char(&b, '=');
        rac_url_encode_to(&b, rac_expr_text(&m->value, a), RAC_URL_STRICT);
    }
    rac_err e = rac_buf_err(&b);
    if (e != RAC_OK)
        *why = RAC_S("The URL has more than 16384 characters.");
    else if (b.n > 0)
        *out = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return e;
}

static rac_err url_of(const struct rac_json *inputs, struct rac_arena *a, rac_str *out,
                      rac_str *why)
{
    const struct rac_json *queries = rac_json_geti(inputs, RAC_S("queries")),
                          *uri = rac_json_geti(inputs, RAC_S("uri"));
    rac_str text = rac_str_trim(rac_json_str(uri, RAC_S("")));
    struct rac_url u;
    if (!rac_json_is_string(uri))
        return invalid(why, rac_arena_printf(a,
                                             "'uri' must be an absolute http or https URL; it is "
                                             "of type '%s'.",
                                             uri != NULL ? rac_expr_type_name(uri) : "Null"));
    if (text.n > URI_MAX) {
        *why = RAC_S("The URL has more than 16384 characters.");
        return RAC_E_LIMIT;
    }
    if (!rac_url_split_http(rac_url_encode_set(a, text, RAC_URL_WHOLE), &u))
        return invalid(why, rac_arena_printf(a,
                                             "'uri' must be an absolute http or https URL; it "
                                             "is '%.*s'.",
                                             RAC_FMT(rac_str_sub(text, 0, 120))));
    u.fragment = RAC_STR_NULL;
    if (queries != NULL && !rac_json_is_null(queries)) {
        rac_err e = query_of(queries, a, &u.query, why);
        if (e != RAC_OK)
            return e;
    }
    *out = rac_url_join(a, &u);
    if (out->n <= URI_MAX)
        return RAC_OK;
    *why = RAC_S("The URL has more than 16384 characters.");
    return RAC_E_LIMIT;
}

rac_err rac_outbound_request(const struct rac_json *inputs, const struct rac_outbound_options *o,
                             struct rac_arena *a, struct rac_outbound *out, rac_str *why)
{
    struct rac_outbound r = {0};
    struct rac_content body;
    rac_str method = rac_json_str(rac_json_geti(inputs, RAC_S("method")), RAC_S(""));
    const struct rac_json *cookie = rac_json_geti(inputs, RAC_S("cookie"));
    if (!rac_header_is_name(method) || method.n > METHOD_MAX)
        return invalid(why, RAC_S("'method' must be the name of an HTTP method."));
    r.method = rac_str_upper(a, method);
    rac_err e = url_of(inputs, a, &r.url, why);
    if (e == RAC_OK)
        e = headers_of(inputs, REQUEST, a, &r.headers, why);
    if (e == RAC_OK && cookie != NULL && !rac_json_is_null(cookie))
        e = header_add(&r.headers, RAC_S("Cookie"), rac_expr_text(cookie, a), a, why);
    if (e == RAC_OK)
        e = body_of(inputs, o, a, &r.headers, &body, why);
    if (e != RAC_OK)
        return e;
    r.has_body = body.present;
    r.body = body.bytes;
    *out = r;
    return RAC_OK;
}

/* --- responses --------------------------------------------------------------------------------- */

static bool status_of(const struct rac_json *v, int *out)
{
    int64_t n = 200;
    if (rac_json_is_string(v)) {
        if (!rac_str_to_i64(rac_str_trim(rac_json_str(v, RAC_S(""))), &n))
            return false;
    } else if (v != NULL && !rac_json_is_null(v)) {
        n = rac_json_int(v, 0);
    }
    *out = (int)n;
    return (n >= 200 && n <= 299) || (n >= 400 && n <= 599);
}

rac_err rac_outbound_response(const struct rac_json *inputs, const struct rac_outbound_options *o,
                              struct rac_arena *a, struct rac_outbound_response *out, rac_str *why)
{
    struct rac_outbound_response r = {0};
    struct rac_content body;
    const struct rac_json *status = rac_json_geti(inputs, RAC_S("statusCode"));
    if (!status_of(status, &r.status))
        return invalid(
            why, rac_arena_printf(a,
                                  "'statusCode' must be from 200 to 299 or from 400 to "
                                  "599; it is %.*s.",
                                  RAC_FMT(rac_str_sub(rac_json_print_str(status, 0, a), 0, 60))));
    rac_err e = headers_of(inputs, RESPONSE, a, &r.headers, why);
    if (e == RAC_OK)
        e = body_of(inputs, o, a, &r.headers, &body, why);
    if (e != RAC_OK)
        return e;
    r.has_body = body.present;
    r.body = body.bytes;
    *out = r;
    return RAC_OK;
}

rac_err rac_outbound_outputs(int status, const struct rac_headers *headers, rac_str body,
                             struct rac_arena *a, struct rac_json *out)
{
    struct rac_json v = rac_json_new_object(a), value;
    rac_str why;
    rac_str type = rac_headers_get(headers, RAC_S("Content-Type")),
            coding = rac_headers_get(headers, RAC_S("Content-Encoding"));
    bool encoded = coding.n > 0 && !rac_str_eqi(coding, RAC_S("identity")); /* was to be kept so */
    rac_err e =
        rac_content_read(encoded ? RAC_S("application/octet-stream") : type, body, a, &value, &why);
    if (e != RAC_OK && e != RAC_E_SYNTAX)
        return e;
    if (encoded && type.n > 0 && rac_json_is_object(&value))
        RAC_JSON_PUT_STR(a, &value, "$content-type", type);
    RAC_JSON_PUT(a, &v, "statusCode", rac_json_of_int(status));
    RAC_JSON_PUT(a, &v, "headers", rac_content_headers(headers, a));
    if (value.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, &v, "body", value);
    *out = v;
    return rac_arena_over(a) ? RAC_E_LIMIT : RAC_OK;
}

rac_str rac_outbound_redirect(rac_str method, rac_str url, int status,
                              const struct rac_headers *headers, unsigned hops, struct rac_arena *a,
                              bool *drop_authorization)
{
    rac_str location = rac_str_trim(rac_headers_get(headers, RAC_S("Location"))), next;
    struct rac_url from, to;
    bool redirects = status == 301 || status == 302 || status == 307 || status == 308;
    *drop_authorization = false;
    if (!redirects || !rac_str_eqi(method, RAC_S("GET")) || hops >= RAC_OUTBOUND_HOPS_MAX ||
        location.n == 0 ||
        rac_url_resolve(url, rac_url_encode_set(a, location, RAC_URL_WHOLE), a, &next) != RAC_OK ||
        !rac_url_split_http(next, &to) || !rac_url_split_http(url, &from))
        return RAC_STR_NULL;
    to.fragment = RAC_STR_NULL;
    *drop_authorization = !rac_str_eq(rac_url_origin(a, &from), rac_url_origin(a, &to));
    return rac_url_join(a, &to);
}
