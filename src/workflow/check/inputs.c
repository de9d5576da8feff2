/* What is common to the inputs of triggers and actions: addresses, authentication, retries,
 * runtimeConfiguration, operationOptions. */
#include "base/str.h"
#include "workflow/check/check_priv.h"
#include "workflow/definition/options.h"
#include "workflow/definition/retry.h"

#define DURATION_CHARACTERS "PTYMWDHS0123456789."

enum {
    PARTS_MAX = 200, /* findings of one recurrence or policy */
    RUNS_MAX = 100,
    REPETITIONS_MAX = 50,
    WAITING_MAX = 100,
    WAITING_STANDARD_MAX = 200,
    WAITING_MARGIN = 10,
    ITEMS_MAX = 100000,
    UNTIL_MAX = 5000,
    UNTIL_STATELESS_MAX = 100,
    TRACKED_MAX = 8000,
};

/* --- addresses -------------------------------------------------------------------------------- */

/* "[::1]" or "[::1]:8080". */
static bool is_bracketed(rac_str host)
{
    size_t end = rac_str_find_char(host, ']');
    if (end == RAC_STR_NPOS || rac_str_find_char(host, ':') > end)
        return false;
    for (size_t i = 1; i < end && host.p[i] != '%'; i++) /* behind it: a zone */
        if (strchr("0123456789abcdefABCDEF:.", host.p[i]) == NULL)
            return false;
    return true;
}

/* What is written of an address up to the first hole can be the start of an absolute one. */
static bool is_address(rac_str s)
{
    static const rac_str schemes[] = {RAC_S_INIT("http://"), RAC_S_INIT("https://")};
    size_t hole = rac_str_find(s, RAC_S("@{"));
    bool open = hole != RAC_STR_NPOS;
    rac_str known = open ? rac_str_sub(s, 0, hole) : s;
    for (size_t i = 0; i < RAC_COUNT(schemes); i++) {
        if (open && known.n <= schemes[i].n && rac_str_startsi(schemes[i], known))
            return true;
        if (!rac_str_startsi(known, schemes[i]))
            continue;
        rac_str host = rac_str_from(known, schemes[i].n);
        size_t end = 0;
        while (end < host.n && strchr("/?#", host.p[end]) == NULL)
            end++;
        bool cut = open && end == host.n;
        host.n = end;
        size_t user = rac_str_rfind_char(host, '@');
        if (user != RAC_STR_NPOS)
            host = rac_str_from(host, user + 1);
        size_t colon = rac_str_rfind_char(host, ':');
        if (host.n > 0 && host.p[0] == '[' && !cut && !is_bracketed(host))
            return false;
        if (host.n > 0 && host.p[host.n - 1] == ']')
            colon = RAC_STR_NPOS;
        for (size_t k = colon == RAC_STR_NPOS ? host.n : colon + 1; k < host.n; k++)
            if (!rac_is_digit(host.p[k]))
                return false;
        return (host.n > 0 || cut) && colon != 0 && rac_str_find_char(host, ' ') == RAC_STR_NPOS;
    }
    return false;
}

static void check_uri(struct check *c, const struct at *at, rac_str name)
{
    struct at here;
    if (!take_member(c, at, name, T_STR, &here))
        return;
    rac_str s = rac_str_trim(rac_json_str(here.node, RAC_S("")));
    bool expression = s.n > 1 && s.p[0] == '@' && s.p[1] != '{';
    bool scheme = rac_str_find(s, RAC_S("://")) != RAC_STR_NPOS;
    if (!expression && !is_address(s))
        wrong(c, scheme ? F_ADDRESS : F_ADDRESS_OPEN, &here,
              "'%.*s' is no absolute http or https address", RAC_FMT(s));
}

/* --- authentication (§5.1) -------------------------------------------------------------------- */

