/*
 * Expressions: every string of a value is compiled by itself, and each call in it that names
 * something is judged by where the value stands (spec workflows §1.7).
 */
#include "base/str.h"
#include "workflow/check/check_priv.h"
#include "openapi/read.h"

enum {
    EXPRESSION_CHARACTERS_MAX = 8192,
    EXPRESSION_SHOWN_MAX = 200,
    LEVELS_MAX = 400,
    VARIABLES_MAX = 250
};

/* Functions of agent workflows (§3.24), which the language itself does not have. */
static const rac_str agent_functions[] = {RAC_S_INIT("agentParameters"),
                                          RAC_S_INIT("channelTriggerBody"),
                                          RAC_S_INIT("assistantMessage")};

struct walk {
    struct check *c;
    const struct place *p;
    const struct at *at;
    rac_str text;
};

static bool is(const struct rac_expr_call *call, const char *name)
{
    return rac_str_eqi(call->name, rac_str_of(name));
}

static uint32_t lookup(const struct check *c, rac_str name)
{
    char folded[256];
    if (name.n > sizeof folded)
        return NOBODY; /* no name is that long */
    for (size_t i = 0; i < name.n; i++)
        folded[i] = rac_lower(name.p[i]);
    return (uint32_t)(uintptr_t)rac_map_get(&c->actions, (rac_str){folded, name.n}) - 1;
}

static bool is_trigger(const struct check *c, rac_str name)
{
    return rac_map_has(&c->triggers, rac_str_lower(c->a, name));
}

/* The member of the action, trigger or definition a value stands in: "inputs". */
static rac_str section(const struct at *at)
{
    rac_str key = RAC_S("inputs");
    for (; at->up != NULL; at = at->up)
        if (!at->is_index)
            key = at->key;
    return key;
}

/* --- actions ---------------------------------------------------------------------------------- */

static void unknown_action(struct walk *w, rac_str name)
{
    rac_str where = section(w->at);
    if (w->c->noun == NULL)
        found(w->c, F_ACTION_UNKNOWN, w->at,
              "The template validation failed: 'The action(s) '%.*s' referenced by '%.*s' are not "
              "defined in the template.'.",
              RAC_FMT(name), RAC_FMT(where));
    else
        found(w->c, F_ACTION_UNKNOWN, w->at,
              "The template validation failed: 'The action(s) '%.*s' referenced by '%.*s' in %s "
              "'%.*s' are not defined in the template.'.",
              RAC_FMT(name), RAC_FMT(where), w->c->noun, RAC_FMT(w->c->name));
}

static void off_path(struct walk *w, const struct node *y)
{
    uint32_t line = 1, column = 1;
    if (w->c->subject != NULL)
        rac_document_place(w->c->w->doc, w->c->subject, &line, &column, NULL, NULL);
    found(w->c, F_ACTION_PATH, w->at,
          "The inputs of template %s '%.*s' at line '%u' and column '%u' cannot reference action "
          "'%.*s'. Action '%.*s' must either be in 'runAfter' path, or within a scope action on "
          "the 'runAfter' path of action '%.*s', or be a Trigger.",
          w->c->noun != NULL ? w->c->noun : "definition", RAC_FMT(w->c->name), line, column,
          RAC_FMT(y->name), RAC_FMT(y->name), RAC_FMT(w->c->name));
}

/* What x and y stand in at the level where both are in one container; false: nowhere. */
static bool common(const struct check *c, uint32_t x, uint32_t y, uint32_t *x_up, uint32_t *y_up,
                   unsigned *loops)
{
    for (uint32_t v = x; v != NOBODY; v = c->nodes[v].parent) {
        *loops = 0;
        for (uint32_t u = y; u != NOBODY; u = c->nodes[u].parent) {
            if (c->nodes[u].container == c->nodes[v].container) {
                *x_up = v;
                *y_up = u;
                return true;
            }
            if (c->nodes[u].parent != NOBODY && c->nodes[c->nodes[u].parent].type == A_FOREACH)
                ++*loops;
        }
    }
    return false;
}

static void nested_loops(struct walk *w, const struct node *y)
{
    found(w->c, F_ACTION_LOOPS, w->at,
          "The inputs of template action '%.*s' cannot reference action '%.*s'. The action '%.*s' "
          "is nested in a foreach scope of multiple levels. Referencing repetition actions from "
          "outside the scope is supported only when there are no multiple levels of nesting.",
          RAC_FMT(w->c->name), RAC_FMT(y->name), RAC_FMT(y->name));
}

