#include "api/ops/workflow_shape.h"

#include "api/flow_document.h"
#include "api/ops/access.h"
#include "api/service.h"
#include "connector/store.h"
#include "crypto/digest.h"
#include "workflow/definition/secure.h"

/* --- names ------------------------------------------------------------------------------------ */

struct rac_flow_view rac_flow_view(struct rac_ask *q, const struct rac_flow_row *row)
{
    struct rac_flow_view v = {.q = q, .row = row};
    if (q->ids == RAC_IDS_ARM)
        v.base = rac_arena_printf(
            q->a, "%.*s/resourceGroups/%.*s/providers/Microsoft.Logic/workflows/%.*s",
            RAC_FMT(q->ids_base), RAC_FMT(rac_access_group_name(q, row->group)),
            RAC_FMT(row->name));
    else if (q->ids == RAC_IDS_STANDARD)
        v.base = rac_arena_printf(q->a, "/workflows/%.*s", RAC_FMT(row->name));
    return v;
}

/* {id, name, type} of something below the workflow: below is "/runs/R/actions/A" (ARM, Standard),
 * native the plain id, type "/runs/actions". */
static struct rac_json ref_of(const struct rac_flow_view *v, rac_str native, rac_str name,
                              const char *type, rac_str below)
{
    struct rac_arena *a = v->q->a;
    struct rac_json o = rac_json_new_object(a);
    if (v->q->ids == RAC_IDS_NATIVE) {
        RAC_JSON_PUT_STR(a, &o, "id", native);
        RAC_JSON_PUT_STR(a, &o, "name", name);
        return o;
    }
    const char *provider = v->q->ids == RAC_IDS_ARM ? "Microsoft.Logic/" : "";
    RAC_JSON_PUT_STR(a, &o, "id", rac_str_concat(a, v->base, below));
    RAC_JSON_PUT_STR(a, &o, "name", name);
    RAC_JSON_PUT_STR(a, &o, "type", rac_arena_printf(a, "%sworkflows%s", provider, type));
    return o;
}

static struct rac_json workflow_ref(const struct rac_flow_view *v)
{
    return ref_of(v, v->row->id, v->row->name, "", RAC_S(""));
}

static rac_str run_id(struct rac_arena *a, const struct rac_flow_row *row, rac_str run)
{
    return rac_arena_printf(a, "%.*s-%.*s", RAC_FMT(row->id), RAC_FMT(run));
}

bool rac_run_id_parse(rac_str id, rac_str *flow, rac_str *run)
{
    *flow = rac_str_sub(id, 0, RAC_WORKFLOW_ID_TEXT - 1);
    *run = rac_str_from(id, RAC_WORKFLOW_ID_TEXT);
    return id.n > RAC_WORKFLOW_ID_TEXT && id.p[RAC_WORKFLOW_ID_TEXT - 1] == '-' &&
           rac_workflow_id_is(*flow);
}

static struct rac_json run_ref(const struct rac_flow_view *v, rac_str run)
{
    struct rac_arena *a = v->q->a;
    return ref_of(v, run_id(a, v->row, run), run, "/runs",
                  rac_arena_printf(a, "/runs/%.*s", RAC_FMT(run)));
}

static struct rac_json version_ref(const struct rac_flow_view *v, rac_str revision)
{
    return ref_of(v, revision, revision, "/versions",
                  rac_arena_printf(v->q->a, "/versions/%.*s", RAC_FMT(revision)));
}

/* --- small parts ------------------------------------------------------------------------------ */

static struct rac_json correlation(struct rac_arena *a, rac_str tracking)
{
    struct rac_json o = rac_json_new_object(a);
    rac_json_put_str(a, &o, RAC_S("clientTrackingId"), tracking);
    return o;
}

static void put_error(struct rac_arena *a, struct rac_json *o, rac_str text)
{
    struct rac_json e;
    if (text.n > 0 && rac_json_parse(text, a, 0, &e, NULL) == RAC_OK)
        RAC_JSON_PUT(a, o, "error", e);
}

static void put_status(struct rac_arena *a, struct rac_json *o, enum rac_wf_status s)
{
    RAC_JSON_PUT_STR(a, o, "status", rac_str_of(rac_wf_status_word(s)));
}

