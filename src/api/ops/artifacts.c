#include "api/ops/access.h"
#include "api/ops/workflow_filter.h"
#include "api/service.h"
#include "api/scheduling.h"
#include "base/secret.h"
#include "base/time.h"
#include "text/url.h"
#include "workflow/definition/batch.h"
#include "workflow/definition/signature.h"

/*
 * Integration accounts, their maps, schemas and batch configurations (spec workflows §2.10, §3.16,
 * §7.2). These differ in words mostly: which of them an operation is about stands in its path.
 * Contents are kept as they came; whether one is any good shows where it runs. A batch configuration
 * has none: it is all properties.
 */

enum { TYPE_TEXT_MAX = 200, KEY_BYTES = 32 };

static const struct {
    const char *word, *plural, *type_member, *content_type;
    unsigned filter; /* by what a list is filtered */
} kinds[RAC_ARTIFACT_KINDS] = {
    {"map", "maps", "mapType", "application/xml", RAC_FILTER_MAP_TYPE},
    {"schema", "schemas", "schemaType", "application/xml", RAC_FILTER_SCHEMA_TYPE},
    {"batch configuration", "batchConfigurations", NULL, "application/json", 0}};

static enum rac_artifact_kind kind_of(const struct rac_ask *q)
{
    return strstr(q->row->path, "/schemas") != NULL               ? RAC_ARTIFACT_SCHEMA
           : strstr(q->row->path, "/batchConfigurations") != NULL ? RAC_ARTIFACT_BATCH
                                                                  : RAC_ARTIFACT_MAP;
}

/* --- names ------------------------------------------------------------------------------------ */

static bool name_ok(struct rac_ask *q, const char *what, rac_str s)
{
    bool ok = s.n > 0 && s.n <= RAC_ARTIFACT_NAME_MAX && !rac_ask_is_id(s) && s.p[0] != '.';
    for (size_t i = 0; i < s.n && ok; i++)
        ok = rac_is_alnum(s.p[i]) || strchr("_-(). ", s.p[i]) != NULL;
    if (!ok)
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE,
                     "The name of %s has up to %d letters, digits, blanks and - _ . ( ), does not "
                     "begin with a full stop and is not shaped like an id.",
                     what, RAC_ARTIFACT_NAME_MAX);
    return ok;
}

/* By name in the group, natively also by id. RAC_E_NOT_FOUND also when its group is not there, or is
 * another than the one asked for. */
static rac_err find_account(struct rac_ask *q, struct rac_account_row *out)
{
    const struct rac_artifact_store *as = q->w->as;
    struct rac_group_row g = {0};
    rac_str group = rac_ask_query(q, RAC_S("group")), wanted = rac_access_group_wanted(q, group);
    rac_err e = q->w->is->group_get(q->w->is->self, q->who->tenant, wanted, q->a, &g);
    if (e == RAC_OK)
        e = as->account_find(as->self, q->who->tenant, g.id, q->args[0], q->a, out);
    if (e != RAC_E_NOT_FOUND || q->ids != RAC_IDS_NATIVE)
        return e;
    e = as->account_get(as->self, q->who->tenant, rac_str_lower(q->a, q->args[0]), q->a, out);
    return e == RAC_OK && group.n > 0 && !rac_str_eq(out->group, g.id) ? RAC_E_NOT_FOUND : e;
}

static bool may(struct rac_ask *q, enum rac_action action, const struct rac_account_row *x)
{
    struct rac_resource r = {.tenant = q->who->tenant, .group = x->group, .owner = x->owner};
    if (rac_iam_may(q->who, action, &r))
        return true;
    if (rac_access_sees(q, RAC_MAY_ARTIFACT_READ, x->group, x->owner))
        rac_access_deny(q, action, &r, "account", x->id);
    else
        rac_ask_fail_err(q, RAC_E_NOT_FOUND, "integration account");
    return false;
}

static bool account(struct rac_ask *q, enum rac_action action, struct rac_account_row *out)
{
    rac_err e = find_account(q, out);
    if (e == RAC_OK)
        return may(q, action, out);
    rac_ask_fail_err(q, e, "integration account");
    return false;
}

