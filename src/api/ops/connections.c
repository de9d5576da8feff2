#include "api/gateway.h"
#include "api/ops/access.h"
#include "api/service.h"
#include "base/base64.h"
#include "base/secret.h"
#include "connector/connection.h"

/* Connections: making, changing, listing, keys and consent. Using them is in invoking.c. */

/* --- how they look ---------------------------------------------------------------------------- */

static struct rac_json status_json(struct rac_arena *a, const struct rac_status *s)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "status", rac_connection_status_name(s->status));
    rac_json_put_str(a, &o, RAC_S("target"), s->target.n > 0 ? s->target : RAC_STR_NULL);
    if (s->status != RAC_CONNECTION_CONNECTED) {
        struct rac_json e = rac_json_new_object(a);
        RAC_JSON_PUT_STR(a, &e, "code",
                         s->code.n > 0 ? s->code : rac_connection_status_name(s->status));
        RAC_JSON_PUT_STR(a, &e, "message",
                         s->message.n > 0 ? s->message
                                          : RAC_S("Sign in, or give the connection its values."));
        RAC_JSON_PUT(a, &o, "error", e);
    }
    return o;
}

static void put_secrets(struct rac_ask *q, struct rac_json *o, const struct rac_connection_row *r)
{
    rac_str text;
    struct rac_json v, names = rac_json_new_array(q->a);
    if (r->has_secrets &&
        q->w->cs->connection_secrets(q->w->cs->self, q->who->tenant, r->id, q->a, &text) ==
            RAC_OK &&
        rac_json_parse(text, q->a, 0, &v, NULL) == RAC_OK)
        RAC_JSON_EACH_MEMBER(m, &v)
    if (!rac_str_eq(rac_json_key(m), RAC_S("$keys")))
        rac_json_add(q->a, &names, rac_json_of_str(rac_json_key(m)));
    RAC_JSON_PUT(q->a, o, "secrets", names);
}

static struct rac_json connection_json(struct rac_ask *q, const struct rac_connection_row *r,
                                       bool whole)
{
    struct rac_arena *a = q->a;
    struct rac_json o = rac_json_new_object(a), values, statuses = rac_json_new_array(a);
    RAC_JSON_PUT_STR(a, &o, "id", r->id);
    RAC_JSON_PUT_STR(a, &o, "displayName", r->display_name);
    RAC_JSON_PUT_STR(a, &o, "connectorId", r->connector);
    RAC_JSON_PUT_STR(a, &o, "group", rac_access_group_name(q, r->group));
    RAC_JSON_PUT(a, &o, "owner", rac_access_person(q, r->owner));
    if (r->set.n > 0)
        RAC_JSON_PUT_STR(a, &o, "parameterSet", r->set);
    if (r->values.n > 0 && rac_json_parse(r->values, a, 0, &values, NULL) == RAC_OK)
        RAC_JSON_PUT(a, &o, "parameterValues", values);
    if (whole)
        put_secrets(q, &o, r);
    RAC_JSON_PUT_STR(a, &o, "overallStatus", rac_connection_status_name(r->status.status));
    rac_json_add(a, &statuses, status_json(a, &r->status));
    RAC_JSON_PUT(a, &o, "statuses", statuses);
    RAC_JSON_PUT_STR(a, &o, "runtimeUrl",
                     rac_arena_printf(a, "%.*s/apim/%.*s/%.*s", RAC_FMT(q->base_url),
                                      RAC_FMT(r->connector), RAC_FMT(r->id)));
    RAC_JSON_PUT_STR(a, &o, "etag", rac_etag(a, r->version));
    rac_json_put_time(a, &o, RAC_S("createdTime"), r->created_ms);
    rac_json_put_time(a, &o, RAC_S("changedTime"), r->changed_ms);
    return o;
}

