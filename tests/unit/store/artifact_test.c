/* Integration accounts, maps and schemas: what is kept, for whom, and what goes. */
#include "fixture.h"

static const struct rac_artifact_store *as;

static int setup(void **state)
{
    int failed = fixture_setup(state);
    as = failed ? NULL : rac_store_artifacts(((struct fixture *)*state)->ses);
    return failed;
}

static rac_err account(struct fixture *f, const char *tenant, const char *id, const char *name,
                       bool create, int64_t if_version)
{
    struct rac_account_save r = {
        .create = create,
        .id = rac_str_of(id),
        .group = rac_str_of(create ? "00000000-0000-0000-0000-000000000001" : NULL),
        .name = rac_str_of(name),
        .properties = RAC_S("{\"location\": \"here\"}"),
        .if_version = if_version,
        .actor = {.at_ms = 1000}};
    as->account_save(as->self, rac_str_of(tenant), &r, fixture_done, f);
    return fixture_wait(f);
}

static rac_err map(struct fixture *f, const char *tenant, const char *account_id, const char *name,
                   const char *bytes, int64_t if_version)
{
    struct rac_artifact_save r = {.account = rac_str_of(account_id),
                                  .kind = RAC_ARTIFACT_MAP,
                                  .name = rac_str_of(name),
                                  .properties = RAC_S("{}"),
                                  .content_type = RAC_S("application/xml"),
                                  .bytes = rac_str_of(bytes),
                                  .if_version = if_version,
                                  .actor = {.at_ms = 2000}};
    as->artifact_save(as->self, rac_str_of(tenant), &r, fixture_done, f);
    return fixture_wait(f);
}

static rac_err get(struct fixture *f, const char *tenant, const char *account_id,
                   enum rac_artifact_kind kind, const char *name, struct rac_artifact_row *out)
{
    return as->artifact_get(as->self, rac_str_of(tenant), rac_str_of(account_id), kind,
                            rac_str_of(name), &f->a, out);
}

static rac_err drop(struct fixture *f, const char *account_id, const char *name, int64_t if_version)
{
    const struct rac_actor actor = {.at_ms = 3000};
    as->artifact_delete(as->self, TENANT, rac_str_of(account_id), RAC_ARTIFACT_MAP,
                        rac_str_of(name), if_version, &actor, fixture_done, f);
    return fixture_wait(f);
}

#define T "00000000-0000-0000-0000-000000000001"

static void kept_and_replaced(void **state)
{
    struct fixture *f = *state;
    struct rac_artifact_row r;
    struct rac_account_row x;
    assert_int_equal(account(f, T, "a1", "Trade", true, 0), RAC_OK);
    assert_int_equal(account(f, T, "a2", "trade", true, 0), RAC_E_EXISTS);
    assert_int_equal(as->account_find(as->self, TENANT, GROUP, RAC_S("TRADE"), &f->a, &x), RAC_OK);
    assert_str(x.id, "a1");
    assert_int_equal(account(f, T, "a1", NULL, false, 7), RAC_E_CONFLICT);
    assert_int_equal(account(f, T, "a1", NULL, false, 1), RAC_OK);
    assert_int_equal(map(f, T, "a1", "Order", "<one/>", 0), RAC_OK);
    assert_int_equal(get(f, T, "a1", RAC_ARTIFACT_MAP, "order", &r), RAC_OK);
    assert_str(r.bytes, "<one/>");
    assert_int_equal(r.version, 1);
    assert_int_equal(r.digest.n, 64);
    rac_str before = r.digest;
    assert_int_equal(map(f, T, "a1", "Order", "<two/>", 5), RAC_E_CONFLICT);
    assert_int_equal(map(f, T, "a1", "Order", "<two/>", 1), RAC_OK);
    assert_int_equal(get(f, T, "a1", RAC_ARTIFACT_MAP, "Order", &r), RAC_OK);
    assert_str(r.bytes, "<two/>");
    assert_int_equal(r.version, 2);
    assert_false(rac_str_eq(r.digest, before));
    assert_int_equal(get(f, T, "a1", RAC_ARTIFACT_SCHEMA, "Order", &r), RAC_E_NOT_FOUND);
    assert_int_equal(map(f, T, "nowhere", "Order", "<x/>", 0), RAC_E_NOT_FOUND);
    fixture_close(f);
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    as = rac_store_artifacts(f->ses);
    assert_int_equal(get(f, T, "a1", RAC_ARTIFACT_MAP, "Order", &r), RAC_OK);
    assert_str(r.bytes, "<two/>");
}

