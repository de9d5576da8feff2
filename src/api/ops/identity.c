#include "api/ops/access.h"
#include "api/service.h"
#include "base/secret.h"

/* Users, tokens, resource groups and the audit trail. */

/* --- users ------------------------------------------------------------------------------------ */

static struct rac_json grants_json(struct rac_ask *q, const struct rac_role_grant *v, size_t n)
{
    struct rac_json list = rac_json_new_array(q->a);
    for (size_t i = 0; i < n; i++)
        for (unsigned bit = 1; bit <= RAC_ROLE_OPERATOR; bit <<= 1) {
            if (!(v[i].roles & bit))
                continue;
            struct rac_json o = rac_json_new_object(q->a);
            RAC_JSON_PUT_STR(q->a, &o, "role", rac_role_name(bit));
            if (v[i].group.p != NULL)
                RAC_JSON_PUT_STR(q->a, &o, "group", rac_access_group_name(q, v[i].group));
            rac_json_add(q->a, &list, o);
        }
    return list;
}

static struct rac_json user_json(struct rac_ask *q, const struct rac_user_row *u)
{
    struct rac_arena *a = q->a;
    struct rac_json o = rac_json_new_object(a);
    struct rac_role_grant *grants = NULL;
    size_t n = 0;
    (void)!q->w->is->user_grants(q->w->is->self, q->who->tenant, u->id, a, &grants, &n);
    RAC_JSON_PUT_STR(a, &o, "id", u->id);
    RAC_JSON_PUT_STR(a, &o, "name", u->name);
    RAC_JSON_PUT(a, &o, "grants", grants_json(q, grants, n));
    RAC_JSON_PUT(a, &o, "disabled", rac_json_of_bool(u->disabled));
    rac_json_put_time(a, &o, RAC_S("createdTime"), u->created_ms);
    RAC_JSON_PUT_STR(a, &o, "etag", rac_etag(a, u->version));
    return o;
}

static bool get_user(struct rac_ask *q, rac_str name, struct rac_user_row *out)
{
    rac_err e = q->w->is->user_get(q->w->is->self, q->who->tenant, name, q->a, out);
    if (e != RAC_OK)
        rac_ask_fail_err(q, e, "user");
    return e == RAC_OK;
}

void rac_ops_user_list(struct rac_ask *q)
{
    size_t top, n;
    rac_str after;
    bool more;
    struct rac_user_row *rows;
    if (!rac_ask_page(q, &top, &after) || !rac_access_tenant(q, RAC_MAY_USER_LIST, RAC_STR_NULL))
        return;
    rac_err e =
        q->w->is->user_list(q->w->is->self, q->who->tenant, after, top, q->a, &rows, &n, &more);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "user");
        return;
    }
    struct rac_json v = rac_json_new_array(q->a);
    for (size_t i = 0; i < n; i++)
        rac_json_add(q->a, &v, user_json(q, &rows[i]));
    rac_ask_answer_page(q, v, more && n > 0 ? rows[n - 1].id : RAC_STR_NULL);
}

void rac_ops_user_get(struct rac_ask *q)
{
    struct rac_user_row u;
    if (rac_str_eq(q->args[0], q->who->user) || rac_str_eqi(q->args[0], q->who->user_name)) {
        if (!get_user(q, q->who->user, &u))
            return;
    } else if (!rac_access_tenant(q, RAC_MAY_USER_READ, RAC_STR_NULL) ||
               !get_user(q, q->args[0], &u)) {
        return;
    }
    q->etag = rac_etag(q->a, u.version);
    rac_ask_answer(q, user_json(q, &u));
}

static void user_saved(void *arg, const struct rac_commit *c)
{
    struct rac_ask *q = arg;
    struct rac_user_row u;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "user");
        return;
    }
    if (!get_user(q, c->id, &u))
        return;
    if (q->row->status == 201)
        q->location =
            rac_arena_printf(q->a, "%.*s/api/v1/users/%.*s", RAC_FMT(q->base_url), RAC_FMT(u.name));
    q->etag = rac_etag(q->a, u.version);
    rac_ask_answer(q, user_json(q, &u));
}

