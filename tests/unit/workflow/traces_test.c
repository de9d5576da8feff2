/* What the expressions of an action came to: parts as they were at its place in the run, the root
 * an error belongs to, what is not told. */
#include "engine_world.h"
#include "quoted.h"
#include "workflow/history/history_priv.h"
#include "workflow/history/traces.h"

#define REQUEST "{'type':'Request','kind':'Http'}"

/* text=value(parts), "!" with an error, "-" without a value. */
static void print(const struct rac_json *list, struct rac_buf *b)
{
    for (size_t i = 0; i < rac_json_len(list); i++) {
        const struct rac_json *x = rac_json_at(list, i), *path = RAC_JSON_GET(x, "path"),
                              *v = RAC_JSON_GET(x, "value"),
                              *parts = RAC_JSON_GET(x, "subexpressions");
        rac_buf_add(b, i > 0 ? RAC_S("; ") : RAC_S(""));
        if (rac_json_str(path, RAC_S("")).n > 0) {
            rac_buf_add(b, rac_json_str(path, RAC_S("")));
            rac_buf_add(b, RAC_S(": "));
        }
        rac_buf_add(b, rac_json_str(RAC_JSON_GET(x, "text"), RAC_S("?")));
        rac_buf_add(b, RAC_S("="));
        rac_buf_add(b, RAC_JSON_GET(x, "error") != NULL ? RAC_S("!") : RAC_S(""));
        rac_buf_add(b, v != NULL                          ? rac_json_print_str(v, 0, &a)
                       : RAC_JSON_GET(x, "error") != NULL ? RAC_S("")
                                                          : RAC_S("-"));
        assert_true(rac_json_is_array(parts));
        if (rac_json_len(parts) == 0)
            continue;
        rac_buf_add(b, RAC_S("("));
        print(parts, b);
        rac_buf_add(b, RAC_S(")"));
    }
}

/* Of an action, or of one repetition of it. */
static void expect(struct world *w, const char *run, const char *action, const char *repetition,
                   const char *want)
{
    struct rac_history *h = world_history(w, run, &a);
    struct rac_history_record one;
    const struct rac_history_record *x = &one;
    struct rac_buf b;
    rac_buf_init(&b, 1 << 20);
    if (repetition == NULL)
        x = rac_history_action(h, rac_str_of(action));
    else
        assert_int_equal(
            rac_history_repetition(h, rac_str_of(action), rac_str_of(repetition), &a, &one),
            RAC_OK);
    assert_non_null(x);
    struct rac_json o = rac_traces_of(h, x, &w->flows[0]->self, &w->env, &a);
    const struct rac_json_member *m = rac_json_member_at(&o, 0);
    assert_int_equal(rac_json_len(&o), 1);
    print(&m->value, &b);
    rac_str got = rac_buf_str(&b);
    if (!rac_str_eq(got, rac_str_of(want)))
        fail_msg("%s %s\n got %.*s\nwant %s", action, repetition ? repetition : "", RAC_FMT(got),
                 want);
    rac_buf_fini(&b);
}

static struct world *ran(const char *actions, const char *outputs, struct world_answer *run)
{
    struct world *w = world_new(1, true);
    rac_str trigger = rac_arena_str(&a, quotes_swapped(RAC_S(REQUEST))),
            what = rac_arena_str(&a, quotes_swapped(rac_str_of(actions)));
    struct rac_flow *f = world_flow(w, trigger.p, what.p);
    world_fire(w, f, quotes_swapped(rac_str_of(outputs)).p, false, run);
    world_settle(w);
    return w;
}

/* A whole document, with parameters and what is secure. */
static struct world *ran_of(const char *document, const char *outputs, struct world_answer *run)
{
    struct world *w = world_new(1, true);
    struct rac_flow *f = world_flow_of(w, quotes_swapped(rac_str_of(document)).p);
    world_fire(w, f, quotes_swapped(rac_str_of(outputs)).p, false, run);
    world_settle(w);
    return w;
}

#define AFTER(x) "'runAfter':{'" x "':['Succeeded']}"

