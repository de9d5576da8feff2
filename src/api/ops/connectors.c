#include "api/ops/connectors.h"

#include "api/ops/access.h"
#include "api/service.h"
#include "connector/package.h"

/* Reading, listing, deleting and sharing connectors, and their files one by one. Saving them is in
 * saving.c. */

enum { CALLERS_MAX = 10 }; /* workflows named to who deletes what they call */

static void put_meta(struct rac_ask *q, struct rac_json *o, const struct rac_connector_row *r)
{
    struct rac_json meta;
    if (r->meta.n == 0 || rac_json_parse(r->meta, q->a, 0, &meta, NULL) != RAC_OK)
        return;
    static const char *const shown[] = {"brandColor", "host", "basePath", "hasIcon", "hasScript"};
    for (size_t i = 0; i < RAC_COUNT(shown); i++) {
        struct rac_json *v = rac_json_get(&meta, rac_str_of(shown[i]));
        if (v != NULL)
            rac_json_put(q->a, o, rac_str_of(shown[i]), *v);
    }
}

/* Names of workflows that call the connector, as far as the caller may see them. */
static struct rac_json callers(struct rac_ask *q, rac_str id)
{
    const struct rac_flow_store *fs = q->w->fs;
    struct rac_json v = rac_json_new_array(q->a);
    struct rac_flow_row *rows;
    size_t n = 0;
    if (fs->flow_users(fs->self, q->who->tenant, id, RAC_STR_NULL, 0, q->a, &rows, &n) != RAC_OK)
        n = 0;
    for (size_t i = 0; i < n && rac_json_len(&v) < CALLERS_MAX; i++) {
        const struct rac_resource r = {
            .tenant = q->who->tenant, .group = rows[i].group, .owner = rows[i].owner};
        if (rac_iam_may(q->who, RAC_MAY_WORKFLOW_READ, &r))
            rac_json_add(q->a, &v, rac_json_of_str(rows[i].name));
    }
    return v;
}

static void put_impact(struct rac_ask *q, struct rac_json *o, rac_str id,
                       const struct rac_impact *i)
{
    RAC_JSON_PUT(q->a, o, "connections", rac_json_of_int(i->connections_n));
    RAC_JSON_PUT(q->a, o, "workflows", rac_json_of_int(i->workflows_n));
    if (i->workflows_n > 0)
        RAC_JSON_PUT(q->a, o, "usedBy", callers(q, id));
}

/* The Connector of schemas.json; whole: with what takes a further look-up. */
static struct rac_json connector_json(struct rac_ask *q, const struct rac_connector_row *r,
                                      bool whole)
{
    struct rac_arena *a = q->a;
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "id", r->id);
    RAC_JSON_PUT_STR(a, &o, "displayName", r->display_name);
    rac_json_put_str(a, &o, RAC_S("description"), r->description);
    RAC_JSON_PUT_STR(a, &o, "group", rac_access_group_name(q, r->group));
    RAC_JSON_PUT(a, &o, "owner", rac_access_person(q, r->owner));
    RAC_JSON_PUT_STR(a, &o, "audience", rac_audience_name(r->audience));
    RAC_JSON_PUT(a, &o, "revision", rac_json_of_int(r->revision));
    RAC_JSON_PUT_STR(a, &o, "etag", rac_etag(a, r->version));
    put_meta(q, &o, r);
    RAC_JSON_PUT(a, &o, "operations", rac_json_of_int(r->operations_n));
    RAC_JSON_PUT(a, &o, "triggers", rac_json_of_int(r->triggers_n));
    if (whole) {
        struct rac_impact i = {0};
        if (q->w->cs->connector_impact(q->w->cs->self, q->who->tenant, r->id, &i) == RAC_OK)
            put_impact(q, &o, r->id, &i);
        RAC_JSON_PUT_STR(
            a, &o, "redirectUrl",
            rac_arena_printf(a, "%.*s/oauth/redirect/%.*s", RAC_FMT(q->base_url), RAC_FMT(r->id)));
    }
    rac_json_put_time(a, &o, RAC_S("createdTime"), r->created_ms);
    rac_json_put_time(a, &o, RAC_S("changedTime"), r->changed_ms);
    rac_json_put_time(a, &o, RAC_S("deletedTime"), r->deleted_ms);
    return o;
}