/* Grants of the body; each must be one the caller may hand out. False: answered. */
static bool read_grants(struct rac_ask *q, struct rac_user_save *r)
{
    const struct rac_json *list = RAC_JSON_GET(&q->json, "grants");
    if (list == NULL)
        return true;
    struct rac_role_grant *v = RAC_NEW_N(q->a, struct rac_role_grant, rac_json_len(list) + 1);
    for (size_t i = 0; i < rac_json_len(list); i++) {
        const struct rac_json *g = rac_json_at(list, i);
        rac_str group = rac_json_str(RAC_JSON_GET(g, "group"), RAC_STR_NULL);
        struct rac_group_row row;
        (void)rac_role_parse(rac_json_str(RAC_JSON_GET(g, "role"), RAC_S("")), &v[i].roles);
        if (group.n > 0) {
            if (!rac_access_group(q, RAC_MAY_GROUP_READ, group, &row))
                return false;
            v[i].group = row.id;
        }
        if (v[i].roles == RAC_ROLE_OPERATOR && group.n > 0) {
            rac_ask_fail(q, RAC_FAULT_BAD_VALUE,
                         "operator is granted for the whole installation, not for a group.");
            return false;
        }
        if (!rac_iam_may_grant(q->who, v[i].group, v[i].roles)) {
            rac_ask_fail(
                q, RAC_FAULT_DENIED,
                "You may not grant %.*s%s: a role can be handed out by who holds it, or by "
                "an administrator of the tenant.",
                RAC_FMT(rac_role_name(v[i].roles)), group.n > 0 ? " there" : "");
            return false;
        }
    }
    r->grants = v;
    r->grants_n = rac_json_len(list);
    return true;
}

void rac_ops_user_create(struct rac_ask *q)
{
    static const struct rac_role_grant none;
    char id[37];
    rac_arena_wipe_at_end(q->a);
    rac_env_uuid(q->w->env, id);
    struct rac_user_save r = {.create = true,
                              .id = rac_arena_str(q->a, rac_str_of(id)),
                              .name = rac_json_str(RAC_JSON_GET(&q->json, "name"), RAC_S("")),
                              .disabled = -1,
                              .grants = &none,
                              .actor = rac_ask_actor(q)};
    if (rac_access_tenant(q, RAC_MAY_USER_EDIT, RAC_STR_NULL) && rac_ask_name(q, "user", r.name) &&
        read_grants(q, &r))
        q->w->is->user_save(q->w->is->self, q->who->tenant, &r, user_saved, q);
}

static unsigned roles_of(const struct rac_role_grant *v, size_t n)
{
    unsigned roles = 0;
    for (size_t i = 0; i < n; i++)
        roles |= v[i].roles;
    return roles;
}

/* The installation is its operators': administrators of a tenant cannot change, lock out or act for
 * one. False: answered. */
static bool may_manage(struct rac_ask *q, rac_str user)
{
    struct rac_role_grant *v;
    size_t n;
    rac_err e = q->w->is->user_grants(q->w->is->self, q->who->tenant, user, q->a, &v, &n);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "user");
        return false;
    }
    if (!(roles_of(v, n) & RAC_ROLE_OPERATOR) ||
        (roles_of(q->who->grants, q->who->grants_n) & RAC_ROLE_OPERATOR))
        return true;
    rac_ask_fail(q, RAC_FAULT_DENIED,
                 "This user is an operator of the installation: only an operator can do this.");
    return false;
}

/* Somebody who holds operator keeps it until another operator takes it: one is always left. */
static bool keeps_operator(struct rac_ask *q, const struct rac_user_save *r)
{
    if (r->grants == NULL || !rac_str_eq(r->id, q->who->user) ||
        !(roles_of(q->who->grants, q->who->grants_n) & RAC_ROLE_OPERATOR) ||
        (roles_of(r->grants, r->grants_n) & RAC_ROLE_OPERATOR))
        return true;
    rac_ask_fail(q, RAC_FAULT_CONFLICT,
                 "You cannot give up the role operator yourself: another operator can take it.");
    return false;
}

