/* Dynamic values, lists, schemas and trees, with a fake API. */
#include "unit.h"

#include "base/buf.h"
#include "connector/dynamic.h"

struct asked {
    rac_str operation, follow, args;
    rac_dynamic_answered done;
    void *arg;
    bool open;
};

static struct world {
    struct rac_arena a;
    void (*fn)(void *);
    void *fn_arg;
    struct asked asked[64];
    size_t asked_n;
    struct rac_dynamic_invoker invoker;
    const struct rac_json *definition;
    struct rac_dynamic_res res;
    int done;
} * W;

static void defer(void *self, void (*fn)(void *), void *arg)
{
    (void)self;
    W->fn = fn;
    W->fn_arg = arg;
}

static void *net_start(void *self, rac_str operation, const struct rac_json *args, rac_str follow,
                       struct rac_arena *a, rac_dynamic_answered done, void *arg)
{
    (void)self;
    struct asked *k = &W->asked[W->asked_n++];
    *k = (struct asked){operation, follow, args ? rac_json_print_str(args, 0, a) : RAC_STR_NULL,
                        done,      arg,    true};
    return k;
}
static void net_cancel(void *self, void *handle)
{
    (void)self;
    ((struct asked *)handle)->open = false;
}

static int setup(void **state)
{
    W = test_calloc(1, sizeof *W);
    rac_arena_init(&W->a, 64 << 20);
    W->invoker = (struct rac_dynamic_invoker){net_start, net_cancel, W};
    *state = W;
    return 0;
}
static int teardown(void **state)
{
    (void)state;
    rac_arena_fini(&W->a);
    test_free(W);
    return 0;
}

static const struct rac_json *J(const char *text)
{
    char *copy = rac_arena_cstr(&W->a, rac_str_of(text));
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    struct rac_json *v = RAC_NEW(&W->a, struct rac_json);
    struct rac_json_error e = {0};
    if (rac_json_parse(rac_str_of(copy), &W->a, 0, v, &e) != RAC_OK)
        fail_msg("%s: %s", text, e.message);
    return v;
}

static void on_done(void *arg, const struct rac_dynamic_res *res)
{
    (void)arg;
    W->done++;
    W->res = *res;
}

static struct rac_dynamic_run *ask_with(struct rac_dynamic_ask ask)
{
    ask.definition = W->definition;
    W->done = 0;
    W->asked_n = 0;
    struct rac_dynamic_run *r =
        rac_dynamic_start(&ask, &W->invoker, defer, NULL, &W->a, on_done, NULL);
    assert_int_equal(W->done, 0);
    return r;
}
static void ask(const char *operation, const char *parameter, const char *path,
                enum rac_dynamic_kind kind, const char *filled)
{
    ask_with((struct rac_dynamic_ask){.operation_id = rac_str_of(operation),
                                      .parameter = rac_str_of(parameter),
                                      .path = rac_str_of(path),
                                      .kind = kind,
                                      .parameters = filled ? J(filled) : NULL});
    W->fn(W->fn_arg);
}

static void reply(int status, const char *body)
{
    struct asked *k = &W->asked[W->asked_n - 1];
    struct rac_dynamic_answer x = {
        .status = status, .body = *J(body), .url = RAC_S("https://api.example/v1/quays?x=1")};
    assert_true(k->open);
    k->open = false;
    k->done(k->arg, &x);
}

static rac_str shown(void)
{
    struct rac_json o = rac_dynamic_json(&W->res, &W->a);
    rac_str s = rac_json_print_str(&o, 0, &W->a);
    char *p = rac_arena_cstr(&W->a, s);
    for (size_t i = 0; i < s.n; i++)
        if (p[i] == '"')
            p[i] = '\'';
    return (rac_str){p, s.n};
}

