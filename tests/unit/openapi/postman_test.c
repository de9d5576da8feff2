#include "convert_unit.h"

#define V21               "'schema':'https://schema.getpostman.com/json/collection/v2.1.0/collection.json'"
#define V20               "'schema':'https://schema.getpostman.com/json/collection/v2.0.0/collection.json'"
#define COLLECTION(items) "{'info':{'name':'Quai'," V21 "},'item':[" items "]}"
#define REQUEST(name, method, url)                                                                 \
    "{'name':'" name "','request':{'method':'" method "','url':'" url "'}}"

static void heads(void **state RAC_UNUSED)
{
    convert(
        "{'info':{'name':'Quai','description':{'content':'Ships'},'version':{'major':2,'minor':1,"
        "'patch':0}," V21
        "},'item':[" REQUEST("List ships", "get", "https://api.quai.example/v1/ships") "]}");
    assert_json("/swagger", "'2.0'");
    assert_json("/info", "{'title':'Quai','description':'Ships','version':'2.1.0'}");
    assert_json("/host", "'api.quai.example'");
    assert_json("/basePath", "'/v1'");
    assert_json("/schemes", "['https']");
    assert_json("/paths/~1ships/get/operationId", "'ListShips'");
    assert_json("/paths/~1ships/get/summary", "'List ships'");
    assert_json("/paths/~1ships/get/responses", "{'200':{'description':'OK'}}");
    assert_loss("RC-PM-07", "/item/0/request");
    assert_prop("/properties/iconBrandColor", "'#007ee5'");
    assert_prop("/properties/capabilities", "[]");
}

static void nothing_to_convert(void **state RAC_UNUSED)
{
    assert_int_equal(try_convert(COLLECTION("")), RAC_E_INVALID);
    assert_loss("RC-PM-01", "");
}

static void path_parameters(void **state RAC_UNUSED)
{
    convert(
        "{'info':{'name':'Q'," V21 "},'variable':[{'key':'dock','value':'7'},{'key':'zip','value':"
        "'007'}],'item':[{'name':'A','request':{'method':'GET','url':{'raw':'','protocol':'https',"
        "'host':['q','example'],'path':['docks','{{dock}}','ships',':ship','{{zip}}'],'variable':["
        "{'key':'ship','value':'true','description':'Its name'}]}}}]}");
    const char *p = "/paths/~1{dock}~1ships~1{ship}~1{zip}/get/parameters";
    assert_json("/basePath", "'/docks'");
    assert_json(p,
                "[{'name':'dock','in':'path','required':true,'type':'integer','default':7,"
                "'x-ms-url-encoding':'single'},{'name':'ship','in':'path','description':'Its name',"
                "'required':true,'type':'boolean','default':true,'x-ms-url-encoding':'single'},{"
                "'name':'zip','in':'path','required':true,'type':'string','default':'007',"
                "'x-ms-url-encoding':'single'}]");
}

static void path_oddities(void **state RAC_UNUSED)
{
    convert(COLLECTION(
        REQUEST("A", "GET", "https://q.example/x/:id/y/:id/z{{w}}.json#frag") "," REQUEST(
            "B", "GET", "https://q.example/x/bra{ce/")));
    assert_non_null(at("/paths/~1{id}~1y~1{id_2}~1z{w}.json/get"));
    assert_non_null(at("/paths/~1bra%7Bce~1/get"));
    convert(COLLECTION(REQUEST("A", "GET", "https://q.example/only")));
    assert_json("/basePath", "'/'"); /* "/only" + "/" would be another address */
    assert_non_null(at("/paths/~1only/get"));
}

