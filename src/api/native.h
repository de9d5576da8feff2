/*
 * native - the management API of connectors.md §10.4 over HTTP: a thin adapter that turns requests
 * into asks (ask.h) and answers into replies. Routing, the check at the door, body validation and
 * headers are here; what an operation does is in ops/. One per worker.
 */
#ifndef RAC_API_NATIVE_H
#define RAC_API_NATIVE_H

#include "http/server.h"

struct rac_api_worker;
struct rac_native;

struct rac_native *rac_native_new(struct rac_api_worker *w);
void rac_native_free(struct rac_native *n);
/* Every request below /api/v1/. */
void rac_native_handle(struct rac_native *n, struct rac_http_exchange *x);

#endif
