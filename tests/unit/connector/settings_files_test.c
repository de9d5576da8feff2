/* The files that settings name: environment variables (§8.6) and OAuth providers (§4.4). */
#include "unit.h"

#include "connector/auth.h"
#include "connector/providers.h"
#include "connector/variables.h"

static struct rac_arena a;
static struct rac_diags d;

static int setup(void **state RAC_UNUSED)
{
    rac_arena_init(&a, 1 << 24);
    rac_diags_init(&d, &a, 100);
    return 0;
}

static int teardown(void **state RAC_UNUSED)
{
    rac_variables_clear();
    rac_providers_clear();
    rac_arena_fini(&a);
    return 0;
}

static rac_err variables(const char *text, char **environment)
{
    return rac_variables_read(rac_str_of(text), RAC_S("vars.json"), environment, &a, &d);
}

static void values_come_from_file_and_environment(void **state RAC_UNUSED)
{
    char one[] = "RACCORD_VARIABLE_q_Port=8443", two[] = "RACCORD_VARIABLE_q_Host=b.example";
    char other[] = "RACCORD_LISTEN=x", *environment[] = {one, two, other, NULL};
    assert_int_equal(variables("{\"q_Host\": \"a.example\", // ours\n \"q_N\": 5, "
                               "\"q_Key\": {\"value\": \"k\", \"secret\": true}}",
                               environment),
                     RAC_OK);
    assert_int_equal(d.n, 0);
    assert_str(rac_variable(RAC_S("q_Host"), false), "b.example");
    assert_str(rac_variable(RAC_S("Q_HOST"), false), "b.example");
    assert_str(rac_variable(RAC_S("q_N"), false), "5");
    assert_null(rac_variable(RAC_S("q_Key"), false).p);
    assert_str(rac_variable(RAC_S("q_Key"), true), "k");
    assert_null(rac_variable(RAC_S("LISTEN"), false).p);
    rac_str missing = RAC_STR_NULL;
    assert_str(rac_variables_expand(RAC_S("https://@environmentVariables(\"q_Host\"):"
                                          "@EnvironmentVariables( 'q_Port' )/a@b"),
                                    false, &a, &missing),
               "https://b.example:8443/a@b");
    assert_null(missing.p);
    assert_str(rac_variables_expand(RAC_S("@environmentVariables('no')-@environmentVariables(x)"),
                                    false, &a, &missing),
               "@environmentVariables('no')-@environmentVariables(x)");
    assert_str(missing, "no");
}

static void mistakes_are_told_with_their_place(void **state RAC_UNUSED)
{
    assert_int_equal(variables("{\"a\": \"1\"}", NULL), RAC_OK);
    assert_int_equal(variables("{\"a\": [1],\n \"b\": {\"value\": \"x\", \"secret\": 1}}", NULL),
                     RAC_E_INVALID);
    assert_int_equal(d.n, 2);
    assert_string_equal(d.v[0].code, "RC-CONF-04");
    assert_int_equal(d.v[1].line, 2);
    assert_str(rac_variable(RAC_S("a"), false), "1"); /* what was there stays */
    assert_int_equal(variables("[]", NULL), RAC_E_INVALID);
    assert_int_equal(variables("{", NULL), RAC_E_SYNTAX);
}

/* Client id, secret and URLs of an OAuth parameter; a secret one in the secret only. */
static void oauth_settings_use_them(void **state RAC_UNUSED)
{
    struct rac_json v;
    assert_int_equal(
        variables("{\"host\": \"id.example\", \"key\": {\"value\": \"hush\", \"secret\": true}}",
                  NULL),
        RAC_OK);
    assert_int_equal(
        rac_json_parse(
            RAC_S("{\"identityProvider\": \"oauth2\", \"clientId\": "
                  "\"@environmentVariables(\\\"host\\\")\", \"clientSecret\": "
                  "\"@environmentVariables(\\\"key\\\")\", \"customParameters\": {"
                  "\"authorizationUrl\": {\"value\": \"https://@environmentVariables('host')/a\"}, "
                  "\"tokenUrl\": {\"value\": \"https://@environmentVariables('host')/t\"}}}"),
            &a, 0, &v, NULL),
        RAC_OK);
    const struct rac_oauth_settings *s =
        rac_oauth_settings_parse(&v, NULL, RAC_S("token"), RAC_STR_NULL, &a, NULL);
    assert_null(s->problem.p);
    assert_str(s->client_id, "id.example");
    assert_str(s->client_secret, "hush");
    assert_str(s->token_url.text, "https://id.example/t");
    rac_variables_clear();
    s = rac_oauth_settings_parse(&v, NULL, RAC_S("token"), RAC_STR_NULL, &a, NULL);
    assert_non_null(s->problem.p);
    assert_null(s->client_id.p);
}

