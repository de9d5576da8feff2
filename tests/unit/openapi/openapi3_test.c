#include "convert_unit.h"

#define HEAD   "'openapi':'3.0.3','info':{'title':'Quai','version':'1'}"
#define SERVER "'servers':[{'url':'https://q.example/v1'}]"
#define DOC(paths, components)                                                                     \
    "{" HEAD "," SERVER ",'paths':{" paths "},'components':{" components "}}"
#define OK_ANSWER      "'responses':{'200':{'description':'OK'}}"
#define GET(more)      "'/a':{'get':{'operationId':'A'," more OK_ANSWER "}}"
#define SCHEMA(schema) DOC(GET(""), "'schemas':{'S':" schema "}")
#define SCHEMA31(schema)                                                                           \
    "{'openapi':'3.1.0','info':{'title':'Q','version':'1'}," SERVER                                \
    ",'paths':{},'components':{'schemas':{'S':" schema "}}}"

static void heads_and_servers(void **state RAC_UNUSED)
{
    convert(DOC(GET(""), ""));
    assert_json("/swagger", "'2.0'");
    assert_json("/host", "'q.example'");
    assert_json("/basePath", "'/v1'");
    assert_json("/schemes", "['https']");
    assert_int_equal(losses.n, 0);
    convert("{" HEAD ",'servers':[{'url':'http://q.example'},{'url':'https://q.example/'},{'url':"
            "'https://other.example'}],'paths':{" GET("") "}}");
    assert_json("/schemes", "['https','http']");
    assert_loss("RC-O3-02", "/servers/2");
}

static void relative_servers(void **state RAC_UNUSED)
{
    const char *text = "{" HEAD ",'servers':[{'url':'/v2'}],'paths':{" GET("") "}}";
    convert(text);
    assert_json("/host", "-");
    assert_json("/basePath", "'/v2'");
    assert_loss("RC-O3-01", "/servers/0");
    assert_prop("/properties/connectionParameters/host/type", "'string'");
    options.url = RAC_S("https://docs.example/apis/quai.json");
    convert(text);
    assert_json("/host", "'docs.example'");
    assert_json("/basePath", "'/v2'");
    assert_no_loss("RC-O3-01");
}

static rac_str policy(size_t i)
{
    const struct rac_json *v = rac_json_pointer_get(
        &result.properties, rac_arena_printf(&arena,
                                             "/properties/policyTemplateInstances/%zu/parameters/"
                                             "x-ms-apimTemplateParameter.urlTemplate",
                                             i));
    return rac_json_str(v, RAC_S("-"));
}

static void server_variables(void **state RAC_UNUSED)
{
    convert("{" HEAD
            ",'servers':[{'url':'https://{site}.q.example/{v}','variables':{'site':{'default':"
            "'north','enum':['north','south'],'description':'Where'},'v':{'default':'v1','enum':['"
            "v1']}}}],"
            "'paths':{" GET("") "}}");
    assert_json("/host", "'north.q.example'");
    assert_json("/basePath", "'/v1'");
    assert_str(policy(0), "https://@connectionParameters('site').q.example/v1");
    assert_prop("/properties/connectionParameters/site/defaultValue", "'north'");
    assert_prop("/properties/connectionParameters/site/uiDefinition/constraints/allowedValues/1",
                "{'text':'south','value':'south'}");
    assert_prop("/properties/connectionParameters/v", "-");
}

static void servers_of_operations(void **state RAC_UNUSED)
{
    convert("{" HEAD "," SERVER
            ",'paths':{" GET("") ",'/b':{'servers':[{'url':'https://up.example'}],'get':{"
                                 "'operationId':'B'," OK_ANSWER "}}}}");
    assert_str(policy(0), "https://up.example/");
    assert_prop("/properties/policyTemplateInstances/0/parameters/x-ms-apimTemplate-operationName",
                "['B']");
    assert_loss("RC-O3-02", "/paths/~1b/servers/0");
}

static void methods_in_capitals(void **state RAC_UNUSED)
{
    convert("{" HEAD "," SERVER ",'paths':{'/a/{id}':{'GET':{" OK_ANSWER
            "},'Post':{'operationId':'P'," OK_ANSWER "},'post':{'operationId':'p'," OK_ANSWER
            "}}}}");
    assert_json("/paths/~1a~1{id}/get/operationId", "'GetAById'");
    assert_json("/paths/~1a~1{id}/post/operationId", "'p'");
    assert_int_equal(rac_json_len(at("/paths/~1a~1{id}")), 2);
    assert_loss("RC-O3-16", "/paths/~1a~1{id}/GET");
    assert_loss("RC-O3-16", "/paths/~1a~1{id}/Post");
    convert("{'swagger':'2.0','info':{'title':'t','version':'1'},'host':'a.example','paths':{'/a':{"
            "'GET':{'responses':{'200':{'description':'d'}}}},'/b':{'$ref':'#/paths/~1a'}}}");
    assert_json("/paths/~1a/get/operationId", "'GetA'");
    assert_json("/paths/~1b/get/operationId", "'GetB'");
    assert_loss("RC-O2-01", "/paths/~1a/GET");
}

#define PARAM(p) DOC(GET("'parameters':[" p "],"), "")
#define P0       "/paths/~1a/get/parameters/0"

