/*
 * source - what commands call SRC: a package directory, a zip of one, a definition file, a URL,
 * `-` for standard input, or the name of a connector on the server named by --server.
 *
 * What exists on disk wins over a name on the server. Reading is capped while it happens.
 */
#ifndef RAC_CLI_SOURCE_H
#define RAC_CLI_SOURCE_H

#include "base/diag.h"
#include "cli/command.h"
#include "connector/package.h"
#include "http/client.h"

/*
 * Loads arg into *out (in a), unparsed. RAC_OK, or the failure with a diagnostic in d that says
 * what could not be read and why (RC-IMP-01 too large, RC-IMP-04 not reachable or not there).
 */
rac_err rac_cli_source_load(struct rac_cli *cli, const char *arg, size_t bytes_max,
                            struct rac_arena *a, struct rac_package **out,
                            struct rac_diags *d) RAC_MUST_CHECK;

/*
 * The exit status that fits a source that could not be used, the same for every command: 3 where
 * its bytes cannot be had or are neither JSON nor YAML, 1 where they say something else, 4 past a
 * limit. When d holds no error yet, a sentence is printed. d: what was found, printed already.
 */
int rac_cli_source_fail(struct rac_cli *cli, const char *src, rac_err e, const struct rac_diags *d);

bool rac_cli_is_url(rac_str s); /* http:// or https:// */

/*
 * How the command line reaches the network: settings egress.*, loopback allowed (architecture §5);
 * says so on stderr once when a loopback address is used. *guard is made in cli->a.
 */
rac_err rac_cli_http_options(struct rac_cli *cli,
                             struct rac_http_client_options *out) RAC_MUST_CHECK;

/* The same for a server that the user named: its address is trusted, whatever network it is in. */
rac_err rac_cli_server_options(struct rac_cli *cli,
                               struct rac_http_client_options *out) RAC_MUST_CHECK;

/* GET of url, at most 5 redirects, 30 s (connectors.md §2.1). *bytes in a; *why on failure. */
rac_err rac_cli_download(struct rac_cli *cli, rac_str url, size_t bytes_max, struct rac_arena *a,
                         rac_str *bytes, rac_str *why) RAC_MUST_CHECK;

#endif