static void variables(void **state RAC_UNUSED)
{
    convert(
        "{'info':{'name':'Q'," V21 "},'variable':[{'key':'base','value':'https://{{h}}/v2'},{'key':"
        "'h','value':'q.example'},{'key':'api_token','value':'s3cr3t-value'},{'key':'hidden',"
        "'value':'do-not-keep','type':'secret'},{'key':'loop','value':'{{loop}}'}],'item':[{'name':"
        "'F','variable':[{'key':'size','value':'20'}],'item':[" //
        REQUEST(
            "A", "GET",
            "{{base}}/a?size={{size}}&x={{unknown}}&y={{hidden}}&z={{loop}}&t={{api_token}}") "]}]"
                                                                                              "}");
    assert_json("/host", "'q.example'");
    assert_json("/basePath", "'/v2'");
    const char *p = "/paths/~1a/get/parameters";
    assert_json(
        p, "[{'name':'size','in':'query','required':false,'type':'integer','default':20},{"
           "'name':'x','in':'query','required':false,'type':'string'},{'name':'y','in':'query',"
           "'required':false,'type':'string'},{'name':'z','in':'query','required':false,'type':"
           "'string'},{'name':'t','in':'query','required':false,'type':'string'}]");
    assert_non_null(loss("RC-PM-12"));
    assert_int_equal(rac_str_find(result.text, RAC_S("s3cr3t")), RAC_STR_NPOS);
    assert_int_equal(rac_str_find(result.text, RAC_S("do-not-keep")), RAC_STR_NPOS);
}

static void hosts(void **state RAC_UNUSED)
{
    convert(COLLECTION(REQUEST("A", "GET", "https://q.example/a") "," REQUEST(
        "B", "GET",
        "http://q.example/b") "," REQUEST("C", "GET",
                                          "https://other.example:8443/c") "," REQUEST("D", "GET",
                                                                                      "{{site}}.q."
                                                                                      "example/"
                                                                                      "d")));
    assert_json("/host", "'q.example'");
    assert_json("/schemes", "['https','http']");
    assert_loss("RC-PM-03", "/item/2/request");
    assert_prop("/properties/policyTemplateInstances/0",
                "{'templateId':'dynamichosturl','title':'Set the host','parameters':{"
                "'x-ms-apimTemplate-operationName':['C'],'x-ms-apimTemplateParameter.urlTemplate':"
                "'https://other.example:8443'}}");
    const struct rac_json *t = rac_json_pointer_get(
        &result.properties, RAC_S("/properties/policyTemplateInstances/1/parameters/"
                                  "x-ms-apimTemplateParameter.urlTemplate"));
    assert_str(rac_json_str(t, RAC_S("")), "https://@connectionParameters('site').q.example");
    assert_prop("/properties/connectionParameters/site/type", "'string'");
}

static void symbolic_host(void **state RAC_UNUSED)
{
    convert(
        "{'info':{'name':'Q'," V21 "},'variable':[{'key':'baseUrl','value':'/'}],'item':[" REQUEST(
            "A", "GET", "{{baseUrl}}/ships/:id") "]}"); /* as what names no server is exported */
    assert_json("/host", "-");
    assert_json("/basePath", "'/ships'");
    convert(COLLECTION(REQUEST("A", "GET", "{{my-host}}/a/b")));
    assert_json("/host", "-");
    assert_prop("/properties/connectionParameters/my_host/uiDefinition/constraints/required",
                "'true'");
    const struct rac_json *t = rac_json_pointer_get(
        &result.properties, RAC_S("/properties/policyTemplateInstances/0/parameters/"
                                  "x-ms-apimTemplateParameter.urlTemplate"));
    assert_str(rac_json_str(t, RAC_S("")), "https://@connectionParameters('my_host')");
    assert_prop("/properties/policyTemplateInstances/0/parameters/x-ms-apimTemplate-operationName",
                "-");
    convert(COLLECTION(REQUEST("A", "GET", "https://me:pw@q.example/a")));
    assert_non_null(loss("RC-PM-04"));
    assert_int_equal(rac_str_find(result.text, RAC_S("me:pw")), RAC_STR_NPOS);
}

/* A password inside the value of a variable or a default, wherever the variable stands. */
static void passwords_in_addresses(void **state RAC_UNUSED)
{
    convert(
        "{'info':{'name':'Quai'," V21 "},'variable':[{'key':'base','value':"
        "'https://me:s3cr3t@q.example/v1'}],'item':[" REQUEST("A", "GET", "{{base}}/a") "," REQUEST(
            "B", "GET",
            "https://q.example/b?to={{base}}&via=http://"
            "you:hush@x.example/") "," REQUEST("C", "GET",
                                               "https://q.example/"
                                               "{{base}}/c") "]}");
    assert_int_equal(rac_str_find(result.text, RAC_S("s3cr3t")), RAC_STR_NPOS);
    assert_int_equal(rac_str_find(result.text, RAC_S("hush")), RAC_STR_NPOS);
    assert_json("/host", "'q.example'");
}