static void parameters(void **state RAC_UNUSED)
{
    convert(PARAM(
        "{'name':'q','in':'query','required':true,'description':'What','schema':{'type':'string',"
        "'enum':['x','y'],'default':'x'},'example':'y','x-ms-summary':'Q'}"));
    assert_json(
        P0,
        "{'name':'q','in':'query','description':'What','required':true,'type':'string','default'"
        ":'x','enum':['x','y'],'x-example':'y','x-ms-summary':'Q'}");
    static const char *const styles[][2] = {{"'style':'form'", "multi"},
                                            {"'style':'form','explode':false", "csv"},
                                            {"'style':'spaceDelimited'", "ssv"},
                                            {"'style':'pipeDelimited'", "pipes"},
                                            {"'x-a':1", "multi"}};
    for (size_t i = 0; i < RAC_COUNT(styles); i++) {
        rac_str text = rac_arena_printf(&arena,
                                        PARAM("{'name':'l','in':'query',%s,'schema':{'type':'array'"
                                              ",'items':{'type':'integer'}}}"),
                                        styles[i][0]);
        convert(rac_str_cstr(text));
        assert_str(rac_json_str(at(P0 "/collectionFormat"), RAC_S("-")), styles[i][1]);
        assert_json(P0 "/items", "{'type':'integer'}");
    }
    convert(PARAM(
        "{'name':'f','in':'query','style':'deepObject','schema':{'type':'object','required':['a'],"
        "'properties':{'a':{'type':'integer'},'b':{'type':'object','properties':{'c':{'type':"
        "'boolean'}}}}}}"));
    assert_json(P0 "/name", "'f[a]'");
    assert_json(P0 "/required", "false");
    assert_json("/paths/~1a/get/parameters/1/name", "'f[b][c]'");
    convert(PARAM(
        "{'name':'o','in':'query','content':{'application/json':{'schema':{'type':'object'}}}}"));
    assert_json(P0 "/type", "'string'");
    assert_loss("RC-O3-08", "/paths/~1a/get/parameters/0/content");
    convert(PARAM("{'name':'c','in':'cookie','schema':{'type':'string'}}"));
    assert_json(P0 "/name", "'Cookie'");
    assert_json(P0 "/x-ms-visibility", "'internal'");
    assert_non_null(loss("RC-O3-08"));
    convert(PARAM("{'name':'Authorization','in':'header','schema':{'type':'string'}}"));
    assert_json("/paths/~1a/get/parameters", "-");
    assert_loss("RC-O3-06", "/paths/~1a/get/parameters/0");
}

static void path_parameters(void **state RAC_UNUSED)
{
    convert(
        DOC("'/x/{id}/"
            "{more}':{'parameters':[{'name':'id','in':'path','schema':{'type':'integer'}}],'get':"
            "{'parameters':[{'name':'gone','in':'path','schema':{}}]," OK_ANSWER "}}",
            ""));
    assert_json(
        "/paths/~1x~1{id}~1{more}/parameters/0",
        "{'name':'id','in':'path','required':true,'type':'integer','x-ms-url-encoding':'single'}");
    assert_json("/paths/~1x~1{id}~1{more}/get/parameters/0/name", "'more'");
    assert_loss("RC-O3-16", "/paths/~1x~1{id}~1{more}/get/parameters/0");
    assert_json("/paths/~1x~1{id}~1{more}/get/operationId", "'GetXByIdByMore'");
    assert_loss("RC-O3-14", "/paths/~1x~1{id}~1{more}/get");
}

static void shared_parameters(void **state RAC_UNUSED)
{
    convert(DOC(
        GET("'parameters':[{'$ref':'#/components/parameters/P'},{'$ref':'#/components/parameters/"
            "D'}],"),
        "'parameters':{'P':{'name':'p','in':'query','schema':{'$ref':'#/components/schemas/"
        "E'}},'D':{"
        "'name':'d','in':'query','style':'deepObject','schema':{'type':'object','properties':{'x':{"
        "'type':'string'},'y':{'type':'string'}}}}},'schemas':{'E':{'type':'string','enum':['a']}"
        "}"));
    assert_json(P0, "{'$ref':'#/parameters/P'}");
    assert_json("/parameters/P",
                "{'name':'p','in':'query','required':false,'type':'string','enum':['a']}");
    assert_json("/paths/~1a/get/parameters/2/name", "'d[y]'");
    assert_json("/parameters/D", "-");
}

#define POST(body)                                                                                 \
    DOC("'/a':{'post':{'operationId':'A','requestBody':" body "," OK_ANSWER "}}",                  \
        "'schemas':{'S':{'type':'object','properties':{'n':{'type':'string'}}}}")
#define BODY(type, schema) "{'required':true,'content':{'" type "':{'schema':" schema "}}}"
#define B0                 "/paths/~1a/post/parameters/0"

static void bodies(void **state RAC_UNUSED)
{
    convert(POST(
        "{'required':true,'description':'It','x-ms-requestBody-name':'ship','content':{'text/xml':{"
        "'schema':{'type':'string'}},'application/json; charset=utf-8':{'schema':{'$ref':"
        "'#/components/schemas/S'},'example':{'n':'x'}}}}"));
    assert_json("/paths/~1a/post/consumes", "['application/json']");
    assert_json(B0 "/name", "'ship'");
    assert_json(B0 "/schema", "{'$ref':'#/definitions/S'}");
    assert_json(B0 "/x-example", "{'n':'x'}");
    assert_json(B0 "/required", "true");
    assert_loss("RC-O3-07", "/paths/~1a/post/requestBody/content/text~1xml");
    convert(POST(BODY("application/octet-stream", "{'type':'string','format':'binary'}")));
    assert_json(B0 "/schema", "{'type':'string','format':'binary'}");
    convert(POST(BODY(
        "multipart/form-data",
        "{'type':'object','required':['f'],'properties':{'f':{'type':'string','format':'binary'},"
        "'o':{'type':'object'},'l':{'type':'array','items':{'type':'integer'}},'r':{'type':'string'"
        ","
        "'readOnly':true}}}")));
    assert_json("/paths/~1a/post/consumes", "['multipart/form-data']");
    assert_json(
        "/paths/~1a/post/parameters",
        "[{'name':'f','in':'formData','required':true,'type':'file'},{'name':'o','in':'formData',"
        "'required':false,'type':'string'},{'name':'l','in':'formData','required':false,'type':'"
        "array',"
        "'items':{'type':'integer'},'collectionFormat':'multi'}]");
    assert_non_null(loss("RC-O3-08"));
    convert(POST("{'content':{'application/x-www-form-urlencoded':{'schema':{'allOf':[{'$ref':"
                 "'#/components/schemas/"
                 "S'},{'type':'object','properties':{'d':{'type':'object','properties':{'x'"
                 ":{'type':'integer'}}}}}]},'encoding':{'d':{'style':'deepObject'}}}}}"));
    assert_json("/paths/~1a/post/parameters/0/name", "'n'");
    assert_json("/paths/~1a/post/parameters/1/name", "'d[x]'");
    convert(
        DOC("'/a':{'get':{'requestBody':" BODY("application/json", "{}") "," OK_ANSWER "}}", ""));
    assert_loss("RC-O3-15", "/paths/~1a/get/requestBody");
}

