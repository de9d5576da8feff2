/*
 * retry - an action's retryPolicy (spec workflows §4.6): read, judged, made into the policy of
 * connector/verdict, which says whether an outcome is retried and after what delay.
 *
 *     struct rac_retry_policy p;
 *     e = rac_retry_parse(&(struct rac_retry_options){.stateless = s}, json, pointer, a, &p, diags);
 *     int64_t ms = rac_retry_delay_ms(&p, n, &outcome, now_ms, random01);        -1: no more
 */
#ifndef RAC_WORKFLOW_RETRY_H
#define RAC_WORKFLOW_RETRY_H

#include "base/diag.h"
#include "connector/verdict.h"

struct rac_retry_options {
    bool stateless;   /* 1 s to 1 min instead of 5 s to 1 day */
    bool consumption; /* longest delay 1 day unless said, else 1 hour */
    bool template;    /* as written: members that hold expressions are not judged */
};

/*
 * value NULL or null: the default (exponential, 4 retries from 7 s). RAC_E_INVALID: an error
 * InvalidTemplate in d (may be NULL) for each wrong value, with its pointer below pointer. *out is
 * written on RAC_OK; its list of statuses lives in a. Of a template, unknown members are defaults.
 */
rac_err rac_retry_parse(const struct rac_retry_options *o, const struct rac_json *value,
                        rac_str pointer, struct rac_arena *a, struct rac_retry_policy *out,
                        struct rac_diags *d) RAC_MUST_CHECK;

/* One failed attempt, for retryHistory: {startTime, endTime, code, clientRequestId,
 * serviceRequestId?, error?}. */
struct rac_retry_attempt {
    rac_ms start_ms, end_ms;
    int status;                   /* 0: no answer came; code is then transport_code */
    const char *transport_code;   /* "BadRequest", "RequestTimeout" */
    rac_str client_request_id;    /* the x-ms-client-request-id that was sent */
    rac_str service_request_id;   /* the answer's x-ms-request-id; absent: none */
    const struct rac_json *error; /* {"code", "message"}; NULL: none */
};
struct rac_json rac_retry_history_entry(const struct rac_retry_attempt *t, struct rac_arena *a);

#endif
