/*
 * Names, containers, runAfter and what it makes certain: for each list of actions a matrix of bits
 * says which of them has ended before another one starts.
 */
#include "base/str.h"
#include "openapi/read.h"
#include "workflow/check/check_priv.h"
#include "workflow/definition/plan.h"

enum { FORBIDDEN_FROM = 0x20 };

/* --- layout ----------------------------------------------------------------------------------- */

static uint32_t container_new(struct check *c, uint32_t owner, size_t n)
{
    if (c->containers_n == c->containers_cap) {
        uint32_t cap = c->containers_cap ? c->containers_cap * 2 : 8;
        c->containers =
            rac_arena_grow(c->a, c->containers, c->containers_cap * sizeof *c->containers,
                           cap * sizeof *c->containers);
        c->containers_cap = cap;
    }
    c->containers[c->containers_n] =
        (struct container){.owner = owner, .nodes = RAC_NEW_N(c->a, uint32_t, n)};
    return c->containers_n++;
}

static uint32_t node_new(struct check *c)
{
    if (c->nodes_n == c->nodes_cap) {
        uint32_t cap = c->nodes_cap ? c->nodes_cap * 2 : 16;
        c->nodes =
            rac_arena_grow(c->a, c->nodes, c->nodes_cap * sizeof *c->nodes, cap * sizeof *c->nodes);
        c->nodes_cap = cap;
    }
    return c->nodes_n++;
}

static void check_characters(struct check *c, const char *what, rac_str name, const struct at *at)
{
    size_t n = characters(name);
    bool bad = name.n > 0 && name.p[name.n - 1] == '.';
    for (size_t i = 0; i < name.n; i++)
        bad |= (unsigned char)name.p[i] < FORBIDDEN_FROM || name.p[i] == 0x7f ||
               strchr("<>%&\\?/:", name.p[i]) != NULL;
    if (n == 0 || n > 80)
        found(c, F_NAME, at,
              "The template validation failed: 'The name of the %s '%.*s' has %zu characters; it "
              "may have 1 to 80.'",
              what, (int)(name.n < 200 ? name.n : 200), name.p, n);
    else if (bad)
        found(c, c->w->profile == RAC_WF_FLOW ? F_NAME_FLOW : F_NAME, at,
              "The template validation failed: 'The name of the %s '%.*s' has a character that "
              "names may not have: one of < > %% & \\ ? / :, a control character, or a point at "
              "the end.'",
              what, RAC_FMT(name));
}

static void layout(struct check *c, uint32_t owner, const struct at *at, uint32_t depth);

static void layout_under(struct check *c, uint32_t owner, const struct at *at, uint32_t depth,
                         bool required)
{
    const struct rac_json *v = RAC_JSON_GETI(at->node, "actions");
    struct at here = AT_KEY(at, RAC_S("actions"), v);
    if (required && is_absent(v) && !is_unknown(v))
        wrong(c, F_STRUCTURE, at, "the property 'actions' is missing");
    if (!is_absent(v))
        layout(c, owner, &here, depth);
}

/* The lists of actions below a map of things that have them: cases, tools. */
static void layout_map(struct check *c, uint32_t owner, const struct at *up, rac_str key,
                       uint32_t depth)
{
    const struct rac_json *v = rac_json_geti(up->node, key);
    struct at at = AT_KEY(up, key, v);
    RAC_JSON_EACH_MEMBER(m, v)
    {
        struct at here = AT_KEY(&at, rac_json_key(m), &m->value);
        if (rac_json_is_object(&m->value))
            layout_under(c, owner, &here, depth, false);
    }
}

static void layout_one(struct check *c, uint32_t owner, const struct at *up, rac_str key,
                       uint32_t depth, bool required)
{
    const struct rac_json *v = rac_json_geti(up->node, key);
    struct at at = AT_KEY(up, key, v);
    if (is_absent(v))
        return;
    if (check_type(c, T_OBJ, &at) && rac_json_is_object(v))
        layout_under(c, owner, &at, depth, required);
}

