/*
 * deployment - the files that settings name beside the settings themselves: values of environment
 * variables (connector.variables_file) and OAuth providers (oauth.providers_file). Read before a
 * command does anything, so that a mistake in them is told at start.
 */
#ifndef RAC_CLI_DEPLOYMENT_H
#define RAC_CLI_DEPLOYMENT_H

#include "cli/command.h"

/* Reads and installs both, for the whole process, by the settings as they are now. RAC_EXIT_OK, or
 * the exit status of a file that cannot be read or is wrong, said on stderr. */
int rac_cli_deployment(struct rac_cli *cli);

#endif