static unsigned loops_around(const struct check *c, uint32_t y)
{
    unsigned n = 0;
    for (uint32_t u = c->nodes[y].parent; u != NOBODY; u = c->nodes[u].parent)
        n += c->nodes[u].type == A_FOREACH;
    return n;
}

static void action_reference(struct walk *w, const struct rac_expr_call *call)
{
    struct check *c = w->c;
    uint32_t y = lookup(c, call->first), x = w->p->action, x_up, y_up;
    unsigned loops = 0;
    if (y == NOBODY) {
        if (!is_trigger(c, call->first))
            unknown_action(w, call->first);
        return;
    }
    const struct node *to = &c->nodes[y];
    if (w->p->outputs) { /* evaluated when the run ends */
        if (loops_around(c, y) > 1)
            nested_loops(w, to);
        return;
    }
    if (x == NOBODY) {
        off_path(w, to);
        return;
    }
    if (c->circles)
        return;
    bool met = common(c, x, y, &x_up, &y_up, &loops);
    bool own = met && x_up == y_up && x_up == x && y != x && w->p->until;
    if (!met || (!own && (x_up == y_up || !comes_before(c, y_up, x_up))))
        off_path(w, to);
    else if (!own && loops > 1)
        nested_loops(w, to);
}

/* items('loop'), iterationIndexes('loop'): a loop of that kind around the action. */
static void loop_reference(struct walk *w, const struct rac_expr_call *call, enum type type)
{
    struct check *c = w->c;
    uint32_t y = lookup(c, call->first);
    if (y == NOBODY) {
        unknown_action(w, call->first);
        return;
    }
    for (uint32_t i = w->p->action; i != NOBODY; i = c->nodes[i].parent)
        if (i == y && (i != w->p->action || w->p->until) &&
            (c->nodes[i].type == type || is_open(RAC_JSON_GETI(c->nodes[i].v, "type")) ||
             c->nodes[i].type == A_UNKNOWN))
            return;
    wrong(c, F_FUNCTION_PLACE, w->at, "%.*s('%.*s') does not name an %s around the action",
          RAC_FMT(call->name), RAC_FMT(call->first),
          type == A_UNTIL ? "Until" : "enclosing Foreach");
}

static void result_reference(struct walk *w, const struct rac_expr_call *call)
{
    uint32_t y = lookup(w->c, call->first);
    if (y != NOBODY && type_rows[w->c->nodes[y].type].children == NO_CHILDREN)
        wrong(w->c, F_FUNCTION_PLACE, w->at, "result('%.*s') does not name a scope",
              RAC_FMT(call->first));
    else
        action_reference(w, call);
}

/* --- parameters and variables ----------------------------------------------------------------- */

static void parameter_reference(struct walk *w, const struct rac_expr_call *call)
{
    struct check *c = w->c;
    bool placeholder = rac_str_findi(call->first, RAC_S("#workflowname#")) != RAC_STR_NPOS;
    if (rac_map_has(&c->parameters, rac_str_lower(c->a, call->first)) || placeholder ||
        is_unknown(RAC_JSON_GETI(c->w->definition, "parameters")))
        return;
    bool elsewhere = c->w->gallery || (c->w->profile == RAC_WF_STANDARD && !c->w->values_complete);
    wrong(c, elsewhere ? F_PARAMETER_ELSEWHERE : F_PARAMETER_UNKNOWN, w->at,
          "the template parameter '%.*s' is not found", RAC_FMT(call->first));
}

static bool is_made_before(const struct check *c, const struct variable *v, uint32_t x)
{
    while (x != NOBODY && c->nodes[x].parent != NOBODY)
        x = c->nodes[x].parent;
    for (uint32_t i = 0; x != NOBODY && i < v->makers_n; i++)
        if (c->circles || comes_before(c, v->makers[i], x))
            return true;
    return false;
}

static void variable_reference(struct walk *w, const struct rac_expr_call *call)
{
    struct check *c = w->c;
    const struct variable *v = rac_map_get(&c->variables, rac_str_lower(c->a, call->first));
    if (w->p->sets.n > 0 && rac_str_eqi(w->p->sets, call->first))
        found(c, F_VARIABLE_SELF, w->at,
              "The inputs of workflow run action '%.*s' of type '%.*s' are not valid. Self "
              "reference is not supported when updating the value of variable '%.*s'.",
              RAC_FMT(c->name), RAC_FMT(c->nodes[w->p->action].type_word), RAC_FMT(call->first));
    if (w->p->outputs ? v != NULL : v != NULL && is_made_before(c, v, w->p->action))
        return;
    rac_str type = rac_json_str(RAC_JSON_GETI(c->subject, "type"), RAC_S(""));
    found(c, F_VARIABLE, w->at,
          "The inputs of workflow run action '%.*s' of type '%.*s' are not valid. The variable "
          "'%.*s' must be initialized before it can be used inside action '%.*s'.",
          RAC_FMT(c->name), RAC_FMT(type), RAC_FMT(call->first), RAC_FMT(c->name));
}

