#include "api/arm/arm.h"

#include "api/service.h"

/* --- in: names of the path become arguments --------------------------------------------------- */

static void shift(struct rac_ask *q, size_t n)
{
    memmove(q->args, q->args + n, (RAC_ASK_ARGS_MAX - n) * sizeof *q->args);
    for (size_t i = RAC_ASK_ARGS_MAX - n; i < RAC_ASK_ARGS_MAX; i++)
        q->args[i] = RAC_STR_NULL;
}

static bool take_subscription(struct rac_ask *q)
{
    struct rac_subscription_row row;
    rac_err e = q->w->is->subscription_get(q->w->is->self, q->who->tenant, q->args[0], q->a, &row);
    if (e == RAC_E_NOT_FOUND) {
        rac_ask_fail_code(q, 404, RAC_S("SubscriptionNotFound"),
                          "The subscription '%.*s' could not be found.", RAC_FMT(q->args[0]));
        return false;
    }
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "subscription");
        return false;
    }
    q->ids = RAC_IDS_ARM;
    q->ids_base = rac_arena_printf(q->a, "/subscriptions/%.*s", RAC_FMT(q->args[0]));
    shift(q, 1);
    return true;
}

static bool take_group(struct rac_ask *q)
{
    struct rac_group_row row;
    rac_err e = q->w->is->group_get(q->w->is->self, q->who->tenant, q->args[0], q->a, &row);
    if (e == RAC_E_NOT_FOUND) {
        rac_ask_fail_code(q, 404, RAC_S("ResourceGroupNotFound"),
                          "Resource group '%.*s' could not be found.", RAC_FMT(q->args[0]));
        return false;
    }
    if (e != RAC_OK) {
        rac_ask_fail_err(q, e, "group");
        return false;
    }
    rac_ask_put_query(q, RAC_S("group"), row.id);
    shift(q, 1);
    return true;
}

static bool in_nothing(struct rac_ask *q)
{
    q->ids = RAC_IDS_ARM;
    return true;
}

static bool in_subscription(struct rac_ask *q)
{
    return take_subscription(q);
}

static bool in_group(struct rac_ask *q)
{
    return take_subscription(q) && take_group(q);
}

static void take_workflow(struct rac_ask *q)
{
    rac_ask_put_query(q, RAC_S("workflow"), q->args[0]);
    shift(q, 1);
}

static bool in_run(struct rac_ask *q)
{
    if (!in_group(q))
        return false;
    take_workflow(q);
    return true;
}

/* A Workflow, or parts of one: what cannot be changed is passed over. */
static bool in_patch(struct rac_ask *q)
{
    static const rac_str members[] = {RAC_S_INIT("tags"), RAC_S_INIT("location"),
                                      RAC_S_INIT("identity"), RAC_S_INIT("kind"),
                                      RAC_S_INIT("properties")};
    struct rac_json o = rac_json_new_object(q->a);
    for (size_t i = 0; i < RAC_COUNT(members); i++) {
        const struct rac_json *v = rac_json_get(&q->json, members[i]);
        if (v != NULL && v->type != RAC_JSON_NULL)
            rac_json_put(q->a, &o, members[i], *v);
    }
    if (RAC_JSON_GET(&o, "properties") == NULL)
        RAC_JSON_PUT(q->a, &o, "properties", rac_json_new_object(q->a));
    q->json = o;
    return in_group(q);
}

/* {"keyType": …}, in whatever letter case: a word that is not understood must not be taken for the
 * first key. What is no such word is refused by the schema. */
