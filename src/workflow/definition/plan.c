/*
 * Two passes: the first lays out graphs and actions in document order, the second resolves
 * runAfter and compiles inputs, so that an edge may point forward.
 */
#include "workflow/definition/plan.h"
#include "base/map.h"
#include "base/str.h"
#include "base/time.h"
#include "openapi/read.h"
#include "workflow/definition/options.h"
#include "workflow/definition/secure.h"

enum { NESTING_MAX = 8, ACTIONS_CAP = 10000 };

struct compiler {
    struct rac_plan *p;
    const struct rac_workflow *w;
    struct rac_arena *a;
    struct rac_diags *d;
    uint32_t actions_cap, graphs_cap;
    bool failed;
};

static const char *const status_words[] = {
#define STATUS(id, word) word,
#include "workflow/definition/statuses.def"
#undef STATUS
};

static const rac_str type_words[] = {
#define ACTION(id, word, fn) RAC_S_INIT(word),
#include "workflow/definition/actions.def"
#undef ACTION
};

const char *rac_wf_status_word(enum rac_wf_status s)
{
    return status_words[s];
}

bool rac_wf_status_parse(rac_str word, enum rac_wf_status *out)
{
    for (size_t i = 1; i < RAC_COUNT(status_words); i++)
        if (rac_str_eqi(word, rac_str_of(status_words[i]))) {
            *out = (enum rac_wf_status)i;
            return true;
        }
    return false;
}

static enum rac_wf_type type_of(rac_str word)
{
    for (size_t i = 0; i < RAC_COUNT(type_words); i++)
        if (rac_str_eqi(word, type_words[i]))
            return (enum rac_wf_type)i;
    return RAC_WF_TYPES;
}

static void wrong(struct compiler *c, rac_str pointer, const struct rac_json *node, rac_str message)
{
    struct rac_diag g = {.code = "InvalidTemplate",
                         .severity = RAC_SEV_ERROR,
                         .pointer = pointer,
                         .message = message};
    if (node != NULL)
        rac_document_place(c->w->doc, node, &g.line, &g.column, &g.end_line, &g.end_column);
    rac_diags_add(c->d, &g);
    c->failed = true;
}

/* --- layout ----------------------------------------------------------------------------------- */

static uint32_t graph_new(struct compiler *c, uint32_t owner, uint32_t actions)
{
    struct rac_plan *p = c->p;
    if (p->graphs_n == c->graphs_cap) {
        uint32_t cap = c->graphs_cap ? c->graphs_cap * 2 : 8;
        p->graphs = rac_arena_grow(c->a, p->graphs, c->graphs_cap * sizeof *p->graphs,
                                   cap * sizeof *p->graphs);
        c->graphs_cap = cap;
    }
    p->graphs[p->graphs_n] =
        (struct rac_wf_graph){.owner = owner, .actions = RAC_NEW_N(c->a, uint32_t, actions)};
    return p->graphs_n++;
}

static uint32_t action_new(struct compiler *c)
{
    struct rac_plan *p = c->p;
    if (p->actions_n == c->actions_cap) {
        uint32_t cap = c->actions_cap ? c->actions_cap * 2 : 16;
        p->actions = rac_arena_grow(c->a, p->actions, c->actions_cap * sizeof *p->actions,
                                    cap * sizeof *p->actions);
        c->actions_cap = cap;
    }
    p->actions[p->actions_n] = (struct rac_wf_action){0};
    return p->actions_n++;
}

static uint32_t layout(struct compiler *c, uint32_t owner, const struct rac_json *actions,
                       rac_str pointer, unsigned depth);

static void child_graph(struct compiler *c, uint32_t at, const struct rac_json *holder,
                        rac_str pointer, unsigned depth)
{
    const struct rac_json *actions = RAC_JSON_GETI(holder, "actions");
    uint32_t g =
        layout(c, at, actions, rac_json_pointer_join(c->a, pointer, RAC_S("actions")), depth);
    struct rac_wf_action *x = &c->p->actions[at]; /* layout may have moved it */
    x->graphs = rac_arena_grow(c->a, x->graphs, x->graphs_n * sizeof *x->graphs,
                               (x->graphs_n + 1) * sizeof *x->graphs);
    x->graphs[x->graphs_n++] = g;
}

