/* Triggers (spec workflows §2) and the values of a recurrence (§2.3). */
#include "base/str.h"
#include "workflow/check/check_priv.h"
#include "workflow/definition/recurrence.h"

enum { TRIGGERS_MAX = 10, BATCH_MESSAGES_MAX = 8000, BATCH_BYTES_MAX = 83886080 };

/* --- recurrence ------------------------------------------------------------------------------- */

enum { PARTS_MAX = 200 };

static void check_recurrence(struct check *c, const struct at *at, bool window, bool timer)
{
    struct rac_recurrence_options o = {.window = window, .template = true, .now_ms = c->o->now};
    struct rac_recurrence r;
    struct rac_diags d;
    const struct rac_json *schedule = RAC_JSON_GETI(at->node, "schedule");
    struct at here = AT_KEY(at, RAC_S("schedule"), schedule);
    if (is_unknown(RAC_JSON_GETI(at->node, "frequency")) ||
        is_unknown(RAC_JSON_GETI(at->node, "interval")))
        return;
    rac_diags_init(&d, c->d->a, PARTS_MAX);
    rac_err e = rac_recurrence_parse(&o, at->node, RAC_S(""), c->d->a, &r, &d);
    RAC_ASSERT(e == RAC_OK || d.errors_total > 0);
    pass_on(c, &d, at, F_RECURRENCE, F_RECURRENCE_UNUSUAL);
    if (!timer && !window && !is_absent(schedule))
        wrong(c, F_RECURRENCE_UNUSUAL, &here, "a trigger that polls has no schedule");
}

/* --- triggers --------------------------------------------------------------------------------- */

enum recurs { NEVER, MAY, MUST };
enum {
    HTTP_RULES = 1,
    WEBHOOK_RULES = 2,
    HOST_RULES = 4,
    OPTIONAL_INPUTS = 8,
    CALLBACK = 16,
    CONNECTOR = 32,
    RETRY_RULES = 64,
};

static const struct trigger_row {
    rac_str type;
    enum recurs recurs;
    const struct shape *shape;
    unsigned flags;
} trigger_rows[] = {
    {RAC_S_INIT("Request"), NEVER, &shape_request, OPTIONAL_INPUTS},
    {RAC_S_INIT("Manual"), NEVER, &shape_request, OPTIONAL_INPUTS},
    {RAC_S_INIT("Recurrence"), MUST, NULL, OPTIONAL_INPUTS},
    {RAC_S_INIT("SlidingWindow"), MUST, &shape_sliding_window, OPTIONAL_INPUTS},
    {RAC_S_INIT("Http"), MAY, &shape_http, HTTP_RULES},
    {RAC_S_INIT("HttpWebhook"), NEVER, &shape_http_webhook, WEBHOOK_RULES | CALLBACK},
    {RAC_S_INIT("ApiManagement"), MAY, &shape_api_management, HTTP_RULES},
    {RAC_S_INIT("ApiConnection"), MAY, &shape_api_connection, HOST_RULES | CONNECTOR},
    {RAC_S_INIT("ApiConnectionWebhook"), NEVER, NULL, CALLBACK | CONNECTOR},
    {RAC_S_INIT("ApiConnectionNotification"), MAY, &shape_notification, CALLBACK | CONNECTOR},
    {RAC_S_INIT("OpenApiConnection"), MAY, &shape_open_api_connection, CONNECTOR | RETRY_RULES},
    {RAC_S_INIT("OpenApiConnectionWebhook"), NEVER, &shape_open_api_connection,
     CALLBACK | CONNECTOR | RETRY_RULES},
    {RAC_S_INIT("OpenApiConnectionNotification"), MAY, NULL, CALLBACK | CONNECTOR},
    {RAC_S_INIT("Function"), MAY, &shape_function, HTTP_RULES},
    {RAC_S_INIT("ServiceProvider"), MAY, &shape_service_provider, RETRY_RULES},
    {RAC_S_INIT("Batch"), NEVER, &shape_batch, 0},
};

static const struct trigger_row *trigger_row(rac_str type)
{
    for (size_t i = 0; i < RAC_COUNT(trigger_rows); i++)
        if (rac_str_eqi(type, trigger_rows[i].type))
            return &trigger_rows[i];
    return NULL;
}

