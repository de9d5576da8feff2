/* connection, auth_plan, auth_apply: parameters, validation, binding of credentials, masking. */
#include "unit.h"

#include "base/buf.h"
#include "connector/auth.h"
#include "connector/bind.h"

struct fixture {
    struct rac_arena a;
    struct rac_connector c;
    struct rac_diags diags;
};

static int setup(void **state)
{
    struct fixture *f = test_calloc(1, sizeof *f);
    rac_arena_init(&f->a, 8 << 20);
    rac_arena_init(&f->c.arena, 8 << 20);
    rac_diags_init(&f->diags, &f->a, 100);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rac_arena_fini(&f->c.arena);
    rac_arena_fini(&f->a);
    test_free(f);
    return 0;
}

/* JSON with single quotes for double ones. */
static const struct rac_json *J(struct fixture *f, const char *text)
{
    char *copy = rac_arena_cstr(&f->a, rac_str_of(text));
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    struct rac_json *v = RAC_NEW(&f->a, struct rac_json);
    struct rac_json_error e = {0};
    if (rac_json_parse(rac_str_of(copy), &f->a, 0, v, &e) != RAC_OK)
        fail_msg("%s: %s", text, e.message);
    return v;
}

static void connector(struct fixture *f, const char *properties)
{
    assert_int_equal(rac_conn_sets_parse(J(f, properties), &f->c, &f->diags), RAC_OK);
}

static void connector_of(struct fixture *f, rac_str properties)
{
    struct rac_json v;
    assert_int_equal(rac_json_parse(properties, &f->a, 0, &v, NULL), RAC_OK);
    assert_int_equal(rac_conn_sets_parse(&v, &f->c, &f->diags), RAC_OK);
}

static struct rac_connection *make(struct fixture *f, const char *input)
{
    struct rac_connection *out = NULL;
    rac_diags_init(&f->diags, &f->a, 100);
    rac_err e =
        rac_connection_make(&f->c, input ? J(f, input) : NULL, 0, 1000000, &f->a, &out, &f->diags);
    if (e != RAC_OK)
        fail_msg("%s: %s %.*s", input, f->diags.n ? f->diags.v[0].code : rac_err_name(e),
                 RAC_FMT(f->diags.n ? f->diags.v[0].message : RAC_S("")));
    return out;
}

static const struct rac_diag *refuse(struct fixture *f, const char *input, const char *code)
{
    struct rac_connection *out = NULL;
    rac_diags_init(&f->diags, &f->a, 100);
    assert_int_equal(rac_connection_make(&f->c, J(f, input), 0, 1000000, &f->a, &out, &f->diags),
                     RAC_E_INVALID);
    assert_null(out);
    assert_true(f->diags.n > 0);
    assert_string_equal(f->diags.v[0].code, code);
    return &f->diags.v[0];
}

static const char key_and_site[] =
    "{'connectionParameters':{"
    "'api_key':{'type':'securestring','uiDefinition':{'displayName':'Key','description':'Ask the "
    "office','constraints':{'required':'true','tabIndex':2}}},"
    "'site':{'type':'string','defaultValue':'north','uiDefinition':{'constraints':{'required':true,"
    "'tabIndex':1,'allowedValues':[{'text':'North','value':'north'},{'value':'south'}]}}},"
    "'port':{'type':'int'},'live':{'type':'Bool'}}}";

static void test_model(void **state)
{
    struct fixture *f = *state;
    connector(f, key_and_site);
    assert_int_equal(f->c.sets_n, 1);
    assert_false(f->c.multi_auth);
    struct rac_conn_set *s = &f->c.sets[0];
    assert_int_equal(s->params_n, 4);
    assert_str(s->params[0].name, "site"); /* tabIndex 1 */
    assert_str(s->params[1].name, "api_key");
    assert_true(s->params[0].required && s->params[1].required && s->params[1].secret);
    assert_str(s->params[0].default_value, "north");
    assert_int_equal(rac_json_len(&s->params[0].allowed), 2);
    assert_int_equal(s->params[3].type, RAC_CONN_BOOL);
    assert_str(s->params[2].display_name, "port");
}

