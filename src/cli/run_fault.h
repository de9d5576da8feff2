/*
 * run_fault - the expression because of which an action failed, shown to people: its place in the
 * action, its text, the part that failed underlined.
 */
#ifndef RAC_CLI_RUN_FAULT_H
#define RAC_CLI_RUN_FAULT_H

#include "cli/command.h"
#include "json/json.h"

struct rac_cli_fault {
    rac_str place; /* "inputs.body.list[1]" */
    rac_str text;  /* of the template */
    size_t offset, length;
};

/* From what a server answers as expression traces of an action (spec workflows §7.4); in a. False:
 * they blame none. */
bool rac_cli_fault_of_traces(const struct rac_json *traces, struct rac_arena *a,
                             struct rac_cli_fault *out);
/* A whole template that failed, part unknown. */
struct rac_cli_fault rac_cli_fault_of_text(rac_str place, rac_str text);
/* On stdout. The place is told where the action has more than one. */
void rac_cli_fault_print(struct rac_cli *cli, int indent, const struct rac_cli_fault *f);

#endif
