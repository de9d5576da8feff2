#include "api/flows.h"

#include "api/cache.h"
#include "api/flow_document.h"
#include "api/service.h"
#include "base/mem.h"
#include "loop/pool.h"

/*
 * Keys of the caches: "i" id for the newest version of a workflow, "r" key "/" version for one that
 * runs still use. An entry of the first kind is good while the store's counter stands, or while
 * the version of its row is what it was; one of the second kind for ever.
 */

enum { COMPILE_BYTES_MAX = 512 << 20, KEY_MAX = 96 };

static void value_ref(void *value)
{
    (void)rac_flow_ref(((struct rac_live_flow *)value)->flow);
}

static void value_unref(void *value)
{
    rac_flow_unref(((struct rac_live_flow *)value)->flow);
}

static int64_t value_version(const void *value)
{
    return ((const struct rac_live_flow *)value)->version;
}

static const struct rac_cache_kind kind = {value_ref, value_unref, value_version};

struct rac_cache_home *rac_flows_home_new(size_t flows_max)
{
    return rac_cache_home_new(&kind, flows_max);
}

/* --- making one ------------------------------------------------------------------------------- */

/* What a trigger's node says. */
static void trigger_read(enum rac_profile_kind profile, const struct rac_json_member *m,
                         struct rac_arena *a, struct rac_live_trigger *out)
{
    struct rac_inbound *inbound;
    out->name = rac_json_key(m);
    out->node = &m->value;
    out->type = rac_json_str(rac_json_geti(out->node, RAC_S("type")), RAC_S(""));
    out->request =
        rac_str_eqi(out->type, RAC_S("Request")) || rac_str_eqi(out->type, RAC_S("Manual"));
    out->webhook = rac_str_endsi(out->type, RAC_S("Webhook")) ||
                   rac_str_endsi(out->type, RAC_S("Notification"));
    out->splits = rac_json_geti(out->node, RAC_S("splitOn")) != NULL;
    /* A schema that does not compile refuses every request; nothing more to do about it here. */
    (void)!rac_inbound_compile(profile, out->name, out->node, RAC_S(""), a, &inbound, NULL);
    out->inbound = inbound;
    out->suppresses_headers =
        rac_inbound_has_option(inbound, RAC_S("SuppressWorkflowHeadersOnResponse"));
}

static void live_fill(struct rac_live_flow *live, const struct rac_flow_document *doc)
{
    struct rac_arena *a = &live->flow->a;
    const struct rac_json *definition = doc->workflow->definition;
    const struct rac_json *triggers = rac_json_geti(definition, RAC_S("triggers"));
    live->resource = doc->resource;
    const struct rac_json *access = RAC_JSON_GET(&live->resource, "accessControl");
    /* What was wrong with it was said when it was saved; what is left of it holds. */
    if (access != NULL)
        (void)!rac_access_compile(access, RAC_S("/accessControl"), a, &live->access, NULL);
    live->triggers = RAC_NEW_N(a, struct rac_live_trigger, rac_json_len(triggers) + 1);
    live->rules = RAC_NEW_N(a, struct rac_flow_trigger, rac_json_len(triggers) + 1);
    RAC_JSON_EACH_MEMBER(m, triggers)
    {
        struct rac_live_trigger *t = &live->triggers[live->triggers_n];
        struct rac_flow_trigger *rule = &live->rules[live->triggers_n++];
        trigger_read(doc->workflow->profile, m, a, t);
        rac_trigger_compile(live->flow->plan, t->name, t->node, a, rule);
        t->rule = rule;
        t->judged = rule->conditions_n > 0 || rule->splits || rule->tracking != NULL ||
                    rule->runs > 0 || rule->inputs != NULL;
    }
    live->flow->triggers = live->rules;
    live->flow->triggers_n = live->triggers_n;
    for (uint32_t i = 0; i < live->flow->plan->actions_n; i++)
        live->responds |= live->flow->plan->actions[i].type == RAC_WF_TYPE_RESPONSE;
}

static void first_message(const struct rac_diags *d, struct rac_arena *a, rac_str *why)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->v[i].severity == RAC_SEV_ERROR) {
            *why = rac_arena_str(a, d->v[i].message);
            return;
        }
}