static void query_and_headers(void **state RAC_UNUSED)
{
    convert(COLLECTION(
        "{'name':'A','request':{'method':'GET','header':[{'key':'Accept','value':'text/"
        "csv'},{'key':"
        "'X-Trace','value':'on','description':'Tracing'},{'key':'X-Api-Key','value':'abc'},{'key':"
        "'Cookie','value':'a=b'},{'key':'X-Off','value':'1','disabled':true}],'url':{'host':['q',"
        "'example'],'protocol':'https','path':['a'],'query':[{'key':'tag','value':'x'},{'key':'tag'"
        ","
        "'value':'y'},{'key':'q','value':'a%20b'},{'key':'sig','value':null},{'key':'old','value':'"
        "1',"
        "'disabled':true}]}}}"));
    const char *p = "/paths/~1a/get/parameters";
    assert_json(
        p, "[{'name':'tag','in':'query','required':false,'type':'array','default':['x','y'],"
           "'items':{'type':'string'},'collectionFormat':'multi'},{'name':'q','in':'query',"
           "'required':false,'type':'string','default':'a b'},{'name':'sig','in':'query',"
           "'required':false,'type':'string'},{'name':'old','in':'query','required':false,"
           "'type':'string','default':'1','x-ms-visibility':'advanced'},{'name':'X-Trace','in':"
           "'header','description':'Tracing','required':false,'type':'string','default':'on'},"
           "{'name':'X-Api-Key','in':'header','required':false,'type':'string'},{'name':'X-Off',"
           "'in':'header','required':false,'type':'string','default':'1','x-ms-visibility':"
           "'advanced'}]");
    assert_json("/paths/~1a/get/produces", "['text/csv']");
    assert_loss("RC-PM-13", "/item/0/request");
}

#define POST_BODY(body)                                                                            \
    COLLECTION("{'name':'A','request':{'method':'POST','url':'https://q.example/a','body':" body   \
               "}}")

static void bodies(void **state RAC_UNUSED)
{
    convert(POST_BODY("{'mode':'raw','raw':'{\\'n\\': {{count}}, \\'s\\': \\'{{name}}\\'}'}"));
    assert_json("/paths/~1a/post/consumes", "['application/json']");
    assert_json(
        "/paths/~1a/post/parameters/0",
        "{'name':'body','in':'body','required':true,'schema':{'type':'object','properties':{"
        "'n':{'title':'n','description':'n'},'s':{'type':'string','title':'s','description':'s'"
        "}}}}");
    convert(POST_BODY("{'mode':'raw','raw':'<a/>','options':{'raw':{'language':'xml'}}}"));
    assert_json("/paths/~1a/post/consumes", "['application/xml']");
    assert_json("/paths/~1a/post/parameters/0/schema", "{'type':'string'}");
    convert(POST_BODY("{'mode':'raw','raw':'{oops','options':{'raw':{'language':'json'}}}"));
    assert_json("/paths/~1a/post/parameters/0/schema", "{}");
    assert_loss("RC-PM-16", "/item/0/request/body");
    convert(
        POST_BODY("{'mode':'urlencoded','urlencoded':[{'key':'a','value':'1'},{'key':'password',"
                  "'value':'hunter22'}]}"));
    assert_json("/paths/~1a/post/consumes", "['application/x-www-form-urlencoded']");
    assert_json(
        "/paths/~1a/post/parameters",
        "[{'name':'a','in':'formData','required':false,'type':'string','default':'1'},{'name':"
        "'password','in':'formData','required':false,'type':'string'}]");
    convert(
        POST_BODY("{'mode':'formdata','formdata':[{'key':'f','type':'file','src':'/x'},{'key':'t',"
                  "'value':'v','type':'text'}]}"));
    assert_json("/paths/~1a/post/consumes", "['multipart/form-data']");
    assert_json("/paths/~1a/post/parameters/0/type", "'file'");
    convert(POST_BODY("{'mode':'file','file':{'src':'/x'}}"));
    assert_json("/paths/~1a/post/consumes", "['application/octet-stream']");
    assert_json("/paths/~1a/post/parameters/0/schema", "{'type':'string','format':'binary'}");
    convert(
        POST_BODY("{'mode':'graphql','graphql':{'query':'{ ships }','variables':'{\\'n\\':1}'}}"));
    assert_json("/paths/~1a/post/parameters/0/schema/properties/query/default", "'{ ships }'");
    assert_json("/paths/~1a/post/parameters/0/schema/properties/variables/default", "{'n':1}");
    assert_loss("RC-PM-06", "/item/0/request/body");
}

