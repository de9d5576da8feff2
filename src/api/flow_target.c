#include "api/flow_target.h"

#include "api/ops/access.h"
#include "api/service.h"
#include "base/mem.h"
#include "workflow/definition/ident.h"

enum { KNOWN_MAX = 256, KEY_MAX = 512 };

/* --- what was found before -------------------------------------------------------------------- */

struct known {
    uint64_t seen;
    uint16_t key_n, id_n; /* key_n 0: free */
    char key[KEY_MAX];
    char id[128]; /* of the connection */
};

struct rac_flow_targets {
    struct known v[KNOWN_MAX]; /* by hash; a newcomer replaces */
};

struct rac_flow_targets *rac_flow_targets_new(void)
{
    return rac_mem_alloc(sizeof(struct rac_flow_targets));
}

void rac_flow_targets_free(struct rac_flow_targets *t)
{
    rac_mem_free(t);
}

/* Counters only grow: their sum moves whenever one of them does. */
static uint64_t seen_now(struct rac_api_worker *w)
{
    return w->cs->counter(w->cs->self, RAC_STORE_CONNECTORS) +
           w->cs->counter(w->cs->self, RAC_STORE_CONNECTIONS) + w->is->counter(w->is->self);
}

static rac_str known_key(const struct rac_flow_target_want *want, char out[KEY_MAX])
{
    const struct rac_flow *f = want->flow;
    const rac_str roles = {(const char *)&f->only_roles, sizeof f->only_roles};
    const rac_str parts[] = {f->tenant, f->group,        f->author,        f->only_group, roles,
                             want->api, want->reference, want->connection, want->external};
    size_t n = 0;
    for (size_t i = 0; i < RAC_COUNT(parts); i++) {
        if (n + parts[i].n + 1 > KEY_MAX)
            return RAC_STR_NULL;
        if (parts[i].n > 0)
            memcpy(out + n, parts[i].p, parts[i].n);
        n += parts[i].n;
        out[n++] = 0;
    }
    return (rac_str){out, n};
}

static rac_str known_find(struct rac_api_worker *w, rac_str key)
{
    struct known *k = &w->flow_targets->v[rac_str_hash(key) % KNOWN_MAX];
    if (key.n == 0 || k->key_n != key.n || memcmp(k->key, key.p, key.n) != 0 ||
        k->seen != seen_now(w))
        return RAC_STR_NULL;
    return (rac_str){k->id, k->id_n};
}

static void known_put(struct rac_api_worker *w, rac_str key, rac_str id, uint64_t seen)
{
    struct known *k = &w->flow_targets->v[rac_str_hash(key) % KNOWN_MAX];
    if (key.n == 0 || id.n > sizeof k->id)
        return;
    k->seen = seen;
    k->key_n = (uint16_t)key.n;
    k->id_n = (uint16_t)id.n;
    memcpy(k->key, key.p, key.n);
    memcpy(k->id, id.p, id.n);
}

/* --- names ------------------------------------------------------------------------------------ */

static rac_str last_segment(rac_str path)
{
    size_t at = rac_str_rfind_char(path, '/');
    return at == RAC_STR_NPOS ? path : rac_str_from(path, at + 1);
}

/* The connector of that name, or the only one whose own id or display name is name. */
static rac_str connector_called(struct rac_api_worker *w, rac_str tenant, rac_str name, rac_str id,
                                struct rac_arena *a)
{
    struct rac_connector_row *rows;
    struct rac_connector_query q = {.search = name};
    rac_str found = RAC_STR_NULL, own[RAC_API_NAMES_MAX];
    size_t n;
    bool more;
    if (w->cs->connector_list(w->cs->self, tenant, &q, a, &rows, &n, &more) != RAC_OK)
        return RAC_STR_NULL;
    for (size_t i = 0; i < n; i++) {
        bool fits = (rac_workflow_api_names(rows[i].id, own) > 0 && rac_str_eqi(own[0], name)) ||
                    rac_str_eqi(rows[i].display_name, id) ||
                    rac_str_eqi(rows[i].display_name, name);
        if (!fits)
            continue;
        if (found.n > 0)
            return RAC_STR_NULL; /* which one? */
        found = rows[i].id;
    }
    return found;
}

