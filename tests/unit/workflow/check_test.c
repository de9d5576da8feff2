/* The check of definitions: each rule of spec workflows §1.6 by a case that breaks it. The table is
 * sound, and docs/reference/workflow-codes.md says what it says (RACCORD_WRITE_DOCS=1 writes it). */
#include "reference_page.h"
#include "test_arena.h"

#include "base/env.h"
#include "base/map.h"
#include "openapi/read.h"
#include "workflow/check/check.h"
#include "workflow/definition/plan.h"

#define SCHEMA                                                                                     \
    "'$schema': "                                                                                  \
    "'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/"           \
    "workflowdefinition.json#', "
#define REQUEST "'triggers': {'manual': {'type': 'Request'}}, "
/* A Standard workflow with these actions. */
#define ACTIONS(actions)                                                                           \
    "{'kind': 'Stateful', 'definition': {" SCHEMA REQUEST "'actions': {" actions "}}}"
#define STATELESS(actions)                                                                         \
    "{'kind': 'Stateless', 'definition': {" SCHEMA REQUEST "'actions': {" actions "}}}"
#define TRIGGER(trigger)                                                                           \
    "{'kind': 'Stateful', 'definition': {" SCHEMA "'triggers': {'t': " trigger "}, 'actions': "    \
    "{}}}"
#define ROOT(members)                                                                              \
    "{'kind': 'Stateful', 'definition': {" SCHEMA REQUEST "'actions': {}, " members "}}"

static rac_str quoted(const char *text) /* ' for ", ` for ' */
{
    char *p = rac_arena_cstr(&a, rac_str_of(text));
    for (char *c = p; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c == '`' ? '\'' : *c;
    return rac_str_of(p);
}

/* Checks every workflow of a file; a plan is made of what is accepted. */
static void check(rac_str text, const struct rac_workflow_check_options *o, struct rac_diags *d)
{
    struct rac_document *doc;
    struct rac_workflow **w;
    struct rac_plan *plan;
    size_t n = 0;
    struct rac_arena scratch;
    rac_diags_init(d, &a, 1000);
    assert_int_equal(rac_document_read(text, RAC_S("w.json"), &a, &doc, d), RAC_OK);
    rac_err read = rac_workflows_of_document(doc, NULL, &a, &w, &n, d);
    for (size_t i = 0; i < n; i++) {
        rac_arena_init(&scratch, 256 << 20);
        rac_err e = rac_workflow_check(w[i], o, &scratch, d);
        rac_arena_fini(&scratch);
        assert_true(e == RAC_OK || (e == RAC_E_INVALID && d->errors_total > 0));
        if (e == RAC_OK && read == RAC_OK)
            assert_int_equal(rac_plan_compile(w[i], &a, &plan, d), RAC_OK);
    }
}

/* Findings as "CODE pointer" lines, warnings with "~" before them. */
static rac_str found_in(const char *text, const struct rac_workflow_check_options *o)
{
    struct rac_diags d;
    rac_str out = RAC_S("");
    check(quoted(text), o, &d);
    for (size_t i = 0; i < d.n; i++) {
        assert_true(d.v[i].line > 0);
        out = rac_arena_printf(&a, "%.*s%s%s%s %.*s", RAC_FMT(out), out.n > 0 ? "\n" : "",
                               d.v[i].severity == RAC_SEV_ERROR ? "" : "~", d.v[i].code,
                               RAC_FMT(d.v[i].pointer));
    }
    return out;
}

struct row {
    const char *text, *want;
};

static void expect(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        rac_str got = found_in(rows[i].text, NULL);
        if (!rac_str_eq(got, rac_str_of(rows[i].want)))
            fail_msg("%s\ngot:\n%.*s\nwant:\n%s", rows[i].text, RAC_FMT(got), rows[i].want);
    }
}
#define EXPECT(rows) expect(rows, RAC_COUNT(rows))

#define A(name)       "'" name "': {'type': 'Compose', 'inputs': 1}"
#define AFTER(name)   "'runAfter': {'" name "': ['Succeeded']}"
#define C(name, text) "'" name "': {'type': 'Compose', 'inputs': '" text "'}"

/* A zero in a name ends no message. */
static void names_with_zeros(void **state RAC_UNUSED)
{
    struct rac_diags d;
    check(quoted(ACTIONS("'A': {'type': 'Compose', 'inputs': 1, " AFTER("x\\u0000y") "}")), NULL,
          &d);
    assert_int_equal(d.n, 1);
    assert_true(rac_str_find(d.v[0].message, RAC_S("x\0y")) != RAC_STR_NPOS);
}