static bool in_key(struct rac_ask *q)
{
    static const rac_str types[] = {RAC_S_INIT("Primary"), RAC_S_INIT("Secondary"),
                                    RAC_S_INIT("NotSpecified")};
    const struct rac_json *said = rac_json_geti(&q->json, RAC_S("keyType"));
    struct rac_json o = rac_json_new_object(q->a);
    rac_str type = rac_json_str(said, RAC_STR_NULL);
    if (said != NULL)
        RAC_JSON_PUT(q->a, &o, "keyType", *said);
    for (size_t i = 0; i < RAC_COUNT(types); i++)
        if (rac_str_eqi(types[i], type))
            RAC_JSON_PUT_STR(q->a, &o, "keyType", types[i]);
    q->json = o;
    return in_group(q);
}

static rac_str segment_after(rac_str path, rac_str word)
{
    size_t at = rac_str_findi(path, word);
    if (at == RAC_STR_NPOS)
        return RAC_STR_NULL;
    rac_str rest = rac_str_from(path, at + word.n);
    return rac_str_cut(rest, '/', &rest);
}

/* {"id": "/subscriptions/…/resourceGroups/G/…/workflows/W"} */
static bool in_move(struct rac_ask *q)
{
    rac_str id = rac_json_str(RAC_JSON_GET(&q->json, "id"), RAC_STR_NULL);
    rac_str group = segment_after(id, RAC_S("/resourceGroups/"));
    rac_str name = segment_after(id, RAC_S("/workflows/"));
    struct rac_json o = rac_json_new_object(q->a);
    if (group.n > 0)
        RAC_JSON_PUT_STR(q->a, &o, "group", group);
    if (name.n > 0)
        RAC_JSON_PUT_STR(q->a, &o, "name", name);
    q->json = o;
    return in_group(q);
}

static bool in_site(struct rac_ask *q)
{
    bool direct = q->args[0].p == NULL || rac_str_starts(q->url_path, RAC_S("/runtime/"));
    if (!direct) {
        if (!in_group(q))
            return false;
        shift(q, 1);
    }
    q->ids = RAC_IDS_STANDARD;
    return true;
}

static bool in_builtin(struct rac_ask *q)
{
    if (!in_site(q))
        return false;
    rac_ask_put_query(q, RAC_S("operationGroup"), q->args[0]);
    rac_ask_put_query(q, RAC_S("operation"), q->args[1]);
    return true;
}

static bool in_site_run(struct rac_ask *q)
{
    if (!in_site(q))
        return false;
    take_workflow(q);
    return true;
}

/* --- out: envelopes --------------------------------------------------------------------------- */

static bool stands_on_top(rac_str key)
{
    static const rac_str names[] = {RAC_S_INIT("id"),       RAC_S_INIT("name"), RAC_S_INIT("type"),
                                    RAC_S_INIT("location"), RAC_S_INIT("tags"), RAC_S_INIT("kind"),
                                    RAC_S_INIT("identity")};
    for (size_t i = 0; i < RAC_COUNT(names); i++)
        if (rac_str_eq(names[i], key))
            return true;
    return false;
}

static struct rac_json wrap(struct rac_arena *a, const struct rac_json *flat)
{
    struct rac_json o = rac_json_new_object(a), p = rac_json_new_object(a);
    bool account = rac_str_endsi(rac_json_str(RAC_JSON_GET(flat, "type"), RAC_S("")),
                                 RAC_S("/integrationAccounts"));
    RAC_JSON_EACH_MEMBER(m, flat)
    {
        bool top = stands_on_top(rac_json_key(m)) ||
                   (account && rac_str_eq(rac_json_key(m), RAC_S("sku")));
        rac_json_put(a, top ? &o : &p, rac_json_key(m), m->value);
    }
    RAC_JSON_PUT(a, &o, "properties", p);
    return o;
}

static void out_same(struct rac_ask *q)
{
    (void)q;
}

static void out_thing(struct rac_ask *q)
{
    if (q->out.type == RAC_JSON_OBJECT)
        q->out = wrap(q->a, &q->out);
}