static void in_place(void **state RAC_UNUSED)
{
    struct world_answer run;
    struct world *w = ran(
        "{'V':{'type':'InitializeVariable','inputs':{'variables':[{'name':'v','type':'Integer',"
        "'value':'@add(1, triggerBody().n)'}]}},"
        "'Set':{'type':'SetVariable'," AFTER(
            "V") ",'inputs':{'name':'v','value':"
                 "'@add(variables(\"v\"), 10)'}},"
                 "'One':{'type':'Compose'," AFTER(
                     "Set") ",'inputs':{'a':['x',"
                            "'v is @{string(variables(\"v\"))}'],'b':'@@{none}','c':'@{1}'}},"
                            "'Late':{'type':'SetVariable'," AFTER(
                                "One") ",'inputs':{'name':'v','value':0}},"
                                       "'Two':{'type':'Compose'," AFTER(
                                           "Late") ",'inputs':"
                                                   "'@concat(outputs(\"One\").a[0], "
                                                   "string(variables(\"v\")))'},"
                                                   "'If':{'type':'If'," AFTER(
                                                       "Two") ",'expression':{'and':[{'equals':["
                                                              "'@outputs(\"Two\")','x0']},{'not':{'"
                                                              "equals':['@length(outputs(\"Two\"))'"
                                                              ",3]}}]},"
                                                              "'actions':{'Yes':{'type':'Compose','"
                                                              "inputs':'@outputs(\"Two\")'}},'else'"
                                                              ":{'actions':{'No':"
                                                              "{'type':'Compose','inputs':'@"
                                                              "outputs(\"Two\")'}}}},"
                                                              "'Switch':{'type':'Switch'," AFTER(
                                                                  "If") ",'expression':'@toUpper("
                                                                        "outputs(\"Two\"))',"
                                                                        "'cases':{'c':{'case':'X0',"
                                                                        "'actions':{}}}},"
                                                                        "'Fixed':{'type':'Compose'"
                                                                        "," AFTER(
                                                                            "Switch") ",'inputs':{'"
                                                                                      "a':1}},"
                                                                                      "'Scope':{'"
                                                                                      "type':'"
                                                                                      "Scope'"
                                                                                      "," AFTER(
                                                                                          "Fixed") ",'actions':{'Deep':{'type':'Compose','inputs':"
                                                                                                   "'@div(length(outputs(\"One\").a), 2)'}}},"
                                                                                                   "'After':{'type':'Compose'," AFTER(
                                                                                                       "Scope") ",'inputs':"
                                                                                                                "'@equals(length(result(\"Scope\")), int(string(outputs(\"Deep\"))))'}}",
        "{'body':{'n':3}}", &run);
    expect(w, run.run, "V", NULL,
           "variables[0].value: @add(1, triggerBody().n)=4(triggerBody().n=3)");
    expect(w, run.run, "Set", NULL, "value: @add(variables('v'), 10)=14(variables('v')=4)");
    expect(w, run.run, "One", NULL,
           "a[1]: v is @{string(variables('v'))}=\"v is 14\"(string(variables('v'))=\"14\"("
           "variables('v')=14)); c: @{1}=\"1\"");
    expect(w, run.run, "Two", NULL,
           "@concat(outputs('One').a[0], string(variables('v')))=\"x0\"(outputs('One').a[0]=\"x\"; "
           "string(variables('v'))=\"0\"(variables('v')=0))");
    expect(w, run.run, "If", NULL,
           "{\"and\":[{\"equals\":[\"@outputs('Two')\",\"x0\"]},{\"not\":{\"equals\":[\"@length("
           "outputs('Two'))\",3]}}]}=true(equals(outputs('Two'), 'x0')=true(outputs('Two')=\"x0\");"
           " not(equals(length(outputs('Two')), 3))=true(equals(length(outputs('Two')), 3)=false("
           "length(outputs('Two'))=2(outputs('Two')=\"x0\"))))");
    expect(w, run.run, "Yes", NULL, "@outputs('Two')=\"x0\"");
    expect(w, run.run, "No", NULL, "");
    expect(w, run.run, "Switch", NULL, "@toUpper(outputs('Two'))=\"X0\"(outputs('Two')=\"x0\")");
    expect(w, run.run, "Fixed", NULL, "");
    expect(w, run.run, "Scope", NULL, "");
    expect(w, run.run, "Deep", NULL,
           "@div(length(outputs('One').a), 2)=1(length(outputs('One').a)=2(outputs('One').a=[\"x\","
           "\"v is 14\"]))");
    world_free(w);
}

