/*
 * doors - the URLs of workflows that carry their own permission (spec workflows §2.2, §2.6, §3.3,
 * §3.5, §5.2, §7.4): triggers called from outside, webhooks called back, content links, the status
 * of an asynchronous answer.
 *
 *   path -> workflow (flows.h) -> signature or token -> access control -> what the URL is for
 *
 * A URL whose signature was verified is remembered, so that the next request over it costs a look-up
 * and a comparison: no HMAC, no database. What is remembered is good for one state of the workflow;
 * exchanging a key or saving it ends that. One struct rac_doors per worker.
 */
#ifndef RAC_API_DOORS_H
#define RAC_API_DOORS_H

#include "http/server.h"

struct rac_api_worker;
struct rac_doors;

struct rac_doors *rac_doors_new(struct rac_api_worker *w);
void rac_doors_free(struct rac_doors *d);
void rac_doors_handle(struct rac_doors *d, struct rac_http_exchange *x);

#endif
