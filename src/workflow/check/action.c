/* Actions (spec workflows §3): what the shape of inputs cannot say. */
#include "base/str.h"
#include "workflow/check/check_priv.h"

enum {
    CASES_MAX = 25,
    INITIALIZED_MAX = 20,
    CODE_MAX = 1024,
    CODE_STANDARD_MAX = 100000,
};

struct action {
    struct check *c;
    uint32_t i;
    const struct node *x;
    const struct at *at;     /* the action */
    const struct at *inputs; /* its inputs; their node may be NULL */
};

static void missing_one(struct action *a, const struct at *at, rac_str names)
{
    found(a->c, F_INPUT_MISSING, at,
          "The 'inputs' of workflow run action '%.*s' of type '%.*s' is missing required property "
          "'%.*s'.",
          RAC_FMT(a->x->name), RAC_FMT(a->x->type_word), RAC_FMT(names));
}

/* At least one of "a|b|c" is there. */
static bool one_of(struct action *a, const struct at *at, const char *names)
{
    rac_str rest = rac_str_of(names);
    if (!rac_json_is_object(at->node))
        return true;
    while (rest.p != NULL) {
        const struct rac_json *v = rac_json_geti(at->node, rac_str_cut(rest, '|', &rest));
        if (!is_absent(v) || is_unknown(v))
            return true;
    }
    missing_one(a, at, choice(a->c, names));
    return false;
}

/* --- control ---------------------------------------------------------------------------------- */

static void need(struct action *a, const char *name, unsigned types)
{
    const struct rac_json *v = rac_json_geti(a->x->v, rac_str_of(name));
    struct at at = AT_KEY(a->at, rac_str_of(name), v);
    struct place p = {.action = a->i};
    if (is_absent(v)) {
        if (!is_unknown(v))
            wrong(a->c, F_STRUCTURE, a->at, "the property '%s' is missing", name);
        return;
    }
    if (check_type(a->c, types, &at))
        check_expressions(a->c, &p, &at);
}

static void check_if(struct action *a)
{
    const struct rac_json *v = RAC_JSON_GETI(a->x->v, "expression");
    struct at at = AT_KEY(a->at, RAC_S("expression"), v);
    const struct rac_expr *x;
    struct rac_expr_error error = {0};
    rac_str inside = RAC_S("");
    need(a, "expression", T_STR | T_OBJ | T_BOOL);
    if (rac_json_is_string(v) && v->n == 0)
        wrong(a->c, F_STRUCTURE, &at, "the expression is empty");
    if (!rac_json_is_object(v) || has_expression_error(a->c, &at))
        return;
    struct rac_arena_mark mark = rac_arena_mark(a->c->a);
    if (rac_expr_compile_condition(v, 0, a->c->a, &x, &error, &inside) != RAC_OK) {
        const struct rac_json *node = rac_json_pointer_get(v, inside);
        rac_str pointer = rac_str_concat(
            a->c->d->a, rac_json_pointer_join(a->c->d->a, a->x->pointer, RAC_S("expression")),
            inside);
        struct at here = AT_POINTER(rac_arena_str(a->c->d->a, pointer), node != NULL ? node : v);
        wrong(a->c, F_EXPRESSION, &here, "%.*s", RAC_FMT(error.message));
    }
    if (a->c->a != a->c->d->a)
        rac_arena_rewind(a->c->a, mark);
}

static void check_case(struct action *a, const struct rac_json_member *m, const struct at *up,
                       struct rac_map *seen)
{
    struct at at = AT_KEY(up, rac_json_key(m), &m->value), here;
    const struct rac_json *v = RAC_JSON_GETI(&m->value, "case");
    int64_t n;
    if (is_absent(&m->value) || !check_type(a->c, T_OBJ, &at) || !rac_json_is_object(&m->value))
        return;
    here = AT_KEY(&at, RAC_S("case"), v);
    if (is_unknown(v))
        return;
    if (v == NULL) {
        wrong(a->c, F_STRUCTURE, &at, "the property 'case' is missing");
        return;
    }
    if (is_dynamic(v) || (!rac_json_is_string(v) && !whole_number(v, &n))) {
        wrong(a->c, F_STRUCTURE, &here, "a case is a string or a whole number, no expression");
        return;
    }
    if (!rac_map_add(seen, rac_json_print_str(v, 0, a->c->a), (void *)m))
        wrong(a->c, F_STRUCTURE, &here, "another case is for %.*s too",
              RAC_FMT(rac_json_print_str(v, 0, a->c->a)));
}

