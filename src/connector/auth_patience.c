/*
 * auth_patience - what is not asked again at once.
 *
 * Two rings, overwritten oldest first. A token endpoint that failed is left alone for a while as
 * far as the token at hand still works. A token request that was refused is not repeated for a
 * while at all: the same answer would come, and a connection nobody signs in again would have its
 * provider asked on every call. It is known by what was sent, so a sign-in, another secret or
 * another URL is tried at once.
 */
#include "connector/auth_engine_priv.h"

#include "base/mem.h"

/* A clock that went back must not keep anything waiting. */
static bool is_waiting(rac_ms until_ms, rac_ms now, int64_t span_ms)
{
    return until_ms > now && until_ms <= now + span_ms;
}

void rac_auth_failed(struct rac_auth *auth, const struct rac_auth_key *key)
{
    unsigned i = auth->failed_at++ % RAC_AUTH_PATIENCE_N;
    auth->failed[i].key_hash = rac_auth_key_hash(key);
    auth->failed[i].until_ms = rac_auth_now(auth) + RAC_AUTH_PATIENCE_MS;
}

bool rac_auth_failed_lately(const struct rac_auth *auth, const struct rac_auth_key *key)
{
    uint64_t h = rac_auth_key_hash(key);
    rac_ms now = rac_auth_now(auth);
    for (size_t i = 0; i < RAC_AUTH_PATIENCE_N; i++)
        if (auth->failed[i].key_hash == h &&
            is_waiting(auth->failed[i].until_ms, now, RAC_AUTH_PATIENCE_MS))
            return true;
    return false;
}

void rac_auth_refused(struct rac_auth *auth, uint64_t request, const struct rac_auth_error *error)
{
    struct rac_auth_refusal *r = &auth->refused[auth->refused_at++ % RAC_AUTH_REFUSED_N];
    size_t n = error->message.n;
    rac_mem_free(r->words);
    r->words = rac_mem_alloc(n + error->detail.n + 1);
    memcpy(r->words, error->message.p, n);
    if (error->detail.n > 0)
        memcpy(r->words + n, error->detail.p, error->detail.n);
    r->request = request;
    r->until_ms = rac_auth_now(auth) + RAC_AUTH_PATIENCE_MS;
    r->error = *error; /* its code is a literal */
    r->error.message = (rac_str){r->words, n};
    r->error.detail = (rac_str){r->words + n, error->detail.n};
}

bool rac_auth_refused_lately(const struct rac_auth *auth, uint64_t request, struct rac_arena *a,
                             struct rac_auth_error *error)
{
    rac_ms now = rac_auth_now(auth);
    for (size_t i = 0; i < RAC_AUTH_REFUSED_N; i++) {
        const struct rac_auth_refusal *r = &auth->refused[i];
        if (r->request == request && is_waiting(r->until_ms, now, RAC_AUTH_PATIENCE_MS)) {
            rac_auth_error_copy(&r->error, a, error);
            return true;
        }
    }
    return false;
}

void rac_auth_patience_fini(struct rac_auth *auth)
{
    for (size_t i = 0; i < RAC_AUTH_REFUSED_N; i++)
        rac_mem_free(auth->refused[i].words);
}
