/* Triggers (spec workflows §2) and the values of a recurrence (§2.3). */
#include "base/str.h"
#include "base/time.h"
#include "expr/zone.h"
#include "workflow/check_priv.h"

enum { AHEAD_YEARS_MAX = 49, BATCH_MESSAGES_MAX = 8000, BATCH_BYTES_MAX = 83886080 };

/* --- recurrence ------------------------------------------------------------------------------- */

static const struct {
    rac_str name;
    int64_t interval_max;
    unsigned seconds;
} frequencies[] = {
    {RAC_S_INIT("Second"), 9999999, 1},        {RAC_S_INIT("Minute"), 72000, 60},
    {RAC_S_INIT("Hour"), 12000, 3600},         {RAC_S_INIT("Day"), 500, 86400},
    {RAC_S_INIT("Week"), 71, 604800},          {RAC_S_INIT("Month"), 16, 2592000},
    {RAC_S_INIT("Year"), INT64_MAX, 31536000},
};
#define DAY_NAMES "Sunday|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday"

static int frequency_of(rac_str s)
{
    for (size_t i = 0; i < RAC_COUNT(frequencies); i++)
        if (rac_str_eqi(s, frequencies[i].name))
            return (int)i;
    return -1;
}

/* YYYY-MM-DDThh:mm:ss[.f], *zulu when it ends with Z. */
static bool is_time(rac_str s, bool *zulu, rac_ms *t)
{
    char text[64];
    *zulu = rac_str_endsi(s, RAC_S("Z"));
    if (s.n < 19 || s.n > 40 || (s.p[10] != 'T' && s.p[10] != 't'))
        return false;
    size_t end = s.n - *zulu;
    for (size_t i = 19; i < end; i++)
        if (!rac_is_digit(s.p[i]) && !(i == 19 && s.p[i] == '.' && end > 20))
            return false;
    int n = snprintf(text, sizeof text, "%.*sZ", (int)end, s.p);
    return rac_time_parse((rac_str){text, (size_t)n}, t);
}

static void check_time(struct check *c, const struct at *up, rac_str name)
{
    struct at at;
    rac_str s;
    bool zulu;
    rac_ms t;
    const struct rac_json *zone = MEMBER(up->node, "timeZone");
    if (!take_member(c, up, name, T_ANY, &at) || is_open(at.node))
        return;
    if (!is_literal(at.node, &s) || !is_time(s, &zulu, &t))
        wrong(c, F_RECURRENCE, &at,
              "the %.*s is not written as YYYY-MM-DDThh:mm:ss, with Z or beside a timeZone",
              RAC_FMT(name));
    else if (!zulu && is_absent(zone) && !is_unknown(zone))
        wrong(c, F_RECURRENCE, &at, "the %.*s '%.*s' has neither Z nor a timeZone", RAC_FMT(name),
              RAC_FMT(s));
    else if (rac_str_eq(name, RAC_S("startTime")) && c->o->now > 0 &&
             t > c->o->now + (rac_ms)AHEAD_YEARS_MAX * 366 * 86400000)
        wrong(c, F_RECURRENCE, &at, "the startTime '%.*s' is more than %d years ahead", RAC_FMT(s),
              AHEAD_YEARS_MAX);
}

static void check_zone(struct check *c, const struct at *up)
{
    struct at at;
    rac_str s;
    if (!take_member(c, up, RAC_S("timeZone"), T_ANY, &at) || is_open(at.node))
        return;
    if (!is_literal(at.node, &s) || rac_zone_get(s) == NULL)
        wrong(c, F_RECURRENCE, &at, "the timeZone is not the name of a time zone of Windows");
    else if (rac_str_find_char(s, '/') != RAC_STR_NPOS)
        wrong(c, F_RECURRENCE_UNUSUAL, &at, "the timeZone '%.*s' is an IANA name", RAC_FMT(s));
}

static bool is_day(const struct rac_json *v)
{
    return is_open(v) ? fits_words(rac_json_str(v, RAC_S("")), DAY_NAMES)
                      : fits_words(rac_json_str(v, RAC_S("?")), DAY_NAMES);
}

static void check_number_in(struct check *c, const struct at *at, int64_t low, int64_t high)
{
    int64_t n;
    if (is_dynamic(at->node) ? !fits_characters(rac_json_str(at->node, RAC_S("")), "+-0123456789 ")
                             : !is_unknown(at->node) && (!whole_number(at->node, &n) || n < low ||
                                                         n > high || (low < 0 && n == 0)))
        wrong(c, F_RECURRENCE, at, "the value is not a number from %lld to %lld%s", (long long)low,
              (long long)high, low < 0 ? " other than 0" : "");
}