static void children(struct check *c, uint32_t i, const struct at *at, uint32_t depth)
{
    switch (type_rows[c->nodes[i].type].children) {
    case CHILDREN_BODY:
        layout_under(c, i, at, depth, true);
        break;
    case CHILDREN_IF:
        layout_under(c, i, at, depth, true);
        layout_one(c, i, at, RAC_S("else"), depth, true);
        break;
    case CHILDREN_SWITCH:
        layout_map(c, i, at, RAC_S("cases"), depth);
        layout_one(c, i, at, RAC_S("default"), depth, false);
        break;
    case CHILDREN_AGENT:
        layout_map(c, i, at, RAC_S("tools"), depth);
        break;
    case CHILDREN_ANY:
        layout_under(c, i, at, depth, false);
        layout_one(c, i, at, RAC_S("else"), depth, false);
        layout_map(c, i, at, RAC_S("cases"), depth);
        layout_one(c, i, at, RAC_S("default"), depth, false);
        layout_map(c, i, at, RAC_S("tools"), depth);
        break;
    case NO_CHILDREN:
        break;
    }
}

static bool in_tool(const struct check *c, uint32_t i)
{
    for (; i != NOBODY; i = c->nodes[i].parent)
        if (c->nodes[i].parent != NOBODY && c->nodes[c->nodes[i].parent].type == A_AGENT)
            return true;
    return false;
}

/* The file had the name before, in the same object: that action is not in the tree. */
static bool is_repeated(const struct check *c, const struct rac_json_member *m)
{
    uint32_t line, column;
    if (c->w->repeats_n == 0 || !rac_document_place_key(c->w->doc, m, &line, &column, NULL, NULL))
        return false;
    for (size_t i = 0; i < c->w->repeats_n; i++)
        if (c->w->repeats[i].line == line && c->w->repeats[i].column == column)
            return true;
    return false;
}

static void duplicated(struct check *c, enum finding f, rac_str name, const struct at *at)
{
    found(c, f, at,
          "The template validation failed: 'The template actions '%.*s' are duplicated: names of "
          "actions and triggers are unique over the whole definition, letter case ignored.'",
          RAC_FMT(name));
}

static void check_unique(struct check *c, uint32_t i, const struct at *at)
{
    rac_str folded = rac_str_lower(c->a, c->nodes[i].name);
    if (rac_map_add(&c->actions, folded, (void *)(uintptr_t)(i + 1)) &&
        !rac_map_has(&c->triggers, folded))
        return;
    uint32_t other = (uint32_t)(uintptr_t)rac_map_get(&c->actions, folded) - 1;
    bool tool = in_tool(c, i) || (other != NOBODY && other != i && in_tool(c, other));
    duplicated(c, tool ? F_DUPLICATE_TOOL : F_DUPLICATE, c->nodes[i].name, at);
}

static void add_action(struct check *c, uint32_t container, const struct rac_json_member *m,
                       const struct at *up, uint32_t depth)
{
    struct at at = AT_KEY(up, rac_json_key(m), &m->value);
    uint32_t i = node_new(c), owner = c->containers[container].owner;
    rac_str pointer = rac_json_pointer_join(c->d->a, up->key, rac_json_key(m));
    const struct rac_json *type = RAC_JSON_GETI(&m->value, "type");
    c->noun = "action";
    c->name = rac_json_key(m);
    c->subject = &m->value;
    c->nodes[i] = (struct node){.name = rac_json_key(m),
                                .v = &m->value,
                                .pointer = pointer,
                                .parent = owner,
                                .container = container,
                                .order = c->containers[container].n,
                                .depth = depth,
                                .type_word = rac_json_str(type, RAC_S("")),
                                .type = A_UNKNOWN};
    c->containers[container].nodes[c->containers[container].n++] = i;
    check_characters(c, "action", c->name, &at);
    check_unique(c, i, &at);
    if (is_repeated(c, m))
        duplicated(c, F_DUPLICATE, c->name, &at);
    if (!rac_json_is_object(&m->value)) {
        if (!is_unknown(&m->value))
            wrong(c, F_STRUCTURE, &at, "an action is an object");
        return;
    }
    if (depth > RAC_WORKFLOW_NESTING_MAX) {
        found(c, F_NESTING, &at,
              "The template validation failed: 'The template action '%.*s' is nested %u levels "
              "deep; the limit is %d.'",
              RAC_FMT(c->name), depth, RAC_WORKFLOW_NESTING_MAX);
        return;
    }
    c->nodes[i].type = type_of(c->nodes[i].type_word);
    if ((type_rows[c->nodes[i].type].flags & INPUTS_DRAFT) != 0 &&
        RAC_JSON_GETI(&m->value, "inputs") == NULL) {
        c->draft = true;
        c->unfinished++;
    }
    c->transitions |= rac_json_len(RAC_JSON_GETI(&m->value, "transitions")) > 0;
    at = AT_POINTER(pointer, &m->value);
    children(c, i, &at, depth + 1);
}

