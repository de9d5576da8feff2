#include "workflow/definition/trigger.h"

#include "base/str.h"
#include "workflow/definition/authentication.h"
#include "workflow/definition/http_status.h"
#include "workflow/definition/ident.h"
#include "workflow/definition/options.h"
#include "workflow/definition/secure.h"

enum {
    SPLIT_MAX = 100000,
    SPLIT_MAX_LIMITED = 100,
    RUNS = 25, /* where the control is on without a number */
    RUNS_STANDARD = 100,
    RUNS_MAX = 100,
    WAITING_MAX = 200,
    KEY_TYPE_BYTES_MAX = 1 << 20,
};

/* --- compiling -------------------------------------------------------------------------------- */

static const struct {
    rac_str word;
    enum rac_trigger_class class;
} classes[] = {
    {RAC_S_INIT("Request"), RAC_TRIGGER_REQUEST},
    {RAC_S_INIT("Manual"), RAC_TRIGGER_REQUEST},
    {RAC_S_INIT("Recurrence"), RAC_TRIGGER_TIMER},
    {RAC_S_INIT("SlidingWindow"), RAC_TRIGGER_WINDOW},
    {RAC_S_INIT("Http"), RAC_TRIGGER_POLL},
    {RAC_S_INIT("ApiManagement"), RAC_TRIGGER_POLL},
    {RAC_S_INIT("Function"), RAC_TRIGGER_POLL},
    {RAC_S_INIT("ApiConnection"), RAC_TRIGGER_POLL},
    {RAC_S_INIT("OpenApiConnection"), RAC_TRIGGER_POLL},
    {RAC_S_INIT("HttpWebhook"), RAC_TRIGGER_WEBHOOK},
    {RAC_S_INIT("ApiConnectionWebhook"), RAC_TRIGGER_WEBHOOK},
    {RAC_S_INIT("OpenApiConnectionWebhook"), RAC_TRIGGER_WEBHOOK},
    {RAC_S_INIT("ApiConnectionNotification"), RAC_TRIGGER_NOTIFICATION},
    {RAC_S_INIT("OpenApiConnectionNotification"), RAC_TRIGGER_NOTIFICATION},
    {RAC_S_INIT("Batch"), RAC_TRIGGER_MESSAGES},
};

static const struct rac_expr *compiled(const struct rac_json *v, struct rac_arena *a)
{
    const struct rac_expr *x;
    return v != NULL && rac_expr_compile_tree(v, 0, a, &x, NULL, NULL) == RAC_OK ? x : NULL;
}

static bool sees_status(rac_str text)
{
    static const rac_str words[] = {RAC_S_INIT("statusCode"), RAC_S_INIT("triggers()"),
                                    RAC_S_INIT("trigger()")};
    for (size_t i = 0; i < RAC_COUNT(words); i++)
        if (rac_str_findi(text, words[i]) != RAC_STR_NPOS)
            return true;
    return false;
}

static void compile_conditions(struct rac_flow_trigger *t, struct rac_arena *a)
{
    const struct rac_json *list = RAC_JSON_GETI(t->node, "conditions");
    t->conditions = RAC_NEW_N(a, const struct rac_expr *, rac_json_len(list) + 1);
    RAC_JSON_EACH(c, list)
    {
        const struct rac_json *x = RAC_JSON_GETI(c, "expression");
        t->conditions_see_status |= sees_status(rac_json_str(x, RAC_S("")));
        t->conditions[t->conditions_n++] = compiled(x, a);
    }
}

static void compile_split(struct rac_flow_trigger *t, struct rac_arena *a)
{
    const struct rac_json *split = RAC_JSON_GETI(t->node, "splitOn");
    const struct rac_json *conf = RAC_JSON_GETI(t->node, "splitOnConfiguration");
    if (split == NULL || split->type == RAC_JSON_NULL)
        return;
    t->splits = true;
    if (rac_str_findi(rac_json_str(split, RAC_S("")), RAC_S("autoload()")) == RAC_STR_NPOS)
        t->split = compiled(split, a);
    t->split_tracking =
        compiled(RAC_JSON_GETI(RAC_JSON_GETI(conf, "correlation"), "clientTrackingId"), a);
}

