/* The result of a run as one JSON value (architecture §1). */
#include "base/str.h"
#include "workflow/run/run_priv.h"
#include "workflow/definition/secure.h"

/* Every frame in which an action stands, in order of iterations. */
static void collect(struct rac_run *r, struct rac_wf_frame *f, uint32_t graph, struct run_seen *out)
{
    if (f->graph == graph) {
        run_seen_add(r, out, f);
        return;
    }
    /* down the chain of owners: the one that stands in f */
    uint32_t g = graph;
    while (r->plan->graphs[g].owner != UINT32_MAX &&
           r->plan->actions[r->plan->graphs[g].owner].graph != f->graph)
        g = r->plan->actions[r->plan->graphs[g].owner].graph;
    if (r->plan->graphs[g].owner == UINT32_MAX)
        return;
    const struct rac_wf_action *holder = &r->plan->actions[r->plan->graphs[g].owner];
    const struct rac_wf_inner *in = f->records[holder->order].inner;
    for (uint32_t k = 0; in != NULL && k < in->frames_n; k++)
        if (in->frames[k]->graph == g)
            collect(r, in->frames[k], graph, out);
}

/* --- what is not shown (§4.10, §1.3) ---------------------------------------------------------- */

static void hide(struct rac_json *o, const char *member, struct rac_arena *a)
{
    struct rac_json *v = rac_json_get(o, rac_str_of(member));
    if (v != NULL)
        *v = rac_secure_instead(member, a);
}

/* o is {inputs?, outputs?, ...}: a record, or the trigger. */
static struct rac_json as_shown(const struct rac_run *r, struct rac_json o, uint8_t hidden,
                                struct rac_arena *a)
{
    if ((hidden & RAC_SECURE_INPUTS) != 0)
        hide(&o, "inputs", a);
    if ((hidden & RAC_SECURE_OUTPUTS) != 0)
        hide(&o, "outputs", a);
    return rac_secure_mask(rac_secure_values_of_plan(r->plan), &o, a);
}

static bool is_loop(const struct rac_wf_action *x)
{
    return x->type == RAC_WF_TYPE_FOREACH || x->type == RAC_WF_TYPE_UNTIL;
}

/* The body of the loop an action stands in; the root graph when there is none. */
static uint32_t body_of(const struct rac_plan *p, uint32_t graph)
{
    while (p->graphs[graph].owner != UINT32_MAX && !is_loop(&p->actions[p->graphs[graph].owner]))
        graph = p->actions[p->graphs[graph].owner].graph;
    return graph;
}

/* The record of an action in one iteration, whether its container there ran it or not; NULL: it is
 * not decided. */
static const struct rac_wf_record *in_body(struct rac_run *r, struct rac_wf_frame *body,
                                           uint32_t at)
{
    const struct rac_wf_action *x = &r->plan->actions[at];
    struct run_seen s = {0};
    collect(r, body, x->graph, &s);
    const struct rac_wf_record *v = s.n > 0 ? &s.v[0]->records[x->order] : run_unrun(r, body, at);
    return v != NULL && v->status != RAC_WF_NONE ? v : NULL;
}

/* Which of two repetitions speaks for all of them (§7.6). */
static unsigned weight(enum rac_wf_status s)
{
    return s == RAC_WF_SKIPPED     ? 1
           : s == RAC_WF_SUCCEEDED ? 2
           : s == RAC_WF_CANCELLED ? 3
           : s == RAC_WF_TIMED_OUT ? 4
           : s == RAC_WF_FAILED    ? 5
                                   : 0;
}