struct rac_callback_place rac_flow_place(struct rac_ask *q, const struct rac_flow *f, bool primary,
                                         rac_ms expires_ms)
{
    return (struct rac_callback_place){
        .public_url = q->w->service->public_url,
        .standard = q->ids == RAC_IDS_STANDARD,
        .key = {(const char *)f->keys[primary ? 0 : 1], sizeof f->keys[0]},
        .expires_ms = expires_ms,
    };
}

/* A ContentLink; nothing for a value that is not there. */
static void put_link(const struct rac_flow_view *v, const struct rac_live_flow *live,
                     struct rac_json *o, const char *member, const struct rac_history_value *value,
                     struct rac_callback c, const char *content)
{
    struct rac_arena *a = v->q->a;
    struct rac_json link = rac_json_new_object(a), hash = rac_json_new_object(a);
    if (live == NULL || !value->has)
        return;
    if (value->secured) {
        struct rac_json secure = rac_json_new_object(a), names = rac_json_new_array(a);
        rac_json_add(
            a, &names,
            rac_json_of_str(strstr(content, "Inputs") != NULL || strcmp(content, "RequestBody") == 0
                                ? RAC_S("inputs")
                                : RAC_S("outputs")));
        RAC_JSON_PUT(a, &secure, "properties", names);
        RAC_JSON_PUT(a, &link, "secureData", secure);
        rac_json_put(a, o, rac_str_of(member), link);
        return;
    }
    c.workflow_id = live->flow->id;
    c.content = rac_str_of(content);
    rac_ms expires = rac_callback_content_expiry(rac_env_wall_ms(v->q->w->env));
    struct rac_callback_place place = rac_flow_place(v->q, live->flow, true, expires);
    RAC_JSON_PUT_STR(a, &link, "uri", rac_callback_url(&place, &c, a));
    if (value->digest[0] == 0 && value->text.p == NULL) { /* nobody looked: only where it is */
        rac_json_put(a, o, rac_str_of(member), link);
        return;
    }
    rac_str digest =
        value->digest[0] != 0 ? rac_str_of(value->digest) : rac_sha256_hex(a, value->text);
    RAC_JSON_PUT_STR(a, &link, "contentVersion", digest);
    RAC_JSON_PUT(a, &link, "contentSize", rac_json_of_int((int64_t)value->size));
    RAC_JSON_PUT_STR(a, &hash, "algorithm", RAC_S("sha256"));
    RAC_JSON_PUT_STR(a, &hash, "value", digest);
    RAC_JSON_PUT(a, &link, "contentHash", hash);
    rac_json_put(a, o, rac_str_of(member), link);
}

/* --- workflows -------------------------------------------------------------------------------- */

static void put_member(struct rac_arena *a, struct rac_json *o, const struct rac_json *from,
                       const char *name)
{
    const struct rac_json *v = rac_json_get(from, rac_str_of(name));
    if (v != NULL)
        rac_json_put(a, o, rac_str_of(name), *v);
}

/* {name: {type, value, metadata, description}}: secure ones without value. */
static struct rac_json parameters_json(struct rac_arena *a, const struct rac_json *resource)
{
    const struct rac_json *definition = RAC_JSON_GET(resource, "definition");
    const struct rac_json *declared = rac_json_geti(definition, RAC_S("parameters"));
    const struct rac_json *given = RAC_JSON_GET(resource, "parameters");
    struct rac_json out = rac_json_new_object(a);
    RAC_JSON_EACH_MEMBER(m, declared)
    {
        struct rac_json p = rac_json_new_object(a);
        const struct rac_json *value = rac_json_geti(given, rac_json_key(m));
        const struct rac_json *inner = rac_json_geti(value, RAC_S("value"));
        put_member(a, &p, &m->value, "type");
        if (inner != NULL)
            RAC_JSON_PUT(a, &p, "value", *inner);
        else if (rac_workflow_declares_secure(value)) /* by what stood beside the value alone */
            put_member(a, &p, value, "type");
        put_member(a, &p, &m->value, "metadata");
        put_member(a, &p, &m->value, "description");
        if (value != NULL || rac_workflow_declares_secure(&m->value))
            rac_json_put(a, &out, rac_json_key(m), p);
    }
    RAC_JSON_EACH_MEMBER(m, given)
    if (rac_json_geti(&out, rac_json_key(m)) == NULL)
        rac_json_put(a, &out, rac_json_key(m), m->value);
    return out;
}

