/*
 * The key ring. Data keys are only ever added, so readers need no lock: each key is linked into two
 * hash chains (by id, to open; by tenant, newest first, to seal) and published by a release store
 * of the chain's head. Keys live in memory from sodium_malloc: locked, guarded, wiped on free.
 */
#include "crypto/seal.h"
#include "base/base64.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/keyfile.h"

#include <sodium.h>
#include <stdatomic.h>

enum {
    CHAINS = 64,
    VERSION = 1,
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    HEAD_BYTES = 1 + 4 + NONCE_BYTES,
    KEYRING_MAGIC = 0x524b5231,
};
_Static_assert(RAC_SEAL_EXTRA_BYTES == HEAD_BYTES + TAG_BYTES, "header says what seal adds");
_Static_assert(RAC_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key size");
_Static_assert(NONCE_BYTES == 24, "record layout");

struct key {
    struct key *next_by_id, *next_by_tenant;
    char *tenant;
    size_t tenant_n;
    uint32_t id;
    uint8_t *bytes; /* sodium_malloc */
};

struct rac_keyring {
    uint32_t magic;
    const struct rac_env *env;
    uint8_t *master; /* sodium_malloc */
    char master_id[17];
    _Atomic(struct key *) by_id[CHAINS];
    _Atomic(struct key *) by_tenant[CHAINS];
};

static uint8_t *locked_bytes(size_t n)
{
    uint8_t *p = sodium_malloc(n);
    RAC_ASSERT(p != NULL);
    return p;
}

static void put_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

rac_err rac_keyring_open(rac_str file, bool create, const struct rac_env *env, struct rac_arena *a,
                         struct rac_keyring **out, rac_str *why)
{
    if (sodium_init() < 0)
        return RAC_E_INTERNAL;
    uint8_t *master = locked_bytes(RAC_KEY_BYTES);
    rac_err e = rac_keyfile_read(file, a, master, why);
    if (e == RAC_E_NOT_FOUND && create)
        e = rac_keyfile_create(file, env, a, master, why);
    if (e != RAC_OK) {
        sodium_free(master);
        return e;
    }
    struct rac_keyring *k = rac_mem_alloc(sizeof *k);
    k->magic = KEYRING_MAGIC;
    k->env = env;
    k->master = master;
    uint8_t d[RAC_SHA256_BYTES];
    rac_hmac_sha256((rac_str){(char *)master, RAC_KEY_BYTES}, RAC_S("raccord master key id"), d);
    memcpy(k->master_id, rac_hex(a, d, 8).p, 17);
    *out = k;
    return RAC_OK;
}

void rac_keyring_close(struct rac_keyring *k)
{
    if (k == NULL)
        return;
    RAC_ASSERT(k->magic == KEYRING_MAGIC);
    for (size_t i = 0; i < CHAINS; i++) {
        struct key *key = atomic_load_explicit(&k->by_id[i], memory_order_acquire);
        while (key != NULL) {
            struct key *next = key->next_by_id;
            sodium_free(key->bytes);
            rac_mem_free(key->tenant);
            rac_mem_free(key);
            key = next;
        }
    }
    sodium_free(k->master);
    k->magic = 0;
    rac_mem_free(k);
}

rac_str rac_keyring_master_id(const struct rac_keyring *k)
{
    return rac_str_of(k->master_id);
}

static const struct key *find_by_id(const struct rac_keyring *k, uint32_t id)
{
    struct key *key = atomic_load_explicit(&k->by_id[id % CHAINS], memory_order_acquire);
    while (key != NULL && key->id != id)
        key = key->next_by_id;
    return key;
}

static const struct key *find_by_tenant(const struct rac_keyring *k, rac_str tenant)
{
    struct key *key =
        atomic_load_explicit(&k->by_tenant[rac_str_hash(tenant) % CHAINS], memory_order_acquire);
    const struct key *best = NULL;
    for (; key != NULL; key = key->next_by_tenant)
        if (rac_str_eq((rac_str){key->tenant, key->tenant_n}, tenant) &&
            (best == NULL || key->id > best->id))
            best = key;
    return best;
}

/* Takes bytes. */
static void link_key(struct rac_keyring *k, rac_str tenant, uint32_t id, uint8_t *bytes)
{
    struct key *key = rac_mem_alloc(sizeof *key);
    key->id = id;
    key->bytes = bytes;
    key->tenant = rac_mem_alloc_dirty(tenant.n + 1);
    key->tenant_n = tenant.n;
    memcpy(key->tenant, tenant.n > 0 ? tenant.p : "", tenant.n);
    _Atomic(struct key *) *chain = &k->by_id[id % CHAINS];
    key->next_by_id = atomic_load_explicit(chain, memory_order_relaxed);
    atomic_store_explicit(chain, key, memory_order_release);
    chain = &k->by_tenant[rac_str_hash(tenant) % CHAINS];
    key->next_by_tenant = atomic_load_explicit(chain, memory_order_relaxed);
    atomic_store_explicit(chain, key, memory_order_release);
}

/* One record under one key. ad is complete. out has room for plain.n + RAC_SEAL_EXTRA_BYTES. */
static void seal_with(const struct rac_env *env, const uint8_t *key, uint32_t id, rac_str ad,
                      rac_str plain, uint8_t *out)
{
    out[0] = VERSION;
    put_u32(out + 1, id);
    rac_env_random(env, out + 5, NONCE_BYTES);
    unsigned long long n = 0;
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + HEAD_BYTES, &n, (const uint8_t *)plain.p,
                                               plain.n, (const uint8_t *)ad.p, ad.n, NULL, out + 5,
                                               key);
    RAC_ASSERT(n == plain.n + TAG_BYTES);
}