static void names_and_order(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {ACTIONS(A("A")), ""},
        {ACTIONS(A("A") ", 'S': {'type': 'Scope', 'actions': {" A("a") "}}"),
         "InvalidTemplate /definition/actions/S/actions/a"},
        {ACTIONS(A("Manual")), "InvalidTemplate /definition/actions/Manual"},
        {ACTIONS(A("a/b")), "InvalidTemplate /definition/actions/a~1b"},
        {ACTIONS(A("ends.")), "InvalidTemplate /definition/actions/ends."},
        {ACTIONS("'A': {'type': 'Compose', 'inputs': 1, " AFTER("B") "}"),
         "InvalidTemplate /definition/actions/A/runAfter/B"},
        {ACTIONS("'A': {'type': 'Compose', 'inputs': 1, " AFTER("manual") "}"),
         "InvalidTemplate /definition/actions/A/runAfter/manual"},
        {ACTIONS(A("A") ", 'S': {'type': 'Scope', 'actions': {'B': {'type': 'Compose', 'inputs': "
                        "1, " AFTER("A") "}}}"),
         "InvalidTemplate /definition/actions/S/actions/B/runAfter/A"},
        {ACTIONS(A("A") ", 'B': {'type': 'Compose', 'inputs': 1, 'runAfter': {'A': []}}"),
         "InvalidTemplate /definition/actions/B/runAfter/A"},
        {ACTIONS(A("A") ", 'B': {'type': 'Compose', 'inputs': 1, 'runAfter': {'a': ['SUCCEEDED', "
                        "'aborted', 'Nonsense']}}"),
         "InvalidTemplate /definition/actions/B/runAfter/a/2"},
        {ACTIONS("'A': {'type': 'Compose', 'inputs': 1, " AFTER(
             "B") "}, 'B': {'type': 'Compose', 'inputs': 1, " AFTER("A") "}"),
         "InvalidTemplate /definition/actions/A/runAfter\n"
         "InvalidTemplate /definition/actions/B/runAfter"},
        {ACTIONS("'A': {'type': 'Compose', 'inputs': 1, " AFTER(
             "C") "}, 'B': {'type': 'Compose', 'inputs': 1, " AFTER("A") "}, 'C': {'type': "
                                                                         "'Compose', 'inputs': "
                                                                         "1, " AFTER(
                                                                             "B") "}, "
                                                                                  "'D': {'type': "
                                                                                  "'Compose', "
                                                                                  "'inputs': "
                                                                                  "1, " AFTER(
                                                                                      "C") "}, "
                                                                                           "'E': "
                                                                                           "{'type'"
                                                                                           ": "
                                                                                           "'Compos"
                                                                                           "e', "
                                                                                           "'inputs"
                                                                                           "': "
                                                                                           "1,"
                                                                                           " " AFTER(
                                                                                               "D") "}"),
         "InvalidTemplate /definition/actions/A/runAfter\n"
         "InvalidTemplate /definition/actions/B/runAfter\n"
         "InvalidTemplate /definition/actions/C/runAfter"}, /* what waits for the circle is sound */
        {ACTIONS(A("A") ", " A("A")),
         "~RC-JSON-01 \nInvalidTemplate /definition/actions/A"}, /* the file has it twice */
        {ACTIONS("'A': []"), "InvalidTemplate /definition/actions/A"},
        {ACTIONS("'A': null"), "InvalidTemplate /definition/actions/A"},
        {ACTIONS("'A': {'inputs': 1}"), "InvalidTemplate /definition/actions/A"},
        {ACTIONS("'A': {'type': 'Novel', 'inputs': 1}"),
         "~WorkflowActionTypeNotSupported /definition/actions/A/type"},
        {ACTIONS("'A': {'type': 'Compose'}"),
         "~WorkflowRunActionInputsMissingProperty /definition/actions/A"},
    };
    EXPECT(rows);
}

