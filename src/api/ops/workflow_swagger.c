#include "api/ops/access.h"
#include "api/ops/workflow_shape.h"
#include "api/service.h"
#include "base/uri.h"
#include "text/url.h"
#include "workflow/outside/inbound.h"

/* The Request triggers of a workflow as an OpenAPI 2.0 document (spec workflows §7.2 listSwagger):
 * a workflow described so can be a connector. */

struct describing {
    struct rac_ask *q;
    struct rac_live_flow *live;
};

static void put_str(struct rac_arena *a, struct rac_json *o, const char *key, const char *value)
{
    rac_json_put(a, o, rac_str_of(key), rac_json_of_str(rac_str_of(value)));
}

static void add_query(struct rac_arena *a, struct rac_json *list, const char *name, rac_str value)
{
    struct rac_json p = rac_json_new_object(a);
    put_str(a, &p, "name", name);
    put_str(a, &p, "in", "query");
    put_str(a, &p, "type", "string");
    RAC_JSON_PUT(a, &p, "required", rac_json_of_bool(true));
    RAC_JSON_PUT_STR(a, &p, "default", value);
    put_str(a, &p, "x-ms-visibility", "internal");
    rac_json_add(a, list, p);
}

static void add_path_parameters(struct rac_arena *a, struct rac_json *list, rac_str relative)
{
    for (rac_str rest = relative; rest.p != NULL;) {
        rac_str part = rac_str_cut(rest, '/', &rest);
        if (part.n < 3 || part.p[0] != '{' || part.p[part.n - 1] != '}')
            continue;
        struct rac_json p = rac_json_new_object(a);
        RAC_JSON_PUT_STR(a, &p, "name", rac_str_sub(part, 1, part.n - 2));
        put_str(a, &p, "in", "path");
        put_str(a, &p, "type", "string");
        RAC_JSON_PUT(a, &p, "required", rac_json_of_bool(true));
        rac_json_add(a, list, p);
    }
}

static struct rac_json parameters_of(struct describing *d, const struct rac_live_trigger *t)
{
    struct rac_arena *a = d->q->a;
    const struct rac_flow *f = d->live->flow;
    struct rac_json list = rac_json_new_array(a), body = rac_json_new_object(a);
    struct rac_callback c = {
        .form = RAC_CALLBACK_TRIGGER, .workflow_id = f->id, .trigger = t->name};
    struct rac_callback_place place = rac_flow_place(d->q, f, true, 0);
    place.standard = false;
    struct rac_json url = rac_callback_json(&place, &c, RAC_STR_NULL, a);
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GET(&url, "queries"))
    add_query(a, &list, rac_arena_cstr(a, rac_json_key(m)), rac_json_str(&m->value, RAC_S("")));
    add_path_parameters(a, &list, rac_inbound_relative(t->inbound));
    const struct rac_json *schema = rac_inbound_schema(t->inbound);
    put_str(a, &body, "name", "body");
    put_str(a, &body, "in", "body");
    RAC_JSON_PUT(a, &body, "schema", schema != NULL ? *schema : rac_json_new_object(a));
    rac_json_add(a, &list, body);
    return list;
}

static struct rac_json operation_of(struct describing *d, const struct rac_live_trigger *t)
{
    struct rac_arena *a = d->q->a;
    struct rac_json o = rac_json_new_object(a), answers = rac_json_new_object(a);
    struct rac_json answer = rac_json_new_object(a);
    rac_str text = rac_json_str(rac_json_geti(t->node, RAC_S("description")),
                                RAC_S("Trigger a run of the workflow."));
    RAC_JSON_PUT_STR(a, &o, "description", text);
    RAC_JSON_PUT_STR(a, &o, "operationId", rac_arena_printf(a, "%.*s-invoke", RAC_FMT(t->name)));
    RAC_JSON_PUT(a, &o, "parameters", parameters_of(d, t));
    put_str(a, &answer, "description", d->live->responds ? "The workflow's answer" : "Accepted");
    RAC_JSON_PUT(a, &answer, "schema", rac_json_new_object(a));
    rac_json_put(a, &answers, RAC_S("default"), answer);
    RAC_JSON_PUT(a, &o, "responses", answers);
    return o;
}

static struct rac_json paths_of(struct describing *d)
{
    struct rac_arena *a = d->q->a;
    struct rac_json paths = rac_json_new_object(a);
    for (size_t i = 0; i < d->live->triggers_n; i++) {
        const struct rac_live_trigger *t = &d->live->triggers[i];
        if (!t->request)
            continue;
        rac_str relative = rac_inbound_relative(t->inbound),
                method = rac_inbound_method(t->inbound);
        struct rac_json item = rac_json_new_object(a);
        rac_json_put(a, &item, method.n > 0 ? rac_str_lower(a, method) : RAC_S("post"),
                     operation_of(d, t));
        rac_json_put(a, &paths,
                     rac_arena_printf(a, "/triggers/%.*s/paths/invoke%s%.*s",
                                      RAC_FMT(rac_url_encode_set(a, t->name, RAC_URL_STRICT)),
                                      relative.n > 0 ? "/" : "", RAC_FMT(relative)),
                     item);
    }
    return paths;
}

static void describe(void *arg, rac_err err, struct rac_live_flow *live, rac_str why)
{
    struct describing *d = arg;
    struct rac_ask *q = d->q;
    struct rac_arena *a = q->a;
    if (err != RAC_OK) {
        struct rac_commit said = {.err = err, .error = why};
        rac_ask_fail_commit(q, &said, "workflow");
        return;
    }
    d->live = live;
    struct rac_json o = rac_json_new_object(a), info = rac_json_new_object(a), list;
    put_str(a, &o, "swagger", "2.0");
    RAC_JSON_PUT_STR(a, &info, "title", live->flow->name);
    RAC_JSON_PUT_STR(a, &info, "description",
                     rac_json_str(RAC_JSON_GET(&live->resource, "description"),
                                  RAC_S("Triggers of a workflow.")));
    put_str(a, &info, "version", "1.0.0.0");
    RAC_JSON_PUT(a, &o, "info", info);
    rac_str rest, scheme = rac_str_cut(q->w->service->public_url, ':', &rest);
    RAC_JSON_PUT_STR(a, &o, "host", rac_str_from(rest, 2));
    RAC_JSON_PUT_STR(a, &o, "basePath", rac_str_concat(a, RAC_S("/workflows/"), live->flow->id));
    list = rac_json_new_array(a);
    rac_json_add(a, &list, rac_json_of_str(scheme));
    RAC_JSON_PUT(a, &o, "schemes", list);
    list = rac_json_new_array(a);
    rac_json_add(a, &list, rac_json_of_str(RAC_S("application/json")));
    RAC_JSON_PUT(a, &o, "consumes", list);
    RAC_JSON_PUT(a, &o, "produces", list);
    RAC_JSON_PUT(a, &o, "paths", paths_of(d));
    struct rac_json copy = rac_json_copy(a, &o); /* schemas are the workflow's, which may go */
    rac_ask_answer(q, copy);
}

void rac_ops_workflow_swagger(struct rac_ask *q)
{
    struct rac_flow_row row;
    struct describing *d = RAC_NEW(q->a, struct describing);
    d->q = q;
    if (rac_access_workflow(q, RAC_MAY_WORKFLOW_RUN, q->args[0], RAC_FLOW_PLAIN, &row))
        rac_flows_want(q->w->flows, row.id, describe, d);
}