/* --- as they are shown ------------------------------------------------------------------------ */

static rac_str account_id(struct rac_ask *q, const struct rac_account_row *x)
{
    return q->ids == RAC_IDS_ARM
               ? rac_arena_printf(
                     q->a,
                     "%.*s/resourceGroups/%.*s/providers/Microsoft.Logic/integrationAccounts/%.*s",
                     RAC_FMT(q->ids_base), RAC_FMT(rac_access_group_name(q, x->group)),
                     RAC_FMT(x->name))
               : x->id;
}

static void put_stored(struct rac_ask *q, struct rac_json *o, rac_str stored)
{
    struct rac_json v;
    if (rac_json_parse(stored, q->a, 0, &v, NULL) != RAC_OK)
        return;
    RAC_JSON_EACH_MEMBER(m, &v)
    rac_json_put(q->a, o, rac_json_key(m), m->value);
}

static struct rac_json account_json(struct rac_ask *q, const struct rac_account_row *x)
{
    struct rac_json o = rac_json_new_object(q->a);
    RAC_JSON_PUT_STR(q->a, &o, "id", account_id(q, x));
    RAC_JSON_PUT_STR(q->a, &o, "name", x->name);
    RAC_JSON_PUT_STR(q->a, &o, "type", RAC_S("Microsoft.Logic/integrationAccounts"));
    if (q->ids == RAC_IDS_NATIVE)
        RAC_JSON_PUT_STR(q->a, &o, "group", rac_access_group_name(q, x->group));
    RAC_JSON_PUT_STR(q->a, &o, "state", RAC_S("Enabled"));
    put_stored(q, &o, x->properties);
    rac_json_put_time(q->a, &o, RAC_S("createdTime"), x->created_ms);
    rac_json_put_time(q->a, &o, RAC_S("changedTime"), x->changed_ms);
    return o;
}

/* Its keys besides, which most asks have no need of. */
static bool with_keys(struct rac_ask *q, struct rac_account_row *x)
{
    const struct rac_artifact_store *as = q->w->as;
    struct rac_account_row whole;
    rac_err e = as->account_any(as->self, x->id, q->a, &whole);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "integration account");
        return false;
    }
    x->key1 = whole.key1;
    x->key2 = whole.key2;
    rac_secret_wipe_with(q->a, x->key1);
    rac_secret_wipe_with(q->a, x->key2);
    return true;
}

/* What is signed for a content. */
static struct rac_callback content_callback(const struct rac_account_row *x,
                                            enum rac_artifact_kind kind, rac_str name)
{
    return (struct rac_callback){.form = kind == RAC_ARTIFACT_MAP ? RAC_CALLBACK_MAP_CONTENT
                                                                  : RAC_CALLBACK_SCHEMA_CONTENT,
                                 .workflow_id = x->id,
                                 .artifact = name,
                                 .content = RAC_S("Content")};
}

/* Where the content is had: by a signed URL when the account's keys are at hand, as contents of runs
 * are, else with the token of whoever asks. */
static rac_str content_uri(struct rac_ask *q, const struct rac_account_row *x,
                           enum rac_artifact_kind kind, const struct rac_artifact_row *r)
{
    struct rac_callback c = content_callback(x, kind, r->name);
    struct rac_callback_place place = {.public_url = q->w->service->public_url,
                                       .key = x->key1,
                                       .expires_ms =
                                           rac_callback_content_expiry(rac_env_wall_ms(q->w->env))};
    if (x->key1.n > 0)
        return rac_callback_url(&place, &c, q->a);
    return rac_arena_printf(q->a, "%.*s/api/v1/integrationAccounts/%.*s/%s/%.*s/content",
                            RAC_FMT(q->base_url), RAC_FMT(x->id), kinds[kind].plural,
                            RAC_FMT(rac_url_encode_set(q->a, r->name, RAC_URL_STRICT)));
}