static void in_loops(void **state RAC_UNUSED)
{
    struct world_answer run;
    struct world *w =
        ran("{'V':{'type':'InitializeVariable','inputs':{'variables':[{'name':'v','type':'Integer',"
            "'value':0}]}},"
            "'L':{'type':'Foreach'," AFTER(
                "V") ",'operationOptions':'Sequential','foreach':"
                     "'@triggerBody()','actions':{"
                     "'Up':{'type':'IncrementVariable','inputs':{'name':'v','value':'@add(item(), "
                     "0)'}},"
                     "'C':{'type':'Compose'," AFTER(
                         "Up") ",'inputs':{'t':'@add(item(), variables(\"v\"))'}},"
                               "'U':{'type':'Until'," AFTER(
                                   "C") ",'expression':'@equals(iterationIndexes(\"U\"), 1)',"
                                        "'actions':{'D':{'type':'Compose','inputs':'@add(mul(items("
                                        "\"L\"), 10), "
                                        "iterationIndexes(\"U\"))'}}},"
                                        "'If':{'type':'If'," AFTER(
                                            "U") ",'expression':'@greater(outputs(\"D\"), "
                                                 "20)','actions':{"
                                                 "'Big':{'type':'Compose','inputs':'@sub(outputs("
                                                 "\"C\").t, item())'}}}}},"
                                                 "'After':{'type':'Compose'," AFTER(
                                                     "L") ",'inputs':'@length(outputs(\"C\"))'}}",
            "{'body':[1,2,3]}", &run);
    expect(w, run.run, "Up", "000001", "value: @add(item(), 0)=2(item()=2)");
    expect(w, run.run, "C", "000000",
           "t: @add(item(), variables('v'))=2(item()=1; variables('v')=1)");
    expect(w, run.run, "C", "000002",
           "t: @add(item(), variables('v'))=9(item()=3; variables('v')=6)");
    expect(w, run.run, "D", "000001-000000",
           "@add(mul(items('L'), 10), iterationIndexes('U'))=20(mul(items('L'), 10)=20(items('L')=2"
           "); iterationIndexes('U')=0)");
    expect(w, run.run, "D", "000001-000001",
           "@add(mul(items('L'), 10), iterationIndexes('U'))=21(mul(items('L'), 10)=20(items('L')=2"
           "); iterationIndexes('U')=1)");
    expect(w, run.run, "If", "000000", "@greater(outputs('D'), 20)=false(outputs('D')=11)");
    expect(w, run.run, "If", "000001", "@greater(outputs('D'), 20)=true(outputs('D')=21)");
    expect(w, run.run, "Big", "000000", "");
    expect(w, run.run, "Big", "000001",
           "@sub(outputs('C').t, item())=3(outputs('C').t=5; item()=2)");
    expect(w, run.run, "L", NULL, "");
    expect(w, run.run, "U", "000001", "");
    expect(w, run.run, "After", NULL,
           "@length(outputs('C'))=3(outputs('C')=[{\"t\":2},{\"t\":5},{\"t\":9}])");
    world_free(w);
}

