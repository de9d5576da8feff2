/*
 * Tenants, groups, users, roles, tokens, settings, audit.
 *
 * Names and ids of tenants, subscriptions, groups and users are found in any letter case; ids are
 * kept in lower case.
 */
#include "store/sqlite/store_priv.h"

enum { LIST_MAX = 10000 };

/* --- the audit log, and what every write needs --- */

rac_err rac_audit(struct rac_store *s, struct rac_write *w, const char *action, const char *kind,
                  rac_str resource, int64_t revision)
{
    return RAC_DB_RUN(&s->db, AUDIT_ADD, NULL, V_TEXT(w->tenant), V_I64(w->actor.at_ms),
                      V_STR(w->actor.user), V_STR(w->actor.token), V_STR(rac_str_of(action)),
                      V_STR(rac_str_of(kind)), V_TEXT(resource), V_I64(revision),
                      V_STR(w->actor.note));
}

rac_err rac_check_version(struct rac_write *w, int64_t expected, int64_t actual)
{
    w->commit.version = actual;
    return expected == 0 || expected == actual ? RAC_OK : RAC_E_CONFLICT;
}

static void submit_copy(struct rac_write *w, const void *req, size_t n, rac_str *const *texts,
                        size_t texts_n)
{
    for (size_t i = 0; i < texts_n; i++)
        *texts[i] = rac_copy(&w->a, *texts[i]);
    void *q = rac_arena_alloc(&w->a, n);
    memcpy(q, req, n);
    w->req = q;
    rac_write_submit(w);
}
#define SUBMIT(w, q, ...)                                                                          \
    submit_copy((w), &(q), sizeof(q), (rac_str *const[]){__VA_ARGS__},                             \
                sizeof((rac_str *const[]){__VA_ARGS__}) / sizeof(rac_str *))

/* --- tenants, subscriptions, groups --- */

static void read_tenant(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    *(struct rac_tenant_row *)row = (struct rac_tenant_row){
        .id = rac_db_str(r, 0, a), .name = rac_db_str(r, 1, a), .created_ms = rac_db_i64(r, 2)};
}

static rac_err tenant_get(void *self, rac_str name_or_id, struct rac_arena *a,
                          struct rac_tenant_row *out)
{
    struct rac_db_rows r =
        RAC_DB_QUERY(&rac_session(self)->db, TENANT_GET, V_STR(rac_str_lower(a, name_or_id)));
    bool found = rac_db_next(&r);
    if (found)
        read_tenant(&r, a, out);
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

static rac_err tenant_list(void *self, struct rac_arena *a, struct rac_tenant_row **v, size_t *n)
{
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, TENANT_LIST);
    return RAC_DB_ALL(&r, LIST_MAX, read_tenant, a, v, n, NULL);
}

rac_err rac_tenant_insert(struct rac_store *s, rac_str id, rac_str name, rac_ms now_ms,
                          struct rac_arena *a)
{
    rac_str name_default = RAC_S("default");
    rac_err e = RAC_DB_RUN(&s->db, TENANT_ADD, NULL, V_STR(id), V_STR(name), V_I64(now_ms));
    if (e == RAC_OK)
        e = rac_store_add_key(s, id, now_ms, a);
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, SUBSCRIPTION_ADD, NULL, V_STR(id), V_STR(RAC_DEFAULT_ID),
                       V_STR(name_default), V_I64(now_ms));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, GROUP_ADD, NULL, V_STR(id), V_STR(RAC_DEFAULT_ID),
                       V_STR(RAC_DEFAULT_ID), V_STR(name_default), V_STR(RAC_S("")), V_I64(now_ms));
    return e;
}

struct tenant_create {
    rac_str id, name;
};

static rac_err tenant_apply(struct rac_store *s, struct rac_write *w)
{
    const struct tenant_create *q = w->req;
    w->commit.id = q->id;
    w->commit.version = 1;
    rac_err e = rac_tenant_insert(s, q->id, q->name, w->actor.at_ms, &w->a);
    if (e == RAC_E_EXISTS)
        return rac_write_fail(w, e, "a tenant with this name exists");
    return e == RAC_OK ? rac_audit(s, w, "tenant.created", "tenant", q->id, 0) : e;
}