static void layout(struct check *c, uint32_t owner, const struct at *at, uint32_t depth)
{
    struct at here = AT_POINTER(RAC_S(""), at->node);
    if (!check_type(c, T_OBJ, at) || !rac_json_is_object(at->node))
        return;
    uint32_t container = container_new(c, owner, rac_json_len(at->node));
    here.key = RAC_STR_NULL;
    RAC_JSON_EACH_MEMBER(m, at->node)
    {
        if (c->nodes_n >= RAC_WORKFLOW_ACTIONS_CAP)
            return;
        if (here.key.p == NULL) { /* one pointer for all members */
            rac_str pointer = RAC_S("");
            for (const struct at *p = at; p != NULL; p = p->up)
                pointer = rac_str_concat(
                    c->d->a,
                    p->up == NULL ? p->key : rac_json_pointer_join(c->d->a, RAC_S(""), p->key),
                    pointer);
            here.key = pointer;
        }
        add_action(c, container, m, &here, depth);
    }
}

static void layout_triggers(struct check *c, const struct at *root)
{
    const struct rac_json *v = RAC_JSON_GETI(root->node, "triggers");
    struct at at = AT_KEY(root, RAC_S("triggers"), v);
    RAC_JSON_EACH_MEMBER(m, v)
    {
        struct at here = AT_KEY(&at, rac_json_key(m), &m->value);
        check_characters(c, "trigger", rac_json_key(m), &here);
        if (!rac_map_add(&c->triggers, rac_str_lower(c->a, rac_json_key(m)), m) ||
            is_repeated(c, m))
            found(c, F_DUPLICATE, &here,
                  "The template validation failed: 'The template triggers '%.*s' are duplicated.'",
                  RAC_FMT(rac_json_key(m)));
    }
}

/* --- runAfter --------------------------------------------------------------------------------- */

static bool is_agent_trigger(const struct check *c, rac_str name)
{
    const struct rac_json_member *m = rac_map_get(&c->triggers, rac_str_lower(c->a, name));
    return m != NULL &&
           rac_str_eqi(rac_json_str(RAC_JSON_GETI(&m->value, "kind"), RAC_S("")), RAC_S("Agent"));
}

static void check_statuses(struct check *c, const struct at *at)
{
    enum rac_wf_status s;
    if (is_unknown(at->node))
        return;
    if (!rac_json_is_array(at->node)) {
        wrong(c, F_RUN_AFTER_STATUS, at, "the statuses of 'runAfter' are a list, [\"Succeeded\"]");
        return;
    }
    if (rac_json_len(at->node) == 0)
        wrong(c, F_RUN_AFTER_STATUS, at, "the list of statuses of 'runAfter' is empty");
    for (size_t i = 0; i < rac_json_len(at->node); i++) {
        struct at e = AT_INDEX(at, i, rac_json_at(at->node, i));
        rac_str word = rac_json_str(e.node, RAC_S(""));
        if (!is_unknown(e.node) && !rac_wf_status_parse(word, &s))
            wrong(c, F_RUN_AFTER_STATUS, &e,
                  "'%.*s' is not a status: those of runAfter are Succeeded, Failed, Skipped and "
                  "TimedOut",
                  RAC_FMT(word));
    }
}

static uint32_t find_action(const struct check *c, rac_str name)
{
    return (uint32_t)(uintptr_t)rac_map_get(&c->actions, rac_str_lower(c->a, name)) - 1;
}

static void edges(struct check *c, uint32_t i)
{
    struct node *x = &c->nodes[i];
    struct at action = AT_POINTER(x->pointer, x->v), at;
    c->noun = "action";
    c->name = x->name;
    c->subject = x->v;
    if (!take_member(c, &action, RAC_S("runAfter"), T_OBJ, &at))
        return;
    x->after = RAC_NEW_N(c->a, uint32_t, rac_json_len(at.node));
    RAC_JSON_EACH_MEMBER(m, at.node)
    {
        struct at here = AT_KEY(&at, rac_json_key(m), &m->value);
        struct rac_arena_mark mark = rac_arena_mark(c->a);
        uint32_t to = find_action(c, rac_json_key(m));
        if (c->a != c->d->a)
            rac_arena_rewind(c->a, mark);
        if (to == NOBODY || c->nodes[to].container != x->container) {
            if (to != NOBODY || !is_agent_trigger(c, rac_json_key(m)))
                found(c, F_RUN_AFTER, &here,
                      "The 'runAfter' property of template action '%.*s' contains non-existent "
                      "action: '%.*s'.%s",
                      RAC_FMT(x->name), RAC_FMT(rac_json_key(m)),
                      to != NOBODY ? " There is one, inside or outside of a container: 'runAfter' "
                                     "names actions of its own list."
                                   : "");
            continue;
        }
        check_statuses(c, &here);
        x->after[x->after_n++] = to;
    }
}

