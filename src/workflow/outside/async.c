#include "workflow/outside/async.h"

#include "connector/verdict.h"
#include "text/url.h"

void rac_async_begin(struct rac_async *s, rac_str method, rac_str url)
{
    *s = (struct rac_async){.method = method, .url = url, .asked = url};
}

static bool same_origin(rac_str x, rac_str y, struct rac_arena *a)
{
    struct rac_url u, v;
    return rac_url_split_http(x, &u) && rac_url_split_http(y, &v) &&
           rac_str_eq(rac_url_origin(a, &u), rac_url_origin(a, &v));
}

/* §4.7: where the result will be, said once, beside the first Azure-AsyncOperation. */
static void keep_location(struct rac_async *s, const struct rac_headers *headers,
                          struct rac_arena *a)
{
    rac_str location = rac_str_trim(rac_headers_get(headers, RAC_S("Location"))), url;
    struct rac_url parts;
    if (s->polls > 0 || location.n == 0 ||
        rac_headers_get(headers, RAC_S("Azure-AsyncOperation")).n == 0 ||
        rac_url_resolve(s->asked, location, a, &url) != RAC_OK || !rac_url_split_http(url, &parts))
        return;
    s->result = url;
}

void rac_async_answer(struct rac_async *s, int status, const struct rac_headers *headers,
                      const struct rac_json *body, rac_ms now_ms, struct rac_arena *a,
                      struct rac_async_next *out)
{
    *out = (struct rac_async_next){.step = RAC_ASYNC_DONE};
    if (s->last)
        return;
    keep_location(s, headers, a);
    struct rac_poll v = rac_poll_verdict(s->method, s->url, s->asked, s->azure, s->result, status,
                                         headers, body, now_ms, a);
    switch (v.step) {
    case RAC_POLL_DONE:
        return;
    case RAC_POLL_FAILED:
        out->step = RAC_ASYNC_FAILED;
        out->error = RAC_JSON_GET(body, "error");
        return;
    case RAC_POLL_FETCH:
        s->last = true;
        break;
    case RAC_POLL_AGAIN:
        break;
    }
    s->azure = v.azure;
    s->asked = v.url;
    s->polls++;
    *out = (struct rac_async_next){.step = RAC_ASYNC_WAIT,
                                   .url = v.url,
                                   .delay_ms = v.delay_ms,
                                   .same_origin = same_origin(s->url, v.url, a)};
}

struct rac_json rac_async_json(const struct rac_async *s, struct rac_arena *a)
{
    struct rac_json v = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &v, "method", s->method);
    RAC_JSON_PUT_STR(a, &v, "url", s->url);
    RAC_JSON_PUT_STR(a, &v, "asked", s->asked);
    if (s->result.p != NULL)
        RAC_JSON_PUT_STR(a, &v, "result", s->result);
    RAC_JSON_PUT(a, &v, "azure", rac_json_of_bool(s->azure));
    RAC_JSON_PUT(a, &v, "last", rac_json_of_bool(s->last));
    RAC_JSON_PUT(a, &v, "polls", rac_json_of_int(s->polls));
    return v;
}

bool rac_async_read(const struct rac_json *v, struct rac_async *out)
{
    struct rac_async s = {
        .method = rac_json_str(RAC_JSON_GET(v, "method"), RAC_STR_NULL),
        .url = rac_json_str(RAC_JSON_GET(v, "url"), RAC_STR_NULL),
        .asked = rac_json_str(RAC_JSON_GET(v, "asked"), RAC_STR_NULL),
        .result = rac_json_str(RAC_JSON_GET(v, "result"), RAC_STR_NULL),
        .azure = rac_json_bool(RAC_JSON_GET(v, "azure"), false),
        .last = rac_json_bool(RAC_JSON_GET(v, "last"), false),
        .polls = (uint32_t)rac_json_int(RAC_JSON_GET(v, "polls"), 0),
    };
    if (s.method.p == NULL || s.url.p == NULL || s.asked.p == NULL)
        return false;
    *out = s;
    return true;
}
