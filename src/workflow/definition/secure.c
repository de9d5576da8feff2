#include "workflow/definition/secure.h"

#include "base/str.h"
#include "workflow/definition/secure_priv.h"

/* --- types ------------------------------------------------------------------------------------- */

/* §4.10: neither of these, and the first four only their inputs. */
static const struct {
    rac_str type;
    unsigned not_settable;
} exceptions[] = {
    {RAC_S_INIT("Compose"), RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("ParseJson"), RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("Response"), RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("Wait"), RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("InitializeVariable"), RAC_SECURE_INPUTS | RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("SetVariable"), RAC_SECURE_INPUTS | RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("IncrementVariable"), RAC_SECURE_INPUTS | RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("DecrementVariable"), RAC_SECURE_INPUTS | RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("AppendToArrayVariable"), RAC_SECURE_INPUTS | RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("AppendToStringVariable"), RAC_SECURE_INPUTS | RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("Foreach"), RAC_SECURE_INPUTS | RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("If"), RAC_SECURE_INPUTS | RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("Scope"), RAC_SECURE_INPUTS | RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("Switch"), RAC_SECURE_INPUTS | RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("Terminate"), RAC_SECURE_INPUTS | RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("Until"), RAC_SECURE_INPUTS | RAC_SECURE_OUTPUTS},
    {RAC_S_INIT("Recurrence"), RAC_SECURE_INPUTS | RAC_SECURE_OUTPUTS},
};
static const rac_str repeating[] = {
    RAC_S_INIT("Compose"),     RAC_S_INIT("ParseJson"),         RAC_S_INIT("Response"),
    RAC_S_INIT("SetVariable"), RAC_S_INIT("IncrementVariable"), RAC_S_INIT("DecrementVariable")};

bool rac_secure_settable(rac_str type, enum rac_secure_bits bit)
{
    for (size_t i = 0; i < RAC_COUNT(exceptions); i++)
        if (rac_str_eqi(type, exceptions[i].type))
            return (exceptions[i].not_settable & bit) == 0;
    return true;
}

static bool repeats_inputs(rac_str type)
{
    for (size_t i = 0; i < RAC_COUNT(repeating); i++)
        if (rac_str_eqi(type, repeating[i]))
            return true;
    return false;
}

/* --- a plan ------------------------------------------------------------------------------------ */

static uint8_t said(const struct rac_json *node, rac_str type)
{
    const struct rac_json *data =
        rac_json_geti(rac_json_geti(node, RAC_S("runtimeConfiguration")), RAC_S("secureData"));
    uint8_t bits = 0;
    const struct rac_json *list = rac_json_geti(data, RAC_S("properties"));
    RAC_JSON_EACH(e, list)
    {
        rac_str word = rac_json_str(e, RAC_S(""));
        bits |= rac_str_eqi(word, RAC_S("inputs"))    ? RAC_SECURE_INPUTS
                : rac_str_eqi(word, RAC_S("outputs")) ? RAC_SECURE_OUTPUTS
                                                      : 0;
    }
    if (!rac_secure_settable(type, RAC_SECURE_INPUTS))
        bits &= (uint8_t)~RAC_SECURE_INPUTS;
    if (!rac_secure_settable(type, RAC_SECURE_OUTPUTS))
        bits &= (uint8_t)~RAC_SECURE_OUTPUTS;
    return bits;
}

/* What is found in the calls of an expression. */
struct look {
    const struct rac_plan *p;
    const uint8_t *own; /* what makes whoever refers to it hidden, by action */
    uint8_t trigger;
    bool hidden; /* it refers to something of the above */
    bool secret; /* or to a secure parameter */
};

/* Does anything inside of an action (a scope whose results are read) hide something? */
static bool inside(const struct look *l, uint32_t action)
{
    for (uint32_t i = 0; i < l->p->actions_n; i++) {
        if (l->own[i] == 0)
            continue;
        for (uint32_t up = l->p->graphs[l->p->actions[i].graph].owner; up != UINT32_MAX;
             up = l->p->graphs[l->p->actions[up].graph].owner)
            if (up == action)
                return true;
    }
    return false;
}

static bool any_hidden(const struct look *l)
{
    for (uint32_t i = 0; i < l->p->actions_n; i++)
        if (l->own[i] != 0)
            return true;
    return false;
}

static const struct rac_json *declarations_of(const struct rac_plan *p)
{
    return &p->declared;
}

/* A name that is worked out may be any. */
static void call(void *arg, const struct rac_expr_call *c)
{
    struct look *l = arg;
    if (rac_str_startsi(c->name, RAC_S("trigger"))) /* trigger(), triggerBody(), ... */
        l->hidden = l->hidden || l->trigger != 0;
    if (c->ref == RAC_EXPR_REF_PARAMETERS)
        l->secret = l->secret || (c->literal ? secure_declared(declarations_of(l->p), c->first)
                                             : secure_any_declared(declarations_of(l->p)));
    if (c->ref != RAC_EXPR_REF_ACTIONS && c->ref != RAC_EXPR_REF_RESULT)
        return;
    uint32_t i = c->literal ? rac_plan_find(l->p, c->first) : UINT32_MAX;
    if (!c->literal)
        l->hidden = l->hidden || any_hidden(l);
    else if (i != UINT32_MAX)
        l->hidden = l->hidden || l->own[i] != 0 || (c->ref == RAC_EXPR_REF_RESULT && inside(l, i));
}