static void check_authentication(struct check *c, const struct at *inputs)
{
    static const struct {
        rac_str type;
        const struct shape *shape;
    } rows[] = {
        {RAC_S_INIT("None"), &shape_auth_none},
        {RAC_S_INIT("Basic"), &shape_auth_basic},
        {RAC_S_INIT("ClientCertificate"), &shape_auth_certificate},
        {RAC_S_INIT("ActiveDirectoryOAuth"), &shape_auth_oauth},
        {RAC_S_INIT("Raw"), &shape_auth_raw},
        {RAC_S_INIT("ManagedServiceIdentity"), &shape_auth_identity},
    };
    struct at at, type;
    if (!take_member(c, inputs, RAC_S("authentication"), T_OBJ, &at) ||
        !take_member(c, &at, RAC_S("type"), T_STR, &type) || is_open(type.node))
        return;
    rac_str word = rac_json_str(type.node, RAC_S(""));
    for (size_t i = 0; i < RAC_COUNT(rows); i++)
        if (rac_str_eqi(word, rows[i].type)) {
            check_shape(c, rows[i].shape, &at);
            if (rows[i].shape == &shape_auth_oauth && RAC_JSON_GETI(at.node, "secret") == NULL &&
                RAC_JSON_GETI(at.node, "pfx") == NULL)
                found(c, F_INPUT_MISSING, &at,
                      "The 'inputs' of workflow run action '%.*s' is missing required property "
                      "'secret' or 'pfx'.",
                      RAC_FMT(c->name));
            if (rows[i].shape == &shape_auth_raw && RAC_JSON_GETI(at.node, "value") == NULL &&
                RAC_JSON_GETI(at.node, "parameter") == NULL)
                found(c, F_INPUT_MISSING, &at,
                      "The 'inputs' of workflow run action '%.*s' is missing required property "
                      "'value'.",
                      RAC_FMT(c->name));
            return;
        }
    wrong(c, F_STRUCTURE, &type, "the authentication type '%.*s' is not known", RAC_FMT(word));
}

/* --- retry policies (§4.6) -------------------------------------------------------------------- */

void check_retry(struct check *c, const struct at *inputs)
{
    struct rac_retry_options o = {.stateless = c->w->stateless,
                                  .consumption = c->w->profile == RAC_WF_CONSUMPTION,
                                  .template = true};
    struct rac_retry_policy policy;
    struct rac_diags d;
    struct at at;
    if (!take_member(c, inputs, RAC_S("retryPolicy"), T_OBJ, &at))
        return;
    rac_diags_init(&d, c->d->a, PARTS_MAX);
    rac_err e = rac_retry_parse(&o, at.node, RAC_S(""), c->d->a, &policy, &d);
    pass_on(c, &d, &at, c->w->stateless ? F_STATELESS : F_RETRY, F_RETRY);
    rac_str type = rac_json_str(RAC_JSON_GETI(at.node, "type"), RAC_S(""));
    const struct rac_json *count = RAC_JSON_GETI(at.node, "count");
    struct at here = AT_KEY(&at, RAC_S("count"), count);
    if (count != NULL && count->type == RAC_JSON_NULL && !is_unknown(count) &&
        fits_words(type, "Fixed|Exponential"))
        wrong(c, F_RETRY, &here, "the retry policy has no count");
    here = AT_KEY(&at, RAC_S("minimumInterval"), RAC_JSON_GETI(at.node, "minimumInterval"));
    if (e == RAC_OK && !is_absent(here.node) && !is_open(here.node) &&
        !is_open(RAC_JSON_GETI(at.node, "maximumInterval")) &&
        policy.minimum_ms > policy.maximum_ms)
        wrong(c, F_RETRY, &here,
              "the minimumInterval of the retry policy is longer than its maximumInterval");
}

void pass_on(struct check *c, const struct rac_diags *d, const struct at *at, enum finding error,
             enum finding warning)
{
    for (size_t i = 0; i < d->n; i++) {
        const struct rac_json *node = rac_json_pointer_get(at->node, d->v[i].pointer);
        struct at here = AT_KEY(at, d->v[i].pointer, node);
        rac_str message = d->v[i].message;
        here.is_pointer = true;
        while (message.n > 0 && message.p[message.n - 1] == '.')
            message.n--;
        wrong(c, d->v[i].severity == RAC_SEV_ERROR ? error : warning, &here, "%.*s",
              RAC_FMT(message));
    }
}

/* --- calls ------------------------------------------------------------------------------------ */

void check_http(struct check *c, const struct at *inputs)
{
    check_uri(c, inputs, RAC_S("uri"));
    check_uri(c, inputs, RAC_S("url"));
    check_authentication(c, inputs);
    check_retry(c, inputs);
}