/* {id, name, type}: what is left out of an account that is named by its path (ResourceReference). */
static struct rac_json account_ref(struct rac_arena *a, const struct rac_json *given)
{
    struct rac_json o = rac_json_copy(a, given);
    rac_str id = rac_json_str(rac_json_geti(given, RAC_S("id")), RAC_S(""));
    size_t slash = rac_str_rfind_char(id, '/');
    rac_str name = slash == RAC_STR_NPOS ? id : rac_str_from(id, slash + 1);
    if (name.n > 0 && RAC_JSON_GET(&o, "name") == NULL)
        RAC_JSON_PUT_STR(a, &o, "name", name);
    if (name.n > 0 && RAC_JSON_GET(&o, "type") == NULL)
        RAC_JSON_PUT_STR(a, &o, "type", RAC_S("Microsoft.Logic/integrationAccounts"));
    return o;
}

/* The document's own members, those that stand before properties in ARM first. */
static void put_document(struct rac_arena *a, struct rac_json *o, rac_str text, bool whole,
                         bool native)
{
    static const char *const top[] = {"location", "tags", "identity", "kind", "description"};
    static const char *const rest[] = {"accessControl", "endpointsConfiguration",
                                       "integrationAccount", "runtimeConfiguration"};
    struct rac_json doc;
    if (text.n == 0 || rac_json_parse(text, a, 0, &doc, NULL) != RAC_OK)
        return;
    for (size_t i = 0; i < RAC_COUNT(top); i++)
        put_member(a, o, &doc, top[i]);
    if (native)
        put_member(a, o, &doc, "profile");
    for (size_t i = 0; i < RAC_COUNT(rest); i++)
        put_member(a, o, &doc, rest[i]);
    const struct rac_json *account = RAC_JSON_GET(o, "integrationAccount");
    if (!native && rac_json_is_object(account))
        RAC_JSON_PUT(a, o, "integrationAccount", account_ref(a, account));
    if (!whole)
        return;
    put_member(a, o, &doc, "definition");
    RAC_JSON_PUT(a, o, "parameters", parameters_json(a, &doc));
    put_member(a, o, &doc, "connectionReferences");
}

static void put_sku(struct rac_arena *a, struct rac_json *o)
{
    struct rac_json sku = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &sku, "name", RAC_S("NotSpecified"));
    RAC_JSON_PUT(a, o, "sku", sku);
}

struct rac_json rac_shape_workflow(struct rac_ask *q, const struct rac_flow_row *row, bool whole)
{
    struct rac_arena *a = q->a;
    struct rac_flow_view v = rac_flow_view(q, row);
    struct rac_json o = workflow_ref(&v);
    if (q->ids == RAC_IDS_NATIVE) {
        RAC_JSON_PUT_STR(a, &o, "group", rac_access_group_name(q, row->group));
        RAC_JSON_PUT(a, &o, "owner", rac_access_person(q, row->owner));
    }
    RAC_JSON_PUT_STR(a, &o, "provisioningState", RAC_S("Succeeded"));
    rac_json_put_time(a, &o, RAC_S("createdTime"), row->created_ms);
    rac_json_put_time(a, &o, RAC_S("changedTime"), row->changed_ms);
    RAC_JSON_PUT_STR(a, &o, "state", row->state);
    RAC_JSON_PUT_STR(a, &o, "version", row->revision);
    RAC_JSON_PUT_STR(a, &o, "accessEndpoint",
                     rac_arena_printf(a, "%.*s/workflows/%.*s", RAC_FMT(q->w->service->public_url),
                                      RAC_FMT(row->id)));
    put_sku(a, &o);
    put_document(a, &o, row->document, whole, q->ids == RAC_IDS_NATIVE);
    if (q->ids == RAC_IDS_NATIVE)
        RAC_JSON_PUT_STR(a, &o, "etag", rac_etag(a, row->version));
    return o;
}