static void check_release(struct check *c, const struct at *up)
{
    struct at at, here;
    int64_t n, k;
    if (!take_member(c, up, RAC_S("releaseCriteria"), T_OBJ, &at))
        return;
    check_shape(c, &shape_release, &at);
    if (take_member(c, &at, RAC_S("messageCount"), T_INT, &here) && !is_open(here.node) &&
        (!whole_number(here.node, &n) || n < 1 || n > BATCH_MESSAGES_MAX))
        wrong(c, F_TRIGGER_INPUT, &here, "messageCount is not a number from 1 to %d",
              BATCH_MESSAGES_MAX);
    if (take_member(c, &at, RAC_S("batchSize"), T_INT, &here) && !is_open(here.node) &&
        (!whole_number(here.node, &n) || n < 1 || n > BATCH_BYTES_MAX))
        wrong(c, F_TRIGGER_INPUT, &here, "batchSize is not a number from 1 to %d", BATCH_BYTES_MAX);
    if (!take_member(c, &at, RAC_S("recurrence"), T_OBJ, &here))
        return;
    check_recurrence(c, &here, false, true);
    rac_str frequency = rac_json_str(RAC_JSON_GETI(here.node, "frequency"), RAC_S(""));
    if (rac_str_eqi(frequency, RAC_S("Second")) &&
        whole_number(RAC_JSON_GETI(here.node, "interval"), &k) && k < 60)
        wrong(c, F_RECURRENCE, &here, "a batch is released at most every 60 seconds");
}

static void check_batch(struct check *c, const struct at *inputs)
{
    struct at at;
    check_release(c, inputs);
    if (!take_member(c, inputs, RAC_S("configurations"), T_OBJ, &at))
        return;
    RAC_JSON_EACH_MEMBER(m, at.node)
    {
        struct at here = AT_KEY(&at, rac_json_key(m), &m->value);
        if (check_type(c, T_OBJ, &here))
            check_release(c, &here);
    }
}

static void check_request(struct check *c, const struct at *at, const struct at *inputs)
{
    struct at kind, path, method;
    const struct rac_json *v = RAC_JSON_GETI(inputs->node, "relativePath");
    if (take_member(c, at, RAC_S("kind"), T_STR, &kind) && !is_open(kind.node) &&
        !fits_words(rac_json_str(kind.node, RAC_S("")),
                    "Http|Button|PowerApp|PowerAppV2|ApiConnection|Alert|AzureMonitorAlert|"
                    "EventGrid|Geofence|SecurityCenterAlert|Skills|PowerPages|VirtualAgent|Agent"))
        wrong(c, F_VALUE_UNUSUAL, &kind, "the kind '%.*s' of a Request trigger is not known",
              RAC_FMT(rac_json_str(kind.node, RAC_S(""))));
    path = AT_KEY(inputs, RAC_S("relativePath"), v);
    if (!is_absent(v) && is_absent(RAC_JSON_GETI(inputs->node, "method")) &&
        !is_unknown(RAC_JSON_GETI(inputs->node, "method")))
        wrong(c, F_TRIGGER_INPUT, &path, "'relativePath' needs a 'method'");
    (void)take_member(c, inputs, RAC_S("method"), T_STR, &method);
}

static bool has_pair(const struct rac_json *inputs)
{
    return RAC_JSON_GETI(inputs, "subscribe") != NULL ||
           RAC_JSON_GETI(inputs, "unsubscribe") != NULL;
}

static void check_trigger_inputs(struct check *c, const struct trigger_row *row,
                                 const struct at *up)
{
    const struct rac_json *v = RAC_JSON_GETI(up->node, "inputs");
    struct at at = AT_KEY(up, RAC_S("inputs"), v), delay;
    const struct shape *shape = row->shape;
    if (is_absent(v)) {
        if (!is_unknown(v) && (row->flags & OPTIONAL_INPUTS) == 0)
            found(c, F_TRIGGER_INPUT, up,
                  "The workflow trigger '%.*s' of type '%.*s' has no 'inputs'.", RAC_FMT(c->name),
                  RAC_FMT(row->type));
        if (rac_str_eqi(row->type, RAC_S("Request")) || rac_str_eqi(row->type, RAC_S("Manual")))
            check_request(c, up, &at);
        return;
    }
    if (rac_str_eqi(row->type, RAC_S("ApiConnectionWebhook")))
        shape = has_pair(v) ? &shape_webhook_pair : &shape_api_connection_webhook;
    if (shape != NULL && check_type(c, T_OBJ, &at))
        check_shape(c, shape, &at);
    if (!rac_json_is_object(v))
        return;
    if ((row->flags & HTTP_RULES) != 0)
        check_http(c, &at);
    if ((row->flags & WEBHOOK_RULES) != 0 || shape == &shape_webhook_pair)
        check_webhook(c, &at);
    if ((row->flags & HOST_RULES) != 0)
        check_connector_host(c, &at);
    if ((row->flags & (CONNECTOR | RETRY_RULES)) != 0 && shape != &shape_webhook_pair)
        check_retry(c, &at);
    if (shape == &shape_request)
        check_request(c, up, &at);
    if (shape == &shape_batch)
        check_batch(c, &at);
    if (shape == &shape_sliding_window && take_member(c, &at, RAC_S("delay"), T_STR, &delay) &&
        !is_dynamic(delay.node) && !is_duration(rac_json_str(delay.node, RAC_S(""))))
        wrong(c, F_STRUCTURE, &delay, "the delay is no duration (ISO 8601: PT30S, PT1H, P1D)");
}