/* "'A' waits for 'C', which waits for 'A'": from an action in a circle, once around. */
static rac_str circle_of(const struct check *c, const struct container *k, const uint32_t *open,
                         uint32_t from)
{
    enum { SHOWN_MAX = 8 };
    rac_str text = rac_arena_printf(c->a, "'%.*s'", RAC_FMT(c->nodes[k->nodes[from]].name));
    uint32_t at = from;
    for (unsigned n = 0; n < SHOWN_MAX; n++) {
        const struct node *x = &c->nodes[k->nodes[at]];
        for (uint32_t e = 0; e < x->after_n; e++) {
            at = c->nodes[x->after[e]].order;
            if (open[at] > 0)
                break;
        }
        text = rac_arena_printf(c->a, "%.*s%s waits for '%.*s'", RAC_FMT(text),
                                n > 0 ? ", which" : "", RAC_FMT(c->nodes[k->nodes[at]].name));
        if (at == from)
            return text;
    }
    return rac_arena_printf(c->a, "%.*s, and on", RAC_FMT(text));
}

/* open: how many each action still waits for, once Kahn's order came to its end. What waits for a
 * circle without standing in one is not at fault: it is peeled off from the other end. */
static void report_circles(struct check *c, const struct container *k, uint32_t *open,
                           uint32_t *const *next, const uint32_t *next_n)
{
    uint32_t *ahead = RAC_NEW_N(c->a, uint32_t, k->n), *queue = RAC_NEW_N(c->a, uint32_t, k->n);
    uint32_t head = 0, tail = 0;
    c->circles = true;
    for (uint32_t i = 0; i < k->n; i++) {
        for (uint32_t e = 0; e < next_n[i]; e++)
            ahead[i] += open[next[i][e]] > 0;
        if (open[i] > 0 && ahead[i] == 0)
            queue[tail++] = i;
    }
    while (head < tail) {
        const struct node *x = &c->nodes[k->nodes[queue[head]]];
        open[queue[head++]] = 0;
        for (uint32_t e = 0; e < x->after_n; e++) {
            uint32_t from = c->nodes[x->after[e]].order;
            if (open[from] > 0 && --ahead[from] == 0)
                queue[tail++] = from;
        }
    }
    for (uint32_t i = 0; i < k->n; i++) {
        const struct node *x = &c->nodes[k->nodes[i]];
        struct at action = AT_POINTER(x->pointer, x->v);
        struct at at = AT_KEY(&action, RAC_S("runAfter"), RAC_JSON_GETI(x->v, "runAfter"));
        if (open[i] > 0)
            found(c, F_CIRCLE, &at,
                  "The template action '%.*s' is not valid: its 'runAfter' and those of the "
                  "actions it names form a circular dependency: %.*s.",
                  RAC_FMT(x->name), RAC_FMT(circle_of(c, k, open, i)));
    }
}

/* Kahn's order; each row is the union of the rows it waits for and those themselves. */
static void order_container(struct check *c, struct container *k)
{
    uint32_t *open = RAC_NEW_N(c->a, uint32_t, k->n), *queue = RAC_NEW_N(c->a, uint32_t, k->n);
    uint32_t **next = RAC_NEW_N(c->a, uint32_t *, k->n), *next_n = RAC_NEW_N(c->a, uint32_t, k->n);
    uint32_t head = 0, tail = 0;
    k->words = (k->n + 63) / 64;
    k->before = RAC_NEW_N(c->a, uint64_t, (size_t)k->n * k->words);
    for (uint32_t i = 0; i < k->n; i++)
        for (uint32_t e = 0; e < c->nodes[k->nodes[i]].after_n; e++)
            next_n[c->nodes[c->nodes[k->nodes[i]].after[e]].order]++;
    for (uint32_t i = 0; i < k->n; i++) {
        next[i] = RAC_NEW_N(c->a, uint32_t, next_n[i]);
        next_n[i] = 0;
    }
    for (uint32_t i = 0; i < k->n; i++) {
        const struct node *x = &c->nodes[k->nodes[i]];
        open[i] = x->after_n;
        if (open[i] == 0)
            queue[tail++] = i;
        for (uint32_t e = 0; e < x->after_n; e++) {
            uint32_t from = c->nodes[x->after[e]].order;
            next[from][next_n[from]++] = i;
        }
    }
    while (head < tail) {
        uint32_t i = queue[head++];
        const uint64_t *row = k->before + (size_t)i * k->words;
        for (uint32_t e = 0; e < next_n[i]; e++) {
            uint64_t *to = k->before + (size_t)next[i][e] * k->words;
            for (uint32_t w = 0; w < k->words; w++)
                to[w] |= row[w];
            to[i / 64] |= (uint64_t)1 << (i % 64);
            if (--open[next[i][e]] == 0)
                queue[tail++] = next[i][e];
        }
    }
    if (tail < k->n)
        report_circles(c, k, open, next, next_n);
}

