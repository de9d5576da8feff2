/* Round trips, determinism, and everything a stranger's zip may try. */
#include "test_arena.h"

#include "text/zip.h"

static rac_str zipped(const struct rac_zip_entry *v, size_t n)
{
    struct rac_buf b;
    rac_buf_init(&b, 64 << 20);
    assert_int_equal(rac_zip_write(v, n, &b), RAC_OK);
    rac_str s = rac_buf_take(&b, &a);
    rac_buf_fini(&b);
    return s;
}

static void round_trip(void **state)
{
    (void)state;
    char *big = rac_arena_alloc(&a, 300000);
    for (size_t i = 0; i < 300000; i++)
        big[i] = (char)(i * i >> 7);
    const struct rac_zip_entry in[] = {
        {RAC_S("p/apiDefinition.swagger.json"), RAC_S("{\"swagger\":\"2.0\"}")},
        {RAC_S("p/empty"), RAC_S("")},
        {RAC_S("\xc3\xa9.bin"), {big, 300000}},
    };
    rac_str z = zipped(in, 3);
    assert_true(rac_zip_is(z));
    assert_true(rac_str_eq(z, zipped(in, 3)));
    struct rac_zip_entry *out;
    size_t n;
    assert_int_equal(rac_zip_read(z, NULL, &a, &out, &n, NULL), RAC_OK);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(rac_str_eq(out[i].name, in[i].name) && rac_str_eq(out[i].bytes, in[i].bytes));
    rac_str none = zipped(NULL, 0);
    assert_true(rac_zip_is(none));
    assert_int_equal(rac_zip_read(none, NULL, &a, &out, &n, NULL), RAC_OK);
    assert_int_equal(n, 0);
    struct rac_buf small;
    rac_buf_init(&small, 100);
    assert_int_equal(rac_zip_write(in, 3, &small), RAC_E_LIMIT);
    rac_buf_fini(&small);
}

static void names(void **state)
{
    (void)state;
    static const char *const bad[] = {"../x", "a/../x", "/x", "a//b",   "C:x",
                                      "a\\b", "a/./b",  "..", "x\x01y", "a/../"};
    struct rac_zip_entry *out;
    size_t n;
    rac_str why;
    for (size_t i = 0; i < RAC_COUNT(bad); i++) {
        /* libzip itself refuses some; so a good name is written and patched afterwards */
        size_t len = strlen(bad[i]);
        char *good = rac_arena_alloc(&a, len + 1);
        memset(good, '#', len);
        struct rac_zip_entry e = {{good, len}, RAC_S("y")};
        rac_str z = zipped(&e, 1);
        for (size_t at; (at = rac_str_find(z, e.name)) != RAC_STR_NPOS;)
            memcpy((char *)z.p + at, bad[i], len);
        rac_err got = rac_zip_read(z, NULL, &a, &out, &n, &why);
        if (got != RAC_E_INVALID)
            fail_msg("%s: %s", bad[i], rac_err_name(got));
        assert_true(why.n > 0);
    }
    struct rac_zip_entry twice[] = {{RAC_S("aa"), RAC_S("1")}, {RAC_S("ab"), RAC_S("2")}};
    rac_str z = zipped(twice, 2);
    for (size_t at; (at = rac_str_find(z, RAC_S("ab"))) != RAC_STR_NPOS;)
        ((char *)z.p)[at + 1] = 'a';
    assert_int_not_equal(rac_zip_read(z, NULL, &a, &out, &n, &why), RAC_OK);
}