static void references(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {ACTIONS(C("A", "@body(`Gone`)")), "InvalidTemplate /definition/actions/A/inputs"},
        {ACTIONS("'A': {'type': 'Compose', 'inputs': {'x': ['a @{outputs(`Gone`)?[`y`]}']}}"),
         "InvalidTemplate /definition/actions/A/inputs/x/0"},
        {ACTIONS(A("A") ", " C("B", "@outputs(`A`)")),
         "InvalidTemplate /definition/actions/B/inputs"},
        {ACTIONS(A("A") ", 'B': {'type': 'Compose', 'inputs': '@outputs(`a`)', " AFTER("A") "}"),
         ""},
        {ACTIONS(C("A", "@outputs(`A`)")), "InvalidTemplate /definition/actions/A/inputs"},
        {ACTIONS("'S': {'type': 'Scope', 'actions': {" A(
             "A") "}}, 'B': {'type': 'Compose', 'inputs': '@concat(outputs(`A`), result(`S`))', "
                  "" AFTER("S") "}"),
         ""},
        {ACTIONS("'S': {'type': 'Scope', 'actions': {" C("A", "@outputs(`S`)") "}}"),
         "InvalidTemplate /definition/actions/S/actions/A/inputs"},
        {ACTIONS(A("A") ", 'B': {'type': 'Compose', 'inputs': '@result(`A`)', " AFTER("A") "}"),
         "InvalidTemplate /definition/actions/B/inputs"},
        {ACTIONS("'L': {'type': 'Foreach', 'foreach': [1], 'actions': {'M': {'type': 'Foreach', "
                 "'foreach': '@item()', 'actions': {" C(
                     "A", "@items(`l`)") "}}}}, 'B': {'type': "
                                         "'Compose', 'inputs': "
                                         "'@outputs(`A`)', " AFTER("L") "}"),
         "InvalidTemplate /definition/actions/B/inputs"},
        {ACTIONS(C("A", "@item()")), "InvalidTemplate /definition/actions/A/inputs"},
        {ACTIONS(C("A", "@action()")), "InvalidTemplate /definition/actions/A/inputs"},
        {ACTIONS(C("A", "@listCallbackUrl()")), "InvalidTemplate /definition/actions/A/inputs"},
        {ACTIONS(C("A", "@appsetting(`x`)")), "InvalidTemplate /definition/actions/A/inputs"},
        {ACTIONS(C("A", "@items(`L`)")), "InvalidTemplate /definition/actions/A/inputs"},
        {ACTIONS(
             "'U': {'type': 'Until', 'expression': '@and(equals(iterationIndexes(`U`), 1), "
             "equals(outputs(`A`), action()))', 'limit': {'count': 2}, 'actions': {" A("A") "}}"),
         ""},
        {ACTIONS("'Q': {'type': 'Query', 'inputs': {'from': '@item()', 'where': '@item()'}}"),
         "InvalidTemplate /definition/actions/Q/inputs/from"},
        {ACTIONS("'A': {'type': 'Compose', 'inputs': 1, 'trackedProperties': {'ok': "
                 "'@action().status', 'no': '@triggerBody()'}}"),
         "InvalidTemplate /definition/actions/A/trackedProperties/no"},
        {TRIGGER("{'type': 'Request', 'splitOn': '@body(`A`)', 'conditions': [{'expression': "
                 "'@equals(triggerBody(), 1)'}]}"),
         "InvalidTemplate /definition/triggers/t/splitOn"},
        {ACTIONS(C("A", "@parameters(`p`)")), "~InvalidTemplate /definition/actions/A/inputs"},
        {"{'definition': {" SCHEMA REQUEST "'actions': {" C("A", "@parameters(`p`)") "}}}",
         "InvalidTemplate /definition/actions/A/inputs"},
    };
    EXPECT(rows);
}

static void expressions(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {ACTIONS(C("A", "@concat(`a`")), "InvalidTemplate /definition/actions/A/inputs"},
        {ACTIONS(C("A", "@nonsense(1)")), "InvalidTemplate /definition/actions/A/inputs"},
        {ACTIONS(C("A", "@add(1)")), "InvalidTemplate /definition/actions/A/inputs"},
        {ACTIONS(C("A", "@@concat(")), ""},
        {ACTIONS(C("A", "@agentParameters(`x`)")), ""},
        {ACTIONS("'I': {'type': 'If', 'expression': {'and': [{'equals': ['@a(', 1]}]}, 'actions': "
                 "{}}"),
         "InvalidTemplate /definition/actions/I/expression/and/0/equals/0"},
        {ACTIONS("'I': {'type': 'If', 'expression': {'not': {'equals': [1]}}, 'actions': {}}"),
         "InvalidTemplate /definition/actions/I/expression/not/equals"},
        {ACTIONS("'I': {'type': 'If', 'expression': {'and': [{'equals': [{'length': ['a']}, 1]}]}, "
                 "'actions': {}, 'else': {}}"),
         "InvalidTemplate /definition/actions/I/else"},
        {ACTIONS("'I': {'type': 'If', 'actions': {}}"), "InvalidTemplate /definition/actions/I"},
    };
    EXPECT(rows);
}

#define INIT(name, type)                                                                           \
    "'I': {'type': 'InitializeVariable', 'inputs': {'variables': [{'name': '" name                 \
    "', 'type': '" type "'}]}}"

