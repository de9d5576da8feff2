#include "quoted.h"

#include "access_test_data.h"
#include "base/base64.h"
#include "crypto/jwt_sign.h"
#include "crypto/jwt_verify.h"
#include "key_pair.h"
#include "workflow/definition/access.h"

static const rac_ms now = 1700000000000;

static struct rac_access *compile(const char *text)
{
    struct rac_access *x;
    struct rac_json *v = RAC_NEW(&a, struct rac_json);
    *v = json(text);
    assert_int_equal(rac_access_compile(v, RAC_S(""), &a, &x, NULL), RAC_OK);
    return x;
}

/* --- addresses --------------------------------------------------------------------------------- */

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *range, *address;
        bool in;
    } cases[] = {
        {"192.168.12.0/23", "192.168.13.255", true},
        {"192.168.12.0/23", "192.168.14.0", false},
        {"192.168.12.77/23", "192.168.12.1", true},
        {"10.0.0.1-10.0.0.9", "10.0.0.1", true},
        {"10.0.0.1 - 10.0.0.9", "10.0.0.9", true},
        {"10.0.0.1-10.0.0.9", "10.0.0.10", false},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"10.0.0.1", "::ffff:10.0.0.1", true},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"2001:db8::1-2001:db8::ff", "2001:db8::80", true},
        {"10.0.0.0/8", "nonsense", false},
        {"10.0.0.0/8", "", false},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_wf_fault fault;
        rac_str text = rac_arena_printf(
            &a, "{'triggers':{'allowedCallerIpAddresses':[{'addressRange':'%s'}]}}",
            cases[i].range);
        struct rac_access *x = compile(text.p);
        if (rac_access_address(x, RAC_ACCESS_TRIGGERS, rac_str_of(cases[i].address), false, &a,
                               &fault) != cases[i].in)
            fail_msg("%s in %s", cases[i].address, cases[i].range);
        if (!cases[i].in)
            assert_int_equal(fault.status, 401);
        assert_true(rac_access_address(x, RAC_ACCESS_TRIGGERS, RAC_S("1.1.1.1"), true, &a, &fault));
        assert_true(
            rac_access_address(x, RAC_ACCESS_CONTENTS, RAC_S("1.1.1.1"), false, &a, &fault));
    }
}

static void test_empty_lists(void **state)
{
    (void)state;
    struct rac_wf_fault fault = {0};
    struct rac_access *x = compile(
        "{'triggers':{'allowedCallerIpAddresses':[]},'actions':{'allowedCallerIpAddresses':[]},"
        "'contents':{'allowedCallerIpAddresses':[]},"
        "'workflowManagement':{'allowedCallerIpAddresses':[]}}");
    rac_str from = RAC_S("10.0.0.1");
    assert_false(rac_access_address(x, RAC_ACCESS_TRIGGERS, from, false, &a, &fault));
    assert_int_equal(fault.status, 401);
    assert_true(rac_access_address(x, RAC_ACCESS_TRIGGERS, from, true, &a, &fault));
    assert_false(rac_access_address(x, RAC_ACCESS_ACTIONS, from, false, &a, &fault));
    assert_false(rac_access_address(x, RAC_ACCESS_CONTENTS, from, true, &a, &fault));
    assert_int_equal(fault.status, 403);
    assert_true(rac_access_address(x, RAC_ACCESS_MANAGEMENT, from, false, &a, &fault));
    x = compile("null");
    for (int s = 0; s < RAC_ACCESS_SECTIONS; s++)
        assert_true(rac_access_address(x, (enum rac_access_section)s, from, false, &a, &fault));
}

static void refuses(const char *text, const char *want)
{
    struct rac_access *x;
    struct rac_json v = json(text);
    struct rac_diags d;
    rac_str got = RAC_S("");
    rac_diags_init(&d, &a, 20);
    rac_err e = rac_access_compile(&v, RAC_S(""), &a, &x, &d);
    for (size_t i = 0; i < d.n; i++)
        got = rac_arena_printf(&a, "%.*s%s%.*s", RAC_FMT(got), i > 0 ? " " : "",
                               RAC_FMT(d.v[i].pointer));
    if (!rac_str_eq(got, rac_str_of(want)))
        fail_msg("%s: %.*s, want %s", text, RAC_FMT(got), want);
    assert_int_equal(e, *want == '\0' ? RAC_OK : RAC_E_INVALID);
    struct rac_wf_fault fault; /* whoever goes on in spite of it lets nobody in */
    if (e != RAC_OK)
        assert_false(
            rac_access_address(x, RAC_ACCESS_TRIGGERS, RAC_S("10.0.0.1"), false, &a, &fault));
}