#define ANSWERS(r)                                                                                 \
    DOC("'/a':{'get':{'operationId':'A','responses':{" r "}}}",                                    \
        "'responses':{'Gone':{'description':'Gone','content':{'text/"                              \
        "plain':{'schema':{'type':'string'}}}}}")
#define R "/paths/~1a/get/responses"

static void answers(void **state RAC_UNUSED)
{
    convert(ANSWERS(
        "'200':{'description':'OK','headers':{'X-Left':{'schema':{'type':'integer'},'description':'"
        "Calls'"
        "}},'content':{'application/"
        "json':{'schema':{'type':'array','items':{}},'examples':{'one':{'value'"
        ":[1]},'two':{'value':[2]}}}},'links':{'next':{'operationId':'A'}}},'404':{'$ref':"
        "'#/components/responses/Gone'},'5XX':{'description':'Bad'},'weird':{'description':'?'}"));
    assert_json(
        R "/200",
        "{'description':'OK','schema':{'type':'array','items':{}},'examples':{"
        "'application/json':[1]},'headers':{'X-Left':{'description':'Calls','type':'integer'}}}");
    assert_json(R "/404", "{'$ref':'#/responses/Gone'}");
    assert_json(R "/500", "{'description':'Bad'}");
    assert_json("/responses/Gone/schema", "{'type':'string'}");
    assert_json("/paths/~1a/get/produces", "['application/json','text/plain']");
    assert_loss("RC-O3-11", "/paths/~1a/get/responses/200/links");
    assert_loss("RC-O3-13", "/paths/~1a/get/responses/5XX");
    assert_loss("RC-O3-13", "/paths/~1a/get/responses/weird");
    assert_loss("RC-O3-17", "/paths/~1a/get/responses/200/content/application~1json/examples");
    convert(ANSWERS("'200':{'description':'OK','content':{'image/png':{}}}"));
    assert_json(R "/200/schema", "{'type':'file'}");
    convert(ANSWERS(""));
    assert_json(R, "{'200':{'description':'OK'}}");
    assert_loss("RC-O3-13", "/paths/~1a/get");
}

#define S "/definitions/S"

static void schema_keywords(void **state RAC_UNUSED)
{
    convert(SCHEMA("{'type':'string','nullable':true,'enum':['a',null,'a','b'],'deprecated':true,'"
                   "writeOnly':true,"
                   "'x-mine':1,'not':{},'maxLength':-1}"));
    assert_json(S, "{'type':'string','x-nullable':true,'enum':['a','b'],'x-deprecated':true,'x-ms-"
                   "mutability':["
                   "'create','update'],'x-mine':1}");
    assert_loss("RC-O3-06", "/components/schemas/S/not");
    assert_loss("RC-O3-16", "/components/schemas/S/maxLength");
    convert(SCHEMA31(
        "{'type':['string','null'],'const':'x','examples':['x','y'],'contentEncoding':'base64'}"));
    assert_json(S,
                "{'type':'string','x-nullable':true,'enum':['x'],'example':'x','format':'byte'}");
    convert(SCHEMA31("{'type':'number','exclusiveMinimum':5,'minimum':1,'maximum':2.5,"
                     "'exclusiveMaximum':9}")); /* the tighter bound of two, in any order */
    assert_json(S, "{'type':'number','minimum':5,'exclusiveMinimum':true,'maximum':2.5}");
    convert(SCHEMA31("{'const':'q','enum':['q','r']}"));
    assert_json(S, "{'enum':['q']}");
    convert(SCHEMA31("{'type':'number','minimum':5,'exclusiveMinimum':5}"));
    assert_json(S, "{'type':'number','minimum':5,'exclusiveMinimum':true}");
    convert(SCHEMA31("{'type':'integer','exclusiveMinimum':0,'exclusiveMaximum':9}"));
    assert_json(S, "{'type':'integer','minimum':0,'exclusiveMinimum':true,'maximum':9,'"
                   "exclusiveMaximum':true}");
    convert(SCHEMA31("{'type':['string','integer']}"));
    assert_json(S, "{}");
    assert_loss("RC-O3-12", "/components/schemas/S/type");
    convert(SCHEMA31("{'type':'array','prefixItems':[{}]}"));
    assert_json(S, "{'type':'array','items':{}}");
    convert(SCHEMA31(
        "{'type':'object','properties':{'t':true,'f':false},'additionalProperties':false}"));
    assert_json(S, "{'type':'object','properties':{'t':{},'f':{}},'additionalProperties':false}");
    convert(SCHEMA("{'type':'object','required':['gone','gone']}"));
    assert_json(S, "{'type':'object','required':['gone'],'properties':{'gone':{}}}");
}