static void variables(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {ACTIONS(INIT("v", "string") ", 'A': {'type': 'Compose', 'inputs': '@variables(`V`)', "
                                     "" AFTER("I") "}"),
         ""},
        {ACTIONS(INIT("v", "string") ", " C("A", "@variables(`v`)")),
         "InvalidVariableOperation /definition/actions/A/inputs"},
        {ACTIONS(C("A", "@variables(`v`)")),
         "InvalidVariableOperation /definition/actions/A/inputs"},
        {ACTIONS("'S': {'type': 'SetVariable', 'inputs': {'name': 'v', 'value': 1}}"),
         "InvalidVariableOperation /definition/actions/S/inputs/name"},
        {ACTIONS("'S': {'type': 'IncrementVariable', 'inputs': {'name': 'v'}}"),
         "~InvalidVariableOperation /definition/actions/S/inputs/name"},
        {ACTIONS(INIT("v", "string") ", 'S': {'type': 'SetVariable', 'inputs': {'name': 'v', "
                                     "'value': '@{variables(`v`)}!'}, " AFTER("I") "}"),
         "WorkflowRunActionInputsInvalidProperty /definition/actions/S/inputs/value"},
        {ACTIONS(INIT("v", "string") ", 'S': {'type': 'IncrementVariable', 'inputs': {'name': "
                                     "'v'}, " AFTER("I") "}"),
         "InvalidVariableOperation /definition/actions/S/inputs/name"},
        {ACTIONS(INIT("v", "string") ", 'S': {'type': 'AppendToArrayVariable', 'inputs': {'name': "
                                     "'v', 'value': 1}, " AFTER("I") "}"),
         "InvalidVariableOperation /definition/actions/S/inputs/name"},
        {ACTIONS(INIT("v", "array") ", 'S': {'type': 'AppendToStringVariable', 'inputs': {'name': "
                                    "'v', 'value': '1'}, " AFTER("I") "}"),
         "InvalidVariableOperation /definition/actions/S/inputs/name"},
        {ACTIONS(INIT("v", "Array") ", 'S': {'type': 'AppendToArrayVariable', 'inputs': {'name': "
                                    "'v', 'value': 1}, " AFTER("I") "}"),
         ""},
        {ACTIONS("'S': {'type': 'Scope', 'actions': {" INIT("v", "string") "}}"),
         "InvalidVariableInitialization /definition/actions/S/actions/I"},
        {"{" SCHEMA REQUEST "'actions': {'I': {'type': 'InitializeVariable', 'inputs': "
         "{'variables': [{'name': 'a', 'type': 'string'}, {'name': 'b', 'type': 'integer'}]}}}}",
         "WorkflowRunActionInputsInvalidProperty /actions/I/inputs/variables"},
        {ACTIONS(INIT("v", "text")),
         "InvalidTemplate /definition/actions/I/inputs/variables/0/type"},
    };
    EXPECT(rows);
}