static void test_make(void **state)
{
    struct fixture *f = *state;
    connector(f, key_and_site);
    struct rac_connection *c = make(f, "{'api_key':'k1','port':'8080','live':'True'}");
    assert_str(rac_connection_value(c, RAC_S("site"), &f->a), "north");
    assert_str(rac_connection_value(c, RAC_S("PORT"), &f->a), "8080");
    assert_int_equal(rac_json_get(&c->values, RAC_S("port"))->type, RAC_JSON_INT);
    assert_true(rac_json_get(&c->values, RAC_S("live"))->b);
    assert_int_equal(c->status.status, RAC_CONNECTION_CONNECTED);
    c = make(f, "{'api_key':{'value':'k1'},'site':'SOUTH'}");
    assert_str(rac_connection_value(c, RAC_S("site"), &f->a), "south");
    c = make(f, "{'values':{'api_key':'k1','site':''}}");
    assert_str(rac_connection_value(c, RAC_S("site"), &f->a), "north");
}

static void test_refusals(void **state)
{
    struct fixture *f = *state;
    connector(f, key_and_site);
    const struct rac_diag *d = refuse(f, "{}", "RC-CONN-03");
    assert_str(d->pointer, "/api_key");
    assert_str(d->fix, "Ask the office");
    refuse(f, "{'api_key':''}", "RC-CONN-03");
    refuse(f, "{'api_key':null}", "RC-CONN-03");
    d = refuse(f, "{'api_key':'x','sitte':'north'}", "RC-CONN-02");
    assert_str(d->fix, "did you mean \"site\"?");
    d = refuse(f, "{'api_key':'x','a\\u0000b':'north'}", "RC-CONN-02");
    assert_true(rac_str_find(d->message, RAC_S("a\0b")) != RAC_STR_NPOS);
    struct rac_call_error e;
    rac_str zero = RAC_S("a\0b");
    rac_call_fail(&e, &f->a, RAC_CALL_INVALID_INPUT, NULL, RAC_STR_NULL, "<%.*s>", RAC_FMT(zero));
    assert_true(rac_str_eq(e.message, RAC_S("<a\0b>")));
    d = refuse(f, "{'api_key':'x','site':'east'}", "RC-CONN-05");
    assert_str(d->fix, "use one of: north, south");
    d = refuse(f, "{'api_key':'x','port':'80a'}", "RC-CONN-04");
    assert_str(d->pointer, "/port");
    refuse(f, "{'api_key':['x']}", "RC-CONN-04");
    refuse(f, "[1]", "RC-CONN-06");
    refuse(f, "{'set':'nope','values':{}}", "RC-CONN-01");
    struct rac_connection *out = NULL;
    assert_int_equal(rac_connection_make(&f->c, J(f, "{'other':1}"), RAC_CONNECTION_PARTIAL, 0,
                                         &f->a, &out, &f->diags),
                     RAC_OK);
}

static void test_dependencies(void **state)
{
    struct fixture *f = *state;
    connector(f,
              "{'connectionParameters':{"
              "'mode':{'type':'string','uiDefinition':{'constraints':{'required':'true'}}},"
              "'user':{'type':'string','uiDefinition':{'constraints':{'required':'true',"
              "'dependencies':{'mode':{'values':['basic']}}}}},"
              "'gw':{'type':'gatewaySetting','uiDefinition':{'constraints':{'required':'true'}}},"
              "'hid':{'type':'string','defaultValue':'d','uiDefinition':{'constraints':{"
              "'hidden':'true','required':'true'}}}}}");
    struct rac_connection *c = make(f, "{'mode':'none'}");
    assert_str(rac_connection_value(c, RAC_S("hid"), &f->a), "d");
    refuse(f, "{'mode':'basic'}", "RC-CONN-03");
    make(f, "{'mode':'basic','user':'u'}");
    connector(f, "{'connectionParameters':{'cert':{'type':'clientCertificate','uiDefinition':{"
                 "'constraints':{'required':'true'}}}}}");
    refuse(f, "{}", "RC-PROP-04");
    refuse(f, "{'cert':{'pfx':'x'}}", "RC-PROP-04");
}