void check_webhook(struct check *c, const struct at *inputs)
{
    static const rac_str names[] = {RAC_S_INIT("subscribe"), RAC_S_INIT("unsubscribe")};
    for (size_t i = 0; i < RAC_COUNT(names); i++) {
        struct at at;
        if (!take_member(c, inputs, names[i], T_OBJ, &at))
            continue;
        if (i == 1 && rac_json_len(at.node) == 0) /* designers write it so: nothing to end */
            continue;
        if (RAC_JSON_GETI(at.node, "uri") == NULL && RAC_JSON_GETI(at.node, "url") == NULL)
            found(c, strcmp(c->noun, "trigger") == 0 ? F_TRIGGER_INPUT : F_INPUT_MISSING, &at,
                  "The 'inputs' of workflow %s '%.*s' is missing required property 'uri'.", c->noun,
                  RAC_FMT(c->name));
        check_http(c, &at);
    }
    check_retry(c, inputs);
}

/* host.connection names a connection: name, id or referenceName (§6.1, §6.2). */
void check_connector_host(struct check *c, const struct at *inputs)
{
    struct at host, connection;
    if (!take_member(c, inputs, RAC_S("host"), T_OBJ, &host))
        return;
    bool there = take_member(c, &host, RAC_S("connection"), T_OBJ | T_STR, &connection);
    if (is_unknown(connection.node) || is_dynamic(connection.node))
        return;
    const struct rac_json *v = there ? RAC_JSON_GETI(connection.node, "name") : NULL;
    if (v == NULL)
        v = RAC_JSON_GETI(connection.node, "referenceName");
    if (v == NULL)
        v = RAC_JSON_GETI(connection.node, "id");
    if (there && (is_open(v) || rac_json_is_string(v)))
        return;
    const struct at *place = there ? &connection : &host;
    struct at reference = AT_KEY(place, RAC_S("referenceName"), v);
    if (v != NULL && RAC_JSON_GETI(connection.node, "referenceName") == v)
        place = &reference;
    found(c, strcmp(c->noun, "trigger") == 0 ? F_TRIGGER_INPUT : F_INPUT_MISSING, place,
          "The 'inputs' of workflow %s '%.*s' do not name a connection in 'host.connection'.",
          c->noun, RAC_FMT(c->name));
}

void check_inputs(struct check *c, const struct place *p, const struct at *inputs, unsigned flags)
{
    struct place inner = *p;
    if (!rac_json_is_object(inputs->node)) {
        check_expressions(c, p, inputs);
        return;
    }
    RAC_JSON_EACH_MEMBER(m, inputs->node)
    {
        rac_str key = rac_json_key(m);
        struct at at = AT_KEY(inputs, key, &m->value);
        if ((flags & IS_CONNECTOR) != 0 && rac_str_eqi(key, RAC_S("authentication")))
            continue;
        inner.current = (flags & TAKES_CALLBACK) != 0 && rac_str_eqi(key, RAC_S("unsubscribe"));
        inner.item = (flags & PER_ITEM) != 0 && !rac_str_eqi(key, RAC_S("from"));
        check_expressions(c, &inner, &at);
    }
}

/* --- operationOptions (§2.12) ----------------------------------------------------------------- */

