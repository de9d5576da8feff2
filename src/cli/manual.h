/*
 * manual - manual pages (scdoc) and shell completion, printed from the command table.
 */
#ifndef RAC_CLI_MANUAL_H
#define RAC_CLI_MANUAL_H

#include "cli/command.h"

/* raccord(1): every command with its options; the text scdoc reads. */
void rac_cli_manual(FILE *to, const struct rac_command *const *table, size_t table_n);
/* raccord.conf(5): every setting. */
void rac_cli_manual_conf(FILE *to);
/* Completion of commands and options for bash; zsh reads it through bashcompinit. */
void rac_cli_completion(FILE *to, const struct rac_command *const *table, size_t table_n);

extern const struct rac_option rac_cli_common_options[];

#endif