void rac_ops_user_patch(struct rac_ask *q)
{
    struct rac_user_row u;
    rac_arena_wipe_at_end(q->a);
    if (!rac_access_tenant(q, RAC_MAY_USER_EDIT, RAC_STR_NULL) || !get_user(q, q->args[0], &u) ||
        !may_manage(q, u.id))
        return;
    const struct rac_json *disabled = RAC_JSON_GET(&q->json, "disabled");
    struct rac_user_save r = {.id = u.id,
                              .disabled = disabled ? rac_json_bool(disabled, false) : -1,
                              .if_version = rac_etag_version(q->if_match),
                              .actor = rac_ask_actor(q)};
    if (r.disabled == 1 && rac_str_eq(u.id, q->who->user)) {
        rac_ask_fail(q, RAC_FAULT_CONFLICT, "You cannot disable yourself.");
        return;
    }
    if (read_grants(q, &r) && keeps_operator(q, &r))
        q->w->is->user_save(q->w->is->self, q->who->tenant, &r, user_saved, q);
}

/* The file with the first token goes with the token, however that ended. */
static void remove_admin_token(struct rac_ask *q)
{
    const struct rac_service *s = q->w->service;
    if (s->admin_token_path.n > 0 && unlink(rac_arena_cstr(q->a, s->admin_token_path)) == 0)
        rac_log(RAC_INFO, "admin_token.removed", RAC_F_STR("path", s->admin_token_path));
}

static void removed(void *arg, const struct rac_commit *c)
{
    struct rac_ask *q = arg;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "user");
        return;
    }
    if (q->state != NULL) /* the first token was theirs */
        remove_admin_token(q);
    rac_ask_done(q);
}

/* Is the token in admin.token one of this user's? */
static bool holds_admin_token(struct rac_ask *q, const struct rac_user_row *u)
{
    struct rac_token_row *rows;
    size_t n;
    rac_str id = q->w->service->admin_token_id;
    if (id.n == 0 ||
        q->w->is->token_list(q->w->is->self, q->who->tenant, u->id, q->a, &rows, &n) != RAC_OK)
        return false;
    for (size_t i = 0; i < n; i++)
        if (rac_str_eq(rows[i].id, id))
            return true;
    return false;
}

void rac_ops_user_delete(struct rac_ask *q)
{
    struct rac_user_row u;
    if (!rac_access_tenant(q, RAC_MAY_USER_EDIT, RAC_STR_NULL) || !get_user(q, q->args[0], &u) ||
        !may_manage(q, u.id))
        return;
    if (rac_str_eq(u.id, q->who->user)) {
        rac_ask_fail(q, RAC_FAULT_CONFLICT, "You cannot delete yourself.");
        return;
    }
    struct rac_actor actor = rac_ask_actor(q);
    q->state = holds_admin_token(q, &u) ? q : NULL;
    q->w->is->user_delete(q->w->is->self, q->who->tenant, u.id, rac_etag_version(q->if_match),
                          &actor, removed, q);
}

void rac_ops_me_get(struct rac_ask *q)
{
    struct rac_json o = rac_json_new_object(q->a);
    struct rac_tenant_row t;
    RAC_JSON_PUT_STR(q->a, &o, "id", q->who->user);
    RAC_JSON_PUT_STR(q->a, &o, "name", q->who->user_name);
    RAC_JSON_PUT_STR(q->a, &o, "tenant",
                     q->w->is->tenant_get(q->w->is->self, q->who->tenant, q->a, &t) == RAC_OK
                         ? t.name
                         : q->who->tenant);
    RAC_JSON_PUT(q->a, &o, "grants", grants_json(q, q->who->grants, q->who->grants_n));
    rac_ask_answer(q, o);
}