void rac_connector_answer(struct rac_ask *q, rac_str id, const struct rac_diags *findings,
                          const struct rac_diags *losses)
{
    struct rac_connector_row row;
    rac_err e = q->w->cs->connector_get(q->w->cs->self, q->who->tenant, id, q->a, &row);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "connector");
        return;
    }
    struct rac_json o = connector_json(q, &row, true);
    if (findings != NULL)
        RAC_JSON_PUT(q->a, &o, "findings", rac_ask_findings(q->a, findings));
    if (losses != NULL && losses->n > 0)
        RAC_JSON_PUT(q->a, &o, "losses", rac_ask_findings(q->a, losses));
    q->etag = rac_etag(q->a, row.version);
    rac_ask_answer(q, o);
}

void rac_ops_connector_get(struct rac_ask *q)
{
    struct rac_connector_row row;
    if (!rac_access_connector(q, RAC_MAY_CONNECTOR_READ, q->args[0], &row))
        return;
    q->etag = rac_etag(q->a, row.version);
    rac_ask_answer(q, connector_json(q, &row, true));
}

void rac_ops_connector_list(struct rac_ask *q)
{
    struct rac_connector_query query = {0};
    struct rac_connector_row *rows;
    size_t n;
    bool more;
    if (!rac_ask_page(q, &query.n_max, &query.after))
        return;
    rac_str group = rac_ask_query(q, RAC_S("group"));
    struct rac_group_row g;
    if (group.n > 0 || q->who->only_group.n > 0) {
        if (!rac_access_group(q, RAC_MAY_CONNECTOR_LIST, group, &g))
            return;
        query.group = g.id;
    }
    query.search = rac_ask_query(q, RAC_S("search"));
    if (!rac_ask_flag(q, RAC_S("deleted"), &query.deleted))
        return;
    rac_access_connectors_visible(q, &query);
    rac_err e =
        q->w->cs->connector_list(q->w->cs->self, q->who->tenant, &query, q->a, &rows, &n, &more);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "connector");
        return;
    }
    struct rac_json v = rac_json_new_array(q->a);
    for (size_t i = 0; i < n; i++)
        rac_json_add(q->a, &v, connector_json(q, &rows[i], false));
    rac_ask_answer_page(q, v, more && n > 0 ? rows[n - 1].id : RAC_STR_NULL);
}

/* --- deleting --------------------------------------------------------------------------------- */

static void fail_unconfirmed(struct rac_ask *q, const struct rac_commit *c)
{
    const struct rac_json names = callers(q, c->id);
    rac_str list = RAC_S("");
    for (size_t i = 0; i < rac_json_len(&names); i++)
        list = rac_arena_printf(q->a, "%.*s%s%.*s", RAC_FMT(list), i == 0 ? ": " : ", ",
                                RAC_FMT(rac_json_str(rac_json_at(&names, i), RAC_S(""))));
    rac_ask_fail(q, RAC_FAULT_CONFIRM,
                 "Deleting this connector also deletes %lld connection%s made with it and breaks "
                 "%lld workflow%s%.*s. Repeat with ?confirm=%lld if that is meant.",
                 (long long)c->impact.connections_n, c->impact.connections_n == 1 ? "" : "s",
                 (long long)c->impact.workflows_n, c->impact.workflows_n == 1 ? "" : "s",
                 RAC_FMT(list), (long long)c->impact.connections_n);
}

static void deleted(void *arg, const struct rac_commit *c)
{
    struct rac_ask *q = arg;
    if (c->err == RAC_E_CONFLICT && q->state != NULL) { /* the number, not the tag */
        fail_unconfirmed(q, c);
        return;
    }
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "connector");
        return;
    }
    struct rac_json o = rac_json_new_object(q->a);
    RAC_JSON_PUT_STR(q->a, &o, "id", q->args[0]);
    RAC_JSON_PUT(q->a, &o, "connectionsDeleted", rac_json_of_int(c->impact.connections_n));
    rac_ask_answer(q, o);
}