/* What the setting allows; an entry is no beginning of a longer host name. */
static void test_issuers(void **state)
{
    (void)state;
    rac_str why;
    static const char text[] =
        "{'triggers':{'openAuthenticationPolicies':{'policies':{'p':{'type':'AAD','claims':[{'name'"
        ":'iss','value':'%s'}]}}}}}";
    static const struct {
        const char *list, *issuer;
        bool good;
    } cases[] = {
        {NULL, "https://sts.windows.net/t/", true},
        {NULL, "https://id.example/", false},
        {"https://id.example", "https://id.example", true},
        {"https://id.example", "https://id.example/realms/a", true},
        {"https://id.example", "https://id.example.evil/", false},
        {"https://id.example", "https://sts.windows.net/t/", false},
        {" https://a.example/x/ ,https://id.example/,", "https://a.example/x/y", true},
        {"https://a.example/x/ https://id.example/", "https://id.example/z", true},
        {"https://a.example/x/", "https://a.example/y", false},
        {"", "https://sts.windows.net/t/", false},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        rac_access_issuers_clear();
        if (cases[i].list != NULL)
            assert_int_equal(rac_access_issuers_read(rac_str_of(cases[i].list), &a, &why), RAC_OK);
        rac_str policy =
            rac_str_replace(&a, rac_str_of(text), RAC_S("%s"), rac_str_of(cases[i].issuer));
        refuses(rac_arena_cstr(&a, policy),
                cases[i].good ? "" : "/triggers/openAuthenticationPolicies/policies/p/claims/0");
    }
    static const char *const bad[] = {"id.example", "https://a.example/?x", "ftp://a.example",
                                      "https://a.example/#x"};
    for (size_t i = 0; i < RAC_COUNT(bad); i++)
        assert_int_equal(rac_access_issuers_read(rac_str_of(bad[i]), &a, &why), RAC_E_INVALID);
    rac_access_issuers_clear();
}

static void test_values(void **state)
{
    (void)state;
#define POLICY(p) "{'triggers':{'openAuthenticationPolicies':{'policies':{'p':" p "}}}}"
#define AT        "/triggers/openAuthenticationPolicies/policies/p"
    refuses("null", "");
    refuses("{'triggers':5}", "/triggers");
    refuses("{'triggers':{'allowedCallerIpAddresses':{}}}", "/triggers/allowedCallerIpAddresses");
    refuses("{'actions':{'allowedCallerIpAddresses':[{'addressRange':'10.0.0.0/33'},'x',"
            "{'addressRange':'10.0.0.9-10.0.0.1'},{'addressRange':'10.0.0.1-::1'},"
            "{'addressRange':'1.2.3'}]}}",
            "/actions/allowedCallerIpAddresses/0 /actions/allowedCallerIpAddresses/1 "
            "/actions/allowedCallerIpAddresses/2 /actions/allowedCallerIpAddresses/3 "
            "/actions/allowedCallerIpAddresses/4");
    refuses(POLICY("{'type':'AAD','claims':[{'name':'iss','value':'https://sts.windows.net/t/'}]}"),
            "");
    refuses(
        POLICY("{'type':'GitHub','claims':[{'name':'iss','value':'https://sts.windows.net/'}]}"),
        AT "/type");
    refuses(POLICY("{'type':'AAD','claims':[{'name':'aud','value':'x'}]}"), AT "/claims");
    refuses(POLICY("{'type':'AAD'}"), AT "/claims");
    refuses(POLICY("{'type':'AAD','claims':[{'name':'iss','value':'https://evil/'},{'name':'x'}]}"),
            AT "/claims/0 " AT "/claims/1");
}

/* --- tokens ------------------------------------------------------------------------------------ */

static struct rac_json held;
static const struct rac_json *at_hand; /* keys; NULL: none */
static rac_str asked_for;

static const struct rac_json *get_keys(void *self, rac_str issuer)
{
    (void)self;
    asked_for = issuer;
    return at_hand;
}
static const struct rac_access_keys keys = {.get = get_keys};

static rac_str token_of(const char *claims)
{
    rac_str jwt;
    const char *why;
    struct rac_json v = json(claims);
    assert_int_equal(rac_jwt_sign_rs256(rac_json_print_str(&v, 0, &a),
                                        rac_str_of(test_certificate_pem), rac_str_of(test_key_pem),
                                        &a, &jwt, &why),
                     RAC_OK);
    return rac_str_concat(&a, RAC_S("Bearer "), jwt);
}

static struct rac_json rsa_keys(const char *more)
{
    return json(rac_arena_printf(&a,
                                 "{'keys':[{'kty':'oct','k':'AAAA'},{'kty':'RSA','e':'AQAB',"
                                 "'n':'%s'%s}]}",
                                 test_rsa_n, more)
                    .p);
}

