/* Tokens, roles, and every decision: role x action x how one stands to the thing. */
#include "test_arena.h"

#include "iam/iam.h"

static void test_roles(void **state)
{
    (void)state;
    unsigned role;
    assert_true(rac_role_parse(RAC_S("Maker"), &role) && role == RAC_ROLE_MAKER);
    assert_false(rac_role_parse(RAC_S("owner"), &role));
    assert_false(rac_role_parse(RAC_S(""), &role));
    assert_str(rac_role_name(RAC_ROLE_OPERATOR), "operator");
    assert_str(rac_roles_print(&a, RAC_ROLE_ALL, ','),
               "reader,maker,certifier,administrator,operator");
    assert_str(rac_roles_print(&a, 0, ','), "");
}

static void test_token_form(void **state)
{
    (void)state;
    struct rac_token_text t, u;
    uint8_t digest[32];
    rac_token_new(&rac_env_system, &t);
    rac_token_new(&rac_env_system, &u);
    assert_string_not_equal(t.text, u.text);
    assert_int_equal(strlen(t.text), 64);
    assert_int_equal(strlen(t.id), 16);
    assert_memory_equal(t.text + 4, t.id, 16);
    assert_true(rac_token_digest(rac_str_of(t.text), digest));
    assert_memory_equal(digest, t.digest, 32);
    static const char *const bad[] = {"", "rac_", "Bearer x", "rac_0123456789abcdef_short"};
    for (size_t i = 0; i < RAC_COUNT(bad); i++)
        assert_false(rac_token_digest(rac_str_of(bad[i]), digest));
    for (size_t i = 0; i < 64; i++) {
        char c = t.text[i];
        t.text[i] = ' ';
        assert_false(rac_token_digest(rac_str_of(t.text), digest));
        t.text[i] = c;
    }
}

/* --- decisions --- */

enum { N_ROLES = RAC_ROLES_N };

/* Ways to stand to a thing, one letter each. */
static const char ways[] = "xgveo"; /* none, everyone in group, shared view, edit, own */

#define ALL  "xgveo"
#define VIEW "gveo"
#define EDIT "eo"
#define OWN  "o"
#define NO   ""

/* What each role may, written down a second time: by hand, from architecture §2 and connectors.md
 * §8.2, so that a slip in permissions.def does not confirm itself. */