unsigned rac_trigger_limit(const struct rac_workflow *w, const struct rac_json *node,
                           unsigned *waiting)
{
    const struct rac_json *control =
        RAC_JSON_GETI(RAC_JSON_GETI(node, "runtimeConfiguration"), "concurrency");
    bool single = rac_options_have(rac_options_of(node), RAC_S("SingleInstance"));
    if (!single && !rac_json_is_object(control))
        return 0;
    int64_t runs = rac_json_int(RAC_JSON_GETI(control, "runs"),
                                w->profile == RAC_WF_STANDARD ? RUNS_STANDARD : RUNS);
    if (single)
        runs = 1;
    runs = runs < 1 ? 1 : runs > RUNS_MAX ? RUNS_MAX : runs;
    int64_t queued = rac_json_int(RAC_JSON_GETI(control, "maximumWaitingRuns"), runs + 10);
    *waiting = (unsigned)(queued < 0 ? 0 : queued > WAITING_MAX ? WAITING_MAX : queued);
    return (unsigned)runs;
}

static enum rac_trigger_class class_of(rac_str type)
{
    for (size_t i = 0; i < RAC_COUNT(classes); i++)
        if (rac_str_eqi(type, classes[i].word))
            return classes[i].class;
    return RAC_TRIGGER_OTHER;
}

struct rac_json rac_trigger_request_inputs(const struct rac_plan *p, rac_str trigger)
{
    const struct rac_json *node =
        rac_str_eq(trigger, p->trigger_name)
            ? p->trigger
            : rac_json_geti(RAC_JSON_GETI(p->workflow->definition, "triggers"), trigger);
    const struct rac_json *inputs = RAC_JSON_GETI(node, "inputs");
    rac_str type = rac_json_str(RAC_JSON_GETI(node, "type"), RAC_S(""));
    return inputs != NULL && class_of(type) == RAC_TRIGGER_REQUEST ? *inputs : rac_json_none;
}

static bool evaluates_inputs(const struct rac_flow_trigger *t)
{
    return t->class == RAC_TRIGGER_WEBHOOK || t->class == RAC_TRIGGER_MESSAGES ||
           t->class == RAC_TRIGGER_TIMER || t->class == RAC_TRIGGER_WINDOW;
}

/* Credentials are never recorded (§5.1). */
static const struct rac_expr *compile_inputs(const struct rac_json *inputs, struct rac_arena *a)
{
    struct rac_json *shown = RAC_NEW(a, struct rac_json);
    if (inputs == NULL)
        return NULL;
    *shown = rac_authentication_mask(inputs, a);
    return compiled(shown, a);
}

void rac_trigger_compile(const struct rac_plan *p, rac_str name, const struct rac_json *node,
                         struct rac_arena *a, struct rac_flow_trigger *out)
{
    *out = (struct rac_flow_trigger){
        .class = RAC_TRIGGER_OTHER,
        .name = name,
        .type_word = rac_json_str(RAC_JSON_GETI(node, "type"), RAC_S("")),
        .node = node,
        .plan = p,
    };
    out->class = class_of(out->type_word);
    compile_conditions(out, a);
    compile_split(out, a);
    out->tracking =
        compiled(RAC_JSON_GETI(RAC_JSON_GETI(node, "correlation"), "clientTrackingId"), a);
    out->recurrence = compiled(RAC_JSON_GETI(node, "recurrence"), a);
    if (evaluates_inputs(out))
        out->inputs = compile_inputs(RAC_JSON_GETI(node, "inputs"), a);
    unsigned waiting;
    out->runs = rac_trigger_limit(p->workflow, node, &waiting);
}

const struct rac_flow_trigger *rac_flow_trigger_find(const struct rac_flow *f, rac_str name)
{
    for (size_t i = 0; i < f->triggers_n; i++)
        if (rac_str_eqi(f->triggers[i].name, name))
            return &f->triggers[i];
    return NULL;
}

/* --- evaluating ------------------------------------------------------------------------------- */

