#include "workflow/definition/secure.h"

#include <assert.h>

#include "base/map.h"
#include "base/str.h"
#include "text/url.h"

enum { DEPTH_MAX = RAC_JSON_OWN_DEPTH_MAX };
#define SANITIZED RAC_S("*sanitized*")

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

static bool declared_secure(const struct rac_json *declarations, rac_str name)
{
    rac_str type =
        rac_json_str(rac_json_geti(rac_json_geti(declarations, name), RAC_S("type")), RAC_S(""));
    return rac_str_eqi(type, RAC_S("SecureString")) || rac_str_eqi(type, RAC_S("SecureObject"));
}

static const struct rac_json *declarations_of(const struct rac_plan *p)
{
    return rac_json_geti(p->workflow->definition, RAC_S("parameters"));
}

static bool any_declared_secure(const struct rac_json *declarations)
{
    RAC_JSON_EACH_MEMBER(m, declarations)
    if (declared_secure(declarations, rac_json_key(m)))
        return true;
    return false;
}

/* A name that is worked out may be any. */
static void call(void *arg, const struct rac_expr_call *c)
{
    struct look *l = arg;
    if (rac_str_startsi(c->name, RAC_S("trigger"))) /* trigger(), triggerBody(), ... */
        l->hidden = l->hidden || l->trigger != 0;
    if (c->ref == RAC_EXPR_REF_PARAMETERS)
        l->secret = l->secret || (c->literal ? declared_secure(declarations_of(l->p), c->first)
                                             : any_declared_secure(declarations_of(l->p)));
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
    if (s->trigger == 0 && !any_declared_secure(declarations_of(p)))
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
    if (s->any || any_declared_secure(declarations_of(p)))
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

/* --- values ------------------------------------------------------------------------------------ */

enum {
    PARTS_MAX = 256, /* longer texts first; those beyond are found as whole strings only */
    STARTS_BITS = 1 << 16
};

struct rac_secure_values {
    struct rac_map texts;
    rac_str parts[PARTS_MAX];
    size_t parts_n;
    uint64_t starts[STARTS_BITS / 64]; /* hashes of what parts begin with */
};

static void collect(struct rac_secure_values *s, const struct rac_json *v, unsigned depth)
{
    if (rac_json_is_string(v) && v->n > 0)
        rac_map_put(&s->texts, rac_json_str(v, RAC_S("")), s);
    if (depth == DEPTH_MAX)
        return;
    RAC_JSON_EACH(e, v)
    collect(s, e, depth + 1);
    RAC_JSON_EACH_MEMBER(m, v)
    collect(s, &m->value, depth + 1);
}

/* By length, so that what is part of another is not cut out of it. */
static void add_part(struct rac_secure_values *s, rac_str text)
{
    size_t at = s->parts_n;
    if (text.n < RAC_SECURE_PART_MIN)
        return;
    for (size_t i = 0; i < s->parts_n; i++)
        if (rac_str_eq(s->parts[i], text))
            return;
    while (at > 0 && s->parts[at - 1].n < text.n)
        at--;
    if (at == PARTS_MAX)
        return;
    size_t moved = (s->parts_n < PARTS_MAX ? s->parts_n : PARTS_MAX - 1) - at;
    memmove(&s->parts[at + 1], &s->parts[at], moved * sizeof s->parts[0]);
    s->parts[at] = text;
    s->parts_n += s->parts_n < PARTS_MAX;
}

/* Of the first four bytes. */
static unsigned start_of(const char *p)
{
    uint32_t v;
    static_assert(RAC_SECURE_PART_MIN >= sizeof v, "a part has as many");
    memcpy(&v, p, sizeof v);
    return v * 2654435761U >> 16;
}

/* Is any part inside of a text? Long values are read once, however many parts there are. */
static bool has_part(const struct rac_secure_values *s, rac_str text)
{
    for (size_t at = 0; s->parts_n > 0 && at + RAC_SECURE_PART_MIN <= text.n; at++) {
        unsigned start = start_of(text.p + at);
        if ((s->starts[start / 64] >> start % 64 & 1) == 0)
            continue;
        for (size_t i = 0; i < s->parts_n; i++)
            if (rac_str_starts(rac_str_from(text, at), s->parts[i]))
                return true;
    }
    return false;
}

/* A text, and what becomes of it inside of a URL and of JSON in a string. */
static void add_parts(struct rac_secure_values *s, rac_str text, struct rac_arena *a)
{
    static const enum rac_url_set sets[] = {RAC_URL_STRICT, RAC_URL_COMPONENT, RAC_URL_FORM,
                                            RAC_URL_PATH};
    struct rac_json v = rac_json_of_str(text);
    rac_str quoted = rac_json_print_str(&v, 0, a);
    add_part(s, text);
    if (text.n < RAC_SECURE_PART_MIN)
        return;
    add_part(s, rac_str_sub(quoted, 1, quoted.n - 2));
    for (size_t i = 0; i < RAC_COUNT(sets); i++)
        add_part(s, rac_url_encode_set(a, text, sets[i]));
}

const struct rac_secure_values *rac_secure_values_of(const struct rac_json *declarations,
                                                     const struct rac_json *values,
                                                     struct rac_arena *a)
{
    if (!any_declared_secure(declarations))
        return NULL;
    struct rac_secure_values *s = RAC_NEW(a, struct rac_secure_values);
    rac_map_init(&s->texts, a);
    RAC_JSON_EACH_MEMBER(m, declarations)
    {
        if (!declared_secure(declarations, rac_json_key(m)))
            continue;
        const struct rac_json *v = rac_json_geti(values, rac_json_key(m));
        collect(s, v != NULL ? v : rac_json_geti(&m->value, RAC_S("defaultValue")), 0);
    }
    for (size_t i = 0; i < s->texts.n; i++)
        add_parts(s, s->texts.entries[i].key, a);
    for (size_t i = 0; i < s->parts_n; i++) {
        unsigned start = start_of(s->parts[i].p);
        s->starts[start / 64] |= UINT64_C(1) << start % 64;
    }
    return s->texts.n > 0 ? s : NULL;
}

/* False: nothing of the text is replaced. */
static bool mask_string(const struct rac_secure_values *s, rac_str text, struct rac_arena *a,
                        struct rac_json *out)
{
    rac_str left = text;
    if (text.n > 0 && rac_map_has(&s->texts, text)) {
        *out = rac_json_of_str(SANITIZED);
        return true;
    }
    if (!has_part(s, text))
        return false;
    for (size_t i = 0; i < s->parts_n; i++)
        if (s->parts[i].n < left.n && rac_str_find(left, s->parts[i]) != RAC_STR_NPOS)
            left = rac_str_replace(a, left, s->parts[i], SANITIZED);
    *out = rac_json_of_str(rac_arena_over(a) ? SANITIZED : left);
    return left.p != text.p || rac_arena_over(a);
}

/* False: nothing in v is replaced, *out is not written. */
static bool mask(const struct rac_secure_values *s, const struct rac_json *v, unsigned depth,
                 struct rac_arena *a, struct rac_json *out)
{
    struct rac_json changed, copy;
    bool any = false;
    if (rac_json_is_string(v))
        return mask_string(s, (rac_str){v->s, v->n}, a, out);
    bool array = rac_json_is_array(v);
    size_t n = depth < DEPTH_MAX ? rac_json_len(v) : 0;
    for (size_t i = 0; i < n; i++) {
        const struct rac_json *e = array ? rac_json_at(v, i) : &rac_json_member_at(v, i)->value;
        if (!mask(s, e, depth + 1, a, &changed))
            continue;
        if (!any) { /* a copy of this level only */
            copy = array ? rac_json_new_array(a) : rac_json_new_object(a);
            for (size_t k = 0; k < n; k++)
                if (array)
                    rac_json_add(a, &copy, *rac_json_at(v, k));
                else
                    rac_json_add_new(a, &copy, rac_json_key(rac_json_member_at(v, k)),
                                     rac_json_member_at(v, k)->value);
        }
        any = true;
        *(array ? rac_json_at(&copy, i) : &rac_json_member_at(&copy, i)->value) = changed;
    }
    if (any)
        *out = copy;
    return any;
}

struct rac_json rac_secure_mask(const struct rac_secure_values *values, const struct rac_json *v,
                                struct rac_arena *a)
{
    struct rac_json out;
    return values != NULL && mask(values, v, 0, a, &out) ? out : *v;
}

bool rac_secure_holds(const struct rac_secure_values *values, const struct rac_json *v,
                      struct rac_arena *a)
{
    struct rac_json out;
    return values != NULL && mask(values, v, 0, a, &out);
}

rac_str rac_secure_mask_text(const struct rac_secure_values *values, rac_str text,
                             struct rac_arena *a)
{
    struct rac_json v, masked;
    if (values == NULL || rac_json_parse(text, a, RAC_JSON_OWN, &v, NULL) != RAC_OK ||
        !mask(values, &v, 0, a, &masked))
        return text;
    return rac_json_print_str(&masked, 0, a);
}