static const char sets[] =
    "{'connectionParameters':{'env':{'type':'string'}},'connectionParameterSets':{'values':["
    "{'name':'key','parameters':{'api_key':{'type':'securestring'}}},"
    "{'name':'signin','uiDefinition':{'displayname':'Sign in'},'metadata':{'allowSharing':false},"
    "'parameters':{'token':{'type':'oAuthSetting','oAuthSettings':{'identityProvider':'oauth2'}},"
    "'token:TenantId':{'type':'string','metadata':{'sourceType':'AzureActiveDirectoryTenant'},"
    "'uiDefinition':{'constraints':{'required':'true'}}}}}]}}";

static void test_sets(void **state)
{
    struct fixture *f = *state;
    connector(f, sets);
    assert_true(f->c.multi_auth);
    assert_int_equal(f->c.sets_n, 2);
    assert_str(f->c.sets[1].display_name, "Sign in");
    assert_false(f->c.sets[1].allow_sharing);
    struct rac_connection *c = make(f, "{'set':'key','values':{'api_key':'k','env':'e'}}");
    assert_str(c->set->name, "key");
    c = make(f, "{'name':'signin','values':{'TenantId':{'value':'t1'}}}");
    assert_str(rac_connection_value(c, RAC_S("token:TenantId"), &f->a), "t1");
    assert_int_equal(c->status.status, RAC_CONNECTION_UNAUTHENTICATED);
    c = make(f, "{'token':'abc','env':'e'}"); /* flat: the set it fits */
    assert_str(c->set->name, "signin");
    assert_int_equal(c->status.status, RAC_CONNECTION_CONNECTED);
    struct rac_connection *changed;
    assert_int_equal(
        rac_connection_change(&f->c, c, J(f, "{'env':'f'}"), 0, &f->a, &changed, &f->diags),
        RAC_OK);
    assert_str(rac_connection_token(changed, RAC_S("token"))->access, "abc");
    assert_str(rac_connection_value(changed, RAC_S("env"), &f->a), "f");
    assert_str(rac_connection_value(c, RAC_S("env"), &f->a), "e");
    assert_int_equal(rac_connection_change(&f->c, c, J(f, "{'set':'key','values':{'api_key':'n'}}"),
                                           0, &f->a, &changed, &f->diags),
                     RAC_OK);
    assert_int_equal(changed->tokens_n, 0);
}

static void test_tokens(void **state)
{
    struct fixture *f = *state;
    connector(f, "{'connectionParameters':{'token':{'type':'oauthSetting'}}}");
    struct rac_oauth_token *t = make(f, "{'token':{'access_token':'a','refresh_token':'r',"
                                        "'expires_in':60}}")
                                    ->tokens;
    assert_str(t->refresh, "r");
    assert_int_equal(t->expires_at_ms, 1060000);
    t = make(f, "{'token':{'access_token':'a','expires_at':1700000000}}")->tokens;
    assert_int_equal(t->expires_at_ms, INT64_C(1700000000000));
    t = make(f, "{'token':{'access_token':'a','expires_at':'2026-01-01T00:00:00Z'}}")->tokens;
    assert_int_equal(t->expires_at_ms, INT64_C(1767225600000));
    t = make(f, "{'token':{'refresh_token':'only'}}")->tokens;
    assert_int_equal(t->access.n, 0);
    refuse(f, "{'token':{}}", "RC-CONN-07");
    refuse(f, "{'token':7}", "RC-CONN-07");
    refuse(f, "{'token':{'access_token':'a','expires_at':'soon'}}", "RC-CONN-07");
    refuse(f, "{'token':{'access_token':'a','expires_at':1e300}}", "RC-CONN-07");
    refuse(f, "{'token':{'access_token':'a','expires_at':-1e300}}", "RC-CONN-07");
    refuse(f, "{'token':{'access_token':'a','expires_at':9223372036854775807}}", "RC-CONN-07");
    refuse(f, "{'token':{'access_token':'a','expires_in':9223372036854775807}}", "RC-CONN-07");
}