static struct rac_json content_link(struct rac_ask *q, const struct rac_account_row *x,
                                    enum rac_artifact_kind kind, const struct rac_artifact_row *r)
{
    struct rac_json o = rac_json_new_object(q->a), hash = rac_json_new_object(q->a);
    RAC_JSON_PUT_STR(q->a, &o, "uri", content_uri(q, x, kind, r));
    RAC_JSON_PUT_STR(q->a, &o, "contentVersion",
                     rac_arena_printf(q->a, "\"%.*s\"", RAC_FMT(r->digest)));
    RAC_JSON_PUT(q->a, &o, "contentSize", rac_json_of_int(r->bytes_n));
    RAC_JSON_PUT_STR(q->a, &hash, "algorithm", RAC_S("sha256"));
    RAC_JSON_PUT_STR(q->a, &hash, "value", r->digest);
    RAC_JSON_PUT(q->a, &o, "contentHash", hash);
    return o;
}

static struct rac_json artifact_json(struct rac_ask *q, const struct rac_account_row *x,
                                     enum rac_artifact_kind kind, const struct rac_artifact_row *r)
{
    struct rac_json o = rac_json_new_object(q->a);
    rac_str id = q->ids == RAC_IDS_ARM
                     ? rac_arena_printf(q->a, "%.*s/%s/%.*s", RAC_FMT(account_id(q, x)),
                                        kinds[kind].plural, RAC_FMT(r->name))
                     : r->name;
    RAC_JSON_PUT_STR(q->a, &o, "id", id);
    RAC_JSON_PUT_STR(q->a, &o, "name", r->name);
    RAC_JSON_PUT_STR(
        q->a, &o, "type",
        rac_arena_printf(q->a, "Microsoft.Logic/integrationAccounts/%s", kinds[kind].plural));
    put_stored(q, &o, r->properties);
    if (kind != RAC_ARTIFACT_BATCH) {
        RAC_JSON_PUT_STR(q->a, &o, "contentType", r->content_type);
        RAC_JSON_PUT(q->a, &o, "contentLink", content_link(q, x, kind, r));
    }
    rac_json_put_time(q->a, &o, RAC_S("createdTime"), r->created_ms);
    rac_json_put_time(q->a, &o, RAC_S("changedTime"), r->changed_ms);
    return o;
}

/* --- what may be said about one --------------------------------------------------------------- */

/* Members of body and of its "properties" that are kept as they are: everything but what is ours. */
static struct rac_json kept_of(struct rac_ask *q, const struct rac_json *body)
{
    static const rac_str ours[] = {
        RAC_S_INIT("id"),         RAC_S_INIT("name"),        RAC_S_INIT("type"),
        RAC_S_INIT("group"),      RAC_S_INIT("createdTime"), RAC_S_INIT("changedTime"),
        RAC_S_INIT("content"),    RAC_S_INIT("contentLink"), RAC_S_INIT("contentType"),
        RAC_S_INIT("properties"), RAC_S_INIT("mapType"),     RAC_S_INIT("schemaType"),
        RAC_S_INIT("systemData")};
    const struct rac_json *levels[] = {body, RAC_JSON_GET(body, "properties")};
    struct rac_json kept = rac_json_new_object(q->a);
    for (size_t k = 0; k < RAC_COUNT(levels); k++)
        RAC_JSON_EACH_MEMBER(m, levels[k])
        {
            bool own = m->value.type == RAC_JSON_NULL;
            for (size_t i = 0; i < RAC_COUNT(ours) && !own; i++)
                own = rac_str_eqi(ours[i], rac_json_key(m));
            if (!own)
                rac_json_put(q->a, &kept, rac_json_key(m), m->value);
        }
    return kept;
}

static const struct rac_json *said(const struct rac_json *body, const char *name)
{
    const struct rac_json *v = rac_json_geti(RAC_JSON_GET(body, "properties"), rac_str_of(name));
    return v != NULL ? v : rac_json_geti(body, rac_str_of(name));
}

/* --- accounts --------------------------------------------------------------------------------- */

void rac_ops_account_get(struct rac_ask *q)
{
    struct rac_account_row x;
    if (!account(q, RAC_MAY_ARTIFACT_READ, &x))
        return;
    q->etag = rac_etag(q->a, x.version);
    rac_ask_answer(q, account_json(q, &x));
}