static void out_list(struct rac_ask *q)
{
    struct rac_json list = rac_json_new_array(q->a);
    const struct rac_json *next = RAC_JSON_GET(&q->out, "nextLink");
    RAC_JSON_EACH(x, RAC_JSON_GET(&q->out, "value"))
    rac_json_add(q->a, &list, wrap(q->a, x));
    struct rac_json o = rac_json_new_object(q->a);
    RAC_JSON_PUT(q->a, &o, "value", list);
    if (next != NULL)
        RAC_JSON_PUT(q->a, &o, "nextLink", *next);
    q->out = o;
}

static void out_empty(struct rac_ask *q, int status)
{
    if (q->status != 204 || strcmp(q->row->method, "DELETE") != 0)
        q->status = status;
    q->out = rac_json_none;
    q->out_bytes = RAC_STR_NULL;
}

static void out_nothing(struct rac_ask *q)
{
    out_empty(q, 200);
}

static void out_accepted(struct rac_ask *q)
{
    out_empty(q, 202);
}

/* {name, kind, href, isDisabled, health, triggers} of the Standard host. */
static struct rac_json app_of(struct rac_ask *q, const struct rac_json *flat)
{
    struct rac_arena *a = q->a;
    struct rac_json o = rac_json_new_object(a), health = rac_json_new_object(a);
    rac_str name = rac_json_str(RAC_JSON_GET(flat, "name"), RAC_S(""));
    RAC_JSON_PUT_STR(a, &o, "name", name);
    RAC_JSON_PUT_STR(a, &o, "kind", rac_json_str(RAC_JSON_GET(flat, "kind"), RAC_S("Stateful")));
    RAC_JSON_PUT_STR(a, &o, "href",
                     rac_arena_printf(a,
                                      "%.*s/runtime/webhooks/workflow/api/management/workflows/"
                                      "%.*s",
                                      RAC_FMT(q->base_url), RAC_FMT(name)));
    rac_str state = rac_json_str(RAC_JSON_GET(flat, "state"), RAC_S(""));
    RAC_JSON_PUT(a, &o, "isDisabled", rac_json_of_bool(rac_str_eq(state, RAC_S("Disabled"))));
    RAC_JSON_PUT_STR(a, &health, "state", RAC_S("Healthy"));
    RAC_JSON_PUT(a, &o, "health", health);
    const struct rac_json *definition = RAC_JSON_GET(flat, "definition");
    struct rac_json triggers = rac_json_new_object(a);
    RAC_JSON_EACH_MEMBER(m, rac_json_geti(definition, RAC_S("triggers")))
    {
        struct rac_json t = rac_json_new_object(a);
        const struct rac_json *type = rac_json_geti(&m->value, RAC_S("type"));
        const struct rac_json *kind = rac_json_geti(&m->value, RAC_S("kind"));
        if (type != NULL)
            RAC_JSON_PUT(a, &t, "type", *type);
        if (kind != NULL)
            RAC_JSON_PUT(a, &t, "kind", *kind);
        rac_json_put(a, &triggers, rac_json_key(m), t);
    }
    RAC_JSON_PUT(a, &o, "triggers", triggers);
    return o;
}

static void out_app(struct rac_ask *q)
{
    q->out = app_of(q, &q->out);
}

/* workflow.json as the app's folder would hold it. */
static void out_file(struct rac_ask *q)
{
    struct rac_json o = rac_json_new_object(q->a);
    const struct rac_json *definition = RAC_JSON_GET(&q->out, "definition");
    if (definition != NULL)
        RAC_JSON_PUT(q->a, &o, "definition", *definition);
    RAC_JSON_PUT_STR(q->a, &o, "kind",
                     rac_json_str(RAC_JSON_GET(&q->out, "kind"), RAC_S("Stateful")));
    q->out = o;
}

static void out_apps(struct rac_ask *q)
{
    struct rac_json list = rac_json_new_array(q->a);
    RAC_JSON_EACH(x, RAC_JSON_GET(&q->out, "value"))
    rac_json_add(q->a, &list, app_of(q, x));
    q->out = list;
}