static void children(struct compiler *c, uint32_t at, unsigned depth)
{
    const struct rac_json *node = c->p->actions[at].node;
    rac_str pointer = c->p->actions[at].pointer;
    const struct rac_json *v;
    switch (c->p->actions[at].type) {
    case RAC_WF_TYPE_IF:
        child_graph(c, at, node, pointer, depth);
        v = RAC_JSON_GETI(node, "else");
        child_graph(c, at, v, rac_json_pointer_join(c->a, pointer, RAC_S("else")), depth);
        break;
    case RAC_WF_TYPE_SWITCH:
        v = RAC_JSON_GETI(node, "cases");
        pointer = rac_json_pointer_join(c->a, pointer, RAC_S("cases"));
        RAC_JSON_EACH_MEMBER(m, v)
        {
            child_graph(c, at, &m->value, rac_json_pointer_join(c->a, pointer, rac_json_key(m)),
                        depth);
            struct rac_wf_action *x = &c->p->actions[at];
            c->p->graphs[x->graphs[x->graphs_n - 1]].match = RAC_JSON_GETI(&m->value, "case");
        }
        v = RAC_JSON_GETI(node, "default");
        c->p->actions[at].has_default = v != NULL;
        if (v != NULL)
            child_graph(c, at, v,
                        rac_json_pointer_join(c->a, c->p->actions[at].pointer, RAC_S("default")),
                        depth);
        break;
    case RAC_WF_TYPE_SCOPE:
    case RAC_WF_TYPE_FOREACH:
    case RAC_WF_TYPE_UNTIL:
        child_graph(c, at, node, pointer, depth);
        break;
    default:
        break;
    }
}

static void add_action(struct compiler *c, uint32_t graph, const struct rac_json_member *m,
                       rac_str pointer, unsigned depth)
{
    rac_str name = rac_json_key(m), folded = rac_str_lower(c->a, name);
    uint32_t at = action_new(c);
    struct rac_wf_action *x = &c->p->actions[at];
    struct rac_wf_graph *g = &c->p->graphs[graph];
    x->name = name;
    x->node = &m->value;
    x->pointer = rac_json_pointer_join(c->a, pointer, name);
    x->graph = graph;
    x->order = g->n;
    g->actions[g->n++] = at;
    x->type_word = rac_json_str(RAC_JSON_GETI(&m->value, "type"), RAC_S(""));
    x->type = type_of(x->type_word);
    if (x->type_word.n == 0)
        wrong(c, x->pointer, &m->value,
              rac_arena_printf(c->a, "the template action '%.*s' has no type", RAC_FMT(name)));
    if (!rac_map_add(&c->p->names, folded, (void *)(uintptr_t)(at + 1)))
        wrong(c, x->pointer, &m->value,
              rac_arena_printf(c->a,
                               "the template actions '%.*s' are duplicated: names are unique "
                               "over the whole definition, letter case ignored",
                               RAC_FMT(name)));
    children(c, at, depth + 1);
}

static uint32_t layout(struct compiler *c, uint32_t owner, const struct rac_json *actions,
                       rac_str pointer, unsigned depth)
{
    uint32_t g = graph_new(c, owner, (uint32_t)rac_json_len(actions));
    if (rac_json_len(actions) > 0 && depth > NESTING_MAX) {
        wrong(c, pointer, actions, RAC_S("actions are nested more than 8 levels deep"));
        return g;
    }
    RAC_JSON_EACH_MEMBER(m, actions)
    {
        if (c->p->actions_n >= ACTIONS_CAP) {
            wrong(c, pointer, actions, RAC_S("the definition has too many actions"));
            break;
        }
        add_action(c, g, m, pointer, depth);
    }
    return g;
}