bool comes_before(const struct check *c, uint32_t earlier, uint32_t later)
{
    if (c->transitions)
        return true;
    const struct container *k = &c->containers[c->nodes[later].container];
    uint32_t row = c->nodes[later].order, column = c->nodes[earlier].order;
    return (k->before[(size_t)row * k->words + column / 64] >> (column % 64) & 1) != 0;
}

bool in_loop(const struct check *c, uint32_t action)
{
    for (uint32_t i = c->nodes[action].parent; i != NOBODY; i = c->nodes[i].parent)
        if (c->nodes[i].type == A_FOREACH || c->nodes[i].type == A_UNTIL)
            return true;
    return false;
}

void check_graph(struct check *c)
{
    struct at root = AT_POINTER(c->w->pointer, c->w->definition);
    const struct rac_json *actions = RAC_JSON_GETI(c->w->definition, "actions");
    struct at at = AT_KEY(&root, RAC_S("actions"), actions);
    uint32_t max = c->o->actions_max > 0 ? c->o->actions_max : RAC_WORKFLOW_ACTIONS_MAX;
    if (max >= RAC_WORKFLOW_ACTIONS_CAP)
        max = RAC_WORKFLOW_ACTIONS_CAP - 1;
    rac_map_init(&c->actions, c->a);
    rac_map_init(&c->triggers, c->a);
    layout_triggers(c, &root);
    if (!is_absent(actions))
        layout(c, NOBODY, &at, 1);
    c->noun = NULL;
    if (c->nodes_n > max)
        found(c, F_TOO_MANY_ACTIONS, &at,
              "The template validation failed: 'The definition has %s%u actions, nested ones "
              "included, which exceeds the limit of %u.'",
              c->nodes_n == RAC_WORKFLOW_ACTIONS_CAP ? "at least " : "", c->nodes_n, max);
    for (uint32_t i = 0; i < c->nodes_n; i++)
        edges(c, i);
    c->circles = c->nodes_n > max; /* too many to order them */
    for (uint32_t i = 0; i < c->containers_n && c->nodes_n <= max; i++)
        order_container(c, &c->containers[i]);
    c->noun = NULL;
}

/* --- listing ---------------------------------------------------------------------------------- */

void rac_workflow_each_action(const struct rac_workflow *w,
                              void (*fn)(void *arg, const struct rac_workflow_action *x), void *arg)
{
    struct rac_arena a;
    struct rac_diags d;
    struct rac_workflow_check_options o = {0};
    rac_arena_init(&a, (size_t)1 << 30);
    rac_diags_init(&d, &a, 0);
    struct check c = {.w = w, .o = &o, .a = &a, .d = &d};
    rac_map_init(&c.mistyped, &a);
    check_graph(&c);
    for (uint32_t i = 0; i < c.nodes_n; i++) {
        const struct node *x = &c.nodes[i];
        struct rac_workflow_action action = {
            .name = x->name,
            .node = x->v,
            .parent = x->parent == NOBODY ? RAC_STR_NULL : c.nodes[x->parent].name,
            .depth = x->depth};
        fn(arg, &action);
    }
    rac_arena_fini(&a);
}

static void count_one(void *arg, const struct rac_workflow_action *x)
{
    (void)x;
    ++*(size_t *)arg;
}

void rac_workflow_count(const struct rac_workflow *w, size_t *actions, size_t *triggers)
{
    *actions = 0;
    rac_workflow_each_action(w, count_one, actions);
    *triggers = rac_json_len(RAC_JSON_GETI(w->definition, "triggers"));
}