void rac_ops_connector_delete(struct rac_ask *q)
{
    struct rac_connector_row row;
    if (!rac_access_connector(q, RAC_MAY_CONNECTOR_DELETE, q->args[0], &row))
        return;
    struct rac_connector_delete r = {.id = row.id,
                                     .if_version = rac_etag_version(q->if_match),
                                     .confirm = -1,
                                     .actor = rac_ask_actor(q)};
    rac_str confirm = rac_ask_query(q, RAC_S("confirm"));
    if (confirm.p != NULL && (!rac_str_to_i64(confirm, &r.confirm) || r.confirm < 0)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "confirm must be the number of connections.");
        return;
    }
    /* A wrong tag and a wrong number are both conflicts to the store: tell them apart here. */
    if (r.if_version == 0 || r.if_version == row.version)
        q->state = q;
    q->w->cs->connector_delete(q->w->cs->self, q->who->tenant, &r, deleted, q);
}

/* --- bringing back ----------------------------------------------------------------------------- */

static void restored(void *arg, const struct rac_commit *c)
{
    struct rac_ask *q = arg;
    if (c->err == RAC_E_EXISTS) /* somebody else was faster */
        rac_ask_fail(q, RAC_FAULT_CONFLICT, "The connector is not deleted.");
    else if (c->err != RAC_OK)
        rac_ask_fail_commit(q, c, "connector");
    else
        rac_connector_answer(q, c->id, NULL, NULL);
}

void rac_ops_connector_restore(struct rac_ask *q)
{
    struct rac_connector_row row;
    struct rac_actor actor = rac_ask_actor(q);
    if (rac_access_deleted(q, RAC_MAY_CONNECTOR_DELETE, q->args[0], &row))
        q->w->cs->connector_restore(q->w->cs->self, q->who->tenant, row.id, &actor, restored, q);
}

/* --- revisions, files ------------------------------------------------------------------------- */

void rac_ops_connector_revisions(struct rac_ask *q)
{
    struct rac_connector_row row;
    size_t top, n;
    rac_str after;
    if (!rac_ask_page(q, &top, &after) ||
        !rac_access_connector(q, RAC_MAY_CONNECTOR_READ, q->args[0], &row))
        return;
    int64_t before = 0;
    if (after.p != NULL && !rac_str_to_i64(after, &before)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "$skiptoken is not one of ours.");
        return;
    }
    struct rac_revision_row *rows;
    rac_err e = q->w->cs->revision_list(q->w->cs->self, q->who->tenant, row.id, before, top, q->a,
                                        &rows, &n);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "connector");
        return;
    }
    struct rac_json v = rac_json_new_array(q->a);
    for (size_t i = 0; i < n; i++) {
        struct rac_json o = rac_json_new_object(q->a);
        RAC_JSON_PUT(q->a, &o, "revision", rac_json_of_int(rows[i].revision));
        RAC_JSON_PUT(q->a, &o, "author", rac_access_person(q, rows[i].created_by));
        rac_json_put_time(q->a, &o, RAC_S("createdTime"), rows[i].created_ms);
        RAC_JSON_PUT(q->a, &o, "live", rac_json_of_bool(rows[i].revision == row.revision));
        rac_json_add(q->a, &v, o);
    }
    bool more = n == top && n > 0 && rows[n - 1].revision > 1;
    rac_ask_answer_page(q, v,
                        more ? rac_arena_printf(q->a, "%lld", (long long)rows[n - 1].revision)
                             : RAC_STR_NULL);
}

static rac_str type_of(enum rac_file_kind kind, rac_str bytes)
{
    if (kind == RAC_FILE_ICON)
        return rac_str_starts(bytes, RAC_S("\x89PNG"))        ? RAC_S("image/png")
               : rac_str_starts(bytes, RAC_S("\xff\xd8\xff")) ? RAC_S("image/jpeg")
                                                              : RAC_S("application/octet-stream");
    if (kind == RAC_FILE_DEFINITION || kind == RAC_FILE_PROPERTIES)
        return RAC_S("application/json; charset=utf-8");
    return kind == RAC_FILE_SCRIPT ? RAC_S("text/plain; charset=utf-8")
                                   : RAC_S("application/octet-stream");
}

