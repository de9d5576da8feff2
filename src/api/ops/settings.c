#include "api/ops/access.h"
#include "api/service.h"
#include "connector/connection.h"
#include "crypto/digest.h"

/* OAuth clients of a connector: id, secret, certificate, kept beside the definition and never
 * given back. A secret shows the first digits of its digest, so that two can be told apart. */

static rac_str stored(struct rac_ask *q, rac_str connector, rac_str set, rac_str parameter,
                      const char *what)
{
    rac_str v;
    return q->w->cs->secret_get(q->w->cs->self, q->who->tenant, connector,
                                rac_setting_name(q->a, set, parameter, what), q->a, &v) == RAC_OK
               ? v
               : RAC_STR_NULL;
}

static struct rac_json setting_json(struct rac_ask *q, const struct rac_connector *c,
                                    const struct rac_conn_set *set, const struct rac_conn_param *p)
{
    struct rac_arena *a = q->a;
    rac_str name = c->multi_auth ? set->name : RAC_STR_NULL;
    struct rac_json o = rac_json_new_object(a);
    if (name.n > 0)
        RAC_JSON_PUT_STR(a, &o, "set", rac_arena_str(a, name));
    RAC_JSON_PUT_STR(a, &o, "parameter", rac_arena_str(a, p->name));
    const struct rac_oauth_settings *s =
        rac_opened_settings(q->w, q->who->tenant, c, set, p->name, a);
    if (s != NULL && s->provider.n > 0)
        RAC_JSON_PUT_STR(a, &o, "identityProvider", rac_arena_str(a, s->provider));
    if (s != NULL && s->client_id.n > 0)
        RAC_JSON_PUT_STR(a, &o, "clientId", rac_arena_str(a, s->client_id));
    bool secret = s != NULL && s->client_secret.n > 0;
    RAC_JSON_PUT(a, &o, "secretStored", rac_json_of_bool(secret));
    if (secret)
        RAC_JSON_PUT_STR(a, &o, "secretFingerprint",
                         rac_str_sub(rac_sha256_hex(a, s->client_secret), 0, 8));
    RAC_JSON_PUT(a, &o, "certificateStored",
                 rac_json_of_bool(stored(q, c->id, name, p->name, "certificate").n > 0));
    RAC_JSON_PUT_STR(a, &o, "redirectUrl",
                     s != NULL && s->redirect_mode == RAC_REDIRECT_GLOBAL
                         ? rac_arena_printf(a, "%.*s/oauth/redirect", RAC_FMT(q->base_url))
                     : s != NULL && s->redirect_mode == RAC_REDIRECT_DIRECT && s->redirect_url.n > 0
                         ? rac_arena_str(a, s->redirect_url)
                         : rac_arena_printf(a, "%.*s/oauth/redirect/%.*s", RAC_FMT(q->base_url),
                                            RAC_FMT(c->id)));
    return o;
}

struct setting_ask {
    struct rac_ask *q;
    struct rac_connector_row row;
    rac_str *names, *values; /* to save, one after the other; value absent: remove */
    size_t n, at;
};

static void answer(void *arg, rac_err err, struct rac_connector *c, rac_str why)
{
    struct setting_ask *t = arg;
    struct rac_ask *q = t->q;
    if (err != RAC_OK) {
        struct rac_commit said = {.err = err, .error = why};
        rac_ask_fail_commit(q, &said, "connector");
        return;
    }
    struct rac_json o = rac_json_new_object(q->a), v = rac_json_new_array(q->a);
    for (size_t i = 0; i < c->sets_n; i++)
        for (size_t k = 0; k < c->sets[i].params_n; k++)
            if (c->sets[i].params[k].type == RAC_CONN_OAUTH)
                rac_json_add(q->a, &v, setting_json(q, c, &c->sets[i], &c->sets[i].params[k]));
    RAC_JSON_PUT(q->a, &o, "value", v);
    rac_ask_answer(q, o);
}

void rac_ops_settings_get(struct rac_ask *q)
{
    struct setting_ask *t = RAC_NEW(q->a, struct setting_ask);
    t->q = q;
    if (rac_access_connector(q, RAC_MAY_CONNECTOR_EDIT, q->args[0], &t->row))
        rac_compiled_want(q->w->compiled, q->who->tenant, t->row.id, answer, t);
}