static void body_on_get(void **state RAC_UNUSED)
{
    convert(COLLECTION("{'name':'A','request':{'method':'GET','url':'https://q.example/a','body':{"
                       "'mode':'raw','raw':'{}'}}}"));
    assert_json("/paths/~1a/get/parameters", "[]");
    assert_loss("RC-PM-05", "/item/0/request/body");
}

static void responses(void **state RAC_UNUSED)
{
    convert(COLLECTION(
        "{'name':'A','request':{'url':'https://q.example/"
        "a'},'response':[{'code':404,'status':'Nope',"
        "'body':'no'},{'code':201,'status':'Made','header':[{'key':'Content-Type','value':"
        "'application/json'}],'body':'{\\'id\\':1}'},{'code':200,'body':''}]}"));
    assert_json("/paths/~1a/get/responses",
                "{'201':{'description':'Made','schema':{'type':'object','properties':{'id':{'type':"
                "'integer','format':'int32','title':'id','description':'id'}}}}}");
    assert_loss("RC-PM-11", "/item/0/response");
    assert_loss("RC-PM-15", "/item/0/response/1");
    convert(COLLECTION(
        "{'name':'A','request':{'url':'https://q.example/a'},'response':[{'body':'hi'}]}"));
    assert_json("/paths/~1a/get/responses/200/schema", "{'type':'string'}");
}

static void names(void **state RAC_UNUSED)
{
    convert(COLLECTION("{'name':'Big Docks','item':[" REQUEST(
        "get ship-byName", "GET",
        "https://q.example/a") "]},{"
                               "'name':'Small','item':[{'name':'Deep','item':"
                               "[" REQUEST("get ship-byName", "GET", "https://q.example/b") "," REQUEST(
                                   "get ship-byName", "GET",
                                   "https://q.example/c") "]}]}," REQUEST("2nd", "GET",
                                                                          "https://"
                                                                          "q."
                                                                          "example/"
                                                                          "d") "," REQUEST("???",
                                                                                           "GET",
                                                                                           "https:/"
                                                                                           "/q."
                                                                                           "example"
                                                                                           "/e")));
    assert_json("/paths/~1a/get/operationId", "'GetShipByName'");
    assert_json("/paths/~1b/get/operationId", "'GetShipByNameDeep'");
    assert_json("/paths/~1c/get/operationId", "'GetShipByNameDeep_2'");
    assert_json("/paths/~1d/get/operationId", "'Op2nd'");
    assert_json("/paths/~1e/get/operationId", "'Op'");
    assert_json("/paths/~1a/get/tags", "['Big Docks']");
    assert_json("/paths/~1b/get/tags", "['Small/Deep']");
}

static void merged_requests(void **state RAC_UNUSED)
{
    convert(COLLECTION(
        "{'name':'A','request':{'method':'POST','url':'https://q.example/x/"
        ":id?a=1','body':{'mode':'raw',"
        "'raw':'{\\'p\\':1}'}}},{'name':'B','request':{'method':'POST','url':"
        "'https://q.example/x/:other?b=2','body':{'mode':'raw','raw':'{\\'q\\':true}'}}}"));
    assert_int_equal(rac_json_len(at("/paths")), 1);
    assert_json("/paths/~1{id}/post/operationId", "'A'");
    assert_json("/paths/~1{id}/post/parameters/3",
                "{'name':'b','in':'query','required':false,'type':'string','default':'2'}");
    assert_json("/paths/~1{id}/post/parameters/2/schema/properties/q/type", "'boolean'");
    assert_json("/paths/~1{id}/post/parameters/2/schema/properties/p/type", "'integer'");
    assert_loss("RC-PM-08", "/item/1/request");
}

