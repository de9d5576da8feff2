/*
 * call - the one path by which an operation is invoked (connectors.md §6): the command line, the
 * gateway, workflow actions, dynamic values, the test console.
 *
 *   resolve -> validate -> build -> credentials -> request policies -> script check -> send
 *     -> redirects -> 401 refresh and replay, once -> response policies -> unbind -> caller
 *
 * A call is an async object of one worker: start never calls back before it returns, `done` is
 * called exactly once, nothing after cancel. It sends once (and once more after a token refresh)
 * and never waits: retrying, following a 202 and paging are decided by connector/verdict.h and
 * carried out by the caller, who owns the clock.
 *
 * Named form: operation_id and parameters {name: value}. Raw form: method, path (below basePath,
 * encoded), query, headers, body. Follow form: an absolute url got from an answer of the operation
 * (Location of a 202, next page), sent by method (default GET) with the connection's credentials if
 * it is on the host the operation itself calls, without them otherwise. Where a policy makes that
 * host of an argument, the arguments of the call that is followed have to be there again.
 */
#ifndef RAC_CONNECTOR_CALL_H
#define RAC_CONNECTOR_CALL_H

#include "base/arena.h"
#include "base/base.h"
#include "base/env.h"
#include "base/fetch.h"
#include "connector/connector.h"
#include "connector/request.h"
#include "json/json.h"

struct rac_connection; /* connection.h */
struct rac_auth;       /* auth.h: token refresh; one per worker or process */
struct rac_oauth_settings;
struct rac_oauth_token;

/* connectors.md §6.5; call_errors.def has word, HTTP status and meaning. */
enum rac_call_code {
#define CALL_ERROR(name, word, http, text) RAC_CALL_##name,
#include "connector/call_errors.def"
#undef CALL_ERROR
};
const char *rac_call_code_word(enum rac_call_code code); /* "InvalidInput" */
int rac_call_code_http(enum rac_call_code code);

struct rac_call_error {
    enum rac_call_code code; /* RAC_CALL_NONE: no error */
    int http_status;         /* what a gateway answers */
    const char *detail;      /* finer code "RC-RUN-01", or NULL */
    rac_str message;         /* one sentence */
    rac_str pointer;         /* into the arguments ("/body/quay"), absent when there is none */
    int inner_status;        /* backend's or provider's status; 0: none */
    rac_str inner_body;      /* at most a few KB of its body; absent: none */
    int64_t retry_after_ms;  /* RateLimited; -1: none */
};
/* {"error": {"code", "message", "source": "raccord", "clientRequestId", "details"?, "innerError"?}}
 */
struct rac_json rac_call_error_json(const struct rac_call_error *e, rac_str client_request_id,
                                    struct rac_arena *a);

/* Streaming sink of the raw form. NULL members are not called. */
struct rac_call_sink {
    bool (*on_headers)(void *arg, int status, const struct rac_headers *headers); /* false: abort */
    bool (*on_data)(void *arg, rac_str bytes); /* false: paused; the bytes are taken all the same */
    void *arg;
};

struct rac_call_req {
    struct rac_connector *connector;         /* a reference is held until done */
    const struct rac_connection *connection; /* borrowed until done; NULL: none */
    /* named form */
    rac_str operation_id;
    const struct rac_json *parameters;  /* object, or NULL for none */
    const struct rac_json *extra_query; /* {name: text} set on the query besides, or NULL */
    /* Put where the operation takes the URL it is called back at, if nothing stands there. */
    rac_str notification_url;
    /* raw form: operation_id absent and method set */
    rac_str method, path, query; /* path starts with '/', query without '?' */
    const struct rac_headers *headers;
    rac_str body;                         /* absent: none, unless source */
    const struct rac_body_source *source; /* borrowed until done */
    /* follow form: operation_id (or raw method+path) says whose answer it was */
    rac_str follow_url, follow_method;

    /* Of the connection's OAuth parameter; NULL: the engine's source finds them. */
    const struct rac_oauth_settings *oauth;
    rac_str client_request_id; /* x-ms-client-request-id; absent: a new UUID */
    rac_str runtime_url;       /* of the connection, for updatenextlink; absent: links stay */
    bool mask_secrets;         /* build only: secrets are *** in what comes out */
    bool lenient_connection;   /* build only: missing credentials are left off, not an error */
    bool keep_answer_raw;      /* do not parse the body into JSON: res.bytes only */
    int64_t timeout_ms;        /* 0: env's */
    size_t response_bytes_max; /* 0: env's */
    const struct rac_call_sink *sink; /* stream the body to it; NULL: buffer */
};

/* What the pipeline needs; one per worker, outlives its calls. */
struct rac_call_env {
    const struct rac_env *env;
    struct rac_fetcher fetcher;
    struct rac_auth *auth;                  /* NULL: tokens are used as they are, never refreshed */
    int64_t connect_timeout_ms, timeout_ms; /* 0: 10 s, 120 s */
    size_t response_bytes_max;              /* 0: 100 MB */
    size_t arena_bytes_max;                 /* of one call; 0: 64 MB beyond the body */
    rac_str user_agent;                     /* absent: Raccord/<version> */
    /* Runs fn(arg) from the loop, soon: how a completion never happens inside start. Required. */
    void (*defer)(void *self, void (*fn)(void *arg), void *arg);
    void *defer_self;
};

/* The answer, in the call's arena; valid until rac_call_free. */
struct rac_call_res {
    struct rac_call_error error; /* code NONE: the backend answered (any status) */
    const struct rac_op *op;     /* NULL when it was not found */
    int status;
    struct rac_headers headers;
    struct rac_json body; /* parsed, text, envelope (§6.5); NONE: empty or streamed */
    rac_str bytes;        /* body bytes as answered (after response policies); absent: streamed */
    rac_str url;          /* last URL sent, without secrets: for people */
    rac_str base; /* the same for resolving links of the answer: without the credentials of its
                     query, but with what a policy put into host and path. Not for people */
    rac_str client_request_id;
    bool connection_unauthenticated; /* policy or refresh failure says: mark the connection */
    const struct rac_oauth_token *refreshed; /* renewed on the way; NULL: it was not. For callers
                                                without a store, who have to keep it */
    int attempts; /* requests sent to the backend, redirects not counted */
    rac_ns total_ns, backend_ns;
};

struct rac_call; /* owned by the caller from start until rac_call_free */
typedef void (*rac_call_done)(void *arg, struct rac_call *call, const struct rac_call_res *res);

/* Never fails: what is wrong arrives as res->error. req is copied, what it points to is borrowed
 * until done. */
struct rac_call *rac_call_start(const struct rac_call_req *req, const struct rac_call_env *env,
                                rac_call_done done, void *arg);
void rac_call_resume(struct rac_call *c); /* after on_data returned false, or source has more */
void rac_call_cancel(struct rac_call *c); /* done will not be called; still free it */
void rac_call_free(struct rac_call *c);   /* after done or cancel; also legal inside done */

/*
 * Dry run: everything up to sending, synchronously and without the network (setvaluefromurl is
 * left undone and noted in *notes). RAC_CALL_NONE, or the code with *error filled. *out in a.
 */
enum rac_call_code rac_call_build(const struct rac_call_req *req, const struct rac_env *env,
                                  struct rac_arena *a, struct rac_request *out,
                                  struct rac_call_error *error, struct rac_diags *notes);
/* The dry-run form of architecture §1: {"method", "url", "headers", "body"}. */
struct rac_json rac_request_json(const struct rac_request *r, bool masked, struct rac_arena *a);

#endif
