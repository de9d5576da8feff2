/* manage - what the management commands (connector, connection, token, user) share. */
#ifndef RAC_CLI_MANAGE_H
#define RAC_CLI_MANAGE_H

#include "cli/remote.h"

/* Runs fn with a server at hand, closes it, returns fn's exit status. */
int rac_manage(struct rac_cli *cli, int (*fn)(struct rac_cli *cli, struct rac_remote *r));
/* Exactly n positional arguments, at least; or usage. */
bool rac_manage_args(struct rac_cli *cli, size_t least, size_t most, int *status);
/* {"NAME": VALUE} from NAME=VALUE arguments from index `from` on; a value that begins with { or [
 * is JSON, one that begins with @ a file. False: said what is wrong. */
bool rac_manage_values(struct rac_cli *cli, size_t from, struct rac_json *out);
/* GET path, printed: JSON, or "key: value" lines of its members in order. */
int rac_manage_show(struct rac_cli *cli, struct rac_remote *r, rac_str path);
void rac_manage_print(struct rac_cli *cli, const struct rac_json *v);
/* Asks on a terminal; false without one. */
bool rac_manage_ask(struct rac_cli *cli, const char *question);

extern const struct rac_command rac_command_connector_create, rac_command_connector_update,
    rac_command_connector_list, rac_command_connector_show, rac_command_connector_download,
    rac_command_connector_delete, rac_command_connector_validate, rac_command_connector_share;
extern const struct rac_command rac_command_connection_create, rac_command_connection_list,
    rac_command_connection_show, rac_command_connection_update, rac_command_connection_test,
    rac_command_connection_consent, rac_command_connection_invoke, rac_command_connection_key,
    rac_command_connection_delete;
extern const struct rac_command rac_command_token_create, rac_command_token_list,
    rac_command_token_revoke;
extern const struct rac_command rac_command_user_create, rac_command_user_list,
    rac_command_user_show, rac_command_user_update, rac_command_user_delete;
extern const struct rac_command rac_command_tenant_create, rac_command_tenant_list;

#endif