/* --- tokens ----------------------------------------------------------------------------------- */

static struct rac_json token_json(struct rac_ask *q, const struct rac_token_row *t)
{
    struct rac_arena *a = q->a;
    struct rac_json o = rac_json_new_object(a), roles = rac_json_new_array(a);
    RAC_JSON_PUT_STR(a, &o, "id", t->id);
    RAC_JSON_PUT_STR(a, &o, "user", t->user_name);
    for (unsigned bit = 1; bit <= RAC_ROLE_OPERATOR; bit <<= 1)
        if (t->roles & bit)
            rac_json_add(a, &roles, rac_json_of_str(rac_role_name(bit)));
    RAC_JSON_PUT(a, &o, "roles", roles);
    if (t->group.n > 0)
        RAC_JSON_PUT_STR(a, &o, "group", rac_access_group_name(q, t->group));
    rac_json_put_time(a, &o, RAC_S("createdTime"), t->created_ms);
    rac_json_put_time(a, &o, RAC_S("expiresTime"), t->expires_ms);
    RAC_JSON_PUT(a, &o, "revoked", rac_json_of_bool(t->revoked_ms != 0));
    return o;
}

/* May the caller act on everybody's tokens, or on its own only? */
static bool manages_tokens(const struct rac_ask *q, enum rac_action action)
{
    struct rac_resource r = {.tenant = q->who->tenant};
    return rac_iam_may(q->who, action, &r);
}

void rac_ops_token_list(struct rac_ask *q)
{
    size_t top, n;
    rac_str after;
    struct rac_token_row *rows;
    if (!rac_ask_page(q, &top, &after))
        return;
    bool all = manages_tokens(q, RAC_MAY_TOKEN_LIST);
    rac_err e = q->w->is->token_list(q->w->is->self, q->who->tenant,
                                     all ? RAC_STR_NULL : q->who->user, q->a, &rows, &n);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "token");
        return;
    }
    size_t i = 0, shown = 0;
    while (after.p != NULL && i < n && !rac_str_eq(rows[i].id, after))
        i++;
    i += after.p != NULL && i < n;
    struct rac_json v = rac_json_new_array(q->a);
    for (; i < n && shown < top; i++, shown++)
        rac_json_add(q->a, &v, token_json(q, &rows[i]));
    rac_ask_answer_page(q, v, i < n && i > 0 ? rows[i - 1].id : RAC_STR_NULL);
}

struct token_make {
    struct rac_ask *q;
    struct rac_token_text text;
    struct rac_token_row row;
};

static void token_wipe(void *arg)
{
    struct token_make *t = arg;
    rac_secret_wipe(&t->text, sizeof t->text);
}

static void token_created(void *arg, const struct rac_commit *c)
{
    struct token_make *t = arg;
    struct rac_ask *q = t->q;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "token");
        return;
    }
    struct rac_json o = token_json(q, &t->row);
    RAC_JSON_PUT_STR(q->a, &o, "token", rac_str_of(t->text.text));
    q->location = rac_arena_printf(q->a, "%.*s/api/v1/tokens/%s", RAC_FMT(q->base_url), t->text.id);
    rac_ask_answer(q, o);
}

