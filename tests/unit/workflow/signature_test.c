#include "quoted.h"

#include "base/env.h"
#include "text/url.h"
#include "workflow/definition/signature.h"

static const rac_str primary = RAC_S_INIT("0123456789abcdef0123456789abcdef");
static const rac_str secondary = RAC_S_INIT("fedcba9876543210fedcba9876543210");
static const rac_str id = RAC_S_INIT("0123456789abcdef0123456789abcdef");
static const rac_ms now = 1767225600000; /* 2026-01-01T00:00:00Z */

static struct rac_callback_place place(bool standard)
{
    return (struct rac_callback_place){
        .public_url = RAC_S("https://h.example"), .standard = standard, .key = primary};
}

static const struct {
    struct rac_callback c;
    const char *consumption, *standard, *scope; /* without signature */
} urls[] = {
    {{.form = RAC_CALLBACK_TRIGGER, .trigger = RAC_S_INIT("manual")},
     "/workflows/0123456789abcdef0123456789abcdef/triggers/manual/paths/invoke",
     "/api/wf/triggers/manual/invoke",
     "/triggers/manual/run"},
    {{.form = RAC_CALLBACK_TRIGGER,
      .trigger = RAC_S_INIT("when it's /100%"),
      .relative = RAC_S_INIT("customers/{id}")},
     "/workflows/0123456789abcdef0123456789abcdef/triggers/when%20it%27s%20%2F100%25/paths/invoke/"
     "customers/{id}",
     "/api/wf/triggers/when%20it%27s%20%2F100%25/invoke/customers/{id}",
     "/triggers/when it's /100%/run"},
    {{.form = RAC_CALLBACK_TRIGGER_VERSION,
      .trigger = RAC_S_INIT("t"),
      .version = RAC_S_INIT("08585")},
     "/workflows/0123456789abcdef0123456789abcdef/triggers/t/versions/08585/run",
     "/runtime/webhooks/workflow/scaleUnits/prod-00/workflows/0123456789abcdef0123456789abcdef/"
     "triggers/t/versions/08585/run",
     "/triggers/t/versions/08585/run"},
    {{.form = RAC_CALLBACK_ACTION, .run = RAC_S_INIT("R"), .action = RAC_S_INIT("A b")},
     "/workflows/0123456789abcdef0123456789abcdef/runs/R/actions/A%20b/run",
     "/runtime/webhooks/workflow/scaleUnits/prod-00/workflows/0123456789abcdef0123456789abcdef/"
     "runs/R/actions/A%20b/run",
     "/runs/R/actions/A b/run"},
    {{.form = RAC_CALLBACK_REPETITION,
      .run = RAC_S_INIT("R"),
      .action = RAC_S_INIT("A"),
      .repetition = RAC_S_INIT("000001-000002")},
     "/workflows/0123456789abcdef0123456789abcdef/runs/R/actions/A/repetitions/000001-000002/run",
     NULL,
     "/runs/R/actions/A/repetitions/000001-000002/run"},
    {{.form = RAC_CALLBACK_OPERATION, .run = RAC_S_INIT("R"), .operation = RAC_S_INIT("o1")},
     "/workflows/0123456789abcdef0123456789abcdef/runs/R/operations/o1",
     NULL,
     "/runs/R/operations/o1/read"},
    {{.form = RAC_CALLBACK_RUN_CONTENT,
      .run = RAC_S_INIT("R"),
      .content = RAC_S_INIT("TriggerOutputs")},
     "/workflows/0123456789abcdef0123456789abcdef/runs/R/contents/TriggerOutputs",
     NULL,
     "/runs/R/contents/TriggerOutputs/read"},
    {{.form = RAC_CALLBACK_ACTION_CONTENT,
      .run = RAC_S_INIT("R"),
      .action = RAC_S_INIT("A"),
      .content = RAC_S_INIT("ActionInputs")},
     "/workflows/0123456789abcdef0123456789abcdef/runs/R/actions/A/contents/ActionInputs",
     NULL,
     "/runs/R/actions/A/contents/ActionInputs/read"},
    {{.form = RAC_CALLBACK_REPETITION_CONTENT,
      .run = RAC_S_INIT("R"),
      .action = RAC_S_INIT("A"),
      .repetition = RAC_S_INIT("000001"),
      .content = RAC_S_INIT("ActionInputs")},
     "/workflows/0123456789abcdef0123456789abcdef/runs/R/actions/A/repetitions/000001/contents/"
     "ActionInputs",
     NULL,
     "/runs/R/actions/A/repetitions/000001/contents/ActionInputs/read"},
    {{.form = RAC_CALLBACK_HISTORY_CONTENT,
      .trigger = RAC_S_INIT("t"),
      .history = RAC_S_INIT("H"),
      .content = RAC_S_INIT("TriggerOutputs")},
     "/workflows/0123456789abcdef0123456789abcdef/triggers/t/histories/H/contents/TriggerOutputs",
     NULL,
     "/triggers/t/histories/H/contents/TriggerOutputs/read"},
};