static void test_store_round_trip(void **state)
{
    struct fixture *f = *state;
    connector(f, key_and_site);
    struct rac_connection *c = make(f, "{'api_key':'top','port':3}"), *back = NULL;
    rac_str open = rac_connection_values_json(c, false, &f->a);
    rac_str secret = rac_connection_values_json(c, true, &f->a);
    assert_true(rac_str_find(open, RAC_S("top")) == RAC_STR_NPOS);
    assert_str(secret, "{\"api_key\":\"top\"}");
    struct rac_connection_row row = {.id = RAC_S("c1"), .values = open};
    struct rac_oauth_row token = {
        .parameter = RAC_S("token"), .access = RAC_S("a"), .generation = 4};
    assert_int_equal(rac_connection_open(&f->c, &row, secret, &token, 1, &f->a, &back), RAC_OK);
    assert_str(rac_connection_value(back, RAC_S("api_key"), &f->a), "top");
    assert_int_equal(back->tokens[0].generation, 4);
    row.values = RAC_S("[");
    assert_int_equal(rac_connection_open(&f->c, &row, secret, NULL, 0, &f->a, &back),
                     RAC_E_CORRUPT);
}

/* A token that came with other values is not used with new ones. */
static void test_change_and_tokens(void **state)
{
    struct fixture *f = *state;
    static const char oauth[] =
        "'token':{'type':'oauthSetting','oAuthSettings':{'identityProvider':'oauth2',"
        "'customParameters':{%s'tokenUrl':{'value':'https://id.example/t'},'authorizationUrl':"
        "{'value':'https://id.example/a'}}}}";
    char one[400], nobody[400], text[1600];
    snprintf(one, sizeof one, oauth, "");
    snprintf(nobody, sizeof nobody, oauth, "'grantType':{'value':'client_credentials'},");
    snprintf(text, sizeof text,
             "{'connectionParameterSets':{'values':["
             "{'name':'a','parameters':{%s,'token:host':{'type':'string'},'token:area':{'type':"
             "'string','defaultValue':'eu'},'site':{'type':'string'}}},"
             "{'name':'b','parameters':{%s}},"
             "{'name':'n','parameters':{%s,'site':{'type':'string'}}}]}}",
             one, one, nobody);
    connector(f, text);
    const struct {
        const char *set, *values, *change;
        bool kept, stays;
    } cases[] = {
        {"a", "{'token:host':'h','site':'s'}", "{'set':'a','values':{'site':'t'}}", true, true},
        {"a", "{'token:host':'h'}", "{'set':'a','values':{'token:host':'h'}}", true, true},
        {"a", "{'token:host':'h'}", "{'set':'a','values':{'token:area':'us'}}", false, false},
        {"a", "{'token:host':'h'}", "{'set':'a','values':{'token:host':'i'}}", false, false},
        {"a", "{'token:host':'h'}", "{'set':'a','values':{'token:host':null}}", false, false},
        {"a", "{'token:host':'h'}", "{'set':'a','values':{'token':null}}", false, false},
        {"a", "{'token:host':'h'}", "{'set':'b','values':{}}", false, false},
        {"a", "{'token:host':'h'}", "{'set':'a','values':{'token:host':'i','token':'typed'}}",
         false, true},
        {"n", "{'site':'s'}", "{'set':'n','values':{'site':'s'}}", true, true},
        {"n", "{'site':'s'}", "{'set':'n','values':{'site':'t'}}", false, true},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_connection *old, *now;
        char *values = rac_arena_cstr(&f->a, rac_str_of(cases[i].values));
        for (char *p = values; *p; p++)
            *p = *p == '\'' ? '"' : *p;
        struct rac_connection_row row = {
            .id = RAC_S("c1"), .set = rac_str_of(cases[i].set), .values = rac_str_of(values)};
        struct rac_oauth_row token = {
            .parameter = RAC_S("token"), .access = RAC_S("a"), .generation = 4};
        assert_int_equal(rac_connection_open(&f->c, &row, RAC_S("{}"), &token, 1, &f->a, &old),
                         RAC_OK);
        assert_int_equal(
            rac_connection_change(&f->c, old, J(f, cases[i].change), 0, &f->a, &now, &f->diags),
            RAC_OK);
        bool kept = now->tokens_n > 0 && now->tokens[0].generation == 4;
        if (kept != cases[i].kept ||
            (now->status.status == RAC_CONNECTION_CONNECTED) != cases[i].stays)
            fail_msg("%s: kept %d", cases[i].change, kept);
    }
}

