#include "workflow/history/traces.h"

#include "base/str.h"
#include "expr/trace.h"
#include "workflow/history/history_priv.h"

enum {
    STATE_BYTES_MAX = 32 << 20,
    STEPS_MAX = 1000000,
    VALUES_BYTES_MAX = 1 << 20,
    LOOKED_BYTES_MAX = 8 << 20, /* of values looked through for secrets */
    PARTS_MAX = 1000,
    DEPTH_MAX = 64,
};

struct reading {
    const struct rac_history *h;
    const struct rac_history_record *x;
    struct rac_arena *a;    /* of the answer */
    struct rac_arena state; /* of the run as it was, and of evaluating */
    struct rac_run_world world;
    struct rac_run *run;
    struct rac_run_place place;
    bool reached;
    uint64_t steps;
    size_t bytes;  /* of values of parts, told so far */
    size_t looked; /* of values looked through for secrets */
    struct rac_expr_trace t;
    struct rac_json items;     /* what a data operation goes over; NONE: it is none */
    const struct rac_expr *of; /* the expression of an If or Switch; NULL: inputs */
    struct rac_json list;      /* roots */
    bool secrets;              /* the workflow hides inputs or outputs of something */
    bool placed;               /* the error has found its root */
};

/* --- the run as it was ------------------------------------------------------------------------ */

static rac_str no_callback(void *self RAC_UNUSED, const struct rac_run *r RAC_UNUSED,
                           const struct rac_wf_record *x RAC_UNUSED, struct rac_arena *a RAC_UNUSED)
{
    return RAC_S("https://callback.invalid/"); /* never shown */
}

struct replaying {
    struct reading *t;
    rac_err err;
};

static bool piece(void *arg, rac_str bytes)
{
    struct replaying *p = arg;
    struct reading *t = p->t;
    p->err = rac_run_replay_to(t->run, bytes, &t->place, &t->reached, t->h->source->value,
                               t->h->source->self);
    return p->err == RAC_OK && !t->reached;
}

/* The state in which the inputs were evaluated; t->run NULL: it cannot be made again. */
static void replay(struct reading *t, const struct rac_json *workflow, const struct rac_env *env)
{
    struct replaying p = {t, RAC_OK};
    t->world =
        (struct rac_run_world){.env = env, .workflow = workflow, .callback_url = no_callback};
    t->place = (struct rac_run_place){.action = (uint32_t)(t->x->action - t->h->plan->actions),
                                      .repetition = rac_str_of(t->x->repetition)};
    t->run = rac_run_new(t->h->plan, &t->world, NULL, &t->state);
    rac_err err = t->h->source->pieces(t->h->source->self, piece, &p);
    if (err != RAC_OK || p.err != RAC_OK || t->place.x == NULL)
        t->run = NULL;
}

/* --- what may be shown ------------------------------------------------------------------------ */

static enum rac_expr_shown of_parameter(struct reading *t, const struct rac_expr_call *c)
{
    const struct rac_workflow *w = t->h->plan->workflow;
    const struct rac_json *given = RAC_JSON_GETI(rac_json_geti(&w->parameters, c->first), "value");
    const struct rac_expr *e = NULL;
    if (!c->literal || rac_str_starts(c->first, RAC_S("$")))
        return RAC_EXPR_HIDDEN;
    if (rac_workflow_parameter_is_secure(w, c->first))
        return RAC_EXPR_MASKED;
    bool made =
        w->profile == RAC_WF_STANDARD && given != NULL && /* from settings */
        (rac_expr_compile_tree(given, RAC_EXPR_TOLERANT, &t->state, &e, NULL, NULL) != RAC_OK ||
         !rac_expr_is_constant(e, NULL));
    return made ? RAC_EXPR_HIDDEN : RAC_EXPR_SHOWN;
}

static enum rac_expr_shown of_action(const struct reading *t, const struct rac_expr_call *c)
{
    uint32_t at = c->literal ? rac_plan_find(t->h->plan, c->first) : UINT32_MAX;
    return t->secrets && (at == UINT32_MAX || rac_secure_of_action(t->h->plan, at) != 0)
               ? RAC_EXPR_HIDDEN
               : RAC_EXPR_SHOWN;
}

