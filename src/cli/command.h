/*
 * command - the command table and what every command shares.
 *
 * A command is a row of main/commands.def: words ("connector create"), a function, its options.
 * The same row prints --help, the manual page and shell completion. A command function gets a
 * struct rac_cli and returns an exit status; it prints results to cli->out and nothing else there,
 * diagnostics through cli/output.h to cli->err. Runs on the main thread.
 */
#ifndef RAC_CLI_COMMAND_H
#define RAC_CLI_COMMAND_H

#include "base/arena.h"
#include "base/base.h"
#include "base/config.h"
#include "base/env.h"

enum rac_exit {
    RAC_EXIT_OK = 0,
    RAC_EXIT_FINDINGS = 1,    /* findings, or a call or run that failed */
    RAC_EXIT_USAGE = 2,       /* wrong usage */
    RAC_EXIT_UNREACHABLE = 3, /* cannot reach or read */
    RAC_EXIT_REFUSED = 4,     /* permission, limit */
};

enum rac_format { RAC_FORMAT_TEXT, RAC_FORMAT_JSON, RAC_FORMAT_SARIF };

struct rac_option {
    const char *name;  /* without dashes; NULL ends the list */
    char letter;       /* short form, or 0 */
    const char *value; /* name of the value in help ("FILE"), or NULL for a switch */
    const char *help;
};

struct rac_cli;

struct rac_command {
    const char *words;    /* "validate", "connector create" */
    const char *synopsis; /* what follows the words: "SRC... [options]" */
    const char *summary;  /* one line */
    const char *details;  /* paragraphs and examples for --help, or NULL */
    const struct rac_option *options;
    int (*run)(struct rac_cli *cli);
    bool sarif; /* has --format sarif */
};

struct rac_cli_opt {
    const struct rac_option *option;
    const char *value; /* NULL for a switch */
};

struct rac_cli {
    const struct rac_command *command;
    struct rac_arena *a; /* lives as long as the command */
    const struct rac_env *env;
    FILE *out, *err;
    bool color_out, color_err; /* a terminal, and NO_COLOR is not set */
    bool progress;             /* stderr is a terminal: long work shows progress there */
    bool progress_shown;       /* a line of it stands there now */
    enum rac_format format;    /* --format */
    bool server_named;         /* --server or RACCORD_SERVER was given */
    rac_str server, token;     /* absent when there is none */
    struct rac_config *config; /* defaults, environment and --set; the file of --data comes later */
    char **args;               /* what is left: positional arguments */
    size_t args_n;
    struct rac_cli_opt *opts;
    size_t opts_n;
    char **environment;
};

/* Options every command has, besides its own: --help, --format, --server, --token-file, --set. */

/* Value of an option, the last one given; NULL when absent. A switch answers "". */
const char *rac_cli_opt(const struct rac_cli *cli, const char *name);
bool rac_cli_has(const struct rac_cli *cli, const char *name);
/* The i-th value of an option that may be repeated; NULL past the last. */
const char *rac_cli_opt_at(const struct rac_cli *cli, const char *name, size_t i);
const char *rac_cli_env(const struct rac_cli *cli, const char *name); /* NULL when unset */

/* Reads DIR/raccord.conf, the weakest source of settings after the defaults, where it is there.
 * RAC_EXIT_OK, or the exit status of a file that cannot be read or has a mistake, said on stderr.
 */
int rac_cli_data_config(struct rac_cli *cli, const char *dir);

/* Prints what is wrong and how to get help; returns RAC_EXIT_USAGE. */
int rac_cli_usage(struct rac_cli *cli, const char *fmt, ...) RAC_PRINTF(2, 3);

/* Finds and runs a command; the exit status of the process. */
int rac_cli_main(int argc, char **argv, char **environment, const struct rac_command *const *table,
                 size_t table_n);

/* The commands that live in this room; those of main/ are declared there. */
extern const struct rac_command rac_command_convert;
extern const struct rac_command rac_command_show;
extern const struct rac_command rac_command_call;
extern const struct rac_command rac_command_config;
extern const struct rac_command rac_command_eval;
extern const struct rac_command rac_command_run;
extern const struct rac_command rac_command_validate;
extern const struct rac_command rac_command_version;

#endif
