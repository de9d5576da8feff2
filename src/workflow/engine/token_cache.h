/*
 * token_cache - bearer tokens of `authentication` objects (spec workflows §5.1), one cache a worker.
 *
 * The grant itself is connector/auth's; here a token is kept until five minutes before it expires,
 * and everybody who wants the same one waits for one request. Worker's thread only; callbacks come
 * from the loop, never inside the call that asked.
 *
 *     if (rac_token_cache_get(cache, &want, &access)) send at once;
 *     else wait = rac_token_cache_start(cache, &want, done, arg);
 */
#ifndef RAC_WORKFLOW_TOKEN_CACHE_H
#define RAC_WORKFLOW_TOKEN_CACHE_H

#include "connector/auth.h"
#include "workflow/definition/authentication.h"

enum { RAC_TOKEN_CACHE_MAX = 1024 }; /* tokens kept; the one used longest ago goes */

struct rac_token_cache;
struct rac_token_cache *rac_token_cache_new(struct rac_auth *auth, const struct rac_env *env);
/* Waiters are dropped without being called. Before rac_auth_free. */
void rac_token_cache_free(struct rac_token_cache *c);

/* A token that is still good; valid until the next call of this cache. */
bool rac_token_cache_get(struct rac_token_cache *c, const struct rac_token_want *want,
                         rac_str *access);

struct rac_token_wait;
/* access is valid during the call, absent when error says why (code, message: connectors.md §6.5). */
typedef void (*rac_token_fn)(void *arg, rac_str access, const struct rac_auth_error *error);
/* Copies want. A token already there is not asked for again unless it is dropped first. */
struct rac_token_wait *rac_token_cache_start(struct rac_token_cache *c,
                                             const struct rac_token_want *want, rac_token_fn done,
                                             void *arg);
void rac_token_cache_cancel(struct rac_token_cache *c, struct rac_token_wait *w);

/* A server answered 401 to this token: forget it, unless a newer one is there already. */
void rac_token_cache_drop(struct rac_token_cache *c, const struct rac_token_want *want,
                          rac_str access);

#endif
