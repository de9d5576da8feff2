/* The index is open addressing over member numbers. */
#include "json/object_priv.h"

uint32_t object_slots_for(uint32_t n)
{
    uint32_t slots = 64;
    while (slots < UINT32_MAX / 2 && slots / 2 < n)
        slots *= 2;
    return slots;
}

uint32_t object_slot(const struct rac_json_object *o, rac_str key, uint32_t *index)
{
    uint32_t mask = o->slots_n - 1, at = (uint32_t)rac_str_hash(key) & mask;
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
