#include "workflow/engine/token_cache.h"

#include "base/mem.h"
#include "base/secret.h"
#include "crypto/digest.h"

enum { ENTRY_MAGIC = 0x746f6b00, ENTRY_BYTES_MAX = 256 << 10, EARLY_MS = 300000 };

struct rac_token_wait {
    struct rac_token_wait *next;
    struct entry *entry;
    rac_token_fn done;
    void *arg;
};

struct entry {
    uint32_t magic;
    struct rac_token_cache *cache;
    struct entry *next;
    uint8_t digest[RAC_SHA256_BYTES];
    char *access; /* owned, wiped */
    size_t access_n;
    rac_ms good_until_ms;
    uint64_t used;
    struct rac_token_wait *waits; /* newest first */
    struct rac_auth_wait *asking; /* NULL: nothing is asked */
    struct rac_arena a;           /* of the request under way */
    struct rac_connection connection;
};

struct rac_token_cache {
    struct rac_auth *auth;
    const struct rac_env *env;
    struct entry *entries;
    size_t n;
    uint64_t clock;
};

/* What connector/auth needs of a connection: that it has an OAuth parameter. */
static struct rac_conn_param parameter = {
    .name = RAC_S_INIT("token"), .type_name = RAC_S_INIT("oauthSetting"), .type = RAC_CONN_OAUTH};
static const struct rac_conn_set set = {.params = &parameter, .params_n = 1};

struct rac_token_cache *rac_token_cache_new(struct rac_auth *auth, const struct rac_env *env)
{
    struct rac_token_cache *c = rac_mem_alloc(sizeof *c);
    *c = (struct rac_token_cache){.auth = auth, .env = env};
    return c;
}

static void forget(struct entry *x)
{
    if (x->access != NULL) {
        rac_secret_wipe(x->access, x->access_n);
        rac_mem_free(x->access);
    }
    x->access = NULL;
    x->access_n = 0;
    x->good_until_ms = 0;
}

static void entry_free(struct rac_token_cache *c, struct entry *x)
{
    struct entry **at = &c->entries;
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    c->n--;
    if (x->asking != NULL) {
        rac_auth_prepare_cancel(c->auth, x->asking);
        rac_arena_fini(&x->a);
    }
    while (x->waits != NULL) {
        struct rac_token_wait *w = x->waits;
        x->waits = w->next;
        rac_mem_free(w);
    }
    forget(x);
    x->magic = 0;
    rac_mem_free(x);
}

void rac_token_cache_free(struct rac_token_cache *c)
{
    while (c->entries != NULL)
        entry_free(c, c->entries);
    rac_mem_free(c);
}

/* Length before each part: no two wants have the same bytes. */
static void digest_of(const struct rac_token_want *w, uint8_t out[RAC_SHA256_BYTES])
{
    const rac_str parts[] = {w->url,      w->client_id,       w->client_secret,
                             w->resource, w->certificate_pem, w->key_pem};
    uint8_t digests[RAC_COUNT(parts)][RAC_SHA256_BYTES];
    for (size_t i = 0; i < RAC_COUNT(parts); i++)
        rac_sha256(parts[i], digests[i]);
    rac_sha256((rac_str){(const char *)digests, sizeof digests}, out);
}

static struct entry *find(struct rac_token_cache *c, const uint8_t digest[RAC_SHA256_BYTES])
{
    for (struct entry *x = c->entries; x != NULL; x = x->next)
        if (memcmp(x->digest, digest, RAC_SHA256_BYTES) == 0) {
            x->used = ++c->clock;
            return x;
        }
    return NULL;
}

/* Room for one more: what nobody waits for and was used longest ago goes. */
static void make_room(struct rac_token_cache *c)
{
    struct entry *oldest = NULL;
    for (struct entry *x = c->entries; x != NULL; x = x->next)
        if (x->asking == NULL && (oldest == NULL || x->used < oldest->used))
            oldest = x;
    if (c->n >= RAC_TOKEN_CACHE_MAX && oldest != NULL)
        entry_free(c, oldest);
}

static struct entry *need(struct rac_token_cache *c, const struct rac_token_want *want)
{
    uint8_t digest[RAC_SHA256_BYTES];
    digest_of(want, digest);
    struct entry *x = find(c, digest);
    if (x != NULL)
        return x;
    make_room(c);
    x = rac_mem_alloc(sizeof *x);
    *x = (struct entry){.magic = ENTRY_MAGIC, .cache = c, .next = c->entries, .used = ++c->clock};
    memcpy(x->digest, digest, sizeof digest);
    c->entries = x;
    c->n++;
    return x;
}

bool rac_token_cache_get(struct rac_token_cache *c, const struct rac_token_want *want,
                         rac_str *access)
{
    uint8_t digest[RAC_SHA256_BYTES];
    digest_of(want, digest);
    struct entry *x = find(c, digest);
    if (x == NULL || x->access == NULL || x->good_until_ms <= rac_env_wall_ms(c->env))
        return false;
    *access = (rac_str){x->access, x->access_n};
    return true;
}