struct rac_json rac_shape_version(const struct rac_flow_view *v,
                                  const struct rac_flow_version_row *version, bool whole)
{
    struct rac_arena *a = v->q->a;
    struct rac_json o = version_ref(v, version->revision);
    RAC_JSON_PUT_STR(a, &o, "provisioningState", RAC_S("Succeeded"));
    rac_json_put_time(a, &o, RAC_S("createdTime"), version->created_ms);
    rac_json_put_time(a, &o, RAC_S("changedTime"), version->created_ms);
    RAC_JSON_PUT_STR(a, &o, "state", v->row->state);
    RAC_JSON_PUT_STR(a, &o, "version", version->revision);
    RAC_JSON_PUT_STR(a, &o, "accessEndpoint",
                     rac_arena_printf(a, "%.*s/workflows/%.*s",
                                      RAC_FMT(v->q->w->service->public_url), RAC_FMT(v->row->id)));
    put_sku(a, &o);
    put_document(a, &o, version->document, whole, v->q->ids == RAC_IDS_NATIVE);
    return o;
}

/* --- triggers --------------------------------------------------------------------------------- */

/* [{day, occurrence}], whichever name the day has in the definition. */
static struct rac_json occurrences_json(struct rac_arena *a, const struct rac_json *list)
{
    struct rac_json out = rac_json_new_array(a);
    RAC_JSON_EACH(e, list)
    {
        struct rac_json x = rac_json_new_object(a);
        const struct rac_json *day = rac_json_geti(e, RAC_S("day")),
                              *n = rac_json_geti(e, RAC_S("occurrence"));
        if (day == NULL)
            day = rac_json_geti(e, RAC_S("dayOfWeek"));
        if (day != NULL)
            RAC_JSON_PUT(a, &x, "day", *day);
        if (n != NULL)
            RAC_JSON_PUT(a, &x, "occurrence", *n);
        rac_json_add(a, &out, x);
    }
    return out;
}

/* As clients know it: numbers are numbers, lists are lists (§7.4). */
static struct rac_json recurrence_json(struct rac_arena *a, const struct rac_json *r)
{
    static const rac_str lists[] = {RAC_S_INIT("minutes"), RAC_S_INIT("hours"),
                                    RAC_S_INIT("weekDays"), RAC_S_INIT("monthDays")};
    struct rac_json out = rac_json_copy(a, r), schedule = rac_json_new_object(a);
    const struct rac_json *given = rac_json_geti(r, RAC_S("schedule"));
    int64_t n;
    if (rac_str_to_i64(rac_json_str(rac_json_geti(r, RAC_S("interval")), RAC_S("")), &n))
        RAC_JSON_PUT(a, &out, "interval", rac_json_of_int(n));
    RAC_JSON_EACH_MEMBER(m, given)
    {
        struct rac_json v = m->value, list = rac_json_new_array(a);
        for (size_t i = 0; i < RAC_COUNT(lists) && v.type != RAC_JSON_ARRAY; i++)
            if (rac_str_eqi(rac_json_key(m), lists[i])) {
                rac_json_add(a, &list, v);
                v = list;
            }
        if (rac_str_eqi(rac_json_key(m), RAC_S("monthlyOccurrences")))
            v = occurrences_json(a, &m->value);
        rac_json_put(a, &schedule, rac_json_key(m), v);
    }
    if (rac_json_is_object(given))
        RAC_JSON_PUT(a, &out, "schedule", schedule);
    return out;
}