/* Every form: the URL, its way back, and that its own signature is accepted. */
static void round_trip(size_t i, bool standard)
{
    struct rac_callback c = urls[i].c, back;
    struct rac_callback_place p = place(standard);
    struct rac_sas_keys keys = {primary, secondary};
    struct rac_wf_fault fault;
    struct rac_url parts;
    c.workflow_id = id;
    c.workflow = RAC_S("wf");
    rac_str url = rac_callback_url(&p, &c, &a);
    rac_str before = rac_str_sub(url, 17, rac_str_find_char(url, '?') - 17);
    const char *want = standard ? urls[i].standard : urls[i].consumption;
    if (want != NULL)
        assert_str(before, want);
    assert_str(rac_callback_scope(&c, &a), urls[i].scope);
    assert_true(rac_url_split(rac_str_sub(url, 0, url.n), &parts));
    assert_true(rac_callback_parse(before, &a, &back));
    assert_int_equal(back.form, c.form);
    assert_true(rac_str_eq(back.relative, c.relative));
    if (back.workflow_id.p == NULL)
        assert_str(back.workflow, "wf");
    back.workflow_id = id;
    assert_str(rac_callback_scope(&back, &a), urls[i].scope);
    rac_str query = rac_str_from(url, rac_str_find_char(url, '?') + 1);
    assert_int_equal(rac_sas_accept(&keys, &back, query, RAC_STR_NULL, now, &a, &fault),
                     RAC_SAS_ACCEPTED);
}

/* Contents of an integration account: its id in place of a workflow's, and nothing of the one passes
 * for the other. */
static void test_accounts(void **state)
{
    (void)state;
    static const char guid[] = "0a1b2c3d-0000-4000-8000-00000000000f";
    struct rac_callback c = {.form = RAC_CALLBACK_MAP_CONTENT,
                             .workflow_id = rac_str_of(guid),
                             .artifact = RAC_S_INIT("A (b)"),
                             .content = RAC_S_INIT("Content")},
                        back;
    struct rac_callback_place p = place(true);
    struct rac_sas_keys keys = {primary, secondary};
    struct rac_wf_fault fault;
    rac_str url = rac_callback_url(&p, &c, &a);
    rac_str path = rac_str_sub(url, 17, rac_str_find_char(url, '?') - 17);
    rac_str query = rac_str_from(url, rac_str_find_char(url, '?') + 1);
    assert_str(path, "/integrationAccounts/0a1b2c3d-0000-4000-8000-00000000000f/maps/"
                     "A%20%28b%29/contents/Content");
    assert_true(rac_callback_parse(path, &a, &back));
    assert_str(back.workflow_id, guid);
    assert_str(back.artifact, "A (b)");
    assert_int_equal(rac_sas_accept(&keys, &back, query, RAC_STR_NULL, now, &a, &fault),
                     RAC_SAS_ACCEPTED);
    back.form = RAC_CALLBACK_SCHEMA_CONTENT;
    assert_int_equal(rac_sas_accept(&keys, &back, query, RAC_STR_NULL, now, &a, &fault),
                     RAC_SAS_REFUSED);
    static const char *const bad[] = {
        "/integrationAccounts/0123456789abcdef0123456789abcdef/maps/A/contents/Content",
        "/integrationAccounts/0a1b2c3d-0000-4000-8000-00000000000f/maps/A",
        "/integrationAccounts/0a1b2c3d-0000-4000-8000-00000000000f/triggers/A/paths/invoke",
        "/workflows/0123456789abcdef0123456789abcdef/maps/A/contents/Content",
    };
    for (size_t i = 0; i < RAC_COUNT(bad); i++)
        if (rac_callback_parse(rac_str_of(bad[i]), &a, &back))
            fail_msg("read: %s", bad[i]);
}

