#include "api/doors_priv.h"

#include "api/issuers.h"
#include "base/mem.h"
#include "text/url.h"
#include "workflow/outside/inbound.h"

enum {
    KNOWN_MAX = 512,  /* verified URLs, by hash; a newcomer replaces */
    URL_MAX = 480,    /* longer ones are verified every time */
    TENANTS_MAX = 64, /* counted apart; more share by hash */
};

/* A URL whose signature held for a state of its workflow, and does not expire. */
struct known {
    uint64_t hash;
    int64_t version; /* of the workflow's row */
    uint16_t path_n, query_n;
    uint16_t trigger; /* index in the live flow */
    char id[33];
    char url[URL_MAX]; /* path and query */
};

struct rac_doors {
    struct rac_api_worker *w;
    struct known known[KNOWN_MAX];
    size_t busy[TENANTS_MAX]; /* requests in progress, by tenant */
    size_t busy_max;          /* of one tenant */
};

struct rac_doors *rac_doors_new(struct rac_api_worker *w)
{
    struct rac_doors *d = rac_mem_alloc(sizeof *d);
    d->w = w;
    d->busy_max = w->requests_max - w->requests_max / 4; /* one tenant leaves room for others */
    return d;
}

void rac_doors_free(struct rac_doors *d)
{
    rac_mem_free(d);
}

/* --- life of a passage ------------------------------------------------------------------------ */

static void passage_end(struct rac_passage *p)
{
    struct rac_api_worker *w = p->w;
    w->requests_n--;
    if (p->admitted)
        p->doors->busy[p->tenant]--;
    if (p->live != NULL)
        rac_flow_unref(p->live->flow);
    if (p->body_waits)
        rac_buf_fini(&p->gathered);
    rac_mem_free(p->more);
    rac_mem_free(p);
}

static void closed(void *arg, bool replied)
{
    struct rac_passage *p = arg;
    p->x = NULL;
    if (!replied && p->firing)
        rac_engine_leave(rac_runner_engine(p->w->runner), rac_door_fired, p);
    if (p->held == 0)
        passage_end(p);
}

void rac_passage_hold(struct rac_passage *p)
{
    p->held++;
}

bool rac_passage_release(struct rac_passage *p)
{
    RAC_ASSERT(p->held > 0);
    p->held--;
    if (p->x != NULL)
        return true;
    if (p->held == 0)
        passage_end(p);
    return false;
}

void rac_passage_refuse(struct rac_passage *p, int status, const char *code, rac_str message,
                        int64_t retry_after_s)
{
    struct rac_arena *a = p->x->arena;
    struct rac_json o = rac_json_new_object(a), e = rac_json_new_object(a);
    struct rac_headers h = {0};
    RAC_JSON_PUT_STR(a, &e, "code", rac_str_of(code));
    RAC_JSON_PUT_STR(a, &e, "message", message);
    RAC_JSON_PUT(a, &o, "error", e);
    rac_headers_add(&h, a, RAC_S("Content-Type"), RAC_S("application/json; charset=utf-8"));
    if (retry_after_s > 0)
        rac_headers_add(&h, a, RAC_S("Retry-After"),
                        rac_arena_printf(a, "%lld", (long long)retry_after_s));
    if (status == 429 || status == 503)
        rac_metric_add(RAC_METRIC_HTTP_REJECTED, 1);
    rac_http_reply(p->x, status, &h, rac_json_print_str(&o, 0, a));
}

void rac_passage_too_large(struct rac_passage *p)
{
    int64_t most = rac_config_int(p->w->service->config, RAC_CONF_HTTP_BODY_MAX);
    bool set = most < RAC_INBOUND_BYTES_MAX;
    rac_passage_refuse(p, 413, "RequestEntityTooLarge",
                       rac_arena_printf(p->x->arena,
                                        "The request body is larger than the %lld bytes %s.",
                                        (long long)(set ? most : RAC_INBOUND_BYTES_MAX),
                                        set ? "this server takes (setting http.body_bytes_max)"
                                            : "a workflow takes"),
                       0);
}