static void check_switch(struct action *a)
{
    struct at cases;
    struct rac_map seen;
    need(a, "expression", T_ANY);
    if (is_absent(RAC_JSON_GETI(a->x->v, "cases")) && !is_unknown(RAC_JSON_GETI(a->x->v, "cases")))
        wrong(a->c, F_STRUCTURE, a->at, "the property 'cases' is missing");
    if (!take_member(a->c, a->at, RAC_S("cases"), T_OBJ, &cases))
        return;
    if (rac_json_len(cases.node) > CASES_MAX)
        wrong(a->c, F_LIMIT, &cases, "there are %zu cases; the limit is %d",
              rac_json_len(cases.node), CASES_MAX);
    rac_map_init(&seen, a->c->a);
    RAC_JSON_EACH_MEMBER(m, cases.node)
    check_case(a, m, &cases, &seen);
}

static void check_foreach(struct action *a)
{
    need(a, "foreach", T_STR | T_ARR);
}

static void check_until(struct action *a)
{
    const struct rac_json *v = RAC_JSON_GETI(a->x->v, "expression"),
                          *limit = RAC_JSON_GETI(a->x->v, "limit");
    struct at at = AT_KEY(a->at, RAC_S("expression"), v);
    struct place p = {.action = a->i, .until = true};
    if (is_absent(v) && !is_unknown(v))
        wrong(a->c, F_STRUCTURE, a->at, "the property 'expression' is missing");
    else if (!is_absent(v) && check_type(a->c, T_STR, &at))
        check_expressions(a->c, &p, &at);
    if (is_absent(limit) && !is_unknown(limit))
        wrong(a->c, F_STRUCTURE, a->at, "the property 'limit' is missing");
}

static void check_terminate(struct action *a)
{
    const struct rac_json *status = RAC_JSON_GETI(a->inputs->node, "runStatus"),
                          *error = RAC_JSON_GETI(a->inputs->node, "runError");
    struct at at = AT_KEY(a->inputs, RAC_S("runError"), error);
    if (!is_absent(error) && rac_json_is_string(status) && !is_open(status) &&
        !fits_words(rac_json_str(status, RAC_S("")), "Failed"))
        wrong(a->c, F_STRUCTURE, &at, "'runError' goes with the status Failed only");
    if (in_loop(a->c, a->i))
        wrong(a->c, a->c->w->profile == RAC_WF_FLOW ? F_TERMINATE_LOOP_FLOW : F_TERMINATE_LOOP,
              a->at, "a Terminate action does not stand inside Foreach or Until");
}

static bool has_caller(const struct check *c)
{
    bool open = is_unknown(RAC_JSON_GETI(c->w->definition, "triggers"));
    RAC_JSON_EACH_MEMBER(m, RAC_JSON_GETI(c->w->definition, "triggers"))
    {
        rac_str type = rac_json_str(RAC_JSON_GETI(&m->value, "type"), RAC_S(""));
        open |= is_unknown(&m->value) || is_unknown(RAC_JSON_GETI(&m->value, "type")) ||
                rac_str_eqi(type, RAC_S("Request")) || rac_str_eqi(type, RAC_S("Manual")) ||
                rac_str_endsi(type, RAC_S("Webhook"));
    }
    return open;
}

static void check_response(struct action *a)
{
    struct at code, trigger;
    int64_t n;
    if (take_member(a->c, a->inputs, RAC_S("statusCode"), T_ANY, &code) && !is_open(code.node) &&
        (!whole_number(code.node, &n) || n < 200 || n > 599 || (n >= 300 && n < 400)))
        wrong(a->c, F_STRUCTURE, &code, "the status code is not one of 200 to 299 and 400 to 599");
    if (!has_caller(a->c))
        wrong(a->c, F_RESPONSE_TRIGGER, a->at,
              "a Response action needs a Request trigger, or another one that a caller waits for");
    if (in_loop(a->c, a->i))
        wrong(a->c, F_RESPONSE_LOOP, a->at,
              "a Response action does not stand inside Foreach or Until");
    struct at root = AT_POINTER(a->c->w->pointer, a->c->w->definition);
    trigger = AT_KEY(&root, RAC_S("triggers"), RAC_JSON_GETI(root.node, "triggers"));
    RAC_JSON_EACH_MEMBER(m, trigger.node)
    if (!is_absent(RAC_JSON_GETI(&m->value, "splitOn")) && has_caller(a->c))
        wrong(a->c, F_SPLIT_RESPONSE, a->at,
              "the trigger '%.*s' has splitOn, so nobody waits for the response",
              RAC_FMT(rac_json_key(m)));
}