static void tenant_create(void *self, rac_str id, rac_str name, const struct rac_actor *actor,
                          rac_commit_fn done, void *arg)
{
    struct rac_write *w =
        rac_write_new(rac_session(self), tenant_apply, id, actor, RAC_TOUCH_IAM, done, arg);
    struct tenant_create q = {rac_str_lower(&w->a, id), name};
    SUBMIT(w, q, &q.name);
}

static void read_subscription(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    *(struct rac_subscription_row *)row = (struct rac_subscription_row){
        .id = rac_db_str(r, 0, a), .name = rac_db_str(r, 1, a), .created_ms = rac_db_i64(r, 2)};
}

static rac_err subscription_get(void *self, rac_str tenant, rac_str name_or_id, struct rac_arena *a,
                                struct rac_subscription_row *out)
{
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, SUBSCRIPTION_GET, V_STR(tenant),
                                        V_STR(rac_str_lower(a, name_or_id)));
    bool found = rac_db_next(&r);
    if (found)
        read_subscription(&r, a, out);
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

static rac_err subscription_list(void *self, rac_str tenant, struct rac_arena *a,
                                 struct rac_subscription_row **v, size_t *n)
{
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, SUBSCRIPTION_LIST, V_STR(tenant));
    return RAC_DB_ALL(&r, LIST_MAX, read_subscription, a, v, n, NULL);
}

static void read_group(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    struct rac_group_row *g = row;
    *g = (struct rac_group_row){.id = rac_db_str(r, 0, a),
                                .name = rac_db_str(r, 1, a),
                                .subscription = rac_db_str(r, 2, a),
                                .location = rac_db_str(r, 3, a),
                                .version = rac_db_i64(r, 4),
                                .created_ms = rac_db_i64(r, 5)};
}

static rac_err group_get(void *self, rac_str tenant, rac_str name_or_id, struct rac_arena *a,
                         struct rac_group_row *out)
{
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, GROUP_GET, V_STR(tenant),
                                        V_STR(rac_str_lower(a, name_or_id)));
    bool found = rac_db_next(&r);
    if (found)
        read_group(&r, a, out);
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

static rac_err group_list(void *self, rac_str tenant, struct rac_arena *a, struct rac_group_row **v,
                          size_t *n)
{
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, GROUP_LIST, V_STR(tenant));
    return RAC_DB_ALL(&r, LIST_MAX, read_group, a, v, n, NULL);
}

/* The version of a group, for If-Match; also whether it is there. */
static rac_err group_version(struct rac_store *s, rac_str tenant, rac_str id, struct rac_arena *a,
                             int64_t *version)
{
    struct rac_db_rows r = RAC_DB_QUERY(&s->db, GROUP_GET, V_STR(tenant), V_STR(id));
    struct rac_group_row g;
    bool found = rac_db_next(&r);
    if (found)
        read_group(&r, a, &g);
    rac_err e = rac_db_end(&r);
    if (e == RAC_OK && (!found || !rac_str_eq(g.id, id)))
        return RAC_E_NOT_FOUND;
    if (e == RAC_OK)
        *version = g.version;
    return e;
}

static rac_err group_apply(struct rac_store *s, struct rac_write *w)
{
    const struct rac_group_save *r = w->req;
    int64_t version = 0;
    rac_err e;
    w->commit.id = r->id;
    if (r->create) {
        rac_str subscription = r->subscription.p != NULL ? r->subscription : RAC_DEFAULT_ID;
        e = RAC_DB_RUN(&s->db, GROUP_ADD, NULL, V_STR(w->tenant), V_STR(r->id), V_STR(subscription),
                       V_STR(r->name), V_TEXT(r->location), V_I64(w->actor.at_ms));
        if (e == RAC_E_NOT_FOUND)
            return rac_write_fail(w, e, "there is no such subscription");
        w->commit.version = 1;
    } else {
        e = group_version(s, w->tenant, r->id, &w->a, &version);
        if (e == RAC_OK)
            e = rac_check_version(w, r->if_version, version);
        if (e == RAC_OK)
            e = RAC_DB_RUN(&s->db, GROUP_SET, NULL, V_STR(w->tenant), V_STR(r->id), V_STR(r->name),
                           V_STR(r->location));
        if (e == RAC_OK)
            w->commit.version = version + 1;
    }
    if (e == RAC_E_EXISTS)
        return rac_write_fail(w, e, "a resource group with this name exists");
    if (e != RAC_OK)
        return e;
    return rac_audit(s, w, r->create ? "group.created" : "group.updated", "group", r->id, 0);
}