void rac_ops_account_list(struct rac_ask *q)
{
    const struct rac_artifact_store *as = q->w->as;
    struct rac_account_row *rows;
    struct rac_group_row g = {0};
    rac_str after, group = rac_ask_query(q, RAC_S("group"));
    size_t top, n;
    bool more;
    if (!rac_ask_page(q, &top, &after))
        return;
    if ((group.n > 0 || q->who->only_group.n > 0) &&
        !rac_access_group(q, RAC_MAY_ARTIFACT_LIST, group, &g))
        return;
    struct rac_json v = rac_json_new_array(q->a);
    do { /* a page of nothing but what is hidden is no page */
        rac_err e =
            as->account_list(as->self, q->who->tenant, g.id, after, top, q->a, &rows, &n, &more);
        if (e != RAC_OK) {
            rac_ask_fail_err(q, e, "integration account");
            return;
        }
        for (size_t i = 0; i < n; i++) {
            if (rac_access_sees(q, RAC_MAY_ARTIFACT_READ, rows[i].group, rows[i].owner))
                rac_json_add(q->a, &v, account_json(q, &rows[i]));
        }
        after = n > 0 ? rows[n - 1].id : after;
    } while (more && rac_json_len(&v) == 0);
    rac_ask_answer_page(q, v, more ? after : RAC_STR_NULL);
}

static void account_saved(void *arg, const struct rac_commit *c)
{
    struct rac_ask *q = arg;
    const struct rac_artifact_store *as = q->w->as;
    struct rac_account_row x;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "integration account");
        return;
    }
    rac_err e = as->account_get(as->self, q->who->tenant, c->id, q->a, &x);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "integration account");
        return;
    }
    q->etag = rac_etag(q->a, x.version);
    rac_ask_answer(q, account_json(q, &x));
}

static rac_str new_key(struct rac_ask *q)
{
    rac_str key = {rac_arena_alloc(q->a, KEY_BYTES), KEY_BYTES};
    rac_env_random(q->w->env, (void *)(uintptr_t)key.p, KEY_BYTES);
    rac_secret_wipe_with(q->a, key);
    return key;
}

/* New values over old ones. */
static rac_str merged(struct rac_ask *q, rac_str before, struct rac_json now)
{
    struct rac_json o = rac_json_new_object(q->a);
    put_stored(q, &o, before);
    RAC_JSON_EACH_MEMBER(m, &now)
    rac_json_put(q->a, &o, rac_json_key(m), m->value);
    return rac_json_print_str(&o, 0, q->a);
}

static void account_put(struct rac_ask *q, bool patch)
{
    const struct rac_artifact_store *as = q->w->as;
    struct rac_account_row x;
    struct rac_group_row g;
    char id[37];
    struct rac_account_save r = {.if_version = rac_etag_version(q->if_match),
                                 .actor = rac_ask_actor(q)};
    struct rac_json kept = kept_of(q, &q->json);
    rac_err e = find_account(q, &x);
    if (e == RAC_OK && !rac_access_sees(q, RAC_MAY_ARTIFACT_READ, x.group, x.owner))
        e = RAC_E_NOT_FOUND; /* refused as one that is not there */
    if (e == RAC_OK) {
        if (!may(q, RAC_MAY_ARTIFACT_EDIT, &x))
            return;
        r.id = x.id;
        r.properties = patch ? merged(q, x.properties, kept) : rac_json_print_str(&kept, 0, q->a);
    } else if (e == RAC_E_NOT_FOUND && !patch && !rac_ask_is_id(q->args[0])) {
        if (!rac_access_group(q, RAC_MAY_ARTIFACT_CREATE, rac_ask_query(q, RAC_S("group")), &g) ||
            !name_ok(q, "an integration account", q->args[0]))
            return;
        rac_env_uuid(q->w->env, id);
        r.create = true;
        r.id = rac_arena_str(q->a, rac_str_of(id));
        r.group = g.id;
        r.name = q->args[0];
        r.properties = rac_json_print_str(&kept, 0, q->a);
        r.key1 = new_key(q);
        r.key2 = new_key(q);
        q->status = 201;
    } else {
        rac_ask_fail_err(q, e, "integration account");
        return;
    }
    as->account_save(as->self, q->who->tenant, &r, account_saved, q);
}