static bool unseal_with(const uint8_t *key, rac_str ad, rac_str sealed, uint8_t *out)
{
    const uint8_t *p = (const uint8_t *)sealed.p;
    unsigned long long n = 0;
    return crypto_aead_xchacha20poly1305_ietf_decrypt(out, &n, NULL, p + HEAD_BYTES,
                                                      sealed.n - HEAD_BYTES, (const uint8_t *)ad.p,
                                                      ad.n, p + 5, key) == 0;
}

/* What a wrapped data key is bound to. */
static rac_str wrap_ad(struct rac_arena *a, rac_str tenant, uint32_t id)
{
    return rac_arena_printf(a, "data key %u of %.*s", id, RAC_FMT(tenant));
}

static rac_str wrap(const struct rac_keyring *k, rac_str tenant, uint32_t id, const uint8_t *bytes,
                    struct rac_arena *a)
{
    uint8_t *out = rac_arena_alloc_dirty(a, RAC_KEY_BYTES + RAC_SEAL_EXTRA_BYTES);
    seal_with(k->env, k->master, 0, wrap_ad(a, tenant, id),
              (rac_str){(const char *)bytes, RAC_KEY_BYTES}, out);
    return (rac_str){(char *)out, RAC_KEY_BYTES + RAC_SEAL_EXTRA_BYTES};
}

rac_err rac_keyring_new_key(struct rac_keyring *k, rac_str tenant, uint32_t id, struct rac_arena *a,
                            rac_str *wrapped)
{
    if (id == 0 || find_by_id(k, id) != NULL)
        return RAC_E_EXISTS;
    uint8_t *bytes = locked_bytes(RAC_KEY_BYTES);
    rac_env_random(k->env, bytes, RAC_KEY_BYTES);
    *wrapped = wrap(k, tenant, id, bytes, a);
    link_key(k, tenant, id, bytes);
    return RAC_OK;
}