rac_str rac_flow_connector_find(struct rac_api_worker *w, rac_str tenant, rac_str name,
                                struct rac_arena *a)
{
    struct rac_connector_row row;
    rac_str id = last_segment(name), found = RAC_STR_NULL, names[RAC_API_NAMES_MAX];
    if (id.n == 0)
        return RAC_STR_NULL;
    if (w->cs->connector_get(w->cs->self, tenant, id, a, &row) == RAC_OK)
        return row.id;
    size_t n = rac_workflow_api_names(id, names);
    for (size_t i = 0; i < n && found.n == 0; i++)
        found = connector_called(w, tenant, names[i], id, a);
    return found;
}

/* --- rights ----------------------------------------------------------------------------------- */

rac_err rac_flow_author_principal(struct rac_api_worker *w, const struct rac_flow *f,
                                  struct rac_arena *a, struct rac_principal *out)
{
    struct rac_user_row u;
    *out = (struct rac_principal){.tenant = f->tenant, .user = f->author};
    rac_err e = w->is->user_get(w->is->self, f->tenant, f->author, a, &u);
    if (e != RAC_OK || u.disabled)
        return e != RAC_OK ? e : RAC_E_NOT_FOUND;
    out->user_name = u.name;
    rac_str *teams;
    size_t teams_n;
    e = w->is->user_holds(w->is->self, f->tenant, u.id, a, &out->grants, &out->grants_n, &teams,
                          &teams_n);
    if (e != RAC_OK)
        return e;
    out->grantees = RAC_NEW_N(a, rac_str, teams_n + 1);
    out->grantees[0] = u.id;
    for (size_t i = 0; i < teams_n; i++)
        out->grantees[i + 1] = teams[i];
    out->grantees_n = teams_n + 1;
    rac_principal_narrow(out, f->only_group, f->only_roles);
    return RAC_OK;
}

/* --- finding ---------------------------------------------------------------------------------- */

struct finding {
    struct rac_api_worker *w;
    const struct rac_flow_target_want *want;
    struct rac_arena *a;
    rac_str connector; /* id; absent: the reference does not say */
    rac_str why;
};

/* A connection by one of the names it may be called by. */
static bool by_name(struct finding *f, rac_str name, struct rac_connection_row *out)
{
    struct rac_connection_row *rows;
    size_t n;
    bool more;
    name = last_segment(name);
    if (name.n == 0)
        return false;
    const struct rac_connector_store *cs = f->w->cs;
    rac_str tenant = f->want->flow->tenant;
    if (cs->connection_get(cs->self, tenant, name, f->a, out) == RAC_OK &&
        (f->connector.n == 0 || rac_str_eq(out->connector, f->connector)))
        return true;
    struct rac_connection_query q = {.group = f->want->flow->group, .connector = f->connector};
    if (cs->connection_list(cs->self, tenant, &q, f->a, &rows, &n, &more) != RAC_OK)
        return false;
    for (size_t i = 0; i < n; i++)
        if (rac_str_eqi(rows[i].display_name, name)) {
            *out = rows[i];
            return true;
        }
    return false;
}

/* What the workflow calls it: the connection of the reference, else its key. */
static rac_str wanted_name(const struct rac_flow_target_want *want)
{
    return want->connection.n > 0 ? want->connection : want->reference;
}

/* The only connection the author may use with that connector. */
static bool only_one(struct finding *f, const struct rac_principal *who,
                     struct rac_connection_row *out)
{
    struct rac_connection_row *rows;
    size_t n, found = 0;
    bool more;
    struct rac_connection_query q = {.connector = f->connector};
    const struct rac_connector_store *cs = f->w->cs;
    if (f->connector.n == 0 ||
        cs->connection_list(cs->self, f->want->flow->tenant, &q, f->a, &rows, &n, &more) != RAC_OK)
        return false;
    for (size_t i = 0; i < n; i++)
        if (rac_access_connection_row(f->w, who, RAC_MAY_CONNECTION_USE, &rows[i]) == RAC_OK) {
            *out = rows[i];
            found++;
        }
    if (found > 1)
        f->why = rac_arena_printf(f->a,
                                  "There is no connection '%.*s' that who saved the workflow may "
                                  "use, and %zu of %.*s could be meant: name the one to use in "
                                  "the workflow's connection references.",
                                  RAC_FMT(wanted_name(f->want)), found, RAC_FMT(f->connector));
    return found == 1;
}

static rac_err refuse(struct finding *f, const struct rac_connection_row *row)
{
    f->why = rac_arena_printf(f->a,
                              "Who saved this version of the workflow may not use the connection "
                              "%.*s. Share it with them, or save it as somebody who may.",
                              RAC_FMT(row->id));
    return RAC_E_DENIED;
}

