#include "workflow/definition/flow.h"

#include "base/str.h"
#include "workflow/definition/ident.h"

#include <stdatomic.h>

struct rac_flow *rac_flow_ref(struct rac_flow *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void rac_flow_unref(struct rac_flow *f)
{
    if (f == NULL || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
        return;
    struct rac_arena a = f->a; /* f itself lives in it */
    rac_arena_fini(&a);
}

static rac_str resource_id(const struct rac_flow *f, rac_str name, rac_str subscription,
                           rac_str group, struct rac_arena *a)
{
    if (f->workflow->profile != RAC_WF_CONSUMPTION)
        return rac_arena_printf(a, "/workflows/%.*s", RAC_FMT(name));
    return rac_arena_printf(
        a, "/subscriptions/%.*s/resourceGroups/%.*s/providers/Microsoft.Logic/workflows/%.*s",
        RAC_FMT(subscription), RAC_FMT(group), RAC_FMT(name));
}

void rac_flow_describe(struct rac_flow *f, rac_str subscription, rac_str group,
                       const struct rac_json *resource)
{
    struct rac_arena *a = &f->a;
    struct rac_json o = rac_json_new_object(a), tags = rac_json_new_object(a);
    const struct rac_json *given = rac_json_geti(resource, RAC_S("tags")),
                          *location = rac_json_geti(resource, RAC_S("location"));
    bool flow = f->workflow->profile == RAC_WF_FLOW;
    rac_str name = flow && f->id.n > 0 ? f->id : f->name; /* flows are known by their id */
    if (flow) {
        RAC_JSON_PUT_STR(a, &tags, "flowDisplayName", f->name);
        RAC_JSON_PUT_STR(a, &tags, "environmentName", rac_arena_str(a, group));
        RAC_JSON_PUT_STR(a, &tags, "logicAppName", name);
        RAC_JSON_PUT_STR(a, &tags, "xrmWorkflowId", name); /* of flows in solutions */
    }
    RAC_JSON_EACH_MEMBER(m, given)
    rac_json_put(a, &tags, rac_json_key(m), m->value);
    RAC_JSON_PUT_STR(a, &o, "id", resource_id(f, name, subscription, group, a));
    RAC_JSON_PUT_STR(a, &o, "name", name);
    RAC_JSON_PUT_STR(a, &o, "type", RAC_S("Microsoft.Logic/workflows"));
    RAC_JSON_PUT_STR(a, &o, "location", rac_json_str(location, RAC_S("local")));
    RAC_JSON_PUT(a, &o, "tags", tags);
    f->self = o;
}

unsigned rac_flow_owner(rac_str run_name, unsigned workers)
{
    return rac_name_owner(run_name, workers);
}
