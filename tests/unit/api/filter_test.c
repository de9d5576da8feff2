/* $filter of workflow lists: what is understood, and what is said of the rest. */
#include "unit.h"

#include "api/ops/workflow_filter.h"

static void understood(void **state)
{
    struct rac_arena a;
    struct rac_flow_filter f;
    rac_str why = RAC_STR_NULL;
    (void)state;
    rac_arena_init(&a, 1 << 20);
    assert_true(
        rac_flow_filter_parse(RAC_S("status eq 'Failed' and startTime ge 2024-01-02T03:04:05Z "
                                    "and startTime lt 2024-01-03"),
                              &a, &f, &why));
    assert_int_equal(f.statuses_n, 1);
    assert_true(rac_str_eq(f.statuses[0], RAC_S("Failed")));
    assert_int_equal(f.from_ms, 1704164645000);
    assert_int_equal(f.to_ms, 1704240000000 - 1);
    assert_true(rac_flow_filter_parse(RAC_S("(Status eq 'Failed' OR properties/status eq "
                                            "'Cancelled') and clientTrackingId eq 'it''s'"),
                                      &a, &f, &why));
    assert_int_equal(f.statuses_n, 2);
    assert_true(rac_str_eq(f.tracking, RAC_S("it's")));
    assert_true(
        rac_flow_filter_parse(RAC_S("state eq 'Enabled' and trigger eq 'manual'"), &a, &f, &why));
    assert_true(rac_str_eq(f.state, RAC_S("Enabled")));
    assert_true(rac_str_eq(f.trigger, RAC_S("manual")));
    assert_int_equal(f.fields, RAC_FILTER_STATE | RAC_FILTER_TRIGGER);
    assert_true(rac_flow_filter_parse(RAC_S("startTime ge 2024-01-03 and startTime gt 2024-01-02 "
                                            "and startTime lt 2024-01-04 and startTime le "
                                            "2024-01-05"),
                                      &a, &f, &why));
    assert_int_equal(f.from_ms, 1704240000000);
    assert_int_equal(f.to_ms, 1704326400000 - 1);
    /* the epoch is a time as every other, and not "any" */
    assert_true(rac_flow_filter_parse(RAC_S("startTime le '1970-01-01'"), &a, &f, &why));
    assert_true(f.to_ms < 0);
    assert_true(rac_flow_filter_parse(RAC_S("startTime lt 1970-01-01T00:00:00.001Z and startTime "
                                            "lt 2024-01-04"),
                                      &a, &f, &why));
    assert_true(f.to_ms < 0);
    rac_arena_fini(&a);
}

static void refused(void **state)
{
    static const char *const texts[] = {
        "",
        "status",
        "status eq",
        "status eq 'Failed",
        "status ne 'Failed'",
        "colour eq 'red'",
        "status eq 'a' or status eq 'b'",
        "(status eq 'a' or state eq 'b')",
        "(status eq 'a'",
        "startTime ge tomorrow",
        "startTime about 2024-01-01",
        "status eq 'a' and",
        "status eq 'a' and status eq 'b'",
        "(status eq 'a' or status eq 'b') and status eq 'a'",
        "(status eq '1' or status eq '2' or status eq '3' or status eq '4' or status eq '5' or "
        "status "
        "eq '6' or status eq '7' or status eq '8' or status eq '9')",
    };
    (void)state;
    for (size_t i = 0; i < RAC_COUNT(texts); i++) {
        struct rac_arena a;
        struct rac_flow_filter f;
        rac_str why = RAC_STR_NULL;
        rac_arena_init(&a, 1 << 20);
        if (rac_flow_filter_parse(rac_str_of(texts[i]), &a, &f, &why) || why.n == 0)
            fail_msg("%s: %.*s", texts[i], RAC_FMT(why));
        rac_arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(understood),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