static bool refers(struct look *l, const struct rac_expr *x)
{
    l->hidden = l->secret = false;
    if (x != NULL)
        rac_expr_calls(x, call, l);
    return l->hidden;
}

/* The same for a value whose strings are templates. */
static bool value_refers(struct look *l, const struct rac_json *v, struct rac_arena *a)
{
    const struct rac_expr *x;
    bool some =
        v != NULL && rac_expr_compile_tree(v, RAC_EXPR_TOLERANT, a, &x, NULL, NULL) == RAC_OK;
    return refers(l, some ? x : NULL);
}

/* The inputs as the specification means them: what an action works on. */
static bool inputs_refer(struct look *l, const struct rac_wf_action *x)
{
    return refers(l, x->inputs) || refers(l, x->subject);
}

/* Everything it evaluates. */
static uint8_t words_quote(struct look *l, const struct rac_wf_action *x)
{
    const struct rac_expr *const all[] = {x->inputs,          x->subject,        x->limit,
                                          x->request_options, x->authentication, x->fixed};
    uint8_t words = 0;
    for (size_t i = 0; i < RAC_COUNT(all); i++) {
        words |= refers(l, all[i]) ? RAC_SECURE_MESSAGES : 0;
        words |= l->secret ? RAC_SECURE_EVALUATED : 0;
    }
    return words;
}

static bool tracking_refers(struct look *l, const struct rac_json *correlation, struct rac_arena *a)
{
    return value_refers(l, correlation, a) || l->secret;
}

/* Of several triggers, whichever fired: what one of them hides is hidden. */
static void add_triggers(struct look *l, struct rac_arena *a, struct rac_secure *s)
{
    const struct rac_plan *p = l->p;
    const struct rac_json *all = rac_json_geti(p->workflow->definition, RAC_S("triggers"));
    s->trigger = p->trigger != NULL ? said(p->trigger, p->trigger_type) : 0;
    RAC_JSON_EACH_MEMBER(m, all)
    {
        rac_str type = rac_json_str(rac_json_geti(&m->value, RAC_S("type")), RAC_S(""));
        s->trigger |= said(&m->value, type);
    }
    l->trigger = s->trigger;
    if (s->trigger == 0 && !secure_any_declared(declarations_of(p)))
        return;
    value_refers(l, all, a);
    s->trigger_words = s->trigger != 0 || l->secret ? RAC_SECURE_MESSAGES : 0;
    RAC_JSON_EACH_MEMBER(m, all)
    {
        const struct rac_json *of_items = rac_json_geti(&m->value, RAC_S("splitOnConfiguration"));
        if (tracking_refers(l, rac_json_geti(&m->value, RAC_S("correlation")), a) ||
            tracking_refers(l, rac_json_geti(of_items, RAC_S("correlation")), a))
            s->trigger_words |= RAC_SECURE_TRACKED;
    }
}

static void add_actions(struct look *l, uint8_t *all, uint8_t *words)
{
    for (uint32_t i = 0; i < l->p->actions_n; i++) {
        const struct rac_wf_action *x = &l->p->actions[i];
        if (inputs_refer(l, x))
            all[i] |= RAC_SECURE_INPUTS;
        if (((all[i] & RAC_SECURE_INPUTS) != 0 && repeats_inputs(x->type_word)) ||
            refers(l, x->fixed)) /* a static result is its outputs */
            all[i] |= RAC_SECURE_OUTPUTS;
        words[i] |= words_quote(l, x) | (all[i] != 0 ? RAC_SECURE_MESSAGES : 0);
        if (all[i] != 0 || refers(l, x->tracked))
            words[i] |= RAC_SECURE_TRACKED;
    }
}

const struct rac_secure *rac_secure_of_plan(const struct rac_plan *p, struct rac_arena *a)
{
    struct rac_secure *s = RAC_NEW(a, struct rac_secure);
    uint8_t *own = RAC_NEW_N(a, uint8_t, p->actions_n + 1),
            *all = RAC_NEW_N(a, uint8_t, p->actions_n + 1),
            *words = RAC_NEW_N(a, uint8_t, p->actions_n + 1);
    struct look l = {.p = p, .own = own};
    add_triggers(&l, a, s);
    s->actions = all;
    s->words = words;
    s->any = s->trigger != 0;
    s->values = rac_secure_values_of(declarations_of(p), &p->parameters, a);
    for (uint32_t i = 0; i < p->actions_n; i++) {
        own[i] = all[i] = said(p->actions[i].node, p->actions[i].type_word);
        s->any = s->any || own[i] != 0;
    }
    if (s->any || secure_any_declared(declarations_of(p)))
        add_actions(&l, all, words);
    return s;
}