/* Conditions are written out: no expression makes one (§2.11). */
static void check_conditions(struct check *c, const struct at *up)
{
    struct at at;
    if (!take_member(c, up, RAC_S("conditions"), T_ARR, &at))
        return;
    for (size_t i = 0; i < rac_json_len(at.node); i++) {
        struct at e = AT_INDEX(&at, i, rac_json_at(at.node, i));
        if (is_dynamic(e.node))
            wrong(c, F_STRUCTURE, &e, "a condition is an object with an expression");
    }
}

static void check_trigger_recurrence(struct check *c, const struct trigger_row *row,
                                     const struct at *up)
{
    const struct rac_json *v = RAC_JSON_GETI(up->node, "recurrence");
    struct at at = AT_KEY(up, RAC_S("recurrence"), v);
    bool timer = rac_str_eqi(row->type, RAC_S("Recurrence")),
         window = rac_str_eqi(row->type, RAC_S("SlidingWindow"));
    if (is_absent(v)) {
        if (row->recurs == MUST && !is_unknown(v))
            wrong(c, F_RECURRENCE, up, "the trigger has no recurrence");
    } else if (rac_json_is_object(v)) {
        check_recurrence(c, &at, window, timer);
    }
    if (timer) {
        const struct rac_json *split = RAC_JSON_GETI(up->node, "splitOn"),
                              *runtime = RAC_JSON_GETI(up->node, "runtimeConfiguration"),
                              *secure = RAC_JSON_GETI(runtime, "secureData");
        struct at runtime_at = AT_KEY(up, RAC_S("runtimeConfiguration"), runtime);
        struct at secure_at = AT_KEY(&runtime_at, RAC_S("secureData"), secure),
                  split_at = AT_KEY(up, RAC_S("splitOn"), split);
        if (!is_absent(split))
            wrong(c, F_STRUCTURE, &split_at, "a Recurrence trigger has no splitOn");
        if (!is_absent(secure))
            wrong(c, F_RUNTIME, &secure_at, "a Recurrence trigger has no secureData");
    }
}

static void check_trigger_expressions(struct check *c, const struct trigger_row *row,
                                      const struct at *up)
{
    static const rac_str names[] = {
        RAC_S_INIT("recurrence"),           RAC_S_INIT("conditions"),  RAC_S_INIT("splitOn"),
        RAC_S_INIT("splitOnConfiguration"), RAC_S_INIT("correlation"), RAC_S_INIT("limit"),
        RAC_S_INIT("runtimeConfiguration")};
    unsigned flags = row == NULL ? TAKES_CALLBACK
                                 : ((row->flags & CALLBACK) != 0 ? TAKES_CALLBACK : 0) |
                                       ((row->flags & CONNECTOR) != 0 ? IS_CONNECTOR : 0);
    struct place p = {.action = NOBODY, .trigger = true, .callback = (flags & TAKES_CALLBACK) != 0};
    const struct rac_json *inputs = RAC_JSON_GETI(up->node, "inputs");
    struct at at = AT_KEY(up, RAC_S("inputs"), inputs);
    if (inputs != NULL)
        check_inputs(c, &p, &at, flags);
    for (size_t i = 0; i < RAC_COUNT(names); i++) {
        const struct rac_json *v = rac_json_geti(up->node, names[i]);
        at = AT_KEY(up, names[i], v);
        /* @autoload() is no function: the collection the connector declares (§2.11) */
        if (v == NULL ||
            (i == 2 && rac_str_startsi(rac_json_str(v, RAC_S("")), RAC_S("@autoload("))))
            continue;
        check_expressions(c, &p, &at);
    }
    check_tracked(c, &p, up);
}