static void alternatives(void **state RAC_UNUSED)
{
    convert(SCHEMA(
        "{'oneOf':[{'type':'object','required':['a','b'],'properties':{'a':{'type':'integer'},'b':{"
        "'type':'string'}}},{'type':'object','required':['a'],'properties':{'a':{'type':'number'},'"
        "c':{"
        "'type':'string'}}}]}"));
    assert_json(S, "{'type':'object','properties':{'a':{'type':'number'},'b':{'type':'string'},'c':"
                   "{'type':'string'"
                   "}},'required':['a']}");
    assert_loss("RC-O3-04", "/components/schemas/S/oneOf");
    convert(SCHEMA("{'anyOf':[{'type':'integer'},{'type':'number'}]}"));
    assert_json(S, "{'type':'number'}");
    convert(SCHEMA("{'anyOf':[{'type':'string','enum':['a']},{'type':'string','enum':['b']}]}"));
    assert_json(S, "{'type':'string','enum':['a','b']}");
    convert(SCHEMA("{'anyOf':[{'type':'integer'},{'type':'string'}],'description':'D'}"));
    assert_json(S, "{'description':'D'}");
    convert(SCHEMA31("{'anyOf':[{'type':'integer'},{'type':'null'}]}"));
    assert_json(S, "{'x-nullable':true,'type':'integer'}");
    assert_no_loss("RC-O3-04");
    convert(SCHEMA31(
        "{'oneOf':[{'$ref':'#/components/schemas/S/$defs/T'},{'type':'null'}],'$defs':{'T':{'type':"
        "'string'}}}"));
    assert_json(S, "{'x-nullable':true,'allOf':[{'$ref':'#/definitions/T'}]}");
    assert_json("/definitions/T", "{'type':'string'}");
    convert(SCHEMA(
        "{'type':'object','properties':{'a':{}},'oneOf':[{'required':['a']},{'required':['b']}]}"));
    assert_json(S, "{'type':'object','properties':{'a':{}}}");
    assert_non_null(loss("RC-O3-04"));
}

static void recursion(void **state RAC_UNUSED)
{
    convert(DOC(GET(""),
                "'schemas':{'Node':{'oneOf':[{'type':'object','properties':{'next':{'$ref':"
                "'#/components/schemas/Node'}}},{'$ref':'#/components/schemas/Node'}]},'A':{'$ref':"
                "'#/components/schemas/B'},'B':{'$ref':'#/components/schemas/A'},'C':{'$ref':"
                "'#/components/schemas/Node'}}"));
    assert_json("/definitions/A", "{}");
    assert_json("/definitions/C", "{'$ref':'#/definitions/Node'}");
    assert_loss("RC-O3-03", "/components/schemas/A");
}

static void references(void **state RAC_UNUSED)
{
    convert(DOC("'/a':{'post':{'operationId':'A','requestBody':{'content':{'application/"
                "json':{'schema':{'type':"
                "'object','properties':{'x':{'type':'integer'}}}}}},'responses':{'200':{'"
                "description':'OK','content':{"
                "'application/json':{'schema':{'$ref':'#/paths/~1a/post/requestBody/content/"
                "application~1json/schema'"
                "}}}}}}},'/b':{'$ref':'#/paths/~1a'}",
                ""));
    assert_json("/paths/~1a/post/responses/200/schema", "{'$ref':'#/definitions/Schema'}");
    assert_json("/definitions/Schema/properties/x/type", "'integer'");
    assert_json("/paths/~1b/post/operationId", "'A_2'");
    assert_loss("RC-O3-14", "/paths/~1a/post/operationId");
    convert(DOC("'/"
                "a':{'get':{'operationId':'A','responses':{'200':{'description':'OK','content':{'"
                "application/json':{"
                "'schema':{'$ref':'#/components/schemas/Missing'}}}}}}}",
                ""));
    assert_json("/paths/~1a/get/responses/200/schema", "{}");
    assert_loss("RC-O3-03", "/paths/~1a/get/responses/200/content/application~1json/schema");
    convert(SCHEMA31(
        "{'$ref':'#/components/schemas/S/$defs/T','description':'With words','$defs':{'T':{'type':"
        "'string'}}}"));
    assert_json(S, "{'allOf':[{'$ref':'#/definitions/T'}],'description':'With words'}");
    convert(SCHEMA31("{'properties':{'self':{'$ref':'#top'}},'$anchor':'top'}"));
    assert_json(S "/properties/self", "{'$ref':'#/definitions/S'}");
}

static rac_err load(void *arg RAC_UNUSED, rac_str path, struct rac_arena *a RAC_UNUSED,
                    rac_str *bytes)
{
    if (rac_str_eq(path, RAC_S("parts/ship.yaml")))
        *bytes = RAC_S("Ship:\n  type: object\n  properties:\n    dock: {$ref: 'dock.yaml'}\n"
                       "    more: {$ref: '../source#/components/schemas/S'}\n");
    else if (rac_str_eq(path, RAC_S("parts/dock.yaml")))
        *bytes = RAC_S("type: string\n");
    else
        return RAC_E_NOT_FOUND;
    return RAC_OK;
}

static void neighbours(void **state RAC_UNUSED)
{
    const char *text = SCHEMA("{'properties':{'a':{'$ref':'parts/ship.yaml#/Ship'},'b':{'$ref':"
                              "'./parts/ship.yaml#/Ship'},'c':{'$ref':'../out.yaml'},'d':{'$ref':"
                              "'https://x.example/s.json'}}}");
    options.load = load;
    convert(text);
    assert_json(S "/properties/a", "{'$ref':'#/definitions/Ship'}");
    assert_json(S "/properties/b", "{'$ref':'#/definitions/Ship'}");
    assert_json("/definitions/Ship/properties/dock", "{'$ref':'#/definitions/Dock'}");
    assert_json("/definitions/Dock", "{'type':'string'}");
    assert_json("/definitions/Ship/properties/more", "{'$ref':'#/definitions/S'}");
    assert_loss("RC-O3-03", "/components/schemas/S/properties/c");
    assert_loss("RC-O3-03", "/components/schemas/S/properties/d");
    options.load = NULL;
    convert(text);
    assert_loss("RC-O3-03", "/components/schemas/S/properties/a");
}