static void errors(void **state RAC_UNUSED)
{
    struct world_answer run;
    struct world *w =
        ran("{'Fails':{'type':'Compose','inputs':{'a':'@add(1, 2)','b':"
            "'@concat(\"x\", string(div(4, sub(triggerBody().n, 3))))','c':'@string(1)'}},"
            "'Top':{'type':'Compose','inputs':'@int(string(triggerBody()))'},"
            "'Broken':{'type':'Compose','inputs':['@add(1','@add(1, 2)']},"
            "'Random':{'type':'Compose','inputs':['@int(concat(\"x\", guid()))','@add(1, 2)']},"
            "'If':{'type':'If','expression':{'equals':['@int(\"y\")',1]},'actions':{}},"
            "'Word':{'type':'If','expression':'@string(triggerBody().n)','actions':{}},"
            "'Branch':{'type':'If','expression':{'equals':['@string(1)','1']},'actions':{'In':{"
            "'type':'Compose','inputs':'@int(\"y\")'}}},"
            "'Select':{'type':'Select','inputs':{'from':'@createArray(4, 2, 0, 1)','select':{'a':"
            "'@add(item(), 1)','b':'@div(8, item())','c':'@item()'}}},"
            "'From':{'type':'Select','inputs':{'from':'@triggerBody().x','select':'@item()'}},"
            "'Kind':{'type':'Query','inputs':{'from':'@range(1, 2)','where':'@string(item())'}},"
            "'Good':{'type':'Select','inputs':{'from':'@range(1, 2)','select':'@string(item())'}},"
            "'Parse':{'type':'ParseJson','inputs':{'content':'@concat(\"{\", \"\")','schema':{}}}}",
            "{'body':{'n':3}}", &run);
    expect(w, run.run, "Fails", NULL,
           "a: @add(1, 2)=-; b: @concat('x', string(div(4, sub(triggerBody().n, 3))))=!("
           "string(div(4, sub(triggerBody().n, 3)))=-(div(4, sub(triggerBody().n, 3))=!("
           "sub(triggerBody().n, 3)=0(triggerBody().n=3)))); c: @string(1)=-");
    expect(w, run.run, "Top", NULL,
           "@int(string(triggerBody()))=!(string(triggerBody())=\"{\\\"n\\\":3}\"(triggerBody()={"
           "\"n\":3}))");
    expect(w, run.run, "Broken", NULL, "[0]: @add(1=!; [1]: @add(1, 2)=-");
    /* it fails now as it did then, but not the same: where, yes; the parts, no */
    expect(w, run.run, "Random", NULL, "[0]: @int(concat('x', guid()))=!; [1]: @add(1, 2)=-");
    expect(w, run.run, "If", NULL, "{\"equals\":[\"@int('y')\",1]}=!(int('y')=!)");
    expect(w, run.run, "Word", NULL, "@string(triggerBody().n)=!(triggerBody().n=3)");
    expect(w, run.run, "Branch", NULL, "{\"equals\":[\"@string(1)\",\"1\"]}=true(string(1)=\"1\")");
    expect(w, run.run, "In", NULL, "@int('y')=!");
    /* the element for which it failed */
    expect(w, run.run, "Select", NULL,
           "from: @createArray(4, 2, 0, 1)=[4,2,0,1]; select.a: @add(item(), 1)=-; select.b: "
           "@div(8, item())=!(item()=0); select.c: @item()=-");
    expect(w, run.run, "From", NULL, "from: @triggerBody().x=!; select: @item()=-");
    /* no expression failed */
    expect(w, run.run, "Kind", NULL, "from: @range(1, 2)=[1,2]; where: @string(item())=-");
    expect(w, run.run, "Good", NULL, "from: @range(1, 2)=[1,2]; select: @string(item())=-");
    expect(w, run.run, "Parse", NULL, "content: @concat('{', '')=\"{\"");
    world_free(w);
}

static void never_the_same(void **state RAC_UNUSED)
{
    struct world_answer run;
    struct world *w = ran("{'T':{'type':'Compose','inputs':{'a':'@concat(utcNow(), string(1))','b':"
                          "'@length(concat(guid(), string(1)))','c':'@if(true, string(1), "
                          "utcNow())','d':'@length(workflow().run.name)'}},"
                          "'H':{'type':'HttpWebhook','inputs':{'subscribe':{'method':'POST','uri':"
                          "'@concat(\"https://api.example/\", "
                          "string(1))','body':'@greater(length(listCallbackUrl()), 0)'}}}}",
                          "{}", &run);
    world_pass(w, 1000);
    expect(w, run.run, "T", NULL,
           "a: @concat(utcNow(), string(1))=\"2026-01-01T00:00:00.0000000Z1\"; b: "
           "@length(concat(guid(), string(1)))=37(concat(guid(), string(1))=-(guid()=-; string(1)="
           "\"1\")); c: @if(true, string(1), utcNow())=\"1\"(string(1)=\"1\"; utcNow()=-); d: "
           "@length(workflow().run.name)=33(workflow().run.name=-)");
    expect(w, run.run, "H", NULL,
           "subscribe.uri: @concat('https://api.example/', string(1))=\"https://api.example/1\"("
           "string(1)=\"1\"); subscribe.body: @greater(length(listCallbackUrl()), "
           "0)=true(length(listCallbackUrl())=-(listCallbackUrl()=-))");
    world_free(w);
}