/* What a flow is made from. */
struct source {
    struct rac_flow_row row;
    rac_str author, only_group; /* of the version wanted */
    unsigned only_roles;
    rac_str subscription, group; /* their names */
};

/* Compiles a whole row; the flow has one reference. Any thread. */
static rac_err live_new(const struct source *from, struct rac_arena *scratch,
                        struct rac_live_flow **out, rac_str *why)
{
    struct rac_arena own;
    rac_arena_init(&own, COMPILE_BYTES_MAX);
    struct rac_flow *f = RAC_NEW(&own, struct rac_flow);
    struct rac_flow_document doc;
    struct rac_plan *plan;
    struct rac_diags d;
    const struct rac_flow_row *row = &from->row;
    f->a = own; /* which it lives in itself */
    struct rac_arena *a = &f->a;
    f->key = row->key;
    f->tenant = rac_arena_str(a, row->tenant);
    f->group = rac_arena_str(a, row->group);
    f->id = rac_arena_str(a, row->id);
    f->name = rac_arena_str(a, row->name);
    f->revision = rac_arena_str(a, row->revision);
    f->author = rac_arena_str(a, from->author);
    f->only_group = from->only_group.p != NULL ? rac_arena_str(a, from->only_group) : RAC_STR_NULL;
    f->only_roles = from->only_roles;
    f->enabled = rac_str_eq(row->state, RAC_S("Enabled"));
    f->refs = 1;
    if (row->key1.n == sizeof f->keys[0] && row->key2.n == sizeof f->keys[1]) {
        memcpy(f->keys[0], row->key1.p, sizeof f->keys[0]);
        memcpy(f->keys[1], row->key2.p, sizeof f->keys[1]);
    }
    rac_diags_init(&d, scratch, 20);
    rac_err e = rac_flow_document_open(
        rac_arena_str(a, row->document),
        row->secrets.n > 0 ? rac_arena_str(a, row->secrets) : RAC_STR_NULL, a, &doc, &d);
    if (e == RAC_OK)
        e = rac_plan_compile(doc.workflow, a, &plan, &d);
    if (e != RAC_OK) {
        *why = RAC_S("The stored definition cannot be used");
        first_message(&d, scratch, why);
        rac_flow_unref(f);
        return e == RAC_E_LIMIT ? RAC_E_LIMIT : RAC_E_INVALID;
    }
    f->workflow = doc.workflow;
    f->plan = plan;
    f->stateless = doc.workflow->stateless;
    rac_flow_describe(f, from->subscription, from->group, &doc.resource);
    const struct rac_json *account = RAC_JSON_GET(&doc.resource, "integrationAccount");
    f->account = rac_json_str(rac_json_geti(account, RAC_S("id")), RAC_STR_NULL);
    struct rac_live_flow *live = RAC_NEW(a, struct rac_live_flow);
    live->flow = f;
    live->version = row->version;
    live_fill(live, &doc);
    *out = live;
    return RAC_OK;
}

const struct rac_live_trigger *rac_live_trigger_find(const struct rac_live_flow *f, rac_str name)
{
    for (size_t i = 0; i < f->triggers_n; i++)
        if (rac_str_eqi(f->triggers[i].name, name))
            return &f->triggers[i];
    return NULL;
}

/* --- a worker's own --------------------------------------------------------------------------- */

struct rac_flows {
    struct rac_api_worker *w;
    struct rac_cache *cache;
};

struct rac_flows *rac_flows_new(struct rac_api_worker *w, size_t flows_max)
{
    struct rac_flows *f = rac_mem_alloc(sizeof *f);
    f->w = w;
    f->cache = rac_cache_new(&kind, flows_max);
    return f;
}

void rac_flows_free(struct rac_flows *f)
{
    if (f == NULL)
        return;
    rac_cache_free(f->cache);
    rac_mem_free(f);
}

static uint64_t counter(struct rac_flows *f)
{
    return f->w->fs->counter(f->w->fs->self);
}

/* "i" id; false: no id. */
static bool id_key(rac_str id, char key[KEY_MAX], rac_str *out)
{
    if (id.n == 0 || id.n > 64)
        return false;
    key[0] = 'i';
    memcpy(key + 1, id.p, id.n);
    *out = (rac_str){key, id.n + 1};
    return true;
}

