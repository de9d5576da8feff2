/* commands - the commands that live in main/ because they need the whole program. */
#ifndef RAC_MAIN_COMMANDS_H
#define RAC_MAIN_COMMANDS_H

#include "cli/command.h"
#include "cli/resource.h"

extern const struct rac_command rac_command_serve;
extern const struct rac_command rac_command_demo;
extern const struct rac_command rac_command_backup;
extern const struct rac_command rac_command_restore;
extern const struct rac_command rac_command_key_rotate;
extern const struct rac_command rac_command_token_recover;

#endif
