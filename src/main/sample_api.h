/*
 * sample_api - the harbour of `raccord demo`: a small HTTP API for which the demo registers a
 * connector, served by the same process below /sample/quai. It asks for an API key, has path
 * parameters, pages, a JSON body and a binary answer. Keeps nothing. Any worker's thread.
 */
#ifndef RAC_MAIN_SAMPLE_API_H
#define RAC_MAIN_SAMPLE_API_H

#include "base/arena.h"
#include "base/base.h"
#include "http/server.h"

#define RAC_SAMPLE_KEY "quai-nord-demo"

struct rac_api_worker;

/* For struct rac_server_options.extra: false when the path is not below /sample/quai. */
bool rac_sample_api_handle(void *arg, struct rac_api_worker *w, struct rac_http_exchange *x);

/* Definition (with host HOST:PORT) and properties of its connector. */
rac_str rac_sample_api_definition(rac_str host, struct rac_arena *a);
extern const rac_str rac_sample_api_properties;

#endif