void rac_ops_account_put(struct rac_ask *q)
{
    account_put(q, false);
}

void rac_ops_account_patch(struct rac_ask *q)
{
    account_put(q, true);
}

static void removed(void *arg, const struct rac_commit *c)
{
    struct rac_ask *q = arg;
    if (c->err == RAC_E_NOT_FOUND && rac_access_gone(q, RAC_MAY_ARTIFACT_READ))
        return;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "artifact");
        return;
    }
    rac_scheduling_messages(q->w);
    rac_ask_done(q);
}

void rac_ops_account_delete(struct rac_ask *q)
{
    const struct rac_artifact_store *as = q->w->as;
    struct rac_account_row x;
    struct rac_actor actor = rac_ask_actor(q);
    if (find_account(q, &x) == RAC_E_NOT_FOUND && rac_access_gone(q, RAC_MAY_ARTIFACT_READ))
        return;
    if (account(q, RAC_MAY_ARTIFACT_EDIT, &x))
        as->account_delete(as->self, q->who->tenant, x.id, rac_etag_version(q->if_match), &actor,
                           removed, q);
}

void rac_ops_account_regenerate_key(struct rac_ask *q)
{
    const struct rac_artifact_store *as = q->w->as;
    struct rac_account_row x;
    struct rac_account_save r = {.if_version = rac_etag_version(q->if_match),
                                 .actor = rac_ask_actor(q)};
    rac_str type = rac_json_str(RAC_JSON_GET(&q->json, "keyType"), RAC_S("Primary"));
    if (!account(q, RAC_MAY_ARTIFACT_EDIT, &x))
        return;
    r.id = x.id;
    r.actor.note = RAC_S("access key regenerated");
    *(rac_str_eqi(type, RAC_S("Secondary")) ? &r.key2 : &r.key1) = new_key(q);
    as->account_save(as->self, q->who->tenant, &r, account_saved, q);
}

/* --- artifacts -------------------------------------------------------------------------------- */

/* Natively, contents are had with a token. */
static bool may_sign(struct rac_ask *q, struct rac_account_row *x)
{
    return q->ids == RAC_IDS_NATIVE || with_keys(q, x);
}

static bool artifact(struct rac_ask *q, struct rac_account_row *x, struct rac_artifact_row *out)
{
    const struct rac_artifact_store *as = q->w->as;
    if (!account(q, RAC_MAY_ARTIFACT_READ, x) || !may_sign(q, x))
        return false;
    rac_err e =
        as->artifact_get(as->self, q->who->tenant, x->id, kind_of(q), q->args[1], q->a, out);
    if (e != RAC_OK)
        rac_ask_fail_err(q, e, kinds[kind_of(q)].word);
    return e == RAC_OK;
}

void rac_ops_artifact_get(struct rac_ask *q)
{
    struct rac_account_row x;
    struct rac_artifact_row r;
    if (!artifact(q, &x, &r))
        return;
    q->etag = rac_etag(q->a, r.version);
    rac_ask_answer(q, artifact_json(q, &x, kind_of(q), &r));
}

void rac_ops_artifact_content(struct rac_ask *q)
{
    struct rac_account_row x;
    struct rac_artifact_row r;
    if (!artifact(q, &x, &r))
        return;
    q->etag = rac_etag(q->a, r.version);
    rac_ask_answer_bytes(q, r.bytes, r.content_type, r.name);
}

/* --- signed URLs of contents (§5.2) ----------------------------------------------------------- */