/* --- the catalogue of the Standard host (§7.5) ------------------------------------------------ */

static rac_str text_of(const struct rac_json *o, const char *name)
{
    return rac_json_str(rac_json_get(o, rac_str_of(name)), RAC_S(""));
}

static struct rac_json group_of(struct rac_arena *a, rac_str name)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "id", rac_arena_printf(a, "/operationGroups/%.*s", RAC_FMT(name)));
    RAC_JSON_PUT_STR(a, &o, "name", name);
    return o;
}

static struct rac_json builtin_of(struct rac_arena *a, const struct rac_json *flat)
{
    struct rac_json o = rac_json_new_object(a), p = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "id", text_of(flat, "id"));
    RAC_JSON_PUT_STR(a, &o, "name", text_of(flat, "name"));
    RAC_JSON_PUT_STR(a, &o, "type", RAC_S("operationGroups/operations"));
    RAC_JSON_PUT(a, &p, "api", group_of(a, text_of(flat, "group")));
    RAC_JSON_PUT_STR(a, &p, "summary", text_of(flat, "summary"));
    RAC_JSON_PUT_STR(a, &p, "operationType", text_of(flat, "operationType"));
    if (rac_json_bool(RAC_JSON_GET(flat, "trigger"), false))
        RAC_JSON_PUT_STR(a, &p, "trigger", RAC_S("single"));
    RAC_JSON_PUT(a, &o, "properties", p);
    return o;
}

static void answer_list(struct rac_ask *q, struct rac_json list)
{
    q->out = rac_json_new_object(q->a);
    RAC_JSON_PUT(q->a, &q->out, "value", list);
}

static void out_builtins(struct rac_ask *q)
{
    struct rac_json list = rac_json_new_array(q->a);
    RAC_JSON_EACH(x, RAC_JSON_GET(&q->out, "value"))
    rac_json_add(q->a, &list, builtin_of(q->a, x));
    answer_list(q, list);
}

static void out_groups(struct rac_ask *q)
{
    struct rac_json list = rac_json_new_array(q->a);
    rac_str last = RAC_S("");
    RAC_JSON_EACH(x, RAC_JSON_GET(&q->out, "value")) /* they stand together */
    {
        rac_str name = text_of(x, "group");
        if (!rac_str_eq(name, last))
            rac_json_add(q->a, &list, group_of(q->a, name));
        last = name;
    }
    answer_list(q, list);
}

static void out_builtin(struct rac_ask *q)
{
    q->out = builtin_of(q->a, rac_json_at(RAC_JSON_GET(&q->out, "value"), 0));
}

/* --- api-version ------------------------------------------------------------------------------ */

static bool has_version(struct rac_ask *q, rac_str *version)
{
    *version = RAC_STR_NULL;
    for (size_t i = 0; i < q->query_n; i++)
        if (rac_str_eqi(q->query[i].name, RAC_S("api-version")))
            *version = q->query[i].value;
    if (version->n > 0)
        return true;
    rac_ask_fail_code(q, 400, RAC_S("MissingApiVersionParameter"),
                      "The api-version query parameter (?api-version=) is required for all "
                      "requests.");
    return false;
}

static bool enter_arm(struct rac_ask *q)
{
    static const rac_str known[] = {RAC_S_INIT("2016-06-01"), RAC_S_INIT("2019-05-01"),
                                    RAC_S_INIT("2016-10-01"), RAC_S_INIT("2018-07-01-preview"),
                                    RAC_S_INIT("2015-08-01-preview")};
    rac_str version;
    q->ids = RAC_IDS_ARM;
    if (!has_version(q, &version))
        return false;
    for (size_t i = 0; i < RAC_COUNT(known); i++)
        if (rac_str_eqi(known[i], version))
            return true;
    rac_ask_fail_code(q, 400, RAC_S("InvalidApiVersionParameter"),
                      "The api-version '%.*s' is invalid. The supported versions are '2019-05-01, "
                      "2018-07-01-preview, 2016-10-01, 2016-06-01, 2015-08-01-preview'.",
                      RAC_FMT(version));
    return false;
}