static void group_save(void *self, rac_str tenant, const struct rac_group_save *r,
                       rac_commit_fn done, void *arg)
{
    struct rac_write *w =
        rac_write_new(rac_session(self), group_apply, tenant, &r->actor, RAC_TOUCH_IAM, done, arg);
    struct rac_group_save q = *r;
    q.id = rac_str_lower(&w->a, r->id);
    SUBMIT(w, q, &q.name, &q.subscription, &q.location);
}

/* --- users, roles, teams --- */

static void read_user(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    struct rac_user_row *u = row;
    *u = (struct rac_user_row){
        .id = rac_db_str(r, 0, a),
        .name = rac_db_str(r, 1, a),
        .display_name = rac_db_str(r, 2, a),
        .email = rac_db_str(r, 3, a),
        .kind = rac_db_i64(r, 4) == 2 ? RAC_USER_TEAM : RAC_USER_PERSON,
        .disabled = rac_db_i64(r, 5) != 0,
        .has_password = rac_db_i64(r, 6) != 0,
        .version = rac_db_i64(r, 7),
        .created_ms = rac_db_i64(r, 8),
        .changed_ms = rac_db_i64(r, 9),
    };
}

static rac_err user_get(void *self, rac_str tenant, rac_str name_or_id, struct rac_arena *a,
                        struct rac_user_row *out)
{
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, USER_GET, V_STR(tenant),
                                        V_STR(rac_str_lower(a, name_or_id)));
    bool found = rac_db_next(&r);
    if (found)
        read_user(&r, a, out);
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

static rac_err user_list(void *self, rac_str tenant, rac_str after_id, size_t n_max,
                         struct rac_arena *a, struct rac_user_row **v, size_t *n, bool *more)
{
    size_t page = rac_page_size(n_max);
    struct rac_db_rows r = RAC_DB_QUERY(&rac_session(self)->db, USER_LIST, V_STR(tenant),
                                        V_TEXT(after_id), V_I64(page + 1));
    return RAC_DB_ALL(&r, page, read_user, a, v, n, more);
}

static void read_grant(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    rac_str group = rac_db_str(r, 0, a);
    *(struct rac_role_grant *)row = (struct rac_role_grant){
        .group = group.n > 0 ? group : RAC_STR_NULL, .roles = (unsigned)rac_db_i64(r, 1)};
}

static rac_err read_grants(struct rac_db_rows r, struct rac_arena *a, struct rac_role_grant **v,
                           size_t *n)
{
    return RAC_DB_ALL(&r, LIST_MAX, read_grant, a, v, n, NULL);
}

static rac_err user_grants(void *self, rac_str tenant, rac_str user, struct rac_arena *a,
                           struct rac_role_grant **v, size_t *n)
{
    return read_grants(RAC_DB_QUERY(&rac_session(self)->db, GRANT_LIST, V_STR(tenant), V_STR(user)),
                       a, v, n);
}

static rac_err user_password(void *self, rac_str tenant, rac_str user, struct rac_arena *a,
                             rac_str *hash)
{
    struct rac_db_rows r =
        RAC_DB_QUERY(&rac_session(self)->db, USER_PASSWORD, V_STR(tenant), V_STR(user));
    bool found = rac_db_next(&r);
    if (found)
        *hash = rac_db_str(&r, 0, a);
    rac_err e = rac_db_end(&r);
    return e != RAC_OK ? e : found ? RAC_OK : RAC_E_NOT_FOUND;
}

