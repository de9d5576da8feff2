/*
 * kept - answers of reading operations, kept by a worker to be sent again while nothing changed.
 *
 * An answer belongs to a token and a URL, and is good while the store's counters of connectors,
 * connections and identity stand still: any write anywhere makes all of them stale, so what is
 * sent is always what the store says. Only operations whose answer depends on nothing else are
 * kept (OP_KEPT). Bounded in number and bytes. Belongs to one worker.
 */
#ifndef RAC_API_KEPT_H
#define RAC_API_KEPT_H

#include "http/server.h"
#include "iam/iam.h"

enum { RAC_KEPT_MAX = 256, RAC_KEPT_BYTES_MAX = 64 * 1024 }; /* answers; bytes of one */

struct rac_api_worker;
struct rac_kept;

struct rac_kept *rac_kept_new(struct rac_api_worker *w);
void rac_kept_free(struct rac_kept *k);

/* Sends the answer kept for this request; false: there is none. */
bool rac_kept_send(struct rac_kept *k, const struct rac_principal *who,
                   struct rac_http_exchange *x);
/* What the counters say now: ask before the answer is made, hand it to rac_kept_put. */
uint64_t rac_kept_now(const struct rac_kept *k);
/* Keeps an answer made while the counters said `seen`, unless they moved since. */
void rac_kept_put(struct rac_kept *k, uint64_t seen, const struct rac_principal *who,
                  struct rac_http_exchange *x, const struct rac_headers *headers, rac_str body);

#endif