static void inputs(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {ACTIONS("'A': {'type': 'Join', 'inputs': {'from': [], 'joinWith': ', ', 'by': 1}}"),
         "WorkflowRunActionInputsInvalidProperty /definition/actions/A/inputs/by"},
        {ACTIONS("'A': {'type': 'Join', 'inputs': {'from': '@createArray(1)'}}"),
         "WorkflowRunActionInputsMissingProperty /definition/actions/A/inputs"},
        {ACTIONS("'A': {'type': 'Http', 'inputs': {'method': 'GET', 'uri': 'ftp://x'}}"),
         "InvalidTemplate /definition/actions/A/inputs/uri"},
        {ACTIONS("'A': {'type': 'Http', 'inputs': {'method': 'GET', 'uri': "
                 "'https://@{triggerBody()}/x', 'authentication': {'type': 'None', 'x': 1}}}"),
         "WorkflowRunActionInputsInvalidProperty /definition/actions/A/inputs/authentication/x"},
        {ACTIONS("'A': {'type': 'Http', 'inputs': {'method': 'GET', 'uri': 'https://x', "
                 "'retryPolicy': {'type': 'fixed', 'count': 91, 'interval': 'PT5S'}}}"),
         "InvalidTemplate /definition/actions/A/inputs/retryPolicy/count"},
        {ACTIONS("'A': {'type': 'Http', 'inputs': {'method': 'GET', 'uri': 'https://x', "
                 "'authentication': {'type': 'raw'}}}"),
         "WorkflowRunActionInputsMissingProperty /definition/actions/A/inputs/authentication"},
        {ACTIONS("'A': {'type': 'Http', 'inputs': {'method': 'GET', 'uri': 'https://x', "
                 "'authentication': {'type': 'Raw', 'scheme': 'Key', 'parameter': 'k'}}}"),
         ""},
        {ACTIONS("'A': {'type': 'Wait', 'inputs': {'until': {'timestamp': 'soon'}}}, 'B': {'type': "
                 "'Wait', 'inputs': {'until': {'timestamp': '2030-01-01T00:00:00Z'}}}, 'C': "
                 "{'type': 'Wait', 'inputs': {'until': {'timestamp': '@addDays(utcNow(), 1)'}}}"),
         "InvalidTemplate /definition/actions/A/inputs/until/timestamp"},
        {ACTIONS("'A': {'type': 'Wait', 'inputs': {'interval': {'count': 1, 'unit': 'Moment'}}}"),
         "InvalidTemplate /definition/actions/A/inputs/interval/unit"},
        {ACTIONS("'A': {'type': 'Response', 'inputs': {'statusCode': 302}}"),
         "InvalidTemplate /definition/actions/A/inputs/statusCode"},
        {ACTIONS("'L': {'type': 'Foreach', 'foreach': [], 'actions': {'A': {'type': 'Response', "
                 "'inputs': {'statusCode': 200}}, 'T': {'type': 'Terminate', 'inputs': "
                 "{'runStatus': 'Failed'}}}}"),
         "InvalidTemplate /definition/actions/L/actions/A\n"
         "InvalidTemplate /definition/actions/L/actions/T"},
        {ACTIONS("'U': {'type': 'Until', 'expression': '@true', 'actions': {}}"),
         "InvalidTemplate /definition/actions/U"},
        {ACTIONS("'U': {'type': 'Until', 'expression': '@true', 'actions': {}, 'limit': {'count': "
                 "5001, 'timeout': 'soon'}}"),
         "InvalidTemplate /definition/actions/U/limit/timeout\n"
         "InvalidTemplate /definition/actions/U/limit/count"},
        {ACTIONS("'S': {'type': 'Switch', 'expression': 1, 'cases': {'a': {'case': 1, 'actions': "
                 "{}}, 'b': {'case': 1, 'actions': {}}}}"),
         "InvalidTemplate /definition/actions/S/cases/b/case"},
        {ACTIONS("'L': {'type': 'Foreach', 'foreach': [], 'actions': {}, 'operationOptions': "
                 "'Sequential', 'runtimeConfiguration': {'concurrency': {'repetitions': 5}}}"),
         "InvalidTemplate /definition/actions/L/runtimeConfiguration/concurrency/repetitions"},
        {ACTIONS("'A': {'type': 'Compose', 'inputs': 1, 'runtimeConfiguration': {'staticResult': "
                 "{'name': 'none'}}}"),
         "InvalidTemplate /definition/actions/A/runtimeConfiguration/staticResult/name"},
        {STATELESS("'H': {'type': 'HttpWebhook', 'inputs': {'subscribe': {'method': 'POST', 'uri': "
                   "'https://x', 'body': '@listCallbackUrl()'}}}"),
         "InvalidTemplate /definition/actions/H"},
        {ACTIONS("'H': {'type': 'HttpWebhook', 'inputs': {'subscribe': {'method': 'POST', 'uri': "
                 "'https://x', 'body': '@listCallbackUrl()'}, 'unsubscribe': {'uri': 'https://x', "
                 "'body': '@action()'}}}"),
         ""},
    };
    EXPECT(rows);
}