static void check_occurrence(struct check *c, const struct at *at)
{
    const struct rac_json *day = MEMBER(at->node, "dayOfWeek"), *n = MEMBER(at->node, "occurrence");
    if (day == NULL)
        day = MEMBER(at->node, "day");
    struct at day_at = AT_KEY(at, RAC_S("dayOfWeek"), day),
              n_at = AT_KEY(at, RAC_S("occurrence"), n);
    if (is_unknown(at->node))
        return;
    if (!rac_json_is_object(at->node) || day == NULL || n == NULL) {
        wrong(c, F_RECURRENCE, at, "an occurrence has 'dayOfWeek' and 'occurrence'");
        return;
    }
    if (!is_unknown(day) && !is_day(day))
        wrong(c, F_RECURRENCE, &day_at, "the value is not the English name of a day");
    check_number_in(c, &n_at, -5, 5);
}

/* What a member of schedule has, and with which frequencies. */
enum schedule_kind { HOURS, MINUTES, WEEK_DAYS, MONTH_DAYS, OCCURRENCES };

static void check_element(struct check *c, enum schedule_kind kind, const struct at *at)
{
    switch (kind) {
    case HOURS:
        check_number_in(c, at, 0, 23);
        break;
    case MINUTES:
        check_number_in(c, at, 0, 59);
        break;
    case WEEK_DAYS:
        if (!is_unknown(at->node) && !is_day(at->node))
            wrong(c, F_RECURRENCE, at, "the value is not the English name of a day");
        break;
    case MONTH_DAYS:
        check_number_in(c, at, -31, 31);
        break;
    case OCCURRENCES:
        check_occurrence(c, at);
        break;
    }
}

static void check_schedule(struct check *c, const struct at *up, rac_str frequency)
{
    static const struct {
        rac_str name;
        const char *with;
        bool scalar;
    } rows[] = {
        [HOURS] = {RAC_S_INIT("hours"), "Day|Week", true},
        [MINUTES] = {RAC_S_INIT("minutes"), "Day|Week", true},
        [WEEK_DAYS] = {RAC_S_INIT("weekDays"), "Week", true},
        [MONTH_DAYS] = {RAC_S_INIT("monthDays"), "Month", false},
        [OCCURRENCES] = {RAC_S_INIT("monthlyOccurrences"), "Month", false},
    };
    for (size_t i = 0; i < RAC_COUNT(rows); i++) {
        const struct rac_json *v = member(up->node, rows[i].name);
        struct at at = AT_KEY(up, rows[i].name, v);
        if (is_absent(v))
            continue;
        if (frequency.n > 0 && !fits_words(frequency, rows[i].with))
            wrong(c, F_RECURRENCE, &at, "'%.*s' goes with the frequency %.*s only",
                  RAC_FMT(rows[i].name), RAC_FMT(choice(c, rows[i].with)));
        if (rac_json_is_array(v)) {
            for (size_t k = 0; k < rac_json_len(v); k++) {
                struct at e = AT_INDEX(&at, k, rac_json_at(v, k));
                check_element(c, (enum schedule_kind)i, &e);
            }
        } else if (rows[i].scalar) {
            check_element(c, (enum schedule_kind)i, &at);
        } else if (!is_dynamic(v)) {
            wrong(c, F_RECURRENCE, &at, "'%.*s' is a list", RAC_FMT(rows[i].name));
        }
    }
}

static void check_interval(struct check *c, const struct at *up, int frequency)
{
    const struct rac_json *v = MEMBER(up->node, "interval");
    struct at at = AT_KEY(up, RAC_S("interval"), v);
    int64_t n, most = frequency >= 0 ? frequencies[frequency].interval_max : INT64_MAX;
    if (is_unknown(v))
        return;
    if (is_absent(v)) {
        wrong(c, F_RECURRENCE, up, "the recurrence has no interval");
    } else if (is_dynamic(v)) {
        if (!fits_characters(rac_json_str(v, RAC_S("")), "0123456789 "))
            wrong(c, F_RECURRENCE, &at, "the interval is no number");
    } else if (!whole_number(v, &n) || n < 1 || n > most) {
        wrong(c, F_RECURRENCE, &at, "the interval is not a whole number from 1%s",
              most < INT64_MAX ? " to what its frequency allows" : "");
    }
}

