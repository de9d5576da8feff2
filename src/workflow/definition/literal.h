/*
 * literal - what can be known of a string of a definition before it is evaluated. Any thread.
 */
#ifndef RAC_WORKFLOW_LITERAL_H
#define RAC_WORKFLOW_LITERAL_H

#include "base/base.h"

/* True when s holds an expression: "@f()", text with "@{f()}", or "[f()]" of an ARM template.
 * *head, *tail: the literal text its value begins and ends with (empty: unknown); "Mon@{x}". */
bool rac_literal_split(rac_str s, rac_str *head, rac_str *tail);

#endif