struct rac_json rac_shape_trigger(const struct rac_flow_view *v,
                                  const struct rac_flow_trigger_row *state,
                                  const struct rac_json_member *trigger)
{
    struct rac_arena *a = v->q->a;
    rac_str name = rac_json_key(trigger);
    struct rac_json o =
        ref_of(v, name, name, "/triggers", rac_arena_printf(a, "/triggers/%.*s", RAC_FMT(name)));
    const struct rac_json *recurrence = rac_json_geti(&trigger->value, RAC_S("recurrence"));
    struct rac_json doc;
    bool parsed = state->state.n > 0 && rac_json_parse(state->state, a, 0, &doc, NULL) == RAC_OK;
    RAC_JSON_PUT_STR(
        a, &o, "provisioningState",
        rac_json_str(parsed ? RAC_JSON_GET(&doc, "provisioningState") : NULL, RAC_S("Succeeded")));
    rac_json_put_time(a, &o, RAC_S("createdTime"), v->row->created_ms);
    rac_json_put_time(a, &o, RAC_S("changedTime"), v->row->changed_ms);
    rac_str completed = rac_json_str(parsed ? RAC_JSON_GET(&doc, "state") : NULL, v->row->state);
    RAC_JSON_PUT_STR(a, &o, "state", completed);
    RAC_JSON_PUT_STR(a, &o, "status", state->status.n > 0 ? state->status : RAC_S("Waiting"));
    rac_json_put_time(a, &o, RAC_S("lastExecutionTime"), state->last_ms);
    rac_json_put_time(a, &o, RAC_S("nextExecutionTime"), state->due_ms);
    if (recurrence != NULL)
        RAC_JSON_PUT(a, &o, "recurrence", recurrence_json(a, recurrence));
    if (v->q->ids == RAC_IDS_NATIVE) {
        put_member(a, &o, &trigger->value, "type");
        put_member(a, &o, &trigger->value, "kind");
        if (parsed)
            put_member(a, &o, &doc, "error");
    }
    RAC_JSON_PUT(a, &o, "workflow", version_ref(v, v->row->revision));
    return o;
}

static struct rac_json history_ref(const struct rac_flow_view *v, rac_str trigger, rac_str name)
{
    return ref_of(v, name, name, "/triggers/histories",
                  rac_arena_printf(v->q->a, "/triggers/%.*s/histories/%.*s", RAC_FMT(trigger),
                                   RAC_FMT(name)));
}

static struct rac_history_value event_value(const struct rac_live_flow *live, rac_str text,
                                            struct rac_arena *a)
{
    const struct rac_secure_values *hidden =
        live != NULL ? rac_secure_values_of_plan(live->flow->plan) : NULL;
    if (text.p != NULL)
        text = rac_secure_mask_text(hidden, text, a);
    return (struct rac_history_value){.has = text.p != NULL, .text = text, .size = text.n};
}

struct rac_json rac_shape_event(const struct rac_flow_view *v, const struct rac_live_flow *live,
                                const struct rac_flow_event_row *e)
{
    struct rac_arena *a = v->q->a;
    struct rac_json o = history_ref(v, e->trigger, e->name);
    struct rac_callback c = {
        .form = RAC_CALLBACK_HISTORY_CONTENT, .trigger = e->trigger, .history = e->name};
    rac_json_put_time(a, &o, RAC_S("startTime"), e->start_ms);
    rac_json_put_time(a, &o, RAC_S("endTime"), e->end_ms);
    rac_json_put_time(a, &o, RAC_S("scheduledTime"), e->scheduled_ms);
    RAC_JSON_PUT_STR(a, &o, "status", e->status);
    rac_json_put_str(a, &o, RAC_S("code"), e->code.n > 0 ? e->code : RAC_STR_NULL);
    put_error(a, &o, e->error);
    RAC_JSON_PUT(a, &o, "correlation", correlation(a, e->correlation));
    uint8_t hidden = live != NULL ? rac_secure_of_trigger(live->flow->plan) : 0;
    struct rac_history_value in = event_value(live, e->inputs, a),
                             out = event_value(live, e->outputs, a);
    in.secured = (hidden & RAC_SECURE_INPUTS) != 0;
    out.secured = (hidden & RAC_SECURE_OUTPUTS) != 0;
    put_link(v, live, &o, "inputsLink", &in, c, "TriggerInputs");
    put_link(v, live, &o, "outputsLink", &out, c, "TriggerOutputs");
    RAC_JSON_PUT(a, &o, "fired", rac_json_of_bool(false));
    return o;
}