void check_recurrence(struct check *c, const struct at *at, bool schedule, bool schedule_usual)
{
    const struct rac_json *word = MEMBER(at->node, "frequency"), *count = MEMBER(at->node, "count");
    struct at frequency = AT_KEY(at, RAC_S("frequency"), word), here;
    rac_str s = rac_json_str(word, RAC_S(""));
    int64_t n;
    if (is_absent(word)) {
        if (!is_unknown(word))
            wrong(c, F_RECURRENCE, at, "the recurrence has no frequency");
    } else if (!rac_json_is_string(word) ||
               !fits_words(s, "Second|Minute|Hour|Day|Week|Month|Year")) {
        wrong(c, F_RECURRENCE, &frequency,
              "the frequency is not one of Second, Minute, Hour, Day, Week, Month and Year");
    }
    check_interval(c, at, is_dynamic(word) ? -1 : frequency_of(s));
    check_time(c, at, RAC_S("startTime"));
    check_time(c, at, RAC_S("endTime"));
    check_zone(c, at);
    here = AT_KEY(at, RAC_S("count"), count);
    if (!is_absent(count) && !is_open(count) && (!whole_number(count, &n) || n < 1))
        wrong(c, F_RECURRENCE, &here, "the count is not a whole number from 1");
    count = MEMBER(at->node, "schedule");
    here = AT_KEY(at, RAC_S("schedule"), count);
    if (is_absent(count) || is_dynamic(count))
        return;
    if (!rac_json_is_object(count))
        wrong(c, F_RECURRENCE, &here, "the schedule is no object");
    else if (!schedule)
        wrong(c, F_RECURRENCE, &here, "a trigger of this type has no schedule");
    else if (!schedule_usual)
        wrong(c, F_RECURRENCE_UNUSUAL, &here, "a trigger that polls has no schedule");
    if (schedule && rac_json_is_object(count))
        check_schedule(c, &here, is_dynamic(word) ? RAC_S("") : s);
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
    {RAC_S_INIT("ApiManagement"), MAY, &shape_api_management, RETRY_RULES},
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
    check_recurrence(c, &here, true, true);
    int frequency = frequency_of(rac_json_str(MEMBER(here.node, "frequency"), RAC_S("")));
    if (frequency == 0 && whole_number(MEMBER(here.node, "interval"), &k) && k < 60)
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
    const struct rac_json *v = MEMBER(inputs->node, "relativePath");
    if (take_member(c, at, RAC_S("kind"), T_STR, &kind) && !is_open(kind.node) &&
        !fits_words(rac_json_str(kind.node, RAC_S("")),
                    "Http|Button|PowerApp|PowerAppV2|ApiConnection|Alert|AzureMonitorAlert|"
                    "EventGrid|Geofence|SecurityCenterAlert|Skills|PowerPages|VirtualAgent|Agent"))
        wrong(c, F_VALUE_UNUSUAL, &kind, "the kind '%.*s' of a Request trigger is not known",
              RAC_FMT(rac_json_str(kind.node, RAC_S(""))));
    path = AT_KEY(inputs, RAC_S("relativePath"), v);
    if (!is_absent(v) && is_absent(MEMBER(inputs->node, "method")) &&
        !is_unknown(MEMBER(inputs->node, "method")))
        wrong(c, F_TRIGGER_INPUT, &path, "'relativePath' needs a 'method'");
    (void)take_member(c, inputs, RAC_S("method"), T_STR, &method);
}

static bool has_pair(const struct rac_json *inputs)
{
    return MEMBER(inputs, "subscribe") != NULL || MEMBER(inputs, "unsubscribe") != NULL;
}

static void check_trigger_inputs(struct check *c, const struct trigger_row *row,
                                 const struct at *up)
{
    const struct rac_json *v = MEMBER(up->node, "inputs");
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
        wrong(c, F_STRUCTURE, &delay, "the delay is no duration");
}

