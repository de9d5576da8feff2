#include "workflow/secure.h"

#include "base/map.h"

enum { DEPTH_MAX = RAC_JSON_DEPTH_MAX };

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
static const rac_str repeating[] = {RAC_S_INIT("Compose"), RAC_S_INIT("ParseJson"),
                                    RAC_S_INIT("Response"), RAC_S_INIT("SetVariable")};

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

/* Of several triggers, whichever fired: what one of them hides is hidden. */
uint8_t rac_secure_of_trigger(const struct rac_plan *p)
{
    uint8_t bits = p->trigger != NULL ? said(p->trigger, p->trigger_type) : 0;
    RAC_JSON_EACH_MEMBER(m, rac_json_geti(p->workflow->definition, RAC_S("triggers")))
    bits |= said(&m->value, rac_json_str(rac_json_geti(&m->value, RAC_S("type")), RAC_S("")));
    return bits;
}

struct look {
    const struct rac_plan *p;
    const uint8_t *own; /* what makes whoever refers to it hidden, by action */
    uint8_t trigger;
    bool found;
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

static void call(void *arg, const struct rac_expr_call *c)
{
    struct look *l = arg;
    if (rac_str_startsi(c->name, RAC_S("trigger"))) /* trigger(), triggerBody(), ... */
        l->found = l->found || l->trigger != 0;
    if (!c->literal || (c->ref != RAC_EXPR_REF_ACTIONS && c->ref != RAC_EXPR_REF_RESULT))
        return;
    uint32_t i = rac_plan_find(l->p, c->first);
    if (i != UINT32_MAX)
        l->found = l->found || l->own[i] != 0 || (c->ref == RAC_EXPR_REF_RESULT && inside(l, i));
}

static bool refers(struct look *l, const struct rac_wf_action *x)
{
    l->found = false;
    if (x->inputs != NULL)
        rac_expr_calls(x->inputs, call, l);
    if (!l->found && x->subject != NULL)
        rac_expr_calls(x->subject, call, l);
    return l->found;
}

void rac_secure_of_plan(const struct rac_plan *p, struct rac_arena *a, struct rac_secure *out)
{
    uint8_t *own = RAC_NEW_N(a, uint8_t, p->actions_n + 1),
            *all = RAC_NEW_N(a, uint8_t, p->actions_n + 1);
    struct look l = {.p = p, .own = own, .trigger = rac_secure_of_trigger(p)};
    *out = (struct rac_secure){.trigger = l.trigger, .actions = all, .any = l.trigger != 0};
    for (uint32_t i = 0; i < p->actions_n; i++) {
        own[i] = all[i] = said(p->actions[i].node, p->actions[i].type_word);
        out->any = out->any || own[i] != 0;
    }
    for (uint32_t i = 0; i < p->actions_n && out->any; i++)
        if (refers(&l, &p->actions[i]))
            all[i] |= repeats_inputs(p->actions[i].type_word)
                          ? RAC_SECURE_INPUTS | RAC_SECURE_OUTPUTS
                          : RAC_SECURE_INPUTS;
}

struct rac_json rac_secure_instead(const char *what, struct rac_arena *a)
{
    struct rac_json v = rac_json_new_object(a), secure = rac_json_new_object(a),
                    names = rac_json_new_array(a);
    rac_json_add(a, &names, rac_json_of_str(rac_str_of(what)));
    RAC_JSON_PUT(a, &secure, "properties", names);
    RAC_JSON_PUT(a, &v, "secureData", secure);
    return v;
}

struct rac_json rac_secure_results(const struct rac_plan *p, const struct rac_secure *hidden,
                                   const struct rac_json *results, struct rac_arena *a)
{
    const struct rac_json *said_outputs = rac_json_geti(p->workflow->definition, RAC_S("outputs"));
    struct look l = {.p = p, .own = hidden->actions, .trigger = hidden->trigger};
    if (!hidden->any || !rac_json_is_object(results))
        return *results;
    struct rac_json all = rac_json_new_object(a);
    RAC_JSON_EACH_MEMBER(m, results)
    {
        const struct rac_expr *e = NULL;
        const struct rac_json *as_said = rac_json_geti(said_outputs, rac_json_key(m)),
                              *type = rac_json_geti(&m->value, RAC_S("type"));
        struct rac_json v = m->value;
        l.found = false;
        if (as_said != NULL &&
            rac_expr_compile_tree(as_said, RAC_EXPR_TOLERANT, a, &e, NULL, NULL) == RAC_OK)
            rac_expr_calls(e, call, &l);
        if (l.found) {
            v = rac_secure_instead("outputs", a);
            if (type != NULL)
                RAC_JSON_PUT(a, &v, "type", *type);
        }
        rac_json_put(a, &all, rac_json_key(m), v);
    }
    return all;
}

/* --- values ------------------------------------------------------------------------------------ */

struct rac_secure_values {
    struct rac_map texts;
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

const struct rac_secure_values *rac_secure_values_of(const struct rac_json *declarations,
                                                     const struct rac_json *values,
                                                     struct rac_arena *a)
{
    struct rac_secure_values *s = RAC_NEW(a, struct rac_secure_values);
    rac_map_init(&s->texts, a);
    RAC_JSON_EACH_MEMBER(m, declarations)
    {
        rac_str type = rac_json_str(rac_json_geti(&m->value, RAC_S("type")), RAC_S(""));
        if (!rac_str_eqi(type, RAC_S("SecureString")) && !rac_str_eqi(type, RAC_S("SecureObject")))
            continue;
        const struct rac_json *v = rac_json_geti(values, rac_json_key(m));
        collect(s, v != NULL ? v : rac_json_geti(&m->value, RAC_S("defaultValue")), 0);
    }
    return s->texts.n > 0 ? s : NULL;
}

const struct rac_secure_values *rac_secure_values_of_plan(const struct rac_plan *p,
                                                          struct rac_arena *a)
{
    return rac_secure_values_of(rac_json_geti(p->workflow->definition, RAC_S("parameters")),
                                &p->parameters, a);
}

/* False: nothing in v is replaced, *out is not written. */
static bool mask(const struct rac_secure_values *s, const struct rac_json *v, unsigned depth,
                 struct rac_arena *a, struct rac_json *out)
{
    struct rac_json changed, copy;
    bool any = false;
    if (rac_json_is_string(v)) {
        if (v->n == 0 || !rac_map_has(&s->texts, (rac_str){v->s, v->n}))
            return false;
        *out = rac_json_of_str(RAC_S("*sanitized*"));
        return true;
    }
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
                    rac_json_put(a, &copy, rac_json_key(rac_json_member_at(v, k)),
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

rac_str rac_secure_mask_text(const struct rac_secure_values *values, rac_str text,
                             struct rac_arena *a)
{
    struct rac_json v, masked;
    if (values == NULL || rac_json_parse(text, a, 0, &v, NULL) != RAC_OK ||
        !mask(values, &v, 0, a, &masked))
        return text;
    return rac_json_print_str(&masked, 0, a);
}
