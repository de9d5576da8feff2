/*
 * access - the thing an operation names, and whether the caller may do this with it.
 *
 * What the caller cannot see answers 404, as if it were not there; what it sees but may not touch
 * answers 403 and is written to the audit trail. Every function answers the ask when it returns
 * false.
 */
#ifndef RAC_API_OPS_ACCESS_H
#define RAC_API_OPS_ACCESS_H

#include "api/ask.h"
#include "connector/store.h"
#include "workflow/store.h"

bool rac_access_connector(struct rac_ask *q, enum rac_action action, rac_str id,
                          struct rac_connector_row *out);
/* The same for one that was deleted and can be brought back; 409 when it is not deleted. */
bool rac_access_deleted(struct rac_ask *q, enum rac_action action, rac_str id,
                        struct rac_connector_row *out);
bool rac_access_connection(struct rac_ask *q, enum rac_action action, rac_str id,
                           struct rac_connection_row *out);
/* Name or id of the group that is meant; absent: the one the token is narrowed to, else default. */
rac_str rac_access_group_wanted(const struct rac_ask *q, rac_str name);
/* Group by name or id, or the one that is meant. 404 when there is none; 403 when action may not be
 * done in it. */
bool rac_access_group(struct rac_ask *q, enum rac_action action, rac_str name,
                      struct rac_group_row *out);
/* Workflow by name in the group of ?group= (absent: as rac_access_group chooses), natively also by
 * id. */
bool rac_access_workflow(struct rac_ask *q, enum rac_action action, rac_str name,
                         enum rac_flow_want want, struct rac_flow_row *out);
/* In ARM, deleting what is not there is done already: 204, and true. To those who would not see it
 * were it there it is what everything is there, 404: what they are told does not depend on it. */
bool rac_access_gone(struct rac_ask *q, enum rac_action read);
/* The same where there is no workflow of that name. */
bool rac_access_workflow_gone(struct rac_ask *q, rac_str name);
/* Whether the caller sees a thing of this owner in that group. */
bool rac_access_sees(const struct rac_ask *q, enum rac_action read, rac_str group, rac_str owner);
/* Something that belongs to the tenant as a whole, owned by a user or (absent) nobody. */
bool rac_access_tenant(struct rac_ask *q, enum rac_action action, rac_str owner);
/* Refuses: 403 with the missing right, and an audit line. */
void rac_access_deny(struct rac_ask *q, enum rac_action action, const struct rac_resource *r,
                     const char *kind, rac_str id);

/* The same decision without an ask: for the gateway. NOT_FOUND: not visible; DENIED. */
rac_err rac_access_connection_row(struct rac_api_worker *w, const struct rac_principal *who,
                                  enum rac_action action,
                                  const struct rac_connection_row *row) RAC_MUST_CHECK;

/* Whole lists: which groups the caller sees all of, and in which it has a role. In a. */
void rac_access_connectors_visible(const struct rac_ask *q, struct rac_connector_query *out);
void rac_access_connections_visible(const struct rac_ask *q, struct rac_connection_query *out);

/* Name of a group, or of a user, for people; the id when it is gone. */
rac_str rac_access_group_name(struct rac_ask *q, rac_str id);
struct rac_json rac_access_person(struct rac_ask *q, rac_str id);

#endif