/* --- edges ------------------------------------------------------------------------------------ */

static uint32_t find(const struct compiler *c, rac_str name)
{
    return (uint32_t)(uintptr_t)rac_map_get(&c->p->names, rac_str_lower(c->a, name)) - 1;
}

static uint32_t statuses_of(struct compiler *c, const struct rac_wf_action *x,
                            const struct rac_json *list, rac_str pointer)
{
    uint32_t bits = 0;
    enum rac_wf_status s;
    RAC_JSON_EACH(e, list)
    {
        if (rac_wf_status_parse(rac_json_str(e, RAC_S("")), &s))
            bits |= 1u << s;
        else
            wrong(c, pointer, e,
                  rac_arena_printf(c->a,
                                   "the 'runAfter' property of template action '%.*s' has an "
                                   "unknown status",
                                   RAC_FMT(x->name)));
    }
    if (rac_json_len(list) == 0)
        wrong(c, pointer, list,
              rac_arena_printf(c->a,
                               "the 'runAfter' property of template action '%.*s' has an "
                               "empty list of statuses",
                               RAC_FMT(x->name)));
    return bits;
}

/* An agent may say that it runs after the chat trigger: it does anyway. */
static bool is_agent_trigger(const struct compiler *c, rac_str name)
{
    const struct rac_json *v = rac_json_geti(RAC_JSON_GETI(c->w->definition, "triggers"), name);
    return rac_str_eqi(rac_json_str(RAC_JSON_GETI(v, "kind"), RAC_S("")), RAC_S("Agent"));
}

static void edges(struct compiler *c, struct rac_wf_action *x)
{
    const struct rac_json *after = RAC_JSON_GETI(x->node, "runAfter");
    rac_str pointer = rac_json_pointer_join(c->a, x->pointer, RAC_S("runAfter"));
    x->after = RAC_NEW_N(c->a, struct rac_wf_edge, rac_json_len(after));
    RAC_JSON_EACH_MEMBER(m, after)
    {
        uint32_t to = find(c, rac_json_key(m));
        rac_str here = rac_json_pointer_join(c->a, pointer, rac_json_key(m));
        if (to == UINT32_MAX && is_agent_trigger(c, rac_json_key(m)))
            continue;
        if (to == UINT32_MAX || c->p->actions[to].graph != x->graph) {
            wrong(c, here, &m->value,
                  rac_arena_printf(c->a,
                                   "the 'runAfter' property of template action '%.*s' contains "
                                   "non-existent action: '%.*s'",
                                   RAC_FMT(x->name), RAC_FMT(rac_json_key(m))));
            continue;
        }
        x->after[x->after_n++] = (struct rac_wf_edge){to, statuses_of(c, x, &m->value, here)};
        c->p->actions[to].next_n++;
    }
}

static void back_edges(struct compiler *c)
{
    struct rac_plan *p = c->p;
    for (uint32_t i = 0; i < p->actions_n; i++) {
        p->actions[i].next = RAC_NEW_N(c->a, uint32_t, p->actions[i].next_n);
        p->actions[i].next_n = 0;
    }
    for (uint32_t i = 0; i < p->actions_n; i++)
        for (uint32_t e = 0; e < p->actions[i].after_n; e++) {
            struct rac_wf_action *before = &p->actions[p->actions[i].after[e].action];
            before->next[before->next_n++] = i;
        }
}