#define SECURE(schemes, more)                                                                      \
    "{" HEAD "," SERVER "," more "'paths':{" GET("") "},'components':{'securitySchemes':{" schemes \
                                                     "}}}"

static void security(void **state RAC_UNUSED)
{
    convert(SECURE("'k':{'type':'apiKey','in':'header','name':'X-Key'}", "'security':[{'k':[]}],"));
    assert_json("/securityDefinitions", "{'k':{'type':'apiKey','name':'X-Key','in':'header'}}");
    assert_json("/security", "[{'k':[]}]");
    assert_prop("/properties/connectionParameters/api_key/type", "'securestring'");
    convert(SECURE("'b':{'type':'http','scheme':'Basic'}", "'security':[{'b':[]}],"));
    assert_json("/securityDefinitions/b", "{'type':'basic'}");
    assert_prop("/properties/connectionParameters/username/type", "'string'");
    convert(SECURE("'t':{'type':'http','scheme':'bearer','bearerFormat':'JWT'}",
                   "'security':[{'t':[]}],"));
    assert_prop("/properties/policyTemplateInstances/0/templateId", "'setheader'");
    convert(
        SECURE("'o':{'type':'oauth2','flows':{'authorizationCode':{'authorizationUrl':'https://"
               "i.example/a',"
               "'tokenUrl':'/t','scopes':{'r':'Read','w':'Write'}},'implicit':{'authorizationUrl':"
               "'https://i.example/a','scopes':{}}}}",
               "'security':[{'o':['r']}],"));
    assert_json("/securityDefinitions/o", "{'type':'oauth2','flow':'accessCode','authorizationUrl':"
                                          "'https://i.example/a','tokenUrl':'https://q.example/"
                                          "t','scopes':{'r':'Read','w':'Write'}}");
    assert_prop("/properties/connectionParameters/token/oAuthSettings/scopes", "['r']");
    assert_loss("RC-O3-10", "/components/securitySchemes/o/flows/implicit");
    convert(SECURE("'o':{'type':'oauth2','flows':{'clientCredentials':{'tokenUrl':'https://"
                   "i.example/t','scopes':{}}}}",
                   "'security':[{'o':[]}],"));
    assert_json("/securityDefinitions/o/flow", "'application'");
    assert_prop(
        "/properties/connectionParameters/token/oAuthSettings/customParameters/grantType/value",
        "'client_credentials'");
    convert(SECURE("'c':{'type':'apiKey','in':'cookie','name':'sid'},'k':{'type':'apiKey','in':'"
                   "query','name':'k'}",
                   "'security':[{'c':[]},{'k':[]}],"));
    assert_loss("RC-O3-10", "/components/securitySchemes/c");
    assert_json("/security", "[{'k':[]}]");
    convert(SECURE("'i':{'type':'openIdConnect','openIdConnectUrl':'https://i.example/x'}",
                   "'security':[{'i':[]}],"));
    assert_json("/securityDefinitions/i/type", "'apiKey'");
    assert_loss("RC-O3-10", "/components/securitySchemes/i");
    convert(SECURE("'a':{'type':'apiKey','in':'header','name':'A'},'b':{'type':'apiKey','in':'"
                   "header','name':'B'}",
                   "'security':[{'a':[],'b':[]}],"));
    assert_json("/security", "[{'a':[],'b':[]}]");
    assert_prop("/properties/connectionParameters/a/type", "'securestring'");
    assert_prop("/properties/connectionParameters/b/type", "'securestring'");
}

static rac_err fetch(void *arg RAC_UNUSED, rac_str url, struct rac_arena *a RAC_UNUSED,
                     rac_str *bytes)
{
    assert_str(url, "https://i.example/x");
    *bytes = RAC_S("{\"authorization_endpoint\":\"https://i.example/"
                   "a\",\"token_endpoint\":\"https://i.example/t\"}");
    return RAC_OK;
}

static void discovery(void **state RAC_UNUSED)
{
    options.fetch = fetch;
    convert(SECURE("'i':{'type':'openIdConnect','openIdConnectUrl':'https://i.example/x'}",
                   "'security':[{'i':['openid']}],"));
    assert_json(
        "/securityDefinitions/i",
        "{'type':'oauth2','flow':'accessCode','authorizationUrl':"
        "'https://i.example/a','tokenUrl':'https://i.example/t','scopes':{'openid':'openid'}}");
}

static void security_of_operations(void **state RAC_UNUSED)
{
    convert("{" HEAD "," SERVER ",'paths':{'/a':{'get':{'security':[{'k':[]}]," OK_ANSWER
            "},'put':{'security':[{'k':"
            "[]}]," OK_ANSWER "},'post':{'security':[{'b':[]}]," OK_ANSWER "},'delete':{" OK_ANSWER
            "}}},'components':{"
            "'securitySchemes':{'k':{'type':'apiKey','in':'header','name':'K'},'b':{'type':'http','"
            "scheme':'basic'}}}}");
    assert_json("/security", "-");
    assert_json("/paths/~1a/get/security", "[{'k':[]}]");
    assert_json("/paths/~1a/post/security", "[{'b':[]}]");
    assert_json("/paths/~1a/delete/security", "[]");
    assert_loss("RC-O3-10", "/paths/~1a/post/security");
    assert_prop("/properties/connectionParameters/api_key/type", "'securestring'");
    assert_prop("/properties/connectionParameters/username", "-");
}

#define SETS  "/properties/connectionParameterSets/values"
#define KEY   "'k':{'type':'apiKey','in':'header','name':'K'}"
#define BASIC "'b':{'type':'http','scheme':'basic'}"

