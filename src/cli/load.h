/*
 * load - from SRC to something compiled: what `show` and `call` share.
 *
 * Descriptions that are not OpenAPI 2.0 are converted on the way (losses are not their business and
 * stay silent), and a definition without properties gets the connection parameters its security
 * scheme asks for, as registering it would do.
 */
#ifndef RAC_CLI_LOAD_H
#define RAC_CLI_LOAD_H

#include "cli/command.h"
#include "connector/connector.h"
#include "connector/package.h"

/* Loads and reads SRC. The package's documents are OpenAPI 2.0 and properties afterwards. */
rac_err rac_cli_package(struct rac_cli *cli, const char *src, struct rac_arena *a,
                        struct rac_package **out, struct rac_diags *d) RAC_MUST_CHECK;
/* The same, compiled; the package's memory is gone again. *out is owned. d lives on. */
rac_err rac_cli_connector(struct rac_cli *cli, const char *src, struct rac_connector **out,
                          struct rac_diags *d) RAC_MUST_CHECK;

#endif
