#include "workflow/definition/trigger_plan.h"

#include "base/str.h"

enum { ERRAND_BYTES_MAX = 16 << 20 };

static const struct rac_json *get(const struct rac_json *o, rac_str name)
{
    return rac_json_geti(o, name);
}

static bool is_http_webhook(const struct rac_flow_trigger *t)
{
    return rac_str_eqi(t->type_word, RAC_S("HttpWebhook"));
}

/* "ApiConnectionNotification" subscribes and fetches as an ApiConnection does. */
static rac_str action_type(const struct rac_flow_trigger *t, enum rac_trigger_errand errand)
{
    if (is_http_webhook(t))
        return RAC_S("Http");
    bool open_api = rac_str_starts(t->type_word, RAC_S("OpenApi"));
    if (t->class == RAC_TRIGGER_WEBHOOK && errand == RAC_ERRAND_SUBSCRIBE)
        return t->type_word;
    if (t->class == RAC_TRIGGER_POLL)
        return t->type_word;
    return open_api ? RAC_S("OpenApiConnection") : RAC_S("ApiConnection");
}

/* subscribe or fetch of a notification: {method, pathTemplate | path, ...} beside the host. */
static struct rac_json notification_inputs(const struct rac_json *inputs, rac_str part,
                                           struct rac_arena *a)
{
    const struct rac_json *p = get(inputs, part), *host = get(inputs, RAC_S("host"));
    struct rac_json o = p != NULL ? rac_json_copy(a, p) : rac_json_new_object(a);
    const struct rac_json *template = get(&o, RAC_S("pathTemplate"));
    template = template != NULL ? template : get(&o, RAC_S("pathTempate"));
    if (host != NULL)
        RAC_JSON_PUT(a, &o, "host", rac_json_copy(a, host));
    rac_str path = rac_json_str(get(template, RAC_S("template")), RAC_STR_NULL);
    if (path.p == NULL)
        return o;
    RAC_JSON_EACH_MEMBER(m, get(template, RAC_S("parameters")))
    {
        rac_str hole = rac_arena_printf(a, "{%.*s}", RAC_FMT(rac_json_key(m)));
        size_t at = rac_str_find(path, hole);
        if (at != RAC_STR_NPOS && m->value.type == RAC_JSON_STRING)
            path = rac_arena_printf(a, "%.*s%.*s%.*s", RAC_FMT(rac_str_sub(path, 0, at)),
                                    RAC_FMT(rac_json_str(&m->value, RAC_S(""))),
                                    RAC_FMT(rac_str_from(path, at + hole.n)));
    }
    RAC_JSON_PUT_STR(a, &o, "path", path);
    return o;
}

/* False: the trigger describes no such thing. */
static bool action_inputs(const struct rac_flow_trigger *t, enum rac_trigger_errand errand,
                          struct rac_arena *a, struct rac_json *out)
{
    const struct rac_json *inputs = get(t->node, RAC_S("inputs")), *part = inputs;
    if (t->class == RAC_TRIGGER_NOTIFICATION) {
        *out = notification_inputs(
            inputs, errand == RAC_ERRAND_POLL ? RAC_S("fetch") : RAC_S("subscribe"), a);
        return true;
    }
    if (is_http_webhook(t))
        part =
            get(inputs, errand == RAC_ERRAND_SUBSCRIBE ? RAC_S("subscribe") : RAC_S("unsubscribe"));
    if (!rac_json_is_object(part) || rac_json_len(part) == 0)
        return false;
    *out = rac_json_copy(a, part);
    const struct rac_json *url = get(out, RAC_S("url"));
    if (is_http_webhook(t) && get(out, RAC_S("uri")) == NULL && url != NULL)
        RAC_JSON_PUT(a, out, "uri", *url);
    return true;
}

static struct rac_json response(const struct rac_flow_trigger *t, struct rac_arena *a)
{
    static const char *const after[] = {"Succeeded", "Failed", "Skipped", "TimedOut"};
    struct rac_json o = rac_json_new_object(a), inputs = rac_json_new_object(a),
                    run_after = rac_json_new_object(a), statuses = rac_json_new_array(a);
    struct rac_buf name;
    rac_buf_init(&name, 1024);
    for (size_t i = 0; i < t->name.n; i++) {
        if (t->name.p[i] == '\'')
            rac_buf_add_char(&name, '\'');
        rac_buf_add_char(&name, t->name.p[i]);
    }
    for (size_t i = 0; i < RAC_COUNT(after); i++)
        rac_json_add(a, &statuses, rac_json_of_str(rac_str_of(after[i])));
    rac_json_put(a, &run_after, t->name, statuses);
    RAC_JSON_PUT(a, &inputs, "statusCode", rac_json_of_int(200));
    RAC_JSON_PUT_STR(a, &inputs, "body",
                     rac_arena_printf(a, "@actions('%.*s')", RAC_FMT(rac_buf_str(&name))));
    rac_buf_fini(&name);
    RAC_JSON_PUT_STR(a, &o, "type", RAC_S("Response"));
    RAC_JSON_PUT(a, &o, "runAfter", run_after);
    RAC_JSON_PUT(a, &o, "inputs", inputs);
    return o;
}

