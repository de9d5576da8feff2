#include "unit.h"

#include "workflow/definition/ident.h"

static struct rac_env_fake fake;
static struct rac_env env;

static int setup(void **state)
{
    (void)state;
    fake = (struct rac_env_fake){.wall_ms = 1700000000123, .seed = 7};
    env = rac_env_fake(&fake);
    return 0;
}

/* The example of the specification, and the arithmetic checked by hand:
 * 2^63-1 - 08584648327511354300 = 638723709343421507 ticks = 2025-01-13T13:15:34.3421507Z. */
static void test_example(void **state)
{
    (void)state;
    rac_ms t;
    assert_true(rac_run_name_parse(RAC_S("08584648327511354300630092291CU00"), &t));
    assert_int_equal(t, 1736774134342);
    assert_true(rac_run_name_parse(RAC_S("08584648327511354300630092291"), &t));
    assert_int_equal(t, 1736774134342);
    static const char *const bad[] = {"",
                                      "08584648327511354300630092291CU0",
                                      "08584648327511354300630092291CUxx",
                                      "08584648327511354300630092291DU00",
                                      "0858464832751135430063009229xCU00",
                                      "-8584648327511354300630092291CU00",
                                      "08584648327511354300630092291CU000",
                                      "99999999999999999999630092291CU00"};
    for (size_t i = 0; i < RAC_COUNT(bad); i++)
        assert_false(rac_run_name_parse(rac_str_of(bad[i]), &t));
}

static void test_names(void **state)
{
    (void)state;
    struct rac_namer n = {.env = &env};
    char name[RAC_RUN_NAME_TEXT], last[RAC_RUN_NAME_TEXT] = "";
    for (unsigned i = 0; i < 20000; i++) {
        unsigned shards = 1 + i % 64, shard = i % shards;
        rac_ms start = 1700000000000 + i / 4000, back;
        rac_run_name(&n, start, shard, shards, name);
        assert_int_equal(strlen(name), 33);
        assert_int_equal(rac_name_owner(rac_str_of(name), shards), shard);
        assert_true(rac_run_name_parse(rac_str_of(name), &back));
        assert_int_equal(back, start);
        if (i > 0)
            assert_true(strcmp(name, last) < 0); /* newest first, and none twice */
        memcpy(last, name, sizeof last);
    }
}

/* Published values of FNV-1a, 64 bit: servers of two versions must agree. */
static void test_owner(void **state)
{
    (void)state;
    assert_int_equal(rac_name_owner(RAC_S(""), 1000), 0xcbf29ce484222325u % 1000);
    assert_int_equal(rac_name_owner(RAC_S("a"), 1000), 0xaf63dc4c8601ec8cu % 1000);
    assert_int_equal(rac_name_owner(RAC_S("foobar"), 1000), 0x85944171f73967e8u % 1000);
    assert_int_equal(rac_name_owner(RAC_S("foobar"), 1), 0);
}

static void test_other_ids(void **state)
{
    (void)state;
    char version[RAC_VERSION_NAME_TEXT], id[RAC_WORKFLOW_ID_TEXT], other[RAC_WORKFLOW_ID_TEXT];
    rac_ms t;
    rac_version_name(1736774134342, version);
    assert_string_equal(version, "08584648327511355807");
    assert_true(rac_version_name_parse(rac_str_of(version), &t));
    assert_int_equal(t, 1736774134342);
    assert_false(rac_version_name_parse(RAC_S("0858464832751135580"), &t));
    rac_workflow_id(&env, id);
    rac_workflow_id(&env, other);
    assert_true(rac_workflow_id_is(rac_str_of(id)));
    assert_string_not_equal(id, other);
    assert_false(rac_workflow_id_is(RAC_S("0123456789ABCDEF0123456789abcdef")));
    assert_false(rac_workflow_id_is(RAC_S("0123456789abcdef")));
}

static void test_references(void **state)
{
    (void)state;
    rac_str guid = RAC_S("22222222-bbbb-4000-8000-00000000000f");
    assert_true(rac_workflow_guid_is(guid));
    assert_false(rac_workflow_guid_is(RAC_S("22222222-bbbb-4000-8000-00000000000g")));
    assert_false(rac_workflow_guid_is(RAC_S("22222222bbbb40008000000000000000")));
    assert_true(rac_workflow_name_is(RAC_S("Child"), RAC_S("child")));
    assert_true(rac_workflow_name_is(RAC_S("Child-22222222-BBBB-4000-8000-00000000000F"), guid));
    assert_false(rac_workflow_name_is(RAC_S("Child22222222-bbbb-4000-8000-00000000000f"), guid));
    assert_false(rac_workflow_name_is(RAC_S("A-Child"), RAC_S("Child")));
    assert_true(rac_workflow_name_is(guid, guid));
}

static void assert_api_names(const char *api, const char *wanted)
{
    rac_str v[RAC_API_NAMES_MAX];
    char text[128] = "";
    for (size_t i = 0, n = rac_workflow_api_names(rac_str_of(api), v); i < n; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s", i ? " " : "",
                       RAC_FMT(v[i]));
    assert_string_equal(text, wanted);
}

static void test_api_names(void **state)
{
    (void)state;
    assert_api_names("", "");
    assert_api_names("/providers/Microsoft.PowerApps/apis/shared_quai", "quai");
    assert_api_names("shared_quai-5fdeadbeef00000000", "quai");
    assert_api_names("shared_tide-20table-5feca8e1ea20c64f-2de1df1a592ec41e", "tide-20table");
    assert_api_names("shared_tide-20table-eca8e1ea20c64f00", "tide-20table");
    assert_api_names("shared_new-5fquai-5f0123456789abcdef", "new-5fquai quai new");
    assert_api_names("shared_quai.5fnew.5f0123456789abcdef", "quai.5fnew new quai");
    assert_api_names("shared_quai-5fx", "quai-5fx x quai");
    assert_api_names("shared_-5f0123456789abcdef", "-5f0123456789abcdef");
}

static void test_repetitions(void **state)
{
    (void)state;
    char text[RAC_REPETITION_NAME_TEXT];
    uint32_t v[RAC_REPETITION_LEVELS_MAX];
    size_t n;
    assert_int_equal(rac_repetition_name((uint32_t[]){2, 13}, 2, text), 13);
    assert_string_equal(text, "000002-000013");
    assert_true(rac_repetition_name_parse(rac_str_of(text), v, &n));
    assert_int_equal(n, 2);
    assert_int_equal(v[0], 2);
    assert_int_equal(v[1], 13);
    rac_repetition_name((uint32_t[]){4000000000u}, 1, text);
    assert_true(rac_repetition_name_parse(rac_str_of(text), v, &n));
    assert_int_equal(v[0], 4000000000u);
    static const char *const bad[] = {"",       "00002",   "000002-", "-000002",
                                      "00000x", "0000002", "+00002",  "99999999999"};
    for (size_t i = 0; i < RAC_COUNT(bad); i++)
        assert_false(rac_repetition_name_parse(rac_str_of(bad[i]), v, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_example, setup),
        cmocka_unit_test_setup(test_names, setup),
        cmocka_unit_test_setup(test_owner, setup),
        cmocka_unit_test_setup(test_other_ids, setup),
        cmocka_unit_test_setup(test_references, setup),
        cmocka_unit_test_setup(test_api_names, setup),
        cmocka_unit_test_setup(test_repetitions, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
