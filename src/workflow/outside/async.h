/*
 * async - an operation that goes on after its answer: 202 with Location, Azure-AsyncOperation (spec
 * workflows §4.7), as a state machine that is fed answers and says what to do next.
 *
 * What an answer means is connector/verdict; this keeps what must be remembered between answers, in
 * a form that can be stored while a run waits. Pure; one thread at a time. The caller sends, waits,
 * retries by the action's policy and watches the action's time limit.
 *
 *     rac_async_begin(&s, method, url);
 *     rac_async_answer(&s, status, &headers, &body, now_ms, a, &next);
 *     while (next.step == RAC_ASYNC_WAIT) { wait next.delay_ms; GET next.url; rac_async_answer ... }
 */
#ifndef RAC_WORKFLOW_ASYNC_H
#define RAC_WORKFLOW_ASYNC_H

#include "base/fetch.h"
#include "json/json.h"

/* Strings live in the arenas given with the calls that set them, or in the text it was read from. */
struct rac_async {
    rac_str method, url; /* of the request that began it */
    rac_str asked;       /* the URL whose answer comes next */
    rac_str result;      /* Location of the first answer, for Azure-AsyncOperation; or absent */
    bool azure;          /* asked is an Azure-AsyncOperation */
    bool last;           /* the next answer is the result, whatever it says */
    uint32_t polls;
};

enum rac_async_step {
    RAC_ASYNC_DONE,   /* this answer is the action's: judge it by its status */
    RAC_ASYNC_WAIT,   /* GET url after delay_ms */
    RAC_ASYNC_FAILED, /* the operation ended as Failed or Canceled: error */
};
struct rac_async_next {
    enum rac_async_step step;
    rac_str url; /* absolute; in a */
    int64_t delay_ms;
    bool same_origin;             /* url has the origin of the first request: credentials go too */
    const struct rac_json *error; /* FAILED: {code, message} of the body, or NULL */
};

void rac_async_begin(struct rac_async *s, rac_str method, rac_str url); /* keeps both */
/* body: the answer's, parsed; NULL or NONE: none. */
void rac_async_answer(struct rac_async *s, int status, const struct rac_headers *headers,
                      const struct rac_json *body, rac_ms now_ms, struct rac_arena *a,
                      struct rac_async_next *out);

/* The state as JSON, and back; false: it is none. In a; reading borrows v. */
struct rac_json rac_async_json(const struct rac_async *s, struct rac_arena *a);
bool rac_async_read(const struct rac_json *v, struct rac_async *out);

#endif
