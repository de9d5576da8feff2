#include "quoted.h"

#include "base/secret.h"
#include "crypto/jwt_sign.h"
#include "crypto/pkcs12.h"
#include "pfx_test_data.h"
#include "workflow/definition/authentication.h"
#include "workflow/engine/token_cache.h"

/* --- a network that is answered by hand -------------------------------------------------------- */

static struct {
    struct {
        void (*fn)(void *arg);
        void *arg;
    } queue[64];
    size_t queued;
    struct {
        rac_str url, body;
        struct rac_fetch_events ev;
        bool open;
    } asked[16];
    size_t asked_n;
    struct rac_env_fake clock;
    struct rac_env env;
    struct rac_fetcher fetcher;
    struct rac_auth *auth;
    struct rac_token_cache *cache;
    int answers, failures;
    rac_str last;
} w;

static void defer(void *self, void (*fn)(void *arg), void *arg)
{
    (void)self;
    w.queue[w.queued].fn = fn;
    w.queue[w.queued++].arg = arg;
}

static void pump(void)
{
    for (size_t i = 0; i < w.queued; i++)
        w.queue[i].fn(w.queue[i].arg);
    w.queued = 0;
}

static struct rac_fetch *net_start(void *self, const struct rac_fetch_req *req,
                                   struct rac_arena *arena, const struct rac_fetch_events *ev)
{
    (void)self, (void)arena;
    w.asked[w.asked_n].url = rac_arena_str(&a, req->url);
    w.asked[w.asked_n].body = rac_arena_str(&a, req->body);
    w.asked[w.asked_n].ev = *ev;
    w.asked[w.asked_n].open = true;
    return (struct rac_fetch *)&w.asked[w.asked_n++];
}

static void net_cancel(void *self, struct rac_fetch *f)
{
    (void)self, (void)f;
}

static void reply(size_t i, int status, const char *body)
{
    struct rac_fetch_res res = {.status = status, .body = rac_str_of(body)};
    assert_true(w.asked[i].open);
    w.asked[i].open = false;
    w.asked[i].ev.done(w.asked[i].ev.arg, &res);
    pump();
}

static int begin(void **state)
{
    (void)state;
    rac_arena_init(&a, 64 << 20);
    memset(&w, 0, sizeof w);
    w.clock = (struct rac_env_fake){.wall_ms = 1700000000000, .seed = 1};
    w.env = rac_env_fake(&w.clock);
    w.fetcher = (struct rac_fetcher){.start = net_start, .cancel = net_cancel};
    struct rac_auth_env env = {.env = &w.env,
                               .fetcher = &w.fetcher,
                               .peers = {.n = 1},
                               .public_url = RAC_S("https://h"),
                               .defer = defer};
    w.auth = rac_auth_new(&env);
    w.cache = rac_token_cache_new(w.auth, &w.env);
    return 0;
}
static int end(void **state)
{
    (void)state;
    rac_token_cache_free(w.cache);
    rac_auth_free(w.auth);
    rac_arena_fini(&a);
    return 0;
}

/* --- objects ----------------------------------------------------------------------------------- */

static const struct rac_managed_identity identities[] = {
    {.token_url = RAC_S_INIT("https://idp/t"), .client_id = RAC_S_INIT("sys")},
    {.name = RAC_S_INIT("/subscriptions/x/i1"),
     .token_url = RAC_S_INIT("https://idp/u"),
     .client_id = RAC_S_INIT("usr")},
};
static const struct rac_authentication_options with = {identities, 2}, without = {NULL, 0};

static struct rac_authentication parse(const char *text)
{
    struct rac_authentication x;
    struct rac_authentication_error error = {0};
    struct rac_json v = json(text);
    if (rac_authentication_parse(&v, &with, &a, &x, &error) != RAC_OK)
        fail_msg("%s: %.*s", text, RAC_FMT(error.message));
    return x;
}