static void test_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < RAC_COUNT(urls); i++) {
        round_trip(i, false);
        round_trip(i, true);
    }
    static const char *const bad[] = {
        "",
        "/",
        "/workflows",
        "/workflows/0123456789abcdef0123456789abcdef",
        "/workflows/0123456789abcdef0123456789abcdef/triggers//paths/invoke",
        "/workflows/0123456789abcdef0123456789abcdef/triggers/%zz/paths/invoke",
        "/workflows/0123456789abcdef/triggers/t/paths/invoke",
        "/workflows/0123456789abcdef0123456789abcde?/triggers/t/paths/invoke",
        "/workflows/0123456789abcdef0123456789abcdef/triggers/%ff/paths/invoke",
        "/workflows/0123456789abcdef0123456789abcdef/runs/R/actions/A/run/more",
        "/api/wf/triggers/t",
        "/api/wf",
        "/runtime/webhooks/workflow/scaleUnits/prod-00/",
    };
    struct rac_callback c;
    for (size_t i = 0; i < RAC_COUNT(bad); i++)
        if (rac_callback_parse(rac_str_of(bad[i]), &a, &c))
            fail_msg("read: %s", bad[i]);
    assert_true(rac_callback_parse(
        RAC_S("//WORKFLOWS/0123456789ABCDEF0123456789abcdef/Triggers/T/Paths/Invoke/a/b"), &a, &c));
    assert_str(c.workflow_id, "0123456789abcdef0123456789abcdef");
    assert_str(c.trigger, "T");
    assert_str(c.relative, "a/b");
}

/* Computed with another implementation:
 * printf '%s\n%s\n1.0' ID /triggers/manual/run | openssl dgst -sha256 -hmac KEY -binary | base64 */
static void test_signature(void **state)
{
    (void)state;
    char sig[RAC_SAS_TEXT];
    rac_sas_sign(primary, id, RAC_S("/triggers/manual/run"), RAC_STR_NULL, sig);
    assert_string_equal(sig, "KcHUpDx5EhyZPGCzWXekm1zPfVCyr8K5WY2uM-t_HoI");
    rac_sas_sign(primary, id, RAC_S("/triggers/manual/run"), RAC_S("2026-01-01T00:00:00.0000000Z"),
                 sig);
    assert_string_equal(sig, "Ut48nB_lpKEMPY0alKJeEUhuo80QF-4mxH1bKlA1kAk");
}

static const struct rac_callback manual = {.form = RAC_CALLBACK_TRIGGER,
                                           .workflow_id = RAC_S_INIT("0123456789abcdef"
                                                                     "0123456789abcdef"),
                                           .trigger = RAC_S_INIT("manual")};

static rac_str query_of(const struct rac_callback *c, rac_str key, rac_ms expires)
{
    struct rac_callback_place p = place(false);
    p.key = key;
    p.expires_ms = expires;
    rac_str url = rac_callback_url(&p, c, &a);
    return rac_str_from(url, rac_str_find_char(url, '?') + 1);
}

