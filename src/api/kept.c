#include "api/kept.h"

#include "api/service.h"
#include "base/mem.h"

struct kept {
    uint64_t hash, seen;
    char *key; /* token NUL path NUL query */
    size_t key_n;
    struct rac_http_fixed *answer; /* NULL: free */
};

struct rac_kept {
    struct rac_api_worker *w;
    struct kept v[RAC_KEPT_MAX]; /* by hash; a newcomer replaces */
};

enum { KEY_MAX = 1024 };

struct rac_kept *rac_kept_new(struct rac_api_worker *w)
{
    struct rac_kept *k = rac_mem_alloc(sizeof *k);
    k->w = w;
    return k;
}

static void drop(struct kept *e)
{
    rac_http_fixed_free(e->answer);
    rac_mem_free(e->key);
    *e = (struct kept){0};
}

void rac_kept_free(struct rac_kept *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < RAC_KEPT_MAX; i++)
        drop(&k->v[i]);
    rac_mem_free(k);
}

/* Counters only grow, so their sum moves whenever one of them does. */
uint64_t rac_kept_now(const struct rac_kept *k)
{
    const struct rac_connector_store *cs = k->w->cs;
    const struct rac_iam_store *is = k->w->is;
    return cs->counter(cs->self, RAC_STORE_CONNECTORS) +
           cs->counter(cs->self, RAC_STORE_CONNECTIONS) + cs->counter(cs->self, RAC_STORE_TOKENS) +
           is->counter(is->self);
}

static bool key_of(const struct rac_principal *who, const struct rac_http_exchange *x, char *key,
                   size_t *n)
{
    *n = who->token_id.n + 1 + x->path.n + 1 + x->query.n;
    if (*n > KEY_MAX)
        return false;
    memcpy(key, who->token_id.p, who->token_id.n);
    key += who->token_id.n;
    *key++ = 0;
    memcpy(key, x->path.p, x->path.n);
    key += x->path.n;
    *key++ = 0;
    if (x->query.n > 0)
        memcpy(key, x->query.p, x->query.n);
    return true;
}

bool rac_kept_send(struct rac_kept *k, const struct rac_principal *who, struct rac_http_exchange *x)
{
    char key[KEY_MAX];
    size_t n;
    if (!key_of(who, x, key, &n))
        return false;
    uint64_t h = rac_str_hash((rac_str){key, n});
    struct kept *e = &k->v[h % RAC_KEPT_MAX];
    if (e->answer == NULL || e->hash != h || e->key_n != n || memcmp(e->key, key, n) != 0)
        return false;
    if (e->seen != rac_kept_now(k)) {
        drop(e);
        return false;
    }
    rac_http_reply_fixed(x, e->answer);
    return true;
}

void rac_kept_put(struct rac_kept *k, uint64_t seen, const struct rac_principal *who,
                  struct rac_http_exchange *x, const struct rac_headers *headers, rac_str body)
{
    char key[KEY_MAX];
    size_t n;
    if (body.n > RAC_KEPT_BYTES_MAX || seen != rac_kept_now(k) || !key_of(who, x, key, &n))
        return;
    uint64_t h = rac_str_hash((rac_str){key, n});
    struct kept *e = &k->v[h % RAC_KEPT_MAX];
    drop(e);
    e->hash = h;
    e->seen = seen;
    e->key = rac_mem_alloc_dirty(n);
    memcpy(e->key, key, n);
    e->key_n = n;
    e->answer = rac_http_fixed_new_with(x, 200, headers, body);
}