static void test_kinds(void **state)
{
    (void)state;
    assert_int_equal(parse("null").kind, RAC_AUTHENTICATION_NONE);
    assert_int_equal(parse("{}").kind, RAC_AUTHENTICATION_NONE);
    assert_int_equal(parse("{'type':'none'}").kind, RAC_AUTHENTICATION_NONE);
    assert_str(parse("{'type':'basic','username':'u','password':'p:\xc3\xa4'}").authorization,
               "Basic dTpwOsOk");
    assert_str(parse("{'type':'Raw','value':'Token abc'}").authorization, "Token abc");
    assert_str(parse("{'type':'Raw','scheme':'Key','parameter':'abc'}").authorization, "Key abc");
    struct rac_authentication x = parse("{'type':'QueryString','name':'code','value':'v'}");
    assert_int_equal(x.kind, RAC_AUTHENTICATION_QUERY);
    x = parse("{'type':'ActiveDirectoryOAuth','tenant':'t','audience':'https://a','clientId':'c',"
              "'secret':'s'}");
    assert_int_equal(x.kind, RAC_AUTHENTICATION_TOKEN);
    assert_str(x.token.url, "https://login.microsoftonline.com/t/oauth2/token");
    assert_str(x.token.resource, "https://a");
    x = parse("{'type':'ActiveDirectoryOAuth','authority':'http://l/x','tenant':'t','audience':"
              "'a','clientId':'c','secret':'s','credentialType':'secret'}");
    assert_str(x.token.url, "http://l/x/t/oauth2/token");
    x = parse("{'type':'ManagedServiceIdentity'}");
    assert_str(x.token.client_id, "sys");
    assert_str(x.token.resource, "https://management.azure.com/");
    x = parse("{'type':'ManagedServiceIdentity','identity':'/Subscriptions/X/I1','audience':'a'}");
    assert_str(x.token.client_id, "usr");
    assert_str(x.token.resource, "a");
}

static void test_certificates(void **state)
{
    (void)state;
    const char *why;
    rac_str jwt;
    struct rac_authentication x = parse(
        rac_arena_printf(&a, "{'type':'ClientCertificate','pfx':'%s','password':'pw'}", test_pfx)
            .p);
    assert_int_equal(x.kind, RAC_AUTHENTICATION_CERTIFICATE);
    assert_true(rac_str_starts(x.certificate_pem, RAC_S("-----BEGIN CERTIFICATE-----")));
    assert_int_equal(rac_jwt_sign_rs256(RAC_S("{}"), x.certificate_pem, x.key_pem, &a, &jwt, &why),
                     RAC_OK);
    x = parse(rac_arena_printf(&a,
                               "{'type':'ActiveDirectoryOAuth','tenant':'t','audience':'a',"
                               "'clientId':'c','pfx':'%s','password':'pw'}",
                               test_pfx)
                  .p);
    assert_true(x.token.key_pem.n > 0);
    static const char *const bad[] = {
        "{'type':'ClientCertificate','pfx':'%s','password':'wrong'}",
        "{'type':'ClientCertificate','pfx':'AAAA','password':'pw'}%.0s",
        "{'type':'ClientCertificate','pfx':'!!','password':'pw'}%.0s",
    };
    for (size_t i = 0; i < RAC_COUNT(bad); i++) {
        char text[8192];
        struct rac_authentication_error error;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, bad[i], test_pfx);
#pragma GCC diagnostic pop
        struct rac_json v = json(text);
        assert_int_equal(rac_authentication_parse(&v, &with, &a, &x, &error), RAC_E_INVALID);
        assert_string_equal(error.code, "BadRequest");
        assert_true(rac_str_find(error.message, RAC_S("pw")) == RAC_STR_NPOS);
    }
}

static void refuses(const char *text, const char *why)
{
    struct rac_json v = json(text);
    struct rac_authentication x;
    struct rac_authentication_error error;
    assert_int_equal(rac_authentication_parse(&v, &with, &a, &x, &error), RAC_E_INVALID);
    assert_str(error.message, why);
}