static const struct {
    enum rac_action action;
    const char *may[N_ROLES]; /* reader, maker, certifier, administrator, operator */
} want[] = {
    {RAC_MAY_CONNECTOR_LIST, {ALL, ALL, ALL, ALL, NO}},
    {RAC_MAY_CONNECTOR_READ, {VIEW, VIEW, ALL, ALL, NO}},
    {RAC_MAY_CONNECTOR_CREATE, {NO, ALL, NO, ALL, NO}},
    {RAC_MAY_CONNECTOR_EDIT, {NO, EDIT, NO, ALL, NO}},
    {RAC_MAY_CONNECTOR_DELETE, {NO, OWN, NO, ALL, NO}},
    {RAC_MAY_CONNECTOR_SHARE_VIEW, {NO, EDIT, NO, ALL, NO}},
    {RAC_MAY_CONNECTOR_SHARE, {NO, OWN, NO, ALL, NO}},
    {RAC_MAY_CONNECTOR_SUBMIT, {NO, OWN, NO, ALL, NO}},
    {RAC_MAY_CONNECTOR_CERTIFY, {NO, NO, ALL, NO, NO}},
    {RAC_MAY_CONNECTION_LIST, {ALL, ALL, NO, ALL, NO}},
    {RAC_MAY_CONNECTION_READ, {VIEW, VIEW, NO, ALL, NO}},
    {RAC_MAY_CONNECTION_CREATE, {NO, VIEW, NO, ALL, NO}},
    {RAC_MAY_CONNECTION_USE, {NO, VIEW, NO, VIEW, NO}},
    {RAC_MAY_CONNECTION_EDIT, {NO, EDIT, NO, ALL, NO}},
    {RAC_MAY_CONNECTION_DELETE, {NO, OWN, NO, ALL, NO}},
    {RAC_MAY_CONNECTION_SHARE, {NO, OWN, NO, ALL, NO}},
    {RAC_MAY_WORKFLOW_LIST, {ALL, ALL, NO, ALL, NO}},
    {RAC_MAY_WORKFLOW_READ, {ALL, ALL, NO, ALL, NO}},
    {RAC_MAY_WORKFLOW_CREATE, {NO, ALL, NO, ALL, NO}},
    {RAC_MAY_WORKFLOW_EDIT, {NO, OWN, NO, ALL, NO}},
    {RAC_MAY_WORKFLOW_RUN, {NO, OWN, NO, ALL, NO}},
    {RAC_MAY_ARTIFACT_LIST, {ALL, ALL, NO, ALL, NO}},
    {RAC_MAY_ARTIFACT_READ, {ALL, ALL, NO, ALL, NO}},
    {RAC_MAY_ARTIFACT_CREATE, {NO, ALL, NO, ALL, NO}},
    {RAC_MAY_ARTIFACT_EDIT, {NO, OWN, NO, ALL, NO}},
    {RAC_MAY_GROUP_LIST, {ALL, ALL, ALL, ALL, ALL}},
    {RAC_MAY_GROUP_READ, {ALL, ALL, ALL, ALL, ALL}},
    {RAC_MAY_GROUP_EDIT, {NO, NO, NO, ALL, NO}},
    {RAC_MAY_USER_LIST, {NO, NO, NO, ALL, NO}},
    {RAC_MAY_USER_READ, {OWN, OWN, OWN, ALL, OWN}},
    {RAC_MAY_USER_EDIT, {NO, NO, NO, ALL, NO}},
    {RAC_MAY_TOKEN_LIST, {OWN, OWN, OWN, ALL, OWN}},
    {RAC_MAY_TOKEN_CREATE, {OWN, OWN, OWN, ALL, OWN}},
    {RAC_MAY_TOKEN_REVOKE, {OWN, OWN, OWN, ALL, OWN}},
    {RAC_MAY_AUDIT_READ, {NO, NO, NO, ALL, NO}},
    {RAC_MAY_TENANT_LIST, {NO, NO, NO, NO, ALL}},
    {RAC_MAY_TENANT_EDIT, {NO, NO, NO, NO, ALL}},
    {RAC_MAY_SETTING_READ, {NO, NO, NO, NO, ALL}},
    {RAC_MAY_SETTING_EDIT, {NO, NO, NO, NO, ALL}},
    {RAC_MAY_BACKUP, {NO, NO, NO, NO, ALL}},
    {RAC_MAY_METRICS_READ, {NO, NO, NO, ALL, ALL}},
};

static struct rac_resource thing(char way)
{
    struct rac_resource r = {.tenant = RAC_S("T"), .group = RAC_S("G"), .owner = RAC_S("somebody")};
    if (way == 'o')
        r.owner = RAC_S("me");
    if (way == 'v')
        r.shared = RAC_RELATION_VIEW;
    if (way == 'e')
        r.shared = RAC_RELATION_EDIT;
    r.everyone_in_group = way == 'g';
    return r;
}

static struct rac_principal me(struct rac_role_grant *g)
{
    return (struct rac_principal){.tenant = RAC_S("T"),
                                  .user = RAC_S("me"),
                                  .user_name = RAC_S("Me"),
                                  .grants = g,
                                  .grants_n = 1};
}