static void triggers(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {TRIGGER("{'type': 'Novel'}"), "InvalidTemplate /definition/triggers/t/type"},
        {TRIGGER("{'type': 'Request', 'kind': 'Novel'}"),
         "~InvalidTemplate /definition/triggers/t/kind"},
        {TRIGGER("{'type': 'Recurrence'}"), "InvalidRecurrence /definition/triggers/t"},
        {"{'kind': 'Stateless', 'definition': {" SCHEMA "'triggers': {'t': {'type': 'Batch', "
         "'inputs': {'mode': 'Inline', 'configurations': {'b': {'releaseCriteria': "
         "{'messageCount': 2}}}}}}, 'actions': {}}}",
         "InvalidTemplate /definition/triggers/t"},
        {TRIGGER("{'type': 'Recurrence', 'recurrence': {'frequency': 'Day', 'interval': 501}}"),
         "InvalidRecurrence /definition/triggers/t/recurrence/interval"},
        {TRIGGER("{'type': 'Request', 'inputs': {'relativePath': '/a'}}"),
         "WorkflowTriggerInputsInvalidProperty /definition/triggers/t/inputs/relativePath"},
        {TRIGGER("{'type': 'Request', 'runtimeConfiguration': {'concurrency': {'runs': 101}}}"),
         "InvalidTemplate /definition/triggers/t/runtimeConfiguration/concurrency/runs"},
        {TRIGGER("{'type': 'Request', 'operationOptions': 'SingleInstance', "
                 "'runtimeConfiguration': {'concurrency': {'runs': 1}}}"),
         "InvalidTemplate /definition/triggers/t/runtimeConfiguration/concurrency/runs"},
        {TRIGGER("{'type': 'Request', 'runtimeConfiguration': {'concurrency': {'runs': 10, "
                 "'maximumWaitingRuns': 19}}}"),
         "InvalidTemplate "
         "/definition/triggers/t/runtimeConfiguration/concurrency/maximumWaitingRuns"},
        {TRIGGER("{'type': 'Request', 'runtimeConfiguration': {'paginationPolicy': "
                 "{'minimumItemCount': 1}}}"),
         "InvalidTemplate /definition/triggers/t/runtimeConfiguration/paginationPolicy"},
        {"{" SCHEMA "'triggers': {'t': {'type': 'Recurrence', 'recurrence': {'frequency': 'Day', "
         "'interval': 1}}}, 'actions': {'R': {'type': 'Response', 'inputs': {'statusCode': 200}}}}",
         "InvalidResponseAction /actions/R"},
        {"{'kind': 'Stateful', 'definition': {" SCHEMA "'triggers': {}, 'actions': {}}}",
         "InvalidTemplate /definition/triggers"},
        {"{'kind': 'Stateful', 'definition': {" SCHEMA
         "'triggers': {'a': {'type': 'Request'}, 'b': {'type': 'Request'}}, 'actions': {}}}",
         "InvalidTemplate /definition/triggers"},
    };
    EXPECT(rows);
}

static void the_root(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {ROOT("'contentVersion': '1.0'"), "InvalidTemplate /definition/contentVersion"},
        {ROOT("'outputs': {'o': {'type': 'String', 'value': '@parameters'}}"),
         "InvalidTemplate /definition/outputs/o/value"},
        {ROOT("'outputs': {'o': {'type': 'Text', 'value': 1}}"),
         "InvalidTemplate /definition/outputs/o/type"},
        {ROOT("'parameters': {'p': {'type': 'Int', 'defaultValue': '1'}}"),
         "InvalidTemplate /definition/parameters/p/defaultValue"},
        {ROOT("'parameters': {'p': {'type': 'int', 'defaultValue': 3, 'allowedValues': [1, 2]}}"),
         "InvalidTemplate /definition/parameters/p/defaultValue"},
        {"{'definition': {" SCHEMA REQUEST "'parameters': {'p': {'type': 'String'}}, 'actions': "
         "{}}, 'parameters': {'q': {'value': 1}}}",
         "InvalidTemplate /definition/parameters/p\nInvalidTemplate /parameters/q"},
        {"{'definition': {" SCHEMA REQUEST "'parameters': {'p': {'type': 'String'}}, 'actions': "
         "{}}, 'parameters': {'p': {'value': 1}}}",
         "InvalidTemplate /parameters/p/value"},
        {"{'definition': {'$schema': 'https://example.com/x.json', " REQUEST "'actions': {}}}",
         "InvalidTemplate /definition/$schema"},
        {"{'kind': 'Novel', 'definition': {" SCHEMA REQUEST "'actions': {}}}",
         "InvalidWorkflowKind /kind"},
        {"{'type': 'Microsoft.Logic/workflows', 'properties': {'definition': {" SCHEMA REQUEST
         "'actions': {}}, 'accessControl': {'triggers': {'openAuthenticationPolicies': "
         "{'policies': {'p': {'type': 'Basic', 'claims': [{'name': 'iss', 'value': "
         "'https://sts.windows.net/x/'}]}}}}}}}",
         "OnlyAADOAuthTypeSupported "
         "/properties/accessControl/triggers/openAuthenticationPolicies/policies/p/type"},
        {"{'definition': {'$schema': "
         "'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/"
         "2015-08-01-preview/workflowdefinition.json#', 'triggers': {'manual': {'type': 'Request', "
         "'conditions': []}}, 'actions': {'A': {'type': 'ApiApp', 'inputs': {}, 'repeat': "
         "'@triggerBody()'}, 'B': {'type': 'Compose', 'inputs': 1, 'conditions': [{'dependsOn': "
         "'A'}]}}}}",
         "InvalidTemplate /definition/triggers/manual/conditions\n"
         "~WorkflowActionTypeNotSupported /definition/actions/A/type\n"
         "InvalidTemplate /definition/actions/A/type\n"
         "InvalidTemplate /definition/actions/A/repeat\n"
         "InvalidTemplate /definition/actions/B/conditions"}, /* old shapes are gone */
    };
    EXPECT(rows);
}

