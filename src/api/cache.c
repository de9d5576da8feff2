#include "api/cache.h"

#include "base/mem.h"
#include "base/str.h"

#include <pthread.h>

enum { BUCKETS_MIN = 16, BUCKETS_MAX = 1024 };

struct rac_cache {
    const struct rac_cache_kind *kind;
    struct rac_cache_entry **buckets;
    struct rac_cache_entry *newest, *oldest; /* by last use */
    size_t n, n_max, buckets_n;
};

struct rac_cache *rac_cache_new(const struct rac_cache_kind *kind, size_t values_max)
{
    struct rac_cache *c = rac_mem_alloc(sizeof *c);
    RAC_ASSERT(values_max > 0);
    c->kind = kind;
    c->n_max = values_max;
    c->buckets_n = values_max < BUCKETS_MIN   ? BUCKETS_MIN
                   : values_max > BUCKETS_MAX ? BUCKETS_MAX
                                              : values_max;
    c->buckets = rac_mem_alloc(c->buckets_n * sizeof *c->buckets);
    return c;
}

void rac_cache_free(struct rac_cache *c)
{
    if (c == NULL)
        return;
    while (c->oldest != NULL)
        rac_cache_drop(c, c->oldest);
    rac_mem_free(c->buckets);
    rac_mem_free(c);
}

size_t rac_cache_n(const struct rac_cache *c)
{
    return c->n;
}

struct rac_cache_entry *rac_cache_find(const struct rac_cache *c, rac_str key)
{
    uint64_t h = rac_str_hash(key);
    struct rac_cache_entry *e = c->buckets[h % c->buckets_n];
    while (e != NULL && !(e->hash == h && rac_str_eq((rac_str){e->key, e->key_n}, key)))
        e = e->bucket_next;
    return e;
}

static void unlink_use(struct rac_cache *c, struct rac_cache_entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_use(struct rac_cache *c, struct rac_cache_entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

void *rac_cache_use(struct rac_cache *c, struct rac_cache_entry *e)
{
    if (c->newest != e) {
        unlink_use(c, e);
        link_use(c, e);
    }
    return e->value;
}

void rac_cache_drop(struct rac_cache *c, struct rac_cache_entry *e)
{
    struct rac_cache_entry **at = &c->buckets[e->hash % c->buckets_n];
    while (*at != e)
        at = &(*at)->bucket_next;
    *at = e->bucket_next;
    unlink_use(c, e);
    c->n--;
    c->kind->unref(e->value);
    rac_mem_free(e);
}

struct rac_cache_entry *rac_cache_put(struct rac_cache *c, rac_str key, void *value)
{
    struct rac_cache_entry *e = rac_cache_find(c, key);
    c->kind->ref(value);
    if (e != NULL) {
        c->kind->unref(e->value);
        e->value = value;
        (void)rac_cache_use(c, e);
        return e;
    }
    while (c->n >= c->n_max)
        rac_cache_drop(c, c->oldest);
    e = rac_mem_alloc(sizeof *e + key.n);
    memcpy(e->key, key.p, key.n);
    e->key_n = key.n;
    e->hash = rac_str_hash(key);
    e->value = value;
    e->bucket_next = c->buckets[e->hash % c->buckets_n];
    c->buckets[e->hash % c->buckets_n] = e;
    c->n++;
    link_use(c, e);
    return e;
}

/* --- for the whole process --- */

struct rac_cache_home {
    pthread_mutex_t lock; /* held for a look-up, never while compiling or reading */
    struct rac_cache *c;
};

struct rac_cache_home *rac_cache_home_new(const struct rac_cache_kind *kind, size_t values_max)
{
    struct rac_cache_home *h = rac_mem_alloc(sizeof *h);
    RAC_ASSERT(kind->version != NULL);
    pthread_mutex_init(&h->lock, NULL);
    h->c = rac_cache_new(kind, values_max);
    return h;
}

void rac_cache_home_free(struct rac_cache_home *h)
{
    if (h == NULL)
        return;
    rac_cache_free(h->c);
    pthread_mutex_destroy(&h->lock);
    rac_mem_free(h);
}

void *rac_cache_home_get(struct rac_cache_home *h, rac_str key, int64_t version)
{
    void *value = NULL;
    pthread_mutex_lock(&h->lock);
    struct rac_cache_entry *e = rac_cache_find(h->c, key);
    if (e != NULL && (version == 0 || h->c->kind->version(e->value) == version)) {
        value = rac_cache_use(h->c, e);
        h->c->kind->ref(value);
    }
    pthread_mutex_unlock(&h->lock);
    return value;
}

size_t rac_cache_home_put(struct rac_cache_home *h, rac_str key, void *value)
{
    pthread_mutex_lock(&h->lock);
    struct rac_cache_entry *e = rac_cache_find(h->c, key);
    if (e == NULL || h->c->kind->version(e->value) < h->c->kind->version(value))
        (void)rac_cache_put(h->c, key, value);
    size_t n = rac_cache_n(h->c);
    pthread_mutex_unlock(&h->lock);
    return n;
}