void check_options(struct check *c, const struct at *at, const char *owner)
{
    static const struct {
        rac_str token;
        const char *on; /* "|" before and after each type; NULL: any trigger */
    } rows[] = {
        {RAC_S_INIT("SingleInstance"), NULL},
        {RAC_S_INIT("EnableSchemaValidation"), "|Request|Manual|"},
        {RAC_S_INIT("IncludeAuthorizationHeadersInOutputs"), "|Request|Manual|HttpWebhook|"},
        {RAC_S_INIT("SuppressWorkflowHeadersOnResponse"), "|Request|Manual|HttpWebhook|"},
        {RAC_S_INIT("DisableAsyncPattern"),
         "|Http|ApiConnection|OpenApiConnection|Workflow|Function|Response|ApiManagement|"
         "ServiceProvider|"},
        {RAC_S_INIT("Asynchronous"), "|Response|"},
        {RAC_S_INIT("DisableAutomaticDecompression"), "|Http|HttpWebhook|"},
        {RAC_S_INIT("SuppressWorkflowHeaders"), "|Http|Function|ApiManagement|HttpWebhook|"},
        {RAC_S_INIT("Sequential"), "|Foreach|"},
        {RAC_S_INIT("FailWhenLimitsReached"), "|Until|"},
        {RAC_S_INIT("OptimizedForHighThroughput"), "|*|"},
        {RAC_S_INIT("None"), "|*|"},
    };
    struct at here;
    rac_str token;
    if (!take_member(c, at, RAC_S("operationOptions"), T_STR, &here) || is_dynamic(here.node))
        return;
    rac_str rest = rac_json_str(here.node, RAC_S("")), type = rac_str_of(owner);
    while (rac_options_next(&rest, &token)) {
        bool known = false, applies = false;
        for (size_t i = 0; i < RAC_COUNT(rows) && !known; i++) {
            known = rac_str_eqi(token, rows[i].token);
            rac_str on = rac_str_of(rows[i].on);
            rac_str wanted = rac_arena_printf(c->a, "|%.*s|", RAC_FMT(type));
            applies = known && (on.p == NULL ? strcmp(c->noun, "trigger") == 0
                                             : rac_str_findi(on, wanted) != RAC_STR_NPOS ||
                                                   rac_str_eq(on, RAC_S("|*|")));
        }
        if (!known || !applies)
            wrong(c, F_OPTION, &here, "the operation option '%.*s' %s", RAC_FMT(token),
                  known ? "has no effect here" : "is not known");
    }
}

/* --- runtimeConfiguration --------------------------------------------------------------------- */

static bool has(const struct rac_json *o, const char *name)
{
    return !is_absent(rac_json_geti(o, rac_str_of(name)));
}

static bool take_count(struct check *c, const struct at *at, const char *name, int64_t most,
                       int64_t *n)
{
    struct at here;
    if (!take_member(c, at, rac_str_of(name), T_INT, &here) || is_open(here.node) ||
        !whole_number(here.node, n))
        return false;
    if (*n >= 1 && *n <= most)
        return true;
    wrong(c, F_CONCURRENCY, &here, "'%s' is not a number from 1 to %lld", name, (long long)most);
    return false;
}

static void misplaced(struct check *c, enum finding f, const struct at *up, const char *name,
                      const char *why)
{
    const struct rac_json *v = rac_json_geti(up->node, rac_str_of(name));
    struct at here = AT_KEY(up, rac_str_of(name), v);
    if (!is_absent(v) || is_unknown(v))
        wrong(c, f, &here, "'%s' %s", name, why);
}

static void check_waiting(struct check *c, const struct at *at, bool single)
{
    int64_t waiting, runs = single ? 1 : 0,
                     most = c->w->profile == RAC_WF_STANDARD ? WAITING_STANDARD_MAX : WAITING_MAX;
    struct at here =
        AT_KEY(at, RAC_S("maximumWaitingRuns"), RAC_JSON_GETI(at->node, "maximumWaitingRuns"));
    rac_str type = rac_json_str(RAC_JSON_GETI(c->subject, "type"), RAC_S(""));
    if (!has(at->node, "maximumWaitingRuns"))
        return;
    if (rac_str_eqi(type, RAC_S("Recurrence")))
        wrong(c, F_CONCURRENCY, &here, "a Recurrence trigger has no 'maximumWaitingRuns'");
    else if (!has(at->node, "runs") && !single) {
        wrong(c, F_CONCURRENCY, &here, "'maximumWaitingRuns' has no meaning without 'runs'");
        return;
    }
    if (!take_count(c, at, "maximumWaitingRuns", most, &waiting))
        return;
    const struct rac_json *v = RAC_JSON_GETI(at->node, "runs");
    if (v != NULL && (is_open(v) || !whole_number(v, &runs)))
        return;
    if (waiting < runs + WAITING_MARGIN)
        wrong(c, F_CONCURRENCY, &here, "'maximumWaitingRuns' is less than 'runs' and %d",
              WAITING_MARGIN);
}