static enum rac_expr_shown may_show(void *arg, const struct rac_expr_call *c)
{
    static const rac_str carriers[] = {RAC_S_INIT("variables"), RAC_S_INIT("item"),
                                       RAC_S_INIT("items"), RAC_S_INIT("result"),
                                       RAC_S_INIT("action")};
    struct reading *t = arg;
    if (c->ref == RAC_EXPR_REF_PARAMETERS)
        return of_parameter(t, c);
    if (c->ref == RAC_EXPR_REF_ACTIONS)
        return of_action(t, c);
    if (rac_str_startsi(c->name, RAC_S("trigger")) && rac_secure_of_trigger(t->h->plan) != 0)
        return RAC_EXPR_HIDDEN;
    if (rac_str_eqi(c->name, RAC_S("workflow"))) /* it may have another name by now */
        return RAC_EXPR_HIDDEN;
    if (c->ref == RAC_EXPR_REF_VARIABLES && t->place.taken_over) /* as they were in the end */
        return RAC_EXPR_HIDDEN;
    for (size_t i = 0; i < RAC_COUNT(carriers) && t->secrets; i++)
        if (rac_str_eqi(c->name, carriers[i]))
            return RAC_EXPR_HIDDEN;
    return RAC_EXPR_SHOWN;
}

/* About how long a value is as text, as far as `most`. */
static size_t size_of(const struct rac_json *v, size_t most)
{
    size_t n = v->type == RAC_JSON_STRING || v->type == RAC_JSON_NUMBER ? v->n + 2 : 8;
    for (size_t i = 0; i < rac_json_len(v) && n <= most; i++) {
        const struct rac_json_member *m = rac_json_member_at(v, i);
        n += m != NULL ? m->key_n + 4 : 1;
        n += n <= most ? size_of(m != NULL ? &m->value : rac_json_at(v, i), most - n) : 0;
    }
    return n;
}

/* What was copied out of a secure parameter is none of the things above. Of what is too long to be
 * looked through, nothing is known. */
static bool has_secret(void *arg, const struct rac_json *v)
{
    struct reading *t = arg;
    t->looked += size_of(v, LOOKED_BYTES_MAX - t->looked);
    if (t->looked > LOOKED_BYTES_MAX)
        t->looked = LOOKED_BYTES_MAX;
    return t->looked == LOOKED_BYTES_MAX ||
           rac_secure_holds(rac_secure_values_of_plan(t->h->plan), v, &t->state);
}

static void put_value(struct reading *t, struct rac_json *o, const struct rac_expr_part *p)
{
    if (p->value.type == RAC_JSON_NONE || p->shown == RAC_EXPR_HIDDEN)
        return;
    if (p->shown == RAC_EXPR_MASKED) {
        RAC_JSON_PUT_STR(t->a, o, "value", RAC_S("*sanitized*"));
        return;
    }
    size_t n = size_of(&p->value, VALUES_BYTES_MAX - t->bytes);
    if (n > VALUES_BYTES_MAX - t->bytes)
        return;
    t->bytes += n;
    struct rac_json v =
        rac_secure_mask(rac_secure_values_of_plan(t->h->plan), &p->value, &t->state);
    v = rac_expr_mend(&t->state, v);
    RAC_JSON_PUT(t->a, o, "value", rac_json_copy(t->a, &v));
}

/* --- parts ------------------------------------------------------------------------------------ */

static struct rac_json parts_json(struct reading *t, const struct rac_expr_part *of, bool fails)
{
    struct rac_json list = rac_json_new_array(t->a);
    for (const struct rac_expr_part *p = of->first; p != NULL; p = p->next) {
        struct rac_json o = rac_json_new_object(t->a);
        RAC_JSON_PUT_STR(t->a, &o, "text", rac_arena_str(t->a, p->text));
        put_value(t, &o, p);
        RAC_JSON_PUT(t->a, &o, "subexpressions", parts_json(t, p, fails));
        if (fails && p->failed)
            RAC_JSON_PUT(t->a, &o, "error", t->x->error);
        rac_json_add(t->a, &list, o);
    }
    return list;
}

static bool error_is(const struct reading *t, rac_str code)
{
    return rac_str_eq(rac_json_str(RAC_JSON_GET(&t->x->error, "code"), RAC_S("")), code);
}