void rac_passage_unable(struct rac_passage *p, rac_err err, rac_str why, const char *otherwise)
{
    if (err == RAC_E_BUSY)
        rac_passage_refuse(p, 503, "ServerBusy", RAC_S("Too much work is waiting."), 1);
    else
        rac_passage_refuse(p, 500, "InternalServerError", why.n > 0 ? why : rac_str_of(otherwise),
                           0);
}

void rac_passage_fault(struct rac_passage *p, const struct rac_wf_fault *f)
{
    rac_passage_refuse(p, f->status, f->code, f->message, 0);
}

/* --- URLs verified before --------------------------------------------------------------------- */

static uint64_t url_hash(const struct rac_http_exchange *x)
{
    return rac_str_hash(x->path) * 31 + rac_str_hash(x->query);
}

static struct known *known_find(struct rac_doors *d, const struct rac_http_exchange *x, uint64_t h)
{
    struct known *k = &d->known[h % KNOWN_MAX];
    bool same = k->hash == h && k->path_n == x->path.n && k->query_n == x->query.n &&
                k->path_n > 0 && memcmp(k->url, x->path.p, x->path.n) == 0 &&
                (x->query.n == 0 || memcmp(k->url + k->path_n, x->query.p, x->query.n) == 0);
    return same ? k : NULL;
}

static bool has_expiry(rac_str query)
{
    rac_str rest = query, name, value;
    while (rac_url_query_next(&rest, &name, &value))
        if (rac_str_eqi(name, RAC_S("se")))
            return true;
    return false;
}

/* Only the plain form: a trigger called with the query a signed URL has, nothing else. */
static void known_put(struct rac_passage *p)
{
    struct rac_http_exchange *x = p->x;
    uint64_t h = url_hash(x);
    struct known *k = &p->doors->known[h % KNOWN_MAX];
    if (p->to.form != RAC_CALLBACK_TRIGGER || p->live->access != NULL || p->to.relative.p != NULL ||
        p->trigger == NULL || x->path.n + x->query.n > URL_MAX || has_expiry(x->query))
        return;
    k->hash = h;
    k->version = p->live->version;
    k->path_n = (uint16_t)x->path.n;
    k->query_n = (uint16_t)x->query.n;
    k->trigger = (uint16_t)(p->trigger - p->live->triggers);
    memcpy(k->id, p->live->flow->id.p, sizeof k->id - 1);
    memcpy(k->url, x->path.p, x->path.n);
    if (x->query.n > 0)
        memcpy(k->url + x->path.n, x->query.p, x->query.n);
}

/* --- the way in ------------------------------------------------------------------------------- */

/* A tenant with too much in progress waits, so that others do not. */
static bool admit(struct rac_passage *p)
{
    struct rac_doors *d = p->doors;
    p->tenant = (unsigned)(rac_str_hash(p->live->flow->tenant) % TENANTS_MAX);
    if (d->busy[p->tenant] >= d->busy_max) {
        rac_passage_refuse(p, 503, "ServerBusy",
                           RAC_S("Too many requests are in progress; try again in a moment."), 1);
        return false;
    }
    d->busy[p->tenant]++;
    p->admitted = true;
    return true;
}

static void dispatch(struct rac_passage *p)
{
    switch (p->to.form) {
    case RAC_CALLBACK_TRIGGER:
    case RAC_CALLBACK_TRIGGER_VERSION:
        rac_door_trigger(p);
        return;
    case RAC_CALLBACK_ACTION:
    case RAC_CALLBACK_REPETITION:
        rac_door_action(p);
        return;
    case RAC_CALLBACK_OPERATION:
        rac_door_operation(p);
        return;
    default:
        rac_door_content(p);
    }
}