static const char definition[] =
    "{'swagger':'2.0','paths':{"
    "'/quays':{'get':{'operationId':'ListQuays','parameters':[{'name':'port','in':'query',"
    "'type':'string'},{'name':'open','in':'query','type':'boolean'}],'responses':{'200':{}}}},"
    "'/find':{'post':{'operationId':'Find','parameters':[{'name':'q','in':'body','schema':{"
    "'type':'object'}}],'responses':{}}},"
    "'/form':{'get':{'operationId':'GetForm','parameters':[{'name':'kind','in':'query','type':"
    "'string'}],'responses':{}}},"
    "'/root':{'get':{'operationId':'ListRoot','responses':{}}},"
    "'/kids':{'get':{'operationId':'ListChildren','parameters':[{'name':'parent','in':'query',"
    "'type':'string'}],'responses':{}}},"
    "'/calls':{'post':{'operationId':'Book','parameters':["
    "{'name':'port','in':'query','type':'string','x-ms-summary':'Port'},"
    "{'name':'quay','in':'query','type':'string',"
    "'x-ms-dynamic-values':{'operationId':'ListQuays','value-collection':'items','value-path':'"
    "code',"
    "'value-title':'label/fr','parameters':{'port':{'parameter':'port'},'open':true}}},"
    "{'name':'both','in':'query','type':'string',"
    "'x-ms-dynamic-values':{'operationId':'Missing','value-path':'x'},"
    "'x-ms-dynamic-list':{'operationId':'ListQuays','itemsPath':'a/b','itemValuePath':'id'}},"
    "{'name':'who','in':'query','type':'string','x-ms-dynamic-values':{'builtInOperation':"
    "'AadGraph.GetUsers'}},"
    "{'name':'folder','in':'query','type':'string','x-ms-dynamic-tree':{'settings':{"
    "'canSelectParentNodes':true,'canSelectLeafNodes':false},'open':{'operationId':'ListRoot',"
    "'itemsPath':'nodes','itemValuePath':'id','itemTitlePath':'name','itemIsParent':"
    "'(isDir eq true)'},'browse':{'operationId':'ListChildren','itemsPath':'nodes',"
    "'itemValuePath':'id','itemTitlePath':'name','itemIsParent':'(isDir eq true)','parameters':{"
    "'parent':{'selectedItemValuePath':'id'}}}}},"
    "{'name':'file','in':'query','type':'string','x-ms-dynamic-values':{'capability':'file-picker',"
    "'value-path':'Path'}},"
    "{'name':'deal','in':'body','schema':{'$ref':'#/definitions/Deal'}}"
    "],'responses':{'200':{'schema':{'type':'object','title':'Kept','x-ms-dynamic-schema':{"
    "'operationId':'GetForm','parameters':{'kind':{'parameter':'kind'}},'value-path':'shape/"
    "properties'},'x-ms-dynamic-properties':{'operationId':'GetForm','parameters':{'kind':{"
    "'parameterReference':'deal/kind'}},'itemValuePath':'shape'}}}}}}},"
    "'definitions':{'Deal':{'type':'object','properties':{"
    "'kind':{'type':'string','x-ms-summary':'Kind'},"
    "'tags':{'type':'array','items':{'type':'string','x-ms-dynamic-list':{'operationId':'Find',"
    "'itemValuePath':'id','itemTitlePath':'t','parameters':{'body/kind':{'parameterReference':"
    "'body/kind'},'limit':{'value':5}}}}},"
    "'form':{'type':'object','description':'Static','x-ms-dynamic-schema':{'operationId':'GetForm',"
    "'parameters':{'kind':'x'}}}}}},"
    "'x-ms-capabilities':{'file-picker':{'open':{'operationId':'ListRoot'},'browse':{'operationId':"
    "'ListChildren','parameters':{'parent':{'value-property':'Path'}}},'value-title':'Name',"
    "'value-folder-property':'IsFolder','value-media-property':'MediaType'}}}";

