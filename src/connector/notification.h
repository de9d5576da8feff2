/*
 * notification - where an operation takes the URL that it is called back at: the parameter, or the
 * property of its body, with x-ms-notification-url: true (connectors.md §5.3, §7.2). Users never
 * fill it in; whoever subscribes puts the URL there.
 */
#ifndef RAC_CONNECTOR_NOTIFICATION_H
#define RAC_CONNECTOR_NOTIFICATION_H

#include "base/arena.h"
#include "json/json.h"
#include "openapi/api.h"

struct rac_notification_place {
    uint32_t param; /* index among the parameters of the operation */
    rac_str *steps; /* names of properties inside of it; an absent one: every element of an array */
    uint32_t steps_n;
};

/* The first such place of an operation, copied into a; NULL: it has none. */
const struct rac_notification_place *
rac_notification_find(struct rac_api *api, const struct rac_api_operation *op, struct rac_arena *a);
/* Puts url into the value of that parameter (NONE: there is none yet), which is changed in place:
 * objects and an array's first element are made on the way. What somebody wrote there stays, and so
 * does a value of another shape. */
void rac_notification_put(const struct rac_notification_place *p, struct rac_json *value,
                          rac_str url, struct rac_arena *a);

#endif
