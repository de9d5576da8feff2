#include "api/rate.h"

#include <pthread.h>

#include "base/mem.h"
#include "base/str.h"

enum { BUCKETS_N = 4096, WAYS = 4 };

struct bucket {
    uint64_t hash;
    int64_t credit; /* thousandths of a call */
    rac_ms at_ms;
};

struct rac_rate {
    pthread_mutex_t lock;
    int64_t per_minute, burst;
    struct bucket v[BUCKETS_N];
};

struct rac_rate *rac_rate_new(int64_t per_minute, int64_t burst)
{
    if (per_minute <= 0)
        return NULL;
    struct rac_rate *r = rac_mem_alloc(sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    r->per_minute = per_minute;
    r->burst = burst;
    return r;
}

void rac_rate_free(struct rac_rate *r)
{
    if (r == NULL)
        return;
    pthread_mutex_destroy(&r->lock);
    rac_mem_free(r);
}

static struct bucket *find(struct rac_rate *r, uint64_t h, rac_ms now_ms)
{
    struct bucket *set = &r->v[h % (BUCKETS_N / WAYS) * WAYS], *oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].hash == h && set[i].at_ms != 0)
            return &set[i];
        if (set[i].at_ms < oldest->at_ms)
            oldest = &set[i];
    }
    *oldest = (struct bucket){.hash = h, .credit = r->burst * 1000, .at_ms = now_ms};
    return oldest;
}

bool rac_rate_take(struct rac_rate *r, rac_str tenant, rac_str connection, rac_ms now_ms,
                   int64_t *retry_after_ms)
{
    if (r == NULL)
        return true;
    pthread_mutex_lock(&r->lock);
    struct bucket *b = find(r, rac_str_hash(tenant) * 31 + rac_str_hash(connection), now_ms);
    int64_t passed = now_ms > b->at_ms ? now_ms - b->at_ms : 0;
    if (passed > 3600000)
        passed = 3600000;
    b->credit += passed * r->per_minute / 60;
    b->at_ms = now_ms;
    if (b->credit > r->burst * 1000)
        b->credit = r->burst * 1000;
    bool ok = b->credit >= 1000;
    if (ok)
        b->credit -= 1000;
    else
        *retry_after_ms = (1000 - b->credit) * 60 / r->per_minute + 1;
    pthread_mutex_unlock(&r->lock);
    return ok;
}
