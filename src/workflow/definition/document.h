/*
 * document - any form in which a workflow is published, reduced to one: definition, parameter
 * values, connections, settings (spec workflows §1.2).
 *
 * A Consumption document (code view, ARM resource, ARM template, bare definition), a Standard app
 * folder or its workflow.json, a Flow definition (legacy package or solution form), or the record
 * of a run with its definition (§7.4).
 * The profile changes limits and defaults only. Values live in the arena and borrow the texts.
 */
#ifndef RAC_WORKFLOW_DOCUMENT_H
#define RAC_WORKFLOW_DOCUMENT_H

#include "base/arena.h"
#include "base/diag.h"
#include "json/json.h"

struct rac_document; /* openapi/read.h: text with the place of every node */

enum rac_profile_kind { RAC_WF_CONSUMPTION, RAC_WF_STANDARD, RAC_WF_FLOW };

struct rac_workflow_place {
    uint32_t line, column;
};

struct rac_workflow {
    enum rac_profile_kind profile;
    rac_str name; /* "" when the document does not say */
    rac_str kind; /* Standard: "Stateful", "Stateless", "Agentic", "Agent"; absent otherwise */
    bool stateless;
    struct rac_document *doc; /* the file the definition stands in; of a linked template its
                                          own, which is called by its path */
    const struct rac_json *definition; /* object with triggers and actions */
    rac_str pointer;            /* of the definition inside its file: "/properties/definition" */
    struct rac_json parameters; /* name -> {value, type?} as the document or the app gives them */
    rac_str parameters_pointer; /* of these inside the file */
    bool values_complete;       /* a parameter without a value here has none */
    const struct rac_json *access; /* accessControl (§5.3), or NULL */
    rac_str access_pointer;
    bool gallery; /* a template nobody has installed yet: it has "#workflowname#" in its names */
    struct rac_json connections;        /* Standard connections.json, or an empty object */
    bool connections_known;             /* it was at hand */
    struct rac_json references;         /* Flow connectionReferences, or an empty object */
    struct rac_json settings;           /* app settings: name -> text */
    struct rac_workflow_place *repeats; /* keys of the file that stand twice in their object */
    size_t repeats_n;
    bool is_template;         /* from an ARM template with values nobody can know */
    struct rac_json resource; /* of a template: the workflow's, resolved; else NONE */
    bool again; /* of a template: the resource of one before it, made once more by a copy */
    struct rac_arena *a;
};

/* The files beside a document, for what its templates link to. */
struct rac_workflow_files {
    /* The one at path, which leads nowhere outside of the folder by itself; bytes in a.
     * RAC_E_NOT_FOUND; RAC_E_DENIED, RAC_E_LIMIT: not to be read. */
    rac_err (*read)(void *self, rac_str path, struct rac_arena *a, rac_str *bytes);
    void *self;
    rac_str file; /* the path of the document itself */
};

/*
 * Reduces a parsed file. files may be NULL: what it links to is not read. Most hold one workflow; an ARM template may deploy several, or none. What
 * is wrong with the form is said in d (InvalidTemplate, InvalidTemplateDeployment,
 * InvalidWorkflowKind) and RAC_E_INVALID returned; *out, in a and borrowing doc, is set all the
 * same, so that the rest can be checked.
 */
rac_err rac_workflows_of_document(struct rac_document *doc, const struct rac_workflow_files *files,
                                  struct rac_arena *a, struct rac_workflow ***out, size_t *n,
                                  struct rac_diags *d) RAC_MUST_CHECK;
/* The first of them; *out is set on RAC_OK only. A file without any is RAC_E_INVALID. */
rac_err rac_workflow_of_document(struct rac_document *doc, const struct rac_workflow_files *files,
                                 struct rac_arena *a, struct rac_workflow **out,
                                 struct rac_diags *d) RAC_MUST_CHECK;
/* The one of a template that has that name, letter case ignored; RAC_E_NOT_FOUND: there is none.
 * What is wrong with the others does not matter. */
rac_err rac_workflow_of_template(struct rac_document *doc, const struct rac_workflow_files *files,
                                 rac_str name, struct rac_arena *a, struct rac_workflow **out,
                                 struct rac_diags *d) RAC_MUST_CHECK;

/* Adds the Standard app's files that stand beside workflow.json; each may be absent (empty). */
rac_err rac_workflow_add_app(struct rac_workflow *w, rac_str connections, rac_str parameters,
                             rac_str local_settings, struct rac_diags *d) RAC_MUST_CHECK;

/* Is {type, ...} that of a secure parameter (§1.3)? NULL: no. */
bool rac_workflow_declares_secure(const struct rac_json *declaration);
/* Does the definition declare the parameter as a secure one, or its value, as those of
 * parameters.json do, which may have no other declaration? */
bool rac_workflow_parameter_is_secure(const struct rac_workflow *w, rac_str name);

/* 'k' of "@parameters('$connections')['k']['connectionId']", and of the same read out of the header
 * 'X-MS-APIM-Tokens', as flows that use the connections of their caller have it; absent otherwise. */
rac_str rac_workflow_connection_key(rac_str expression);

#endif
