/*
 * call_priv - the steps of the pipeline before sending, shared by dry runs (build.c) and calls.
 */
#ifndef RAC_CONNECTOR_CALL_PRIV_H
#define RAC_CONNECTOR_CALL_PRIV_H

#include "connector/auth.h"
#include "connector/call.h"
#include "connector/connection.h"
#include "connector/policy_run.h"
#include "connector/route.h"

/* One request on its way through the pipeline; embedded in struct rac_call, or on the stack. */
struct rac_prepare {
    struct rac_arena *a;
    const struct rac_call_req *req;
    const struct rac_env *env;
    rac_str user_agent;
    const struct rac_op *op;
    struct rac_route_match match;
    struct rac_request request;
    struct rac_bound bound;
    struct rac_policy_run run;
    rac_str client_request_id;
    bool raw;
    const struct rac_oauth_token *token; /* the credential used, if it was one */
};

/* resolve: sets op (and match). */
enum rac_call_code rac_prepare_resolve(struct rac_prepare *p, struct rac_call_error *e);
/* validate and build, without credentials. body_json: see rac_bind_raw. */
enum rac_call_code rac_prepare_bind(struct rac_prepare *p, const struct rac_json *body_json,
                                    struct rac_call_error *e);
/* Credentials onto r (the request itself, or a side request). */
enum rac_call_code rac_prepare_credentials(struct rac_prepare *p, struct rac_request *r,
                                           struct rac_call_error *e);
/* Credentials and headers for a URL the operation's answer named. The arguments of that call, where
 * the request has them, are read by the policies that decide the host and set headers, and sent no
 * more; run.homeless: they are needed for the host and are not there. */
enum rac_call_code rac_prepare_follow(struct rac_prepare *p, struct rac_call_error *e);
/* The caller's request id, or a new one, in a. */
rac_str rac_prepare_request_id(const struct rac_env *env, rac_str given, struct rac_arena *a);
/* The code of a word of §6.5; ConnectionUnauthenticated for what is none. */
enum rac_call_code rac_call_code_of(rac_str word);
/* Fails where an environment variable without a value stands in the address. */
enum rac_call_code rac_prepare_address(const struct rac_prepare *p, struct rac_call_error *e);
/* User-Agent, x-ms-client-request-id, Content-Type. */
void rac_prepare_finish(struct rac_prepare *p);

#endif