/* --- data ------------------------------------------------------------------------------------- */

static void check_timestamp(struct action *a, const struct at *until)
{
    struct at at;
    rac_str s;
    rac_ms ms;
    if (rac_json_is_object(until->node) &&
        take_member(a->c, until, RAC_S("timestamp"), T_STR, &at) && is_literal(at.node, &s) &&
        !rac_expr_timestamp(s, &ms))
        wrong(a->c, F_STRUCTURE, &at, "'%.*s' is no timestamp (2026-01-31T10:00:00Z)", RAC_FMT(s));
}

static void check_wait(struct action *a)
{
    const struct rac_json *interval = RAC_JSON_GETI(a->inputs->node, "interval"),
                          *until = RAC_JSON_GETI(a->inputs->node, "until");
    struct at at = AT_KEY(a->inputs, RAC_S("until"), until);
    if (!rac_json_is_object(a->inputs->node))
        return;
    check_timestamp(a, &at);
    if (is_absent(interval) && is_absent(until) && !is_unknown(interval) && !is_unknown(until))
        missing_one(a, a->inputs, RAC_S("interval or until"));
    if (!is_absent(interval) && !is_absent(until))
        found(a->c, F_INPUT_EXTRA, &at,
              "The 'inputs' of workflow run action '%.*s' of type '%.*s' should not have the "
              "property 'until' beside 'interval'.",
              RAC_FMT(a->x->name), RAC_FMT(a->x->type_word));
}

static void check_time_expression(struct action *a)
{
    static const struct {
        rac_str kind;
        const struct shape *shape;
    } rows[] = {
        {RAC_S_INIT("AddToTime"), &shape_to_time},
        {RAC_S_INIT("SubtractFromTime"), &shape_to_time},
        {RAC_S_INIT("GetFutureTime"), &shape_from_now},
        {RAC_S_INIT("GetPastTime"), &shape_from_now},
        {RAC_S_INIT("ConvertTimeZone"), &shape_convert_zone},
        {RAC_S_INIT("CurrentTime"), NULL},
    };
    static const char unusual[] = "IndexOf|Substring"; /* of flows; they fail when reached */
    const struct rac_json *v = RAC_JSON_GETI(a->x->v, "kind");
    struct at kind;
    rac_str s;
    if (is_absent(v) && !is_unknown(v))
        wrong(a->c, F_STRUCTURE, a->at, "the property 'kind' is missing");
    if (!take_member(a->c, a->at, RAC_S("kind"), T_STR, &kind) || !is_literal(kind.node, &s))
        return;
    for (size_t i = 0; i < RAC_COUNT(rows); i++) {
        if (!rac_str_eqi(s, rows[i].kind))
            continue;
        if (rows[i].shape != NULL && a->inputs->node == NULL)
            missing_one(a, a->at, RAC_S("inputs"));
        else if (rows[i].shape != NULL && check_type(a->c, T_OBJ, a->inputs))
            check_shape(a->c, rows[i].shape, a->inputs);
        return;
    }
    wrong(a->c, fits_words(s, unusual) ? F_VALUE_UNUSUAL : F_STRUCTURE, &kind,
          "the kind '%.*s' of an Expression action is not known", RAC_FMT(s));
}

/* --- variables -------------------------------------------------------------------------------- */

