/*
 * bind - arguments to a request (connectors.md §6.2, §6.3), from the plans compile made.
 *
 * Nothing is parsed or looked up in a definition here; one walk over the parameters of the
 * operation, everything in the request's arena. Credentials and policies come after.
 */
#ifndef RAC_CONNECTOR_BIND_H
#define RAC_CONNECTOR_BIND_H

#include "connector/call.h"
#include "connector/plan.h"
#include "connector/request.h"
#include "connector/route.h"

/* Fills *e and returns its code, for `return rac_call_fail(...)`. detail may be NULL. */
enum rac_call_code rac_call_fail(struct rac_call_error *e, struct rac_arena *a,
                                 enum rac_call_code code, const char *detail, rac_str pointer,
                                 const char *fmt, ...) RAC_PRINTF(6, 7);

/* Texts of the path parameters, percent-encoded for the path, by index of the plan's params. */
struct rac_bound {
    rac_str *path_values;
};

/* Named form: parameters and notification_url of q. r is initialised by the caller. */
enum rac_call_code rac_bind(const struct rac_connector *c, const struct rac_op *op,
                            const struct rac_call_req *q, struct rac_request *r,
                            struct rac_bound *bound, struct rac_call_error *e);
/* Raw form: path, query, headers and body pass as they came; what is required and missing is
 * filled in or refused. body_json: the body when it had to be parsed, else NULL. */
enum rac_call_code rac_bind_raw(const struct rac_connector *c, const struct rac_route_match *m,
                                const struct rac_call_req *raw, const struct rac_json *body_json,
                                struct rac_request *r, struct rac_bound *bound,
                                struct rac_call_error *e);
/* True when a raw JSON body has to be parsed before it can be bound. */
bool rac_bind_wants_body(const struct rac_op *op, const struct rac_call_req *raw);

/* --- bodies ---------------------------------------------------------------------------------- */

/* Chooses form and content type of a body value (§6.3); r->headers decide first. */
void rac_body_bind(const struct rac_op_plan *plan, const struct rac_shape *shape,
                   const struct rac_json *v, struct rac_request *r);
/* The bytes to send and, for multipart, the boundary put into *content_type. random: 16 bytes that
 * make the boundary. */
rac_str rac_body_bytes(const struct rac_request *r, const unsigned char random[16],
                       rac_str *content_type);
/* "application/json" of "Application/JSON; charset=utf-8", in a. */
rac_str rac_media_type(rac_str content_type, struct rac_arena *a);

#endif