/* Reads it again: what a write answered with. False: answered. */
static bool read_back(struct rac_ask *q, rac_str id, struct rac_json *out)
{
    struct rac_connection_row row;
    rac_err e = q->w->cs->connection_get(q->w->cs->self, q->who->tenant, id, q->a, &row);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "connection");
        return false;
    }
    q->etag = rac_etag(q->a, row.version);
    *out = connection_json(q, &row, true);
    return true;
}

void rac_ops_connection_get(struct rac_ask *q)
{
    struct rac_connection_row row;
    if (!rac_access_connection(q, RAC_MAY_CONNECTION_READ, q->args[0], &row))
        return;
    q->etag = rac_etag(q->a, row.version);
    rac_ask_answer(q, connection_json(q, &row, true));
}

static void list(struct rac_ask *q, struct rac_connection_query *query)
{
    struct rac_connection_row *rows;
    size_t n;
    bool more;
    if (q->who->only_group.n > 0) /* a narrowed token sees its own group, whatever is asked */
        query->group = q->who->only_group;
    rac_access_connections_visible(q, query);
    rac_err e =
        q->w->cs->connection_list(q->w->cs->self, q->who->tenant, query, q->a, &rows, &n, &more);
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "connection");
        return;
    }
    struct rac_json v = rac_json_new_array(q->a);
    for (size_t i = 0; i < n; i++)
        rac_json_add(q->a, &v, connection_json(q, &rows[i], false));
    rac_ask_answer_page(q, v, more && n > 0 ? rows[n - 1].id : RAC_STR_NULL);
}

void rac_ops_connection_list(struct rac_ask *q)
{
    struct rac_connection_query query = {0};
    struct rac_group_row g;
    if (!rac_ask_page(q, &query.n_max, &query.after))
        return;
    rac_str group = rac_ask_query(q, RAC_S("group"));
    if (group.n > 0 || q->who->only_group.n > 0) {
        if (!rac_access_group(q, RAC_MAY_CONNECTION_LIST, group, &g))
            return;
        query.group = g.id;
    }
    list(q, &query);
}

void rac_ops_connector_connections(struct rac_ask *q)
{
    struct rac_connection_query query = {0};
    struct rac_connector_row row;
    if (!rac_ask_page(q, &query.n_max, &query.after) ||
        !rac_access_connector(q, RAC_MAY_CONNECTOR_READ, q->args[0], &row))
        return;
    query.connector = row.id;
    list(q, &query);
}

/* --- making and changing ---------------------------------------------------------------------- */

struct changing {
    struct rac_ask *q;
    bool create;
    struct rac_connector_row connector;
    struct rac_connection_row row; /* of a change */
    rac_str id, group;
    struct rac_status status;
};

static void changed(void *arg, const struct rac_commit *c)
{
    struct changing *g = arg;
    struct rac_ask *q = g->q;
    struct rac_json v;
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "connection");
        return;
    }
    if (g->create)
        q->location = rac_arena_printf(q->a, "%.*s/api/v1/connections/%.*s", RAC_FMT(q->base_url),
                                       RAC_FMT(g->id));
    rac_log(RAC_INFO, g->create ? "connection.created" : "connection.updated",
            RAC_F_STR("id", g->id), RAC_F_STR("user", q->who->user_name));
    if (read_back(q, g->id, &v))
        rac_ask_answer(q, v);
}

/* {"set", "values"} or {values} as rac_connection_make takes them. */
static struct rac_json input_of(struct rac_ask *q)
{
    struct rac_json o = rac_json_new_object(q->a);
    const struct rac_json *set = RAC_JSON_GET(&q->json, "parameterSet");
    const struct rac_json *values = RAC_JSON_GET(&q->json, "parameterValues");
    RAC_JSON_PUT(q->a, &o, "set", set != NULL ? *set : rac_json_of_str(RAC_S("")));
    RAC_JSON_PUT(q->a, &o, "values", values != NULL ? *values : rac_json_new_object(q->a));
    return o;
}

