/*
 * flow_document - the one form in which a workflow is stored, whatever it was handed in as.
 *
 *     {"profile", "kind"?, "definition", "parameters", "connectionReferences"?, "location"?,
 *      "tags"?, "identity"?, "accessControl"?, "integrationAccount"?, "endpointsConfiguration"?,
 *      "runtimeConfiguration"?, "description"?}
 *
 * and, sealed beside it, {"parameters"?, "connections"?, "settings"?}: values of secure parameters,
 * connections.json and app settings of a Standard app, which hold keys. A document of this form is
 * itself one that workflow/definition/document reads. Pure: any thread.
 */
#ifndef RAC_API_FLOW_DOCUMENT_H
#define RAC_API_FLOW_DOCUMENT_H

#include "workflow/definition/document.h"

/* What was handed in, in an arena. */
struct rac_flow_document {
    struct rac_workflow *workflow;      /* with its secrets in their places: for checks and plans */
    struct rac_json resource;           /* as stored */
    struct rac_json secrets;            /* as sealed */
    rac_str name, state;                /* said by the document; absent: not */
    bool has_connections, has_settings; /* it brought these, so they replace what was there */
};

/*
 * Any document of §1.2: code view, bare, ARM resource or template, Standard workflow.json
 * (connections, parameters and appSettings beside it or under "files"), flow; or a zip of a flow
 * package. RAC_OK; RAC_E_INVALID with diagnostics; RAC_E_SYNTAX, RAC_E_LIMIT.
 */
rac_err rac_flow_document_read(rac_str bytes, rac_str name, size_t bytes_max, struct rac_arena *a,
                               struct rac_flow_document *out, struct rac_diags *d) RAC_MUST_CHECK;

/* Back from the store: document and secrets (absent: none). The workflow borrows both. */
rac_err rac_flow_document_open(rac_str document, rac_str secrets, struct rac_arena *a,
                               struct rac_flow_document *out, struct rac_diags *d) RAC_MUST_CHECK;

#endif