/* Kahn's order over each graph: what is left over stands in a circle. */
static void circles(struct compiler *c)
{
    struct rac_plan *p = c->p;
    uint32_t *open = RAC_NEW_N(c->a, uint32_t, p->actions_n),
             *queue = RAC_NEW_N(c->a, uint32_t, p->actions_n);
    uint32_t head = 0, tail = 0;
    for (uint32_t i = 0; i < p->actions_n; i++) {
        open[i] = p->actions[i].after_n;
        if (open[i] == 0)
            queue[tail++] = i;
    }
    while (head < tail) {
        const struct rac_wf_action *x = &p->actions[queue[head++]];
        for (uint32_t n = 0; n < x->next_n; n++)
            if (--open[x->next[n]] == 0)
                queue[tail++] = x->next[n];
    }
    for (uint32_t i = 0; i < p->actions_n && tail < p->actions_n; i++)
        if (open[i] > 0)
            wrong(c, rac_json_pointer_join(c->a, p->actions[i].pointer, RAC_S("runAfter")),
                  p->actions[i].node,
                  rac_arena_printf(c->a,
                                   "the 'runAfter' of template action '%.*s' is part of a "
                                   "circular dependency",
                                   RAC_FMT(p->actions[i].name)));
}

/* --- expressions ------------------------------------------------------------------------------ */

static void expression_wrong(struct compiler *c, rac_str pointer, const struct rac_json *node,
                             const struct rac_expr_error *error)
{
    wrong(
        c, pointer, node,
        rac_arena_printf(c->a, "The template validation failed: '%.*s'", RAC_FMT(error->message)));
}

static const struct rac_expr *tree(struct compiler *c, const struct rac_json *v, rac_str pointer)
{
    const struct rac_expr *x = NULL;
    struct rac_expr_error error = {0};
    rac_str inside = RAC_S("");
    if (v != NULL &&
        rac_expr_compile_tree(v, RAC_EXPR_TOLERANT, c->a, &x, &error, &inside) != RAC_OK) {
        const struct rac_json *at = rac_json_pointer_get(v, inside);
        expression_wrong(c, rac_str_concat(c->a, pointer, inside), at, &error);
        return NULL;
    }
    return x;
}

static const struct rac_expr *subject(struct compiler *c, const struct rac_wf_action *x,
                                      rac_str name)
{
    const struct rac_json *v = rac_json_geti(x->node, name);
    rac_str pointer = rac_json_pointer_join(c->a, x->pointer, name), inside = RAC_S("");
    const struct rac_expr *out = NULL;
    struct rac_expr_error error = {0};
    if (v == NULL) {
        wrong(c, x->pointer, x->node,
              rac_arena_printf(c->a, "the template action '%.*s' of type '%.*s' needs '%.*s'",
                               RAC_FMT(x->name), RAC_FMT(x->type_word), RAC_FMT(name)));
        return NULL;
    }
    if (x->type != RAC_WF_TYPE_IF || v->type != RAC_JSON_OBJECT)
        return tree(c, v, pointer);
    if (rac_expr_compile_condition(v, RAC_EXPR_TOLERANT, c->a, &out, &error, &inside) != RAC_OK)
        expression_wrong(c, rac_str_concat(c->a, pointer, inside), v, &error);
    return out;
}

static void repetitions(const struct compiler *c, struct rac_wf_action *x)
{
    const struct rac_json *runtime = RAC_JSON_GETI(x->node, "runtimeConfiguration");
    const struct rac_json *n = RAC_JSON_GETI(RAC_JSON_GETI(runtime, "concurrency"), "repetitions");
    int64_t at_once = rac_json_int(n, c->w->profile == RAC_WF_FLOW ? 1 : 20);
    if (rac_options_have(rac_options_of(x->node), RAC_S("Sequential")))
        at_once = 1;
    for (uint32_t g = x->graph; c->p->graphs[g].owner != UINT32_MAX;) { /* inside another loop: 1 */
        const struct rac_wf_action *owner = &c->p->actions[c->p->graphs[g].owner];
        if (owner->type == RAC_WF_TYPE_FOREACH)
            at_once = 1;
        g = owner->graph;
    }
    x->repetitions = (uint32_t)(at_once < 1 ? 1 : at_once > 50 ? 50 : at_once);
}