static void save_next(void *arg, const struct rac_commit *c)
{
    struct setting_ask *t = arg;
    struct rac_ask *q = t->q;
    if (c != NULL && c->err != RAC_OK && c->err != RAC_E_NOT_FOUND) {
        rac_ask_fail_commit(q, c, "connector");
        return;
    }
    if (t->at == t->n) {
        rac_compiled_want(q->w->compiled, q->who->tenant, t->row.id, answer, t);
        return;
    }
    struct rac_actor actor = rac_ask_actor(q);
    size_t i = t->at++;
    actor.note = t->names[i];
    q->w->cs->secret_save(q->w->cs->self, q->who->tenant, t->row.id, t->names[i], t->values[i],
                          &actor, save_next, t);
}

static const struct {
    const char *member, *what;
} members[] = {
    {"clientId", "clientId"}, {"clientSecret", "clientSecret"}, {"certificate", "certificate"}};

static void add(struct setting_ask *t, rac_str set, rac_str parameter)
{
    struct rac_ask *q = t->q;
    for (size_t i = 0; i < RAC_COUNT(members); i++) {
        const struct rac_json *v = rac_json_get(&q->json, rac_str_of(members[i].member));
        rac_str text = rac_json_str(v, RAC_S(""));
        if (v == NULL)
            continue;
        t->names[t->n] = rac_setting_name(q->a, set, parameter, members[i].what);
        t->values[t->n++] = text.n > 0 ? text : RAC_STR_NULL;
    }
}

static void put_ready(void *arg, rac_err err, struct rac_connector *c, rac_str why)
{
    struct setting_ask *t = arg;
    struct rac_ask *q = t->q;
    if (err != RAC_OK) {
        answer(t, err, c, why);
        return;
    }
    rac_str only_set = rac_json_str(RAC_JSON_GET(&q->json, "set"), RAC_STR_NULL);
    rac_str only = rac_json_str(RAC_JSON_GET(&q->json, "parameter"), RAC_STR_NULL);
    size_t n = 0;
    for (size_t i = 0; i < c->sets_n; i++)
        n += c->sets[i].params_n;
    t->names = RAC_NEW_N(q->a, rac_str, n * RAC_COUNT(members) + 1);
    t->values = RAC_NEW_N(q->a, rac_str, n * RAC_COUNT(members) + 1);
    size_t fitting = 0;
    for (size_t i = 0; i < c->sets_n; i++) {
        if (only_set.n > 0 && !rac_str_eq(only_set, c->sets[i].name))
            continue;
        for (size_t k = 0; k < c->sets[i].params_n; k++) {
            const struct rac_conn_param *p = &c->sets[i].params[k];
            if (p->type != RAC_CONN_OAUTH || (only.n > 0 && !rac_str_eq(only, p->name)))
                continue;
            fitting++;
            add(t, c->multi_auth ? rac_arena_str(q->a, c->sets[i].name) : RAC_STR_NULL,
                rac_arena_str(q->a, p->name));
        }
    }
    if (fitting == 0)
        rac_ask_fail(q, RAC_FAULT_BAD_VALUE,
                     "This connector has no such OAuth parameter; GET its settings to see those it "
                     "has.");
    else
        save_next(t, NULL);
}

void rac_ops_settings_put(struct rac_ask *q)
{
    struct setting_ask *t = RAC_NEW(q->a, struct setting_ask);
    rac_arena_wipe_at_end(q->a);
    t->q = q;
    if (!rac_access_connector(q, RAC_MAY_CONNECTOR_EDIT, q->args[0], &t->row))
        return;
    int64_t wanted = rac_etag_version(q->if_match);
    if (wanted != 0 && wanted != t->row.version) {
        struct rac_commit c = {.err = RAC_E_CONFLICT, .version = t->row.version};
        rac_ask_fail_commit(q, &c, "connector");
        return;
    }
    rac_compiled_want(q->w->compiled, q->who->tenant, t->row.id, put_ready, t);
}