/* §4.9: alternatives become parameter sets; what feeds a scheme is named after it. */
static void alternatives_become_sets(void **state RAC_UNUSED)
{
    convert(SECURE(KEY "," BASIC ",'q-1':{'type':'apiKey','in':'query','name':'q'},'t':{'type':"
                       "'http','scheme':'bearer','description':'From the office'}",
                   "'security':[{'k':[],'q-1':[]},{'b':[]},{'t':[]},{'b':[]},{}],"));
    assert_json("/security", "[{'k':[],'q-1':[]},{'b':[]},{'t':[]}]");
    assert_no_loss("RC-O3-10");
    assert_prop("/properties/connectionParameters", "{}");
    assert_prop(SETS "/0/name", "'k_q-1'");
    assert_prop(SETS "/0/parameters/k/type", "'securestring'");
    assert_prop(SETS "/0/parameters/q_1/type", "'securestring'");
    assert_prop(SETS "/1/name", "'b'");
    assert_prop(SETS "/1/parameters/username/type", "'string'");
    assert_prop(SETS "/2/uiDefinition",
                "{'displayName':'Bearer token','description':'From the office'}");
    assert_prop(SETS "/2/parameters/t/type", "'securestring'");
    assert_prop(SETS "/3", "{'name':'anonymous','uiDefinition':{'displayName':'No sign-in'},"
                           "'parameters':{}}");
    assert_prop(SETS "/4", "-");
    assert_prop("/properties/policyTemplateInstances", "[]"); /* it would undo the other sets */
    /* one that may be left out is no set */
    convert(SECURE(KEY, "'security':[{},{'k':[]}],"));
    assert_prop(SETS, "-");
    assert_prop("/properties/connectionParameters/api_key/uiDefinition/constraints/required",
                "'false'");
    /* offered by operations only */
    convert("{" HEAD "," SERVER
            ",'paths':{'/a':{'get':{'security':[{'k':[]},{'k':['s']},{'b':[]}]," OK_ANSWER
            "},'put':{'security':[{'k':[]}]," OK_ANSWER "}}},'components':{'securitySchemes':{" KEY
            "," BASIC "}}}");
    assert_json("/paths/~1a/get/security", "[{'k':[]},{'b':[]}]");
    assert_json("/paths/~1a/put/security", "[{'k':[]}]");
    assert_prop(SETS "/0/parameters/api_key/type", "'securestring'");
    assert_prop(SETS "/1/parameters/password/type", "'securestring'");
    /* server variables are common to all sets, under names of their own */
    convert("{" HEAD ",'servers':[{'url':'https://{username}.q.example','variables':{'username':{"
            "'default':'a','enum':['a','z']}}}],'security':[{'k':[]},{'b':[]}],'paths':{" GET(
                "") "},'components':{'securitySchemes':{" KEY "," BASIC "}}}");
    assert_prop("/properties/connectionParameters/username_2/defaultValue", "'a'");
}

static void alternatives_of_openapi2(void **state RAC_UNUSED)
{
#define OLD(more)                                                                                  \
    "{'swagger':'2.0','info':{'title':'T','version':'1'},'host':'q.example','securityDefinitions'" \
    ":{'b':{'type':'basic'},'k':{'type':'apiKey','in':'header','name':'K'},'i':{'type':'apiKey',"  \
    "'in':'query','name':'I'}}," more "}"
    convert(OLD("'security':[{'k':[],'i':[]},{'b':[]},{'gone':[]}],'paths':{}"));
    assert_prop(SETS "/0/name", "'k_i'");
    assert_prop(SETS "/0/parameters/i/type", "'securestring'");
    assert_prop(SETS "/1/parameters/password/type", "'securestring'");
    assert_prop(SETS "/2", "-");
    /* schemes that are needed together are all asked for */
    convert(OLD("'security':[{'k':[],'i':[]}],'paths':{}"));
    assert_prop(SETS, "-");
    assert_prop("/properties/connectionParameters/k/type", "'securestring'");
    assert_prop("/properties/connectionParameters/i/type", "'securestring'");
    /* an empty list at the root says nothing of operations that have their own */
    convert(OLD("'security':[],'paths':{'/a':{'get':{'operationId':'A','security':[{'k':[]}],"
                "'responses':{'200':{'description':'ok'}}}}}"));
    assert_prop("/properties/connectionParameters/api_key/type", "'securestring'");
}

/* Objects and texts where lists belong, references that are none: told and dropped. */
static void wrong_shapes(void **state RAC_UNUSED)
{
    convert(SCHEMA("{'type':'string','enum':{'a':1}}"));
    assert_json(S, "{'type':'string'}");
    assert_loss("RC-O3-16", "/components/schemas/S/enum");
    convert(SCHEMA("{'type':'object','allOf':{'a':{}},'oneOf':{'b':{}},'required':{'c':1}}"));
    assert_json(S, "{'type':'object'}");
    convert("{" HEAD ",'servers':{'a':{'url':'x'},'b':1},'tags':{'a':{}},'paths':{'/a':{"
            "'parameters':{'p':{}},'get':{'parameters':{'q':{}}," OK_ANSWER "}}}}");
    assert_json("/paths/~1a/parameters", "-");
    assert_loss("RC-O3-16", "/paths/~1a/parameters");
    assert_loss("RC-O3-16", "/paths/~1a/get/parameters");
    convert("{'info':{'title':'Q','version':'1'}," SERVER ",'paths':{" GET("") "}}");
    assert_json("/host", "'q.example'"); /* servers are of OpenAPI 3 */
    assert_loss("RC-O3-05", "");
    convert("{" HEAD "," SERVER ",'paths':{'/a':{'get':{'responses':{'x-a':1,'wrong':{}}}}}}");
    assert_json("/paths/~1a/get/responses", "{'200':{'description':'OK'},'x-a':1}");
    convert("{" HEAD "," SERVER ",'paths':[1]}");
    assert_loss("RC-O3-16", "/paths");
    convert(SCHEMA("{'type':'number','multipleOf':0}"));
    assert_json(S, "{'type':'number'}");
    assert_loss("RC-O3-16", "/components/schemas/S/multipleOf");
    convert("{" HEAD "," SERVER
            ",'paths':{" GET("'security':['k',null],") "},'security':{'k':[]}}");
    assert_loss("RC-O3-16", "/security");
    assert_loss("RC-O3-16", "/paths/~1a/get/security/1");
    convert("{" HEAD ",'servers':[{'url':'https://{t}.q.example'}],'paths':{" GET("") "}}");
    assert_json("/host", "-"); /* ".q.example" is no host */
    assert_loss("RC-O3-16", "/servers/0");
#define OLD2(more)                                                                                 \
    "{'swagger':'2.0','info':{'title':'T','version':'1'},'host':'q.example'," more "}"
    convert(OLD2("'securityDefinitions':[{'k':{}}],'definitions':{'A':'object','B':{'items':{"
                 "'$ref':'A'}},'C':{'properties':{'d':{'$ref':5}}}},'parameters':{'P':{'$ref':"
                 "'nowhere'}},'paths':{'/a':{'get':{'operationId':'G','parameters':[{'$ref':"
                 "'#/parameters/P'}],'responses':{'200':{'description':''}}}},'a':{'put':{"
                 "'operationId':'P','responses':{'200':{'description':''}}}}}"));
    assert_json("/definitions/B/items", "{}");
    assert_json("/definitions/C/properties/d", "{}");
    assert_json("/paths/~1a/get/parameters", "[]");
    assert_json("/paths/~1a/put",
                "-"); /* a/ and /a are one path: the first counts, and it is said */
    assert_loss("RC-O2-02", "/paths/a");
}

