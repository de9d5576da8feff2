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

struct rac_converted;
struct rac_document;

/* rac_convert of what came from SRC: files beside a local one may be referred to, a URL resolves
 * relative servers, OpenID Connect endpoints are asked for unless offline. */
rac_err rac_cli_convert(struct rac_cli *cli, const char *src, bool offline,
                        struct rac_document *doc, struct rac_arena *a, struct rac_converted *out,
                        struct rac_diags *losses) RAC_MUST_CHECK;
/* Loads and reads SRC. The package's documents are OpenAPI 2.0 and properties afterwards. */
rac_err rac_cli_package(struct rac_cli *cli, const char *src, struct rac_arena *a,
                        struct rac_package **out, struct rac_diags *d) RAC_MUST_CHECK;
/* The same, compiled; the package's memory is gone again. *out is owned. d lives on. */
rac_err rac_cli_connector(struct rac_cli *cli, const char *src, struct rac_connector **out,
                          struct rac_diags *d) RAC_MUST_CHECK;

#endif