/* Contents are shared: one goes with the last that has it, and not before. */
static void contents_that_are_shared(void **state)
{
    struct fixture *f = *state;
    struct rac_artifact_row r;
    assert_int_equal(account(f, T, "a1", "one", true, 0), RAC_OK);
    assert_int_equal(map(f, T, "a1", "A", "<same/>", 0), RAC_OK);
    assert_int_equal(map(f, T, "a1", "B", "<same/>", 0), RAC_OK);
    assert_int_equal(fixture_connector(f, "c1", "<same/>"), RAC_OK);
    assert_int_equal(map(f, T, "a1", "A", "<other/>", 0), RAC_OK);
    assert_int_equal(get(f, T, "a1", RAC_ARTIFACT_MAP, "B", &r), RAC_OK);
    assert_str(r.bytes, "<same/>");
    assert_int_equal(drop(f, "a1", "B", 9), RAC_E_CONFLICT);
    assert_int_equal(drop(f, "a1", "B", 1), RAC_OK);
    assert_int_equal(drop(f, "a1", "B", 0), RAC_E_NOT_FOUND);
    assert_int_equal(get(f, T, "a1", RAC_ARTIFACT_MAP, "B", &r), RAC_E_NOT_FOUND);
    assert_int_equal(get(f, T, "a1", RAC_ARTIFACT_MAP, "A", &r), RAC_OK);
    const struct rac_actor actor = {.at_ms = 3000};
    as->account_delete(as->self, TENANT, RAC_S("a1"), 0, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(get(f, T, "a1", RAC_ARTIFACT_MAP, "A", &r), RAC_E_NOT_FOUND);
    struct rac_account_row x;
    assert_int_equal(as->account_get(as->self, TENANT, RAC_S("a1"), &f->a, &x), RAC_E_NOT_FOUND);
}

static void another_tenant(void **state)
{
    struct fixture *f = *state;
    struct rac_artifact_row r;
    struct rac_account_row x, *rows;
    size_t n;
    bool more;
    const struct rac_actor actor = {.at_ms = 1000};
    f->i->tenant_create(f->i->self, RAC_S("t2"), RAC_S("elsewhere"), &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(account(f, T, "a1", "one", true, 0), RAC_OK);
    assert_int_equal(map(f, T, "a1", "A", "<a/>", 0), RAC_OK);
    assert_int_equal(as->account_get(as->self, RAC_S("t2"), RAC_S("a1"), &f->a, &x),
                     RAC_E_NOT_FOUND);
    assert_int_equal(get(f, "t2", "a1", RAC_ARTIFACT_MAP, "A", &r), RAC_E_NOT_FOUND);
    assert_int_equal(map(f, "t2", "a1", "A", "<b/>", 0), RAC_E_NOT_FOUND);
    assert_int_equal(as->account_list(as->self, RAC_S("t2"), RAC_STR_NULL, RAC_STR_NULL, 0, &f->a,
                                      &rows, &n, &more),
                     RAC_OK);
    assert_int_equal(n, 0);
    as->account_delete(as->self, RAC_S("t2"), RAC_S("a1"), 0, &actor, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_E_NOT_FOUND);
    assert_int_equal(get(f, T, "a1", RAC_ARTIFACT_MAP, "A", &r), RAC_OK);
}

static void an_account_is_full(void **state)
{
    struct fixture *f = *state;
    struct rac_artifact_row *rows;
    size_t n;
    bool more;
    char name[16];
    assert_int_equal(account(f, T, "a1", "one", true, 0), RAC_OK);
    for (int i = 0; i < RAC_ARTIFACTS_MAX; i++) {
        snprintf(name, sizeof name, "m%04d", i);
        struct rac_artifact_save r = {.account = RAC_S("a1"),
                                      .name = rac_str_of(name),
                                      .properties = RAC_S("{}"),
                                      .content_type = RAC_S("text/plain"),
                                      .bytes = RAC_S("x"),
                                      .actor = {.at_ms = 1}};
        as->artifact_save(as->self, TENANT, &r, fixture_done, f);
    }
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(map(f, T, "a1", "more", "y", 0), RAC_E_LIMIT);
    assert_int_equal(map(f, T, "a1", "m0001", "y", 0), RAC_OK);
    assert_int_equal(as->artifact_list(as->self, TENANT, RAC_S("a1"), RAC_ARTIFACT_MAP,
                                       RAC_S("m0997"), 1, &f->a, &rows, &n, &more),
                     RAC_OK);
    assert_true(n == 1 && more);
    assert_str(rows[0].name, "m0998");
}

/* Keys are sealed, come by the account's id alone, and are given once to an account without. */
static void keys_of_an_account(void **state)
{
    struct fixture *f = *state;
    struct rac_account_row x;
    struct rac_account_save r = {.id = RAC_S("a1"),
                                 .key1 = RAC_S("one-----------------------------"),
                                 .key2 = RAC_S("two-----------------------------"),
                                 .actor = {.at_ms = 2000}};
    assert_int_equal(account(f, T, "a1", "one", true, 0), RAC_OK);
    assert_int_equal(as->account_any(as->self, RAC_S("a1"), &f->a, &x), RAC_OK);
    assert_null(x.key1.p);
    assert_str(x.tenant, T);
    as->account_keys(as->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    r.key1 = RAC_S("another-------------------------");
    as->account_keys(as->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    assert_int_equal(as->account_any(as->self, RAC_S("a1"), &f->a, &x), RAC_OK);
    assert_true(x.version == 1 && rac_str_starts(x.key1, RAC_S("one-")));
    r.key2 = RAC_STR_NULL;
    as->account_save(as->self, TENANT, &r, fixture_done, f);
    assert_int_equal(fixture_wait(f), RAC_OK);
    fixture_close(f);
    const struct rac_store_options o = {.dir = rac_str_of(f->dir), .env = &rac_env_system};
    int64_t n = 0;
    assert_int_equal(rac_store_rotate(&o, true, &f->a, &n, &f->why), RAC_OK);
    assert_true(n >= 2);
    assert_int_equal(fixture_open(f, NULL), RAC_OK);
    as = rac_store_artifacts(f->ses);
    assert_int_equal(as->account_any(as->self, RAC_S("a1"), &f->a, &x), RAC_OK);
    assert_true(rac_str_starts(x.key1, RAC_S("another-")) && rac_str_starts(x.key2, RAC_S("two-")));
    assert_str(x.properties, "{\"location\": \"here\"}");
    assert_int_equal(as->account_any(as->self, RAC_S("a2"), &f->a, &x), RAC_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kept_and_replaced, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(contents_that_are_shared, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(another_tenant, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(an_account_is_full, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(keys_of_an_account, setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