static void test_every_decision(void **state)
{
    (void)state;
    assert_int_equal(RAC_COUNT(want), RAC_ACTIONS_N);
    size_t decisions = 0;
    for (size_t i = 0; i < RAC_COUNT(want); i++)
        for (unsigned role = 0; role < N_ROLES; role++)
            for (const char *way = ways; *way; way++) {
                struct rac_role_grant whole = {.roles = 1u << role},
                                      here = {.group = RAC_S("G"), .roles = 1u << role},
                                      there = {.group = RAC_S("H"), .roles = 1u << role};
                struct rac_resource r = thing(*way);
                bool expected = strchr(want[i].may[role], *way) != NULL;
                struct rac_principal p = me(&whole);
                if (rac_iam_may(&p, want[i].action, &r) != expected)
                    fail_msg("%.*s as %.*s, way %c: want %d",
                             RAC_FMT(rac_action_name(want[i].action)),
                             RAC_FMT(rac_role_name(1u << role)), *way, expected);
                p = me(&here);
                assert_int_equal(rac_iam_may(&p, want[i].action, &r), expected);

                /* A role in another group counts for shares only, as reader and maker. */
                p = me(&there);
                bool shared = (*way == 'v' || *way == 'e') && role <= 1;
                assert_int_equal(rac_iam_may(&p, want[i].action, &r), shared && expected);

                /* No role, another tenant, a token for another group: nothing. */
                p.grants_n = 0;
                assert_false(rac_iam_may(&p, want[i].action, &r));
                p = me(&whole);
                p.only_group = RAC_S("H");
                assert_false(rac_iam_may(&p, want[i].action, &r));
                p = me(&whole);
                p.tenant = RAC_S("U");
                assert_false(rac_iam_may(&p, want[i].action, &r));
                decisions++;
            }
    assert_int_equal(decisions, RAC_ACTIONS_N * N_ROLES * strlen(ways));
}

static void test_why_not(void **state)
{
    (void)state;
    struct rac_role_grant reader = {.roles = RAC_ROLE_READER};
    struct rac_principal p = me(&reader);
    struct rac_resource r = thing('o');
    rac_str s = rac_iam_why_not(&a, &p, RAC_MAY_CONNECTOR_EDIT, &r);
    assert_str(s, "connector.edit needs the role maker/administrator here; an administrator can "
                  "grant it");
    reader.roles = RAC_ROLE_MAKER;
    r = thing('v');
    s = rac_iam_why_not(&a, &p, RAC_MAY_CONNECTION_USE, &r);
    assert_true(s.n > 0);
    r = thing('x');
    s = rac_iam_why_not(&a, &p, RAC_MAY_CONNECTION_USE, &r);
    assert_true(rac_str_find(s, RAC_S("not shared with Me")) != RAC_STR_NPOS);
}

static void test_grant(void **state)
{
    (void)state;
    struct rac_role_grant g = {.roles = RAC_ROLE_ADMINISTRATOR};
    struct rac_principal p = me(&g);
    rac_str group = RAC_S("G"), none = RAC_STR_NULL;
    assert_true(rac_iam_may_grant(&p, none, RAC_ROLE_ALL & ~RAC_ROLE_OPERATOR));
    assert_false(rac_iam_may_grant(&p, none, RAC_ROLE_OPERATOR));
    g.roles |= RAC_ROLE_OPERATOR;
    assert_true(rac_iam_may_grant(&p, none, RAC_ROLE_OPERATOR));
    assert_false(rac_iam_may_grant(&p, group, RAC_ROLE_OPERATOR));
    g.roles = RAC_ROLE_MAKER;
    assert_true(rac_iam_may_grant(&p, group, RAC_ROLE_MAKER));
    assert_false(rac_iam_may_grant(&p, group, RAC_ROLE_MAKER | RAC_ROLE_READER));
    g = (struct rac_role_grant){.group = group, .roles = RAC_ROLE_ADMINISTRATOR};
    assert_true(rac_iam_may_grant(&p, group, RAC_ROLE_CERTIFIER));
    assert_false(rac_iam_may_grant(&p, none, RAC_ROLE_CERTIFIER));
    assert_false(rac_iam_may_grant(&p, RAC_S("H"), RAC_ROLE_CERTIFIER));
    g.group = RAC_STR_NULL;
    p.only_group = group;
    assert_true(rac_iam_may_grant(&p, group, RAC_ROLE_MAKER));
    assert_false(rac_iam_may_grant(&p, none, RAC_ROLE_MAKER));
}

/* --- authentication against a store of our own --- */

struct fake {
    uint64_t counter;
    int finds;
    struct rac_token_row row;
    uint8_t digest[32];
    struct rac_role_grant grants[2];
};

