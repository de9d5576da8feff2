#include "base/map.h"
#include "base/str.h"

void rac_map_init(struct rac_map *m, struct rac_arena *a)
{
    *m = (struct rac_map){.a = a};
}

static struct rac_map_entry *find(const struct rac_map *m, rac_str key, uint64_t hash)
{
    if (m->slots_n == 0)
        return NULL;
    for (size_t i = hash & (m->slots_n - 1);; i = (i + 1) & (m->slots_n - 1)) {
        if (m->slots[i] == 0)
            return NULL;
        struct rac_map_entry *e = &m->entries[m->slots[i] - 1];
        if (e->hash == hash && rac_str_eq(e->key, key))
            return e;
    }
}

static void index_entry(struct rac_map *m, size_t at)
{
    size_t i = m->entries[at].hash & (m->slots_n - 1);
    while (m->slots[i] != 0)
        i = (i + 1) & (m->slots_n - 1);
    m->slots[i] = (uint32_t)at + 1;
}

static void add(struct rac_map *m, rac_str key, uint64_t hash, void *value)
{
    if (m->n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 8;
        m->entries =
            rac_arena_grow(m->a, m->entries, m->cap * sizeof *m->entries, cap * sizeof *m->entries);
        m->cap = cap;
        m->slots_n = cap * 2;
        m->slots = RAC_NEW_N(m->a, uint32_t, m->slots_n);
        for (size_t i = 0; i < m->n; i++)
            index_entry(m, i);
    }
    m->entries[m->n] = (struct rac_map_entry){key, value, hash};
    index_entry(m, m->n++);
}

void *rac_map_get(const struct rac_map *m, rac_str key)
{
    struct rac_map_entry *e = find(m, key, rac_str_hash(key));
    return e ? e->value : NULL;
}

bool rac_map_has(const struct rac_map *m, rac_str key)
{
    return find(m, key, rac_str_hash(key)) != NULL;
}

void rac_map_put(struct rac_map *m, rac_str key, void *value)
{
    uint64_t hash = rac_str_hash(key);
    struct rac_map_entry *e = find(m, key, hash);
    if (e != NULL)
        e->value = value;
    else
        add(m, key, hash, value);
}

bool rac_map_add(struct rac_map *m, rac_str key, void *value)
{
    uint64_t hash = rac_str_hash(key);
    if (find(m, key, hash) != NULL)
        return false;
    add(m, key, hash, value);
    return true;
}