/* Is it this expression because of which the action failed? Then *same: for the same reason. */
static bool is_to_blame(const struct reading *t, rac_err err, const struct rac_expr_part *root,
                        rac_str why, bool *same)
{
    rac_str message = rac_json_str(RAC_JSON_GET(&t->x->error, "message"), RAC_S(""));
    if (t->placed)
        return false;
    *same = err == RAC_OK ? t->of != NULL && root->value.type != RAC_JSON_BOOL
                          : why.n > 0 && rac_str_find(message, why) != RAC_STR_NPOS;
    return err == RAC_OK ? t->of != NULL && error_is(t, RAC_S("ExpressionEvaluationFailed"))
                         : err == RAC_E_INVALID && error_is(t, RAC_S("InvalidTemplate"));
}

/* One root; value NULL: none was recorded. item: what item() is, in one that is evaluated for each.
 */
static void add_root(struct reading *t, rac_str path, rac_str text, const struct rac_expr *e,
                     const struct rac_json *value, const struct rac_json *item)
{
    struct rac_json o = rac_json_new_object(t->a), parts = rac_json_new_array(t->a);
    struct rac_expr_part root;
    rac_str why;
    bool blamed = false, same = false;
    RAC_JSON_PUT_STR(t->a, &o, "path", path);
    RAC_JSON_PUT_STR(t->a, &o, "text", text);
    if (value != NULL)
        RAC_JSON_PUT(t->a, &o, "value",
                     rac_secure_mask(rac_secure_values_of_plan(t->h->plan), value, t->a));
    if (t->run != NULL && e != NULL && !(value == NULL && t->placed)) {
        rac_err err =
            rac_run_trace(t->run, t->place.x, e, item, &t->steps, STEPS_MAX, &t->t, &root, &why);
        if (value == NULL)
            blamed = is_to_blame(t, err, &root, why, &same);
        else
            same = err == RAC_OK && rac_expr_equal(value, &root.value);
        if (same)
            parts = parts_json(t, &root, blamed);
    }
    RAC_JSON_PUT(t->a, &o, "subexpressions", parts);
    if (blamed)
        RAC_JSON_PUT(t->a, &o, "error", t->x->error);
    t->placed = t->placed || blamed;
    rac_json_add(t->a, &t->list, o);
}

/* --- roots ------------------------------------------------------------------------------------ */

/* The element for which an expression that is evaluated for each made the action fail; NULL: none. */
static const struct rac_json *failing_item(struct reading *t, const struct rac_expr *e)
{
    struct rac_expr_trace unlisted = {.shown = may_show, .arg = t};
    struct rac_expr_part root;
    rac_str why;
    RAC_JSON_EACH(item, &t->items)
    {
        rac_err err = rac_run_trace(t->run, t->place.x, e, item, &t->steps, STEPS_MAX, &unlisted,
                                    &root, &why);
        bool same;
        if (err == RAC_E_LIMIT)
            return NULL;
        if (is_to_blame(t, err, &root, why, &same) && same)
            return item;
    }
    return NULL;
}

static void add_text(struct reading *t, rac_str path, const struct rac_json *node,
                     const struct rac_json *value, bool each)
{
    rac_str text = {node->s, node->n};
    const struct rac_expr *e = NULL;
    if (rac_expr_compile(text, RAC_EXPR_TOLERANT, t->a, &e, NULL) != RAC_OK ||
        rac_expr_is_constant(e, NULL))
        return;
    if (!each) {
        add_root(t, path, text, e, value, NULL);
        return;
    }
    const struct rac_json *item =
        t->run != NULL && error_is(t, RAC_S("InvalidTemplate")) ? failing_item(t, e) : NULL;
    add_root(t, path, text, item != NULL ? e : NULL, NULL, item);
}

/* Every expression of a template beside what stands in its place in the recorded value. each: in
 * what a data operation evaluates for each element. */
static void add_tree(struct reading *t, rac_str path, const struct rac_json *node,
                     const struct rac_json *value, bool each, unsigned depth)
{
    size_t i = 0;
    if (depth > DEPTH_MAX)
        return;
    if (rac_json_is_string(node))
        add_text(t, path, node, value, each);
    RAC_JSON_EACH(e, node)
    {
        rac_str at = rac_arena_printf(t->a, "%.*s[%zu]", RAC_FMT(path), i);
        add_tree(t, at, e, rac_json_at(value, i++), each, depth + 1);
    }
    RAC_JSON_EACH_MEMBER(m, node)
    {
        rac_str key = rac_json_key(m), at = rac_arena_printf(t->a, "%.*s%s%.*s", RAC_FMT(path),
                                                             path.n > 0 ? "." : "", RAC_FMT(key));
        if (!rac_str_eqi(key, RAC_S("authentication")))
            add_tree(t, at, &m->value, rac_json_get(value, key), each, depth + 1);
    }
}