static void check_trigger_recurrence(struct check *c, const struct trigger_row *row,
                                     const struct at *up)
{
    const struct rac_json *v = MEMBER(up->node, "recurrence");
    struct at at = AT_KEY(up, RAC_S("recurrence"), v);
    bool timer = rac_str_eqi(row->type, RAC_S("Recurrence")),
         window = rac_str_eqi(row->type, RAC_S("SlidingWindow"));
    if (is_absent(v)) {
        if (row->recurs == MUST && !is_unknown(v))
            wrong(c, F_RECURRENCE, up, "the trigger has no recurrence");
    } else if (rac_json_is_object(v)) {
        check_recurrence(c, &at, !window, timer);
    }
    if (timer) {
        const struct rac_json *split = MEMBER(up->node, "splitOn"),
                              *runtime = MEMBER(up->node, "runtimeConfiguration"),
                              *secure = MEMBER(runtime, "secureData");
        struct at runtime_at = AT_KEY(up, RAC_S("runtimeConfiguration"), runtime);
        struct at secure_at = AT_KEY(&runtime_at, RAC_S("secureData"), secure),
                  split_at = AT_KEY(up, RAC_S("splitOn"), split);
        if (!is_absent(split))
            wrong(c, F_STRUCTURE, &split_at, "a Recurrence trigger has no splitOn");
        if (!is_absent(secure))
            wrong(c, F_RUNTIME, &secure_at, "a Recurrence trigger has no secureData");
        if (c->w->stateless)
            wrong(c, F_STATELESS_UNUSUAL, up, "a Recurrence starts a stateless workflow");
    }
}

static void check_trigger_expressions(struct check *c, const struct trigger_row *row,
                                      const struct at *up)
{
    static const rac_str names[] = {RAC_S_INIT("recurrence"), RAC_S_INIT("conditions"),
                                    RAC_S_INIT("splitOn"), RAC_S_INIT("splitOnConfiguration"),
                                    RAC_S_INIT("correlation")};
    unsigned flags = row == NULL ? TAKES_CALLBACK
                                 : ((row->flags & CALLBACK) != 0 ? TAKES_CALLBACK : 0) |
                                       ((row->flags & CONNECTOR) != 0 ? IS_CONNECTOR : 0);
    struct place p = {.action = NOBODY, .trigger = true, .callback = (flags & TAKES_CALLBACK) != 0};
    const struct rac_json *inputs = MEMBER(up->node, "inputs");
    struct at at = AT_KEY(up, RAC_S("inputs"), inputs);
    if (inputs != NULL)
        check_inputs(c, &p, &at, flags);
    for (size_t i = 0; i < RAC_COUNT(names); i++) {
        const struct rac_json *v = member(up->node, names[i]);
        at = AT_KEY(up, names[i], v);
        /* @autoload() is no function: the collection the connector declares (§2.11) */
        if (v == NULL ||
            (i == 2 && rac_str_startsi(rac_json_str(v, RAC_S("")), RAC_S("@autoload("))))
            continue;
        check_expressions(c, &p, &at);
    }
    check_tracked(c, &p, up);
}

void check_trigger(struct check *c, const struct rac_json_member *m)
{
    struct at root = AT_POINTER(c->w->pointer, c->w->definition);
    struct at list = AT_KEY(&root, RAC_S("triggers"), MEMBER(root.node, "triggers"));
    struct at at = AT_KEY(&list, rac_json_key(m), &m->value), type;
    if (is_unknown(&m->value))
        return;
    c->noun = "trigger";
    c->name = rac_json_key(m);
    c->subject = &m->value;
    if (!rac_json_is_object(&m->value)) {
        wrong(c, F_STRUCTURE, &at, "a trigger is an object");
        return;
    }
    const struct rac_json *word = MEMBER(&m->value, "type");
    type = AT_KEY(&at, RAC_S("type"), word);
    rac_str s = rac_json_str(word, RAC_S(""));
    const struct trigger_row *row = trigger_row(s);
    if (is_absent(word) && !is_unknown(word))
        wrong(c, F_STRUCTURE, &at, "the trigger has no type");
    else if (!is_absent(word) && check_type(c, T_STR, &type) && row == NULL)
        wrong(c, F_TRIGGER_TYPE, &type, "the trigger type '%.*s' is not known", RAC_FMT(s));
    check_shape(c, &shape_trigger, &at);
    check_description(c, &at);
    check_options(c, &at, rac_arena_cstr(c->a, s));
    check_limit(c, &at, A_UNKNOWN);
    if (row != NULL) {
        check_trigger_inputs(c, row, &at);
        check_trigger_recurrence(c, row, &at);
    }
    check_runtime(c, &at, NULL);
    check_trigger_expressions(c, row, &at);
    c->noun = NULL;
}