static void test_values(void **state)
{
    (void)state;
    W->definition = J(definition);
    ask("Book", "quay", NULL, RAC_DYNAMIC_VALUES, "{'port':'le-havre'}");
    assert_str(W->asked[0].operation, "ListQuays");
    assert_str(W->asked[0].args, "{\"port\":\"le-havre\",\"open\":true}");
    reply(200, "{'items':[{'code':1,'label':{'fr':'Un'}},{'code':'b'},{'label':{'fr':'x'}}]}");
    assert_str(shown(),
               "{'value':[{'value':1,'displayName':'Un'},{'value':'b','displayName':'b'}]}");
    /* nothing filled in: no call */
    ask("Book", "quay", NULL, RAC_DYNAMIC_VALUES, NULL);
    assert_int_equal(W->res.state, RAC_DYNAMIC_NEEDS_INPUT);
    assert_str(W->res.needs, "port");
    assert_str(W->res.message, "Pick \"Port\" first.");
    ask("Book", "quay", NULL, RAC_DYNAMIC_VALUES, "{'port':'@triggerBody().port'}");
    assert_int_equal(W->res.state, RAC_DYNAMIC_FREE_TEXT);
    ask("Book", "quay", NULL, RAC_DYNAMIC_VALUES, "{'port':'@@home'}");
    assert_int_equal(W->asked_n, 1);
    reply(200, "['a',2,true]"); /* scalars are value and label */
    assert_str(shown(), "{'value':[{'value':'a','displayName':'a'},{'value':2,'displayName':'2'},"
                        "{'value':true,'displayName':'true'}]}");
    ask("Book", "who", NULL, RAC_DYNAMIC_VALUES, NULL);
    assert_int_equal(W->res.state, RAC_DYNAMIC_FREE_TEXT);
    ask("Book", "port", NULL, RAC_DYNAMIC_VALUES, NULL);
    assert_int_equal(W->res.state, RAC_DYNAMIC_NONE);
    assert_int_equal(W->done, 1);
}

static void test_twins_and_collections(void **state)
{
    (void)state;
    W->definition = J(definition);
    ask("Book", "both", NULL, RAC_DYNAMIC_VALUES, NULL);
    assert_str(W->asked[0].operation, "ListQuays"); /* the list form wins */
    reply(200, "{'a':{'b':[{'id':'1'}]}}");
    assert_str(shown(), "{'value':[{'value':'1','displayName':'1'}]}");
    ask("Book", "both", NULL, RAC_DYNAMIC_VALUES, NULL);
    reply(200, "{'n':3,'other':[{'id':'2'}]}"); /* first array property */
    assert_str(shown(), "{'value':[{'value':'2','displayName':'2'}]}");
    ask("Book", "both", NULL, RAC_DYNAMIC_VALUES, NULL);
    reply(200, "{'n':3}");
    assert_int_equal(W->res.state, RAC_DYNAMIC_FAILED);
    ask("Book", "both", NULL, RAC_DYNAMIC_VALUES, NULL);
    reply(403, "{'error':{'message':'not yours'}}");
    assert_str(W->res.message, "The API answered 403: not yours");
    assert_int_equal(W->res.status, 403);
}

static void test_pages(void **state)
{
    (void)state;
    W->definition = J(definition);
    ask("Book", "both", NULL, RAC_DYNAMIC_VALUES, NULL);
    reply(200, "{'value':[{'id':1}],'nextLink':'?page=2'}");
    assert_str(W->asked[1].follow, "https://api.example/v1/quays?page=2");
    assert_str(W->asked[1].args,
               rac_arena_cstr(&W->a, W->asked[0].args)); /* a host may be made of them */
    reply(200, "{'value':[{'id':2}],'@odata.nextLink':'https://api.example/3'}");
    reply(500, "{'message':'tired'}");
    assert_str(shown(), "{'value':[{'value':1,'displayName':'1'},{'value':2,'displayName':'2'}],"
                        "'incomplete':true,'message':'The API answered 500: tired'}");
    assert_int_equal(W->res.state, RAC_DYNAMIC_OK);
    ask("Book", "both", NULL, RAC_DYNAMIC_VALUES, NULL); /* endless */
    while (W->done == 0)
        reply(200, "{'value':[{'id':1}],'nextLink':'https://api.example/again'}");
    assert_int_equal(W->asked_n, RAC_DYNAMIC_PAGES_MAX);
    assert_true(W->res.incomplete);
}