static rac_err put_grants(struct rac_store *s, struct rac_write *w, rac_str user,
                          const struct rac_role_grant *v, size_t n)
{
    rac_err e = RAC_DB_RUN(&s->db, GRANT_DEL_ALL, NULL, V_STR(w->tenant), V_STR(user));
    for (size_t i = 0; i < n && e == RAC_OK; i++) {
        int64_t one;
        if (v[i].group.p != NULL)
            e = RAC_DB_NUMBER(&s->db, GROUP_EXISTS, &one, V_STR(w->tenant), V_STR(v[i].group));
        if (e == RAC_E_NOT_FOUND)
            return rac_write_fail(w, e, "there is no such resource group");
        for (unsigned role = 1; role <= RAC_ROLE_ALL && e == RAC_OK; role <<= 1)
            if (v[i].roles & role)
                e = RAC_DB_RUN(&s->db, GRANT_ADD, NULL, V_STR(w->tenant), V_STR(user),
                               V_TEXT(v[i].group), V_I64(role), V_STR(w->actor.user),
                               V_I64(w->actor.at_ms));
    }
    return e;
}

static rac_err user_add(struct rac_store *s, struct rac_write *w, const struct rac_user_save *r)
{
    rac_str hash = r->password_hash.n > 0 ? r->password_hash : RAC_STR_NULL;
    rac_err e =
        RAC_DB_RUN(&s->db, USER_ADD, NULL, V_STR(w->tenant), V_STR(r->id),
                   V_I64(r->kind == RAC_USER_TEAM ? 2 : 1), V_STR(r->name), V_TEXT(r->display_name),
                   V_TEXT(r->email), V_STR(hash), V_I64(r->disabled > 0), V_I64(w->actor.at_ms));
    w->commit.version = 1;
    return e == RAC_E_NOT_FOUND ? rac_write_fail(w, e, "there is no such tenant") : e;
}

static rac_err user_set(struct rac_store *s, struct rac_write *w, const struct rac_user_save *r)
{
    int64_t version = 0;
    rac_err e = RAC_DB_NUMBER(&s->db, USER_VERSION_OF, &version, V_STR(w->tenant), V_STR(r->id));
    if (e == RAC_OK)
        e = rac_check_version(w, r->if_version, version);
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, USER_SET, NULL, V_STR(w->tenant), V_STR(r->id), V_STR(r->name),
                       V_STR(r->display_name), V_STR(r->email), V_STR(r->password_hash),
                       V_I64(r->disabled), V_I64(w->actor.at_ms));
    if (e == RAC_OK)
        w->commit.version = version + 1;
    return e;
}

static rac_err administrators(struct rac_store *s, struct rac_write *w, int64_t *n)
{
    return RAC_DB_NUMBER(&s->db, ADMINISTRATORS, n, V_STR(w->tenant));
}

/* A tenant that has administrators keeps one: nobody could let anybody in again. before: how many
 * there were. Then, what those who lost a role or a team can no longer reach, or who got one; who absent: anybody. */
static rac_err after_change(struct rac_store *s, struct rac_write *w, int64_t before, rac_str who)
{
    int64_t after = 0;
    rac_err e = administrators(s, w, &after);
    if (e == RAC_OK && before > 0 && after == 0)
        return rac_write_fail(w, RAC_E_CONFLICT,
                              "this would leave the tenant without an administrator");
    return e == RAC_OK ? rac_access_settle(s, w, RAC_STR_NULL, who) : e;
}

static rac_err user_apply(struct rac_store *s, struct rac_write *w)
{
    const struct rac_user_save *r = w->req;
    w->commit.id = r->id;
    int64_t before = 0;
    rac_err e = administrators(s, w, &before);
    if (e == RAC_OK)
        e = r->create ? user_add(s, w, r) : user_set(s, w, r);
    if (e == RAC_E_EXISTS)
        return rac_write_fail(w, e, "a user or team with this name exists");
    if (e == RAC_OK && r->grants != NULL)
        e = put_grants(s, w, r->id, r->grants, r->grants_n);
    if (e == RAC_OK && !r->create && (r->grants != NULL || r->disabled >= 0))
        e = after_change(s, w, before, r->id);
    if (e != RAC_OK)
        return e;
    return rac_audit(s, w, r->create ? "user.created" : "user.updated", "user", r->id, 0);
}

