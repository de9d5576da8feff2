/*
 * options - `operationOptions` of triggers and actions (spec workflows §2.12): words with commas,
 * white space or both between them, in any letter case. Any thread.
 */
#ifndef RAC_WORKFLOW_OPTIONS_H
#define RAC_WORKFLOW_OPTIONS_H

#include "json/json.h"

/* Those of a trigger or an action, as written; empty: none, or no string. */
rac_str rac_options_of(const struct rac_json *node);
/* Takes the next word off rest; false: there is none left. */
bool rac_options_next(rac_str *rest, rac_str *word);
bool rac_options_have(rac_str options, rac_str word);

#endif
