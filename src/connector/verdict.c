#include "connector/verdict.h"

#include "base/str.h"
#include "base/time.h"
#include "text/url.h"

enum {
    SECOND = 1000,
    POLL_DEFAULT_MS = 20 * SECOND,
    POLL_MIN_MS = SECOND,
    POLL_MAX_MS = 24 * 3600 * SECOND,
};

struct rac_retry_policy rac_retry_default(void)
{
    return (struct rac_retry_policy){.type = RAC_RETRY_EXPONENTIAL,
                                     .count = 4,
                                     .interval_ms = 7 * SECOND,
                                     .minimum_ms = 5 * SECOND,
                                     .maximum_ms = 3600 * SECOND};
}

bool rac_retry_wanted(const struct rac_retry_policy *p, const struct rac_outcome *o)
{
    if (p->type == RAC_RETRY_NONE)
        return false;
    if (o->transport_error || o->status == 408 || o->status == 429 ||
        (o->status >= 500 && o->status <= 599))
        return true;
    for (size_t i = 0; i < p->statuses_n; i++)
        if (p->statuses[i] == o->status)
            return true;
    return false;
}

int64_t rac_retry_after_ms(rac_str value, rac_ms now_ms)
{
    int64_t seconds;
    rac_ms at;
    value = rac_str_trim(value);
    if (value.n > 0 && rac_is_digit(value.p[0]) && rac_str_to_i64(value, &seconds))
        return seconds > INT64_MAX / SECOND ? INT64_MAX : seconds * SECOND;
    if (!rac_time_parse_http(value, &at))
        return -1;
    return at > now_ms ? at - now_ms : 0;
}

/* interval * 2^n without overflow. */
static int64_t doubled(int64_t interval, unsigned n)
{
    for (; n > 0 && interval < INT64_MAX / 2; n--)
        interval *= 2;
    return interval;
}

static int64_t exponential_ms(const struct rac_retry_policy *p, unsigned n, double random01)
{
    int64_t lo = n == 1 ? 0 : doubled(p->interval_ms, n - 2);
    int64_t hi = doubled(p->interval_ms, n - 1);
    if (lo < p->minimum_ms)
        lo = p->minimum_ms;
    if (hi > p->maximum_ms)
        hi = p->maximum_ms;
    if (lo > hi)
        return hi;
    return lo + (int64_t)((double)(hi - lo) * random01);
}

int64_t rac_retry_delay_ms(const struct rac_retry_policy *p, unsigned n,
                           const struct rac_outcome *o, rac_ms now_ms, double random01)
{
    if (n == 0 || n > p->count || !rac_retry_wanted(p, o))
        return -1;
    int64_t delay = p->type == RAC_RETRY_FIXED ? p->interval_ms : exponential_ms(p, n, random01);
    if (!o->transport_error && (o->status == 429 || o->status == 503) && o->headers != NULL) {
        int64_t after =
            rac_retry_after_ms(rac_headers_get(o->headers, RAC_S("retry-after")), now_ms);
        if (p->maximum_ms > 0 && after > p->maximum_ms)
            after = p->maximum_ms;
        if (after > delay)
            delay = after;
    }
    return delay;
}

/* --- asynchronous answers --------------------------------------------------------------------- */

static int64_t poll_delay_ms(const struct rac_headers *h, rac_ms now_ms)
{
    int64_t ms = rac_retry_after_ms(rac_headers_get(h, RAC_S("retry-after")), now_ms);
    return ms < 0             ? POLL_DEFAULT_MS
           : ms < POLL_MIN_MS ? POLL_MIN_MS
           : ms > POLL_MAX_MS ? POLL_MAX_MS
                              : ms;
}

static rac_str header_url(const struct rac_headers *h, rac_str name, rac_str base,
                          struct rac_arena *a)
{
    rac_str value = rac_headers_get(h, name), out;
    if (value.n == 0 || rac_url_resolve(base, value, a, &out) != RAC_OK)
        return RAC_STR_NULL;
    struct rac_url parts;
    return rac_url_split_http(out, &parts) ? out : RAC_STR_NULL;
}