static bool goes_over(enum rac_wf_type type)
{
    return type == RAC_WF_TYPE_SELECT || type == RAC_WF_TYPE_QUERY || type == RAC_WF_TYPE_TABLE;
}

/* Select, Query and Table record what `from` came to; the rest they evaluate for each element. */
static void add_data_operation(struct reading *t, const struct rac_json *inputs,
                               const struct rac_json *value)
{
    t->items = rac_json_is_array(value) ? *value : rac_json_none;
    RAC_JSON_EACH_MEMBER(m, inputs)
    {
        bool from = rac_str_eqi(rac_json_key(m), RAC_S("from"));
        add_tree(t, rac_json_key(m), &m->value, from ? value : NULL, !from, 1);
    }
}

static void add_condition(struct reading *t, const struct rac_json *node,
                          const struct rac_json *value)
{
    if (node == NULL)
        return;
    t->of = t->x->action->subject;
    add_root(t, RAC_S(""),
             rac_json_is_string(node) ? rac_json_str(node, RAC_S(""))
                                      : rac_json_print_str(node, 0, t->a),
             t->of, RAC_JSON_GET(value, "expressionResult"), NULL);
}

/* Where nothing can be evaluated again, one expression alone must have been the one that failed. */
static void blame_the_only(struct reading *t)
{
    if (rac_json_len(&t->list) == 1 &&
        (error_is(t, RAC_S("InvalidTemplate")) || error_is(t, RAC_S("ExpressionEvaluationFailed"))))
        RAC_JSON_PUT(t->a, rac_json_at(&t->list, 0), "error", t->x->error);
}

/* The recorded inputs as the run had them; NULL: there are none. */
static const struct rac_json *recorded(struct reading *t, struct rac_json *room)
{
    rac_str text;
    return rac_history_value_raw(t->h, &t->x->inputs, t->a, &text) == RAC_OK &&
                   rac_json_parse(text, t->a, RAC_JSON_OWN, room, NULL) == RAC_OK
               ? room
               : NULL;
}

struct rac_json rac_traces_of(const struct rac_history *h, const struct rac_history_record *x,
                              const struct rac_json *workflow, const struct rac_env *env,
                              struct rac_arena *a)
{
    const struct rac_wf_action *action = x->action;
    bool condition = action->type == RAC_WF_TYPE_IF || action->type == RAC_WF_TYPE_SWITCH;
    uint8_t hidden = rac_secure_of_action(h->plan, (uint32_t)(action - h->plan->actions));
    struct reading t = {
        .h = h, .x = x, .a = a, .list = rac_json_new_array(a), .items = rac_json_none};
    struct rac_json o = rac_json_new_object(a), room;
    t.secrets = h->plan->secure != NULL && h->plan->secure->any;
    rac_str name = condition ? RAC_S("expression") : RAC_S("inputs");
    const struct rac_json *node = rac_json_geti(action->node, name), *value;
    if (node == NULL || x->status == RAC_WF_SKIPPED || (hidden & RAC_SECURE_INPUTS) != 0) {
        rac_json_put(a, &o, name, t.list);
        return o;
    }
    t.t = (struct rac_expr_trace){.shown = may_show,
                                  .secret = rac_secure_values_of_plan(h->plan) != NULL ? has_secret
                                                                                       : NULL,
                                  .arg = &t,
                                  .parts_max = PARTS_MAX};
    rac_arena_init(&t.state, STATE_BYTES_MAX);
    rac_arena_wipe_at_end(&t.state);
    if (hidden == 0 && action->fixed == NULL && x->repetitions < 0)
        replay(&t, workflow, env);
    value = recorded(&t, &room);
    if (condition)
        add_condition(&t, node, value);
    else if (goes_over(action->type))
        add_data_operation(&t, node, value);
    else
        add_tree(&t, RAC_S(""), node, value, false, 0);
    if (t.run == NULL && value == NULL && action->fixed == NULL)
        blame_the_only(&t);
    rac_arena_fini(&t.state);
    rac_json_put(a, &o, name, t.list);
    return o;
}