static void check_initialize(struct action *a)
{
    struct at list;
    size_t max = a->c->w->profile == RAC_WF_STANDARD ? INITIALIZED_MAX : 1;
    if (a->x->parent != NOBODY)
        found(a->c, F_VARIABLE_PLACE, a->at,
              "The variable action '%.*s' of type 'InitializeVariable' can only be at the top "
              "level.",
              RAC_FMT(a->x->name));
    if (!rac_json_is_object(a->inputs->node))
        return;
    if (RAC_JSON_GETI(a->inputs->node, "variables") == NULL) {
        if (RAC_JSON_GETI(a->inputs->node, "name") != NULL)
            check_shape(a->c, &shape_variable, a->inputs);
        else
            missing_one(a, a->inputs, RAC_S("variables"));
        return;
    }
    check_shape(a->c, &shape_variables, a->inputs);
    if (!take_member(a->c, a->inputs, RAC_S("variables"), T_ARR, &list))
        return;
    if (rac_json_len(list.node) > max)
        found(a->c, F_VARIABLE_MANY, &list,
              "The 'inputs' of workflow run action '%.*s' of type '%.*s' are not valid. Only %s "
              "supported to be initialized. To initialize multiple variables, create separate "
              "action for each variable.",
              RAC_FMT(a->x->name), RAC_FMT(a->x->type_word),
              max == 1 ? "one variable is" : "20 variables are");
    for (size_t i = 0; i < rac_json_len(list.node); i++) {
        rac_str name = rac_json_str(RAC_JSON_GETI(rac_json_at(list.node, i), "name"), RAC_S(""));
        const struct variable *v = rac_map_get(&a->c->variables, rac_str_lower(a->c->a, name));
        struct at e = AT_INDEX(&list, i, rac_json_at(list.node, i));
        if (v != NULL && v->makers_n > 1 && v->makers[0] != a->i)
            wrong(a->c, F_VARIABLE_TWICE, &e, "the variable '%.*s' is initialized more than once",
                  RAC_FMT(name));
    }
}

static bool is_step(enum type t)
{
    return t == A_INCREMENT_VARIABLE || t == A_DECREMENT_VARIABLE;
}

/* The types of variables that an action can change (§3.8); NULL: all of them. */
static const char *changes(enum type t)
{
    return is_step(t)                ? "Integer|Float"
           : t == A_APPEND_TO_ARRAY  ? "Array"
           : t == A_APPEND_TO_STRING ? "String"
                                     : NULL;
}

/* The variable an action changes: made before, and of a type the action can change. */
static void check_target(struct action *a)
{
    struct check *c = a->c;
    struct at at;
    rac_str name;
    uint32_t root = a->i;
    bool before = c->circles;
    if (!rac_json_is_object(a->inputs->node) ||
        !take_member(c, a->inputs, RAC_S("name"), T_STR, &at) || !is_literal(at.node, &name))
        return;
    const struct variable *v = rac_map_get(&c->variables, rac_str_lower(c->a, name));
    while (c->nodes[root].parent != NOBODY)
        root = c->nodes[root].parent;
    for (uint32_t i = 0; v != NULL && i < v->makers_n; i++)
        before = before || comes_before(c, v->makers[i], root);
    if (v == NULL && is_step(a->x->type))
        found(c, F_VARIABLE_NOBODY, &at,
              "The variable '%.*s' that action '%.*s' counts is initialized by no action.",
              RAC_FMT(name), RAC_FMT(a->x->name));
    else if (v == NULL || !before)
        found(c, F_VARIABLE, &at,
              "The inputs of workflow run action '%.*s' of type '%.*s' are not valid. The variable "
              "'%.*s' must be initialized before it can be used inside action '%.*s'.",
              RAC_FMT(a->x->name), RAC_FMT(a->x->type_word), RAC_FMT(name), RAC_FMT(a->x->name));
    else if (changes(a->x->type) != NULL && !fits_words(v->type, changes(a->x->type)))
        found(c, F_VARIABLE, &at,
              "The inputs of workflow run action '%.*s' of type '%.*s' are not valid. The variable "
              "'%.*s' is of type '%.*s'; the action changes variables of type %.*s.",
              RAC_FMT(a->x->name), RAC_FMT(a->x->type_word), RAC_FMT(name), RAC_FMT(v->type),
              RAC_FMT(choice(c, changes(a->x->type))));
}

/* --- calls ------------------------------------------------------------------------------------ */

static void check_http_action(struct action *a)
{
    check_http(a->c, a->inputs);
}

static void check_webhook_action(struct action *a)
{
    check_webhook(a->c, a->inputs);
}

static void check_connection(struct action *a)
{
    check_connector_host(a->c, a->inputs);
    check_retry(a->c, a->inputs);
}