/* Splits what was made: values in the clear, and the secret ones (with the keys there were). */
static void split(struct rac_ask *q, const struct rac_connection *c, rac_str key_digests,
                  struct rac_connection_save *r)
{
    rac_str secrets = rac_connection_values_json(c, true, q->a);
    struct rac_json v;
    if (rac_json_parse(secrets, q->a, 0, &v, NULL) != RAC_OK)
        v = rac_json_new_object(q->a);
    if (key_digests.n > 0) {
        RAC_JSON_PUT_STR(q->a, &v, "$keys", rac_base64_encode(q->a, key_digests));
        secrets = rac_json_print_str(&v, 0, q->a);
    }
    rac_secret_wipe_with(q->a, secrets);
    r->values = rac_connection_values_json(c, false, q->a);
    r->secrets = rac_json_len(&v) > 0 ? secrets : RAC_S("");
    r->set = c->set->name.p != NULL ? c->set->name : RAC_S("");
    r->shareable = c->set->allow_sharing;
}

static void token_saved(void *arg, const struct rac_commit *c)
{
    changed(arg, c);
}

static void values_saved(void *arg, const struct rac_commit *c);

struct making {
    struct changing g;
    struct rac_connection *made;
    bool had_tokens; /* the connection, before */
    rac_str digests;
    unsigned tries;
};

static const struct rac_oauth_token *typed_token(const struct rac_connection *c)
{
    for (size_t i = 0; i < c->tokens_n; i++)
        if (c->tokens[i].generation == 0)
            return &c->tokens[i];
    return NULL;
}

static bool has_stored_token(const struct rac_connection *c)
{
    for (size_t i = 0; i < c->tokens_n; i++)
        if (c->tokens[i].generation > 0)
            return true;
    return false;
}

/* What is written was made from what was read, so it is written only where that still stands; when
 * it does not, and the caller set no condition, all of it is done again. */
enum { TRIES_MAX = 20 };

static bool try_again(const struct rac_ask *q, const struct rac_commit *c, unsigned *tries)
{
    return c->err == RAC_E_CONFLICT && rac_etag_version(q->if_match) == 0 && ++*tries < TRIES_MAX;
}

static void change(struct making *m);

static void save(struct making *m)
{
    struct changing *g = &m->g;
    struct rac_ask *q = g->q;
    struct rac_connection_save r = {.create = g->create,
                                    .id = g->id,
                                    .connector = g->create ? g->connector.id : RAC_STR_NULL,
                                    .group = g->create ? g->group : RAC_STR_NULL,
                                    .owner = g->create ? q->who->user : RAC_STR_NULL,
                                    .if_version = rac_etag_version(q->if_match),
                                    .shareable = -1,
                                    .actor = rac_ask_actor(q)};
    r.display_name = rac_json_str(RAC_JSON_GET(&q->json, "displayName"),
                                  g->create ? g->connector.display_name : RAC_STR_NULL);
    if (m->made != NULL) {
        if (r.if_version == 0 && !g->create)
            r.if_version = g->row.version;
        split(q, m->made, m->digests, &r);
        g->status = m->made->status;
        r.status = &g->status;
        r.forget_tokens = m->had_tokens && !has_stored_token(m->made);
    }
    q->w->cs->connection_save(q->w->cs->self, q->who->tenant, &r, values_saved, m);
}

/* A token typed in by hand has a row of its own. */
static void values_saved(void *arg, const struct rac_commit *c)
{
    struct making *m = arg;
    struct rac_ask *q = m->g.q;
    const struct rac_oauth_token *t = m->made != NULL ? typed_token(m->made) : NULL;
    if (!m->g.create && m->made != NULL && try_again(q, c, &m->tries)) {
        change(m);
        return;
    }
    if (c->err != RAC_OK || t == NULL) {
        changed(&m->g, c);
        return;
    }
    struct rac_oauth_save r = {.tokens = rac_connection_token_row(t, q->a),
                               .status = &m->g.status,
                               .actor = rac_ask_actor(q)};
    r.tokens.connection = m->g.id;
    r.tokens.obtained_ms = rac_env_wall_ms(q->w->env);
    q->w->cs->oauth_save(q->w->cs->self, q->who->tenant, &r, token_saved, &m->g);
}