static void refused(rac_str query, const char *authorization, int status, const char *code)
{
    struct rac_sas_keys keys = {primary, secondary};
    struct rac_wf_fault fault = {0};
    enum rac_sas_verdict v =
        rac_sas_accept(&keys, &manual, query, rac_str_of(authorization), now, &a, &fault);
    if (status == 0) {
        if (v != RAC_SAS_ACCEPTED)
            fail_msg("%.*s: %s", RAC_FMT(query), fault.code);
        return;
    }
    assert_int_equal(v, RAC_SAS_REFUSED);
    assert_int_equal(fault.status, status);
    assert_string_equal(fault.code, code);
}

static void test_matrix(void **state)
{
    (void)state;
    struct rac_callback other = manual;
    rac_str good = query_of(&manual, primary, 0);
    refused(good, NULL, 0, NULL);
    refused(good, "Basic eA==", 0, NULL);
    refused(query_of(&manual, secondary, 0), NULL, 0, NULL);
    refused(query_of(&manual, RAC_S("another key"), 0), NULL, 401, "AuthorizationFailed");
    refused(RAC_S("api-version=2016-10-01"), NULL, 401, "DirectApiAuthorizationRequired");
    refused(RAC_STR_NULL, "Basic eA==", 401, "DirectApiAuthorizationRequired");
    refused(good, "Bearer x", 401, "DirectApiRequestHasMoreThanOneAuthorization");
    refused(query_of(&manual, primary, now + 1), NULL, 0, NULL);
    refused(query_of(&manual, primary, now), NULL, 401, "AuthorizationFailed");
    refused(rac_str_replace(&a, query_of(&manual, primary, now + 1), RAC_S("se="), RAC_S("xx=")),
            NULL, 401, "AuthorizationFailed");
    refused(rac_str_replace(&a, query_of(&manual, primary, now - 1), RAC_S("2025"), RAC_S("2027")),
            NULL, 401, "AuthorizationFailed");
    refused(rac_str_replace(&a, good, RAC_S("sv=1.0"), RAC_S("sv=1.1")), NULL, 401,
            "AuthorizationFailed");
    refused(RAC_S("sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig="), NULL, 401, "AuthorizationFailed");
    refused(RAC_S("sv=1.0&sig=abc"), NULL, 401, "AuthorizationFailed");
    refused(rac_str_replace(&a, good, RAC_S("run&"), RAC_S("run%00&")), NULL, 401,
            "AuthorizationFailed"); /* what stands behind a NUL is signed as well */
    other.trigger = RAC_S("other");
    refused(query_of(&other, primary, 0), NULL, 403, "AuthorizationFailed");
    other = (struct rac_callback){.form = RAC_CALLBACK_TRIGGER_VERSION,
                                  .workflow_id = id,
                                  .trigger = RAC_S("manual"),
                                  .version = RAC_S("1")};
    refused(query_of(&other, primary, 0), NULL, 403, "AuthorizationFailed");
    other.workflow_id = RAC_S("ffffffffffffffffffffffffffffffff");
    refused(query_of(&other, primary, 0), NULL, 401, "AuthorizationFailed");

    struct rac_sas_keys keys = {primary, RAC_STR_NULL};
    struct rac_wf_fault fault;
    assert_int_equal(
        rac_sas_accept(&keys, &manual, RAC_S("api-version=1"), RAC_S("bearer x"), now, &a, &fault),
        RAC_SAS_TOKEN);
    other.workflow_id = id; /* the trigger's own permission is good for its versions */
    assert_int_equal(rac_sas_accept(&keys, &other, good, RAC_STR_NULL, now, &a, &fault),
                     RAC_SAS_ACCEPTED);
    other.trigger = RAC_S("x");
    assert_int_equal(rac_sas_accept(&keys, &other, good, RAC_STR_NULL, now, &a, &fault),
                     RAC_SAS_REFUSED);
    assert_str(fault.message, "You do not have permissions to perform action 'run' on scope "
                              "'/triggers/x/versions/1/run'.");
}