static void check_connection_webhook(struct action *a)
{
    bool pair = RAC_JSON_GETI(a->inputs->node, "subscribe") != NULL ||
                RAC_JSON_GETI(a->inputs->node, "unsubscribe") != NULL;
    check_shape(a->c, pair ? &shape_webhook_pair : &shape_api_connection_webhook, a->inputs);
    if (pair)
        check_webhook(a->c, a->inputs);
    else
        check_retry(a->c, a->inputs);
}

static void check_retrying(struct action *a)
{
    check_retry(a->c, a->inputs);
}

static void check_function(struct action *a)
{
    struct at function;
    if (one_of(a, a->inputs, "function|functionApp|uri") &&
        take_member(a->c, a->inputs, RAC_S("function"), T_OBJ, &function))
        (void)one_of(a, &function, "id|connectionName");
    check_http(a->c, a->inputs);
}

static void check_workflow_call(struct action *a)
{
    struct at host;
    if (take_member(a->c, a->inputs, RAC_S("host"), T_OBJ, &host))
        (void)one_of(a, &host, "workflow|id|workflowReferenceName");
    check_retry(a->c, a->inputs);
}

static void check_dependency(struct action *a, const struct at *at)
{
    rac_str name;
    if (!is_literal(at->node, &name))
        return;
    uint32_t y = (uint32_t)(uintptr_t)rac_map_get(&a->c->actions, rac_str_lower(a->c->a, name)) - 1;
    if (y == NOBODY) {
        found(a->c, F_ACTION_UNKNOWN, at,
              "The template validation failed: 'The action(s) '%.*s' referenced by 'inputs' in "
              "action '%.*s' are not defined in the template.'.",
              RAC_FMT(name), RAC_FMT(a->x->name));
        return;
    }
    enum type t = a->c->nodes[y].type;
    if (t == A_FOREACH || t == A_UNTIL || t == A_INITIALIZE_VARIABLE || t == A_SET_VARIABLE ||
        is_step(t) || t == A_APPEND_TO_ARRAY || t == A_APPEND_TO_STRING)
        wrong(a->c, F_STRUCTURE, at, "code cannot depend on loops and on actions of variables");
}

static void check_javascript(struct action *a)
{
    struct at code, depends, list;
    size_t max = a->c->w->profile == RAC_WF_STANDARD ? CODE_STANDARD_MAX : CODE_MAX;
    if (take_member(a->c, a->inputs, RAC_S("code"), T_STR, &code)) {
        size_t n = characters(rac_json_str(code.node, RAC_S("")));
        if (n > max)
            wrong(a->c, F_LIMIT, &code, "the code has %zu characters; the limit is %zu", n, max);
    }
    if (!take_member(a->c, a->inputs, RAC_S("explicitDependencies"), T_OBJ, &depends) ||
        !take_member(a->c, &depends, RAC_S("actions"), T_ARR, &list))
        return;
    for (size_t i = 0; i < rac_json_len(list.node); i++) {
        struct at e = AT_INDEX(&list, i, rac_json_at(list.node, i));
        if (check_type(a->c, T_STR, &e))
            check_dependency(a, &e);
    }
}

/* --- XML -------------------------------------------------------------------------------------- */

static void check_xslt(struct action *a)
{
    struct at parameters;
    (void)one_of(a, a->inputs, "map|integrationAccount|function");
    if (!take_member(a->c, a->inputs, RAC_S("parameters"), T_OBJ, &parameters))
        return;
    RAC_JSON_EACH_MEMBER(m, parameters.node)
    {
        struct at e = AT_KEY(&parameters, rac_json_key(m), &m->value);
        if (m->value.type >= RAC_JSON_ARRAY)
            wrong(a->c, F_STRUCTURE, &e, "a parameter of a transformation is a simple value");
    }
}

static void check_against_schema(struct action *a)
{
    (void)one_of(a, a->inputs, "schema|integrationAccount");
}

/* Settings that nobody reads are most likely misspelt. */
static void check_settings(struct action *a, const char *group, const char *known)
{
    struct at settings;
    if (!take_member(a->c, a->inputs, rac_str_of(group), T_OBJ, &settings))
        return;
    RAC_JSON_EACH_MEMBER(m, settings.node)
    {
        struct at e = AT_KEY(&settings, rac_json_key(m), &m->value);
        if (!fits_words(rac_json_key(m), known))
            wrong(a->c, F_VALUE_UNUSUAL, &e,
                  "the setting '%.*s' of '%s' is not known; it has no "
                  "effect",
                  RAC_FMT(rac_json_key(m)), group);
    }
}