static void answer_callback(struct rac_ask *q, const struct rac_account_row *x, rac_ms expires)
{
    rac_str type = rac_json_str(rac_json_geti(&q->json, RAC_S("keyType")), RAC_S("NotSpecified"));
    bool secondary = rac_str_eqi(type, RAC_S("Secondary"));
    struct rac_callback c = content_callback(x, kind_of(q), q->args[1]);
    struct rac_callback_place place = {.public_url = q->w->service->public_url,
                                       .key = secondary ? x->key2 : x->key1,
                                       .expires_ms = expires};
    rac_ask_answer(q, rac_callback_json(&place, &c, RAC_S("GET"), q->a));
}

/* notAfter and keyType; answers when they are none. */
static bool read_callback(struct rac_ask *q, rac_ms *expires)
{
    static const char *const types[] = {"NotSpecified", "Primary", "Secondary"};
    rac_str type = rac_json_str(rac_json_geti(&q->json, RAC_S("keyType")), RAC_S("NotSpecified"));
    rac_str until = rac_json_str(rac_json_geti(&q->json, RAC_S("notAfter")), RAC_STR_NULL);
    *expires = 0;
    if (until.n > 0 && !rac_time_parse(until, expires) && !rac_time_parse_date(until, expires)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "notAfter is no time: %.*s.", RAC_FMT(until));
        return false;
    }
    for (size_t i = 0; i < RAC_COUNT(types); i++)
        if (rac_str_eqi(type, rac_str_of(types[i])))
            return true;
    rac_ask_fail(q, RAC_FAULT_BAD_VALUE,
                 "keyType is 'Primary', 'Secondary' or 'NotSpecified', not '%.*s'.", RAC_FMT(type));
    return false;
}

static void keys_made(void *arg, const struct rac_commit *c)
{
    struct rac_ask *q = arg;
    struct rac_account_row x;
    rac_ms expires;
    if (c->err != RAC_OK)
        rac_ask_fail_commit(q, c, "integration account");
    else if (account(q, RAC_MAY_ARTIFACT_EDIT, &x) && with_keys(q, &x) &&
             read_callback(q, &expires))
        answer_callback(q, &x, expires);
}

void rac_ops_artifact_callback(struct rac_ask *q)
{
    const struct rac_artifact_store *as = q->w->as;
    struct rac_account_row x;
    struct rac_artifact_row r;
    rac_ms expires;
    if (!account(q, RAC_MAY_ARTIFACT_EDIT, &x) || !read_callback(q, &expires) || !with_keys(q, &x))
        return;
    rac_err e = as->artifact_get(as->self, q->who->tenant, x.id, kind_of(q), q->args[1], q->a, &r);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, kinds[kind_of(q)].word);
        return;
    }
    q->args[1] = r.name;
    if (x.key1.n > 0 && x.key2.n > 0) {
        answer_callback(q, &x, expires);
        return;
    }
    struct rac_account_save save = {
        .id = x.id, .key1 = new_key(q), .key2 = new_key(q), .actor = rac_ask_actor(q)};
    as->account_keys(as->self, q->who->tenant, &save, keys_made, q);
}

/* --- lists ------------------------------------------------------------------------------------ */

static bool passes(const struct rac_flow_filter *f, enum rac_artifact_kind kind,
                   const struct rac_json *artifact)
{
    const char *member = kinds[kind].type_member;
    return f->artifact_type.p == NULL || member == NULL ||
           rac_str_eqi(f->artifact_type,
                       rac_json_str(rac_json_get(artifact, rac_str_of(member)), RAC_S("")));
}

void rac_ops_artifact_list(struct rac_ask *q)
{
    const struct rac_artifact_store *as = q->w->as;
    struct rac_flow_filter f;
    struct rac_account_row x;
    struct rac_artifact_row *rows;
    rac_str after;
    size_t top, n;
    bool more;
    if (!rac_flow_filter_read(q, kinds[kind_of(q)].filter, &f) || !rac_ask_page(q, &top, &after) ||
        !account(q, RAC_MAY_ARTIFACT_READ, &x) || !may_sign(q, &x))
        return;
    struct rac_json v = rac_json_new_array(q->a);
    do { /* a page of nothing but what does not pass is no page */
        rac_err e = as->artifact_list(as->self, q->who->tenant, x.id, kind_of(q), after, top, q->a,
                                      &rows, &n, &more);
        if (e != RAC_OK) {
            rac_ask_fail_err(q, e, kinds[kind_of(q)].word);
            return;
        }
        for (size_t i = 0; i < n; i++) {
            struct rac_json one = artifact_json(q, &x, kind_of(q), &rows[i]);
            if (passes(&f, kind_of(q), &one))
                rac_json_add(q->a, &v, one);
        }
        after = n > 0 ? rows[n - 1].name : after;
    } while (more && rac_json_len(&v) == 0);
    rac_ask_answer_page(q, v, more ? after : RAC_STR_NULL);
}

