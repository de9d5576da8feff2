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

#include "workflow/definition/plan.h"

enum rac_secure_bits { RAC_SECURE_INPUTS = 1, RAC_SECURE_OUTPUTS = 2 };
enum rac_secure_words { RAC_SECURE_MESSAGES = 1, RAC_SECURE_TRACKED = 2, RAC_SECURE_EVALUATED = 4 };

struct rac_secure_values;

struct rac_secure {
    uint8_t trigger;        /* enum rac_secure_bits; of several triggers all together */
    const uint8_t *actions; /* the same, by place in the plan */
    bool any;               /* false: no inputs and outputs are hidden */
    uint8_t trigger_words;  /* enum rac_secure_words: what is said in words, and may quote values */
    const uint8_t *words;   /* the same, by place in the plan */
    const struct rac_secure_values *values; /* of secure parameters; NULL: none */
};

/*
 * Worked out once, by the compiler of plans, which keeps it as plan->secure (NULL in a plan made
 * otherwise: nothing is hidden).
 *
 * Hidden is what secureData.properties says, where a type allows it (and the outputs of actions
 * that repeat hidden inputs); then, one step further, the inputs of every action that refers to the
 * outputs of such an action (of Compose, ParseJson, Response and variables that are set, whose
 * outputs repeat their inputs, the outputs too). Nothing follows from those.
 *
 * Messages of an action are hidden when its inputs or outputs are, or when anything it evaluates
 * refers to something hidden. Those of one that refers to a secure parameter are hidden where they may
 * quote what was made of it: facts of a request (who could not be reached, how long it took) are told,
 * with the texts of secure parameters replaced. Its tracked properties when its inputs or
 * outputs are or they refer to something hidden.
 */
const struct rac_secure *rac_secure_of_plan(const struct rac_plan *p, struct rac_arena *a);

enum { RAC_SECURE_TRIGGER = UINT32_MAX }; /* in place of an action: the trigger */

/*
 * The one rule for messages: whether what is said about that action (its place in the plan) or the
 * trigger may quote something secret. Everything that keeps or shows a message, or something that was
 * worked out from values, asks here.
 */
bool rac_secure_hides(const struct rac_plan *p, uint32_t action);
/* Whether what it tracks is secret: trackedProperties; of the trigger the clientTrackingId it works
 * out, which is then what it would be without one. */
bool rac_secure_hides_tracked(const struct rac_plan *p, uint32_t action);
/* The same for facts of a request. */
bool rac_secure_hides_facts(const struct rac_plan *p, uint32_t action);
/* The message as it may be kept: itself, or a sentence that says it is hidden. */
rac_str rac_secure_message(const struct rac_plan *p, uint32_t action, rac_str message,
                           struct rac_arena *a);
/* The same for {code, message, ...}: where it is hidden nothing is left but the code and that
 * sentence; elsewhere texts of secure parameters are replaced. NONE stays. A code that others gave,
 * or that was worked out, is the caller's to look at. */
struct rac_json rac_secure_error(const struct rac_plan *p, uint32_t action,
                                 const struct rac_json *error, struct rac_arena *a);

/*
 * The outputs of a workflow, {name: {type, value | error}}, as they may be shown: one whose
 * definition refers to something hidden is {type?, "secureData": {"properties": ["outputs"]}}; the
 * message of one that refers to a secure parameter is hidden. Shares with `results` what does not
 * change.
 */
struct rac_json rac_secure_results(const struct rac_plan *p, const struct rac_json *results,
                                   struct rac_arena *a);

/* {"secureData": {"properties": [what]}}: what stands where something is hidden (§4.10). */
struct rac_json rac_secure_instead(const char *what, struct rac_arena *a);

/* What secureData hides of the trigger: enum rac_secure_bits. */
uint8_t rac_secure_of_trigger(const struct rac_plan *p);
/* Of an action by its place. */
uint8_t rac_secure_of_action(const struct rac_plan *p, uint32_t action);

/* May secureData name this on an action or trigger of that type? For the check of a definition. */
bool rac_secure_settable(rac_str type, enum rac_secure_bits bit);

/* Texts that are replaced. */
/*
 * declarations: the definition's `parameters`; values: name -> value, resolved (NULL: none), before
 * which `defaultValue` stands back. SecureString gives its text, SecureObject every string in it;
 * empty ones are none. NULL when there is nothing to hide: the usual case.
 */
const struct rac_secure_values *rac_secure_values_of(const struct rac_json *declarations,
                                                     const struct rac_json *values,
                                                     struct rac_arena *a);
/* Those of a plan's parameters, or NULL. */
const struct rac_secure_values *rac_secure_values_of_plan(const struct rac_plan *p);
/* v with "*sanitized*" in place of every string (not key) that is one of them, and of every one of
 * them with RAC_SECURE_PART_MIN bytes or more inside of a longer string, percent-encoded and quoted
 * as JSON too; shares with v what does not
 * change. values NULL: v. */
enum { RAC_SECURE_PART_MIN = 6 };
struct rac_json rac_secure_mask(const struct rac_secure_values *values, const struct rac_json *v,
                                struct rac_arena *a);
/* The same for the text of a JSON value; text that is none stays as it is. */
rac_str rac_secure_mask_text(const struct rac_secure_values *values, rac_str text,
                             struct rac_arena *a);
/* Would anything of v be replaced? values NULL: no. */
bool rac_secure_holds(const struct rac_secure_values *values, const struct rac_json *v,
                      struct rac_arena *a);

#endif
