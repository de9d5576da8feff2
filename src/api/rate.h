/*
 * rate - calls a minute allowed on one connection, where an administrator set a rate
 * (connection.rate_per_minute, connection.rate_burst). One token bucket per connection for the
 * whole process, under a mutex: nobody pays for it unless a rate is set. A fixed number of buckets
 * is kept; the one idle longest makes room, which can only err on the side of letting a call pass.
 */
#ifndef RAC_API_RATE_H
#define RAC_API_RATE_H

#include "base/base.h"

struct rac_rate;

struct rac_rate *rac_rate_new(int64_t per_minute, int64_t burst); /* NULL when per_minute is 0 */
void rac_rate_free(struct rac_rate *r);
/* Any thread. False: used up; *retry_after_ms says when the next call fits. r NULL: true. */
bool rac_rate_take(struct rac_rate *r, rac_str tenant, rac_str connection, rac_ms now_ms,
                   int64_t *retry_after_ms);

#endif