static void fail_compile(struct rac_ask *q, rac_err err, rac_str why)
{
    struct rac_commit said = {.err = err, .error = why};
    rac_ask_fail_commit(q, &said, "connector");
}

static void create_ready(void *arg, rac_err err, struct rac_connector *c, rac_str why)
{
    struct making *m = arg;
    struct rac_ask *q = m->g.q;
    struct rac_json input = input_of(q);
    struct rac_diags d;
    if (err != RAC_OK) {
        fail_compile(q, err, why);
        return;
    }
    rac_diags_init(&d, q->a, 50);
    err = rac_connection_make(c, &input, 0, rac_env_wall_ms(q->w->env), q->a, &m->made, &d);
    if (err != RAC_OK) {
        rac_ask_fail_diags(
            q, RAC_FAULT_BAD_VALUE, &d, "%.*s",
            RAC_FMT(d.n > 0 ? d.v[0].message : RAC_S("The values of the connection are wrong.")));
        return;
    }
    save(m);
}

void rac_ops_connection_create(struct rac_ask *q)
{
    struct making *m = RAC_NEW(q->a, struct making);
    struct changing *g = &m->g;
    struct rac_group_row group;
    uint8_t tail[8];
    rac_arena_wipe_at_end(q->a);
    g->q = q;
    g->create = true;
    rac_str connector = rac_json_str(RAC_JSON_GET(&q->json, "connectorId"), RAC_S(""));
    if (!rac_access_connector(q, RAC_MAY_CONNECTION_CREATE, connector, &g->connector))
        return;
    rac_str name = rac_json_str(RAC_JSON_GET(&q->json, "group"), RAC_STR_NULL);
    if (name.n == 0)
        name = rac_ask_query(q, RAC_S("group"));
    if (name.n == 0 && q->who->only_group.n == 0)
        name = g->connector.group;
    if (!rac_access_group(q, RAC_MAY_CONNECTION_CREATE, name, &group))
        return;
    g->group = group.id;
    rac_env_random(q->w->env, tail, sizeof tail);
    g->id = rac_connection_id(q->a, g->connector.id, tail);
    rac_compiled_want(q->w->compiled, q->who->tenant, g->connector.id, create_ready, m);
}

static void change_ready(void *arg, rac_err err, struct rac_connector *c, rac_str why)
{
    struct making *m = arg;
    struct rac_ask *q = m->g.q;
    struct rac_connection *old;
    struct rac_diags d;
    if (err != RAC_OK) {
        fail_compile(q, err, why);
        return;
    }
    rac_diags_init(&d, q->a, 50);
    err = rac_opened_load(q->w, q->who->tenant, m->g.id, c, &m->g.row, q->a, &old, &m->digests);
    if (err != RAC_OK) {
        rac_ask_fail_err(q, err, "connection");
        return;
    }
    struct rac_json input = input_of(q);
    if (RAC_JSON_GET(&q->json, "parameterSet") == NULL)
        RAC_JSON_PUT_STR(q->a, &input, "set", m->g.row.set.p ? m->g.row.set : RAC_S(""));
    err = rac_connection_change(c, old, &input, rac_env_wall_ms(q->w->env), q->a, &m->made, &d);
    if (err != RAC_OK) {
        rac_ask_fail_diags(
            q, RAC_FAULT_BAD_VALUE, &d, "%.*s",
            RAC_FMT(d.n > 0 ? d.v[0].message : RAC_S("The values of the connection are wrong.")));
        return;
    }
    m->had_tokens = has_stored_token(old);
    save(m);
}

static void change(struct making *m)
{
    struct rac_ask *q = m->g.q;
    if (!rac_access_connection(q, RAC_MAY_CONNECTION_EDIT, q->args[0], &m->g.row))
        return;
    m->g.id = m->g.row.id;
    if (RAC_JSON_GET(&q->json, "parameterValues") == NULL &&
        RAC_JSON_GET(&q->json, "parameterSet") == NULL)
        save(m);
    else
        rac_compiled_want(q->w->compiled, q->who->tenant, m->g.row.connector, change_ready, m);
}

