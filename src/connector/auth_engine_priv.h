/*
 * auth_engine_priv - insides of the OAuth engine: the engine itself, a POST to a token endpoint,
 * and the words of its failures. Everything belongs to the engine's thread.
 */
#ifndef RAC_CONNECTOR_AUTH_ENGINE_PRIV_H
#define RAC_CONNECTOR_AUTH_ENGINE_PRIV_H

#include "connector/auth_priv.h"

enum {
    RAC_AUTH_MAGIC = 0x61757468,
    RAC_AUTH_PATIENCE_N = 64,         /* remembered failures */
    RAC_AUTH_PATIENCE_MS = 15 * 1000, /* how long a failing token endpoint is left alone, and a
                                       * refused request is not repeated */
    RAC_AUTH_REFUSED_N = 256,
    RAC_AUTH_SAVE_AGAIN_MS = 5 * 1000, /* tokens that could not be written */
    RAC_AUTH_FLIGHT_BYTES_MAX = 4 << 20,
};

struct rac_flight;

struct rac_auth_refusal {
    uint64_t request; /* rac_token_post.mark */
    rac_ms until_ms;
    struct rac_auth_error error; /* its strings are in words */
    char *words;                 /* owned */
};

struct rac_auth {
    uint32_t magic;
    struct rac_auth_env env;
    rac_str public_url;         /* owned copy, no trailing slash */
    struct rac_flight *flights; /* refreshes under way on this worker */
    struct {
        uint64_t key_hash;
        rac_ms until_ms;
    } failed[RAC_AUTH_PATIENCE_N]; /* auth_patience.c */
    struct rac_auth_refusal refused[RAC_AUTH_REFUSED_N];
    unsigned failed_at, refused_at;
};

static inline rac_ms rac_auth_now(const struct rac_auth *auth)
{
    return rac_env_wall_ms(auth->env.env);
}
/* Not due for a refresh: 300 s before it expires, but a token with a short life is used for half of
 * it in any case, or it would be refreshed on every call. expires_ms 0: unknown, good. */
bool rac_auth_is_good(const struct rac_auth *auth, rac_ms expires_ms, rac_ms obtained_ms);
uint64_t rac_auth_key_hash(const struct rac_auth_key *k);
struct rac_auth_key rac_auth_key_copy(const struct rac_auth_key *k, struct rac_arena *a);
bool rac_auth_key_eq(const struct rac_auth_key *x, const struct rac_auth_key *y);

/* --- one exchange with a token endpoint ------------------------------------------------------- */

/* Embedded by its owner, whose arena must outlive it. */
struct rac_token_post {
    struct rac_auth *auth;
    struct rac_arena *a;
    struct rac_token_request first, basic;
    struct rac_secrets hide; /* what was sent: providers repeat it in the words of their errors */
    bool has_basic;          /* an invalid_client is tried once more with it */
    bool device;             /* only then "nobody has confirmed yet" is an answer */
    uint64_t mark;           /* of what is sent: equal for equal requests, without the assertion */
    struct rac_fetch *fetch;
    void (*done)(void *arg, const struct rac_token_answer *answer);
    void *arg;
};
/* Builds the request (and the one for the second try); RAC_E_INVALID with *error. Nothing of v is
 * needed afterwards. */
rac_err rac_token_post_build(struct rac_token_post *p, struct rac_auth *auth,
                             const struct rac_oauth_vars *v, enum rac_token_purpose purpose,
                             struct rac_arena *a, struct rac_auth_error *error) RAC_MUST_CHECK;
void rac_token_post_start(struct rac_token_post *p,
                          void (*done)(void *arg, const struct rac_token_answer *answer),
                          void *arg);

/* What a failed answer means to callers, and to the connection's status. In a. */
void rac_auth_error_of_answer(const struct rac_token_answer *answer, struct rac_arena *a,
                              struct rac_auth_error *error);
rac_err rac_auth_err_of_answer(const struct rac_token_answer *answer);
/* The store could not be written or read. */
void rac_auth_error_of_store(rac_err e, struct rac_auth_error *error);
/* Row to keep: the answer, with the refresh token at hand where it brought none. */
void rac_auth_row_of_answer(const struct rac_token_answer *answer, const struct rac_auth_key *key,
                            rac_str old_refresh, rac_ms now_ms, struct rac_oauth_row *row);
/* Where the provider sends the browser back to (§4.5). In a. */
rac_str rac_auth_redirect_url(const struct rac_auth *auth, const struct rac_oauth_settings *s,
                              rac_str connector_id, struct rac_arena *a);
void rac_auth_error_copy(const struct rac_auth_error *from, struct rac_arena *a,
                         struct rac_auth_error *to);

/* --- patience (auth_patience.c) --------------------------------------------------------------- */

void rac_auth_failed(struct rac_auth *auth, const struct rac_auth_key *key);
bool rac_auth_failed_lately(const struct rac_auth *auth, const struct rac_auth_key *key);
/* request: rac_token_post.mark. error is copied; what comes back is in a. */
void rac_auth_refused(struct rac_auth *auth, uint64_t request, const struct rac_auth_error *error);
bool rac_auth_refused_lately(const struct rac_auth *auth, uint64_t request, struct rac_arena *a,
                             struct rac_auth_error *error);
void rac_auth_patience_fini(struct rac_auth *auth);

/* --- flights (auth_refresh.c) ----------------------------------------------------------------- */

/* Who waits: a caller on this worker, or one on another. */
struct rac_auth_waiter {
    struct rac_auth_waiter *next;
    /* row NULL on failure. Both are valid during the call. */
    void (*deliver)(struct rac_auth_waiter *w, rac_err e, const struct rac_oauth_row *row,
                    const struct rac_auth_error *error);
    void (*drop)(struct rac_auth_waiter *w); /* the engine goes away: free, call nobody */
    rac_str rejected; /* the access token a backend refused; absent: it is merely old */
};
/* Joins the flight for key or starts one. given/settings: what to use where there is no source;
 * read before this returns. Delivers exactly once, never before it returns. */
void rac_flight_join(struct rac_auth *auth, const struct rac_auth_key *key,
                     const struct rac_connection *given, const struct rac_oauth_settings *settings,
                     struct rac_auth_waiter *w);
/* Takes w out before its delivery; false when it is not there. */
bool rac_flight_leave(struct rac_auth *auth, struct rac_auth_waiter *w);
/* Settles an intent that a crash left; nobody waits. */
void rac_flight_recover(struct rac_auth *auth, const struct rac_auth_key *key);
/* Tries once more to write what could not be written. */
void rac_flights_save(struct rac_auth *auth);
void rac_flights_free(struct rac_auth *auth);

#endif