static void artifact_saved(void *arg, const struct rac_commit *c)
{
    struct rac_ask *q = arg;
    const struct rac_artifact_store *as = q->w->as;
    struct rac_account_row *x = q->state;
    struct rac_artifact_row r;
    if (c->err == RAC_E_LIMIT) {
        rac_ask_fail(q, RAC_FAULT_CONFLICT, "%.*s.", RAC_FMT(c->error));
        return;
    }
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, kinds[kind_of(q)].word);
        return;
    }
    rac_err e = as->artifact_get(as->self, q->who->tenant, x->id, kind_of(q), q->args[1], q->a, &r);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, kinds[kind_of(q)].word);
        return;
    }
    if (!may_sign(q, x))
        return;
    rac_scheduling_messages(q->w);
    q->status = r.version == 1 ? 201 : 200;
    q->etag = rac_etag(q->a, r.version);
    rac_ask_answer(q, artifact_json(q, x, kind_of(q), &r));
}

static bool type_ok(struct rac_ask *q, enum rac_artifact_kind kind, rac_str type)
{
    static const char *const words[RAC_ARTIFACT_KINDS][6] = {
        {"Xslt", "Xslt20", "Xslt30", "Liquid", "NotSpecified", NULL},
        {"Xml", "NotSpecified", NULL}};
    for (size_t i = 0; words[kind][i] != NULL; i++)
        if (rac_str_eqi(type, rac_str_of(words[kind][i])))
            return true;
    rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "'%.*s' is no type of a %s: %s.", RAC_FMT(type),
                 kinds[kind].word,
                 kind == RAC_ARTIFACT_MAP ? "Xslt, Xslt20, Xslt30 or Liquid" : "Xml");
    return false;
}

/* The body is the content itself, or JSON with "content" in it. */
static bool read_body(struct rac_ask *q, enum rac_artifact_kind kind, struct rac_artifact_save *r)
{
    struct rac_json body, kept = rac_json_new_object(q->a);
    rac_str type = rac_str_of(kind == RAC_ARTIFACT_MAP ? "Xslt" : "Xml");
    rac_str first = rac_str_trim(rac_str_sub(q->body, 0, 64));
    bool json = first.n > 0 && first.p[0] == '{';
    r->content_type = rac_str_of(kinds[kind].content_type);
    r->bytes = q->body;
    if (json) {
        if (rac_json_parse(q->body, q->a, 0, &body, NULL) != RAC_OK ||
            !rac_json_is_string(said(&body, "content"))) {
            rac_ask_fail(q, RAC_FAULT_BAD_REQUEST,
                         "Give the %s itself, or JSON with its text as \"content\"; links to "
                         "contents are not followed.",
                         kinds[kind].word);
            return false;
        }
        kept = kept_of(q, &body);
        type = rac_json_str(said(&body, kinds[kind].type_member), type);
        r->content_type = rac_json_str(said(&body, "contentType"), r->content_type);
        r->bytes = rac_json_str(said(&body, "content"), RAC_S(""));
    }
    if (!type_ok(q, kind, type))
        return false;
    if (!rac_header_is_value(r->content_type) || r->content_type.n > TYPE_TEXT_MAX) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "The contentType is none.");
        return false;
    }
    rac_json_put(q->a, &kept, rac_str_of(kinds[kind].type_member), rac_json_of_str(type));
    r->properties = rac_json_print_str(&kept, 0, q->a);
    return true;
}

