/*
 * account_door - signed URLs of integration accounts: contents of their maps and schemas, without a
 * token (spec workflows §5.2, §7.2 listContentCallbackUrl). Reads only.
 */
#ifndef RAC_API_ACCOUNT_DOOR_H
#define RAC_API_ACCOUNT_DOOR_H

#include "http/server.h"

struct rac_api_worker;

void rac_account_door_handle(struct rac_api_worker *w, struct rac_http_exchange *x);

#endif
