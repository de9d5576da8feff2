#include "api/ops/access.h"

#include "api/service.h"

static enum rac_relation relation_of(enum rac_level level)
{
    return level == RAC_LEVEL_EDIT || level == RAC_LEVEL_OWN ? RAC_RELATION_EDIT
           : level == RAC_LEVEL_VIEW                         ? RAC_RELATION_VIEW
                                                             : RAC_RELATION_OTHER;
}

static rac_err shared(struct rac_api_worker *w, const struct rac_principal *who,
                      enum rac_shared_kind kind, rac_str id, enum rac_relation *out)
{
    enum rac_level level = RAC_LEVEL_NONE;
    rac_err e = w->cs->share_level(w->cs->self, who->tenant, kind, id, who->grantees,
                                   who->grantees_n, &level);
    *out = relation_of(level);
    return e == RAC_E_NOT_FOUND ? RAC_OK : e;
}

void rac_access_deny(struct rac_ask *q, enum rac_action action, const struct rac_resource *r,
                     const char *kind, rac_str id)
{
    struct rac_actor actor = rac_ask_actor(q);
    actor.note = rac_str_of(q->row->id);
    q->w->is->audit_add(q->w->is->self, q->who->tenant, RAC_S("denied"), rac_str_of(kind), id, 0,
                        &actor, NULL, NULL);
    rac_ask_fail(q, RAC_FAULT_DENIED, "%.*s", RAC_FMT(rac_iam_why_not(q->a, q->who, action, r)));
}

/* The decision about a row that was found; e: whether it was. */
static bool decide_connector(struct rac_ask *q, rac_err e, enum rac_action action,
                             const struct rac_connector_row *row)
{
    struct rac_resource r = {.tenant = q->who->tenant};
    if (e == RAC_OK)
        e = shared(q->w, q->who, RAC_SHARED_CONNECTOR, row->id, &r.shared);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "connector");
        return false;
    }
    r.group = row->group;
    r.owner = row->owner;
    r.everyone_in_group = row->audience == RAC_AUDIENCE_ENVIRONMENT;
    if (rac_iam_may(q->who, action, &r))
        return true;
    if (rac_iam_may(q->who, RAC_MAY_CONNECTOR_READ, &r))
        rac_access_deny(q, action, &r, "connector", row->id);
    else
        rac_ask_fail_err(q, RAC_E_NOT_FOUND, "connector");
    return false;
}

bool rac_access_connector(struct rac_ask *q, enum rac_action action, rac_str id,
                          struct rac_connector_row *out)
{
    const struct rac_connector_store *cs = q->w->cs;
    rac_err e = cs->connector_get(cs->self, q->who->tenant, id, q->a, out);
    return decide_connector(q, e, action, out);
}

/* The store lists deleted connectors and has no other way to one. */
static rac_err deleted_get(struct rac_ask *q, rac_str id, struct rac_connector_row *out)
{
    const struct rac_connector_store *cs = q->w->cs;
    struct rac_connector_query query = {.search = id, .deleted = true};
    struct rac_connector_row *rows;
    size_t n;
    bool more = true;
    while (more) {
        rac_err e = cs->connector_list(cs->self, q->who->tenant, &query, q->a, &rows, &n, &more);
        if (e != RAC_OK)
            return e;
        for (size_t i = 0; i < n; i++)
            if (rac_str_eqi(rows[i].id, id)) {
                *out = rows[i];
                return RAC_OK;
            }
        if (n > 0)
            query.after = rows[n - 1].id;
    }
    return RAC_E_NOT_FOUND;
}

bool rac_access_deleted(struct rac_ask *q, enum rac_action action, rac_str id,
                        struct rac_connector_row *out)
{
    const struct rac_connector_store *cs = q->w->cs;
    if (cs->connector_get(cs->self, q->who->tenant, id, q->a, out) != RAC_OK)
        return decide_connector(q, deleted_get(q, id, out), action, out);
    if (decide_connector(q, RAC_OK, action, out))
        rac_ask_fail(q, RAC_FAULT_CONFLICT, "The connector %.*s is not deleted.", RAC_FMT(out->id));
    return false;
}

static struct rac_resource connection_resource(const struct rac_principal *who,
                                               const struct rac_connection_row *row)
{
    return (struct rac_resource){.tenant = who->tenant, .group = row->group, .owner = row->owner};
}