static void odd_methods(void **state RAC_UNUSED)
{
    convert(COLLECTION(
        REQUEST("A", "PURGE", "https://q.example/a") "," REQUEST("B", "", "https://q.example/b")));
    assert_loss("RC-PM-02", "/item/0/request");
    assert_int_equal(rac_json_len(at("/paths")), 1);
    assert_non_null(at("/paths/~1b/get"));
}

#define WITH_AUTH(auth)                                                                            \
    "{'info':{'name':'Q'," V21 "},'auth':" auth                                                    \
    ",'item':[" REQUEST("A", "GET", "https://q.example/a") "]}"

static void auth_kinds(void **state RAC_UNUSED)
{
    convert(WITH_AUTH("{'type':'basic','basic':[{'key':'username','value':'me'},{'key':'password','"
                      "value':'hunter22'}]}"));
    assert_json("/securityDefinitions", "{'basic_auth':{'type':'basic'}}");
    assert_json("/security", "[{'basic_auth':[]}]");
    assert_prop("/properties/connectionParameters/password/type", "'securestring'");
    assert_int_equal(rac_str_find(result.text, RAC_S("hunter22")), RAC_STR_NPOS);

    convert(WITH_AUTH("{'type':'apikey','apikey':[{'key':'key','value':'X-Key'},{'key':'value','"
                      "value':'abcdef123'},{'key':'in','value':'header'}]}"));
    assert_json("/securityDefinitions",
                "{'api_key':{'type':'apiKey','name':'X-Key','in':'header'}}");
    assert_prop("/properties/connectionParameters/api_key/type", "'securestring'");

    convert(WITH_AUTH("{'type':'bearer','bearer':[{'key':'token','value':'abcdef123456'}]}"));
    assert_json("/securityDefinitions",
                "{'api_key':{'type':'apiKey','name':'Authorization','in':'header'}}");
    assert_prop("/properties/policyTemplateInstances/0/templateId", "'setheader'");
    assert_prop("/properties/connectionParameters/api_key/uiDefinition/displayName",
                "'Bearer token'");

    convert(WITH_AUTH(
        "{'type':'oauth2','oauth2':[{'key':'authUrl','value':'https://i.example/"
        "a'},{'key':'accessTokenUrl','value':'https://i.example/t'},{'key':'scope','value':'read "
        "write'},{'key':'clientSecret','value':'very-secret-1'}]}"));
    assert_json("/securityDefinitions/oauth2_auth",
                "{'type':'oauth2','flow':'accessCode','authorizationUrl':'https://i.example/a',"
                "'tokenUrl':'https://i.example/t','scopes':{'read':'read','write':'write'}}");
    assert_json("/security", "[{'oauth2_auth':['read','write']}]");
    assert_prop("/properties/connectionParameters/token/type", "'oauthSetting'");
    assert_prop(
        "/properties/connectionParameters/token/oAuthSettings/customParameters/tokenUrl/value",
        "'https://i.example/t'");

    assert_no_loss("RC-PM-18");

    convert(WITH_AUTH("{'type':'oauth2','oauth2':[{'key':'authUrl','value':'https://i.example/"
                      "a'},{'key':'accessTokenUrl','value':'https://i.example/t'},{'key':"
                      "'addTokenTo','value':'queryParams'},{'key':'tokenRequestParams','value':[{"
                      "'key':'audience','value':'x'}]}]}"));
    assert_loss("RC-PM-18", "/auth");
    size_t told = 0;
    for (size_t i = 0; i < losses.n; i++)
        told += strcmp(losses.v[i].code, "RC-PM-18") == 0;
    assert_int_equal(told, 2);

    convert(WITH_AUTH("{'type':'hawk','hawk':[]}"));
    assert_json("/securityDefinitions", "{}");
    assert_loss("RC-PM-09", "/auth");
    convert(WITH_AUTH("{'type':'oauth2','oauth2':[{'key':'accessToken','value':'abcdef123456'}]}"));
    assert_loss("RC-PM-18", "/auth");
    assert_json("/securityDefinitions/oauth2_auth/type", "'apiKey'");
}