struct place {
    const struct rac_flow_trigger *t;
    const struct rac_trigger_context *c;
    const struct rac_json *outputs;
};

rac_str rac_trigger_code(const struct rac_json *outputs, struct rac_arena *a)
{
    int64_t status = rac_json_int(rac_json_get(outputs, RAC_S("statusCode")), 0);
    return status > 0 ? rac_http_status_name((int)status, a) : RAC_STR_NULL;
}

/* What there is of §2.1 before there is a run; conditions of a poll are asked whatever the answer
 * was, so its status is told. */
static struct rac_json trigger_record(const struct place *p, struct rac_arena *a)
{
    struct rac_json o = rac_json_new_object(a), inputs;
    int64_t status = rac_json_int(rac_json_get(p->outputs, RAC_S("statusCode")), 200);
    rac_str code = rac_trigger_code(p->outputs, a);
    inputs =
        p->c->inputs != NULL ? *p->c->inputs : rac_trigger_request_inputs(p->t->plan, p->t->name);
    RAC_JSON_PUT_STR(a, &o, "name", p->t->name);
    if (inputs.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, &o, "inputs", inputs);
    if (p->outputs != NULL)
        RAC_JSON_PUT(a, &o, "outputs", *p->outputs);
    RAC_JSON_PUT_STR(a, &o, "status",
                     status >= 200 && status < 300 ? RAC_S("Succeeded") : RAC_S("Failed"));
    if (code.p != NULL)
        RAC_JSON_PUT_STR(a, &o, "code", code);
    return o;
}

static bool refer(void *self, enum rac_expr_ref ref, rac_str name, struct rac_arena *a,
                  struct rac_json *out)
{
    const struct place *p = self;
    const struct rac_json *v;
    switch (ref) {
    case RAC_EXPR_REF_TRIGGER:
        *out = trigger_record(p, a);
        return true;
    case RAC_EXPR_REF_PARAMETERS:
        v = rac_json_geti(&p->t->plan->parameters, name);
        break;
    case RAC_EXPR_REF_APPSETTING:
        v = rac_json_get(&p->t->plan->workflow->settings, name);
        break;
    case RAC_EXPR_REF_WORKFLOW:
        *out = p->c->flow->self;
        return true;
    case RAC_EXPR_REF_CALLBACK_URL:
        *out = rac_json_of_str(p->c->callback_url);
        return p->c->callback_url.p != NULL;
    default:
        return false;
    }
    if (v != NULL)
        *out = *v;
    return v != NULL;
}

bool rac_trigger_evaluate(const struct rac_flow_trigger *t, const struct rac_trigger_context *c,
                          const struct rac_json *outputs, const struct rac_expr *x,
                          struct rac_arena *a, struct rac_json *out, rac_str *why)
{
    struct place p = {t, c, outputs};
    struct rac_expr_scope scope = {.get = refer, .self = &p};
    struct rac_expr_run run = {.scope = &scope, .env = c->env, .a = a};
    if (x == NULL) {
        *why = RAC_S("the expression is not valid");
        return false;
    }
    if (rac_expr_eval(x, &run, out) == RAC_OK)
        return true;
    *why = rac_secure_message(t->plan, RAC_SECURE_TRIGGER, run.error.message, a);
    return false;
}

rac_str rac_webhook_key(const struct rac_flow *f, const struct rac_env *env,
                        const struct rac_json *inputs)
{
    const struct rac_json *type = RAC_JSON_GETI(inputs, "accessKeyType");
    bool secondary = rac_str_eqi(rac_json_str(type, RAC_S("")), RAC_S("Secondary"));
    if (rac_str_starts(rac_json_str(type, RAC_S("")), RAC_S("@"))) {
        struct rac_flow_trigger t = {.plan = f->plan};
        struct rac_trigger_context c = {.flow = f, .env = env};
        struct rac_arena a;
        struct rac_json v;
        rac_str why;
        rac_arena_init(&a, KEY_TYPE_BYTES_MAX);
        secondary = rac_trigger_evaluate(&t, &c, NULL, compiled(type, &a), &a, &v, &why) &&
                    rac_str_eqi(rac_json_str(&v, RAC_S("")), RAC_S("Secondary"));
        rac_arena_fini(&a);
    }
    return (rac_str){(const char *)f->keys[secondary], sizeof f->keys[0]};
}