/* What could cost the square of its size: ids that repeat, required names, long lists, holes. */
static rac_str repeated(const char *head, const char *each, size_t n, const char *tail)
{
    struct rac_buf b;
    rac_buf_init(&b, 1 << 26);
    rac_buf_add(&b, quoted(head));
    for (size_t i = 0; i < n; i++) {
        rac_str one = quoted(each), mark = RAC_S("#");
        rac_buf_printf(
            &b, "%s%.*s", i > 0 ? "," : "",
            RAC_FMT(rac_str_replace(&arena, one, mark, rac_arena_printf(&arena, "%zu", i))));
    }
    rac_buf_add(&b, quoted(tail));
    rac_str s = rac_buf_take(&b, &arena);
    rac_buf_fini(&b);
    return s;
}

static void size_costs_no_squares(void **state RAC_UNUSED)
{
    enum { N = 20000 }; /* seconds to minutes each, where every one looks at all others */
    convert(rac_str_cstr(repeated("{" HEAD "," SERVER ",'paths':{",
                                  "'/a#':{'get':{'operationId':'x'," OK_ANSWER "}}", N, "}}")));
    assert_json("/paths/~1a19999/get/operationId", "'x_20000'");
    convert(rac_str_cstr(repeated("{" HEAD "," SERVER ",'paths':{},'components':{'schemas':{'S':{"
                                  "'type':'object','required':[",
                                  "'r#'", N, "]}}}}")));
    assert_json(S "/properties/r19999", "{}");
    convert(rac_str_cstr(repeated("{" HEAD "," SERVER ",'paths':{'/a':{'get':{'parameters':[",
                                  "{'name':'p#','in':'query','schema':{'type':'string'}}", N,
                                  "]," OK_ANSWER "}}}}")));
    assert_json("/paths/~1a/get/parameters/999/name", "'p999'");
    assert_json("/paths/~1a/get/parameters/1000", "-");
    assert_loss("RC-O3-08", "/paths/~1a/get/parameters");
    convert(rac_str_cstr(
        repeated("{" HEAD "," SERVER ",'paths':{'/", "{h#}", 8000, "':{'get':{" OK_ANSWER "}}}}")));
    assert_json("/paths", "{}");
    assert_loss("RC-O3-16", "/paths");
}

static void callbacks(void **state RAC_UNUSED)
{
    convert(DOC("'/hooks':{'post':{'operationId':'On','requestBody':{'content':{'application/"
                "json':{'schema':{'$ref':"
                "'#/components/schemas/Hook'}}}},'callbacks':{'event':{'{$request.body#/"
                "target}':{'post':{'summary':"
                "'Arrival','requestBody':{'content':{'application/"
                "json':{'schema':{'type':'object'}}}}," OK_ANSWER
                "}}},'other':{'{$request.query.u}':{'post':{" OK_ANSWER "}}}}," OK_ANSWER "}}",
                "'schemas':{'Hook':{'type':'object','properties':{'target':{'type':'string','"
                "format':'uri'},'quay':{"
                "'type':'string'}}}}"));
    assert_json("/paths/~1hooks/post/x-ms-trigger", "'single'");
    assert_json("/paths/~1hooks/x-ms-notification-content",
                "{'description':'Arrival','schema':{'type':'object'}}");
    assert_json("/paths/~1hooks/post/parameters/0/schema",
                "{'type':'object','properties':{'target':{'type':'string','format':'uri','x-ms-"
                "notification-url':true,"
                "'x-ms-visibility':'internal'},'quay':{'type':'string'}},'required':['target']}");
    assert_json("/definitions/Hook/properties/target",
                "{'type':'string','format':'uri'}"); /* untouched */
    assert_loss("RC-O3-11", "/paths/~1hooks/post/callbacks/other");
}

static void unknown_words(void **state RAC_UNUSED)
{
    convert("{'openapi':'3.2.0','info':{'title':'Q','version':'1','summary':'S','description':'D'}"
            "," SERVER
            ",'strange':1,'x-kept':{'a':1},'webhooks':{'w':{}},'paths':{'/a':{'trace':{" OK_ANSWER
            "},'get':{'odd':1," OK_ANSWER
            "}}},'tags':[{'name':'t','description':'T','kind':'nav'}]}");
    assert_loss("RC-O3-05", "/openapi");
    assert_loss("RC-O3-06", "/strange");
    assert_loss("RC-O3-06", "/info/summary");
    assert_loss("RC-O3-06", "/paths/~1a/get/odd");
    assert_loss("RC-O3-06", "/tags/0/kind");
    assert_loss("RC-O3-09", "/paths/~1a/trace");
    assert_loss("RC-O3-11", "/webhooks/w");
    assert_json("/x-kept", "{'a':1}");
    assert_json("/tags", "[{'name':'t','description':'T'}]");
}