static enum rac_access_section section_of(const struct rac_passage *p)
{
    switch (p->to.form) {
    case RAC_CALLBACK_TRIGGER:
    case RAC_CALLBACK_TRIGGER_VERSION:
        return RAC_ACCESS_TRIGGERS;
    case RAC_CALLBACK_ACTION:
    case RAC_CALLBACK_REPETITION:
        return RAC_ACCESS_ACTIONS;
    default:
        return RAC_ACCESS_CONTENTS;
    }
}

static void enter_again(struct rac_passage *p);

static void keys_fetched(void *arg)
{
    struct rac_passage *p = arg;
    if (rac_passage_release(p))
        enter_again(p);
}

static void hold_body(struct rac_passage *p);

/* A bearer token instead of a signature: the workflow's policies decide (§5.3). Answers when it is
 * refused; goes away and comes back when keys have to be fetched. */
static bool token_fits(struct rac_passage *p)
{
    struct rac_access_token token;
    const struct rac_access *x = p->live->access;
    if (x == NULL || !rac_access_has_policies(x, section_of(p))) {
        rac_passage_refuse(p, 401, "OpenAuthenticationPolicyNotFound",
                           RAC_S("The workflow has no open authentication policy."), 0);
        return false;
    }
    struct rac_access_keys keys = {rac_issuers_keys, p->w->issuers};
    enum rac_access_verdict verdict =
        rac_access_token(x, section_of(p), rac_http_header(p->x, "Authorization"), &keys,
                         rac_env_wall_ms(p->w->env), p->x->arena, &token);
    if (verdict == RAC_ACCESS_ALLOWED)
        return true;
    if (verdict == RAC_ACCESS_FETCH && !p->fetched) {
        p->fetched = true;
        p->issuer = rac_arena_str(p->x->arena, token.issuer);
        hold_body(p);
        rac_passage_hold(p);
        rac_issuers_fetch(p->w->issuers, p->issuer, keys_fetched, p);
    } else {
        rac_passage_fault(p, &token.fault);
    }
    return false;
}

static bool address_fits(struct rac_passage *p)
{
    struct rac_wf_fault fault;
    if (p->live->access == NULL ||
        rac_access_address(p->live->access, section_of(p), rac_http_peer(p->x), false, p->x->arena,
                           &fault))
        return true;
    rac_passage_fault(p, &fault);
    return false;
}

/* Is the caller one that may? Answers when not. */
static bool signed_by(struct rac_passage *p, const struct rac_sas_keys *keys)
{
    struct rac_wf_fault fault;
    rac_str authorization = rac_http_header(p->x, "Authorization");
    switch (rac_sas_accept(keys, &p->to, p->x->query, authorization, rac_env_wall_ms(p->w->env),
                           p->x->arena, &fault)) {
    case RAC_SAS_ACCEPTED:
        return true;
    case RAC_SAS_TOKEN:
        p->by_token = true;
        return p->live == NULL || token_fits(p);
    case RAC_SAS_REFUSED:
    default:
        rac_passage_fault(p, &fault);
        return false;
    }
}

static bool verified(struct rac_passage *p)
{
    const struct rac_flow *f = p->live->flow;
    struct rac_sas_keys keys = {.primary = {(const char *)f->keys[0], sizeof f->keys[0]},
                                .secondary = {(const char *)f->keys[1], sizeof f->keys[1]}};
    p->to.workflow_id = f->id;
    return signed_by(p, &keys);
}

static bool find_trigger(struct rac_passage *p)
{
    if (p->to.trigger.p == NULL || p->to.form == RAC_CALLBACK_HISTORY_CONTENT)
        return true;
    p->trigger = rac_live_trigger_find(p->live, p->to.trigger);
    if (p->trigger != NULL && (p->trigger->request || p->trigger->webhook))
        return true;
    rac_passage_refuse(p, 404, "WorkflowTriggerNotFound",
                       rac_arena_printf(p->x->arena, "The workflow trigger '%.*s' is not found.",
                                        RAC_FMT(p->to.trigger)),
                       0);
    return false;
}

static void enter_again(struct rac_passage *p)
{
    if (!verified(p) || !address_fits(p) || !find_trigger(p))
        return;
    known_put(p);
    dispatch(p);
}

