/*
 * Unsubscribing (spec workflows §3.5): a request that is sent and forgotten, because the action it
 * belongs to has ended. What it needs is taken along; the run may be gone before it is answered.
 */
#include "base/mem.h"
#include "base/str.h"
#include "text/url.h"
#include "workflow/definition/authentication.h"
#include "workflow/outside/exchange_priv.h"
#include "workflow/outside/outbound.h"
#include "workflow/engine/token_cache.h"

struct farewell {
    struct parting parting;
    struct rac_engine *e;
    struct rac_flow *flow; /* a reference */
    rac_str action;
    struct rac_outbound out;
    struct rac_authentication auth;
    struct rac_token_wait *wait;
    struct rac_fetch *fetch;
    struct rac_arena a;
};

void exchange_farewell_free(struct farewell *w)
{
    rac_flow_unref(w->flow);
    rac_arena_fini(&w->a);
    rac_mem_free(w);
}

/* res NULL: it could not be sent. */
static void farewell_done(void *arg, const struct rac_fetch_res *res)
{
    struct farewell *w = arg;
    int status = res != NULL && res->err == RAC_OK ? res->status : 0;
    if (!rac_subscription_ended(status))
        rac_engine_not_ended(w->e, w->flow, w->action, w->out.url, status);
    parting_done(&w->parting);
    exchange_farewell_free(w);
}

static void farewell_drop(struct parting *p)
{
    struct farewell *w = (struct farewell *)p; /* its first member */
    parting_done(p);
    if (w->fetch != NULL)
        w->e->ports.fetcher.cancel(w->e->ports.fetcher.self, w->fetch);
    if (w->wait != NULL)
        rac_token_cache_cancel(w->e->tokens, w->wait);
    exchange_farewell_free(w);
}

static void farewell_send(struct farewell *w)
{
    struct rac_fetcher *f = &w->e->ports.fetcher;
    struct rac_fetch_req req = {.method = w->out.method,
                                .url = w->out.url,
                                .headers = &w->out.headers,
                                .body = w->out.has_body ? w->out.body : RAC_STR_NULL,
                                .client_cert_pem = w->auth.certificate_pem,
                                .client_key_pem = w->auth.key_pem};
    struct rac_fetch_events ev = {.done = farewell_done, .arg = w};
    w->fetch = f->start(f->self, &req, &w->a, &ev);
}

static void farewell_bearer(struct farewell *w, rac_str access)
{
    rac_headers_set(&w->out.headers, &w->a, RAC_S("Authorization"),
                    rac_arena_printf(&w->a, "Bearer %.*s", RAC_FMT(access)));
    farewell_send(w);
}

static void farewell_token(void *arg, rac_str access, const struct rac_auth_error *error)
{
    struct farewell *w = arg;
    w->wait = NULL;
    if (error != NULL)
        farewell_done(w, NULL);
    else
        farewell_bearer(w, access);
}

/* What is sent: as recorded when the action began, its credentials evaluated again. False: nothing
 * can be. */
static bool farewell_request(struct farewell *w, struct live *l, struct rac_wf_record *record)
{
    const struct rac_json *in = rac_json_geti(&record->inputs, RAC_S("unsubscribe")), *again, *auth;
    struct rac_outbound_options options = {0};
    struct rac_authentication_options identities = {0};
    struct rac_authentication_error error;
    struct rac_json http, given = rac_json_none, v;
    rac_str why;
    if (!rac_json_is_object(in) || rac_json_len(in) == 0)
        return false;
    http = rac_json_copy(&w->a, in);
    if (rac_json_geti(&http, RAC_S("uri")) == NULL)
        RAC_JSON_PUT_STR(&w->a, &http, "uri",
                         rac_json_str(rac_json_geti(&http, RAC_S("url")), RAC_S("")));
    if (rac_run_evaluate(l->run, record, record->action->inputs, &v, &why) == RAC_OK) {
        again = rac_json_geti(&v, RAC_S("unsubscribe"));
        auth = rac_json_geti(again, RAC_S("authentication"));
        again = rac_json_geti(again, RAC_S("headers"));
        if (again != NULL)
            RAC_JSON_PUT(&w->a, &http, "headers", rac_json_copy(&w->a, again));
        if (auth != NULL)
            given = rac_json_copy(&w->a, auth);
    }
    return rac_outbound_request(&http, &options, &w->a, &w->out, &why) == RAC_OK &&
           rac_authentication_parse(given.type != RAC_JSON_NONE ? &given : NULL, &identities, &w->a,
                                    &w->auth, &error) == RAC_OK;
}

