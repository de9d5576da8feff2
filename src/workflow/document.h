/*
 * document - any form in which a workflow is published, reduced to one: definition, parameter
 * values, connections, settings (spec workflows §1.2).
 *
 * A Consumption document (code view, ARM resource, ARM template, bare definition), a Standard app
 * folder or its workflow.json, a Flow definition (legacy package or solution form) or a zip of one.
 * The profile changes limits and defaults only. Values live in the arena and borrow the texts.
 */
#ifndef RAC_WORKFLOW_DOCUMENT_H
#define RAC_WORKFLOW_DOCUMENT_H

#include "base/arena.h"
#include "base/diag.h"
#include "json/json.h"

struct rac_document; /* openapi/read.h: text with the place of every node */

enum rac_profile_kind { RAC_WF_CONSUMPTION, RAC_WF_STANDARD, RAC_WF_FLOW };

struct rac_workflow {
    enum rac_profile_kind profile;
    rac_str name; /* "" when the document does not say */
    rac_str kind; /* Standard: "Stateful", "Stateless", "Agentic", "Agent"; absent otherwise */
    bool stateless;
    struct rac_document *doc;          /* the file the definition stands in */
    const struct rac_json *definition; /* object with triggers and actions */
    rac_str pointer;             /* of the definition inside its file: "/properties/definition" */
    struct rac_json parameters;  /* name -> {value} as the document or the app gives them */
    struct rac_json connections; /* Standard connections.json, or an empty object */
    struct rac_json references;  /* Flow connectionReferences, or an empty object */
    struct rac_json settings;    /* app settings: name -> text */
    bool is_template;            /* from an ARM template with values nobody can know */
    struct rac_arena *a;
};

/* True when a parsed file looks like a workflow in any of its forms. */
bool rac_workflow_is(const struct rac_json *root);

/*
 * Reduces a parsed file. RAC_OK; RAC_E_INVALID with diagnostics (InvalidTemplate,
 * InvalidTemplateDeployment, InvalidWorkflowKind). *out in a, borrowing doc.
 */
rac_err rac_workflow_of_document(struct rac_document *doc, struct rac_arena *a,
                                 struct rac_workflow **out, struct rac_diags *d) RAC_MUST_CHECK;

/* Adds the Standard app's files that stand beside workflow.json; each may be absent (empty). */
rac_err rac_workflow_add_app(struct rac_workflow *w, rac_str connections, rac_str parameters,
                             rac_str local_settings, struct rac_diags *d) RAC_MUST_CHECK;

#endif
