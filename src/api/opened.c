#include "api/opened.h"

#include "api/cache.h"
#include "api/service.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/base64.h"

/*
 * An entry is built in an arena of its own and replaced as a whole when anything it was made from
 * changed; the old one lives on until its last user is done. Keys are tenant NUL id.
 */

enum { KEY_MAX = 256, ENTRY_BYTES_MAX = 8 << 20 };

struct rac_opened {
    struct rac_api_worker *w;
    struct rac_cache *cache;
};

static void value_ref(void *value)
{
    ((struct rac_opened_connection *)value)->refs++;
}

static void value_unref(void *value)
{
    struct rac_opened_connection *c = value;
    RAC_ASSERT(c->refs > 0);
    if (--c->refs > 0)
        return;
    rac_connector_unref(c->connector);
    rac_arena_fini(&c->arena);
    rac_mem_free(c);
}

static const struct rac_cache_kind kind = {.ref = value_ref, .unref = value_unref};

struct rac_opened *rac_opened_new(struct rac_api_worker *w)
{
    struct rac_opened *o = rac_mem_alloc(sizeof *o);
    o->w = w;
    o->cache = rac_cache_new(&kind, RAC_OPENED_MAX);
    return o;
}

void rac_opened_free(struct rac_opened *o)
{
    if (o == NULL)
        return;
    rac_cache_free(o->cache);
    rac_mem_free(o);
}

void rac_opened_release(struct rac_opened *o, struct rac_opened_connection *c)
{
    (void)o;
    value_unref(c);
}

/* False: longer than ids are. */
static bool key_of(rac_str tenant, rac_str id, char room[KEY_MAX], rac_str *key)
{
    if (tenant.n + id.n + 1 > KEY_MAX)
        return false;
    memcpy(room, tenant.p, tenant.n);
    room[tenant.n] = 0;
    memcpy(room + tenant.n + 1, id.p, id.n);
    *key = (rac_str){room, tenant.n + id.n + 1};
    return true;
}

static uint64_t count(struct rac_api_worker *w, enum rac_store_counter which)
{
    return w->cs->counter(w->cs->self, which);
}

struct rac_opened_connection *rac_opened_peek(struct rac_opened *o, rac_str tenant, rac_str id)
{
    char room[KEY_MAX];
    rac_str key;
    struct rac_cache_entry *e =
        key_of(tenant, id, room, &key) ? rac_cache_find(o->cache, key) : NULL;
    if (e == NULL)
        return NULL;
    struct rac_opened_connection *c = e->value;
    if (c->seen_connections != count(o->w, RAC_STORE_CONNECTIONS) ||
        c->seen_tokens != count(o->w, RAC_STORE_TOKENS) ||
        c->seen_connectors != count(o->w, RAC_STORE_CONNECTORS)) {
        rac_cache_drop(o->cache, e);
        return NULL;
    }
    value_ref(c);
    return rac_cache_use(o->cache, e);
}

/* --- opening ---------------------------------------------------------------------------------- */

/* The keys of the runtime URL ride in the sealed values under a name no parameter can have. */
static rac_err take_keys(rac_str *secrets, struct rac_arena *a, rac_str *digests)
{
    struct rac_json v;
    *digests = RAC_STR_NULL;
    if (rac_str_find(*secrets, RAC_S("\"$keys\"")) == RAC_STR_NPOS)
        return RAC_OK;
    if (rac_json_parse(*secrets, a, 0, &v, NULL) != RAC_OK)
        return RAC_E_CORRUPT;
    rac_str text = rac_json_str(RAC_JSON_GET(&v, "$keys"), RAC_S(""));
    if (!rac_base64_decode(a, text, digests))
        return RAC_E_CORRUPT;
    rac_json_del(&v, RAC_S("$keys"));
    *secrets = rac_json_print_str(&v, 0, a);
    rac_secret_wipe_with(a, *secrets);
    return RAC_OK;
}