static void add_repeated(struct rac_run *r, uint32_t at, const struct run_seen *bodies,
                         struct rac_arena *a, struct rac_json *actions)
{
    uint8_t hidden = rac_secure_of_action(r->plan, at);
    const struct rac_wf_record *worst = NULL;
    struct rac_json v, list = rac_json_new_array(a);
    for (size_t i = 0; i < bodies->n; i++) {
        const struct rac_wf_record *x = in_body(r, bodies->v[i], at);
        char name[RAC_REPETITION_NAME_TEXT];
        if (x == NULL)
            continue;
        if (worst == NULL || weight(x->status) >= weight(worst->status))
            worst = x;
        struct rac_json one = as_shown(r, run_record_json(r, x, false), hidden, a);
        rac_str path = {name, rac_run_repetition(r, x, name)};
        RAC_JSON_PUT_STR(a, &one, "name", rac_arena_str(a, path));
        rac_json_add(a, &list, one);
    }
    if (worst == NULL)
        return;
    v = as_shown(r, run_record_json(r, worst, false), hidden, a);
    RAC_JSON_PUT(a, &v, "repetitions", list);
    rac_json_put(a, actions, r->plan->actions[at].name, v);
}

static void add_action(struct rac_run *r, uint32_t at, struct rac_arena *a,
                       struct rac_json *actions)
{
    const struct rac_wf_action *x = &r->plan->actions[at];
    struct run_seen bodies = {0};
    const struct rac_wf_record *v;
    collect(r, r->root, body_of(r->plan, x->graph), &bodies);
    if (x->in_loop && bodies.n > 0) {
        add_repeated(r, at, &bodies, a, actions);
        return;
    }
    v = bodies.n > 0 ? in_body(r, r->root, at) : run_unrun(r, r->root, at);
    if (v != NULL)
        rac_json_put(
            a, actions, x->name,
            as_shown(r, run_record_json(r, v, false), rac_secure_of_action(r->plan, at), a));
}

/* The first Response that succeeded is the one that was sent; one that is hidden hides it. */
static bool response_hidden(struct rac_run *r)
{
    for (uint32_t i = 0; r->root != NULL && i < r->plan->actions_n; i++) {
        struct run_seen s = {0};
        if (rac_secure_of_action(r->plan, i) == 0 ||
            r->plan->actions[i].type != RAC_WF_TYPE_RESPONSE)
            continue;
        collect(r, r->root, r->plan->actions[i].graph, &s);
        for (size_t k = 0; k < s.n; k++)
            if (s.v[k]->records[r->plan->actions[i].order].status == RAC_WF_SUCCEEDED)
                return true;
    }
    return false;
}

struct rac_json rac_run_response_shown(struct rac_run *r, struct rac_arena *a)
{
    if (r->response.type == RAC_JSON_NONE)
        return rac_json_none;
    return response_hidden(r)
               ? rac_secure_instead("outputs", a)
               : rac_secure_mask(rac_secure_values_of_plan(r->plan), &r->response, a);
}

static struct rac_json results_shown(struct rac_run *r, struct rac_arena *a)
{
    if (r->outputs.type == RAC_JSON_NONE)
        return rac_json_new_object(a);
    struct rac_json v = rac_secure_results(r->plan, &r->outputs, a);
    return rac_secure_mask(rac_secure_values_of_plan(r->plan), &v, a);
}

struct rac_json rac_run_json(struct rac_run *r, struct rac_arena *a)
{
    struct rac_json o = rac_json_new_object(a), actions = rac_json_new_object(a);
    struct rac_json trigger;
    const struct rac_expr *e;
    rac_str why;
    RAC_JSON_PUT_STR(a, &o, "status", rac_str_of(rac_wf_status_word(r->status)));
    if (r->error.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, &o, "error",
                     rac_secure_mask(rac_secure_values_of_plan(r->plan), &r->error, a));
    RAC_JSON_PUT(a, &o, "outputs", results_shown(r, a));
    if (r->response.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, &o, "response", rac_run_response_shown(r, a));
    if (rac_expr_compile(RAC_S("@trigger()"), 0, a, &e, NULL) == RAC_OK &&
        run_try(r, NULL, e, &trigger, &why))
        RAC_JSON_PUT(a, &o, "trigger",
                     as_shown(r, rac_json_copy(a, &trigger), rac_secure_of_trigger(r->plan), a));
    for (uint32_t i = 0; r->root != NULL && i < r->plan->actions_n; i++)
        add_action(r, i, a, &actions);
    RAC_JSON_PUT(a, &o, "actions", actions);
    return o;
}
