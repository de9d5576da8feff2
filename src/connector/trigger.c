#include "connector/trigger.h"

#include "base/str.h"
#include "connector/policy_priv.h"
#include "connector/text_priv.h"
#include "connector/verdict.h"

static const struct rac_policy *policy_of(const struct rac_op *op)
{
    for (size_t i = 0; i < op->plan->request.n; i++)
        if (op->plan->request.v[i]->id == RAC_POLICY_POLLING_TRIGGER)
            return op->plan->request.v[i];
    return NULL;
}

bool rac_trigger_is_polled(const struct rac_op *op)
{
    return policy_of(op) != NULL;
}

static bool is_query(const struct rac_op *op, rac_str name)
{
    for (uint32_t i = 0; i < op->plan->params_n; i++)
        if (op->plan->params[i].in == RAC_IN_QUERY && rac_str_eq(op->plan->params[i].name, name))
            return true;
    return false;
}

struct rac_json rac_trigger_arguments(const struct rac_op *op, const struct rac_json *arguments,
                                      const struct rac_json *state, struct rac_arena *a,
                                      struct rac_json *extra)
{
    struct rac_json out = rac_json_new_object(a);
    *extra = rac_json_new_object(a);
    RAC_JSON_EACH_MEMBER(m, arguments)
    {
        rac_json_put(a, &out, rac_json_key(m), m->value);
    }
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(state, "query"))
    {
        rac_str name = rac_json_key(m);
        rac_json_put(a, is_query(op, name) ? &out : extra, name, m->value);
    }
    return out;
}

/* The array at triggerDataPath; a single object there is one event. */
static const struct rac_json *data_at(const struct rac_policy *p, const struct rac_json *body)
{
    const struct rac_json *v = body;
    for (uint32_t i = 0; v != NULL && i < p->parent.steps_n; i++)
        v = p->parent.steps[i].name.p != NULL ? rac_json_get(v, p->parent.steps[i].name)
                                              : rac_json_at(v, (size_t)p->parent.steps[i].index);
    return v;
}

/* triggerConfig evaluated on an answer. What it cannot say (no element 0) keeps its old value. */
static struct rac_json state_of(const struct rac_policy *p, const struct rac_json *body,
                                const struct rac_json *old, struct rac_arena *a)
{
    struct rac_json query = rac_json_new_object(a), state = rac_json_new_object(a);
    struct rac_json copy = body != NULL ? *body : rac_json_none;
    struct rac_request none;
    rac_request_init(&none, a);
    struct rac_scope scope = {.a = a, .request = &none, .body = &copy};
    for (uint32_t i = 0; i < p->trigger_values_n; i++) {
        const struct rac_trigger_value *t = &p->trigger_values[i];
        struct rac_json v = rac_template_value(t->value, &scope);
        const struct rac_json *kept = rac_json_get(RAC_JSON_GET(old, "query"), t->query_name);
        if (v.type != RAC_JSON_NONE && v.type != RAC_JSON_NULL)
            rac_json_put(a, &query, t->query_name,
                         rac_json_of_str(rac_arena_str(a, rac_value_text(a, &v))));
        else if (kept != NULL)
            rac_json_put(a, &query, t->query_name, *kept);
    }
    RAC_JSON_PUT(a, &state, "query", query);
    return state;
}

void rac_trigger_answer(const struct rac_op *op, const struct rac_json *body, rac_str url,
                        const struct rac_json *state, struct rac_arena *a,
                        struct rac_trigger_events *out)
{
    const struct rac_policy *p = policy_of(op);
    bool first = state == NULL || state->type != RAC_JSON_OBJECT;
    memset(out, 0, sizeof *out);
    RAC_ASSERT(p != NULL);
    out->events = rac_json_new_array(a);
    const struct rac_json *data = data_at(p, body);
    size_t n = rac_json_is_array(data) ? rac_json_len(data) : rac_json_is_object(data) ? 1 : 0;
    if (n > RAC_TRIGGER_EVENTS_MAX) {
        out->code = "RC-RUN-09";
        out->problem = rac_arena_printf(a, "the answer holds %zu events, more than %d", n,
                                        RAC_TRIGGER_EVENTS_MAX);
    }
    out->state = first || n > 0 ? state_of(p, body, state, a) : *state;
    if (first || out->problem.p != NULL)
        return;
    if (rac_json_is_object(data))
        rac_json_add(a, &out->events, *data);
    else
        RAC_JSON_EACH(e, data)
        {
            rac_json_add(a, &out->events, *e);
        }
    out->next_page = rac_next_page(body, p->next_link, url, a);
}

static struct rac_json with(const struct rac_place *at, uint32_t step, const struct rac_json *v,
                            const struct rac_json *events, struct rac_arena *a)
{
    if (v == NULL || step == at->steps_n)
        return *events;
    rac_str name = at->steps[step].name;
    struct rac_json out = *v;
    if (name.p != NULL)
        rac_json_put(a, &out, name, with(at, step + 1, rac_json_get(v, name), events, a));
    return out;
}

struct rac_json rac_trigger_with(const struct rac_op *op, const struct rac_json *body,
                                 const struct rac_json *events, struct rac_arena *a)
{
    struct rac_json copy = rac_json_copy(a, body);
    return with(&policy_of(op)->parent, 0, &copy, events, a);
}

void rac_trigger_split(enum rac_trigger kind, const struct rac_json *body, struct rac_arena *a,
                       struct rac_trigger_events *out)
{
    memset(out, 0, sizeof *out);
    out->events = rac_json_new_array(a);
    if (kind != RAC_TRIGGER_BATCH) {
        rac_json_add(a, &out->events, body != NULL ? *body : rac_json_of_null());
        return;
    }
    const struct rac_json *items = rac_page_items(body);
    if (items == NULL) {
        out->code = "RC-RUN-08";
        out->problem = RAC_S("the answer holds no array to split into events");
    } else if (rac_json_len(items) > RAC_TRIGGER_EVENTS_MAX) {
        out->code = "RC-RUN-09";
        out->problem = rac_arena_printf(a, "the answer holds %zu events, more than %d",
                                        rac_json_len(items), RAC_TRIGGER_EVENTS_MAX);
    } else {
        RAC_JSON_EACH(e, items)
        {
            rac_json_add(a, &out->events, *e);
        }
    }
}
