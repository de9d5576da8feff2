/*
 * artifacts - the maps and schemas beside a workflow: Artifacts/Maps and Artifacts/Schemas of the
 * Standard app a SRC belongs to (a workflow file, its folder, the app's folder, or a zip of it).
 */
#ifndef RAC_CLI_ARTIFACTS_H
#define RAC_CLI_ARTIFACTS_H

#include "cli/command.h"
#include "workflow/definition/artifact.h"

struct rac_cli_artifact {
    enum rac_artifact_kind kind;
    rac_str file;  /* "Orders.xslt" */
    rac_str path;  /* absent: it came out of a zip */
    rac_str bytes; /* of a zip */
};
struct rac_cli_artifacts {
    struct rac_cli_artifact *v;
    size_t n;
};

/* Lists them in a; none is fine. */
void rac_cli_artifacts_list(struct rac_cli *cli, const char *src, struct rac_arena *a,
                            struct rac_cli_artifacts *out);
/* By file name, then without the extension, letter case ignored; NULL: there is none. */
const struct rac_cli_artifact *rac_cli_artifacts_get(const struct rac_cli_artifacts *list,
                                                     enum rac_artifact_kind kind, rac_str name);
/* What is in it, in a; what it is goes by its extension. RAC_E_... with *why. */
rac_err rac_cli_artifact_read(struct rac_cli *cli, const struct rac_cli_artifact *x,
                              struct rac_arena *a, struct rac_artifact_content *out,
                              rac_str *why) RAC_MUST_CHECK;

#endif
