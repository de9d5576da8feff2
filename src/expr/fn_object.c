/* Properties of objects (spec expressions §16.9). Arguments stay as they are: copies are changed.
 */
#include "expr/functions_priv.h"

/* A new object with the members of o, values shared. */
static struct rac_json members_of(struct call *c, const struct rac_json *o)
{
    struct rac_json made = rac_json_new_object(c->a);
    RAC_JSON_EACH_MEMBER(m, o)
    rac_json_put(c->a, &made, rac_json_key(m), m->value);
    return made;
}

static bool object_and_name(struct call *c, const struct rac_json *v, rac_str *name)
{
    return arg_object(c, v, 0) && arg_str(c, v, 1, name) && charge_members(c, &v[0]);
}

bool fn_add_property(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                     struct rac_json *out)
{
    rac_str name;
    if (!object_and_name(c, v, &name))
        return false;
    if (member_meant(&v[0], name) != NULL)
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function 'addProperty' cannot add property '%.*s': the "
                    "object has it already.",
                    RAC_FMT(name));
    *out = members_of(c, &v[0]);
    rac_json_put(c->a, out, name, v[2]);
    return true;
}

bool fn_set_property(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                     struct rac_json *out)
{
    rac_str name;
    if (!object_and_name(c, v, &name))
        return false;
    struct rac_json_member *m = member_meant(&v[0], name);
    *out = members_of(c, &v[0]);
    rac_json_put(c->a, out, m != NULL ? rac_json_key(m) : name, v[2]);
    return true;
}

bool fn_remove_property(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                        struct rac_json *out)
{
    rac_str name;
    if (!object_and_name(c, v, &name))
        return false;
    struct rac_json_member *gone = member_meant(&v[0], name);
    *out = rac_json_new_object(c->a);
    RAC_JSON_EACH_MEMBER(m, &v[0])
    if (m != gone)
        rac_json_put(c->a, out, rac_json_key(m), m->value);
    return true;
}

bool fn_merge_objects(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED,
                      struct rac_json *out)
{
    if (!arg_object(c, v, 0) || !arg_object(c, v, 1) || !charge_members(c, &v[0]) ||
        !charge_members(c, &v[1]))
        return false;
    *out = members_of(c, &v[0]);
    RAC_JSON_EACH_MEMBER(m, &v[1])
    rac_json_put(c->a, out, rac_json_key(m), m->value);
    return true;
}