/* --- plan and apply ------------------------------------------------------------------------- */

/* "header:Name=value" or "query:name=value", joined with ';'. */
static rac_str apply(struct fixture *f, const char *definition, const char *operation,
                     const struct rac_connection *c)
{
    struct rac_auth_plan plan;
    struct rac_credentials out;
    struct rac_auth_error error;
    rac_auth_plan_build(J(f, definition), operation ? J(f, operation) : NULL, &f->a, &plan);
    rac_err e = rac_auth_apply(&plan, c, &f->a, &out, &error);
    if (e != RAC_OK)
        return error.code;
    rac_str s = RAC_S("");
    for (size_t i = 0; i < out.n; i++)
        s = rac_arena_printf(&f->a, "%.*s%s%s:%.*s=%.*s", RAC_FMT(s), i ? ";" : "",
                             out.v[i].in_query ? "query" : "header", RAC_FMT(out.v[i].name),
                             RAC_FMT(out.v[i].value));
    return s;
}

static void test_apply_rules(void **state)
{
    struct fixture *f = *state;
    connector(f, "{'connectionParameters':{'api_key':{'type':'securestring'},"
                 "'username':{'type':'string'},'password':{'type':'securestring'}}}");
    struct rac_connection *c = make(f, "{'api_key':'k','username':'u','password':'p\xc3\xa9'}");
    const char *key = "{'securityDefinitions':{'k':{'type':'apiKey','in':'header','name':'X-Key'},"
                      "'b':{'type':'basic'}},'security':[{'k':[]}]}";
    assert_str(apply(f, key, NULL, c), "header:X-Key=k");
    assert_str(apply(f, key, "{'security':[]}", c), "");
    assert_str(apply(f, key, "{'security':[{}]}", c), "");
    assert_str(apply(f, key, "{'security':[{'b':[]}]}", c), "header:Authorization=Basic dTpww6k=");
    assert_str(apply(f, key, "{'security':[{'gone':[]}]}", c), "header:X-Key=k");
    assert_str(apply(f, key, "{'security':[{'gone':[],'b':[]}]}", c),
               "header:Authorization=Basic dTpww6k=");
    assert_str(apply(f, key, "{'security':[{'k':[],'b':[]}]}", c),
               "header:X-Key=k;header:Authorization=Basic dTpww6k=");
    assert_str(apply(f, key, NULL, NULL), "");
    /* the only definition counts without any `security`, also with an empty list at the root */
    assert_str(apply(f,
                     "{'securityDefinitions':{'k':{'type':'apiKey','in':'query','name':'q'}},"
                     "'security':[]}",
                     NULL, c),
               "query:q=k");
}

static void test_apply_odd_names(void **state)
{
    struct fixture *f = *state;
    const char *two = "{'securityDefinitions':{'API Key':{'type':'apiKey','in':'query','name':'"
                      "appKey'},'APP ID':{'type':'apiKey','in':'query','name':'appID'}},"
                      "'security':[{'API Key':[],'APP ID':[]}]}";
    connector(f, "{'connectionParameters':{'api_key':{'type':'securestring'},'app_id':{'type':"
                 "'securestring'}}}");
    assert_str(apply(f, two, NULL, make(f, "{'api_key':'K','app_id':'I'}")),
               "query:appKey=K;query:appID=I");
    connector(f, "{'connectionParameters':{'apiKey':{'type':'securestring'},'clientSecret':{'type':"
                 "'securestring'}}}");
    assert_str(apply(f,
                     "{'securityDefinitions':{'API Key':{'type':'apiKey','in':'header','name':"
                     "'S'}},'security':[{'API Key':[]}]}",
                     NULL, make(f, "{'apiKey':'K','clientSecret':'x'}")),
               "header:S=K");
    connector(f, "{'connectionParameters':{'Authorization':{'type':'securestring'}}}");
    assert_str(apply(f,
                     "{'securityDefinitions':{'k':{'type':'apiKey','in':'header','name':"
                     "'Authorization'}},'security':[{'k':[]}]}",
                     NULL, make(f, "{'Authorization':'Bearer z'}")),
               "header:Authorization=Bearer z");
    /* a requirement of two schemes of which the set can meet one */
    connector(f, "{'connectionParameters':{'username':{'type':'string'},'password':{'type':"
                 "'securestring'}}}");
    assert_str(apply(f,
                     "{'securityDefinitions':{'b':{'type':'basic'},'k':{'type':'apiKey','in':"
                     "'header','name':'X-App-Token'}},'security':[{'b':[],'k':[]}]}",
                     NULL, make(f, "{'username':'u','password':'p'}")),
               "header:Authorization=Basic dTpw");
}

