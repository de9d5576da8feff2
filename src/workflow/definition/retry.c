#include "workflow/definition/retry.h"

#include "base/time.h"
#include "workflow/definition/http_status.h"
#include "workflow/definition/literal.h"

#define SECOND_MS INT64_C(1000)
#define DAY_MS    INT64_C(86400000)

enum { COUNT_MAX = 90, STATUSES_MAX = 100 };

struct parse {
    const struct rac_retry_options *o;
    struct rac_arena *a;
    struct rac_diags *d;
    rac_str pointer;
    bool wrong;
};

static void wrong(struct parse *p, const char *member, rac_str message)
{
    struct rac_diag diag = {.code = "InvalidTemplate",
                            .severity = RAC_SEV_ERROR,
                            .pointer = p->pointer,
                            .message = message};
    if (member != NULL)
        diag.pointer = rac_json_pointer_join(p->a, p->pointer, rac_str_of(member));
    rac_diags_add(p->d, &diag);
    p->wrong = true;
}

static bool unknown(const struct parse *p, const struct rac_json *v)
{
    rac_str head, tail;
    return p->o->template && rac_json_is_string(v) &&
           rac_literal_split(rac_json_str(v, RAC_S("")), &head, &tail);
}

static bool integer(const struct rac_json *v, int64_t *out)
{
    if (rac_json_is_string(v))
        return rac_str_to_i64(rac_json_str(v, RAC_S("")), out);
    *out = rac_json_int(v, INT64_MIN);
    return *out != INT64_MIN;
}

/* A duration of the object, or otherwise. */
static int64_t duration(struct parse *p, const struct rac_json *object, const char *member,
                        int64_t min, int64_t max, int64_t otherwise)
{
    const struct rac_json *v = rac_json_geti(object, rac_str_of(member));
    int64_t ms;
    if (v == NULL || rac_json_is_null(v) || unknown(p, v))
        return otherwise;
    if (rac_time_parse_duration(rac_json_str(v, RAC_S("")), &ms) && ms >= min && ms <= max)
        return ms;
    wrong(p, member,
          rac_arena_printf(p->a,
                           "'%s' must be a duration (ISO 8601, PT10S) from %lld to %lld seconds.",
                           member, (long long)(min / SECOND_MS), (long long)(max / SECOND_MS)));
    return otherwise;
}

static void count(struct parse *p, const struct rac_json *object, struct rac_retry_policy *out)
{
    const struct rac_json *v = rac_json_geti(object, RAC_S("count"));
    int64_t n;
    if (v == NULL || rac_json_is_null(v) || unknown(p, v))
        return;
    if (integer(v, &n) && n >= 1 && n <= COUNT_MAX)
        out->count = (unsigned)n;
    else
        wrong(p, "count", RAC_S("'count' must be an integer from 1 to 90."));
}

static void statuses(struct parse *p, const struct rac_json *object, struct rac_retry_policy *out)
{
    const struct rac_json *v = rac_json_geti(object, RAC_S("httpStatusCodes"));
    if (v == NULL || rac_json_is_null(v) || unknown(p, v))
        return;
    if (!rac_json_is_array(v) || rac_json_len(v) > STATUSES_MAX) {
        wrong(p, "httpStatusCodes", RAC_S("'httpStatusCodes' must be a list of HTTP statuses."));
        return;
    }
    int *list = RAC_NEW_N(p->a, int, rac_json_len(v));
    RAC_JSON_EACH(e, v)
    {
        int64_t n;
        if (unknown(p, e))
            continue;
        if (!integer(e, &n) || n < 100 || n > 599) {
            wrong(p, "httpStatusCodes", RAC_S("'httpStatusCodes' must hold HTTP statuses."));
            return;
        }
        list[out->statuses_n++] = (int)n;
    }
    out->statuses = list;
}

/* What holds when nothing is said. */
static struct rac_retry_policy defaults(const struct rac_retry_options *o)
{
    struct rac_retry_policy p = rac_retry_default();
    if (o->stateless && p.maximum_ms > 60 * SECOND_MS)
        p.maximum_ms = 60 * SECOND_MS;
    return p;
}

static void members(struct parse *p, const struct rac_json *value, struct rac_retry_policy *out)
{
    bool stateless = p->o->stateless;
    int64_t min = (stateless ? 1 : 5) * SECOND_MS, max = stateless ? 60 * SECOND_MS : DAY_MS;
    if (!stateless && p->o->consumption)
        out->maximum_ms = DAY_MS;
    count(p, value, out);
    out->interval_ms = duration(p, value, "interval", min, max, out->interval_ms);
    out->minimum_ms = duration(p, value, "minimumInterval", 0, max, out->minimum_ms);
    out->maximum_ms = duration(p, value, "maximumInterval", min, max, out->maximum_ms);
    statuses(p, value, out);
}

rac_err rac_retry_parse(const struct rac_retry_options *o, const struct rac_json *value,
                        rac_str pointer, struct rac_arena *a, struct rac_retry_policy *out,
                        struct rac_diags *d)
{
    struct parse p = {.o = o, .a = a, .d = d, .pointer = pointer};
    struct rac_retry_policy r = defaults(o);
    if (value == NULL || rac_json_is_null(value) || unknown(&p, value)) {
        *out = r;
        return RAC_OK;
    }
    if (!rac_json_is_object(value)) {
        wrong(&p, NULL, RAC_S("A retry policy is an object."));
        return RAC_E_INVALID;
    }
    const struct rac_json *type = rac_json_geti(value, RAC_S("type"));
    rac_str word = rac_json_str(type, RAC_STR_NULL);
    if (unknown(&p, type) || rac_str_eqi(word, RAC_S("exponential"))) {
        members(&p, value, &r);
    } else if (rac_str_eqi(word, RAC_S("fixed"))) {
        r.type = RAC_RETRY_FIXED;
        members(&p, value, &r);
    } else if (rac_str_eqi(word, RAC_S("none"))) {
        r = (struct rac_retry_policy){.type = RAC_RETRY_NONE};
    } else if (word.n == 0 || !rac_str_eqi(word, RAC_S("default"))) {
        wrong(&p, type != NULL ? "type" : NULL,
              RAC_S("'type' of a retry policy must be none, fixed, exponential or default."));
    }
    if (p.wrong)
        return RAC_E_INVALID;
    *out = r;
    return RAC_OK;
}

static void put_time(struct rac_json *v, const char *name, rac_ms t, struct rac_arena *a)
{
    char text[RAC_TIME_TEXT];
    size_t n = rac_time_print(t, text);
    rac_json_put(a, v, rac_str_of(name), rac_json_of_str(rac_arena_str(a, (rac_str){text, n})));
}

struct rac_json rac_retry_history_entry(const struct rac_retry_attempt *t, struct rac_arena *a)
{
    struct rac_json v = rac_json_new_object(a);
    put_time(&v, "startTime", t->start_ms, a);
    put_time(&v, "endTime", t->end_ms, a);
    RAC_JSON_PUT_STR(a, &v, "code",
                     t->status != 0 ? rac_http_status_name(t->status, a)
                                    : rac_str_of(t->transport_code));
    RAC_JSON_PUT_STR(a, &v, "clientRequestId", t->client_request_id);
    if (t->service_request_id.p != NULL)
        RAC_JSON_PUT_STR(a, &v, "serviceRequestId", t->service_request_id);
    if (t->error != NULL && t->error->type != RAC_JSON_NONE) {
        struct rac_json error = rac_json_new_object(a);
        RAC_JSON_PUT(a, &error, "error", *t->error);
        RAC_JSON_PUT(a, &v, "error", error);
    }
    return v;
}