static const char two_policies[] =
    "{'triggers':{'openAuthenticationPolicies':{'policies':{"
    "'strict':{'type':'aad','claims':[{'name':'iss','value':'https://sts.windows.net/t/'},"
    "{'name':'aud','value':'a'},{'name':'roles','value':'admin'},{'name':'n','value':'5'}]},"
    "'loose':{'type':'AAD','claims':[{'name':'iss','value':'https://sts.windows.net/t/'},"
    "{'name':'aud','value':'b'}]}}}}}";

static void verdict(rac_str authorization, enum rac_access_verdict want, int status,
                    const char *code)
{
    struct rac_access_token t;
    struct rac_access *x = compile(two_policies);
    enum rac_access_verdict v =
        rac_access_token(x, RAC_ACCESS_TRIGGERS, authorization, &keys, now, &a, &t);
    if (v != want)
        fail_msg("%.*s: %d, want %d (%s)", RAC_FMT(rac_str_sub(authorization, 0, 60)), v, want,
                 t.fault.code);
    if (v != RAC_ACCESS_REFUSED)
        return;
    assert_int_equal(t.fault.status, status);
    assert_string_equal(t.fault.code, code);
}

static void test_policies(void **state)
{
    (void)state;
    held = rsa_keys("");
    at_hand = &held;
    static const char *const good[] = {
        "{'iss':'https://sts.windows.net/t/','aud':'b','exp':1700003600}",
        "{'iss':'https://sts.windows.net/t/','aud':['x','b'],'exp':1700000000,'nbf':1700000200}",
        "{'iss':'https://sts.windows.net/t/','aud':'a','roles':['user','admin'],'n':5,"
        "'exp':1700003600}",
    };
    for (size_t i = 0; i < RAC_COUNT(good); i++)
        verdict(token_of(good[i]), RAC_ACCESS_ALLOWED, 0, NULL);
    static const char *const mismatched[] = {
        "{'iss':'https://sts.windows.net/t/','aud':'c','exp':1700003600}",
        "{'iss':'https://sts.windows.net/u/','aud':'b','exp':1700003600}",
        "{'iss':'https://sts.windows.net/t/','aud':'a','n':5,'exp':1700003600}",
        "{'iss':'https://sts.windows.net/t/','aud':'a','n':5,'roles':'adminx','exp':1700003600}",
        "{'aud':'b','exp':1700003600}",
        "{'iss':'https://sts.windows.net/t/','aud':{'b':'b'},'exp':1700003600}",
    };
    for (size_t i = 0; i < RAC_COUNT(mismatched); i++) {
        asked_for = RAC_STR_NULL;
        verdict(token_of(mismatched[i]), RAC_ACCESS_REFUSED, 403, "MisMatchingOAuthClaims");
        assert_null(asked_for.p); /* nothing is fetched for such */
    }
    static const char *const outdated[] = {
        "{'iss':'https://sts.windows.net/t/','aud':'b','exp':1699999600}",
        "{'iss':'https://sts.windows.net/t/','aud':'b','exp':1700003600,'nbf':1700000400}",
        "{'iss':'https://sts.windows.net/t/','aud':'b'}",
    };
    for (size_t i = 0; i < RAC_COUNT(outdated); i++)
        verdict(token_of(outdated[i]), RAC_ACCESS_REFUSED, 401, "AuthorizationFailed");
}

static void test_forgery(void **state)
{
    (void)state;
    held = rsa_keys("");
    const char *claims = "{'iss':'https://sts.windows.net/t/','aud':'b','exp':1700003600}";
    rac_str good = token_of(claims), rest;
    at_hand = &held;
    verdict(RAC_S("Bearer abc"), RAC_ACCESS_REFUSED, 401, "AuthorizationFailed");
    verdict(RAC_S("Basic eA=="), RAC_ACCESS_REFUSED, 401, "AuthorizationFailed");
    verdict(RAC_STR_NULL, RAC_ACCESS_REFUSED, 401, "AuthorizationFailed");
    for (size_t i = good.n - 342; i < good.n; i += 31) { /* a changed signature */
        char *forged = rac_arena_cstr(&a, good);
        forged[i] = forged[i] == 'A' ? 'B' : 'A';
        verdict(rac_str_of(forged), RAC_ACCESS_REFUSED, 401, "AuthorizationFailed");
    }
    /* the same signature under other claims */
    struct rac_json v = json("{'iss':'https://sts.windows.net/t/','aud':'b','exp':1700003601}");
    rac_str head = rac_str_cut(good, '.', &rest);
    rac_str tail = rac_str_from(rest, rac_str_find_char(rest, '.'));
    verdict(rac_arena_printf(&a, "%.*s.%.*s%.*s", RAC_FMT(head),
                             RAC_FMT(rac_base64url_encode(&a, rac_json_print_str(&v, 0, &a))),
                             RAC_FMT(tail)),
            RAC_ACCESS_REFUSED, 401, "AuthorizationFailed");
    /* algorithms that anybody can sign with */
    static const char *const headers[] = {"{\"alg\":\"none\"}", "{\"alg\":\"HS256\"}", "{}",
                                          "{\"alg\":\"rs256\"}",
                                          "{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}"};
    for (size_t i = 0; i < RAC_COUNT(headers); i++)
        verdict(rac_arena_printf(&a, "Bearer %.*s.%.*s",
                                 RAC_FMT(rac_base64url_encode(&a, rac_str_of(headers[i]))),
                                 RAC_FMT(rest)),
                RAC_ACCESS_REFUSED, 401, "AuthorizationFailed");
}