static void places(void **state RAC_UNUSED)
{
    convert("{" HEAD "," SERVER ",\n'paths':{},\n'components':{'schemas':{'S':\n  {'not':{}}}}}");
    const struct rac_diag *d = loss("RC-O3-06");
    assert_non_null(d);
    assert_int_equal(d->line, 4);
    assert_int_equal(d->column, 10);
    assert_true(d->fix.n > 0);
}

static void hostile(void **state RAC_UNUSED)
{
    convert("{'openapi':'3.0.0'}");
    convert("{'openapi':'3.0.0','info':1,'paths':[],'servers':{},'components':3,'security':{},'"
            "tags':{}}");
    convert("{'openapi':'3.1.0','paths':{'/"
            "a':{'get':1,'post':{'parameters':[1,{},{'in':'query'},{'name':'x','in':'query',"
            "'schema':[]}],'responses':[],'requestBody':{'content':{'application/"
            "json':{'schema':7}}},'security':[1,{}],"
            "'callbacks':{'a':1}},'parameters':{}},'b':{},'/"
            "{':{'get':{'responses':{'200':1}}}},'components':{"
            "'schemas':{'A':1,'B':{'properties':[],'required':{},'type':7,'enum':{},'items':[],'"
            "allOf':{}}},"
            "'securitySchemes':{'x':1,'y':{}}}}");
    assert_non_null(at("/paths/~1b"));
}

static void swagger2_is_kept(void **state RAC_UNUSED)
{
    const char *text = "{'swagger':'2.0','info':{'title':'Q','version':'1'},\n "
                       "'paths':{'/a':{'get':{'operationId':'A',"
                       "'responses':{'200':{'description':'OK','schema':{'$ref':'#/definitions/"
                       "S'}}}}}},'definitions':{"
                       "'S':{'type':'object'}},'securityDefinitions':{'k':{'type':'apiKey','in':'"
                       "header','name':'K'}}}";
    convert(text);
    assert_false(result.changed);
    assert_str(result.text, rac_str_cstr(quoted(text)));
    assert_prop("/properties/connectionParameters/api_key/type", "'securestring'");
}

static void swagger2_is_mended(void **state RAC_UNUSED)
{
    convert("{'swagger':2.0,'info':{'title':'Q','version':1},'paths':{'/a/"
            "{id}':{'get':{'parameters':[{'in':'body','name':"
            "'b'},{'in':'body','name':'c','schema':{}}],'responses':{'200':{'description':'OK','"
            "schema':{'$ref':"
            "'#/definitions/S/properties/x'}}}}},'/b':{'$ref':'#/paths/"
            "~1a~1{id}'}},'definitions':{'S':{'properties':{'x':{"
            "'type':'string'}}},'L':{'$ref':'#/definitions/M'},'M':{'$ref':'#/definitions/L'}}}");
    assert_true(result.changed);
    assert_json("/swagger", "'2.0'");
    assert_json("/info/version", "'1'");
    assert_json("/paths/~1a~1{id}/get/operationId", "'GetAById'");
    assert_json("/paths/~1a~1{id}/get/parameters/1/name", "'id'");
    assert_json("/paths/~1a~1{id}/get/responses/200/schema", "{'$ref':'#/definitions/X'}");
    assert_json("/definitions/X", "{'type':'string'}");
    assert_json("/definitions/L", "{}");
    assert_non_null(at("/paths/~1b/get"));
    assert_non_null(loss("RC-O2-01"));
    assert_non_null(loss("RC-O2-02"));
}

/* Root maps hold names, whatever they begin with; the responses of an operation hold extensions. */
static void swagger2_names_like_extensions(void **state RAC_UNUSED)
{
    convert(
        "{'swagger':'2.0','info':{'title':'Q','version':'1'},'paths':{'/a':{'get':{'operationId'"
        ":'A','parameters':[{'$ref':'#/parameters/x-p'}],'responses':{'200':{'$ref':"
        "'#/responses/x-ms-notification-url'},'x-note':{'$ref':'y'}}}}},"
        "'parameters':{'x-p':{'name':'p','in':'query'}},"
        "'definitions':{'x-s':{'$ref':'y'}},"
        "'responses':{'x-ms-notification-url':{'$ref':'y'},'x-r':{'description':'r','schema':"
        "{'$ref':'y'}}}}");
    assert_json("/responses/x-r/schema", "{}");
    assert_json("/paths/~1a/get/responses/x-note", "{'$ref':'y'}");
    assert_non_null(loss("RC-O2-02"));
}

static void blank(void **state RAC_UNUSED)
{
    rac_convert_blank(RAC_S(" Harbour "), &arena, &result);
    assert_json("/info/title", "'Harbour'");
    assert_json("/paths", "{}");
    assert_prop("/properties/iconBrandColor", "'#007ee5'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(heads_and_servers),
        T(relative_servers),
        T(server_variables),
        T(servers_of_operations),
        T(methods_in_capitals),
        T(parameters),
        T(path_parameters),
        T(shared_parameters),
        T(bodies),
        T(answers),
        T(schema_keywords),
        T(alternatives),
        T(recursion),
        T(references),
        T(neighbours),
        T(security),
        T(discovery),
        T(security_of_operations),
        T(alternatives_become_sets),
        T(wrong_shapes),
        T(size_costs_no_squares),
        T(alternatives_of_openapi2),
        T(callbacks),
        T(unknown_words),
        T(places),
        T(hostile),
        T(swagger2_is_kept),
        T(swagger2_is_mended),
        T(swagger2_names_like_extensions),
        T(blank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
