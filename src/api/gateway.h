/*
 * gateway - the runtime URL of a connection (connectors.md §6.1): any request below
 * /apim/<connectorId>/<connectionId>/ goes through the call pipeline in its raw form, streamed both
 * ways. Who calls shows a bearer token that may use the connection, or one of the connection's own
 * keys (`Authorization: Key ...`). One per worker.
 */
#ifndef RAC_API_GATEWAY_H
#define RAC_API_GATEWAY_H

#include "base/arena.h"
#include "base/env.h"
#include "http/server.h"

struct rac_api_worker;
struct rac_gateway;
struct rac_opened_connection;

struct rac_gateway *rac_gateway_new(struct rac_api_worker *w);
void rac_gateway_free(struct rac_gateway *g);
void rac_gateway_handle(struct rac_gateway *g, struct rac_http_exchange *x);

/* --- keys of a connection: `rck_<tenant>_<secret>` --------------------------------------------
 * A key opens one connection's runtime URL and nothing else. Kept as digest and expiry beside the
 * sealed values of the connection. */
enum { RAC_KEY_ENTRY_BYTES = 40, RAC_KEYS_MAX = 32 };
rac_str rac_connection_key_new(struct rac_arena *a, const struct rac_env *env, rac_str tenant);
/* Tenant named by a key; false: it has not the form of one. */
bool rac_connection_key_tenant(struct rac_arena *a, rac_str key, rac_str *tenant);
/* One entry of the list kept: digest, then expiry (0: never). */
void rac_connection_key_entry(rac_str key, rac_ms expires_ms, char out[RAC_KEY_ENTRY_BYTES]);
bool rac_connection_key_fits(rac_str entries, rac_str key, rac_ms now_ms);

/* True when one more call of this connection is within its rate, where one is set. */
bool rac_gateway_admit(struct rac_gateway *g, struct rac_opened_connection *c,
                       int64_t *retry_after_ms);

#endif