static void check_trigger_runs(struct check *c, const struct at *runtime, const struct at *at)
{
    int64_t n;
    bool single = rac_options_have(rac_options_of(c->subject), RAC_S("SingleInstance"));
    struct at here = AT_KEY(at, RAC_S("runs"), RAC_JSON_GETI(at->node, "runs"));
    misplaced(c, F_CONCURRENCY, at, "repetitions", "belongs to Foreach");
    if (c->w->stateless) {
        misplaced(c, F_STATELESS, at, "runs", "has no meaning in a stateless workflow");
        misplaced(c, F_STATELESS, at, "maximumWaitingRuns",
                  "has no meaning in a stateless workflow");
        return;
    }
    (void)take_count(c, at, "runs", RUNS_MAX, &n);
    if (single && has(at->node, "runs"))
        wrong(c, F_CONCURRENCY, &here, "'runs' and the option SingleInstance exclude each other");
    check_waiting(c, at, single);
    (void)runtime;
}

static void check_action_runs(struct check *c, const struct at *at, const struct node *x)
{
    int64_t n;
    struct at here = AT_KEY(at, RAC_S("repetitions"), RAC_JSON_GETI(at->node, "repetitions"));
    if (has(at->node, "runs"))
        misplaced(c, F_CONCURRENCY, at, "runs", "belongs to triggers");
    if (has(at->node, "maximumWaitingRuns"))
        misplaced(c, F_CONCURRENCY, at, "maximumWaitingRuns", "belongs to triggers");
    if (!has(at->node, "repetitions"))
        return;
    if (x->type != A_FOREACH && x->type != A_UNKNOWN)
        misplaced(c, F_CONCURRENCY, at, "repetitions", "belongs to Foreach");
    else if (take_count(c, at, "repetitions", REPETITIONS_MAX, &n) &&
             rac_options_have(rac_options_of(x->v), RAC_S("Sequential")))
        wrong(c, F_CONCURRENCY, &here,
              "'repetitions' and the option Sequential exclude each other");
}

static void check_secure(struct check *c, const struct at *runtime)
{
    struct at at, list;
    if (!take_member(c, runtime, RAC_S("secureData"), T_OBJ, &at) ||
        !take_member(c, &at, RAC_S("properties"), T_ARR, &list))
        return;
    for (size_t i = 0; i < rac_json_len(list.node); i++) {
        struct at e = AT_INDEX(&list, i, rac_json_at(list.node, i));
        if (!is_open(e.node) && !fits_words(rac_json_str(e.node, RAC_S("?")), "inputs|outputs"))
            wrong(c, F_RUNTIME, &e, "secureData protects 'inputs' and 'outputs'");
    }
}

static void check_static_use(struct check *c, const struct at *runtime)
{
    const struct rac_json *results = RAC_JSON_GETI(c->w->definition, "staticResults");
    struct at at, name;
    if (!take_member(c, runtime, RAC_S("staticResult"), T_OBJ, &at) ||
        !take_member(c, &at, RAC_S("name"), T_STR, &name) || is_open(name.node) ||
        is_unknown(results))
        return;
    rac_str s = rac_json_str(name.node, RAC_S(""));
    bool enabled = !rac_str_eqi(
        rac_json_str(RAC_JSON_GETI(at.node, "staticResultOptions"), RAC_S("")), RAC_S("Disabled"));
    if (enabled && rac_json_geti(results, s) == NULL)
        wrong(c, F_STATIC_RESULT, &name, "there is no static result '%.*s'", RAC_FMT(s));
}

static void check_pages(struct check *c, const struct at *runtime)
{
    struct at at, count;
    int64_t n;
    if (take_member(c, runtime, RAC_S("paginationPolicy"), T_OBJ, &at) &&
        take_member(c, &at, RAC_S("minimumItemCount"), T_INT, &count) && !is_open(count.node) &&
        (!whole_number(count.node, &n) || n < 1 || n > ITEMS_MAX))
        wrong(c, F_RUNTIME, &count, "'minimumItemCount' is not a number from 1 to %d", ITEMS_MAX);
}

static void check_duration(struct check *c, const struct at *at)
{
    rac_str s = rac_json_str(at->node, RAC_S(""));
    if (is_dynamic(at->node) ? !fits_characters(s, DURATION_CHARACTERS) : !is_duration(s))
        wrong(c, F_STRUCTURE, at, "'%.*s' is no duration (ISO 8601: PT30S, PT1H, P1D)", RAC_FMT(s));
}

static void check_request(struct check *c, const struct at *runtime)
{
    struct at at, timeout;
    if (take_member(c, runtime, RAC_S("requestOptions"), T_OBJ, &at) &&
        take_member(c, &at, RAC_S("timeout"), T_STR, &timeout))
        check_duration(c, &timeout);
}

