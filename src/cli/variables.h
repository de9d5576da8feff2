/*
 * variables - environment variables that a solution ships with values: parameters of its flows name
 * them in metadata.schemaName, and environmentvariabledefinitions/NAME/environmentvariablevalues.json
 * says what they are. Their defaults stand in the flows already.
 */
#ifndef RAC_CLI_VARIABLES_H
#define RAC_CLI_VARIABLES_H

#include "json/json.h"

struct rac_cli_variable {
    rac_str name;  /* of its folder */
    rac_str value; /* as text, whatever its type */
};

/* The value in an environmentvariablevalues.json, in a. False: it says none. */
bool rac_cli_variable_read(rac_str text, struct rac_arena *a, struct rac_cli_variable *out);
/* {parameter: {"value"}} of a flow's file, in a; NONE: none of its parameters has one that fits. */
struct rac_json rac_cli_variable_values(rac_str flow, const struct rac_cli_variable *v, size_t n,
                                        struct rac_arena *a);

#endif