static void auth_of_majority(void **state RAC_UNUSED)
{
    convert(COLLECTION(
        "{'name':'A','request':{'url':'https://q.example/a','auth':{'type':'bearer','bearer':[]}}},"
        "{'name':'B','request':{'url':'https://q.example/"
        "b','header':[{'key':'Authorization','value':"
        "'Bearer "
        "{{t}}'}]}},{'name':'C','request':{'url':'https://q.example/c','auth':{'type':'basic',"
        "'basic':[]}}},{'name':'D','request':{'url':'https://q.example/"
        "d','auth':{'type':'noauth'}}}"));
    assert_json("/securityDefinitions/api_key/name", "'Authorization'");
    assert_json("/paths/~1a/get/security", "-");
    assert_json("/paths/~1b/get/parameters", "[]");
    assert_json("/paths/~1d/get/security", "[]");
    assert_loss("RC-PM-14", "/item/2/request/auth");
    assert_prop("/properties/policyTemplateInstances/0/parameters/x-ms-apimTemplate-operationName",
                "['A','B','C']");
}

static void consumed_key(void **state RAC_UNUSED)
{
    convert("{'info':{'name':'Q'," V20 "},'auth':{'type':'apikey','apikey':{'key':'appid','value':"
            "'abcdef123','in':'query'}},'item':[" REQUEST(
                "A", "GET", "https://q.example/a?appid=abcdef123&x=abcdef123") "]}");
    assert_json("/securityDefinitions/api_key", "{'type':'apiKey','name':'appid','in':'query'}");
    /* the value of a secret is no default wherever it stands */
    assert_json("/paths/~1a/get/parameters",
                "[{'name':'x','in':'query','required':false,'type':'string'}]");
}

static void version_1(void **state RAC_UNUSED)
{
    convert(
        "{'id':'c','name':'Old','order':['r1'],'folders':[{'id':'f1','name':'Docks','order':['r2'],"
        "'folders_order':['f2']},{'id':'f2','name':'Inner','folder':'f1','order':[]}],'requests':[{"
        "'id':'r2','name':'Second','method':'POST','url':'https://q.example/v/"
        "b','dataMode':'params',"
        "'data':[{'key':'a','value':'1','type':'text','enabled':false}],'folder':'f1'},{'id':'r1',"
        "'name':'First','method':'GET','url':'https://q.example/v/a/:id?x=1','headers':"
        "'X-A: 1\\n//X-B: 2\\nContent-Type: "
        "text/plain\\n','pathVariables':{'id':'5'},'responses':[{"
        "'responseCode':{'code':200,'name':'Fine'},'text':'[1]'}],'tests':'x();'},{'id':'r3','name'"
        ":"
        "'Third','url':'https://q.example/v/c','folder':'f2','currentHelper':'basicAuth',"
        "'helperAttributes':'{\\'id\\':\\'basic\\',\\'username\\':\\'me\\'}'}]}");
    assert_json("/info/title", "'Old'");
    assert_json("/basePath", "'/v'");
    assert_json("/paths/~1a~1{id}/get/parameters/0/default", "5");
    assert_json("/paths/~1a~1{id}/get/parameters/2/name", "'X-A'");
    assert_json("/paths/~1a~1{id}/get/parameters/3/x-ms-visibility", "'advanced'");
    assert_json("/paths/~1a~1{id}/get/responses/200/description", "'Fine'");
    assert_json("/paths/~1b/post/tags", "['Docks']");
    assert_json("/paths/~1b/post/consumes", "['multipart/form-data']");
    assert_json("/paths/~1b/post/parameters/0/x-ms-visibility", "'advanced'");
    assert_json("/paths/~1c/get/tags", "['Docks/Inner']");
    assert_json("/securityDefinitions", "{'basic_auth':{'type':'basic'}}");
    assert_non_null(loss("RC-PM-10"));
}

static void lost_in_translation(void **state RAC_UNUSED)
{
    convert(
        "{'info':{'name':'Q'," V21 "},'event':[{'listen':'test','script':{'exec':['a()']}}],"
        "'protocolProfileBehavior':{'followRedirects':false},'strange':1,'item':[{'name':'A','"
        "event':"
        "[{'listen':'prerequest','script':{'exec':['']}}],'request':{'url':'https://q.example/a',"
        "'proxy':{'host':'p'},'certificate':{'name':'c'}}}]}");
    assert_loss("RC-PM-10", "/event");
    assert_loss("RC-PM-13", "/protocolProfileBehavior");
    assert_loss("RC-PM-13", "/item/0/request/proxy");
    assert_loss("RC-PM-13", "/item/0/request/certificate");
    assert_loss("RC-PM-17", "/strange");
    assert_true(loss("RC-PM-10")->line > 0);
}