/* References into a body, names that are paths into the target's body. */
static void test_bodies(void **state)
{
    (void)state;
    W->definition = J(definition);
    ask("Book", "deal", "tags", RAC_DYNAMIC_VALUES, "{'deal':{'kind':'k'}}");
    assert_str(W->asked[0].operation, "Find");
    assert_str(W->asked[0].args, "{\"q\":{\"kind\":\"k\",\"limit\":5}}");
    reply(200, "[{'id':1,'t':'T'}]");
    assert_str(shown(), "{'value':[{'value':1,'displayName':'T'}]}");
    ask("Book", "deal", "/tags", RAC_DYNAMIC_VALUES, "{'deal':{'kind':''}}");
    assert_str(W->res.needs, "body/kind");
}

static void test_schema(void **state)
{
    (void)state;
    W->definition = J(definition);
    ask("Book", NULL, NULL, RAC_DYNAMIC_SCHEMA, "{'deal':{'kind':'k'}}");
    assert_str(W->asked[0].args, "{\"kind\":\"k\"}"); /* the -properties twin */
    reply(200, "{'shape':{'type':'object','title':'Lost','properties':{'a':{'type':'string'}}}}");
    assert_str(shown(), "{'schema':{'type':'object','title':'Kept','properties':{'a':{'type':"
                        "'string'}}}}");
    ask("Book", NULL, NULL, RAC_DYNAMIC_SCHEMA, "{'deal':{'kind':'k'}}");
    reply(200, "{'shape':{'type':{'type':'string'},'b':{'type':'integer'}}}"); /* a map */
    assert_str(shown(), "{'schema':{'type':'object','title':'Kept','properties':{'type':{'type':"
                        "'string'},'b':{'type':'integer'}}}}");
    ask("Book", NULL, NULL, RAC_DYNAMIC_SCHEMA, "{'deal':{'kind':'k'}}");
    reply(200, "{'shape':{}}");
    assert_str(shown(), "{'schema':null}");
    ask("Book", "deal", "form", RAC_DYNAMIC_SCHEMA, NULL);
    assert_str(W->asked[0].args, "{\"kind\":\"x\"}");
    reply(200, "{'c':{'type':'string'}}"); /* no path: the answer is the map */
    assert_str(shown(), "{'schema':{'type':'object','description':'Static','properties':{'c':{"
                        "'type':'string'}}}}");
}

static void test_nested_schema(void **state)
{
    (void)state;
    W->definition = J(definition);
    static const char deeper[] =
        "{'properties':{'n':{'type':'object','x-ms-dynamic-schema':{'operationId':'GetForm',"
        "'parameters':{'kind':'again'}}}}}";
    ask("Book", "deal", "form", RAC_DYNAMIC_SCHEMA, NULL);
    while (W->done == 0)
        reply(200, deeper);
    assert_int_equal(W->asked_n, 1 + RAC_DYNAMIC_DEPTH_MAX);
    /* the whole body: its static part, with the dynamic property resolved in place */
    ask("Book", "deal", NULL, RAC_DYNAMIC_SCHEMA, NULL);
    assert_int_equal(W->asked_n, 1);
    reply(200, "{'properties':{'z':{'type':'string'}}}");
    const struct rac_json *form =
        rac_dynamic_path(&W->res.schema, RAC_S("properties/form/properties/z/type"));
    assert_str(rac_json_str(form, RAC_S("")), "string");
    assert_non_null(rac_dynamic_path(&W->res.schema, RAC_S("properties/kind")));
}