void rac_ops_connection_patch(struct rac_ask *q)
{
    struct making *m = RAC_NEW(q->a, struct making);
    m->g.q = q;
    rac_arena_wipe_at_end(q->a);
    change(m);
}

static void removed(void *arg, const struct rac_commit *c)
{
    struct rac_ask *q = arg;
    if (c->err != RAC_OK)
        rac_ask_fail_commit(q, c, "connection");
    else
        rac_ask_done(q);
}

void rac_ops_connection_delete(struct rac_ask *q)
{
    struct rac_connection_row row;
    if (!rac_access_connection(q, RAC_MAY_CONNECTION_DELETE, q->args[0], &row))
        return;
    struct rac_connection_delete r = {
        .id = row.id, .if_version = rac_etag_version(q->if_match), .actor = rac_ask_actor(q)};
    q->w->cs->connection_delete(q->w->cs->self, q->who->tenant, &r, removed, q);
}

/* --- keys of the runtime URL ------------------------------------------------------------------ */

struct keying {
    struct rac_ask *q;
    bool add;
    unsigned tries;
    struct rac_connection_row row;
    rac_str key;
    rac_ms expires_ms;
};

static void save_keys(struct keying *k);

static void key_saved(void *arg, const struct rac_commit *c)
{
    struct keying *k = arg;
    struct rac_ask *q = k->q;
    if (try_again(q, c, &k->tries)) {
        save_keys(k);
        return;
    }
    if (c->err != RAC_OK) {
        rac_ask_fail_commit(q, c, "connection");
        return;
    }
    if (k->key.p == NULL) {
        rac_ask_done(q);
        return;
    }
    struct rac_json o = rac_json_new_object(q->a);
    RAC_JSON_PUT_STR(q->a, &o, "connectionKey", k->key);
    RAC_JSON_PUT_STR(q->a, &o, "runtimeUrl",
                     rac_arena_printf(q->a, "%.*s/apim/%.*s/%.*s", RAC_FMT(q->base_url),
                                      RAC_FMT(k->row.connector), RAC_FMT(k->row.id)));
    rac_json_put_time(q->a, &o, RAC_S("expiresTime"), k->expires_ms);
    rac_ask_answer(q, o);
}

/* Entries still good, in a buffer with room for one more. */
static rac_str good_entries(struct rac_ask *q, rac_str entries)
{
    char *p = rac_arena_alloc(q->a, entries.n + RAC_KEY_ENTRY_BYTES);
    size_t n = 0;
    rac_ms now = rac_env_wall_ms(q->w->env), expires;
    for (size_t i = 0; i + RAC_KEY_ENTRY_BYTES <= entries.n; i += RAC_KEY_ENTRY_BYTES) {
        memcpy(&expires, entries.p + i + RAC_KEY_ENTRY_BYTES - 8, 8);
        if (expires != 0 && expires <= now)
            continue;
        memcpy(p + n, entries.p + i, RAC_KEY_ENTRY_BYTES);
        n += RAC_KEY_ENTRY_BYTES;
    }
    return (rac_str){p, n};
}

