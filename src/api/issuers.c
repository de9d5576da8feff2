#include "api/issuers.h"

#include "api/service.h"
#include "base/mem.h"

enum {
    ISSUERS_MAX = 32,
    FETCHES_MAX = 8,
    KEEP_MS = 3600 * 1000,
    KEEP_FAILURE_MS = 10 * 1000,
    FETCH_AGAIN_MS = 10 * 1000, /* keys are at hand, and a token names another */
    DOCUMENT_BYTES_MAX = 1 << 20,
    TIMEOUT_MS = 15000,
};

struct issuer {
    struct rac_arena a;
    rac_str name;
    struct rac_json keys; /* NONE: they could not be had */
    rac_ms until_ms;      /* 0: free */
    rac_ms again_ms;      /* not fetched again before */
};

struct rac_issuers {
    struct rac_api_worker *w;
    struct issuer v[ISSUERS_MAX];
    size_t fetches;
};

struct rac_issuers *rac_issuers_new(struct rac_api_worker *w)
{
    struct rac_issuers *i = rac_mem_alloc(sizeof *i);
    i->w = w;
    return i;
}

static void drop(struct issuer *x)
{
    if (x->until_ms != 0)
        rac_arena_fini(&x->a);
    *x = (struct issuer){0};
}

void rac_issuers_free(struct rac_issuers *i)
{
    if (i == NULL)
        return;
    for (size_t k = 0; k < ISSUERS_MAX; k++)
        drop(&i->v[k]);
    rac_mem_free(i);
}

static struct issuer *find(struct rac_issuers *i, rac_str name)
{
    rac_ms now = rac_env_wall_ms(i->w->env);
    for (size_t k = 0; k < ISSUERS_MAX; k++)
        if (i->v[k].until_ms > now && rac_str_eq(i->v[k].name, name))
            return &i->v[k];
    return NULL;
}

const struct rac_json *rac_issuers_keys(void *self, rac_str issuer)
{
    struct issuer *x = find(self, issuer);
    return x != NULL && x->keys.type == RAC_JSON_OBJECT ? &x->keys : NULL;
}

/* --- fetching --------------------------------------------------------------------------------- */

struct fetching {
    struct rac_arena a;
    struct rac_issuers *i;
    rac_str issuer;
    bool discovered; /* the second request is under way */
    void (*done)(void *arg);
    void *arg;
};

/* Takes the place of the same issuer, else of the one that ends first. Keys that are good stay when
 * newer ones could not be had. */
static void keep(struct fetching *f, rac_str keys)
{
    struct issuer *x = find(f->i, f->issuer);
    rac_ms now = rac_env_wall_ms(f->i->w->env);
    struct rac_arena a;
    struct rac_json set;
    rac_arena_init(&a, 4 * DOCUMENT_BYTES_MAX);
    bool good = keys.n > 0 &&
                rac_json_parse(rac_arena_str(&a, keys), &a, 0, &set, NULL) == RAC_OK &&
                rac_json_is_array(RAC_JSON_GET(&set, "keys"));
    if (!good && x != NULL && x->keys.type == RAC_JSON_OBJECT) {
        x->again_ms = now + FETCH_AGAIN_MS;
        rac_arena_fini(&a);
        return;
    }
    if (x == NULL)
        x = &f->i->v[0];
    for (size_t k = 1; k < ISSUERS_MAX && !rac_str_eq(x->name, f->issuer); k++)
        if (f->i->v[k].until_ms < x->until_ms)
            x = &f->i->v[k];
    drop(x);
    *x = (struct issuer){.a = a, .keys = good ? set : rac_json_none};
    x->name = rac_arena_str(&x->a, f->issuer);
    x->until_ms = now + (good ? KEEP_MS : KEEP_FAILURE_MS);
    x->again_ms = now + (good ? FETCH_AGAIN_MS : KEEP_FAILURE_MS);
}

static void fetching_end(struct fetching *f, rac_str keys)
{
    void (*done)(void *arg) = f->done;
    void *arg = f->arg;
    keep(f, keys);
    f->i->fetches--;
    rac_arena_fini(&f->a);
    rac_mem_free(f);
    done(arg);
}

static void get(struct fetching *f, rac_str url);

static void answered(void *arg, const struct rac_fetch_res *res)
{
    struct fetching *f = arg;
    struct rac_json doc;
    bool good = res->err == RAC_OK && res->status == 200;
    if (good && f->discovered) {
        fetching_end(f, res->body);
        return;
    }
    f->discovered = true;
    rac_str url = RAC_STR_NULL;
    /* OpenID Connect Discovery §4.3: a document that speaks for another issuer is not its own */
    if (good && rac_json_parse(res->body, &f->a, 0, &doc, NULL) == RAC_OK &&
        rac_str_eq(rac_json_str(RAC_JSON_GET(&doc, "issuer"), RAC_S("")), f->issuer))
        url = rac_json_str(RAC_JSON_GET(&doc, "jwks_uri"), RAC_STR_NULL);
    if (url.n > 0)
        get(f, url);
    else
        fetching_end(f, RAC_STR_NULL);
}

static void get(struct fetching *f, rac_str url)
{
    struct rac_fetcher *fetcher = &f->i->w->fetcher;
    struct rac_fetch_req req = {.method = RAC_S("GET"),
                                .url = url,
                                .timeout_ms = TIMEOUT_MS,
                                .response_bytes_max = DOCUMENT_BYTES_MAX};
    struct rac_fetch_events ev = {.done = answered, .arg = f};
    (void)fetcher->start(fetcher->self, &req, &f->a, &ev);
}

struct later {
    void (*done)(void *arg);
    void *arg;
};

static void run_later(void *arg)
{
    struct later l = *(struct later *)arg;
    rac_mem_free(arg);
    l.done(l.arg);
}

void rac_issuers_fetch(struct rac_issuers *i, rac_str issuer, void (*done)(void *arg), void *arg)
{
    const struct issuer *x = find(i, issuer);
    bool lately = x != NULL && x->again_ms > rac_env_wall_ms(i->w->env);
    if (lately || i->fetches >= FETCHES_MAX) { /* asked just now, or enough */
        struct later *l = rac_mem_alloc(sizeof *l);
        *l = (struct later){done, arg};
        i->w->call_env.defer(i->w->call_env.defer_self, run_later, l);
        return;
    }
    struct fetching *f = rac_mem_alloc(sizeof *f);
    rac_arena_init(&f->a, 8 * DOCUMENT_BYTES_MAX);
    f->i = i;
    f->issuer = rac_arena_str(&f->a, issuer);
    f->done = done;
    f->arg = arg;
    i->fetches++;
    while (issuer.n > 0 && issuer.p[issuer.n - 1] == '/')
        issuer.n--;
    get(f, rac_str_concat(&f->a, issuer, RAC_S("/.well-known/openid-configuration")));
}