static void answer_file(struct rac_ask *q, enum rac_file_kind kind, const char *what)
{
    struct rac_connector_row row;
    struct rac_file f;
    if (!rac_access_connector(q, RAC_MAY_CONNECTOR_READ, q->args[0], &row))
        return;
    int64_t revision = 0;
    rac_str wanted = rac_ask_query(q, RAC_S("revision"));
    if (wanted.p != NULL && (!rac_str_to_i64(wanted, &revision) || revision < 1)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "revision must be a number from 1.");
        return;
    }
    rac_err e = q->w->cs->file_get(q->w->cs->self, q->who->tenant, row.id, revision, kind,
                                   RAC_STR_NULL, q->a, &f);
    if (e == RAC_E_NOT_FOUND) {
        rac_ask_fail(q, RAC_FAULT_NOT_FOUND, "This connector has no %s.", what);
        return;
    }
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, what);
        return;
    }
    q->etag = rac_etag(q->a, row.version);
    rac_ask_answer_bytes(q, f.bytes, type_of(kind, f.bytes), f.name);
}

void rac_ops_definition_get(struct rac_ask *q)
{
    answer_file(q, RAC_FILE_DEFINITION, "definition");
}

void rac_ops_properties_get(struct rac_ask *q)
{
    answer_file(q, RAC_FILE_PROPERTIES, "properties");
}

void rac_ops_icon_get(struct rac_ask *q)
{
    answer_file(q, RAC_FILE_ICON, "icon");
}

void rac_ops_script_get(struct rac_ask *q)
{
    answer_file(q, RAC_FILE_SCRIPT, "custom code");
}

void rac_ops_original_get(struct rac_ask *q)
{
    answer_file(q, RAC_FILE_ORIGINAL, "original description besides its definition");
}

/* A package is every file of the revision but the one kept for audit. */
static rac_err package_of(struct rac_ask *q, const struct rac_connector_row *row,
                          struct rac_package **out)
{
    const struct rac_connector_store *cs = q->w->cs;
    struct rac_revision_row rev;
    rac_err e = cs->revision_get(cs->self, q->who->tenant, row->id, 0, q->a, &rev);
    if (e != RAC_OK)
        return e;
    struct rac_package *p = RAC_NEW(q->a, struct rac_package);
    p->a = q->a;
    p->files = RAC_NEW_N(q->a, struct rac_package_file, rev.files_n + 1);
    for (size_t i = 0; i < RAC_PACKAGE_ROLES; i++)
        p->role_file[i] = -1;
    for (size_t i = 0; i < rev.files_n; i++) {
        struct rac_file f;
        if (rev.files[i].kind == RAC_FILE_ORIGINAL)
            continue;
        e = cs->file_get(cs->self, q->who->tenant, row->id, rev.revision, rev.files[i].kind,
                         rev.files[i].name, q->a, &f);
        if (e != RAC_OK)
            return e;
        p->files[p->files_n++] = (struct rac_package_file){.name = f.name, .bytes = f.bytes};
    }
    *out = p;
    return RAC_OK;
}

void rac_ops_package_get(struct rac_ask *q)
{
    struct rac_connector_row row;
    struct rac_package *p;
    if (!rac_access_connector(q, RAC_MAY_CONNECTOR_READ, q->args[0], &row))
        return;
    rac_err e = package_of(q, &row, &p);
    struct rac_buf b;
    rac_buf_init(&b, 256 << 20);
    if (e == RAC_OK)
        e = rac_package_zip(p, &b);
    rac_str zip = e == RAC_OK ? rac_buf_take(&b, q->a) : RAC_STR_NULL;
    rac_buf_fini(&b);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "package");
        return;
    }
    q->etag = rac_etag(q->a, row.version);
    rac_ask_answer_bytes(q, zip, RAC_S("application/zip"),
                         rac_arena_printf(q->a, "%.*s.zip", RAC_FMT(row.id)));
}

/* --- operations ------------------------------------------------------------------------------- */

