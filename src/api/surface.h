/*
 * surface - an HTTP shape over the operations of ops/: turns requests into asks (ask.h) and answers
 * into replies. Routing, the check of the token, the check at the door, reading and checking the
 * body, headers, logs and the error envelope happen here, the same for every surface; what differs
 * is a struct rac_surface_def: paths, and how names and envelopes are translated. An adapter holds
 * no logic: permission checks, cascades and transactions are those of the operation its row names.
 *
 * One struct rac_surface per definition and worker; that worker's thread.
 */
#ifndef RAC_API_SURFACE_H
#define RAC_API_SURFACE_H

#include "api/ask.h"
#include "api/router.h"
#include "http/server.h"

struct rac_surface;

struct rac_surface_route {
    const char *method, *path; /* whole path, router.h's notation */
    enum rac_ask_id op;
    /* Arguments, query and parsed body into those of the operation, before the body is checked
     * against its schema. False: it failed the ask. NULL: they are the operation's already. */
    bool (*in)(struct rac_ask *q);
    /* The answer into that of this surface; not called for errors. NULL: as it is. */
    void (*out)(struct rac_ask *q);
    const void *more; /* the surface's own; q->route->more */
};

struct rac_surface_def {
    unsigned router_flags;
    const struct rac_surface_route *routes;
    size_t routes_n;
    /* Before the token is looked at: what every request must have (api-version). False: failed. */
    bool (*enter)(struct rac_ask *q);
    /* The error body; NULL: {"error": {"code", "message", "source", "clientRequestId"}}. */
    struct rac_json (*error)(struct rac_ask *q);
    const char *nothing_here; /* message of its 404 */
    bool function_keys; /* a token may come as ?code= or x-functions-key, as a host key does */
};

struct rac_surface *rac_surface_new(struct rac_api_worker *w, const struct rac_surface_def *def);
void rac_surface_free(struct rac_surface *s); /* NULL is fine */
void rac_surface_handle(struct rac_surface *s, struct rac_http_exchange *x);

#endif
