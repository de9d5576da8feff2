/*
 * A node is evaluated with its children replaced by what they came to, so the evaluator stays the
 * only place that knows what functions and accessors do; here is only what is reached in which
 * order, and what may be shown.
 */
#include "expr/trace.h"
#include "expr/functions_priv.h"

struct tracer {
    struct rac_expr_run *run;
    struct rac_expr_trace *t;
    unsigned depth;
    bool limit;
};

struct got {
    bool ok; /* reached, and nothing failed */
    struct rac_json value;
    enum rac_expr_shown shown;
};

static enum rac_expr_shown worse(enum rac_expr_shown x, enum rac_expr_shown y)
{
    return x > y ? x : y;
}

/* --- what a call is --------------------------------------------------------------------------- */

static bool differs(const struct fn *f)
{
    static const fn_eager all[] = {fn_utc_now,          fn_guid,          fn_rand,
                                   fn_get_future_time,  fn_get_past_time, fn_appsetting,
                                   fn_list_callback_url};
    for (size_t i = 0; f != NULL && i < RAC_COUNT(all); i++)
        if (f->eager == all[i])
            return true;
    return false;
}

static bool is_reference(const struct rac_expr *x)
{
    return x->kind == NODE_CALL && x->fn != NULL &&
           (x->fn->ref >= 0 || x->fn->eager == fn_item ||
            strcmp(x->fn->info.section, "Workflow") == 0);
}

static enum rac_expr_shown shown(const struct tracer *t, const struct rac_expr_call *c,
                                 const struct fn *f)
{
    return differs(f) ? RAC_EXPR_HIDDEN : t->t->shown(t->t->arg, c);
}

struct inside {
    const struct tracer *t;
    enum rac_expr_shown worst;
};

static void ask_inside(void *arg, const struct rac_expr_call *c)
{
    struct inside *in = arg;
    in->worst = worse(in->worst, shown(in->t, c, c->fn != NULL ? fn_find(c->name) : NULL));
}

/* --- texts ------------------------------------------------------------------------------------ */

static rac_str text_of_part(const struct tracer *t, const struct rac_expr *x);

/* A call of a condition written as an object has no text: as the language would write it. */
static rac_str text_of_condition(const struct tracer *t, const struct rac_expr *x)
{
    struct rac_arena *a = t->run->a;
    rac_str *parts = RAC_NEW_N(a, rac_str, 2 * (size_t)x->args_n + 2);
    size_t n = 0, size = 0;
    parts[n++] = rac_str_of(x->fn->info.name);
    parts[n++] = RAC_S("(");
    for (size_t i = 0; i < x->args_n; i++) {
        if (i > 0)
            parts[n++] = RAC_S(", ");
        parts[n++] = text_of_part(t, x->args[i]);
    }
    parts[n++] = RAC_S(")");
    for (size_t i = 0; i < n; i++)
        size += parts[i].n;
    char *p = rac_arena_try(a, size), *at = p;
    for (size_t i = 0; i < n && p != NULL; at += parts[i++].n)
        memcpy(at, parts[i].p, parts[i].n);
    return p != NULL ? (rac_str){p, size} : RAC_S("");
}

static rac_str quoted(const struct tracer *t, rac_str s)
{
    return rac_arena_printf(t->run->a, "'%.*s'",
                            RAC_FMT(rac_str_replace(t->run->a, s, RAC_S("'"), RAC_S("''"))));
}

static rac_str text_of_part(const struct tracer *t, const struct rac_expr *x)
{
    if (x->kind == NODE_OBJECT || x->kind == NODE_ARRAY)
        return rac_json_print_str(x->shape, 0, t->run->a);
    if (x->kind == NODE_CONST && x->value.type == RAC_JSON_STRING)
        return quoted(t, str_of(&x->value));
    if (x->kind == NODE_CONST)
        return rac_json_print_str(&x->value, 0, t->run->a);
    if (x->kind == NODE_CALL && x->fn != NULL && x->text.p == x->fn->info.name)
        return text_of_condition(t, x);
    rac_str text = rac_str_sub(x->text, x->offset, x->length);
    return x->kind == NODE_TEXT ? quoted(t, text) : text;
}

/* --- evaluating ------------------------------------------------------------------------------- */