static void user_save(void *self, rac_str tenant, const struct rac_user_save *r, rac_commit_fn done,
                      void *arg)
{
    struct rac_write *w = rac_write_new(rac_session(self), user_apply, tenant, &r->actor,
                                        RAC_TOUCH_IAM | RAC_TOUCH_CONNECTIONS, done, arg);
    struct rac_user_save q = *r;
    q.id = rac_str_lower(&w->a, r->id);
    if (r->grants != NULL) {
        struct rac_role_grant *v = RAC_NEW_N(&w->a, struct rac_role_grant, r->grants_n);
        for (size_t i = 0; i < r->grants_n; i++)
            v[i] = (struct rac_role_grant){.group = rac_copy(&w->a, r->grants[i].group),
                                           .roles = r->grants[i].roles};
        q.grants = v;
    }
    SUBMIT(w, q, &q.name, &q.display_name, &q.email, &q.password_hash);
}

struct id_version {
    rac_str id;
    int64_t if_version;
};

static rac_err user_delete_apply(struct rac_store *s, struct rac_write *w)
{
    const struct id_version *q = w->req;
    int64_t version = 0, before = 0;
    w->commit.id = q->id;
    rac_str t = w->tenant;
    rac_err e = RAC_DB_NUMBER(&s->db, USER_VERSION_OF, &version, V_STR(t), V_STR(q->id));
    if (e == RAC_OK)
        e = administrators(s, w, &before);
    if (e == RAC_OK)
        e = rac_check_version(w, q->if_version, version);
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, TOKEN_REVOKE_USER, NULL, V_STR(t), V_STR(q->id),
                       V_I64(w->actor.at_ms));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, GRANT_DEL_ALL, NULL, V_STR(t), V_STR(q->id));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, MEMBER_DEL_ALL, NULL, V_STR(t), V_STR(q->id));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, SHARE_DEL_GRANTEE, NULL, V_STR(t), V_STR(q->id));
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, USER_GONE, NULL, V_STR(t), V_STR(q->id), V_I64(w->actor.at_ms));
    if (e == RAC_OK)
        e = after_change(s, w, before, RAC_STR_NULL);
    return e == RAC_OK ? rac_audit(s, w, "user.deleted", "user", q->id, 0) : e;
}

static void user_delete(void *self, rac_str tenant, rac_str id, int64_t if_version,
                        const struct rac_actor *actor, rac_commit_fn done, void *arg)
{
    struct rac_write *w = rac_write_new(rac_session(self), user_delete_apply, tenant, actor,
                                        RAC_TOUCH_IAM | RAC_TOUCH_CONNECTIONS, done, arg);
    struct id_version q = {id, if_version};
    SUBMIT(w, q, &q.id);
}

struct member {
    rac_str team, user;
    bool is_member;
};

static rac_err member_apply(struct rac_store *s, struct rac_write *w)
{
    const struct member *q = w->req;
    w->commit.id = q->team;
    rac_err e = RAC_DB_NUMBER(&s->db, USER_VERSION_OF, &w->commit.version, V_STR(w->tenant),
                              V_STR(q->team));
    int64_t version, before = 0;
    if (e == RAC_OK)
        e = RAC_DB_NUMBER(&s->db, USER_VERSION_OF, &version, V_STR(w->tenant), V_STR(q->user));
    if (e == RAC_OK)
        e = administrators(s, w, &before);
    if (e == RAC_OK && q->is_member)
        e = RAC_DB_RUN(&s->db, MEMBER_ADD, NULL, V_STR(w->tenant), V_STR(q->user), V_STR(q->team));
    else if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, MEMBER_DEL, NULL, V_STR(w->tenant), V_STR(q->user), V_STR(q->team));
    if (e == RAC_OK)
        e = after_change(s, w, before, q->user);
    return e == RAC_OK ? rac_audit(s, w, q->is_member ? "team.member_added" : "team.member_removed",
                                   "user", q->user, 0)
                       : e;
}