static void test_tree(void **state)
{
    (void)state;
    W->definition = J(definition);
    ask("Book", "folder", NULL, RAC_DYNAMIC_TREE, NULL);
    assert_str(W->asked[0].operation, "ListRoot");
    reply(200, "{'nodes':[{'id':'d','name':'Dir','isDir':true},{'id':'f','name':'F','isDir':"
               "false}]}");
    assert_str(shown(),
               "{'value':[{'value':'d','displayName':'Dir','isParent':true,'selectable':true,"
               "'selection':{'id':'d'}},{'value':'f','displayName':'F','isParent':false,"
               "'selectable':false,'selection':{'id':'f'}}]}");
    ask_with((struct rac_dynamic_ask){.operation_id = RAC_S("Book"),
                                      .parameter = RAC_S("folder"),
                                      .kind = RAC_DYNAMIC_ANY,
                                      .selection = J("{'id':'d'}")});
    W->fn(W->fn_arg);
    assert_str(W->asked[0].operation, "ListChildren");
    assert_str(W->asked[0].args, "{\"parent\":\"d\"}");
    reply(200, "{'nodes':[]}");
    assert_str(shown(), "{'value':[]}");
    ask("Book", "file", NULL, RAC_DYNAMIC_TREE, NULL);
    reply(200, "[{'Path':'/a','Name':'a','IsFolder':true},{'Path':'/b','Name':'b','MediaType':"
               "'image/png'}]");
    assert_str(shown(), "{'value':[{'value':'/a','displayName':'a','isParent':true,'selectable':"
                        "false,'selection':{'Path':'/a'}},{'value':'/b','displayName':'b',"
                        "'isParent':false,'selectable':true,'mediaType':'image/png','selection':{"
                        "'Path':'/b'}}]}");
}

static void test_is_parent(void **state)
{
    (void)state;
    const struct rac_json *item = J("{'d':true,'s':'folder','n':3,'x':{'y':'Z'},'t':'true'}");
    static const struct {
        const char *text;
        int want; /* 2: not valid */
    } cases[] = {
        {"true", 1},
        {"false", 0},
        {"(d eq true)", 1},
        {"d eq false", 0},
        {"d", 1},
        {"nope", 0},
        {"(s eq 'folder')", 1},
        {"(s eq folder)", 1},
        {"s ne \"folder\"", 0},
        {"n gt 2", 1},
        {"n le 2", 0},
        {"n eq 3", 1},
        {"x/y eq 'Z'", 1},
        {"(d eq true) and (n lt 3)", 0},
        {"(d eq false) or (n eq 3)", 1},
        {"not (d eq true)", 0},
        {"t eq true", 1},
        {"nope eq null", 1},
        {"nope ne true", 1},
        {"", 2},
        {"(d eq true", 2},
        {"d eq", 2},
        {"d is true", 2},
        {"d eq 'x", 2},
        {")", 2},
        {"d eq true)", 2},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        bool valid;
        bool v = rac_dynamic_is_parent(rac_str_of(cases[i].text), item, &valid);
        if (valid != (cases[i].want != 2) || (valid && v != (cases[i].want == 1)))
            fail_msg("%s: %d valid %d", cases[i].text, v, valid);
    }
}