/* A requirement of as many schemes as its author likes: none is left out. */
static void test_apply_many(void **state)
{
    struct fixture *f = *state;
    struct rac_arena *a = &f->a;
    rac_str parameters = RAC_S(""), values = RAC_S(""), schemes = RAC_S(""), all = RAC_S("");
    rac_str want = RAC_S("");
    for (int i = 0; i < 12; i++) {
        const char *comma = i > 0 ? "," : "";
        parameters = rac_arena_printf(a, "%.*s%s'key%d':{'type':'securestring'}",
                                      RAC_FMT(parameters), comma, i);
        values = rac_arena_printf(a, "%.*s%s'key%d':'v%d'", RAC_FMT(values), comma, i, i);
        schemes = rac_arena_printf(a, "%.*s%s'key%d':{'type':'apiKey','in':'header','name':'X-%d'}",
                                   RAC_FMT(schemes), comma, i, i);
        all = rac_arena_printf(a, "%.*s%s'key%d':[]", RAC_FMT(all), comma, i);
        want = rac_arena_printf(a, "%.*s%sheader:X-%d=v%d", RAC_FMT(want), i > 0 ? ";" : "", i, i);
    }
    connector(f, rac_arena_printf(a, "{'connectionParameters':{%.*s}}", RAC_FMT(parameters)).p);
    struct rac_connection *c = make(f, rac_arena_printf(a, "{%.*s}", RAC_FMT(values)).p);
    rac_str sent = apply(f,
                         rac_arena_printf(a, "{'securityDefinitions':{%.*s},'security':[{%.*s}]}",
                                          RAC_FMT(schemes), RAC_FMT(all))
                             .p,
                         NULL, c);
    assert_str(sent, want.p);
}

/* Several ways to sign in, each of which only one set can feed: the password of one is not the key
 * of another. */
static void test_apply_alternatives(void **state)
{
    struct fixture *f = *state;
    const char *d = "{'securityDefinitions':{'api_key':{'type':'apiKey','in':'header','name':'X'},"
                    "'basic_auth':{'type':'basic'},'oauth':{'type':'oauth2'}},'security':["
                    "{'api_key':[]},{'basic_auth':[]},{'oauth':[]}]}";
    connector(f, "{'connectionParameterSets':{'values':["
                 "{'name':'k','parameters':{'api_key':{'type':'securestring'}}},"
                 "{'name':'b','parameters':{'username':{'type':'string'},'password':{'type':"
                 "'securestring'}}},"
                 "{'name':'o','parameters':{'token':{'type':'oauthSetting'},'token:clientSecret':{"
                 "'type':'securestring'}}},"
                 "{'name':'odd','parameters':{'pass phrase':{'type':'securestring'}}}]}}");
    assert_str(apply(f, d, NULL, make(f, "{'set':'k','values':{'api_key':'K'}}")), "header:X=K");
    assert_str(apply(f, d, NULL, make(f, "{'set':'b','values':{'username':'u','password':'p'}}")),
               "header:Authorization=Basic dTpw");
    assert_str(apply(f, d, NULL,
                     make(f, "{'set':'o','values':{'token':'T',"
                             "'token:clientSecret':'s'}}")),
               "header:Authorization=Bearer T");
    assert_str(apply(f, d, NULL, make(f, "{'set':'odd','values':{'pass phrase':'z'}}")),
               "header:X=z");
    struct rac_auth_plan plan;
    rac_auth_plan_build(J(f, d), NULL, &f->a, &plan);
    assert_true(rac_auth_wants_token(&plan, make(f, "{'set':'o','values':{}}")));
    assert_false(rac_auth_wants_token(&plan, make(f, "{'set':'b','values':{'username':'u'}}")));
    assert_true(rac_auth_needs_sign_in(make(f, "{'set':'o','values':{}}")));
    assert_false(rac_auth_needs_sign_in(make(f, "{'set':'k','values':{'api_key':'K'}}")));
}