static void asked_and_tried_again(void **state RAC_UNUSED)
{
    struct world_answer run;
    struct world *w = ran(
        "{'N':{'type':'Compose','inputs':5},'H':{'type':'Http'," AFTER(
            "N") ",'inputs':{'method':'POST','uri':'@concat(\"https://api.example/\", "
                 "string(outputs(\"N\"))"
                 ")','headers':{'Authorization':'@concat(\"Bearer \", string(outputs(\"N\")))'},"
                 "'authentication':{'type':'Basic','username':'u','password':"
                 "'@string(outputs(\"N\"))'},'retryPolicy':{'type':'fixed','count':2,'interval':'"
                 "PT5S'}}}}",
        "{}", &run);
    world_answer(w, world_fetch(w, "/5"), 500, "", "");
    world_pass(w, 5000);
    world_answer(w, world_fetch(w, "/5"), 404, "", "");
    /* the failure of the request belongs to no expression; credentials are not told of */
    expect(w, run.run, "H", NULL,
           "uri: @concat('https://api.example/', string(outputs('N')))=\"https://api.example/5\"("
           "string(outputs('N'))=\"5\"(outputs('N')=5)); headers.Authorization: @concat('Bearer ', "
           "string(outputs('N')))=\"*sanitized*\"");
    world_free(w);
}

static void run_again_from_an_action(void **state RAC_UNUSED)
{
    struct world_answer first, run = {0};
    struct world *w =
        ran("{'After':{'type':'Compose'," AFTER(
                "Early") ",'inputs':'@add(outputs(\"Early\"), 1)'},"
                         "'V':{'type':'InitializeVariable','inputs':{'variables':[{'name':'v','"
                         "type':'Integer',"
                         "'value':1}]}},"
                         "'Early':{'type':'Compose'," AFTER(
                             "V") ",'inputs':'@if(greater(variables(\"v\"), 0), "
                                  "add(3, 4), 0)'},"
                                  "'Up':{'type':'IncrementVariable'," AFTER(
                                      "After") ",'inputs':{'name':'v'}},"
                                               "'H':{'type':'Http'," AFTER(
                                                   "Up") ",'inputs':{'method':'POST','uri':"
                                                         "'https://api.example/"
                                                         "h','body':'@add(variables(\"v\"), "
                                                         "outputs(\"After\"))'}}}",
            "{}", &first);
    world_answer(w, world_fetch(w, "/h"), 404, "", "");
    const char *early = "@if(greater(variables('v'), 0), add(3, 4), 0)=7(greater(variables('v'), "
                        "0)=true(variables('v')=1); add(3, 4)=7)",
               *sent = "body: @add(variables('v'), outputs('After'))=10(variables('v')=2; "
                       "outputs('After')=8)";
    expect(w, first.run, "Early", NULL, early);
    expect(w, first.run, "H", NULL, sent);
    world_pass(w, 60000);
    struct rac_fire fire = {.flow = w->flows[0],
                            .copy_run = rac_str_of(first.run),
                            .copy_action = RAC_S("H"),
                            .bypass_limits = true};
    rac_engine_fire(w->engine, &fire, world_fired, &run);
    world_settle(w);
    world_answer(w, world_fetch(w, "/h"), 200, "", "");
    /* variables are taken over as they were in the end: of what ran before they are not told, nor
     * which way they made it go; what was defined before what it comes after has it all the same */
    expect(w, run.run, "Early", NULL,
           "@if(greater(variables('v'), 0), add(3, 4), 0)=7(greater(variables('v'), 0)=-("
           "variables('v')=-); add(3, 4)=-)");
    expect(w, run.run, "After", NULL, "@add(outputs('Early'), 1)=8(outputs('Early')=7)");
    expect(w, run.run, "H", NULL, sent);
    world_free(w);
}

#define DOCUMENT(parameters, trigger, actions, given)                                              \
    "{'definition':{'$schema':'https://schema.management.azure.com/providers/Microsoft.Logic/"     \
    "schemas/2016-06-01/workflowdefinition.json#','contentVersion':'1.0.0.0','parameters':"        \
    "{" parameters "},'triggers':{'t':{'type':'Request','kind':'Http'" trigger                     \
    "}},'actions':{" actions "}},'parameters':{" given "}}"
#define SECURE(what) ",'runtimeConfiguration':{'secureData':{'properties':[" what "]}}"

/* clang-format off */
static const char with_secure_parameters[] = DOCUMENT(
    "'key':{'type':'SecureString'},'o':{'type':'SecureObject'},'p':{'type':'String'}", "",
    "'C':{'type':'Compose','inputs':{'a':'@parameters(\"key\")','b':"
    "'@length(concat(parameters(\"key\"), parameters(\"p\")))','c':"
    "'@equals(parameters(\"o\").pin, 1)','d':'@length(parameters(\"KEY\"))'}},"
    "'D':{'type':'Compose'," AFTER("C") ",'inputs':'@length(outputs(\"C\").a)'},"
    "'E':{'type':'Compose','inputs':['@string(1)','@int(parameters(\"key\"))']}",
    "'key':{'value':'covert'},'o':{'value':{'pin':4711}},'p':{'value':'overt'}");