rac_err rac_keyring_add_key(struct rac_keyring *k, rac_str tenant, uint32_t id, rac_str wrapped)
{
    if (id == 0 || wrapped.n != RAC_KEY_BYTES + RAC_SEAL_EXTRA_BYTES || wrapped.p[0] != VERSION)
        return RAC_E_CORRUPT;
    if (find_by_id(k, id) != NULL)
        return RAC_E_EXISTS;
    struct rac_arena a;
    rac_arena_init(&a, 4096 + tenant.n);
    uint8_t *bytes = locked_bytes(RAC_KEY_BYTES);
    bool ok = unseal_with(k->master, wrap_ad(&a, tenant, id), wrapped, bytes);
    rac_arena_fini(&a);
    if (!ok) {
        sodium_free(bytes);
        return RAC_E_DENIED;
    }
    link_key(k, tenant, id, bytes);
    return RAC_OK;
}

rac_err rac_keyring_rewrap(const struct rac_keyring *k, const struct rac_keyring *next,
                           rac_str tenant, uint32_t id, struct rac_arena *a, rac_str *wrapped)
{
    const struct key *key = find_by_id(k, id);
    if (key == NULL || !rac_str_eq((rac_str){key->tenant, key->tenant_n}, tenant))
        return RAC_E_NOT_FOUND;
    *wrapped = wrap(next, tenant, id, key->bytes, a);
    return RAC_OK;
}

uint32_t rac_keyring_key_of(const struct rac_keyring *k, rac_str tenant)
{
    const struct key *key = find_by_tenant(k, tenant);
    return key == NULL ? 0 : key->id;
}

/* The tenant is part of what a record is bound to, so that equal places of two tenants differ. */
static rac_str record_ad(struct rac_arena *a, rac_str tenant, rac_str place)
{
    char *p = rac_arena_alloc_dirty(a, tenant.n + 1 + place.n);
    memcpy(p, tenant.n > 0 ? tenant.p : "", tenant.n);
    p[tenant.n] = '\0';
    memcpy(p + tenant.n + 1, place.n > 0 ? place.p : "", place.n);
    return (rac_str){p, tenant.n + 1 + place.n};
}

rac_err rac_seal(struct rac_keyring *k, rac_str tenant, rac_str place, rac_str plain,
                 struct rac_arena *a, rac_str *sealed)
{
    const struct key *key = find_by_tenant(k, tenant);
    if (key == NULL)
        return RAC_E_NOT_FOUND;
    size_t n;
    if (!rac_size_add(plain.n, RAC_SEAL_EXTRA_BYTES, &n))
        return RAC_E_LIMIT;
    uint8_t *out = rac_arena_alloc_dirty(a, n);
    seal_with(k->env, key->bytes, key->id, record_ad(a, tenant, place), plain, out);
    *sealed = (rac_str){(char *)out, n};
    return RAC_OK;
}

uint32_t rac_sealed_key(rac_str sealed)
{
    if (sealed.n < RAC_SEAL_EXTRA_BYTES || sealed.p[0] != VERSION)
        return 0;
    return get_u32((const uint8_t *)sealed.p + 1);
}

rac_err rac_unseal(struct rac_keyring *k, rac_str tenant, rac_str place, rac_str sealed,
                   struct rac_arena *a, rac_str *plain)
{
    uint32_t id = rac_sealed_key(sealed);
    const struct key *key = id == 0 ? NULL : find_by_id(k, id);
    if (key == NULL || !rac_str_eq((rac_str){key->tenant, key->tenant_n}, tenant))
        return RAC_E_CORRUPT;
    size_t n = sealed.n - RAC_SEAL_EXTRA_BYTES;
    uint8_t *out = rac_arena_alloc_dirty(a, n + 1);
    if (!unseal_with(key->bytes, record_ad(a, tenant, place), sealed, out))
        return RAC_E_CORRUPT;
    out[n] = '\0';
    *plain = (rac_str){(char *)out, n};
    rac_secret_wipe_with(a, *plain);
    return RAC_OK;
}