/* NULL: so many are not listed. */
static struct rac_expr_part *part_new(struct tracer *t, struct rac_expr_part *in,
                                      const struct rac_expr *x)
{
    if (t->depth >= RAC_EXPR_TRACE_DEPTH_MAX || t->t->parts_n >= t->t->parts_max ||
        rac_arena_over(t->run->a))
        return NULL;
    struct rac_expr_part *p = RAC_NEW(t->run->a, struct rac_expr_part);
    t->t->parts_n++;
    p->text = text_of_part(t, x);
    p->end = &p->first;
    *in->end = p;
    in->end = &p->next;
    return p;
}

/* x, whose children are values by now; a failure arises in p. */
static void finish(struct tracer *t, const struct rac_expr *x, struct rac_expr_part *p,
                   enum rac_expr_shown how, struct got *out)
{
    t->run->depth = 0;
    out->shown = how;
    t->limit = t->limit || rac_arena_over(t->run->a);
    out->ok = !t->limit && eval_node(x, t->run, &out->value);
    if (out->ok && how == RAC_EXPR_SHOWN && t->t->secret != NULL &&
        t->t->secret(t->t->arg, &out->value))
        out->shown = RAC_EXPR_CLEANED;
    if (out->ok)
        return;
    t->limit = t->limit || t->run->depth == UINT32_MAX;
    p->failed = !t->limit;
}

static const struct rac_expr *constant(struct tracer *t, const struct rac_json *v)
{
    struct rac_expr *x = RAC_NEW(t->run->a, struct rac_expr);
    x->kind = NODE_CONST;
    x->value = *v;
    return x;
}

static void within(struct tracer *t, const struct rac_expr *x, struct rac_expr_part *p, bool live,
                   struct got *out);

static bool is_part(const struct rac_expr *x)
{
    return x->kind == NODE_CALL || x->kind == NODE_ACCESS || x->kind == NODE_TEXT ||
           x->kind == NODE_BROKEN;
}

/* x inside of the part `in`, as a part of its own if it is one. Not live: only its text is told. */
static void visit(struct tracer *t, const struct rac_expr *x, struct rac_expr_part *in, bool live,
                  struct got *out)
{
    *out = (struct got){.ok = false};
    if (!is_part(x)) {
        within(t, x, in, live, out);
        return;
    }
    struct rac_expr_part *p = part_new(t, in, x);
    if (p == NULL) {
        struct inside all = {t, RAC_EXPR_SHOWN};
        if (!live)
            return;
        rac_expr_calls(x, ask_inside, &all);
        /* what it is made from is not looked at for secrets */
        bool open = all.worst == RAC_EXPR_SHOWN && t->t->secret == NULL;
        finish(t, x, in, open ? RAC_EXPR_SHOWN : RAC_EXPR_HIDDEN, out);
        return;
    }
    t->depth++;
    within(t, x, p, live, out);
    t->depth--;
    p->shown = out->shown;
    p->value = out->ok ? out->value : rac_json_none;
}

/* Is the next argument of a lazy function reached after this one? */
static bool goes_on(const struct fn *f, const struct got *g)
{
    if (f->lazy == fn_and)
        return g->value.type != RAC_JSON_BOOL || g->value.b;
    if (f->lazy == fn_or)
        return g->value.type != RAC_JSON_BOOL || !g->value.b;
    return f->lazy != fn_coalesce || g->value.type == RAC_JSON_NULL;
}

static void call(struct tracer *t, const struct rac_expr *x, struct rac_expr_part *p, bool live,
                 struct got *out)
{
    struct rac_expr *made = RAC_NEW(t->run->a, struct rac_expr);
    const struct rac_expr **args = RAC_NEW_N(t->run->a, const struct rac_expr *, x->args_n);
    bool lazy = x->fn != NULL && x->fn->lazy != NULL, on = live && x->fn != NULL, failed = false;
    enum rac_expr_shown worst = RAC_EXPR_SHOWN;
    size_t chosen = 0; /* if: which of its values */
    for (size_t i = 0; i < x->args_n; i++) {
        struct got g;
        bool reached = on && (chosen == 0 || i == chosen);
        args[i] = x->args[i];
        visit(t, x->args[i], p, reached, &g);
        if (!reached)
            continue;
        failed = failed || !g.ok;
        if (g.ok)
            args[i] = constant(t, &g.value);
        worst = worse(worst, g.shown);
        if (lazy && x->fn->lazy == fn_if && i == 0)
            chosen = g.value.type == RAC_JSON_BOOL && g.value.b ? 1 : 2;
        /* of what may not be shown, nor which way it went */
        on = on && g.ok && (!lazy || (g.shown == RAC_EXPR_SHOWN && goes_on(x->fn, &g)));
    }
    if (!live || failed)
        return;
    struct rac_expr_call c = call_of(x);
    *made = *x;
    made->args = args;
    finish(t, made, p, worst == RAC_EXPR_SHOWN ? shown(t, &c, x->fn) : RAC_EXPR_HIDDEN, out);
}

