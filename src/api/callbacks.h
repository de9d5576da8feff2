/*
 * callbacks - the pages an authorization server sends a person back to: /oauth/redirect and
 * /oauth/redirect/<connectorId> (connectors.md §4.5, §4.7). Needs no token: the state is the
 * secret. Answers a small page of its own under a strict content policy; nothing from the query
 * is shown unescaped.
 */
#ifndef RAC_API_CALLBACKS_H
#define RAC_API_CALLBACKS_H

#include "http/server.h"

struct rac_api_worker;

void rac_callbacks_handle(struct rac_api_worker *w, struct rac_http_exchange *x);

#endif