static void test_apply_oauth(void **state)
{
    struct fixture *f = *state;
    connector(f, "{'connectionParameters':{'token':{'type':'oauthSetting'},"
                 "'token:clientSecret':{'type':'securestring'}}}");
    struct rac_connection *c = make(f, "{'token':'T','token:clientSecret':'s'}");
    assert_str(apply(f, "{}", NULL, c), "header:Authorization=Bearer T");
    assert_str(apply(f,
                     "{'securityDefinitions':{'Basic':{'type':'basic'}},'security':[{'Basic':"
                     "[]}]}",
                     NULL, c),
               "header:Authorization=Bearer T");
    assert_str(apply(f,
                     "{'securityDefinitions':{'o':{'type':'oauth2','flow':'accessCode'},'t':{"
                     "'type':'apiKey','in':'header','name':'Authorization'}},'security':[{'o':"
                     "['x']},{'t':[]}]}",
                     NULL, c),
               "header:Authorization=Bearer T");
    assert_str(apply(f, "{}", "{'security':[]}", c), "");
    connector(f, "{'connectionParameters':{'api_key':{'type':'securestring'}}}");
    c = make(f, "{'api_key':'a\\nb'}");
    assert_str(apply(f, "{'securityDefinitions':{'k':{'type':'apiKey','in':'header','name':'X'}}}",
                     NULL, c),
               "InvalidInput");
}

static void test_masking(void **state)
{
    struct fixture *f = *state;
    struct rac_secrets s;
    connector(f, "{'connectionParameters':{'username':{'type':'string'},'password':{'type':"
                 "'securestring'},'pin':{'type':'securestring'},'token':{'type':'oauthSetting'}}}");
    struct rac_connection *c =
        make(f, "{'username':'me','password':'p@ss word','pin':'123','token':'tok-en'}");
    rac_connection_secrets(c, &f->a, &s);
    assert_str(rac_secrets_mask(&s, RAC_S("x=p%40ss%20word&y=p%40ss+word&me"), &f->a),
               "x=***&y=***&me");
    assert_str(rac_secrets_mask(&s, RAC_S("Basic bWU6cEBzcyB3b3Jk"), &f->a), "Basic ***");
    assert_str(rac_secrets_mask(&s, RAC_S("Bearer tok-en"), &f->a), "Bearer ***");
    assert_str(rac_secrets_mask(&s, RAC_S("123"), &f->a), "***");
    assert_str(rac_secrets_mask(&s, RAC_S("/v123/"), &f->a), "/v123/");
    assert_str(rac_secrets_mask(&s, RAC_S("cut off: p@ss w"), &f->a), "cut off: ***");
    assert_str(rac_secrets_mask(&s, RAC_S("not: p@s"), &f->a), "not: p@s");
}

