/* Where a template is deployed, and what its resources are called there. */
#include "base/str.h"
#include "workflow/template/template_priv.h"

#define FIRST_GUID   "00000000-0000-0000-0000-000000000001"
#define SUBSCRIPTION "/subscriptions/" FIRST_GUID

static struct rac_json fixed(struct resolver *r, const char *json)
{
    struct rac_json v;
    r->placed++;
    if (rac_json_parse(rac_str_of(json), r->a, 0, &v, NULL) != RAC_OK)
        return unknown_because(r, "the value is too large");
    v.pos = 0;
    return v;
}

struct rac_json tf_resource_group(struct resolver *r, const struct arguments *x RAC_UNUSED)
{
    return fixed(r, "{\"id\":\"" SUBSCRIPTION "/resourceGroups/default\","
                    "\"name\":\"default\",\"type\":\"Microsoft.Resources/resourceGroups\","
                    "\"location\":\"default\",\"tags\":{},"
                    "\"properties\":{\"provisioningState\":\"Succeeded\"}}");
}

struct rac_json tf_subscription(struct resolver *r, const struct arguments *x RAC_UNUSED)
{
    return fixed(r, "{\"id\":\"" SUBSCRIPTION "\",\"subscriptionId\":\"" FIRST_GUID
                    "\",\"tenantId\":\"" FIRST_GUID "\",\"displayName\":\"default\"}");
}

struct rac_json tf_tenant(struct resolver *r, const struct arguments *x RAC_UNUSED)
{
    return fixed(r, "{\"tenantId\":\"" FIRST_GUID "\",\"displayName\":\"default\"}");
}

/* --- names of resources ----------------------------------------------------------------------- */

static rac_str text_at(const struct arguments *x, size_t i)
{
    return i < x->n ? rac_json_str(&x->v[i], RAC_S("")) : RAC_S("");
}

/* The place of the argument that is a type, "Microsoft.Web/connections"; x->n: there is none. */
static size_t type_at(const struct arguments *x, size_t from)
{
    while (from < x->n && rac_str_find_char(text_at(x, from), '/') == RAC_STR_NPOS)
        from++;
    return from;
}

/* scope/providers/NAMESPACE/TYPE/NAME/TYPE/NAME..., the type being argument `type`. */
static struct rac_json id_of(struct resolver *r, const struct arguments *x, size_t type,
                             rac_str scope)
{
    rac_str rest, space = rac_str_cut(text_at(x, type), '/', &rest);
    r->placed++;
    rac_str id = rac_arena_printf(r->a, "%.*s/providers/%.*s", RAC_FMT(scope), RAC_FMT(space));
    size_t i = type + 1;
    for (; i < x->n && rest.p != NULL; i++) {
        rac_str kind = rac_str_cut(rest, '/', &rest);
        if (!affordable_bytes(r, id.n))
            return unknown_because(r, "the text is too long");
        id = rac_arena_printf(r->a, "%.*s/%.*s/%.*s", RAC_FMT(id), RAC_FMT(kind),
                              RAC_FMT(text_at(x, i)));
    }
    if (i == type + 1 || i < x->n || rest.p != NULL)
        return unknown_becausef(r, "%.*s() needs a type, and as many names as it has parts",
                                RAC_FMT(x->name));
    return template_string(r, id);
}

struct rac_json tf_resource_id(struct resolver *r, const struct arguments *x)
{
    size_t type = type_at(x, 0); /* a subscription and a group may stand in front */
    rac_str subscription = RAC_S(FIRST_GUID), group = RAC_S("default");
    if (type > 2)
        return unknown_because(r, "resourceId() names no type of a resource");
    if (type == 2 || (type == 1 && rac_str_is_uuid(text_at(x, 0))))
        subscription = text_at(x, 0);
    if (type == 2 || (type == 1 && !rac_str_is_uuid(text_at(x, 0))))
        group = text_at(x, type - 1);
    return id_of(r, x, type,
                 rac_arena_printf(r->a, "/subscriptions/%.*s/resourceGroups/%.*s",
                                  RAC_FMT(subscription), RAC_FMT(group)));
}

struct rac_json tf_subscription_resource_id(struct resolver *r, const struct arguments *x)
{
    size_t type = type_at(x, 0);
    rac_str subscription = type > 0 ? text_at(x, 0) : RAC_S(FIRST_GUID);
    if (type > 1)
        return unknown_because(r, "subscriptionResourceId() names no type of a resource");
    return id_of(r, x, type, rac_arena_printf(r->a, "/subscriptions/%.*s", RAC_FMT(subscription)));
}

struct rac_json tf_tenant_resource_id(struct resolver *r, const struct arguments *x)
{
    return id_of(r, x, 0, RAC_S(""));
}

struct rac_json tf_extension_resource_id(struct resolver *r, const struct arguments *x)
{
    return id_of(r, x, 1, text_at(x, 0));
}

struct rac_json tf_management_group_resource_id(struct resolver *r, const struct arguments *x)
{
    size_t type = type_at(x, 0);
    if (type != 1)
        return unknown_because(r, "managementGroupResourceId() needs the group it is deployed to");
    return id_of(r, x, 1,
                 rac_arena_printf(r->a, "/providers/Microsoft.Management/managementGroups/%.*s",
                                  RAC_FMT(text_at(x, 0))));
}
