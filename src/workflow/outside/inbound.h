/*
 * inbound - an HTTP request that calls a trigger: judged, and made into the trigger's outputs (spec
 * workflows §2.2). Also the outputs of webhook callbacks (§2.6, §3.5).
 *
 * Who may call is not asked here (definition/signature, definition/access), nor what is answered in the
 * end. A compiled trigger is immutable and may be shared by threads; it borrows the definition.
 *
 *     if (!rac_inbound_check_version(query, &fault) || ... authorized ... ||
 *         !rac_inbound_read(trigger, &request, a, &outputs, &fault))
 *         answer fault
 */
#ifndef RAC_WORKFLOW_INBOUND_H
#define RAC_WORKFLOW_INBOUND_H

#include "base/diag.h"
#include "base/fetch.h"
#include "json/json.h"
#include "workflow/definition/document.h"
#include "workflow/definition/fault.h"

enum { RAC_INBOUND_BYTES_MAX = 104857600, RAC_INBOUND_URL_MAX = 16384 };

struct rac_inbound_request {
    rac_str method;
    rac_str relative; /* path behind the trigger's URL, as received: "customers/7"; or absent */
    rac_str query;    /* as received, or absent */
    const struct rac_headers *headers;
    rac_str body;
};

struct rac_inbound; /* a trigger as seen from outside; in the arena of its compilation */

/*
 * trigger: the member of `triggers`; one that is no Request takes any method and no relative path
 * (webhooks). RAC_E_INVALID: its schema cannot be compiled, with errors in d (may be NULL) whose
 * pointers are below pointer; *out is filled all the same and refuses what it should have judged.
 */
rac_err rac_inbound_compile(enum rac_profile_kind profile, rac_str name,
                            const struct rac_json *trigger, rac_str pointer, struct rac_arena *a,
                            struct rac_inbound **out, struct rac_diags *d) RAC_MUST_CHECK;

/* *outputs in a, borrowing the request: {headers, queries?, relativePathParameters?, body?}. False:
 * refused with *fault. A body that is no JSON, or not as its schema says, is refused too. */
bool rac_inbound_read(const struct rac_inbound *t, const struct rac_inbound_request *r,
                      struct rac_arena *a, struct rac_json *outputs, struct rac_wf_fault *fault);

/* The part of that which holds for calls from inside too (Workflow actions, §3.4): a body that the
 * schema refuses, or NONE, is TriggerInputSchemaMismatch. */
bool rac_inbound_check_body(const struct rac_inbound *t, const struct rac_json *body,
                            struct rac_arena *a, struct rac_wf_fault *fault);

/* operationOptions of the trigger: does it say this word (letter case ignored)? */
bool rac_inbound_has_option(const struct rac_inbound *t, rac_str word);
/* What callers of POST listCallbackUrl are told; absent: any method, no relative path. */
rac_str rac_inbound_method(const struct rac_inbound *t);
rac_str rac_inbound_relative(const struct rac_inbound *t);
/* "schema" of the inputs, or NULL: for getSchemaJson and listSwagger. */
const struct rac_json *rac_inbound_schema(const struct rac_inbound *t);

/* api-version must be there and look like a date. */
bool rac_inbound_check_version(rac_str query, struct rac_wf_fault *fault);
/* 413 and 414; url_bytes: path and query. */
bool rac_inbound_check_size(size_t url_bytes, uint64_t body_bytes, struct rac_wf_fault *fault);
/* 400 WorkflowTriggerIsNotEnabled; message in a. */
void rac_inbound_disabled(rac_str workflow, rac_str trigger, rac_str state, struct rac_arena *a,
                          struct rac_wf_fault *fault);

#endif
