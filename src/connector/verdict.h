/*
 * verdict - what to do after an answer: pure functions, no clock of their own, no memory.
 *
 * The call pipeline sends once; whoever called it asks here whether to retry and when, whether to
 * poll on, and where the next page is, and owns the timers (workflows.md §4.6, §4.7;
 * connectors.md §5.9, §7.1, §7.3).
 */
#ifndef RAC_CONNECTOR_VERDICT_H
#define RAC_CONNECTOR_VERDICT_H

#include "base/arena.h"
#include "base/base.h"
#include "base/fetch.h"
#include "json/json.h"

enum rac_retry_type { RAC_RETRY_NONE, RAC_RETRY_FIXED, RAC_RETRY_EXPONENTIAL };

struct rac_retry_policy {
    enum rac_retry_type type;
    unsigned count; /* retries after the first attempt, at most 90 */
    int64_t interval_ms, minimum_ms, maximum_ms;
    const int *statuses; /* further HTTP statuses to retry, or NULL */
    size_t statuses_n;
};
/* Exponential, 4 retries, 7 s, between 5 s and 1 h: the engine's default. */
struct rac_retry_policy rac_retry_default(void);

struct rac_outcome {
    bool transport_error;              /* no HTTP answer: unreachable, timeout, reset */
    int status;                        /* HTTP status otherwise */
    const struct rac_headers *headers; /* may be NULL */
};

/* Is this outcome one that is retried at all? */
bool rac_retry_wanted(const struct rac_retry_policy *p, const struct rac_outcome *o);
/*
 * Delay before retry n (1 for the first), or -1 for no retry. random01 in [0, 1) spreads the
 * exponential form. Retry-After of a 429 or 503 replaces the delay when larger, capped.
 */
int64_t rac_retry_delay_ms(const struct rac_retry_policy *p, unsigned n,
                           const struct rac_outcome *o, rac_ms now_ms, double random01);

/* Whether the answer to an unsubscribe means that the subscription is no more (§7.2): a success, or
 * that there is none. status 0: no answer. */
bool rac_subscription_ended(int status);

/* Retry-After as a delay: seconds or an HTTP date (all three forms). -1: absent or unreadable. */
int64_t rac_retry_after_ms(rac_str value, rac_ms now_ms);

enum rac_poll_step {
    RAC_POLL_DONE,   /* this answer is the result */
    RAC_POLL_AGAIN,  /* GET url after delay_ms */
    RAC_POLL_FETCH,  /* Azure-AsyncOperation succeeded: GET url now, its answer is the result */
    RAC_POLL_FAILED, /* Azure-AsyncOperation ended Failed or Canceled; body.error says why */
};
struct rac_poll {
    enum rac_poll_step step;
    rac_str url; /* absolute; in a */
    int64_t delay_ms;
    bool azure; /* url is an Azure-AsyncOperation one: hand true to the next verdict */
};
/*
 * One async answer (202 with Location; Azure-AsyncOperation). first_* describe the request that
 * started it, url the one just answered; azure as returned by the former verdict (false at first);
 * result_url: Location kept from the first answer, or absent.
 */
struct rac_poll rac_poll_verdict(rac_str first_method, rac_str first_url, rac_str url, bool azure,
                                 rac_str result_url, int status, const struct rac_headers *headers,
                                 const struct rac_json *body, rac_ms now_ms, struct rac_arena *a);

/* The next page's URL of an answer, absolute, or absent when this was the last: the property of
 * that name (x-ms-pageable; absent: nextLink, @odata.nextLink). */
rac_str rac_next_page(const struct rac_json *body, rac_str next_link_name, rac_str url,
                      struct rac_arena *a);
/* The items of a page (§5.9): root array, `value`, else the only array property; NULL: none. */
const struct rac_json *rac_page_items(const struct rac_json *body);

#endif