static void member_save(void *self, rac_str tenant, rac_str team, rac_str user, bool is_member,
                        const struct rac_actor *actor, rac_commit_fn done, void *arg)
{
    struct rac_write *w = rac_write_new(rac_session(self), member_apply, tenant, actor,
                                        RAC_TOUCH_IAM | RAC_TOUCH_CONNECTIONS, done, arg);
    struct member q = {team, user, is_member};
    SUBMIT(w, q, &q.team, &q.user);
}

/* --- tokens --- */

static void read_token(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    struct rac_token_row *t = row;
    *t = (struct rac_token_row){
        .id = rac_db_str(r, 0, a),
        .name = rac_db_str(r, 1, a),
        .tenant = rac_db_str(r, 2, a),
        .user = rac_db_str(r, 3, a),
        .group = rac_db_str(r, 4, a),
        .roles = (unsigned)rac_db_i64(r, 5),
        .created_by = rac_db_str(r, 6, a),
        .created_ms = rac_db_i64(r, 7),
        .expires_ms = rac_db_i64(r, 8),
        .revoked_ms = rac_db_i64(r, 9),
        .user_name = rac_db_str(r, 10, a),
        .user_disabled = rac_db_i64(r, 11) != 0,
    };
}

static void read_id(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    *(rac_str *)row = rac_db_str(r, 0, a);
}

static rac_err user_holds(void *self, rac_str tenant, rac_str user, struct rac_arena *a,
                          struct rac_role_grant **grants, size_t *grants_n, rac_str **teams,
                          size_t *teams_n)
{
    struct rac_db *db = &rac_session(self)->db;
    rac_err e =
        read_grants(RAC_DB_QUERY(db, GRANT_HELD, V_STR(tenant), V_STR(user)), a, grants, grants_n);
    if (e != RAC_OK)
        return e;
    struct rac_db_rows r = RAC_DB_QUERY(db, TEAM_LIST, V_STR(tenant), V_STR(user));
    return RAC_DB_ALL(&r, LIST_MAX, read_id, a, teams, teams_n, NULL);
}

static rac_err token_find(void *self, const uint8_t digest[32], struct rac_arena *a,
                          struct rac_token_row *out)
{
    struct rac_db *db = &rac_session(self)->db;
    struct rac_db_rows r = RAC_DB_QUERY(db, TOKEN_FIND, V_BYTES(digest, 32));
    bool found = rac_db_next(&r);
    if (found)
        read_token(&r, a, out);
    rac_err e = rac_db_end(&r);
    if (e != RAC_OK || !found)
        return e != RAC_OK ? e : RAC_E_NOT_FOUND;
    return user_holds(self, out->tenant, out->user, a, &out->grants, &out->grants_n, &out->teams,
                      &out->teams_n);
}

static rac_err token_list(void *self, rac_str tenant, rac_str user, struct rac_arena *a,
                          struct rac_token_row **v, size_t *n)
{
    struct rac_db_rows r =
        RAC_DB_QUERY(&rac_session(self)->db, TOKEN_LIST, V_STR(tenant), V_STR(user));
    return RAC_DB_ALL(&r, LIST_MAX, read_token, a, v, n, NULL);
}

static rac_err token_apply(struct rac_store *s, struct rac_write *w)
{
    const struct rac_token_save *r = w->req;
    int64_t n;
    w->commit.id = r->id;
    w->commit.version = 1;
    rac_err e = RAC_DB_NUMBER(&s->db, USER_VERSION_OF, &n, V_STR(w->tenant), V_STR(r->user));
    if (e == RAC_E_NOT_FOUND)
        return rac_write_fail(w, e, "there is no such user");
    if (e == RAC_OK && r->group.p != NULL)
        e = RAC_DB_NUMBER(&s->db, GROUP_EXISTS, &n, V_STR(w->tenant), V_STR(r->group));
    if (e == RAC_E_NOT_FOUND)
        return rac_write_fail(w, e, "there is no such resource group");
    if (e == RAC_OK)
        e = RAC_DB_RUN(&s->db, TOKEN_ADD, NULL, V_STR(w->tenant), V_STR(r->id), V_STR(r->user),
                       V_TEXT(r->name), V_BYTES(r->digest, sizeof r->digest), V_STR(r->group),
                       V_I64(r->roles), V_STR(w->actor.user), V_I64(w->actor.at_ms),
                       V_I64(r->expires_ms));
    return e == RAC_OK ? rac_audit(s, w, "token.created", "token", r->id, 0) : e;
}