rac_err rac_opened_load(struct rac_api_worker *w, rac_str tenant, rac_str id,
                        struct rac_connector *connector, const struct rac_connection_row *row,
                        struct rac_arena *a, struct rac_connection **out, rac_str *key_digests)
{
    rac_str secrets = RAC_S("{}");
    struct rac_oauth_row *tokens = NULL;
    size_t tokens_n = 0;
    rac_err e = RAC_OK;
    if (row->has_secrets)
        e = w->cs->connection_secrets(w->cs->self, tenant, id, a, &secrets);
    if (e == RAC_OK)
        e = take_keys(&secrets, a, key_digests);
    if (e == RAC_OK)
        e = w->cs->oauth_list(w->cs->self, tenant, id, a, &tokens, &tokens_n);
    if (e == RAC_OK || e == RAC_E_NOT_FOUND)
        e = rac_connection_open(connector, row, secrets, tokens, tokens_n, a, out);
    if (e == RAC_OK)
        (*out)->tenant = rac_arena_str(a, tenant);
    return e;
}

/* Takes a reference to connector. */
static rac_err entry_open(struct rac_opened *o, rac_str tenant, rac_str id,
                          struct rac_connector *connector, struct rac_opened_connection **out)
{
    struct rac_opened_connection *c = rac_mem_alloc(sizeof *c);
    rac_arena_init(&c->arena, ENTRY_BYTES_MAX);
    rac_arena_wipe_at_end(&c->arena);
    c->refs = 1;
    c->seen_connections = count(o->w, RAC_STORE_CONNECTIONS);
    c->seen_tokens = count(o->w, RAC_STORE_TOKENS);
    c->seen_connectors = count(o->w, RAC_STORE_CONNECTORS);
    c->connector = rac_connector_ref(connector);
    c->tenant = rac_arena_str(&c->arena, tenant);
    const struct rac_connector_store *cs = o->w->cs;
    rac_err e = cs->connection_get(cs->self, tenant, id, &c->arena, &c->row);
    if (e == RAC_OK)
        e = rac_opened_load(o->w, tenant, id, connector, &c->row, &c->arena, &c->connection,
                            &c->key_digests);
    if (e != RAC_OK) {
        value_unref(c);
        return e;
    }
    c->runtime_url =
        rac_arena_printf(&c->arena, "%.*s/apim/%.*s/%.*s", RAC_FMT(o->w->service->public_url),
                         RAC_FMT(c->row.connector), RAC_FMT(c->row.id));
    struct rac_opened_connection *old = rac_opened_peek(o, tenant, c->row.id);
    if (old != NULL) { /* opened by somebody else while we waited */
        value_unref(c);
        *out = old;
        return RAC_OK;
    }
    char room[KEY_MAX];
    rac_str key;
    if (key_of(tenant, c->row.id, room, &key))
        (void)rac_cache_put(o->cache, key, c);
    *out = c;
    return RAC_OK;
}

struct wait {
    struct rac_arena a;
    struct rac_opened *o;
    rac_str tenant, id, why;
    rac_err err;
    struct rac_opened_connection *c;
    rac_opened_done done;
    void *arg;
    struct rac_task soon;
};

static void wait_answer(void *arg)
{
    struct wait *t = arg;
    t->done(t->arg, t->err, t->c, t->why);
    rac_arena_fini(&t->a);
    rac_mem_free(t);
}

static void wait_compiled(void *arg, rac_err err, struct rac_connector *connector, rac_str why)
{
    struct wait *t = arg;
    t->err = err;
    if (err == RAC_OK)
        t->err = entry_open(t->o, t->tenant, t->id, connector, &t->c);
    else if (why.p != NULL)
        t->why = rac_arena_str(&t->a, why);
    wait_answer(t);
}