#define TEMPLATE(more, properties)                                                                 \
    "{'$schema': 'https://schema.management.azure.com/schemas/2019-04-01/"                         \
    "deploymentTemplate.json#', " more                                                             \
    "'resources': [{'type': 'Microsoft.Logic/workflows', 'name': 'w', "                            \
    "'properties': {'definition': {" SCHEMA REQUEST properties "}}}]}"

static void templates(void **state RAC_UNUSED)
{
    static const struct row rows[] = {
        {TEMPLATE("", "'actions': {" C("A", "[concat(`@body(`, ```Gone```, `)`)]") "}"),
         "InvalidTemplate /resources/0/properties/definition/actions/A/inputs"},
        {TEMPLATE("'parameters': {'p': {'type': 'string'}}, ",
                  "'actions': {" C("A", "[parameters(`p`)]") "}"),
         "InvalidTemplateDeployment /resources/0/properties/definition/actions/A/inputs"},
        {TEMPLATE("'variables': {'a': '[variables(`b`)]', 'b': '[variables(`a`)]'}, ",
                  "'actions': {" C("A", "[variables(`a`)]") "}"),
         "InvalidTemplateDeployment /resources/0/properties/definition/actions/A/inputs"},
        {TEMPLATE("'variables': {'t': {'Sc': ['ope']}}, ",
                  "'actions': {'S': {'type': '[concat(`Sc`, first(variables(`t`).Sc))]', "
                  "'actions': {}}}"),
         ""},
        {TEMPLATE("", "'actions': {" C("A", "[[concat(1)]") "," C("B", "[if(true(), `x`, "
                                                                       "reference(`y`))]") "}"),
         ""},
        {TEMPLATE("",
                  "'actions': {'copy': [{'name': 'x', 'count': 2, 'input': '[copyIndex(`x`)]'}], "
                  "" C("A", "[string(createObject(`a`, min(2, 1)))]") "}"),
         "InvalidTemplate /resources/0/properties/definition/actions/x"},
        {TEMPLATE("'variables': {'o': {'x': ['[uniqueString(1)]']}}, ",
                  "'actions': {" C("A", "[variables(`o`)]") "}"),
         "InvalidTemplateDeployment /resources/0/properties/definition/actions/A/inputs/x/0"},
        {TEMPLATE("", "'actions': {" C("A", "[uniqueString(resourceGroup().id)]") "}"),
         "InvalidTemplateDeployment /resources/0/properties/definition/actions/A/inputs"},
    };
    EXPECT(rows);
    assert_int_equal(
        found_in("{'resources': [{'condition': '[equals(1, 2)]', 'type': "
                 "'Microsoft.Logic/workflows', 'properties': {'definition': {'triggers': {}}}}]}",
                 NULL)
            .n,
        0);
}

/* --- size ------------------------------------------------------------------------------------- */

static void add_actions(struct rac_buf *b, unsigned n, bool all)
{
    for (unsigned i = 0; i < n; i++) {
        rac_buf_printf(b, "%s\"a%u\":{\"type\":\"Compose\",\"runAfter\":{", i > 0 ? "," : "", i);
        if (i > 0)
            rac_buf_printf(b, "\"a%u\":[\"Succeeded\"]", i - 1);
        rac_buf_printf(b, "},\"inputs\":[1");
        for (unsigned k = 0; all && k < i; k++)
            rac_buf_printf(b, ",\"@outputs('a%u')\"", k);
        rac_buf_printf(b, "]}");
    }
}

static rac_str chain(unsigned n, bool all)
{
    struct rac_buf b;
    rac_buf_init(&b, 64 << 20);
    RAC_BUF_ADD_LIT(&b, "{\"$schema\":\"https://schema.management.azure.com/providers/"
                        "Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#\","
                        "\"triggers\":{\"t\":{\"type\":\"Request\"}},\"actions\":{");
    add_actions(&b, n, all);
    RAC_BUF_ADD_LIT(&b, "}}");
    rac_str s = rac_buf_take(&b, &a);
    rac_buf_fini(&b);
    return s;
}