uint8_t rac_secure_of_trigger(const struct rac_plan *p)
{
    return p->secure != NULL ? p->secure->trigger : 0;
}

uint8_t rac_secure_of_action(const struct rac_plan *p, uint32_t action)
{
    return p->secure != NULL && action < p->actions_n ? p->secure->actions[action] : 0;
}

const struct rac_secure_values *rac_secure_values_of_plan(const struct rac_plan *p)
{
    return p->secure != NULL ? p->secure->values : NULL;
}

/* --- messages --------------------------------------------------------------------------------- */

static uint8_t words_of(const struct rac_plan *p, uint32_t action)
{
    if (p->secure == NULL)
        return 0;
    return action == RAC_SECURE_TRIGGER ? p->secure->trigger_words
           : action < p->actions_n      ? p->secure->words[action]
                                        : 0;
}

bool rac_secure_hides(const struct rac_plan *p, uint32_t action)
{
    return (words_of(p, action) & (RAC_SECURE_MESSAGES | RAC_SECURE_EVALUATED)) != 0;
}

bool rac_secure_hides_facts(const struct rac_plan *p, uint32_t action)
{
    return (words_of(p, action) & RAC_SECURE_MESSAGES) != 0;
}

bool rac_secure_hides_tracked(const struct rac_plan *p, uint32_t action)
{
    return (words_of(p, action) & RAC_SECURE_TRACKED) != 0;
}

rac_str rac_secure_message(const struct rac_plan *p, uint32_t action, rac_str message,
                           struct rac_arena *a)
{
    if (message.n == 0 || !rac_secure_hides(p, action))
        return message;
    if (action == RAC_SECURE_TRIGGER)
        return RAC_S("What happened to the trigger is not shown, because it has to do with "
                     "secured values.");
    return rac_arena_printf(a,
                            "What happened to action '%.*s' is not shown, because it has to do "
                            "with secured values.",
                            RAC_FMT(p->actions[action].name));
}

struct rac_json rac_secure_error(const struct rac_plan *p, uint32_t action,
                                 const struct rac_json *error, struct rac_arena *a)
{
    if (error->type == RAC_JSON_NONE || !rac_secure_hides(p, action))
        return rac_secure_mask(rac_secure_values_of_plan(p), error, a);
    struct rac_json out = rac_json_new_object(a);
    rac_str message = rac_json_str(RAC_JSON_GET(error, "message"), RAC_S("?"));
    const struct rac_json *code = RAC_JSON_GET(error, "code");
    if (code != NULL && rac_json_is_string(code))
        RAC_JSON_PUT(a, &out, "code", *code);
    RAC_JSON_PUT_STR(a, &out, "message", rac_secure_message(p, action, message, a));
    return out;
}

/* --- results ---------------------------------------------------------------------------------- */

struct rac_json rac_secure_instead(const char *what, struct rac_arena *a)
{
    struct rac_json v = rac_json_new_object(a), secure = rac_json_new_object(a),
                    names = rac_json_new_array(a);
    rac_json_add(a, &names, rac_json_of_str(rac_str_of(what)));
    RAC_JSON_PUT(a, &secure, "properties", names);
    RAC_JSON_PUT(a, &v, "secureData", secure);
    return v;
}

/* One output of the workflow: its value, or the error it came to. */
static struct rac_json result_shown(const struct look *found, const struct rac_json *v,
                                    struct rac_arena *a)
{
    const struct rac_json *type = rac_json_geti(v, RAC_S("type")),
                          *error = RAC_JSON_GET(v, "error");
    struct rac_json out = *v;
    if (found->hidden) {
        out = rac_secure_instead("outputs", a);
        if (type != NULL)
            RAC_JSON_PUT(a, &out, "type", *type);
    } else if (found->secret && rac_json_is_object(error)) {
        struct rac_json e = rac_json_copy(a, error);
        RAC_JSON_PUT_STR(a, &e, "message",
                         RAC_S("Why there is no value is not shown, because it has to do with "
                               "secured values."));
        out = rac_json_copy(a, v);
        RAC_JSON_PUT(a, &out, "error", e);
    }
    return out;
}

struct rac_json rac_secure_results(const struct rac_plan *p, const struct rac_json *results,
                                   struct rac_arena *a)
{
    const struct rac_json *said_outputs = rac_json_geti(p->workflow->definition, RAC_S("outputs"));
    if (p->secure == NULL || !rac_json_is_object(results))
        return *results;
    struct look l = {.p = p, .own = p->secure->actions, .trigger = p->secure->trigger};
    struct rac_json all = rac_json_new_object(a);
    RAC_JSON_EACH_MEMBER(m, results)
    {
        value_refers(&l, rac_json_geti(said_outputs, rac_json_key(m)), a);
        rac_json_put(a, &all, rac_json_key(m), result_shown(&l, &m->value, a));
    }
    return all;
}
