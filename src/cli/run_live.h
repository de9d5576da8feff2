/*
 * run_live - a workflow run once by an engine of its own: a private loop, real calls, real timers;
 * nothing is kept. Workflows beside it run in the same engine when one calls another. With a fixed clock time stands still while something is done and jumps over
 * waits.
 */
#ifndef RAC_CLI_RUN_LIVE_H
#define RAC_CLI_RUN_LIVE_H

#include "cli/artifacts.h"
#include "cli/command.h"
#include "workflow/run/run.h"

struct rac_run_live {
    const struct rac_plan *plan;
    rac_str name;                      /* of the workflow */
    const struct rac_run_host *host;   /* NULL: none */
    const struct rac_json *trigger;    /* outputs; NULL: none */
    const struct rac_json *connectors; /* reference -> {connector, connection}; NULL: none */
    const struct rac_cli_artifacts *artifacts; /* its maps and schemas; NULL: none */
    bool waits;                                /* a Response has somebody to answer */
    rac_ms clock_ms;                           /* fixed clock; 0: the real one */
    /* A workflow beside it, by name; what is wrong with it is said. NULL: there is none. */
    const struct rac_plan *(*sibling)(void *arg, rac_str name);
    /* Called once, when the run has ended; before the runs of others it started and left. */
    void (*ended)(void *arg, struct rac_run *r);
    void *arg;
};
/* RAC_OK once ended was called; what was found wrong otherwise is printed. */
rac_err rac_cli_run_live(struct rac_cli *cli, const struct rac_run_live *o) RAC_MUST_CHECK;

#endif