static void caps(void **state)
{
    (void)state;
    size_t size = 8 << 20;
    struct rac_zip_entry e = {RAC_S("zeros"), {rac_arena_alloc(&a, size), size}}, *out;
    rac_str bomb = zipped(&e, 1), why;
    size_t n;
    assert_true(bomb.n < 20000);
    assert_int_equal(rac_zip_read(bomb, NULL, &a, &out, &n, &why), RAC_E_LIMIT); /* ratio */
    struct rac_zip_limits l = {.ratio_max = 100000};
    assert_int_equal(rac_zip_read(bomb, &l, &a, &out, &n, NULL), RAC_OK);
    l.entry_bytes_max = size;
    assert_int_equal(rac_zip_read(bomb, &l, &a, &out, &n, NULL), RAC_OK);
    l.entry_bytes_max = size - 1;
    assert_int_equal(rac_zip_read(bomb, &l, &a, &out, &n, NULL), RAC_E_LIMIT);
    l.entry_bytes_max = size;
    l.total_bytes_max = size - 1;
    assert_int_equal(rac_zip_read(bomb, &l, &a, &out, &n, NULL), RAC_E_LIMIT);
    struct rac_zip_entry many[20];
    for (size_t i = 0; i < 20; i++)
        many[i] = (struct rac_zip_entry){rac_arena_printf(&a, "f%zu", i), RAC_S("x")};
    l = (struct rac_zip_limits){.entries_max = 19};
    assert_int_equal(rac_zip_read(zipped(many, 20), &l, &a, &out, &n, &why), RAC_E_LIMIT);
    l.entries_max = 20;
    assert_int_equal(rac_zip_read(zipped(many, 20), &l, &a, &out, &n, &why), RAC_OK);
}

/* As tools of Windows write names; what would leave a folder is refused all the same. */
static void foreign_names(void **state)
{
    (void)state;
    static const struct {
        const char *written, *name; /* NULL: refused */
    } rows[] = {{"a\\b", "a/b"},  {"./ab", "ab"},     {".\\ab", "ab"},  {"..\\x", NULL},
                {"\\abc", NULL},  {"a\\..\\b", NULL}, {"a\\\\b", NULL}, {"./../a", NULL},
                {"C:\\ab", NULL}, {"./", NULL}};
    struct rac_zip_limits limits = {.foreign_names = true};
    struct rac_zip_entry *out;
    size_t n;
    for (size_t i = 0; i < RAC_COUNT(rows); i++) {
        size_t len = strlen(rows[i].written);
        char *good = rac_arena_alloc(&a, len + 1);
        memset(good, '#', len);
        struct rac_zip_entry e = {{good, len}, RAC_S("y")};
        rac_str z = zipped(&e, 1);
        for (size_t at; (at = rac_str_find(z, e.name)) != RAC_STR_NPOS;)
            memcpy((char *)z.p + at, rows[i].written, len);
        rac_err got = rac_zip_read(z, &limits, &a, &out, &n, NULL);
        assert_int_equal(got, rows[i].name != NULL ? RAC_OK : RAC_E_INVALID);
        if (rows[i].name != NULL)
            assert_true(n == 1 && rac_str_eq(out[0].name, rac_str_of(rows[i].name)));
    }
}

static void damaged(void **state)
{
    (void)state;
    struct rac_zip_entry e = {RAC_S("a"), RAC_S("some text, some text, some text")}, *out;
    size_t n;
    rac_str z = zipped(&e, 1), why;
    assert_int_equal(rac_zip_read(RAC_S("PK nonsense"), NULL, &a, &out, &n, &why), RAC_E_SYNTAX);
    assert_int_equal(rac_zip_read(RAC_S(""), NULL, &a, &out, &n, &why), RAC_E_SYNTAX);
    assert_false(rac_zip_is(RAC_S("{}")));
    for (size_t i = 0; i < z.n; i++) { /* every truncation, every byte turned: never a crash */
        (void)!rac_zip_read(rac_str_sub(z, 0, i), NULL, &a, &out, &n, &why);
        ((char *)z.p)[i] ^= 0x55;
        (void)!rac_zip_read(z, NULL, &a, &out, &n, &why);
        ((char *)z.p)[i] ^= 0x55;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(names, setup, teardown),
        cmocka_unit_test_setup_teardown(foreign_names, setup, teardown),
        cmocka_unit_test_setup_teardown(caps, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