static unsigned options(const struct rac_json *node)
{
    static const struct {
        rac_str word;
        enum rac_wf_option bit;
    } table[] = {
        {RAC_S_INIT("DisableAsyncPattern"), RAC_WF_DISABLE_ASYNC},
        {RAC_S_INIT("Asynchronous"), RAC_WF_ASYNCHRONOUS},
        {RAC_S_INIT("DisableAutomaticDecompression"), RAC_WF_DISABLE_DECOMPRESSION},
        {RAC_S_INIT("SuppressWorkflowHeaders"), RAC_WF_SUPPRESS_HEADERS},
        {RAC_S_INIT("Sequential"), RAC_WF_SEQUENTIAL},
        {RAC_S_INIT("FailWhenLimitsReached"), RAC_WF_FAIL_WHEN_LIMITS_REACHED},
    };
    unsigned bits = 0;
    for (size_t i = 0; i < RAC_COUNT(table); i++)
        bits |= rac_options_have(rac_options_of(node), table[i].word) ? table[i].bit : 0u;
    return bits;
}

static const struct rac_expr *optional(struct compiler *c, const struct rac_wf_action *x,
                                       const char *name)
{
    const struct rac_json *v = rac_json_geti(x->node, rac_str_of(name));
    return v == NULL ? NULL : tree(c, v, rac_json_pointer_join(c->a, x->pointer, rac_str_of(name)));
}

static void static_result(struct compiler *c, struct rac_wf_action *x)
{
    const struct rac_json *runtime = RAC_JSON_GETI(x->node, "runtimeConfiguration"),
                          *use = RAC_JSON_GETI(runtime, "staticResult"),
                          *all = RAC_JSON_GETI(c->w->definition, "staticResults");
    if (!rac_str_eqi(rac_json_str(RAC_JSON_GETI(use, "staticResultOptions"), RAC_S("")),
                     RAC_S("Enabled")))
        return;
    rac_str name = rac_json_str(RAC_JSON_GETI(use, "name"), RAC_S(""));
    const struct rac_json *v = rac_json_geti(all, name);
    rac_str pointer = rac_json_pointer_join(c->a, x->pointer, RAC_S("runtimeConfiguration"));
    if (v == NULL) {
        wrong(c, rac_json_pointer_join(c->a, pointer, RAC_S("staticResult")), use,
              rac_arena_printf(c->a,
                               "the static result '%.*s' of template action '%.*s' is not "
                               "defined in 'staticResults'",
                               RAC_FMT(name), RAC_FMT(x->name)));
        return;
    }
    x->fixed = tree(c, v,
                    rac_str_concat(c->a, c->w->pointer,
                                   rac_json_pointer_join(c->a, RAC_S("/staticResults"), name)));
}

static bool calls(enum rac_wf_type type)
{
    return type >= RAC_WF_TYPE_HTTP && type <= RAC_WF_TYPE_API_CONNECTION_WEBHOOK;
}

/* Of flows that take the connections of their caller out of a header that never comes (§6.3): a host
 * that names the same connection as others do. */
static struct rac_json usual_host(struct compiler *c, const struct rac_json *host)
{
    const struct rac_json *connection = RAC_JSON_GETI(host, "connection");
    rac_str name = rac_json_str(RAC_JSON_GETI(connection, "name"), RAC_S(""));
    rac_str key = rac_workflow_connection_key(name);
    if (key.p == NULL || rac_str_find(name, RAC_S("X-MS-APIM-Tokens")) == RAC_STR_NPOS)
        return *host;
    struct rac_json o = rac_json_copy(c->a, host), inner = rac_json_new_object(c->a);
    RAC_JSON_PUT_STR(c->a, &inner, "name",
                     rac_arena_printf(c->a, "@parameters('$connections')['%.*s']['connectionId']",
                                      RAC_FMT(key)));
    RAC_JSON_PUT(c->a, &o, "connection", inner);
    return o;
}

/* Inputs of an action that calls, without their authentication: that is evaluated when a request
 * is made and recorded as "*sanitized*"; the one of a connector action never is (§6.3). */