static void test_given_and_cancel(void **state)
{
    (void)state;
    W->definition = J(definition);
    struct rac_dynamic_ask x = {
        .given = J("{'x-ms-dynamic-values':{'operationId':'ListRoot','value-path':'id'}}")};
    struct rac_dynamic_run *r = ask_with(x);
    W->fn(W->fn_arg);
    rac_dynamic_cancel(r);
    assert_false(W->asked[0].open);
    r = ask_with(x);
    rac_dynamic_cancel(r);
    W->fn(W->fn_arg); /* nothing happens */
    assert_int_equal(W->done, 0);
    ask_with(x);
    W->fn(W->fn_arg);
    reply(200, "[{'id':7}]");
    assert_str(shown(), "{'value':[{'value':7,'displayName':'7'}]}");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
/* A schema that is resolved below allOf is resolved in the answer, not in the definition. */
static void test_definition_is_left_alone(void **state)
{
    (void)state;
    W->definition = J(
        "{'swagger':'2.0','paths':{'/f':{'get':{'operationId':'F','responses':{}}},'/q':{'post':{"
        "'operationId':'Q','parameters':[{'name':'b','in':'body','schema':{'allOf':[{'properties'"
        ":{'n':{'type':'object','x-ms-dynamic-schema':{'operationId':'F'}}}}]}}],'responses':{}}}}"
        "}");
    rac_str before = rac_json_print_str(W->definition, 0, &W->a);
    ask("Q", "b", NULL, RAC_DYNAMIC_SCHEMA, NULL);
    reply(200, "{'properties':{'z':{'type':'string'}}}");
    assert_int_equal(W->done, 1);
    assert_non_null(
        rac_dynamic_path(&W->res.schema, RAC_S("allOf/0/properties/n/properties/z/type")));
    assert_str(rac_json_print_str(W->definition, 0, &W->a), rac_arena_cstr(&W->a, before));
}

/* References that multiply: what is written out of them ends, and the answer says so. */
static void test_references_that_multiply(void **state)
{
    (void)state;
    struct rac_buf b;
    rac_buf_init(&b, 1 << 20);
    rac_buf_printf(&b,
                   "{'swagger':'2.0','paths':{'/f':{'get':{'operationId':'F','responses':{}}},"
                   "'/q':{'post':{'operationId':'Q','parameters':[{'name':'b','in':'body',"
                   "'schema':{'$ref':'#/definitions/A'}}],'responses':{}}}},'definitions':{'A':{"
                   "'type':'object','properties':{'n':{'x-ms-dynamic-schema':{'operationId':'F'"
                   "}}");
    for (int i = 0; i < 30; i++)
        rac_buf_printf(&b, ",'p%d':{'$ref':'#/definitions/A'}", i);
    rac_buf_printf(&b, "}}}}");
    W->definition = J(rac_arena_cstr(&W->a, rac_buf_str(&b)));
    rac_buf_fini(&b);
    ask("Q", "b", NULL, RAC_DYNAMIC_SCHEMA, NULL);
    while (W->done == 0)
        reply(200, "{}");
    assert_true(W->res.incomplete);
    assert_false(rac_arena_over(&W->a));
}

/* Pages of which nothing more fits: those before, and a word. */
static void test_pages_that_do_not_fit(void **state)
{
    (void)state;
    W->definition = J(definition);
    ask("Book", "both", NULL, RAC_DYNAMIC_VALUES, NULL);
    reply(200, "{'value':[{'id':1}],'nextLink':'?page=2'}");
    struct asked *k = &W->asked[W->asked_n - 1];
    struct rac_dynamic_answer x = {.status = 200, .body = *J("{'value':[]}")};
    W->a.over = true; /* what copying the answer left */
    k->open = false;
    k->done(k->arg, &x);
    assert_int_equal(W->done, 1);
    assert_int_equal(W->asked_n, 2);
    assert_int_equal(W->res.state, RAC_DYNAMIC_OK);
    assert_true(W->res.incomplete);
    W->a.over = false;
    assert_int_equal(rac_json_len(&W->res.value), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_values),
        T(test_twins_and_collections),
        T(test_pages),
        T(test_bodies),
        T(test_schema),
        T(test_nested_schema),
        T(test_tree),
        T(test_is_parent),
        T(test_given_and_cancel),
        T(test_definition_is_left_alone),
        T(test_references_that_multiply),
        T(test_pages_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