static void test_values(void **state)
{
    (void)state;
#define NEEDS(type, what) "The 'authentication' of type '" type "' needs '" what "'."
    refuses("'x'", "'authentication' must be an object with a 'type'.");
    refuses("{'username':'u'}", "'authentication' must be an object with a 'type'.");
    refuses("{'type':'Digest'}",
            "'type' of 'authentication' must be None, Basic, ClientCertificate, "
            "ActiveDirectoryOAuth, Raw or ManagedServiceIdentity.");
    refuses("{'type':'Basic','username':'u'}", NEEDS("Basic", "password"));
    refuses("{'type':'Basic','username':5,'password':'x'}",
            "'username' of 'authentication' must be a string.");
    refuses("{'type':'ClientCertificate'}", NEEDS("ClientCertificate", "pfx"));
    refuses("{'type':'Raw'}", NEEDS("Raw", "value', or 'scheme' and 'parameter"));
    refuses("{'type':'Raw','scheme':'a'}", NEEDS("Raw", "value', or 'scheme' and 'parameter"));
    refuses("{'type':'ActiveDirectoryOAuth','secret':'s'}",
            NEEDS("ActiveDirectoryOAuth", "tenant"));
    refuses("{'type':'ActiveDirectoryOAuth','tenant':'t','clientId':'c','secret':'s'}",
            NEEDS("ActiveDirectoryOAuth", "audience"));
    refuses("{'type':'ActiveDirectoryOAuth','tenant':'t','audience':'a','secret':'s'}",
            NEEDS("ActiveDirectoryOAuth", "clientId"));
    refuses("{'type':'ActiveDirectoryOAuth','tenant':'t','audience':'a','clientId':'c'}",
            NEEDS("ActiveDirectoryOAuth", "secret' or 'pfx"));
    refuses("{'type':'ActiveDirectoryOAuth','tenant':'t','audience':'a','clientId':'c','secret':"
            "'s','credentialType':'Certificate'}",
            NEEDS("ActiveDirectoryOAuth", "pfx"));
    refuses("{'type':'ActiveDirectoryOAuth','tenant':'t','audience':'a','clientId':'c','secret':"
            "'s','credentialType':'Magic'}",
            "'credentialType' must be Secret or Certificate.");

    struct rac_authentication x;
    struct rac_authentication_error error;
    struct rac_json v = json("{'type':'ManagedServiceIdentity'}");
    assert_int_equal(rac_authentication_parse(&v, &without, &a, &x, &error), RAC_E_INVALID);
    assert_string_equal(error.code, "Unauthorized");
    assert_string_equal(error.error_code, "ManagedIdentityNotConfigured");
    static const char *const unsafe[] = {
        "{'type':'Raw','value':'a\\r\\nX: y'}",
        "{'type':'Basic','username':'a:b','password':'c'}",
        "{'type':'ActiveDirectoryOAuth','authority':'ftp://x','tenant':'t','audience':'a',"
        "'clientId':'c','secret':'s'}",
    };
    for (size_t i = 0; i < RAC_COUNT(unsafe); i++) {
        v = json(unsafe[i]);
        assert_int_equal(rac_authentication_parse(&v, &with, &a, &x, &error), RAC_E_INVALID);
    }
}

static void test_mask(void **state)
{
    (void)state;
    struct rac_json v = json(
        "{'method':'GET','headers':{'A':'b','authorization':'Basic x'},'authentication':{'type':"
        "'Raw','value':'s'},'subscribe':{'authentication':'s','body':{'authentication':'stays'}},"
        "'body':{'headers':{'Authorization':'stays'}}}");
    rac_str before = rac_json_print_str(&v, 0, &a);
    struct rac_json m = rac_authentication_mask(&v, &a);
    assert_str(rac_str_replace(&a, rac_json_print_str(&m, 0, &a), RAC_S("\""), RAC_S("'")),
               "{'method':'GET','headers':{'A':'b','authorization':'*sanitized*'},"
               "'authentication':'*sanitized*','subscribe':{'authentication':'*sanitized*','body':"
               "{'authentication':'stays'}},'body':{'headers':{'Authorization':'stays'}}}");
    assert_true(rac_str_eq(before, rac_json_print_str(&v, 0, &a)));
}

/* --- tokens ------------------------------------------------------------------------------------ */

static void told(void *arg, rac_str access, const struct rac_auth_error *error)
{
    (void)arg;
    w.answers += error == NULL;
    w.failures += error != NULL;
    w.last = rac_arena_str(&a, error == NULL ? access : error->message);
}

static void never(void *arg, rac_str access, const struct rac_auth_error *error)
{
    (void)arg, (void)access, (void)error;
    fail_msg("a cancelled wait was called");
}