/* However many there are, all of them are masked. */
static void test_masking_many(void **state)
{
    struct fixture *f = *state;
    struct rac_secrets s;
    struct rac_buf params, values, text;
    rac_buf_init(&params, 1 << 20);
    rac_buf_init(&values, 1 << 20);
    rac_buf_init(&text, 1 << 20);
    RAC_BUF_ADD_LIT(&params, "{'connectionParameters':{'token':{'type':'oauthSetting'},"
                             "'user':{'type':'string'}");
    RAC_BUF_ADD_LIT(&values, "{'token':{'access_token':'the-access','refresh_token':'the-refresh'}"
                             ",'user':'me'");
    for (int i = 0; i < 300; i++) {
        rac_buf_printf(&params, ",'s%d':{'type':'securestring'}", i);
        rac_buf_printf(&values, ",'s%d':'secret #%d of many'", i, i);
        rac_buf_printf(&text, "[secret #%d of many][secret%%20%%23%d%%20of%%20many]", i, i);
    }
    RAC_BUF_ADD_LIT(&params, "}}");
    RAC_BUF_ADD_LIT(&values, "}");
    RAC_BUF_ADD_LIT(&text, "[the-access][the-refresh]");
    rac_buf_add_char(&params, '\0');
    rac_buf_add_char(&values, '\0');
    connector(f, rac_buf_str(&params).p);
    struct rac_connection *c = make(f, rac_buf_str(&values).p);
    rac_connection_secrets(c, &f->a, &s);
    rac_str shown = rac_secrets_mask(&s, rac_buf_str(&text), &f->a);
    assert_int_equal(shown.n, 602 * strlen("[***]"));
    s.over = true;
    assert_str(rac_secrets_mask(&s, RAC_S("anything"), &f->a), "***");
    rac_buf_fini(&params);
    rac_buf_fini(&values);
    rac_buf_fini(&text);
}

static void test_messages(void **state)
{
    struct fixture *f = *state;
    struct {
        const char *body, *want;
    } cases[] = {
        {"{'message':'m','Message':'n'}", "m"},
        {"{'message':'','Message':'n'}", "n"},
        {"{'error':{'code':1,'message':'em'}}", "em"},
        {"{'responseText':'rt'}", "rt"},
        {"{'errors':[{'message':'a'},{'message':'b'}]}", "a; b"},
        {"{'error':'invalid_client','error_description':'no\\nsuch'}", "no such"},
        {"{'error':'plain'}", "plain"},
        {"{'ok':true}", ""},
        {"[]", ""},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        rac_str body = rac_json_print_str(J(f, cases[i].body), 0, &f->a);
        assert_str(rac_connection_message_of(body, &f->a), cases[i].want);
    }
    assert_int_equal(rac_connection_message_of(RAC_S("<html>"), &f->a).n, 0);
    assert_true(rac_connection_test_failed(401));
    assert_false(rac_connection_test_failed(429));
    assert_false(rac_connection_test_failed(500));
    assert_false(rac_connection_test_failed(204));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
/* More parameters or sets than anybody has: the first are kept, and that is said. */
static void test_too_many(void **state)
{
    struct fixture *f = *state;
    struct rac_buf b;
    rac_buf_init(&b, 1 << 20);
    rac_buf_printf(&b, "{\"connectionParameters\":{");
    for (int i = 0; i < 600; i++)
        rac_buf_printf(&b, "\"p%d\":{\"type\":\"string\"},", i);
    rac_buf_printf(&b, "\"z\":{\"type\":\"string\"}}}");
    connector_of(f, rac_buf_take(&b, &f->a));
    assert_int_equal(f->c.sets[0].params_n, 512);
    assert_int_equal(f->diags.n, 1);
    assert_string_equal(f->diags.v[0].code, "RC-PROP-03");
    assert_str(f->diags.v[0].pointer, "/properties/connectionParameters");
    rac_diags_init(&f->diags, &f->a, 100);
    rac_buf_printf(&b, "{\"connectionParameterSets\":{\"values\":[{\"name\":\"s\"}");
    for (int i = 0; i < 80; i++)
        rac_buf_printf(&b, ",{\"name\":\"s%d\"}", i);
    rac_buf_printf(&b, "]}}");
    connector_of(f, rac_buf_take(&b, &f->a));
    rac_buf_fini(&b);
    assert_int_equal(f->c.sets_n, 64);
    assert_string_equal(f->diags.v[0].code, "RC-PROP-03");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_model),
        T(test_too_many),
        T(test_make),
        T(test_refusals),
        T(test_dependencies),
        T(test_sets),
        T(test_tokens),
        T(test_store_round_trip),
        T(test_change_and_tokens),
        T(test_apply_rules),
        T(test_apply_odd_names),
        T(test_apply_many),
        T(test_apply_alternatives),
        T(test_apply_oauth),
        T(test_masking),
        T(test_masking_many),
        T(test_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