static const char with_secure_data[] = DOCUMENT("", "",
    "'V':{'type':'InitializeVariable','inputs':{'variables':[{'name':'v','type':'String'}]}},"
    "'Get':{'type':'Http'," AFTER("V") ",'inputs':{'method':'POST','uri':"
    "'https://api.example/h','body':'@concat(\"cov\", \"ert\")'}" SECURE("'outputs'") "},"
    "'Copy':{'type':'Compose'," AFTER("Get") ",'inputs':'@toUpper(body(\"Get\"))'},"
    "'Set':{'type':'SetVariable'," AFTER("Copy") ",'inputs':{'name':'v','value':"
    "'@body(\"Get\")'}},"
    "'Open':{'type':'Compose'," AFTER("Set") ",'inputs':"
    "'@greater(length(string(triggerBody())), 0)'},"
    "'Uses':{'type':'Compose'," AFTER("Open") ",'inputs':{'a':'@length(variables(\"v\"))','b':"
    "'@length(result(\"S\"))','c':'@length(string(outputs(\"Open\")))'}},"
    "'Dynamic':{'type':'Compose'," AFTER("Open") ",'inputs':"
    "'@length(outputs(concat(\"Co\", \"py\")))'},"
    "'S':{'type':'Scope'," AFTER("V") ",'actions':{'In':{'type':'Compose','inputs':1}}},"
    "'L':{'type':'Foreach'," AFTER("Uses") ",'foreach':'@array(body(\"Get\"))','actions':{"
    "'Each':{'type':'Compose','inputs':{'a':'@length(item())','b':'@length(items(\"L\"))'}}}}",
    "");

static const char with_a_secure_trigger[] = DOCUMENT("", SECURE("'outputs'"),
    "'A':{'type':'Compose','inputs':'@triggerBody()'},"
    "'B':{'type':'Compose','inputs':'@length(string(1))'},"
    "'C':{'type':'Http','inputs':{'method':'GET','uri':"
    "'@concat(\"https://api.example/\", string(1))'}" SECURE("'inputs'") "}",
    "");
/* clang-format on */

static void secure_parameters(void **state RAC_UNUSED)
{
    struct world_answer run;
    struct world *w = ran_of(with_secure_parameters, "{}", &run);
    expect(w, run.run, "C", NULL,
           "a: @parameters('key')=\"*sanitized*\"; b: @length(concat(parameters('key'), "
           "parameters('p')))=11(concat(parameters('key'), parameters('p'))=-(parameters('key')="
           "\"*sanitized*\"; parameters('p')=\"overt\")); c: @equals(parameters('o').pin, 1)=false("
           "parameters('o').pin=\"*sanitized*\"); d: @length(parameters('KEY'))=6("
           "parameters('KEY')=\"*sanitized*\")");
    expect(w, run.run, "D", NULL, "@length(outputs('C').a)=6(outputs('C').a=\"*sanitized*\")");
    /* the message is hidden, so whether it fails in the same way is not known */
    expect(w, run.run, "E", NULL, "[0]: @string(1)=-; [1]: @int(parameters('key'))=!");
    world_free(w);
}

static void secure_data(void **state RAC_UNUSED)
{
    struct world_answer run;
    struct world *w = ran_of(with_secure_data, "{'body':'overt'}", &run);
    world_answer(w, world_fetch(w, "/h"), 200, "Content-Type: text/plain", "covert");
    expect(w, run.run, "Get", NULL, "body: @concat('cov', 'ert')=\"covert\"");
    expect(w, run.run, "Copy", NULL, "");
    expect(w, run.run, "Set", NULL, "");
    expect(w, run.run, "Open", NULL,
           "@greater(length(string(triggerBody())), 0)=true(length(string(triggerBody()))=5("
           "string(triggerBody())=\"overt\"(triggerBody()=\"overt\")))");
    expect(w, run.run, "Uses", NULL,
           "a: @length(variables('v'))=6(variables('v')=-); b: @length(result('S'))=1("
           "result('S')=-); c: @length(string(outputs('Open')))=4(string(outputs('Open'))=\"True\"("
           "outputs('Open')=true))");
    expect(w, run.run, "Dynamic", NULL, "");
    expect(w, run.run, "Each", "000000",
           "a: @length(item())=6(item()=-); b: @length(items('L'))=6(items('L')=-)");
    world_free(w);
    w = ran_of(with_a_secure_trigger, "{'body':'covert'}", &run);
    world_answer(w, world_fetch(w, "/1"), 200, "", "x");
    expect(w, run.run, "A", NULL, "");
    expect(w, run.run, "B", NULL, "@length(string(1))=1(string(1)=\"1\")");
    expect(w, run.run, "C", NULL, "");
    world_free(w);
}

