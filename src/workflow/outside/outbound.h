/*
 * outbound - evaluated inputs of an action as an HTTP message, and an answer as outputs (spec
 * workflows §3.1, §3.3). Authentication comes after (definition/authentication), retrying and polling
 * around it (definition/retry, async). Pure; any thread.
 */
#ifndef RAC_WORKFLOW_OUTBOUND_H
#define RAC_WORKFLOW_OUTBOUND_H

#include "base/fetch.h"
#include "json/json.h"

struct rac_outbound_options {
    unsigned char random[16]; /* boundary of a multipart body */
    size_t body_bytes_max;    /* 0: 104,857,600 */
};

/* Everything in the arena given, or in the inputs. */
struct rac_outbound {
    rac_str method; /* upper case */
    rac_str url;    /* absolute http or https, without fragment */
    struct rac_headers headers;
    bool has_body;
    rac_str body;
};

/*
 * inputs: {method, uri, headers?, queries?, cookie?, body?}, evaluated. `queries` replaces the query
 * of `uri`. RAC_E_INVALID or RAC_E_LIMIT with *why, a sentence: the action fails as BadRequest.
 */
rac_err rac_outbound_request(const struct rac_json *inputs, const struct rac_outbound_options *o,
                             struct rac_arena *a, struct rac_outbound *out,
                             rac_str *why) RAC_MUST_CHECK;

struct rac_outbound_response {
    int status; /* 200-299, 400-599 */
    struct rac_headers headers;
    bool has_body;
    rac_str body;
};
/* Inputs of a Response action: {statusCode?, headers?, body?}. Errors as above. */
rac_err rac_outbound_response(const struct rac_json *inputs, const struct rac_outbound_options *o,
                              struct rac_arena *a, struct rac_outbound_response *out,
                              rac_str *why) RAC_MUST_CHECK;

/* {"statusCode", "headers", "body"?} of an answer. A body that is no JSON under a JSON type is its
 * text. RAC_E_LIMIT: nested too deep, the arena's cap. *out in a, borrowing body. */
rac_err rac_outbound_outputs(int status, const struct rac_headers *headers, rac_str body,
                             struct rac_arena *a, struct rac_json *out) RAC_MUST_CHECK;

/* Where a redirect of a GET leads, or absent: it is the answer (other methods, more than 10 hops,
 * no Location). hops: followed so far. *drop_authorization: another origin. In a. */
enum { RAC_OUTBOUND_HOPS_MAX = 10 };
rac_str rac_outbound_redirect(rac_str method, rac_str url, int status,
                              const struct rac_headers *headers, unsigned hops, struct rac_arena *a,
                              bool *drop_authorization);

#endif