static struct rac_json definition(const struct rac_flow *f, const struct rac_flow_trigger *t,
                                  struct rac_json inputs, rac_str type, struct rac_arena *a)
{
    struct rac_json o = rac_json_new_object(a), triggers = rac_json_new_object(a),
                    request = rac_json_new_object(a), actions = rac_json_new_object(a),
                    action = rac_json_new_object(a);
    const struct rac_json *parameters = get(f->workflow->definition, RAC_S("parameters")),
                          *runtime = get(t->node, RAC_S("runtimeConfiguration"));
    RAC_JSON_PUT_STR(a, &request, "type", RAC_S("Request"));
    RAC_JSON_PUT(a, &triggers, "manual", request);
    RAC_JSON_PUT_STR(a, &action, "type", type);
    RAC_JSON_PUT(a, &action, "inputs", inputs);
    if (runtime != NULL && get(runtime, RAC_S("concurrency")) == NULL)
        RAC_JSON_PUT(a, &action, "runtimeConfiguration", *runtime);
    rac_json_put(a, &actions, t->name, action);
    RAC_JSON_PUT(a, &actions, "answer, to the scheduler", response(t, a));
    if (parameters != NULL)
        RAC_JSON_PUT(a, &o, "parameters", *parameters);
    RAC_JSON_PUT(a, &o, "triggers", triggers);
    RAC_JSON_PUT(a, &o, "actions", actions);
    return o;
}

static void drop_origin(void *arg)
{
    rac_flow_unref(arg);
}

/* A flow of its own with what is needed of f. */
static struct rac_flow *flow_like(struct rac_flow *f)
{
    struct rac_arena own;
    rac_arena_init(&own, ERRAND_BYTES_MAX);
    struct rac_flow *e = RAC_NEW(&own, struct rac_flow);
    *e =
        (struct rac_flow){.key = -f->key, /* a lane of its own: the workflow's limits are not its */
                          .tenant = f->tenant,
                          .group = f->group,
                          .id = f->id,
                          .name = f->name,
                          .revision = f->revision,
                          .author = f->author,
                          .only_group = f->only_group,
                          .only_roles = f->only_roles,
                          .self = f->self,
                          .enabled = true,
                          .stateless = true,
                          .refs = 1};
    memcpy(e->keys, f->keys, sizeof e->keys);
    e->a = own; /* from here on: it moved */
    rac_arena_cleanup(&e->a, drop_origin, rac_flow_ref(f));
    return e;
}

struct rac_flow *rac_trigger_errand_new(struct rac_flow *f, const struct rac_flow_trigger *t,
                                        const struct rac_trigger_errand_options *o,
                                        struct rac_arena *a, rac_str *why)
{
    struct rac_flow *e = flow_like(f);
    struct rac_json inputs;
    struct rac_plan *plan;
    struct rac_diags d;
    *why = RAC_STR_NULL;
    rac_diags_init(&d, a, 5);
    bool by_location = o->errand == RAC_ERRAND_UNSUBSCRIBE && o->begin_at.p != NULL;
    if (o->errand == RAC_ERRAND_UNSUBSCRIBE && !by_location && !is_http_webhook(t)) {
        *why = RAC_S("the service did not say where (its answer had no Location)");
        rac_flow_unref(e);
        return NULL;
    }
    if (!action_inputs(t, by_location && !is_http_webhook(t) ? RAC_ERRAND_SUBSCRIBE : o->errand,
                       &e->a, &inputs)) {
        rac_flow_unref(e);
        return NULL;
    }
    struct rac_workflow *w = RAC_NEW(&e->a, struct rac_workflow);
    struct rac_json *root = RAC_NEW(&e->a, struct rac_json);
    *root = definition(f, t, inputs, action_type(t, o->errand), &e->a);
    *w = *f->workflow;
    w->definition = root;
    w->stateless = true;
    if (rac_plan_compile(w, &e->a, &plan, &d) != RAC_OK) {
        *why = d.n > 0 ? d.v[0].message : RAC_S("the trigger's inputs are not valid");
        rac_flow_unref(e);
        return NULL;
    }
    struct rac_wf_action *x = &plan->actions[rac_plan_find(plan, t->name)];
    x->options |= RAC_WF_DISABLE_ASYNC | RAC_WF_SUBSCRIBES_ONLY;
    if (o->errand != RAC_ERRAND_UNSUBSCRIBE)
        x->options |= RAC_WF_TELLS_LOCATION;
    if (o->errand == RAC_ERRAND_POLL) {
        struct rac_json *seen = RAC_NEW(&e->a, struct rac_json);
        *seen = o->seen != NULL ? rac_json_copy(&e->a, o->seen) : rac_json_none;
        x->seen = seen;
    }
    if (o->begin_at.p != NULL && !is_http_webhook(t)) {
        x->begin_at = rac_arena_str(&e->a, o->begin_at);
        x->begin_by = by_location ? RAC_S("DELETE") : RAC_S("GET");
    }
    e->callback_url =
        o->callback_url.p != NULL ? rac_arena_str(&e->a, o->callback_url) : RAC_STR_NULL;
    e->workflow = w;
    e->plan = plan;
    return e;
}