static void save_keys(struct keying *k)
{
    struct rac_ask *q = k->q;
    struct rac_json secrets = rac_json_new_object(q->a);
    rac_str text, entries = RAC_STR_NULL;
    if (!rac_access_connection(q, RAC_MAY_CONNECTION_EDIT, q->args[0], &k->row))
        return;
    if (k->row.has_secrets) {
        rac_err e =
            q->w->cs->connection_secrets(q->w->cs->self, q->who->tenant, k->row.id, q->a, &text);
        if (e != RAC_OK || rac_json_parse(text, q->a, 0, &secrets, NULL) != RAC_OK) {
            rac_ask_fail_err(q, e != RAC_OK ? e : RAC_E_CORRUPT, "connection");
            return;
        }
        const struct rac_json *v = RAC_JSON_GET(&secrets, "$keys");
        if (v != NULL && !rac_base64_decode(q->a, rac_json_str(v, RAC_S("")), &entries))
            entries = RAC_STR_NULL;
    }
    rac_json_del(&secrets, RAC_S("$keys"));
    if (k->add) {
        entries = good_entries(q, entries);
        if (entries.n >= (size_t)RAC_KEYS_MAX * RAC_KEY_ENTRY_BYTES) {
            rac_ask_fail(q, RAC_FAULT_CONFLICT,
                         "This connection has %d keys already; revoke them first.", RAC_KEYS_MAX);
            return;
        }
        k->key = rac_connection_key_new(q->a, q->w->env, q->who->tenant);
        rac_connection_key_entry(k->key, k->expires_ms, (char *)entries.p + entries.n);
        entries.n += RAC_KEY_ENTRY_BYTES;
        RAC_JSON_PUT_STR(q->a, &secrets, "$keys", rac_base64_encode(q->a, entries));
    }
    struct rac_connection_save r = {
        .id = k->row.id,
        .secrets = rac_json_len(&secrets) > 0 ? rac_json_print_str(&secrets, 0, q->a) : RAC_S(""),
        .shareable = -1,
        .if_version = k->row.version,
        .actor = rac_ask_actor(q)};
    r.actor.note = k->add ? RAC_S("key created") : RAC_S("keys revoked");
    q->w->cs->connection_save(q->w->cs->self, q->who->tenant, &r, key_saved, k);
}

void rac_ops_connection_key(struct rac_ask *q)
{
    struct keying *k = RAC_NEW(q->a, struct keying);
    rac_arena_wipe_at_end(q->a);
    k->q = q;
    rac_str expires = rac_json_str(RAC_JSON_GET(&q->json, "expires"), RAC_STR_NULL);
    if (expires.p != NULL && !rac_ask_expiry(q, expires, &k->expires_ms)) {
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE,
                     "expires must be a duration such as P30D or a time in the future.");
        return;
    }
    k->add = true;
    save_keys(k);
}

void rac_ops_connection_revoke_keys(struct rac_ask *q)
{
    struct keying *k = RAC_NEW(q->a, struct keying);
    rac_arena_wipe_at_end(q->a);
    k->q = q;
    save_keys(k);
}

/* --- signing in ------------------------------------------------------------------------------- */

struct consenting {
    struct rac_ask *q;
    struct rac_connection_row row;
    struct rac_consent_ask ask;
    struct rac_consent_answer answer;
};

static void fail_auth(struct rac_ask *q, const struct rac_auth_error *e)
{
    struct rac_json o = rac_json_new_object(q->a), v = rac_json_new_object(q->a);
    RAC_JSON_PUT_STR(q->a, &v, "code", e->code);
    RAC_JSON_PUT_STR(q->a, &v, "message", e->message);
    RAC_JSON_PUT_STR(q->a, &v, "source", RAC_S("raccord"));
    RAC_JSON_PUT_STR(q->a, &v, "clientRequestId", q->request_id);
    if (e->detail.n > 0) {
        struct rac_json list_ = rac_json_new_array(q->a), d = rac_json_new_object(q->a);
        RAC_JSON_PUT_STR(q->a, &d, "code", e->detail);
        RAC_JSON_PUT_STR(q->a, &d, "message", e->message);
        rac_json_add(q->a, &list_, d);
        RAC_JSON_PUT(q->a, &v, "details", list_);
    }
    RAC_JSON_PUT(q->a, &o, "error", v);
    q->envelope = rac_json_copy(q->a, &o);
    q->retry_after_s = e->retry_after_s;
    rac_ask_fail_status(q, e->http_status > 0 ? e->http_status : 400, e->message);
}