struct with_connector {
    struct rac_ask *q;
    size_t top, from;
};

static struct rac_json operation_json(struct rac_arena *a, const struct rac_op *op)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "operationId", op->id);
    RAC_JSON_PUT_STR(a, &o, "method", op->method);
    RAC_JSON_PUT_STR(a, &o, "path", op->path);
    rac_json_put_str(a, &o, RAC_S("summary"), op->summary);
    if (op->trigger != RAC_TRIGGER_NONE)
        RAC_JSON_PUT_STR(a, &o, "trigger",
                         op->trigger == RAC_TRIGGER_BATCH ? RAC_S("batch") : RAC_S("single"));
    if (op->deprecated)
        RAC_JSON_PUT(a, &o, "deprecated", rac_json_of_bool(true));
    if (op->internal)
        RAC_JSON_PUT_STR(a, &o, "visibility", RAC_S("internal"));
    if (op->needs_script)
        RAC_JSON_PUT(a, &o, "needsScript", rac_json_of_bool(true));
    return rac_json_copy(a, &o); /* the connector may be forgotten before the answer is printed */
}

static void operations_ready(void *arg, rac_err err, struct rac_connector *c, rac_str why)
{
    struct with_connector *t = arg;
    struct rac_ask *q = t->q;
    if (err != RAC_OK) {
        struct rac_commit said = {.err = err, .error = why};
        rac_ask_fail_commit(q, &said, "connector");
        return;
    }
    struct rac_json v = rac_json_new_array(q->a);
    size_t i = t->from;
    for (; i < c->ops_n && i < t->from + t->top; i++)
        rac_json_add(q->a, &v, operation_json(q->a, &c->ops[i]));
    rac_ask_answer_page(q, v, i < c->ops_n ? rac_arena_printf(q->a, "%zu", i) : RAC_STR_NULL);
}

void rac_ops_connector_operations(struct rac_ask *q)
{
    struct rac_connector_row row;
    struct with_connector *t = RAC_NEW(q->a, struct with_connector);
    rac_str after;
    uint64_t from = 0;
    if (!rac_ask_page(q, &t->top, &after) ||
        !rac_access_connector(q, RAC_MAY_CONNECTOR_READ, q->args[0], &row))
        return;
    if (after.p != NULL && !rac_str_to_u64(after, &from)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "$skiptoken is not one of ours.");
        return;
    }
    t->q = q;
    t->from = from > UINT32_MAX ? UINT32_MAX : (size_t)from;
    rac_compiled_want(q->w->compiled, q->who->tenant, row.id, operations_ready, t);
}

/* --- sharing ---------------------------------------------------------------------------------- */

static void answer_permissions(struct rac_ask *q, const struct rac_connector_row *row)
{
    struct rac_share_row *rows;
    size_t n;
    rac_err e = q->w->cs->share_list(q->w->cs->self, q->who->tenant, RAC_SHARED_CONNECTOR, row->id,
                                     q->a, &rows, &n);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "connector");
        return;
    }
    struct rac_json o = rac_json_new_object(q->a), v = rac_json_new_array(q->a);
    for (size_t i = 0; i <= n; i++) {
        rac_str who = i == 0 ? row->owner : rows[i - 1].grantee;
        struct rac_json p = rac_json_new_object(q->a), person = rac_access_person(q, who);
        RAC_JSON_PUT_STR(q->a, &p, "principal", rac_json_str(RAC_JSON_GET(&person, "name"), who));
        RAC_JSON_PUT_STR(q->a, &p, "id", who);
        RAC_JSON_PUT_STR(q->a, &p, "level",
                         rac_level_name(i == 0 ? RAC_LEVEL_OWN : rows[i - 1].level));
        rac_json_add(q->a, &v, p);
    }
    RAC_JSON_PUT(q->a, &o, "value", v);
    rac_ask_answer(q, o);
}

void rac_ops_permissions_get(struct rac_ask *q)
{
    struct rac_connector_row row;
    if (rac_access_connector(q, RAC_MAY_CONNECTOR_READ, q->args[0], &row))
        answer_permissions(q, &row);
}

