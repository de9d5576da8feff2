/*
 * Decisions, all from permissions.def: for each role the principal holds where the thing is, the
 * table says the least relation that role needs; one role that is satisfied is enough.
 *
 * Sharing reaches across resource groups of a tenant: whoever got a share may use it with the roles
 * reader and maker it holds anywhere in the tenant, though not with those of an administrator. A
 * token narrowed to a group stays in that group whatever is shared.
 */
#include "base/str.h"
#include "iam/iam.h"

static const struct {
    rac_str name;
    uint8_t needs[RAC_ROLES_N]; /* enum rac_relation, by role */
} table[RAC_ACTIONS_N] = {
#define PERM(action, text, r, m, c, a, o)                                                          \
    [RAC_MAY_##action] = {RAC_S_INIT(text),                                                        \
                          {RAC_RELATION_##r, RAC_RELATION_##m, RAC_RELATION_##c, RAC_RELATION_##a, \
                           RAC_RELATION_##o}},
#include "iam/permissions.def"
#undef PERM
};

rac_str rac_action_name(enum rac_action action)
{
    RAC_ASSERT((unsigned)action < RAC_ACTIONS_N);
    return table[action].name;
}

unsigned rac_principal_roles(const struct rac_principal *p, rac_str group)
{
    unsigned roles = 0;
    for (size_t i = 0; i < p->grants_n; i++) {
        const struct rac_role_grant *g = &p->grants[i];
        if (g->group.p == NULL || (group.p != NULL && rac_str_eq(g->group, group)))
            roles |= g->roles;
    }
    return roles;
}

/* Roles held somewhere in the tenant. */
static unsigned roles_anywhere(const struct rac_principal *p)
{
    unsigned roles = 0;
    for (size_t i = 0; i < p->grants_n; i++)
        roles |= p->grants[i].roles;
    return roles;
}

static bool out_of_reach(const struct rac_principal *p, const struct rac_resource *r)
{
    if (!rac_str_eq(p->tenant, r->tenant))
        return true;
    return p->only_group.p != NULL && r->group.p != NULL && !rac_str_eq(p->only_group, r->group);
}

static enum rac_relation relation_of(const struct rac_principal *p, const struct rac_resource *r,
                                     unsigned roles)
{
    if (r->owner.p != NULL && rac_str_eq(r->owner, p->user))
        return RAC_RELATION_OWN;
    enum rac_relation best = r->shared < RAC_RELATION_OWN ? r->shared : RAC_RELATION_OTHER;
    if (best < RAC_RELATION_VIEW && r->everyone_in_group && roles != 0)
        best = RAC_RELATION_VIEW;
    return best;
}

static unsigned roles_for(const struct rac_principal *p, const struct rac_resource *r)
{
    unsigned roles = rac_principal_roles(p, r->group);
    if (r->shared == RAC_RELATION_VIEW || r->shared == RAC_RELATION_EDIT)
        roles |= roles_anywhere(p) & (RAC_ROLE_READER | RAC_ROLE_MAKER);
    return roles;
}

bool rac_iam_may(const struct rac_principal *p, enum rac_action action,
                 const struct rac_resource *r)
{
    RAC_ASSERT((unsigned)action < RAC_ACTIONS_N);
    if (out_of_reach(p, r))
        return false;
    unsigned roles = roles_for(p, r);
    enum rac_relation relation = relation_of(p, r, rac_principal_roles(p, r->group));
    for (unsigned i = 0; i < RAC_ROLES_N; i++)
        if ((roles & 1u << i) && relation >= (enum rac_relation)table[action].needs[i])
            return true;
    return false;
}

/* Roles that allow the action to somebody of this relation. */
static unsigned roles_that_may(enum rac_action action, enum rac_relation relation)
{
    unsigned roles = 0;
    for (unsigned i = 0; i < RAC_ROLES_N; i++)
        if (relation >= (enum rac_relation)table[action].needs[i])
            roles |= 1u << i;
    return roles;
}

rac_str rac_iam_why_not(struct rac_arena *a, const struct rac_principal *p, enum rac_action action,
                        const struct rac_resource *r)
{
    rac_str name = rac_action_name(action);
    if (!rac_str_eq(p->tenant, r->tenant))
        return rac_arena_printf(a, "%.*s: it belongs to another tenant", RAC_FMT(name));
    if (out_of_reach(p, r))
        return rac_arena_printf(a,
                                "%.*s: this token is narrowed to another resource group; use a "
                                "token of that group",
                                RAC_FMT(name));
    enum rac_relation relation = relation_of(p, r, rac_principal_roles(p, r->group));
    unsigned enough = roles_that_may(action, relation);
    if (enough != 0)
        return rac_arena_printf(a, "%.*s needs the role %.*s here; an administrator can grant it",
                                RAC_FMT(name), RAC_FMT(rac_roles_print(a, enough, '/')));
    unsigned owner = roles_that_may(action, RAC_RELATION_OWN);
    if (owner == 0)
        return rac_arena_printf(a, "%.*s is not allowed to anybody", RAC_FMT(name));
    return rac_arena_printf(a,
                            "%.*s: it is not shared with %.*s for that; its owner or an "
                            "administrator can share it",
                            RAC_FMT(name), RAC_FMT(p->user_name));
}

bool rac_iam_may_grant(const struct rac_principal *p, rac_str group, unsigned roles)
{
    if (p->only_group.p != NULL && (group.p == NULL || !rac_str_eq(group, p->only_group)))
        return false;
    unsigned own = rac_principal_roles(p, group), may = own;
    if (own & RAC_ROLE_ADMINISTRATOR)
        may |= RAC_ROLE_ALL & ~(unsigned)RAC_ROLE_OPERATOR;
    if (group.p != NULL) /* operator concerns the installation, never a group */
        may &= ~(unsigned)RAC_ROLE_OPERATOR;
    return (roles & ~may) == 0;
}