struct rac_live_flow *rac_flows_peek(struct rac_flows *f, rac_str id)
{
    char room[KEY_MAX];
    rac_str key;
    if (!id_key(id, room, &key))
        return NULL;
    struct rac_cache_entry *e = rac_cache_find(f->cache, key);
    if (e == NULL)
        return NULL;
    const struct rac_live_flow *had = e->value;
    uint64_t now = counter(f);
    if (e->seen != now) { /* something was saved: is ours still the live one? */
        struct rac_arena a;
        struct rac_flow_row row;
        rac_arena_init(&a, 1 << 20);
        rac_err err = f->w->fs->flow_any(f->w->fs->self, 0, id, RAC_FLOW_PLAIN, &a, &row);
        bool same = err == RAC_OK && row.version == had->version;
        rac_arena_fini(&a);
        if (!same) {
            rac_cache_drop(f->cache, e);
            return NULL;
        }
        e->seen = now;
    }
    return rac_cache_use(f->cache, e);
}

/* --- wanting one ------------------------------------------------------------------------------ */

struct job {
    struct rac_arena a;
    struct rac_flows *owner;
    rac_str key, why; /* of the map */
    uint64_t seen;
    bool newest;
    struct source from;
    struct rac_live_flow *live;
    rac_err err;
    rac_flows_done done;
    void *arg;
    struct rac_task soon;
};

static void job_compile(void *arg)
{
    struct job *j = arg;
    j->err = live_new(&j->from, &j->a, &j->live, &j->why);
    if (j->err != RAC_OK)
        return;
    rac_metric_add(RAC_METRIC_WORKFLOW_COMPILES, 1);
    size_t n = rac_cache_home_put(j->owner->w->service->flows, j->key, j->live);
    rac_metric_set(RAC_METRIC_WORKFLOWS_CACHED, (int64_t)n);
}

static void job_finish(struct job *j)
{
    if (j->err == RAC_OK)
        rac_cache_put(j->owner->cache, j->key, j->live)->seen = j->seen;
    j->done(j->arg, j->err, j->live, j->why);
    if (j->live != NULL)
        rac_flow_unref(j->live->flow);
    rac_arena_fini(&j->a);
    rac_mem_free(j);
}

static void job_ready(void *arg)
{
    job_finish(arg);
}

static void job_compiled(void *arg, rac_err err)
{
    struct job *j = arg;
    if (err != RAC_OK)
        j->err = RAC_E_BUSY;
    job_finish(j);
}

static struct job *job_new(struct rac_flows *f, rac_flows_done done, void *arg)
{
    struct job *j = rac_mem_alloc(sizeof *j);
    rac_arena_init(&j->a, COMPILE_BYTES_MAX);
    j->owner = f;
    j->done = done;
    j->arg = arg;
    j->seen = counter(f);
    j->soon = (struct rac_task){.fn = job_ready, .arg = j};
    return j;
}

/* Who saved the version in the row. A change that makes no version (off, on, another name) leaves
 * the rights with which it acts where they are. */
static rac_err author_of(struct job *j)
{
    const struct rac_flow_store *fs = j->owner->w->fs;
    struct rac_flow_version_row v;
    if (rac_str_eq(j->from.row.state,
                   RAC_S("Deleted"))) { /* nobody is asked for its versions any more */
        j->from.author = j->from.row.owner;
        return RAC_OK;
    }
    rac_err e = fs->version_get(fs->self, j->from.row.key, j->from.row.revision, &j->a, &v);
    if (e == RAC_OK) {
        j->from.author = v.created_by;
        j->from.only_group = v.only_group;
        j->from.only_roles = v.only_roles;
    }
    return e == RAC_E_NOT_FOUND ? RAC_E_CORRUPT : e;
}

/* Names of its subscription and resource group, for workflow(); their ids where they cannot be
 * told. */
static void names_of(struct job *j)
{
    const struct rac_iam_store *is = j->owner->w->is;
    const struct rac_flow_row *row = &j->from.row;
    struct rac_group_row g;
    struct rac_subscription_row s;
    j->from.group = row->group;
    j->from.subscription = row->tenant;
    if (is->group_get(is->self, row->tenant, row->group, &j->a, &g) != RAC_OK)
        return;
    j->from.group = g.name;
    j->from.subscription = g.subscription;
    if (is->subscription_get(is->self, row->tenant, g.subscription, &j->a, &s) == RAC_OK)
        j->from.subscription = s.name;
}

