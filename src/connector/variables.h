/*
 * variables - environment variables of connectors: @environmentVariables("name") (§8.6).
 *
 * One table for the process: read once at start, before any other thread, and never changed after.
 * Connectors are compiled from their sources with the values of the running process, so a restart
 * with other values is a deployment of every connector. Values come from a file
 *     {"quai_Host": "api.quai.example", "quai_Secret": {"value": "…", "secret": true}}
 * and from RACCORD_VARIABLE_<name> in the environment, which wins. A secret one resolves only where
 * secrets belong: in a client secret.
 */
#ifndef RAC_CONNECTOR_VARIABLES_H
#define RAC_CONNECTOR_VARIABLES_H

#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"
#include "base/str.h"

/*
 * Reads and installs. text: of the file, JSON or YAML; absent: no file. environment: "NAME=value"
 * strings, NULL-ended, or NULL. The table lives in a, which must outlive its use. RAC_OK;
 * RAC_E_INVALID or RAC_E_SYNTAX with a diagnostic for every mistake, and nothing installed.
 */
rac_err rac_variables_read(rac_str text, rac_str file, char **environment, struct rac_arena *a,
                           struct rac_diags *d) RAC_MUST_CHECK;
void rac_variables_clear(void); /* as before the first read; for tests */

/* The value; absent when there is none, and for a secret unless the place may hold one. Exact name
 * first, then ignoring letter case. */
rac_str rac_variable(rac_str name, bool secret_place);
/*
 * text with every @environmentVariables("name") replaced by its value; text itself where there is
 * none. What has no value stays as it is, and *missing (may be NULL) is the first such name.
 */
rac_str rac_variables_expand(rac_str text, bool secret_place, struct rac_arena *a,
                             rac_str *missing);

#endif