bool rac_trigger_recurrence(const struct rac_flow_trigger *t, const struct rac_trigger_context *c,
                            struct rac_arena *a, struct rac_recurrence *out, rac_str *why)
{
    struct rac_recurrence_options o = {.window = t->class == RAC_TRIGGER_WINDOW};
    struct rac_json v;
    struct rac_diags d;
    rac_diags_init(&d, a, 5);
    *why = RAC_S("the trigger has no recurrence");
    if (t->recurrence == NULL || !rac_trigger_evaluate(t, c, NULL, t->recurrence, a, &v, why))
        return false;
    if (rac_recurrence_parse(&o, &v, RAC_S("/recurrence"), a, out, &d) == RAC_OK)
        return true;
    *why = d.n > 0 ? d.v[0].message : RAC_S("the recurrence is not valid");
    return false;
}

/* --- judging ---------------------------------------------------------------------------------- */

static void fails(struct rac_trigger_verdict *out, const char *code, rac_str message)
{
    out->outcome = RAC_TRIGGER_FAILS;
    out->code = rac_str_of(code);
    out->message = message;
}

/* The collection a connector declares is the body, or its member "value" (§2.11: @autoload()). */
static struct rac_json collection(const struct rac_json *outputs)
{
    const struct rac_json *body = rac_json_get(outputs, RAC_S("body"));
    const struct rac_json *value = rac_json_get(body, RAC_S("value"));
    return value != NULL ? *value : body != NULL ? *body : rac_json_of_null();
}

/* Its outputs with the element as body. */
static struct rac_json outputs_of(const struct rac_json *outputs, const struct rac_json *element,
                                  struct rac_arena *a)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_EACH_MEMBER(m, outputs)
    rac_json_put(a, &o, rac_json_key(m), m->value);
    RAC_JSON_PUT(a, &o, "body", *element);
    return o;
}

static bool split(const struct rac_flow_trigger *t, const struct rac_trigger_context *c,
                  const struct rac_json *outputs, struct rac_arena *a,
                  struct rac_trigger_verdict *out)
{
    struct rac_json list = collection(outputs);
    size_t most = t->runs > 0 ? SPLIT_MAX_LIMITED : SPLIT_MAX;
    bool autoload = t->split == NULL &&
                    rac_str_findi(rac_json_str(RAC_JSON_GETI(t->node, "splitOn"), RAC_S("")),
                                  RAC_S("autoload()")) != RAC_STR_NPOS;
    rac_str why;
    if (!autoload && !rac_trigger_evaluate(t, c, outputs, t->split, a, &list, &why)) {
        fails(out, "InvalidTemplate",
              rac_arena_printf(a, "Unable to process the 'splitOn' of trigger '%.*s': '%.*s'.",
                               RAC_FMT(t->name), RAC_FMT(why)));
        return false;
    }
    if (list.type == RAC_JSON_NULL || (list.type == RAC_JSON_ARRAY && rac_json_len(&list) == 0)) {
        out->outcome = RAC_TRIGGER_SKIPS;
        return false;
    }
    if (list.type != RAC_JSON_ARRAY) {
        fails(out, "InvalidTemplate",
              rac_arena_printf(a,
                               "The 'splitOn' of trigger '%.*s' is of type '%s'. It must be an "
                               "array.",
                               RAC_FMT(t->name), rac_expr_type_name(&list)));
        return false;
    }
    if (rac_json_len(&list) > most) {
        fails(out, "SplitOnItemsLimitExceeded",
              rac_arena_printf(a,
                               "The 'splitOn' of trigger '%.*s' has %zu items; at most %zu are "
                               "allowed.",
                               RAC_FMT(t->name), rac_json_len(&list), most));
        return false;
    }
    out->items = RAC_NEW_N(a, struct rac_trigger_item, rac_json_len(&list));
    RAC_JSON_EACH(element, &list)
    out->items[out->n++].outputs = outputs_of(outputs, element, a);
    return true;
}

