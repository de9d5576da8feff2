/* run_tree - what a run did, for people: a line an action, with durations, tries, and the
 * expression that failed underlined. */
#ifndef RAC_CLI_RUN_TREE_H
#define RAC_CLI_RUN_TREE_H

#include "cli/command.h"
#include "workflow/run/run.h"

void rac_cli_run_tree(struct rac_cli *cli, struct rac_run *r);

#endif