/* The workflow is at hand. */
static void enter(struct rac_passage *p, struct rac_live_flow *live)
{
    p->live = live;
    (void)rac_flow_ref(live->flow);
    if (admit(p))
        enter_again(p);
}

static void not_found(struct rac_passage *p)
{
    rac_str name = p->to.workflow_id.p != NULL ? p->to.workflow_id : p->to.workflow;
    rac_passage_refuse(
        p, 404, "WorkflowNotFound",
        rac_arena_printf(p->x->arena, "The workflow '%.*s' could not be found.", RAC_FMT(name)), 0);
}

static void flow_ready(void *arg, rac_err err, struct rac_live_flow *live, rac_str why)
{
    struct rac_passage *p = arg;
    if (!rac_passage_release(p))
        return;
    if (err == RAC_OK)
        enter(p, live);
    else if (err == RAC_E_NOT_FOUND)
        not_found(p);
    else
        rac_passage_unable(p, err, why, "The workflow cannot be loaded.");
}

/* --- the long way: the workflow is not at hand ------------------------------------------------ */

static size_t body_max(const struct rac_passage *p)
{
    return (size_t)rac_config_int(p->w->service->config, RAC_CONF_HTTP_BODY_MAX);
}

static void read_body(void *arg, struct rac_http_exchange *x, rac_err err, rac_str body)
{
    struct rac_passage *p = arg;
    (void)x;
    p->then(p, err, body);
}

/* All that is there of a body that waited; whoever wants it has it when it is whole. */
static void gather(struct rac_passage *p)
{
    char piece[8192];
    size_t n;
    bool whole;
    rac_err e;
    do {
        e = p->source.read(p->source.self, piece, sizeof piece, &n, &whole);
        rac_buf_add(&p->gathered, (rac_str){piece, n});
    } while (e == RAC_OK && n > 0 && !whole);
    if (e == RAC_OK && !whole)
        return;
    p->has_body = true;
    p->body_err = e;
    p->body = rac_arena_str(p->x->arena, rac_buf_str(&p->gathered));
    rac_buf_clear(&p->gathered);
    p->then(p, p->body_err, p->body);
}

static void body_moved(void *arg)
{
    struct rac_passage *p = arg;
    if (p->then != NULL && !p->has_body)
        gather(p);
}

/* Nobody knows yet whether the client may call: its body stays with it. */
static void hold_body(struct rac_passage *p)
{
    if (p->has_body || p->body_waits)
        return;
    if (!p->x->has_body) {
        p->has_body = true;
        p->body = RAC_S("");
        return;
    }
    p->body_waits = true;
    rac_buf_init(&p->gathered, body_max(p) + 1);
    rac_http_stream_body(p->x, body_max(p), body_moved, p, &p->source);
}

static void want_body(struct rac_passage *p,
                      void (*then)(struct rac_passage *p, rac_err err, rac_str body))
{
    p->then = then;
    if (p->has_body)
        then(p, p->body_err, p->body);
    else if (p->body_waits)
        gather(p);
    else
        rac_http_read_body(p->x, body_max(p), read_body, p);
}

static void got_body(struct rac_passage *p, rac_err err, rac_str body)
{
    if (err == RAC_OK)
        p->door(p, body);
    else if (err == RAC_E_LIMIT)
        rac_passage_too_large(p);
    else
        rac_passage_refuse(p, 400, "InvalidRequestContent",
                           RAC_S("The request body could not be read."), 0);
}

void rac_passage_body(struct rac_passage *p, void (*door)(struct rac_passage *p, rac_str body))
{
    p->door = door;
    want_body(p, got_body);
}

static void want_flow(struct rac_passage *p)
{
    rac_passage_hold(p);
    rac_flows_want(p->w->flows, p->to.workflow_id, flow_ready, p);
}

static void body_ahead(struct rac_passage *p, rac_err err, rac_str body)
{
    p->has_body = true;
    p->body_err = err;
    p->body = body;
    want_flow(p);
}