static void token_create(void *self, rac_str tenant, const struct rac_token_save *r,
                         rac_commit_fn done, void *arg)
{
    struct rac_write *w =
        rac_write_new(rac_session(self), token_apply, tenant, &r->actor, RAC_TOUCH_IAM, done, arg);
    struct rac_token_save q = *r;
    SUBMIT(w, q, &q.id, &q.name, &q.user, &q.group);
}

static rac_err revoke_apply(struct rac_store *s, struct rac_write *w)
{
    const struct id_version *q = w->req;
    int64_t changed = 0;
    w->commit.id = q->id;
    rac_err e = RAC_DB_RUN(&s->db, TOKEN_REVOKE, &changed, V_STR(w->tenant), V_STR(q->id),
                           V_I64(w->actor.at_ms));
    if (e == RAC_OK && changed == 0)
        e = RAC_E_NOT_FOUND;
    return e == RAC_OK ? rac_audit(s, w, "token.revoked", "token", q->id, 0) : e;
}

static void token_revoke(void *self, rac_str tenant, rac_str id, const struct rac_actor *actor,
                         rac_commit_fn done, void *arg)
{
    struct rac_write *w =
        rac_write_new(rac_session(self), revoke_apply, tenant, actor, RAC_TOUCH_IAM, done, arg);
    struct id_version q = {id, 0};
    SUBMIT(w, q, &q.id);
}

/* --- settings --- */

static rac_err setting_get(void *self, rac_str tenant, rac_str key, struct rac_arena *a,
                           rac_str *value)
{
    struct rac_store_session *ses = rac_session(self);
    struct rac_db_rows r = RAC_DB_QUERY(&ses->db, SETTING_GET, V_TEXT(tenant), V_STR(key));
    bool found = rac_db_next(&r);
    bool sealed = found && rac_db_i64(&r, 0) != 0;
    rac_str v = found ? rac_db_str(&r, 1, a) : RAC_STR_NULL;
    rac_err e = rac_db_end(&r);
    if (e != RAC_OK || !found)
        return e != RAC_OK ? e : RAC_E_NOT_FOUND;
    if (sealed)
        return rac_store_unseal(ses->s, tenant, "settings", key, v, a, value);
    *value = v;
    return RAC_OK;
}

struct setting {
    rac_str key, value;
    bool sealed;
};

static rac_err setting_apply(struct rac_store *s, struct rac_write *w)
{
    const struct setting *q = w->req;
    rac_err e;
    w->commit.id = q->key;
    if (q->value.p == NULL)
        e = RAC_DB_RUN(&s->db, SETTING_DEL, NULL, V_TEXT(w->tenant), V_STR(q->key));
    else
        e = RAC_DB_RUN(&s->db, SETTING_PUT, NULL, V_TEXT(w->tenant), V_STR(q->key),
                       V_I64(q->sealed), V_BLOB(q->value), V_I64(w->actor.at_ms));
    return e == RAC_OK ? rac_audit(s, w, "setting.saved", "setting", q->key, 0) : e;
}

static void setting_save(void *self, rac_str tenant, rac_str key, rac_str value, bool sealed,
                         const struct rac_actor *actor, rac_commit_fn done, void *arg)
{
    struct rac_store_session *ses = rac_session(self);
    struct rac_write *w =
        rac_write_new(ses, setting_apply, tenant, actor, RAC_TOUCH_IAM, done, arg);
    struct setting q = {key, value, sealed};
    if (sealed && value.p != NULL) {
        rac_err e = rac_store_seal(ses->s, tenant, "settings", key, value, &w->a, &q.value);
        if (e != RAC_OK) {
            rac_write_refuse(w, e, "the setting could not be sealed");
            return;
        }
    }
    SUBMIT(w, q, &q.key, &q.value);
}