/* Roles, group and expiry of the body: never more than the caller itself has here. */
static bool token_limits(struct rac_ask *q, struct rac_token_save *r)
{
    const struct rac_json *roles = RAC_JSON_GET(&q->json, "roles");
    for (size_t i = 0; i < rac_json_len(roles); i++) {
        unsigned bit = 0;
        (void)rac_role_parse(rac_json_str(rac_json_at(roles, i), RAC_S("")), &bit);
        r->roles |= bit;
    }
    rac_str group = rac_json_str(RAC_JSON_GET(&q->json, "group"), RAC_STR_NULL);
    struct rac_group_row g;
    if (group.n > 0 || q->who->only_group.n > 0) {
        if (!rac_access_group(q, RAC_MAY_GROUP_READ, group, &g))
            return false;
        if (q->who->only_group.n > 0 && !rac_str_eq(g.id, q->who->only_group)) {
            rac_ask_fail(q, RAC_FAULT_DENIED, "Your own token is for another group only.");
            return false;
        }
        r->group = g.id;
    }
    rac_str expires = rac_json_str(RAC_JSON_GET(&q->json, "expires"), RAC_STR_NULL);
    if (expires.p != NULL && !rac_ask_expiry(q, expires, &r->expires_ms)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE,
                     "expires must be a duration such as P30D or a time in the future.");
        return false;
    }
    if (q->who->expires_ms != 0 && (r->expires_ms == 0 || r->expires_ms > q->who->expires_ms))
        r->expires_ms = q->who->expires_ms; /* a token does not outlive the one that made it */
    return true;
}

/* A token grants what its user holds, narrowed: all of it must be the caller's to give. */
static bool may_give(struct rac_ask *q, const struct rac_user_row *u, struct rac_token_save *r)
{
    struct rac_role_grant *v;
    size_t n;
    unsigned held = 0;
    rac_err e = q->w->is->user_grants(q->w->is->self, q->who->tenant, u->id, q->a, &v, &n);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "user");
        return false;
    }
    unsigned mine = roles_of(q->who->grants, q->who->grants_n);
    bool self = rac_str_eq(u->id, q->who->user);
    for (size_t i = 0; i < n; i++) {
        if (r->group.n > 0 && v[i].group.p != NULL && !rac_str_eq(v[i].group, r->group))
            continue;
        held |= v[i].roles;
        unsigned give = r->roles ? v[i].roles & r->roles : v[i].roles;
        if (!self && !rac_iam_may_grant(q->who, v[i].group, give)) {
            rac_ask_fail(q, RAC_FAULT_DENIED,
                         "%.*s holds roles that you may not hand out: narrow the token with roles.",
                         RAC_FMT(u->name));
            return false;
        }
    }
    if (r->roles & ~held) {
        rac_ask_fail(q, RAC_FAULT_DENIED, "%.*s does not hold %.*s.", RAC_FMT(u->name),
                     RAC_FMT(rac_roles_print(q->a, r->roles & ~held, ',')));
        return false;
    }
    if (self && (held & ~mine)) { /* made with a narrowed token: stays as narrow */
        unsigned wanted = r->roles ? r->roles : held;
        if (wanted & ~mine && r->roles) {
            rac_ask_fail(q, RAC_FAULT_DENIED, "The token you use is narrowed to other roles.");
            return false;
        }
        r->roles = wanted & mine;
    }
    return true;
}

void rac_ops_token_create(struct rac_ask *q)
{
    struct token_make *t = RAC_NEW(q->a, struct token_make);
    struct rac_user_row u;
    rac_arena_wipe_at_end(q->a);
    t->q = q;
    rac_str name = rac_json_str(RAC_JSON_GET(&q->json, "user"), RAC_STR_NULL);
    bool self =
        name.n == 0 || rac_str_eqi(name, q->who->user_name) || rac_str_eq(name, q->who->user);
    if (!rac_access_tenant(q, RAC_MAY_TOKEN_CREATE, self ? q->who->user : RAC_STR_NULL) ||
        !get_user(q, self ? q->who->user : name, &u))
        return;
    rac_token_new(q->w->env, &t->text);
    rac_arena_cleanup(q->a, token_wipe, t);
    struct rac_token_save r = {
        .id = rac_str_of(t->text.id), .user = u.id, .actor = rac_ask_actor(q)};
    memcpy(r.digest, t->text.digest, sizeof r.digest);
    if (!token_limits(q, &r) || !may_give(q, &u, &r))
        return;
    t->row = (struct rac_token_row){.id = r.id,
                                    .user_name = u.name,
                                    .roles = r.roles,
                                    .group = r.group,
                                    .created_ms = r.actor.at_ms,
                                    .expires_ms = r.expires_ms};
    q->w->is->token_create(q->w->is->self, q->who->tenant, &r, token_created, t);
}

