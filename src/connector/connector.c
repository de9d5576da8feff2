#include "connector/connector.h"

#include "base/mem.h"
#include "base/str.h"

struct rac_connector *rac_connector_ref(struct rac_connector *c)
{
    RAC_ASSERT(c->magic == RAC_CONNECTOR_MAGIC);
    __atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
    return c;
}

void rac_connector_unref(struct rac_connector *c)
{
    if (c == NULL)
        return;
    RAC_ASSERT(c->magic == RAC_CONNECTOR_MAGIC);
    if (__atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    c->magic = 0;
    rac_arena_fini(&c->arena);
    rac_mem_free(c);
}

const struct rac_op *rac_connector_operation(const struct rac_connector *c, rac_str id)
{
    return rac_map_get(&c->ops_by_id, id);
}

rac_str rac_connector_near_operation(const struct rac_connector *c, rac_str id)
{
    rac_str best = RAC_STR_NULL;
    unsigned best_distance = (unsigned)(id.n / 3 + 1);
    for (size_t i = 0; i < c->ops_n; i++) {
        if (rac_str_eqi(c->ops[i].id, id))
            return c->ops[i].id;
        unsigned d = rac_str_distance(c->ops[i].id, id);
        if (d <= best_distance && (best.p == NULL || d < best_distance)) {
            best = c->ops[i].id;
            best_distance = d;
        }
    }
    return best;
}

const struct rac_conn_set *rac_connector_set(const struct rac_connector *c, rac_str name)
{
    if (name.p == NULL)
        return c->sets_n > 0 ? &c->sets[0] : NULL;
    for (size_t i = 0; i < c->sets_n; i++)
        if (rac_str_eq(c->sets[i].name, name))
            return &c->sets[i];
    return NULL;
}
