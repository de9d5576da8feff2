/*
 * map - hash map from byte strings to pointers, in an arena, remembering insertion order.
 * Keys are kept by reference (copy them into the arena first if they may go away). One thread
 * writes; once nobody writes, any number may read.
 */
#ifndef RAC_BASE_MAP_H
#define RAC_BASE_MAP_H

#include "base/arena.h"
#include "base/base.h"

struct rac_map_entry {
    rac_str key;
    void *value;
    uint64_t hash;
};

struct rac_map {
    struct rac_arena *a;
    struct rac_map_entry *entries; /* in insertion order */
    uint32_t *slots;               /* open addressing; 0 free, else entry index + 1 */
    size_t n, cap, slots_n;
};

void rac_map_init(struct rac_map *m, struct rac_arena *a);
void *rac_map_get(const struct rac_map *m, rac_str key); /* NULL when absent */
bool rac_map_has(const struct rac_map *m, rac_str key);
void rac_map_put(struct rac_map *m, rac_str key, void *value); /* replaces */
/* Puts only if absent; returns false and leaves the map alone when the key exists. */
bool rac_map_add(struct rac_map *m, rac_str key, void *value);

#endif