static void token_revoked(void *arg, const struct rac_commit *c)
{
    struct rac_ask *q = arg;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "token");
        return;
    }
    if (rac_str_eq(q->args[0], q->w->service->admin_token_id))
        remove_admin_token(q);
    rac_ask_done(q);
}

void rac_ops_token_delete(struct rac_ask *q)
{
    struct rac_token_row *rows;
    size_t n;
    bool all = manages_tokens(q, RAC_MAY_TOKEN_REVOKE);
    rac_err e = q->w->is->token_list(q->w->is->self, q->who->tenant,
                                     all ? RAC_STR_NULL : q->who->user, q->a, &rows, &n);
    for (size_t i = 0; e == RAC_OK && i < n; i++)
        if (rac_str_eq(rows[i].id, q->args[0])) {
            struct rac_actor actor = rac_ask_actor(q);
            if (!rac_str_eq(rows[i].user, q->who->user) && !may_manage(q, rows[i].user))
                return;
            q->w->is->token_revoke(q->w->is->self, q->who->tenant, q->args[0], &actor,
                                   token_revoked, q);
            return;
        }
    rac_ask_fail_err(q, e != RAC_OK ? e : RAC_E_NOT_FOUND, "token");
}

/* --- groups ----------------------------------------------------------------------------------- */

static struct rac_json group_json(struct rac_ask *q, const struct rac_group_row *g)
{
    struct rac_arena *a = q->a;
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "id", g->id);
    RAC_JSON_PUT_STR(a, &o, "name", g->name);
    RAC_JSON_PUT_STR(a, &o, "subscription", g->subscription);
    rac_json_put_str(a, &o, RAC_S("location"), g->location);
    rac_json_put_time(a, &o, RAC_S("createdTime"), g->created_ms);
    RAC_JSON_PUT_STR(a, &o, "etag", rac_etag(a, g->version));
    return o;
}

static bool sees_group(const struct rac_ask *q, rac_str group)
{
    struct rac_resource r = {.tenant = q->who->tenant, .group = group};
    return rac_iam_may(q->who, RAC_MAY_GROUP_READ, &r);
}

void rac_ops_group_list(struct rac_ask *q)
{
    size_t top, n;
    rac_str after;
    struct rac_group_row *rows;
    if (!rac_ask_page(q, &top, &after))
        return;
    rac_err e = q->w->is->group_list(q->w->is->self, q->who->tenant, q->a, &rows, &n);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "group");
        return;
    }
    size_t i = 0, shown = 0;
    while (after.p != NULL && i < n && !rac_str_eq(rows[i].id, after))
        i++;
    i += after.p != NULL && i < n;
    struct rac_json v = rac_json_new_array(q->a);
    for (; i < n && shown < top; i++)
        if (sees_group(q, rows[i].id)) {
            rac_json_add(q->a, &v, group_json(q, &rows[i]));
            shown++;
        }
    rac_ask_answer_page(q, v, i < n && i > 0 ? rows[i - 1].id : RAC_STR_NULL);
}

void rac_ops_group_get(struct rac_ask *q)
{
    struct rac_group_row g;
    rac_err e = q->w->is->group_get(q->w->is->self, q->who->tenant, q->args[0], q->a, &g);
    if (e != RAC_OK || !sees_group(q, g.id)) {
        rac_ask_fail_err(q, e != RAC_OK ? e : RAC_E_NOT_FOUND, "group");
        return;
    }
    q->etag = rac_etag(q->a, g.version);
    rac_ask_answer(q, group_json(q, &g));
}

static void group_saved(void *arg, const struct rac_commit *c)
{
    struct rac_ask *q = arg;
    struct rac_group_row g;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "group");
        return;
    }
    rac_err e = q->w->is->group_get(q->w->is->self, q->who->tenant, q->args[0], q->a, &g);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "group");
        return;
    }
    q->etag = rac_etag(q->a, g.version);
    rac_ask_answer(q, group_json(q, &g));
}