static void check_xml_parse(struct action *a)
{
    check_settings(a, "xmlReaderSettings",
                   "dtdProcessing|xmlNormalization|ignoreWhitespace|ignoreProcessingInstructions");
    check_settings(a, "jsonWriterSettings", "ignoreAttributes|useFullyQualifiedNames");
}

static void check_xml_compose(struct action *a)
{
    check_settings(a, "xmlWriterSettings",
                   "omitXmlDeclaration|indent|indentChars|newLineChars|newLineHandling|"
                   "newLineOnAttributes|encoding|conformanceLevel|checkCharacters|"
                   "doNotEscapeUriAttributes");
}

static void check_liquid(struct action *a)
{
    struct at kind;
    (void)one_of(a, a->inputs, "map|integrationAccount");
    if (take_member(a->c, a->at, RAC_S("kind"), T_STR, &kind) && !is_open(kind.node) &&
        !fits_words(rac_json_str(kind.node, RAC_S("")),
                    "JsonToJson|JsonToText|XmlToJson|XmlToText"))
        wrong(a->c, F_STRUCTURE, &kind, "the kind of a Liquid action is not known");
}

static void check_lookup(struct action *a)
{
    struct at type;
    (void)one_of(a, a->inputs, "artifactName|artifaceName");
    if (take_member(a->c, a->inputs, RAC_S("artifactType"), T_STR, &type) && !is_open(type.node) &&
        fits_words(rac_json_str(type.node, RAC_S("")), "Partner|Agreement"))
        found(
            a->c, F_TYPE_UNSUPPORTED, &type,
            "This host keeps maps and schemas, no artifact of the type '%.*s': action '%.*s' will "
            "fail with ArtifactNotFound. Give what it would find as a parameter of the workflow.",
            RAC_FMT(rac_json_str(type.node, RAC_S(""))), RAC_FMT(a->x->name));
}

/* --- all of one action ------------------------------------------------------------------------ */

static void (*const rules[A_UNKNOWN + 1])(struct action *a) = {
    [A_IF] = check_if,
    [A_SWITCH] = check_switch,
    [A_FOREACH] = check_foreach,
    [A_UNTIL] = check_until,
    [A_TERMINATE] = check_terminate,
    [A_RESPONSE] = check_response,
    [A_WAIT] = check_wait,
    [A_EXPRESSION] = check_time_expression,
    [A_INITIALIZE_VARIABLE] = check_initialize,
    [A_SET_VARIABLE] = check_target,
    [A_INCREMENT_VARIABLE] = check_target,
    [A_DECREMENT_VARIABLE] = check_target,
    [A_APPEND_TO_ARRAY] = check_target,
    [A_APPEND_TO_STRING] = check_target,
    [A_HTTP] = check_http_action,
    [A_HTTP_WEBHOOK] = check_webhook_action,
    [A_API_CONNECTION] = check_connection,
    [A_API_CONNECTION_WEBHOOK] = check_connection_webhook,
    [A_OPEN_API_CONNECTION] = check_retrying,
    [A_OPEN_API_CONNECTION_WEBHOOK] = check_retrying,
    [A_API_MANAGEMENT] = check_http_action,
    [A_FUNCTION] = check_function,
    [A_WORKFLOW] = check_workflow_call,
    [A_SERVICE_PROVIDER] = check_retrying,
    [A_SEND_TO_BATCH] = check_retrying,
    [A_JAVASCRIPT] = check_javascript,
    [A_XSLT] = check_xslt,
    [A_XML_VALIDATION] = check_against_schema,
    [A_XML_PARSE] = check_xml_parse,
    [A_XML_COMPOSE] = check_xml_compose,
    [A_FLAT_FILE_ENCODING] = check_against_schema,
    [A_FLAT_FILE_DECODING] = check_against_schema,
    [A_LIQUID] = check_liquid,
    [A_ARTIFACT_LOOKUP] = check_lookup,
};