static void consent_begun(void *arg, const struct rac_consent_link *link,
                          const struct rac_auth_error *error)
{
    struct consenting *t = arg;
    struct rac_ask *q = t->q;
    if (error != NULL) {
        fail_auth(q, error);
        return;
    }
    struct rac_json o = rac_json_new_object(q->a);
    RAC_JSON_PUT_STR(q->a, &o, "link", rac_arena_str(q->a, link->link));
    if (link->user_code.n > 0) { /* nothing comes back to a page: the caller asks */
        RAC_JSON_PUT_STR(q->a, &o, "userCode", rac_arena_str(q->a, link->user_code));
        RAC_JSON_PUT_STR(q->a, &o, "state", rac_arena_str(q->a, link->state));
        RAC_JSON_PUT(q->a, &o, "interval", rac_json_of_int(link->interval_s));
    }
    rac_json_put_time(q->a, &o, RAC_S("expiresTime"), link->expires_at_ms);
    rac_ask_answer(q, o);
}

/* Parameter asked for, or the connector's first OAuth one. */
static void consent_ready(void *arg, rac_err err, struct rac_connector *c, rac_str why)
{
    struct consenting *t = arg;
    struct rac_ask *q = t->q;
    if (err != RAC_OK) {
        fail_compile(q, err, why);
        return;
    }
    const struct rac_conn_set *set = rac_conn_set_find(c, t->row.set);
    const struct rac_conn_param *p = set == NULL ? NULL
                                     : t->ask.key.parameter.n > 0
                                         ? rac_conn_param_find(set, t->ask.key.parameter)
                                         : rac_conn_param_oauth(set);
    if (p == NULL || p->type != RAC_CONN_OAUTH) {
        rac_ask_fail(
            q, RAC_FAULT_BAD_VALUE,
            "This connection has no OAuth parameter%s%.*s: there is nothing to sign in to.",
            t->ask.key.parameter.n > 0 ? " " : "", RAC_FMT(t->ask.key.parameter));
        return;
    }
    t->ask.key.parameter = rac_arena_str(q->a, p->name);
    rac_auth_consent_begin(q->w->auth, &t->ask, q->a, consent_begun, t);
}

void rac_ops_connection_consent(struct rac_ask *q)
{
    struct consenting *t = RAC_NEW(q->a, struct consenting);
    rac_arena_wipe_at_end(q->a);
    t->q = q;
    if (!rac_access_connection(q, RAC_MAY_CONNECTION_EDIT, q->args[0], &t->row))
        return;
    t->ask = (struct rac_consent_ask){
        .key = {.tenant = q->who->tenant,
                .connection = t->row.id,
                .parameter = rac_json_str(RAC_JSON_GET(&q->json, "parameter"), RAC_STR_NULL)},
        .user = q->who->user,
        .redirect_url = rac_json_str(RAC_JSON_GET(&q->json, "redirectUrl"), RAC_STR_NULL)};
    rac_compiled_want(q->w->compiled, q->who->tenant, t->row.connector, consent_ready, t);
}

static void confirmed(void *arg, const struct rac_consent_result *result,
                      const struct rac_auth_error *error)
{
    struct consenting *t = arg;
    struct rac_ask *q = t->q;
    struct rac_json v;
    (void)result;
    if (error != NULL)
        fail_auth(q, error);
    else if (read_back(q, t->row.id, &v))
        rac_ask_answer(q, v);
}

void rac_ops_connection_confirm(struct rac_ask *q)
{
    struct consenting *t = RAC_NEW(q->a, struct consenting);
    rac_arena_wipe_at_end(q->a);
    t->q = q;
    if (!rac_access_connection(q, RAC_MAY_CONNECTION_EDIT, q->args[0], &t->row))
        return;
    t->answer = (struct rac_consent_answer){
        .state = rac_json_str(RAC_JSON_GET(&q->json, "state"), RAC_S("")),
        .code = rac_json_str(RAC_JSON_GET(&q->json, "code"), RAC_S("")),
        .user = q->who->user,
        .key = {.tenant = q->who->tenant, .connection = t->row.id}};
    rac_auth_consent_complete(q->w->auth, &t->answer, q->a, confirmed, t);
}
