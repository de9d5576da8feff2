#include "api/compiled.h"

#include "api/cache.h"
#include "api/service.h"
#include "base/mem.h"
#include "connector/package.h"
#include "connector/store.h"
#include "loop/pool.h"

/*
 * Two caches of the same make: the process's home (under a mutex, met on a miss only) and each
 * worker's own, whose entries have seen the store's counter when their revision was known to be live.
 * Keys are tenant NUL id.
 */

enum { COMPILE_ARENA_BYTES_MAX = 512 << 20, COMPILE_NOW_BYTES_MAX = 64 << 20 };

static void value_ref(void *value)
{
    (void)rac_connector_ref(value);
}

static void value_unref(void *value)
{
    rac_connector_unref(value);
}

static int64_t value_version(const void *value)
{
    return ((const struct rac_connector *)value)->revision;
}

static const struct rac_cache_kind kind = {value_ref, value_unref, value_version};

struct rac_cache_home *rac_compiled_home_new(size_t connectors_max)
{
    return rac_cache_home_new(&kind, connectors_max);
}

static rac_str key_of(struct rac_arena *a, rac_str tenant, rac_str id)
{
    char *p = rac_arena_alloc_dirty(a, tenant.n + id.n + 1);
    memcpy(p, tenant.p, tenant.n);
    p[tenant.n] = 0;
    memcpy(p + tenant.n + 1, id.p, id.n);
    return (rac_str){p, tenant.n + id.n + 1};
}

/* --- a worker's own --------------------------------------------------------------------------- */

struct rac_compiled {
    struct rac_api_worker *w;
    struct rac_cache *cache;
};

struct rac_compiled *rac_compiled_new(struct rac_api_worker *w, size_t connectors_max)
{
    struct rac_compiled *c = rac_mem_alloc(sizeof *c);
    c->w = w;
    c->cache = rac_cache_new(&kind, connectors_max);
    return c;
}

void rac_compiled_free(struct rac_compiled *c)
{
    if (c == NULL)
        return;
    rac_cache_free(c->cache);
    rac_mem_free(c);
}

static uint64_t counter(struct rac_compiled *c)
{
    return c->w->cs->counter(c->w->cs->self, RAC_STORE_CONNECTORS);
}

struct rac_connector *rac_compiled_peek(struct rac_compiled *c, rac_str tenant, rac_str id)
{
    struct rac_arena a;
    char room[256];
    if (tenant.n + id.n + 1 > sizeof room)
        return NULL;
    memcpy(room, tenant.p, tenant.n);
    room[tenant.n] = 0;
    memcpy(room + tenant.n + 1, id.p, id.n);
    struct rac_cache_entry *e = rac_cache_find(c->cache, (rac_str){room, tenant.n + id.n + 1});
    if (e == NULL)
        return NULL;
    const struct rac_connector *had = e->value;
    uint64_t now = counter(c);
    if (e->seen != now) { /* something was saved: is ours still the live one? */
        rac_arena_init(&a, 1 << 20);
        struct rac_connector_row row;
        rac_err err = c->w->cs->connector_get(c->w->cs->self, tenant, id, &a, &row);
        bool same = err == RAC_OK && row.revision == had->revision;
        rac_arena_fini(&a);
        if (!same) {
            rac_cache_drop(c->cache, e);
            return NULL;
        }
        e->seen = now;
    }
    return rac_cache_use(c->cache, e);
}

/* --- compiling -------------------------------------------------------------------------------- */

struct job {
    struct rac_arena a; /* bytes, package and findings */
    struct rac_compiled *owner;
    rac_str tenant, id, key, why;
    uint64_t seen;
    int64_t revision;
    rac_str definition, properties;
    struct rac_connector *connector;
    rac_err err;
    rac_compiled_done done;
    void *arg;
    struct rac_task soon;
};