static void large(void **state RAC_UNUSED)
{
    struct world_answer run;
    struct world *w =
        ran("{'Much':{'type':'Compose','inputs':'@length(string(concat(triggerBody().t)))'},"
            "'Small':{'type':'Compose','inputs':'@length(triggerBody().s)'},"
            "'Many':{'type':'Foreach'," AFTER(
                "Small") ",'foreach':'@range(0, 100000)','actions':{'C':{"
                         "'type':'Compose','inputs':{'a':'@add(item(), 1)','b':'x'}}}}}",
            rac_arena_printf(&a, "{'body':{'s':'overt','t':'%0*d'}}", 900000, 1).p, &run);
    struct rac_json o;
    /* all of the parts together have so many bytes of values: the third, which comes first, has none
     * left */
    struct rac_history *h = world_history(w, run.run, &a);
    o = rac_traces_of(h, rac_history_action(h, RAC_S("Much")), NULL, &w->env, &a);
    const struct rac_json *part = rac_json_at(RAC_JSON_GET(&o, "inputs"), 0);
    unsigned with = 0, n = 0;
    while ((part = rac_json_at(RAC_JSON_GET(part, "subexpressions"), 0)) != NULL) {
        with += RAC_JSON_GET(part, "value") != NULL;
        n++;
    }
    assert_int_equal(n, 3);
    assert_int_equal(with, 1);
    expect(w, run.run, "Small", NULL, "@length(triggerBody().s)=5(triggerBody().s=\"overt\")");
    expect(w, run.run, "C", "000007", "a: @add(item(), 1)=8(item()=7)");
    expect(w, run.run, "C", "099999", "a: @add(item(), 1)=100000"); /* so much state is not made */
    world_free(w);
}

/* --- random runs ------------------------------------------------------------------------------ */

struct random {
    uint64_t state;
    struct rac_buf b;
    unsigned named;
};

static unsigned any(struct random *r, unsigned n)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(r->state >> 33) % n;
}

static void put(struct random *r, const char *text)
{
    rac_buf_add(&r->b, rac_str_of(text));
}

static void graph(struct random *r, unsigned depth, bool loop);

/* Every one of them computes with variables that others change meanwhile. */
static void action(struct random *r, unsigned depth, bool loop, const char *name)
{
    static const char *const leaves[] = {
        "'type':'Compose','inputs':'@add(variables(\"v\"), length(variables(\"log\")))'",
        "'type':'IncrementVariable','inputs':{'name':'v','value':'@add(length(variables(\"log\")), "
        "1)'}",
        "'type':'AppendToArrayVariable','inputs':{'name':'log','value':'@mul(variables(\"v\"), "
        "2)'}",
        "'type':'SetVariable','inputs':{'name':'v','value':'@mod(add(variables(\"v\"), 7), 100)'}",
        "'type':'Http','inputs':{'method':'GET','uri':'@concat(\"https://h.example/\", "
        "string(variables(\"v\")))'}",
        "'type':'Compose','inputs':{'a':['@add(mul(item(), 2), variables(\"v\"))']}",
    };
    unsigned kind = any(r, depth < 3 ? 9 : 5);
    put(r, rac_arena_printf(&a, "'%s':{", name).p);
    if (kind < 5) {
        put(r, leaves[loop ? any(r, 6) : kind]);
    } else if (kind == 5) {
        put(r, "'type':'Foreach','foreach':[1,2,3],'actions':{");
        graph(r, depth + 1, true);
        put(r, "}");
    } else if (kind == 6) {
        put(r, "'type':'If','expression':{'less':['@mod(variables(\"v\"), 3)',1]},'actions':{");
        graph(r, depth + 1, loop);
        put(r, "},'else':{'actions':{");
        graph(r, depth + 1, loop);
        put(r, "}}");
    } else if (kind == 7) {
        put(r, rac_arena_printf(&a,
                                "'type':'Until','expression':'@equals(iterationIndexes(\"%s\"), 1)'"
                                ",'limit':{'count':5},'actions':{",
                                name)
                   .p);
        graph(r, depth + 1, loop);
        put(r, "}");
    } else {
        put(r, "'type':'Scope','actions':{");
        graph(r, depth + 1, loop);
        put(r, "}");
    }
}