static uint64_t fake_counter(void *self)
{
    return ((struct fake *)self)->counter;
}

static rac_err fake_find(void *self, const uint8_t digest[32], struct rac_arena *to,
                         struct rac_token_row *out)
{
    struct fake *f = self;
    f->finds++;
    if (memcmp(digest, f->digest, 32) != 0)
        return RAC_E_NOT_FOUND;
    *out = f->row;
    out->grants = RAC_NEW_N(to, struct rac_role_grant, 2);
    memcpy(out->grants, f->grants, sizeof f->grants);
    out->grants_n = 2;
    return RAC_OK;
}

static void test_authenticate(void **state)
{
    (void)state;
    struct rac_env_fake clock = {.wall_ms = 1000, .seed = 1};
    struct rac_env env = rac_env_fake(&clock);
    struct fake f = {
        .row = {.id = RAC_S("i"), .tenant = RAC_S("T"), .user = RAC_S("u"), .expires_ms = 5000},
        .grants = {{.roles = RAC_ROLE_MAKER | RAC_ROLE_OPERATOR},
                   {.group = RAC_S("G"), .roles = RAC_ROLE_CERTIFIER}}};
    const struct rac_iam_store store = {
        .self = &f, .counter = fake_counter, .token_find = fake_find};
    struct rac_token_text t, other;
    rac_token_new(&env, &t);
    rac_token_new(&env, &other);
    memcpy(f.digest, t.digest, 32);
    struct rac_iam *iam = rac_iam_new(&store, &env);
    const struct rac_principal *p;
    assert_int_equal(rac_iam_authenticate(iam, rac_str_of(t.text), &p), RAC_OK);
    assert_int_equal(rac_iam_authenticate(iam, rac_str_of(t.text), &p), RAC_OK);
    assert_int_equal(f.finds, 1);
    assert_int_equal(p->grants_n, 2);
    assert_int_equal(rac_principal_roles(p, RAC_S("G")),
                     RAC_ROLE_MAKER | RAC_ROLE_OPERATOR | RAC_ROLE_CERTIFIER);
    assert_int_equal(rac_principal_roles(p, RAC_STR_NULL), RAC_ROLE_MAKER | RAC_ROLE_OPERATOR);
    struct rac_principal *copy = rac_principal_copy(&a, p);
    assert_int_equal(rac_iam_authenticate(iam, rac_str_of(other.text), &p), RAC_E_UNAUTHENTICATED);
    assert_str(copy->user, "u");
    assert_str(copy->grantees[0], "u");

    clock.wall_ms = 5000; /* expired, though cached */
    assert_int_equal(rac_iam_authenticate(iam, rac_str_of(t.text), &p), RAC_E_UNAUTHENTICATED);
    clock.wall_ms = 1000;

    /* narrowed to a group and roles: the operator role stays out of groups */
    f.row.group = RAC_S("G");
    f.row.roles = RAC_ROLE_MAKER | RAC_ROLE_OPERATOR;
    assert_int_equal(rac_iam_authenticate(iam, rac_str_of(t.text), &p), RAC_OK);
    assert_null(p->only_group.p); /* still the cached one */
    f.counter++;
    assert_int_equal(rac_iam_authenticate(iam, rac_str_of(t.text), &p), RAC_OK);
    assert_int_equal(rac_principal_roles(p, RAC_S("G")), RAC_ROLE_MAKER);
    assert_int_equal(rac_principal_roles(p, RAC_S("H")), 0);
    assert_int_equal(rac_principal_roles(p, RAC_STR_NULL), 0);

    f.row.revoked_ms = 900;
    f.counter++;
    assert_int_equal(rac_iam_authenticate(iam, rac_str_of(t.text), &p), RAC_E_UNAUTHENTICATED);
    f.row.revoked_ms = 0;
    f.row.user_disabled = true;
    assert_int_equal(rac_iam_authenticate(iam, rac_str_of(t.text), &p), RAC_E_UNAUTHENTICATED);
    rac_iam_free(iam);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_roles),   T(test_token_form), T(test_every_decision),
        T(test_why_not), T(test_grant),      T(test_authenticate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