bool rac_access_connection(struct rac_ask *q, enum rac_action action, rac_str id,
                           struct rac_connection_row *out)
{
    const struct rac_connector_store *cs = q->w->cs;
    rac_err e = cs->connection_get(cs->self, q->who->tenant, id, q->a, out);
    struct rac_resource r = {0};
    if (e == RAC_OK) {
        r = connection_resource(q->who, out);
        e = shared(q->w, q->who, RAC_SHARED_CONNECTION, out->id, &r.shared);
    }
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "connection");
        return false;
    }
    if (rac_iam_may(q->who, action, &r))
        return true;
    if (rac_iam_may(q->who, RAC_MAY_CONNECTION_READ, &r))
        rac_access_deny(q, action, &r, "connection", id);
    else
        rac_ask_fail_err(q, RAC_E_NOT_FOUND, "connection");
    return false;
}

rac_err rac_access_connection_row(struct rac_api_worker *w, const struct rac_principal *who,
                                  enum rac_action action, const struct rac_connection_row *row)
{
    struct rac_resource r = connection_resource(who, row);
    if (rac_iam_may(who, action, &r)) /* owners and administrators: no look-up */
        return RAC_OK;
    rac_err e = shared(w, who, RAC_SHARED_CONNECTION, row->id, &r.shared);
    if (e != RAC_OK)
        return e;
    if (rac_iam_may(who, action, &r))
        return RAC_OK;
    return rac_iam_may(who, RAC_MAY_CONNECTION_READ, &r) ? RAC_E_DENIED : RAC_E_NOT_FOUND;
}

rac_str rac_access_group_wanted(const struct rac_ask *q, rac_str name)
{
    if (name.n > 0)
        return name;
    return q->who->only_group.n > 0 ? q->who->only_group : RAC_S("default");
}

bool rac_access_group(struct rac_ask *q, enum rac_action action, rac_str name,
                      struct rac_group_row *out)
{
    name = rac_access_group_wanted(q, name);
    rac_err e = q->w->is->group_get(q->w->is->self, q->who->tenant, name, q->a, out);
    if (e == RAC_E_NOT_FOUND) {
        rac_ask_fail(q, RAC_FAULT_NOT_FOUND,
                     "There is no resource group %.*s. Create it with PUT /api/v1/groups/%.*s.",
                     RAC_FMT(name), RAC_FMT(name));
        return false;
    }
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "group");
        return false;
    }
    struct rac_resource r = {.tenant = q->who->tenant, .group = out->id, .owner = q->who->user};
    if (rac_iam_may(q->who, action, &r))
        return true;
    rac_access_deny(q, action, &r, "group", out->id);
    return false;
}

/* RAC_E_NOT_FOUND also when its group is not there, or is another than the one asked for. */
static rac_err find_workflow(struct rac_ask *q, rac_str name, enum rac_flow_want want,
                             struct rac_flow_row *out)
{
    const struct rac_flow_store *fs = q->w->fs;
    struct rac_group_row g = {0};
    rac_str group = rac_ask_query(q, RAC_S("group")), wanted = rac_access_group_wanted(q, group);
    rac_err e = q->w->is->group_get(q->w->is->self, q->who->tenant, wanted, q->a, &g);
    if (e == RAC_OK)
        e = fs->flow_find(fs->self, q->who->tenant, g.id, name, want, q->a, out);
    if (e != RAC_E_NOT_FOUND || q->ids != RAC_IDS_NATIVE)
        return e;
    e = fs->flow_get(fs->self, q->who->tenant, rac_str_lower(q->a, name), want, q->a, out);
    return e == RAC_OK && group.n > 0 && !rac_str_eq(out->group, g.id) ? RAC_E_NOT_FOUND : e;
}

bool rac_access_workflow(struct rac_ask *q, enum rac_action action, rac_str name,
                         enum rac_flow_want want, struct rac_flow_row *out)
{
    rac_err e = find_workflow(q, name, want, out);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "workflow");
        return false;
    }
    struct rac_resource r = {.tenant = q->who->tenant, .group = out->group, .owner = out->owner};
    if (rac_iam_may(q->who, action, &r))
        return true;
    if (rac_iam_may(q->who, RAC_MAY_WORKFLOW_READ, &r))
        rac_access_deny(q, action, &r, "workflow", out->id);
    else
        rac_ask_fail_err(q, RAC_E_NOT_FOUND, "workflow");
    return false;
}