static void no_inputs(struct action *a, unsigned flags)
{
    if ((flags & INPUTS_DRAFT) != 0) { /* said once */
        if (a->c->unfinished > 0)
            found(a->c, F_UNFINISHED, a->at,
                  "The action '%.*s' of type '%.*s' has no 'inputs' yet%.*s.", RAC_FMT(a->x->name),
                  RAC_FMT(a->x->type_word),
                  RAC_FMT(a->c->unfinished == 1 ? RAC_S("")
                                                : rac_arena_printf(a->c->a, ", nor have %zu others",
                                                                   a->c->unfinished - 1)));
        a->c->unfinished = 0;
    } else if ((flags & (INPUTS_OPTIONAL | INPUTS_NONE | UNSUPPORTED)) == 0 ||
               type_rows[a->x->type].shape != NULL)
        missing_one(a, a->at, RAC_S("inputs"));
}

static bool sets_variable(enum type t)
{
    return t == A_SET_VARIABLE || t == A_APPEND_TO_ARRAY || t == A_APPEND_TO_STRING;
}

static void check_action_inputs(struct action *a)
{
    const struct type_row *row = &type_rows[a->x->type];
    struct place p = {.action = a->i, .callback = (row->flags & TAKES_CALLBACK) != 0};
    const struct rac_json *v = a->inputs->node;
    if (v == NULL || (v->type == RAC_JSON_NULL && !is_unknown(v) && a->x->type != A_COMPOSE)) {
        no_inputs(a, row->flags);
        return;
    }
    if (row->shape != NULL && check_type(a->c, T_OBJ, a->inputs))
        check_shape(a->c, row->shape, a->inputs);
    if (sets_variable(a->x->type))
        (void)is_literal(RAC_JSON_GETI(v, "name"), &p.sets);
    check_inputs(a->c, &p, a->inputs, row->flags);
}

static void check_type_word(struct action *a)
{
    const struct rac_json *v = RAC_JSON_GETI(a->x->v, "type");
    struct at at = AT_KEY(a->at, RAC_S("type"), v);
    if (is_absent(v)) {
        if (!is_unknown(v))
            wrong(a->c, F_STRUCTURE, a->at, "the action has no type");
        return;
    }
    if (!check_type(a->c, T_STR, &at))
        return;
    if (a->x->type_word.n == 0)
        wrong(a->c, F_STRUCTURE, &at, "the type of the action is empty");
    else if ((type_rows[a->x->type].flags & UNSUPPORTED) != 0)
        found(a->c, F_TYPE_UNSUPPORTED, &at,
              "The action type '%.*s' of action '%.*s' is not supported by this host.",
              RAC_FMT(a->x->type_word), RAC_FMT(a->x->name));
}

void check_action(struct check *c, uint32_t i)
{
    static const char *const beside[] = {"limit", "runtimeConfiguration"};
    const struct node *x = &c->nodes[i];
    struct at at = AT_POINTER(x->pointer, x->v);
    struct at inputs = AT_KEY(&at, RAC_S("inputs"), RAC_JSON_GETI(x->v, "inputs"));
    struct action a = {c, i, x, &at, &inputs};
    struct place p = {.action = i};
    if (!rac_json_is_object(x->v) || x->depth > RAC_WORKFLOW_NESTING_MAX)
        return;
    c->noun = "action";
    c->name = x->name;
    c->subject = x->v;
    check_type_word(&a);
    check_shape(c, &shape_action, &at);
    check_description(c, &at);
    check_old(c, &at);
    check_options(c, &at, rac_arena_cstr(c->a, x->type_word));
    check_limit(c, &at, x->type);
    check_runtime(c, &at, x);
    check_tracked(c, &p, &at);
    for (size_t k = 0; k < RAC_COUNT(beside); k++) {
        const struct rac_json *v = rac_json_geti(x->v, rac_str_of(beside[k]));
        struct at here = AT_KEY(&at, rac_str_of(beside[k]), v);
        if (v != NULL)
            check_expressions(c, &p, &here);
    }
    if (c->w->stateless && (type_rows[x->type].flags & KEEPS_STATE) != 0)
        wrong(c, F_STATELESS, &at, "a stateless workflow cannot wait for a callback");
    if ((type_rows[x->type].flags & INPUTS_NONE) == 0)
        check_action_inputs(&a);
    if (rules[x->type] != NULL &&
        (rac_json_is_object(inputs.node) || (type_rows[x->type].flags & INPUTS_NONE) != 0 ||
         x->type == A_INITIALIZE_VARIABLE || x->type == A_RESPONSE || x->type == A_EXPRESSION ||
         x->type == A_TERMINATE))
        rules[x->type](&a);
    check_call(c, x->type_word, &inputs);
    c->noun = NULL;
}