void rac_opened_want(struct rac_opened *o, rac_str tenant, rac_str id, rac_opened_done done,
                     void *arg)
{
    struct wait *t = rac_mem_alloc(sizeof *t);
    rac_arena_init(&t->a, 1 << 20);
    *t = (struct wait){.a = t->a, .o = o, .done = done, .arg = arg};
    t->tenant = rac_arena_str(&t->a, tenant);
    t->id = rac_arena_str(&t->a, id);
    t->soon = (struct rac_task){.fn = wait_answer, .arg = t};
    struct rac_connection_row row;
    t->err = o->w->cs->connection_get(o->w->cs->self, tenant, id, &t->a, &row);
    if (t->err == RAC_OK) {
        struct rac_connector *c = rac_compiled_peek(o->w->compiled, tenant, row.connector);
        if (c == NULL) {
            rac_compiled_want(o->w->compiled, tenant, row.connector, wait_compiled, t);
            return;
        }
        t->err = entry_open(o, t->tenant, t->id, c, &t->c);
    }
    rac_loop_soon(o->w->loop, &t->soon);
}

/* --- the auth engine's source ----------------------------------------------------------------- */

rac_str rac_setting_name(struct rac_arena *a, rac_str set, rac_str parameter, const char *what)
{
    return set.n > 0 ? rac_arena_printf(a, "%.*s/%.*s.%s", RAC_FMT(set), RAC_FMT(parameter), what)
                     : rac_arena_printf(a, "%.*s.%s", RAC_FMT(parameter), what);
}

static rac_str setting(struct rac_api_worker *w, rac_str tenant,
                       const struct rac_connector *connector, rac_str set, rac_str parameter,
                       const char *what, struct rac_arena *a)
{
    rac_str v = RAC_STR_NULL;
    rac_err e = w->cs->secret_get(w->cs->self, tenant, connector->id,
                                  rac_setting_name(a, set, parameter, what), a, &v);
    return e == RAC_OK ? v : RAC_STR_NULL;
}

const struct rac_oauth_settings *rac_opened_settings(struct rac_api_worker *w, rac_str tenant,
                                                     const struct rac_connector *connector,
                                                     const struct rac_conn_set *set,
                                                     rac_str parameter, struct rac_arena *a)
{
    const struct rac_conn_param *p = rac_conn_param_find(set, parameter);
    if (p == NULL || p->type != RAC_CONN_OAUTH)
        return NULL;
    rac_str set_name = connector->multi_auth ? set->name : RAC_STR_NULL;
    struct rac_oauth_client *client = RAC_NEW(a, struct rac_oauth_client);
    *client = (struct rac_oauth_client){
        .client_id = setting(w, tenant, connector, set_name, p->name, "clientId", a),
        .client_secret = setting(w, tenant, connector, set_name, p->name, "clientSecret", a),
        .certificate_pem = setting(w, tenant, connector, set_name, p->name, "certificate", a),
    };
    client->key_pem = client->certificate_pem; /* one PEM text holds both */
    return rac_oauth_settings_parse(RAC_JSON_GET(&p->node, "oAuthSettings"), client, p->name,
                                    RAC_STR_NULL, a, NULL);
}

static rac_err source_open(void *self, const struct rac_auth_key *k, struct rac_arena *a,
                           struct rac_auth_target *out)
{
    struct rac_api_worker *w = RAC_CAST(self, struct rac_api_worker, RAC_API_MAGIC);
    struct rac_connection_row row;
    struct rac_connector *connector = NULL;
    rac_str digests;
    rac_err e = w->cs->connection_get(w->cs->self, k->tenant, k->connection, a, &row);
    if (e == RAC_OK)
        e = rac_compiled_now(w->compiled, k->tenant, row.connector, &connector);
    if (e != RAC_OK)
        return e;
    e = rac_opened_load(w, k->tenant, k->connection, connector, &row, a, &out->connection,
                        &digests);
    if (e == RAC_OK) {
        out->settings =
            rac_opened_settings(w, k->tenant, connector, out->connection->set, k->parameter, a);
        out->connector_id = row.connector;
        out->hold = connector;
        if (out->settings != NULL)
            return RAC_OK;
        e = RAC_E_NOT_FOUND;
    }
    rac_connector_unref(connector);
    return e;
}

static void source_release(void *self, struct rac_auth_target *t)
{
    (void)self;
    rac_connector_unref(t->hold);
    t->hold = NULL;
}

struct rac_auth_source rac_opened_source(struct rac_api_worker *w)
{
    return (struct rac_auth_source){.open = source_open, .release = source_release, .self = w};
}