/* The answer of an Azure-AsyncOperation URL: goes on until status says it ended. */
static struct rac_poll azure_verdict(rac_str first_method, rac_str first_url, rac_str url,
                                     rac_str result_url, int status,
                                     const struct rac_headers *headers, const struct rac_json *body,
                                     rac_ms now_ms)
{
    struct rac_poll v = {.step = RAC_POLL_DONE};
    rac_str word = rac_json_str(RAC_JSON_GET(body, "status"), RAC_STR_NULL);
    if (status >= 400)
        return v;
    if (rac_str_eqi(word, RAC_S("Failed")) || rac_str_eqi(word, RAC_S("Canceled"))) {
        v.step = RAC_POLL_FAILED;
    } else if (rac_str_eqi(word, RAC_S("Succeeded")) || (word.p == NULL && status == 200)) {
        bool original =
            rac_str_eqi(first_method, RAC_S("PUT")) || rac_str_eqi(first_method, RAC_S("PATCH"));
        v.url = original ? first_url : result_url;
        v.step = v.url.n > 0 ? RAC_POLL_FETCH : RAC_POLL_DONE;
    } else {
        v.step = RAC_POLL_AGAIN;
        v.url = url;
        v.azure = true;
        v.delay_ms = poll_delay_ms(headers, now_ms);
    }
    return v;
}

struct rac_poll rac_poll_verdict(rac_str first_method, rac_str first_url, rac_str url, bool azure,
                                 rac_str result_url, int status, const struct rac_headers *headers,
                                 const struct rac_json *body, rac_ms now_ms, struct rac_arena *a)
{
    struct rac_poll v = {.step = RAC_POLL_DONE};
    rac_str next = header_url(headers, RAC_S("azure-asyncoperation"), url, a);
    if (next.p != NULL && (status == 200 || status == 201 || status == 202)) {
        if (azure) /* it may move on while it runs */
            return azure_verdict(first_method, first_url, next, result_url, status, headers, body,
                                 now_ms);
        v = (struct rac_poll){RAC_POLL_AGAIN, next, poll_delay_ms(headers, now_ms), true};
        return v;
    }
    if (azure)
        return azure_verdict(first_method, first_url, url, result_url, status, headers, body,
                             now_ms);
    if (status != 202)
        return v;
    next = header_url(headers, RAC_S("location"), url, a);
    if (next.p == NULL && rac_str_eq(url, first_url)) /* 202 alone: it is done as it stands */
        return v;
    v.step = RAC_POLL_AGAIN;
    v.url = next.p != NULL ? next : url;
    v.delay_ms = poll_delay_ms(headers, now_ms);
    return v;
}

/* --- pages ------------------------------------------------------------------------------------ */

rac_str rac_next_page(const struct rac_json *body, rac_str next_link_name, rac_str url,
                      struct rac_arena *a)
{
    const struct rac_json *link = NULL;
    if (next_link_name.n > 0) {
        link = rac_json_get(body, next_link_name);
    } else {
        link = RAC_JSON_GET(body, "nextLink");
        if (!rac_json_is_string(link))
            link = RAC_JSON_GET(body, "@odata.nextLink");
    }
    rac_str text = rac_str_trim(rac_json_str(link, RAC_S(""))), out;
    struct rac_url parts;
    if (text.n == 0 || rac_url_resolve(url, text, a, &out) != RAC_OK ||
        !rac_url_split_http(out, &parts) || rac_str_eq(out, url)) /* a page that is its own next */
        return RAC_STR_NULL;
    return out;
}

const struct rac_json *rac_page_items(const struct rac_json *body)
{
    if (rac_json_is_array(body))
        return body;
    const struct rac_json *items = RAC_JSON_GET(body, "value");
    if (rac_json_is_array(items))
        return items;
    items = NULL;
    RAC_JSON_EACH_MEMBER(m, body)
    {
        if (!rac_json_is_array(&m->value))
            continue;
        if (items != NULL)
            return NULL;
        items = &m->value;
    }
    return items;
}

bool rac_subscription_ended(int status)
{
    return (status >= 200 && status <= 299) || status == 404 || status == 410;
}