static void compile_call(struct compiler *c, struct rac_wf_action *x, const struct rac_json *inputs)
{
    rac_str pointer = rac_json_pointer_join(c->a, x->pointer, RAC_S("inputs"));
    const struct rac_json *auth = RAC_JSON_GETI(inputs, "authentication");
    struct rac_json *rest = RAC_NEW(c->a, struct rac_json);
    bool own = x->type == RAC_WF_TYPE_HTTP || x->type == RAC_WF_TYPE_FUNCTION ||
               x->type == RAC_WF_TYPE_API_MANAGEMENT;
    if (auth == NULL || !rac_json_is_object(inputs)) {
        x->inputs = tree(c, inputs, pointer);
        return;
    }
    *rest = rac_json_new_object(c->a);
    RAC_JSON_EACH_MEMBER(m, inputs)
    if (!rac_str_eqi(rac_json_key(m), RAC_S("authentication")))
        rac_json_put(c->a, rest, rac_json_key(m),
                     rac_str_eqi(rac_json_key(m), RAC_S("host")) ? usual_host(c, &m->value)
                                                                 : m->value);
    x->inputs = tree(c, rest, pointer);
    if (own)
        x->authentication =
            tree(c, auth, rac_json_pointer_join(c->a, pointer, RAC_S("authentication")));
}

static void common(struct compiler *c, struct rac_wf_action *x)
{
    const struct rac_json *limit = RAC_JSON_GETI(x->node, "limit");
    rac_str text = rac_json_str(RAC_JSON_GETI(limit, "timeout"), RAC_S(""));
    x->options = options(x->node);
    if (!rac_time_parse_duration(text, &x->timeout_ms))
        x->timeout_ms = -1;
    x->limit = optional(c, x, "limit");
    x->tracked = optional(c, x, "trackedProperties");
    x->request_options =
        tree(c, RAC_JSON_GETI(RAC_JSON_GETI(x->node, "runtimeConfiguration"), "requestOptions"),
             rac_str_concat(c->a, x->pointer, RAC_S("/runtimeConfiguration/requestOptions")));
    x->inputs_node = RAC_JSON_GETI(x->node, "inputs");
    static_result(c, x);
    for (uint32_t g = x->graph; c->p->graphs[g].owner != UINT32_MAX;) {
        const struct rac_wf_action *owner = &c->p->actions[c->p->graphs[g].owner];
        x->in_loop |= owner->type == RAC_WF_TYPE_FOREACH || owner->type == RAC_WF_TYPE_UNTIL;
        g = owner->graph;
    }
    if (x->type == RAC_WF_TYPE_RESPONSE) {
        c->p->responds = true;
        c->p->responds_async |= (x->options & RAC_WF_ASYNCHRONOUS) != 0;
    }
}

/* Data operations: `from` is evaluated once (inputs), the rest for each item (subject). */
static void compile_per_item(struct compiler *c, struct rac_wf_action *x,
                             const struct rac_json *inputs)
{
    rac_str name = x->type == RAC_WF_TYPE_SELECT  ? RAC_S("select")
                   : x->type == RAC_WF_TYPE_QUERY ? RAC_S("where")
                                                  : RAC_S("columns");
    rac_str pointer = rac_json_pointer_join(c->a, x->pointer, RAC_S("inputs"));
    const struct rac_json *from = RAC_JSON_GETI(inputs, "from"),
                          *each = rac_json_geti(inputs, name);
    if (from == NULL || (each == NULL && x->type != RAC_WF_TYPE_TABLE)) {
        wrong(c, pointer, inputs,
              rac_arena_printf(c->a, "the 'inputs' of template action '%.*s' need '%s'",
                               RAC_FMT(x->name), from == NULL ? "from" : name.p));
        return;
    }
    x->inputs = tree(c, from, rac_json_pointer_join(c->a, pointer, RAC_S("from")));
    x->subject = tree(c, each, rac_json_pointer_join(c->a, pointer, name));
}