/* Clients rewrite what they are given: padding, the other alphabet, plus for a space. */
static void test_tolerance(void **state)
{
    (void)state;
    struct rac_sas_keys keys = {primary, secondary};
    struct rac_wf_fault fault;
    struct rac_env_fake fake = {.seed = 3};
    struct rac_env env = rac_env_fake(&fake);
    int rewritten = 0;
    for (int i = 0; i < 300; i++) {
        unsigned char random[4];
        rac_env_random(&env, random, sizeof random);
        struct rac_callback c = manual;
        c.trigger = rac_arena_printf(&a, "a b+%02x%02x c", random[0], random[1]);
        rac_str query = query_of(&c, i % 2 ? primary : secondary, 0), sig;
        sig = rac_str_from(query, rac_str_find(query, RAC_S("sig=")) + 4);
        assert_int_equal(sig.n, 43);
        rac_str std = rac_str_replace(&a, rac_str_replace(&a, sig, RAC_S("-"), RAC_S("+")),
                                      RAC_S("_"), RAC_S("/"));
        rewritten += !rac_str_eq(std, sig);
        rac_str head = rac_str_sub(query, 0, query.n - sig.n);
        const char *tails[] = {"", "=", "%3D"};
        for (int k = 0; k < 6; k++) {
            rac_str q = rac_arena_printf(&a, "%.*s%.*s%s", RAC_FMT(head),
                                         RAC_FMT(k % 2 ? std : sig), tails[k / 2]);
            assert_int_equal(rac_sas_accept(&keys, &c, q, RAC_STR_NULL, now, &a, &fault),
                             RAC_SAS_ACCEPTED);
        }
        rac_str plus = rac_str_replace(&a, query, RAC_S("%20"), RAC_S("+"));
        assert_int_equal(rac_sas_accept(&keys, &c, plus, RAC_STR_NULL, now, &a, &fault),
                         RAC_SAS_ACCEPTED);
        /* one changed character of the signature */
        char *broken = rac_arena_cstr(&a, query);
        broken[query.n - 43 + random[2] % 42] ^= 1;
        assert_int_equal(
            rac_sas_accept(&keys, &c, rac_str_of(broken), RAC_STR_NULL, now, &a, &fault),
            RAC_SAS_REFUSED);
    }
    assert_true(rewritten > 100);
}

static void test_json(void **state)
{
    (void)state;
    struct rac_callback_place p = place(false);
    struct rac_callback c = manual;
    p.expires_ms = now;
    c.relative = RAC_S("customers/{id}/orders/{n}");
    struct rac_json v = rac_callback_json(&p, &c, RAC_S("POST"), &a);
    rac_str text = rac_json_print_str(&v, 0, &a);
    assert_true(rac_str_find(text, RAC_S("\"relativePathParameters\":[\"id\",\"n\"]")) !=
                RAC_STR_NPOS);
    assert_str(rac_json_str(RAC_JSON_GET(&v, "basePath"), RAC_S("")),
               "https://h.example/workflows/0123456789abcdef0123456789abcdef/triggers/manual/paths/"
               "invoke");
    assert_str(rac_json_str(RAC_JSON_GET(RAC_JSON_GET(&v, "queries"), "se"), RAC_S("")),
               "2026-01-01T00:00:00.0000000Z");
    assert_int_equal(rac_callback_content_expiry(now), now + 4 * 3600000);
    assert_int_equal(rac_callback_content_expiry(now + 3599999), now + 4 * 3600000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),      cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_signature), cmocka_unit_test(test_matrix),
        cmocka_unit_test(test_tolerance), cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