static void graph(struct random *r, unsigned depth, bool loop)
{
    char name[16], before[16] = "";
    for (unsigned i = 0, n = 1 + any(r, 3); i < n; i++) {
        snprintf(name, sizeof name, "A%u", ++r->named);
        put(r, i > 0 ? "," : "");
        action(r, depth, loop, name);
        if (before[0] != '\0' && any(r, 3) > 0)
            put(r, rac_arena_printf(&a, ",'runAfter':{'%s':['Succeeded']}", before).p);
        put(r, "}");
        snprintf(before, sizeof before, "%s", name);
    }
}

/* Every expression of a record comes to its recorded value again, so that its parts are told. */
static unsigned check(const struct rac_history *h, const struct rac_history_record *x,
                      struct world *w, uint64_t seed)
{
    struct rac_json o = rac_traces_of(h, x, NULL, &w->env, &a);
    const struct rac_json *roots = &rac_json_member_at(&o, 0)->value;
    RAC_JSON_EACH(root, roots)
    if (rac_json_len(RAC_JSON_GET(root, "subexpressions")) == 0)
        fail_msg("seed %llu, %.*s %s: %.*s", (unsigned long long)seed, RAC_FMT(x->action->name),
                 x->repetition, RAC_FMT(rac_json_print_str(root, 0, &a)));
    return (unsigned)rac_json_len(roots);
}

static unsigned random_run(uint64_t seed)
{
    struct random r = {.state = seed};
    struct world_answer run;
    unsigned checked = 0;
    size_t n, total, more;
    rac_buf_init(&r.b, 1 << 24);
    put(&r, "{'I':{'type':'InitializeVariable','inputs':{'variables':[{'name':'v','type':'Integer',"
            "'value':1},{'name':'log','type':'Array','value':[]}]}},'All':{'type':'Scope',"
            "'runAfter':{'I':['Succeeded']},'actions':{");
    graph(&r, 0, false);
    put(&r, "}}}");
    struct world *w = ran(rac_arena_str(&a, rac_buf_str(&r.b)).p, "{}", &run);
    for (unsigned held = 0; w->fetches != NULL; held = 0) { /* answered in any order */
        struct world_fetch *f = w->fetches;
        for (const struct world_fetch *x = f; x != NULL; x = x->next)
            held++;
        for (unsigned k = any(&r, held); k > 0; k--)
            f = f->next;
        world_answer(w, f, 200, "", "x");
    }
    struct rac_history *h = world_history(w, run.run, &a);
    const struct rac_history_record *v;
    struct rac_history_record *repeated;
    rac_history_actions(h, &v, &n);
    for (size_t i = 0; i < n; i++) {
        if (v[i].repetitions < 0) {
            checked += check(h, &v[i], w, seed);
            continue;
        }
        assert_int_equal(
            rac_history_repetitions(h, v[i].action->name, 0, 100, &a, &repeated, &more, &total),
            RAC_OK);
        for (size_t k = 0; k < more; k++)
            checked += check(h, &repeated[k], w, seed);
    }
    rac_buf_fini(&r.b);
    world_free(w);
    return checked;
}

static void random_runs(void **state RAC_UNUSED)
{
    unsigned checked = 0;
    for (uint64_t seed = 1; seed <= 40; seed++)
        checked += random_run(seed);
    assert_in_range(checked, 500, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_place),
        cmocka_unit_test(in_loops),
        cmocka_unit_test(errors),
        cmocka_unit_test(never_the_same),
        cmocka_unit_test(asked_and_tried_again),
        cmocka_unit_test(run_again_from_an_action),
        cmocka_unit_test(secure_parameters),
        cmocka_unit_test(secure_data),
        cmocka_unit_test(large),
        cmocka_unit_test(random_runs),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