/* Row and bytes of the live revision, on the worker's thread. */
static rac_err job_read(struct job *j)
{
    const struct rac_connector_store *cs = j->owner->w->cs;
    struct rac_connector_row row;
    struct rac_file f;
    j->seen = counter(j->owner);
    rac_err e = cs->connector_get(cs->self, j->tenant, j->id, &j->a, &row);
    if (e != RAC_OK)
        return e;
    j->revision = row.revision;
    j->connector = rac_cache_home_get(j->owner->w->service->compiled, j->key, j->revision);
    if (j->connector != NULL)
        return RAC_OK;
    e = cs->file_get(cs->self, j->tenant, j->id, j->revision, RAC_FILE_DEFINITION, RAC_STR_NULL,
                     &j->a, &f);
    if (e != RAC_OK)
        return e == RAC_E_NOT_FOUND ? RAC_E_CORRUPT : e;
    j->definition = f.bytes;
    e = cs->file_get(cs->self, j->tenant, j->id, j->revision, RAC_FILE_PROPERTIES, RAC_STR_NULL,
                     &j->a, &f);
    if (e == RAC_OK)
        j->properties = f.bytes;
    else if (e != RAC_E_NOT_FOUND)
        return e;
    return RAC_OK;
}

/* Any thread: touches the job and the home only. */
static void job_compile(void *arg)
{
    struct job *j = arg;
    struct rac_diags d;
    rac_diags_init(&d, &j->a, 100);
    struct rac_package *p =
        rac_package_new(&j->a, j->definition, j->properties, RAC_STR_NULL, RAC_STR_NULL);
    j->err = rac_package_read(p, &d);
    if (j->err == RAC_OK)
        j->err = rac_connector_compile(p, j->id, j->revision, &j->connector, &d);
    if (j->err != RAC_OK) {
        j->err = j->err == RAC_E_LIMIT ? RAC_E_LIMIT : RAC_E_INVALID;
        j->why = RAC_S("The stored definition cannot be used");
        for (size_t i = 0; i < d.n; i++)
            if (d.v[i].severity == RAC_SEV_ERROR) {
                j->why = d.v[i].message;
                break;
            }
        return;
    }
    rac_metric_add(RAC_METRIC_CONNECTOR_COMPILES, 1);
    size_t n = rac_cache_home_put(j->owner->w->service->compiled, j->key, j->connector);
    rac_metric_set(RAC_METRIC_CONNECTORS_CACHED, (int64_t)n);
}

static void job_finish(struct job *j)
{
    if (j->err == RAC_OK)
        rac_cache_put(j->owner->cache, j->key, j->connector)->seen = j->seen;
    if (j->done != NULL)
        j->done(j->arg, j->err, j->connector, j->why);
    rac_connector_unref(j->connector);
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

static struct job *job_new(struct rac_compiled *c, rac_str tenant, rac_str id)
{
    struct job *j = rac_mem_alloc(sizeof *j);
    rac_arena_init(&j->a, COMPILE_ARENA_BYTES_MAX);
    j->owner = c;
    j->tenant = rac_arena_str(&j->a, tenant);
    j->id = rac_arena_str(&j->a, id);
    j->key = key_of(&j->a, tenant, id);
    j->err = job_read(j);
    return j;
}

void rac_compiled_want(struct rac_compiled *c, rac_str tenant, rac_str id, rac_compiled_done done,
                       void *arg)
{
    struct job *j = job_new(c, tenant, id);
    j->done = done;
    j->arg = arg;
    if (j->err == RAC_OK && j->connector == NULL) {
        rac_err e = rac_pool_start(c->w->loop, job_compile, job_compiled, j, NULL);
        if (e == RAC_OK)
            return; /* from here on the job is the pool's */
        j->err = e;
    }
    j->soon = (struct rac_task){.fn = job_ready, .arg = j};
    rac_loop_soon(c->w->loop, &j->soon);
}

rac_err rac_compiled_now(struct rac_compiled *c, rac_str tenant, rac_str id,
                         struct rac_connector **out)
{
    struct rac_connector *have = rac_compiled_peek(c, tenant, id);
    if (have != NULL) {
        *out = rac_connector_ref(have);
        return RAC_OK;
    }
    struct job *j = job_new(c, tenant, id);
    if (j->err == RAC_OK && j->connector == NULL)
        job_compile(j);
    rac_err e = j->err;
    if (e == RAC_OK)
        *out = rac_connector_ref(j->connector);
    job_finish(j);
    return e;
}