static bool group_name_ok(rac_str s)
{
    if (s.n == 0 || s.n > 90 || rac_ask_is_id(s))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!rac_is_alnum(s.p[i]) && strchr("-_.()", s.p[i]) == NULL)
            return false;
    return s.p[s.n - 1] != '.';
}

void rac_ops_group_put(struct rac_ask *q)
{
    struct rac_group_row g;
    char id[37];
    if (!rac_access_tenant(q, RAC_MAY_GROUP_EDIT, RAC_STR_NULL))
        return;
    rac_err e = q->w->is->group_get(q->w->is->self, q->who->tenant, q->args[0], q->a, &g);
    struct rac_group_save r = {.location =
                                   rac_json_str(RAC_JSON_GET(&q->json, "location"), RAC_STR_NULL),
                               .if_version = rac_etag_version(q->if_match),
                               .actor = rac_ask_actor(q)};
    if (e == RAC_OK) {
        r.id = g.id;
        r.name = g.name;
    } else if (e == RAC_E_NOT_FOUND) {
        if (!group_name_ok(q->args[0])) {
            rac_ask_fail(q, RAC_FAULT_BAD_VALUE,
                         "A group name has up to 90 letters, digits and - _ . ( ), and no full "
                         "stop at its end, and is not shaped like an id.");
            return;
        }
        if (q->if_match.p != NULL) {
            struct rac_commit c = {.err = RAC_E_CONFLICT};
            rac_ask_fail_commit(q, &c, "group");
            return;
        }
        rac_env_uuid(q->w->env, id);
        r.create = true;
        r.id = rac_str_of(id);
        r.name = q->args[0];
    } else {
        rac_ask_fail_err(q, e, "group");
        return;
    }
    q->w->is->group_save(q->w->is->self, q->who->tenant, &r, group_saved, q);
}

/* --- audit ------------------------------------------------------------------------------------ */

void rac_ops_audit_list(struct rac_ask *q)
{
    struct rac_audit_query query = {.resource = rac_ask_query(q, RAC_S("target")),
                                    .kind = rac_ask_query(q, RAC_S("kind"))};
    struct rac_audit_row *rows;
    size_t n;
    rac_str after;
    if (!rac_ask_page(q, &query.n_max, &after) ||
        !rac_access_tenant(q, RAC_MAY_AUDIT_READ, RAC_STR_NULL))
        return;
    if (after.p != NULL && !rac_str_to_i64(after, &query.before)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "$skiptoken is not one of ours.");
        return;
    }
    rac_err e = q->w->is->audit_list(q->w->is->self, q->who->tenant, &query, q->a, &rows, &n);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "audit");
        return;
    }
    struct rac_json v = rac_json_new_array(q->a);
    for (size_t i = 0; i < n; i++) {
        struct rac_json o = rac_json_new_object(q->a);
        RAC_JSON_PUT(q->a, &o, "id", rac_json_of_int(rows[i].n));
        rac_json_put_time(q->a, &o, RAC_S("time"), rows[i].at_ms);
        rac_json_put_str(q->a, &o, RAC_S("actor"), rows[i].actor);
        RAC_JSON_PUT_STR(q->a, &o, "action", rows[i].action);
        rac_json_put_str(q->a, &o, RAC_S("kind"), rows[i].kind);
        rac_json_put_str(q->a, &o, RAC_S("target"), rows[i].resource);
        if (rows[i].revision > 0)
            RAC_JSON_PUT(q->a, &o, "revision", rac_json_of_int(rows[i].revision));
        rac_json_put_str(q->a, &o, RAC_S("detail"), rows[i].note);
        rac_json_add(q->a, &v, o);
    }
    rac_ask_answer_page(q, v,
                        n == query.n_max && n > 0
                            ? rac_arena_printf(q->a, "%lld", (long long)rows[n - 1].n)
                            : RAC_STR_NULL);
}
