/*
 * policy_run - policies at work on one call. Synchronous; a setvaluefromurl stops the run and says
 * which side call it needs, and the run goes on after it (rac_policies_request again, from `at`).
 */
#ifndef RAC_CONNECTOR_POLICY_RUN_H
#define RAC_CONNECTOR_POLICY_RUN_H

#include "connector/bind.h"
#include "connector/policy_priv.h"

struct rac_connection;

struct rac_policy_run {
    struct rac_arena *a;
    const struct rac_connector *connector;
    const struct rac_op *op;
    const struct rac_connection *connection; /* may be NULL */
    struct rac_request *request;
    const struct rac_bound *bound;
    bool mask;     /* connectionParameters() of secrets is "***" */
    bool lenient;  /* dry run: what lacks a connection's value is left as it is, with a note */
    bool follow;   /* only policies that decide the host and set headers or the query run */
    bool homeless; /* follow: what makes the host is not known any more */
    rac_str runtime_url;
    struct rac_diags *notes; /* may be NULL */
    bool missing;            /* set while evaluating: a connection parameter had no value */
    bool secret;             /* likewise: a credential was read, of it or of the request */
    size_t at;               /* next request policy */
    bool own_body;           /* request->body.json is ours to change */
};

/* Runs request policies from run->at. NONE with *side NULL: all done. NONE with *side set: call
 * rac_policy_side_request, send it, rac_policy_side_answer, then here again. */
enum rac_call_code rac_policies_request(struct rac_policy_run *run, const struct rac_policy **side,
                                        struct rac_call_error *e);
void rac_policy_side_request(struct rac_policy_run *run, const struct rac_policy *p,
                             struct rac_request *out);
void rac_policy_side_answer(struct rac_policy_run *run, const struct rac_policy *p,
                            struct rac_json *body);

/* --- shared by the two files that carry policies out ------------------------------------------ */

struct rac_scope rac_policy_scope(struct rac_policy_run *run); /* missing, secret are cleared */
enum rac_call_code rac_policy_failed(struct rac_policy_run *run, const struct rac_policy *p,
                                     struct rac_call_error *e, const char *why);
void rac_policy_note(struct rac_policy_run *run, const struct rac_policy *p, const char *what);
/* dynamichosturl: scheme, host and, when there is one, base path of the request. */
enum rac_call_code rac_policy_set_host(struct rac_policy_run *run, const struct rac_policy *p,
                                       struct rac_call_error *e);
/* routerequesttoendpoint: path, query and method of the request. */
void rac_policy_set_path(struct rac_policy_run *run, const struct rac_policy *p);

/* --- answers ---------------------------------------------------------------------------------- */

struct rac_policy_answer {
    int status;
    struct rac_headers *headers; /* changed in place */
    struct rac_json *body;       /* JSON body, changed in place; NULL: none or not needed */
    bool body_changed;
    bool unauthenticated; /* the connection is to be marked */
};
/* Response policies, then failure policies when status >= 400 or 0 (transport error). */
enum rac_call_code rac_policies_response(struct rac_policy_run *run, struct rac_policy_answer *x,
                                         struct rac_call_error *e);

#endif
