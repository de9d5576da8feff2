/*
 * Token -> principal, cached per worker.
 *
 * A table of fixed size, direct-mapped by the digest's first bytes, each entry with an arena of its
 * own. The store's counter is loaded before anything is read and kept with the entry: an entry with
 * another counter than the store's is read again. So nothing is ever stale, and there is nothing to
 * invalidate. Tokens that are not valid are not cached: the table holds what somebody was given.
 */
#include "base/mem.h"
#include "base/str.h"
#include "iam/iam.h"

enum { SLOTS = 1024, ENTRY_BYTES_MAX = 1 << 20, IAM_MAGIC = 0x52494d31 };

struct entry {
    uint8_t digest[32];
    uint64_t counter;
    struct rac_arena a;
    struct rac_principal p;
};

struct rac_iam {
    uint32_t magic;
    const struct rac_iam_store *store;
    const struct rac_env *env;
    struct entry *slots[SLOTS]; /* allocated when first used */
};

struct rac_iam *rac_iam_new(const struct rac_iam_store *store, const struct rac_env *env)
{
    struct rac_iam *iam = rac_mem_alloc(sizeof *iam);
    iam->magic = IAM_MAGIC;
    iam->store = store;
    iam->env = env;
    return iam;
}

static void entry_free(struct entry *e)
{
    if (e == NULL)
        return;
    rac_arena_fini(&e->a);
    rac_mem_free(e);
}

void rac_iam_free(struct rac_iam *iam)
{
    if (iam == NULL)
        return;
    RAC_ASSERT(iam->magic == IAM_MAGIC);
    for (size_t i = 0; i < SLOTS; i++)
        entry_free(iam->slots[i]);
    iam->magic = 0;
    rac_mem_free(iam);
}

void rac_principal_narrow(struct rac_principal *p, rac_str group, unsigned roles)
{
    unsigned mask = roles != 0 ? roles : (unsigned)RAC_ROLE_ALL;
    size_t n = 0;
    for (size_t i = 0; i < p->grants_n; i++) {
        struct rac_role_grant g = p->grants[i];
        g.roles &= mask;
        if (group.p != NULL) {
            if (g.group.p != NULL && !rac_str_eq(g.group, group))
                continue;
            g.group = group;
            g.roles &= ~(unsigned)RAC_ROLE_OPERATOR; /* not of a group */
        }
        if (g.roles != 0)
            p->grants[n++] = g;
    }
    p->grants_n = n;
    p->only_group = group;
    p->only_roles = roles;
}

static void fill(struct entry *e, const struct rac_token_row *t)
{
    struct rac_principal *p = &e->p;
    *p = (struct rac_principal){.tenant = t->tenant,
                                .user = t->user,
                                .user_name = t->user_name,
                                .token_id = t->id,
                                .grants = t->grants,
                                .grants_n = t->grants_n,
                                .expires_ms = t->expires_ms};
    rac_principal_narrow(p, t->group, t->roles);
    p->grantees_n = t->teams_n + 1;
    p->grantees = RAC_NEW_N(&e->a, rac_str, p->grantees_n);
    p->grantees[0] = t->user;
    for (size_t i = 0; i < t->teams_n; i++)
        p->grantees[i + 1] = t->teams[i];
}

/* RAC_E_UNAUTHENTICATED leaves the slot empty. */
static rac_err load(struct rac_iam *iam, struct entry *e, const uint8_t digest[32])
{
    rac_arena_reset(&e->a);
    memset(e->digest, 0, sizeof e->digest);
    e->counter = iam->store->counter(iam->store->self);
    struct rac_token_row t = {0};
    rac_err err = iam->store->token_find(iam->store->self, digest, &e->a, &t);
    if (err == RAC_E_NOT_FOUND)
        return RAC_E_UNAUTHENTICATED;
    if (err != RAC_OK)
        return err;
    if (t.revoked_ms != 0 || t.user_disabled || rac_arena_over(&e->a))
        return RAC_E_UNAUTHENTICATED;
    fill(e, &t);
    memcpy(e->digest, digest, sizeof e->digest);
    return RAC_OK;
}

rac_err rac_iam_authenticate(struct rac_iam *iam, rac_str token_text,
                             const struct rac_principal **out)
{
    uint8_t digest[32];
    if (!rac_token_digest(token_text, digest))
        return RAC_E_UNAUTHENTICATED;
    struct entry **slot = &iam->slots[(digest[0] | digest[1] << 8) % SLOTS], *e = *slot;
    /* Comparing digests needs no constant time: knowing a prefix of one helps nobody. */
    if (e == NULL || memcmp(e->digest, digest, sizeof digest) != 0 ||
        e->counter != iam->store->counter(iam->store->self)) {
        if (e == NULL) {
            e = rac_mem_alloc(sizeof *e);
            rac_arena_init(&e->a, ENTRY_BYTES_MAX);
            *slot = e;
        }
        rac_err err = load(iam, e, digest);
        if (err != RAC_OK) {
            entry_free(e);
            *slot = NULL;
            return err;
        }
    }
    if (e->p.expires_ms != 0 && e->p.expires_ms <= rac_env_wall_ms(iam->env))
        return RAC_E_UNAUTHENTICATED;
    *out = &e->p;
    return RAC_OK;
}

struct rac_principal *rac_principal_copy(struct rac_arena *a, const struct rac_principal *p)
{
    struct rac_principal *c = RAC_NEW(a, struct rac_principal);
    *c = *p;
    rac_str *const texts[] = {&c->tenant, &c->user, &c->user_name, &c->token_id, &c->only_group};
    for (size_t i = 0; i < RAC_COUNT(texts); i++)
        if (texts[i]->p != NULL)
            *texts[i] = rac_arena_str(a, *texts[i]);
    c->grants = RAC_NEW_N(a, struct rac_role_grant, p->grants_n);
    for (size_t i = 0; i < p->grants_n; i++) {
        c->grants[i] = p->grants[i];
        if (c->grants[i].group.p != NULL)
            c->grants[i].group = rac_arena_str(a, c->grants[i].group);
    }
    c->grantees = RAC_NEW_N(a, rac_str, p->grantees_n);
    for (size_t i = 0; i < p->grantees_n; i++)
        c->grantees[i] = rac_arena_str(a, p->grantees[i]);
    return c;
}