/* The row is read; the rest follows in the pool unless somebody compiled it before. */
static void job_go(struct job *j)
{
    struct rac_flows *f = j->owner;
    if (j->err == RAC_OK)
        j->live =
            rac_cache_home_get(f->w->service->flows, j->key, j->newest ? j->from.row.version : 0);
    if (j->err == RAC_OK && j->live == NULL)
        j->err = author_of(j);
    if (j->err == RAC_OK && j->live == NULL) {
        names_of(j);
        rac_err e = rac_pool_start(f->w->loop, job_compile, job_compiled, j, NULL);
        if (e == RAC_OK)
            return; /* from here on the job is the pool's */
        j->err = e;
    }
    rac_loop_soon(f->w->loop, &j->soon);
}

void rac_flows_want(struct rac_flows *f, rac_str id, rac_flows_done done, void *arg)
{
    char room[KEY_MAX];
    rac_str key = RAC_STR_NULL;
    struct job *j = job_new(f, done, arg);
    const struct rac_flow_store *fs = f->w->fs;
    struct rac_live_flow *live = rac_flows_peek(f, id);
    j->newest = true;
    if (live != NULL && id_key(id, room, &key)) { /* at hand, and still the newest */
        j->live = live;
        (void)rac_flow_ref(live->flow);
        j->key = rac_arena_str(&j->a, key);
        rac_loop_soon(f->w->loop, &j->soon);
        return;
    }
    j->err = id_key(id, room, &key)
                 ? fs->flow_any(fs->self, 0, id, RAC_FLOW_WHOLE, &j->a, &j->from.row)
                 : RAC_E_NOT_FOUND;
    j->key = rac_arena_str(&j->a, key);
    job_go(j);
}

/* A version that is no longer the newest: the row with an older document in it. */
static rac_err older(struct job *j, rac_str revision)
{
    const struct rac_flow_store *fs = j->owner->w->fs;
    struct rac_flow_version_row v;
    rac_err e = fs->version_get(fs->self, j->from.row.key, revision, &j->a, &v);
    if (e != RAC_OK)
        return e;
    j->from.row.revision = v.revision;
    j->from.row.document = v.document;
    j->from.row.secrets = v.secrets;
    return RAC_OK;
}

void rac_flows_want_version(struct rac_flows *f, int64_t key, rac_str revision, rac_flows_done done,
                            void *arg)
{
    char room[KEY_MAX];
    struct job *j = job_new(f, done, arg);
    const struct rac_flow_store *fs = f->w->fs;
    rac_str old = rac_arena_printf(&j->a, "r%lld/%.*s", (long long)key,
                                   RAC_FMT(rac_str_sub(revision, 0, 64)));
    struct rac_cache_entry *e = revision.n > 0 ? rac_cache_find(f->cache, old) : NULL;
    if (e != NULL) { /* versions never change */
        j->live = rac_cache_use(f->cache, e);
        (void)rac_flow_ref(j->live->flow);
        j->key = old;
        rac_loop_soon(f->w->loop, &j->soon);
        return;
    }
    j->err = fs->flow_any(fs->self, key, RAC_STR_NULL, RAC_FLOW_WHOLE, &j->a, &j->from.row);
    j->newest = j->err == RAC_OK && (revision.n == 0 || rac_str_eq(revision, j->from.row.revision));
    if (j->newest && id_key(j->from.row.id, room, &j->key)) {
        j->key = rac_arena_str(&j->a, j->key);
    } else if (j->err == RAC_OK) {
        j->key = old;
        j->err = older(j, revision);
    }
    job_go(j);
}

void rac_flows_want_gone(struct rac_flows *f, int64_t key, rac_str revision, rac_flows_done done,
                         void *arg)
{
    struct job *j = job_new(f, done, arg);
    const struct rac_flow_store *fs = f->w->fs;
    j->key = rac_arena_printf(&j->a, "g%lld/%.*s", (long long)key,
                              RAC_FMT(rac_str_sub(revision, 0, 64)));
    j->err = fs->flow_any(fs->self, key, RAC_STR_NULL, RAC_FLOW_GONE, &j->a, &j->from.row);
    if (j->err == RAC_OK && revision.n > 0 && !rac_str_eq(revision, j->from.row.revision))
        j->err = older(j, revision);
    job_go(j);
}
