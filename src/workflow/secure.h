/*
 * secure - what of a run may never be shown (spec workflows §4.10, §1.3). Values still flow through
 * expressions; it is history and the API that must not have them.
 *
 * Two things: which inputs and outputs of a plan are hidden, worked out once per plan; and values of
 * secure parameters, which are "*sanitized*" wherever they are recorded as a whole string. Results
 * are immutable, any thread; they live in the arena given.
 */
#ifndef RAC_WORKFLOW_SECURE_H
#define RAC_WORKFLOW_SECURE_H

#include "workflow/plan.h"

enum rac_secure_bits { RAC_SECURE_INPUTS = 1, RAC_SECURE_OUTPUTS = 2 };

struct rac_secure {
    uint8_t trigger;        /* enum rac_secure_bits */
    const uint8_t *actions; /* by place in the plan */
    bool any;               /* false: nothing is hidden */
};

/*
 * Hidden is what secureData.properties says, where a type allows it; then, one step further, the
 * inputs of every action that refers to the outputs of such an action (of Compose, ParseJson,
 * Response and SetVariable, whose outputs repeat their inputs, the outputs too). Nothing follows
 * from those.
 */
void rac_secure_of_plan(const struct rac_plan *p, struct rac_arena *a, struct rac_secure *out);

/*
 * The outputs of a workflow, {name: {type, value | error}}, as they may be shown: one whose
 * definition refers to something hidden is {type?, "secureData": {"properties": ["outputs"]}}.
 * Shares with `results` what does not change.
 */
struct rac_json rac_secure_results(const struct rac_plan *p, const struct rac_secure *hidden,
                                   const struct rac_json *results, struct rac_arena *a);

/* {"secureData": {"properties": [what]}}: what stands where something is hidden (§4.10). */
struct rac_json rac_secure_instead(const char *what, struct rac_arena *a);

/* What secureData hides of the trigger: enum rac_secure_bits. */
uint8_t rac_secure_of_trigger(const struct rac_plan *p);

/* May secureData name this on an action or trigger of that type? For the check of a definition. */
bool rac_secure_settable(rac_str type, enum rac_secure_bits bit);

/* Texts that are replaced. */
struct rac_secure_values;
/*
 * declarations: the definition's `parameters`; values: name -> value, resolved (NULL: none), before
 * which `defaultValue` stands back. SecureString gives its text, SecureObject every string in it;
 * empty ones are none. NULL when there is nothing to hide: the usual case.
 */
const struct rac_secure_values *rac_secure_values_of(const struct rac_json *declarations,
                                                     const struct rac_json *values,
                                                     struct rac_arena *a);
/* Those of a plan's parameters. */
const struct rac_secure_values *rac_secure_values_of_plan(const struct rac_plan *p,
                                                          struct rac_arena *a);
/* v with "*sanitized*" in place of every string (not key) that is one of them; shares with v what
 * does not change. values NULL: v. */
struct rac_json rac_secure_mask(const struct rac_secure_values *values, const struct rac_json *v,
                                struct rac_arena *a);
/* The same for the text of a JSON value; text that is none stays as it is. */
rac_str rac_secure_mask_text(const struct rac_secure_values *values, rac_str text,
                             struct rac_arena *a);

#endif