/* A reference or call and the path behind it, which is one part. */
static void chain(struct tracer *t, const struct rac_expr *x, struct rac_expr_part *p, bool live,
                  struct got *out)
{
    size_t n = 0;
    const struct rac_expr *base = x;
    for (; base->kind == NODE_ACCESS; base = base->object)
        n++;
    const struct rac_expr **steps = RAC_NEW_N(t->run->a, const struct rac_expr *, n);
    base = x;
    for (size_t i = n; i-- > 0; base = base->object)
        steps[i] = base;
    struct got g = {.ok = false}, key;
    if (is_reference(base))
        within(t, base, p, live, &g);
    else
        visit(t, base, p, live, &g);
    for (size_t i = 0; i < n; i++) {
        visit(t, steps[i]->key, p, live && g.ok, &key);
        if (!g.ok || !key.ok) {
            g.ok = false;
            continue;
        }
        struct rac_expr *made = RAC_NEW(t->run->a, struct rac_expr);
        *made = *steps[i];
        made->object = constant(t, &g.value);
        made->key = constant(t, &key.value);
        enum rac_expr_shown how = g.shown == RAC_EXPR_CLEANED ? RAC_EXPR_SHOWN : g.shown;
        finish(t, made, p, key.shown == RAC_EXPR_SHOWN ? how : RAC_EXPR_HIDDEN, &g);
    }
    *out = g;
}

/* Text with holes; arrays and objects with expressions in them. */
static void several(struct tracer *t, const struct rac_expr *x, struct rac_expr_part *p, bool live,
                    struct got *out)
{
    bool text = x->kind == NODE_TEXT, on = live;
    size_t n = text ? x->args_n : x->parts_n;
    const struct rac_expr **from = text ? x->args : x->parts,
                          **v = RAC_NEW_N(t->run->a, const struct rac_expr *, n);
    enum rac_expr_shown worst = RAC_EXPR_SHOWN;
    for (size_t i = 0; i < n; i++) {
        struct got g;
        if (from[i] == NULL)
            continue;
        visit(t, from[i], p, on, &g);
        on = on && g.ok;
        v[i] = g.ok ? constant(t, &g.value) : from[i];
        worst = worse(worst, g.shown);
    }
    if (!on)
        return;
    struct rac_expr *made = RAC_NEW(t->run->a, struct rac_expr);
    *made = *x;
    if (text)
        made->args = v;
    else
        made->parts = v;
    finish(t, made, p, worst == RAC_EXPR_SHOWN ? RAC_EXPR_SHOWN : RAC_EXPR_HIDDEN, out);
}

/* What x is made of, listed under p. */
static void within(struct tracer *t, const struct rac_expr *x, struct rac_expr_part *p, bool live,
                   struct got *out)
{
    *out = (struct got){.ok = false};
    switch ((enum node_kind)x->kind) {
    case NODE_CALL:
        call(t, x, p, live, out);
        break;
    case NODE_ACCESS:
        chain(t, x, p, live, out);
        break;
    case NODE_TEXT:
    case NODE_ARRAY:
    case NODE_OBJECT:
        several(t, x, p, live, out);
        break;
    default:
        if (live)
            finish(t, x, p, RAC_EXPR_SHOWN, out);
    }
}

rac_err rac_expr_trace(const struct rac_expr *x, struct rac_expr_run *run, struct rac_expr_trace *t,
                       struct rac_expr_part *root)
{
    struct tracer tracer = {.run = run, .t = t};
    struct got g;
    *root = (struct rac_expr_part){.text = x->text};
    root->end = &root->first;
    eval_begin(run);
    within(&tracer, x, root, true, &g);
    root->shown = g.shown;
    root->value = g.ok ? g.value : rac_json_none;
    if (tracer.limit || rac_arena_over(run->a))
        return RAC_E_LIMIT;
    return g.ok ? RAC_OK : RAC_E_INVALID;
}
