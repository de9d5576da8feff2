/*
 * mocks - the file of `raccord run --mocks`: what actions answer instead of being executed.
 *
 * {"Name": {status?, code?, error?, outputs?}}, or an array of these, an entry per execution (the
 * last one stands for those that follow). Names are those of actions, letter case ignored, also of
 * actions in workflows that are called. null and an empty array are as good as absent.
 */
#ifndef RAC_CLI_MOCKS_H
#define RAC_CLI_MOCKS_H

#include "cli/command.h"
#include "workflow/run/run.h"

struct rac_cli_mocks {
    const char *path; /* NULL: there are none */
    rac_str text;
    struct rac_json file; /* an object */
    bool *used;           /* by member: an action has that name */
};

/* Reads the file of --mocks, in cli->a. What is wrong with it is printed; the exit status. */
int rac_cli_mocks_read(struct rac_cli *cli, struct rac_cli_mocks *m);
/* Marks what the actions of a plan take. */
void rac_cli_mocks_match(struct rac_cli_mocks *m, const struct rac_plan *p);
/* Warns of names that no plan so far has an action for; p is the workflow that runs. */
void rac_cli_mocks_unused(struct rac_cli *cli, const struct rac_cli_mocks *m,
                          const struct rac_plan *p);
/* Answers from m, which is borrowed. */
struct rac_run_host rac_cli_mocks_host(struct rac_cli_mocks *m);

#endif