static void item_fails(struct rac_trigger_item *i, rac_str message)
{
    i->outcome = RAC_TRIGGER_FAILS;
    i->code = RAC_S("InvalidTemplate");
    i->message = message;
}

static void judge_conditions(const struct rac_flow_trigger *t, const struct rac_trigger_context *c,
                             struct rac_arena *a, struct rac_trigger_item *i)
{
    struct rac_json v;
    rac_str why;
    for (size_t n = 0; n < t->conditions_n && i->outcome == RAC_TRIGGER_FIRES; n++) {
        if (!rac_trigger_evaluate(t, c, &i->outputs, t->conditions[n], a, &v, &why))
            item_fails(i, rac_arena_printf(a,
                                           "Unable to process condition %zu of trigger '%.*s': "
                                           "'%.*s'.",
                                           n + 1, RAC_FMT(t->name), RAC_FMT(why)));
        else if (v.type != RAC_JSON_BOOL)
            item_fails(i, rac_arena_printf(a,
                                           "Condition %zu of trigger '%.*s' is of type '%s'. It "
                                           "must be a Boolean.",
                                           n + 1, RAC_FMT(t->name), rac_expr_type_name(&v)));
        else if (!v.b)
            i->outcome = RAC_TRIGGER_SKIPS;
    }
}

static void judge_item(const struct rac_flow_trigger *t, const struct rac_trigger_context *c,
                       struct rac_arena *a, struct rac_trigger_item *i)
{
    const struct rac_expr *tracking = t->split_tracking ? t->split_tracking : t->tracking;
    struct rac_json v;
    rac_str why;
    judge_conditions(t, c, a, i);
    if (i->outcome == RAC_TRIGGER_FIRES && tracking != NULL &&
        !rac_secure_hides_tracked(t->plan, RAC_SECURE_TRIGGER) &&
        rac_trigger_evaluate(t, c, &i->outputs, tracking, a, &v, &why) && v.type != RAC_JSON_NULL)
        i->tracking = rac_expr_text(&v, a);
}

void rac_trigger_judge(const struct rac_flow_trigger *t, const struct rac_trigger_context *c,
                       const struct rac_json *outputs, struct rac_arena *a,
                       struct rac_trigger_verdict *out)
{
    *out = (struct rac_trigger_verdict){.outcome = RAC_TRIGGER_FIRES};
    if (t->splits) {
        if (!split(t, c, outputs, a, out))
            return;
    } else {
        out->items = RAC_NEW(a, struct rac_trigger_item);
        out->n = 1;
        if (outputs != NULL)
            out->items[0].outputs = *outputs;
    }
    for (size_t i = 0; i < out->n; i++)
        judge_item(t, c, a, &out->items[i]);
}

struct rac_flow_event_row rac_trigger_event(const struct rac_flow_trigger *t,
                                            struct rac_namer *namer,
                                            enum rac_trigger_outcome outcome, rac_str code,
                                            rac_str message, rac_ms start_ms, rac_ms end_ms,
                                            struct rac_arena *a)
{
    static const char *const words[] = {"Succeeded", "Skipped", "Failed"};
    char name[RAC_RUN_NAME_TEXT];
    rac_run_name(namer, start_ms, 0, 1, name);
    struct rac_flow_event_row row = {.name = rac_arena_str(a, rac_str_of(name)),
                                     .trigger = t->name,
                                     .status = rac_str_of(words[outcome]),
                                     .code = code,
                                     .start_ms = start_ms,
                                     .end_ms = end_ms};
    if (outcome == RAC_TRIGGER_FAILS) {
        struct rac_json e = rac_json_new_object(a);
        RAC_JSON_PUT_STR(a, &e, "code", code.p != NULL ? code : RAC_S("BadRequest"));
        RAC_JSON_PUT_STR(a, &e, "message", message.p != NULL ? message : RAC_S(""));
        e = rac_secure_error(t->plan, RAC_SECURE_TRIGGER, &e, a);
        row.error = rac_json_print_str(&e, 0, a);
    }
    return row;
}