static rac_err find(struct finding *f, rac_str *id)
{
    const struct rac_flow_target_want *want = f->want;
    const struct rac_flow *flow = want->flow;
    struct rac_principal who;
    struct rac_connection_row row;
    rac_err e = rac_flow_author_principal(f->w, flow, f->a, &who);
    if (e != RAC_OK) {
        f->why = RAC_S("Who saved this version of the workflow is gone or disabled, and it "
                       "acts with their rights. Save it as somebody else.");
        return RAC_E_DENIED;
    }
    f->connector = rac_flow_connector_find(f->w, flow->tenant, want->api, f->a);
    if (want->api.n > 0 && f->connector.n == 0) {
        f->why = rac_arena_printf(f->a, "There is no connector %.*s on this server. Register it.",
                                  RAC_FMT(want->api));
        return RAC_E_NOT_FOUND;
    }
    if (by_name(f, want->external, &row) || by_name(f, want->connection, &row) ||
        by_name(f, want->reference, &row)) {
        *id = row.id;
        e = rac_access_connection_row(f->w, &who, RAC_MAY_CONNECTION_USE, &row);
        return e == RAC_OK ? RAC_OK : refuse(f, &row);
    }
    if (only_one(f, &who, &row)) {
        *id = row.id;
        return RAC_OK;
    }
    if (f->why.n == 0)
        f->why =
            rac_arena_printf(f->a,
                             "There is no connection '%.*s' that who saved the workflow may use. "
                             "Correct the reference, or make one: raccord connection create %.*s",
                             RAC_FMT(wanted_name(want)),
                             RAC_FMT(f->connector.n > 0 ? f->connector
                                     : want->api.n > 0  ? want->api
                                                        : RAC_S("CONNECTOR")));
    return f->connector.n > 0 ? RAC_E_DENIED : RAC_E_NOT_FOUND;
}

/* --- the ports -------------------------------------------------------------------------------- */

struct opening {
    struct rac_api_worker *w;
    void (*done)(void *arg, rac_err err, rac_str why, const struct rac_flow_target *t);
    void *arg;
};

static void hand_over(struct rac_opened_connection *c,
                      void (*done)(void *arg, rac_err err, rac_str why,
                                   const struct rac_flow_target *t),
                      void *arg)
{
    struct rac_flow_target t = {
        .connector = rac_connector_ref(c->connector), .connection = c->connection, .held = c};
    done(arg, RAC_OK, RAC_STR_NULL, &t);
}

static void opened(void *arg, rac_err err, struct rac_opened_connection *c, rac_str why)
{
    struct opening o = *(struct opening *)arg;
    rac_mem_free(arg);
    if (err == RAC_OK)
        hand_over(c, o.done, o.arg);
    else
        o.done(o.arg, RAC_E_DENIED, why.n > 0 ? why : RAC_S("The connection cannot be opened."),
               NULL);
}

void rac_flow_target_find(void *self, const struct rac_flow_target_want *want, struct rac_arena *a,
                          void (*done)(void *arg, rac_err err, rac_str why,
                                       const struct rac_flow_target *t),
                          void *arg)
{
    struct rac_api_worker *w = RAC_CAST(self, struct rac_api_worker, RAC_API_MAGIC);
    struct finding f = {.w = w, .want = want, .a = a};
    char room[KEY_MAX];
    rac_str key = known_key(want, room), id = known_find(w, key);
    if (id.n == 0) {
        uint64_t seen = seen_now(w);
        rac_err e = find(&f, &id);
        if (e != RAC_OK) {
            done(arg, e, f.why, NULL);
            return;
        }
        known_put(w, key, id, seen);
    }
    struct rac_opened_connection *c = rac_opened_peek(w->opened, want->flow->tenant, id);
    if (c != NULL) {
        hand_over(c, done, arg);
        return;
    }
    struct opening *o = rac_mem_alloc(sizeof *o);
    *o = (struct opening){w, done, arg};
    rac_opened_want(w->opened, want->flow->tenant, id, opened, o);
}

void rac_flow_target_release(void *self, const struct rac_flow_target *t)
{
    struct rac_api_worker *w = RAC_CAST(self, struct rac_api_worker, RAC_API_MAGIC);
    if (t->held != NULL)
        rac_opened_release(w->opened, t->held);
}