void rac_token_cache_drop(struct rac_token_cache *c, const struct rac_token_want *want,
                          rac_str access)
{
    uint8_t digest[RAC_SHA256_BYTES];
    digest_of(want, digest);
    struct entry *x = find(c, digest);
    if (x != NULL && x->access != NULL &&
        rac_secret_equal(access, (rac_str){x->access, x->access_n}))
        forget(x);
}

/* --- asking ------------------------------------------------------------------------------------ */

static rac_str kept(struct rac_arena *a, rac_str s)
{
    if (s.p == NULL)
        return s;
    s = rac_arena_str(a, s);
    rac_secret_wipe_with(a, s);
    return s;
}

static const struct rac_oauth_settings *settings_of(const struct rac_token_want *w,
                                                    struct rac_arena *a)
{
    struct rac_oauth_settings *s = RAC_NEW(a, struct rac_oauth_settings);
    struct rac_oauth_extra *extra = RAC_NEW(a, struct rac_oauth_extra);
    bool assertion = w->certificate_pem.n > 0;
    *extra = (struct rac_oauth_extra){.name = RAC_S("Resource"), .value = kept(a, w->resource)};
    s->parameter = parameter.name;
    s->provider = RAC_S("oauth2");
    s->client_id = kept(a, w->client_id);
    s->client_secret = kept(a, w->client_secret);
    s->certificate_pem = kept(a, w->certificate_pem);
    s->key_pem = kept(a, w->key_pem);
    s->grant = RAC_S("client_credentials");
    s->client_auth = assertion ? RAC_CLIENT_ASSERTION : RAC_CLIENT_BODY;
    s->token_url.text = kept(a, w->url);
    s->token_body.text = assertion ? RAC_S("grant_type=client_credentials&client_id={ClientId}"
                                           "&resource={Resource}")
                                   : RAC_S("grant_type=client_credentials&client_id={ClientId}"
                                           "&client_secret={ClientSecret}&resource={Resource}");
    s->extras = extra;
    s->extras_n = 1;
    return s;
}

/* Five minutes before it ends; a short one for half of its life; five minutes if nobody says. */
static void keep(struct entry *x, const struct rac_oauth_token *t)
{
    rac_ms now = rac_env_wall_ms(x->cache->env);
    int64_t life = t->expires_at_ms > now ? t->expires_at_ms - now : 2 * EARLY_MS;
    forget(x);
    x->access = rac_mem_alloc(t->access.n + 1);
    memcpy(x->access, t->access.p, t->access.n);
    x->access_n = t->access.n;
    x->good_until_ms = now + (life / 2 < EARLY_MS ? life / 2 : life - EARLY_MS);
}

static void prepared(void *arg, rac_err e, const struct rac_auth_error *error)
{
    struct entry *x = RAC_CAST(arg, struct entry, ENTRY_MAGIC);
    const struct rac_oauth_token *t = rac_connection_token(&x->connection, parameter.name);
    static const struct rac_auth_error nothing = {
        .code = RAC_S_INIT("BadBackendResponse"),
        .http_status = 502,
        .message = RAC_S_INIT("The identity provider gave no token.")};
    bool ok = e == RAC_OK && t != NULL && t->access.n > 0;
    struct rac_arena a = x->a; /* error lives there */
    rac_str access = ok ? t->access : RAC_STR_NULL;
    struct rac_token_wait *waits = NULL;
    x->asking = NULL;
    if (ok)
        keep(x, t);
    while (x->waits != NULL) { /* oldest first; a callback may ask again */
        struct rac_token_wait *w = x->waits;
        x->waits = w->next;
        w->entry = NULL;
        w->next = waits;
        waits = w;
    }
    while (waits != NULL) {
        struct rac_token_wait *w = waits;
        waits = w->next;
        if (w->done != NULL)
            w->done(w->arg, access, ok ? NULL : error != NULL ? error : &nothing);
        rac_mem_free(w);
    }
    rac_arena_fini(&a);
}

struct rac_token_wait *rac_token_cache_start(struct rac_token_cache *c,
                                             const struct rac_token_want *want, rac_token_fn done,
                                             void *arg)
{
    struct entry *x = need(c, want);
    struct rac_token_wait *w = rac_mem_alloc(sizeof *w);
    *w = (struct rac_token_wait){.next = x->waits, .entry = x, .done = done, .arg = arg};
    x->waits = w;
    if (x->asking != NULL)
        return w;
    rac_arena_init(&x->a, ENTRY_BYTES_MAX);
    x->connection = (struct rac_connection){.set = &set};
    x->asking = rac_auth_prepare_start(c->auth, &x->connection, settings_of(want, &x->a), false,
                                       &x->a, prepared, x);
    return w;
}

void rac_token_cache_cancel(struct rac_token_cache *c, struct rac_token_wait *w)
{
    (void)c;
    if (w->entry == NULL) { /* it is being delivered: freed there */
        w->done = NULL;
        return;
    }
    struct rac_token_wait **at = &w->entry->waits;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    rac_mem_free(w);
}
