/*
 * deployment - what settings install for the whole process: values of environment variables (the
 * file of connector.variables_file), OAuth providers (oauth.providers_file) and the issuers that
 * policies of workflows may name (workflow.issuers). Read before a command does anything, so that a
 * mistake in them is told at start.
 */
#ifndef RAC_CLI_DEPLOYMENT_H
#define RAC_CLI_DEPLOYMENT_H

#include "cli/command.h"

/* Reads and installs them, for the whole process, by the settings as they are now. RAC_EXIT_OK, or
 * the exit status of a file that cannot be read or is wrong, said on stderr. */
int rac_cli_deployment(struct rac_cli *cli);

#endif
