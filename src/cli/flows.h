/*
 * flows - the workflow files of a SRC: a workflow file, the folder of a Standard workflow or of a
 * whole app, an unpacked or zipped package of flows (spec workflows §1.2).
 *
 * Where there is none of these, the ARM template of a folder or zip: template.json with
 * parameters.json, as the portal exports them, azuredeploy.json, mainTemplate.json, main.json. What a
 * template links to by a relative path is read from the same folder or zip.
 *
 * A Standard app's connections.json, parameters.json and local.settings.json are read where they
 * stand, one folder above the workflow's; in a zip, too. "SRC#NAME" is one workflow of several.
 */
#ifndef RAC_CLI_FLOWS_H
#define RAC_CLI_FLOWS_H

#include "cli/command.h"
#include "workflow/definition/document.h"

struct rac_document;

struct rac_cli_flow {
    rac_str file; /* below SRC; absent: SRC itself */
    rac_str text;
    rac_str connections, parameters, settings; /* texts of the app's files; absent: not there */
    struct rac_json values; /* of a solution: {parameter: {"value"}} by its environment variables */
    rac_str given, given_file; /* of a template: its parameters file, and how that is called */
    rac_str named, named_file; /* the one that was named instead: {name: value} comes on top */
    bool is_template;          /* known by the name of its file, in a folder or zip */
    rac_str wanted;            /* the workflow of that template that SRC#NAME says; absent: any */
    struct rac_workflow_files files; /* of a template: those it may link to; read NULL: none */
};

/* What a template may link to; NULL: nothing. */
static inline const struct rac_workflow_files *rac_cli_flow_files(const struct rac_cli_flow *f)
{
    return f->files.read != NULL ? &f->files : NULL;
}

/* SRC without "#NAME", in the command's arena; SRC itself when that is its name. */
const char *rac_cli_flows_place(struct rac_cli *cli, const char *src);
/* Whether file, below SRC, is the workflow that somebody calls name: its path, "Child" or the guid of
 * Workflows/Child-GUID.json, the folder of workflow.json. */
bool rac_cli_flow_is(rac_str file, rac_str name);
/* "hello" of hello.json, hello/ and hello/workflow.json, as a name may be; absent: the path says
 * nothing. */
rac_str rac_cli_flow_name(struct rac_cli *cli, rac_str path);
/* Says that SRC holds no workflow, and what would be one; returns the exit status. */
int rac_cli_no_flow(struct rac_cli *cli, const char *src);
/* Lists them, unparsed, in a, by name. *n 0 when SRC holds none: not a workflow, or not there. */
rac_err rac_cli_flows(struct rac_cli *cli, const char *src, struct rac_arena *a,
                      struct rac_cli_flow **out, size_t *n, struct rac_diags *d) RAC_MUST_CHECK;
/* The app's files beside a workflow file at path, whose text out has; or, beside a template, its
 * parameters file: NAME.parameters.json of NAME.json, parameters.json of template.json. */
void rac_cli_flow_app(struct rac_cli *cli, const char *path, struct rac_arena *a,
                      struct rac_cli_flow *out);
/* Adds them to a Standard workflow, and to a flow the values of its solution; RAC_E_INVALID with
 * diagnostics when one is not JSON. */
rac_err rac_cli_flow_add_app(struct rac_workflow *w, const struct rac_cli_flow *f,
                             struct rac_diags *d) RAC_MUST_CHECK;
/* Gives a template the values of its parameters file, before its workflows are read; of anything
 * else: nothing. RAC_E_INVALID with diagnostics when the file is not JSON. */
rac_err rac_cli_flow_give(struct rac_document *doc, const struct rac_cli_flow *f,
                          struct rac_diags *d) RAC_MUST_CHECK;
/* raccord show, when SRC holds workflows: prints them, *status is the exit status. False: it does
 * not. */
bool rac_cli_show_flows(struct rac_cli *cli, struct rac_arena *a, int *status);

#endif