void check_variables(struct check *c)
{
    rac_map_init(&c->variables, c->a);
    for (uint32_t i = 0; i < c->nodes_n; i++) {
        const struct node *x = &c->nodes[i];
        const struct rac_json *inputs = RAC_JSON_GETI(x->v, "inputs"),
                              *list = RAC_JSON_GETI(inputs, "variables");
        if (x->type != A_INITIALIZE_VARIABLE || x->parent != NOBODY)
            continue;
        size_t n = rac_json_is_array(list) ? rac_json_len(list) : 1;
        for (size_t k = 0; k < n; k++) {
            const struct rac_json *one = rac_json_is_array(list) ? rac_json_at(list, k) : inputs;
            rac_str name = rac_json_str(RAC_JSON_GETI(one, "name"), RAC_S(""));
            rac_str folded = rac_str_lower(c->a, name);
            struct variable *v = rac_map_get(&c->variables, folded);
            if (name.n == 0)
                continue;
            if (v == NULL) {
                v = RAC_NEW(c->a, struct variable);
                v->name = name;
                v->type = rac_json_str(RAC_JSON_GETI(one, "type"), RAC_S(""));
                rac_map_put(&c->variables, folded, v);
            }
            v->makers = rac_arena_grow(c->a, v->makers, v->makers_n * sizeof *v->makers,
                                       (v->makers_n + 1) * sizeof *v->makers);
            v->makers[v->makers_n++] = i;
        }
    }
    struct at root = AT_POINTER(c->w->pointer, c->w->definition);
    struct at at = AT_KEY(&root, RAC_S("actions"), RAC_JSON_GETI(root.node, "actions"));
    if (c->variables.n > VARIABLES_MAX)
        found(c, F_LIMIT, &at,
              "The template validation failed: 'The number of variables %zu exceeds the limit of "
              "%d.'",
              c->variables.n, VARIABLES_MAX);
}

/* --- calls ------------------------------------------------------------------------------------ */

static void out_of_place(struct walk *w, const struct rac_expr_call *call, const char *where)
{
    wrong(w->c, F_FUNCTION_PLACE, w->at, "the function '%.*s()' can be used only in %s",
          RAC_FMT(call->name), where);
}

/* trackedProperties know the action itself, the trigger, the run and the parameters. */
static bool is_tracked_function(const struct rac_expr_call *call)
{
    return call->ref < 0 ? !is(call, "triggerBody") && !is(call, "triggerOutputs") &&
                               !is(call, "item") && !is(call, "listCallbackUrl")
                         : call->ref == RAC_EXPR_REF_PARAMETERS;
}

static bool in_foreach(const struct check *c, uint32_t action)
{
    for (uint32_t i = action == NOBODY ? NOBODY : c->nodes[action].parent; i != NOBODY;
         i = c->nodes[i].parent)
        if (c->nodes[i].type == A_FOREACH || c->nodes[i].type == A_UNKNOWN)
            return true;
    return false;
}

static void context_function(struct walk *w, const struct rac_expr_call *call)
{
    const struct place *p = w->p;
    if (is(call, "action") && !p->tracked && !p->until && !p->current)
        out_of_place(w, call, "trackedProperties, unsubscribe and the expression of an Until");
    if (is(call, "listCallbackUrl") && !p->callback)
        out_of_place(w, call, "webhooks");
    if (is(call, "item") && !p->item && !in_foreach(w->c, p->action))
        out_of_place(w, call, "Foreach, Select, Query and Table");
    if (is(call, "appsetting"))
        out_of_place(w, call, "connections.json and parameters.json");
}

static void named(struct walk *w, const struct rac_expr_call *call)
{
    switch (call->ref) {
    case RAC_EXPR_REF_ACTIONS:
        action_reference(w, call);
        break;
    case RAC_EXPR_REF_RESULT:
        result_reference(w, call);
        break;
    case RAC_EXPR_REF_ITEMS:
        loop_reference(w, call, A_FOREACH);
        break;
    case RAC_EXPR_REF_ITERATION_INDEXES:
        loop_reference(w, call, A_UNTIL);
        break;
    case RAC_EXPR_REF_PARAMETERS:
        parameter_reference(w, call);
        break;
    case RAC_EXPR_REF_VARIABLES:
        variable_reference(w, call);
        break;
    default:
        break;
    }
}