static rac_err providers(const char *text)
{
    return rac_providers_read(rac_str_of(text), RAC_S("providers.json"), &a, &d);
}

static void providers_are_added_and_changed(void **state RAC_UNUSED)
{
    assert_null(rac_provider_find(RAC_S("quai")));
    assert_int_equal(
        providers("{\"quai\": {\"authorizationUrl\": \"https://id.quai.example/a\", \"tokenUrl\": "
                  "\"https://id.quai.example/t\", \"refreshUrl\": \"https://id.quai.example/r\", "
                  "\"scopeDelimiter\": \",\", \"clientAuth\": \"basic\", \"extraAuthParams\": "
                  "{\"prompt\": \"log in\"}, \"pkce\": false},\n"
                  " \"GitHub\": {\"tokenUrl\": \"http://ghe.internal/t\"}}"),
        RAC_OK);
    struct rac_json v;
    assert_int_equal(rac_json_parse(RAC_S("{\"identityProvider\": \"Quai\", \"clientId\": \"c1\"}"),
                                    &a, 0, &v, NULL),
                     RAC_OK);
    const struct rac_oauth_settings *s =
        rac_oauth_settings_parse(&v, NULL, RAC_S("token"), RAC_STR_NULL, &a, NULL);
    assert_null(s->problem.p);
    assert_str(s->token_url.text, "https://id.quai.example/t");
    assert_str(s->refresh_url.text, "https://id.quai.example/r");
    assert_int_equal(s->client_auth, RAC_CLIENT_BASIC);
    assert_false(s->pkce);
    assert_str(s->scope_delimiter, ",");
    assert_true(rac_str_ends(s->authorization_query.text, RAC_S("&prompt=log%20in")));
    const struct rac_provider *github = rac_provider_find(RAC_S("github"));
    assert_str(github->token_url, "http://ghe.internal/t");
    assert_str(github->authorization_url, "https://github.com/login/oauth/authorize");
}

static void wrong_providers_are_refused_whole(void **state RAC_UNUSED)
{
    static const char *const wrong[] = {
        "{\"quai\": {\"tokenUrl\": \"https://x.example\"}}",
        "{\"github\": {\"tokenUrl\": \"ftp://x.example\"}}",
        "{\"github\": {\"clientAuth\": \"header\"}}",
        "{\"github\": {\"pkce\": \"yes\"}}",
        "{\"github\": {\"scopeDelimiter\": \"\"}}",
        "{\"github\": {\"extraAuthParams\": {\"a\": 1}}}",
        "{\"github\": {\"tokenURL\": \"https://x.example\"}}",
        "{\"github\": \"https://x.example\"}",
        "[]",
    };
    for (size_t i = 0; i < RAC_COUNT(wrong); i++) {
        rac_diags_init(&d, &a, 10);
        assert_int_equal(providers(wrong[i]), RAC_E_INVALID);
        assert_int_equal(d.n, 1);
        assert_string_equal(d.v[0].code, "RC-CONF-04");
        assert_int_equal(d.v[0].line, 1);
    }
    assert_str(rac_provider_find(RAC_S("github"))->token_url,
               "https://github.com/login/oauth/access_token");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_come_from_file_and_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(mistakes_are_told_with_their_place, setup, teardown),
        cmocka_unit_test_setup_teardown(oauth_settings_use_them, setup, teardown),
        cmocka_unit_test_setup_teardown(providers_are_added_and_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_providers_are_refused_whole, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