struct rac_json rac_shape_fired(const struct rac_flow_view *v, const struct rac_live_flow *live,
                                const struct rac_flow_run_row *run,
                                const struct rac_history_run *head)
{
    struct rac_arena *a = v->q->a;
    struct rac_json o = history_ref(v, run->trigger, run->name);
    struct rac_callback c = {.form = RAC_CALLBACK_RUN_CONTENT, .run = run->name};
    rac_json_put_time(a, &o, RAC_S("startTime"), run->start_ms);
    rac_json_put_time(a, &o, RAC_S("endTime"), run->start_ms);
    RAC_JSON_PUT_STR(a, &o, "status", RAC_S("Succeeded"));
    RAC_JSON_PUT_STR(a, &o, "trackingId", run->correlation);
    RAC_JSON_PUT(a, &o, "correlation", correlation(a, run->tracking));
    if (head != NULL) {
        rac_json_put_str(a, &o, RAC_S("code"), head->trigger_code);
        rac_json_put_time(a, &o, RAC_S("scheduledTime"), head->scheduled_ms);
        put_link(v, live, &o, "inputsLink", &head->inputs, c, "TriggerInputs");
        put_link(v, live, &o, "outputsLink", &head->outputs, c, "TriggerOutputs");
    }
    RAC_JSON_PUT(a, &o, "fired", rac_json_of_bool(true));
    RAC_JSON_PUT(a, &o, "run", run_ref(v, run->name));
    return o;
}

/* --- runs ------------------------------------------------------------------------------------- */

/* Members that trigger and response share. */
static struct rac_json run_part(struct rac_arena *a, rac_str name, rac_ms start_ms, rac_ms end_ms,
                                rac_str tracking, const char *status)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "name", name);
    rac_json_put_time(a, &o, RAC_S("startTime"), start_ms);
    rac_json_put_time(a, &o, RAC_S("endTime"), end_ms);
    RAC_JSON_PUT(a, &o, "correlation", correlation(a, tracking));
    RAC_JSON_PUT_STR(a, &o, "status", rac_str_of(status));
    return o;
}

static struct rac_json run_trigger(const struct rac_flow_view *v, const struct rac_live_flow *live,
                                   const struct rac_flow_run_row *run,
                                   const struct rac_history_run *h)
{
    struct rac_arena *a = v->q->a;
    struct rac_json o =
        run_part(a, run->trigger, run->start_ms, run->start_ms, run->tracking, "Succeeded");
    struct rac_callback c = {.form = RAC_CALLBACK_RUN_CONTENT, .run = run->name};
    if (h == NULL)
        return o;
    put_link(v, live, &o, "inputsLink", &h->inputs, c, "TriggerInputs");
    put_link(v, live, &o, "outputsLink", &h->outputs, c, "TriggerOutputs");
    rac_json_put_time(a, &o, RAC_S("scheduledTime"), h->scheduled_ms);
    RAC_JSON_PUT_STR(a, &o, "trackingId", rac_arena_str(a, rac_str_of(h->tracking_id)));
    RAC_JSON_PUT_STR(a, &o, "originHistoryName", h->origin.n > 0 ? h->origin : run->name);
    rac_json_put_str(a, &o, RAC_S("code"), h->trigger_code);
    return o;
}

static void put_response(const struct rac_flow_view *v, const struct rac_live_flow *live,
                         const struct rac_flow_run_row *run, const struct rac_history *history,
                         struct rac_json *o)
{
    struct rac_arena *a = v->q->a;
    const struct rac_history_run *h = rac_history_run(history);
    const struct rac_history_record *r =
        h->responded ? rac_history_action(history, h->response_action) : NULL;
    if (r == NULL)
        return;
    struct rac_json x = run_part(a, h->response_action, r->start_ms, r->end_ms, run->tracking,
                                 rac_wf_status_word(r->status));
    struct rac_callback c = {
        .form = RAC_CALLBACK_ACTION_CONTENT, .run = run->name, .action = h->response_action};
    put_link(v, live, &x, "inputsLink", &r->inputs, c, "ActionInputs");
    put_link(v, live, &x, "outputsLink", &r->outputs, c, "ActionOutputs");
    RAC_JSON_PUT_STR(a, &x, "trackingId", rac_arena_str(a, rac_str_of(r->tracking_id)));
    if (r->tracked.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, &x, "trackedProperties", r->tracked);
    rac_json_put_str(a, &x, RAC_S("code"), r->code.n > 0 ? r->code : RAC_STR_NULL);
    if (r->error.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, &x, "error", r->error);
    RAC_JSON_PUT(a, o, "response", x);
}

