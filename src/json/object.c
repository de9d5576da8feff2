/*
 * The index is open addressing over member numbers. Its hash is keyed with bytes the kernel gives
 * each process, so that nobody can send a body whose keys all collide; the seed decides only the
 * probing order, never a result.
 */
#include "json/object_priv.h"

#include <sys/auxv.h>

static uint64_t seed;

__attribute__((constructor)) static void seed_init(void)
{
    const void *bytes = (const void *)getauxval(AT_RANDOM);
    if (bytes != NULL)
        memcpy(&seed, bytes, sizeof seed);
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t key_hash(rac_str key)
{
    const char *p = key.p;
    size_t n = key.n;
    uint64_t h = seed ^ (n * 0x9e3779b97f4a7c15u), x;
    for (; n > 8; n -= 8, p += 8) {
        memcpy(&x, p, 8);
        h = mix(h ^ x, 0xe7037ed1a0b428dbu);
    }
    x = 0;
    if (n > 0)
        memcpy(&x, p, n);
    return mix(h ^ x, 0x8ebc6af09c88c6e3u);
}

uint32_t object_slots_for(uint32_t n)
{
    uint32_t slots = 64;
    while (slots < UINT32_MAX / 2 && slots / 2 < n)
        slots *= 2;
    return slots;
}

uint32_t object_slot(const struct rac_json_object *o, rac_str key, uint32_t *index)
{
    uint32_t mask = o->slots_n - 1, at = (uint32_t)key_hash(key) & mask;
    for (; o->slots[at] != 0; at = (at + 1) & mask) {
        const struct rac_json_member *m = &o->v[o->slots[at] - 1];
        if (m->key_n == key.n && memcmp(m->key, key.p, key.n) == 0) {
            *index = o->slots[at] - 1;
            return at;
        }
    }
    *index = UINT32_MAX;
    return at;
}

void object_reindex(struct rac_json_object *o)
{
    memset(o->slots, 0, o->slots_n * sizeof *o->slots);
    for (uint32_t i = 0; i < o->n; i++) {
        uint32_t found, at = object_slot(o, rac_json_key(&o->v[i]), &found);
        RAC_ASSERT(found == UINT32_MAX);
        o->slots[at] = i + 1;
    }
}