static void expression_wrong(struct check *c, const struct at *at, rac_str text, rac_str why)
{
    found(c, c->w->gallery ? F_EXPRESSION_GALLERY : F_EXPRESSION, at,
          "The template validation failed: 'The template language expression '%.*s' is not valid: "
          "%.*s'.",
          (int)(text.n < EXPRESSION_SHOWN_MAX ? text.n : EXPRESSION_SHOWN_MAX), text.p,
          RAC_FMT(why));
}

static void each_call(void *arg, const struct rac_expr_call *call)
{
    struct walk *w = arg;
    if (call->fn == NULL) {
        for (size_t i = 0; i < RAC_COUNT(agent_functions); i++)
            if (rac_str_eqi(call->name, agent_functions[i]))
                return;
        expression_wrong(w->c, w->at, w->text,
                         rac_arena_printf(w->c->a,
                                          "The template function '%.*s' is not defined or not "
                                          "valid.",
                                          RAC_FMT(call->name)));
        return;
    }
    if (w->p->tracked && call->ref >= 0 && !is_tracked_function(call)) {
        out_of_place(w, call,
                     "the inputs of actions; tracked properties know action(), trigger(), "
                     "workflow() and parameters()");
        return;
    }
    if (w->p->tracked && call->args_n == 0 && !is_tracked_function(call)) {
        out_of_place(w, call,
                     "the inputs of actions; tracked properties know action(), trigger(), "
                     "workflow() and parameters()");
        return;
    }
    context_function(w, call);
    if (call->literal)
        named(w, call);
}

/* The longest expression of a template, in characters. */
static size_t longest(rac_str s)
{
    if (s.p[1] != '{' && s.p[0] == '@')
        return characters(s) - 1;
    size_t most = 0;
    for (size_t i = 0; i + 1 < s.n; i++) {
        if (s.p[i] != '@' || s.p[i + 1] != '{')
            continue;
        size_t from = i + 2;
        bool in_string = false;
        for (i = from; i < s.n && (in_string || s.p[i] != '}'); i++)
            in_string ^= s.p[i] == '\'';
        size_t n = characters(rac_str_sub(s, from, i - from));
        most = n > most ? n : most;
    }
    return most;
}

static bool check_string(struct check *c, const struct place *p, const struct at *at, bool report)
{
    rac_str s = rac_json_str(at->node, RAC_S(""));
    const struct rac_expr *x;
    struct rac_expr_error error = {0};
    if (!is_dynamic(at->node))
        return true;
    size_t n = longest(s);
    if (n > EXPRESSION_CHARACTERS_MAX) {
        if (report)
            found(c, F_EXPRESSION_LONG, at,
                  "The template validation failed: 'The template language expression has %zu "
                  "characters, which exceeds the limit of %d.'",
                  n, EXPRESSION_CHARACTERS_MAX);
        return false;
    }
    struct rac_arena_mark mark = rac_arena_mark(c->a);
    bool ok = rac_expr_compile(s, 0, c->a, &x, &error) == RAC_OK;
    struct walk w = {c, p, at, s};
    if (ok && report)
        rac_expr_calls(x, each_call, &w);
    else if (report)
        expression_wrong(c, at, s, error.message);
    if (c->a != c->d->a)
        rac_arena_rewind(c->a, mark);
    return ok;
}

static bool walk_value(struct check *c, const struct place *p, const struct at *at, bool report,
                       unsigned levels)
{
    bool ok = true;
    if (rac_json_is_string(at->node))
        return check_string(c, p, at, report);
    if (levels == LEVELS_MAX) {
        if (report)
            found(c, F_LIMIT, at,
                  "The template validation failed: 'The value is nested more than %d levels "
                  "deep.'",
                  LEVELS_MAX);
        return false;
    }
    for (size_t i = 0; i < rac_json_len(at->node); i++) {
        struct rac_json_member *m = rac_json_member_at(at->node, i);
        struct at here = m != NULL ? AT_KEY(at, rac_json_key(m), &m->value)
                                   : AT_INDEX(at, i, rac_json_at(at->node, i));
        if (here.node->type >= RAC_JSON_STRING)
            ok &= walk_value(c, p, &here, report, levels + 1);
    }
    return ok;
}

void check_expressions(struct check *c, const struct place *p, const struct at *at)
{
    (void)walk_value(c, p, at, true, 0);
}

bool has_expression_error(struct check *c, const struct at *at)
{
    struct place p = {.action = NOBODY};
    return !walk_value(c, &p, at, false, 0);
}