struct rac_json rac_shape_run_listed(const struct rac_flow_view *v,
                                     const struct rac_live_flow *live,
                                     const struct rac_flow_run_row *run,
                                     const struct rac_history_run *hr)
{
    struct rac_arena *a = v->q->a;
    struct rac_json o = run_ref(v, run->name);
    rac_json_put_time(a, &o, RAC_S("waitEndTime"), run->start_ms);
    rac_json_put_time(a, &o, RAC_S("startTime"), run->start_ms);
    rac_json_put_time(a, &o, RAC_S("endTime"), run->end_ms);
    RAC_JSON_PUT_STR(a, &o, "status", run->status);
    rac_json_put_str(a, &o, RAC_S("code"), run->code.n > 0 ? run->code : RAC_STR_NULL);
    put_error(a, &o, run->error);
    RAC_JSON_PUT_STR(a, &o, "correlationId", run->correlation);
    RAC_JSON_PUT(a, &o, "correlation", correlation(a, run->tracking));
    RAC_JSON_PUT(a, &o, "workflow", version_ref(v, run->revision));
    RAC_JSON_PUT(a, &o, "trigger", run_trigger(v, live, run, hr));
    if (hr != NULL && hr->results.type == RAC_JSON_OBJECT)
        RAC_JSON_PUT(a, &o, "outputs", hr->results);
    else
        RAC_JSON_PUT(a, &o, "outputs", rac_json_new_object(a));
    return o;
}

struct rac_json rac_shape_run(const struct rac_flow_view *v, const struct rac_live_flow *live,
                              const struct rac_flow_run_row *run, const struct rac_history *h)
{
    struct rac_json o = rac_shape_run_listed(v, live, run, rac_history_run(h));
    put_response(v, live, run, h, &o);
    return o;
}

/* --- actions ---------------------------------------------------------------------------------- */

static void put_record(const struct rac_flow_view *v, const struct rac_flow_run_row *run,
                       const struct rac_history_record *r, struct rac_json *o)
{
    struct rac_arena *a = v->q->a;
    rac_json_put_time(a, o, RAC_S("startTime"), r->start_ms);
    rac_json_put_time(a, o, RAC_S("endTime"), r->end_ms);
    put_status(a, o, r->status);
    rac_json_put_str(a, o, RAC_S("code"), r->code.n > 0 ? r->code : RAC_STR_NULL);
    if (r->error.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, o, "error", r->error);
    struct rac_json c = rac_json_new_object(a);
    rac_str tracking = rac_arena_str(a, rac_str_of(r->tracking_id));
    if (tracking.n > 0) { /* one record; sums over repetitions have none */
        RAC_JSON_PUT_STR(a, o, "trackingId", tracking);
        RAC_JSON_PUT_STR(a, &c, "actionTrackingId", tracking);
    }
    RAC_JSON_PUT_STR(a, &c, "clientTrackingId", run->tracking);
    RAC_JSON_PUT(a, o, "correlation", c);
    if (r->tracked.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, o, "trackedProperties", r->tracked);
    if (r->retry_history.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, o, "retryHistory", r->retry_history);
    if (r->iterations >= 0)
        RAC_JSON_PUT(a, o, "iterationCount", rac_json_of_int(r->iterations));
}

struct rac_json rac_shape_action(const struct rac_flow_view *v, const struct rac_live_flow *live,
                                 const struct rac_flow_run_row *run,
                                 const struct rac_history_record *r)
{
    struct rac_arena *a = v->q->a;
    rac_str name = r->action->name;
    struct rac_json o =
        ref_of(v, name, name, "/runs/actions",
               rac_arena_printf(a, "/runs/%.*s/actions/%.*s", RAC_FMT(run->name), RAC_FMT(name)));
    struct rac_callback c = {.form = RAC_CALLBACK_ACTION_CONTENT, .run = run->name, .action = name};
    if (v->q->ids == RAC_IDS_NATIVE)
        RAC_JSON_PUT_STR(a, &o, "type", r->action->type_word);
    put_record(v, run, r, &o);
    put_link(v, live, &o, "inputsLink", &r->inputs, c, "ActionInputs");
    put_link(v, live, &o, "outputsLink", &r->outputs, c, "ActionOutputs");
    if (r->repetitions >= 0)
        RAC_JSON_PUT(a, &o, "repetitionCount", rac_json_of_int(r->repetitions));
    RAC_JSON_PUT(a, &o, "canResubmit", rac_json_of_bool(r->can_resubmit));
    return o;
}