bool rac_access_sees(const struct rac_ask *q, enum rac_action read, rac_str group, rac_str owner)
{
    struct rac_resource r = {.tenant = q->who->tenant, .group = group, .owner = owner};
    return rac_iam_may(q->who, read, &r);
}

bool rac_access_gone(struct rac_ask *q, enum rac_action read)
{
    if (q->ids != RAC_IDS_ARM ||
        !rac_access_sees(q, read, rac_ask_query(q, RAC_S("group")), RAC_STR_NULL))
        return false;
    q->status = 204;
    rac_ask_done(q);
    return true;
}

bool rac_access_workflow_gone(struct rac_ask *q, rac_str name)
{
    struct rac_flow_row row;
    return find_workflow(q, name, RAC_FLOW_PLAIN, &row) == RAC_E_NOT_FOUND &&
           rac_access_gone(q, RAC_MAY_WORKFLOW_READ);
}

bool rac_access_tenant(struct rac_ask *q, enum rac_action action, rac_str owner)
{
    struct rac_resource r = {.tenant = q->who->tenant, .owner = owner};
    if (rac_iam_may(q->who, action, &r))
        return true;
    rac_access_deny(q, action, &r, "tenant", q->who->tenant);
    return false;
}

/* --- lists ---------------------------------------------------------------------------------- */

/* Groups in which the principal holds one of these roles; *all: in the whole tenant. */
static size_t groups_with(const struct rac_ask *q, unsigned roles, rac_str **out, bool *all)
{
    *out = RAC_NEW_N(q->a, rac_str, q->who->grants_n + 1);
    *all = false;
    size_t n = 0;
    for (size_t i = 0; i < q->who->grants_n; i++) {
        const struct rac_role_grant *g = &q->who->grants[i];
        if (!(g->roles & roles))
            continue;
        if (g->group.p == NULL)
            *all = true;
        else
            (*out)[n++] = g->group;
    }
    return n;
}

enum {
    CONNECTOR_ROLES =
        RAC_ROLE_READER | RAC_ROLE_MAKER | RAC_ROLE_CERTIFIER | RAC_ROLE_ADMINISTRATOR,
    CONNECTOR_ALL = RAC_ROLE_CERTIFIER | RAC_ROLE_ADMINISTRATOR,
};

void rac_access_connectors_visible(const struct rac_ask *q, struct rac_connector_query *out)
{
    rac_str *v;
    bool all;
    size_t n = groups_with(q, CONNECTOR_ALL, &v, &all);
    if (all)
        return;
    out->all_of = v;
    out->all_of_n = n;
    out->visible_to = q->who->user;
    out->teams = q->who->grantees + 1;
    out->teams_n = q->who->grantees_n > 0 ? q->who->grantees_n - 1 : 0;
    out->groups_n = groups_with(q, CONNECTOR_ROLES, &v, &out->all_groups);
    out->groups = v;
}

void rac_access_connections_visible(const struct rac_ask *q, struct rac_connection_query *out)
{
    rac_str *v;
    bool all;
    size_t n = groups_with(q, RAC_ROLE_ADMINISTRATOR, &v, &all);
    if (all)
        return;
    out->all_of = v;
    out->all_of_n = n;
    out->visible_to = q->who->user;
    out->teams = q->who->grantees + 1;
    out->teams_n = q->who->grantees_n > 0 ? q->who->grantees_n - 1 : 0;
}

/* --- names ---------------------------------------------------------------------------------- */

rac_str rac_access_group_name(struct rac_ask *q, rac_str id)
{
    struct rac_group_row g;
    return q->w->is->group_get(q->w->is->self, q->who->tenant, id, q->a, &g) == RAC_OK ? g.name
                                                                                       : id;
}

struct rac_json rac_access_person(struct rac_ask *q, rac_str id)
{
    struct rac_json o = rac_json_new_object(q->a);
    struct rac_user_row u;
    RAC_JSON_PUT_STR(q->a, &o, "id", id);
    if (q->w->is->user_get(q->w->is->self, q->who->tenant, id, q->a, &u) == RAC_OK)
        RAC_JSON_PUT_STR(q->a, &o, "name", u.name);
    return o;
}