static void check_transfer(struct check *c, const struct at *runtime, const struct node *x)
{
    struct at at;
    if (!take_member(c, runtime, RAC_S("contentTransfer"), T_OBJ, &at))
        return;
    if ((type_rows[x->type].flags & TAKES_CHUNKS) == 0)
        wrong(c, F_RUNTIME, &at, "'contentTransfer' belongs to actions that call something");
    else if (c->w->stateless &&
             rac_str_eqi(rac_json_str(RAC_JSON_GETI(at.node, "transferMode"), RAC_S("")),
                         RAC_S("Chunked")))
        wrong(c, F_STATELESS, &at, "a stateless workflow does not send or receive in chunks");
}

void check_runtime(struct check *c, const struct at *up, const struct node *x)
{
    static const char *const of_actions[] = {"contentTransfer", "paginationPolicy", "staticResult"};
    struct at at, concurrency;
    if (c->w->stateless && x == NULL &&
        rac_options_have(rac_options_of(up->node), RAC_S("SingleInstance"))) {
        struct at here =
            AT_KEY(up, RAC_S("operationOptions"), RAC_JSON_GETI(up->node, "operationOptions"));
        wrong(c, F_STATELESS, &here, "a stateless workflow has no option SingleInstance");
    }
    if (!take_member(c, up, RAC_S("runtimeConfiguration"), T_OBJ, &at))
        return;
    check_shape(c, &shape_runtime, &at);
    if (has(at.node, "maximumWaitingRuns"))
        misplaced(c, F_CONCURRENCY, &at, "maximumWaitingRuns", "stands in 'concurrency'");
    for (size_t i = 0; i < RAC_COUNT(of_actions) && x == NULL; i++)
        misplaced(c, F_RUNTIME, &at, of_actions[i], "belongs to actions");
    if (take_member(c, &at, RAC_S("concurrency"), T_OBJ, &concurrency)) {
        if (x == NULL)
            check_trigger_runs(c, &at, &concurrency);
        else
            check_action_runs(c, &concurrency, x);
    }
    check_secure(c, &at);
    if (x == NULL)
        return;
    check_transfer(c, &at, x);
    check_request(c, &at);
    check_pages(c, &at);
    check_static_use(c, &at);
}

/* --- limit, trackedProperties ----------------------------------------------------------------- */

void check_limit(struct check *c, const struct at *up, enum type type)
{
    struct at at, timeout, count;
    int64_t n, most = c->w->stateless ? UNTIL_STATELESS_MAX : UNTIL_MAX;
    if (!take_member(c, up, RAC_S("limit"), T_OBJ, &at))
        return;
    if (take_member(c, &at, RAC_S("timeout"), T_STR, &timeout))
        check_duration(c, &timeout);
    if (!take_member(c, &at, RAC_S("count"), T_INT, &count) || is_open(count.node))
        return;
    if (!whole_number(count.node, &n))
        n = 0;
    if (type == A_UNTIL && (n < 1 || n > most))
        wrong(c, c->w->stateless && n > 0 && n <= UNTIL_MAX ? F_STATELESS : F_STRUCTURE, &count,
              "the count of iterations is not a number from 1 to %lld", (long long)most);
    else if (n < 1)
        wrong(c, F_STRUCTURE, &count, "the count is not a number from 1");
}

void check_tracked(struct check *c, const struct place *p, const struct at *up)
{
    struct at at;
    struct place inner = *p;
    if (!take_member(c, up, RAC_S("trackedProperties"), T_OBJ, &at))
        return;
    inner.tracked = true;
    if (c->w->stateless)
        wrong(c, F_STATELESS_UNUSUAL, &at, "a stateless workflow keeps no tracked properties");
    check_expressions(c, &inner, &at);
    struct rac_arena_mark mark = rac_arena_mark(c->a);
    size_t n = characters(rac_json_print_str(at.node, 0, c->a));
    if (c->a != c->d->a)
        rac_arena_rewind(c->a, mark);
    if (n > TRACKED_MAX)
        wrong(c, F_LIMIT, &at, "the tracked properties have %zu characters; the limit is %d", n,
              TRACKED_MAX);
}