static bool enter_standard(struct rac_ask *q)
{
    rac_str version;
    q->ids = RAC_IDS_STANDARD;
    bool file = rac_str_findi(q->url_path, RAC_S("/admin/vfs/")) != RAC_STR_NPOS;
    return file || has_version(q, &version); /* files are asked for with ?relativepath=1 only */
}

/* {"error": {"code", "message", "details"?}}, with the codes of ARM where they differ (§7.7). */
static struct rac_json error(struct rac_ask *q)
{
    struct rac_json o = rac_json_new_object(q->a), e = rac_json_new_object(q->a);
    rac_str code = q->error_code;
    if (q->status == 401)
        code = RAC_S("AuthenticationFailed");
    else if (q->status == 412)
        code = RAC_S("Conflict");
    else if (q->status == 500)
        code = RAC_S("InternalServerError");
    RAC_JSON_PUT_STR(q->a, &e, "code", code);
    RAC_JSON_PUT_STR(q->a, &e, "message", q->error_message);
    if (rac_json_len(&q->details) > 0)
        RAC_JSON_PUT(q->a, &e, "details", q->details);
    RAC_JSON_PUT(q->a, &o, "error", e);
    return o;
}

/* --- the surfaces ----------------------------------------------------------------------------- */

#define W "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Logic/workflows"
#define I "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Logic/integrationAccounts"
static const struct rac_surface_route arm_routes[] = {
#define ROUTE(method, path, op, in, out) {method, path, RAC_ASK_##op, in, out, NULL},
#include "api/arm/arm_routes.def"
#undef ROUTE
};

#define S                                                                                          \
    "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Web/sites/{site}/hostruntime/"      \
    "runtime/webhooks/workflow/api/management"
#define FILE_OF                                                                                    \
    "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Web/sites/{site}/hostruntime/"      \
    "admin/vfs/{w}/workflow.json"
static const struct rac_surface_route hostruntime_routes[] = {
#define ROUTE(method, path, op, in, out) {method, path, RAC_ASK_##op, in, out, NULL},
#include "api/arm/standard_routes.def"
    ROUTE("GET", FILE_OF, GetWorkflow, in_site, out_file)
        ROUTE("PUT", FILE_OF, PutWorkflow, in_site, out_nothing)
#undef ROUTE
};
#undef S

#define S "/runtime/webhooks/workflow/api/management"
static const struct rac_surface_route standard_routes[] = {
#define ROUTE(method, path, op, in, out) {method, path, RAC_ASK_##op, in, out, NULL},
#include "api/arm/standard_routes.def"
#undef ROUTE
};
#undef S

const struct rac_surface_def rac_arm_surface = {
    .router_flags = RAC_ROUTER_ANY_CASE,
    .routes = arm_routes,
    .routes_n = RAC_COUNT(arm_routes),
    .enter = enter_arm,
    .error = error,
    .nothing_here = "There is no such resource type or operation.",
};
const struct rac_surface_def rac_hostruntime_surface = {
    .router_flags = RAC_ROUTER_ANY_CASE,
    .routes = hostruntime_routes,
    .routes_n = RAC_COUNT(hostruntime_routes),
    .enter = enter_standard,
    .error = error,
    .nothing_here = "There is no such resource type or operation.",
};
const struct rac_surface_def rac_standard_surface = {
    .router_flags = RAC_ROUTER_ANY_CASE,
    .routes = standard_routes,
    .routes_n = RAC_COUNT(standard_routes),
    .enter = enter_standard,
    .error = error,
    .function_keys = true,
    .nothing_here = "There is no such resource type or operation.",
};