static void test_tokens(void **state)
{
    (void)state;
    struct rac_token_want want = {.url = RAC_S("https://l/t/oauth2/token"),
                                  .client_id = RAC_S("c"),
                                  .client_secret = RAC_S("s&1"),
                                  .resource = RAC_S("https://a/")};
    rac_str access;
    assert_false(rac_token_cache_get(w.cache, &want, &access));
    rac_token_cache_start(w.cache, &want, told, NULL);
    struct rac_token_wait *gone = rac_token_cache_start(w.cache, &want, never, NULL);
    rac_token_cache_start(w.cache, &want, told, NULL);
    rac_token_cache_cancel(w.cache, gone);
    pump();
    assert_int_equal(w.asked_n, 1); /* one request for all */
    assert_str(w.asked[0].url, "https://l/t/oauth2/token");
    assert_str(w.asked[0].body, "grant_type=client_credentials&client_id=c&client_secret=s%261&"
                                "resource=https%3A%2F%2Fa%2F");
    reply(0, 200, "{\"access_token\":\"T1\",\"expires_in\":\"3600\"}");
    assert_int_equal(w.answers, 2);
    assert_str(w.last, "T1");
    assert_true(rac_token_cache_get(w.cache, &want, &access));
    assert_str(access, "T1");
    struct rac_token_want other = want;
    other.resource = RAC_S("https://b/");
    assert_false(rac_token_cache_get(w.cache, &other, &access));
    w.clock.wall_ms += 3299 * 1000;
    assert_true(rac_token_cache_get(w.cache, &want, &access));
    w.clock.wall_ms += 2000; /* five minutes before its end */
    assert_false(rac_token_cache_get(w.cache, &want, &access));
    rac_token_cache_start(w.cache, &want, told, NULL);
    pump();
    reply(1, 200, "{\"access_token\":\"T2\",\"expires_in\":60}");
    assert_true(rac_token_cache_get(w.cache, &want, &access));
    rac_token_cache_drop(w.cache, &want, RAC_S("T1")); /* not this one any more */
    assert_true(rac_token_cache_get(w.cache, &want, &access));
    rac_token_cache_drop(w.cache, &want, RAC_S("T2"));
    assert_false(rac_token_cache_get(w.cache, &want, &access));
}

static void test_token_failures(void **state)
{
    (void)state;
    struct rac_token_want want = {.url = RAC_S("https://l/token"), .client_id = RAC_S("c")};
    rac_token_cache_start(w.cache, &want, told, NULL);
    pump();
    reply(0, 401, "{\"error\":\"invalid_client\",\"error_description\":\"bad secret\"}");
    assert_int_equal(w.failures, 1);
    assert_true(rac_str_find(w.last, RAC_S("bad secret")) != RAC_STR_NPOS);
    rac_token_cache_start(w.cache, &want, told, NULL); /* asked again */
    pump();
    assert_int_equal(w.asked_n, 2);
    reply(1, 200, "{\"access_token\":\"T\",\"expires_in\":3600}");
    assert_int_equal(w.answers, 1);
    want.client_id = RAC_S("d"); /* one under way when all ends */
    rac_token_cache_start(w.cache, &want, never, NULL);
}

static void test_assertion(void **state)
{
    (void)state;
    struct rac_authentication x = parse(
        rac_arena_printf(&a,
                         "{'type':'ActiveDirectoryOAuth','tenant':'t','audience':'a','clientId':"
                         "'c','pfx':'%s','password':'pw'}",
                         test_pfx)
            .p);
    rac_token_cache_start(w.cache, &x.token, told, NULL);
    pump();
    assert_true(rac_str_starts(w.asked[0].body,
                               RAC_S("grant_type=client_credentials&client_id=c&resource=a&"
                                     "client_assertion_type=urn")));
    assert_true(rac_str_find(w.asked[0].body, RAC_S("client_assertion=eyJ")) != RAC_STR_NPOS);
    reply(0, 200, "{\"access_token\":\"T\",\"expires_in\":3600}");
    assert_int_equal(w.answers, 1);
}

static void test_many(void **state)
{
    (void)state;
    struct rac_token_want want = {.url = RAC_S("https://l/token")};
    rac_str access;
    for (int i = 0; i < RAC_TOKEN_CACHE_MAX + 50; i++) {
        want.client_id = rac_arena_printf(&a, "c%d", i);
        rac_token_cache_start(w.cache, &want, told, NULL);
        pump();
        w.asked_n = 0;
        reply(0, 200, "{\"access_token\":\"T\",\"expires_in\":3600}");
    }
    assert_true(rac_token_cache_get(w.cache, &want, &access));
    want.client_id = RAC_S("c0");
    assert_false(rac_token_cache_get(w.cache, &want, &access));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kinds, begin, end),
        cmocka_unit_test_setup_teardown(test_certificates, begin, end),
        cmocka_unit_test_setup_teardown(test_values, begin, end),
        cmocka_unit_test_setup_teardown(test_mask, begin, end),
        cmocka_unit_test_setup_teardown(test_tokens, begin, end),
        cmocka_unit_test_setup_teardown(test_token_failures, begin, end),
        cmocka_unit_test_setup_teardown(test_assertion, begin, end),
        cmocka_unit_test_setup_teardown(test_many, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
