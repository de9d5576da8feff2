/*
 * service - the server without its sockets: what a process and each of its workers own, and how
 * the parts of this room find each other.
 *
 * struct rac_service: one per process, filled by main before the workers start; read-only after.
 * struct rac_api_worker: one per worker, made on the worker's thread, touched by it alone. Workers
 * reach each other through mailboxes only (rac_api_post).
 */
#ifndef RAC_API_SERVICE_H
#define RAC_API_SERVICE_H

#include "api/compiled.h"
#include "api/flows.h"
#include "api/opened.h"
#include "api/runner.h"
#include "base/base.h"
#include "base/config.h"
#include "base/env.h"
#include "base/log.h"
#include "base/metrics.h"
#include "connector/auth.h"
#include "connector/call.h"
#include "connector/store.h"
#include "http/client.h"
#include "http/server.h"
#include "iam/iam.h"
#include "loop/deadline.h"
#include "loop/mailbox.h"
#include "loop/worker.h"
#include "store/store.h"

enum {
    RAC_API_MAGIC = 0x52434150,
    RAC_WORKERS_MAX = 256,
    RAC_API_ASKS_MAX = 192,
    RAC_ASK_BODY_SLACK = 1 << 20, /* envelope around a definition, an icon and a script */
};

struct rac_service {
    const struct rac_config *config;
    const struct rac_env *env;
    struct rac_store *store;
    struct rac_http_guard guard;
    rac_str public_url;       /* no slash at the end; known before the first request */
    rac_str admin_token_path; /* file with the first token; absent: none was written */
    rac_str admin_token_id;   /* its token: the file goes with it */
    unsigned workers_n;
    struct rac_api_worker *workers[RAC_WORKERS_MAX]; /* set as each starts */
    struct rac_mailbox *mail[RAC_WORKERS_MAX]; /* a reference each: they outlive their workers */
    unsigned metric_labels[RAC_API_ASKS_MAX];  /* of operations, by row */
    struct rac_cache_home *compiled;
    struct rac_rate *rate; /* NULL: none is set */
    struct rac_cache_home *flows;
    /* What this build adds in front of the routes of this room (the demo's sample API), or NULL.
     * True: it answered or will answer x. */
    bool (*extra)(void *arg, struct rac_api_worker *w, struct rac_http_exchange *x);
    void *extra_arg;
};

struct rac_api_worker {
    uint32_t magic;
    struct rac_service *service;
    unsigned index;
    struct rac_loop *loop;
    const struct rac_env *env;
    struct rac_mailbox *mail;
    struct rac_store_session *session;
    const struct rac_connector_store *cs;
    const struct rac_iam_store *is;
    struct rac_iam *iam;
    struct rac_http_client *client;
    struct rac_fetcher fetcher;
    struct rac_auth *auth;
    struct rac_deadline auth_again; /* when it asks to be attended */
    struct rac_call_env call_env;
    struct rac_compiled *compiled;
    struct rac_opened *opened;
    const struct rac_flow_store *fs;
    const struct rac_artifact_store *as;
    struct rac_flows *flows;
    uint64_t batches_seen; /* the store's ready_counter, when it last called the scheduler */
    struct rac_flow_targets *flow_targets;
    struct rac_runner *runner;
    struct rac_retention *retention; /* worker 0; NULL: another */
    struct rac_doors *doors;
    struct rac_issuers *issuers;
    struct rac_http_server *server;
    struct rac_http_fixed *health, *busy;
    size_t requests_n, requests_max; /* in progress here; more are answered 503 */
    struct rac_schemas *schemas;
    struct rac_descriptions *descriptions;
    struct rac_kept *kept; /* NULL: every request is logged, so none may be cut short */
    struct rac_surface *native, *arm, *hostruntime, *standard;
    struct rac_gateway *gateway;
    struct rac_scheduling *scheduling; /* worker 0, once all are up */
    bool stopping;
    struct rac_deadline drain; /* main's: waits for requests whose clients have left */
    unsigned drains_n;
};

/* Main thread, before the workers and after them. */
void rac_service_init(struct rac_service *s);
void rac_service_fini(struct rac_service *s);

/* Makes everything but the listener. Worker's thread. *why in a on failure. */
rac_err rac_api_worker_new(struct rac_service *s, struct rac_loop *loop, unsigned index,
                           struct rac_arena *a, struct rac_api_worker **out,
                           rac_str *why) RAC_MUST_CHECK;
/* Nothing may be in flight any more. */
void rac_api_worker_free(struct rac_api_worker *w);
/* The handler for http/server: every path of this room. arg is a struct rac_api_worker. */
void rac_api_handle(void *arg, struct rac_http_exchange *x);

/* fn(arg) on worker i's loop, soon; any worker's thread. False: it is stopping. */
bool rac_api_post(struct rac_service *s, unsigned i, void (*fn)(void *arg), void *arg);

/* An error envelope of §6.5 as the whole answer. */
void rac_api_reply_error(struct rac_http_exchange *x, int status, rac_str code, rac_str message);
/* Headers of an answer that is somebody else's (a backend's, a workflow's): those that are not its to
 * set are taken out, and active content may not act in the name of this origin, nor be taken for what
 * it does not say it is. */
void rac_api_tame(struct rac_headers *h, struct rac_arena *a);
/* 405: what can be done here is allow, "GET, PUT". */
void rac_api_reply_method(struct rac_http_exchange *x, rac_str allow);

#endif