/* False: it cannot be authenticated. */
static bool farewell_begin(struct farewell *w)
{
    struct rac_token_cache *tokens = w->e->tokens;
    rac_str access;
    if (w->auth.kind == RAC_AUTHENTICATION_HEADER)
        rac_headers_set(&w->out.headers, &w->a, RAC_S("Authorization"), w->auth.authorization);
    if (w->auth.kind == RAC_AUTHENTICATION_QUERY)
        w->out.url = rac_url_query_add(&w->a, w->out.url, w->auth.query_name, w->auth.query_value);
    if (w->auth.kind != RAC_AUTHENTICATION_TOKEN)
        farewell_send(w);
    else if (tokens == NULL)
        return false;
    else if (rac_token_cache_get(tokens, &w->auth.token, &access))
        farewell_bearer(w, access);
    else
        w->wait = rac_token_cache_start(tokens, &w->auth.token, farewell_token, w);
    return true;
}

void exchange_farewell_send(struct farewell *w)
{
    if (farewell_begin(w)) {
        parting_add(w->e, &w->parting);
        return;
    }
    rac_engine_not_ended(w->e, w->flow, w->action, w->out.url, 0);
    exchange_farewell_free(w);
}

static struct farewell *farewell_new(const struct live *l, const struct rac_wf_record *record)
{
    enum { FAREWELL_BYTES_MAX = 16 << 20 };
    struct farewell *w = rac_mem_alloc(sizeof *w);
    *w = (struct farewell){.parting = {.drop = farewell_drop}, .e = l->e};
    w->flow = rac_flow_ref(l->flow);
    rac_arena_init(&w->a, FAREWELL_BYTES_MAX);
    w->action = record->action->name;
    return w;
}

void exchange_http_unsubscribe(struct live *l, struct rac_wf_record *record)
{
    if (l->e->ports.fetcher.start == NULL)
        return;
    struct farewell *w = farewell_new(l, record);
    if (farewell_request(w, l, record))
        exchange_farewell_send(w);
    else
        exchange_farewell_free(w);
}

struct farewell *exchange_farewell_remote(const struct exchange *x, rac_str reference,
                                          rac_str location)
{
    struct rac_outbound_options options = {0};
    struct rac_authentication_options identities = {0};
    struct rac_authentication_error error;
    struct rac_json http, key;
    rac_str url, why;
    if (!exchange_remote(x, reference, &url, &key))
        return NULL;
    struct farewell *w = farewell_new(x->o->live, x->o->x);
    bool ours = !exchange_origin_differs(&w->a, url, location);
    key = rac_json_copy(&w->a, &key);
    http = rac_json_new_object(&w->a);
    RAC_JSON_PUT_STR(&w->a, &http, "method", RAC_S("DELETE"));
    RAC_JSON_PUT_STR(&w->a, &http, "uri", rac_arena_str(&w->a, location));
    if (rac_outbound_request(&http, &options, &w->a, &w->out, &why) == RAC_OK &&
        rac_authentication_parse(ours && key.type != RAC_JSON_NONE ? &key : NULL, &identities,
                                 &w->a, &w->auth, &error) == RAC_OK)
        return w;
    exchange_farewell_free(w);
    return NULL;
}