/* The list wanted becomes single changes, made one after the other. */
struct sharing {
    struct rac_ask *q;
    struct rac_connector_row row;
    struct rac_share_save *todo;
    size_t n, at;
};

static void share_next(void *arg, const struct rac_commit *c)
{
    struct sharing *s = arg;
    struct rac_ask *q = s->q;
    if (c != NULL && c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "connector");
        return;
    }
    if (s->at == s->n) {
        answer_permissions(q, &s->row);
        return;
    }
    q->w->cs->share_save(q->w->cs->self, q->who->tenant, &s->todo[s->at++], share_next, s);
}

static void share_add(struct sharing *s, rac_str grantee, enum rac_level level)
{
    s->todo[s->n++] = (struct rac_share_save){.kind = RAC_SHARED_CONNECTOR,
                                              .resource = s->row.id,
                                              .grantee = grantee,
                                              .level = level,
                                              .actor = rac_ask_actor(s->q)};
}

/* Ids of the principals named, in order; false: answered. */
static bool share_read(struct rac_ask *q, const struct rac_json *list, rac_str *ids)
{
    for (size_t i = 0; i < rac_json_len(list); i++) {
        rac_str name = rac_json_str(RAC_JSON_GET(rac_json_at(list, i), "principal"), RAC_S(""));
        struct rac_user_row u;
        rac_err e = q->w->is->user_get(q->w->is->self, q->who->tenant, name, q->a, &u);
        if (e != RAC_OK) {
            rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "There is no user %.*s.", RAC_FMT(name));
            return false;
        }
        ids[i] = u.id;
    }
    return true;
}

void rac_ops_permissions_put(struct rac_ask *q)
{
    struct sharing *s = RAC_NEW(q->a, struct sharing);
    s->q = q;
    if (!rac_access_connector(q, RAC_MAY_CONNECTOR_SHARE_VIEW, q->args[0], &s->row))
        return;
    if (q->if_match.p != NULL && rac_etag_version(q->if_match) != 0 &&
        rac_etag_version(q->if_match) != s->row.version) {
        struct rac_commit c = {.err = RAC_E_CONFLICT, .version = s->row.version};
        rac_ask_fail_commit(q, &c, "connector");
        return;
    }
    const struct rac_json *list = RAC_JSON_GET(&q->json, "value");
    struct rac_share_row *now;
    size_t now_n, n = rac_json_len(list);
    rac_err e = q->w->cs->share_list(q->w->cs->self, q->who->tenant, RAC_SHARED_CONNECTOR,
                                     s->row.id, q->a, &now, &now_n);
    rac_str *ids = RAC_NEW_N(q->a, rac_str, n + 1);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "connector");
        return;
    }
    if (!share_read(q, list, ids))
        return;
    bool strong = false; /* giving or taking edit rights is the owner's */
    s->todo = RAC_NEW_N(q->a, struct rac_share_save, n + now_n + 1);
    for (size_t i = 0; i < n; i++) {
        enum rac_level level = RAC_LEVEL_NONE;
        (void)rac_level_parse(rac_json_str(RAC_JSON_GET(rac_json_at(list, i), "level"), RAC_S("")),
                              &level);
        enum rac_level had = RAC_LEVEL_NONE;
        for (size_t k = 0; k < now_n; k++)
            if (rac_str_eq(now[k].grantee, ids[i]))
                had = now[k].level;
        if (level != had) {
            share_add(s, ids[i], level);
            strong |= level == RAC_LEVEL_EDIT || had == RAC_LEVEL_EDIT;
        }
    }
    for (size_t k = 0; k < now_n; k++) {
        bool kept = false;
        for (size_t i = 0; i < n; i++)
            kept |= rac_str_eq(now[k].grantee, ids[i]);
        if (!kept) {
            share_add(s, now[k].grantee, RAC_LEVEL_NONE);
            strong |= now[k].level == RAC_LEVEL_EDIT;
        }
    }
    if (strong && !rac_access_connector(q, RAC_MAY_CONNECTOR_SHARE, q->args[0], &s->row))
        return;
    share_next(s, NULL);
}