static void limits(void **state RAC_UNUSED)
{
    struct rac_workflow_check_options o = {.actions_max = 501};
    struct rac_diags d;
    check(chain(501, false), NULL, &d);
    assert_int_equal(d.n, 1);
    assert_string_equal(d.v[0].code, "TooManyActions");
    assert_str(d.v[0].pointer, "/actions");
    check(chain(501, false), &o, &d);
    assert_int_equal(d.n, 0);
    check(chain(500, true), NULL, &d); /* each names all before it */
    assert_int_equal(d.n, 0);
    check(chain(10000, false), &o, &d);
    assert_int_equal(d.errors_total, 1);
}

static void nesting(void **state RAC_UNUSED)
{
    struct rac_buf b;
    for (unsigned depth = 8; depth <= 40; depth += 32) {
        struct rac_diags d;
        rac_buf_init(&b, 1 << 20);
        rac_buf_add(&b, quoted("{" SCHEMA REQUEST "'actions': {"));
        for (unsigned i = 1; i < depth; i++)
            rac_buf_printf(&b, "\"s%u\":{\"type\":\"Scope\",\"actions\":{", i);
        RAC_BUF_ADD_LIT(&b, "\"c\":{\"type\":\"Compose\",\"inputs\":1}");
        for (unsigned i = 1; i < depth; i++)
            RAC_BUF_ADD_LIT(&b, "}}");
        RAC_BUF_ADD_LIT(&b, "}}");
        check(rac_buf_take(&b, &a), NULL, &d);
        rac_buf_fini(&b);
        assert_int_equal(d.errors_total, depth > 8);
        if (depth > 8)
            assert_true(rac_str_ends(d.v[0].pointer, RAC_S("/s8/actions/s9")));
    }
}

static void long_expressions(void **state RAC_UNUSED)
{
    static const unsigned lengths[] = {8000, 9000, 1000000};
    for (size_t i = 0; i < RAC_COUNT(lengths); i++) {
        struct rac_buf b;
        struct rac_diags d;
        rac_buf_init(&b, 4 << 20);
        rac_buf_add(&b, quoted("{" SCHEMA REQUEST "'actions': {'A': {'type': 'Compose', "
                               "'inputs': '@{concat(`"));
        for (unsigned k = 0; k < lengths[i]; k++)
            rac_buf_add_char(&b, 'x');
        rac_buf_add(&b, quoted("`)}'}}}"));
        check(rac_buf_take(&b, &a), NULL, &d);
        rac_buf_fini(&b);
        assert_int_equal(d.errors_total, lengths[i] > 8192);
    }
}

/* --- the table -------------------------------------------------------------------------------- */

static void table_is_sound(void **state RAC_UNUSED)
{
    const struct rac_workflow_finding *f;
    struct rac_map seen;
    rac_map_init(&seen, &a);
    for (size_t i = 0; (f = rac_workflow_finding_at(i)) != NULL; i++) {
        assert_true(rac_map_add(&seen, rac_str_of(f->id), (void *)f));
        assert_true(strlen(f->code) > 3 && strlen(f->title) > 3 && strlen(f->text) > 10 &&
                    strlen(f->fix) > 5);
    }
}

static void print_page(struct rac_buf *b)
{
    const struct rac_workflow_finding *f;
    rac_buf_add(
        b, RAC_S("# Codes of findings in workflows\n\n"
                 "Generated from `src/workflow/check/findings.def`; do not edit. The codes are "
                 "those of the service whose\ndefinitions these are, so several findings "
                 "share one; `raccord validate` and saving a workflow list\nall of them, "
                 "each with the JSON pointer of the member at fault.\n\n"
                 "| Code | Finding | | What to do |\n| --- | --- | --- | --- |\n"));
    for (size_t i = 0; (f = rac_workflow_finding_at(i)) != NULL; i++)
        rac_buf_printf(b, "| `%s` | **%s.** %s | %s | %s |\n", f->code, f->title, f->text,
                       rac_severity_name(f->severity), f->fix);
}

static void reference_page_is_current(void **state RAC_UNUSED)
{
    page_is_current("docs/reference/workflow-codes.md", print_page, "unit-wf-check");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_with_zeros), cmocka_unit_test(names_and_order),
        cmocka_unit_test(references),       cmocka_unit_test(expressions),
        cmocka_unit_test(variables),        cmocka_unit_test(inputs),
        cmocka_unit_test(triggers),         cmocka_unit_test(the_root),
        cmocka_unit_test(templates),        cmocka_unit_test(limits),
        cmocka_unit_test(nesting),          cmocka_unit_test(long_expressions),
        cmocka_unit_test(table_is_sound),   cmocka_unit_test(reference_page_is_current),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
