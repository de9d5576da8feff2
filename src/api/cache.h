/*
 * cache - the things of one kind that were used last, by key.
 *
 * Of compiled connectors, compiled workflows, opened connections. At most values_max of them; one
 * more forgets the one that was used longest ago. The cache holds one reference to each value, so
 * forgetting never disturbs whoever holds another. It does not know whether a value is still true:
 * its owner compares `seen` with a counter of the store.
 *
 *     struct rac_cache_entry *e = rac_cache_find(c, key);
 *     if (e != NULL && e->seen == now)
 *         return rac_cache_use(c, e);
 *
 * One thread. A rac_cache_home is the same behind a mutex, for the whole process: what one worker
 * made, the others take from there.
 */
#ifndef RAC_API_CACHE_H
#define RAC_API_CACHE_H

#include "base/base.h"

/* What the values are. */
struct rac_cache_kind {
    void (*ref)(void *value);
    void (*unref)(void *value);
    int64_t (*version)(const void *value); /* NULL: no home of them */
};

struct rac_cache_entry {
    void *value;
    uint64_t seen; /* the owner's; 0 at first */
    /* private */
    struct rac_cache_entry *bucket_next, *newer, *older;
    uint64_t hash;
    size_t key_n;
    char key[];
};

struct rac_cache;

/* kind is kept until the end; values_max at least 1. */
struct rac_cache *rac_cache_new(const struct rac_cache_kind *kind, size_t values_max);
void rac_cache_free(struct rac_cache *c); /* NULL is allowed */
size_t rac_cache_n(const struct rac_cache *c);

/* NULL: not there. Entries are valid until the next put, drop or free. */
struct rac_cache_entry *rac_cache_find(const struct rac_cache *c, rac_str key);
/* Says that it was used now; its value, borrowed. */
void *rac_cache_use(struct rac_cache *c, struct rac_cache_entry *e);
/* Takes a reference of its own; in the place of what was there. key is copied. */
struct rac_cache_entry *rac_cache_put(struct rac_cache *c, rac_str key, void *value);
void rac_cache_drop(struct rac_cache *c, struct rac_cache_entry *e);

/* --- for the whole process --- */

struct rac_cache_home;

struct rac_cache_home *rac_cache_home_new(const struct rac_cache_kind *kind, size_t values_max);
void rac_cache_home_free(struct rac_cache_home *h);
/* A new reference to the value of that version (0: any), or NULL. Any thread. */
void *rac_cache_home_get(struct rac_cache_home *h, rac_str key, int64_t version);
/* Kept unless a newer version is there; how many there are now. Any thread. */
size_t rac_cache_home_put(struct rac_cache_home *h, rac_str key, void *value);

#endif