/* The row of the workflow that the URL names: by its id, or "/api/NAME/…" by name in the default
 * group, or by id there as well. */
static rac_err find_row(struct rac_passage *p, struct rac_flow_row *row)
{
    const struct rac_flow_store *fs = p->w->fs;
    struct rac_arena *a = p->x->arena;
    if (p->to.workflow_id.p != NULL)
        return fs->flow_any(fs->self, 0, p->to.workflow_id, RAC_FLOW_WHOLE, a, row);
    rac_err e = fs->flow_find(fs->self, RAC_DEFAULT_ID, RAC_DEFAULT_ID, p->to.workflow,
                              RAC_FLOW_WHOLE, a, row);
    if (e == RAC_E_NOT_FOUND)
        e = fs->flow_any(fs->self, 0, p->to.workflow, RAC_FLOW_WHOLE, a, row);
    return e;
}

/* A body can be read only from within the handler, so it is read before the workflow is compiled;
 * nobody makes us read one without the right to call: behind a token it waits. */
static void the_long_way(struct rac_passage *p)
{
    struct rac_flow_row row;
    rac_err e = find_row(p, &row);
    if (e != RAC_OK) {
        if (e == RAC_E_NOT_FOUND)
            not_found(p);
        else
            rac_passage_refuse(p, 500, "InternalServerError",
                               RAC_S("The workflow cannot be loaded."), 0);
        return;
    }
    struct rac_sas_keys keys = {.primary = row.key1, .secondary = row.key2};
    p->to.workflow_id = row.id;
    if (!signed_by(p, &keys))
        return;
    if (p->by_token) {
        hold_body(p);
        want_flow(p);
    } else {
        want_body(p, body_ahead);
    }
}

static struct rac_passage *passage_new(struct rac_doors *d, struct rac_http_exchange *x)
{
    struct rac_passage *p = rac_mem_alloc(sizeof *p);
    p->doors = d;
    p->w = d->w;
    p->x = x;
    d->w->requests_n++;
    rac_http_on_closed(x, closed, p);
    return p;
}

/* A URL that was verified, to a workflow that has not changed since. */
static bool enter_known(struct rac_doors *d, struct rac_http_exchange *x)
{
    struct known *k = known_find(d, x, url_hash(x));
    if (k == NULL)
        return false;
    struct rac_live_flow *live = rac_flows_peek(d->w->flows, (rac_str){k->id, sizeof k->id - 1});
    if (live == NULL || live->version != k->version ||
        rac_http_header(x, "Authorization").p != NULL)
        return false;
    struct rac_passage *p = passage_new(d, x);
    p->to.form = RAC_CALLBACK_TRIGGER;
    p->to.workflow_id = live->flow->id;
    p->live = live;
    (void)rac_flow_ref(live->flow);
    p->trigger = &live->triggers[k->trigger];
    p->to.trigger = p->trigger->name;
    if (admit(p))
        rac_door_trigger(p);
    return true;
}

void rac_doors_handle(struct rac_doors *d, struct rac_http_exchange *x)
{
    if (enter_known(d, x))
        return;
    struct rac_callback to;
    struct rac_wf_fault fault;
    bool fits = rac_inbound_check_size(x->path.n + x->query.n, 0, &fault);
    if (fits && !rac_callback_parse(x->path, x->arena, &to)) {
        rac_api_reply_error(x, 404, RAC_S("NotFound"), RAC_S("Nothing is here."));
        return;
    }
    struct rac_passage *p = passage_new(d, x);
    if (!fits) {
        rac_passage_fault(p, &fault);
        return;
    }
    p->to = to;
    if (!rac_inbound_check_version(x->query, &fault)) {
        rac_passage_fault(p, &fault);
        return;
    }
    struct rac_live_flow *live =
        p->to.workflow_id.p != NULL ? rac_flows_peek(d->w->flows, p->to.workflow_id) : NULL;
    if (live != NULL)
        enter(p, live);
    else
        the_long_way(p);
}