static struct rac_json indexes_json(struct rac_arena *a, const struct rac_history_record *r)
{
    struct rac_json v = rac_json_new_array(a);
    for (size_t i = 0; i < r->indexes_n; i++) {
        struct rac_json x = rac_json_new_object(a);
        RAC_JSON_PUT_STR(a, &x, "scopeName", r->indexes[i].scope);
        RAC_JSON_PUT(a, &x, "itemIndex", rac_json_of_int(r->indexes[i].item));
        rac_json_add(a, &v, x);
    }
    return v;
}

struct rac_json rac_shape_repetition(const struct rac_flow_view *v,
                                     const struct rac_live_flow *live,
                                     const struct rac_flow_run_row *run,
                                     const struct rac_history_record *r, bool scope)
{
    struct rac_arena *a = v->q->a;
    rac_str name = rac_arena_str(a, rac_str_of(r->repetition));
    const char *kind = scope ? "scopeRepetitions" : "repetitions";
    struct rac_json o = ref_of(
        v, name, name, scope ? "/runs/actions/scopeRepetitions" : "/runs/actions/repetitions",
        rac_arena_printf(a, "/runs/%.*s/actions/%.*s/%s/%.*s", RAC_FMT(run->name),
                         RAC_FMT(r->action->name), kind, RAC_FMT(name)));
    struct rac_callback c = {.form = RAC_CALLBACK_REPETITION_CONTENT,
                             .run = run->name,
                             .action = r->action->name,
                             .repetition = name};
    put_record(v, run, r, &o);
    if (!scope) {
        put_link(v, live, &o, "inputsLink", &r->inputs, c, "ActionInputs");
        put_link(v, live, &o, "outputsLink", &r->outputs, c, "ActionOutputs");
    }
    RAC_JSON_PUT(a, &o, "repetitionIndexes", indexes_json(a, r));
    return o;
}

struct rac_json rac_shape_request(const struct rac_flow_view *v, const struct rac_live_flow *live,
                                  const struct rac_flow_run_row *run, rac_str action,
                                  rac_str repetition, const struct rac_history_request *r)
{
    struct rac_arena *a = v->q->a;
    rac_str name = rac_arena_str(a, rac_str_of(r->name));
    rac_str below = repetition.n > 0 ? rac_arena_printf(a, "/repetitions/%.*s", RAC_FMT(repetition))
                                     : RAC_S("");
    struct rac_json o = ref_of(
        v, name, name,
        repetition.n > 0 ? "/runs/actions/repetitions/requestHistories"
                         : "/runs/actions/requestHistories",
        rac_arena_printf(a, "/runs/%.*s/actions/%.*s%.*s/requestHistories/%.*s", RAC_FMT(run->name),
                         RAC_FMT(action), RAC_FMT(below), RAC_FMT(name)));
    rac_json_put_time(a, &o, RAC_S("startTime"), r->start_ms);
    rac_json_put_time(a, &o, RAC_S("endTime"), r->end_ms);
    struct rac_json request = r->request, response = r->response;
    struct rac_callback c = {.form = repetition.n > 0 ? RAC_CALLBACK_REPETITION_REQUEST_CONTENT
                                                      : RAC_CALLBACK_REQUEST_CONTENT,
                             .run = run->name,
                             .action = action,
                             .repetition = repetition,
                             .request = name};
    if (request.type != RAC_JSON_NONE) {
        put_link(v, live, &request, "bodyLink", &r->request_body, c, "RequestBody");
        RAC_JSON_PUT(a, &o, "request", request);
    }
    if (response.type != RAC_JSON_NONE) {
        put_link(v, live, &response, "bodyLink", &r->response_body, c, "ResponseBody");
        RAC_JSON_PUT(a, &o, "response", response);
    }
    if (r->error.type != RAC_JSON_NONE)
        RAC_JSON_PUT(a, &o, "error", r->error);
    return o;
}
