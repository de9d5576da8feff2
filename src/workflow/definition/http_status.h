/*
 * http_status - HTTP statuses by the names that stand as codes of actions and of static results
 * ("OK", "TooManyRequests"). Any thread.
 */
#ifndef RAC_WORKFLOW_HTTP_STATUS_H
#define RAC_WORKFLOW_HTTP_STATUS_H

#include "base/arena.h"
#include "base/base.h"

/* "NotFound"; a number without a name is written out. Static, or in a. */
rac_str rac_http_status_name(int status, struct rac_arena *a);
/* A name (letter case ignored) or digits; 0: neither. */
int rac_http_status_parse(rac_str text);

#endif