static void compile_action(struct compiler *c, struct rac_wf_action *x)
{
    const struct rac_json *inputs = RAC_JSON_GETI(x->node, "inputs");
    common(c, x);
    switch (x->type) {
    case RAC_WF_TYPE_IF:
    case RAC_WF_TYPE_SWITCH:
    case RAC_WF_TYPE_UNTIL:
        x->subject = subject(c, x, RAC_S("expression"));
        break;
    case RAC_WF_TYPE_FOREACH:
        x->subject = subject(c, x, RAC_S("foreach"));
        repetitions(c, x);
        break;
    case RAC_WF_TYPE_SCOPE:
        break;
    case RAC_WF_TYPE_SELECT:
    case RAC_WF_TYPE_QUERY:
    case RAC_WF_TYPE_TABLE:
        compile_per_item(c, x, inputs);
        break;
    default:
        if (calls(x->type))
            compile_call(c, x, inputs);
        else
            x->inputs = tree(c, inputs, rac_json_pointer_join(c->a, x->pointer, RAC_S("inputs")));
    }
}

/* --- parameters (§1.3, §6.3) ------------------------------------------------------------------ */

static bool app_setting(void *self, enum rac_expr_ref ref, rac_str name,
                        struct rac_arena *a RAC_UNUSED, struct rac_json *out)
{
    const struct rac_workflow *w = self;
    const struct rac_json *v = rac_json_get(&w->settings, name);
    *out = v != NULL ? *v : rac_json_of_null();
    return ref == RAC_EXPR_REF_APPSETTING;
}

/* Values may be expressions over appsetting(); what cannot be evaluated stays as it is written. */
static struct rac_json parameter_value(const struct rac_workflow *w, struct rac_arena *a,
                                       const struct rac_json *v)
{
    struct rac_expr_scope scope = {app_setting, (void *)(uintptr_t)w};
    struct rac_expr_run run = {.scope = &scope, .env = &rac_env_system, .a = a};
    struct rac_expr_error error;
    const struct rac_expr *x = NULL;
    struct rac_json out;
    rac_str pointer;
    if (w->profile == RAC_WF_STANDARD &&
        rac_expr_compile_tree(v, 0, a, &x, &error, &pointer) == RAC_OK &&
        rac_expr_eval(x, &run, &out) == RAC_OK)
        return out;
    return *v;
}

static rac_str last_segment(rac_str id)
{
    size_t at = rac_str_rfind_char(id, '/');
    return at == RAC_STR_NPOS ? id : rac_str_from(id, at + 1);
}

/* Flow documents name connections in connectionReferences: $connections is made from them. */
static void flow_connections(struct rac_plan *p)
{
    struct rac_json all = rac_json_new_object(p->a);
    RAC_JSON_EACH_MEMBER(m, &p->workflow->references)
    {
        struct rac_json o = rac_json_new_object(p->a);
        rac_str key = rac_json_key(m),
                id = rac_json_str(RAC_JSON_GETI(&m->value, "id"), RAC_STR_NULL),
                name = rac_json_str(RAC_JSON_GETI(&m->value, "connectionName"), key);
        if (id.p == NULL)
            id = rac_json_str(RAC_JSON_GETI(RAC_JSON_GETI(&m->value, "api"), "name"), key);
        RAC_JSON_PUT_STR(
            p->a, &o, "connectionId",
            rac_arena_printf(p->a, "/providers/Microsoft.PowerApps/apis/%.*s/connections/%.*s",
                             RAC_FMT(last_segment(id)), RAC_FMT(key)));
        RAC_JSON_PUT_STR(p->a, &o, "connectionName", name);
        RAC_JSON_PUT_STR(p->a, &o, "id", id);
        rac_json_put(p->a, &all, key, o);
    }
    RAC_JSON_PUT(p->a, &p->parameters, "$connections", all);
}