static void wrapped(void **state RAC_UNUSED)
{
    convert("{'collection':" COLLECTION(REQUEST("A", "GET", "https://q.example/a")) "}");
    assert_non_null(at("/paths/~1a/get"));
    assert_loss("RC-PM-07", "/collection/item/0/request");
}

/* What is cut or left in place is told, with the first place. */
static void what_is_cut_is_told(void **state RAC_UNUSED)
{
    enum { LONG = 120 };
    struct rac_buf b;
    char name[LONG + 1], value[8192];
    memset(name, 'n', LONG);
    name[LONG] = 0;
    convert(rac_arena_printf(&arena,
                             "{'info':{'name':'Q'," V21
                             "},'item':[{'name':'ok','item':[{'name':'%s',"
                             "'item':[" REQUEST("A", "GET", "https://q.example/a") "]}]}]}",
                             name)
                .p);
    assert_loss("RC-PM-19", "/item/0/item/0");
    memset(value, 'v', sizeof value);
    rac_buf_init(&b, 1 << 20);
    RAC_BUF_ADD_LIT(&b, "{'info':{'name':'Q'," V21 "},'variable':[{'key':'v0','value':'");
    rac_buf_add(&b, (rac_str){value, sizeof value});
    for (int i = 1; i < 4; i++) /* each holds the one before eight times */
        rac_buf_printf(&b, "'},{'key':'v%d','value':'{{v%d}}{{v%d}}{{v%d}}{{v%d}}{{v%d}}{{v%d}}", i,
                       i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    RAC_BUF_ADD_LIT(&b, "'}],'item':[" REQUEST("A", "GET", "https://q.example/a"));
    RAC_BUF_ADD_LIT(&b, "," REQUEST("B", "GET", "https://q.example/b?x={{v3}}") "]}");
    convert(rac_arena_cstr(&arena, rac_buf_str(&b)));
    rac_buf_fini(&b);
    assert_loss("RC-PM-19", "/item/1/request");
    convert("{'info':{'name':'Q'," V21
            "},'variable':[{'key':'c','value':'{{c}}'}],'item':[" REQUEST(
                "A", "GET", "https://q.example/a") "," REQUEST("B", "GET",
                                                               "https://q.example/b?x={{c}}") "]}");
    assert_loss("RC-PM-19", "/item/1/request"); /* a variable that holds itself */
}

/* A zero is a character like any other, and none that a name may have. */
static void names_with_zeros(void **state RAC_UNUSED)
{
    convert(
        "{'info':{'name':'x','schema':'https://schema.getpostman.com/json/collection/v2.1.0/"
        "collection.json'},'item':[{'name':'n','request':{'method':'GET','url':"
        "'https://a.example/x?k\\u0000a=1&k\\u0000b=2','header':[{'key':'X\\u0000Y','value':'1'},"
        "{'key':'Accept','value':'a/b\\u0000c'}]}}]}");
    assert_loss("RC-PM-19", "/item/0/request");
    assert_int_equal(rac_json_len(at("/paths/~1x/get/parameters")), 2);
    assert_json("/paths/~1x/get/produces", "-");
    rac_str a = rac_json_str(at("/paths/~1x/get/parameters/0/name"), RAC_S(""));
    assert_true(rac_str_eq(a, RAC_S("k\0a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(heads),
        T(nothing_to_convert),
        T(names_with_zeros),
        T(what_is_cut_is_told),
        T(path_parameters),
        T(path_oddities),
        T(variables),
        T(hosts),
        T(symbolic_host),
        T(passwords_in_addresses),
        T(query_and_headers),
        T(bodies),
        T(body_on_get),
        T(responses),
        T(names),
        T(merged_requests),
        T(odd_methods),
        T(auth_kinds),
        T(auth_of_majority),
        T(consumed_key),
        T(version_1),
        T(lost_in_translation),
        T(wrapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