/* --- the log --- */

static void read_audit(struct rac_db_rows *r, struct rac_arena *a, void *row)
{
    *(struct rac_audit_row *)row = (struct rac_audit_row){.n = rac_db_i64(r, 0),
                                                          .at_ms = rac_db_i64(r, 1),
                                                          .actor = rac_db_str(r, 2, a),
                                                          .token = rac_db_str(r, 3, a),
                                                          .action = rac_db_str(r, 4, a),
                                                          .kind = rac_db_str(r, 5, a),
                                                          .resource = rac_db_str(r, 6, a),
                                                          .revision = rac_db_i64(r, 7),
                                                          .note = rac_db_str(r, 8, a)};
}

static rac_err audit_list(void *self, rac_str tenant, const struct rac_audit_query *q,
                          struct rac_arena *a, struct rac_audit_row **v, size_t *n)
{
    struct rac_db *db = &rac_session(self)->db;
    size_t page = rac_page_size(q->n_max);
    int64_t before = q->before > 0 ? q->before : INT64_MAX;
    const struct rac_db_value values[] = {V_TEXT(tenant),     V_I64(before),   V_STR(q->kind),
                                          V_STR(q->resource), V_STR(q->actor), V_I64(page)};
    bool indexed = q->kind.p != NULL && q->resource.p != NULL;
    struct rac_db_rows r = rac_db_query(db, indexed ? RAC_STMT_AUDIT_LIST_OF : RAC_STMT_AUDIT_LIST,
                                        values, RAC_COUNT(values));
    return RAC_DB_ALL(&r, page, read_audit, a, v, n, NULL);
}

struct audit_add {
    rac_str action, kind, resource;
    int64_t revision;
};

static rac_err audit_apply(struct rac_store *s, struct rac_write *w)
{
    const struct audit_add *q = w->req;
    return rac_audit(s, w, q->action.p, q->kind.p, q->resource, q->revision);
}

static void audit_add(void *self, rac_str tenant, rac_str action, rac_str kind, rac_str resource,
                      int64_t revision, const struct rac_actor *actor, rac_commit_fn done,
                      void *arg)
{
    struct rac_write *w =
        rac_write_new(rac_session(self), audit_apply, tenant, actor, 0, done, arg);
    struct audit_add q = {action, kind, resource, revision};
    SUBMIT(w, q, &q.action, &q.kind, &q.resource);
}

/* --- the beginning --- */

rac_err rac_iam_seed(struct rac_store *s, rac_ms now_ms, struct rac_arena *a)
{
    struct rac_write w = {.tenant = RAC_DEFAULT_ID, .actor.at_ms = now_ms};
    const struct rac_user_save admin = {.create = true,
                                        .id = RAC_DEFAULT_ID,
                                        .name = RAC_S("admin"),
                                        .display_name = RAC_S("Administrator")};
    const struct rac_role_grant all = {.roles = RAC_ROLE_ADMINISTRATOR | RAC_ROLE_OPERATOR};
    (void)a;
    rac_err e = user_add(s, &w, &admin);
    if (e == RAC_OK)
        e = put_grants(s, &w, admin.id, &all, 1);
    return e;
}

void rac_iam_rows_port(struct rac_iam_store *p)
{
    p->tenant_get = tenant_get;
    p->tenant_list = tenant_list;
    p->tenant_create = tenant_create;
    p->subscription_get = subscription_get;
    p->subscription_list = subscription_list;
    p->group_get = group_get;
    p->group_list = group_list;
    p->group_save = group_save;
    p->user_get = user_get;
    p->user_list = user_list;
    p->user_grants = user_grants;
    p->user_holds = user_holds;
    p->user_password = user_password;
    p->user_save = user_save;
    p->user_delete = user_delete;
    p->member_save = member_save;
    p->token_find = token_find;
    p->token_list = token_list;
    p->token_create = token_create;
    p->token_revoke = token_revoke;
    p->setting_get = setting_get;
    p->setting_save = setting_save;
    p->audit_list = audit_list;
    p->audit_add = audit_add;
}