void rac_ops_artifact_put(struct rac_ask *q)
{
    const struct rac_artifact_store *as = q->w->as;
    struct rac_account_row *x = RAC_NEW(q->a, struct rac_account_row);
    enum rac_artifact_kind kind = kind_of(q);
    struct rac_artifact_save r = {.kind = kind,
                                  .name = q->args[1],
                                  .if_version = rac_etag_version(q->if_match),
                                  .actor = rac_ask_actor(q)};
    size_t most = (size_t)rac_config_int(q->w->service->config, RAC_CONF_ARTIFACT_MAX);
    if (!account(q, RAC_MAY_ARTIFACT_EDIT, x) || !name_ok(q, kinds[kind].word, q->args[1]) ||
        !read_body(q, kind, &r))
        return;
    if (r.bytes.n == 0) {
        rac_ask_fail(q, RAC_FAULT_BAD_REQUEST, "The %s is empty.", kinds[kind].word);
        return;
    }
    if (r.bytes.n > most) {
        rac_ask_fail(q, RAC_FAULT_TOO_LARGE,
                     "The %s has %zu bytes; at most %zu are kept (workflow.artifact_bytes_max).",
                     kinds[kind].word, r.bytes.n, most);
        return;
    }
    r.account = x->id;
    q->state = x;
    as->artifact_save(as->self, q->who->tenant, &r, artifact_saved, q);
}

/* Its group and what releases it; what else was said is kept. */
static bool read_batch(struct rac_ask *q, struct rac_artifact_save *r)
{
    const struct rac_json *criteria = said(&q->json, "releaseCriteria"),
                          *group = said(&q->json, "batchGroupName");
    struct rac_json kept = kept_of(q, &q->json);
    struct rac_batch b;
    rac_str why;
    if (rac_json_str(group, RAC_S("")).n == 0) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "A batch configuration needs a 'batchGroupName'.");
        return false;
    }
    if (!rac_json_is_object(criteria) || (rac_json_geti(criteria, RAC_S("messageCount")) == NULL &&
                                          rac_json_geti(criteria, RAC_S("batchSize")) == NULL &&
                                          rac_json_geti(criteria, RAC_S("recurrence")) == NULL)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE,
                     "A batch configuration needs 'releaseCriteria' with at least one of "
                     "'messageCount', 'batchSize' and 'recurrence'.");
        return false;
    }
    if (!rac_batch_read(q->args[1], criteria, q->a, &b, &why)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE, "The batch configuration is not valid: %.*s.",
                     RAC_FMT(why));
        return false;
    }
    r->properties = r->bytes = rac_json_print_str(&kept, 0, q->a);
    r->content_type = rac_str_of(kinds[RAC_ARTIFACT_BATCH].content_type);
    return true;
}

void rac_ops_batch_put(struct rac_ask *q)
{
    const struct rac_artifact_store *as = q->w->as;
    struct rac_account_row *x = RAC_NEW(q->a, struct rac_account_row);
    struct rac_artifact_save r = {.kind = RAC_ARTIFACT_BATCH,
                                  .name = q->args[1],
                                  .if_version = rac_etag_version(q->if_match),
                                  .actor = rac_ask_actor(q)};
    if (!account(q, RAC_MAY_ARTIFACT_EDIT, x) ||
        !name_ok(q, kinds[RAC_ARTIFACT_BATCH].word, q->args[1]) || !read_batch(q, &r))
        return;
    r.account = x->id;
    q->state = x;
    as->artifact_save(as->self, q->who->tenant, &r, artifact_saved, q);
}

void rac_ops_artifact_delete(struct rac_ask *q)
{
    const struct rac_artifact_store *as = q->w->as;
    struct rac_account_row x;
    struct rac_actor actor = rac_ask_actor(q);
    if (find_account(q, &x) == RAC_E_NOT_FOUND && rac_access_gone(q, RAC_MAY_ARTIFACT_READ))
        return;
    if (account(q, RAC_MAY_ARTIFACT_EDIT, &x))
        as->artifact_delete(as->self, q->who->tenant, x.id, kind_of(q), q->args[1],
                            rac_etag_version(q->if_match), &actor, removed, q);
}