static void check_trigger(struct check *c, const struct rac_json_member *m, const struct at *up)
{
    struct at at = AT_KEY(up, rac_json_key(m), &m->value), type;
    if (is_unknown(&m->value))
        return;
    c->noun = "trigger";
    c->name = rac_json_key(m);
    c->subject = &m->value;
    if (!rac_json_is_object(&m->value)) {
        wrong(c, F_STRUCTURE, &at, "a trigger is an object");
        return;
    }
    const struct rac_json *word = RAC_JSON_GETI(&m->value, "type");
    type = AT_KEY(&at, RAC_S("type"), word);
    rac_str s = rac_json_str(word, RAC_S(""));
    const struct trigger_row *row = trigger_row(s);
    if (is_absent(word) && !is_unknown(word))
        wrong(c, F_STRUCTURE, &at, "the trigger has no type");
    else if (!is_absent(word) && check_type(c, T_STR, &type) && row == NULL &&
             !(c->old && rac_str_eqi(s, RAC_S("ApiApp"))))
        wrong(c, F_TRIGGER_TYPE, &type, "the trigger type '%.*s' is not known", RAC_FMT(s));
    check_shape(c, &shape_trigger, &at);
    check_description(c, &at);
    check_old(c, &at);
    check_conditions(c, &at);
    check_options(c, &at, rac_arena_cstr(c->a, s));
    check_limit(c, &at, A_UNKNOWN);
    if (c->w->stateless && row != NULL && row->shape == &shape_batch)
        wrong(c, F_STATELESS, &at, "a stateless workflow keeps no messages for a Batch trigger");
    else if (c->w->stateless && row != NULL && row->shape != &shape_request &&
             row->shape != &shape_service_provider)
        wrong(c, F_STATELESS_UNUSUAL, &at, "a %.*s trigger starts a stateless workflow",
              RAC_FMT(row->type));
    if (row != NULL) {
        check_trigger_inputs(c, row, &at);
        check_trigger_recurrence(c, row, &at);
    }
    struct at inputs = AT_KEY(&at, RAC_S("inputs"), RAC_JSON_GETI(&m->value, "inputs"));
    check_call(c, s, &inputs);
    check_runtime(c, &at, NULL);
    check_trigger_expressions(c, row, &at);
    c->noun = NULL;
}

/* Standard workflows and flows have one trigger (§1.1). A second one of another type is known from
 * published definitions: it is said, and the first one counts. */
static void check_trigger_count(struct check *c, const struct at *at)
{
    size_t n = rac_json_len(at->node), same = 0,
           max = c->w->profile == RAC_WF_CONSUMPTION ? TRIGGERS_MAX : 1;
    for (size_t i = 0; i < n && n <= TRIGGERS_MAX; i++)
        for (size_t k = 0; k < i; k++)
            same += rac_str_eqi(
                rac_json_str(RAC_JSON_GETI(&rac_json_member_at(at->node, i)->value, "type"),
                             RAC_S("")),
                rac_json_str(RAC_JSON_GETI(&rac_json_member_at(at->node, k)->value, "type"),
                             RAC_S("")));
    if (n == 0)
        wrong(c, F_STRUCTURE, at, "the definition has no trigger");
    else if (n > max)
        found(c, n > TRIGGERS_MAX || same > 0 ? F_LIMIT : F_TRIGGERS_MORE, at,
              "The template validation failed: 'The number of triggers %zu exceeds the limit of "
              "%zu.'",
              n, max);
}

void check_triggers(struct check *c)
{
    struct at root = AT_POINTER(c->w->pointer, c->w->definition), at;
    const struct rac_json *v = RAC_JSON_GETI(c->w->definition, "triggers");
    if (is_absent(v) && !is_unknown(v)) {
        wrong(c, F_STRUCTURE, &root, "the definition has no 'triggers'");
        return;
    }
    if (!take_member(c, &root, RAC_S("triggers"), T_OBJ, &at))
        return;
    check_trigger_count(c, &at);
    RAC_JSON_EACH_MEMBER(m, at.node)
    check_trigger(c, m, &at);
}