static void test_keys(void **state)
{
    (void)state;
    rac_str good = token_of("{'iss':'https://sts.windows.net/t/','aud':'b','exp':1700003600}");
    at_hand = NULL;
    verdict(good, RAC_ACCESS_FETCH, 0, NULL);
    assert_str(asked_for, "https://sts.windows.net/t/");
    static const struct {
        const char *more;
        enum rac_access_verdict want;
    } cases[] = {
        {",'use':'sig','alg':'RS256','kid':'x'", RAC_ACCESS_ALLOWED}, /* no kid in the token */
        {",'use':'enc'", RAC_ACCESS_FETCH},
        {",'alg':'PS256'", RAC_ACCESS_FETCH},
        {",'alg':'RS512'", RAC_ACCESS_FETCH},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        held = rsa_keys(cases[i].more);
        at_hand = &held;
        verdict(good, cases[i].want, 0, NULL);
    }
    held = json("{'keys':[]}");
    at_hand = &held;
    verdict(good, RAC_ACCESS_FETCH, 0, NULL);
    held = json("{'keys':[{'kty':'RSA'}]}");
    verdict(good, RAC_ACCESS_REFUSED, 401, "AuthorizationFailed");
    struct rac_access_token t;
    struct rac_access *x = compile("{}");
    assert_int_equal(rac_access_token(x, RAC_ACCESS_TRIGGERS, good, &keys, now, &a, &t),
                     RAC_ACCESS_REFUSED);
    assert_string_equal(t.fault.code, "OpenAuthenticationPolicyNotFound");
    assert_false(rac_access_has_policies(x, RAC_ACCESS_TRIGGERS));
}

static void test_elliptic(void **state)
{
    (void)state;
    struct rac_json claims;
    static const struct {
        const char *kid, *curve, *kty;
        rac_err want;
    } cases[] = {
        {"e1", "P-256", "EC", RAC_OK},
        {"e2", "P-256", "EC", RAC_E_NOT_FOUND},
        {"e1", "P-384", "EC", RAC_E_NOT_FOUND},
        {"e1", "P-256", "RSA", RAC_E_NOT_FOUND},
    };
    for (size_t i = 0; i < RAC_COUNT(cases); i++) {
        struct rac_json set = json(
            rac_arena_printf(&a, "{'keys':[{'kty':'%s','crv':'%s','kid':'%s','x':'%s','y':'%s'}]}",
                             cases[i].kty, cases[i].curve, cases[i].kid, test_ec_x, test_ec_y)
                .p);
        assert_int_equal(rac_jwt_verify(rac_str_of(test_ec_token), &set, &a, &claims),
                         cases[i].want);
        if (cases[i].want == RAC_OK)
            assert_str(rac_json_str(RAC_JSON_GET(&claims, "aud"), RAC_S("")), "a");
    }
}

/* The library that checks signatures ends the process over base64url of lengths that cannot be. */
static void test_impossible_lengths(void **state)
{
    struct rac_json claims;
    rac_str good = rac_str_of(test_ec_token);
    (void)state;
    struct rac_json set = json(
        rac_arena_printf(&a, "{'keys':[{'kty':'EC','crv':'P-256','kid':'e1','x':'%s','y':'%s'}]}",
                         test_ec_x, test_ec_y)
            .p);
    for (size_t less = 1; less < 6; less++)
        assert_int_not_equal(rac_jwt_verify(rac_str_sub(good, 0, good.n - less), &set, &a, &claims),
                             RAC_OK);
    struct rac_json odd = json(
        rac_arena_printf(
            &a, "{'keys':[{'kty':'EC','crv':'P-256','kid':'e1','x':'%s','y':'AAAAA'}]}", test_ec_x)
            .p);
    assert_int_not_equal(rac_jwt_verify(good, &odd, &a, &claims), RAC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_empty_lists),
        cmocka_unit_test(test_issuers),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_forgery),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_elliptic),
        cmocka_unit_test(test_impossible_lengths),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