static void declare_parameters(struct rac_plan *p)
{
    const struct rac_workflow *w = p->workflow;
    p->declared = rac_json_new_object(p->a);
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GETI(w->definition, "parameters"))
    rac_json_put(p->a, &p->declared, rac_json_key(m), m->value);
    RAC_JSON_EACH_MEMBER(m, &w->parameters)
    {
        struct rac_json *there = rac_json_geti(&p->declared, rac_json_key(m));
        if (!rac_workflow_declares_secure(&m->value) || rac_workflow_declares_secure(there))
            continue;
        if (there != NULL)
            *there = m->value;
        else
            rac_json_put(p->a, &p->declared, rac_json_key(m), m->value);
    }
}

static void bind_parameters(struct rac_plan *p)
{
    const struct rac_workflow *w = p->workflow;
    p->parameters = rac_json_new_object(p->a);
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GETI(w->definition, "parameters"))
    {
        const struct rac_json *v = RAC_JSON_GETI(&m->value, "defaultValue");
        rac_json_put(p->a, &p->parameters, rac_json_key(m), v ? *v : rac_json_of_null());
    }
    if (w->profile == RAC_WF_FLOW && rac_json_len(&w->references) > 0)
        flow_connections(p);
    RAC_JSON_EACH_MEMBER(m, &w->parameters)
    {
        const struct rac_json *v = RAC_JSON_GETI(&m->value, "value");
        if (v != NULL)
            rac_json_put(p->a, &p->parameters, rac_json_key(m), parameter_value(w, p->a, v));
    }
}

static void trigger(struct compiler *c)
{
    const struct rac_json *triggers = RAC_JSON_GETI(c->w->definition, "triggers");
    const struct rac_json_member *m = rac_json_member_at(triggers, 0);
    if (m == NULL) {
        wrong(c, rac_str_concat(c->a, c->w->pointer, RAC_S("/triggers")), triggers,
              RAC_S("the definition has no trigger"));
        return;
    }
    c->p->trigger_name = rac_json_key(m);
    c->p->trigger = &m->value;
    c->p->trigger_type = rac_json_str(RAC_JSON_GETI(&m->value, "type"), RAC_S(""));
}

rac_err rac_plan_compile(const struct rac_workflow *w, struct rac_arena *a, struct rac_plan **out,
                         struct rac_diags *d)
{
    struct rac_plan *p = RAC_NEW(a, struct rac_plan);
    struct compiler c = {.p = p, .w = w, .a = a, .d = d};
    rac_map_init(&p->names, a);
    p->workflow = w;
    p->a = a;
    trigger(&c);
    layout(&c, UINT32_MAX, RAC_JSON_GETI(w->definition, "actions"),
           rac_str_concat(a, w->pointer, RAC_S("/actions")), 1);
    for (uint32_t i = 0; i < p->actions_n; i++)
        edges(&c, &p->actions[i]);
    back_edges(&c);
    circles(&c);
    for (uint32_t i = 0; i < p->actions_n; i++)
        compile_action(&c, &p->actions[i]);
    const struct rac_json *outputs = RAC_JSON_GETI(w->definition, "outputs");
    if (rac_json_len(outputs) > 0)
        p->outputs = tree(&c, outputs, rac_str_concat(a, w->pointer, RAC_S("/outputs")));
    if (c.failed)
        return RAC_E_INVALID;
    declare_parameters(p);
    bind_parameters(p);
    p->secure = rac_secure_of_plan(p, a);
    *out = p;
    return RAC_OK;
}

uint32_t rac_plan_find(const struct rac_plan *p, rac_str name)
{
    char folded[320];
    uintptr_t at = (uintptr_t)rac_map_get(&p->names, name);
    if (at == 0 && name.n <= sizeof folded) {
        for (size_t i = 0; i < name.n; i++)
            folded[i] = rac_lower(name.p[i]);
        at = (uintptr_t)rac_map_get(&p->names, (rac_str){folded, name.n});
    }
    return (uint32_t)at - 1;
}
