#include "unit.h"

#include "base/dec.h"
#include "base/env.h"

static struct rac_dec dec(const char *text)
{
    struct rac_dec d;
    assert_true(rac_dec_parse(rac_str_of(text), &d));
    return d;
}

static void check(rac_err e, struct rac_dec d, const char *want)
{
    char text[RAC_DEC_TEXT];
    assert_int_equal(e, RAC_OK);
    rac_dec_print(d, text);
    assert_string_equal(text, want);
}

static void arithmetic_keeps_scales(void **state RAC_UNUSED)
{
    struct rac_dec d;
    check(rac_dec_mul(dec("1.5"), dec("2.0"), &d), d, "3.00");
    check(rac_dec_add(dec("1.50"), dec("2"), &d), d, "3.50");
    check(rac_dec_sub(dec("1"), dec("1.00"), &d), d, "0.00");
    check(rac_dec_div(dec("1"), dec("8"), &d), d, "0.125");
    check(rac_dec_div(dec("1"), dec("3"), &d), d, "0.3333333333333333333333333333");
    check(rac_dec_div(dec("2"), dec("3"), &d), d, "0.6666666666666666666666666667");
    check(rac_dec_div(dec("100"), dec("0.01"), &d), d, "10000");
    check(rac_dec_mod(dec("-7.5"), dec("2"), &d), d, "-1.5");
    check(rac_dec_mod(dec("2.0"), dec("-12345.6789"), &d), d, "2.0"); /* smaller: as it is */
    check(RAC_OK, dec("-0.00"), "0.00");
    check(RAC_OK, dec("79228162514264337593543950335"), "79228162514264337593543950335");
}

static void limits_are_errors(void **state RAC_UNUSED)
{
    struct rac_dec d;
    assert_false(rac_dec_parse(RAC_S("79228162514264337593543950336"), &d));
    assert_false(rac_dec_parse(RAC_S("."), &d));
    assert_false(rac_dec_parse(RAC_S("1e3"), &d));
    assert_int_equal(rac_dec_add(dec("79228162514264337593543950335"), dec("1"), &d), RAC_E_LIMIT);
    assert_int_equal(rac_dec_mul(dec("79228162514264337593543950335"), dec("2"), &d), RAC_E_LIMIT);
    assert_int_equal(rac_dec_div(dec("1"), dec("0.0"), &d), RAC_E_INVALID);
    assert_int_equal(rac_dec_div(dec("79228162514264337593543950335"), dec("0.1"), &d),
                     RAC_E_LIMIT);
}

static void numbers_cross_over(void **state RAC_UNUSED)
{
    struct rac_dec d;
    int64_t i;
    assert_true(rac_dec_of_double(0.1, &d));
    check(RAC_OK, d, "0.1");
    assert_true(rac_dec_of_double(-1234567.25, &d));
    check(RAC_OK, d, "-1234567.25");
    assert_true(rac_dec_of_double(1e20, &d));
    check(RAC_OK, d, "100000000000000000000");
    assert_false(rac_dec_of_double(1e300, &d));
    assert_true(rac_dec_of_double(1e-300, &d) && rac_dec_is_zero(d));
    assert_true(rac_dec_to_int(dec("5.00"), &i) && i == 5);
    assert_false(rac_dec_to_int(dec("5.01"), &i));
    assert_int_equal(rac_dec_cmp(dec("1.0"), dec("1.00")), 0);
    assert_int_equal(rac_dec_cmp(dec("-2"), dec("1")), -1);
}

/* (x + y) - y == x, and x / y * y is x or next to it, for random small numbers. */
static void random_numbers_agree(void **state RAC_UNUSED)
{
    struct rac_env_fake f = {.seed = 3};
    struct rac_env env = rac_env_fake(&f);
    for (int n = 0; n < 5000; n++) {
        uint64_t r[2];
        rac_env_random(&env, r, sizeof r);
        struct rac_dec x = {.c = r[0] >> 20, .scale = r[0] % 10, .neg = r[0] & 1}, sum, back;
        struct rac_dec y = {.c = r[1] >> 20, .scale = r[1] % 10, .neg = r[1] & 1}, q, p, e;
        assert_int_equal(rac_dec_add(x, y, &sum), RAC_OK);
        assert_int_equal(rac_dec_sub(sum, y, &back), RAC_OK);
        assert_int_equal(rac_dec_cmp(back, x), 0);
        if (rac_dec_is_zero(y))
            continue;
        assert_int_equal(rac_dec_div(x, y, &q), RAC_OK);
        assert_int_equal(rac_dec_mul(q, y, &p), RAC_OK);
        assert_int_equal(rac_dec_sub(p, x, &e), RAC_OK);
        double error = rac_dec_to_double(e);
        assert_true(error > -1e-9 && error < 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic_keeps_scales),
        cmocka_unit_test(limits_are_errors),
        cmocka_unit_test(numbers_cross_over),
        cmocka_unit_test(random_numbers_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
